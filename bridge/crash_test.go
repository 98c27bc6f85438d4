package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo"
	"dingbridge/odoo/odootest"
)

// childEnv tells the test binary to be the bridge of another process, which kills it.
const childEnv = "DINGBRIDGE_TEST_CHILD"

// child is what the child process needs to be that bridge.
type child struct{ store, odooURL, db, login, password, ding, appKey, appSecret, corp, mode string }

func (c child) env() string {
	return strings.Join([]string{c.store, c.odooURL, c.db, c.login, c.password, c.ding, c.appKey, c.appSecret, c.corp, c.mode}, "\n")
}

// TestCrashChild is no test of its own: it is the process that the tests below start and kill.
func TestCrashChild(t *testing.T) {
	v := strings.Split(os.Getenv(childEnv), "\n")
	if len(v) != 10 {
		t.Skip("only in a process that another test starts")
	}
	c := child{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]}
	st, err := store.Open(c.store)
	must(t, err)
	t.Cleanup(func() { _ = st.Close() }) // the process ends
	oc, err := odoo.New(odoo.Config{URL: c.odooURL, Database: c.db, Login: c.login, Password: c.password, RetryWait: time.Millisecond, Timeout: 30 * time.Second})
	must(t, err)
	dc, err := dingtalk.New(dingtalk.Config{OAPI: c.ding, API: c.ding, Login: c.ding, AppKey: c.appKey, AppSecret: c.appSecret, CorpID: c.corp, QPS: -1, Timeout: 5 * time.Second, RetryWait: time.Millisecond})
	must(t, err)
	t.Cleanup(dc.Close)
	set, complaints := mapping.Load(presets(t), bridge.Schema(liveFields(&world{t: t, ctx: t.Context()}, oc), true))
	if set == nil {
		t.Fatal(complaints)
	}
	e, err := bridge.New(bridge.Options{
		Store: st, Odoo: oc, DingTalk: dc, Mappings: set,
		Identity: bridge.Identity{OdooURL: c.odooURL, Database: c.db, Corp: c.corp},
		Poll:     50 * time.Millisecond, StaleWindow: 50 * time.Millisecond, SettleOdoo: 100 * time.Millisecond, SettleDing: 100 * time.Millisecond,
		RetryBase: 20 * time.Millisecond, RetryMax: 200 * time.Millisecond, HaltBase: 20 * time.Millisecond, HaltMax: 100 * time.Millisecond,
	})
	must(t, err)
	if c.mode == "run" {
		must(t, e.Run(t.Context())) // until it is killed
		return
	}
	must(t, e.SyncOnce(t.Context(), nil, 3*time.Second, nil))
}

