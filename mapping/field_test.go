package mapping

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The links of these tests: Odoo id to DingTalk id; a link's key is its Odoo id.
var links = testRefs{
	"departments": {"7": "4001", "8": "4002", "9": "4003"},
	"employees":   {"11": "zhangsan", "12": "lisi", "13": "wangwu"},
}

func presetField(t testing.TB, mapping, key string) *Field {
	t.Helper()
	set, complaints := Load(presetSources(t), testSchema(t))
	if set == nil {
		t.Fatal(complaints)
	}
	m, _ := set.Get(mapping)
	f, ok := m.Field(key)
	if !ok {
		t.Fatalf("%s has no pair %s", mapping, key)
	}
	return f
}

func TestReadStates(t *testing.T) {
	f := presetField(t, "employees", "email")
	for _, c := range []struct {
		rec  Record
		want Value
	}{
		{Record{}, UnknownValue},
		{Record{"email": nil}, EmptyValue},
		{Record{"email": ""}, EmptyValue},
		{Record{"email": "a@x"}, Text("a@x")},
		{Record{"email": []any{1}}, UnknownValue},
	} {
		if got, _ := f.Read(DingTalk, c.rec, Env{}); got != c.want {
			t.Errorf("%v: %s, want %s", c.rec, got, c.want)
		}
	}
}

func TestReferenceStates(t *testing.T) {
	f := presetField(t, "departments", "parent_id")
	for _, c := range []struct {
		side Side
		raw  any
		want Value
	}{
		{Odoo, nil, EmptyValue},
		{Odoo, map[string]any{"id": int64(7), "name": "研发"}, Text("7")},
		{Odoo, map[string]any{"id": int64(70), "name": "?"}, UnknownValue},
		{DingTalk, "1", EmptyValue},
		{DingTalk, int64(1), EmptyValue},
		{DingTalk, nil, EmptyValue},
		{DingTalk, int64(4001), Text("7")},
		{DingTalk, "4009", UnknownValue},
	} {
		got, err := f.Read(c.side, Record{"parent_id": c.raw}, Env{Refs: links})
		if err != nil || got != c.want {
			t.Errorf("%v of %s: %s, %v; want %s", c.raw, c.side, got, err, c.want)
		}
	}
	for _, c := range []struct {
		side Side
		v    Value
		want any
	}{
		{Odoo, EmptyValue, nil}, {DingTalk, EmptyValue, "1"}, {Odoo, Text("7"), int64(7)}, {DingTalk, Text("7"), "4001"},
	} {
		got, err := f.Write(c.side, c.v, Record{"parent_id": nil}, Env{Refs: links})
		if err != nil || got != c.want {
			t.Errorf("%s to %s: %v, %v; want %v", c.v, c.side, got, err, c.want)
		}
	}
}

func TestMissingReference(t *testing.T) {
	f := presetField(t, "departments", "parent_id")
	_, err := f.Write(DingTalk, Text("99"), nil, Env{Refs: links})
	var missing *MissingRef
	if !errors.As(err, &missing) || *missing != (MissingRef{"departments", "99", DingTalk}) {
		t.Errorf("got %v", err)
	}
}

func TestReferenceAttribute(t *testing.T) {
	m := load(t, employeesWith(`{odoo: parent_id, dingtalk: remark, ref: employees, attribute: unionid, direction: to_dingtalk}`))
	f := m.Fields[0]
	got, err := f.Write(DingTalk, Text("11"), nil, Env{Refs: links})
	if err != nil || got != "zhangsan.unionid" {
		t.Errorf("%v, %v", got, err)
	}
	if v, err := f.Read(DingTalk, Record{"remark": "abc"}, Env{Refs: links}); !v.IsUnknown() || err != nil {
		t.Errorf("%s, %v", v, err)
	}
}

