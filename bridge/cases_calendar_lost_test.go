package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// makesEvent matches the call that makes an event.
func makesEvent(r dingtalktest.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/calendars/primary/events")
}

func TestTheAnswerIsLostWhenAnEventIsMade(t *testing.T) {
	for name, how := range map[string]dingtalktest.Failure{"made": dingtalktest.DropAfter, "not made": dingtalktest.DropBefore} {
		t.Run(name, func(t *testing.T) {
			d := newDiary(t)
			d.ding.Fail(makesEvent, 3, how)
			id := d.meet("季度预算会议", nil, d.partnerZhang)
			for range 4 {
				d.later(2 * time.Second)
				d.step()
			}
			e := d.event(0)
			want(t, "attendees", attending(e), d.uZhang)
			want(t, "held", d.held(), "")
			d.settled()
			d.later(2 * time.Second)
			d.write("calendar.event", id, map[string]any{"name": "预算"})
			d.step()
			want(t, "summary", d.event(0).Summary, "预算")
		})
	}
}

// onTheSameClock lets the bridge's clock go with those of the stand-ins.
func (d *diary) onTheSameClock() {
	d.options = func(o *bridge.Options) { o.Now = d.now }
	d.reopen()
	d.sync()
}

func TestTheAnswerIsLostForMoreThanADay(t *testing.T) {
	for name, c := range map[string]struct {
		how  dingtalktest.Failure
		copy bool
		held string
	}{
		"made":         {dingtalktest.DropAfter, false, ""},
		"not made":     {dingtalktest.DropBefore, false, "the organizer's calendar shows none like it"},
		"made, copied": {dingtalktest.DropAfter, true, "several look like it"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDiary(t)
			d.onTheSameClock()
			d.ding.Fail(makesEvent, -1, c.how)
			id := d.meet("季度预算会议", nil, d.partnerZhang)
			d.step()
			must(t, d.engine.Step(d.ctx, 0))
			d.ding.ClearFailures()
			if c.copy {
				d.ding.AddEvent(dingtalktest.CalendarEvent{
					Organizer: d.uLi, Summary: "季度预算会议", Start: time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC),
				})
			}
			d.later(25 * time.Hour)
			d.reopen()
			d.sync()
			if c.held != "" {
				d.wantHeld(c.held)
				return
			}
			d.event(0)
			want(t, "held", d.held(), "")
			d.write("calendar.event", id, map[string]any{"name": "预算"})
			d.step()
			want(t, "summary", d.event(0).Summary, "预算")
		})
	}
}

func TestACancelledMeetingIsMadeAgain(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"active": false})
	d.step()
	want(t, "cancelled", d.event(0).Cancelled, true)
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"active": true})
	d.ding.Fail(makesEvent, 2, dingtalktest.DropAfter)
	for range 4 {
		d.later(2 * time.Second)
		d.step()
	}
	e := d.event(1)
	want(t, "cancelled", e.Cancelled, false)
	want(t, "attendees", attending(e), d.uZhang)
	d.settled()
}

func TestAMeetingIsDeletedInOdoo(t *testing.T) {
	d := newDiary(t)
	id, last := d.meet("评审", nil, d.partnerZhang), d.meet("周会", nil)
	d.step()
	must(t, d.people.Unlink("calendar.event", id))
	d.step()
	want(t, "cancelled", d.eventOf("评审").Cancelled, true)
	want(t, "cancelled", d.eventOf("周会").Cancelled, false)
	must(t, d.people.Unlink("calendar.event", last)) // and then there is none any more
	d.step()
	want(t, "cancelled", d.eventOf("周会").Cancelled, true)
	d.settled()
}

func TestAnEventIsCancelledInDingTalk(t *testing.T) {
	for _, word := range []string{"cancelled", "delete", "remove"} {
		t.Run(word, func(t *testing.T) { cancelledInDingTalk(t, word) })
	}
}

