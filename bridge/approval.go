package bridge

import (
	"fmt"
	"strings"

	"dingbridge/mapping"
)

// The outcomes of an instance, as the field outcome of the kind approval gives them.
const (
	outcomeAgree     = "agree"
	outcomeRefuse    = "refuse"
	outcomeTerminate = "terminate" // withdrawn
	outcomeDelete    = "delete"
	outcomeRevoke    = "revoke" // agreed, and revoked later
	outcomeModify    = "modify" // agreed, and modified later
)

// approvalFate is what is to be done about a record and its instance.
type approvalFate uint8

const (
	approvalRests     approvalFate = iota // nothing
	approvalStarts                        // submit it: the first time or, after the former occurrence ended, again
	approvalApplies                       // carry the outcome into Odoo
	approvalEnds                          // both sides ended: the link is settled
	approvalWithdraws                     // terminate the instance
	approvalHolds                         // a person decides
	approvalLeaves                        // the record is not submitted any more: remember that
)

// approvalFacts are all that decideApproval looks at.
type approvalFacts struct {
	state  LinkState // "" for a stranger
	n      Occurrence
	change mapping.ChangeRule
	leave  mapping.LeaveRule

	odoo      Existence
	submitted bool   // the record is one that create.dingtalk wants started
	value     string // of the field that the outcome decides; "" when the mapping has none, or it is empty
	decided   bool   // value is one that a transition leads to, so that Odoo has decided
	edited    string // what was sent and has been edited since, in words; "" = nothing

	ding    Existence
	outcome string
	by      string // who decided there, for the words
	wish    string // what values: makes of the outcome
	wished  bool   // values: names the outcome
	applies bool   // the mapping has a field that an outcome decides
	can     bool   // a step leads from the present value to the wish

	take mapping.Side // a person's decision about a hold
}

// approvalVerdict is what decideApproval says.
type approvalVerdict struct {
	fate    approvalFate
	why     string
	restart bool // of approvalWithdraws
	kind    HoldKind
}

// decideApproval is the table of approvals. Pure.
//
//	link            | odoo                     | dingtalk           | result
//	none            | submitted                | –                  | start
//	settled, baseline| submitted, left before   | ended              | start the next occurrence
//	settled, baseline| not submitted            | ended              | remember that it left
//	settled         | …                        | revoked, modified  | apply, or hold
//	linked          | as it was sent           | running            | nothing
//	linked          | edited                   | running            | change rule: nothing, terminate, restart
//	linked          | decided                  | running            | terminate; Odoo's decision stands
//	linked          | outside, archived, gone  | running            | leave rule: terminate
//	linked          | …                        | ended by ourselves | settle; the outcome is not applied
//	linked          | the wished value already | ended              | settle
//	linked          | as it was sent           | ended              | apply
//	linked          | edited                   | agreed             | hold, unless edits are ignored
//	linked          | decided otherwise        | ended              | hold with both decisions
//	linked          | submitted, left before   | ended              | start the next occurrence; hold where it is not for us to start
func decideApproval(f approvalFacts) approvalVerdict {
	switch f.state {
	case "", Held:
		if f.submitted && f.odoo == Present {
			return approvalVerdict{fate: approvalStarts, why: ReasonNewOdoo}
		}
		return approvalVerdict{why: "no link; not submitted"}
	case Baseline, Settled:
		return decideEnded(f)
	case Linked:
	default:
		return approvalVerdict{why: string(f.state)}
	}
	if f.odoo == Unseen || f.ding == Unseen {
		return approvalVerdict{why: "unknown never causes anything"}
	}
	if f.ding == Finished {
		return decideOutcome(f)
	}
	return decideRunning(f)
}

// decideEnded: the approval ended, or there was never one of ours.
func decideEnded(f approvalFacts) approvalVerdict {
	late := f.outcome == outcomeRevoke || f.outcome == outcomeModify
	switch {
	case f.odoo == Unseen:
		return approvalVerdict{why: "unknown never causes anything"}
	case f.odoo == Present && f.submitted && f.n.Left:
		return approvalVerdict{fate: approvalStarts, why: "submitted again in odoo"}
	case f.state == Settled && late && f.outcome != f.n.Outcome:
		return decideOutcome(f)
	case !f.submitted && !f.n.Left:
		return approvalVerdict{fate: approvalLeaves, why: "ended on both sides"}
	}
	return approvalVerdict{why: "ended on both sides"}
}

