package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// eventsReport is what `events --json` tells.
func (s *shell) eventsReport() eventsReport {
	s.t.Helper()
	return unmarshal[eventsReport](s.t, s.want(exitOK, words("events --json")).out)
}

// of is the report's line about a type.
func (r eventsReport) of(name string) eventType {
	i := slices.IndexFunc(r.Types, func(e eventType) bool { return e.Type == name })
	if i < 0 {
		return eventType{}
	}
	return r.Types[i]
}

func TestEventsTellWhatComesAndWhatDoesNot(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.want(exitOK, words("events"), "No daemon is running", "Needed, and never received:\n", "user_leave_org 通讯录用户离职; for employees\n", "org_dept_create 通讯录企业部门创建; for departments",
		"开发者后台", "dingbridge events test")
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MutedEvents = map[string]bool{"user_leave_org": true} })
	v := s.serve()
	v.ready("")
	v.equal()
	v.happen(v.place)
	for range 2 {
		s.stage.ding.Emit("check_in", map[string]any{"staffId": "u"})
	}
	must(t, s.stage.ding.FlushEvents(t.Context()))
	s.until(t.Context(), "the connection is told", func() bool { f := s.eventsReport().Feed; return f != nil && f.Connected })
	got := s.want(exitOK, words("events"), "Events come by Stream: connected since ", "Received, and needed:\n", "  user_modify_org 通讯录用户更改: ", "; by Stream ",
		"Received, and no mapping needs it:\n  check_in 用户签到: 2, last ", "by Stream 2; counts against the quota of pushes\n", "worth switching off")
	if strings.Contains(got.out, "events do not") || strings.Contains(got.out, "Approval") {
		t.Errorf("nothing is about approvals: %s", got.out)
	}
	r := s.eventsReport()
	place, leave, checkIn := r.of("user_modify_org"), r.of("user_leave_org"), r.of("check_in")
	switch {
	case !r.Running || r.Mode != "stream" || r.Feed.Mode != "stream" || r.Feed.Since.IsZero() || r.FailedList != nil || len(r.Filters) > 0 || len(r.Halted) > 0:
		t.Errorf("%+v", r)
	case place.Count == 0 || place.Last == nil || place.Via[bridge.ViaStream] != place.Count || !slices.Equal(place.NeededBy, []string{"employees"}) || place.Counted:
		t.Errorf("%+v", place)
	case leave.Count != 0 || leave.Last != nil || len(leave.NeededBy) != 1:
		t.Errorf("%+v", leave)
	case checkIn.Count != 2 || len(checkIn.NeededBy) != 0 || !checkIn.Counted || checkIn.Withheld != 0:
		t.Errorf("%+v", checkIn)
	}
	s.vars["DINGBRIDGE_DINGTALK_QUOTA_FREE"] = "check_in"
	if s.eventsReport().of("check_in").Counted {
		t.Error("the settings say that it is free")
	}
	s.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	s.want(exitOK, words("events"), "自 ", "已连接", "需要但从未收到的事件", "经 Stream  2 次")
	s.vars["DINGBRIDGE_DINGTALK_MODE"] = "off"
	s.want(exitOK, words("events"), "请重启")
	s.vars["DINGBRIDGE_DINGTALK_MODE"], s.vars["DINGBRIDGE_LANGUAGE"] = "stream", "en"
	v.stop()
	must(t, <-v.ended)
	close(v.ended)
	s.want(exitOK, words("events"), "No daemon is running: nothing receives events now.", "check_in 用户签到: 2, last ")
}

func TestEventsTellOfALostStream(t *testing.T) {
	s := newShell(t, 0)
	v := s.serve()
	v.ready("")
	s.until(t.Context(), "connected", func() bool { f := s.eventsReport().Feed; return f != nil && f.Connected })
	s.stage.ding.Fail(dingtalktest.Path("/v1.0/gateway/connections/open"), -1, dingtalktest.Status(502))
	s.stage.ding.DropStreams()
	s.until(t.Context(), "the loss is told", func() bool {
		r := s.eventsReport()
		return !r.Feed.Connected && len(r.Halted) == 1 && r.Halted[0].Scope == haltStream
	})
	s.want(exitOK, words("events"), "Events come by Stream: NOT connected since ", "HALTED  stream since ")
	s.want(exitOK, words("status"), "HALTED  stream since ")
}

func TestEventsWithoutContent(t *testing.T) {
	s := newShell(t, 0)
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.PushQuotaExhausted = true })
	v := s.serve()
	v.ready("")
	must(t, s.stage.ding.WaitStream(t.Context(), 1))
	s.stage.ding.Emit("check_in", map[string]any{"staffId": "u"})
	s.until(t.Context(), "it is told", func() bool { return s.eventsReport().of("check_in").Withheld == 1 })
	s.until(t.Context(), "the halt is told", func() bool {
		return strings.Contains(s.want(exitOK, words("events"), "1 without content this month").out, "HALTED  pushes since ")
	})
}

