package bridge_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// What the chaos harness found, as cases of their own.

func TestEnteredOnBothSidesBeforeAPollComesBy(t *testing.T) {
	c := company(t)
	id := c.employee("王五", "139 0000 0009", map[string]any{"job_title": "会计"})
	c.ding.AddUser(dingtalktest.User{Name: "王五", Mobile: "13900000009", Active: true})
	must(t, c.ding.FlushEvents(c.ctx))
	must(t, c.engine.Work(c.ctx, time.Second)) // the event alone: nobody has asked Odoo yet
	want(t, "people in odoo with the new number", len(c.peopleWith("13900000009")), 0)
	want(t, "title", c.user("13900000009").Title, "会计")
	c.write("hr.employee", id, map[string]any{"work_location": "北京"})
	c.step()
	want(t, "place", c.user("13900000009").WorkPlace, "北京")
	c.quiet()
}

func TestHistoryTellsTheConflictBesideAnotherEdit(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"work_email": "li.new@example.com", "job_title": "主管"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	want(t, "title", c.user(mobileLi).Title, "主管")
	if all := c.reasons("employees"); !strings.Contains(all, bridge.ReasonOdoo) || !strings.Contains(all, "conflict on title: odoo wins") {
		t.Errorf("the history tells\n%s", all)
	}
}

func TestWhoMovesCeasesToManageTheDepartment(t *testing.T) {
	c := company(t)
	c.write("hr.department", c.rd, map[string]any{"manager_id": c.li})
	c.step()
	want(t, "manager in dingtalk", strings.Join(c.unit("研发部").Managers, " "), c.uLi)
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Departments, u.MainDepartment = []int64{id64(t, "1")}, 1 }))
	c.step()
	c.step()
	want(t, "manager in dingtalk", strings.Join(c.unit("研发部").Managers, " "), "")
	want(t, "manager in odoo", text(c.people.Get("hr.department", c.rd), "manager_id"), "")
	c.quiet()
}

func TestManagerChangedWhileNoEventCouldCome(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Lose = 1 })
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.ManagerUserID = "" }))
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.ManagerUserID = c.uLi }))
	must(t, c.ding.FlushEvents(c.ctx))
	c.ding.Set(func(k *dingtalktest.Knobs) { k.Lose = 0 })
	c.reopen() // a start does not know what happened before it
	ctx, stop := context.WithCancel(c.ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.engine.Run(ctx) }()
	c.eventually(func() bool { return text(c.employeeOf(c.zhang), "parent_id") == strconv.FormatInt(c.li, 10) })
	stop()
	must(t, <-ended)
	c.quiet()
}

func TestWriteWhoseAnswerWasLostIsInTheHistory(t *testing.T) {
	c := company(t)
	c.ding.Fail(dingtalktest.Path(userUpdate), 1, dingtalktest.DropAfter)
	c.write("hr.employee", c.li, map[string]any{"job_title": "主管"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	c.step()
	want(t, "title", c.user(mobileLi).Title, "主管")
	if all := c.reasons("employees"); !strings.Contains(all, "conflict on title: odoo wins; no answer came") {
		t.Errorf("the history tells\n%s", all)
	}
}

// reasons are those of the mapping's latest history rows, one a line.
func (w *world) reasons(name string) string {
	w.t.Helper()
	var reasons []string
	must(w.t, w.store.View(w.ctx, func(tx bridge.Tx) error {
		rows, err := tx.History(name, 0, 8)
		for _, r := range rows {
			reasons = append(reasons, r.Reason)
		}
		return err
	}))
	return strings.Join(reasons, "\n")
}

// eventually waits until the condition holds.
func (w *world) eventually(holds func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatal("it did not happen")
		}
	}
}

func TestOurOwnWriteIsNoEditWhenItsAnswerWasLost(t *testing.T) {
	c := company(t)
	c.standIn()
	write := func(call odootest.Call) bool { return call.Model == "hr.employee" && call.Method == "write" }
	once := sync.OnceFunc(func() {
		must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "乙" }))
	})
	c.odoo.OnCall(func(call odootest.Call) {
		if write(call) {
			once()
		}
	})
	c.odoo.Fail(write, 1, odootest.DropAfter)
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "甲" }))
	c.step()
	c.odoo.OnCall(nil)
	want(t, "title in dingtalk", c.user(mobileLi).Title, "乙")
	want(t, "title in odoo", text(c.employeeOf(c.li), "job_title"), "乙")
	c.quiet()
}

func TestRemovedByUsAndStillShown(t *testing.T) {
	c := company(t)
	c.reopen(presets(t, deleteInDingTalk)...)
	c.sync()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 40 * time.Millisecond })
	c.write("hr.employee", c.li, map[string]any{"active": false})
	c.step()
	must(t, c.engine.Touch(c.ctx, bridge.RecordKey("employees", mapping.Odoo, bridge.ID(strconv.FormatInt(c.li, 10)))))
	c.step()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 0 })
	c.step()
	want(t, "李四 in odoo", text(c.employeeOf(c.li), "active"), "")
	want(t, "people in dingtalk", len(c.ding.Users()), 1)
	if all := c.reasons("employees"); strings.Contains(all, "re-hired") {
		t.Errorf("the history tells\n%s", all)
	}
	c.quiet()
}
