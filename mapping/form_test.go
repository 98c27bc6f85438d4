package mapping

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// approvalOf wraps field pairs into a mapping of a model to approvals.
func approvalOf(model, direction string, pairs ...string) string {
	return "mapping: asked\nodoo: {model: " + model + "}\ndingtalk: {kind: approval}\ndirection: " + direction + "\nfields:\n  - " + strings.Join(pairs, "\n  - ") + "\n"
}

const people = "---\nmapping: employees\nodoo: {model: hr.employee}\ndingtalk: {kind: user}\nfields: [{odoo: work_email, dingtalk: email}]\n" +
	"---\nmapping: departments\nodoo: {model: hr.department}\ndingtalk: {kind: department}\nfields: [{odoo: name, dingtalk: name}]\n"

func formField(t *testing.T, pair string) *Field {
	t.Helper()
	direction := "both"
	if strings.Contains(pair, "to_dingtalk") {
		direction = "to_dingtalk"
	}
	return load(t, approvalOf("x_trip", direction, pair)+people).Fields[0]
}

func TestComponentsBothWays(t *testing.T) {
	env := Env{Refs: links, Zone: shanghai(t)}
	for _, c := range []struct {
		pair       string
		odoo, ding any
		want       string
		more       []any // what DingTalk may show for the same
	}{
		{"{odoo: name, dingtalk: form.标题}", "出差", "出差", "出差", []any{[]any{"出差"}, "出差"}},
		{"{odoo: x_days, dingtalk: form.天数}", int64(3), "3", "3", []any{" 3 ", "3"}},
		{"{odoo: x_cost, dingtalk: form.金额}", 0.1 + 0.2, "0.3", "0.3", []any{"0.30"}},
		{"{odoo: x_day, dingtalk: form.日期}", "2026-02-19", "2026-02-19", "2026-02-19", []any{"2026-02-19 07:30", "2026-02-19 07:30:12"}},
		{"{odoo: x_begin, dingtalk: form.开始时间}", "2026-02-18 23:30:59", "2026-02-19 07:30", "2026-02-18T23:30:00Z", []any{"2026-02-19 07:30:12"}},
		{"{odoo: x_begin, dingtalk: form.开始时间, convert: datetime}", "2026-02-18 16:00:00", "2026-02-19 00:00", "2026-02-18T16:00:00Z", []any{"2026-02-19"}},
		{"{odoo: x_urgent, dingtalk: form.加急, values: {是: 'true', 否: 'false'}}", false, "否", "false", []any{[]any{"否"}}},
		{"{odoo: x_employee_id, dingtalk: form.同行人, ref: employees}", map[string]any{"id": int64(11), "name": "x"}, "zhangsan", "11", []any{[]any{"zhangsan"}}},
		{"{odoo: x_employee_id, dingtalk: form.同行人, ref: employees, convert: one_of}", map[string]any{"id": int64(11), "name": "x"}, []any{"zhangsan"}, "11", []any{"zhangsan", []any{"zhangsan", "lisi"}}},
		{"{odoo: x_companions, dingtalk: form.同行人, ref: employees}", []int64{12, 11}, []any{"zhangsan", "lisi"}, `["11","12"]`, []any{[]any{"lisi", "zhangsan", "lisi"}}},
		{"{odoo: x_departments, dingtalk: form.部门, ref: departments}", []int64{7}, []any{"4001"}, `["7"]`, []any{"4001"}},
		{"{odoo: x_tags, dingtalk: form.标签, convert: list}", "a b\r\n\n c ", []any{"a b", "c"}, "a b\nc", nil},
		{"{odoo: x_photos, dingtalk: form.图片, convert: urls}", "https://a.example/1.png  https://a.example/2.png?x=1,2", []any{"https://a.example/1.png", "https://a.example/2.png?x=1,2"}, "https://a.example/1.png\nhttps://a.example/2.png?x=1,2", nil},
		{"{odoo: x_employee_id, dingtalk: form.姓名, convert: label, direction: to_dingtalk}", map[string]any{"id": int64(11), "name": "张三"}, "张三", "张三", nil},
		{"{odoo: x_note, dingtalk: form.说明, convert: html_text, direction: to_dingtalk}", "<p>a&nbsp;<b>b</b></p><p>c</p>", "a b\nc", "a b\nc", []any{"a b\r\nc"}},
	} {
		f := formField(t, c.pair)
		v, err := f.Read(Odoo, Record{f.OdooName: c.odoo}, env)
		if err != nil || v != Text(c.want) {
			t.Errorf("%s: %v is read from odoo as %s, %v; want %s", c.pair, c.odoo, v, err, c.want)
			continue
		}
		raw, err := f.Write(DingTalk, v, nil, env)
		if err != nil || !reflect.DeepEqual(raw, c.ding) {
			t.Errorf("%s: written as %#v, %v; want %#v", c.pair, raw, err, c.ding)
		}
		for _, shown := range append(c.more, raw) {
			if v, err := f.Read(DingTalk, Record{f.DingName: shown}, env); err != nil || v != Text(c.want) {
				t.Errorf("%s: %v is read from dingtalk as %s, %v; want %s", c.pair, shown, v, err, c.want)
			}
		}
		for _, empty := range []any{nil, "", []any{}} {
			if v, err := f.Read(DingTalk, Record{f.DingName: empty}, env); err != nil || !v.IsEmpty() {
				t.Errorf("%s: %#v is read as %s, %v", c.pair, empty, v, err)
			}
		}
	}
}

