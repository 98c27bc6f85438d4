package bridge

import (
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// lookForApprovals reads the records, and of the instances only those which an event named or whose turn has come: polls show every
// edit of a record several times, and each look at an instance counts against the quota. The records are read last: an outcome is carried
// into what Odoo shows after it was read, so that an edit which came before the decision is seen.
func (b *batch) lookForApprovals() {
	var read []*task
	for _, t := range b.tasks {
		l := t.link
		switch {
		case t.fail != nil || t.ding.ID == "":
		case l != nil && l.Occurrence != nil && l.State == Linked && !b.dry && !l.Occurrence.due(b.now) && len(l.Holds) == 0 && len(l.Take) == 0:
			t.ding = Seen{ID: l.Ding, Existence: Present, Record: mapping.Record{}, Why: "running when it was last read"}
		case l != nil && l.Occurrence != nil && l.State == Settled && !b.dry && !l.Occurrence.Look && len(l.Holds) == 0 && len(l.Take) == 0:
			t.ding = Seen{ID: l.Ding, Existence: Finished, Record: mapping.Record{"outcome": text(l.Occurrence.Outcome)}, Why: "ended before"}
		default:
			read = append(read, t)
		}
	}
	b.lookAt(mapping.DingTalk, read)
	b.lookAt(mapping.Odoo, b.tasks)
	for _, t := range read {
		if t.fail == nil && t.ding.NotFound && t.link != nil && t.link.Occurrence != nil && t.link.Occurrence.Deleted {
			t.ding = Seen{ID: t.ding.ID, Existence: Finished, Why: "deleted", Record: mapping.Record{"outcome": outcomeDelete}}
		}
		if t.fail == nil && t.link != nil && t.ding.Existence != Unseen {
			b.wasRead(t)
		}
	}
}

// wasRead notes when the instance is to be read again. DingTalk may still show it running a moment after it said that it ended.
func (b *batch) wasRead(t *task) {
	o := t.link.occurrence()
	o.Look = false
	if o.Started.After(b.now) {
		o.Started = b.now // the clock was set back
	}
	if t.ding.Existence != Present {
		return
	}
	o.ReadAt = b.now.Add(rereadAfter(b.now.Sub(o.Started), b.e.Reread))
	if end, told := b.e.ended.ends(t.key, b.now); told {
		o.ReadAt = end
	}
}

// outcomeField is the pair that carries the outcome into Odoo; nil when there is none.
func outcomeField(m *mapping.Mapping) *mapping.Field {
	for _, f := range m.Fields {
		if f.DingName == "outcome" && f.Writes(mapping.Odoo) {
			return f
		}
	}
	return nil
}

// planApproval fills the plan of one record and its instance.
func (b *batch) planApproval(t *task) {
	b.views(t)
	t.plan.Odoo, t.plan.Ding, t.plan.refs = t.odoo, t.ding, b.refs
	f := outcomeField(b.m)
	t.plan.Notes = slices.DeleteFunc(t.plan.Notes, func(n Note) bool { return f != nil && n.Field == f }) // its values are judged below
	if (t.link == nil || t.link.State == Held) && t.odoo.ID == "" {
		b.meetInstance(t)
		return
	}
	facts, err := b.approvalFacts(t, f)
	if err != nil {
		b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: "create.when: " + err.Error()})
		return
	}
	v := decideApproval(facts)
	t.plan.Row = v.why
	if l := t.link; l != nil && (l.State == Linked || l.State == Settled && t.ding.Instance != nil && facts.outcome != facts.n.Outcome) {
		b.followInstance(t, f)
	}
	switch v.fate {
	case approvalStarts:
		b.startApproval(t)
	case approvalApplies:
		b.applyOutcome(t, f, facts, v.why)
	case approvalEnds:
		t.plan.Settle = v.why
	case approvalWithdraws:
		b.withdraw(t, v)
	case approvalHolds:
		b.holdOutcome(t, f, facts, v)
	case approvalLeaves, approvalRests:
	}
	switch l := t.link; {
	case l == nil || l.Occurrence == nil || b.dry:
	case l.State == Linked && t.ding.Existence == Present:
		t.plan.recheck(l.Occurrence.ReadAt)
	case l.State == Linked && t.ding.Existence == Unseen:
		t.plan.recheck(b.now.Add(rereadAfter(b.now.Sub(l.Occurrence.Started), b.e.Reread)))
	case l.State == Settled && t.ding.Instance != nil && facts.outcome == l.Occurrence.Outcome:
		if end, told := b.e.ended.ends(t.key, b.now); told { // an instance that revokes it ended a moment ago
			l.Occurrence.Look = true
			t.plan.recheck(end)
		}
	}
}

