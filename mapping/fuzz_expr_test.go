package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// FuzzExpression compiles and evaluates anything. It must not panic; a complaint points into the text; what was accepted has no loop
// within a loop, reads only fields there are, gives the same result each time, and not more than the budget lets it build.
func FuzzExpression(f *testing.F) {
	for _, source := range append([]string{
		`'odoo' + string(id)`, `job_title ?? 'none'`, `parent_id.name == '' ? 'none' : department_id.name`, `join(map(child_ids, string(#)), ',')`,
		`工号 {{ id }}: {{ name }} {{ job_title }}`, `{{ active && id > 40 ? 'yes' : 'no' }}`, `let x = id; string(x)`, `count(child_ids, any(category_ids, # > 1))`,
		`reduce(child_ids, #acc + #, 0)`, `$env.name`, `date(birthday).Year()`, `name matches '^张' and birthday < '1991-01-01'`, `birthday[0:4]`,
		`{{ name }`, `sortBy(child_ids, -#) | first() | string()`, `{"a": name}.a`, `groupBy(child_ids, # > 3)[true][0]`, `split(name, '')[-1]`,
		`toJSON({b: 1, a: child_ids})`, `fromJSON('[1,{"a":null}]')[1].a ?? 'x'`, `1..3 == [1,2,3]`, `-2 ** 63 % 7 / 0`, `int(name) + float(birthday)`,
		`parent_id.department_id.manager_id.work_email`, `parent_id?.department_id?.name ?? 'x'`, `child_ids.name`, `parent_id["active"] ? parent_id.x_a : job_id.y`,
	}, tooMuch[0], tooMuch[8]) {
		f.Add(source)
	}
	fields, _ := testSchema(f).Models("hr.employee")
	scope := odooScope("hr.employee", fields).over(testSchema(f), fields)
	records := []Record{aPerson, {}, {}, {}}
	for name := range scope.kinds {
		records[2][name] = nil
		records[3][name] = strings.Repeat("名<'", 3000) // not what its type promises, for most
	}
	for _, path := range []string{"parent_id.department_id", "parent_id.department_id.manager_id", "parent_id.work_email", "parent_id.active", "parent_id.child_ids"} {
		records[2][path], records[3][path] = nil, "名"
	}
	f.Fuzz(func(t *testing.T, source string) {
		if c, problem := compileCondition(source, scope); problem == nil {
			for _, rec := range records {
				if _, err := c.Bool(rec); err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("%q", err)
				}
			}
		}
		e, kind, problem := compileValue(source, scope)
		if problem != nil {
			if problem.message == "" || problem.offset < 0 || problem.offset > utf8.RuneCountInString(source) {
				t.Errorf("complaint %q at %d of %q", problem.message, problem.offset, source)
			}
			return
		}
		shown, _, problem := compileValue(source, scope.asMarkdown())
		if problem != nil {
			t.Fatalf("%s is refused only as markdown: %s", source, problem.message)
		}
		if e.plain && nestedLoops(source) {
			t.Errorf("a loop within a loop was accepted: %s", source)
		}
		for _, name := range e.Names() {
			if _, fault := scope.follow(name); fault != nil && !fault.doubt {
				t.Errorf("%s is no field: %s", name, fault.message)
			}
		}
		for _, rec := range records {
			v, err := e.Text(rec)
			switch {
			case err != nil && (!v.IsUnknown() || strings.Contains(err.Error(), "\n")):
				t.Errorf("%s, %q", v, err)
			case len(v.Text) > 8*workBudget:
				t.Errorf("%d bytes", len(v.Text))
			}
			if err == nil && kind == kindBool && !v.IsUnknown() && v.Text != "true" && v.Text != "false" {
				t.Errorf("a boolean that is %q", v.Text)
			}
			if again, failed := e.Text(rec); again != v || fmt.Sprint(failed) != fmt.Sprint(err) {
				t.Errorf("%s, %v, then %s, %v", v, err, again, failed)
			}
			if err == nil && !strings.ContainsAny(source, "[]"+string(insertOpen)+string(insertShut)) {
				sameWords(t, shown, rec, v)
			}
		}
	})
}

// sameWords checks that a text is shown as markdown with other widths and blanks at most.
func sameWords(t *testing.T, shown *Expr, rec Record, want Value) {
	t.Helper()
	narrow := func(v Value) string { return strings.Join(strings.Fields(halfwidth(v.Text)), "") }
	if got, err := shown.Text(rec); err != nil || narrow(got) != narrow(want) {
		t.Errorf("%s: %q, %v, want %q", shown.Source, got.Text, err, want.Text)
	}
}

