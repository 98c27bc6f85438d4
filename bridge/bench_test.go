package bridge_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkBridge measures the bridge against the stand-ins on loopback with a durable store and throttling off, and prints one table at its
// end. It judges nothing: targets stand beside the numbers. Each part also runs alone (-bench Bridge/sweep); under -short a tenth
// of the company is used.
func BenchmarkBridge(b *testing.B) {
	t := &benchTable{}
	equal := &equalSite{}
	defer equal.close()
	b.Run("first_sync_to_dingtalk", func(b *testing.B) { benchToDingTalk(b, t, equal) })
	b.Run("sweep_without_differences", func(b *testing.B) { benchSweep(b, t, equal) })
	equal.close()
	b.Run("first_sync_to_odoo", func(b *testing.B) { benchToOdoo(b, t) })
	b.Run("rate", func(b *testing.B) { benchRate(b, t) })
	b.Run("scale", func(b *testing.B) {
		for b.Loop() {
			for _, direction := range directions {
				benchScale(b, t, crowd(1_000), direction)
				benchScale(b, t, crowd(10_000), direction)
			}
		}
	})
	b.Run("daemon", func(b *testing.B) { benchDaemon(b, t) })
	t.print(os.Stdout)
}

// equalSite is a site both sides of which are in step, kept from one part for the next.
type equalSite struct {
	tb   *benchScope
	site *site
	path string
}

// benchScope is a testing.TB whose cleanups run when it is closed: what one sub-benchmark makes outlives it.
type benchScope struct {
	testing.TB
	cleanups []func()
}

func (s *benchScope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *benchScope) close() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
	s.cleanups = nil
}

func (e *equalSite) close() {
	if e.tb != nil {
		e.tb.close()
	}
	*e = equalSite{}
}

// open starts a site with the company in Odoo and a store beside it.
func (e *equalSite) open(b *testing.B) {
	b.Helper()
	e.close()
	dir, err := os.MkdirTemp("", "dingbridge-bench-*")
	check(b, err)
	e.tb = &benchScope{TB: b}
	e.tb.Cleanup(func() { _ = os.RemoveAll(dir) }) // a left-over folder below the temporary one harms nobody
	e.site = newSite(e.tb)
	e.path = filepath.Join(dir, "store.db")
	e.site.fillOdoo(b, benchCorp())
	e.site.reset()
}

func (e *equalSite) sync(b *testing.B) time.Duration { return e.syncAt(b, -1) }

// syncAt syncs with a rate allowed for each DingTalk API; -1: none.
func (e *equalSite) syncAt(b *testing.B, qps float64) time.Duration {
	b.Helper()
	scope := &benchScope{TB: b}
	defer scope.close()
	engine := e.site.engine(scope, e.path, qps)
	began := time.Now()
	check(b, engine.SyncOnce(context.Background(), nil, 10*time.Second, nil))
	return time.Since(began)
}

func benchToDingTalk(b *testing.B, t *benchTable, equal *equalSite) {
	c := benchCorp()
	for b.Loop() {
		b.StopTimer()
		equal.open(b)
		b.StartTimer()
		took := equal.sync(b)
		b.StopTimer()
		_, calls := equal.site.asked()
		rate := float64(c.records()) / took.Seconds()
		b.ReportMetric(rate, "records/s")
		people := sumCalls(calls, "/topapi/v2/user/")
		b.ReportMetric(people/float64(c.people), "calls/person")
		t.add(fmt.Sprintf("first sync Odoo → DingTalk, %d departments + %d people", c.departments, c.people), "%.0f records/s (%.1f s)", "≥ 300 records/s", rate, took.Seconds())
		t.add("  DingTalk calls a person", "%.2f (%s)", "≤ 3", people/float64(c.people), perPath(calls, "/topapi/v2/user/", c.people, "person"))
		t.add("  DingTalk calls a department", "%s", "", perPath(calls, "/topapi/v2/department/", c.departments, "department"))
		t.add("  people written a second time", "%d (managers that came too late)", "0: no cycle among people", calls["/topapi/v2/user/update"])
		t.add("  departments written a second time", "%d of %d, whose head works in them", "only cycles", calls["/topapi/v2/department/update"], c.departments)
		t.expect("people in DingTalk", len(equal.site.ding.Users()), c.people)
		b.StartTimer()
	}
}

