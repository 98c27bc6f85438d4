package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// templateAge is how long a form's schema serves: an administrator may edit it in DingTalk at any time, and each look is a call.
const templateAge = 10 * time.Minute

// templates keeps the schemas of forms.
type templates struct {
	mu sync.Mutex
	at map[string]readTemplate
}

type readTemplate struct {
	template dingtalk.Template
	read     time.Time
}

// template returns the schema of a form; fresh asks DingTalk in any case.
func (s *dingSide) template(ctx context.Context, code string, fresh bool) (dingtalk.Template, error) {
	s.templates.mu.Lock()
	defer s.templates.mu.Unlock()
	now := s.now()
	if had, ok := s.templates.at[code]; ok && !fresh && now.Before(had.read.Add(templateAge)) && !had.read.After(now) {
		return had.template, nil
	}
	t, err := s.client.Approvals.Template(ctx, code)
	if err != nil {
		return t, err
	}
	if s.templates.at == nil {
		s.templates.at = map[string]readTemplate{}
	}
	s.templates.at[code] = readTemplate{t, now}
	return t, nil
}

// lookInstances reads approvals. One that does not answer is unknown: only an event tells that it was deleted.
func (s *dingSide) lookInstances(ctx context.Context, ids []ID) (map[ID]Seen, error) {
	return lookEach(ctx, s.parallel, ids, func(ctx context.Context, id ID) (Seen, error) {
		in, err := s.client.Approvals.Get(ctx, string(id))
		switch {
		case err == nil:
			return s.seenInstance(ctx, in)
		case dingtalk.IsNotFound(err):
			return Seen{ID: id, Existence: Unseen, NotFound: true, Why: "not found, but nothing says that it was deleted"}, nil
		}
		return unseen(id, err)
	})
}

// seenInstance is an instance as a record. One that was agreed may have been revoked or modified since, by instances attached to it.
func (s *dingSide) seenInstance(ctx context.Context, in dingtalk.Instance) (Seen, error) {
	outcome := outcomeOf(in)
	if outcome == outcomeAgree {
		for _, id := range in.Attached {
			attached, err := s.client.Approvals.Get(ctx, id)
			if dingtalk.IsNotFound(err) {
				continue
			}
			if err != nil {
				return Seen{}, err
			}
			switch {
			case outcomeOf(attached) != outcomeAgree:
			case attached.BizAction == "REVOKE":
				outcome = outcomeRevoke
			case attached.BizAction == "MODIFY" && outcome == outcomeAgree:
				outcome = outcomeModify
			}
		}
	}
	rec := mapping.Record{
		"process_instance_id": in.ID, "title": text(in.Title), "business_id": text(in.BusinessID), "originator_user_id": text(in.Originator),
		"dept_id": text(in.DeptID), "status": in.Status, "outcome": text(outcome), "biz_action": text(in.BizAction),
		"main_instance_id": text(in.Main), "create_time": millis(in.Created), "finish_time": millis(in.Finished), "remark": nil, "decided_by": nil,
	}
	if last := lastDecision(in); last != nil && outcome != "" {
		rec["remark"], rec["decided_by"] = text(last.Remark), text(last.UserID)
	}
	for label, v := range dingtalk.DecodeForm(in.Form) {
		rec[dingtalk.FormPrefix+label] = v
	}
	seen := Seen{ID: ID(in.ID), Existence: Present, Record: rec, Instance: &in}
	if outcome != "" {
		seen.Existence = Finished
	}
	return seen, nil
}

// text is a raw text, nil when empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// millis is an instant as DingTalk's fields give it, nil when there is none.
func millis(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UnixMilli()
}

// outcomeOf is what became of an instance by itself; "" while it runs. Only completed and agreed is agreed (获取单个审批实例详情).
func outcomeOf(in dingtalk.Instance) string {
	switch in.Status {
	case "COMPLETED":
		return strings.ToLower(in.Result)
	case "TERMINATED", "CANCELED":
		return outcomeTerminate
	}
	return ""
}

