package odootest

import (
	"fmt"
	"slices"
	"strings"
)

func init() {
	behaviours["hr.employee"] = &behaviour{
		defaults: func(e *env, m *model) values {
			company := firstID(e.company())
			n := uint64(e.rows(m.name).next)
			return values{
				"company_id": company, "resource_calendar_id": orFalse(e.value("res.company", company, "resource_calendar_id")), "image": avatar,
				"barcode": fmt.Sprintf("%08d", n*48271%100000000), "pin": fmt.Sprintf("%04d", n*7919%10000),
			}
		},
		beforeCreate: employeeBeforeCreate,
		afterCreate:  employeeAfterCreate,
		beforeWrite:  employeeBeforeWrite,
		afterWrite:   employeeAfterWrite,
		beforeUnlink: employeeBeforeUnlink,
		check:        employeeCheck,
		compute: map[string]func(*env, *model, *row) any{
			"attendance_state": func(e *env, m *model, r *row) any {
				a := e.row("hr.attendance", r.ref(m.field("last_attendance_id")))
				if a != nil && a.at(e.model("hr.attendance").field("check_out")) == nil {
					return "checked_in"
				}
				return "checked_out"
			},
			"is_address_home_a_company": func(e *env, m *model, r *row) any {
				return e.refOf("res.partner", r.ref(m.field("address_home_id")), "parent_id") != 0
			},
			"show_leaves": func(e *env, m *model, r *row) any {
				return e.inGroup("hr_holidays.group_hr_holidays_user") || r.ref(m.field("user_id")) == e.uid
			},
		},
	}
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

// resourceField maps hr.employee's stored related fields to the fields of resource.resource that own them.
var resourceField = map[string]string{
	"name": "name", "active": "active", "user_id": "user_id", "company_id": "company_id", "resource_calendar_id": "calendar_id", "tz": "tz",
}

// syncUser overwrites what an employee takes from its user (_sync_user): name, work e-mail, photo, time zone.
func syncUser(e *env, vals values) {
	id, ok := toInt(vals["user_id"])
	if !ok || id == 0 || e.row("res.users", id) == nil {
		return
	}
	for field, from := range map[string]string{"name": "name", "image": "image", "work_email": "email"} {
		vals[field] = orFalse(e.value("res.users", id, from))
	}
	if tz := e.text("res.users", id, "tz"); tz != "" {
		vals["tz"] = tz
	}
}

func employeeBeforeCreate(e *env, m *model, vals values) error {
	syncUser(e, vals)
	if err := resizeImages(vals); err != nil {
		return err
	}
	if truthy(vals["resource_id"]) {
		return nil
	}
	resource := values{"name": orFalse(vals["name"])}
	tz := vals["tz"]
	if calendar, ok := toInt(vals["resource_calendar_id"]); ok && !truthy(tz) && calendar != 0 {
		tz = e.value("resource.calendar", calendar, "tz")
	}
	if truthy(tz) {
		resource["tz"] = tz
	}
	delete(vals, "tz")
	id, err := e.create(e.model("resource.resource"), resource)
	vals["resource_id"] = id
	return err
}

func employeeAfterCreate(e *env, m *model, id int64, vals values) error {
	r := e.row(m.name, id)
	if err := employeeToResource(e, m, id, vals); err != nil {
		return err
	}
	return jobCounts(e, []int64{r.ref(m.field("job_id"))})
}

// employeeToResource writes through to the resource what the related fields own there. The employee itself is protected from
// being recomputed by it.
func employeeToResource(e *env, m *model, id int64, vals values) error {
	through := values{}
	for name, target := range resourceField {
		if v, ok := vals[name]; ok {
			through[target] = v
		}
	}
	if len(through) == 0 {
		return nil
	}
	c := *e
	c.protected = map[int64]bool{id: true}
	return c.write(e.model("resource.resource"), []int64{e.refOf(m.name, id, "resource_id")}, through)
}

func employeeBeforeWrite(e *env, m *model, ids []int64, vals values) (*env, error) {
	if s, ok := vals["department_id"].(string); ok && s != "" { // met by the search of the department's channels
		return e, pythonFault("ValueError", "Invalid domain term "+pyTuple([]any{"complete_name", "in", s}))
	}
	syncUser(e, vals)
	return e, resizeImages(vals)
}

func employeeAfterWrite(e *env, m *model, ids []int64, vals values, before map[int64]*row) error {
	jobs := []int64{}
	for _, id := range ids {
		if err := employeeToResource(e, m, id, vals); err != nil {
			return err
		}
		if has(vals, "job_id", "active") {
			jobs = append(jobs, before[id].ref(m.field("job_id")), e.refOf(m.name, id, "job_id"))
		}
	}
	return jobCounts(e, union(nil, jobs))
}

// resourceAfterWrite recomputes the related fields of the employees of the changed resources: OdooBot writes them.
func resourceAfterWrite(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
	emp := e.model("hr.employee")
	for _, id := range ids {
		r := e.row(m.name, id)
		for _, who := range slices.Clone(e.rows(emp.name).referring(emp.field("resource_id"), id)) {
			changed := values{}
			for name, source := range resourceField {
				if f := emp.field(name); f.col >= 0 && has(vals, source) {
					changed[name] = r.at(m.field(source))
				}
			}
			if len(changed) == 0 || e.protected[who] {
				continue
			}
			if err := e.sudo().set(emp, who, changed); err != nil {
				return err
			}
			if has(changed, "active") {
				if err := jobCounts(e, []int64{e.refOf(emp.name, who, "job_id")}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func employeeBeforeUnlink(e *env, m *model, ids []int64) (func() error, error) {
	var resources, jobs []int64
	for _, id := range ids {
		if r := e.row(m.name, id); r != nil {
			resources, jobs = append(resources, r.ref(m.field("resource_id"))), append(jobs, r.ref(m.field("job_id")))
		}
	}
	return func() error {
		if err := jobCounts(e, union(nil, jobs)); err != nil {
			return err
		}
		return e.unlink(e.model("resource.resource"), resources)
	}, nil
}

func employeeCheck(e *env, m *model, ids []int64, changed func(string) bool) error {
	for _, id := range ids {
		if pin := e.text(m.name, id, "pin"); changed("pin") && strings.Trim(pin, "0123456789") != "" {
			if e.lang() == "zh_CN" {
				return validation("PIN码必须是一串数字。")
			}
			return validation("The PIN must be a sequence of digits.")
		}
		if changed("parent_id") && e.recursive(m, id, "parent_id") {
			return validation("You cannot create a recursive hierarchy.")
		}
	}
	return nil
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
