package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDepartmentCreateAndGet(t *testing.T) {
	b := start(t)
	out := b.ok(deptCreate, object{"name": "研发", "parent_id": "1", "order": 5, "source_identifier": "odoo7", "hide_dept": "true", "dept_permits": "1", "user_permits": "a,b"})
	id := out["dept_id"]
	got := b.ok(deptGet, object{"dept_id": id})
	for key, want := range map[string]string{
		"name": "研发", "parent_id": "1", "order": "5", "source_identifier": "odoo7", "hide_dept": "true",
		"dept_manager_userid_list": "[]", "dept_permits": "[1]", "user_permits": `["a","b"]`, "member_count": "0",
	} {
		if asText(got[key]) != want {
			t.Errorf("%s: want %s, got %s", key, want, asText(got[key]))
		}
	}
	if root := b.ok(deptGet, object{"dept_id": 1}); root["parent_id"] != nil || asText(root["dept_id"]) != "1" {
		t.Errorf("the root has no parent: %v", root)
	}
}

func TestDepartmentIsRefused(t *testing.T) {
	b := start(t)
	a := b.AddDepartment(Department{Name: "A"})
	sub := b.AddDepartment(Department{Name: "B", ParentID: a})
	b.AddUser(User{UserID: "u1", Name: "张三", Departments: []int64{sub}})
	b.Set(func(k *Knobs) { k.SensitiveWords = []string{"敏感"}; k.MaxDepth = 3 })
	deep := b.AddDepartment(Department{Name: "C", ParentID: sub})
	for name, test := range map[string]struct {
		code, path string
		body       object
	}{
		"no name":               {"40035", deptCreate, object{"parent_id": 1}},
		"no parent":             {"40035", deptCreate, object{"name": "x"}},
		"parent unknown":        {"60004", deptCreate, object{"name": "x", "parent_id": 5}},
		"dash":                  {"60001", deptCreate, object{"name": "a-b", "parent_id": 1}},
		"comma":                 {"60001", deptCreate, object{"name": "a,b", "parent_id": 1}},
		"wide comma":            {"60001", deptCreate, object{"name": "a，b", "parent_id": 1}},
		"name long":             {"60001", deptCreate, object{"name": strings.Repeat("长", 65), "parent_id": 1}},
		"sensitive":             {"60022", deptCreate, object{"name": "敏感部", "parent_id": 1}},
		"sibling":               {"60021", deptCreate, object{"name": "A", "parent_id": 1}},
		"too deep":              {"60002", deptCreate, object{"name": "D", "parent_id": deep}},
		"permits":               {"60109", deptCreate, object{"name": "x", "parent_id": 1, "user_permits": strings.Repeat("u,", 51)}},
		"root update":           {"60018", deptUpdate, object{"dept_id": 1, "name": "x"}},
		"update unknown":        {"60003", deptUpdate, object{"dept_id": 5, "name": "x"}},
		"update illegal":        {"40009", deptUpdate, object{"dept_id": -7, "name": "x"}},
		"update without id":     {"400002", deptUpdate, object{"name": "x"}},
		"cycle":                 {"60010", deptUpdate, object{"dept_id": a, "parent_id": deep}},
		"itself":                {"60010", deptUpdate, object{"dept_id": a, "parent_id": a}},
		"rename to sibling":     {"60021", deptUpdate, object{"dept_id": sub, "parent_id": 1, "name": "A"}},
		"manager no member":     {"40031", deptUpdate, object{"dept_id": a, "dept_manager_userid_list": "u1"}},
		"manager unknown":       {"40031", deptUpdate, object{"dept_id": a, "dept_manager_userid_list": "nobody"}},
		"group owner elsewhere": {"40093", deptUpdate, object{"dept_id": a, "org_dept_owner": "u1"}},
		"code long":             {"40035", deptUpdate, object{"dept_id": a, "code": strings.Repeat("c", 31)}},
		"delete root":           {"60007", deptDelete, object{"dept_id": 1}},
		"delete with members":   {"60005", deptDelete, object{"dept_id": sub}},
		"delete, members below": {"60005", deptDelete, object{"dept_id": a}},
		"delete unknown":        {"60003", deptDelete, object{"dept_id": 5}},
		"get unknown":           {"60003", deptGet, object{"dept_id": 5}},
	} {
		t.Run(name, func(t *testing.T) { b.in(t).refused(test.code, test.path, test.body) })
	}
	if n := len(b.Departments()); n != 4 {
		t.Errorf("refused departments must not exist: %d", n)
	}
}

