package odootest

func init() {
	behaviours["hr.department"] = &behaviour{
		defaults:     companyDefault,
		afterCreate:  func(e *env, m *model, id int64, _ values) error { return departmentNames(e, m, []int64{id}) },
		beforeWrite:  departmentBeforeWrite,
		afterWrite:   departmentAfterWrite,
		beforeUnlink: departmentBeforeUnlink,
		check: func(e *env, m *model, ids []int64, changed func(string) bool) error {
			for _, id := range ids {
				if changed("parent_id") && e.recursive(m, id, "parent_id") {
					return validation("You cannot create recursive departments.")
				}
			}
			return nil
		},
		compute: map[string]func(*env, *model, *row) any{
			"total_employee": func(e *env, m *model, r *row) any {
				emp := e.model("hr.employee")
				return int64(len(e.rows(emp.name).referring(emp.field("department_id"), r.id)))
			},
		},
	}
	behaviours["hr.job"] = &behaviour{
		defaults:    companyDefault,
		afterCreate: func(e *env, m *model, id int64, _ values) error { return jobCounts(e, []int64{id}) },
		afterWrite: func(e *env, _ *model, ids []int64, vals values, _ map[int64]*row) error {
			if has(vals, "no_of_recruitment", "employee_ids") {
				return jobCounts(e, ids)
			}
			return nil
		},
		methods: map[string]method{
			"set_recruit": {multi: true, run: func(c *call) (any, error) { return true, c.e.write(c.m, c.ids, values{"state": "recruit"}) }},
			"set_open": {multi: true, run: func(c *call) (any, error) {
				return true, c.e.write(c.m, c.ids, values{"state": "open", "no_of_recruitment": int64(0), "no_of_hired_employee": int64(0)})
			}},
		},
	}
	behaviours["resource.resource"] = &behaviour{
		defaults: func(e *env, m *model) values {
			company := firstID(e.company())
			d := values{"company_id": company, "calendar_id": orFalse(e.value("res.company", company, "resource_calendar_id")), "tz": "UTC"}
			if tz, ok := e.context["tz"].(string); ok && tz != "" {
				d["tz"] = tz
			} else if tz := e.text("res.users", e.uid, "tz"); tz != "" {
				d["tz"] = tz
			}
			return d
		},
		afterWrite: resourceAfterWrite,
	}
	behaviours["resource.calendar"] = &behaviour{defaults: func(e *env, m *model) values {
		return values{"company_id": orFalse(e.company()), "tz": "UTC", "hours_per_day": 8.0}
	}}
}

// departmentNames recomputes complete_name of the departments and of all below them, archived ones included.
func departmentNames(e *env, m *model, ids []int64) error {
	for depth := 0; len(ids) > 0 && depth < maxDepth; depth++ {
		var below []int64
		for _, id := range ids {
			r := e.row(m.name, id)
			if r == nil {
				continue
			}
			name := r.str(m.field("name"))
			if p := e.row(m.name, r.ref(m.field("parent_id"))); p != nil {
				name = p.str(m.field("complete_name")) + " / " + name
			}
			if err := e.set(m, id, values{"complete_name": name}); err != nil {
				return err
			}
			below = append(below, e.rows(m.name).referring(m.field("parent_id"), id)...)
		}
		ids = below
	}
	return nil
}

// departmentBeforeWrite gives the people who reported to a department's old manager the new one: those of the department itself,
// not archived, other than the manager (addons/hr/models/hr.py, _update_employee_manager).
func departmentBeforeWrite(e *env, m *model, ids []int64, vals values) (*env, error) {
	v, ok := vals["manager_id"]
	if !ok {
		return e, nil
	}
	emp := e.model("hr.employee")
	manager, _ := toInt(v)
	var people []int64
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil {
			continue
		}
		old := r.ref(m.field("manager_id"))
		for _, who := range e.rows(emp.name).referring(emp.field("department_id"), id) {
			p := e.row(emp.name, who)
			if who != manager && p.ref(emp.field("parent_id")) == old && e.visible(emp, p) {
				people = append(people, who)
			}
		}
	}
	return e, e.write(emp, union(nil, people), values{"parent_id": v})
}

func departmentAfterWrite(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
	if has(vals, "name", "parent_id") {
		return departmentNames(e, m, ids)
	}
	return nil
}

func departmentBeforeUnlink(e *env, m *model, ids []int64) (func() error, error) {
	var children []int64
	for _, id := range ids {
		children = append(children, e.rows(m.name).referring(m.field("parent_id"), id)...)
	}
	return func() error { return departmentNames(e, m, children) }, nil
}

// jobCounts recomputes no_of_employee and expected_employees; the jobs' write_date moves.
func jobCounts(e *env, ids []int64) error {
	m, emp := e.model("hr.job"), e.model("hr.employee")
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil {
			continue
		}
		n := int64(0)
		for _, who := range e.rows(emp.name).referring(emp.field("job_id"), id) {
			n += int64(b2i(e.row(emp.name, who).flag(emp.field("active"))))
		}
		recruit, _ := r.at(m.field("no_of_recruitment")).(int64)
		if err := e.set(m, id, values{"no_of_employee": n, "expected_employees": n + recruit}); err != nil {
			return err
		}
	}
	return nil
}
