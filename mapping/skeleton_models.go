package mapping

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// documentModel is how the documents of a model are approved: which of them, and by what methods; each a YAML text in one line.
type documentModel struct {
	domain, create, values string
	transitions            [][2]string // wished state, steps
}

// documentOf takes what is known of a model's documents from the preset that asks about them; false when there is none.
func documentOf(model string) (documentModel, bool) {
	for _, name := range Presets() {
		src, _ := Preset(name)
		_, docs := parse(src)
		for _, d := range docs {
			if d.Odoo.Model.v == model && d.Create.DingTalk.allowed && len(d.Odoo.Transitions.fields) > 0 {
				return d.asDocument(), true
			}
		}
	}
	return documentModel{}, false
}

func (d *document) asDocument() documentModel {
	m := documentModel{domain: inLine(d.Odoo.Domain.node), create: inLine(valueOf(valueOf(d.node, "create"), "dingtalk"))}
	steps := valueOf(valueOf(valueOf(d.node, "odoo"), "transitions"), stateField)
	for i := 0; steps != nil && i+1 < len(steps.Content); i += 2 {
		m.transitions = append(m.transitions, [2]string{scalar(steps.Content[i].Value), inLine(steps.Content[i+1])})
	}
	for i := range d.Fields {
		if f := &d.Fields[i]; f.Odoo.v == stateField && f.DingTalk.v == outcomeField {
			m.values = inLine(valueOf(valueOf(d.node, "fields").Content[i], "values"))
		}
	}
	return m
}

// stateField is where Odoo's documents keep how far they are.
const stateField = "state"

// valueOf is the value of a key of a mapping node; nil when there is none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// inLine writes a value in one line, without comments; "" for none.
func inLine(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, inLine(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, inLine(n.Content[i])+": "+inLine(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if n.Tag != "!!str" { // a number, true or false
		return n.Value
	}
	return scalar(n.Value)
}

// glossary are the fields that a word in a label usually means, the likeliest first.
var glossary = []struct {
	word   string
	fields []string
}{
	{"申请人", []string{"employee_id", "user_id"}},
	{"员工", []string{"employee_id"}},
	{"部门", []string{"department_id"}},
	{"负责人", []string{"user_id"}},
	{"采购员", []string{"user_id"}},
	{"业务员", []string{"user_id"}},
	{"假期类型", []string{"holiday_status_id"}},
	{"请假类型", []string{"holiday_status_id"}},
	{"开始", []string{"request_date_from", "date_from", "date_start", "start_date"}},
	{"结束", []string{"request_date_to", "date_to", "date_end", "date_stop"}},
	{"天数", []string{"number_of_days"}},
	{"时长", []string{"number_of_days", "number_of_hours_display"}},
	{"交货", []string{"date_planned", "commitment_date"}},
	{"到期", []string{"date_due"}},
	{"有效", []string{"validity_date"}},
	{"日期", []string{"date_order", "date_invoice", "accounting_date", "date"}},
	{"供应商", []string{"partner_id"}},
	{"客户", []string{"partner_id"}},
	{"合作伙伴", []string{"partner_id"}},
	{"付款条件", []string{"payment_term_id"}},
	{"币种", []string{"currency_id"}},
	{"公司", []string{"company_id"}},
	{"税", []string{"amount_tax"}},
	{"不含税", []string{"amount_untaxed"}},
	{"总额", []string{"amount_total", "total_amount"}},
	{"总价", []string{"amount_total", "total_amount"}},
	{"合计", []string{"amount_total", "total_amount"}},
	{"金额", []string{"amount_total", "total_amount", "amount"}},
	{"源单", []string{"origin"}},
	{"参考", []string{"partner_ref", "client_order_ref", "reference"}},
	{"单号", []string{"number", "name"}},
	{"编号", []string{"number", "name"}},
	{"标题", []string{"name"}},
	{"名称", []string{"name"}},
	{"主题", []string{"name"}},
	{"事由", []string{"name", "notes", "note"}},
	{"原因", []string{"name", "notes", "note"}},
	{"理由", []string{"name", "notes", "note"}},
	{"说明", []string{"notes", "note", "comment", "description", "name"}},
	{"备注", []string{"notes", "note", "comment", "description"}},
	{"描述", []string{"description", "notes", "note", "name"}},
	{"类型", []string{"holiday_status_id", "type"}},
}
