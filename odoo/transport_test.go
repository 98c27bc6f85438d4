package odoo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The calls every fault is tried with.
func write(ctx context.Context, c *Client) error {
	return c.Write(ctx, "m", []int64{1}, Values{"a": 1}, nil)
}

func read(ctx context.Context, c *Client) error {
	_, err := c.SearchRead(ctx, "m", nil, []string{"a"}, Options{})
	return err
}

// TestFailuresOfTheWire injects a failure into the first call of a method, or into every one, and says how often a write and a
// read are then sent and what comes of it.
func TestFailuresOfTheWire(t *testing.T) {
	html := "<!DOCTYPE HTML><title>500 Internal Server Error</title>"
	for name, c := range map[string]struct {
		reply     reply
		writes    int // how often a write is sent
		reads     int // how often a read is sent when it always fails
		class     Class
		scope     string
		ambiguous bool // for the write
	}{
		"answer lost":        {reply{drop: true}, 1, 3, Retry, "", true},
		"answer cut":         {reply{body: rowsAnswer(1, 2, 3), cut: 40}, 1, 3, Retry, "", true},
		"cut, without size":  {reply{body: rowsAnswer(1, 2, 3), cut: 40, unsized: true}, 1, 1, Retry, "", true},
		"HTTP 500":           {reply{status: 500, kind: "text/html", body: html}, 1, 3, Retry, "", true},
		"HTTP 502":           {reply{status: 502, kind: "text/html", body: html}, 1, 3, Retry, "", true},
		"HTTP 504, XML":      {reply{status: 504, body: rowsAnswer()}, 1, 3, Retry, "", true},
		"HTTP 429":           {reply{status: 429, kind: "text/html", body: html}, 3, 3, Retry, "", false},
		"HTTP 404":           {reply{status: 404, kind: "text/html", body: html}, 1, 1, Halt, ScopeOdoo, false},
		"HTTP 401":           {reply{status: 401, kind: "text/html", body: html}, 1, 1, Halt, ScopeOdoo, false},
		"HTTP 413":           {reply{status: 413, kind: "text/html", body: html}, 1, 1, Reject, "", false},
		"redirect":           {reply{status: 302, header: "Location: https://other.example.com/web?secret=1\r\n"}, 1, 1, Halt, ScopeOdoo, false},
		"redirect of a body": {reply{status: 308, header: "Location: https://other.example.com/\r\n"}, 1, 1, Halt, ScopeOdoo, false},
		"a web page":         {reply{kind: "text/html", body: html}, 1, 1, Halt, ScopeOdoo, false},
		"serialization":      {reply{body: recorded(t, "fault-serialization-failure")}, 1, 1, Retry, "", false},
		"pool full":          {reply{body: recorded(t, "fault-connection-pool-full")}, 1, 1, Retry, "", false},
		"database down":      {reply{body: recorded(t, "db-down-1")}, 1, 1, Halt, ScopeOdoo, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(int, heard) reply { return c.reply })
			e := failure(t, write(t.Context(), s.client(nil)))
			if e.Class != c.class || e.Scope != c.scope || e.Ambiguous != c.ambiguous || e.Op != "m.write" {
				t.Errorf("write: %+v", e)
			}
			if n := s.count("execute_kw"); n != c.writes {
				t.Errorf("a write was sent %d times, want %d", n, c.writes)
			}
			if strings.Contains(e.Message, "secret") || strings.Contains(e.Message, "<") {
				t.Errorf("message %q", e.Message)
			}

			s = serve(t, func(int, heard) reply { return c.reply })
			e = failure(t, read(t.Context(), s.client(nil)))
			if e.Class != c.class || e.Scope != c.scope || e.Ambiguous {
				t.Errorf("read: %+v", e)
			}
			if n := s.count("execute_kw"); n != c.reads {
				t.Errorf("a read was sent %d times, want %d", n, c.reads)
			}
			if c.reads == 1 {
				return
			}
			s = serve(t, func(n int, _ heard) reply {
				if n < 3 {
					return c.reply
				}
				return reply{body: rowsAnswer(1)}
			})
			if err := read(t.Context(), s.client(nil)); err != nil {
				t.Errorf("a read that works the third time: %v", err)
			}
		})
	}
}

func TestARefusedConnectionIsTriedAgainAlsoForWrites(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Client) error{"write": write, "read": read} {
		s := serve(t, func(int, heard) reply { return reply{body: rowsAnswer(1)} })
		c := s.client(nil)
		if _, err := c.Authenticate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.http = newHTTP(Config{HTTPTransport: refusing(2), Retries: 2, RetryWait: time.Millisecond, MaxResponse: 1 << 20})
		if err := call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := s.count("execute_kw"); n != 1 {
			t.Errorf("%s: sent %d times", name, n)
		}
		c.http = newHTTP(Config{HTTPTransport: refusing(3), Retries: 2, RetryWait: time.Millisecond, MaxResponse: 1 << 20})
		e := failure(t, call(t.Context(), c))
		if e.Class != Halt || e.Scope != ScopeOdoo || e.Ambiguous || !strings.Contains(e.Message, "refused") {
			t.Errorf("%s: %+v", name, e)
		}
		if n := s.count("execute_kw"); n != 1 {
			t.Errorf("%s: sent %d times", name, n)
		}
	}
}

