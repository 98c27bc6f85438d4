package main

import (
	"slices"
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// open lets everything through the guard.
func openGuard(_, text string) string {
	return replaceLine(text, "guard:", "guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}")
}

func replaceLine(text, begins, with string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, begins) {
			lines[i] = with
		}
	}
	return strings.Join(lines, "\n")
}

func TestPlanWritesNothing(t *testing.T) {
	s := newShell(t, 45)
	got := s.want(exitOK, words("plan"), "+ dingtalk user", "= dingtalk user", "matched by mobile",
		"Nothing was written. Apply with: dingbridge sync\n")
	if !strings.HasSuffix(got.out, "dingbridge sync\n") {
		t.Errorf("the last line: %s", got.out[max(0, len(got.out)-200):])
	}
	s.want(exitOK, words("plan departments employees"), "Apply with: dingbridge sync departments employees\n")
	s.want(exitRemain, words("plan --exit-code"))
	s.want(exitUsage, words("plan people"), `no mapping "people"`, "departments, employees")
	s.want(exitOK, words("explain odoo hr.employee "+s.firstEmployee()))
	s.want(exitOK, words("check --live"))
	if n := len(s.stage.ding.Duplicates()); n > 0 {
		t.Errorf("%d duplicates", n)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
}

func TestPlanIssuesReadsOnly(t *testing.T) {
	s := newShell(t, 45)
	s.want(exitOK, words("plan"))
	s.want(exitOK, words("explain odoo hr.employee "+s.firstEmployee()))
	s.noWrites()
}

// firstEmployee is the id of the head of the company.
func (s *shell) firstEmployee() string { return id(s.stage.staff[0]) }

func TestPlanAsJSON(t *testing.T) {
	s := newShell(t, 45)
	out := unmarshal[planOutput](t, s.want(exitOK, words("plan --json")).out)
	if out.Written || len(out.Plans) == 0 || out.Counts.Writes() == 0 {
		t.Fatalf("%d plans, %+v", len(out.Plans), out.Counts)
	}
	creates := 0
	for _, p := range out.Plans {
		if p.Mapping == "" || p.Row == "" {
			t.Errorf("a plan without mapping or row: %+v", p)
		}
		for _, c := range p.Changes {
			if c.Op == bridge.OpCreate {
				creates++
			}
			for _, f := range c.Fields {
				if f.Field == "" || f.Reason == "" {
					t.Errorf("a field without name or reason: %+v", c)
				}
			}
		}
	}
	if creates != out.Counts.Creates {
		t.Errorf("%d creations are listed, %d counted", creates, out.Counts.Creates)
	}
}

func TestSyncBringsBothSidesInStep(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.want(exitOK, words("setup --yes --login admin --password-file "+file(t, "password", "admin\n")), "4 fields created")
	s.want(exitOK, words("sync"), "Done: ", "create", "link")
	if diff := s.stage.differences(); len(diff) > 0 {
		t.Fatalf("%d differences:\n%s", len(diff), strings.Join(diff[:min(len(diff), 10)], "\n"))
	}
	got := s.want(exitOK, words("plan"), "In sync: nothing to do. Nothing was written.\n")
	if strings.Contains(got.out, "Apply with") {
		t.Errorf("nothing to apply: %s", got.out)
	}
	s.want(exitOK, words("plan --exit-code"))
	s.resetJournals()
	s.want(exitOK, words("sync"), "Both sides are in step: nothing was written.")
	s.noWrites()
	out := unmarshal[syncOutput](t, s.want(exitOK, words("sync --json employees")).out)
	if len(out.Done) != 0 || out.Held != 0 || out.Beside || out.Lists == nil {
		t.Errorf("%+v", out)
	}
}

func TestGuardHoldsBackUntilReleased(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(func(_, text string) string {
		return replaceLine(text, "guard:", "guard: {creates: 3, updates: 5, clears: 20, removals: 5}")
	})
	s.want(exitUsage, words("release 1"), "no list 1")
	s.want(exitOK, words("release all"), "Nothing waits for a release.")
	s.want(exitOK, words("plan"), "exceed the guard")
	s.want(exitRemain, words("sync"), "waits for you", "dingbridge release")
	status := unmarshal[bridge.Status](t, s.want(exitOK, words("status --json")).out)
	if len(status.Lists) == 0 || status.Lists[0].Counts[bridge.RiskCreate] == 0 {
		t.Fatalf("%+v", status.Lists)
	}
	s.want(exitOK, words("status"), "LIST 1", " wait since ", "dingtalk ", "No daemon is running.")
	for round := 0; ; round++ {
		if s.run("sync").code == exitOK {
			break
		}
		if round == 6 {
			t.Fatalf("still waiting: %s", s.run("status").out)
		}
		s.want(exitOK, words("release all"), "operations released", "next `dingbridge run`")
	}
	if diff := s.stage.differences(); len(diff) > 0 {
		t.Errorf("%d differences, such as %s", len(diff), diff[0])
	}
}

func TestHeldConflictIsResolved(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(func(name, text string) string {
		return replaceLine(openGuard(name, text), "conflict:", "conflict: hold")
	})
	s.run("sync")
	e := &editor{stage: s.stage, say: func(t text, args ...any) string { return t.in(english, args...) }}
	c, err := e.somebody(func(c colleague) bool { return textOf(e.row(c)["job_title"]) == e.member(c).Title })
	must(t, err)
	must(t, s.stage.admin.Write("hr.employee", c.id, map[string]any{"job_title": "作者"}))
	must(t, s.stage.ding.EditUser(c.user, func(u *dingtalktest.User) { u.Title = "编辑" }))
	record := "odoo hr.employee " + id(c.id)
	s.want(exitRemain, words("sync"), "held")
	s.want(exitOK, words("status"), "held  employees", "conflict on title")
	s.want(exitOK, words("plan"), `! dingtalk user `+c.user, `conflict on title: odoo "作者", dingtalk "编辑"; held`)
	s.want(exitOK, words("explain "+record), "conflict on title", "作者", "编辑", "history")
	s.want(exitError, words("resolve --take odoo "+record+" email"), "no conflict")
	s.want(exitError, words("resolve --take odoo odoo hr.employee 99999"), "no link")
	s.want(exitOK, words("resolve --take dingtalk "+record+" title"), "1 fields are decided: dingtalk stands.")
	s.run("sync")
	if got := textOf(e.row(c)["job_title"]); got != "编辑" {
		t.Errorf("odoo still says %s", got)
	}
	if st := unmarshal[bridge.Status](t, s.run("status", "--json").out); slices.ContainsFunc(st.Held, func(h bridge.HeldRecord) bool {
		return h.Mapping == "employees" && h.Odoo == bridge.ID(id(c.id)) && h.Field == "title"
	}) {
		t.Errorf("still held: %+v", st.Held)
	}
}

func TestLinkForgetRetry(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	stranger, err := s.stage.admin.Create("hr.employee", map[string]any{"name": "无号码"}) // no number: cannot be created there
	must(t, err)
	member := s.stage.ding.AddUser(dingtalktest.User{Name: "吴浩", Mobile: "13700001234", Active: true})
	s.want(exitOK, words("sync departments"), "Done: ")
	s.want(exitRemain, words("sync"), "held")
	s.want(exitOK, words("status"), "mobile is required by dingtalk")
	s.want(exitOK, words("retry --all"), "will be tried again")
	s.want(exitOK, words("retry odoo hr.employee "+id(stranger)), "will be tried again")
	s.want(exitUsage, words("retry odoo res.partner 1"), "no mapping reads")
	s.want(exitUsage, words("link people 1 x"), `no mapping "people"`)
	s.want(exitUsage, words("link employees x y"), "not an Odoo id")
	s.want(exitError, words("link employees "+id(stranger)+" "+member), "linked already")
	s.want(exitOK, words("forget dingtalk user "+member), "1 links dropped")
	s.want(exitError, words("forget dingtalk user "+member), "no link")
	s.want(exitOK, words("link employees "+id(stranger)+" "+member), "are one")
	s.want(exitOK, words("explain odoo hr.employee "+id(stranger)), "dingtalk "+member+": present")
	s.want(exitOK, words("forget --mapping employees"), "links dropped")
	if st := unmarshal[bridge.Status](t, s.run("status", "--json").out); len(st.Mappings[1].Links) != 0 {
		t.Errorf("links are left: %+v", st.Mappings[1])
	}
}

func TestExplain(t *testing.T) {
	s := newShell(t, 45)
	record := words("explain odoo hr.employee " + s.firstEmployee())
	s.want(exitOK, record, "mapping employees", "no link", "row: new in odoo", "now:")
	all := unmarshal[[]bridge.Explanation](t, s.want(exitOK, append(record, "--json")).out)
	if len(all) != 1 || all[0].Mapping != "employees" || len(all[0].Fields) == 0 || all[0].Odoo.Record["name"] == nil || all[0].Fields[0].Position.Line == 0 {
		t.Errorf("%+v", all)
	}
	s.want(exitError, words("explain odoo res.partner 1"), "no mapping reads")
}

func TestStatusOfAnEmptyStore(t *testing.T) {
	s := newShell(t, 0)
	s.want(exitOK, words("status"), "No daemon is running.", "employees: no links")
	s.want(exitError, words("status --health"))
	if got := s.run("status", "--health"); got.out+got.err != "" {
		t.Errorf("--health speaks: %s%s", got.out, got.err)
	}
}
