package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recurrenceConverter joins the rule of an Odoo series with the recurrence of a DingTalk event. The canonical value is the rule as RFC 5545
// writes it, in one form: "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,WE;COUNT=10".
//
// Odoo knows days, weeks on weekdays, months by their day or by the first to fifth or last weekday, and years, and a series ends
// (addons/calendar: _rrule_serialize). DingTalk knows the same, but no fifth weekday, at most every 365th and 99 times; it also knows
// series without end and months on several weekdays (创建日程). What one side cannot express is an error when it is written there.
type recurrenceConverter struct{}

func newRecurrenceConverter(p pair) (Converter, string) {
	return recurrenceConverter{}, p.fits("recurrence", []string{"boolean"}, []string{typeJSON})
}

func (recurrenceConverter) Name() string { return "recurrence" }

func (recurrenceConverter) makesTheRecord() {}
func (recurrenceConverter) writesEmpty()    {}

func (recurrenceConverter) parts(side Side) []string {
	if side == Odoo {
		return append([]string{
			"recurrency", "rrule_type", "interval", "end_type", "count", "final_date", "month_by", "day", "byday", "week_list", "allday", "start",
		}, odooDays...)
	}
	return []string{"recurrence", "start", "startDate", "timeZone"}
}

var (
	rruleDays  = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	odooDays   = []string{"mo", "tu", "we", "th", "fr", "sa", "su"}
	dingDays   = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	dingNth    = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
	dingFreqs  = map[string]string{"daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY", "relativeMonthly": "MONTHLY", "absoluteYearly": "YEARLY"}
	nthNames   = map[int]string{1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
	rruleBasic = "20060102"
)

// Limits of a recurrence in DingTalk (创建日程).
const (
	mostInterval    = 365
	mostOccurrences = 99
)

func (c recurrenceConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == Odoo {
		return c.readOdoo(raw, env)
	}
	return c.readDing(raw, env)
}

func (recurrenceConverter) readOdoo(raw any, env Env) (Value, error) {
	recurs, ok := raw.(bool)
	if !ok {
		return UnknownValue, unexpected(raw, "true or false")
	}
	if !recurs {
		return EmptyValue, nil
	}
	start, ok := localStart(Odoo, env)
	if !ok {
		return UnknownValue, nil
	}
	rec := env.Record
	text := func(name string) string { s, _ := rec[name].(string); return s }
	number := func(name string) int { n, _ := plainInt(rec[name]); return int(n) }
	r := rule{freq: strings.ToUpper(text("rrule_type")), interval: max(number("interval"), 1)}
	switch r.freq {
	case "DAILY":
	case "WEEKLY":
		for i, name := range odooDays {
			if on, _ := rec[name].(bool); on {
				r.days = append(r.days, rruleDays[i])
			}
		}
		if len(r.days) == 0 {
			r.days = []string{rruleDays[(int(start.Weekday())+6)%7]}
		}
	case "MONTHLY":
		nth, _ := strconv.Atoi(text("byday"))
		switch day := text("week_list"); {
		case text("month_by") == "day" && nth != 0 && slices.Contains(rruleDays, day):
			r.nth, r.days = nth, []string{day}
		case text("month_by") == "date":
			r.monthDay = number("day")
		default:
			r.monthDay = start.Day() // what the rule leaves open is that of the first meeting
		}
	case "YEARLY":
		r.monthDay = start.Day()
	default:
		return UnknownValue, unexpected(rec["rrule_type"], "a kind of recurrence")
	}
	switch text("end_type") {
	case "end_date":
		day, err := dayOf(rec["final_date"])
		if err != nil {
			return UnknownValue, fmt.Errorf("the last day of the series: %w", err)
		}
		r.until = day.Format(rruleBasic)
	default:
		r.count = number("count")
	}
	return Text(r.String()), nil
}

// localStart is when a record of the side begins, in the zone in which its days are counted.
func localStart(side Side, env Env) (time.Time, bool) {
	zone := env.zone()
	if side == Odoo {
		text, _ := env.Record["start"].(string)
		at, err := time.Parse(odooDatetime, text)
		if allDay, read := env.Record["allday"].(bool); err != nil || !read || allDay {
			return at, err == nil && read
		}
		return at.In(zone), true
	}
	if day, err := dayOf(env.Record["startDate"]); err == nil {
		return day, true
	}
	ms, ok := plainInt(env.Record["start"])
	return time.UnixMilli(ms).In(eventZone(env)), ok && plausible(ms)
}

// eventZone is the zone of an event in DingTalk.
func eventZone(env Env) *time.Location {
	if name, _ := env.Record["timeZone"].(string); name != "" && name != "Local" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return env.zone()
}

func (recurrenceConverter) readDing(raw any, env Env) (Value, error) {
	whole, _ := raw.(map[string]any)
	pattern, _ := whole["pattern"].(map[string]any)
	span, _ := whole["range"].(map[string]any)
	kind, _ := pattern["type"].(string)
	r := rule{freq: dingFreqs[kind], interval: 1}
	if r.freq == "" {
		return UnknownValue, unexpected(raw, "a recurrence that DingTalk's documents know")
	}
	start, ok := localStart(DingTalk, env)
	if !ok {
		return UnknownValue, nil
	}
	if pattern["interval"] != nil {
		n, _ := plainInt(pattern["interval"])
		r.interval = int(n)
	}
	names, _ := pattern["daysOfWeek"].(string)
	for name := range strings.SplitSeq(names, ",") {
		if i := slices.Index(dingDays, strings.ToLower(strings.TrimSpace(name))); i >= 0 {
			r.days = append(r.days, rruleDays[i])
		}
	}
	day, _ := plainInt(pattern["dayOfMonth"])
	index, _ := pattern["index"].(string)
	first, _ := pattern["firstDayOfWeek"].(string)
	switch kind {
	case "daily":
		r.days = nil
	case "weekly":
		r.wkst = beginOfWeek(r, first)
	case "relativeMonthly":
		r.nth = dingNth[strings.ToLower(index)]
	default:
		r.days, r.monthDay = nil, int(day)
	}
	if kind == "absoluteYearly" && r.monthDay != start.Day() {
		return UnknownValue, fmt.Errorf("it comes every year on day %d of the month, but begins on day %d", r.monthDay, start.Day())
	}
	if err := r.end(span, eventZone(env)); err != nil {
		return UnknownValue, err
	}
	if here, ok := sameDays(start, env); !ok {
		return UnknownValue, fmt.Errorf("its days are those of %s, where it is another day than in %s", start.Location(), here)
	}
	return Text(r.String()), nil
}

// sameDays says whether an event begins on the same day in its zone as in that of the others: Odoo counts the days of all series there.
func sameDays(start time.Time, env Env) (here string, ok bool) {
	if _, err := dayOf(env.Record["startDate"]); err == nil {
		return "", true
	}
	return env.zone().String(), start.In(env.zone()).Day() == start.Day()
}

// end reads the range of a DingTalk recurrence.
func (r *rule) end(span map[string]any, zone *time.Location) error {
	switch kind, _ := span["type"].(string); kind {
	case "numbered":
		n, _ := plainInt(span["numberOfOccurrences"])
		r.count = int(n)
	case "endDate":
		text, _ := span["endDate"].(string)
		if day, err := time.Parse(odooDate, text); err == nil {
			r.until = day.Format(rruleBasic)
			return nil
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return unexpected(text, "the end of a recurrence")
		}
		r.until = at.In(zone).Format(rruleBasic)
	case "noEnd", "":
	default:
		return unexpected(kind, "a range that DingTalk's documents know")
	}
	return nil
}

// beginOfWeek is the day on which the weeks of a rule begin, "" where it makes no difference to a week that begins on Monday, as Odoo's
// do: only every second or rarer week, and only where days of both parts of the week are chosen.
func beginOfWeek(r rule, first string) string {
	begin := slices.Index(dingDays, strings.ToLower(first))
	if begin < 0 {
		begin = len(dingDays) - 1 // sunday (创建日程)
	}
	before := 0
	for _, day := range r.days {
		if slices.Index(rruleDays, day) < begin {
			before++
		}
	}
	if r.interval <= 1 || before == 0 || before == len(r.days) || begin == 0 {
		return ""
	}
	return rruleDays[begin]
}

func (recurrenceConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	if v.IsEmpty() {
		if side == Odoo {
			return Parts{"recurrency": false}, nil
		}
		return nil, nil
	}
	r, err := parseRule(v.Text)
	if err != nil {
		return nil, err
	}
	if side == Odoo {
		return r.odoo(env)
	}
	return r.ding(env)
}

// ding is the rule as DingTalk takes it.
func (r rule) ding(env Env) (any, error) {
	if r.interval > mostInterval {
		return nil, fmt.Errorf("DingTalk repeats at most every %dth time, not every %dth", mostInterval, r.interval)
	}
	if r.count > mostOccurrences {
		return nil, fmt.Errorf("DingTalk repeats at most %d times, not %d; a last day has no such limit", mostOccurrences, r.count)
	}
	pattern := map[string]any{"interval": int64(r.interval)}
	names := make([]string, len(r.days))
	for i, day := range r.days {
		names[i] = dingDays[slices.Index(rruleDays, day)]
	}
	switch {
	case r.freq == "DAILY":
		pattern["type"] = "daily"
	case r.freq == "WEEKLY":
		pattern["type"], pattern["daysOfWeek"], pattern["firstDayOfWeek"] = "weekly", strings.Join(names, ","), "monday"
	case r.freq == "MONTHLY" && r.nth > 4:
		return nil, fmt.Errorf("DingTalk has no series on the %s weekday of a month", nthNames[r.nth])
	case r.freq == "MONTHLY" && r.nth != 0:
		pattern["type"], pattern["daysOfWeek"], pattern["index"] = "relativeMonthly", strings.Join(names, ","), nthNames[r.nth]
	case r.freq == "MONTHLY":
		pattern["type"], pattern["dayOfMonth"] = "absoluteMonthly", int64(r.monthDay)
	default:
		pattern["type"], pattern["dayOfMonth"] = "absoluteYearly", int64(r.monthDay)
	}
	span := map[string]any{"type": "noEnd"}
	switch {
	case r.until != "":
		day, err := time.Parse(rruleBasic, r.until)
		if err != nil {
			return nil, unexpected(r.until, "the last day of a series")
		}
		span = map[string]any{"type": "endDate", "endDate": midnight(day.AddDate(0, 0, 1), eventZone(env)).Add(-time.Second).Format(time.RFC3339)}
	case r.count > 0:
		span = map[string]any{"type": "numbered", "numberOfOccurrences": int64(r.count)}
	}
	return map[string]any{"pattern": pattern, "range": span}, nil
}

// odoo is the rule as the fields of a meeting.
func (r rule) odoo(env Env) (any, error) {
	out := Parts{
		"recurrency": true, "rrule_type": strings.ToLower(r.freq), "interval": int64(r.interval), "end_type": "count", "count": int64(r.count),
	}
	switch {
	case r.until != "":
		day, err := time.Parse(rruleBasic, r.until)
		if err != nil {
			return nil, unexpected(r.until, "the last day of a series")
		}
		out["end_type"], out["final_date"] = "end_date", day.Format(odooDate)
		delete(out, "count")
	case r.count <= 0:
		return nil, fmt.Errorf("it never ends, and a series in Odoo has an end")
	}
	if r.wkst != "" {
		return nil, fmt.Errorf("its weeks begin on %s, and those of Odoo's series on MO", r.wkst)
	}
	for i, name := range odooDays {
		if on := r.freq == "WEEKLY" && slices.Contains(r.days, rruleDays[i]); on || env.Record != nil {
			out[name] = on
		}
	}
	switch {
	case r.freq != "MONTHLY":
	case r.nth != 0 && len(r.days) > 1:
		return nil, fmt.Errorf("it comes on several weekdays of a month, and a series in Odoo on one")
	case r.nth != 0:
		out["month_by"], out["byday"], out["week_list"] = "day", strconv.Itoa(r.nth), r.days[0]
	default:
		out["month_by"], out["day"] = "date", int64(r.monthDay)
	}
	return out, nil
}
