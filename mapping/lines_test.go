package mapping

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const orderLines = `mapping: orders
odoo: {model: sale.order}
dingtalk: {kind: approval}
direction: both
fields:
  - {odoo: name, dingtalk: form.单号, direction: to_dingtalk}
lines:
  - odoo: order_line
    for: form.明细
    DIRECTION
    fields:
      - {odoo: product_id, dingtalk: 商品, lookup: {by: default_code}}
      - {odoo: name, dingtalk: 说明}
      - {odoo: product_uom_qty, dingtalk: 数量}
      - {odoo: price_unit, dingtalk: "单价(元)"}
`

func orders(t *testing.T, direction string) *Mapping {
	t.Helper()
	return load(t, strings.Replace(orderLines, "DIRECTION", direction, 1))
}

func TestLinesBothWays(t *testing.T) {
	m := orders(t, "")
	f, ok := m.Field("order_line")
	if !ok || f.DingName != "form.明细" || f.Lines.Model != "sale.order.line" || f.Direction != Both || f.OnCreate || len(f.Lines.Templates) != 1 {
		t.Fatalf("%+v", f)
	}
	if got := m.LineFields(); !reflect.DeepEqual(got, []LineFields{{
		"order_line", "sale.order.line",
		[]string{"id", "name", "price_unit", "product_id", "product_id.default_code", "product_uom_qty"},
	}}) {
		t.Errorf("to read: %v", got)
	}
	if got := m.OdooFields(); !slices.Equal(got, []string{"name", "order_line"}) {
		t.Errorf("%v", got)
	}
	if got := m.DingFields(); !slices.Equal(got, []string{"form.单号", "form.明细"}) {
		t.Errorf("%v", got)
	}
	odoo := Record{"order_line": []any{
		Record{"id": int64(2), "name": "螺丝\r\n不锈钢", "product_uom_qty": 10.0, "price_unit": 0.1 + 0.2, "product_id": map[string]any{"id": int64(5), "name": "[S1] 螺丝"}, "product_id.default_code": "S1"},
		Record{"id": int64(1), "name": "运费 <b>", "product_uom_qty": 1.0, "price_unit": 5.5, "product_id": nil},
	}}
	ding := Record{"form.明细": []any{
		map[string]any{"商品": "S1", "说明": "螺丝\n不锈钢", "数量": "10", "单价(元)": "0.30"},
		map[string]any{"商品": nil, "说明": "", "数量": nil},
		map[string]any{"说明": "运费 <b>", "数量": "1", "单价(元)": "5.5"},
	}}
	want := Text(`[{"单价(元)":"0.3","商品":"S1","数量":"10","说明":"螺丝\n不锈钢"},{"单价(元)":"5.5","数量":"1","说明":"运费 <b>"}]`)
	env := Env{Lookups: shelf{"product.product default_code S1": 5}}
	for side, rec := range map[Side]Record{Odoo: odoo, DingTalk: ding} {
		if got, err := f.Read(side, rec, env); err != nil || got != want {
			t.Errorf("%s: %s, %v", side, got, err)
		}
	}
	raw, err := f.Write(DingTalk, want, nil, env)
	if err != nil || !reflect.DeepEqual(raw, []any{
		map[string]any{"商品": "S1", "说明": "螺丝\n不锈钢", "数量": "10", "单价(元)": "0.3"},
		map[string]any{"说明": "运费 <b>", "数量": "1", "单价(元)": "5.5"},
	}) {
		t.Errorf("to dingtalk: %v, %v", raw, err)
	}
	raw, err = f.Write(Odoo, want, nil, env)
	if err != nil || !reflect.DeepEqual(raw, []any{
		map[string]any{"product_id": int64(5), "name": "螺丝\n不锈钢", "product_uom_qty": 10.0, "price_unit": 0.3},
		map[string]any{"name": "运费 <b>", "product_uom_qty": 1.0, "price_unit": 5.5},
	}) {
		t.Errorf("to odoo: %v, %v", raw, err)
	}
	if raw, err := f.Write(Odoo, want, odoo, env); err == nil {
		t.Errorf("lines of a document that exists are changed: %v", raw)
	}
	if raw, err := f.Write(Odoo, want, nil, Env{Lookups: shelf{}}); err == nil || !strings.Contains(err.Error(), "line 1: 商品: no product.product") {
		t.Errorf("an unknown product: %v, %v", raw, err)
	}
}

