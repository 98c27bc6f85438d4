package dingtalk_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// office is a stand-in with three people and a template of every component that an app may fill, and its client.
func office(t *testing.T, old bool) (s *dingtalktest.Server, c *dingtalk.Client, code string) {
	t.Helper()
	s, _ = standIn(t)
	c = client(t, dingtalk.Config{
		OAPI: s.URL(), API: s.URL(), Login: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), QPS: -1, RetryWait: time.Millisecond, OldApprovals: old,
	})
	for i, id := range []string{"ann", "bob", "cho"} {
		s.AddUser(dingtalktest.User{UserID: id, Name: "n" + id, Mobile: fmt.Sprint(13800000000 + i), Departments: []int64{1}})
	}
	code = s.AddTemplate(dingtalktest.Template{
		Name: "报销",
		Components: []dingtalktest.Component{
			{Type: "TextField", Label: "标题", Required: true},
			{Type: "TextareaField", Label: "事由"},
			{Type: "NumberField", Label: "天数"},
			{Type: "MoneyField", Label: "金额"},
			{Type: "DDSelectField", Label: "类型", Options: []string{"差旅", "<办公>"}},
			{Type: "DDMultiSelectField", Label: "标签", Options: []string{"急", "大"}},
			{Type: "DDDateField", Label: "日期"},
			{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"},
			{Type: "PhoneField", Label: "电话"},
			{Type: "DDPhotoField", Label: "图片"},
			{Type: "DDAttachment", Label: "附件"},
			{Type: "InnerContactField", Label: "同行", Multiple: true},
			{Type: "DepartmentField", Label: "部门", Multiple: true},
			{Type: "AddressField", Label: "地址"},
			{Type: "StarRatingField", Label: "评分", Limit: 10},
			{Type: "TimeAndLocationField", Labels: []string{"当前时间", "当前地点"}},
			{Type: "TableField", Label: "明细", Children: []dingtalktest.Component{{Type: "TextField", Label: "项目", Required: true}, {Type: "NumberField", Label: "数量"}}},
			{Type: "TextNote", Label: "说明", Required: true},
		},
		Flow: []dingtalktest.Node{{Name: "主管", Users: []string{"bob"}}, {Name: "财务", Users: []string{"cho"}}},
	})
	return s, c, code
}

// filled has every component in the form in which it is read back.
func filled() map[string]any {
	return map[string]any{
		"标题": "报销单", "事由": "一\n二", "天数": "3.5", "金额": "1500.50", "类型": "<办公>", "标签": []any{"急", "大"}, "日期": "2026-08-17",
		"开始时间": "2026-08-17 10:00", "结束时间": "2026-08-18 00:00", "电话": "13800000000", "图片": []any{"https://x.example/a.png?a=1&b=2"},
		"附件": []any{map[string]any{"spaceId": "1", "fileName": "a.pdf", "fileSize": "333", "fileType": "pdf", "fileId": "2"}},
		"同行": []any{"ann", "cho"}, "部门": []any{"-1"}, "地址": "北京,北京市,东城区", "评分": "5",
		"当前时间": "2026-01-03 14:27:20", "当前地点": []any{120.02, 30.28, "a", int64(100)},
		"明细": []any{map[string]any{"项目": "票", "数量": "2"}, map[string]any{"项目": "房", "数量": nil}},
	}
}

// startFilled starts an instance with everything filled. The old API has no schema: its template is read by the new one.
func startFilled(t *testing.T, s *dingtalktest.Server, c *dingtalk.Client, code string) string {
	t.Helper()
	schemas := client(t, dingtalk.Config{OAPI: s.URL(), API: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), QPS: -1})
	template := must(schemas.Approvals.Template(t.Context(), code))(t)
	form := must(dingtalk.EncodeForm(template, filled()))(t)
	return must(c.Approvals.Start(t.Context(), dingtalk.StartRequest{ProcessCode: code, Originator: "ann", DeptID: "-1", Form: form}))(t)
}

func inBothAPIs(t *testing.T, test func(t *testing.T, old bool)) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("old %t", old), func(t *testing.T) { test(t, old) })
	}
}