func TestComponentsWrittenToOdoo(t *testing.T) {
	env := Env{Refs: links, Zone: shanghai(t)}
	for _, c := range []struct {
		pair string
		ding any
		want any // nil = an error
	}{
		{"{odoo: x_days, dingtalk: form.天数}", "3", int64(3)},
		{"{odoo: x_days, dingtalk: form.天数}", "drei", nil},
		{"{odoo: x_cost, dingtalk: form.金额}", "1500.50", 1500.5},
		{"{odoo: x_begin, dingtalk: form.开始时间}", "2026-02-19 07:30", "2026-02-18 23:30:00"},
		{"{odoo: x_begin, dingtalk: form.开始时间}", "2026-02-19 上午", nil},
		{"{odoo: x_begin, dingtalk: form.开始时间}", "0001-01-01", nil},
		{"{odoo: x_urgent, dingtalk: form.加急, values: {是: 'true', 否: 'false'}}", "是", true},
		{"{odoo: x_urgent, dingtalk: form.加急, values: {是: 'true', 否: 'false'}}", "也许", nil},
		{"{odoo: x_companions, dingtalk: form.同行人, ref: employees}", []any{"lisi", "zhangsan"}, []int64{11, 12}},
		{"{odoo: x_tags, dingtalk: form.标签, convert: list}", []any{"a", "b"}, "a\nb"},
		{"{odoo: name, dingtalk: form.标签}", []any{"a", "b"}, nil},
		{"{odoo: name, dingtalk: form.明细}", []any{map[string]any{"a": "b"}}, nil},
	} {
		f := formField(t, c.pair)
		v, err := f.Read(DingTalk, Record{f.DingName: c.ding}, env)
		if err != nil {
			if c.want != nil || !v.IsUnknown() {
				t.Errorf("%s: %v: %s, %v", c.pair, c.ding, v, err)
			}
			continue
		}
		if raw, err := f.Write(Odoo, v, nil, env); err != nil || c.want == nil || !reflect.DeepEqual(raw, c.want) {
			t.Errorf("%s: %v is written as %#v, %v; want %#v", c.pair, c.ding, raw, err, c.want)
		}
	}
}

func TestListOfReferencesWaitsForEachOfThem(t *testing.T) {
	f := formField(t, "{odoo: x_companions, dingtalk: form.同行人, ref: employees}")
	env := Env{Refs: links}
	if v, err := f.Read(Odoo, Record{f.OdooName: []int64{11, 99}}, env); err != nil || !v.IsUnknown() {
		t.Errorf("%s, %v", v, err)
	}
	_, err := f.Write(DingTalk, Text(`["11","99"]`), nil, env)
	var missing *MissingRef
	if !errors.As(err, &missing) || missing.Link != "99" {
		t.Errorf("%v", err)
	}
	if raw, err := f.Write(DingTalk, EmptyValue, nil, env); raw != nil || err != nil {
		t.Errorf("%v, %v", raw, err)
	}
}

