package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func loadAll(t testing.TB, texts ...string) *Set {
	t.Helper()
	var sources []Source
	for i, text := range texts {
		sources = append(sources, Source{File: fmt.Sprintf("%d.yaml", i), Data: []byte(text)})
	}
	set, complaints := Load(sources, testSchema(t))
	if set == nil {
		t.Fatal(complaints)
	}
	return set
}

func TestDefaults(t *testing.T) {
	m := load(t, "mapping: a\nodoo: {model: hr.employee}\ndingtalk: {kind: user}\nfields: [{odoo: work_email, dingtalk: email}]\n")
	if m.Direction != ToDingTalk || m.Start != "all" || m.Conflict != HoldConflict || m.Leave != LeaveKeep ||
		m.RemoveOdoo != RemoveNever || m.RemoveDingTalk != RemoveNever || m.CreateOdoo.Allowed || m.CreateDingTalk.Allowed || m.Guard != defaultGuard {
		t.Errorf("%+v", m)
	}
}

func TestEverythingIsCompiled(t *testing.T) {
	m := load(t, `# comment
mapping: staff
renamed_from: people
odoo:
  model: hr.employee
  domain: ["|", "!", [active, =, true], [department_id.name, in, [研发, 'no', 7, 1.5, null, true]]]
  context: {lang: zh_CN, active_test: false}
dingtalk: {kind: user, scope: {departments: [1, 44]}}
direction: both
start: now
match: [mobile, [email, name]]
conflict: dingtalk
fields:
  - {odoo: name, dingtalk: name}
  - {odoo: mobile_phone, dingtalk: mobile, convert: phone_cn}
  - {odoo: work_email, dingtalk: email, wins: odoo}
create: {dingtalk: false, odoo: {when: "active && email != nil"}}
remove: {dingtalk: delete, odoo: archive}
leave: remove
guard: {creates: unlimited, updates: 7, percent: 0.5}
poll: 30s
sweep: 12h
`)
	domain := []any{
		"|", "!",
		[]any{"active", "=", true},
		[]any{"department_id.name", "in", []any{"研发", "no", int64(7), 1.5, nil, true}},
	}
	if fmt.Sprintf("%#v", m.Domain) != fmt.Sprintf("%#v", domain) {
		t.Errorf("domain %#v", m.Domain)
	}
	if fmt.Sprint(m.Context) != "map[active_test:false lang:zh_CN]" || !slices.Equal(m.Departments, []int64{1, 44}) {
		t.Errorf("context %v, departments %v", m.Context, m.Departments)
	}
	if fmt.Sprint(m.Match) != "[[mobile] [email name]]" || m.Conflict != DingTalkWins || m.Fields[2].Wins != OdooWins {
		t.Errorf("match %v, conflict %v, wins %v", m.Match, m.Conflict, m.Fields[2].Wins)
	}
	if m.Guard != (Guard{Creates: -1, Updates: 7, Clears: 20, Removals: 5, Percent: 0.5}) {
		t.Errorf("guard %+v", m.Guard)
	}
	if m.Poll != 30*time.Second || m.Sweep != 12*time.Hour || m.Start != "now" || m.RenamedFrom != "people" || m.Leave != LeaveRemove {
		t.Errorf("%+v", m)
	}
	if ok, err := m.CreateOdoo.When.Bool(Record{"active": true, "email": ""}); ok || err != nil {
		t.Errorf("when: %v, %v", ok, err)
	}
	if !m.Fields[0].Required || !m.Fields[1].Required || m.Fields[2].Required {
		t.Error("name and mobile are required, email is not")
	}
	if m.Pos != (Position{"test.yaml", 2, 1}) || m.Fields[1].Pos != (Position{"test.yaml", 15, 5}) {
		t.Errorf("positions %v %v", m.Pos, m.Fields[1].Pos)
	}
}

