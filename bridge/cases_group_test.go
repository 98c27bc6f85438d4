package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

func TestAChannelBecomesAGroupWhenItAsksForIt(t *testing.T) {
	c := newClub(t)
	customer := c.people.Create("res.partner", map[string]any{"name": "客户"})
	c.channel("zhang", "闲聊", "随便说说", c.pZhang, c.pLi)
	c.step()
	want(t, "groups that nobody asked for", len(c.ding.Groups()), 0)
	id := c.channel("zhang", "项目组", "新项目 #钉钉", c.pZhang, c.pLi, customer)
	text, _ := c.plan("channel-group")
	t.Log("\n" + text)
	for _, word := range []string{"+ dingtalk group (new)", "项目组", "张三, 李四"} {
		if !strings.Contains(text, word) {
			t.Errorf("the plan does not say %q:\n%s", word, text)
		}
	}
	calls := c.ding.CountedCalls()
	c.step()
	g := c.group()
	want(t, "its name", g.Name, "项目组")
	want(t, "its owner", g.Owner, c.uZhang)
	c.wantMembers("its members", c.uZhang, c.uLi)
	c.wantPartners(id, "the channel's members", c.pZhang, c.pLi, customer)
	want(t, "counted calls", c.ding.CountedCalls()-calls, 2) // made, and read back
	c.settled()
	e, err := c.engine.Explain(c.ctx, ref(mapping.Odoo, "mail.channel", id))
	must(t, err)
	t.Log("\n" + e[0].String())
	if s := e[0].String(); !strings.Contains(s, "openConversationId") || !strings.Contains(s, "remembered") {
		t.Errorf("explain does not tell what is remembered:\n%s", s)
	}
}

// paired is a club with one channel and its group.
func paired(t *testing.T, more ...mapping.Source) (c *club, channel int64, chatID string) {
	t.Helper()
	c = newClub(t, more...)
	channel = c.channel("zhang", "项目组", "#钉钉", c.pZhang, c.pLi)
	c.step()
	return c, channel, c.group().ChatID
}

func TestAGroupFollowsItsChannel(t *testing.T) {
	c, id, _ := paired(t)
	c.write("mail.channel", id, map[string]any{"name": "新项目"})
	c.step()
	want(t, "the group's name", c.group().Name, "新项目")
	c.change(id, -c.pLi)
	c.step()
	c.wantMembers("members after 李四 left", c.uZhang)
	c.change(id, c.pLi)
	c.step()
	c.wantMembers("members after 李四 came back", c.uZhang, c.uLi)
	calls := c.ding.CountedCalls()
	c.write("mail.channel", id, map[string]any{"moderation_guidelines_msg": "请勿刷屏"}) // nothing that is mapped
	c.step()
	want(t, "counted calls for a write that changes nothing", c.ding.CountedCalls()-calls, 0)
	c.settled()
}

func TestAChannelFollowsItsGroup(t *testing.T) {
	c, id, chat := paired(t)
	customer := c.people.Create("res.partner", map[string]any{"name": "客户"})
	c.change(id, customer)
	stranger := c.ding.AddUser(dingtalktest.User{Name: "外包", Mobile: "13700000001", Departments: []int64{1}, Active: true})
	must(t, c.ding.RenameGroup(c.uLi, chat, "二期项目"))
	must(t, c.ding.RemoveMember(c.uZhang, chat, c.uLi))
	must(t, c.ding.AddMember(c.uZhang, chat, stranger))
	c.step()
	want(t, "the channel's name", text(c.people.Get("mail.channel", id), "name"), "二期项目")
	c.wantPartners(id, "the channel's members", c.pZhang, customer)
	must(t, c.ding.AddMember(c.uZhang, chat, c.uLi))
	c.step()
	c.wantPartners(id, "the channel's members", c.pZhang, c.pLi, customer)
	c.wantMembers("the group's members", c.uZhang, c.uLi, stranger)
	must(t, c.ding.QuitGroup(c.uLi, chat))
	c.step()
	c.wantPartners(id, "the channel's members after 李四 quit", c.pZhang, customer)
	c.settled()
}

