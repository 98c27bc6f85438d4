package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// meet decides about a record no link holds: recognise it on the other side, else create it there, else say why not.
func (b *batch) meet(t *task) {
	s := mapping.Odoo
	if t.odoo.Existence != Present {
		s = mapping.DingTalk
	}
	switch {
	case b.dry && b.refs.matched[Await{Mapping: b.m.Name, Side: s, ID: t.seen(s).ID}]:
		return // told already, with its other half
	case !b.dry && !b.e.ready(b.m):
		t.plan.Waits = append(t.plan.Waits, awaitsSweep(b.m.Name))
		return
	case b.keptHold(t, s):
		return
	case b.unsettled(t, s):
		return
	case t.seen(s).Elder:
		t.plan.Row += "; it was there before the mapping began"
		return
	case t.seen(s).Single != nil && !b.single(t):
		return
	}
	match, hold, waits := b.match(t, s)
	switch {
	case hold != nil:
		b.holdStranger(t, s, *hold)
	case len(waits) > 0:
		t.plan.Waits = append(t.plan.Waits, waits...)
	case match != nil:
		b.meetMatch(t, match)
	default:
		b.create(t, s)
	}
}

// keptHold: a stranger that was held stays so while its View is what it was and nothing it waits for has happened.
func (b *batch) keptHold(t *task, s mapping.Side) bool {
	if t.link == nil {
		return false
	}
	old, held := t.link.Holds[""]
	if !held || old.Kind != HeldUnsure && (old.Odoo != viewMark(t.seen(s).View) || woken(old, t.awaits)) {
		return false
	}
	t.plan.Notes = append(t.plan.Notes, Note{Hold: &old, Kept: true, Reason: old.Reason})
	t.plan.Waits = append(t.plan.Waits, old.On...)
	return true
}

// holdStranger holds a record before it has a link.
func (b *batch) holdStranger(t *task, s mapping.Side, h Hold) {
	h.Since = b.now
	h.Odoo = viewMark(t.seen(s).View)
	if len(h.On) == 0 {
		h.On = []Await{awaitsSweep(b.m.Name)}
	}
	if !strings.HasSuffix(h.Reason, "held") {
		h.Reason += "; held"
	}
	if t.held.Kind == h.Kind && t.held.Reason == h.Reason {
		h.Since = t.held.Since // looked at again, or tried again, and nothing has changed
	}
	t.plan.Notes = append(t.plan.Notes, Note{Hold: &h, Reason: h.Reason})
	t.plan.Waits = append(t.plan.Waits, h.On...)
}

// viewMark is a short mark of a whole View, to see whether a held stranger changed.
func viewMark(v mapping.View) mapping.Value {
	raw, err := json.Marshal(v)
	if err != nil {
		return mapping.UnknownValue
	}
	return mapping.Text(fmt.Sprintf("%x", hash64(raw)))
}

// unsettled: while a creation on the stranger's side has an unknown outcome, the stranger may be that very record. It is,
// when it carries the creation's key; otherwise it waits until the creation is settled.
func (b *batch) unsettled(t *task, s mapping.Side) bool {
	if b.dry {
		return false
	}
	open, err := b.openIntents(s)
	if err != nil {
		t.fail = classify(err)
		return true
	}
	id := t.seen(s).ID
	for _, l := range open {
		carries := string(id) == l.Intent.Key
		if b.markOf(s, t.seen(s).Record) == l.Intent.Key {
			carries = true
		}
		t.plan.Waits = append(t.plan.Waits, Await{Mapping: b.m.Name, Side: s.Other(), ID: l.On(s.Other())})
		if carries {
			l.Intent.At = b.now.Add(-b.e.settleAfter(s)) // seen with our key: settle it at once
			if err := b.e.Store.Update(b.ctx, func(tx Tx) error {
				if err := tx.PutLink(l); err != nil {
					return err
				}
				return tx.Touch(b.now, l.Key())
			}); err != nil {
				t.fail = classify(err)
				return true
			}
		}
	}
	return len(open) > 0
}

