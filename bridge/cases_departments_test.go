package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// removeDepartments lets departments that are gone in Odoo be deleted in DingTalk; people stay.
func removeDepartments(y string) string {
	if !strings.Contains(y, "mapping: departments") {
		return y
	}
	return strings.Replace(y, "dingtalk: never, odoo: archive", "dingtalk: delete, odoo: archive", 1)
}

// dept is a department in Odoo.
func (w *world) dept(id int64) map[string]any {
	w.t.Helper()
	rec := w.people.Get("hr.department", id)
	if rec == nil {
		w.t.Fatalf("department %d is gone from odoo", id)
	}
	return rec
}

// deptIDs are the Odoo departments with exactly this name, archived ones included.
func (w *world) deptIDs(name string) []int64 {
	return w.people.Search("hr.department", []any{[]any{"name", "=", name}})
}

// peopleWith are the Odoo employees with the mobile, archived ones included.
func (w *world) peopleWith(mobile string) []int64 {
	return w.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", mobile}})
}

// quiet fails the test unless both sides agree, nothing exists twice, and a further full sync writes nothing to DingTalk.
func (w *world) quiet() {
	w.t.Helper()
	w.settled()
	if d := w.ding.Duplicates(); len(d) != 0 {
		w.t.Errorf("twice in dingtalk: %v", d)
	}
	before := w.ding.Writes()
	w.sync()
	if n := w.ding.Writes() - before; n != 0 {
		w.t.Errorf("%d writes to dingtalk after both sides agreed", n)
	}
}

func same(id int64) string { return text(map[string]any{"x": id}, "x") }

func TestDepartmentRenamedWithPeopleInIt(t *testing.T) {
	c := company(t)
	c.write("hr.department", c.rd, map[string]any{"name": "研究院"})
	c.step()
	want(t, "the department in dingtalk", c.unit("研究院").ID, c.uRD)
	want(t, "李四's department in dingtalk", c.user(mobileLi).Departments[0], c.uRD)

	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.Name = "中央研究院" }))
	c.step()
	want(t, "the department in odoo", text(c.dept(c.rd), "name"), "中央研究院")
	want(t, "李四's department in odoo", text(c.employeeOf(c.li), "department_id"), same(c.rd))
	want(t, "departments in dingtalk", len(c.ding.Departments()), 3)
	want(t, "departments in odoo of that name", len(c.deptIDs("中央研究院")), 1)
	c.quiet()
}

func TestDepartmentMovedWithPeopleInIt(t *testing.T) {
	c := company(t)
	east := c.department("华东", c.hq, 0)
	team := c.department("后端组", c.rd, 0)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": team})
	c.step()
	c.write("hr.department", team, map[string]any{"parent_id": east})
	c.step()
	want(t, "后端组's parent in dingtalk", c.unit("后端组").ParentID, c.unit("华东").ID)
	want(t, "王五's department in dingtalk", c.user("13800000003").Departments[0], c.unit("后端组").ID)

	must(t, c.ding.EditDepartment(c.unit("后端组").ID, func(d *dingtalktest.Department) { d.ParentID = c.uRD }))
	c.step()
	want(t, "后端组's parent in odoo", text(c.dept(team), "parent_id"), same(c.rd))
	want(t, "王五's department in odoo", text(c.employeeOf(wang), "department_id"), same(team))
	want(t, "departments in dingtalk", len(c.ding.Departments()), 5)
	c.quiet()
}

