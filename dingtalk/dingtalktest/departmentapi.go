package dingtalktest

import (
	"slices"
	"strings"
)

// createDepartment is /topapi/v2/department/create (创建部门).
func (s *Server) createDepartment(c *call) (any, *Refusal) {
	for _, key := range []string{"name", "parent_id"} {
		if c.params.text(key) == "" {
			return nil, missing(40035, key)
		}
	}
	var d Department
	if no := applyDepartment(c.params, &d); no != nil {
		return nil, no
	}
	if s.dir.units[d.ParentID] != nil && !s.departmentInScope(d.ParentID) {
		return nil, refuse(50004)
	}
	if no := s.checkDepartment(&d, nil); no != nil {
		return nil, no
	}
	return map[string]any{"dept_id": s.addUnit(d, c.now)}, nil
}

// updateDepartment is /topapi/v2/department/update (更新部门): what is absent stays.
func (s *Server) updateDepartment(c *call) (any, *Refusal) {
	old, no := s.writableUnit(c)
	if no != nil {
		return nil, no
	}
	if old.ID == rootID {
		return nil, refuse(60018)
	}
	draft := old.clone()
	if no := applyDepartment(c.params, &draft); no != nil {
		return nil, no
	}
	if no := applyDepartmentUpdate(c.params, &draft); no != nil {
		return nil, no
	}
	if s.dir.units[draft.ParentID] != nil && !s.departmentInScope(draft.ParentID) {
		return nil, refuse(50004)
	}
	if no := s.checkDepartment(&draft, old); no != nil {
		return nil, no
	}
	s.storeUnit(draft, old, c.now)
	return nil, nil
}

// deleteDepartment is /topapi/v2/department/delete (删除部门).
func (s *Server) deleteDepartment(c *call) (any, *Refusal) {
	u, no := s.writableUnit(c)
	if no != nil {
		return nil, no
	}
	return nil, s.removeUnit(u.ID, c.now, false)
}

// writableUnit finds the department a write is about; writes see the present state.
func (s *Server) writableUnit(c *call) (*unit, *Refusal) {
	id, no := departmentID(c, 400002)
	if no != nil {
		return nil, no
	}
	u := s.dir.units[id]
	if u == nil {
		return nil, refuse(60003)
	}
	if !s.departmentInScope(id) {
		return nil, refuse(50004)
	}
	return u, nil
}

// departmentID reads dept_id; ids that are not positive belong to other address books.
func departmentID(c *call, missingCode int) (int64, *Refusal) {
	if c.params.text("dept_id") == "" {
		return 0, missing(missingCode, "dept_id")
	}
	id, ok := c.params.number("dept_id")
	if !ok || id <= 0 {
		return 0, refuse(40009)
	}
	return id, nil
}

// knownUnit finds a department as this read shows it, whatever the app's scope.
func (s *Server) knownUnit(c *call, missingCode int) (*unit, *Refusal) {
	id, no := departmentID(c, missingCode)
	if no != nil {
		return nil, no
	}
	u := s.dir.unit(id, c.horizon)
	if u == nil {
		return nil, refuse(60003)
	}
	return u, nil
}

// visibleUnit finds a department as this read shows it, within the app's scope.
func (s *Server) visibleUnit(c *call, missingCode int) (*unit, *Refusal) {
	u, no := s.knownUnit(c, missingCode)
	if no != nil {
		return nil, no
	}
	if !s.departmentInScope(u.ID) {
		return nil, refuse(50004)
	}
	return u, nil
}

// applyDepartment writes the fields that create and update have in common to a draft.
func applyDepartment(p params, d *Department) *Refusal {
	for key, at := range map[string]*string{
		"name": &d.Name, "source_identifier": &d.SourceIdentifier, "brief": &d.Brief, "telephone": &d.Telephone,
		"extension": &d.Extension,
	} {
		if p.has(key) {
			*at = p.text(key)
		}
	}
	for key, at := range map[string]*int64{"parent_id": &d.ParentID, "order": &d.Order} {
		if !p.has(key) {
			continue
		}
		n, ok := p.number(key)
		if !ok {
			return missing(40035, key)
		}
		*at = n
	}
	for key, at := range map[string]*bool{
		"hide_dept": &d.HideDept, "outer_dept": &d.OuterDept, "outer_dept_only_self": &d.OuterDeptOnlySelf,
		"create_dept_group": &d.CreateDeptGroup, "auto_approve_apply": &d.AutoApproveApply, "auto_add_user": &d.AutoAddUser,
		"group_contain_sub_dept":    &d.GroupContainSubDept,
		"group_contain_outer_dept":  &d.GroupContainOuterDept,
		"group_contain_hidden_dept": &d.GroupContainHiddenDept,
	} {
		if !p.has(key) {
			continue
		}
		flag, ok := p.flag(key)
		if !ok {
			return missing(40035, key)
		}
		*at = flag
	}
	return applyPermits(p, d)
}

// applyPermits reads who may see a hidden department and what its members see.
func applyPermits(p params, d *Department) *Refusal {
	for key, at := range map[string]*[]int64{"dept_permits": &d.DeptPermits, "outer_permit_depts": &d.OuterDepts} {
		if p.has(key) {
			ids, ok := p.numbers(key)
			if !ok {
				return refuse(60109)
			}
			*at = ids
		}
	}
	for key, at := range map[string]*[]string{"user_permits": &d.UserPermits, "outer_permit_users": &d.OuterPeople} {
		if p.has(key) {
			*at = p.texts(key)
		}
	}
	return nil
}

