package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// allCalls is every call that the package can make over the wire, each with arguments that pass its checks.
func allCalls(c *Client) map[string]func() error {
	user := Object{"userid": "u", "name": "n", "mobile": "1", "dept_id_list": "1"}
	dept := Object{"name": "n", "parent_id": "1"}
	now := newClock().now()
	calls := map[string]func() error{
		"Token":           func() error { return second(c.Token(bg())) },
		"Users.Create":    func() error { return second(c.Users.Create(bg(), user)) },
		"Users.Update":    func() error { return c.Users.Update(bg(), Object{"userid": "u", "title": "t"}) },
		"Users.Delete":    func() error { return c.Users.Delete(bg(), "u") },
		"Users.Get":       func() error { return second(c.Users.Get(bg(), "u")) },
		"GetByMobile":     func() error { return second(c.Users.GetByMobile(bg(), "1")) },
		"GetByUnionID":    func() error { return second(c.Users.GetByUnionID(bg(), "1")) },
		"Users.List":      func() error { return last(c.Users.List(bg(), 1)) },
		"Names":           func() error { return last(c.Users.Names(bg(), 1)) },
		"ListIDs":         func() error { return second(c.Users.ListIDs(bg(), 1)) },
		"Count":           func() error { return second(c.Users.Count(bg(), true)) },
		"Admins":          func() error { return second(c.Users.Admins(bg())) },
		"AdminScope":      func() error { return second(c.Users.AdminScope(bg(), "u")) },
		"Inactive":        func() error { return last(c.Users.Inactive(bg(), true, "20260101")) },
		"Dept.Create":     func() error { return second(c.Departments.Create(bg(), dept)) },
		"Dept.Update":     func() error { return c.Departments.Update(bg(), Object{"dept_id": "2", "name": "n"}) },
		"Dept.Delete":     func() error { return c.Departments.Delete(bg(), 2) },
		"Dept.Get":        func() error { return second(c.Departments.Get(bg(), 2)) },
		"ListSub":         func() error { return second(c.Departments.ListSub(bg(), 2)) },
		"ListSubIDs":      func() error { return second(c.Departments.ListSubIDs(bg(), 2)) },
		"Parents":         func() error { return second(c.Departments.Parents(bg(), 2)) },
		"ParentsByUser":   func() error { return second(c.Departments.ParentsByUser(bg(), "u")) },
		"Walk":            func() error { return last(c.Departments.Walk(bg(), []int64{1})) },
		"Roles.List":      func() error { return last(c.Roles.List(bg())) },
		"Roles.Get":       func() error { return second(c.Roles.Get(bg(), 1)) },
		"Roles.Group":     func() error { _, _, err := c.Roles.Group(bg(), 1); return err },
		"Roles.Create":    func() error { return second(c.Roles.Create(bg(), Object{"name": "n", "group_id": "1"})) },
		"CreateGroup":     func() error { return second(c.Roles.CreateGroup(bg(), "g")) },
		"Roles.Update":    func() error { return c.Roles.Update(bg(), Object{"id": "1", "name": "n"}) },
		"Roles.Delete":    func() error { return c.Roles.Delete(bg(), 1) },
		"Assign":          func() error { return c.Roles.Assign(bg(), []int64{1}, []string{"u"}) },
		"Unassign":        func() error { return c.Roles.Unassign(bg(), []int64{1}, []string{"u"}) },
		"SetScope":        func() error { return c.Roles.SetScope(bg(), 1, "u") },
		"Members":         func() error { return last(c.Roles.Members(bg(), 1)) },
		"LeaveRecords":    func() error { return last(c.Contacts.LeaveRecords(bg(), now.Add(-time.Hour), now)) },
		"Scopes":          func() error { return second(c.Contacts.Scopes(bg())) },
		"Failed":          func() error { return last(c.Callbacks.Failed(bg())) },
		"FinishApproval":  func() error { return c.Attendance.FinishApproval(bg(), leaveApproval()) },
		"CancelApproval":  func() error { return c.Attendance.CancelApproval(bg(), "u", "x") },
		"LeaveTypes":      func() error { return second(c.Attendance.LeaveTypes(bg(), "u")) },
		"Approvals.Start": func() error { return second(c.Approvals.Start(bg(), leaveRequest())) },
		"Approvals.Get":   func() error { return second(c.Approvals.Get(bg(), "i")) },
		"Approvals.IDs":   func() error { return last(c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now})) },
		"Terminate":       func() error { return c.Approvals.Terminate(bg(), "i", "", "") },
		"Comment":         func() error { return c.Approvals.Comment(bg(), "i", "u", "t") },
		"Execute":         func() error { return c.Approvals.Execute(bg(), "i", Task{ID: "1"}, true, "") },
		"FileURL":         func() error { return second(c.Approvals.FileURL(bg(), "i", "f")) },
		"Templates":       func() error { return last(c.Approvals.Templates(bg(), "")) },
		"Redirect":        func() error { return c.Approvals.Redirect(bg(), Task{ID: "1"}, "u", "") },
		"Managed":         func() error { return second(c.Approvals.Managed(bg(), "u")) },
		"Template":        func() error { return second(c.Approvals.Template(bg(), "p")) },
		"Forecast":        func() error { return second(c.Approvals.Forecast(bg(), leaveRequest())) },
		"Register":        func() error { return c.Callbacks.Register(bg(), testRegistration) },
		"Update":          func() error { return c.Callbacks.Update(bg(), testRegistration) },
		"Registered":      func() error { return second(c.Callbacks.Registered(bg())) },
		"Delete":          func() error { return c.Callbacks.Delete(bg()) },
	}
	maps.Copy(calls, callsAboutPeople(c))
	maps.Copy(calls, callsAboutMessages(c))
	return calls
}

