package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// What people do with documents.
var (
	txtDemoCalm     = tr("Documents are decided (odoo → dingtalk → odoo), each line with its delay and the counted calls to DingTalk:", "单据审批（odoo → dingtalk → odoo），每行附带耗时与计费的钉钉调用次数：")
	txtDemoRough    = tr("The same again, while half of the events come twice, half in the wrong order, and a fifth never:", "再来一遍：一半事件重复送达，一半乱序，五分之一丢失：")
	txtDemoCalls    = tr("counted calls: %d", "计费调用：%d 次")
	txtDemoDecided  = tr("\nEvery document agrees with its approval: %d approvals, %d counted calls, %.1f each.", "\n所有单据与审批一致：审批 %d 个，计费调用 %d 次，平均每个 %.1f 次。")
	txtActAsk       = tr("%s asks for leave %d: confirmed in odoo, an approval is started", "%s 提交休假 %d：odoo 中已提交，发起审批")
	txtActRefuse    = tr("leave %d refused (%s): refused in odoo, the reason stands in the chatter", "休假 %d 被拒绝（%s）：odoo 中已拒绝，原因已写入沟通记录")
	txtActAgree     = tr("leave %d agreed: validated in odoo", "休假 %d 审批通过：odoo 中已批准")
	txtActEdit      = tr("leave %d edited while it runs, and agreed: held for a person", "休假 %d 审批中被修改后又通过：挂起，等人决定")
	txtActResolve   = tr("$ dingbridge resolve odoo hr.leave %d --take dingtalk: validated", "$ dingbridge resolve odoo hr.leave %d --take dingtalk：已批准")
	txtActWithdraw  = tr("leave %d taken back in odoo: withdrawn in dingtalk", "休假 %d 在 odoo 撤回：钉钉审批已撤销")
	txtActAgain     = tr("leave %d submitted again: a second approval", "休假 %d 再次提交：发起第二个审批")
	txtActFirst     = tr("leave %d approved in odoo first: withdrawn in dingtalk, odoo's decision stands", "休假 %d 先在 odoo 批准：钉钉审批已撤销，以 odoo 为准")
	txtActOriginate = tr("leave %d withdrawn by its originator in dingtalk: a draft in odoo", "休假 %d 由发起人在钉钉撤销：odoo 中变为草稿")
	txtActRevoke    = tr("leave %d agreed and revoked later: refused in odoo", "休假 %d 通过后又被撤销：odoo 中已拒绝")
	txtActLost      = tr("%s asks for leave %d, and the answer to the start is lost: one approval", "%s 提交休假 %d，发起审批的应答丢失：只有一个审批")
	txtActOrder     = tr("purchase order %s waits for approval: an approval with its lines", "采购单 %s 待批准：发起带明细的审批")
	txtActOrdered   = tr("purchase order %s agreed: confirmed in odoo", "采购单 %s 审批通过：odoo 中已确认")
	txtActExpense   = tr("expense report %d submitted: an approval with its lines", "报销单 %d 已提交：发起带明细的审批")
	txtActExpensed  = tr("expense report %d agreed: approved, although odoo answers with a fault", "报销单 %d 审批通过：尽管 odoo 返回错误，仍已批准")
	txtActBorn      = tr("%s asks for leave in dingtalk: leave %s in odoo", "%s 在钉钉提交休假：odoo 中产生休假 %s")
	txtActBornDone  = tr("that leave is agreed: validated in odoo", "该休假审批通过：odoo 中已批准")
	txtActClaim     = tr("%s's travel claim is agreed: a balanced entry in odoo", "%s 的差旅报销通过：odoo 中产生借贷平衡的凭证")
)

const (
	demoDate    = "2006-01-02 15:04:05"
	demoUnheard = 3 * time.Second // then it is not an event that tells
)

