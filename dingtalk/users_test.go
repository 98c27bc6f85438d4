package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const done = `{"errcode":0,"errmsg":"ok","request_id":"r"}`

func TestUserCreate(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCreate, ok(`{"errcode":0,"errmsg":"ok","result":{"userid":"u1","unionId":"x1"}}`))
	made, err := f.client().Users.Create(bg(), Object{
		"userid": "u1", "name": "张三", "mobile": "13800000000", "dept_id_list": []string{"2", "3"},
		"hired_date": int64(1597573616828), "senior_mode": false, "manager_userid": "boss",
		"extension":          map[string]any{"爱好": "a<b"},
		"title":              nil,
		"dept_position_list": []any{map[string]any{"dept_id": 2, "is_main": true}},
	})
	if err != nil || made != (CreatedUser{"u1", "x1"}) {
		t.Fatalf("%+v %v", made, err)
	}
	body := f.last(pathUserCreate).body
	for field, want := range map[string]any{
		"dept_id_list": "2,3", "hired_date": float64(1597573616828), "senior_mode": false, "extension": `{"爱好":"a<b"}`, "manager_userid": "boss",
	} {
		if body[field] != want {
			t.Errorf("%s = %#v, want %#v", field, body[field], want)
		}
	}
	if _, is := body["dept_position_list"].([]any); !is {
		t.Errorf("dept_position_list %#v", body["dept_position_list"])
	}
	for _, field := range []string{"ext_attrs_update_mode", "title"} {
		if _, has := body[field]; has {
			t.Errorf("%s was sent", field)
		}
	}
}

func TestUserCreateWithOddAnswers(t *testing.T) {
	user := Object{"userid": "u7", "name": "n", "mobile": "1", "dept_id_list": "1"}
	f := newFar(t)
	f.on(pathUserCreate, inTurn(ok(`{"errcode":0,"result":{"userid":"u1","unionid":"x1"}}`), ok(`{"errcode":0,"result":{}}`)))
	f.on(pathUserGet, inTurn(
		ok(`{"errcode":0,"result":{"userid":"u7","unionid":"x7"}}`),
		ok(`{"errcode":60121,"errmsg":"找不到该用户"}`),
		ok(`{"errcode":-1,"errmsg":"系统繁忙"}`)))
	c := f.client()
	if made, err := c.Users.Create(bg(), user); err != nil || made != (CreatedUser{"u1", "x1"}) {
		t.Errorf("%+v %v", made, err)
	}
	// Success without a userid: the person may have been invited only.
	if made, err := c.Users.Create(bg(), user); err != nil || made != (CreatedUser{"u7", "x7"}) {
		t.Errorf("%+v %v", made, err)
	}
	if _, err := c.Users.Create(bg(), user); failure(t, err).Class != Pending {
		t.Errorf("%v", err)
	}
	if _, err := c.Users.Create(bg(), user); failure(t, err).Class != Retry || !failure(t, err).Ambiguous {
		t.Errorf("%v", err)
	}
	delete(user, "userid")
	if _, err := c.Users.Create(bg(), user); failure(t, err).Class != Pending {
		t.Errorf("%v", err)
	}
}

