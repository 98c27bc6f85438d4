package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dingbridge/bridge"
)

// pgLease is the right to be the active one on a PostgreSQL store.
//
// It rests on three things. The advisory lock of one session keeps a second process from becoming active while that session lives.
// The epoch, which every successor raises, stands in each transaction that writes under the lease: an active one that was replaced
// commits nothing more. The time: each beat that the database confirmed allows sending for four fifths of Stale, counted on this machine
// from before the beat was asked for; a successor does not send before all of Stale has passed in the database's time since the last beat.
// So two never send at once, whichever of them is paused or cut off, as long as the clocks of both machines run at one speed.
type pgLease struct {
	store    *Postgres
	conn     *pgConn // its session holds the advisory lock
	epoch    int64
	wait     time.Time // not to send before: the predecessor may
	asked    chan chan struct{}
	stop     chan struct{}
	stopped  chan struct{}
	lost     chan struct{}
	losing   sync.Once
	stopping sync.Once

	valid atomic.Pointer[validity]
	clock atomic.Pointer[clockReading]
}

// validity says until when this process may send, by each of its clocks: the monotonic one, which steps of the wall clock leave alone, and
// the wall clock, which goes on where a machine sleeps.
type validity struct{ from, until time.Time }

// holds says whether the time is inside, by both clocks.
func (v *validity) holds(now time.Time) bool {
	return now.Before(v.until) && now.Round(0).Before(v.until.Round(0))
}

// fresh says whether the time is in the first half.
func (v *validity) fresh(now time.Time) bool {
	half := validity{until: v.from.Add(v.until.Sub(v.from) / 2)}
	return half.holds(now)
}

// clockReading is the database's time at a moment of this machine's monotonic clock.
type clockReading struct{ theirs, ours time.Time }

// clockSlack is how far the database's clock may be from what was expected before it is believed again.
const clockSlack = time.Second

