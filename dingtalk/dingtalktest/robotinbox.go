package dingtalktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// topicRobot is the Stream topic of what people say to the robot.
const topicRobot = "/v1.0/im/bot/messages/get"

// Said is something that somebody said to the robot.
type Said struct {
	MsgID, UserID string
	Conversation  string // openConversationId; "" when said to the robot alone
	Text          string
	DownloadCode  string // of a file
	At            time.Time
	Sends         int  // times it was sent
	Answered      bool // the app has taken it

	payload json.RawMessage
}

// SayToRobot lets a person say something to the app's robot, in a group by the robot's name or, with an empty conversation, alone with it.
// It is sent as Knobs.RobotByHTTP says, or to a Stream client that subscribed to the topic. DingTalk does not send it again, but
// Knobs.Duplicate may send it twice at once and Knobs.Lose may lose it. The error says who or what does not exist.
func (s *Server) SayToRobot(userid, openConversationID, text string) (msgID string, err error) {
	return s.say(&Said{UserID: userid, Conversation: openConversationID, Text: text}, map[string]any{
		"msgtype": "text", "text": map[string]any{"content": text},
	})
}

// SendFileToRobot lets a person send a file to the robot, alone with it; the API gives a link to it by its downloadCode.
func (s *Server) SendFileToRobot(userid, fileName string) (msgID string, err error) {
	code := strings.ToLower(randomText(20))
	return s.say(&Said{UserID: userid, DownloadCode: code}, map[string]any{
		"msgtype": "file", "content": map[string]any{"downloadCode": code, "fileName": fileName},
	})
}

func (s *Server) say(said *Said, content map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.dir.users[said.UserID]
	if p == nil {
		return "", errors.New("nobody has this userid")
	}
	group := s.conversation(said.Conversation)
	if said.Conversation != "" && (group == nil || group.Disbanded || group.NoRobot || !slices.Contains(group.Members, said.UserID)) {
		return "", errors.New("no such group with this person and the robot in it")
	}
	s.messages.seq++
	said.At, said.MsgID = s.now(), fmt.Sprintf("msg%s%08d", s.events.run, s.messages.seq)
	payload, err := json.Marshal(s.robotPayload(said, p, group, content))
	if err != nil {
		return "", fmt.Errorf("message to the robot: %w", err)
	}
	said.payload = payload
	s.messages.inbox = append(s.messages.inbox, said)
	if s.dice.Float64() < s.knobs.Lose {
		return said.MsgID, nil
	}
	sends := 1
	if s.dice.Float64() < s.knobs.Duplicate {
		sends = 2
	}
	for range sends {
		s.tellRobot(said)
	}
	return said.MsgID, nil
}

// robotPayload is a message to the robot as the app gets it (接收消息).
func (s *Server) robotPayload(said *Said, p *person, group *Group, content map[string]any) map[string]any {
	key := strings.ToLower(randomText(20))
	put(&s.messages.sessions, key, session{conversation: said.Conversation, userid: said.UserID, end: said.At.Add(sessionLifetime)})
	out := map[string]any{
		"msgId": said.MsgID, "createAt": said.At.UnixMilli(), "conversationType": "1", "conversationId": "cid" + said.UserID + "+robot=",
		"chatbotCorpId": s.corpID, "chatbotUserId": "$:LWCP_v1:$robot", "senderId": "$:LWCP_v1:$" + said.UserID, "senderNick": p.Name,
		"senderCorpId": s.corpID, "senderStaffId": said.UserID, "isAdmin": p.AdminLevel > 0, "senderUnionId": p.UnionID, "robotCode": s.appKey,
		"sessionWebhook":            s.url + "/robot/sendBySession?session=" + key,
		"sessionWebhookExpiredTime": said.At.Add(sessionLifetime).UnixMilli(),
	}
	if group != nil {
		out["conversationType"], out["conversationId"], out["conversationTitle"] = "2", group.OpenConversationID, group.Name
		out["isInAtList"], out["atUsers"] = true, []any{map[string]any{"dingtalkId": "$:LWCP_v1:$robot"}}
	}
	for key, v := range content {
		out[key] = v
	}
	return out
}

// tellRobot sends a message to the app once; it counts against the quota of pushes.
func (s *Server) tellRobot(said *Said) {
	payload := said.payload
	if !s.chargePush(s.now()) {
		if text, err := json.Marshal(quotaBody()); err == nil {
			payload = text
		}
	}
	if address := s.knobs.RobotByHTTP; address != "" {
		said.Sends++
		s.lane.after(0, func() { s.postToRobot(address, said, payload) })
		return
	}
	conns := slices.DeleteFunc(s.streams.live(), func(c *streamConn) bool { return !c.topics[topicRobot] })
	if len(conns) == 0 {
		return
	}
	if messageID, err := s.pushCallback(conns[s.dice.IntN(len(conns))], topicRobot, string(payload)); err == nil {
		said.Sends++
		put(&s.messages.frames, messageID, said)
	}
}

// postToRobot sends a message by HTTP, signed with the app's secret.
func (s *Server) postToRobot(address string, said *Said, payload []byte) {
	s.mu.Lock()
	timeout, timestamp := s.knobs.PushTimeout, millis(s.now())
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return // the address is no URL: nobody is told, as with an address that nobody listens on
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("timestamp", timestamp)
	req.Header.Set("sign", signRobot(timestamp, s.appSecret))
	resp, err := s.pusher.Do(req)
	if err != nil {
		return // DingTalk does not try again
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil || resp.StatusCode != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	said.Answered = true
	s.bump()
}

// answerRobot notes the answer to a frame with a message to the robot; false means that the frame was none.
func (s *Server) answerRobot(messageID string, code int) bool {
	said := s.messages.frames[messageID]
	if said == nil {
		return false
	}
	delete(s.messages.frames, messageID)
	said.Answered = said.Answered || code == http.StatusOK
	s.bump()
	return true
}

// RobotInbox returns what was said to the robot, oldest first.
func (s *Server) RobotInbox() []Said {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Said, len(s.messages.inbox))
	for i, said := range s.messages.inbox {
		out[i] = *said
	}
	return out
}

// WaitAnswered waits until the app has taken what was said to the robot.
func (s *Server) WaitAnswered(ctx context.Context, msgID string) error {
	err := s.waitFor(ctx, func() bool {
		return slices.ContainsFunc(s.messages.inbox, func(said *Said) bool { return said.MsgID == msgID && said.Answered })
	})
	if err != nil {
		return fmt.Errorf("wait for the answer to %s: %w", msgID, err)
	}
	return nil
}
