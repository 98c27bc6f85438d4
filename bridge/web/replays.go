package web

import (
	"strings"
	"sync"
	"time"
)

// replays remembers the signatures of requests whose event was kept, until their timestamp alone would be refused. A signature covers
// timestamp, nonce and ciphertext, so that it stands for the whole request. It spares the store a repeated request; that the event
// counts once is the inbox's doing, by the event's id, also after a restart and between replicas, each of which has a memory of its own.
type replays struct {
	mu    sync.Mutex
	until map[string]time.Time
	queue []string // in order of arrival, each once
	limit int
}

func newReplays(limit int) *replays {
	return &replays{until: map[string]time.Time{}, limit: limit}
}

// known reports whether the signature was added and is still remembered.
func (r *replays) known(signature string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.until[strings.ToLower(signature)] // hexadecimal: both cases verify
	return known
}

// add remembers the signature. Those whose time has passed go, and the oldest when the limit is reached.
func (r *replays) add(signature string, now, until time.Time) {
	signature = strings.ToLower(signature)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.until[signature]; known {
		return
	}
	for len(r.queue) > 0 && (len(r.queue) >= r.limit || now.After(r.until[r.queue[0]])) {
		delete(r.until, r.queue[0])
		r.queue = r.queue[1:]
	}
	r.until[signature] = until
	r.queue = append(r.queue, signature)
}
