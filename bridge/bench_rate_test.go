package bridge_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

const (
	farLatency  = 30 * time.Millisecond // of each DingTalk call
	rateSeconds = 14                    // how long a run lasts at its full rate
)

// benchRate measures how much of the rate that DingTalk allows a first sync uses in the middle of its run, on the API that limits: the
// one that is called once a person. A creation and its read-back are two calls, so that above 175 people a second all calls of the
// address together (350 a second, dingtalk/limiter.go) would be the limit.
func benchRate(b *testing.B, t *benchTable) {
	for _, c := range []struct {
		direction string
		path      string
		qps       float64
	}{
		{directions[0], "/topapi/v2/user/create", 20},
		{directions[0], "/topapi/v2/user/create", 100},
		{directions[0], "/topapi/v2/user/create", 150},
		{directions[1], "/topapi/v2/user/get", 20},
		{directions[1], "/topapi/v2/user/get", 100},
		{directions[1], "/topapi/v2/user/get", 300},
	} {
		b.Run(fmt.Sprintf("%s/%.0f", strings.ReplaceAll(c.direction, " ", ""), c.qps), func(b *testing.B) {
			for b.Loop() {
				used := measureRate(b, c.direction, c.path, c.qps) / c.qps
				b.ReportMetric(100*used, "%used")
				t.add(fmt.Sprintf("%s, %s a call, %.0f a second allowed for each API", c.direction, farLatency, c.qps),
					"%.1f %% used by %s", "≥ 95 %", 100*used, strings.TrimPrefix(c.path, "/topapi/v2/"))
			}
		})
	}
}

// measureRate is how many calls a second come to the path in the middle of a first sync.
func measureRate(b *testing.B, direction, path string, qps float64) float64 {
	b.Helper()
	e := &equalSite{tb: &benchScope{TB: b}}
	defer e.close()
	e.site, e.path = newSite(e.tb), filepath.Join(b.TempDir(), "store.db")
	company := corp{departments: 20, people: int(rateSeconds * qps)}
	if direction == directions[0] {
		e.site.fillOdoo(b, company)
	} else {
		e.site.fillDingTalk(b, company)
	}
	e.site.ding.Set(func(k *dingtalktest.Knobs) { k.Latency = farLatency })
	var mu sync.Mutex
	var people, calls []time.Time
	e.site.watch(nil, func(r dingtalktest.Request) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(r.Path, "/topapi/v2/user/") && r.Path != "/topapi/v2/user/list" {
			people = append(people, time.Now())
		}
		if r.Path == path {
			calls = append(calls, time.Now())
		}
	})
	e.syncAt(b, qps)
	mu.Lock()
	defer mu.Unlock()
	return midRun(people, calls)
}

// midRun is the rate of the calls in the second half of the time in which people were worked on, but for its end: by then the departments
// have got their heads, which is the business of another API. It is the mean over windows that begin at different moments,
// because calls may leave in groups.
func midRun(people, calls []time.Time) float64 {
	whole := people[len(people)-1].Sub(people[0])
	first, span := people[0].Add(whole/2), whole/2-2*time.Second
	sum, n := 0.0, 0
	for shift := time.Duration(0); shift < 1030*time.Millisecond; shift += 10 * time.Millisecond {
		from := first.Add(shift)
		in := slices.DeleteFunc(slices.Clone(calls), func(at time.Time) bool { return at.Before(from) || !at.Before(from.Add(span)) })
		sum += float64(len(in)) / span.Seconds()
		n++
	}
	return sum / float64(n)
}
