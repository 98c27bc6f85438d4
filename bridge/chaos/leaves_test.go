package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// The templates of leaves: asked for in Odoo, and born in DingTalk.
const (
	leaveCode = "PROC-CHAOS-LEAVE"
	bornCode  = "PROC-CHAOS-BORN"
	markLabel = "单据编号"
)

// leaveMappings decide leaves in DingTalk, both ways.
const leaveMappings = `
mapping: leave-approval
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
      draft:    [{from: [confirm, refuse], call: action_draft}]
dingtalk: {kind: approval, process_code: ` + leaveCode + `}
direction: both
start: now
marker: form.` + markLabel + `
create: {dingtalk: {when: "state == 'confirm'"}}
guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}
fields:
  - {odoo: employee_id,    dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}
  - {odoo: number_of_days, dingtalk: form.天数, direction: to_dingtalk}
  - {odoo: name,           dingtalk: form.事由, direction: to_dingtalk}
  - {odoo: state,          dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: draft, revoke: refuse}, direction: to_odoo}
---
mapping: leave-requests
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
dingtalk: {kind: approval, process_code: ` + bornCode + `}
direction: to_odoo
start: now
create: {odoo: true}
guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}
fields:
  - {odoo: employee_id,       dingtalk: originator_user_id, ref: employees, on: create}
  - {odoo: holiday_status_id, value: "'年假'", lookup: {model: hr.leave.type, by: name}, on: create}
  - {odoo: date_from,         dingtalk: form.开始时间, convert: datetime, on: create}
  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, on: create}
  - {odoo: number_of_days,    dingtalk: form.天数, on: create}
  - {odoo: name,              dingtalk: form.事由, on: create}
  - {odoo: state,             dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: refuse, revoke: refuse}}
`

// approvalMappings are the two of leaveMappings.
var approvalMappings = []string{"leave-approval", "leave-requests"}

// leave is one leave as people know it. What they did last in Odoo is a state that it may rightly have whatever DingTalk said.
type leave struct {
	id     int64
	person *record
	tag    string // of one that was born in DingTalk: its reason
	born   string // and its instance
	inOdoo string // the state to which people last brought it in Odoo; "" = they did not
}

