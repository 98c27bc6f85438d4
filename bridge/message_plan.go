package bridge

import (
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// planMessage fills the plan of one record that is told of.
func (b *batch) planMessage(t *task) {
	t.ding = Seen{ID: t.ding.ID}
	b.views(t)
	t.plan.Odoo, t.plan.Ding, t.plan.refs = t.odoo, t.ding, b.refs
	facts, err := b.messageFacts(t)
	if err != nil {
		b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: "create.when: " + err.Error()})
		return
	}
	if before, err := b.wasSaidBefore(t); err != nil || before {
		t.fail = classify(err)
		t.plan.Row = "was there before the mapping"
		return
	}
	fate, why := decideMessage(facts)
	t.plan.Row = why
	switch fate {
	case messageSends:
		b.sendMessage(t, facts, why)
	case messageGoesOn:
		b.goOnSending(t, why)
	case messageRecalls:
		t.plan.Changes = append(t.plan.Changes, &Change{Op: OpDelete, Side: mapping.DingTalk, ID: t.link.Ding, Reason: "recalled: " + why})
	case messageRests:
		if facts.wanted {
			b.moveStatusBar(t)
		}
		b.tellResults(t)
	}
}

// messageFacts gathers what decideMessage looks at.
func (b *batch) messageFacts(t *task) (messageFacts, error) {
	f := messageFacts{odoo: t.odoo.Existence, leave: b.m.Leave}
	if l := t.link; l != nil {
		f.state = l.State
		if l.Occurrence != nil {
			f.n = *l.Occurrence
			f.age = b.now.Sub(f.n.Started)
		}
	}
	var err error
	if f.wanted, err = b.submitted(t.odoo); err == nil && f.wanted {
		f.once, err = b.onceOf(t.odoo)
	}
	return f, err
}

// onceOf is what tells one message of a record from another, beside its entries into the domain; "" without a rule.
func (b *batch) onceOf(odoo Seen) (string, error) {
	if b.m.Message.Once == nil {
		return "", nil
	}
	v, err := b.m.Message.Once.Text(odoo.Record)
	return v.Text, err
}

// sendMessage plans the telling of a record, the first time or as its next occurrence.
func (b *batch) sendMessage(t *task, facts messageFacts, why string) {
	switch {
	case !b.dry && !b.e.ready(b.m):
		t.plan.Waits = append(t.plan.Waits, awaitsSweep(b.m.Name))
		return
	case t.link != nil && t.link.State == Held && b.keptHold(t, mapping.Odoo):
		return
	case !b.converses(t):
		return
	}
	b.nextOccurrence(t)
	t.once = facts.once
	b.create(t, mapping.Odoo)
	i := slices.IndexFunc(t.plan.Changes, func(c *Change) bool { return c.Op == OpCreate })
	if i < 0 {
		return
	}
	c := t.plan.Changes[i]
	if t.occurrence > 1 {
		c.Reason = why
	}
	if kind, _ := dingtalk.KindByName(b.m.Kind); kind.Addressed {
		b.address(t, c)
	}
}

// address finds out whom a message is for. Who has no DingTalk is left out; when nobody is left, the record counts as told.
func (b *batch) address(t *task, c *Change) {
	p := &people{b: b, t: t}
	var a audience
	if b.m.Message.Digest() {
		a.users = p.digested()
	} else {
		a = p.audience(b.m.Message.Receivers)
	}
	switch {
	case p.err != nil:
		t.fail = classify(p.err)
	case a.empty():
		words := strings.Join(p.missing, "; ")
		if words == "" {
			words = "whom it would be for is left out by except"
		}
		t.plan.Changes, t.plan.Settle = nil, "told nobody: "+words
	default:
		c.To = &a
	}
}

// goOnSending plans what is left of a message whose telling was interrupted: with the content and the people that were stored.
func (b *batch) goOnSending(t *task, why string) {
	l := t.link
	if old, held := l.Holds[""]; held && l.State == Held {
		t.plan.Notes = append(t.plan.Notes, Note{Hold: &old, Kept: true, Reason: old.Reason})
		t.plan.Waits = append(t.plan.Waits, old.On...)
		return
	}
	c := &Change{Op: OpCreate, Side: mapping.DingTalk, Reason: why, Key: occurrenceKey(b.m, l.Odoo, l.occurrence().N), goesOn: true}
	if l.Intent != nil {
		c.Key = l.Intent.Key
	}
	if l.State == Held { // a person lets it be sent again
		for _, p := range l.Occurrence.Parts {
			p.Sending = false
		}
	}
	for _, f := range b.m.Fields {
		base, ok := l.Bases[mapping.DingTalk][f.Key]
		if ok && base.Value.IsKnown() && b.e.creatable(b.m, f, mapping.DingTalk) {
			c.Fields = append(c.Fields, FieldChange{Field: f, From: mapping.EmptyValue, To: base.Value, Source: base.Value, Reason: why})
		}
	}
	t.occurrence = l.occurrence().N
	t.once = l.occurrence().Once
	t.plan.Changes = append(t.plan.Changes, c)
}

// statusBarFor is how long the status bar of a notice can be changed (更新工作通知状态栏).
const statusBarFor = 7 * 24 * time.Hour

// moveStatusBar plans the change of what may be changed of a message that was sent.
func (b *batch) moveStatusBar(t *task) {
	l := t.link
	if l == nil || l.State != Settled || l.occurrence().Outcome != outcomeTold || b.now.Sub(l.occurrence().Started) >= statusBarFor {
		return
	}
	c := &Change{Op: OpUpdate, Side: mapping.DingTalk, ID: l.Ding, Reason: ReasonOdoo}
	for _, f := range b.m.Fields {
		can, _ := b.e.writable(b.m)(f, mapping.DingTalk)
		was, sent := l.Base(mapping.DingTalk, f)
		now := t.odoo.View[f.Key]
		if can && sent && now.IsKnown() && now != was {
			c.Fields = append(c.Fields, FieldChange{Field: f, From: was, To: now, Source: now, Reason: c.Reason})
		}
	}
	if len(c.Fields) > 0 {
		t.plan.Changes = append(t.plan.Changes, c)
	}
}
