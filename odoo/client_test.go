package odoo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	good := Config{URL: "https://odoo.example.com", Database: "d", Login: "l", Password: password}
	for name, c := range map[string]struct {
		change func(*Config)
		scope  string
	}{
		"no URL":       {func(c *Config) { c.URL = "" }, ScopeOdoo},
		"no host":      {func(c *Config) { c.URL = "odoo.example.com" }, ScopeOdoo},
		"other scheme": {func(c *Config) { c.URL = "ftp://odoo.example.com" }, ScopeOdoo},
		"credentials":  {func(c *Config) { c.URL = "https://u:" + "topsecret" + "@odoo.example.com" }, ScopeOdoo},
		"unparsable":   {func(c *Config) { c.URL = "https://topsecret@%zz" }, ScopeOdoo},
		"query":        {func(c *Config) { c.URL += "/?db=x" }, ScopeOdoo},
		"no database":  {func(c *Config) { c.Database = "" }, ScopeCredentials},
		"no login":     {func(c *Config) { c.Login = "" }, ScopeCredentials},
		"no password":  {func(c *Config) { c.Password = "" }, ScopeCredentials},
	} {
		cfg := good
		c.change(&cfg)
		_, err := New(cfg)
		if e := failure(t, err); e.Class != Halt || e.Scope != c.scope || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, address := range []string{"https://odoo.example.com", "https://odoo.example.com/", "http://h:8069/odoo/"} {
		cfg := good
		cfg.URL = address
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimRight(address, "/") + "/xmlrpc/2"; c.cfg.URL != want {
			t.Errorf("%s: calls go to %s, want %s", address, c.cfg.URL, want)
		}
		if c.cfg.Timeout != time.Minute || c.cfg.Parallel != 4 || c.cfg.Retries != 2 || c.cfg.MaxResponse != 256<<20 {
			t.Errorf("defaults: %+v", c.cfg)
		}
	}
}

func TestVersionNeedsNoLogin(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{body: recorded(t, "common-version")} })
	c := s.client(nil)
	if _, known := c.ServerTime(); known {
		t.Error("a server time before the first answer")
	}
	v, err := c.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Version{ServerVersion: "12.0", Serie: "12.0", Info: []any{int64(12), int64(0), int64(0), "final", int64(0), ""}}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v", v)
	}
	if n := s.count("authenticate"); n != 0 {
		t.Errorf("%d logins", n)
	}
	if at, known := c.ServerTime(); !known || !at.Equal(time.Date(2026, 11, 23, 17, 53, 30, 0, time.UTC)) {
		t.Errorf("server time %v %v", at, known)
	}
}

func TestExecuteSendsWhatOdooExpects(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{} })
	c := s.client(nil)
	if c.UID() != 0 {
		t.Error("a uid before the login")
	}
	_, err := c.Execute(t.Context(), "res.partner", "do", []any{[]int64{1}, nil}, map[string]any{"a": "中<&>", "context": map[string]any{"tz": "UTC"}})
	if err != nil {
		t.Fatal(err)
	}
	got := s.last()
	if got.path != "/xmlrpc/2/object" || got.method != "execute_kw" || got.header.Get("Content-Type") != "text/xml" || got.header.Get("Idempotency-Key") != "" {
		t.Errorf("got %s %s %v", got.path, got.method, got.header)
	}
	want := []any{
		"o12", int64(7), password, "res.partner", "do",
		[]any{[]any{int64(1)}, false},
		map[string]any{"a": "中<&>", "context": map[string]any{"lang": "en_US", "tz": "UTC"}},
	}
	if !reflect.DeepEqual(got.params, want) {
		t.Errorf("got  %#v\nwant %#v", got.params, want)
	}
	if c.UID() != 7 {
		t.Errorf("uid %d", c.UID())
	}
	if _, err := c.Execute(t.Context(), "m", "x", nil, map[string]any{"context": Context{"lang": "zh_CN"}}); err != nil {
		t.Fatal(err)
	}
	if got := s.last().named()["context"]; !reflect.DeepEqual(got, map[string]any{"lang": "zh_CN"}) {
		t.Errorf("the call's own language is lost: %v", got)
	}
	if n := s.count("authenticate"); n != 1 {
		t.Errorf("%d logins", n)
	}
}

