package web

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// quietFor is how long one kind of refusal is told once only: whoever floods the address shall not flood the log.
const quietFor = time.Minute

// refusals tells refused requests: the first of each outcome at once, what follows as a number in the next line. Every one is
// counted in the metrics.
type refusals struct {
	log *zap.Logger

	mu   sync.Mutex
	last map[outcome]told // outcomes are a closed set
}

type told struct {
	at    time.Time
	since int // refused after it without a word
}

func newRefusals(log *zap.Logger) *refusals {
	return &refusals{log: log, last: map[outcome]told{}}
}

func (r *refusals) tell(refused *refusal, now time.Time) {
	r.mu.Lock()
	before, had := r.last[refused.outcome]
	if had && now.Sub(before.at).Abs() < quietFor { // also when the clock was put back
		before.since++
		r.last[refused.outcome] = before
		r.mu.Unlock()
		return
	}
	r.last[refused.outcome] = told{at: now}
	r.mu.Unlock()
	fields := []zap.Field{zap.String("reason", string(refused.outcome)), zap.String("words", refused.words), zap.Error(refused.cause)}
	if before.since > 0 {
		fields = append(fields, zap.Int("untold", before.since))
	}
	r.log.Warn("callback refused", fields...)
}
