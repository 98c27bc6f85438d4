package main

import (
	"fmt"
	"slices"

	"dingbridge/dingtalk/dingtalktest"
)

// What the edits are called.
var (
	txtFieldName    = tr("name", "姓名")
	txtFieldTitle   = tr("title", "职位")
	txtFieldPlace   = tr("work place", "办公地点")
	txtFieldMobile  = tr("mobile", "手机")
	txtFieldEmail   = tr("e-mail", "邮箱")
	txtFieldUnit    = tr("department", "部门")
	txtFieldManager = tr("manager", "主管")
	txtFieldHead    = tr("department manager", "部门主管")
	txtHired        = tr("%s: new in %s", "%s：入职 %s")
	txtLeft         = tr("%s: left, archived", "%s：离职，已归档")
	txtRehired      = tr("%s: came back, the archived employee lives again", "%s：重新入职，归档的员工已恢复")
	txtUnitNew      = tr("new department %s below %s", "新建部门 %s，上级 %s")
	txtUnitRenamed  = tr("department %s → %s", "部门改名 %s → %s")
	txtCleared      = tr("(empty)", "（空）")
	txtConflict     = tr("%s: %s edited on both sides at once, odoo wins: %s", "%s：两边同时修改%s，以 odoo 为准：%s")
	txtBoth         = tr("%s: %s edited in odoo and %s in dingtalk at once", "%s：odoo 修改%s的同时，钉钉修改%s")
)

// edit is one thing people do, and how to see that it has arrived on the other side.
type edit struct {
	route   string // odoo → dingtalk
	what    string
	do      func() error
	arrived func() bool
}

const (
	toDing = "odoo → dingtalk"
	toOdoo = "dingtalk → odoo"
	toBoth = "odoo ↔ dingtalk"
)

// colleague is one person as both stand-ins hold him.
type colleague struct {
	id   int64 // in Odoo
	user string
	name string
}

// editor invents edits on the stage.
type editor struct {
	*stage
	say    func(text, ...any) string
	gone   []person // who left and may come back
	nth    int
	recent []string // who was edited lately, so that the lines are about different people
}

// find is the person in both stand-ins, by the number Odoo has.
func (e *editor) find(id int64) (colleague, bool) {
	row := e.odoo.Get("hr.employee", id)
	if row == nil || row["active"] != true {
		return colleague{}, false
	}
	u, ok := e.userByMobile(textOf(row["mobile_phone"]))
	return colleague{id: id, user: u.UserID, name: textOf(row["name"])}, ok
}

// somebody picks a person who is in both, whom nobody edited lately, and for whom fit holds (nil: anybody).
func (e *editor) somebody(fit func(colleague) bool) (colleague, error) {
	ids := e.odoo.Search("hr.employee", []any{[]any{"active", "=", true}})
	for range 2000 {
		c, ok := e.find(ids[e.co.dice.IntN(len(ids))])
		if ok && !slices.Contains(e.recent, c.name) && (fit == nil || fit(c)) {
			e.recent = append(e.recent, c.name)
			if len(e.recent) > 20 {
				e.recent = e.recent[1:]
			}
			return c, nil
		}
	}
	return colleague{}, fmt.Errorf("nobody is left for the next edit")
}

// leads says whether anybody works for the person, or a department is his.
func (e *editor) leads(c colleague) bool {
	return len(e.odoo.Search("hr.employee", []any{[]any{"parent_id", "=", c.id}})) > 0 || len(e.odoo.Search("hr.department", []any{[]any{"manager_id", "=", c.id}})) > 0
}

// follower is a person who leads nobody.
func (e *editor) follower() (colleague, error) {
	return e.somebody(func(c colleague) bool { return !e.leads(c) })
}

func (e *editor) member(c colleague) dingtalktest.User {
	u, _ := e.ding.User(c.user)
	return u
}

func (e *editor) row(c colleague) map[string]any { return e.odoo.Get("hr.employee", c.id) }

// changed is the text of one field's change.
func (e *editor) changed(who string, field text, from, to string) string {
	shown := func(s string) string {
		if s == "" {
			return e.say(txtCleared)
		}
		return s
	}
	return fmt.Sprintf("%s: %s %s → %s", who, e.say(field), shown(from), shown(to))
}

// promotion is the next title of a career.
func promotion(title string) string {
	for _, step := range [][2]string{{"高级", "资深"}, {"资深", "首席"}, {"首席", ""}} {
		if rest, ok := cutPrefix(title, step[0]); ok {
			return step[1] + rest
		}
	}
	return "高级" + title
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// title changes a title in Odoo.
func (e *editor) title() (edit, error) {
	c, err := e.somebody(nil)
	from := textOf(e.row(c)["job_title"])
	to := promotion(from)
	return edit{
		toDing, e.changed(c.name, txtFieldTitle, from, to),
		func() error { return e.admin.Write("hr.employee", c.id, map[string]any{"job_title": to}) },
		func() bool { return e.member(c).Title == to },
	}, err
}

// place changes the work place in DingTalk.
func (e *editor) place() (edit, error) {
	c, err := e.somebody(nil)
	from := e.member(c).WorkPlace
	to := e.co.pick(places)
	for to == from {
		to = e.co.pick(places)
	}
	return edit{
		toOdoo, e.changed(c.name, txtFieldPlace, from, to),
		func() error { return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.WorkPlace = to }) },
		func() bool { return textOf(e.row(c)["work_location"]) == to },
	}, err
}

