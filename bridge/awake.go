package bridge

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// awakeLoop notices that the process did not run for a while: stopped, swapped out, its machine suspended or moved. Its connections
// may have outlived that, so nothing else tells that events were given up meanwhile. A wall clock that was set looks the same.
func (e *Engine) awakeLoop(ctx context.Context) error {
	wall, ran := e.Now().Round(0), time.Now()
	for e.pause(ctx, e.Asleep/4) {
		slept := time.Since(ran) - e.Asleep/4
		moved := e.Now().Round(0).Sub(wall) - e.Asleep/4
		if gap := max(slept, moved, -moved); gap > e.Asleep {
			e.Log.Warn("the process did not run for a while, or the clock was set; everything is compared", zap.Duration("gap", gap))
			e.MissedEvents(true)
		}
		wall, ran = e.Now().Round(0), time.Now()
	}
	return nil
}
