package mapping

import (
	"errors"
	"reflect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// The engine bounds the lists an expression makes, but neither the texts nor the work: a few doublings of a text would take all
// memory. So every operation whose cost grows with its operands is charged for them before it runs.

// workBudget is what one evaluation may spend: bytes of texts and elements of lists that pass through operations.
const workBudget = 1 << 20

// maxExprBytes bounds the source of one expression: the engine's parser calls itself for each parenthesis.
const maxExprBytes = 16 << 10

var errTooMuch = errors.New("the expression does too much work")

// budget is what an evaluation has left.
type budget struct{ left int }

func (b *budget) spend(n int) error {
	if n < 0 || n > b.left { // negative: a product that overflowed
		b.left = 0
		return errTooMuch
	}
	b.left -= n
	return nil
}

// budgetKey holds the budget in the environment of an evaluation. It is no name that an expression can write.
const budgetKey = ""

func budgetOf(env any) *budget { return env.(map[string]any)[budgetKey].(*budget) }

// size is what a value costs: bytes, or elements with all they hold. It stops counting beyond the limit: a list that holds another
// twice, and so on, is small in memory and endless to walk.
func size(v any, limit int) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case nil, bool, int, int64, float64:
		return 1
	}
	r := reflect.ValueOf(v)
	n := 1
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		for i := 0; i < r.Len() && n <= limit; i++ {
			n += size(r.Index(i).Interface(), limit-n)
		}
	case reflect.Map:
		for it := r.MapRange(); n <= limit && it.Next(); {
			n += size(it.Key().Interface(), limit-n) + size(it.Value().Interface(), limit-n)
		}
	}
	return n
}

// charge is a function of the charged expression: it takes the environment and a value, and gives the value back.
const charge = "charge"

func chargeFor(args ...any) (any, error) {
	b := budgetOf(args[0])
	return args[1], b.spend(size(args[1], b.left))
}

// dear are the built-in functions whose result, or whose work, is more than their operands. Each is told its cost from the sizes.
var dear = map[string]func(args []any, sizes []int) int{
	"repeat": func(args []any, sizes []int) int { return product(sizes[0], whole64(args[1])) },
	// At most every character is found, and the places before, between and after them.
	"replace": func(_ []any, sizes []int) int { return sizes[0] + product(sizes[0]+1, sizes[2]) },
	"join": func(args []any, sizes []int) int {
		if len(args) < 2 {
			return sizes[0]
		}
		return sizes[0] + product(sizes[0], sizes[1])
	},
	"uniq":   func(_ []any, sizes []int) int { return product(sizes[0], sizes[0]) },
	"toJSON": func(_ []any, sizes []int) int { return product(sizes[0], 6) }, // a control character takes six
}

// product is a·b, or more than any budget.
func product(a, b int) int {
	if a > 0 && b > workBudget/a {
		return workBudget + 1
	}
	return a * b
}

// whole64 is a count as the engine reads it, 0 for what it will refuse.
func whole64(v any) int {
	n, _ := plainInt(v)
	return int(max(n, 0))
}

// dearly wraps a built-in function: it takes the environment first.
func dearly(f *builtin.Function, cost func([]any, []int) int) func(...any) (any, error) {
	return func(params ...any) (any, error) {
		b, args := budgetOf(params[0]), params[1:]
		sizes := make([]int, len(args))
		for i, arg := range args {
			sizes[i] = size(arg, b.left)
			if err := b.spend(sizes[i]); err != nil {
				return nil, err
			}
		}
		if err := b.spend(cost(args, sizes)); err != nil {
			return nil, err
		}
		switch {
		case f.Fast != nil:
			return f.Fast(args[0]), nil
		case f.Safe != nil:
			v, _, err := f.Safe(args...)
			return v, err
		}
		return f.Func(args...)
	}
}

// charged are the options that make an expression pay.
var charged = func() []expr.Option {
	options := []expr.Option{
		expr.Patch(charger{}), expr.Function(charge, chargeFor),
		expr.Optimize(false), // it would make lists before the evaluation, which nobody counts
	}
	for name, cost := range dear {
		options = append(options, expr.Function(charge+" "+name, dearly(builtin.Builtins[builtin.Index[name]], cost)))
	}
	return options
}()

// charger rewrites an expression that was checked: operands pass through charge, dear functions are replaced.
type charger struct{}

// costly are the operators whose work grows with their operands.
var costly = map[string]bool{
	"+": true, "==": true, "!=": true, "<": true, "<=": true, ">": true, ">=": true,
	"in": true, "contains": true, "startsWith": true, "endsWith": true, "matches": true,
}

// Visit implements ast.Visitor.
func (charger) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if costly[n.Operator] {
			pay(&n.Left)
			if _, constant := n.Right.(*ast.StringNode); !constant || n.Operator != "matches" { // which the engine compiles once
				pay(&n.Right)
			}
		}
	case *ast.BuiltinNode:
		if _, ok := dear[n.Name]; ok {
			ast.Patch(node, call(charge+" "+n.Name, n.Arguments...))
			return
		}
		for i := range n.Arguments {
			pay(&n.Arguments[i])
		}
	}
}

// pay lets an operand pass through charge, unless its cost cannot grow.
func pay(node *ast.Node) {
	switch (*node).(type) {
	case *ast.PredicateNode, *ast.NilNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return
	}
	if t := (*node).Type(); t != nil {
		switch t.Kind() {
		case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
			return
		}
	}
	ast.Patch(node, call(charge, *node))
}

var anyFunction = reflect.TypeFor[func(...any) (any, error)]()

func call(name string, args ...ast.Node) ast.Node {
	callee := &ast.IdentifierNode{Value: name}
	callee.SetType(anyFunction)
	return &ast.CallNode{Callee: callee, Arguments: append([]ast.Node{&ast.IdentifierNode{Value: "$env"}}, args...)}
}