func TestDepartmentManagers(t *testing.T) {
	b := start(t)
	a := b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "u1", Name: "张三", Departments: []int64{a}})
	managers := func() string { d, _ := b.Department(a); return strings.Join(d.Managers, ",") }
	b.ok(deptUpdate, object{"dept_id": a, "dept_manager_userid_list": "u1", "code": "C1"})
	if got := b.ok(userGet, object{"userid": "u1"}); asText(got["leader_in_dept"]) != fmt.Sprintf(`[{"dept_id":%d,"leader":true}]`, a) {
		t.Errorf("leader_in_dept: %v", got["leader_in_dept"])
	}
	b.ok(deptUpdate, object{"dept_id": a, "name": "A2"})
	b.ok(deptUpdate, object{"dept_id": a, "dept_manager_userid_list": ""})
	if managers() != "u1" {
		t.Errorf("absent and empty leave the managers: %q", managers())
	}
	b.ok(deptUpdate, object{"dept_id": a, "dept_manager_userid_list": "", "force_update_fields": "dept_manager_userid_list"})
	if d, _ := b.Department(a); managers() != "" || d.Code != "C1" || d.Name != "A2" {
		t.Errorf("force_update_fields clears them: %+v", d)
	}
}

func TestDepartmentTree(t *testing.T) {
	b := start(t)
	a := b.AddDepartment(Department{Name: "A", Order: 2})
	first := b.AddDepartment(Department{Name: "B", Order: 1, SourceIdentifier: "7"})
	sub := b.AddDepartment(Department{Name: "C", ParentID: a})
	b.AddUser(User{UserID: "u1", Name: "n", Departments: []int64{sub, first}})
	b.AddUser(User{UserID: "u2", Name: "n", Departments: []int64{sub, a}})
	var names []string
	for _, item := range b.old(deptSub, object{})["result"].([]any) {
		names = append(names, item.(object)["name"].(string))
	}
	if !slices.Equal(names, []string{"B", "A"}) {
		t.Errorf("direct children, small order first: %v", names)
	}
	for path, want := range map[string]string{
		"listsubid":        fmt.Sprintf(`{"dept_id_list":[%d]}`, sub),
		"listparentbydept": fmt.Sprintf(`{"parent_id_list":[%d,1]}`, a),
	} {
		if got := asText(b.ok("/topapi/v2/department/"+path, object{"dept_id": a})); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	got := b.ok("/topapi/v2/department/listparentbyuser", object{"userid": "u1"})
	if want := fmt.Sprintf(`{"parent_list":[{"parent_dept_id_list":[%d,%d,1]},{"parent_dept_id_list":[%d,1]}]}`, sub, a, first); asText(got) != want {
		t.Errorf("listparentbyuser: %s", asText(got))
	}
	d := b.ok(deptGet, object{"dept_id": a})
	if asText(d["member_count"]) != "2" || asText(d["owning_member_count"]) != "1" {
		t.Errorf("each counted once: %v", d)
	}
	found := b.v1("POST", "/v1.0/contact/departments/search", object{"queryWord": "C", "offset": 0, "size": 5}, 200)
	if asText(found["list"]) != fmt.Sprintf("[%d]", sub) {
		t.Errorf("search: %v", found)
	}
}

func TestDepartmentDelete(t *testing.T) {
	b := start(t)
	a := b.AddDepartment(Department{Name: "A"})
	sub := b.AddDepartment(Department{Name: "B", ParentID: a})
	b.Set(func(k *Knobs) { k.SubtreeDelete = false })
	b.refused("60006", deptDelete, object{"dept_id": a})
	b.Set(func(k *Knobs) { k.SubtreeDelete = true })
	b.ok(deptDelete, object{"dept_id": a})
	last := b.Events()[len(b.Events())-1]
	if last.Type != "org_dept_remove" || string(last.Data) != fmt.Sprintf(`{"deptId":[%d,%d]}`, sub, a) {
		t.Errorf("one event for the subtree: %s %s", last.Type, last.Data)
	}

	c := b.AddDepartment(Department{Name: "C"})
	b.AddUser(User{UserID: "u1", Name: "n", Departments: []int64{c}})
	if err := b.RemoveDepartment(c, false); err == nil {
		t.Error("an administrator needs force too")
	}
	if err := b.RemoveDepartment(c, true); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("u1"); !slices.Equal(u.Departments, []int64{1}) {
		t.Errorf("people go to the root: %v", u.Departments)
	}
}

func TestDuplicateDepartments(t *testing.T) {
	b := start(t)
	for _, name := range []string{"A", "B"} {
		b.ok(deptCreate, object{"name": name, "parent_id": 1, "source_identifier": "7"})
	}
	if got := b.Duplicates()["department source_identifier 7"]; got != 2 {
		t.Errorf("two departments for one source_identifier: %v", b.Duplicates())
	}
	b.ResetJournal()
	if len(b.Duplicates()) != 1 || len(b.Repeats()) != 0 {
		t.Error("what exists twice does so after ResetJournal too")
	}
}

func TestRoles(t *testing.T) {
	b := start(t)
	group := b.old("/role/add_role_group", object{"name": "职务"})["groupId"]
	role := b.old("/role/add_role", object{"roleName": "总监", "groupId": group})["roleId"]
	b.refused("34020", "/role/add_role", object{"roleName": "总监", "groupId": group})
	b.refused("34018", "/role/add_role", object{"roleName": "x", "groupId": 5})
	b.refused("33011", "/role/update_role", object{"roleId": 5, "roleName": "x"})
	b.ok("/role/update_role", object{"roleId": role, "roleName": "副总监"})
	for i := range 3 {
		b.AddUser(User{UserID: fmt.Sprint("u", i), Name: fmt.Sprint("n", i)})
	}
	b.ok("/topapi/role/addrolesforemps", object{"roleIds": role, "userIds": "u0,u1,u2"})
	b.refused("33012", "/topapi/role/addrolesforemps", object{"roleIds": role, "userIds": "u0,nobody"})
	b.refused("23004", "/topapi/role/deleterole", object{"role_id": role})
	b.ok("/topapi/role/scope/update", object{"role_id": role, "userid": "u1", "dept_ids": "1"})
	page := b.ok("/topapi/role/simplelist", object{"role_id": role, "size": 2, "offset": 0})
	if asText(page) != `{"hasMore":true,"list":[{"name":"n0","userid":"u0"},{"manageScopes":[{"dept_id":1,"name":"dingcorp"}],"name":"n1","userid":"u1"}],"nextCursor":2}` {
		t.Errorf("members: %s", asText(page))
	}
	got := b.ok(userGet, object{"userid": "u2"})
	if asText(got["role_list"]) != fmt.Sprintf(`[{"group_name":"职务","id":%s,"name":"副总监"}]`, asText(role)) {
		t.Errorf("role_list: %v", got["role_list"])
	}
	b.ok("/topapi/role/removerolesforemps", object{"roleIds": role, "userIds": "u0,u1,u2"})
	one := b.old("/topapi/role/getrole", object{"roleId": role})
	if asText(one["role"]) != fmt.Sprintf(`{"groupId":%s,"name":"副总监"}`, asText(group)) {
		t.Errorf("getrole: %v", one)
	}
	if g := b.old("/topapi/role/getrolegroup", object{"group_id": group}); !strings.Contains(asText(g["role_group"]), "副总监") {
		t.Errorf("getrolegroup: %v", g)
	}
	list := b.ok("/topapi/role/list", object{"size": 1, "offset": 0})
	if asText(list["hasMore"]) != "true" || !strings.Contains(asText(list["list"]), "负责人") {
		t.Errorf("list: %v", list)
	}
	b.ok("/topapi/role/deleterole", object{"role_id": role})
	b.refused("33011", "/topapi/role/getrole", object{"roleId": role})
	want := []string{
		"label_conf_add", "label_conf_add", "label_conf_modify", "user_add_org", "user_add_org", "user_add_org",
		"label_user_change", "label_user_change", "label_conf_del",
	}
	if got := b.types(); !slices.Equal(got, want) {
		t.Errorf("events: %v", got)
	}
	b.refused("660000", "/topapi/role/deleterole", object{"role_id": b.Roles()[0].ID})
}