func cancelledInDingTalk(t *testing.T, word string) {
	d := newDiary(t)
	d.ding.Set(func(k *dingtalktest.Knobs) { k.CancelChangeType = word })
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	ev := d.event(0).ID
	must(t, d.ding.DeleteEvent(d.uZhang, ev)) // an attendee takes it out of his own calendar
	d.step()
	want(t, "active", text(d.meeting(id), "active"), "true")
	must(t, d.ding.DeleteEvent(d.uLi, ev))
	d.step()
	want(t, "active", text(d.meeting(id), "active"), "")
	d.settled()
}

// The meeting is made in Odoo long after the event told of it: the answers come with it all the same.
func TestTheAnswersComeWithAMeetingThatIsMadeLate(t *testing.T) {
	d := newDiary(t, bornInDingTalk)
	d.standIn()
	d.odoo.Fail(func(c odootest.Call) bool { return c.Model == "calendar.event" && c.Method == "load" }, 6, odootest.DropBefore)
	d.ding.AddEvent(dingtalktest.CalendarEvent{
		Organizer: d.uZhang, Summary: "客户来访", Start: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC),
		Attendees: []dingtalktest.Attendee{{UserID: d.uLi, Response: "accepted"}},
	})
	for range 4 {
		d.step()
		d.later(time.Second)
	}
	found := d.people.Search("calendar.event", []any{[]any{"name", "=", "客户来访"}})
	want(t, "meetings", len(found), 1)
	want(t, "answers", d.answers(found[0]), "li accepted, zhang needsAction")
	d.settled()
}

// Somebody takes it out of his own calendar before DingTalk shows it to the bridge.
func TestAnEventThatDingTalkDoesNotShowYetIsNotGone(t *testing.T) {
	d := newDiary(t)
	d.options = func(o *bridge.Options) { o.StaleWindow = 600 * time.Millisecond }
	d.reopen()
	d.sync()
	d.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 250 * time.Millisecond })
	id := d.meet("评审", nil, d.partnerZhang)
	must(t, d.engine.Step(d.ctx, 0))
	must(t, d.ding.DeleteEvent(d.uZhang, d.event(0).ID))
	must(t, d.ding.FlushEvents(d.ctx))
	must(t, d.engine.Step(d.ctx, 0))
	want(t, "active", text(d.meeting(id), "active"), "true")
	must(t, d.engine.Step(d.ctx, time.Second))
	want(t, "active", text(d.meeting(id), "active"), "true")
	d.settled()
}

// Nobody tells of the cancellation: the sweep of the night reads what changed in the organizer's calendar.
func TestACancellationOfWhichNoEventTold(t *testing.T) {
	for name, knobs := range map[string]func(*dingtalktest.Knobs){
		"": nil, "and a restart before it is looked at": nil,
		"shown only where it is asked for": func(k *dingtalktest.Knobs) { k.DeltaHidesDeleted = true },
		"of which hardly anything is told": func(k *dingtalktest.Knobs) { k.CancelledBare = true },
	} {
		t.Run(name, func(t *testing.T) {
			d, crash := newDiary(t), name == "and a restart before it is looked at"
			if knobs != nil {
				d.ding.Set(knobs)
			}
			id, other := d.meet("评审", nil, d.partnerZhang), d.meet("周会", nil)
			d.step()
			d.engine.Night(d.ctx)
			d.step()
			ev := d.eventOf("评审").ID
			d.ding.Quiet(func() {
				must(t, d.ding.DeleteEvent(d.uLi, ev))
				must(t, d.ding.EditEvent(d.eventOf("周会").ID, func(e *dingtalktest.CalendarEvent) { e.Location = "二号会议室" }))
			})
			d.step()
			want(t, "active", text(d.meeting(id), "active"), "true")
			d.ding.ResetJournal()
			d.engine.Night(d.ctx)
			if crash {
				d.reopen()
				d.sync()
			}
			d.step()
			t.Log(d.ding.CountedCalls(), "counted calls")
			want(t, "active", text(d.meeting(id), "active"), "")
			want(t, "place", text(d.meeting(other), "location"), "二号会议室")
			d.settled()
		})
	}
}

