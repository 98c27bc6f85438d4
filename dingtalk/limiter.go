package dingtalk

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Of 调用频率限制: 10 000 calls in 20 s from one address bar it for 5 minutes, and 8 000 are the advised alarm. All paths
// together stay below that.
const (
	addressRate  = 350 // a second
	addressBurst = 500
)

// The pause after a throttled answer starts at 1 s and doubles while the path stays throttled (调用频次与限流).
const (
	firstPause = time.Second
	lastPause  = 8 * time.Second
)

// limiters holds one limiter per API path and one for all paths of the address.
type limiters struct {
	qps         float64 // below 0: no limits
	now         func() time.Time
	first, last time.Duration // pauses after throttled answers
	address     *rate.Limiter

	mu       sync.Mutex
	fraction float64
	paths    map[string]*pathLimiter
}

type pathLimiter struct {
	rate  *window
	pause time.Duration // the last one imposed
	until time.Time     // nothing leaves before
}

func newLimiters(cfg Config) *limiters {
	return &limiters{
		qps: cfg.QPS, now: cfg.Now, first: cfg.pause(firstPause), last: cfg.pause(lastPause), fraction: 1, paths: map[string]*pathLimiter{},
		address: rate.NewLimiter(addressRate, addressBurst),
	}
}

func (l *limiters) path(path string) *pathLimiter {
	p, ok := l.paths[path]
	if !ok {
		p = &pathLimiter{rate: newWindow(l.qps * l.fraction)}
		l.paths[path] = p
	}
	return p
}

// wait blocks until the path may be called. A deadline of ctx that cannot be met fails at once; nothing was sent then.
func (l *limiters) wait(ctx context.Context, path string) error {
	if l.qps < 0 {
		return ctx.Err()
	}
	l.mu.Lock()
	p := l.path(path)
	pause := p.until.Sub(l.now())
	limiter := p.rate
	l.mu.Unlock()
	if err := sleep(ctx, pause); err != nil {
		return notSent(err, pause)
	}
	for _, turn := range []func(context.Context) error{limiter.wait, l.address.Wait} {
		if err := turn(ctx); err != nil {
			return notSent(err, l.first)
		}
	}
	return nil
}

func notSent(err error, after time.Duration) *Error {
	if errors.Is(err, context.Canceled) {
		return &Error{Class: Retry, Message: "given up while waiting for the rate limit, no call was made", Err: err}
	}
	return &Error{Class: Retry, After: after, Message: "the rate limit leaves no room before the deadline, no call was made", Err: err}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// pushBack closes the path after a throttled answer and returns for how long. Several answers to calls that left together
// count once.
func (l *limiters) pushBack(path string) time.Duration {
	if l.qps < 0 {
		return l.first
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p, now := l.path(path), l.now()
	if rest := p.until.Sub(now); rest > 0 {
		return rest
	}
	p.pause = min(max(p.pause*2, l.first), l.last)
	p.until = now.Add(p.pause)
	return p.pause
}

// passed ends the doubling: the path has answered again.
func (l *limiters) passed(path string) {
	if l.qps < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.path(path); !l.now().Before(p.until) {
		p.pause = 0
	}
}

func (l *limiters) throttle(fraction float64) {
	if fraction <= 0 || fraction > 1 || l.qps < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fraction = fraction
	for _, p := range l.paths {
		p.rate.set(l.qps * fraction)
	}
	l.address.SetLimit(rate.Limit(addressRate * fraction))
	l.address.SetBurst(max(1, int(addressBurst*fraction)))
}

// bar remembers until when this address must not call at all.
type bar struct {
	mu    sync.Mutex
	until time.Time
}

func (b *bar) set(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.until) {
		b.until = until
	}
}

func (b *bar) remaining(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.Sub(now)
}
