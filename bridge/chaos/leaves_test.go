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

// freeDay is a day on which nobody has a leave yet.
func (w *world) freeDay() time.Time {
	w.days++
	return time.Date(2030, 1, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, 2*w.days)
}

// asker is somebody who is in both systems.
func (w *world) asker() (*record, error) {
	r, err := w.somebody()
	if err != nil {
		return nil, err
	}
	if w.odooID(r) == 0 || w.dingID(r) == "" {
		return nil, errNotThere
	}
	return r, nil
}

func (w *world) askLeave() error {
	r, err := w.asker()
	if err != nil {
		return err
	}
	day := w.freeDay()
	id, err := w.odoo.As("admin").Create("hr.leave", map[string]any{
		"employee_id": r.odoo, "holiday_status_id": w.odoo.Search("hr.leave.type", []any{[]any{"name", "=", "年假"}})[0], "name": w.value("假"), "number_of_days": 1.0,
		"date_from": day.Format("2006-01-02 15:04:05"), "date_to": day.Add(9 * time.Hour).Format("2006-01-02 15:04:05"),
	})
	if err != nil {
		return err
	}
	w.leaves = append(w.leaves, &leave{id: id, person: r})
	w.tell("odoo %s asks for leave %d", r.tag, id)
	return nil
}

func (w *world) bearLeave() error {
	r, err := w.asker()
	if err != nil {
		return err
	}
	day, tag := w.freeDay().In(time.FixedZone("UTC+8", 8*3600)), w.value("生")
	id, err := w.ding.StartInstance(bornCode, r.ding, 0, map[string]any{
		"天数": 1, "事由": tag, "开始时间": day.Format("2006-01-02 15:04"), "结束时间": day.Add(9 * time.Hour).Format("2006-01-02 15:04"),
	})
	if err != nil {
		return err
	}
	w.leaves = append(w.leaves, &leave{person: r, tag: tag, born: id})
	w.tell("dingtalk %s asks for leave %s", r.tag, tag)
	return nil
}

// someLeave picks a leave of Odoo in one of the states.
func (w *world) someLeave(states ...string) (*leave, error) {
	var fit []*leave
	for _, l := range w.leaves {
		if l.id != 0 && slices.Contains(states, w.leaveState(l)) {
			fit = append(fit, l)
		}
	}
	l, ok := pick(w, fit)
	if !ok {
		return nil, errNotThere
	}
	return l, nil
}

func (w *world) leaveState(l *leave) string {
	state, _ := w.odoo.Get("hr.leave", l.id)["state"].(string)
	return state
}

// pressLeave presses a button of a leave in Odoo.
func (w *world) pressLeave(button, becomes string, from ...string) func() error {
	return func() error {
		l, err := w.someLeave(from...)
		if err != nil {
			return err
		}
		if _, err := w.odoo.As("admin").Call("hr.leave", button, []any{[]any{l.id}}, nil); err != nil {
			return err
		}
		l.inOdoo = becomes
		w.tell("odoo leave %d: %s", l.id, button)
		return nil
	}
}

func (w *world) editLeave() error {
	l, err := w.someLeave("confirm")
	if err != nil {
		return err
	}
	if err := w.odoo.Write("hr.leave", l.id, map[string]any{"name": w.value("改")}); err != nil {
		return err
	}
	w.tell("odoo leave %d: edited", l.id)
	return nil
}

// someInstance picks a running or an agreed instance.
func (w *world) someInstance(status, result string) (dingtalktest.Instance, error) {
	var fit []dingtalktest.Instance
	for _, code := range []string{leaveCode, bornCode} {
		for _, in := range w.ding.Instances(code) {
			if in.Status == status && in.Result == result && in.Main == "" && len(in.Attached) == 0 && !in.Deleted {
				fit = append(fit, in)
			}
		}
	}
	in, ok := pick(w, fit)
	if !ok {
		return in, errNotThere
	}
	return in, nil
}

// decideLeave lets somebody act on a running approval in DingTalk.
func (w *world) decideLeave(what string, act func(id string) error) func() error {
	return func() error {
		in, err := w.someInstance(dingtalktest.StatusRunning, "")
		if err != nil {
			return err
		}
		if err := act(in.ID); err != nil {
			return err
		}
		w.tell("dingtalk approval %s (%s): %s", in.ID, in.Value(markLabel), what)
		return nil
	}
}

