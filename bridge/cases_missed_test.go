package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
)

// TestAClaimThatRanOverASweepIsAgreedUnheard: it was started long before the last list, and nobody heard of its end.
func TestAClaimThatRanOverASweepIsAgreedUnheard(t *testing.T) {
	a := claims(t)
	a.options = func(o *bridge.Options) { o.Now = a.now }
	a.reopen()
	id := a.claim("交通")
	a.step()
	a.engine.Night(a.ctx)
	a.step()
	a.later(24 * time.Hour)
	a.engine.Night(a.ctx)
	a.step()
	want(t, "entries while it runs", len(a.entries()), 0)
	a.ding.Quiet(func() { must(t, a.ding.Agree(id, "")) })
	a.later(24 * time.Hour)
	a.engine.MissedEvents(true)
	a.engine.SweepDue(a.ctx)
	a.engine.Night(a.ctx)
	a.step()
	want(t, "entries", strings.Count(strings.Join(a.entries(), "\n"), "draft"), 1)
}

// TestTheClockWasAheadWhenApprovalsWereListed: up to when they were listed is in the future then; what begins before that is found all
// the same.
func TestTheClockWasAheadWhenApprovalsWereListed(t *testing.T) {
	a := claims(t)
	a.options = func(o *bridge.Options) { o.Now = a.now }
	a.reopen()
	a.later(time.Hour)
	a.engine.Night(a.ctx)
	a.step()
	a.later(-time.Hour)
	a.ding.Quiet(func() { must(t, a.ding.Agree(a.claim("交通"), "")) })
	a.engine.Night(a.ctx)
	a.step()
	want(t, "entries", strings.Count(strings.Join(a.entries(), "\n"), "draft"), 1)
}

// TestTheMachinesClockIsBehind: with several replicas the engine goes by the database's time, and the client by the machine's.
func TestTheMachinesClockIsBehind(t *testing.T) {
	a := claims(t)
	a.options = func(o *bridge.Options) { o.Now = a.now }
	a.behind = time.Hour
	a.reconnect()
	a.reopen()
	a.engine.Night(a.ctx)
	a.step()
	a.ding.Quiet(func() { must(t, a.ding.Agree(a.claim("交通"), "")) })
	a.engine.Night(a.ctx)
	a.step()
	want(t, "entries", strings.Count(strings.Join(a.entries(), "\n"), "draft"), 1)
}