// What is sent in every component reads back as it was given, although DingTalk shows most of it in another shape.
func TestStandInFormsReadBack(t *testing.T) {
	inBothAPIs(t, func(t *testing.T, old bool) {
		for name, knobs := range map[string]func(*dingtalktest.Knobs){
			"usual": func(*dingtalktest.Knobs) {},
			"absent": func(k *dingtalktest.Knobs) {
				k.EmptyValuesAbsent, k.PlainTableRows, k.UntouchedTableEmpty, k.OptionsPlain = true, true, true, true
			},
		} {
			s, c, code := office(t, old)
			s.Set(knobs)
			id := startFilled(t, s, c, code)
			in := must(c.Approvals.Get(t.Context(), id))(t)
			if got := dingtalk.DecodeForm(in.Form); !reflect.DeepEqual(got, filled()) {
				t.Errorf("%s:\ngot  %#v\nwant %#v", name, got, filled())
			}
			if in.Status != "RUNNING" || in.Result != "" || in.Originator != "ann" || in.DeptID != "-1" || in.BusinessID == "" || len(in.Tasks) != 1 || in.Tasks[0].UserID != "bob" || len(in.Steps) == 0 {
				t.Errorf("%+v", in)
			}
			empty := must(s.StartInstance(code, "ann", -1, map[string]any{"标题": "x"}))(t)
			in = must(c.Approvals.Get(t.Context(), empty))(t)
			for label, v := range dingtalk.DecodeForm(in.Form) {
				if rows, is := v.([]any); v != nil && label != "标题" && (!is || len(rows) > 0) {
					t.Errorf("%s: %s = %#v, nobody filled it", name, label, v)
				}
			}
		}
	})
}

// An answer that is lost leaves one instance, which the list finds.
func TestStandInStartWhoseAnswerIsLost(t *testing.T) {
	inBothAPIs(t, func(t *testing.T, old bool) {
		s, c, code := office(t, old)
		form := []dingtalk.FormValue{{Name: "标题", Value: "no. 7"}}
		request := dingtalk.StartRequest{ProcessCode: code, Originator: "ann", DeptID: "-1", Form: form}
		s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
		var e *dingtalk.Error
		if _, err := c.Approvals.Start(t.Context(), request); !errors.As(err, &e) || !e.Ambiguous || e.Class != dingtalk.Retry {
			t.Fatalf("%v", err)
		}
		s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.Status(502))
		if _, err := c.Approvals.Start(t.Context(), request); !errors.As(err, &e) || !e.Ambiguous {
			t.Fatalf("%v", err)
		}
		var found []string
		for id, err := range c.Approvals.IDs(t.Context(), dingtalk.IDsQuery{ProcessCode: code, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Minute), Users: []string{"ann"}}) {
			if err != nil {
				t.Fatal(err)
			}
			in := must(c.Approvals.Get(t.Context(), id))(t)
			if dingtalk.DecodeForm(in.Form)["标题"] == "no. 7" {
				found = append(found, id)
			}
		}
		if len(found) != 1 || len(s.Instances(code)) != 1 {
			t.Errorf("%v of %d instances", found, len(s.Instances(code)))
		}
	})
}

