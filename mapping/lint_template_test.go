package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// leaveForm is a template with a component of each type.
func leaveForm() Template {
	select3 := []string{"事假", "病假", "年假"}
	return Template{ProcessCode: "PROC-LEAVE", Name: "请假", Status: "PUBLISHED", Components: []Component{
		{Type: "TextNote", Label: "说明文字", Required: true},
		{Type: "TextField", Label: "单据编号"},
		{Type: "TextField", Label: "标题", Required: true},
		{Type: "TextareaField", Label: "事由"},
		{Type: "NumberField", Label: "天数"},
		{Type: "MoneyField", Label: "金额"},
		{Type: "DDSelectField", Label: "假期类型", Options: select3},
		{Type: "DDMultiSelectField", Label: "标签", Options: []string{"急", "缓"}},
		{Type: "DDSelectField", Label: "来自别处"},
		{Type: "DDDateField", Label: "日期"},
		{Type: "DDDateRangeField", Label: `["开始时间","结束时间"]`, Labels: []string{"开始时间", "结束时间"}, Clock: true},
		{Type: "InnerContactField", Label: "代理人"},
		{Type: "DepartmentField", Label: "部门"},
		{Type: "RelateField", Label: "关联"},
		{Type: "DDPhotoField", Label: "图片"},
		{Type: "DDAttachment", Label: "附件"},
		{Type: "CalculateField", Label: "合计", Required: true},
		{Type: "TableField", Label: "明细", Children: []Component{
			{Type: "TextField", Label: "项目", Required: true}, {Type: "MoneyField", Label: "小计"}, {Type: "NumberField", Label: "数量"},
		}},
		{Type: "TextField", Label: "重复"},
		{Type: "NumberField", Label: "重复"},
	}}
}

// peopleSources are the presets that the documents of people refer to.
func peopleSources(t testing.TB) []Source {
	t.Helper()
	var sources []Source
	for _, name := range []string{"departments", "employees"} {
		src, ok := Preset(name)
		if !ok {
			t.Fatalf("there is no preset %s", name)
		}
		sources = append(sources, src)
	}
	return sources
}

// asked is a mapping that asks about leaves, with pairs behind the ones that every such mapping has.
func asked(keys string, pairs ...string) string {
	return "mapping: asked\nodoo: {model: hr.leave}\ndingtalk: {kind: approval, process_code: PROC-LEAVE}\ndirection: both\ncreate: {dingtalk: true, odoo: true}\n" + keys +
		"fields:\n  - {odoo: employee_id, dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}\n" +
		"  - {odoo: state, dingtalk: outcome, values: {agree: validate}, direction: to_odoo}\n  - " + strings.Join(pairs, "\n  - ") + "\n"
}

// lintAsked loads a mapping beside the presets and checks it against the form.
func lintAsked(t testing.TB, text string, form Template) []string {
	t.Helper()
	set, complaints := Load(append(peopleSources(t), Source{File: "a.yaml", Data: []byte(text)}), testSchema(t))
	if set == nil {
		t.Fatalf("the mapping does not load:\n%s", complaints)
	}
	var out []string
	for _, c := range LintTemplates(set, func(code string) (Template, bool) { return form, code == form.ProcessCode }) {
		out = append(out, c.String())
	}
	return out
}

const (
	title = "{odoo: name, dingtalk: form.标题}"
	// where the pairs of asked begin, without keys
	firstPair = 9
)

func TestTemplateFits(t *testing.T) {
	got := lintAsked(t, asked("marker: 单据编号\n",
		title,
		"{odoo: notes, dingtalk: form.事由}",
		"{odoo: number_of_days, dingtalk: form.天数}",
		"{odoo: number_of_days, dingtalk: form.金额, direction: to_dingtalk}",
		"{odoo: holiday_status_id, dingtalk: form.假期类型, convert: label, direction: to_dingtalk}",
		"{odoo: report_note, dingtalk: form.标签, convert: list}",
		"{odoo: holiday_type, dingtalk: form.来自别处, direction: to_dingtalk}",
		"{odoo: request_date_from, dingtalk: form.日期, convert: date}",
		"{odoo: date_from, dingtalk: form.开始时间, convert: datetime}",
		"{odoo: date_to, dingtalk: form.结束时间, convert: datetime}",
		"{odoo: first_approver_id, dingtalk: form.代理人, ref: employees}",
		"{odoo: department_id, dingtalk: form.部门, ref: departments}",
		"{dingtalk: form.图片, value: \"'https://a.example/b.png'\", convert: urls}",
		"{odoo: payslip_status, value: \"number(form.合计) > 1\", direction: to_odoo}",
	), leaveForm())
	if len(got) > 0 {
		t.Errorf("complaints:\n%s", strings.Join(got, "\n"))
	}
}

