package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// openGuard lifts the guard of a preset.
func openGuard(yaml string) string {
	return strings.Replace(yaml, "guard:  {creates: 50, updates: 200, clears: 20, removals: 5, percent: 3}", "guard:  {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited, percent: 3}", 1)
}

func TestFirstSyncFromOdoo(t *testing.T) {
	w := newWorld(t)
	hq := w.department("总部", 0, 0)
	rd := w.department("研发部", hq, 0)
	boss := w.employee("张三", "138 0000 0001", map[string]any{"department_id": hq, "work_email": "zhang@example.com"})
	w.employee("李四", "+86 138-0000-0002", map[string]any{"department_id": rd, "parent_id": boss, "job_title": "工程师"})
	must(t, w.people.Write("hr.department", rd, map[string]any{"manager_id": boss}))
	text, counts := w.plan()
	t.Log("\n" + text + counts.String())
	w.sync()
	for _, u := range w.ding.Users() {
		t.Logf("%+v", u)
	}
	for _, d := range w.ding.Departments() {
		t.Logf("%+v", d)
	}
	li := w.user("13800000002")
	if li.ManagerUserID != w.user("13800000001").UserID || li.Title != "工程师" {
		t.Errorf("李四 arrived as %+v", li)
	}
	w.settled()
}

func TestFirstSyncFromDingTalk(t *testing.T) {
	w := newWorld(t)
	rd := w.ding.AddDepartment(dingtalktest.Department{Name: "研发部", ParentID: 1})
	boss := w.ding.AddUser(dingtalktest.User{Name: "王五", Mobile: "13900000001", Departments: []int64{rd}, Active: true})
	w.ding.AddUser(dingtalktest.User{Name: "赵六", Mobile: "13900000002", Departments: []int64{rd, 1}, MainDepartment: rd, ManagerUserID: boss, Title: "会计", Active: true})
	w.sync()
	ids := w.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", "13900000002"}})
	if len(ids) != 1 {
		t.Fatalf("赵六 in Odoo: %v", ids)
	}
	got := w.people.Get("hr.employee", ids[0])
	if text(got, "name") != "赵六" || text(got, "job_title") != "会计" || text(got, "parent_id") == "" || text(got, "department_id") == "" {
		t.Errorf("赵六 arrived as %v", got)
	}
	w.settled()
}