func TestLinesStates(t *testing.T) {
	f, _ := orders(t, "").Field("order_line")
	line := map[string]any{"说明": "a"}
	for _, c := range []struct {
		side Side
		rec  Record
		want State
		fail bool
	}{
		{Odoo, Record{}, Unknown, false},
		{Odoo, Record{"order_line": []int64{}}, Empty, false},
		{Odoo, Record{"order_line": []any{}}, Empty, false},
		{Odoo, Record{"order_line": []int64{1}}, Unknown, false}, // the lines themselves were not read
		{Odoo, Record{"order_line": []any{Record{"id": int64(1), "name": "a"}}}, Unknown, false},
		{Odoo, Record{"order_line": []any{int64(1)}}, Unknown, true},
		{DingTalk, Record{}, Unknown, false},
		{DingTalk, Record{"form.明细": nil}, Empty, false},
		{DingTalk, Record{"form.明细": []any{map[string]any{"说明": nil}, map[string]any{}}}, Empty, false},
		{DingTalk, Record{"form.明细": []any{line}}, Known, false},
		{DingTalk, Record{"form.明细": "text"}, Unknown, true},
		{DingTalk, Record{"form.明细": []any{"text"}}, Unknown, true},
		{DingTalk, Record{"form.明细": []any{map[string]any{"数量": "viel"}}}, Unknown, true},
	} {
		got, err := f.Read(c.side, c.rec, Env{})
		if got.State != c.want || (err != nil) != c.fail {
			t.Errorf("%s %v: %s, %v", c.side, c.rec, got, err)
		}
	}
	for _, text := range []string{"", "x", `[{"":"2"}]`, `[{"":"x"}]`, `[1]`} {
		if raw, err := f.Write(Odoo, Value{Known, text}, nil, Env{}); err == nil {
			t.Errorf("%s is written as %v", text, raw)
		}
	}
}

func TestLinesOneWay(t *testing.T) {
	m := orders(t, "direction: to_dingtalk\n    when: display_type == nil")
	f, _ := m.Field("order_line")
	rec := Record{"order_line": []any{
		Record{"id": int64(1), "display_type": "line_section", "name": "第一部分", "product_uom_qty": 0.0, "price_unit": 0.0, "product_id": nil},
		Record{"id": int64(2), "display_type": nil, "name": "a", "product_uom_qty": 1.0, "price_unit": 2.0, "product_id": nil},
	}}
	if v, err := f.Read(Odoo, rec, Env{}); err != nil || v != Text(`[{"单价(元)":"2","数量":"1","说明":"a"}]`) {
		t.Errorf("%s, %v", v, err)
	}
	if got := m.LineFields()[0].Names; !slices.Contains(got, "display_type") || f.OnCreate {
		t.Errorf("to read: %v", got)
	}
	if got := m.DingFields(); !slices.Equal(got, []string{"form.单号", "form.明细"}) {
		t.Errorf("%v", got)
	}
	m = orders(t, "direction: to_odoo\n    when: number(数量) > 0")
	f, _ = m.Field("order_line")
	if len(m.LineFields()) != 0 || !f.OnCreate || f.DingName != "" || slices.Contains(m.OdooFields(), "order_line") || !slices.Contains(m.DingFields(), "form.明细") {
		t.Errorf("%v %v %v %+v", m.LineFields(), m.OdooFields(), m.DingFields(), f)
	}
	ding := Record{"form.明细": []any{map[string]any{"说明": "a", "数量": "0"}, map[string]any{"说明": "b"}, map[string]any{"说明": "c", "数量": "2"}}}
	view, failed := m.View(DingTalk, ding, nil, nil, nil)
	if len(failed) > 0 || view["order_line"] != Text(`[{"数量":"2","说明":"c"}]`) {
		t.Errorf("%v, %v", view, failed)
	}
}

