package odootest

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/odoo"
)

func TestWriteDateHidesItsMicroseconds(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	id := w.s.Create("res.partner", vals{"name": "A"})
	rows, err := c.Read(ctx(), "res.partner", []int64{id}, []string{"write_date", "create_date", "__last_update"}, nil)
	w.must(err)
	for _, f := range []string{"write_date", "create_date", "__last_update"} {
		if rows[0][f] != "2026-05-04 03:02:01" {
			t.Errorf("%s = %v", f, rows[0][f])
		}
	}
	for value, want := range map[string]int{"2026-05-04 03:02:01": 0, "2026-05-04 03:02:01.123456": 1} {
		got, err := c.SearchCount(ctx(), "res.partner", odoo.Domain{odoo.Cond("id", "=", id), odoo.Cond("write_date", "=", value)}, nil)
		w.must(err)
		if got != want {
			t.Errorf("write_date = %s: %d records", value, got)
		}
	}
	for op, want := range map[string]int{">": 1, ">=": 1, "<=": 0} {
		got, err := c.SearchCount(ctx(), "res.partner", odoo.Domain{odoo.Cond("id", "=", id), odoo.Cond("write_date", op, "2026-05-04 03:02:01")}, nil)
		w.must(err)
		if got != want {
			t.Errorf("write_date %s the second shown: %d records, want %d", op, got, want)
		}
	}
}

// TestWhatMovesWriteDate is the recorded list of what polling sees and what it does not.
func TestWhatMovesWriteDate(t *testing.T) {
	w := newWorld(t)
	s := w.s
	dept := s.Create("hr.department", vals{"name": "D"})
	sub := s.Create("hr.department", vals{"name": "S", "parent_id": dept})
	job := s.Create("hr.job", vals{"name": "J"})
	tag := s.Create("hr.employee.category", vals{"name": "T"})
	boss := s.Create("hr.employee", vals{"name": "Boss", "department_id": dept})
	emp := s.Create("hr.employee", vals{"name": "E", "department_id": dept, "job_id": job, "category_ids": []any{[]any{4, tag}}})
	user := s.AddUser("u", "pw", "base.group_user")
	linked := s.Create("hr.employee", vals{"name": "L", "user_id": user})
	partner := s.Create("res.partner", vals{"name": "P"})
	child := s.Create("res.partner", vals{"name": "C", "parent_id": partner})
	category := s.Create("res.partner.category", vals{"name": "K"})
	userPartner := s.Get("res.users", user)["partner_id"].([]any)[0].(int64)
	write := func(model string, id int64, v vals) func() { return func() { w.must(s.Write(model, id, v)) } }
	resource := func(id int64) int64 { return s.Get("hr.employee", id)["resource_id"].([]any)[0].(int64) }
	for _, c := range []struct {
		name  string
		model string
		id    int64
		edit  func()
		moves bool
	}{
		{"identical values", "hr.employee", emp, write("hr.employee", emp, vals{"name": "E"}), true},
		{"a no-op many2many command", "hr.employee", emp, write("hr.employee", emp, vals{"category_ids": []any{[]any{4, tag}}}), true},
		{"its resource renamed", "hr.employee", emp, write("resource.resource", resource(emp), vals{"name": "E2"}), true},
		{"its resource archived", "hr.employee", emp, write("resource.resource", resource(emp), vals{"active": true}), true},
		{"a user set", "hr.employee", boss, write("hr.employee", boss, vals{"user_id": user}), true},
		{"the linked user renamed", "hr.employee", linked, write("res.users", user, vals{"name": "U2"}), true},
		{"the linked user's e-mail changed", "hr.employee", linked, write("res.users", user, vals{"email": "x@example.com"}), false},
		{"the linked user's phone changed", "hr.employee", linked, write("res.users", user, vals{"phone": "1"}), false},
		{"checking in", "hr.employee", emp, func() { s.Create("hr.attendance", vals{"employee_id": emp, "check_in": "2026-05-04 01:00:00"}) }, true},
		{"checking out", "hr.employee", emp, write("hr.attendance", 1, vals{"check_out": "2026-05-04 02:00:00"}), false},
		{"a subordinate assigned", "hr.employee", boss, write("hr.employee", emp, vals{"parent_id": boss}), false},
		{"its department renamed", "hr.employee", emp, write("hr.department", dept, vals{"name": "D2"}), false},
		{"its job renamed", "hr.employee", emp, write("hr.job", job, vals{"name": "J2"}), false},
		{"its tag renamed", "hr.employee", emp, write("hr.employee.category", tag, vals{"name": "T2"}), false},
		{"nothing written", "hr.employee", emp, write("hr.employee", emp, vals{}), false},
		{"an unknown field written", "hr.employee", emp, write("hr.employee", emp, vals{"nope": 1}), false},
		{"archived", "hr.employee", emp, write("hr.employee", emp, vals{"active": false}), true},
		{"the parent department renamed", "hr.department", sub, write("hr.department", dept, vals{"name": "D3"}), true},
		{"an employee hired for it", "hr.job", job, func() { s.Create("hr.employee", vals{"name": "N", "job_id": job}) }, true},
		{"the parent contact renamed", "res.partner", child, write("res.partner", partner, vals{"name": "P2"}), true},
		{"its child written directly", "res.partner", partner, write("res.partner", child, vals{"phone": "1"}), false},
		{"a one2many command", "res.partner", partner, write("res.partner", partner, vals{"child_ids": []any{[]any{1, child, vals{"phone": "2"}}}}), true},
		{"the other side of a many2many", "res.partner.category", category, write("res.partner", partner, vals{"category_id": []any{[]any{4, category}}}), false},
		{"the other side's other side", "res.partner", partner, write("res.partner.category", category, vals{"partner_ids": []any{[]any{3, partner}}}), false},
		{"its partner renamed directly", "res.users", user, write("res.partner", userPartner, vals{"name": "U3"}), false},
		{"renamed through the user", "res.users", user, write("res.users", user, vals{"name": "U4"}), true},
		{"its department deleted", "hr.employee", emp, func() { w.must(s.Unlink("hr.department", dept)) }, false},
		{"its manager deleted", "hr.employee", emp, func() { w.must(s.Unlink("hr.employee", boss)) }, false},
		{"a message posted", "res.partner", partner, func() {
			_, err := s.As("admin").Call("res.partner", "message_post", []any{[]any{partner}}, vals{"body": "hi"})
			w.must(err)
		}, false},
	} {
		if got := w.touched(c.model, c.id, c.edit); got != c.moves {
			t.Errorf("%s: moves write_date of the %s: %v, recorded %v", c.name, c.model, got, c.moves)
		}
	}
	e := s.Get("hr.employee", emp)
	if e["department_id"] != false || e["parent_id"] != false {
		t.Errorf("references to deleted records: %v %v", e["department_id"], e["parent_id"])
	}
}

