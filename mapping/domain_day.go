package mapping

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dayFromToday stands in a domain for a day that depends on when it is searched: {{ today() + 3 }}.
type dayFromToday struct {
	days int
	// Of a datetime, which Odoo keeps in UTC, its first second is meant, or its last one where it is to be included whole (or left out
	// whole): "<= {{ today() }}" is all until the evening, as Odoo itself has it of dates.
	clock, last bool
}

var dayForm = regexp.MustCompile(`^\{\{\s*today\(\)\s*(?:([+-])\s*(\d{1,4})\s*)?\}\}$`)

// readDay recognises such a day.
func readDay(text string) (dayFromToday, bool) {
	parts := dayForm.FindStringSubmatch(text)
	if parts == nil {
		return dayFromToday{}, false
	}
	n, _ := strconv.Atoi(parts[2]) // "" is none
	if parts[1] == "-" {
		n = -n
	}
	return dayFromToday{days: n}, true
}

// days puts days in the place of the texts that mean them, in the value of a term: of a field of this type, after this operator. It
// reports false when a text has braces and means nothing.
func days(value any, fieldType, op string) (any, bool) {
	switch v := value.(type) {
	case string:
		day, meant := readDay(v)
		if !meant {
			return v, !strings.Contains(v, "{{")
		}
		day.clock = fieldType == "datetime"
		day.last = op == "<=" || op == ">"
		return day, true
	case []any:
		all := true
		for i, item := range v {
			var ok bool
			v[i], ok = days(item, fieldType, op)
			all = all && ok
		}
		return v, all
	}
	return value, true
}

// at is the day as Odoo wants it, where today is this time in the zone of the people.
func (d dayFromToday) at(today time.Time) string {
	day := time.Date(today.Year(), today.Month(), today.Day()+d.days, 0, 0, 0, 0, today.Location())
	switch {
	case !d.clock:
		return time.Date(today.Year(), today.Month(), today.Day()+d.days, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	case d.last:
		day = time.Date(today.Year(), today.Month(), today.Day()+d.days, 23, 59, 59, 0, today.Location())
	}
	return day.UTC().Format(time.DateTime)
}

// DomainAt is the mapping's domain with the days it means at the time, in the zone; nil when there is none.
func (m *Mapping) DomainAt(now time.Time, zone *time.Location) []any {
	return onDay(m.Domain, now.In(zone))
}

func onDay(list []any, today time.Time) []any {
	if !dated(list) {
		return list
	}
	out := slices.Clone(list)
	for i, item := range out {
		switch v := item.(type) {
		case []any:
			out[i] = onDay(v, today)
		case dayFromToday:
			out[i] = v.at(today)
		}
	}
	return out
}

// dated reports whether the domain means days.
func dated(list []any) bool {
	return slices.ContainsFunc(list, func(item any) bool {
		inner, list := item.([]any)
		_, day := item.(dayFromToday)
		return day || list && dated(inner)
	})
}
