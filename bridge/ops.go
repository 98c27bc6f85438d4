package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// PlanMappings looks at both sides completely and yields the plan of every record that is not in sync, mappings that are
// referred to first. It never writes, neither there nor in the store: it never calls apply or save. Empty names mean all.
// progress, if given, is called with what is being done and how far it is (total 0 = unknown).
func (e *Engine) PlanMappings(ctx context.Context, names []string, yield func(*Plan) error, progress func(doing string, done, total int)) (PlanCounts, error) {
	var counts PlanCounts
	e.dryLeft = map[string]map[Risk]int{}
	tell := func(doing string, done, total int) {
		if progress != nil {
			progress(doing, done, total)
		}
	}
	overlay := e.newRefs(ctx) // what the plan would link is known to the records that come after
	for _, m := range e.mappings().Ranked {
		if len(names) > 0 && !slices.Contains(names, m.Name) {
			continue
		}
		tell("reading "+m.Name, 0, 0)
		s, err := e.survey(ctx, m, true)
		if err != nil {
			return counts, err
		}
		counts.Remembered += s.leaveAside()
		keys, err := e.withWork(ctx, m, s.keys)
		if err != nil {
			return counts, err
		}
		done := 0
		for chunk := range slices.Chunk(keys, e.BatchSize) {
			plans, err := e.planKeys(ctx, m, chunk, overlay)
			if err != nil {
				return counts, err
			}
			for _, p := range plans {
				if p.Quiet() {
					continue
				}
				counts.Add(p.Counts())
				if err := yield(p); err != nil {
					return counts, err
				}
			}
			done += len(chunk)
			tell("planning "+m.Name, done, len(keys))
		}
	}
	return counts, nil
}

// withWork adds the keys that are dirty already, such as those of a running daemon.
func (e *Engine) withWork(ctx context.Context, m *mapping.Mapping, keys []Key) ([]Key, error) {
	have := make(map[Key]bool, len(keys))
	for _, k := range keys {
		have[k] = true
	}
	err := e.Store.View(ctx, func(tx Tx) error {
		links, err := tx.LinkIDs(m.Name)
		if err != nil {
			return err
		}
		ids := make(map[int64]bool, len(links))
		for _, l := range links {
			ids[l.ID] = true
		}
		rows, err := tx.Due(m.Name, e.Now().Add(365*24*time.Hour), 100_000)
		for _, w := range rows {
			if !have[w.Key] && (w.Key.Link == 0 || ids[w.Key.Link]) {
				keys = append(keys, w.Key)
			}
		}
		return err
	})
	return keys, err
}

// planKeys makes the plans of some keys of one mapping without applying them.
func (e *Engine) planKeys(ctx context.Context, m *mapping.Mapping, keys []Key, overlay *refs) ([]*Plan, error) {
	ctx = dingtalk.WithCaller(ctx, m.Name)
	b := &batch{e: e, ctx: ctx, m: m, now: e.Now(), refs: overlay, dry: true}
	works := make([]Work, len(keys))
	for i, k := range keys {
		works[i] = Work{Key: k}
	}
	if err := b.load(works); err != nil {
		return nil, err
	}
	b.look()
	var plans []*Plan
	for rest := b.tasks; len(rest) > 0; {
		wave := b.plan(rest)
		if err := b.guard(wave); err != nil {
			return nil, err
		}
		for _, t := range wave {
			if t.fail != nil {
				if t.fail.Class == FailHalt {
					return nil, t.fail
				}
				plans = append(plans, &Plan{Mapping: m, Odoo: t.odoo, Ding: t.ding, refs: overlay, Notes: []Note{{Reason: "cannot be read now: " + t.fail.Words}}})
				continue
			}
			b.pretend(t)
			if t.plan != nil {
				plans = append(plans, t.plan)
			}
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(t *task) bool { return t.absorbed || slices.Contains(wave, t) })
	}
	return plans, b.refs.err
}

// pretend makes what a plan would link known to the records planned after it, under a number no stored link has.
func (b *batch) pretend(t *task) {
	if t.plan == nil {
		return
	}
	for _, c := range append(slices.Clone(t.plan.Changes), overChanges(t.plan)...) {
		if c.Op != OpCreate {
			continue
		}
		b.refs.virtual--
		l := &Link{ID: b.refs.virtual, Mapping: b.m.Name, State: Linked, Odoo: t.odoo.ID, Ding: t.ding.ID}
		if c.Side == mapping.DingTalk {
			l.Ding = ID("(new:" + c.Key + ")")
		} else {
			l.Odoo = ID("(new:" + c.Key + ")")
		}
		b.refs.learn(l)
	}
	if t.plan.Match != nil && t.plan.Link.ID == 0 {
		b.refs.virtual--
		l := *t.plan.Link
		l.ID = b.refs.virtual
		b.refs.learn(&l)
	}
	if t.plan.Match != nil {
		b.refs.matched[Await{Mapping: b.m.Name, Side: t.plan.Match.Side, ID: t.plan.Match.ID}] = true
	}
}

