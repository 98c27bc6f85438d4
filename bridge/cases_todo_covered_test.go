package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// absence enters leave of 李四, for which Odoo asks 张三 by an activity.
func (d *desk) absence() int64 {
	d.t.Helper()
	kind := d.people.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	return d.people.Create("hr.leave", map[string]any{
		"employee_id": d.li, "holiday_status_id": kind, "name": "回家", "number_of_days": 2.0, "date_from": "2026-12-07 01:00:00", "date_to": "2026-12-08 10:00:00",
	})
}

func TestAnActivityThatAnApprovalCoversIsLeftOut(t *testing.T) {
	groups := []string{"hr_holidays.group_hr_holidays_manager"}
	t.Run("without an approval it is a to-do", func(t *testing.T) {
		d := newDeskWith(t, groups, nil)
		d.absence()
		d.step()
		todo := d.todo()
		want(t, "executor", todo.Executors[0], d.uZhang)
		if !strings.HasPrefix(todo.Subject, "Leaves Approval · 李四") {
			t.Errorf("it reads %s", todo.Subject)
		}
	})
	t.Run("with one it is not", func(t *testing.T) {
		d := newDeskWith(t, groups, []mapping.Source{{File: "leave.yaml", Data: []byte(leaveYAML)}})
		d.ding.AddTemplate(dingtalktest.Template{
			Code: "PROC-LEAVE", Name: "请假申请", Marker: "单据编号",
			Components: []dingtalktest.Component{
				{Type: "TextField", Label: "单据编号"},
				{Type: "TextField", Label: "假期类型", Required: true},
				{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
				{Type: "NumberField", Label: "天数", Required: true},
				{Type: "TextareaField", Label: "事由"},
			},
			Flow: []dingtalktest.Node{{Name: "主管", Users: []string{d.uZhang}}},
		})
		leave := d.absence()
		d.step()
		want(t, "approvals", len(d.ding.Instances("PROC-LEAVE")), 1)
		d.todoN(0)
		asks := d.people.Search("mail.activity", []any{[]any{"res_model", "=", "hr.leave"}})
		x, err := d.engine.Explain(d.ctx, ref(mapping.Odoo, "mail.activity", asks[0]))
		must(t, err)
		if !strings.Contains(x[0].Row, "not created: its create.when does not hold") {
			t.Errorf("it is explained with %s", x[0].Row)
		}
		// What somebody asks for beside the approval is nothing the approval asks for.
		d.activity(map[string]any{"res_model_id": d.people.Search("ir.model", []any{[]any{"model", "=", "hr.leave"}})[0], "res_id": leave, "summary": "交接工作"})
		d.step()
		want(t, "a person's own", strings.HasPrefix(d.todo().Subject, "交接工作"), true)
		d.settled()
	})
}
