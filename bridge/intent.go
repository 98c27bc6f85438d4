package bridge

import (
	"slices"

	"dingbridge/mapping"
)

// intend commits what must be known before anything is sent. Of a creation: the link with its key and the View that is about to be
// sent. Of an update: the values that are meant.
func (b *batch) intend(tx Tx, t *task) error {
	if err := b.intendUpdates(tx, t); err != nil {
		return err
	}
	if err := b.intendOccurrence(tx, t); err != nil {
		return err
	}
	for _, c := range t.plan.Changes {
		if c.Op != OpCreate {
			continue
		}
		s := c.Side.Other()
		l := t.plan.Link
		if l == nil {
			l = t.link
		}
		if l == nil {
			l = &Link{Mapping: b.m.Name}
		}
		before := l.Intent
		l.State = Creating
		l.Holds = nil
		l.SetOn(s, t.seen(s).ID)
		if !c.goesOn {
			l.SetOn(c.Side, "")
		}
		l.OdooCreated = t.odoo.Created
		l.Updated = b.now
		l.Bases = nil
		first := b.now
		if was := l.Intent; was != nil && was.Key == c.Key && !was.First.IsZero() {
			first = was.First
		}
		l.Intent = &Intent{Side: c.Side, Key: c.Key, At: b.now, First: first}
		b.rememberErrand(t, l)
		for _, fc := range c.Fields {
			l.SetBase(s, fc.Field, fc.Source)
			l.SetBase(c.Side, fc.Field, fc.To)
			if c.Side == mapping.DingTalk {
				b.whereToLook(l.Intent, fc)
			}
		}
		if b.m.Approval != nil {
			l.occurrence().N = max(t.occurrence, 1)
			if f := outcomeField(b.m); f != nil {
				l.SetBase(mapping.DingTalk, f, mapping.EmptyValue)
			}
		}
		if b.m.Message != nil {
			if err := b.intendMessage(tx, t, c, l, before); err != nil {
				return err
			}
		}
		for _, f := range t.omit {
			l.SetBase(s, f, mapping.EmptyValue)
			l.SetBase(c.Side, f, mapping.EmptyValue)
		}
		if err := tx.PutLink(l); err != nil {
			if isTaken(err) {
				t.fail = &Failure{Class: FailRetry, After: b.e.RetryBase, Words: err.Error(), Err: err}
				t.plan.Changes = nil
				return nil
			}
			return err
		}
		t.plan.Link, t.link, t.mark = l, l, 0
		b.refs.learn(l)
	}
	return nil
}

func (b *batch) intendUpdates(tx Tx, t *task) error {
	l := t.link
	if l == nil || l != t.plan.Link || l.State != Linked {
		return nil
	}
	noted := false
	for _, c := range t.plan.Changes {
		for _, fc := range c.Fields {
			if c.Op != OpUpdate {
				continue
			}
			if l.Writing == nil {
				l.Writing = map[string]Writing{}
			}
			l.Writing[fc.Field.Key] = Writing{Side: c.Side, Meant: fc.To, Source: fc.Source, At: b.now, Base: fc.Base}
			noted = true
		}
	}
	if !noted {
		return nil
	}
	t.mark = 0
	return tx.PutLink(l)
}

// recallWrites recognises updates of an earlier batch whose outcome nobody heard: a side that shows what was meant shows our write.
func (b *batch) recallWrites(l *Link, views map[mapping.Side]mapping.View) {
	for key, w := range l.Writing {
		f, ok := b.m.Field(key)
		shown := views[w.Side][key]
		switch {
		case !ok:
			delete(l.Writing, key)
		case !shown.IsUnknown() && shown == w.Meant:
			l.SetBase(w.Side, f, FieldChange{To: w.Meant, Base: w.Base}.base())
			l.SetBase(w.Side.Other(), f, w.Source)
			delete(l.Writing, key)
		case b.now.After(w.At.Add(b.e.settleAfter(w.Side))) || w.At.After(b.now):
			delete(l.Writing, key) // it never arrived, or somebody has written over it
		}
	}
}

// settleWrites forgets the updates of this batch whose outcome is known.
func (b *batch) settleWrites(t *task, l *Link) {
	for key, w := range l.Writing {
		unsure := slices.ContainsFunc(t.unsure, func(a applied) bool {
			return slices.ContainsFunc(a.fields, func(fc FieldChange) bool { return fc.Field.Key == key })
		})
		if w.At.Equal(b.now) && !unsure {
			delete(l.Writing, key)
		}
	}
}

