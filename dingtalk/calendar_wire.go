package dingtalk

import (
	"slices"
	"strconv"
	"time"
)

// defaultTimeZone is the zone of an event that names none.
const defaultTimeZone = "Asia/Shanghai"

// timeFields are the fields that only make sense together.
var timeFields = []string{"isAllDay", "start", "end", "startDate", "endDate", "timeZone"}

// calendarWire is an encoded body of CalendarEventKind in the form of the wire. Attendees go in at creation only.
func calendarWire(api string, body Object) (Object, error) {
	out := Object{}
	for _, name := range []string{"summary", "description"} {
		if v, ok := body[name]; ok {
			out[name] = v
		}
	}
	if slices.ContainsFunc(timeFields, func(name string) bool { _, ok := body[name]; return ok }) {
		if err := timesWire(api, body, out); err != nil {
			return nil, err
		}
	}
	if v, ok := body["recurrence"]; ok {
		r, err := RecurrenceOf(plainJSON(v))
		if err != nil {
			return nil, refuse(api, "recurrence", "%s", err)
		}
		out["recurrence"] = r.Object()
	}
	if v, ok := body["location"]; ok {
		out["location"] = Object{"displayName": v}
	}
	if v, ok := body["reminders"]; ok {
		rows, err := remindersWire(api, v)
		if err != nil {
			return nil, err
		}
		out["reminders"] = rows
	}
	if body.Bool("onlineMeeting") {
		out["onlineMeetingInfo"] = Object{"type": "dingtalk"}
	}
	return out, nil
}

// plainJSON is what a JSON value in an encoded body holds.
func plainJSON(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return v
	}
	raw, err := marshal(v)
	if err != nil {
		return v
	}
	return jsonText(string(raw))
}

// timesWire writes start and end, which must be whole: either instants and a zone, or dates.
func timesWire(api string, body, out Object) error {
	if body.Bool("isAllDay") {
		var days [2]time.Time
		for i, name := range []string{"startDate", "endDate"} {
			day, err := time.Parse(time.DateOnly, body.Text(name))
			if err != nil {
				return refuse(api, name, "a date as 2006-01-02 expected of an event of whole days")
			}
			days[i] = day
			out[name[:len(name)-len("Date")]] = Object{"date": body.Text(name)}
		}
		if !days[1].After(days[0]) {
			return refuse(api, "endDate", "not after startDate: it is the first day that the event does not last any more")
		}
		out["isAllDay"] = true
		return nil
	}
	name := or(body.Text("timeZone"), defaultTimeZone)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return refuse(api, "timeZone", "%q is no zone of the tz database", cut(name, 40))
	}
	var at [2]int64
	for i, name := range []string{"start", "end"} {
		ms, ok := body.Int(name)
		if !ok {
			return refuse(api, name, "required of an event that does not last whole days")
		}
		at[i] = ms
		out[name] = Object{"dateTime": time.UnixMilli(ms).In(zone).Format(time.RFC3339), "timeZone": zone.String()}
	}
	if at[1] < at[0] {
		return refuse(api, "end", "before start")
	}
	out["isAllDay"] = false
	return nil
}

func remindersWire(api string, v any) ([]Object, error) {
	minutes, ok := plainJSON(v).([]any)
	if !ok {
		return nil, refuse(api, "reminders", "a list of minutes expected")
	}
	rows := make([]Object, len(minutes))
	for i, m := range minutes {
		n, ok := integer(m)
		if !ok || n < 0 {
			return nil, refuse(api, "reminders", "a list of minutes expected")
		}
		rows[i] = Object{"method": "dingtalk", "minutes": n}
	}
	return rows, nil
}

