package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// testLease is a lease that the test takes away, with a clock of its own.
type testLease struct {
	ahead time.Duration
	lost  chan struct{}
	once  sync.Once
}

func newLease(ahead time.Duration) *testLease {
	return &testLease{ahead: ahead, lost: make(chan struct{})}
}

func (l *testLease) Check(context.Context) error {
	select {
	case <-l.lost:
		return bridge.ErrLeaseLost
	default:
		return nil
	}
}

func (l *testLease) Lost() <-chan struct{}                     { return l.lost }
func (l *testLease) Now(local func() time.Time) time.Time      { return local().Add(l.ahead) }
func (l *testLease) Unlock()                                   {}
func (l *testLease) takeAway()                                 { l.once.Do(func() { close(l.lost) }) }
func (l *testLease) under(ctx context.Context) context.Context { return bridge.WithLease(ctx, l) }

func TestRunEndsWhenItsLeaseIsLost(t *testing.T) {
	c := company(t)
	l := newLease(0)
	arrived := make(chan struct{})
	var once sync.Once
	c.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Path == userUpdate {
			once.Do(func() { close(arrived) })
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- c.engine.Run(l.under(c.ctx)) }()
	c.write("hr.employee", c.li, map[string]any{"job_title": "经理"})
	<-arrived
	l.takeAway()
	if err := <-ended; !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("it ended with %v", err)
	}
}

// TestNothingIsSentWithoutTheLease: what was found to do is left to whoever is active, and nobody is told that something is wrong.
func TestNothingIsSentWithoutTheLease(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"job_title": "经理"})
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.Title = "组长" }))
	odoo, ding := text(c.employeeOf(c.zhang), "job_title"), c.ding.Writes()
	l := newLease(0)
	l.takeAway()
	_ = c.engine.SyncOnce(l.under(c.ctx), nil, 100*time.Millisecond, nil) // this store does not refuse it
	want(t, "calls to dingtalk", c.ding.Writes()-ding, 0)
	want(t, "张三's title in odoo", text(c.employeeOf(c.zhang), "job_title"), odoo)
	for _, h := range c.engine.Halted() {
		t.Errorf("halted: %s %s", h.Scope, h.Why)
	}
	c.untilCalm()
	want(t, "李四's title", c.user(mobileLi).Title, "经理")
	want(t, "张三's title in odoo", text(c.employeeOf(c.zhang), "job_title"), "组长")
}

// TestTheStoresClockIsTheEnginesClock: what one process stores is compared with now by another one.
func TestTheStoresClockIsTheEnginesClock(t *testing.T) {
	c := company(t)
	const ahead = 26 * time.Hour
	c.write("hr.employee", c.li, map[string]any{"job_title": "经理"})
	must(t, c.engine.SyncOnce(newLease(ahead).under(c.ctx), nil, time.Second, nil))
	must(t, c.store.View(c.ctx, func(tx bridge.Tx) error {
		rows, err := tx.History("employees", 0, 1)
		if err == nil && (len(rows) != 1 || time.Until(rows[0].At) < ahead-time.Hour) {
			t.Errorf("%+v", rows)
		}
		return err
	}))
}
