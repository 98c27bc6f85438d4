package mapping

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
)

// What an expression says about a form: form.标题 or form["费用类型"] is what the component holds, as a text or a list. A name is
// collected when the expression is compiled, so that Names tells each component by the key under which a record has it.

// group lets the expression name what stands under a prefix in a record.
func (s *scope) group(name, prefix string) {
	s.kinds[name] = kindGroup
	s.types[name] = types.Map{types.Extra: types.Any}
	s.groups[name] = prefix
}

// member notes which member of a group is named.
func (p *patcher) member(n *ast.MemberNode) {
	of, ok := n.Node.(*ast.IdentifierNode)
	key, constant := n.Property.(*ast.StringNode)
	if !ok || !constant || p.scope.kinds[of.Value] != kindGroup {
		return
	}
	delete(p.bare, of)
	p.used = append(p.used, exprName{
		name: p.scope.groups[of.Value] + key.Value, kind: kindComponent, group: of.Value, label: key.Value, cell: of.Value == rowGroup,
	})
}

// refuseBare complains about a group of which no member is named: nothing would tell what is to be read.
func (p *patcher) refuseBare() {
	var first *ast.IdentifierNode
	for n := range p.bare {
		if first == nil || n.Location().From < first.Location().From {
			first = n
		}
	}
	if first != nil {
		p.refuse(first, fmt.Sprintf("%[1]s stands for nothing by itself; name what is meant: %[1]s[\"…\"]", first.Value))
	}
}

// ofForm reports whether a member is a component of the form, or a cell of the row that a loop is at.
func (p *patcher) ofForm(n *ast.MemberNode) bool {
	switch of := n.Node.(type) {
	case *ast.IdentifierNode:
		return p.scope.kinds[of.Value] == kindGroup
	case *ast.PointerNode:
		return len(p.scope.groups) > 0
	}
	return false
}

// compare orders names by their keys. A cell may be named in two ways.
func (n exprName) compare(other exprName) int {
	return cmp.Or(strings.Compare(n.name, other.name), strings.Compare(n.group, other.group))
}

// put adds the value of a name to the environment of an evaluation.
func (n exprName) put(env map[string]any, v any) {
	if n.group == "" {
		env[n.label] = v
		return
	}
	members, ok := env[n.group].(map[string]any)
	if !ok {
		members = map[string]any{}
		env[n.group] = members
	}
	members[n.label] = v
}

// formComponent is the form of a component's value in an expression: there is no nil, neither in it nor in the cells of its rows.
func formComponent(v any) any {
	if isEmpty(v) {
		return ""
	}
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	labels := map[string]bool{}
	for _, item := range list {
		for label := range rowOf(item) {
			labels[label] = true
		}
	}
	for i, item := range list {
		out[i] = item
		if row := rowOf(item); row != nil {
			filled := make(map[string]any, len(labels))
			for label := range labels {
				filled[label] = formComponent(row[label])
			}
			out[i] = filled
		}
	}
	return out
}

// rowOf is a row of a table, nil for any other member of a list.
func rowOf(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case Record:
		return v
	}
	return nil
}

// listBuiltins are the functions whose first operand is a list.
var listBuiltins = map[string]bool{
	"all": true, "none": true, "any": true, "one": true, "filter": true, "map": true, "count": true, "sum": true, "find": true,
	"findIndex": true, "findLast": true, "findLastIndex": true, "groupBy": true, "sortBy": true, "reduce": true, "join": true,
	"first": true, "last": true, "take": true, "sort": true, "uniq": true, "reverse": true, "flatten": true, "mean": true, "median": true,
}

// asRows lets an operand that must be a list be one: an empty component is "" until then, and one choice of several a text.
func (p *patcher) asRows(node *ast.Node) {
	if len(p.scope.groups) == 0 {
		return
	}
	if t := (*node).Type(); t != nil && t.Kind() != reflect.Interface {
		return
	}
	if c, ok := (*node).(*ast.CallNode); ok {
		if callee, ok := c.Callee.(*ast.IdentifierNode); ok && callee.Value == "rows" {
			return
		}
	}
	callee := &ast.IdentifierNode{Value: "rows"}
	callee.SetLocation((*node).Location())
	call := &ast.CallNode{Callee: callee, Arguments: []ast.Node{*node}}
	call.SetLocation((*node).Location())
	*node = call
}

// formFunctions are the functions of expressions over a form.
var formFunctions = []expr.Option{
	expr.Function("number", formNumber, new(func(any) float64)),
	expr.Function("rows", formRows, new(func(any) []any)),
}

// maxNumberText bounds the text of a number: reading it is not charged.
const maxNumberText = 100

// formNumber is the number a component shows, 0 when it is empty.
func formNumber(args ...any) (any, error) {
	text, ok := plainText(args[0])
	text = strings.TrimSpace(text)
	if ok && text == "" {
		return float64(0), nil
	}
	if !ok || len(text) > maxNumberText {
		return nil, fmt.Errorf("number: %w", unexpected(args[0], "a number"))
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, fmt.Errorf("number: %w", unexpected(text, "a number"))
	}
	return n, nil
}

// formRows is a list, none for what is empty; anything else is a list of one.
func formRows(args ...any) (any, error) {
	if isEmpty(args[0]) {
		return []any{}, nil
	}
	list := reflect.ValueOf(args[0])
	if list.Kind() != reflect.Slice {
		return []any{args[0]}, nil
	}
	out := make([]any, list.Len())
	for i := range out {
		out[i] = list.Index(i).Interface()
	}
	return out, nil
}