// lastDecision is the step that ended the instance, as far as the steps tell; nil when none does.
func lastDecision(in dingtalk.Instance) *dingtalk.Step {
	for i := len(in.Steps) - 1; i >= 0; i-- {
		step := &in.Steps[i]
		if strings.HasPrefix(step.Type, "EXECUTE_TASK") || step.Type == "TERMINATE_PROCESS_INSTANCE" {
			return step
		}
	}
	return nil
}

// startInstance starts an approval. Nothing makes a second call harmless: an answer that is lost is looked for by findInstance.
func (s *dingSide) startInstance(ctx context.Context, m *mapping.Mapping, c *creation) error {
	form, blind, err := s.encodeForm(ctx, m.Approval.ProcessCode, formOf(c.values))
	if err != nil {
		return err
	}
	r := dingtalk.StartRequest{
		ProcessCode: m.Approval.ProcessCode, Originator: textOf(c.values["originator_user_id"]), DeptID: textOf(c.values["dept_id"]), Form: form,
	}
	if c.asked != nil {
		r.Approvers, r.CC, r.CCPosition, r.Select = c.asked.Levels, c.asked.CC, c.asked.CCPosition, c.asked.Select
	}
	chosen := r.DeptID == ""
	if chosen {
		if r.DeptID, err = s.departmentOf(ctx, r.Originator); err != nil {
			return err
		}
	}
	if len(r.Select) > 0 {
		if r.Select, err = s.nameNodes(ctx, r); err != nil {
			return err
		}
	}
	id, err := s.client.Approvals.Start(ctx, r)
	c.id = ID(id)
	f := classify(err)
	if chosen && f != nil && f.Class == FailReject { // perhaps they moved a moment ago
		if now, again := s.departmentOf(ctx, r.Originator); again == nil && now != r.DeptID {
			return &Failure{Class: FailRetry, Free: true, Side: mapping.DingTalk, Words: "the originator moved to another department", Err: err}
		}
	}
	if blind && dingtalk.IsFormRefused(err) {
		f.Words += "; the old API of approvals shows no forms, so that date ranges and several departments cannot be filled by it"
		return f
	}
	return err
}

// encodeForm writes the values for the template; blind says that its form is not known, because the old API shows none.
func (s *dingSide) encodeForm(ctx context.Context, code string, values map[string]any) (form []dingtalk.FormValue, blind bool, err error) {
	t, err := s.template(ctx, code, false)
	if errors.Is(err, dingtalk.ErrNotInOldAPI) {
		form, err = dingtalk.EncodeFormBlind(values)
		return form, true, wordsOfForm(err)
	}
	if err != nil {
		return nil, false, err
	}
	form, err = dingtalk.EncodeForm(t, values)
	var wrong *dingtalk.FormError
	if errors.As(err, &wrong) { // the form may have been edited in DingTalk since it was read
		if t, err = s.template(ctx, code, true); err != nil {
			return nil, false, err
		}
		form, err = dingtalk.EncodeForm(t, values)
	}
	return form, false, wordsOfForm(err)
}

