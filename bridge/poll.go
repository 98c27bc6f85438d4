package bridge

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// pollState is what the polls of this process know about each model's clock.
type pollState struct {
	mu      sync.Mutex
	at      map[string]*modelClock
	missing map[string]map[int64]bool // links, by mapping, of whose missing records was told already
}

// tellMissing notes that of these links of a mapping, and of no others, was told that their records are missing.
func (p *pollState) tellMissing(name string, links map[int64]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.missing == nil {
		p.missing = map[string]map[int64]bool{}
	}
	p.missing[name] = links
}

// toldMissing are the links of a mapping of whose missing records was told already.
func (p *pollState) toldMissing(name string) map[int64]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missing[name]
}

// modelClock follows Odoo's own times: up to when everything was handled, and the process's monotonic clock at that moment. Odoo
// stamps the transaction's start and shows whole seconds (odoo/fields.py: Datetime.to_string), so a poll reads an overlap again.
type modelClock struct {
	reached time.Time // by Odoo's clock; moves only after a poll that succeeded
	sawAt   time.Time // when this process got there
	header  time.Time // the last Date header
}

// secondLook is the suffix under which rows are remembered that are looked at once more soon.
const secondLook = " again"

// odooTime is how Odoo writes an instant: UTC, whole seconds.
const odooTime = "2006-01-02 15:04:05"

// pollModel reads which records of the model were written since the floor and touches the keys of those not handled yet.
// One poll serves all mappings of the model; their domains are tested when the keys are worked on.
func (e *Engine) pollModel(ctx context.Context, model string) error {
	touched, back := 0, false
	for _, rows := range e.rowsOf(model) {
		some, wentBack, err := e.pollRows(ctx, rows)
		if err != nil {
			return err
		}
		touched, back = touched+some, back || wentBack
	}
	if touched > 0 {
		if err := e.leaveSign(ctx, model); err != nil {
			return err
		}
	}
	if model == activityModel || model == meetingModel {
		missing, err := e.touchVanished(ctx, model)
		if err != nil {
			return err
		}
		touched += missing
	}
	if touched > 0 {
		e.nudge()
	}
	if back {
		e.Log.Warn("odoo's clock went back; reading everything again", zap.String("model", model))
		for _, rows := range e.rowsOf(model) {
			if err := e.polls.reset(ctx, e.Store, rows.model); err != nil {
				return err
			}
		}
		e.Sweep("")
	}
	return nil
}

// pollRows touches the records whose rows were written since the floor, and says whether Odoo's clock went back.
func (e *Engine) pollRows(ctx context.Context, r polledRows) (touched int, back bool, err error) {
	clock, err := e.clockOf(ctx, r.model)
	if err != nil {
		return 0, false, err
	}
	floor := e.floor(clock)
	began := time.Now()
	rows, err := e.writtenSince(ctx, r, floor)
	if err != nil {
		return 0, false, err
	}
	e.halts.worked("odoo", "credentials")
	back = e.clockWentBack(clock)
	next := clock.carried(began, rows)
	if touched, err = e.touchPolled(ctx, r, rows, clock.closed(rows, next), floor); err != nil {
		return 0, false, err
	}
	clock.reached, clock.sawAt = next, began
	return touched, back, nil
}

// clockOf returns the model's clock, started from the newest write_date Odoo has.
func (e *Engine) clockOf(ctx context.Context, model string) (*modelClock, error) {
	e.polls.mu.Lock()
	clock := e.polls.at[model]
	e.polls.mu.Unlock()
	if clock != nil {
		return clock, nil
	}
	clock = &modelClock{}
	newest, err := e.odoo.client.SearchRead(ctx, model, nil, []string{"write_date"},
		odoo.Options{Order: "write_date desc", Limit: 1, Context: readsOf(model)})
	if err != nil {
		return nil, err
	}
	if len(newest) > 0 {
		if stamp, ok := newest[0]["write_date"].(string); ok {
			clock.reached, _ = time.Parse(odooTime, stamp)
		}
	}
	if now, ok := e.odoo.client.ServerTime(); ok && clock.reached.After(now) {
		clock.reached = now // a record stamped in the future must not blind the poll
	}
	clock.sawAt = time.Now()
	if err := e.Store.View(ctx, func(tx Tx) error {
		saved, err := tx.Meta("floor/" + model)
		if at, perr := time.Parse(odooTime, saved); perr == nil && at.Add(e.Overlap).Before(clock.reached) {
			clock.reached = at.Add(e.Overlap) // what happened while nobody polled
		}
		return err
	}); err != nil {
		return nil, err
	}
	e.polls.mu.Lock()
	defer e.polls.mu.Unlock()
	if e.polls.at == nil {
		e.polls.at = map[string]*modelClock{}
	}
	e.polls.at[model] = clock
	return clock, nil
}

