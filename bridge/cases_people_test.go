package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

func TestNewEmployeeWithUnknownDepartmentAndKnownMobile(t *testing.T) {
	c := company(t)
	known := c.ding.AddUser(dingtalktest.User{Name: "王五", Mobile: "13900000009", Departments: []int64{1}, Active: true})
	_ = c.ding.FlushEvents(c.ctx)
	dept := c.department("新事业部", c.hq, 0)
	id := c.employee("王五", "139 0000 0009", map[string]any{"department_id": dept, "job_title": "总监"})
	c.step()
	u, _ := c.ding.User(known)
	want(t, "people with that mobile", len(c.people.Search("hr.employee", []any{[]any{"mobile_phone", "like", "0009"}})), 1)
	want(t, "王五's title", u.Title, "总监")
	want(t, "王五's department", u.Departments[0], c.unit("新事业部").ID)
	want(t, "王五's id", text(c.employeeOf(id), "id") != "", true)
	want(t, "creates for the known mobile", len(c.ding.Duplicates()), 0)
	c.settled()
}

func TestManagerCycleAndSwap(t *testing.T) {
	c := company(t)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd, "parent_id": c.li})
	c.step()
	want(t, "王五's manager", c.user("13800000003").ManagerUserID, c.uLi)
	// Swap: 李四 now reports to 王五, and 王五 to 张三.
	c.write("hr.employee", wang, map[string]any{"parent_id": c.zhang})
	c.write("hr.employee", c.li, map[string]any{"parent_id": wang})
	c.step()
	want(t, "李四's manager", c.user(mobileLi).ManagerUserID, c.user("13800000003").UserID)
	want(t, "王五's manager", c.user("13800000003").ManagerUserID, c.uZhang)
	// A cycle that only DingTalk allows is refused by Odoo, held, and leaves everything else alone.
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.ManagerUserID = c.uLi; u.Title = "总经理" }))
	c.step()
	want(t, "张三's title", text(c.employeeOf(c.zhang), "job_title"), "总经理")
	want(t, "张三's manager in Odoo", text(c.employeeOf(c.zhang), "parent_id"), "")
	c.wantHeld("recursive hierarchy")
	// Resolved in DingTalk: the hold goes away.
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.ManagerUserID = "" }))
	c.step()
	want(t, "held", c.held(), "")
	c.settled()
}

func TestManagerCycleAtFirstSync(t *testing.T) {
	w := newWorld(t)
	// Departments may name each other's people as managers before anybody is in DingTalk.
	a := w.department("甲部", 0, 0)
	b := w.department("乙部", 0, 0)
	x := w.employee("甲", mobileZhang, map[string]any{"department_id": a})
	y := w.employee("乙", mobileLi, map[string]any{"department_id": b, "parent_id": x})
	w.write("hr.department", a, map[string]any{"manager_id": x})
	w.write("hr.department", b, map[string]any{"manager_id": y})
	w.sync()
	want(t, "甲部's managers", strings.Join(w.unit("甲部").Managers, ","), w.user(mobileZhang).UserID)
	want(t, "乙部's managers", strings.Join(w.unit("乙部").Managers, ","), w.user(mobileLi).UserID)
	want(t, "乙's manager", w.user(mobileLi).ManagerUserID, text(w.employeeOf(y), "parent_id")[:0]+w.user(text(w.employeeOf(id64(t, text(w.employeeOf(y), "parent_id"))), "mobile_phone")).UserID)
	w.settled()
}

func TestDepartmentManagerSetInOdooCascades(t *testing.T) {
	c := company(t)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd})
	c.step()
	c.write("hr.department", c.rd, map[string]any{"manager_id": wang}) // Odoo rewrites parent_id of its people
	c.step()
	want(t, "研发部's managers", strings.Join(c.unit("研发部").Managers, ","), c.user("13800000003").UserID)
	for _, e := range []int64{c.li, wang} {
		parent := text(c.employeeOf(e), "parent_id")
		u := c.user(text(c.employeeOf(e), "mobile_phone"))
		switch parent {
		case "":
			want(t, "manager of "+u.Name, u.ManagerUserID, "")
		default:
			want(t, "manager of "+u.Name, u.ManagerUserID, c.user(text(c.employeeOf(id64(t, parent)), "mobile_phone")).UserID)
		}
	}
	c.settled()
}

