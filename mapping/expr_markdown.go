package mapping

import (
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// The expressions of a markdown field are rewritten: of what they put together, the texts that stand in the expression in quotes are the
// mapping's own words, and markdown() and raw() make markdown; everything else is inserted.

// asMarkdown is the scope for the expressions of a field that is shown as markdown.
func (s *scope) asMarkdown() *scope {
	out := *s
	out.markdown = true
	return &out
}

// The functions of rewritten expressions. A person cannot write such names.
const (
	insertedText  = "inserted text"
	insertedTexts = "inserted texts"
	markedCall    = "marked markdown"
	shortCall     = "short markdown"
)

// insertion are the options that rewrite an expression which was checked. They serve one compilation.
func insertion() []expr.Option {
	nodes := new(nodeCount)
	return []expr.Option{
		expr.Patch(nodes), expr.Patch(inserter{nodes}),
		expr.Function(insertedText, textFunction("markdown", inserted), new(func(any) string)),
		expr.Function(insertedTexts, insertEach, new(func(any) []string)),
		expr.Function(markedCall, textFunction("markdown", markedHTML), new(func(any) string)),
		expr.Function(shortCall, shortFunction(shortMarkdown), new(func(any, int) string), new(func(any, int64) string)),
	}
}

// nodeCount counts the nodes of an expression.
type nodeCount int

// Visit implements ast.Visitor.
func (c *nodeCount) Visit(*ast.Node) { *c++ }

// insertEach inserts the texts of a list.
func insertEach(args ...any) (any, error) {
	texts, ok := plainTexts(args[0])
	if !ok {
		return nil, unexpected(args[0], "a list of texts")
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = inserted(text)
	}
	return out, nil
}

// inserter rewrites an expression as a whole: its last node.
type inserter struct{ left *nodeCount }

// Visit implements ast.Visitor.
func (i inserter) Visit(node *ast.Node) {
	if *i.left--; *i.left == 0 {
		ast.Patch(node, i.text(*node))
	}
}

// text rewrites an expression whose result is a part of the text: it goes down to what the result is put together of.
func (i inserter) text(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.StringNode:
		return n
	case *ast.ConditionalNode:
		n.Exp1, n.Exp2 = i.text(n.Exp1), i.text(n.Exp2)
		return n
	case *ast.VariableDeclaratorNode:
		n.Expr = i.text(n.Expr)
		return n
	case *ast.SequenceNode:
		last := len(n.Nodes) - 1
		n.Nodes[last] = i.text(n.Nodes[last])
		return n
	case *ast.BinaryNode:
		if isText(n) && n.Operator == "+" {
			n.Left, n.Right = i.text(n.Left), i.text(n.Right)
			return n
		}
	case *ast.CallNode:
		switch {
		case calls(n, "raw"):
			return n
		case calls(n, "markdown"):
			return function(markedCall, n.Arguments...)
		case calls(n, "short"):
			return function(shortCall, i.text(n.Arguments[0]), n.Arguments[1])
		}
	case *ast.BuiltinNode:
		if n.Name == "join" {
			n.Arguments[0] = i.texts(n.Arguments[0])
			for at := range n.Arguments[1:] {
				n.Arguments[1+at] = i.text(n.Arguments[1+at])
			}
			return n
		}
	}
	if isScalar(node) {
		return node
	}
	return function(insertedText, node)
}

// texts rewrites a list of what text rewrites.
func (i inserter) texts(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.ArrayNode:
		for at := range n.Nodes {
			n.Nodes[at] = i.text(n.Nodes[at])
		}
		return n
	case *ast.BuiltinNode:
		each, loop := n.Arguments[len(n.Arguments)-1].(*ast.PredicateNode)
		switch {
		case n.Name == "map" && loop:
			each.Node = i.text(each.Node)
			return n
		case slices.Contains([]string{"take", "reverse"}, n.Name):
			n.Arguments[0] = i.texts(n.Arguments[0])
			return n
		}
	}
	return function(insertedTexts, node)
}

func calls(n *ast.CallNode, name string) bool {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	return ok && callee.Value == name
}

func function(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

// isText reports whether a result is certainly a text. What is added to one is a text too, also where its own type is not known.
func isText(n ast.Node) bool {
	if sum, ok := n.(*ast.BinaryNode); ok && sum.Operator == "+" && (isText(sum.Left) || isText(sum.Right)) {
		return true
	}
	return n.Type() != nil && n.Type().Kind() == reflect.String
}

// isScalar reports whether a result is certainly a number or a boolean, none of whose signs acts.
func isScalar(n ast.Node) bool {
	if n.Type() == nil {
		return false
	}
	switch n.Type().Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	}
	return false
}
