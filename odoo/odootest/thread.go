package odootest

import (
	"encoding/base64"
	"fmt"
	"html"
	"slices"
	"strings"
)

// threadMethods are those of mail.thread and mail.activity.mixin that the models with a chatter have.
var threadMethods map[string]method

func init() {
	threadMethods = map[string]method{
		"message_post": {multi: true, loose: true, params: []string{"body", "subject", "message_type", "subtype", "parent_id", "attachments", "notif_layout"}, run: messagePost},
		"message_subscribe": {multi: true, params: []string{"partner_ids", "channel_ids", "subtype_ids"}, run: func(c *call) (any, error) {
			return true, c.follow()
		}},
		"activity_schedule": {multi: true, loose: true, params: []string{"act_type_xmlid", "date_deadline", "summary", "note"}, run: func(c *call) (any, error) {
			for _, id := range c.ids {
				if err := c.schedule(id); err != nil {
					return nil, err
				}
			}
			return recordsetResult, nil
		}},
		"activity_feedback": {multi: true, params: []string{"act_type_xmlids", "user_id", "feedback"}, need: 1, run: func(c *call) (any, error) {
			found := c.scheduled()
			for _, id := range found {
				if _, err := c.e.tellDone(c.e.model("mail.activity"), id, c.textArg("feedback")); err != nil {
					return nil, err
				}
			}
			return true, c.e.sudo().unlink(c.e.model("mail.activity"), found)
		}},
		"activity_unlink": {multi: true, params: []string{"act_type_xmlids", "user_id"}, need: 1, run: func(c *call) (any, error) {
			return true, c.e.unlink(c.e.model("mail.activity"), c.scheduled())
		}},
	}
}

// activityFields are what a record shows of its next activity (mail.activity.mixin).
var activityFields = map[string]string{
	"activity_date_deadline": "date_deadline", "activity_type_id": "activity_type_id", "activity_user_id": "user_id",
	"activity_summary": "summary", "activity_state": "state",
}

// nextActivity is a field of the record's activity that is due first.
func (e *env) nextActivity(m *model, r *row, name string) any {
	act := e.model("mail.activity")
	var next *row
	for _, id := range e.attached(act, m.name, r.id) {
		if a := e.row(act.name, id); next == nil || a.str(act.field("date_deadline")) < next.str(act.field("date_deadline")) {
			next = a
		}
	}
	if next == nil {
		return nil
	}
	return e.anyValue(act, next, act.field(name))
}

// messagePost adds a message to a record's chatter; the record's write_date stays.
func messagePost(c *call) (any, error) {
	if c.e.text("res.partner", c.e.refOf("res.users", c.e.uid, "partner_id"), "email") == "" {
		return nil, userFault("Unable to post message, please configure the sender's email address.")
	}
	if len(c.ids) != 1 {
		return nil, pythonFault("ValueError", "Expected singleton: "+c.m.name+pyTuple(idList(c.ids)))
	}
	if err := c.mayPost(); err != nil {
		return nil, err
	}
	vals := values{"message_type": "notification"}
	if _, note := c.e.xmlID("mail.mt_note"); note != 0 {
		vals["subtype_id"] = note
	}
	for _, name := range []string{"body", "subject", "message_type", "parent_id", "message_id", "partner_ids", "author_id", "email_from"} {
		if v, ok := c.args[name]; ok {
			vals[name] = v
		}
	}
	if s, ok := c.args["subtype"].(string); ok {
		if !strings.Contains(s, ".") {
			s = "mail." + s
		}
		_, id := c.e.xmlID(s)
		vals["subtype_id"] = falseFor(id) // an unknown one is none
	}
	if v, ok := c.args["subtype_id"]; ok {
		vals["subtype_id"] = v
	}
	files, err := c.postedFiles()
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		vals["attachment_ids"] = []any{[]any{int64(6), int64(0), idList(files)}}
	}
	return c.e.post(c.m.name, c.ids[0], vals)
}