// approvalFacts gathers what decideApproval looks at.
func (b *batch) approvalFacts(t *task, f *mapping.Field) (approvalFacts, error) {
	facts := approvalFacts{change: b.m.Approval.Change, leave: b.m.Leave, odoo: t.odoo.Existence, ding: t.ding.Existence, applies: f != nil}
	if t.link != nil {
		facts.state = t.link.State
		if t.link.Occurrence != nil {
			facts.n = *t.link.Occurrence
		}
	}
	var err error
	if facts.submitted, err = b.submitted(t.odoo); err != nil {
		return facts, err
	}
	facts.outcome = textOf(t.ding.Record["outcome"])
	if by := textOf(t.ding.Record["decided_by"]); by != "" && facts.outcome != "" {
		facts.by = b.nameOf(by)
	}
	if t.link != nil && t.link.State == Linked {
		facts.edited = editedSince(b.m, t.link, t.odoo.View, b.refs.alike)
	}
	if f == nil {
		return facts, nil
	}
	if t.link != nil {
		facts.take = t.link.Take[f.Key]
	}
	facts.value = valueOf(t.odoo.Record, f)
	wish, err := f.Read(mapping.DingTalk, t.ding.Record, mapping.Env{Refs: b.refs, Zone: b.e.Zone})
	facts.wish, facts.wished = wish.Text, err == nil && wish.IsKnown()
	if tr := b.m.Approval.Transition(f.OdooName); tr != nil {
		facts.decided = tr.Decided(facts.value)
		facts.can = slices.ContainsFunc(tr.To[facts.wish], func(s mapping.Step) bool { return slices.Contains(s.From, facts.value) })
	} else {
		facts.decided, facts.can = t.odoo.View[f.Key].IsKnown() && !facts.submitted, true
	}
	return facts, nil
}

// valueOf is the field's value in Odoo as a transition names it; a selection's key, a many2one's id.
func valueOf(rec mapping.Record, f *mapping.Field) string {
	switch v := rec[f.OdooName].(type) {
	case nil:
		return ""
	case map[string]any:
		return textOf(v["id"])
	default:
		return textOf(v)
	}
}

// submitted says whether the record is one that create.dingtalk wants started.
func (b *batch) submitted(odoo Seen) (bool, error) {
	rule := b.m.CreateDingTalk
	if odoo.Existence != Present || !rule.Allowed || !b.m.Direction.Allows(mapping.DingTalk) {
		return false, nil
	}
	if rule.When == nil {
		return true, nil
	}
	return rule.When.Bool(odoo.Record)
}

// startApproval plans the start of an instance, the first time or as the next occurrence.
func (b *batch) startApproval(t *task) {
	switch {
	case !b.dry && !b.e.ready(b.m):
		t.plan.Waits = append(t.plan.Waits, awaitsSweep(b.m.Name))
		return
	case t.link != nil && t.link.State == Held && b.keptHold(t, mapping.Odoo):
		return
	case b.askedElsewhere(t):
		return
	}
	b.nextOccurrence(t)
	b.create(t, mapping.Odoo)
	for _, c := range t.plan.Changes {
		if c.Op == OpCreate {
			if t.occurrence > 1 {
				c.Reason = "submitted again in odoo"
			}
			b.askPeople(t, c)
		}
	}
}

