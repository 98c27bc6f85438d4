package bridge_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// directions of a first sync.
var directions = []string{"Odoo → DingTalk", "DingTalk → Odoo"}

// benchScale measures what a record costs in companies of different sizes: the program in a process of its own, first sync in one
// direction, then a sweep that finds nothing. The CPU is the process's own, so that it does not contain the stand-ins'.
func benchScale(b *testing.B, t *benchTable, people int, direction string) {
	b.Helper()
	c := corp{departments: people / 20, people: people}
	s := newSite(b)
	if direction == directions[0] {
		s.fillOdoo(b, c)
	} else {
		s.fillDingTalk(b, c)
	}
	s.reset()
	began := time.Now()
	p := s.daemon(b, 5*time.Second)
	p.settled(b, c.records())
	took := time.Since(began)
	perRecord := p.cpu(b) / time.Duration(c.records())
	_, peak := p.memory(b)
	t.add(fmt.Sprintf("%d departments + %d people %s, the program alone", c.departments, c.people, direction),
		"%s CPU a record, %.0f records/s, peak %.0f MB", "flat, ≤ 250 MB at 100 000", perRecord.Round(time.Microsecond), float64(c.records())/took.Seconds(), peak)
	b.ReportMetric(float64(perRecord.Microseconds()), "µs-CPU/record")
	b.ReportMetric(peak, "peak-MB")
	p.stop(b)

	swept := time.Now()
	p.start(b, s)
	p.swept(b, swept)
	took = time.Since(swept)
	now, peak := p.memory(b)
	t.add("  started again: the sweep of what is equal", "%.1f s, %.1f s CPU, %.0f MB, peak %.0f MB", "", took.Seconds(), p.cpu(b).Seconds(), now, peak)
	p.stop(b)
}

// BenchmarkScale is benchScale for the largest company. Each direction takes minutes and prints its own table.
func BenchmarkScale(b *testing.B) {
	for _, direction := range directions {
		b.Run(strings.ReplaceAll(direction, " ", ""), func(b *testing.B) {
			t := &benchTable{}
			for b.Loop() {
				benchScale(b, t, crowd(100_000), direction)
			}
			t.print(os.Stdout)
		})
	}
}

// cpu is the time the process has computed so far (proc_pid_stat(5): utime and stime, in hundredths of a second).
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if os.IsNotExist(err) {
		return 0
	}
	check(b, err)
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	total := int64(0)
	for _, n := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(n), 10, 64)
		check(b, err)
		total += ticks
	}
	return time.Duration(total) * 10 * time.Millisecond
}
