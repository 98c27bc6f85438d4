package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// bornYAML makes leaves of approvals that were started in DingTalk.
const bornYAML = `
mapping: leave-requests
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
dingtalk: {kind: approval, process_code: PROC-BORN}
direction: to_odoo
start: now
create: {odoo: true}
fields:
  - {odoo: employee_id,       dingtalk: originator_user_id, ref: employees, on: create}
  - {odoo: holiday_status_id, dingtalk: form.假期类型, lookup: {model: hr.leave.type, by: name}, on: create}
  - {odoo: date_from,         dingtalk: form.开始时间, convert: datetime, on: create}
  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, on: create}
  - {odoo: number_of_days,    dingtalk: form.天数, on: create}
  - {odoo: name,              dingtalk: form.事由, on: create}
  - {odoo: state,             dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: refuse, revoke: refuse}}
`

func newBirth(t *testing.T) *office {
	t.Helper()
	w := newWorldAs(t, []string{"hr_holidays.group_hr_holidays_manager"}, append(presets(t), mapping.Source{File: "born.yaml", Data: []byte(bornYAML)})...)
	w.options = func(o *bridge.Options) { o.Withdrawable, o.Now = time.Millisecond, w.now }
	w.reopen()
	w.ding.AddTemplate(dingtalktest.Template{
		Code: "PROC-BORN", Name: "请假",
		Components: []dingtalktest.Component{
			{Type: "DDSelectField", Label: "假期类型", Required: true, Options: []string{"年假", "病假"}},
			{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
			{Type: "NumberField", Label: "天数"},
			{Type: "TextareaField", Label: "事由"},
		},
		Flow: []dingtalktest.Node{{Name: "主管", Users: []string{"nobody yet"}}},
	})
	o := &office{one: staffed(w)}
	must(t, w.ding.EditTemplate("PROC-BORN", func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{o.uZhang} }))
	o.kind = w.people.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	return o
}

func (o *office) askInDing(kind, from, to string) string {
	o.t.Helper()
	id, err := o.ding.StartInstance("PROC-BORN", o.uLi, 0, map[string]any{"假期类型": kind, "开始时间": from, "结束时间": to, "天数": 1, "事由": "看病"})
	must(o.t, err)
	return id
}

func (o *office) leaves() []map[string]any {
	var out []map[string]any
	for _, id := range o.people.Search("hr.leave", []any{}) {
		out = append(out, o.people.Get("hr.leave", id))
	}
	return out
}

func TestALeaveBornInDingTalk(t *testing.T) {
	o := newBirth(t)
	id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	all := o.leaves()
	want(t, "leaves", len(all), 1)
	want(t, "from", text(all[0], "date_from"), "2026-12-07 01:00:00")
	want(t, "whose", text(all[0], "employee_id"), text(o.employeeOf(o.li), "id"))
	want(t, "state", text(all[0], "state"), "confirm")
	must(t, o.ding.Agree(id, "好"))
	o.step()
	all = o.leaves()
	want(t, "leaves", len(all), 1)
	want(t, "state after it was agreed", text(all[0], "state"), "validate")
	o.settled()
}

func TestBornAndRefusedBeforeAnybodyLooked(t *testing.T) {
	o := newBirth(t)
	id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	must(t, o.ding.Refuse(id, ""))
	o.step()
	all := o.leaves()
	want(t, "leaves", len(all), 1)
	want(t, "state", text(all[0], "state"), "refuse")
	o.settled()
}

