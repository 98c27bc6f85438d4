package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// projectYAML asks about a model of one's own with everything that its form can hold: people, departments, options, photos, another
// approval, and a table.
const projectYAML = `
mapping: project-approval
odoo:
  model: x_project
  transitions:
    x_state:
      approved: [{from: [submitted], set: {x_decided: "{{ actor.name }}: {{ remark }}"}}]
      refused:  [{from: [submitted, approved], set: {x_decided: "{{ actor.name }}: {{ remark }}"}}]
dingtalk: {kind: approval, process_code: PROC}
direction: both
start: now
marker: form.单据编号
create: {dingtalk: {when: "x_state == 'submitted'"}}
approvers: [{path: x_employee_id.parent_id}]
fields:
  - {odoo: x_employee_id, dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}
  - {odoo: x_name,        dingtalk: form.项目, direction: to_dingtalk}
  - {odoo: x_members,     dingtalk: form.成员, ref: employees, direction: to_dingtalk}
  - {odoo: x_department,  dingtalk: form.部门, ref: departments, direction: to_dingtalk}
  - {dingtalk: form.标签, value: "x_urgent ? '紧急\\n外地' : '外地'", convert: list}
  - {dingtalk: form.照片, value: "'https://example.com/' + string(id) + '.png'", convert: urls}
  - {odoo: x_before,      dingtalk: form.前审批, direction: to_dingtalk}
  - {odoo: x_budget,      dingtalk: form.预算, direction: to_dingtalk}
  - {odoo: x_state,       dingtalk: outcome, values: {agree: approved, refuse: refused, revoke: refused}, direction: to_odoo}
lines:
  - odoo: x_lines
    for: form.明细
    direction: to_dingtalk
    fields:
      - {odoo: x_name,   dingtalk: 名称}
      - {odoo: x_day,    dingtalk: 日期, convert: date}
      - {odoo: x_amount, dingtalk: 金额}
`

