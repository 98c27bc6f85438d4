package bridge

import (
	"fmt"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// conversationWait is how long a message waits for its conversation to be made. What is older is not told when it comes at last: a new group
// would be flooded with what was said before it.
const conversationWait = time.Hour

// conversationField is the pair that names the conversation a message goes to, by a reference; nil when it goes to people, or a fixed one.
func conversationField(m *mapping.Mapping) *mapping.Field {
	kind, _ := dingtalk.KindByName(m.Kind)
	i := slices.IndexFunc(m.Fields, func(f *mapping.Field) bool {
		kf, ok := kind.Field(f.DingName)
		return ok && kf.Required && kf.Ref == "group" && f.Ref != ""
	})
	if kind.Addressed || i < 0 {
		return nil
	}
	return m.Fields[i]
}

// converses says whether the conversation that a message goes to is there. If it is not, the plan says why the message waits, or is told
// to nobody.
func (b *batch) converses(t *task) bool {
	f := conversationField(b.m)
	if f == nil {
		return true
	}
	v := t.odoo.View[f.Key]
	if l := b.refs.links[v.Text]; v.IsKnown() && (l == nil || l.Was[mapping.DingTalk] != Gone) {
		return true
	}
	words := fmt.Sprintf("%s is in no link of %s", f.OdooName, f.Ref)
	if v.IsKnown() {
		words = "the " + f.Ref + " it belongs to is gone in dingtalk"
	}
	written, err := time.Parse(odooTime, t.odoo.Created)
	until := written.Add(conversationWait)
	if young := err == nil && b.now.Before(until); young && !v.IsKnown() && b.mayBeLinked(t, f) {
		t.plan.Waits = append(t.plan.Waits, t.missed...)
		t.plan.recheck(until)
		return false
	}
	if t.fail == nil {
		t.plan.Settle = "told nobody: " + words
	}
	return false
}

// mayBeLinked says whether the record that a reference names takes part in the other mapping, so that its link may only be on its way.
func (b *batch) mayBeLinked(t *task, f *mapping.Field) bool {
	other, ok := b.e.mappings().Get(f.Ref)
	id := refID(t.odoo.Record[f.OdooName])
	if !ok || id == "" || !other.CreateDingTalk.Allowed {
		return false
	}
	seen, err := b.e.odoo.Look(b.ctx, other, []ID{ID(id)}, nil)
	if err != nil {
		t.fail = classify(err)
		return false
	}
	return seen[ID(id)].Existence == Present
}
