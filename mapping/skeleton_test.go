package mapping

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// loadSkeleton compiles a skeleton beside the presets it refers to.
func loadSkeleton(t testing.TB, text string) *Set {
	t.Helper()
	set, complaints := Load(append(peopleSources(t), Source{File: "skeleton.yaml", Data: []byte(text)}), testSchema(t))
	if set == nil {
		t.Fatalf("the skeleton does not load:\n%s\n%s", complaints, text)
	}
	return set
}

func TestSkeletonOfALeave(t *testing.T) {
	fields, _ := testSchema(t).Models("hr.leave")
	text := Skeleton(leaveForm(), "hr.leave", fields)
	set := loadSkeleton(t, text)
	m, ok := set.Get("hr-leave-approval")
	if !ok || m.Approval.ProcessCode != "PROC-LEAVE" || m.Approval.Marker != "单据编号" || !m.Approval.Transition("state").Decided("refuse") || !m.CreateDingTalk.Allowed {
		t.Fatalf("%+v", m)
	}
	for label, want := range map[string]string{
		"事由": "notes", "天数": "number_of_days", "假期类型": "holiday_status_id", "开始时间": "date_from", "结束时间": "date_to", "标题": "name", "部门": "department_id",
	} {
		f, ok := m.Field("form." + label)
		if !ok {
			t.Errorf("%s is not filled:\n%s", label, text)
		} else if f.OdooName != want && !strings.HasSuffix(f.OdooName, want) {
			t.Errorf("%s is filled with %s, not %s", label, f.OdooName, want)
		}
	}
	for _, want := range []string{
		"# TODO: 代理人: InnerContactField: one of first_approver_id, manager_id, second_approver_id?",
		"# TODO: 图片: DDPhotoField: no field fits it", "# 合计: CalculateField, required: DingTalk fills it", "# TODO: 明细: TableField: it belongs under lines:",
		"#       - {odoo: ..., dingtalk: 项目} # TextField, required",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	for _, c := range LintTemplates(set, func(string) (Template, bool) { return leaveForm(), true }).Errors() {
		if !strings.Contains(c.Message, `components "重复"`) {
			t.Errorf("against its own template: %s\n%s", c, text)
		}
	}
}

// What a skeleton knows of a model is what its preset does.
func TestSkeletonsOfKnownModels(t *testing.T) {
	presets, complaints := Load(presetSources(t), testSchema(t))
	if presets == nil {
		t.Fatal(complaints)
	}
	checked := 0
	for _, preset := range presets.Mappings {
		if preset.Approval == nil || !preset.CreateDingTalk.Allowed || len(preset.Approval.Transitions) == 0 {
			continue
		}
		checked++
		fields, _ := testSchema(t).Models(preset.Model)
		m := loadSkeleton(t, Skeleton(leaveForm(), preset.Model, fields)).Mappings[2]
		if m.Model != preset.Model || m.Direction != Both || !reflect.DeepEqual(m.Domain, preset.Domain) || m.CreateDingTalk.When.Source != preset.CreateDingTalk.When.Source {
			t.Errorf("%s: %+v", preset.Model, m)
		}
		want, got := preset.Approval.Transition(stateField), m.Approval.Transition(stateField)
		if got == nil || !slices.Equal(keysOf(got.To), keysOf(want.To)) {
			t.Fatalf("%s: %+v", preset.Model, got)
		}
		for value, steps := range want.To {
			for i, step := range steps {
				if one := got.To[value][i]; one.Call != step.Call || !slices.Equal(one.From, step.From) || len(one.Args) != len(step.Args) {
					t.Errorf("%s: to %s by %+v, not %+v", preset.Model, value, one, step)
				}
			}
		}
		f, _ := m.Field(outcomeField)
		g, _ := preset.Field(outcomeField)
		if !maps.Equal(f.Convert.(*tableConverter).toOdoo, g.Convert.(*tableConverter).toOdoo) {
			t.Errorf("%s: %+v", preset.Model, f.Convert)
		}
		if f, ok := m.Field("originator_user_id"); !ok || f.Ref != "employees" {
			t.Errorf("%s: %+v starts it", preset.Model, f)
		}
	}
	if checked < 5 {
		t.Errorf("%d presets", checked)
	}
}

func TestSkeletonOfAnUnknownModel(t *testing.T) {
	text := Skeleton(leaveForm(), "x_trip", map[string]OdooField{"name": {Type: "char", Store: true}, "x_days": {Type: "float", Store: true}})
	m := loadSkeleton(t, text).Mappings[2]
	if m.Direction != ToDingTalk || m.CreateDingTalk.Allowed || !strings.Contains(text, "TODO: transitions") {
		t.Errorf("%+v\n%s", m, text)
	}
}

// Labels are what people type: whatever they are, the skeleton is a mapping.
func TestSkeletonOfHostileLabels(t *testing.T) {
	fields, _ := testSchema(t).Models("hr.leave")
	hostile := []string{
		"", "true", "null", "1", "a: b", "{x}", "}, dingtalk: y", "\"", "'", "# x", "x # y", "a\nb: c", "\x00", "\xff", "{{ name }}", "- x", "*a", "&a", "!x", "|", ">", "%", "@", "`",
		"开始时间", "开始时间", "a\u2028b", "\ufeff", " x ", strings.Repeat("长", 3000),
	}
	for _, label := range hostile {
		form := Template{Name: label, ProcessCode: label, Components: []Component{
			{Type: "TextField", Label: label + "事由", Required: true},
			{Type: "DDSelectField", Label: "时段" + label, Options: hostile},
			{Type: "DDDateRangeField", Label: label, Labels: []string{label + "开始", label + "结束"}, Clock: true},
		}}
		for _, kind := range append(keysOf(componentTypes), "New", "New\nx: y", label) {
			form.Components = append(form.Components, Component{Type: kind, Label: label, Children: []Component{{Type: kind, Label: label}}})
		}
		text := Skeleton(form, "hr.leave", fields)
		m := loadSkeleton(t, text).Mappings[2]
		want := "form." + strings.ToValidUTF8(label, "?") + "事由"
		if f, ok := m.Field(want); !ok || f.OdooName != "name" {
			t.Errorf("%q is not filled:\n%.2000s", want, text)
		}
		if f, ok := m.Field("form." + strings.ToValidUTF8(label, "?") + "结束"); !ok || f.OdooName != "date_to" {
			t.Errorf("the end of %q is not filled:\n%.2000s", label, text)
		}
	}
}

// The options of a select become a table that Load takes, whatever they are.
func TestSkeletonOfHostileOptions(t *testing.T) {
	fields := map[string]OdooField{"x_choice": {Type: "selection", Store: true, Selection: []string{"a", "b: c", "", "true", "d", "e"}}}
	for _, options := range [][]string{{"a", "a"}, {"", "b"}, {"x: y", "}", "z", "true", "#"}, {"\n", "\"", "'"}, nil} {
		text := Skeleton(Template{Components: []Component{{Type: "DDSelectField", Label: "x_choice", Options: options}}}, "x_trip", fields)
		if _, ok := loadSkeleton(t, text).Mappings[2].Field("form.x_choice"); !ok {
			t.Errorf("no pair:\n%s", text)
		}
	}
}

func FuzzSkeleton(f *testing.F) {
	f.Add("标题", "TextField", "a")
	f.Add("a\"b", "DDSelectField", "x: y")
	schema := testSchema(f)
	sources := peopleSources(f)
	fields, _ := schema.Models("hr.leave")
	f.Fuzz(func(t *testing.T, label, kind, option string) {
		form := Template{Name: label, ProcessCode: option, Components: []Component{
			{Type: kind, Label: label, Required: true, Options: []string{option, label}, Children: []Component{{Type: kind, Label: option}}},
			{Type: "DDSelectField", Label: option + "事由", Options: []string{label, option}},
		}}
		text := Skeleton(form, "hr.leave", fields)
		if set, complaints := Load(append(slices.Clone(sources), Source{File: "s.yaml", Data: []byte(text)}), schema); set == nil {
			t.Fatalf("%s\n%s", complaints, text)
		}
	})
}
