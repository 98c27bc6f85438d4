package odootest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"dingbridge/odoo"
)

// partner is the contact of the user with this login.
func (o *office) partner(login string) int64 {
	o.Helper()
	id := o.s.Search("res.users", []any{[]any{"login", "=", login}})[0]
	return o.s.Get("res.users", id)["partner_id"].([]any)[0].(int64)
}

func (o *office) channel(members ...int64) int64 {
	o.Helper()
	id, err := o.bridge.Create(ctx(), "mail.channel", vals{"name": "项目群", "public": "private", "channel_partner_ids": []any{[]any{6, 0, members}}}, nil)
	o.must(err)
	return id
}

func (o *office) members(channel int64) []int64 {
	return slices.Sorted(slices.Values(o.s.Get("mail.channel", channel)["channel_partner_ids"].([]int64)))
}

func TestMembersOfChannels(t *testing.T) {
	o := newOffice(t)
	bridge, zhang, admin := o.partner("bridge"), o.partner("zhang"), o.partner("admin")
	id := o.channel(bridge, zhang)
	got := o.s.Get("mail.channel", id)
	if got["public"] != "private" || got["channel_type"] != "channel" || !reflect.DeepEqual(o.members(id), []int64{bridge, zhang}) {
		t.Fatalf("made: %v", got)
	}
	for _, row := range got["channel_last_seen_partner_ids"].([]int64) {
		if r := o.s.Get("mail.channel.partner", row); r["create_date"] != false || r["write_date"] != false {
			t.Errorf("a member by plain SQL has dates: %v", r)
		}
	}
	write := func(v vals) func() {
		return func() { o.must(o.bridge.Write(ctx(), "mail.channel", []int64{id}, v, nil)) }
	}
	members := func(commands ...any) func() { return write(vals{"channel_partner_ids": commands}) }
	var extra int64
	for _, c := range []struct {
		what  string
		edit  func()
		moves bool
		want  []int64
	}{
		{"out", members([]any{3, zhang}), true, []int64{bridge}},
		{"in", members([]any{4, zhang}), true, []int64{bridge, zhang}},
		{"all", members([]any{6, 0, []int64{bridge, admin}}), true, []int64{admin, bridge}},
		{"invited", func() {
			if _, err := o.bridge.Execute(ctx(), "mail.channel", "channel_invite", []any{[]int64{id}, []int64{zhang}}, nil); !odoo.IsUnreadable(err) {
				t.Errorf("channel_invite: %v", err)
			}
		}, true, []int64{admin, bridge, zhang}},
		{"left", func() {
			_, err := o.s.As("zhang").Call("mail.channel", "action_unfollow", []any{[]int64{id}}, nil)
			o.must(err)
		}, true, []int64{admin, bridge}},
		{"a row", func() {
			var err error
			extra, err = o.bridge.Create(ctx(), "mail.channel.partner", vals{"channel_id": id, "partner_id": zhang}, nil)
			o.must(err)
		}, false, []int64{admin, bridge, zhang}},
		{"a row gone", func() { o.must(o.bridge.Unlink(ctx(), "mail.channel.partner", []int64{extra}, nil)) }, false, []int64{admin, bridge}},
		{"renamed", write(vals{"name": "二"}), true, []int64{admin, bridge}},
		{"said", func() {
			_, err := o.bridge.Execute(ctx(), "mail.channel", "message_post", []any{[]int64{id}}, vals{"body": "x", "message_type": "comment", "subtype": "mail.mt_comment"})
			o.must(err)
		}, false, []int64{admin, bridge}},
	} {
		if moved := o.touched("mail.channel", id, c.edit); moved != c.moves {
			t.Errorf("%s: write_date moved: %v", c.what, moved)
		}
		slices.Sort(c.want)
		if now := o.members(id); !reflect.DeepEqual(now, c.want) {
			t.Errorf("%s: members %v, want %v", c.what, now, c.want)
		}
	}
	if found, err := o.bridge.Search(ctx(), "mail.channel", odoo.Domain{odoo.Cond("channel_partner_ids", "in", []int64{admin})}, odoo.Options{}); err != nil || !slices.Contains(found, id) {
		t.Errorf("found by member: %v %v", found, err)
	}
}

