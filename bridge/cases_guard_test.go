package bridge_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

const (
	userCreate = "/topapi/v2/user/create"
	userUpdate = "/topapi/v2/user/update"
	userDelete = "/topapi/v2/user/delete"
)

// budget gives the employees a guard; the departments keep the open one.
func budget(guard string) func(string) string {
	return func(y string) string {
		if !strings.Contains(y, "mapping: employees") {
			return y
		}
		open := "guard:  {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited, percent: 3}"
		if !strings.Contains(y, open) {
			panic("the preset's guard is written otherwise")
		}
		return strings.Replace(y, open, "guard:  "+guard, 1)
	}
}

// deleteInDingTalk lets people who are archived in Odoo be removed in DingTalk.
func deleteInDingTalk(y string) string {
	if !strings.Contains(y, "mapping: employees") {
		return y
	}
	return strings.Replace(y, "dingtalk: never, odoo: archive", "dingtalk: delete, odoo: archive", 1)
}

func number(i int) string { return fmt.Sprintf("139%08d", i) }

// staff adds n more people to both sides while the guard is open; it returns their Odoo ids.
func (c *one) staff(n int) []int64 {
	c.t.Helper()
	var ids []int64
	for i := range n {
		ids = append(ids, c.employee(fmt.Sprintf("员工%03d", i), number(i), map[string]any{"department_id": c.rd, "job_title": "职员"}))
	}
	c.step()
	if got := len(c.ding.Users()); got != n+2 {
		c.t.Fatalf("%d people in dingtalk, want %d; held:\n%s", got, n+2, c.held())
	}
	return ids
}

func (w *world) status() bridge.Status {
	w.t.Helper()
	var names []string
	for _, m := range w.set().Mappings {
		names = append(names, m.Name)
	}
	st, err := bridge.ReadStatus(w.ctx, w.store, names, time.Now())
	must(w.t, err)
	return st
}

// list is the only open guard list, with its count of the risk.
func (w *world) list(risk bridge.Risk, n int) int64 {
	w.t.Helper()
	st := w.status()
	if len(st.Lists) != 1 {
		w.t.Fatalf("guard lists: %+v, want one with %d × %s", st.Lists, n, risk)
	}
	if got := st.Lists[0].Counts[risk]; got != n {
		w.t.Errorf("list %d holds %d × %s, want %d (%+v)", st.Lists[0].List, got, risk, n, st.Lists[0])
	}
	return st.Lists[0].List
}

func (w *world) release(list int64) int {
	w.t.Helper()
	n, err := bridge.Release(w.ctx, w.store, list)
	must(w.t, err)
	return n
}

func TestMassRemovalTripsTheGuard(t *testing.T) {
	c := company(t, deleteInDingTalk)
	ids := c.staff(20)
	c.reopen(presets(t, deleteInDingTalk, budget("{creates: 50, updates: 200, clears: 20, removals: 5, percent: 20}"))...)
	c.sync()
	deletes := c.ding.Calls(userDelete)
	for _, id := range ids[:12] {
		c.write("hr.employee", id, map[string]any{"active": false})
	}
	c.write("hr.employee", c.li, map[string]any{"job_title": "照常"})
	c.step()
	// 20 % of 22 links, at most five: five go, seven wait; what is not a removal goes on.
	want(t, "removed", c.ding.Calls(userDelete)-deletes, 5)
	want(t, "people left", len(c.ding.Users()), 17)
	want(t, "李四's title", c.user(mobileLi).Title, "照常")
	list := c.list(bridge.RiskRemove, 7)
	text1, counts := c.plan("employees")
	want(t, "operations that wait in the plan", counts.Waiting, 7)
	if !strings.Contains(counts.String(), "exceed the guard") || !strings.Contains(text1, "archived in odoo") {
		t.Errorf("the plan does not tell what waits:\n%s%s", text1, counts)
	}
	// Nothing changes while nobody decides: not by working on, not by a sweep, not by a restart.
	c.step()
	c.sync()
	c.reopen()
	c.sync()
	want(t, "removed", c.ding.Calls(userDelete)-deletes, 5)
	want(t, "the list", c.list(bridge.RiskRemove, 7), list)
	// One of the seven comes back to work before the release: the others go, he stays.
	back := ""
	for _, id := range ids[:12] {
		if rec := c.employeeOf(id); hasUser(c.world, text(rec, "mobile_phone")) {
			back = text(rec, "mobile_phone")
			c.write("hr.employee", id, map[string]any{"active": true})
			break
		}
	}
	c.step()
	list = c.list(bridge.RiskRemove, 6)
	want(t, "released", c.release(list), 6)
	c.step()
	want(t, "removed", c.ding.Calls(userDelete)-deletes, 11)
	want(t, "the one who came back is in dingtalk", hasUser(c.world, back), true)
	want(t, "lists left", len(c.status().Lists), 0)
	c.quiet()
}

