package bridge

import (
	"slices"
	"time"

	"dingbridge/mapping"
)

// look reads both sides of the tasks, each side in one go.
func (b *batch) look() {
	if b.m.Approval != nil {
		b.lookForApprovals()
	}
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		switch {
		case b.m.Message.Digest() && s == mapping.Odoo:
			b.lookForDigests()
		case b.m.Approval == nil && (b.m.Message == nil || s == mapping.Odoo): // what was sent cannot be looked at
			b.lookAt(s, b.worthReading(s))
		}
		if s == mapping.Odoo {
			b.judgeActivities()
		}
		var records []mapping.Record
		for _, t := range b.tasks {
			if rec := t.seen(s).Record; rec != nil {
				records = append(records, rec)
			}
		}
		if err := b.refs.prefetch(b.m, s, records); err != nil {
			b.refs.fail(err)
		}
		if s == mapping.Odoo {
			b.quiet()
		}
	}
	for _, t := range b.tasks {
		// An Odoo id that a retired link remembers may belong to another record now: that one is a stranger.
		if t.link != nil && t.link.State == Retired && t.works[0].Key.Side == mapping.Odoo && t.otherRecord(t.odoo) {
			t.link, t.ding, t.key = nil, Seen{}, t.works[0].Key
		}
	}
}

// learnNews brings the index up to date with Odoo before somebody new in DingTalk is created there: a person may have entered the same
// one in Odoo a moment ago, and no poll has come by since. (DingTalk needs no such look: it refuses a number somebody has.)
func (b *batch) learnNews() {
	stranger := func(t *task) bool {
		return t.fail == nil && t.ding.Existence == Present && t.odoo.ID == "" && (t.link == nil || t.link.State != Linked)
	}
	if b.dry || len(b.m.Match) == 0 || !b.m.CreateOdoo.Allowed || !slices.ContainsFunc(b.tasks, stranger) {
		return
	}
	asOf, _ := b.e.odoo.client.ServerTime()
	news, err := b.e.odoo.News(b.ctx, b.m, b.e.index.knows(b.m).Add(-b.e.Overlap))
	if err != nil {
		f := classify(err)
		for _, t := range b.tasks {
			if stranger(t) {
				t.fail = f
			}
		}
		return
	}
	for _, seen := range news {
		seen.View, _ = b.m.View(mapping.Odoo, seen.Record, nil, b.refs, b.e.Zone) // what cannot be read recognises nobody
		b.e.index.put(b.m, mapping.Odoo, seen)
	}
	b.e.index.learned(b.m, asOf)
}

// otherRecord says whether what was seen under the link's Odoo id is another record than the one that was linked.
func (t *task) otherRecord(seen Seen) bool {
	return t.link.OdooCreated != "" && seen.Created != "" && seen.Created != t.link.OdooCreated
}

// lookAt reads one side. When the side cannot be read, its failure is every task's.
func (b *batch) lookAt(s mapping.Side, tasks []*task) {
	var ids []ID
	for _, t := range tasks {
		if id := t.seen(s).ID; id != "" && t.fail == nil && !t.quiet {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	seen, err := b.e.side(s).Look(b.ctx, b.m, ids, nil)
	if err != nil {
		f := classify(err)
		for _, t := range tasks {
			if t.seen(s).ID != "" {
				t.fail = f
			}
		}
		return
	}
	b.e.worked(s)
	for _, t := range tasks {
		if id := t.seen(s).ID; id != "" && !t.quiet {
			*t.seen(s) = b.sameRecord(t, s, seen[id])
			t.seen(s).ID = id
			if t.seen(s).Existence == Gone && t.link != nil && t.link.State == Linked && len(t.link.Bases[s]) == 0 {
				// Never seen there, as after a typo in `link`: nobody can have left.
				t.seen(s).Existence, t.seen(s).Why = Unseen, "never seen in "+string(s)+"; is the id right?"
			}
			if f := t.seen(s).Fail; f != nil {
				t.fail = f
			}
			if t.seen(s).NotFound && t.link != nil && t.link.State == Retired && t.link.Was[s] == Gone {
				t.seen(s).Existence = Gone // it was gone when the link ended; the evidence is not needed twice
			}
			if t.seen(s).Existence == Gone && !b.dry {
				b.e.index.put(b.m, s, *t.seen(s)) // takes it out
			}
		}
	}
}

// sameRecord: another creation date under the same Odoo id is another record, so the linked one is gone.
func (b *batch) sameRecord(t *task, s mapping.Side, seen Seen) Seen {
	if s != mapping.Odoo || t.link == nil || t.link.State == Retired || !t.otherRecord(seen) {
		return seen
	}
	t.reused = true
	return Seen{ID: seen.ID, Existence: Gone, Why: "another record, created " + seen.Created + ", has this id now"}
}

// views reads what was seen into the mapping's fields and keeps the index current.
func (b *batch) views(t *task) {
	w := &watch{refs: b.refs}
	t.missed = nil
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		seen := t.seen(s)
		if seen.Record == nil {
			continue
		}
		var base mapping.View
		if t.link != nil {
			base = t.link.BaseView(s)
		}
		view, errs := b.m.View(s, seen.Record, base, w, b.e.Zone)
		seen.View = view
		for _, fe := range errs {
			t.invalid(b.now, fe)
		}
		if !b.dry {
			b.e.index.put(b.m, s, *seen)
		}
	}
	t.missed = w.missed
}

// invalid notes a value that cannot be read; the field is unknown until it changes.
func (t *task) invalid(now time.Time, fe mapping.FieldError) {
	h := Hold{Kind: HeldInvalid, Reason: fe.Error() + "; held (field)", Since: now}
	t.plan.Notes = append(t.plan.Notes, Note{Field: fe.Field, Hold: &h, Reason: h.Reason})
}
