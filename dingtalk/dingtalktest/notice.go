package dingtalktest

import (
	"encoding/json"
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
	Failed    []string          // userids that could not be reached
	Read      []string          // userids that read it
	StatusBar string            // status_value as it is now
	Recalled  bool

	invalidDepartments []int64
	receivers          int // all of them, whatever became of it
}

// The limits of work notices (DingTalk document 发送工作通知).
const (
	noticeUsers    = 100
	noticeDepts    = 20
	noticeBytes    = 2048
	noticeLifetime = 24 * time.Hour
	barUsers       = 5 // of a notice with a status bar
	barLifetime    = 7 * 24 * time.Hour
	resultUsers    = 100
)

// notices is all about work notices that needs the server's lock.
type notices struct {
	list []*Notice
	sent map[string]bool // person, day, content
	day  map[string]int  // person, day

	minute   usage // receivers
	everyone usage // sendings to everybody, of a day
}

// Notices returns the accepted work notices, oldest first.
func (s *Server) Notices() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Notice, len(s.notices.list))
	for i, n := range s.notices.list {
		out[i] = *n
		out[i].Read = slices.Clone(n.Read)
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
	msg, text, no := s.readMsg(c.params)
	if no != nil {
		return nil, no
	}
	if no := s.checkNotice(msg, text); no != nil {
		return nil, no
	}
	bar := barOf(msg)
	if bar != "" && (everybody || len(departments) > 0 || len(users) > barUsers) {
		return nil, missing(40035, "status_bar")
	}
	if today := s.notices.everyone.of(c.now.In(china).Format(time.DateOnly)); everybody {
		if *today >= s.knobs.NoticesToAll {
			return nil, refuse(41045)
		}
		*today++
	}
	n := &Notice{
		TaskID: 256271667000 + int64(len(s.notices.list)) + 1, At: c.now, Msg: text, Forbidden: map[string]string{}, StatusBar: bar,
	}
	s.deliverNotice(n, s.receivers(n, users, departments, everybody))
	s.notices.list = append(s.notices.list, n)
	s.moved()
	return topLevel{"task_id": n.TaskID}, nil
}

// checkNotice refuses a msg that a work notice cannot carry.
func (s *Server) checkNotice(msg map[string]any, text json.RawMessage) *Refusal {
	if no := s.checkMsg(msg); no != nil {
		return no
	}
	switch {
	case len(text) > noticeBytes:
		return refuse(34016)
	case s.sensitive(string(text)):
		return refuse(41049)
	case s.unsafeURL(string(text)):
		return refuse(40048)
	}
	return nil
}

// barOf is the status of an oa message's bar, "" without one.
func barOf(msg map[string]any) string {
	oa, _ := msg["oa"].(map[string]any)
	bar, _ := oa["status_bar"].(map[string]any)
	return asText(bar["status_value"])
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
		if s.dir.units[id] == nil {
			n.invalidDepartments = append(n.invalidDepartments, id)
			continue
		}
		for _, dept := range s.dir.subtree(id) {
			for _, m := range s.dir.members[dept] {
				add(m.id)
			}
		}
	}
	return out
}

// deliverNotice hands a notice to each person within the limits of a day and of the minute. Beyond them nothing is said.
func (s *Server) deliverNotice(n *Notice, people []string) {
	n.receivers = len(people) + len(n.Invalid)
	day := n.At.In(china).Format(time.DateOnly)
	minute := s.notices.minute.of(n.At.Format("2006-01-02 15:04"))
	for _, id := range people {
		same, today := id+" "+day+" "+string(n.Msg), id+" "+day
		switch {
		case s.knobs.Unreachable[id]:
			n.Failed = append(n.Failed, id)
		case s.notices.sent[same]:
			n.Forbidden[id] = "143106"
		case s.notices.day[today] >= s.knobs.NoticesPerDay:
			n.Forbidden[id] = "143105"
		case *minute >= s.knobs.NoticesPerMinute:
			n.Forbidden[id] = "143103"
		default:
			put(&s.notices.sent, same, true)
			put(&s.notices.day, today, s.notices.day[today]+1)
			*minute++
			n.Delivered = append(n.Delivered, id)
			s.receive(id, Receipt{Kind: ByNotice, ID: strconv.FormatInt(n.TaskID, 10), At: n.At, Content: n.Msg})
		}
	}
}

