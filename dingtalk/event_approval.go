package dingtalk

import "fmt"

// ApprovalEvent is what an event of an approval tells (审批事件: bpms_instance_change, bpms_task_change). No order is promised, and an
// agreed task is not an agreed approval: the instance is to be read again.
type ApprovalEvent struct {
	InstanceID  string
	ProcessCode string // "" when the event does not say
	Task        bool   // of one approver's task
	Ended       bool   // the instance finished, was withdrawn or was deleted
	Deleted     bool
}

// Approval reads the event of an approval; false when it is none, or names no instance.
func (e Event) Approval() (ApprovalEvent, bool) {
	if e.Type != "bpms_instance_change" && e.Type != "bpms_task_change" {
		return ApprovalEvent{}, false
	}
	a := ApprovalEvent{Task: e.Type == "bpms_task_change", InstanceID: e.word("processInstanceId"), ProcessCode: e.word("processCode")}
	if kind := e.word("type"); !a.Task {
		a.Ended = kind != "start"
		a.Deleted = kind != "start" && kind != "finish" && kind != "terminate" // the word for it is not documented
	}
	return a, a.InstanceID != ""
}

// word is a scalar of the payload as a text, "" when it is not there.
func (e Event) word(key string) string {
	v, ok := e.Lookup(key)
	if !ok || v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