func TestDepartmentManagerSetInDingTalkLeavesOdooPeopleAlone(t *testing.T) {
	c := company(t)
	before := text(c.employeeOf(c.li), "parent_id")
	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.Managers = []string{c.uLi} }))
	c.step()
	want(t, "研发部's manager", text(c.people.Get("hr.department", c.rd), "manager_id"), text(c.employeeOf(c.li), "id"))
	want(t, "李四's manager", text(c.employeeOf(c.li), "parent_id"), before)
	c.settled()
}

func TestPersonInTwoDepartmentsChangesOne(t *testing.T) {
	c := company(t)
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Departments = []int64{c.uRD, 1} }))
	c.step()
	want(t, "李四's department in Odoo", text(c.employeeOf(c.li), "department_id"), text(map[string]any{"x": c.rd}, "x"))
	c.write("hr.employee", c.li, map[string]any{"department_id": c.hq})
	c.step()
	u, _ := c.ding.User(c.uLi)
	want(t, "departments", len(u.Departments), 2)
	for _, d := range u.Departments {
		if d != c.uHQ && d != 1 {
			t.Errorf("李四 is in department %d", d)
		}
	}
	c.settled()
}

func TestLeavesDingTalkAndIsRehiredThere(t *testing.T) {
	c := company(t)
	must(t, c.ding.RemoveUser(c.uLi))
	c.step()
	want(t, "李四 active", text(c.employeeOf(c.li), "active"), "")
	c.ding.AddUser(dingtalktest.User{UserID: "lisi-again", Name: "李四", Mobile: mobileLi, Departments: []int64{c.uHQ}, Title: "顾问", Active: true})
	c.step()
	want(t, "李四 active again", text(c.employeeOf(c.li), "active"), "true")
	want(t, "employees with the mobile", len(c.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", mobileLi}})), 1)
	c.settled()
}

func TestLeavesDingTalkAndIsRehiredInOdoo(t *testing.T) {
	c := company(t)
	must(t, c.ding.RemoveUser(c.uLi))
	c.step()
	want(t, "李四 active", text(c.employeeOf(c.li), "active"), "")
	c.write("hr.employee", c.li, map[string]any{"active": true})
	c.step()
	u := c.user(mobileLi)
	want(t, "李四's name in DingTalk", u.Name, "李四")
	want(t, "李四 active", text(c.employeeOf(c.li), "active"), "true")
	c.settled()
}

func TestArchivedAndUnarchived(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"active": false})
	c.step()
	if _, there := c.ding.User(c.uLi); !there {
		t.Fatal("removals are off, but 李四 was removed from DingTalk")
	}
	text1, _ := c.plan("employees")
	if !strings.Contains(text1, "never (removals are off)") {
		t.Errorf("the plan does not tell about the archived employee:\n%s", text1)
	}
	c.write("hr.employee", c.li, map[string]any{"active": true, "job_title": "架构师"})
	c.step()
	want(t, "李四's title", c.user(mobileLi).Title, "架构师")
	c.settled()
}

func TestArchivedIsRemovedAndComesBack(t *testing.T) {
	c := company(t, func(y string) string {
		return strings.Replace(y, "dingtalk: never, odoo: archive", "dingtalk: delete, odoo: archive", 1)
	})
	c.write("hr.employee", c.li, map[string]any{"active": false})
	c.step()
	if _, there := c.ding.User(c.uLi); there {
		t.Fatal("李四 is still in DingTalk")
	}
	want(t, "李四 in Odoo", text(c.employeeOf(c.li), "active"), "")
	c.write("hr.employee", c.li, map[string]any{"active": true})
	c.step()
	want(t, "李四 in DingTalk", c.user(mobileLi).Name, "李四")
	c.settled()
}

func TestMovedOutOfTheDomainAndBack(t *testing.T) {
	c := company(t, func(y string) string {
		return strings.Replace(y, "odoo:     {model: hr.employee}", "odoo:     {model: hr.employee, domain: ['|', [work_location, '=', false], [work_location, '!=', 外包]]}", 1)
	})
	c.write("hr.employee", c.zhang, map[string]any{"work_location": "北京"})
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	c.step()
	c.sync()
	c.write("hr.employee", c.li, map[string]any{"work_location": "外包", "job_title": "外包工程师"})
	c.step()
	want(t, "李四's title while outside", c.user(mobileLi).Title, "工程师")
	c.write("hr.employee", c.li, map[string]any{"work_location": "上海"})
	c.step()
	want(t, "李四's title", c.user(mobileLi).Title, "外包工程师")
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "上海")
	c.settled()
}

