package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo"
)

// arrival is one line about a change.
var arrival = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  (odoo → dingtalk|dingtalk → odoo|odoo ↔ dingtalk)  .+   \d+\.\d\d s$`)

func TestDemoOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	for lang, words := range map[language]string{english: "Both sides are equal", chinese: "两边一致"} {
		t.Run(string(lang), func(t *testing.T) {
			s := &shell{t: t, vars: map[string]string{"DINGBRIDGE_LANGUAGE": string(lang)}}
			got := s.run("demo", "--once", "--seed", "3")
			if got.code != exitOK {
				t.Fatalf("exit code %d\n%s\n%s", got.code, got.out, got.err)
			}
			if n := strings.Count(got.out, words); n != 2 {
				t.Errorf("%q stands there %d times\n%s", words, n, got.out)
			}
			routes := map[string]int{}
			for _, m := range arrival.FindAllStringSubmatch(got.out, -1) {
				routes[m[1]]++
			}
			if routes[toDing] < 5 || routes[toOdoo] < 5 || routes[toBoth] < 2 {
				t.Errorf("%v\n%s", routes, got.out)
			}
			if !strings.Contains(got.out, "$ dingbridge release") || !strings.Contains(got.out, "dingbridge sync\n") {
				t.Errorf("no plan, or no guard:\n%s", got.out)
			}
		})
	}
}

// watched is a writer that says when it has seen a number of arrivals.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	n    int
	seen func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if len(arrival.FindAllString(w.text.String(), -1)) >= w.n {
		w.seen()
	}
	return len(p), nil
}

func TestDemoGoesOnUntilItIsInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &watched{n: 2, seen: stop}
	a := &app{in: strings.NewReader(""), out: out, err: &bytes.Buffer{}, env: func(string) string { return "" }}
	if code := execute(ctx, a, words("demo")); code != exitOK {
		t.Errorf("exit code %d\n%s", code, out.text.String())
	}
	if !strings.Contains(out.text.String(), "The demo is over") {
		t.Errorf("no farewell:\n%s", out.text.String())
	}
}

// TestComparisonFindsEveryDifference: the demo's verdict must not be able to overlook anything.
func TestComparisonFindsEveryDifference(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.want(exitOK, words("sync"))
	if diff := s.stage.differences(); len(diff) > 0 {
		t.Fatalf("not equal to begin with: %v", diff)
	}
	e := &editor{stage: s.stage, say: func(t text, args ...any) string { return t.in(english, args...) }}
	c, err := e.follower()
	must(t, err)
	ding := func(change func(*dingtalktest.User)) func() error {
		return func() error { return s.stage.ding.EditUser(c.user, change) }
	}
	odoo := func(field string, value any) func() error {
		return func() error { return s.stage.admin.Write("hr.employee", c.id, map[string]any{field: value}) }
	}
	for _, one := range []struct {
		what string
		do   func() error
	}{
		{"name", ding(func(u *dingtalktest.User) { u.Name += "甲" })},
		{"email", odoo("work_email", "other@huaxin.example")},
		{"title", ding(func(u *dingtalktest.User) { u.Title = "" })},
		{"place", odoo("work_location", false)},
		{"department", odoo("department_id", s.stage.unitIDs[0])},
		{"manager", ding(func(u *dingtalktest.User) { u.ManagerUserID = "" })},
		{"manager of", func() error {
			return s.stage.admin.Write("hr.department", s.stage.unitIDs[5], map[string]any{"manager_id": c.id})
		}},
		{"is only in odoo", func() error { return s.stage.ding.RemoveUser(c.user) }},
	} {
		must(t, one.do())
		found := false
		for _, line := range s.stage.differences() {
			found = found || strings.Contains(line, one.what)
		}
		if !found {
			t.Errorf("%s: %v", one.what, s.stage.differences())
		}
	}
	s.stage.ding.AddUser(dingtalktest.User{Name: "吴浩", Mobile: "13700001234"})
	s.stage.ding.AddDepartment(dingtalktest.Department{Name: "多余组", ParentID: 1})
	if all := strings.Join(s.stage.differences(), "\n"); !strings.Contains(all, "吴浩 (13700001234) is only in dingtalk") || !strings.Contains(all, "department 多余组 is only in dingtalk") {
		t.Error(all)
	}
}

func TestSameSeedSameCompany(t *testing.T) {
	a, b, c := newCompany(200, 5), newCompany(200, 5), newCompany(200, 6)
	if len(a.people) != 200 || len(a.units) < 30 {
		t.Fatalf("%d people, %d departments", len(a.people), len(a.units))
	}
	depth := 0
	phones := map[string]bool{}
	for _, u := range a.units {
		depth = max(depth, u.depth+1)
		if u.head < 0 {
			t.Errorf("%s has no head", u.name)
		}
	}
	for i, p := range a.people {
		if p != b.people[i] {
			t.Fatalf("person %d differs: %+v, %+v", i, p, b.people[i])
		}
		if phones[bareMobile(p.mobile)] {
			t.Errorf("two have the number %s", p.mobile)
		}
		phones[bareMobile(p.mobile)] = true
		if !regexp.MustCompile(`^(1[3-9]\d{9}|\+852-[569]\d{7})$`).MatchString(bareMobile(p.mobile)) {
			t.Errorf("%s is no mobile number", p.mobile)
		}
		if p.manager < 0 && i > 0 {
			t.Errorf("%s has no manager", p.name)
		}
	}
	if depth != 3 {
		t.Errorf("%d levels", depth)
	}
	if a.people[0] == c.people[0] {
		t.Error("another seed makes the same company")
	}
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b}
	p.show("reading", 0, 0)
	p.show("working", 3, 10)
	p.note("a sentence")
	p.clear()
	if got := b.String(); got != "\r\x1b[Kreading …\r\x1b[Kworking 3/10\r\x1b[Ka sentence\n" {
		t.Errorf("%q", got)
	}
	quiet := newProgress(&b)
	quiet.show("reading", 0, 0)
	quiet.note("x")
	if strings.Count(b.String(), "reading") != 1 {
		t.Error("progress on something that is no terminal")
	}
}

func TestSandbox(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &sandboxOut{told: make(chan string, 1)}
	a := &app{in: strings.NewReader(""), out: out, err: &bytes.Buffer{}, env: func(string) string { return "" }}
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, a, words("sandbox --odoo 127.0.0.1:0 --dingtalk 127.0.0.1:0")) }()
	s := &shell{t: t, vars: map[string]string{"DINGBRIDGE_STORE": t.TempDir() + "/state.db", "DINGBRIDGE_DINGTALK_QPS": "1000"}}
	select {
	case text := <-out.told:
		for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(.+)$`).FindAllStringSubmatch(text, -1) {
			if m[1] != "DINGBRIDGE_STORE" {
				s.vars[m[1]] = strings.Trim(m[2], "'")
			}
		}
	case code := <-ended:
		t.Fatalf("ended with %d", code)
	}
	s.want(exitOK, words("setup --yes"), "4 fields created")
	s.want(exitOK, words("plan"), "Apply with: dingbridge sync")
	s.trySandbox(out)
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// trySandbox tells people something by two ways, and waits until the sandbox shows what they got.
func (s *shell) trySandbox(out *sandboxOut) {
	s.t.Helper()
	s.mappings(openGuard)
	s.vars["DINGBRIDGE_MAPPINGS"] += "," + file(s.t, "messages.yaml", strings.ReplaceAll(noteMappings, "sales", "sandbox"))
	s.want(exitOK, words("sync"))
	admin, err := odoo.New(odoo.Config{URL: s.vars["DINGBRIDGE_ODOO_URL"], Database: stageDatabase, Login: stageAdmin, Password: stageAdmin})
	must(s.t, err)
	found, err := admin.SearchRead(s.t.Context(), "hr.employee", odoo.Domain{odoo.Cond("department_id", "!=", false)}, []string{"department_id"}, odoo.Options{Limit: 1})
	must(s.t, err)
	department, _ := found[0]["department_id"].([]any)
	id, _ := department[0].(int64)
	must(s.t, admin.Write(s.t.Context(), "hr.department", []int64{id}, map[string]any{"note": "明天搬家"}, nil))
	s.want(exitOK, words("sync"))
	for _, want := range []string{"work_notice to ", "robot_message to ", "members of the group: ", "明天搬家 [打开]"} {
		s.until(s.t.Context(), want, func() bool { return strings.Contains(out.all.String(), want) })
	}
}

