package odootest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dingbridge/odoo"
)

var rowsOnly = vals{"virtual_id": false, "active_test": false}

// event makes a meeting on 7 December 2026, 01:00 to 02:00 UTC.
func (o *office) event(name string, more vals) int64 {
	o.Helper()
	v := vals{"name": name, "start": "2026-12-07 01:00:00", "stop": "2026-12-07 02:00:00"}
	for k, x := range more {
		v[k] = x
	}
	id, err := o.bridge.Create(ctx(), "calendar.event", v, nil)
	o.must(err)
	return id
}

// found are the ids a search for the name answers, as they come.
func (o *office) found(name string, context vals, more ...any) []any {
	o.Helper()
	domain := append([]any{[]any{"name", "=", name}}, more...)
	got, err := o.bridge.Execute(ctx(), "calendar.event", "search", []any{domain}, vals{"context": context})
	o.must(err)
	return got.([]any)
}

// days are the dates of the occurrences a search answers, first to last.
func days(ids []any) string {
	var out []string
	for _, id := range ids {
		if s, ok := id.(string); ok {
			_, date, _ := strings.Cut(s, "-")
			out = append([]string{date[2:8]}, out...)
		} else {
			out = append([]string{fmt.Sprint(id)}, out...)
		}
	}
	return strings.Join(out, " ")
}

func TestRulesOfRepetition(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		rule        vals
		text, final string
		days        string
	}{
		"weekly":       {vals{"rrule_type": "weekly", "mo": true, "we": true, "count": 6}, "FREQ=WEEKLY;BYDAY=MO,WE;INTERVAL=1;COUNT=6", "2027-01-25", "261207 261209 261214 261216 261221 261223"},
		"weekly later": {vals{"rrule_type": "weekly", "tu": true, "count": 2}, "FREQ=WEEKLY;BYDAY=TU;INTERVAL=1;COUNT=2", "2026-12-28", "261208 261215"},
		"until":        {vals{"rrule_type": "daily", "interval": 2, "end_type": "end_date", "final_date": "2026-12-11"}, "FREQ=DAILY;INTERVAL=2;UNTIL=20261211T235959Z", "2026-12-11", "261207 261209 261211"},
		"by date":      {vals{"rrule_type": "monthly", "month_by": "date", "day": 7, "count": 3}, "FREQ=MONTHLY;INTERVAL=1;COUNT=3;BYMONTHDAY=7", "2027-04-07", "261207 270107 270207"},
		"short months": {vals{"rrule_type": "monthly", "month_by": "date", "day": 31, "count": 3}, "FREQ=MONTHLY;INTERVAL=1;COUNT=3;BYMONTHDAY=31", "2027-04-07", "261231 270131 270331"},
		"second":       {vals{"rrule_type": "monthly", "month_by": "day", "byday": "2", "week_list": "MO", "count": 3}, "FREQ=MONTHLY;INTERVAL=1;COUNT=3;BYDAY=2MO", "2027-04-07", "261214 270111 270208"},
		"last":         {vals{"rrule_type": "monthly", "month_by": "day", "byday": "-1", "week_list": "FR", "count": 2}, "FREQ=MONTHLY;INTERVAL=1;COUNT=2;BYDAY=-1FR", "2027-03-07", "261225 270129"},
		"yearly":       {vals{"rrule_type": "yearly", "count": 2}, "FREQ=YEARLY;INTERVAL=1;COUNT=2", "2029-12-07", "261207 271207"},
		"no day":       {vals{"rrule_type": "weekly", "count": 2}, "FREQ=WEEKLY;INTERVAL=1;COUNT=2", "2026-12-28", "261207 261214"},
		"never":        {vals{"rrule_type": "daily", "count": 0}, "FREQ=DAILY;INTERVAL=1;COUNT=0", "", ""},
		"as a rule":    {vals{"rrule": "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3"}, "FREQ=WEEKLY;BYDAY=TU,TH;INTERVAL=1;COUNT=3", "2027-01-04", "261208 261210 261215"},
	} {
		if c.rule["rrule"] == nil {
			c.rule["recurrency"] = true
		}
		got := o.s.Get("calendar.event", o.event(name, c.rule))
		if final, _ := got["final_date"].(string); got["rrule"] != c.text || final != c.final {
			t.Errorf("%s: %v until %v", name, got["rrule"], got["final_date"])
		}
		if got := days(o.found(name, nil)); got != c.days {
			t.Errorf("%s: on %s, want %s", name, got, c.days)
		}
	}
	o.event("zone", vals{"start": "2026-12-07 23:00:00", "stop": "2026-12-08 00:00:00", "recurrency": true, "rrule_type": "weekly", "mo": true, "count": 3})
	if utc, local := days(o.found("zone", nil)), days(o.found("zone", vals{"tz": "Asia/Shanghai"})); utc != "261207 261214 261221" || local != "261213 261220 261227" {
		t.Errorf("in UTC %s, in Shanghai %s", utc, local)
	}
}

