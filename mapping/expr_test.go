package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func compileFor(t testing.TB, source string) *Expr {
	t.Helper()
	fields, _ := testSchema(t).Models("hr.employee")
	e, _, problem := compileValue(source, odooScope("hr.employee", fields))
	if problem != nil {
		t.Fatalf("%s: %d: %s", source, problem.offset, problem.message)
	}
	return e
}

var aPerson = Record{
	"id": int64(42), "name": "张三", "job_title": nil, "active": true, "color": int64(0), "children": nil, "km_home_work": int64(5),
	"department_id": map[string]any{"id": int64(7), "name": "研发"}, "parent_id": nil, "child_ids": []int64{3, 4}, "category_ids": []int64{},
	"birthday": "1990-02-03", "remaining_leaves": 2.5,
}

func TestExpressionText(t *testing.T) {
	for source, want := range map[string]Value{
		`'odoo' + string(id)`:                    Text("odoo42"),
		`id`:                                     Text("42"),
		`active`:                                 Text("true"),
		`5`:                                      Text("5"),
		`'fixed'`:                                Text("fixed"),
		`job_title`:                              EmptyValue,
		`job_title ?? 'none'`:                    Text("none"),
		`name ?? 'none'`:                         Text("张三"),
		`job_title == nil ? 'empty' : 'filled'`:  Text("empty"),
		`nil != name ? 'filled' : 'empty'`:       Text("filled"),
		`name + job_title + '!'`:                 Text("张三!"),
		`department_id.name`:                     Text("研发"),
		`parent_id.name`:                         EmptyValue,
		`parent_id.name == '' ? 'none' : 'some'`: Text("none"),
		`parent_id == nil`:                       Text("true"),
		`department_id != nil`:                   Text("true"),
		`parent_id.name ?? 'none'`:               Text("none"),
		`child_ids == nil`:                       Text("false"),
		`category_ids == nil`:                    Text("true"),
		`len(child_ids)`:                         Text("2"),
		`join(map(child_ids, string(#)), ',')`:   Text("3,4"),
		`color == nil`:                           Text("true"),
		`km_home_work ?? 9`:                      Text("5"),
		`children ?? 9`:                          Text("9"),
		`remaining_leaves`:                       Text("2.5"),

		`birthday < '1991-01-01' ? 'old' : 'new'`: Text("old"),
		`工号 {{ id }}: {{ name }} {{ job_title }}`: Text("工号 42: 张三 "),
		`{{ job_title }}`:                                EmptyValue,
		`{{ active && id > 40 ? 'yes' : 'no' }}`:         Text("yes"),
		`x {{ department_id.name }} {{ parent_id.name}}`: Text("x 研发 "),
	} {
		got, err := compileFor(t, source).Text(aPerson)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestExpressionUnknown(t *testing.T) {
	e := compileFor(t, `name + (job_title ?? '')`)
	if v, err := e.Text(Record{"name": "x"}); err != nil || !v.IsUnknown() {
		t.Errorf("%s, %v", v, err)
	}
	fields, _ := testSchema(t).Models("hr.employee")
	c, problem := compileCondition("active && mobile_phone != nil", odooScope("hr.employee", fields))
	if problem != nil {
		t.Fatal(problem.message)
	}
	if _, err := c.Bool(Record{"active": true}); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	for rec, want := range map[*Record]bool{
		{"active": true, "mobile_phone": "1"}: true, {"active": true, "mobile_phone": nil}: false, {"active": false, "mobile_phone": "1"}: false,
	} {
		if got, err := c.Bool(*rec); err != nil || got != want {
			t.Errorf("%v: %v, %v", *rec, got, err)
		}
	}
}

func TestExpressionLimits(t *testing.T) {
	for _, source := range []string{
		`len(1..1000000000)`,
		`repeat(name, 1000000000)`,
		`string(sum(map(1..10000000, # * 2)))`,
		`join(map(1..90000, repeat(name, 1000)))`,
	} {
		start := time.Now()
		v, err := compileFor(t, source).Text(aPerson)
		if err == nil {
			t.Errorf("%s: %d bytes", source, len(v.Text))
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", source, took)
		}
	}
	for _, source := range tooMuch {
		if v, err := compileFor(t, source).Text(aPerson); err == nil || !strings.Contains(err.Error(), "too much") && !strings.Contains(err.Error(), "budget") {
			t.Errorf("%.60s: %d bytes, %v", source, len(v.Text), err)
		}
	}
	fields, _ := testSchema(t).Models("hr.employee")
	scope := odooScope("hr.employee", fields)
	for source, want := range map[string]string{
		`count(child_ids, any(category_ids, # > 1))`:       "loop within a loop",
		`map(child_ids, map(1..9, map(1..9, #)))`:          "loop within a loop",
		`reduce(child_ids, #acc + count(child_ids, true))`: "loop within a loop",
		strings.Repeat("id + ", 600) + "id":                "node",
		`string(now())`:                                    "now()",
		`join(keys({a: 'x'}), ',')`:                        "no order",
		strings.Repeat("(", 20000) + "1":                   "longer than",
		strings.Repeat("[", 1000) + "1":                    "",
		`$env.name`:                                        "$env",
		`env("HOME")`:                                      "env",
	} {
		if _, _, problem := compileValue(source, scope); problem == nil || !strings.Contains(problem.message, want) {
			t.Errorf("%.60s: %v", source, problem)
		}
	}
	// One loop after another is none within another.
	if v, err := compileFor(t, `len(filter(map(child_ids, # * 2), # > 6))`).Text(aPerson); err != nil || v != Text("1") {
		t.Errorf("%s, %v", v, err)
	}
}

// doublings is an expression that doubles what its first variable holds n times.
func doublings(first, double string, n int, last string) string {
	var b strings.Builder
	b.WriteString("let v0 = " + first + "; ")
	for i := range n {
		fmt.Fprintf(&b, "let v%d = %s; ", i+1, strings.ReplaceAll(double, "#", fmt.Sprintf("v%d", i)))
	}
	return b.String() + strings.ReplaceAll(last, "#", fmt.Sprintf("v%d", n))
}

// tooMuch are small expressions that would take all memory, or minutes.
var tooMuch = []string{
	doublings(`'0123456789'`, `# + #`, 40, `#`),
	doublings(`['x']`, `[#, #]`, 60, `toJSON(#)`),
	doublings(`['x']`, `[#, #]`, 60, `string(#)`),
	doublings(`['x']`, `[#, #]`, 60, `string(# == #)`),
	doublings(`['x']`, `concat(#, #)`, 30, `string(len(#))`),
	doublings(`'<>'`, `toBase64(#)`, 90, `#`),
	`reduce(1..50000, #acc + '0123456789', '')`,
	`string(len(reduce(1..90, #acc + #acc, '0123456789')))`,
	`repeat(repeat('a', 90000), 1000000)`,
	`replace(repeat('a', 90000), 'a', repeat('b', 9000))`,
	`replace(repeat('a', 90000), '', repeat('b', 9000))`,
	`join(split(repeat('a', 90000), ''), repeat('b', 9000))`,
	`toJSON(map(1..40000, '0123456789012345678901234567890123456789'))`,
	`string(count(1..90000, sum(1..90000) > 0))`,
	`let a = 1..40000; string(count(a, sum(a) > 0))`,
	`let a = 1..40000; string(count(a, # in a))`,
	`let a = split(repeat('a ', 20000), ' '); string(count(a, len(a) > 3))`,
	`let a = repeat('a', 90000); string(count(1..90000, a contains 'b'))`,
	`let a = repeat('a', 90000); string(count(1..90000, a matches '(a|aa)+$'))`,
	`string(len(uniq(1..90000)))`,
}

// What an evaluation spends is its own: many small ones in a row are no large one.
func TestExpressionBudgetIsFresh(t *testing.T) {
	e := compileFor(t, `repeat('ab', 30000) contains 'x' ? 'yes' : 'no'`)
	for range 20 {
		if v, err := e.Text(aPerson); err != nil || v != Text("no") {
			t.Fatalf("%s, %v", v, err)
		}
	}
}

func TestExpressionNames(t *testing.T) {
	e := compileFor(t, `{{ name }} {{ department_id.name }} {{ let x = id; string(x) }} {{ name }}`)
	if got := strings.Join(e.Names(), " "); got != "department_id id name" {
		t.Errorf("names %q", got)
	}
}

func TestExpressionFailureNamesItsPlace(t *testing.T) {
	m := load(t, employeesWith(`{dingtalk: title, value: "split(name, ',')[5]"}`))
	_, failed := m.View(Odoo, Record{"name": "a,b"}, nil, nil, nil)
	if len(failed) != 1 || !strings.HasPrefix(failed[0].Error(), "title: test.yaml:6:") || strings.Contains(failed[0].Error(), "\n") {
		t.Errorf("%v", failed)
	}
}

func TestExpressionOverDingTalk(t *testing.T) {
	m := load(t, employeesWith(`{odoo: notes, value: "{{ name }} {{ hired_date }} {{ join(dept_id_list, '/') }} {{ active }}"}`))
	rec := Record{"name": "x", "hired_date": int64(5), "dept_id_list": []any{"1", int64(2)}, "active": true}
	view, failed := m.View(DingTalk, rec, nil, nil, nil)
	if len(failed) > 0 || view["notes"] != Text("x 5 1/2 true") {
		t.Errorf("%v %v", view, failed)
	}
	if got := strings.Join(m.DingFields(), " "); got != "active dept_id_list hired_date name" {
		t.Errorf("reads %q", got)
	}
	if got := strings.Join(m.OdooFields(), " "); got != "notes" {
		t.Errorf("reads %q", got)
	}
}