// No group is without a name, an owner and members: an answer that leaves one out does not say that it is gone.
func TestAnAnswerAboutAGroupThatIsNotWhole(t *testing.T) {
	c, id, chat := paired(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.GroupLacks = []string{"useridlist", "owner"} })
	must(t, c.ding.RenameGroup(c.uLi, chat, "二期项目"))
	c.step()
	want(t, "the channel's name", text(c.people.Get("mail.channel", id), "name"), "二期项目")
	c.wantPartners(id, "the channel's members", c.pZhang, c.pLi)
	want(t, "held", c.held(), "")
	c.ding.Set(func(k *dingtalktest.Knobs) { k.GroupLacks = nil })
	must(t, c.ding.RemoveMember(c.uZhang, chat, c.uLi))
	c.step()
	c.wantPartners(id, "the channel's members", c.pZhang)
	c.settled()
}

func TestEachSideGainsAndLosesMembersAtOnce(t *testing.T) {
	c, id, chat := paired(t)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd})
	zhao := c.employee("赵六", "13800000004", map[string]any{"department_id": c.rd})
	pWang, pZhao := c.user12("wang", "王五", wang), c.user12("zhao", "赵六", zhao)
	c.step()
	uWang, uZhao := c.user("13800000003").UserID, c.user("13800000004").UserID
	must(t, c.ding.AddMember(c.uZhang, chat, uWang))
	c.change(id, pZhao, -c.pLi)
	c.step()
	c.wantMembers("the group's members", c.uZhang, uWang, uZhao)
	c.wantPartners(id, "the channel's members", c.pZhang, pWang, pZhao)
	want(t, "held", c.held(), "")
	c.settled()
}

func TestTheSecondHalfOfAJoinedChangeIsNotForgotten(t *testing.T) {
	c, id, chat := paired(t)
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd})
	pWang := c.user12("wang", "王五", wang)
	c.step()
	uWang := c.user("13800000003").UserID
	must(t, c.ding.AddMember(c.uZhang, chat, uWang))
	c.change(id, -c.pLi)
	c.odoo.Fail(func(call odootest.Call) bool { return call.Model == "mail.channel" && call.Method == "write" }, -1, odootest.DropBefore)
	must(t, c.ding.FlushEvents(c.ctx))
	must(t, c.engine.Step(c.ctx, 0)) // DingTalk was written, Odoo was not
	c.wantMembers("the group's members", c.uZhang, uWang)
	c.wantPartners(id, "the channel's members", c.pZhang)
	c.odoo.Heal()
	c.reopen() // what was in memory is lost
	c.sync()
	c.wantMembers("the group's members", c.uZhang, uWang)
	c.wantPartners(id, "the channel's members", c.pZhang, pWang)
	c.settled()
}

func TestTheOwnerOfAGroup(t *testing.T) {
	c, id, chat := paired(t)
	c.change(id, -c.pZhang) // who owns it
	c.step()
	c.wantMembers("the group's members", c.uZhang, c.uLi)
	c.wantHeld("cannot be taken out of the group")
	must(t, c.ding.ChangeOwner(c.uZhang, chat, c.uLi)) // the event does not name the chatid
	c.step()
	c.wantMembers("the group's members after it was handed over", c.uLi)
	want(t, "held", c.held(), "")
	c.settled()
}

func TestTheOwnerTravelsWhereOdooHasAFieldForIt(t *testing.T) {
	c := newClub(t)
	c.setup("channel-group")
	id := c.channel("zhang", "项目组", "#钉钉", c.pZhang, c.pLi)
	c.step()
	want(t, "the owner in Odoo", text(c.people.Get("mail.channel", id), "x_dingtalk_owner"), c.uZhang)
	c.write("mail.channel", id, map[string]any{"x_dingtalk_owner": c.uLi})
	c.step()
	want(t, "the owner in DingTalk", c.group().Owner, c.uLi)
	must(t, c.ding.ChangeOwner(c.uLi, c.group().ChatID, c.uZhang))
	c.step()
	want(t, "the owner in Odoo", text(c.people.Get("mail.channel", id), "x_dingtalk_owner"), c.uZhang)
	c.settled()
}

