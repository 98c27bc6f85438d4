package odoo

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
)

// answering serves one recorded or made-up answer to every call and returns what was sent.
func answering(t *testing.T, body string) (*Client, *server) {
	t.Helper()
	s := serve(t, func(int, heard) reply { return reply{body: body} })
	return s.client(nil), s
}

func TestTypedHelpers(t *testing.T) {
	english := map[string]any{"lang": "en_US"}
	in := func(cx map[string]any) map[string]any { return map[string]any{"context": cx} }
	for _, c := range []struct {
		name string
		body string
		call func(context.Context, *Client) (any, error)
		want any
		args []any
		kw   map[string]any
	}{
		{
			"search", recorded(t, "partner-search-or-domain"),
			func(ctx context.Context, c *Client) (any, error) {
				return c.Search(ctx, "m", Or(Domain{Cond("id", "=", 9)}, Domain{Cond("id", "=", 10), Cond("active", "=", true)}), Options{Offset: 1, Limit: 2, Order: "id desc", Context: Context{"active_test": false}})
			},
			[]int64{9, 10},
			[]any{[]any{"|", []any{"id", "=", int64(9)}, "&", []any{"id", "=", int64(10)}, []any{"active", "=", true}}},
			map[string]any{"offset": int64(1), "limit": int64(2), "order": "id desc", "context": map[string]any{"lang": "en_US", "active_test": false}},
		},
		{
			"search_count", recorded(t, "partner-search-count"),
			func(ctx context.Context, c *Client) (any, error) { return c.SearchCount(ctx, "m", nil, nil) },
			7,
			[]any{[]any{}},
			in(english),
		},
		{
			"read", recorded(t, "partner-read-deleted-mixed"),
			func(ctx context.Context, c *Client) (any, error) {
				return c.Read(ctx, "m", []int64{8, 99}, []string{"name"}, nil)
			},
			[]Record{{"id": int64(8), "name": "Wire Test"}},
			[]any{[]any{int64(8), int64(99)}, []any{"name"}},
			in(english),
		},
		{
			"search_read", recorded(t, "partner-search-read-empty"),
			func(ctx context.Context, c *Client) (any, error) {
				return c.SearchRead(ctx, "m", Domain{Cond("name", "=", nil)}, []string{"name"}, Options{})
			},
			[]Record{},
			[]any{[]any{[]any{"name", "=", false}}, []any{"name"}},
			in(english),
		},
		{
			"create", recorded(t, "partner-create"),
			func(ctx context.Context, c *Client) (any, error) {
				return c.Create(ctx, "m", Values{"name": "a", "parent_id": Many2One{ID: 3}, "tag_ids": []Command{Set(1)}}, Context{"tracking_disable": true})
			},
			int64(8),
			[]any{map[string]any{"name": "a", "parent_id": int64(3), "tag_ids": []any{[]any{int64(6), int64(0), []any{int64(1)}}}}},
			in(map[string]any{"lang": "en_US", "tracking_disable": true}),
		},
		{
			"create", recorded(t, "partner-create-list"),
			func(ctx context.Context, c *Client) (any, error) {
				return c.CreateMany(ctx, "m", []Values{{"name": "a"}, {"name": "b"}, {"name": "c"}}, nil)
			},
			[]int64{9, 10, 11},
			[]any{[]any{map[string]any{"name": "a"}, map[string]any{"name": "b"}, map[string]any{"name": "c"}}},
			in(english),
		},
		{
			"write", recorded(t, "partner-write"),
			func(ctx context.Context, c *Client) (any, error) {
				return nil, c.Write(ctx, "m", []int64{1}, Values{"a": nil}, LockContext("m", 1, "2026-11-23 18:40:49"))
			},
			nil,
			[]any{[]any{int64(1)}, map[string]any{"a": false}},
			in(map[string]any{"lang": "en_US", "__last_update": map[string]any{"m,1": "2026-11-23 18:40:49.999999"}}),
		},
		{
			"unlink", recorded(t, "partner-unlink-again"),
			func(ctx context.Context, c *Client) (any, error) { return nil, c.Unlink(ctx, "m", []int64{1}, nil) },
			nil,
			[]any{[]any{int64(1)}},
			in(english),
		},
		{
			"exists", recorded(t, "partner-exists"),
			func(ctx context.Context, c *Client) (any, error) { return c.Exists(ctx, "m", []int64{8, 11}) },
			[]int64{8},
			[]any{[]any{int64(8), int64(11)}},
			in(english),
		},
		{
			"name_search", recorded(t, "partner-name-search"),
			func(ctx context.Context, c *Client) (any, error) { return c.NameSearch(ctx, "m", "L", nil, 5) },
			[]Many2One{{9, "L1"}, {10, "L2"}, {11, "L3"}, {7, "plain_user"}, {3, "Administrator"}},
			[]any{"L", []any{}, "ilike", int64(5)},
			in(english),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, s := answering(t, c.body)
			got, err := c.call(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
			sent := s.last()
			if sent.model() != "m" || sent.modelMethod() != c.name || !reflect.DeepEqual(sent.args(), c.args) || !reflect.DeepEqual(sent.named(), c.kw) {
				t.Errorf("sent %s %#v %#v\nwant %#v %#v", sent.modelMethod(), sent.args(), sent.named(), c.args, c.kw)
			}
		})
	}
}