// markOf is what a DingTalk object carries of the key under which it was made, "" when it is none of ours.
func (b *batch) markOf(s mapping.Side, rec mapping.Record) string {
	switch {
	case s != mapping.DingTalk:
		return ""
	case b.m.Approval != nil && b.m.Approval.Marker != "":
		return textOf(rec[dingtalk.FormPrefix+b.m.Approval.Marker])
	}
	return textOf(rec["source_identifier"])
}

// openIntents are the creations on the side whose outcome an earlier batch left open. They are read once a batch: only this batch
// commits or settles intents meanwhile, and its own are no question here.
func (b *batch) openIntents(s mapping.Side) ([]*Link, error) {
	if open, known := b.open[s]; known {
		return open, nil
	}
	var open []*Link
	err := b.e.Store.View(b.ctx, func(tx Tx) error {
		links, err := tx.LinksIn(b.m.Name, Creating)
		for _, l := range links {
			if l.Intent != nil && l.Intent.Side == s && !l.Intent.At.Equal(b.now) {
				open = append(open, l)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.open == nil {
		b.open = map[mapping.Side][]*Link{}
	}
	b.open[s] = open
	return open, nil
}

// match looks for the stranger on the other side by the mapping's match fields, in order. Ambiguous, taken, or not knowable
// is held; a reference that is not linked yet makes it wait.
func (b *batch) match(t *task, s mapping.Side) (*Match, *Hold, []Await) {
	view := t.seen(s).View
	unknown := ""
	for n, entry := range b.m.Match {
		if i := slices.IndexFunc(entry, func(k string) bool { return view[k].IsUnknown() }); i >= 0 {
			f, ok := b.m.Field(entry[i])
			switch {
			case ok && b.instead(f, view):
				continue
			case ok && f.Ref != "" && len(t.missed) > 0:
				return nil, nil, t.missed
			case ok && f.Person != "" && s == mapping.Odoo:
				return nil, &Hold{Kind: HeldInvalid, Reason: f.OdooName + " is nobody who is linked to dingtalk"}, nil
			}
			if unknown == "" {
				unknown = entry[i]
			}
			continue
		}
		by := strings.Join(entry, ", ")
		found := b.e.index.find(b.m, s.Other(), n, b.onSide(s.Other(), view))
		if len(found) == 0 {
			continue
		}
		if own := b.e.index.find(b.m, s, n, func(key string) mapping.Value { return ownValue(b.m, s, *t.seen(s), key) }); len(own) > 1 && slices.Contains(own, t.seen(s).ID) {
			return nil, &Hold{Kind: HeldAmbiguous, Reason: fmt.Sprintf("%s is the same on %s %s", by, s, joinIDs(own))}, nil
		}
		if len(found) > 1 {
			return nil, &Hold{Kind: HeldAmbiguous, Reason: fmt.Sprintf("%s fits %s %s", by, s.Other(), joinIDs(found))}, nil
		}
		taken, err := b.takenBy(s.Other(), found[0])
		if err != nil {
			t.fail = classify(err)
			return nil, nil, nil
		}
		if taken != nil && !(t.link != nil && taken.ID == t.link.ID) {
			on := Await{Mapping: b.m.Name, Side: s.Other(), ID: found[0]}
			return nil, &Hold{
				Kind: HeldAmbiguous, On: []Await{on, awaitsSweep(b.m.Name)},
				Reason: fmt.Sprintf("%s fits %s %s %s, which is linked to %s %s", by, s.Other(), b.kindOf(s.Other()), found[0], s, taken.On(s)),
			}, nil
		}
		return &Match{Side: s.Other(), ID: found[0], By: by}, nil, nil
	}
	if unknown != "" {
		return nil, &Hold{Kind: HeldAmbiguous, Reason: unknown + " cannot be read, so nobody can say whether this record exists in " + string(s.Other()) + " already"}, nil
	}
	return nil, nil, nil
}

// instead says whether another pair gives DingTalk what this one, of creations, does not.
func (b *batch) instead(f *mapping.Field, view mapping.View) bool {
	other, twice := b.m.Instead(f, mapping.DingTalk)
	return twice && f.OnCreate && view[other.Key].IsKnown()
}

// onSide gives the values of a View as the index of a side keeps them: references by the ids they have there.
func (b *batch) onSide(s mapping.Side, view mapping.View) func(key string) mapping.Value {
	return func(key string) mapping.Value {
		v := view[key]
		if f, ok := b.m.Field(key); ok && f.Ref != "" && v.IsKnown() {
			id, ok := b.refs.IDOf(f.Ref, s, v.Text, f.By(s))
			if !ok {
				return mapping.UnknownValue
			}
			return mapping.Text(id)
		}
		return v
	}
}

// takenBy returns the living link that holds the record, if any. A retired link or a held stranger takes nothing.
func (b *batch) takenBy(s mapping.Side, id ID) (*Link, error) {
	var taken *Link
	err := b.e.Store.View(b.ctx, func(tx Tx) error {
		on, err := tx.LinksOn(b.m.Name, s, []ID{id})
		if l := on[id]; l != nil && l.State != Retired && l.State != Held {
			taken = l
		}
		return err
	})
	return taken, err
}

// meetMatch joins two strangers: the other half is read, and their fields are compared as a first meeting.
func (b *batch) meetMatch(t *task, match *Match) {
	t.seen(match.Side).ID = match.ID
	b.lookAt(match.Side, []*task{t})
	if t.fail != nil {
		return
	}
	found := t.seen(match.Side).Existence
	if found != Present && found != Archived {
		t.plan.Waits = append(t.plan.Waits, awaitsSweep(b.m.Name)) // the index was behind; the sweep will know
		*t.seen(match.Side) = Seen{}
		return
	}
	t.plan.Match = match
	link := &Link{Mapping: b.m.Name, State: Linked}
	if t.link != nil {
		link.ID = t.link.ID
	}
	link.SetOn(mapping.Odoo, t.odoo.ID)
	link.SetOn(mapping.DingTalk, t.ding.ID)
	t.plan.Link = link
	b.joined(t)
}

// joined plans what two records that become one thing need: an archived half is un-archived first, then fields are compared.
func (b *batch) joined(t *task) {
	b.views(t)
	t.plan.Odoo, t.plan.Ding = t.odoo, t.ding
	if t.odoo.Existence == Archived {
		t.plan.Changes = append(t.plan.Changes, &Change{Op: OpUnarchive, Side: mapping.Odoo, ID: t.odoo.ID, Reason: "re-hired in dingtalk"})
		return
	}
	b.diff(t)
}

// rehire brings a retired link back to life: with the other half if it is still there, else as a stranger.
func (b *batch) rehire(t *task) {
	s := mapping.Odoo
	if t.odoo.Existence != Present {
		s = mapping.DingTalk
	}
	other := t.seen(s.Other())
	for _, at := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		id := t.seen(at).ID
		if id == "" {
			continue
		}
		taken, err := b.takenBy(at, id)
		if err != nil {
			t.fail = classify(err)
			return
		}
		if taken != nil && taken.ID != t.link.ID {
			return // a later link holds it: this one stays retired
		}
	}
	link := &Link{ID: t.link.ID, Mapping: b.m.Name, State: Linked, OdooCreated: t.link.OdooCreated}
	link.SetOn(s, t.seen(s).ID)
	if other.Existence == Present || other.Existence == Archived {
		link.SetOn(s.Other(), other.ID)
		t.plan.Rehire, t.plan.Link = true, link
		b.joined(t)
		return
	}
	// Nothing is on the other side: a stranger, under the old link's number. If nothing comes of it now, the link stays retired.
	if s == mapping.Odoo {
		t.before = other.ID
	}
	*other = Seen{}
	link.State = Held
	t.link, t.plan.Link = link, nil
	b.meet(t)
	for _, c := range t.plan.Changes {
		c.Reason = "re-hired in " + string(s)
	}
}

func (b *batch) kindOf(s mapping.Side) string {
	if s == mapping.Odoo {
		return b.m.Model
	}
	return b.m.Kind
}

func joinIDs(ids []ID) string {
	const most = 5
	parts := make([]string, 0, most+1)
	for i, id := range ids {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(ids)-most))
			break
		}
		parts = append(parts, string(id))
	}
	return strings.Join(parts, ", ")
}
