package odootest

import (
	"fmt"
	"slices"
)

// The state methods of sale and purchase orders: what they refuse, the state they lead to and what they answer. What else the real ones
// do (pickings, invoices, mails) does not happen here.
func init() {
	behaviours["sale.order"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := numbered(e, m, "name", "SO%03d", "date_order")
			d["user_id"], d["note"], d["invoice_status"], d["currency_rate"] = e.uid, "", "no", 1.0
			return d
		},
		compute: portal("/my/orders/%d", map[string]func(*env, *model, *row) any{
			"currency_id": func(e *env, m *model, r *row) any {
				return e.value("res.company", r.ref(m.field("company_id")), "currency_id")
			},
			"amount_undiscounted": func(_ *env, m *model, r *row) any { return r.at(m.field("amount_untaxed")) },
			"type_name": func(_ *env, m *model, r *row) any {
				if state := r.str(m.field("state")); state == "draft" || state == "sent" || state == "cancel" {
					return "Quotation"
				}
				return "Sales Order"
			},
		}),
		beforeCreate: func(_ *env, _ *model, vals values) error {
			for _, n := range []string{"partner_invoice_id", "partner_shipping_id"} {
				if _, given := vals[n]; !given {
					vals[n] = orFalse(vals["partner_id"])
				}
			}
			return nil
		},
		afterWrite:   stateToLines("order_line", "order_id"),
		beforeUnlink: onlyIn("state", "You can not delete a sent quotation or a confirmed sales order. You must first cancel it.", "draft", "cancel"),
		methods: map[string]method{
			"action_confirm": {multi: true, run: saleConfirm},
			"action_cancel":  {multi: true, run: move(nil, "", values{"state": "cancel"}, true)},
			"action_draft":   {multi: true, run: move(nil, "", values{"state": "draft"}, true)},
			"action_done":    {multi: true, run: move(nil, "", values{"state": "done"}, true)},
		},
	}
	behaviours["sale.order.line"] = &behaviour{
		beforeCreate: saleLineFromProduct,
		afterCreate: func(e *env, m *model, id int64, vals values) error {
			if err := saleAmounts.created(e, m, id, vals); err != nil {
				return err
			}
			return e.set(m, id, values{"state": e.value("sale.order", e.refOf(m.name, id, "order_id"), "state")})
		},
		afterWrite:   saleAmounts.written,
		beforeUnlink: saleAmounts.deletable,
	}
	behaviours["purchase.order"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := numbered(e, m, "name", "PO%05d", "date_order")
			d["user_id"], d["currency_id"] = e.uid, e.companyCurrency()
			return d
		},
		compute: portal("/my/purchase/%d", map[string]func(*env, *model, *row) any{
			"product_id": func(e *env, m *model, r *row) any {
				lines := e.visibleLinks(m, r, m.field("order_line"))
				if len(lines) == 0 {
					return nil
				}
				return e.value("purchase.order.line", lines[0], "product_id")
			},
		}),
		afterWrite:   stateToLines("order_line", "order_id"),
		beforeUnlink: onlyIn("state", "In order to delete a purchase order, you must cancel it first.", "cancel"),
		methods: map[string]method{
			"button_confirm": {multi: true, run: purchaseConfirm},
			"button_approve": {multi: true, loose: true, params: []string{"force"}, run: purchaseApprove},
			"button_cancel":  {multi: true, run: move(nil, "", values{"state": "cancel"}, noneResult)},
			"button_draft":   {multi: true, run: move(nil, "", values{"state": "draft"}, values{})},
			"button_done":    {multi: true, run: move(nil, "", values{"state": "done"}, noneResult)},
		},
	}
	behaviours["purchase.order.line"] = &behaviour{
		afterCreate: func(e *env, m *model, id int64, vals values) error {
			if err := purchaseAmounts.created(e, m, id, vals); err != nil {
				return err
			}
			order := e.refOf(m.name, id, "order_id")
			if err := e.set(m, id, values{"state": e.value("purchase.order", order, "state")}); err != nil {
				return err
			}
			return purchasePlanned(e, m, order)
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, before map[int64]*row) error {
			if has(vals, "date_planned") {
				for _, id := range ids {
					if err := purchasePlanned(e, m, e.refOf(m.name, id, "order_id")); err != nil {
						return err
					}
				}
			}
			return purchaseAmounts.written(e, m, ids, vals, before)
		},
		beforeUnlink: purchaseAmounts.deletable,
	}
}