func (w *world) revokeLeave() error {
	in, err := w.someInstance(dingtalktest.StatusCompleted, dingtalktest.ResultAgree)
	if err != nil {
		return err
	}
	id, err := w.ding.Revoke(in.ID)
	if err != nil {
		return err
	}
	w.tell("dingtalk approval %s (%s): revoked", in.ID, in.Value(markLabel))
	return w.ding.Agree(id, "")
}

// officeActs are what people do with leaves.
var officeActs = []act{
	{"ask for leave", 8, (*world).askLeave},
	{"ask for leave in dingtalk", 3, (*world).bearLeave},
	{"edit a leave", 1, (*world).editLeave},
	{"take a leave back", 2, func(w *world) error { return w.pressLeave("action_draft", "draft", "confirm", "refuse")() }},
	{"submit a leave again", 3, func(w *world) error { return w.pressLeave("action_confirm", "confirm", "draft")() }},
	{"approve a leave in odoo", 1, func(w *world) error { return w.pressLeave("action_approve", "validate", "confirm")() }},
	{"refuse a leave in odoo", 1, func(w *world) error { return w.pressLeave("action_refuse", "refuse", "confirm", "validate")() }},
	{"agree", 6, func(w *world) error {
		return w.decideLeave("agreed", func(id string) error { return w.ding.Agree(id, "好") })()
	}},
	{"refuse", 3, func(w *world) error {
		return w.decideLeave("refused", func(id string) error { return w.ding.Refuse(id, "不行") })()
	}},
	{"withdraw in dingtalk", 1, func(w *world) error { return w.decideLeave("withdrawn", w.ding.Withdraw)() }},
	{"comment", 1, func(w *world) error {
		return w.decideLeave("commented", func(id string) error {
			in, _ := w.ding.Instance(id)
			return w.ding.Remark(id, in.Originator, w.value("评论"))
		})()
	}},
	{"revoke", 1, (*world).revokeLeave},
}

// leaveDifferences holds every leave against its approvals. What the bridge lists as held is left out: a person decides.
func (w *world) leaveDifferences() []string {
	links := map[string]map[mapping.Side]map[string]*bridge.Link{}
	if err := w.store.View(w.ctx, func(tx bridge.Tx) error {
		for _, name := range []string{"leave-approval", "leave-requests"} {
			by := map[mapping.Side]map[string]*bridge.Link{mapping.Odoo: {}, mapping.DingTalk: {}}
			links[name] = by
			for l, err := range tx.Links(name) {
				if err != nil {
					return err
				}
				for side, known := range by {
					if id := string(l.On(side)); id != "" {
						known[id] = l
					}
				}
			}
		}
		return nil
	}); err != nil {
		return []string{"reading the store: " + err.Error()}
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
	for _, name := range []string{"leave-approval", "leave-requests"} {
		for _, side := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
			for _, l := range links[name][side] {
				for _, h := range l.Holds {
					w.heldLeaves = append(w.heldLeaves, h.Reason)
				}
			}
		}
	}
	if n, known := len(w.odoo.Search("hr.leave", []any{})), len(slices.DeleteFunc(slices.Clone(w.leaves), func(l *leave) bool { return l.id == 0 })); n != known {
		out = append(out, fmt.Sprintf("%d leaves in odoo, and people know of %d", n, known))
	}
	return out
}

// bornDifference: what is asked for in DingTalk is one leave in Odoo.
func (w *world) bornDifference(l *leave, links map[mapping.Side]map[string]*bridge.Link) []string {
	found := w.odoo.Search("hr.leave", []any{[]any{"name", "=", l.tag}})
	switch {
	case len(found) > 1:
		return []string{fmt.Sprintf("the leave %s exists %d times", l.tag, len(found))}
	case len(found) == 1:
		l.id = found[0]
		return nil
	case l.id != 0: // edited since
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
	for _, name := range []string{"leave-approval", "leave-requests"} {
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
	if state != expect && !byPeople {
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
}
