package bridge_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo"
	"dingbridge/odoo/odootest"
)

func TestStaleReadsAreNoChanges(t *testing.T) {
	c := company(t)
	c.options = func(o *bridge.Options) { o.StaleWindow = 600 * time.Millisecond }
	c.reopen()
	c.sync()
	c.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 250 * time.Millisecond })
	var seen []string
	var mu sync.Mutex
	c.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Path == userUpdate {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(r.Params()["title"]))
		}
	})
	c.write("hr.employee", c.li, map[string]any{"job_title": "架构师"})
	c.step()
	c.sync()
	c.ding.OnRequest(nil)
	want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "架构师")
	want(t, "李四's title in dingtalk", c.user(mobileLi).Title, "架构师")
	mu.Lock()
	want(t, "updates of the title", strings.Join(seen, " "), "架构师")
	mu.Unlock()
	// Somebody edits in DingTalk right after our write: that is no stale answer and comes to Odoo.
	c.write("hr.employee", c.li, map[string]any{"job_title": "经理"})
	must(t, c.engine.Step(c.ctx, 50*time.Millisecond))
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "总监" }))
	c.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 0 })
	c.step()
	c.step()
	want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "总监")
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestWhatDoesNotStickIsHeld(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) { k.ClearByEmptyString = false })
	c.write("hr.employee", c.li, map[string]any{"job_title": false, "work_location": "北京"})
	for range 3 {
		c.step()
	}
	want(t, "title in odoo", text(c.employeeOf(c.li), "job_title"), "")
	want(t, "title in dingtalk", c.user(mobileLi).Title, "工程师")
	want(t, "place in dingtalk", c.user(mobileLi).WorkPlace, "北京")
	c.wantHeld(bridge.ReasonNotStuck)
	// Not written again, neither by a sweep nor after a restart, until one of the sides changes.
	updates := c.ding.Calls(userUpdate)
	c.sync()
	c.reopen()
	c.sync()
	want(t, "updates", c.ding.Calls(userUpdate)-updates, 0)
	c.wantHeld(bridge.ReasonNotStuck)
	want(t, "title in odoo", text(c.employeeOf(c.li), "job_title"), "")
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "" })) // a person clears it in the console
	c.sync()
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestInvitationThatIsAccepted(t *testing.T) {
	c := company(t)
	c.ding.Set(func(k *dingtalktest.Knobs) {
		k.ProtectedMobiles = map[string]bool{"13800000003": true, "13800000004": true}
	})
	wang := c.employee("王五", "13800000003", map[string]any{"department_id": c.rd, "job_title": "会计"})
	c.employee("不来", "13800000004", map[string]any{"department_id": c.rd})
	sub := c.employee("下属", "13800000005", map[string]any{"department_id": c.rd, "parent_id": wang})
	c.step()
	want(t, "invited", len(c.ding.Pending()), 2)
	want(t, "creations", c.ding.Calls(userCreate), 2+3)
	want(t, "下属 is there without his manager", c.user("13800000005").ManagerUserID, "")
	st := c.status()
	want(t, "pending links", st.Mappings[1].Links[bridge.Pending], 2)
	// Nobody is invited twice, whatever happens meanwhile.
	c.write("hr.employee", wang, map[string]any{"job_title": "总会计"})
	c.step()
	c.sync()
	c.reopen()
	c.sync()
	want(t, "creations", c.ding.Calls(userCreate), 2+3)
	invited := ""
	for _, u := range c.ding.Pending() {
		if u.Mobile == "13800000003" {
			invited = u.UserID
		}
	}
	must(t, c.ding.AcceptInvitation(invited))
	c.step()
	c.step()
	want(t, "王五's title", c.user("13800000003").Title, "总会计")
	want(t, "people in odoo with his mobile", len(c.peopleWith("13800000003")), 1)
	want(t, "下属's manager", c.user("13800000005").ManagerUserID, invited)
	want(t, "下属's manager in odoo", text(c.employeeOf(sub), "parent_id"), same(wang))
	st = c.status()
	want(t, "pending links", st.Mappings[1].Links[bridge.Pending], 1)
	want(t, "creations", c.ding.Calls(userCreate), 2+3)
	c.quiet()
}

