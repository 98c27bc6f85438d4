package bridge_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// crowd is how many people a large case takes: n, or a tenth under -short.
func crowd(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// odooWrites are the calls in Odoo's journal that change something.
func (w *world) odooWrites() (n int) {
	for _, c := range w.odoo.Journal() {
		if isOdooWrite(c) {
			n++
		}
	}
	return n
}

func isOdooWrite(c odootest.Call) bool {
	return c.Service == "object" && slices.Contains([]string{"create", "write", "unlink", "load", "message_post"}, c.Method)
}

func TestFirstMeetingOfThousands(t *testing.T) {
	w := newWorld(t)
	w.standIn()
	both, onlyOdoo, onlyDing := crowd(2700), crowd(300), crowd(200)
	var odooDepts, dingDepts []int64
	for i := range 20 {
		name := fmt.Sprintf("部门%02d", i)
		odooDepts = append(odooDepts, w.department(name, 0, 0))
		dingDepts = append(dingDepts, w.ding.AddDepartment(dingtalktest.Department{Name: name}))
	}
	var boss int64
	for i := range both + onlyOdoo + onlyDing {
		d := i % len(odooDepts)
		name := fmt.Sprintf("员工%04d", i)
		if i < both+onlyOdoo {
			vals := map[string]any{"department_id": odooDepts[d], "job_title": "职员"}
			if boss > 0 && i >= both {
				vals["parent_id"] = boss
			}
			id := w.employee(name, number(i), vals)
			if boss == 0 {
				boss = id
			}
		}
		if i < both || i >= both+onlyOdoo {
			w.ding.AddUser(dingtalktest.User{Name: name, Mobile: number(i), Departments: []int64{dingDepts[d]}, Title: "职员", Active: true})
		}
	}
	w.ding.ResetJournal()
	w.sync()
	all := both + onlyOdoo + onlyDing
	want(t, "people in dingtalk", len(w.ding.Users()), all)
	want(t, "people in odoo", len(w.people.Search("hr.employee", []any{[]any{"mobile_phone", "!=", false}})), all)
	want(t, "departments in dingtalk", len(w.ding.Departments()), 21)
	want(t, "user creations", w.ding.Calls(userCreate), onlyOdoo)
	if n := len(w.ding.Repeats()); n > 0 {
		t.Errorf("%d creations were sent more than once", n)
	}
	calls := len(w.ding.Journal())
	t.Logf("%d dingtalk calls for %d people", calls, all)
	if calls > 3*all {
		t.Errorf("%d dingtalk calls for %d people, want at most 3 a person", calls, all)
	}
	want(t, "held", w.held(), "")
	last := w.user(number(both))
	want(t, "manager of a new one", last.ManagerUserID, w.user(number(0)).UserID)
	st := w.status()
	want(t, "linked", st.Mappings[1].Links[bridge.Linked], all)
	w.quiet()
}

func TestSweepWritesNothingWhenEqualAndReadsEachSideOnce(t *testing.T) {
	w := newWorld(t)
	w.standIn()
	people, depts := crowd(1200), 12
	for i := range depts {
		w.department(fmt.Sprintf("部门%02d", i), 0, 0)
	}
	ids := w.people.Search("hr.department", []any{[]any{"name", "like", "部门"}})
	for i := range people {
		w.employee(fmt.Sprintf("员工%04d", i), number(i), map[string]any{"department_id": ids[i%depts]})
	}
	w.sync()
	w.sync() // the first sweep after creations may still look
	w.ding.ResetJournal()
	w.odoo.ResetJournal()
	w.sync()
	want(t, "writes to dingtalk", w.ding.Writes(), 0)
	want(t, "writes to odoo", w.odooWrites(), 0)
	want(t, "users read one by one", w.ding.Calls("/topapi/v2/user/get"), 0)
	pages := depts*((people/depts+99)/100) + 1 // and the root
	if n := w.ding.Calls("/topapi/v2/user/list"); n > pages {
		t.Errorf("%d pages of users were read, want %d", n, pages)
	}
	reads := map[string]int{}
	for _, c := range w.odoo.Journal() {
		if c.Method == "search_read" || c.Method == "read" || c.Method == "search" {
			reads[c.Model]++
		}
	}
	// A full page asks for the next one, and the database is checked for a restored backup (one read a model).
	if n := reads["hr.employee"]; n > people/500+3 {
		t.Errorf("hr.employee was read %d times for %d people", n, people)
	}
	if n := reads["hr.department"]; n > 3 {
		t.Errorf("hr.department was read %d times", n)
	}
}

// storeHash is a digest of the store's files.
func (w *world) storeHash() string {
	w.t.Helper()
	w.needsFile("its bytes are compared")
	h := sha256.New()
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(w.path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.t.Fatal(err)
		}
		fmt.Fprintf(h, "%d\n", len(raw))
		_, _ = h.Write(raw)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestPlanWritesNothing(t *testing.T) {
	c := company(t)
	c.standIn()
	c.reopen(presets(t, holdConflicts, deleteInDingTalk, budget("{creates: 1, updates: 1, clears: 1, removals: 1, percent: 1}"))...)
	c.sync()
	// Something of everything: new on both sides, an edit on each, a conflict, an archived one, one that left, clearing.
	c.employee("王五", number(1), map[string]any{"department_id": c.department("新部门", c.hq, 0)})
	c.ding.AddUser(dingtalktest.User{Name: "赵六", Mobile: number(2), Departments: []int64{c.ding.AddDepartment(dingtalktest.Department{Name: "新事业部"})}, Active: true})
	c.write("hr.employee", c.li, map[string]any{"job_title": "甲", "work_location": "北京", "work_email": false})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "乙"; u.Remark = "备注" }))
	c.write("hr.employee", c.zhang, map[string]any{"active": false})
	must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.Name = "研究院" }))
	must(t, c.ding.FlushEvents(c.ctx))
	before := c.storeHash()
	c.ding.ResetJournal()
	c.odoo.ResetJournal()
	text1, counts := c.plan()
	if counts.Creates < 4 || counts.Updates < 2 || counts.Removals != 1 || counts.Held == 0 || counts.Waiting == 0 {
		t.Errorf("the plan lacks something: %s\n%s", counts, text1)
	}
	again, _ := c.plan()
	want(t, "the plan, made twice", again, text1)
	for _, r := range c.ding.Journal() {
		if r.Write {
			t.Errorf("plan wrote to dingtalk: %s %s", r.Path, r.Body)
		}
	}
	want(t, "writes to odoo", c.odooWrites(), 0)
	want(t, "the store is as it was", c.storeHash(), before)
	// What was planned is what sync then does.
	c.sync()
	if strings.Contains(c.held(), "gave up") {
		t.Error(c.held())
	}
}

