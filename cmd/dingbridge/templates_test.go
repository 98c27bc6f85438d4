package main

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// leaveTemplate is the form of the preset leave-approval, with components changed.
func leaveTemplate(edit func(*dingtalktest.Template)) dingtalktest.Template {
	t := demoTemplates()[0]
	t.Code = "PROC-LEAVE"
	edit(&t)
	return t
}

func TestFormsAreCompared(t *testing.T) {
	s := newShell(t, 50)
	stage := s.stage
	must(t, stage.grant(stageLogin, "hr_holidays.group_hr_holidays_manager"))
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,leave-approval"
	s.want(exitUsage, words("plan"), "preset:leave-approval:", "process_codes")
	s.vars["DINGBRIDGE_PROCESS_CODES"] = "leave-approval=PROC-LEAVE"
	s.want(exitUsage, words("check --live"), "preset:leave-approval:", `no template "PROC-LEAVE"`)
	stage.ding.AddTemplate(leaveTemplate(func(*dingtalktest.Template) {}))
	s.want(exitOK, words("check --live"), "请假申请 (PROC-LEAVE)")
	stage.ding.AddTemplate(leaveTemplate(func(tp *dingtalktest.Template) {
		tp.Components[4].Label = "请假事由"
		tp.Components = append(tp.Components, dingtalktest.Component{Type: "DDSelectField", Label: "是否紧急", Required: true, Options: []string{"是", "否"}})
	}))
	got := s.want(exitUsage, words("check --live"), `preset:leave-approval:28:5: the template has no component "事由"`, "是否紧急")
	for _, line := range strings.Split(got.out+got.err, "\n") {
		if strings.Contains(line, "是否紧急") && !strings.Contains(line, "leave-approval:") {
			t.Errorf("no position: %s", line)
		}
	}
	s.want(exitOK, words("check --live --skeleton list"), "PROC-LEAVE  请假申请")
	s.want(exitOK, words("check --live --skeleton PROC-LEAVE,hr.leave"), "PROC-LEAVE", "action_approve", "form.天数")
}
