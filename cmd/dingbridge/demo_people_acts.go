package main

import (
	"fmt"
	"slices"
	"time"
)

// What Odoo tells people.
var (
	txtPeopleCalm  = tr("Odoo speaks to people, each line with its delay and the counted calls to DingTalk:", "Odoo 通知到人，每行附带耗时与计费的钉钉调用次数：")
	txtPeopleRough = tr("The same again, while half of the events come twice, half in the wrong order, and a fifth never; and while the answer to the first message, to-do or event of a line is lost on its way (not that to the card: nothing can take back what was sent without an answer):",
		"再来一遍：一半事件重复送达，一半乱序，五分之一丢失；每一行的第一条消息、待办或日程，其应答在途中丢失（卡片除外：没有应答的消息无法撤回）：")
	txtTellMention  = tr("%s writes about %s and mentions %s, who is told", "%s 在 %s 的沟通记录中提到 %s：已通知")
	txtTellFollower = tr("%s writes about %s: %s, who follows it, is told; the author is not, and the customer among the followers blocks nothing", "%s 在 %s 的沟通记录中留言：关注者 %s 收到通知；作者本人不收，关注者中的客户不影响通知")
	txtTellOrder    = tr("%s confirms %s: its salesperson %s and its follower %s are told, and the sales people's group by its own robot", "%s 确认 %s：销售员 %s 与关注者 %s 收到通知，销售群由自定义机器人播报")
	txtTellLeave    = tr("%s approves %s's leave %d in odoo: he is told", "%s 在 odoo 批准 %s 的休假 %d：本人收到通知")
	txtTellPurchase = tr("%s's %s waits for approval: %s, who follows it, is told by a card with a button", "%s 的 %s 待批准：关注者 %s 收到带按钮的卡片")
	txtTellRecall   = tr("%s approves %s in odoo: the card is taken back", "%s 在 odoo 批准 %s：卡片已撤回")
)

// acts are the steps of the scenario, in order.
func (n *newsroom) acts(d *demo) []func() (edit, error) {
	return slices.Concat([]func() (edit, error){n.mention, n.follower, n.order, n.leave, n.purchase, n.approved}, n.chores(d), n.meetings(d), n.clubActs(d))
}

// customer is a new customer of Odoo, made by the seller, who therefore follows it.
func (n *newsroom) customer() (id int64, name string, err error) {
	name = "客户" + n.next()
	id, err = n.cast["seller"].Create("res.partner", map[string]any{"name": name, "customer": true, "email": "customer" + n.next() + "@example.com"})
	return id, name, err
}

// write posts a comment on a document.
func (r *reader) write(model string, id int64, text string, mentioned ...any) error {
	_, err := r.Call(model, "message_post", []any{[]any{id}}, map[string]any{
		"body": "<p>" + text + "</p>", "message_type": "comment", "subtype": "mail.mt_comment", "partner_ids": mentioned,
	})
	return err
}

func (n *newsroom) mention() (edit, error) {
	seller, assistant := n.cast["seller"], n.cast["assistant"]
	id, name, err := n.customer()
	words := "请看第" + n.next() + "稿合同"
	return n.telling(n.say(txtTellMention, seller.name, name, assistant.name), 1, func() error {
		n.owe(words, "assistant")
		return seller.write("res.partner", id, words, assistant.partner)
	}), err
}

func (n *newsroom) follower() (edit, error) {
	seller, assistant := n.cast["seller"], n.cast["assistant"]
	id, name, err := n.customer()
	words := "报价改到第" + n.next() + "版"
	return n.telling(n.say(txtTellFollower, seller.name, name, assistant.name), 1, func() error {
		if err := n.follow("res.partner", id, assistant.partner, n.business.Customer); err != nil {
			return err
		}
		n.owe(words, "assistant")
		return seller.write("res.partner", id, words)
	}), err
}

// follow adds followers to a document.
func (n *newsroom) follow(model string, id int64, partners ...int64) error {
	_, err := n.admin.Call(model, "message_subscribe", []any{[]any{id}}, map[string]any{"partner_ids": partners})
	return err
}

// press presses a button of a document.
func (r *reader) press(model, button string, id int64) error {
	_, err := r.Call(model, button, []any{[]any{id}}, nil)
	return err
}

// draft is a new sales order of the seller, which the assistant follows.
func (n *newsroom) draft() (id int64, name string, err error) {
	id, err = n.cast["director"].Create("sale.order", map[string]any{
		"partner_id": n.business.Customer, "user_id": n.cast["seller"].uid, "order_line": []any{[]any{0, 0, map[string]any{
			"product_id": n.business.Products["技术服务"], "name": "技术服务", "product_uom_qty": 3.0, "price_unit": 800.0, "product_uom": n.business.Unit,
		}}},
	})
	if err != nil {
		return 0, "", err
	}
	return id, textOf(n.odoo.Get("sale.order", id)["name"]), n.follow("sale.order", id, n.cast["assistant"].partner)
}

func (n *newsroom) order() (edit, error) {
	id, name, err := n.draft()
	return n.telling(n.say(txtTellOrder, n.cast["director"].name, name, n.cast["seller"].name, n.cast["assistant"].name), 2, func() error {
		n.owe("订单 "+name+" 已确认", "seller", "assistant")
		n.oweGroup("签下 " + name + "！")
		return n.cast["director"].press("sale.order", "action_confirm", id)
	}), err
}

