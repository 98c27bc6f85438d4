//go:build chaos

package main

import (
	"testing"
	"time"
)

func TestMovedWallKeepsTheMonotonicTime(t *testing.T) {
	now := time.Now()
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		moved := moveWall(now, by)
		if d := moved.Sub(now); d != 0 {
			t.Errorf("moved by %s: %s passed by the monotonic clock", by, d)
		}
		if d := moved.Round(0).Sub(now.Round(0)); d != by {
			t.Errorf("moved by %s: the wall moved by %s", by, d)
		}
	}
}
