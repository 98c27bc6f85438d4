package odootest

import (
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

var (
	everything = query{match: func(*row) bool { return true }}
	nothing    = query{match: func(*row) bool { return false }, bounded: true}
)

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
		return e.idRange(m, op, right, func(r *row) bool { return compare(r.id) }), nil
	}
	if q, ok := e.indexed(m, f, op, right, func(r *row) bool { return compare(e.stored(m, r, f)) }); ok {
		return q, nil
	}
	if f.name == "write_date" { // the poll
		return query{match: func(r *row) bool { return compare(stampOrNil(r.written)) }}, nil
	}
	return query{match: func(r *row) bool { return compare(e.stored(m, r, f)) }}, nil
}

// idRange narrows a comparison of ids to the part of the table it can match.
func (e *env) idRange(m *model, op string, right any, match func(*row) bool) query {
	ids := e.rows(m.name).sorted()
	to, ok := toInt(right)
	at, found := slices.BinarySearch(ids, to)
	past := at
	if found {
		past++
	}
	part, narrows := map[string][]int64{"<": ids[:at], "<=": ids[:past], ">": ids[past:], ">=": ids[at:]}[op]
	if !ok || !narrows {
		return query{match: match}
	}
	return query{match: match, bounded: true, candidates: part}
}

// indexed narrows what an Odoo would answer from an index of PostgreSQL, or from few rows: a many2one in a list of ids, and a record
// that somebody else wrote last.
func (e *env) indexed(m *model, f *field, op string, right any, match func(*row) bool) (query, bool) {
	t := e.rows(m.name)
	switch {
	case f.typ == "many2one" && f.col >= 0 && op == "in":
		ids, ok := toIDs(right)
		if !ok || slices.Contains(ids, 0) {
			return query{}, false
		}
		var found []int64
		for _, id := range ids {
			found = append(found, t.referring(f, id)...)
		}
		slices.Sort(found)
		return query{match: match, bounded: true, candidates: slices.Compact(found)}, true
	case f.name == "write_uid" && op == "!=":
		uid, ok := toInt(right)
		if !ok {
			return query{}, false
		}
		var found []int64
		for by, ids := range t.index("writer", func(r *row) any { return r.writtenBy }).at {
			if by != uid {
				found = append(found, ids...)
			}
		}
		slices.Sort(found)
		return query{match: match, bounded: true, candidates: found}, true
	}
	return query{}, false
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
