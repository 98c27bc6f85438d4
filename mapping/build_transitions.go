package mapping

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// transitions compiles odoo.transitions.
func (b *builder) transitions() {
	for _, d := range b.d.Odoo.Transitions.fields {
		t := &Transition{Field: d.field.v, To: map[string][]Step{}, Pos: b.position(d.field.place)}
		f, ok := b.transitionField(d.field)
		if len(d.to) == 0 {
			b.errorf(d.field.place, "%s has no wished value, so nothing leads anywhere", d.field.v)
		}
		for i := range d.to {
			wish := &d.to[i]
			b.choice(f, wish.value, d.field.v)
			t.To[wish.value.v] = b.steps(d.field.v, f, wish)
		}
		if ok {
			b.m.Approval.Transitions = append(b.m.Approval.Transitions, t)
		}
	}
}

var transitionTypes = []string{"selection", "char", "many2one", "boolean"}

// transitionField is the field that transitions lead through its values, nil when it is not known; false when none can.
func (b *builder) transitionField(name str) (*OdooField, bool) {
	if isPath(name.v) {
		b.errorf(name.place, "transitions belong to a field of %s itself", b.m.Model)
		return nil, false
	}
	f := b.odooField(name)
	switch {
	case f == nil || f.Type == "":
		return nil, b.model == nil || strings.HasPrefix(name.v, "x_") || b.m.missing[name.v]
	case slices.Contains(magicFields, name.v):
		b.errorf(name.place, "Odoo sets %s itself; nothing leads to a value of it", name.v)
		return nil, false
	case !slices.Contains(transitionTypes, f.Type):
		b.errorf(name.place, "transitions lead through a field of type selection, char, many2one or boolean, and %s is of type %s", name.v, f.Type)
		return nil, false
	}
	return f, true
}

// choice checks that a value is one that the field can have.
func (b *builder) choice(f *OdooField, value str, field string) {
	switch {
	case f == nil || value.v == "" && f.Type != "boolean":
	case f.Type == "boolean" && value.v != "true" && value.v != "false":
		b.errorf(value.place, "%s is true or false, not %q", field, value.v)
	case len(f.Selection) > 0 && !slices.Contains(f.Selection, value.v):
		b.errorf(value.place, "%q is no choice of %s%s", value.v, field, suggest(value.v, f.Selection))
	}
}

// methodForm is a method that XML-RPC lets be called (check_method_name in odoo/models.py: none that begins with an underscore).
var methodForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// plainMethods have a better expression in the grammar, or undo what the bridge is to keep.
var plainMethods = map[string]string{
	"write":  "leave call out, and the field is written",
	"create": "a step changes the record that was decided",
	"copy":   "a step changes the record that was decided",
	"unlink": "what was decided is never deleted",
}

func (b *builder) steps(field string, f *OdooField, wish *wishDoc) []Step {
	if len(wish.steps) == 0 {
		b.errorf(wish.value.place, "no step leads to %q", wish.value.v)
	}
	var steps []Step
	from := map[string]bool{}
	for i := range wish.steps {
		d := &wish.steps[i]
		if !d.at.given() {
			continue
		}
		s := Step{Call: d.Call.v, Pos: b.position(d.at)}
		for _, value := range d.From.list {
			switch {
			case !value.given():
				continue
			case value.v == wish.value.v:
				b.errorf(value.place, "%s is %q already; no step is taken from there", field, value.v)
			case from[value.v]:
				b.errorf(value.place, "an earlier step is taken from %q, so this one never is", value.v)
			}
			from[value.v] = true
			b.choice(f, value, field)
			s.From = append(s.From, value.v)
		}
		if d.From.given() && len(d.From.list) == 0 {
			b.errorf(d.From.place, "a step is possible from no value, so it is never taken")
		}
		b.method(d)
		s.Args = b.arguments(d.Args)
		s.Set = b.set(field, d)
		steps = append(steps, s)
	}
	return steps
}

func (b *builder) method(d *stepDoc) {
	call := d.Call
	switch {
	case !call.given():
		if len(d.Args) > 0 {
			b.errorf(d.Args[0].place, "args belong to a method: the step needs call")
		}
	case strings.HasPrefix(call.v, "_"):
		b.errorf(call.place, "%s is private: Odoo lets nobody call a method that begins with an underscore", call.v)
	case !methodForm.MatchString(call.v):
		b.errorf(call.place, "%q is no name of a method", shorten(call.v, 60))
	case plainMethods[call.v] != "":
		b.errorf(call.place, "%s is no step of a transition: %s", call.v, plainMethods[call.v])
	}
	if call.given() && d.Set.given() {
		b.errorf(d.Set.place, "set belongs to a step without a method: a method writes what it writes")
	}
}

func (b *builder) arguments(texts []str) []*Expr {
	var args []*Expr
	for _, text := range texts {
		if !text.given() {
			continue
		}
		e, _, problem := compileValue(text.v, stepScope)
		if problem != nil {
			b.errorf(b.inside(text, problem.offset), "%s", problem.message)
			continue
		}
		e.Pos = b.position(text.place)
		args = append(args, e)
	}
	return args
}

// set compiles what is written together with the field: plain values, and texts with expressions in double braces.
func (b *builder) set(field string, d *stepDoc) map[string]any {
	n := d.Set.node
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.wrongType(n, "a set of fields")
		return nil
	}
	out := map[string]any{}
	b.file.pairs(n, func(key, value *yaml.Node) {
		name := str{at(key), key.Value, key}
		if name.v == field {
			b.errorf(name.place, "%s is written by the step anyway", field)
			return
		}
		if isPath(name.v) {
			b.errorf(name.place, "only fields of %s itself can be written", b.m.Model)
			return
		}
		f := b.odooField(name)
		switch {
		case f != nil && (slices.Contains(magicFields, name.v) || f.Readonly && !f.Store):
			b.errorf(name.place, "Odoo sets %s itself; it cannot be written", name.v)
		case f != nil && (f.Type == "one2many" || f.Type == "many2many"):
			b.errorf(name.place, "%s is of type %s; a step can only set plain values", name.v, f.Type)
		default:
			if v, ok := b.setValue(f, value); ok {
				out[name.v] = v
			}
		}
	})
	return out
}

func (b *builder) setValue(f *OdooField, n *yaml.Node) (any, bool) {
	if n.Kind != yaml.ScalarNode {
		b.wrongType(n, "a value")
		return nil, false
	}
	if !strings.Contains(n.Value, "{{") {
		return b.plainValue(n)
	}
	text := str{at(n), n.Value, n}
	if f != nil && !slices.Contains([]string{"", "char", "text", "html", "date", "selection"}, f.Type) {
		b.errorf(text.place, "an expression over the step gives a text, which a field of type %s does not take", f.Type)
		return nil, false
	}
	e, problem := compileNote(n.Value, stepScope)
	if problem != nil {
		b.errorf(b.inside(text, problem.offset), "%s", problem.message)
		return nil, false
	}
	e.Pos = b.position(text.place)
	return e, true
}
