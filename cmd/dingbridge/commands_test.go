package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	offlineShell(t).want(exitOK, words("version"), "dingbridge ", "go1.")
}

func TestWrongCommandLines(t *testing.T) {
	s := offlineShell(t)
	s.want(exitUsage, words("snyc"), `unknown command "snyc"`, "did you mean sync?")
	s.want(exitUsage, words("plan --jason"), "unknown flag: --jason")
	s.want(exitUsage, words("explain odoo hr.employee"), "accepts 3 arg(s)")
	s.want(exitUsage, words("explain oddo hr.employee 1"), `"oddo" is neither odoo nor dingtalk`)
	s.want(exitUsage, words("explain odoo hr.employee zhangsan"), `"zhangsan" is not an Odoo id`)
	s.want(exitUsage, words("release some"), `"some" is neither`)
	s.want(exitUsage, words("resolve odoo hr.employee 1"), "--take must be odoo or dingtalk")
	s.want(exitUsage, words("retry"), "name one record")
	s.want(exitUsage, words("retry odoo hr.employee 1 --all"), "name one record")
	s.want(exitUsage, words("forget"), "name one record")
	s.want(exitUsage, words("forget odoo hr.employee"), "name one record")
	s.want(exitUsage, words("check missing.yaml"), "missing.yaml")
	s.want(exitUsage, words("check preset:people"), `no preset "people"`, "employees")
	s.want(exitUsage, words("plan"), "lacks:", "DINGBRIDGE_ODOO_DATABASE", "DINGBRIDGE_DINGTALK_APP_SECRET")
	s.want(exitUsage, words("plan -c missing.yaml"), "missing.yaml")
	s.want(exitOK, nil, "Usage:")
}

func TestChinese(t *testing.T) {
	s := offlineShell(t)
	s.vars["LANG"] = "zh_CN.UTF-8"
	s.want(exitUsage, words("snyc"), "未知命令")
	s.want(exitOK, words("--help"), "执行一次同步")
	s.vars["DINGBRIDGE_LANGUAGE"] = "en" // goes before LANG
	s.want(exitUsage, words("snyc"), "unknown command")
	delete(s.vars, "LANG")
	s.vars["DINGBRIDGE_LANGUAGE"] = ""
	settings := file(t, "config.yaml", "language: zh\n")
	s.want(exitOK, []string{"check", "-c", settings}, "没有问题的映射")
}

// verb is one verb of package fmt, with the argument it names, if it names one.
var verb = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*(?:\d+)?(?:\.\d+)?([a-zA-Z%])`)

// TestBothLanguagesTakeTheSameArguments: each argument is used in both, by the same verb.
func TestBothLanguagesTakeTheSameArguments(t *testing.T) {
	arguments := func(s string) map[int]string {
		used, next := map[int]string{}, 1
		for _, m := range verb.FindAllStringSubmatch(s, -1) {
			if m[2] == "%" {
				continue
			}
			if m[1] != "" {
				next = 0
				for _, d := range m[1] {
					next = next*10 + int(d-'0')
				}
			}
			used[next] = m[2]
			next++
		}
		return used
	}
	if len(catalogue) < 80 {
		t.Fatalf("only %d texts", len(catalogue))
	}
	for _, text := range catalogue {
		if text.en == "" || text.zh == "" {
			t.Errorf("%q / %q: one language is missing", text.en, text.zh)
		}
		en, zh := arguments(text.en), arguments(text.zh)
		if len(en) != len(zh) {
			t.Errorf("%q takes %v, %q takes %v", text.en, en, text.zh, zh)
		}
		for n, v := range en {
			if zh[n] != v {
				t.Errorf("argument %d of %q is %%%s, of %q %%%s", n, text.en, v, text.zh, zh[n])
			}
			if n > len(en) {
				t.Errorf("%q names argument %d of %d", text.en, n, len(en))
			}
		}
	}
}

const fiveMistakes = `mapping: staff
odoo: {model: hr.employee}
dingtalk: {kind: user}
direction: both
match: [name]
conflict: oddo
fields:
  - {odoo: name, dingtalk: name, convert: fone}
  - {odoo: mobile_phone, dingtalk: moblie}
  - {odoo: job_titel, dingtalk: title}
create: {dingtalk: false, odoo: false}
`

func TestCheckTellsAllMistakesAtOnce(t *testing.T) {
	s := offlineShell(t)
	path := file(t, "staff.yaml", fiveMistakes)
	got := s.want(exitUsage, []string{"check", path},
		path+`:5:9: two people or things can have one name; nothing is matched by its name alone`,
		path+`:6:11: "oddo" is none of odoo, dingtalk, newest, hold; did you mean "odoo"?`,
		path+`:8:43: there is no converter "fone"`,
		path+`:9:36: a DingTalk user has no field "moblie"; did you mean "mobile"?`,
		path+`:10:12: `, `"job_titel"`, `did you mean "job_title"?`,
		"Errors: 5, warnings: 0.")
	if n := strings.Count(got.out, path+":"); n != 5 {
		t.Errorf("%d complaints for five mistakes:\n%s", n, got.out)
	}
	report := unmarshal[checkReport](t, s.want(exitUsage, []string{"check", "--json", path}).out)
	if report.OK || len(report.Complaints) != 5 || report.Complaints[0].Line != 5 || report.Complaints[0].File != path {
		t.Errorf("%+v", report)
	}
	if got := s.want(exitUsage, []string{"check", "--json", path}); got.err != "" {
		t.Errorf("told twice: %s", got.err)
	}
}

func TestCheckInOrder(t *testing.T) {
	s := offlineShell(t)
	s.want(exitOK, words("check"), "Mappings in order: 2.")
	s.want(exitOK, words("check departments preset:employees"), "Mappings in order: 2.")
	s.want(exitUsage, words("check employees"), "departments") // refers to what is not there
	report := unmarshal[checkReport](t, s.want(exitOK, words("check --json")).out)
	if !report.OK || report.Mappings != 2 || report.Complaints == nil {
		t.Errorf("%+v", report)
	}
}

func TestCheckPrintsTheSchema(t *testing.T) {
	got := offlineShell(t).want(exitOK, words("check --json-schema"))
	var schema struct {
		Title      string                     `json:"title"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal([]byte(got.out), &schema); err != nil || schema.Properties["fields"] == nil {
		t.Errorf("%v %+v", err, schema)
	}
}

func TestExamplesOfMappings(t *testing.T) {
	s := offlineShell(t)
	s.want(exitOK, words("test"), "all hold")
	bad := file(t, "staff.yaml", `mapping: staff
odoo: {model: hr.employee}
dingtalk: {kind: user}
direction: both
match: [mobile]
fields:
  - {odoo: name, dingtalk: name}
  - {odoo: mobile_phone, dingtalk: mobile, convert: phone_cn}
create: {dingtalk: false, odoo: false}
tests:
  - {name: a plain number, odoo: {mobile_phone: "138 0000 0000"}, dingtalk: {mobile: "13800000000"}}
  - {name: another number, odoo: {mobile_phone: "138 0000 0000"}, dingtalk: {mobile: "13900000000"}}
`)
	s.want(exitError, []string{"test", bad}, "staff.yaml:12:", "staff/another number", "Examples: 2, failing: 1.")
	s.want(exitUsage, []string{"test", file(t, "bad.yaml", fiveMistakes)}, "did you mean")
}
