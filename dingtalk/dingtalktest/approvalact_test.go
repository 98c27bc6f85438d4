package dingtalktest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func query(code string, from time.Time, changes object) object {
	out := object{"processCode": code, "startTime": from.UnixMilli(), "nextToken": 0, "maxResults": 20}
	for key, value := range changes {
		if out[key] = value; value == nil {
			delete(out, key)
		}
	}
	return out
}

// ids walks all pages of a query.
func (b *bench) ids(body object) (out []string, pages int) {
	b.t.Helper()
	for next := any(0); next != nil; pages++ {
		body["nextToken"] = next
		result := b.v1("POST", instanceQuery, body, 200)["result"].(object)
		for _, id := range result["list"].([]any) {
			out = append(out, id.(string))
		}
		if next = result["nextToken"]; next != nil {
			if _, isText := next.(string); !isText {
				b.t.Errorf("nextToken comes as a text: %v", next)
			}
		}
	}
	return out, pages
}

func TestInstanceIDs(t *testing.T) {
	b := start(t)
	dept := b.office()
	code := b.simple(Node{Users: []string{"cho"}})
	from := b.clock.now()
	var all []string
	for range 41 {
		all = append(all, b.begin(code))
		b.clock.add(time.Minute)
	}
	b.begin(b.simple())
	got, pages := b.ids(query(code, from, nil))
	slices.Reverse(got)
	if !slices.Equal(got, all) || pages != 3 {
		t.Errorf("newest first, %d pages: %v", pages, got)
	}
	b.Set(func(k *Knobs) { k.InstancesOldestFirst = true })
	must(t, b.Agree(all[1], ""))
	must(t, b.Withdraw(all[2]))
	must(t, b.DeleteInstance(all[3]))
	mine, err := b.StartInstance(code, "ann", dept, map[string]any{"标题": "x"})
	must(t, err)
	at := func(minutes int) int64 { return from.Add(time.Duration(minutes) * time.Minute).UnixMilli() }
	for name, test := range map[string]struct {
		changes object
		want    []string
	}{
		"window":      {object{"startTime": at(1), "endTime": at(4)}, []string{all[1], all[2], all[4]}},
		"running":     {object{"endTime": at(4), "statuses": []string{"RUNNING"}}, []string{all[0], all[4]}},
		"ended":       {object{"endTime": at(4), "statuses": []string{"COMPLETED", "TERMINATED"}}, []string{all[1], all[2]}},
		"originators": {object{"userIds": []string{"ann", "cho"}}, []string{mine}},
		"none":        {object{"startTime": at(900)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := b.in(t).ids(query(code, from, test.changes)); !slices.Equal(got, test.want) {
				t.Errorf("%v", got)
			}
		})
	}
	b.Set(func(k *Knobs) { k.InstanceListLag = time.Hour })
	if got, _ := b.ids(query(code, from, object{"userIds": []string{"ann"}})); len(got) != 0 {
		t.Errorf("InstanceListLag: %v", got)
	}
	b.clock.add(time.Hour)
	if got, _ := b.ids(query(code, from, object{"userIds": []string{"ann"}})); !slices.Equal(got, []string{mine}) {
		t.Errorf("after InstanceListLag: %v", got)
	}
	old := b.ok("/topapi/processinstance/listids", object{"process_code": code, "start_time": from.UnixMilli(), "size": 20, "cursor": 20})
	if len(old["list"].([]any)) != 20 || asText(old["next_cursor"]) != "40" {
		t.Errorf("old list: %v", old)
	}
	old = b.ok("/topapi/processinstance/listids", object{"process_code": code, "start_time": from.UnixMilli(), "cursor": 40, "userid_list": "bob"})
	if len(old["list"].([]any)) != 0 || old["next_cursor"] != nil {
		t.Errorf("old list at its end: %v", old)
	}
}

