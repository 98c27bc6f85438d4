package chaos

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// second is a moment of the cases below.
func second(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

var asSent, afterEdit = values{"假", 1}, values{"改", 1}

// did is a committed change of a leave as it was sent.
func did(at int, bridge bool, from, to string) moment {
	return moment{at: second(at), bridge: bridge, from: from, to: to, before: asSent, after: asSent, stamp: second(at).Format(time.DateTime)}
}

// asked is an approval of a leave as it was sent; result is "" while it runs, "terminate" of a withdrawn one.
func asked(id string, from, to int, result string) dingtalktest.Instance {
	in := dingtalktest.Instance{ID: id, Code: leaveCode, Status: dingtalktest.StatusRunning, Created: second(from), ByAPI: true, Form: []dingtalktest.FormValue{
		{Name: "事由", Value: asSent.name}, {Name: "天数", Value: "1"},
	}}
	switch result {
	case "":
	case "terminate":
		in.Status, in.Finished, in.TerminatedBy = dingtalktest.StatusTerminated, second(to), "someone"
	default:
		in.Status, in.Finished, in.Result = dingtalktest.StatusCompleted, second(to), result
	}
	return in
}

// TestJudge shows that every way to decide wrongly is noticed, and what is right is not.
func TestJudge(t *testing.T) {
	made := did(1, false, "", "confirm")
	edit := moment{at: second(4), from: "confirm", to: "confirm", before: asSent, after: afterEdit, stamp: second(4).Format(time.DateTime)}
	read := moment{at: second(5), bridge: true, read: true}
	edited := func(m moment, lock int) moment {
		m.before, m.after, m.lock = afterEdit, afterEdit, second(lock).Format(time.DateTime)
		return m
	}
	held := func(kind bridge.HoldKind, reason string) *bridge.Link {
		return &bridge.Link{Mapping: "leave-approval", Ding: "a", Odoo: "1", Holds: map[string]bridge.Hold{"outcome": {Kind: kind, Reason: reason}}}
	}
	agreed, refused := asked("a", 2, 6, "agree"), asked("a", 2, 6, "refuse")
	for name, c := range map[string]struct {
		moments   []moment
		approvals []dingtalktest.Instance
		link      *bridge.Link
		wrong     string // the beginning of the one violation, "" = right
		limit     bool
	}{
		"agreed":                        {moments: []moment{made, did(7, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}},
		"agreed in two steps":           {moments: []moment{made, did(7, true, "confirm", "validate1"), did(8, true, "validate1", "validate")}, approvals: []dingtalktest.Instance{agreed}},
		"decided by people in odoo":     {moments: []moment{made, did(7, false, "confirm", "validate")}, approvals: []dingtalktest.Instance{asked("a", 2, 0, "")}},
		"nobody decided":                {moments: []moment{made, did(7, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{asked("a", 2, 0, "")}, wrong: "decided wrongly: the bridge made it validate"},
		"decided before people did":     {moments: []moment{made, did(5, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}, wrong: "decided wrongly: the bridge made it validate"},
		"decided otherwise":             {moments: []moment{made, did(7, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{refused}, wrong: "decided wrongly: the bridge made it validate"},
		"decided twice":                 {moments: []moment{made, did(7, true, "confirm", "validate"), did(8, false, "validate", "refuse"), did(9, false, "refuse", "draft"), did(10, false, "draft", "confirm"), did(11, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}, wrong: "decided twice"},
		"by a superseded approval":      {moments: []moment{made, did(9, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed, asked("b", 8, 0, "")}, wrong: "decided wrongly: the bridge made it validate"},
		"over what odoo had decided":    {moments: []moment{made, did(4, false, "confirm", "validate"), did(7, true, "validate", "refuse")}, approvals: []dingtalktest.Instance{refused}, wrong: "decided wrongly: refuse carried over what was validate"},
		"about an earlier submission":   {moments: []moment{made, did(7, false, "confirm", "draft"), {at: second(8), bridge: true, read: true, to: "draft"}, did(9, false, "draft", "confirm"), did(10, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}, wrong: "decided wrongly: agree of the approval a is of an earlier submission"},
		"submitted again, unseen":       {moments: []moment{made, did(7, false, "confirm", "draft"), did(9, false, "draft", "confirm"), did(10, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}, limit: true},
		"submitted again, then agreed":  {moments: []moment{made, did(3, false, "confirm", "draft"), {at: second(4), bridge: true, read: true, to: "draft"}, did(5, false, "draft", "confirm"), did(7, true, "confirm", "validate")}, approvals: []dingtalktest.Instance{agreed}},
		"edited and approved":           {moments: []moment{made, edit, edited(did(7, true, "confirm", "validate"), 1)}, approvals: []dingtalktest.Instance{agreed}, wrong: "approved unseen"},
		"edited, shown and approved":    {moments: []moment{made, edit, read, edited(did(7, true, "confirm", "validate"), 4)}, approvals: []dingtalktest.Instance{agreed}, wrong: "approved unseen"},
		"edited in the lock's second":   {moments: []moment{made, edit, edited(did(7, true, "confirm", "validate"), 4)}, approvals: []dingtalktest.Instance{agreed}, limit: true},
		"edited between two steps":      {moments: []moment{made, did(7, true, "confirm", "validate1"), edited(did(8, true, "validate1", "validate"), 7)}, approvals: []dingtalktest.Instance{agreed}, wrong: "approved unseen"},
		"edited and refused":            {moments: []moment{made, edit, edited(did(7, true, "confirm", "refuse"), 1)}, approvals: []dingtalktest.Instance{refused}},
		"forgotten":                     {moments: []moment{made}, approvals: []dingtalktest.Instance{agreed}, wrong: "forgotten: agree"},
		"so already":                    {moments: []moment{made, did(4, false, "confirm", "refuse")}, approvals: []dingtalktest.Instance{refused}},
		"held: both":                    {moments: []moment{made, did(4, false, "confirm", "validate")}, approvals: []dingtalktest.Instance{refused}, link: held(bridge.HeldConflict, "both decided: …")},
		"held: both, but only one":      {moments: []moment{made}, approvals: []dingtalktest.Instance{refused}, link: held(bridge.HeldConflict, "both decided: …"), wrong: "held with a reason that does not fit"},
		"held: edited":                  {moments: []moment{made, edit}, approvals: []dingtalktest.Instance{agreed}, link: held(bridge.HeldConflict, "…; but edited in odoo since it was sent: …")},
		"held: edited, but as sent":     {moments: []moment{made}, approvals: []dingtalktest.Instance{agreed}, link: held(bridge.HeldConflict, "…; but edited in odoo since it was sent: …"), wrong: "held with a reason that does not fit"},
		"held: no way":                  {moments: []moment{made, did(4, false, "confirm", "validate1")}, approvals: []dingtalktest.Instance{asked("a", 2, 6, "terminate")}, link: held(bridge.HeldConflict, "…; but no transition leads from …")},
		"held: no way, but there is":    {moments: []moment{made}, approvals: []dingtalktest.Instance{asked("a", 2, 6, "terminate")}, link: held(bridge.HeldConflict, "…; but no transition leads from …"), wrong: "held with a reason that does not fit"},
		"held: refused, but it was not": {moments: []moment{made}, approvals: []dingtalktest.Instance{agreed}, link: held(bridge.HeldRefused, "…; odoo refused it: …"), wrong: "held with a reason that does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			j := judgement{counted: map[string]int{}, limits: map[string]int{}}
			of := &leaveCase{l: &leave{id: 1, person: &record{tag: "P1"}}, moments: c.moments, approvals: c.approvals, verdicts: (&world{}).verdictsOn(c.approvals), j: &j}
			if c.link != nil {
				of.links = []*bridge.Link{c.link}
			}
			of.judge()
			told := strings.Join(j.wrong, "\n")
			if c.wrong == "" && told != "" || !strings.HasPrefix(told, "leave 1 of P1: "+c.wrong) && c.wrong != "" {
				t.Errorf("want %q, got:\n%s", c.wrong, told)
			}
			if c.limit != (len(j.limits) == 1) {
				t.Errorf("limits: %v", j.limits)
			}
		})
	}
	w := &world{endedBy: map[string]string{"a": "agree"}}
	decided := asked("a", 2, 6, "agree")
	decided.Tasks = []dingtalktest.Task{{}}
	if told := w.endedByNobody(decided); told != "" {
		t.Error(told)
	}
	decided.Result = "refuse"
	if w.endedByNobody(decided) == "" {
		t.Error("an approval that nobody refused is not noticed")
	}
}
