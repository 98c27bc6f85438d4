package dingtalktest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The ways by which a message reaches people, as Message.Kind and Receipt.Kind name them.
const (
	ByNotice       = "work_notice"
	ByRobot        = "person_message"
	ByRobotInGroup = "group_message"
	ByWebhook      = "robot_message"
	ByReply        = "reply" // by the webhook of the conversation in which the robot was spoken to
	ByDing         = "ding"
	ByPerson       = "conversation_message"
)

// Message is a message that was accepted and is no work notice.
type Message struct {
	Kind         string
	ID           string // processQueryKey, openDingId or msgUuid; "" where there is none
	At           time.Time
	Conversation string          // openConversationId; "" for one to persons
	Content      json.RawMessage // msgKey and msgParam of the robot; the whole body, or msg, of the others
	Delivered    []string        // userids that received it
	Invalid      []string        // userids that do not exist
	Throttled    []string        // userids that get too much
	Read         []string        // userids that read it, in that order
	Recalled     bool
}

// Receipt is a message as one person has it.
type Receipt struct {
	Kind, ID     string
	At           time.Time
	Conversation string
	Content      json.RawMessage
	Read         bool
	Recalled     bool // and therefore not to be seen any more
}

// messages is all about messages that needs the server's lock.
type messages struct {
	list     []*Message
	received map[string][]*Receipt
	picked   map[string]pick // by cid
	media    map[string]*Media
	webhooks map[string]*webhook // by token
	sessions map[string]session
	inbox    []*Said
	frames   map[string]*Said // by messageId

	dings usage // of a month
	seq   int
	moves int // how often a message came or was recalled
}

// WaitMessages waits until a message was accepted or recalled since an earlier call, whose number since is (0: the first call), and returns
// the number for the next one. The error is the context's, or that the server was closed.
func (s *Server) WaitMessages(ctx context.Context, since int) (now int, err error) {
	err = s.waitFor(ctx, func() bool {
		now = s.messages.moves
		return now != since
	})
	return now, err
}

// moved wakes those who wait for messages.
func (s *Server) moved() {
	s.messages.moves++
	s.bump()
}

// Messages returns the accepted messages that are no work notices, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Message, len(s.messages.list))
	for i, m := range s.messages.list {
		out[i] = *m
		out[i].Read = slices.Clone(m.Read)
	}
	return out
}

// Received returns what a person really got, oldest first: work notices and messages, after everything that is dropped behind a
// success.
func (s *Server) Received(userid string) []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Receipt, 0, len(s.messages.received[userid]))
	for _, r := range s.messages.received[userid] {
		out = append(out, *r)
	}
	return out
}

// ReceivedCounts is how many messages each person got; who got none is not there.
func (s *Server) ReceivedCounts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for id, list := range s.messages.received {
		out[id] = len(list)
	}
	return out
}

// ReadMessages lets a person read everything he got so far. Of the robot's messages events tell (robot_msg_read).
func (s *Server) ReadMessages(userid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.messages.received[userid] {
		if r.Read || r.Recalled {
			continue
		}
		r.Read = true
		if r.Kind == ByNotice {
			s.readNotice(r.ID, userid)
			continue
		}
		for _, m := range s.messages.list {
			if m.ID != "" && m.ID == r.ID && m.Kind == r.Kind {
				m.Read = append(m.Read, userid)
				s.emitRead(m, userid)
			}
		}
	}
}

// emitRead tells that a person read a message of the robot. The document spells operatTime so.
func (s *Server) emitRead(m *Message, userid string) {
	if m.Kind != ByRobot && m.Kind != ByRobotInGroup {
		return
	}
	s.emit("robot_msg_read", map[string]any{
		"processQueryKey": m.ID, "robotCode": s.appKey, "userId": userid, "unionId": s.unionOf(userid), "openConversationId": m.Conversation,
		"operatTime": millis(s.now()),
	})
}

