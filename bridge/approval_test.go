package bridge

import (
	"testing"
	"time"

	"dingbridge/mapping"
)

func TestDecideApproval(t *testing.T) {
	running := approvalFacts{state: Linked, odoo: Present, ding: Present, submitted: true, value: "confirm", applies: true, change: mapping.ChangeHold, leave: mapping.LeaveTerminate}
	agreed := running
	agreed.ding, agreed.outcome, agreed.wish, agreed.wished, agreed.can = Finished, outcomeAgree, "validate", true, true
	settled := agreed
	settled.state, settled.value, settled.submitted, settled.n = Settled, "validate", false, Occurrence{N: 1, Left: true, Outcome: outcomeAgree}
	with := func(f approvalFacts, change func(*approvalFacts)) approvalFacts { change(&f); return f }
	for _, c := range []struct {
		name string
		f    approvalFacts
		fate approvalFate
		why  string
	}{
		{"a stranger that is submitted", approvalFacts{odoo: Present, submitted: true}, approvalStarts, "new in odoo"},
		{"a stranger that is not", approvalFacts{odoo: Present}, approvalRests, "no link; not submitted"},
		{"running", running, approvalRests, "running"},
		{"running, edited, hold", with(running, func(f *approvalFacts) { f.edited = "days" }), approvalRests, "running; edited in odoo since it was sent (days), so that agreeing would be held"},
		{"running, edited, ignore", with(running, func(f *approvalFacts) { f.edited, f.change = "days", mapping.ChangeIgnore }), approvalRests, "running"},
		{"running, edited, terminate", with(running, func(f *approvalFacts) { f.edited, f.change = "days", mapping.ChangeTerminate }), approvalWithdraws, "edited in odoo: days"},
		{"running, edited, restart", with(running, func(f *approvalFacts) { f.edited, f.change = "days", mapping.ChangeRestart }), approvalWithdraws, "edited in odoo: days"},
		{"running, decided in odoo", with(running, func(f *approvalFacts) { f.value, f.decided = "validate", true }), approvalWithdraws, "decided in odoo: validate"},
		{"running, withdrawn in odoo", with(running, func(f *approvalFacts) { f.odoo, f.value = Outside, "draft" }), approvalWithdraws, "withdrawn in odoo"},
		{"running, withdrawn, kept", with(running, func(f *approvalFacts) { f.odoo, f.leave = Outside, mapping.LeaveKeep }), approvalRests, "left the domain; kept"},
		{"running, deleted in odoo", with(running, func(f *approvalFacts) { f.odoo = Gone }), approvalWithdraws, "gone in odoo"},
		{"running, odoo unknown", with(running, func(f *approvalFacts) { f.odoo = Unseen }), approvalRests, "unknown never causes anything"},
		{"agreed", agreed, approvalApplies, "decided in dingtalk: agree"},
		{"agreed by somebody", with(agreed, func(f *approvalFacts) { f.by = "王芳" }), approvalApplies, "decided in dingtalk: agree by 王芳"},
		{"agreed, done already", with(agreed, func(f *approvalFacts) { f.value, f.decided = "validate", true }), approvalEnds, "decided in dingtalk: agree"},
		{"agreed, edited", with(agreed, func(f *approvalFacts) { f.edited = "days" }), approvalHolds, "decided in dingtalk: agree; but edited in odoo since it was sent: days"},
		{"agreed, edited, ignore", with(agreed, func(f *approvalFacts) { f.edited, f.change = "days", mapping.ChangeIgnore }), approvalApplies, "decided in dingtalk: agree"},
		{"refused, edited", with(agreed, func(f *approvalFacts) { f.edited, f.outcome, f.wish = "days", outcomeRefuse, "refuse" }), approvalApplies, "decided in dingtalk: refuse"},
		{"agreed, refused in odoo", with(agreed, func(f *approvalFacts) { f.value, f.decided = "refuse", true }), approvalHolds, "both decided: decided in dingtalk: agree; odoo refuse"},
		{"agreed while we withdrew it", with(agreed, func(f *approvalFacts) { f.n.Ending = "withdrawn in odoo" }), approvalHolds, "both decided: decided in dingtalk: agree; odoo withdrawn in odoo"},
		{"our own withdrawal", with(agreed, func(f *approvalFacts) { f.n.Ending, f.outcome, f.wished = "edited", outcomeTerminate, false }), approvalEnds, "edited"},
		{"withdrawn by the originator, not named", with(agreed, func(f *approvalFacts) { f.outcome, f.wished = outcomeTerminate, false }), approvalHolds, "decided in dingtalk: terminate; the mapping does not say what that means in odoo"},
		{"no step leads there", with(agreed, func(f *approvalFacts) { f.can = false }), approvalHolds, `decided in dingtalk: agree; but no transition leads from "confirm" to "validate"`},
		{"a person takes dingtalk", with(agreed, func(f *approvalFacts) { f.edited, f.take = "days", mapping.DingTalk }), approvalApplies, "decided in dingtalk: agree; decided by a person"},
		{"a person takes odoo", with(agreed, func(f *approvalFacts) { f.edited, f.take = "days", mapping.Odoo }), approvalEnds, "decided in dingtalk: agree; not applied, decided by a person"},
		{"no field for it", with(agreed, func(f *approvalFacts) { f.applies, f.wished = false, false }), approvalEnds, "decided in dingtalk: agree"},
		{"settled", settled, approvalRests, "ended on both sides"},
		{"settled, submitted again", with(settled, func(f *approvalFacts) { f.submitted = true }), approvalStarts, "submitted again in odoo"},
		{"settled, still submitted", with(settled, func(f *approvalFacts) { f.submitted, f.n.Left = true, false }), approvalRests, "ended on both sides"},
		{"settled, left", with(settled, func(f *approvalFacts) { f.n.Left = false }), approvalLeaves, "ended on both sides"},
		{"revoked later", with(settled, func(f *approvalFacts) { f.outcome, f.wish = outcomeRevoke, "refuse" }), approvalApplies, "decided in dingtalk: revoke"},
		{"revoked later, not named", with(settled, func(f *approvalFacts) { f.outcome, f.wished = outcomeRevoke, false }), approvalHolds, "decided in dingtalk: revoke; the mapping does not say what that means in odoo"},
		{"revoked later, a voucher", with(settled, func(f *approvalFacts) { f.outcome, f.wished, f.applies = outcomeRevoke, false, false }), approvalHolds, "decided in dingtalk: revoke; the mapping does not say what that means in odoo"},
		{"baseline, submitted again", approvalFacts{state: Baseline, odoo: Present, submitted: true, n: Occurrence{Left: true}}, approvalStarts, "submitted again in odoo"},
		{"baseline", approvalFacts{state: Baseline, odoo: Present, submitted: true}, approvalRests, "ended on both sides"},
		{"superseded", approvalFacts{state: Superseded, ding: Finished, outcome: outcomeAgree, wished: true, can: true}, approvalRests, "superseded"},
	} {
		if v := decideApproval(c.f); v.fate != c.fate || v.why != c.why {
			t.Errorf("%s: %d %q, not %d %q", c.name, v.fate, v.why, c.fate, c.why)
		}
	}
}

func TestRereadAfter(t *testing.T) {
	const first = 10 * time.Minute
	for _, c := range []struct{ age, want time.Duration }{
		{0, first}, {first, first}, {time.Hour, 30 * time.Minute}, {24 * time.Hour, 12 * time.Hour}, {60 * 24 * time.Hour, 24 * time.Hour},
	} {
		if got := rereadAfter(c.age, first); got != c.want {
			t.Errorf("after %s: %s, not %s", c.age, got, c.want)
		}
	}
}
