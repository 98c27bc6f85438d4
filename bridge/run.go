package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"dingbridge/mapping"
)

// worked ends the halts of a side after a call that succeeded.
func (e *Engine) worked(s mapping.Side) {
	if s == mapping.Odoo {
		e.halts.worked("odoo", "credentials")
	} else {
		e.halts.worked("dingtalk", "app", "ip")
	}
}

// wroteTo ends the halts of a side after a write that succeeded, those of single calls too.
func (e *Engine) wroteTo(s mapping.Side) {
	e.worked(s)
	e.halts.wrote(s)
}

// Halted lists what pauses and why.
func (e *Engine) Halted() []Halted {
	e.watchQuota()
	return e.halts.list()
}

// Run keeps the two sides in step until the context ends: it polls, sweeps, turns events into work and does the work. Failures
// of a far side never end it. It works under the lease of the context, or takes the store's itself: ErrLocked when another process is
// active. It returns ErrLeaseLost when the lease is lost meanwhile, and nil when the context ends.
func (e *Engine) Run(ctx context.Context) error {
	ctx, release, err := e.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	stop := e.keepingQuota(ctx)
	defer func() { e.tellLedger(stop()) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return onLeaseLost(ctx) })
	g.Go(func() error {
		if err := e.firstLook(ctx); err != nil || !e.firstCheck(ctx) {
			return err
		}
		e.compareClock(ctx)
		g.Go(func() error { return e.workLoop(ctx) })
		g.Go(func() error { return e.sweepLoop(ctx) })
		g.Go(func() error { return e.pollers(ctx) })
		g.Go(func() error { return e.scheduleLoop(ctx) })
		g.Go(func() error { return e.watchLoop(ctx) })
		g.Go(func() error { return e.awakeLoop(ctx) })
		return nil
	})
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// firstCheck waits until the database is known to be the right one; false when the context ended first.
func (e *Engine) firstCheck(ctx context.Context) bool {
	for {
		err := e.CheckDatabase(ctx)
		if err == nil {
			e.worked(mapping.Odoo)
			return true
		}
		if ctx.Err() != nil || !e.pause(ctx, e.trouble(err, "checking the database")) {
			return false
		}
	}
}

// firstLook takes the store over, and waits for one that cannot be written.
func (e *Engine) firstLook(ctx context.Context) error {
	for {
		err := e.takeOver(ctx)
		var wrong *namesError
		if err == nil || errors.As(err, &wrong) || errors.Is(err, ErrTaken) || errors.Is(err, ErrLeaseLost) || ctx.Err() != nil {
			return err
		}
		if !e.pause(ctx, e.storeTrouble(err)) {
			return nil
		}
	}
}

// takeOver does what has to be done with the store of an earlier process before anything else.
func (e *Engine) takeOver(ctx context.Context) error {
	if err := e.carryNames(ctx); err != nil {
		return err
	}
	return e.recallPaces(ctx)
}

// namesError is a mapping that vanished from the configuration and left links behind.
type namesError struct{ name string }

func (e *namesError) Error() string {
	return fmt.Sprintf("the store holds links of a mapping %q that is configured no more; give its successor `renamed_from: %s`, or drop them with: dingbridge forget --mapping %s", e.name, e.name, e.name)
}

// carryNames carries links to mappings that were renamed and complains about names that vanished with links.
func (e *Engine) carryNames(ctx context.Context) error {
	return e.Store.Update(ctx, func(tx Tx) error {
		for _, m := range e.mappings().Mappings {
			if m.RenamedFrom == "" {
				continue
			}
			n, err := tx.RenameMapping(m.RenamedFrom, m.Name)
			if err != nil {
				return err
			}
			if n > 0 {
				e.Log.Info("renamed", zap.String("mapping", m.Name), zap.String("reason", "renamed_from "+m.RenamedFrom), zap.Int("links", n))
			}
		}
		names, err := tx.MappingNames()
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, ok := e.mappings().Get(name); !ok {
				return &namesError{name}
			}
		}
		return nil
	})
}

// Reload puts checked mappings in force. Mappings that are new or changed are swept again before their strangers are acted on.
func (e *Engine) Reload(ctx context.Context, set *mapping.Set) error {
	old := e.mappings()
	e.set.Store(set)
	if err := e.carryNames(ctx); err != nil {
		e.set.Store(old)
		return err
	}
	for _, m := range set.Mappings {
		if before, ok := old.Get(m.Name); !ok || before.Version != m.Version {
			e.notReady(m)
		}
	}
	e.Sweep("")
	e.reloaded()
	return nil
}

// workLoop turns events into touches and works on what is due, mappings that are referred to first.
func (e *Engine) workLoop(ctx context.Context) error {
	for ctx.Err() == nil {
		if until, stopped := e.halts.until(); stopped {
			e.sleepUntil(ctx, until)
			continue
		}
		worked, err := e.workOnce(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			e.pause(ctx, e.storeTrouble(err))
			continue
		}
		e.halts.worked("store")
		if worked {
			continue
		}
		next, any, err := e.nextDue(ctx)
		if err != nil {
			e.pause(ctx, e.storeTrouble(err))
			continue
		}
		if !any || next.After(e.Now().Add(time.Second)) {
			next = e.Now().Add(time.Second) // another process may have touched something: the commands do
		}
		e.sleepUntil(ctx, next)
	}
	return nil
}

