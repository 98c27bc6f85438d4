package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// club is the small company whose people are users of Odoo, with channels that are groups.
type club struct {
	*one
	pZhang, pLi int64 // partners
}

// channelPreset is the preset, with a guard that lets everything through.
func channelPreset(t *testing.T, edits ...func(string) string) mapping.Source {
	t.Helper()
	src, ok := mapping.Preset("channel-group")
	if !ok {
		t.Fatal("no preset channel-group")
	}
	text := openGuard(string(src.Data))
	for _, edit := range edits {
		text = edit(text)
	}
	return mapping.Source{File: src.File, Data: []byte(text)}
}

func newClub(t *testing.T, more ...mapping.Source) *club {
	t.Helper()
	w := newWorld(t, append(append(presets(t), channelPreset(t)), more...)...)
	if w.odoo == nil {
		t.Skip("acts as users of the stand-in")
	}
	c := &club{one: staffed(w)}
	c.pZhang, c.pLi = c.user12("zhang", "张三", c.zhang), c.user12("li", "李四", c.li)
	c.step()
	return c
}

// user12 makes a user of Odoo for an employee and returns the partner.
func (c *club) user12(login, name string, employee int64) int64 {
	c.t.Helper()
	id := c.odoo.AddUser(login, "x", "base.group_user")
	must(c.t, c.odoo.Err())
	partner := id64(c.t, text(c.people.Get("res.users", id), "partner_id"))
	c.write("res.partner", partner, map[string]any{"name": name})
	c.write("hr.employee", employee, map[string]any{"user_id": id})
	c.write("hr.employee", employee, map[string]any{"name": name}) // setting the user changed it
	return partner
}

// channel is made by a user of Odoo with these partners.
func (c *club) channel(login, name, about string, partners ...int64) int64 {
	c.t.Helper()
	ids := make([]any, len(partners))
	for i, p := range partners {
		ids[i] = p
	}
	id, err := c.odoo.As(login).Create("mail.channel", map[string]any{
		"name": name, "description": about, "public": "public", "channel_partner_ids": []any{[]any{int64(6), int64(0), ids}},
	})
	must(c.t, err)
	return id
}

// partners are the members of a channel.
func (c *club) partners(channel int64) []int64 {
	c.t.Helper()
	list, ok := c.people.Get("mail.channel", channel)["channel_partner_ids"].([]int64)
	if !ok {
		c.t.Fatalf("the members of a channel are a %T", c.people.Get("mail.channel", channel)["channel_partner_ids"])
	}
	return slices.Sorted(slices.Values(list))
}

// change adds partners to a channel, and takes negative ones out.
func (c *club) change(channel int64, partners ...int64) {
	c.t.Helper()
	var commands []any
	for _, p := range partners {
		if p > 0 {
			commands = append(commands, []any{int64(4), p, int64(0)})
		} else {
			commands = append(commands, []any{int64(3), -p, int64(0)})
		}
	}
	c.write("mail.channel", channel, map[string]any{"channel_partner_ids": commands})
}

// group is the only living group that an app made.
func (c *club) group() dingtalktest.Group {
	c.t.Helper()
	var made []dingtalktest.Group
	for _, g := range c.ding.Groups() {
		if g.ByAPI {
			made = append(made, g)
		}
	}
	if len(made) != 1 {
		c.t.Fatalf("%d groups were made, not one: %+v", len(made), made)
	}
	return made[0]
}

func (c *club) wantMembers(what string, userids ...string) {
	c.t.Helper()
	got := slices.Sorted(slices.Values(c.group().Members))
	slices.Sort(userids)
	want(c.t, what, strings.Join(got, " "), strings.Join(userids, " "))
}

func (c *club) wantPartners(channel int64, what string, partners ...int64) {
	c.t.Helper()
	slices.Sort(partners)
	want(c.t, what, fmt.Sprint(c.partners(channel)), fmt.Sprint(partners))
}

// setup makes the fields that a mapping asks for, as `dingbridge setup` does.
func (c *club) setup(name string) {
	c.t.Helper()
	m, _ := c.set().Get(name)
	for _, f := range m.SetupFields() {
		model := c.people.Search("ir.model", []any{[]any{"model", "=", f.Model}})[0]
		c.people.Create("ir.model.fields", map[string]any{"model_id": model, "name": f.Name, "ttype": f.Type, "field_description": f.Label, "state": "manual"})
	}
	c.reopen()
	c.sync()
}