func hasUser(w *world, mobile string) bool {
	for _, u := range w.ding.Users() {
		if u.Mobile == mobile {
			return true
		}
	}
	return false
}

func TestMassLossInDingTalkTripsTheGuard(t *testing.T) {
	c := company(t)
	ids := c.staff(20)
	c.reopen(presets(t, budget("{creates: 50, updates: 200, clears: 20, removals: 3, percent: 50}"))...)
	c.sync()
	c.ding.Quiet(func() { // no events: absence alone
		for i := range 15 {
			must(t, c.ding.RemoveUser(c.user(number(i)).UserID))
		}
	})
	c.sync()
	archived := func() (n int) {
		for _, id := range ids {
			if text(c.employeeOf(id), "active") == "" {
				n++
			}
		}
		return n
	}
	want(t, "archived in odoo", archived(), 3)
	list := c.list(bridge.RiskRemove, 12)
	c.release(list)
	c.step()
	want(t, "archived in odoo", archived(), 15)
	want(t, "writes to dingtalk by the removal", c.ding.Calls(userDelete), 0)
	c.quiet()
}

func TestCreatesOverBudgetWaitAndTheRestGoesOn(t *testing.T) {
	c := company(t, budget("{creates: 2, updates: 200, clears: 20, removals: 5, percent: 3}"))
	created := c.ding.Calls(userCreate) // by the first meeting, which has an account of its own
	for i := range 6 {
		c.employee(fmt.Sprintf("新人%d", i), number(i), map[string]any{"department_id": c.rd})
	}
	c.write("hr.employee", c.li, map[string]any{"job_title": "照常"})
	c.step()
	want(t, "created", c.ding.Calls(userCreate)-created, 2)
	want(t, "李四's title", c.user(mobileLi).Title, "照常")
	list := c.list(bridge.RiskCreate, 4)
	// Released as they stand; one was edited meanwhile and waits again, under a new number.
	var waiting []string
	for i := range 6 {
		if !hasUser(c.world, number(i)) {
			waiting = append(waiting, number(i))
		}
	}
	want(t, "waiting", len(waiting), 4)
	want(t, "released", c.release(list), 4)
	c.write("hr.employee", c.peopleWith(waiting[0])[0], map[string]any{"job_title": "变了"})
	c.step()
	want(t, "created", c.ding.Calls(userCreate)-created, 5)
	want(t, "the edited one is in dingtalk", hasUser(c.world, waiting[0]), false)
	second := c.list(bridge.RiskCreate, 1)
	if second == list {
		t.Errorf("the changed creation waits in the released list %d", list)
	}
	c.release(second)
	c.step()
	want(t, "the edited one's title", c.user(waiting[0]).Title, "变了")
	want(t, "lists left", len(c.status().Lists), 0)
	c.quiet()
}

func TestUpdatesOverBudgetWaitPerRecord(t *testing.T) {
	c := company(t)
	ids := c.staff(8)
	c.reopen(presets(t, budget("{creates: 50, updates: 3, clears: 20, removals: 5, percent: 3}"))...)
	c.sync()
	updates := c.ding.Calls(userUpdate)
	for i, id := range ids {
		c.write("hr.employee", id, map[string]any{"job_title": fmt.Sprintf("职级%d", i)})
	}
	c.step()
	done := c.ding.Calls(userUpdate) - updates
	if done < 1 || done > 3 {
		t.Errorf("%d updates went, want at most 3", done)
	}
	list := c.list(bridge.RiskUpdate, 8-done)
	c.release(list)
	c.step()
	for i := range ids {
		want(t, "title of "+number(i), c.user(number(i)).Title, fmt.Sprintf("职级%d", i))
	}
	c.quiet()
}