func TestAChannelWhoseMakerHasNoDingTalk(t *testing.T) {
	c := newClub(t)
	id := c.channel("admin", "公司公告", "#DingTalk", c.pLi)
	c.step()
	want(t, "groups", len(c.ding.Groups()), 0)
	c.wantHeld("create_uid is nobody who is linked to dingtalk")
	c.setup("channel-group")
	c.write("mail.channel", id, map[string]any{"x_dingtalk_owner": c.uZhang})
	c.step()
	want(t, "the owner who was entered", c.group().Owner, c.uZhang)
	c.wantMembers("its members", c.uZhang, c.uLi)
	c.wantPartners(id, "the owner joined the channel", c.pZhang, c.pLi)
	want(t, "held", c.held(), "")
	c.settled()
}

func TestTheAnswerToTheMakingOfAGroupIsLost(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Failure{"it was made": dingtalktest.DropAfter, "it was not": dingtalktest.DropBefore} {
		t.Run(name, func(t *testing.T) {
			c := newClub(t)
			c.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/group/create") }, 1, fault)
			id := c.channel("zhang", "项目组", "#钉钉", c.pZhang, c.pLi)
			c.step()
			c.step()
			if fault == dingtalktest.DropBefore {
				c.wantHeld("dingtalk has no list of groups")
				_, err := bridge.Retry(c.ctx, c.store, c.set(), &bridge.Ref{Side: mapping.Odoo, Kind: "mail.channel", ID: bridge.ID(fmt.Sprint(id))})
				must(t, err)
				c.step()
				c.wantMembers("its members", c.uZhang, c.uLi)
				c.settled()
				return
			}
			c.wantHeld("dingtalk has no list of groups")
			c.sync() // nor does a sweep make it again
			chat := c.group().ChatID
			must(t, c.ding.AddMember(c.uZhang, chat, c.user(mobileLi).UserID)) // nothing changes: no event
			must(t, c.ding.RenameGroup(c.uZhang, chat, "项目组 "))
			must(t, c.ding.RenameGroup(c.uZhang, chat, "项目组"))
			c.step()
			want(t, "held after an event named it", c.held(), "")
			c.write("mail.channel", id, map[string]any{"name": "新项目"})
			c.step()
			want(t, "its name", c.group().Name, "新项目")
			want(t, "made twice", len(c.ding.Duplicates()), 0)
			c.settled()
		})
	}
}

func TestAGroupThatIsThereIsJoinedByAPerson(t *testing.T) {
	c, first, chat := paired(t)
	_, err := bridge.ForgetRecord(c.ctx, c.store, c.set(), ref(mapping.Odoo, "mail.channel", first))
	must(t, err)
	must(t, c.people.Unlink("mail.channel", first))
	id := c.channel("li", "老项目", "历史", c.pLi)
	m, _ := c.set().Get("channel-group")
	must(t, bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(fmt.Sprint(id)), bridge.ID(chat)))
	c.write("mail.channel", id, map[string]any{"description": "历史 #钉钉"})
	c.step()
	want(t, "its name", c.group().Name, "老项目")
	c.wantMembers("nobody was thrown out", c.uZhang, c.uLi)
	c.wantPartners(id, "and those in the group are in the channel", c.pZhang, c.pLi)
	c.settled()
}

func TestAGroupThatPeopleMadeCannotBeJoined(t *testing.T) {
	c := newClub(t)
	chat := c.ding.AddGroup(dingtalktest.Group{Name: "午饭", Owner: c.uZhang, Members: []string{c.uLi}})
	id := c.channel("zhang", "午饭", "没有", c.pZhang)
	m, _ := c.set().Get("channel-group")
	must(t, bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(fmt.Sprint(id)), bridge.ID(chat)))
	c.write("mail.channel", id, map[string]any{"description": "#钉钉"})
	c.step()
	e, err := c.engine.Explain(c.ctx, ref(mapping.Odoo, "mail.channel", id))
	must(t, err)
	if s := e[0].String(); !strings.Contains(s, "only groups that an app made") {
		t.Errorf("explain says\n%s", s)
	}
	want(t, "groups", len(c.ding.Groups()), 1)
}

