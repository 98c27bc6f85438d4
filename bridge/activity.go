package bridge

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// activityModel has rows that are deleted when they are done, and when they are cancelled: only a message that is left behind in the
// chatter of the document tells which (addons/mail/models/mail_activity.py: action_feedback).
const activityModel = "mail.activity"

// coveredField is a field that the bridge adds to an activity: whether an approval asks for the same already.
const coveredField = "covered"

// approvalActivities are the activities by which Odoo itself asks for a decision.
var approvalActivities = []string{
	"hr_holidays.mail_act_leave_approval", "hr_holidays.mail_act_leave_second_approval",
	"hr_holidays.mail_act_leave_allocation_approval", "hr_holidays.mail_act_leave_allocation_second_approval",
	"hr_expense.mail_act_expense_approval",
}

// errandFields are what is read of the mapping's records to remember it in an Errand.
func errandFields(m *mapping.Mapping) []string {
	if m.Model != activityModel || m.Kind != todoKind {
		return nil
	}
	return []string{"res_model", "res_id", "activity_type_id", "user_id", "summary", "automated"}
}

// errandOf is what an activity's record tells; nil for other records.
func errandOf(m *mapping.Mapping, rec mapping.Record) *Errand {
	if m.Model != activityModel || m.Kind != todoKind || rec == nil {
		return nil
	}
	e := &Errand{Model: textOf(rec["res_model"]), Type: recordID(rec["activity_type_id"]), User: recordID(rec["user_id"]), Summary: textOf(rec["summary"])}
	e.Record, _ = rec["res_id"].(int64)
	return e
}

// rememberErrand keeps what the activity is about while it can be read.
func (b *batch) rememberErrand(t *task, l *Link) {
	e := errandOf(b.m, t.odoo.Record)
	if e == nil || l.State == Held {
		return
	}
	if l.Errand != nil {
		e.Owner, e.Doer = l.Errand.Owner, l.Errand.Doer
	}
	l.Errand = e
}

// judgeActivities says of activities what their rows do not: whether those that are gone were done, and whether an approval covers those
// that are new.
func (b *batch) judgeActivities() {
	if b.m.Model != activityModel || b.m.Kind != todoKind {
		return
	}
	gone := map[string][]*task{} // by the document's model
	for _, t := range b.tasks {
		switch l := t.link; {
		case t.fail != nil:
		case t.odoo.Record != nil:
			covered, err := b.covered(t.odoo.Record)
			if err != nil {
				t.fail = classify(err)
				continue
			}
			t.odoo.Record[coveredField] = covered
		case l != nil && (l.State == Linked || l.State == Creating) && t.odoo.Existence == Gone && l.Errand != nil && l.Errand.Model != "":
			gone[l.Errand.Model] = append(gone[l.Errand.Model], t)
		}
	}
	for model, tasks := range gone {
		if err := b.judgeGone(model, tasks); err != nil {
			for _, t := range tasks {
				t.fail = classify(err)
			}
		}
	}
}

// covered says whether an approval asks for what the activity asks for: of a model whose documents are approved in DingTalk, Odoo's own
// request for a decision, and what Odoo schedules by itself on a document whose approval runs.
func (b *batch) covered(rec mapping.Record) (bool, error) {
	e := errandOf(b.m, rec)
	for _, m := range b.e.mappings().ByModel(e.Model) {
		if m.Approval == nil || !m.CreateDingTalk.Allowed {
			continue
		}
		types, err := b.e.odoo.xmlIDs(b.ctx, approvalActivities)
		if err != nil || slices.Contains(types, e.Type) {
			return err == nil, err
		}
		if automated, _ := rec["automated"].(bool); !automated {
			continue
		}
		id := odooID(e.Record)
		var l *Link
		if err := b.e.Store.View(b.ctx, func(tx Tx) error {
			on, err := tx.LinksOn(m.Name, mapping.Odoo, []ID{id})
			l = on[id]
			return err
		}); err != nil {
			return false, err
		}
		if l != nil && (l.State == Linked || l.State == Creating || l.State == Pending) {
			return true, nil
		}
	}
	return false, nil
}