// wordsOfForm is what is wrong with a form, as a refusal; nil when nothing is.
func wordsOfForm(err error) error {
	if err == nil {
		return nil
	}
	return reject("", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// formOf are the values that belong to the form, by label.
func formOf(values map[string]any) map[string]any {
	form := make(map[string]any, len(values))
	for name, v := range values {
		if label, is := strings.CutPrefix(name, dingtalk.FormPrefix); is {
			form[label] = v
		}
	}
	return form
}

// departmentOf is the department in whose name a person submits when the mapping names none: the first of theirs. The root is -1
// there (发起审批实例).
func (s *dingSide) departmentOf(ctx context.Context, userid string) (string, error) {
	o, err := s.client.Users.Get(ctx, userid)
	if err != nil {
		return "", err
	}
	if ids := o.IDs("dept_id_list"); len(ids) > 0 && ids[0] != rootDepartment {
		return ids[0], nil
	}
	return "-1", nil
}

// nameNodes turns the names of self-select nodes into their keys, which only a forecast tells (获取审批单流程中的节点信息).
func (s *dingSide) nameNodes(ctx context.Context, r dingtalk.StartRequest) ([]dingtalk.SelectedActors, error) {
	forecast, err := s.client.Approvals.Forecast(ctx, r)
	if err != nil {
		return nil, err
	}
	out := make([]dingtalk.SelectedActors, 0, len(r.Select))
	var names []string
	for _, node := range forecast.Nodes {
		names = append(names, node.Name)
	}
	for _, sel := range r.Select {
		i := slices.IndexFunc(forecast.Nodes, func(n dingtalk.ForecastNode) bool {
			return n.ActorKey != "" && (n.ActorKey == sel.Key || n.Name == sel.Key)
		})
		if i < 0 {
			return nil, reject("", fmt.Sprintf("the flow has no node %q to choose approvers for; it has %s", sel.Key, strings.Join(names, ", ")))
		}
		out = append(out, dingtalk.SelectedActors{Key: forecast.Nodes[i].ActorKey, Users: sel.Users})
	}
	return out, nil
}

// clockMargin is by how much DingTalk's clock may differ from ours.
const clockMargin = 5 * time.Minute

// findInstance looks for an instance that was started and not heard of: those of the originator since then, by the marker or, where
// the form has none, by equal values. All that fit are candidates: the engine knows which of them belong to other records.
func (s *dingSide) findInstance(ctx context.Context, m *mapping.Mapping, c *creation) error {
	q := dingtalk.IDsQuery{ProcessCode: m.Approval.ProcessCode, From: c.since.Add(-clockMargin), To: s.now(), Users: []string{c.parent}}
	for id, err := range s.client.Approvals.IDs(ctx, q) {
		if err != nil {
			return err
		}
		in, err := s.client.Approvals.Get(ctx, id)
		if dingtalk.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		seen, err := s.seenInstance(ctx, in)
		if err != nil {
			return err
		}
		if m.Approval.Marker != "" {
			if textOf(seen.Record[dingtalk.FormPrefix+m.Approval.Marker]) == c.key {
				c.candidates = append(c.candidates, seen.ID)
			}
			continue
		}
		if sameForm(m, c.sent, c.view(seen.Record)) {
			c.candidates = append(c.candidates, seen.ID)
		}
	}
	return nil
}

// sameForm says whether a form shows all that was sent.
func sameForm(m *mapping.Mapping, sent, shown mapping.View) bool {
	compared := false
	for _, f := range m.Fields {
		v := sent[f.Key]
		if !strings.HasPrefix(f.DingName, dingtalk.FormPrefix) || !f.Writes(mapping.DingTalk) || !v.IsKnown() {
			continue
		}
		if shown[f.Key] != v {
			return false
		}
		compared = true
	}
	return compared
}

// writeInstance terminates an instance or comments on it.
func (s *dingSide) writeInstance(ctx context.Context, w *write) error {
	switch w.op {
	case OpTerminate:
		return s.client.Approvals.Terminate(ctx, string(w.id), w.text, "")
	case OpComment:
		return s.client.Approvals.Comment(ctx, string(w.id), string(w.by), w.text)
	}
	return reject("", "an approval cannot be changed once it was started")
}

// listTemplates lists the templates of the corporation (获取用户可见的审批模板).
func (s *dingSide) listTemplates(ctx context.Context, page func([]Seen) error) (Listing, error) {
	l := Listing{Scope: "all"}
	var seen []Seen
	for o, err := range s.client.Approvals.Templates(ctx, "") {
		if err != nil {
			return l, err
		}
		seen = append(seen, Seen{ID: ID(o.Text("process_code")), Existence: Present, Record: recordOf(dingtalk.ApprovalTemplateKind, o, nil, true)})
	}
	l.Count, l.Complete = len(seen), true
	return l, page(seen)
}

// templateObject finds one template in the list; there is no call for a single one.
func (s *dingSide) templateObject(ctx context.Context, id ID) (dingtalk.Object, error) {
	for o, err := range s.client.Approvals.Templates(ctx, "") {
		if err != nil {
			return nil, err
		}
		if o.Text("process_code") == string(id) {
			return o, nil
		}
	}
	return nil, reject("", "no template has the code "+string(id))
}
