package bridge

import (
	"context"
	"errors"
	"time"
)

// ErrLeaseLost says that this process was the active one on the store and is so no more. What it still does must not be sent or stored.
var ErrLeaseLost = errors.New("this process is no longer the active one on the store")

// Lease is the right of one process to be the active one on a store. It travels with the context of the active one's work (WithLease):
// the store refuses what is written under a lease that was lost, and the clients ask CheckLease right before they send what cannot be
// taken back.
type Lease interface {
	// Check returns nil while nobody else can be the active one. It may wait: for a predecessor whose right to send has not run out
	// yet, and for the store where this process cannot be sure by itself. ErrLeaseLost when the lease is gone.
	Check(ctx context.Context) error
	// Lost is closed when the lease has ended without Unlock.
	Lost() <-chan struct{}
	// Now is the time by the store's own clock, which all processes on it share; local's time where the store has none.
	Now(local func() time.Time) time.Time
	// Unlock gives the right back. Twice is harmless.
	Unlock()
}

// Replica is one process on a store: the active one, or one that stands by.
type Replica struct {
	Name   string    `json:"name"`   // its host and process
	Active bool      `json:"active"` // false: it stands by
	Since  time.Time `json:"since"`  // zero where the store does not know
	Beat   time.Time `json:"beat"`   // when it was heard of last; zero likewise
}

type leaseKey struct{}

// WithLease returns a context for work that is done under the lease; nil takes a lease off.
func WithLease(ctx context.Context, l Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

// LeaseOf returns the lease under which work is done, nil when there is none.
func LeaseOf(ctx context.Context) Lease {
	l, _ := ctx.Value(leaseKey{}).(Lease)
	return l
}

// CheckLease is for the clients: nil when the work may be sent, because its lease holds or because it needs none.
func CheckLease(ctx context.Context) error {
	if l := LeaseOf(ctx); l != nil {
		return l.Check(ctx)
	}
	return nil
}

// lock returns a context under the store's lease: the one it carries already, or a new one. release gives back what was taken here.
func (e *Engine) lock(ctx context.Context) (leased context.Context, release func(), err error) {
	l := LeaseOf(ctx)
	release = func() { e.lease.Store(nil) }
	if l == nil {
		if l, err = e.Store.Lock(ctx); err != nil {
			return nil, nil, err
		}
		release = func() { e.lease.Store(nil); l.Unlock() }
	}
	e.lease.Store(&l)
	return WithLease(ctx, l), release, nil
}

// onLeaseLost returns ErrLeaseLost when the lease of the context is lost, and nil when the context ends.
func onLeaseLost(ctx context.Context) error {
	select {
	case <-LeaseOf(ctx).Lost():
		return ErrLeaseLost
	case <-ctx.Done():
		return nil
	}
}
