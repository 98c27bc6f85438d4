package bridge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// archive is the small company with documents: presets of approvals, the master data they need, and templates.
type archive struct {
	*one
	business odootest.Business
	buyer    *odootest.Session // 李四, who orders and may not approve
}

// newArchive puts a preset in force, with its process code PROC, and edits of its text.
func newArchive(t *testing.T, preset string, groups []string, template dingtalktest.Template, edits ...func(string) string) *archive {
	t.Helper()
	src, ok := mapping.Preset(preset)
	if !ok {
		t.Fatalf("no preset %s", preset)
	}
	text := strings.Replace(string(src.Data), "{kind: approval}", "{kind: approval, process_code: PROC}", 1)
	for _, edit := range edits {
		text = edit(text)
	}
	w := newWorldAs(t, groups, append(presets(t), mapping.Source{File: preset + ".yaml", Data: []byte(text)})...)
	template.Code, template.Flow = "PROC", []dingtalktest.Node{{Users: []string{"nobody yet"}}}
	w.ding.AddTemplate(template)
	a := &archive{one: staffed(w)}
	must(t, w.ding.EditTemplate("PROC", func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{a.uZhang} }))
	if w.odoo != nil { // a real one has its own
		var err error
		a.business, err = w.odoo.SeedBusiness()
		must(t, err)
	}
	return a
}

// asUser makes 李四 a user of Odoo.
func (a *archive) asUser(groups ...string) {
	a.t.Helper()
	user := a.odoo.AddUser("li", "li", groups...)
	must(a.t, a.people.Write("res.users", user, map[string]any{"name": "李四", "email": "li@example.com"}))
	must(a.t, a.people.Write("hr.employee", a.li, map[string]any{"user_id": user}))
	must(a.t, a.people.Write("hr.employee", a.li, map[string]any{"name": "李四", "work_email": "li@example.com", "parent_id": a.zhang}))
	a.buyer = a.odoo.As("li")
	a.step()
}

func (a *archive) state(model string, id int64) string { return text(a.people.Get(model, id), "state") }

// approval is the only approval there is.
func (a *archive) approval() dingtalktest.Instance {
	a.t.Helper()
	all := a.ding.Instances("PROC")
	if len(all) != 1 {
		a.t.Fatalf("%d approvals, not 1; held: %s", len(all), a.held())
	}
	return all[0]
}

func component(kind, label string, children ...dingtalktest.Component) dingtalktest.Component {
	return dingtalktest.Component{Type: kind, Label: label, Children: children}
}

func TestPurchaseOrder(t *testing.T) {
	for outcome, state := range map[string]string{"agree": "purchase", "refuse": "cancel"} {
		t.Run(outcome, func(t *testing.T) {
			a := newArchive(t, "purchase-approval", []string{"purchase.group_purchase_user"}, dingtalktest.Template{Components: []dingtalktest.Component{
				component("TextField", "单据编号"), component("TextField", "采购单号"), component("TextField", "供应商"), component("MoneyField", "总金额"),
				component("TableField", "采购明细", component("TextField", "名称"), component("NumberField", "数量"), component("NumberField", "单价")),
			}})
			must(t, a.people.Write("res.company", 1, map[string]any{"po_double_validation": "two_step", "po_double_validation_amount": 0.0}))
			a.asUser("base.group_user", "purchase.group_purchase_user")
			id, err := a.buyer.Create("purchase.order", map[string]any{"partner_id": a.business.Vendor, "order_line": []any{[]any{0, 0, map[string]any{
				"product_id": a.business.Products["笔记本电脑"], "name": "笔记本电脑 <14 寸>", "product_qty": 2.0, "price_unit": 6999.5, "product_uom": a.business.Unit, "date_planned": "2027-01-10 00:00:00",
			}}}})
			must(t, err)
			a.step()
			want(t, "approvals of a draft", len(a.ding.Instances("PROC")), 0)
			_, err = a.buyer.Call("purchase.order", "button_confirm", []any{[]any{id}}, nil)
			must(t, err)
			a.later(2 * time.Second)
			a.step()
			in := a.approval()
			want(t, "originator", in.Originator, a.uLi)
			want(t, "amount", in.Value("总金额"), "13999")
			if rows := in.Value("采购明细"); !strings.Contains(rows, "笔记本电脑 <14 寸>") || !strings.Contains(rows, "6999.5") {
				t.Errorf("lines: %s", rows)
			}
			if outcome == "agree" {
				must(t, a.ding.Agree(in.ID, ""))
			} else {
				must(t, a.ding.Refuse(in.ID, "太贵"))
			}
			a.step()
			want(t, "state", a.state("purchase.order", id), state)
			a.settled()
		})
	}
}

