package bridge

import (
	"sort"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// Halted is one scope that pauses: nothing of it is tried before Until.
type Halted struct {
	Scope string    `json:"scope"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
	Until time.Time `json:"next_try"`
}

// halts remembers which scopes pause. A scope is told once in the log when it begins and once when it ends.
type halts struct {
	mu        sync.Mutex
	now       func() time.Time
	log       *zap.Logger
	base, max time.Duration
	by        map[string]*haltState
}

type haltState struct {
	Halted
	wait    time.Duration
	failure *Failure
	mapping string // whose work met it
}

func newHalts(now func() time.Time, log *zap.Logger, base, most time.Duration) *halts {
	return &halts{now: now, log: log, base: base, max: most, by: map[string]*haltState{}}
}

// stopsAll says whether a scope stops the whole engine; the others concern single calls and only postpone their keys.
func stopsAll(scope string) bool {
	switch scope {
	case "odoo", "dingtalk", "credentials", "app", "ip", "store", "database":
		return true
	}
	return false
}

// add begins or prolongs a halt that work of the mapping met ("" = none) and returns when the next try is.
func (h *halts) add(f *Failure, mappingName string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.by[f.Scope]
	now := h.now()
	if s == nil {
		s = &haltState{Halted: Halted{Scope: f.Scope, Since: now}}
		h.by[f.Scope] = s
		defer func() {
			h.log.Warn("halted", zap.String("scope", f.Scope), zap.String("reason", f.Words), zap.Time("next_try", s.Until))
		}()
	} else if now.Before(s.Until) {
		return s.Until
	}
	s.Why, s.failure, s.mapping = f.Words, f, mappingName
	s.wait = min(max(s.wait*2, h.base), h.max)
	if f.Scope == "credentials" {
		s.wait = h.max // ten wrong passwords lock out everybody behind this address (base.login_cooldown_after)
	}
	s.Until = now.Add(s.wait)
	if f.Scope == dingtalk.ScopeCounted || f.Scope == scopePushes {
		s.Until = now.Add(max(s.wait, f.After)) // a month's quota does not come back within minutes
	}
	return s.Until
}

// pausing returns the failure that pauses the mapping's writes to the side now, nil when nothing does. Calls that a used-up quota
// concerns are refused by the client itself, so that those which are free go on.
func (h *halts) pausing(mappingName string, side mapping.Side) *Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	for scope, s := range h.by {
		if !stopsAll(scope) && scope != dingtalk.ScopeCounted && s.mapping == mappingName && s.failure.Side == side && h.now().Before(s.Until) {
			return s.failure
		}
	}
	return nil
}

// wrote ends every halt of the side: a write to it succeeded. Of a used-up quota that proves nothing: the write may have been free.
func (h *halts) wrote(side mapping.Side) {
	h.mu.Lock()
	var ended []string
	for scope, s := range h.by {
		if scope != dingtalk.ScopeCounted && s.failure.Side == side && !h.now().Before(s.Until) {
			ended = append(ended, scope)
		}
	}
	h.mu.Unlock()
	h.worked(ended...)
}

// worked ends the halts whose scope has the prefix, or equals one of the scopes.
func (h *halts) worked(scopes ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for scope, s := range h.by {
		for _, ended := range scopes {
			if scope == ended || (strings.HasSuffix(ended, ":") && strings.HasPrefix(scope, ended)) {
				delete(h.by, scope)
				h.log.Info("goes on", zap.String("scope", scope), zap.Duration("halted", h.now().Sub(s.Since)))
				break
			}
		}
	}
}

// until returns when the engine may try again; false when nothing stops it now.
func (h *halts) until() (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var latest time.Time
	now := h.now()
	for scope, s := range h.by {
		until := s.Until
		if scope == "database" && !now.Before(until) {
			until = now.Add(h.base) // only a check that succeeds ends it
		}
		if stopsAll(scope) && now.Before(until) && until.After(latest) {
			latest = until
		}
	}
	return latest, !latest.IsZero()
}

// rebase puts the ends of all halts on the wall clock as it is now: what is stored of them must not be that of a clock that was set.
func (h *halts) rebase() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	for _, s := range h.by {
		s.Until = now.Add(s.Until.Sub(now)) // the difference is that of the monotonic clock
	}
}

// has says whether the scope is halted, due for a try or not.
func (h *halts) has(scope string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.by[scope] != nil
}

// list returns all halts, by scope. One of single calls that was tried again and did not come back has ended; when the quota is back
// watchQuota tells.
func (h *halts) list() []Halted {
	h.mu.Lock()
	var ended []string
	for scope, s := range h.by {
		if !stopsAll(scope) && scope != dingtalk.ScopeCounted && h.now().After(s.Until.Add(2*h.base)) {
			ended = append(ended, scope)
		}
	}
	h.mu.Unlock()
	h.worked(ended...)
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Halted, 0, len(h.by))
	for _, s := range h.by {
		out = append(out, s.Halted)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Scope < out[j].Scope })
	return out
}
