package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

var utc8 = time.FixedZone("UTC+8", 8*3600)

// metered is a company whose contacts' calls and events count, at the beginning of a month of 31 days. The bridge knows the limits.
type metered struct {
	*one
	limits bridge.QuotaLimits
	logs   *observer.ObservedLogs
}

func meteredCompany(t *testing.T) *metered {
	t.Helper()
	c := &metered{one: company(t)}
	c.standIn()
	c.nextMonth()
	for c.now().In(utc8).AddDate(0, 0, 30).Day() != 31 {
		c.later(24 * time.Hour)
		c.nextMonth()
	}
	c.ding.Set(func(k *dingtalktest.Knobs) { k.CountContacts = true })
	client, err := dingtalk.New(dingtalk.Config{
		OAPI: c.ding.URL(), API: c.ding.URL(), Login: c.ding.URL(), AppKey: c.ding.AppKey(), AppSecret: c.ding.AppSecret(),
		CorpID: c.ding.CorpID(), QPS: -1, Timeout: 5 * time.Second, RetryWait: time.Millisecond, Now: c.now,
		Counted: []string{"/topapi/", "/v1.0/contact/", "user_modify_org", "org_dept_modify"},
	})
	must(t, err)
	t.Cleanup(client.Close)
	c.client = client
	var core zapcore.Core
	core, c.logs = observer.New(zapcore.InfoLevel)
	c.log = zap.New(core)
	c.options = func(o *bridge.Options) { o.Now, o.Quota = c.now, c.limits }
	c.restart(0)
	return c
}

// nextMonth moves on to the next month's beginning.
func (w *world) nextMonth() {
	y, m, _ := w.now().In(utc8).Date()
	w.later(time.Date(y, m+1, 1, 0, 0, 0, 0, utc8).Sub(w.now()))
}

// restart is a restart of the bridge, which knows of so many calls a month, with a comparison.
func (c *metered) restart(calls int64) {
	c.t.Helper()
	c.limits = bridge.QuotaLimits{Calls: calls, Pushes: 100}
	c.reopen()
	c.sync()
}

func (c *metered) quota() bridge.QuotaStatus {
	c.t.Helper()
	must(c.t, c.engine.KeepQuota(c.ctx))
	st, err := bridge.ReadQuota(c.ctx, c.store, c.now(), utc8, c.limits)
	must(c.t, err)
	return st
}

// lastSweep is when the employees were compared last.
func (c *metered) lastSweep() time.Time { return c.status().Mappings[1].Statement.At }

// month lets 30 days pass: every day somebody is promoted in Odoo, every night is a night. It returns how often the employees were
// compared, and on how many days the promotion did not arrive.
func (c *metered) month() (sweeps, late int) {
	c.t.Helper()
	for day := range 30 {
		c.later(24 * time.Hour)
		title := fmt.Sprintf("%d级工程师", day)
		c.write("hr.employee", c.li, map[string]any{"job_title": title})
		c.step()
		if c.user(mobileLi).Title != title {
			late++
		}
		last := c.lastSweep()
		c.engine.Night(c.ctx)
		if c.lastSweep().After(last) {
			sweeps++
		}
		must(c.t, c.engine.KeepQuota(c.ctx))
	}
	return sweeps, late
}

func TestSweepsLeaveCallsForChanges(t *testing.T) {
	c := meteredCompany(t)
	const limit = 360
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Quota = limit })
	c.restart(limit)
	c.ding.ResetJournal()
	before := c.quota().Calls.Used
	sweeps, late := c.month()
	t.Logf("%d sweeps in 30 nights, %d calls", sweeps, c.ding.CountedCalls())
	want(t, "promotions that did not arrive", late, 0)
	want(t, "calls refused for the quota", c.ding.RejectedCount(), 0)
	if sweeps >= 25 || sweeps < 3 {
		t.Errorf("%d sweeps in 30 nights", sweeps)
	}
	st := c.quota()
	want(t, "the ledger's calls", st.Calls.Used-before, int64(c.ding.CountedCalls()))
	if st.Calls.Used > limit || st.Pace >= 1 {
		t.Errorf("%d of %d calls used, pace %g", st.Calls.Used, limit, st.Pace)
	}
	c.wantLog("sweep left out", "faster than the month passes")

	// The next month begins anew.
	c.later(48 * time.Hour)
	last := c.lastSweep()
	c.engine.Night(c.ctx)
	if !c.lastSweep().After(last) {
		t.Error("no sweep in the new month")
	}
	c.quiet()
}

// TestWithoutPaceTheCallsRunOut is the counter-proof: the same month at the usual pace.
func TestWithoutPaceTheCallsRunOut(t *testing.T) {
	c := meteredCompany(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Quota = 360 })
	c.restart(0)
	sweeps, late := c.month()
	t.Logf("%d sweeps in 30 nights, %d days without calls", sweeps, late)
	if late == 0 || c.ding.RejectedCount() == 0 {
		t.Error("the calls did not run out: the other test proves nothing")
	}
}

