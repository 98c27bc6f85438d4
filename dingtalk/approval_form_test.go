package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func field(kind, label string, more ...func(*Component)) Component {
	c := Component{ID: kind + "_1", Type: kind, Label: label}
	c.Labels = labelList(label)
	for _, m := range more {
		m(&c)
	}
	return c
}

func needed(c *Component) { c.Required = true }

func choices(texts ...string) func(*Component) { return func(c *Component) { c.Options = texts } }

func format(f, unit string) func(*Component) {
	return func(c *Component) { c.Format, c.Unit = f, unit }
}

func columns(children ...Component) func(*Component) {
	return func(c *Component) { c.Children = children }
}

const twoEnds = `["开始时间","结束时间"]`

// Every row of the table of values that an app may set (发起审批实例, 表单控件说明).
func TestEncodeForm(t *testing.T) {
	file := map[string]any{"spaceId": int64(1), "fileName": "a.pdf", "fileSize": float64(333), "fileType": "pdf", "fileId": "2", "other": 1}
	items := field("TableField", "明细", columns(field("TextField", "品名", needed), field("NumberField", "数量"), field("DDPhotoField", "照片"), field("TextareaField", "备注")))
	for _, c := range []struct {
		component Component
		values    map[string]any
		want      string
	}{
		{field("TextField", "x"), map[string]any{"x": `a<b>&"c"`}, `a<b>&"c"`},
		{field("TextField", "x"), map[string]any{"x": 12}, "12"},
		{field("TextareaField", "x"), map[string]any{"x": "a\nb\r\nc"}, "a\r\nb\r\nc"},
		{field("NumberField", "x"), map[string]any{"x": "100"}, "100"},
		{field("NumberField", "x"), map[string]any{"x": 100}, "100"},
		{field("NumberField", "x"), map[string]any{"x": 0.5}, "0.5"},
		{field("NumberField", "x"), map[string]any{"x": json.Number("-7")}, "-7"},
		{field("MoneyField", "x"), map[string]any{"x": "1500.50"}, "1500.50"},
		{field("DDSelectField", "x", choices("A", "B")), map[string]any{"x": "B"}, "B"},
		{field("DDSelectField", "x", choices("A", "B")), map[string]any{"x": []any{"B"}}, "B"},
		{field("DDSelectField", "x"), map[string]any{"x": "of another form"}, "of another form"},
		{field("DDMultiSelectField", "x", choices("A", "B")), map[string]any{"x": []any{"A", "B"}}, `["A","B"]`},
		{field("DDMultiSelectField", "x", choices("A", "B")), map[string]any{"x": "A"}, `["A"]`},
		{field("DDMultiSelectField", "x", choices("A", "B")), map[string]any{"x": []string{"A"}}, `["A"]`},
		{field("DDDateField", "x"), map[string]any{"x": "2026-08-17"}, "2026-08-17"},
		{field("DDDateField", "x"), map[string]any{"x": "2026-08-17 15:04"}, "2026-08-17"},
		{field("DDDateField", "x", format("yyyy-MM-dd", "天")), map[string]any{"x": "2026-08-17 15:04:05"}, "2026-08-17"},
		{field("DDDateField", "x", format("yyyy-MM-dd HH:mm", "")), map[string]any{"x": "2026-08-17 15:04:05"}, "2026-08-17 15:04"},
		{field("DDDateField", "x", format("", "小时")), map[string]any{"x": "2026-08-17"}, "2026-08-17 00:00"},
		{field("DDDateRangeField", twoEnds), map[string]any{"开始时间": "2026-02-19 08:00", "结束时间": "2026-02-25 09:00"}, `["2026-02-19","2026-02-25"]`},
		{field("DDDateRangeField", twoEnds, format("yyyy-MM-dd HH:mm", "小时")), map[string]any{"开始时间": "2026-02-19 08:00", "结束时间": "2026-02-19 08:00"}, `["2026-02-19 08:00","2026-02-19 08:00"]`},
		{field("DDDateRangeField", "x"), map[string]any{"x": []any{"2026-02-19", "2026-02-25"}}, `["2026-02-19","2026-02-25"]`},
		{field("PhoneField", "x"), map[string]any{"x": "13800000000"}, "13800000000"},
		{field("DDPhotoField", "x"), map[string]any{"x": "https://x/a.png?a=1&b=2"}, `["https://x/a.png?a=1&b=2"]`},
		{field("DDAttachment", "x"), map[string]any{"x": []any{file}}, `[{"spaceId":"1","fileName":"a.pdf","fileSize":"333","fileType":"pdf","fileId":"2"}]`},
		{field("InnerContactField", "x"), map[string]any{"x": []any{"user001", "user002"}}, `["user001","user002"]`},
		{field("InnerContactField", "x"), map[string]any{"x": "user001"}, `["user001"]`},
		{field("DepartmentField", "x"), map[string]any{"x": []any{"123", int64(456)}}, "123,456"},
		{field("DepartmentField", "x"), map[string]any{"x": "-1"}, "-1"},
		{field("RelateField", "x"), map[string]any{"x": []any{"i1", nil, ""}}, `["i1"]`},
		{field("AddressField", "x"), map[string]any{"x": "北京,北京市,东城区"}, "北京,北京市,东城区"},
		{field("AddressField", "x"), map[string]any{"x": []any{"北京", "北京市", "东城区"}}, "北京,北京市,东城区"},
		{field("StarRatingField", "x"), map[string]any{"x": "5"}, "5"},
		{
			field("TimeAndLocationField", `["当前时间","当前地点"]`),
			map[string]any{"当前时间": "2026-01-03 14:27:20", "当前地点": []any{120.02, "30.28", "address", 100}},
			`["2026-01-03 14:27:20",120.02,30.28,"address",100]`,
		},
		{
			items,
			map[string]any{"明细": []any{map[string]any{"品名": "x", "数量": 2, "备注": "a\nb"}, map[string]any{}, map[string]any{"品名": "y", "照片": "https://p"}}},
			`[[{"name":"品名","value":"x"},{"name":"数量","value":"2"},{"name":"备注","value":"a\r\nb"}],[{"name":"品名","value":"y"},{"name":"照片","value":"[\"https://p\"]"}]]`,
		},
		{items, map[string]any{"明细": []map[string]any{{"品名": "x"}}}, `[[{"name":"品名","value":"x"}]]`},
	} {
		got, err := EncodeForm(Template{Components: []Component{c.component}}, c.values)
		want := []FormValue{{ID: c.component.ID, Name: c.component.Label, Type: c.component.Type, Value: c.want}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %v: %v\ngot  %+v\nwant %+v", c.component.Type, c.values, err, got, want)
		}
	}
}

