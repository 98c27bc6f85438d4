package odootest

import "strings"

// Records of the stock modules that documents rest on: subtypes of messages, units, account types, record rules. Ids and external ids
// are those of a database with the recorded modules.

var subtypes = []struct {
	id                 int64
	xmlID, name, model string
	byDefault          bool
}{
	{1, "mail.mt_comment", "Discussions", "", true},
	{2, "mail.mt_note", "Note", "", false},
	{3, "mail.mt_activities", "Activities", "", false},
	{8, "hr_holidays.mt_leave_approved", "Approved", "hr.leave", true},
	{9, "hr_holidays.mt_leave_refused", "Refused", "hr.leave", false},
	{16, "account.mt_invoice_validated", "Validated", "account.invoice", false},
	{17, "account.mt_invoice_paid", "Paid", "account.invoice", false},
	{18, "account.mt_invoice_created", "Invoice Created", "account.invoice", false},
	{37, "hr_expense.mt_expense_approved", "Approved", "hr.expense.sheet", true},
	{38, "hr_expense.mt_expense_refused", "Refused", "hr.expense.sheet", true},
	{39, "hr_expense.mt_expense_paid", "Paid", "hr.expense.sheet", false},
	{40, "purchase.mt_rfq_confirmed", "RFQ Confirmed", "purchase.order", false},
	{41, "purchase.mt_rfq_approved", "RFQ Approved", "purchase.order", false},
	{42, "purchase.mt_rfq_done", "RFQ Done", "purchase.order", false},
	{43, "sale.mt_order_sent", "Quotation sent", "sale.order", false},
	{44, "sale.mt_order_confirmed", "Sales Order Confirmed", "sale.order", false},
}

var alarms = []struct {
	xmlID, name, typ, interval string
	duration, minutes          int64
}{
	{"alarm_notif_1", "15 Minute(s)", "notification", "minutes", 15, 15},
	{"alarm_notif_2", "30 Minute(s)", "notification", "minutes", 30, 30},
	{"alarm_notif_3", "1 Hour(s)", "notification", "hours", 1, 60},
	{"alarm_notif_4", "2 Hour(s)", "notification", "hours", 2, 120},
	{"alarm_notif_5", "1 Day(s)", "notification", "days", 1, 1440},
	{"alarm_mail_1", "3 Hour(s), by e-mail", "email", "hours", 3, 180},
	{"alarm_mail_2", "6 Hour(s), by e-mail", "email", "hours", 6, 360},
}

var units = []struct {
	id                int64
	xmlID, name, kind string
	factor            float64
}{
	{1, "unit", "Unit(s)", "reference", 1},
	{2, "dozen", "Dozen(s)", "bigger", 1.0 / 12},
	{3, "kgm", "kg", "reference", 1},
	{5, "day", "Day(s)", "reference", 1},
	{6, "hour", "Hour(s)", "smaller", 8},
	{8, "meter", "m", "reference", 1},
	{9, "km", "km", "bigger", 0.001},
	{11, "litre", "Liter(s)", "reference", 1},
}

// accountTypes begin with the twelve that carry their balance into the next year.
var accountTypes = []struct{ xmlID, name, typ, group string }{
	{"receivable", "Receivable", "receivable", "asset"},
	{"payable", "Payable", "payable", "liability"},
	{"liquidity", "Bank and Cash", "liquidity", "asset"},
	{"credit_card", "Credit Card", "liquidity", "liability"},
	{"current_assets", "Current Assets", "other", "asset"},
	{"non_current_assets", "Non-current Assets", "other", "asset"},
	{"prepayments", "Prepayments", "other", "asset"},
	{"fixed_assets", "Fixed Assets", "other", "asset"},
	{"current_liabilities", "Current Liabilities", "other", "liability"},
	{"non_current_liabilities", "Non-current Liabilities", "other", "liability"},
	{"equity", "Equity", "other", "equity"},
	{"unaffected_earnings", "Current Year Earnings", "other", ""},
	{"other_income", "Other Income", "other", "income"},
	{"revenue", "Income", "other", "income"},
	{"depreciation", "Depreciation", "other", "expense"},
	{"expenses", "Expenses", "other", "expense"},
	{"direct_costs", "Cost of Revenue", "other", "expense"},
}

