package dingtalk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"dingbridge/redact"
)

const pathStreamOpen = "/v1.0/gateway/connections/open"

// writeTimeout bounds the sending of one reply.
const writeTimeout = 5 * time.Second

// streamConn is one web socket.
type streamConn struct {
	stream  *Stream
	ws      *websocket.Conn
	secrets *redact.Words // that the far side's words may repeat
	since   time.Time
	seen    chan struct{} // an application frame came
	replace chan string   // a successor is wanted, and why; sent at most once
	retire  chan struct{} // closed when the successor stands
	ended   chan struct{} // closed when it is over; only then read the next two
	endedAt time.Time
	err     error

	asked    sync.Once     // guards replace
	inflight atomic.Int64  // events being handled
	finished chan struct{} // an event was handled
}

// connect asks for an endpoint and a ticket, which is good for one use within 90 s, and opens the web socket there.
func (s *Stream) connect(ctx context.Context) (*streamConn, error) {
	c := s.cfg.Client
	subscriptions := []Object{{"type": "EVENT", "topic": "*"}}
	for _, topic := range s.topics() {
		subscriptions = append(subscriptions, Object{"type": "CALLBACK", "topic": topic})
	}
	answer, failure := c.send(ctx, request{
		method: http.MethodPost, path: pathStreamOpen, v1: true, noToken: true,
		body: Object{
			"clientId": c.cfg.AppKey, "clientSecret": c.cfg.AppSecret,
			"subscriptions": subscriptions, "ua": s.cfg.UA, "extras": Object{},
		},
	}, "")
	if failure != nil {
		return nil, failure
	}
	address, ticket, err := streamAddress(answer, c.cfg.API)
	if err != nil {
		return nil, err
	}
	dialCtx, cancel := context.WithTimeout(ctx, s.cfg.DialTimeout)
	defer cancel()
	//nolint:bodyclose // the library closes the body of the handshake
	ws, _, err := websocket.Dial(dialCtx, address, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: c.web, CheckRedirect: noRedirect},
		HTTPHeader: http.Header{"User-Agent": {c.cfg.UserAgent}},
	})
	secrets := redact.New(ticket, c.cfg.AppSecret, c.tokens.current())
	if err != nil {
		return nil, transportFailure(request{path: "stream", read: true}, err, secrets)
	}
	ws.SetReadLimit(2 * MaxEvent) // the payload is JSON within JSON
	return &streamConn{
		stream: s, ws: ws, secrets: secrets, since: time.Now(),
		seen: make(chan struct{}, 1), finished: make(chan struct{}, 1),
		replace: make(chan string, 1), retire: make(chan struct{}), ended: make(chan struct{}),
	}, nil
}

// streamAddress joins endpoint and ticket, escaped. The endpoint is taken as given, but an API spoken to over TLS must not
// send us to an open connection.
func streamAddress(answer Object, api string) (address, ticket string, err error) {
	ticket = answer.Text("ticket")
	u, parseErr := url.Parse(answer.Text("endpoint"))
	switch {
	case ticket == "" || parseErr != nil || u.Host == "":
		return "", "", incomplete(pathStreamOpen, "no endpoint or no ticket")
	case u.Scheme != "wss" && u.Scheme != "ws":
		return "", "", incomplete(pathStreamOpen, "the endpoint is no web socket")
	case u.Scheme == "ws" && strings.HasPrefix(api, "https:"):
		return "", "", &Error{Class: Halt, Scope: ScopeAPI + pathStreamOpen, After: haltConfig, API: pathStreamOpen, Message: "the endpoint is not encrypted"}
	}
	query := u.Query()
	query.Set("ticket", ticket)
	u.RawQuery = query.Encode()
	return u.String(), ticket, nil
}

// run reads until the connection ends, then waits for everything it started. Handlers run under ctx, not under the
// connection's life: what is being kept shall be kept.
func (c *streamConn) run(ctx context.Context) {
	var own sync.WaitGroup
	connCtx, cancel := context.WithCancel(ctx)
	own.Go(func() { c.keepAlive(connCtx) })
	for {
		_, data, err := c.ws.Read(connCtx)
		if err != nil {
			c.err = transportFailure(request{path: "stream", read: true}, err, c.secrets)
			break
		}
		signal(c.seen)
		c.frame(ctx, &own, data)
	}
	cancel()
	_ = c.ws.CloseNow() // the connection is over; there is nobody left to tell
	c.endedAt = time.Now()
	close(c.ended)
	c.stream.cfg.Logger.Debug("stream connection over", zap.Duration("age", c.endedAt.Sub(c.since)), zap.Error(c.err))
	own.Wait()
}