func TestStandInDecidesAndRefuses(t *testing.T) {
	inBothAPIs(t, func(t *testing.T, old bool) {
		s, c, code := office(t, old)
		ctx := t.Context()
		id := startFilled(t, s, c, code)
		var e *dingtalk.Error
		if err := c.Approvals.Terminate(ctx, id, "too early", ""); !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Ambiguous || dingtalk.IsFinished(err) || e.Message == "" {
			t.Errorf("within 15 s: %v", err)
		}
		if err := c.Approvals.Comment(ctx, id, "bob", strings.Repeat("长", 2000)); err != nil {
			t.Fatal(err)
		}
		in := must(c.Approvals.Get(ctx, id))(t)
		if err := c.Approvals.Execute(ctx, id, in.Tasks[0], true, "好"); err != nil {
			t.Fatal(err)
		}
		in = must(c.Approvals.Get(ctx, id))(t)
		if err := c.Approvals.Execute(ctx, id, in.Tasks[1], false, "否"); err != nil {
			t.Fatal(err)
		}
		in = must(c.Approvals.Get(ctx, id))(t)
		last := in.Steps[len(in.Steps)-1]
		if in.Status != "COMPLETED" || in.Result != "refuse" || in.Finished.IsZero() || last.Remark != "否" || last.UserID != "cho" || last.Result != "REFUSE" {
			t.Errorf("%+v", in)
		}
		s.Set(func(k *dingtalktest.Knobs) { k.WithdrawAfter = 0 })
		if err := c.Approvals.Terminate(ctx, id, "", ""); !dingtalk.IsFinished(err) {
			t.Errorf("of a finished one: %v", err)
		}
		if err := c.Approvals.Execute(ctx, id, in.Tasks[1], true, ""); err == nil {
			t.Error("a closed task was decided")
		}
		if u, err := c.Approvals.FileURL(ctx, id, "2"); err != nil || !strings.HasPrefix(u, "http") {
			t.Errorf("%s %v", u, err)
		}

		other := startFilled(t, s, c, code)
		if err := c.Approvals.Terminate(ctx, other, "撤", "ann"); err != nil {
			t.Fatal(err)
		}
		if in := must(c.Approvals.Get(ctx, other))(t); in.Status != "TERMINATED" || in.Result != "" {
			t.Errorf("%+v", in)
		}
		if err := s.DeleteInstance(other); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Approvals.Get(ctx, other); !dingtalk.IsNotFound(err) {
			t.Errorf("%v", err)
		}
		if err := c.Approvals.Terminate(ctx, other, "", ""); !dingtalk.IsNotFound(err) {
			t.Errorf("%v", err)
		}
		if err := s.EditTemplate(code, func(t *dingtalktest.Template) { t.NoWithdraw = true }); err != nil {
			t.Fatal(err)
		}
		kept := startFilled(t, s, c, code)
		if err := c.Approvals.Terminate(ctx, kept, "", ""); !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Ambiguous || e.Message == "" {
			t.Errorf("where the template does not allow it: %v", err)
		}
		form := []dingtalk.FormValue{{Name: "标题", Value: "x"}, {Name: "类型", Value: "none of them"}}
		_, err := c.Approvals.Start(ctx, dingtalk.StartRequest{ProcessCode: code, Originator: "ann", DeptID: "-1", Form: form})
		if !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Field != "form.类型" {
			t.Errorf("%v", err)
		}
		_, err = c.Approvals.Start(ctx, dingtalk.StartRequest{ProcessCode: "PROC-NONE", Originator: "ann", DeptID: "-1", Form: form[:1]})
		if !errors.As(err, &e) || e.Field != "process_code" || dingtalk.IsNotFound(err) {
			t.Errorf("%v", err)
		}
	})
}

func TestStandInListsInstances(t *testing.T) {
	inBothAPIs(t, func(t *testing.T, old bool) {
		s, c, code := office(t, old)
		const n = 45
		s.Quiet(func() {
			for i := range n {
				must(s.StartInstance(code, []string{"ann", "bob"}[i%2], -1, map[string]any{"标题": fmt.Sprint(i)}))(t)
			}
		})
		for users, want := range map[string]int{"": n, "ann": 23, "bob,cho": 22} {
			q := dingtalk.IDsQuery{ProcessCode: code, From: time.Now().AddDate(0, 0, -360)}
			if users != "" {
				q.Users = strings.Split(users, ",")
			}
			seen := map[string]bool{}
			for id, err := range c.Approvals.IDs(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[id] {
					t.Errorf("%s twice", id)
				}
				seen[id] = true
			}
			if len(seen) != want {
				t.Errorf("%q: %d, want %d", users, len(seen), want)
			}
		}
		for range 150 {
			s.AddTemplate(dingtalktest.Template{Name: "more"})
		}
		found := 0
		for o, err := range c.Approvals.Templates(t.Context(), "ann") {
			if err != nil {
				t.Fatal(err)
			}
			if o.Text("process_code") == code && o.Text("name") == "报销" {
				found += 1000
			}
			found++
		}
		if found != 1151 {
			t.Errorf("%d", found)
		}
	})
}