func expenseArchive(t *testing.T) (*archive, int64) {
	a := newArchive(t, "expense-approval", []string{"hr_expense.group_hr_expense_manager"}, dingtalktest.Template{Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", "报销事由"), component("MoneyField", "总金额"),
		component("TableField", "费用明细", component("TextField", "日期"), component("TextField", "说明"), component("NumberField", "金额")),
	}})
	line := func(what string, amount float64) []any {
		return []any{0, 0, map[string]any{"name": what, "product_id": a.business.Products[what], "unit_amount": amount, "quantity": 1.0, "employee_id": a.li, "product_uom_id": a.business.Unit, "date": "2026-11-20"}}
	}
	id := a.people.Create("hr.expense.sheet", map[string]any{"name": "拜访客户", "employee_id": a.li, "expense_line_ids": []any{line("交通费", 321.5), line("住宿费", 640)}})
	must(t, a.people.Press("hr.expense.sheet", "action_submit_sheet", id))
	a.step()
	return a, id
}

func TestExpenseReport(t *testing.T) {
	t.Run("agreed, although odoo answers with a fault", func(t *testing.T) {
		a, id := expenseArchive(t)
		in := a.approval()
		want(t, "amount", in.Value("总金额"), "961.5")
		if rows := in.Value("费用明细"); !strings.Contains(rows, "2026-11-20") || !strings.Contains(rows, "321.5") {
			t.Errorf("lines: %s", rows)
		}
		must(t, a.ding.Agree(in.ID, ""))
		a.step()
		want(t, "state", a.state("hr.expense.sheet", id), "approve")
		want(t, "held", a.held(), "")
		a.settled()
	})
	t.Run("refused with a reason", func(t *testing.T) {
		a, id := expenseArchive(t)
		must(t, a.ding.Refuse(a.approval().ID, "缺发票"))
		a.step()
		want(t, "state", a.state("hr.expense.sheet", id), "cancel")
		said := ""
		for _, m := range a.people.Search("mail.message", []any{[]any{"model", "=", "hr.expense.sheet"}, []any{"res_id", "=", id}}) {
			said += text(a.people.Get("mail.message", m), "body")
		}
		if !strings.Contains(said, "缺发票") {
			t.Errorf("chatter: %s", said)
		}
	})
}

// claims is a world in which travel claims become vouchers.
func claims(t *testing.T, edits ...func(string) string) *archive {
	t.Helper()
	if os.Getenv("DINGBRIDGE_TEST_ODOO_URL") == "" {
		edits = append(edits, func(s string) string { return strings.ReplaceAll(s, "'杂项'", "'记'") })
	}
	return newArchive(t, "travel-voucher", []string{"account.group_account_invoice"}, dingtalktest.Template{Name: "差旅报销", Components: []dingtalktest.Component{
		component("TableField", "费用明细",
			dingtalktest.Component{Type: "DDSelectField", Label: "费用类型", Options: []string{"交通", "住宿", "其他", "餐饮"}},
			component("TextField", "说明"), component("MoneyField", "不含税金额"), component("MoneyField", "税额")),
	}}, edits...)
}

func (a *archive) claim(kind string) string {
	a.t.Helper()
	id, err := a.ding.StartInstance("PROC", a.uLi, 0, map[string]any{"费用明细": []map[string]any{
		{"费用类型": kind, "说明": "高铁", "不含税金额": "507.34", "税额": "45.66"},
		{"费用类型": "住宿", "说明": "酒店两晚", "不含税金额": "943.40", "税额": "56.60"},
	}})
	must(a.t, err)
	return id
}

// entries are the journal entries: for each its state and lines, as account, debit and credit.
func (a *archive) entries() []string {
	var out []string
	var refs []any
	for _, in := range a.ding.Instances("PROC") {
		refs = append(refs, in.BusinessID)
	}
	for _, move := range a.people.Search("account.move", []any{[]any{"ref", "in", refs}}) {
		line := a.state("account.move", move)
		for _, id := range a.people.Search("account.move.line", []any{[]any{"move_id", "=", move}}) {
			rec := a.people.Get("account.move.line", id)
			account := a.people.Get("account.account", id64(a.t, text(rec, "account_id")))
			line += fmt.Sprintf("; %s %v %v", text(account, "code"), rec["debit"], rec["credit"])
		}
		out = append(out, line)
	}
	return out
}

