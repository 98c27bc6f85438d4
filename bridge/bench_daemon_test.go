package bridge_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

const (
	benchPoll     = 500 * time.Millisecond // how often the daemon asks Odoo
	idleIntervals = 20
	latencyEdits  = 100
)

// process is a dingbridge of its own: `dingbridge run` on a store, between the stand-ins of this process.
type process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan error
	store *store.SQLite // its state, read from outside
}

// daemon builds the program and starts it with settings from the environment alone, asking Odoo as often as told. GOGC and GOMEMLIMIT reach it.
func (s *site) daemon(b *testing.B, poll time.Duration) *process {
	b.Helper()
	dir := b.TempDir()
	program := filepath.Join(dir, "dingbridge")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "dingbridge/cmd/dingbridge").CombinedOutput(); err != nil {
		b.Fatalf("building the daemon: %v\n%s", err, out)
	}
	var files []string
	for _, src := range benchMappings(b) {
		file := filepath.Join(dir, filepath.Base(src.File))
		check(b, os.WriteFile(file, src.Data, 0o600))
		files = append(files, file)
	}
	path := filepath.Join(dir, "store.db")
	p := &process{cmd: exec.Command(program, "run")}
	p.cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DINGBRIDGE_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	for key, value := range map[string]string{
		"ODOO_URL": s.odooURL, "ODOO_DATABASE": benchDatabase, "ODOO_LOGIN": benchLogin, "ODOO_PASSWORD": benchPassword,
		"DINGTALK_OAPI": s.dingURL, "DINGTALK_API": s.dingURL, "DINGTALK_LOGIN": s.dingURL, "DINGTALK_QPS": "-1",
		"DINGTALK_APP_KEY": s.ding.AppKey(), "DINGTALK_APP_SECRET": s.ding.AppSecret(), "DINGTALK_CORP_ID": s.ding.CorpID(),
		"STORE": path, "HTTP_LISTEN": "127.0.0.1:0", "LOG_LEVEL": "warn", "POLL": poll.String(), "MAPPINGS": strings.Join(files, ","),
	} {
		p.cmd.Env = append(p.cmd.Env, "DINGBRIDGE_"+key+"="+value)
	}
	p.start(b, s)
	b.Cleanup(func() { p.stop(b) })
	var err error
	p.store, err = store.OpenSQLite(path)
	check(b, err)
	b.Cleanup(func() { check(b, p.store.Close()) })
	return p
}

// start starts the process and waits until its Stream is connected. One that was stopped is started again on its store.
func (p *process) start(b *testing.B, s *site) {
	b.Helper()
	again := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	again.Dir, again.Env = p.cmd.Dir, p.cmd.Env
	again.Stdout, again.Stderr = &p.log, &p.log
	ended := make(chan error, 1)
	p.cmd, p.ended = again, ended
	check(b, again.Start())
	go func() { ended <- again.Wait() }() // ends with the process
	check(b, s.ding.WaitStream(b.Context(), 1))
}

// stop ends the process and tells what it complained about.
func (p *process) stop(b *testing.B) {
	if p.ended == nil {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.Error(err)
	}
	if err := <-p.ended; err != nil {
		b.Errorf("the daemon ended with %v\n%s", err, p.tail())
	}
	p.ended = nil
}

func (p *process) tail() string {
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// settled waits until the store holds so many links and nothing is left to do.
func (p *process) settled(b *testing.B, links int) {
	b.Helper()
	for {
		linked, dirty := 0, 0
		check(b, p.store.View(b.Context(), func(tx bridge.Tx) error {
			work, _, err := tx.CountWork(time.Now())
			if err != nil {
				return err
			}
			for _, n := range work {
				dirty += n
			}
			for _, name := range []string{"departments", "employees"} {
				states, err := tx.CountLinks(name)
				if err != nil {
					return err
				}
				linked += states[bridge.Linked]
			}
			return nil
		}))
		if linked >= links && dirty == 0 {
			return
		}
		p.wait(b, 100*time.Millisecond)
	}
}

// swept waits until all mappings were swept since then.
func (p *process) swept(b *testing.B, since time.Time) {
	b.Helper()
	for done := 0; done < 2; p.wait(b, 50*time.Millisecond) {
		done = 0
		check(b, p.store.View(b.Context(), func(tx bridge.Tx) error {
			for _, name := range []string{"departments", "employees"} {
				raw, err := tx.Meta("statement/" + name)
				if err != nil {
					return err
				}
				var last bridge.Statement
				if err := json.Unmarshal([]byte(raw), &last); err != nil {
					return err
				}
				if last.At.After(since) {
					done++
				}
			}
			return nil
		}))
	}
}

// wait lets time pass while the daemon works.
func (p *process) wait(b *testing.B, d time.Duration) {
	b.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case err := <-p.ended:
		p.ended = nil
		b.Fatalf("the daemon ended by itself: %v\n%s", err, p.tail())
	}
}