func TestTimesThatAFormCannotShow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := formField(t, "{odoo: x_begin, dingtalk: form.开始时间}")
	// On this night 02:30 comes twice, an hour apart.
	first, err1 := f.Write(DingTalk, Text("2026-10-25T00:30:00Z"), nil, Env{Zone: berlin})
	second, err2 := f.Write(DingTalk, Text("2026-10-25T01:30:00Z"), nil, Env{Zone: berlin})
	if (err1 == nil) == (err2 == nil) {
		t.Errorf("%v, %v; %v, %v", first, err1, second, err2)
	}
}

func TestHTMLText(t *testing.T) {
	for source, want := range map[string]string{
		"plain":                        "plain",
		"<p><br></p>":                  "",
		" a \n\t b ":                   "a b",
		"<p>a</p>\n<p>b</p>":           "a\nb",
		"<p>a</p><p><br/></p><p>b</p>": "a\n\nb",
		"a<br>b<br><br><br>c":          "a\nb\n\nc",
		"<ul><li>one</li><li><p>two</p></li></ul>":       "one\ntwo",
		"<table><tr><td>a</td><td>b</td></tr></table>":   "a b",
		"<b>1 &lt; 2</b> &amp;&nbsp;3":                   "1 < 2 & 3",
		"<script>alert('x')</script>a<style>b{}</style>": "a",
		"<p>a <b>b</b>c":       "a bc",
		"</script>a<!-- b -->": "a",
	} {
		if got := PlainHTML(source); got != want {
			t.Errorf("%q is %q, not %q", source, got, want)
		}
	}
}

func TestValueOfPhotos(t *testing.T) {
	f := formField(t, `{dingtalk: form.图片, value: "x_photos + ' https://b.example/' + string(id)", convert: urls, direction: to_dingtalk}`)
	v, err := f.Compute(Record{"id": int64(7), "x_photos": "https://a.example/1.png"})
	if err != nil || v != Text("https://a.example/1.png\nhttps://b.example/7") {
		t.Fatalf("%s, %v", v, err)
	}
	raw, err := f.Write(DingTalk, v, nil, Env{})
	if err != nil || !reflect.DeepEqual(raw, []any{"https://a.example/1.png", "https://b.example/7"}) {
		t.Errorf("%v, %v", raw, err)
	}
	if back, err := f.Read(DingTalk, Record{f.DingName: raw}, Env{}); err != nil || back != v {
		t.Errorf("%s, %v", back, err)
	}
	if raw, err := f.Write(DingTalk, Text("ftp://a.example/1.png"), nil, Env{}); err == nil {
		t.Errorf("sent %v", raw)
	}
}

var aForm = Record{
	"title": "张三的报销", "outcome": "", "form.费用类型": "差旅", "form.备注": nil, "form.金额": "12.50", "form.标签": []any{"a", "b"}, "form.一个": []any{"a"},
	"form.明细": []any{
		map[string]any{"名称": "机票", "金额": "800.10", "人数": "2"},
		map[string]any{"名称": "酒店", "金额": nil},
		Record{"名称": "打车", "金额": "20.20", "人数": nil},
	}, "form.空表": nil,
}

func formExpr(t *testing.T, source string) (*Expr, *exprError) {
	t.Helper()
	e, _, problem := compileValue(source, dingScope(testSchema(t).Kinds["approval"]))
	return e, problem
}