func TestADisbandedGroup(t *testing.T) {
	c, id, chat := paired(t)
	must(t, c.ding.Disband(c.uZhang, chat))
	c.step()
	text, counts := c.plan("channel-group")
	want(t, "writes", counts.Writes(), 0)
	if !strings.Contains(text, "gone in dingtalk; never") {
		t.Errorf("the plan says\n%s", text)
	}
	c.wantPartners(id, "the channel keeps its members", c.pZhang, c.pLi)
	c.write("mail.channel", id, map[string]any{"name": "改名"})
	c.step()
	want(t, "groups", len(c.ding.Groups()), 1)
	c.settled()
}

func TestADeletedChannelLeavesItsGroup(t *testing.T) {
	c, id, _ := paired(t)
	c.channel("zhang", "闲聊", "", c.pZhang) // without any other, nobody could tell a deleted one from a hidden one
	must(t, c.people.Unlink("mail.channel", id))
	c.sync()
	c.wantMembers("the group's members", c.uZhang, c.uLi)
	calls := c.ding.CountedCalls()
	c.sync()
	want(t, "counted calls of a sweep after the link ended", c.ding.CountedCalls()-calls, 0)
	c.settled()
}

func TestLostAndDoubledEventsOfGroups(t *testing.T) {
	c, id, chat := paired(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Lose = 1 })
	must(t, c.ding.RenameGroup(c.uLi, chat, "丢失"))
	must(t, c.ding.RemoveMember(c.uZhang, chat, c.uLi))
	c.step()
	want(t, "the channel's name", text(c.people.Get("mail.channel", id), "name"), "项目组")
	calls := c.ding.CountedCalls()
	c.sync() // the nightly one
	want(t, "the channel's name", text(c.people.Get("mail.channel", id), "name"), "丢失")
	c.wantPartners(id, "the channel's members", c.pZhang)
	want(t, "counted calls of a sweep, for one group", c.ding.CountedCalls()-calls, 1)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Lose, k.Duplicate = 0, 1 })
	must(t, c.ding.AddMember(c.uZhang, chat, c.uLi))
	c.step()
	c.wantPartners(id, "the channel's members", c.pZhang, c.pLi)
	c.settled()
}

func TestAnEventOfAGroupThatIsNotOursCostsNothing(t *testing.T) {
	c, _, _ := paired(t)
	other := c.ding.AddGroup(dingtalktest.Group{Name: "午饭", Owner: c.uZhang, Members: []string{c.uLi}})
	calls := c.ding.CountedCalls()
	must(t, c.ding.RenameGroup(c.uLi, other, "晚饭"))
	c.step()
	want(t, "counted calls", c.ding.CountedCalls()-calls, 0)
}

// While a group is looked for whose making got no answer, others are read that no app made: whatever DingTalk calls that, it keeps no group
// of ours from being read.
func TestAGroupThatIsNotOursStopsNoOther(t *testing.T) {
	for _, code := range []int{49000, 43007, 40016, 70001} {
		c, id, chat := paired(t)
		c.ding.Set(func(k *dingtalktest.Knobs) { k.NoGroupCode = code })
		c.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/group/create") }, 1, dingtalktest.DropAfter)
		c.channel("zhang", "另一个", "#钉钉", c.pZhang, c.pLi)
		c.step()
		c.step()
		other := c.ding.AddGroup(dingtalktest.Group{Name: "午饭", Owner: c.uZhang, Members: []string{c.uLi}})
		must(t, c.ding.RenameGroup(c.uLi, other, "晚饭"))
		c.step()
		must(t, c.ding.RenameGroup(c.uLi, chat, "二期项目"))
		c.step()
		want(t, "the channel's name", text(c.people.Get("mail.channel", id), "name"), "二期项目")
	}
}

