package dingtalk

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTokenIsFetchedOnceForAll(t *testing.T) {
	f := newFar(t)
	open := make(chan struct{})
	f.on(pathToken, func(call) reply {
		return reply{body: `{"accessToken":"T","expireIn":7200}`, wait: open}
	})
	c := f.client()
	const n = 50
	var wg sync.WaitGroup
	var waiting sync.WaitGroup
	waiting.Add(n)
	for range n {
		wg.Go(func() {
			waiting.Done()
			if token, err := c.Token(bg()); err != nil || token != "T" {
				t.Errorf("%q %v", token, err)
			}
		})
	}
	waiting.Wait()
	close(open)
	wg.Wait()
	if n := len(f.called(pathToken)); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

func TestOneWaiterGivingUpDoesNotHarmTheOthers(t *testing.T) {
	f := newFar(t)
	open, arrived := make(chan struct{}), make(chan struct{})
	f.on(pathToken, func(call) reply {
		close(arrived)
		return reply{body: `{"accessToken":"T","expireIn":7200}`, wait: open}
	})
	c := f.client()
	ctx, cancel := context.WithCancel(bg())
	first := make(chan error, 1)
	go func() { _, err := c.Token(ctx); first <- err }()
	<-arrived
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) || failure(t, err).Class != Retry {
		t.Errorf("%v", err)
	}
	second := make(chan error, 1)
	go func() { _, err := c.Token(bg()); second <- err }()
	close(open)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := len(f.called(pathToken)); n != 1 {
		t.Errorf("%d token requests", n)
	}
}

func TestTokenLife(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, func(call) reply { return reply{body: `{"errcode":0,"result":{"count":1}}`} })
	clock := newClock()
	c := f.client(clock.set)
	use := func(want string) {
		t.Helper()
		if token, err := c.Token(bg()); err != nil || token != want {
			t.Errorf("%q %v, want %q", token, err, want)
		}
	}
	use(tokenNo(1))
	clock.add(110*time.Minute - time.Second)
	use(tokenNo(1))
	// Ten minutes before the end a refresh begins; until it is there the old one serves.
	clock.add(time.Second)
	if token, err := c.Token(bg()); err != nil || (token != tokenNo(1) && token != tokenNo(2)) {
		t.Errorf("%q %v", token, err)
	}
	wait(t, func() bool { token, err := c.Token(bg()); return err == nil && token == tokenNo(2) })
	if n := len(f.called(pathToken)); n != 2 {
		t.Errorf("%d token requests", n)
	}
	// Asleep past the end: nothing old is used.
	clock.add(3 * time.Hour)
	use(tokenNo(3))
}

// wait waits until the condition holds; it yields to the goroutines that make it so.
func wait(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			t.Fatal("it never came about")
		case <-tick.C:
		}
	}
}

func TestFailedRefreshKeepsTheLivingToken(t *testing.T) {
	f := newFar(t)
	f.on(pathToken, inTurn(ok(`{"accessToken":"old","expireIn":"7200"}`), status(503, ``)))
	clock := newClock()
	c := f.client(clock.set, func(cfg *Config) { cfg.Retries = -1 })
	if _, err := c.Token(bg()); err != nil {
		t.Fatal(err)
	}
	clock.add(115 * time.Minute)
	for range 5 {
		if token, err := c.Token(bg()); err != nil || token != "old" {
			t.Fatalf("%q %v", token, err)
		}
	}
	wait(t, func() bool { _, fresh, _ := c.tokens.cached(); return fresh }) // postponed by half a minute
	if n := len(f.called(pathToken)); n != 2 {
		t.Errorf("%d token requests", n)
	}
	clock.add(6 * time.Minute)
	if e := failure(t, mustFail(c.Token(bg()))); e.Class != Retry || e.API != pathToken {
		t.Errorf("%v", e)
	}
}

func mustFail(_ string, err error) error { return err }

// A refused token is replaced once and the call made once more, a write included, for it was refused before it was done.
func TestRefusedTokenIsReplaced(t *testing.T) {
	for name, refusal := range map[string]answerFunc{
		"wrapped":  ok(`{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]"}`),
		"plain":    ok(`{"errcode":40014,"errmsg":"不合法的access_token"}`),
		"expired":  ok(`{"errcode":42001,"errmsg":"access_token超时"}`),
		"new code": status(400, `{"code":"InvalidAuthentication","message":"不合法的access_token"}`),
		"401":      status(401, `{"code":"-","message":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathUserDelete, inTurn(refusal, ok(`{"errcode":0,"errmsg":"ok"}`)))
			if err := f.client().Users.Delete(bg(), "u1"); err != nil {
				t.Fatal(err)
			}
			calls := f.called(pathUserDelete)
			if len(calls) != 2 || calls[0].token != tokenNo(1) || calls[1].token != tokenNo(2) {
				t.Errorf("%d calls, %d tokens", len(calls), f.tokens)
			}
		})
	}
}

func TestTokenRefusedAgainHaltsTheApp(t *testing.T) {
	f := newFar(t)
	f.on(pathUserDelete, ok(`{"errcode":40014,"errmsg":"不合法的access_token"}`))
	e := failure(t, f.client().Users.Delete(bg(), "u1"))
	if e.Class != Halt || e.Scope != ScopeApp || e.After <= 0 || e.Ambiguous {
		t.Errorf("%v", e)
	}
	if n := len(f.called(pathUserDelete)); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// Many calls refused together cost one new token.
func TestCallsRefusedTogetherFetchOneToken(t *testing.T) {
	f := newFar(t)
	const n = 20
	var arrived sync.WaitGroup
	arrived.Add(n)
	f.on(pathUserCount, func(c call) reply {
		if c.token == tokenNo(1) {
			arrived.Done()
			arrived.Wait()
			return reply{body: `{"errcode":40014,"errmsg":"x"}`}
		}
		return reply{body: `{"errcode":0,"result":{"count":1}}`}
	})
	c := f.client()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := c.Users.Count(bg(), false); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(f.called(pathToken)); got != 2 {
		t.Errorf("%d token requests", got)
	}
}

func TestWrongCredentialsAreNotTriedInALoop(t *testing.T) {
	f := newFar(t)
	f.on(pathToken, status(400, `{"code":"invalidClientIdOrSecret","message":"无效的clientId或者clientSecret","requestid":"r"}`))
	clock := newClock()
	c := f.client(clock.set)
	for range 10 {
		_, err := c.Users.Count(bg(), false)
		if e := failure(t, err); e.Class != Halt || e.Scope != ScopeApp || strings.Contains(e.Error(), testSecret) {
			t.Errorf("%v", e)
		}
	}
	if n := len(f.called(pathToken)); n != 1 {
		t.Errorf("%d token requests", n)
	}
	clock.add(tokenRetry)
	if _, err := c.Token(bg()); err == nil || len(f.called(pathToken)) != 2 {
		t.Errorf("never tried again: %v", err)
	}
}

func TestTokenAnswerWithoutToken(t *testing.T) {
	f := newFar(t)
	f.on(pathToken, ok(`{"expireIn":7200}`))
	if e := failure(t, mustFail(f.client().Token(bg()))); e.Class != Retry {
		t.Errorf("%v", e)
	}
}