func TestDepartmentAndItsChildTradePlaces(t *testing.T) {
	c := company(t)
	// Written in the wrong order Odoo would refuse it as a circle.
	team := c.department("后端组", c.rd, 0)
	c.step()
	uTeam := c.unit("后端组").ID
	must(t, c.ding.EditDepartment(uTeam, func(d *dingtalktest.Department) { d.ParentID = c.uHQ }))
	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.ParentID = uTeam }))
	c.step()
	c.step()
	want(t, "研发部's parent in odoo", text(c.dept(c.rd), "parent_id"), same(team))
	want(t, "后端组's parent in odoo", text(c.dept(team), "parent_id"), same(c.hq))
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestDepartmentDeletedInOdooStaysInDingTalkWhenRemovalsAreOff(t *testing.T) {
	c := company(t)
	must(t, c.people.Unlink("hr.department", c.rd))
	c.sync()
	if _, there := c.ding.Department(c.uRD); !there {
		t.Fatal("removals are off, but 研发部 was removed from dingtalk")
	}
	want(t, "departments 研发部 in odoo", len(c.deptIDs("研发部")), 0)
	// Odoo took its people out of it; so does the bridge: below the corporation itself.
	want(t, "李四's department in odoo", text(c.employeeOf(c.li), "department_id"), "")
	want(t, "李四's departments in dingtalk", slices.Equal(c.user(mobileLi).Departments, []int64{1}), true)
	text1, _ := c.plan("departments")
	if !strings.Contains(text1, "never (removals are off)") {
		t.Errorf("the plan does not tell about the deleted department:\n%s", text1)
	}
	c.quiet()
}

func TestDepartmentDeletedInOdooWithPeopleInIt(t *testing.T) {
	c := company(t, removeDepartments)
	must(t, c.people.Unlink("hr.department", c.rd))
	c.sync() // DingTalk refuses while people are in it (60005); they leave in the same sweep
	c.sync()
	if _, there := c.ding.Department(c.uRD); there {
		t.Errorf("研发部 is still in dingtalk; held:\n%s", c.held())
	}
	want(t, "李四's departments in dingtalk", slices.Equal(c.user(mobileLi).Departments, []int64{1}), true)
	want(t, "departments 研发部 in odoo", len(c.deptIDs("研发部")), 0)
	want(t, "people in odoo with 李四's mobile", len(c.peopleWith(mobileLi)), 1)
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestDepartmentArchivedInOdooWithPeopleMovedFirst(t *testing.T) {
	c := company(t, removeDepartments)
	c.write("hr.employee", c.li, map[string]any{"department_id": c.hq})
	c.write("hr.department", c.rd, map[string]any{"active": false})
	c.step()
	c.step()
	want(t, "李四's department in dingtalk", c.user(mobileLi).Departments[0], c.uHQ)
	if _, there := c.ding.Department(c.uRD); there {
		t.Errorf("研发部 is still in dingtalk; held:\n%s", c.held())
	}
	want(t, "研发部 in odoo", text(c.dept(c.rd), "active"), "")
	c.quiet()
}

func TestDepartmentRemovedInDingTalkWithPeopleInIt(t *testing.T) {
	c := company(t)
	must(t, c.ding.RemoveDepartment(c.uRD, true)) // its people move to the root
	writes := c.ding.Writes()
	c.step()
	want(t, "研发部 in odoo", text(c.dept(c.rd), "active"), "")
	want(t, "李四's department in odoo", text(c.employeeOf(c.li), "department_id"), "")
	want(t, "李四 in odoo", text(c.employeeOf(c.li), "active"), "true")
	want(t, "张三's department in odoo", text(c.employeeOf(c.zhang), "department_id"), same(c.hq))
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 0)
	want(t, "departments in dingtalk", len(c.ding.Departments()), 2)
	c.quiet()
}

func TestDepartmentRemovedInDingTalkUnheard(t *testing.T) {
	c := company(t)
	c.sync() // the sweep before has seen the same scope
	c.ding.Quiet(func() { must(t, c.ding.RemoveDepartment(c.uRD, true)) })
	writes := c.ding.Writes()
	c.step()
	want(t, "研发部 in odoo before the sweep", text(c.dept(c.rd), "active"), "true")
	c.sync()
	want(t, "研发部 in odoo", text(c.dept(c.rd), "active"), "")
	want(t, "李四's department in odoo", text(c.employeeOf(c.li), "department_id"), "")
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 0)
	c.quiet()
}

