package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo"
)

func id(n int64) string { return strconv.FormatInt(n, 10) }

func TestSetupCreatesTheFieldsOnce(t *testing.T) {
	s := newShell(t, 0)
	s.want(exitUsage, words("setup"), "DINGBRIDGE_SETUP_LOGIN")
	s.vars["DINGBRIDGE_SETUP_LOGIN"], s.vars["DINGBRIDGE_SETUP_PASSWORD"] = stageAdmin, stageAdmin
	s.want(exitOK, words("setup"), "+ hr.employee x_dingtalk_userid  char", "钉钉用户ID", "Nothing was created. Create them with: dingbridge setup --yes")
	s.noSetup()
	s.want(exitOK, words("setup --yes"), "4 fields created")
	s.want(exitOK, words("setup --yes"), "= hr.employee x_dingtalk_userid  is there", "Everything the mappings need is there.")
	ids := s.stage.odoo.Search("ir.model.fields", []any{[]any{"name", "=", "x_job_number"}})
	if len(ids) != 1 {
		t.Fatalf("%d fields", len(ids))
	}
	admin, err := odoo.New(odoo.Config{URL: s.stage.odooURL, Database: stageDatabase, Login: stageAdmin, Password: stageAdmin})
	must(t, err)
	for lang, label := range map[string]string{"en_US": "Employee number", "zh_CN": "工号"} {
		rows, err := admin.Read(t.Context(), "ir.model.fields", ids, []string{"field_description"}, odoo.Context{"lang": lang})
		must(t, err)
		if len(rows) != 1 || rows[0]["field_description"] != label {
			t.Errorf("%s: %v", lang, rows)
		}
	}
}

func (s *shell) noSetup() {
	s.t.Helper()
	if found := s.stage.odoo.Search("ir.model.fields", []any{[]any{"name", "like", "x_"}, []any{"state", "=", "manual"}}); len(found) > 0 {
		s.t.Errorf("%d fields were created", len(found))
	}
}

func TestSetupRefusals(t *testing.T) {
	s := newShell(t, 0)
	s.vars["DINGBRIDGE_SETUP_LOGIN"], s.vars["DINGBRIDGE_SETUP_PASSWORD"] = stageAdmin, "wrong"
	got := s.want(exitHalted, words("setup --yes"), "odoo.password")
	if strings.Contains(got.err, "wrong password: wrong") {
		t.Errorf("the password is shown: %s", got.err)
	}
	s.vars["DINGBRIDGE_SETUP_LOGIN"], s.vars["DINGBRIDGE_SETUP_PASSWORD"] = stageLogin, stagePassword // an officer may not
	s.want(exitHalted, words("setup --yes"), "x_dingtalk_userid")
	s.noSetup()
}

func TestCheckLive(t *testing.T) {
	s := newShell(t, 45)
	got := s.want(exitOK, words("check --live"), "ok: odoo: Odoo 12.0", "ok: odoo: hr.employee: may read, write, create", "ok: dingtalk: user/update can be written",
		"warning: ", "dingbridge setup", "Mappings in order: 2.")
	if strings.Contains(got.out, "error") {
		t.Errorf("errors in:\n%s", got.out)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
	report := unmarshal[checkReport](t, s.want(exitOK, words("check --live --json")).out)
	if !report.OK || len(report.Findings) < 10 || report.Mappings != 2 {
		t.Errorf("%+v", report)
	}
}

func TestCheckLiveNamesTheMissingGroup(t *testing.T) {
	s := newShell(t, 45)
	s.stage.odoo.AddUser("plain", "plain-password", "base.group_user")
	s.vars["DINGBRIDGE_ODOO_LOGIN"], s.vars["DINGBRIDGE_ODOO_PASSWORD"] = "plain", "plain-password"
	s.want(exitUsage, words("check --live"), "error: odoo: hr.employee: may not write", "Employees/Officer", "error: odoo: hr.department: may not create",
		"ok: odoo: hr.employee: may read")
}

func TestCheckLiveNamesTheMissingPermission(t *testing.T) {
	s := newShell(t, 45)
	s.stage.ding.Set(func(k *dingtalktest.Knobs) {
		k.MissingPermissions = map[string]bool{"qyapi_manage_addresslist": true, "qyapi_get_member_by_mobile": true}
		k.MobilePermission, k.PersonalInfoPermission = false, false
	})
	s.want(exitUsage, words("check --live"), "error: dingtalk: user/update cannot be written", "the permission point qyapi_manage_addresslist is missing",
		"error: dingtalk: user/getbymobile cannot be read", "qyapi_get_member_by_mobile", "ok: dingtalk: user/list can be read",
		"shows mobile; the permission 企业员工手机号信息", "shows email; the permission 邮箱等个人信息")
}

func TestCheckLiveTellsWhatPollingCannotSee(t *testing.T) {
	s := newShell(t, 45)
	path := file(t, "staff.yaml", `mapping: staff
odoo: {model: hr.employee}
dingtalk: {kind: user}
direction: to_dingtalk
match: [mobile]
fields:
  - {odoo: name, dingtalk: name}
  - {odoo: mobile_phone, dingtalk: mobile, convert: phone_cn}
  - {odoo: job_title, dingtalk: title}
  - {odoo: attendance_state, dingtalk: remark}
create: {dingtalk: false}
`)
	s.want(exitOK, []string{"check", "--live", path}, path+":10:", "warning: ", "attendance_state", "poll")
}

func TestCheckLiveWithoutServers(t *testing.T) {
	s := newShell(t, 45)
	must(t, s.stage.odoo.Down(true))
	s.want(exitHalted, words("check --live"), "error: odoo: ", "Is Odoo running", "ok: dingtalk: user/list can be read")
	must(t, s.stage.odoo.Down(false))
	s.vars["DINGBRIDGE_DINGTALK_APP_SECRET"] = "wrong-secret"
	got := s.want(exitHalted, words("check --live"), "error: dingtalk: ", "dingtalk.app_secret", "ok: odoo: hr.employee")
	if strings.Contains(got.out+got.err, "wrong-secret") {
		t.Error("the secret is shown")
	}
}

func TestFarSideTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(*shell)
		words  string
	}{
		"wrong password": {func(s *shell) { s.vars["DINGBRIDGE_ODOO_PASSWORD"] = "wrong-password" }, "odoo.password"},
		"wrong database": {func(s *shell) { s.vars["DINGBRIDGE_ODOO_DATABASE"] = "nodb" }, "odoo.database"},
		"odoo down":      {func(s *shell) { _ = s.stage.odoo.Down(true) }, "Is Odoo running"},
		"wrong secret":   {func(s *shell) { s.vars["DINGBRIDGE_DINGTALK_APP_SECRET"] = "wrong-secret" }, "dingtalk.app_secret"},
		"not listed":     {func(s *shell) { s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.IPRefused = true }) }, "服务器出口IP"},
		"app stopped":    {func(s *shell) { s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.AppStopped = true }) }, "not stopped"},
		"permission": {func(s *shell) {
			s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{"qyapi_get_department_list": true} })
		}, "check --live"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, 0)
			s.vars["DINGBRIDGE_ODOO_TIMEOUT"] = "5s"
			c.break_(s)
			for _, command := range []string{"plan", "sync"} {
				got := s.want(exitHalted, words(command), c.words)
				if strings.Contains(got.out+got.err, "wrong-") {
					t.Errorf("a secret is shown: %s", got.err)
				}
			}
		})
	}
}

