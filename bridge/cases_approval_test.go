package bridge_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

func TestLeaveIsAskedForAndRefused(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	want(t, "originator", in.Originator, o.uLi)
	want(t, "days", in.Value("天数"), "2")
	want(t, "kind", in.Value("假期类型"), "年假")
	want(t, "marker", in.Value("单据编号"), "leave-approval/"+text(o.people.Get("hr.leave", leave), "id")+"/1")
	want(t, "state while it runs", o.state(leave), "confirm")
	must(t, o.ding.Refuse(in.ID, "人手不够"))
	o.step()
	want(t, "state", o.state(leave), "refuse")
	o.instance(1)
	notes := strings.Join(o.chatter(leave), "\n")
	for _, part := range []string{"张三", "人手不够"} {
		if !strings.Contains(notes, part) {
			t.Errorf("%q is not in the chatter: %s", part, notes)
		}
	}
	before := len(o.chatter(leave))
	o.step()
	o.engine.Night(o.ctx)
	o.step()
	want(t, "notes after more looks", len(o.chatter(leave)), before)
	o.settled()
}

func TestLeaveIsAgreed(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, "好"))
	o.step()
	want(t, "state", o.state(leave), "validate")
	if h := o.history(leave); !strings.Contains(h, "decided in dingtalk: agree by 张三") || !strings.Contains(h, "settle") {
		t.Errorf("history: %s", h)
	}
	o.settled()
}

func TestTwoManagersInOdoo(t *testing.T) {
	o := newOffice(t)
	must(t, o.people.Write("hr.leave.type", o.kind, map[string]any{"validation_type": "both"}))
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestTheAnswerOfTheStartIsLost(t *testing.T) {
	o := newOffice(t)
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}, 1, dingtalktest.DropAfter)
	leave := o.leave(2)
	o.step()
	in := o.instance(1)
	want(t, "duplicates", len(o.ding.Duplicates()), 0)
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestTheStartNeverArrives(t *testing.T) {
	o := newOffice(t)
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}, 1, dingtalktest.DropBefore)
	leave := o.leave(2)
	o.step()
	o.instance(1)
	want(t, "state", o.state(leave), "confirm")
}

func TestWithoutMarkerALostStartIsFoundByItsValues(t *testing.T) {
	o := newOffice(t, func(s string) string { return strings.ReplaceAll(s, "marker: form.单据编号\n", "") })
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}, 1, dingtalktest.DropAfter)
	leave := o.leave(2)
	o.step()
	in := o.instance(1)
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
}

func TestWithoutMarkerAStartThatIsNotFoundIsNotRepeated(t *testing.T) {
	o := newOffice(t, func(s string) string { return strings.ReplaceAll(s, "marker: form.单据编号\n", "") })
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}, 1, dingtalktest.DropBefore)
	o.leave(2)
	o.step()
	o.instance(0)
	o.wantHeld("the form has no marker")
	o.engine.Night(o.ctx)
	o.step()
	o.instance(0)
	n, err := bridge.Retry(o.ctx, o.store, o.set(), nil)
	must(t, err)
	want(t, "retried", n > 0, true)
	o.step()
	o.instance(1)
	want(t, "held", o.held(), "")
}

func TestEditedWhileRunning(t *testing.T) {
	edit := func(o *office, leave int64) {
		o.later(2 * time.Second)
		o.write("hr.leave", leave, map[string]any{"name": "搬家"})
		o.step()
	}
	t.Run("hold", func(t *testing.T) {
		o := newOffice(t)
		leave, in := o.asked()
		edit(o, leave)
		must(t, o.ding.Agree(in.ID, ""))
		o.step()
		want(t, "state", o.state(leave), "confirm")
		o.wantHeld("edited in odoo since it was sent")
		_, err := bridge.Resolve(o.ctx, o.store, o.set(), bridge.Ref{Side: "odoo", Kind: "hr.leave", ID: bridge.ID(text(o.people.Get("hr.leave", leave), "id"))}, "", "dingtalk")
		must(t, err)
		o.step()
		want(t, "state after a person decided", o.state(leave), "validate")
		o.settled()
	})
	t.Run("hold, edited back", func(t *testing.T) {
		o := newOffice(t)
		leave, in := o.asked()
		edit(o, leave)
		must(t, o.ding.Agree(in.ID, ""))
		o.step()
		o.later(2 * time.Second)
		o.write("hr.leave", leave, map[string]any{"name": "回家"})
		o.step()
		want(t, "state", o.state(leave), "validate")
	})
	t.Run("ignore", func(t *testing.T) {
		o := newOffice(t, func(s string) string { return s + "change: ignore\n" })
		leave, in := o.asked()
		edit(o, leave)
		must(t, o.ding.Agree(in.ID, ""))
		o.step()
		want(t, "state", o.state(leave), "validate")
	})
	t.Run("terminate", func(t *testing.T) {
		o := newOffice(t, func(s string) string { return s + "change: terminate\n" })
		leave, in := o.asked()
		edit(o, leave)
		now, _ := o.ding.Instance(in.ID)
		want(t, "status", now.Status, "TERMINATED")
		want(t, "state", o.state(leave), "confirm")
		o.instance(1)
		o.settled()
	})
	t.Run("restart", func(t *testing.T) {
		o := newOffice(t, func(s string) string { return s + "change: restart\n" })
		leave, in := o.asked()
		edit(o, leave)
		now, _ := o.ding.Instance(in.ID)
		want(t, "status", now.Status, "TERMINATED")
		again := o.instance(2)
		want(t, "reason", again.Value("事由"), "搬家")
		must(t, o.ding.Agree(again.ID, ""))
		o.step()
		want(t, "state", o.state(leave), "validate")
		o.settled()
	})
}

