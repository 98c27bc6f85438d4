package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/expr-lang/expr/vm"
)

// ErrUnknown says that an expression uses a field which is not known in the record: it has no result.
var ErrUnknown = errors.New("a field the expression uses is not known")

// Expr is a compiled expression over one side's record, or a text with expressions in double braces. It is safe for
// concurrent use.
//
// In an expression a text field that is empty is "" (comparing it with nil works all the same), an empty number 0, an
// empty many2one has id 0 and name "". Odoo's dates are texts as on the wire, DingTalk's instants are milliseconds.
type Expr struct {
	Source string
	Pos    Position

	parts []exprPart // one for a plain expression
	plain bool       // not a text with braces
	marks bool       // what it inserts is marked, because the result is shown as markdown
	names []exprName // the fields used

	columns []string // of the gathered records that a digest names

	doubts []exprError // what nobody here knows; it may be on the server
}

// exprPart is a literal text or a program.
type exprPart struct {
	text    string
	program *vm.Program
	result  reflect.Type // as the person wrote it
}

// exprName is a field an expression uses, and the form in which the programs want it.
type exprName struct {
	name  string // its key in a record
	kind  valueKind
	group string // the variable under which it stands, "" when it is one itself
	label string // the variable, or its name within the group
	cell  bool   // of a row, which may leave out what is empty
}

// valueKind is the form of a field's value inside an expression.
type valueKind uint8

const (
	kindAny valueKind = iota
	kindText
	kindInt
	kindFloat
	kindBool
	kindRecord // a many2one: {id, name}
	kindIDs    // []int64
	kindTexts  // []string
	kindActor  // who acted in a step: {name, userid}

	kindGroup     // a name under which others stand: form. It is no field itself
	kindComponent // what a component of a form, or a cell of a table, holds: a text or a list, "" when empty
)

// Names returns the fields the expression uses, sorted.
func (e *Expr) Names() []string {
	names := make([]string, len(e.names))
	for i, n := range e.names {
		names[i] = n.name
	}
	return slices.Compact(names)
}

// Bool evaluates a condition. The error is ErrUnknown when the record lacks a field that the expression uses.
func (e *Expr) Bool(rec Record) (bool, error) {
	env, err := e.env(rec)
	if err != nil {
		return false, err
	}
	if len(e.parts) != 1 || e.parts[0].program == nil {
		return false, e.fail(errors.New("it is a text, not a condition"))
	}
	result, err := run(e.parts[0].program, env)
	if err != nil {
		return false, e.fail(err)
	}
	b, ok := result.(bool)
	if !ok {
		return false, e.fail(fmt.Errorf("the result is %T, not true or false", result))
	}
	return b, nil
}

// Text evaluates the expression to a canonical value: a text, number or boolean; nothing and "" are Empty. It is Unknown,
// without an error, when the record lacks a field that the expression uses.
func (e *Expr) Text(rec Record) (Value, error) {
	env, err := e.env(rec)
	if errors.Is(err, ErrUnknown) {
		return UnknownValue, nil
	}
	if err != nil {
		return UnknownValue, err
	}
	var b strings.Builder
	for _, p := range e.parts {
		v, err := e.part(p, env)
		if err != nil {
			return UnknownValue, err
		}
		b.WriteString(v.Text)
	}
	if e.marks {
		return Text(inert(b.String())), nil
	}
	return Text(b.String()), nil
}

func (e *Expr) part(p exprPart, env map[string]any) (Value, error) {
	if p.program == nil {
		return Text(p.text), nil
	}
	result, err := run(p.program, env)
	if err != nil {
		return UnknownValue, e.fail(err)
	}
	text, ok := plainText(result)
	if !ok {
		return UnknownValue, e.fail(fmt.Errorf("the result is %T, not a text, number or boolean", result))
	}
	return Text(text), nil
}

// fail names the expression. The engine's own error is cut to its first line: the rest draws the expression.
func (e *Expr) fail(err error) error {
	words, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s: %s", e.Pos, words)
}

// env holds the fields the expression uses, in the forms it was compiled for.
func (e *Expr) env(rec Record) (map[string]any, error) {
	env := make(map[string]any, len(e.names)+1)
	env[budgetKey] = &budget{workBudget}
	for _, n := range e.names {
		v, ok := rec[n.name]
		if !ok && !n.cell {
			return nil, ErrUnknown
		}
		v, ok = n.kind.form(v)
		if !ok {
			return nil, e.fail(fmt.Errorf("%s holds %T, which is not what its type promises", n.name, v))
		}
		n.put(env, v)
	}
	return env, nil
}

// form brings a raw value into the form of its kind; false when it is something else.
func (k valueKind) form(v any) (any, bool) {
	switch k {
	case kindText:
		if v == nil {
			return "", true
		}
		s, ok := plainText(v)
		return s, ok
	case kindInt:
		if v == nil {
			return int64(0), true
		}
		n, ok := plainInt(v)
		return n, ok
	case kindFloat:
		switch v := v.(type) {
		case nil:
			return float64(0), true
		case float64:
			return v, true
		}
		n, ok := plainInt(v)
		return float64(n), ok
	case kindBool:
		b, ok := v.(bool)
		return b, ok || v == nil
	case kindRecord:
		return formRecord(v)
	case kindActor:
		return formActor(v)
	case kindIDs:
		return formIDs(v)
	case kindTexts:
		return plainTexts(v)
	case kindComponent:
		return formComponent(v), true
	default:
		return v, true
	}
}

// formIDs are the ids of an x2many; of lines that were read themselves they stand in the records.
func formIDs(v any) (any, bool) {
	list, ok := v.([]any)
	if !ok {
		ids, ok := v.([]int64)
		return ids, ok || v == nil
	}
	ids := make([]int64, len(list))
	for i, item := range list {
		if ids[i], ok = rowOf(item)["id"].(int64); !ok {
			return nil, false
		}
	}
	return ids, true
}

var noRecord = map[string]any{"id": int64(0), "name": ""}

func formRecord(v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return noRecord, true
	case int64:
		return map[string]any{"id": v, "name": ""}, true
	case map[string]any:
		id, ok := v["id"].(int64)
		if _, named := v["name"].(string); named && ok {
			return v, true
		}
		return map[string]any{"id": id, "name": ""}, ok
	}
	return nil, false
}

// memoryBudget bounds the lists that one evaluation may build, in elements; see workBudget for the rest.
const memoryBudget = 100_000

var machines = sync.Pool{New: func() any { return &vm.VM{MemoryBudget: memoryBudget} }}

// run evaluates a program. The machine is reused; a failed one is dropped.
func run(program *vm.Program, env map[string]any) (any, error) {
	m := machines.Get().(*vm.VM)
	result, err := m.Run(program, env)
	if err == nil {
		machines.Put(m)
	}
	return result, err
}

// plainText is the canonical text of a scalar: numbers in decimal, booleans "true" and "false", nil "".
func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return decimal(v), true
	}
	return "", false
}

// plainInt reads a whole number from the forms in which the two sides give it.
func plainInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		n := int64(v)
		return n, float64(n) == v && v < 1<<53 && v > -1<<53
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// plainTexts reads a list of scalars as texts.
func plainTexts(v any) ([]string, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case []string:
		return v, true
	case []int64:
		out := make([]string, len(v))
		for i, n := range v {
			out[i] = strconv.FormatInt(n, 10)
		}
		return out, true
	case []any:
		out := make([]string, len(v))
		for i, item := range v {
			s, ok := plainText(item)
			if !ok || item == nil {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}
