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

// doneMessage is a message that says of an activity that it was done.
type doneMessage struct {
	id, record, kind, author int64
	at, text                 string
}

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
	if f := classify(err); f != nil && f.Class != FailReject && f.Scope != odoo.ScopePermission {
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

// perDocument: the rights over an activity are those over the document it is about. That one may not be written says nothing about others.
func perDocument(m *mapping.Mapping, err error) error {
	if f := classify(err); m.Model == activityModel && f != nil && f.Scope == odoo.ScopePermission {
		return reject("", f.Words)
	}
	return err
}
