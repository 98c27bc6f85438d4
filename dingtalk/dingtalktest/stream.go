package dingtalktest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"
)

// frame is one Stream message of the server.
type frame struct {
	SpecVersion string            `json:"specVersion"`
	Type        string            `json:"type"`
	Headers     map[string]string `json:"headers"`
	Data        string            `json:"data"`
}

// openStream is POST /v1.0/gateway/connections/open.
func (s *Server) openStream(c *call) (any, *Refusal) {
	if c.params.text("clientId") != s.appKey || c.params.text("clientSecret") != s.appSecret {
		return nil, v1Refusal(http.StatusUnauthorized, "authFailed", "鉴权失败")
	}
	subscriptions, ok := c.params.objects("subscriptions")
	if !ok || len(subscriptions) == 0 {
		return nil, v1Refusal(http.StatusBadRequest, "Missingsubscriptions", "subscriptions is mandatory for this action.")
	}
	t := ticket{end: c.now.Add(s.knobs.TicketLife)}
	for _, sub := range subscriptions {
		t.events = t.events || sub.text("type") == "EVENT" && sub.text("topic") == "*"
		if sub.text("type") == "CALLBACK" {
			put(&t.topics, sub.text("topic"), true)
		}
	}
	maps.DeleteFunc(s.streams.tickets, func(_ string, t ticket) bool { return !c.now.Before(t.end) })
	id := "ticket" + randomText(20)
	s.streams.tickets[id] = t
	scheme := "ws"
	if c.request.TLS != nil {
		scheme = "wss"
	}
	return map[string]any{"endpoint": scheme + "://" + c.request.Host + "/connect", "ticket": id}, nil
}

// connectEndpoint describes the Stream endpoint to the journal and to Fail.
var connectEndpoint = &endpoint{path: "/connect", method: http.MethodGet, style: v1, open: true, free: true, secret: true}

// connect is GET /connect?ticket=…, the upgrade to a WebSocket. A ticket works once and for 90 s.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	req := &Request{Method: r.Method, Path: r.URL.Path, Query: url.Values{}}
	if fail := s.arrive(req); fail != nil {
		s.misbehave(connectEndpoint, req, fail, w, r)
		return
	}
	t, ok := s.redeem(r.URL.Query().Get("ticket"))
	if !ok {
		s.outcome(req, http.StatusUnauthorized, "401", false)
		http.Error(w, "ticket invalid", http.StatusUnauthorized)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	s.outcome(req, http.StatusSwitchingProtocols, "0", false)
	ws.SetReadLimit(1 << 20)
	conn, ok := s.welcome(ws, t)
	if !ok {
		_ = ws.CloseNow() // the server closes
		return
	}
	defer s.wg.Done()
	s.read(conn)
	s.forget(conn)
}

// redeem spends a ticket.
func (s *Server) redeem(id string) (t ticket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok = s.streams.tickets[id]
	delete(s.streams.tickets, id)
	return t, ok && s.now().Before(t.end)
}

// welcome registers a connection, starts its writer, and sends what waited for a client. False means that the server
// closes; else the caller must call wg.Done.
func (s *Server) welcome(ws *websocket.Conn, t ticket) (*streamConn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, false
	}
	s.streams.seq++
	ctx, cancel := context.WithCancel(s.ctx)
	conn := &streamConn{
		id: fmt.Sprintf("conn%08d", s.streams.seq), ws: ws, out: make(chan []byte, 4096), ctx: ctx, cancel: cancel, events: t.events, topics: t.topics,
	}
	s.wg.Add(1)
	s.wg.Go(func() { write(conn) })
	s.streams.conns[conn.id] = conn
	if k := s.knobs; k.StreamLife > 0 {
		s.timers.after(k.StreamLife, func() { s.disconnect(conn) })
	}
	s.schedulePing(conn)
	if t.events {
		held := s.events.held
		s.events.held = nil
		for _, d := range held {
			s.timers.after(0, func() { s.dispatch(d) })
		}
	}
	s.bump()
	return conn, true
}

// read handles a connection's answers until it ends.
func (s *Server) read(c *streamConn) {
	for {
		_, data, err := c.ws.Read(c.ctx)
		if err != nil {
			return
		}
		var answer struct {
			Code    int               `json:"code"`
			Headers map[string]string `json:"headers"`
			Data    string            `json:"data"`
		}
		if err := json.Unmarshal(data, &answer); err != nil {
			c.drop() // a client that does not speak the protocol
			return
		}
		s.acknowledge(answer.Headers["messageId"], answer.Code, answer.Data)
	}
}