// whereToLook notes the parent and name of a department that is being created, to find it among its siblings, and the originator of an
// approval or the maker of a to-do, to find it among theirs. Who makes a to-do may be left to the one who is to do it.
func (b *batch) whereToLook(in *Intent, fc FieldChange) {
	switch b.m.Kind + "." + fc.Field.DingName {
	case "department.name":
		in.Name = fc.To.Text
	case "department.parent_id", "approval.originator_user_id", "todo.creatorId", calendarKind + ".organizer":
		if raw, err := b.raw(fc.Field, mapping.DingTalk, fc.To, Seen{}, nil); err == nil {
			in.Parent = textOf(raw)
		}
	case "todo.executorIds":
		raw, err := b.raw(fc.Field, mapping.DingTalk, fc.To, Seen{}, nil)
		if ids := refIDs(raw); err == nil && in.Parent == "" && len(ids) > 0 {
			in.Parent = ids[0]
		}
	}
}

// settleIntents looks up creations whose outcome is unknown: found, the link is whole; not found, it is sent again.
func (b *batch) settleIntents() {
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		var open []*task
		var asks []*creation
		for _, t := range b.tasks {
			if t.fail != nil || t.link == nil || t.link.State != Creating || t.link.Intent == nil || t.link.Intent.Side != s {
				continue
			}
			if t.link.Intent.At.After(b.now) {
				t.link.Intent.At, t.mark = b.now, 0 // the clock was set back
			}
			if at := t.link.Intent.At.Add(b.e.settleAfter(s)); b.now.Before(at) && t.link.On(s) == "" {
				t.wait = at
				continue
			}
			if b.m.Message != nil {
				continue // it goes on where it was
			}
			ask := &creation{
				key: t.link.Intent.Key, parent: t.link.Intent.Parent, values: map[string]any{"name": t.link.Intent.Name},
				since: t.link.Intent.At, sent: t.link.BaseView(s),
				view: func(rec mapping.Record) mapping.View {
					v, _ := b.m.View(mapping.DingTalk, rec, nil, b.refs, b.e.Zone) // what cannot be read is not equal
					return v
				},
			}
			if b.m.Kind == calendarKind && !t.link.Intent.First.IsZero() {
				ask.since = t.link.Intent.First
			}
			open, asks = append(open, t), append(asks, ask)
		}
		if len(open) == 0 {
			continue
		}
		if err := b.e.side(s).Find(b.ctx, b.m, asks); err != nil {
			for _, t := range open {
				t.fail = classify(err)
			}
			continue
		}
		for i, t := range open {
			if s == mapping.DingTalk && b.choose(t, asks[i]) {
				continue
			}
			b.settleIntent(t, s, asks[i])
		}
	}
}

// choose settles a creation among the objects that it may have become; it reports that the task is dealt with.
func (b *batch) choose(t *task, ask *creation) (done bool) {
	switch {
	case b.m.Approval != nil:
		return b.chooseInstance(t, ask)
	case b.m.Kind == calendarKind:
		return b.chooseEvent(t, ask)
	}
	return false
}

// notTaken are those of the objects that no other living link holds.
func (b *batch) notTaken(t *task, candidates []ID) ([]ID, error) {
	var free []ID
	for _, id := range candidates {
		taken, err := b.takenBy(mapping.DingTalk, id)
		if err != nil {
			return nil, err
		}
		if taken == nil || taken.ID == t.link.ID {
			free = append(free, id)
		}
	}
	return free, nil
}

func (b *batch) settleIntent(t *task, s mapping.Side, found *creation) {
	if !found.found {
		if at := t.link.Intent.At.Add(b.e.settleAfter(s)); b.now.Before(at) {
			t.wait = at
			return
		}
		if found.lost != "" {
			b.holdUnsure(t, s, found.lost)
			return
		}
		// It never arrived: the record is a stranger again and takes the usual way, with the same key.
		t.mark = 0
		t.link.State = Held
		if !tokenKept(b.m.Kind) {
			t.link.Intent = nil
		}
		t.link.SetOn(s, "")
		*t.seen(s) = Seen{}
		return
	}
	t.mark = 0
	t.link.State, t.link.Intent = Linked, nil
	t.link.SetOn(s, found.id)
	t.link.ownedBy(found.owner)
	t.seen(s).ID = found.id
	b.refs.learn(t.link)
	b.lookAt(s, []*task{t})
}

// holdUnsure keeps a creation of which nobody can tell whether it was carried out from being sent again.
func (b *batch) holdUnsure(t *task, s mapping.Side, words string) {
	t.link.State, t.link.Intent, t.mark = Held, nil, 0
	t.link.SetOn(s, "")
	t.link.Hold("", Hold{Kind: HeldUnsure, Reason: words + "; held", Since: b.now})
	*t.seen(s) = Seen{}
}
