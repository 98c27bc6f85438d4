package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	exprfile "github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// withheld are the engine's functions whose result is not always the same, and why that must not be.
var withheld = map[string]string{
	"now":     "what a field is worth must not depend on when it is looked at",
	"keys":    "it has no order",
	"values":  "it has no order",
	"toPairs": "it has no order",
}

// maxExprNodes bounds the size of one expression.
const maxExprNodes = 500

// exprError is what is wrong with an expression and where: runes into the text of the scalar.
type exprError struct {
	offset  int
	message string
}

// compileCondition compiles an expression that yields true or false.
func compileCondition(source string, s *scope) (*Expr, *exprError) {
	e := &Expr{Source: source, plain: true}
	p, err := e.compile(source, 0, s, expr.AsBool())
	if err != nil {
		return nil, err
	}
	e.parts = []exprPart{p}
	return e, nil
}

// literal is what somebody writes who means a fixed text.
var literal = regexp.MustCompile(`^[\pL_][\pL\pN_ ]*$`)

// compileValue compiles an expression, or a text with expressions in double braces. kind is the kind of its result:
// kindText, kindInt, kindFloat, kindBool, or kindAny where only the evaluation can tell.
func compileValue(source string, s *scope) (e *Expr, kind valueKind, problem *exprError) {
	e = &Expr{Source: source, marks: s.markdown}
	if !strings.Contains(source, "{{") {
		e.plain = true
		p, err := e.compile(source, 0, s)
		if err != nil {
			if literal.MatchString(source) {
				err.message += "; a fixed text needs quotes of its own: \"'" + source + "'\""
			}
			return nil, kindAny, err
		}
		e.parts = []exprPart{p}
		kind, ok := resultKind(p)
		if !ok {
			return nil, kindAny, &exprError{0, "the value must be a text, a number or a boolean"}
		}
		return e, kind, nil
	}
	if problem := e.compileTemplate(source, s); problem != nil {
		return nil, kindAny, problem
	}
	return e, kindText, nil
}

func (e *Expr) compileTemplate(source string, s *scope) *exprError {
	rest, offset := source, 0
	for {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			e.parts = append(e.parts, exprPart{text: before})
		}
		if !found {
			return nil
		}
		offset += utf8.RuneCountInString(before) + 2
		inner, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return &exprError{offset - 2, `"{{" is never closed by "}}"`}
		}
		p, err := e.compile(inner, offset, s)
		if err != nil {
			return err
		}
		if _, ok := resultKind(p); !ok {
			return &exprError{offset, "what stands in {{ }} must be a text, a number or a boolean"}
		}
		e.parts = append(e.parts, p)
		offset += utf8.RuneCountInString(inner) + 2
		rest = tail
	}
}

func (e *Expr) compile(source string, offset int, s *scope, opts ...expr.Option) (exprPart, *exprError) {
	if strings.TrimSpace(source) == "" {
		return exprPart{}, &exprError{offset, "the expression is empty"}
	}
	if len(source) > maxExprBytes {
		return exprPart{}, &exprError{offset, fmt.Sprintf("the expression is longer than %d bytes", maxExprBytes)}
	}
	s, doubts, fault := s.withPaths(source)
	if fault != nil {
		fault.offset += offset
		return exprPart{}, fault
	}
	for _, doubt := range doubts {
		e.doubts = append(e.doubts, exprError{doubt.offset + offset, doubt.message})
	}
	if s.cells != nil {
		s = s.withCells(source)
	}
	p := &patcher{scope: s, bare: map[*ast.IdentifierNode]bool{}}
	opts = append([]expr.Option{expr.Env(s.types), expr.MaxNodes(maxExprNodes), expr.Patch(p)}, opts...)
	if len(s.groups) > 0 {
		opts = append(opts, formFunctions...)
	}
	if s.speaks {
		opts = append(opts, speechFunctions...)
	}
	for name := range withheld {
		opts = append(opts, expr.DisableBuiltin(name))
	}
	checked, err := expr.Compile(source, opts...) // for its complaints, which name what the person wrote
	var program *vm.Program
	if err == nil && p.problem == nil {
		if s.markdown {
			opts = append(opts, insertion()...)
		}
		program, err = expr.Compile(source, append(opts, charged...)...)
	}
	p.refuseBare()
	if p.problem != nil {
		p.problem.offset += offset
		return exprPart{}, p.problem
	}
	if err != nil {
		problem := s.explain(err, source)
		problem.offset += offset
		return exprPart{}, problem
	}
	e.columns = append(e.columns, p.columns...)
	for _, n := range p.used {
		if i, found := slices.BinarySearchFunc(e.names, n, exprName.compare); !found {
			e.names = slices.Insert(e.names, i, n)
		}
	}
	return exprPart{program: program, result: checked.Node().Type()}, nil
}

// explain translates an error of the compiler.
func (s *scope) explain(err error, source string) *exprError {
	var fe *exprfile.Error
	if !errors.As(err, &fe) {
		words, _, _ := strings.Cut(err.Error(), "\n")
		if got, ok := strings.CutPrefix(words, "expected bool, but got "); ok {
			words = "a condition must be true or false, not a " + got
		}
		return &exprError{0, words}
	}
	message := fe.Message
	if name, ok := strings.CutPrefix(message, "unknown field "); ok {
		message += suggest(name, []string{"id", "name", "userid"}) // of a many2one, of who acted
	}
	if name, ok := strings.CutPrefix(message, "unknown name "); ok {
		message = fmt.Sprintf("%s has no field %q%s", s.of, name, suggest(name, keysOf(s.kinds)))
		if why := withheld[name]; why != "" {
			message = fmt.Sprintf("%s() is not available: %s", name, why)
		}
	}
	offset := 0
	for i, line := range strings.SplitAfter(source, "\n") {
		if i+1 == fe.Line {
			break
		}
		offset += utf8.RuneCountInString(line)
	}
	return &exprError{offset + fe.Column, message}
}

