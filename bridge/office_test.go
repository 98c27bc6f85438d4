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

// leaveYAML maps leaves of Odoo to a template of approvals.
const leaveYAML = `
mapping: leave-approval
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
      draft:    [{from: [confirm, refuse], call: action_draft}]
dingtalk: {kind: approval, process_code: PROC-LEAVE}
direction: both
start: now
marker: form.单据编号
create: {dingtalk: {when: "state == 'confirm'"}}
fields:
  - {odoo: employee_id,       dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}
  - {odoo: holiday_status_id, dingtalk: form.假期类型, convert: label, direction: to_dingtalk}
  - {odoo: date_from,         dingtalk: form.开始时间, convert: datetime, direction: to_dingtalk}
  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, direction: to_dingtalk}
  - {odoo: number_of_days,    dingtalk: form.天数, direction: to_dingtalk}
  - {odoo: name,              dingtalk: form.事由, direction: to_dingtalk}
  - {odoo: state,             dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: draft, revoke: refuse}, direction: to_odoo}
`

// office is the small company with leaves that are decided in DingTalk, by 张三.
type office struct {
	*one
	kind int64 // a type of leave that one person approves
	day  int   // leaves never overlap
}

func newOffice(t *testing.T, edits ...func(string) string) *office {
	t.Helper()
	text := leaveYAML
	for _, edit := range edits {
		text = edit(text)
	}
	w := newWorldAs(t, []string{"hr_holidays.group_hr_holidays_manager"}, append(presets(t), mapping.Source{File: "leave.yaml", Data: []byte(text)})...)
	w.options = func(o *bridge.Options) { o.Withdrawable = 50 * time.Millisecond }
	w.reopen()
	w.ding.Set(func(k *dingtalktest.Knobs) { k.WithdrawAfter = 0 })
	w.ding.AddTemplate(dingtalktest.Template{
		Code: "PROC-LEAVE", Name: "请假申请", Marker: "单据编号",
		Components: []dingtalktest.Component{
			{Type: "TextField", Label: "单据编号"},
			{Type: "TextField", Label: "假期类型", Required: true},
			{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
			{Type: "NumberField", Label: "天数", Required: true},
			{Type: "TextareaField", Label: "事由"},
		},
		Flow: []dingtalktest.Node{{Name: "主管", Users: []string{"nobody yet"}}},
	})
	o := &office{one: staffed(w)}
	must(t, w.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{o.uZhang} }))
	o.kind = w.people.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	return o
}

// leave enters a leave of 李四 that asks for approval.
func (o *office) leave(days int) int64 {
	o.t.Helper()
	o.day += 20
	from := time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, o.day)
	return o.people.Create("hr.leave", map[string]any{
		"employee_id": o.li, "holiday_status_id": o.kind, "name": "回家", "number_of_days": float64(days),
		"date_from": from.Format("2006-01-02 15:04:05"), "date_to": from.AddDate(0, 0, days-1).Add(9 * time.Hour).Format("2006-01-02 15:04:05"),
	})
}

// asked enters a leave and lets it arrive.
func (o *office) asked() (leave int64, instance dingtalktest.Instance) {
	o.t.Helper()
	leave = o.leave(2)
	o.step()
	return leave, o.instance(1)
}

// instance is the nth approval of leave that was ever started; there must be no further one.
func (o *office) instance(n int) dingtalktest.Instance {
	o.t.Helper()
	all := o.ding.Instances("PROC-LEAVE")
	if len(all) != n {
		o.t.Fatalf("%d approvals were started, not %d", len(all), n)
	}
	if n == 0 {
		return dingtalktest.Instance{}
	}
	return all[n-1]
}

func (o *office) state(leave int64) string { return text(o.people.Get("hr.leave", leave), "state") }

// press presses a button of the leave in Odoo.
func (o *office) press(leave int64, button string) {
	o.t.Helper()
	must(o.t, o.people.Press("hr.leave", button, leave))
}

// chatter are the texts that the bridge posted on the leave.
func (o *office) chatter(leave int64) []string {
	o.t.Helper()
	var out []string
	for _, id := range o.people.Search("mail.message", []any{[]any{"model", "=", "hr.leave"}, []any{"res_id", "=", leave}, []any{"message_id", "like", "dingbridge"}}) {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(text(o.people.Get("mail.message", id), "body"), "<p>"), "</p>"))
	}
	return out
}

// history is what the bridge did about a leave, oldest first: operation and reason.
func (o *office) history(leave int64) string {
	o.t.Helper()
	var lines []string
	must(o.t, o.store.View(o.ctx, func(tx bridge.Tx) error {
		rows, err := tx.History("leave-approval", 0, 1000)
		for i := len(rows) - 1; i >= 0; i-- {
			if r := rows[i]; r.Odoo == bridge.ID(fmt.Sprint(leave)) {
				lines = append(lines, r.Op+" "+r.Reason)
			}
		}
		return err
	}))
	return strings.Join(lines, "\n")
}
