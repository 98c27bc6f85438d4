package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The paths of the work notice calls.
const (
	pathNoticeSend      = "/topapi/message/corpconversation/asyncsend_v2"
	pathNoticeProgress  = "/topapi/message/corpconversation/getsendprogress"
	pathNoticeResult    = "/topapi/message/corpconversation/getsendresult"
	pathNoticeRecall    = "/topapi/message/corpconversation/recall"
	pathNoticeStatusBar = "/topapi/message/corpconversation/status_bar/update"
)

// The limits of work notices (发送工作通知, 更新工作通知状态栏). Those of a call are checked before it is sent; those of a day or minute
// are the caller's to keep, because beyond them DingTalk answers success and delivers nothing: only Result tells.
const (
	NoticeBytes       = 2048 // of msg as JSON
	NoticeUsers       = 100  // userids a call
	NoticeDepartments = 20   // departments a call, each with everything below it
	NoticeBarUsers    = 5    // userids a call with a status bar
	NoticeResultUsers = 100  // receivers of a notice whose result can be read

	NoticesPerPersonDay = 500  // notices of the app a person and day
	NoticeRepeatsPerDay = 1    // of the same content a person and day
	NoticesPerMinute    = 5000 // receivers of the app a minute
	NoticesToAllPerDay  = 3
)

// NoticeService holds the calls about work notices (工作通知). All of them count against the monthly quota. They need Config.AgentID.
type NoticeService struct{ c *Client }

// NoticeReceivers says whom a notice is for: people, departments, or everybody the app sees.
type NoticeReceivers struct {
	Users       []string
	Departments []int64
	Everyone    bool
}

// Send hands a work notice to DingTalk (发送工作通知), from the fields of WorkNoticeKind marked Create; the ID of the result is the
// task_id. Success is not delivery: DingTalk delivers later, and withholds in silence what is over its limits (see Result). One call
// costs the same for one person and for NoticeUsers.
//
// The same message to the same people is byte for byte the same request, and DingTalk delivers the same content to a person once a day:
// within that day repeating it after an Ambiguous failure tells nobody twice.
func (s *NoticeService) Send(ctx context.Context, to NoticeReceivers, message Object) (SendResult, error) {
	c, err := newContent(pathNoticeSend, WorkNoticeKind, message, "enable_id_trans")
	if err != nil {
		return SendResult{}, err
	}
	msg, err := noticeMsg(c)
	if err != nil {
		return SendResult{}, err
	}
	raw, err := marshal(msg)
	if err != nil {
		return SendResult{}, refuse(pathNoticeSend, c.longest(), "not representable in JSON")
	}
	if err := c.fit(len(raw), NoticeBytes, "bytes"); err != nil {
		return SendResult{}, err
	}
	body, err := to.body(c.has("status_bar.status_value"))
	if err != nil {
		return SendResult{}, err
	}
	body["msg"] = msg
	if trans, ok := c.given["enable_id_trans"]; ok {
		body["enable_id_trans"] = trans
	}
	answer, err := s.call(ctx, pathNoticeSend, body, false)
	if err != nil {
		return SendResult{}, mediaField(err, c)
	}
	id, err := sentID(pathNoticeSend, "task_id", answer)
	return SendResult{ID: id}, err
}

