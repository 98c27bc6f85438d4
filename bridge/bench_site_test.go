package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo"
	"dingbridge/odoo/odootest"
	"dingbridge/odoo/stock"
)

// site is both stand-ins for a benchmark, with a count of what is asked of them. The bridge that works between them runs in this
// process (engine) or in one of its own (daemon).
type site struct {
	odoo             *odootest.Server
	ding             *dingtalktest.Server
	odooURL, dingURL string
	skew             atomic.Int64 // of Odoo's clock: what is populated long ago is no news to a poll

	mu        sync.Mutex
	odooCalls map[string]int // "model method"
	dingCalls map[string]int // path
	onOdoo    func(odootest.Call)
	onDing    func(dingtalktest.Request)
}

const (
	benchLogin    = "bridge"
	benchPassword = "secret-of-the-bridge"
	benchDatabase = "o12"
)

func newSite(tb testing.TB) *site {
	tb.Helper()
	s := &site{ding: dingtalktest.New()}
	s.odoo = odootest.New(odootest.WithoutHR(), odootest.WithJournal(1), odootest.WithClock(func() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }))
	var err error
	s.odooURL, err = s.odoo.Start("127.0.0.1:0")
	check(tb, err)
	tb.Cleanup(s.odoo.Close)
	s.dingURL, err = s.ding.Start("127.0.0.1:0")
	check(tb, err)
	tb.Cleanup(s.ding.Close)
	s.ding.Set(func(k *dingtalktest.Knobs) { k.CreatedActive = true })
	s.odoo.AddUser(benchLogin, benchPassword, "base.group_user", "hr.group_hr_user", "base.group_partner_manager")
	check(tb, s.odoo.Err())
	s.reset()
	s.odoo.OnCall(func(c odootest.Call) {
		s.mu.Lock()
		s.odooCalls[strings.TrimSpace(c.Model+" "+c.Method)]++
		hook := s.onOdoo
		s.mu.Unlock()
		if hook != nil {
			hook(c)
		}
	})
	s.ding.OnRequest(func(r dingtalktest.Request) {
		s.mu.Lock()
		s.dingCalls[r.Path]++
		hook := s.onDing
		s.mu.Unlock()
		if hook != nil {
			hook(r)
		}
	})
	return s
}

