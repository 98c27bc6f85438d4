package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// calendarKind is the kind of events in people's calendars. An event is read, and changed, in the calendar of its organizer.
const calendarKind = "calendar_event"

// calendars is what this process knows of events beside their links.
type calendars struct {
	people sync.Map // []string by ID: unionids of those in whose calendars it stands, the organizer first where he is known
}

// Limits of how calendars are read by a sweep. Each calendar costs a counted call, more where much has changed.
const (
	calendarsAtOnce = 40                   // the others are read by the next sweeps, those first that were not read for longest
	calendarsBack   = 365 * 24 * time.Hour // what a first list, or one without a token, begins with: a series may have begun so long ago
	calendarsPast   = 24 * time.Hour       // a meeting that ended before then is no news
)

// place is where an event stands, as its link remembers it.
type place struct {
	people  []string
	removed string
}

// began is when a mapping that starts now was first swept; the zero time for others, and before.
func (s *dingSide) began(ctx context.Context, m *mapping.Mapping) (at time.Time, err error) {
	if m.Start != "now" {
		return at, nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		saved, err := tx.Meta(startedKey(m.Name))
		if err == nil && saved != "" {
			at, err = time.Parse(time.RFC3339, saved)
		}
		return err
	})
	return at, err
}

// placesOf says in whose calendars the events stand, as far as links and events tell.
func (s *dingSide) placesOf(ctx context.Context, mappingName string, ids []ID) (map[ID]place, error) {
	out := make(map[ID]place, len(ids))
	err := s.store.View(ctx, func(tx Tx) error {
		on, err := tx.LinksOn(mappingName, mapping.DingTalk, ids)
		for id, l := range on {
			if l.Errand != nil && l.Errand.Owner != "" {
				out[id] = place{[]string{l.Errand.Owner}, l.Errand.Removed}
			}
		}
		return err
	})
	for _, id := range ids {
		if known, ok := s.calendars.people.Load(id); ok && len(out[id].people) == 0 {
			out[id] = place{known.([]string), out[id].removed}
		}
	}
	return out, err
}

// lookEvents reads events in the calendars of their organizers, of others' who were invited where the organizer is not known yet.
func (s *dingSide) lookEvents(ctx context.Context, m *mapping.Mapping, ids []ID, had map[ID]dingtalk.Object) (map[ID]Seen, error) {
	places, err := s.placesOf(ctx, m.Name, ids)
	if err != nil {
		return nil, err
	}
	began, err := s.began(ctx, m)
	if err != nil {
		return nil, err
	}
	return lookEach(ctx, s.parallel, ids, func(ctx context.Context, id ID) (Seen, error) {
		o, read := had[id]
		var err error
		if !read {
			o, err = s.readEvent(ctx, id, places[id].people)
		}
		switch {
		case err == nil:
			return s.seenEvent(id, o, began), nil
		case dingtalk.IsNotFound(err):
			return s.noEvent(id, places[id].removed), nil
		}
		return unseen(id, err)
	})
}

// errNowhere is the answer about an event of which nobody knows in whose calendar it stands.
var errNowhere = &dingtalk.Error{Class: dingtalk.Missing, Message: "nobody knows in whose calendar the event stands"}

// readEvent reads an event in the first of these calendars that shows it, and notes whose it is.
func (s *dingSide) readEvent(ctx context.Context, id ID, people []string) (dingtalk.Object, error) {
	var missing error = errNowhere
	for _, person := range people {
		o, err := s.client.Calendars.Get(ctx, person, string(id))
		if err == nil {
			if organizer := o.Text("organizer"); organizer != "" {
				s.calendars.people.Store(id, []string{organizer})
			}
			return o, nil
		}
		if !dingtalk.IsNotFound(err) {
			return nil, err
		}
		missing = err
	}
	return nil, missing
}

// seenEvent is an event that answered. Whoever organizes one takes part in it, as Odoo has it too.
func (s *dingSide) seenEvent(id ID, o dingtalk.Object, began time.Time) Seen {
	switch {
	case o.Text("seriesMasterId") != "":
		return Seen{ID: id, Existence: Unseen, Why: "one meeting of the series " + o.Text("seriesMasterId")}
	case o.Text("status") == "cancelled":
		return Seen{ID: id, Existence: Gone, Why: "cancelled in dingtalk"}
	}
	s.evidence.saw(calendarKind, id)
	if until, gone := s.evidence.freshUntil(calendarKind, id); gone {
		return Seen{ID: id, Existence: Unseen, Why: "removed a moment ago; dingtalk may still show it", Until: until}
	}
	rec := recordOf(dingtalk.CalendarEventKind, o, nil, false)
	if attendees, known := rec["attendees"].([]any); known && o.Text("organizer") != "" && !slices.Contains(attendees, any(o.Text("organizer"))) {
		rec["attendees"] = append([]any{o.Text("organizer")}, attendees...)
	}
	made, told := o.Int("createTime")
	return Seen{ID: id, Existence: Present, Record: rec, Elder: told && time.UnixMilli(made).Before(began)}
}