func overChanges(p *Plan) []*Change {
	var out []*Change
	for _, w := range p.Over {
		out = append(out, w.Change)
	}
	return out
}

// SyncOnce sweeps the mappings (empty = all) and works until nothing is due any more. It takes the store's lock: ErrLocked when
// a daemon runs, whose store can then be touched instead (RequestSweep). Keys that wait for a time in the future, such as
// retries, are waited for up to patience.
func (e *Engine) SyncOnce(ctx context.Context, names []string, patience time.Duration, progress func(doing string, done, total int)) (err error) {
	ctx, release, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	stop := e.keepingQuota(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	if err := e.takeOver(ctx); err != nil {
		return err
	}
	if err := e.CheckDatabase(ctx); err != nil {
		return err
	}
	for _, m := range e.mappings().Ranked {
		if len(names) > 0 && !slices.Contains(names, m.Name) {
			continue
		}
		if progress != nil {
			progress("reading "+m.Name, 0, 0)
		}
		if err := e.sweepMapping(ctx, m, false); err != nil {
			return err
		}
	}
	return e.drain(ctx, e.Now().Add(patience), progress)
}

// drain works until nothing is due before the deadline.
func (e *Engine) drain(ctx context.Context, deadline time.Time, progress func(doing string, done, total int)) error {
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		worked, err := e.workOnce(ctx)
		if err != nil {
			return err
		}
		if until, stopped := e.halts.until(); stopped {
			if until.After(deadline) {
				return e.stopFailure()
			}
			e.sleepUntil(ctx, until)
			continue
		}
		if progress != nil && worked {
			left, err := e.dirty(ctx)
			if err != nil {
				return err
			}
			total = max(total, left)
			progress("working", total-left, total)
		}
		if worked {
			continue
		}
		next, any, err := e.nextDue(ctx)
		if err != nil || !any || next.After(deadline) {
			return err
		}
		e.sleepUntil(ctx, next)
	}
}

// stopFailure is the failure of the halt that stops everything.
func (e *Engine) stopFailure() error {
	for _, h := range e.Halted() {
		if stopsAll(h.Scope) {
			return &Failure{Class: FailHalt, Scope: h.Scope, Words: h.Why}
		}
	}
	return nil
}

func (e *Engine) dirty(ctx context.Context) (int, error) {
	n := 0
	err := e.Store.View(ctx, func(tx Tx) error {
		dirty, _, err := countWork(tx, e.Now())
		for _, d := range dirty {
			n += d
		}
		return err
	})
	return n, err
}

// ErrNoLink says that a command named a record no link holds.
var ErrNoLink = errors.New("no link holds this record")

// linksOf finds the links of a record over all mappings that read its model or kind.
func linksOf(tx Tx, set *mapping.Set, ref Ref) ([]*Link, error) {
	var out []*Link
	for _, m := range set.Mappings {
		if (ref.Side == mapping.Odoo && m.Model != ref.Kind) || (ref.Side == mapping.DingTalk && m.Kind != ref.Kind) {
			continue
		}
		on, err := tx.LinksOn(m.Name, ref.Side, []ID{ref.ID})
		if err != nil {
			return nil, err
		}
		if l := on[ref.ID]; l != nil {
			out = append(out, l)
		}
	}
	return out, nil
}

// Release lets the waiting operations of a guard list go: each is carried out if the change is still the same when it is
// planned again. It returns how many.
func Release(ctx context.Context, s Store, list int64) (n int, err error) {
	err = s.Update(ctx, func(tx Tx) error {
		n, err = tx.Release(list)
		return err
	})
	return n, err
}

// Resolve records a person's decision on held conflicts of a record: the side whose value shall stand. Empty field = all held
// fields. ErrNoLink when no link holds the record; an error naming the field when it is not in conflict.
func Resolve(ctx context.Context, s Store, set *mapping.Set, ref Ref, field string, take mapping.Side) (n int, err error) {
	err = s.Update(ctx, func(tx Tx) error {
		links, err := linksOf(tx, set, ref)
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return fmt.Errorf("%s: %w", ref, ErrNoLink)
		}
		for _, l := range links {
			for key, h := range l.Holds {
				if h.Kind != HeldConflict || (field != "" && key != field) {
					continue
				}
				if l.Take == nil {
					l.Take = map[string]mapping.Side{}
				}
				l.Take[key] = take
				n++
			}
			if err := tx.PutLink(l); err != nil {
				return err
			}
			if err := tx.Touch(time.Time{}, l.Key()); err != nil {
				return err
			}
		}
		if n == 0 {
			what := "nothing"
			if field != "" {
				what = field
			}
			return fmt.Errorf("%s: %s is held in conflict there; see: dingbridge explain %s", ref, what+" (no conflict)", ref)
		}
		return nil
	})
	return n, err
}

