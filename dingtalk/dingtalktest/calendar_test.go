package dingtalktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func calendarOf(person string) string {
	return "/v1.0/calendar/users/" + person + "/calendars/primary/"
}

// with calls a method of the new host with an x-client-token.
func (b *bench) with(clientToken, method, path string, body object, want int) object {
	b.t.Helper()
	header := http.Header{"X-Acs-Dingtalk-Access-Token": {b.token}, "X-Client-Token": {clientToken}}
	status, data, err := b.raw(method, path, url.Values{}, header, body)
	if err != nil || status != want {
		b.t.Fatalf("%s: want status %d, got %d, error %v, body %s", path, want, status, err, data)
	}
	return b.decode(data)
}

// meeting is a body of an event from 10 to 11 on 2026-08-24, a Monday, in Shanghai.
func meeting(more object) object {
	body := object{
		"summary":   "m",
		"start":     object{"dateTime": "2026-08-24T10:00:00+08:00", "timeZone": "Asia/Shanghai"},
		"end":       object{"dateTime": "2026-08-24T11:00:00+08:00", "timeZone": "Asia/Shanghai"},
		"attendees": []object{{"id": "BOB"}, {"id": "CHO", "isOptional": true}},
	}
	for key, value := range more {
		body[key] = value
	}
	return body
}

func (b *bench) meet(more object) string {
	b.t.Helper()
	return asText(b.v1("POST", calendarOf("ANN")+"events", meeting(more), 200)["id"])
}

