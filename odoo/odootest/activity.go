package odootest

import (
	"fmt"
	"html"
	"strings"
)

// mail.activity: a to-do of one user on one document. Who may touch it follows from the document; done and cancelled both delete the row,
// but done leaves a message behind (addons/mail/models/mail_activity.py).
func init() {
	behaviours["mail.activity"] = &behaviour{
		createAsBot: true,
		defaults: func(e *env, _ *model) values {
			return values{"date_deadline": e.today(), "user_id": e.uid, "create_user_id": e.uid}
		},
		beforeCreate: activityAllowed,
		beforeWrite: func(e *env, m *model, ids []int64, vals values) (*env, error) {
			if err := e.activityRights(m, "write", ids); err != nil {
				return nil, err
			}
			if user, ok := toInt(vals["user_id"]); ok && user != e.uid {
				for _, id := range ids {
					if model, doc := e.documentOf(m, id); !e.row(m.name, id).flag(m.field("automated")) {
						if err := e.assignable(user, model, doc); err != nil {
							return nil, err
						}
					}
				}
			}
			bot := e.sudo()
			if truthy(vals["user_id"]) {
				bot = bot.with(assignerKey, e.uid)
			}
			return bot, nil
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			model, target := e.documentOf(m, id)
			if err := e.set(m, id, values{"res_model": model, "res_name": e.nameOf(model, target)}); err != nil {
				return err
			}
			return e.assigned(m, id, e.refOf(m.name, id, "create_user_id"))
		},
		afterWrite: func(e *env, m *model, ids []int64, _ values, _ map[int64]*row) error {
			assigner, ok := e.context[assignerKey].(int64)
			if !ok {
				return nil
			}
			for _, id := range ids {
				if err := e.assigned(m, id, assigner); err != nil {
					return err
				}
			}
			return nil
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			return func() error { return nil }, e.activityRights(m, "unlink", ids)
		},
		compute: map[string]func(*env, *model, *row) any{
			"state": func(e *env, m *model, r *row) any {
				today, due := e.today(), r.str(m.field("date_deadline"))
				switch {
				case due < today:
					return "overdue"
				case due == today:
					return "today"
				}
				return "planned"
			},
			"activity_category": func(e *env, m *model, r *row) any {
				return e.value("mail.activity.type", r.ref(m.field("activity_type_id")), "category")
			},
			"icon": func(e *env, m *model, r *row) any {
				return e.value("mail.activity.type", r.ref(m.field("activity_type_id")), "icon")
			},
		},
		methods: map[string]method{
			"action_done":     {multi: true, run: activityDone},
			"action_feedback": {multi: true, params: []string{"feedback"}, run: activityDone},
		},
	}
}

// assignerKey is the context entry that tells the bot's write who reassigns an activity.
const assignerKey = "odootest_assigner"

func (e *env) today() string { return e.tx.stamp.Time().Format("2006-01-02") }

// documentOf is the record an activity or a message is about.
func (e *env) documentOf(m *model, id int64) (string, int64) {
	r := e.row(m.name, id)
	if r == nil {
		return "", 0
	}
	target, _ := r.at(m.field("res_id")).(int64)
	if f := m.field("res_model_id"); f != nil {
		return e.text("ir.model", r.ref(f), "model"), target
	}
	return r.str(m.field("model")), target
}

// activityAllowed checks, before an activity is made, its document and who is to see to it.
func activityAllowed(e *env, _ *model, vals values) error {
	named, _ := toInt(vals["res_model_id"])
	model := e.text("ir.model", named, "model")
	doc, ok := toInt(vals["res_id"])
	if !ok || model == "" || e.uid == superuser { // what is missing is told by the columns
		return nil
	}
	if err := e.checkDocuments(model, []int64{doc}, "write", "create"); err != nil {
		return err
	}
	if user, ok := toInt(vals["user_id"]); ok && user != e.uid && !truthy(vals["automated"]) {
		return e.assignable(user, model, doc)
	}
	return nil
}

// activityRights lets those change activities to whom all of them are assigned, and those who may write the documents.
func (e *env) activityRights(m *model, op string, ids []int64) error {
	if err := e.checkAccess(m, op); err != nil || e.uid == superuser {
		return err
	}
	own, documents := true, map[string][]int64{}
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil && op == "write" {
			return goneDocument(m.name, op, ids, e.uid)
		}
		if r == nil {
			return missing(fmt.Sprintf("Record does not exist or has been deleted.\n\n(Records: %s, User: %d)", pyRepr(idList(ids)), e.uid))
		}
		own = own && r.ref(m.field("user_id")) == e.uid
		model, doc := e.documentOf(m, id)
		documents[model] = append(documents[model], doc)
	}
	if own {
		return nil
	}
	for _, model := range sortedKeys(documents) {
		if err := e.checkDocuments(model, documents[model], "write", op); err != nil {
			return err
		}
	}
	return nil
}

func goneDocument(model, op string, ids []int64, uid int64) error {
	return missing(fmt.Sprintf("Missing document(s):One of the documents you are trying to access has been deleted, please try again after refreshing."+
		"\n\n(Document type: %s, Operation: %s, Records: %s, User: %d)", model, op, pyRepr(idList(ids)), uid))
}

// checkDocuments asks for the right to do docOp on the documents of activities on which op is done.
func (e *env) checkDocuments(model string, ids []int64, docOp, op string) error {
	m := e.model(model)
	if m == nil {
		return nil
	}
	if err := e.checkAccess(m, docOp); err != nil {
		return err
	}
	for _, id := range ids {
		if e.row(model, id) == nil {
			return goneDocument(model, docOp, ids, e.uid)
		}
	}
	if e.checkRules(m, docOp, ids) != nil {
		return accessFault(fmt.Sprintf("%s\n\n(Document type: Activity, Operation: %s) - (Records: %s, User: %d)", forbiddenText, op, pyRepr(idList(ids)), e.uid))
	}
	return nil
}

