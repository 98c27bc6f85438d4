package dingtalk

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScopes(t *testing.T) {
	f := newFar(t)
	f.on(pathScopes, ok(`{"errcode":0,"errmsg":"ok","auth_user_field":["name","email"],"condition_field":[],"auth_org_scopes":{"authed_user":["u1001"],"authed_dept":[1,"5"]}}`))
	s, err := f.client().Contacts.Scopes(bg())
	if err != nil || !slices.Equal(s.UserFields, []string{"name", "email"}) || !slices.Equal(s.Departments, []int64{1, 5}) || !slices.Equal(s.Users, []string{"u1001"}) {
		t.Errorf("%+v %v", s, err)
	}
	f.on(pathScopes, ok(`{"errcode":0}`))
	if _, err := f.client().Contacts.Scopes(bg()); err == nil {
		t.Error("an answer without scopes passed for an empty scope")
	}
}

func TestLeaveRecords(t *testing.T) {
	f := newFar(t)
	f.on(pathLeaveRecords, inTurn(
		ok(`{"nextToken":"50","records":[{"userId":"u1","name":"n","stateCode":"86","mobile":"138","leaveTime":"2026-03-01T08:00:00Z","leaveReason":"oapi"}]}`),
		ok(`{"nextToken":"","records":[{"userId":"u2","leaveTime":1772352000000,"leaveReason":"leave"}]}`),
		ok(`{"records":[{"userId":"u3","leaveTime":"2026-08-01T16:00+08:00"}]}`)))
	from := time.Date(2025, 6, 1, 8, 0, 0, 0, time.FixedZone("", 8*3600))
	to := time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC)
	var got []LeaveRecord
	for r, err := range f.client().Contacts.LeaveRecords(bg(), from, to) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 3 || got[0] != (LeaveRecord{UserID: "u1", Name: "n", Reason: "oapi", StateCode: "86", Mobile: "138", LeaveTime: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}) {
		t.Errorf("%+v", got)
	}
	if !got[1].LeaveTime.Equal(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)) || !got[2].LeaveTime.Equal(time.Date(2026, 8, 1, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("%v", got)
	}
	var asked []string
	for _, c := range f.called(pathLeaveRecords) {
		asked = append(asked, fmt.Sprint(c.query.Get("startTime"), " ", c.query.Get("endTime"), " ", c.query.Get("nextToken"), " ", c.query.Get("maxResults")))
	}
	want := []string{
		"2025-06-01T00:00:00Z 2026-06-01T00:00:00Z 0 50",
		"2025-06-01T00:00:00Z 2026-06-01T00:00:00Z 50 50",
		"2026-06-01T00:00:00Z 2026-08-22T00:00:00Z 0 50",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
}

func TestLeaveRecordsThatDoNotGoOn(t *testing.T) {
	f := newFar(t)
	f.on(pathLeaveRecords, ok(`{"nextToken":"7","records":[{"userId":"u1"}]}`))
	var last error
	for _, err := range f.client().Contacts.LeaveRecords(bg(), newClock().now(), newClock().now().Add(time.Hour)) {
		last = err
	}
	if e := failure(t, last); e.Class != Retry || len(f.called(pathLeaveRecords)) != 2 {
		t.Errorf("%v", e)
	}
	for _, err := range f.client().Contacts.LeaveRecords(bg(), time.Time{}, newClock().now()) {
		if failure(t, err).Class != Reject {
			t.Errorf("%v", err)
		}
	}
}

func TestByTokenDoesNotTouchTheCallersQuery(t *testing.T) {
	f := newFar(t)
	f.on("/v1.0/x", inTurn(ok(`{"nextToken":"1","rows":[]}`), ok(`{}`)))
	query := url.Values{"nextToken": {"0"}}
	for range f.client().byToken(bg(), "/v1.0/x", query, "rows") {
	}
	if query.Get("nextToken") != "0" {
		t.Error(query)
	}
}

func TestFailedCallbacks(t *testing.T) {
	f := newFar(t)
	f.on(PathCallbacksFailed, inTurn(
		ok(`{"errcode":0,"errmsg":"ok","has_more":true,"failed_list":[
			{"call_back_tag":"user_add_org","event_time":1606126433000,"user_add_org":{"corpid":"ding1","userid":["u1","u2"]}},
			{"call_back_tag":"org_dept_modify","event_time":"1606126433001","org_dept_modify":{"corpid":"ding1","callbackData":"{\"deptId\":[5]}"}}]}`),
		ok(`{"errcode":0,"has_more":true,"failed_list":[
			{"call_back_tag":"bpms_instance_change","event_time":1606126433000,"bpms_instance_change":{"corpid":"ding1","bpmsCallBackData":{"processInstanceId":"p","staffId":"u3"}}},
			{"call_back_tag":"label_conf_add","event_time":1606126433000,"label_conf_add":{"corpid":"ding1","roleLabelChange":{"labelIdList":[9]}}},
			{"call_back_tag":"org_change","event_time":1606126433000},
			{"event_time":1606126433000},"nothing"]}`),
		ok(`{"errcode":0,"has_more":false,"failed_list":[]}`)))
	var got []Event
	for page, err := range f.client().Callbacks.Failed(bg()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
	}
	if len(got) != 5 || len(f.called(PathCallbacksFailed)) != 3 {
		t.Fatalf("%d events, %d calls", len(got), len(f.called(PathCallbacksFailed)))
	}
	if e := got[0]; e.Type != "user_add_org" || e.CorpID != "ding1" || !slices.Equal(e.UserIDs(), []string{"u1", "u2"}) || e.Born.UnixMilli() != 1606126433000 || len(e.ID) != 71 {
		t.Errorf("%+v", e)
	}
	if !slices.Equal(got[1].DepartmentIDs(), []string{"5"}) || !slices.Equal(got[2].UserIDs(), []string{"u3"}) || !slices.Equal(got[3].RoleIDs(), []string{"9"}) || string(got[4].Data) != "{}" {
		t.Errorf("%+v", got[1:])
	}
}

// A page is asked for only when the one before was taken: what is read may be gone.
func TestFailedCallbacksAreReadAPageAtATime(t *testing.T) {
	f := newFar(t)
	f.on(PathCallbacksFailed, ok(`{"errcode":0,"has_more":true,"failed_list":[
		{"call_back_tag":"org_change","event_time":1,"org_change":{}},{"call_back_tag":"org_change","event_time":2,"org_change":{}}]}`))
	for page, err := range f.client().Callbacks.Failed(bg()) {
		if err != nil || len(page) != 2 {
			t.Fatal(page, err)
		}
		break
	}
	if n := len(f.called(PathCallbacksFailed)); n != 1 {
		t.Errorf("%d calls", n)
	}
	long := strings.Repeat("x", 1000)
	f.on(PathCallbacksFailed, ok(`{"errcode":0,"failed_list":[{"call_back_tag":%q}]}`, long))
	for page, err := range f.client().Callbacks.Failed(bg()) {
		if err != nil || len(page) != 1 || len(page[0].Type) > maxName {
			t.Errorf("a type is not bounded: %v %v", page, err)
		}
	}
}

// Whether reading takes entries off the list is not documented.
func TestFailedCallbacksThatStayOnTheList(t *testing.T) {
	f := newFar(t)
	f.on(PathCallbacksFailed, ok(`{"errcode":0,"has_more":true,"failed_list":[{"call_back_tag":"org_change","event_time":1,"org_change":{}}]}`))
	n := 0
	for page, err := range f.client().Callbacks.Failed(bg()) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
	}
	if n != 1 || len(f.called(PathCallbacksFailed)) != 2 {
		t.Errorf("%d events, %d calls", n, len(f.called(PathCallbacksFailed)))
	}
}
