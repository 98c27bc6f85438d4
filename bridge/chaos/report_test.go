package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// report is the table at the end.
type report struct {
	mu         sync.Mutex
	rounds     int
	violations int
	faults     map[string]int
	edits      map[string]int
	limits     map[string]int
	decisions  map[string]int
	messages   map[string]int
	todos      map[string]int
	took       []time.Duration // from the end of the faults to the agreement
	starts     int
}

func newReport() *report {
	return &report{faults: map[string]int{}, edits: map[string]int{}, limits: map[string]int{}, decisions: map[string]int{}, messages: map[string]int{}, todos: map[string]int{}}
}

func (r *report) count(in map[string]int, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in[what]++
}

func (r *report) faulted(what string) { r.count(r.faults, what) }
func (r *report) edited(what string)  { r.count(r.edits, what) }
func (r *report) limited(what string) { r.count(r.limits, what) }

// judged enters what a world's decisions came to.
func (r *report) judged(j judgement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for what, n := range j.counted {
		r.decisions[what] += n
	}
	for what, n := range j.limits {
		r.limits[what] += n
	}
}

// messaged enters what a world's messages came to.
func (r *report) messaged(counted map[string]int) { r.add(r.messages, counted) }

// todoed enters what a world's to-dos came to.
func (r *report) todoed(counted map[string]int) { r.add(r.todos, counted) }

func (r *report) add(to, counted map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for what, n := range counted {
		to[what] += n
	}
}

func (r *report) violated() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations++
}

func (r *report) settled(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rounds++
	r.took = append(r.took, took)
}

// String prints the table.
func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	table := func(title string, in map[string]int) {
		sum := 0
		for _, n := range in {
			sum += n
		}
		fmt.Fprintf(&b, "\n%s: %d\n", title, sum)
		for _, what := range slices.Sorted(maps.Keys(in)) {
			fmt.Fprintf(&b, "  %6d  %s\n", in[what], what)
		}
	}
	slices.Sort(r.took)
	at := func(percent int) time.Duration {
		if len(r.took) == 0 {
			return 0
		}
		return r.took[min(len(r.took)*percent/100, len(r.took)-1)].Round(10 * time.Millisecond)
	}
	fmt.Fprintf(&b, "%d rounds, %d violations; agreement %s after the faults (median; 95 %%: %s; slowest: %s); processes started: %d\n", r.rounds, r.violations, at(50), at(95), at(100), r.starts)
	table("faults injected", r.faults)
	table("edits by people", r.edits)
	table("decisions in dingtalk, each matched one by one", r.decisions)
	table("messages", r.messages)
	table("activities and to-dos", r.todos)
	table("lost to a known limit", r.limits)
	return b.String()
}
