package odootest

import (
	"fmt"
	"time"
)

func init() {
	behaviours["hr.attendance"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := values{"check_in": e.tx.stamp.String()}
			emp := e.model("hr.employee")
			for _, id := range e.rows(emp.name).referring(emp.field("user_id"), e.uid) {
				d["employee_id"] = id
				break
			}
			return d
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			if err := workedHours(e, m, []int64{id}); err != nil {
				return err
			}
			return lastAttendance(e, m, []int64{e.refOf(m.name, id, "employee_id")})
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, before map[int64]*row) error {
			if has(vals, "check_in", "check_out") {
				if err := workedHours(e, m, ids); err != nil {
					return err
				}
			}
			if !has(vals, "employee_id") {
				return nil
			}
			var people []int64
			for _, id := range ids {
				people = append(people, before[id].ref(m.field("employee_id")), e.refOf(m.name, id, "employee_id"))
			}
			return lastAttendance(e, m, union(nil, people))
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			var people []int64
			for _, id := range ids {
				people = append(people, e.refOf(m.name, id, "employee_id"))
			}
			return func() error { return lastAttendance(e, m, union(nil, people)) }, nil
		},
		check: attendanceCheck,
		nameGet: func(e *env, m *model, r *row) string {
			in, _ := r.at(m.field("check_in")).(stamp)
			name := fmt.Sprintf("%s from %s", e.text("hr.employee", r.ref(m.field("employee_id")), "name"), in)
			if out, ok := r.at(m.field("check_out")).(stamp); ok {
				name += fmt.Sprintf(" to %s", out)
			}
			return name
		},
		compute: map[string]func(*env, *model, *row) any{
			"department_id": func(e *env, m *model, r *row) any {
				return e.value("hr.employee", r.ref(m.field("employee_id")), "department_id")
			},
		},
	}
}

func workedHours(e *env, m *model, ids []int64) error {
	for _, id := range ids {
		r := e.row(m.name, id)
		in, _ := r.at(m.field("check_in")).(stamp)
		if out, ok := r.at(m.field("check_out")).(stamp); ok {
			hours := float64(out-in) / float64(time.Hour/time.Microsecond)
			if err := e.set(m, id, values{"worked_hours": hours}); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastAttendance recomputes hr.employee.last_attendance_id: a check-in moves the employee's write_date, a check-out does not.
func lastAttendance(e *env, m *model, people []int64) error {
	for _, who := range people {
		var last any
		var latest stamp
		for _, id := range e.rows(m.name).referring(m.field("employee_id"), who) {
			if in, _ := e.row(m.name, id).at(m.field("check_in")).(stamp); last == nil || in > latest {
				last, latest = id, in
			}
		}
		if err := e.set(e.model("hr.employee"), who, values{"last_attendance_id": last}); err != nil {
			return err
		}
	}
	return nil
}

func attendanceCheck(e *env, m *model, ids []int64, _ func(string) bool) error {
	inField, outField := m.field("check_in"), m.field("check_out")
	for _, id := range ids {
		r := e.row(m.name, id)
		in, _ := r.at(inField).(stamp)
		out, closed := r.at(outField).(stamp)
		if closed && out < in {
			return validation("\"Check Out\" time cannot be earlier than \"Check In\" time.")
		}
		var before, beforeOut, open *row
		for _, other := range e.rows(m.name).referring(m.field("employee_id"), r.ref(m.field("employee_id"))) {
			o := e.row(m.name, other)
			if other == id {
				continue
			}
			oin, _ := o.at(inField).(stamp)
			if oin <= in && (before == nil || oin > before.at(inField).(stamp)) {
				before = o
			}
			if closed && oin < out && (beforeOut == nil || oin > beforeOut.at(inField).(stamp)) {
				beforeOut = o
			}
			if o.at(outField) == nil {
				open = o
			}
		}
		name := e.text("hr.employee", r.ref(m.field("employee_id")), "name")
		if before != nil {
			if bout, ok := before.at(outField).(stamp); ok && bout > in {
				return validation("Cannot create new attendance record for %s, the employee was already checked in on %s", name, in)
			}
		}
		if !closed && open != nil {
			return validation("Cannot create new attendance record for %s, the employee hasn't checked out since %s", name, open.at(inField).(stamp))
		}
		if closed && beforeOut != nil && beforeOut != before {
			return validation("Cannot create new attendance record for %s, the employee was already checked in on %s", name, beforeOut.at(inField).(stamp))
		}
	}
	return nil
}
