package mapping

// documentModel is what is known of a model whose documents are approved: where its documents wait, and the methods that decide them.
type documentModel struct {
	domain      string
	when        string
	transitions [][2]string // wished state, steps
	values      string
}

// documentModels are the models of a stock Odoo 12 that are usually approved (hr_holidays, hr_expense, purchase, sale, account).
var documentModels = map[string]documentModel{
	"hr.leave": {
		domain: "[[state, in, [confirm, validate1, validate, refuse]]]",
		when:   "state == 'confirm'",
		transitions: [][2]string{
			{"validate", "[{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]"},
			{"refuse", "[{from: [confirm, validate1, validate], call: action_refuse}]"},
			{"draft", "[{from: [confirm, refuse], call: action_draft}]"},
		},
		values: "{agree: validate, refuse: refuse, terminate: draft}",
	},
	"hr.expense.sheet": {
		domain: "[[state, in, [submit, approve, post, done, cancel]]]",
		when:   "state == 'submit'",
		transitions: [][2]string{
			{"approve", "[{from: [submit], call: approve_expense_sheets}]"},
			{"cancel", `[{from: [submit, approve], call: refuse_sheet, args: ["{{ remark }}"]}]`},
			{"draft", "[{from: [submit, cancel], call: reset_expense_sheets}]"},
		},
		values: "{agree: approve, refuse: cancel, terminate: draft}",
	},
	"purchase.order": {
		domain: `[[state, in, [sent, "to approve", purchase, done, cancel]]]`,
		when:   "state in ['sent', 'to approve']",
		transitions: [][2]string{
			{"purchase", `[{from: [draft, sent], call: button_confirm}, {from: ["to approve"], call: button_approve}]`},
			{"cancel", `[{from: [draft, sent, "to approve"], call: button_cancel}]`},
		},
		values: "{agree: purchase, refuse: cancel}",
	},
	"sale.order": {
		domain: "[[state, in, [sent, sale, done, cancel]]]",
		when:   "state == 'sent'",
		transitions: [][2]string{
			{"sale", "[{from: [draft, sent], call: action_confirm}]"},
			{"cancel", "[{from: [draft, sent], call: action_cancel}]"},
		},
		values: "{agree: sale, refuse: cancel}",
	},
	"account.invoice": {
		domain: "[[state, in, [draft, open, in_payment, paid, cancel]]]",
		when:   "state == 'draft'",
		transitions: [][2]string{
			{"open", "[{from: [draft], call: action_invoice_open}]"},
			{"cancel", "[{from: [draft], call: action_invoice_cancel}]"},
		},
		values: "{agree: open, refuse: cancel}",
	},
}

// glossary are the fields that a word in a label usually means, the likeliest first.
var glossary = []struct {
	word   string
	fields []string
}{
	{"申请人", []string{"employee_id", "user_id"}},
	{"员工", []string{"employee_id"}},
	{"部门", []string{"department_id"}},
	{"负责人", []string{"user_id"}},
	{"采购员", []string{"user_id"}},
	{"业务员", []string{"user_id"}},
	{"假期类型", []string{"holiday_status_id"}},
	{"请假类型", []string{"holiday_status_id"}},
	{"开始", []string{"request_date_from", "date_from", "date_start", "start_date"}},
	{"结束", []string{"request_date_to", "date_to", "date_end", "date_stop"}},
	{"天数", []string{"number_of_days"}},
	{"时长", []string{"number_of_days", "number_of_hours_display"}},
	{"交货", []string{"date_planned", "commitment_date"}},
	{"到期", []string{"date_due"}},
	{"有效", []string{"validity_date"}},
	{"日期", []string{"date_order", "date_invoice", "accounting_date", "date"}},
	{"供应商", []string{"partner_id"}},
	{"客户", []string{"partner_id"}},
	{"合作伙伴", []string{"partner_id"}},
	{"付款条件", []string{"payment_term_id"}},
	{"币种", []string{"currency_id"}},
	{"公司", []string{"company_id"}},
	{"税", []string{"amount_tax"}},
	{"不含税", []string{"amount_untaxed"}},
	{"总额", []string{"amount_total", "total_amount"}},
	{"合计", []string{"amount_total", "total_amount"}},
	{"金额", []string{"amount_total", "total_amount", "amount"}},
	{"源单", []string{"origin"}},
	{"参考", []string{"partner_ref", "client_order_ref", "reference"}},
	{"单号", []string{"number", "name"}},
	{"编号", []string{"number", "name"}},
	{"标题", []string{"name"}},
	{"名称", []string{"name"}},
	{"主题", []string{"name"}},
	{"事由", []string{"name", "notes", "note"}},
	{"原因", []string{"name", "notes", "note"}},
	{"理由", []string{"name", "notes", "note"}},
	{"说明", []string{"notes", "note", "comment", "description", "name"}},
	{"备注", []string{"notes", "note", "comment", "description"}},
	{"描述", []string{"description", "notes", "note", "name"}},
	{"类型", []string{"holiday_status_id", "type"}},
}
