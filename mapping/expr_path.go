package mapping

import (
	"maps"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// What an expression says about other records: employee_id.department_id.name. A many2one itself carries its id and its name only; any
// other member is a path, which a record carries under its whole name. So a path is to the compiler one name with points in it.

// over lets the expressions of a scope lead over the many2ones of a model with these fields.
func (s *scope) over(schema Schema, fields map[string]OdooField) *scope {
	s.follow = func(path string) (*OdooField, *pathFault) { return schema.follow(s.of, fields, path) }
	return s
}

// withPaths adds each path that the source names. The doubts are paths whose end nobody here knows: they may be anything.
func (s *scope) withPaths(source string) (*scope, []exprError, *exprError) {
	if s.follow == nil {
		return s, nil, nil
	}
	tree, err := parser.Parse(source)
	if err != nil { // the compiler says it better
		return s, nil, nil
	}
	f := pathFinder{scope: s, paths: map[ast.Node]string{}, kinds: map[string]valueKind{}}
	ast.Walk(&tree.Node, &f)
	if f.problem != nil || len(f.kinds) == 0 {
		return s, nil, f.problem
	}
	out := *s
	out.kinds, out.types = maps.Clone(s.kinds), maps.Clone(s.types)
	for path, k := range f.kinds {
		out.add(path, k)
	}
	return &out, f.doubts, nil
}

// pathFinder finds the members of many2ones that are paths.
type pathFinder struct {
	scope   *scope
	paths   map[ast.Node]string  // of the nodes visited so far
	kinds   map[string]valueKind // of the paths found
	doubts  []exprError
	problem *exprError
}

// Visit implements ast.Visitor.
func (f *pathFinder) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if refers(f.scope.kinds[n.Value]) {
			f.paths[n] = n.Value
		}
	case *ast.ChainNode: // of ?.
		if path, ok := f.paths[n.Node]; ok {
			f.paths[n] = path
		}
	case *ast.MemberNode:
		if base, ok := f.paths[n.Node]; ok {
			f.member(n, base)
		}
	}
}

func (f *pathFinder) member(n *ast.MemberNode, base string) {
	name, ok := pathMember(n)
	if key, text := n.Property.(*ast.StringNode); text && f.kindOf(base) == kindIDs {
		name, ok = key.Value, true // no member of a list: the path complains
	}
	if !ok {
		return
	}
	path := base + "." + name
	end, fault := f.scope.follow(path)
	kind := kindAny
	switch {
	case fault == nil:
		kind = odooValueKind(end.Type)
	case !fault.doubt:
		if f.problem == nil {
			f.problem = &exprError{n.Property.Location().From, fault.message}
		}
		return
	case fault.message != "" && !f.told(path):
		f.doubts = append(f.doubts, exprError{n.Property.Location().From, fault.message})
	}
	f.kinds[path] = kind
	if refers(kind) {
		f.paths[n] = path
	}
}

// refers reports whether a value names other records.
func refers(k valueKind) bool { return k == kindRecord || k == kindIDs }

func (f *pathFinder) kindOf(path string) valueKind {
	if k, ok := f.kinds[path]; ok {
		return k
	}
	return f.scope.kinds[path]
}

// told reports whether a path was met before.
func (f *pathFinder) told(path string) bool {
	_, ok := f.kinds[path]
	return ok
}

// pathMember is the member that a many2one does not carry itself.
func pathMember(n *ast.MemberNode) (string, bool) {
	key, ok := n.Property.(*ast.StringNode)
	if !ok || key.Value == "id" || key.Value == "name" {
		return "", false
	}
	return key.Value, true
}

// path puts one name in the place of a member that is a path. Of the names used, the path takes the place of where it began: the node
// below was visited just before.
func (p *patcher) path(node *ast.Node, n *ast.MemberNode) {
	below := n.Node
	if chain, ok := below.(*ast.ChainNode); ok {
		below = chain.Node
	}
	base, ok := below.(*ast.IdentifierNode)
	name, member := pathMember(n)
	if !ok || !member || p.scope.kinds[base.Value] != kindRecord {
		return
	}
	path := base.Value + "." + name
	k, ok := p.scope.kinds[path]
	if !ok {
		return
	}
	p.used = append(p.used[:len(p.used)-1], p.scope.plainName(path, k))
	ast.Patch(node, &ast.IdentifierNode{Value: path})
}
