package dingtalk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What every failure says, judged through the wire from the answers that the documents print and that were observed.
func TestClassification(t *testing.T) {
	create := func(c *Client) error {
		_, err := c.Users.Create(bg(), Object{"userid": "u1", "name": "n", "mobile": "1", "dept_id_list": []string{"2", "3"}})
		return err
	}
	get := func(c *Client) error { _, err := c.Users.Get(bg(), "u1"); return err }
	update := func(c *Client) error { return c.Users.Update(bg(), Object{"userid": "u1", "title": "t"}) }
	deptCreate := func(c *Client) error {
		_, err := c.Departments.Create(bg(), Object{"name": "n", "parent_id": "9"})
		return err
	}
	deptUpdate := func(c *Client) error { return c.Departments.Update(bg(), Object{"dept_id": "5", "name": "n"}) }
	deptDelete := func(c *Client) error { return c.Departments.Delete(bg(), 5) }
	leave := func(c *Client) error {
		for _, err := range c.Contacts.LeaveRecords(bg(), newClock().now().Add(-time.Hour), time.Time{}) {
			return err
		}
		return nil
	}
	plain := func(code string) string { return fmt.Sprintf(`{"errcode":%s,"errmsg":"m","request_id":"r1"}`, code) }
	inner := func(code, msg string) string {
		return fmt.Sprintf(`{"errcode":88,"sub_code":%q,"sub_msg":%q,"errmsg":"ding talk error[subcode=%s,submsg=%s]","request_id":"r1"}`, code, msg, code, msg)
	}
	for _, c := range []struct {
		name string
		call func(*Client) error
		code int // HTTP
		body string
		want Error // Class, Code, Field, Scope, After, Ambiguous, Holder
	}{
		{"busy, read", get, 200, plain("-1"), Error{Class: Retry, Code: "-1", After: 2 * time.Second}},
		{"busy, write", update, 200, plain("-1"), Error{Class: Retry, Code: "-1", After: 2 * time.Second, Ambiguous: true}},
		{"code as text", get, 200, plain(`"60121"`), Error{Class: Missing, Code: "60121"}},
		{"user unknown", get, 200, plain("60121"), Error{Class: Missing, Code: "60121"}},
		{"user id invalid", get, 200, plain("33012"), Error{Class: Missing, Code: "33012"}},
		{"out of scope", get, 200, inner("50002", "不在授权范围"), Error{Class: Reject, Code: "50002"}},

		{"mobile taken", create, 200, `{"errcode":60104,"errmsg":"手机号码在公司中已存在","userid":"u9"}`, Error{Class: Reject, Code: "60104", Field: "mobile", Holder: "u9"}},
		{"mobile illegal", create, 200, plain("40104"), Error{Class: Reject, Code: "40104", Field: "mobile"}},
		{"userid taken", create, 200, plain("60102"), Error{Class: Reject, Code: "60102", Field: "userid"}},
		{"email taken", create, 200, plain("60106"), Error{Class: Reject, Code: "60106", Field: "email"}},
		{"email taken too", create, 200, plain("40101"), Error{Class: Reject, Code: "40101", Field: "email"}},
		{"telephone taken", update, 200, plain("40100"), Error{Class: Reject, Code: "40100", Field: "telephone"}},
		{"title", update, 200, plain("60119"), Error{Class: Reject, Code: "60119", Field: "title"}},
		{"job number", update, 200, plain("60123"), Error{Class: Reject, Code: "60123", Field: "job_number"}},
		{"manager", update, 200, plain("60128"), Error{Class: Reject, Code: "60128", Field: "manager_userid"}},
		{"invited", create, 200, plain("40103"), Error{Class: Pending, Code: "40103"}},
		{"department unknown", create, 200, plain("60003"), Error{Class: Missing, Code: "60003", Field: "dept_id_list"}},
		{"HRM positions", update, 200, plain("12150"), Error{Class: Reject, Code: "12150", Field: "title"}},
		{"headcount", create, 200, plain("40024"), Error{Class: Halt, Code: "40024", Scope: "api:/topapi/v2/user/create", After: time.Hour}},

		{"sibling name", deptCreate, 200, plain("60021"), Error{Class: Reject, Code: "60021", Field: "name"}},
		{"parent unknown", deptCreate, 200, plain("60004"), Error{Class: Missing, Code: "60004", Field: "parent_id"}},
		{"permit lists, as the page prints it", deptCreate, 200, plain("600109"), Error{Class: Reject, Code: "600109", Field: "dept_permits"}},
		{"manager no member", deptUpdate, 200, plain("40031"), Error{Class: Reject, Code: "40031", Field: "dept_manager_userid_list"}},
		{"root", deptUpdate, 200, plain("60018"), Error{Class: Reject, Code: "60018", Field: "dept_id"}},
		{"department gone", deptDelete, 200, plain("60003"), Error{Class: Missing, Code: "60003"}},
		{"department not empty", deptDelete, 200, plain("60005"), Error{Class: Reject, Code: "60005"}},

		{
			"permission, old", get, 200,
			inner("60011", "应用尚未开通所需的权限：[qyapi_get_member]，点击链接申请并开通即可：https://x?content=1 , {requiredScopes=[qyapi_get_member]}"),
			Error{Class: Halt, Code: "60011", Scope: "permission:qyapi_get_member", After: 10 * time.Minute, RequiredScopes: []string{"qyapi_get_member"}},
		},
		{"permission, unnamed", get, 200, plain("43007"), Error{Class: Halt, Code: "43007", Scope: "api:/topapi/v2/user/get", After: 10 * time.Minute}},
		{"address list, old", get, 200, inner("60020", "访问ip不在白名单之中,request ip=1.2.3.4 appKey(dingx)"), Error{Class: Halt, Code: "60020", Scope: "ip", After: 10 * time.Minute}},
		{"stopped", get, 200, plain("50003"), Error{Class: Halt, Code: "50003", Scope: "app", After: 10 * time.Minute}},
		{"inner code only in the text", get, 200, `{"errcode":88,"errmsg":"ding talk error[subcode=50005,submsg=x]"}`, Error{Class: Halt, Code: "50005", Scope: "app", After: 10 * time.Minute}},
		{"throttled, app", get, 200, inner("90018", "slow"), Error{Class: Retry, Code: "90018", After: time.Second}},
		{"throttled, all", create, 200, inner("90002", "slow"), Error{Class: Retry, Code: "90002", After: time.Second}},
		{"quota, old", get, 200, plain("90020"), Error{Class: Halt, Code: "90020", Scope: "counted", After: time.Hour}},
		{"no such method", get, 200, `{"errcode":22,"sub_msg":"不合法ApiName","errmsg":"Invalid method[submsg=x]"}`, Error{Class: Halt, Code: "22", Scope: "api:/topapi/v2/user/get", After: 10 * time.Minute}},
		{"unknown code, write", create, 200, plain("123456"), Error{Class: Retry, Code: "123456", After: 5 * time.Second, Ambiguous: true}},
		{"unknown code, read", get, 200, plain("123456"), Error{Class: Retry, Code: "123456", After: 5 * time.Second}},

		{
			"permission, new", leave, 403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m","requestid":"r1","accessdenieddetail":{"requiredScopes":["Contact.Common.Read"]}}`,
			Error{Class: Halt, Code: "Forbidden.AccessDenied.AccessTokenPermissionDenied", Scope: "permission:Contact.Common.Read", After: 10 * time.Minute, RequiredScopes: []string{"Contact.Common.Read"}},
		},
		{
			"permission, other spelling", leave, 403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m","AccessDeniedDetail":{"requiredScopes":["b","a"]}}`,
			Error{Class: Halt, Code: "Forbidden.AccessDenied.AccessTokenPermissionDenied", Scope: "permission:a", After: 10 * time.Minute, RequiredScopes: []string{"b", "a"}},
		},
		{"address list, new", leave, 403, `{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"m"}`, Error{Class: Halt, Code: "Forbidden.AccessDenied.IpNotInWhiteList", Scope: "ip", After: 10 * time.Minute}},
		{"throttled, new", leave, 403, `{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi","message":"m"}`, Error{Class: Retry, Code: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", After: time.Second}},
		{"throttled, all, new", leave, 403, `{"code":"Forbidden.AccessDenied.QpsLimitForApi","message":"m"}`, Error{Class: Retry, Code: "Forbidden.AccessDenied.QpsLimitForApi", After: time.Second}},
		{"per minute", leave, 403, `{"code":"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi","message":"m"}`, Error{Class: Retry, Code: "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", After: 20 * time.Second}},
		{"quota, new", leave, 403, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg","message":"m"}`, Error{Class: Halt, Code: "Forbidden.AccessDenied.ApiCountLimitForOrg", Scope: "counted", After: time.Hour}},
		{"daily", leave, 400, `{"code":"daily.call.limit","message":"m"}`, Error{Class: Halt, Code: "daily.call.limit", Scope: "api:/v1.0/contact/empLeaveRecords", After: time.Hour}},
		{"parameter", leave, 400, `{"code":"invalidParameter.param.invalid","message":"m","requestid":"r1"}`, Error{Class: Reject, Code: "invalidParameter.param.invalid"}},
		{"server, new", leave, 500, `{"code":"unknownError","message":"m"}`, Error{Class: Retry, Code: "unknownError", After: 2 * time.Second}},
		{"path, new", leave, 200, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, Error{Class: Halt, Code: "404", Scope: "api:/v1.0/contact/empLeaveRecords", After: 10 * time.Minute}},
		{"page not found", leave, 404, `<html>nginx</html>`, Error{Class: Halt, Scope: "api:/v1.0/contact/empLeaveRecords", After: 10 * time.Minute}},
		{"no envelope", get, 200, `{"result":{"userid":"u1"}}`, Error{Class: Retry}},
		{"a list", get, 200, `[]`, Error{Class: Retry}},
		{"success without a result", get, 200, `{"errcode":0}`, Error{Class: Retry}},
		{"success without an id", get, 200, `{"errcode":0,"result":{"name":"n"}}`, Error{Class: Retry}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFar(t)
			for _, path := range []string{pathUserCreate, pathUserGet, pathUserUpdate, pathDepartmentCreate, pathDepartmentUpdate, pathDepartmentDelete, pathLeaveRecords} {
				f.on(path, status(c.code, c.body))
			}
			clock := newClock()
			clock.add(40 * time.Second)
			e := failure(t, c.call(f.client(clock.set, func(cfg *Config) { cfg.Retries = -1 })))
			got := Error{Class: e.Class, Code: e.Code, Field: e.Field, Scope: e.Scope, After: e.After, Ambiguous: e.Ambiguous, Holder: e.Holder}
			want := c.want
			want.RequiredScopes = nil
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
			if !slices.Equal(e.RequiredScopes, c.want.RequiredScopes) {
				t.Errorf("scopes %v", e.RequiredScopes)
			}
			if strings.Contains(c.body, `"r1"`) && e.RequestID != "r1" {
				t.Errorf("request id %q", e.RequestID)
			}
			if e.API == "" || e.Status != c.code {
				t.Errorf("API %q, status %d", e.API, e.Status)
			}
		})
	}
}

// What failures of the calls about approvals and attendance say.
func TestClassificationOfApprovals(t *testing.T) {
	start := func(c *Client) error { return second(c.Approvals.Start(bg(), leaveRequest())) }
	get := func(c *Client) error { return second(c.Approvals.Get(bg(), "i")) }
	ids := func(c *Client) error {
		return last(c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: newClock().now()}))
	}
	terminate := func(c *Client) error { return c.Approvals.Terminate(bg(), "i", "", "") }
	execute := func(c *Client) error { return c.Approvals.Execute(bg(), "i", Task{ID: "1"}, true, "") }
	comment := func(c *Client) error { return c.Approvals.Comment(bg(), "i", "u", "t") }
	redirect := func(c *Client) error { return c.Approvals.Redirect(bg(), Task{ID: "1"}, "u", "") }
	schema := func(c *Client) error { return second(c.Approvals.Template(bg(), "p")) }
	finish := func(c *Client) error { return c.Attendance.FinishApproval(bg(), leaveApproval()) }
	cancel := func(c *Client) error { return c.Attendance.CancelApproval(bg(), "u", "x") }
	for _, c := range []struct {
		call     func(*Client) error
		code     string // numbers: of the old API
		message  string
		want     Error // Class, Field, Scope, After, Ambiguous
		notFound bool
		finished bool
	}{
		{call: start, code: "processCodeError", want: Error{Class: Reject, Field: "process_code"}},
		{call: start, code: "processSetupNoPermission", want: Error{Class: Reject, Field: "process_code"}},
		{call: start, code: "processInstanceInvalidParameter", want: Error{Class: Reject}},
		{call: start, code: "processInstanceStartFailed", want: Error{Class: Reject}},
		{call: start, code: "targetSelectApproverMissing", want: Error{Class: Reject}},
		{call: start, code: "illegalComponent", want: Error{Class: Reject}},
		{call: start, code: "formConverterError", message: "表单值转换失败，失败控件：金额。", want: Error{Class: Reject, Field: "form.金额"}},
		{call: start, code: "formConverterError", message: `失败控件: ["开始时间","结束时间"]`, want: Error{Class: Reject, Field: "form.开始时间"}},
		{call: start, code: "formConverterError", message: "失败控件：", want: Error{Class: Reject}},
		{call: start, code: "internalError", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "sysErrror", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "processGetFailed", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "autoflowLikeTriggerRateLimited", want: Error{Class: Retry, After: time.Second}},
		{call: start, code: "benefitStatusInvalid", want: Error{Class: Halt, Scope: "api:" + pathInstances, After: 10 * time.Minute}},
		{call: start, code: "needAuth", want: Error{Class: Halt, Scope: "api:" + pathInstances, After: 10 * time.Minute}},
		{call: get, code: "processInstanceNotExist", want: Error{Class: Missing}, notFound: true},
		{call: get, code: "processInstanceIdError", want: Error{Class: Reject, Field: "process_instance_id"}},
		{call: get, code: "internalError", want: Error{Class: Retry, After: 2 * time.Second}},
		{call: ids, code: "invalidProcessCode", want: Error{Class: Reject, Field: "process_code"}},
		{call: ids, code: "invalidInstanceListIdsStartTime", want: Error{Class: Reject}},
		{call: terminate, code: "internalError", message: "发起15秒内不允许撤销", want: Error{Class: Reject}},
		{call: terminate, code: "aflowProcessInstNotExist", want: Error{Class: Missing}, notFound: true},
		{call: terminate, code: "aflowProcessInstStatusException", want: Error{Class: Reject}, finished: true},
		{call: terminate, code: "userNotExist", want: Error{Class: Missing, Field: "originator_user_id"}},
		{call: execute, code: "aflowProcessInstStatusException", want: Error{Class: Reject}, finished: true},
		{call: execute, code: "aflowProcessInstCanNotBeExecuted", want: Error{Class: Reject}},
		{call: execute, code: "internalError", want: Error{Class: Reject}},
		{call: comment, code: "internalError", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: redirect, code: "instance.status.error", want: Error{Class: Reject}, finished: true},
		{call: redirect, code: "task.status.error", want: Error{Class: Reject}},
		{call: schema, code: "formNotExist", want: Error{Class: Missing}, notFound: true},
		{call: schema, code: "aflowProcessCodeIsError", want: Error{Class: Missing}, notFound: true},
		{call: schema, code: "noPermission", want: Error{Class: Reject, Field: "process_code"}},
		{call: finish, code: "illegalDurationUnit", want: Error{Class: Reject, Field: "duration_unit"}},
		{call: finish, code: "dateTooEarly", want: Error{Class: Reject, Field: "from_time"}},
		{call: finish, code: "repeatApprovesOverLimit", want: Error{Class: Reject}},

		{call: start, code: "810007", want: Error{Class: Reject, Field: "process_code"}},
		{call: start, code: "8100017", want: Error{Class: Reject, Field: "process_code"}},
		{call: start, code: "810008", want: Error{Class: Reject, Field: "process_code"}},
		{call: start, code: "810003", want: Error{Class: Reject}},
		{call: start, code: "820001", message: "失败控件：事由", want: Error{Class: Reject, Field: "form.事由"}},
		{call: start, code: "820004", want: Error{Class: Missing, Field: "process_code"}},
		{call: start, code: "830001", want: Error{Class: Missing, Field: "process_code"}},
		{call: start, code: "820008", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "820011", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "15", want: Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{call: start, code: "40056", want: Error{Class: Reject}},
		{call: get, code: "820004", want: Error{Class: Missing}, notFound: true},
		{call: terminate, code: "820004", want: Error{Class: Missing}, notFound: true},
		{call: terminate, code: "820008", message: "不允许撤销", want: Error{Class: Reject}},
		{call: terminate, code: "820005", want: Error{Class: Reject}, finished: true},
		{call: terminate, code: "820006", want: Error{Class: Reject}, finished: true},
		{call: execute, code: "820012", want: Error{Class: Reject}, finished: true},
		{call: ids, code: "820004", want: Error{Class: Missing, Field: "process_code"}},
		{call: cancel, code: "400002", want: Error{Class: Reject}},
	} {
		t.Run(c.code, func(t *testing.T) {
			f := newFar(t)
			_, err := strconv.Atoi(c.code)
			old := err == nil
			answer := status(400, fmt.Sprintf(`{"code":%q,"message":%q}`, c.code, c.message))
			if old {
				answer = ok(`{"errcode":%s,"errmsg":%q}`, c.code, c.message)
			}
			for _, path := range allPaths {
				f.on(path, answer)
			}
			e := failure(t, c.call(f.client(newClock().set, func(cfg *Config) { cfg.OldApprovals = old })))
			if got := (Error{Class: e.Class, Field: e.Field, Scope: e.Scope, After: e.After, Ambiguous: e.Ambiguous}); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) || e.Code != c.code {
				t.Errorf("got  %#v\nwant %#v", got, c.want)
			}
			if IsNotFound(e) != c.notFound || IsFinished(e) != c.finished {
				t.Errorf("not found: %t, finished: %t", IsNotFound(e), IsFinished(e))
			}
		})
	}
}