func TestWithdrawnAndSubmittedAgain(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	o.later(2 * time.Second)
	o.press(leave, "action_draft")
	o.step()
	now, _ := o.ding.Instance(in.ID)
	want(t, "status", now.Status, "TERMINATED")
	want(t, "state", o.state(leave), "draft")
	o.later(2 * time.Second)
	o.press(leave, "action_confirm")
	o.step()
	again := o.instance(2)
	want(t, "marker", strings.HasSuffix(again.Value("单据编号"), "/2"), true)
	must(t, o.ding.Agree(again.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestDecidedInOdooFirst(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	o.later(2 * time.Second)
	o.press(leave, "action_approve")
	o.step()
	now, _ := o.ding.Instance(in.ID)
	want(t, "status", now.Status, "TERMINATED")
	want(t, "by", now.TerminatedBy, "system")
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestTheTemplateDoesNotAllowToWithdraw(t *testing.T) {
	o := newOffice(t)
	must(t, o.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) { tp.NoWithdraw = true }))
	leave, in := o.asked()
	o.later(2 * time.Second)
	o.press(leave, "action_approve")
	o.step()
	o.wantHeld("dingtalk refused to terminate it")
	must(t, o.ding.Refuse(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.wantHeld("both decided")
}

func TestWithdrawnByTheOriginator(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	must(t, o.ding.Withdraw(in.ID))
	o.step()
	want(t, "state", o.state(leave), "draft")
	o.later(2 * time.Second)
	o.press(leave, "action_confirm")
	o.step()
	o.instance(2)
}

func TestDeletedAndNotNamed(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	must(t, o.ding.DeleteInstance(in.ID))
	o.step()
	want(t, "state", o.state(leave), "confirm")
	o.wantHeld("decided in dingtalk: delete")
}

func TestRevokedAfterItWasAgreed(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	revoking, err := o.ding.Revoke(in.ID)
	must(t, err)
	o.step()
	want(t, "state while the revocation runs", o.state(leave), "validate")
	must(t, o.ding.Agree(revoking, ""))
	o.step()
	want(t, "state", o.state(leave), "refuse")
	want(t, "approvals", len(o.people.Search("hr.leave", []any{})), 1)
	o.settled()
}

func TestOdooRefusesTheMethod(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	// Somebody takes the type's freedom away: agreeing now lacks an allocation.
	must(t, o.people.Write("hr.leave.type", o.kind, map[string]any{"allocation_type": "fixed"}))
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "confirm")
	o.wantHeld("odoo refused it")
	now, _ := o.ding.Instance(in.ID)
	if c := now.Comments(); len(c) != 1 || !strings.Contains(c[0], "[Odoo]") {
		t.Errorf("comments: %q", c)
	}
	o.step()
	must(t, o.people.Write("hr.leave.type", o.kind, map[string]any{"allocation_type": "no"}))
	o.later(2 * time.Second)
	o.write("hr.leave", leave, map[string]any{"report_note": "有假了"})
	o.step()
	want(t, "state", o.state(leave), "validate")
	now, _ = o.ding.Instance(in.ID)
	want(t, "comments", len(now.Comments()), 1)
	want(t, "held", o.held(), "")
}

func TestEventsTwiceLateAndInAnyOrder(t *testing.T) {
	o := newOffice(t)
	o.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate, k.Reorder = 0.7, 0.5 })
	for range 5 {
		o.leave(2)
	}
	o.step()
	for i, in := range o.ding.Instances("PROC-LEAVE") {
		if i%2 == 0 {
			must(t, o.ding.Agree(in.ID, ""))
		} else {
			must(t, o.ding.Refuse(in.ID, "不行"))
		}
	}
	o.step()
	for i, in := range o.ding.Instances("PROC-LEAVE") {
		leave := id64(t, strings.Split(in.Value("单据编号"), "/")[1])
		want(t, "state of "+in.Value("单据编号"), o.state(leave), []string{"validate", "refuse"}[i%2])
	}
	want(t, "approvals", len(o.ding.Instances("PROC-LEAVE")), 5)
	o.settled()
}

func TestALostDecisionIsReadAgain(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	o.ding.Quiet(func() { must(t, o.ding.Agree(in.ID, "")) })
	o.step()
	want(t, "state while nobody knows", o.state(leave), "confirm")
	o.engine.MissedEvents(true)
	o.engine.SweepDue(o.ctx)
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

func TestWhatStoodBeforeTheMappingIsNotAskedFor(t *testing.T) {
	o := newOffice(t)
	all := o.yaml
	_, err := bridge.ForgetMapping(o.ctx, o.store, "leave-approval")
	must(t, err)
	o.reopen(presets(t)...)
	old := o.leave(2)
	o.sync()
	must(t, o.store.Update(o.ctx, func(tx bridge.Tx) error { return tx.DeleteMeta("started/leave-approval") })) // as if it were a new mapping
	o.reopen(all...)
	o.sync()
	o.step()
	o.instance(0)
	o.later(2 * time.Second)
	o.press(old, "action_refuse")
	o.step()
	o.later(2 * time.Second)
	o.press(old, "action_draft")
	o.press(old, "action_confirm")
	o.step()
	o.instance(1)
}

func TestDeletedInOdooWhileRunning(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	other := o.leave(1) // one answers, so that the other's silence says something
	o.step()
	must(t, o.people.Unlink("hr.leave", leave))
	o.engine.Night(o.ctx)
	o.step()
	now, _ := o.ding.Instance(in.ID)
	want(t, "status", now.Status, "TERMINATED")
	want(t, "state of another", o.state(other), "confirm")
	o.settled()
}

func TestNotWithinFifteenSecondsOfTheStart(t *testing.T) {
	o := newOffice(t)
	o.options = func(op *bridge.Options) { op.Withdrawable = time.Hour; op.Now = o.now }
	o.reopen()
	o.sync()
	leave, in := o.asked()
	o.later(2 * time.Second)
	o.press(leave, "action_draft")
	o.step()
	now, _ := o.ding.Instance(in.ID)
	want(t, "status at once", now.Status, "RUNNING")
	o.later(2 * time.Hour)
	o.step()
	now, _ = o.ding.Instance(in.ID)
	want(t, "status later", now.Status, "TERMINATED")
}

func TestApproversAreNamedByTheMapping(t *testing.T) {
	o := newOffice(t, func(s string) string {
		return s + "approvers:\n  - {path: employee_id.parent_id}\n  - {userid: boss}\ncc: [{path: employee_id}]\n"
	})
	o.ding.AddUser(dingtalktest.User{UserID: "boss", Name: "老板", Mobile: "13900000001", Departments: []int64{1}, Active: true})
	_, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	now, _ := o.ding.Instance(in.ID)
	want(t, "status after the first", now.Status, "RUNNING")
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	now, _ = o.ding.Instance(in.ID)
	want(t, "status", now.Status, "COMPLETED")
	want(t, "asked", now.Tasks[0].UserID+" "+now.Tasks[1].UserID, o.uZhang+" boss")
}

func TestAnApproverWithoutDingTalkHolds(t *testing.T) {
	o := newOffice(t, func(s string) string { return s + "approvers: [{path: employee_id.parent_id.parent_id}]\n" })
	o.leave(2)
	o.step()
	o.instance(0)
	o.wantHeld("employee_id.parent_id.parent_id is empty")
	boss := o.employee("王总", "13800000009", nil)
	o.step()
	o.write("hr.employee", o.zhang, map[string]any{"parent_id": boss})
	o.later(2 * time.Second)
	o.engine.Night(o.ctx)
	o.step()
	in := o.instance(1)
	want(t, "asked", in.Tasks[0].UserID, o.user("13800000009").UserID)
}

func TestTheFormHasNoSuchComponent(t *testing.T) {
	o := newOffice(t, func(s string) string { return strings.ReplaceAll(s, "form.事由", "form.理由") })
	o.leave(2)
	o.step()
	o.instance(0)
	o.wantHeld("理由", "事由")
}

func TestPlanAndExplainOfAnApproval(t *testing.T) {
	o := newOffice(t)
	leave := o.leave(2)
	text, counts := o.plan("leave-approval")
	want(t, "creates", counts.Creates, 1)
	for _, part := range []string{"new in odoo", "form.天数", "2", "回家"} {
		if !strings.Contains(text, part) {
			t.Errorf("the plan lacks %q:\n%s", part, text)
		}
	}
	o.instance(0)
	o.step()
	in := o.instance(1)
	must(t, o.ding.Refuse(in.ID, ""))
	text, counts = o.plan("leave-approval")
	want(t, "updates", counts.Updates, 1)
	if !strings.Contains(text, "confirm -> refuse") || !strings.Contains(text, "decided in dingtalk: refuse by 张三") {
		t.Errorf("the plan of a refusal:\n%s", text)
	}
	want(t, "state after a plan", o.state(leave), "confirm")
	o.step()
	x, err := o.engine.Explain(o.ctx, ref("odoo", "hr.leave", leave))
	must(t, err)
	for _, part := range []string{"settled", "decided in dingtalk: refuse", "form.天数", "leave.yaml"} {
		if !strings.Contains(x[0].String(), part) {
			t.Errorf("explain lacks %q:\n%s", part, x[0])
		}
	}
}

func TestCallsOfOneApproval(t *testing.T) {
	o := newOffice(t)
	o.leave(2)
	o.step() // the first one reads the template
	o.ding.ResetJournal()
	leave := o.leave(2)
	o.step()
	in := o.instance(2)
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	if n := o.ding.CountedCalls(); n > 4 {
		t.Errorf("%d counted calls for one approval", n)
	}
}

func TestAnAppOfTheOldAPI(t *testing.T) {
	o := newOffice(t, func(s string) string { // the old API shows no form, and only a form tells a date range
		s = strings.ReplaceAll(s, "dingtalk: form.开始时间, convert: datetime", "dingtalk: form.从, convert: datetime")
		return strings.ReplaceAll(s, "dingtalk: form.结束时间, convert: datetime", "dingtalk: form.到, convert: datetime")
	})
	must(t, o.ding.EditTemplate("PROC-LEAVE", func(tp *dingtalktest.Template) {
		tp.Components[2] = dingtalktest.Component{Type: "TextField", Label: "从"}
		tp.Components = append(tp.Components, dingtalktest.Component{Type: "TextField", Label: "到"})
	}))
	o.oldAPI = true
	o.reconnect()
	o.reopen()
	o.sync()
	leave, in := o.asked()
	want(t, "from", in.Value("从"), "2026-12-21 09:00")
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	if n := o.ding.Calls("/topapi/processinstance/create"); n != 1 {
		t.Errorf("%d starts by the old API", n)
	}
	again := o.leave(1)
	o.step()
	o.later(2 * time.Second)
	o.press(again, "action_draft")
	o.step()
	now, _ := o.ding.Instance(o.instance(2).ID)
	want(t, "status", now.Status, "TERMINATED")
}

func TestARevocationThatNoEventToldOf(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	o.ding.Quiet(func() {
		revoking, err := o.ding.Revoke(in.ID)
		must(t, err)
		must(t, o.ding.Agree(revoking, ""))
	})
	o.step()
	want(t, "state while nobody knows", o.state(leave), "validate")
	o.engine.Night(o.ctx)
	o.step()
	want(t, "state after a night", o.state(leave), "refuse")
	o.settled()
}

// TestEditedBetweenTwoSteps: a decision that takes two methods is not finished about what was edited between them.
func TestEditedBetweenTwoSteps(t *testing.T) {
	o := newOffice(t)
	o.standIn()
	o.kind = o.people.Create("hr.leave.type", map[string]any{"name": "事假", "allocation_type": "no", "validation_type": "both"})
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	o.odoo.OnCall(func(c odootest.Call) {
		if c.Method == "action_validate" {
			o.odoo.OnCall(nil)
			o.later(2 * time.Second) // the lock tells seconds apart
			must(t, o.odoo.Write("hr.leave", leave, map[string]any{"number_of_days": 9.0}))
		}
	})
	o.step()
	o.later(2 * time.Second)
	o.step()
	want(t, "state", o.state(leave), "validate1")
	o.wantHeld("edited in odoo since it was sent: 天数 \"2\" -> \"9\"")
}

// TestEditedRightAfterTheFirstStep: in the second of our own step, so that Odoo's lock does not tell.
func TestEditedRightAfterTheFirstStep(t *testing.T) {
	o := newOffice(t)
	o.standIn()
	o.kind = o.people.Create("hr.leave.type", map[string]any{"name": "事假", "allocation_type": "no", "validation_type": "both"})
	leave, in := o.asked()
	must(t, o.ding.Agree(in.ID, ""))
	decided := false
	o.odoo.OnCall(func(c odootest.Call) {
		switch {
		case c.Method == "action_approve":
			decided = true
		case decided: // the first look after it
			decided = false
			must(t, o.odoo.Write("hr.leave", leave, map[string]any{"number_of_days": 9.0}))
		}
	})
	o.step()
	o.later(2 * time.Second)
	o.step()
	want(t, "state", o.state(leave), "validate1")
	o.wantHeld("edited in odoo since it was sent: 天数 \"2\" -> \"9\"")
}

// TestDecidedInOdooRightBeforeOurStep: between our look and our step, in the second of the last write.
func TestDecidedInOdooRightBeforeOurStep(t *testing.T) {
	o := newOffice(t)
	o.standIn()
	o.later(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // everything happens in one second
	leave, in := o.asked()
	must(t, o.ding.Refuse(in.ID, "不行"))
	var looks atomic.Int64
	o.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Method == http.MethodGet && r.Path == "/v1.0/workflow/processInstances" {
			looks.Store(1)
		}
	})
	o.odoo.OnCall(func(c odootest.Call) {
		if c.Model != "hr.leave" || c.Method != "search_read" || looks.Load() == 0 {
			return
		}
		if looks.Add(1) == 3 { // the first is the look, this one belongs to the step
			o.odoo.OnCall(nil)
			o.press(leave, "action_approve")
		}
	})
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.wantHeld("both decided")
}

// TestADecisionWhoseCallIsCutIsCarriedOver: at once, not only when the approval would have been read again anyway.
func TestADecisionWhoseCallIsCutIsCarriedOver(t *testing.T) {
	for name, how := range map[string]odootest.Failure{"before it": odootest.DropBefore, "after it": odootest.DropAfter} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.standIn()
			leave, in := o.asked()
			cut := func(method string) {
				o.odoo.Fail(func(c odootest.Call) bool { return c.Method == method }, 1, how)
			}
			cut("action_approve")
			must(t, o.ding.Agree(in.ID, ""))
			o.step()
			o.step()
			want(t, "state", o.state(leave), "validate")
			id, err := o.ding.Revoke(in.ID)
			must(t, err)
			cut("action_refuse")
			must(t, o.ding.Agree(id, ""))
			o.step()
			o.step()
			want(t, "state", o.state(leave), "refuse")
			if held := o.held(); held != "" {
				t.Error(held)
			}
			o.settled()
		})
	}
}

