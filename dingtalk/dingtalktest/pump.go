package dingtalktest

import (
	"container/heap"
	"sync"
	"time"
)

// pump runs jobs one after the other, each at its time; jobs of one time run in the order they came. The zero value
// works; its goroutine starts with the first job and ends with stop.
type pump struct {
	mu      sync.Mutex
	jobs    jobHeap
	seq     int
	wake    chan struct{}
	done    chan struct{}
	stopped bool
}

type job struct {
	due time.Time
	seq int
	run func()
}

// after runs f in d from now, in real time. After stop it does nothing.
func (p *pump) after(d time.Duration, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	if p.wake == nil {
		p.wake, p.done = make(chan struct{}, 1), make(chan struct{})
		go p.loop()
	}
	p.seq++
	heap.Push(&p.jobs, job{due: time.Now().Add(d), seq: p.seq, run: f})
	p.poke()
}

// poke wakes the loop; the lock is held.
func (p *pump) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// stop drops all jobs and waits for the one that runs.
func (p *pump) stop() {
	p.mu.Lock()
	p.stopped = true
	p.jobs = nil
	done := p.done
	if p.wake != nil {
		p.poke()
	}
	p.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (p *pump) loop() {
	defer close(p.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		run, wait, stopped := p.next()
		if stopped {
			return
		}
		if run != nil {
			run()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-p.wake:
		}
	}
}

// next takes the job that is due, or tells how long until there is one.
func (p *pump) next() (run func(), wait time.Duration, stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, 0, true
	}
	if len(p.jobs) == 0 {
		return nil, time.Hour, false
	}
	if wait = time.Until(p.jobs[0].due); wait > 0 {
		return nil, wait, false
	}
	first, ok := heap.Pop(&p.jobs).(job)
	if !ok {
		return nil, 0, false
	}
	return first.run, 0, false
}

// jobHeap orders jobs by time, then by arrival.
type jobHeap []job

func (h jobHeap) Len() int      { return len(h) }
func (h jobHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h jobHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}

// Push is heap.Interface.
func (h *jobHeap) Push(x any) {
	if j, ok := x.(job); ok {
		*h = append(*h, j)
	}
}

// Pop is heap.Interface.
func (h *jobHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = job{}
	*h = old[:len(old)-1]
	return last
}
