package odootest

import (
	"fmt"
	"html"
	"slices"
)

// mail.channel: its members are rows of mail.channel.partner, which also are the relation table of channel_partner_ids
// (addons/mail/models/mail_channel.py).
func init() {
	behaviours["mail.channel"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			_, internal := e.xmlID("base.group_user")
			return values{"public": "groups", "group_public_id": falseFor(internal), "uuid": fmt.Sprintf("%08x-0000-4000-8000-000000000000", e.rows("mail.channel").next)}
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			if e.uid != superuser && e.checkRules(m, "read", []int64{id}) != nil {
				return validation("Error while validating constraint\n\n%s\n\n(Document type: %s, Operation: read) - (Records: %s, User: %d)\nNone",
					forbiddenText, m.description, pyRepr([]any{id}), e.uid)
			}
			_, err := e.sudo().create(e.model("mail.followers"), values{"res_model": m.name, "res_id": id, "channel_id": id})
			return err
		},
		beforeUnlink: func(e *env, _ *model, ids []int64) (func() error, error) {
			if _, general := e.xmlID("mail.channel_all_employees"); general != 0 && slices.Contains(ids, general) {
				return nil, userFault("You cannot delete those groups, as the Whole Company group is required by other modules.")
			}
			return func() error { return nil }, nil
		},
		rules: func(e *env, m *model, op string) func(*row) bool {
			if op == "create" {
				return nil
			}
			own := e.refOf("res.users", e.uid, "partner_id")
			return func(r *row) bool {
				switch r.str(m.field("public")) {
				case "public":
					return true
				case "private":
					return slices.Contains(e.links(m, r, m.field("channel_partner_ids")), own)
				}
				return e.userGroups()[r.ref(m.field("group_public_id"))]
			}
		},
		compute: map[string]func(*env, *model, *row) any{
			"is_member": func(e *env, m *model, r *row) any {
				return slices.Contains(e.links(m, r, m.field("channel_partner_ids")), e.refOf("res.users", e.uid, "partner_id"))
			},
			"is_subscribed": func(e *env, m *model, r *row) any {
				return slices.Contains(e.links(m, r, m.field("channel_partner_ids")), e.refOf("res.users", e.uid, "partner_id"))
			},
			"is_chat": func(_ *env, m *model, r *row) any { return r.str(m.field("channel_type")) == "chat" },
		},
		methods: map[string]method{
			"channel_create":            {params: []string{"name", "privacy"}, need: 1, run: channelCreate},
			"channel_get":               {params: []string{"partners_to", "pin"}, need: 1, run: channelChat},
			"channel_invite":            {multi: true, params: []string{"partner_ids"}, need: 1, run: channelInvite},
			"action_unfollow":           {multi: true, run: channelLeave},
			"channel_join_and_get_info": {multi: true, run: channelJoin},
		},
	}
	behaviours["mail.channel.partner"] = &behaviour{}
}

// sayInChannel posts what a channel says of itself, as the partner it is about.
func (e *env) sayInChannel(id, partner int64, format string, a ...any) error {
	link := fmt.Sprintf(`<a href="#" class="o_channel_redirect" data-oe-id="%d">#%s</a>`, id, html.EscapeString(e.text("mail.channel", id, "name")))
	_, comment := e.xmlID("mail.mt_comment")
	_, err := e.post("mail.channel", id, values{
		"body":         `<div class="o_mail_notification">` + fmt.Sprintf(format, append(a, link)...) + "</div>",
		"message_type": "notification", "subtype_id": falseFor(comment), "author_id": falseFor(partner),
	})
	return err
}

func (c *call) channelInfo(id int64, info any) any {
	m := c.e.model("mail.channel")
	r := c.e.row(m.name, id)
	out := values{
		"id": id, "name": r.str(m.field("name")), "uuid": r.str(m.field("uuid")), "state": "open", "is_minimized": false, "channel_type": r.str(m.field("channel_type")),
		"public": r.str(m.field("public")), "mass_mailing": r.flag(m.field("email_send")), "moderation": false, "is_moderator": false, "create_uid": r.createdBy,
		"group_based_subscription": false, "message_needaction_counter": int64(0), "message_unread_counter": int64(0), "seen_message_id": false,
	}
	if info != nil {
		out["info"] = info
	}
	return out
}

