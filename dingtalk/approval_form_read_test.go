package dingtalk

import (
	"fmt"
	"reflect"
	"testing"
)

func shown(kind, name, value, ext string) FormValue {
	return FormValue{ID: kind + "_1", Type: kind, Name: name, Value: value, ExtValue: ext}
}

// Every row of the table of shapes in which values read back, and shapes that are not known.
func TestDecodeForm(t *testing.T) {
	leave := map[string]any{"start": "2026-08-13 12:08", "end": "2026-08-14 18:08", "duration": "14.87", "unit": "hour", "leave_type": "事假"}
	for _, c := range []struct {
		name  string
		value FormValue
		want  map[string]any
	}{
		{"text", shown("TextField", "x", "病", ""), map[string]any{"x": "病"}},
		{"text that looks like a list", shown("TextField", "x", `["a"]`, ""), map[string]any{"x": `["a"]`}},
		{"lines", shown("TextareaField", "x", "a\r\nb", ""), map[string]any{"x": "a\nb"}},
		{"empty text", shown("TextField", "x", "null", ""), map[string]any{"x": nil}},
		{"missing", shown("TextField", "x", "", ""), map[string]any{"x": nil}},
		{"empty photo", shown("DDPhotoField", "x", "null", ""), map[string]any{"x": nil}},
		{"photos", shown("DDPhotoField", "x", `["https://a","https://b"]`, ""), map[string]any{"x": []any{"https://a", "https://b"}}},
		{"number", shown("NumberField", "x", "007.50", ""), map[string]any{"x": "007.50"}},
		{"money", shown("MoneyField", "x", "1500.50", `{"upper":"x"}`), map[string]any{"x": "1500.50"}},
		{"select", shown("DDSelectField", "x", "A", `{"label":"A","key":"option_0"}`), map[string]any{"x": "A"}},
		{"multi-select", shown("DDMultiSelectField", "x", `["A"]`, `[{"label":"A","key":"option_1"}]`), map[string]any{"x": []any{"A"}}},
		{"multi-select of another shape", shown("DDMultiSelectField", "x", "A,B", ""), map[string]any{"x": "A,B"}},
		{"date", shown("DDDateField", "x", "2022-06-19 07:30", ""), map[string]any{"x": "2022-06-19 07:30"}},
		{"range", shown("DDDateRangeField", twoEnds, `["2026-02-19","2026-02-25"]`, ""), map[string]any{"开始时间": "2026-02-19", "结束时间": "2026-02-25"}},
		{"range with its length", shown("DDDateRangeField", twoEnds, `["2026-02-19","2026-02-25",7]`, ""), map[string]any{"开始时间": "2026-02-19", "结束时间": "2026-02-25"}},
		{"half a range", shown("DDDateRangeField", twoEnds, `["2026-02-19",""]`, ""), map[string]any{"开始时间": "2026-02-19", "结束时间": nil}},
		{"empty range", shown("DDDateRangeField", twoEnds, "null", ""), map[string]any{"开始时间": nil, "结束时间": nil}},
		{"range of another shape", shown("DDDateRangeField", twoEnds, "from here to there", ""), map[string]any{twoEnds: "from here to there"}},
		{"range without its type", shown("", twoEnds, `["2026-02-19","2026-02-25"]`, ""), map[string]any{"开始时间": "2026-02-19", "结束时间": "2026-02-25"}},
		{"contacts", shown("InnerContactField", "x", "张三,李四", `[{"emplId":"user001","name":"张三","avatar":""},{"emplId":"user002","name":"李四"}]`), map[string]any{"x": []any{"user001", "user002"}}},
		{"contacts without ids", shown("InnerContactField", "x", "张三", ""), map[string]any{"x": "张三"}},
		{"contacts, some without ids", shown("InnerContactField", "x", "张三,李四", `[{"emplId":"u"},{"name":"李四"}]`), map[string]any{"x": "张三,李四"}},
		{"departments", shown("DepartmentField", "x", "销售", `[{"id":"123","name":"销售"},{"id":456}]`), map[string]any{"x": []any{"123", "456"}}},
		{"files", shown("DDAttachment", "x", `[{"spaceId":"1","fileName":"a.pdf","fileSize":4028863,"fileType":"pdf","fileId":"2"}]`, ""), map[string]any{"x": []any{map[string]any{"spaceId": "1", "fileName": "a.pdf", "fileSize": "4028863", "fileType": "pdf", "fileId": "2"}}}},
		{"files of another shape", shown("DDAttachment", "x", `["a.pdf"]`, ""), map[string]any{"x": `["a.pdf"]`}},
		{"relation", shown("RelateField", "x", `["i1"]`, ""), map[string]any{"x": []any{"i1"}}},
		{"address", shown("AddressField", "x", "北京,北京市,东城区", ""), map[string]any{"x": "北京,北京市,东城区"}},
		{"place", shown("TimeAndLocationField", `["当前时间","当前地点"]`, `["2026-01-03 14:27:20",120.02,30.28,"address",100]`, ""), map[string]any{"当前时间": "2026-01-03 14:27:20", "当前地点": []any{120.02, 30.28, "address", int64(100)}}},
		{"note", shown("TextNote", "x", "read this", ""), map[string]any{}},
		{"unknown type", shown("BrandNewField", "x", `{"a":1}`, ""), map[string]any{"x": `{"a":1}`}},
		{
			"rows", shown("TableField", "t", `[{"rowNumber":"TableField_X_1A","rowValue":[{"componentType":"NumberField","key":"N","label":"数量","value":"2","extendValue":{}},
				{"componentType":"InnerContactField","key":"C","label":"人","value":"张三","extendValue":[{"emplId":"u1","name":"张三"}]},{"componentType":"TextField","key":"T","label":"备注"}]}]`, `{"statValue":[],"componentName":"TableField"}`),
			map[string]any{"t": []any{map[string]any{"数量": "2", "人": []any{"u1"}, "备注": nil}}},
		},
		{"older rows", shown("TableField", "t", `[{"rowValue":[{"key":"N","label":"数量","value":"2"}]},{"rowValue":[]}]`, ""), map[string]any{"t": []any{map[string]any{"数量": "2"}, map[string]any{}}}},
		{"cells without labels", shown("TableField", "t", `[{"rowValue":[{"key":"N","value":2}]}]`, ""), map[string]any{"t": []any{map[string]any{"N": "2"}}}},
		{"rows as they are sent", shown("TableField", "t", `[[{"name":"数量","value":"2"}]]`, ""), map[string]any{"t": []any{map[string]any{"数量": "2"}}}},
		{"an untouched table", shown("TableField", "t", `[{"componentName":"NumberField","props":{"id":"N","label":"数量"}}]`, ""), map[string]any{"t": []any{}}},
		{"an empty table", shown("TableField", "t", `[]`, ""), map[string]any{"t": []any{}}},
		{"no table", shown("TableField", "t", "null", ""), map[string]any{"t": nil}},
		{"rows of another shape", shown("TableField", "t", `[{"row":1}]`, ""), map[string]any{"t": `[{"row":1}]`}},
		{
			"leave", shown("DDHolidayField", twoEnds, `["2026-08-13 12:08","2026-08-14 18:08",14.87,"hour","事假","请假类型"]`, `{"durationInHour":14.87}`),
			map[string]any{twoEnds: leave, "开始时间": "2026-08-13 12:08", "结束时间": "2026-08-14 18:08", "时长": "14.87", "请假类型": "事假"},
		},
		{
			"leave with other labels", shown("DDHolidayField", `["从","到","多久","哪种"]`, `["2026-08-13 12:08","2026-08-14 18:08",14.87,"hour","事假"]`, ""),
			map[string]any{`["从","到","多久","哪种"]`: leave, "从": "2026-08-13 12:08", "到": "2026-08-14 18:08", "多久": "14.87", "哪种": "事假"},
		},
		{
			"leave with a plain name", shown("DDHolidayField", "请假", `["2026-08-13 12:08","2026-08-14 18:08",14.87,"hour","事假","年假类型"]`, ""),
			map[string]any{"请假": leave, "开始时间": "2026-08-13 12:08", "结束时间": "2026-08-14 18:08", "时长": "14.87", "年假类型": "事假"},
		},
		{"leave of another shape", shown("DDHolidayField", "请假", `["2026-08-13"]`, ""), map[string]any{"请假": `["2026-08-13"]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := DecodeForm([]FormValue{c.value}); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %#v\nwant %#v", got, c.want)
			}
		})
	}
}

// Of two components of one name the one that has a value is told.
func TestDecodeFormOfOneNameTwice(t *testing.T) {
	values := []FormValue{shown("TextField", "x", "null", ""), shown("TextField", "x", "1", ""), shown("TextField", "x", "", "")}
	if got := DecodeForm(values); got["x"] != "1" {
		t.Errorf("%v", got)
	}
}

// What comes in an instance never stops the bridge, and what was read can be written again where a form has the same components.
func FuzzDecodeForm(f *testing.F) {
	for _, kind := range []string{"", "TextField", "TextareaField", "DDMultiSelectField", "InnerContactField", "DepartmentField", "DDAttachment", "TableField", "DDHolidayField", "DDDateRangeField", "TimeAndLocationField", "TextNote"} {
		for _, value := range []string{
			"null", "", `["a","b"]`, `["2026-08-13 12:08","2026-08-14 18:08",14.87,"hour","事假","请假类型"]`, `[{"rowValue":[{"label":"x","value":"1","extendValue":[{"emplId":"u"}]}]}]`,
			`[[{"name":"x","value":"1"}]]`, `[{"componentName":"TextField","props":{}}]`, `[[[[[]]]]]`, `{"a":`, `[null,1e400,{}]`,
		} {
			f.Add(kind, `["a","b"]`, value, `[{"emplId":"u1","id":7}]`)
			f.Add(kind, "x", value, value)
		}
	}
	f.Fuzz(func(t *testing.T, kind, name, value, ext string) {
		form := DecodeForm([]FormValue{{Type: kind, Name: name, Value: value, ExtValue: ext}})
		c := Component{Type: kind, Label: name, Labels: labelList(name)}
		if v, err := EncodeForm(Template{Components: []Component{c}}, form); err == nil && len(v) > 1 {
			t.Errorf("%d values of one component", len(v))
		}
		if kind == "TextField" && labelList(name) == nil && value != "" && value != nothing && form[name] != value {
			t.Errorf("%q became %v", value, form[name])
		}
		if got := fmt.Sprint(form[name]); kind == "TextNote" && got != "<nil>" {
			t.Errorf("a note reads %s", got)
		}
	})
}
