package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	workflowInstances = "/v1.0/workflow/processInstances"
	instanceQuery     = "/v1.0/workflow/processes/instanceIds/query"
	instanceTerminate = workflowInstances + "/terminate"
	instanceExecute   = workflowInstances + "/execute"
	instanceComment   = workflowInstances + "/comments"
	taskRedirect      = "/v1.0/workflow/tasks/redirect"
)

// office adds three people and a department to the bench: ann (research), bob and cho (root).
func (b *bench) office() (dept int64) {
	b.t.Helper()
	b.Quiet(func() {
		dept = b.AddDepartment(Department{Name: "研发"})
		b.AddUser(User{UserID: "ann", Name: "安", Departments: []int64{dept}})
		b.AddUser(User{UserID: "bob", Name: "鲍"})
		b.AddUser(User{UserID: "cho", Name: "赵", AdminLevel: 1})
	})
	return dept
}

// simple adds a template with one text and returns its code.
func (b *bench) simple(flow ...Node) string {
	return b.AddTemplate(Template{Name: "采购", Components: []Component{{Type: "TextField", Label: "标题"}}, Flow: flow})
}

func (b *bench) begin(code string) string {
	b.t.Helper()
	id, err := b.StartInstance(code, "bob", -1, map[string]any{"标题": "x"})
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// told lists the events of approvals: instance events by type and result, task events with the person.
func (b *bench) told() (out []string) {
	for _, e := range b.Events() {
		data := b.decode(e.Data)
		text := fmt.Sprint(data["type"])
		if r := data["result"]; r != nil {
			text += " " + fmt.Sprint(r)
		}
		switch e.Type {
		case "bpms_instance_change":
			out = append(out, text)
		case "bpms_task_change":
			out = append(out, fmt.Sprint(data["staffId"], " ", text))
		}
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code int, v1 string) {
	t.Helper()
	no, ok := err.(*Refusal) //nolint:errorlint // acts return it plainly
	if !ok || no.Code != code || no.v1 != v1 {
		t.Errorf("want %d %s, got %v", code, v1, err)
	}
}

func TestFlows(t *testing.T) {
	two := []string{"ann", "cho"}
	for name, test := range map[string]struct {
		flow   []Node
		act    func(*bench, string) error
		events []string
	}{
		"all must agree": {
			[]Node{{Name: "会签", Users: two, Mode: ModeAnd}},
			func(b *bench, id string) error { return b.Agree(id, "好") },
			[]string{"start", "ann start", "cho start", "ann finish agree", "cho finish agree", "finish agree"},
		},
		"one suffices": {
			[]Node{{Name: "或签", Users: two, Mode: ModeOr}},
			func(b *bench, id string) error { return b.AgreeAs(id, "cho", "") },
			[]string{"start", "ann start", "cho start", "cho finish agree", "ann cancel", "finish agree"},
		},
		"each in turn": {
			[]Node{{Name: "依次", Users: two, Mode: ModeOneByOne}},
			func(b *bench, id string) error { return b.Agree(id, "") },
			[]string{"start", "ann start", "ann finish agree", "cho start", "cho finish agree", "finish agree"},
		},
		"one refuses": {
			[]Node{{Name: "会签", Users: two, Mode: ModeAnd}},
			func(b *bench, id string) error { return b.RefuseAs(id, "cho", "不行") },
			[]string{"start", "ann start", "cho start", "cho finish refuse", "ann cancel", "finish refuse"},
		},
		"the first refuses": {
			[]Node{{Name: "依次", Users: two, Mode: ModeOneByOne}},
			func(b *bench, id string) error { return b.Refuse(id, "") },
			[]string{"start", "ann start", "ann finish refuse", "finish refuse"},
		},
		"node after node, some told": {
			[]Node{{Users: []string{"ann"}}, {CC: true, Users: []string{"bob"}}, {Users: []string{"cho"}}},
			func(b *bench, id string) error {
				if err := b.Agree(id, ""); err != nil {
					return err
				}
				return b.Agree(id, "")
			},
			[]string{"start", "ann start", "ann finish agree", "cho start", "cho finish agree", "finish agree"},
		},
		"handed over": {
			[]Node{{Users: []string{"ann"}}},
			func(b *bench, id string) error {
				if err := b.Redirect(id, "ann", "cho"); err != nil {
					return err
				}
				return b.AgreeAs(id, "cho", "")
			},
			[]string{"start", "ann start", "ann finish redirect", "cho start", "cho finish agree", "finish agree"},
		},
		"withdrawn": {
			[]Node{{Users: []string{"ann"}}},
			func(b *bench, id string) error { return b.Withdraw(id) },
			[]string{"start", "ann start", "terminate"},
		},
		"deleted": {
			[]Node{{Users: []string{"ann"}}},
			func(b *bench, id string) error { return b.DeleteInstance(id) },
			[]string{"start", "ann start", "delete"},
		},
		"remarked": {
			[]Node{{Users: []string{"ann"}}},
			func(b *bench, id string) error { return b.Remark(id, "cho", "为什么？") },
			[]string{"start", "ann start", "cho comment"},
		},
		"nobody is asked": {
			nil, func(*bench, string) error { return nil }, []string{"start", "finish agree"},
		},
		"refused by rule": {
			[]Node{{Auto: ResultAgree}, {Auto: ResultRefuse}}, func(*bench, string) error { return nil }, []string{"start", "finish refuse"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			b.office()
			id := b.begin(b.simple(test.flow...))
			must(t, test.act(b, id))
			if got := b.told(); !slices.Equal(got, test.events) {
				t.Errorf("events: %v", got)
			}
		})
	}
}

func TestInstanceIsRead(t *testing.T) {
	b := start(t)
	b.office()
	code := b.simple(Node{Name: "主管", Users: []string{"ann"}}, Node{Name: "抄送", CC: true, Users: []string{"cho"}})
	id := b.begin(code)
	b.clock.add(90 * time.Second)
	must(t, b.Agree(id, "同意"))
	must(t, b.Remark(id, "cho", "谢谢"))
	got := b.details(id)
	for key, want := range map[string]string{
		"title": "鲍提交的采购", "createTime": "2026-08-22T09:00Z", "finishTime": "2026-08-22T09:01Z", "originatorUserId": "bob",
		"originatorDeptId": "-1", "status": "COMPLETED", "result": "agree", "bizAction": "NONE", "ccUserIds": `["cho"]`,
		"attachedProcessInstanceIds": "[]", "mainProcessInstanceId": "",
	} {
		if asText(got[key]) != want {
			t.Errorf("%s: want %s, got %s", key, want, asText(got[key]))
		}
	}
	if !strings.HasPrefix(asText(got["businessId"]), "202608221700") {
		t.Errorf("businessId: %v", got["businessId"])
	}
	var steps []string
	for _, row := range got["operationRecords"].([]any) {
		r := row.(object)
		steps = append(steps, fmt.Sprint(asText(r["type"]), " ", asText(r["userId"]), " ", asText(r["result"]), " ", asText(r["remark"]), asText(r["ccUserIds"])))
	}
	if want := []string{
		"START_PROCESS_INSTANCE bob NONE ", "EXECUTE_TASK_NORMAL ann AGREE 同意", `PROCESS_CC  NONE ["cho"]`, "ADD_REMARK cho NONE 谢谢",
	}; !slices.Equal(steps, want) {
		t.Errorf("steps: %q", steps)
	}
	task := got["tasks"].([]any)[0].(object)
	if task["userId"] != "ann" || task["status"] != "COMPLETED" || task["result"] != "AGREE" || task["finishTime"] != "2026-08-22T09:01Z" {
		t.Errorf("task: %v", task)
	}
	old := b.old("/topapi/processinstance/get", object{"process_instance_id": id})["process_instance"].(object)
	if old["create_time"] != "2026-08-22 17:00:00" || old["originator_userid"] != "bob" || old["result"] != "agree" ||
		asText(old["tasks"].([]any)[0].(object)["taskid"]) != asText(task["taskId"]) {
		t.Errorf("old API: %v", old)
	}
	b.Set(func(k *Knobs) { k.LocalTimes = true })
	if got := b.details(id); got["createTime"] != "2026-08-22T17:00Z" {
		t.Errorf("LocalTimes: %v", got["createTime"])
	}
	b.Set(func(k *Knobs) { k.FinishRecorded = true })
	short, _ := b.Instance(b.begin(b.simple()))
	if last := short.Steps[len(short.Steps)-1]; last.Type != "FINISH_PROCESS_INSTANCE" {
		t.Errorf("FinishRecorded: %v", short.Steps)
	}
	b.v1("GET", workflowInstances, nil, 400, "processInstanceId", "nothing")
	must(t, b.DeleteInstance(id))
	if out := b.v1("GET", workflowInstances, nil, 400, "processInstanceId", id); out["code"] != "processInstanceNotExist" {
		t.Errorf("deleted: %v", out)
	}
	b.refused("820004", "/topapi/processinstance/get", object{"process_instance_id": id})
}

// details reads an instance by the API.
func (b *bench) details(id string) object {
	b.t.Helper()
	out := b.v1("GET", workflowInstances, nil, 200, "processInstanceId", id)
	if out["success"] != "true" {
		b.t.Errorf("success is a text: %v", out["success"])
	}
	return out["result"].(object)
}

func TestApprovalEvents(t *testing.T) {
	b := start(t)
	b.office()
	r := newReceiver(t, "key")
	b.Callback(r.url, testToken, testAESKey)
	code := b.AddTemplate(Template{Name: "外出", BizType: "attendance.goout", Flow: []Node{{Users: []string{"ann"}}}})
	id, err := b.StartInstance(code, "bob", 0, nil)
	must(t, err)
	b.clock.add(time.Minute)
	must(t, b.Agree(id, "同意"))
	b.flush()
	in, _ := b.Instance(id)
	born, ended := asText(in.Created.UnixMilli()), asText(in.Finished.UnixMilli())
	task := asText(in.Tasks[0].ID)
	for i, want := range []object{
		{"EventType": "bpms_instance_change", "type": "start", "staffId": "bob", "createTime": born, "finishTime": "", "result": ""},
		{"EventType": "bpms_task_change", "type": "start", "staffId": "ann", "createTime": born, "finishTime": "", "taskId": task},
		{"EventType": "bpms_task_change", "type": "finish", "result": "agree", "remark": "同意", "finishTime": ended, "taskId": task},
		{
			"EventType": "bpms_instance_change", "type": "finish", "result": "agree", "finishTime": ended, "processInstanceId": id,
			"processCode": code, "bizCategoryId": "attendance.goout", "businessId": in.BusinessID, "title": "鲍提交的外出",
		},
	} {
		for key, value := range want {
			got := r.events[i][key]
			if n, ok := got.(float64); ok {
				got = int64(n)
			}
			if asText(got) != value {
				t.Errorf("event %d: %s: want %v, got %v", i, key, value, got)
			}
		}
	}
	b.Set(func(k *Knobs) {
		k.TaskIDAbsent, k.NoCommentEvents, k.DeleteEventType, k.PushQuotaExhausted = true, true, "remove", true
	})
	must(t, b.Remark(id, "bob", "好"))
	must(t, b.DeleteInstance(id))
	b.flush()
	if n := len(r.events); n != 5 || fmt.Sprint(r.events[4]["errCode"]) != "20001" {
		t.Errorf("counted, without a comment: %v", r.events[4:])
	}
	if last := b.decode(b.Events()[len(b.Events())-1].Data); last["type"] != "remove" {
		t.Errorf("DeleteEventType: %v", last)
	}
}

func TestActsAreRefused(t *testing.T) {
	b := start(t)
	b.office()
	id := b.begin(b.simple(Node{Users: []string{"ann"}}))
	_, err := b.StartInstance("PROC-none", "bob", 0, nil)
	wantCode(t, err, 830001, "processCodeError")
	if _, err := b.StartInstance(b.simple(), "bob", 0, map[string]any{"题": 1}); err == nil {
		t.Error("a label that the form lacks")
	}
	wantCode(t, b.AgreeAs(id, "cho", ""), 820006, "aflowProcessInstCanNotBeExecuted")
	wantCode(t, b.Redirect(id, "cho", "ann"), 820006, "aflowProcessInstCanNotBeExecuted")
	wantCode(t, b.Redirect(id, "ann", "nobody"), 60121, "")
	wantCode(t, b.Agree("none", ""), 820004, "aflowProcessInstNotExist")
	wantCode(t, b.Remark("none", "bob", "x"), 820004, "aflowProcessInstNotExist")
	wantCode(t, b.DeleteInstance("none"), 820004, "aflowProcessInstNotExist")
	_, err = b.Revoke(id)
	wantCode(t, err, 820005, "aflowProcessInstStatusException")
	must(t, b.Refuse(id, ""))
	wantCode(t, b.Agree(id, ""), 820005, "aflowProcessInstStatusException")
	wantCode(t, b.Withdraw(id), 820005, "aflowProcessInstStatusException")
	_, err = b.Revoke(id)
	wantCode(t, err, 820005, "aflowProcessInstStatusException")
	must(t, b.EditTemplate(b.Instances("")[0].Code, func(t *Template) { t.NoWithdraw = true }))
	id = b.begin(b.Instances("")[0].Code)
	wantCode(t, b.Withdraw(id), 820008, "internalError")
}

func TestRevokeAndModify(t *testing.T) {
	b := start(t)
	b.office()
	code := b.simple(Node{Users: []string{"ann"}})
	id := b.begin(code)
	must(t, b.Agree(id, ""))
	changed, err := b.Modify(id, map[string]any{"标题": "y"})
	must(t, err)
	gone, err := b.Revoke(id)
	must(t, err)
	must(t, b.Agree(gone, ""))
	must(t, b.Refuse(changed, ""))
	first, second, third := b.details(id), b.details(changed), b.details(gone)
	if asText(first["attachedProcessInstanceIds"]) != jsonText([]string{changed, gone}) || first["result"] != "agree" {
		t.Errorf("the first stays as it is and names both: %v", first)
	}
	if second["bizAction"] != "MODIFY" || second["mainProcessInstanceId"] != id || second["result"] != "refuse" || b.form(changed)["标题"] != "y" {
		t.Errorf("modified: %v", second)
	}
	if third["bizAction"] != "REVOKE" || third["mainProcessInstanceId"] != id || third["result"] != "agree" || b.form(gone)["标题"] != "x" {
		t.Errorf("revoked: %v", third)
	}
	if b.form(id)["标题"] != "x" || len(b.Instances(code)) != 3 {
		t.Errorf("instances: %v", b.Instances(code))
	}
}

// form is the form of an instance as the details show it: values by name.
func (b *bench) form(id string) map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, item := range b.details(id)["formComponentValues"].([]any) {
		v := item.(object)
		if value, ok := v["value"]; ok {
			out[asText(v["name"])] = value.(string)
		}
	}
	return out
}
