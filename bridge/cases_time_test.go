package bridge_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// standIn skips a case that needs the Odoo stand-in's knobs when the tests run against a real Odoo.
func (w *world) standIn() {
	w.t.Helper()
	if w.odoo == nil {
		w.t.Skip("needs the stand-in's knobs; a real Odoo was named")
	}
}

func TestPersonEditsBetweenOurReadAndOurWrite(t *testing.T) {
	c := company(t)
	c.standIn()
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	c.step()
	c.later(2 * time.Second) // the optimistic lock cannot see two edits within one second
	var once sync.Once
	c.odoo.OnCall(func(call odootest.Call) {
		if call.Model == "hr.employee" && call.Method == "write" {
			once.Do(func() { _ = c.odoo.Write("hr.employee", c.li, map[string]any{"job_title": "首席"}) })
		}
	})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长"; u.WorkPlace = "上海" }))
	c.step()
	c.step()
	want(t, "title in Odoo", text(c.employeeOf(c.li), "job_title"), "首席") // odoo wins the conflict; nobody's edit was run over unseen
	want(t, "title in DingTalk", c.user(mobileLi).Title, "首席")
	want(t, "place in Odoo", text(c.employeeOf(c.li), "work_location"), "上海")
	c.settled()
}

func TestTwoEditsInOneSecond(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"job_title": "一"})
	must(t, c.engine.Step(c.ctx, time.Second))
	c.write("hr.employee", c.li, map[string]any{"job_title": "二"})
	c.step()
	want(t, "title in DingTalk", c.user(mobileLi).Title, "二")
	c.settled()
}

func TestLateCommitWithAnOlderWriteDate(t *testing.T) {
	c := company(t)
	c.standIn()
	c.later(2 * time.Second) // in another second than anything handled before
	tx := c.odoo.Begin()
	must(t, tx.Write("hr.employee", c.li, map[string]any{"job_title": "迟到"}))
	c.later(2 * time.Second)
	c.write("hr.employee", c.zhang, map[string]any{"job_title": "董事长"})
	c.step()
	want(t, "张三's title", c.user(mobileZhang).Title, "董事长")
	want(t, "李四's title before the commit", c.user(mobileLi).Title, "工程师")
	must(t, tx.Commit())
	c.step()
	want(t, "李四's title", c.user(mobileLi).Title, "迟到")
	c.settled()
}

func TestTwoTransactionsOfOneSecondThatCommitSecondsApart(t *testing.T) {
	c := company(t)
	c.standIn()
	first, second := c.odoo.Begin(), c.odoo.Begin()
	must(t, first.Write("hr.employee", c.zhang, map[string]any{"job_title": "甲"}))
	must(t, second.Write("hr.employee", c.li, map[string]any{"job_title": "乙"}))
	must(t, first.Commit())
	c.step()
	must(t, second.Commit())
	c.step()
	// If the late one shows a second that was handled already, the second look brings it.
	c.later(3 * time.Second)
	c.write("hr.department", c.rd, map[string]any{"note": "later"})
	c.write("hr.employee", c.zhang, map[string]any{"work_location": "later"})
	c.step()
	want(t, "张三's title", c.user(mobileZhang).Title, "甲")
	want(t, "李四's title", c.user(mobileLi).Title, "乙")
	c.settled()
}

