package bridge

import (
	"sync"
	"time"
)

// recently remembers for a while what happened to which key. It forgets by itself: what is older than twice the window is gone.
type recently struct {
	mu     sync.Mutex
	window time.Duration
	began  time.Time // of the half that is filled
	half   [2]map[Key]time.Time
}

func newRecently(window time.Duration) *recently {
	return &recently{window: window, half: [2]map[Key]time.Time{{}, {}}}
}

// note remembers that it happened to the keys at the time.
func (r *recently) note(at time.Time, keys ...Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Sub(r.began) > r.window {
		r.began, r.half = at, [2]map[Key]time.Time{{}, r.half[0]}
	}
	for _, k := range keys {
		r.half[0][k] = at
	}
}

// ends returns when the window of the last time ends that it happened to the key; false when that is over, or it never did.
func (r *recently) ends(k Key, now time.Time) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.half[0][k]
	if !ok {
		at, ok = r.half[1][k]
	}
	end := at.Add(r.window)
	return end, ok && end.After(now)
}
