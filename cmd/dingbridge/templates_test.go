package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
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

func TestHistoryIsImportedByCommand(t *testing.T) {
	s := newShell(t, 50)
	must(t, s.stage.grant(stageLogin, "hr_holidays.group_hr_holidays_manager"))
	if _, err := s.stage.odoo.SeedBusiness(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "born.yaml")
	must(t, os.WriteFile(file, []byte(bornMapping), 0o600))
	people := filepath.Join(t.TempDir(), "people")
	must(t, os.MkdirAll(people, 0o700))
	for _, name := range []string{"departments", "employees"} {
		src, _ := mapping.Preset(name)
		text := strings.Replace(string(src.Data), "guard:  {creates: 50, updates: 200,", "guard:  {creates: unlimited, updates: unlimited,", 1)
		must(t, os.WriteFile(filepath.Join(people, name+".yaml"), []byte(text), 0o600))
	}
	s.vars["DINGBRIDGE_MAPPINGS"] = filepath.Join(people, "*.yaml") + "," + file
	t1 := demoTemplates()[4]
	boss, _ := s.stage.userByMobile(s.stage.co.people[0].mobile)
	t1.Flow = []dingtalktest.Node{{Users: []string{boss.UserID}}}
	s.stage.ding.AddTemplate(t1)
	s.run("sync")
	day := time.Now().In(time.FixedZone("UTC+8", 8*3600)).Format(time.DateOnly)
	s.stage.ding.Quiet(func() {
		id, err := s.stage.ding.StartInstance(bornCode, boss.UserID, 0, map[string]any{"假期类型": "年假", "开始时间": "2027-01-05 09:00", "结束时间": "2027-01-05 18:00", "天数": 1, "事由": "旧事"})
		must(t, err)
		must(t, s.stage.ding.Agree(id, ""))
	})
	s.want(exitUsage, words("sync employees --from "+day), "one mapping of approvals")
	s.want(exitUsage, words("sync leave-requests --from 2026-13-01"), "2026-13-01")
	got := s.run("sync", "leave-requests", "--from", day)
	if !strings.Contains(got.out, "1 approvals were started then, 1 of them are new") {
		t.Fatalf("%d\n%s\n%s", got.code, got.out, got.err)
	}
	leaves := s.stage.odoo.Search("hr.leave", []any{[]any{"name", "=", "旧事"}})
	if len(leaves) != 1 || textOf(s.stage.odoo.Get("hr.leave", leaves[0])["state"]) != "validate" {
		t.Errorf("leaves: %v\n%s\n%s", leaves, got.out, got.err)
	}
	unmarshal[map[string]any](t, s.run("sync", "leave-requests", "--from", day, "--json").out)
}