func (d *diary) eventOf(summary string) dingtalktest.CalendarEvent {
	d.t.Helper()
	for _, e := range d.ding.CalendarEvents() {
		if e.Summary == summary {
			return e
		}
	}
	d.t.Fatalf("no event %s", summary)
	return dingtalktest.CalendarEvent{}
}

func TestTheSweepReadsWhatChanged(t *testing.T) {
	d := newDiary(t)
	for n := range 3 {
		d.meet(fmt.Sprint("会议", n), nil)
	}
	d.step()
	d.engine.Night(d.ctx)
	d.step()
	d.ding.ResetJournal()
	d.engine.Night(d.ctx)
	d.step()
	want(t, "counted calls of a night without changes", d.ding.CountedCalls(), 1)
	d.ding.ExpireSyncTokens()
	d.ding.Quiet(func() {
		must(t, d.ding.EditEvent(d.eventOf("会议1").ID, func(e *dingtalktest.CalendarEvent) { e.Location = "二号会议室" }))
	})
	d.engine.Night(d.ctx)
	d.step()
	id := d.people.Search("calendar.event", []any{[]any{"name", "=", "会议1"}})[0]
	want(t, "place", text(d.meeting(id), "location"), "二号会议室")
	d.settled()
}

func TestEventsComeTwiceAndInAnyOrder(t *testing.T) {
	d := newDiary(t, bornInDingTalk)
	d.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate, k.Reorder = 1, 0.5 })
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	ev := d.ding.AddEvent(dingtalktest.CalendarEvent{
		Organizer: d.uZhang, Summary: "客户来访", Reminders: []int{}, Start: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC),
	})
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) { e.Location = "大厅" }))
	must(t, d.ding.RespondEvent(d.uZhang, d.eventOf("评审").ID, "accepted"))
	d.step()
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 2)
	want(t, "events", len(d.ding.CalendarEvents()), 2)
	want(t, "answers", d.answers(id), "li needsAction, zhang accepted")
	d.settled()
}

func TestMoreThanAHundredEventsADay(t *testing.T) {
	d := newDiary(t)
	d.onTheSameClock()
	d.ding.Set(func(k *dingtalktest.Knobs) { k.EventsPerDay = 2 })
	for n := range 3 {
		d.meet(fmt.Sprint("会议", n), nil)
	}
	d.step()
	want(t, "events", len(d.ding.CalendarEvents()), 2)
	want(t, "held", d.held(), "")
	d.later(25 * time.Hour)
	d.step()
	want(t, "events", len(d.ding.CalendarEvents()), 3)
	d.settled()
}

func TestRemovalsOfMeetingsAreGuarded(t *testing.T) {
	d := newDiary(t, func(yaml string) string { return strings.Replace(yaml, "removals: 20", "removals: 1", 1) })
	a, b := d.meet("一", nil), d.meet("二", nil)
	d.step()
	d.later(2 * time.Second)
	for _, id := range []int64{a, b} {
		d.write("calendar.event", id, map[string]any{"active": false})
	}
	d.step()
	cancelled := 0
	for _, e := range d.ding.CalendarEvents() {
		if e.Cancelled {
			cancelled++
		}
	}
	want(t, "cancelled", cancelled, 1)
}