func TestFirstMeetingOverBudgetIsReleased(t *testing.T) {
	w := newWorld(t, presets(t, budget("{creates: 1, updates: 2, clears: 20, removals: 5, percent: 3}"))...)
	// Six people known to both sides, with different titles; linking costs nothing, overwriting draws on the budget.
	for i := range 6 {
		w.employee(fmt.Sprintf("员工%d", i), number(i), map[string]any{"job_title": "甲"})
		w.ding.AddUser(dingtalktest.User{Name: fmt.Sprintf("员工%d", i), Mobile: number(i), Departments: []int64{1}, Title: "乙", Active: true})
	}
	w.sync()
	titled := func() (n int) {
		for _, u := range w.ding.Users() {
			if u.Title == "甲" {
				n++
			}
		}
		return n
	}
	want(t, "updated", titled(), 2)
	st := w.status()
	want(t, "linked", st.Mappings[1].Links[bridge.Linked], 6)
	list := w.list(bridge.RiskUpdate, 4)
	want(t, "released", w.release(list), 4)
	must(t, w.engine.Step(w.ctx, 2*time.Second))
	want(t, "updated after the release", titled(), 6)
	want(t, "people in dingtalk", len(w.ding.Users()), 6)
	w.quiet()
}

func TestClearsCountApart(t *testing.T) {
	c := company(t)
	ids := c.staff(6)
	c.reopen(presets(t, budget("{creates: 50, updates: 200, clears: 2, removals: 5, percent: 100}"))...)
	c.sync()
	for _, id := range ids {
		c.write("hr.employee", id, map[string]any{"job_title": false, "work_location": "北京"})
	}
	c.step()
	titles, places := 0, 0
	for i := range ids {
		u := c.user(number(i))
		if u.Title != "" {
			titles++
		}
		if u.WorkPlace == "北京" {
			places++
		}
	}
	want(t, "titles that wait to be cleared", titles, 4)
	want(t, "places that were filled", places, 6)
	list := c.list(bridge.RiskClear, 4)
	c.release(list)
	c.step()
	for i := range ids {
		want(t, "title of "+number(i), c.user(number(i)).Title, "")
	}
	want(t, "lists left", len(c.status().Lists), 0)
	c.quiet()
}

func TestGuardOnTheNextDay(t *testing.T) {
	c := company(t)
	c.needsFile("the engine goes by the database's clock, which the test cannot move")
	ids := c.staff(8)
	var days atomic.Int64
	c.options = func(o *bridge.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(days.Load()) * 24 * time.Hour) }
	}
	c.reopen(presets(t, deleteInDingTalk, budget("{creates: 50, updates: 200, clears: 20, removals: 2, percent: 100}"))...)
	c.sync()
	archive := func(ids ...int64) {
		for _, id := range ids {
			c.write("hr.employee", id, map[string]any{"active": false})
		}
		c.sync()
	}
	archive(ids[:4]...)
	want(t, "people left", len(c.ding.Users()), 8)
	list := c.list(bridge.RiskRemove, 2)
	// A new day is no release for what waits, but a new budget for what comes.
	days.Add(1)
	c.sync()
	want(t, "people left on the next day", len(c.ding.Users()), 8)
	archive(ids[4:7]...)
	want(t, "people left on the next day", len(c.ding.Users()), 6)
	want(t, "the list", c.list(bridge.RiskRemove, 3), list)
	c.release(list)
	c.sync()
	want(t, "people left", len(c.ding.Users()), 3)
	want(t, "lists left", len(c.status().Lists), 0)
}

