package bridge_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// TestSubmittedAgainRightAfterItWasDecided: what people do with a document after the step that carried the decision is theirs, even when the
// bridge still looks whether the step did what it should.
func TestSubmittedAgainRightAfterItWasDecided(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	o.later(2 * time.Second)
	var steps, looks atomic.Int64
	o.odoo.OnCall(func(c odootest.Call) {
		switch {
		case c.Model != "hr.leave":
		case c.Method == "action_draft":
			steps.Add(1)
		case steps.Load() == 1 && strings.HasPrefix(c.Method, "search") && looks.Add(1) == 2:
			o.press(leave, "action_confirm")
		}
	})
	must(t, o.ding.Withdraw(in.ID))
	o.step()
	want(t, "submitted again", looks.Load() >= 2, true)
	want(t, "taken back", steps.Load(), int64(1))
	want(t, "state", o.state(leave), "confirm")
	o.later(2 * time.Second)
	o.step()
	again := o.instance(2)
	must(t, o.ding.Agree(again.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

// TestTheOriginatorMovesWhileAnApprovalIsStarted: DingTalk refuses the department that was theirs a moment ago; that holds nothing up.
func TestTheOriginatorMovesWhileAnApprovalIsStarted(t *testing.T) {
	o := newOffice(t)
	other := o.ding.AddDepartment(dingtalktest.Department{Name: "新部门", ParentID: 1})
	var starts atomic.Int64
	o.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances" && starts.Add(1) == 1 {
			must(t, o.ding.EditUser(o.uLi, func(u *dingtalktest.User) { u.Departments, u.MainDepartment = []int64{other}, other }))
		}
	})
	o.leave(2)
	o.step()
	o.later(time.Minute)
	o.step()
	want(t, "starts", starts.Load(), int64(2))
	o.instance(1)
	want(t, "held", o.held(), "")
}