func TestPredicates(t *testing.T) {
	for _, c := range []struct {
		code, api                string
		missing, exists, outside bool
	}{
		{"60121", pathUserGet, true, false, false},
		{"33012", pathUserDelete, true, false, false},
		{"60121", "", true, false, false},
		{"60003", pathDepartmentGet, true, false, false},
		{"60003", pathUserList, true, false, false},
		{"60003", pathUserCreate, false, false, false},
		{"60003", pathDepartmentCreate, false, false, false},
		{"60121", pathDepartmentUpdate, false, false, false},
		{"33012", pathRoleAssign, false, false, false},
		{"33011", pathRoleGet, true, false, false},
		{"33011", pathRoleAssign, false, false, false},
		{"60102", pathUserCreate, false, true, false},
		{"50002", pathUserGet, false, false, true},
		{"50004", pathDepartmentGet, false, false, true},
		{"90018", pathUserGet, false, false, false},
	} {
		err := fmt.Errorf("wrapped: %w", &Error{Code: c.code, API: c.api})
		if IsNotFound(err) != c.missing || IsExists(err) != c.exists || IsOutOfScope(err) != c.outside {
			t.Errorf("%s of %s: %v %v %v", c.code, c.api, IsNotFound(err), IsExists(err), IsOutOfScope(err))
		}
	}
	if IsNotFound(nil) || IsExists(errors.New("x")) || IsOutOfScope(nil) {
		t.Error("a foreign error has a code")
	}
}