// postedFiles are the attachments of a message: contents become files of the document, and so do files uploaded for a message yet to be sent.
func (c *call) postedFiles() ([]int64, error) {
	att := c.e.model("ir.attachment")
	var files []int64
	given, _ := c.arg("attachment_ids").([]any)
	for _, v := range given {
		if cmd, ok := v.([]any); ok && len(cmd) > 1 {
			v = cmd[1]
		}
		id, ok := toInt(v)
		r := c.e.row(att.name, id)
		if !ok || r == nil {
			continue
		}
		if r.str(att.field("res_model")) == "mail.compose.message" && r.createdBy == c.e.uid {
			if err := c.e.sudo().write(att, []int64{id}, values{"res_model": c.m.name, "res_id": c.ids[0]}); err != nil {
				return nil, err
			}
		}
		files = append(files, id)
	}
	contents, _ := c.arg("attachments").([]any)
	for _, v := range contents {
		pair, _ := v.([]any)
		if len(pair) < 2 {
			continue
		}
		id, err := c.e.create(att, values{
			"name": pair[0], "datas_fname": pair[0], "datas": base64.StdEncoding.EncodeToString([]byte(pyStr(pair[1]))), "res_model": c.m.name, "res_id": c.ids[0],
		})
		if err != nil {
			return nil, err
		}
		files = append(files, id)
	}
	return files, nil
}

// postByReaders are the models on whose records everybody posts who may read them (_mail_post_access); elsewhere it takes the right to write.
var postByReaders = []string{"hr.leave", "hr.leave.allocation", "hr.employee", "mail.channel", "project.task"}

func (c *call) mayPost() error {
	op := "write"
	if slices.Contains(postByReaders, c.m.name) {
		op = "read"
	}
	if err := c.e.checkAccess(c.m, op); err != nil {
		return err
	}
	if err := c.present(); err != nil {
		return err
	}
	return c.e.checkRules(c.m, op, c.ids)
}

// post adds a message to a record's chatter in the user's name.
func (e *env) post(model string, id int64, vals values) (int64, error) {
	vals["model"], vals["res_id"] = model, id
	if !truthy(vals["message_id"]) {
		vals["message_id"] = fmt.Sprintf("<%d.%d-openerp-%d-%s@odoo>", e.rows("mail.message").next, int64(e.tx.stamp), id, model)
	}
	vals["record_name"] = e.nameOf(model, id)
	if !truthy(vals["parent_id"]) && model != "mail.channel" {
		vals["parent_id"] = falseFor(e.firstMessage(model, id))
	}
	if _, comment := e.xmlID("mail.mt_comment"); model == "mail.channel" && vals["subtype_id"] == comment {
		vals["channel_ids"] = []any{[]any{int64(6), int64(0), []any{id}}}
	}
	return e.postAs(vals)
}

// postAs makes a message and tells whom it concerns. The author and the sender are the user unless vals name others.
func (e *env) postAs(vals values) (int64, error) {
	partner := e.refOf("res.users", e.uid, "partner_id")
	if vals["author_id"] == nil { // False is nobody: then email_from says who it was
		vals["author_id"] = partner
	}
	if from, named := vals["email_from"]; named {
		vals["reply_to"] = from
	} else if mail := e.text("res.partner", partner, "email"); mail != "" {
		vals["email_from"] = e.text("res.partner", partner, "name") + " <" + mail + ">"
		vals["reply_to"] = vals["email_from"]
	}
	for name, v := range vals { // partner ids may come plain here, unlike anywhere else
		if ids, ok := toIDs(v); ok && name == "partner_ids" && len(ids) > 0 {
			vals[name] = []any{[]any{int64(6), int64(0), idList(ids)}}
		}
	}
	m := e.model("mail.message")
	message, err := e.sudo().create(m, vals)
	if err != nil {
		return 0, err
	}
	r := e.row(m.name, message).clone(m) // the rights asked for are those over the document; the message is the user's
	r.createdBy, r.writtenBy = e.uid, e.uid
	if err := e.tx.put(m.name, message, r); err != nil {
		return 0, err
	}
	model, id := e.documentOf(m, message)
	return message, e.notify(message, model, id)
}