// newProjects makes the models x_project and x_project_line, and their mapping.
func newProjects(t *testing.T) *archive {
	t.Helper()
	w := newWorldAs(t, nil, presets(t)...)
	a := &archive{one: staffed(w)}
	made := map[string]int64{}
	for _, name := range []string{"x_project", "x_project_line"} {
		made[name] = w.people.Create("ir.model", map[string]any{"name": name, "model": name, "state": "manual", "is_mail_thread": name == "x_project"})
		w.people.Create("ir.model.access", map[string]any{"name": name, "model_id": made[name], "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	}
	for _, f := range []map[string]any{
		{"model": "x_project_line", "name": "x_project_id", "ttype": "many2one", "relation": "x_project"},
		{"model": "x_project_line", "name": "x_day", "ttype": "date"},
		{"model": "x_project_line", "name": "x_amount", "ttype": "float"},
		{"model": "x_project", "name": "x_lines", "ttype": "one2many", "relation": "x_project_line", "relation_field": "x_project_id"},
		{"model": "x_project", "name": "x_employee_id", "ttype": "many2one", "relation": "hr.employee"},
		{"model": "x_project", "name": "x_members", "ttype": "many2many", "relation": "hr.employee"},
		{"model": "x_project", "name": "x_department", "ttype": "many2one", "relation": "hr.department"},
		{"model": "x_project", "name": "x_urgent", "ttype": "boolean"},
		{"model": "x_project", "name": "x_before", "ttype": "char"},
		{"model": "x_project", "name": "x_budget", "ttype": "float"},
		{"model": "x_project", "name": "x_decided", "ttype": "char"},
		{"model": "x_project", "name": "x_state", "ttype": "selection", "selection": "[('draft','草稿'),('submitted','已提交'),('approved','已批准'),('refused','已拒绝')]"},
	} {
		f["model_id"], f["state"], f["field_description"] = made[f["model"].(string)], "manual", f["name"]
		w.people.Create("ir.model.fields", f)
	}
	w.ding.AddTemplate(dingtalktest.Template{Code: "PROC", Flow: []dingtalktest.Node{{Users: []string{a.uZhang}}}, Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", "项目"),
		{Type: "InnerContactField", Label: "成员", Multiple: true},
		component("DepartmentField", "部门"),
		{Type: "DDMultiSelectField", Label: "标签", Options: []string{"紧急", "外地"}},
		component("DDPhotoField", "照片"), component("RelateField", "前审批"),
		component("MoneyField", "预算"),
		component("TableField", "明细", component("TextField", "名称"), component("TextField", "日期"), component("NumberField", "金额")),
	}})
	w.custom = []string{"x_project", "x_project_line"}
	w.reopen(append(presets(t), mapping.Source{File: "project.yaml", Data: []byte(projectYAML)})...)
	w.sync()
	return a
}

func TestAModelOfOnesOwnWithEverything(t *testing.T) {
	a := newProjects(t)
	project := func(name, before string) int64 {
		return a.people.Create("x_project", map[string]any{
			"x_name": name, "x_employee_id": a.li, "x_members": []any{[]any{6, 0, []any{a.zhang, a.li}}}, "x_department": a.rd, "x_urgent": true, "x_before": before, "x_budget": 1234.5, "x_state": "submitted",
			"x_lines": []any{
				[]any{0, 0, map[string]any{"x_name": "机票 <往返>", "x_day": "2026-12-24", "x_amount": 0.1 + 0.2}},
				[]any{0, 0, map[string]any{"x_name": "酒店", "x_amount": 640.0}},
			},
		})
	}
	first := project("一期", "")
	a.step()
	in := a.approval()
	want(t, "members", in.Value("成员"), `["`+a.uZhang+`","`+a.uLi+`"]`)
	want(t, "options", in.Value("标签"), `["紧急","外地"]`)
	want(t, "budget", in.Value("预算"), "1234.5")
	want(t, "relation", in.Value("前审批"), "")
	if rows := in.Value("明细"); !strings.Contains(rows, "机票 <往返>") || !strings.Contains(rows, "2026-12-24") || !strings.Contains(rows, `"0.3"`) || !strings.Contains(rows, "640") {
		t.Errorf("table: %s", rows)
	}
	if v := in.Value("部门"); v == "" || strings.ContainsAny(v, `["`) {
		t.Errorf("department: %q", v)
	}
	must(t, a.ding.Agree(in.ID, "同意"))
	a.step()
	want(t, "state", text(a.people.Get("x_project", first), "x_state"), "approved")
	want(t, "decided", text(a.people.Get("x_project", first), "x_decided"), "张三: 同意")
	second := project("二期", in.ID)
	a.step()
	all := a.ding.Instances("PROC")
	if len(all) != 2 {
		t.Fatalf("%d approvals; held: %s", len(all), a.held())
	}
	want(t, "relation", all[1].Value("前审批"), `["`+in.ID+`"]`)
	must(t, a.ding.Refuse(all[1].ID, "预算不足"))
	a.step()
	want(t, "state", text(a.people.Get("x_project", second), "x_state"), "refused")
	want(t, "decided", text(a.people.Get("x_project", second), "x_decided"), "张三: 预算不足")
	a.settled()
}

func TestALineThatIsEditedWhileItIsAskedAbout(t *testing.T) {
	a := newProjects(t)
	id := a.people.Create("x_project", map[string]any{
		"x_name": "一期", "x_employee_id": a.li, "x_budget": 1.0, "x_state": "submitted", "x_lines": []any{[]any{0, 0, map[string]any{"x_name": "机票", "x_amount": 100.0}}},
	})
	a.step()
	in := a.approval()
	a.later(2 * time.Second)
	line := a.people.Search("x_project_line", []any{[]any{"x_project_id", "=", id}})[0]
	must(t, a.people.Write("x_project_line", line, map[string]any{"x_amount": 100000.0}))
	must(t, a.ding.Agree(in.ID, ""))
	a.step()
	want(t, "state", text(a.people.Get("x_project", id), "x_state"), "submitted")
	a.wantHeld("edited in odoo since it was sent", "100000")
}
