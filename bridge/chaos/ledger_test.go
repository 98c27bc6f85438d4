package chaos

import (
	"slices"
	"sync"
	"time"

	"dingbridge/mapping"
)

// The fields people edit, by the name the ledger has for them. The values are what a person sees, alike on both sides.
const (
	fieldName   = "name"
	fieldEmail  = "email"
	fieldTitle  = "title"
	fieldPlace  = "place"
	fieldMobile = "mobile"
	fieldUnit   = "unit"    // a department's tag
	fieldBoss   = "manager" // a person's tag
	fieldParent = "parent"  // of a department: its parent's tag
)

// sides names a field in both systems; the DingTalk name is also the mapping's key.
var sides = map[string]struct{ odoo, ding string }{
	fieldName:   {"name", "name"},
	fieldEmail:  {"work_email", "email"},
	fieldTitle:  {"job_title", "title"},
	fieldPlace:  {"work_location", "work_place"},
	fieldMobile: {"mobile_phone", "mobile"},
	fieldUnit:   {"department_id", "dept_id_list"},
	fieldBoss:   {"parent_id", "manager_userid"},
	fieldParent: {"parent_id", "parent_id"},
}

// edit is one value a person wrote.
type edit struct {
	side   mapping.Side
	value  string
	before string    // what that side showed when it was written
	at     time.Time // of the commit
	stamp  time.Time // Odoo's write_date, whole seconds
	opened time.Time // when its transaction began, where that was slow or had to wait for a slow one
}

// record is what the ledger knows of one person or department. Its tag never changes: a person carries it as a remark.
type record struct {
	tag     string
	kind    string // "person" or "unit"
	odoo    int64  // 0: not known, or none there
	ding    string // a userid, or a department's number
	alive   bool
	settled map[string]string // what both sides showed when the last round ended
	edits   map[string][]edit // of this round
	life    []lifeEdit        // likewise
	reset   bool              // left and came back in this round: what an earlier round settled may come back too
	before  bool              // it was there when the round began
	crew    bool              // nobody lets him go
}

// lifeEdit is a person's decision that somebody comes or goes.
type lifeEdit struct {
	side  mapping.Side
	alive bool
	at    time.Time
}

// ledger is who wrote what. The bridge never sees it.
type ledger struct {
	mu      sync.Mutex
	records map[string]*record
	order   []string // tags, as they came
}

func newLedger() *ledger { return &ledger{records: map[string]*record{}} }

func (l *ledger) add(r *record) *record {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.settled, r.edits = map[string]string{}, map[string][]edit{}
	l.records[r.tag] = r
	l.order = append(l.order, r.tag)
	return r
}

// wrote enters an edit.
func (l *ledger) wrote(r *record, field string, e edit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.edits[field] = append(r.edits[field], e)
	slices.SortStableFunc(r.edits[field], func(a, b edit) int { return a.at.Compare(b.at) })
}

// lived enters that somebody came or went.
func (l *ledger) lived(r *record, e lifeEdit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.life = append(r.life, e)
	r.alive = e.alive
	r.reset = r.reset || !e.alive // what was written to a record that is no more is void
}

// all are the records of the kind, in the order in which they came; alive ones only when asked.
func (l *ledger) all(kind string, aliveOnly bool) []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*record
	for _, tag := range l.order {
		if r := l.records[tag]; r.kind == kind && (r.alive || !aliveOnly) {
			out = append(out, r)
		}
	}
	return out
}

// turn begins a new round: what both sides show now is settled.
func (l *ledger) turn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		r.edits, r.life, r.reset, r.before = map[string][]edit{}, nil, false, r.alive
	}
}

// last is the last edit of the field on the side.
func last(edits []edit, side mapping.Side) (edit, bool) {
	for i := len(edits) - 1; i >= 0; i-- {
		if edits[i].side == side {
			return edits[i], true
		}
	}
	return edit{}, false
}

// traffic is what the bridge asked and wrote, as the stand-ins saw it.
type traffic struct {
	mu         sync.Mutex
	odooWrites []write
	dingWrites []write
	dingReads  map[string]time.Time // "user zhangsan", "unit 7": as of when it was last shown
	stale      time.Duration        // how old what DingTalk shows is at the moment
	writes     int
}

// write is one write of the bridge.
type write struct {
	id     string
	values map[string]any
	at     time.Time
	locked string    // the second of Odoo's optimistic lock, "" without one
	read   time.Time // as of when DingTalk showed the record last
}

func newTraffic() *traffic {
	return &traffic{dingReads: map[string]time.Time{}}
}

func (tr *traffic) turn() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.odooWrites, tr.dingWrites = nil, nil
}

// aged says how old what DingTalk shows is from now on.
func (tr *traffic) aged(by time.Duration) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.stale = by
}

// wroteTodo says that the bridge wrote the to-do in this round.
func (tr *traffic) wroteTodo(id string) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.ContainsFunc(tr.dingWrites, func(one write) bool { return one.id == "todo "+id })
}

func (tr *traffic) count() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.writes
}
