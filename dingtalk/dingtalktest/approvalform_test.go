package dingtalktest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// everything is a template with every component that an app may set, and some that it may not.
func everything() Template {
	hours := "yyyy-MM-dd HH:mm"
	return Template{Code: "PROC-ALL", Name: "报销", Components: []Component{
		{Type: "TextNote", Label: "说明", Required: true},
		{Type: "TextField", Label: "标题", Required: true, Alias: "title"},
		{Type: "TextareaField", Label: "事由"},
		{Type: "NumberField", Label: "天数"},
		{Type: "MoneyField", Label: "金额"},
		{Type: "DDSelectField", Label: "类型", Options: []string{"差旅", "<办公>"}},
		{Type: "DDMultiSelectField", Label: "标签", Options: []string{"急", "大"}},
		{Type: "DDDateField", Label: "日期"},
		{Type: "DDDateField", Label: "时刻", Format: hours},
		{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: hours},
		{Type: "PhoneField", Label: "电话"},
		{Type: "DDPhotoField", Label: "图片"},
		{Type: "DDAttachment", Label: "附件"},
		{Type: "InnerContactField", Label: "同行", Multiple: true},
		{Type: "InnerContactField", Label: "代理"},
		{Type: "DepartmentField", Label: "部门", Multiple: true},
		{Type: "RelateField", Label: "关联"},
		{Type: "AddressField", Label: "地址"},
		{Type: "StarRatingField", Label: "评分", Limit: 10},
		{Type: "TimeAndLocationField", Labels: []string{"当前时间", "当前地点"}},
		{Type: "TableField", Label: "明细", Children: []Component{
			{Type: "TextField", Label: "项目", Required: true},
			{Type: "NumberField", Label: "数量"},
			{Type: "DDSelectField", Label: "币种", Options: []string{"CNY", "USD"}},
			{Type: "InnerContactField", Label: "谁"},
		}},
		{Type: "CalculateField", Label: "合计"},
		{Type: "DDHolidayField", Labels: []string{"开始", "结束"}},
	}}
}

func value(name, text string) object { return object{"name": name, "value": text} }

// request is a start of everything() that is accepted, with further values.
func request(values ...object) object {
	list := []any{value("标题", "x")}
	for _, v := range values {
		list = append(list, v)
	}
	return object{"processCode": "PROC-ALL", "originatorUserId": "bob", "deptId": -1, "formComponentValues": list}
}

// post starts an instance by the API.
func (b *bench) post(body object) string {
	b.t.Helper()
	id, _ := b.v1("POST", workflowInstances, body, 200)["instanceId"].(string)
	if id == "" {
		b.t.Fatal("no instanceId")
	}
	return id
}