// reset forgets the model's clock, the saved one too.
func (p *pollState) reset(ctx context.Context, s Store, model string) error {
	p.mu.Lock()
	delete(p.at, model)
	p.mu.Unlock()
	return s.Update(ctx, func(tx Tx) error { return tx.DeleteMeta("floor/" + model) })
}

// floor is where the next poll starts: what was reached, less the overlap.
func (e *Engine) floor(c *modelClock) time.Time {
	if c.reached.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return c.reached.Add(-e.Overlap)
}

// carried is what a poll that began at the time reaches: the last point carried on by this process's own clock, or what it saw
// beyond that, but never beyond Odoo's own present.
func (c *modelClock) carried(began time.Time, rows map[int64]string) time.Time {
	next := c.reached
	if !next.IsZero() {
		next = next.Add(began.Sub(c.sawAt))
	}
	for _, stamp := range rows {
		if at, err := time.Parse(odooTime, stamp); err == nil && at.After(next) {
			next = at
		}
	}
	if !c.header.IsZero() && next.After(c.header) {
		next = c.header
	}
	if next.Before(c.reached) {
		return c.reached
	}
	return next
}

// closed are the rows whose second is over. A second edit may still come within the present one and would show the same
// write_date, so those rows are looked at again.
func (c *modelClock) closed(rows map[int64]string, now time.Time) map[int64]string {
	if c.header.After(now) {
		now = c.header
	}
	out := maps.Clone(rows)
	maps.DeleteFunc(out, func(_ int64, stamp string) bool {
		at, err := time.Parse(odooTime, stamp)
		return err == nil && !at.Before(now.Truncate(time.Second))
	})
	return out
}

// clockWentBack says whether Odoo's Date header jumped back by more than the overlap.
func (e *Engine) clockWentBack(c *modelClock) bool {
	now, ok := e.odoo.client.ServerTime()
	if !ok {
		return false
	}
	back := !c.header.IsZero() && now.Before(c.header.Add(-e.Overlap))
	c.header = now
	return back
}

// touchPolled touches what was not handled, and once more what leaves the overlap, and saves the floor, in one transaction.
func (e *Engine) touchPolled(ctx context.Context, r polledRows, rows, closed map[int64]string, floor time.Time) (int, error) {
	model, ms := r.model, e.polledBy(r.of)
	touched := 0
	var dearly []polledTouch
	err := e.Store.Update(ctx, func(tx Tx) error {
		dearly = nil
		seen, err := tx.Seen(model, rows)
		if err != nil {
			return err
		}
		var changed []int64
		fresh := map[int64]string{}
		for id, stamp := range rows {
			if !seen[id] {
				changed = append(changed, id)
				fresh[id] = stamp
			}
		}
		// A transaction that began within the same second and commits later shows the same write_date: every row is looked at once
		// more soon, and once more when it leaves the overlap.
		soon, err := tx.PruneSeen(model+secondLook, floor.Add(e.Overlap-e.SecondLook).Format(odooTime))
		if err != nil {
			return err
		}
		left, err := tx.PruneSeen(model, floor.Format(odooTime))
		if err != nil {
			return err
		}
		changed = slices.Concat(changed, soon, left)
		slices.Sort(changed) // in the order in which they were made: messages are told in it
		changed = slices.Compact(changed)
		ids := make([]ID, len(changed))
		for i, id := range changed {
			ids[i] = odooID(id)
		}
		if err := tx.MarkSeen(model+secondLook, fresh); err != nil {
			return err
		}
		touched = len(ids)
		for _, m := range ms {
			if dear(m.Kind) {
				touches, err := touchDear(tx, m, ids)
				if err != nil {
					return err
				}
				dearly = append(dearly, touches...)
				continue
			}
			if err := touchRecords(tx, m, mapping.Odoo, ids, atOnce); err != nil {
				return err
			}
		}
		if err := tx.MarkSeen(model, closed); err != nil {
			return err
		}
		if touched > 0 && r.about == "" {
			if err := bearWitness(tx, model, rows); err != nil {
				return err
			}
		}
		return tx.SetMeta("floor/"+model, floor.Format(odooTime))
	})
	if err == nil {
		e.polled.note(dearly)
	}
	return touched, err
}

