package odootest

import "slices"

// mail.message: who sees a message follows from the document it is on (addons/mail/models/mail_message.py).
func init() {
	behaviours["mail.message"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			return values{"date": e.tx.stamp.String(), "author_id": orFalse(e.value("res.users", e.uid, "partner_id"))}
		},
		methods: map[string]method{"set_message_done": {multi: true, run: messageDone}},
		compute: map[string]func(*env, *model, *row) any{
			"needaction": func(e *env, m *model, r *row) any {
				n := e.model("mail.notification")
				own := e.refOf("res.users", e.uid, "partner_id")
				return slices.ContainsFunc(e.rows(n.name).referring(n.field("mail_message_id"), r.id), func(id int64) bool {
					x := e.row(n.name, id)
					return x.ref(n.field("res_partner_id")) == own && !x.flag(n.field("is_read"))
				})
			},
		},
		rules:  messageRules,
		refuse: messageRefusal,
	}
}

// messageRules: a message may be read by its author, those it names or notified, the members of its channels and those who may read the
// document; it may be changed by its author and those who may write the document.
func messageRules(e *env, m *model, op string) func(*row) bool {
	if op == "create" { // posting asks for rights over the document, not over the message
		return nil
	}
	own := e.refOf("res.users", e.uid, "partner_id")
	channels := e.model("mail.channel")
	members := channels.field("channel_partner_ids")
	author, docModel, docID := m.field("author_id"), m.field("model"), m.field("res_id")
	named := []*field{m.field("partner_ids"), m.field("needaction_partner_ids")}
	return func(r *row) bool {
		if r.ref(author) == own || r.createdBy == e.uid {
			return true
		}
		if op == "read" {
			for _, f := range named {
				if slices.Contains(e.links(m, r, f), own) {
					return true
				}
			}
			for _, id := range e.links(m, r, m.field("channel_ids")) {
				if slices.Contains(e.links(channels, e.row(channels.name, id), members), own) {
					return true
				}
			}
		}
		id, _ := r.at(docID).(int64)
		return e.mayDocument(r.str(docModel), id, op)
	}
}

// documentOp is the right over a document that a deed to its messages asks for.
func documentOp(op string) string {
	if op == "read" {
		return "read"
	}
	return "write"
}

func (e *env) mayDocument(model string, id int64, op string) bool {
	m, doc := e.model(model), e.row(model, id)
	if m == nil || doc == nil || !e.mayAccess(m, documentOp(op)) {
		return false
	}
	match, err := e.ruleFor(m, documentOp(op))
	return err == nil && (match == nil || match(doc))
}

// messageRefusal is the fault of a hidden message: the one of its document, where that has one.
func messageRefusal(e *env, m *model, op string, id int64) error {
	model, doc := e.documentOf(m, id)
	target := e.model(model)
	if target == nil {
		return nil
	}
	if err := e.checkAccess(target, documentOp(op)); err != nil {
		return err
	}
	return e.checkRules(target, documentOp(op), []int64{doc})
}

// endThread deletes what hangs on deleted records: their messages and followers.
func (e *env) endThread(m *model, ids []int64) error {
	if m.field("message_ids") == nil {
		return nil
	}
	for _, name := range []string{"mail.message", "mail.followers"} {
		co := e.model(name)
		var gone []int64
		for _, id := range ids {
			gone = append(gone, e.attached(co, m.name, id)...)
		}
		if err := e.delete(co, gone, map[rowKey]bool{}); err != nil {
			return err
		}
	}
	return nil
}
