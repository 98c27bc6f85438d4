package bridge

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
)

// scopePushes is the halt of events whose contents DingTalk withholds (20001). Nothing else pauses: what they tell is found by sweeps.
const scopePushes = "pushes"

// ReadQuota reads what was used of the month's quotas.
func ReadQuota(ctx context.Context, s Store, now time.Time, zone *time.Location, limits QuotaLimits) (st QuotaStatus, err error) {
	err = s.View(ctx, func(tx Tx) error {
		st, err = readQuota(tx, now, zone, limits)
		return err
	})
	return st, err
}

func readQuota(tx Tx, now time.Time, zone *time.Location, limits QuotaLimits) (QuotaStatus, error) {
	counts, err := tx.Quota(firstDay(now, zone), now.In(zone).Format(time.DateOnly))
	return quotaOf(counts, now, zone, limits), err
}

// quotaLedger holds the calls that were counted and are not in the store yet.
type quotaLedger struct {
	mu     sync.Mutex
	unkept map[QuotaCount]int64 // keys without N
	failed bool                 // the last try to keep them
}

// KeepQuota writes the calls that DingTalk answered since last time to the store. What cannot be written waits for the next time.
func (e *Engine) KeepQuota(ctx context.Context) error {
	l := &e.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, call := range e.ding.client.TakeCalls() {
		c := QuotaCount{Day: e.day(), What: QuotaCall, Counted: call.Counted, Mapping: call.Caller, Name: call.Path}
		if call.Push {
			c.What, c.Counted = QuotaPush, true
			e.Metrics.pushes.WithLabelValues(classOf(c.Counted)).Add(float64(call.N))
		} else {
			e.Metrics.calls.WithLabelValues(classOf(call.Counted), call.Caller).Add(float64(call.N))
		}
		l.unkept[c] += call.N
	}
	if len(l.unkept) == 0 {
		return nil
	}
	counts := make([]QuotaCount, 0, len(l.unkept))
	for c, n := range l.unkept {
		c.N = n
		counts = append(counts, c)
	}
	err := e.Store.Update(ctx, func(tx Tx) error { return tx.AddQuota(counts...) })
	if err == nil {
		clear(l.unkept)
	}
	return err
}

// class is what metrics call the push.
func (c QuotaCount) class() string {
	if c.What == QuotaWithheld {
		return string(QuotaWithheld)
	}
	return classOf(c.Counted)
}

// classOf is how metrics call what counts and what does not.
func classOf(counted bool) string {
	if counted {
		return "counted"
	}
	return "free"
}

// keepingQuota keeps the ledger in the store until stop, which writes the rest. Not each call has a transaction of its own: a crash
// loses what was counted in the last few seconds. Calls that were made count, whoever is the active one by then: no lease is needed.
func (e *Engine) keepingQuota(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(WithLease(ctx, nil))
	var wg sync.WaitGroup
	wg.Go(func() {
		for e.pause(ctx, e.QuotaEvery) {
			e.watchQuota()
			err := e.KeepQuota(ctx)
			if err == nil {
				err = e.showQuota(ctx)
			}
			if ctx.Err() == nil {
				e.tellLedger(err)
			}
		}
	})
	return func() error {
		cancel()
		wg.Wait()
		ending, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer end()
		return e.KeepQuota(ending)
	}
}

// showQuota sets the gauges of the month's quotas.
func (e *Engine) showQuota(ctx context.Context) error {
	st, err := ReadQuota(ctx, e.Store, e.Now(), e.Zone, e.Quota)
	if err == nil {
		e.Metrics.showQuota(st)
	}
	return err
}

// tellLedger logs the first of several failures in a row.
func (e *Engine) tellLedger(err error) {
	e.ledger.mu.Lock()
	told := e.ledger.failed
	e.ledger.failed = err != nil
	e.ledger.mu.Unlock()
	if err != nil && !told {
		e.Log.Warn("failed", zap.String("op", "quota"), zap.String("reason", err.Error()))
	}
}

// watchQuota begins and ends the halt of counted calls as the client finds the quota used up, raised, or the month turned.
func (e *Engine) watchQuota() {
	gone := e.ding.client.QuotaGone()
	switch has := e.halts.has(dingtalk.ScopeCounted); {
	case gone == nil && has:
		e.halts.worked(dingtalk.ScopeCounted)
	case gone != nil && !has:
		e.halts.add(classify(gone), "")
	}
}

// KeepEvent stores an event durably, and counts its push in the same transaction; fresh is false when it was received before: then
// nothing is written. counts says which types of events count against the quota of pushes. class is what metrics call the push, ""
// when the event was fetched or is not fresh.
func KeepEvent(ctx context.Context, s Store, ev InboxEvent, zone *time.Location, counts func(eventType string) bool) (fresh bool, class string, err error) {
	ev = kept(ev)
	push, pushed := pushOf(ev, zone, counts)
	err = s.Update(ctx, func(tx Tx) error {
		if fresh, err = tx.AddEvent(ev); err != nil || !fresh || !pushed {
			return err
		}
		class = push.class()
		return tx.AddQuota(push)
	})
	return fresh, class, err
}

// pushOf is what an event counts; false for one that was fetched.
func pushOf(ev InboxEvent, zone *time.Location, counts func(string) bool) (QuotaCount, bool) {
	c := QuotaCount{Day: ev.Received.In(zone).Format(time.DateOnly), What: QuotaPush, Counted: counts(ev.Type), Name: ev.Type, N: 1}
	if withheld(ev) {
		c.What = QuotaWithheld
	}
	return c, ev.Via != ViaFailedList
}

func withheld(ev InboxEvent) bool { return dingtalk.Event{Data: ev.Data}.QuotaExceeded() }

// handleWithheld lets sweeps find what an event without content may have told: those of its kind, or all where even that is not told.
func (e *Engine) handleWithheld(ev InboxEvent) {
	_, ends := monthOf(e.Now(), e.Zone)
	e.halts.add(&Failure{Class: FailHalt, Scope: scopePushes, After: ends.Sub(e.Now()), Words: wordsPushesGone}, "")
	for _, m := range e.mappings().Ranked {
		if kinds := kindsOf(ev.Type); kinds == nil || slices.Contains(kinds, m.Kind) {
			e.wantSweep(m.Name, wantedSweep{at: e.Now(), why: sweepWithheld, deep: true})
		}
	}
}

// What a person reads about a quota that is used up.
const (
	wordsQuotaGone  = "the month's quota of counted calls is used up"
	wordsPushesGone = "the month's quota of event pushes is used up (20001): events come without content, and both sides are compared instead"
)
