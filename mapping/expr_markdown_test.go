package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// told is what a work notice says of a record whose field is made by an expression.
func told(t *testing.T, field, value string, rec Record) string {
	t.Helper()
	set := loadSound(t, fmt.Sprintf(`
mapping: a
odoo: {model: sale.order}
dingtalk: {kind: work_notice}
receivers: followers
fields: [{dingtalk: %s, value: %q}]
`, field, value))
	v, err := set.Mappings[0].Fields[0].Compute(rec)
	if err != nil {
		t.Errorf("%s: %v", value, err)
	}
	return v.Text
}

// anOrder is an order whose texts would all act as markdown.
var anOrder = Record{
	"id": int64(7), "name": "# SO001", "partner_id": map[string]any{"id": int64(9), "name": "[x](http://a)"}, "state": "sale",
	"note": "<p>**请** <b>看</b></p>", "body": "<p>**请** <b>看</b></p>", "client_order_ref": "**急**", "amount_total": -5.5, "partner_id.email": "http://e.com/a b", "origin": nil,
	"access_warning": "一\n# 二", RecordURL: "https://erp.example.com/web#id=7&model=sale.order&view_type=form",
}

func TestWhatAnExpressionInsertsInMarkdown(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		// The words of the mapping act, those of the record do not.
		{`**{{ name }}** [打开]({{ record_url }}) #{{ id }}`, `**# SO001** [打开](https://erp.example.com/web#id=7&model=sale.order&view_type=form) #7`},
		{`{{ name }}`, `＃ SO001`},
		{`name`, `＃ SO001`},
		{`客户 {{ partner_id.name }}{{ partner_id.name }}`, `客户 ［x］(http://a)［x］(http://a)`},
		{`[{{ partner_id.name }}]({{ partner_id.email }})`, `[［x］(http://a)](http://e.com/a%20b)`},
		{`'**' + name + '** ' + client_order_ref`, `**# SO001** ＊＊急＊＊`},
		{`{{ '- ' + name + '\n- ' + client_order_ref }}`, "- ＃ SO001\n- ＊＊急＊＊"},
		{`{{ name == '# SO001' ? '**是**' : client_order_ref }}`, `**是**`},
		{`{{ name != '# SO001' ? '**是**' : client_order_ref }}`, `＊＊急＊＊`},
		{`{{ if state == 'sale' { '**' + client_order_ref + '**' } else { name } }}`, `**＊＊急＊＊**`},
		{`{{ origin ?? '**无**' }}`, `**无**`},
		{`{{ client_order_ref ?? '**无**' }}`, `＊＊急＊＊`},
		{`{{ let ref = client_order_ref; ref == '**急**' ? '*' + ref + '*' : '' }}`, `*＊＊急＊＊*`},
		{`{{ amount_total }} {{ amount_total < 0 }} {{ amount_total + 1 }} {{ len(name) }}`, `-5.5 true -4.5 7`},
		{`{{ access_warning }}`, "一  \n＃ 二"},
		{`> {{ access_warning }}`, "> 一 # 二"},
		{`{{ name // of the order }}`, `＃ SO001`},
		{`{{ 1; name == '' ? name : '**' + client_order_ref; }}`, `**＊＊急＊＊`},

		// What is put together of several.
		{`{{ join([name, '**b**', client_order_ref], '\n- ') }}`, "＃ SO001\n- **b**\n- ＊＊急＊＊"},
		{`{{ ['a', 'b'] | map('**' + # + client_order_ref + '**') | take(1) | join(', ') }}`, `**a＊＊急＊＊**`},
		{`{{ reverse(map([1, 2], '- ' + string(#))) | join('\n') }}`, "- 2\n- 1"},
		{`{{ join(map(fromJSON('[{"a":"# 1"}]'), '- ' + .a + ' ' + .a + .a)) }}`, `- ＃ 1 # 1# 1`}, // of types that nobody knows
		{`{{ join(split(client_order_ref, '急'), '**') }}`, `＊＊**＊＊`},
		{`{{ join([]) }}x`, `x`},

		// What functions make of a text is the record's.
		{`{{ upper('*' + name + '*') }}`, `＊# SO001＊`},
		{`{{ replace(name, '# ', '> ') }}`, `＞ SO001`},
		{`{{ {"a": client_order_ref}.a }}`, `＊＊急＊＊`},
		{`{{ [name][0] }} {{ name[2:] }}`, `＃ SO001 SO001`},

		// Html, and what is markdown already.
		{`{{ markdown(note) }}`, `＊＊请＊＊ **看**`},
		{`单 {{ markdown(name) }}`, `单 # SO001`},
		{`{{ short(markdown(note), 9) }}`, `＊＊请＊＊…`},
		{`{{ plain(note) }}`, `＊＊请＊＊ 看`},
		{`{{ raw(client_order_ref) }} {{ raw('*' + client_order_ref + '*') }}`, `**急** ***急***`},
		{`{{ raw(markdown(note)) }}`, `＊＊请＊＊ **看**`},
		{`{{ short(client_order_ref, 4) }}`, `＊＊急…`},
		{`{{ short('**' + name + '**', 6) }}`, `**#**…`},
		{`{{ len(short(markdown(note), 9)) }}`, `9`},
	} {
		if got := told(t, "markdown.text", c.value, anOrder); got != c.want {
			t.Errorf("%s: %q, want %q", c.value, got, c.want)
		}
	}
}

