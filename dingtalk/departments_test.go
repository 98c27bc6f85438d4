package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCheckDepartmentName(t *testing.T) {
	for _, good := range []string{"研发部", "a", strings.Repeat("部", 64), "A&B (中国)"} {
		if err := CheckDepartmentName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "  ", strings.Repeat("部", 65), "a-b", "a,b", "a，b"} {
		if e := failure(t, CheckDepartmentName(bad)); e.Class != Reject || e.Field != "name" {
			t.Errorf("%q: %v", bad, e)
		}
	}
}

func TestDepartmentWrites(t *testing.T) {
	f := newFar(t)
	f.on(pathDepartmentCreate, ok(`{"errcode":0,"result":{"dept_id":"100"}}`))
	f.on(pathDepartmentUpdate, ok(done))
	f.on(pathDepartmentDelete, ok(done))
	c := f.client()
	id, err := c.Departments.Create(bg(), Object{"name": "n", "parent_id": "1", "order": 3, "source_identifier": "odoo:7", "user_permits": []string{"a", "b"}, "hide_dept": true})
	if err != nil || id != 100 {
		t.Fatalf("%d %v", id, err)
	}
	want := map[string]any{"name": "n", "parent_id": 1, "order": 3, "source_identifier": "odoo:7", "user_permits": "a,b", "hide_dept": true}
	if got := f.last(pathDepartmentCreate).body; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if err := c.Departments.Update(bg(), Object{"dept_id": "100", "dept_manager_userid_list": []string{"u1", "u2"}}); err != nil {
		t.Fatal(err)
	}
	want = map[string]any{"dept_id": 100, "dept_manager_userid_list": "u1,u2"}
	if got := f.last(pathDepartmentUpdate).body; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if err := c.Departments.Update(bg(), Object{"dept_id": int64(100)}, "dept_manager_userid_list"); err != nil {
		t.Fatal(err)
	}
	want = map[string]any{"dept_id": 100, "dept_manager_userid_list": "", "force_update_fields": "dept_manager_userid_list"}
	if got := f.last(pathDepartmentUpdate).body; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if err := c.Departments.Delete(bg(), 100); err != nil || f.last(pathDepartmentDelete).body["dept_id"] != float64(100) {
		t.Errorf("%v", err)
	}
}

func TestDepartmentWritesAreCheckedFirst(t *testing.T) {
	c := newFar(t).client() // any call is an error
	ids := make101()[:30]
	for field, o := range map[string]Object{
		"name":               {"name": "a-b", "parent_id": "1"},
		"parent_id":          {"name": "n"},
		"dept_permits":       {"name": "n", "parent_id": "1", "dept_permits": ids, "user_permits": ids},
		"outer_permit_depts": {"name": "n", "parent_id": "1", "outer_permit_depts": ids, "outer_permit_users": ids},
		"code":               {"name": "n", "parent_id": "1", "code": "update only"},
		"member_count":       {"name": "n", "parent_id": "1", "member_count": 1},
	} {
		if e := failure(t, second(c.Departments.Create(bg(), o))); e.Class != Reject || e.Field != field {
			t.Errorf("create %s: %v", field, e)
		}
	}
	for field, o := range map[string]Object{
		"dept_id":                  {"name": "n"},
		"name":                     {"dept_id": "5", "name": ""},
		"dept_manager_userid_list": {"dept_id": "5", "dept_manager_userid_list": []string{}},
		"code":                     {"dept_id": "5", "code": strings.Repeat("c", 31)},
		"brief":                    {"dept_id": "5", "brief": "create only"},
	} {
		if e := failure(t, c.Departments.Update(bg(), o)); e.Class != Reject || e.Field != field {
			t.Errorf("update %s: %v", field, e)
		}
	}
	if e := failure(t, c.Departments.Update(bg(), Object{"dept_id": "5"}, "code")); e.Field != "code" {
		t.Errorf("%v", e)
	}
	for _, err := range []error{
		c.Departments.Delete(bg(), 0), second(c.Departments.Get(bg(), -7)), second(c.Departments.ListSub(bg(), -7)),
		second(c.Departments.ListSubIDs(bg(), 0)), second(c.Departments.Parents(bg(), -1)), second(c.Departments.ParentsByUser(bg(), "")),
	} {
		if e := failure(t, err); e.Class != Reject {
			t.Errorf("%v", e)
		}
	}
}