// resultKind is the kind of a program's result; false when it cannot become a value.
func resultKind(p exprPart) (valueKind, bool) {
	t := p.result
	if t == nil {
		return kindAny, true
	}
	switch t.Kind() {
	case reflect.Interface:
		return kindAny, true
	case reflect.String:
		return kindText, true
	case reflect.Bool:
		return kindBool, true
	case reflect.Int, reflect.Int64:
		return kindInt, true
	case reflect.Float64:
		return kindFloat, true
	}
	return kindAny, false
}

// patcher collects the fields an expression uses, refuses what it may not contain, and rewrites comparisons with nil:
// the forms of valueKind have no nil, so that no operator meets one when the expression runs.
type patcher struct {
	scope   *scope
	used    []exprName
	bare    map[*ast.IdentifierNode]bool // groups whose member was not seen yet
	columns []string                     // of the records of a digest
	problem *exprError
}

// Visit implements ast.Visitor.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if k, ok := p.scope.kinds[n.Value]; k == kindGroup {
			p.bare[n] = true
		} else if ok {
			p.used = append(p.used, p.scope.plainName(n.Value, k))
		} else if n.Value == "$env" {
			p.refuse(n, "$env cannot be used; name the fields")
		}
	case *ast.PredicateNode:
		inner := n.Node
		if ast.Find(inner, func(x ast.Node) bool { _, loop := x.(*ast.PredicateNode); return loop }) != nil {
			p.refuse(n, "a loop within a loop is not allowed")
		}
	case *ast.BinaryNode:
		p.binary(node, n)
	case *ast.MemberNode:
		p.member(n)
		p.column(n)
		p.path(node, n)
	case *ast.BuiltinNode:
		if len(n.Arguments) > 0 && listBuiltins[n.Name] {
			p.asRows(&n.Arguments[0])
		}
	}
}

func (p *patcher) binary(node *ast.Node, n *ast.BinaryNode) {
	_, leftNil := n.Left.(*ast.NilNode)
	_, rightNil := n.Right.(*ast.NilNode)
	switch {
	case n.Operator == "??":
		if k := p.kindOf(n.Left); k != kindAny {
			if filled := p.compareEmpty(n.Left, k, "!="); filled != nil {
				ast.Patch(node, &ast.ConditionalNode{Cond: filled, Exp1: n.Left, Exp2: n.Right})
			}
		}
	case n.Operator == "in":
		p.asRows(&n.Right)
	case n.Operator != "==" && n.Operator != "!=":
	case rightNil && !leftNil:
		if same := p.compareEmpty(n.Left, p.kindOf(n.Left), n.Operator); same != nil {
			ast.Patch(node, same)
		}
	case leftNil && !rightNil:
		if same := p.compareEmpty(n.Right, p.kindOf(n.Right), n.Operator); same != nil {
			ast.Patch(node, same)
		}
	}
}

// kindOf knows the fields themselves and the parts of a many2one.
func (p *patcher) kindOf(n ast.Node) valueKind {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return p.scope.kinds[n.Value]
	case *ast.MemberNode:
		key, _ := n.Property.(*ast.StringNode)
		if p.ofForm(n) {
			return kindComponent
		}
		if p.kindOf(n.Node) == kindRecord && key != nil {
			if key.Value == "id" {
				return kindInt
			}
			return kindText
		}
		if p.kindOf(n.Node) == kindActor {
			return kindText
		}
	}
	return kindAny
}

// compareEmpty returns the comparison of an operand with the empty value of its kind, nil where nil itself is right.
func (p *patcher) compareEmpty(n ast.Node, k valueKind, operator string) ast.Node {
	compare := func(left, right ast.Node) ast.Node {
		right.SetLocation(n.Location())
		node := &ast.BinaryNode{Operator: operator, Left: left, Right: right}
		node.SetLocation(n.Location())
		return node
	}
	switch k {
	case kindText, kindComponent:
		return compare(n, &ast.StringNode{Value: ""})
	case kindInt, kindFloat:
		return compare(n, &ast.IntegerNode{Value: 0})
	case kindActor:
		userid := &ast.MemberNode{Node: n, Property: &ast.StringNode{Value: "userid"}}
		userid.SetLocation(n.Location())
		return compare(userid, &ast.StringNode{Value: ""})
	case kindRecord:
		id := &ast.MemberNode{Node: n, Property: &ast.StringNode{Value: "id"}}
		id.SetLocation(n.Location())
		return compare(id, &ast.IntegerNode{Value: 0})
	case kindIDs, kindTexts:
		count := &ast.BuiltinNode{Name: "len", Arguments: []ast.Node{n}}
		count.SetLocation(n.Location())
		return compare(count, &ast.IntegerNode{Value: 0})
	case kindBool:
		p.refuse(n, "a boolean is never empty")
	}
	return nil
}

func (p *patcher) refuse(n ast.Node, message string) {
	if p.problem == nil {
		p.problem = &exprError{n.Location().From, message}
	}
}