// decideRunning: the instance waits for its approvers.
func decideRunning(f approvalFacts) approvalVerdict {
	withdraw := func(why string) approvalVerdict { return approvalVerdict{fate: approvalWithdraws, why: why} }
	switch {
	case f.decided && (f.odoo == Present || f.odoo == Outside):
		return withdraw("decided in odoo: " + f.value)
	case f.odoo == Archived, f.odoo == Gone:
		return withdraw(string(f.odoo) + " in odoo")
	case f.odoo == Outside && f.leave == mapping.LeaveTerminate:
		return withdraw("withdrawn in odoo")
	case f.odoo == Outside:
		return approvalVerdict{why: "left the domain; kept"}
	case f.edited == "" || f.change == mapping.ChangeIgnore:
		return approvalVerdict{why: "running"}
	case f.change == mapping.ChangeTerminate:
		return withdraw("edited in odoo: " + f.edited)
	case f.change == mapping.ChangeRestart:
		return approvalVerdict{fate: approvalWithdraws, why: "edited in odoo: " + f.edited, restart: true}
	}
	return approvalVerdict{why: "running; edited in odoo since it was sent (" + f.edited + "), so that agreeing would be held"}
}

// decideOutcome: the instance ended. Linked, or settled and revoked since.
func decideOutcome(f approvalFacts) approvalVerdict {
	told := "decided in dingtalk: " + f.outcome
	if f.by != "" {
		told += " by " + f.by
	}
	hold := func(kind HoldKind, why string) approvalVerdict {
		return approvalVerdict{fate: approvalHolds, kind: kind, why: why}
	}
	ended := func(why string) approvalVerdict { return approvalVerdict{fate: approvalEnds, why: why} }
	ours := f.n.Ending != "" && f.state == Linked
	late := f.state == Settled
	switch {
	case ours && f.outcome == outcomeTerminate:
		return ended(f.n.Ending)
	case f.take == mapping.Odoo:
		return ended(told + "; not applied, decided by a person")
	case f.wished && f.value == f.wish && f.odoo != Gone:
		return ended(told)
	case f.take == mapping.DingTalk && f.wished && f.odoo != Gone:
		return approvalVerdict{fate: approvalApplies, why: told + "; " + ReasonTaken}
	case f.state == Linked && f.n.Left && f.submitted: // what was decided was about the submission before
		return approvalVerdict{fate: approvalStarts, why: "submitted again in odoo"}
	case ours:
		return hold(HeldConflict, fmt.Sprintf("both decided: %s; odoo %s", told, f.n.Ending))
	case !f.applies && !late:
		return ended(told)
	case !f.wished:
		return hold(HeldInvalid, told+"; the mapping does not say what that means in odoo")
	case f.odoo == Gone, f.odoo == Archived:
		return ended(told + "; " + string(f.odoo) + " in odoo")
	case f.decided && !late:
		return hold(HeldConflict, fmt.Sprintf("both decided: %s; odoo %s", told, f.value))
	case f.state == Linked && f.n.Left && f.odoo == Present:
		return hold(HeldConflict, told+"; but taken back and submitted again in odoo since")
	case f.outcome == outcomeAgree && f.edited != "" && f.change != mapping.ChangeIgnore:
		return hold(HeldConflict, told+"; but edited in odoo since it was sent: "+f.edited)
	case !f.can:
		return hold(HeldConflict, fmt.Sprintf("%s; but no transition leads from %q to %q", told, f.value, f.wish))
	}
	return approvalVerdict{fate: approvalApplies, why: told}
}

// editedSince names the fields that show something else now than when they were sent, or, of a record that was made of an approval, than
// right after it was made; alike says whether two values are the same. Pure, but for alike.
func editedSince(m *mapping.Mapping, l *Link, view mapping.View, alike func(*mapping.Field, mapping.Value, mapping.Value) bool) string {
	var words []string
	for _, f := range m.Fields {
		if !decidedAbout(f) {
			continue
		}
		was, sent := l.Base(mapping.Odoo, f)
		now := view[f.Key]
		if !sent || now.IsUnknown() || alike(f, was, now) {
			continue
		}
		words = append(words, strings.TrimPrefix(f.Key, "form.")+" "+quote(was)+" -> "+quote(now))
	}
	return strings.Join(words, ", ")
}

// decidedAbout says whether the field is one of what is decided: it was sent, or the record was made of it.
func decidedAbout(f *mapping.Field) bool {
	sent := f.Writes(mapping.DingTalk) && !f.OnCreate && (f.OdooName != "" || f.Value != nil)
	made := f.Writes(mapping.Odoo) && f.OnCreate && f.DingName != "" && f.Lines == nil
	return sent || made
}
