package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "dingtestkey"
	testSecret = "s3cr3t+with/odd=chars"
)

// far is DingTalk as a test wants it: one answer function per path, both hosts below base paths of their own, so that a call
// to the wrong host or an absolute URL fails loudly.
type far struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	answers map[string]answerFunc
	calls   map[string][]call
	tokens  int // issued
}

type answerFunc func(c call) reply

// call is one request as it arrived.
type call struct {
	n     int // how many calls of the path came before
	body  map[string]any
	raw   string
	query url.Values
	head  http.Header
	token string
}

type reply struct {
	status int // 0: 200
	body   string
	head   map[string]string
	cut    bool // promise more than is sent
	drop   bool // no answer at all
	wait   <-chan struct{}
}

func ok(format string, args ...any) answerFunc {
	body := fmt.Sprintf(format, args...)
	return func(call) reply { return reply{body: body} }
}

func status(code int, body string) answerFunc {
	return func(call) reply { return reply{status: code, body: body} }
}

// inTurn answers with each in turn, then with the last for ever.
func inTurn(answers ...answerFunc) answerFunc {
	return func(c call) reply { return answers[min(c.n, len(answers)-1)](c) }
}

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{t: t, answers: map[string]answerFunc{}, calls: map[string][]call{}}
	f.on(pathToken, func(c call) reply {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tokens++
		return reply{body: fmt.Sprintf(`{"accessToken":"%s","expireIn":7200}`, tokenNo(f.tokens))}
	})
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	return f
}

func tokenNo(n int) string { return fmt.Sprintf("token+%d/secret", n) }

func (f *far) on(path string, answer answerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = answer
}

func (f *far) serve(w http.ResponseWriter, r *http.Request) {
	path, token := "", ""
	switch {
	case strings.HasPrefix(r.URL.Path, "/old/"):
		path, token = strings.TrimPrefix(r.URL.Path, "/old"), r.URL.Query().Get("access_token")
	case strings.HasPrefix(r.URL.Path, "/new/"):
		path, token = strings.TrimPrefix(r.URL.Path, "/new"), r.Header.Get("x-acs-dingtalk-access-token")
	default:
		f.t.Errorf("a call went to %s", r.URL.Path)
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c := call{raw: string(raw), query: r.URL.Query(), head: r.Header, token: token}
	if len(raw) > 0 && r.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(raw, &c.body); err != nil {
			f.t.Errorf("%s: body is no JSON object: %q", path, raw)
		}
	}
	f.mu.Lock()
	answer := f.answers[path]
	c.n = len(f.calls[path])
	f.calls[path] = append(f.calls[path], c)
	f.mu.Unlock()
	if answer == nil {
		f.t.Errorf("unexpected call of %s", path)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	f.write(w, r, answer(c))
}

func (f *far) write(w http.ResponseWriter, r *http.Request, a reply) {
	if a.wait != nil {
		select {
		case <-a.wait:
		case <-r.Context().Done():
			return
		}
	}
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for k, v := range a.head {
		w.Header().Set(k, v)
	}
	if a.cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(a.body)+10))
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = io.WriteString(w, a.body) // the client may have gone
}

// called returns the calls of a path so far.
func (f *far) called(path string) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.calls[path]...)
}

func (f *far) last(path string) call {
	f.t.Helper()
	calls := f.called(path)
	if len(calls) == 0 {
		f.t.Fatalf("%s was not called", path)
	}
	return calls[len(calls)-1]
}

// client makes a client without limits and with short pauses, unless the settings say otherwise.
func (f *far) client(change ...func(*Config)) *Client {
	f.t.Helper()
	cfg := Config{
		OAPI: f.server.URL + "/old", API: f.server.URL + "/new/",
		AppKey: testKey, AppSecret: testSecret,
		QPS: -1, Timeout: 5 * time.Second, RetryWait: time.Millisecond,
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// clock is a clock that moves when told.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func (c *clock) set(cfg *Config) { cfg.Now = c.now }

// failure asserts that err is an Error and returns it.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T (%v), want an *Error", err, err)
	}
	return e
}

func bg() context.Context { return context.Background() }