// atOnce makes a key due at once.
func atOnce(Key) time.Time { return time.Time{} }

// touchRecords makes records of one side due: under their link's key where they have one. Who waits for a stranger is woken; who waits
// for a linked record is woken when its own turn finds that something changed, because a poll shows the same change several times.
func touchRecords(tx Tx, m *mapping.Mapping, s mapping.Side, ids []ID, due func(Key) time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	on, err := tx.LinksOn(m.Name, s, ids)
	if err != nil {
		return err
	}
	keys := map[time.Time][]Key{}
	awaits := make([]Await, 0, len(ids))
	for _, id := range ids {
		key := RecordKey(m.Name, s, id)
		if l := on[id]; l != nil {
			key = l.Key()
		}
		if l := on[id]; l == nil || l.State != Linked {
			awaits = append(awaits, Await{Mapping: m.Name, Side: s, ID: id})
		}
		at := due(key)
		keys[at] = append(keys[at], key)
	}
	if _, err := tx.Wake(awaits...); err != nil {
		return err
	}
	for at, list := range keys {
		if err := tx.Touch(at, list...); err != nil {
			return err
		}
	}
	return nil
}

// pollLoop polls one model at the interval, until the context ends. A failing poll halts its scope and is tried again.
func (e *Engine) pollLoop(ctx context.Context, model string) {
	for {
		every := e.pollEvery(model)
		if every == 0 {
			return // no mapping reads the model any more
		}
		if until, stopped := e.halts.until(); stopped {
			every = max(until.Sub(e.Now()), time.Millisecond)
		} else if err := e.pollModel(ctx, model); err != nil {
			if ctx.Err() != nil {
				return
			}
			e.Metrics.polls.WithLabelValues(model, "failed").Inc()
			every = e.trouble(err, "polling "+model)
		} else {
			e.Metrics.polls.WithLabelValues(model, "ok").Inc()
		}
		if !e.pause(ctx, every) {
			return
		}
	}
}

// trouble records a failure outside a record's own work and returns how long to wait.
func (e *Engine) trouble(err error, doing string) time.Duration {
	f := classify(err)
	if f.Class == FailHalt {
		return max(e.halts.add(f, "").Sub(e.Now()), time.Millisecond)
	}
	e.Log.Warn("failed", zap.String("op", doing), zap.String("reason", f.Words))
	return max(f.After, e.RetryBase)
}

// pause waits; false when the context ended.
func (e *Engine) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// pollEvery is the shortest interval any mapping of the model asks for; 0 when there is none.
func (e *Engine) pollEvery(model string) time.Duration {
	var every time.Duration
	for _, m := range e.polledBy(model) {
		d := m.Poll
		if d == 0 {
			d = e.Poll
		}
		if every == 0 || d < every {
			every = d
		}
	}
	return every
}

// models are the Odoo models the mappings read.
func (e *Engine) models() []string {
	var out []string
	for _, m := range e.mappings().Mappings {
		if polls(m) && !slices.Contains(out, m.Model) {
			out = append(out, m.Model)
		}
	}
	return out
}