func TestAbsentFieldForWantOfPermissionThenGranted(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.PersonalInfoPermission = false })
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	c.sync()
	want(t, "李四's email", text(c.employeeOf(c.li), "work_email"), "li@example.com")
	want(t, "李四's title", text(c.employeeOf(c.li), "job_title"), "组长")
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.WorkPlace = "杭州" }))
	c.step()
	want(t, "李四's place", text(c.employeeOf(c.li), "work_location"), "")
	c.ding.Set(func(k *dingtalktest.Knobs) { k.PersonalInfoPermission = true })
	c.sync()
	want(t, "李四's place", text(c.employeeOf(c.li), "work_location"), "杭州")
	want(t, "李四's email", text(c.employeeOf(c.li), "work_email"), "li@example.com")
	c.settled()
}

func TestMobileChangedInOdooIsHeld(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"mobile_phone": "13711111111", "job_title": "主管"})
	c.step()
	want(t, "李四's mobile in DingTalk", c.user(mobileLi).UserID, c.uLi)
	want(t, "李四's title", c.user(mobileLi).Title, "主管")
	c.wantHeld("mobile cannot be changed in dingtalk by an app; held (field)")
	// The member changes it in DingTalk: the hold is settled.
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Mobile = "13711111111" }))
	c.step()
	want(t, "held", c.held(), "")
	c.settled()
}

func TestEmailTakenThenFixedByTheOther(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"work_email": "zhang@example.com", "job_title": "主管"})
	c.step()
	want(t, "李四's email in DingTalk", c.user(mobileLi).Email, "li@example.com")
	want(t, "李四's title in DingTalk", c.user(mobileLi).Title, "主管")
	c.wantHeld("dingtalk refused email")
	c.write("hr.employee", c.zhang, map[string]any{"work_email": "boss@example.com"})
	c.step()
	want(t, "张三's email in DingTalk", c.user(mobileZhang).Email, "boss@example.com")
	want(t, "李四's email in DingTalk", c.user(mobileLi).Email, "zhang@example.com")
	want(t, "held", c.held(), "")
	c.settled()
}

func TestTitleClearedOnEitherSide(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"job_title": false})
	c.step()
	want(t, "李四's title in DingTalk", c.user(mobileLi).Title, "")
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.Title = "" }))
	c.step()
	want(t, "张三's title in Odoo", text(c.employeeOf(c.zhang), "job_title"), "")
	c.settled()
}

func TestBothSidesEditDifferentFields(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"job_title": "架构师"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.WorkPlace = "深圳" }))
	c.step()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "架构师")
	want(t, "place in Odoo", text(c.employeeOf(c.li), "work_location"), "深圳")
	c.settled()
}

func TestBothSidesEditTheSameField(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"job_title": "架构师"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "架构师")
	want(t, "title in Odoo", text(c.employeeOf(c.li), "job_title"), "架构师")
	c.settled()
}

func holdConflicts(y string) string { return strings.Replace(y, "conflict: odoo", "conflict: hold", 1) }

func TestConflictHeldThenResolved(t *testing.T) {
	c := company(t, holdConflicts)
	c.write("hr.employee", c.li, map[string]any{"job_title": "架构师", "work_location": "北京"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "组长")
	want(t, "title in Odoo", text(c.employeeOf(c.li), "job_title"), "架构师")
	want(t, "place in DingTalk", c.user(mobileLi).WorkPlace, "北京")
	c.wantHeld("conflict on title")
	// A later edit on one side does not run over the held one.
	c.write("hr.employee", c.li, map[string]any{"job_title": "首席架构师"})
	c.step()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "组长")
	set := c.set()
	_, err := bridge.Resolve(c.ctx, c.store, set, ref(mapping.Odoo, "hr.employee", c.li), "title", mapping.DingTalk)
	must(t, err)
	c.step()
	want(t, "title in Odoo", text(c.employeeOf(c.li), "job_title"), "组长")
	want(t, "held", c.held(), "")
	c.settled()
}

func TestYAMLEditWhileAConflictIsHeld(t *testing.T) {
	c := company(t, holdConflicts)
	c.write("hr.employee", c.li, map[string]any{"job_title": "架构师"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	c.wantHeld("conflict on title")
	c.reopen(presets(t, holdConflicts, func(y string) string {
		return strings.Replace(y, "conflict: hold", "conflict: odoo", 1)
	})...)
	c.sync()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "组长")
	want(t, "title in Odoo", text(c.employeeOf(c.li), "job_title"), "架构师")
	c.wantHeld("conflict on title")
}
