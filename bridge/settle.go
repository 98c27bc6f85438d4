package bridge

import (
	"fmt"
	"slices"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// readBack looks again at the sides that were written. What it shows becomes the base.
func (b *batch) readBack(wave []*task) {
	if b.dry {
		return
	}
	for _, s := range []mapping.Side{mapping.DingTalk, mapping.Odoo} {
		var written []*task
		for _, t := range wave {
			removed := slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s && a.change.Op == OpDelete })
			touched := slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s })
			if touched && !removed {
				written = append(written, t)
			}
		}
		if kind, _ := dingtalk.KindByName(b.m.Kind); s == mapping.DingTalk && (b.m.Approval != nil || !kind.Read) {
			for _, t := range written { // what was sent stands; what becomes of it, events tell, or nobody can
				b.settleWritten(t, s, nil)
			}
			continue
		}
		if len(written) == 0 {
			continue
		}
		b.readBackSide(s, written)
	}
}

func (b *batch) readBackSide(s mapping.Side, written []*task) {
	ids := make([]ID, 0, len(written))
	had := map[ID]dingtalk.Object{}
	for _, t := range written {
		id := t.seen(s).ID
		ids = append(ids, id)
		if s == mapping.DingTalk && t.back != nil {
			had[id] = t.back
		}
	}
	seen, err := b.e.side(s).Look(b.ctx, b.m, ids, had)
	for _, t := range written {
		back := seen[t.seen(s).ID]
		if err != nil {
			// It was written; what it became is looked at later. Until then what was meant stands as the base.
			b.settleWritten(t, s, nil)
			t.wait = b.now.Add(b.e.RetryBase)
			continue
		}
		if back.Record != nil {
			back.View, _ = b.m.View(s, back.Record, t.meantView(s), b.refs, b.e.Zone)
			b.e.index.put(b.m, s, back)
			if s == mapping.Odoo && back.Created != "" {
				t.plan.Link.OdooCreated = back.Created
			}
		}
		b.settleWritten(t, s, back.View)
		if back.Record != nil {
			*t.seen(s) = back
		} else if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s && a.change.Op == OpCreate }) {
			b.createdUnseen(t, s)
		}
	}
}

// meantView is the memory of one side with what was just written to it: a list converter stays with the element it wrote.
func (t *task) meantView(s mapping.Side) mapping.View {
	v := t.plan.Link.BaseView(s)
	for _, a := range t.wrote {
		for _, fc := range a.fields {
			if a.change.Side == s {
				v[fc.Field.Key] = fc.To
			}
		}
	}
	return v
}

// createdUnseen: DingTalk took the creation but does not show the person: an invitation, or a stale answer. Within the stale
// window it is looked at again, after it the link is pending until the person accepts.
func (b *batch) createdUnseen(t *task, s mapping.Side) {
	if s == mapping.DingTalk {
		t.plan.Link.State = Pending
		t.plan.recheck(b.now.Add(b.e.StaleWindow))
	}
}

// settleWritten moves the bases of the fields that were written to the side by what the read-back shows.
func (b *batch) settleWritten(t *task, s mapping.Side, back mapping.View) {
	l := t.plan.Link
	for _, a := range t.wrote {
		if a.change.Side != s {
			continue
		}
		for _, fc := range a.fields {
			f := fc.Field
			delete(l.Take, f.Key)
			l.SetBase(s.Other(), f, fc.Source)
			l.SetBase(s, f, fc.base())
			got := back[f.Key]
			if f.OnCreate && b.m.Approval != nil && s == mapping.Odoo && !got.IsUnknown() {
				l.SetBase(s, f, got) // as odoo keeps it: an edit since then is one of what is being decided
			}
			if f.OnCreate || a.change.Op == OpCreate && f.OdooName == "" {
				continue
			}
			switch {
			case got.IsUnknown() || got == fc.To:
				delete(l.Sent, f.Key)
			case s == mapping.DingTalk && got == fc.From:
				if l.Sent == nil {
					l.Sent = map[string]Sent{}
				}
				l.Sent[f.Key] = Sent{Before: fc.From, Meant: fc.To, At: b.now}
				t.plan.recheck(b.now.Add(b.e.StaleWindow))
			case f.Set() && mapping.Contains(got, fc.To), f.Answers() && answered(got, fc.From, fc.To):
				t.plan.recheck(b.now) // others came in beside, or answered: their own change
			default:
				l.SetBase(s, f, got)
				h := Hold{
					Kind: HeldUnstuck, Since: b.now, Odoo: fc.Source, DingTalk: got,
					Reason: fmt.Sprintf("%s: %s shows %s after %s was written", ReasonNotStuck, s, got, fc.To),
				}
				if s == mapping.Odoo {
					h.Odoo, h.DingTalk = got, fc.Source
				}
				t.plan.Notes = append(t.plan.Notes, Note{Field: f, Hold: &h, Reason: h.Reason})
			}
		}
	}
}