func TestNothingToDoIsNoCall(t *testing.T) {
	client, s := answering(t, "")
	ctx := t.Context()
	_, err1 := client.Read(ctx, "m", nil, []string{"a"}, nil)
	_, err2 := client.Exists(ctx, "m", nil)
	_, err3 := client.CreateMany(ctx, "m", nil, nil)
	_, err4 := client.Load(ctx, "m", []string{"id"}, nil, nil)
	_, err5 := client.CallMethod(ctx, "m", "action_approve", nil, nil, nil)
	err := errors.Join(err1, err2, err3, err4, err5,
		client.Write(ctx, "m", nil, Values{"a": 1}, nil), client.Write(ctx, "m", []int64{1}, nil, nil), client.Unlink(ctx, "m", nil, nil))
	if err != nil || s.count("execute_kw") != 0 {
		t.Errorf("%v, %d calls", err, s.count("execute_kw"))
	}
}

// TestButtons: what the recorded buttons of documents answered, and what is made of it.
func TestButtons(t *testing.T) {
	for name, want := range map[string]any{
		"leave-action-approve":    true,
		"purchase-button-confirm": true,
		"purchase-button-approve": map[string]any{},
		"purchase-button-cancel":  nil, // None
		"expense-approve":         nil, // None
		"expense-refuse":          nil, // None
		"expense-move-create":     nil, // a dictionary with number keys
	} {
		client, s := answering(t, recorded(t, name))
		got, err := client.CallMethod(t.Context(), "m", "do", []int64{7}, []any{"why"}, LockContext("m", 7, "2026-11-23 18:40:49"))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", name, got, err)
		}
		sent := s.last()
		wantArgs := []any{[]any{int64(7)}, "why"}
		wantNamed := map[string]any{"context": map[string]any{"lang": "en_US", "__last_update": map[string]any{"m,7": "2026-11-23 18:40:49.999999"}}}
		if sent.modelMethod() != "do" || !reflect.DeepEqual(sent.args(), wantArgs) || !reflect.DeepEqual(sent.named(), wantNamed) {
			t.Errorf("%s: sent %s %#v %#v", name, sent.modelMethod(), sent.args(), sent.named())
		}
		if n := s.count("execute_kw"); n != 1 {
			t.Errorf("%s: sent %d times", name, n)
		}
	}
	for name, class := range map[string]Class{
		"fault-leave-approve-by-employee":    Reject,
		"fault-leave-action-approve-twice":   Reject,
		"fault-purchase-confirm-by-employee": Halt, // no right to the model
		"expense-approve-officer":            Reject,
	} {
		client, s := answering(t, recorded(t, name))
		_, err := client.CallMethod(t.Context(), "m", "do", []int64{7}, nil, nil)
		if e := failure(t, err); e.Class != class || e.Ambiguous || s.count("execute_kw") != 1 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestAButtonIsPressedOnce: when the answer is lost, nothing is sent again and the error says that it may have been carried out.
func TestAButtonIsPressedOnce(t *testing.T) {
	s := serve(t, func(int, heard) reply { return reply{drop: true} })
	_, err := s.client(nil).CallMethod(t.Context(), "purchase.order", "button_confirm", []int64{7}, nil, nil)
	if e := failure(t, err); !e.Ambiguous || e.Class != Retry || s.count("execute_kw") != 1 {
		t.Errorf("%+v, sent %d times", e, s.count("execute_kw"))
	}
}

func TestAnswersOfTheWrongType(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Client) error{
		"search": func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, "m", nil, Options{}); return err },
		"count":  func(ctx context.Context, c *Client) error { _, err := c.SearchCount(ctx, "m", nil, nil); return err },
		"read": func(ctx context.Context, c *Client) error {
			_, err := c.Read(ctx, "m", []int64{1}, nil, nil)
			return err
		},
		"create": func(ctx context.Context, c *Client) error { _, err := c.Create(ctx, "m", Values{}, nil); return err },
		"createmany": func(ctx context.Context, c *Client) error {
			_, err := c.CreateMany(ctx, "m", []Values{{}}, nil)
			return err
		},
		"load": func(ctx context.Context, c *Client) error {
			_, err := c.Load(ctx, "m", nil, [][]any{{}}, nil)
			return err
		},
		"exists":  func(ctx context.Context, c *Client) error { _, err := c.Exists(ctx, "m", []int64{1}); return err },
		"names":   func(ctx context.Context, c *Client) error { _, err := c.NameSearch(ctx, "m", "", nil, 0); return err },
		"fields":  func(ctx context.Context, c *Client) error { _, err := c.FieldsGet(ctx, "m"); return err },
		"version": func(ctx context.Context, c *Client) error { _, err := c.Version(ctx); return err },
	} {
		for _, body := range []string{answerOf("<string>x</string>"), answerOf("<array><data><value><string>x</string></value></data></array>")} {
			client, _ := answering(t, body)
			e := failure(t, call(t.Context(), client))
			if writes := name == "create" || name == "createmany" || name == "load"; e.Class != Retry || e.Ambiguous != writes {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	client, s := answering(t, recorded(t, "partner-load"))
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("", 8*3600))
	got, err := client.Load(t.Context(), "m", []string{"id", "name", "a", "b", "c", "d", "e", "parent_id/.id"},
		[][]any{{"dingbridge.x", "N", nil, true, false, 1.5, at, int64(20)}, {"dingbridge.y", "M", nil, nil, nil, nil, nil, nil}}, Context{"noupdate": true})
	if err != nil || !reflect.DeepEqual(got, LoadResult{IDs: []int64{15, 16}}) {
		t.Errorf("got %+v, %v", got, err)
	}
	want := []any{
		[]any{"id", "name", "a", "b", "c", "d", "e", "parent_id/.id"},
		[]any{[]any{"dingbridge.x", "N", "", "1", "", "1.5", "2026-11-23 01:00:00", "20"}, []any{"dingbridge.y", "M", "", "", "", "", "", ""}},
	}
	if sent := s.last(); !reflect.DeepEqual(sent.args(), want) || !reflect.DeepEqual(sent.named()["context"], map[string]any{"lang": "en_US", "tz": "UTC", "noupdate": true}) {
		t.Errorf("sent %#v %#v", sent.args(), sent.named())
	}
	if _, err := client.Load(t.Context(), "m", []string{"a"}, [][]any{{1}}, Context{"tz": "Asia/Shanghai"}); err == nil {
		t.Error("more ids than rows were believed")
	}
	if tz := s.last().named()["context"].(map[string]any)["tz"]; tz != "Asia/Shanghai" {
		t.Errorf("the call's own tz is lost: %v", tz)
	}
	n := s.count("execute_kw")
	if _, err := client.Load(t.Context(), "m", []string{"a"}, [][]any{{[]int64{1}}}, nil); failure(t, err).Class != Reject || s.count("execute_kw") != n {
		t.Errorf("a list in a cell: %v", err)
	}
}

func TestARefusedRowIsNoError(t *testing.T) {
	client, _ := answering(t, recorded(t, "partner-load-error"))
	got, err := client.Load(t.Context(), "m", []string{"id"}, [][]any{{"x.y"}}, nil)
	want := LoadResult{Messages: []LoadMessage{{Record: 0, Type: "error", Field: "country_id", Message: "No matching record found for name 'Nowhereland' in field 'Country'"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	client, _ = answering(t, answerOf("<struct><member><name>ids</name><value><boolean>0</boolean></value></member><member><name>messages</name><value><array><data>"+
		"<value><struct><member><name>message</name><value><string>a\nb</string></value></member><member><name>rows</name><value><struct><member><name>from</name><value><int>3</int></value></member>"+
		"<member><name>to</name><value><int>5</int></value></member></struct></value></member></struct></value></data></array></value></member></struct>"))
	got, err = client.Load(t.Context(), "m", []string{"id"}, [][]any{{"x.y"}}, nil)
	if want := (LoadResult{Messages: []LoadMessage{{Record: -1, Rows: Rows{3, 5}, Message: "a b"}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFieldsAreAskedForOnce(t *testing.T) {
	client, s := answering(t, recorded(t, "partner-fields-get-subset"))
	for range 5 {
		fields, err := client.FieldsGet(t.Context(), "res.partner")
		if err != nil {
			t.Fatal(err)
		}
		if f := fields["name"]; f.Name != "name" || f.Type != "char" || !f.Store || f.String != "Name" {
			t.Errorf("got %+v", f)
		}
		delete(fields, "name") // a caller's copy is its own
	}
	if n := s.count("execute_kw"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if got := s.last().args(); len(got) != 2 || len(got[1].([]any)) != len(fieldAttributes) {
		t.Errorf("sent %v", got)
	}
	client.ForgetFields()
	if _, err := client.FieldsGet(t.Context(), "res.partner"); err != nil || s.count("execute_kw") != 2 {
		t.Errorf("%v, asked %d times", err, s.count("execute_kw"))
	}
}

// TestRequestsAreThoseOfPython sends what was recorded from Python's xmlrpc.client and compares.
func TestRequestsAreThoseOfPython(t *testing.T) {
	special := "中文 emoji 😀👨\u200d👩\u200d👧 <tag attr=\"q\"> & ' \" ]]> line1\nline2\ttab \u00a0nbsp \u200bzwsp \u2028ls e\u0301"
	for name, send := range map[string]func(context.Context, *Client) error{
		"employee-create": func(ctx context.Context, c *Client) error {
			_, err := c.Create(ctx, "hr.employee", Values{
				"name": "张三", "work_email": "zhangsan@example.com", "mobile_phone": "13800000000",
				"work_phone": "+86 10 1", "department_id": Many2One{ID: 4}, "job_id": 1, "job_title": "工程师", "gender": "male",
				"birthday": "1990-01-31", "marital": "single", "barcode": "DT0001", "pin": "1234",
			}, nil)
			return err
		},
		"partner-search-or-domain": func(ctx context.Context, c *Client) error {
			_, err := c.Search(ctx, "res.partner", Or(Domain{Cond("id", "=", 9)}, Domain{Cond("id", "=", 10), Cond("active", "=", true)}), Options{})
			return err
		},
		"xmlid-employee-load": func(ctx context.Context, c *Client) error {
			_, err := c.Load(ctx, "hr.employee", []string{"id", "name", "work_email"}, [][]any{{"dingtalk.user_load1", "Via load", "load@x.com"}}, nil)
			return err
		},
		"text-special-create": func(ctx context.Context, c *Client) error {
			_, err := c.Create(ctx, "res.partner", Values{"name": special, "comment": special}, nil)
			return err
		},
		"o2m-0-create-children": writing21("child_ids", Add(Values{"name": "Child 1"}), Add(Values{"name": "Child 2"})),
		"o2m-1-update-child":    writing21("child_ids", Update(29, Values{"phone": "123"})),
		"o2m-2-delete-child":    writing21("child_ids", Delete(30)),
		"m2m-4-link":            writing21("category_id", Link(3)),
		"m2m-5-clear":           writing21("category_id", Clear()),
		"m2m-6-replace":         writing21("category_id", Set(1, 2)),
	} {
		t.Run(name, func(t *testing.T) {
			_, want, err := decodeRequest([]byte(recordedRequest(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			client, s := answering(t, intAnswer(1))
			var e *Error
			if err := send(t.Context(), client); err != nil && !errors.As(err, &e) {
				t.Fatal(err)
			}
			if got := s.last().params[3:6]; !reflect.DeepEqual(got, want[3:6]) {
				t.Errorf("got  %#v\nwant %#v", got, want[3:6])
			}
		})
	}
}

func writing21(field string, commands ...Command) func(context.Context, *Client) error {
	return func(ctx context.Context, c *Client) error {
		return c.Write(ctx, "res.partner", []int64{21}, Values{field: commands}, nil)
	}
}
