package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// quota is what `status --json` tells of the month.
func (s *shell) quota() bridge.QuotaStatus {
	s.t.Helper()
	st := unmarshal[bridge.Status](s.t, s.want(exitOK, words("status --json")).out)
	if st.Quota == nil {
		s.t.Fatal("no quota in the status")
	}
	return *st.Quota
}

// TestLedgerAgreesWithDingTalk: every command that calls DingTalk keeps what it cost.
func TestLedgerAgreesWithDingTalk(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.CountContacts = true })
	s.vars["DINGBRIDGE_DINGTALK_QUOTA_COUNTED"] = "/topapi/,/v1.0/contact/"
	for _, command := range []string{"plan", "sync", "explain odoo hr.employee " + s.firstEmployee(), "sync employees"} {
		s.want(exitOK, words(command))
		q := s.quota()
		if calls := int64(len(s.stage.ding.Journal())); q.Calls.Used+q.Calls.Free != calls {
			t.Errorf("%s: %d counted and %d free calls kept, %d made", command, q.Calls.Used, q.Calls.Free, calls)
		}
		if counted := int64(s.stage.ding.CountedCalls()); q.Calls.Used != counted || counted == 0 {
			t.Errorf("%s: %d counted calls kept, DingTalk counted %d", command, q.Calls.Used, counted)
		}
	}
	s.want(exitOK, words("status"), " of 5000 counted, ", "counted calls by: employees ", "departments ")
}

func TestStatusTellsTheQuota(t *testing.T) {
	s := newShell(t, 0)
	a, _, _ := s.app()
	w, err := a.openStore()
	must(t, err)
	day := time.Now().In(w.zone).Format(time.DateOnly)
	must(t, w.store.Update(t.Context(), func(tx bridge.Tx) error {
		return tx.AddQuota(
			bridge.QuotaCount{Day: day, What: bridge.QuotaCall, Counted: true, Mapping: "employees", Name: "/topapi/v2/user/get", N: 4000},
			bridge.QuotaCount{Day: day, What: bridge.QuotaCall, Counted: true, Name: "/call_back/get_call_back_failed_result", N: 900},
			bridge.QuotaCount{Day: day, What: bridge.QuotaCall, Mapping: "employees", Name: "/topapi/v2/user/list", N: 7},
			bridge.QuotaCount{Day: day, What: bridge.QuotaPush, Counted: true, Name: "check_in", N: 11},
			bridge.QuotaCount{Day: day, What: bridge.QuotaWithheld, Counted: true, Name: "check_in", N: 3},
		)
	}))
	must(t, w.close())
	s.want(exitOK, words("status"), "  calls: 4900 of 5000 counted, ", "; 7 free", "  pushes: 11 of 3000 counted, ", "by: employees 4000, no mapping 900",
		"3 events came without content", "rest until the month ends")
	s.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	s.want(exitOK, words("status"), "计入额度 4900 / 5000", "3 个事件未携带内容", "暂停至月底")
	s.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"] = "1000000000"
	if out := s.want(exitOK, words("status")).out; strings.Contains(out, "额度告急") || strings.Contains(out, "暂停") {
		t.Errorf("enough is left: %s", out)
	}
	var keys struct {
		Quota map[string]json.RawMessage `json:"quota"`
	}
	must(t, json.Unmarshal([]byte(s.want(exitOK, words("status --json")).out), &keys))
	for _, key := range []string{"month", "ends", "calls", "pushes", "pushes_withheld", "pace", "details"} {
		if keys.Quota[key] == nil {
			t.Errorf("no %s in %v", key, keys.Quota)
		}
	}
	s.vars["DINGBRIDGE_LANGUAGE"], s.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"] = "en", "-1"
	s.want(exitUsage, words("status"), "dingtalk.quota: a quota cannot be negative")
	s.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"], s.vars["DINGBRIDGE_DINGTALK_QUOTA_FREE"] = "0", "/a*"
	s.want(exitUsage, words("plan"), `"/a*" is neither a path`)
}