// applyDepartmentUpdate writes the fields that only update has. An empty list of managers clears them only together
// with force_update_fields.
func applyDepartmentUpdate(p params, d *Department) *Refusal {
	if p.has("code") {
		d.Code = p.text("code")
	}
	if p.has("org_dept_owner") {
		d.OrgDeptOwner = p.text("org_dept_owner")
	}
	managers := p.texts("dept_manager_userid_list")
	if len(managers) > 0 || slices.Contains(p.texts("force_update_fields"), "dept_manager_userid_list") {
		d.Managers = managers
	}
	return nil
}

// getDepartment is /topapi/v2/department/get (查询部门详情).
func (s *Server) getDepartment(c *call) (any, *Refusal) {
	u, no := s.visibleUnit(c, 400002)
	if no != nil {
		return nil, no
	}
	out := s.departmentFields(u)
	out["member_count"], out["owning_member_count"] = s.headcount(u.ID), len(s.dir.members[u.ID])
	return out, nil
}

func (s *Server) departmentFields(u *unit) map[string]any {
	out := map[string]any{
		"dept_id": u.ID, "name": u.Name, "order": u.Order, "create_dept_group": u.CreateDeptGroup,
		"auto_add_user": u.AutoAddUser, "auto_approve_apply": u.AutoApproveApply, "hide_dept": u.HideDept,
		"outer_dept": u.OuterDept, "group_contain_sub_dept": u.GroupContainSubDept,
		"dept_manager_userid_list": nonNil(u.Managers), "dept_permits": nonNil(u.DeptPermits),
		"user_permits": nonNil(u.UserPermits), "outer_permit_depts": nonNil(u.OuterDepts),
		"outer_permit_users": nonNil(u.OuterPeople),
	}
	if u.ID != rootID {
		out["parent_id"] = u.ParentID
	}
	for key, value := range map[string]string{
		"source_identifier": u.SourceIdentifier, "code": u.Code, "org_dept_owner": u.OrgDeptOwner, "brief": u.Brief,
		"telephone": u.Telephone, "extention": u.Extension,
	} {
		setIf(out, key, value)
	}
	return out
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// headcount is the number of people in a subtree, each counted once.
func (s *Server) headcount(id int64) int {
	tree := s.dir.subtree(id)
	if len(tree) == 1 {
		return len(s.dir.members[id])
	}
	seen := map[string]struct{}{}
	for _, dept := range tree {
		for _, m := range s.dir.members[dept] {
			seen[m.id] = struct{}{}
		}
	}
	return len(seen)
}

// listSub is /topapi/v2/department/listsub (获取部门列表): direct children, no paging.
func (s *Server) listSub(c *call) (any, *Refusal) {
	if c.params.text("dept_id") == "" {
		c.params["dept_id"] = "1"
	}
	u, no := s.visibleUnit(c, 400002)
	if no != nil {
		return nil, no
	}
	list := []any{}
	for _, child := range s.dir.childrenOf(u.ID, c.horizon) {
		if !s.departmentInScope(child.ID) {
			continue
		}
		item := map[string]any{
			"dept_id": child.ID, "name": child.Name, "parent_id": child.ParentID,
			"create_dept_group": child.CreateDeptGroup, "auto_add_user": child.AutoAddUser,
		}
		setIf(item, "source_identifier", child.SourceIdentifier)
		list = append(list, item)
	}
	return list, nil
}

// listSubIDs is /topapi/v2/department/listsubid (获取子部门ID列表); the app's scope does not limit it.
func (s *Server) listSubIDs(c *call) (any, *Refusal) {
	u, no := s.knownUnit(c, 400002)
	if no != nil {
		return nil, no
	}
	ids := []int64{}
	for _, child := range s.dir.childrenOf(u.ID, c.horizon) {
		ids = append(ids, child.ID)
	}
	return map[string]any{"dept_id_list": ids}, nil
}

// listParents is /topapi/v2/department/listparentbydept (获取指定部门的所有父部门列表).
func (s *Server) listParents(c *call) (any, *Refusal) {
	u, no := s.visibleUnit(c, 400002)
	if no != nil {
		return nil, no
	}
	return map[string]any{"parent_id_list": s.visiblePath(u, c)}, nil
}

// listParentsOfUser is /topapi/v2/department/listparentbyuser (获取指定用户的所有父部门列表).
func (s *Server) listParentsOfUser(c *call) (any, *Refusal) {
	p, no := s.visibleUser(c, c.params.text("userid"))
	if no != nil {
		return nil, no
	}
	list := []any{}
	for _, id := range p.Departments {
		if u := s.dir.unit(id, c.horizon); u != nil {
			list = append(list, map[string]any{"parent_dept_id_list": s.visiblePath(u, c)})
		}
	}
	return map[string]any{"parent_list": list}, nil
}

// visiblePath is a department and its ancestors as this read shows them.
func (s *Server) visiblePath(u *unit, c *call) []int64 {
	path := []int64{u.ID}
	for u.ID != rootID && len(path) <= len(s.dir.units) {
		if u = s.dir.unit(u.ParentID, c.horizon); u == nil {
			break
		}
		path = append(path, u.ID)
	}
	return path
}

// searchDepartments is POST /v1.0/contact/departments/search (搜索部门ID).
func (s *Server) searchDepartments(c *call) (any, *Refusal) {
	return searchPage(c, func(word string) []any {
		found := []int64{}
		for id, u := range s.dir.units {
			if strings.Contains(u.Name, word) {
				found = append(found, id)
			}
		}
		slices.Sort(found)
		out := make([]any, len(found))
		for i, id := range found {
			out[i] = id
		}
		return out
	})
}
