package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

func TestAMeetingBecomesAnEvent(t *testing.T) {
	d := newDiary(t)
	id := d.meet("季度预算会议", map[string]any{"location": "一号会议室", "description": "议程：\n预算"}, d.partnerZhang, d.partnerOutside)
	plan, counts := d.plan("meetings")
	t.Log("\n" + plan + counts.String())
	want(t, "planned", counts.String(), "1 create.")
	d.ding.ResetJournal()
	d.step()
	if n := d.ding.CountedCalls(); n < 2 || n > 3 { // made; read again because its own event came, before or after the poll's second look
		t.Errorf("%d counted calls", n)
	}
	e := d.event(0)
	want(t, "summary", e.Summary, "季度预算会议")
	want(t, "organizer", e.Organizer, d.uLi)
	want(t, "attendees", attending(e), d.uZhang)
	want(t, "place", e.Location, "一号会议室")
	want(t, "description", e.Description, "议程：\n预算")
	want(t, "start", e.Start, time.Date(2026, 12, 1, 2, 0, 0, 0, time.UTC))
	want(t, "end", e.End, time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC))
	want(t, "zone", e.Zone, "Asia/Shanghai")
	want(t, "reminders", len(e.Reminders), 0)
	want(t, "held", d.held(), "")
	d.settled()
	t.Log("\n" + d.explain(mapping.Odoo, "calendar.event", id))
}

func TestAMeetingIsChangedOnEitherSide(t *testing.T) {
	d := newDiary(t)
	id := d.meet("周会", map[string]any{"location": "一号会议室"}, d.partnerZhang)
	d.step()
	ev := d.event(0).ID
	d.later(2 * time.Second)
	d.ding.ResetJournal()
	d.write("calendar.event", id, map[string]any{"start": "2026-12-01 06:00:00", "stop": "2026-12-01 07:30:00", "location": false})
	d.step()
	t.Log(d.ding.CountedCalls(), "counted calls of a change in Odoo")
	e := d.event(0)
	want(t, "start", e.Start, time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC))
	want(t, "end", e.End, time.Date(2026, 12, 1, 7, 30, 0, 0, time.UTC))
	want(t, "place", e.Location, "")
	d.later(2 * time.Second)
	d.ding.ResetJournal()
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) {
		e.Summary, e.Start, e.End = "项目周会", e.Start.Add(time.Hour), e.End.Add(time.Hour)
	}))
	d.step()
	t.Log(d.ding.CountedCalls(), "counted calls of a change in DingTalk")
	rec := d.meeting(id)
	want(t, "name", text(rec, "name"), "项目周会")
	want(t, "start", text(rec, "start"), "2026-12-01 07:00:00")
	want(t, "stop", text(rec, "stop"), "2026-12-01 08:30:00")
	d.later(2 * time.Second)
	// Both at once: different fields travel both ways, the same one as the rule says.
	d.write("calendar.event", id, map[string]any{"description": "带上笔记本", "name": "周会（新）"})
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) { e.Summary, e.Location = "例会", "二号会议室" }))
	d.step()
	want(t, "summary", d.event(0).Summary, "周会（新）")
	want(t, "description", d.event(0).Description, "带上笔记本")
	want(t, "place in Odoo", text(d.meeting(id), "location"), "二号会议室")
	d.settled()
}

func TestWhoAttends(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerOutside)
	d.step()
	ev := d.event(0).ID
	want(t, "attendees", attending(d.event(0)), "")
	// Somebody in DingTalk whom Odoo does not know, and somebody it knows.
	stranger := d.ding.AddUser(dingtalktest.User{Name: "外部顾问", Mobile: "13800000099", Departments: []int64{1}})
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) {
		e.Attendees = append(e.Attendees, dingtalktest.Attendee{UserID: stranger}, dingtalktest.Attendee{UserID: d.uZhang, Optional: true})
	}))
	d.step()
	want(t, "partners", partners(d.meeting(id)), ids(d.partnerLi, d.partnerOutside, d.partnerZhang))
	// Taken out in Odoo: the stranger stays.
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"partner_ids": []any{[]any{3, d.partnerZhang}}})
	d.step()
	want(t, "attendees", attending(d.event(0)), stranger)
	// Invited again in Odoo, and at the same time the stranger leaves in DingTalk.
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"partner_ids": []any{[]any{4, d.partnerZhang}}})
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) { e.Attendees = nil }))
	d.step()
	want(t, "attendees", attending(d.event(0)), d.uZhang)
	want(t, "partners", partners(d.meeting(id)), ids(d.partnerLi, d.partnerOutside, d.partnerZhang))
	// Taken out in DingTalk: 王五, whom DingTalk does not know, stays invited in Odoo.
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(ev, func(e *dingtalktest.CalendarEvent) { e.Attendees = nil }))
	d.step()
	want(t, "partners", partners(d.meeting(id)), ids(d.partnerLi, d.partnerOutside))
	d.settled()
}

func partners(rec map[string]any) string { return idsIn(rec["partner_ids"]) }

