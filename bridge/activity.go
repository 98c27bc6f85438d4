package bridge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dingbridge/mapping"
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

// rememberErrand keeps what can only be known while it can be read: what an activity is about, and whether the to-do is done.
func (b *batch) rememberErrand(t *task, l *Link) {
	if b.m.Kind != todoKind || l.State == Held {
		return
	}
	if is, read := t.ding.Record["done"].(bool); read {
		l.errand().Done = is
	}
	e := errandOf(b.m, t.odoo.Record)
	if e == nil {
		return
	}
	if l.Errand != nil {
		e.Owner, e.Doer, e.Done = l.Errand.Owner, l.Errand.Doer, l.Errand.Done
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

// finishActivity plans to say that an activity was done in DingTalk, by whom it was assigned to there: in Odoo it may have been assigned to
// somebody else since.
func (b *batch) finishActivity(t *task, row string) {
	c := &Change{Op: OpFinish, Side: mapping.Odoo, ID: t.odoo.ID, Reason: row}
	user := recordID(t.odoo.Record["user_id"])
	if t.link.Errand != nil && t.link.Errand.User > 0 {
		user = t.link.Errand.User
	}
	found, err := b.e.odoo.readRecords(b.ctx, "res.users", []int64{user}, []string{"name", "partner_id", "lang"})
	if err != nil {
		t.fail = classify(err)
		return
	}
	who := found[user]
	if partner := recordID(who["partner_id"]); partner > 0 {
		c.By = odooID(partner)
	}
	c.Text = "Done in DingTalk by " + textOf(who["name"])
	if strings.HasPrefix(textOf(who["lang"]), "zh") {
		c.Text = textOf(who["name"]) + " 在钉钉完成"
	}
	t.plan.Changes = []*Change{c}
	t.plan.Settle = row
}