func TestPlanBeforeAnythingWasEverSynced(t *testing.T) {
	w := newWorld(t)
	w.standIn()
	hq := w.department("总部", 0, 0)
	rd := w.department("研发部", hq, 0)
	boss := w.employee("张三", mobileZhang, map[string]any{"department_id": hq})
	w.employee("李四", mobileLi, map[string]any{"department_id": rd, "parent_id": boss})
	before := w.storeHash()
	text1, counts := w.plan()
	want(t, "creations planned", counts.Creates, 4)
	want(t, "blocked", counts.Blocked, 0)
	if !strings.Contains(text1, bridge.ReasonNewOdoo) {
		t.Errorf("the plan says\n%s", text1)
	}
	want(t, "writes to dingtalk", w.ding.Writes(), 0)
	want(t, "writes to odoo", w.odooWrites(), 0)
	want(t, "the store is as it was", w.storeHash(), before)
}

func TestEventsDuplicatedReorderedAndLostThenASweep(t *testing.T) {
	c := company(t)
	var ids []int64
	for i := range 30 {
		ids = append(ids, c.employee(fmt.Sprintf("员工%03d", i), number(i), map[string]any{"department_id": c.rd}))
	}
	c.step()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate, k.Reorder, k.Lose, k.Seed = 0.5, 0.5, 0.4, 7 })
	for round := range 4 {
		for i := range 30 {
			u := c.user(number(i)).UserID
			must(t, c.ding.EditUser(u, func(u *dingtalktest.User) { u.Title = fmt.Sprintf("职级%d", round*100+i) }))
			if i%3 == 0 {
				c.write("hr.employee", ids[i], map[string]any{"work_location": fmt.Sprintf("%d号楼", round)})
			}
		}
		d := c.ding.AddDepartment(dingtalktest.Department{Name: fmt.Sprintf("新部门%d", round), ParentID: c.uHQ})
		c.ding.AddUser(dingtalktest.User{Name: fmt.Sprintf("新人%d", round), Mobile: number(1000 + round), Departments: []int64{d}, Active: true})
		if round%2 == 0 {
			must(t, c.ding.RemoveUser(c.user(number(20+round)).UserID))
			c.ding.AddUser(dingtalktest.User{Name: fmt.Sprintf("员工%03d", 20+round), Mobile: number(20 + round), Departments: []int64{c.uRD}, Active: true})
		}
		c.step()
	}
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate, k.Reorder, k.Lose = 0, 0, 0 })
	c.sync()
	c.sync()
	for i := range 30 {
		u, found := c.user(number(i)), c.peopleWith(number(i))
		if len(found) != 1 {
			t.Fatalf("people in odoo with %s: %v", number(i), found)
		}
		rec := c.employeeOf(found[0])
		want(t, "title of "+u.Name, text(rec, "job_title"), u.Title)
		want(t, "place of "+u.Name, text(rec, "work_location"), u.WorkPlace)
		want(t, u.Name+" active", text(rec, "active"), "true")
	}
	for round := range 4 {
		want(t, "newcomers", len(c.peopleWith(number(1000+round))), 1)
		want(t, "new departments", len(c.deptIDs(fmt.Sprintf("新部门%d", round))), 1)
	}
	want(t, "held", c.held(), "")
	c.quiet()
}