// calendarObject is an event of the wire by the names of CalendarEventKind. most is how many attendees the answer can hold: with as
// many, or without a word about them, who attends is not known, and attendees are left out.
func calendarObject(raw Object, most int) Object {
	out := Object{"isAllDay": raw.Bool("isAllDay")}
	for _, name := range []string{"id", "summary", "description", "status", "seriesMasterId"} {
		if v := raw.Text(name); v != "" {
			out[name] = v
		}
	}
	organizer := raw.object("organizer").Text("id")
	if organizer != "" {
		out["organizer"] = organizer
	}
	readTimes(raw, out)
	if r, err := RecurrenceOf(raw["recurrence"]); err == nil {
		out["recurrence"] = r.Object()
	} else if raw.object("recurrence") != nil { // one that DingTalk's documents do not know: shown as it is
		out["recurrence"] = raw["recurrence"]
	}
	if v := raw.object("location").Text("displayName"); v != "" {
		out["location"] = v
	}
	if v, ok := raw["reminders"]; ok && v != nil {
		minutes := []any{}
		for _, row := range raw.Rows("reminders") {
			if n, ok := row.Int("minutes"); ok {
				minutes = append(minutes, n)
			}
		}
		slices.SortFunc(minutes, func(a, b any) int { return int(a.(int64) - b.(int64)) })
		out["reminders"] = minutes
	}
	if meeting := raw.object("onlineMeetingInfo"); meeting != nil {
		out["onlineMeeting"] = true
		if v := meeting.Text("url"); v != "" {
			out["meetingUrl"] = v
		}
	}
	if rows := raw.Rows("attendees"); len(rows) < most && raw["attendees"] != nil {
		setAttendees(out, organizer, rows)
	}
	return out
}

// setAttendees writes who attends beside the organizer, and what everybody answered.
func setAttendees(out Object, organizer string, rows []Object) {
	all, optional, responses := []any{}, []any{}, map[string]any{}
	for _, row := range rows {
		id := row.Text("id")
		if id == "" {
			continue
		}
		if status := row.Text("responseStatus"); status != "" {
			responses[id] = status
		}
		if id == organizer {
			continue
		}
		all = append(all, id)
		if row.Bool("isOptional") {
			optional = append(optional, id)
		}
	}
	out["attendees"], out["optionalAttendees"], out["responses"] = all, optional, responses
}

// readTimes writes the times of an event. One of whole days has dates only.
func readTimes(raw, out Object) {
	for _, end := range []struct{ from, instant, date string }{
		{"start", "start", "startDate"}, {"end", "end", "endDate"}, {"originStart", "originStart", "originStartDate"},
	} {
		o := raw.object(end.from)
		if date := o.Text("date"); date != "" {
			out[end.date] = date
			out["isAllDay"] = out.Bool("isAllDay") || end.from == "start"
		} else if at := wireInstant(o); !at.IsZero() {
			out[end.instant] = at.UnixMilli()
		}
	}
	if zone := raw.object("start").Text("timeZone"); zone != "" {
		out["timeZone"] = zone
	}
	for _, name := range []string{"createTime", "updateTime"} {
		if at := instant(raw[name]); !at.IsZero() {
			out[name] = at.UnixMilli()
		}
	}
}

// wireInstant reads dateTime, in timeZone where it has no offset.
func wireInstant(o Object) time.Time {
	if at := instant(o["dateTime"]); !at.IsZero() {
		return at
	}
	zone, err := time.LoadLocation(or(o.Text("timeZone"), defaultTimeZone))
	if err != nil {
		return time.Time{}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", o.Text("dateTime"), zone)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// attendeeRows are people as the calls about attendees take them.
func attendeeRows(people, optional []string) []Object {
	rows := make([]Object, 0, len(people))
	for _, id := range people {
		rows = append(rows, Object{"id": id, "isOptional": slices.Contains(optional, id)})
	}
	return rows
}

// part is the client token of one of several calls that carry out one: each is a call of its own.
func (o CalendarOptions) part(n int) string {
	if o.Token == "" || n == 0 {
		return o.Token
	}
	return o.Token + "." + strconv.Itoa(n)
}