// acts are the steps of the scenario, in order.
func (o *office) acts(d *demo) []func() (edit, error) {
	return []func() (edit, error){
		o.ask(txtActAsk, nil), o.refuse,
		o.ask(txtActAsk, nil), o.agree(txtActAgree),
		o.order, o.ordered, o.expense, o.expensed,
		o.ask(txtActAsk, nil), func() (edit, error) { return o.editWhileRunning(d) }, func() (edit, error) { return o.resolve(d) },
		o.ask(txtActAsk, nil), o.press(txtActWithdraw, "action_draft", dingtalktest.StatusTerminated, "draft"), o.again, o.agree(txtActAgree),
		o.ask(txtActAsk, nil), o.press(txtActFirst, "action_approve", dingtalktest.StatusTerminated, "validate"),
		o.ask(txtActAsk, nil), o.inDing(txtActOriginate, "draft", func(id string) error { return o.ding.Withdraw(id) }),
		func() (edit, error) { return o.bear(d) }, o.bornDone, func() (edit, error) { return o.claim(d) },
		o.ask(txtActLost, o.loseAnswer), o.agree(txtActAgree), func() (edit, error) { return o.revoked(d) },
	}
}

// asker picks who asks next: somebody in both systems who leads nobody.
func (o *office) asker() (colleague, error) {
	e := &editor{stage: o.stage, say: o.say}
	return e.follower()
}

// days are the next days of leave, which nobody has had yet.
func (o *office) days() (from, to time.Time) {
	o.nth++
	from = time.Date(time.Now().Year()+1, 1, 4, 1, 0, 0, 0, time.UTC).AddDate(0, 0, 2*o.nth)
	return from, from.Add(9 * time.Hour)
}

func (o *office) leave() int64 { return o.made["leave"] }

func (o *office) state(model string, id int64) string { return textOf(o.odoo.Get(model, id)["state"]) }

// ask enters a leave that is to be approved.
func (o *office) ask(what text, before func()) func() (edit, error) {
	return func() (edit, error) {
		c, err := o.asker()
		from, to := o.days()
		next := int64(len(o.odoo.Search("hr.leave", []any{}))) + 1
		return edit{toDing, o.say(what, c.name, next), func() error {
			if before != nil {
				before()
			}
			o.made["leave"], err = o.admin.Create("hr.leave", map[string]any{
				"employee_id": c.id, "holiday_status_id": o.business.LeaveTypes["年假"], "name": "回家", "number_of_days": 1.0,
				"date_from": from.Format(demoDate), "date_to": to.Format(demoDate),
			})
			return err
		}, func() bool { return o.arrived("leave-approval", o.leave(), 1) }}, err
	}
}

// loseAnswer lets the answer of the next start be lost on its way.
func (o *office) loseAnswer() {
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}, 1, dingtalktest.DropAfter)
}

// arrived says whether the nth approval of a document has been started and is linked, and remembers it.
func (o *office) arrived(name string, document int64, n int) bool {
	marker := fmt.Sprintf("%s/%d/%d", name, document, n)
	for _, in := range o.ding.Instances(demoCodes[name]) {
		if in.Value("单据编号") == marker {
			o.instance = in.ID
			return true
		}
	}
	return false
}

// inDing lets somebody decide in DingTalk.
func (o *office) inDing(what text, state string, act func(id string) error, args ...any) func() (edit, error) {
	return func() (edit, error) {
		return edit{toOdoo, o.say(what, append([]any{o.leave()}, args...)...), func() error { return act(o.instance) }, func() bool { return o.state("hr.leave", o.leave()) == state }}, nil
	}
}

func (o *office) agree(what text) func() (edit, error) {
	return o.inDing(what, "validate", func(id string) error { return o.ding.Agree(id, "同意") })
}

// revoked lets an agreed leave be revoked.
func (o *office) revoked(d *demo) (edit, error) {
	e, err := o.inDing(txtActRevoke, "refuse", o.revoke)()
	return d.comparedEarly(e, "leave-approval"), err
}

// comparedEarly asks for the next comparison of a mapping when an edit does not arrive. What no link holds as running is not read again by
// itself: should every event of it be lost, the comparison finds it, which here comes a little earlier than at night.
func (d *demo) comparedEarly(e edit, name string) edit {
	arrived, asked, do := e.arrived, false, e.do
	var begin time.Time
	e.do = func() error { begin = time.Now(); return do() }
	e.arrived = func() bool {
		if !asked && time.Since(begin) > demoUnheard {
			asked = true
			if _, err := bridge.RequestSweep(context.Background(), d.world.store, []string{name}, time.Now()); err != nil {
				return false
			}
		}
		return arrived()
	}
	return e
}