// body is the part of a request that says whom it is for.
func (to NoticeReceivers) body(bar bool) (Object, error) {
	const api = pathNoticeSend
	named := len(to.Users)+len(to.Departments) > 0
	switch {
	case !named && !to.Everyone:
		return nil, refuse(api, receiversField, "required")
	case named && to.Everyone:
		return nil, refuse(api, receiversField, "everyone, and people or departments as well")
	case bar && (to.Everyone || len(to.Departments) > 0):
		return nil, refuse(api, receiversField, "a notice with a status bar goes to people who are named only")
	case bar && len(to.Users) > NoticeBarUsers:
		return nil, exceeds(api, receiversField, len(to.Users), NoticeBarUsers, fmt.Sprintf("%d people for a notice with a status bar", len(to.Users)))
	case len(to.Departments) > NoticeDepartments:
		return nil, exceeds(api, receiversField, len(to.Departments), NoticeDepartments, fmt.Sprintf("%d departments", len(to.Departments)))
	case to.Everyone:
		return Object{"to_all_user": true}, nil
	}
	body := Object{}
	if len(to.Users) > 0 {
		if err := checkReceivers(api, to.Users, NoticeUsers); err != nil {
			return nil, err
		}
		body["userid_list"] = strings.Join(to.Users, ",")
	}
	if len(to.Departments) > 0 {
		for _, id := range to.Departments {
			if id <= 0 {
				return nil, refuse(api, receiversField, "%d is no department of the corp", id)
			}
		}
		body["dept_id_list"] = joinNumbers(to.Departments)
	}
	return body, nil
}

// NoticeProgress is how far DingTalk has got with a notice.
type NoticeProgress struct {
	Percent int64
	Status  int64 // 0 not begun, 1 under way, 2 done
}

// Done reports that the notice was delivered to everybody it will be delivered to.
func (p NoticeProgress) Done() bool { return p.Status == 2 }

// Progress tells how far the sending has got (获取工作通知消息的发送进度), for 24 hours after it.
func (s *NoticeService) Progress(ctx context.Context, taskID string) (NoticeProgress, error) {
	answer, err := s.task(ctx, pathNoticeProgress, "task_id", taskID, nil, true)
	if err != nil {
		return NoticeProgress{}, err
	}
	progress := answer.object("progress")
	status, ok := progress.Int("status")
	if !ok {
		return NoticeProgress{}, incomplete(pathNoticeProgress, "no progress")
	}
	percent, _ := progress.Int("progress_in_percent")
	return NoticeProgress{Percent: percent, Status: status}, nil
}

// NoticeResult is what became of a notice.
type NoticeResult struct {
	Read, Unread       []string // who got it
	Invalid            []string // who does not exist, or lies outside the app's scope
	Failed             []string // who could not be reached
	Forbidden          []string // from whom it was withheld; Withheld says why
	InvalidDepartments []string
	Withheld           []Withheld
}

// Nobody reports that the result tells of nobody: the notice is not delivered yet.
func (r NoticeResult) Nobody() bool {
	return len(r.Read)+len(r.Unread)+len(r.Invalid)+len(r.Failed)+len(r.Forbidden)+len(r.Withheld)+len(r.InvalidDepartments) == 0
}

// Withheld says why a person did not get a notice that DingTalk accepted. UserID may be empty where the answer tells a number only.
type Withheld struct {
	UserID string
	Count  int64
	Code   string // DingTalk's, such as 143106
	Reason WithheldReason
}

// WithheldReason is the meaning of a code of forbidden_list.
type WithheldReason string

// Why a notice is withheld.
const (
	WithheldAppRate   WithheldReason = "the app sent to too many people within a minute"
	WithheldCorpRate  WithheldReason = "the corp's apps sent to too many people within a minute"
	WithheldDaily     WithheldReason = "the person has had all the notices of a day"
	WithheldRepeat    WithheldReason = "the person has had the same content today"
	WithheldNobody    WithheldReason = "there is nobody to receive it"
	WithheldGrant     WithheldReason = "the app may not send to this person"
	WithheldContent   WithheldReason = "the content is forbidden"
	WithheldProtected WithheldReason = "the person is protected from messages of apps"
	WithheldUnknown   WithheldReason = "for a reason that no document names"
)

var withheldReasons = map[string]WithheldReason{
	"143103": WithheldAppRate, "143104": WithheldCorpRate, "143105": WithheldDaily, "143106": WithheldRepeat,
	"143203": WithheldAppRate, "143204": WithheldCorpRate, "143205": WithheldDaily, "143206": WithheldRepeat,
	"1430000": WithheldNobody, "1430001": WithheldGrant, "1430002": WithheldContent, "1430003": WithheldProtected, "1430004": WithheldProtected,
}

