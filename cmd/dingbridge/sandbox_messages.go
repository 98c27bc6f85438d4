package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

var (
	txtSandboxMessage = tr("%s  %s to %s: %s", "%s  %s 发给 %s：%s")
	txtSandboxMissed  = tr("          not to %s: %s", "          未发给 %s：%s")
	txtSandboxRecall  = tr("          recalled: %s", "          已撤回：%s")
	txtSandboxInGroup = tr("%d members of the group", "群成员 %d 人")
	txtSandboxMore    = tr("%s and %d more", "%s 等，另有 %d 人")
	txtSandboxUnknown = tr("DingTalk knows nobody of this userid", "钉钉中没有此 userid")
	txtSandboxMany    = tr("gets too many messages", "收到的消息过多")
	txtSandboxUnable  = tr("cannot be reached", "无法送达")
)

// The sandbox's group and the secret of its robot, which guards nothing.
const (
	sandboxGroup  = "全员群"
	sandboxSecret = "SECsandbox"
)

// addGroup makes a group of everybody with a robot of its own, and returns its openConversationId.
func (s *stage) addGroup() (conversation string) {
	group := dingtalktest.Group{Name: sandboxGroup}
	for _, u := range s.ding.Users() {
		group.Members = append(group.Members, u.UserID)
	}
	if len(group.Members) > 0 {
		group.Owner = group.Members[0]
	}
	made, _ := s.ding.Group(s.ding.AddGroup(group)) // it was just made
	s.robot = s.ding.AddWebhook(dingtalktest.Webhook{Conversation: made.OpenConversationID, Secret: sandboxSecret})
	return made.OpenConversationID
}

// sending is a message as the sandbox shows it.
type sending struct {
	kind, id string
	content  json.RawMessage
	group    bool
	got      []string
	missed   map[string]string // userids, and why
	recalled bool
}

// showMessages prints what people get, as it comes, and what is recalled, until the context ends.
func (s *stage) showMessages(ctx context.Context, a *app) {
	notices, messages, recalled := 0, 0, map[string]bool{}
	for moves, err := s.ding.WaitMessages(ctx, 0); err == nil; moves, err = s.ding.WaitMessages(ctx, moves) {
		byNotice, others := s.notices(a), s.messages(a)
		for _, m := range slices.Concat(byNotice[notices:], others[messages:]) {
			s.showMessage(a, m)
		}
		notices, messages = len(byNotice), len(others)
		for _, m := range slices.Concat(byNotice, others) {
			if key := m.kind + m.id; m.recalled && !recalled[key] {
				recalled[key] = true
				a.tell(txtSandboxRecall, wordsOf(m.content))
			}
		}
	}
}

// notices are the work notices that were sent.
func (s *stage) notices(a *app) (out []sending) {
	for _, n := range s.ding.Notices() {
		m := sending{
			kind: dingtalktest.ByNotice, id: strconv.FormatInt(n.TaskID, 10), content: n.Msg, got: n.Delivered, recalled: n.Recalled,
			missed: map[string]string{},
		}
		maps.Copy(m.missed, n.Forbidden)
		for _, u := range n.Invalid {
			m.missed[u] = a.say(txtSandboxUnknown)
		}
		for _, u := range n.Failed {
			m.missed[u] = a.say(txtSandboxUnable)
		}
		out = append(out, m)
	}
	return out
}

// messages are the messages that were sent by other ways.
func (s *stage) messages(a *app) (out []sending) {
	for _, sent := range s.ding.Messages() {
		m := sending{
			kind: sent.Kind, id: sent.ID, content: sent.Content, group: sent.Conversation != "", got: sent.Delivered, recalled: sent.Recalled,
			missed: map[string]string{},
		}
		for _, u := range sent.Invalid {
			m.missed[u] = a.say(txtSandboxUnknown)
		}
		for _, u := range sent.Throttled {
			m.missed[u] = a.say(txtSandboxMany)
		}
		out = append(out, m)
	}
	return out
}

// mostShown is how many people of a message are named.
const mostShown = 10

func (s *stage) showMessage(a *app, m sending) {
	to := a.say(txtSandboxInGroup, len(m.got))
	if !m.group {
		names := make([]string, 0, mostShown)
		for _, u := range m.got[:min(len(m.got), mostShown)] {
			names = append(names, s.nameOf(u))
		}
		to = strings.Join(names, ", ")
		if more := len(m.got) - mostShown; more > 0 {
			to = a.say(txtSandboxMore, to, more)
		}
	}
	if m.group || len(m.got) > 0 {
		a.tell(txtSandboxMessage, time.Now().Format(time.TimeOnly), m.kind, to, wordsOf(m.content))
	}
	for _, u := range sortedKeys(m.missed) {
		a.tell(txtSandboxMissed, s.nameOf(u), m.missed[u])
	}
}

// nameOf is a member as a person knows him.
func (s *stage) nameOf(userid string) string {
	if u, ok := s.ding.User(userid); ok {
		return u.Name + " (" + userid + ")"
	}
	return userid
}

// wordsOf are the texts of a message, on one line.
func wordsOf(content json.RawMessage) string {
	var parsed any
	if json.Unmarshal(content, &parsed) != nil {
		return oneLine(string(content))
	}
	var words []string
	var collect func(name string, v any)
	collect = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range sortedKeys(v) {
				collect(key, v[key])
			}
		case []any:
			for _, x := range v {
				collect(name, x)
			}
		case string:
			var param any
			switch {
			case name == "msgtype" || name == "msgKey": // how it looks, not what it says
			case name == "msgParam" && json.Unmarshal([]byte(v), &param) == nil:
				collect("", param)
			default:
				words = append(words, v)
			}
		}
	}
	collect("", parsed)
	return oneLine(strings.Join(words, " | "))
}