// spawn starts a child on the world's store. kill ends it as a power cut would; wait returns how it ended.
func (w *world) spawn(mode string) (kill func(), wait func() error) {
	w.t.Helper()
	c := child{w.path, w.odooURL, w.db, w.login, w.password, w.ding.URL(), w.ding.AppKey(), w.ding.AppSecret(), w.ding.CorpID(), mode}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$", "-test.count=1", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childEnv+"="+c.env())
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	must(w.t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var once sync.Once
	var end error
	wait = func() error {
		once.Do(func() { end = <-done })
		if end != nil && !killed(end) {
			w.t.Logf("the child said:\n%s", out.String())
		}
		return end
	}
	kill = func() { _ = cmd.Process.Kill() } // SIGKILL; an error means that it has ended already
	w.t.Cleanup(func() { kill(); _ = wait() })
	return kill, wait
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// killer kills a process when it has counted so far.
type killer struct {
	mu    sync.Mutex
	n, at int
	kill  func()
}

func (k *killer) count() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	k.strike()
}

func (k *killer) arm(at int, kill func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.kill = at, kill
	k.strike()
}

func (k *killer) strike() {
	if k.kill != nil && k.n >= k.at {
		k.kill()
		k.kill = nil
	}
}

// killAt runs children one after the other, kills each when its point is reached, then runs one more until it is done.
func (w *world) killAt(k *killer, points ...int) {
	w.t.Helper()
	for _, at := range points {
		kill, wait := w.spawn("sync")
		k.arm(at, kill)
		if err := wait(); !killed(err) {
			w.t.Fatalf("the child was to be killed at %d but ended by itself: %v", at, err)
		}
	}
	_, wait := w.spawn("sync")
	if err := wait(); err != nil {
		w.t.Fatalf("the last child: %v", err)
	}
}

func TestKilledDuringTheFirstSyncToDingTalk(t *testing.T) {
	w := newWorld(t)
	w.standIn()
	people, depts := crowd(2000), 40
	var ids []int64
	for i := range depts {
		var parent int64
		if i >= 4 {
			parent = ids[i%4]
		}
		ids = append(ids, w.department(fmt.Sprintf("部门%02d", i), parent, 0))
	}
	var boss int64
	for i := range people {
		vals := map[string]any{"department_id": ids[i%depts]}
		if i%10 != 0 {
			vals["parent_id"] = boss
		}
		id := w.employee(fmt.Sprintf("员工%04d", i), number(i), vals)
		if i%10 == 0 {
			boss = id
		}
	}
	must(t, w.store.Close())
	k := &killer{}
	w.ding.OnRequest(func(r dingtalktest.Request) {
		if strings.HasSuffix(r.Path, "/create") {
			k.count()
		}
	})
	w.killAt(k, 7, depts, depts+30, depts+people/2, depts+people*9/10)
	w.ding.OnRequest(nil)
	users := w.ding.Users()
	want(t, "people in dingtalk", len(users), people)
	want(t, "departments in dingtalk", len(w.ding.Departments()), depts+1)
	want(t, "twice in dingtalk", fmt.Sprint(w.ding.Duplicates()), "map[]")
	want(t, "people in odoo", len(w.people.Search("hr.employee", []any{[]any{"mobile_phone", "!=", false}})), people)
	applied := map[string]int{}
	for _, r := range w.ding.Journal() {
		if r.Path == userCreate && r.Applied && r.Code == "0" {
			applied[fmt.Sprint(r.Params()["mobile"])]++
		}
	}
	want(t, "people made", len(applied), people)
	for mobile, n := range applied {
		if n != 1 {
			t.Errorf("%s was made %d times", mobile, n)
		}
	}
	byID := map[string]string{}
	for _, u := range users {
		byID[u.Mobile] = u.UserID
	}
	for i, u := range users {
		if u.ManagerUserID == "" && u.Mobile[len(u.Mobile)-1] != '0' {
			t.Fatalf("%d: %s has no manager", i, u.Mobile)
		}
	}
	w.open()
	w.quiet()
}

func TestKilledDuringTheFirstSyncToOdoo(t *testing.T) {
	w := newWorld(t)
	w.standIn()
	people, depts := crowd(2000), 40
	var ids []int64
	for i := range depts {
		parent := int64(1)
		if i >= 4 {
			parent = ids[i%4]
		}
		ids = append(ids, w.ding.AddDepartment(dingtalktest.Department{Name: fmt.Sprintf("部门%02d", i), ParentID: parent}))
	}
	boss := ""
	for i := range people {
		u := dingtalktest.User{Name: fmt.Sprintf("员工%04d", i), Mobile: number(i), Departments: []int64{ids[i%depts]}, Active: true}
		if i%10 != 0 {
			u.ManagerUserID = boss
		}
		id := w.ding.AddUser(u)
		if i%10 == 0 {
			boss = id
		}
	}
	must(t, w.store.Close())
	k := &killer{}
	w.odoo.OnCall(func(c odootest.Call) {
		if c.Method == "load" {
			k.count()
		}
	})
	w.ding.ResetJournal()
	if testing.Short() {
		w.killAt(k, 1, 2, 3)
	} else {
		w.killAt(k, 1, 2, 4, 12, 20)
	}
	w.odoo.OnCall(nil)
	want(t, "writes to dingtalk", w.ding.Writes(), 0)
	want(t, "departments in odoo", len(w.people.Search("hr.department", []any{[]any{"name", "like", "部门"}})), depts)
	found := w.people.Search("hr.employee", []any{[]any{"mobile_phone", "!=", false}})
	want(t, "people in odoo", len(found), people)
	once := map[string]int{}
	for _, id := range found {
		rec := w.employeeOf(id)
		once[text(rec, "mobile_phone")]++
		if mobile := text(rec, "mobile_phone"); text(rec, "parent_id") == "" && mobile[len(mobile)-1] != '0' {
			t.Errorf("%s has no manager in odoo", mobile)
		}
		if text(rec, "department_id") == "" {
			t.Errorf("%s has no department in odoo", text(rec, "mobile_phone"))
		}
	}
	want(t, "different mobiles in odoo", len(once), people)
	want(t, "people in dingtalk", len(w.ding.Users()), people)
	w.open()
	w.quiet()
}

func TestKilledWhileRunning(t *testing.T) {
	w := newWorld(t) // nobody listens to Stream here: the daemon is another process
	w.standIn()
	c := &one{world: w}
	c.rd = c.department("研发部", 0, 0)
	c.li = c.employee("李四", mobileLi, map[string]any{"department_id": c.rd, "job_title": "工程师"})
	c.employee("张三", mobileZhang, map[string]any{"department_id": c.rd})
	c.sync()
	c.uLi = c.user(mobileLi).UserID
	must(t, c.store.Close())
	k := &killer{}
	c.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Path == userUpdate || r.Path == userCreate {
			k.count()
		}
	})
	// A daemon is killed in the middle of each edit; nobody tells the next one what was under way.
	for i := range 4 {
		kill, wait := c.spawn("run")
		k.arm(i+1, kill)
		c.write("hr.employee", c.li, map[string]any{"job_title": fmt.Sprintf("第%d次", i)})
		if i%2 == 0 {
			c.employee(fmt.Sprintf("新人%d", i), number(i), map[string]any{"department_id": c.rd, "parent_id": c.li})
		}
		if err := wait(); !killed(err) {
			t.Fatalf("the daemon ended by itself: %v", err)
		}
		k.mu.Lock()
		k.n = i + 1
		k.mu.Unlock()
	}
	c.ding.OnRequest(nil)
	c.open()
	c.sync()
	want(t, "李四's title", c.user(mobileLi).Title, "第3次")
	want(t, "people in dingtalk", len(c.ding.Users()), 4)
	for i := 0; i < 4; i += 2 {
		want(t, "people in odoo", len(c.peopleWith(number(i))), 1)
		want(t, "manager", c.user(number(i)).ManagerUserID, c.uLi)
	}
	c.quiet()
}

