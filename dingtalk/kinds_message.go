package dingtalk

import "slices"

// The kinds of messages. What a message is (its msgtype, its msgKey) follows from the fields that are given: those of one group, the
// part of the name before the first dot. The same thing has the same name in every kind, the work notice's, whatever the robots' APIs
// call it, so that one set of fields can be sent by several ways. Lengths are in characters; the limits of whole messages, which are in
// bytes, are constants of their services. Whom a message is for is no field, except for a group: creations take people separately.
//
// Sources: 消息通知类型, 发送工作通知, 更新工作通知状态栏; 批量发送人与机器人会话中机器人消息, 机器人发送群聊消息;
// 自定义机器人发送群消息; 发送DING消息; 发送普通消息.
var (
	textRows = []Field{
		{Name: "text.content", Type: Text, Create: true}, // of a work notice at most 500 characters are advised
	}
	markdownRows = []Field{
		{Name: "markdown.title", Type: Text, Create: true}, // what the list of conversations shows
		{Name: "markdown.text", Type: Text, Create: true, MaxLen: 5000, Markdown: true},
	}
	linkRows = []Field{
		{Name: "link.title", Type: Text, Create: true}, // at most 100 characters are advised
		{Name: "link.text", Type: Text, Create: true},  // at most 500 characters are advised
		{Name: "link.messageUrl", Type: Text, Create: true},
		{Name: "link.picUrl", Type: Text, Create: true}, // an address or a media id
	}
	// One button over the whole width (single_…), or several.
	cardRows = []Field{
		{Name: "action_card.title", Type: Text, Create: true},
		{Name: "action_card.markdown", Type: Text, Create: true, Markdown: true},
		{Name: "action_card.single_title", Type: Text, Create: true, MaxLen: 20},
		{Name: "action_card.single_url", Type: Text, Create: true, MaxLen: 500},
		{Name: "action_card.btn_orientation", Type: Text, Create: true}, // 0 below each other (default), 1 side by side
		// Objects of title (at most 20 characters) and action_url (at most 700).
		{Name: "action_card.btn_json_list", Type: JSON, Create: true},
	}
	imageRows = []Field{
		{Name: "image.media_id", Type: Text, Create: true}, // 600×400 advised; to a robot also an address
	}
	voiceRows = []Field{
		{Name: "voice.media_id", Type: Text, Create: true},
		{Name: "voice.duration", Type: Integer, Create: true}, // seconds, below 60
	}
	fileRows = []Field{
		{Name: "file.media_id", Type: Text, Create: true}, // in a work notice at most 10 MB
	}
	oaRows = []Field{
		{Name: "oa.message_url", Type: Text, Create: true},
		{Name: "oa.pc_message_url", Type: Text, Create: true},
		{Name: "oa.head.bgcolor", Type: Text, Create: true}, // AARRGGBB, default FFBBBBBB
		{Name: "oa.head.text", Type: Text, Create: true},    // a work notice shows the app's name instead
		{Name: "oa.body.title", Type: Text, Create: true},   // at most 50 characters are advised
		{Name: "oa.body.form", Type: JSON, Create: true},    // objects of key and value; 6 are shown
		{Name: "oa.body.rich.num", Type: Text, Create: true},
		{Name: "oa.body.rich.unit", Type: Text, Create: true},
		{Name: "oa.body.content", Type: Text, Create: true}, // 3 lines are shown
		{Name: "oa.body.image", Type: Text, Create: true},   // a media id
		{Name: "oa.body.file_count", Type: Integer, Create: true},
		{Name: "oa.body.author", Type: Text, Create: true},
	}
	// The media of robots, which say more of them than work notices do.
	robotMediaRows = []Field{
		{Name: "file.name", Type: Text, Create: true},
		{Name: "file.type", Type: Text, Create: true}, // xlsx, pdf, zip, rar, doc, docx; default: how the name ends
		{Name: "video.media_id", Type: Text, Create: true},
		{Name: "video.pic_media_id", Type: Text, Create: true}, // of the picture before it plays
		{Name: "video.duration", Type: Integer, Create: true},  // seconds
		{Name: "video.type", Type: Text, Create: true},         // mp4 (default)
		{Name: "video.height", Type: Integer, Create: true},    // pixels
		{Name: "video.width", Type: Integer, Create: true},     // pixels
	}
	notedRows = slices.Concat(textRows, imageRows, voiceRows, fileRows, linkRows, oaRows, markdownRows, cardRows)
	robotRows = slices.Concat(textRows, markdownRows, imageRows, linkRows, cardRows, voiceRows, fileRows, robotMediaRows)
)

