package dingtalk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// MessageError is the cause (errors.As) of a Reject of a message that was not sent because it is longer, or for more people, than
// DingTalk takes.
type MessageError struct {
	Field string // the field to shorten, by its name in the kind's table; "receivers" for people
	Words string // what is too long, with its size and the limit in their unit
	Size  int
	Limit int
}

// Error is Words.
func (e *MessageError) Error() string { return e.Words }

// exceeds makes the failure of a message that is over a limit.
func exceeds(api, field string, size, limit int, what string) *Error {
	m := &MessageError{Field: field, Size: size, Limit: limit, Words: fmt.Sprintf("%s, at most %d are allowed", what, limit)}
	return &Error{Class: Reject, API: api, Field: field, Message: m.Words, Err: m}
}

// receiversField stands for the people a message is for: they are no field of a kind.
const receiversField = "receivers"

// checkReceivers insists on 1 to most userids.
func checkReceivers(api string, users []string, most int) error {
	if len(users) == 0 {
		return refuse(api, receiversField, "required")
	}
	if len(users) > most {
		return exceeds(api, receiversField, len(users), most, fmt.Sprintf("%d people", len(users)))
	}
	for _, id := range users {
		if err := checkUserID(api, id); err != nil {
			return refuse(api, receiversField, "%q is not an id", cut(id, 40))
		}
	}
	return nil
}

// SendResult is what is known of a message when DingTalk has taken it. Whether it arrived is another question: NoticeService.Result,
// RobotService.ReadBy.
type SendResult struct {
	ID        string              // task_id, processQueryKey or openDingId: what the calls after it want
	Invalid   []string            // userids that nobody has, or that the app may not write to
	Throttled []string            // userids that got nothing because they get too much: flowControlledStaffIdList
	Failed    map[string][]string // userids that got nothing, by the reason in DingTalk's words
	Reached   []string            // userids that got it, where the answer says
}

// toNobody reports that the answer names each of these people among those who got nothing.
func (r SendResult) toNobody(users []string) bool {
	missed := slices.Concat(append(slices.Collect(maps.Values(r.Failed)), r.Invalid, r.Throttled)...)
	return !slices.ContainsFunc(users, func(id string) bool { return !slices.Contains(missed, id) })
}

// sentID insists on the id of a message that was taken; without it nothing is known.
func sentID(api, name string, answer Object) (string, error) {
	id := or(answer.Text(name), answer.object("result").Text(name))
	if id == "" {
		return "", &Error{Class: Retry, Ambiguous: true, API: api, Status: 200, Message: "success without " + name}
	}
	return id, nil
}

// content is a message by the names of its kind's table: the fields of one group, and what stands beside them.
type content struct {
	api   string
	group string // text, markdown, …
	given Object // checked, in wire types; texts that are empty are not there
}

// newContent checks a message against its kind's table. beside are the fields, or beginnings of fields that end in a dot, that
// make no group.
func newContent(api string, k Kind, message Object, beside ...string) (content, error) {
	body, err := k.encodeCreate(api, message)
	if err != nil {
		return content{}, err
	}
	c := content{api: api, given: body}
	first := ""
	for _, name := range sortedKeys(body) {
		if s, ok := body[name].(string); ok {
			body[name] = cleaned(s)
		}
		if body[name] == "" {
			delete(body, name)
			continue
		}
		if isBeside(name, beside) {
			continue
		}
		group, _, _ := strings.Cut(name, ".")
		if c.group == "" {
			c.group, first = group, name
		}
		if group != c.group {
			return content{}, refuse(api, name, "a message has one content, and %s is given too", first)
		}
	}
	if c.group == "" {
		return content{}, refuse(api, "text.content", "required: the message has no content")
	}
	return c, nil
}

