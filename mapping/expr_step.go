package mapping

import (
	"errors"
	"fmt"
	"strings"
)

// stepScope is what notes and the arguments of a transition may name: one step of an approval. Each is a text; an evaluation is given
// a Record with these keys, actor being map[string]any{"name", "userid"}:
//
//	actor        who acted
//	result       agree, refuse, redirect, terminate, delete, revoke or modify; "" for a comment or a start
//	remark       what he wrote
//	date         when, in the zone of DingTalk dates
//	title        of the instance
//	business_id  of the instance, as people know it (审批编号)
//	type         of the step
//	to           the name of whom a task was handed to
var stepScope = func() *scope {
	s := newScope("a step of an approval")
	s.add("actor", kindActor)
	for _, name := range []string{"result", "remark", "date", "title", "business_id", "type", "to"} {
		s.add(name, kindText)
	}
	return s
}()

var nobody = map[string]any{"name": "", "userid": ""}

// formActor fills what an actor lacks.
func formActor(v any) (any, bool) {
	if v == nil {
		return nobody, true
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	name, _ := m["name"].(string)
	userid, _ := m["userid"].(string)
	return map[string]any{"name": name, "userid": userid}, true
}

// compileNote compiles a text with expressions in double braces; one without braces is the text itself.
func compileNote(source string, s *scope) (*Expr, *exprError) {
	e := &Expr{Source: source}
	return e, e.compileTemplate(source, s)
}

// noNote is the note that is not posted.
func noNote(pos Position) *Expr { return &Expr{Pos: pos, parts: []exprPart{{}}} }

// silent reports whether the note is noNote.
func (e *Expr) silent() bool { return e.Source == "" }

// Result evaluates the expression to a plain value for a call: nil, a text, a boolean, an int64 or a float64. A text with expressions in
// double braces always gives a text. The error is ErrUnknown when the record lacks a field that the expression uses.
func (e *Expr) Result(rec Record) (any, error) {
	env, err := e.env(rec)
	if err != nil {
		return nil, err
	}
	if !e.plain {
		var b strings.Builder
		for _, p := range e.parts {
			v, err := e.part(p, env)
			if err != nil {
				return nil, err
			}
			b.WriteString(v.Text)
		}
		return b.String(), nil
	}
	result, err := run(e.parts[0].program, env)
	if err != nil {
		return nil, e.fail(err)
	}
	switch v := result.(type) {
	case int:
		return int64(v), nil
	case nil, string, bool, int64, float64:
		return v, nil
	}
	return nil, e.fail(fmt.Errorf("the result is %T, not a text, number or boolean", result))
}

// Arguments evaluates the arguments of the step's method, behind the ids, over a step of the approval.
func (s *Step) Arguments(step Record) ([]any, error) {
	var args []any
	for _, e := range s.Args {
		v, err := e.Result(step)
		if err != nil {
			return nil, known(e, err)
		}
		args = append(args, v)
	}
	return args, nil
}

// Writes evaluates what is written beside the field itself, over a step of the approval; empty without set:.
func (s *Step) Writes(step Record) (map[string]any, error) {
	out := make(map[string]any, len(s.Set))
	for name, v := range s.Set {
		e, ok := v.(*Expr)
		if !ok {
			out[name] = v
			continue
		}
		value, err := e.Result(step)
		if err != nil {
			return nil, known(e, err)
		}
		if value == "" {
			value = nil
		}
		out[name] = value
	}
	return out, nil
}

// known gives ErrUnknown the place of the expression.
func known(e *Expr, err error) error {
	if errors.Is(err, ErrUnknown) {
		return fmt.Errorf("%s: %w", e.Pos, err)
	}
	return err
}