const voucher = `mapping: vouchers
odoo: {model: account.move}
dingtalk: {kind: approval}
direction: to_odoo
fields:
  - {odoo: ref, dingtalk: business_id}
  - {odoo: journal_id, value: "'EXJ'", lookup: {by: code}}
lines:
  - odoo: line_ids
    for: form.明细
    fields:
      - {odoo: name, value: "title + ': ' + 事由 + row['备注(选填)']"}
      - {odoo: account_id, dingtalk: 费用类型, lookup: {by: code}, values: {差旅: "6602", 餐费: "6603"}}
      - {odoo: partner_id, dingtalk: form.客户, lookup: {by: ref}}
      - {odoo: debit, value: "number(金额) - number(税额)"}
      - {odoo: date, dingtalk: 日期, when: "日期 != ''"}
  - odoo: line_ids
    when: sum(form.明细, number(.税额)) > 0
    fields:
      - {odoo: account_id, value: "'2221'", lookup: {by: code}}
      - {odoo: debit, value: "sum(form.明细, number(.税额))"}
      - {odoo: name, value: "进项税 {{ business_id }}"}
  - odoo: line_ids
    fields:
      - {odoo: account_id, value: "form.付款 == '现金' ? '1001' : '1002'", lookup: {by: code}}
      - {odoo: credit, value: "sum(form.明细, number(.金额))"}
      - {odoo: name, dingtalk: form.事由}
`

var claim = Record{
	"title": "张三的报销", "business_id": "2026", "form.客户": "C1", "form.付款": nil, "form.事由": "出差",
	"form.明细": []any{
		map[string]any{"费用类型": "差旅", "事由": "机票", "金额": "800.10", "税额": "66.1", "日期": "2026-02-19 08:00"},
		map[string]any{"费用类型": "餐费", "事由": "晚餐", "金额": "0.2", "税额": nil, "备注(选填)": "(自费)"},
	},
}

func TestVoucherLines(t *testing.T) {
	m := load(t, voucher)
	f, _ := m.Field("line_ids")
	if len(f.Lines.Templates) != 3 || !f.OnCreate || f.DingName != "" || f.Lines.Templates[1].Pos.Line != 17 {
		t.Fatalf("%+v", f)
	}
	if got := m.DingFields(); !slices.Equal(got, []string{"business_id", "form.事由", "form.付款", "form.客户", "form.明细", "title"}) {
		t.Errorf("%v", got)
	}
	if got := f.Lines.Templates[0].Fields[0].Value.Names(); !slices.Equal(got, []string{"row.事由", "row.备注(选填)", "title"}) {
		t.Errorf("%v", got)
	}
	v, err := f.Read(DingTalk, claim, Env{})
	if err != nil || !v.IsKnown() {
		t.Fatalf("%s, %v", v, err)
	}
	env := Env{Lookups: shelf{
		"account.account code 6602": 1, "account.account code 6603": 2, "account.account code 2221": 3, "account.account code 1002": 4, "res.partner ref C1": 5,
	}}
	raw, err := f.Write(Odoo, v, nil, env)
	if err != nil || !reflect.DeepEqual(raw, []any{
		map[string]any{"name": "张三的报销: 机票", "account_id": int64(1), "partner_id": int64(5), "debit": 734.0, "date": "2026-02-19"},
		map[string]any{"name": "张三的报销: 晚餐(自费)", "account_id": int64(2), "partner_id": int64(5), "debit": 0.2},
		map[string]any{"name": "进项税 2026", "account_id": int64(3), "debit": 66.1},
		map[string]any{"name": "出差", "account_id": int64(4), "credit": 800.3},
	}) {
		t.Errorf("%v, %v", raw, err)
	}
	if v, err := f.Read(Odoo, Record{"line_ids": []int64{1, 2}}, Env{}); !v.IsUnknown() || err != nil {
		t.Errorf("%s, %v", v, err)
	}
	untaxed := Record{}
	for name, value := range claim {
		untaxed[name] = value
	}
	untaxed["form.明细"] = nil
	if v, err := f.Read(DingTalk, untaxed, Env{}); err != nil || v != Text(`[{"":"3","account_id":"1002","credit":"0","form.事由":"出差"}]`) {
		t.Errorf("%s, %v", v, err)
	}
	delete(untaxed, "form.付款")
	if v, err := f.Read(DingTalk, untaxed, Env{}); err != nil || !v.IsUnknown() {
		t.Errorf("%s, %v", v, err)
	}
}