// foundOffice makes what leaves need.
func (w *world) foundOffice() {
	w.odoo.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	w.odoo.Create("hr.leave.type", map[string]any{"name": "事假", "allocation_type": "no", "validation_type": "both"}) // approved twice
	must(w.t, w.odoo.Err())
	text := func(kind, label string) dingtalktest.Component {
		return dingtalktest.Component{Type: kind, Label: label}
	}
	form := []dingtalktest.Component{
		text("TextField", markLabel), text("NumberField", "天数"), text("TextareaField", "事由"),
		{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
	}
	for _, code := range []string{leaveCode, bornCode} {
		t := dingtalktest.Template{Code: code, Name: "请假", Components: form}
		if code == leaveCode {
			t.Marker = markLabel
		}
		w.ding.AddTemplate(t)
	}
	w.ding.Set(func(k *dingtalktest.Knobs) { k.WithdrawAfter = 150 * time.Millisecond })
}

// appointBosses lets any of some people decide; a flow that asks nobody agrees at once, and people leave.
func (w *world) appointBosses() {
	var bosses []string
	for _, r := range w.ledger.all("person", true) {
		if id := w.dingID(r); id != "" && len(bosses) < 8 {
			bosses = append(bosses, id)
		}
	}
	for _, code := range []string{leaveCode, bornCode} {
		must(w.t, w.ding.EditTemplate(code, func(t *dingtalktest.Template) {
			t.Flow = []dingtalktest.Node{{Users: bosses, Mode: dingtalktest.ModeOr}}
		}))
	}
}

// leaveDifferences holds every leave against its approvals. What the bridge lists as held is left out: a person decides.
func (w *world) leaveDifferences() []string {
	all, err := w.leaveLinks()
	if err != nil {
		return []string{"reading the store: " + err.Error()}
	}
	links := map[string]map[mapping.Side]map[string]*bridge.Link{}
	for _, name := range approvalMappings {
		by := map[mapping.Side]map[string]*bridge.Link{mapping.Odoo: {}, mapping.DingTalk: {}}
		links[name] = by
		for _, l := range all[name] {
			for side, known := range by {
				if id := string(l.On(side)); id != "" {
					known[id] = l
				}
			}
		}
	}
	var out []string
	for _, l := range w.leaves {
		if l.born != "" {
			out = append(out, w.bornDifference(l, links["leave-requests"])...)
		}
		if l.id != 0 {
			out = append(out, w.leaveDifference(l, links)...)
			out = append(out, w.twiceNoted(l)...)
		}
	}
	w.heldLeaves = nil
	for _, name := range approvalMappings {
		for _, l := range all[name] {
			for _, h := range l.Holds {
				w.heldLeaves = append(w.heldLeaves, h.Reason)
			}
		}
	}
	if n, known := len(w.odoo.Search("hr.leave", []any{})), len(slices.DeleteFunc(slices.Clone(w.leaves), func(l *leave) bool { return l.id == 0 })); n != known {
		out = append(out, fmt.Sprintf("%d leaves in odoo, and people know of %d", n, known))
	}
	return out
}

// leaveLinks are the links of both mappings, by the mapping.
func (w *world) leaveLinks() (map[string][]*bridge.Link, error) {
	links := map[string][]*bridge.Link{}
	err := w.store.View(w.ctx, func(tx bridge.Tx) error {
		for _, name := range approvalMappings {
			for l, err := range tx.Links(name) {
				if err != nil {
					return err
				}
				links[name] = append(links[name], l)
			}
		}
		return nil
	})
	return links, err
}

// bornDifference: what is asked for in DingTalk is one leave in Odoo.
func (w *world) bornDifference(l *leave, links map[mapping.Side]map[string]*bridge.Link) []string {
	found := w.moments.made(l.tag)
	switch {
	case len(found) > 1:
		return []string{fmt.Sprintf("the leave %s exists %d times", l.tag, len(found))}
	case len(found) == 1:
		l.id = found[0]
		return nil
	case !l.person.alive || held(links[mapping.DingTalk][l.born], ""):
		return nil
	}
	return []string{fmt.Sprintf("the leave %s, asked for in dingtalk by %s, is not in odoo", l.tag, l.person.tag)}
}

// approvalsOf are the approvals about a leave, oldest occurrence first.
func (w *world) approvalsOf(l *leave) []dingtalktest.Instance {
	var out []dingtalktest.Instance
	if in, ok := w.ding.Instance(l.born); ok {
		out = append(out, in)
	}
	prefix := "leave-approval/" + strconv.FormatInt(l.id, 10) + "/"
	for _, in := range w.ding.Instances(leaveCode) {
		if strings.HasPrefix(in.Value(markLabel), prefix) && in.Main == "" {
			out = append(out, in)
		}
	}
	return out
}

func (w *world) leaveDifference(l *leave, links map[string]map[mapping.Side]map[string]*bridge.Link) []string {
	id, state, all := strconv.FormatInt(l.id, 10), w.leaveState(l), w.approvalsOf(l)
	running, byMarker := 0, map[string]int{}
	for _, in := range all {
		if in.Status == dingtalktest.StatusRunning {
			running++
		}
		byMarker[in.Value(markLabel)]++
	}
	var out []string
	for marker, n := range byMarker {
		if n > 1 {
			out = append(out, fmt.Sprintf("leave %d: %d approvals %s", l.id, n, marker))
		}
	}
	for _, name := range approvalMappings {
		if link := links[name][mapping.Odoo][id]; link != nil && len(link.Holds) > 0 {
			return out
		}
	}
	wrong := func(why string) []string {
		return append(out, fmt.Sprintf("leave %d of %s is %s (people made it %q), %s", l.id, l.person.tag, state, l.inOdoo, why))
	}
	switch {
	case running > 1:
		return wrong(fmt.Sprintf("%d of its approvals run", running))
	case len(all) == 0 && state == "confirm" && l.person.alive:
		return wrong("and nobody was asked")
	case len(all) == 0:
		return out
	}
	last := all[len(all)-1]
	outcome := last.Result
	for _, attached := range last.Attached {
		if a, _ := w.ding.Instance(attached); a.Result == dingtalktest.ResultAgree {
			outcome = "revoke"
		}
	}
	expect := map[string]string{"agree": "validate", "refuse": "refuse", "revoke": "refuse"}[outcome]
	switch {
	case last.Status == dingtalktest.StatusRunning:
		expect = "confirm"
	case last.Status == dingtalktest.StatusTerminated && l.born != "" && len(all) == 1:
		expect = "refuse"
	case last.Status == dingtalktest.StatusTerminated:
		expect = "draft"
	}
	// What was born in DingTalk is not withdrawn by the bridge: there it goes on.
	byPeople := state == l.inOdoo && (state != "confirm" || !l.person.alive) && (last.Status != dingtalktest.StatusRunning || last.ID == l.born)
	halfway := state == "validate1" && l.inOdoo == state && expect == "confirm" // a person approved it the first time
	if state != expect && !byPeople && !halfway {
		return wrong(fmt.Sprintf("its approval %s %s %s by %s", last.ID, last.Status, outcome, last.TerminatedBy))
	}
	return out
}

// twiceNoted: a step stands in the chatter once.
func (w *world) twiceNoted(l *leave) []string {
	seen := map[string]bool{}
	for _, m := range w.odoo.Search("mail.message", []any{[]any{"model", "=", "hr.leave"}, []any{"res_id", "=", l.id}, []any{"message_id", "like", "dingbridge"}}) {
		id := fmt.Sprint(w.odoo.Get("mail.message", m)["message_id"])
		if seen[id] {
			return []string{fmt.Sprintf("leave %d: the message %s was posted twice", l.id, id)}
		}
		seen[id] = true
	}
	return nil
}

// tellLeaves tells what became of the leaves of this world, and enters the held ones in the report.
func (w *world) tellLeaves() {
	approvals, decided := 0, 0
	for _, code := range []string{leaveCode, bornCode} {
		for _, in := range w.ding.Instances(code) {
			if approvals++; in.Status != dingtalktest.StatusRunning {
				decided++
			}
		}
	}
	w.t.Logf("leaves: %d; approvals: %d, of them ended: %d; held: %d %q", len(w.leaves), approvals, decided, len(w.heldLeaves), slices.Compact(slices.Sorted(slices.Values(w.heldLeaves))))
	w.report.judged(w.judge())
}