// FuzzRowExpression compiles and evaluates anything about a row of a table. It must not panic, names only what it may, and gives the same
// result each time.
func FuzzRowExpression(f *testing.F) {
	for _, source := range []string{
		`number(金额) + number(row["金额"])`, `form.费用类型 ?? '无'`, `sum(form.明细, number(.金额))`, `let x = row.金额; string(x)`, `'a' in form.标签`,
		`{{ title }}: {{ form["金额"] }}元`, `join(map(form.明细, .名称 + .人数), '、')`, `rows(rows(form.明细))[0].名称 == nil`, `form?.标签 | first()`,
		`number(repeat(title, 99))`, `let number = 1; number + number(row.a)`, `reduce(form.明细, #acc + number(.金额), 0)`, `form == nil`, `[form.a][0]`,
	} {
		f.Add(source)
	}
	scope := rowScope(dingScope(testSchema(f).Kinds["approval"]), "form.明细")
	row := map[string]any{"金额": "12.5", "a": []any{"x", map[string]any{"b": nil}}, "c": map[string]any{}, "d": int64(7)}
	records := []Record{rowRecord(aForm, row), {}, rowRecord(Record{"form.明细": "x", "title": nil}, nil)}
	f.Fuzz(func(t *testing.T, source string) {
		e, _, problem := compileValue(source, scope)
		if problem != nil {
			if problem.message == "" || problem.offset < 0 || problem.offset > utf8.RuneCountInString(source) {
				t.Errorf("complaint %q at %d of %q", problem.message, problem.offset, source)
			}
			return
		}
		for _, name := range e.Names() {
			if _, known := scope.kinds[name]; !known && !strings.HasPrefix(name, "form.") && !strings.HasPrefix(name, rowPrefix) {
				t.Errorf("%s is no field", name)
			}
		}
		for _, rec := range records {
			v, err := e.Text(rec)
			if err != nil && (!v.IsUnknown() || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s, %q", v, err)
			}
			if again, failed := e.Text(rec); again != v || fmt.Sprint(failed) != fmt.Sprint(err) {
				t.Errorf("%s, %v, then %s, %v", v, err, again, failed)
			}
		}
	})
}

// nestedLoops looks for a loop within a loop by itself.
func nestedLoops(source string) bool {
	tree, err := parser.Parse(source)
	if err != nil {
		return false
	}
	var w loopWalker
	ast.Walk(&tree.Node, &w)
	return w.nested
}

// loopWalker sees children before their parents: a loop that comes after others holds those that stand within its place.
type loopWalker struct {
	inner  []ast.Node
	nested bool
}

func (w *loopWalker) Visit(node *ast.Node) {
	p, ok := (*node).(*ast.PredicateNode)
	if !ok {
		return
	}
	w.nested = w.nested || slices.ContainsFunc(w.inner, func(n ast.Node) bool {
		return ast.Find(p.Node, func(x ast.Node) bool { return x == n }) != nil
	})
	w.inner = append(w.inner, p)
}

// FuzzConvert gives every converter any text or number from either side. It must not panic; a value it understands is written so that
// reading it back gives the same value.
func FuzzConvert(f *testing.F) {
	for _, text := range []string{
		"", "13800000000", "+852-51234567", "８６１３８", "2020-02-30", "2020-02-29", "2020-02-29 12:00:00", "1582934400000", "-1", "9223372036854775807",
		"研发,一部", "a\r\nb", "true", "1e9", "0x10", "\x00", "\xff", "NaN", "[1,2]", "{\"id\":7}",
	} {
		f.Add(text, int64(len(text)), float64(len(text))/3)
	}
	f.Add("0001-01-01", int64(-62135596800000), 1e300)
	f.Add("9999-12-31", int64(253402300799999), 0.5)
	converters := everyConverter()
	zone := shanghai(f)
	f.Fuzz(func(t *testing.T, text string, whole int64, number float64) {
		for _, c := range converters {
			for _, side := range []Side{Odoo, DingTalk} {
				for _, raw := range []any{text, whole, number, whole%2 == 0, []any{text, whole}, map[string]any{"id": whole, "name": text}, []int64{whole}} {
					env := Env{Zone: zone, Refs: links, Record: Record{"x": raw}}
					v, err := c.Read(side, raw, env)
					if err != nil || v.IsUnknown() || v.IsEmpty() {
						continue
					}
					env.Base = v
					for _, to := range []Side{Odoo, DingTalk} {
						written, err := c.Write(to, v, nil, env)
						if err != nil {
							continue
						}
						env.Record = Record{"x": written}
						back, err := c.Read(to, written, env)
						if err != nil || back != v {
							t.Errorf("%s: %s %#v is %s, written to %s as %#v, read back as %s, %v", c.Name(), side, raw, v, to, written, back, err)
						}
					}
				}
			}
		}
	})
}

// everyConverter is each converter for each pair of types it accepts.
func everyConverter() []Converter {
	var all []Converter
	odooTypes := []string{"char", "text", "html", "selection", "date", "datetime", "integer", "float", "monetary", "boolean", "many2one", "many2many"}
	for _, name := range keysOf(makers) {
		for _, o := range odooTypes {
			for _, d := range []string{typeText, typeID, typeInteger, typeInstant, typeBoolean, typeIDList, typeComponent} {
				if c, problem := makers[name](pair{&OdooField{Type: o}, &KindField{Type: d}, Both}); problem == "" {
					all = append(all, c)
				}
			}
		}
	}
	return all
}
