package main

import (
	"sync/atomic"
	"time"
)

// demoClock is the clock of the demo's daemon and of both stand-ins, so that nobody waits for a morning.
type demoClock struct{ ahead atomic.Int64 }

// now is the machine's time, and what the clock was put forward by.
func (c *demoClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// forward puts the clock forward to a time.
func (c *demoClock) forward(to time.Time) { c.ahead.Add(int64(to.Sub(c.now()))) }
