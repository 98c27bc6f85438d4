package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// sweepWhy says why a mapping is to be swept; it decides how soon.
type sweepWhy int

const (
	sweepAsked    sweepWhy = iota // by a person, a start, a reload: at once
	sweepMissed                   // events may have been missed: at once, at a slower pace not within missedEvery
	sweepWithheld                 // events come without content: not oftener than Options.SweepWithheld
	sweepNightly
)

// missedEvery is the usual rhythm of sweeps after gaps in the event stream, which DingTalk makes every one to three hours.
const missedEvery = time.Hour

// soonestSweep is when a mapping that was last swept at a time may be swept for the reason. Sweeps whose lists cost counted calls
// follow the pace of the quota, except those that somebody asked for. Pure.
func soonestSweep(why sweepWhy, last time.Time, counted bool, quota QuotaStatus, withheld time.Duration) time.Time {
	slower := counted && quota.Pace < 1
	switch {
	case why == sweepWithheld && slower:
		return quota.Soonest(last, max(withheld, missedEvery))
	case why == sweepWithheld:
		return last.Add(withheld)
	case why == sweepMissed && slower:
		return quota.Soonest(last, missedEvery)
	case why == sweepNightly && slower:
		return quota.Soonest(last, 24*time.Hour).Add(-12 * time.Hour) // the night that comes nearest
	}
	return time.Time{}
}

// sweepQueue holds which mappings are to be swept, and not before when.
type sweepQueue struct {
	mu   sync.Mutex
	want map[string]wantedSweep
	wake chan struct{} // something was added
}

type wantedSweep struct {
	at   time.Time
	why  sweepWhy
	deep bool // also read the linked records one by one, for what no list shows
}

func newSweepQueue() *sweepQueue {
	return &sweepQueue{want: map[string]wantedSweep{}, wake: make(chan struct{}, 1)}
}

// put asks for a sweep of the mapping; the earlier of two requests stands.
func (q *sweepQueue) put(name string, w wantedSweep) {
	q.mu.Lock()
	defer q.mu.Unlock()
	had, ok := q.want[name]
	w.deep = w.deep || had.deep
	if ok && (had.at.Before(w.at) || had.at.Equal(w.at) && had.why <= w.why) {
		w.at, w.why = had.at, had.why
	}
	q.want[name] = w
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes and returns the request for the mapping whose time has come.
func (q *sweepQueue) take(name string, now time.Time) (wantedSweep, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, ok := q.want[name]
	if !ok || w.at.After(now) {
		return wantedSweep{}, false
	}
	delete(q.want, name)
	return w, true
}

// next is when the earliest request is due, at most limit. Requests for mappings that are configured no more are dropped.
func (q *sweepQueue) next(limit time.Time, configured func(string) bool) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, w := range q.want {
		if !configured(name) {
			delete(q.want, name)
		} else if w.at.Before(limit) {
			limit = w.at
		}
	}
	return limit
}

// Sweep asks for a sweep of the mapping ("" = all) by the running engine, at once.
func (e *Engine) Sweep(name string) { e.wantSweep(name, wantedSweep{at: e.Now(), why: sweepAsked}) }

// MissedEvents says that events may have been missed: both sides are compared. gap says that there was a time in which none could
// come; without one, as between two connections of the stream that overlap, the lists will do.
func (e *Engine) MissedEvents(gap bool) {
	e.wantSweep("", wantedSweep{at: e.Now(), why: sweepMissed, deep: gap})
}

func (e *Engine) wantSweep(name string, w wantedSweep) {
	for _, m := range e.mappings().Ranked {
		if name == "" || m.Name == name {
			e.sweeps.put(m.Name, w)
		}
	}
}

// sweepLoop sweeps at the start, at the nightly time, and whenever it is asked to.
func (e *Engine) sweepLoop(ctx context.Context) error {
	e.wantSweep("", wantedSweep{at: e.Now(), why: sweepAsked, deep: true}) // what happened while nobody listened is not known
	night := e.nextNight(e.Now())
	for ctx.Err() == nil {
		now := e.Now()
		if until, stopped := e.halts.until(); stopped {
			e.pause(ctx, max(until.Sub(now), time.Millisecond))
			continue
		}
		if now.Before(night) {
			night = earlier(night, e.nextNight(now)) // a clock that went back has more nights
		} else {
			e.night(ctx)
			night = e.nextNight(now)
		}
		e.sweepDue(ctx)
		e.firstSweep.Do(func() { close(e.sweptOnce) })
		e.awaitSweep(ctx, e.sweeps.next(night, func(name string) bool { _, ok := e.mappings().Get(name); return ok }))
	}
	return nil
}

