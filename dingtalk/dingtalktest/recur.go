package dingtalktest

import (
	"slices"
	"strings"
	"time"
)

// Recurrence is the rule by which an event comes again, in the words of the document 创建日程.
type Recurrence struct {
	Type           string // daily, weekly, absoluteMonthly, relativeMonthly, absoluteYearly
	Interval       int
	DaysOfWeek     []string // sunday … saturday
	DayOfMonth     int
	Index          string // first, second, third, fourth, last
	FirstDayOfWeek string // sunday when empty
	Until          time.Time
	Count          int
}

// occurrences bounds an expansion.
const occurrences = 5000

var (
	dayNames   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	indexNames = []string{"first", "second", "third", "fourth", "last"}
)

func (r *Recurrence) equal(o *Recurrence) bool {
	return r.Type == o.Type && r.Interval == o.Interval && slices.Equal(r.DaysOfWeek, o.DaysOfWeek) && r.DayOfMonth == o.DayOfMonth &&
		r.Index == o.Index && r.FirstDayOfWeek == o.FirstDayOfWeek && r.Until.Equal(o.Until) && r.Count == o.Count
}

func (r *Recurrence) valid() bool {
	days := len(r.DaysOfWeek) > 0
	for _, day := range r.DaysOfWeek {
		days = days && slices.Contains(dayNames, day)
	}
	if r.Interval < 1 || r.Interval > 365 || r.Count < 0 || r.Count > 99 || r.Count > 0 && !r.Until.IsZero() ||
		r.FirstDayOfWeek != "" && !slices.Contains(dayNames, r.FirstDayOfWeek) {
		return false
	}
	switch r.Type {
	case "daily":
		return true
	case "weekly":
		return days
	case "relativeMonthly":
		return days && slices.Contains(indexNames, r.Index)
	case "absoluteMonthly", "absoluteYearly":
		return r.DayOfMonth >= 1 && r.DayOfMonth <= 31
	}
	return false
}

// expand lists when the occurrences of a series begin, up to an instant, in the wall clock of start's zone.
func (r *Recurrence) expand(start, to time.Time) []time.Time {
	var out []time.Time
	for step := 0; step < occurrences; step++ {
		for _, at := range r.period(start, step) {
			switch {
			case at.Before(start):
				continue
			case at.After(to), !r.Until.IsZero() && at.After(r.Until), r.Count > 0 && len(out) >= r.Count, len(out) >= occurrences:
				return out
			}
			out = append(out, at)
		}
	}
	return out
}

// period lists the occurrences in the step-th day, week, month or year that the rule takes, in order. A month without the day has none.
func (r *Recurrence) period(start time.Time, step int) []time.Time {
	n := step * r.Interval
	y, m, d := start.Date()
	on := func(y int, m time.Month, d int) time.Time {
		return time.Date(y, m, d, start.Hour(), start.Minute(), start.Second(), 0, start.Location())
	}
	switch r.Type {
	case "daily":
		return []time.Time{on(y, m, d+n)}
	case "weekly":
		first := max(slices.Index(dayNames, r.FirstDayOfWeek), 0)
		since := (int(start.Weekday()) - first + 7) % 7
		var out []time.Time
		for i := range 7 {
			at := on(y, m, d-since+7*n+i)
			if slices.Contains(r.DaysOfWeek, strings.ToLower(at.Weekday().String())) {
				out = append(out, at)
			}
		}
		return out
	case "absoluteMonthly":
		return dayOf(on(y, m+time.Month(n), 1), r.DayOfMonth)
	case "absoluteYearly":
		return dayOf(on(y+n, m, 1), r.DayOfMonth)
	case "relativeMonthly":
		return r.weekdayOf(on(y, m+time.Month(n), 1))
	}
	return nil
}

func dayOf(first time.Time, day int) []time.Time {
	at := first.AddDate(0, 0, day-1)
	if at.Month() != first.Month() {
		return nil
	}
	return []time.Time{at}
}

// weekdayOf is the first, …, last of the rule's weekdays in the month.
func (r *Recurrence) weekdayOf(first time.Time) []time.Time {
	var days []time.Time
	for at := first; at.Month() == first.Month(); at = at.AddDate(0, 0, 1) {
		if slices.Contains(r.DaysOfWeek, strings.ToLower(at.Weekday().String())) {
			days = append(days, at)
		}
	}
	i := slices.Index(indexNames, r.Index)
	if r.Index == "last" {
		i = len(days) - 1
	}
	return days[i : i+1]
}

// readRecurrence reads a rule as the API takes it; ok is false when it makes no sense.
func readRecurrence(v any) (*Recurrence, bool) {
	whole, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	pattern, ok1 := params(whole).object("pattern")
	span, ok2 := params(whole).object("range")
	if !ok1 || !ok2 {
		return nil, false
	}
	p, q := params(pattern), params(span)
	number := func(p params, key string) int { n, _ := p.number(key); return int(n) }
	r := &Recurrence{
		Type: p.text("type"), Interval: number(p, "interval"), DayOfMonth: number(p, "dayOfMonth"), Index: p.text("index"),
		FirstDayOfWeek: p.text("firstDayOfWeek"), DaysOfWeek: p.texts("daysOfWeek"),
	}
	if _, isText := p["daysOfWeek"].(string); p.has("daysOfWeek") && !isText { // one text, joined by commas
		return nil, false
	}
	switch q.text("type") {
	case "noEnd":
	case "numbered":
		if r.Count = number(q, "numberOfOccurrences"); r.Count < 1 {
			return nil, false
		}
	case "endDate":
		at, err := time.Parse(time.RFC3339, q.text("endDate"))
		if err != nil {
			return nil, false
		}
		r.Until = at.UTC()
	default:
		return nil, false
	}
	return r, r.valid()
}

func (r *Recurrence) show() map[string]any {
	pattern := map[string]any{"type": r.Type, "interval": r.Interval}
	for key, value := range map[string]string{
		"daysOfWeek": strings.Join(r.DaysOfWeek, ","), "index": r.Index, "firstDayOfWeek": r.FirstDayOfWeek,
	} {
		if value != "" {
			pattern[key] = value
		}
	}
	if r.DayOfMonth > 0 {
		pattern["dayOfMonth"] = r.DayOfMonth
	}
	span := map[string]any{"type": "noEnd"}
	if r.Count > 0 {
		span = map[string]any{"type": "numbered", "numberOfOccurrences": r.Count}
	} else if !r.Until.IsZero() {
		span = map[string]any{"type": "endDate", "endDate": r.Until.In(china).Format(time.RFC3339)}
	}
	return map[string]any{"pattern": pattern, "range": span}
}