func TestFormExpressions(t *testing.T) {
	for source, want := range map[string]Value{
		`form.费用类型`:                                  Text("差旅"),
		`form["费用类型"] + '!'`:                         Text("差旅!"),
		`form.备注`:                                    EmptyValue,
		`form.备注 == nil`:                             Text("true"),
		`form.备注 ?? '无'`:                             Text("无"),
		`form.费用类型 ?? '无'`:                           Text("差旅"),
		`form.备注 + title`:                            Text("张三的报销"),
		`number(form.金额) * 2`:                        Text("25"),
		`number(form.备注)`:                            Text("0"),
		`sum(form.明细, number(.金额))`:                  Text("820.3"),
		`form.明细 | sum(number(.金额))`:                 Text("820.3"),
		`sum(form.空表, number(.金额))`:                  Text("0"),
		`count(form.明细, .金额 == nil)`:                 Text("1"),
		`join(map(form.明细, .名称 + .人数), '、')`:         Text("机票2、酒店、打车"),
		`join(map(filter(form.明细, .金额 != ''), .名称))`: Text("机票打车"),
		`any(form.明细, .名称 contains '机')`:             Text("true"),
		`len(form.明细)`:                               Text("3"),
		`join(form.标签, ',')`:                         Text("a,b"),
		`'a' in form.标签 and 'c' not in form.标签`:      Text("true"),
		`'a' in form.备注`:                             Text("false"),
		`len(rows(form.备注))`:                         Text("0"),
		`join(rows(form.费用类型), ',')`:                 Text("差旅"),
		`{{ title }}: {{ form["金额"] }}元`:             Text("张三的报销: 12.50元"),
		`let t = form.空表; sum(t, number(.金额))`:       Text("0"),
		`0.1 + 0.2`: Text("0.3"),
		`form.没有的`:  UnknownValue,
	} {
		e, problem := formExpr(t, source)
		if problem != nil {
			t.Errorf("%s: %d: %s", source, problem.offset, problem.message)
			continue
		}
		if got, err := e.Text(aForm); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestFormExpressionNames(t *testing.T) {
	e, problem := formExpr(t, `form["费用类型"] + title + string(sum(form.明细, number(.金额))) + form.费用类型`)
	if problem != nil {
		t.Fatal(problem.message)
	}
	if got := e.Names(); !slices.Equal(got, []string{"form.明细", "form.费用类型", "title"}) {
		t.Errorf("%v", got)
	}
	m := load(t, approvalOf("x_trip", "to_odoo", `{odoo: x_cost, value: "sum(form.明细, number(.金额))"}`, `{odoo: name, dingtalk: form.标题}`)+"create: {odoo: {when: \"form.类型 == 'x'\"}}\n")
	if got := m.DingFields(); !slices.Equal(got, []string{"form.明细", "form.标题", "form.类型"}) {
		t.Errorf("%v", got)
	}
	if v, err := m.Fields[0].Compute(aForm); err != nil || v != Text("820.3") {
		t.Errorf("%s, %v", v, err)
	}
}

func TestFormExpressionsRefused(t *testing.T) {
	for source, want := range map[string]string{
		`form`:                      "form stands for nothing by itself",
		`len(form)`:                 "form stands for nothing by itself",
		`form[title]`:               "form stands for nothing by itself",
		`let f = form; f.金额`:        "form stands for nothing by itself",
		`from.金额`:                   `approval has no field "from"; did you mean "form"?`,
		`numbr(form.金额)`:            `numbr`,
		`map(form.明细, map(.人, .x))`: "loop within a loop",
		`sum(form.明细, number(.金额)`:  "",
		`number()`:                  "not enough arguments",
		`title + number(form.金额)`:   "invalid operation",
		`row["金额"]`:                 `has no field "row"`,
		`keys(form.明细)`:             "keys() is not available",
	} {
		e, problem := formExpr(t, source)
		if problem == nil || !strings.Contains(problem.message, want) {
			t.Errorf("%s: %v, %v; want %q", source, e, problem, want)
		}
	}
	for _, source := range []string{`number(title)`, `number(form.明细)`, `sum(form.明细, number(.名称))`, `{{ form.明细 }}`, `form.标签`} {
		e, problem := formExpr(t, source)
		if problem != nil {
			t.Errorf("%s: %s", source, problem.message)
			continue
		}
		if v, err := e.Text(aForm); err == nil {
			t.Errorf("%s is %s", source, v)
		}
	}
	if _, _, problem := compileValue("number('1')", odooScope("x", map[string]OdooField{"name": {Type: "char"}})); problem == nil {
		t.Error("number() shadows a field of that name in Odoo")
	}
}
