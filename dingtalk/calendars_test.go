package dingtalk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func newMeeting(more Object) Object {
	event := Object{
		"organizer": "A", "summary": "会议", "start": time.Date(2026, 8, 24, 2, 0, 0, 0, time.UTC).UnixMilli(),
		"end": time.Date(2026, 8, 24, 3, 0, 0, 0, time.UTC).UnixMilli(), "attendees": []string{"B", "A", "C"},
	}
	for name, v := range more {
		if v == nil {
			delete(event, name)
		} else {
			event[name] = v
		}
	}
	return event
}

const madeMeeting = `{"id":"e1","summary":"会议","isAllDay":false,"organizer":{"id":"A"},
"start":{"dateTime":"2026-08-24T10:00:00+08:00","timeZone":"Asia/Shanghai"},"end":{"dateTime":"2026-08-24T11:00:00+08:00","timeZone":"Asia/Shanghai"},
"attendees":[{"id":"A","responseStatus":"accepted"},{"id":"B","responseStatus":"needsAction"},{"id":"C","isOptional":true,"responseStatus":"declined"}],
"reminders":[{"method":"dingtalk","minutes":"15"},{"method":"dingtalk","minutes":5}],"location":{"displayName":"A1","meetingRooms":[]},
"createTime":"2026-08-22T01:00:00Z","updateTime":"2026-08-22T01:00Z","onlineMeetingInfo":{"type":"dingtalk","url":"dingtalk://x"}}`