// noEvent weighs the evidence for an event that does not answer.
func (s *dingSide) noEvent(id ID, removed string) Seen {
	if until, young := s.made.ends(RecordKey(calendarKind, mapping.DingTalk, id), s.now()); young {
		return Seen{ID: id, Existence: Unseen, NotFound: true, Why: "made a moment ago; dingtalk may not show it yet", Until: until}
	}
	if why := s.evidence.of(calendarKind, id); why != "" {
		removed = why
	}
	if removed != "" {
		return Seen{ID: id, Existence: Gone, Why: removed}
	}
	return Seen{ID: id, Existence: Unseen, NotFound: true, Why: "not found, but nothing says that it was cancelled"}
}

// calendarCursor is how far a person's calendar was read.
type calendarCursor struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

func calendarKey(mappingName, person string) string { return "calendar/" + mappingName + "/" + person }

// listEvents tells what changed in the calendars of those who organize linked events, and of those whom the mapping names. What is not told
// has not changed.
func (s *dingSide) listEvents(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error) {
	l := Listing{Partial: true, Scope: "calendars", Why: "only changes are listed", Cursors: map[string]string{}}
	people, cursors, owners, err := s.calendarsOf(ctx, m)
	if err != nil {
		return l, err
	}
	began, err := s.began(ctx, m)
	if err != nil {
		return l, err
	}
	if len(people) > calendarsAtOnce {
		l.Why = fmt.Sprintf("%d of %d calendars were read; the others are read by the next sweeps", calendarsAtOnce, len(people))
		people = people[:calendarsAtOnce]
	}
	for _, person := range people {
		var seen []Seen
		next, err := s.client.Calendars.Changes(ctx, person, cursors[person].Token, s.now().Add(-calendarsBack), func(o dingtalk.Object) error {
			if one, told := s.listedEvent(person, owners[ID(o.Text("id"))], o, began); told {
				seen = append(seen, one)
			}
			return nil
		})
		if f := classify(err); f != nil {
			if f.Class == FailHalt || f.Class == FailRetry {
				return l, err
			}
			l.Why = fmt.Sprintf("a calendar cannot be read: %s", f.Words) // who left has none any more
			continue
		}
		raw, err := json.Marshal(calendarCursor{next.Token, s.now().UTC()})
		if err != nil {
			return l, err
		}
		l.Cursors[calendarKey(m.Name, person)] = string(raw)
		l.Count += len(seen)
		if err := page(seen); err != nil {
			return l, err
		}
	}
	return l, nil
}

// listedEvent is a row of a person's calendar; false for what is no news: single meetings of a series, those of the past, and what the
// person only took out of his own calendar. owner organizes the event as far as its link knows: of one that is cancelled the row may tell
// hardly more than that.
func (s *dingSide) listedEvent(person, owner string, o dingtalk.Object, began time.Time) (Seen, bool) {
	id := ID(o.Text("id"))
	if id == "" || o.Text("seriesMasterId") != "" {
		return Seen{}, false
	}
	if organizer := o.Text("organizer"); organizer != "" {
		s.calendars.people.Store(id, []string{organizer})
	}
	if o.Text("status") == "cancelled" {
		why := "cancelled, says the calendar as of " + s.now().UTC().Format(time.RFC3339)
		if told := o.Text("organizer"); told != "" {
			owner = told
		}
		if owner == person {
			s.evidence.note(calendarKind, id, why)
		}
		return Seen{ID: id, Existence: Gone, Why: why}, owner == person
	}
	if o["recurrence"] == nil && endOf(o).Before(s.now().Add(-calendarsPast)) {
		return Seen{}, false
	}
	seen := s.seenEvent(id, o, began)
	return seen, seen.Existence == Present
}

// endOf is when an event ends; of whole days, in the easternmost zone.
func endOf(o dingtalk.Object) time.Time {
	if ms, ok := o.Int("end"); ok {
		return time.UnixMilli(ms)
	}
	day, err := time.Parse(time.DateOnly, o.Text("endDate"))
	if err != nil {
		return time.Unix(1<<40, 0) // nobody knows: it is not over
	}
	return day.Add(-14 * time.Hour)
}