// watch sets what sees every call from now on.
func (s *site) watch(onOdoo func(odootest.Call), onDing func(dingtalktest.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onOdoo, s.onDing = onOdoo, onDing
}

// reset forgets the counted calls and the stand-in's journal.
func (s *site) reset() {
	s.mu.Lock()
	s.odooCalls, s.dingCalls = map[string]int{}, map[string]int{}
	s.mu.Unlock()
	s.ding.ResetJournal()
}

// asked returns how often each call was made since reset.
func (s *site) asked() (odooCalls, dingCalls map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, d := map[string]int{}, map[string]int{}
	for k, n := range s.odooCalls {
		o[k] = n
	}
	for k, n := range s.dingCalls {
		d[k] = n
	}
	return o, d
}

// corp is the shape of the company a benchmark works on: a tree of departments three deep, each with a head who manages its
// people and answers to the head of the department above. Department and head name each other, which is the one cycle.
type corp struct{ departments, people int }

func benchCorp() corp { return corp{crowd(500), crowd(10_000)} }

func (c corp) records() int { return c.departments + c.people }

// above is the department over department i, -1 below the company itself.
func (c corp) above(i int) int {
	switch {
	case i < 20:
		return -1
	case i < 140:
		return (i - 20) / 6
	default:
		return 20 + (i-140)%120
	}
}

// manager is the manager of person i (the first people are the heads), -1 for none.
func (c corp) manager(i int) int {
	if i < c.departments {
		return c.above(i)
	}
	return i % c.departments
}

func departmentName(i int) string { return fmt.Sprintf("部门%03d", i) }

func personName(i int) string { return fmt.Sprintf("员工%05d", i) }

func personEmail(i int) string { return fmt.Sprintf("p%05d@example.com", i) }

// fillOdoo puts the company into Odoo as if it had been typed in over the last weeks, a record a minute, up to an hour ago. Bosses get
// greater ids than their people, so that the order by id is the wrong one.
func (s *site) fillOdoo(tb testing.TB, c corp) (people []int64) {
	tb.Helper()
	defer s.skew.Store(0)
	left := 2 * c.records()
	admin := s.odoo.As("admin")
	minute := func() {
		s.skew.Store(int64(-time.Hour - time.Duration(left)*time.Minute))
		left--
	}
	departments, people := make([]int64, c.departments), make([]int64, c.people)
	for i := range departments {
		minute()
		vals := map[string]any{"name": departmentName(i)}
		if up := c.above(i); up >= 0 {
			vals["parent_id"] = departments[up]
		}
		var err error
		departments[i], err = admin.Create("hr.department", vals)
		check(tb, err)
	}
	for i := c.people - 1; i >= 0; i-- {
		minute()
		var err error
		people[i], err = admin.Create("hr.employee", map[string]any{
			"name": personName(i), "mobile_phone": number(i), "work_email": personEmail(i), "job_title": "工程师",
			"work_location": "上海", "department_id": departments[i%c.departments],
		})
		check(tb, err)
	}
	for i := range departments {
		minute()
		check(tb, admin.Write("hr.department", departments[i], map[string]any{"manager_id": people[i]}))
	}
	for i := range people {
		minute()
		parent := any(false)
		if m := c.manager(i); m >= 0 {
			parent = people[m]
		}
		check(tb, admin.Write("hr.employee", people[i], map[string]any{"parent_id": parent}))
	}
	return people
}

// fillDingTalk puts the company into DingTalk.
func (s *site) fillDingTalk(tb testing.TB, c corp) {
	tb.Helper()
	departments := make([]int64, c.departments)
	s.ding.Quiet(func() {
		for i := range departments {
			d := dingtalktest.Department{Name: departmentName(i), ParentID: 1}
			if up := c.above(i); up >= 0 {
				d.ParentID = departments[up]
			}
			var err error
			departments[i], err = s.ding.TryAddDepartment(d)
			check(tb, err)
		}
		for i := range c.people {
			u := dingtalktest.User{
				UserID: fmt.Sprintf("user%05d", i), Name: personName(i), Mobile: number(i), Email: personEmail(i), Title: "工程师", WorkPlace: "上海",
				Departments: []int64{departments[i%c.departments]}, Active: true,
			}
			if m := c.manager(i); m >= 0 {
				u.ManagerUserID = fmt.Sprintf("user%05d", m)
			}
			_, err := s.ding.TryAddUser(u)
			check(tb, err)
		}
		for i, id := range departments {
			check(tb, s.ding.EditDepartment(id, func(d *dingtalktest.Department) { d.Managers = []string{fmt.Sprintf("user%05d", i)} }))
		}
	})
}

// benchMappings are the presets with a guard that lets everything through.
func benchMappings(tb testing.TB) []mapping.Source {
	tb.Helper()
	var out []mapping.Source
	for _, name := range []string{"departments", "employees"} {
		src, ok := mapping.Preset(name)
		if !ok {
			tb.Fatalf("no preset %s", name)
		}
		text := openGuard(string(src.Data))
		if !strings.Contains(text, "creates: unlimited") {
			tb.Fatalf("the guard of preset %s is not open", name)
		}
		out = append(out, mapping.Source{File: src.File, Data: []byte(text)})
	}
	return out
}

// engine opens the durable store at path and an engine on it, with the rate allowed for each DingTalk API (-1: none) and the daemon's
// defaults otherwise.
func (s *site) engine(tb testing.TB, path string, qps float64) *bridge.Engine {
	tb.Helper()
	st, err := store.OpenSQLite(path)
	check(tb, err)
	tb.Cleanup(func() { check(tb, st.Close()) })
	ding, err := dingtalk.New(dingtalk.Config{OAPI: s.dingURL, API: s.dingURL, Login: s.dingURL, AppKey: s.ding.AppKey(), AppSecret: s.ding.AppSecret(), CorpID: s.ding.CorpID(), QPS: qps})
	check(tb, err)
	tb.Cleanup(ding.Close)
	client, err := odoo.New(odoo.Config{URL: s.odooURL, Database: benchDatabase, Login: benchLogin, Password: benchPassword})
	check(tb, err)
	var asked error
	set, complaints := mapping.Load(benchMappings(tb), bridge.Schema(func(model string) (map[string]odoo.Field, bool) {
		if _, known := stock.Fields(model); !known {
			return nil, false
		}
		fields, err := client.FieldsGet(context.Background(), model)
		if err != nil {
			asked = err
		}
		return fields, err == nil
	}, true))
	check(tb, asked)
	if set == nil {
		tb.Fatalf("mappings: %v", complaints)
	}
	e, err := bridge.New(bridge.Options{
		Store: st, Odoo: client, DingTalk: ding, Mappings: set,
		Identity: bridge.Identity{OdooURL: s.odooURL, Database: benchDatabase, Corp: s.ding.CorpID()},
	})
	check(tb, err)
	return e
}

// odooPeople counts the employees with a mobile.
func (s *site) odooPeople() int {
	return len(s.odoo.Search("hr.employee", []any{[]any{"mobile_phone", "!=", false}}))
}

func isOdooWriteMethod(call string) bool {
	_, method, _ := strings.Cut(call, " ")
	return slices.Contains([]string{"create", "write", "unlink", "load", "message_post"}, method)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
