package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of a recurrence (创建日程).
const (
	maxInterval    = 365
	maxOccurrences = 99
)

var (
	weekdays   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	weekIndex  = []string{"first", "second", "third", "fourth", "last"}
	recurTypes = []string{"daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly"}
)

// Recurrence is the rule by which a calendar event comes again. The first occurrence is the event itself.
type Recurrence struct {
	Type           string   // daily, weekly, absoluteMonthly, relativeMonthly, absoluteYearly
	Interval       int      // every so many days, weeks, months or years: 1 to 365
	DaysOfWeek     []string // sunday … saturday; of weekly and relativeMonthly
	DayOfMonth     int      // 1 to 31; of absoluteMonthly and absoluteYearly
	Index          string   // which of those weekdays: first, second, third, fourth, last; of relativeMonthly
	FirstDayOfWeek string   // of weekly; "" is sunday
	// It ends with Until (the last instant an occurrence may begin), after Count occurrences (1 to 99), or never.
	Until time.Time
	Count int
}

// RecurrenceOf reads a rule in the form of the wire, {pattern, range}, as the field recurrence holds it. It fails on a rule that Check
// refuses.
func RecurrenceOf(v any) (Recurrence, error) {
	if s, ok := v.(string); ok {
		v = jsonText(s)
	}
	whole, ok := v.(map[string]any)
	if !ok {
		return Recurrence{}, fmt.Errorf("dingtalk: a recurrence has a pattern and a range, got %T", v)
	}
	pattern, span := Object(whole).object("pattern"), Object(whole).object("range")
	small := func(o Object, name string) int {
		n, _ := o.Int(name)
		return int(max(min(n, 1<<30), -1))
	}
	r := Recurrence{
		Type: pattern.Text("type"), Interval: small(pattern, "interval"), DayOfMonth: small(pattern, "dayOfMonth"),
		Index: strings.ToLower(pattern.Text("index")), FirstDayOfWeek: strings.ToLower(pattern.Text("firstDayOfWeek")),
	}
	for _, day := range pattern.IDs("daysOfWeek") {
		r.DaysOfWeek = append(r.DaysOfWeek, strings.ToLower(day))
	}
	if pattern["interval"] == nil {
		r.Interval = 1
	}
	switch kind := span.Text("type"); kind {
	case "endDate":
		if r.Until = dayEnd(span["endDate"]); r.Until.IsZero() {
			return Recurrence{}, fmt.Errorf("dingtalk: a recurrence until %q", cut(span.Text("endDate"), 40))
		}
	case "numbered":
		if r.Count = small(span, "numberOfOccurrences"); r.Count == 0 {
			r.Count = -1
		}
	case "noEnd", "":
	default:
		return Recurrence{}, fmt.Errorf("dingtalk: a recurrence with the range %q", cut(kind, 40))
	}
	return r, r.Check()
}

// dayEnd reads an instant, or a plain date as its last second in China; the zero time if it is neither.
func dayEnd(v any) time.Time {
	if day, err := time.ParseInLocation(time.DateOnly, text(v), standardZone); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Second).UTC()
	}
	return instant(v)
}

// Check says what DingTalk would not take about the rule.
func (r Recurrence) Check() error {
	bad := func(format string, args ...any) error { return fmt.Errorf("dingtalk: a recurrence "+format, args...) }
	onDays := r.Type == "weekly" || r.Type == "relativeMonthly"
	onDate := r.Type == "absoluteMonthly" || r.Type == "absoluteYearly"
	for _, day := range r.DaysOfWeek {
		if !slices.Contains(weekdays, day) {
			return bad("on the day %q", cut(day, 40))
		}
	}
	switch {
	case !slices.Contains(recurTypes, r.Type):
		return bad("of the type %q", cut(r.Type, 40))
	case r.Interval < 1 || r.Interval > maxInterval:
		return bad("with the interval %d: 1 to %d are allowed", r.Interval, maxInterval)
	case r.Count < 0 || r.Count > maxOccurrences:
		return bad("of %d occurrences: 1 to %d are allowed", r.Count, maxOccurrences)
	case r.Count > 0 && !r.Until.IsZero():
		return bad("that ends by both a date and a number")
	case onDays && len(r.DaysOfWeek) == 0:
		return bad("%s without days of the week", r.Type)
	case onDate && (r.DayOfMonth < 1 || r.DayOfMonth > 31):
		return bad("%s on day %d of the month", r.Type, r.DayOfMonth)
	case r.Type == "relativeMonthly" && !slices.Contains(weekIndex, r.Index):
		return bad("on the %q weekday of a month", cut(r.Index, 40))
	case r.FirstDayOfWeek != "" && !slices.Contains(weekdays, r.FirstDayOfWeek):
		return bad("whose week begins on %q", cut(r.FirstDayOfWeek, 40))
	}
	return nil
}

// Object is the rule in the form of the wire, with nothing in it that its type does not use.
func (r Recurrence) Object() map[string]any {
	pattern := map[string]any{"type": r.Type, "interval": int64(r.Interval)}
	switch r.Type {
	case "weekly":
		pattern["daysOfWeek"] = strings.Join(r.days(), ",")
		pattern["firstDayOfWeek"] = or(r.FirstDayOfWeek, "sunday")
	case "relativeMonthly":
		pattern["daysOfWeek"], pattern["index"] = strings.Join(r.days(), ","), r.Index
	case "absoluteMonthly", "absoluteYearly":
		pattern["dayOfMonth"] = int64(r.DayOfMonth)
	}
	span := map[string]any{"type": "noEnd"}
	switch {
	case !r.Until.IsZero():
		span = map[string]any{"type": "endDate", "endDate": r.Until.In(standardZone).Format(time.RFC3339)}
	case r.Count > 0:
		span = map[string]any{"type": "numbered", "numberOfOccurrences": int64(r.Count)}
	}
	return map[string]any{"pattern": pattern, "range": span}
}

// days are the weekdays, each once, in the order of the week: one rule has one form.
func (r Recurrence) days() []string {
	days := slices.Clone(r.DaysOfWeek)
	slices.SortFunc(days, func(a, b string) int { return slices.Index(weekdays, a) - slices.Index(weekdays, b) })
	return slices.Compact(days)
}