func TestMainDepartment(t *testing.T) {
	f := presetField(t, "employees", "dept_id_list")
	main := func(id any) []any {
		return []any{map[string]any{"dept_id": int64(4001), "is_main": false}, map[string]any{"dept_id": id, "is_main": true}}
	}
	for name, c := range map[string]struct {
		list      any
		positions []any
		base      Value
		read      Value
		write     Value // then
		list2     any
	}{
		"only one":                      {[]any{"4001"}, nil, UnknownValue, Text("7"), Text("8"), []any{"4002"}},
		"the root":                      {[]any{"1"}, nil, UnknownValue, EmptyValue, Text("8"), []any{"4002"}},
		"to the root":                   {[]any{"4001", "4002"}, nil, Text("8"), Text("8"), EmptyValue, []any{"4001", "1"}},
		"base while listed":             {[]any{"4001", "4002"}, main(int64(4001)), Text("8"), Text("8"), Text("9"), []any{"4001", "4003"}},
		"base empty while root listed":  {[]any{"4001", "1"}, nil, EmptyValue, EmptyValue, Text("9"), []any{"4001", "4003"}},
		"is_main when base is gone":     {[]any{"4001", "4002"}, main("4002"), Text("9"), Text("8"), Text("9"), []any{"4001", "4003"}},
		"undecided":                     {[]any{"4001", "4002"}, nil, UnknownValue, UnknownValue, Text("9"), []any{"4001", "4002", "4003"}},
		"undecided, already a member":   {[]any{"4001", "4002"}, nil, UnknownValue, UnknownValue, Text("8"), []any{"4001", "4002"}},
		"already a member":              {[]any{"4001", "4002"}, nil, Text("7"), Text("7"), Text("8"), []any{"4002"}},
		"main one has no link":          {[]any{"4001", "5000"}, main("5000"), UnknownValue, UnknownValue, Text("8"), []any{"4001", "5000", "4002"}},
		"the only one has no link":      {[]any{"5000"}, nil, UnknownValue, UnknownValue, Text("8"), []any{"5000", "4002"}},
		"wire numbers":                  {[]any{int64(4001), float64(4002)}, nil, Text("7"), Text("7"), Text("9"), []any{"4003", "4002"}},
		"none":                          {[]any{}, nil, Text("7"), EmptyValue, Text("9"), []any{"4003"}},
		"the same again, list in order": {[]any{"4002", "4001"}, nil, Text("7"), Text("7"), Text("7"), []any{"4002", "4001"}},
	} {
		rec := Record{"dept_id_list": c.list}
		if c.positions != nil {
			rec["dept_position_list"] = c.positions
		}
		env := Env{Refs: links, Base: c.base}
		if got, err := f.Read(DingTalk, rec, env); err != nil || got != c.read {
			t.Errorf("%s: read %s, %v; want %s", name, got, err, c.read)
		}
		if got, err := f.Write(DingTalk, c.write, rec, env); err != nil || !reflect.DeepEqual(got, c.list2) {
			t.Errorf("%s: wrote %v, %v; want %v", name, got, err, c.list2)
		}
	}
	if got, err := f.Write(DingTalk, Text("7"), nil, Env{Refs: links}); err != nil || !reflect.DeepEqual(got, []any{"4001"}) {
		t.Errorf("creation: %v, %v", got, err)
	}
	if got, err := f.Write(DingTalk, Text("7"), Record{}, Env{Refs: links}); err == nil {
		t.Errorf("a list that was not read is replaced by %v", got)
	}
}

func TestOneOf(t *testing.T) {
	f := presetField(t, "departments", "dept_manager_userid_list")
	for name, c := range map[string]struct {
		list        []any
		base, read  Value
		write       Value
		list2       any
		writeRefuse bool
	}{
		"empty":              {nil, UnknownValue, EmptyValue, Text("11"), []any{"zhangsan"}, false},
		"the first":          {[]any{"zhangsan", "lisi"}, UnknownValue, Text("11"), Text("13"), []any{"wangwu", "lisi"}, false},
		"the base":           {[]any{"zhangsan", "lisi"}, Text("12"), Text("12"), EmptyValue, []any{"zhangsan"}, false},
		"the last one goes":  {[]any{"lisi"}, Text("12"), Text("12"), EmptyValue, nil, false},
		"base is gone":       {[]any{"zhangsan"}, Text("12"), Text("11"), Text("12"), []any{"lisi"}, false},
		"first has no link":  {[]any{"stranger", "lisi"}, UnknownValue, UnknownValue, Text("11"), []any{"stranger", "lisi", "zhangsan"}, false},
		"nothing to take":    {[]any{"stranger", "lisi"}, UnknownValue, UnknownValue, EmptyValue, nil, true},
		"twice in the list":  {[]any{"lisi", "lisi"}, Text("12"), Text("12"), Text("11"), []any{"zhangsan", "lisi"}, false},
		"swap with a member": {[]any{"zhangsan", "lisi"}, Text("11"), Text("11"), Text("12"), []any{"lisi"}, false},
	} {
		rec := Record{"dept_manager_userid_list": c.list}
		env := Env{Refs: links, Base: c.base}
		if got, err := f.Read(DingTalk, rec, env); err != nil || got != c.read {
			t.Errorf("%s: read %s, %v; want %s", name, got, err, c.read)
		}
		got, err := f.Write(DingTalk, c.write, rec, env)
		if c.writeRefuse != (err != nil) || !reflect.DeepEqual(got, c.list2) {
			t.Errorf("%s: wrote %v, %v; want %v", name, got, err, c.list2)
		}
	}
}