func TestOccurrences(t *testing.T) {
	o := newOffice(t)
	id := o.event("周会", vals{"recurrency": true, "rrule_type": "daily", "count": 4, "partner_ids": []any{[]any{6, 0, []int64{o.partner("bridge"), o.partner("zhang")}}}})
	at := func(date string) string { return fmt.Sprintf("%d-%s", id, date) }
	call := func(method string, args ...any) any {
		t.Helper()
		got, err := o.bridge.Execute(ctx(), "calendar.event", method, args, nil)
		if err != nil && !odoo.IsUnreadable(err) {
			t.Fatalf("%s: %v", method, err)
		}
		return got
	}
	rows := func(want int) map[string]any {
		t.Helper()
		ids := o.found("周会", rowsOnly)
		if len(ids) != want {
			t.Fatalf("rows %v, want %d", ids, want)
		}
		return o.s.Get("calendar.event", ids[0].(int64))
	}
	if got := o.found("周会", vals{"virtual_id": false}); !reflect.DeepEqual(got, []any{id}) {
		t.Errorf("the row: %v", got)
	}
	if got := o.found("周会", nil, []any{"start", ">=", "2026-12-08 00:00:00"}, []any{"start", "<=", "2026-12-09 12:00:00"}); days(got) != "261208 261209" {
		t.Errorf("in a range: %v", got)
	}
	got := call("read", []any{at("20261208010000")}, []any{"name"}).([]any)[0]
	if want := (vals{"id": at("20261208010000"), "name": "周会", "stop": "2026-12-08 02:00:00", "start_datetime": "2026-12-08 01:00:00", "stop_datetime": "2026-12-08 02:00:00"}); !reflect.DeepEqual(got, want) {
		t.Errorf("read %v", got)
	}
	still := func(what string, edit func(), moves bool) {
		t.Helper()
		if moved := o.touched("calendar.event", id, edit); moved != moves {
			t.Errorf("%s: write_date moved: %v", what, moved)
		}
	}
	still("a place", func() { call("write", []any{at("20261208010000")}, vals{"location": "虚"}) }, true)
	if rows(1)["location"] != "虚" {
		t.Error("a field of one occurrence did not change the series")
	}
	still("moved", func() {
		call("detach_recurring_event", []any{at("20261208010000")}, vals{"start_datetime": "2026-12-08 05:00:00", "stop_datetime": "2026-12-08 06:00:00"})
	}, false)
	moved := rows(2)
	if moved["recurrent_id"] != id || moved["recurrent_id_date"] != "2026-12-08 01:00:00" || moved["start"] != "2026-12-08 05:00:00" || moved["recurrency"] != false ||
		moved["rrule"] != "" || moved["end_type"] != false || len(moved["attendee_ids"].([]int64)) != 2 {
		t.Errorf("moved: %v", moved)
	}
	still("written", func() {
		call("write", []any{at("20261209010000")}, vals{"start": "2026-12-09 07:00:00", "stop": "2026-12-09 08:00:00"})
	}, false)
	if got := rows(3); got["start"] != "2026-12-09 01:00:00" {
		t.Errorf("start and stop alone moved an occurrence to %v", got["start"])
	}
	still("cancelled", func() { call("unlink", []any{at("20261210010000")}) }, false)
	if got := rows(4); got["active"] != false || got["recurrent_id_date"] != "2026-12-10 01:00:00" {
		t.Errorf("cancelled: %v", got)
	}
	if got := o.found("周会", nil); days(got) != fmt.Sprintf("261207 %d %d", moved["id"], moved["id"].(int64)+1) {
		t.Errorf("left: %v", got)
	}
	o.must(o.s.Unlink("calendar.event", moved["id"].(int64)))
	if got := o.s.Get("calendar.event", moved["id"].(int64)); got == nil || got["active"] != false {
		t.Errorf("an exception was deleted: %v", got)
	}
	call("write", []any{id}, vals{"start": "2026-12-07 03:00:00", "stop": "2026-12-07 04:00:00"})
	if got := o.found("周会", nil); !slices.Contains(got, any(at("20261208030000"))) {
		t.Errorf("an exception of another hour still counts: %v", got)
	}
	call("unlink", []any{id})
	rows(3)
}