func TestErrorPrintsWhatIsKnown(t *testing.T) {
	e := &Error{Class: Reject, API: pathUserCreate, Code: "60104", Field: "mobile", Message: "已存在"}
	if got, want := e.Error(), "dingtalk /topapi/v2/user/create: reject, code 60104, field mobile: 已存在"; got != want {
		t.Errorf("%q", got)
	}
	e = &Error{Class: Retry, Status: 502, Ambiguous: true, Err: errors.New("cut")}
	if got, want := e.Error(), "dingtalk: retry, HTTP 502: cut (it may have taken effect)"; got != want {
		t.Errorf("%q", got)
	}
}

// Every field that a code blames must exist in one of the tables, or be the receivers of a message.
func TestCodeTableNamesRealFields(t *testing.T) {
	known := func(field string) bool {
		return field == receiversField || slices.ContainsFunc(Kinds(), func(k Kind) bool { _, ok := k.Field(field); return ok })
	}
	for code, v := range oldCodes {
		if v.class == 0 || (v.field != "" && !known(v.field)) || (v.class == Halt) != (v.scope != "") {
			t.Errorf("%s: %+v", code, v)
		}
	}
	for path, fields := range fieldByCall {
		for code, field := range fields {
			if _, ok := oldCodes[code]; !ok || (field != "" && !known(field)) {
				t.Errorf("%s %s: %s", path, code, field)
			}
		}
	}
}

