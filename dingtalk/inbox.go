package dingtalk

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// TopicRobot is the Stream topic of what people say to the robot; see StreamConfig.Topics.
const TopicRobot = "/v1.0/im/bot/messages/get"

// robotClock is how far the timestamp of a signed HTTP message may be off (接收消息).
const robotClock = time.Hour

// RobotMessage is what somebody said to the robot (接收消息). Repetitions are told apart by ID.
type RobotMessage struct {
	ID           string // msgId
	At           time.Time
	Type         string // text, picture, audio, video, file, richText
	Text         string // of a text, or recognised in an audio
	DownloadCode string // of a picture, audio, video or file: RobotService.FileURL
	FileName     string
	RichText     []Object // the pieces of a rich text, as they came

	Group             bool // said in a group, to the robot by its name
	ConversationID    string
	ConversationTitle string
	CorpID, RobotCode string
	SenderID          string // userid; "" for somebody of no corp of ours
	SenderUnionID     string
	SenderName        string
	SenderIsAdmin     bool
	Mentioned         []string // userids, the robot's own place in the text apart

	SessionEnds    time.Time // until then WebhookService.Reply answers in the conversation
	sessionWebhook string    // whoever knows it can write there
}

// String says which message it is, and nothing of its content.
func (m RobotMessage) String() string { return "robot message " + m.ID }

// GoString is String, so that no format shows the address to answer to.
func (m RobotMessage) GoString() string { return m.String() }

// ParseRobotMessage reads the payload of a message to the robot: the Data of a Stream's event of type TopicRobot, or the body of an HTTP
// message. It fails with ErrEvent if that is none, or exceeds MaxEvent.
func ParseRobotMessage(payload []byte) (RobotMessage, error) {
	if len(payload) > MaxEvent {
		return RobotMessage{}, fmt.Errorf("%w: longer than %d bytes", ErrEvent, MaxEvent)
	}
	data, err := decodeObject(payload)
	if err != nil {
		return RobotMessage{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	m := RobotMessage{
		ID: data.Text("msgId"), At: milliseconds(data.Text("createAt")), Type: data.Text("msgtype"),
		Group: data.Text("conversationType") == "2", ConversationID: data.Text("conversationId"),
		ConversationTitle: data.Text("conversationTitle"), CorpID: data.Text("chatbotCorpId"), RobotCode: data.Text("robotCode"),
		SenderID: data.Text("senderStaffId"), SenderUnionID: data.Text("senderUnionId"), SenderName: data.Text("senderNick"),
		SenderIsAdmin: data.Bool("isAdmin"),
		SessionEnds:   milliseconds(data.Text("sessionWebhookExpiredTime")), sessionWebhook: data.Text("sessionWebhook"),
	}
	if m.ID == "" || m.Type == "" || m.ConversationID == "" {
		return RobotMessage{}, fmt.Errorf("%w: no msgId, msgtype or conversationId", ErrEvent)
	}
	content := data.object("content")
	m.Text = or(data.object("text").Text("content"), content.Text("recognition"))
	m.DownloadCode, m.FileName = content.Text("downloadCode"), content.Text("fileName")
	m.RichText = content.Rows("richText")
	for _, row := range data.Rows("atUsers") {
		if id := row.Text("staffId"); id != "" {
			m.Mentioned = append(m.Mentioned, id)
		}
	}
	return m, nil
}

// ErrRobotSignature is the error of an HTTP message to the robot that DingTalk did not sign for this app, or too long ago.
var ErrRobotSignature = errors.New("dingtalk: the message to the robot is not signed as it should be")

// CheckRobotRequest checks the headers timestamp (Unix milliseconds) and sign of an HTTP message to the robot against the app's secret.
func (c *Client) CheckRobotRequest(timestamp, sign string) error {
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !hmac.Equal([]byte(robotSign(timestamp, c.cfg.AppSecret)), []byte(sign)) {
		return ErrRobotSignature
	}
	if off := c.cfg.Now().Sub(time.UnixMilli(ms)).Abs(); off > robotClock {
		return ErrRobotSignature
	}
	return nil
}

// WithoutSession is the payload of a message to the robot without the address to answer to, at which whoever knows it can write: it is not
// kept. What is no such payload is returned as it is.
func WithoutSession(payload []byte) []byte {
	data, err := decodeObject(payload)
	if err != nil {
		return payload
	}
	if _, has := data["sessionWebhook"]; !has {
		return payload
	}
	delete(data, "sessionWebhook")
	raw, err := marshal(data)
	if err != nil {
		return payload
	}
	return raw
}