func TestThrottlingLosesNothing(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.employee(fmt.Sprintf("员工%03d", i), number(i), nil)
	}
	w.ding.Set(func(k *dingtalktest.Knobs) { k.QPS = 25 })
	must(t, w.engine.SyncOnce(w.ctx, nil, 20*time.Second, nil))
	if w.ding.RejectedCount() == 0 {
		t.Error("nothing was throttled: the test proves nothing")
	}
	w.ding.Set(func(k *dingtalktest.Knobs) { k.QPS = 0 })
	want(t, "people in dingtalk", len(w.ding.Users()), 40)
	want(t, "held", w.held(), "")
	w.sync()
	w.quiet()
}

func TestTokenExpiresInTheMiddle(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		w.employee(fmt.Sprintf("员工%03d", i), number(i), nil)
	}
	var n atomic.Int64
	w.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Path == userCreate && n.Add(1) == 30 {
			w.ding.ExpireTokens()
		}
	})
	w.sync()
	w.ding.OnRequest(nil)
	want(t, "people in dingtalk", len(w.ding.Users()), 60)
	want(t, "held", w.held(), "")
	w.quiet()
}

func TestDingTalkFaultsLoseNothing(t *testing.T) {
	for _, f := range []struct {
		name string
		how  dingtalktest.Failure
	}{
		{"502 of a proxy", dingtalktest.Status(502)},
		{"500", dingtalktest.Status(500)},
		{"throttled", dingtalktest.Throttled},
		{"cut before", dingtalktest.DropBefore},
		{"cut after", dingtalktest.DropAfter},
		{"system busy", dingtalktest.ErrCode(-1, "系统繁忙")},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := company(t)
			c.ding.Fail(dingtalktest.AnyWrite, 6, f.how)
			dept := c.department("新部门", c.hq, 0)
			for i := range 5 {
				c.employee(fmt.Sprintf("新人%d", i), number(i), map[string]any{"department_id": dept, "parent_id": c.li})
			}
			c.write("hr.employee", c.li, map[string]any{"job_title": "组长"})
			c.write("hr.department", c.rd, map[string]any{"name": "研究院"})
			c.untilCalm()
			c.ding.ClearFailures()
			c.untilCalm()
			want(t, "people in dingtalk", len(c.ding.Users()), 7)
			want(t, "李四's title", c.user(mobileLi).Title, "组长")
			want(t, "研究院", c.unit("研究院").ID, c.uRD)
			for i := range 5 {
				want(t, "department", c.user(number(i)).Departments[0], c.unit("新部门").ID)
				want(t, "manager", c.user(number(i)).ManagerUserID, c.uLi)
				want(t, "people in odoo", len(c.peopleWith(number(i))), 1)
			}
			want(t, "held", c.held(), "")
			c.quiet()
		})
	}
}