// Result tells who got a notice, who read it, and from whom it was withheld (获取工作通知消息的发送结果), for 24 hours after the sending and
// for at most NoticeResultUsers receivers.
func (s *NoticeService) Result(ctx context.Context, taskID string) (NoticeResult, error) {
	answer, err := s.task(ctx, pathNoticeResult, "task_id", taskID, nil, true)
	if err != nil {
		return NoticeResult{}, err
	}
	sent := answer.object("send_result")
	if sent == nil {
		return NoticeResult{}, incomplete(pathNoticeResult, "no send_result")
	}
	result := NoticeResult{
		Read: sent.IDs("read_user_id_list"), Unread: sent.IDs("unread_user_id_list"), Invalid: sent.IDs("invalid_user_id_list"),
		Failed: sent.IDs("failed_user_id_list"), Forbidden: sent.IDs("forbidden_user_id_list"),
		InvalidDepartments: sent.IDs("invalid_dept_id_list"),
	}
	for _, row := range sent.Rows("forbidden_list") {
		count, _ := row.Int("count")
		code := row.Text("code")
		result.Withheld = append(result.Withheld, Withheld{
			UserID: row.Text("userid"), Count: count, Code: code, Reason: or(withheldReasons[code], WithheldUnknown),
		})
	}
	return result, nil
}

// Recall takes a notice back (撤回工作通知消息), for 24 hours after the sending.
func (s *NoticeService) Recall(ctx context.Context, taskID string) error {
	_, err := s.task(ctx, pathNoticeRecall, "msg_task_id", taskID, nil, false)
	return err
}

// SetStatusBar changes the status bar of an oa notice that was sent with one (更新工作通知状态栏), for 7 days after the sending and
// when that is done, from the fields of WorkNoticeKind marked Update; task_id says which notice.
func (s *NoticeService) SetStatusBar(ctx context.Context, bar Object) error {
	const value, colour = "oa.status_bar.status_value", "oa.status_bar.status_bg"
	body, err := WorkNoticeKind.encodeUpdate(pathNoticeStatusBar, bar, nil)
	if err != nil {
		return err
	}
	if text(body[value]) == "" {
		return refuse(pathNoticeStatusBar, value, "required")
	}
	fields := Object{"status_value": body[value]}
	if text(body[colour]) != "" {
		fields["status_bg"] = body[colour]
	}
	_, err = s.task(ctx, pathNoticeStatusBar, "task_id", text(body["task_id"]), fields, false)
	return err
}

// task makes a call about a notice that was sent.
func (s *NoticeService) task(ctx context.Context, path, key, taskID string, fields Object, read bool) (Object, error) {
	id, err := strconv.ParseInt(taskID, 10, 64)
	if err != nil || id <= 0 {
		return nil, refuse(path, "task_id", "%q is no task", cut(taskID, 40))
	}
	body := Object{key: id}
	for name, v := range fields {
		body[name] = v
	}
	return s.call(ctx, path, body, read)
}

// call makes a call in the name of the app's agent.
func (s *NoticeService) call(ctx context.Context, path string, body Object, read bool) (Object, error) {
	if s.c.cfg.AgentID <= 0 {
		return nil, &Error{Class: Halt, Scope: ScopeAPI + path, After: s.c.cfg.pause(haltConfig), API: path, Message: "work notices need the app's agent id, which is not set"}
	}
	body["agent_id"] = s.c.cfg.AgentID
	return s.c.do(ctx, request{method: http.MethodPost, path: path, body: body, read: read})
}

// mediaField names the field that a refused media id (40007) stood in.
func mediaField(err error, c content) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == "40007" {
		e.Field = c.group + ".media_id"
		if c.group == "oa" {
			e.Field = "oa.body.image"
		}
	}
	return err
}
