package bridge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// Statement is what a sweep ends with.
type Statement struct {
	Mapping   string    `json:"mapping"`
	At        time.Time `json:"at"`
	Odoo      int       `json:"odoo"`     // records listed
	DingTalk  int       `json:"dingtalk"` // objects listed
	Linked    int       `json:"linked"`
	Differing int       `json:"differing"` // links touched because a side moved
	Strangers int       `json:"strangers"` // records without a link
	Absent    int       `json:"absent"`    // links with a side that was not listed
	Held      int       `json:"held"`
	Complete  bool      `json:"complete"` // DingTalk was listed completely, so absence counts
	Why       string    `json:"why,omitempty"`
}

// sweep lists both sides of a mapping completely and returns the keys of what differs from memory, in the order in which
// they should be worked on: those who are referred to first. It writes nothing.
type sweep struct {
	e               *Engine
	m               *mapping.Mapping
	refs            *refs
	stmt            Statement
	odooSeen        map[ID]bool
	dingSeen        map[ID]bool
	keys            []Key
	parents         map[Key]Key       // of strangers that refer to others of the same mapping
	rest            []Key             // links that do not differ, as far as the lists show
	ticked          bool              // the time of the mapping's schedule has come
	began           bool              // the mapping has remembered what there was before it
	toTell          bool              // a printed plan
	scope           string            // what DingTalk's listing covered
	listed          map[string]bool   // fields that DingTalk's list shows
	instancesListed bool              // of approvals: those started since the last sweep
	onces           map[ID]string     // of records that are told of: what tells one message from another
	reached         int64             // of the chatter: the greatest id there is
	changed         map[int64]string  // links of whose objects a list of changes tells: why they are gone, or ""
	cursors         map[string]string // how far DingTalk's lists were read
	newest          map[int64]string  // Odoo ids and write_dates, to notice a restored backup
}