func TestReferencesInLines(t *testing.T) {
	set := loadAll(t, `mapping: asked
odoo: {model: sale.order}
dingtalk: {kind: approval}
fields: [{odoo: name, dingtalk: form.单号}]
lines:
  - odoo: order_line
    for: form.明细
    fields: [{odoo: name, dingtalk: 说明}, {odoo: salesman_id, dingtalk: 销售, ref: sellers}]
---
mapping: sellers
odoo: {model: res.users}
dingtalk: {kind: user}
fields: [{odoo: login, dingtalk: email}]
`)
	if got := names(set.Ranked); !slices.Equal(got, []string{"sellers", "asked"}) {
		t.Errorf("ranked %v", got)
	}
	f, _ := set.Mappings[0].Field("order_line")
	refs := testRefs{"sellers": {"7": "zhangsan"}}
	lines := Record{"order_line": []any{Record{"id": int64(1), "name": "a", "salesman_id": map[string]any{"id": int64(7), "name": "x"}}}}
	v, err := f.Read(Odoo, lines, Env{Refs: refs})
	if err != nil || v != Text(`[{"说明":"a","销售":"7"}]`) {
		t.Fatalf("%s, %v", v, err)
	}
	if v, err := f.Read(Odoo, lines, Env{Refs: testRefs{}}); err != nil || !v.IsUnknown() {
		t.Errorf("a line without its link: %s, %v", v, err)
	}
	_, err = f.Write(DingTalk, v, nil, Env{Refs: testRefs{}})
	if missing := (*MissingRef)(nil); !errors.As(err, &missing) || missing.Mapping != "sellers" || missing.Link != "7" {
		t.Errorf("%v", err)
	}
}

func TestLinesSignature(t *testing.T) {
	seen := map[string]string{}
	for _, change := range [][2]string{
		{"for: form.明细", "for: form.明细"},
		{"for: form.明细", "for: form.其他"},
		{"金额) - number(税额)", "金额)"},
		{"{by: code}, values: {差旅", "{by: name}, values: {差旅"},
		{"{差旅: ", "{差: "},
		{"when: sum(form.明细, number(.税额)) > 0\n    fields", "fields"},
	} {
		text := strings.Replace(voucher, change[0], change[1], 1)
		f, _ := load(t, text).Field("line_ids")
		if seen[f.Signature] != "" {
			t.Errorf("%q and %q are the same", seen[f.Signature], change[1])
		}
		seen[f.Signature] = change[1]
	}
}

