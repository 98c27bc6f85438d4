package dingtalk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxEvent bounds the size of one event, however it arrives, in bytes.
const MaxEvent = 1 << 20

// maxName bounds an event's ID and Type, in bytes: they become keys, labels and parts of log lines.
const maxName = 128

// Event is one event, whichever way it came: a Stream frame, an HTTP callback, or the list of failed pushes. It is a hint to
// look at something again; delivery is at least once and in no order (事件订阅总览).
type Event struct {
	// ID tells repetitions apart: the eventId, or "sha256:" and a hash where there is none, or one of more than 128 bytes.
	ID     string
	Type   string // such as "user_add_org"; for a Stream callback its topic, such as "/v1.0/im/bot/messages/get"; at most 128 bytes
	CorpID string
	Born   time.Time // zero if not told
	// Data is the payload, always a JSON object. Names of keys differ in letter case between the channels: use Lookup.
	Data json.RawMessage
}

// Lookup returns the value of a top-level key of Data, ignoring the case of the key; an exact match goes first. Numbers are
// int64 or float64.
func (e Event) Lookup(key string) (any, bool) {
	data, err := decodeObject(e.Data)
	if err != nil {
		return nil, false
	}
	return lookup(data, key)
}

func lookup(data Object, key string) (any, bool) {
	if v, ok := data[key]; ok {
		return v, true
	}
	names := make([]string, 0, len(data))
	for name := range data {
		if strings.EqualFold(name, key) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, false
	}
	return data[slices.Min(names)], true
}

// UserIDs returns the userids that the event names, each once: userId, userid, staffId (one or a list), userIdList,
// staffIds, and those of the entries of dataList. Operators are not among them.
func (e Event) UserIDs() []string {
	return e.ids("userId", "userIdList", "userIds", "staffId", "staffIds")
}

// DepartmentIDs returns the department ids that the event names, each once.
func (e Event) DepartmentIDs() []string { return e.ids("deptId", "deptIds", "deptIdList") }

// RoleIDs returns the ids of roles and role groups that the event names, each once.
func (e Event) RoleIDs() []string { return e.ids("labelIdList", "labelIds") }

// UnionIDs returns the unionids that an event of the to-dos, the calendar or a group names, each once. Operators are not among them.
func (e Event) UnionIDs() []string { return e.ids("unionIdList", "unionId") }

// TodoIDs returns the ids of to-dos that a todo_task_… event names, each once; other events call other things taskId.
func (e Event) TodoIDs() []string {
	if !strings.HasPrefix(e.Type, "todo_task_") {
		return nil
	}
	return e.ids("taskId")
}

// CalendarEventIDs returns the ids of calendar events that the event names, each once.
func (e Event) CalendarEventIDs() []string { return e.ids("calendarEventId") }

// GroupIDs returns the chatids of groups that the event names, each once. chat_update_owner may come without one: its group is known
// by OpenConversationIDs only.
func (e Event) GroupIDs() []string { return e.ids("chatId") }

// OpenConversationIDs returns the open conversation ids of groups that the event names, each once.
func (e Event) OpenConversationIDs() []string { return e.ids("openConversationId") }

func (e Event) ids(keys ...string) []string {
	data, err := decodeObject(e.Data)
	if err != nil {
		return nil
	}
	var found []string
	seen := map[string]bool{}
	add := func(o Object) {
		for _, key := range keys {
			v, _ := lookup(o, key)
			for _, id := range idList(v) {
				if !seen[id] {
					seen[id] = true
					found = append(found, id)
				}
			}
		}
	}
	add(data)
	if rows, _ := lookup(data, "dataList"); rows != nil {
		for _, row := range list(rows) {
			if o, ok := row.(map[string]any); ok {
				add(o)
			}
		}
	}
	return found
}

// QuotaExceeded reports that the corp's monthly quota of pushes is used up: the event has no content (code 20001,
// 计费模型说明), and what it stood for must be found out by reading.
func (e Event) QuotaExceeded() bool {
	for _, key := range []string{"errCode", "errorCode"} {
		if v, ok := e.Lookup(key); ok && text(v) == "20001" {
			return true
		}
	}
	return false
}

// ErrEvent is the error of a payload that is no event.
var ErrEvent = errors.New("dingtalk: not an event")

// ParseCallback reads the plaintext of an HTTP callback. Data is the whole plaintext. It fails with ErrEvent if that is no JSON
// object, has no type (and is no quota notice), or exceeds MaxEvent.
func ParseCallback(plaintext []byte) (Event, error) {
	if len(plaintext) > MaxEvent {
		return Event{}, fmt.Errorf("%w: longer than %d bytes", ErrEvent, MaxEvent)
	}
	data, err := decodeObject(plaintext)
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	get := func(keys ...string) string {
		for _, key := range keys {
			if v, ok := lookup(data, key); ok && text(v) != "" {
				return text(v)
			}
		}
		return ""
	}
	e := Event{
		ID:     get("eventId"),
		Type:   get("EventType", "eventType"),
		CorpID: get("CorpId", "eventCorpId"),
		Born:   milliseconds(get("EventTime", "eventBornTime", "TimeStamp")),
		Data:   json.RawMessage(bytes.TrimSpace(plaintext)),
	}
	if e.ID == "" {
		e.ID = hashID(plaintext)
	}
	e = e.named()
	if e.Type == "" && !e.QuotaExceeded() {
		return Event{}, fmt.Errorf("%w: no EventType", ErrEvent)
	}
	return e, nil
}

// hashID is the identity of an event that carries none.
func hashID(plaintext []byte) string {
	sum := sha256.Sum256(plaintext)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// named bounds the event's ID and Type.
func (e Event) named() Event {
	if len(e.ID) > maxName {
		e.ID = hashID([]byte(e.ID))
	}
	if len(e.Type) > maxName {
		e.Type = hashID([]byte(e.Type))
	}
	return e
}

// lastMillisecond is the end of the year 2199: no event was born later.
const lastMillisecond = 7_258_118_399_999

// milliseconds reads a Unix time in milliseconds; the zero time if it is none.
func milliseconds(s string) time.Time {
	ms, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || ms <= 0 || ms > lastMillisecond {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