func (n *newsroom) leave() (edit, error) {
	director, assistant := n.cast["director"], n.cast["assistant"]
	from := time.Date(n.clock.now().Year()+1, 1, 4, 1, 0, 0, 0, time.UTC).AddDate(0, 0, 2*n.nth)
	why := "第" + n.next() + "次回家"
	id, err := n.admin.Create("hr.leave", map[string]any{
		"employee_id": assistant.employee, "holiday_status_id": n.business.LeaveTypes["年假"], "name": why, "number_of_days": 1.0,
		"date_from": from.Format(demoDate), "date_to": from.Add(9 * time.Hour).Format(demoDate),
	})
	return n.telling(n.say(txtTellLeave, director.name, assistant.name, id), 1, func() error {
		n.owe(why, "assistant")
		return director.press("hr.leave", "action_approve", id)
	}), err
}

func (n *newsroom) purchase() (edit, error) {
	buyer, director := n.cast["buyer"], n.cast["director"]
	id, err := buyer.Create("purchase.order", map[string]any{"partner_id": n.business.Vendor, "order_line": []any{[]any{0, 0, map[string]any{
		"product_id": n.business.Products["笔记本电脑"], "name": "笔记本电脑", "product_qty": 2.0, "price_unit": 6999.0, "product_uom": n.business.Unit, "date_planned": "2027-01-10 00:00:00",
	}}}})
	if err != nil {
		return edit{}, err
	}
	n.made["purchase"] = id
	name := textOf(n.odoo.Get("purchase.order", id)["name"])
	rough := n.rough
	n.rough = false // a notice that is sent again gets another number, and what has the first can be taken back by nobody
	e := n.telling(n.say(txtTellPurchase, buyer.name, name, director.name), 1, func() error {
		if err := n.follow("purchase.order", id, director.partner); err != nil {
			return err
		}
		n.owe("采购 "+name+" 待审批", "director")
		return buyer.press("purchase.order", "button_confirm", id)
	})
	n.rough = rough
	return e, nil
}

// approved approves the purchase order, so that nobody need be told of it any more.
func (n *newsroom) approved() (edit, error) {
	id := n.made["purchase"]
	name := textOf(n.odoo.Get("purchase.order", id)["name"])
	last := len(n.owed) - 1
	n.owed[last].recalled = true
	return edit{
		toDing, n.say(txtTellRecall, n.cast["director"].name, name),
		func() error { return n.cast["director"].press("purchase.order", "button_approve", id) },
		func() bool { return n.receipts(n.owed[last])[0].Recalled },
	}, nil
}

// Time is what tells some things.
var (
	txtPeopleClock = tr("The clock is put forward, instead of waiting; the second time, the answer to the first message of every line is lost:", "不必等待，直接拨快时钟；第二轮中，每一行的第一条消息，其应答丢失：")
	txtTellDigest  = tr("%s 09:00: %s and %s are told of their overdue activities, in one message each", "%s 09:00：%s 与 %s 各收到一条逾期活动汇总")
	txtTellInvoice = tr("%s 09:00: %s is told of %s, which is due tomorrow", "%s 09:00：%s 收到 %s 明天到期的提醒")
)

// mornings are what is told at nine.
func (n *newsroom) mornings() []func() (edit, error) {
	rough := func() (edit, error) {
		n.misfortune(true)
		return n.digest()
	}
	return []func() (edit, error){n.digest, n.invoice, rough, n.invoice}
}

// china is where the company works.
var china = time.FixedZone("Asia/Shanghai", 8*3600)

// morning is the next nine o'clock, on a workday.
func (n *newsroom) morning() time.Time {
	now := n.clock.now().In(china)
	at := time.Date(now.Year(), now.Month(), now.Day(), 9, 0, 0, 0, china)
	for !at.After(now.Add(time.Minute)) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// digest lets two people have activities that are overdue on the next morning.
func (n *newsroom) digest() (edit, error) {
	seller, assistant := n.cast["seller"], n.cast["assistant"]
	if err := n.clear(); err != nil {
		return edit{}, err
	}
	at := n.morning()
	id, _, err := n.customer()
	return n.telling(n.say(txtTellDigest, at.Format(time.DateOnly), seller.name, assistant.name), 2, func() error {
		for i, r := range []*reader{seller, seller, assistant} {
			words := fmt.Sprintf("第%s件事", n.next())
			if _, err := n.activity(id, r, words, at.AddDate(0, 0, -1-i)); err != nil {
				return err
			}
			if i != 1 { // both of the seller's are one message
				n.owe(words, r.login)
			}
		}
		n.clock.forward(at)
		return nil
	}), err
}

// invoice lets an invoice be due on the day after the next morning.
func (n *newsroom) invoice() (edit, error) {
	if err := n.clear(); err != nil {
		return edit{}, err
	}
	at := n.morning()
	id, err := n.admin.Create("account.invoice", map[string]any{
		"type": "out_invoice", "partner_id": n.business.Customer, "user_id": n.cast["seller"].uid, "date_due": at.AddDate(0, 0, 1).Format(time.DateOnly),
		"invoice_line_ids": []any{[]any{0, 0, map[string]any{
			"product_id": n.business.Products["技术服务"], "name": "技术服务", "quantity": 1.0, "price_unit": 500.0, "account_id": n.business.Accounts["6001"],
		}}},
	})
	if err != nil {
		return edit{}, err
	}
	if _, err := n.admin.Call("account.invoice", "action_invoice_open", []any{[]any{id}}, nil); err != nil {
		return edit{}, err
	}
	number := textOf(n.odoo.Get("account.invoice", id)["number"])
	return n.telling(n.say(txtTellInvoice, at.Format(time.DateOnly), n.cast["seller"].name, number), 1, func() error {
		n.owe("发票 "+number+" 明天到期", "seller")
		n.clock.forward(at)
		return nil
	}), nil
}
