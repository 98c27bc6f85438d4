package main

import (
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

// pace is the daemon's clock and those of its waits that no setting names. The build tag chaos replaces it, so that a round of
// faults takes seconds instead of an hour; see pace_chaos.go.
type pace struct {
	now func() time.Time

	lockPatience time.Duration // a command beside may hold the lock for a moment
	requests     time.Duration // how often the store is asked for what commands want
	publish      time.Duration // how often what is halted is left in the store, and a store that could not keep an event is tried again
	failedList   time.Duration // between two reads of DingTalk's list of undelivered events
	failedCount  time.Duration // the same where reading it costs a counted call
	stop         time.Duration // everything has ended by then, or the process ends without it
	settleMargin time.Duration // added to a client's deadline: after it, a call whose answer was lost has ended on the far side too
	secondSweep  time.Duration // after taking over from another daemon, everything is compared once more
	gate         gateTimes
	httpWait     time.Duration // the first pause before a client repeats a call by itself; 0: the client's own
	longestPause time.Duration // that a client prescribes after a refusal; 0: the client's own
	webhookSpan  time.Duration // the minute in which a webhook takes so many messages; 0: a minute

	engine func(*bridge.Options)        // more of the engine's; may be nil
	stream func(*dingtalk.StreamConfig) // likewise
}

// gateTimes are the waits before the engine starts.
type gateTimes struct {
	first, max time.Duration // between tries of an Odoo that does not answer; doubled
	stream     time.Duration // for the event stream, so that the first sweep comes after it
}

// usualPace is what a company gets.
func usualPace() pace {
	return pace{
		now:          time.Now,
		lockPatience: 3 * time.Second,
		requests:     time.Second,
		publish:      2 * time.Second,
		failedList:   5 * time.Minute,
		failedCount:  30 * time.Minute,
		stop:         10 * time.Second,
		settleMargin: 5 * time.Second,
		secondSweep:  3 * time.Minute,
		gate:         gateTimes{first: 5 * time.Second, max: time.Minute, stream: 3 * time.Second},
	}
}