func TestLockedStore(t *testing.T) {
	s := newShell(t, 0)
	a, _, _ := s.app()
	w, err := a.openStore()
	must(t, err)
	lease, err := w.store.Lock(t.Context())
	must(t, err)
	begin := time.Now()
	s.want(exitLocked, words("run"), "another dingbridge is running")
	if took := time.Since(begin); took < w.pace.lockPatience {
		t.Errorf("gave up after %s", took)
	}
	lease.Unlock()
	must(t, w.close())
}

// TestCheckLiveOfApprovals: what lines, lookups, paths and methods need in Odoo, and the permission points of DingTalk.
func TestCheckLiveOfApprovals(t *testing.T) {
	s := newShell(t, 45)
	_, err := s.stage.odoo.SeedBusiness()
	must(t, err)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,leave-approval,purchase-approval,travel-voucher"
	s.vars["DINGBRIDGE_PROCESS_CODES"] = "leave-approval=PROC-DEMO-LEAVE,purchase-approval=PROC-DEMO-PURCHASE,travel-voucher=PROC-DEMO-TRAVEL"
	for _, template := range demoTemplates() {
		s.stage.ding.AddTemplate(template)
	}
	s.want(exitUsage, words("check --live"), "error: odoo: account.move: may not create", "error: odoo: account.move.line: may not create", "Accounting & Finance/Billing")
	must(t, s.stage.grant("hr_holidays.group_hr_holidays_manager", "account.group_account_invoice", "purchase.group_purchase_user"))
	s.stage.ding.ResetJournal()
	s.want(exitOK, words("check --live"), "ok: odoo: hr.leave: may read, write", "ok: odoo: account.move.line: may read, create", "ok: odoo: account.account: may read", "ok: odoo: res.users: may read", "ok: odoo: purchase.order.line: may read",
		"ok: dingtalk: workflow/processInstances can be read", "ok: dingtalk: workflow/processInstances can be written",
		"ok: dingtalk: template 请假申请 (PROC-DEMO-LEAVE): 5 components")
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
	for point, want := range map[string]string{
		"Workflow.Form.Read":      "error: dingtalk: forms of approvals PROC-DEMO-LEAVE cannot be read",
		"Workflow.Instance.Read":  "error: dingtalk: workflow/processInstances cannot be read",
		"Workflow.Instance.Write": "error: dingtalk: workflow/processInstances cannot be written",
	} {
		s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
		got := s.want(exitUsage, words("check --live"), want, "the permission point "+point+" is missing")
		if n := strings.Count(got.out, "is missing"); n != 1 && point != "Workflow.Form.Read" {
			t.Errorf("%s: %d points are missing:\n%s", point, n, got.out)
		}
	}
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = nil })
	s.vars["DINGBRIDGE_DINGTALK_APPROVALS"] = "old"
	s.want(exitOK, words("check --live"), "warning: dingtalk: the old approval API shows no forms", "ok: dingtalk: workflow/processInstances can be written")
}