// Retry makes held and failing work due again at once: of one record, or of everything when ref is nil. It returns how many
// keys were touched.
func Retry(ctx context.Context, s Store, set *mapping.Set, ref *Ref) (n int, err error) {
	err = s.Update(ctx, func(tx Tx) error {
		var keys []Key
		if ref != nil {
			links, err := linksOf(tx, set, *ref)
			if err != nil {
				return err
			}
			for _, l := range links {
				if err := tryAgain(tx, l); err != nil {
					return err
				}
				keys = append(keys, l.Key())
			}
			for _, m := range set.Mappings {
				if (ref.Side == mapping.Odoo && m.Model == ref.Kind) || (ref.Side == mapping.DingTalk && m.Kind == ref.Kind) {
					keys = append(keys, RecordKey(m.Name, ref.Side, ref.ID))
				}
			}
		} else {
			for _, m := range set.Mappings {
				for l, err := range tx.Links(m.Name) {
					if err != nil {
						return err
					}
					if len(l.Holds) > 0 {
						if err := tryAgain(tx, l); err != nil {
							return err
						}
						keys = append(keys, l.Key())
					}
				}
			}
			rows, err := tx.WorkRows(100_000)
			if err != nil {
				return err
			}
			for _, w := range rows {
				keys = append(keys, w.Key)
			}
		}
		for _, k := range keys {
			if err := tx.StopAwaiting(k); err != nil { // a hold whose wait is gone is tried again
				return err
			}
		}
		n = len(keys)
		return tx.Touch(time.Time{}, keys...)
	})
	return n, err
}

// tryAgain takes away the holds that a further try may lift; a conflict needs a decision (Resolve).
func tryAgain(tx Tx, l *Link) error {
	n := len(l.Holds)
	maps.DeleteFunc(l.Holds, func(_ string, h Hold) bool { return h.Kind != HeldConflict })
	again := l.Occurrence != nil && (l.State == Settled || l.State == Linked)
	if again {
		l.Occurrence.Look = true
		l.Occurrence.Left = l.State == Settled // a submission that no poll saw leave is started by a person
	}
	if l.Errand != nil {
		l.Errand.Look = true
	}
	if len(l.Holds) == n && !again && l.Errand == nil {
		return nil
	}
	return tx.PutLink(l)
}

// LinkRecords joins two records by a person's decision. Neither may be in a living link of the mapping.
func LinkRecords(ctx context.Context, s Store, m *mapping.Mapping, odooID, dingID ID) error {
	return s.Update(ctx, func(tx Tx) error {
		for _, at := range []struct {
			s  mapping.Side
			id ID
		}{{mapping.Odoo, odooID}, {mapping.DingTalk, dingID}} {
			on, err := tx.LinksOn(m.Name, at.s, []ID{at.id})
			if err != nil {
				return err
			}
			old := on[at.id]
			switch {
			case old == nil || old.State == Retired:
			case old.State == Held:
				if err := tx.DeleteLink(old.ID); err != nil {
					return err
				}
			default:
				return fmt.Errorf("%s %s is linked already, to %s %s; forget that link first", at.s, at.id, at.s.Other(), old.On(at.s.Other()))
			}
		}
		l := &Link{Mapping: m.Name, State: Linked, Odoo: odooID, Ding: dingID, Updated: time.Now()}
		if err := tx.PutLink(l); err != nil {
			return err
		}
		if err := tx.AppendHistory(HistoryRow{At: l.Updated, Mapping: m.Name, Link: l.ID, Odoo: odooID, Ding: dingID, Op: "link", Reason: "linked by a person", Version: m.Version}); err != nil {
			return err
		}
		return tx.Touch(time.Time{}, l.Key())
	})
}

// ForgetRecord drops the links of a record without touching either side; ErrNoLink when there are none.
func ForgetRecord(ctx context.Context, s Store, set *mapping.Set, ref Ref) (n int, err error) {
	err = s.Update(ctx, func(tx Tx) error {
		links, err := linksOf(tx, set, ref)
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return fmt.Errorf("%s: %w", ref, ErrNoLink)
		}
		n = len(links)
		return forget(tx, links)
	})
	return n, err
}

// ForgetMapping drops all links of a mapping without touching either side.
func ForgetMapping(ctx context.Context, s Store, name string) (n int, err error) {
	err = s.Update(ctx, func(tx Tx) error {
		var links []*Link
		for l, err := range tx.Links(name) {
			if err != nil {
				return err
			}
			links = append(links, l)
		}
		n = len(links)
		return forget(tx, links)
	})
	return n, err
}

func forget(tx Tx, links []*Link) error {
	for _, l := range links {
		for _, key := range []Key{RecordKey(l.Mapping, mapping.Odoo, l.Odoo), RecordKey(l.Mapping, mapping.DingTalk, l.Ding)} {
			if err := tx.DropWaiting(key); err != nil {
				return err
			}
		}
		if err := tx.StopAwaiting(l.Key()); err != nil {
			return err
		}
		if err := tx.DropWork(l.Key()); err != nil {
			return err
		}
		if err := tx.AppendHistory(HistoryRow{At: time.Now(), Mapping: l.Mapping, Link: l.ID, Odoo: l.Odoo, Ding: l.Ding, Op: "forget", Reason: "forgotten by a person"}); err != nil {
			return err
		}
		if err := tx.DeleteLink(l.ID); err != nil {
			return err
		}
	}
	return nil
}
