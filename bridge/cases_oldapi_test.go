package bridge_test

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestContactsInBothAPIs: a contact is a list, whether the form is known or not.
func TestContactsInBothAPIs(t *testing.T) {
	for name, old := range map[string]bool{"new": false, "old": true} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, func(s string) string {
				s = strings.ReplaceAll(s, "  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, direction: to_dingtalk}\n", "")
				s = strings.ReplaceAll(s, "dingtalk: form.开始时间, convert: datetime", "dingtalk: form.从, convert: datetime")
				return s + "  - {odoo: employee_id, dingtalk: form.员工, ref: employees, direction: to_dingtalk}\n"
			})
			must(t, o.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) {
				tp.Components[2] = dingtalktest.Component{Type: "DDDateField", Label: "从", Format: "yyyy-MM-dd HH:mm"}
				tp.Components = append(tp.Components, dingtalktest.Component{Type: "InnerContactField", Label: "员工", Required: true})
			}))
			o.oldAPI = old
			o.reconnect()
			o.reopen()
			o.sync()
			leave, in := o.asked()
			want(t, "employee", in.Value("员工"), `["`+o.uLi+`"]`)
			must(t, o.ding.Agree(in.ID, ""))
			o.step()
			want(t, "state", o.state(leave), "validate")
			o.settled()
		})
	}
}

// TestTheOldAPICannotFillARange: only a form tells one; nothing is started, and the hold says why.
func TestTheOldAPICannotFillARange(t *testing.T) {
	o := newOffice(t)
	o.oldAPI = true
	o.reconnect()
	o.reopen()
	o.sync()
	leave := o.leave(2)
	o.step()
	o.instance(0)
	o.wantHeld("开始时间")
	o.wantHeld("the old API of approvals shows no forms, so that date ranges")
	want(t, "state", o.state(leave), "confirm")
}