func TestWhatIsSaidInChannels(t *testing.T) {
	o := newOffice(t)
	bridge, zhang, admin := o.partner("bridge"), o.partner("zhang"), o.partner("admin")
	id := o.channel(bridge, zhang)
	post := func(v vals) map[string]any {
		t.Helper()
		m, err := o.bridge.Execute(ctx(), "mail.channel", "message_post", []any{[]int64{id}}, v)
		o.must(err)
		return o.s.Get("mail.message", m.(int64))
	}
	said := post(vals{"body": "<p>代张三</p>", "message_type": "comment", "subtype": "mail.mt_comment", "author_id": zhang, "message_id": "<c1@dingbridge>"})
	if said["author_id"].([]any)[0] != zhang || said["create_uid"].([]any)[1] != "bridge" || said["message_id"] != "<c1@dingbridge>" ||
		!reflect.DeepEqual(said["channel_ids"], []int64{id}) || said["parent_id"] != false || len(said["notification_ids"].([]int64)) != 0 {
		t.Errorf("said for 张三: %v", said)
	}
	mention := post(vals{"body": "@admin", "message_type": "comment", "subtype": "mail.mt_comment", "partner_ids": []any{[]any{4, admin}}})
	if got := mention["needaction_partner_ids"]; !reflect.DeepEqual(got, []int64{admin}) {
		t.Errorf("mentioned: %v", got)
	}
	file := post(vals{"body": "附件", "message_type": "comment", "subtype": "mail.mt_comment", "attachments": []any{[]any{"a.txt", "hello"}}})
	if ids := file["attachment_ids"].([]int64); len(ids) != 1 {
		t.Errorf("attached: %v", ids)
	} else if a := o.s.Get("ir.attachment", ids[0]); a["res_model"] != "mail.channel" || a["res_id"] != id || a["datas"] != "aGVsbG8=" {
		t.Errorf("attached: %v", a)
	}

	o.s.AddUser("plain", "plain-password", "base.group_user")
	plain := o.client("plain", "plain-password")
	if found, err := plain.Search(ctx(), "mail.channel", odoo.Domain{odoo.Cond("id", "=", id)}, odoo.Options{}); err != nil || len(found) != 0 {
		t.Errorf("a stranger sees %v %v", found, err)
	}
	if found, err := plain.Search(ctx(), "mail.message", odoo.Domain{odoo.Cond("model", "=", "mail.channel"), odoo.Cond("res_id", "=", id)}, odoo.Options{}); err != nil || len(found) != 0 {
		t.Errorf("a stranger reads %v %v", found, err)
	}
	if _, err := plain.Execute(ctx(), "mail.channel", "message_post", []any{[]int64{id}}, vals{"body": "x"}); err == nil || !strings.Contains(err.Error(), "Document type: Discussion Channel, Operation: read") {
		t.Errorf("a stranger says: %v", err)
	}
	if _, err := o.bridge.Create(ctx(), "mail.channel", vals{"name": "空", "public": "private"}, nil); err == nil || !strings.Contains(err.Error(), "Discussion Channel") {
		t.Errorf("a private channel of nobody: %v", err)
	}
	if err := o.s.Unlink("mail.channel", 1); err == nil || !strings.Contains(err.Error(), "Whole Company") {
		t.Errorf("general: %v", err)
	}
	o.must(o.bridge.Unlink(ctx(), "mail.channel", []int64{id}, nil))
	if o.s.Get("mail.message", said["id"].(int64)) != nil {
		t.Error("the messages outlived the channel")
	}
}

func TestWhoSeesMessages(t *testing.T) {
	o := newOffice(t)
	order := o.order()
	for _, login := range []string{"plain", "named"} {
		o.s.AddUser(login, login+"-password", "base.group_user")
	}
	m, err := o.bridge.Execute(ctx(), "purchase.order", "message_post", []any{[]int64{order}}, vals{
		"body": "请看", "message_type": "comment", "subtype": "mail.mt_note", "partner_ids": []int64{o.partner("named")},
	})
	o.must(err)
	for login, sees := range map[string]bool{"plain": false, "named": true} {
		c := o.client(login, login+"-password")
		found, err := c.Search(ctx(), "mail.message", odoo.Domain{odoo.Cond("id", "=", m)}, odoo.Options{})
		if err != nil || (len(found) == 1) != sees {
			t.Errorf("%s found %v: %v", login, found, err)
		}
		_, err = c.Read(ctx(), "mail.message", []int64{m.(int64)}, []string{"body"}, nil)
		if (err == nil) != sees || err != nil && !strings.Contains(err.Error(), "Document model: purchase.order) - (Operation: read") {
			t.Errorf("%s reads: %v", login, err)
		}
	}
	internal, err := o.bridge.Search(ctx(), "mail.message", odoo.Domain{odoo.Cond("subtype_id.internal", "=", false), odoo.Cond("id", ">=", m)}, odoo.Options{})
	if err != nil || len(internal) != 0 {
		t.Errorf("a note counts as public: %v %v", internal, err)
	}
}
