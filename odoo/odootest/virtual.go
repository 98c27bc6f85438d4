package odootest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Occurrences of a repeating event have no rows: they go by ids like "4-20261221020000", the event's and the start in UTC. Searching
// answers them unless the context says virtual_id False; reading, writing and deleting take them (addons/calendar/models/calendar.py).

const virtualStart = "20060102150405"

// occurrence is an id of calendar.event, of a row or of one occurrence.
type occurrence struct {
	id    int64
	start time.Time // zero for the row
	text  bool      // the id came as a string
}

func parseOccurrence(v any) (occurrence, bool) {
	s, ok := v.(string)
	if !ok {
		n, ok := toInt(v)
		return occurrence{id: n}, ok
	}
	id, date, virtual := strings.Cut(s, "-")
	o := occurrence{text: true}
	var err error
	if o.id, err = strconv.ParseInt(id, 10, 64); err != nil {
		return o, false
	}
	if virtual {
		o.start, err = time.Parse(virtualStart, date)
	}
	return o, err == nil
}

// wire is the id as Odoo answers it: as it came.
func (o occurrence) wire() any {
	switch {
	case !o.start.IsZero():
		return fmt.Sprintf("%d-%s", o.id, o.start.Format(virtualStart))
	case o.text:
		return strconv.FormatInt(o.id, 10)
	}
	return o.id
}

// realIDs replaces virtual ids by those of the rows, in lists too.
func realIDs(v any) any {
	if list, ok := v.([]any); ok {
		out := make([]any, len(list))
		for i, x := range list {
			out[i] = realIDs(x)
		}
		return out
	}
	if _, ok := v.(string); ok {
		if o, ok := parseOccurrence(v); ok {
			return o.id
		}
	}
	return v
}

func occurrencesArg(v any) ([]occurrence, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]occurrence, 0, len(list))
	for _, x := range list {
		o, ok := parseOccurrence(x)
		if !ok {
			return nil, pythonFault("ValueError", "invalid literal for int() with base 10: "+pyRepr(x))
		}
		out = append(out, o)
	}
	return out, nil
}

// zone is the time zone rules are reckoned in: that of the context.
func (e *env) zone() *time.Location {
	if name, ok := e.context["tz"].(string); ok {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc
		}
	}
	return time.UTC
}

// occurrencesOf are the starts of a repeating event in UTC, without those that are rows of their own.
func (e *env) occurrencesOf(m *model, r *row) []time.Time {
	rule := recurrenceOf(m, r)
	zone := e.zone()
	wall := func(t time.Time) time.Time { // the local clock, as if it were UTC
		l := t.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
	}
	for _, id := range e.rows(m.name).find("recurrent_id", func(x *row) any { n, _ := x.at(m.field("recurrent_id")).(int64); return n }, r.id) {
		if at, ok := e.row(m.name, id).at(m.field("recurrent_id_date")).(stamp); ok {
			rule.excluded[wall(at.Time()).Format(time.DateTime)] = true
		}
	}
	start, _ := r.at(m.field("start")).(stamp)
	out := rule.starts(wall(start.Time()))
	for i, t := range out {
		out[i] = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone).UTC()
	}
	return out
}