// Lock implements bridge.Store. It ends the connections of an active one whose beat is stale. The lease is lost when its connection is, or
// when the database confirms no beat in time.
func (p *Postgres) Lock(ctx context.Context) (bridge.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.candidate
	if c == nil {
		// It waits for nobody longer than a beat may be late: not for a writer that stands still, nor for a database that is gone.
		config := p.config.Copy()
		config.RuntimeParams["lock_timeout"] = milliseconds(p.standby.Stale / 2)
		c = &pgConn{config: config, patience: max(p.standby.Stale, time.Second)}
	}
	p.candidate = nil
	if c.c == nil || c.c.IsClosed() {
		if err := c.dial(ctx); err != nil {
			return nil, fmt.Errorf("lock the store: %w", err)
		}
	}
	l, err := p.tryLock(c)
	switch {
	case errors.Is(err, bridge.ErrLocked):
		p.candidate = c
		return nil, err
	case err != nil:
		_ = c.close() // its session may hold the advisory lock
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	p.lease = l
	go l.beats()
	return l, nil
}

func (p *Postgres) tryLock(c *pgConn) (*pgLease, error) {
	holder, stale := "", ""
	err := c.each(`SELECT name, CASE WHEN instance <> ?1 AND NOT released AND clock_timestamp() > beat + stale_ms * interval '1 ms' THEN instance ELSE '' END
		FROM lease`, []any{p.instance}, func(scan scanner) error { return scan(&holder, &stale) })
	if err != nil {
		return nil, err
	}
	if stale != "" {
		// Whatever of it is still connected ends here: its lock, and a transaction in which it was stopped.
		if _, err := c.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND usename = current_user AND application_name = ?`, stale); err != nil {
			return nil, err
		}
	}
	l := &pgLease{
		store: p, conn: c, asked: make(chan chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{}), lost: make(chan struct{}),
	}
	asked := time.Now()
	err = c.each("SELECT held, wait_ms, at FROM take_lease(?, ?, ?)", []any{p.instance, p.name, p.standby.Stale.Milliseconds()}, func(scan scanner) error {
		var wait int64
		var at time.Time
		err := scan(&l.epoch, &wait, &at)
		l.wait = time.Now().Add(time.Duration(wait) * time.Millisecond)
		l.confirm(asked, at)
		return err
	})
	switch {
	case err != nil || l.epoch > 0:
		return l, err
	case holder == "":
		return nil, bridge.ErrLocked
	default:
		return nil, fmt.Errorf("%w (%s)", bridge.ErrLocked, holder)
	}
}

// confirm notes a beat that was asked for at asked and answered at the database's time at.
func (l *pgLease) confirm(asked, at time.Time) {
	l.valid.Store(&validity{from: asked, until: asked.Add(l.store.standby.Stale / 5 * 4)})
	now := time.Now()
	middle := asked.Add(now.Sub(asked) / 2)
	if was := l.clock.Load(); was != nil {
		if off := at.Sub(was.theirs.Add(middle.Sub(was.ours))); off > -clockSlack && off < clockSlack {
			return // go on by the monotonic clock: it has no jitter
		}
	}
	l.clock.Store(&clockReading{theirs: at.Round(0).UTC(), ours: middle})
}

// beats tells the database regularly that this process lives, until the lease ends.
func (l *pgLease) beats() {
	defer close(l.stopped)
	tick := time.NewTicker(l.store.standby.Beat)
	defer tick.Stop()
	for {
		var waits chan struct{}
		select {
		case <-l.stop:
			l.giveBack()
			return
		case waits = <-l.asked:
		case <-tick.C:
		}
		var err error
		if waits == nil || !l.valid.Load().fresh(time.Now()) { // else another one has just asked
			err = l.beat()
		}
		if waits != nil {
			close(waits)
		}
		if err != nil {
			l.lose()
			_ = l.conn.close() // ends the session, and its lock with it
			return
		}
	}
}

// beat asks the database to confirm the lease. It fails when that is gone, or can no longer be known.
func (l *pgLease) beat() error {
	asked := time.Now()
	l.conn.patience = max(l.valid.Load().until.Sub(asked), l.store.standby.Beat)
	confirmed := false
	err := l.conn.each("UPDATE lease SET beat = clock_timestamp() WHERE epoch = ? RETURNING beat", []any{l.epoch}, func(scan scanner) error {
		var at time.Time
		err := scan(&at)
		confirmed = err == nil
		l.confirm(asked, at)
		return err
	})
	if err == nil && !confirmed {
		err = bridge.ErrLeaseLost
	}
	if err != nil && !l.conn.c.IsClosed() && !errors.Is(err, bridge.ErrLeaseLost) && l.valid.Load().holds(time.Now()) {
		return nil // the session is there still, and with it the lock: there is time for another try
	}
	return err
}

// giveBack ends the lease in order: a successor need not wait.
func (l *pgLease) giveBack() {
	l.lose()
	l.conn.patience = l.store.patience
	// Where it fails, the successor waits as for one that died.
	_ = l.conn.exec("UPDATE lease SET released = true WHERE epoch = ?", l.epoch)
	_ = l.conn.ask("SELECT pg_advisory_unlock(lock_key('active'))")
	_ = l.conn.close()
}

func (l *pgLease) lose() { l.losing.Do(func() { close(l.lost) }) }

// Lost implements bridge.Lease.
func (l *pgLease) Lost() <-chan struct{} { return l.lost }

// Unlock implements bridge.Lease. Nothing that was done under the lease may be under way any more.
func (l *pgLease) Unlock() {
	l.stopping.Do(func() { close(l.stop) })
	<-l.stopped
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.lease == l {
		l.store.lease = nil
	}
}

// Check implements bridge.Lease: by this machine's clocks alone in the first half of what the last beat allows, and with a beat of its own
// after that.
func (l *pgLease) Check(ctx context.Context) error {
	if err := l.patient(ctx); err != nil {
		return err
	}
	if !l.valid.Load().fresh(time.Now()) {
		done := make(chan struct{})
		select {
		case l.asked <- done:
		case <-l.lost:
			return bridge.ErrLeaseLost
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-done:
		case <-l.lost:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-l.lost:
		return bridge.ErrLeaseLost
	default:
	}
	if !l.valid.Load().holds(time.Now()) {
		return fmt.Errorf("%w: it was not confirmed in time", bridge.ErrLeaseLost)
	}
	return nil
}

// patient waits until the predecessor cannot be sending any more.
func (l *pgLease) patient(ctx context.Context) error {
	left := time.Until(l.wait)
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.lost:
		return bridge.ErrLeaseLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Now implements bridge.Lease: the database's time as of the last beat, carried on by this machine's monotonic clock. Steps of this
// machine's wall clock do not show.
func (l *pgLease) Now(func() time.Time) time.Time {
	c := l.clock.Load()
	return c.theirs.Add(time.Since(c.ours))
}

// Announce says that this process stands by, for Replicas. It is forgotten when it becomes active, or does not say so for a while.
func (p *Postgres) Announce(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := p.candidate
	if c == nil || c.c == nil || c.c.IsClosed() {
		return errLost
	}
	err := c.exec("DELETE FROM replica WHERE clock_timestamp() > beat + 10 * stale_ms * interval '1 ms'")
	if err == nil {
		_, err = c.run(`INSERT INTO replica (instance, name, stale_ms, since, beat) VALUES (?1, ?2, ?3, clock_timestamp(), clock_timestamp())
			ON CONFLICT (instance) DO UPDATE SET beat = clock_timestamp()`, p.instance, p.name, p.standby.Stale.Milliseconds())
	}
	return err
}

// Replicas implements bridge.Store. Who was not heard of for as long as its lease lasts is left out.
func (p *Postgres) Replicas(ctx context.Context) ([]bridge.Replica, error) {
	c, err := p.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	broken := true
	defer func() { p.readers.put(c, broken) }()
	if err := c.begin(); err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	var out []bridge.Replica
	err = c.each(`SELECT name, true AS active, since, beat FROM lease WHERE NOT released AND clock_timestamp() <= beat + stale_ms * interval '1 ms'
		UNION ALL SELECT name, false, since, beat FROM replica WHERE clock_timestamp() <= beat + stale_ms * interval '1 ms' ORDER BY active DESC, since`,
		nil, func(scan scanner) error {
			var r bridge.Replica
			err := scan(&r.Name, &r.Active, &r.Since, &r.Beat)
			r.Since, r.Beat = r.Since.UTC(), r.Beat.UTC()
			out = append(out, r)
			return err
		})
	broken = c.rollback() != nil
	return out, err
}
