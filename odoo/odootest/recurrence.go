package odootest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var weekdayFields = []string{"mo", "tu", "we", "th", "fr", "sa", "su"}

// recurrence is how an event repeats: the fields of calendar.event that make up its rrule.
type recurrence struct {
	freq            string // daily, weekly, monthly, yearly
	interval, count int64
	until           string          // date, "" for none
	days            [7]bool         // weekly: Monday first
	nth             int64           // monthly: the nth or, -1, the last
	weekday         int             // of this weekday, Monday 0
	monthday        int64           // monthly, if nth is 0
	end             string          // count, end_date
	excluded        map[string]bool // local starts that are rows of their own
}

// recurrenceOf reads an event's rule; nil when it does not repeat.
func recurrenceOf(m *model, r *row) *recurrence {
	number := func(name string) int64 { n, _ := r.at(m.field(name)).(int64); return n }
	c := &recurrence{
		freq: r.str(m.field("rrule_type")), interval: number("interval"), count: number("count"), until: r.str(m.field("final_date")),
		end: r.str(m.field("end_type")), excluded: map[string]bool{},
	}
	if !r.flag(m.field("recurrency")) || c.freq == "" {
		return nil
	}
	for i, name := range weekdayFields {
		c.days[i] = r.flag(m.field(name))
	}
	byday, list := r.str(m.field("byday")), r.str(m.field("week_list"))
	switch {
	case r.str(m.field("month_by")) == "date":
		c.monthday = number("day")
	case byday != "" && list != "":
		c.nth, _ = strconv.ParseInt(byday, 10, 64)
		c.weekday = slices.Index(weekdayFields, strings.ToLower(list))
	}
	return c
}

// text is _rrule_serialize.
func (c *recurrence) text() (string, error) {
	if c == nil {
		return "", nil
	}
	if c.interval < 0 {
		return "", userFault("interval cannot be negative.")
	}
	if c.count < 0 {
		return "", userFault("Event recurrence interval cannot be negative.")
	}
	var b strings.Builder
	b.WriteString("FREQ=" + strings.ToUpper(c.freq))
	if days := c.weekdays(); c.freq == "weekly" && len(days) > 0 {
		b.WriteString(";BYDAY=" + strings.Join(days, ","))
	}
	if c.interval != 0 {
		fmt.Fprintf(&b, ";INTERVAL=%d", c.interval)
	}
	switch {
	case c.end == "count":
		fmt.Fprintf(&b, ";COUNT=%d", c.count)
	case c.end == "end_date" && c.until != "":
		b.WriteString(";UNTIL=" + strings.ReplaceAll(c.until, "-", "") + "T235959Z")
	}
	if c.freq == "monthly" {
		switch {
		case c.nth != 0:
			fmt.Fprintf(&b, ";BYDAY=%d%s", c.nth, strings.ToUpper(weekdayFields[c.weekday]))
		case c.monthday < 1 || c.monthday > 31:
			return "", userFault("Please select a proper day of the month.")
		default:
			fmt.Fprintf(&b, ";BYMONTHDAY=%d", c.monthday)
		}
	}
	return b.String(), nil
}

func (c *recurrence) weekdays() (out []string) {
	for i, on := range c.days {
		if on {
			out = append(out, strings.ToUpper(weekdayFields[i]))
		}
	}
	return out
}

// mostOccurrences bounds a rule without an end, which only a row written by hand can have.
const mostOccurrences = 10000

// starts are the local starts of an event that begins at start, the exceptions left out: as dateutil's rrule counts them.
func (c *recurrence) starts(start time.Time) []time.Time {
	var out []time.Time
	counted := int64(0)
	interval := int(max(c.interval, 1))
	for n := 0; n < mostOccurrences && len(out) < mostOccurrences; n++ {
		for _, t := range c.period(start, n*interval) {
			if c.end == "count" && counted >= c.count || c.end == "end_date" && c.until != "" && t.Format(time.DateOnly) > c.until {
				return out
			}
			if t.Before(start) {
				continue
			}
			counted++
			if !c.excluded[t.Format(time.DateTime)] {
				out = append(out, t)
			}
		}
		if c.end == "count" && counted >= c.count {
			break
		}
	}
	return out
}

