package bridge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// create plans a creation on the other side, if the mapping wants one and what it requires is there.
func (b *batch) create(t *task, s mapping.Side) {
	target := s.Other()
	rule := b.m.CreateDingTalk
	if target == mapping.Odoo {
		rule = b.m.CreateOdoo
	}
	if !rule.Allowed || !b.m.Direction.Allows(target) {
		return
	}
	if rule.When != nil {
		ok, err := rule.When.Bool(t.seen(s).Record)
		if err != nil {
			b.holdStranger(t, s, Hold{Kind: HeldInvalid, Reason: "create.when: " + err.Error()})
			return
		}
		if !ok {
			t.plan.Row += "; not created: its create.when does not hold"
			return
		}
	}
	reason := ReasonNewOdoo
	if s == mapping.DingTalk {
		reason = ReasonNewDing
	}
	change := &Change{Op: OpCreate, Side: target, Reason: reason}
	t.omit = nil
	for _, f := range b.m.Fields {
		if !f.Writes(target) || f.Done || b.m.Approval.Transition(f.OdooName) != nil {
			continue
		}
		v := t.seen(s).View[f.Key]
		if other, twice := b.m.Instead(f, target); twice {
			if f.OnCreate && t.seen(s).View[other.Key].IsKnown() || !f.OnCreate && !v.IsKnown() {
				continue
			}
		}
		if !b.e.creatable(b.m, f, target) {
			if !f.OnCreate && v.IsKnown() && f.Name(s) != "" {
				t.omit = append(t.omit, f)
			}
			continue
		}
		if stop := b.createField(t, s, change, f, v); stop {
			return
		}
	}
	change.Key = b.creationKey(t, s, change)
	t.plan.Changes = append(t.plan.Changes, change)
	if len(t.missed) > 0 {
		t.plan.Waits = append(t.plan.Waits, t.missed...)
	}
}

// createField adds one field to a creation; it reports that the creation cannot go ahead.
func (b *batch) createField(t *task, s mapping.Side, change *Change, f *mapping.Field, v mapping.Value) (stop bool) {
	target := s.Other()
	required := b.e.required(b.m, f, target) && !f.Set() || f.Lines != nil && target == mapping.Odoo // Odoo takes a document without lines
	if v.IsEmpty() && f.HasNone && target == mapping.DingTalk {
		change.Fields = append(change.Fields, FieldChange{Field: f, To: v, Source: v, Reason: change.Reason})
		return false
	}
	if !v.IsKnown() {
		switch {
		case v.IsUnknown() && f.Ref != "" && !f.Optional && len(t.missed) > 0:
			if payload(b.m.Kind) { // nothing will come by itself: a person must join the two
				why := fmt.Sprintf("%s %v is in no link of %s", f.Name(s), t.seen(s).Record[f.Name(s)], f.Ref)
				b.holdStranger(t, s, Hold{Kind: HeldInvalid, Reason: why, On: slices.Clone(t.missed)})
				return true
			}
			t.plan.Waits = append(t.plan.Waits, t.missed...)
			return true
		case required, v.IsUnknown() && f.Essential():
			what := "empty"
			if v.IsUnknown() {
				what = "unknown"
			}
			reason := fmt.Sprintf("%s is required by %s and %s in %s", f.Name(target), target, what, s)
			if i := slices.IndexFunc(t.plan.Notes, func(n Note) bool { return n.Field == f && n.Hold != nil }); i >= 0 {
				reason = t.plan.Notes[i].Reason // it is there, but cannot be read
			}
			b.holdStranger(t, s, Hold{Kind: HeldInvalid, Reason: reason})
			return true
		case v.IsUnknown() && f.Ref != "":
			t.omit = append(t.omit, f)
		}
		return false
	}
	fc := FieldChange{Field: f, From: mapping.EmptyValue, To: v, Source: v, Reason: change.Reason}
	if _, err := b.raw(f, target, v, Seen{}, nil); err != nil {
		before := len(t.plan.Notes)
		b.unwritable(t, fc, target, err)
		if (f.Ref != "" && !f.Optional) || required || f.Essential() {
			if len(t.plan.Notes) > before {
				b.holdStranger(t, s, Hold{Kind: HeldInvalid, Reason: strings.TrimSuffix(t.plan.Notes[before].Reason, "; held (field)")})
			}
			return true
		}
		if len(t.plan.Notes) == before {
			t.omit = append(t.omit, f)
		}
		return false
	}
	change.Fields = append(change.Fields, fc)
	return false
}

