package web

import (
	"strings"
	"sync"
	"time"
)

// replays remembers the signatures that were accepted, until their timestamp alone would be refused. A signature covers
// timestamp, nonce and ciphertext, so that it stands for the whole request.
type replays struct {
	mu    sync.Mutex
	known map[string]memo
	queue []memo // in order of arrival; may hold some that were forgotten
	limit int
	count int
}

type memo struct {
	signature string
	number    int // tells a signature that came again from the one that was forgotten
	until     time.Time
}

func newReplays(limit int) *replays {
	return &replays{known: map[string]memo{}, limit: limit}
}

// add reports whether the signature is new, and remembers it. When the limit is reached the oldest goes.
func (r *replays) add(signature string, now, until time.Time) bool {
	signature = strings.ToLower(signature) // hexadecimal: both cases verify
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 && now.After(r.queue[0].until) {
		r.drop()
	}
	if _, known := r.known[signature]; known {
		return false
	}
	for len(r.queue) >= r.limit {
		r.drop()
	}
	r.count++
	m := memo{signature: signature, number: r.count, until: until}
	r.known[signature] = m
	r.queue = append(r.queue, m)
	return true
}

// drop takes the oldest away.
func (r *replays) drop() {
	m := r.queue[0]
	if r.known[m.signature].number == m.number {
		delete(r.known, m.signature)
	}
	r.queue[0] = memo{}
	r.queue = r.queue[1:]
}

// forget lets the signature come again.
func (r *replays) forget(signature string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, strings.ToLower(signature))
}
