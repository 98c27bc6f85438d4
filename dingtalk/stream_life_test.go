package dingtalk

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// The server asks to leave: the successor stands before the old connection goes, what is in work is acknowledged on the old
// one, and there is no gap.
func TestStreamDisconnectOverlaps(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := newGateway(t).run(func(c *StreamConfig) {
		c.Drain = patience
		c.Handler = func(context.Context, Event) error { started <- struct{}{}; <-release; return nil }
	})
	old := r.peer()
	r.state()
	old.send(eventFrame("m1", "e1", "x", "{}"))
	receive(t, "start", started)
	old.send(`{"type":"SYSTEM","headers":{"topic":"disconnect"},"data":"{\"reason\":\"connection is expired\"}"}`)
	next := r.peer()
	if n := r.standing(); n != 2 {
		t.Errorf("%d connections stand", n)
	}
	if s := r.state(); !s.Connected || s.First || s.Gap != 0 || s.Reason != "disconnect" {
		t.Errorf("%+v", s)
	}
	next.send(eventFrame("m2", "e2", "x", "{}"))
	receive(t, "start", started)
	close(release)
	old.wantReply(200, "m1", success)
	next.wantReply(200, "m2", success)
	receive(t, "goodbye", old.gone)
	if old.code != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", old.code)
	}
	if len(r.states) != 0 {
		t.Errorf("the end of a replaced connection was reported: %+v", r.state())
	}
}

// A replaced connection whose handler never ends is cut when its time is up.
func TestStreamDrainIsBounded(t *testing.T) {
	release, started := make(chan struct{}), make(chan struct{})
	r := newGateway(t).run(func(c *StreamConfig) {
		c.Drain = 20 * time.Millisecond
		c.Handler = func(context.Context, Event) error { close(started); <-release; return nil }
	})
	defer close(release)
	old := r.peer()
	old.send(eventFrame("m1", "e1", "x", "{}"))
	receive(t, "start", started)
	old.send(`{"type":"SYSTEM","headers":{"topic":"disconnect","messageId":"m"},"data":"{}"}`)
	r.peer()
	receive(t, "goodbye", old.gone)
}

func TestStreamReconnectsAfterLoss(t *testing.T) {
	g := newGateway(t)
	r := g.run()
	first := r.peer()
	r.state()
	for i := range 3 {
		if err := first.conn.CloseNow(); err != nil {
			t.Error(err)
		}
		if s := r.state(); s.Connected || s.Reason != "lost" || s.Err == nil {
			t.Errorf("%d: %+v", i, s)
		}
		first = r.peer()
		if s := r.state(); !s.Connected || s.First || s.Gap <= 0 || s.Reason != "lost" {
			t.Errorf("%d: %+v", i, s)
		}
	}
	first.send(eventFrame("m1", "e1", "x", "{}"))
	first.wantReply(200, "m1", success)
}

func TestStreamKeepsTryingToConnect(t *testing.T) {
	g := newGateway(t)
	good := g.answers[pathStreamOpen]
	g.on(pathStreamOpen, inTurn(
		status(503, ``), status(400, `{"code":"invalidClientIdOrSecret","message":"x"}`), ok(`{"endpoint":"","ticket":"t"}`),
		ok(`{"endpoint":"http://x/","ticket":"t"}`), good))
	g.refuse = 2
	r := g.run()
	if s := r.state(); s.Connected || s.Reason != "failed" || failure(t, s.Err).Status != 503 {
		t.Errorf("%+v", s)
	}
	s := r.state()
	if e := failure(t, s.Err); s.Connected || s.Reason != "failed" || e.Class != Halt || e.Scope != ScopeApp {
		t.Errorf("%+v", s)
	}
	r.stop() // out of the long pause that bad credentials bring
	r = g.run()
	for i := range 4 {
		if s := r.state(); s.Connected || s.Reason != "failed" || s.Err == nil {
			t.Errorf("%d: %+v", i, s)
		}
	}
	if s := r.state(); !s.Connected || !s.First {
		t.Errorf("%+v", s)
	}
	r.peer()
	for _, secret := range []string{"t+", "t%2B", testSecret} {
		for _, entry := range r.logs.All() {
			if strings.Contains(fmt.Sprint(entry.Message, entry.ContextMap()), secret) {
				t.Errorf("a log line shows %s: %v", secret, entry.ContextMap())
			}
		}
	}
}

// Open, pongs answered, and nothing said: such a connection is replaced, by one that stands before it goes.
func TestStreamIdleConnectionIsReplaced(t *testing.T) {
	r := newGateway(t).run(func(c *StreamConfig) {
		c.IdleTimeout, c.PingEvery = 60*time.Millisecond, 5*time.Millisecond
	})
	old := r.peer()
	r.state()
	r.peer()
	if s := r.state(); !s.Connected || s.Gap != 0 || s.Reason != "idle" {
		t.Errorf("%+v", s)
	}
	receive(t, "goodbye", old.gone)
}

func TestStreamOldConnectionIsReplaced(t *testing.T) {
	r := newGateway(t).run(func(c *StreamConfig) { c.Recycle = 30 * time.Millisecond })
	old := r.peer()
	r.state()
	r.peer()
	if s := r.state(); !s.Connected || s.Gap != 0 || s.Reason != "recycle" {
		t.Errorf("%+v", s)
	}
	receive(t, "goodbye", old.gone)
}

