package odootest

import "slices"

// notify makes the mail.notification rows of a message: for the partners it names and, when its subtype is one followers get, for the
// followers, never for its author. Users who read in Odoo have it unread; for the others it counts as read and sent by mail.
func (e *env) notify(message int64, model string, id int64) error {
	msg := e.model("mail.message")
	r := e.row(msg.name, message)
	named, _ := r.at(msg.field("partner_ids")).([]int64)
	partners := slices.Clone(named)
	subtype := r.ref(msg.field("subtype_id"))
	if _, comment := e.xmlID("mail.mt_comment"); comment != 0 && subtype == comment {
		if m := e.model(model); m != nil {
			if target := e.row(model, id); target != nil {
				partners = union(partners, e.followers(m, target))
			}
		}
	}
	author := r.ref(msg.field("author_id"))
	partners = slices.DeleteFunc(partners, func(p int64) bool { return p == author })
	users := e.model("res.users")
	var waiting []int64
	for _, p := range partners {
		inbox := false
		for _, u := range e.rows(users.name).referring(users.field("partner_id"), p) {
			inbox = inbox || e.text(users.name, u, "notification_type") == "inbox"
		}
		vals := values{"mail_message_id": message, "res_partner_id": p, "is_read": !inbox, "is_email": !inbox}
		if !inbox {
			vals["email_status"] = "sent"
		}
		if _, err := e.sudo().create(e.model("mail.notification"), vals); err != nil {
			return err
		}
		waiting = append(waiting, p)
	}
	if len(waiting) == 0 {
		return nil
	}
	return e.link(msg, msg.field("needaction_partner_ids"), message, waiting)
}

// messageDone is set_message_done: the user's unread notifications of the messages are deleted.
func messageDone(c *call) (any, error) {
	n := c.e.model("mail.notification")
	own := c.e.refOf("res.users", c.e.uid, "partner_id")
	var ids []int64
	for _, message := range c.ids {
		for _, id := range c.e.rows(n.name).referring(n.field("mail_message_id"), message) {
			if r := c.e.row(n.name, id); r.ref(n.field("res_partner_id")) == own && !r.flag(n.field("is_read")) {
				ids = append(ids, id)
			}
		}
	}
	return noneResult, c.e.sudo().unlink(n, ids)
}