// TestDaemonWithoutCallsLeft: health, status, log and metrics say so; a restart after more was bought goes on at once.
func TestDaemonWithoutCallsLeft(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.CountContacts = true })
	v := s.serve() // which keeps the ledger every tenth of a second
	v.ready("")
	v.equal()
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.QuotaExhausted = true })
	e, err := v.title()
	must(t, err)
	must(t, e.do())
	v.ready("counted")
	v.logged("halted", "90020")
	v.until(t.Context(), "the status tells", func() bool {
		return strings.Contains(s.want(exitOK, words("status")).out, "HALTED  counted since ")
	})
	s.want(exitHalted, words("status --health"))
	v.until(t.Context(), "metrics", func() bool {
		status, body := v.get("/metrics")
		for _, line := range []string{
			`dingbridge_dingtalk_calls_total{class="free",mapping="employees"} `, `dingbridge_quota_limit{what="calls"} 5000`,
			`dingbridge_quota_used{what="pushes"} 0`, `dingbridge_quota_forecast{what="calls"} `, "dingbridge_quota_pace 1", "dingbridge_halted 1",
			`dingbridge_dingtalk_pushes_total{class="free"} `,
		} {
			if !strings.Contains(body, line) {
				return false
			}
		}
		return status == http.StatusOK
	})
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.QuotaExhausted = false })
	v.stop()
	must(t, <-v.ended)
	close(v.ended)
	again := s.serve()
	again.ready("")
	again.until(t.Context(), "the change arrives", e.arrived)
}

// TestUndeliveredEventsAreFetchedAtThePace: reading the list costs a counted call, so far as anybody knows.
func TestUndeliveredEventsAreFetchedAtThePace(t *testing.T) {
	s := newShell(t, 0)
	wait := func(use int64, env ...string) time.Duration {
		t.Helper()
		for i := 0; i < len(env); i += 2 {
			s.vars[env[i]] = env[i+1]
		}
		a, _, _ := s.app()
		w, err := a.open()
		must(t, err)
		d := newDaemon(w, a.logger(w.settings), nil)
		d.pace.now = func() time.Time { return time.Date(2026, 8, 16, 12, 0, 0, 0, w.zone) } // half of the month is past
		must(t, w.store.Update(context.Background(), func(tx bridge.Tx) error {
			return tx.AddQuota(bridge.QuotaCount{Day: "2026-08-10", What: bridge.QuotaCall, Counted: true, Name: "/x", N: use})
		}))
		got := d.failedWait(t.Context())
		must(t, w.close())
		return got.Round(time.Second)
	}
	for _, c := range []struct {
		use  int64
		want time.Duration
	}{{1, 30 * time.Minute}, {2248, 30 * time.Minute}, {1126, time.Hour}, {1124, 372 * time.Hour}} { // 2249, 3375 and 4499 of 4500
		if got := wait(c.use); got != c.want {
			t.Errorf("after %d more: %s, want %s", c.use, got, c.want)
		}
	}
	if got := wait(1, "DINGBRIDGE_DINGTALK_QUOTA_FREE", "/call_back/"); got != 5*time.Minute {
		t.Errorf("where it is free: %s", got)
	}
	if got := wait(1, "DINGBRIDGE_DINGTALK_QUOTA_FREE", "", "DINGBRIDGE_DINGTALK_QUOTA_CALLS", "0"); got != 30*time.Minute {
		t.Errorf("without a limit: %s", got)
	}
	if got := wait(1, "DINGBRIDGE_DINGTALK_CALLBACK_FAILED_EVERY", "2m"); got != 2*time.Minute {
		t.Errorf("as the settings say: %s", got)
	}
	if got := wait(1124, "DINGBRIDGE_DINGTALK_QUOTA_CALLS", "5000"); got != 372*time.Hour {
		t.Errorf("when the quota is nearly gone the settings do not help: %s", got)
	}
	if got := wait(1, "DINGBRIDGE_DINGTALK_QUOTA_FREE", "/call_back/"); got != 2*time.Minute {
		t.Errorf("as the settings say, and free: %s", got)
	}
}