func TestDepartmentTree(t *testing.T) {
	w := newWorld(t)
	a := w.s.Create("hr.department", vals{"name": "A"})
	b := w.s.Create("hr.department", vals{"name": "B", "parent_id": a})
	c := w.s.Create("hr.department", vals{"name": "C", "parent_id": b, "active": false})
	w.must(w.s.Write("hr.department", a, vals{"name": "X"}))
	if got := w.s.Get("hr.department", c)["complete_name"]; got != "X / B / C" {
		t.Errorf("complete_name below: %v", got)
	}
	if err := w.s.Write("hr.department", a, vals{"parent_id": b}); err == nil || !strings.Contains(err.Error(), "recursive departments") {
		t.Errorf("a loop: %v", err)
	}
	w.must(w.s.Unlink("hr.department", a))
	if d := w.s.Get("hr.department", b); d["parent_id"] != false || d["complete_name"] != "B" {
		t.Errorf("the child of a deleted department: %v %v", d["parent_id"], d["complete_name"])
	}
}

func TestManagerCascade(t *testing.T) {
	w := newWorld(t)
	d := w.s.Create("hr.department", vals{"name": "D"})
	sub := w.s.Create("hr.department", vals{"name": "S", "parent_id": d})
	person := func(v vals) int64 { v["name"] = "x"; return w.s.Create("hr.employee", v) }
	old, fresh := person(vals{}), person(vals{})
	free, below, other := person(vals{"department_id": d}), person(vals{"department_id": sub}), person(vals{"department_id": d, "parent_id": fresh})
	archived := person(vals{"department_id": d, "active": false})
	manager := func(id int64) any {
		if pair, ok := w.s.Get("hr.employee", id)["parent_id"].([]any); ok {
			return pair[0]
		}
		return false
	}
	w.must(w.s.Write("hr.department", d, vals{"manager_id": old}))
	w.must(w.s.Write("hr.department", d, vals{"manager_id": fresh}))
	for name, c := range map[string]struct{ got, want any }{
		"had none, then the old one": {manager(free), fresh}, "of a department below": {manager(below), false},
		"had somebody else": {manager(other), fresh}, "archived": {manager(archived), false},
	} {
		if c.got != c.want {
			t.Errorf("manager of the one who %s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestUserOverwritesNameAndMail(t *testing.T) {
	w := newWorld(t)
	u := w.s.AddUser("anna", "pw", "base.group_user")
	w.must(w.s.Write("res.users", u, vals{"email": false}))
	e := w.s.Create("hr.employee", vals{"name": "Anna A.", "work_email": "a@example.com"})
	w.must(w.s.Write("hr.employee", e, vals{"user_id": u, "name": "kept?"}))
	if got := w.s.Get("hr.employee", e); got["name"] != "anna" || got["work_email"] != false {
		t.Errorf("after setting the user: %v %v", got["name"], got["work_email"])
	}
}

func TestOptimisticLockAndItsHole(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	e := w.s.Create("hr.employee", vals{"name": "A"})
	lock := func(ts string) odoo.Context { return odoo.LockContext("hr.employee", e, ts) }
	w.must(c.Write(ctx(), "hr.employee", []int64{e}, odoo.Values{"name": "B"}, lock("2026-05-04 03:02:01")))
	bare := odoo.Context{"__last_update": vals{"hr.employee," + itoa(e): "2026-05-04 03:02:01"}}
	if err := c.Write(ctx(), "hr.employee", []int64{e}, odoo.Values{"name": "C"}, bare); !odoo.IsModified(err) {
		t.Errorf("the bare second: %v", err)
	}
	w.must(w.s.Write("hr.employee", e, vals{"name": "edited within the same second"}))
	w.must(c.Write(ctx(), "hr.employee", []int64{e}, odoo.Values{"name": "run over"}, lock("2026-05-04 03:02:01")))
	w.clock.Advance(time.Second)
	w.must(w.s.Write("hr.employee", e, vals{"name": "edited later"}))
	if err := c.Write(ctx(), "hr.employee", []int64{e}, odoo.Values{"name": "D"}, lock("2026-05-04 03:02:01")); !odoo.IsModified(err) {
		t.Errorf("after an edit: %v", err)
	}
	if err := c.Unlink(ctx(), "hr.employee", []int64{e}, lock("2026-05-04 03:02:01")); !odoo.IsModified(err) {
		t.Errorf("unlink after an edit: %v", err)
	}
	if got := w.s.Get("hr.employee", e)["name"]; got != "edited later" {
		t.Errorf("name: %v", got)
	}
}

func TestLoadCreatesIfAbsent(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	d := w.s.Create("hr.department", vals{"name": "D"})
	columns := []string{"id", "name", "department_id/.id"}
	cx := odoo.Context{"mode": "update", "noupdate": true, "tz": "UTC"}
	load := func(name string, dept any) odoo.LoadResult {
		t.Helper()
		r, err := c.Load(ctx(), "hr.employee", columns, [][]any{{"dingbridge.user_x", name, dept}}, cx)
		w.must(err)
		return r
	}
	first := load("N", d)
	if len(first.IDs) != 1 {
		t.Fatalf("first: %+v", first)
	}
	id := first.IDs[0]
	w.must(w.s.Write("hr.employee", id, vals{"name": "edited"}))
	if again := load("N", d); !slices.Equal(again.IDs, first.IDs) || w.s.Get("hr.employee", id)["name"] != "edited" {
		t.Errorf("repeated: %+v, name %v", again, w.s.Get("hr.employee", id)["name"])
	}
	w.must(w.s.Unlink("hr.employee", id))
	if fresh := load("N", d); len(fresh.IDs) != 1 || fresh.IDs[0] == id {
		t.Errorf("after deletion: %+v", fresh)
	}
	w.must(w.s.Write("hr.department", d, vals{"active": false}))
	before := len(w.s.Search("hr.employee", nil))
	r, err := c.Load(ctx(), "hr.employee", columns, [][]any{{"dingbridge.a", "A", ""}, {"dingbridge.b", "B", d}, {"dingbridge.c", "C", 99}}, cx)
	w.must(err)
	if r.IDs != nil || len(r.Messages) != 2 || r.Messages[0].Record != 1 || r.Messages[0].Field != "department_id" || len(w.s.Search("hr.employee", nil)) != before {
		t.Errorf("bad rows: %+v", r)
	}
	r, err = c.Load(ctx(), "hr.employee", []string{"id", "name", "barcode"}, [][]any{{"dingbridge.p", "P", "1"}, {"dingbridge.q", "Q", "1"}, {"dingbridge.r", "", "2"}}, cx)
	w.must(err)
	if r.IDs != nil || len(r.Messages) != 2 || !strings.Contains(r.Messages[0].Message, "already exists") || r.Messages[1].Record != 2 {
		t.Errorf("constraints: %+v", r)
	}
}

func TestLoadReadsTimesInTheContextsZone(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	e := w.s.Create("hr.employee", vals{"name": "A"})
	r, err := c.Load(ctx(), "hr.attendance", []string{"id", "employee_id/.id", "check_in", "check_out"},
		[][]any{{"x.a", e, "2026-05-02 01:00:00", "2026-05-02 02:00:00"}}, odoo.Context{"tz": "Asia/Shanghai"})
	w.must(err)
	if got := w.s.Get("hr.attendance", r.IDs[0])["check_in"]; got != "2026-05-01 17:00:00" {
		t.Errorf("check_in: %v", got)
	}
}

func TestLoadByExternalIDAndName(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	r, err := c.Load(ctx(), "hr.department", []string{"id", "name", "parent_id/id"},
		[][]any{{"x.a", "A", ""}, {"x.b", "B", "x.a"}, {"x.c", "C", "x.b"}}, nil)
	w.must(err)
	if len(r.IDs) != 3 || w.s.Get("hr.department", r.IDs[2])["complete_name"] != "A / B / C" {
		t.Errorf("departments: %+v", r)
	}
	p, err := c.Load(ctx(), "hr.employee", []string{"name", "department_id", "gender"}, [][]any{{"N", "A / B", "Female"}}, nil)
	w.must(err)
	if e := w.s.Get("hr.employee", p.IDs[0]); e["department_id"].([]any)[0] != r.IDs[1] || e["gender"] != "female" {
		t.Errorf("employee: %v %v", e["department_id"], e["gender"])
	}
}

func TestCommittedButUnreadable(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	p := w.s.Create("res.partner", vals{"name": "A"})
	_, err := c.Execute(ctx(), "res.partner", "toggle_active", []any{[]any{p}}, nil)
	if !odoo.IsUnreadable(err) || w.s.Get("res.partner", p)["active"] != false {
		t.Errorf("toggle_active: %v, active %v", err, w.s.Get("res.partner", p)["active"])
	}
}

func TestDropAfterHasRun(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	w.s.Fail(func(call Call) bool { return call.Method == "create" }, 1, DropAfter)
	_, err := c.Create(ctx(), "res.partner", odoo.Values{"name": "ghost"}, nil)
	var e *odoo.Error
	if !errors.As(err, &e) || !e.Ambiguous {
		t.Errorf("error: %v", err)
	}
	if n := len(w.s.Search("res.partner", []any{[]any{"name", "=", "ghost"}})); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestDomains(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	d1 := w.s.Create("hr.department", vals{"name": "Alpha"})
	d2 := w.s.Create("hr.department", vals{"name": "Beta", "parent_id": d1})
	hidden := w.s.Create("hr.department", vals{"name": "Hidden", "parent_id": d1, "active": false})
	tag := w.s.Create("hr.employee.category", vals{"name": "Blue"})
	a := w.s.Create("hr.employee", vals{"name": "Ann", "department_id": d1, "mobile_phone": "1", "category_ids": []any{[]any{6, 0, []int64{tag}}}})
	b := w.s.Create("hr.employee", vals{"name": "Bob", "department_id": d2, "parent_id": a})
	x := w.s.Create("hr.employee", vals{"name": "Xen", "department_id": hidden, "mobile_phone": "2"})
	gone := w.s.Create("hr.employee", vals{"name": "Zoe", "active": false})
	for _, k := range []struct {
		name   string
		domain []any
		want   []int64
	}{
		{"all visible", nil, []int64{a, b, x}},
		{"archived named", []any{[]any{"active", "=", false}}, []int64{gone}},
		{"active in both hides the archived", []any{[]any{"active", "in", []any{true, false}}}, []int64{a, b, x}},
		{"both by or", []any{"|", []any{"active", "=", true}, []any{"active", "=", false}}, []int64{a, b, x, gone}},
		{"!= leaves NULL out", []any{[]any{"mobile_phone", "!=", "1"}}, []int64{x}},
		{"not in keeps NULL", []any{[]any{"mobile_phone", "not in", []any{"1"}}}, []int64{b, x}},
		{"= False", []any{[]any{"mobile_phone", "=", false}}, []int64{b}},
		{"not of a comparison", []any{"!", []any{"mobile_phone", "=", "1"}}, []int64{x}},
		{"child_of skips what is below an archived one", []any{[]any{"department_id", "child_of", d1}}, []int64{a, b}},
		{"child_of by name", []any{[]any{"department_id", "child_of", "Alpha"}}, []int64{a, b}},
		{"child_of oneself", []any{[]any{"parent_id", "child_of", a}}, []int64{a, b}},
		{"parent_of", []any{[]any{"id", "parent_of", []any{b}}}, []int64{a, b}},
		{"a path", []any{[]any{"department_id.parent_id.name", "=", "Alpha"}}, []int64{b, x}},
		{"a path through an archived record", []any{[]any{"department_id.name", "=like", "Hid%"}}, []int64{x}},
		{"a many2one by name", []any{[]any{"department_id", "ilike", "alpha"}}, []int64{a, b, x}},
		{"a many2many by name", []any{[]any{"category_ids", "=", "Blue"}}, []int64{a}},
		{"an empty many2many", []any{[]any{"category_ids", "=", false}}, []int64{b, x}},
		{"a one2many", []any{[]any{"child_ids", "in", []any{b}}}, []int64{a}},
		{"no subordinates", []any{[]any{"child_ids", "=", false}}, []int64{b, x}},
		{"like with wildcards", []any{[]any{"name", "=ilike", "_nn"}}, []int64{a}},
		{"a field that cannot be searched matches all", []any{[]any{"attendance_state", "=", "checked_in"}}, []int64{a, b, x}},
		{"true and false leaves", []any{"|", []any{0, "=", 1}, "&", []any{1, "=", 1}, []any{"id", "=", a}}, []int64{a}},
		{"an inherited field", []any{[]any{"tz", "=", "UTC"}}, []int64{a, b, x}},
		{"a date is the day's end for >", []any{[]any{"create_date", ">", "2026-05-04"}}, []int64{}},
		{"a date is the day's start for >=", []any{[]any{"create_date", ">=", "2026-05-04"}}, []int64{a, b, x}},
	} {
		got, err := c.Search(ctx(), "hr.employee", odoo.Domain(plainValue(k.domain).([]any)), odoo.Options{})
		if err != nil || !slices.Equal(got, k.want) {
			t.Errorf("%s: %v %v, want %v", k.name, got, err, k.want)
		}
	}
}

func TestRightsAndRules(t *testing.T) {
	w := newWorld(t)
	w.s.AddUser("plain", "pw", "base.group_user")
	w.s.AddUser("officer", "pw", "hr.group_hr_user")
	id := w.s.Create("hr.employee", vals{"name": "A", "birthday": "2000-01-01"})
	other := w.s.Create("hr.employee", vals{"name": "B"})
	plain, officer := w.client("plain", "pw"), w.client("officer", "pw")
	halted := func(err error) bool {
		var e *odoo.Error
		return errors.As(err, &e) && e.Class == odoo.Halt && e.Scope == odoo.ScopePermission
	}
	if err := plain.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"name": "x"}, nil); !halted(err) {
		t.Errorf("a plain user writes: %v", err)
	}
	if _, err := plain.Read(ctx(), "hr.employee", []int64{id}, []string{"name", "birthday"}, nil); err == nil {
		t.Error("a plain user reads a private field")
	}
	if _, err := officer.Read(ctx(), "hr.employee", []int64{id}, nil, nil); err == nil {
		t.Error("an officer without contract rights reads all fields")
	}
	w.must(officer.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"birthday": "2000-01-02"}, nil))
	if fields, err := plain.FieldsGet(ctx(), "hr.employee"); err != nil || fields["birthday"].Name != "" || !fields["name"].Readonly {
		t.Errorf("fields_get of a plain user: %v %+v", err, fields["name"])
	}
	w.s.Rule("hr.employee", "officer", []any{[]any{"id", "!=", other}})
	if ids, err := officer.Search(ctx(), "hr.employee", nil, odoo.Options{}); err != nil || !slices.Equal(ids, []int64{id}) {
		t.Errorf("search under a rule: %v %v", ids, err)
	}
	_, err := officer.Read(ctx(), "hr.employee", []int64{other}, []string{"name"}, nil)
	var e *odoo.Error
	if !errors.As(err, &e) || e.Code != 4 || e.Class != odoo.Reject {
		t.Errorf("read under a rule: %v", err)
	}
	if ids, err := officer.Exists(ctx(), "hr.employee", []int64{other, 999}); err != nil || !slices.Equal(ids, []int64{other}) {
		t.Errorf("exists under a rule: %v %v", ids, err)
	}
}