func TestBarredAddressPausesAndGoesOn(t *testing.T) {
	c := company(t)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	url := c.ding.URL()
	client, err := dingtalk.New(dingtalk.Config{
		OAPI: url, API: url, Login: url, AppKey: c.ding.AppKey(), AppSecret: c.ding.AppSecret(),
		CorpID: c.ding.CorpID(), QPS: -1, Timeout: 5 * time.Second, RetryWait: time.Millisecond, Now: clock,
	})
	must(t, err)
	t.Cleanup(client.Close)
	c.client, c.options = client, func(o *bridge.Options) { o.Now = clock }
	c.reopen()
	c.sync()
	c.ding.Fail(dingtalktest.AnyWrite, 1, dingtalktest.BanPage)
	c.write("hr.employee", c.li, map[string]any{"job_title": "组长"})
	var halt *bridge.Failure
	if err := c.engine.Step(c.ctx, time.Second); !errors.As(err, &halt) || halt.Scope != "ip" {
		t.Fatalf("the ban was taken for %v", err)
	}
	halted := c.engine.Halted()
	if len(halted) != 1 || halted[0].Scope != "ip" {
		t.Errorf("halted: %+v", halted)
	}
	// While it lasts DingTalk is left alone: every call prolongs a ban.
	c.ding.ResetJournal()
	_ = c.engine.Step(c.ctx, 50*time.Millisecond)
	want(t, "calls during the ban", len(c.ding.Journal()), 0)
	ahead.Store(int64(6 * time.Minute))
	must(t, c.engine.Step(c.ctx, time.Second))
	want(t, "李四's title", c.user(mobileLi).Title, "组长")
	want(t, "halted", len(c.engine.Halted()), 0)
	want(t, "held", c.held(), "")
	c.quiet()
}

// untilCalm steps on through halts until nothing is due any more.
func (w *world) untilCalm() {
	w.t.Helper()
	for range 200 {
		err := w.engine.Step(w.ctx, 2*time.Second)
		if err == nil {
			return
		}
		var halt *bridge.Failure
		var far *odoo.Error
		if !errors.As(err, &halt) && !errors.As(err, &far) {
			w.t.Fatalf("a step failed: %v", err)
		}
	}
	w.t.Fatal("never calm")
}

func TestOdooFaultsLoseNothing(t *testing.T) {
	for _, f := range []struct {
		name string
		how  odootest.Failure
	}{
		{"serialization failure", odootest.SerializationFailure},
		{"502 of a proxy", odootest.HTTP502},
		{"pool full", odootest.PoolFull},
		{"database down", odootest.DatabaseDown},
		{"cut before", odootest.DropBefore},
		{"cut after", odootest.DropAfter},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := company(t)
			c.standIn()
			c.odoo.Fail(isOdooWrite, 4, f.how)
			d := c.ding.AddDepartment(dingtalktest.Department{Name: "新部门", ParentID: c.uRD})
			for i := range 5 {
				c.ding.AddUser(dingtalktest.User{Name: fmt.Sprintf("新人%d", i), Mobile: number(i), Departments: []int64{d}, ManagerUserID: c.uLi, Active: true})
			}
			must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.Title = "组长" }))
			must(t, c.ding.EditDepartment(c.uRD, func(d *dingtalktest.Department) { d.Name = "研究院" }))
			must(t, c.ding.FlushEvents(c.ctx))
			c.untilCalm()
			c.odoo.Heal()
			c.untilCalm()
			want(t, "研究院 in odoo", text(c.dept(c.rd), "name"), "研究院")
			want(t, "李四's title in odoo", text(c.employeeOf(c.li), "job_title"), "组长")
			want(t, "新部门 in odoo", len(c.deptIDs("新部门")), 1)
			for i := range 5 {
				ids := c.peopleWith(number(i))
				if len(ids) != 1 {
					t.Fatalf("people in odoo with %s: %v; held:\n%s", number(i), ids, c.held())
				}
				want(t, "manager in odoo", text(c.employeeOf(ids[0]), "parent_id"), same(c.li))
			}
			want(t, "held", c.held(), "")
			c.quiet()
		})
	}
}

// A kind whose objects have no key among their fields: a refusal without a field is no sign that the key is taken.
func TestARefusedStartIsSentOnce(t *testing.T) {
	o := newOffice(t)
	starts := func(r dingtalktest.Request) bool {
		return r.Method == http.MethodPost && r.Path == "/v1.0/workflow/processInstances"
	}
	o.ding.Fail(starts, -1, dingtalktest.V1Err(http.StatusBadRequest, "paramError", "the flow refuses it"))
	o.ding.ResetJournal()
	o.leave(2)
	o.step()
	want(t, "starts", o.ding.Calls("/v1.0/workflow/processInstances"), 1)
	o.wantHeld("the flow refuses it")
}
