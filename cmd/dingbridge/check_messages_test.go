package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// tellers are mappings of messages by every way that can be asked about.
const tellers = `mapping: department-notice
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: member_ids}, followers]
result: note
fields:
  - {dingtalk: text.content, value: "{{ name }}：{{ note }}"}
---
mapping: user-message
odoo: {model: res.users}
dingtalk: {kind: person_message}
start: now
receivers: [{path: partner_id}, {userid: nobody-there}]
fields:
  - {dingtalk: text.content, value: "{{ name }}（{{ company_id.email }}）"}
---
mapping: department-ding
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: ding}
start: now
receivers: [{path: parent_id.manager_id}]
fields:
  - {dingtalk: content, value: "{{ name }}"}
---
mapping: department-group
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: robot_message, webhook: sales}
start: now
fields:
  - {dingtalk: text.content, value: "{{ name }}"}
`

// tells lets the shell use the presets and these mappings of messages, and returns the file.
func (s *shell) tells(mappings string) string {
	s.t.Helper()
	path := file(s.t, "messages.yaml", mappings)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees," + path
	return path
}

func TestCheckTellsWhatMessagesLack(t *testing.T) {
	s := offlineShell(t)
	path := s.tells(tellers)
	got := s.want(exitUsage, words("check"),
		path+":1:1: the mapping department-notice sends work notices, which need the app's AgentId: dingtalk.agent_id in the settings, or DINGBRIDGE_DINGTALK_AGENT_ID",
		path+":26:1: the mapping department-group writes by the webhook sales, and the settings name none of this name: dingtalk.webhooks: {sales: {url: …}}; there are: none",
		"Errors: 2, warnings: 0.")
	if strings.Contains(got.out, "user-message") {
		t.Errorf("the robot needs no setting:\n%s", got.out)
	}
	s.vars["LANG"] = "zh_CN.UTF-8"
	s.want(exitUsage, words("check"), "需要应用的 AgentId", "但设置中没有它")
	delete(s.vars, "LANG")
	maps.Copy(s.vars, map[string]string{
		"DINGBRIDGE_DINGTALK_AGENT_ID": "1", "DINGBRIDGE_DINGTALK_WEBHOOKS": "other", "DINGBRIDGE_DINGTALK_WEBHOOKS_OTHER_URL": robotAddress("t"),
	})
	s.want(exitUsage, words("check"), path+":26:1: ", "there are: other", "Errors: 1")
	maps.Copy(s.vars, map[string]string{"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales", "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL": robotAddress("t")})
	s.want(exitOK, words("check"), "Mappings in order: 6.")
	s.want(exitOK, []string{"check", "departments", "employees", path}) // files are not what is running
}

// Neither the daemon nor another command works with a mapping that cannot tell anybody anything.
func TestMessagesThatCannotBeSentKeepFromWorking(t *testing.T) {
	s := newShell(t, 0)
	delete(s.vars, "DINGBRIDGE_DINGTALK_AGENT_ID")
	s.tells(tellers)
	for _, line := range []string{"plan", "sync", "run", "explain odoo hr.department 1", "check --live"} {
		s.want(exitUsage, words(line), "messages.yaml:1:1: ", "AgentId", "messages.yaml:26:1: ")
	}
	s.want(exitOK, words("status"))
}

func TestCheckLiveOfMessages(t *testing.T) {
	s := newShell(t, 45)
	s.tells(tellers)
	maps.Copy(s.vars, map[string]string{"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales", "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL": robotAddress("t")})
	s.stage.ding.ResetJournal()
	got := s.want(exitUsage, words("check --live"),
		"ok: odoo: mail.followers: may read", "ok: odoo: res.partner: may read", "ok: odoo: res.users: may read", "ok: odoo: mail.message: may read, create",
		"ok: odoo: res.company: may read", "ok: odoo: hr.department: may read, write",
		"ok: dingtalk: message/corpconversation can be used", "ok: dingtalk: robot/oToMessages can be used", "ok: dingtalk: robot/ding can be used",
		"error: dingtalk: mapping user-message: there is no nobody-there in DingTalk")
	if n := strings.Count(got.out, "error: "); n != 1 || strings.Contains(got.out, "groupMessages") {
		t.Errorf("%d errors in\n%s", n, got.out)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write || strings.Contains(strings.ToLower(r.Path), "send") && !strings.HasSuffix(r.Path, "getsendprogress") {
			t.Errorf("%s was called", r.Path)
		}
	}
	s.vars["DINGBRIDGE_DINGTALK_AGENT_ID"] = "77"
	s.want(exitUsage, words("check --live"), "error: dingtalk: message/corpconversation cannot be used: 40056")
	s.vars["DINGBRIDGE_DINGTALK_ROBOT_CODE"] = "another"
	s.want(exitUsage, words("check --live"), "error: dingtalk: robot/oToMessages cannot be used: ", "error: dingtalk: robot/ding cannot be used: ")
	delete(s.vars, "DINGBRIDGE_DINGTALK_ROBOT_CODE")
	for point, what := range map[string]string{"qyapi_robot_sendmsg": "robot/oToMessages", "Premium.Ding.Write": "robot/ding"} {
		s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
		s.want(exitUsage, words("check --live"), "error: dingtalk: "+what+" cannot be used", "the permission point "+point+" is missing")
	}
}

// Who may not write a record may not post on it either, but for some models.
func TestCheckLiveOfNotesAboutMessages(t *testing.T) {
	s := newShell(t, 0)
	dir := t.TempDir()
	for model, want := range map[string]string{"res.partner": "error: odoo: res.partner: may not write", "hr.employee": "ok: odoo: hr.employee: may read\n"} {
		path := filepath.Join(dir, model+".yaml")
		must(t, os.WriteFile(path, []byte(`mapping: told
odoo: {model: `+model+`}
dingtalk: {kind: work_notice}
start: now
receivers: [{userid: x}]
result: note
fields:
  - {dingtalk: text.content, value: "{{ name }}"}
`), 0o600))
		s.stage.odoo.AddUser("plain", "plain-password", "base.group_user")
		s.vars["DINGBRIDGE_ODOO_LOGIN"], s.vars["DINGBRIDGE_ODOO_PASSWORD"] = "plain", "plain-password"
		s.vars["DINGBRIDGE_MAPPINGS"] = path
		s.want(exitUsage, words("check --live"), want)
	}
}
