package odootest

import (
	"slices"
	"strings"
	"time"
)

// searchEvents is _search: rows, and for repeating events the occurrences the domain allows.
func (c *call) searchEvents(name string) ([]any, error) {
	domain, err := c.domainArg(name)
	if err != nil {
		return nil, err
	}
	virtual := true
	if v, given := c.e.context["virtual_id"]; given {
		virtual = truthy(v)
	}
	order, _ := c.arg("order").(string)
	offset, limit := c.intArg("offset"), c.intArg("limit")
	if !virtual {
		ids, err := c.e.search(c.m, widened(domain, false), searchOptions{order: order, offset: offset, limit: limit})
		return idList(ids), err
	}
	ids, err := c.e.search(c.m, widened(domain, true), searchOptions{})
	if err != nil {
		return nil, err
	}
	var found []occurrence
	for _, id := range ids {
		r := c.e.row(c.m.name, id)
		if recurrenceOf(c.m, r) == nil {
			found = append(found, occurrence{id: id})
			continue
		}
		test, err := c.e.occurrenceTest(c.m, r, domain)
		if err != nil {
			return nil, err
		}
		for _, start := range c.e.occurrencesOf(c.m, r) {
			if test(start) {
				found = append(found, occurrence{id: id, start: start})
			}
		}
	}
	c.e.sortOccurrences(c.m, found, order)
	out := make([]any, len(found))
	for i, o := range found {
		out[i] = o.wire()
	}
	if limit > 0 { // without a limit the offset is not looked at
		out = out[min(offset, int64(len(out))):]
		out = out[:min(limit, int64(len(out)))]
	}
	return out, nil
}

// widened is the domain for the rows: a repeating event counts as long as it has not come to its final date, and ids are those of rows.
func widened(domain []any, virtual bool) []any {
	fields := map[any]bool{}
	for _, t := range domain {
		if l, ok := t.([]any); ok && len(l) == 3 {
			fields[l[0]] = true
		}
	}
	byStart := fields["start"] && !fields["stop"] && !fields["final_date"]
	var out []any
	for _, t := range domain {
		l, ok := t.([]any)
		if !ok || len(l) != 3 {
			out = append(out, t)
			continue
		}
		name, _ := l[0].(string)
		stop := slices.Contains([]string{"stop", "stop_date", "stop_datetime"}, name) && l[1] == ">="
		start := byStart && slices.Contains([]string{"start", "start_date", "start_datetime"}, name)
		if virtual && (stop || start) {
			date := pyStr(l[2])
			out = append(out, "|", "&", []any{"recurrency", "=", true}, []any{"final_date", l[1], date[:min(len(date), len(time.DateOnly))]})
		}
		if name == "id" {
			l = []any{l[0], l[1], realIDs(l[2])}
		}
		out = append(out, l)
	}
	return out
}

// occurrenceTest is the domain over the occurrences of one event: start, stop and final_date are theirs, all else is the event's.
func (e *env) occurrenceTest(m *model, r *row, domain []any) (func(start time.Time) bool, error) {
	begin, _ := r.at(m.field("start")).(stamp)
	end, _ := r.at(m.field("stop")).(stamp)
	length := end.Time().Sub(begin.Time())
	var terms []func(time.Time) bool // in the order of the domain; nil is an operator
	var operators []any
	for _, t := range domain {
		l, ok := t.([]any)
		if !ok || len(l) != 3 {
			if t != "&" && t != "|" {
				return nil, rawFault("AssertionError: This domain is syntactically not correct: " + pyRepr([]any{t}))
			}
			terms, operators = append(terms, nil), append(operators, t)
			continue
		}
		operators = append(operators, nil)
		if l[0] == "start" || l[0] == "stop" || l[0] == "final_date" {
			late := length
			if l[0] == "start" {
				late = 0
			}
			terms = append(terms, func(start time.Time) bool { return compareTexts(start.Add(late), pyStr(l[1]), pyStr(l[2])) })
			continue
		}
		q, err := e.compile(m, []any{[]any{l[0], l[1], realIDs(l[2])}})
		if err != nil {
			return nil, err
		}
		fits := q.match(r)
		terms = append(terms, func(time.Time) bool { return fits })
	}
	return func(start time.Time) bool {
		var pile []bool
		for i := len(terms) - 1; i >= 0; i-- {
			n := len(pile)
			switch {
			case terms[i] != nil:
				pile = append(pile, terms[i](start))
			case n > 1 && operators[i] == "&":
				pile = append(pile[:n-2], pile[n-1] && pile[n-2])
			case n > 1 && operators[i] == "|":
				pile = append(pile[:n-2], pile[n-1] || pile[n-2])
			}
		}
		return !slices.Contains(pile, false)
	}, nil
}

func compareTexts(t time.Time, op, right string) bool {
	left := t.Format(time.DateOnly)
	if len(right) > len(left) {
		left = t.Format(time.DateTime)
	}
	switch c := strings.Compare(left, right); op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return true
}

// sortOccurrences sorts rows and occurrences as one: by id means by row and start.
func (e *env) sortOccurrences(m *model, found []occurrence, order string) {
	if order == "" {
		order = m.order
	}
	key := func(o occurrence, name string) any {
		r := e.row(m.name, o.id)
		switch {
		case name == "id":
			return o.id
		case strings.HasPrefix(name, "start") && !o.start.IsZero():
			return stampOf(o.start)
		case strings.HasPrefix(name, "start"):
			return r.at(m.field("start"))
		case m.field(name) != nil:
			return e.anyValue(m, r, m.field(name))
		}
		return nil
	}
	slices.SortStableFunc(found, func(a, b occurrence) int {
		for part := range strings.SplitSeq(order, ",") {
			name, dir, _ := strings.Cut(strings.TrimSpace(part), " ")
			c := compareValues(key(a, name), key(b, name))
			if c == 0 && name == "id" {
				c = a.start.Compare(b.start)
			}
			if strings.EqualFold(strings.TrimSpace(dir), "desc") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}
