package main

import (
	"fmt"

	"dingbridge/dingtalk/dingtalktest"
)

// script are the edits of --once, in order.
func (e *editor) script() []func() (edit, error) {
	return []func() (edit, error){
		e.title, e.place, e.hireOdoo, e.hireDing, e.move, e.renameUnit, e.swap, e.mobile, e.newUnit, e.both, e.conflict, e.leave, e.rehire, e.head,
	}
}

// any picks the next edit of the endless demo. Every edit comes once before one comes again.
func (e *editor) any() func() (edit, error) {
	all := append(e.script(), e.rename, e.clear, e.moveDing)
	e.nth++
	return all[(e.nth-1)%len(all)]
}

// renameUnit renames a department in DingTalk.
func (e *editor) renameUnit() (edit, error) {
	i := 0
	for e.co.units[i].depth != 1 {
		i = e.co.dice.IntN(len(e.co.units))
	}
	id := e.unitIDs[i]
	from := textOf(e.odoo.Get("hr.department", id)["name"])
	to := from + "（新）"
	if rest, renamed := cutSuffix(from, "（新）"); renamed {
		to = rest
	}
	dept := e.unitInDing(from)
	return edit{
		toOdoo, e.say(txtUnitRenamed, from, to),
		func() error { return e.ding.EditDepartment(dept.ID, func(d *dingtalktest.Department) { d.Name = to }) },
		func() bool { return textOf(e.odoo.Get("hr.department", id)["name"]) == to },
	}, nil
}

func cutSuffix(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n > 0 && s[n:] == suffix {
		return s[:n], true
	}
	return s, false
}

// newUnit makes a department in Odoo, and moves somebody there at once.
func (e *editor) newUnit() (edit, error) {
	c, err := e.follower()
	e.nth++
	parent := e.co.dice.IntN(len(e.unitIDs))
	for e.co.units[parent].depth != 1 {
		parent = e.co.dice.IntN(len(e.unitIDs))
	}
	name := fmt.Sprintf("创新%d组", len(e.odoo.Search("hr.department", []any{})))
	above := textOf(e.odoo.Get("hr.department", e.unitIDs[parent])["name"])
	return edit{
		toDing, e.say(txtUnitNew, name, above) + "; " + e.changed(c.name, txtFieldUnit, e.deptOf(c), name),
		func() error {
			id, err := e.admin.Create("hr.department", map[string]any{"name": name, "parent_id": e.unitIDs[parent]})
			if err != nil {
				return err
			}
			return e.admin.Write("hr.employee", c.id, map[string]any{"department_id": id})
		},
		func() bool {
			d, _ := e.ding.Department(e.member(c).MainDepartment)
			return d.Name == name
		},
	}, err
}

// swap lets a manager and one of his people change places, in Odoo.
func (e *editor) swap() (edit, error) {
	c, err := e.somebody(func(c colleague) bool {
		return !e.leads(c) && e.bossOf(c) != 0 && e.bossOf(colleague{id: e.bossOf(c)}) != 0
	})
	if err != nil {
		return edit{}, err
	}
	boss, ok := e.find(e.bossOf(c))
	if !ok {
		return edit{}, fmt.Errorf("the manager of %s is not in dingtalk", c.name)
	}
	top := e.bossOf(boss)
	return edit{
		toDing, e.changed(c.name, txtFieldManager, boss.name, textOf(e.odoo.Get("hr.employee", top)["name"])) + "; " +
			e.changed(boss.name, txtFieldManager, textOf(e.odoo.Get("hr.employee", top)["name"]), c.name),
		func() error {
			if err := e.admin.Write("hr.employee", c.id, map[string]any{"parent_id": top}); err != nil {
				return err
			}
			return e.admin.Write("hr.employee", boss.id, map[string]any{"parent_id": c.id})
		},
		func() bool { return e.member(boss).ManagerUserID == c.user && e.member(c).ManagerUserID != boss.user },
	}, nil
}

func (e *editor) bossOf(c colleague) int64 {
	return pairID(e.odoo.Get("hr.employee", c.id)["parent_id"])
}

