package dingtalktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// streamHub is all about Stream that needs the server's lock.
type streamHub struct {
	conns    map[string]*streamConn
	tickets  map[string]ticket
	awaiting map[string]*delivery // by messageId
	seq      int
	pongs    int
}

// ticket admits one connection.
type ticket struct {
	end    time.Time
	events bool            // EVENT was subscribed
	topics map[string]bool // of CALLBACK
}

// streamConn is one connection of the app.
type streamConn struct {
	id     string
	ws     *websocket.Conn
	out    chan []byte
	ctx    context.Context
	cancel context.CancelFunc
	events bool
	topics map[string]bool
	idle   bool // leaving or zombie: gets no more frames
}

// drop cuts the connection.
func (c *streamConn) drop() {
	c.cancel()
	// The connection is gone either way; CloseNow only reports that it was gone before.
	_ = c.ws.CloseNow()
}

// push queues a frame; false means that the connection cannot take it.
func (c *streamConn) push(frame []byte) bool {
	select {
	case c.out <- frame:
		return true
	default:
		return false
	}
}

func (h *streamHub) all() []*streamConn {
	out := make([]*streamConn, 0, len(h.conns))
	for _, c := range h.conns {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *streamConn) int { return strings.Compare(a.id, b.id) })
	return out
}

// live lists the connections that get frames.
func (h *streamHub) live() []*streamConn {
	return slices.DeleteFunc(h.all(), func(c *streamConn) bool { return c.idle })
}

// pick chooses the connection for an event at random, as DingTalk does; nil when there is none.
func (h *streamHub) pick(dice *rand.Rand) *streamConn {
	if len(h.conns) == 0 {
		return nil
	}
	live := slices.DeleteFunc(h.live(), func(c *streamConn) bool { return !c.events })
	if len(live) == 0 {
		return nil
	}
	return live[dice.IntN(len(live))]
}

// write sends a connection's frames until it ends.
func write(c *streamConn) {
	for {
		select {
		case <-c.ctx.Done():
			return
		case data := <-c.out:
			if err := c.ws.Write(c.ctx, websocket.MessageText, data); err != nil {
				c.drop()
				return
			}
		}
	}
}

// Pongs counts the SYSTEM pings that were answered.
func (s *Server) Pongs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams.pongs
}

// StreamClients counts the connections that get frames: neither asked to leave nor made a zombie.
func (s *Server) StreamClients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams.live())
}

// WaitStream waits until StreamClients is at least n.
func (s *Server) WaitStream(ctx context.Context, n int) error {
	if err := s.waitFor(ctx, func() bool { return len(s.streams.live()) >= n }); err != nil {
		return fmt.Errorf("wait for %d stream clients: %w", n, err)
	}
	return nil
}

// DisconnectStreams asks every connection to leave as DingTalk does every few hours: a SYSTEM disconnect frame, no
// further pushes, and the close after Knobs.DisconnectGrace.
func (s *Server) DisconnectStreams() {
	s.mu.Lock()
	conns := s.streams.live()
	s.mu.Unlock()
	for _, c := range conns {
		s.disconnect(c)
	}
}

func (s *Server) disconnect(c *streamConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.idle || c.ctx.Err() != nil {
		return
	}
	s.system(c, "disconnect", map[string]string{"reason": "connection is expired"})
	c.idle = true
	s.timers.after(s.knobs.DisconnectGrace, c.drop)
	s.bump()
}

// DropStreams cuts every connection without a word.
func (s *Server) DropStreams() {
	s.mu.Lock()
	conns := s.streams.all()
	s.mu.Unlock()
	for _, c := range conns {
		c.drop()
	}
}

// ZombieStream turns every present connection into a zombie: the socket stays open and answers WebSocket pings, but
// no frame comes any more, not even a SYSTEM ping. New connections are sound.
func (s *Server) ZombieStream() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.streams.conns {
		c.idle = true
	}
	s.bump()
}

// SendCallback pushes a CALLBACK frame, such as a message to the robot, to one of the connections. The error says
// that nobody is connected or that data is no JSON. DingTalk does not send callbacks again.
func (s *Server) SendCallback(topic string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("callback data: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.streams.live()
	if len(live) == 0 {
		return errors.New("no stream client is connected")
	}
	_, err = s.pushCallback(live[s.dice.IntN(len(live))], topic, string(text))
	return err
}

// pushCallback sends a CALLBACK frame on a connection and returns its messageId; the lock is held.
func (s *Server) pushCallback(conn *streamConn, topic, data string) (messageID string, err error) {
	s.streams.seq++
	messageID = fmt.Sprintf("call%s%010d", s.events.run, s.streams.seq)
	f := s.newFrame("CALLBACK", topic, messageID, data)
	f.Headers["appId"], f.Headers["connectionId"] = s.appKey, conn.id
	message, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("callback frame: %w", err)
	}
	if !conn.push(message) {
		return "", errors.New("the stream client does not read")
	}
	return messageID, nil
}
