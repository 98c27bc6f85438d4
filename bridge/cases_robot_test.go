package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// robotPreset is the preset of what is said to the robot.
func robotPreset(t *testing.T) mapping.Source {
	t.Helper()
	src, ok := mapping.Preset("robot-to-channel")
	if !ok {
		t.Fatal("no preset robot-to-channel")
	}
	return src
}

// said is what stands in a channel, oldest first: who, and what. Join and leave texts are left out.
func (c *club) saidIn(channel int64) string {
	c.t.Helper()
	var lines []string
	for _, id := range c.people.Search("mail.message", []any{[]any{"model", "=", "mail.channel"}, []any{"res_id", "=", channel}, []any{"message_type", "=", "comment"}}) {
		m := c.people.Get("mail.message", id)
		who := text(m, "email_from")
		if author := text(m, "author_id"); author != "" {
			who = text(c.people.Get("res.partner", id64(c.t, author)), "name")
		}
		lines = append([]string{who + ": " + text(m, "body")}, lines...)
	}
	return strings.Join(lines, "\n")
}

// say lets somebody say something to the robot, and waits until the bridge has it.
func (c *club) say(userid, chatID, words string) {
	c.t.Helper()
	open := ""
	for _, g := range c.ding.Groups() {
		if g.ChatID == chatID {
			open = g.OpenConversationID
		}
	}
	id, err := c.ding.SayToRobot(userid, open, words)
	must(c.t, err)
	must(c.t, c.ding.WaitAnswered(c.ctx, id))
}

func TestWhatIsSaidToTheRobotStandsInTheChannelOnce(t *testing.T) {
	c, id, chat := paired(t, robotPreset(t))
	stranger := c.ding.AddUser(dingtalktest.User{Name: "外包", Mobile: "13700000001", Departments: []int64{1}, Active: true})
	must(t, c.ding.AddMember(c.uZhang, chat, stranger))
	c.step()
	calls := c.ding.CountedCalls()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate = 1 })
	c.say(c.uLi, chat, " 进度如何？\n<明天>交")
	c.say(stranger, chat, "我来了")
	c.say(c.uZhang, "", "这是悄悄话") // to the robot alone
	c.say(c.uZhang, chat, "  ")
	c.step()
	c.step()
	want(t, "what stands in the channel", c.saidIn(id), "李四: <p>进度如何？<br>&lt;明天&gt;交</p>\n外包（钉钉）: <p>我来了</p>")
	want(t, "counted calls", c.ding.CountedCalls()-calls, 0)
	want(t, "held", c.held(), "")
	c.settled()
	c.reopen()
	c.sync()
	want(t, "lines after a restart", strings.Count(c.saidIn(id), "\n"), 1)
	must(t, c.store.View(c.ctx, func(tx bridge.Tx) error {
		n, err := tx.CountLinks("robot-to-channel")
		want(t, "links", fmt.Sprint(n), "map[settled:2]")
		return err
	}))
}

func TestTheAnswerToAPostIsLost(t *testing.T) {
	for name, fault := range map[string]odootest.Failure{"posted": odootest.DropAfter, "not posted": odootest.DropBefore} {
		t.Run(name, func(t *testing.T) {
			c, id, chat := paired(t, robotPreset(t))
			c.odoo.Fail(func(call odootest.Call) bool { return call.Method == "message_post" }, 1, fault)
			c.say(c.uLi, chat, "在吗")
			c.step()
			c.step()
			want(t, "what stands in the channel", c.saidIn(id), "李四: <p>在吗</p>")
			c.settled()
		})
	}
}