// portal adds the fields of a document that its customer or vendor may see (portal.mixin).
func portal(url string, compute map[string]func(*env, *model, *row) any) map[string]func(*env, *model, *row) any {
	compute["access_url"] = func(_ *env, _ *model, r *row) any { return fmt.Sprintf(url, r.id) }
	compute["access_warning"] = func(*env, *model, *row) any { return "" }
	return compute
}

// companyCurrency is the currency of the user's company.
func (e *env) companyCurrency() any {
	return orFalse(e.value("res.company", firstID(e.company()), "currency_id"))
}

// stateToLines copies a document's state to its lines, which store it.
func stateToLines(field, inverse string) func(*env, *model, []int64, values, map[int64]*row) error {
	return func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
		if !has(vals, "state") {
			return nil
		}
		for _, id := range ids {
			if err := e.toLines(m, id, field, inverse, values{"state": e.value(m.name, id, "state")}); err != nil {
				return err
			}
		}
		return nil
	}
}

// saleLineFromProduct fills what the caller left out: unit and taxes of the product.
func saleLineFromProduct(e *env, _ *model, vals values) error {
	product, _ := toInt(vals["product_id"])
	if !has(vals, "product_uom") && product != 0 {
		vals["product_uom"] = orFalse(e.value("product.product", product, "uom_id"))
	}
	if r := e.row("product.product", product); r != nil && !has(vals, "tax_id") {
		pm := e.model("product.product")
		vals["tax_id"] = []any{[]any{int64(6), int64(0), idList(e.links(pm, r, pm.field("taxes_id")))}}
	}
	return nil
}

// purchasePlanned is the order's own date_planned: the earliest of its lines.
func purchasePlanned(e *env, line *model, order int64) error {
	var first stamp
	for _, id := range e.rows(line.name).referring(line.field("order_id"), order) {
		if at, ok := e.row(line.name, id).at(line.field("date_planned")).(stamp); ok && (first == 0 || at < first) {
			first = at
		}
	}
	if first == 0 {
		return nil
	}
	return e.set(e.model("purchase.order"), order, values{"date_planned": first})
}

func saleConfirm(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	if err := c.need("It is not allowed to confirm an order in the following states: done, cancel", "draft", "sent", "sale"); err != nil {
		return nil, err
	}
	return true, c.e.write(c.m, c.ids, values{"state": "sale", "confirmation_date": c.e.tx.stamp.String()})
}

func purchaseApprove(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	return values{}, c.e.write(c.m, c.ids, values{"state": "purchase", "date_approve": c.e.tx.stamp.Date()})
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
	if err := c.present(); err != nil {
		return err
	}
	return c.e.checkRules(c.m, "read", c.ids)
}

// present faults for deleted records, as reading a field of one does.
func (c *call) present() error {
	for _, id := range c.ids {
		if c.e.row(c.m.name, id) == nil {
			return missing(fmt.Sprintf("Record does not exist or has been deleted.\n\n(Records: [%d], User: %d)", id, c.e.uid))
		}
	}
	return nil
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
		vals := values{"state": state}
		if state == "purchase" {
			vals["date_approve"] = c.e.tx.stamp.Date()
		}
		if err := c.e.write(c.m, []int64{id}, vals); err != nil {
			return nil, err
		}
	}
	return true, nil
}