func TestStoredRecordRules(t *testing.T) {
	w := newWorld(t)
	uid := w.s.AddUser("plain", "pw", "base.group_user")
	mine := w.s.Create("hr.employee", vals{"name": "mine", "user_id": uid})
	w.s.Create("hr.employee", vals{"name": "not mine"})
	model := w.s.Search("ir.model", []any{[]any{"model", "=", "hr.employee"}})[0]
	w.s.Create("ir.rule", vals{"name": "own", "model_id": model, "groups": []any{[]any{6, 0, []int64{1}}}, "domain_force": "['|', ('user_id', '=', user.id), ('id', 'in', [])]"})
	for login, c := range map[string]struct {
		password string
		want     []int64
	}{"plain": {"pw", []int64{mine}}, "admin": {"admin", []int64{}}} {
		ids, err := w.client(login, c.password).Search(ctx(), "hr.employee", nil, odoo.Options{})
		w.must(err)
		if !slices.Equal(ids, c.want) {
			t.Errorf("%s sees %v, want %v", login, ids, c.want)
		}
	}
	e := newEnv(w.s.newTx(), uid)
	for text, ok := range map[string]bool{"[(1, '=', 1)]": true, "[('a', 'in', [1, 2.5, True, None,])]": true, "": true, "[('a', '=', time.now())]": false, "[('a'": false, "{}": false} {
		if _, got := e.ruleDomain(text); got != ok {
			t.Errorf("%s: read %v", text, got)
		}
	}
}