// readEvents reads rows and occurrences. Those of others' private events show that the time is taken, no more.
func (e *env) readEvents(m *model, ids []occurrence, names []string, classic bool) ([]dict, error) {
	asked := len(names) > 0
	wanted := slices.Clone(names)
	extra := []string{"privacy", "user_id", "duration", "allday", "start", "rrule"}
	for _, name := range extra {
		if asked && !slices.Contains(wanted, name) {
			wanted = append(wanted, name)
		}
	}
	rows := make([]int64, len(ids))
	for i, o := range ids {
		rows[i] = o.id
	}
	found, err := e.read(m, rows, wanted, classic)
	if err != nil {
		return nil, err
	}
	var out []dict
	at := 0
	for _, o := range ids {
		if e.row(m.name, o.id) == nil {
			continue
		}
		d := found[at]
		at++
		d = dict{slices.Clone(d.keys), slices.Clone(d.vals)}
		d.put("id", o.wire())
		if !o.start.IsZero() {
			e.shift(m, o, &d)
		}
		e.hidePrivate(m, o.id, &d)
		for _, name := range extra {
			if i := slices.Index(d.keys, name); asked && i >= 0 && !slices.Contains(names, name) {
				d.keys, d.vals = slices.Delete(d.keys, i, i+1), slices.Delete(d.vals, i, i+1)
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// put sets a member, at the end if it is new.
func (r *dict) put(key string, v any) {
	if i := slices.Index(r.keys, key); i >= 0 {
		r.vals[i] = v
		return
	}
	r.keys, r.vals = append(r.keys, key), append(r.vals, v)
}

// shift puts an occurrence's times in the place of the event's, asked for or not.
func (e *env) shift(m *model, o occurrence, d *dict) {
	r := e.row(m.name, o.id)
	hours, _ := r.at(m.field("duration")).(float64)
	if hours <= 0 {
		hours = 1
	}
	start, stop := o.start.Format(time.DateTime), o.start.Add(time.Duration(hours*float64(time.Hour))).Format(time.DateTime)
	d.put("start", start)
	d.put("stop", stop)
	kind := "_datetime"
	if r.flag(m.field("allday")) {
		kind = "_date"
	}
	d.put("start"+kind, start)
	d.put("stop"+kind, stop)
}

var publicEventFields = []string{
	"byday", "recurrency", "final_date", "rrule_type", "month_by", "interval", "count", "end_type", "mo", "tu", "we", "th", "fr", "sa", "su", "day", "week_list",
	"id", "allday", "start", "stop", "display_start", "display_stop", "duration", "user_id", "state", "recurrent_id_date", "rrule",
}

// hidePrivate blanks what others may not see of a private event. Whoever is invited sees all only if partner_ids is among the fields.
func (e *env) hidePrivate(m *model, id int64, d *dict) {
	r := e.row(m.name, id)
	i := slices.Index(d.keys, "partner_ids")
	own := e.refOf("res.users", e.uid, "partner_id")
	if owner := r.ref(m.field("user_id")); owner != 0 {
		var invited []int64
		if i >= 0 {
			invited, _ = d.vals[i].([]int64)
		}
		if owner == e.uid || slices.Contains(invited, own) {
			return
		}
	}
	if r.str(m.field("privacy")) != "private" {
		return
	}
	for i, key := range d.keys {
		switch _, many := d.vals[i].([]int64); {
		case slices.Contains(publicEventFields, key):
		case key == "name":
			d.vals[i] = "Busy"
		case many:
			d.vals[i] = []int64{}
		default:
			d.vals[i] = false
		}
	}
}

// writeEvents writes rows; an occurrence whose time or existence is written becomes a row of its own, else the whole series changes.
func (c *call) writeEvents(ids []occurrence, vals values) error {
	for _, o := range ids {
		single := has(vals, "start", "stop", "active")
		if recurring, given := vals["recurrency"]; given && !truthy(recurring) {
			single = false
		}
		if o.start.IsZero() || !single {
			if err := c.e.write(c.m, []int64{o.id}, vals); err != nil {
				return err
			}
			continue
		}
		if r := c.e.row(c.m.name, o.id); r != nil && recurrenceOf(c.m, r) != nil {
			if _, err := c.detachEvent(o, vals); err != nil {
				return err
			}
		}
	}
	return nil
}

// detachEvent makes a row of an occurrence. Its start_datetime and stop_datetime come from the occurrence, so a new time has to be given in these.
func (c *call) detachEvent(o occurrence, vals values) (any, error) {
	rows, err := c.e.readEvents(c.m, []occurrence{o}, []string{"allday", "start", "stop", "rrule", "duration"}, false)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	data := rows[0].plain()
	delete(data, "id")
	start := data["start"]
	for k, v := range vals {
		data[k] = v
	}
	for k, v := range (values{
		"recurrent_id": o.id, "recurrent_id_date": start, "rrule_type": false, "recurrency": false, "final_date": false, "end_type": false,
	}) {
		data[k] = v
	}
	delete(data, "rrule")
	return copyMethod(&call{e: c.e, m: c.m, ids: []int64{o.id}, args: values{"default": data}})
}

// unlinkEvents deletes events; an occurrence, and a row that was one, is archived so that it does not come back.
func (c *call) unlinkEvents(ids []occurrence) error {
	var gone []int64
	for _, o := range ids {
		r := c.e.row(c.m.name, o.id)
		if r == nil {
			gone = append(gone, o.id)
			continue
		}
		if master, _ := r.at(c.m.field("recurrent_id")).(int64); o.start.IsZero() && master == 0 {
			gone = append(gone, o.id)
			continue
		}
		if err := c.writeEvents([]occurrence{o}, values{"active": false}); err != nil {
			return err
		}
	}
	return c.e.unlink(c.m, gone)
}