// TestListWritesKeepTheRest: whatever is exchanged, no other member is lost, none is doubled, and the new one is read back.
func TestListWritesKeepTheRest(t *testing.T) {
	known := []string{"zhangsan", "lisi", "wangwu", "stranger", "other"}
	fields := []*Field{presetField(t, "departments", "dept_manager_userid_list")}
	rapid.Check(t, func(t *rapid.T) {
		f := fields[0]
		ids := rapid.SliceOfDistinct(rapid.SampledFrom(known), rapid.ID[string]).Draw(t, "list")
		base := rapid.SampledFrom([]Value{UnknownValue, EmptyValue, Text("11"), Text("12"), Text("13")}).Draw(t, "base")
		want := Text(rapid.SampledFrom([]string{"11", "12", "13"}).Draw(t, "value"))
		var list []any
		for _, id := range ids {
			list = append(list, id)
		}
		rec := Record{f.DingName: list}
		before, _ := f.Read(DingTalk, rec, Env{Refs: links, Base: base})
		out, err := f.Write(DingTalk, want, rec, Env{Refs: links, Base: base})
		if err != nil {
			t.Fatal(err)
		}
		after := out.([]any)
		if back, _ := f.Read(DingTalk, Record{f.DingName: after}, Env{Refs: links, Base: want}); back != want {
			t.Fatalf("%v reads %s, not %s", after, back, want)
		}
		for _, id := range list {
			exchanged := before.IsKnown() && id == links["employees"][before.Text]
			if !exchanged && !slices.Contains(after, id) {
				t.Fatalf("%v lost %v: %v", list, id, after)
			}
		}
		for i, id := range after {
			if slices.Contains(after[:i], id) {
				t.Fatalf("%v is twice in %v", id, after)
			}
		}
	})
}

func TestWriteRefusals(t *testing.T) {
	long := strings.Repeat("部", 65)
	for name, c := range map[string]struct {
		f    *Field
		v    Value
		rec  Record
		want string
	}{
		"cannot be emptied": {presetField(t, "employees", "email"), EmptyValue, Record{"email": "a@x"}, "cannot be emptied"},
		"too long":          {presetField(t, "departments", "name"), Text(long), Record{}, "65 characters and DingTalk takes 64"},
		"unknown":           {presetField(t, "employees", "email"), UnknownValue, Record{}, "unknown"},
		"no such side":      {presetField(t, "employees", "userid"), Text("x"), Record{}, ""},
	} {
		_, err := c.f.Write(DingTalk, c.v, c.rec, Env{})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := presetField(t, "employees", "userid").Write(Odoo, Text("x"), nil, Env{}); err == nil {
		t.Error("a field that Odoo lacks is written there")
	}
	// Nothing there is nothing to empty: a creation simply leaves the field out.
	if out, err := presetField(t, "employees", "email").Write(DingTalk, EmptyValue, nil, Env{}); err != nil || out != nil {
		t.Errorf("creation: %v, %v", out, err)
	}
	if out, err := presetField(t, "employees", "title").Write(DingTalk, EmptyValue, Record{"title": "x"}, Env{}); err != nil || out != nil {
		t.Errorf("clearing a title: %v, %v", out, err)
	}
}

func TestConditionLetsAFieldRest(t *testing.T) {
	m := load(t, employeesWith(
		`{odoo: job_title, dingtalk: title, direction: to_dingtalk, when: "active && parent_id != nil"}`,
		`{dingtalk: remark, value: "'Manager: ' + parent_id.name", when: "parent_id != nil"}`))
	boss := map[string]any{"id": int64(3), "name": "王"}
	for _, c := range []struct {
		rec           Record
		title, remark Value
	}{
		{Record{"job_title": "x", "active": true, "parent_id": boss}, Text("x"), Text("Manager: 王")},
		{Record{"job_title": "x", "active": false, "parent_id": boss}, UnknownValue, Text("Manager: 王")},
		{Record{"job_title": "x", "active": true, "parent_id": nil}, UnknownValue, UnknownValue},
		{Record{"job_title": "x"}, UnknownValue, UnknownValue},
	} {
		view, failed := m.View(Odoo, c.rec, nil, nil, nil)
		if len(failed) > 0 || view["title"] != c.title || view["remark"] != c.remark {
			t.Errorf("%v: %v, %v", c.rec, view, failed)
		}
	}
	// The condition is about the source: the target is read all the same.
	if view, _ := m.View(DingTalk, Record{"title": "y", "remark": "z"}, nil, nil, nil); view["title"] != Text("y") || view["remark"] != Text("z") {
		t.Errorf("target: %v", view)
	}
}

func TestFieldMadeByHand(t *testing.T) {
	f := &Field{Key: "name", OdooName: "name", DingName: "name", Direction: Both}
	if v, err := f.Read(Odoo, Record{"name": "x"}, Env{}); err != nil || v != Text("x") {
		t.Errorf("%s, %v", v, err)
	}
	r := &Field{Key: "p", OdooName: "p", DingName: "p", Direction: Both, Ref: "departments"}
	if out, err := r.Write(DingTalk, Text("7"), nil, Env{Refs: links}); err != nil || out != "4001" {
		t.Errorf("%v, %v", out, err)
	}
}
