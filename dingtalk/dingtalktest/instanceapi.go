package dingtalktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// formNames are the keys of a form's values in one generation of the API.
type formNames struct{ values, ext, alias, kind string }

var (
	newNames = formNames{values: "formComponentValues", ext: "extValue", alias: "bizAlias", kind: "componentType"}
	oldNames = formNames{values: "form_component_values", ext: "ext_value", alias: "biz_alias", kind: "component_type"}
)

// readFormValues reads the values of a form; each must be a text.
func readFormValues(p params, names formNames, most int) ([]FormValue, *Refusal) {
	list, ok := p.objects(names.values)
	if !ok || len(list) > most {
		return nil, invalid("%s", names.values)
	}
	var out []FormValue
	for _, item := range list {
		value, isText := item["value"].(string)
		if item.text("name") == "" || !isText {
			return nil, invalid("%s: name, value", names.values)
		}
		if details, ok := item["details"].([]any); ok && len(details) > formValues {
			return nil, invalid("%s: details", names.values)
		}
		out = append(out, FormValue{
			ID: item.text("id"), Alias: item.text(names.alias), Name: item.text("name"), Value: value,
			ExtValue: item.text(names.ext), Type: item.text(names.kind),
		})
	}
	return out, nil
}

// startInstance is POST /v1.0/workflow/processInstances (发起审批实例).
func (s *Server) startInstance(c *call) (any, *Refusal) {
	p := c.params
	if no := v1Required(p, "processCode", "originatorUserId", "formComponentValues"); no != nil {
		return nil, no
	}
	if id, ok := p.number("microappAgentId"); p.has("microappAgentId") && (!ok || id != s.agentID) {
		return nil, flowRefusal(40056, "invalidAgentId", "agentId不合法")
	}
	r := &startRequest{
		code: p.text("processCode"), originator: p.text("originatorUserId"), cc: p.texts("ccList"), ccPosition: p.text("ccPosition"),
	}
	var ok bool
	if r.dept, ok = p.number("deptId"); p.has("deptId") && !ok {
		return nil, badStart("部门不合法")
	}
	levels, ok := p.objects("approvers")
	if p.has("approvers") && !ok {
		return nil, invalid("approvers")
	}
	for _, l := range levels {
		r.levels = append(r.levels, level{mode: Mode(l.text("actionType")), users: l.texts("userIds")})
	}
	selected, ok := p.objects("targetSelectActioners")
	if p.has("targetSelectActioners") && !ok || len(selected) > startSelected {
		return nil, invalid("targetSelectActioners")
	}
	r.selected = map[string][]string{}
	for _, chosen := range selected {
		r.selected[chosen.text("actionerKey")] = chosen.texts("actionerUserIds")
	}
	var no *Refusal
	if r.form, no = readFormValues(p, newNames, formValues); no != nil {
		return nil, no
	}
	in, no := s.startChecked(r, c.now)
	if no != nil {
		return nil, no
	}
	return map[string]any{"instanceId": in.ID}, nil
}

// minute is a time as the new API shows it. Whether that is UTC is not documented; see Knobs.LocalTimes.
func (s *Server) minute(t time.Time) string {
	zone := time.UTC
	if s.knobs.LocalTimes {
		zone = china
	}
	return t.In(zone).Format("2006-01-02T15:04Z")
}

// instanceDetails is GET /v1.0/workflow/processInstances (获取单个审批实例详情).
func (s *Server) instanceDetails(c *call) (any, *Refusal) {
	id := c.params.text("processInstanceId")
	if id == "" {
		return nil, flowRefusal(400002, "processInstanceIdError", "processInstanceId不能为空")
	}
	in := s.seen(id, c.horizon)
	if in == nil {
		return nil, flowRefusal(820004, "processInstanceNotExist", "审批实例不存在")
	}
	result := map[string]any{
		"title": in.Title, "createTime": s.minute(in.Created), "originatorUserId": in.Originator,
		"originatorDeptId": strconv.FormatInt(in.Dept, 10), "originatorDeptName": s.unitName(in.Dept), "status": in.Status,
		"result": in.Result, "businessId": in.BusinessID, "bizAction": in.BizAction, "ccUserIds": nonNil(in.CC),
		"attachedProcessInstanceIds": nonNil(in.Attached), "formComponentValues": s.showForm(in, newNames),
		"operationRecords": s.showSteps(in), "tasks": s.showTasks(in), "approverUserIds": in.approvers(),
	}
	if in.Main != "" {
		result["mainProcessInstanceId"] = in.Main
	}
	if !in.Finished.IsZero() {
		result["finishTime"] = s.minute(in.Finished)
	}
	return map[string]any{"success": "true", "result": result}, nil
}