func TestEventArrivesBeforeTheLinkIsSaved(t *testing.T) {
	c := company(t)
	// DingTalk pushes user_add_org of our own creation while the creation is still being answered.
	c.ding.OnRequest(func(r dingtalktest.Request) {
		if strings.HasSuffix(r.Path, "/user/get") {
			_ = c.ding.FlushEvents(c.ctx)
		}
	})
	c.employee("王五", "13800000003", map[string]any{"department_id": c.rd})
	c.step()
	c.ding.OnRequest(nil)
	c.step()
	want(t, "people with the mobile in Odoo", len(c.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", "13800000003"}})), 1)
	want(t, "duplicates in DingTalk", len(c.ding.Duplicates()), 0)
	c.settled()
}

func TestCreatedInDingTalkButTheAnswerWasLost(t *testing.T) {
	c := company(t)
	c.ding.Fail(func(r dingtalktest.Request) bool {
		return strings.HasSuffix(r.Path, "/user/create") || strings.HasSuffix(r.Path, "/department/create")
	}, 2, dingtalktest.DropAfter)
	dept := c.department("新部门", c.hq, 0)
	c.employee("王五", "13800000003", map[string]any{"department_id": dept})
	for range 5 {
		c.step()
	}
	want(t, "王五's department", c.user("13800000003").Departments[0], c.unit("新部门").ID)
	want(t, "duplicates", len(c.ding.Duplicates()), 0)
	want(t, "people in Odoo", len(c.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", "13800000003"}})), 1)
	c.settled()
}

func TestCreatedInOdooButTheAnswerWasLost(t *testing.T) {
	c := company(t)
	c.standIn()
	c.odoo.Fail(func(call odootest.Call) bool { return call.Method == "load" }, 2, odootest.DropAfter)
	d := c.ding.AddDepartment(dingtalktest.Department{Name: "新部门", ParentID: c.uRD})
	c.ding.AddUser(dingtalktest.User{Name: "王五", Mobile: "13800000003", Departments: []int64{d}, Active: true})
	for range 5 {
		c.step()
	}
	want(t, "people in Odoo", len(c.people.Search("hr.employee", []any{[]any{"mobile_phone", "=", "13800000003"}})), 1)
	want(t, "departments in Odoo", len(c.people.Search("hr.department", []any{[]any{"name", "=", "新部门"}})), 1)
	want(t, "duplicates", len(c.ding.Duplicates()), 0)
	c.settled()
}

func TestBridgeUserLosesHalfTheCompany(t *testing.T) {
	c := company(t)
	c.standIn()
	c.odoo.Rule("hr.employee", "bridge", []any{[]any{"department_id", "=", c.hq}})
	c.sync()
	if _, there := c.ding.User(c.uLi); !there {
		t.Fatal("李四 was removed because the bridge may not see him")
	}
	_, counts := c.plan()
	want(t, "writes planned", counts.Writes(), 0)
	c.odoo.Rule("hr.employee", "bridge", nil)
	c.write("hr.employee", c.li, map[string]any{"job_title": "回来"})
	c.sync()
	want(t, "李四's title", c.user(mobileLi).Title, "回来")
	c.settled()
}

func TestOdooDatabaseReplacedByACopy(t *testing.T) {
	c := company(t)
	c.standIn()
	must(t, c.store.Close())
	copied := odootest.New()
	copied.Restore(c.odoo.Snapshot())
	url, err := copied.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(copied.Close)
	c.odooURL = url
	c.open()
	err = c.engine.SyncOnce(c.ctx, nil, time.Second, nil)
	if err == nil || !strings.Contains(err.Error(), "looks like a copy") {
		t.Fatalf("a copy was accepted: %v", err)
	}
	must(t, bridge.ConfirmDatabase(c.ctx, c.store))
	c.sync()
}

func TestOdooRestoredFromABackupThatReusesIDs(t *testing.T) {
	c := company(t)
	c.standIn()
	backup := c.odoo.Snapshot()
	c.later(2 * time.Second)
	c.employee("王五", "13800000003", map[string]any{"department_id": c.rd})
	c.write("hr.employee", c.li, map[string]any{"job_title": "之后"})
	c.step()
	c.odoo.Restore(backup)
	c.later(2 * time.Second)
	c.employee("冒名者", "13800000004", map[string]any{"department_id": c.rd}) // takes 王五's id
	writes := c.ding.Writes()
	err := c.engine.SyncOnce(c.ctx, nil, time.Second, nil)
	if err == nil || !strings.Contains(err.Error(), "backup was restored") {
		t.Fatalf("a restored backup was accepted: %v", err)
	}
	want(t, "writes to DingTalk", c.ding.Writes(), writes)
	must(t, bridge.ConfirmDatabase(c.ctx, c.store))
	c.sync()
	want(t, "冒名者's name in DingTalk", c.user("13800000004").Name, "冒名者")
	want(t, "王五 in DingTalk", c.user("13800000003").Name, "王五")
}

func TestContactScopeIsNarrowed(t *testing.T) {
	c := company(t)
	c.ding.Scope(c.uRD)
	c.sync()
	c.sync()
	want(t, "张三 in Odoo", text(c.employeeOf(c.zhang), "active"), "true")
	c.ding.Scope(1)
	c.sync()
	want(t, "张三 in Odoo", text(c.employeeOf(c.zhang), "active"), "true")
	c.settled()
}