// mobile changes the number in DingTalk: only there the person can.
func (e *editor) mobile() (edit, error) {
	c, err := e.somebody(nil)
	from, to := dingMobile(e.member(c)), bareMobile(e.co.phone(""))
	return edit{
		toOdoo, e.changed(c.name, txtFieldMobile, from, to),
		func() error {
			return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.Mobile, u.StateCode = to, "86" })
		},
		func() bool { return bareMobile(textOf(e.row(c)["mobile_phone"])) == to },
	}, err
}

// rename changes a name in DingTalk.
func (e *editor) rename() (edit, error) {
	c, err := e.somebody(nil)
	to := e.co.stranger().name
	return edit{
		toOdoo, e.changed(c.name, txtFieldName, c.name, to),
		func() error { return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.Name = to }) },
		func() bool { return textOf(e.row(c)["name"]) == to },
	}, err
}

// clear empties a title in Odoo.
func (e *editor) clear() (edit, error) {
	c, err := e.somebody(func(c colleague) bool { return e.member(c).Title != "" })
	return edit{
		toDing, e.changed(c.name, txtFieldTitle, e.member(c).Title, ""),
		func() error { return e.admin.Write("hr.employee", c.id, map[string]any{"job_title": false}) },
		func() bool { return e.member(c).Title == "" },
	}, err
}

// hireOdoo makes a new employee in Odoo.
func (e *editor) hireOdoo() (edit, error) {
	p := e.newPerson()
	unit := e.co.units[p.unit].name
	return edit{
		toDing, e.say(txtHired, p.name, unit),
		func() error {
			vals := e.employee(p)
			vals["parent_id"] = e.staff[e.co.units[p.unit].head]
			_, err := e.admin.Create("hr.employee", vals)
			return err
		},
		func() bool {
			u, ok := e.userByMobile(p.mobile)
			return ok && u.ManagerUserID != ""
		},
	}, nil
}

// newPerson is a stranger for one of the groups.
func (e *editor) newPerson() person {
	p := e.co.stranger()
	for p.unit = 0; e.co.units[p.unit].depth < 2; p.unit = e.co.dice.IntN(len(e.co.units)) {
		continue
	}
	p.title = "见习专员"
	return p
}

// hireDing makes a new member in DingTalk.
func (e *editor) hireDing() (edit, error) {
	p := e.newPerson()
	dept := e.unitInDing(e.co.units[p.unit].name)
	return edit{
		toOdoo, e.say(txtHired, p.name, dept.Name),
		func() error {
			_, err := e.ding.TryAddUser(dingtalktest.User{
				Name: p.name, Mobile: bareMobile(p.mobile), Email: p.email, Title: p.title, WorkPlace: p.place,
				Departments: []int64{dept.ID}, Active: true,
			})
			return err
		},
		func() bool { return len(e.inOdoo(p.mobile)) == 1 },
	}, nil
}

// inOdoo are the active employees with the number, however it is written.
func (e *editor) inOdoo(mobile string) (ids []int64) {
	want := bareMobile(mobile)
	for _, id := range e.odoo.Search("hr.employee", []any{[]any{"active", "=", true}, []any{"mobile_phone", "like", want[len(want)-4:]}}) {
		if bareMobile(textOf(e.odoo.Get("hr.employee", id)["mobile_phone"])) == want {
			ids = append(ids, id)
		}
	}
	return ids
}

// unitInDing is the department of that name.
func (e *editor) unitInDing(name string) dingtalktest.Department {
	all := e.ding.Departments()
	if i := slices.IndexFunc(all, func(d dingtalktest.Department) bool { return d.Name == name }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// move puts a person into another group, in Odoo.
func (e *editor) move() (edit, error) {
	c, err := e.follower()
	from := e.deptOf(c)
	to := e.otherGroup(from)
	ids := e.odoo.Search("hr.department", []any{[]any{"name", "=", to}})
	return edit{
		toDing, e.changed(c.name, txtFieldUnit, from, to),
		func() error { return e.admin.Write("hr.employee", c.id, map[string]any{"department_id": ids[0]}) },
		func() bool {
			d, _ := e.ding.Department(e.member(c).MainDepartment)
			return d.Name == to
		},
	}, err
}

// otherGroup is the name of one of the groups, but not this one.
func (e *editor) otherGroup(than string) string {
	for {
		i := e.co.dice.IntN(len(e.co.units))
		if name := textOf(e.odoo.Get("hr.department", e.unitIDs[i])["name"]); e.co.units[i].depth == 2 && name != than {
			return name
		}
	}
}

// deptOf is the name of a person's department in Odoo.
func (e *editor) deptOf(c colleague) string {
	return textOf(e.odoo.Get("hr.department", pairID(e.row(c)["department_id"]))["name"])
}

// moveDing puts a person into another group, in DingTalk.
func (e *editor) moveDing() (edit, error) {
	c, err := e.follower()
	from := e.deptOf(c)
	to := e.otherGroup(from)
	dept := e.unitInDing(to)
	return edit{
		toOdoo, e.changed(c.name, txtFieldUnit, from, to),
		func() error {
			return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.Departments, u.MainDepartment = []int64{dept.ID}, dept.ID })
		},
		func() bool { return e.deptOf(c) == to },
	}, err
}