// period is what falls into the nth day, week, month or year.
func (c *recurrence) period(start time.Time, n int) []time.Time {
	at := func(y int, m time.Month, d int) time.Time {
		return time.Date(y, m, d, start.Hour(), start.Minute(), start.Second(), 0, time.UTC)
	}
	switch c.freq {
	case "daily":
		return []time.Time{start.AddDate(0, 0, n)}
	case "weekly":
		today := (int(start.Weekday()) + 6) % 7
		if len(c.weekdays()) == 0 {
			return []time.Time{start.AddDate(0, 0, 7*n)}
		}
		var out []time.Time
		for i, on := range c.days {
			if on {
				out = append(out, start.AddDate(0, 0, 7*n+i-today))
			}
		}
		return out
	case "monthly":
		first := at(start.Year(), start.Month()+time.Month(n), 1)
		last := first.AddDate(0, 1, -1)
		day := int(c.monthday)
		switch {
		case c.nth > 0:
			day = 1 + (c.weekday-(int(first.Weekday())+6)%7+7)%7 + 7*int(c.nth-1)
		case c.nth < 0:
			day = last.Day() - ((int(last.Weekday())+6)%7-c.weekday+7)%7 + 7*int(c.nth+1)
		case day == 0:
			day = start.Day()
		}
		if day < 1 || day > last.Day() {
			return nil
		}
		return []time.Time{at(first.Year(), first.Month(), day)}
	case "yearly":
		if t := at(start.Year()+n, start.Month(), start.Day()); t.Day() == start.Day() {
			return []time.Time{t}
		}
	}
	return nil
}

// finalDate is what Odoo stores as the end of a counted rule: generously late.
func (c *recurrence) finalDate(stop time.Time) any {
	n := int((c.count + 1) * c.interval)
	switch c.freq {
	case "daily":
		stop = stop.AddDate(0, 0, n)
	case "weekly":
		stop = stop.AddDate(0, 0, 7*n)
	case "monthly":
		stop = stop.AddDate(0, n, 0)
	case "yearly":
		stop = stop.AddDate(n, 0, 0)
	}
	return stop.Format(time.DateOnly)
}

// parseRule turns a written rrule into the fields it stands for; a rule without an end gets 100 occurrences.
func parseRule(text string) values {
	vals := values{
		"recurrency": true, "interval": int64(1), "count": int64(1), "end_type": "count", "month_by": "date", "byday": false, "week_list": false,
		"rrule_type": false, "final_date": false,
	}
	for _, d := range weekdayFields {
		vals[d] = false
	}
	if !strings.Contains(text, "UNTIL") && !strings.Contains(text, "COUNT") {
		text += ";COUNT=100"
	}
	for part := range strings.SplitSeq(text, ";") {
		key, v, _ := strings.Cut(part, "=")
		n, _ := strconv.ParseInt(v, 10, 64)
		switch key {
		case "FREQ":
			vals["rrule_type"] = strings.ToLower(v)
		case "INTERVAL":
			vals["interval"] = n
		case "COUNT":
			vals["count"], vals["end_type"] = n, "count"
		case "UNTIL":
			if len(v) >= 8 {
				vals["final_date"], vals["end_type"], vals["count"] = v[:4]+"-"+v[4:6]+"-"+v[6:8], "end_date", int64(0)
			}
		case "BYMONTHDAY":
			vals["month_by"], vals["day"] = "date", n
		case "BYDAY":
			for day := range strings.SplitSeq(v, ",") {
				if len(day) > 2 {
					vals["month_by"], vals["byday"], vals["week_list"] = "day", day[:len(day)-2], day[len(day)-2:]
				} else {
					vals[strings.ToLower(day)] = true
				}
			}
		}
	}
	return vals
}
