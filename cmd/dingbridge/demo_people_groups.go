package main

import (
	"fmt"
	"slices"
	"strings"

	"dingbridge/dingtalk/dingtalktest"
)

var (
	txtClubMade    = tr("%s makes the channel %s in odoo, with %s: a group in dingtalk", "%s 在 odoo 建立频道 %s，成员有 %s：钉钉中建群")
	txtClubRenamed = tr("the channel is renamed %s: so is the group", "频道改名为 %s：群名随之修改")
	txtClubJoined  = tr("%s joins the group in dingtalk: a member of the channel", "%s 在钉钉入群：成为频道成员")
	txtClubWritten = tr("%s writes in the channel: the robot says it in the group", "%s 在频道发言：机器人转述到群里")
	txtClubAsked   = tr("%s says something to the robot in the group: it stands in the channel, in his name", "%s 在群里对机器人说话：以其名义写入频道")
)

// club is a channel with its group.
type club struct {
	channel int64
	name    string
	members []string // logins
	said    []string // what stands in the channel: who and what
}

// clubActs are the acts about channels and groups.
func (n *newsroom) clubActs(d *demo) []func() (edit, error) {
	return []func() (edit, error){
		func() (edit, error) { return n.found(d) }, n.rename, func() (edit, error) { return n.join(d) }, n.writeInChannel, n.sayInGroup,
	}
}

// club is the one of the present acts.
func (n *newsroom) club() *club { return n.clubs[len(n.clubs)-1] }

// clubGroup is the living group that an app made with the club's name.
func (n *newsroom) clubGroup(c *club) dingtalktest.Group {
	for _, g := range n.ding.Groups() {
		if g.ByAPI && !g.Disbanded && g.Name == c.name {
			return g
		}
	}
	return dingtalktest.Group{}
}

// together says whether the group and the channel have the club's members, and no others.
func (n *newsroom) together(c *club) bool {
	var users []string
	var partners []int64
	for _, login := range c.members {
		users, partners = append(users, n.cast[login].userid), append(partners, n.cast[login].partner)
	}
	slices.Sort(users)
	slices.Sort(partners)
	there, _ := n.odoo.Get("mail.channel", c.channel)["channel_partner_ids"].([]int64)
	return slices.Equal(slices.Sorted(slices.Values(n.clubGroup(c).Members)), users) && slices.Equal(slices.Sorted(slices.Values(there)), partners)
}

// found lets the seller make a channel that asks for a group.
func (n *newsroom) found(d *demo) (edit, error) {
	seller := n.cast["seller"]
	n.clubs = append(n.clubs, &club{name: "项目" + n.next(), members: []string{"seller", "assistant"}})
	c := n.club()
	return edit{toDing, n.say(txtClubMade, seller.name, c.name, n.cast["assistant"].name), func() (err error) {
		c.channel, err = seller.Create("mail.channel", map[string]any{
			"name": c.name, "description": "#钉钉", "public": "public", "channel_partner_ids": []any{[]any{6, 0, []int64{seller.partner, n.cast["assistant"].partner}}},
		})
		return err
	}, func() bool { return n.together(c) && d.linked("channel-group", c.channel) }}, nil
}

func (n *newsroom) rename() (edit, error) {
	c := n.club()
	name := c.name + "二期"
	return edit{toDing, n.say(txtClubRenamed, name), func() error {
		c.name = name
		return n.cast["seller"].Write("mail.channel", c.channel, map[string]any{"name": name})
	}, func() bool { return n.together(c) }}, nil
}

func (n *newsroom) join(d *demo) (edit, error) {
	c, buyer := n.club(), n.cast["buyer"]
	return d.comparedEarly(edit{toOdoo, n.say(txtClubJoined, buyer.name), func() error {
		c.members = append(c.members, buyer.login)
		return n.ding.AddMember(n.cast["seller"].userid, n.clubGroup(c).ChatID, buyer.userid)
	}, func() bool { return n.together(c) }}, "channel-group"), nil
}

// writeInChannel lets the seller say something to all members. No answer is lost here: a robot's message without one is held for a person.
func (n *newsroom) writeInChannel() (edit, error) {
	c, seller := n.club(), n.cast["seller"]
	words := "第" + n.next() + "次例会"
	return edit{toDing, n.say(txtClubWritten, seller.name), func() error {
		n.present = nil
		n.owe(words, c.members...)
		c.said = append(c.said, seller.name+": "+words)
		return seller.write("mail.channel", c.channel, words)
	}, n.told}, nil
}

// sayInGroup lets the assistant say something to the robot. DingTalk sends that once and keeps no list of it, so that it is not lost here.
func (n *newsroom) sayInGroup() (edit, error) {
	c, assistant := n.club(), n.cast["assistant"]
	words := "第" + n.next() + "个问题"
	line := assistant.name + ": " + words
	return edit{toOdoo, n.say(txtClubAsked, assistant.name), func() error {
		lose := 0.0
		n.ding.Set(func(k *dingtalktest.Knobs) { lose, k.Lose = k.Lose, 0 })
		defer n.ding.Set(func(k *dingtalktest.Knobs) { k.Lose = lose })
		c.said = append(c.said, line)
		_, err := n.ding.SayToRobot(assistant.userid, n.clubGroup(c).OpenConversationID, words)
		return err
	}, func() bool { return slices.Contains(n.saidIn(c), line) }}, nil
}

// saidIn is what stands in the club's channel: who and what.
func (n *newsroom) saidIn(c *club) (out []string) {
	return n.messages([]any{"model", "=", "mail.channel"}, []any{"res_id", "=", c.channel}, []any{"message_type", "=", "comment"})
}

// wrongClubs are the points in which a group differs from its channel, or what was said there from what is to stand there.
func (n *newsroom) wrongClubs() []string {
	var out []string
	for _, c := range n.clubs {
		if !n.together(c) {
			out = append(out, fmt.Sprintf("channel and group of %s: not the members %s on both sides", c.name, strings.Join(c.members, ", ")))
		}
		said := n.saidIn(c)
		slices.Sort(said)
		if all := slices.Sorted(slices.Values(c.said)); !slices.Equal(said, all) {
			out = append(out, fmt.Sprintf("in %s stands %q, not %q", c.name, said, all))
		}
	}
	return out
}
