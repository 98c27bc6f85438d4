package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

var employeeRecord = Record{
	"id": int64(42), "name": "张三", "mobile_phone": "138 0000 0000", "work_email": "a@example.com", "work_phone": "8001", "active": true,
	"work_location": "上海", "notes": "第一行\r\n第二行", "job_title": "工程师", "department_id": map[string]any{"id": int64(7), "name": "研发"},
	"parent_id": map[string]any{"id": int64(11), "name": "李四"}, "x_dingtalk_userid": nil, "x_dingtalk_unionid": nil, "x_job_number": "E001",
	"x_hired_date": "2020-08-17",
}

var userRecord = Record{
	"userid": "odoo42", "unionid": "Abc", "name": "张三", "mobile": "13800000000", "state_code": "86", "email": "a@example.com", "telephone": "8001",
	"work_place": "上海", "remark": "第一行\n第二行", "title": "工程师", "dept_id_list": []any{"4001", "4002"}, "manager_userid": "zhangsan",
	"job_number": "E001", "hired_date": int64(1597593600000),
}

func employees(t testing.TB) *Mapping {
	t.Helper()
	set, complaints := Load(presetSources(t), testSchema(t))
	if set == nil {
		t.Fatal(complaints)
	}
	m, _ := set.Get("employees")
	return m
}

func TestViewsOfOnePersonAgree(t *testing.T) {
	m := employees(t)
	base := View{"dept_id_list": Text("7")}
	odoo, failed := m.View(Odoo, employeeRecord, base, links, nil)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	ding, failed := m.View(DingTalk, userRecord, base, links, nil)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	want := View{
		"userid": Text("odoo42"), "name": Text("张三"), "mobile": Text("13800000000"), "email": Text("a@example.com"), "telephone": Text("8001"),
		"work_place": Text("上海"), "remark": Text("第一行\n第二行"), "title": Text("工程师"), "dept_id_list": Text("7"), "manager_userid": Text("11"),
		"x_dingtalk_userid": Text("odoo42"), "unionid": Text("Abc"), "x_dingtalk_unionid": Text("Abc"), "job_number": Text("E001"), "hired_date": Text("2020-08-17"),
	}
	if !maps.Equal(ding, want) {
		t.Errorf("dingtalk: %v\nwant %v", ding, want)
	}
	delete(want, "unionid") // Odoo has nothing to remember of it
	want["x_dingtalk_unionid"], want["x_dingtalk_userid"] = EmptyValue, EmptyValue
	if !maps.Equal(odoo, want) {
		t.Errorf("odoo: %v\nwant %v", odoo, want)
	}
}

func TestViewKeepsWhatItCanRead(t *testing.T) {
	m := employees(t)
	rec := maps.Clone(employeeRecord)
	rec["mobile_phone"] = "ask the office"
	delete(rec, "work_email")
	view, failed := m.View(Odoo, rec, nil, links, nil)
	if len(failed) != 1 || failed[0].Field.Key != "mobile" || failed[0].Unwrap() == nil {
		t.Errorf("failed: %v", failed)
	}
	if _, ok := view["mobile"]; ok {
		t.Error("a value that cannot be read is in the view")
	}
	if _, ok := view["email"]; ok {
		t.Error("a field that was not read is in the view")
	}
	if view["name"] != Text("张三") {
		t.Errorf("name: %s", view["name"])
	}
}

func TestFieldsToRead(t *testing.T) {
	m := employees(t)
	if got, want := strings.Join(m.DingFields(), " "), "dept_id_list dept_position_list email hired_date job_number manager_userid mobile name remark state_code telephone title unionid userid work_place"; got != want {
		t.Errorf("dingtalk: %s\nwant      %s", got, want)
	}
	for _, name := range []string{"id", "active", "mobile_phone", "x_job_number"} { // id and active: the expressions use them
		if !slices.Contains(m.OdooFields(), name) {
			t.Errorf("%s is not read from odoo", name)
		}
	}
}

func TestViewsInParallel(t *testing.T) {
	m := employees(t)
	want, _ := m.View(Odoo, employeeRecord, nil, links, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if got, failed := m.View(Odoo, employeeRecord, nil, links, nil); len(failed) > 0 || !maps.Equal(got, want) {
					t.Errorf("%v %v", got, failed)
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkView(b *testing.B) {
	m := employees(b)
	for _, side := range []Side{Odoo, DingTalk} {
		rec := employeeRecord
		if side == DingTalk {
			rec = userRecord
		}
		b.Run(fmt.Sprintf("%s, %d fields", side, len(m.Fields)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.View(side, rec, nil, links, nil)
			}
		})
	}
}
