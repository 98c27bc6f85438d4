package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dingbridge/dingtalk/dingtalktest"
)

// approvals is how many approvals there were.
func (o *office) approvals() int {
	n := len(o.ding.Instances(bornCode))
	for _, code := range demoCodes {
		n += len(o.ding.Instances(code))
	}
	return n
}

// differences are the points in which documents and approvals do not agree.
func (o *office) differences() []string {
	var out []string
	for _, name := range []string{"leave-approval", "expense-approval", "purchase-approval"} {
		out = append(out, o.compare(name)...)
	}
	out = append(out, o.compareBorn()...)
	for key := range o.ding.Duplicates() {
		out = append(out, "started twice: "+key)
	}
	claims, moves := o.ding.Instances(demoCodes["travel-voucher"]), o.odoo.Search("account.move", []any{})
	if len(claims) != len(moves) {
		out = append(out, fmt.Sprintf("%d travel claims, %d entries", len(claims), len(moves)))
	}
	for _, id := range moves {
		if debit, credit := o.sums(id); math.Abs(debit-credit) > 0.001 || debit == 0 {
			out = append(out, fmt.Sprintf("entry %d: debit %.2f, credit %.2f", id, debit, credit))
		}
	}
	if born, leaves := len(o.ding.Instances(bornCode)), len(o.odoo.Search("hr.leave", []any{})); born+o.nthAsked() != leaves {
		out = append(out, fmt.Sprintf("%d leaves, %d of them born in DingTalk, %d asked for in Odoo", leaves, born, o.nthAsked()))
	}
	return out
}

// nthAsked is how many leaves were entered in Odoo.
func (o *office) nthAsked() int { return o.nth - len(o.ding.Instances(bornCode)) }

// sums are the debit and the credit of an entry.
func (o *office) sums(move int64) (debit, credit float64) {
	for _, line := range o.odoo.Search("account.move.line", []any{[]any{"move_id", "=", move}}) {
		rec := o.odoo.Get("account.move.line", line)
		d, _ := rec["debit"].(float64)
		c, _ := rec["credit"].(float64)
		debit, credit = debit+d, credit+c
	}
	return debit, credit
}

// compare holds the last approval of every document against the document's state.
func (o *office) compare(name string) []string {
	model := map[string]string{"leave-approval": "hr.leave", "expense-approval": "hr.expense.sheet", "purchase-approval": "purchase.order"}[name]
	last := map[string]dingtalktest.Instance{}
	started := map[string]bool{}
	var out []string
	for _, in := range o.ding.Instances(demoCodes[name]) {
		if parts := strings.Split(in.Value("单据编号"), "/"); len(parts) == 3 && in.Main == "" { // a revoking one shows the form of the main one
			last[parts[1]] = in
			if marker := in.Value("单据编号"); started[marker] {
				out = append(out, "two approvals of one submission: "+marker)
			} else {
				started[marker] = true
			}
		}
	}
	for record, in := range last {
		id, err := strconv.ParseInt(record, 10, 64)
		if err != nil {
			return append(out, "a marker that is none of ours: "+record)
		}
		out = append(out, o.judge(name, model, id, in)...)
	}
	return out
}

// compareBorn holds every approval that was born in DingTalk against the leave it became.
func (o *office) compareBorn() []string {
	var out []string
	for _, in := range o.ding.Instances(bornCode) {
		if id, ok := o.born[in.ID]; ok {
			out = append(out, o.judge("leave-requests", "hr.leave", id, in)...)
		} else {
			out = append(out, "no leave was made of "+in.ID)
		}
	}
	return out
}

// judge is what is wrong with one document and its last approval: the state, and notes that stand there twice.
func (o *office) judge(name, model string, id int64, in dingtalktest.Instance) []string {
	var out []string
	state := o.state(model, id)
	var wrong bool
	switch {
	case in.Status == dingtalktest.StatusRunning:
		wrong = true // everything was decided
	case in.Status == dingtalktest.StatusTerminated && in.TerminatedBy == "system": // Odoo had decided, or took it back
		wrong = slices.Contains([]string{"confirm", "validate1", "submit", "to approve"}, state)
	default:
		wrong = state != o.expected(name, in)
	}
	if wrong {
		out = append(out, fmt.Sprintf("%s %d is %s, and its approval %s %s", model, id, state, in.Status, in.Result))
	}
	notes := map[string]int{}
	for _, note := range o.chatter(model, id) {
		if notes[note]++; notes[note] == 2 {
			out = append(out, fmt.Sprintf("%s %d has twice: %s", model, id, note))
		}
	}
	return out
}

// expected is the state to which an approval leads.
func (o *office) expected(name string, in dingtalktest.Instance) string {
	outcome := in.Result
	if in.Status == dingtalktest.StatusTerminated {
		outcome = "terminate"
	}
	for _, id := range in.Attached {
		if a, _ := o.ding.Instance(id); a.BizAction == "REVOKE" && a.Result == dingtalktest.ResultAgree {
			outcome = "revoke"
		}
	}
	return map[string]map[string]string{
		"leave-approval":    {"agree": "validate", "refuse": "refuse", "terminate": "draft", "revoke": "refuse"},
		"expense-approval":  {"agree": "approve", "refuse": "cancel", "terminate": "draft"},
		"purchase-approval": {"agree": "purchase", "refuse": "cancel", "terminate": "cancel"},
		"leave-requests":    {"agree": "validate", "refuse": "refuse", "terminate": "refuse", "revoke": "refuse"},
	}[name][outcome]
}
