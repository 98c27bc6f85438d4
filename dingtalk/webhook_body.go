package dingtalk

import "strings"

// webhookBody is the body of a call by a webhook (自定义机器人发送群消息).
func webhookBody(api string, message Object) (Object, error) {
	c, err := newContent(api, RobotMessageKind, message, "msgUuid", "at.")
	if err != nil {
		return nil, err
	}
	kind, content, err := webhookContent(c)
	if err != nil {
		return nil, err
	}
	body := Object{"msgtype": kind, kind: content}
	if id, ok := c.given["msgUuid"]; ok {
		body["msgUuid"] = id
	}
	if at := mentions(c.given); at != nil {
		body["at"] = at
		mention(content, at)
	}
	return body, nil
}

// webhookContent is a message as webhooks spell it.
func webhookContent(c content) (kind string, body Object, err error) {
	switch c.group {
	case "text":
		body, err = c.plain([]string{"content"})
		return "text", body, err
	case "markdown":
		body, err = c.plain([]string{"title", "text"})
		return "markdown", body, err
	case "link":
		if body, err = c.plain([]string{"title", "text", "messageUrl"}); err == nil && c.has("picUrl") {
			body["picUrl"] = c.text("picUrl")
		}
		return "link", body, err
	case "feed_card":
		rows, err := c.rows("links", "title", "messageURL", "picURL")
		return "feedCard", Object{"links": rows}, err
	}
	body, err = c.webhookCard()
	return "actionCard", body, err
}

func (c content) webhookCard() (Object, error) {
	body, err := c.renamed([2]string{"title", "title"}, [2]string{"markdown", "text"})
	if err != nil {
		return nil, err
	}
	buttons, err := c.buttons()
	if err != nil {
		return nil, err
	}
	sideBySide, err := c.sideBySide()
	if err != nil {
		return nil, err
	}
	if hide, ok := c.given["action_card.hide_avatar"].(bool); ok && hide {
		body["hideAvatar"] = "1"
	}
	if buttons == nil {
		body["singleTitle"], body["singleURL"] = c.text("single_title"), c.text("single_url")
		return body, nil
	}
	rows := make([]Object, len(buttons))
	for i, b := range buttons {
		rows[i] = Object{"title": b.title, "actionURL": b.url}
	}
	body["btns"], body["btnOrientation"] = rows, orientation(sideBySide)
	return body, nil
}

// mentions is the at of a request, nil for nobody.
func mentions(given Object) Object {
	at := Object{}
	for _, key := range []string{"atUserIds", "atMobiles"} {
		if ids := given.IDs("at." + key); len(ids) > 0 {
			at[key] = ids
		}
	}
	if given.Bool("at.isAtAll") {
		at["isAtAll"] = true
	}
	if len(at) == 0 {
		return nil
	}
	return at
}

// mention writes those who are mentioned into the text where it does not name them: a mention is shown only there.
func mention(content, at Object) {
	field := "text"
	if _, ok := content["content"]; ok {
		field = "content"
	}
	words, ok := content[field].(string)
	if !ok {
		return
	}
	for _, key := range []string{"atUserIds", "atMobiles"} {
		for _, id := range at.IDs(key) {
			if !strings.Contains(words, "@"+id) {
				words += " @" + id
			}
		}
	}
	content[field] = words
}
