//go:build chaos

package main

import (
	"encoding/binary"
	"os"
	"time"
	"unsafe"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

// chaosClockFile names, in the environment, the file that holds how far the wall clock is off: eight bytes, nanoseconds, big endian.
const chaosClockFile = "CHAOS_CLOCK"

// ownPace is the pace of a build for the chaos harness: minutes become milliseconds, and the harness may set the clock.
func ownPace() pace {
	p := usualPace()
	p.now = movedClock(os.Getenv(chaosClockFile))
	p.lockPatience, p.requests, p.publish = 300*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
	p.failedList, p.failedCount = 300*time.Millisecond, 300*time.Millisecond
	p.settleMargin, p.secondSweep = 200*time.Millisecond, 500*time.Millisecond
	p.gate = gateTimes{first: 50 * time.Millisecond, max: 300 * time.Millisecond, stream: time.Second}
	p.httpWait, p.longestPause, p.webhookSpan = 5*time.Millisecond, 200*time.Millisecond, 3*time.Second
	p.engine = func(o *bridge.Options) {
		o.SecondLook = 1100 * time.Millisecond // Odoo shows whole seconds: not less than one
		o.RetryBase, o.RetryMax = 20*time.Millisecond, 300*time.Millisecond
		o.DeepEvery = 5 * time.Millisecond
		o.Reread, o.Withdrawable = 300*time.Millisecond, 200*time.Millisecond
		o.Asleep = 400 * time.Millisecond
		o.HaltBase, o.HaltMax = 30*time.Millisecond, 200*time.Millisecond
		o.QuotaEvery, o.SweepWithheld = 200*time.Millisecond, 300*time.Millisecond
	}
	p.stream = func(c *dingtalk.StreamConfig) {
		c.AckTimeout = 500 * time.Millisecond
		c.PingEvery, c.PongWait = 500*time.Millisecond, 300*time.Millisecond
		c.IdleTimeout, c.Recycle, c.Drain = 1200*time.Millisecond, time.Minute, 300*time.Millisecond
		c.BackoffMin, c.BackoffMax = 30*time.Millisecond, 300*time.Millisecond
	}
	return p
}

// movedClock is a clock that is off by what the file says, as after somebody set the machine's: the wall time moves, the monotonic
// time beside it does not.
func movedClock(file string) func() time.Time {
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		now := time.Now()
		raw, err := os.ReadFile(file)
		if err != nil || len(raw) != 8 {
			return now
		}
		return moveWall(now, time.Duration(binary.BigEndian.Uint64(raw)))
	}
}

// moveWall moves the wall part of a time with a monotonic part (time.Time: bit 63 of the first word says that it has one, the 33
// bits below are seconds). There is no other way to get such a pair than to set the machine's clock.
func moveWall(t time.Time, by time.Duration) time.Time {
	const monotonic, seconds = 1 << 63, 30
	word := (*uint64)(unsafe.Pointer(&t)) //nolint:gosec // for tests of the daemon only
	if *word&monotonic == 0 {
		return t.Add(by)
	}
	whole := int64(*word<<1>>(seconds+1)) + int64(by/time.Second)
	*word = monotonic | uint64(whole)<<seconds | *word&(1<<seconds-1)
	return t
}