func TestATravelClaimBecomesAVoucher(t *testing.T) {
	a := claims(t)
	refused := a.claim("交通")
	must(t, a.ding.Refuse(refused, ""))
	a.step()
	want(t, "entries of a refused claim", len(a.entries()), 0)
	id := a.claim("交通")
	a.step()
	want(t, "entries while it runs", len(a.entries()), 0)
	must(t, a.ding.Agree(id, ""))
	a.step()
	all := a.entries()
	want(t, "entries", len(all), 1)
	for _, part := range []string{"draft", "660201 507.34 0", "660202 943.4 0", "222101 102.26 0", "2241 0 1553"} {
		if !strings.Contains(all[0], part) {
			t.Errorf("%q is missing in %s", part, all[0])
		}
	}
	a.engine.Night(a.ctx)
	a.step()
	want(t, "entries after a night", len(a.entries()), 1)
	want(t, "held", a.held(), "")
	revoking, err := a.ding.Revoke(id)
	must(t, err)
	must(t, a.ding.Agree(revoking, ""))
	a.step()
	want(t, "entries after a revocation", len(a.entries()), 1)
	a.wantHeld("decided in dingtalk: revoke")
}

// posting makes the preset post what it makes.
func posting(s string) string {
	s = strings.Replace(s, "odoo: {model: account.move}", "odoo:\n  model: account.move\n  transitions: {state: {posted: [{from: [draft], call: post}]}}", 1)
	return strings.Replace(s, "lines:\n", "  - {odoo: state, dingtalk: outcome, values: {agree: posted}}\nlines:\n", 1)
}

func TestAVoucherIsPostedOnRequest(t *testing.T) {
	a := claims(t, posting)
	must(t, a.ding.Agree(a.claim("交通"), ""))
	a.step()
	all := a.entries()
	want(t, "entries", len(all), 1)
	want(t, "posted", strings.HasPrefix(all[0], "posted"), true)
}

func TestAVoucherThatCannotBeMadeIsHeld(t *testing.T) {
	t.Run("a kind of expense nobody named", func(t *testing.T) {
		a := claims(t)
		must(t, a.ding.Agree(a.claim("餐饮"), ""))
		a.step()
		want(t, "entries", len(a.entries()), 0)
		a.wantHeld("餐饮")
	})
	t.Run("an account that does not exist", func(t *testing.T) {
		a := claims(t, func(s string) string { return strings.ReplaceAll(s, `"660201"`, `"669999"`) })
		must(t, a.ding.Agree(a.claim("交通"), ""))
		a.step()
		want(t, "entries", len(a.entries()), 0)
		a.wantHeld("669999")
	})
	t.Run("unbalanced", func(t *testing.T) {
		a := claims(t, func(s string) string {
			return strings.ReplaceAll(s, "number(.不含税金额) + number(.税额)", "number(.不含税金额)")
		})
		must(t, a.ding.Agree(a.claim("交通"), ""))
		a.step()
		want(t, "entries", len(a.entries()), 0)
		a.wantHeld("unbalanced")
	})
}

func TestLeavesAreToldToAttendance(t *testing.T) {
	a := newArchive(t, "attendance-leave", []string{"hr_holidays.group_hr_holidays_manager"}, dingtalktest.Template{})
	id := a.people.Create("hr.leave", map[string]any{
		"employee_id": a.li, "holiday_status_id": a.business.LeaveTypes["年假"], "name": "回家", "number_of_days": 1.0, "date_from": "2026-12-07 01:00:00", "date_to": "2026-12-07 10:00:00",
	})
	a.step()
	want(t, "told before it is validated", len(a.ding.AttendanceApprovals()), 0)
	a.later(2 * time.Second)
	must(t, a.people.Press("hr.leave", "action_approve", id))
	a.step()
	told := a.ding.AttendanceApprovals()
	want(t, "told", len(told), 1)
	want(t, "from", told[0].From, "2026-12-07 09:00")
	want(t, "kind", told[0].SubType, "年假")
	a.later(2 * time.Second)
	must(t, a.people.Press("hr.leave", "action_refuse", id))
	a.step()
	left := 0
	for _, one := range a.ding.AttendanceApprovals() {
		if !one.Canceled {
			left++
		}
	}
	want(t, "told after it was refused", left, 0)
	a.settled()
}

// tripYAML is about a model of one's own, whose state is a plain field.
const tripYAML = `
mapping: trip-approval
odoo:
  model: x_trip
  transitions:
    x_state:
      approved: [{from: [submitted], set: {x_decided: "{{ actor.name }}: {{ remark }}"}}]
      refused:  [{from: [submitted]}]
dingtalk: {kind: approval, process_code: PROC}
direction: both
start: now
marker: form.单据编号
create: {dingtalk: {when: "x_state == 'submitted'"}}
fields:
  - {odoo: x_employee_id, dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}
  - {odoo: x_name,        dingtalk: form.目的地, direction: to_dingtalk}
  - {odoo: x_days,        dingtalk: form.天数, direction: to_dingtalk}
  - {odoo: x_state,       dingtalk: outcome, values: {agree: approved, refuse: refused}, direction: to_odoo}
`

