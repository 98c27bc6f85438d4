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
	own    map[string]bridge.Halted // halts the engine does not know: before it runs, and of the event stream
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

// beat proves every few seconds that the store answers.
func (h *health) beat(ctx context.Context) {
	for {
		look, cancel := context.WithTimeout(ctx, beatLimit/2)
		err := h.store.View(look, func(tx bridge.Tx) error {
			_, err := tx.Meta("schema")
			return err
		})
		cancel()
		if err == nil {
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

// readiness is what /readyz reports.
type readiness struct {
	Version string          `json:"version"`
	Since   time.Time       `json:"since"`
	Working bool            `json:"working"` // the engine runs
	Halted  []bridge.Halted `json:"halted"`
}

// Ready implements web.Health.
func (h *health) Ready(context.Context) (bool, any) {
	r := readiness{Version: versionText(), Since: h.since, Halted: h.halted()}
	h.mu.Lock()
	r.Working = h.engine != nil
	h.mu.Unlock()
	return r.Working && len(r.Halted) == 0, r
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