func TestFieldsThatAreNoMarkdownAreLeftAlone(t *testing.T) {
	for _, field := range []string{"markdown.title", "text.content", "action_card.title", "link.text", "oa.body.content"} {
		value := `{{ partner_id.name }} {{ client_order_ref }} {{ raw(name) }} {{ short(markdown(note), 8) }}`
		if got, want := told(t, field, value, anOrder), `[x](http://a) **急** # SO001 ＊＊请＊＊ *…`; got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if got := told(t, "action_card.markdown", `{{ client_order_ref }}`, anOrder); got != `＊＊急＊＊` {
		t.Errorf("a card: %q", got)
	}
}

// TestPairsInMarkdown: a field of Odoo that is shown as markdown as it is does not act either.
func TestPairsInMarkdown(t *testing.T) {
	for _, c := range []struct{ model, pair, want string }{
		{"sale.order", `{odoo: name, dingtalk: markdown.text}`, `＃ SO001`},
		{"sale.order", `{odoo: partner_id, dingtalk: action_card.markdown, convert: label}`, `［x］(http://a)`},
		{"mail.message", `{odoo: body, dingtalk: markdown.text, convert: html_text}`, `＊＊请＊＊ 看`},
		{"sale.order", `{odoo: state, dingtalk: markdown.text, values: {"**已确认**": sale}}`, `**已确认**`}, // the mapping's own words
		{"sale.order", `{odoo: name, dingtalk: markdown.title}`, `# SO001`},
	} {
		set := loadSound(t, fmt.Sprintf("mapping: a\nodoo: {model: %s}\ndingtalk: {kind: work_notice}\nreceivers: {userid: boss}\nfields: [%s]\n", c.model, c.pair))
		f := set.Mappings[0].Fields[0]
		v, err := f.Read(Odoo, anOrder, Env{})
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := f.Write(DingTalk, v, nil, Env{}); raw != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", c.pair, raw, err, c.want)
		}
	}
}

// TestWhatMarkdownRefuses: the rewritten expression is refused for what the person's own is refused for, at the same place.
func TestWhatMarkdownRefuses(t *testing.T) {
	for value, want := range map[string]string{
		`{{ order_line }}`:    "must be a text, a number or a boolean",
		`{{ nmae }}`:          `no field "nmae"`,
		`{{ name) + (name }}`: "unexpected token",
		`{{ short(name) }}`:   "short",
		`{{ name /* }} */ }}`: "unclosed comment",
	} {
		text := fmt.Sprintf("mapping: a\nodoo: {model: sale.order}\ndingtalk: {kind: work_notice}\nreceivers: followers\nfields: [{value: %q, dingtalk: FIELD}]\n", value)
		_, complaints := Load([]Source{{"a.yaml", []byte(strings.Replace(text, "FIELD", "markdown.text", 1))}}, testSchema(t))
		_, plain := Load([]Source{{"a.yaml", []byte(strings.Replace(text, "FIELD", "text.content", 1))}}, testSchema(t))
		if got := complaints.Error(); !strings.Contains(got, want) || got != plain.Error() {
			t.Errorf("%s: %s\nnot as markdown: %s", value, got, plain.Error())
		}
	}
	long := "'a'" + strings.Repeat(" + 'a'", maxExprNodes/2-1) // as many nodes as there may be
	if got := told(t, "markdown.text", long, anOrder); got != strings.Repeat("a", maxExprNodes/2) {
		t.Errorf("%q", got)
	}
}
