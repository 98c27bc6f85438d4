package dingtalk

import (
	"fmt"
	"slices"
	"testing"
)

func TestRoleList(t *testing.T) {
	f := newFar(t)
	f.on(pathRoleList, inTurn(
		ok(`{"errcode":0,"result":{"hasMore":true,"list":[{"groupId":1,"name":"默认","roles":[{"id":11,"name":"主管"}]},{"groupId":2,"name":"职务","roles":[{"id":21,"name":"总监"}]}]}}`),
		ok(`{"errcode":0,"result":{"hasMore":false,"list":[{"groupId":2,"name":"职务","roles":[{"id":21,"name":"总监"},{"id":"22","name":"经理"}]},{"groupId":3,"name":"空"}]}}`)))
	list := f.client().Roles.List(bg())
	var got []string
	for r, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r["id"], r["name"], r["group_id"], r["group_name"]))
	}
	if want := []string{"11主管1默认", "21总监2职务", "22经理2职务"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if c := f.last(pathRoleList).body; c["size"] != float64(200) || c["offset"] != float64(200) {
		t.Errorf("%v", c)
	}
}

func TestRolePageThatRepeatsIsAnError(t *testing.T) {
	f := newFar(t)
	f.on(pathRoleList, ok(`{"errcode":0,"result":{"hasMore":true,"list":[{"groupId":1,"name":"g","roles":[{"id":11,"name":"r"}]}]}}`))
	var last error
	for _, err := range f.client().Roles.List(bg()) {
		last = err
	}
	if e := failure(t, last); e.Class != Retry || len(f.called(pathRoleList)) != 2 {
		t.Errorf("%v after %d calls", e, len(f.called(pathRoleList)))
	}
}

func TestRoleCalls(t *testing.T) {
	f := newFar(t)
	f.on(pathRoleGet, ok(`{"errcode":0,"role":{"name":"总监","groupId":2}}`))
	f.on(pathRoleGetGroup, ok(`{"errcode":0,"role_group":{"group_name":"职务","roles":[{"role_id":21,"role_name":"总监"}]}}`))
	f.on(pathRoleCreate, ok(`{"errcode":0,"roleId":31}`))
	f.on(pathRoleCreateGroup, ok(`{"errcode":0,"groupId":"32"}`))
	f.on(pathRoleUpdate, ok(done))
	f.on(pathRoleDelete, ok(done))
	f.on(pathRoleScope, ok(done))
	f.on(pathRoleMembers, ok(`{"errcode":0,"result":{"hasMore":false,"list":[{"userid":"u1","name":"n","manageScopes":[{"dept_id":2,"name":"d"}]}]}}`))
	c := f.client()
	if r, err := c.Roles.Get(bg(), 21); err != nil || fmt.Sprint(r) != fmt.Sprint(Object{"id": "21", "name": "总监", "group_id": "2"}) {
		t.Errorf("%v %v", r, err)
	}
	if name, roles, err := c.Roles.Group(bg(), 2); err != nil || name != "职务" || roles[0]["id"] != "21" || roles[0]["group_id"] != "2" {
		t.Errorf("%v %v %v", name, roles, err)
	}
	if id, err := c.Roles.Create(bg(), Object{"name": "总监", "group_id": "2"}); err != nil || id != 31 || f.last(pathRoleCreate).raw != `{"groupId":2,"roleName":"总监"}` {
		t.Errorf("%v %v %s", id, err, f.last(pathRoleCreate).raw)
	}
	if id, err := c.Roles.CreateGroup(bg(), "g"); err != nil || id != 32 {
		t.Errorf("%v %v", id, err)
	}
	if err := c.Roles.Update(bg(), Object{"id": "31", "name": "新"}); err != nil || f.last(pathRoleUpdate).raw != `{"roleId":31,"roleName":"新"}` {
		t.Errorf("%v %s", err, f.last(pathRoleUpdate).raw)
	}
	if err := c.Roles.Delete(bg(), 31); err != nil || f.last(pathRoleDelete).raw != `{"role_id":31}` {
		t.Errorf("%v", err)
	}
	if err := c.Roles.SetScope(bg(), 31, "u1", 2, 3); err != nil || f.last(pathRoleScope).body["dept_ids"] != "2,3" {
		t.Errorf("%v", err)
	}
	for m, err := range c.Roles.Members(bg(), 31) {
		if err != nil || m["userid"] != "u1" || len(m.Rows("manageScopes")) != 1 {
			t.Errorf("%v %v", m, err)
		}
	}
	for _, err := range []error{
		second(c.Roles.Create(bg(), Object{"name": "x"})), second(c.Roles.CreateGroup(bg(), " ")), c.Roles.Update(bg(), Object{"id": "1"}),
		c.Roles.SetScope(bg(), 1, "u", make([]int64, 51)...), c.Roles.Assign(bg(), []int64{1}, []string{"a,b"}),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%v", e)
		}
	}
}

func TestAssignInPieces(t *testing.T) {
	f := newFar(t)
	f.on(pathRoleAssign, ok(done))
	f.on(pathRoleUnassign, ok(done))
	c := f.client()
	roles := make([]int64, 25)
	for i := range roles {
		roles[i] = int64(i + 1)
	}
	users := make101()
	if err := c.Roles.Assign(bg(), roles, users); err != nil {
		t.Fatal(err)
	}
	if err := c.Roles.Unassign(bg(), roles, users); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct{ calls, users int }{pathRoleAssign: {12, 20}, pathRoleUnassign: {4, 100}} {
		pairs := map[string]bool{}
		calls := f.called(path)
		for _, call := range calls {
			rs, us := idList(call.body["roleIds"]), idList(call.body["userIds"])
			if len(rs) > 20 || len(us) > want.users {
				t.Errorf("%s: %d x %d", path, len(rs), len(us))
			}
			for _, r := range rs {
				for _, u := range us {
					pairs[r+"/"+u] = true
				}
			}
		}
		if len(calls) != want.calls || len(pairs) != 25*101 {
			t.Errorf("%s: %d calls, %d pairs", path, len(calls), len(pairs))
		}
	}
}
