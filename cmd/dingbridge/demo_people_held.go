package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// What does not reach people, and how it shows.
var (
	txtPeopleHeld  = tr("What cannot be told, and what the administrator sees of it:", "无法送达的情形，以及管理员看到的内容：")
	txtHeldNobody  = tr("%s mentions somebody who has no DingTalk: nobody is told", "%s 提到一位没有钉钉的人：无人可通知")
	txtHeldLong    = tr("an announcement of %d bytes; DingTalk takes 2,048: held", "通知长 %d 字节，钉钉最多 2048 字节：挂起")
	txtHeldShorter = tr("shortened by a person: told", "由人缩短后：已通知")
	txtHeldWord    = tr("an announcement with a word that DingTalk refuses: held with its reason", "通知含有被钉钉拒绝的敏感词：附原因挂起")
	txtHeldReword  = tr("put into other words: told", "换一种说法后：已通知")
	txtHeldGroup   = tr("the sales people's group is disbanded, and %s confirmed: its people are told, the robot's messages pause", "销售群已解散，此时确认 %s：相关人员收到通知，机器人的消息暂停")
	txtHeldRush    = tr("%d orders are confirmed at once; a robot may send 20 messages a minute: it tells of the last ones together, once, although the answer is lost", "同时确认 %d 张订单；机器人每分钟最多发 20 条：最后几张合并成一条播报，应答虽丢失也只播报一次")
	txtHeldRobot   = tr("a robot in a new group, its address in the settings, the daemon restarted: the group is told", "在新群中添加机器人，把地址写入设置并重启守护进程：新群收到播报")
)

// rushOrders are more than the messages that a robot may send in a minute.
const rushOrders = 25

// The announcements that DingTalk refuses.
const (
	longWords     = 900 // characters, of three bytes each
	forbiddenWord = "违禁"
)

// troubles are what cannot be told, and what people do about it.
func (n *newsroom) troubles(ctx context.Context, d *demo) []func() (edit, error) {
	n.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{forbiddenWord} })
	return []func() (edit, error){
		func() (edit, error) { return n.nobody(d) },
		func() (edit, error) {
			text := "通知：" + strings.Repeat("长", longWords)
			return n.refused(d, n.say(txtHeldLong, len(text)), text)
		},
		n.reworded(txtHeldShorter),
		func() (edit, error) { return n.refused(d, n.say(txtHeldWord), "通知："+forbiddenWord+"物品") },
		n.reworded(txtHeldReword),
		func() (edit, error) { return n.disbanded(d) },
		func() (edit, error) { return n.regrouped(ctx, d), nil },
		n.rush,
	}
}

// nobody mentions a user of Odoo who is none of the company's people.
func (n *newsroom) nobody(d *demo) (edit, error) {
	seller := n.cast["seller"]
	id, _, err := n.customer()
	if err != nil {
		return edit{}, err
	}
	admin := n.odoo.Search("res.users", []any{[]any{"login", "=", stageAdmin}})[0]
	partner := pairID(n.odoo.Get("res.users", admin)["partner_id"])
	before := d.messageCounts("chatter").Nobody
	d.after = func(ctx context.Context) error {
		messages := n.odoo.Search("mail.message", []any{[]any{"model", "=", "res.partner"}, []any{"res_id", "=", id}, []any{"message_type", "=", "comment"}})
		engine, _, err := d.planOf(ctx)
		if err != nil {
			return err
		}
		return d.explainRecord(ctx, engine, "chatter", recordOf("mail.message", slices.Max(messages)))
	}
	return edit{
		toDing, n.say(txtHeldNobody, seller.name), func() error { return seller.write("res.partner", id, "请您确认", partner) },
		func() bool { return d.messageCounts("chatter").Nobody > before },
	}, nil
}

// messageCounts sums up what a mapping has told.
func (d *demo) messageCounts(name string) bridge.MessageCounts {
	st := d.status(name)
	if len(st.Mappings) != 1 || st.Mappings[0].Messages == nil {
		return bridge.MessageCounts{}
	}
	return *st.Mappings[0].Messages
}

// refused announces something to three people that DingTalk does not take.
func (n *newsroom) refused(d *demo, what, text string) (edit, error) {
	d.after = d.showHeld("announcement")
	return edit{toDing, what, func() (err error) {
		n.made["tag"], err = n.tag(text, n.cast["director"].employee, n.cast["seller"].employee, n.cast["buyer"].employee)
		return err
	}, func() bool { return d.heldMessage("announcement", n.made["tag"]) }}, nil
}

// reworded lets a person put it so that DingTalk takes it.
func (n *newsroom) reworded(what text) func() (edit, error) {
	return func() (edit, error) {
		words := "通知：第" + n.next() + "条"
		return n.telling(n.say(what), 1, func() error {
			n.owe(words, "director", "seller", "buyer")
			return n.admin.Write("hr.employee.category", n.made["tag"], map[string]any{"name": words})
		}), nil
	}
}

