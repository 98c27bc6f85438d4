package dingtalk

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func oldApprovals(cfg *Config) { cfg.OldApprovals = true }

func leaveRequest() StartRequest {
	return StartRequest{
		ProcessCode: "PROC-1", Originator: "u1", DeptID: "-1",
		Form: []FormValue{{ID: "TextField_1", Name: "事由", Type: "TextField", Value: "病"}},
	}
}

func TestStartSaysWhatTheWireTakes(t *testing.T) {
	full := leaveRequest()
	full.Approvers = []ApproverLevel{{Action: "AND", Users: []string{"u2", "u3"}}, {Action: "OR", Users: []string{"u4"}}}
	full.CC, full.Select = []string{"u5"}, []SelectedActors{{Key: "manual_1", Users: []string{"u6"}}}
	copied := leaveRequest()
	copied.CC, copied.CCPosition = []string{"u5"}, "START"
	explicit := full
	explicit.DeptID, explicit.Select, explicit.CCPosition = "", nil, "START_FINISH"
	form := `"formComponentValues":[{"componentType":"TextField","id":"TextField_1","name":"事由","value":"病"}],"originatorUserId":"u1","processCode":"PROC-1"`
	for _, c := range []struct {
		name    string
		request StartRequest
		want    string
	}{
		{"the configured flow", leaveRequest(), `{"deptId":-1,` + form + `}`},
		{"copied without approvers, which DingTalk ignores", copied, `{"deptId":-1,` + form + `}`},
		{
			"everything", full,
			`{"approvers":[{"actionType":"AND","userIds":["u2","u3"]},{"actionType":"NONE","userIds":["u4"]}],"ccList":["u5"],"ccPosition":"FINISH","deptId":-1,` +
				form + `,"targetSelectActioners":[{"actionerKey":"manual_1","actionerUserIds":["u6"]}]}`,
		},
		{
			"approvers instead of a department", explicit,
			`{"approvers":[{"actionType":"AND","userIds":["u2","u3"]},{"actionType":"NONE","userIds":["u4"]}],"ccList":["u5"],"ccPosition":"START_FINISH",` + form + `}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathInstances, ok(`{"instanceId":"i1"}`))
			id, err := f.client().Approvals.Start(bg(), c.request)
			if err != nil || id != "i1" {
				t.Errorf("%q %v", id, err)
			}
			if got := f.last(pathInstances).raw; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestStartInTheOldAPI(t *testing.T) {
	f := newFar(t)
	f.on(pathOldStart, ok(`{"errcode":0,"process_instance_id":"i1"}`))
	r := leaveRequest()
	r.Form[0].ExtValue = "{}"
	r.Approvers, r.CC = []ApproverLevel{{Action: "OR", Users: []string{"u2", "u3"}}, {Users: []string{"u4"}}}, []string{"u5", "u6"}
	id, err := f.client(oldApprovals).Approvals.Start(bg(), r)
	want := `{"approvers_v2":[{"task_action_type":"OR","user_ids":["u2","u3"]},{"task_action_type":"NONE","user_ids":["u4"]}],"cc_list":"u5,u6","cc_position":"FINISH",` +
		`"dept_id":-1,"form_component_values":[{"component_type":"TextField","ext_value":"{}","id":"TextField_1","name":"事由","value":"病"}],"originator_user_id":"u1","process_code":"PROC-1"}`
	if err != nil || id != "i1" || f.last(pathOldStart).raw != want {
		t.Errorf("%q %v\n%s", id, err, f.last(pathOldStart).raw)
	}
	r.DeptID = ""
	if _, err := f.client(oldApprovals).Approvals.Start(bg(), r); failure(t, err).Field != "dept_id" {
		t.Error(err)
	}
	r = leaveRequest()
	r.Select = []SelectedActors{{Key: "k", Users: []string{"u"}}}
	if _, err := f.client(oldApprovals).Approvals.Start(bg(), r); !errors.Is(err, ErrNotInOldAPI) {
		t.Error(err)
	}
}

// An answer that is lost, or does not say what was made, is never asked for again: there would be two instances.
func TestStartIsNeverRepeated(t *testing.T) {
	for name, answer := range map[string]answerFunc{
		"dropped":          func(call) reply { return reply{drop: true} },
		"cut":              func(call) reply { return reply{body: `{"instanceId":"i1"}`, cut: true} },
		"gateway":          status(502, "<html>"),
		"system error":     status(500, `{"code":"systemError","message":"m"}`),
		"internal error":   status(400, `{"code":"internalError","message":"m"}`),
		"sic":              status(400, `{"code":"sysErrror","message":"m"}`),
		"no id":            ok(`{}`),
		"no id, in result": ok(`{"result":{}}`),
		"nothing":          ok(""),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathInstances, answer)
			_, err := f.client().Approvals.Start(bg(), leaveRequest())
			if e := failure(t, err); e.Class != Retry || !e.Ambiguous || len(f.called(pathInstances)) != 1 {
				t.Errorf("%v, %d calls", e, len(f.called(pathInstances)))
			}
		})
	}
	for name, answer := range map[string]answerFunc{
		"dropped": func(call) reply { return reply{drop: true} }, "system error": ok(`{"errcode":820008,"errmsg":"审批系统错误"}`), "no id": ok(`{"errcode":0}`),
	} {
		t.Run("old, "+name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathOldStart, answer)
			_, err := f.client(oldApprovals).Approvals.Start(bg(), leaveRequest())
			if e := failure(t, err); e.Class != Retry || !e.Ambiguous || len(f.called(pathOldStart)) != 1 {
				t.Errorf("%v, %d calls", e, len(f.called(pathOldStart)))
			}
		})
	}
}

func TestStartRefusesWithoutACall(t *testing.T) {
	c := newFar(t).client()
	people := make([]string, 60)
	for field, change := range map[string]func(*StartRequest){
		"process_code":       func(r *StartRequest) { r.ProcessCode = "" },
		"originator_user_id": func(r *StartRequest) { r.Originator = "" },
		"dept_id":            func(r *StartRequest) { r.DeptID = "" },
		"dept_id ":           func(r *StartRequest) { r.DeptID = "0" },
		"dept_id  ":          func(r *StartRequest) { r.DeptID = "x" },
		"form":               func(r *StartRequest) { r.Form = nil },
		"form ":              func(r *StartRequest) { r.Form = make([]FormValue, 151) },
		"approvers":          func(r *StartRequest) { r.Approvers = make([]ApproverLevel, 21) },
		"approvers ":         func(r *StartRequest) { r.Approvers = make([]ApproverLevel, 1) },
		"approvers  ":        func(r *StartRequest) { r.Approvers = []ApproverLevel{{Action: "NONE", Users: people[:2]}} },
		"cc":                 func(r *StartRequest) { r.CC = people },
		"cc_position":        func(r *StartRequest) { r.CCPosition = "END" },
		"select":             func(r *StartRequest) { r.Select = make([]SelectedActors, 21) },
	} {
		r := leaveRequest()
		change(&r)
		_, err := c.Approvals.Start(bg(), r)
		if e := failure(t, err); e.Class != Reject || e.Field != strings.TrimSpace(field) {
			t.Errorf("%q: %v", field, e)
		}
	}
}

const instanceJSON = `{"success":"true","result":{"title":"张三提交的请假","createTime":"2022-08-31T11:52Z","finishTime":"2022-08-31T12:05:07Z",
	"originatorUserId":"u1","originatorDeptId":-1,"originatorDeptName":"x","status":"COMPLETED","result":"agree","businessId":"202208311152000000001",
	"bizAction":"NONE","attachedProcessInstanceIds":["i2"],"mainProcessInstanceId":"","approverUserIds":[],"ccUserIds":["u9"],
	"formComponentValues":[{"id":"TextField_1","name":"事由","value":"null","componentType":"TextField","bizAlias":"why"},
		{"id":"C_1","name":"抄送","value":"李四","extValue":"[{\"emplId\":\"u4\",\"name\":\"李四\"}]","componentType":"InnerContactField"},{"id":"N_1","name":"数量","componentType":"NumberField"}],
	"operationRecords":[{"userId":"u1","date":"2022-08-31T11:52Z","type":"START_PROCESS_INSTANCE","result":"NONE"},
		{"userId":"u2","date":"2022-08-31T12:05Z","type":"EXECUTE_TASK_NORMAL","result":"AGREE","remark":"好","activityId":"a1","showName":"主管","ccUserIds":["u3"]}],
	"tasks":[{"taskId":69000000001,"userId":"u2","status":"COMPLETED","result":"AGREE","createTime":"2022-08-31T11:52Z","finishTime":"2022-08-31T12:05Z","activityId":"a1"},
		{"taskId":"69000000002","userId":"u3","status":"RUNNING","result":"NONE","createTime":"2022-08-31T11:52Z"}]}}`

func TestGet(t *testing.T) {
	f := newFar(t)
	f.on(pathInstances, ok("%s", instanceJSON))
	in, err := f.client().Approvals.Get(bg(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute, second int) time.Time {
		return time.Date(2022, 8, 31, hour, minute, second, 0, time.UTC)
	}
	want := Instance{
		ID: "i1", Title: "张三提交的请假", BusinessID: "202208311152000000001", Originator: "u1", DeptID: "-1", Status: "COMPLETED", Result: "agree",
		BizAction: "NONE", Attached: []string{"i2"}, Created: at(11, 52, 0), Finished: at(12, 5, 7),
		Form: []FormValue{
			{ID: "TextField_1", Alias: "why", Name: "事由", Type: "TextField", Value: "null"},
			{ID: "C_1", Name: "抄送", Type: "InnerContactField", Value: "李四", ExtValue: `[{"emplId":"u4","name":"李四"}]`},
			{ID: "N_1", Name: "数量", Type: "NumberField"},
		},
		Steps: []Step{
			{UserID: "u1", At: at(11, 52, 0), Type: "START_PROCESS_INSTANCE", Result: "NONE"},
			{UserID: "u2", At: at(12, 5, 0), Type: "EXECUTE_TASK_NORMAL", Result: "AGREE", Remark: "好", Activity: "a1", Name: "主管", CC: []string{"u3"}},
		},
		Tasks: []Task{
			{ID: "69000000001", UserID: "u2", Status: "COMPLETED", Result: "AGREE", Created: at(11, 52, 0), Finished: at(12, 5, 0), Activity: "a1"},
			{ID: "69000000002", UserID: "u3", Status: "RUNNING", Result: "NONE", Created: at(11, 52, 0)},
		},
	}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("got  %+v\nwant %+v", in, want)
	}
	if got := f.last(pathInstances).query.Encode(); got != "processInstanceId=i1" {
		t.Error(got)
	}
}

func TestGetInTheOldAPI(t *testing.T) {
	f := newFar(t)
	f.on(pathOldGet, ok(`{"errcode":0,"process_instance":{"title":"t","create_time":"2022-08-31 19:52:00","finish_time":"2022-08-31 20:05:07","originator_userid":"u1",
		"originator_dept_id":"5","status":"CANCELED","result":"NONE","business_id":"b","biz_action":"REVOKE","attached_process_instance_ids":["i2"],"main_process_instance_id":"i0",
		"form_component_values":[{"id":"x","name":"n","value":"v","ext_value":"e","component_type":"TextField","biz_alias":"al"}],
		"operation_records":[{"userid":"u2","date":"2022-08-31 20:05:07","operation_type":"EXECUTE_TASK_NORMAL","operation_result":"REFUSE","remark":"否","activity_id":"a1","show_name":"主管","cc_userids":["u3"]}],
		"tasks":[{"taskid":"69","userid":"u2","task_status":"COMPLETED","task_result":"REFUSE","create_time":"2022-08-31 19:52:00","finish_time":"2022-08-31 20:05:07","activity_id":"a1"}]}}`))
	in, err := f.client(oldApprovals).Approvals.Get(bg(), "i1")
	begun, ended := time.Date(2022, 8, 31, 11, 52, 0, 0, time.UTC), time.Date(2022, 8, 31, 12, 5, 7, 0, time.UTC)
	want := Instance{
		ID: "i1", Title: "t", BusinessID: "b", Originator: "u1", DeptID: "5", Status: "TERMINATED", BizAction: "REVOKE", Main: "i0", Attached: []string{"i2"},
		Created: begun, Finished: ended, Form: []FormValue{{ID: "x", Alias: "al", Name: "n", Type: "TextField", Value: "v", ExtValue: "e"}},
		Steps: []Step{{UserID: "u2", At: ended, Type: "EXECUTE_TASK_NORMAL", Result: "REFUSE", Remark: "否", Activity: "a1", Name: "主管", CC: []string{"u3"}}},
		Tasks: []Task{{ID: "69", UserID: "u2", Status: "COMPLETED", Result: "REFUSE", Created: begun, Finished: ended, Activity: "a1"}},
	}
	if err != nil || !reflect.DeepEqual(in, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, in, want)
	}
}

func TestGetOfWhatIsNotThere(t *testing.T) {
	f := newFar(t)
	for _, c := range []struct {
		path     string
		answer   answerFunc
		change   func(*Config)
		notFound bool
	}{
		{pathInstances, status(400, `{"code":"processInstanceNotExist","message":"m"}`), func(*Config) {}, true},
		{pathInstances, ok(`{"success":"true"}`), func(*Config) {}, false},
		{pathInstances, ok(`{"success":"true","result":{}}`), func(*Config) {}, false},
		{pathInstances, status(400, `{"code":"processInstanceIdError","message":"m"}`), func(*Config) {}, false},
		{pathOldGet, ok(`{"errcode":820004,"errmsg":"m"}`), oldApprovals, true},
		{pathOldGet, ok(`{"errcode":0}`), oldApprovals, false},
	} {
		f.on(c.path, c.answer)
		_, err := f.client(c.change).Approvals.Get(bg(), "i1")
		if failure(t, err); IsNotFound(err) != c.notFound {
			t.Errorf("%v", err)
		}
	}
}

func TestMoment(t *testing.T) {
	for given, want := range map[any]string{
		"2022-08-31T11:52Z": "2022-08-31T11:52:00Z", "2022-08-31T11:52:09Z": "2022-08-31T11:52:09Z", "2022-08-31T19:52+08:00": "2022-08-31T11:52:00Z",
		"2022-08-31 19:52:09": "2022-08-31T11:52:09Z", "2022-08-31 19:52": "2022-08-31T11:52:00Z", int64(1661946720000): "2022-08-31T11:52:00Z",
		"": "0001-01-01T00:00:00Z", "soon": "0001-01-01T00:00:00Z", nil: "0001-01-01T00:00:00Z",
	} {
		if got := moment(given).Format(time.RFC3339); got != want {
			t.Errorf("%v: %s", given, got)
		}
	}
}

func TestActs(t *testing.T) {
	long := strings.Repeat("长", 2000)
	for _, c := range []struct {
		path   string
		change func(*Config)
		do     func(*ApprovalService) error
		want   string
	}{
		{pathInstanceTerminate, nil, func(a *ApprovalService) error { return a.Terminate(bg(), "i1", "撤", "") }, `{"isSystem":true,"processInstanceId":"i1","remark":"撤"}`},
		{pathInstanceTerminate, nil, func(a *ApprovalService) error { return a.Terminate(bg(), "i1", "", "u1") }, `{"isSystem":false,"operatingUserId":"u1","processInstanceId":"i1"}`},
		{pathOldTerminate, oldApprovals, func(a *ApprovalService) error { return a.Terminate(bg(), "i1", "撤", "u1") }, `{"request":{"is_system":false,"operating_userid":"u1","process_instance_id":"i1","remark":"撤"}}`},
		{pathInstanceComment, nil, func(a *ApprovalService) error { return a.Comment(bg(), "i1", "u1", "嗯") }, `{"commentUserId":"u1","processInstanceId":"i1","text":"嗯"}`},
		{pathInstanceComment, nil, func(a *ApprovalService) error { return a.Comment(bg(), "i1", "u1", long) }, `{"commentUserId":"u1","processInstanceId":"i1","text":"` + long[:1023*len("长")] + `…"}`},
		{pathOldComment, oldApprovals, func(a *ApprovalService) error { return a.Comment(bg(), "i1", "u1", "嗯") }, `{"request":{"comment_userid":"u1","process_instance_id":"i1","text":"嗯"}}`},
		{pathInstanceExecute, nil, func(a *ApprovalService) error {
			return a.Execute(bg(), "i1", Task{ID: "69", UserID: "u2"}, true, "好")
		}, `{"actionerUserId":"u2","processInstanceId":"i1","remark":"好","result":"agree","taskId":69}`},
		{pathOldExecute, oldApprovals, func(a *ApprovalService) error { return a.Execute(bg(), "i1", Task{ID: "69", UserID: "u2"}, false, "") }, `{"request":{"actioner_userid":"u2","process_instance_id":"i1","result":"refuse","task_id":69}}`},
		{pathTaskRedirect, nil, func(a *ApprovalService) error { return a.Redirect(bg(), Task{ID: "69", UserID: "u2"}, "u3", "请看") }, `{"operateUserId":"u2","remark":"请看","taskId":69,"toUserId":"u3"}`},
	} {
		f := newFar(t)
		f.on(c.path, inTurn(ok(`{"errcode":0,"result":true,"success":true}`), ok(`{"errcode":0,"result":false}`), ok(`{"errcode":0,"success":"false"}`), func(call) reply { return reply{drop: true} }))
		client := f.client(func(cfg *Config) {
			if c.change != nil {
				c.change(cfg)
			}
		})
		if err := c.do(client.Approvals); err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
		if got := f.last(c.path).raw; got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		for n := 2; n <= 4; n++ {
			if e := failure(t, c.do(client.Approvals)); !e.Ambiguous || e.Class != Retry || len(f.called(c.path)) != n {
				t.Errorf("%s: %v, call %d of %d", c.path, e, n, len(f.called(c.path)))
			}
		}
	}
}

func TestClip(t *testing.T) {
	for _, n := range []int{0, 1, 1023, 1024, 1025, 5000} {
		got := clip(strings.Repeat("界", n), 1024)
		if utf8.RuneCountInString(got) != min(n, 1024) || !utf8.ValidString(got) || (n > 1024) != strings.HasSuffix(got, "…") {
			t.Errorf("%d: %d runes", n, utf8.RuneCountInString(got))
		}
	}
}

func TestActsRefuseWithoutACall(t *testing.T) {
	for _, change := range []func(*Config){func(*Config) {}, oldApprovals} {
		a := newFar(t).client(change).Approvals
		for _, err := range []error{
			second(a.Get(bg(), "")), a.Terminate(bg(), "", "r", ""), a.Comment(bg(), "", "u", "t"), a.Comment(bg(), "i", "u", ""),
			a.Execute(bg(), "i", Task{ID: "x"}, true, ""), a.Execute(bg(), "", Task{ID: "1"}, true, ""), second(a.FileURL(bg(), "", "f")),
			last(a.IDs(bg(), IDsQuery{})), last(a.IDs(bg(), IDsQuery{ProcessCode: "p"})), second(a.Template(bg(), "")),
		} {
			if e := failure(t, err); e.Class != Reject {
				t.Errorf("%v", e)
			}
		}
	}
	if e := failure(t, newFar(t).client().Approvals.Redirect(bg(), Task{ID: "-"}, "u", "")); e.Field != "task_id" {
		t.Errorf("%v", e)
	}
}

func TestNotInTheOldAPI(t *testing.T) {
	clock := newClock()
	a := newFar(t).client(oldApprovals, clock.set).Approvals
	running := IDsQuery{ProcessCode: "p", From: clock.now(), Statuses: []string{"RUNNING"}}
	for name, err := range map[string]error{
		"Template": second(a.Template(bg(), "p")), "Forecast": second(a.Forecast(bg(), leaveRequest())),
		"Redirect": a.Redirect(bg(), Task{ID: "1"}, "u", ""), "statuses": last(a.IDs(bg(), running)),
	} {
		if e := failure(t, err); !errors.Is(err, ErrNotInOldAPI) || e.Class != Reject {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFileURL(t *testing.T) {
	f := newFar(t)
	f.on(pathInstanceFile, inTurn(ok(`{"success":true,"result":{"spaceId":1,"fileId":"f","downloadUri":"https://x/y?sig=1"}}`), ok(`{"success":true,"result":{}}`)))
	f.on(pathOldFile, ok(`{"errcode":0,"result":{"download_uri":"https://x/z"}}`))
	a := f.client().Approvals
	if u, err := a.FileURL(bg(), "i1", "f"); err != nil || u != "https://x/y?sig=1" || f.last(pathInstanceFile).raw != `{"fileId":"f","processInstanceId":"i1"}` {
		t.Errorf("%s %v", u, err)
	}
	if _, err := a.FileURL(bg(), "i1", "f"); failure(t, err).Class != Retry {
		t.Error(err)
	}
	if u, err := f.client(oldApprovals).Approvals.FileURL(bg(), "i1", "f"); err != nil || u != "https://x/z" || f.last(pathOldFile).raw != `{"request":{"file_id":"f","process_instance_id":"i1"}}` {
		t.Errorf("%s %v", u, err)
	}
}