// doneMessage is a message that says of an activity that it was done.
type doneMessage struct {
	id, record, kind, author int64
	at, text                 string
}

// judgeGone decides about deleted activities on documents of one model: done, where a message says so; unknown, where the bridge's user
// may not read the document and so cannot know; else they stay gone, which means cancelled.
func (b *batch) judgeGone(model string, tasks []*task) error {
	var records []int64
	since := ""
	for _, t := range tasks {
		records = append(records, t.link.Errand.Record)
		if since == "" || t.link.OdooCreated < since {
			since = t.link.OdooCreated
		}
	}
	slices.Sort(records)
	records = slices.Compact(records)
	hidden, err := b.e.odoo.hidden(b.ctx, model, records)
	if err != nil {
		return err
	}
	messages, err := b.e.odoo.doneMessages(b.ctx, model, records, since)
	if err != nil {
		return err
	}
	partners, err := b.e.odoo.partnersOf(b.ctx, tasks)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		e := t.link.Errand
		m, err := b.claim(t, messages, partners[e.User])
		switch {
		case err != nil:
			return err
		case m != nil:
			t.odoo.Existence, t.odoo.Why = Finished, fmt.Sprintf("done in odoo: message %d on %s %d says so", m.id, model, e.Record)
			t.message = m.id
		case hidden[e.Record]:
			t.odoo.Existence = Unseen
			t.odoo.Why = fmt.Sprintf("deleted in odoo, and the bridge's user may not read %s %d, where a message would tell whether it was done", model, e.Record)
		default:
			t.odoo.Why = "deleted in odoo, and no message says that it was done: cancelled"
		}
	}
	return nil
}

// claim finds the message that says that the task's activity was done, one that no other activity has claimed. Of several, one by whom it
// was assigned to comes first.
func (b *batch) claim(t *task, messages []doneMessage, partner int64) (*doneMessage, error) {
	e := t.link.Errand
	var best *doneMessage
	for i := range messages {
		m := &messages[i]
		if m.record != e.Record || m.kind != e.Type || m.at < t.link.OdooCreated || !strings.Contains(m.text, oneLine(e.Summary)) {
			continue
		}
		taken := slices.ContainsFunc(b.tasks, func(o *task) bool { return o != t && o.message == m.id })
		if !taken {
			var by string
			if err := b.e.Store.View(b.ctx, func(tx Tx) (err error) {
				by, err = tx.Meta(messageKey(b.m, m.id))
				return err
			}); err != nil {
				return nil, err
			}
			taken = by != "" && by != t.link.Ref()
		}
		if !taken && (best == nil || m.author == partner && best.author != partner) {
			best = m
		}
	}
	return best, nil
}

// messageKey is the meta key of which link a message told that it was done.
func messageKey(m *mapping.Mapping, id int64) string {
	return "done/" + m.Name + "/" + strconv.FormatInt(id, 10)
}

// keepClaim remembers for the next one that the message is taken.
func (b *batch) keepClaim(tx Tx, t *task) error {
	if t.message == 0 || t.link == nil || t.link.State != Settled {
		return nil
	}
	return tx.SetMeta(messageKey(b.m, t.message), t.link.Ref())
}

// oneLine is a text without its line ends and repeated blanks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// doneMessages are the messages on the records since the time, by Odoo's clock, that say of activities that they were done.
func (s *odooSide) doneMessages(ctx context.Context, model string, records []int64, since string) ([]doneMessage, error) {
	subtypes, err := s.xmlIDs(ctx, []string{"mail.mt_activities"})
	if err != nil {
		return nil, err
	}
	domain := odoo.Domain{
		odoo.Cond("model", "=", model), odoo.Cond("res_id", "in", records), odoo.Cond("subtype_id", "in", subtypes),
	}
	if since != "" {
		domain = append(domain, odoo.Cond("create_date", ">=", since)) // by the same clock as the activity's
	}
	rows, err := s.client.SearchRead(ctx, "mail.message", domain, []string{"res_id", "mail_activity_type_id", "author_id", "create_date", "body"}, odoo.Options{Order: "id"})
	if err != nil {
		return nil, err
	}
	out := make([]doneMessage, 0, len(rows))
	for _, row := range rows {
		m := doneMessage{kind: idOf(row["mail_activity_type_id"]), author: idOf(row["author_id"])}
		m.id, _ = row["id"].(int64)
		m.record, _ = row["res_id"].(int64)
		m.at, _ = row["create_date"].(string)
		body, _ := row["body"].(string)
		m.text = oneLine(mapping.PlainHTML(body))
		out = append(out, m)
	}
	return out, nil
}

