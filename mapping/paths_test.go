package mapping

import (
	"errors"
	"slices"
	"testing"
)

const pathsOfLeave = `mapping: leave
odoo: {model: hr.leave}
dingtalk: {kind: approval}
create: {dingtalk: {when: "employee_id.parent_id.user_id != nil && employee_id.department_id.name != '财务'"}}
sweep: 12h
fields:
  - {odoo: employee_id.user_id.login, dingtalk: originator_user_id, direction: to_dingtalk}
  - {dingtalk: form.部门, value: "employee_id.department_id.name"}
  - {dingtalk: form.上级, value: "{{ employee_id.parent_id.name }} <{{ employee_id.parent_id.work_email ?? 'none' }}>"}
  - {dingtalk: form.人数, value: "len(employee_id.child_ids) + employee_id.color"}
  - {dingtalk: form.经理, value: "employee_id?.department_id?.manager_id?.name"}
  - {dingtalk: form.可选, value: "employee_id[\"active\"] ? string(employee_id.id) : employee_id.name", when: employee_id.active}
`

func TestPaths(t *testing.T) {
	m := load(t, pathsOfLeave)
	want := []string{
		"employee_id", "employee_id.active", "employee_id.child_ids", "employee_id.color", "employee_id.department_id",
		"employee_id.department_id.manager_id", "employee_id.parent_id", "employee_id.parent_id.user_id", "employee_id.parent_id.work_email", "employee_id.user_id.login",
	}
	if got := m.OdooFields(); !slices.Equal(got, want) {
		t.Errorf("reads %q", got)
	}
	ref := func(id int64, name string) map[string]any { return map[string]any{"id": id, "name": name} }
	full := Record{
		"employee_id": ref(7, "张三"), "employee_id.active": true, "employee_id.child_ids": []int64{1, 2}, "employee_id.color": int64(3),
		"employee_id.department_id": ref(4, "研发"), "employee_id.department_id.manager_id": ref(9, "王五"),
		"employee_id.parent_id": ref(8, "李四"), "employee_id.parent_id.user_id": ref(5, "li"), "employee_id.parent_id.work_email": nil,
		"employee_id.user_id.login": "zhang",
	}
	check := func(rec Record, want map[string]string, starts bool) {
		t.Helper()
		view, failed := m.View(Odoo, rec, nil, nil, china)
		if len(failed) > 0 {
			t.Errorf("%v", failed)
		}
		for key, text := range want {
			if got := view[key]; got.String() != text {
				t.Errorf("%s is %s, not %s", key, got, text)
			}
		}
		if got, err := m.CreateDingTalk.When.Bool(rec); err != nil || got != starts {
			t.Errorf("starts: %v, %v", got, err)
		}
	}
	check(full, map[string]string{
		"originator_user_id": "zhang", "form.部门": "研发", "form.上级": "李四 <none>", "form.人数": "5", "form.经理": "王五", "form.可选": "7",
	}, true)
	nobody := Record{}
	for _, name := range want {
		nobody[name] = nil
	}
	nobody["employee_id.active"] = false
	check(nobody, map[string]string{"originator_user_id": "–", "form.部门": "–", "form.上级": " <none>", "form.人数": "0", "form.经理": "–", "form.可选": "?"}, false)

	delete(full, "employee_id.department_id")
	if _, err := m.CreateDingTalk.When.Bool(full); !errors.Is(err, ErrUnknown) {
		t.Errorf("a path that was not read: %v", err)
	}
}

func TestFollow(t *testing.T) {
	s := testSchema(t)
	fields, _ := s.Models("hr.leave")
	for path, want := range map[string]string{
		"employee_id": "many2one", "employee_id.department_id.manager_id.work_email": "char", "employee_id.id": "integer", "employee_id.child_ids": "one2many",
	} {
		if f, fault := s.follow("hr.leave", fields, path); fault != nil || f.Type != want {
			t.Errorf("%s: %+v, %+v", path, f, fault)
		}
	}
	for path, want := range map[string]pathFault{
		"":                           {0, `the path "" lacks a field between its points`, false},
		"employee_id.":               {12, `the path "employee_id." lacks a field between its points`, false},
		"employee_id.x_colour":       {12, "hr.employee has no field \"x_colour\" in a stock Odoo; check against the server", true},
		"employee_id.job_id.name":    {19, `the fields of hr.job are not known here, so "employee_id.job_id.name" cannot be checked`, true},
		"employee_id.child_ids.name": {12, "child_ids names several records, and a path can only lead over one", false},
		"name.x":                     {0, "name is no reference to another record: its type is char", false},
	} {
		if _, fault := s.follow("hr.leave", fields, path); fault == nil || *fault != want && path != "employee_id.child_ids.name" {
			t.Errorf("%s: %+v", path, fault)
		}
	}
	s.Live = true
	for _, path := range []string{"employee_id.x_colour", "employee_id.job_id.name"} {
		if _, fault := s.follow("hr.leave", fields, path); fault == nil || fault.doubt {
			t.Errorf("%s on a server: %+v", path, fault)
		}
	}
}
