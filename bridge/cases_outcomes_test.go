package bridge_test

import (
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// ordersForm is the form of orders, with the labels that the two presets name.
func ordersForm(number, partner, table string) dingtalktest.Template {
	return dingtalktest.Template{Components: []dingtalktest.Component{
		component("TextField", "单据编号"), component("TextField", number), component("TextField", partner), component("MoneyField", "总金额"),
		component("TableField", table, component("TextField", "名称"), component("NumberField", "数量"), component("NumberField", "单价")),
	}}
}

// submitters put one document of each preset in front of DingTalk.
var submitters = map[string]func(t *testing.T) (a *archive, model string, id int64){
	"expense-approval": func(t *testing.T) (*archive, string, int64) {
		a, id := expenseArchive(t)
		return a, "hr.expense.sheet", id
	},
	"purchase-approval": func(t *testing.T) (*archive, string, int64) {
		a := newArchive(t, "purchase-approval", []string{"purchase.group_purchase_user"}, ordersForm("采购单号", "供应商", "采购明细"))
		must(t, a.people.Write("res.company", 1, map[string]any{"po_double_validation": "two_step", "po_double_validation_amount": 0.0}))
		a.asUser("base.group_user", "purchase.group_purchase_user")
		id, err := a.buyer.Create("purchase.order", map[string]any{"partner_id": a.business.Vendor, "order_line": []any{[]any{0, 0, map[string]any{
			"product_id": a.business.Products["笔记本电脑"], "name": "笔记本电脑", "product_qty": 2.0, "price_unit": 10.0, "product_uom": a.business.Unit, "date_planned": "2027-01-10 00:00:00",
		}}}})
		must(t, err)
		_, err = a.buyer.Call("purchase.order", "button_confirm", []any{[]any{id}}, nil)
		must(t, err)
		return a, "purchase.order", id
	},
	"sale-approval": func(t *testing.T) (*archive, string, int64) {
		a := newArchive(t, "sale-approval", []string{"sales_team.group_sale_salesman_all_leads"}, ordersForm("订单号", "客户", "订单明细"))
		a.asUser("base.group_user", "sales_team.group_sale_salesman_all_leads")
		id, err := a.buyer.Create("sale.order", map[string]any{"partner_id": a.business.Customer, "order_line": []any{[]any{0, 0, map[string]any{
			"product_id": a.business.Products["技术服务"], "name": "技术服务", "product_uom_qty": 3.0, "price_unit": 1000.0,
		}}}})
		must(t, err)
		must(t, a.people.Write("sale.order", id, map[string]any{"state": "sent"}))
		return a, "sale.order", id
	},
	"bill-approval": func(t *testing.T) (*archive, string, int64) {
		a := newArchive(t, "bill-approval", []string{"account.group_account_invoice"}, dingtalktest.Template{Components: []dingtalktest.Component{
			component("TextField", "单据编号"), component("TextField", "供应商"), component("TextField", "发票号"), component("MoneyField", "总金额"),
		}})
		a.asUser("base.group_user", "account.group_account_invoice")
		id, err := a.buyer.Create("account.invoice", map[string]any{"type": "in_invoice", "reference": "FP-1", "partner_id": a.business.Vendor, "invoice_line_ids": []any{[]any{0, 0, map[string]any{
			"name": "办公用品", "quantity": 1.0, "price_unit": 500.0, "account_id": a.business.Accounts["660204"],
		}}}})
		must(t, err)
		return a, "account.invoice", id
	},
}

// TestOutcomesOfEveryPreset decides each document in each way; what ends as it was and is held is named by the words.
func TestOutcomesOfEveryPreset(t *testing.T) {
	for _, c := range []struct {
		preset, outcome, state, held string
	}{
		{"expense-approval", "refuse", "cancel", ""},
		{"expense-approval", "withdraw", "draft", ""},
		{"expense-approval", "revoke", "cancel", ""},
		{"expense-approval", "delete", "submit", "decided in dingtalk: delete"},
		{"purchase-approval", "withdraw", "cancel", ""},
		{"purchase-approval", "revoke", "cancel", ""},
		{"purchase-approval", "delete", "to approve", "decided in dingtalk: delete"},
		{"sale-approval", "refuse", "cancel", ""},
		{"sale-approval", "withdraw", "cancel", ""},
		{"sale-approval", "revoke", "cancel", ""},
		{"bill-approval", "refuse", "cancel", ""},
		{"bill-approval", "withdraw", "cancel", ""},
		{"bill-approval", "revoke", "open", "decided in dingtalk: revoke"},
	} {
		t.Run(c.preset+" "+c.outcome, func(t *testing.T) {
			a, model, id := submitters[c.preset](t)
			a.later(2 * time.Second)
			a.step()
			in := a.approval()
			switch c.outcome {
			case "refuse":
				must(t, a.ding.Refuse(in.ID, "不行"))
			case "withdraw":
				must(t, a.ding.Withdraw(in.ID))
			case "delete":
				must(t, a.ding.DeleteInstance(in.ID))
			case "revoke":
				must(t, a.ding.Agree(in.ID, ""))
				a.step()
				want(t, "held when it was agreed", a.held(), "")
				revoking, err := a.ding.Revoke(in.ID)
				must(t, err)
				must(t, a.ding.Agree(revoking, ""))
			}
			a.step()
			a.engine.Night(a.ctx)
			a.step()
			want(t, "state", a.state(model, id), c.state)
			if c.held == "" {
				want(t, "held", a.held(), "")
				a.settled()
			} else {
				a.wantHeld(c.held)
			}
			want(t, "approvals", len(a.ding.Instances("PROC")), map[bool]int{true: 2, false: 1}[c.outcome == "revoke"])
		})
	}
}

// A report that was withdrawn in DingTalk and submitted again in Odoo is another approval.
func TestAnExpenseReportIsSubmittedAgain(t *testing.T) {
	a, id := expenseArchive(t)
	must(t, a.ding.Withdraw(a.approval().ID))
	a.step()
	want(t, "state", a.state("hr.expense.sheet", id), "draft")
	a.later(2 * time.Second)
	must(t, a.people.Press("hr.expense.sheet", "action_submit_sheet", id))
	a.step()
	all := a.ding.Instances("PROC")
	want(t, "approvals", len(all), 2)
	must(t, a.ding.Agree(all[len(all)-1].ID, ""))
	a.step()
	want(t, "state", a.state("hr.expense.sheet", id), "approve")
	a.settled()
}
