package odootest

import (
	"slices"
	"strings"
)

// asNames reports a string, or a non-empty list of strings only: the right sides that mean display names.
func asNames(right any) ([]string, bool) {
	switch v := right.(type) {
	case string:
		return []string{v}, true
	case []any:
		var out []string
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, false
			}
			out = append(out, s)
		}
		return out, len(out) > 0
	}
	return nil, false
}

// toIDs normalises the right side of child_of: ids, names or one of them.
func (e *env) toIDs(right any, m *model) ([]int64, error) {
	if names, ok := asNames(right); ok {
		var out []int64
		for _, name := range names {
			ids, err := e.nameSearch(m, name, "ilike", nil, 0)
			if err != nil {
				return nil, err
			}
			out = union(out, ids)
		}
		return out, nil
	}
	ids, ok := toIDs(right)
	if !ok {
		return nil, rawFault("TypeError: 'bool' object is not iterable")
	}
	return ids, nil
}

// hierarchy expands ids downwards or upwards along parent (parent_id if ""). Without a stored path each level is a search,
// so that archived children, and what is below them, are left out unless active_test is off.
func (e *env) hierarchy(op string, m *model, ids []int64, parent string, prefix bool) []int64 {
	if parent == "" {
		parent = "parent_id"
	}
	pf := m.field(parent)
	if pf == nil {
		return ids
	}
	if pf.typ == "one2many" {
		pf = m.field(pf.inverse)
	}
	t := e.rows(m.name)
	seen := map[int64]bool{}
	var out, level []int64
	level = ids
	for len(level) > 0 {
		var next []int64
		for _, id := range level {
			if seen[id] {
				continue
			}
			seen[id] = true
			out = append(out, id)
			if op == "parent_of" {
				if r := t.rows[id]; r != nil && r.ref(pf) != 0 {
					next = append(next, r.ref(pf))
				}
				continue
			}
			for _, child := range t.referring(pf, id) {
				if m.parentStore || m.name == "res.partner" || e.visible(m, t.rows[child]) {
					next = append(next, child)
				}
			}
		}
		level = next
	}
	if m.parentStore && prefix {
		out = slices.DeleteFunc(out, func(id int64) bool { return !e.visible(m, t.rows[id]) })
	}
	return out
}

// visible is the active_test filter for one row.
func (e *env) visible(m *model, r *row) bool {
	if r == nil {
		return false
	}
	active := m.field("active")
	if active == nil || active.col < 0 || e.context["active_test"] != nil && !truthy(e.context["active_test"]) {
		return true
	}
	return r.flag(active)
}

func (e *env) many2one(m *model, f *field, co *model, op string, right any) (query, error) {
	if op == "child_of" || op == "parent_of" {
		if co == nil {
			return nothing, nil
		}
		ids, err := e.toIDs(right, co)
		if err != nil {
			return query{}, err
		}
		if co.name == m.name {
			return idSet(e.hierarchy(op, m, ids, f.name, false)), nil
		}
		return e.term(m, f.name, "in", idList(e.hierarchy(op, co, ids, "", true)))
	}
	if names, ok := asNames(right); ok && co != nil {
		return e.byName(m, f, co, op, right, names)
	}
	return e.scalar(m, f, op, right)
}

// byName resolves names in a many2one term by name_search, archived records included.
func (e *env) byName(m *model, f *field, co *model, op string, right any, names []string) (query, error) {
	_, isList := right.([]any)
	switch {
	case op == "<" || op == ">" || op == "<=" || op == ">=":
		op = "in"
	}
	if !isList && (op == "in" || op == "not in") {
		op = map[string]string{"in": "=", "not in": "!="}[op]
	}
	value := right
	if !isList {
		value = names[0]
	}
	ids, err := e.with("active_test", false).nameSearchAny(co, value, op, nil, 0)
	if err != nil {
		return query{}, err
	}
	list := idList(ids)
	if negative(op) {
		list = append(list, false)
	}
	return e.term(m, f.name, "in", list)
}

// related ids of an x2many term's right side: names by name_search, else the ids given.
func (e *env) relatedIDs(co *model, op string, right any) ([]int64, error) {
	if s, ok := right.(string); ok {
		positive := strings.TrimPrefix(strings.Replace(op, "!=", "=", 1), "not ")
		return e.nameSearch(co, s, positive, nil, 0)
	}
	ids, ok := toIDs(right)
	if !ok {
		return nil, pythonFault("ValueError", "Invalid domain term "+pyRepr(right))
	}
	return ids, nil
}

func (e *env) one2many(m *model, f *field, co *model, op string, right any) (query, error) {
	if co == nil || co.field(f.inverse) == nil || co.field(f.inverse).typ != "many2one" {
		return e.unlinked(op, right)
	}
	inverse, t := co.field(f.inverse), e.rows(co.name)
	if op == "child_of" || op == "parent_of" {
		ids, err := e.toIDs(right, co)
		if err != nil {
			return query{}, err
		}
		if co.name == m.name {
			return idSet(e.hierarchy(op, m, ids, f.name, false)), nil
		}
		return e.term(m, f.name, "in", idList(e.hierarchy(op, co, ids, "", true)))
	}
	if right == false || right == nil {
		q := query{match: func(r *row) bool { return len(t.referring(inverse, r.id)) > 0 }}
		if negative(op) {
			return q, nil
		}
		return not(q), nil
	}
	ids, err := e.relatedIDs(co, op, right)
	if err != nil {
		return query{}, err
	}
	var owners []int64
	for _, id := range ids {
		if r := t.rows[id]; r != nil && r.ref(inverse) != 0 {
			owners = append(owners, r.ref(inverse))
		}
	}
	if negative(op) {
		return not(idSet(owners)), nil
	}
	return idSet(owners), nil
}

// unlinked answers a term on an x2many whose other side this server does not keep: it is always empty.
func (e *env) unlinked(op string, right any) (query, error) {
	if truthy(right) == negative(op) {
		return everything, nil
	}
	return nothing, nil
}

func (e *env) many2many(m *model, f *field, co *model, op string, right any) (query, error) {
	if co == nil {
		return e.unlinked(op, right)
	}
	if op == "child_of" || op == "parent_of" {
		ids, err := e.toIDs(right, co)
		if err != nil {
			return query{}, err
		}
		ids = e.hierarchy(op, co, ids, "", true)
		if co.name == m.name {
			return idSet(ids), nil
		}
		return e.term(m, f.name, "in", idList(ids))
	}
	if right == false || right == nil {
		q := query{match: func(r *row) bool { return len(e.links(m, r, f)) > 0 }}
		if negative(op) {
			return q, nil
		}
		return not(q), nil
	}
	ids, err := e.relatedIDs(co, op, right)
	if err != nil {
		return query{}, err
	}
	set := map[int64]bool{}
	for _, id := range ids {
		set[id] = id != 0
	}
	q := query{match: func(r *row) bool {
		return slices.ContainsFunc(e.links(m, r, f), func(id int64) bool { return set[id] })
	}}
	if negative(op) {
		return not(q), nil
	}
	return q, nil
}