func TestRank(t *testing.T) {
	one := func(name, model, kind string, pairs ...string) string {
		return fmt.Sprintf("mapping: %s\nodoo: {model: %s, domain: [[name, =, %s]]}\ndingtalk: {kind: %s}\ndirection: both\nfields:\n  - %s\n", name, model, name, kind, strings.Join(pairs, "\n  - "))
	}
	for name, c := range map[string]struct {
		texts []string
		want  string
	}{
		"referred first": {[]string{
			one("e", "hr.employee", "user", "{odoo: department_id, dingtalk: dept_id_list, ref: d, convert: main_department}"),
			one("d", "hr.department", "department", "{odoo: name, dingtalk: name}"),
		}, "d e"},
		"optional does not count": {[]string{
			one("d", "hr.department", "department", "{odoo: manager_id, dingtalk: dept_manager_userid_list, ref: e, convert: one_of, optional: true}"),
			one("e", "hr.employee", "user", "{odoo: department_id, dingtalk: dept_id_list, ref: d, convert: main_department}"),
		}, "d e"},
		"a cycle keeps file order": {[]string{
			one("e", "hr.employee", "user", "{odoo: department_id, dingtalk: dept_id_list, ref: d, convert: main_department}"),
			one("d", "hr.department", "department", "{odoo: manager_id, dingtalk: dept_manager_userid_list, ref: e, convert: one_of}"),
		}, "e d"},
		"itself": {[]string{
			one("e", "hr.employee", "user", "{odoo: parent_id, dingtalk: manager_userid, ref: e}"),
			one("f", "hr.employee", "user", "{odoo: name, dingtalk: name}"),
		}, "e f"},
	} {
		set := loadAll(t, c.texts...)
		if got := strings.Join(names(set.Ranked), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(set.ByModel("hr.employee")) == 0 || len(set.ByKind("user")) == 0 {
			t.Errorf("%s: the set cannot be searched", name)
		}
	}
}

func TestSignatureAndVersion(t *testing.T) {
	plain := load(t, employeesWith(`{odoo: work_email, dingtalk: email}`, `{odoo: job_title, dingtalk: title}`))
	same := load(t, "# another comment\n\n"+employeesWith(`{odoo: "work_email", dingtalk: email}`, `{ odoo: job_title,  dingtalk: 'title' }`))
	other := load(t, employeesWith(`{odoo: work_email, dingtalk: email, values: {a: b}}`, `{odoo: job_title, dingtalk: title, wins: odoo}`))
	if plain.Version != same.Version {
		t.Error("comments and quotes change the version")
	}
	if plain.Version == other.Version {
		t.Error("other content, same version")
	}
	if plain.Fields[0].Signature != same.Fields[0].Signature || plain.Fields[0].Signature == other.Fields[0].Signature {
		t.Error("the signature of email does not follow its converter")
	}
	if plain.Fields[1].Signature != other.Fields[1].Signature {
		t.Error("who wins is no part of a value's meaning")
	}
	if plain.Fields[0].Signature == plain.Fields[1].Signature {
		t.Error("two fields, one signature")
	}
}

func TestDisjointMappingsMayWriteTheSame(t *testing.T) {
	one := func(name, company string) string {
		return strings.NewReplacer("mapping: employees", "mapping: "+name, "{model: hr.employee}", "{model: hr.employee, domain: [[company_id, =, "+company+"]]}").
			Replace(employeesWith("{odoo: work_email, dingtalk: email}"))
	}
	loadAll(t, one("a", "1"), one("b", "2"))
	if set, _ := Load([]Source{{"a", []byte(one("a", "1"))}, {"b", []byte(one("b", "1"))}}, testSchema(t)); set != nil {
		t.Error("two mappings write the same records")
	}
}

func TestComplaintsComeTogether(t *testing.T) {
	a := Source{"a.yaml", []byte(strings.Replace(employeesWith("{odoo: nam, dingtalk: nmae}"), "both", "bot", 1))}
	b := Source{"b.yaml", []byte("mapping: [")}
	set, complaints := Load([]Source{a, b}, testSchema(t))
	if set != nil || len(complaints) != 4 {
		t.Fatalf("%v\n%s", set, complaints)
	}
	for i, where := range []string{"a.yaml:4:12", "a.yaml:6:12", "a.yaml:6:27", "b.yaml:2:1"} {
		if complaints[i].Position.String() != where && i < 3 {
			t.Errorf("%s, want %s", complaints[i], where)
		}
	}
	if len(complaints.Errors()) != 4 || len(complaints.Warnings()) != 0 {
		t.Error("levels are mixed up")
	}
}

func TestHostileFiles(t *testing.T) {
	bomb := "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
	for i := range 8 {
		row := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", ")
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, row)
	}
	for name, data := range map[string]string{
		"too large":       strings.Repeat("# comment\n", 1<<17),
		"bomb of context": strings.Replace(bomb+employeesWith("{odoo: work_email, dingtalk: email}"), "{model: hr.employee}", "{model: hr.employee, context: {a: *i}}", 1),
		"deep":            "mapping: " + strings.Repeat("[", 5000),
		"many documents":  strings.Repeat("a: 1\n---\n", 600),
		"control":         "mapping: \x00",
		"own alias":       "a: &a [*a]\n",
	} {
		start := time.Now()
		set, complaints := Load([]Source{{"x.yaml", []byte(data)}}, testSchema(t))
		if set != nil || len(complaints.Errors()) == 0 {
			t.Errorf("%s is taken", name)
		}
		if name == "bomb of context" && !strings.Contains(complaints.Error(), "aliases counted each time") {
			t.Errorf("%s: %.500s", name, complaints)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestExamplesThatFail(t *testing.T) {
	set := loadAll(t, employeesWith("{odoo: mobile_phone, dingtalk: mobile, convert: phone_cn}", "{odoo: job_title, dingtalk: title}", "{odoo: parent_id, dingtalk: manager_userid, ref: employees}")+`tests:
  - {name: differs, odoo: {job_title: a}, dingtalk: {title: b}}
  - {name: expected otherwise, odoo: {job_title: a}, expect: {title: b}}
  - {name: writes otherwise, odoo: {job_title: a}, dingtalk: {title: b}, writes: {dingtalk: {title: c}}}
  - {name: should be invalid, odoo: {mobile_phone: "13800000000"}, invalid: [mobile]}
  - {name: is invalid, odoo: {mobile_phone: "1"}, expect: {mobile: "1"}}
  - {name: not told, odoo: {job_title: a}, expect: {mobile: "13800000000"}}
  - {name: nothing to write, odoo: {parent_id: 9}, writes: {dingtalk: {manager_userid: x}}}
  - {name: holds, odoo: {job_title: a}, dingtalk: {title: a}}
`)
	for _, r := range RunTests(set) {
		if r.OK() != (r.Test == "holds") {
			t.Errorf("%s: %v", r.Test, r.Failures)
		}
		if r.Pos.Line < 9 || r.Mapping != "employees" {
			t.Errorf("%s stands at %s", r.Test, r.Pos)
		}
	}
}

func TestConverterNames(t *testing.T) {
	want := "boolean date date_ms datetime deadline dept_name html_text integer label list main_department media number one_of phone_cn recurrence reminders span text urls"
	if got := strings.Join(Converters(), " "); got != want {
		t.Errorf("%s", got)
	}
}

// Files that are small, or within the bound, and would cost much: each is refused with complaints that a person can read to their end.
func TestLoadIsBounded(t *testing.T) {
	const head = "mapping: x\nodoo: {model: hr.employee}\ndingtalk: {kind: user}\nfields:\n"
	bomb := "mapping: x\nodoo: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		alias := fmt.Sprintf("*a%d", i)
		bomb += fmt.Sprintf("k%d: &a%d [%s]\n", i, i+1, strings.Join(slices.Repeat([]string{alias}, 10), ", "))
	}
	for name, text := range map[string]string{
		"lists in lists":   "mapping: " + strings.Repeat("[", 100_000),
		"keys in keys":     "mapping: " + strings.Repeat("{a: ", 50_000),
		"blocks in blocks": strings.Repeat("- ", 60_000),
		"documents":        strings.Repeat("---\nmapping: a\n", 6_000),
		"aliases":          bomb,
		"same pair":        head + strings.Repeat("- {odoo: name, dingtalk: name}\n", 8_000),
		"wrong pairs":      head + strings.Repeat("- {odoo: nme, dingtalk: nam}\n", 8_000),
		"same key":         "mapping: x\n" + strings.Repeat("match: [name]\n", 8_000),
		"expressions":      head + strings.Repeat("- {dingtalk: title, value: 'name + zz'}\n", 5_000),
		"too large":        strings.Repeat("#", maxFileBytes+1),
	} {
		set, complaints := Load([]Source{{"x.yaml", []byte(text)}}, testSchema(t))
		if set != nil || len(complaints.Errors()) == 0 || len(complaints) > maxComplaint+1 {
			t.Errorf("%s: loaded: %v, %d complaints", name, set != nil, len(complaints))
		}
	}
}

// More warnings than are told still keep an error from being overlooked.
func TestComplaintsThatAreLeftOutCountAsAnError(t *testing.T) {
	f := &file{name: "x.yaml"}
	for range 3 * maxComplaint {
		f.warnf(place{}, "careful")
	}
	f.errorf(place{}, "wrong")
	if len(f.complaints) != maxComplaint+1 || len(f.complaints.Errors()) != 1 {
		t.Errorf("%d complaints, %d errors", len(f.complaints), len(f.complaints.Errors()))
	}
}