func TestNotifications(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	inbox, mail := w.s.AddUser("inbox", "pw", "base.group_user"), w.s.AddUser("mail", "pw", "base.group_user")
	w.must(w.s.Write("res.users", inbox, vals{"notification_type": "inbox"}))
	partner := func(u int64) int64 { return w.s.Get("res.users", u)["partner_id"].([]any)[0].(int64) }
	p := w.s.Create("res.partner", vals{"name": "A"})
	posted, err := c.Execute(ctx(), "res.partner", "message_post", []any{[]any{p}}, vals{"body": "hi", "partner_ids": []any{partner(inbox), partner(mail)}})
	w.must(err)
	rows, err := c.SearchRead(ctx(), "mail.notification", odoo.Domain{odoo.Cond("mail_message_id", "=", posted)}, []string{"res_partner_id", "is_read", "is_email"}, odoo.Options{Order: "id"})
	w.must(err)
	if len(rows) != 2 || rows[0]["is_read"] != false || rows[1]["is_read"] != true || rows[1]["is_email"] != true {
		t.Fatalf("notifications: %v", rows)
	}
	reader := w.client("inbox", "pw")
	waiting := odoo.Domain{odoo.Cond("needaction", "=", true)}
	if ids, err := reader.Search(ctx(), "mail.message", waiting, odoo.Options{}); err != nil || !slices.Equal(ids, []int64{posted.(int64)}) {
		t.Errorf("needaction: %v %v", ids, err)
	}
	if _, err := reader.Execute(ctx(), "mail.message", "set_message_done", []any{[]any{posted}}, nil); !odoo.IsUnreadable(err) {
		t.Errorf("set_message_done: %v", err)
	}
	if ids, err := reader.Search(ctx(), "mail.message", waiting, odoo.Options{}); err != nil || len(ids) != 0 {
		t.Errorf("after reading: %v %v", ids, err)
	}
}

func TestManualFieldAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	model := w.s.Search("ir.model", []any{[]any{"model", "=", "hr.employee"}})[0]
	_, err := c.Create(ctx(), "ir.model.fields", odoo.Values{"name": "x_ding", "model_id": model, "ttype": "char", "field_description": "Ding", "state": "manual", "size": 4}, nil)
	w.must(err)
	id := w.s.Create("hr.employee", vals{"name": "A", "x_ding": "123456"})
	rows, err := c.SearchRead(ctx(), "hr.employee", odoo.Domain{odoo.Cond("x_ding", "=", "1234")}, []string{"x_ding"}, odoo.Options{})
	w.must(err)
	if len(rows) != 1 || rows[0]["x_ding"] != "1234" {
		t.Errorf("rows: %v", rows)
	}
	backup := w.s.Snapshot()
	w.must(w.s.Write("hr.employee", id, vals{"x_ding": "new"}))
	later := w.s.Create("hr.employee", vals{"name": "lost"})
	w.must(w.s.Restore(backup))
	if e := w.s.Get("hr.employee", id); e["x_ding"] != "1234" {
		t.Errorf("restored: %v", e["x_ding"])
	}
	if w.s.Get("hr.employee", later) != nil {
		t.Error("a later record survived the restore")
	}
	if again := w.s.Create("hr.employee", vals{"name": "same id"}); again != later {
		t.Errorf("the sequence went on to %d, want %d", again, later)
	}
}