// hidden are those of the records that exist and that the bridge's user may not read.
func (s *odooSide) hidden(ctx context.Context, model string, records []int64) (map[int64]bool, error) {
	out := map[int64]bool{}
	seen, err := s.client.Search(ctx, model, odoo.Domain{odoo.Cond("id", "in", records)}, odoo.Options{Context: odoo.Context{"active_test": false}})
	if f := classify(err); f != nil && f.Class != FailReject && f.Class != FailHalt {
		return nil, err
	} else if f != nil { // no right to read the model at all
		for _, id := range records {
			out[id] = true
		}
		return out, nil
	}
	missing := slices.DeleteFunc(slices.Clone(records), func(id int64) bool { return slices.Contains(seen, id) })
	there, err := s.client.Exists(ctx, model, missing)
	for _, id := range there {
		out[id] = true
	}
	return out, err
}

// partnersOf are the partners of those to whom the tasks' activities were assigned, by user.
func (s *odooSide) partnersOf(ctx context.Context, tasks []*task) (map[int64]int64, error) {
	var users []int64
	for _, t := range tasks {
		if u := t.link.Errand.User; u > 0 && !slices.Contains(users, u) {
			users = append(users, u)
		}
	}
	found, err := s.readRecords(ctx, "res.users", users, []string{"partner_id"})
	out := make(map[int64]int64, len(found))
	for id, rec := range found {
		out[id] = recordID(rec["partner_id"])
	}
	return out, err
}