func TestDepartmentTakesTheNameItsSiblingGivesUp(t *testing.T) {
	c := company(t)
	a := c.department("甲部", c.hq, 0)
	b := c.department("乙部", c.hq, 0)
	c.step()
	uA, uB := c.unit("甲部").ID, c.unit("乙部").ID
	// The taker is written first in Odoo, so that DingTalk must refuse it at least once (60021).
	c.write("hr.department", b, map[string]any{"name": "甲部"})
	c.step()
	want(t, "乙部's name while it is taken", c.unit("乙部").ID, uB)
	c.wantHeld("refused name")
	c.write("hr.department", a, map[string]any{"name": "丙部"})
	c.step()
	want(t, "丙部", c.unit("丙部").ID, uA)
	want(t, "甲部", c.unit("甲部").ID, uB)
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestSiblingDepartmentsSwapNamesInOdoo(t *testing.T) {
	c := company(t)
	a := c.department("甲部", c.hq, 0)
	b := c.department("乙部", c.hq, 0)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": a})
	c.step()
	uA, uB := c.unit("甲部").ID, c.unit("乙部").ID
	c.write("hr.department", a, map[string]any{"name": "乙部"})
	c.write("hr.department", b, map[string]any{"name": "甲部"})
	c.step()
	c.sync()
	want(t, "乙部 in dingtalk", c.unit("乙部").ID, uA)
	want(t, "甲部 in dingtalk", c.unit("甲部").ID, uB)
	want(t, "乙部 in odoo", text(c.dept(a), "name"), "乙部")
	want(t, "甲部 in odoo", text(c.dept(b), "name"), "甲部")
	want(t, "王五's department", text(c.employeeOf(wang), "department_id"), same(a))
	want(t, "held", c.held(), "")
	c.quiet()
}

// TestDepartmentsPassTheirNamesRound: none of them can begin, because each is refused what the next one has.
func TestDepartmentsPassTheirNamesRound(t *testing.T) {
	for _, several := range []int{3, 5} {
		t.Run(fmt.Sprint(several), func(t *testing.T) {
			c := company(t)
			names := []string{"甲部", "乙部", "丙部", "丁部", "戊部"}[:several]
			var ids, units []int64
			for _, name := range names {
				ids = append(ids, c.department(name, c.hq, 0))
			}
			c.step()
			for _, name := range names {
				units = append(units, c.unit(name).ID)
			}
			for i, id := range ids {
				c.write("hr.department", id, map[string]any{"name": names[(i+1)%several]})
			}
			c.step()
			c.sync()
			for i := range ids {
				want(t, "in dingtalk", c.unit(names[(i+1)%several]).ID, units[i])
			}
			want(t, "held", c.held(), "")
			c.quiet()
		})
	}
}

func TestSiblingDepartmentsSwapNamesInDingTalk(t *testing.T) {
	c := company(t)
	a := c.department("甲部", c.hq, 0)
	b := c.department("乙部", c.hq, 0)
	c.step()
	uA, uB := c.unit("甲部").ID, c.unit("乙部").ID
	name := func(id int64, n string) {
		must(t, c.ding.EditDepartment(id, func(d *dingtalktest.Department) { d.Name = n }))
	}
	name(uA, "临时")
	name(uB, "甲部")
	name(uA, "乙部")
	writes := c.ding.Writes()
	c.step()
	want(t, "甲部 became", text(c.dept(a), "name"), "乙部")
	want(t, "乙部 became", text(c.dept(b), "name"), "甲部")
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 0)
	want(t, "departments in odoo", len(c.deptIDs("甲部"))+len(c.deptIDs("乙部")), 2)
	c.quiet()
}