const (
	anything    = "[(1, '=', 1)]"
	ownLeave    = "[('employee_id.user_id', '=', user.id), ('state', 'in', ['draft', 'confirm', 'cancel', 'refuse'])]"
	leavesNear  = "['|', '|', ('employee_id.user_id', '=', user.id), ('employee_id.parent_id.user_id', '=', user.id), '|', '|', ('department_id', '=', False), ('department_id.member_ids.user_id', 'in', [user.id]), ('department_id.manager_id.user_id', '=', user.id)]"
	ownExpenses = "[('employee_id.user_id', '=', user.id)]"
	expenseNear = "['|', '|', '|', ('employee_id.user_id', '=', user.id), ('employee_id.department_id.manager_id.user_id', '=', user.id), ('employee_id.parent_id.user_id', '=', user.id), ('employee_id.expense_manager_id', '=', user.id)]"
)

// stockRules are the record rules of documents that tell one user's from another's: model, name, domain, group, what they hold for.
var stockRules = [][5]string{
	{"hr.leave", "Leaves: employee: read all", anything, "base.group_user", "r---"},
	{"hr.leave", "Leaves: employee: create/write/unlink not validated own", ownLeave, "base.group_user", "-wcd"},
	{"hr.leave", "Leaves: officer: read all", anything, "hr_holidays.group_hr_holidays_user", "r---"},
	{"hr.leave", "Leaves: officer: create/write/unlink own + managed employee + without department + same or managed department", leavesNear, "hr_holidays.group_hr_holidays_user", "-wcd"},
	{"hr.leave", "Leaves: manager: no limit", anything, "hr_holidays.group_hr_holidays_manager", "rwcd"},
	{"hr.expense.sheet", "Manager Expense Sheet", anything, "hr_expense.group_hr_expense_manager,account.group_account_user", "rwcd"},
	{"hr.expense.sheet", "Officer Expense Sheet", expenseNear, "hr_expense.group_hr_expense_user", "rwcd"},
	{"hr.expense.sheet", "Employee Expense Sheet", ownExpenses, "base.group_user", "rwcd"},
	{"hr.expense", "Manager Expense", anything, "hr_expense.group_hr_expense_manager,account.group_account_user", "rwcd"},
	{"hr.expense", "Officer Expense", expenseNear, "hr_expense.group_hr_expense_user", "rwcd"},
	{"hr.expense", "Employee Expense", ownExpenses, "base.group_user", "rwcd"},
	{"sale.order", "Personal Orders", "['|', ('user_id', '=', user.id), ('user_id', '=', False)]", "sales_team.group_sale_salesman", "rwcd"},
	{loginModel, "res.users.log per user", "[('create_uid', '=', user.id)]", "", "rwcd"},
	{"sale.order", "All Orders", anything, "sales_team.group_sale_salesman_all_leads", "rwcd"},
}

func (s *seeder) rules() {
	for _, r := range stockRules {
		m := s.e.model(r[0])
		var groups []int64
		for x := range strings.SplitSeq(r[3], ",") {
			if x == "" { // for everybody
				break
			}
			_, id := s.e.xmlID(x)
			groups = append(groups, id)
		}
		s.add("ir.rule", 0, "", values{
			"name": r[1], "model_id": m.id, "domain_force": r[2], "groups": groups, "active": true,
			"perm_read": r[4][0] == 'r', "perm_write": r[4][1] == 'w', "perm_create": r[4][2] == 'c', "perm_unlink": r[4][3] == 'd',
		})
	}
}

func falseForText(s string) any {
	if s == "" {
		return false
	}
	return s
}