func TestRestartWithPendingWorkAndEventsNotHandled(t *testing.T) {
	c := company(t)
	// Events are stored and acknowledged, then the process ends before it has looked at them.
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
	must(t, c.ding.RemoveUser(c.uZhang))
	must(t, c.ding.FlushEvents(c.ctx))
	want(t, "events in the inbox", c.status().Inbox > 0, true)
	// Work that was touched but not done.
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	c.ding.Fail(func(r dingtalktest.Request) bool { return r.Path == "/topapi/v2/user/get" }, -1, dingtalktest.Status(502))
	ctx, cancel := context.WithTimeout(c.ctx, 300*time.Millisecond)
	_ = c.engine.Step(ctx, 100*time.Millisecond) // cannot look at DingTalk: nothing settles
	cancel()
	c.ding.ClearFailures()
	c.reopen()
	want(t, "李四's title before", text(c.employeeOf(c.li), "job_title"), "工程师")
	must(t, c.engine.Step(c.ctx, 2*time.Second)) // no sweep: the inbox and the work table are enough
	want(t, "李四's title", text(c.employeeOf(c.li), "job_title"), "组长")
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "北京")
	want(t, "张三 in odoo", text(c.employeeOf(c.zhang), "active"), "")
	c.step() // the echo of our own write
	want(t, "events in the inbox", c.status().Inbox, 0)
	c.sync()
	c.quiet()
}