func (s *Server) unitName(dept int64) string {
	if u := s.dir.units[fromShown(dept)]; u != nil {
		return u.Name
	}
	return ""
}

// approvers are those who were named at the start, nobody for a configured flow.
func (in *instance) approvers() []string {
	out := []string{}
	if in.explicit {
		for i := range in.flow {
			out = append(out, in.flow[i].Users...)
		}
	}
	return out
}

func (s *Server) showForm(in *instance, names formNames) []any {
	out := []any{}
	for _, v := range s.readForm(in) {
		item := map[string]any{"id": v.ID, "name": v.Name, names.kind: v.Type}
		for key, value := range map[string]string{"value": v.Value, names.ext: v.ExtValue, names.alias: v.Alias} {
			if value != "" {
				item[key] = value
			}
		}
		out = append(out, item)
	}
	return out
}

func (s *Server) showSteps(in *instance) []any {
	out := []any{}
	for _, step := range in.Steps {
		row := map[string]any{"date": s.minute(step.At), "type": step.Type, "result": step.Result, "showName": step.Name}
		for key, value := range map[string]string{"userId": step.UserID, "remark": step.Remark, "activityId": step.Activity} {
			if value != "" {
				row[key] = value
			}
		}
		if len(step.CC) > 0 {
			row["ccUserIds"] = step.CC
		}
		out = append(out, row)
	}
	return out
}

func (s *Server) showTasks(in *instance) []any {
	out := []any{}
	for _, t := range in.Tasks {
		url := "?procInsId=" + in.ID + "&taskId=" + strconv.FormatInt(t.ID, 10)
		row := map[string]any{
			"taskId": t.ID, "userId": t.UserID, "status": t.Status, "result": t.Result, "createTime": s.minute(t.Created),
			"activityId": t.Activity, "processInstanceId": in.ID, "pcUrl": url, "mobileUrl": url,
		}
		if !t.Finished.IsZero() {
			row["finishTime"] = s.minute(t.Finished)
		}
		out = append(out, row)
	}
	return out
}

// remarkLen bounds remarks and comments, redirectLen the remark of a redirect, in characters.
const (
	remarkLen   = 1024
	redirectLen = 256
)

// termination is a withdrawal in either generation of the API.
type termination struct {
	id, operator, remark string
	system, readable     bool
}

// terminateInstance is POST /v1.0/workflow/processInstances/terminate (撤销审批实例).
func (s *Server) terminateInstance(c *call) (any, *Refusal) {
	system, readable := c.params.flag("isSystem")
	no := s.terminateChecked(termination{
		id: c.params.text("processInstanceId"), operator: c.params.text("operatingUserId"), remark: c.params.text("remark"),
		system: system, readable: readable || !c.params.has("isSystem"),
	}, c.now)
	if no != nil {
		return nil, no
	}
	return map[string]any{"result": true, "success": true}, nil
}

func (s *Server) terminateChecked(r termination, now time.Time) *Refusal {
	in := s.approvals.instances[r.id]
	switch {
	case r.id == "":
		return flowRefusal(400002, "invalidInstanceId", "审批实例id不合法")
	case !r.readable:
		return flowRefusal(400002, "invalidInstanceTerminateIsSystem", "isSystem不合法")
	case len([]rune(r.remark)) > remarkLen:
		return invalid("remark")
	case !r.system && r.operator == "":
		return flowRefusal(400002, "invalidInstanceTerminateOperatingUserId", "操作人不能为空")
	case r.operator != "" && s.dir.users[r.operator] == nil:
		return flowRefusal(60121, "userNotExist", "用户不存在")
	case in == nil || in.Deleted:
		return noInstance()
	case in.Status != StatusRunning:
		return notRunning()
	case !r.system && r.operator != in.Originator:
		return flowRefusal(400002, "invalidInstanceTerminateOperatingUserId", "操作人不是发起人")
	case in.noWithdraw:
		return noWithdrawal()
	case now.Sub(in.Created) < s.knobs.WithdrawAfter:
		return flowRefusal(820008, "internalError", "审批发起%d秒内不能撤销", int(s.knobs.WithdrawAfter.Seconds()))
	}
	by := r.operator
	if r.system {
		by = bySystem
	}
	s.terminate(s.editInstance(r.id, now), by, r.remark, now)
	return nil
}