func TestAModelOfOnesOwn(t *testing.T) {
	w := newWorldAs(t, nil, presets(t)...)
	a := &archive{one: staffed(w)}
	model := w.people.Create("ir.model", map[string]any{"name": "出差", "model": "x_trip", "state": "manual"})
	for _, f := range []map[string]any{
		{"name": "x_employee_id", "ttype": "many2one", "relation": "hr.employee"},
		{"name": "x_days", "ttype": "float"},
		{"name": "x_decided", "ttype": "char"},
		{"name": "x_state", "ttype": "selection", "selection": "[('draft','草稿'),('submitted','已提交'),('approved','已批准'),('refused','已拒绝')]"},
	} {
		f["model_id"], f["state"], f["field_description"] = model, "manual", f["name"]
		w.people.Create("ir.model.fields", f)
	}
	w.people.Create("ir.model.access", map[string]any{"name": "trips", "model_id": model, "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	w.ding.AddTemplate(dingtalktest.Template{Code: "PROC", Flow: []dingtalktest.Node{{Users: []string{a.uZhang}}}, Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", "目的地"), component("NumberField", "天数"),
	}})
	w.custom = []string{"x_trip"}
	w.reopen(append(presets(t), mapping.Source{File: "trip.yaml", Data: []byte(tripYAML)})...)
	w.sync()
	trip := w.people.Create("x_trip", map[string]any{"x_name": "北京", "x_employee_id": a.li, "x_days": 1.5, "x_state": "submitted"})
	a.step()
	in := a.approval()
	want(t, "days", in.Value("天数"), "1.5")
	must(t, a.ding.Agree(in.ID, "去吧"))
	a.step()
	rec := w.people.Get("x_trip", trip)
	want(t, "state", text(rec, "x_state"), "approved")
	want(t, "decided", text(rec, "x_decided"), "张三: 去吧")
	a.settled()
}

func TestQuotation(t *testing.T) {
	a := newArchive(t, "sale-approval", []string{"sales_team.group_sale_salesman_all_leads"}, dingtalktest.Template{Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", "订单号"), component("TextField", "客户"), component("MoneyField", "总金额"),
		component("TableField", "订单明细", component("TextField", "名称"), component("NumberField", "数量"), component("NumberField", "单价")),
	}})
	a.asUser("base.group_user", "sales_team.group_sale_salesman_all_leads")
	id, err := a.buyer.Create("sale.order", map[string]any{"partner_id": a.business.Customer, "order_line": []any{[]any{0, 0, map[string]any{
		"product_id": a.business.Products["技术服务"], "name": "技术服务", "product_uom_qty": 3.0, "price_unit": 1000.0,
	}}}})
	must(t, err)
	a.later(2 * time.Second)
	a.step()
	want(t, "approvals of a draft", len(a.ding.Instances("PROC")), 0)
	must(t, a.people.Write("sale.order", id, map[string]any{"state": "sent"}))
	a.later(2 * time.Second)
	a.step()
	in := a.approval()
	if rows := in.Value("订单明细"); !strings.Contains(rows, "技术服务") || !strings.Contains(rows, "1000") {
		t.Errorf("lines: %s", rows)
	}
	must(t, a.ding.Agree(in.ID, ""))
	a.step()
	want(t, "state", a.state("sale.order", id), "sale")
	a.settled()
}

func TestVendorBill(t *testing.T) {
	a := newArchive(t, "bill-approval", []string{"account.group_account_invoice"}, dingtalktest.Template{Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", "供应商"), component("TextField", "发票号"), component("MoneyField", "总金额"),
	}})
	a.asUser("base.group_user", "account.group_account_invoice")
	id, err := a.buyer.Create("account.invoice", map[string]any{"type": "in_invoice", "partner_id": a.business.Vendor, "invoice_line_ids": []any{[]any{0, 0, map[string]any{
		"name": "办公用品", "quantity": 1.0, "price_unit": 500.0, "account_id": a.business.Accounts["660204"],
	}}}})
	must(t, err)
	a.step()
	want(t, "approvals without the vendor's number", len(a.ding.Instances("PROC")), 0)
	a.later(2 * time.Second)
	must(t, a.people.Write("account.invoice", id, map[string]any{"reference": "FP-20261126"}))
	a.step()
	in := a.approval()
	want(t, "number", in.Value("发票号"), "FP-20261126")
	must(t, a.ding.Agree(in.ID, ""))
	a.step()
	want(t, "state", a.state("account.invoice", id), "open")
	a.settled()
}