func TestWhatCannotBeSentIsNotSent(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{} })
	c := s.client(nil)
	for name, kwargs := range map[string]map[string]any{
		"a value":   {"v": make(chan int)},
		"a context": {"context": "en_US"},
	} {
		_, err := c.Execute(t.Context(), "m", "x", nil, kwargs)
		if e := failure(t, err); e.Class != Reject || e.Ambiguous {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := s.count("execute_kw"); n != 0 {
		t.Errorf("%d calls sent", n)
	}
}

func TestManyCallsLogInOnce(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{} })
	c := s.client(nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Execute(t.Context(), "m", "x", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count("authenticate"); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// clock is a client's clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestWrongPasswordIsNotTriedAgain(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{} })
	c := s.client(func(cfg *Config) { cfg.Password = "wrong"; cfg.RefusalHold = time.Minute })
	tick := &clock{at: time.Unix(1_800_000_000, 0)}
	c.now = tick.now
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.Execute(t.Context(), "m", "x", nil, nil)
			var e *Error
			if !errors.As(err, &e) || e.Class != Halt || e.Scope != ScopeCredentials || e.Ambiguous {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if n := s.count("authenticate"); n != 1 {
		t.Fatalf("the wrong password was tried %d times", n)
	}
	tick.advance(59 * time.Second)
	_, err := c.Read(t.Context(), "m", []int64{1}, nil, nil)
	if e := failure(t, err); e.After != time.Second {
		t.Errorf("wait %v", e.After)
	}
	tick.advance(time.Second)
	for range 5 {
		if _, err := c.Read(t.Context(), "m", []int64{1}, nil, nil); err == nil {
			t.Error("let in")
		}
	}
	if n := s.count("authenticate"); n != 2 {
		t.Errorf("%d logins, want one more after the hold", n)
	}
	if _, err := c.Authenticate(t.Context()); err == nil {
		t.Error("let in")
	}
	if n := s.count("authenticate"); n != 3 || s.count("execute_kw") != 0 {
		t.Errorf("%d logins, want one more for being asked; %d calls", n, s.count("execute_kw"))
	}
}

func TestPasswordChangedWhileRunning(t *testing.T) {
	var denied sync.Map
	s := serve(t, func(int, heard) reply {
		if _, yes := denied.Load("now"); yes {
			return reply{body: recorded(t, "object-wrong-password")}
		}
		return reply{}
	})
	c := s.client(nil)
	run := func() error { _, err := c.Execute(t.Context(), "m", "x", nil, nil); return err }
	if err := run(); err != nil {
		t.Fatal(err)
	}
	tick := &clock{at: time.Unix(1_800_000_000, 0)}
	c.now = tick.now
	denied.Store("now", true)
	for range 5 {
		if e := failure(t, run()); e.Class != Halt || e.Scope != ScopeCredentials {
			t.Errorf("got %v", e)
		}
	}
	if n := s.count("execute_kw"); n != 2 || c.UID() != 0 {
		t.Errorf("%d calls, uid %d: refused credentials were tried again", n, c.UID())
	}
	denied.Delete("now")
	if uid, err := c.Authenticate(t.Context()); err != nil || uid != 7 {
		t.Fatalf("got %d, %v", uid, err)
	}
	if err := run(); err != nil {
		t.Errorf("after the password was put right: %v", err)
	}
}

func TestParallelLimit(t *testing.T) {
	arrived, release := make(chan struct{}, 20), make(chan struct{})
	var mu sync.Mutex
	running, most := 0, 0
	s := serve(t, func(int, heard) reply {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		arrived <- struct{}{}
		<-release
		mu.Lock()
		running--
		mu.Unlock()
		return reply{}
	})
	c := s.client(func(cfg *Config) {
		cfg.Parallel = 3
		cfg.HTTPTransport = &http.Transport{DisableKeepAlives: true} // which sets no limit of its own
	})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := c.Execute(t.Context(), "m", fmt.Sprintf("x%d", i), nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	select {
	case <-arrived:
		t.Error("a fourth call at once")
	case <-time.After(200 * time.Millisecond):
	}
	close(release)
	wg.Wait()
	if most != 3 {
		t.Errorf("%d calls at once, want 3", most)
	}
}

func TestCancelledCallsReturnAtOnce(t *testing.T) {
	hold := make(chan struct{})
	arrived := make(chan struct{}, 1)
	s := serve(t, func(int, heard) reply {
		arrived <- struct{}{}
		return reply{wait: hold}
	})
	defer close(hold)
	c := s.client(func(cfg *Config) { cfg.Parallel = 1 })

	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 2)
	go func() { results <- c.Write(ctx, "m", []int64{1}, Values{"a": 1}, nil) }()
	<-arrived
	waiting, stop := context.WithCancel(t.Context())
	go func() { results <- c.Write(waiting, "m", []int64{1}, Values{"a": 1}, nil) }()
	stop()
	if e := failure(t, <-results); !errors.Is(e, context.Canceled) || e.Ambiguous {
		t.Errorf("waiting for a slot: %+v", e)
	}
	cancel()
	if e := failure(t, <-results); !errors.Is(e, context.Canceled) || !e.Ambiguous || e.Class != Retry {
		t.Errorf("waiting for the answer: %+v", e)
	}
	if n := s.count("execute_kw"); n != 1 {
		t.Errorf("%d calls", n)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := c.Authenticate(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestControlCharactersDoNotLoseThePage(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{body: recorded(t, "text-control-chars-in-list")} })
	c := s.client(nil)
	rows, err := c.SearchRead(t.Context(), "res.partner", nil, []string{"name"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 2 || c.Sanitised() != 3 {
		t.Errorf("%d rows, %d characters replaced", len(rows), c.Sanitised())
	}
	marked := 0
	for _, r := range rows {
		marked += strings.Count(r["name"].(string), "\uFFFD")
	}
	if marked != 3 {
		t.Errorf("%d characters marked in %v", marked, rows)
	}
}

// TestThePasswordIsInNoError makes calls fail in every way and looks through all that their errors can print.
func TestThePasswordIsInNoError(t *testing.T) {
	echo := "the password is " + password
	for name, r := range map[string]reply{
		"fault":           {body: faultAnswer(1, trace("f", "ValueError: "+echo))},
		"fault, cut":      {body: faultAnswer(1, trace("f", "ValueError: "+strings.Repeat("x", maxMessage-20)+echo))},
		"fault, repr":     {body: faultAnswer(4, `("`+echo+`", None)`)},
		"user error":      {body: faultAnswer(2, echo)},
		"denied":          {body: faultAnswer(3, echo)},
		"HTTP 500":        {status: 500, kind: "text/plain", body: echo},
		"HTTP 404":        {status: 404, kind: "text/plain", body: echo},
		"not XML":         {kind: echo},
		"malformed":       {body: answerOf("<string>" + echo)},
		"wrong type":      {body: answerOf("<" + password + ">1</int>")},
		"dropped":         {drop: true},
		"redirect":        {status: 302, header: "Location: http://x/?" + "p=1\r\n"},
		"unexpected type": {body: answerOf("<int>1</int>")},
	} {
		s := serve(t, func(int, heard) reply { return r })
		c := s.client(nil)
		_, err := c.SearchRead(t.Context(), "m", nil, nil, Options{})
		failure(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			for _, format := range []string{"%v", "%+v", "%#v"} {
				if text := fmt.Sprintf(format, e); strings.Contains(text, password[:4]) {
					t.Errorf("%s: the password, or its beginning, is in %s", name, text)
				}
			}
		}
	}
	c, err := New(Config{URL: "http://127.0.0.1:1", Database: "d", Login: "l", Password: password, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Authenticate(t.Context()); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), password) {
		t.Errorf("got %v", err)
	}
}

func TestAuthenticateAnswersOddly(t *testing.T) {
	odd := reply{}
	s := serve(t, nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, err := w.Write([]byte(odd.body))
		if err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct {
		body  string
		class Class
		scope string
	}{
		"text":           {answerOf("<string>7</string>"), Retry, ""},
		"false":          {answerOf("<boolean>0</boolean>"), Halt, ScopeCredentials},
		"wrong database": {recorded(t, "common-authenticate-wrong-db"), Halt, ScopeOdoo},
		"database down":  {recorded(t, "fault-db-down-authenticate"), Halt, ScopeOdoo},
		"cool-down":      {recorded(t, "common-authenticate-cooldown"), Halt, ScopeCredentials},
	} {
		odd.body = c.body
		_, err := s.client(nil).Authenticate(t.Context())
		if e := failure(t, err); e.Class != c.class || e.Scope != c.scope {
			t.Errorf("%s: %v", name, e)
		}
	}
}