func TestStreamDeadPeerIsNoticed(t *testing.T) {
	g := newGateway(t)
	// An endpoint that completes the handshake and then neither reads nor answers.
	hijacked := make(chan struct{}, 10)
	block := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		hijacked <- struct{}{}
		<-block
		_ = conn.CloseNow()
	}))
	defer dead.Close()
	defer close(block)
	good := g.answers[pathStreamOpen]
	g.on(pathStreamOpen, inTurn(ok(`{"endpoint":"ws%s/","ticket":"t"}`, strings.TrimPrefix(dead.URL, "http")), good))
	r := g.run(func(c *StreamConfig) { c.PingEvery, c.PongWait = 10*time.Millisecond, 50*time.Millisecond })
	receive(t, "handshake", hijacked)
	r.state()
	if s := r.state(); s.Connected || s.Reason != "lost" {
		t.Errorf("%+v", s)
	}
	r.peer()
	r.stop()
}

func TestStreamRefusesAnOpenConnectionWhereTheAPIIsEncrypted(t *testing.T) {
	answer := Object{"endpoint": "ws://host/connect", "ticket": "t"}
	if _, _, err := streamAddress(answer, "https://api.dingtalk.com"); err == nil {
		t.Error("accepted")
	}
	if _, _, err := streamAddress(answer, "http://127.0.0.1"); err != nil {
		t.Error(err)
	}
	answer["endpoint"] = "wss://host:443/connect?a=b"
	if got, _, err := streamAddress(answer, "https://api.dingtalk.com"); err != nil || got != "wss://host:443/connect?a=b&ticket=t" {
		t.Errorf("%q %v", got, err)
	}
}

// The end of ctx ends everything, whatever is going on; goleak looks after the rest.
func TestStreamStops(t *testing.T) {
	t.Run("while connecting", func(t *testing.T) {
		g := newGateway(t)
		asked := make(chan struct{}, 1)
		g.on(pathStreamOpen, func(call) reply { asked <- struct{}{}; return reply{wait: make(chan struct{})} })
		r := g.run()
		receive(t, "request", asked)
		r.stop()
	})
	t.Run("while handling", func(t *testing.T) {
		started := make(chan struct{})
		r := newGateway(t).run(func(c *StreamConfig) {
			c.AckTimeout = time.Hour
			c.Handler = func(ctx context.Context, _ Event) error { close(started); <-ctx.Done(); return ctx.Err() }
		})
		r.peer().send(eventFrame("m1", "e1", "x", "{}"))
		receive(t, "start", started)
		r.stop()
	})
	t.Run("while replacing", func(t *testing.T) {
		g := newGateway(t)
		good := g.answers[pathStreamOpen]
		asked := make(chan struct{}, 1)
		g.on(pathStreamOpen, inTurn(good, func(call) reply { asked <- struct{}{}; return reply{wait: make(chan struct{})} }))
		r := g.run()
		p := r.peer()
		p.send(`{"type":"SYSTEM","headers":{"topic":"disconnect"},"data":"{}"}`)
		receive(t, "request", asked)
		p.send(eventFrame("m1", "e1", "x", "{}")) // the old connection works on
		p.wantReply(200, "m1", success)
		r.stop()
		receive(t, "goodbye", p.gone)
	})
}

// The old connection goes while its successor cannot be had: that is a gap.
func TestStreamLossWhileReplacing(t *testing.T) {
	g := newGateway(t)
	good := g.answers[pathStreamOpen]
	hold := make(chan struct{})
	g.on(pathStreamOpen, inTurn(good, func(c call) reply { a := good(c); a.wait = hold; return a }, good))
	r := g.run()
	p := r.peer()
	r.state()
	p.send(`{"type":"SYSTEM","headers":{"topic":"disconnect"},"data":"{}"}`)
	wait(t, func() bool { return len(g.called(pathStreamOpen)) == 2 })
	if err := p.conn.CloseNow(); err != nil {
		t.Error(err)
	}
	wait(t, func() bool { return r.logs.FilterMessage("stream connection over").Len() == 1 })
	close(hold)
	r.peer()
	var s StreamState
	for s = r.state(); !s.Connected; s = r.state() {
		if s.Reason != "lost" {
			t.Errorf("%+v", s)
		}
	}
	if s.Gap <= 0 {
		t.Errorf("%+v: no gap reported", s)
	}
}

func TestNewStreamRefuses(t *testing.T) {
	c := newFar(t).client()
	if _, err := NewStream(StreamConfig{Client: c}); err == nil {
		t.Error("no handler")
	}
	if _, err := NewStream(StreamConfig{Handler: func(context.Context, Event) error { return nil }}); err == nil {
		t.Error("no client")
	}
}

func TestStreamPauses(t *testing.T) {
	s, err := NewStream(StreamConfig{Client: newFar(t).client(), Handler: func(context.Context, Event) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	r := &streamRun{stream: s}
	for i, want := range []time.Duration{3, 6, 12, 24, 48, 60, 60} {
		if d := r.pause(nil); d < want*time.Second || d > want*time.Second*12/10+1 {
			t.Errorf("pause %d: %v", i, d)
		}
	}
	r.tries = 0
	if d := r.pause(&Error{Class: Halt, After: 10 * time.Minute}); d < time.Minute || d > 72*time.Second {
		t.Errorf("after a halt %v", d)
	}
	r.tries = 1000
	if d := r.pause(nil); d < time.Minute || d > 72*time.Second {
		t.Errorf("after many %v", d)
	}
}
