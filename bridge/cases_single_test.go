package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// fortnightly is a series of 李四 with 张三 every other Monday from 7 December at 10 o'clock in China; both sides agree on it.
func fortnightly(t *testing.T) (d *diary, id int64, ev string) {
	t.Helper()
	d = newDiary(t)
	if d.odoo == nil {
		t.Skip("a person acts on single meetings of the stand-in")
	}
	id = d.meet("双周会", everyOtherMonday, d.partnerZhang)
	d.step()
	d.later(2 * time.Second)
	return d, id, d.event(0).ID
}

// The second meeting of the series, and the third.
var (
	second = time.Date(2026, 12, 21, 2, 0, 0, 0, time.UTC)
	third  = time.Date(2027, 1, 4, 2, 0, 0, 0, time.UTC)
)

func virtualID(series int64, at time.Time) []any {
	return []any{fmt.Sprintf("%d-%s", series, at.Format("20060102150405"))}
}

// moveInOdoo moves one meeting of a series to a day later: it becomes a record of its own.
func (d *diary) moveInOdoo(series int64, at time.Time) int64 {
	d.t.Helper()
	from, to := at.AddDate(0, 0, 1).Format(time.DateTime), at.AddDate(0, 0, 1).Add(time.Hour).Format(time.DateTime)
	_, err := d.odoo.As("admin").Call("calendar.event", "write", []any{virtualID(series, at), map[string]any{
		"start": from, "stop": to, "start_datetime": from, "stop_datetime": to,
	}}, nil)
	must(d.t, err)
	return d.people.Search("calendar.event", []any{[]any{"recurrent_id", "=", series}, []any{"recurrent_id_date", "=", at.Format(time.DateTime)}})[0]
}

func (d *diary) cancelInOdoo(series int64, at time.Time) {
	d.t.Helper()
	_, err := d.odoo.As("admin").Call("calendar.event", "unlink", []any{virtualID(series, at)}, nil)
	must(d.t, err)
}

func TestOneMeetingOfASeriesIsChangedByHand(t *testing.T) {
	d, id, ev := fortnightly(t)
	d.ding.ResetJournal()
	d.moveInOdoo(id, second)
	d.cancelInOdoo(id, third)
	d.step()
	want(t, "counted calls", d.ding.CountedCalls(), 0)
	d.wantHeld(
		fmt.Sprintf("it is the meeting of 2026-12-21 10:00 of the series %d, changed by itself: DingTalk's API changes whole series only, so change that one meeting in dingtalk by hand", id),
		fmt.Sprintf("it is the meeting of 2027-01-04 10:00 of the series %d, cancelled by itself", id),
	)
	d.sync() // asks, and nobody has done it
	d.wantHeld("the meeting of 2026-12-21", "the meeting of 2027-01-04")
	want(t, "cancelled", d.event(0).Cancelled, false)
	// Another hour: that is not what Odoo has.
	must(t, d.ding.EditOccurrence(ev, second, func(e *dingtalktest.CalendarEvent) { e.Start, e.End = e.Start.Add(time.Hour), e.End.Add(time.Hour) }))
	d.step()
	d.wantHeld("the meeting of 2026-12-21", "the meeting of 2027-01-04")
	must(t, d.ding.EditOccurrence(ev, second, func(e *dingtalktest.CalendarEvent) {
		e.Start, e.End = e.Start.AddDate(0, 0, 1).Add(-time.Hour), e.End.AddDate(0, 0, 1).Add(-time.Hour)
	}))
	d.step()
	want(t, "the moved one is held", strings.Contains(d.held(), "2026-12-21"), false)
	d.wantHeld("the meeting of 2027-01-04")
	must(t, d.ding.EditOccurrence(ev, third, func(e *dingtalktest.CalendarEvent) { e.Cancelled = true }))
	d.step()
	want(t, "held", d.held(), "")
	want(t, "events", len(d.ding.CalendarEvents()), 1)
	d.settled()
	d.ding.ResetJournal()
	d.sync()
	looked := 0
	for _, r := range d.ding.Journal() {
		if r.Query.Get("timeMax") != "" {
			looked++
		}
	}
	want(t, "looks for what is alike", looked, 0)
	want(t, "held", d.held(), "")
}

// A series that is deleted leaves the meetings that were moved by themselves: they stand for themselves.
func TestAMovedMeetingOutlivesItsSeries(t *testing.T) {
	d, id, _ := fortnightly(t)
	d.moveInOdoo(id, second)
	d.cancelInOdoo(id, third)
	d.step()
	must(t, d.people.Unlink("calendar.event", id))
	d.step()
	all := d.ding.CalendarEvents()
	want(t, "events", len(all), 2)
	want(t, "the series is cancelled", all[0].Cancelled, true)
	want(t, "start of the other", all[1].Start, second.AddDate(0, 0, 1))
	want(t, "held", d.held(), "")
	d.settled()
}

func TestASeriesIsCancelledInDingTalk(t *testing.T) {
	d, id, ev := fortnightly(t)
	d.moveInOdoo(id, second)
	d.cancelInOdoo(id, third)
	d.step()
	d.wantHeld("the meeting of 2026-12-21", "the meeting of 2027-01-04")
	must(t, d.ding.DeleteEvent(d.uLi, ev)) // all of them
	d.step()
	want(t, "held", d.held(), "")
	want(t, "events", len(d.ding.CalendarEvents()), 1)
}

func TestAMovedMeetingThatIsOverIsHeldNoLonger(t *testing.T) {
	d, id, _ := fortnightly(t)
	d.onTheSameClock()
	d.moveInOdoo(id, second)
	d.step()
	d.wantHeld("the meeting of 2026-12-21")
	d.later(second.Sub(d.now()) + 5*24*time.Hour)
	d.sync()
	want(t, "held", d.held(), "")
}