// survey lists both sides. The index is built anew from it.
// For a printed plan everything that is told once and then known (an archived record that stays) is told again.
func (e *Engine) survey(ctx context.Context, m *mapping.Mapping, toTell bool) (_ *sweep, err error) {
	ctx = dingtalk.WithCaller(ctx, m.Name)
	e.index.begin(m)
	defer func() { e.index.end(m, err == nil && e.current(m)) }()
	s := newSweep(ctx, e, m)
	s.toTell = toTell
	names := []string{m.Name}
	for _, f := range m.Fields {
		if f.Ref != "" && !slices.Contains(names, f.Ref) {
			names = append(names, f.Ref)
		}
	}
	if err := s.refs.preload(names...); err != nil {
		return nil, err
	}
	if s.began, err = s.hasBegun(ctx); err != nil {
		return nil, err
	}
	s.ticked = toTell && !m.Message.Digest() // shown, not told
	if payload(m.Kind) {
		return s, s.surveyKept(ctx)
	}
	asOf, _ := e.odoo.client.ServerTime()
	l, err := s.listOdoo(ctx, func(page []Seen) error {
		if m.Approval != nil || m.Message != nil {
			return s.occurrencePage(ctx, page)
		}
		return s.page(ctx, mapping.Odoo, page, s.odooSeen)
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", m.Model, err)
	}
	e.worked(mapping.Odoo)
	e.index.learned(m, asOf)
	s.stmt.Odoo = l.Count
	if toTell && m.Message.Digest() {
		if s.keys, err = e.due(ctx, m, m.Message.Schedule.Next(e.Now(), e.Zone)); err != nil {
			return nil, err
		}
	}
	switch {
	case m.Approval != nil:
		l, err = s.instances(ctx)
	case m.Message != nil:
		l, err = Listing{Why: "messages are not listed"}, s.leavers(ctx)
	default:
		l, err = e.ding.List(ctx, m, func(page []Seen) error { return s.page(ctx, mapping.DingTalk, page, s.dingSeen) })
	}
	if err != nil {
		return nil, fmt.Errorf("listing dingtalk %ss: %w", m.Kind, err)
	}
	e.worked(mapping.DingTalk)
	s.stmt.DingTalk, s.stmt.Complete, s.stmt.Why = l.Count, l.Complete, l.Why
	s.cursors = l.Cursors
	if err := s.absent(ctx, l); err != nil {
		return nil, err
	}
	s.order()
	return s, s.refs.err
}

func newSweep(ctx context.Context, e *Engine, m *mapping.Mapping) *sweep {
	return &sweep{
		e: e, m: m, refs: e.newRefs(ctx), stmt: Statement{Mapping: m.Name, At: e.Now()},
		odooSeen: map[ID]bool{}, dingSeen: map[ID]bool{}, parents: map[Key]Key{}, changed: map[int64]string{}, newest: map[int64]string{}, onces: map[ID]string{}, listed: listedFields(m),
	}
}

// listedFields are the keys of the fields that the kind's list carries.
func listedFields(m *mapping.Mapping) map[string]bool {
	out := map[string]bool{}
	kind, _ := dingtalk.KindByName(m.Kind)
	for _, f := range m.Fields {
		if kf, ok := kind.Field(f.DingName); ok && kf.List {
			out[f.Key] = true
		}
	}
	return out
}

// page compares one page of a listing with the memory of its links.
func (s *sweep) page(ctx context.Context, side mapping.Side, page []Seen, listed map[ID]bool) error {
	ids := make([]ID, 0, len(page))
	for _, seen := range page {
		ids = append(ids, seen.ID)
		listed[seen.ID] = true
		if n, err := strconv.ParseInt(string(seen.ID), 10, 64); err == nil && seen.Written != "" {
			s.newest[n] = seen.Written
		}
	}
	if len(s.newest) > 10*witnesses {
		keepNewest(s.newest)
	}
	if err := s.prefetchSets(side, page); err != nil {
		return err
	}
	var on map[ID]*Link
	if err := s.e.Store.View(ctx, func(tx Tx) (err error) {
		on, err = tx.LinksOn(s.m.Name, side, ids)
		return err
	}); err != nil {
		return err
	}
	for _, seen := range page {
		l := on[seen.ID]
		var base mapping.View
		if l != nil {
			base = l.BaseView(side)
		}
		view, errs := s.m.View(side, seen.Record, base, s.refs, s.e.Zone)
		seen.View = view
		s.e.index.put(s.m, side, seen)
		switch {
		case l == nil || l.State == Held:
			s.stranger(side, seen, l)
		case s.differs(l, side, seen, len(errs) > 0):
			s.stmt.Differing++
			s.keys = append(s.keys, l.Key())
			s.e.ding.ask(l.Ding, time.Time{})
			s.told(l, side, seen)
		case side == mapping.DingTalk:
			s.rest = append(s.rest, l.Key())
		}
	}
	return nil
}

// prefetchSets reads at once whom the lists of a page name; single references are known, because their mappings' links were preloaded.
func (s *sweep) prefetchSets(side mapping.Side, page []Seen) error {
	if !slices.ContainsFunc(s.m.Fields, (*mapping.Field).Set) {
		return nil
	}
	records := make([]mapping.Record, 0, len(page))
	for _, seen := range page {
		if seen.Record != nil {
			records = append(records, seen.Record)
		}
	}
	return s.refs.prefetch(s.m, side, records)
}

// stranger notes a record without a link, and whom it refers to in its own mapping.
func (s *sweep) stranger(side mapping.Side, seen Seen, l *Link) {
	if seen.Existence != Present || seen.Elder || side == mapping.DingTalk && len(s.m.Match) == 0 && !s.m.CreateOdoo.Allowed {
		return // of the latter nothing can come
	}
	s.stmt.Strangers++
	key := RecordKey(s.m.Name, side, seen.ID)
	if l != nil {
		key = l.Key()
	}
	s.keys = append(s.keys, key)
	for _, f := range s.m.Fields {
		if f.Ref != s.m.Name || f.Name(side) == "" {
			continue
		}
		if id := refID(seen.Record[f.Name(side)]); id != "" && id != f.None {
			s.parents[key] = RecordKey(s.m.Name, side, ID(id))
		}
	}
}

// refID is the single id a raw reference names, "" when it names none or several.
func refID(raw any) string {
	switch v := raw.(type) {
	case map[string]any:
		return textOf(v["id"])
	case string:
		return v
	case int64:
		return textOf(v)
	case []any:
		if len(v) == 1 {
			return textOf(v[0])
		}
	}
	return ""
}

// differs says whether what was listed moved against the link's memory of that side, or the memory lacks a field.
func (s *sweep) differs(l *Link, side mapping.Side, seen Seen, invalid bool) bool {
	switch l.State {
	case Creating, Pending:
		return true
	case Retired:
		return seen.Existence == Present && l.Was[side] != Present
	case Baseline:
		return false
	case Settled:
		return side == mapping.Odoo && seen.Existence == Present && l.Was[side] == Finished && !s.done(seen)
	}
	if seen.Existence != Present || len(l.Sent) > 0 {
		removes := side == mapping.Odoo && s.m.RemoveDingTalk != mapping.RemoveNever // the rule may be new
		return s.toTell || removes || len(l.Sent) > 0 || l.Was[side] != seen.Existence
	}
	if l.Was[side] != Absent && l.Was[side] != seen.Existence {
		return true
	}
	for _, f := range s.m.Fields {
		v, ok := seen.View[f.Key]
		if !ok || v.IsUnknown() || f.OnCreate {
			continue
		}
		if f.Done {
			if s.done(seen) {
				return true
			}
			continue
		}
		base, has := l.Base(side, f)
		if has && base == v {
			continue
		}
		if !has && side == mapping.Odoo && s.listed[f.Key] {
			continue // if DingTalk shows the field, its listing tells
		}
		if h, held := l.Holds[f.Key]; held && heldValue(h, side) == v && len(h.On) == 0 && !s.toTell {
			continue
		}
		return true
	}
	for _, h := range l.Holds {
		if len(h.On) > 0 {
			return true // refused for a reason that may be gone: tried again by every sweep
		}
	}
	return invalid && len(l.Holds) == 0
}

func heldValue(h Hold, side mapping.Side) mapping.Value {
	if side == mapping.Odoo {
		return h.Odoo
	}
	return h.DingTalk
}

// order puts strangers after those they refer to; members of a cycle keep their order.
func (s *sweep) order() {
	depth := map[Key]int{}
	var find func(k Key, guard int) int
	find = func(k Key, guard int) int {
		if d, ok := depth[k]; ok {
			return d
		}
		parent, has := s.parents[k]
		if !has || guard > len(s.parents) {
			return 0
		}
		depth[k] = 0 // a cycle ends here
		d := find(parent, guard+1) + 1
		depth[k] = d
		return d
	}
	seen := make(map[Key]bool, len(s.keys))
	s.keys = slices.DeleteFunc(s.keys, func(k Key) bool {
		if seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
	slices.SortStableFunc(s.keys, func(a, b Key) int { return find(a, 0) - find(b, 0) })
}

// unlisted says whether the mapping has fields that DingTalk's list does not show.
func (s *sweep) unlisted() bool {
	return slices.ContainsFunc(s.m.Fields, func(f *mapping.Field) bool { return !f.OnCreate && f.DingName != "" && !s.listed[f.Key] })
}

// slowly is how many records are read one by one in Options.DeepEvery: half of what DingTalk allows, so that changes go on.
const slowly = 10

// touchesAtOnce bounds how long events wait to be stored while a sweep of a large company touches what it found.
const touchesAtOnce = 2000