func TestEventLife(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho", "dan")
	id := b.meet(object{"location": object{"displayName": "A1"}, "reminders": []object{{"method": "dingtalk", "minutes": 5}}})
	of := func(person string) string { return calendarOf(person) + "events/" + id }
	got := b.v1("GET", of("BOB"), nil, 200)
	text := jsonText(got)
	for _, want := range []string{
		`"dateTime":"2026-08-24T10:00:00+08:00","timeZone":"Asia/Shanghai"`, `"minutes":"5"`, `"displayName":"A1"`, `"status":"confirmed"`,
		`"displayName":"cho","id":"CHO","isOptional":true,"responseStatus":"needsAction","self":false`, `"id":"ANN"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s: %s", want, text)
		}
	}
	b.v1("PUT", of("ANN"), object{"id": id, "summary": "other"}, 200)
	b.v1("PUT", of("ANN"), object{"id": id, "summary": "other"}, 200) // changes nothing, tells nothing
	b.v1("POST", of("BOB")+"/respond", object{"responseStatus": "accepted"}, 200)
	b.v1("POST", of("ANN")+"/attendees", object{"attendeesToAdd": []object{{"id": "DAN"}, {"id": "BOB"}}}, 200)
	b.v1("POST", of("ANN")+"/attendees/batchRemove", object{"attendeesToRemove": []object{{"id": "CHO"}}}, 200)
	e, _ := b.CalendarEvent(id)
	if e.Summary != "other" || e.Location != "A1" || len(e.Attendees) != 2 || e.Attendees[0].Response != "accepted" || e.Attendees[1].UserID != "dan" {
		t.Errorf("%+v", e)
	}
	b.v1("GET", of("CHO"), nil, 404)
	b.v1("DELETE", of("DAN"), nil, 200)
	b.v1("GET", of("DAN"), nil, 404)
	must(t, b.EditEvent(id, func(e *CalendarEvent) { e.Start, e.End = e.Start.Add(time.Hour), e.End.Add(time.Hour) }))
	must(t, b.RespondEvent("bob", id, "declined"))
	must(t, b.DeleteEvent("ann", id))
	b.v1("GET", of("ANN"), nil, 404)
	wantCode(t, b.EditEvent(id, func(*CalendarEvent) {}), 0, "itemNotFound")
	want := []string{"created", "updated", "updated", "updated", "updated", "deleteView", "updated", "updated", "cancelled"}
	for i, w := range b.toldOf("changeType") {
		if w != "calendar_event_change "+want[i] {
			t.Errorf("event %d: %s", i, w)
		}
	}
	data := b.decode(b.heard()[5].Data)
	if asText(data["unionIdList"]) != `["DAN"]` || asText(data["calendarEventId"]) != id || data["calendarId"] != "primary" {
		t.Errorf("deleteView: %v", data)
	}
	if removed := b.decode(b.heard()[4].Data); !strings.Contains(asText(removed["unionIdList"]), "CHO") {
		t.Errorf("who was removed is told: %v", removed)
	}
}

func TestEventIsRefused(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	id := b.meet(nil)
	create, own := calendarOf("ANN")+"events", calendarOf("ANN")+"events/"+id
	day := func(date string) object { return object{"date": date} }
	for _, c := range []struct {
		code         string
		status       int
		method, path string
		body         object
	}{
		{"invalidParameter", 400, "POST", create, meeting(object{"summary": ""})},
		{"invalidParameter", 400, "POST", create, meeting(object{"summary": strings.Repeat("长", 2049)})},
		{"invalidParameter", 400, "POST", create, meeting(object{"end": object{"dateTime": "2026-08-24T09:00:00+08:00", "timeZone": "Asia/Shanghai"}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"end": object{"dateTime": "2026-08-24T11:00:00+08:00", "timeZone": "Europe/Paris"}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"end": object{"dateTime": "2026-08-24T11:00:00+08:00"}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"start": day("2026-08-24"), "end": day("2026-08-24"), "isAllDay": true})},
		{"invalidParameter", 400, "POST", create, meeting(object{"start": day("2026-08-24"), "end": day("2026-08-25")})},
		{"invalidParameter", 400, "POST", create, meeting(object{"attendees": []object{{"id": "ZOE"}}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"reminders": []object{{"minutes": 5}}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"recurrence": object{"pattern": object{"type": "hourly", "interval": 1}, "range": object{"type": "noEnd"}}})},
		{"invalidParameter", 400, "POST", create, meeting(object{"recurrence": object{"pattern": object{"type": "weekly", "interval": 1, "daysOfWeek": []string{"monday"}}, "range": object{"type": "noEnd"}}})},
		{"invalidParameter", 400, "POST", calendarOf("ZOE") + "events", meeting(nil)},
		{"invalidParameter", 400, "PUT", own, object{"summary": "x"}},
		{"permissionDeny", 400, "PUT", calendarOf("BOB") + "events/" + id, object{"id": id, "summary": "x"}},
		{"permissionDeny", 400, "POST", calendarOf("BOB") + "events/" + id + "/attendees", object{"attendeesToAdd": []object{}}},
		{"permissionDeny", 400, "POST", own + "/respond", object{"responseStatus": "accepted"}},
		{"invalidParameter", 400, "POST", calendarOf("BOB") + "events/" + id + "/respond", object{"responseStatus": "maybe"}},
		{"itemNotFound", 404, "GET", calendarOf("ANN") + "events/none", nil},
		{"instanceNotExist", 404, "GET", own + "_20260824T020000Z", nil},
		{"itemNotFound", 404, "DELETE", calendarOf("ANN") + "events/none", nil},
		{"invalidParameter", 400, "GET", calendarOf("ANN") + "eventsview", nil},
	} {
		if out := b.v1(c.method, c.path, c.body, c.status); out["code"] != c.code {
			t.Errorf("%s %s %v: %v", c.method, c.path, c.body, out)
		}
	}
	b.Set(func(k *Knobs) { k.EventsPerDay, k.CreateChangeType = 2, "create" })
	b.meet(nil)
	if got := b.toldOf("changeType"); got[len(got)-1] != "calendar_event_change create" {
		t.Errorf("%q", got)
	}
	if out := b.v1("POST", create, meeting(nil), 400); out["code"] != "flowLimit" {
		t.Errorf("%v", out)
	}
	b.AddEvent(CalendarEvent{Organizer: "ann", Summary: "by hand", Start: b.clock.now(), End: b.clock.now()})
	b.clock.add(7 * time.Hour) // midnight in China
	b.login()
	b.meet(nil)
	if got := b.Duplicates(); len(got) != 1 {
		t.Errorf("three alike: %v", got)
	}
}

func TestClientTokenIsTheSameCall(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	create := calendarOf("ANN") + "events"
	first := b.with("t1", "POST", create, meeting(nil), 200)
	if again := b.with("t1", "POST", create, meeting(object{"summary": "other"}), 200); again["id"] != first["id"] || again["summary"] != "m" {
		t.Errorf("%v", again)
	}
	if other := b.with("t1", "POST", calendarOf("BOB")+"events", meeting(object{"summary": "b"}), 200); other["id"] == first["id"] {
		t.Error("the same token in another calendar")
	}
	own := create + "/" + asText(first["id"])
	b.with("t2", "PUT", own, object{"id": first["id"], "summary": "x"}, 200)
	must(t, b.EditEvent(asText(first["id"]), func(e *CalendarEvent) { e.Summary = "y" }))
	b.with("t2", "PUT", own, object{"id": first["id"], "summary": "x"}, 200)
	if e, _ := b.CalendarEvent(asText(first["id"])); e.Summary != "y" {
		t.Errorf("a repetition did something: %+v", e)
	}
	b.with("t3", "DELETE", own, nil, 200)
	b.with("t3", "DELETE", own, nil, 200)
	b.clock.add(25 * time.Hour)
	b.login()
	if late := b.with("t1", "POST", create, meeting(nil), 200); late["id"] == first["id"] {
		t.Error("the token holds for a day")
	}
}

// walk reads all pages of a list of events: id or summary, status and start; and the syncToken.
func (b *bench) walk(path string, query ...string) (rows []string, syncToken string) {
	b.t.Helper()
	for token := ""; ; {
		q := slices.Clone(query)
		if token != "" {
			q = append(q, "nextToken", token)
		}
		page := b.v1("GET", path, nil, 200, q...)
		for _, row := range page["events"].([]any) {
			e := row.(object)
			from := e["start"].(object)
			rows = append(rows, fmt.Sprint(e["summary"], " ", e["status"], " ", asText(from["date"]), asText(from["dateTime"])))
		}
		if token = asText(page["nextToken"]); token == "" {
			return rows, asText(page["syncToken"])
		}
	}
}

func TestEventLists(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	b.Set(func(k *Knobs) { k.EventsPerDay = 1000 })
	list, view := calendarOf("BOB")+"events", calendarOf("BOB")+"eventsview"
	for i := range 5 {
		b.meet(object{"summary": fmt.Sprint(i)})
	}
	rows, token := b.walk(list, "maxResults", "2", "timeMin", "2026-08-01T00:00:00Z")
	if len(rows) != 5 || token == "" {
		t.Fatalf("%v %q", rows, token)
	}
	if _, none := b.walk(list, "timeMin", "2026-08-01T00:00:00Z", "timeMax", "2026-09-01T00:00:00Z"); none != "" {
		t.Error("a syncToken although timeMax was set")
	}
	b.v1("GET", list, nil, 400, "timeMin", "2026-01-01T00:00:00Z", "timeMax", "2027-02-01T00:00:00Z")
	ids := b.CalendarEvents()
	must(t, b.EditEvent(ids[1].ID, func(e *CalendarEvent) { e.Summary = "new" }))
	must(t, b.DeleteEvent("ann", ids[2].ID))
	must(t, b.DeleteEvent("bob", ids[3].ID))
	b.AddEvent(CalendarEvent{
		Organizer: "bob", Summary: "days", AllDay: true, StartDate: "2026-08-20", EndDate: "2026-08-22",
		Recurrence: &Recurrence{Type: "daily", Interval: 1, Count: 4},
	})
	rows, next := b.walk(list, "syncToken", token)
	at := " confirmed 2026-08-24T10:00:00+08:00"
	want := []string{
		"new" + at, "2 cancelled 2026-08-24T10:00:00+08:00", "3 cancelled 2026-08-24T10:00:00+08:00", "days confirmed 2026-08-20",
		"days confirmed 2026-08-20", "days confirmed 2026-08-21", "days confirmed 2026-08-22",
	}
	if !slices.Equal(rows, want) || next == token {
		t.Errorf("delta: %q", rows)
	}
	if rows, _ = b.walk(list, "syncToken", next); rows != nil {
		t.Errorf("nothing more: %q", rows)
	}
	b.Set(func(k *Knobs) { k.PastUnlisted = true })
	if rows, _ = b.walk(list); !slices.Equal(rows, []string{"0" + at, "new" + at, "4" + at, "days confirmed 2026-08-20"}) {
		t.Errorf("all: %q", rows)
	}
	span := []string{"timeMin", "2026-08-22T00:00:00+08:00", "timeMax", "2026-08-24T10:30:00+08:00"}
	rows, _ = b.walk(view, span...)
	want = []string{"0" + at, "new" + at, "4" + at, "days confirmed 2026-08-21", "days confirmed 2026-08-22", "days confirmed 2026-08-23"}
	if !slices.Equal(rows, want) {
		t.Errorf("view: %q", rows)
	}
	out := b.v1("GET", view, nil, 200, span...)["events"].([]any)[3].(object)
	one := b.v1("GET", calendarOf("BOB")+"events/"+asText(out["id"]), nil, 200)
	if one["seriesMasterId"] == nil || asText(one["end"]) != `{"date":"2026-08-23"}` || asText(one["originStart"]) != `{"date":"2026-08-21"}` {
		t.Errorf("one occurrence: %v", one)
	}
	b.v1("GET", calendarOf("ANN")+"events", nil, 400, "syncToken", next) // another one's
	b.ExpireSyncTokens()
	b.v1("GET", list, nil, 400, "syncToken", next)
	_, next = b.walk(list)
	b.clock.add(31 * 24 * time.Hour)
	b.login()
	b.v1("GET", list, nil, 400, "syncToken", next)
}

// A person changes, or cancels, one meeting of a series: the view shows it, the list of series only their rules.
func TestOneOccurrenceIsChangedByItself(t *testing.T) {
	b := start(t)
	b.crew("ann")
	first := time.Date(2026, 8, 24, 2, 0, 0, 0, time.UTC)
	id := b.AddEvent(CalendarEvent{Organizer: "ann", Summary: "daily", Start: first, End: first.Add(time.Hour), Recurrence: &Recurrence{Type: "daily", Interval: 1, Count: 4}})
	at := func(day int) time.Time { return first.AddDate(0, 0, day) }
	if err := b.EditOccurrence(id, at(1), func(e *CalendarEvent) {
		e.Start, e.End, e.Summary = e.Start.Add(3*time.Hour), e.End.Add(3*time.Hour), "later"
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.EditOccurrence(id, at(2), func(e *CalendarEvent) { e.Cancelled = true }); err != nil {
		t.Fatal(err)
	}
	for _, none := range []time.Time{first.Add(time.Hour), at(4)} {
		if err := b.EditOccurrence(id, none, func(*CalendarEvent) {}); err == nil {
			t.Errorf("the series has one at %s", none)
		}
	}
	var got []string
	for _, row := range b.v1("GET", calendarOf("ANN")+"eventsview", nil, 200, "timeMin", "2026-08-24T00:00:00Z", "timeMax", "2026-08-30T00:00:00Z")["events"].([]any) {
		o := row.(object)
		got = append(got, asText(o["summary"])+" "+asText(o["start"].(object)["dateTime"])+" of "+asText(o["originStart"].(object)["dateTime"]))
	}
	want := []string{
		"daily 2026-08-24T10:00:00+08:00 of 2026-08-24T10:00:00+08:00", "later 2026-08-25T13:00:00+08:00 of 2026-08-25T10:00:00+08:00",
		"daily 2026-08-27T10:00:00+08:00 of 2026-08-27T10:00:00+08:00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestAttendeesArePaged(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	id := b.meet(nil)
	path := calendarOf("ANN") + "events/" + id
	first := b.v1("GET", path+"/attendees", nil, 200, "maxResults", "2")
	second := b.v1("GET", path+"/attendees", nil, 200, "maxResults", "2", "nextToken", asText(first["nextToken"]))
	if len(first["attendees"].([]any)) != 2 || len(second["attendees"].([]any)) != 1 || second["nextToken"] != nil {
		t.Errorf("%v %v", first, second)
	}
	if out := b.v1("GET", path, nil, 200, "maxAttendees", "1"); len(out["attendees"].([]any)) != 1 {
		t.Errorf("%v", out)
	}
	b.Set(func(k *Knobs) { k.OrganizerUnlisted, k.CalendarTimesUTC = true, true })
	out := b.v1("GET", path, nil, 200)
	if len(out["attendees"].([]any)) != 2 || !strings.Contains(jsonText(out), `"dateTime":"2026-08-24T02:00:00Z","timeZone":"Asia/Shanghai"`) {
		t.Errorf("%v", out)
	}
	b.v1("PUT", path, object{"id": id, "description": "d", "location": object{"displayName": "L"}}, 200)
	b.Set(func(k *Knobs) { k.EmptyTextKept = true })
	b.v1("PUT", path, object{"id": id, "description": "", "location": object{"displayName": ""}}, 200)
	if e, _ := b.CalendarEvent(id); e.Description != "d" || e.Location != "L" {
		t.Errorf("EmptyTextKept: %+v", e)
	}
	b.Set(func(k *Knobs) { k.EmptyTextKept = false })
	b.v1("PUT", path, object{"id": id, "description": "", "location": object{"displayName": ""}}, 200)
	if e, _ := b.CalendarEvent(id); e.Description != "" || e.Location != "" {
		t.Errorf("emptied: %+v", e)
	}
}

func TestRecurrences(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	must(t, err)
	paris, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	monday := time.Date(2026, 8, 24, 10, 0, 0, 0, shanghai)
	for name, c := range map[string]struct {
		rule  string // pattern
		ends  string // range
		start time.Time
		want  string // days, up to 400 days later; the first six
	}{
		"every second day":         {`{"type":"daily","interval":2}`, `{"type":"numbered","numberOfOccurrences":3}`, monday, "08-24 08-26 08-28"},
		"until, included":          {`{"type":"daily","interval":1}`, `{"type":"endDate","endDate":"2026-08-26T10:00:00+08:00"}`, monday, "08-24 08-25 08-26"},
		"two days a week":          {`{"type":"weekly","interval":1,"daysOfWeek":"monday,thursday"}`, `{"type":"noEnd"}`, monday, "08-24 08-27 08-31 09-03 09-07 09-10"},
		"every other week, Sunday": {`{"type":"weekly","interval":2,"daysOfWeek":"sunday,tuesday","firstDayOfWeek":"sunday"}`, `{"type":"noEnd"}`, monday, "08-25 09-06 09-08 09-20 09-22 10-04"},
		"every other week, Monday": {`{"type":"weekly","interval":2,"daysOfWeek":"sunday,tuesday","firstDayOfWeek":"monday"}`, `{"type":"noEnd"}`, monday, "08-25 08-30 09-08 09-13 09-22 09-27"},
		"the 31st":                 {`{"type":"absoluteMonthly","interval":1,"dayOfMonth":31}`, `{"type":"noEnd"}`, monday, "08-31 10-31 12-31 01-31 03-31 05-31"},
		"second Tuesday":           {`{"type":"relativeMonthly","interval":1,"daysOfWeek":"tuesday","index":"second"}`, `{"type":"noEnd"}`, monday, "09-08 10-13 11-10 12-08 01-12 02-09"},
		"last workday":             {`{"type":"relativeMonthly","interval":1,"daysOfWeek":"monday,tuesday,wednesday,thursday,friday","index":"last"}`, `{"type":"noEnd"}`, monday, "08-31 09-30 10-30 11-30 12-31 01-29"},
		"every year":               {`{"type":"absoluteYearly","interval":1,"dayOfMonth":24}`, `{"type":"noEnd"}`, monday, "08-24 08-24"},
		"over the change of time":  {`{"type":"weekly","interval":1,"daysOfWeek":"sunday"}`, `{"type":"numbered","numberOfOccurrences":2}`, time.Date(2026, 10, 18, 10, 0, 0, 0, paris), "10-18 10-25"},
	} {
		var v any
		must(t, json.Unmarshal([]byte(`{"pattern":`+c.rule+`,"range":`+c.ends+`}`), &v))
		r, ok := readRecurrence(v)
		if !ok {
			t.Fatalf("%s: not taken", name)
		}
		var days []string
		for _, at := range r.expand(c.start, c.start.AddDate(0, 0, 400)) {
			if at.Hour() != 10 {
				t.Errorf("%s: at %s", name, at)
			}
			if len(days) < 6 {
				days = append(days, at.Format("01-02"))
			}
		}
		if got := strings.Join(days, " "); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		again, ok := readRecurrence(normal(t, r.show()))
		if !ok || !again.equal(r) {
			t.Errorf("%s: shown as %v", name, r.show())
		}
	}
}

// normal is v as it comes over the wire.
func normal(t *testing.T, v any) (out any) {
	t.Helper()
	data, err := json.Marshal(v)
	must(t, err)
	must(t, json.Unmarshal(data, &out))
	return out
}