// memory is the process's resident memory now and at its peak, in MB; zero where the system does not tell (proc_pid_status(5)).
func (p *process) memory(b *testing.B) (now, peak float64) {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0
	}
	check(b, err)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch {
		case name == "VmRSS" && err == nil:
			now = kb / 1024
		case name == "VmHWM" && err == nil:
			peak = kb / 1024
		}
	}
	return now, peak
}

// benchDaemon measures the program itself, in a process of its own with the Stream connected: first sync, memory, idling, latencies.
func benchDaemon(b *testing.B, t *benchTable) {
	c := benchCorp()
	for b.Loop() {
		b.StopTimer()
		s := newSite(b)
		people := s.fillOdoo(b, c)
		s.reset()
		b.StartTimer()
		began := time.Now()
		p := s.daemon(b, benchPoll)
		p.settled(b, c.records())
		took := time.Since(began)
		b.StopTimer()
		check(b, s.ding.FlushEvents(b.Context())) // the echoes of the creations
		p.settled(b, c.records())
		_, calls := s.asked()
		b.ReportMetric(float64(c.records())/took.Seconds(), "records/s")
		t.add("the daemon's first sync Odoo → DingTalk, events on", "%.0f records/s (%.1f s, build and start included)", "", float64(c.records())/took.Seconds(), took.Seconds())
		t.add("  DingTalk calls a person", "%.2f (%s)", "≤ 3", sumCalls(calls, "/topapi/v2/user/")/float64(c.people), perPath(calls, "/topapi/v2/user/", c.people, "person"))
		now, peak := p.memory(b)
		t.add(fmt.Sprintf("resident memory of the daemon, %d links", c.records()), "%.0f MB after the first sync, peak %.0f MB", "≤ 120 MB", now, peak)
		b.ReportMetric(peak, "peak-MB")

		benchIdle(b, t, s, p)
		now, peak = p.memory(b)
		b.ReportMetric(now, "idle-MB")
		t.add("  idle", "%.0f MB, peak %.0f MB", "≤ 120 MB", now, peak)
		benchOdooLatency(b, t, s, p, people)
		check(b, s.ding.FlushEvents(b.Context()))
		p.settled(b, c.records())
		benchEventLatency(b, t, s, p, people)
		now, peak = p.memory(b)
		t.add("resident memory at the end", "%.0f MB, peak %.0f MB", "≤ 120 MB", now, peak)
		p.stop(b)
		b.StartTimer()
	}
}

// benchIdle counts what the daemon asks while nothing happens.
func benchIdle(b *testing.B, t *benchTable, s *site, p *process) {
	b.Helper()
	s.reset()
	p.wait(b, idleIntervals*benchPoll)
	odooCalls, dingCalls := s.asked()
	for _, model := range []string{"hr.department", "hr.employee"} {
		n := 0
		for call, k := range odooCalls {
			if strings.HasPrefix(call, model+" ") {
				n += k
			}
		}
		t.add(fmt.Sprintf("idle: Odoo calls on %s in %d intervals of %s", model, idleIntervals, benchPoll), "%d", "one an interval", n)
	}
	all := 0
	for _, n := range dingCalls {
		all += n
	}
	t.add("idle: DingTalk calls", "%d", "0", all)
}

// arrivals notes when a call about a record first came.
type arrivals struct {
	mu    sync.Mutex
	at    map[string]time.Time
	polls []time.Time
	come  chan struct{}
}

func newArrivals() *arrivals {
	return &arrivals{at: map[string]time.Time{}, come: make(chan struct{}, 1)}
}

func (a *arrivals) note(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, had := a.at[id]; !had {
		a.at[id] = time.Now()
	}
	select {
	case a.come <- struct{}{}:
	default:
	}
}

