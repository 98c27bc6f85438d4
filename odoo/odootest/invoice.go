package odootest

import "strings"

// Invoices and vendor bills: draft, open with an entry and its number, cancelled. Payments are not here.
func init() {
	behaviours["account.invoice"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			return values{"type": "out_invoice", "company_id": orFalse(e.company()), "currency_id": e.companyCurrency(), "user_id": e.uid}
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			partner := e.refOf(m.name, id, "partner_id")
			vals := values{"vendor_display_name": e.nameOf("res.partner", partner), "commercial_partner_id": e.value("res.partner", partner, "commercial_partner_id"), "reconciled": true}
			if e.refOf(m.name, id, "journal_id") == 0 {
				vals["journal_id"] = idOrNil(e.journalOf(map[bool]string{true: "purchase", false: "sale"}[e.isBill(id)]))
			}
			if e.refOf(m.name, id, "account_id") == 0 {
				vals["account_id"] = idOrNil(e.accountOf(map[bool]string{true: "payable", false: "receivable"}[e.isBill(id)]))
			}
			return e.set(m, id, vals)
		},
		nameGet: invoiceName,
		compute: portal("/my/invoices/%d", map[string]func(*env, *model, *row) any{
			"amount_by_group":                   func(*env, *model, *row) any { return []any{} },
			"amount_untaxed_invoice_signed":     func(_ *env, m *model, r *row) any { return r.at(m.field("amount_untaxed")) },
			"amount_tax_signed":                 func(_ *env, m *model, r *row) any { return r.at(m.field("amount_tax")) },
			"invoice_icon":                      func(*env, *model, *row) any { return "" },
			"payments_widget":                   func(*env, *model, *row) any { return "false" },
			"outstanding_credits_debits_widget": func(*env, *model, *row) any { return "false" },
			"sequence_number_next":              func(e *env, m *model, r *row) any { _, n := e.invoiceNext(m, r); return n },
			"sequence_number_next_prefix":       func(e *env, m *model, r *row) any { prefix, _ := e.invoiceNext(m, r); return prefix },
		}),
		beforeUnlink: onlyIn("state", "You cannot delete an invoice which is not draft or cancelled. You should create a credit note instead.", "draft", "cancel"),
		methods: map[string]method{
			"action_invoice_open":   {multi: true, run: invoiceOpen},
			"action_invoice_cancel": {multi: true, run: invoiceCancel},
			"action_invoice_draft": {multi: true, run: func(c *call) (any, error) {
				if err := c.need("Invoice must be cancelled in order to reset it to draft.", "cancel"); err != nil {
					return nil, err
				}
				return true, c.e.write(c.m, c.ids, values{"state": "draft"})
			}},
		},
	}
	behaviours["account.invoice.line"] = &behaviour{
		sqlCheck: func(m *model, r *row) (name, message string) {
			if r.str(m.field("display_type")) == "" && r.ref(m.field("account_id")) == 0 {
				return "accountable_required_fields", "Missing required account on accountable invoice line."
			}
			return "", ""
		},
		afterCreate:  invoiceAmounts.created,
		afterWrite:   invoiceAmounts.written,
		beforeUnlink: invoiceAmounts.deletable,
	}
}

// invoiceName is the number, or what kind it is, and the reference.
func invoiceName(_ *env, m *model, r *row) string {
	name := r.str(m.field("number"))
	if name == "" {
		name = map[string]string{"out_invoice": "Invoice", "in_invoice": "Vendor Bill", "out_refund": "Credit Note", "in_refund": "Vendor Credit note"}[r.str(m.field("type"))]
	}
	return name + " " + r.str(m.field("name"))
}

// invoiceNext is the number that the first invoice of a journal can be given by hand.
func (e *env) invoiceNext(m *model, r *row) (prefix, number any) {
	journal := r.ref(m.field("journal_id"))
	date := r.str(m.field("date_invoice"))
	if date == "" {
		date = e.tx.stamp.Date()
	}
	next := e.nextNumber(journal, date)
	at := strings.LastIndexByte(next, '/') + 1
	if next[at:] != "0001" || r.str(m.field("state")) != "draft" {
		return nil, nil
	}
	return next[:at], next[at:]
}

// isBill tells a vendor's bill from an invoice to a customer.
func (e *env) isBill(id int64) bool {
	typ := e.text("account.invoice", id, "type")
	return typ == "in_invoice" || typ == "in_refund"
}

func invoiceOpen(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	if err := c.need("Invoice must be in draft state in order to validate it.", "draft", "open"); err != nil {
		return nil, err
	}
	if err := c.e.checkAccess(c.m, "write"); err != nil {
		return nil, err
	}
	lines := c.e.model("account.invoice.line")
	for _, id := range c.ids {
		if c.e.text(c.m.name, id, "state") == "open" {
			continue
		}
		date := c.e.text(c.m.name, id, "date_invoice")
		if date == "" {
			date = c.e.tx.stamp.Date()
		}
		n := entry{journal: c.e.refOf(c.m.name, id, "journal_id"), date: date, payable: c.e.isBill(id), against: c.e.refOf(c.m.name, id, "account_id")}
		for _, line := range c.e.rows(lines.name).referring(lines.field("invoice_id"), id) {
			total, _ := c.e.value(lines.name, line, "price_total").(float64)
			n.add(c.e.refOf(lines.name, line, "account_id"), c.e.text(lines.name, line, "name"), total)
		}
		vals := values{"state": "open", "date_invoice": date, "residual": c.e.value(c.m.name, id, "amount_total"), "reconciled": false}
		if n.journal != 0 {
			move, err := c.e.book(n)
			if err != nil {
				return nil, err
			}
			vals["move_id"] = falseFor(move)
			vals["number"] = orFalse(c.e.value("account.move", move, "name"))
		}
		if err := c.e.write(c.m, []int64{id}, vals); err != nil {
			return nil, err
		}
	}
	return true, nil
}

// invoiceCancel cancels drafts; an open one only if its journal lets entries be cancelled.
func invoiceCancel(c *call) (any, error) {
	for _, id := range c.ids {
		allowed, _ := c.e.value("account.journal", c.e.refOf(c.m.name, id, "journal_id"), "update_posted").(bool)
		if c.e.text(c.m.name, id, "state") == "open" && !allowed {
			return nil, userFault(uncancelable)
		}
	}
	return true, c.e.write(c.m, c.ids, values{"state": "cancel"})
}
