package bridge

import (
	"hash/fnv"
	"sync"
	"time"

	"dingbridge/mapping"
)

// index finds records by the values they may be recognised by. Both sides are listed into it by a sweep and every record that
// is read keeps it current; it is memory only and holds hashes, not the values.
type index struct {
	mu       sync.RWMutex
	by       map[indexSpace]*indexSide
	building map[indexSpace]*indexSide // by a survey under way; takes the place of the old one when it is complete
	asOf     map[string]time.Time      // by mapping: up to when, by Odoo's clock, it knows what others wrote in Odoo
}

type indexSpace struct {
	mapping string
	side    mapping.Side
}

func newIndex() *index {
	return &index{by: map[indexSpace]*indexSide{}, building: map[indexSpace]*indexSide{}, asOf: map[string]time.Time{}}
}

// put records the match values of one record, in place of what it had.
func (x *index) put(m *mapping.Mapping, s mapping.Side, seen Seen) {
	if len(m.Match) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	at := indexSpace{m.Name, s}
	if x.by[at] == nil || x.by[at].entries != len(m.Match) { // the mapping has changed: it is not ready before it is swept again
		x.by[at] = newIndexSide(len(m.Match))
	}
	hashes := valueHashes(m, s, seen)
	x.by[at].put(seen.ID, hashes, seen.Existence == Archived)
	if b := x.building[at]; b != nil && b != x.by[at] {
		b.put(seen.ID, hashes, seen.Existence == Archived)
	}
}

// valueHashes are the hashes of the record's values, one for each match entry; 0 for one that has none, and none at all for a record
// that is not there.
func valueHashes(m *mapping.Mapping, s mapping.Side, seen Seen) []uint64 {
	if seen.Existence != Present && seen.Existence != Archived {
		return nil
	}
	out := make([]uint64, len(m.Match))
	for n, entry := range m.Match {
		if h, ok := matchHash(n, entry, func(key string) mapping.Value { return ownValue(m, s, seen, key) }); ok {
			out[n] = max(h, 1)
		}
	}
	return out
}

// find returns the records of the side that carry these values for the nth match entry; the present ones, or else the archived
// ones. References are given as the ids they have on that side.
func (x *index) find(m *mapping.Mapping, s mapping.Side, n int, value func(key string) mapping.Value) []ID {
	h, ok := matchHash(n, m.Match[n], value)
	if !ok {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	space := x.by[indexSpace{m.Name, s}]
	if space == nil {
		return nil
	}
	return space.find(max(h, 1))
}

// knows returns up to when the index knows what others wrote in Odoo; zero before the first sweep.
func (x *index) knows(m *mapping.Mapping) time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.asOf[m.Name]
}

// learned says that everything others wrote in Odoo before the time is in the index.
func (x *index) learned(m *mapping.Mapping, asOf time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if asOf.After(x.asOf[m.Name]) {
		x.asOf[m.Name] = asOf
	}
}

// begin starts a new list of both sides beside the one in use.
func (x *index) begin(m *mapping.Mapping) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		at := indexSpace{m.Name, s}
		x.building[at] = newIndexSide(len(m.Match))
		if x.by[at] == nil { // the first one is used while it is made
			x.by[at] = x.building[at]
		}
	}
}

// end puts the new lists in place of the old ones, or drops them when the survey failed.
func (x *index) end(m *mapping.Mapping, complete bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		at := indexSpace{m.Name, s}
		if complete && x.building[at] != nil {
			x.by[at] = x.building[at]
		}
		delete(x.building, at)
	}
}

// ownValue is a record's value of one match field as the index of its side keeps it: a reference is the id itself, because the link
// it names may not exist yet.
func ownValue(m *mapping.Mapping, s mapping.Side, seen Seen, key string) mapping.Value {
	f, ok := m.Field(key)
	if !ok || f.Ref == "" {
		return seen.View[key]
	}
	raw, has := seen.Record[f.Name(s)]
	if !has {
		return mapping.UnknownValue
	}
	id := refID(raw)
	if f.HasNone && s == mapping.DingTalk && id == f.None {
		id = ""
	}
	return mapping.Text(id)
}

// matchHash is the hash of the entry's values; false unless all of them are known. In an entry of several fields an empty one is
// a value too (a department without a parent), as long as one is filled.
func matchHash(n int, entry []string, value func(key string) mapping.Value) (uint64, bool) {
	h := fnv.New64a()
	_, _ = h.Write([]byte{byte(n)})
	filled := false
	for _, key := range entry {
		val := value(key)
		if val.IsUnknown() {
			return 0, false
		}
		filled = filled || val.IsKnown()
		_, _ = h.Write([]byte{byte(val.State)})
		_, _ = h.Write([]byte(val.Text))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64(), filled
}

func hash64(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}