// sandboxOut hands over the first thing that is printed, and keeps everything.
type sandboxOut struct {
	told chan string
	all  log
}

func (o *sandboxOut) Write(p []byte) (int, error) {
	select {
	case o.told <- string(p):
	default:
	}
	return o.all.Write(p)
}

func TestDemoOfApprovals(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	s := &shell{t: t, vars: map[string]string{"DINGBRIDGE_LANGUAGE": "en"}}
	got := s.run("demo", "--once", "--scenario", "approvals")
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s\n%s", got.code, got.out, got.err)
	}
	for _, words := range []string{"the answer to the start is lost: one approval", "a balanced entry in odoo", "revoked later", "Every document agrees with its approval", "In sync: nothing to do", "$ dingbridge explain odoo hr.leave", "edited in odoo since it was sent", "660201       507.34", "2241           0.00    1553.00"} {
		if !strings.Contains(got.out, words) {
			t.Errorf("%q is missing in\n%s", words, got.out)
		}
	}
	if n := len(arrival.FindAllString(got.out, -1)); n != 50 {
		t.Errorf("%d lines, not 50\n%s", n, got.out)
	}
	s.want(exitUsage, []string{"demo", "--scenario", "aprovals"}, "the scenarios are: approvals, employees, people")
}

// TestJudgeOfApprovalsFindsEveryDifference: the verdict must not be able to overlook anything.
func TestJudgeOfApprovalsFindsEveryDifference(t *testing.T) {
	st, err := newStage("", "", time.Now)
	must(t, err)
	t.Cleanup(func() { must(t, st.close()) })
	must(t, st.populate(newCompany(60, 1)))
	d := &demo{app: &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, lang: english}, stage: st}
	must(t, d.setApprovals())
	o := d.office
	user, ok := st.userByMobile(st.co.people[0].mobile)
	if !ok {
		t.Fatal("nobody to ask")
	}
	from, to := o.days()
	leave, err := st.admin.Create("hr.leave", map[string]any{
		"employee_id": st.staff[0], "holiday_status_id": o.business.LeaveTypes["年假"], "name": "回家", "number_of_days": 1.0,
		"date_from": from.Format(demoDate), "date_to": to.Format(demoDate),
	})
	must(t, err)
	start := func(n string) string {
		id, err := st.ding.StartInstance(demoCodes["leave-approval"], user.UserID, 0, map[string]any{"单据编号": "leave-approval/1/" + n, "假期类型": "年假", "天数": 1})
		must(t, err)
		return id
	}
	found := func(words string) {
		t.Helper()
		if all := strings.Join(o.differences(), "\n"); !strings.Contains(all, words) {
			t.Errorf("%q is not among:\n%s", words, all)
		}
	}
	if leave != 1 {
		t.Fatalf("the leave is %d, not 1", leave)
	}
	id := start("1")
	found("hr.leave 1 is confirm, and its approval RUNNING")
	must(t, st.ding.Agree(id, ""))
	found("hr.leave 1 is confirm, and its approval COMPLETED agree")
	must(t, o.button("hr.leave", "action_approve", leave))
	if all := o.differences(); len(all) > 0 {
		t.Fatalf("nothing differs, and it says %v", all)
	}
	note := func() {
		_, err := st.admin.Create("mail.message", map[string]any{"model": "hr.leave", "res_id": leave, "message_id": "<dingbridge-x@dingtalk>", "body": "<p>agreed</p>"})
		must(t, err)
	}
	note()
	note()
	found("hr.leave 1 has twice: <p>agreed</p>")
	must(t, st.ding.Agree(start("1"), ""))
	found("two approvals of one submission: leave-approval/1/1")
	_, err = st.ding.StartInstance(bornCode, user.UserID, 0, map[string]any{"假期类型": "年假", "天数": 1})
	must(t, err)
	found("no leave was made of")
	_, err = st.ding.StartInstance(demoCodes["travel-voucher"], user.UserID, 0, map[string]any{"费用明细": []map[string]any{{"费用类型": "交通", "说明": "高铁", "不含税金额": "1", "税额": "0"}}})
	must(t, err)
	found("1 travel claims, 0 entries")
}