// polled notes that Odoo is asked what was written.
func (a *arrivals) polled() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polls = append(a.polls, time.Now())
}

// wait waits until so many records have arrived, but not much longer than anything should take.
func (a *arrivals) wait(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		a.mu.Lock()
		have := len(a.at)
		a.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-a.come:
		case <-ctx.Done():
			return
		}
	}
}

// benchOdooLatency edits people in Odoo at moments that have nothing to do with the poll, and waits for the call to DingTalk.
func benchOdooLatency(b *testing.B, t *benchTable, s *site, p *process, people []int64) {
	b.Helper()
	a := newArrivals()
	s.watch(func(c odootest.Call) {
		if c.Model == "hr.employee" && c.Method == "search_read" && strings.Contains(fmt.Sprint(c.Args, c.Kwargs), "write_date >=") {
			a.polled()
		}
	}, func(r dingtalktest.Request) {
		if r.Path == "/topapi/v2/user/update" {
			a.note(fmt.Sprint(r.Params()["userid"]))
		}
	})
	defer s.watch(nil, nil)
	committed := map[string]time.Time{}
	for i := range latencyEdits {
		id := people[(i*97)%len(people)]
		check(b, s.odoo.As("admin").Write("hr.employee", id, map[string]any{"job_title": "高级工程师" + strconv.Itoa(i)}))
		committed[fmt.Sprintf("odoo%d", id)] = time.Now()
		p.wait(b, time.Duration(rand.Int64N(int64(benchPoll)/2)))
	}
	a.wait(b.Context(), len(committed))
	a.mu.Lock()
	defer a.mu.Unlock()
	var all, beyond []time.Duration
	for id, at := range committed {
		arrived, ok := a.at[id]
		if !ok {
			continue
		}
		all = append(all, arrived.Sub(at))
		if i := slices.IndexFunc(a.polls, func(poll time.Time) bool { return !poll.Before(at) }); i >= 0 {
			beyond = append(beyond, max(arrived.Sub(a.polls[i]), 0))
		}
	}
	t.add(fmt.Sprintf("Odoo commit → DingTalk call, %d edits, polled every %s", len(committed), benchPoll), "median %s, p95 %s", "", quantile(all, 50), quantile(all, 95))
	t.add("  beyond the poll that could see it", "median %s, p95 %s", "≤ 100 ms median", quantile(beyond, 50), quantile(beyond, 95))
	b.ReportMetric(float64(quantile(beyond, 50).Microseconds())/1000, "odoo-ding-ms")
	t.expect("edits that arrived", len(all), len(committed))
}

// benchEventLatency edits people in DingTalk and waits for the write to Odoo.
func benchEventLatency(b *testing.B, t *benchTable, s *site, p *process, people []int64) {
	b.Helper()
	a := newArrivals()
	s.watch(func(c odootest.Call) {
		if c.Model != "hr.employee" || c.Method != "write" || len(c.Args) == 0 {
			return
		}
		ids, _ := c.Args[0].([]any)
		for _, id := range ids {
			a.note(fmt.Sprintf("odoo%v", id))
		}
	}, nil)
	defer s.watch(nil, nil)
	edited := map[string]time.Time{}
	for i := range latencyEdits {
		id := fmt.Sprintf("odoo%d", people[(i*89+11)%len(people)])
		check(b, s.ding.EditUser(id, func(u *dingtalktest.User) { u.WorkPlace = "北京" + strconv.Itoa(i) }))
		edited[id] = time.Now()
		p.wait(b, time.Duration(rand.Int64N(int64(100*time.Millisecond))))
	}
	a.wait(b.Context(), len(edited))
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []time.Duration
	for id, at := range edited {
		if arrived, ok := a.at[id]; ok {
			all = append(all, arrived.Sub(at))
		}
	}
	t.add(fmt.Sprintf("DingTalk event → Odoo write, %d events over Stream", len(edited)), "median %s, p95 %s", "≤ 50 ms median", quantile(all, 50), quantile(all, 95))
	b.ReportMetric(float64(quantile(all, 50).Microseconds())/1000, "ding-odoo-ms")
	t.expect("events that arrived", len(all), len(edited))
}

// quantile is the value below which so many percent lie, in tenths of a millisecond.
func quantile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)*percent/100, len(list)-1)].Round(100 * time.Microsecond)
}