func TestEventsByCallback(t *testing.T) {
	s := undelivered(t, 4)
	s.want(exitOK, words("events"), "dingtalk.mode: callback", "is read every 30m, last never", "there were 0 this month", "events update")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_FAILED_EVERY"] = "90s"
	v := s.serve()
	v.ready("")
	s.until(t.Context(), "what could not be pushed is fetched", func() bool { return s.eventsReport().of("check_in").Count == 4 })
	v.logged("undelivered events fetched", `"events":3`)
	s.stage.ding.Callback(v.url+"/dingtalk/callback", callbackToken, callbackKey)
	s.stage.ding.Emit("check_in", map[string]any{"staffId": "u9"})
	s.until(t.Context(), "one is pushed", func() bool { return s.eventsReport().of("check_in").Count == 5 })
	calls := int64(s.stage.ding.Calls(dingtalk.PathCallbacksFailed))
	s.until(t.Context(), "the ledger is kept", func() bool { return s.eventsReport().FailedList.Calls == calls })
	s.want(exitOK, words("events"), "Events come by callback: /dingtalk/callback is served since ", "by callback 1; by the list of failed pushes 4",
		"is read every 1m30s, last 2", fmt.Sprintf("there were %d this month", calls))
	f := s.eventsReport().FailedList
	if f.Every != "1m30s" || f.Last == nil || time.Since(*f.Last) > time.Hour || !f.Counted || calls != 2 {
		t.Errorf("%+v, %d calls", f, calls)
	}
	s.vars["DINGBRIDGE_DINGTALK_QUOTA_FREE"] = "/call_back/"
	if got := s.want(exitOK, words("events")); strings.Contains(got.out, "counted call") {
		t.Errorf("reading it is free: %s", got.out)
	}
}

// TestApprovalFilters: each subscription brings something the bridge acts on.
func TestApprovalFilters(t *testing.T) {
	const instance, task = "/v1.0/event/bpms_instance_change/processCode/PROC-1/type/", "/v1.0/event/bpms_task_change/processCode/PROC-1/type/finish"
	ends := []string{instance + "finish", instance + "terminate", instance + "delete"}
	set := &mapping.Set{Mappings: []*mapping.Mapping{
		{Name: "people", Kind: "user"},
		{Name: "silent", Kind: "approval", Approval: &mapping.Approval{ProcessCode: "PROC-1"}},
		{Name: "noted", Kind: "approval", Approval: &mapping.Approval{ProcessCode: "PROC-1", Notes: mapping.Notes{Default: true}}},
		{Name: "born", Kind: "approval", CreateOdoo: mapping.Create{Allowed: true}, Approval: &mapping.Approval{ProcessCode: "PROC-1"}},
		{Name: "unknown", Kind: "approval", Approval: &mapping.Approval{}},
	}}
	want := []approvalFilter{
		{"silent", "PROC-1", ends},
		{"noted", "PROC-1", append(slices.Clone(ends), task)},
		{"born", "PROC-1", append([]string{instance + "start"}, ends...)},
		{"unknown", "", []string{}},
	}
	if got := approvalFilters(set); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if needed := neededEvents(set); !slices.Equal(needed["bpms_instance_change"], []string{"silent", "noted", "born", "unknown"}) || !slices.Equal(needed["user_add_org"], []string{"people"}) || needed["check_in"] != nil {
		t.Errorf("%v", needed)
	}
	a, out, _ := offlineShell(t).app()
	a.printFilters(want)
	for _, line := range []string{"instead of the bare events:\n", "  noted:\n    " + ends[0] + "\n", "    " + task + "\n", "  unknown: its process_code is not known\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing in %s", line, out)
		}
	}
}

const leaveMapping = `mapping: leave
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}]
      refuse: [{from: [confirm], call: action_refuse}]
dingtalk: {kind: approval, process_code: PROC-LEAVE}
direction: both
create: {dingtalk: {when: "state == 'confirm'"}}
fields:
  - {dingtalk: originator_user_id, value: "'u' + string(employee_id.id)"}
  - {odoo: state, dingtalk: outcome, values: {agree: validate, refuse: refuse}, direction: to_odoo}
`

// TestApprovalsNeedTheirEvents: a mapping of approvals asks for its events, and for no other template's.
func TestApprovalsNeedTheirEvents(t *testing.T) {
	s := newShell(t, 0)
	s.vars["DINGBRIDGE_MAPPINGS"] = file(t, "leave.yaml", leaveMapping)
	got := s.want(exitOK, words("events"), "bpms_instance_change 审批实例开始、结束、终止、删除; for leave; counts", "bpms_task_change ", "instead of the bare events:\n  leave:\n",
		"    /v1.0/event/bpms_instance_change/processCode/PROC-LEAVE/type/finish\n", "    /v1.0/event/bpms_task_change/processCode/PROC-LEAVE/type/finish\n")
	if strings.Contains(got.out, "user_add_org") || strings.Contains(got.out, "type/start") {
		t.Errorf("nobody needs that: %s", got.out)
	}
	r := s.eventsReport()
	if len(r.Filters) != 1 || r.Filters[0].ProcessCode != "PROC-LEAVE" || len(r.Filters[0].Paths) != 4 || len(r.Types) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestEveryNeededEventHasATitle: by it people find the event in the console.
func TestEveryNeededEventHasATitle(t *testing.T) {
	for _, k := range dingtalk.Kinds() {
		for _, name := range k.Events {
			if dingtalk.EventTitle(name) == "" {
				t.Errorf("%s of %s has none", name, k.Name)
			}
		}
	}
}
