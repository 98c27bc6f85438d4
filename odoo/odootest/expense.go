package odootest

import (
	"fmt"
	"html"
)

func init() {
	behaviours["hr.expense.sheet"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := values{"company_id": orFalse(e.company()), "currency_id": e.companyCurrency(), "journal_id": falseFor(e.journalOf("purchase"))}
			if who := e.ownEmployee(); who != 0 {
				d["employee_id"] = who
			}
			return d
		},
		compute: map[string]func(*env, *model, *row) any{
			"payment_mode": func(e *env, m *model, r *row) any {
				lines := e.visibleLinks(m, r, m.field("expense_line_ids"))
				if len(lines) == 0 {
					return "own_account"
				}
				return e.value("hr.expense", lines[0], "payment_mode")
			},
		},
		check: func(e *env, m *model, ids []int64, _ func(string) bool) error {
			lines := e.model("hr.expense")
			for _, id := range ids {
				for _, line := range e.rows(lines.name).referring(lines.field("sheet_id"), id) {
					if e.refOf(lines.name, line, "employee_id") != e.refOf(m.name, id, "employee_id") {
						return validation("You cannot add expenses of another employee.")
					}
				}
			}
			return nil
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			if !has(vals, "state", "account_move_id") {
				return nil
			}
			for _, id := range ids {
				if err := e.toLines(m, id, "expense_line_ids", "sheet_id", values{"state": expenseState(e, id)}); err != nil {
					return err
				}
			}
			return nil
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			for _, id := range ids {
				if state := e.text(m.name, id, "state"); state == "post" || state == "done" {
					return nil, userFault("You cannot delete a posted or paid expense.")
				}
			}
			return func() error { return nil }, nil
		},
		methods: map[string]method{
			"unlink":                   {multi: true, run: func(c *call) (any, error) { return noneResult, c.e.unlink(c.m, c.ids) }},
			"action_submit_sheet":      {multi: true, run: move(nil, "", values{"state": "submit"}, noneResult)},
			"approve_expense_sheets":   {multi: true, run: expenseApprove},
			"refuse_sheet":             {multi: true, params: []string{"reason"}, need: 1, run: expenseRefuse},
			"reset_expense_sheets":     {multi: true, run: expenseReset},
			"action_sheet_move_create": {multi: true, run: expensePost},
		},
	}
	behaviours["hr.expense"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := values{
				"company_id": orFalse(e.company()), "currency_id": e.companyCurrency(), "date": e.tx.stamp.Date(),
				"product_uom_id": falseFor(e.firstUnit()),
				"account_id":     orFalse(e.value("account.journal", e.journalOf("purchase"), "default_debit_account_id")),
			}
			if who := e.ownEmployee(); who != 0 {
				d["employee_id"] = who
			}
			return d
		},
		afterCreate: func(e *env, m *model, id int64, vals values) error {
			if err := e.set(m, id, values{"state": expenseState(e, e.refOf(m.name, id, "sheet_id"))}); err != nil {
				return err
			}
			return expenseAmounts.created(e, m, id, vals)
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, before map[int64]*row) error {
			if has(vals, "sheet_id") {
				for _, id := range ids {
					if err := e.set(m, id, values{"state": expenseState(e, e.refOf(m.name, id, "sheet_id"))}); err != nil {
						return err
					}
				}
			}
			return expenseAmounts.written(e, m, ids, vals, before)
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			for _, id := range ids {
				if state := e.text(m.name, id, "state"); state == "done" || state == "approved" {
					return nil, userFault("You cannot delete a posted or approved expense.")
				}
			}
			return expenseAmounts.deletable(e, m, ids)
		},
		methods: map[string]method{"action_submit_expenses": {multi: true, run: expenseSubmit}},
	}
}

// expenseSubmit answers with the form of a report that holds the expenses; the report is made when somebody saves that form.
func expenseSubmit(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	if len(c.ids) == 0 {
		return noneResult, nil
	}
	return values{
		"name": "New Expense Report", "type": "ir.actions.act_window", "view_mode": "form", "res_model": c.m.name + ".sheet", "target": "current",
		"context": values{
			"default_expense_line_ids": c.ids, "default_employee_id": c.e.refOf(c.m.name, c.ids[0], "employee_id"),
			"default_name": c.e.text(c.m.name, c.ids[0], "name"),
		},
	}, nil
}