// What is empty is left out, in the order of the template, and so is what nobody fills.
func TestEncodeFormLeavesOut(t *testing.T) {
	form := Template{Components: []Component{
		field("TextField", "a"), field("TextNote", "note", needed), field("CalculateField", "sum", needed), field("SeqNumberField", "no", needed),
		field("DDMultiSelectField", "b"), field("DDDateRangeField", twoEnds), field("TableField", "t", columns(field("TextField", "x", needed))),
		field("SignatureField", "s"), field("TextField", "z"),
	}}
	got, err := EncodeForm(form, map[string]any{
		"z": "1", "a": "", "b": []any{}, "开始时间": nil, "结束时间": "", "t": []any{map[string]any{"x": ""}}, "s": nil, "sum": nil,
	})
	if want := []FormValue{{ID: "TextField_1", Name: "z", Type: "TextField", Value: "1"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
}

func TestEncodeFormSaysEverythingThatIsWrong(t *testing.T) {
	suite := func(c *Component) { c.BizType = "attendance.goout" }
	many := make([]Component, 151)
	for i := range many {
		many[i] = field("TextField", fmt.Sprint("c", i))
	}
	filled := map[string]any{}
	for _, c := range many {
		filled[c.Label] = "x"
	}
	table := field("TableField", "明细", columns(field("TextField", "品名", needed), field("MoneyField", "金额"), field("NumberField", "数量")))
	for _, c := range []struct {
		name       string
		components []Component
		values     map[string]any
		want       []string // label: words
	}{
		{"a name nearly right", []Component{field("TextField", "请假事由"), field("TextField", "备注")}, map[string]any{"请假是由": "x"}, []string{`请假是由: the form has no such component; did you mean "请假事由"?`}},
		{"a name with other case", []Component{field("TextField", "Days")}, map[string]any{"days ": "x"}, []string{`days : the form has no such component; did you mean "Days"?`}},
		{"a name like no other", []Component{field("TextField", "事由"), field("TextField", "备注"), field("TextNote", "说明")}, map[string]any{"Amount": "x"}, []string{`Amount: the form has no such component; it has "事由", "备注"`}},
		{"a name with nothing in it too", []Component{field("TextField", "事由")}, map[string]any{"由事情": nil}, []string{`由事情: the form has no such component; it has "事由"`}},
		{"a name of two", []Component{field("TextField", "a"), field("NumberField", "a")}, map[string]any{"a": "1"}, []string{"a: the form has more than one component of this name"}},
		{"no option", []Component{field("DDSelectField", "x", choices("A", "B"))}, map[string]any{"x": "C"}, []string{`x: "C" is no option; there are "A", "B"`}},
		{"one of them no option", []Component{field("DDMultiSelectField", "x", choices("A", "B"))}, map[string]any{"x": []any{"A", "C"}}, []string{`x: "C" is no option; there are "A", "B"`}},
		{"several of what takes one", []Component{field("DDSelectField", "x", choices("A", "B"))}, map[string]any{"x": []any{"A", "B"}}, []string{"x: one value expected, got 2"}},
		{"required", []Component{field("TextField", "x", needed), field("DDDateRangeField", twoEnds, needed)}, nil, []string{"x: required", "开始时间: required"}},
		{"required, and nothing but empty rows", []Component{field("TableField", "t", needed, columns(field("TextField", "x")))}, map[string]any{"t": []any{map[string]any{"x": nil}}}, []string{"t: required"}},
		{"one end", []Component{field("DDDateRangeField", twoEnds)}, map[string]any{"开始时间": "2026-01-01"}, []string{"结束时间: no value, while 开始时间 has one"}},
		{"the other end", []Component{field("DDDateRangeField", twoEnds)}, map[string]any{"结束时间": "2026-01-01"}, []string{"开始时间: no value, while 结束时间 has one"}},
		{"ends before it begins", []Component{field("DDDateRangeField", twoEnds)}, map[string]any{"开始时间": "2026-01-02", "结束时间": "2026-01-01"}, []string{"结束时间: 2026-01-01 is before 2026-01-02"}},
		{"no date", []Component{field("DDDateField", "x"), field("DDDateRangeField", twoEnds)}, map[string]any{"x": "17.8.", "开始时间": "2026-01-01", "结束时间": "2026-02-30"}, []string{`x: "17.8." is not a date`, `结束时间: "2026-02-30" is not a date`}},
		{"no number", []Component{field("NumberField", "x"), field("MoneyField", "y"), field("StarRatingField", "z")}, map[string]any{"x": "1e3", "y": "1,000", "z": "0"}, []string{`x: "1e3" is not a number`, `y: "1,000" is not a number`, `z: "0" is not a number of stars`}},
		{"no text", []Component{field("TextField", "x"), field("NumberField", "y")}, map[string]any{"x": true, "y": map[string]any{"a": 1}}, []string{"x: a text expected, got bool", "y: a text expected, got map[string]interface {}"}},
		{"no department", []Component{field("DepartmentField", "x")}, map[string]any{"x": "销售部"}, []string{`x: "销售部" is no department`}},
		{"no file", []Component{field("DDAttachment", "x"), field("DDAttachment", "y")}, map[string]any{"x": "a.pdf", "y": []any{map[string]any{"spaceId": "1"}}}, []string{"x: a file with spaceId", "y: a file without fileName"}},
		{"no place", []Component{field("TimeAndLocationField", `["a","b"]`)}, map[string]any{"a": "2026-01-03 14:27:20", "b": []any{"x", 1, "y", 2}}, []string{`a: "x" is not a number`}},
		{"half a place", []Component{field("TimeAndLocationField", `["a","b"]`)}, map[string]any{"a": "2026-01-03 14:27:20", "b": []any{1}}, []string{"a: a time, and a place"}},
		{"too long", []Component{field("TextField", "x")}, map[string]any{"x": strings.Repeat("长", 65536)}, []string{"x: 65536 characters, at most 65535 are allowed"}},
		{"too many", many, filled, []string{": 151 components have a value, at most 150 are allowed"}},
		{"not for apps", []Component{field("SignatureField", "x"), field("OCRField", "y", needed), field("CalculateField", "z")}, map[string]any{"x": "1", "z": "2"}, []string{"x: a component of type SignatureField cannot be filled by an app", "y: required, but a component of type OCRField cannot be filled by an app", "z: a component of type CalculateField cannot be filled by an app"}},
		{"a leave", []Component{field("DDHolidayField", twoEnds), field("TextField", "x")}, map[string]any{"x": "1"}, []string{"开始时间: a form with a suite (套件) cannot be submitted by an app: DDHolidayField"}},
		{"an outing", []Component{field("DDBizSuite", "外出", suite)}, nil, []string{"外出: a form with a suite (套件) cannot be submitted by an app: DDBizSuite attendance.goout"}},
		{"rows", []Component{table}, map[string]any{"明细": "x"}, []string{"明细: rows by the labels of the table's components expected, got string"}},
		{
			"in rows, each once",
			[]Component{table},
			map[string]any{"明细": []any{map[string]any{"品名": "x"}, map[string]any{"数量": "many", "金额": "1", "数里": "2"}, map[string]any{"数量": "3", "金额": "1", "数里": "2"}}},
			[]string{`明细.数里: row 2: the form has no such component; did you mean "数量"?`, "明细.品名: row 2: required", "明细.金额: row 2: a component of type MoneyField cannot be filled by an app inside a table", `明细.数量: row 2: "many" is not a number`},
		},
		{"a table too long", []Component{table}, map[string]any{"明细": []any{map[string]any{"品名": strings.Repeat("x", 65530)}}}, []string{"明细: 65558 characters, at most 65535 are allowed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := EncodeForm(Template{Components: c.components}, c.values)
			found := formErrors(err)
			if got != nil || len(found) != len(c.want) {
				t.Fatalf("%v\n%v", got, err)
			}
			for i, e := range found {
				if line := e.Label + ": " + e.Words; !strings.HasPrefix(line, c.want[i]) {
					t.Errorf("got  %s\nwant %s", line, c.want[i])
				}
				if !strings.HasPrefix(e.Error(), FormPrefix+e.Label) && e.Label != "" {
					t.Error(e.Error())
				}
			}
		})
	}
}

// formErrors are all that are joined in an error.
func formErrors(err error) []*FormError {
	var one *FormError
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*FormError
		for _, e := range several.Unwrap() {
			out = append(out, formErrors(e)...)
		}
		return out
	}
	if errors.As(err, &one) {
		return []*FormError{one}
	}
	return nil
}

// Long lists of options and labels are not told whole.
func TestFormErrorsAreBounded(t *testing.T) {
	options := make([]string, 500)
	for i := range options {
		options[i] = strings.Repeat("长", 100)
	}
	_, err := EncodeForm(Template{Components: []Component{field("DDSelectField", "x", choices(options...))}}, map[string]any{"x": strings.Repeat("y", 10000)})
	if err == nil || len([]rune(err.Error())) > 2000 {
		t.Errorf("%d characters", len([]rune(err.Error())))
	}
}