// hand gives a message to the people of m.Delivered and journals it. What it says is about one thing: whoever gets it twice was told
// twice, see Duplicates.
func (s *Server) hand(m *Message) {
	s.messages.list = append(s.messages.list, m)
	for _, id := range m.Delivered {
		s.receive(id, Receipt{Kind: m.Kind, ID: m.ID, At: m.At, Conversation: m.Conversation, Content: m.Content})
	}
	s.moved()
}

// receive gives a message to one person.
func (s *Server) receive(userid string, r Receipt) {
	put(&s.messages.received, userid, append(s.messages.received[userid], &r))
	s.applied[messageIdentity(r.Kind, r.Conversation, r.Content)+" to "+userid]++
	s.bump()
}

// recall takes a message from everybody who has it.
func (s *Server) recall(kind, id string) {
	for _, list := range s.messages.received {
		for _, r := range list {
			if r.Kind == kind && r.ID == id {
				r.Recalled = true
			}
		}
	}
	s.moved()
}

// messageIdentity names a message for Repeats and Duplicates: its way, its conversation, its content.
func messageIdentity(kind, conversation string, content json.RawMessage) string {
	name := strings.ReplaceAll(kind, "_", " ")
	if conversation != "" {
		name += " in " + conversation
	}
	return name + " " + string(content)
}

// people splits userids into those that a message reaches and those that nobody has, each once.
func (s *Server) people(userids []string) (reached, invalid []string) {
	seen := map[string]bool{}
	for _, id := range userids {
		if seen[id] {
			continue
		}
		seen[id] = true
		if p := s.dir.users[id]; p == nil || !s.personInScope(p) {
			invalid = append(invalid, id)
			continue
		}
		reached = append(reached, id)
	}
	return reached, invalid
}

// plainJSON is v as JSON without escaping <, > and &: lengths are counted on it.
func plainJSON(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

// sensitive tells whether a text has one of Knobs.SensitiveWords.
func (s *Server) sensitive(text string) bool { return s.checkSensitive(text) != nil }

// unsafeURL tells whether a text has one of Knobs.UnsafeURLs.
func (s *Server) unsafeURL(text string) bool {
	return slices.ContainsFunc(s.knobs.UnsafeURLs, func(url string) bool { return url != "" && strings.Contains(text, url) })
}

// usage counts something per period.
type usage struct {
	period string
	n      int
}

// of is the use of a period; another one begins with nothing.
func (u *usage) of(period string) *int {
	if u.period != period {
		*u = usage{period: period}
	}
	return &u.n
}

// badMessage is a refusal of the robot's paths.
func badMessage(code, format string) *Refusal { return v1Refusal(http.StatusBadRequest, code, format) }

// chargePush counts a push that is no event; false means that the month's quota of pushes is used up.
func (s *Server) chargePush(now time.Time) bool {
	used := s.used(now)
	if s.knobs.PushQuotaExhausted || s.knobs.PushQuota > 0 && used.pushes >= s.knobs.PushQuota {
		return false
	}
	used.pushes++
	return true
}

// messageIdentities names what a request to send is about, for Repeats.
func (s *Server) messageIdentities(path string, p params) []string {
	switch path {
	case noticeSend:
		return []string{noticeIdentity(p)}
	case robotPersons:
		return []string{"person message to " + strings.Join(p.texts("userIds"), ",") + " " + p.text("msgKey") + " " + p.text("msgParam")}
	case robotGroup:
		return []string{"group message in " + p.text("openConversationId") + " " + p.text("msgKey") + " " + p.text("msgParam")}
	case dingSend:
		return []string{"ding to " + strings.Join(p.texts("receiverUserIdList"), ",") + " " + p.text("content")}
	case webhookSend:
		if id := p.text("msgUuid"); id != "" {
			return []string{"robot message " + id}
		}
		return []string{"robot message " + asText(map[string]any(p))}
	}
	return nil
}
