package dingtalktest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// legacyCharacters bounds a message of the legacy paths (41101).
const legacyCharacters = 4096

// voiceSeconds bounds a voice message.
const voiceSeconds = 60

// msgTexts are the fields of each msgtype that must be there as texts (document 消息通知类型).
var msgTexts = map[string][]string{
	"text": {"content"}, "image": {"media_id"}, "voice": {"media_id", "duration"}, "file": {"media_id"},
	"link": {"messageUrl", "picUrl", "title", "text"}, "markdown": {"title", "text"}, "oa": {"message_url"}, "action_card": {"title", "markdown"},
}

// readMsg reads msg and its text as it is counted.
func (s *Server) readMsg(p params) (map[string]any, json.RawMessage, *Refusal) {
	msg, ok := p.object("msg")
	if !ok {
		return nil, nil, refuse(34014)
	}
	text, err := plainJSON(msg)
	if err != nil {
		return nil, nil, refuse(34014)
	}
	return msg, text, nil
}

// checkMsg refuses a msg that is none of the documented types, or lacks what its type must have.
func (s *Server) checkMsg(msg map[string]any) *Refusal {
	kind := asText(msg["msgtype"])
	body, ok := msg[kind].(map[string]any)
	required, known := msgTexts[kind]
	if !ok || !known {
		return refuse(34004)
	}
	if no := checkTexts(params(body), required...); no != nil {
		return no
	}
	p := params(body)
	switch kind {
	case "image", "file", "voice":
		return s.checkMedia(kind, p)
	case "markdown":
		if utf8.RuneCountInString(p.text("text")) > 5000 {
			return refuse(34016)
		}
	case "oa":
		return s.checkOA(p)
	case "action_card":
		return checkCard(p)
	}
	return nil
}

// checkTexts insists on fields that are texts.
func checkTexts(p params, keys ...string) *Refusal {
	for _, key := range keys {
		if text, ok := p[key].(string); !ok || text == "" {
			return missing(40035, key)
		}
	}
	return nil
}

func (s *Server) checkMedia(kind string, p params) *Refusal {
	m := s.messages.media[p.text("media_id")]
	switch {
	case m == nil || m.Type != kind:
		return missing(40007, "media_id")
	case kind == "file" && m.Size > 10<<20:
		return refuse(40006)
	case kind == "voice":
		if seconds, err := strconv.Atoi(p.text("duration")); err != nil || seconds < 1 || seconds >= voiceSeconds {
			return missing(40035, "duration")
		}
	}
	return nil
}

var (
	colour    = regexp.MustCompile(`^[0-9A-Fa-f]{8}$`)
	barColour = regexp.MustCompile(`^0x[0-9A-Fa-f]{8}$`)
)

func (s *Server) checkOA(p params) *Refusal {
	head, ok := p["head"].(map[string]any)
	if !ok || !colour.MatchString(asText(head["bgcolor"])) || asText(head["text"]) == "" {
		return missing(40035, "head")
	}
	body, ok := p["body"].(map[string]any)
	if !ok {
		return missing(40035, "body")
	}
	if image := asText(body["image"]); strings.HasPrefix(image, "@") && s.messages.media[image] == nil {
		return missing(40007, "image")
	}
	if form, ok := body["form"]; ok {
		rows, ok := params{"form": form}.objects("form")
		if !ok {
			return missing(40035, "form")
		}
		for _, row := range rows {
			if no := checkTexts(row, "key", "value"); no != nil {
				return no
			}
		}
	}
	for _, key := range []string{"file_count", "author", "content", "title"} {
		if v, ok := body[key]; ok {
			if _, text := v.(string); !text {
				return missing(40035, key)
			}
		}
	}
	return checkBar(p)
}

// checkBar looks at the status bar of an oa message.
func checkBar(p params) *Refusal {
	bar, ok := p["status_bar"].(map[string]any)
	if !ok {
		return nil
	}
	if asText(bar["status_value"]) == "" {
		return missing(40035, "status_value")
	}
	if bg := asText(bar["status_bg"]); bg != "" && !barColour.MatchString(bg) {
		return missing(40035, "status_bg")
	}
	return nil
}

// checkCard wants one button over the whole width, or a list of them with an orientation.
func checkCard(p params) *Refusal {
	if !p.has("btn_json_list") {
		if no := checkTexts(p, "single_title", "single_url"); no != nil {
			return no
		}
		if utf8.RuneCountInString(p.text("single_title")) > 20 || utf8.RuneCountInString(p.text("single_url")) > 500 {
			return refuse(34016)
		}
		return nil
	}
	buttons, ok := p.objects("btn_json_list")
	if orientation, _ := p["btn_orientation"].(string); !ok || len(buttons) == 0 || orientation != "0" && orientation != "1" {
		return missing(40035, "btn_json_list")
	}
	for _, b := range buttons {
		if no := checkTexts(b, "title", "action_url"); no != nil {
			return no
		}
		if utf8.RuneCountInString(b.text("title")) > 20 || utf8.RuneCountInString(b.text("action_url")) > 700 {
			return refuse(34016)
		}
	}
	return nil
}