// callsAboutPeople are those about to-dos, calendars and groups.
func callsAboutPeople(c *Client) map[string]func() error {
	none, now := CalendarOptions{Token: "once"}, newClock().now()
	scene := SceneGroup{Title: "t", TemplateID: "t", Owner: "ann"}
	changes := func() error {
		return second(c.Calendars.Changes(bg(), "A", "t", now, func(Object) error { return nil }))
	}
	return map[string]func() error{
		"Todos.Create":     func() error { return second(c.Todos.Create(bg(), newTodo(Object{"creatorId": "A"}))) },
		"Todos.Update":     func() error { return c.Todos.Update(bg(), "A", Object{"taskId": "t1", "subject": "x"}) },
		"SetDone":          func() error { return c.Todos.SetDone(bg(), "A", "t1", true, "B") },
		"Todos.Delete":     func() error { return c.Todos.Delete(bg(), "A", "t1") },
		"Todos.List":       func() error { return last(c.Todos.List(bg(), "A", TodoQuery{})) },
		"Calendars.Create": func() error { return second(c.Calendars.Create(bg(), newMeeting(nil), none)) },
		"Calendars.Get":    func() error { return second(c.Calendars.Get(bg(), "A", "e1")) },
		"Calendars.Update": func() error {
			return c.Calendars.Update(bg(), Object{"id": "e1", "organizer": "A", "summary": "x"}, none)
		},
		"AddAttendees":      func() error { return c.Calendars.AddAttendees(bg(), "A", "e1", []string{"B"}, nil, none) },
		"RemoveAttendees":   func() error { return c.Calendars.RemoveAttendees(bg(), "A", "e1", []string{"B"}, none) },
		"Attendees":         func() error { return last(c.Calendars.Attendees(bg(), "A", "e1")) },
		"Respond":           func() error { return c.Calendars.Respond(bg(), "A", "e1", Accepted) },
		"Calendars.Delete":  func() error { return c.Calendars.Delete(bg(), "A", "e1", none) },
		"Changes":           changes,
		"Calendars.List":    func() error { return last(c.Calendars.List(bg(), "A", now, now.Add(time.Hour))) },
		"View":              func() error { return last(c.Calendars.View(bg(), "A", now, now.Add(time.Hour))) },
		"Occurrences":       func() error { return last(c.Calendars.Occurrences(bg(), "A", "s")) },
		"Groups.Create":     func() error { return second(c.Groups.Create(bg(), newGroup(nil))) },
		"Groups.Get":        func() error { return second(c.Groups.Get(bg(), "chat1")) },
		"Groups.Update":     func() error { return c.Groups.Update(bg(), Object{"chatid": "chat1", "name": "x"}) },
		"OpenID":            func() error { return second(c.Groups.OpenConversationID(bg(), "chat1")) },
		"SetAdmins":         func() error { return c.Groups.SetAdmins(bg(), "chat1", true, "bob") },
		"Scene.Create":      func() error { return second(c.SceneGroups.Create(bg(), scene)) },
		"Scene.Update":      func() error { return c.SceneGroups.Update(bg(), "o1", SceneChange{Title: "t"}) },
		"Disband":           func() error { return c.SceneGroups.Disband(bg(), "o1") },
		"Scene.AddMembers":  func() error { return c.SceneGroups.AddMembers(bg(), "o1", "u") },
		"Scene.DropMembers": func() error { return c.SceneGroups.RemoveMembers(bg(), "o1", "u") },
		"Scene.Members":     func() error { return last(c.SceneGroups.Members(bg(), "o1")) },
	}
}