func TestSweepsAfterGapsComeAtThePace(t *testing.T) {
	c := meteredCompany(t)
	c.restart(100)
	swept := func() bool {
		last := c.lastSweep()
		c.engine.MissedEvents(false)
		c.engine.SweepDue(c.ctx)
		must(t, c.engine.KeepQuota(c.ctx))
		return c.lastSweep().After(last)
	}
	gaps := 0
	for swept() { // at once and as often as there are gaps, while no more is used than is past of the month
		if gaps++; gaps > 20 {
			t.Fatal("the pace never slowed down")
		}
		c.later(30 * time.Minute)
	}
	c.later(15 * 24 * time.Hour)
	want(t, "pace in the middle of the month", c.quota().Pace, 1)
	want(t, "swept at once", swept(), true)
	for c.quota().Pace > 0 {
		c.engine.Sweep("") // somebody asks: at once
		last := c.lastSweep()
		c.engine.SweepDue(c.ctx)
		want(t, "swept when asked", c.lastSweep().After(last), true)
	}
	c.later(5 * 24 * time.Hour)
	want(t, "swept from the reserve", swept(), false)
	c.write("hr.employee", c.li, map[string]any{"job_title": "组长"})
	c.step()
	want(t, "李四's title", c.user(mobileLi).Title, "组长")
	c.later(11 * 24 * time.Hour) // the month has turned: what was missed is looked at
	last := c.lastSweep()
	c.engine.SweepDue(c.ctx)
	want(t, "swept in the new month", c.lastSweep().After(last), true)
}

// wantLog fails unless one line of the log has the message and the words in a field.
func (c *metered) wantLog(message, words string) {
	c.t.Helper()
	for _, line := range c.logs.FilterMessage(message).All() {
		if strings.Contains(fmt.Sprint(line.ContextMap()), words) {
			return
		}
	}
	c.t.Errorf("nothing logged says %s: %s", message, words)
}

// halted is the halt of the scope.
func (c *metered) halted(scope string) (bridge.Halted, bool) {
	for _, h := range c.engine.Halted() {
		if h.Scope == scope {
			return h, true
		}
	}
	return bridge.Halted{}, false
}

// TestCallsUsedUp: the quota is gone in the middle of a batch (90020). Everything waits without being tried, and goes on when more
// calls are bought, or when the month turns.
func TestCallsUsedUp(t *testing.T) {
	for _, ending := range []string{"more is bought", "the month turns"} {
		t.Run(ending, func(t *testing.T) {
			c := meteredCompany(t)
			used := int(c.quota().Calls.Used)
			c.ding.Set(func(k *dingtalktest.Knobs) { k.Quota = used + 30 })
			for i := range 40 {
				c.employee(fmt.Sprintf("新人%02d", i), number(i), map[string]any{"department_id": c.rd})
			}
			c.write("hr.employee", c.li, map[string]any{"job_title": "组长"})
			c.step()
			if n := len(c.ding.Users()); n <= 2 || n >= 42 {
				t.Fatalf("%d people in dingtalk: the quota was not gone in the middle", n)
			}
			h, halted := c.halted("counted")
			if !halted || !strings.Contains(h.Why, "90020") || h.Until.Sub(c.now()) > time.Hour || h.Until.Sub(c.now()) < 50*time.Minute {
				t.Errorf("halted: %+v", c.engine.Halted())
			}
			c.wantLog("halted", "90020")
			c.wantLog("halted", "next_try")

			// Nobody is asked what counts; what is free goes on.
			c.ding.ResetJournal()
			c.write("hr.employee", c.zhang, map[string]any{"job_title": "董事长"})
			c.step()
			c.engine.Sweep("")
			c.engine.SweepDue(c.ctx)
			for _, r := range c.ding.Journal() {
				if c.client.Counts(r.Path) {
					t.Errorf("%s was called", r.Path)
				}
			}
			_, err := c.client.Contacts.Scopes(c.ctx)
			must(t, err)
			st := c.status()
			waiting := 0
			for _, f := range st.Failing {
				want(t, "attempts of "+f.Key, f.Attempts, 0)
				waiting++
			}
			if waiting < 20 {
				t.Errorf("%d wait", waiting)
			}
			want(t, "held", c.held(), "")

			switch ending {
			case "more is bought":
				c.ding.Set(func(k *dingtalktest.Knobs) { k.Quota = 0 })
				c.later(61 * time.Minute)
			case "the month turns":
				c.nextMonth()
				c.later(61 * time.Second)
				c.ding.Set(func(k *dingtalktest.Knobs) { k.Quota = 5000 })
			}
			c.step()
			c.engine.SweepDue(c.ctx)
			c.step()
			want(t, "people in dingtalk", len(c.ding.Users()), 42)
			want(t, "李四's title", c.user(mobileLi).Title, "组长")
			want(t, "张三's title", c.user(mobileZhang).Title, "董事长")
			if _, halted := c.halted("counted"); halted {
				t.Errorf("still halted: %+v", c.engine.Halted())
			}
			c.wantLog("goes on", "counted")
			want(t, "held", c.held(), "")
			c.quiet()
		})
	}
}

