package dingtalktest

import (
	"cmp"
	"slices"
)

// addRole is /role/add_role (创建角色).
func (s *Server) addRole(c *call) (any, *Refusal) {
	group, ok := c.params.number("groupId")
	if !ok {
		return nil, missing(40035, "groupId")
	}
	id, no := s.makeRole(group, c.params.text("roleName"))
	if no != nil {
		return nil, no
	}
	return topLevel{"roleId": id}, nil
}

// updateRole is /role/update_role (更新角色名称).
func (s *Server) updateRole(c *call) (any, *Refusal) {
	id, ok := c.params.number("roleId")
	if !ok {
		return nil, missing(40035, "roleId")
	}
	return nil, s.renameRole(id, c.params.text("roleName"))
}

// addRoleGroup is /role/add_role_group (创建角色组).
func (s *Server) addRoleGroup(c *call) (any, *Refusal) {
	id, no := s.makeGroup(c.params.text("name"))
	if no != nil {
		return nil, no
	}
	return topLevel{"groupId": id}, nil
}

// deleteRole is /topapi/role/deleterole (删除角色).
func (s *Server) deleteRole(c *call) (any, *Refusal) {
	id, ok := c.params.number("role_id")
	if !ok {
		return nil, missing(400002, "role_id")
	}
	return nil, s.removeRole(id)
}

// listRoles is /topapi/role/list (获取角色列表): groups with their roles, paged by group.
func (s *Server) listRoles(c *call) (any, *Refusal) {
	offset, size, no := offsetPage(c, 200)
	if no != nil {
		return nil, no
	}
	groups := make([]*roleGroup, 0, len(s.dir.groups))
	for _, g := range s.dir.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *roleGroup) int { return cmp.Compare(a.ID, b.ID) })
	to := min(offset+size, len(groups))
	list := []any{}
	for _, g := range groups[min(offset, to):to] {
		roles := []any{}
		for _, r := range s.dir.rolesIn(g.ID) {
			roles = append(roles, map[string]any{"id": r.ID, "name": r.Name})
		}
		list = append(list, map[string]any{"groupId": g.ID, "name": g.Name, "roles": roles})
	}
	return map[string]any{"hasMore": to < len(groups), "list": list}, nil
}

// offsetPage reads offset and size as the role lists do: 20 by default.
func offsetPage(c *call, most int64) (offset, size int, no *Refusal) {
	from, n := int64(0), int64(20)
	var ok bool
	if c.params.has("offset") {
		if from, ok = c.params.number("offset"); !ok || from < 0 {
			return 0, 0, refuse(40068)
		}
	}
	if c.params.has("size") {
		if n, ok = c.params.number("size"); !ok || n < 1 || n > most {
			return 0, 0, refuse(40069)
		}
	}
	return int(from), int(n), nil
}

// getRole is /topapi/role/getrole (获取角色详情).
func (s *Server) getRole(c *call) (any, *Refusal) {
	r, no := s.roleParam(c, "roleId")
	if no != nil {
		return nil, no
	}
	return topLevel{"role": map[string]any{"name": r.Name, "groupId": r.GroupID}}, nil
}

func (s *Server) roleParam(c *call, key string) (*role, *Refusal) {
	id, ok := c.params.number(key)
	if !ok {
		return nil, missing(400002, key)
	}
	r := s.dir.roles[id]
	if r == nil {
		return nil, refuse(33011)
	}
	return r, nil
}

// getRoleGroup is /topapi/role/getrolegroup (获取角色组列表).
func (s *Server) getRoleGroup(c *call) (any, *Refusal) {
	id, ok := c.params.number("group_id")
	if !ok {
		return nil, missing(400002, "group_id")
	}
	group := s.dir.groups[id]
	if group == nil {
		return nil, refuse(34018)
	}
	roles := []any{}
	for _, r := range s.dir.rolesIn(id) {
		roles = append(roles, map[string]any{"role_id": r.ID, "role_name": r.Name})
	}
	return topLevel{"role_group": map[string]any{"group_name": group.Name, "roles": roles}}, nil
}

// changeRoles is /topapi/role/addrolesforemps and removerolesforemps (批量增加员工角色, 批量删除员工角色).
func changeRoles(assign bool, mostUsers int) func(*Server, *call) (any, *Refusal) {
	return func(s *Server, c *call) (any, *Refusal) {
		roles, ok := c.params.numbers("roleIds")
		users := c.params.texts("userIds")
		if !ok || len(roles) == 0 || len(roles) > 20 {
			return nil, missing(400002, "roleIds")
		}
		if len(users) == 0 || len(users) > mostUsers {
			return nil, missing(400002, "userIds")
		}
		return nil, s.changeRole(roles, users, assign)
	}
}

// roleMembers is /topapi/role/simplelist (获取指定角色的员工列表).
func (s *Server) roleMembers(c *call) (any, *Refusal) {
	r, no := s.roleParam(c, "role_id")
	if no != nil {
		return nil, no
	}
	offset, size, no := offsetPage(c, 100)
	if no != nil {
		return nil, no
	}
	to := min(offset+size, len(r.members))
	list := []any{}
	for _, userid := range r.members[min(offset, to):to] {
		item := map[string]any{"userid": userid, "name": s.dir.users[userid].Name}
		scopes := []any{}
		for _, id := range r.scopes[userid] {
			if u := s.dir.units[id]; u != nil {
				scopes = append(scopes, map[string]any{"dept_id": id, "name": u.Name})
			}
		}
		if len(scopes) > 0 {
			item["manageScopes"] = scopes
		}
		list = append(list, item)
	}
	out := map[string]any{"hasMore": to < len(r.members), "list": list}
	if to < len(r.members) {
		out["nextCursor"] = to
	}
	return out, nil
}

// roleScope is /topapi/role/scope/update (设定角色成员管理范围).
func (s *Server) roleScope(c *call) (any, *Refusal) {
	r, no := s.roleParam(c, "role_id")
	if no != nil {
		return nil, no
	}
	userid := c.params.text("userid")
	if !slices.Contains(r.members, userid) {
		return nil, refuse(40003)
	}
	ids, ok := c.params.numbers("dept_ids")
	if !ok || len(ids) > 50 {
		return nil, refuse(40009)
	}
	for _, id := range ids {
		if s.dir.units[id] == nil {
			return nil, refuse(60003)
		}
	}
	if r.scopes[userid] = ids; len(ids) == 0 {
		delete(r.scopes, userid)
	}
	return nil, nil
}