// callsAboutMessages leaves out those by webhooks, which have secrets of their own.
func callsAboutMessages(c *Client) map[string]func() error {
	to, text := NoticeReceivers{Users: []string{"u"}}, Object{"text.content": "x"}
	inGroup, inConversation := joined(text, Object{"openConversationId": "c"}), joined(text, Object{"cid": "c", "sender": "u"})
	bar := Object{"task_id": "5", "oa.status_bar.status_value": "v"}
	return map[string]func() error{
		"Notices.Send":       func() error { return second(c.Notices.Send(bg(), to, text)) },
		"Progress":           func() error { return second(c.Notices.Progress(bg(), "5")) },
		"Result":             func() error { return second(c.Notices.Result(bg(), "5")) },
		"Notices.Recall":     func() error { return c.Notices.Recall(bg(), "5") },
		"SetStatusBar":       func() error { return c.Notices.SetStatusBar(bg(), bar) },
		"Upload":             func() error { return second(c.Media.Upload(bg(), MediaImage, "a.png", []byte("x"))) },
		"SendToPersons":      func() error { return second(c.Robots.SendToPersons(bg(), []string{"u"}, text)) },
		"SendToGroup":        func() error { return second(c.Robots.SendToGroup(bg(), inGroup)) },
		"ReadByPersons":      func() error { return second(c.Robots.ReadByPersons(bg(), "k")) },
		"ReadByGroup":        func() error { return second(c.Robots.ReadByGroup(bg(), "c", "k")) },
		"RecallFromPersons":  func() error { return second(c.Robots.RecallFromPersons(bg(), "k")) },
		"RecallFromGroup":    func() error { return second(c.Robots.RecallFromGroup(bg(), "c", "k")) },
		"Robots.FileURL":     func() error { return second(c.Robots.FileURL(bg(), "d")) },
		"Dings.Send":         func() error { return second(c.Dings.Send(bg(), []string{"u"}, Object{"content": "x"})) },
		"Dings.Recall":       func() error { return c.Dings.Recall(bg(), "d") },
		"Conversations.Send": func() error { return second(c.Conversations.Send(bg(), inConversation)) },
	}
}

func last[T any](seq func(func(T, error) bool)) (err error) {
	seq(func(_ T, e error) bool { err = e; return true })
	return err
}