func TestLinesExamples(t *testing.T) {
	both := strings.Replace(orderLines, "DIRECTION", "", 1) + `tests:
  - name: holds
    odoo:     {order_line: [{product_id: S1, name: 螺丝, product_uom_qty: 10, price_unit: 0.3}, {product_id: , name: 运费, product_uom_qty: 1, price_unit: 5.5}]}
    dingtalk: {form.明细: [{商品: S1, 说明: 螺丝, 数量: 10, "单价(元)": 0.30}, {说明: 运费, 数量: "1", "单价(元)": 5.50}]}
  - name: holds when expected
    dingtalk: {form.明细: [{说明: 运费, 数量: "1"}]}
    expect:   {order_line: [{说明: 运费, 数量: "1", 商品: }]}
  - name: holds when empty
    dingtalk: {form.明细: }
    expect:   {order_line: []}
  - name: holds when written
    dingtalk: {form.明细: [{商品: S1, 说明: 运费, 数量: "1"}]}
    writes:   {odoo: {order_line: [{name: 运费, product_uom_qty: 1, product_id: S1}]}}
  - name: differs
    odoo:     {order_line: [{product_id: S1, name: 螺丝, product_uom_qty: 10, price_unit: 0.3}]}
    dingtalk: {form.明细: [{商品: S2, 说明: 螺丝, 数量: 10, "单价(元)": 0.30}]}
  - name: expected otherwise
    dingtalk: {form.明细: [{说明: 运费, 数量: "1"}]}
    expect:   {order_line: [{说明: 运费, 数量: "2"}]}
  - name: writes otherwise
    dingtalk: {form.明细: [{商品: S1, 说明: 运费, 数量: "1"}]}
    writes:   {odoo: {order_line: [{name: 运费, product_uom_qty: 1, product_id: S2}]}}
`
	set := loadAll(t, both, voucher+`tests:
  - name: holds as a voucher
    dingtalk:
      title: 报销
      business_id: "1"
      form.客户: C1
      form.付款: 现金
      form.事由: 出差
      form.明细: [{费用类型: 餐费, 事由: 晚餐, 金额: 106, 税额: 6}]
    expect:
      journal_id: EXJ
      line_ids: [{name: "报销: 晚餐", 费用类型: "6603", form.客户: C1, debit: "100"}, {account_id: "2221", debit: "6", name: "进项税 1"}, {account_id: "1001", credit: "106", form.事由: 出差}]
    writes:
      odoo:
        journal_id: EXJ
        line_ids:
          - {name: "报销: 晚餐", account_id: "6603", partner_id: C1, debit: 100}
          - {account_id: "2221", debit: 6, name: "进项税 1"}
          - {account_id: "1001", credit: 106, name: 出差}
`)
	results := RunTests(set)
	if len(results) != 8 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.OK() != strings.HasPrefix(r.Test, "holds") {
			t.Errorf("%s: %v", r.Test, r.Failures)
		}
	}
}

func TestPathsInLines(t *testing.T) {
	m := load(t, `mapping: asked
odoo: {model: sale.order}
dingtalk: {kind: approval}
fields: [{odoo: name, dingtalk: form.单号}, {dingtalk: originator_user_id, value: "'boss'"}]
create: {dingtalk: {when: "len(order_line) > 1"}}
lines:
  - odoo: order_line
    for: form.明细
    when: product_id.active
    fields:
      - {odoo: product_id.default_code, dingtalk: 编码}
      - {dingtalk: 说明, value: "product_id.barcode + ': ' + name"}
`)
	if got := m.LineFields()[0].Names; !slices.Equal(got, []string{"id", "name", "product_id.active", "product_id.barcode", "product_id.default_code"}) {
		t.Errorf("to read: %v", got)
	}
	if got := m.OdooFields(); !slices.Equal(got, []string{"name", "order_line"}) {
		t.Errorf("%v", got)
	}
	line := func(code string, active bool) Record {
		return Record{"id": int64(len(code)), "name": "螺丝", "product_id.active": active, "product_id.barcode": "690", "product_id.default_code": code}
	}
	rec := Record{"name": "SO1", "order_line": []any{line("S1", true), line("S2", false), line("", true)}}
	view, failed := m.View(Odoo, rec, nil, nil, nil)
	if want := Text(`[{"编码":"S1","说明":"690: 螺丝"},{"说明":"690: 螺丝"}]`); len(failed) > 0 || view["order_line"] != want {
		t.Errorf("%v, %v", view, failed)
	}
	for want, lines := range map[bool]any{true: rec["order_line"], false: []int64{1}} {
		if got, err := m.CreateDingTalk.When.Bool(Record{"order_line": lines}); err != nil || got != want {
			t.Errorf("%v lines: %v, %v", lines, got, err)
		}
	}
}
