package odootest

import (
	"fmt"
	"strings"
	"time"
)

// calendar.event without its recurrences: times as its code reads them, all-day events, attendees (addons/calendar/models/calendar.py).
func init() {
	behaviours["calendar.event"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			own := orFalse(e.value("res.users", e.uid, "partner_id"))
			return values{"user_id": e.uid, "partner_ids": []any{[]any{int64(6), int64(0), []any{own}}}}
		},
		beforeCreate: func(_ *env, _ *model, vals values) error { return eventTimes(vals) },
		beforeWrite:  func(e *env, _ *model, _ []int64, vals values) (*env, error) { return e, eventTimes(vals) },
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			if err := eventDerive(e, m, id); err != nil {
				return err
			}
			return eventAttendees(e, m, id)
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			for _, id := range ids {
				if has(vals, "start", "stop", "allday") {
					if err := eventDerive(e, m, id); err != nil {
						return err
					}
				}
				if has(vals, "partner_ids") {
					if err := eventAttendees(e, m, id); err != nil {
						return err
					}
				}
			}
			return nil
		},
		check: eventCheck,
	}
}

// eventTimes reads start and stop as Datetime.to_datetime does, the fraction or offset cut off, and moves an all-day event to its hours.
func eventTimes(vals values) error {
	if truthy(vals["allday"]) && truthy(vals["start_date"]) && truthy(vals["stop_date"]) {
		vals["start"], vals["stop"] = pyStr(vals["start_date"])+" 08:00:00", pyStr(vals["stop_date"])+" 18:00:00"
	}
	for name, alias := range map[string]string{"start_datetime": "start", "stop_datetime": "stop"} {
		if v, given := vals[name]; given && !has(vals, alias) {
			vals[alias] = v
		}
	}
	var times [2]time.Time
	for i, name := range []string{"stop", "start"} {
		v, given := vals[name]
		if !given || !truthy(v) {
			return nil
		}
		t, err := eventTime(v)
		if err != nil {
			return err
		}
		times[i], vals[name] = t, stampOf(t)
	}
	if !has(vals, "duration") {
		vals["duration"] = float64(times[0].Sub(times[1])) / float64(time.Hour)
	}
	return nil
}

func eventTime(v any) (time.Time, error) {
	if _, ok := v.(isoTime); ok {
		return time.Time{}, rawFault("TypeError: 'DateTime' object is not subscriptable")
	}
	s := pyStr(v)
	if t, err := time.Parse(time.DateTime, s[:min(len(s), len(time.DateTime))]); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if _, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))]); err == nil {
		return time.Time{}, pythonFault("ValueError", "unconverted data remains: "+s[len(time.DateOnly):])
	}
	return time.Time{}, pythonFault("ValueError", "time data "+pyRepr(s)+" does not match format '%Y-%m-%d'")
}

// eventDerive recomputes what is stored beside start and stop.
func eventDerive(e *env, m *model, id int64) error {
	r := e.row(m.name, id)
	start, stop := r.at(m.field("start")), r.at(m.field("stop"))
	derived := values{"start_datetime": start, "stop_datetime": stop, "start_date": nil, "stop_date": nil}
	a, _ := start.(stamp)
	b, _ := stop.(stamp)
	shown := start
	if r.flag(m.field("allday")) {
		first, last := a.Time().Format(time.DateOnly), b.Time().Format(time.DateOnly)
		derived = values{"start_datetime": nil, "stop_datetime": nil, "start_date": first, "stop_date": last}
		shown = first
	}
	if s, ok := shown.(stamp); ok {
		shown = s.String()
	}
	derived["display_start"] = shown
	return e.set(m, id, derived)
}

// eventAttendees keeps one calendar.attendee per invited contact; the maker's own is accepted.
func eventAttendees(e *env, m *model, id int64) error {
	att := e.model("calendar.attendee")
	known := map[int64]bool{}
	for _, a := range e.rows(att.name).referring(att.field("event_id"), id) {
		known[e.refOf(att.name, a, "partner_id")] = true
	}
	for _, p := range e.links(m, e.row(m.name, id), m.field("partner_ids")) {
		if known[p] {
			continue
		}
		vals := values{"event_id": id, "partner_id": p, "email": orFalse(e.value("res.partner", p, "email")), "state": "needsAction"}
		if p == e.refOf("res.users", e.uid, "partner_id") {
			vals["state"] = "accepted"
		}
		if _, err := e.sudo().create(att, vals); err != nil {
			return err
		}
	}
	return nil
}

func eventCheck(e *env, m *model, ids []int64, _ func(string) bool) error {
	for _, id := range ids {
		r := e.row(m.name, id)
		start, _ := r.at(m.field("start")).(stamp)
		stop, _ := r.at(m.field("stop")).(stamp)
		if stop < start {
			return validation("%s", strings.TrimSpace(fmt.Sprintf(
				"The ending date and time cannot be earlier than the starting date and time.\nMeeting '%s' starts '%s' and ends '%s'",
				r.str(m.field("name")), start, stop)))
		}
	}
	return nil
}
