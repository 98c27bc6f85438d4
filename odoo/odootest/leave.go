package odootest

import (
	"fmt"
	"slices"
)

func init() {
	behaviours["hr.leave"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := values{"user_id": e.uid, "date_from": e.tx.stamp.String(), "date_to": e.tx.stamp.String()}
			if who := e.ownEmployee(); who != 0 {
				d["employee_id"] = who
			}
			return d
		},
		afterCreate: leaveAfterCreate,
		beforeWrite: func(e *env, m *model, ids []int64, vals values) (*env, error) {
			if state, ok := vals["state"].(string); ok {
				return e, leaveMayBecome(e, m, ids, state)
			}
			return e, nil
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			if !has(vals, "employee_id", "holiday_type") {
				return nil
			}
			for _, id := range ids {
				if err := leaveDerive(e, m, id); err != nil {
					return err
				}
			}
			return nil
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			for _, id := range ids {
				if state := e.text(m.name, id, "state"); state != "" && !slices.Contains([]string{"draft", "cancel", "confirm"}, state) {
					return nil, userFault("You cannot delete a leave which is in %s state.", state)
				}
			}
			return func() error { return nil }, nil
		},
		check: leaveCheck,
		sqlCheck: func(m *model, r *row) (name, message string) {
			who := map[string]string{"employee": "employee_id", "company": "mode_company_id", "category": "category_id", "department": "department_id"}
			from, _ := r.at(m.field("date_from")).(stamp)
			to, _ := r.at(m.field("date_to")).(stamp)
			switch f := m.field(who[r.str(m.field("holiday_type"))]); {
			case f == nil || r.ref(f) == 0:
				return "type_value", "The employee, department, company or employee category of this request is missing. Please make sure that your user login is linked to an employee."
			case to < from:
				return "date_check2", "The start date must be anterior to the end date."
			}
			return "", ""
		},
		nameGet: leaveName,
		compute: map[string]func(*env, *model, *row) any{
			"number_of_days_display": func(_ *env, m *model, r *row) any { return r.at(m.field("number_of_days")) },
			"can_approve": func(e *env, m *model, r *row) any {
				return leaveMayBecome(e, m, []int64{r.id}, "validate") == nil
			},
			"can_reset": func(e *env, m *model, r *row) any { return leaveMayBecome(e, m, []int64{r.id}, "draft") == nil },
			"leave_type_request_unit": func(e *env, m *model, r *row) any {
				return e.value("hr.leave.type", r.ref(m.field("holiday_status_id")), "request_unit")
			},
			"validation_type": func(e *env, m *model, r *row) any {
				return e.value("hr.leave.type", r.ref(m.field("holiday_status_id")), "validation_type")
			},
			"duration_display": func(_ *env, m *model, r *row) any {
				days, _ := r.at(m.field("number_of_days")).(float64)
				return fmt.Sprintf("%g day(s)", days)
			},
		},
		methods: map[string]method{
			"action_draft":    {multi: true, run: leaveDraft},
			"action_confirm":  {multi: true, run: leaveConfirm},
			"action_approve":  {multi: true, run: leaveApprove},
			"action_validate": {multi: true, run: leaveValidate},
			"action_refuse":   {multi: true, run: leaveRefuse},
		},
	}
	behaviours["hr.leave.type"] = &behaviour{defaults: companyDefault}
}

// ownEmployee is the employee of the user; 0 for none.
func (e *env) ownEmployee() int64 {
	emp := e.model("hr.employee")
	for _, id := range e.rows(emp.name).referring(emp.field("user_id"), e.uid) {
		if e.row(emp.name, id).flag(emp.field("active")) {
			return id
		}
	}
	return 0
}

