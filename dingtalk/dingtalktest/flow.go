package dingtalktest

import (
	"slices"
	"time"
)

// enter opens the tasks of the present node, or of the first after it that asks anybody, or ends the instance.
func (s *Server) enter(in *instance, now time.Time) {
	for ; in.at < len(in.flow); in.at++ {
		n := &in.flow[in.at]
		n.Users = slices.DeleteFunc(n.Users, func(id string) bool { return s.dir.users[id] == nil })
		in.turn = 0
		switch {
		case n.CC:
			in.tell(n.Users, n.ID, now)
		case n.Auto != "":
			row := Step{At: now, Type: "EXECUTE_TASK_AUTO", Result: taskAgree, Activity: n.ID, Name: n.Name}
			if n.Auto == ResultRefuse {
				row.Result = taskRefuse
				in.step(row)
				s.finish(in, ResultRefuse, now)
				return
			}
			in.step(row)
		case len(n.Users) > 0:
			users := n.Users
			if n.Mode == ModeOneByOne {
				users = users[:1]
			}
			for _, id := range users {
				s.openTask(in, id, now)
			}
			return
		}
	}
	s.finish(in, ResultAgree, now)
}

func (s *Server) openTask(in *instance, userid string, now time.Time) {
	a := &s.approvals
	a.lastTask += 7
	t := Task{
		ID: a.lastTask, UserID: userid, Status: StatusRunning, Result: taskNone, Created: now, Activity: in.flow[in.at].ID,
	}
	in.Tasks = append(in.Tasks, t)
	a.tasks[t.ID] = in.ID
	s.emitTask(in, &t, taskEvent{kind: "start"})
}

// openTasks are the places of the tasks that wait for somebody.
func (in *instance) openTasks() (out []int) {
	for i := range in.Tasks {
		if in.Tasks[i].Status == StatusRunning {
			out = append(out, i)
		}
	}
	return out
}

// openTaskOf is the place of a person's open task, -1 without one.
func (in *instance) openTaskOf(userid string) int {
	return slices.IndexFunc(in.Tasks, func(t Task) bool { return t.Status == StatusRunning && t.UserID == userid })
}

// decide carries out the decision on one open task. Refusing ends the instance; agreeing moves it on as the node's mode says.
func (s *Server) decide(in *instance, at int, result, remark string, now time.Time) {
	t := &in.Tasks[at]
	t.Status, t.Finished, t.Result = StatusCompleted, now, taskAgree
	if result == ResultRefuse {
		t.Result = taskRefuse
	}
	in.step(Step{
		UserID: t.UserID, At: now, Type: "EXECUTE_TASK_NORMAL", Result: t.Result, Remark: remark, Activity: t.Activity,
		Name: in.flow[in.at].Name,
	})
	s.emitTask(in, t, taskEvent{kind: "finish", result: result, remark: remark})
	n := &in.flow[in.at]
	switch {
	case result == ResultRefuse:
		s.cancelTasks(in, now)
		s.finish(in, ResultRefuse, now)
		return
	case n.Mode == ModeOr:
		s.cancelTasks(in, now)
	case n.Mode == ModeOneByOne && in.turn+1 < len(n.Users):
		in.turn++
		s.openTask(in, n.Users[in.turn], now)
		return
	case len(in.openTasks()) > 0:
		return
	}
	in.at++
	s.enter(in, now)
}

// cancelTasks closes the tasks that others made needless and tells.
func (s *Server) cancelTasks(in *instance, now time.Time) {
	for _, i := range in.openTasks() {
		t := &in.Tasks[i]
		t.Status, t.Finished = statusCanceled, now
		s.emitTask(in, t, taskEvent{kind: "cancel"})
	}
}