// expenseState is the state of the lines of a report (hr.expense, _compute_state); sheet 0 is none.
func expenseState(e *env, sheet int64) string {
	switch e.text("hr.expense.sheet", sheet, "state") {
	case "", "draft":
		return "draft"
	case "cancel":
		return "refused"
	case "approve", "post":
		return "approved"
	}
	if e.refOf("hr.expense.sheet", sheet, "account_move_id") == 0 {
		return "reported"
	}
	return "done"
}

// expenseDecider refuses those who may not decide: first who he is, then whether he may read the reports.
func (c *call) expenseDecider(words string) error {
	if !c.e.inGroup("hr_expense.group_hr_expense_user") {
		return userFault("%s", words)
	}
	return c.readable()
}

// expenseApprove asks for no state: what was approved or refused before is approved again.
func expenseApprove(c *call) (any, error) {
	if err := c.expenseDecider("Only Managers and HR Officers can approve expenses"); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		vals := values{"state": "approve"}
		if c.e.refOf(c.m.name, id, "user_id") == 0 {
			vals["user_id"] = c.e.uid
		}
		if err := c.e.write(c.m, []int64{id}, vals); err != nil {
			return nil, err
		}
	}
	return noneResult, c.done()
}

func expenseRefuse(c *call) (any, error) {
	if err := c.expenseDecider("Only Managers and HR Officers can approve expenses"); err != nil {
		return nil, err
	}
	if err := c.e.write(c.m, c.ids, values{"state": "cancel"}); err != nil {
		return nil, err
	}
	_, comment := c.e.xmlID("mail.mt_comment")
	for _, id := range c.ids {
		body := fmt.Sprintf("<p>Your Expense Report %s has been refused</p><ul class=\"o_timeline_tracking_value_list\"><li>Reason : %s</li></ul>",
			html.EscapeString(c.e.text(c.m.name, id, "name")), html.EscapeString(pyStr(c.arg("reason"))))
		if _, err := c.e.post(c.m.name, id, values{"body": body, "message_type": "notification", "subtype_id": falseFor(comment)}); err != nil {
			return nil, err
		}
	}
	return noneResult, c.done()
}

func expenseReset(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		own := c.e.refOf("hr.employee", c.e.refOf(c.m.name, id, "employee_id"), "user_id") == c.e.uid
		if !own && !c.e.inGroup("hr_expense.group_hr_expense_user") {
			return nil, userFault("Only HR Officers or the concerned employee can reset to draft.")
		}
	}
	return true, c.e.write(c.m, c.ids, values{"state": "draft"})
}

// expensePost makes and posts one entry per report: the expenses to their accounts, the sum to the payable account.
func expensePost(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	if err := c.need("You can only generate accounting entry for approved expense(s).", "approve"); err != nil {
		return nil, err
	}
	if err := c.e.checkAccess(c.e.model("account.move"), "create"); err != nil {
		return nil, err
	}
	lines := c.e.model("hr.expense")
	for _, id := range c.ids {
		journal := c.e.refOf(c.m.name, id, "journal_id")
		if journal == 0 {
			return nil, userFault("Expenses must have an expense journal specified to generate accounting entries.")
		}
		entry := entry{journal: journal, date: c.e.text(c.m.name, id, "accounting_date"), ref: c.e.text(c.m.name, id, "name"), payable: true}
		for _, line := range c.e.rows(lines.name).referring(lines.field("sheet_id"), id) {
			total, _ := c.e.value(lines.name, line, "total_amount").(float64)
			entry.add(c.e.refOf(lines.name, line, "account_id"), c.e.text(lines.name, line, "name"), total)
		}
		number, err := c.e.book(entry)
		if err != nil {
			return nil, err
		}
		if err := c.e.write(c.m, []int64{id}, values{"state": "post", "account_move_id": falseFor(number)}); err != nil {
			return nil, err
		}
	}
	return intKeysResult, nil
}

// firstUnit is the unit that hr.expense begins with.
func (e *env) firstUnit() int64 {
	_, id := e.xmlID("uom.product_uom_unit")
	return id
}
