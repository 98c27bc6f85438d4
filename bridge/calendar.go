package bridge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// spanOf reads both ends of when a meeting is, see the converter span. Whole days begin and end in UTC here.
func spanOf(text string) (start, end time.Time, ok bool) {
	from, to, ok := strings.Cut(text, "/")
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		a, err := time.Parse(layout, from)
		b, errTo := time.Parse(layout, to)
		if err == nil && errTo == nil {
			return a, b, ok
		}
	}
	return time.Time{}, time.Time{}, false
}

// isOver says whether a linked meeting has ended and is no series, so that nobody needs to look for changes of it.
func isOver(m *mapping.Mapping, l *Link, now time.Time) bool {
	over := false
	for _, f := range m.Fields {
		base := l.Bases[mapping.DingTalk][f.Key].Value
		switch f.DingName {
		case "recurrence":
			if base.IsKnown() {
				return false
			}
		case "start":
			_, end, ok := spanOf(base.Text)
			over = ok && end.Add(2*calendarsPast).Before(now)
		}
	}
	return over
}

// eventKey is the key under which a meeting is sent to DingTalk, as the client token of the call. An event that is made again, because the
// first one was cancelled, has another one: under the old one DingTalk would answer with the first for a day.
func eventKey(m *mapping.Mapping, t *task) string {
	key := m.Name + "-" + string(t.odoo.ID) + "-" + strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, t.odoo.Created)
	if t.before != "" {
		key += fmt.Sprintf(".%x", hash64([]byte(t.before)))
	}
	return key
}

// tokenKept says whether a creation that was not heard of keeps its key although the record is a stranger again: it is sent again with the
// same client token.
func tokenKept(kind string) bool {
	k, _ := dingtalk.KindByName(kind)
	return k.Key == dingtalk.ClientToken
}

// chooseEvent looks for a creation whose outcome is unknown, and whose token is known no longer, among the events that look like what was
// sent: where there is not exactly one, a person decides. It reports that the task is dealt with.
func (b *batch) chooseEvent(t *task, ask *creation) (done bool) {
	if !ask.late {
		return false
	}
	free, err := b.notTaken(t, ask.candidates)
	switch {
	case err != nil:
		t.fail = classify(err)
		return true
	case len(free) == 1:
		ask.id, ask.found, ask.owner = free[0], true, ask.parent
	case len(free) == 0:
		ask.lost = "no answer came when the event was made, more than a day ago, and the organizer's calendar shows none like it; if DingTalk does not have it: dingbridge retry"
	default:
		ask.lost = "no answer came when the event was made, and several look like it: " + joinIDs(free)
	}
	return false
}

// rememberPlace notes in the link in whose calendar its event stands; seen there, it is not removed.
func (b *batch) rememberPlace(t *task, l *Link) {
	if b.m.Kind != calendarKind {
		return
	}
	l.ownedBy(textOf(t.ding.Record["organizer"]))
	if known, ok := b.e.ding.calendars.people.Load(l.Ding); ok && (l.Errand == nil || l.Errand.Owner == "") {
		l.ownedBy(known.([]string)[0])
	}
	if l.Errand == nil || t.fail != nil {
		return
	}
	if t.ding.Existence == Present && len(t.ding.Record) > 0 {
		l.Errand.Removed = ""
	}
	asked := b.e.ding.asked(l.Ding) // perhaps meanwhile
	l.Errand.Look = asked.n > 0 && !(asked == t.telling && b.wasLookedAfter(t))
}

// lookForAnswers reads the event of a meeting that was just made in Odoo once more, unless that is due anyway: only now are there attendees
// to have the answers of those who are invited.
func (b *batch) lookForAnswers(t *task) {
	made := func(a applied) bool { return a.change.Op == OpCreate && a.change.Side == mapping.Odoo }
	if b.m.Kind != calendarKind || t.telling.until.After(b.now) || !slices.ContainsFunc(t.wrote, made) {
		return
	}
	b.e.ding.ask(t.ding.ID, time.Time{})
	t.plan.recheck(b.now)
}

// touchEvents makes due what an event of the calendar is about: linked ones, and others where they are wanted in Odoo. A cancellation is
// also evidence; that it is not remembered in vain, a look says.
func (e *Engine) touchEvents(tx Tx, event dingtalk.Event, ev InboxEvent) error {
	people := event.UnionIDs()
	change, _ := event.Lookup("changeType")
	word := strings.ToLower(textOf(change))
	removed := strings.Contains(word, "cancel") || strings.Contains(word, "delete") || strings.Contains(word, "remove")
	why := ev.Type + " (" + shortWord(word) + ") of " + ev.Born.UTC().Format(time.RFC3339)
	for _, text := range event.CalendarEventIDs() {
		id := ID(text)
		if _, known := e.ding.calendars.people.Load(id); !known && len(people) > 0 {
			e.ding.calendars.people.Store(id, people)
		}
		if removed {
			e.ding.evidence.note(calendarKind, id, why)
		}
		for _, m := range e.mappings().ByKind(calendarKind) {
			on, err := tx.LinksOn(m.Name, mapping.DingTalk, []ID{id})
			if err != nil {
				return err
			}
			l := on[id]
			if l == nil && (!m.CreateOdoo.Allowed || removed) || l != nil && (l.State == Baseline || l.State == Retired) {
				continue
			}
			now := e.Now()
			until, due := now.Add(e.StaleWindow), time.Time{}
			key := RecordKey(m.Name, mapping.DingTalk, id)
			if l != nil {
				key = l.Key()
			}
			if _, echo := e.wrote.ends(key, now); echo && !removed { // what we wrote ourselves, or somebody was as fast
				due = until
			}
			if _, echo := e.wrote.ends(key, now); l != nil && !echo {
				if err := e.touchSingles(tx, m, l, until); err != nil {
					return err
				}
			}
			if l != nil && l.Errand != nil {
				if l.Errand.Look = true; removed {
					l.Errand.Removed = why
				}
				if err := tx.PutLink(l); err != nil {
					return err
				}
			}
			e.ding.ask(id, until)
			if err := touchRecords(tx, m, mapping.DingTalk, []ID{id}, func(Key) time.Time { return due }); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortWord bounds a word from outside.
func shortWord(s string) string { return s[:min(len(s), 40)] }

// told notes that a list of changes told of a link's object.
func (s *sweep) told(l *Link, side mapping.Side, seen Seen) {
	if s.m.Kind != calendarKind || side != mapping.DingTalk {
		return
	}
	if s.changed[l.ID] = ""; seen.Existence == Gone {
		s.changed[l.ID] = seen.Why
	}
}

// rememberChanges notes how far lists of changes were read, and in their links what they told to be removed: they do not tell it again.
func (s *sweep) rememberChanges(tx Tx) error {
	for id, why := range s.changed {
		l, err := tx.Link(id)
		if err != nil {
			return err
		}
		if l == nil || l.State != Linked || l.Errand == nil {
			continue
		}
		l.Errand.Look, l.Errand.Removed = s.e.ding.asked(l.Ding).n > 0, why
		if err := tx.PutLink(l); err != nil {
			return err
		}
	}
	for name, value := range s.cursors {
		if err := tx.SetMeta(name, value); err != nil {
			return err
		}
	}
	return nil
}