// readNotice notes that a person read a notice.
func (s *Server) readNotice(task, userid string) {
	for _, n := range s.notices.list {
		if strconv.FormatInt(n.TaskID, 10) == task {
			n.Read = append(n.Read, userid)
		}
	}
}

// notice finds the task a follow-up call is about; it is known for some time.
func (s *Server) notice(c *call, key string, lifetime time.Duration) (*Notice, *Refusal) {
	if no := s.checkAgent(c); no != nil {
		return nil, no
	}
	id, ok := c.params.number(key)
	if !ok {
		return nil, missing(40035, key)
	}
	at := slices.IndexFunc(s.notices.list, func(n *Notice) bool { return n.TaskID == id })
	if at < 0 || c.now.Sub(s.notices.list[at].At) > lifetime {
		return nil, missing(400002, key)
	}
	return s.notices.list[at], nil
}

// noticeProgress is /topapi/message/corpconversation/getsendprogress (获取工作通知消息的发送进度).
func (s *Server) noticeProgress(c *call) (any, *Refusal) {
	n, no := s.notice(c, "task_id", noticeLifetime)
	if no != nil {
		return nil, no
	}
	progress := map[string]any{"progress_in_percent": 100, "status": 2}
	if !s.sentOut(n, c.now) {
		progress = map[string]any{"progress_in_percent": 50, "status": 1}
	}
	return topLevel{"progress": progress}, nil
}

// sentOut tells whether the sending of a notice is over.
func (s *Server) sentOut(n *Notice, now time.Time) bool { return now.Sub(n.At) >= s.knobs.NoticeTakes }

// noticeResult is /topapi/message/corpconversation/getsendresult (获取工作通知消息的发送结果).
func (s *Server) noticeResult(c *call) (any, *Refusal) {
	n, no := s.notice(c, "task_id", noticeLifetime)
	if no != nil {
		return nil, no
	}
	if n.receivers > resultUsers {
		return nil, refuse(41052)
	}
	if !s.sentOut(n, c.now) { // nothing is known of anybody yet
		n = &Notice{}
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
	unread := slices.DeleteFunc(slices.Clone(n.Delivered), func(id string) bool { return slices.Contains(n.Read, id) })
	return topLevel{"send_result": map[string]any{
		"invalid_user_id_list": nonNil(n.Invalid), "forbidden_user_id_list": ids, "failed_user_id_list": nonNil(n.Failed),
		"read_user_id_list": nonNil(n.Read), "unread_user_id_list": nonNil(unread), "invalid_dept_id_list": nonNil(n.invalidDepartments),
		"forbidden_list": forbidden,
	}}, nil
}

// recallNotice is /topapi/message/corpconversation/recall (撤回工作通知消息).
func (s *Server) recallNotice(c *call) (any, *Refusal) {
	n, no := s.notice(c, "msg_task_id", noticeLifetime)
	if no != nil {
		return nil, no
	}
	n.Recalled = true
	s.recall(ByNotice, strconv.FormatInt(n.TaskID, 10))
	return nil, nil
}

// noticeStatusBar is /topapi/message/corpconversation/status_bar/update (更新工作通知状态栏).
func (s *Server) noticeStatusBar(c *call) (any, *Refusal) {
	n, no := s.notice(c, "task_id", barLifetime)
	if no != nil {
		return nil, no
	}
	value, bg := c.params.text("status_value"), c.params.text("status_bg")
	switch {
	case value == "" || bg != "" && !barColour.MatchString(bg):
		return nil, missing(40035, "status_value, status_bg")
	case n.StatusBar == "":
		return nil, missing(400002, "task_id")
	case !s.sentOut(n, c.now):
		return nil, refuse(41052)
	}
	n.StatusBar = value
	return nil, nil
}

// noticeIdentity names a work notice for Repeats: receivers and content.
func noticeIdentity(p params) string {
	to := "work notice to " + p.text("userid_list") + p.text("dept_id_list")
	if msg, ok := p.object("msg"); ok {
		if text, err := plainJSON(msg); err == nil {
			return to + " " + strconv.Quote(string(text))
		}
	}
	return to
}
