package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// Every component that an app may fill, and a node that is left to the originator.
func TestEveryComponentOfAForm(t *testing.T) {
	o := newOffice(t, func(s string) string {
		return s + `  - {odoo: employee_id.parent_id,     dingtalk: form.代理人, ref: employees, direction: to_dingtalk}
  - {odoo: employee_id.department_id, dingtalk: form.所在部门, ref: departments, direction: to_dingtalk}
  - {dingtalk: form.标签,   value: "'紧急\\n外地'", convert: list}
  - {dingtalk: form.照片,   value: "'https://example.com/' + string(id) + '.png'", convert: urls}
  - {dingtalk: form.预算,   value: "string(number_of_days * 100)"}
  - {dingtalk: form.日期,   value: "'2026-12-24'"}
  - {dingtalk: form.电话,   value: "'13800000000'"}
  - {dingtalk: form.城市,   value: "'北京,北京市,东城区'"}
  - {dingtalk: form.评分,   value: "'4'"}
  - {dingtalk: form.紧急,   value: "number_of_days > 3 ? '是' : '否'"}
select: {抄送经理: [{path: employee_id.parent_id}]}
`
	})
	must(t, o.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) {
		tp.Components = append(tp.Components,
			component("InnerContactField", "代理人"), component("DepartmentField", "所在部门"),
			dingtalktest.Component{Type: "DDMultiSelectField", Label: "标签", Options: []string{"紧急", "外地", "其他"}},
			component("DDPhotoField", "照片"), component("MoneyField", "预算"), component("DDDateField", "日期"), component("PhoneField", "电话"),
			component("AddressField", "城市"), component("StarRatingField", "评分"),
			dingtalktest.Component{Type: "DDSelectField", Label: "紧急", Options: []string{"是", "否"}})
		tp.Flow = append(tp.Flow, dingtalktest.Node{Name: "抄送经理", Select: true})
	}))
	leave, in := o.asked()
	for label, value := range map[string]string{
		"代理人": `["` + o.uZhang + `"]`, "标签": `["紧急","外地"]`, "照片": `["https://example.com/` + text(o.people.Get("hr.leave", leave), "id") + `.png"]`, "预算": "200", "日期": "2026-12-24",
		"电话": "13800000000", "城市": "北京,北京市,东城区", "评分": "4", "紧急": "否",
	} {
		want(t, label, in.Value(label), value)
	}
	if v := in.Value("所在部门"); v == "" || strings.ContainsAny(v, "[\"") {
		t.Errorf("所在部门: %q", v)
	}
	must(t, o.ding.Agree(in.ID, ""))
	must(t, o.ding.Agree(in.ID, "")) // the node that the mapping chose
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestAnOptionThatDoesNotExist(t *testing.T) {
	o := newOffice(t, func(s string) string { return s + "  - {dingtalk: form.紧急, value: \"'也许'\"}\n" })
	must(t, o.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) {
		tp.Components = append(tp.Components, dingtalktest.Component{Type: "DDSelectField", Label: "紧急", Options: []string{"是", "否"}})
	}))
	o.leave(2)
	o.step()
	o.instance(0)
	o.wantHeld("也许", "紧急", "是")
}

// The leave suite (请假套件) can be read, and not started by an app.
func TestALeaveOfTheSuite(t *testing.T) {
	suite := strings.NewReplacer(
		"PROC-BORN", "PROC-SUITE", "form.假期类型", "form.请假类型", "form.天数", "form.时长",
		"  - {odoo: number_of_days,    dingtalk: form.时长, on: create}\n", "  - {odoo: number_of_days, value: \"number(form.时长) / 24\", on: create}\n",
	).Replace(bornYAML)
	w := newWorldAs(t, []string{"hr_holidays.group_hr_holidays_manager"}, append(presets(t), mapping.Source{File: "suite.yaml", Data: []byte(suite)})...)
	w.ding.AddTemplate(dingtalktest.Template{
		Code: "PROC-SUITE", Name: "请假", BizType: "attendance.leave",
		Components: []dingtalktest.Component{{Type: "DDHolidayField", Labels: []string{"开始时间", "结束时间"}}, component("TextareaField", "事由")},
		Flow:       []dingtalktest.Node{{Users: []string{"nobody yet"}}},
	})
	o := &office{one: staffed(w)}
	must(t, w.ding.EditTemplate("PROC-SUITE", func(tp *dingtalktest.Template) { tp.Flow[0].Users = []string{o.uZhang} }))
	o.kind = w.people.Create("hr.leave.type", map[string]any{"name": "年假", "allocation_type": "no", "validation_type": "hr"})
	id, err := w.ding.StartInstance("PROC-SUITE", o.uLi, 0, map[string]any{
		`["开始时间","结束时间"]`: dingtalktest.FormValue{Value: `["2026-12-07 09:00","2026-12-08 18:00",33,"hour","年假","请假类型"]`, ExtValue: `{"unit":"HOUR","durationInHour":33}`},
		"事由":              "看病",
	})
	must(t, err)
	o.step()
	want(t, "held", o.held(), "")
	all := o.leaves()
	want(t, "leaves", len(all), 1)
	want(t, "from", text(all[0], "date_from"), "2026-12-07 01:00:00")
	want(t, "to", text(all[0], "date_to"), "2026-12-08 10:00:00")
	must(t, o.ding.Agree(id, ""))
	o.step()
	want(t, "state", text(o.leaves()[0], "state"), "validate")
}
