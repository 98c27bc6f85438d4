package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

func talkPreset(t *testing.T) mapping.Source {
	t.Helper()
	src, ok := mapping.Preset("channel-to-group")
	if !ok {
		t.Fatal("no preset channel-to-group")
	}
	return src
}

// talking is a club with one channel and its group, and words that go both ways.
func talking(t *testing.T) (c *club, channel int64, chatID string) {
	t.Helper()
	return paired(t, robotPreset(t), talkPreset(t))
}

// heard are the texts of the robot's messages that a person got in a group.
func (c *club) heard(userid string) []string {
	c.t.Helper()
	var out []string
	for _, r := range c.ding.Received(userid) {
		var msg struct{ MsgParam string }
		must(c.t, json.Unmarshal(r.Content, &msg))
		var param struct{ Text string }
		must(c.t, json.Unmarshal([]byte(msg.MsgParam), &param))
		out = append(out, param.Text)
	}
	return out
}

// talk posts in a channel as a user of Odoo.
func (c *club) talk(login string, channel int64, body string) {
	c.t.Helper()
	_, err := c.odoo.As(login).Call("mail.channel", "message_post", []any{[]any{channel}}, map[string]any{
		"body": body, "message_type": "comment", "subtype": "mail.mt_comment",
	})
	must(c.t, err)
}

// A group that was just made is not shown at once, and its own event is looked at meanwhile.
func TestWhatIsSaidBeforeTheNewGroupIsShown(t *testing.T) {
	c, _, _ := talking(t)
	c.options = func(o *bridge.Options) { o.StaleWindow, o.SecondLook = 600*time.Millisecond, time.Hour }
	c.reopen()
	c.sync()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 250 * time.Millisecond })
	id := c.channel("zhang", "新项目", "#钉钉", c.pZhang, c.pLi)
	must(t, c.engine.Step(c.ctx, 0))
	must(t, c.ding.FlushEvents(c.ctx))
	c.talk("zhang", id, "<p>第一句</p>")
	must(t, c.engine.Step(c.ctx, 0))
	must(t, c.engine.Step(c.ctx, time.Second))
	want(t, "what the group got", strings.Join(c.heard(c.uLi), "|"), "**张三**：第一句")
	c.settled()
}

func TestWordsGoBothWaysAndDoNotComeBack(t *testing.T) {
	c, id, chat := talking(t)
	other := c.channel("zhang", "闲聊", "", c.pZhang, c.pLi)
	c.step()
	calls := c.ding.CountedCalls()
	c.talk("zhang", id, "<p>明天 <b>开会</b></p>")
	text, _ := c.plan("channel-to-group")
	t.Log("\n" + text)
	if !strings.Contains(text, "+ dingtalk group_message") || !strings.Contains(text, "**张三**：明天 **开会**") {
		t.Errorf("the plan says\n%s", text)
	}
	c.talk("li", other, "<p>午饭？</p>")
	c.step()
	c.step()
	want(t, "what the group got", strings.Join(c.heard(c.uLi), "|"), "**张三**：明天 **开会**")
	want(t, "counted calls", c.ding.CountedCalls()-calls, 1)
	c.say(c.uLi, chat, "收到")
	c.step()
	c.step()
	want(t, "what stands in the channel", c.saidIn(id), "张三: <p>明天 <b>开会</b></p>\n李四: <p>收到</p>")
	want(t, "what the group got after that", len(c.heard(c.uLi)), 1)
	want(t, "said to the robot", len(c.ding.RobotInbox()), 1)
	want(t, "held", c.held(), "")
	c.settled()
	e, err := c.engine.Explain(c.ctx, ref(mapping.DingTalk, "robot_inbox", c.ding.RobotInbox()[0].MsgID))
	must(t, err)
	t.Log("\n" + e[0].String())
	if s := e[0].String(); !strings.Contains(s, "settled") || !strings.Contains(s, "收到") {
		t.Errorf("explain says\n%s", s)
	}
}

func TestTheFirstWordsOfANewChannelArrive(t *testing.T) {
	c := newClub(t, robotPreset(t), talkPreset(t))
	id := c.channel("zhang", "项目组", "#钉钉", c.pZhang, c.pLi)
	c.talk("zhang", id, "<p>大家好</p>")
	c.step()
	c.step()
	want(t, "what the group got", strings.Join(c.heard(c.uLi), "|"), "**张三**：大家好")
	c.settled()
}

func TestWhatWasSaidBeforeAGroupCameIsNotToldOfLater(t *testing.T) {
	c := newClub(t, robotPreset(t), talkPreset(t))
	id := c.channel("zhang", "项目组", "以后再说", c.pZhang, c.pLi)
	c.talk("zhang", id, "<p>旧话</p>")
	c.step()
	c.write("mail.channel", id, map[string]any{"description": "#钉钉"})
	c.step()
	c.talk("zhang", id, "<p>新话</p>")
	c.step()
	want(t, "what the group got", strings.Join(c.heard(c.uLi), "|"), "**张三**：新话")
	c.settled()
}

func TestWordsForAChannelThatIsHeldAreNotKeptForEver(t *testing.T) {
	c := newClub(t, robotPreset(t), talkPreset(t))
	c.needsFile("a database has a clock of its own")
	id := c.channel("admin", "公告", "#钉钉", c.pZhang, c.pLi) // admin has no DingTalk: it waits
	c.talk("zhang", id, "<p>有人吗</p>")
	c.step()
	want(t, "groups", len(c.ding.Groups()), 0)
	if text, _ := c.plan("channel-to-group"); !strings.Contains(text, "waits for") {
		t.Errorf("the plan says\n%s", text)
	}
	c.options = func(o *bridge.Options) { o.Now = c.now }
	c.later(2 * time.Hour)
	c.reopen()
	c.sync()
	if rows := c.doneFor("channel-to-group"); !strings.Contains(rows, "told nobody: res_id is in no link of channel-group") {
		t.Errorf("the history is\n%s", rows)
	}
	c.settled()
}

func TestNobodyIsToldInADisbandedGroup(t *testing.T) {
	c, id, chat := talking(t)
	must(t, c.ding.Disband(c.uZhang, chat))
	c.step()
	calls := c.ding.CountedCalls()
	c.talk("zhang", id, "<p>还在吗</p>")
	c.step()
	want(t, "counted calls", c.ding.CountedCalls()-calls, 0)
	if rows := c.doneFor("channel-to-group"); !strings.Contains(rows, "told nobody: the channel-group it belongs to is gone in dingtalk") {
		t.Errorf("the history is\n%s", rows)
	}
	c.settled()
}

func TestTheRobotIsNotInTheGroup(t *testing.T) {
	c, id, _ := talking(t)
	c.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/groupMessages/send") }, 1, dingtalktest.V1Err(400, "invalid.openConversationId", "机器人不在群里"))
	c.talk("zhang", id, "<p>在吗</p>")
	c.step()
	c.wantHeld("invalid.openConversationId")
	_, err := bridge.Retry(c.ctx, c.store, c.set(), &bridge.Ref{Side: mapping.Odoo, Kind: "mail.message", ID: bridge.ID(fmt.Sprint(c.lastMessage(id)))})
	must(t, err)
	c.step()
	want(t, "what the group got", strings.Join(c.heard(c.uLi), "|"), "**张三**：在吗")
	c.settled()
}

func (c *club) lastMessage(channel int64) int64 {
	return c.people.Search("mail.message", []any{[]any{"model", "=", "mail.channel"}, []any{"res_id", "=", channel}})[0]
}