func channelCreate(c *call) (any, error) {
	privacy := "public"
	if s := c.textArg("privacy"); s != "" {
		privacy = s
	}
	own := c.e.refOf("res.users", c.e.uid, "partner_id")
	id, err := c.e.create(c.m, values{"name": c.arg("name"), "public": privacy, "email_send": false, "channel_partner_ids": []any{[]any{int64(4), own}}})
	if err != nil {
		return nil, err
	}
	return c.channelInfo(id, "creation"), c.e.sayInChannel(id, 0, "created %s")
}

// channelChat is the private conversation of the user and others: the one there is, or a new one.
func channelChat(c *call) (any, error) {
	partners, _ := toIDs(c.arg("partners_to"))
	partners = union([]int64{c.e.refOf("res.users", c.e.uid, "partner_id")}, partners)
	slices.Sort(partners)
	members := c.m.field("channel_partner_ids")
	for _, id := range c.e.rows(c.m.name).sorted() {
		r := c.e.row(c.m.name, id)
		now := slices.Sorted(slices.Values(c.e.links(c.m, r, members)))
		if r.str(c.m.field("channel_type")) == "chat" && slices.Equal(now, partners) {
			return c.channelInfo(id, nil), nil
		}
	}
	name := ""
	for _, p := range partners {
		if name != "" {
			name += ", "
		}
		name += c.e.text("res.partner", p, "name")
	}
	id, err := c.e.create(c.m, values{
		"name": name, "public": "private", "email_send": false, "channel_type": "chat", "channel_partner_ids": []any{[]any{int64(6), int64(0), idList(partners)}},
	})
	if err != nil {
		return nil, err
	}
	return c.channelInfo(id, nil), nil
}

// join makes partners members by rows that have dates, as an invitation does, and touches the channel.
func (c *call) join(id int64, partners []int64) error {
	rows := []any{}
	for _, p := range partners {
		rows = append(rows, []any{int64(0), int64(0), map[string]any{"partner_id": p}})
	}
	return c.e.write(c.m, []int64{id}, values{"channel_last_seen_partner_ids": rows})
}

func channelInvite(c *call) (any, error) {
	if err := c.e.checkRules(c.m, "read", c.ids); err != nil {
		return nil, err
	}
	if err := c.present(); err != nil {
		return nil, err
	}
	asked, _ := toIDs(c.arg("partner_ids"))
	own := c.e.refOf("res.users", c.e.uid, "partner_id")
	for _, id := range c.ids {
		now := c.e.links(c.m, c.e.row(c.m.name, id), c.m.field("channel_partner_ids"))
		fresh := slices.DeleteFunc(slices.Clone(asked), func(p int64) bool { return slices.Contains(now, p) })
		if err := c.join(id, fresh); err != nil {
			return nil, err
		}
		for _, p := range fresh {
			said := c.e.sayInChannel(id, p, "%s invited %s to %s", html.EscapeString(c.e.nameOf("res.users", c.e.uid)), html.EscapeString(c.e.nameOf("res.partner", p)))
			if p == own {
				said = c.e.sayInChannel(id, p, "joined %s")
			}
			if said != nil {
				return nil, said
			}
		}
	}
	return noneResult, nil
}

func channelLeave(c *call) (any, error) {
	if err := c.present(); err != nil {
		return nil, err
	}
	own := c.e.refOf("res.users", c.e.uid, "partner_id")
	for _, id := range c.ids {
		if err := c.e.write(c.m, []int64{id}, values{"channel_partner_ids": []any{[]any{int64(3), own}}}); err != nil {
			return nil, err
		}
		if err := c.e.sudo().sayInChannel(id, own, "left %s"); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func channelJoin(c *call) (any, error) {
	if err := c.e.checkRules(c.m, "read", c.ids); err != nil {
		return nil, err
	}
	if err := c.present(); err != nil || len(c.ids) != 1 {
		return nil, err
	}
	id, own := c.ids[0], c.e.refOf("res.users", c.e.uid, "partner_id")
	if !slices.Contains(c.e.links(c.m, c.e.row(c.m.name, id), c.m.field("channel_partner_ids")), own) {
		if err := c.join(id, []int64{own}); err != nil {
			return nil, err
		}
		if err := c.e.sayInChannel(id, own, "joined %s"); err != nil {
			return nil, err
		}
	}
	return c.channelInfo(id, "join"), nil
}