// acknowledge handles the answer to a frame. LATER, or any other code than 200 and 404, is like no answer: the
// event comes again.
func (s *Server) acknowledge(messageID string, code int, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.streams.awaiting[messageID]
	if d == nil {
		if s.answerRobot(messageID, code) {
			return
		}
		if strings.HasPrefix(messageID, "ping") {
			s.streams.pongs++
			s.bump()
		}
		return
	}
	var result struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal([]byte(data), &result); err != nil {
		result.Status = ""
	}
	switch {
	case code == http.StatusOK && result.Status == "SUCCESS":
		s.settle(d, EventDelivered)
	case code == http.StatusNotFound:
		s.settle(d, EventFailed) // no handler: sending again would not help
	}
}

// forget ends a connection.
func (s *Server) forget(c *streamConn) {
	c.drop()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams.conns, c.id)
	s.bump()
}

// sendFrame sends an event to one of the connections and arranges its redelivery; the lock is held.
func (s *Server) sendFrame(d *delivery) {
	conn := s.streams.pick(s.dice)
	if conn == nil {
		if s.knobs.HoldWithoutClients {
			s.events.held = append(s.events.held, d)
			return
		}
		if d.sends == 0 {
			s.settle(d, EventUnheard)
			return
		}
	} else {
		if d.messageID == "" || s.knobs.RedeliverNewMessageID {
			delete(s.streams.awaiting, d.messageID)
			s.streams.seq++
			d.messageID = fmt.Sprintf("msg%s%010d", s.events.run, s.streams.seq)
		}
		s.streams.awaiting[d.messageID] = d
		if data, err := json.Marshal(s.eventFrame(d)); err == nil {
			conn.push(data)
		}
		d.event.Sends++
	}
	d.sends++
	s.timers.after(s.knobs.RedeliverAfter, func() { s.redeliver(d) })
}

// redeliver sends an event again that was not acknowledged in time, or gives it up.
func (s *Server) redeliver(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.done:
	case d.sends >= s.knobs.RedeliverMax:
		s.giveUp(d, s.knobs.StreamFailuresListed)
	default:
		s.sendFrame(d)
	}
}

func (s *Server) eventFrame(d *delivery) frame {
	e := d.event
	data := string(e.Data)
	if s.charge(e) {
		if text, err := json.Marshal(quotaBody()); err == nil {
			data = string(text)
		}
	}
	f := s.newFrame("EVENT", "*", d.messageID, data)
	f.Headers["eventId"], f.Headers["eventType"], f.Headers["eventCorpId"] = e.ID, e.Type, s.corpID
	f.Headers["eventBornTime"] = millis(e.Born)
	f.Headers["eventUnifiedAppId"] = "bbb381b6-0000-4000-8000-" + e.ID[:min(12, len(e.ID))]
	return f
}

func (s *Server) newFrame(kind, topic, messageID, data string) frame {
	return frame{
		SpecVersion: "1.0", Type: kind, Data: data,
		Headers: map[string]string{
			"topic": topic, "messageId": messageID, "contentType": "application/json",
			"time": strconv.FormatInt(s.now().UnixMilli(), 10),
		},
	}
}

// system sends a SYSTEM frame; the lock is held.
func (s *Server) system(c *streamConn, topic string, data map[string]string) {
	text, err := json.Marshal(data)
	if err != nil {
		return
	}
	s.streams.seq++
	if frame, err := json.Marshal(s.newFrame("SYSTEM", topic, fmt.Sprintf("%s%d", topic, s.streams.seq), string(text))); err == nil {
		c.push(frame)
	}
}

// schedulePing keeps pinging a connection; the lock is held.
func (s *Server) schedulePing(c *streamConn) {
	every := s.knobs.PingEvery
	if every <= 0 {
		return
	}
	s.timers.after(every, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if c.ctx.Err() != nil {
			return
		}
		if !c.idle {
			s.system(c, "ping", map[string]string{"opaque": strconv.Itoa(s.streams.seq)})
		}
		s.schedulePing(c)
	})
}