// awaitSweep waits for the time, a request, or the end.
func (e *Engine) awaitSweep(ctx context.Context, at time.Time) {
	timer := time.NewTimer(max(at.Sub(e.Now()), 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-e.sweeps.wake:
	case <-timer.C:
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// nextNight is the first time after now at which the nightly sweep is due.
func (e *Engine) nextNight(now time.Time) time.Time {
	next := midnight(now, e.Zone).Add(e.SweepAt)
	if !next.After(now) {
		next = midnight(now, e.Zone).AddDate(0, 0, 1).Add(e.SweepAt)
	}
	return next
}

// night asks for the sweeps of this night and forgets what is old.
func (e *Engine) night(ctx context.Context) {
	for _, m := range e.mappings().Ranked {
		soonest, _, err := e.soonest(ctx, m, sweepNightly)
		if err == nil && soonest.After(e.Now()) {
			e.Log.Info("sweep left out", zap.String("mapping", m.Name), zap.String("op", "sweep"), zap.Time("next_try", soonest),
				zap.String("reason", "counted calls are used up faster than the month passes"))
			continue
		}
		e.sweeps.put(m.Name, wantedSweep{at: e.Now(), why: sweepNightly, deep: true}) // whose turn tells what failed
	}
	e.prune(ctx)
}

// sweepDue sweeps the mappings that are due, those that are referred to first. One that fails does not keep the others waiting; it is
// tried again until it succeeds or is configured no more.
func (e *Engine) sweepDue(ctx context.Context) {
	for _, m := range e.mappings().Ranked {
		w, due := e.sweeps.take(m.Name, e.Now())
		if !due {
			continue
		}
		soonest, full, err := e.soonest(ctx, m, w.why)
		if err == nil && soonest.After(e.Now()) {
			e.sweeps.put(m.Name, wantedSweep{at: soonest, why: w.why, deep: w.deep})
			continue
		}
		if err == nil {
			err = e.sweepChecked(ctx, m, full && w.deep)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			wait := max(e.trouble(err, "sweeping "+m.Name), e.HaltBase)
			e.sweeps.put(m.Name, wantedSweep{at: e.Now().Add(wait), why: w.why, deep: w.deep})
		}
	}
}

// soonest is when the mapping may be swept for the reason, and whether there are calls to spare for reading single records.
func (e *Engine) soonest(ctx context.Context, m *mapping.Mapping, why sweepWhy) (at time.Time, full bool, err error) {
	quota := QuotaStatus{Pace: 1}
	counted := e.ding.client.ListCounts(m.Kind)
	var last Statement
	err = e.Store.View(ctx, func(tx Tx) (err error) {
		if last, err = lastStatement(tx, m.Name); err != nil || !counted {
			return err
		}
		quota, err = readQuota(tx, e.Now(), e.Zone, e.Quota)
		return err
	})
	return soonestSweep(why, last.At, counted, quota, e.SweepWithheld), quota.Pace >= 1, err
}

// lastStatement is what the mapping's last complete sweep ended with; zero when there was none.
func lastStatement(tx Tx, name string) (s Statement, err error) {
	raw, err := tx.Meta("statement/" + name)
	if err == nil && raw != "" {
		err = json.Unmarshal([]byte(raw), &s)
	}
	if err != nil {
		err = fmt.Errorf("the stored statement of %s: %w", name, err)
	}
	return s, err
}

// sweepChecked sweeps the mapping on the database that was confirmed.
func (e *Engine) sweepChecked(ctx context.Context, m *mapping.Mapping, deep bool) error {
	if err := e.CheckDatabase(ctx); err != nil {
		return err
	}
	return e.sweepMapping(ctx, m, deep)
}

// prune forgets what is older than the configured retention.
func (e *Engine) prune(ctx context.Context) {
	err := e.Store.Update(ctx, func(tx Tx) error {
		inbox := e.Now().Add(-e.Retention.Inbox)
		if _, err := tx.PruneEvents(inbox); err != nil {
			return err
		}
		if err := e.pruneKept(tx, inbox); err != nil {
			return err
		}
		history := e.Now().Add(-e.Retention.History)
		if _, err := tx.PruneQuota(earlier(history, e.Now().AddDate(0, -2, 0)).In(e.Zone).Format(time.DateOnly)); err != nil {
			return err
		}
		if _, err := tx.PruneHistory(history); err != nil {
			return err
		}
		if _, err := tx.PruneTold(e.day()); err != nil {
			return err
		}
		return e.pruneMessages(tx)
	})
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("failed", zap.String("op", "prune"), zap.String("reason", err.Error()))
	}
}

// kindsOf are the kinds of which an event of the type may tell; nil when nobody knows, as without a type.
func kindsOf(eventType string) []string {
	if eventType == "" {
		return nil
	}
	kinds := []string{}
	for _, k := range dingtalk.Kinds() {
		if slices.Contains(k.Events, eventType) {
			kinds = append(kinds, k.Name)
		}
	}
	return kinds
}
