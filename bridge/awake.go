package bridge

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// awakeLoop notices that the process did not run for a while: stopped, swapped out, its machine suspended or moved. Its connections
// may have outlived that, so nothing else tells that events were given up meanwhile. A wall clock that was set looks the same.
func (e *Engine) awakeLoop(ctx context.Context) error {
	every := e.Asleep / 4
	wall, ran := e.Now().Round(0), time.Now()
	for e.pause(ctx, every) {
		slept := time.Since(ran) - every
		moved := e.Now().Round(0).Sub(wall) - every
		if gap := max(slept, moved, -moved); gap > e.Asleep {
			e.Log.Warn("the process did not run for a while, or the clock was set; everything is compared", zap.Duration("gap", gap))
			e.clockSetBack(ctx, -moved)
			e.MissedEvents(true)
			select {
			case e.jumped <- struct{}{}:
			default:
			}
		}
		wall, ran = e.Now().Round(0), time.Now()
	}
	return nil
}

// clockKey is the meta key of the wall clock, as it was a moment ago.
const clockKey = "clock"

// clockSetBack brings what waits for a time nearer after the clock was set back: it would wait that much longer.
func (e *Engine) clockSetBack(ctx context.Context, by time.Duration) {
	if by <= e.Asleep {
		return
	}
	e.halts.rebase()
	now, moved := e.Now(), 0
	err := e.Store.Update(ctx, func(tx Tx) (err error) {
		if moved, err = tx.Sooner(now.Add(e.Asleep), by); err != nil {
			return err
		}
		return tx.SetMeta(clockKey, now.UTC().Format(time.RFC3339))
	})
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("failed", zap.String("op", "clock"), zap.String("reason", err.Error()))
		return
	}
	e.Log.Warn("the clock was set back; what was to be done later is done sooner", zap.Duration("by", by), zap.Int("keys", moved))
	e.nudge()
}

// compareClock looks whether the clock was set back while no process was active.
func (e *Engine) compareClock(ctx context.Context) {
	saved := ""
	err := e.Store.View(ctx, func(tx Tx) (err error) {
		saved, err = tx.Meta(clockKey)
		return err
	})
	if at, perr := time.Parse(time.RFC3339, saved); err == nil && perr == nil {
		e.clockSetBack(ctx, at.Sub(e.Now()))
	}
}

// keepClock remembers the clock for compareClock.
func (e *Engine) keepClock(ctx context.Context) {
	err := e.Store.Update(ctx, func(tx Tx) error { return tx.SetMeta(clockKey, e.Now().UTC().Format(time.RFC3339)) })
	if err != nil && ctx.Err() == nil {
		e.storeTrouble(err)
	}
}