func TestFormReadsBackOtherwise(t *testing.T) {
	b := start(t)
	dept := b.office()
	code := b.AddTemplate(everything())
	other := b.begin(b.simple())
	many, place := `["开始时间","结束时间"]`, `["当前时间","当前地点"]`
	table, _ := b.Template(code)
	tableID := table.Components[20].ID
	child := func(i int) string { return table.Components[20].Children[i].ID }
	for name, test := range map[string]struct{ name, sent, value, ext string }{
		"text":         {"标题", "报销单", "报销单", ""},
		"lines":        {"事由", "一\r\n二", "一\r\n二", ""},
		"number":       {"天数", "-3.5", "-3.5", ""},
		"money":        {"金额", "1500.50", "1500.50", ""},
		"select":       {"类型", "<办公>", "<办公>", `{"key":"option_1","label":"<办公>"}`},
		"multi-select": {"标签", `["急"]`, `["急"]`, `[{"key":"option_0","label":"急"}]`},
		"date":         {"日期", "2026-08-17", "2026-08-17", ""},
		"time":         {"时刻", "2026-08-17 10:00", "2026-08-17 10:00", ""},
		"range":        {many, `["2026-08-17 10:00","2026-08-18"]`, `["2026-08-17 10:00","2026-08-18"]`, ""},
		"phone":        {"电话", "+86-13800000000", "+86-13800000000", ""},
		"photo":        {"图片", `["https://x.example/a.png"]`, `["https://x.example/a.png"]`, ""},
		"attachment": {
			"附件", `[{"spaceId":"1","fileName":"a.pdf","fileSize":"333","fileType":"pdf","fileId":"2"}]`,
			`[{"fileId":"2","fileName":"a.pdf","fileSize":333,"fileType":"pdf","spaceId":"1"}]`, "",
		},
		"contacts": {
			"同行", `["ann","cho"]`, "安,赵", `[{"avatar":"","emplId":"ann","name":"安"},{"avatar":"","emplId":"cho","name":"赵"}]`,
		},
		"departments": {"部门", fmt.Sprintf("%d,-1", dept), "研发,dingcorp", fmt.Sprintf(`[{"id":"%d","name":"研发"},{"id":"-1","name":"dingcorp"}]`, dept)},
		"relation":    {"关联", jsonText([]string{other}), jsonText([]string{other}), ""},
		"address":     {"地址", "北京,北京市,东城区", "北京,北京市,东城区", ""},
		"stars":       {"评分", "10", "10", ""},
		"place":       {place, `["2026-01-03 14:27:20",120.02,30.28,"a",100]`, `["2026-01-03 14:27:20",120.02,30.28,"a",100]`, ""},
		"table": {
			"明细", `[[{"name":"项目","value":"票"},{"name":"数量","value":"2"}],[{"name":"项目","value":"房"},{"name":"币种","value":"USD"},{"name":"谁","value":"[\"ann\"]"}]]`,
			fmt.Sprintf(`[{"rowNumber":"%[1]s_1A","rowValue":[{"componentType":"TextField","key":"%[2]s","label":"项目","value":"票"},`+
				`{"componentType":"NumberField","key":"%[3]s","label":"数量","value":"2"},{"componentType":"DDSelectField","key":"%[4]s","label":"币种"},`+
				`{"componentType":"InnerContactField","key":"%[5]s","label":"谁"}]},`+
				`{"rowNumber":"%[1]s_2K","rowValue":[{"componentType":"TextField","key":"%[2]s","label":"项目","value":"房"},`+
				`{"componentType":"NumberField","key":"%[3]s","label":"数量"},`+
				`{"componentType":"DDSelectField","extendValue":{"key":"option_1","label":"USD"},"key":"%[4]s","label":"币种","value":"USD"},`+
				`{"componentType":"InnerContactField","extendValue":[{"avatar":"","emplId":"ann","name":"安"}],"key":"%[5]s","label":"谁","value":"安"}]}]`,
				tableID, child(0), child(1), child(2), child(3)),
			`{"componentName":"TableField","statValue":[]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			b.Set(func(k *Knobs) { k.AnyTableChild = true })
			body := request(value(test.name, test.sent))
			if test.name == "标题" {
				body["formComponentValues"] = []any{value(test.name, test.sent)}
			}
			id := b.post(body)
			for _, item := range b.details(id)["formComponentValues"].([]any) {
				v := item.(object)
				if v["name"] != test.name {
					continue
				}
				if v["value"] != test.value || asText(v["extValue"]) != test.ext || v["id"] == nil || v["componentType"] == nil {
					t.Errorf("read %v\nwant %s\n%s", v, test.value, test.ext)
				}
				return
			}
			t.Error("the component is not shown")
		})
	}
}

func TestEmptyComponentsRead(t *testing.T) {
	b := start(t)
	b.office()
	code := b.AddTemplate(everything())
	id := b.post(request())
	got := b.form(id)
	if got["事由"] != "null" || got["图片"] != "null" {
		t.Errorf("empty texts: %v", got)
	}
	if _, shown := got["金额"]; shown {
		t.Errorf("other components lack the value: %v", got)
	}
	var children []object
	if parseJSON(got["明细"], &children) != nil || len(children) != 4 || children[0]["componentName"] != "TextField" || children[0]["props"] == nil {
		t.Errorf("an untouched table shows its child schema: %v", got["明细"])
	}
	old := b.old("/topapi/processinstance/get", object{"process_instance_id": id})["process_instance"].(object)
	if first := old["form_component_values"].([]any)[0].(object); first["name"] != "标题" || first["component_type"] != "TextField" || first["biz_alias"] != "title" {
		t.Errorf("old API: %v", first)
	}
	b.Set(func(k *Knobs) { k.EmptyValuesAbsent, k.UntouchedTableEmpty, k.PlainTableRows = true, true, true })
	if got := b.form(id); len(got) != 1 || got["标题"] != "x" {
		t.Errorf("EmptyValuesAbsent, UntouchedTableEmpty: %v", got)
	}
	id, err := b.StartInstance(code, "bob", 0, map[string]any{"标题": "x", "明细": []map[string]any{{"项目": "a"}}})
	must(t, err)
	if rows := b.form(id)["明细"]; strings.Contains(rows, "rowNumber") || strings.Contains(rows, "componentType") || !strings.Contains(rows, `"rowValue"`) {
		t.Errorf("PlainTableRows: %s", rows)
	}
}

func TestStartByHandTakesGoValues(t *testing.T) {
	b := start(t)
	dept := b.office()
	code := b.AddTemplate(everything())
	at := time.Date(2026, 8, 17, 2, 0, 0, 0, time.UTC)
	id, err := b.StartInstance(code, "ann", dept, map[string]any{
		"标题": "x", "天数": 3, "金额": 1500.5, "日期": at, "时刻": at, "开始时间": at, "结束时间": "2026-08-18", "标签": []string{"大"},
		"同行": []string{"bob"}, "代理": "cho", "部门": []int64{dept, -1}, "图片": "https://x.example/a.png", "合计": "7", "事由": nil,
		"明细":          []map[string]any{{"项目": "票", "数量": 2, "谁": "bob"}},
		`["开始","结束"]`: FormValue{Value: `["2026-08-13 09:00","2026-08-14 18:00",2,"day","事假","请假类型"]`, ExtValue: `{"unit":"day"}`},
	})
	must(t, err)
	in, _ := b.Instance(id)
	for name, want := range map[string]string{
		"天数": "3", "金额": "1500.5", "日期": "2026-08-17", "时刻": "2026-08-17 10:00", "标签": `["大"]`, "同行": `["bob"]`, "代理": `["cho"]`,
		`["开始时间","结束时间"]`: `["2026-08-17 10:00","2026-08-18"]`, "部门": fmt.Sprintf("%d,-1", dept), "图片": `["https://x.example/a.png"]`,
		"合计": "7", "明细": `[[{"name":"项目","value":"票"},{"name":"数量","value":"2"},{"name":"谁","value":"[\"bob\"]"}]]`, "事由": "",
	} {
		if got := in.Value(name); got != want {
			t.Errorf("%s: want %s, got %s", name, want, got)
		}
	}
	if in.Dept != dept || in.ByAPI {
		t.Errorf("%+v", in)
	}
	if got := b.form(id)[`["开始","结束"]`]; !strings.Contains(got, "事假") {
		t.Errorf("a leave: %s", got)
	}
	for name, bad := range map[string]map[string]any{
		"required":      {},
		"no such label": {"标题": "x", "题": "y"},
		"a kind":        {"标题": struct{}{}},
		"an option":     {"标题": "x", "类型": "别的"},
		"half a range":  {"标题": "x", "开始时间": at},
		"a row":         {"标题": "x", "明细": []any{"row"}},
		"a child":       {"标题": "x", "明细": []map[string]any{{"东西": "a"}}},
	} {
		if _, err := b.StartInstance(code, "ann", dept, bad); err == nil {
			t.Errorf("%s: must be refused", name)
		}
	}
}

func TestFormIsRefused(t *testing.T) {
	b := start(t)
	b.office()
	b.AddTemplate(everything())
	row := func(cells string) string { return "[[" + cells + "]]" }
	item := `{"name":"项目","value":"a"}`
	for name, test := range map[string]struct {
		code  string
		value object
	}{
		"unknown label":      {"formConverterError", value("题目", "x")},
		"label with a space": {"formConverterError", value("金额 ", "1")},
		"twice":              {"formConverterError", value("标题", "y")},
		"another type":       {"formConverterError", object{"name": "金额", "value": "1", "componentType": "NumberField"}},
		"unknown id":         {"formConverterError", object{"id": "X", "name": "金额", "value": "1"}},
		"number":             {"formConverterError", value("天数", "三")},
		"number with commas": {"formConverterError", value("金额", "1,500")},
		"option":             {"formConverterError", value("类型", "其他")},
		"options as text":    {"formConverterError", value("标签", "急")},
		"one bad option":     {"formConverterError", value("标签", `["急","小"]`)},
		"date":               {"formConverterError", value("日期", "17.08.2026")},
		"minutes in a date":  {"formConverterError", value("日期", "2026-08-17 10:00")},
		"range backwards":    {"formConverterError", value(`["开始时间","结束时间"]`, `["2026-08-18","2026-08-17"]`)},
		"range by one label": {"formConverterError", value("开始时间", "2026-08-18")},
		"phone":              {"formConverterError", value("电话", "phone")},
		"photo":              {"formConverterError", value("图片", `["a.png"]`)},
		"attachment":         {"formConverterError", value("附件", `[{"fileId":"2"}]`)},
		"contact unknown":    {"formConverterError", value("同行", `["gone"]`)},
		"contact plainly":    {"formConverterError", value("代理", "ann")},
		"two for one":        {"formConverterError", value("代理", `["ann","cho"]`)},
		"department":         {"formConverterError", value("部门", "77")},
		"relation":           {"formConverterError", value("关联", `["gone"]`)},
		"stars":              {"formConverterError", value("评分", "11")},
		"place":              {"formConverterError", value(`["当前时间","当前地点"]`, `["2026-01-03 14:27:20"]`)},
		"too long":           {"formConverterError", value("事由", strings.Repeat("长", 65536))},
		"a note":             {"formConverterError", value("说明", "x")},
		"not settable":       {"illegalComponent", value("合计", "1")},
		"a leave":            {"illegalComponent", value(`["开始","结束"]`, "[]")},
		"value is no text":   {"invalidParameter", object{"name": "金额", "value": 1}},
		"value absent":       {"invalidParameter", object{"name": "金额"}},
		"name absent":        {"invalidParameter", object{"value": "1"}},
		"details":            {"invalidParameter", object{"name": "金额", "value": "1", "details": make([]any, 151)}},
		"table no table":     {"formConverterError", value("明细", `[{"name":"项目","value":"a"}]`)},
		"cell unknown":       {"formConverterError", value("明细", row(item+`,{"name":"价","value":"1"}`))},
		"cell no text":       {"formConverterError", value("明细", row(`{"name":"项目","value":1}`))},
		"cell twice":         {"formConverterError", value("明细", row(item+","+item))},
		"cell bad":           {"formConverterError", value("明细", row(item+`,{"name":"数量","value":"x"}`))},
		"cell required":      {"formConverterError", value("明细", row(`{"name":"数量","value":"1"}`))},
		"cell of a select":   {"illegalComponent", value("明细", row(item+`,{"name":"币种","value":"CNY"}`))},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", workflowInstances, request(test.value), 400); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	missing := request()
	missing["formComponentValues"] = []any{value("标题", "")}
	if out := b.v1("POST", workflowInstances, missing, 400); out["code"] != "formConverterError" || out["message"] != "失败控件：标题" {
		t.Errorf("required: %v", out)
	}
	if len(b.Instances("")) != 0 {
		t.Error("what was refused must not exist")
	}
	b.Set(func(k *Knobs) { k.UnknownLabelsDropped = true })
	b.post(request(value("题目", "x"), object{"id": "", "bizAlias": "", "name": "天数", "value": ""}))
	b.Set(func(k *Knobs) { k.DateOnly = true })
	b.post(request(value("时刻", "2026-08-17")))
	b.v1("POST", workflowInstances, request(value("时刻", "2026-08-17 10:00")), 400)
	byAlias := request()
	byAlias["formComponentValues"] = []any{object{"bizAlias": "title", "name": "题", "value": "by alias"}}
	if got := b.form(b.post(byAlias))["标题"]; got != "by alias" {
		t.Errorf("by alias: %s", got)
	}
}
