package dingtalk

import (
	"context"
	"strings"
	"unicode/utf8"
)

const pathConversationSend = "/message/send_to_conversation"

// ConversationCharacters bounds an ordinary message, in characters of JSON (41101).
const ConversationCharacters = 4096

// ConversationService holds the call about ordinary messages (普通消息), which belongs to DingTalk's history: only apps that were granted
// it before 2022-09-23 may still make it. It counts against the monthly quota.
type ConversationService struct{ c *Client }

// Send writes into a conversation that a person picked on a page of the app, in his name (发送普通消息), from the fields of
// ConversationMessageKind. Reached of the result names who is in the conversation; a cid serves for one message, so that a repetition
// after an Ambiguous failure tells nobody twice.
func (s *ConversationService) Send(ctx context.Context, message Object) (SendResult, error) {
	const api = pathConversationSend
	c, err := newContent(api, ConversationMessageKind, message, "cid", "sender")
	if err != nil {
		return SendResult{}, err
	}
	msg, err := noticeMsg(c)
	if err != nil {
		return SendResult{}, err
	}
	raw, err := marshal(msg)
	if err != nil {
		return SendResult{}, refuse(api, c.longest(), "not representable in JSON")
	}
	if err := c.fit(utf8.RuneCount(raw), ConversationCharacters, "characters"); err != nil {
		return SendResult{}, err
	}
	answer, err := s.c.write(ctx, api, Object{"cid": c.given["cid"], "sender": c.given["sender"], "msg": msg})
	if err != nil {
		return SendResult{}, mediaField(err, c)
	}
	return SendResult{ID: message.Text("cid"), Reached: idList(strings.ReplaceAll(answer.Text("receiver"), "|", ","))}, nil
}
