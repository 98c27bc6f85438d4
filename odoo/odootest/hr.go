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