func TestAttendees(t *testing.T) {
	o := newOffice(t)
	bridge, zhang := o.partner("bridge"), o.partner("zhang")
	id := o.event("例会", vals{"partner_ids": []any{[]any{6, 0, []int64{bridge, zhang}}}})
	row := func() (int64, any) {
		for _, a := range o.s.Get("calendar.event", id)["attendee_ids"].([]int64) {
			if got := o.s.Get("calendar.attendee", a); got["partner_id"].([]any)[0] == zhang {
				return a, got["state"]
			}
		}
		return 0, nil
	}
	first, state := row()
	if state != "needsAction" {
		t.Errorf("at first %v", state)
	}
	for method, want := range map[string]string{"do_accept": "accepted", "do_decline": "declined", "do_tentative": "tentative"} {
		if o.touched("calendar.event", id, func() {
			_, err := o.s.As("zhang").Call("calendar.attendee", method, []any{[]int64{first}}, nil)
			o.must(err)
		}) {
			t.Errorf("%s moved the event's write_date", method)
		}
		if _, state := row(); state != want {
			t.Errorf("%s: %v", method, state)
		}
	}
	invite := func(command ...any) {
		t.Helper()
		if !o.touched("calendar.event", id, func() {
			o.must(o.bridge.Write(ctx(), "calendar.event", []int64{id}, vals{"partner_ids": []any{command}}, nil))
		}) {
			t.Errorf("%v did not move the event's write_date", command)
		}
	}
	invite(3, zhang)
	if gone, _ := row(); gone != 0 || o.s.Get("calendar.attendee", first) != nil {
		t.Error("who is no longer invited is still an attendee")
	}
	invite(4, zhang)
	if again, state := row(); again == first || state != "needsAction" {
		t.Errorf("invited again: %d %v", again, state)
	}
}

func TestAllDayAndPrivate(t *testing.T) {
	o := newOffice(t)
	id := o.event("全天", vals{"allday": true, "start_date": "2026-12-03", "stop_date": "2026-12-04"})
	times := func() string {
		g := o.s.Get("calendar.event", id)
		return fmt.Sprint(g["start"], " ", g["stop"], " ", g["start_date"], " ", g["stop_date"], " ", g["duration"])
	}
	if got := times(); got != "2026-12-03 08:00:00 2026-12-04 18:00:00 2026-12-03 2026-12-04 34" {
		t.Errorf("made: %s", got)
	}
	o.must(o.bridge.Write(ctx(), "calendar.event", []int64{id}, vals{"start_date": "2026-12-05", "stop_date": "2026-12-06"}, nil))
	if got := times(); got != "2026-12-05 08:00:00 2026-12-06 18:00:00 2026-12-05 2026-12-06 34" {
		t.Errorf("moved: %s", got)
	}
	_, err := o.bridge.Create(ctx(), "calendar.event", vals{"name": "x", "allday": true, "start_date": "2026-12-03", "stop_date": "2026-12-04"}, nil)
	if err == nil || !strings.Contains(err.Error(), "KeyError: 'start'") {
		t.Errorf("dates alone: %v", err)
	}
	private := o.s.Create("calendar.event", vals{"name": "私", "privacy": "private", "description": "密", "start": "2026-12-07 01:00:00", "stop": "2026-12-07 02:00:00"})
	rows, err := o.bridge.Read(ctx(), "calendar.event", []int64{private}, []string{"name", "description", "partner_ids", "start"}, nil)
	o.must(err)
	if len(rows) != 1 || rows[0]["name"] != "Busy" || rows[0]["start"] != "2026-12-07 01:00:00" || truthy(rows[0]["description"]) {
		t.Errorf("a stranger reads %v", rows)
	}
	if err := o.bridge.Write(ctx(), "calendar.event", []int64{private}, vals{"location": "x"}, nil); err == nil || !strings.Contains(err.Error(), "Document type: Event, Operation: write") {
		t.Errorf("a stranger writes: %v", err)
	}
	if _, err := o.bridge.Execute(ctx(), "calendar.event", "read", []any{[]any{"7-x"}, []any{"name"}}, nil); err == nil || !strings.Contains(err.Error(), "ValueError") {
		t.Errorf("read a bad id: %v", err)
	}
	invited := o.s.Create("calendar.event", vals{
		"name": "请", "privacy": "private", "start": "2026-12-07 01:00:00", "stop": "2026-12-07 02:00:00", "partner_ids": []any{[]any{6, 0, []int64{o.partner("bridge")}}},
	})
	for name, fields := range map[string][]string{"Busy": {"name"}, "请": {"name", "partner_ids"}} { // the invited must ask for the guests
		if rows, err := o.bridge.Read(ctx(), "calendar.event", []int64{invited}, fields, nil); err != nil || rows[0]["name"] != name {
			t.Errorf("the invited reads %v: %v", rows, err)
		}
	}
}