// What a code means does not depend on what the app's secret happens to be.
func TestASecretThatIsPartOfACode(t *testing.T) {
	f := newFar(t)
	f.on(at(pathCalendarEvent, "A", "e1"), status(403, `{"code":"Forbidden.AccessDenied.QpsLimitForApi","message":"m"}`))
	_, err := f.client(func(cfg *Config) { cfg.AppSecret = "Access" }).Calendars.Get(bg(), "A", "e1")
	if e := failure(t, err); e.Class != Retry || !e.throttled() || strings.Contains(e.Error(), "Access") {
		t.Errorf("%v", e)
	}
}

// What a write of the new generation answers is documented of few of them.
func TestWritesThatAnswerNothing(t *testing.T) {
	for _, answer := range []answerFunc{ok(``), ok(`null`), ok(`{}`), status(204, ``)} {
		f := newFar(t)
		f.on(at(pathCalendarEvent, "A", "e1"), answer)
		f.on(at(pathCalendarAttendees, "A", "e1"), answer)
		f.on(at(pathTodo, "A", "t1"), answer)
		c := f.client()
		for what, err := range map[string]error{
			"update": c.Calendars.Update(bg(), Object{"id": "e1", "organizer": "A", "summary": "x"}, CalendarOptions{}),
			"delete": c.Calendars.Delete(bg(), "A", "e1", CalendarOptions{}),
			"invite": c.Calendars.AddAttendees(bg(), "A", "e1", []string{"B"}, nil, CalendarOptions{}),
			"to-do":  c.Todos.Delete(bg(), "A", "t1"),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