func TestThePastOccurrencesOfASeriesAreNoEvents(t *testing.T) {
	d := newDiary(t, bornInDingTalk, func(yaml string) string { return strings.Replace(yaml, "start: now", "start: all", 1) })
	d.ding.Quiet(func() {
		d.ding.AddEvent(dingtalktest.CalendarEvent{
			Organizer: d.uLi, Summary: "晨会", Reminders: []int{}, Start: d.now().AddDate(0, 0, -20).Truncate(time.Hour), End: d.now().AddDate(0, 0, -20).Truncate(time.Hour).Add(time.Hour),
			Recurrence: &dingtalktest.Recurrence{Type: "daily", Interval: 1, Count: 60},
		})
		d.ding.AddEvent(dingtalktest.CalendarEvent{Organizer: d.uLi, Summary: "上周", Start: d.now().AddDate(0, 0, -7), End: d.now().AddDate(0, 0, -7).Add(time.Hour)})
	})
	d.meet("评审", nil) // so that 李四's calendar is read
	d.step()
	d.engine.Night(d.ctx)
	d.step()
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 2)
	found := d.people.Search("calendar.event", []any{[]any{"name", "=", "晨会"}})
	want(t, "series", len(found), 1)
	want(t, "count", text(d.meeting(found[0]), "count"), "60")
	d.settled()
}

func TestEventsFromBeforeTheMappingAreLeftAlone(t *testing.T) {
	d := newDiary(t, bornInDingTalk)
	w := d.world
	old := ""
	w.skew.Add(-int64(time.Hour)) // it was made an hour before
	d.ding.Quiet(func() {
		old = d.ding.AddEvent(dingtalktest.CalendarEvent{
			Organizer: d.uLi, Summary: "旧约", Reminders: []int{}, Start: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC),
		})
	})
	w.skew.Add(int64(time.Hour))
	d.meet("评审", nil) // so that 李四's calendar is read
	d.step()
	d.engine.Night(d.ctx)
	d.step()
	must(t, d.ding.EditEvent(old, func(e *dingtalktest.CalendarEvent) { e.Location = "大厅" }))
	d.step()
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 1)
	want(t, "held", d.held(), "")
	d.settled()
}

func TestCalendarsOfOthersAreReadIfNamed(t *testing.T) {
	d := newDiary(t, bornInDingTalk)
	d.reopen(append(presets(t), meetingsYAML(t, bornInDingTalk, func(yaml string) string {
		return strings.Replace(yaml, "dingtalk: {kind: calendar_event}", "dingtalk: {kind: calendar_event, scope: {users: ["+d.uZhang+"]}}", 1)
	}))...)
	d.sync()
	d.ding.Quiet(func() {
		d.ding.AddEvent(dingtalktest.CalendarEvent{
			Organizer: d.uZhang, Summary: "客户来访", Reminders: []int{}, Start: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC),
		})
	})
	d.step()
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 0)
	d.engine.Night(d.ctx)
	d.step()
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 1)
	d.settled()
}

// Polls show each edit of a meeting several times, and most fields are no business of DingTalk's.
func TestWhatIsNoNewsIsNotReadInDingTalk(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	d.later(2 * time.Second)
	d.ding.ResetJournal()
	d.write("calendar.event", id, map[string]any{"privacy": "confidential"}) // no field of the mapping
	d.step()
	want(t, "counted calls", d.ding.CountedCalls(), 0)
	d.ding.Quiet(func() {
		must(t, d.ding.EditEvent(d.event(0).ID, func(e *dingtalktest.CalendarEvent) { e.Location = "大厅" }))
	})
	at := ref(mapping.Odoo, "calendar.event", id)
	_, err := bridge.Retry(d.ctx, d.store, d.set(), &at) // a person wants to see it looked at
	must(t, err)
	d.step()
	want(t, "place", text(d.meeting(id), "location"), "大厅")
	want(t, "counted calls", d.ding.CountedCalls(), 1)
}

