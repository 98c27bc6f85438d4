package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// archive is a company whose people asked for leaves in DingTalk long before the bridge came.
type archive struct {
	*shell
	skew atomic.Int64 // of DingTalk's clock
	boss string
	nth  int
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{}
	a.shell = newShell(t, 45, dingtalktest.WithClock(func() time.Time { return time.Now().Add(time.Duration(a.skew.Load())) }))
	must(t, a.stage.grant("hr_holidays.group_hr_holidays_manager"))
	_, err := a.stage.odoo.SeedBusiness()
	must(t, err)
	a.mappings(openGuard)
	born := filepath.Join(filepath.Dir(a.vars["DINGBRIDGE_MAPPINGS"]), "born.yaml")
	must(t, os.WriteFile(born, []byte(bornMapping), 0o600))
	boss, _ := a.stage.userByMobile(a.stage.co.people[0].mobile)
	a.boss = boss.UserID
	template := demoTemplates()[4]
	template.Flow = []dingtalktest.Node{{Users: []string{a.boss}}}
	a.stage.ding.AddTemplate(template)
	return a
}

// days is a day as --from takes it.
func (a *archive) days(ago int) string {
	return time.Now().In(time.FixedZone("UTC+8", 8*3600)).AddDate(0, 0, -ago).Format(time.DateOnly)
}

// asked lets so many leaves be asked for and agreed to, that many days ago; no event tells of them.
func (a *archive) asked(ago, n int) {
	a.t.Helper()
	a.skew.Store(-int64(ago) * int64(24*time.Hour))
	defer a.skew.Store(0)
	a.stage.ding.Quiet(func() {
		for range n {
			a.nth++
			day := time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC).AddDate(0, 0, a.nth).Format(time.DateOnly)
			id, err := a.stage.ding.StartInstance(bornCode, a.boss, 0, map[string]any{
				"假期类型": "年假", "开始时间": day + " 09:00", "结束时间": day + " 18:00", "天数": 1, "事由": fmt.Sprintf("旧事%d", a.nth),
			})
			must(a.t, err)
			must(a.t, a.stage.ding.Agree(id, ""))
		}
	})
}

// leaves are how many of them Odoo has, all of them agreed to.
func (a *archive) leaves() int {
	a.t.Helper()
	ids := a.stage.odoo.Search("hr.leave", []any{[]any{"name", "like", "旧事"}})
	for _, id := range ids {
		if state := textOf(a.stage.odoo.Get("hr.leave", id)["state"]); state != "validate" {
			a.t.Errorf("leave %d is %s", id, state)
		}
	}
	return len(ids)
}

// callsLeft lets so many counted calls be left above the reserve.
func (a *archive) callsLeft(n int64) {
	a.t.Helper()
	a.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"] = "1000000"
	used := a.quota().Calls.Used
	limit := (used + n) * 10 / 9
	for limit*9/10 < used+n {
		limit++
	}
	a.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"] = fmt.Sprint(limit)
}

func TestHistoryIsImported(t *testing.T) {
	a := newArchive(t)
	a.asked(20, 2)
	a.asked(10, 1)
	a.want(exitOK, words("sync"))
	if n := a.leaves(); n != 0 {
		t.Fatalf("%d leaves were made of what was before the start", n)
	}
	a.want(exitOK, words("sync leave-requests --from "+a.days(25)+" --to "+a.days(15)), "2 approvals were started then, 2 of them are new to the bridge.")
	if n := a.leaves(); n != 2 {
		t.Errorf("%d leaves, not 2: the last day counts to its end, and no further", n)
	}
	out := unmarshal[syncOutput](t, a.want(exitOK, words("sync leave-requests --json --from "+a.days(25))).out)
	if h := out.History; h == nil || h.Found != 3 || h.Fresh != 1 || !h.Complete || !h.Resumed.IsZero() || out.Beside || out.Done["create"] != 1 {
		t.Errorf("%+v %+v", out, out.History)
	}
	if n := a.leaves(); n != 3 {
		t.Errorf("%d leaves, not 3", n)
	}
	a.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	a.want(exitOK, words("sync leave-requests --from "+a.days(25)), "该时段内发起审批 3 个，其中 0 个是新的")
}

func TestHistoryIsImportedBesideTheDaemon(t *testing.T) {
	a := newArchive(t)
	a.asked(10, 2)
	v := a.serve()
	v.ready("")
	v.equal()
	out := unmarshal[syncOutput](t, a.want(exitOK, words("sync leave-requests --wait --json --from "+a.days(12))).out)
	if h := out.History; h == nil || h.Fresh != 2 || !out.Beside {
		t.Errorf("%+v %+v", out, out.History)
	}
	if n := a.leaves(); n != 2 {
		t.Errorf("%d leaves, not 2", n)
	}
}