// idsIn are the ids of an x2many, sorted.
func idsIn(list any) string {
	return strings.Join(sorted(strings.Fields(strings.Trim(fmt.Sprint(list), "[]"))), " ")
}

func ids(list ...int64) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(sorted(out), " ")
}

func TestWholeDays(t *testing.T) {
	d := newDiary(t)
	id := d.meet("年会", map[string]any{"allday": true, "start": "2026-12-24 08:00:00", "stop": "2026-12-26 18:00:00"})
	d.step()
	e := d.event(0)
	want(t, "whole days", e.AllDay, true)
	want(t, "first day", e.StartDate, "2026-12-24")
	want(t, "the day after", e.EndDate, "2026-12-27")
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.EndDate = "2026-12-26" }))
	d.step()
	want(t, "last day in Odoo", text(d.meeting(id), "stop_date"), "2026-12-25")
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"allday": false, "start": "2026-12-24 01:00:00", "stop": "2026-12-24 09:00:00"})
	d.step()
	e = d.event(0)
	want(t, "whole days", e.AllDay, false)
	want(t, "start", e.Start, time.Date(2026, 12, 24, 1, 0, 0, 0, time.UTC))
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) {
		e.AllDay, e.StartDate, e.EndDate = true, "2026-12-25", "2026-12-26"
	}))
	d.step()
	want(t, "whole days in Odoo", text(d.meeting(id), "allday"), "true")
	want(t, "day in Odoo", text(d.meeting(id), "start_date"), "2026-12-25")
	d.settled()
}

var everyOtherMonday = map[string]any{
	"recurrency": true, "rrule_type": "weekly", "interval": 2, "mo": true, "end_type": "count", "count": 5, "start": "2026-12-07 02:00:00", "stop": "2026-12-07 03:00:00",
}

func TestASeries(t *testing.T) {
	d := newDiary(t)
	id := d.meet("双周会", everyOtherMonday, d.partnerZhang)
	d.step()
	e := d.event(0)
	want(t, "rule", fmt.Sprintf("%+v", *e.Recurrence), fmt.Sprintf("%+v", dingtalktest.Recurrence{Type: "weekly", Interval: 2, DaysOfWeek: []string{"monday"}, FirstDayOfWeek: "monday", Count: 5}))
	d.settled()
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) {
		e.Recurrence.Interval, e.Recurrence.Count = 1, 0
		e.Recurrence.DaysOfWeek = []string{"monday", "friday"}
		e.Recurrence.Until = time.Date(2027, 1, 31, 15, 59, 59, 0, time.UTC)
	}))
	d.step()
	rec := d.meeting(id)
	want(t, "Fridays", text(rec, "fr"), "true")
	want(t, "interval", text(rec, "interval"), "1")
	want(t, "end", text(rec, "end_type"), "end_date")
	want(t, "last day", text(rec, "final_date"), "2027-01-31")
	d.settled()
	// A series without an end: Odoo has none. The rest of the event goes on.
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Recurrence.Until, e.Location = time.Time{}, "三号会议室" }))
	d.step()
	d.wantHeld("it never ends, and a series in Odoo has an end")
	want(t, "place", text(d.meeting(id), "location"), "三号会议室")
	want(t, "last day", text(d.meeting(id), "final_date"), "2027-01-31")
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Recurrence.Count = 20 }))
	d.step()
	want(t, "held", d.held(), "")
	want(t, "count", text(d.meeting(id), "count"), "20")
	d.settled()
}

func TestASeriesThatDingTalkCannotHave(t *testing.T) {
	d := newDiary(t)
	id := d.meet("日报", map[string]any{"recurrency": true, "rrule_type": "daily", "interval": 1, "end_type": "count", "count": 200})
	d.step()
	want(t, "events", len(d.ding.CalendarEvents()), 0)
	d.wantHeld("DingTalk repeats at most 99 times, not 200")
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"end_type": "end_date", "final_date": "2027-06-18"})
	d.step()
	want(t, "until", d.event(0).Recurrence.Until, time.Date(2027, 6, 18, 15, 59, 59, 0, time.UTC))
	want(t, "held", d.held(), "")
	d.settled()
}

func TestAnswersOfThoseInvited(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang, d.partnerOutside)
	d.step()
	ev := d.event(0).ID
	must(t, d.ding.RespondEvent(d.uZhang, ev, "declined"))
	d.step()
	want(t, "answers", d.answers(id), "li needsAction, zhang declined, 王五 needsAction")
	must(t, d.ding.RespondEvent(d.uZhang, ev, "accepted"))
	d.step()
	want(t, "answers", d.answers(id), "li needsAction, zhang accepted, 王五 needsAction")
	d.settled()
}

// An attendee who comes with his answer: the answer is written once Odoo has him.
func TestAnAnswerWithTheInvitation(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil)
	d.step()
	must(t, d.ding.EditEvent(d.event(0).ID, func(e *dingtalktest.CalendarEvent) {
		e.Attendees = []dingtalktest.Attendee{{UserID: d.uZhang, Response: "tentative"}}
	}))
	d.step()
	want(t, "answers", d.answers(id), "li needsAction, zhang tentative")
	want(t, "held", d.held(), "")
	d.settled()
}