// An event was received, and the process ends before it is looked at.
func TestAnEventThatWasReceivedIsLookedAtAfterARestart(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	d.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodGet && strings.Contains(r.Path, "/events/")
	}, -1, dingtalktest.DropBefore)
	must(t, d.ding.EditEvent(d.event(0).ID, func(e *dingtalktest.CalendarEvent) { e.Location = "大厅" }))
	must(t, d.ding.FlushEvents(d.ctx))
	if err := d.engine.Step(d.ctx, 0); err == nil {
		t.Fatal("it was looked at before the end")
	}
	d.reopen()
	d.ding.ClearFailures()
	must(t, d.engine.Step(d.ctx, 2*time.Second))
	want(t, "place", text(d.meeting(id), "location"), "大厅")
}

// TestActivitiesAndMeetingsArePolledSideBySide: the polls of the two remember what is missing, each by itself (-race).
func TestActivitiesAndMeetingsArePolledSideBySide(t *testing.T) {
	d := newDeskWith(t, nil, []mapping.Source{meetingsYAML(t)})
	d.odoo.ResetJournal()
	ctx, stop := context.WithCancel(d.ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.engine.Run(ctx) }()
	reads := func(model string) int { return d.odoo.Calls(model, "search_read") + d.odoo.Calls(model, "search") }
	d.eventually(func() bool { return reads("mail.activity") > 5 && reads("calendar.event") > 5 })
	stop()
	must(t, <-ended)
}

// No document says how much of an event the answer to its creation shows.
func TestTheAnswerToACreationShowsLittle(t *testing.T) {
	for name, lacks := range map[string][]string{
		"no people":         {"attendees"},
		"hardly more":       {"attendees", "description", "location", "reminders", "recurrence", "organizer", "updateTime", "status"},
		"the id, no more":   {"attendees", "description", "location", "reminders", "recurrence", "organizer", "updateTime", "status", "summary", "start", "end", "isAllDay", "createTime"},
		"all, for contrast": nil,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDiary(t)
			d.ding.Set(func(k *dingtalktest.Knobs) { k.CreatedLacks, k.NoEchoes = lacks, true })
			id := d.meet("评审", map[string]any{"location": "一号会议室", "description": "带上图纸"}, d.partnerZhang)
			d.step()
			e := d.event(0)
			want(t, "attendees", attending(e), d.uZhang)
			d.ding.ResetJournal()
			d.later(2 * time.Second)
			d.step()
			d.step()
			want(t, "counted calls afterwards", d.ding.CountedCalls(), 0)
			want(t, "name", text(d.meeting(id), "name"), "评审")
			want(t, "place", text(d.meeting(id), "location"), "一号会议室")
			want(t, "words", text(d.meeting(id), "description"), "带上图纸")
			want(t, "held", d.held(), "")
			must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Location = "二号会议室" }))
			d.write("calendar.event", id, map[string]any{"description": "不用带了"})
			d.step()
			want(t, "words", d.event(0).Description, "不用带了")
			want(t, "place", text(d.meeting(id), "location"), "二号会议室")
			want(t, "held", d.held(), "")
			must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Attendees = nil }))
			d.step()
			want(t, "people", idsIn(d.meeting(id)["partner_ids"]), ids(d.partnerLi))
			d.settled()
		})
	}
}

// An answer that leaves out what every event has, or shows next to nothing of what it may have, empties nothing in Odoo that it must have.
func TestAnAnswerAboutAnEventThatIsNotWhole(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	d.ding.Set(func(k *dingtalktest.Knobs) {
		k.EventLacks = []string{"attendees", "organizer", "summary", "updateTime", "createTime", "status"}
	})
	must(t, d.ding.EditEvent(d.event(0).ID, func(e *dingtalktest.CalendarEvent) { e.Location = "二号会议室" }))
	d.step()
	rec := d.meeting(id)
	want(t, "place", text(rec, "location"), "二号会议室")
	want(t, "name", text(rec, "name"), "评审")
	want(t, "organizer", id64(t, text(rec, "user_id")), d.userLi)
	want(t, "people", idsIn(rec["partner_ids"]), ids(d.partnerZhang, d.partnerLi))
	want(t, "held", d.held(), "")
}