// No error of any call shows the token or the secret, whatever the far side says or does, in whichever format it is printed.
func TestNoSecretInAnyError(t *testing.T) {
	token := tokenNo(1)
	secrets := []string{token, url.QueryEscape(token), testSecret, url.QueryEscape(testSecret)}
	echo := fmt.Sprintf(`token %s secret %s url https://x?access_token=%s&appsecret=%s`, token, testSecret, url.QueryEscape(token), url.QueryEscape(testSecret))
	for name, answer := range map[string]answerFunc{
		"refusal, echoing":    ok(`{"errcode":60011,"errmsg":%q,"userid":%q,"request_id":%q}`, echo, token, testSecret),
		"rejection, echoing":  ok(`{"errcode":60104,"errmsg":%q,"userid":%q}`, echo, token),
		"gateway, echoing":    ok(`{"errcode":88,"sub_code":%q,"sub_msg":%q}`, token, echo),
		"new, echoing":        status(400, fmt.Sprintf(`{"code":%q,"message":%q,"accessdenieddetail":{"requiredScopes":[%q]}}`, token, echo, token)),
		"permission, echoing": status(403, fmt.Sprintf(`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m","accessdenieddetail":{"requiredScopes":[%q]}}`, testSecret)),
		"dropped":             func(call) reply { return reply{drop: true} },
		"cut":                 func(call) reply { return reply{body: echo, cut: true} },
		"page":                status(500, "<html>"+echo),
		"nonsense":            ok("%s", echo),
		"redirect": func(call) reply {
			return reply{status: 302, head: map[string]string{"Location": "http://x/?" + url.QueryEscape(token)}}
		},
		"redirect to nonsense": func(call) reply { return reply{status: 302, head: map[string]string{"Location": "http://[" + token}} },
		"too late":             func(call) reply { return reply{wait: make(chan struct{})} },
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, old approvals %t", name, old), func(t *testing.T) {
				f := newFar(t)
				for _, path := range allPaths {
					f.on(path, answer)
				}
				timeout := 10 * time.Second
				if name == "too late" {
					timeout = 20 * time.Millisecond
				}
				client := func() *Client {
					return f.client(newClock().set, func(cfg *Config) {
						cfg.Retries, cfg.Timeout, cfg.OldApprovals, cfg.OldGroups, cfg.AgentID = -1, timeout, old, old, 7
					})
				}
				for what, do := range allCalls(client()) {
					err := do()
					if err == nil && what == "Token" {
						continue
					}
					checkSecrets(t, what, err, secrets)
				}
				f.on(pathToken, answer)
				checkSecrets(t, "the first token", second(client().Token(bg())), secrets[2:]) // of the token nothing is known yet
			})
		}
	}
}

func checkSecrets(t *testing.T, what string, err error, secrets []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s did not fail", what)
		return
	}
	e := failure(t, err)
	printed := fmt.Sprintf("%v %+v %#v %q", err, *e, *e, e.RequiredScopes)
	for cause := e.Err; cause != nil; {
		printed += fmt.Sprintf(" %v %#v", cause, cause)
		u, ok := cause.(interface{ Unwrap() error })
		if !ok {
			break
		}
		cause = u.Unwrap()
	}
	for _, s := range secrets {
		if strings.Contains(printed, s) {
			t.Errorf("%s shows %s: %.300s", what, s, printed)
		}
	}
}

var allPaths = []string{
	pathUserCreate, pathUserUpdate, pathUserDelete, pathUserGet, pathUserList, pathUserListSimple, pathUserListID, pathUserByMobile,
	pathUserByUnionID, pathUserCount, pathUserAdmins, pathUserAdminScope, pathUserInactive, pathDepartmentCreate, pathDepartmentUpdate,
	pathDepartmentDelete, pathDepartmentGet, pathDepartmentListSub, pathDepartmentListSubID, pathDepartmentParents, pathDepartmentParentsByUser,
	pathRoleCreate, pathRoleUpdate, pathRoleCreateGroup, pathRoleDelete, pathRoleList, pathRoleGet, pathRoleGetGroup, pathRoleAssign,
	pathRoleUnassign, pathRoleScope, pathRoleMembers, pathScopes, pathLeaveRecords, PathCallbacksFailed,
	pathInstances, pathInstanceIDs, pathInstanceTerminate, pathInstanceComment, pathInstanceExecute, pathInstanceFile, pathTaskRedirect,
	pathTemplates, pathManagedTemplates, pathFormSchema, pathForecast, pathOldStart, pathOldGet, pathOldIDs, pathOldFile, pathOldTerminate,
	pathOldComment, pathOldExecute, pathOldTemplates, pathOldManaged, pathAttendanceFinish, pathAttendanceCancel, pathLeaveTypes,
	pathCallbackRegister, pathCallbackUpdate, pathCallbackGet, pathCallbackDelete,
	at(pathTodoCreate, "A"), at(pathTodo, "A", "t1"), at(pathTodoDone, "A", "t1"), at(pathTodoQuery, "A"),
	at(pathCalendarEvents, "A"), at(pathCalendarEvent, "A", "e1"), at(pathCalendarView, "A"), at(pathCalendarAttendees, "A", "e1"),
	at(pathCalendarRemove, "A", "e1"), at(pathCalendarRespond, "A", "e1"),
	pathGroupCreate, pathGroupUpdate, pathGroupAdmins, pathGroupGet, pathGroupCreateOld, pathGroupUpdateOld, at(pathGroupOpenID, "chat1"),
	pathNoticeSend, pathNoticeProgress, pathNoticeResult, pathNoticeRecall, pathNoticeStatusBar, pathMediaUpload, pathRobotPersons,
	pathRobotPersonsRead, pathRobotPersonRecall, pathRobotGroup, pathRobotGroupRead, pathRobotGroupRecall, pathRobotFile, pathDingSend,
	pathDingRecall, pathConversationSend,
	pathSceneCreate, pathSceneUpdate, pathSceneDisband, pathSceneAdd, pathSceneRemove, pathSceneMembers,
}

