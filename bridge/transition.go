package bridge

import (
	"context"
	"fmt"
	"slices"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// mostSteps bounds how many methods one decision may need.
const mostSteps = 6

// transit brings a field of one record to the wished value by the methods of a transition. The field is read before every step, so that
// a step is only taken from where it starts, and after the last one: an answer of a method proves nothing. lock is Odoo's optimistic
// lock for the first step; a further one is locked at what the record showed after the one before.
func (s *odooSide) transit(ctx context.Context, m *mapping.Mapping, id int64, t *mapping.Transition, wish string, scope mapping.Record, lock odoo.Context) error {
	for n := 0; ; n++ {
		now, _, err := s.fieldValue(ctx, m, id, t.Field)
		if err != nil || now == wish {
			return err
		}
		i := slices.IndexFunc(t.To[wish], func(st mapping.Step) bool { return slices.Contains(st.From, now) })
		if i < 0 {
			return reject(t.Field, fmt.Sprintf("%s is %q, and no transition leads from there to %q", t.Field, now, wish))
		}
		if n >= mostSteps {
			return reject(t.Field, fmt.Sprintf("%s is %q after %d steps, not %q", t.Field, now, n, wish))
		}
		step := &t.To[wish][i]
		if err := s.step(ctx, m, id, t, wish, step, scope, lock); err != nil {
			return err
		}
		after, written, err := s.fieldValue(ctx, m, id, t.Field)
		if err != nil {
			return err
		}
		lock = odoo.LockContext(m.Model, id, written) // our own step moved the record
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

// fieldValue reads one field as a transition names its values, and when the record was written.
func (s *odooSide) fieldValue(ctx context.Context, m *mapping.Mapping, id int64, field string) (value, written string, err error) {
	found, err := s.readRecords(ctx, m.Model, []int64{id}, []string{field, "write_date"})
	if err != nil {
		return "", "", err
	}
	rec, ok := found[id]
	if !ok {
		return "", "", reject(field, "the record is not there any more")
	}
	return valueOf(rec, &mapping.Field{OdooName: field}), textOf(rec["write_date"]), nil
}