// assignable tells whether a user may read the document he is to see to.
func (e *env) assignable(user int64, model string, doc int64) error {
	m, other := e.model(model), newEnv(e.tx, user)
	if m == nil || other.checkAccess(m, "read") == nil && other.checkRules(m, "read", []int64{doc}) == nil {
		return nil
	}
	return userFault("Assigned user %s has no access to the document and is not able to handle this activity.", e.nameOf("res.users", user))
}

// assigned makes the user of an activity a follower of the document and, if somebody else put it on him, tells him so in a message that
// belongs to no document.
func (e *env) assigned(m *model, id, assigner int64) error {
	model, doc := e.documentOf(m, id)
	target, user := e.model(model), e.refOf(m.name, id, "user_id")
	partner := e.refOf("res.users", user, "partner_id")
	if target == nil || target.field("message_ids") == nil || e.row(model, doc) == nil {
		return nil
	}
	c := &call{e: e, m: target, ids: []int64{doc}, args: values{"partner_ids": partner}}
	if err := c.follow(); err != nil || user == assigner || assigner == superuser || assigner == 0 {
		return err
	}
	r := e.row(m.name, id)
	typ, name := e.text("mail.activity.type", r.ref(m.field("activity_type_id")), "name"), r.str(m.field("res_name"))
	summary := r.str(m.field("summary"))
	body := fmt.Sprintf("<div><span>%s</span> assigned you an activity <span>%s</span> (<span>%s</span>) on <span>%s</span></div>",
		html.EscapeString(e.nameOf("res.users", assigner)), html.EscapeString(typ), html.EscapeString(summary), html.EscapeString(name))
	if summary == "" {
		summary = typ
	}
	_, note := e.xmlID("mail.mt_note")
	author := newEnv(e.tx, assigner)
	author.context = e.context
	_, err := author.postAs(values{
		"model": false, "res_id": int64(0), "record_name": name, "subject": name + ": " + summary + " assigned to you", "body": body,
		"message_type": "notification", "subtype_id": falseFor(note), "partner_ids": []any{[]any{int64(6), int64(0), []any{partner}}},
	})
	return err
}

// activityDone is action_feedback: what was done is told in the document's chatter, in the name of who did it, and the activities go.
// It answers the last message.
func activityDone(c *call) (any, error) {
	if err := c.present(); err != nil {
		return nil, err
	}
	if err := c.e.activityRights(c.m, "unlink", c.ids); err != nil {
		return nil, err
	}
	var message any = false
	for _, id := range c.ids {
		posted, err := c.e.tellDone(c.m, id, c.textArg("feedback"))
		if err != nil {
			return nil, err
		}
		message = posted
	}
	return message, c.e.sudo().unlink(c.m, c.ids)
}

// tellDone posts the message that an activity leaves behind when it is done. Its author is the user's contact or the default the context
// has for it; its text names the user in any case.
func (e *env) tellDone(m *model, id int64, feedback string) (int64, error) {
	r := e.row(m.name, id)
	model, doc := e.documentOf(m, id)
	typ := r.ref(m.field("activity_type_id"))
	_, subtype := e.xmlID("mail.mt_activities")
	return e.post(model, doc, values{
		"body":      doneBody(e.text("mail.activity.type", typ, "icon"), e.text("mail.activity.type", typ, "name"), e.nameOf("res.users", e.uid), r.str(m.field("summary")), r.str(m.field("note")), feedback),
		"author_id": e.context["default_author_id"], "message_type": "notification", "subject": "Re: " + e.nameOf(model, doc), "subtype_id": falseFor(subtype), "mail_activity_type_id": falseFor(typ),
	})
}

// doneBody is the text of mail.message_activity_done.
func doneBody(icon, typ, who, summary, note, feedback string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<div>\n    <p>\n        <strong><span class=\"fa %s\"></span></strong> ", icon)
	if typ != "" {
		fmt.Fprintf(&b, "<span>%s</span>", html.EscapeString(typ))
	}
	fmt.Fprintf(&b, " done\n        by <span>%s</span>", html.EscapeString(who))
	if summary != "" {
		fmt.Fprintf(&b, "<span>:</span>\n        <span>%s</span>", html.EscapeString(summary))
	}
	b.WriteString("\n    </p>\n    ")
	if note != "" {
		fmt.Fprintf(&b, "<div style=\"margin-left:8px\">%s</div>", note)
	}
	b.WriteString("\n    ")
	if feedback != "" {
		if !strings.HasPrefix(feedback, "<") {
			feedback = "<p>" + feedback + "</p>"
		}
		fmt.Fprintf(&b, "<div style=\"margin-top:8px\">\n        <strong> Feedback</strong>\n    <div style=\"margin-left:8px\">%s</div>\n    </div>", feedback)
	}
	b.WriteString("\n</div>\n        ")
	return b.String()
}

// endActivities deletes what waits on documents that are deleted or archived; nobody is told.
func (e *env) endActivities(m *model, ids []int64) error {
	if m.field("activity_ids") == nil || m.field("activity_ids").inverse != "res_id" {
		return nil
	}
	act := e.model("mail.activity")
	var open []int64
	for _, id := range ids {
		open = append(open, e.attached(act, m.name, id)...)
	}
	return e.sudo().unlink(act, open)
}
