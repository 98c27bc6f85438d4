package dingtalktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Notice is a work notice (工作通知) that was accepted.
type Notice struct {
	TaskID    int64
	At        time.Time
	Msg       json.RawMessage   // the msg object
	Delivered []string          // userids that received it
	Forbidden map[string]string // userids that did not, with the code of forbidden_list, e.g. 143106 same content the same day
	Invalid   []string          // userids that do not exist
	Recalled  bool
}

// The limits of work notices (DingTalk document 发送工作通知).
const (
	noticeUsers    = 100
	noticeDepts    = 20
	noticeBytes    = 2048
	noticesPerDay  = 500
	noticeLifetime = 24 * time.Hour
)

// notices is all about work notices that needs the server's lock.
type notices struct {
	list []*Notice
	sent map[string]bool // person, day, content
	day  map[string]int  // person, day
}

// Notices returns the accepted work notices, oldest first.
func (s *Server) Notices() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Notice, len(s.notices.list))
	for i, n := range s.notices.list {
		out[i] = *n
	}
	return out
}

// sendNotice is /topapi/message/corpconversation/asyncsend_v2 (发送工作通知). Beyond the limits per person it still
// succeeds, and the person receives nothing.
func (s *Server) sendNotice(c *call) (any, *Refusal) {
	if no := s.checkAgent(c); no != nil {
		return nil, no
	}
	users := c.params.texts("userid_list")
	departments, ok := c.params.numbers("dept_id_list")
	if !ok || len(users) > noticeUsers || len(departments) > noticeDepts {
		return nil, refuse(41029)
	}
	everybody, _ := c.params.flag("to_all_user")
	if len(users) == 0 && len(departments) == 0 && !everybody {
		return nil, missing(40035, "userid_list, dept_id_list, to_all_user")
	}
	msg, ok := c.params.object("msg")
	if !ok {
		return nil, refuse(34014)
	}
	kind := asText(msg["msgtype"])
	if _, ok := msg[kind].(map[string]any); kind == "" || !ok {
		return nil, refuse(34004)
	}
	text, err := json.Marshal(msg)
	if err != nil {
		return nil, refuse(34014)
	}
	if len(text) > noticeBytes {
		return nil, refuse(34016)
	}
	if no := s.checkSensitive(string(text)); no != nil {
		return nil, refuse(41049)
	}
	n := &Notice{TaskID: 256271667000 + int64(len(s.notices.list)) + 1, At: c.now, Msg: text, Forbidden: map[string]string{}}
	s.deliverNotice(n, s.receivers(n, users, departments, everybody))
	s.notices.list = append(s.notices.list, n)
	return topLevel{"task_id": n.TaskID}, nil
}

// checkAgent compares agent_id with the app's.
func (s *Server) checkAgent(c *call) *Refusal {
	if id, ok := c.params.number("agent_id"); !ok || id != s.agentID {
		return refuse(40056)
	}
	return nil
}

// receivers lists the people a notice is for, each once; departments include all below them.
func (s *Server) receivers(n *Notice, users []string, departments []int64, everybody bool) []string {
	if everybody {
		departments = append(departments, rootID)
	}
	var out []string
	seen := map[string]bool{}
	add := func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		if p := s.dir.users[id]; p == nil || !s.personInScope(p) {
			n.Invalid = append(n.Invalid, id)
			return
		}
		out = append(out, id)
	}
	for _, id := range users {
		add(id)
	}
	for _, id := range departments {
		for _, dept := range s.dir.subtree(id) {
			for _, m := range s.dir.members[dept] {
				add(m.id)
			}
		}
	}
	return out
}

// deliverNotice hands a notice to each person within the limits of a day.
func (s *Server) deliverNotice(n *Notice, people []string) {
	day := n.At.In(china).Format(time.DateOnly)
	for _, id := range people {
		same := id + " " + day + " " + string(n.Msg)
		switch today := id + " " + day; {
		case s.notices.sent[same]:
			n.Forbidden[id] = "143106"
		case s.notices.day[today] >= noticesPerDay:
			n.Forbidden[id] = "143105"
		default:
			put(&s.notices.sent, same, true)
			put(&s.notices.day, today, s.notices.day[today]+1)
			n.Delivered = append(n.Delivered, id)
			s.applied["work notice to "+id+" "+string(n.Msg)]++
		}
	}
}

// notice finds the task a follow-up call is about; it is known for a day.
func (s *Server) notice(c *call, key string) (*Notice, *Refusal) {
	if no := s.checkAgent(c); no != nil {
		return nil, no
	}
	id, ok := c.params.number(key)
	if !ok {
		return nil, missing(40035, key)
	}
	at := slices.IndexFunc(s.notices.list, func(n *Notice) bool { return n.TaskID == id })
	if at < 0 || c.now.Sub(s.notices.list[at].At) > noticeLifetime {
		return nil, missing(400002, key)
	}
	return s.notices.list[at], nil
}

// noticeProgress is /topapi/message/corpconversation/getsendprogress.
func (s *Server) noticeProgress(c *call) (any, *Refusal) {
	if _, no := s.notice(c, "task_id"); no != nil {
		return nil, no
	}
	return topLevel{"progress": map[string]any{"progress_in_percent": 100, "status": 2}}, nil
}

// noticeResult is /topapi/message/corpconversation/getsendresult.
func (s *Server) noticeResult(c *call) (any, *Refusal) {
	n, no := s.notice(c, "task_id")
	if no != nil {
		return nil, no
	}
	forbidden := []any{}
	ids := []string{}
	for id := range n.Forbidden {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		forbidden = append(forbidden, map[string]any{"code": n.Forbidden[id], "count": 1, "userid": id})
	}
	return topLevel{"send_result": map[string]any{
		"invalid_user_id_list": nonNil(n.Invalid), "forbidden_user_id_list": ids, "failed_user_id_list": []string{},
		"read_user_id_list": []string{}, "unread_user_id_list": nonNil(n.Delivered), "invalid_dept_id_list": []int64{},
		"forbidden_list": forbidden,
	}}, nil
}

// recallNotice is /topapi/message/corpconversation/recall.
func (s *Server) recallNotice(c *call) (any, *Refusal) {
	n, no := s.notice(c, "msg_task_id")
	if no != nil {
		return nil, no
	}
	n.Recalled = true
	return nil, nil
}

// noticeIdentity names a work notice for Repeats: receivers and content.
func noticeIdentity(p params) string {
	msg, err := json.Marshal(p["msg"])
	if err != nil {
		return fmt.Sprintf("work notice to %s", p.text("userid_list"))
	}
	return "work notice to " + p.text("userid_list") + p.text("dept_id_list") + " " + strconv.Quote(string(msg))
}
