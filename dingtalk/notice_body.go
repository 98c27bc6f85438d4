package dingtalk

import (
	"strconv"
	"strings"
)

// defaultHead is the colour of an oa message's head where none is given: the API insists on one.
const defaultHead = "FFBBBBBB"

// headText bounds what an oa message's head takes from its content, in characters.
const headText = 20

// voiceSeconds bounds a voice message, in seconds (消息通知类型).
const voiceSeconds = 60

// noticeMsg is the msg of a work notice or an ordinary message (消息通知类型): the msgtype, and the content under its name.
func noticeMsg(c content) (Object, error) {
	var body Object
	var err error
	switch c.group {
	case "text":
		body, err = c.plain([]string{"content"})
	case "image", "file":
		body, err = c.plain([]string{"media_id"})
	case "voice":
		if body, err = c.plain([]string{"media_id", "duration"}); err == nil {
			err = c.checkVoice()
		}
	case "link":
		body, err = c.plain([]string{"messageUrl", "picUrl", "title", "text"})
	case "markdown":
		body, err = c.plain([]string{"title", "text"})
	case "oa":
		body, err = c.oa()
	case "action_card":
		body, err = c.card()
	}
	if err != nil {
		return nil, err
	}
	return Object{"msgtype": c.group, c.group: body}, nil
}

// plain is the group's fields, all of them texts, of which some are required.
func (c content) plain(required []string) (Object, error) {
	if err := c.require(required...); err != nil {
		return nil, err
	}
	body := Object{}
	for _, name := range required {
		body[name] = c.text(name)
	}
	return body, nil
}

func (c content) checkVoice() error {
	if seconds, err := strconv.Atoi(c.text("duration")); err != nil || seconds < 1 || seconds >= voiceSeconds {
		return refuse(c.api, "voice.duration", "%s is not between 1 and %d seconds", cut(c.text("duration"), 20), voiceSeconds-1)
	}
	return nil
}

func (c content) oa() (Object, error) {
	if err := c.require("message_url"); err != nil {
		return nil, err
	}
	body := Object{}
	for name, v := range c.given {
		if rest, ok := strings.CutPrefix(name, "oa."); ok && rest != "body.form" {
			place(body, strings.Split(rest, "."), text(v))
		}
	}
	if c.has("body.form") {
		rows, err := c.rows("body.form", "key", "value")
		if err != nil {
			return nil, err
		}
		place(body, []string{"body", "form"}, rows)
	}
	if body["body"] == nil {
		return nil, refuse(c.api, "oa.body.title", "required: the message has no body")
	}
	if bar, ok := body["status_bar"].(Object); ok && bar["status_value"] == nil {
		return nil, refuse(c.api, "oa.status_bar.status_value", "required")
	}
	head, _ := body["head"].(Object)
	if head == nil {
		head = Object{}
		body["head"] = head
	}
	if head["bgcolor"] == nil {
		head["bgcolor"] = defaultHead
	}
	if head["text"] == nil {
		head["text"] = or(or(c.text("body.title"), cut(c.text("body.content"), headText)), "OA")
	}
	if !isColour(text(head["bgcolor"])) {
		return nil, refuse(c.api, "oa.head.bgcolor", "8 hexadecimal digits AARRGGBB expected")
	}
	return body, nil
}

func isColour(s string) bool {
	_, err := strconv.ParseUint(s, 16, 32)
	return err == nil && len(s) == 8
}

// place puts a value where the path leads, making the objects on the way.
func place(o Object, path []string, v any) {
	for _, key := range path[:len(path)-1] {
		next, ok := o[key].(Object)
		if !ok {
			next = Object{}
			o[key] = next
		}
		o = next
	}
	o[path[len(path)-1]] = v
}

func (c content) card() (Object, error) {
	body, err := c.plain([]string{"title", "markdown"})
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
	if buttons == nil {
		body["single_title"], body["single_url"] = c.text("single_title"), c.text("single_url")
		return body, nil
	}
	rows := make([]Object, len(buttons))
	for i, b := range buttons {
		rows[i] = Object{"title": b.title, "action_url": b.url}
	}
	body["btn_json_list"], body["btn_orientation"] = rows, orientation(sideBySide)
	return body, nil
}

func orientation(sideBySide bool) string {
	if sideBySide {
		return "1"
	}
	return "0"
}
