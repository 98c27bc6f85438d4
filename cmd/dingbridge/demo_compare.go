package main

import (
	"fmt"
	"slices"
	"strings"

	"dingbridge/dingtalk/dingtalktest"
)

// profile is a person as either system shows it, in words that belong to neither.
type profile struct {
	name, email, title, place string
	unit                      string // the path of the department: 研发中心/平台研发部/后端组
	manager                   string // by mobile number
}

// state is everything one system holds of what the mappings keep in step, by mobile number and by department path.
type state struct {
	people   map[string]profile
	units    map[string]string // path → manager's mobile number
	problems []string          // what cannot be compared at all
}

// differences compares the data of the two stand-ins with each other, without asking the bridge; nothing when they are equal.
func (s *stage) differences() []string {
	o, d := s.odooState(), s.dingState()
	out := append(o.problems, d.problems...)
	for _, mobile := range unionOfKeys(o.people, d.people) {
		a, inOdoo := o.people[mobile]
		b, inDing := d.people[mobile]
		switch {
		case !inDing:
			out = append(out, fmt.Sprintf("%s (%s) is only in odoo", a.name, mobile))
		case !inOdoo:
			out = append(out, fmt.Sprintf("%s (%s) is only in dingtalk", b.name, mobile))
		default:
			out = append(out, a.differences(b)...)
		}
	}
	for _, path := range unionOfKeys(o.units, d.units) {
		a, inOdoo := o.units[path]
		b, inDing := d.units[path]
		switch {
		case !inDing:
			out = append(out, "department "+path+" is only in odoo")
		case !inOdoo:
			out = append(out, "department "+path+" is only in dingtalk")
		case a != b:
			out = append(out, fmt.Sprintf("manager of %s: odoo %q, dingtalk %q", path, a, b))
		}
	}
	return out
}

func (p profile) differences(o profile) []string {
	var out []string
	for _, f := range []struct{ what, a, b string }{
		{"name", p.name, o.name},
		{"email", p.email, o.email},
		{"title", p.title, o.title},
		{"place", p.place, o.place},
		{"department", p.unit, o.unit},
		{"manager", p.manager, o.manager},
	} {
		if f.a != f.b {
			out = append(out, fmt.Sprintf("%s: %s: odoo %q, dingtalk %q", p.name, f.what, f.a, f.b))
		}
	}
	return out
}

func unionOfKeys[V any](a, b map[string]V) []string {
	keys := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// odooState reads all active departments and employees.
func (s *stage) odooState() state {
	st := state{people: map[string]profile{}, units: map[string]string{}}
	rows := map[int64]map[string]any{}
	load := func(model string) {
		for _, id := range s.odoo.Search(model, []any{}) {
			if row := s.odoo.Get(model, id); row["active"] == true {
				rows[id] = row
			}
		}
	}
	load("hr.department")
	paths := map[int64]string{}
	for id := range rows {
		var path []string
		for at, guard := id, 0; at != 0 && guard < 10; guard++ {
			path = append(path, textOf(rows[at]["name"]))
			at = pairID(rows[at]["parent_id"])
		}
		slices.Reverse(path)
		paths[id] = strings.Join(path, "/")
	}
	units := rows
	rows = map[int64]map[string]any{}
	load("hr.employee")
	mobile := func(pair any) string { return bareMobile(textOf(rows[pairID(pair)]["mobile_phone"])) }
	for _, id := range sortedKeys(rows) {
		row := rows[id]
		key := bareMobile(textOf(row["mobile_phone"]))
		if other, twice := st.people[key]; twice {
			st.problems = append(st.problems, fmt.Sprintf("odoo has %s twice: %s and %s", key, other.name, textOf(row["name"])))
		}
		st.people[key] = profile{
			name: textOf(row["name"]), email: textOf(row["work_email"]), title: textOf(row["job_title"]), place: textOf(row["work_location"]),
			unit: paths[pairID(row["department_id"])], manager: mobile(row["parent_id"]),
		}
	}
	for id, row := range units {
		st.units[paths[id]] = mobile(row["manager_id"])
	}
	return st
}

// dingState reads all members and departments but the root.
func (s *stage) dingState() state {
	st := state{people: map[string]profile{}, units: map[string]string{}}
	depts := map[int64]dingtalktest.Department{}
	for _, d := range s.ding.Departments() {
		depts[d.ID] = d
	}
	path := func(id int64) string {
		var names []string
		for guard := 0; id > 1 && guard < 10; guard++ {
			names = append(names, depts[id].Name)
			id = depts[id].ParentID
		}
		slices.Reverse(names)
		return strings.Join(names, "/")
	}
	users := s.ding.Users()
	mobiles := map[string]string{}
	for _, u := range users {
		mobiles[u.UserID] = dingMobile(u)
	}
	for _, u := range users {
		if other, twice := st.people[dingMobile(u)]; twice {
			st.problems = append(st.problems, fmt.Sprintf("dingtalk has %s twice: %s and %s", dingMobile(u), other.name, u.Name))
		}
		st.people[dingMobile(u)] = profile{
			name: u.Name, email: u.Email, title: u.Title, place: u.WorkPlace, unit: path(u.MainDepartment), manager: mobiles[u.ManagerUserID],
		}
	}
	for id, d := range depts {
		if id == 1 {
			continue
		}
		manager := ""
		if len(d.Managers) > 0 {
			manager = mobiles[d.Managers[0]]
		}
		st.units[path(id)] = manager
	}
	for what, n := range s.ding.Duplicates() {
		st.problems = append(st.problems, fmt.Sprintf("dingtalk has %s %d times", what, n))
	}
	return st
}

// textOf is a char of Odoo: false is empty.
func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// pairID is the id of a many2one as Odoo shows it: [id, name], or false.
func pairID(v any) int64 {
	if pair, ok := v.([]any); ok && len(pair) == 2 {
		id, _ := pair[0].(int64)
		return id
	}
	return 0
}