func TestRefusedValuesAreHeldWithTheirWords(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"违禁词"} })
	long := strings.Repeat("长", 90)
	wang := c.employee(long, "13800000003", map[string]any{"department_id": c.rd})
	c.write("hr.employee", c.li, map[string]any{"work_email": strings.Repeat("x", 60) + "@example.com", "job_title": "主管"})
	c.write("hr.employee", c.zhang, map[string]any{"notes": "这里有违禁词", "work_location": "北京"})
	c.step()
	// The rest of each record arrived.
	want(t, "李四's title", c.user(mobileLi).Title, "主管")
	want(t, "李四's email", c.user(mobileLi).Email, "li@example.com")
	want(t, "张三's place", c.user(mobileZhang).WorkPlace, "北京")
	want(t, "张三's remark", c.user(mobileZhang).Remark, "")
	want(t, "the long name in dingtalk", hasUser(c.world, "13800000003"), false)
	c.wantHeld("72 characters", "60022", "name cannot be written to dingtalk")
	held := map[string]bool{}
	for _, h := range c.status().Held {
		held[h.Field] = true
	}
	want(t, "email is held by field", held["email"], true)
	want(t, "remark is held by field", held["remark"], true)
	// What is held is not tried again by itself.
	updates, creates := c.ding.Calls(userUpdate), c.ding.Calls(userCreate)
	c.step()
	want(t, "updates", c.ding.Calls(userUpdate)-updates, 0)
	want(t, "creates", c.ding.Calls(userCreate)-creates, 0)
	// Mended by people: everything arrives.
	c.write("hr.employee", wang, map[string]any{"name": "王五"})
	c.write("hr.employee", c.li, map[string]any{"work_email": "li4@example.com"})
	c.write("hr.employee", c.zhang, map[string]any{"notes": "好的"})
	c.step()
	want(t, "王五", c.user("13800000003").Name, "王五")
	want(t, "李四's email", c.user(mobileLi).Email, "li4@example.com")
	want(t, "张三's remark", c.user(mobileZhang).Remark, "好的")
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestRetryTriesWhatIsHeld(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"违禁词"} })
	c.write("hr.employee", c.li, map[string]any{"notes": "这里有违禁词"})
	c.employee("违禁词先生", "13800000003", map[string]any{"department_id": c.rd})
	c.step()
	c.wantHeld("60022")
	c.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = nil }) // nobody tells the bridge
	c.step()
	want(t, "李四's remark", c.user(mobileLi).Remark, "")
	set := c.set()
	r := ref(mapping.Odoo, "hr.employee", c.li)
	n, err := bridge.Retry(c.ctx, c.store, set, &r)
	must(t, err)
	if n == 0 {
		t.Error("retry touched nothing")
	}
	c.step()
	want(t, "李四's remark", c.user(mobileLi).Remark, "这里有违禁词")
	want(t, "the other one in dingtalk", hasUser(c.world, "13800000003"), false)
	_, err = bridge.Retry(c.ctx, c.store, set, nil)
	must(t, err)
	c.step()
	want(t, "the other one in dingtalk", hasUser(c.world, "13800000003"), true)
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestLinkJoinsTwoRecordsByAPersonsDecision(t *testing.T) {
	c := company(t)
	// The same person under two numbers: nobody can know.
	other := c.ding.AddUser(dingtalktest.User{Name: "王五", Mobile: "13800000033", Departments: []int64{c.uRD}, Active: true})
	must(t, c.ding.FlushEvents(c.ctx))
	c.reopen(presets(t, func(y string) string {
		return strings.Replace(y, "create: {dingtalk: {when: \"active\"}, odoo: true}", "create: {dingtalk: false, odoo: false}", 1)
	})...)
	c.sync()
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd, "job_title": "会计"})
	c.step()
	m, _ := c.set().Get("employees")
	must(t, bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(same(wang)), bridge.ID(other)))
	c.step()
	u, _ := c.ding.User(other)
	want(t, "王五's title", u.Title, "会计")
	want(t, "people in dingtalk", len(c.ding.Users()), 3)
	c.wantHeld("mobile cannot be changed")
	// A record that is linked cannot be linked again.
	err := bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(same(c.li)), bridge.ID(other))
	if err == nil || !strings.Contains(err.Error(), "linked already") {
		t.Errorf("linked twice: %v", err)
	}
}

func TestForgetDropsTheMemoryAlone(t *testing.T) {
	c := company(t)
	writes := c.ding.Writes()
	set := c.set()
	n, err := bridge.ForgetRecord(c.ctx, c.store, set, ref(mapping.DingTalk, "user", c.uLi))
	must(t, err)
	want(t, "links forgotten", n, 1)
	if _, err := bridge.ForgetRecord(c.ctx, c.store, set, ref(mapping.DingTalk, "user", c.uLi)); err == nil {
		t.Error("forgetting what no link holds was no error")
	}
	want(t, "writes", c.ding.Writes()-writes, 0)
	c.sync() // strangers again: recognised by the mobile
	want(t, "writes", c.ding.Writes()-writes, 0)
	want(t, "people in odoo", len(c.peopleWith(mobileLi)), 1)
	c.write("hr.employee", c.li, map[string]any{"job_title": "重逢"})
	c.step()
	want(t, "李四's title", c.user(mobileLi).Title, "重逢")
	c.quiet()
}