func TestTemplateComplaints(t *testing.T) {
	for name, one := range map[string]struct {
		pair string
		want string // without its place; "" for none
	}{
		"misspelt label":        {"{odoo: notes, dingtalk: form.事油}", `the template has no component "事油"; did you mean "事由"?`},
		"label of a range":      {"{odoo: date_from, dingtalk: 'form.[\"开始时间\",\"结束时间\"]', convert: datetime, direction: to_odoo}", `the template has no component "[\"开始时间\",\"结束时间\"]"`},
		"two of one label":      {"{odoo: notes, dingtalk: form.重复}", `the template has 2 components "重复", so that nothing tells which is meant`},
		"note":                  {"{odoo: notes, dingtalk: form.说明文字}", "说明文字 is only a note on the form: it holds no value"},
		"worked out":            {"{odoo: number_of_days, dingtalk: form.合计}", `合计 is a CalculateField, which an app cannot fill; the pair needs "direction: to_odoo"`},
		"worked out, read":      {"{odoo: number_of_days, dingtalk: form.合计, direction: to_odoo}", ""},
		"table":                 {"{odoo: notes, dingtalk: form.明细}", "明细 is a table: it belongs to lines"},
		"text into a number":    {"{odoo: notes, dingtalk: form.天数}", "天数 is a NumberField, and text does not fit it; it takes one of integer, number, values"},
		"text from a number":    {"{odoo: notes, dingtalk: form.天数, direction: to_odoo}", ""},
		"name into a number":    {"{odoo: holiday_status_id, dingtalk: form.金额, convert: label, direction: to_dingtalk}", "金额 is a MoneyField, and label does not fit it; it takes one of integer, number, values"},
		"text into a date":      {"{odoo: notes, dingtalk: form.日期, direction: to_dingtalk}", "日期 is a DDDateField, and text does not fit it; it takes one of date, datetime"},
		"number into a date":    {"{odoo: number_of_days, dingtalk: form.日期, direction: to_dingtalk}", "日期 is a DDDateField, and number does not fit it; it takes one of date, datetime"},
		"date from a number":    {"{odoo: request_date_to, dingtalk: form.金额, convert: date, direction: to_odoo}", ""},
		"time into a day":       {"{odoo: date_from, dingtalk: form.日期, convert: datetime, direction: to_dingtalk}", "warning: 日期 has no time of day: that of date_from is cut off"},
		"half a range":          {"{odoo: date_from, dingtalk: form.开始时间, convert: datetime}", "开始时间/结束时间 is filled, and 结束时间 beside it is not; a component is filled as a whole"},
		"wrong option":          {"{odoo: request_unit_half, dingtalk: form.假期类型, values: {事假: 'true', 丧假: 'false'}, direction: to_dingtalk}", `假期类型 has no option "丧假"; did you mean "事假"?; there are 事假, 病假, 年假`},
		"option without a row":  {"{odoo: request_unit_half, dingtalk: form.标签, values: {急: 'true'}, direction: to_odoo}", "标签 is a DDMultiSelectField, and values does not fit it; it takes one of list"},
		"unread option":         {"{odoo: request_unit_half, dingtalk: form.假期类型, values: {事假: 'true', 病假: 'false'}, direction: to_odoo}", `warning: 假期类型 can be "年假", for which values has no row`},
		"keys as options":       {"{odoo: request_date_from_period, dingtalk: form.假期类型, direction: to_dingtalk}", `request_date_from_period sends "am", and 假期类型 has no such option; give the pair values, from its options 事假, 病假, 年假`},
		"constant option":       {"{dingtalk: form.假期类型, value: \"'丧假'\"}", `假期类型 has no option "丧假"; did you mean "事假"?; there are 事假, 病假, 年假`},
		"good constant":         {"{dingtalk: form.假期类型, value: \"'病假'\"}", ""},
		"computed option":       {"{dingtalk: form.假期类型, value: \"name\"}", ""},
		"department as contact": {"{odoo: department_id, dingtalk: form.代理人, ref: departments}", "代理人 holds the id of a user, but the mapping departments is about a department"},
		"name as contact":       {"{odoo: first_approver_id, dingtalk: form.代理人, convert: label, direction: to_dingtalk}", "代理人 is a InnerContactField, and label does not fit it; it takes one of ref, refs, one_of"},
		"reference as text":     {"{odoo: first_approver_id, dingtalk: form.事由, ref: employees, direction: to_dingtalk}", "事由 is a TextareaField, and ref does not fit it; it takes one of text, integer, number, date, datetime, phone_cn, dept_name, html_text, label, values, lookup, attribute"},
		"attribute as text":     {"{odoo: first_approver_id, dingtalk: form.事由, ref: employees, attribute: mobile, direction: to_dingtalk}", ""},
		"text as photo":         {"{odoo: notes, dingtalk: form.图片, direction: to_dingtalk}", "图片 is a DDPhotoField, and text does not fit it; it takes one of urls"},
		"attachment":            {"{dingtalk: form.附件, value: name}", "附件 is a DDAttachment, which a mapping cannot carry"},
		"label in a value":      {"{odoo: payslip_status, value: \"form.标提 == 'x'\", direction: to_odoo}", `the template has no component "标提"; did you mean "标题"?`},
		"label in a condition":  {"{odoo: notes, dingtalk: form.事由, direction: to_odoo, when: \"form.标提 == 'x'\"}", `the template has no component "标提"; did you mean "标题"?`},
		"no component":          {"{odoo: report_note, dingtalk: business_id, direction: to_odoo}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := lintAsked(t, asked("", title, one.pair), leaveForm())
			if one.want == "" {
				if len(got) > 0 {
					t.Errorf("got %q", got)
				}
				return
			}
			if len(got) == 0 || !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, ": "+one.want) }) {
				t.Fatalf("got %q", got)
			}
			if where := fmt.Sprintf("a.yaml:%d:", firstPair+1); !strings.HasPrefix(got[len(got)-1], where) && !strings.Contains(one.want, "filled") {
				t.Errorf("stands at %s", got[0])
			}
		})
	}
}