// cleaned is a text without what JSON can only write as \uxxxx, which some message paths refuse (40033): control characters fall away,
// the separators of lines and paragraphs become line ends.
func cleaned(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u2028' || r == '\u2029':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t' && r != '\r':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func isBeside(name string, beside []string) bool {
	return slices.ContainsFunc(beside, func(b string) bool {
		return name == b || strings.HasSuffix(b, ".") && strings.HasPrefix(name, b)
	})
}

// require insists on fields of the group.
func (c content) require(names ...string) error {
	for _, name := range names {
		if _, ok := c.given[c.group+"."+name]; !ok {
			return refuse(c.api, c.group+"."+name, "required")
		}
	}
	return nil
}

// text is a field of the group as text.
func (c content) text(name string) string { return text(c.given[c.group+"."+name]) }

func (c content) has(name string) bool {
	_, ok := c.given[c.group+"."+name]
	return ok
}

// rows is a field of the group that holds a list of objects, whichever Go types it was given in. Each must have a text under each
// of the keys.
func (c content) rows(name string, keys ...string) ([]Object, error) {
	field := c.group + "." + name
	raw, err := marshal(c.given[field])
	if err != nil {
		return nil, refuse(c.api, field, "not representable in JSON")
	}
	var rows []Object
	if err := json.Unmarshal(raw, &rows); err != nil || len(rows) == 0 {
		return nil, refuse(c.api, field, "a list of objects of %s expected", strings.Join(keys, ", "))
	}
	for i, row := range rows {
		for _, key := range keys {
			s, ok := row[key].(string)
			if row[key] = cleaned(s); !ok || row[key] == "" {
				return nil, refuse(c.api, field, "the %s of number %d is no text", key, i+1)
			}
		}
	}
	return rows, nil
}

// button is one of several of an action card.
type button struct{ title, url string }

// The limits of the several buttons of an action card, in characters (消息通知类型).
const (
	buttonTitle = 20
	buttonURL   = 700
)

// buttons are those of an action card; none means the one over the whole width, which must be complete then.
func (c content) buttons() ([]button, error) {
	if !c.has("btn_json_list") {
		return nil, c.require("single_title", "single_url")
	}
	const field = "action_card.btn_json_list"
	for _, single := range []string{"single_title", "single_url"} {
		if c.has(single) {
			return nil, refuse(c.api, field, "given together with action_card.%s", single)
		}
	}
	rows, err := c.rows("btn_json_list", "title", "action_url")
	if err != nil {
		return nil, err
	}
	buttons := make([]button, len(rows))
	for i, row := range rows {
		b := button{title: row.Text("title"), url: row.Text("action_url")}
		if n := utf8.RuneCountInString(b.title); n > buttonTitle {
			return nil, exceeds(c.api, field, n, buttonTitle, fmt.Sprintf("%d characters in the title of button %d", n, i+1))
		}
		if n := utf8.RuneCountInString(b.url); n > buttonURL {
			return nil, exceeds(c.api, field, n, buttonURL, fmt.Sprintf("%d characters in the address of button %d", n, i+1))
		}
		buttons[i] = b
	}
	return buttons, nil
}

// sideBySide reads the orientation of an action card's buttons.
func (c content) sideBySide() (bool, error) {
	switch c.text("btn_orientation") {
	case "", "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, refuse(c.api, "action_card.btn_orientation", "0 (below each other) or 1 (side by side) expected")
}

// longest is the field of the group with the most bytes: the one to shorten.
func (c content) longest() string {
	found, most := c.group, -1
	for _, name := range sortedKeys(c.given) {
		if n := len(text(c.given[name])); n > most && strings.HasPrefix(name, c.group+".") {
			found, most = name, n
		}
	}
	return found
}

// fit refuses a message whose encoding is over the limit, both in the unit, naming its longest field.
func (c content) fit(size, limit int, unit string) error {
	if size <= limit {
		return nil
	}
	field := c.longest()
	return exceeds(c.api, field, size, limit, fmt.Sprintf("%d %s of JSON, of which %s is %d bytes", size, unit, field, len(text(c.given[field]))))
}
