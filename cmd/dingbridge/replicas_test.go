package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary the program itself: a daemon in a process of its own, which can be killed and stopped.
const asProgram = "TEST_AS_DINGBRIDGE"

// replica is such a daemon, behind a proxy that sees what it sends.
type replica struct {
	*service
	cmd    *exec.Cmd
	writes *atomic.Int64 // calls that change something, as they arrived
	done   chan struct{}
}

// replica starts a daemon in a process of its own on the shell's store.
func (s *shell) replica() *replica {
	s.t.Helper()
	r := &replica{service: &service{shell: s}, writes: &atomic.Int64{}, done: make(chan struct{})}
	r.editor = &editor{stage: s.stage, say: func(t text, args ...any) string { return t.in(english, args...) }}
	proxy := s.proxy(r.writes)
	r.cmd = exec.Command(os.Args[0], "run")
	r.cmd.Env = []string{asProgram + "=1", "HTTP_PROXY=" + proxy, "http_proxy=" + proxy, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	for name, value := range s.vars {
		r.cmd.Env = append(r.cmd.Env, name+"="+value)
	}
	for name, value := range map[string]string{"ODOO_URL": "http://odoo.test", "DINGTALK_OAPI": "http://ding.test", "DINGTALK_API": "http://ding.test", "DINGTALK_LOGIN": "http://ding.test"} {
		r.cmd.Env = append(r.cmd.Env, "DINGBRIDGE_"+name+"="+value)
	}
	out, err := r.cmd.StderrPipe()
	must(s.t, err)
	must(s.t, r.cmd.Start())
	var said bytes.Buffer
	address := make(chan string, 1)
	go func() {
		defer close(r.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			said.Write(append(lines.Bytes(), '\n'))
			var entry struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "started" {
				address <- entry.Listen
			}
		}
		_ = r.cmd.Wait() // it was killed, or told to end
	}()
	s.t.Cleanup(func() {
		r.signal(syscall.SIGCONT)
		r.signal(syscall.SIGKILL)
		<-r.done
		if s.t.Failed() {
			s.t.Logf("process %d said:\n%s", r.cmd.Process.Pid, said.String())
		}
	})
	select {
	case at := <-address:
		r.url = "http://" + at
	case <-r.done:
		s.t.Fatalf("the daemon ended: %s", said.String())
	}
	return r
}

func (r *replica) signal(s syscall.Signal) { _ = r.cmd.Process.Signal(s) } // it may have ended

// proxy passes on what is meant for the two far sides, and counts the calls that change something.
func (s *shell) proxy(writes *atomic.Int64) string {
	hosts := map[string]string{}
	for name, at := range map[string]string{"odoo.test:80": s.stage.odooURL, "ding.test:80": s.stage.dingURL} {
		u, err := url.Parse(at)
		must(s.t, err)
		hosts[name] = u.Host
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, hosts[addr])
	}}
	pass := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: transport, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway) // the daemon went away
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // not sent whole: nobody gets it
		}
		if changes(req.URL.Path, body) {
			writes.Add(1)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, req)
	}))
	s.t.Cleanup(func() { server.Close(); transport.CloseIdleConnections() })
	return server.URL
}