// creationKey is what the new record will be found by if the answer is lost.
func (b *batch) creationKey(t *task, s mapping.Side, change *Change) string {
	if s == mapping.DingTalk {
		return b.m.Name + "_" + string(t.ding.ID)
	}
	switch {
	case b.m.Approval != nil:
		return occurrenceKey(b.m, t.odoo.ID, t.occurrence)
	case b.m.Message != nil: // DingTalk keeps some of these keys for ever: the time tells it from what an earlier store sent
		return occurrenceKey(b.m, t.odoo.ID, t.occurrence) + "/" + strconv.FormatInt(b.now.Unix(), 36)
	}
	if tokenKept(b.m.Kind) {
		if t.link != nil && t.link.Intent != nil {
			return t.link.Intent.Key // sent before, and nobody knows what came of it
		}
		return eventKey(b.m, t)
	}
	keyField := keyFieldOf(b.m.Kind)
	for _, fc := range change.Fields {
		if fc.Field.DingName == keyField {
			return fc.To.Text
		}
	}
	if b.m.Kind == todoKind {
		return b.e.sourceID(b.m, t.odoo.ID)
	}
	if b.m.Kind == "attendance_approval" {
		return b.m.Name + "-" + string(t.odoo.ID) // one number space for leaves, overtime and trips
	}
	return "odoo" + string(t.odoo.ID)
}

// keyFieldOf is the field of a kind that carries a creation's key: an id of our choosing, or a foreign id.
func keyFieldOf(kind string) string {
	switch kind {
	case "user":
		return "userid"
	case "department":
		return "source_identifier"
	case "attendance_approval":
		return "approve_id"
	case "robot_message":
		return "msgUuid"
	case todoKind:
		return "sourceId"
	}
	return ""
}

// creatable says whether the field can be given when the record is created on the side.
func (e *Engine) creatable(m *mapping.Mapping, f *mapping.Field, s mapping.Side) bool {
	if s == mapping.Odoo {
		return !f.Afterwards()
	}
	kind, _ := dingtalk.KindByName(m.Kind)
	kf, ok := kind.Field(f.DingName)
	return ok && kf.Create
}

func (e *Engine) required(m *mapping.Mapping, f *mapping.Field, s mapping.Side) bool {
	if s == mapping.Odoo {
		return false // Odoo says so itself, in its own words
	}
	kind, _ := dingtalk.KindByName(m.Kind)
	kf, ok := kind.Field(f.DingName)
	return ok && requires(kind, kf)
}

// writable says whether an existing record's field may be changed, by the kind's field table.
func (e *Engine) writable(m *mapping.Mapping) func(*mapping.Field, mapping.Side) (bool, string) {
	kind, _ := dingtalk.KindByName(m.Kind)
	return func(f *mapping.Field, s mapping.Side) (bool, string) {
		if s == mapping.Odoo {
			return true, ""
		}
		kf, ok := kind.Field(f.DingName)
		if ok && kf.Update {
			return true, ""
		}
		return false, f.DingName + " cannot be changed in dingtalk by an app"
	}
}

// clearable says whether an existing record's field may be emptied, by the kind's field table.
func (e *Engine) clearable(m *mapping.Mapping) func(*mapping.Field, mapping.Side) (bool, string) {
	kind, _ := dingtalk.KindByName(m.Kind)
	return func(f *mapping.Field, s mapping.Side) (bool, string) {
		if s == mapping.Odoo {
			return true, ""
		}
		kf, ok := kind.Field(f.DingName)
		if ok && kf.Clear != dingtalk.ClearNever {
			return true, ""
		}
		return false, f.DingName + " cannot be emptied in dingtalk by an app"
	}
}