func TestBornWithAnUnknownKind(t *testing.T) {
	o := newBirth(t)
	id := o.askInDing("病假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	want(t, "leaves", len(o.leaves()), 0)
	o.wantHeld(`no hr.leave.type has name "病假"`)
	o.people.Create("hr.leave.type", map[string]any{"name": "病假", "allocation_type": "no", "validation_type": "hr"})
	must(t, o.ding.Agree(id, ""))
	o.engine.Night(o.ctx)
	o.step()
	all := o.leaves()
	want(t, "leaves", len(all), 1)
	want(t, "state", text(all[0], "state"), "validate")
}

func TestBornWhileNobodyListened(t *testing.T) {
	o := newBirth(t)
	o.ding.Quiet(func() { o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00") })
	o.step()
	want(t, "leaves", len(o.leaves()), 0)
	o.engine.MissedEvents(true)
	o.engine.SweepDue(o.ctx)
	o.step()
	want(t, "leaves", len(o.leaves()), 1)
	o.engine.MissedEvents(true)
	o.engine.SweepDue(o.ctx)
	o.step()
	want(t, "leaves after another look", len(o.leaves()), 1)
}

func TestHistoryIsImported(t *testing.T) {
	o := newBirth(t)
	o.ding.Quiet(func() {
		for _, day := range []string{"07", "08", "09"} {
			must(t, o.ding.Agree(o.askInDing("年假", "2026-12-"+day+" 09:00", "2026-12-"+day+" 18:00"), ""))
		}
	})
	m, _ := o.set().Get("leave-requests")
	from, to := o.now().Add(-time.Hour), o.now().Add(time.Minute)
	enough := 0
	_, err := o.engine.ImportHistory(o.ctx, m, from, to, func(calls int) error {
		enough += calls
		if enough > 3 {
			return bridge.ErrNoLink
		}
		return nil
	}, nil)
	if err == nil {
		t.Error("the import did not stop when the quota did")
	}
	h, err := o.engine.ImportHistory(o.ctx, m, from, to, nil, nil)
	must(t, err)
	want(t, "found", h.Found, 3)
	want(t, "fresh", h.Fresh, 3)
	must(t, o.engine.Work(o.ctx, 3*time.Second))
	for _, leave := range o.leaves() {
		want(t, "state", text(leave, "state"), "validate")
	}
	want(t, "leaves", len(o.leaves()), 3)
	h, err = o.engine.ImportHistory(o.ctx, m, from, to, nil, nil)
	must(t, err)
	want(t, "fresh again", h.Fresh, 0)
	_, err = o.engine.ImportHistory(o.ctx, m, o.now().AddDate(-2, 0, 0), to, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "365 days") {
		t.Errorf("two years back: %v", err)
	}
}

// Without an end, an import ends now: what was read is not read again because now is later.
func TestAnInterruptedImportGoesOn(t *testing.T) {
	o := newBirth(t)
	m, _ := o.set().Get("leave-requests")
	from, to := o.now().AddDate(0, 0, -20), o.now()
	parts := 0
	count := func(bridge.History) { parts++ }
	_, err := o.engine.ImportHistory(o.ctx, m, from, to, func(int) error {
		if parts == 2 {
			return bridge.ErrNoLink
		}
		return nil
	}, count)
	if err == nil {
		t.Fatal("the import did not stop when the quota did")
	}
	h, err := o.engine.ImportHistory(o.ctx, m, from, to.Add(time.Minute), nil, count)
	must(t, err)
	want(t, "parts of seven days read", parts, 3)
	want(t, "the end", h.To, to.Add(time.Minute))
}

func TestWhatIsBornInDingTalkIsNotAskedForAgain(t *testing.T) {
	w := newWorldAs(t, []string{"hr_holidays.group_hr_holidays_manager"}, append(presets(t), mapping.Source{File: "leave.yaml", Data: []byte(leaveYAML)}, mapping.Source{File: "born.yaml", Data: []byte(bornYAML)})...)
	for _, code := range []string{"PROC-BORN", "PROC-LEAVE"} {
		w.ding.AddTemplate(dingtalktest.Template{Code: code, Flow: []dingtalktest.Node{{Users: []string{"nobody yet"}}}, Components: []dingtalktest.Component{
			{Type: "TextField", Label: "单据编号"},
			{Type: "TextField", Label: "假期类型"},
			{Type: "TextareaField", Label: "事由"},
			{Type: "NumberField", Label: "天数"},
			{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
		}})
	}
	o := &office{one: staffed(w)}
	for _, code := range []string{"PROC-BORN", "PROC-LEAVE"} {
		must(t, w.ding.EditTemplate(code, func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{o.uZhang} }))
	}
	o.kind = w.people.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	o.step()
	want(t, "leaves", len(o.leaves()), 1)
	o.instance(0)
	must(t, o.ding.Refuse(id, ""))
	o.step()
	o.later(2 * time.Second)
	leave := id64(t, text(o.leaves()[0], "id"))
	o.press(leave, "action_draft")
	o.step()
	o.later(2 * time.Second)
	o.press(leave, "action_confirm")
	o.step()
	o.instance(1) // submitted again, by now in Odoo
}

func TestBornAndNotShownYet(t *testing.T) {
	o := newBirth(t)
	o.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 30 * time.Millisecond })
	o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	o.step()
	want(t, "leaves", len(o.leaves()), 1)
}

// TestDecidedInOdooWhileItRunsOnInDingTalk: what was born in DingTalk is not withdrawn from Odoo; when the approvers decide otherwise later,
// a person sees both decisions.
func TestDecidedInOdooWhileItRunsOnInDingTalk(t *testing.T) {
	for _, agree := range []bool{true, false} {
		o := newBirth(t)
		id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
		o.step()
		leave := id64(t, text(o.leaves()[0], "id"))
		o.press(leave, "action_approve")
		o.step()
		o.later(2 * time.Second)
		in, _ := o.ding.Instance(id)
		want(t, "the approval", in.Status, dingtalktest.StatusRunning)
		held := ""
		if agree {
			must(t, o.ding.Agree(id, ""))
		} else {
			must(t, o.ding.Refuse(id, "不行"))
			held = "both decided: decided in dingtalk: refuse by 张三; odoo validate; held"
		}
		o.step()
		want(t, "state", o.state(leave), "validate")
		if got := o.held(); held == "" && got != "" || !strings.Contains(got, held) {
			t.Errorf("held %q, not %q", got, held)
		}
	}
}

// TestBornTakenBackAndSubmittedAgain: the approval of the submission before does not decide about this one, unless it was still running.
func TestBornTakenBackAndSubmittedAgain(t *testing.T) {
	for _, running := range []bool{false, true} {
		o := newBirth(t)
		id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
		o.step()
		leave := id64(t, text(o.leaves()[0], "id"))
		o.press(leave, "action_draft")
		if !running {
			must(t, o.ding.Withdraw(id))
		}
		o.step()
		o.later(2 * time.Second)
		o.press(leave, "action_confirm")
		o.step()
		want(t, "state", o.state(leave), "confirm")
		if !running {
			o.wantHeld("taken back and submitted again in odoo since")
			continue
		}
		must(t, o.ding.Agree(id, ""))
		o.step()
		want(t, "state", o.state(leave), "validate")
	}
}

// TestBornAndEditedInOdooWhileItRuns: what the approver saw is not what would be approved.
func TestBornAndEditedInOdooWhileItRuns(t *testing.T) {
	o := newBirth(t)
	id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	leave, _ := o.leaves()[0]["id"].(int64)
	o.later(2 * time.Second)
	must(t, o.people.Write("hr.leave", leave, map[string]any{"number_of_days": 5.0}))
	must(t, o.ding.Agree(id, ""))
	o.step()
	want(t, "state", o.state(leave), "confirm")
	o.wantHeld("edited in odoo since it was sent: 天数 \"1\" -> \"5\"")
	_, err := bridge.Resolve(o.ctx, o.store, o.set(), bridge.Ref{Side: mapping.Odoo, Kind: "hr.leave", ID: bridge.ID(text(o.leaves()[0], "id"))}, "", mapping.DingTalk)
	must(t, err)
	o.step()
	want(t, "state once a person took the decision", o.state(leave), "validate")
}

// TestBornOfSomebodyWhoIsLinkedAnew: the link has another number, and the leave is that person's all the same.
func TestBornOfSomebodyWhoIsLinkedAnew(t *testing.T) {
	o := newBirth(t)
	id := o.askInDing("年假", "2026-12-07 09:00", "2026-12-07 18:00")
	o.step()
	leave, _ := o.leaves()[0]["id"].(int64)
	ref := bridge.Ref{Side: mapping.Odoo, Kind: "hr.employee", ID: bridge.ID(fmt.Sprint(o.li))}
	_, err := bridge.ForgetRecord(o.ctx, o.store, o.set(), ref)
	must(t, err)
	o.sync()
	must(t, o.ding.Agree(id, ""))
	o.step()
	want(t, "held", o.held(), "")
	want(t, "state", o.state(leave), "validate")
}
