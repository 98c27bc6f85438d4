package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// suiteYAML makes leaves of a suite; KIND, DAYS and TYPE differ.
const suiteYAML = `
mapping: suite
odoo:
  model: hr.leave
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
dingtalk: {kind: approval, process_code: PROC}
direction: to_odoo
start: now
create: {odoo: true}
fields:
  - {odoo: employee_id,       dingtalk: originator_user_id, ref: employees, on: create}
  - {odoo: holiday_status_id, value: "TYPE", lookup: {model: hr.leave.type, by: name}, on: create}
  - {odoo: date_from,         dingtalk: form.开始时间, convert: datetime, on: create}
  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, on: create}
  - {odoo: number_of_days,    value: "DAYS", on: create}
  - {odoo: name,              value: "title", on: create}
  - {odoo: state,             dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: refuse, revoke: refuse}}
`

func TestSuitesBecomeLeaves(t *testing.T) {
	for _, c := range []struct {
		name, biz, kind, days string
		component             dingtalktest.Component
		value                 dingtalktest.FormValue
		want                  [3]string // from, to, number of days
	}{
		{
			"请假, in hours", "attendance.leave", "form.请假类型", `number(form.时长) / 8`,
			dingtalktest.Component{Type: "DDHolidayField", Labels: []string{"开始时间", "结束时间"}},
			dingtalktest.FormValue{Value: `["2026-12-07 09:00","2026-12-07 13:00",4,"hour","年假","请假类型"]`, ExtValue: `{"unit":"HOUR","durationInHour":4,"durationInDay":0.5}`},
			[3]string{"2026-12-07 01:00:00", "2026-12-07 05:00:00", "0.5"},
		},
		{
			"请假, by its own unit", "attendance.leave", "form.请假类型", `form['["开始时间","结束时间"]'].unit == 'day' ? number(form.时长) : number(form.时长) / 8`,
			dingtalktest.Component{Type: "DDHolidayField", Labels: []string{"开始时间", "结束时间"}},
			dingtalktest.FormValue{Value: `["2026-12-07","2026-12-09",3,"day","年假","请假类型"]`, ExtValue: `{"unit":"DAY","durationInDay":3}`},
			[3]string{"2026-12-06 16:00:00", "2026-12-08 16:00:00", "3"},
		},
		{
			"外出", "attendance.goout", "'外出'", `number(form.时长) / 8`,
			dingtalktest.Component{Type: "DDBizSuite", BizType: "attendance.goout", Labels: []string{"开始时间", "结束时间", "时长"}},
			dingtalktest.FormValue{Value: `["2026-12-07 13:00","2026-12-07 17:00","4"]`},
			[3]string{"2026-12-07 05:00:00", "2026-12-07 09:00:00", "0.5"},
		},
		{
			"出差", "alitrip.business", "'出差'", `number(form.时长)`,
			dingtalktest.Component{Type: "DDBizSuite", BizType: "alitrip.business", Labels: []string{"开始时间", "结束时间", "时长"}},
			dingtalktest.FormValue{Value: `["2026-12-07 09:00","2026-12-09 18:00",3]`},
			[3]string{"2026-12-07 01:00:00", "2026-12-09 10:00:00", "3"},
		},
		{
			"加班", "attendance.batchovertime", "'调休'", `number(form.时长) / 8`,
			dingtalktest.Component{Type: "DDBizSuite", BizType: "attendance.batchovertime", Labels: []string{"开始时间", "结束时间", "时长"}},
			dingtalktest.FormValue{Value: `["2026-12-05 09:00","2026-12-05 17:00","8","hour"]`},
			[3]string{"2026-12-05 01:00:00", "2026-12-05 09:00:00", "1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			yaml := strings.NewReplacer("TYPE", c.kind, "DAYS", strings.ReplaceAll(c.days, `"`, `\"`)).Replace(suiteYAML)
			w := newWorldAs(t, []string{"hr_holidays.group_hr_holidays_manager"}, append(presets(t), mapping.Source{File: "suite.yaml", Data: []byte(yaml)})...)
			w.ding.AddTemplate(dingtalktest.Template{Code: "PROC", Name: c.name, BizType: c.biz, Components: []dingtalktest.Component{c.component}, Flow: []dingtalktest.Node{{Users: []string{"nobody yet"}}}})
			o := &office{one: staffed(w)}
			must(t, w.ding.EditTemplate("PROC", func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{o.uZhang} }))
			for _, kind := range []string{"年假", "外出", "出差", "调休"} {
				w.people.Create("hr.leave.type", map[string]any{"name": kind, "allocation_type": "no", "validation_type": "hr"})
			}
			labels := `["` + strings.Join(c.component.Labels, `","`) + `"]`
			id, err := w.ding.StartInstance("PROC", o.uLi, 0, map[string]any{labels: c.value})
			must(t, err)
			o.step()
			want(t, "held", o.held(), "")
			all := o.leaves()
			if len(all) != 1 {
				t.Fatalf("%d leaves", len(all))
			}
			want(t, "from", text(all[0], "date_from"), c.want[0])
			want(t, "to", text(all[0], "date_to"), c.want[1])
			want(t, "days", text(all[0], "number_of_days"), c.want[2])
			must(t, o.ding.Agree(id, ""))
			o.step()
			want(t, "state", text(o.leaves()[0], "state"), "validate")
			revoking, err := o.ding.Revoke(id)
			must(t, err)
			must(t, o.ding.Agree(revoking, ""))
			o.step()
			want(t, "leaves after it was taken back", len(o.leaves()), 1)
			want(t, "state after it was taken back", text(o.leaves()[0], "state"), "refuse")
			o.settled()
		})
	}
}
