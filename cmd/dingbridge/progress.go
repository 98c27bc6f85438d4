package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress shows one line on a terminal and rewrites it; on anything else it shows nothing.
type progress struct {
	w io.Writer // nil: not a terminal

	mu    sync.Mutex
	last  time.Time
	doing string
	shown bool
}

// progressEvery is how often the line is rewritten at most.
const progressEvery = 100 * time.Millisecond

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			return &progress{w: w}
		}
	}
	return &progress{}
}

// show says what is being done and how far it is; total 0 = nobody knows.
func (p *progress) show(doing string, done, total int) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if doing == p.doing && now.Sub(p.last) < progressEvery {
		return
	}
	p.doing, p.last, p.shown = doing, now, true
	line := doing + " …"
	if total > 0 {
		line = fmt.Sprintf("%s %d/%d", doing, done, total)
	}
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", line) // a terminal that went away is noticed by what comes after
}

// clear takes the line away, so that other text can be printed.
func (p *progress) clear() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// note shows a sentence that stays.
func (p *progress) note(words string) {
	if p.w != nil {
		p.clear()
		_, _ = fmt.Fprintln(p.w, words)
	}
}
