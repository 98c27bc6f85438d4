package bridge

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"go.uber.org/zap"

	"dingbridge/mapping"
)

// Sweep of one mapping for the live engine: survey, touch what differs, remember the statement. A deep one also reads the other linked
// records, one by one and without haste, where a mapped field is shown by no list.
func (e *Engine) sweepMapping(ctx context.Context, m *mapping.Mapping, deep bool) error {
	defer e.timed(e.Metrics.sweeps, m.Name)()
	s, err := e.survey(ctx, m, false)
	if err != nil {
		return err
	}
	e.setListed(m) // before anything is touched: whoever is worked on earlier would wait for the next sweep
	if err := s.touch(ctx); err != nil {
		return err
	}
	switch {
	case deep && m.Approval != nil:
		err = s.rereadRunning(ctx)
	case deep && m.Message == nil && s.unlisted() && !s.own():
		err = s.touchSlowly(ctx)
	}
	if err != nil {
		return err
	}
	err = e.Store.Update(ctx, func(tx Tx) error {
		if _, err := tx.Wake(awaitsSweep(m.Name)); err != nil { // after Touch, whose order puts managers before their people
			return err
		}
		raw, err := json.Marshal(s.stmt)
		if err != nil {
			return err
		}
		if err := tx.SetMeta("scope/"+m.Name, s.scope); err != nil {
			return err
		}
		if err := bearWitness(tx, m.Model, s.newest); err != nil {
			return err
		}
		if err := s.rememberInstances(tx); err != nil {
			return err
		}
		if err := s.rememberChatter(tx); err != nil {
			return err
		}
		if err := s.rememberChanges(tx); err != nil {
			return err
		}
		return tx.SetMeta("statement/"+m.Name, string(raw))
	})
	if err != nil {
		return err
	}
	if err := e.leaveSign(ctx, m.Model); err != nil {
		return err
	}
	e.setSwept(m)
	e.nudge()
	e.Log.Info("swept", zap.String("mapping", m.Name), zap.String("op", "sweep"), zap.Int("odoo", s.stmt.Odoo), zap.Int("dingtalk", s.stmt.DingTalk),
		zap.Int("linked", s.stmt.Linked), zap.Int("differing", s.stmt.Differing), zap.Int("strangers", s.stmt.Strangers), zap.Int("absent", s.stmt.Absent), zap.Int("held", s.stmt.Held))
	return nil
}

// current says whether the mapping is still the one in force: a reload may have put another in its place meanwhile.
func (e *Engine) current(m *mapping.Mapping) bool {
	now, ok := e.mappings().Get(m.Name)
	return ok && now == m
}

// startedKey is the meta key of when a mapping was first swept.
func startedKey(name string) string { return "started/" + name }

// hasBegun says whether remember was called before.
func (s *sweep) hasBegun(ctx context.Context) (begun bool, err error) {
	err = s.e.Store.View(ctx, func(tx Tx) error {
		started, err := tx.Meta(startedKey(s.m.Name))
		begun = started != ""
		return err
	})
	return begun, err
}

// remember stores what stands on both sides before a mapping that starts now: it is known, and not acted on.
func (s *sweep) remember(tx Tx) error {
	key := startedKey(s.m.Name)
	started, err := tx.Meta(key)
	if err != nil || started != "" {
		return err
	}
	if s.m.Start == "now" {
		for _, k := range s.keys {
			if k.Link > 0 {
				continue
			}
			l := &Link{Mapping: s.m.Name, State: Baseline, Updated: s.stmt.At}
			l.SetOn(k.Side, k.ID)
			if once := s.onces[k.ID]; once != "" {
				l.occurrence().Once = once
			}
			if err := tx.PutLink(l); err != nil && !isTaken(err) {
				return err
			}
		}
		s.keys = slices.DeleteFunc(s.keys, func(k Key) bool { return k.Link == 0 })
	}
	return tx.SetMeta(key, s.stmt.At.UTC().Format(time.RFC3339))
}

// leaveAside takes out of a plan what remember would only remember, and says how much that is.
func (s *sweep) leaveAside() (remembered int) {
	if s.m.Start != "now" || s.began {
		return 0
	}
	before := len(s.keys)
	s.keys = slices.DeleteFunc(s.keys, func(k Key) bool { return k.Link == 0 })
	return before - len(s.keys)
}

// touchSlowly makes the links that do not differ due one after the other.
func (s *sweep) touchSlowly(ctx context.Context) error {
	due := s.e.Now()
	for keys := range slices.Chunk(s.rest, touchesAtOnce) {
		if err := s.e.Store.Update(ctx, func(tx Tx) error {
			for some := range slices.Chunk(keys, slowly) {
				due = due.Add(s.e.DeepEvery)
				if err := tx.Touch(due, some...); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// touch makes due what differs, in order, and counts what is held. Should it be interrupted, the sweep of the next start does it again.
func (s *sweep) touch(ctx context.Context) error {
	if err := s.e.Store.Update(ctx, s.remember); err != nil {
		return err
	}
	for keys := range slices.Chunk(s.keys, touchesAtOnce) {
		if err := s.e.Store.Update(ctx, func(tx Tx) error { return tx.Touch(time.Time{}, keys...) }); err != nil {
			return err
		}
	}
	return s.e.Store.View(ctx, func(tx Tx) (err error) {
		s.stmt.Held, err = countHeld(tx, s.m.Name)
		return err
	})
}

// countHeld counts the links of the mapping with anything held.
func countHeld(tx Tx, name string) (int, error) {
	n := 0
	for l, err := range tx.Links(name) {
		if err != nil {
			return 0, err
		}
		if len(l.Holds) > 0 {
			n++
		}
	}
	return n, nil
}