// settlePlan applies to the link what needs no write: settled fields, decisions about existence.
func (b *batch) settlePlan(t *task) {
	p := t.plan
	if b.stillArchived(t) {
		// Joined only once it is un-archived: until then a stranger stays one, and a retired link stays retired.
		p.Link, p.Match, p.Rehire = t.link, nil, false
		return
	}
	if p.Link == nil {
		p.Link = b.heldLink(t)
	}
	b.settleMessage(t)
	if p.Link == nil {
		return
	}
	for key, sent := range p.Link.Sent {
		if d := t.ding.View[key]; !d.IsUnknown() && d != sent.Before {
			delete(p.Link.Sent, key)
		}
	}
	if t.fail != nil {
		return
	}
	if len(p.Over) == 0 {
		for key := range p.Link.Take {
			if !slices.Contains(t.told, key) && !slices.ContainsFunc(p.Notes, func(n Note) bool { return n.Field != nil && n.Field.Key == key }) {
				delete(p.Link.Take, key) // decided, or there is no conflict any more
			}
		}
	}
	b.settleApproval(t)
	b.settleFinished(t)
	b.settleKept(t)
	if createdIn(t) && b.m.Approval == nil && b.m.Message == nil {
		b.settleAlike(t)
		if b.secondWrite(t) {
			p.Recheck = b.now
		}
	}
	if p.Link.State == Linked && p.Retire == "" {
		p.Link.Was = nil
		if (t.odoo.Existence != Present || t.ding.Existence == Gone) && p.Row != "" && len(p.Changes) == 0 && len(p.Over) == 0 {
			p.Link.Was = map[mapping.Side]Existence{mapping.Odoo: t.odoo.Existence, mapping.DingTalk: t.ding.Existence}
		}
	}
	for _, s := range p.Settles {
		p.Link.SetBase(mapping.Odoo, s.Field, s.Odoo)
		p.Link.SetBase(mapping.DingTalk, s.Field, s.Ding)
		delete(p.Link.Take, s.Field.Key)
		delete(p.Link.Sent, s.Field.Key)
	}
	if p.Link.State == Pending && t.ding.Existence == Present {
		p.Link.State, p.Link.Intent = Linked, nil
		p.Recheck = b.now
	}
	if p.Retire != "" && b.allApplied(t) {
		p.Link.State = Retired
		p.Link.Was = map[mapping.Side]Existence{mapping.Odoo: b.after(t, mapping.Odoo), mapping.DingTalk: b.after(t, mapping.DingTalk)}
		p.Link.Holds, p.Link.Sent, p.Link.Take = nil, nil, nil
	}
	if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpUnarchive }) {
		p.Recheck = b.now // un-archived: now the fields are compared
	}
	b.lookForAnswers(t)
}

// stillArchived says that an un-archiving was planned and not done.
func (b *batch) stillArchived(t *task) bool {
	unarchives := func(c *Change) bool { return c.Op == OpUnarchive }
	planned := slices.ContainsFunc(t.plan.Changes, unarchives) || slices.ContainsFunc(t.plan.Over, func(w Waiting) bool { return unarchives(w.Change) })
	return planned && !slices.ContainsFunc(t.wrote, func(a applied) bool { return unarchives(a.change) })
}

