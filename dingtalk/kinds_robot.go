package dingtalk

import "strings"

// RobotInboxKind is the field table of what people say to the enterprise robot (接收消息). DingTalk pushes it once and shows it nowhere
// again: what was pushed is the object.
var RobotInboxKind = Kind{
	Name: "robot_inbox", IDField: "msgId",
	Payload: true, Events: []string{TopicRobot},
	Fields: []Field{
		{Name: "msgId", Type: ID, Get: true, Unique: true},
		{Name: "createAt", Type: InstantMS, Get: true},
		{Name: "msgtype", Type: Text, Get: true}, // text, richText, picture, audio, video, file
		// What was said, with a word in brackets for what is no text, as DingTalk's own lists of conversations have it.
		{Name: "text", Type: Text, Get: true},
		{Name: "downloadCode", Type: Text, Get: true}, // of a picture or file: RobotService.FileURL
		{Name: "fileName", Type: Text, Get: true},

		{Name: "group", Type: Boolean, Get: true}, // said in a group, to the robot by its name; else to the robot alone
		{Name: "conversationId", Type: ID, Get: true, Ref: "group", RefBy: "openConversationId"},
		{Name: "conversationTitle", Type: Text, Get: true},

		{Name: "senderStaffId", Type: ID, Get: true, Ref: "user"}, // absent: of another corp
		{Name: "senderUnionId", Type: ID, Get: true, Ref: "user", RefBy: "unionid"},
		{Name: "senderNick", Type: Text, Get: true},
		{Name: "isAdmin", Type: Boolean, Get: true},
	},
}

// Object returns the message as an object of RobotInboxKind.
func (m RobotMessage) Object() Object {
	o := Object{
		"msgId": m.ID, "msgtype": m.Type, "text": m.words(), "group": m.Group, "conversationId": m.ConversationID, "isAdmin": m.SenderIsAdmin,
	}
	if !m.At.IsZero() {
		o["createAt"] = m.At.UnixMilli()
	}
	for name, v := range map[string]string{
		"downloadCode": m.DownloadCode, "fileName": m.FileName, "conversationTitle": m.ConversationTitle,
		"senderStaffId": m.SenderID, "senderUnionId": m.SenderUnionID, "senderNick": m.SenderName,
	} {
		if v != "" {
			o[name] = v
		}
	}
	return o
}

// words are what was said.
func (m RobotMessage) words() string {
	switch m.Type {
	case "picture":
		return "[图片]"
	case "video":
		return "[视频]"
	case "file":
		return strings.TrimSpace("[文件] " + m.FileName)
	case "audio":
		return strings.TrimSpace("[语音] " + m.Text)
	case "richText":
		var b strings.Builder
		for _, piece := range m.RichText {
			if piece.Text("type") == "picture" || piece.Text("downloadCode") != "" {
				b.WriteString("[图片]")
				continue
			}
			b.WriteString(piece.Text("text"))
		}
		return strings.TrimSpace(b.String())
	}
	return strings.TrimSpace(m.Text)
}
