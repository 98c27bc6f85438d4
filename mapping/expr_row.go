package mapping

import (
	"maps"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// An expression about one row of a table names its cells: 金额, or row["含税金额(元)"] where the label is no name. In a record, and for
// Names, a cell is "row." and its label, so that it is not taken for a field of the whole object.
const (
	rowGroup  = "row"
	rowPrefix = "row."
)

// rowScope is what an expression about one row may name: its cells, and what the scope of the whole object has.
func rowScope(whole *scope, table string) *scope {
	s := *whole
	s.of = "row of " + table
	s.kinds, s.types, s.groups = maps.Clone(s.kinds), maps.Clone(s.types), maps.Clone(s.groups)
	s.cells = map[string]bool{}
	s.group(rowGroup, rowPrefix)
	return &s
}

// withCells adds each name of the source that is nothing else as a cell of the row. Which columns a table has is known only when its
// template is read.
func (s *scope) withCells(source string) *scope {
	tree, err := parser.Parse(source)
	if err != nil { // the compiler says it better
		return s
	}
	names := cellNames{other: map[string]bool{"$env": true}}
	ast.Walk(&tree.Node, &names)
	out := *s
	out.kinds, out.types, out.cells = maps.Clone(s.kinds), maps.Clone(s.types), map[string]bool{}
	for _, name := range names.found {
		if _, known := out.kinds[name]; !known && !names.other[name] {
			out.add(name, kindComponent)
			out.cells[name] = true
		}
	}
	return &out
}

// plainName is the name of a field that is a variable of its own.
func (s *scope) plainName(name string, k valueKind) exprName {
	if s.cells[name] {
		return exprName{name: rowPrefix + name, kind: k, label: name, cell: true}
	}
	return exprName{name: name, kind: k, label: name}
}

// cellNames finds the names of an expression, and those of functions and of its own variables.
type cellNames struct {
	found []string
	other map[string]bool
}

// Visit implements ast.Visitor.
func (c *cellNames) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		c.found = append(c.found, n.Value)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			c.other[callee.Value] = true
		}
	case *ast.VariableDeclaratorNode:
		c.other[n.Name] = true
	}
}

// rowRecord is the record of expressions about one row.
func rowRecord(whole Record, row map[string]any) Record {
	rec := make(Record, len(whole)+len(row))
	maps.Copy(rec, whole)
	for label, v := range row {
		rec[rowPrefix+label] = v
	}
	return rec
}