// finish ends an instance by the decision of its approvers.
func (s *Server) finish(in *instance, result string, now time.Time) {
	in.Status, in.Result, in.Finished = StatusCompleted, result, now
	if result == ResultAgree && (in.ccPosition == "FINISH" || in.ccPosition == "START_FINISH") {
		in.tell(in.cc, "", now)
	}
	if s.knobs.FinishRecorded {
		in.step(Step{At: now, Type: "FINISH_PROCESS_INSTANCE", Result: taskNone})
	}
	s.emitInstance(in, "finish")
}

// terminate withdraws a running instance; by is a userid, or bySystem.
func (s *Server) terminate(in *instance, by, remark string, now time.Time) {
	for _, i := range in.openTasks() {
		in.Tasks[i].Status, in.Tasks[i].Finished = statusCanceled, now
	}
	in.Status, in.Finished, in.TerminatedBy = StatusTerminated, now, by
	row := Step{UserID: by, At: now, Type: "TERMINATE_PROCESS_INSTANCE", Result: taskNone, Remark: remark}
	if by == bySystem {
		row.UserID = ""
	}
	in.step(row)
	s.emitInstance(in, "terminate")
}

// handOver gives an open task to another person, who gets a task of his own.
func (s *Server) handOver(in *instance, at int, to, remark string, now time.Time) {
	t := &in.Tasks[at]
	t.Status, t.Result, t.Finished = StatusCompleted, taskRedirected, now
	from := t.UserID
	in.step(Step{
		UserID: from, At: now, Type: "REDIRECT_TASK", Result: taskNone, Remark: remark, Activity: t.Activity, Name: in.flow[in.at].Name,
	})
	s.emitTask(in, t, taskEvent{kind: "finish", result: "redirect", remark: remark})
	s.openTask(in, to, now)
}

// remark adds a comment.
func (s *Server) remark(in *instance, userid, text string, now time.Time) {
	in.step(Step{UserID: userid, At: now, Type: "ADD_REMARK", Result: taskNone, Remark: text})
	if !s.knobs.NoCommentEvents {
		s.emitTask(in, &Task{UserID: userid, Created: now}, taskEvent{kind: "comment", content: text})
	}
}

// emitInstance emits bpms_instance_change; its keys are those of the document 审批实例开始、结束、终止、删除.
func (s *Server) emitInstance(in *instance, kind string) {
	data := s.instanceKeys(in)
	data["type"], data["staffId"], data["createTime"] = kind, in.Originator, in.Created.UnixMilli()
	data["businessType"] = in.name
	data["url"] = "https://aflow.dingtalk.com/dingtalk/mobile/homepage.htm?corpid=" + s.corpID + "&procInstId=" + in.ID
	if kind != "start" && !in.Finished.IsZero() {
		data["finishTime"] = in.Finished.UnixMilli()
	}
	if kind == "finish" {
		data["result"] = in.Result
	}
	s.emit("bpms_instance_change", data)
}

// taskEvent is what an event of a task says beside the task.
type taskEvent struct{ kind, result, remark, content string }

// emitTask emits bpms_task_change; its keys are those of the document 审批任务开始、结束、转交.
func (s *Server) emitTask(in *instance, t *Task, e taskEvent) {
	data := s.instanceKeys(in)
	data["type"], data["staffId"], data["createTime"] = e.kind, t.UserID, t.Created.UnixMilli()
	if t.ID != 0 && !s.knobs.TaskIDAbsent {
		data["taskId"] = t.ID
	}
	if !t.Finished.IsZero() {
		data["finishTime"] = t.Finished.UnixMilli()
	}
	for key, value := range map[string]string{"result": e.result, "remark": e.remark, "content": e.content} {
		if value != "" {
			data[key] = value
		}
	}
	s.emit("bpms_task_change", data)
}

func (s *Server) instanceKeys(in *instance) map[string]any {
	data := map[string]any{
		"processInstanceId": in.ID, "processCode": in.Code, "businessId": in.BusinessID, "title": in.Title,
	}
	if in.bizType != "" {
		data["bizCategoryId"] = in.bizType
	}
	return data
}
