package bridge

import (
	"context"
	"fmt"
	"html"
	"strconv"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// lastStep is the step that ended an instance; nil when there is none.
func lastStep(in *dingtalk.Instance) *dingtalk.Step {
	if in == nil {
		return nil
	}
	return lastDecision(*in)
}

// stepScope is what the text of a note, and the arguments of a transition, may name.
func (b *batch) stepScope(t *task, step *dingtalk.Step) mapping.Record {
	rec := mapping.Record{
		"actor": map[string]any{"name": "", "userid": ""}, "result": textOf(t.ding.Record["outcome"]), "remark": "", "date": "", "type": "", "to": "",
		"title": textOf(t.ding.Record["title"]), "business_id": textOf(t.ding.Record["business_id"]),
	}
	if step == nil {
		return rec
	}
	rec["actor"] = map[string]any{"name": b.nameOf(step.UserID), "userid": step.UserID}
	rec["remark"], rec["type"] = step.Remark, step.Type
	if step.Result != "" && step.Result != "NONE" {
		rec["result"] = strings.ToLower(step.Result)
	}
	if !step.At.IsZero() {
		rec["date"] = step.At.In(b.e.Zone).Format("2006-01-02 15:04")
	}
	if len(step.CC) > 0 {
		rec["to"] = b.nameOf(step.CC[0])
	}
	return rec
}

// noteKind is which text of the mapping a step is told with.
type noteKind string

const (
	noteStart   noteKind = "start"
	noteTask    noteKind = "task"
	noteComment noteKind = "comment"
	noteFinish  noteKind = "finish"
)

// kindOfStep tells the steps apart; "" for those that are not told: copies, and the ends, which the outcome tells.
func kindOfStep(s dingtalk.Step) noteKind {
	switch {
	case s.Type == "START_PROCESS_INSTANCE":
		return noteStart
	case s.Type == "ADD_REMARK" && strings.HasPrefix(s.Remark, wordsBridge):
		return "" // our own words
	case s.Type == "ADD_REMARK":
		return noteComment
	case strings.HasPrefix(s.Type, "EXECUTE_TASK"), strings.HasPrefix(s.Type, "APPEND_TASK"), strings.HasPrefix(s.Type, "REDIRECT"):
		return noteTask
	}
	return ""
}

// notesOf are the steps that the record's chatter does not have yet. Each is posted under a message id of its own, so that a repetition
// finds it there.
func (b *batch) notesOf(t *task) []*Change {
	n := notes(b.m.Approval.Notes)
	in := t.ding.Instance
	if in == nil || t.odoo.Existence == Archived || !b.chatters() {
		return nil
	}
	type pending struct {
		kind noteKind
		step *dingtalk.Step
		mark string
	}
	var due []pending
	seen := map[string]int{}
	add := func(kind noteKind, step *dingtalk.Step, words string) {
		seen[words]++
		mark := fmt.Sprintf("%x", hash64([]byte(in.ID+"|"+words+"|"+strconv.Itoa(seen[words]))))
		if kind != "" && n.wants(kind) && !contains(t.link.occurrence().Noted, mark) {
			due = append(due, pending{kind, step, mark})
		}
	}
	for i := range in.Steps {
		s := &in.Steps[i]
		add(kindOfStep(*s), s, fmt.Sprint(s.UserID, "|", s.Type, "|", s.Result, "|", s.Remark, "|", s.At.Unix(), "|", s.Activity))
	}
	if outcome := textOf(t.ding.Record["outcome"]); outcome != "" && t.link.occurrence().Ending == "" {
		add(noteFinish, lastDecision(*in), "outcome|"+outcome)
	}
	if len(due) == 0 {
		return nil
	}
	chinese := b.inChinese(t)
	var out []*Change
	for _, p := range due {
		scope := b.stepScope(t, p.step)
		if p.kind == noteFinish {
			scope["result"] = textOf(t.ding.Record["outcome"])
		}
		body, err := n.text(p.kind, scope, chinese)
		if err != nil || body == "" {
			continue // a text that uses what the step has not says nothing
		}
		out = append(out, &Change{Op: OpNote, Side: mapping.Odoo, ID: t.odoo.ID, Reason: string(p.kind) + " noted", Text: body, Key: p.mark})
	}
	return out
}

// chatters says whether the model has a chatter (mail.thread).
func (b *batch) chatters() bool {
	fields, err := b.e.odoo.client.FieldsGet(b.ctx, b.m.Model)
	_, has := fields["message_ids"]
	return err == nil && has
}

// inChinese says whether the record's people read Chinese: by the path the mapping names, else by who made the record.
func (b *batch) inChinese(t *task) bool {
	path := b.m.Approval.Notes.Language
	if path == "" {
		path = "create_uid"
	}
	id, err := strconv.ParseInt(string(t.odoo.ID), 10, 64)
	if err != nil {
		return false
	}
	found, err := b.e.odoo.readRecords(b.ctx, b.m.Model, []int64{id}, []string{path + ".lang"})
	if err != nil {
		return false // who may not see it reads English
	}
	return strings.HasPrefix(textOf(found[id][path+".lang"]), "zh")
}

// note posts one text in a record's chatter, unless it stands there already (mail.thread: message_post).
func (s *odooSide) note(ctx context.Context, model string, id int64, mark, body string) error {
	messageID := "<dingbridge-" + mark + "@dingtalk>"
	had, err := s.client.SearchCount(ctx, "mail.message", odoo.Domain{
		odoo.Cond("message_id", "=", messageID), odoo.Cond("model", "=", model), odoo.Cond("res_id", "=", id),
	}, nil)
	if err != nil || had > 0 {
		return err
	}
	paragraph := "<p>" + strings.ReplaceAll(html.EscapeString(body), "\n", "<br/>") + "</p>"
	_, err = s.client.Execute(ctx, model, "message_post", []any{[]int64{id}}, map[string]any{
		"body": paragraph, "message_type": "comment", "subtype": "mail.mt_note", "message_id": messageID,
	})
	return unreadableIsDone(err)
}
