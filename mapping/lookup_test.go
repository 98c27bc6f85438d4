package mapping

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// shelf finds records by their text: a stand-in for Odoo.
type shelf map[string]int64

func (s shelf) Find(l *Lookup, value string) (int64, error) {
	if id, ok := s[l.Model+" "+l.By+" "+value]; ok {
		return id, nil
	}
	return 0, errors.New("no " + l.Model + " has the " + l.By + " " + value)
}

func TestLookupBothWays(t *testing.T) {
	m := load(t, approvalOf("x_trip", "both", "{odoo: x_leave_type_id, dingtalk: form.假期类型, lookup: {model: hr.leave.type, by: name, domain: [[active, =, true]]}}"))
	f := m.Fields[0]
	if l := f.Lookup; l.Model != "hr.leave.type" || l.By != "name" || l.Create || len(l.Domain) != 1 || l.Pos.Line != 6 {
		t.Errorf("%+v", l)
	}
	if got := m.OdooFields(); !slices.Equal(got, []string{"x_leave_type_id", "x_leave_type_id.name"}) {
		t.Errorf("read %v", got)
	}
	env := Env{Lookups: shelf{"hr.leave.type name 病假": 7}}
	many2one := map[string]any{"id": int64(7), "name": "病假 (5 天)"}
	for _, c := range []struct {
		side Side
		rec  Record
		want Value
	}{
		{Odoo, Record{"x_leave_type_id": many2one, "x_leave_type_id.name": "病假"}, Text("病假")},
		{Odoo, Record{"x_leave_type_id": many2one, "x_leave_type_id.name": " 病假 "}, Text("病假")},
		{Odoo, Record{"x_leave_type_id": many2one}, UnknownValue},
		{Odoo, Record{"x_leave_type_id": nil}, EmptyValue},
		{Odoo, Record{"x_leave_type_id": nil, "x_leave_type_id.name": nil}, EmptyValue},
		{DingTalk, Record{"form.假期类型": "病假"}, Text("病假")},
		{DingTalk, Record{"form.假期类型": []any{"病假 "}}, Text("病假")},
		{DingTalk, Record{"form.假期类型": nil}, EmptyValue},
		{DingTalk, Record{}, UnknownValue},
	} {
		if got, err := f.Read(c.side, c.rec, env); err != nil || got != c.want {
			t.Errorf("%s %v: %s, %v; want %s", c.side, c.rec, got, err, c.want)
		}
	}
	if raw, err := f.Write(DingTalk, Text("病假"), nil, env); err != nil || raw != "病假" {
		t.Errorf("to dingtalk: %v, %v", raw, err)
	}
	if raw, err := f.Write(Odoo, Text("病假"), nil, env); err != nil || raw != int64(7) {
		t.Errorf("to odoo: %v, %v", raw, err)
	}
	if raw, err := f.Write(Odoo, EmptyValue, nil, env); err != nil || raw != nil {
		t.Errorf("nothing to odoo: %v, %v", raw, err)
	}
	if raw, err := f.Write(Odoo, Text("事假"), nil, env); err == nil || err.Error() != "no hr.leave.type has the name 事假" {
		t.Errorf("an unknown one: %v, %v", raw, err)
	}
	if raw, err := f.Write(Odoo, Text("病假"), nil, Env{}); err == nil {
		t.Errorf("without an Odoo: %v", raw)
	}
}

func TestLookupThroughATable(t *testing.T) {
	m := load(t, approvalOf("account.move", "both",
		"{odoo: journal_id, dingtalk: form.类型, lookup: {by: code}, values: {报销: EXJ, 其他: MISC}}",
		`{odoo: partner_id, value: "form.客户 + ''", lookup: {model: res.partner, by: ref}, values: {甲: A1}, direction: to_odoo}`,
		`{odoo: company_id, value: "3"}`))
	journal, partner, company := m.Fields[0], m.Fields[1], m.Fields[2]
	env := Env{Lookups: shelf{"account.journal code EXJ": 4, "res.partner ref A1": 9}}
	v, err := journal.Read(DingTalk, Record{"form.类型": "报销"}, env)
	if err != nil || v != Text("EXJ") {
		t.Fatalf("%s, %v", v, err)
	}
	if raw, err := journal.Write(Odoo, v, nil, env); err != nil || raw != int64(4) {
		t.Errorf("%v, %v", raw, err)
	}
	if raw, err := journal.Write(DingTalk, v, nil, env); err != nil || raw != "报销" {
		t.Errorf("%v, %v", raw, err)
	}
	if v, err := journal.Read(DingTalk, Record{"form.类型": "工资"}, env); err == nil {
		t.Errorf("what the table does not have is %s", v)
	}
	if v, err = partner.Compute(Record{"form.客户": "甲"}); err != nil || v != Text("A1") {
		t.Fatalf("%s, %v", v, err)
	}
	if raw, err := partner.Write(Odoo, v, nil, env); err != nil || raw != int64(9) {
		t.Errorf("%v, %v", raw, err)
	}
	if v, err := partner.Compute(Record{"form.客户": "乙"}); err == nil {
		t.Errorf("what the table does not have is %s", v)
	}
	if raw, err := company.Write(Odoo, Text("3"), nil, env); err != nil || raw != int64(3) {
		t.Errorf("an id: %v, %v", raw, err)
	}
}

func TestLookupSignature(t *testing.T) {
	seen := map[string]string{}
	for _, lookup := range []string{"", ", lookup: {by: name}", ", lookup: {by: name, create: true}", ", lookup: {by: name, domain: [[active, =, true]]}", ", lookup: {by: color_name}"} {
		pair := "{odoo: x_leave_type_id, dingtalk: form.假期类型, direction: to_dingtalk" + lookup + "}"
		if lookup == "" {
			pair = strings.Replace(pair, "}", ", convert: label}", 1)
		}
		s := load(t, approvalOf("x_trip", "both", pair)).Fields[0].Signature
		if seen[s] != "" {
			t.Errorf("%q and %q are the same", lookup, seen[s])
		}
		seen[s] = lookup + " "
	}
}

func TestLookupExamples(t *testing.T) {
	set := loadAll(t, approvalOf("x_trip", "both",
		"{odoo: x_leave_type_id, dingtalk: form.假期类型, lookup: {}, values: {病: Sick, 事: Unpaid}}", "{odoo: name, dingtalk: form.标题}")+`tests:
  - {name: holds, odoo: {x_leave_type_id: Sick, name: a}, dingtalk: {form.假期类型: 病, form.标题: a}}
  - {name: holds when written, dingtalk: {form.假期类型: [病]}, writes: {odoo: {x_leave_type_id: Sick}}}
  - {name: holds when sent, odoo: {x_leave_type_id: Unpaid}, writes: {dingtalk: {form.假期类型: 事}}}
  - {name: holds when empty, odoo: {x_leave_type_id: }, dingtalk: {form.假期类型: }}
  - {name: differs, odoo: {x_leave_type_id: Unpaid}, dingtalk: {form.假期类型: 病}}
  - {name: writes otherwise, dingtalk: {form.假期类型: 病}, writes: {odoo: {x_leave_type_id: Unpaid}}}
  - {name: reads otherwise, dingtalk: {form.假期类型: 病}, expect: {form.假期类型: Unpaid}}
`)
	results := RunTests(set)
	if len(results) != 7 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.OK() != strings.HasPrefix(r.Test, "holds") {
			t.Errorf("%s: %v", r.Test, r.Failures)
		}
	}
}
