package odootest

import (
	"regexp"
	"slices"
	"strings"
)

type searchOptions struct {
	order         string
	offset, limit int64
}

// search returns the ids of the records the user sees that match, in order: active_test and record rules apply.
func (e *env) search(m *model, domain []any, o searchOptions) ([]int64, error) {
	if err := e.checkAccess(m, "read"); err != nil {
		return nil, err
	}
	if m.name == "res.users" && e.uid != superuser {
		for _, t := range domain {
			if l, ok := t.([]any); ok && len(l) == 3 && (l[0] == "password" || l[0] == "oauth_access_token") {
				return nil, accessFault("Invalid search criterion")
			}
		}
	}
	q, err := e.compile(m, domain)
	if err != nil {
		return nil, err
	}
	match := q.match
	if e.activeTest(m, domain) {
		active := m.field("active")
		match = func(r *row) bool { return r.flag(active) && q.match(r) }
	}
	rules, err := e.ruleFor(m, "read")
	if err != nil {
		return nil, err
	}
	less, err := e.orderBy(m, o.order)
	if err != nil {
		return nil, err
	}
	t := e.rows(m.name)
	ids := t.sorted()
	if q.bounded {
		ids = q.candidates
	}
	out := make([]int64, 0, min(len(ids), 1024))
	for _, id := range ids {
		if r := t.rows[id]; r != nil && match(r) && (rules == nil || rules(r)) {
			out = append(out, id)
		}
	}
	if less != nil {
		less(out)
	}
	return window(out, o.offset, o.limit), nil
}

// activeTest tells whether archived records are left out: there is an active field, the domain does not speak of it, the context
// does not forbid it. The one domain res.partner._search excepts is that of child_of.
func (e *env) activeTest(m *model, domain []any) bool {
	f := m.field("active")
	if f == nil || f.col < 0 {
		return false
	}
	if v, ok := e.context["active_test"]; ok && !truthy(v) {
		return false
	}
	for _, t := range domain {
		leaf, ok := t.([]any)
		if ok && len(leaf) > 0 && leaf[0] == "active" {
			return false
		}
		if ok && len(domain) == 1 && len(leaf) == 3 && m.name == "res.partner" && leaf[0] == "parent_id" && leaf[1] == "in" {
			return false
		}
	}
	return true
}

func window(ids []int64, offset, limit int64) []int64 {
	ids = ids[min(max(offset, 0), int64(len(ids))):]
	if limit > 0 && limit < int64(len(ids)) {
		ids = ids[:limit]
	}
	return ids
}

var orderForm = regexp.MustCompile(`(?i)^( *([a-z0-9:_]+|"[a-z0-9:_]+")( *desc| *asc)?( *, *|))+$`)

// orderBy parses an order clause into an in-place sorter; nil keeps the order of ids.
func (e *env) orderBy(m *model, order string) (func([]int64), error) {
	if order == "" {
		order = m.order
	}
	if !orderForm.MatchString(order) {
		return nil, userFault("Invalid \"order\" specified. A valid \"order\" specification is a comma-separated list of valid field names (optionally followed by asc/desc for the direction)")
	}
	keys, err := e.orderKeys(m, order, false, 0)
	if err != nil || len(keys) == 0 || len(keys) == 1 && keys[0].plainID {
		return nil, err
	}
	t := e.rows(m.name)
	return func(ids []int64) {
		type item struct {
			id   int64
			keys []any
		}
		items := make([]item, len(ids))
		for i, id := range ids {
			vals := make([]any, len(keys))
			for k := range keys {
				vals[k] = keys[k].of(t.rows[id])
			}
			items[i] = item{id, vals}
		}
		slices.SortStableFunc(items, func(a, b item) int {
			for k := range keys {
				if c := compareValues(a.keys[k], b.keys[k]); c != 0 {
					if keys[k].desc {
						return -c
					}
					return c
				}
			}
			return 0
		})
		for i := range items {
			ids[i] = items[i].id
		}
	}, nil
}

type orderKey struct {
	of      func(*row) any
	desc    bool
	plainID bool
}

// orderKeys resolves an order clause; a many2one sorts by its model's own order.
func (e *env) orderKeys(m *model, order string, reverse bool, depth int) ([]orderKey, error) {
	var keys []orderKey
	for part := range strings.SplitSeq(order, ",") {
		words := strings.Fields(strings.TrimSpace(part))
		if len(words) == 0 {
			continue
		}
		f := m.field(words[0])
		if f == nil {
			return nil, pythonFault("ValueError", "Sorting field "+words[0]+" not found on model "+m.name)
		}
		desc := len(words) > 1 && strings.EqualFold(words[1], "desc") != reverse || len(words) == 1 && reverse
		co := e.model(f.relation)
		switch {
		case f.typ == "many2one" && co != nil && f.store && depth < 3 && !logColumns[f.name]:
			sub, err := e.orderKeys(co, co.order, desc, depth+1)
			if err != nil {
				return nil, err
			}
			t := e.rows(co.name)
			for _, k := range sub {
				of := k.of
				keys = append(keys, orderKey{desc: k.desc, of: func(r *row) any {
					if target := t.rows[r.ref(f)]; target != nil {
						return of(target)
					}
					return nil
				}})
			}
		case f.typ == "boolean" && (f.col >= 0 || len(f.related) > 0):
			keys = append(keys, orderKey{desc: desc, of: func(r *row) any { b, _ := e.stored(m, r, f).(bool); return b }})
		case f.col >= 0 || logColumns[f.name] || f.inherited:
			keys = append(keys, orderKey{desc: desc, plainID: f.name == "id" && !desc, of: func(r *row) any { return e.stored(m, r, f) }})
		}
	}
	return keys, nil
}

// nameSearch is name_search's ids: by the record name, or as the model's own override does.
func (e *env) nameSearch(m *model, name, op string, domain []any, limit int64) ([]int64, error) {
	return e.nameSearchAny(m, name, op, domain, limit)
}

func (e *env) nameSearchAny(m *model, name any, op string, domain []any, limit int64) ([]int64, error) {
	if b := behaviours[m.name]; b != nil && b.nameSearch != nil {
		if s, ok := name.(string); ok {
			ids, handled, err := b.nameSearch(e, m, s, op, domain, limit)
			if handled || err != nil {
				return ids, err
			}
		}
	}
	if m.recName != "" && !(name == "" && op == "ilike") {
		domain = append([]any{[]any{m.recName, op, name}}, domain...)
	}
	return e.search(m, domain, searchOptions{limit: limit})
}
