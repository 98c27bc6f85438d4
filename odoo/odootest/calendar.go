package odootest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// calendar.event: times as its code reads them, all-day events, rules of repetition, attendees (addons/calendar/models/calendar.py).
func init() {
	behaviours["calendar.event"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			own := orFalse(e.value("res.users", e.uid, "partner_id"))
			return values{"user_id": e.uid, "partner_ids": []any{[]any{int64(6), int64(0), []any{own}}}}
		},
		beforeCreate: func(_ *env, _ *model, vals values) error {
			for _, name := range []string{"start", "stop"} {
				if !has(vals, "duration") && !has(vals, name) {
					return rawFault("KeyError: '" + name + "'")
				}
			}
			eventRule(vals)
			return eventTimes(vals)
		},
		beforeWrite: func(e *env, m *model, ids []int64, vals values) (*env, error) {
			eventRule(vals)
			if !has(vals, "allday") && has(vals, "start_date", "stop_date") && len(ids) > 0 { // an all-day event is moved by its dates
				if r := e.row(m.name, ids[0]); r != nil && r.flag(m.field("allday")) {
					vals["allday"] = true
					for _, name := range []string{"start_date", "stop_date"} {
						if !truthy(vals[name]) {
							vals[name] = r.at(m.field(name))
						}
					}
				}
			}
			return e, eventTimes(vals)
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			if err := eventDerive(e, m, id, true); err != nil {
				return err
			}
			return eventAttendees(e, m, id)
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			ends := has(vals, "recurrency", "end_type", "count", "rrule_type", "start", "stop")
			for _, id := range ids {
				if err := eventDerive(e, m, id, ends); err != nil {
					return err
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
		rules: func(e *env, m *model, op string) func(*row) bool {
			if op == "read" {
				return nil
			}
			own := e.refOf("res.users", e.uid, "partner_id")
			return func(r *row) bool {
				return r.str(m.field("privacy")) != "private" || r.ref(m.field("user_id")) == e.uid || slices.Contains(e.links(m, r, m.field("partner_ids")), own)
			}
		},
		compute: map[string]func(*env, *model, *row) any{
			"is_attendee": func(e *env, m *model, r *row) any { return e.ownAttendee(m, r) != 0 },
			"attendee_status": func(e *env, m *model, r *row) any {
				if a := e.ownAttendee(m, r); a != 0 {
					return e.text("calendar.attendee", a, "state")
				}
				return "needsAction"
			},
		},
		realIDs: realIDs,
		methods: eventMethods(),
	}
	answer := func(state string) method {
		return method{multi: true, run: func(c *call) (any, error) {
			if err := c.present(); err != nil {
				return nil, err
			}
			return true, c.e.write(c.m, c.ids, values{"state": state})
		}}
	}
	behaviours["calendar.attendee"] = &behaviour{
		compute: map[string]func(*env, *model, *row) any{
			"common_name": func(e *env, m *model, r *row) any {
				if p := r.ref(m.field("partner_id")); p != 0 {
					return e.nameOf("res.partner", p)
				}
				return r.str(m.field("email"))
			},
		},
		methods: map[string]method{"do_accept": answer("accepted"), "do_decline": answer("declined"), "do_tentative": answer("tentative")},
	}
}

// eventMethods are the methods of every model that take or answer ids of occurrences.
func eventMethods() map[string]method {
	return map[string]method{
		"search": {params: []string{"args", "offset", "limit", "order", "count"}, need: 1, run: func(c *call) (any, error) {
			ids, err := c.searchEvents("args")
			if truthy(c.arg("count")) {
				return int64(len(ids)), err
			}
			return ids, err
		}},
		"search_count": {params: []string{"args"}, need: 1, run: func(c *call) (any, error) {
			ids, err := c.searchEvents("args")
			return int64(len(ids)), err
		}},
		"search_read": {params: []string{"domain", "fields", "offset", "limit", "order"}, run: func(c *call) (any, error) {
			names, err := c.names("fields")
			if err != nil {
				return nil, err
			}
			ids, err := c.searchEvents("domain")
			if err != nil || len(ids) == 0 {
				return []any{}, err
			}
			found, err := occurrencesArg(ids)
			if err != nil {
				return nil, err
			}
			return c.e.readEvents(c.m, found, names, true)
		}},
		"read": {params: []string{"ids", "fields", "load"}, need: 1, run: func(c *call) (any, error) {
			names, err := c.names("fields")
			if err != nil {
				return nil, err
			}
			ids, err := occurrencesArg(c.arg("ids"))
			if err != nil {
				return nil, err
			}
			load, given := c.args["load"]
			return c.e.readEvents(c.m, ids, names, !given || load == "_classic_read")
		}},
		"write": {params: []string{"ids", "vals"}, need: 2, run: func(c *call) (any, error) {
			vals, ok := c.arg("vals").(map[string]any)
			if !ok {
				return nil, rawFault("AttributeError: '" + pyType(c.arg("vals")) + "' object has no attribute 'items'")
			}
			ids, err := occurrencesArg(c.arg("ids"))
			if err != nil {
				return nil, err
			}
			return true, c.writeEvents(ids, vals)
		}},
		"unlink": {params: []string{"ids"}, need: 1, run: func(c *call) (any, error) {
			ids, err := occurrencesArg(c.arg("ids"))
			if err != nil {
				return nil, err
			}
			return true, c.unlinkEvents(ids)
		}},
		"name_get": {params: []string{"ids"}, need: 1, run: func(c *call) (any, error) {
			ids, err := occurrencesArg(c.arg("ids"))
			if err != nil {
				return nil, err
			}
			out := make([]any, len(ids))
			for i, o := range ids {
				out[i] = []any{o.wire(), c.e.nameOf(c.m.name, o.id)}
			}
			return out, nil
		}},
		"detach_recurring_event": {params: []string{"ids", "values"}, need: 1, run: func(c *call) (any, error) {
			ids, err := occurrencesArg(c.arg("ids"))
			if err != nil {
				return nil, err
			}
			if len(ids) != 1 {
				return nil, pythonFault("ValueError", "Expected singleton: calendar.event"+pyTuple(c.arg("ids").([]any)))
			}
			vals, _ := c.arg("values").(map[string]any)
			_, err = c.detachEvent(ids[0], vals)
			return recordsetResult, err
		}},
	}
}

// eventRule turns a written rrule into its fields.
func eventRule(vals values) {
	if text, _ := vals["rrule"].(string); text != "" {
		maps.Copy(vals, parseRule(text))
	}
	delete(vals, "rrule")
}

// ownAttendee is the user's row among the attendees; 0 for none.
func (e *env) ownAttendee(m *model, r *row) int64 {
	own := e.refOf("res.users", e.uid, "partner_id")
	att := e.model("calendar.attendee")
	for _, a := range e.rows(att.name).referring(att.field("event_id"), r.id) {
		if e.refOf(att.name, a, "partner_id") == own {
			return a
		}
	}
	return 0
}

// eventTimes reads start and stop as Datetime.to_datetime does, the fraction or offset cut off, and moves an all-day event to its hours.
func eventTimes(vals values) error {
	if truthy(vals["allday"]) && truthy(vals["start_date"]) && truthy(vals["stop_date"]) {
		vals["start"], vals["stop"] = pyStr(vals["start_date"])+" 08:00:00", pyStr(vals["stop_date"])+" 18:00:00"
	}
	for name, alias := range map[string]string{"start_datetime": "start", "stop_datetime": "stop"} {
		if v := vals[name]; truthy(v) && !truthy(vals["allday"]) { // the later word: it is written back to start and stop
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

// eventDerive recomputes what is stored beside start and stop, and, if ends, when a counted rule is over.
func eventDerive(e *env, m *model, id int64, ends bool) error {
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
	rule := recurrenceOf(m, r)
	text, err := rule.text()
	if err != nil {
		return err
	}
	derived["rrule"] = text
	if ends && rule != nil && rule.end == "count" && rule.count > 0 && rule.interval > 0 {
		derived["final_date"] = rule.finalDate(b.Time())
	}
	return e.set(m, id, derived)
}

// eventAttendees keeps one calendar.attendee per invited contact; the maker's own is accepted. Who is no longer invited loses it.
func eventAttendees(e *env, m *model, id int64) error {
	att := e.model("calendar.attendee")
	invited := e.links(m, e.row(m.name, id), m.field("partner_ids"))
	known := map[int64]bool{}
	var gone []int64
	for _, a := range e.rows(att.name).referring(att.field("event_id"), id) {
		p := e.refOf(att.name, a, "partner_id")
		if known[p] = true; !slices.Contains(invited, p) {
			gone = append(gone, a)
		}
	}
	if err := e.sudo().unlink(att, gone); err != nil {
		return err
	}
	for _, p := range invited {
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