// TestTakenBackAndSubmittedAgainAfterADecision: what was decided about a submission says nothing about the next.
func TestTakenBackAndSubmittedAgainAfterADecision(t *testing.T) {
	o := newOffice(t)
	leave, in := o.asked()
	o.press(leave, "action_draft")
	must(t, o.ding.Agree(in.ID, ""))
	o.step()
	o.wantHeld("both decided")
	o.later(2 * time.Second)
	o.press(leave, "action_confirm")
	o.step()
	want(t, "state", o.state(leave), "confirm")
	second := o.instance(2)
	if held := o.held(); held != "" {
		t.Error(held)
	}
	must(t, o.ding.Agree(second.ID, ""))
	o.step()
	want(t, "state", o.state(leave), "validate")
	o.settled()
}

// TestSubmittedAgainWhileItIsWithdrawn: that it had been taken back is remembered although nobody heard whether the withdrawal was carried out.
func TestSubmittedAgainWhileItIsWithdrawn(t *testing.T) {
	o := newOffice(t)
	o.options = func(o *bridge.Options) { o.Withdrawable = time.Nanosecond }
	o.reopen()
	o.sync()
	leave, in := o.asked()
	o.press(leave, "action_draft")
	isWithdrawal := func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/processInstances/terminate") }
	o.ding.Fail(isWithdrawal, 1, dingtalktest.DropAfter)
	o.ding.OnRequest(func(r dingtalktest.Request) {
		if isWithdrawal(r) {
			o.ding.OnRequest(nil)
			o.press(leave, "action_confirm")
		}
	})
	o.step()
	o.step()
	first, _ := o.ding.Instance(in.ID)
	want(t, "the first", first.Status, dingtalktest.StatusTerminated)
	want(t, "the second", o.instance(2).Status, dingtalktest.StatusRunning)
}