// createdIn says that a record was just made for the task.
func createdIn(t *task) bool {
	return slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpCreate })
}

// settleAlike settles the fields which a creation did not carry and which both sides show alike now, the empty ones above all: there
// is nothing to look at a second time.
func (b *batch) settleAlike(t *task) {
	for _, f := range b.m.Fields {
		if f.Remembered() {
			t.plan.Link.SetBase(mapping.DingTalk, f, t.ding.View[f.Key])
			continue
		}
		if v := t.odoo.View[f.Key]; !f.OnCreate && !v.IsUnknown() && v == t.ding.View[f.Key] {
			t.plan.Link.SetBase(mapping.Odoo, f, v)
			t.plan.Link.SetBase(mapping.DingTalk, f, v)
		}
	}
}

// secondWrite says that some fields of a record that was just created still have to travel: those the creation could not carry, and
// those only the new record shows.
func (b *batch) secondWrite(t *task) bool {
	for _, f := range b.m.Fields {
		if f.OnCreate {
			continue
		}
		for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
			v := t.seen(s).View[f.Key]
			if base, ok := t.plan.Link.Base(s, f); !v.IsUnknown() && (!ok || base != v) {
				return true
			}
		}
	}
	return false
}

// after is what a side is once the task's removals are done.
func (b *batch) after(t *task, s mapping.Side) Existence {
	for _, a := range t.wrote {
		if a.change.Side == s && a.change.Op == OpArchive {
			return Archived
		}
		if a.change.Side == s && a.change.Op == OpDelete {
			return Gone
		}
	}
	return t.seen(s).Existence
}

func (b *batch) allApplied(t *task) bool {
	return len(t.plan.Over) == 0 && len(t.wrote) >= len(t.plan.Changes)
}

// heldLink is the one-sided link that remembers why a stranger is held; nil when nothing is held.
func (b *batch) heldLink(t *task) *Link {
	for _, n := range t.plan.Notes {
		if n.Hold != nil && n.Field == nil {
			if t.link != nil && t.link.State == Held {
				return t.link
			}
			l := &Link{Mapping: b.m.Name, State: Held, Odoo: t.odoo.ID, Ding: t.ding.ID, OdooCreated: t.odoo.Created}
			return l
		}
	}
	return nil
}

// overcome says of a field that one side does not show that its hold is over all the same: it was written, or its source is again what
// was settled.
func (b *batch) overcome(t *task, l *Link, key string) bool {
	f, ok := b.m.Field(key)
	if !ok {
		return true
	}
	if slices.ContainsFunc(t.wrote, func(a applied) bool {
		return slices.ContainsFunc(a.fields, func(fc FieldChange) bool { return fc.Field == f })
	}) {
		return true
	}
	base, has := l.Base(mapping.Odoo, f)
	return f.Direction == mapping.ToDingTalk && has && base == t.odoo.View[key]
}

// remember keeps the holds that still stand: those the plan names, and those whose fields could not be looked at.
func (b *batch) remember(t *task, l *Link) {
	if l.OdooCreated == "" && l.Odoo == t.odoo.ID {
		l.OdooCreated = t.odoo.Created
	}
	if t.fail != nil && len(t.wrote) == 0 {
		return
	}
	holds := map[string]Hold{}
	for key, h := range l.Holds {
		if key == "" {
			if t.odoo.Existence == Unseen || t.ding.Existence == Unseen {
				holds[key] = h
			}
			continue
		}
		if (t.odoo.View[key].IsUnknown() || t.ding.View[key].IsUnknown()) && !b.overcome(t, l, key) {
			holds[key] = h
		}
	}
	for _, n := range t.plan.Notes {
		if n.Hold == nil {
			continue
		}
		key := ""
		if n.Field != nil {
			key = n.Field.Key
		}
		holds[key] = *n.Hold
	}
	if len(holds) == 0 {
		holds = nil // as it is loaded: a link that did not change is not written
	}
	l.Holds = holds
}
