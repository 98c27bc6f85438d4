package bridge

import (
	"context"
	"time"
)

// Step polls every model once, turns events into work, and works until nothing is due within patience.
func (e *Engine) Step(ctx context.Context, patience time.Duration) error {
	for _, model := range e.models() {
		if err := e.pollModel(ctx, model); err != nil {
			return err
		}
	}
	return e.drain(ctx, e.Now().Add(patience), nil)
}

// Work turns events into work, and works until nothing is due within patience, without asking Odoo what changed.
func (e *Engine) Work(ctx context.Context, patience time.Duration) error {
	return e.drain(ctx, e.Now().Add(patience), nil)
}

// Night does what the sweep loop does at the nightly time.
func (e *Engine) Night(ctx context.Context) {
	e.night(ctx)
	e.sweepDue(ctx)
}

// SweepDue sweeps what is due.
func (e *Engine) SweepDue(ctx context.Context) { e.sweepDue(ctx) }

// TellOnTime tells what is due by the schedules of the mappings.
func (e *Engine) TellOnTime(ctx context.Context) error {
	for _, m := range e.mappings().Mappings {
		if m.Message != nil && m.Message.Schedule != nil {
			if err := e.tellOnTime(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// Prune forgets what is older than the retention.
func (e *Engine) Prune(ctx context.Context) { e.prune(ctx) }
