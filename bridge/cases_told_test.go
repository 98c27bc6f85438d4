package bridge_test

import (
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// toldLeave is a leave that was validated and told to attendance.
func toldLeave(t *testing.T) (*archive, int64) {
	t.Helper()
	a := newArchive(t, "attendance-leave", []string{"hr_holidays.group_hr_holidays_manager"}, dingtalktest.Template{})
	id := a.people.Create("hr.leave", map[string]any{
		"employee_id": a.li, "holiday_status_id": a.business.LeaveTypes["年假"], "name": "回家", "number_of_days": 1.0, "date_from": "2026-12-07 01:00:00", "date_to": "2026-12-07 10:00:00",
	})
	a.step()
	a.later(2 * time.Second)
	must(t, a.people.Press("hr.leave", "action_approve", id))
	a.step()
	want(t, "told", len(a.ding.AttendanceApprovals()), 1)
	return a, id
}

func TestALeaveRefusedAndValidatedAgain(t *testing.T) {
	a, id := toldLeave(t)
	for _, button := range []string{"action_refuse", "action_draft", "action_confirm", "action_approve"} {
		a.later(2 * time.Second)
		must(t, a.people.Press("hr.leave", button, id))
		a.step()
	}
	standing := 0
	for _, one := range a.ding.AttendanceApprovals() {
		if !one.Canceled {
			standing++
			want(t, "from", one.From, "2026-12-07 09:00")
		}
	}
	want(t, "leaves that attendance knows", standing, 1)
	want(t, "held", a.held(), "")
	a.settled()
}
