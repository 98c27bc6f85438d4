package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// importPart is how much of the history is listed between two notes of how far it got.
const importPart = 7 * 24 * time.Hour

// History is an import of approvals that were started in DingTalk within a span of time.
type History struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Done time.Time `json:"done"` // up to where it got; an interrupted import from the same day on goes on here
	Code string    `json:"process_code"`
	// Found counts the instances in the span, Fresh those that no link holds and that were made due.
	Found int `json:"found"`
	Fresh int `json:"fresh"`
	// Resumed is where it went on, when an earlier one had stopped there, whose counts are among these.
	Resumed time.Time `json:"resumed,omitzero"`
}

// ImportHistory makes the instances of the mapping's template due that were started in the span and that nothing in Odoo stands for;
// the worker then looks at each as at any other, under the mapping's own rules and guard. DingTalk lists a year back, in spans of 120
// days (获取审批实例ID列表). It can be interrupted: another one from the same time on goes on where it was. enough, if given, is asked before
// each part with the number of counted calls that listing it, and then that reading what is new in it, takes at least; the instances of
// the parts before are due in the store, or were read. Its error ends the import. progress is told each part.
func (e *Engine) ImportHistory(ctx context.Context, m *mapping.Mapping, from, to time.Time, enough func(calls int) error, progress func(h History)) (History, error) {
	h := History{From: from, To: to, Done: from}
	if m.Approval != nil {
		h.Code = m.Approval.ProcessCode
	}
	switch {
	case m.Approval == nil:
		return h, fmt.Errorf("the mapping %s is not about approvals: only those have a history to be imported", m.Name)
	case !m.CreateOdoo.Allowed:
		return h, fmt.Errorf("the mapping %s creates nothing in odoo (create.odoo), so there is nothing to import", m.Name)
	case !from.Before(to):
		return h, fmt.Errorf("the span ends before it begins: %s to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
	case from.Before(e.Now().Add(-ApprovalReach)):
		return h, fmt.Errorf("DingTalk lists approvals of the last 365 days only; %s is before that", from.Format(time.DateOnly))
	}
	ctx = dingtalk.WithCaller(ctx, m.Name)
	key := "import/" + m.Name
	if err := e.Store.View(ctx, func(tx Tx) error {
		raw, err := tx.Meta(key)
		var saved History
		if err == nil && raw != "" && json.Unmarshal([]byte(raw), &saved) == nil && saved.goesOn(h) {
			h.Done, h.Found, h.Fresh, h.Resumed = saved.Done, saved.Found, saved.Fresh, saved.Done
		}
		return err
	}); err != nil {
		return h, err
	}
	if enough == nil {
		enough = func(int) error { return nil }
	}
	for h.Done.Before(to) {
		end := h.Done.Add(importPart)
		if end.After(to) {
			end = to
		}
		if err := enough(1); err != nil {
			return h, err
		}
		if err := e.importSpan(ctx, m, &h, end, key, enough); err != nil {
			return h, err
		}
		if progress != nil {
			progress(h)
		}
	}
	return h, e.Store.Update(ctx, func(tx Tx) error { return tx.DeleteMeta(key) })
}

// goesOn says whether the import that was interrupted is the beginning of another one. Until when it was to go does not matter: without a
// day that is now.
func (h History) goesOn(next History) bool {
	return h.Code == next.Code && h.From.Equal(next.From) && h.Done.Before(next.To)
}

// importSpan lists one part and makes due, in one transaction with how far the import got, what no link holds.
func (e *Engine) importSpan(ctx context.Context, m *mapping.Mapping, h *History, end time.Time, key string, enough func(int) error) error {
	var ids []ID
	for id, err := range e.ding.client.Approvals.IDs(ctx, dingtalk.IDsQuery{ProcessCode: m.Approval.ProcessCode, From: h.Done, To: end}) {
		if err != nil {
			return err
		}
		ids = append(ids, ID(id))
	}
	fresh, err := e.unlinkedInstances(ctx, m, ids)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		if err := enough(len(fresh)); err != nil {
			return err
		}
	}
	next := *h
	next.Done, next.Found, next.Fresh = end, h.Found+len(ids), h.Fresh+len(fresh)
	raw, err := json.Marshal(next)
	if err != nil {
		return err
	}
	err = e.Store.Update(ctx, func(tx Tx) error {
		if err := touchRecords(tx, m, mapping.DingTalk, fresh, atOnce); err != nil {
			return err
		}
		return tx.SetMeta(key, string(raw))
	})
	if err == nil {
		*h = next
	}
	return err
}
