package chaos

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the folder of the daemon's binary, once there is one.
var built string

// buildOnce builds the daemon with the tag chaos; all worlds of a test share the binary.
var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dingbridge-chaos-*")
	if err != nil {
		return "", err
	}
	built = dir
	program := filepath.Join(dir, "dingbridge")
	out, err := exec.Command("go", "build", "-tags", "chaos", "-o", program, "dingbridge/cmd/dingbridge").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the daemon: %w\n%s", err, out)
	}
	return program, nil
})

// daemon is one `dingbridge run` in a process of its own. It may be killed, paused, stopped and started again; its folder, address
// and store stay.
type daemon struct {
	name    string
	program string
	dir     string
	env     []string
	addr    string // where it serves health, metrics and callbacks

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error
	paused bool
	want   bool // it is to be running: an end by itself is a violation
	starts int
	base   map[string]usage // by role, of this process at its first quiet moment
}

// usage is what must not grow while nothing happens.
type usage struct{ goroutines, files int }

func newDaemon(t *testing.T, name, dir string, env map[string]string) *daemon {
	t.Helper()
	program, err := buildOnce()
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	d := &daemon{name: name, program: program, dir: filepath.Join(dir, name), addr: addr}
	must(t, os.MkdirAll(d.dir, 0o700))
	d.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DINGBRIDGE_HTTP_LISTEN=" + addr, "CHAOS_CLOCK=" + d.clockFile()}
	for k, v := range env {
		d.env = append(d.env, "DINGBRIDGE_"+k+"="+v)
	}
	must(t, d.setClock(0))
	return d
}

func (d *daemon) clockFile() string { return filepath.Join(d.dir, "clock") }

func (d *daemon) logFile() string { return filepath.Join(d.dir, "log") }

// setClock moves the daemon's wall clock.
func (d *daemon) setClock(off time.Duration) error {
	raw := binary.BigEndian.AppendUint64(nil, uint64(off))
	fresh := d.clockFile() + ".new"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, d.clockFile())
}

// start starts the process; a running one is left alone.
func (d *daemon) start() error {
	d.mu.Lock()
	running, wanted := d.ended, d.want
	d.mu.Unlock()
	if running != nil && !closed(running) {
		if wanted {
			return nil
		}
		<-running // it was killed a moment ago
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want = true
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own
	d.starts++
	fmt.Fprintf(log, "--- start %d\n", d.starts)
	cmd := exec.Command(d.program, "run")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.dir, d.env, log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	d.cmd, d.ended, d.paused, d.base, d.err = cmd, ended, false, map[string]usage{}, nil
	go func() { // ends with the process
		err := cmd.Wait()
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
		close(ended)
	}()
	return nil
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// signal sends a signal to the process; one that has ended is no error.
func (d *daemon) signal(s os.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return nil
	}
	if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// kill ends the process as a power cut would.
func (d *daemon) kill() {
	d.mu.Lock()
	d.want = false
	d.mu.Unlock()
	_ = d.signal(syscall.SIGKILL)
}

func (d *daemon) pause() {
	d.mu.Lock()
	d.paused = true
	d.mu.Unlock()
	_ = d.signal(syscall.SIGSTOP)
}

func (d *daemon) resume() {
	d.mu.Lock()
	d.paused = false
	d.mu.Unlock()
	_ = d.signal(syscall.SIGCONT)
}

// stop asks the process to end and waits for it.
func (d *daemon) stop(ctx context.Context) error {
	d.resume()
	d.mu.Lock()
	d.want = false
	ended := d.ended
	d.mu.Unlock()
	if ended == nil {
		return nil
	}
	if err := d.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-ended:
	case <-ctx.Done():
		return fmt.Errorf("%s did not stop: %w", d.name, ctx.Err())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var exit *exec.ExitError
	if errors.As(d.err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return nil // killed before
	}
	if d.err != nil {
		return fmt.Errorf("%s ended with %w", d.name, d.err)
	}
	return nil
}

// gone waits until a killed process is no more.
func (d *daemon) gone(ctx context.Context) error {
	d.mu.Lock()
	ended := d.ended
	d.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// alive says whether the process runs and is not paused.
func (d *daemon) alive() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended != nil && !closed(d.ended) && !d.paused
}

// endedByItself is the error of a process that ended although nobody asked it to.
func (d *daemon) endedByItself() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended != nil && closed(d.ended) && d.want {
		return fmt.Errorf("%s ended by itself: %w", d.name, d.err)
	}
	return nil
}

// get reads one of the daemon's pages.
func (d *daemon) get(ctx context.Context, path string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.addr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return resp.StatusCode, b.Bytes(), err
}

// working says whether this process is the one that works, nothing halted.
func (d *daemon) working(ctx context.Context) bool {
	if !d.alive() {
		return false
	}
	ready, role := d.role(ctx)
	return ready && role == "active"
}

// role asks what the daemon is on its store, and whether all is well.
func (d *daemon) role(ctx context.Context) (ready bool, role string) {
	status, body, err := d.get(ctx, "/readyz")
	var r struct{ Report struct{ Role string } }
	if err != nil || json.Unmarshal(body, &r) != nil {
		return false, ""
	}
	return status == http.StatusOK, r.Report.Role
}

// usage reads goroutines and open files from the metrics.
func (d *daemon) usage(ctx context.Context) (usage, error) {
	_, body, err := d.get(ctx, "/metrics")
	if err != nil {
		return usage{}, err
	}
	var u usage
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case name == "go_goroutines":
			u.goroutines = int(n)
		case name == "process_open_fds":
			u.files = int(n)
		}
	}
	return u, nil
}

// plan runs `dingbridge plan` beside the daemon and returns what it would write.
func (d *daemon) plan(ctx context.Context) (writes int, text string, err error) {
	cmd := exec.CommandContext(ctx, d.program, "plan", "--json")
	cmd.Dir, cmd.Env = d.dir, d.env
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return 0, "", fmt.Errorf("plan: %w\n%s", err, complaints.String())
	}
	var report struct {
		Plans []struct {
			Changes []json.RawMessage `json:"changes"`
			Match   json.RawMessage   `json:"match"`
		} `json:"plans"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return 0, "", fmt.Errorf("plan: %w", err)
	}
	for _, p := range report.Plans {
		writes += len(p.Changes)
		if len(p.Match) > 0 {
			writes++
		}
	}
	return writes, out.String(), nil
}

// tail is the end of the log.
func (d *daemon) tail(lines int) string {
	raw, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