// firstMessage is the message that all others of a record's chatter answer; 0 for none.
func (e *env) firstMessage(model string, id int64) int64 {
	messages := e.attached(e.model("mail.message"), model, id)
	if len(messages) == 0 {
		return 0
	}
	return slices.Min(messages)
}

// announce is what mail.thread does when a record is made: its maker follows it and the chatter says so, unless the context
// forbids (addons/mail/models/mail_thread.py, create).
func (e *env) announce(m *model, id int64) error {
	if m.field("message_ids") == nil || truthy(e.context["tracking_disable"]) || m.name == "res.users" || m.name == "mail.channel" {
		return nil
	}
	if quiet := m.name == "hr.department" || m.name == "hr.job"; !quiet && !truthy(e.context["mail_create_nosubscribe"]) && e.uid != superuser {
		c := &call{e: e, m: m, ids: []int64{id}, args: values{"partner_ids": e.refOf("res.users", e.uid, "partner_id")}}
		if err := c.follow(); err != nil {
			return err
		}
	}
	_, note := e.xmlID("mail.mt_note")
	say := func(body string) error {
		_, err := e.post(m.name, id, values{"body": body, "message_type": "notification", "subtype_id": falseFor(note)})
		return err
	}
	if !truthy(e.context["mail_create_nolog"]) && m.name != "hr.leave" && m.name != "account.invoice" { // these come without this message
		if err := say("<p>" + html.EscapeString(m.description) + " created</p>"); err != nil {
			return err
		}
	}
	if trackedSubtypes[m.name] == nil { // its state is not tracked
		return nil
	}
	return say("") // the tracked values it begins with
}

// follow adds followers to the records.
func (c *call) follow() error {
	m := c.e.model("mail.followers")
	partners, _ := toIDs(c.arg("partner_ids"))
	for _, id := range c.ids {
		for _, p := range partners {
			followers := c.e.attached(m, c.m.name, id)
			if slices.ContainsFunc(followers, func(x int64) bool { return c.e.refOf(m.name, x, "partner_id") == p }) {
				continue
			}
			if _, err := c.e.sudo().create(m, values{"res_model": c.m.name, "res_id": id, "partner_id": p}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) schedule(id int64) error {
	vals := values{"res_model_id": c.m.id, "res_id": id, "automated": true}
	for _, n := range []string{"date_deadline", "summary", "note", "user_id"} {
		if v := c.arg(n); truthy(v) {
			vals[n] = v
		}
	}
	if _, typ := c.e.xmlID(c.textArg("act_type_xmlid")); typ != 0 {
		vals["activity_type_id"] = typ
	}
	_, err := c.e.create(c.e.model("mail.activity"), vals)
	return err
}

// scheduled are the activities of the documents that business flows scheduled, of the types and the user asked for.
func (c *call) scheduled() []int64 {
	m := c.e.model("mail.activity")
	names, _ := c.arg("act_type_xmlids").([]any)
	var found []int64
	for _, doc := range c.ids {
		for _, id := range c.e.attached(m, c.m.name, doc) {
			r := c.e.row(m.name, id)
			of := slices.ContainsFunc(names, func(n any) bool {
				xml, _ := n.(string)
				_, typ := c.e.xmlID(xml)
				return typ != 0 && typ == r.ref(m.field("activity_type_id"))
			})
			if user := c.intArg("user_id"); of && r.flag(m.field("automated")) && (user == 0 || user == r.ref(m.field("user_id"))) {
				found = append(found, id)
			}
		}
	}
	return found
}