func TestDepartmentReads(t *testing.T) {
	f := newFar(t)
	f.on(pathDepartmentGet, ok(`{"errcode":0,"result":{"dept_id":5,"name":"n","parent_id":1,"dept_permits":[3],"dept_manager_userid_list":["u1"],"order":"7","extention":"{\"a\":1}"}}`))
	f.on(pathDepartmentListSubID, ok(`{"errcode":0,"result":{"dept_id_list":[2,"3"]}}`))
	f.on(pathDepartmentParents, ok(`{"errcode":0,"result":{"parent_id_list":[5,1]}}`))
	f.on(pathDepartmentParentsByUser, ok(`{"errcode":0,"result":{"parent_list":[{"parent_dept_id_list":[5,1]},{"parent_dept_id_list":[6,1]}]}}`))
	c := f.client()
	d, err := c.Departments.Get(bg(), 5)
	if err != nil || d["dept_id"] != "5" || d["parent_id"] != "1" || d["order"] != int64(7) || d.IDs("dept_permits")[0] != "3" {
		t.Errorf("%#v %v", d, err)
	}
	if ext, is := d["extension"].(map[string]any); !is || ext["a"] != int64(1) {
		t.Errorf("answers spell it extention: %#v", d)
	}
	if ids, err := c.Departments.ListSubIDs(bg(), 1); err != nil || !slices.Equal(ids, []int64{2, 3}) {
		t.Errorf("%v %v", ids, err)
	}
	if ids, err := c.Departments.Parents(bg(), 5); err != nil || !slices.Equal(ids, []int64{5, 1}) {
		t.Errorf("%v %v", ids, err)
	}
	if chains, err := c.Departments.ParentsByUser(bg(), "u1"); err != nil || fmt.Sprint(chains) != "[[5 1] [6 1]]" {
		t.Errorf("%v %v", chains, err)
	}
}

// tree answers listsub from a map of children.
func tree(children map[int][]int) answerFunc {
	return func(c call) reply {
		var rows []string
		parent := int(c.body["dept_id"].(float64))
		for _, id := range children[parent] {
			rows = append(rows, fmt.Sprintf(`{"dept_id":%d,"name":"d%d","parent_id":%d}`, id, id, parent))
		}
		return reply{body: `{"errcode":0,"result":[` + strings.Join(rows, ",") + `]}`}
	}
}

func TestWalk(t *testing.T) {
	children := map[int][]int{1: {2, 3, -7}, 2: {4, 5}, 3: {6, 2}, 6: {1, 3}}
	for _, c := range []struct {
		roots []int64
		want  []string
		calls int
	}{
		{[]int64{1}, []string{"2", "3", "4", "5", "6", "1"}, 6}, // a cycle ends
		{[]int64{2}, []string{"4", "5"}, 3},
		{[]int64{1, 2, 1, -7}, []string{"2", "3", "4", "5", "6", "1"}, 6},
		{nil, nil, 0},
	} {
		f := newFar(t)
		f.on(pathDepartmentListSub, tree(children))
		var got []string
		for d, err := range f.client().Departments.Walk(bg(), c.roots) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, d.Text("dept_id"))
		}
		if calls := len(f.called(pathDepartmentListSub)); !slices.Equal(got, c.want) || calls != c.calls {
			t.Errorf("%v: %v with %d calls", c.roots, got, calls)
		}
	}
}

func TestWalkEndsWithTheError(t *testing.T) {
	f := newFar(t)
	good := tree(map[int][]int{1: {2, 3}})
	f.on(pathDepartmentListSub, inTurn(good, ok(`{"errcode":50004,"errmsg":"x"}`)))
	var got []string
	var last error
	for d, err := range f.client().Departments.Walk(bg(), []int64{1}) {
		if last = err; err == nil {
			got = append(got, d.Text("dept_id"))
		}
	}
	if !IsOutOfScope(last) || !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("%v %v", got, last)
	}
}