// execution is a decision on a task in either generation of the API.
type execution struct {
	id, actor, result, remark string
	task                      int64
}

// executeTask is POST /v1.0/workflow/processInstances/execute (同意或拒绝审批任务).
func (s *Server) executeTask(c *call) (any, *Refusal) {
	task, _ := c.params.number("taskId")
	no := s.executeChecked(execution{
		id: c.params.text("processInstanceId"), actor: c.params.text("actionerUserId"), result: c.params.text("result"),
		remark: c.params.text("remark"), task: task,
	}, c.now)
	if no != nil {
		return nil, no
	}
	return map[string]any{"result": true, "success": true}, nil
}

func (s *Server) executeChecked(r execution, now time.Time) *Refusal {
	in := s.approvals.instances[r.id]
	switch {
	case r.id == "":
		return flowRefusal(400002, "invalidInstanceId", "审批实例id不合法")
	case in == nil || in.Deleted:
		return flowRefusal(820004, "aflowProcessNotExist", "审批实例不存在")
	case s.dir.users[r.actor] == nil:
		return flowRefusal(60121, "userNotExist", "用户不存在")
	case r.result != ResultAgree && r.result != ResultRefuse:
		return flowRefusal(400002, "invalidInstanceExecuteResult", "审批结果不合法")
	case len([]rune(r.remark)) > remarkLen:
		return invalid("remark")
	case in.Status != StatusRunning:
		return notRunning()
	}
	at := slices.IndexFunc(in.Tasks, func(t Task) bool { return t.ID == r.task })
	switch {
	case at < 0:
		return flowRefusal(400002, "invalidInstanceExecuteTaskId", "任务id不合法")
	case in.Tasks[at].UserID != r.actor:
		return flowRefusal(400002, "invalidInstanceExecuteActionerUserId", "操作人不是任务处理人")
	case in.Tasks[at].Status != StatusRunning:
		return noTask(r.actor)
	}
	s.decide(s.editInstance(r.id, now), at, r.result, r.remark, now)
	return nil
}

// redirectTask is POST /v1.0/workflow/tasks/redirect (转交OA审批任务).
func (s *Server) redirectTask(c *call) (any, *Refusal) {
	bad := func(code, message string) (any, *Refusal) {
		return nil, v1Refusal(http.StatusBadRequest, code, message)
	}
	id, ok := c.params.number("taskId")
	from, to := c.params.text("operateUserId"), c.params.text("toUserId")
	if !c.params.has("taskId") || from == "" || to == "" {
		return bad("param.blank", "参数不能为空")
	}
	in := s.approvals.instances[s.approvals.tasks[id]]
	if !ok || in == nil || in.Deleted || s.dir.users[to] == nil || len([]rune(c.params.text("remark"))) > redirectLen {
		return bad("param.illegal", "参数不合法")
	}
	at := slices.IndexFunc(in.Tasks, func(t Task) bool { return t.ID == id })
	switch {
	case in.Tasks[at].UserID != from:
		return bad("param.illegal.operator", "操作人不是任务处理人")
	case in.Status != StatusRunning:
		return bad("instance.status.error", "审批实例状态异常")
	case in.Tasks[at].Status != StatusRunning:
		return bad("task.status.error", "任务状态异常")
	}
	s.handOver(s.editInstance(in.ID, c.now), at, to, c.params.text("remark"), c.now)
	return map[string]any{"result": true}, nil
}

// commentInstance is POST /v1.0/workflow/processInstances/comments (添加审批评论).
func (s *Server) commentInstance(c *call) (any, *Refusal) {
	no := s.commentChecked(c.params.text("processInstanceId"), c.params.text("commentUserId"), c.params.text("text"), c.now)
	if no != nil {
		return nil, no
	}
	return map[string]any{"result": true, "success": true}, nil
}

func (s *Server) commentChecked(id, userid, text string, now time.Time) *Refusal {
	in := s.approvals.instances[id]
	switch {
	case id == "":
		return flowRefusal(400002, "invalidInstanceId", "审批实例id不合法")
	case in == nil || in.Deleted:
		return noInstance()
	case s.dir.users[userid] == nil:
		return flowRefusal(60121, "userNotExist", "用户不存在")
	case text == "" || len([]rune(text)) > remarkLen:
		return invalid("text")
	}
	s.remark(s.editInstance(id, now), userid, text, now)
	return nil
}