func TestStandInForecastAndSelectedApprovers(t *testing.T) {
	s, c, _ := office(t, false)
	ctx := t.Context()
	code := s.AddTemplate(dingtalktest.Template{
		Name: "采购", Components: []dingtalktest.Component{{Type: "TextField", Label: "标题"}},
		Flow: []dingtalktest.Node{{Name: "自选主管", Select: true}, {Name: "财务", Users: []string{"cho"}}},
	})
	r := dingtalk.StartRequest{ProcessCode: code, Originator: "ann", DeptID: "-1", Form: []dingtalk.FormValue{{Name: "标题", Value: "x"}}}
	var e *dingtalk.Error
	if _, err := c.Approvals.Start(ctx, r); !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Code != "targetSelectApproverMissing" {
		t.Errorf("%v", err)
	}
	f := must(c.Approvals.Forecast(ctx, r))(t)
	if !f.Known || len(f.Nodes) != 2 || !f.Nodes[0].Select || !f.Nodes[0].Required || f.Nodes[0].Name != "自选主管" || len(f.Nodes[1].Actioners) != 1 {
		t.Fatalf("%+v", f)
	}
	r.Select = []dingtalk.SelectedActors{{Key: f.Nodes[0].ActorKey, Users: []string{"bob"}}}
	id := must(c.Approvals.Start(ctx, r))(t)
	in := must(c.Approvals.Get(ctx, id))(t)
	if len(in.Tasks) != 1 || in.Tasks[0].UserID != "bob" {
		t.Fatalf("%+v", in.Tasks)
	}
	if err := c.Approvals.Redirect(ctx, in.Tasks[0], "cho", "请看"); err != nil {
		t.Fatal(err)
	}
	if in = must(c.Approvals.Get(ctx, id))(t); len(in.Tasks) != 2 || in.Tasks[0].Result != "REDIRECTED" || in.Tasks[1].UserID != "cho" {
		t.Errorf("%+v", in.Tasks)
	}
	if err := c.Approvals.Redirect(ctx, in.Tasks[0], "bob", ""); err == nil {
		t.Error("a closed task was handed over")
	}
	s.AddUser(dingtalktest.User{UserID: "boss", Name: "boss", Mobile: "13800000009", AdminLevel: 1})
	if managed := must(c.Approvals.Managed(ctx, "boss"))(t); len(managed) != 2 {
		t.Errorf("%v", managed)
	}
	if _, err := c.Approvals.Template(ctx, "PROC-NONE"); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	r.Select, r.Approvers = nil, []dingtalk.ApproverLevel{{Action: "OR", Users: []string{"bob", "cho"}}, {Action: "AND", Users: []string{"bob"}}}
	r.CC = []string{"ann"}
	id = must(c.Approvals.Start(ctx, r))(t)
	if err := s.Agree(id, "好"); err != nil {
		t.Fatal(err)
	}
	if err := s.Agree(id, "好"); err != nil {
		t.Fatal(err)
	}
	if in = must(c.Approvals.Get(ctx, id))(t); in.Status != "COMPLETED" || in.Result != "agree" {
		t.Errorf("%+v", in)
	}
	revoking := must(s.Revoke(id))(t)
	if in = must(c.Approvals.Get(ctx, id))(t); len(in.Attached) != 1 || in.Attached[0] != revoking {
		t.Errorf("%+v", in)
	}
	if in = must(c.Approvals.Get(ctx, revoking))(t); in.BizAction != "REVOKE" || in.Main != id {
		t.Errorf("%+v", in)
	}
}

func TestStandInIsToldOfLeaves(t *testing.T) {
	s, c, _ := office(t, false)
	ctx := t.Context()
	day := time.Now().In(time.FixedZone("", 8*3600)).Format(time.DateOnly)
	leave := dingtalk.Object{
		"approve_id": "odoo-7", "userid": "ann", "biz_type": 3, "from_time": day + " 09:00", "to_time": day + " 12:00", "duration_unit": "hour",
		"calculate_model": 0, "tag_name": "请假", "sub_type": "事假",
	}
	for range 2 { // the same again changes it
		if err := c.Attendance.FinishApproval(ctx, leave); err != nil {
			t.Fatal(err)
		}
	}
	leave["to_time"] = "2000-01-01 12:00"
	leave["from_time"] = "2000-01-01 09:00"
	var e *dingtalk.Error
	if err := c.Attendance.FinishApproval(ctx, leave); !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Field != "from_time" {
		t.Errorf("%v", err)
	}
	if told := s.AttendanceApprovals(); len(told) != 1 || told[0].Told != 2 || told[0].From != day+" 09:00" || told[0].SubType != "事假" || told[0].UserID != "ann" {
		t.Errorf("%+v", told)
	}
	if err := c.Attendance.CancelApproval(ctx, "ann", "odoo-7"); err != nil {
		t.Fatal(err)
	}
	if told := s.AttendanceApprovals(); !told[0].Canceled {
		t.Errorf("%+v", told)
	}
}
