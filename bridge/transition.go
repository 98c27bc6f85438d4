package bridge

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// mostSteps bounds how many methods one decision may need.
const mostSteps = 6

// transit brings a field of one record to the wished value by the methods of a transition. The field is read before every step, so that
// a step is only taken from where it starts, and after the last one: an answer of a method proves nothing. lock is Odoo's optimistic
// lock for the first step; a further one is locked at what the record showed after the one before. Because that lock knows whole seconds,
// each step is taken only while the record shows what it showed when it was decided (seen).
func (s *odooSide) transit(ctx context.Context, m *mapping.Mapping, id int64, t *mapping.Transition, wish string, w *write, lock odoo.Context) error {
	var left string // where the step before brought it
	for n := 0; ; n++ {
		rec, now, err := s.standing(ctx, m, id, t.Field)
		if err != nil || now == wish {
			return err
		}
		_, shown := w.seen.Record[t.Field]
		moved := n == 0 && shown && valueOf(w.seen.Record, &mapping.Field{OdooName: t.Field}) != now || n > 0 && left != now
		if moved || editedBeside(m, t.Field, w.seen.Record, rec) {
			return &Failure{Class: FailRetry, Modified: true, Side: mapping.Odoo, Words: "edited while it was being decided"}
		}
		if n > 0 {
			lock = odoo.LockContext(m.Model, id, textOf(rec["write_date"])) // our own step moved the record
		}
		i := slices.IndexFunc(t.To[wish], func(st mapping.Step) bool { return slices.Contains(st.From, now) })
		if i < 0 {
			return reject(t.Field, fmt.Sprintf("%s is %q, and no transition leads from there to %q", t.Field, now, wish))
		}
		if n >= mostSteps {
			return reject(t.Field, fmt.Sprintf("%s is %q after %d steps, not %q", t.Field, now, n, wish))
		}
		step := &t.To[wish][i]
		if err := s.step(ctx, m, id, t, wish, step, w.scope, lock); err != nil {
			return err
		}
		_, after, err := s.standing(ctx, m, id, t.Field)
		if err != nil {
			return err
		}
		if left = after; after == wish {
			return nil // whatever becomes of it from here on is another matter
		}
		if after == now {
			return reject(t.Field, fmt.Sprintf("%s answered, but %s is still %q", step.Call, t.Field, now))
		}
	}
}

// step takes one step.
func (s *odooSide) step(ctx context.Context, m *mapping.Mapping, id int64, t *mapping.Transition, wish string, step *mapping.Step, scope mapping.Record, lock odoo.Context) error {
	cx := odoo.Context{}
	for k, v := range lock {
		cx[k] = v
	}
	for k, v := range m.Context {
		cx[k] = v
	}
	if step.Call == "" {
		fields, err := s.client.FieldsGet(ctx, m.Model)
		if err != nil {
			return err
		}
		vals := odoo.Values{t.Field: writeValue(fields[t.Field], wish)}
		also, err := step.Writes(scope)
		if err != nil {
			return reject(t.Field, err.Error())
		}
		for name, v := range also {
			vals[name] = writeValue(fields[name], v)
		}
		return unreadableIsDone(s.client.Write(ctx, m.Model, []int64{id}, vals, cx))
	}
	args, err := step.Arguments(scope)
	if err != nil {
		return reject(t.Field, step.Call+": "+err.Error())
	}
	_, err = s.client.Execute(ctx, m.Model, step.Call, append([]any{[]int64{id}}, args...), map[string]any{"context": cx})
	return unreadableIsDone(err)
}

// standing reads the record as the mapping does, and the field's value as a transition names it.
func (s *odooSide) standing(ctx context.Context, m *mapping.Mapping, id int64, field string) (rec mapping.Record, value string, err error) {
	found, err := s.readRecords(ctx, m.Model, []int64{id}, append(heads(m.OdooFields()), field, "write_date"))
	if err != nil {
		return nil, "", err
	}
	rec, ok := found[id]
	if !ok {
		return nil, "", reject(field, "the record is not there any more")
	}
	return rec, valueOf(rec, &mapping.Field{OdooName: field}), nil
}

// editedBeside says whether one of the fields that are decided about shows something else than before, but for the one that carries the
// decision.
func editedBeside(m *mapping.Mapping, decided string, before, now mapping.Record) bool {
	return slices.ContainsFunc(m.Fields, func(f *mapping.Field) bool {
		name, _, _ := strings.Cut(f.OdooName, ".")
		was, read := before[name]
		is, known := now[name]
		return decidedAbout(f) && name != "" && name != decided && f.Lines == nil && read && known && !reflect.DeepEqual(was, is)
	})
}
