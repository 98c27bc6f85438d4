package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

const patience = 10 * time.Second

// gateway is the server side of the Stream: it hands out tickets that are good for one use and gives every connection that
// comes to the test.
type gateway struct {
	*far
	ws    *httptest.Server
	conns chan *peer

	wsMu    sync.Mutex
	tickets map[string]bool
	dials   int
	open    int // connections standing
	refuse  int // this many upgrades yet
}

// peer is one connection as the server sees it.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
	in   chan map[string]any // replies
	gone chan struct{}
	code websocket.StatusCode // after gone
	done chan struct{}
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{far: newFar(t), conns: make(chan *peer, 100), tickets: map[string]bool{}}
	g.ws = httptest.NewServer(http.HandlerFunc(g.connect))
	t.Cleanup(g.ws.Close)
	g.on(pathStreamOpen, func(c call) reply {
		ticket := fmt.Sprintf("t+%d/&=?é", c.n)
		g.wsMu.Lock()
		g.tickets[ticket] = true
		g.wsMu.Unlock()
		raw, err := json.Marshal(map[string]string{"endpoint": "ws" + strings.TrimPrefix(g.ws.URL, "http") + "/connect?v=1", "ticket": ticket})
		if err != nil {
			t.Error(err)
		}
		return reply{body: string(raw)}
	})
	return g
}

func (g *gateway) connect(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	g.wsMu.Lock()
	known, refuse := g.tickets[ticket], g.refuse > 0
	delete(g.tickets, ticket)
	if refuse {
		g.refuse--
	}
	g.dials++
	g.wsMu.Unlock()
	if !known || refuse || r.URL.Query().Get("v") != "1" {
		http.Error(w, "ticket "+ticket, http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		g.t.Error(err)
		return
	}
	p := &peer{t: g.t, conn: conn, in: make(chan map[string]any, 100), gone: make(chan struct{}), done: make(chan struct{})}
	g.wsMu.Lock()
	g.open++
	g.wsMu.Unlock()
	g.conns <- p
	for {
		_, data, err := conn.Read(context.Background())
		if err != nil {
			p.code = websocket.CloseStatus(err)
			break
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			g.t.Errorf("a reply is no JSON: %q", data)
		}
		p.in <- m
	}
	_ = conn.CloseNow()
	g.wsMu.Lock()
	g.open--
	g.wsMu.Unlock()
	close(p.gone)
}

func (g *gateway) standing() int {
	g.wsMu.Lock()
	defer g.wsMu.Unlock()
	return g.open
}

func receive[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}

func (p *peer) send(frame string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		p.t.Errorf("sending: %v", err)
	}
}

func eventFrame(message, id, kind, data string) string {
	return fmt.Sprintf(`{"specVersion":"1.0","type":"EVENT","headers":{"topic":"*","messageId":%q,"contentType":"application/json","time":"1690362102194",
		"eventId":%q,"eventType":%q,"eventCorpId":"ding1","eventBornTime":"1690362102194","eventUnifiedAppId":"a"},"data":%q}`, message, id, kind, data)
}

// running starts a Stream; events and states arrive in channels.
type running struct {
	*gateway
	events chan Event
	states chan StreamState
	logs   *observer.ObservedLogs
	stop   func() // ends Run and waits for it
}

func (g *gateway) run(change ...func(*StreamConfig)) *running {
	g.t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	r := &running{gateway: g, events: make(chan Event, 100), states: make(chan StreamState, 1000), logs: logs}
	cfg := StreamConfig{
		Client:     g.client(),
		Handler:    func(_ context.Context, e Event) error { r.events <- e; return nil },
		OnState:    func(s StreamState) { r.states <- s },
		Logger:     zap.New(core),
		BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond, DialTimeout: patience,
		PingEvery: -1, IdleTimeout: -1, Recycle: -1,
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := NewStream(cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := receive(g.t, "end of Run", ended); !errors.Is(err, context.Canceled) {
			g.t.Errorf("Run returned %v", err)
		}
	})
	g.t.Cleanup(r.stop)
	return r
}

func (r *running) peer() *peer { r.t.Helper(); return receive(r.t, "connection", r.conns) }

func (r *running) state() StreamState { r.t.Helper(); return receive(r.t, "state", r.states) }

func (r *running) event() Event { r.t.Helper(); return receive(r.t, "event", r.events) }

func (p *peer) reply() map[string]any                   { p.t.Helper(); return receive(p.t, "reply", p.in) }
func (p *peer) headers(m map[string]any) map[string]any { return m["headers"].(map[string]any) }

func (p *peer) wantReply(code float64, message, data string) {
	p.t.Helper()
	m := p.reply()
	if m["code"] != code || p.headers(m)["messageId"] != message || p.headers(m)["contentType"] != "application/json" || m["data"] != data {
		p.t.Errorf("reply %v, want %v to %s with %s", m, code, message, data)
	}
}

const (
	success = `{"status":"SUCCESS","message":"success"}`
	later   = `{"status":"LATER","message":"later"}`
)