func TestTemplateAsAWhole(t *testing.T) {
	form := leaveForm()
	check := func(name, text string, form Template, want ...string) {
		t.Helper()
		if got := lintAsked(t, text, form); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s", name, strings.Join(got, "\n"))
		}
	}
	notes := "{odoo: notes, dingtalk: form.事由}"
	check("required", asked("", notes), form, "a.yaml:1:1: the template requires 标题, which no pair fills")
	check("required by the marker", asked("marker: form.标题\n", notes), form)
	check("marker", asked("marker: 单剧编号\n", title), form, `a.yaml:1:1: the template has no component "单剧编号"; did you mean "单据编号"?`)
	check("marker in a number", asked("marker: 天数\n", title), form, "a.yaml:1:1: 天数 is a NumberField, and the marker needs a text")
	check("condition of creation", strings.Replace(asked("", title), "odoo: true}", "odoo: {when: \"form.标提 != ''\"}}", 1), form,
		`a.yaml:5:39: the template has no component "标提"; did you mean "标题"?`)

	draft := leaveForm()
	draft.Status = "SAVED"
	check("not published", asked("", title), draft, "a.yaml:1:1: the template 请假 is not published (SAVED), so that no approval can be started")
	born := strings.Replace(asked("", "{odoo: name, dingtalk: form.标题, direction: to_odoo}"), "dingtalk: true, ", "", 1)
	check("not published, only read", born, draft, "a.yaml:1:1: warning: the template 请假 is not published (SAVED)")

	suite := Template{ProcessCode: "PROC-LEAVE", Name: "请假", Status: "PUBLISHED", Components: []Component{
		{Type: "DDHolidayField", Label: "请假", Required: true}, {Type: "TextField", Label: "标题"}, {Type: "SignatureField", Label: "签名", Required: true},
	}}
	check("suite", asked("", title), suite,
		"a.yaml:1:1: 请假 is a suite (套件): an app cannot start such an approval", "a.yaml:1:1: the template requires 签名, and an app cannot fill a SignatureField")
	read := strings.Replace(asked("", "{odoo: date_from, dingtalk: form.开始时间, convert: datetime, direction: to_odoo}", "{odoo: name, dingtalk: form.请假类型, direction: to_odoo}"), "dingtalk: true, ", "", 1)
	check("suite, only read", read, suite)

	other := leaveForm()
	other.ProcessCode = "PROC-OTHER"
	check("no template", asked("", title), other, `a.yaml:1:1: DingTalk has no template "PROC-LEAVE", or the app may not see it`)
	check("no code", strings.Replace(asked("", title), ", process_code: PROC-LEAVE", "", 1), form,
		"a.yaml:1:1: nothing says the template of asked: give it a process_code, here or in the settings")
}