func benchSweep(b *testing.B, t *benchTable, equal *equalSite) {
	c := benchCorp()
	if equal.site == nil {
		equal.open(b)
		equal.sync(b)
	}
	equal.sync(b) // what the first sweep after the creations still looks at
	for b.Loop() {
		b.StopTimer()
		equal.site.reset()
		b.StartTimer()
		took := equal.sync(b)
		b.StopTimer()
		odooCalls, dingCalls := equal.site.asked()
		writes := equal.site.ding.Writes()
		for call, n := range odooCalls {
			if isOdooWriteMethod(call) {
				writes += n
			}
		}
		b.ReportMetric(took.Seconds(), "s/sweep")
		b.ReportMetric(float64(writes), "writes")
		t.add(fmt.Sprintf("sweep without differences, %d equal pairs", c.records()), "%.2f s (%.0f records/s)", "", took.Seconds(), float64(c.records())/took.Seconds())
		t.add("  writes on either side", "%d", "0", writes)
		t.add("  read from Odoo", "%s", "each side once, by page", byCount(odooCalls))
		t.add("  read from DingTalk", "%s", "", byCount(dingCalls))
		b.StartTimer()
	}
}

func benchToOdoo(b *testing.B, t *benchTable) {
	c := benchCorp()
	for b.Loop() {
		b.StopTimer()
		e := &equalSite{tb: &benchScope{TB: b}}
		e.site, e.path = newSite(e.tb), filepath.Join(b.TempDir(), "store.db")
		e.site.fillDingTalk(b, c)
		e.site.reset()
		b.StartTimer()
		took := e.sync(b)
		b.StopTimer()
		odooCalls, dingCalls := e.site.asked()
		rate := float64(c.records()) / took.Seconds()
		b.ReportMetric(rate, "records/s")
		t.add(fmt.Sprintf("first sync DingTalk → Odoo, %d departments + %d people", c.departments, c.people), "%.0f records/s (%.1f s)", "≥ 1000 records/s", rate, took.Seconds())
		t.add("  DingTalk calls a person", "%s", "", perPath(dingCalls, "/topapi/v2/user/", c.people, "person"))
		t.add("  Odoo calls", "%s", "batched", byCount(odooCalls))
		t.expect("people in Odoo", e.site.odooPeople(), c.people)
		e.close()
		b.StartTimer()
	}
}

// sumCalls counts the calls below the prefix.
func sumCalls(calls map[string]int, prefix string) float64 {
	sum := 0
	for path, n := range calls {
		if strings.HasPrefix(path, prefix) {
			sum += n
		}
	}
	return float64(sum)
}

// perPath tells the calls below the prefix as a share of n.
func perPath(calls map[string]int, prefix string, n int, what string) string {
	var parts []string
	for _, path := range slices.Sorted(maps.Keys(calls)) {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			parts = append(parts, fmt.Sprintf("%s %.2f", rest, float64(calls[path])/float64(n)))
		}
	}
	return strings.Join(parts, ", ") + " a " + what
}

// byCount tells calls and how often each was made.
func byCount(calls map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		parts = append(parts, fmt.Sprintf("%s %d", strings.TrimPrefix(name, "/topapi/v2/"), calls[name]))
	}
	return strings.Join(parts, ", ")
}

// benchTable is what the benchmark prints at its end.
type benchTable struct{ rows [][3]string }

// add appends a row: what was measured, the value, and the target ("" for none).
func (t *benchTable) add(what, format, target string, args ...any) {
	t.rows = append(t.rows, [3]string{what, fmt.Sprintf(format, args...), target})
}

// expect adds a row only when a benchmark did not do the work it was timed for.
func (t *benchTable) expect(what string, got, want int) {
	if got != want {
		t.add("  INCOMPLETE: "+what, "%d", "%d", got)
		t.rows[len(t.rows)-1][2] = fmt.Sprint(want)
	}
}

func (t *benchTable) print(to io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\nmeasured\tvalue\ttarget")
	fmt.Fprintln(w, "--------\t-----\t------")
	for _, r := range t.rows {
		for i, line := range wrap(r[1], 72) {
			if i > 0 {
				r[0], r[2] = "", ""
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", r[0], line, r[2])
		}
	}
	if err := w.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// wrap breaks a list after a comma, so that no line becomes longer than width if that can be had.
func wrap(list string, width int) []string {
	lines := []string{""}
	for _, part := range strings.SplitAfter(list, ", ") {
		if last := len(lines) - 1; lines[last] == "" || len([]rune(lines[last]+part)) <= width {
			lines[last] += part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}