// leaveAfterCreate derives the stored computed fields and asks for approval by an activity of the employee's manager or user.
func leaveAfterCreate(e *env, m *model, id int64, vals values) error {
	if err := leaveDerive(e, m, id); err != nil {
		return err
	}
	if e.text(m.name, id, "state") != "confirm" {
		return nil
	}
	_, typ := e.xmlID("hr_holidays.mail_act_leave_approval")
	approver := e.refOf("hr.employee", e.refOf("hr.employee", e.refOf(m.name, id, "employee_id"), "parent_id"), "user_id")
	if approver == 0 {
		approver = e.uid
	}
	_, err := e.sudo().create(e.model("mail.activity"), values{
		"res_model_id": m.id, "res_id": id, "activity_type_id": typ, "user_id": approver, "automated": true,
	})
	return err
}

func leaveDerive(e *env, m *model, id int64) error {
	who := e.refOf(m.name, id, "employee_id")
	return e.set(m, id, values{
		"department_id": e.value("hr.employee", who, "department_id"), "manager_id": e.value("hr.employee", who, "parent_id"),
		"user_id": e.value("hr.employee", who, "user_id"),
	})
}

func leaveName(e *env, m *model, r *row) string {
	days, _ := r.at(m.field("number_of_days")).(float64)
	format := "%s on %s : %.2f day(s)"
	if e.lang() == "zh_CN" {
		format = "%s 于 %s : %.2f 天(s)"
	}
	return fmt.Sprintf(format, e.text("hr.employee", r.ref(m.field("employee_id")), "name"),
		e.text("hr.leave.type", r.ref(m.field("holiday_status_id")), "name"), days)
}

func leaveCheck(e *env, m *model, ids []int64, changed func(string) bool) error {
	from, to := m.field("date_from"), m.field("date_to")
	for _, id := range ids {
		r := e.row(m.name, id)
		a, _ := r.at(from).(stamp)
		b, _ := r.at(to).(stamp)
		who := r.ref(m.field("employee_id"))
		if !changed("date_from") && !changed("date_to") && !changed("employee_id") && !changed("state") {
			continue
		}
		for _, other := range e.rows(m.name).referring(m.field("employee_id"), who) {
			o := e.row(m.name, other)
			oa, _ := o.at(from).(stamp)
			ob, _ := o.at(to).(stamp)
			if state := o.str(m.field("state")); other != id && oa < b && ob > a && state != "cancel" && state != "refuse" {
				return validation("You can not have 2 leaves that overlaps on the same day.")
			}
		}
		if err := leaveAllowance(e, m, r); err != nil {
			return err
		}
	}
	return nil
}

// leaveAllowance refuses more days than were allocated, for the types that need an allocation (_check_holidays).
func leaveAllowance(e *env, m *model, r *row) error {
	typ := r.ref(m.field("holiday_status_id"))
	if t := e.text("hr.leave.type", typ, "allocation_type"); t == "no" || t == "" {
		return nil
	}
	left := 0.0
	for _, side := range []struct {
		model string
		sign  float64
	}{{"hr.leave.allocation", 1}, {m.name, -1}} {
		sm := e.model(side.model)
		for _, id := range e.rows(sm.name).referring(sm.field("employee_id"), r.ref(m.field("employee_id"))) {
			o := e.row(sm.name, id)
			days, _ := o.at(sm.field("number_of_days")).(float64)
			state := o.str(sm.field("state"))
			counts := state == "validate" || side.sign < 0 && (state == "confirm" || state == "validate1")
			if counts && o.ref(sm.field("holiday_status_id")) == typ {
				left += side.sign * days
			}
		}
	}
	if left < 0 {
		return validation("The number of remaining leaves is not sufficient for this leave type.\nPlease also check the leaves waiting for validation.")
	}
	return nil
}

// leaveMayBecome is _check_approval_update: who may bring a leave into a state.
func leaveMayBecome(e *env, m *model, ids []int64, state string) error {
	officer, manager := e.inGroup("hr_holidays.group_hr_holidays_user"), e.inGroup("hr_holidays.group_hr_holidays_manager")
	if e.uid == superuser || state == "confirm" {
		return nil
	}
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil {
			continue
		}
		own := r.ref(m.field("employee_id")) == e.ownEmployee() && e.ownEmployee() != 0
		both := e.text("hr.leave.type", r.ref(m.field("holiday_status_id")), "validation_type") == "both"
		switch {
		case state == "draft":
			if !own && !manager {
				return userFault("Only a Leave Manager can reset other people leaves.")
			}
		case !officer:
			return userFault("Only a Leave Officer or Manager can approve or refuse leave requests.")
		case e.checkRules(m, "write", []int64{id}) != nil:
			return e.checkRules(m, "write", []int64{id})
		case own && !manager:
			return userFault("Only a Leave Manager can approve its own requests.")
		case state == "validate" && both && !manager:
			return userFault("Only an Leave Manager can apply the second approval on leave requests.")
		}
	}
	return nil
}

