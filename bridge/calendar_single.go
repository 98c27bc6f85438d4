package bridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// single is one meeting of a series that was changed by itself in Odoo: a record of its own, archived when the meeting was cancelled.
// DingTalk's API changes whole series only; a person can change the one meeting there.
type single struct {
	series ID
	origin string // when the series has it, as Odoo writes it
}

// singleFields are what is compared of a meeting of a series that was changed by itself on both sides.
var singleFields = []string{"start", "summary", "location"}

// cancelledSingle decides about a meeting of a series that was cancelled by itself, unless that was before the mapping.
func (b *batch) cancelledSingle(t *task) {
	stranger := t.link == nil || t.link.State == Held
	if !stranger || t.odoo.Existence != Archived || t.odoo.Single == nil || t.ding.Existence != Absent || b.keptHold(t, mapping.Odoo) {
		return
	}
	began, err := b.e.ding.began(b.ctx, b.m)
	if err != nil {
		t.fail = classify(err)
		return
	}
	if made, err := time.Parse(odooTime, t.odoo.Created); err == nil && made.Before(began) {
		return
	}
	b.single(t)
}

// single decides about a meeting of a series that was changed by itself. It reports that the meeting is an ordinary one, as it is when its
// series has ended: then it stands for itself in Odoo, too.
func (b *batch) single(t *task) (ordinary bool) {
	series, err := b.seriesOf(t.odoo.Single.series)
	if err != nil {
		t.fail = classify(err)
		return false
	}
	at := Await{Mapping: b.m.Name, Side: mapping.Odoo, ID: t.odoo.Single.series}
	switch {
	case !b.m.CreateDingTalk.Allowed:
		t.plan.Row += "; it is one meeting of a series"
	case series == nil || series.State == Held:
		b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: b.namesSingle(t) + ", which is not in dingtalk", On: []Await{awaitsSweep(b.m.Name), at}})
	case series.State == Retired && series.Was[mapping.Odoo] == Gone, series.State == Linked && !b.recurs(series):
		return t.odoo.Existence == Present
	case series.State != Linked:
		t.plan.Row += "; it is one meeting of a series that is " + string(series.State)
		t.plan.Waits = append(t.plan.Waits, at)
	case b.overSingle(t):
		t.plan.Row += "; it is one meeting of a series, and over"
	default:
		b.compareSingle(t, series, at)
	}
	return false
}

func (b *batch) seriesOf(id ID) (l *Link, err error) {
	err = b.e.Store.View(b.ctx, func(tx Tx) error {
		on, err := tx.LinksOn(b.m.Name, mapping.Odoo, []ID{id})
		l = on[id]
		return err
	})
	return l, err
}

// recurs says whether a linked meeting is a series.
func (b *batch) recurs(l *Link) bool {
	return slices.ContainsFunc(b.m.Fields, func(f *mapping.Field) bool {
		return f.DingName == "recurrence" && l.Bases[mapping.Odoo][f.Key].Value.IsKnown()
	})
}

// compareSingle holds a meeting that was changed in Odoo until DingTalk shows it changed likewise. It is not looked for there when it is
// first seen: a person will hardly have been faster.
func (b *batch) compareSingle(t *task, series *Link, at Await) {
	mark := viewMark(t.odoo.View).Text
	if t.link != nil && t.link.Errand != nil && t.link.Errand.Alike == mark {
		t.plan.Row += "; it is one meeting of a series, and dingtalk shows it alike"
		return
	}
	if t.link != nil && series.Errand != nil && series.Errand.Owner != "" {
		alike, err := b.alikeInDingTalk(t, series)
		if err != nil {
			t.fail = classify(err)
			return
		}
		if alike {
			t.link.errand().Alike = mark
			t.mark = 0
			t.plan.Row += "; it is one meeting of a series, and dingtalk shows it alike now"
			return
		}
	}
	what := ", changed by itself: DingTalk's API changes whole series only, so change that one meeting in dingtalk by hand"
	if t.odoo.Existence == Archived {
		what = ", cancelled by itself: DingTalk's API cancels whole series only, so cancel that one meeting in dingtalk by hand"
	}
	b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: b.namesSingle(t) + what, On: []Await{awaitsSweep(b.m.Name), at}})
}