func TestInstanceIDsAreRefused(t *testing.T) {
	b := start(t)
	code := b.simple()
	now := b.clock.now()
	day := 24 * time.Hour
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no template":      {"MissingprocessCode", object{"processCode": nil}},
		"no start":         {"MissingstartTime", object{"startTime": nil}},
		"no token":         {"MissingnextToken", object{"nextToken": nil}},
		"no size":          {"MissingmaxResults", object{"maxResults": nil}},
		"template":         {"invalidProcessCode", object{"processCode": "PROC-X"}},
		"size":             {"invalidMaxResults", object{"maxResults": 21}},
		"token":            {"invalidNextToken", object{"nextToken": "next"}},
		"far token":        {"invalidNextToken", object{"nextToken": 10_000}},
		"start no number":  {"invalidInstanceListIdsStartTime", object{"startTime": "yesterday"}},
		"120 days":         {"invalidInstanceListIdsStartTime", object{"startTime": ago(121 * day)}},
		"365 days":         {"invalidInstanceListIdsStartTime", object{"startTime": ago(366 * day), "endTime": ago(300 * day)}},
		"a span":           {"invalidEndTime", object{"startTime": ago(300 * day), "endTime": ago(179 * day)}},
		"end before start": {"invalidEndTime", object{"endTime": ago(2 * day)}},
		"end no number":    {"invalidEndTime", object{"endTime": "x"}},
		"many people":      {"invalidUserIds", object{"userIds": strings.Split("a,b,c,d,e,f,g,h,i,j,k", ",")}},
		"statuses":         {"invalidParameter", object{"statuses": []string{"NEW"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", instanceQuery, query(code, now.Add(-day), test.changes), 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	b.ids(query(code, now.Add(-365*day), object{"endTime": ago(245 * day)}))
	b.ids(query(code, now.Add(-120*day), nil))
	b.refused("400002", "/topapi/processinstance/listids", object{"process_code": code, "start_time": ago(day), "size": 21})
	b.refused("830001", "/topapi/processinstance/listids", object{"process_code": "PROC-X", "start_time": ago(day)})
}

func TestTerminate(t *testing.T) {
	b := start(t)
	b.office()
	code := b.simple(Node{Users: []string{"ann"}})
	firm := b.AddTemplate(Template{Name: "不可撤", NoWithdraw: true, Flow: []Node{{Users: []string{"ann"}}}})
	id, done := b.begin(code), b.begin(code)
	must(t, b.Refuse(done, ""))
	fixed, err := b.StartInstance(firm, "bob", 0, nil)
	must(t, err)
	b.clock.add(15 * time.Second)
	young := b.begin(code)
	for name, test := range map[string]struct {
		code string
		body object
	}{
		"no instance":         {"invalidInstanceId", object{"isSystem": true}},
		"unknown":             {"aflowProcessInstNotExist", object{"processInstanceId": "x", "isSystem": true}},
		"finished":            {"aflowProcessInstStatusException", object{"processInstanceId": done, "isSystem": true}},
		"too young":           {"internalError", object{"processInstanceId": young, "isSystem": true}},
		"not allowed":         {"internalError", object{"processInstanceId": fixed, "isSystem": true}},
		"system no flag":      {"invalidInstanceTerminateIsSystem", object{"processInstanceId": id, "isSystem": "perhaps"}},
		"nobody":              {"invalidInstanceTerminateOperatingUserId", object{"processInstanceId": id}},
		"not the originator":  {"invalidInstanceTerminateOperatingUserId", object{"processInstanceId": id, "operatingUserId": "ann"}},
		"operator unknown":    {"userNotExist", object{"processInstanceId": id, "operatingUserId": "gone"}},
		"remark, much longer": {"invalidParameter", object{"processInstanceId": id, "isSystem": true, "remark": strings.Repeat("长", 1025)}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", instanceTerminate, test.body, 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	if out := b.v1("POST", instanceTerminate, object{"processInstanceId": id, "isSystem": true, "remark": "改了"}, 200); out["result"] != true {
		t.Errorf("%v", out)
	}
	in, _ := b.Instance(id)
	last := in.Steps[len(in.Steps)-1]
	if in.Status != StatusTerminated || in.Result != "" || in.TerminatedBy != "system" || last.Remark != "改了" || last.Type != "TERMINATE_PROCESS_INSTANCE" || in.Tasks[0].Status != "CANCELED" {
		t.Errorf("%+v", in)
	}
	events := b.Events()
	if data := b.decode(events[len(events)-1].Data); data["type"] != "terminate" || data["result"] != nil || data["finishTime"] == nil {
		t.Errorf("withdrawn has no result: %v", data)
	}
	b.refused("820008", "/topapi/process/instance/terminate", object{"request": object{"process_instance_id": young, "is_system": "true"}})
	b.Set(func(k *Knobs) { k.WithdrawAfter = 0 })
	b.ok("/topapi/process/instance/terminate", object{"request": object{"process_instance_id": young, "is_system": false, "operating_userid": "bob"}})
	if in, _ = b.Instance(young); in.TerminatedBy != "bob" {
		t.Errorf("%+v", in)
	}
	b.refused("820005", "/topapi/process/instance/terminate", object{"process_instance_id": young, "is_system": true})
}

func TestExecute(t *testing.T) {
	b := start(t)
	b.office()
	code := b.simple(Node{Users: []string{"ann", "cho"}})
	id, done := b.begin(code), b.begin(code)
	must(t, b.Refuse(done, ""))
	task := func(id string, i int) int64 { in, _ := b.Instance(id); return in.Tasks[i].ID }
	body := func(changes object) object {
		out := object{"processInstanceId": id, "taskId": task(id, 0), "actionerUserId": "ann", "result": "agree", "remark": "好"}
		for key, value := range changes {
			out[key] = value
		}
		return out
	}
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no instance":   {"invalidInstanceId", object{"processInstanceId": ""}},
		"unknown":       {"aflowProcessNotExist", object{"processInstanceId": "x"}},
		"finished":      {"aflowProcessInstStatusException", object{"processInstanceId": done, "taskId": task(done, 0)}},
		"another task":  {"invalidInstanceExecuteTaskId", object{"taskId": task(done, 0)}},
		"not his":       {"invalidInstanceExecuteActionerUserId", object{"actionerUserId": "cho"}},
		"nobody":        {"userNotExist", object{"actionerUserId": "gone"}},
		"result":        {"invalidInstanceExecuteResult", object{"result": "AGREE"}},
		"a long remark": {"invalidParameter", object{"remark": strings.Repeat("长", 1025)}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", instanceExecute, body(test.changes), 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	todo := func(userid, want string) {
		t.Helper()
		if got := b.v1("GET", "/v1.0/workflow/processes/todoTasks/numbers", nil, 200, "userId", userid); asText(got["result"]) != want {
			t.Errorf("to-do of %s: %v", userid, got)
		}
		if got := b.old("/topapi/process/gettodonum", object{"userid": userid}); asText(got["count"]) != want {
			t.Errorf("old to-do of %s: %v", userid, got)
		}
	}
	todo("ann", "1")
	b.v1("POST", instanceExecute, body(nil), 200)
	todo("ann", "0")
	if out := b.v1("POST", instanceExecute, body(nil), 400); out["code"] != "aflowProcessInstCanNotBeExecuted" {
		t.Errorf("twice: %v", out)
	}
	b.ok("/topapi/process/instance/execute", object{"request": object{
		"process_instance_id": id, "task_id": task(id, 1), "actioner_userid": "cho", "result": "agree",
	}})
	if in, _ := b.Instance(id); in.Result != ResultAgree || in.Steps[1].Remark != "好" {
		t.Errorf("%+v", in)
	}
	b.v1("GET", "/v1.0/workflow/processes/todoTasks/numbers", nil, 400, "userId", "gone")
}

func TestRedirectByAPI(t *testing.T) {
	b := start(t)
	b.office()
	code := b.simple(Node{Users: []string{"ann"}})
	id, done := b.begin(code), b.begin(code)
	first, _ := b.Instance(id)
	second, _ := b.Instance(done)
	task := first.Tasks[0].ID
	must(t, b.Refuse(done, ""))
	for name, test := range map[string]struct {
		code string
		body object
	}{
		"blank":     {"param.blank", object{"taskId": task, "operateUserId": "ann"}},
		"to nobody": {"param.illegal", object{"taskId": task, "operateUserId": "ann", "toUserId": "gone"}},
		"no task":   {"param.illegal", object{"taskId": 1, "operateUserId": "ann", "toUserId": "cho"}},
		"not his":   {"param.illegal.operator", object{"taskId": task, "operateUserId": "cho", "toUserId": "bob"}},
		"finished":  {"instance.status.error", object{"taskId": second.Tasks[0].ID, "operateUserId": "ann", "toUserId": "cho"}},
		"a long remark": {"param.illegal", object{
			"taskId": task, "operateUserId": "ann", "toUserId": "cho", "remark": strings.Repeat("长", 257),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", taskRedirect, test.body, 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	body := object{"taskId": task, "operateUserId": "ann", "toUserId": "cho", "remark": "替我看"}
	b.v1("POST", taskRedirect, body, 200)
	if out := b.v1("POST", taskRedirect, body, 400); out["code"] != "task.status.error" {
		t.Errorf("twice: %v", out)
	}
	got := b.details(id)
	tasks := got["tasks"].([]any)
	from, to := tasks[0].(object), tasks[1].(object)
	if from["result"] != "REDIRECTED" || to["userId"] != "cho" || to["status"] != "RUNNING" || to["result"] != "NONE" || to["activityId"] != from["activityId"] {
		t.Errorf("tasks: %v", tasks)
	}
	if row := got["operationRecords"].([]any)[1].(object); row["type"] != "REDIRECT_TASK" || row["remark"] != "替我看" {
		t.Errorf("record: %v", row)
	}
}

func TestComments(t *testing.T) {
	b := start(t)
	b.office()
	id := b.begin(b.simple(Node{Users: []string{"ann"}}))
	for name, test := range map[string]struct {
		code string
		body object
	}{
		"no instance": {"invalidInstanceId", object{"text": "x", "commentUserId": "ann"}},
		"unknown":     {"aflowProcessInstNotExist", object{"processInstanceId": "x", "text": "x", "commentUserId": "ann"}},
		"nobody":      {"userNotExist", object{"processInstanceId": id, "text": "x", "commentUserId": "gone"}},
		"nothing":     {"invalidParameter", object{"processInstanceId": id, "text": "", "commentUserId": "ann"}},
		"long":        {"invalidParameter", object{"processInstanceId": id, "text": strings.Repeat("长", 1025), "commentUserId": "ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", instanceComment, test.body, 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	b.v1("POST", instanceComment, object{"processInstanceId": id, "text": strings.Repeat("长", 1024), "commentUserId": "ann"}, 200)
	must(t, b.Withdraw(id))
	b.ok("/topapi/process/instance/comment/add", object{"request": object{"process_instance_id": id, "text": "完", "comment_userid": "cho"}})
	in, _ := b.Instance(id)
	if got := in.Comments(); len(got) != 2 || got[1] != "完" {
		t.Errorf("comments: %v", got)
	}
	if got := b.told(); !slices.Contains(got, "cho comment") {
		t.Errorf("events: %v", got)
	}
}

func TestFilesOfInstances(t *testing.T) {
	b := start(t)
	b.office()
	b.AddTemplate(everything())
	id := b.post(request(value("附件", `[{"spaceId":"1","fileName":"a.pdf","fileSize":"333","fileType":"pdf","fileId":"f2"},{"spaceId":"1","fileName":"b","fileSize":"0","fileType":"file","fileId":"f3"}]`)))
	const space, download = workflowInstances + "/spaces/infos/query", workflowInstances + "/spaces/files/urls/download"
	if got := b.v1("POST", space, object{"userId": "bob"}, 200)["result"].(object); got["spaceId"] == nil {
		t.Errorf("space: %v", got)
	}
	b.v1("POST", space, object{"userId": "gone"}, 400)
	b.v1("POST", download, object{"processInstanceId": id, "fileId": "f9"}, 400)
	b.v1("POST", download, object{"processInstanceId": id, "fileId": "f3"}, 400)
	link := b.v1("POST", download, object{"processInstanceId": id, "fileId": "f2"}, 200)["result"].(object)["downloadUri"].(string)
	old := b.ok("/topapi/processinstance/file/url/get", object{"request": object{"process_instance_id": id, "file_id": "f2"}})
	if old["download_uri"] != link || b.ok("/topapi/processinstance/cspace/info", object{"user_id": "bob"})["space_id"] == nil {
		t.Errorf("old: %v", old)
	}
	get := func() (int, string) {
		resp, err := b.http.Get(link)
		must(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(data)
	}
	if status, text := get(); status != http.StatusOK || text != "f2" {
		t.Errorf("%d %s", status, text)
	}
	b.clock.add(15 * time.Minute)
	if status, _ := get(); status != http.StatusForbidden {
		t.Errorf("after a quarter of an hour: %d", status)
	}
}