func TestEventOnTheWire(t *testing.T) {
	weekly := Recurrence{Type: "weekly", Interval: 2, DaysOfWeek: []string{"friday", "monday", "friday"}, Count: 4}
	for name, c := range map[string]struct {
		event Object
		want  string // of the body
	}{
		"plain":     {newMeeting(nil), `"end":{"dateTime":"2026-08-24T11:00:00+08:00","timeZone":"Asia/Shanghai"}`},
		"people":    {newMeeting(Object{"optionalAttendees": "C,D"}), `"attendees":[{"id":"B","isOptional":false},{"id":"C","isOptional":true},{"id":"D","isOptional":true}]`},
		"zone":      {newMeeting(Object{"timeZone": "America/New_York"}), `"start":{"dateTime":"2026-08-23T22:00:00-04:00","timeZone":"America/New_York"}`},
		"days":      {newMeeting(Object{"start": nil, "end": nil, "startDate": "2026-08-24", "endDate": "2026-08-25"}), `"end":{"date":"2026-08-25"},"extra":{"noChatNotification":"true","noPushNotification":"false"},"isAllDay":true,"start":{"date":"2026-08-24"}`},
		"none":      {newMeeting(Object{"reminders": []any{}}), `"reminders":[]`},
		"reminders": {newMeeting(Object{"reminders": "[5,60]"}), `"reminders":[{"method":"dingtalk","minutes":5},{"method":"dingtalk","minutes":60}]`},
		"place":     {newMeeting(Object{"location": "A1"}), `"location":{"displayName":"A1"}`},
		"online":    {newMeeting(Object{"onlineMeeting": true}), `"onlineMeetingInfo":{"type":"dingtalk"}`},
		"again":     {newMeeting(Object{"recurrence": weekly.Object()}), `"recurrence":{"pattern":{"daysOfWeek":"monday,friday","firstDayOfWeek":"sunday","interval":2,"type":"weekly"},"range":{"numberOfOccurrences":4,"type":"numbered"}}`},
	} {
		f := newFar(t)
		path := at(pathCalendarEvents, "A")
		f.on(path, ok(madeMeeting))
		made, err := f.client().Calendars.Create(bg(), c.event, CalendarOptions{Token: "tok", NoChat: true})
		if err != nil || made["id"] != "e1" {
			t.Fatalf("%s: %v %v", name, made, err)
		}
		got := f.last(path)
		if !strings.Contains(got.raw, c.want) || got.head.Get("x-client-token") != "tok" {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
}

func TestEventIsRead(t *testing.T) {
	f := newFar(t)
	f.on(at(pathCalendarEvent, "B", "e1"), ok(madeMeeting))
	got, err := f.client().Calendars.Get(bg(), "B", "e1")
	if err != nil {
		t.Fatal(err)
	}
	want := Object{
		"id": "e1", "summary": "会议", "isAllDay": false, "organizer": "A", "start": int64(1787536800000), "end": int64(1787540400000),
		"timeZone": "Asia/Shanghai", "attendees": []any{"B", "C"}, "optionalAttendees": []any{"C"},
		"responses": map[string]any{"A": "accepted", "B": "needsAction", "C": "declined"}, "reminders": []any{int64(5), int64(15)}, "location": "A1",
		"createTime": int64(1787360400000), "updateTime": int64(1787360400000), "onlineMeeting": true, "meetingUrl": "dingtalk://x",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for name := range got {
		if field, known := CalendarEventKind.Field(name); !known || !field.Get {
			t.Errorf("%s is not in the table", name)
		}
	}
	if f.last(at(pathCalendarEvent, "B", "e1")).query.Get("maxAttendees") != "500" {
		t.Error("maxAttendees")
	}
	odd := `{"id":"e1_2","seriesMasterId":"e1","isAllDay":true,"start":{"date":"2026-08-24"},"end":{"date":"2026-08-26"},"originStart":{"date":"2026-08-23"},
		"recurrence":{"pattern":{"type":"hourly"}},"attendees":null}`
	f.on(at(pathCalendarEvent, "B", "e1_2"), ok("%s", odd))
	got, err = f.client().Calendars.Get(bg(), "B", "e1_2")
	if err != nil || got["startDate"] != "2026-08-24" || got["endDate"] != "2026-08-26" || got["originStartDate"] != "2026-08-23" || got["start"] != nil ||
		fmt.Sprint(got["recurrence"]) != "map[pattern:map[type:hourly]]" || got["seriesMasterId"] != "e1" {
		t.Errorf("%v %v", got, err)
	}
	f.on(at(pathCalendarEvent, "B", "local"), ok(`{"id":"local","attendees":[],"start":{"dateTime":"2026-08-24T10:00:00","timeZone":"Europe/Paris"},"end":{"dateTime":"x"}}`))
	if got, err = f.client().Calendars.Get(bg(), "B", "local"); err != nil || got["start"] != int64(1787558400000) || got["end"] != nil {
		t.Errorf("a time without offset is of its zone: %v %v", got, err)
	}
	f.on(at(pathCalendarEvent, "B", "none"), status(404, `{"code":"itemNotFound","message":"m"}`))
	if _, err = f.client().Calendars.Get(bg(), "B", "none"); !IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

func TestEventWritesAreCheckedFirst(t *testing.T) {
	f := newFar(t)
	c := f.client()
	for name, event := range map[string]Object{
		"summary":    newMeeting(Object{"summary": strings.Repeat("长", 2049)}),
		"end":        newMeeting(Object{"end": int64(5)}),
		"start":      newMeeting(Object{"start": nil}),
		"timeZone":   newMeeting(Object{"timeZone": "Mars/Phobos"}),
		"startDate":  newMeeting(Object{"isAllDay": true}),
		"endDate":    newMeeting(Object{"isAllDay": true, "startDate": "2026-08-24", "endDate": "2026-08-24"}),
		"recurrence": newMeeting(Object{"recurrence": map[string]any{"pattern": map[string]any{"type": "weekly", "interval": 1}}}),
		"reminders":  newMeeting(Object{"reminders": []any{-5}}),
		"organizer":  newMeeting(Object{"organizer": nil}),
		"status":     newMeeting(Object{"status": "confirmed"}),
	} {
		if e := failure(t, second(c.Calendars.Create(bg(), event, CalendarOptions{}))); e.Class != Reject || e.Field != name {
			t.Errorf("%s: %v", name, e)
		}
	}
	for _, err := range []error{
		c.Calendars.Update(bg(), Object{"id": "e1", "summary": "x"}, CalendarOptions{}),
		c.Calendars.Update(bg(), Object{"organizer": "A", "summary": "x"}, CalendarOptions{}),
		c.Calendars.Update(bg(), Object{"organizer": "A", "id": "e1"}, CalendarOptions{}, "summary"),
		c.Calendars.Respond(bg(), "A", "e1", "maybe"), c.Calendars.Delete(bg(), "A", "..", CalendarOptions{}),
	} {
		if e := failure(t, err); e.Class != Reject {
			t.Error(e)
		}
	}
}

func TestEventUpdate(t *testing.T) {
	f := newFar(t)
	path := at(pathCalendarEvent, "A", "e1")
	add, remove := at(pathCalendarAttendees, "A", "e1"), at(pathCalendarRemove, "A", "e1")
	for _, p := range []string{path, add, remove} {
		f.on(p, ok(madeMeeting))
	}
	c := f.client()
	update := func(event Object, clear ...string) []call {
		t.Helper()
		event = maps.Clone(event)
		event["id"], event["organizer"] = "e1", "A"
		before := len(f.called(path))
		if err := c.Calendars.Update(bg(), event, CalendarOptions{Token: "tok", NoPush: true}, clear...); err != nil {
			t.Fatal(err)
		}
		return f.called(path)[before:]
	}
	calls := update(Object{"summary": "x"}, "location")
	if len(calls) != 1 || calls[0].raw != `{"extra":{"noChatNotification":"false","noPushNotification":"true"},"id":"e1","location":{"displayName":""},"summary":"x"}` {
		t.Errorf("only what changes, without reading: %+v", calls)
	}
	calls = update(Object{"end": int64(1787544000000)})
	if len(calls) != 2 || !strings.Contains(calls[1].raw, `"start":{"dateTime":"2026-08-24T10:00:00+08:00","timeZone":"Asia/Shanghai"}`) ||
		!strings.Contains(calls[1].raw, `"end":{"dateTime":"2026-08-24T12:00:00+08:00"`) || strings.Contains(calls[1].raw, "summary") {
		t.Errorf("the times as a whole: %+v", calls)
	}
	calls = update(Object{"isAllDay": true, "startDate": "2026-08-24", "endDate": "2026-08-26"})
	if len(calls) != 1 || !strings.Contains(calls[0].raw, `"isAllDay":true,"start":{"date":"2026-08-24"}`) {
		t.Errorf("whole days: %+v", calls)
	}
	calls = update(Object{"attendees": []string{"A", "C", "D"}, "optionalAttendees": []string{"D"}})
	if len(calls) != 1 { // the reading
		t.Errorf("only attendees: %+v", calls)
	}
	if got := f.last(remove); got.raw != `{"attendeesToRemove":[{"id":"B"},{"id":"C"}]}` || got.head.Get("x-client-token") != "tok.1" {
		t.Errorf("B goes, C is no longer optional: %s", got.raw)
	}
	if got := f.last(add); got.raw != `{"attendeesToAdd":[{"id":"C","isOptional":false},{"id":"D","isOptional":true}],"chatNotification":true,"pushNotification":false}` ||
		got.head.Get("x-client-token") != "tok.2" {
		t.Errorf("%s", got.raw)
	}
	before := len(f.called(add)) + len(f.called(remove))
	update(Object{"attendees": []string{"C", "B"}})
	if n := len(f.called(add)) + len(f.called(remove)); n != before {
		t.Error("nothing had changed")
	}
}

func TestManyAttendees(t *testing.T) {
	f := newFar(t)
	f.on(at(pathCalendarEvents, "A"), ok(madeMeeting))
	add := at(pathCalendarAttendees, "A", "e1")
	f.on(add, inTurn(ok(`{}`), status(400, `{"code":"permissionDeny","message":"m"}`)))
	made, err := f.client().Calendars.Create(bg(), newMeeting(Object{"attendees": make1001(), "optionalAttendees": "v1,v2"}), CalendarOptions{Token: "tok"})
	if err == nil || made["id"] != "e1" || failure(t, err).Class != Reject {
		t.Errorf("made, but not all were invited: %v %v", made, err)
	}
	tokens := []string{f.called(add)[0].head.Get("x-client-token"), f.called(add)[1].head.Get("x-client-token")}
	if n := len(f.last(at(pathCalendarEvents, "A")).body["attendees"].([]any)); n != 500 || tokens[0] == tokens[1] || tokens[0] == "tok" {
		t.Errorf("%d at first; %q", n, tokens)
	}
	// An answer that is full does not tell who else attends.
	var rows []string
	for i := range 500 {
		rows = append(rows, fmt.Sprintf(`{"id":"u%d"}`, i))
	}
	full := `{"id":"e1","organizer":{"id":"A"},"start":{"date":"2026-08-24"},"attendees":[` + strings.Join(rows, ",") + `]}`
	f.on(at(pathCalendarEvent, "A", "e1"), ok("%s", full))
	f.on(add, inTurn(nil, nil, ok(`{"attendees":[%s],"nextToken":"2"}`, strings.Join(rows, ",")), ok(`{"attendees":[{"id":"last"}]}`)))
	got, err := f.client().Calendars.Get(bg(), "A", "e1")
	if err != nil || len(got.IDs("attendees")) != 501 {
		t.Errorf("%d %v", len(got.IDs("attendees")), err)
	}
	f.on(add, ok(`{"attendees":[%s]}`, strings.Join(rows, ",")))
	if got, err := f.client().Calendars.Get(bg(), "A", "e1"); err != nil || got["attendees"] != nil {
		t.Errorf("500 of them, and nobody says whether that is all: %v %v", got["attendees"], err)
	}
	for _, rows := range []string{full, `{"id":"e1","start":{"date":"2026-08-24"}}`} {
		f.on(at(pathCalendarEvents, "A"), ok(`{"events":[%s]}`, rows))
		for event, err := range f.client().Calendars.List(bg(), "A", newClock().now(), newClock().now().Add(time.Hour)) {
			if _, told := event["attendees"]; err != nil || told {
				t.Errorf("%v %v", event, err)
			}
		}
	}
	f.on(at(pathCalendarEvent, "A", "e2"), ok(`{"id":"e2","attendees":[]}`))
	if got, err := f.client().Calendars.Get(bg(), "A", "e2"); err != nil || len(got["attendees"].([]any)) != 0 {
		t.Errorf("nobody: %v %v", got, err)
	}
	f.on(at(pathCalendarEvent, "A", "e3"), ok(`{"id":"e3"}`))
	f.on(at(pathCalendarAttendees, "A", "e3"), ok(`{"attendees":[{"id":"B"}]}`))
	if got, err := f.client().Calendars.Get(bg(), "A", "e3"); err != nil || len(got["attendees"].([]any)) != 1 {
		t.Errorf("not told: %v %v", got, err)
	}
}

func TestCalendarFailures(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   Error
	}{
		{400, "invalidParameter", Error{Class: Reject}},
		{400, "permissionDeny", Error{Class: Reject}},
		{403, "permissionDeny", Error{Class: Reject}},
		{404, "itemNotFound", Error{Class: Missing}},
		{404, "instanceNotExist", Error{Class: Missing}},
		{400, "idempotencyProcessing", Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{400, "flowLimit", Error{Class: Retry, After: 6*time.Hour + time.Minute, nature: throttleAnswer}}, // 18:00 in China
	} {
		f := newFar(t)
		path := at(pathCalendarEvents, "A")
		f.on(path, status(c.status, fmt.Sprintf(`{"code":%q,"message":"m"}`, c.code)))
		e := failure(t, second(f.client(newClock().set).Calendars.Create(bg(), newMeeting(nil), CalendarOptions{})))
		if e.Class != c.want.Class || e.After != c.want.After || e.Ambiguous != c.want.Ambiguous || IsThrottled(e) != c.want.throttled() ||
			len(f.called(path)) != 1 {
			t.Errorf("%s: %+v after %d calls", c.code, e, len(f.called(path)))
		}
	}
}

func TestCalendarChanges(t *testing.T) {
	f := newFar(t)
	path := at(pathCalendarEvents, "A")
	expired := false
	f.on(path, func(c call) reply {
		q := c.query
		switch {
		case q.Get("syncToken") != "" && expired:
			return reply{status: 400, body: `{"code":"invalidParameter","message":"syncToken"}`}
		case q.Get("syncToken") != "" && q.Get("nextToken") == "":
			return reply{body: `{"events":[{"id":"e2","status":"cancelled"}],"nextToken":"n1"}`}
		case q.Get("syncToken") != "":
			return reply{body: `{"events":[],"syncToken":"sync2"}`}
		}
		return reply{body: `{"events":[{"id":"e1","summary":"x"}],"syncToken":"sync1"}`}
	})
	var seen []string
	each := func(e Object) error { seen = append(seen, e.Text("id")+e.Text("status")); return nil }
	c := f.client()
	full, err := c.Calendars.Changes(bg(), "A", "", time.Date(2026, 8, 1, 0, 0, 0, 0, standardZone), each)
	if err != nil || full != (CalendarSync{Token: "sync1", Full: true}) || f.last(path).query.Get("timeMin") != "2026-07-31T16:00:00Z" ||
		f.last(path).query.Get("showDeleted") != "true" || f.last(path).query.Get("maxResults") != "100" {
		t.Errorf("%+v %v %v", full, err, f.last(path).query)
	}
	delta, err := c.Calendars.Changes(bg(), "A", full.Token, time.Time{}, each)
	if err != nil || delta != (CalendarSync{Token: "sync2"}) || f.last(path).query.Get("timeMin") != "" || f.last(path).query.Get("showDeleted") != "true" || !slices.Equal(seen, []string{"e1", "e2cancelled"}) {
		t.Errorf("%+v %v %q", delta, err, seen)
	}
	expired = true
	if again, err := c.Calendars.Changes(bg(), "A", delta.Token, time.Time{}, each); err != nil || !again.Full || again.Token != "sync1" {
		t.Errorf("an old token: %+v %v", again, err)
	}
	expired = false
	f.on(path, inTurn(nil, nil, nil, nil, nil, ok(`{"events":[],"nextToken":"n1","syncToken":"early"}`), ok(`{"events":[{"id":"e3"}]}`)))
	if early, err := c.Calendars.Changes(bg(), "A", "t", time.Time{}, each); err != nil || early.Token != "early" {
		t.Errorf("a token on another page than the last: %+v %v", early, err)
	}
	f.on(path, ok(`{"events":[{"id":"e1"}],"syncToken":"sync1"}`))
	stop := errors.New("enough")
	if _, err := c.Calendars.Changes(bg(), "A", "", time.Time{}, func(Object) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	f.on(path, status(403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m"}`))
	before := len(f.called(path))
	if _, err := c.Calendars.Changes(bg(), "A", "t", time.Time{}, each); failure(t, err).Class != Halt || len(f.called(path)) != before+1 {
		t.Errorf("no permission is no old token: %v", err)
	}
}

func TestCalendarWindows(t *testing.T) {
	f := newFar(t)
	path := at(pathCalendarView, "A")
	f.on(path, inTurn(
		ok(`{"events":[{"id":"e1"},{"id":"s_1","seriesMasterId":"s","originStart":{"dateTime":"2026-01-01T00:00:00Z"}}],"nextToken":"2"}`),
		ok(`{"events":[{"id":"s_1","seriesMasterId":"s","originStart":{"dateTime":"2026-01-02T00:00:00Z"}}]}`), ok(`{"events":[{"id":"e1"},{"id":"e2"}]}`)))
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var ids []string
	for event, err := range f.client().Calendars.View(bg(), "A", from, from.Add(calendarSpan+time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, event.Text("id"))
	}
	if !slices.Equal(ids, []string{"e1", "s_1", "s_1", "e2"}) {
		t.Errorf("%q", ids)
	}
	if q := f.called(path)[2].query; q.Get("timeMin") != "2027-01-01T00:00:00Z" || q.Get("timeMax") != "2027-01-01T01:00:00Z" || q.Get("nextToken") != "" {
		t.Errorf("%v", q)
	}
	for _, err := range f.client().Calendars.View(bg(), "A", from, from) {
		if failure(t, err).Class != Reject {
			t.Error(err)
		}
	}
}

func TestRecurrence(t *testing.T) {
	until := time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC)
	for _, r := range []Recurrence{
		{Type: "daily", Interval: 365},
		{Type: "daily", Interval: 1, Until: until},
		{Type: "weekly", Interval: 1, DaysOfWeek: []string{"sunday", "saturday"}, FirstDayOfWeek: "monday", Count: 99},
		{Type: "absoluteMonthly", Interval: 3, DayOfMonth: 31},
		{Type: "relativeMonthly", Interval: 1, DaysOfWeek: []string{"tuesday"}, Index: "last"},
		{Type: "absoluteYearly", Interval: 1, DayOfMonth: 1},
	} {
		got, err := RecurrenceOf(r.Object())
		if r.Type == "weekly" && r.FirstDayOfWeek == "" {
			r.FirstDayOfWeek = "sunday"
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
			t.Errorf("%+v %v, want %+v", got, err, r)
		}
		if text, err := marshal(r.Object()); err != nil {
			t.Error(err)
		} else if again, err := RecurrenceOf(string(text)); err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
			t.Errorf("as a text: %+v %v", again, err)
		}
	}
	day, err := RecurrenceOf(jsonText(`{"pattern":{"type":"daily"},"range":{"type":"endDate","endDate":"2026-12-31"}}`))
	if err != nil || day.Interval != 1 || !day.Until.Equal(until) {
		t.Errorf("%+v %v", day, err)
	}
	for _, bad := range []string{
		`"x"`, `[]`, `{}`, `{"pattern":{"type":"hourly","interval":1}}`, `{"pattern":{"type":"daily","interval":0}}`, `{"pattern":{"type":"daily","interval":366}}`,
		`{"pattern":{"type":"daily","interval":1},"range":{"type":"numbered","numberOfOccurrences":100}}`,
		`{"pattern":{"type":"daily","interval":1},"range":{"type":"numbered"}}`, `{"pattern":{"type":"daily","interval":1},"range":{"type":"endDate"}}`,
		`{"pattern":{"type":"daily","interval":1},"range":{"type":"forever"}}`,
		`{"pattern":{"type":"weekly","interval":1}}`, `{"pattern":{"type":"weekly","interval":1,"daysOfWeek":"mo"}}`,
		`{"pattern":{"type":"weekly","interval":1,"daysOfWeek":"monday","firstDayOfWeek":"mo"}}`,
		`{"pattern":{"type":"absoluteMonthly","interval":1,"dayOfMonth":32}}`, `{"pattern":{"type":"relativeMonthly","interval":1,"daysOfWeek":"monday","index":"fifth"}}`,
	} {
		if r, err := RecurrenceOf(jsonText(bad)); err == nil {
			t.Errorf("%s was taken: %+v", bad, r)
		}
	}
	if err := (Recurrence{Type: "daily", Interval: 1, Count: 2, Until: until}).Check(); err == nil {
		t.Error("two ends")
	}
}