func TestAnUntrustedCertificateIsNoLostAnswer(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = nil
	defer s.Close()
	c, err := New(Config{URL: s.URL, Database: "d", Login: "l", Password: password, RetryWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	c.uid.Store(7)
	if e := failure(t, write(t.Context(), c)); e.Class != Halt || e.Scope != ScopeOdoo || e.Ambiguous {
		t.Errorf("got %+v", e)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := serve(t, func(int, heard) reply { return reply{wait: hold} })
	defer close(hold)
	c := s.client(func(cfg *Config) { cfg.Timeout = time.Second })
	c.uid.Store(7)
	e := failure(t, write(t.Context(), c))
	if e.Class != Retry || !e.Ambiguous || !errors.Is(e, context.DeadlineExceeded) || !strings.Contains(e.Message, "1s") {
		t.Errorf("write: %+v", e)
	}
	e = failure(t, read(t.Context(), c))
	if e.Class != Retry || e.Ambiguous || !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("read: %+v", e)
	}
	if n := s.count("execute_kw"); n != 2 {
		t.Errorf("%d calls: one that takes too long is not repeated", n)
	}
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if e := failure(t, write(late, c)); e.Class != Retry || !errors.Is(e, context.DeadlineExceeded) || strings.Contains(e.Message, "1s") {
		t.Errorf("the caller's deadline: %+v", e)
	}
}

func TestWaitingForTheNextAttemptEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(int, heard) reply { cancel(); return reply{drop: true} })
	c := s.client(func(cfg *Config) { cfg.RetryWait = time.Hour })
	if e := failure(t, read(ctx, c)); !errors.Is(e, context.Canceled) {
		t.Errorf("got %+v", e)
	}
}

func TestOversizedAnswers(t *testing.T) {
	for name, unsized := range map[string]bool{"announced": false, "unannounced": true} {
		s := serve(t, func(int, heard) reply {
			return reply{body: rowsAnswer(make([]int64, 80)...), unsized: unsized}
		})
		c := s.client(func(cfg *Config) { cfg.MaxResponse = 4000 })
		e := failure(t, write(t.Context(), c))
		if e.Class != Reject || !e.Ambiguous || !errors.Is(e, errTooLarge) || !strings.Contains(e.Message, "4000") {
			t.Errorf("%s, write: %+v", name, e)
		}
		if e := failure(t, read(t.Context(), c)); e.Class != Reject || e.Ambiguous {
			t.Errorf("%s, read: %+v", name, e)
		}
		if n := s.count("execute_kw"); n != 2 {
			t.Errorf("%s: %d calls", name, n)
		}
	}
	s := serve(t, func(int, heard) reply {
		return reply{body: answerOf("<string>" + strings.Repeat("x", 3000) + "</string>")}
	})
	if _, err := s.client(func(cfg *Config) { cfg.MaxResponse = 4000 }).Execute(t.Context(), "m", "x", nil, nil); err != nil {
		t.Errorf("an answer within its bound: %v", err)
	}
}

func TestRowsOfALostAnswerBeginAnew(t *testing.T) {
	whole := rowsAnswer(1, 2, 3)
	s := serve(t, func(n int, _ heard) reply {
		if n < 3 {
			return reply{body: whole, cut: len(whole) - 100}
		}
		return reply{body: whole}
	})
	seen := 0
	got, err := SearchReadAs(t.Context(), s.client(nil), "m", nil, nil, Options{}, func(r Record) (int64, error) {
		seen++
		return r["id"].(int64), nil
	})
	if err != nil || !reflect.DeepEqual(got, []int64{1, 2, 3}) || seen <= 3 {
		t.Errorf("got %v, %v; %d rows seen", got, err, seen)
	}
}

func TestAnErrorOverARowEndsTheCall(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{body: rowsAnswer(1, 2, 3)} })
	refusal, seen := errors.New("no such row"), 0
	refuse := func(Record) (int, error) { seen++; return 0, refusal }
	if _, err := SearchReadAs(t.Context(), s.client(nil), "m", nil, nil, Options{}, refuse); !errors.Is(err, refusal) {
		t.Errorf("SearchReadAs: %v", err)
	}
	for _, err := range PagesAs(t.Context(), s.client(nil), "m", nil, nil, 0, nil, refuse) {
		if !errors.Is(err, refusal) {
			t.Errorf("PagesAs: %v", err)
		}
	}
	if n := s.count("execute_kw"); n != 2 || seen != 2 {
		t.Errorf("%d calls, %d rows", n, seen)
	}
}

func TestAHugeErrorPageIsReadInPart(t *testing.T) {
	s := serve(t, func(int, heard) reply {
		return reply{status: 503, kind: "text/plain", body: "busy " + strings.Repeat("x", 1<<20), header: "Retry-After: 120\r\n"}
	})
	e := failure(t, write(t.Context(), s.client(nil)))
	if e.Class != Retry || e.After != 2*time.Minute || len(e.Message) > maxMessage+3 || !strings.Contains(e.Message, "busy") {
		t.Errorf("got %+v", e)
	}
}

func TestBackoff(t *testing.T) {
	wait := backoff(500 * time.Millisecond)
	for attempt, most := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, maxWait, maxWait} {
		for range 50 {
			if got := wait(0, 0, attempt, nil); got < most/2 || got > most {
				t.Errorf("attempt %d: %v, want %v to %v", attempt, got, most/2, most)
			}
		}
	}
	for header, want := range map[string]time.Duration{"3600": maxWait, "7": 7 * time.Second} {
		resp := &http.Response{Header: http.Header{"Retry-After": {header}}}
		if got := wait(0, 0, 0, resp); got != want {
			t.Errorf("Retry-After %s: %v", header, got)
		}
	}
	for header, want := range map[string]time.Duration{"": 0, "soon": 0, "-1": 0, "60": time.Minute, "99999": maxAfter, "99999999999999": 0} {
		if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {header}}}); got != want {
			t.Errorf("Retry-After %q: %v", header, got)
		}
	}
}