// namesSingle says which meeting it is.
func (b *batch) namesSingle(t *task) string {
	return fmt.Sprintf("it is the meeting of %s of the series %s", b.beginsAs(t), t.odoo.Single.series)
}

// beginsAs is when the series has the meeting, in the zone of people.
func (b *batch) beginsAs(t *task) string {
	at, err := time.Parse(odooTime, t.odoo.Single.origin)
	switch {
	case err != nil:
		return "an unknown day"
	case t.odoo.Record["allday"] == true:
		return at.Format(time.DateOnly)
	}
	return at.In(b.e.Zone).Format("2006-01-02 15:04")
}

// spans are when the series has the meeting, and when it is now, as instants; whole days in UTC.
func (b *batch) spans(t *task) (origin, start, end time.Time, ok bool) {
	origin, err := time.Parse(odooTime, t.odoo.Single.origin)
	if err != nil {
		return origin, start, end, false
	}
	start, end = origin, origin
	for _, f := range b.m.Fields {
		if f.DingName == "start" {
			if from, to, known := spanOf(t.odoo.View[f.Key].Text); known {
				start, end = from, to
			}
		}
	}
	return origin, start, end, true
}

// overSingle: nobody needs to change what is past.
func (b *batch) overSingle(t *task) bool {
	origin, _, end, ok := b.spans(t)
	if origin.After(end) {
		end = origin
	}
	return ok && end.Add(2*calendarsPast).Before(b.now)
}

// alikeInDingTalk looks whether the organizer's calendar shows the meeting as Odoo has it: another time, title or place, or not at all.
func (b *batch) alikeInDingTalk(t *task, series *Link) (bool, error) {
	origin, start, end, ok := b.spans(t)
	if !ok {
		return false, nil
	}
	from, to := origin, origin
	if t.odoo.Existence == Present && start.Before(from) {
		from = start
	}
	if t.odoo.Existence == Present && end.After(to) {
		to = end
	}
	one, found, err := b.e.ding.occurrence(b.ctx, series, origin, t.odoo.Record["allday"] == true, from.Add(-singleMargin), to.Add(singleMargin))
	if err != nil || t.odoo.Existence == Archived {
		return !found, err
	}
	if !found {
		return false, nil
	}
	view, _ := b.m.View(mapping.DingTalk, one, nil, b.refs, b.e.Zone)
	for _, f := range b.m.Fields {
		if slices.Contains(singleFields, f.DingName) && !view[f.Key].IsUnknown() && view[f.Key] != t.odoo.View[f.Key] {
			return false, nil
		}
	}
	return true, nil
}

// singleMargin is how far around its times a meeting is looked for: that of whole days is given in UTC here.
const singleMargin = 24 * time.Hour

// occurrence looks for the meeting of a series that the rule has at the time among what its organizer's calendar shows.
func (s *dingSide) occurrence(ctx context.Context, series *Link, origin time.Time, days bool, from, to time.Time) (mapping.Record, bool, error) {
	for o, err := range s.client.Calendars.View(ctx, series.Errand.Owner, from, to) {
		if err != nil {
			return nil, false, err
		}
		if o.Text("seriesMasterId") != string(series.Ding) || o.Text("status") == "cancelled" {
			continue
		}
		began, told := o.Int("originStart")
		if !told {
			began, told = o.Int("start")
		}
		if days && o.Text("originStartDate") == origin.Format(time.DateOnly) || !days && told && time.UnixMilli(began).Equal(origin) {
			return recordOf(dingtalk.CalendarEventKind, o, nil, true), true, nil
		}
	}
	return nil, false, nil
}

// touchSingles makes due the held meetings of a series of which DingTalk told: a person may have changed them there.
func (e *Engine) touchSingles(tx Tx, m *mapping.Mapping, series *Link, due time.Time) error {
	held, err := tx.LinksIn(m.Name, Held)
	if err != nil {
		return err
	}
	at := Await{Mapping: m.Name, Side: mapping.Odoo, ID: series.Odoo}
	for _, l := range held {
		if !slices.Contains(l.Holds[""].On, at) {
			continue
		}
		if err := tx.StopAwaiting(l.Key()); err != nil { // so that it counts as woken
			return err
		}
		if err := tx.Touch(due, l.Key()); err != nil {
			return err
		}
	}
	return nil
}
