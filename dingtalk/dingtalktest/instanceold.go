package dingtalktest

import (
	"strconv"
	"time"
)

// The old processinstance API (history since 2022-10-08) works on the same instances as the new one.

// wrapped is a request whose parameters stand under "request", as some methods of the old API have it, or plainly.
func wrapped(p params) params {
	if inner, ok := p.object("request"); ok {
		return inner
	}
	return p
}

// oldStart is /topapi/processinstance/create (发起审批实例).
func (s *Server) oldStart(c *call) (any, *Refusal) {
	p := c.params
	for _, key := range []string{"process_code", "originator_user_id", "dept_id", "form_component_values"} {
		if !p.has(key) {
			return nil, missing(400002, key)
		}
	}
	if id, ok := p.number("agent_id"); p.has("agent_id") && (!ok || id != s.agentID) {
		return nil, refuse(40056)
	}
	r := &startRequest{
		code: p.text("process_code"), originator: p.text("originator_user_id"), cc: p.texts("cc_list"),
		ccPosition: p.text("cc_position"), old: true,
	}
	var ok bool
	if r.dept, ok = p.number("dept_id"); !ok {
		return nil, missing(400002, "dept_id")
	}
	for _, userid := range p.texts("approvers") {
		r.levels = append(r.levels, level{mode: ModeNone, users: []string{userid}})
	}
	if p.has("approvers_v2") {
		levels, ok := p.objects("approvers_v2")
		if !ok {
			return nil, missing(400002, "approvers_v2")
		}
		r.levels = nil
		for _, l := range levels {
			r.levels = append(r.levels, level{mode: Mode(l.text("task_action_type")), users: l.texts("user_ids")})
		}
	}
	var no *Refusal
	if r.form, no = readFormValues(p, oldNames, oldFormValues); no != nil {
		return nil, no
	}
	in, no := s.startChecked(r, c.now)
	if no != nil {
		return nil, no
	}
	return topLevel{"process_instance_id": in.ID}, nil
}

// oldDetails is /topapi/processinstance/get (获取单个审批实例详情).
func (s *Server) oldDetails(c *call) (any, *Refusal) {
	id := c.params.text("process_instance_id")
	if id == "" {
		return nil, missing(400002, "process_instance_id")
	}
	in := s.seen(id, c.horizon)
	if in == nil {
		return nil, noInstance()
	}
	shown := map[string]any{
		"title": in.Title, "create_time": oldTime(in.Created), "originator_userid": in.Originator,
		"originator_dept_id": strconv.FormatInt(in.Dept, 10), "originator_dept_name": s.unitName(in.Dept), "status": in.Status,
		"result": in.Result, "business_id": in.BusinessID, "biz_action": in.BizAction, "cc_userids": nonNil(in.CC),
		"attached_process_instance_ids": nonNil(in.Attached), "form_component_values": s.showForm(in, oldNames),
		"operation_records": oldSteps(in), "tasks": oldTasks(in), "approver_userids": in.approvers(),
	}
	if in.Main != "" {
		shown["main_process_instance_id"] = in.Main
	}
	if !in.Finished.IsZero() {
		shown["finish_time"] = oldTime(in.Finished)
	}
	return topLevel{"process_instance": shown}, nil
}

func oldTime(t time.Time) string { return t.In(china).Format(time.DateTime) }

func oldSteps(in *instance) []any {
	out := []any{}
	for _, step := range in.Steps {
		row := map[string]any{"date": oldTime(step.At), "operation_type": step.Type, "operation_result": step.Result}
		if step.UserID != "" {
			row["userid"] = step.UserID
		}
		if step.Remark != "" {
			row["remark"] = step.Remark
		}
		out = append(out, row)
	}
	return out
}

func oldTasks(in *instance) []any {
	out := []any{}
	for _, t := range in.Tasks {
		id := strconv.FormatInt(t.ID, 10)
		row := map[string]any{
			"taskid": id, "userid": t.UserID, "task_status": t.Status, "task_result": t.Result, "create_time": oldTime(t.Created),
			"activity_id": t.Activity, "url": "?procInsId=" + in.ID + "&taskId=" + id,
		}
		if !t.Finished.IsZero() {
			row["finish_time"] = oldTime(t.Finished)
		}
		out = append(out, row)
	}
	return out
}

// oldTerminate is /topapi/process/instance/terminate (终止审批流程).
func (s *Server) oldTerminate(c *call) (any, *Refusal) {
	p := wrapped(c.params)
	system, readable := p.flag("is_system")
	no := s.terminateChecked(termination{
		id: p.text("process_instance_id"), operator: p.text("operating_userid"), remark: p.text("remark"),
		system: system, readable: readable || !p.has("is_system"),
	}, c.now)
	if no != nil {
		return nil, no
	}
	return true, nil
}

// oldExecute is /topapi/process/instance/execute (同意或拒绝审批任务).
func (s *Server) oldExecute(c *call) (any, *Refusal) {
	p := wrapped(c.params)
	task, _ := p.number("task_id")
	no := s.executeChecked(execution{
		id: p.text("process_instance_id"), actor: p.text("actioner_userid"), result: p.text("result"), remark: p.text("remark"), task: task,
	}, c.now)
	if no != nil {
		return nil, no
	}
	return true, nil
}

// oldComment is /topapi/process/instance/comment/add (添加审批评论).
func (s *Server) oldComment(c *call) (any, *Refusal) {
	p := wrapped(c.params)
	if no := s.commentChecked(p.text("process_instance_id"), p.text("comment_userid"), p.text("text"), c.now); no != nil {
		return nil, no
	}
	return true, nil
}
