package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/odoo"
)

const (
	beatEvery = 5 * time.Second
	beatLimit = time.Minute // without a beat for so long the process should be restarted
)

// health is what the daemon knows of itself: web.Health for outside.
type health struct {
	store bridge.Store
	since time.Time
	now   func() time.Time

	mu     sync.Mutex
	engine *bridge.Engine
	waits  bool                     // stands by
	own    map[string]bridge.Halted // halts the engine does not know: before it runs, and of the event stream
	feed   bridge.Feed              // how events come
	beatAt time.Time
}

func newHealth(s bridge.Store, now func() time.Time) *health {
	return &health{store: s, since: now(), now: now, own: map[string]bridge.Halted{}, beatAt: time.Now()}
}

// started says that the engine runs from now on.
func (h *health) started(e *bridge.Engine) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.engine = e
}

// stopped says that the engine runs no more, and what it met is no more this process's concern.
func (h *health) stopped() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.engine = nil
	h.feed = bridge.Feed{}
	clear(h.own)
}

// standsBy says whether another process is the active one.
func (h *health) standsBy(waits bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = waits
}

// active is 1 while this process is the active one.
func (h *health) active() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits {
		return 0
	}
	return 1
}

// halt begins or prolongs a halt; it reports whether it is new.
func (h *health) halt(scope, why string, retry time.Duration) (begins bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	one, had := h.own[scope]
	if !had {
		one = bridge.Halted{Scope: scope, Since: now}
	}
	one.Why, one.Until = why, now.Add(retry)
	h.own[scope] = one
	return !had
}

// clear ends halts.
func (h *health) clear(scopes ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range scopes {
		delete(h.own, s)
	}
}

// feeds notes how events come from now on; what stays as it was has been so since then.
func (h *health) feeds(mode string, connected bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := bridge.Feed{Mode: mode, Connected: connected, Since: h.now(), Reason: reason}
	if h.feed.Mode == mode && h.feed.Connected == connected {
		now.Since = h.feed.Since
	}
	h.feed = now
}

// fed is how events come.
func (h *health) fed() bridge.Feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.feed
}

// halted is everything that pauses, by scope.
func (h *health) halted() []bridge.Halted {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []bridge.Halted{}
	for _, one := range h.own {
		out = append(out, one)
	}
	if h.engine != nil {
		out = append(out, h.engine.Halted()...)
	}
	slices.SortFunc(out, func(a, b bridge.Halted) int { return strings.Compare(a.Scope, b.Scope) })
	return out
}

// beat proves every few seconds that the store answers. One on another machine may be away without anything being wrong with this process:
// then it is a halt, and a refusal is an answer too.
func (h *health) beat(ctx context.Context) {
	_, remote := h.store.(shared)
	for {
		look, cancel := context.WithTimeout(ctx, beatLimit/2)
		err := h.store.View(look, func(tx bridge.Tx) error {
			_, err := tx.Meta("schema")
			return err
		})
		cancel()
		if remote && err != nil && ctx.Err() == nil {
			h.halt(haltStore, err.Error(), beatEvery)
		} else if remote {
			h.clear(haltStore)
		}
		if err == nil || remote {
			h.mu.Lock()
			h.beatAt = time.Now()
			h.mu.Unlock()
		}
		if !pause(ctx, beatEvery) {
			return
		}
	}
}

// Live implements web.Health.
func (h *health) Live() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if quiet := time.Since(h.beatAt); quiet > beatLimit {
		return fmt.Errorf("the store has not answered for %s", quiet.Round(time.Second))
	}
	return nil
}

// What a daemon is on its store.
const (
	roleActive  = "active"
	roleStandBy = "stand-by"
)

// readiness is what /readyz reports.
type readiness struct {
	Version string          `json:"version"`
	Since   time.Time       `json:"since"`
	Role    string          `json:"role"`    // active, or stand-by: ready to take events and to take over
	Working bool            `json:"working"` // the engine runs
	Halted  []bridge.Halted `json:"halted"`
}

// Ready implements web.Health.
func (h *health) Ready(context.Context) (bool, any) {
	r := readiness{Version: versionText(), Since: h.since, Halted: h.halted()}
	h.mu.Lock()
	r.Role, r.Working = roleActive, h.engine != nil
	if h.waits {
		r.Role = roleStandBy
	}
	h.mu.Unlock()
	return (r.Working || r.Role == roleStandBy) && len(r.Halted) == 0, r
}

// notifySystemd tells systemd that the daemon is ready, how it is, and, where a watchdog is set, that it lives. Without systemd
// nothing happens.
func (d *daemon) notifySystemd(ctx context.Context) {
	send := func(state string) {
		if _, err := systemd.SdNotify(false, state); err != nil {
			d.log.Warn("failed", zap.String("op", "sd_notify"), zap.String("reason", err.Error()))
		}
	}
	send(systemd.SdNotifyReady)
	every := beatEvery
	watchdog, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		d.log.Warn("failed", zap.String("op", "sd_watchdog"), zap.String("reason", err.Error()))
	}
	if watchdog > 0 {
		every = min(every, watchdog/2)
	}
	last := ""
	for {
		if status := d.statusLine(); status != last {
			last = status
			send("STATUS=" + status)
		}
		if watchdog > 0 && d.health.Live() == nil {
			send(systemd.SdNotifyWatchdog)
		}
		if !pause(ctx, every) {
			send(systemd.SdNotifyStopping)
			return
		}
	}
}

// statusLine is one line about the daemon.
func (d *daemon) statusLine() string {
	halted := d.health.halted()
	if len(halted) == 0 && d.health.active() == 0 {
		return "standing by"
	}
	if len(halted) == 0 {
		return "keeping odoo and dingtalk in step"
	}
	var parts []string
	for _, h := range halted {
		parts = append(parts, h.Scope+": "+oneLine(h.Why))
	}
	return "halted: " + strings.Join(parts, "; ")
}

// odooScope is what an error of Odoo halts, "" when nothing.
func odooScope(err error) string {
	var oe *odoo.Error
	if errors.As(err, &oe) {
		return oe.Scope
	}
	return ""
}