// xmlIDs are the records of these external ids, as far as they exist.
func (s *odooSide) xmlIDs(ctx context.Context, names []string) ([]int64, error) {
	s.xmlMu.Lock()
	defer s.xmlMu.Unlock()
	var out []int64
	for _, full := range names {
		id, known := s.xml[full]
		if !known {
			module, name, _ := strings.Cut(full, ".")
			rows, err := s.client.SearchRead(ctx, "ir.model.data", odoo.Domain{odoo.Cond("module", "=", module), odoo.Cond("name", "=", name)}, []string{"res_id"}, odoo.Options{Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(rows) > 0 {
				id, _ = rows[0]["res_id"].(int64)
			}
			if s.xml == nil {
				s.xml = map[string]int64{}
			}
			s.xml[full] = id
		}
		if id > 0 {
			out = append(out, id)
		}
	}
	return out, nil
}

// finishActivity plans to say that an activity was done in DingTalk, by whom it is assigned to.
func (b *batch) finishActivity(t *task, row string) {
	c := &Change{Op: OpFinish, Side: mapping.Odoo, ID: t.odoo.ID, Reason: row}
	user, _ := t.odoo.Record["user_id"].(map[string]any)
	found, err := b.e.odoo.readRecords(b.ctx, "res.users", []int64{recordID(t.odoo.Record["user_id"])}, []string{"partner_id", "lang"})
	if err != nil {
		t.fail = classify(err)
		return
	}
	who := found[recordID(t.odoo.Record["user_id"])]
	if partner := recordID(who["partner_id"]); partner > 0 {
		c.By = odooID(partner)
	}
	c.Text = "Done in DingTalk by " + textOf(user["name"])
	if strings.HasPrefix(textOf(who["lang"]), "zh") {
		c.Text = textOf(user["name"]) + " 在钉钉完成"
	}
	t.plan.Changes = []*Change{c}
	t.plan.Settle = row
}

// finishActivity says in Odoo that an activity is done: its row is deleted and a message says so. No user can call it for another one, so
// that the words name the bridge's user; but the author of the message is a default that a context gives (addons/mail/wizard:
// mail.compose.message), and the followers hear of it as from that person.
func (s *odooSide) finishActivity(ctx context.Context, id int64, w *write, cx odoo.Context) error {
	if n, err := strconv.ParseInt(string(w.by), 10, 64); err == nil {
		cx["default_author_id"] = n
	}
	answer, err := s.client.CallMethod(ctx, activityModel, "action_feedback", []int64{id}, []any{html.EscapeString(w.text)}, cx)
	w.message, _ = answer.(int64)
	return err
}

// vanishedAtOnce is of how many records one call asks whether they are still there: an answer is no longer than their ids.
const vanishedAtOnce = 2000

// touchVanished makes the links due whose activities do not answer any more: a poll shows what was written, and never what was deleted.
// Each is told once; should nothing come of it, the sweep will see it again.
func (e *Engine) touchVanished(ctx context.Context, model string) (int, error) {
	touched := 0
	for _, m := range e.mappings().ByModel(model) {
		if m.Kind != todoKind {
			continue
		}
		var links []*Link
		if err := e.Store.View(ctx, func(tx Tx) (err error) {
			links, err = tx.LinksIn(m.Name, Linked)
			return err
		}); err != nil {
			return touched, err
		}
		var keys []Key
		told := map[int64]bool{}
		for some := range slices.Chunk(links, vanishedAtOnce) {
			missing, err := e.odoo.vanished(ctx, model, some)
			if err != nil {
				return touched, err
			}
			for _, l := range missing {
				if told[l.ID] = true; !e.vanished[m.Name][l.ID] {
					keys = append(keys, l.Key())
				}
			}
		}
		if len(keys) > 0 {
			if err := e.Touch(ctx, keys...); err != nil {
				return touched, err
			}
		}
		if e.vanished == nil {
			e.vanished = map[string]map[int64]bool{}
		}
		e.vanished[m.Name] = told
		touched += len(keys)
	}
	return touched, nil
}

// vanished are the links whose records do not answer.
func (s *odooSide) vanished(ctx context.Context, model string, links []*Link) ([]*Link, error) {
	var ids []ID
	for _, l := range links {
		if l.Odoo != "" {
			ids = append(ids, l.Odoo)
		}
	}
	nums, err := parseIDs(ids)
	if err != nil || len(nums) == 0 {
		return nil, err
	}
	there, err := s.client.Search(ctx, model, odoo.Domain{odoo.Cond("id", "in", nums)}, odoo.Options{Context: odoo.Context{"active_test": false}})
	if err != nil {
		return nil, err
	}
	here := make(map[ID]bool, len(there))
	for _, n := range there {
		here[odooID(n)] = true
	}
	return slices.DeleteFunc(slices.Clone(links), func(l *Link) bool { return l.Odoo == "" || here[l.Odoo] }), nil
}

// taskModel has stages; those that are folded in the view of a project hold what needs nobody's attention any more.
const taskModel = "project.task"

// finishTask moves a task to the first folded stage of its project.
func (s *odooSide) finishTask(ctx context.Context, id int64, cx odoo.Context) error {
	found, err := s.readRecords(ctx, taskModel, []int64{id}, []string{"project_id"})
	if err != nil {
		return err
	}
	project, _ := found[id]["project_id"].(map[string]any)
	if project == nil {
		return reject("stage_id", "the task belongs to no project, so that no stage says that it is done")
	}
	stages, err := s.client.Search(ctx, "project.task.type", odoo.Domain{odoo.Cond("project_ids", "in", []int64{recordID(project)}), odoo.Cond("fold", "=", true)},
		odoo.Options{Order: "sequence, id", Limit: 1})
	if err != nil {
		return err
	}
	if len(stages) == 0 {
		return reject("stage_id", fmt.Sprintf("the project %s has no folded stage for what is done", textOf(project["name"])))
	}
	return unreadableIsDone(s.client.Write(ctx, taskModel, []int64{id}, odoo.Values{"stage_id": stages[0]}, cx))
}