// answers are the states of the attendees in Odoo, by name.
func (d *diary) answers(event int64) string {
	d.t.Helper()
	var out []string
	for _, id := range d.people.Search("calendar.attendee", []any{[]any{"event_id", "=", event}}) {
		rec := d.people.Get("calendar.attendee", id)
		partner := d.people.Get("res.partner", id64(d.t, text(rec, "partner_id")))
		out = append(out, strings.TrimPrefix(text(partner, "name"), "diary-")+" "+text(rec, "state"))
	}
	return strings.Join(sorted(out), ", ")
}

func TestReminders(t *testing.T) {
	d := newDiary(t)
	alarm := func(kind string, minutes int) int64 {
		return d.people.Search("calendar.alarm", []any{[]any{"type", "=", kind}, []any{"duration_minutes", "=", minutes}})[0]
	}
	quarter, hour, mail := alarm("notification", 15), alarm("notification", 60), d.people.Search("calendar.alarm", []any{[]any{"type", "=", "email"}})[0]
	d.people.Create("calendar.alarm", map[string]any{"name": "又一个 1 小时", "type": "notification", "duration": 60, "interval": "minutes", "duration_minutes": 60})
	id := d.meet("评审", map[string]any{"alarm_ids": []any{[]any{6, 0, []any{quarter, mail}}}})
	d.step()
	e := d.event(0)
	want(t, "reminders", fmt.Sprint(e.Reminders), "[15]")
	d.later(2 * time.Second)
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Reminders = []int{60} }))
	d.step()
	want(t, "alarms", idsIn(d.meeting(id)["alarm_ids"]), ids(hour, mail))
	must(t, d.ding.EditEvent(e.ID, func(e *dingtalktest.CalendarEvent) { e.Reminders = []int{7} }))
	d.step()
	d.wantHeld(`no calendar.alarm has duration_minutes "7"`)
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"alarm_ids": []any{[]any{5}}})
	d.step()
	want(t, "reminders", len(d.event(0).Reminders), 0)
	want(t, "held", d.held(), "")
}

func TestAMeetingOfSomebodyWithoutDingTalk(t *testing.T) {
	d := newDiary(t)
	user := d.internalUser("wang")
	d.meet("面试", map[string]any{"user_id": user}, d.partnerZhang)
	d.step()
	want(t, "events", len(d.ding.CalendarEvents()), 0)
	d.wantHeld("organizer is required by dingtalk and unknown in odoo")
}

func TestPrivateMeetingsStayInOdoo(t *testing.T) {
	d := newDiary(t)
	if d.odoo == nil {
		t.Skip("nobody makes others' private meetings in a real Odoo")
	}
	d.meet("看牙", map[string]any{"privacy": "private"})
	id := d.meet("评审", nil)
	d.step()
	d.event(0)
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"privacy": "private", "name": "保密"})
	d.step()
	want(t, "summary", d.event(0).Summary, "评审")
	want(t, "cancelled", d.event(0).Cancelled, false)
}

func TestAnotherOrganizerIsHeld(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.step()
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"user_id": d.userZhang})
	d.step()
	d.wantHeld("organizer cannot be changed in dingtalk by an app")
}

func TestAnEventBornInDingTalk(t *testing.T) {
	d := newDiary(t, bornInDingTalk)
	ev := d.ding.AddEvent(dingtalktest.CalendarEvent{
		Organizer: d.uZhang, Summary: "客户来访", Location: "大厅", Start: time.Date(2026, 12, 3, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC),
		Attendees: []dingtalktest.Attendee{{UserID: d.uLi, Response: "accepted"}},
	})
	d.step()
	found := d.people.Search("calendar.event", []any{[]any{"name", "=", "客户来访"}})
	want(t, "meetings", len(found), 1)
	rec := d.meeting(found[0])
	want(t, "organizer", text(rec, "user_id"), fmt.Sprint(d.userZhang))
	want(t, "start", text(rec, "start"), "2026-12-03 01:00:00")
	want(t, "partners", partners(rec), ids(d.partnerLi, d.partnerZhang))
	want(t, "answers", d.answers(found[0]), "li accepted, zhang needsAction")
	want(t, "held", d.held(), "")
	d.settled()
	d.later(2 * time.Second)
	d.write("calendar.event", found[0], map[string]any{"location": "二号会议室"})
	d.reopen() // in whose calendar it stands is remembered
	d.sync()
	d.step()
	e, _ := d.ding.CalendarEvent(ev)
	want(t, "place", e.Location, "二号会议室")
}

func TestEventsOfDingTalkStayThereUnlessWanted(t *testing.T) {
	d := newDiary(t)
	d.ding.ResetJournal()
	d.ding.AddEvent(dingtalktest.CalendarEvent{Organizer: d.uZhang, Summary: "客户来访", Start: d.now(), End: d.now().Add(time.Hour)})
	d.step()
	want(t, "counted calls", d.ding.CountedCalls(), 0)
	want(t, "meetings", len(d.people.Search("calendar.event", []any{})), 0)
}