// need faults unless every leave is in one of the states.
func (c *call) need(message string, states ...string) error {
	if err := c.present(); err != nil {
		return err
	}
	for _, id := range c.ids {
		if !slices.Contains(states, c.e.text(c.m.name, id, "state")) {
			return userFault("%s", message)
		}
	}
	return nil
}

// done deletes the activities that asked for an approval.
func (c *call) done() error {
	act := c.e.model("mail.activity")
	var ids []int64
	for _, id := range c.ids {
		found, err := c.e.sudo().search(act, []any{[]any{"res_model", "=", c.m.name}, []any{"res_id", "=", id}}, searchOptions{})
		if err != nil {
			return err
		}
		ids = append(ids, found...)
	}
	return c.e.sudo().unlink(act, ids)
}

func leaveDraft(c *call) (any, error) {
	if err := c.need("Leave request state must be \"Refused\" or \"To Approve\" in order to be reset to draft.", "confirm", "refuse"); err != nil {
		return nil, err
	}
	if err := c.e.write(c.m, c.ids, values{"state": "draft", "first_approver_id": false, "second_approver_id": false}); err != nil {
		return nil, err
	}
	return true, c.done()
}

func leaveConfirm(c *call) (any, error) {
	if err := c.need("Leave request must be in Draft state (\"To Submit\") in order to confirm it.", "draft"); err != nil {
		return nil, err
	}
	return true, c.e.write(c.m, c.ids, values{"state": "confirm"})
}

func leaveApprove(c *call) (any, error) {
	if err := c.need("Leave request must be confirmed (\"To Approve\") in order to approve it.", "confirm"); err != nil {
		return nil, err
	}
	var first, only []int64
	for _, id := range c.ids {
		if c.e.text("hr.leave.type", c.e.refOf(c.m.name, id, "holiday_status_id"), "validation_type") == "both" {
			first = append(first, id)
		} else {
			only = append(only, id)
		}
	}
	if err := c.e.write(c.m, first, values{"state": "validate1", "first_approver_id": falseFor(c.e.ownEmployee())}); err != nil {
		return nil, err
	}
	if err := c.validateLeaves(only); err != nil {
		return nil, err
	}
	return true, c.done()
}

func leaveValidate(c *call) (any, error) {
	if err := c.need("Leave request must be confirmed in order to approve it.", "confirm", "validate1"); err != nil {
		return nil, err
	}
	if err := c.validateLeaves(c.ids); err != nil {
		return nil, err
	}
	return true, c.done()
}

func (c *call) validateLeaves(ids []int64) error {
	for _, id := range ids {
		approver := "first_approver_id"
		if c.e.text("hr.leave.type", c.e.refOf(c.m.name, id, "holiday_status_id"), "validation_type") == "both" {
			approver = "second_approver_id"
		}
		if err := c.e.write(c.m, []int64{id}, values{"state": "validate"}); err != nil {
			return err
		}
		if err := c.e.write(c.m, []int64{id}, values{approver: falseFor(c.e.ownEmployee())}); err != nil {
			return err
		}
	}
	return nil
}

func leaveRefuse(c *call) (any, error) {
	if err := c.need("Leave request must be confirmed or validated in order to refuse it.", "confirm", "validate", "validate1"); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		approver := "second_approver_id"
		if c.e.text(c.m.name, id, "state") == "validate1" {
			approver = "first_approver_id"
		}
		if err := c.e.write(c.m, []int64{id}, values{"state": "refuse", approver: falseFor(c.e.ownEmployee())}); err != nil {
			return nil, err
		}
	}
	return true, c.done()
}
