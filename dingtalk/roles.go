package dingtalk

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// The paths of the role calls; the error classification refers to them too.
const (
	pathRoleCreate      = "/role/add_role"
	pathRoleUpdate      = "/role/update_role"
	pathRoleCreateGroup = "/role/add_role_group"
	pathRoleDelete      = "/topapi/role/deleterole"
	pathRoleList        = "/topapi/role/list"
	pathRoleGet         = "/topapi/role/getrole"
	pathRoleGetGroup    = "/topapi/role/getrolegroup"
	pathRoleAssign      = "/topapi/role/addrolesforemps"
	pathRoleUnassign    = "/topapi/role/removerolesforemps"
	pathRoleScope       = "/topapi/role/scope/update"
	pathRoleMembers     = "/topapi/role/simplelist"
)

// Limits of the role calls (获取角色列表, 批量增加员工角色, 批量删除员工角色, 获取指定角色的员工列表).
const (
	roleListPage    = 200
	roleMembersPage = 100
	rolesPerCall    = 20
	assignUsers     = 20
	unassignUsers   = 100
)

// RoleService holds the calls about roles (角色). None of them counts against the monthly quota.
type RoleService struct{ c *Client }

// List yields every role of every group (获取角色列表) with the fields of RoleKind marked List. The roles of the default group
// (负责人, 主管, 主管理员, …) are among them and cannot be changed.
func (s *RoleService) List(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		seen := map[string]bool{}
		for group, err := range s.c.byOffset(ctx, pathRoleList, Object{}, roleListPage) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, role := range group.Rows("roles") {
				role["group_id"], role["group_name"] = group["groupId"], group["name"]
				role = RoleKind.decode(role)
				id := role.Text("id")
				if seen[id] { // a group that spans two pages
					continue
				}
				seen[id] = true
				if !yield(role, nil) {
					return
				}
			}
		}
	}
}

// Get reads one role (获取角色详情): id, name, group_id. IsNotFound if there is none (33011).
func (s *RoleService) Get(ctx context.Context, roleID int64) (Object, error) {
	answer, err := s.c.read(ctx, pathRoleGet, Object{"roleId": roleID})
	if err != nil {
		return nil, err
	}
	role := answer.object("role")
	if role == nil {
		return nil, incomplete(pathRoleGet, "no role")
	}
	return RoleKind.decode(Object{"id": roleID, "name": role["name"], "group_id": role["groupId"]}), nil
}

// Create adds a role (创建角色) from name and group_id and returns its id.
func (s *RoleService) Create(ctx context.Context, role Object) (roleID int64, err error) {
	body, err := RoleKind.encodeCreate(pathRoleCreate, role)
	if err != nil {
		return 0, err
	}
	answer, err := s.c.write(ctx, pathRoleCreate, Object{"roleName": body["name"], "groupId": body["group_id"]})
	if err != nil {
		return 0, err
	}
	return createdID(pathRoleCreate, answer, "roleId")
}

// CreateGroup adds a group of roles (创建角色组) and returns its id.
func (s *RoleService) CreateGroup(ctx context.Context, name string) (groupID int64, err error) {
	if strings.TrimSpace(name) == "" {
		return 0, refuse(pathRoleCreateGroup, "name", "required")
	}
	answer, err := s.c.write(ctx, pathRoleCreateGroup, Object{"name": name})
	if err != nil {
		return 0, err
	}
	return createdID(pathRoleCreateGroup, answer, "groupId")
}

func createdID(api string, answer Object, key string) (int64, error) {
	id, ok := answer.Int(key)
	if !ok {
		id, ok = answer.object("result").Int(key)
	}
	if !ok {
		return 0, &Error{Class: Retry, Ambiguous: true, API: api, Status: 200, Message: "the answer names no " + key}
	}
	return id, nil
}

// Group reads a group's name and its roles (获取角色组列表).
func (s *RoleService) Group(ctx context.Context, groupID int64) (name string, roles []Object, err error) {
	answer, err := s.c.read(ctx, pathRoleGetGroup, Object{"group_id": groupID})
	if err != nil {
		return "", nil, err
	}
	group := answer.object("role_group")
	if group == nil {
		return "", nil, incomplete(pathRoleGetGroup, "no role_group")
	}
	name = group.Text("group_name")
	for _, row := range group.Rows("roles") {
		roles = append(roles, RoleKind.decode(Object{
			"id": row["role_id"], "name": row["role_name"], "group_id": groupID, "group_name": name,
		}))
	}
	return name, roles, nil
}

// Update renames a role (更新角色名称): id and name.
func (s *RoleService) Update(ctx context.Context, role Object) error {
	body, err := RoleKind.encodeUpdate(pathRoleUpdate, role, nil)
	if err != nil {
		return err
	}
	if body["name"] == nil || body["name"] == "" {
		return refuse(pathRoleUpdate, "name", "required")
	}
	_, err = s.c.write(ctx, pathRoleUpdate, Object{"roleId": body["id"], "roleName": body["name"]})
	return err
}

// Delete removes a role (删除角色). Its members must have been unassigned, and it must not be of the default group.
func (s *RoleService) Delete(ctx context.Context, roleID int64) error {
	_, err := s.c.write(ctx, pathRoleDelete, Object{"role_id": roleID})
	return err
}

// Assign gives every one of the people every one of the roles (批量增加员工角色), in calls of at most 20 × 20. Giving a role
// twice changes nothing, so after a failure the whole may be repeated.
func (s *RoleService) Assign(ctx context.Context, roleIDs []int64, userIDs []string) error {
	return s.members(ctx, pathRoleAssign, assignUsers, roleIDs, userIDs)
}

// Unassign takes every one of the roles from every one of the people (批量删除员工角色), in calls of at most 20 × 100.
func (s *RoleService) Unassign(ctx context.Context, roleIDs []int64, userIDs []string) error {
	return s.members(ctx, pathRoleUnassign, unassignUsers, roleIDs, userIDs)
}

func (s *RoleService) members(ctx context.Context, path string, perCall int, roleIDs []int64, userIDs []string) error {
	for _, id := range userIDs {
		if err := checkUserID(path, id); err != nil {
			return err
		}
	}
	for roles := range slices.Chunk(roleIDs, rolesPerCall) {
		for users := range slices.Chunk(userIDs, perCall) {
			body := Object{"roleIds": joinNumbers(roles), "userIds": strings.Join(users, ",")}
			if _, err := s.c.write(ctx, path, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetScope sets for which departments, at most 50, a member acts in a role (设定角色成员管理范围); none: for all.
func (s *RoleService) SetScope(ctx context.Context, roleID int64, userid string, deptIDs ...int64) error {
	if err := checkUserID(pathRoleScope, userid); err != nil {
		return err
	}
	if len(deptIDs) > 50 {
		return refuse(pathRoleScope, "dept_ids", "%d ids, at most 50 are allowed", len(deptIDs))
	}
	body := Object{"userid": userid, "role_id": roleID}
	if len(deptIDs) > 0 {
		body["dept_ids"] = joinNumbers(deptIDs)
	}
	_, err := s.c.write(ctx, pathRoleScope, body)
	return err
}

// Members yields those who have a role (获取指定角色的员工列表): userid, name and, where it is restricted, manageScopes, a list
// of {dept_id, name}.
func (s *RoleService) Members(ctx context.Context, roleID int64) iter.Seq2[Object, error] {
	return s.c.byOffset(ctx, pathRoleMembers, Object{"role_id": roleID}, roleMembersPage)
}