// calendarsOf are the people whose calendars are read, those first whose were not read for longest, how far they were read, and who
// organizes the linked events.
func (s *dingSide) calendarsOf(ctx context.Context, m *mapping.Mapping) ([]string, map[string]calendarCursor, map[ID]string, error) {
	people, owners := map[string]calendarCursor{}, map[ID]string{}
	for _, userid := range m.Users {
		o, err := s.client.Users.Get(ctx, userid)
		switch {
		case dingtalk.IsNotFound(err) || dingtalk.IsOutOfScope(err):
		case err != nil:
			return nil, nil, nil, err
		case o.Text("unionid") != "":
			people[o.Text("unionid")] = calendarCursor{}
		}
	}
	err := s.store.View(ctx, func(tx Tx) error {
		links, err := tx.LinksIn(m.Name, Linked)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Errand != nil && l.Errand.Owner != "" && !isOver(m, l, s.now()) {
				people[l.Errand.Owner], owners[l.Ding] = calendarCursor{}, l.Errand.Owner
			}
		}
		for person := range people {
			saved, err := tx.Meta(calendarKey(m.Name, person))
			if err != nil {
				return err
			}
			var c calendarCursor
			if saved != "" {
				if err := json.Unmarshal([]byte(saved), &c); err != nil {
					return fmt.Errorf("the stored %s: %w", calendarKey(m.Name, person), err)
				}
			}
			people[person] = c
		}
		return nil
	})
	order := slices.Sorted(maps.Keys(people))
	slices.SortStableFunc(order, func(a, b string) int { return people[a].At.Compare(people[b].At) })
	return order, people, owners, err
}

// tokenLife is how long DingTalk knows a client token (a day), less what clocks may differ by.
const tokenLife = 23 * time.Hour

// findEvent settles a creation of unknown outcome: within a day it is sent again with the same token, so that DingTalk answers as it did
// the first time. Later, events of the organizer that look like it are candidates.
func (s *dingSide) findEvent(ctx context.Context, c *creation) error {
	if s.now().Before(c.since.Add(tokenLife)) {
		return nil
	}
	c.late = true
	start, _, ok := spanOf(c.sent["start"].Text)
	if !ok || c.parent == "" {
		return nil
	}
	for o, err := range s.client.Calendars.List(ctx, c.parent, start.Add(-time.Minute), start.Add(time.Minute)) {
		if err != nil {
			return err
		}
		created, _ := o.Int("createTime")
		seen := s.seenEvent(ID(o.Text("id")), o, time.Time{})
		if seen.Existence != Present || time.UnixMilli(created).Before(c.since.Add(-clockMargin)) || o.Text("organizer") != c.parent {
			continue
		}
		if view := c.view(seen.Record); view["start"] == c.sent["start"] && view["summary"] == c.sent["summary"] {
			c.candidates = append(c.candidates, seen.ID)
		}
	}
	return nil
}

// createEvent makes an event in its organizer's calendar.
func (s *dingSide) createEvent(ctx context.Context, c *creation) {
	owner := textOf(c.values["organizer"])
	made, err := s.client.Calendars.Create(ctx, dingtalk.Object(c.values), dingtalk.CalendarOptions{Token: c.key})
	if id := ID(made.Text("id")); id != "" {
		s.calendars.people.Store(id, []string{owner})
		if err == nil {
			c.id, c.owner, c.back = id, owner, made
		}
	}
	c.err = err
}

// writeEvent changes or cancels an event, in the name of its organizer: nobody else may.
func (s *dingSide) writeEvent(ctx context.Context, m *mapping.Mapping, w *write) error {
	places, err := s.placesOf(ctx, m.Name, []ID{w.id})
	if err != nil {
		return err
	}
	if len(places[w.id].people) == 0 {
		return reject("", "nobody knows who organizes the event, in whose name it would be changed")
	}
	owner := places[w.id].people[0]
	if w.op == OpDelete {
		err := s.client.Calendars.Delete(ctx, owner, string(w.id), dingtalk.CalendarOptions{})
		if err != nil && !dingtalk.IsNotFound(err) {
			return err
		}
		s.evidence.note(calendarKind, w.id, "cancelled by us")
		return nil
	}
	o := dingtalk.Object{}
	for name, raw := range w.values {
		if raw != nil {
			o[name] = raw
		}
	}
	o["id"], o["organizer"] = string(w.id), owner
	if wanted, written := w.values["attendees"]; written {
		o["optionalAttendees"] = optionalAmong(w.seen.Record["optionalAttendees"], wanted)
	}
	if err := s.client.Calendars.Update(ctx, o, dingtalk.CalendarOptions{}, w.clear...); err != nil {
		return err
	}
	if back, err := s.readEvent(ctx, w.id, []string{owner}); err == nil {
		w.back = back
	}
	return nil
}

// optionalAmong are those of the optional attendees who still attend: DingTalk's client takes who is optional as invited.
func optionalAmong(optional, wanted any) []any {
	out := []any{}
	stays := refIDs(wanted)
	for _, person := range refIDs(optional) {
		if person != "" && slices.Contains(stays, person) {
			out = append(out, person)
		}
	}
	return out
}
