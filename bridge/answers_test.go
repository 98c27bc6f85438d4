package bridge

import (
	"testing"

	"dingbridge/mapping"
	"dingbridge/odoo/stock"
)

// answersField is the pair of answers of the meetings' preset, in one direction or both.
func answersField(t *testing.T, d mapping.Direction) *mapping.Field {
	t.Helper()
	employees, _ := mapping.Preset("employees")
	departments, _ := mapping.Preset("departments")
	meetings, ok := mapping.Preset("meetings")
	set, complaints := mapping.Load([]mapping.Source{departments, employees, meetings}, Schema(stock.Fields, false))
	if !ok || set == nil {
		t.Fatal(complaints)
	}
	m, _ := set.Get("meetings")
	f, ok := m.Field("responses")
	if !ok || !f.Answers() {
		t.Fatal("no answers")
	}
	one := *f
	one.Direction = d
	return &one
}

func TestDecideAnswers(t *testing.T) {
	type said map[string]string
	for _, c := range []struct {
		name         string
		direction    mapping.Direction
		odoo, ding   said
		oBase, dBase said // nil: none
		rule         mapping.Rule
		take         mapping.Side
		action       verdictAction
		target       mapping.Side
		to, base     said
		reason       string
	}{
		{name: "nobody answered", odoo: said{"7": "needsAction"}, ding: said{"7": "needsAction"}, action: doSettle, reason: ReasonSame},
		{
			name: "answered in odoo", odoo: said{"7": "accepted"}, ding: said{"7": "needsAction"}, oBase: said{"7": "needsAction"}, dBase: said{"7": "needsAction"},
			action: doWrite, target: mapping.DingTalk, to: said{"7": "accepted"}, reason: ReasonOdoo,
		},
		{
			name: "taken back in dingtalk", odoo: said{"7": "accepted"}, ding: said{"7": "needsAction"}, oBase: said{"7": "accepted"}, dBase: said{"7": "accepted"},
			action: doWrite, target: mapping.Odoo, to: said{"7": "needsAction"}, reason: ReasonDing,
		},
		{
			name: "first seen, answered in dingtalk", odoo: said{"7": "needsAction"}, ding: said{"7": "declined"},
			action: doWrite, target: mapping.Odoo, to: said{"7": "declined"}, reason: ReasonFilled,
		},
		{
			name: "who attends on one side only has answered nobody", odoo: said{"7": "accepted"}, ding: said{"8": "declined"}, action: doSettle, reason: ReasonSame,
		},
		{
			name: "at peace", odoo: said{"7": "accepted"}, ding: said{"8": "declined"}, oBase: said{"7": "accepted"}, dBase: said{"8": "declined"}, reason: ReasonInSync,
		},
		{
			name: "one each way", odoo: said{"7": "accepted", "8": "needsAction"}, ding: said{"7": "needsAction", "8": "declined"},
			oBase: said{"7": "needsAction", "8": "needsAction"}, dBase: said{"7": "needsAction", "8": "needsAction"},
			action: doWrite, target: mapping.DingTalk, to: said{"7": "accepted", "8": "declined"}, base: said{"7": "accepted", "8": "needsAction"}, reason: ReasonBoth,
		},
		{
			name: "one each way, first seen", odoo: said{"7": "accepted", "8": "needsAction"}, ding: said{"7": "needsAction", "8": "declined"},
			action: doWrite, target: mapping.DingTalk, to: said{"7": "accepted", "8": "declined"}, base: said{"7": "accepted"}, reason: ReasonBoth,
		},
		{
			name: "two answers of one person", odoo: said{"7": "accepted"}, ding: said{"7": "declined"}, oBase: said{"7": "needsAction"}, dBase: said{"7": "needsAction"},
			rule: mapping.DingTalkWins, action: doWrite, target: mapping.Odoo, to: said{"7": "declined"}, reason: "conflict on responses: dingtalk wins",
		},
		{
			name: "two answers, held", odoo: said{"7": "accepted", "8": "accepted"}, ding: said{"7": "declined", "8": "needsAction"},
			oBase: said{"7": "needsAction", "8": "needsAction"}, dBase: said{"7": "needsAction", "8": "needsAction"},
			rule: mapping.HoldConflict, action: doConflict, reason: "conflict on responses",
		},
		{
			name: "a person decides for dingtalk: that goes first", odoo: said{"7": "accepted", "8": "accepted"}, ding: said{"7": "declined", "8": "needsAction"},
			oBase: said{"7": "needsAction", "8": "needsAction"}, dBase: said{"7": "needsAction", "8": "needsAction"}, rule: mapping.HoldConflict, take: mapping.DingTalk,
			action: doWrite, target: mapping.Odoo, to: said{"7": "declined", "8": "accepted"}, base: said{"7": "declined", "8": "needsAction"}, reason: ReasonBoth,
		},
		{
			name: "to odoo only: an answer of odoo's own", direction: mapping.ToOdoo, odoo: said{"7": "accepted"}, ding: said{"7": "needsAction"},
			oBase: said{"7": "needsAction"}, dBase: said{"7": "needsAction"}, action: doSettle, reason: ReasonSame,
		},
	} {
		value := func(s said) (mapping.Value, bool) { return mapping.AnswersValue(s), s != nil }
		if c.direction == "" {
			c.direction = mapping.Both
		}
		in := fieldInput{field: answersField(t, c.direction), odoo: mapping.AnswersValue(c.odoo), ding: mapping.AnswersValue(c.ding), rule: c.rule, take: c.take}
		in.odooBase, in.hasOdooBase = value(c.oBase)
		in.dingBase, in.hasDingBase = value(c.dBase)
		got := decideField(in)
		to, base := mapping.UnknownValue, mapping.UnknownValue
		if c.to != nil {
			to = mapping.AnswersValue(c.to)
		}
		if c.base != nil {
			base = mapping.AnswersValue(c.base)
		}
		if got.action != c.action || got.target != c.target || got.to != to || got.base != base || got.reason != c.reason {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
