package dingtalk

import (
	"fmt"
	"slices"
	"strconv"
)

// RobotParamBytes bounds a robot's msgParam, in bytes of JSON (机器人发送群聊消息).
const RobotParamBytes = 15000

// The most buttons of a robot's action card below each other, and the number of them side by side (sampleActionCard2…5, 6).
const (
	robotButtons     = 5
	robotButtonsWide = 2
)

// robotFileTypes are what a robot's file may be (sampleFile).
var robotFileTypes = []string{"xlsx", "pdf", "zip", "rar", "doc", "docx"}

// robotTemplate is the template a robot's message is sent by, msgKey, and its msgParam, in which all values are texts
// (消息模板: sampleText … sampleVideo).
func robotTemplate(c content) (key string, param Object, err error) {
	switch c.group {
	case "text":
		param, err = c.renamed([2]string{"content", "content"})
		return "sampleText", param, err
	case "markdown":
		param, err = c.renamed([2]string{"title", "title"}, [2]string{"text", "text"})
		return "sampleMarkdown", param, err
	case "image":
		param, err = c.renamed([2]string{"media_id", "photoURL"})
		return "sampleImageMsg", param, err
	case "link":
		param, err = c.renamed([2]string{"title", "title"}, [2]string{"text", "text"}, [2]string{"picUrl", "picUrl"}, [2]string{"messageUrl", "messageUrl"})
		return "sampleLink", param, err
	case "voice":
		param, err = c.robotAudio()
		return "sampleAudio", param, err
	case "file":
		param, err = c.robotFile()
		return "sampleFile", param, err
	case "video":
		param, err = c.robotVideo()
		return "sampleVideo", param, err
	}
	return c.robotCard()
}

// renamed takes required fields of the group under their names in the robot's template.
func (c content) renamed(pairs ...[2]string) (Object, error) {
	param := Object{}
	for _, pair := range pairs {
		if err := c.require(pair[0]); err != nil {
			return nil, err
		}
		param[pair[1]] = c.text(pair[0])
	}
	return param, nil
}

func (c content) robotAudio() (Object, error) {
	param, err := c.renamed([2]string{"media_id", "mediaId"}, [2]string{"duration", "duration"})
	if err != nil {
		return nil, err
	}
	if err := c.checkVoice(); err != nil {
		return nil, err
	}
	param["duration"] = c.text("duration") + "000" // the template counts milliseconds
	return param, nil
}

func (c content) robotFile() (Object, error) {
	param, err := c.renamed([2]string{"media_id", "mediaId"}, [2]string{"name", "fileName"})
	if err != nil {
		return nil, err
	}
	kind := or(c.text("type"), ending(c.text("name")))
	if !slices.Contains(robotFileTypes, kind) {
		return nil, refuse(c.api, "file.type", "%q is none of %v", cut(kind, 20), robotFileTypes)
	}
	param["fileType"] = kind
	return param, nil
}

func (c content) robotVideo() (Object, error) {
	param, err := c.renamed([2]string{"media_id", "videoMediaId"}, [2]string{"pic_media_id", "picMediaId"}, [2]string{"duration", "duration"})
	if err != nil {
		return nil, err
	}
	param["videoType"] = or(c.text("type"), "mp4")
	for _, name := range []string{"height", "width"} {
		if c.has(name) {
			param[name] = c.text(name)
		}
	}
	return param, nil
}

// robotCard picks the template of an action card by the number and the orientation of its buttons.
func (c content) robotCard() (key string, param Object, err error) {
	if param, err = c.renamed([2]string{"title", "title"}, [2]string{"markdown", "text"}); err != nil {
		return "", nil, err
	}
	buttons, err := c.buttons()
	if err != nil {
		return "", nil, err
	}
	sideBySide, err := c.sideBySide()
	if err != nil {
		return "", nil, err
	}
	const field = "action_card.btn_json_list"
	title, address := "actionTitle", "actionURL"
	switch n := len(buttons); {
	case n == 0:
		buttons = []button{{c.text("single_title"), c.text("single_url")}}
		fallthrough
	case n == 1:
		param["singleTitle"], param["singleURL"] = buttons[0].title, buttons[0].url
		return "sampleActionCard", param, nil
	case sideBySide && n != robotButtonsWide:
		return "", nil, refuse(c.api, field, "%d buttons side by side, a robot's card has %d", n, robotButtonsWide)
	case sideBySide:
		key, title, address = "sampleActionCard6", "buttonTitle", "buttonUrl"
	case n > robotButtons:
		return "", nil, exceeds(c.api, field, n, robotButtons, fmt.Sprintf("%d buttons", n))
	default:
		key = "sampleActionCard" + strconv.Itoa(n)
	}
	for i, b := range buttons {
		param[title+strconv.Itoa(i+1)], param[address+strconv.Itoa(i+1)] = b.title, b.url
	}
	return key, param, nil
}