// WorkNoticeKind is the field table of a work notice (工作通知). An update changes the status bar of one that was sent with a bar, for 7
// days; a deletion recalls it, for 24 hours.
var WorkNoticeKind = Kind{
	Name: "work_notice", IDField: "task_id", Message: true, Addressed: true, Results: true,
	Create: true, Update: true, Delete: true,
	Fields: slices.Concat([]Field{
		{Name: "task_id", Type: ID, Unique: true, Numeric: true},
		// Ids of people in the text are shown as their names (known to the official Java SDK only).
		{Name: "enable_id_trans", Type: Boolean, Create: true},
	}, notedRows, []Field{
		// Only to at most 5 people who are named one by one.
		{Name: "oa.status_bar.status_value", Type: Text, Create: true, Update: true},
		{Name: "oa.status_bar.status_bg", Type: Text, Create: true, Update: true}, // 0xAARRGGBB
	}),
}

// PersonMessageKind is the field table of a message of the enterprise robot (企业机器人) to persons, each in the conversation he has
// with it. A deletion recalls it, for 24 hours.
var PersonMessageKind = Kind{
	Name: "person_message", IDField: "processQueryKey", Message: true, Addressed: true,
	Create: true, Delete: true,
	Fields: slices.Concat([]Field{{Name: "processQueryKey", Type: ID, Unique: true}}, robotRows),
}

// GroupMessageKind is the field table of a message of the enterprise robot to a group that it is a member of. A deletion recalls it.
var GroupMessageKind = Kind{
	Name: "group_message", IDField: "processQueryKey", Message: true,
	Create: true, Delete: true,
	Fields: slices.Concat([]Field{
		{Name: "processQueryKey", Type: ID, Unique: true},
		{Name: "openConversationId", Type: ID, Create: true, Required: true, Ref: "group", RefBy: "openConversationId"},
		{Name: "coolAppCode", Type: Text, Create: true}, // where the robot came into the group with a cool app (酷应用)
	}, robotRows),
}

// RobotMessageKind is the field table of a message by the webhook of a group's own robot (自定义机器人). DingTalk takes a msgUuid once:
// a repetition with the same one is no second message.
var RobotMessageKind = Kind{
	Name: "robot_message", IDField: "msgUuid", Key: "msgUuid", Message: true,
	Create: true,
	Fields: slices.Concat([]Field{
		{Name: "msgUuid", Type: ID, Create: true, Unique: true},
		{Name: "at.atUserIds", Type: IDList, Create: true, MaxLen: 50, Ref: "user"},
		{Name: "at.atMobiles", Type: IDList, Create: true},
		{Name: "at.isAtAll", Type: Boolean, Create: true},
		// Objects of title, messageURL and picURL.
		{Name: "feed_card.links", Type: JSON, Create: true},
		{Name: "action_card.hide_avatar", Type: Boolean, Create: true},
	}, textRows, linkRows, markdownRows, cardRows),
}

// DingKind is the field table of a DING, which insists: in the app, by SMS or by telephone. A deletion recalls it.
var DingKind = Kind{
	Name: "ding", IDField: "openDingId", Message: true, Addressed: true,
	Create: true, Delete: true,
	Fields: []Field{
		{Name: "openDingId", Type: ID, Unique: true},
		{Name: "content", Type: Text, Create: true, Required: true},
		{Name: "remindType", Type: Integer, Create: true}, // 1 in the app (default), 2 SMS, 3 telephone
		{Name: "callVoice", Type: Text, Create: true},     // of a telephone call
	},
}

// ConversationMessageKind is the field table of an ordinary message (普通消息) into a conversation that a person picked on a page of the
// app. It belongs to DingTalk's history: no new app is granted it.
var ConversationMessageKind = Kind{
	Name: "conversation_message", IDField: "cid", Key: "cid", Message: true,
	Create: true,
	Fields: slices.Concat([]Field{
		// What picking the conversation gave: for one message, within 24 hours.
		{Name: "cid", Type: ID, Create: true, Required: true, Unique: true},
		{Name: "sender", Type: ID, Create: true, Required: true, Ref: "user"},
	}, notedRows),
}
