package odootest

// trackedSubtypes are the subtypes of the messages that tell of a document's new state; a state that is not here gets a note
// (_track_subtype of each model).
var trackedSubtypes = map[string]map[string]string{
	"hr.leave":         {"validate": "hr_holidays.mt_leave_approved", "refuse": "hr_holidays.mt_leave_refused"},
	"hr.expense.sheet": {"approve": "hr_expense.mt_expense_approved", "cancel": "hr_expense.mt_expense_refused", "done": "hr_expense.mt_expense_paid"},
	"purchase.order":   {"purchase": "purchase.mt_rfq_approved", "to approve": "purchase.mt_rfq_confirmed", "done": "purchase.mt_rfq_done"},
	"sale.order":       {"sale": "sale.mt_order_confirmed", "sent": "sale.mt_order_sent"},
	"account.invoice":  {"paid": "account.mt_invoice_paid"},
}

// track posts what mail.thread posts when a document's state changes: a message without text. The values it names are in
// mail.tracking.value, which is no model here.
func (e *env) track(m *model, ids []int64, before map[int64]*row) error {
	subtypes, tracked := trackedSubtypes[m.name]
	if !tracked || truthy(e.context["tracking_disable"]) {
		return nil
	}
	state := m.field("state")
	for _, id := range union(nil, ids) {
		r := e.row(m.name, id)
		if r == nil || before[id] == nil || before[id].str(state) == r.str(state) {
			continue
		}
		subtype, given := subtypes[r.str(state)]
		if !given {
			subtype = "mail.mt_note"
		}
		_, sub := e.xmlID(subtype)
		if _, err := e.post(m.name, id, values{"body": "", "message_type": "notification", "subtype_id": falseFor(sub)}); err != nil {
			return err
		}
	}
	return nil
}