// workOnce does one round: the inbox, then one batch. It reports whether there was anything to do.
func (e *Engine) workOnce(ctx context.Context) (bool, error) {
	drained, err := e.drainInbox(ctx)
	if err != nil {
		return false, err
	}
	for _, m := range e.turns.order(e.mappings().Ranked) {
		var due []Work
		if err := e.Store.View(ctx, func(tx Tx) (err error) {
			due, err = tx.Due(m.Name, e.Now(), e.BatchSize)
			return err
		}); err != nil {
			return false, err
		}
		if len(due) > 0 {
			e.turns.took(m)
			done := e.timed(e.Metrics.batches, m.Name)
			err := e.reconcile(ctx, m, due)
			done()
			return true, err
		}
	}
	if !drained {
		return false, e.noteMet(ctx)
	}
	return true, nil
}

// fairEvery is how often the mapping that has waited longest has its turn before those that are referred to: work of theirs that is due
// again and again, as what waits for another mapping, must not keep the others waiting for ever.
const fairEvery = 10

// turns remembers which mapping had which round; the worker's own.
type turns struct {
	round int
	last  map[string]int
}

// order is the order in which the mappings are asked for work.
func (t *turns) order(ranked []*mapping.Mapping) []*mapping.Mapping {
	if t.round%fairEvery != fairEvery-1 {
		return ranked
	}
	fair := slices.Clone(ranked)
	slices.SortStableFunc(fair, func(a, b *mapping.Mapping) int { return t.last[a.Name] - t.last[b.Name] })
	return fair
}

// took notes that a mapping had its turn.
func (t *turns) took(m *mapping.Mapping) {
	if t.last == nil {
		t.last = map[string]int{}
	}
	t.round++
	t.last[m.Name] = t.round
}

// noteMet remembers that the first meeting of a mapping is over: both sides were listed and nothing of it is left to do.
func (e *Engine) noteMet(ctx context.Context) error {
	var over []string
	for _, m := range e.mappings().Mappings {
		if !e.metOnce[m.Name] && e.wasSwept(m) {
			over = append(over, m.Name)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return e.Store.Update(ctx, func(tx Tx) error {
		dirty, _, err := countWork(tx, e.Now())
		if err != nil {
			return err
		}
		for _, name := range over {
			if dirty[name] > 0 {
				continue
			}
			if err := tx.SetMeta(metKey(name), e.day()); err != nil {
				return err
			}
			e.metOnce[name] = true
		}
		return nil
	})
}

func (e *Engine) nextDue(ctx context.Context) (next time.Time, any bool, err error) {
	err = e.Store.View(ctx, func(tx Tx) error {
		next, any, err = tx.NextDue()
		return err
	})
	return next, any, err
}

// storeTrouble halts everything while the store cannot be written: disk full, read-only, locked.
func (e *Engine) storeTrouble(err error) time.Duration {
	until := e.halts.add(&Failure{Class: FailHalt, Scope: "store", Words: err.Error(), Err: err}, "")
	return max(until.Sub(e.Now()), time.Millisecond)
}

// sleepUntil waits for the time, a nudge, or the end.
func (e *Engine) sleepUntil(ctx context.Context, at time.Time) {
	timer := time.NewTimer(max(at.Sub(e.Now()), 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-e.wake:
	}
}

// pollers runs one poll loop per model, and starts more when a reload brings new models.
func (e *Engine) pollers(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	running := map[string]bool{}
	var mu sync.Mutex
	select { // the first sweep sees everything and in the better order: those who are referred to first
	case <-ctx.Done():
		return nil
	case <-e.sweptOnce:
	}
	for {
		changed := e.reloads()
		for _, model := range e.models() {
			mu.Lock()
			if !running[model] {
				running[model] = true
				wg.Go(func() {
					e.pollLoop(ctx, model) // ends with the context, or with its last mapping
					mu.Lock()
					defer mu.Unlock()
					delete(running, model)
				})
			}
			mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// watchLoop checks from time to time that the database is still the same one (often, while that is what stops everything), and
// counts what metrics show.
func (e *Engine) watchLoop(ctx context.Context) error {
	every := e.HaltMax
	for e.pause(ctx, every) {
		every = e.HaltMax
		if e.halts.has("database") {
			every = e.HaltBase
		}
		if _, stopped := e.halts.until(); !stopped || e.halts.has("database") {
			if err := e.CheckDatabase(ctx); err != nil && ctx.Err() == nil {
				e.trouble(err, "checking the database")
			}
		}
		e.keepClock(ctx)
		e.gauge(ctx)
	}
	return nil
}

func (e *Engine) gauge(ctx context.Context) {
	e.Metrics.halted.Set(float64(len(e.Halted())))
	err := e.Store.View(ctx, func(tx Tx) error {
		dirty, _, err := countWork(tx, e.Now())
		if err != nil {
			return err
		}
		for _, m := range e.mappings().Mappings {
			e.Metrics.dirty.WithLabelValues(m.Name).Set(float64(dirty[m.Name]))
			items, err := tx.CountGuard(m.Name)
			if err != nil {
				return err
			}
			e.Metrics.guarded.WithLabelValues(m.Name).Set(float64(items))
			states, err := tx.CountLinks(m.Name)
			if err != nil {
				return err
			}
			for state, n := range states {
				e.Metrics.links.WithLabelValues(m.Name, string(state)).Set(float64(n))
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("failed", zap.String("op", "metrics"), zap.String("reason", err.Error()))
	}
}