// What the field table forbids never leaves, and the error names the field.
func TestUserWritesAreCheckedFirst(t *testing.T) {
	good := func(field string, v any) Object {
		o := Object{"name": "n", "mobile": "1", "dept_id_list": "1"}
		if v == nil {
			delete(o, field)
		} else {
			o[field] = v
		}
		return o
	}
	f := newFar(t) // any call is an error
	c := f.client()
	for _, bad := range []struct {
		field string
		value any
	}{
		{"name", nil},
		{"name", ""},
		{"name", strings.Repeat("长", 81)},
		{"name", 5},
		{"mobile", nil},
		{"dept_id_list", nil},
		{"dept_id_list", ""},
		{"dept_id_list", []string{}},
		{"dept_id_list", "1,x"},
		{"dept_id_list", []int64{-7}},
		{"dept_id_list", make101()},
		{"userid", strings.Repeat("u", 65)},
		{"userid", "a,b"},
		{"telephone", strings.Repeat("1", 51)},
		{"job_number", strings.Repeat("1", 51)},
		{"title", strings.Repeat("t", 201)},
		{"email", strings.Repeat("e", 51)},
		{"org_email", strings.Repeat("e", 101)},
		{"work_place", strings.Repeat("w", 101)},
		{"remark", strings.Repeat("r", 2001)},
		{"extension", map[string]any{"k": strings.Repeat("v", 2000)}},
		{"extension", "no json"},
		{"login_email", strings.Repeat("e", 65)},
		{"hired_date", "tomorrow"},
		{"hide_mobile", "perhaps"},
		{"avatar", "x"},
		{"active", true},
		{"nonsense", 1},
		{"dept_position_list", func() {}},
	} {
		_, err := c.Users.Create(bg(), good(bad.field, bad.value))
		if e := failure(t, err); e.Class != Reject || e.Field != bad.field || e.Ambiguous {
			t.Errorf("%s=%v: %v", bad.field, bad.value, e)
		}
	}
	for field, o := range map[string]Object{
		"userid": {"name": "n"},
		"mobile": {"userid": "u", "mobile": "13900000000"}, // create-only
		"avatar": {"userid": "u", "avatar": "x"},
		"title":  {"userid": "u", "title": nil}, // emptying is asked for by name
	} {
		if e := failure(t, c.Users.Update(bg(), o)); e.Class != Reject || e.Field != field {
			t.Errorf("update %s: %v", field, e)
		}
	}
	for _, clear := range []string{"name", "telephone", "email", "mobile", "hired_date", "dept_id_list", "extension", "userid", "nonsense"} {
		if e := failure(t, c.Users.Update(bg(), Object{"userid": "u"}, clear)); e.Class != Reject || e.Field != clear {
			t.Errorf("clear %s: %v", clear, e)
		}
	}
	if e := failure(t, c.Users.Update(bg(), Object{"userid": "u", "title": "x"}, "title")); e.Field != "title" {
		t.Errorf("%v", e)
	}
	for _, err := range []error{
		c.Users.Delete(bg(), ""), c.Users.Delete(bg(), strings.Repeat("u", 65)),
		second(c.Users.Get(bg(), "")), second(c.Users.GetByMobile(bg(), "")), second(c.Users.GetByUnionID(bg(), "")),
		second(c.Users.ListIDs(bg(), -7)), second(c.Users.AdminScope(bg(), "")),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%v", e)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func make101() []string {
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	return ids
}

func TestEnterpriseAccountsHaveNoMobile(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCreate, ok(`{"errcode":0,"result":{"userid":"u1"}}`))
	_, err := f.client().Users.Create(bg(), Object{
		"name": "n", "dept_id_list": "1", "exclusive_account": true, "exclusive_account_type": "dingtalk", "login_id": "l", "init_password": "p4ssw0rd",
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUserUpdate(t *testing.T) {
	f := newFar(t)
	f.on(pathUserUpdate, ok(done))
	c := f.client()
	if err := c.Users.Update(bg(), Object{"userid": "u1", "dept_id_list": []any{"2", int64(3)}}, "manager_userid", "title", "work_place", "remark"); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"userid": "u1", "dept_id_list": "2,3", "force_update_fields": "manager_userid", "title": "", "work_place": "", "remark": ""}
	if got := f.last(pathUserUpdate).body; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if err := c.Users.Update(bg(), Object{"userid": "u1", "extension": map[string]any{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if got := f.last(pathUserUpdate).body; got["ext_attrs_update_mode"] != float64(1) || got["extension"] != `{"a":"b"}` {
		t.Errorf("%v: mode 0 would empty all other custom fields", got)
	}
}

func TestHRMPositionsNameTheFieldOnlyIfItIsCertain(t *testing.T) {
	f := newFar(t)
	f.on(pathUserUpdate, ok(`{"errcode":12150,"errmsg":"x"}`))
	c := f.client()
	for want, o := range map[string]Object{
		"dept_id_list": {"userid": "u", "dept_id_list": "2", "name": "n"},
		"":             {"userid": "u", "dept_id_list": "2", "title": "t"},
	} {
		if e := failure(t, c.Users.Update(bg(), o)); e.Class != Reject || e.Field != want {
			t.Errorf("%v, want %q", e, want)
		}
	}
}

func TestUserLookups(t *testing.T) {
	f := newFar(t)
	f.on(pathUserByMobile, inTurn(ok(`{"errcode":0,"result":{"userid":"u1"}}`), ok(`{"errcode":60121,"errmsg":"找不到该用户"}`)))
	f.on(pathUserByUnionID, inTurn(ok(`{"errcode":0,"result":{"userid":"u1","contact_type":0}}`), ok(`{"errcode":0,"result":{"userid":"e1","contact_type":1}}`)))
	f.on(pathUserAdminScope, ok(`{"errcode":0,"dept_ids":[1,"2"]}`))
	f.on(pathUserListID, ok(`{"errcode":0,"result":{"userid_list":["u1","u2"]}}`))
	c := f.client()
	if id, err := c.Users.GetByMobile(bg(), "138"); err != nil || id != "u1" {
		t.Errorf("%q %v", id, err)
	}
	if _, err := c.Users.GetByMobile(bg(), "139"); !IsNotFound(err) {
		t.Errorf("%v", err)
	}
	if id, err := c.Users.GetByUnionID(bg(), "x"); err != nil || id != "u1" {
		t.Errorf("%q %v", id, err)
	}
	if _, err := c.Users.GetByUnionID(bg(), "x"); !IsNotFound(err) {
		t.Errorf("an external contact passed for a member: %v", err)
	}
	if ids, err := c.Users.AdminScope(bg(), "u1"); err != nil || !slices.Equal(ids, []int64{1, 2}) {
		t.Errorf("%v %v", ids, err)
	}
	if ids, err := c.Users.ListIDs(bg(), 1); err != nil || !slices.Equal(ids, []string{"u1", "u2"}) {
		t.Errorf("%v %v", ids, err)
	}
}

// byCursorPages answers like user/list: n rows in pages of `size`, the cursor counting rows.
func byCursorPages(n int) answerFunc {
	return func(c call) reply {
		from, size := int(c.body["cursor"].(float64)), int(c.body["size"].(float64))
		var rows []string
		for i := from; i < min(from+size, n); i++ {
			rows = append(rows, fmt.Sprintf(`{"userid":"u%d","name":"n","dept_id_list":[%d],"dept_order":1,"leader":"false"}`, i, i+1))
		}
		next := ""
		if from+size < n {
			next = fmt.Sprintf(`,"next_cursor":%d`, from+size)
		}
		return reply{body: fmt.Sprintf(`{"errcode":0,"result":{"has_more":%v%s,"list":[%s]}}`, next != "", next, strings.Join(rows, ","))}
	}
}

func TestUserListGoesToTheEnd(t *testing.T) {
	for _, n := range []int{0, 1, 100, 101, 250} {
		f := newFar(t)
		f.on(pathUserList, byCursorPages(n))
		f.on(pathUserListSimple, byCursorPages(n))
		c := f.client()
		list := c.Users.List(bg(), 7)
		for range 2 { // an iterator can be run again
			count := 0
			for u, err := range list {
				if err != nil || u["userid"] != fmt.Sprint("u", count) || u["leader"] != false || u["dept_id_list"].([]any)[0] != fmt.Sprint(count+1) {
					t.Fatalf("%v %v", u, err)
				}
				count++
			}
			if count != n {
				t.Errorf("%d of %d", count, n)
			}
		}
		count := 0
		for _, err := range c.Users.Names(bg(), 7) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if first := f.called(pathUserList)[0].body; count != n || first["dept_id"] != float64(7) || first["cursor"] != float64(0) || first["size"] != float64(100) {
			t.Errorf("%d of %d, %v", count, n, first)
		}
	}
}

func TestListStopsWhenToldTo(t *testing.T) {
	f := newFar(t)
	f.on(pathUserList, byCursorPages(500))
	for range f.client().Users.List(bg(), 1) {
		break
	}
	if n := len(f.called(pathUserList)); n != 1 {
		t.Errorf("%d pages", n)
	}
}

// A list that breaks off must not pass for the whole.
func TestBrokenListsEndInAnError(t *testing.T) {
	row := `"list":[{"userid":"u1"}]`
	for name, second := range map[string]string{
		"refusal":         `{"errcode":60003,"errmsg":"x"}`,
		"no result":       `{"errcode":0}`,
		"no cursor":       `{"errcode":0,"result":{"has_more":true,` + row + `}}`,
		"same cursor":     `{"errcode":0,"result":{"has_more":true,"next_cursor":1,` + row + `}}`,
		"backward cursor": `{"errcode":0,"result":{"has_more":true,"next_cursor":"0",` + row + `}}`,
	} {
		f := newFar(t)
		f.on(pathUserList, inTurn(ok(`{"errcode":0,"result":{"has_more":true,"next_cursor":1,%s}}`, row), ok("%s", second)))
		var last error
		rows := 0
		for u, err := range f.client().Users.List(bg(), 1) {
			last = err
			if u != nil {
				rows++
			}
		}
		if last == nil || len(f.called(pathUserList)) != 2 {
			t.Errorf("%s: %v after %d rows", name, last, rows)
		}
	}
}

func TestInactive(t *testing.T) {
	f := newFar(t)
	f.on(pathUserInactive, inTurn(
		ok(`{"errcode":0,"result":{"has_more":true,"next_cursor":100,"list":["a","b"]}}`),
		ok(`{"errcode":0,"result":{"has_more":false,"list":["c"]}}`)))
	var ids []string
	for id, err := range f.client().Users.Inactive(bg(), false, "20260821", 1, 2) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	last := f.last(pathUserInactive).body
	if !slices.Equal(ids, []string{"a", "b", "c"}) || last["dept_ids"] != "1,2" || last["offset"] != float64(100) || last["is_active"] != false {
		t.Errorf("%v %v", ids, last)
	}
}