// askedElsewhere says whether the record is the document of an approval that was born in DingTalk, by another mapping of its model: it is
// being decided there already. While that mapping is making a record whose outcome is not known, this one may be it.
func (b *batch) askedElsewhere(t *task) bool {
	elsewhere := ""
	err := b.e.Store.View(b.ctx, func(tx Tx) error {
		for _, m := range b.e.mappings().ByModel(b.m.Model) {
			if m == b.m || m.Approval == nil || !m.CreateOdoo.Allowed {
				continue
			}
			on, err := tx.LinksOn(m.Name, mapping.Odoo, []ID{t.odoo.ID})
			if err != nil {
				return err
			}
			if l := on[t.odoo.ID]; l != nil && (l.State == Linked || l.State == Settled && !l.occurrence().Left) {
				elsewhere = "is being decided in dingtalk already: " + m.Name
				return nil
			}
			open, err := tx.LinksIn(m.Name, Creating)
			if err != nil {
				return err
			}
			for _, l := range open {
				if l.Intent != nil && l.Intent.Side == mapping.Odoo {
					elsewhere = "waits for what " + m.Name + " is creating"
					t.plan.recheck(b.now.Add(b.e.RetryBase))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.fail = classify(err)
		return true
	}
	if elsewhere != "" {
		t.plan.Row = elsewhere
	}
	return elsewhere != ""
}

// meetInstance decides about an instance no link holds: one that revokes or modifies another is that one's affair, and one that
// carries a marker was sent by the bridge, or copied in DingTalk from one that was. The rest were born in DingTalk.
func (b *batch) meetInstance(t *task) {
	if t.ding.Existence == Unseen || t.ding.ID == "" {
		t.plan.Row = "unknown never causes anything"
		if end, told := b.e.told.ends(t.key, b.now); told {
			t.plan.recheck(end) // it was started a moment ago, and does not show yet
		}
		return
	}
	if end, told := b.e.ended.ends(t.key, b.now); told && t.ding.Existence == Present {
		t.plan.recheck(end) // an event said that it ended
	}
	if main := ID(textOf(t.ding.Record["main_instance_id"])); main != "" {
		t.plan.Row = "revokes or modifies " + string(main)
		t.plan.Attached = main
		return
	}
	if b.unsettled(t, mapping.DingTalk) {
		t.plan.Row = "waits for the approvals that are being started"
		return
	}
	if marker := b.m.Approval.Marker; marker != "" && textOf(t.ding.Record[dingtalk.FormPrefix+marker]) != "" {
		t.plan.Row = "carries the marker of another instance; made from it in dingtalk"
		return
	}
	t.plan.Row = ReasonNewDing
	if !b.m.CreateOdoo.Allowed || b.keptHold(t, mapping.DingTalk) {
		return
	}
	if !b.dry && !b.e.ready(b.m) {
		t.plan.Waits = append(t.plan.Waits, awaitsSweep(b.m.Name))
		return
	}
	b.create(t, mapping.DingTalk)
	if t.ding.Existence == Present && !slices.ContainsFunc(t.plan.Changes, func(c *Change) bool { return c.Op == OpCreate }) {
		t.plan.recheck(b.now.Add(rereadAfter(b.ageOf(t), b.e.Reread))) // it may be wanted when it has ended, and no list shows it again
	}
}

// ageOf is how long ago the instance was started.
func (b *batch) ageOf(t *task) time.Duration {
	if at, ok := t.ding.Record["create_time"].(int64); ok {
		return b.now.Sub(time.UnixMilli(at))
	}
	return 0
}

// applyOutcome plans the decision in Odoo, unless Odoo refused it before and nothing has changed since.
func (b *batch) applyOutcome(t *task, f *mapping.Field, facts approvalFacts, why string) {
	if old, held := t.link.Holds[f.Key]; held && old.Kind == HeldRefused && old.Odoo == mapping.Text(t.odoo.Written) && old.DingTalk == mapping.Text(facts.outcome) && !woken(old, t.awaits) {
		t.plan.Notes = append(t.plan.Notes, Note{Field: f, Hold: &old, Kept: true, Reason: old.Reason})
		t.plan.Waits = append(t.plan.Waits, old.On...)
		return
	}
	wish := mapping.Text(facts.wish)
	decision := &Change{
		Op: OpUpdate, Side: mapping.Odoo, ID: t.odoo.ID, Reason: why, Scope: b.stepScope(t, lastStep(t.ding.Instance)),
		Fields: []FieldChange{{Field: f, From: mapping.Text(facts.value), To: wish, Source: wish, Reason: why}},
	}
	t.plan.Changes = slices.Insert(t.plan.Changes, 0, decision)
	t.plan.Settle = why
}

// withdraw plans the end of a running instance. DingTalk refuses that in its first 15 seconds (撤销审批实例).
func (b *batch) withdraw(t *task, v approvalVerdict) {
	o := t.link.occurrence()
	if may := o.Started.Add(b.e.Withdrawable); b.now.Before(may) && !o.Started.After(b.now) {
		t.plan.Notes = append(t.plan.Notes, Note{Reason: v.why + "; withdrawn when dingtalk allows it, 15 seconds after the start"})
		t.plan.recheck(may)
		return
	}
	if old, held := t.link.Holds[""]; held && old.Odoo == mapping.Text(t.odoo.Written) && !woken(old, t.awaits) {
		t.plan.Notes = append(t.plan.Notes, Note{Hold: &old, Kept: true, Reason: old.Reason})
		t.plan.Waits = append(t.plan.Waits, old.On...)
		return
	}
	o.Restart = v.restart
	t.plan.Changes = append(t.plan.Changes, &Change{Op: OpTerminate, Side: mapping.DingTalk, ID: t.ding.ID, Reason: v.why, Text: wordsWithdrawn + v.why})
	t.plan.Settle = v.why
}

// The beginning of what the bridge says on an instance; its own words are not posted in the chatter again.
const (
	wordsBridge    = "[Odoo] "
	wordsWithdrawn = wordsBridge + "已撤回 withdrawn: "
	wordsRefused   = wordsBridge + "审批结果未能执行 the decision could not be carried out: "
)

// holdOutcome holds what a person must decide.
func (b *batch) holdOutcome(t *task, f *mapping.Field, facts approvalFacts, v approvalVerdict) {
	key := ""
	if f != nil {
		key = f.Key
	}
	h := Hold{Kind: v.kind, Reason: v.why + "; held", Since: b.now, Odoo: mapping.Text(facts.value), DingTalk: mapping.Text(facts.outcome)}
	old, was := t.link.Holds[key]
	kept := was && old.Kind == h.Kind && old.Odoo == h.Odoo && old.DingTalk == h.DingTalk && old.Reason == h.Reason
	if kept {
		h.Since = old.Since
	}
	t.plan.Notes = append(t.plan.Notes, Note{Field: f, Hold: &h, Kept: kept, Reason: h.Reason})
}

// followInstance plans what a linked instance tells beside its outcome: plain fields of it, the steps for the chatter, a comment that
// is due.
func (b *batch) followInstance(t *task, f *mapping.Field) {
	if t.odoo.Existence == Unseen || t.odoo.Existence == Gone {
		return
	}
	told := *b.m
	told.Fields = slices.DeleteFunc(slices.Clone(b.m.Fields), func(o *mapping.Field) bool {
		return o == f || o.OnCreate || o.DingName == "" || strings.HasPrefix(o.DingName, dingtalk.FormPrefix) || !o.Writes(mapping.Odoo) || o.Writes(mapping.DingTalk)
	})
	p := &Plan{Mapping: &told, Link: t.link}
	diffFields(p, t.odoo.View, t.ding.View, diffEnv{
		now: b.now, staleWindow: b.e.StaleWindow, writable: b.e.writable(b.m), clearable: b.e.clearable(b.m),
		woken: func(h Hold) bool { return woken(h, t.awaits) },
	})
	t.plan.Changes = append(t.plan.Changes, p.Changes...)
	t.plan.Settles = append(t.plan.Settles, p.Settles...)
	t.plan.Notes = append(t.plan.Notes, p.Notes...)
	if o := t.link.Occurrence; o != nil && o.Say != "" {
		by := ID(textOf(t.ding.Record["decided_by"]))
		if by == "" {
			by = ID(textOf(t.ding.Record["originator_user_id"]))
		}
		if by != "" {
			t.plan.Changes = append(t.plan.Changes, &Change{Op: OpComment, Side: mapping.DingTalk, ID: t.ding.ID, Reason: "told the originator", Text: o.Say, By: by})
		}
	}
	t.plan.Changes = append(t.plan.Changes, b.notesOf(t)...)
}

// approvalVerdict is what explain says of one field of an approval.
func (b *batch) approvalVerdict(t *task, f *mapping.Field) string {
	if f == outcomeField(b.m) {
		return t.plan.Row
	}
	was, sent := t.link.Base(mapping.Odoo, f)
	now := t.odoo.View[f.Key]
	switch {
	case !f.Writes(mapping.DingTalk):
		return "told by dingtalk"
	case !sent:
		return "not sent"
	case now.IsUnknown() || now == was:
		return "as it was sent"
	}
	return "edited since it was sent"
}
