package odootest

import (
	"regexp"
	"slices"
	"strings"
)

// query is a compiled domain: a predicate, and for the common id terms the only rows that can match.
type query struct {
	match      func(*row) bool
	candidates []int64 // ascending or in the domain's order; only with bounded
	bounded    bool
}

var arity = map[string]int{"&": 2, "|": 2, "!": 1}

var termOperators = map[string]bool{
	"=": true, "!=": true, "<=": true, "<": true, ">": true, ">=": true, "=?": true, "=like": true, "=ilike": true, "like": true,
	"not like": true, "ilike": true, "not ilike": true, "in": true, "not in": true, "child_of": true, "parent_of": true,
}

func negative(op string) bool { return op == "!=" || strings.HasPrefix(op, "not ") }

// compile turns a domain in prefix notation into a query (odoo/osv/expression.py). Nothing is filtered but the domain: see search
// for active_test and record rules.
func (e *env) compile(m *model, domain []any) (query, error) {
	tokens, err := normalize(domain)
	if err != nil {
		return query{}, err
	}
	if len(tokens) == 0 {
		return query{match: func(*row) bool { return true }}, nil
	}
	q, rest, err := e.compileTokens(m, tokens, false)
	if err == nil && len(rest) > 0 {
		err = pythonFault("AssertionError", "This domain is syntactically not correct: "+pyRepr(domain))
	}
	return q, err
}

// normalize adds the implied '&' and checks the arity, as normalize_domain does.
func normalize(domain []any) ([]any, error) {
	out := make([]any, 0, len(domain)+4)
	expected := 1
	for _, token := range domain {
		if expected == 0 {
			out = append([]any{"&"}, out...)
			expected = 1
		}
		if s, ok := token.(string); ok {
			expected += arity[s] - 1
		} else {
			expected--
		}
		out = append(out, token)
	}
	if expected != 0 && len(domain) > 0 {
		return nil, pythonFault("AssertionError", "This domain is syntactically not correct: "+pyRepr(domain))
	}
	return out, nil
}

// negated are the operators that have a negative of their own; NOT before such a leaf turns into it, so NULLs stay out.
var negated = map[string]string{
	"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "!=", "!=": "=", "<>": "=", "in": "not in", "not in": "in",
	"like": "not like", "not like": "like", "ilike": "not ilike", "not ilike": "ilike",
}

// compileTokens compiles the first operand of tokens; neg pushes a NOT down to the leaves (distribute_not).
func (e *env) compileTokens(m *model, tokens []any, neg bool) (query, []any, error) {
	if len(tokens) == 0 {
		return query{}, nil, pythonFault("IndexError", "pop from empty list")
	}
	head, rest := tokens[0], tokens[1:]
	op, _ := head.(string)
	switch op {
	case "&", "|":
		a, rest, err := e.compileTokens(m, rest, neg)
		if err != nil {
			return query{}, nil, err
		}
		b, rest, err := e.compileTokens(m, rest, neg)
		if err != nil {
			return query{}, nil, err
		}
		if neg {
			op = map[string]string{"&": "|", "|": "&"}[op]
		}
		return combine(op, a, b), rest, nil
	case "!":
		return e.compileTokens(m, rest, !neg)
	}
	if leaf, ok := head.([]any); ok && neg && len(leaf) == 3 {
		if op, ok := leaf[1].(string); ok && negated[strings.ToLower(op)] != "" {
			head, neg = []any{leaf[0], negated[strings.ToLower(op)], leaf[2]}, false
		}
	}
	q, err := e.compileLeaf(m, head)
	if err == nil && neg {
		q = not(q)
	}
	return q, rest, err
}

func combine(op string, a, b query) query {
	if op == "|" {
		q := query{match: func(r *row) bool { return a.match(r) || b.match(r) }}
		if a.bounded && b.bounded {
			q.bounded, q.candidates = true, union(a.candidates, b.candidates)
		}
		return q
	}
	q := query{match: func(r *row) bool { return a.match(r) && b.match(r) }}
	switch {
	case a.bounded && (!b.bounded || len(a.candidates) <= len(b.candidates)):
		q.bounded, q.candidates = true, a.candidates
	case b.bounded:
		q.bounded, q.candidates = true, b.candidates
	}
	return q
}

