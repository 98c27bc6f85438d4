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
	must(t, stage.grant("hr_holidays.group_hr_holidays_manager"))
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
}

func TestSkeletons(t *testing.T) {
	s := newShell(t, 0)
	must(t, s.stage.grant("hr_holidays.group_hr_holidays_manager"))
	s.want(exitOK, words("check --live --skeleton"), "The app sees no template")
	for _, template := range demoTemplates() {
		s.stage.ding.AddTemplate(template)
	}
	s.want(exitOK, words("check --live --skeleton"), "PROC-DEMO-LEAVE  请假申请\n", "PROC-DEMO-PURCHASE  采购申请\n")
	if got := s.want(exitOK, words("check --live --skeleton 请假"), "PROC-DEMO-LEAVE", "PROC-DEMO-BORN"); strings.Contains(got.out, "PURCHASE") {
		t.Errorf("all are listed: %s", got.out)
	}
	s.want(exitOK, words("check --skeleton 出差"), `No template has "出差"`)
	got := s.want(exitOK, words("check --live --skeleton PROC-DEMO-LEAVE hr.leave"), `process_code: "PROC-DEMO-LEAVE"`, "action_approve", "form.天数")
	if got.err != "" {
		t.Errorf("standard error: %s", got.err)
	}
	s.want(exitOK, []string{"check", "departments", "employees", file(t, "leave.yaml", got.out)}, "Mappings in order: 3.") // ready to be saved
	s.want(exitUsage, words("check --live --skeleton PROC-NOWHERE hr.leave"), `no template "PROC-NOWHERE"`, "lists them")
	s.want(exitUsage, words("check --live --skeleton PROC-DEMO-LEAVE hr.leaves"), `Odoo has no model "hr.leaves"`)
	s.want(exitUsage, words("check --skeleton PROC-DEMO-LEAVE hr.leave more"), "takes the code of a template and a model")
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{"Workflow.Form.Read": true} })
	s.want(exitHalted, words("check --live --skeleton"), "Workflow.Form.Read")
}