func (o *office) revoke(id string) error {
	attached, err := o.ding.Revoke(id)
	if err != nil {
		return err
	}
	return o.ding.Agree(attached, "")
}

func (o *office) refuse() (edit, error) {
	const why = "人手不够"
	e, err := o.inDing(txtActRefuse, "refuse", func(id string) error { return o.ding.Refuse(id, why) }, why)()
	state := e.arrived
	e.arrived = func() bool {
		return state() && strings.Contains(strings.Join(o.chatter("hr.leave", o.leave()), " "), why)
	}
	return e, err
}

// chatter are the texts the bridge posted on a document.
func (o *office) chatter(model string, id int64) []string {
	var out []string
	for _, m := range o.odoo.Search("mail.message", []any{[]any{"model", "=", model}, []any{"res_id", "=", id}, []any{"message_id", "like", "dingbridge"}}) {
		out = append(out, textOf(o.odoo.Get("mail.message", m)["body"]))
	}
	return out
}

// press presses a button of the leave in Odoo.
func (o *office) press(what text, button, status, state string) func() (edit, error) {
	return func() (edit, error) {
		return edit{toDing, o.say(what, o.leave()), func() error { return o.button("hr.leave", button, o.leave()) }, func() bool {
			in, _ := o.ding.Instance(o.instance)
			return in.Status == status && o.state("hr.leave", o.leave()) == state
		}}, nil
	}
}

func (o *office) button(model, name string, id int64) error {
	_, err := o.admin.Call(model, name, []any{[]any{id}}, nil)
	return err
}

func (o *office) again() (edit, error) {
	return edit{
		toDing, o.say(txtActAgain, o.leave()), func() error { return o.button("hr.leave", "action_confirm", o.leave()) },
		func() bool { return o.arrived("leave-approval", o.leave(), 2) },
	}, nil
}

// editWhileRunning edits what was sent, and lets it be agreed.
func (o *office) editWhileRunning(d *demo) (edit, error) {
	d.after = func(ctx context.Context) error { return d.showHeldLeave(ctx, o.leave()) }
	return edit{toBoth, o.say(txtActEdit, o.leave()), func() error {
		if err := o.admin.Write("hr.leave", o.leave(), map[string]any{"name": "搬家"}); err != nil {
			return err
		}
		return o.ding.Agree(o.instance, "")
	}, func() bool {
		st, err := bridge.ReadStatus(context.Background(), d.world.store, d.names, time.Now())
		return err == nil && slices.ContainsFunc(st.Held, func(h bridge.HeldRecord) bool { return string(h.Ding) == o.instance })
	}}, nil
}

func (o *office) resolve(d *demo) (edit, error) {
	return edit{toOdoo, o.say(txtActResolve, o.leave()), func() error {
		ref := bridge.Ref{Side: mapping.Odoo, Kind: "hr.leave", ID: bridge.ID(strconv.FormatInt(o.leave(), 10))}
		_, err := bridge.Resolve(context.Background(), d.world.store, d.world.set, ref, "", mapping.DingTalk)
		return err
	}, func() bool { return o.state("hr.leave", o.leave()) == "validate" }}, nil
}

// order lets the buyer order something that his superiors must approve.
func (o *office) order() (edit, error) {
	name := fmt.Sprintf("PO%05d", len(o.odoo.Search("purchase.order", []any{}))+1)
	return edit{toDing, o.say(txtActOrder, name), func() error {
		buyer := o.odoo.As("buyer")
		id, err := buyer.Create("purchase.order", map[string]any{"partner_id": o.business.Vendor, "order_line": []any{[]any{0, 0, map[string]any{
			"product_id": o.business.Products["笔记本电脑"], "name": "笔记本电脑", "product_qty": 2.0, "price_unit": 6999.0, "product_uom": o.business.Unit, "date_planned": "2027-01-10 00:00:00",
		}}}})
		if err != nil {
			return err
		}
		o.made["order"] = id
		_, err = buyer.Call("purchase.order", "button_confirm", []any{[]any{id}}, nil)
		return err
	}, func() bool { return o.arrived("purchase-approval", o.made["order"], 1) }}, nil
}

