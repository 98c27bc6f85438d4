package bridge_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// Whatever becomes of the answer, a claim is one entry: also for a bridge that was started anew before it looked again.
func TestAVoucherWhoseAnswerIsLost(t *testing.T) {
	for _, f := range []struct {
		name string
		how  odootest.Failure
	}{
		{"cut before", odootest.DropBefore},
		{"cut after", odootest.DropAfter},
	} {
		for _, anew := range []bool{false, true} {
			name := f.name
			if anew {
				name += ", and started anew"
			}
			t.Run(name, func(t *testing.T) {
				a := claims(t)
				a.standIn()
				var lost atomic.Bool
				a.odoo.Fail(func(c odootest.Call) bool {
					if c.Model != "account.move" || c.Method != "load" {
						return false
					}
					lost.Store(true)
					return true
				}, 1, f.how)
				must(t, a.ding.Agree(a.claim("交通"), ""))
				must(t, a.ding.FlushEvents(a.ctx))
				for i := 0; i < 100 && !lost.Load(); i++ {
					_ = a.engine.SyncOnce(a.ctx, nil, 0, nil) // it fails, or it does not: what counts is what is there in the end
				}
				if !lost.Load() {
					t.Fatal("no answer was lost")
				}
				if anew {
					a.reopen()
					a.sync() // a start compares both sides before it makes anything
				}
				a.untilCalm()
				all := a.entries()
				want(t, "one entry, of the whole claim", len(all) == 1 && strings.Contains(all[0], "2241 0 1553"), true)
				want(t, "held", a.held(), "")
				a.settled()
			})
		}
	}
}

// An entry that was posted is not touched by what becomes of the claim.
func TestAPostedVoucherWhoseClaimIsRevoked(t *testing.T) {
	a := claims(t, posting)
	id := a.claim("交通")
	must(t, a.ding.Agree(id, ""))
	a.step()
	before := a.entries()
	revoking, err := a.ding.Revoke(id)
	must(t, err)
	must(t, a.ding.Agree(revoking, ""))
	a.step()
	a.engine.Night(a.ctx)
	a.step()
	after := a.entries()
	want(t, "entries", strings.Join(after, "\n"), strings.Join(before, "\n"))
	want(t, "posted", len(after) == 1 && strings.HasPrefix(after[0], "posted"), true)
	a.wantHeld("decided in dingtalk: revoke")
}

// A leave that gets other dates is told again under the id that attendance knows it by.
func TestALeaveWithOtherDatesIsToldAgain(t *testing.T) {
	a := newArchive(t, "attendance-leave", []string{"hr_holidays.group_hr_holidays_manager"}, dingtalktest.Template{})
	id := a.people.Create("hr.leave", map[string]any{
		"employee_id": a.li, "holiday_status_id": a.business.LeaveTypes["年假"], "name": "回家", "number_of_days": 1.0, "date_from": "2026-12-07 01:00:00", "date_to": "2026-12-07 10:00:00",
	})
	a.later(2 * time.Second)
	must(t, a.people.Press("hr.leave", "action_approve", id))
	a.step()
	first := a.ding.AttendanceApprovals()
	want(t, "told", len(first), 1)
	a.later(2 * time.Second)
	must(t, a.people.Write("hr.leave", id, map[string]any{"date_from": "2026-12-08 01:00:00", "date_to": "2026-12-08 10:00:00"}))
	a.step()
	told := a.ding.AttendanceApprovals()
	want(t, "leaves that attendance knows", len(told), 1)
	want(t, "id", told[0].ApproveID, first[0].ApproveID)
	want(t, "from", told[0].From, "2026-12-08 09:00")
	want(t, "to", told[0].To, "2026-12-08 18:00")
	want(t, "times it was told", told[0].Told, first[0].Told+1)
	want(t, "cancelled", told[0].Canceled, false)
	a.settled()
}