// TestHistoryStopsAtTheQuota: what is due already takes calls too; a month with more of them goes on where the import stopped.
func TestHistoryStopsAtTheQuota(t *testing.T) {
	a := newArchive(t)
	a.asked(26, 2)
	a.asked(10, 3)
	a.want(exitOK, words("sync"))
	from := a.days(28)
	a.callsLeft(6) // one call lists the first week and two read it; two more list the next weeks, which leaves one
	before := a.stage.ding.CountedCalls()
	got := a.want(exitRemain, words("sync leave-requests --from "+from), "approvals were started then, 2 of them are new", "The import stopped at "+a.days(14)+" 00:00 for the quota",
		"above the reserve")
	if n := a.stage.ding.CountedCalls() - before; n > 8 { // the sweep lists once, and looks at once
		t.Errorf("%d counted calls\n%s", n, got.out)
	}
	if n := a.leaves(); n != 2 {
		t.Errorf("%d leaves, not 2: what was found before is worked on\n%s", n, got.out)
	}
	report := unmarshal[syncOutput](t, a.want(exitRemain, words("sync leave-requests --json --from "+from)).out)
	if h := report.History; h == nil || h.Complete || h.Needed <= h.Left {
		t.Errorf("%+v", h)
	}
	a.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	a.want(exitRemain, words("sync leave-requests --from "+from), "导入因配额停在")
	a.vars["DINGBRIDGE_LANGUAGE"] = "en"
	a.callsLeft(1000)
	got = a.want(exitOK, words("sync leave-requests --from "+from), "An earlier import from this day had stopped at "+a.days(14)+" 00:00; it goes on there.", "5 approvals were started then, 5 of them are new")
	if n := a.leaves(); n != 5 {
		t.Errorf("%d leaves, not 5\n%s", n, got.out)
	}
	if again := a.want(exitOK, words("sync leave-requests --from "+from), "0 of them are new"); strings.Contains(again.out, "An earlier import") {
		t.Errorf("an import that was complete goes on:\n%s", again.out)
	}
	a.vars["DINGBRIDGE_DINGTALK_QUOTA_CALLS"] = "0" // not known
	a.want(exitOK, words("sync leave-requests --from "+from), "0 of them are new")
}

func TestWrongHistories(t *testing.T) {
	a := newArchive(t)
	for line, want := range map[string][2]string{
		"sync --from 2026-01-01":                                             {"--from is for one mapping of approvals", "只用于一个审批映射"},
		"sync leave-requests employees --from " + a.days(3):                  {"--from is for one mapping of approvals", "只用于一个审批映射"},
		"sync employees --from " + a.days(3):                                 {"employees is no mapping of approvals", "employees 不是审批映射"},
		"sync leave-request --from " + a.days(3):                             {`there is no mapping "leave-request"`, "没有映射"},
		"sync leave-requests --from 2026-13-01":                              {`--from "2026-13-01" is no day such as`, "不是日期"},
		"sync leave-requests --from " + a.days(3) + " --to yesterday":        {`--to "yesterday" is no day such as`, "不是日期"},
		"sync leave-requests --to " + a.days(3):                              {"--to needs a --from", "--to 需要与 --from"},
		"sync leave-requests --from " + a.days(3) + " --to " + a.days(4):     {"is after --to " + a.days(4), "晚于 --to"},
		"sync leave-requests --from " + a.days(-3):                           {"--from " + a.days(-3) + " is still to come", "尚未到来"},
		"sync leave-requests --from " + a.days(400) + " --to " + a.days(390): {"the last 365 days only; the first day that can be named is " + a.days(364), "最近 365 天"},
	} {
		for i, lang := range []string{"en", "zh"} {
			a.vars["DINGBRIDGE_LANGUAGE"] = lang
			if lang == "en" || !strings.Contains(line, "--from 2026-01-01") {
				a.want(exitUsage, words(line), want[i])
			}
		}
	}
	if n := a.stage.ding.CountedCalls(); n > 0 {
		t.Errorf("%d calls for nothing", n)
	}
	a.vars["DINGBRIDGE_LANGUAGE"] = "en"
	file := filepath.Join(filepath.Dir(a.vars["DINGBRIDGE_MAPPINGS"]), "born.yaml")
	text := strings.Replace(bornMapping, "create: {odoo: true}", "create: {odoo: false}", 1)
	must(t, os.WriteFile(file, []byte(text), 0o600))
	a.want(exitUsage, words("sync leave-requests --from "+a.days(3)), "creates nothing in Odoo")
}
