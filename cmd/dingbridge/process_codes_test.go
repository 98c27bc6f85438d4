package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProcessCodesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"process_codes: {leave-approval: PROC-A, Travel: PROC-B}": "map[Travel:PROC-B leave-approval:PROC-A]",
		"process_codes:\n  - leave-approval=PROC-A\n":             "map[leave-approval:PROC-A]",
		"process_codes: leave-approval=PROC-A, b=PROC-B":          "map[b:PROC-B leave-approval:PROC-A]",
		"process_codes: {}":                                   "map[]",
		"process_codes:":                                      "map[]",
		"process_codes: {leave-approval: 12345}":              "map[leave-approval:12345]",
		"x: &x {leave-approval: PROC-A}\nprocess_codes: *x":   "there is no setting x",
		"process_codes: {leave-approval: {code: PROC-A}}":     "config.yaml:1: process_codes must be names of mappings with codes",
		"process_codes: {leave-approval: }":                   `"leave-approval=" is not MAPPING=CODE`,
		"log: {level: info}\nprocess_codes: [leave-approval]": `config.yaml:2: `,
		"process_codes: {a: PROC-A, a: PROC-B}":               "already defined at line 1",
		"process_codes: [a=PROC-A, a=PROC-B]":                 "a has two codes",
		"process_codes: {a: \"PROC-A,b=PROC-B\"}":             "a comma separates mappings",
	} {
		s, err := load(t, text, nil)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(map[string]string(s.ProcessCodes))
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s\n%s\nwant %s", text, got, want)
		}
	}
	s, err := load(t, "process_codes: {a: PROC-A}", map[string]string{"DINGBRIDGE_PROCESS_CODES": "b=PROC-B"})
	must(t, err)
	if got := fmt.Sprint(map[string]string(s.ProcessCodes)); got != "map[b:PROC-B]" {
		t.Errorf("the environment does not win: %s", got)
	}
	if at := s.codePosition("a").String(); at != "DINGBRIDGE_PROCESS_CODES:1:1" {
		t.Errorf("the position is %s", at)
	}
}

func TestMappingsWithoutATemplateAreTold(t *testing.T) {
	s := newShell(t, 0)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,leave-approval,purchase-approval"
	must(t, s.stage.grant("hr_holidays.group_hr_holidays_manager", "purchase.group_purchase_user"))
	for _, command := range []string{"check", "check --live", "plan", "sync", "sync departments", "run"} {
		got := s.want(exitUsage, words(command), "preset:leave-approval:", "the mapping leave-approval has no template", "process_codes: {leave-approval: PROC-…}",
			"DINGBRIDGE_PROCESS_CODES=leave-approval=PROC-…", "the mapping purchase-approval has no template")
		if n := strings.Count(got.out+got.err, "has no template"); n != 2 && command != "run" || strings.Contains(got.out+got.err, "nothing says the template") {
			t.Errorf("%s tells it %d times:\n%s%s", command, n, got.out, got.err)
		}
	}
	s.want(exitOK, words("test"), "all hold")
	s.want(exitOK, words("status"))
	s.want(exitOK, words("check departments employees leave-approval")) // files are not what is running
}

func TestWrongProcessCodesAreTold(t *testing.T) {
	s := newShell(t, 0)
	config := filepath.Join(t.TempDir(), "config.yaml")
	write := func(codes string) {
		must(t, os.WriteFile(config, []byte("mappings: [departments, employees, leave-approval]\nprocess_codes:\n"+codes), 0o600))
	}
	s.vars["DINGBRIDGE_CONFIG"] = config
	must(t, s.stage.grant("hr_holidays.group_hr_holidays_manager"))
	s.stage.ding.AddTemplate(demoTemplates()[0])

	write("  leave-approval: PROC-DEMO-LEAVE\n  leave-aproval: PROC-A\n")
	s.want(exitOK, words("check"), config+`:4:3: warning: a process code is given for "leave-aproval", which is none of the mappings that are enabled: departments, employees, leave-approval`)
	got := s.want(exitOK, words("plan --json"))
	if !strings.Contains(got.err, "leave-aproval") || strings.Contains(got.out, "leave-aproval") {
		t.Errorf("plan tells it on standard error only:\n%s\n%s", got.out, got.err)
	}
	s.vars["LANG"], s.vars["DINGBRIDGE_LANGUAGE"] = "zh_CN.UTF-8", "zh"
	s.want(exitOK, words("check"), "不在启用的映射之中")
	delete(s.vars, "LANG")
	delete(s.vars, "DINGBRIDGE_LANGUAGE")

	write("  departments: PROC-A\n  leave-approval: PROC-DEMO-LEAVE\n")
	s.want(exitUsage, words("check"), config+":3:3: a process code is given for departments, which is no mapping of approvals")
	write("  leave-approval: 'PROC A'\n")
	got = s.want(exitUsage, words("plan"), config+":3:3: the process code given for leave-approval is none")
	if strings.Contains(got.err, "has no template") {
		t.Errorf("told twice: %s", got.err)
	}
	delete(s.vars, "DINGBRIDGE_CONFIG")
	s.vars["DINGBRIDGE_MAPPINGS"], s.vars["DINGBRIDGE_PROCESS_CODES"] = "departments,employees", "leave-approval=PROC-A"
	s.want(exitOK, words("check"), `DINGBRIDGE_PROCESS_CODES:1:1: warning: a process code is given for "leave-approval"`)
}
