package dingtalk

import (
	"fmt"
	"reflect"
	"testing"
)

func TestTemplates(t *testing.T) {
	f := newFar(t)
	f.on(pathTemplates, inTurn(
		ok(`{"result":{"processList":[{"name":"请假","processCode":"PROC-1","url":"https://x","iconUrl":"https://i","dirId":"d","dirName":"其他"}],"nextToken":100}}`),
		ok(`{"result":{"processList":[{"name":"采购","processCode":"PROC-2"}]}}`)))
	got := collect(t, f.client().Approvals.Templates(bg(), "u1"))
	want := []Object{
		{"process_code": "PROC-1", "name": "请假", "url": "https://x", "icon_url": "https://i", "dir_name": "其他"}, {"process_code": "PROC-2", "name": "采购"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	calls := f.called(pathTemplates)
	if len(calls) != 2 || calls[0].query.Encode() != "maxResults=100&nextToken=0&userId=u1" || calls[1].query.Encode() != "maxResults=100&nextToken=100&userId=u1" {
		t.Errorf("%v", calls)
	}
	f.on(pathOldTemplates, inTurn(
		ok(`{"errcode":0,"result":{"process_list":[{"name":"请假","process_code":"PROC-1","icon_url":"https://i","url":"https://x"}],"next_cursor":100}}`),
		ok(`{"errcode":0,"result":{"process_list":[]}}`)))
	got = collect(t, f.client(oldApprovals).Approvals.Templates(bg(), ""))
	if fmt.Sprint(got) != "[map[icon_url:https://i name:请假 process_code:PROC-1 url:https://x]]" || f.last(pathOldTemplates).raw != `{"offset":100,"size":100}` {
		t.Errorf("%v %s", got, f.last(pathOldTemplates).raw)
	}
	f.on(pathTemplates, ok(`{"result":{"processList":[{"name":"x"}]}}`))
	if failure(t, last(f.client().Approvals.Templates(bg(), ""))).Class != Retry {
		t.Error("a template without a code")
	}
}

func TestManaged(t *testing.T) {
	f := newFar(t)
	f.on(pathManagedTemplates, inTurn(
		ok(`{"success":true,"result":[{"flowTitle":"请假","processCode":"PROC-1","iconName":"n","iconUrl":"https://i","newProcess":true,"gmtModified":"2022-08-23T17:09Z","attendanceType":2}]}`),
		ok(`{"success":true}`)))
	a := f.client().Approvals
	if got, err := a.Managed(bg(), "u1"); err != nil || fmt.Sprint(got) != "[map[icon_url:https://i name:请假 process_code:PROC-1]]" {
		t.Errorf("%v %v", got, err)
	}
	if _, err := a.Managed(bg(), "u1"); failure(t, err).Class != Retry {
		t.Error(err)
	}
	f.on(pathOldManaged, ok(`{"errcode":0,"result":[{"flow_title":"请假","process_code":"PROC-1","icon_url":"https://i"}]}`))
	if got, err := f.client(oldApprovals).Approvals.Managed(bg(), "u1"); err != nil || fmt.Sprint(got) != "[map[icon_url:https://i name:请假 process_code:PROC-1]]" {
		t.Errorf("%v %v", got, err)
	}
}

func TestTemplate(t *testing.T) {
	f := newFar(t)
	f.on(pathFormSchema, ok(`{"success":true,"result":{"name":"采购","status":"PUBLISHED","formCode":"PROC-1","schemaContent":{"title":"t","items":[
		{"componentName":"TextField","props":{"id":"TextField_1","label":"事由","bizAlias":"why","required":true}},
		{"componentName":"DDSelectField","props":{"id":"S","label":"级别","required":"false","options":["{\"value\":\"A\",\"key\":\"option_0\"}","B",{"value":"C","key":"option_2"}]}},
		{"componentName":"DDMultiSelectField","props":{"id":"M","label":"颜色","objOptions":[{"value":"红"},{"value":"绿"}]}},
		{"componentName":"DDDateRangeField","props":{"id":"R","label":"[\"开始时间\",\"结束时间\"]","unit":"小时","format":"yyyy-MM-dd HH:mm"}},
		{"componentName":"InnerContactField","props":{"id":"C1","label":"一人","choice":"0"}},
		{"componentName":"InnerContactField","props":{"id":"C2","label":"多人","choice":1}},
		{"componentName":"DepartmentField","props":{"id":"D","label":"部门","multiple":true}},
		{"componentName":"DDBizSuite","props":{"id":"B","label":"加班","bizType":"attendance.batchovertime"}},
		{"componentName":"TableField","props":{"id":"T","label":"明细"},"children":[{"componentName":"NumberField","props":{"id":"N","label":"数量","required":true}}]}]}}}`))
	got, err := f.client().Approvals.Template(bg(), "PROC-1")
	want := Template{ProcessCode: "PROC-1", Name: "采购", Status: "PUBLISHED", Components: []Component{
		{ID: "TextField_1", Alias: "why", Type: "TextField", Label: "事由", Required: true},
		{ID: "S", Type: "DDSelectField", Label: "级别", Options: []string{"A", "B", "C"}},
		{ID: "M", Type: "DDMultiSelectField", Label: "颜色", Options: []string{"红", "绿"}},
		{ID: "R", Type: "DDDateRangeField", Label: `["开始时间","结束时间"]`, Labels: []string{"开始时间", "结束时间"}, Unit: "小时", Format: "yyyy-MM-dd HH:mm"},
		{ID: "C1", Type: "InnerContactField", Label: "一人"},
		{ID: "C2", Type: "InnerContactField", Label: "多人", Multiple: true},
		{ID: "D", Type: "DepartmentField", Label: "部门", Multiple: true},
		{ID: "B", Type: "DDBizSuite", Label: "加班", BizType: "attendance.batchovertime"},
		{ID: "T", Type: "TableField", Label: "明细", Children: []Component{{ID: "N", Type: "NumberField", Label: "数量", Required: true}}},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
	if q := f.last(pathFormSchema).query.Encode(); q != "processCode=PROC-1" {
		t.Error(q)
	}
	f.on(pathFormSchema, ok(`{"result":{"name":"x","schemaContent":"{\"title\":\"t\",\"items\":[]}"}}`))
	if got, err := f.client().Approvals.Template(bg(), "p"); err != nil || got.Name != "x" {
		t.Errorf("a schema in a text: %v %v", got, err)
	}
	f.on(pathFormSchema, ok(`{"result":{"name":"x"}}`))
	if _, err := f.client().Approvals.Template(bg(), "p"); failure(t, err).Class != Retry {
		t.Error(err)
	}
	f.on(pathFormSchema, status(400, `{"code":"formNotExist","message":"m"}`))
	if _, err := f.client().Approvals.Template(bg(), "p"); !IsNotFound(err) {
		t.Error(err)
	}
}

func TestForecast(t *testing.T) {
	f := newFar(t)
	f.on(pathForecast, inTurn(ok(`{"result":{"isForecastSuccess":true,"processCode":"PROC-1","workflowActivityRules":[
		{"activityId":"a1","prevActivityId":"sid-startevent","activityName":"主管","activityType":"target_select","isTargetSelect":true,
			"workflowActor":{"actorKey":"manual_1","actorType":"approver","actorSelectionType":"approvals","actorSelectionRange":{"approvals":[{"workNo":"u2","userName":"n"}]},
				"allowedMulti":true,"approvalType":"MANUAL","approvalMethod":"AND","actorActivateType":"ALL","required":true}},
		{"activityId":"a2","activityName":"财务","activityType":"target_approval","isTargetSelect":false,
			"workflowActor":{"actorKey":"k2","actorType":"audit","actorSelectionType":"labels","actorSelectionRange":{"labels":[{"labels":"77","labelNames":"财务"}]},"approvalMethod":"OR"},
			"activityActioners":[{"userId":"u3","name":"n"}]}]}}`), ok(`{}`)))
	a := f.client().Approvals
	got, err := a.Forecast(bg(), leaveRequest())
	want := Forecast{Known: true, Nodes: []ForecastNode{
		{
			ID: "a1", Previous: "sid-startevent", Name: "主管", Type: "target_select", Select: true, ActorKey: "manual_1", Role: "approver", Required: true, Multiple: true,
			Range: ActorRange{Type: "approvals", Users: []string{"u2"}}, Approval: "MANUAL", Method: "AND", Activation: "ALL",
		},
		{ID: "a2", Name: "财务", Type: "target_approval", ActorKey: "k2", Role: "audit", Range: ActorRange{Type: "labels", Labels: []string{"77"}}, Method: "OR", Actioners: []string{"u3"}},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
	if raw := f.last(pathForecast).raw; raw != `{"deptId":-1,"formComponentValues":[{"componentType":"TextField","id":"TextField_1","name":"事由","value":"病"}],"processCode":"PROC-1","userId":"u1"}` {
		t.Error(raw)
	}
	if _, err := a.Forecast(bg(), leaveRequest()); failure(t, err).Class != Retry {
		t.Error(err)
	}
}
