package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// leaveDaemon is a shell with the presets of people and leave-approval, whose code stands in a settings' file.
func leaveDaemon(t *testing.T) (s *shell, config string) {
	t.Helper()
	s = newShell(t, 0)
	must(t, s.stage.grant("hr_holidays.group_hr_holidays_manager"))
	config = filepath.Join(t.TempDir(), "config.yaml")
	s.vars["DINGBRIDGE_CONFIG"] = config
	codeIs(t, config, "PROC-LEAVE")
	return s, config
}

func codeIs(t *testing.T, config, code string) {
	t.Helper()
	must(t, os.WriteFile(config, []byte("mappings: [departments, employees, leave-approval]\nprocess_codes: {leave-approval: "+code+"}\n"), 0o600))
}

// lineOf is the line of a preset on which the words are.
func lineOf(t *testing.T, preset, words string) int {
	t.Helper()
	src, _ := mapping.Preset(preset)
	before, _, found := strings.Cut(string(src.Data), words)
	if !found {
		t.Fatalf("the preset %s does not have %q", preset, words)
	}
	return 1 + strings.Count(before, "\n")
}

func TestDaemonComparesForms(t *testing.T) {
	s, config := leaveDaemon(t)
	s.stage.ding.AddTemplate(leaveTemplate(func(tp *dingtalktest.Template) {
		tp.Components[4].Label = "请假事由"
		tp.Components = append(tp.Components, dingtalktest.Component{Type: "DDSelectField", Label: "是否紧急", Required: true, Options: []string{"是", "否"}})
	}))
	v := s.serve()
	v.logged("mapping", fmt.Sprintf("preset:leave-approval:%d:", lineOf(t, "leave-approval", "form.事由")))
	v.logged("mapping", `the template has no component \"事由\"`)
	v.logged("mapping", `是否紧急`)
	v.logged("mapping", `"op":"template"`)
	v.ready("") // and it works all the same

	codeIs(t, config, "PROC-NOWHERE")
	v.logged("reloaded", "leave-approval")
	v.logged("mapping", `no template \"PROC-NOWHERE\"`)
	codeIs(t, config, "'PROC NOWHERE'")
	v.logged("reload refused", config+":2:17: the process code given for leave-approval is none")
}

func TestDaemonWorksWithoutForms(t *testing.T) {
	s, config := leaveDaemon(t)
	s.stage.ding.AddTemplate(leaveTemplate(func(*dingtalktest.Template) {}))
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{"Workflow.Form.Read": true} })
	v := s.serve()
	v.logged("template not read", "Workflow.Form.Read")
	v.ready("")
	before := v.logs.FilterMessage("reloaded").Len()
	must(t, os.WriteFile(config, []byte("mappings: [departments, employees]\n"), 0o600))
	v.until(t.Context(), "the mapping is given up", func() bool { return v.logs.FilterMessage("reloaded").Len() > before })
	v.ready("")
	if n := v.logs.FilterMessage("template not read").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestDaemonOfTheOldAPI(t *testing.T) {
	s, _ := leaveDaemon(t)
	s.vars["DINGBRIDGE_DINGTALK_APPROVALS"] = "old"
	s.stage.ding.AddTemplate(leaveTemplate(func(*dingtalktest.Template) {}))
	v := s.serve()
	v.logged("template not compared", "the old approval API has no such call")
	v.ready("")
}
