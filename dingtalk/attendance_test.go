package dingtalk

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func leaveApproval() Object {
	return Object{
		"approve_id": "odoo-1", "userid": "u1", "biz_type": 3, "from_time": "2026-08-15 09:00", "to_time": "2026-08-15 18:00", "duration_unit": "hour",
		"calculate_model": 1, "tag_name": "请假", "sub_type": "年假",
	}
}

func TestFinishApproval(t *testing.T) {
	overtime := leaveApproval()
	maps.Copy(overtime, Object{"biz_type": 1, "tag_name": "加班", "sub_type": nil, "overtime_duration": "2.5", "overtime_to_more": 1, "jump_url": "https://odoo"})
	half := leaveApproval()
	maps.Copy(half, Object{"duration_unit": "halfDay", "from_time": "2026-08-15 AM", "to_time": "2026-08-16 PM", "leave_code": "l1"})
	for _, c := range []struct {
		given Object
		want  string
	}{
		{leaveApproval(), `{"approveId":"odoo-1","subType":"年假","tagName":"请假","topCalculateApproveDurationParam":{"bizType":3,"calculateModel":1,"durationUnit":"hour","fromTime":"2026-08-15 09:00","toTime":"2026-08-15 18:00"}}`},
		{overtime, `{"approveId":"odoo-1","jumpUrl":"https://odoo","overTimeToMore":1,"overtimeDuration":"2.5","tagName":"加班","topCalculateApproveDurationParam":{"bizType":1,"calculateModel":1,"durationUnit":"hour","fromTime":"2026-08-15 09:00","toTime":"2026-08-15 18:00"}}`},
		{half, `{"approveId":"odoo-1","subType":"年假","tagName":"请假","topCalculateApproveDurationParam":{"bizType":3,"calculateModel":1,"durationUnit":"halfDay","fromTime":"2026-08-15 AM","leaveCode":"l1","toTime":"2026-08-16 PM"}}`},
	} {
		f := newFar(t)
		f.on(pathAttendanceFinish, inTurn(ok(`{"success":true,"result":{"duration":"8"}}`), ok(`{"success":false}`)))
		c1 := f.client()
		if err := c1.Attendance.FinishApproval(bg(), c.given); err != nil {
			t.Error(err)
		}
		if got := f.last(pathAttendanceFinish); got.raw != c.want || got.query.Encode() != "userId=u1" {
			t.Errorf("%s\n%s\nwant %s", got.query.Encode(), got.raw, c.want)
		}
		if err := c1.Attendance.FinishApproval(bg(), c.given); !failure(t, err).Ambiguous {
			t.Error(err)
		}
	}
}

func TestFinishApprovalRefusesWithoutACall(t *testing.T) {
	a := newFar(t).client().Attendance
	for field, change := range map[string]Object{
		"approve_id": {"approve_id": nil}, "userid": {"userid": nil}, "sub_type": {"sub_type": nil}, "duration_unit": {"duration_unit": "week"},
		"duration_unit ": {"biz_type": 1, "duration_unit": "day", "overtime_duration": "1", "overtime_to_more": 1}, "overtime_duration": {"biz_type": 1},
		"overtime_to_more": {"biz_type": 1, "overtime_duration": "1"}, "from_time": {"from_time": "2026-08-15"}, "to_time": {"to_time": "2026-08-14 09:00"},
		"to_time ": {"duration_unit": "halfDay", "from_time": "2026-08-15 PM", "to_time": "2026-08-15 AM"}, "tag_name": {"tag_name": strings.Repeat("x", 21)}, "colour": {"colour": "red"},
	} {
		given := leaveApproval()
		maps.Copy(given, change)
		if e := failure(t, a.FinishApproval(bg(), given)); e.Class != Reject || e.Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, e)
		}
	}
	for _, err := range []error{a.CancelApproval(bg(), "", "x"), a.CancelApproval(bg(), "u", ""), second(a.LeaveTypes(bg(), ""))} {
		if failure(t, err).Class != Reject {
			t.Error(err)
		}
	}
}

func TestCancelApprovalAndLeaveTypes(t *testing.T) {
	f := newFar(t)
	f.on(pathAttendanceCancel, ok(`{"errcode":0,"errmsg":"ok"}`))
	f.on(pathLeaveTypes, inTurn(ok(`{"errcode":0,"result":[{"leave_code":"l1","leave_name":"年假","leave_view_unit":"day","source":"inner"}]}`), ok(`{"errcode":0,"result":[{"leave_name":"x"}]}`)))
	a := f.client().Attendance
	if err := a.CancelApproval(bg(), "u1", "odoo-1"); err != nil || f.last(pathAttendanceCancel).raw != `{"approve_id":"odoo-1","userid":"u1"}` {
		t.Errorf("%v %s", err, f.last(pathAttendanceCancel).raw)
	}
	types, err := a.LeaveTypes(bg(), "boss")
	if err != nil || fmt.Sprint(types) != "[map[leave_code:l1 leave_name:年假 leave_view_unit:day source:inner]]" || f.last(pathLeaveTypes).raw != `{"op_userid":"boss","vacation_source":"all"}` {
		t.Errorf("%v %v %s", types, err, f.last(pathLeaveTypes).raw)
	}
	if _, err := a.LeaveTypes(bg(), "boss"); failure(t, err).Class != Retry {
		t.Error(err)
	}
}