func TestSaidInAGroupThatHasNoChannel(t *testing.T) {
	c, first, chat := paired(t, robotPreset(t))
	_, err := bridge.ForgetRecord(c.ctx, c.store, c.set(), ref(mapping.Odoo, "mail.channel", first))
	must(t, err)
	must(t, c.people.Unlink("mail.channel", first))
	c.say(c.uLi, chat, "有人吗")
	c.step()
	c.wantHeld("is in no link of channel-group")
	text, _ := c.plan("robot-to-channel")
	t.Log("\n" + text)
	if !strings.Contains(text, "conversationId") || !strings.Contains(text, "held") {
		t.Errorf("the plan does not tell it:\n%s", text)
	}
	id := c.channel("li", "新频道", "#钉钉 稍后", c.pLi)
	m, _ := c.set().Get("channel-group")
	must(t, bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(fmt.Sprint(id)), bridge.ID(chat)))
	c.step()
	c.step()
	want(t, "what stands in the channel once it is joined", c.saidIn(id), "李四: <p>有人吗</p>")
	want(t, "held", c.held(), "")
	c.settled()
}

func TestWhatNobodyCanPlaceIsForgottenWithTheInbox(t *testing.T) {
	c, _, _ := paired(t, robotPreset(t))
	other := c.ding.AddGroup(dingtalktest.Group{Name: "午饭", Owner: c.uZhang, Members: []string{c.uLi}})
	c.say(c.uLi, other, "吃什么")
	c.step()
	c.wantHeld("is in no link of channel-group")
	c.later(8 * 24 * time.Hour)
	c.options = func(o *bridge.Options) { o.Now = c.now }
	c.reopen()
	c.engine.Prune(c.ctx)
	want(t, "held", c.held(), "")
	if rows := c.doneFor("robot-to-channel"); !strings.Contains(rows, "forget held until it was no longer kept") {
		t.Errorf("the history is\n%s", rows)
	}
}

// doneFor is what the bridge did for a mapping, oldest first.
func (c *club) doneFor(name string) string {
	c.t.Helper()
	var lines []string
	must(c.t, c.store.View(c.ctx, func(tx bridge.Tx) error {
		rows, err := tx.History(name, 0, 1000)
		for i := len(rows) - 1; i >= 0; i-- {
			lines = append(lines, rows[i].Op+" "+rows[i].Reason)
		}
		return err
	}))
	return strings.Join(lines, "\n")
}

func TestTheAddressToAnswerToIsNotKept(t *testing.T) {
	c, _, chat := paired(t, robotPreset(t))
	c.say(c.uLi, chat, "在吗")
	said := c.ding.RobotInbox()
	must(t, c.store.View(c.ctx, func(tx bridge.Tx) error {
		ev, err := tx.Event(said[0].MsgID)
		if err != nil || ev == nil || ev.Type != dingtalk.TopicRobot {
			t.Fatalf("the message is not in the inbox: %+v %v", ev, err)
		}
		if strings.Contains(string(ev.Data), "session=") || !strings.Contains(string(ev.Data), "在吗") {
			t.Errorf("the inbox keeps %s", ev.Data)
		}
		return nil
	}))
}

// No document says whether a message that nobody got has a key: without one nothing is left to be sent, and nothing unknown.
func TestARobotsMessageThatNobodyGets(t *testing.T) {
	for _, keyless := range []bool{false, true} {
		o := tellers(t, strings.NewReplacer("work_notice", "person_message", "[{path: member_ids}]", "[{path: member_ids}, {userid: gone}]").Replace(noticeYAML))
		o.ding.Set(func(k *dingtalktest.Knobs) {
			k.KeylessToNobody, k.RobotThrottled = keyless, map[string]bool{o.uLi: true, o.uZhang: true}
		})
		o.write("hr.department", o.rd, map[string]any{"note": "放假"})
		calls := o.ding.CountedCalls()
		o.step()
		o.step()
		want(t, "counted calls", o.ding.CountedCalls()-calls, 1)
		want(t, "held", o.held(), "")
		wantWords(t, o.done("department-notice"), "not to "+o.uLi+": gets too many messages at once", "not to gone: unknown to dingtalk")
		o.settled()
	}
}