// keepAlive pings and watches for silence and age. Once the connection is retired it closes it in an orderly way, when its
// events are handled or the Drain time has passed.
func (c *streamConn) keepAlive(ctx context.Context) {
	cfg := c.stream.cfg
	ping, idle, recycle, drain := newTimer(cfg.PingEvery), newTimer(cfg.IdleTimeout), newTimer(cfg.Recycle), newTimer(0)
	for _, t := range []*time.Timer{ping, idle, recycle, drain} {
		defer t.Stop()
	}
	for retire := c.retire; ; {
		select {
		case <-ctx.Done():
			return
		case <-c.seen:
			if cfg.IdleTimeout > 0 {
				idle.Reset(cfg.IdleTimeout)
			}
		case <-ping.C:
			if !c.ping(ctx, cfg.PongWait) {
				return
			}
			ping.Reset(cfg.PingEvery)
		case <-idle.C:
			c.askReplace("idle")
		case <-recycle.C:
			c.askReplace(StreamRecycled)
		case <-retire:
			retire = nil
			drain.Reset(max(cfg.Drain, 1))
		case <-c.finished:
		case <-drain.C:
			_ = c.ws.Close(websocket.StatusNormalClosure, "replaced") // run sees the end
			return
		}
		if retire == nil && c.inflight.Load() == 0 {
			_ = c.ws.Close(websocket.StatusNormalClosure, "replaced")
			return
		}
	}
}

// newTimer never fires if d is not positive.
func newTimer(d time.Duration) *time.Timer {
	if d > 0 {
		return time.NewTimer(d)
	}
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// ping reports whether the peer answered; if not, the connection is cut and run sees it.
func (c *streamConn) ping(ctx context.Context, wait time.Duration) bool {
	pingCtx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := c.ws.Ping(pingCtx); err != nil {
		_ = c.ws.CloseNow()
		return false
	}
	return true
}

// askReplace asks the Run loop for a successor, once.
func (c *streamConn) askReplace(reason string) {
	c.asked.Do(func() { c.replace <- reason })
}

// signal leaves a mark for a reader that may be busy.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// frame deals with one frame: system frames at once, events and callbacks in a goroutine each, as many as there are slots.
func (c *streamConn) frame(ctx context.Context, own *sync.WaitGroup, data []byte) {
	f, err := parseFrame(data)
	if err != nil {
		c.stream.cfg.Logger.Warn("stream frame is malformed and passed over", zap.Int("bytes", len(data)), zap.Error(err))
		return
	}
	switch {
	case f.kind == "SYSTEM" && f.topic() == "disconnect":
		c.askReplace("disconnect")
		return
	case f.kind == "SYSTEM": // ping: echo
		c.send(ctx, f.reply(http.StatusOK, "OK", f.data))
		return
	case f.kind != "EVENT" && !(f.kind == "CALLBACK" && c.stream.takes(f.topic())):
		c.send(ctx, f.reply(http.StatusNotFound, "no handler for "+cut(f.kind+" "+f.topic(), 100), "{}"))
		return
	}
	select {
	case c.stream.slots <- struct{}{}:
	default:
		c.send(ctx, f.later()) // all slots taken: DingTalk shall send it again
		return
	}
	c.inflight.Add(1)
	own.Go(func() {
		defer func() {
			<-c.stream.slots
			c.inflight.Add(-1)
			signal(c.finished)
		}()
		event := f.event()
		if err := c.stream.call(ctx, event); err != nil {
			c.stream.cfg.Logger.Warn("stream event not kept, asking for it again",
				zap.String("event", event.Type), zap.String("id", event.ID), zap.Error(err))
			c.send(ctx, f.later())
			return
		}
		c.send(ctx, f.done())
	})
}

// send writes a reply. A reply that cannot be written means redelivery, which is harmless.
func (c *streamConn) send(ctx context.Context, reply []byte) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, reply); err != nil && !errors.Is(err, context.Canceled) {
		c.stream.cfg.Logger.Debug("stream reply not sent", zap.Error(err))
	}
}