func TestDepartmentNamesWithCommasAndDashes(t *testing.T) {
	c := company(t)
	a := c.department("研发-一部, 二部", c.hq, 0)
	c.step()
	u := c.unit("研发－一部﹐ 二部")
	want(t, "the name in odoo", text(c.dept(a), "name"), "研发-一部, 二部")
	// Renamed in DingTalk: Odoo keeps its own dash and comma.
	must(t, c.ding.EditDepartment(u.ID, func(d *dingtalktest.Department) { d.Name = "研发－三部﹐ 四部" }))
	c.step()
	want(t, "the name in odoo", text(c.dept(a), "name"), "研发-三部, 四部")
	// A name that differs in look-alikes alone is the same name.
	writes := c.ding.Writes()
	c.write("hr.department", a, map[string]any{"name": "研发－三部, 四部"})
	c.step()
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 0)
	c.quiet()
}

func TestPeopleAndDepartmentsDirectlyUnderTheRoot(t *testing.T) {
	c := company(t)
	dept := func(mobile string) int64 {
		t.Helper()
		d := c.user(mobile).Departments
		if len(d) != 1 {
			t.Fatalf("%s is in the departments %v", mobile, d)
		}
		return d[0]
	}
	wang := c.employee("王五", "13800000003", nil) // no department at all
	c.step()
	want(t, "王五's department in dingtalk", dept("13800000003"), int64(1))
	// Into a department, and back to the root: from Odoo …
	c.write("hr.employee", wang, map[string]any{"department_id": c.rd})
	c.write("hr.department", c.rd, map[string]any{"parent_id": false})
	c.step()
	want(t, "王五's department in dingtalk", dept("13800000003"), c.uRD)
	want(t, "研发部's parent in dingtalk", c.unit("研发部").ParentID, int64(1))
	c.write("hr.employee", wang, map[string]any{"department_id": false})
	c.write("hr.department", c.rd, map[string]any{"parent_id": c.hq})
	c.step()
	want(t, "王五's department in dingtalk", dept("13800000003"), int64(1))
	want(t, "研发部's parent in dingtalk", c.unit("研发部").ParentID, c.uHQ)
	// … and from DingTalk.
	u := c.user("13800000003").UserID
	must(t, c.ding.EditUser(u, func(u *dingtalktest.User) { u.Departments = []int64{c.uRD} }))
	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.ParentID = 1 }))
	c.step()
	want(t, "王五's department in odoo", text(c.employeeOf(wang), "department_id"), same(c.rd))
	want(t, "研发部's parent in odoo", text(c.dept(c.rd), "parent_id"), "")
	must(t, c.ding.EditUser(u, func(u *dingtalktest.User) { u.Departments = []int64{1} }))
	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.ParentID = c.uHQ }))
	c.step()
	want(t, "王五's department in odoo", text(c.employeeOf(wang), "department_id"), "")
	want(t, "研发部's parent in odoo", text(c.dept(c.rd), "parent_id"), same(c.hq))
	c.quiet()
}

func TestDepartmentAddedInDingTalkWithItsPeople(t *testing.T) {
	c := company(t)
	d := c.ding.AddDepartment(dingtalktest.Department{Name: "市场部", ParentID: c.uHQ})
	sub := c.ding.AddDepartment(dingtalktest.Department{Name: "公关组", ParentID: d})
	c.ding.AddUser(dingtalktest.User{Name: "赵六", Mobile: "13800000006", Departments: []int64{sub}, ManagerUserID: c.uZhang, Active: true})
	writes := c.ding.Writes()
	c.step()
	ids := c.deptIDs("公关组")
	if len(ids) != 1 {
		t.Fatalf("公关组 in odoo: %v", ids)
	}
	want(t, "公关组's parent", text(c.dept(ids[0]), "parent_id"), same(c.deptIDs("市场部")[0]))
	zhao := c.peopleWith("13800000006")
	if len(zhao) != 1 {
		t.Fatalf("赵六 in odoo: %v", zhao)
	}
	want(t, "赵六's department", text(c.employeeOf(zhao[0]), "department_id"), same(ids[0]))
	want(t, "赵六's manager", text(c.employeeOf(zhao[0]), "parent_id"), same(c.zhang))
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 0)
	c.quiet()
}
