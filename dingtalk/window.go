package dingtalk

import (
	"context"
	"math"
	"sync"
	"time"
)

// windowSpan is the second that DingTalk counts in, and a little more: calls that leave a second apart may arrive closer together.
const windowSpan = 1030 * time.Millisecond

// catchUp is how much faster than the rate calls may leave after a pause, as long as the second still has room. Without it every
// pause of the caller would be lost for good.
const catchUp = 2

// window lets calls leave so that no windowSpan, wherever it begins, sees more than the rate, and almost all of it is used.
type window struct {
	mu   sync.Mutex
	span time.Duration
	gap  time.Duration // least time between two calls
	sent []time.Time   // when the last calls left; as many as one span may see, in a ring
	next int           // the oldest of them
}

func newWindow(qps float64) *window {
	w := &window{}
	w.set(qps)
	return w
}

// set changes the rate. Calls that left already count on.
func (w *window) set(qps float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := max(1, int(math.Floor(qps+1e-9)))
	w.span = time.Duration(max(1, 1/qps) * float64(windowSpan))
	w.gap = time.Duration(float64(time.Second) / (qps * catchUp))
	kept := make([]time.Time, n)
	for i := range min(n, len(w.sent)) { // the newest
		kept[n-1-i] = w.sent[(w.next+2*len(w.sent)-1-i)%len(w.sent)]
	}
	w.sent, w.next = kept, 0
}

// wait waits for the call's turn. A deadline of ctx before that turn fails at once, and takes no turn.
func (w *window) wait(ctx context.Context) error {
	now := time.Now()
	w.mu.Lock()
	at := now
	for _, earliest := range []time.Time{w.sent[w.next].Add(w.span), w.sent[(w.next+len(w.sent)-1)%len(w.sent)].Add(w.gap)} {
		if earliest.After(at) {
			at = earliest
		}
	}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(at) {
		w.mu.Unlock()
		return context.DeadlineExceeded
	}
	w.sent[w.next] = at
	w.next = (w.next + 1) % len(w.sent)
	w.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}
