package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rule is a rule of recurrence.
type rule struct {
	freq     string // DAILY, WEEKLY, MONTHLY, YEARLY
	interval int
	days     []string // MO … SU; of a month with nth
	nth      int      // which of those weekdays of the month: 1 to 5, -1 the last; 0 none
	monthDay int      // of a month, of a year
	wkst     string   // on which day a week begins, where that makes a difference; "" is MO
	count    int
	until    string // 20261231: the last day
}

// parseRule reads a canonical rule.
func parseRule(text string) (rule, error) {
	r := rule{interval: 1}
	var err error
	number := func(s string) int {
		n, bad := strconv.Atoi(s)
		if bad != nil && err == nil {
			err = unexpected(text, "a rule of recurrence")
		}
		return n
	}
	for part := range strings.SplitSeq(text, ";") {
		key, v, _ := strings.Cut(part, "=")
		switch key {
		case "FREQ":
			r.freq = v
		case "INTERVAL":
			r.interval = number(v)
		case "COUNT":
			r.count = number(v)
		case "UNTIL":
			r.until = v[:min(len(v), len(rruleBasic))]
		case "BYMONTHDAY":
			r.monthDay = number(v)
		case "BYDAY":
			for day := range strings.SplitSeq(v, ",") {
				cut := max(len(day)-2, 0)
				if cut > 0 {
					r.nth = number(day[:cut])
				}
				r.days = append(r.days, day[cut:])
			}
		case "WKST":
			if v != "MO" {
				r.wkst = v
			}
		default:
			return r, fmt.Errorf("the rule %q has %s, which the bridge does not know", shorten(text, 60), shorten(key, 20))
		}
	}
	if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, r.freq) || r.interval < 1 ||
		slices.ContainsFunc(r.days, func(day string) bool { return !slices.Contains(rruleDays, day) }) {
		return r, unexpected(text, "a rule of recurrence")
	}
	return r, err
}

// String is the rule in its one form.
func (r rule) String() string {
	parts := []string{"FREQ=" + r.freq, "INTERVAL=" + strconv.Itoa(r.interval)}
	if len(r.days) > 0 {
		days := slices.Clone(r.days)
		slices.SortFunc(days, func(a, b string) int { return slices.Index(rruleDays, a) - slices.Index(rruleDays, b) })
		days = slices.Compact(days)
		if r.nth != 0 {
			for i := range days {
				days[i] = strconv.Itoa(r.nth) + days[i]
			}
		}
		parts = append(parts, "BYDAY="+strings.Join(days, ","))
	}
	if r.monthDay != 0 {
		parts = append(parts, "BYMONTHDAY="+strconv.Itoa(r.monthDay))
	}
	if r.wkst != "" {
		parts = append(parts, "WKST="+r.wkst)
	}
	if r.count > 0 {
		parts = append(parts, "COUNT="+strconv.Itoa(r.count))
	}
	if r.until != "" {
		parts = append(parts, "UNTIL="+r.until)
	}
	return strings.Join(parts, ";")
}
