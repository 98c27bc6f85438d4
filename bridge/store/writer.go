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

// Limits of one commit: so many Updates, and no further one after so long. They bound how long the first of a batch waits.
const (
	batchUpdates = 256
	batchTime    = 20 * time.Millisecond
)

// writer owns the writing connection. Its goroutine opens a transaction, gives the turn to each waiting Update (which runs its
// fn on its own goroutine, so that a panic or runtime.Goexit stays there), and commits when nobody else waits.
type writer struct {
	conn     conn
	clock    func() time.Time
	requests chan *request
	stopping chan struct{}
	stopped  chan struct{}
	once     sync.Once
	commits  int // how many transactions were committed

	// fence refuses, in the transaction, what is written under a lease that does not hold; nil where leases cannot be lost.
	fence func(conn, bridge.Lease) error
}

// request is one Update on its way. Whoever sets taken first decides: the writer (it gets the turn) or the caller (it left).
type request struct {
	lease   bridge.Lease
	taken   atomic.Bool
	turn    chan *tx
	ran     chan error
	outcome chan error
}

// errUnfinished is what fn "returned" when it panicked or ended its goroutine.
var errUnfinished = errors.New("the update did not finish")

func newWriter(c conn, clock func() time.Time) *writer {
	return &writer{
		conn: c, clock: clock, requests: make(chan *request),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
}

func (w *writer) update(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{lease: bridge.LeaseOf(ctx), turn: make(chan *tx, 1), ran: make(chan error, 1), outcome: make(chan error, 1)}
	select {
	case w.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopping:
		return ErrClosed
	}
	var t *tx
	select {
	case t = <-r.turn:
	case err := <-r.outcome: // no transaction could be opened
		return err
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		select {
		case t = <-r.turn:
		case err := <-r.outcome:
			return err
		}
	}
	t.ctx = ctx
	err := w.perform(r, t, fn)
	if err != nil {
		for _, undo := range t.undo {
			undo()
		}
	}
	return err
}

// perform runs fn in its turn and waits for the outcome.
func (w *writer) perform(r *request, t *tx, fn func(bridge.Tx) error) error {
	err := errUnfinished
	func() {
		defer func() {
			t.over = true
			r.ran <- err
		}()
		err = fn(t)
		if err == nil {
			err = t.ctx.Err() // nothing is written for a caller that gave up
		}
	}()
	return <-r.outcome
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case r := <-w.requests:
			w.batch(r)
		case <-w.stopping:
			return
		}
	}
}

func (w *writer) stop() {
	w.once.Do(func() { close(w.stopping) })
	<-w.stopped
}

// batch runs the first Update and all that wait by then in one transaction.
func (w *writer) batch(first *request) {
	if err := w.conn.begin(); err != nil {
		if first.taken.CompareAndSwap(false, true) {
			first.outcome <- fmt.Errorf("write to the store: %w", err)
		}
		return
	}
	deadline := time.Now().Add(batchTime)
	var members []*request
	var failed error
	for r := first; r != nil; r = w.next(len(members), deadline) {
		var joined bool
		if joined, failed = w.one(r); joined {
			members = append(members, r)
		}
		if failed != nil {
			break
		}
	}
	if failed == nil {
		failed = w.conn.commit()
	}
	if failed != nil {
		// The database may have rolled back by itself (disk full, I/O error, a lost connection): then this one fails, and that is fine.
		_ = w.conn.rollback()
		failed = fmt.Errorf("write to the store: %w", failed)
	} else {
		w.commits++
	}
	for _, r := range members {
		r.outcome <- failed
	}
}

// next is the Update that waits already, if this transaction may still take one.
func (w *writer) next(n int, deadline time.Time) *request {
	if n >= batchUpdates || time.Now().After(deadline) {
		return nil
	}
	select {
	case r := <-w.requests:
		return r
	default:
		return nil
	}
}

// one gives the turn to r inside a savepoint. joined says whether r's outcome is the transaction's; failed that the
// transaction is lost.
func (w *writer) one(r *request) (joined bool, failed error) {
	if !r.taken.CompareAndSwap(false, true) {
		return false, nil
	}
	if err := w.conn.mark(); err != nil {
		r.outcome <- fmt.Errorf("write to the store: %w", err)
		return false, err
	}
	if w.fence != nil && r.lease != nil {
		if err := w.fence(w.conn, r.lease); err != nil {
			r.outcome <- err
			return false, w.conn.undo()
		}
	}
	r.turn <- &tx{conn: w.conn, clock: w.clock}
	ran := <-r.ran
	if ran == nil {
		if ran = w.conn.release(); ran == nil {
			return true, nil
		}
	}
	err := w.conn.undo()
	r.outcome <- ran
	return false, err
}