func TestSnapshotIsComplete(t *testing.T) {
	w := newWorld(t)
	w.s.Create("hr.employee", vals{"name": "A", "gender": "female", "birthday": "1990-01-01"})
	before := w.s.Get("hr.employee", w.s.Search("hr.employee", nil)[0])
	w.must(w.s.Restore(w.s.Snapshot()))
	after := w.s.Get("hr.employee", w.s.Search("hr.employee", nil)[0])
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	if _, err := w.admin().Authenticate(ctx()); err != nil {
		t.Errorf("log-in after a restore: %v", err)
	}
}

func TestEmployeeWithALeaveCannotBeDeleted(t *testing.T) {
	w := newWorld(t)
	e := w.s.Create("hr.employee", vals{"name": "A"})
	leave := w.s.Create("hr.leave", vals{"employee_id": e, "holiday_status_id": 2, "date_from": "2026-05-05 01:00:00", "date_to": "2026-05-05 10:00:00", "number_of_days": 1})
	if err := w.s.Unlink("hr.employee", e); err == nil || !strings.Contains(err.Error(), "ValidationError") {
		t.Errorf("unlink: %v", err)
	}
	if w.s.Get("hr.employee", e) == nil || w.s.Get("hr.leave", leave)["employee_id"] == false {
		t.Error("the refused deletion left something")
	}
	present := w.s.Create("hr.employee", vals{"name": "B"})
	attendance := w.s.Create("hr.attendance", vals{"employee_id": present, "check_in": "2026-05-04 01:00:00"})
	w.must(w.s.Unlink("hr.employee", present))
	if w.s.Get("hr.attendance", attendance) != nil {
		t.Error("the attendance of a deleted employee is there")
	}
}

func TestOneTransactionOneStamp(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(WithClock(func() time.Time { now = now.Add(time.Millisecond); return now }))
	got, err := s.As("admin").Call("res.partner", "create", []any{[]any{vals{"name": "A"}, vals{"name": "B"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := got.([]int64)
	if !s.WriteDate("res.partner", ids[0]).Equal(s.WriteDate("res.partner", ids[1])) {
		t.Error("two stamps in one transaction")
	}
	before := len(s.Search("res.partner", nil))
	if _, err := s.As("admin").Call("res.partner", "create", []any{[]any{vals{"name": "C"}, vals{"type": "contact"}}}, nil); err == nil {
		t.Error("a partner without a name")
	}
	if n := len(s.Search("res.partner", nil)); n != before {
		t.Errorf("%d records left of a refused create", n-before)
	}
	if id := s.Create("res.partner", vals{"name": "D"}); id != ids[1]+3 {
		t.Errorf("id %d after a refused create: sequences do not go back", id)
	}
}
