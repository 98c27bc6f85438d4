package odootest

import (
	"cmp"
	"slices"
	"strconv"
)

// row is one record. Rows are never changed in place: a write stores a new one, so a transaction is undone by putting the old
// pointers back, and a snapshot is a copy of the maps.
type row struct {
	id                   int64
	v                    []any // by field.col; nil is NULL; shorter than the columns when a manual field came later
	created, written     stamp
	createdBy, writtenBy int64
	translations         map[string]map[int]string // language → column → value
	rev                  uint64                    // the commit that stored it
}

func (r *row) at(f *field) any {
	if f.col < 0 || f.col >= len(r.v) {
		return nil
	}
	return r.v[f.col]
}

func (r *row) str(f *field) string { s, _ := r.at(f).(string); return s }
func (r *row) ref(f *field) int64  { n, _ := r.at(f).(int64); return n }
func (r *row) flag(f *field) bool  { b, _ := r.at(f).(bool); return b }

// clone is a copy with room for every column of m.
func (r *row) clone(m *model) *row {
	c := *r
	c.v = make([]any, max(len(m.cols), len(r.v)))
	copy(c.v, r.v)
	return &c
}

// table holds the committed rows of one model, plus what the transaction that holds the lock has written so far.
type table struct {
	rows    map[int64]*row
	ids     []int64 // ascending, unless stale
	stale   bool
	next    int64 // the sequence: never goes back, not even on rollback
	indexes map[string]*index
}

func newTable() *table { return &table{rows: map[int64]*row{}, next: 1, indexes: map[string]*index{}} }

func (t *table) clone() *table {
	c := &table{rows: make(map[int64]*row, len(t.rows)), ids: slices.Clone(t.sorted()), next: t.next, indexes: map[string]*index{}}
	for id, r := range t.rows {
		c.rows[id] = r
	}
	return c
}

func (t *table) sorted() []int64 {
	if t.stale {
		t.ids = t.ids[:0:0]
		for id := range t.rows {
			t.ids = append(t.ids, id)
		}
		slices.Sort(t.ids)
		t.stale = false
	}
	return t.ids
}

// put stores, replaces (both non-nil) or removes (r nil) the row id and keeps the indexes.
func (t *table) put(id int64, r *row) (old *row) {
	old = t.rows[id]
	switch {
	case r == nil:
		delete(t.rows, id)
		t.stale = t.stale || old != nil
	case old == nil:
		t.rows[id] = r
		if n := len(t.ids); !t.stale && (n == 0 || t.ids[n-1] < id) {
			t.ids = append(t.ids, id)
		} else {
			t.stale = true
		}
	default:
		t.rows[id] = r
	}
	for _, ix := range t.indexes {
		ix.move(id, old, r)
	}
	return old
}

// index finds rows by a key computed from them. Keys are comparable; a nil key is not indexed.
type index struct {
	key func(*row) any
	at  map[any][]int64 // ascending
}

func (ix *index) move(id int64, old, r *row) {
	var from, to any
	if old != nil {
		from = ix.key(old)
	}
	if r != nil {
		to = ix.key(r)
	}
	if from == to {
		return
	}
	if from != nil {
		ids := ix.at[from]
		if i, ok := slices.BinarySearch(ids, id); ok {
			ids = slices.Delete(slices.Clone(ids), i, i+1)
		}
		if len(ids) == 0 {
			delete(ix.at, from)
		} else {
			ix.at[from] = ids
		}
	}
	if to != nil {
		ids := ix.at[to]
		if n := len(ids); n == 0 || ids[n-1] < id {
			ix.at[to] = append(ids, id)
		} else if i, ok := slices.BinarySearch(ids, id); !ok {
			ix.at[to] = slices.Insert(slices.Clone(ids), i, id)
		}
	}
}

// find returns the ids under key, building the index on first use. The slice belongs to the index.
func (t *table) find(name string, key func(*row) any, want any) []int64 {
	return t.index(name, key).at[want]
}

// index returns the index of the name, built on first use.
func (t *table) index(name string, key func(*row) any) *index {
	ix, ok := t.indexes[name]
	if !ok {
		ix = &index{key: key, at: map[any][]int64{}}
		for _, id := range t.sorted() {
			ix.move(id, nil, t.rows[id])
		}
		t.indexes[name] = ix
	}
	return ix
}

// referring returns the rows whose many2one f is id.
func (t *table) referring(f *field, id int64) []int64 {
	return t.find("ref:"+strconv.Itoa(f.col), func(r *row) any { return r.at(f) }, id)
}

// linking returns the rows whose many2many f holds id; it scans the table.
func (t *table) linking(f *field, id int64) []int64 {
	var out []int64
	for _, rid := range t.sorted() {
		if ids, _ := t.rows[rid].at(f).([]int64); slices.Contains(ids, id) {
			out = append(out, rid)
		}
	}
	return out
}

// compareValues orders two stored values the way PostgreSQL does with NULLs last.
func compareValues(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return collate(x, y)
		}
	case int64:
		switch y := b.(type) {
		case int64:
			return cmp.Compare(x, y)
		case float64:
			return cmp.Compare(float64(x), y)
		}
	case float64:
		switch y := b.(type) {
		case float64:
			return cmp.Compare(x, y)
		case int64:
			return cmp.Compare(x, float64(y))
		}
	case bool:
		if y, ok := b.(bool); ok {
			return int(b2i(x)) - int(b2i(y))
		}
	case stamp:
		if y, ok := b.(stamp); ok {
			return cmp.Compare(x, y)
		}
	}
	return 0
}