// orderForm is a template with a table.
func orderForm() Template {
	return Template{ProcessCode: "PROC-ORDER", Name: "订单", Status: "PUBLISHED", Components: []Component{
		{Type: "TextField", Label: "标题", Required: true},
		{Type: "NumberField", Label: "总价"},
		{Type: "TableField", Label: "明细", Required: true, Children: []Component{
			{Type: "TextField", Label: "项目", Required: true}, {Type: "MoneyField", Label: "小计"}, {Type: "NumberField", Label: "数量"}, {Type: "TextField", Label: "编码"},
		}},
	}}
}

func order(lines string) string {
	return `mapping: orders
odoo: {model: sale.order}
dingtalk: {kind: approval, process_code: PROC-ORDER}
direction: to_dingtalk
create: {dingtalk: true}
fields:
  - {dingtalk: originator_user_id, value: "'boss'"}
  - {odoo: name, dingtalk: form.标题}
lines:
` + lines
}

func TestTemplateWithATable(t *testing.T) {
	good := order(`  - odoo: order_line
    for: form.明细
    fields:
      - {odoo: name, dingtalk: 项目}
      - {odoo: product_uom_qty, dingtalk: 数量}
      - {dingtalk: 编码, value: product_id.default_code}
`)
	if got := lintAsked(t, good, orderForm()); len(got) > 0 {
		t.Errorf("complaints: %q", got)
	}
	for name, one := range map[string]struct {
		change [2]string
		want   []string
	}{
		"column":          {[2]string{"dingtalk: 数量", "dingtalk: 数目"}, []string{`a.yaml:14:9: the template has no component "数目"; did you mean "项目"?`}},
		"money in a row":  {[2]string{"dingtalk: 数量", "dingtalk: 小计"}, []string{"a.yaml:14:9: 小计 is a MoneyField, which an app cannot fill within a table"}},
		"text as number":  {[2]string{"odoo: product_uom_qty", "odoo: name"}, []string{"a.yaml:14:9: 数量 is a NumberField, and text does not fit it; it takes one of integer, number, values"}},
		"required column": {[2]string{"dingtalk: 项目", "dingtalk: 编码"}, []string{"a.yaml:10:5: the template requires 明细: 项目, which no pair fills"}},
		"no table":        {[2]string{"form.明细", "form.总价"}, []string{"a.yaml:1:1: the template requires 明细, which no pair fills", "a.yaml:10:5: 总价 is a NumberField, and lines belong to a table"}},
		"unknown table":   {[2]string{"form.明细", "form.明系"}, []string{"a.yaml:1:1: the template requires 明细, which no pair fills", `a.yaml:10:5: the template has no component "明系"; did you mean "明细"?`}},
	} {
		text := strings.Replace(good, one.change[0], one.change[1], 1)
		if name == "required column" {
			text = strings.Replace(text, "      - {dingtalk: 编码, value: product_id.default_code}\n", "", 1)
		}
		if got := lintAsked(t, text, orderForm()); !slices.Equal(got, one.want) {
			t.Errorf("%s: got\n%s", name, strings.Join(got, "\n"))
		}
	}
}

func TestTemplateOfLinesMadeInOdoo(t *testing.T) {
	text := `mapping: orders
odoo: {model: sale.order}
dingtalk: {kind: approval, process_code: PROC-ORDER}
direction: to_odoo
create: {odoo: {when: "outcome == 'agree'"}}
fields:
  - {odoo: client_order_ref, dingtalk: form.标题}
lines:
  - odoo: order_line
    for: form.明细
    when: "form.总介 != ''"
    fields:
      - {odoo: name, value: "项目 + 编马"}
      - {odoo: price_unit, value: "number(小计) / number(form.总价)"}
  - odoo: order_line
    fields:
      - {odoo: price_unit, value: "sum(form.明系, number(.小计))"}
`
	want := []string{
		`a.yaml:11:11: the template has no component "总介"; did you mean "总价"?`,
		`a.yaml:13:29: the template has no component "编马"; did you mean "编码"?`,
		`a.yaml:17:35: the template has no component "明系"; did you mean "明细"?`,
	}
	if got := lintAsked(t, text, orderForm()); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