func (o *office) ordered() (edit, error) {
	name := textOf(o.odoo.Get("purchase.order", o.made["order"])["name"])
	return edit{
		toOdoo, o.say(txtActOrdered, name), func() error { return o.ding.Agree(o.instance, "可以") },
		func() bool { return o.state("purchase.order", o.made["order"]) == "purchase" },
	}, nil
}

// expense submits a report with two expenses.
func (o *office) expense() (edit, error) {
	c, err := o.asker()
	next := int64(len(o.odoo.Search("hr.expense.sheet", []any{}))) + 1
	line := func(what string, amount float64) []any {
		return []any{0, 0, map[string]any{
			"name": what, "product_id": o.business.Products[what], "unit_amount": amount, "quantity": 1.0, "employee_id": c.id, "product_uom_id": o.business.Unit,
		}}
	}
	return edit{toDing, o.say(txtActExpense, next), func() error {
		if o.made["sheet"], err = o.admin.Create("hr.expense.sheet", map[string]any{
			"name": "拜访客户", "employee_id": c.id, "expense_line_ids": []any{line("交通费", 321.5), line("住宿费", 640)},
		}); err != nil {
			return err
		}
		return o.button("hr.expense.sheet", "action_submit_sheet", o.made["sheet"])
	}, func() bool { return o.arrived("expense-approval", o.made["sheet"], 1) }}, err
}

func (o *office) expensed() (edit, error) {
	return edit{
		toOdoo, o.say(txtActExpensed, o.made["sheet"]), func() error { return o.ding.Agree(o.instance, "") },
		func() bool {
			return o.state("hr.expense.sheet", o.made["sheet"]) == "approve" && o.faulted("approve_expense_sheets")
		},
	}, nil
}

// faulted says whether Odoo answered the last call of a method with a fault.
func (o *office) faulted(method string) bool {
	for _, c := range slices.Backward(o.odoo.Journal()) {
		if c.Method == method {
			return c.Fault != ""
		}
	}
	return false
}

// bear lets somebody ask for leave in DingTalk.
func (o *office) bear(d *demo) (edit, error) {
	c, err := o.asker()
	from, to := o.days()
	east := time.FixedZone("UTC+8", 8*3600)
	before := len(o.odoo.Search("hr.leave", []any{}))
	return d.comparedEarly(edit{toOdoo, o.say(txtActBorn, c.name, strconv.Itoa(before+1)), func() error {
		o.instance, err = o.ding.StartInstance(bornCode, c.user, 0, map[string]any{
			"假期类型": "年假", "开始时间": from.In(east).Format("2006-01-02 15:04"), "结束时间": to.In(east).Format("2006-01-02 15:04"), "天数": 1, "事由": "看病",
		})
		return err
	}, func() bool {
		all := o.odoo.Search("hr.leave", []any{})
		if len(all) > before {
			o.made["leave"] = slices.Max(all)
			o.born[o.instance] = o.leave()
		}
		return len(all) > before
	}}, "leave-requests"), err
}

func (o *office) bornDone() (edit, error) {
	return edit{toOdoo, o.say(txtActBornDone), func() error { return o.ding.Agree(o.instance, "") }, func() bool { return o.state("hr.leave", o.leave()) == "validate" }}, nil
}

// claim lets a travel claim be agreed, which becomes an entry.
func (o *office) claim(d *demo) (edit, error) {
	c, err := o.asker()
	before := len(o.odoo.Search("account.move", []any{}))
	d.after = o.showEntry
	return d.comparedEarly(edit{toOdoo, o.say(txtActClaim, c.name), func() error {
		if o.instance, err = o.ding.StartInstance(demoCodes["travel-voucher"], c.user, 0, map[string]any{"费用明细": []map[string]any{
			{"费用类型": "交通", "说明": "高铁 上海—北京", "不含税金额": "507.34", "税额": "45.66"},
			{"费用类型": "住宿", "说明": "酒店两晚", "不含税金额": "943.40", "税额": "56.60"},
		}}); err != nil {
			return err
		}
		return o.ding.Agree(o.instance, "")
	}, func() bool { return len(o.odoo.Search("account.move", []any{})) == before+1 }}, "travel-voucher"), err
}