// The bound on the far side's words falls on every place of a secret once: no half of it remains.
func TestNoHalfOfASecretInAnyError(t *testing.T) {
	f := newFar(t)
	for n := range len(testSecret) + 2 {
		echo := strings.Repeat("错", maxMessage-n) + testSecret
		f.on(pathUserGet, ok(`{"errcode":60104,"errmsg":%q}`, echo))
		f.on(pathScopes, status(400, fmt.Sprintf(`{"code":%q,"message":%q}`, strings.Repeat("c", 80-min(n, 79))+testSecret, echo)))
		for _, err := range []error{
			second(f.client().Users.Get(bg(), "u")), second(f.client().Contacts.Scopes(bg())),
		} {
			if e := failure(t, err); strings.Contains(e.Message+e.Code, testSecret[:4]) {
				t.Errorf("%d: %s", n, e.Message[len(e.Message)-60:])
			}
		}
	}
}

// The far side may repeat the ticket, the secret or the token when it closes the connection.
func TestNoSecretInTheReasonOfALostStream(t *testing.T) {
	r := newGateway(t).run()
	p := r.peer()
	r.state()
	if err := p.conn.Close(4001, "ticket t+0/&=?é of "+testSecret); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	for s.Connected {
		s = r.state()
	}
	r.stop()
	if s.Err == nil || !strings.Contains(s.Err.Error(), "4001") {
		t.Errorf("the reason is not told: %v", s.Err)
	}
	printed := fmt.Sprintf("%v %#v", s.Err, s.Err)
	for _, e := range r.logs.All() {
		printed += fmt.Sprint(e.Message, e.ContextMap())
	}
	for _, secret := range []string{"t+0/", testSecret} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s is shown: %s", secret, printed)
		}
	}
}

func TestAPanicOfTheHandlerIsNotQuoted(t *testing.T) {
	r := newGateway(t).run(func(c *StreamConfig) {
		c.Handler = func(_ context.Context, e Event) error { panic("13800001234 of " + e.ID) }
	})
	p := r.peer()
	p.send(eventFrame("m1", "e1", "org_change", "{}"))
	p.wantReply(500, "m1", later)
	r.stop()
	if r.logs.FilterMessage("stream handler panicked").Len() != 1 {
		t.Error("the panic is not told")
	}
	for _, e := range r.logs.All() {
		if line := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(line, "13800001234") {
			t.Error(line)
		}
	}
}

// net/http has a logger of its own for transports that answer and fail at once.
func TestNothingIsWrittenPastTheLogger(t *testing.T) {
	var written bytes.Buffer
	log.SetOutput(&written)
	defer log.SetOutput(os.Stderr)
	f := newFar(t)
	ctx, cancel := context.WithCancel(bg())
	f.on(pathUserGet, func(call) reply { return reply{status: 500, body: testSecret} })
	client := f.client(func(cfg *Config) {
		cfg.RetryWait = time.Hour
		cfg.HTTPTransport = after(http.DefaultTransport, func(req *http.Request) {
			if strings.Contains(req.URL.Path, pathUserGet) {
				cancel()
			}
		})
	})
	if _, err := client.Users.Get(ctx, "u"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if written.Len() > 0 {
		t.Errorf("written: %s", &written)
	}
}

// after is a transport that tells when an answer has come.
func after(next http.RoundTripper, tell func(*http.Request)) http.RoundTripper {
	return transportFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		tell(req)
		return resp, err
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