// TestPushesUsedUp: events come without content (20001). Sweeps find what they would have told, but not one for every event.
func TestPushesUsedUp(t *testing.T) {
	c := meteredCompany(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.PushQuotaExhausted = true })
	edit := func(title string) {
		t.Helper()
		must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = title }))
		c.step()
		c.engine.SweepDue(c.ctx)
		c.step()
	}
	const userList, deptList = "/topapi/v2/user/list", "/topapi/v2/department/listsub"
	c.later(time.Hour)
	c.ding.ResetJournal()
	edit("一")
	lists := c.ding.Calls(userList)
	if lists == 0 {
		t.Fatal("nothing was compared")
	}
	want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "一")
	for i := range 20 {
		edit(fmt.Sprint("二", i))
	}
	want(t, "lists read for 20 further events", c.ding.Calls(userList)-lists, 0)
	h, halted := c.halted("pushes")
	if !halted || !strings.Contains(h.Why, "20001") || h.Until.In(utc8).Day() != 1 {
		t.Errorf("halted: %+v", c.engine.Halted())
	}
	want(t, "lines in the log", c.logs.FilterMessage("halted").Len(), 1)
	want(t, "events withheld", c.quota().Withheld, 21)
	// What those 20 would have told comes with the next comparison, and only people are compared.
	c.later(15 * time.Minute)
	c.engine.SweepDue(c.ctx)
	c.step()
	want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "二19")
	want(t, "comparisons", c.ding.Calls(userList), 2*lists)
	want(t, "department lists", c.ding.Calls(deptList), 2*3) // walked to find the people
	// Polls and writes go on.
	c.write("hr.employee", c.zhang, map[string]any{"job_title": "董事长"})
	c.step()
	want(t, "张三's title", c.user(mobileZhang).Title, "董事长")
	// An event that has its content ends it.
	c.ding.Set(func(k *dingtalktest.Knobs) { k.PushQuotaExhausted = false })
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "三" }))
	c.step()
	want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "三")
	if _, halted := c.halted("pushes"); halted {
		t.Errorf("still halted: %+v", c.engine.Halted())
	}
	c.quiet()
}

// TestWithheldEventsOfOthers: the corp's approvals use up the quota; nobody here asks for them, and nothing is compared.
func TestWithheldEventsOfOthers(t *testing.T) {
	c := meteredCompany(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.PushQuotaExhausted = true })
	c.later(time.Hour)
	c.step()
	c.ding.ResetJournal()
	c.ding.Emit("bpms_instance_change", map[string]any{"processInstanceId": "p"})
	c.step()
	c.engine.SweepDue(c.ctx)
	want(t, "calls", len(c.ding.Journal()), 0)
	want(t, "events withheld", c.quota().Withheld, 1)
	_, halted := c.halted("pushes")
	want(t, "told", halted, true)
	c.later(32 * 24 * time.Hour)
	if _, halted := c.halted("pushes"); halted {
		t.Error("halted into the next month")
	}
}

// TestLedgerSurvivesARestart: what a process counted is there for the next one, with whose work it was.
func TestLedgerSurvivesARestart(t *testing.T) {
	c := meteredCompany(t)
	c.ding.ResetJournal()
	before := c.quota()
	c.write("hr.employee", c.li, map[string]any{"job_title": "组长"})
	c.step()
	after := c.quota()
	want(t, "counted", after.Calls.Used-before.Calls.Used, int64(c.ding.CountedCalls()))
	c.reopen()
	want(t, "after a restart", c.quota().Calls.Used, after.Calls.Used)
	of := func(st bridge.QuotaStatus, mappingName, path string) (n int64) {
		for _, line := range st.Details {
			if line.What == bridge.QuotaCall && line.Mapping == mappingName && line.Name == path {
				n += line.N
			}
		}
		return n
	}
	want(t, "updates for the employees", of(after, "employees", userUpdate)-of(before, "employees", userUpdate), 1)
	want(t, "updates for the departments", of(after, "departments", userUpdate), 0)
	want(t, "pushes", after.Pushes.Used-before.Pushes.Used, 1)
	for _, via := range []string{bridge.ViaStream, bridge.ViaStream, bridge.ViaFailedList} { // pushed twice, and found in the list
		_, err := c.engine.AddEvent(c.ctx, bridge.InboxEvent{ID: "x" + via, Type: "check_in", Via: via, Data: []byte("{}")})
		must(t, err)
	}
	want(t, "pushes after one more", c.quota().Pushes.Used-after.Pushes.Used, 1)
}
