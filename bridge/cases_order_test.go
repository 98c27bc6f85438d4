package bridge_test

import (
	"net/http"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestEditedAndAgreedWhileItIsLookedAt: a record is edited, and then agreed to, between the reads of the two sides. The approver saw
// what was there before.
func TestEditedAndAgreedWhileItIsLookedAt(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	between := false
	o.ding.Fail(func(r dingtalktest.Request) bool {
		if r.Path == "/v1.0/workflow/processInstances" && r.Method == http.MethodGet && !between {
			between = true
			must(t, o.people.Write("hr.leave", leave, map[string]any{"name": "搬家"}))
			must(t, o.ding.Agree(in.ID, ""))
		}
		return false
	}, -1, dingtalktest.Failure{})
	must(t, o.ding.Remark(in.ID, o.uZhang, "moment")) // so that it is read
	o.step()
	if !between {
		t.Fatal("the approval was not read")
	}
	want(t, "state", o.state(leave), "confirm")
	o.wantHeld("edited in odoo since it was sent: 事由")
}