func union(a, b []int64) []int64 {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

var everything = query{match: func(*row) bool { return true }}
var nothing = query{match: func(*row) bool { return false }, bounded: true}

func (e *env) compileLeaf(m *model, token any) (query, error) {
	leaf, ok := token.([]any)
	if !ok || len(leaf) != 3 {
		return query{}, rawFault("TypeError: unhashable type: 'list'")
	}
	op, ok := leaf[1].(string)
	op = strings.ToLower(op)
	if op == "<>" {
		op = "!="
	}
	if n, isInt := leaf[0].(int64); isInt && op == "=" {
		right, _ := toInt(leaf[2])
		if n == right {
			return everything, nil
		}
		return nothing, nil
	}
	left, isName := leaf[0].(string)
	if !ok || !isName || !termOperators[op] {
		return query{}, rawFault("TypeError: unhashable type: 'list'")
	}
	right := leaf[2]
	if b, isBool := right.(bool); isBool && (op == "in" || op == "not in") {
		op, right = map[string]string{"in": "=", "not in": "!="}[op], b
	}
	if _, isList := right.([]any); isList && (op == "=" || op == "!=") {
		op = map[string]string{"=": "in", "!=": "not in"}[op]
	}
	return e.term(m, left, op, right)
}

// term compiles one normalised leaf.
func (e *env) term(m *model, left, op string, right any) (query, error) {
	head, tail, dotted := strings.Cut(left, ".")
	f := m.field(head)
	if f == nil {
		leaf := "<osv.ExtendedLeaf: " + pyTuple([]any{left, op, right}) + " on " + m.table + " (ctx: )>"
		return query{}, pythonFault("ValueError", "Invalid field "+pyQuote(left)+" in leaf "+pyQuote(leaf))
	}
	co := e.model(f.relation)
	switch {
	case f.inherited:
		q, err := e.term(e.model(m.parent), left, op, right)
		if err != nil {
			return query{}, err
		}
		via, parents := m.field(m.parentField), e.rows(m.parent)
		return query{match: func(r *row) bool { p := parents.rows[r.ref(via)]; return p != nil && q.match(p) }}, nil
	case left == "id" && (op == "child_of" || op == "parent_of"):
		ids, err := e.toIDs(right, m)
		if err != nil {
			return query{}, err
		}
		return idSet(e.hierarchy(op, m, ids, "", false)), nil
	case dotted && f.store && co != nil:
		inner := e
		if f.typ == "many2one" {
			inner = e.with("active_test", false)
		}
		ids, err := inner.search(co, []any{[]any{tail, op, right}}, searchOptions{})
		if err != nil {
			return query{}, err
		}
		return e.term(m, head, "in", idList(ids))
	case !f.store && len(f.related) == 0:
		return e.unstored(m, f, op, right)
	case f.typ == "one2many":
		return e.one2many(m, f, co, op, right)
	case f.typ == "many2many":
		return e.many2many(m, f, co, op, right)
	case f.typ == "many2one":
		return e.many2one(m, f, co, op, right)
	case f.typ == "binary" && !((op == "=" || op == "!=") && !truthy(right)):
		return everything, nil
	}
	return e.scalar(m, f, op, right)
}

// unstored: a field without search method matches every record, with only a line in the server's log.
func (e *env) unstored(m *model, f *field, op string, right any) (query, error) {
	if !f.search {
		return everything, nil
	}
	compare, err := comparison(f, op, right)
	if err != nil {
		return query{}, err
	}
	return query{match: func(r *row) bool { return compare(e.computed(m, r, f)) }}, nil
}

func (e *env) scalar(m *model, f *field, op string, right any) (query, error) {
	compare, err := comparison(f, op, right)
	if err != nil {
		return query{}, err
	}
	if f.name == "id" {
		switch op {
		case "=":
			if id, ok := toInt(right); ok {
				return query{match: func(r *row) bool { return r.id == id }, bounded: true, candidates: []int64{id}}, nil
			}
		case "in":
			if ids, ok := toIDs(right); ok {
				return idSet(ids), nil
			}
		}
		return query{match: func(r *row) bool { return compare(r.id) }}, nil
	}
	if f.name == "write_date" { // the poll
		return query{match: func(r *row) bool { return compare(stampOrNil(r.written)) }}, nil
	}
	return query{match: func(r *row) bool { return compare(e.stored(m, r, f)) }}, nil
}

func idSet(ids []int64) query {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	set := make(map[int64]bool, len(sorted))
	for _, id := range sorted {
		set[id] = true
	}
	return query{match: func(r *row) bool { return set[r.id] }, bounded: true, candidates: sorted}
}

func not(q query) query { return query{match: func(r *row) bool { return !q.match(r) }} }

func idList(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

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
	var value any = right
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

// comparison is __leaf_to_sql for one column: NULL compares as in SQL.
func comparison(f *field, op string, right any) (func(any) bool, error) {
	if right == nil {
		right = false
	}
	if f.typ == "datetime" {
		if s, ok := right.(string); ok && len(s) == 10 {
			right = s + map[bool]string{true: " 23:59:59", false: " 00:00:00"}[op == ">" || op == "<="]
		}
	}
	if op == "=?" {
		if right == false {
			return func(any) bool { return true }, nil
		}
		op = "="
	}
	switch op {
	case "in", "not in":
		return membership(f, op, right)
	case "like", "ilike", "not like", "not ilike", "=like", "=ilike":
		return likeness(op, right), nil
	}
	if f.typ == "boolean" {
		want := truthy(right)
		return func(v any) bool { b, _ := v.(bool); return (b == want) == (op == "=") }, nil
	}
	if right == false && f.typ != "integer" && f.typ != "float" && f.typ != "monetary" || right == false && (op == "=" || op == "!=") {
		switch op {
		case "=":
			return func(v any) bool { return v == nil }, nil
		case "!=":
			return func(v any) bool { return v != nil }, nil
		}
		return func(any) bool { return false }, nil
	}
	want, err := searchValue(f, right)
	if err != nil {
		return nil, err
	}
	holds := map[string]func(int) bool{
		"=": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 }, "<": func(c int) bool { return c < 0 },
		"<=": func(c int) bool { return c <= 0 }, ">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
	}[op]
	return func(v any) bool { return v != nil && holds(compareValues(v, want)) }, nil
}

func membership(f *field, op string, right any) (func(any) bool, error) {
	list, ok := right.([]any)
	if !ok {
		return nil, pythonFault("ValueError", "Invalid domain term "+pyTuple([]any{f.name, op, right}))
	}
	set := map[any]bool{}
	null := false
	for _, x := range list {
		if n, isInt := x.(int64); x == nil || x == false || isInt && n == 0 {
			null = true
			continue
		}
		v, err := searchValue(f, x)
		if err != nil {
			return nil, err
		}
		set[v] = true
	}
	if op == "in" {
		return func(v any) bool { return v == nil && null || v != nil && set[v] }, nil
	}
	return func(v any) bool { return v == nil && !null || v != nil && !set[v] }, nil
}

// searchValue converts a domain's value to the column's type without validating it.
func searchValue(f *field, v any) (any, error) {
	switch f.typ {
	case "char", "text", "html", "selection", "reference", "binary":
		return pyStr(v), nil
	case "boolean":
		return truthy(v), nil
	}
	c := convert{f: f}
	if f.typ == "many2one" {
		if n, ok := toInt(v); ok {
			return n, nil
		}
		return nil, pythonFault("psycopg2.errors.InvalidTextRepresentation", "invalid input syntax for type integer: "+pyRepr(v)+"\n")
	}
	return c.value(v)
}

// likeness is (i)like with its wildcards; NULL never matches, except everything for an empty pattern.
func likeness(op string, right any) func(any) bool {
	pattern := ""
	if right != false {
		pattern = pyStr(right)
	}
	contains := !strings.HasPrefix(op, "=")
	insensitive := strings.HasSuffix(op, "ilike")
	neg := negative(op)
	match := likeMatcher(pattern, contains, insensitive)
	return func(v any) bool {
		if v == nil {
			return contains && pattern == ""
		}
		return match(pyStr(v)) != neg
	}
}

func likeMatcher(pattern string, contains, insensitive bool) func(string) bool {
	if !strings.ContainsAny(pattern, `%_\`) {
		if insensitive {
			pattern = strings.ToLower(pattern)
		}
		return func(s string) bool {
			if insensitive {
				s = strings.ToLower(s)
			}
			if contains {
				return strings.Contains(s, pattern)
			}
			return s == pattern
		}
	}
	re := regexp.QuoteMeta(pattern)
	re = strings.NewReplacer(`\\%`, "%", `\\_`, "_", "%", ".*", "_", ".").Replace(re)
	if contains {
		re = ".*" + re + ".*"
	}
	flags := "(?s)"
	if insensitive {
		flags = "(?si)"
	}
	return regexp.MustCompile(flags + "^" + re + "$").MatchString
}
