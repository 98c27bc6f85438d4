package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// moody is a store that refuses some of the writes, counted from 1.
type moody struct {
	bridge.Store
	refuses func(n int64) bool
	writes  atomic.Int64
}

func (m *moody) Update(ctx context.Context, f func(bridge.Tx) error) error {
	if m.refuses(m.writes.Add(1)) {
		return errors.New("disk full")
	}
	return m.Store.Update(ctx, f)
}

// undelivered starts a corp whose pushes reach nobody, with so many events on the failed list, three to a page.
func undelivered(t *testing.T, events int) *shell {
	t.Helper()
	s := newShell(t, 0)
	s.byCallback()
	s.stage.ding.Set(func(k *dingtalktest.Knobs) {
		k.RetryFirst, k.RetrySecond, k.FailedListDelay, k.FailedListPage = time.Millisecond, time.Millisecond, time.Millisecond, 3
	})
	s.stage.ding.Callback("http://127.0.0.1:1/nobody", callbackToken, callbackKey)
	for i := range events {
		if s.stage.ding.Emit("check_in", map[string]any{"staffId": fmt.Sprint("u", i)}) == "" {
			t.Fatal("no event")
		}
	}
	must(t, s.stage.ding.FlushEvents(t.Context()))
	return s
}

const callbackToken, callbackKey = "callback-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

// byCallback lets events come by callback.
func (s *shell) byCallback() {
	s.vars["DINGBRIDGE_DINGTALK_MODE"] = "callback"
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"], s.vars["DINGBRIDGE_DINGTALK_CALLBACK_AES_KEY"] = callbackToken, callbackKey
}

// TestNoUndeliveredEventIsLostWhileNothingCanBeKept: what was read may be gone from the list. Wherever the store fails, everything is kept
// in the end, and meanwhile nothing more is read.
func TestNoUndeliveredEventIsLostWhileNothingCanBeKept(t *testing.T) {
	const events, outage = 8, 5
	for first := range int64(events + 6) { // the write that is refused first: marks of a read and events take turns
		s := undelivered(t, events)
		a, _, _ := s.app()
		w, err := a.open()
		must(t, err)
		store := &moody{Store: w.store, refuses: func(n int64) bool { return n > first && n <= first+outage }}
		w.store = store
		d := newDaemon(w, zap.NewNop(), nil)
		d.pace.publish, d.pace.failedList, d.pace.failedCount = time.Millisecond, time.Millisecond, time.Millisecond
		read := make(chan int, 1000) // how many writes there had been when the list was read
		s.stage.ding.OnRequest(func(r dingtalktest.Request) {
			if r.Path == dingtalk.PathCallbacksFailed {
				select {
				case read <- int(store.writes.Load()):
				default:
				}
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { d.drainFailed(ctx); close(ended) }()
		s.until(t.Context(), "everything is kept", func() bool { return kept(t, store.Store)["check_in"] == events && store.writes.Load() > first+outage+2 })
		s.until(t.Context(), "the halt ends", func() bool { return len(d.health.halted()) == 0 })
		stop()
		<-ended
		for len(read) > 0 { // the stand-in may still be at a request that was given up: the channel stays open
			if n := <-read; int64(n) > first && int64(n) < first+outage {
				t.Errorf("refused from write %d on: the list is read after write %d", first+1, n)
			}
		}
		w.store = store.Store
		must(t, w.close())
	}
}

// kept counts what was kept, by type.
func kept(t *testing.T, s bridge.Store) map[string]int {
	t.Helper()
	counts := map[string]int{}
	must(t, s.View(t.Context(), func(tx bridge.Tx) error {
		_, types, err := tx.CountEvents()
		for name, c := range types {
			counts[name] = c.Count
		}
		return err
	}))
	return counts
}

// The daemon says why, and goes on when it can.
func TestAFailedListThatCannotBeReadIsAHalt(t *testing.T) {
	s := undelivered(t, 1)
	a, _, _ := s.app()
	w, err := a.open()
	must(t, err)
	d := newDaemon(w, zap.NewNop(), nil)
	d.pace.failedCount = time.Millisecond
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.AppStopped = true })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { d.drainFailed(ctx); close(ended) }()
	s.until(t.Context(), "it is told", func() bool {
		halted := d.health.halted()
		return len(halted) == 1 && halted[0].Scope == haltFailedList && halted[0].Why != ""
	})
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.AppStopped = false })
	s.until(t.Context(), "it is read", func() bool { return kept(t, w.store)["check_in"] == 1 && len(d.health.halted()) == 0 })
	stop()
	<-ended
	must(t, w.close())
}
