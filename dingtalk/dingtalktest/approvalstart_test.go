package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStartIsRefused(t *testing.T) {
	b := start(t)
	dept := b.office()
	b.AddTemplate(everything())
	b.AddTemplate(Template{Code: "PROC-OFF", Name: "停用", Status: "INVALID"})
	b.AddTemplate(Template{Code: "PROC-LEAVE", Name: "请假", BizType: "attendance.leave"})
	b.AddTemplate(Template{Code: "PROC-ANN", Name: "私用", VisibleTo: []string{"ann"}})
	b.AddTemplate(Template{Code: "PROC-PICK", Name: "自选", Flow: []Node{
		{Name: "谁", Select: true, Key: "k1", Scope: []string{"ann", "cho"}}, {Name: "再谁", Select: true, Key: "k2", Optional: true, Multi: true},
	}})
	level := func(mode string, users ...string) []any {
		return []any{object{"actionType": mode, "userIds": users}}
	}
	pick := func(key string, users ...string) object {
		return object{"processCode": "PROC-PICK", "formComponentValues": []any{}, "targetSelectActioners": []any{object{"actionerKey": key, "actionerUserIds": users}}}
	}
	empty := []any{}
	const badParam = "processInstanceInvalidParameter"
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no template":            {"MissingprocessCode", object{"processCode": nil}},
		"no originator":          {"MissingoriginatorUserId", object{"originatorUserId": nil}},
		"no form":                {"MissingformComponentValues", object{"formComponentValues": nil}},
		"template unknown":       {"processCodeError", object{"processCode": "PROC-X"}},
		"template stopped":       {"processInstanceStartFailed", object{"processCode": "PROC-OFF", "formComponentValues": empty}},
		"suite":                  {"illegalComponent", object{"processCode": "PROC-LEAVE", "formComponentValues": empty}},
		"template of others":     {"processSetupNoPermission", object{"processCode": "PROC-ANN", "formComponentValues": empty}},
		"agent":                  {"invalidAgentId", object{"microappAgentId": 7}},
		"originator unknown":     {badParam, object{"originatorUserId": "gone"}},
		"no department":          {badParam, object{"deptId": nil}},
		"root by number":         {badParam, object{"deptId": 1}},
		"not his department":     {badParam, object{"deptId": dept}},
		"department no number":   {badParam, object{"deptId": "x"}},
		"too many values":        {"invalidParameter", object{"formComponentValues": make([]any, 151)}},
		"approvers unknown":      {badParam, object{"approvers": level("NONE", "gone")}},
		"two for NONE":           {badParam, object{"approvers": level("NONE", "ann", "cho")}},
		"one for AND":            {badParam, object{"approvers": level("AND", "ann")}},
		"mode unknown":           {badParam, object{"approvers": level("XOR", "ann", "cho")}},
		"nobody":                 {badParam, object{"approvers": level("OR")}},
		"too many levels":        {badParam, object{"approvers": slices.Repeat(level("NONE", "ann"), 21)}},
		"approvers no list":      {"invalidParameter", object{"approvers": "ann"}},
		"told unknown":           {badParam, object{"approvers": level("NONE", "ann"), "ccList": []string{"gone"}, "ccPosition": "START"}},
		"told, too many":         {badParam, object{"approvers": level("NONE", "ann"), "ccList": slices.Repeat([]string{"cho"}, 51), "ccPosition": "START"}},
		"told, when":             {badParam, object{"approvers": level("NONE", "ann"), "ccList": []string{"cho"}, "ccPosition": "END"}},
		"nobody chosen":          {"targetSelectApproverMissing", object{"processCode": "PROC-PICK", "formComponentValues": empty}},
		"another node chosen":    {"targetSelectApproverMissing", pick("k2", "ann")},
		"chosen outside":         {"targetSelectApproverScopeError", pick("k1", "bob")},
		"chosen too many":        {"targetSelectApproverScopeError", pick("k1", "ann", "cho")},
		"chosen list is no list": {"invalidParameter", object{"targetSelectActioners": "k1"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			body := request()
			for key, value := range test.changes {
				if body[key] = value; value == nil {
					delete(body, key)
				}
			}
			if out := b.v1("POST", workflowInstances, body, 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	if n := len(b.Instances("")); n != 0 {
		t.Errorf("%d instances of what was refused", n)
	}
	b.Set(func(k *Knobs) {
		k.RootByNumber, k.LoneCountersign, k.MissingPermissions = true, true, map[string]bool{writeInstances: true}
	})
	b.v1("POST", workflowInstances, request(), 403)
	b.Set(func(k *Knobs) { k.MissingPermissions = nil })
	body := request()
	body["deptId"], body["approvers"] = 1, level("AND", "ann")
	b.post(body)
	picked := pick("k1", "cho")
	picked["originatorUserId"], picked["deptId"] = "bob", "-1"
	in, _ := b.Instance(b.post(picked))
	if len(in.Tasks) != 1 || in.Tasks[0].UserID != "cho" {
		t.Errorf("whom the originator chose is asked, an optional node is skipped: %v", in.Tasks)
	}
}

func TestStartWithApprovers(t *testing.T) {
	b := start(t)
	b.office()
	b.AddTemplate(everything())
	body := request()
	delete(body, "deptId")
	body["approvers"] = []any{object{"actionType": "OR", "userIds": []string{"ann", "cho"}}, object{"actionType": "NONE", "userIds": []string{"bob"}}}
	body["ccList"], body["ccPosition"] = []string{"cho"}, "START_FINISH"
	id := b.post(body)
	must(t, b.AgreeAs(id, "ann", ""))
	must(t, b.Agree(id, ""))
	if got := b.told(); !slices.Equal(got, []string{
		"start", "ann start", "cho start", "ann finish agree", "cho cancel", "bob start", "bob finish agree", "finish agree",
	}) {
		t.Errorf("events: %v", got)
	}
	if got := b.details(id); asText(got["ccUserIds"]) != `["cho","cho"]` || asText(got["approverUserIds"]) != `["ann","cho","bob"]` || got["originatorDeptId"] != "-1" {
		t.Errorf("told at both ends: %v", got)
	}
	plain := request()
	plain["ccList"], plain["ccPosition"] = []string{"cho"}, "START"
	if in, _ := b.Instance(b.post(plain)); len(in.CC) != 0 || in.Status != StatusCompleted {
		t.Errorf("without approvers ccList is ignored: %+v", in)
	}
}

// An answer that was lost must not lead to a second instance; the stand-in tells when it did.
func TestStartCarriedOutTwice(t *testing.T) {
	b := start(t)
	b.office()
	tmpl := everything()
	tmpl.Marker, tmpl.Flow = "事由", []Node{{Users: []string{"ann"}}}
	b.AddTemplate(tmpl)
	body := request(value("事由", "PO0001"))
	lost := func(how Failure) {
		b.Fail(Path(workflowInstances), 1, how)
		_, _, err := b.raw("POST", workflowInstances, nil, map[string][]string{"X-Acs-Dingtalk-Access-Token": {b.token}}, body)
		if err == nil {
			t.Error("no answer may come")
		}
	}
	lost(DropBefore)
	if n := len(b.Instances("")); n != 0 {
		t.Fatalf("%d instances", n)
	}
	lost(DropAfter)
	if n := len(b.Instances("")); n != 1 || len(b.Duplicates()) != 0 {
		t.Fatalf("%d instances, duplicates %v", n, b.Duplicates())
	}
	b.post(body)
	b.post(request(value("事由", "PO0002")))
	if got := b.Duplicates(); len(got) != 1 || got["approval PROC-ALL PO0001"] != 2 {
		t.Errorf("duplicates: %v", got)
	}
	if got := b.Repeats(); got["approval PROC-ALL PO0001"] != 2 {
		t.Errorf("repeats: %v", got)
	}
	// Who submits again what was withdrawn or refused does nothing wrong, nor after a revocation.
	body = request(value("事由", "PO0003"))
	must(t, b.Withdraw(b.post(body)))
	must(t, b.Refuse(b.post(body), ""))
	second := b.post(body)
	must(t, b.Agree(second, ""))
	gone, err := b.Revoke(second)
	must(t, err)
	must(t, b.Agree(gone, ""))
	second = b.post(body)
	if got := b.Duplicates(); got["approval PROC-ALL PO0003"] != 0 {
		t.Errorf("duplicates: %v", got)
	}
	must(t, b.Agree(second, ""))
	b.post(body)
	if got := b.Duplicates(); got["approval PROC-ALL PO0003"] != 2 {
		t.Errorf("what stands agreed is started again: %v", got)
	}
}

func TestTemplatesAreRead(t *testing.T) {
	b := start(t)
	b.office()
	code := b.AddTemplate(everything())
	b.AddTemplate(Template{Code: "PROC-OFF", Name: "停用", Status: "INVALID"})
	mine := b.AddTemplate(Template{Name: "私用", VisibleTo: []string{"ann"}, Managers: []string{"bob"}})
	const visible, managed = "/v1.0/workflow/processes/userVisibilities/templates", "/v1.0/workflow/processes/managements/templates"
	const schemas, names = "/v1.0/workflow/forms/schemas/processCodes", "/v1.0/workflow/processCentres/schemaNames/processCodes"
	result := b.v1("GET", schemas, nil, 200, "processCode", code)["result"].(object)
	items := result["schemaContent"].(object)["items"].([]any)
	props := func(i int) object { return items[i].(object)["props"].(object) }
	if result["name"] != "报销" || result["status"] != "PUBLISHED" || len(items) != 23 {
		t.Errorf("schema: %v", result)
	}
	if p := props(1); p["label"] != "标题" || p["required"] != true || p["bizAlias"] != "title" || p["id"] == "" {
		t.Errorf("text: %v", p)
	}
	if got := props(5)["options"].([]any); len(got) != 2 || got[1] != `{"key":"option_1","value":"<办公>"}` {
		t.Errorf("options are JSON texts: %v", got)
	}
	if p := props(9); p["label"] != `["开始时间","结束时间"]` || p["format"] != "yyyy-MM-dd HH:mm" {
		t.Errorf("range: %v", p)
	}
	if props(13)["choice"] != "1" || props(14)["choice"] != "0" || len(items[20].(object)["children"].([]any)) != 4 {
		t.Errorf("contacts and table: %v", items)
	}
	b.Set(func(k *Knobs) { k.OptionsPlain = true })
	result = b.v1("GET", schemas, nil, 200, "processCode", code)["result"].(object)
	items = result["schemaContent"].(object)["items"].([]any)
	if got := props(6)["options"].([]any); len(got) != 2 || got[0] != "急" {
		t.Errorf("OptionsPlain: %v", got)
	}
	if out := b.v1("GET", schemas, nil, 400, "processCode", "PROC-X"); out["code"] != "formNotExist" {
		t.Errorf("%v", out)
	}

	codes := func(out object, list, key string) (got []string) {
		for _, item := range out[list].([]any) {
			got = append(got, item.(object)[key].(string))
		}
		return got
	}
	page := b.v1("GET", visible, nil, 200, "maxResults", "1", "nextToken", "0")["result"].(object)
	if got := codes(page, "processList", "processCode"); !slices.Equal(got, []string{code}) || asText(page["nextToken"]) != "1" {
		t.Errorf("first page: %v", page)
	}
	page = b.v1("GET", visible, nil, 200, "maxResults", "1", "nextToken", "1")["result"].(object)
	if got := codes(page, "processList", "processCode"); !slices.Equal(got, []string{mine}) || page["nextToken"] != nil {
		t.Errorf("last page: %v", page)
	}
	page = b.v1("GET", visible, nil, 200, "maxResults", "100", "nextToken", "0", "userId", "bob")["result"].(object)
	if got := codes(page, "processList", "processCode"); !slices.Equal(got, []string{code}) {
		t.Errorf("what bob sees: %v", page)
	}
	if out := b.v1("GET", visible, nil, 400, "maxResults", "101", "nextToken", "0"); out["code"] != "invalidParameter" {
		t.Errorf("%v", out)
	}
	if got := codes(b.v1("GET", managed, nil, 200, "userId", "bob"), "result", "processCode"); !slices.Equal(got, []string{mine}) {
		t.Errorf("what bob manages: %v", got)
	}
	if got := codes(b.v1("GET", managed, nil, 200, "userId", "cho"), "result", "processCode"); !slices.Equal(got, []string{code, "PROC-OFF"}) {
		t.Errorf("what the administrator manages: %v", got)
	}
	if got := b.v1("GET", names, nil, 200, "name", "私用")["result"].(object); got["processCode"] != mine {
		t.Errorf("by name: %v", got)
	}
	b.v1("GET", names, nil, 400, "name", "nothing")

	old := b.ok("/topapi/process/listbyuserid", object{"userid": "ann", "offset": 0, "size": 1})
	if got := codes(old, "process_list", "process_code"); !slices.Equal(got, []string{code}) || asText(old["next_cursor"]) != "1" {
		t.Errorf("old list: %v", old)
	}
	if got := b.old("/topapi/process/get_by_name", object{"name": "报销"}); got["process_code"] != code {
		t.Errorf("old by name: %v", got)
	}
	if got := codes(b.old("/topapi/process/template/manage/get", object{"userid": "bob"}), "result", "process_code"); !slices.Equal(got, []string{mine}) {
		t.Errorf("old managed: %v", got)
	}
	b.Set(func(k *Knobs) { k.MissingPermissions = map[string]bool{readForms: true} })
	b.v1("GET", schemas, nil, 403, "processCode", code)
}

func TestForecast(t *testing.T) {
	b := start(t)
	dept := b.office()
	code := b.AddTemplate(Template{Name: "自选", Flow: []Node{
		{ID: "a1", Name: "主管", Users: []string{"cho"}, Mode: ModeOneByOne},
		{ID: "a2", Name: "谁", Select: true, Key: "k1", Scope: []string{"ann"}, Multi: true, Optional: true},
		{ID: "a3", Name: "抄送", CC: true, Users: []string{"bob"}},
	}})
	const path = "/v1.0/workflow/processes/forecast"
	body := object{"processCode": code, "deptId": dept, "userId": "ann", "formComponentValues": []any{}}
	result := b.v1("POST", path, body, 200)["result"].(object)
	rules := result["workflowActivityRules"].([]any)
	first, second, third := rules[0].(object), rules[1].(object), rules[2].(object)
	if first["activityType"] != "target_approval" || asText(first["activityActioners"]) != `[{"avatar":"","name":"赵","userId":"cho"}]` ||
		first["workflowActor"].(object)["approvalMethod"] != "ONE_BY_ONE" {
		t.Errorf("a fixed node: %v", first)
	}
	actor := second["workflowActor"].(object)
	if second["activityType"] != "target_select" || second["isTargetSelect"] != true || second["prevActivityId"] != "a1" || actor["actorKey"] != "k1" ||
		actor["allowedMulti"] != true || actor["required"] != false || asText(actor["actorSelectionRange"]) != `{"approvals":[{"userName":"安","workNo":"ann"}]}` {
		t.Errorf("a node to choose: %v", second)
	}
	if third["workflowActor"].(object)["actorType"] != "notifier" || result["isForecastSuccess"] != true {
		t.Errorf("who is told: %v", third)
	}
	body["deptId"] = -1
	if out := b.v1("POST", path, body, 400); out["code"] != "processInstanceInvalidParameter" {
		t.Errorf("not his department: %v", out)
	}
	delete(body, "formComponentValues")
	if out := b.v1("POST", path, body, 400); out["code"] != "MissingformComponentValues" {
		t.Errorf("%v", out)
	}
}

func TestOldStart(t *testing.T) {
	b := start(t)
	dept := b.office()
	b.AddTemplate(everything())
	const create = "/topapi/processinstance/create"
	body := func(changes object) object {
		out := object{
			"process_code": "PROC-ALL", "originator_user_id": "ann", "dept_id": dept, "approvers": "bob,cho", "cc_list": "ann", "cc_position": "FINISH",
			"form_component_values": `[{"name":"标题","value":"x"},{"name":"金额","value":"7"}]`,
		}
		for key, value := range changes {
			if out[key] = value; value == nil {
				delete(out, key)
			}
		}
		return out
	}
	id := b.old(create, body(nil))["process_instance_id"].(string)
	in, _ := b.Instance(id)
	if in.Value("金额") != "7" || in.Dept != dept || len(in.Tasks) != 1 || in.Tasks[0].UserID != "bob" || !in.ByAPI {
		t.Errorf("one after the other: %+v", in)
	}
	id = b.old(create, body(object{"approvers_v2": `[{"task_action_type":"AND","user_ids":["bob","cho"]}]`}))["process_instance_id"].(string)
	if in, _ = b.Instance(id); len(in.Tasks) != 2 {
		t.Errorf("approvers_v2: %v", in.Tasks)
	}
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no template":   {"400002", object{"process_code": nil}},
		"no department": {"400002", object{"dept_id": nil}},
		"template":      {"830001", object{"process_code": "PROC-X"}},
		"agent":         {"40056", object{"agent_id": 1}},
		"one for AND":   {"400002", object{"approvers_v2": []any{object{"task_action_type": "AND", "user_ids": []any{"bob"}}}}},
		"levels":        {"400002", object{"approvers_v2": "bob"}},
		"told":          {"400002", object{"cc_list": strings.Join(slices.Repeat([]string{"bob"}, 21), ",")}},
		"form":          {"820001", object{"form_component_values": `[{"name":"题","value":"x"}]`}},
		"form no list":  {"400002", object{"form_component_values": "x"}},
	} {
		t.Run(name, func(t *testing.T) { b.in(t).refused(test.code, create, body(test.changes)) })
	}
	b.Set(func(k *Knobs) { k.MissingPermissions = map[string]bool{oldApprovals: true} })
	b.refused("60011", create, body(nil))
}

func TestApprovalsReadStale(t *testing.T) {
	b := start(t)
	b.office()
	b.Set(func(k *Knobs) { k.StaleReads = time.Minute })
	id := b.begin(b.simple(Node{Users: []string{"ann"}}))
	b.v1("GET", workflowInstances, nil, 400, "processInstanceId", id)
	b.clock.add(2 * time.Minute)
	must(t, b.Agree(id, ""))
	if got := b.details(id); got["status"] != StatusRunning || fmt.Sprint(len(got["operationRecords"].([]any))) != "1" {
		t.Errorf("as it was: %v", got)
	}
	b.clock.add(time.Minute)
	if got := b.details(id); got["status"] != StatusCompleted {
		t.Errorf("as it is: %v", got)
	}
}
