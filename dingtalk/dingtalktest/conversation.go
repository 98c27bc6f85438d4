package dingtalktest

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// conversation finds a group by its openConversationId; nil when there is none.
func (s *Server) conversation(id string) *Group { return s.groups.now[s.groups.byOpen[id]] }

// present are the members of a group who still exist.
func (s *Server) present(g *Group) []string {
	return slices.DeleteFunc(slices.Clone(g.Members), func(id string) bool { return s.dir.users[id] == nil })
}

// pick is a conversation that somebody picked on a page of the app.
type pick struct {
	conversation string
	end          time.Time
}

const pickLifetime = 24 * time.Hour

// PickConversation lets a person pick a group on a page of the app and returns the cid, which serves for one ordinary message within
// 24 hours.
func (s *Server) PickConversation(openConversationID string) (cid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cid = strings.ToLower(randomText(24))
	put(&s.messages.picked, cid, pick{conversation: openConversationID, end: s.now().Add(pickLifetime)})
	return cid
}

// sendToConversation is /message/send_to_conversation (发送普通消息), of the history.
func (s *Server) sendToConversation(c *call) (any, *Refusal) {
	if !s.knobs.OrdinaryMessages {
		return nil, refuse(43007)
	}
	for _, key := range []string{"sender", "cid", "msg"} {
		if !c.params.has(key) {
			return nil, missing(40035, key)
		}
	}
	chosen, ok := s.messages.picked[c.params.text("cid")]
	group := s.conversation(chosen.conversation)
	if !ok || !c.now.Before(chosen.end) || group == nil || group.Disbanded {
		return nil, missing(40015, "cid")
	}
	sender := c.params.text("sender")
	if s.dir.users[sender] == nil {
		return nil, missing(40035, "sender")
	}
	msg, text, no := s.readMsg(c.params)
	if no != nil {
		return nil, no
	}
	if no := s.checkMsg(msg); no != nil {
		return nil, no
	}
	if utf8.RuneCount(text) > legacyCharacters {
		return nil, refuse(41101)
	}
	if s.sensitive(string(text)) {
		return nil, refuse(41049)
	}
	delete(s.messages.picked, c.params.text("cid"))
	to := s.present(group)
	s.hand(&Message{Kind: ByPerson, At: c.now, Conversation: group.OpenConversationID, Content: text, Delivered: to})
	return topLevel{"receiver": strings.Join(to, "|")}, nil
}
