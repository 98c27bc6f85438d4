package main

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"dingbridge/bridge"
)

// haltStore is the halt of a daemon that cannot reach its store.
const haltStore = "store"

// shared is a store at which several daemons may wait for their turn.
type shared interface {
	// Announce says that this process stands by; to be repeated.
	Announce(ctx context.Context) error
}

// firstLease takes the store's lease at the start; a command may hold it for a moment. Where daemons may stand by it returns nil
// for one that has to.
func (d *daemon) firstLease(ctx context.Context) (bridge.Lease, error) {
	deadline := time.Now().Add(d.pace.lockPatience)
	_, mayWait := d.store.(shared)
	for {
		lease, err := d.store.Lock(ctx)
		if err == nil {
			return lease, nil
		}
		if mayWait {
			return nil, ctx.Err() // whatever it is, it is tried again
		}
		if !errors.Is(err, bridge.ErrLocked) || time.Now().After(deadline) {
			return nil, err
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// lead works while this process has the store's lease, and stands by while another has it, until ctx ends. A lease is given back only when
// nothing that was done under it is under way any more.
func (d *daemon) lead(ctx context.Context, lease bridge.Lease) error {
	for first := lease != nil; ; first = false {
		if lease == nil {
			if lease = d.standBy(ctx); lease == nil {
				return nil
			}
		}
		d.health.standsBy(false)
		err := d.active(ctx, lease, first)
		lease.Unlock()
		d.health.standsBy(true)
		if !errors.Is(err, bridge.ErrLeaseLost) || ctx.Err() != nil {
			return err
		}
		d.log.Warn("lease lost", zap.String("op", "stand by"), zap.String("reason", err.Error()))
		lease = nil
	}
}

// standBy waits for the lease; nil when ctx ended first.
func (d *daemon) standBy(ctx context.Context) bridge.Lease {
	d.health.standsBy(true)
	told := ""
	tell := func(about string, write func(string, ...zap.Field), err error) {
		if told != about {
			told = about
			write(about, zap.String("op", "stand by"), zap.String("reason", err.Error()))
		}
	}
	for {
		lease, err := d.store.Lock(ctx)
		switch {
		case err == nil:
			d.health.clear(haltStore)
			d.log.Info("takes over", zap.String("op", "stand by"))
			return lease
		case errors.Is(err, bridge.ErrLocked):
			tell("stands by", d.log.Info, err)
			if s, ok := d.store.(shared); ok {
				err = s.Announce(ctx)
			}
			if err == nil {
				d.health.clear(haltStore)
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, bridge.ErrLocked) {
			d.health.halt(haltStore, err.Error(), d.settings.StandBy.Poll)
			tell("halted", d.log.Warn, err)
		}
		if !pause(ctx, d.settings.StandBy.Poll) {
			return nil
		}
	}
}

// active is the active one's whole work: it receives events, runs the engine, and leaves in the store what is halted. It returns
// ErrLeaseLost when the lease is lost.
func (d *daemon) active(ctx context.Context, lease bridge.Lease, first bool) error {
	ctx = bridge.WithLease(ctx, lease)
	if !first {
		if sources, err := d.settings.MappingSources(); err == nil { // edited while this process stood by
			d.sources = sources
		}
		d.odoo.ForgetFields()
	}
	d.inbox.expect(d.settings.DingTalk.Mode)
	d.health.feeds(d.settings.DingTalk.Mode, d.settings.DingTalk.Mode == "callback", "")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case <-lease.Lost():
			return bridge.ErrLeaseLost
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { d.publish(ctx); return nil })
	g.Go(func() error { d.inbox.keepAgain(ctx, d.pace.publish); return nil })
	g.Go(func() error { return d.events(ctx) })
	g.Go(func() error { return d.work(ctx, first) })
	if !first && d.settings.DingTalk.Mode == "stream" {
		g.Go(func() error { d.lookAgain(ctx); return nil })
	}
	err := g.Wait()
	d.health.stopped()
	return err
}

// lookAgain compares everything once more some time after a takeover: to a predecessor that only stands still DingTalk may have gone on
// sending events over its connection.
func (d *daemon) lookAgain(ctx context.Context) {
	if pause(ctx, d.pace.secondSweep) {
		d.inbox.missed(true)
	}
}