// head gives a department another manager, in Odoo, which rewrites the managers of its people there.
func (e *editor) head() (edit, error) {
	c, err := e.somebody(func(c colleague) bool { return !e.leads(c) && e.leafOf(c) })
	dept := pairID(e.row(c)["department_id"])
	name := e.deptOf(c)
	was := textOf(e.odoo.Get("hr.employee", pairID(e.odoo.Get("hr.department", dept)["manager_id"]))["name"])
	return edit{
		toDing, e.changed(name, txtFieldHead, was, c.name),
		func() error { return e.admin.Write("hr.department", dept, map[string]any{"manager_id": c.id}) },
		func() bool {
			managers := e.unitInDing(name).Managers
			return len(managers) == 1 && managers[0] == c.user
		},
	}, err
}

// leafOf says whether the person's department is one of the groups.
func (e *editor) leafOf(c colleague) bool {
	dept := pairID(e.row(c)["department_id"])
	return dept != 0 && len(e.odoo.Search("hr.department", []any{[]any{"parent_id", "=", dept}})) == 0
}

// both edits different fields of one person on both sides at once.
func (e *editor) both() (edit, error) {
	c, err := e.somebody(nil)
	title := promotion(textOf(e.row(c)["job_title"]))
	place := e.member(c).WorkPlace + "（总部）"
	if rest, had := cutSuffix(e.member(c).WorkPlace, "（总部）"); had {
		place = rest
	}
	return edit{
		toBoth, e.say(txtBoth, c.name, e.say(txtFieldTitle), e.say(txtFieldPlace)),
		func() error {
			if err := e.admin.Write("hr.employee", c.id, map[string]any{"job_title": title}); err != nil {
				return err
			}
			return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.WorkPlace = place })
		},
		func() bool { return e.member(c).Title == title && textOf(e.row(c)["work_location"]) == place },
	}, err
}

// conflict edits the same field on both sides at once; the mapping says that Odoo wins.
func (e *editor) conflict() (edit, error) {
	c, err := e.somebody(nil)
	n := len(e.odoo.Search("hr.employee", []any{})) + e.nth
	mine, theirs := fmt.Sprintf("office%d@huaxin.example", n), fmt.Sprintf("home%d@huaxin.example", n)
	return edit{
		toBoth, e.say(txtConflict, c.name, e.say(txtFieldEmail), mine),
		func() error {
			if err := e.admin.Write("hr.employee", c.id, map[string]any{"work_email": mine}); err != nil {
				return err
			}
			return e.ding.EditUser(c.user, func(u *dingtalktest.User) { u.Email = theirs })
		},
		func() bool { return e.member(c).Email == mine && textOf(e.row(c)["work_email"]) == mine },
	}, err
}

// leave takes a person out of DingTalk.
func (e *editor) leave() (edit, error) {
	c, err := e.follower()
	u := e.member(c)
	d, _ := e.ding.Department(u.MainDepartment)
	e.gone = append(e.gone, person{name: u.Name, mobile: dingMobile(u), email: u.Email, title: u.Title, place: u.WorkPlace, unit: int(d.ID)})
	return edit{
		toOdoo, e.say(txtLeft, c.name),
		func() error { return e.ding.LeaveUser(c.user, "leave") },
		func() bool { return e.row(c)["active"] == false },
	}, err
}

// rehire brings somebody who left back into DingTalk, where he is a new member with the old number.
func (e *editor) rehire() (edit, error) {
	if len(e.gone) == 0 {
		return edit{}, fmt.Errorf("nobody has left yet")
	}
	p := e.gone[0]
	e.gone = e.gone[1:]
	dept := int64(p.unit)
	if _, still := e.ding.Department(dept); !still {
		dept = 1
	}
	return edit{
		toOdoo, e.say(txtRehired, p.name),
		func() error {
			_, err := e.ding.TryAddUser(dingtalktest.User{Name: p.name, Mobile: p.mobile, Email: p.email, Title: p.title, WorkPlace: p.place, Departments: []int64{dept}, Active: true})
			return err
		},
		func() bool { return len(e.inOdoo(p.mobile)) == 1 },
	}, nil
}