// changes says whether a call changes something on its far side.
func changes(path string, body []byte) bool {
	for _, end := range []string{"/create", "/update", "/delete"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	for _, method := range []string{"create", "write", "unlink", "load"} {
		if bytes.Contains(body, []byte("<string>"+method+"</string>")) {
			return true
		}
	}
	return false
}

// retitle gives everybody a new title in Odoo.
func (s *shell) retitle(title string) {
	s.t.Helper()
	for i, id := range s.stage.staff {
		must(s.t, s.stage.admin.Write("hr.employee", id, map[string]any{"job_title": fmt.Sprintf("%s %d", title, i)}))
	}
}

// retitled waits until DingTalk shows what retitle wrote.
func (s *shell) retitled(title string) {
	s.t.Helper()
	s.soon(title+" has arrived", func() bool {
		n := 0
		for _, u := range s.stage.ding.Users() {
			if strings.HasPrefix(u.Title, title+" ") {
				n++
			}
		}
		return n == len(s.stage.staff)
	})
}

// soon waits longer than until: for a takeover, and for creations of unknown outcome to settle.
func (s *shell) soon(what string, done func() bool) {
	s.t.Helper()
	if err := await(s.t.Context(), nil, time.Minute, demoLook, done, func() error { return nil }); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// replicas starts two daemons on one store, of which the first is active, and waits until both sides are equal.
func replicas(t *testing.T) (s *shell, active, standBy *replica) {
	t.Helper()
	s = sharedShell(t, 45)
	s.vars["DINGBRIDGE_DINGTALK_MODE"] = "off"
	s.vars["DINGBRIDGE_DINGTALK_TIMEOUT"], s.vars["DINGBRIDGE_ODOO_TIMEOUT"] = "2s", "2s"
	active = s.replica()
	active.becomes(roleActive)
	standBy = s.replica()
	standBy.becomes(roleStandBy)
	s.soon("both sides equal", func() bool { return len(s.stage.differences()) == 0 })
	return s, active, standBy
}

// TestPausedDaemonSendsNothingAfterWaking stops the active daemon in the middle of its calls until the other one has taken over, then lets
// it go on.
func TestPausedDaemonSendsNothingAfterWaking(t *testing.T) {
	s, active, standBy := replicas(t)
	pauses, sent := 6, int64(0)
	if testing.Short() {
		pauses = 2
	}
	for n := range pauses {
		before := active.writes.Load()
		s.retitle(fmt.Sprintf("甲%d", n))
		s.soon("it is at work", func() bool { return active.writes.Load() > before+int64(n) })
		active.signal(syscall.SIGSTOP)
		stopped := time.Now()
		standBy.becomes(roleActive)
		t.Logf("taken over %s after the pause began, with standby.takeover %s", time.Since(stopped).Round(time.Millisecond), s.vars["DINGBRIDGE_STANDBY_TAKEOVER"])
		s.retitled(fmt.Sprintf("甲%d", n))
		s.retitle(fmt.Sprintf("乙%d", n)) // there is work for whoever thinks that he is active
		until := active.writes.Load()
		active.signal(syscall.SIGCONT)
		active.becomes(roleStandBy)
		s.retitled(fmt.Sprintf("乙%d", n))
		sent += active.writes.Load() - until
		active, standBy = standBy, active
	}
	t.Logf("%d pauses: %d calls that change something were sent after waking", pauses, sent)
	if sent != 0 {
		t.Errorf("%d calls were sent after waking", sent)
	}
	if n := s.stage.ding.Duplicates(); len(n) > 0 {
		t.Errorf("made twice: %v", n)
	}
}

// TestKilledDaemonIsReplaced kills the active daemon in the middle of creations: the other one takes over, and everybody is made once.
func TestKilledDaemonIsReplaced(t *testing.T) {
	s, active, standBy := replicas(t)
	kills := 3
	if testing.Short() {
		kills = 1
	}
	people := len(s.stage.ding.Users())
	for n := range kills {
		before := active.writes.Load()
		var once sync.Once
		for i := range 20 {
			_, err := s.stage.admin.Create("hr.employee", map[string]any{
				"name": fmt.Sprintf("新人%d-%d", n, i), "mobile_phone": fmt.Sprintf("137%04d%04d", n, i), "department_id": s.stage.unitIDs[0],
			})
			must(t, err)
			if active.writes.Load() > before+int64(n) {
				once.Do(func() { active.signal(syscall.SIGKILL) })
			}
		}
		s.soon("it is at work", func() bool { return active.writes.Load() > before+int64(n) })
		once.Do(func() { active.signal(syscall.SIGKILL) })
		killed := time.Now()
		<-active.done
		standBy.becomes(roleActive)
		t.Logf("active %s after the kill, with standby.takeover %s", time.Since(killed).Round(time.Millisecond), s.vars["DINGBRIDGE_STANDBY_TAKEOVER"])
		people += 20
		s.soon("everybody is there", func() bool { return len(s.stage.ding.Users()) == people })
		s.soon("both sides equal", func() bool { return len(s.stage.differences()) == 0 })
		active, standBy = standBy, s.replica()
		standBy.becomes(roleStandBy)
	}
	if n := s.stage.ding.Duplicates(); len(n) > 0 {
		t.Errorf("made twice: %v", n)
	}
	want := int64(people)
	if got := int64(len(s.stage.odoo.Search("hr.employee", []any{[]any{"mobile_phone", "!=", false}}))); got != want {
		t.Errorf("%d people in odoo, not %d", got, want)
	}
}
