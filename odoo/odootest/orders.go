package odootest

import (
	"fmt"
	"slices"
)

// The state methods of orders, expense reports and invoices: what they refuse, the state they lead to and what they answer. What else
// the real ones do (pickings, accounting entries, mails) does not happen here.
func init() {
	behaviours["sale.order"] = &behaviour{
		defaults: func(e *env, m *model) values { return numbered(e, m, "name", "SO%03d", "date_order") },
		beforeCreate: func(_ *env, _ *model, vals values) error {
			for _, n := range []string{"partner_invoice_id", "partner_shipping_id"} {
				if _, given := vals[n]; !given {
					vals[n] = orFalse(vals["partner_id"])
				}
			}
			return nil
		},
		beforeUnlink: onlyIn("state", "You can not delete a sent quotation or a confirmed sales order. You must first cancel it.", "draft", "cancel"),
		methods: map[string]method{
			"action_confirm": {multi: true, run: move(nil, "", values{"state": "sale"}, true)},
			"action_cancel":  {multi: true, run: move(nil, "", values{"state": "cancel"}, true)},
			"action_draft":   {multi: true, run: move(nil, "", values{"state": "draft"}, true)},
			"action_done":    {multi: true, run: move(nil, "", values{"state": "done"}, true)},
		},
	}
	behaviours["purchase.order"] = &behaviour{
		defaults:     func(e *env, m *model) values { return numbered(e, m, "name", "PO%05d", "date_order") },
		beforeUnlink: onlyIn("state", "In order to delete a purchase order, you must cancel it first.", "cancel"),
		methods: map[string]method{
			"button_confirm": {multi: true, run: purchaseConfirm},
			"button_approve": {multi: true, loose: true, params: []string{"force"}, run: move(nil, "", values{"state": "purchase"}, values{})},
			"button_cancel":  {multi: true, run: move(nil, "", values{"state": "cancel"}, noneResult)},
			"button_draft":   {multi: true, run: move(nil, "", values{"state": "draft"}, values{})},
			"button_done":    {multi: true, run: move(nil, "", values{"state": "done"}, noneResult)},
		},
	}
	behaviours["hr.expense.sheet"] = &behaviour{
		defaults: companyDefault,
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			for _, id := range ids {
				if state := e.text(m.name, id, "state"); state == "post" || state == "done" {
					return nil, userFault("You cannot delete a posted or paid expense.")
				}
			}
			return func() error { return nil }, nil
		},
		methods: map[string]method{
			"approve_expense_sheets":   {multi: true, run: expenseDecide("approve", noneResult)},
			"refuse_sheet":             {multi: true, params: []string{"reason"}, need: 1, run: expenseDecide("cancel", noneResult)},
			"reset_expense_sheets":     {multi: true, run: move(nil, "", values{"state": "submit"}, true)},
			"action_sheet_move_create": {multi: true, run: move([]string{"approve"}, "You can only generate accounting entry for approved expense(s).", values{"state": "post"}, intKeysResult)},
		},
	}
	behaviours["account.invoice"] = &behaviour{
		beforeUnlink: onlyIn("state", "You cannot delete an invoice which is not draft or cancelled. You should create a credit note instead.", "draft", "cancel"),
		methods: map[string]method{
			"action_invoice_open": {multi: true, run: move([]string{"draft"}, "Invoice must be in draft state in order to validate it.", values{"state": "open"}, true)},
			"action_invoice_cancel": {multi: true, run: func(c *call) (any, error) {
				if err := c.need("You cannot modify a posted entry of this journal.\nFirst you should set the journal to allow cancelling entries.", "draft", "cancel"); err != nil {
					return nil, err
				}
				return true, c.e.write(c.m, c.ids, values{"state": "cancel"})
			}},
		},
	}
}

// numbered gives the next number of a sequence and today's date.
func numbered(e *env, m *model, name, format, date string) values {
	return values{name: fmt.Sprintf(format, e.rows(m.name).next), date: e.tx.stamp.String(), "company_id": orFalse(e.company())}
}

// onlyIn allows deletion in some states only.
func onlyIn(field, message string, states ...string) func(*env, *model, []int64) (func() error, error) {
	return func(e *env, m *model, ids []int64) (func() error, error) {
		for _, id := range ids {
			if e.row(m.name, id) != nil && !slices.Contains(states, e.text(m.name, id, field)) {
				return nil, userFault("%s", message)
			}
		}
		return func() error { return nil }, nil
	}
}

// move is a state method: it reads the records with the user's rights, wants one of the states (nil: any), writes and answers.
func move(from []string, message string, vals values, result any) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if err := c.readable(); err != nil {
			return nil, err
		}
		if from != nil {
			if err := c.need(message, from...); err != nil {
				return nil, err
			}
		}
		return result, c.e.write(c.m, c.ids, vals)
	}
}

// readable makes the checks of reading the records' fields.
func (c *call) readable() error {
	if err := c.e.checkAccess(c.m, "read"); err != nil {
		return err
	}
	return c.e.checkRules(c.m, "read", c.ids)
}

func purchaseConfirm(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		r := c.e.row(c.m.name, id)
		if r == nil || !slices.Contains([]string{"draft", "sent"}, r.str(c.m.field("state"))) {
			continue
		}
		company := r.ref(c.m.field("company_id"))
		limit, _ := c.e.value("res.company", company, "po_double_validation_amount").(float64)
		total, _ := r.at(c.m.field("amount_total")).(float64)
		state := "purchase"
		if c.e.text("res.company", company, "po_double_validation") == "two_step" && total >= limit && !c.e.inGroup("purchase.group_purchase_manager") {
			state = "to approve"
		}
		if err := c.e.write(c.m, []int64{id}, values{"state": state}); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func expenseDecide(state string, result any) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if !c.e.inGroup("hr_expense.group_hr_expense_user") {
			return nil, userFault("Only Managers and HR Officers can approve expenses")
		}
		if err := c.readable(); err != nil {
			return nil, err
		}
		return result, c.e.write(c.m, c.ids, values{"state": state})
	}
}
