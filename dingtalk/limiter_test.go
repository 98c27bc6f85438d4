package dingtalk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever second one looks at, it must not hold more calls than DingTalk takes.
func TestNoSecondHoldsMoreCallsThanAllowed(t *testing.T) {
	for _, qps := range []float64{20, 60, 300, 5, 3.5, 1, 0.5} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiters(Config{QPS: qps, Now: time.Now})
			var sent []time.Time
			for range 200 {
				if err := l.wait(t.Context(), "/p"); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, time.Now())
			}
			first := 0
			for i, at := range sent {
				for at.Sub(sent[first]) >= time.Second {
					first++
				}
				if n := i - first + 1; float64(n) > max(qps, 1) {
					t.Fatalf("%v a second: %d calls within one", qps, n)
				}
			}
			if d := sent[199].Sub(sent[0]).Seconds(); d > 200/qps*1.25 {
				t.Errorf("%v a second: 200 calls took %.1f s", qps, d)
			}
		})
	}
}

// A caller that pauses between its batches still uses what the rate allows.
func TestPausesAreCaughtUp(t *testing.T) {
	for _, qps := range []float64{20, 100, 300} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiters(Config{QPS: qps, Now: time.Now})
			start, n := time.Now(), 0
			for ; time.Since(start) < 60*time.Second; n++ {
				if n%int(qps) == 0 {
					if err := sleep(t.Context(), 200*time.Millisecond); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.wait(t.Context(), "/p"); err != nil {
					t.Fatal(err)
				}
			}
			if used := float64(n) / 60 / qps; used < 0.95 || used > 1.01 {
				t.Errorf("%v a second: %.1f %% used", qps, used*100)
			}
		})
	}
}

func TestATurnThatComesTooLateIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiters(Config{QPS: 1, Now: time.Now})
		if err := l.wait(t.Context(), "/p"); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		start := time.Now()
		for range 10 {
			if err := l.wait(short, "/p"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("failed after %v", d)
		}
		if err := l.wait(t.Context(), "/p"); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("the next call left after %v, %v", time.Since(start), err)
		}
	})
}

func TestPathsDoNotShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiters(Config{QPS: 20, Now: time.Now})
		start := time.Now()
		for _, path := range []string{"/a", "/b", "/c"} {
			if err := l.wait(t.Context(), path); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("waited %v", d)
		}
	})
}

func TestThrottleLowersEveryLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiters(Config{QPS: 20, Now: time.Now})
		if err := l.wait(t.Context(), "/known"); err != nil {
			t.Fatal(err)
		}
		l.throttle(0.25)
		for _, bad := range []float64{0, -1, 2} {
			l.throttle(bad) // nonsense is ignored
		}
		for _, path := range []string{"/known", "/new"} {
			start := time.Now()
			for range 50 {
				if err := l.wait(t.Context(), path); err != nil {
					t.Fatal(err)
				}
			}
			if d := time.Since(start).Seconds(); d < 9 || d > 13 {
				t.Errorf("%s: 50 calls at 5 a second took %.1f s", path, d)
			}
		}
	})
}

func TestPushBackDoublesUntilACallPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiters(Config{QPS: 20, Now: time.Now})
		for i, want := range []time.Duration{1, 2, 4, 8, 8} {
			if d := l.pushBack("/p"); d != want*time.Second {
				t.Errorf("pause %d: %v", i, d)
			}
			if d := l.pushBack("/p"); d != want*time.Second {
				t.Errorf("a second refusal of the same moment changed the pause to %v", d)
			}
			l.passed("/p") // an answer that left before the refusal
			start := time.Now()
			if err := l.wait(t.Context(), "/p"); err != nil || time.Since(start) != want*time.Second {
				t.Errorf("waited %v, %v", time.Since(start), err)
			}
		}
		l.passed("/p")
		if d := l.pushBack("/p"); d != time.Second {
			t.Errorf("after a good answer %v", d)
		}
		start := time.Now()
		if err := l.wait(t.Context(), "/other"); err != nil || time.Since(start) != 0 {
			t.Errorf("another path waited %v, %v", time.Since(start), err)
		}
	})
}

func TestAddressLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiters(Config{QPS: 1e6, Now: time.Now})
		start, n := time.Now(), 0
		for ; time.Since(start) < 20*time.Second; n++ {
			if err := l.wait(t.Context(), "/p"); err != nil {
				t.Fatal(err)
			}
		}
		if n > 8000 || n < 6000 {
			t.Errorf("%d calls in 20 s, 10 000 bar the address", n)
		}
	})
}

func TestThrottledAnswerClosesThePath(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, ok(`{"errcode":88,"sub_code":"90018","sub_msg":"slow down","errmsg":"x"}`))
	f.on(pathUserAdmins, ok(`{"errcode":0,"result":[{"userid":"a","sys_level":"1"}]}`))
	c := f.client(newClock().set, func(cfg *Config) { cfg.QPS = 1000 })
	_, err := c.Users.Count(bg(), false)
	if e := failure(t, err); e.Class != Retry || e.After != time.Second {
		t.Fatalf("%v", e)
	}
	ctx, cancel := context.WithTimeout(bg(), 200*time.Millisecond)
	defer cancel()
	_, err = c.Users.Count(ctx, false)
	if e := failure(t, err); e.Class != Retry || e.Ambiguous || e.After <= 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", e)
	}
	if n := len(f.called(pathUserCount)); n != 1 {
		t.Errorf("%d calls", n)
	}
	if admins, err := c.Users.Admins(bg()); err != nil || len(admins) != 1 || admins[0] != (Admin{"a", 1}) {
		t.Errorf("another path: %v %v", admins, err)
	}
}

// While the address is barred no call leaves, not even for a token.
func TestBar(t *testing.T) {
	for name, c := range map[string]struct {
		answer answerFunc
		wait   time.Duration
	}{
		"page": {func(call) reply {
			return reply{body: "<!DOCTYPE html>", head: map[string]string{"Content-Type": "text/html"}}
		}, 5 * time.Minute},
		"page, 405":     {status(405, " <html>"), 5 * time.Minute},
		"page as JSON":  {func(call) reply { return reply{status: 403, body: "<html>"} }, 5 * time.Minute},
		"status 1111":   {ok(`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`), 5 * time.Minute},
		"status, long":  {ok(`{"status":"1111","wait":"7"}`), 7 * time.Minute},
		"status, silly": {ok(`{"status":1111,"wait":100000}`), time.Hour},
		"90001":         {ok(`{"errcode":90001,"errmsg":"x"}`), 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathUserDelete, inTurn(c.answer, ok(`{"errcode":0}`)))
			clock := newClock()
			client := f.client(clock.set)
			e := failure(t, client.Users.Delete(bg(), "u1"))
			if e.Class != Halt || e.Scope != ScopeIP || e.After != c.wait || e.Ambiguous {
				t.Fatalf("%v, after %v", e, e.After)
			}
			clock.add(c.wait - time.Second)
			tokens := len(f.called(pathToken))
			e = failure(t, client.Users.Delete(bg(), "u1"))
			if e.Class != Halt || e.Scope != ScopeIP || e.After != time.Second {
				t.Errorf("%v, after %v", e, e.After)
			}
			if len(f.called(pathUserDelete)) != 1 || len(f.called(pathToken)) != tokens {
				t.Error("a call left during the bar")
			}
			clock.add(time.Second)
			if err := client.Users.Delete(bg(), "u1"); err != nil {
				t.Errorf("after the bar: %v", err)
			}
		})
	}
	t.Run("a gateway's page is none", func(t *testing.T) {
		f := newFar(t)
		f.on(pathUserDelete, inTurn(status(502, `<html>`), ok(`{"errcode":0}`)))
		client := f.client()
		if e := failure(t, client.Users.Delete(bg(), "u1")); e.Class != Retry {
			t.Errorf("%v", e)
		}
		if err := client.Users.Delete(bg(), "u1"); err != nil {
			t.Error(err)
		}
	})
}