// disbanded lets an order be confirmed whose group is there no more.
func (n *newsroom) disbanded(d *demo) (edit, error) {
	id, name, err := n.draft()
	n.made["order"] = id
	d.after = d.showHeld("order-confirmed", "order-in-group")
	e := n.telling(n.say(txtHeldGroup, name), 2, func() error {
		group, _ := n.ding.Group(n.group)
		if err := n.ding.Disband(group.Owner, n.group); err != nil {
			return err
		}
		n.owe("订单 "+name+" 已确认", "seller", "assistant")
		return n.cast["director"].press("sale.order", "action_confirm", id)
	})
	told := e.arrived
	e.arrived = func() bool { return told() && len(d.status().Halted) > 0 }
	return e, err
}

// regrouped gives the sales people another group with another robot.
func (n *newsroom) regrouped(ctx context.Context, d *demo) edit {
	return n.telling(n.say(txtHeldRobot), 1, func() error {
		n.meet()
		d.vars[salesRobot] = n.robot
		n.oweGroup("签下 " + textOf(n.odoo.Get("sale.order", n.made["order"])["name"]) + "！")
		return d.restart(ctx)
	})
}

// rush confirms more orders at once than a robot may speak of in a minute. The answer to what it says of several is lost.
func (n *newsroom) rush() (edit, error) {
	var ids []any
	var names []string
	for range rushOrders {
		id, name, err := n.draft()
		if err != nil {
			return edit{}, err
		}
		ids, names = append(ids, id), append(names, name)
	}
	begun := 0
	return edit{
		toDing, n.say(txtHeldRush, rushOrders),
		func() error {
			n.present, begun = nil, n.ding.Calls("/robot/send")
			for _, name := range names {
				n.owe("订单 "+name+" 已确认", "seller", "assistant")
				n.oweGroup("签下 " + name + "！")
			}
			several := func(r dingtalktest.Request) bool {
				return r.Path == "/robot/send" && strings.Count(string(r.Body), "签下") > 1
			}
			n.ding.Fail(several, 1, dingtalktest.DropAfter)
			_, err := n.cast["director"].Call("sale.order", "action_confirm", []any{ids}, nil)
			return err
		},
		func() bool { return n.told() && n.ding.Calls("/robot/send") < begun+rushOrders },
	}, nil
}

// status is what the store knows of mappings, all if none is named; nothing when it cannot be read, and the next look will tell.
func (d *demo) status(names ...string) bridge.Status {
	if len(names) == 0 {
		names = d.names
	}
	st, err := bridge.ReadStatus(context.Background(), d.world.store, names, d.clock.now())
	if err != nil {
		return bridge.Status{}
	}
	return st
}

// heldMessage says whether the message about a record is held.
func (d *demo) heldMessage(name string, id int64) bool {
	return slices.ContainsFunc(d.status().Held, func(h bridge.HeldRecord) bool { return h.Mapping == name && string(h.Odoo) == fmt.Sprint(id) })
}

// showHeld prints what status says of mappings of messages.
func (d *demo) showHeld(names ...string) func(context.Context) error {
	return func(context.Context) error {
		st := d.status(names...)
		for i := range st.Mappings {
			st.Mappings[i].Statement = nil
		}
		d.printf("\n$ dingbridge status\n")
		d.printHalted(st.Halted)
		d.printMappings(st.Mappings)
		d.printHeld(slices.DeleteFunc(st.Held, func(h bridge.HeldRecord) bool { return !slices.Contains(names, h.Mapping) }))
		d.printf("\n")
		return nil
	}
}

// planOf plans mappings and prints what is to be done; without names it only makes an engine.
func (d *demo) planOf(ctx context.Context, names ...string) (*bridge.Engine, bridge.PlanCounts, error) {
	engine, err := d.world.engine(zap.NewNop(), nil)
	if err != nil || len(names) == 0 {
		return engine, bridge.PlanCounts{}, err
	}
	counts, err := engine.PlanMappings(ctx, names, func(p *bridge.Plan) error { d.printf("%s", p); return nil }, nil)
	return engine, counts, err
}

// explainRecord prints what explain says of a record in one mapping, without the record itself.
func (d *demo) explainRecord(ctx context.Context, engine *bridge.Engine, name string, ref bridge.Ref) error {
	d.printf("$ dingbridge explain %s %s %s\n", ref.Side, ref.Kind, ref.ID)
	all, err := engine.Explain(ctx, ref)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Mapping == name {
			for line := range strings.Lines(x.String()) {
				if !strings.HasPrefix(line, "    ") {
					d.printf("%s", line)
				}
			}
		}
	}
	return engine.KeepQuota(ctx)
}
