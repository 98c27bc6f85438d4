package mapping

import (
	"fmt"
	"strings"
	"time"
)

// spanConverter joins when an Odoo meeting is with when a DingTalk event is: from an instant to an instant, or whole days. The canonical
// value is both ends, "2026-12-01T02:00:00Z/2026-12-01T03:00:00Z" or, from the first to the last day, "2026-12-01/2026-12-02".
//
// Odoo's start and stop are UTC, but of whole days their dates are meant, whatever the zone (addons/calendar: _inverse_dates, which also
// puts them at 8 and 18 o'clock). DingTalk's endDate is the first day that the event does not last any more (创建日程).
type spanConverter struct{}

func newSpanConverter(p pair) (Converter, string) {
	return spanConverter{}, p.fits("span", []string{"datetime"}, []string{typeInstant})
}

func (spanConverter) Name() string { return "span" }

func (spanConverter) readsEmpty()     {}
func (spanConverter) makesTheRecord() {}

func (spanConverter) parts(side Side) []string {
	if side == Odoo {
		return []string{"allday", "start", "stop"}
	}
	return []string{"isAllDay", "start", "end", "startDate", "endDate", "timeZone"}
}

func (spanConverter) Read(side Side, _ any, env Env) (Value, error) {
	if side == Odoo {
		return odooSpan(env.Record)
	}
	if allDay, _ := env.Record["isAllDay"].(bool); allDay {
		first, err := dayOf(env.Record["startDate"])
		if err != nil {
			return UnknownValue, err
		}
		after, err := dayOf(env.Record["endDate"])
		if err != nil {
			return UnknownValue, err
		}
		return daysSpan(first, after.AddDate(0, 0, -1))
	}
	var ends [2]time.Time
	for i, name := range []string{"start", "end"} {
		raw, read := env.Record[name]
		if !read {
			return UnknownValue, nil
		}
		ms, ok := plainInt(raw)
		if !ok || !plausible(ms) {
			return UnknownValue, unexpected(raw, "a time in milliseconds")
		}
		ends[i] = time.UnixMilli(ms)
	}
	return instantsSpan(ends[0], ends[1])
}

func odooSpan(rec Record) (Value, error) {
	var ends [2]time.Time
	for i, name := range []string{"start", "stop"} {
		raw, read := rec[name]
		if !read {
			return UnknownValue, nil
		}
		text, _ := raw.(string)
		at, err := time.Parse(odooDatetime, text)
		if err != nil {
			return UnknownValue, unexpected(raw, "a time such as 2026-01-31 08:00:00")
		}
		ends[i] = at
	}
	allDay, read := rec["allday"].(bool)
	switch {
	case !read:
		return UnknownValue, nil
	case allDay:
		return daysSpan(ends[0], ends[1])
	}
	return instantsSpan(ends[0], ends[1])
}

func dayOf(raw any) (time.Time, error) {
	text, _ := raw.(string)
	day, err := time.Parse(odooDate, text)
	if err != nil {
		return day, unexpected(raw, "a date such as 2026-01-31")
	}
	return day, nil
}

func daysSpan(first, last time.Time) (Value, error) {
	if last.Format(odooDate) < first.Format(odooDate) {
		return UnknownValue, fmt.Errorf("it ends on %s, before it begins on %s", last.Format(odooDate), first.Format(odooDate))
	}
	return Text(first.Format(odooDate) + "/" + last.Format(odooDate)), nil
}

func instantsSpan(start, end time.Time) (Value, error) {
	if end.Before(start) {
		return UnknownValue, fmt.Errorf("it ends at %s, before it begins at %s", end.UTC().Format(time.RFC3339), start.UTC().Format(time.RFC3339))
	}
	return Text(start.UTC().Format(time.RFC3339) + "/" + end.UTC().Format(time.RFC3339)), nil
}

func (spanConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	from, to, _ := strings.Cut(v.Text, "/")
	first, err1 := time.Parse(odooDate, from)
	last, err2 := time.Parse(odooDate, to)
	days := err1 == nil && err2 == nil
	start, err1 := time.Parse(time.RFC3339, from)
	end, err2 := time.Parse(time.RFC3339, to)
	switch {
	case !days && (err1 != nil || err2 != nil):
		return nil, unexpected(v.Text, "a span of time")
	case days && side == Odoo:
		return Parts{"allday": true, "start": from + " 08:00:00", "stop": to + " 18:00:00"}, nil
	case days:
		return Parts{"isAllDay": true, "startDate": first.Format(odooDate), "endDate": last.AddDate(0, 0, 1).Format(odooDate)}, nil
	case side == Odoo:
		return Parts{"allday": false, "start": start.Format(odooDatetime), "stop": end.Format(odooDatetime)}, nil
	}
	return Parts{"isAllDay": false, "start": start.UnixMilli(), "end": end.UnixMilli(), "timeZone": zoneName(env)}, nil
}

// zoneName is the zone of an event in DingTalk: the one it has there, since Odoo's meetings have none.
func zoneName(env Env) string {
	if name, _ := env.Record["timeZone"].(string); name != "" {
		return name
	}
	if name := env.zone().String(); strings.Contains(name, "/") { // of the tz database
		return name
	}
	return "Asia/Shanghai"
}