func TestANameThatIsTooLongForAGroup(t *testing.T) {
	c, id, _ := paired(t)
	c.write("mail.channel", id, map[string]any{"name": strings.Repeat("很长", 11)})
	c.step()
	want(t, "the group's name", c.group().Name, "项目组")
	c.wantHeld("name has 22 characters and DingTalk takes 20")
	c.write("mail.channel", id, map[string]any{"name": "不长"})
	c.step()
	want(t, "the group's name", c.group().Name, "不长")
	want(t, "held", c.held(), "")
}

func TestManyMembers(t *testing.T) {
	c := newClub(t)
	partners := []int64{c.pZhang}
	for i := range 60 {
		e := c.employee(fmt.Sprintf("员工%d", i), fmt.Sprintf("139%08d", i), map[string]any{"department_id": c.rd})
		partners = append(partners, c.user12(fmt.Sprintf("u%d", i), fmt.Sprintf("员工%d", i), e))
	}
	c.sync()
	c.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/group/update") }, 1, dingtalktest.DropBefore)
	c.channel("zhang", "大群", "#钉钉", partners...) // made with 40; the call that adds the others fails
	c.step()
	want(t, "members", len(c.group().Members), 61)
	want(t, "made twice", len(c.ding.Duplicates()), 0)
	c.settled()
	if slices.Contains(c.group().Members, c.uLi) {
		t.Error("李四 is in the group")
	}
}

// TestWhatAGroupCosts counts the calls that DingTalk counts against the month's quota, as docs/groups.md tells them.
func TestWhatAGroupCosts(t *testing.T) {
	c, id, chat := paired(t)
	cost := func(what string, most int, do func()) {
		t.Helper()
		calls := c.ding.CountedCalls()
		do()
		c.step()
		c.step()
		if n := c.ding.CountedCalls() - calls; n > most || n == 0 && most > 0 { // fewer when what was to be looked at came together
			t.Errorf("%d counted calls for %s, at most %d were to be expected", n, what, most)
		}
	}
	cost("a channel that is renamed", 4, func() { c.write("mail.channel", id, map[string]any{"name": "改名"}) })
	cost("a partner who leaves the channel", 4, func() { c.change(id, -c.pLi) })
	cost("a group that is renamed", 2, func() { must(t, c.ding.RenameGroup(c.uZhang, chat, "新名")) })
	cost("somebody who joins the group", 2, func() { must(t, c.ding.AddMember(c.uZhang, chat, c.uLi)) })
	cost("what is no business of the group's", 0, func() { c.write("mail.channel", id, map[string]any{"moderation_guidelines_msg": "请勿刷屏"}) })
	cost("a sweep", 1, func() { c.sync() })
}

func TestChannelsOfDisbandedGroupsGoUnderTheGuard(t *testing.T) {
	src := channelPreset(t, func(text string) string {
		return strings.Replace(text, "odoo: never}", "odoo: delete}", 1)
	})
	w := newWorld(t, append(presets(t), src)...)
	if w.odoo == nil {
		t.Skip("acts as users of the stand-in")
	}
	c := &club{one: staffed(w)}
	c.pZhang, c.pLi = c.user12("zhang", "张三", c.zhang), c.user12("li", "李四", c.li)
	c.step()
	var channels []int64
	for i := range 3 {
		channels = append(channels, c.channel("zhang", fmt.Sprintf("项目%d", i), "#钉钉", c.pZhang, c.pLi))
	}
	c.step()
	for _, g := range c.ding.Groups() {
		must(t, c.ding.Disband(c.uZhang, g.ChatID))
	}
	c.step()
	left := 0
	for _, id := range channels {
		if c.people.Get("mail.channel", id) != nil {
			left++
		}
	}
	want(t, "channels left", left, 2)
	if text, _ := c.plan("channel-group"); strings.Count(text, "over the guard") != 2 {
		t.Errorf("the plan says\n%s", text)
	}
}
