package dingtalk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// JoinedLength bounds the text of a message that JoinMessages makes, in characters: that of markdown.text.
const JoinedLength = 5000

// mostMentions is how many userids a message can mention (自定义机器人发送群消息: atUserIds).
const mostMentions = 50

// JoinedMessage is one message by a webhook that says what several would have said.
type JoinedMessage struct {
	Message Object // of RobotMessageKind, without a msgUuid
	Of      []int  // the messages it says, by their places
}

// JoinMessages makes as few messages of RobotMessageKind as possible that say, in their order, all that the given ones say: texts become
// one text, everything else one markdown. What cannot be joined, because it is too long or is no message, is left as it is, alone.
// Mentions are kept, pictures of links and feeds are not: markdown has the links themselves.
func JoinMessages(messages []Object) []JoinedMessage {
	var joined []JoinedMessage
	var open *saying
	for i, m := range messages {
		s, err := sayingOf(m)
		if err == nil && open != nil && open.takes(s) {
			open.add(s)
			last := &joined[len(joined)-1]
			last.Of = append(last.Of, i)
			last.Message = open.message(len(last.Of))
			continue
		}
		open = nil
		if err == nil {
			open = &s
		}
		joined = append(joined, JoinedMessage{Message: m, Of: []int{i}})
	}
	return joined
}

// saying is what a message says, in the terms of a joined one.
type saying struct {
	plain bool   // a text; else markdown
	title string // of markdown
	words string
	at    Object // as mentions has it
}

// sayingOf reads a message; the error is that of sending it.
func sayingOf(message Object) (saying, error) {
	c, err := newContent(pathWebhook, RobotMessageKind, message, "msgUuid", "at.")
	if err != nil {
		return saying{}, err
	}
	kind, body, err := webhookContent(c)
	if err != nil {
		return saying{}, err
	}
	s := saying{plain: kind == "text", title: body.Text("title"), at: mentions(c.given)}
	if s.at != nil {
		mention(body, s.at)
	}
	switch kind {
	case "text":
		s.words = body.Text("content")
	case "link":
		s.words = paragraphs(markdownLink(s.title, body.Text("messageUrl")), body.Text("text"))
	case "feedCard":
		rows, _ := body["links"].([]Object)
		var links []string
		for _, row := range rows {
			links = append(links, markdownLink(row.Text("title"), row.Text("messageURL")))
		}
		s.words, s.title = paragraphs(links...), rows[0].Text("title")
	case "actionCard":
		words := []string{body.Text("text")}
		if single := body.Text("singleURL"); single != "" {
			words = append(words, markdownLink(body.Text("singleTitle"), single))
		}
		buttons, _ := body["btns"].([]Object)
		for _, b := range buttons {
			words = append(words, markdownLink(b.Text("title"), b.Text("actionURL")))
		}
		s.words = paragraphs(words...)
	default:
		s.words = body.Text("text")
	}
	return s, nil
}

func markdownLink(title, address string) string { return "[" + title + "](" + address + ")" }

func paragraphs(texts ...string) string { return strings.Join(texts, "\n\n") }

// joint stands between the messages of a joined markdown.
const joint = "\n\n---\n\n"

// takes says whether another message finds room.
func (s *saying) takes(more saying) bool {
	return s.plain == more.plain && utf8.RuneCountInString(s.words+joint+more.words) <= JoinedLength &&
		len(union(s.at.IDs("atUserIds"), more.at.IDs("atUserIds"))) <= mostMentions
}

func (s *saying) add(more saying) {
	if s.plain {
		s.words += "\n" + more.words
	} else {
		s.words += joint + more.words
	}
	if more.at == nil {
		return
	}
	at := maps.Clone(more.at)
	for _, key := range []string{"atUserIds", "atMobiles"} {
		if ids := union(s.at.IDs(key), more.at.IDs(key)); len(ids) > 0 {
			at[key] = ids
		}
	}
	if s.at.Bool("isAtAll") {
		at["isAtAll"] = true
	}
	s.at = at
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// message is the saying of so many messages as one of RobotMessageKind.
func (s *saying) message(of int) Object {
	m := Object{}
	for key, v := range s.at {
		m["at."+key] = v
	}
	if s.plain {
		m["text.content"] = s.words
		return m
	}
	m["markdown.title"], m["markdown.text"] = fmt.Sprintf("%s (%d)", s.title, of), s.words
	return m
}
