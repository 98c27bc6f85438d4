package dingtalktest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// getUser is /topapi/v2/user/get (查询用户详情).
func (s *Server) getUser(c *call) (any, *Refusal) {
	id := c.params.text("userid")
	if login := c.params.text("login_id"); login != "" && s.dir.byLogin[login] != "" {
		id = s.dir.byLogin[login]
	}
	p, no := s.visibleUser(c, id)
	if no != nil {
		return nil, no
	}
	out := s.userFields(p)
	setIf(out, "manager_userid", p.ManagerUserID)
	orders, leads := []any{}, []any{}
	for _, dept := range p.Departments {
		orders = append(orders, map[string]any{"dept_id": dept, "order": p.DeptOrder[dept]})
		leads = append(leads, map[string]any{"dept_id": dept, "leader": s.leads(p.UserID, dept)})
	}
	out["dept_order_list"], out["leader_in_dept"] = orders, leads
	roles := []any{}
	for _, id := range s.dir.rolesOf[p.UserID] {
		r := s.dir.roles[id]
		roles = append(roles, map[string]any{"id": r.ID, "name": r.Name, "group_name": s.dir.groups[r.GroupID].Name})
	}
	if len(roles) > 0 {
		out["role_list"] = roles
	}
	return out, nil
}

// visibleUser finds a person as this read shows him.
func (s *Server) visibleUser(c *call, id string) (*person, *Refusal) {
	if id == "" {
		return nil, missing(400002, "userid")
	}
	p := s.dir.user(id, c.horizon)
	if p == nil {
		return nil, s.noSuchUser()
	}
	if !s.personInScope(p) {
		return nil, refuse(50002)
	}
	return p, nil
}

// userFields are the fields that get and list have in common. Which are absent when empty, and which need a
// permission, is as the document 查询用户详情 says.
func (s *Server) userFields(p *person) map[string]any {
	departments := p.Departments
	if s.knobs.DepartmentsReversed {
		departments = slices.Clone(departments)
		slices.Reverse(departments)
	}
	out := map[string]any{
		"userid": p.UserID, "unionid": p.UnionID, "name": p.Name,
		"hide_mobile": p.HideMobile, "dept_id_list": departments,
		"active": p.Active, "real_authed": p.RealAuthed, "senior": p.Senior, "admin": p.AdminLevel > 0, "boss": p.Boss,
		"exclusive_account": p.Exclusive != "",
	}
	s.setMaybe(out, "telephone", p.Telephone)
	s.setMaybe(out, "job_number", p.JobNumber)
	s.setMaybe(out, "title", p.Title)
	s.setMaybe(out, "avatar", p.Avatar)
	setIf(out, "org_email", p.OrgEmail)
	if p.HiredDate != 0 {
		out["hired_date"] = p.HiredDate
	}
	if !s.knobs.PositionsAbsent {
		out["dept_position_list"] = positionsOf(p)
	}
	if s.knobs.MobilePermission && p.Mobile != "" && !(p.Senior && s.knobs.SeniorHidesMobile) {
		out["mobile"], out["state_code"] = p.Mobile, p.StateCode
		if s.knobs.ForeignMobilePrefixed && p.StateCode != "86" {
			out["mobile"] = "+" + p.mobileKey()
		}
	}
	if s.knobs.PersonalInfoPermission {
		s.setMaybe(out, "email", p.Email)
		setIf(out, "work_place", p.WorkPlace)
		setIf(out, "remark", p.Remark)
		setIf(out, "extension", p.Extension)
	}
	if p.Exclusive != "" {
		out["exclusive_account_type"] = p.Exclusive
		setIf(out, "login_id", p.LoginID)
	}
	return out
}

// positionsOf is dept_position_list; exactly one element is the main department.
func positionsOf(p *person) []any {
	out := make([]any, 0, len(p.Departments))
	for _, id := range p.Departments {
		position := map[string]any{"dept_id": id, "is_main": id == p.MainDepartment}
		setIf(position, "title", p.DeptTitle[id])
		setIf(position, "work_place", p.DeptWorkPlace[id])
		out = append(out, position)
	}
	return out
}

func setIf(out map[string]any, key, value string) {
	if value != "" {
		out[key] = value
	}
}

// setMaybe sets a field of which the document does not say whether it is absent when empty.
func (s *Server) setMaybe(out map[string]any, key, value string) {
	if value != "" || !s.knobs.EmptyFieldsAbsent {
		out[key] = value
	}
}

// listUsers is /topapi/v2/user/list (获取部门用户详情): direct members, without manager_userid and roles.
func (s *Server) listUsers(c *call) (any, *Refusal) {
	return s.pageOfMembers(c, 40035, 40035, func(p *person, dept int64) map[string]any {
		out := s.userFields(p)
		out["dept_order"], out["leader"] = p.DeptOrder[dept], s.leads(p.UserID, dept)
		return out
	})
}

// listUsersSimple is /topapi/user/listsimple (获取部门用户基础信息).
func (s *Server) listUsersSimple(c *call) (any, *Refusal) {
	return s.pageOfMembers(c, 40069, 40068, func(p *person, _ int64) map[string]any {
		return map[string]any{"userid": p.UserID, "name": p.Name}
	})
}

// pageOfMembers serves one page of a department's direct members.
func (s *Server) pageOfMembers(c *call, badSize, badCursor int, show func(*person, int64) map[string]any) (any, *Refusal) {
	dept, no := s.visibleUnit(c, 40035)
	if no != nil {
		return nil, no
	}
	size, ok := c.params.number("size")
	if !ok || size < 1 || size > 100 {
		return nil, missing(badSize, "size")
	}
	cursor, ok := c.params.number("cursor")
	if !ok || cursor < 0 {
		return nil, missing(badCursor, "cursor")
	}
	members, no := s.orderedMembers(c, dept.ID)
	if no != nil {
		return nil, no
	}
	from := min(cursor, int64(len(members)))
	to := min(from+size, int64(len(members)))
	list := make([]any, 0, to-from)
	for _, m := range members[from:to] {
		list = append(list, show(s.dir.user(m.id, c.horizon), dept.ID))
	}
	out := map[string]any{"has_more": to < int64(len(members)), "list": list}
	if to < int64(len(members)) {
		out["next_cursor"] = to
	}
	return out, nil
}

// orderedMembers sorts a department's members as order_field wants.
func (s *Server) orderedMembers(c *call, dept int64) ([]member, *Refusal) {
	members := s.dir.membersOf(dept, c.horizon)
	var key func(*person) time.Time
	field := c.params.text("order_field")
	switch strings.TrimSuffix(strings.TrimSuffix(field, "_asc"), "_desc") {
	case "", "custom":
		return members, nil
	case "entry":
		key = func(p *person) time.Time { return p.joined }
	case "modify":
		key = func(p *person) time.Time { return p.modified }
	default:
		return nil, missing(40035, "order_field")
	}
	members = slices.Clone(members)
	slices.SortStableFunc(members, func(a, b member) int {
		order := key(s.dir.user(a.id, c.horizon)).Compare(key(s.dir.user(b.id, c.horizon)))
		if strings.HasSuffix(field, "_desc") {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.seq, b.seq))
	})
	return members, nil
}

// listUserIDs is /topapi/user/listid (获取部门用户userid列表); the app's scope does not limit it.
func (s *Server) listUserIDs(c *call) (any, *Refusal) {
	dept, no := s.knownUnit(c, 400002)
	if no != nil {
		return nil, no
	}
	ids := []string{}
	for _, m := range s.dir.membersOf(dept.ID, c.horizon) {
		ids = append(ids, m.id)
	}
	return map[string]any{"userid_list": ids}, nil
}

// getByMobile is /topapi/v2/user/getbymobile (根据手机号查询用户): activated members only.
func (s *Server) getByMobile(c *call) (any, *Refusal) {
	mobile := c.params.text("mobile")
	if mobile == "" {
		return nil, missing(400002, "mobile")
	}
	state, number, ok := splitMobile(mobile, false)
	if !ok {
		return nil, refuse(40104)
	}
	p := s.findVisible(c, func(p *person) bool { return p.StateCode == state && p.Mobile == number }, s.dir.byMobile[state+"-"+number])
	if p == nil || !p.Active {
		return nil, refuse(60121)
	}
	if !s.knobs.LookupIgnoresScope && !s.personInScope(p) {
		return nil, refuse(50002)
	}
	return map[string]any{"userid": p.UserID}, nil
}

// getByUnionID is /topapi/user/getbyunionid (根据unionid获取用户userid).
func (s *Server) getByUnionID(c *call) (any, *Refusal) {
	union := c.params.text("unionid")
	if union == "" {
		return nil, missing(400002, "unionid")
	}
	p := s.findVisible(c, func(p *person) bool { return p.UnionID == union }, s.dir.byUnion[union])
	if p == nil {
		return nil, refuse(60121)
	}
	if !s.knobs.LookupIgnoresScope && !s.personInScope(p) {
		return nil, refuse(50002)
	}
	return map[string]any{"userid": p.UserID, "contact_type": 0}, nil
}

// findVisible finds the person with a unique value as this read shows him: the value's present holder, or one who
// held it a moment ago.
func (s *Server) findVisible(c *call, has func(*person) bool, holder string) *person {
	if p := s.dir.user(holder, c.horizon); p != nil && has(p) {
		return p
	}
	for id := range s.dir.pastUsers {
		if p := s.dir.user(id, c.horizon); p != nil && has(p) {
			return p
		}
	}
	return nil
}

// countUsers is /topapi/user/count (获取员工人数).
func (s *Server) countUsers(c *call) (any, *Refusal) {
	onlyActive, ok := c.params.flag("only_active")
	if !ok {
		return nil, missing(400002, "only_active")
	}
	count := 0
	for id := range s.dir.users {
		if p := s.dir.user(id, c.horizon); p != nil && (p.Active || !onlyActive) {
			count++
		}
	}
	for id := range s.dir.pastUsers {
		if p := s.dir.user(id, c.horizon); s.dir.users[id] == nil && p != nil && (p.Active || !onlyActive) {
			count++
		}
	}
	return map[string]any{"count": count}, nil
}

// listAdmins is /topapi/user/listadmin (获取管理员列表).
func (s *Server) listAdmins(*call) (any, *Refusal) {
	list := []any{}
	for _, u := range s.listPersons(s.dir.users) {
		if u.AdminLevel > 0 {
			list = append(list, map[string]any{"userid": u.UserID, "sys_level": u.AdminLevel})
		}
	}
	return list, nil
}

// listInactive is /topapi/inactive/user/v2/get (获取未登录钉钉的员工列表). This server keeps no sign-ins by day: it
// answers with who is activated now.
func (s *Server) listInactive(c *call) (any, *Refusal) {
	active, ok := c.params.flag("is_active")
	if !ok {
		return nil, missing(400002, "is_active")
	}
	if _, err := time.ParseInLocation("20060102", c.params.text("query_date"), china); err != nil {
		return nil, missing(400002, "query_date")
	}
	offset, okOffset := c.params.number("offset")
	size, okSize := c.params.number("size")
	departments, okDepts := c.params.numbers("dept_ids")
	if !okOffset || !okSize || !okDepts || offset < 0 || size < 1 || size > 100 {
		return nil, missing(400002, "offset, size, dept_ids")
	}
	ids := []string{}
	for _, u := range s.listPersons(s.dir.users) {
		inside := len(departments) == 0 || slices.ContainsFunc(u.Departments, func(id int64) bool { return slices.Contains(departments, id) })
		if inside && u.Active == active {
			ids = append(ids, u.UserID)
		}
	}
	from := min(offset, int64(len(ids)))
	to := min(from+size, int64(len(ids)))
	out := map[string]any{"list": ids[from:to], "has_more": to < int64(len(ids))}
	if to < int64(len(ids)) {
		out["next_cursor"] = to
	}
	return out, nil
}

// searchUsers is POST /v1.0/contact/users/search (搜索用户userId).
func (s *Server) searchUsers(c *call) (any, *Refusal) {
	exact, _ := c.params.number("fullMatchField")
	return searchPage(c, func(word string) []any {
		found := []any{}
		for _, u := range s.listPersons(s.dir.users) {
			if u.Name == word || exact != 1 && strings.Contains(u.Name, word) {
				found = append(found, u.UserID)
			}
		}
		return found
	})
}

// searchPage serves one page of a name search of the new host.
func searchPage(c *call, find func(word string) []any) (any, *Refusal) {
	word := c.params.text("queryWord")
	offset, okOffset := c.params.number("offset")
	size, okSize := c.params.number("size")
	if word == "" || !okOffset || !okSize || offset < 0 || size < 1 || size > 100 {
		return nil, v1Refusal(http.StatusBadRequest, "invalidParameter.param.invalid", "queryWord, offset, size")
	}
	found := find(word)
	from := min(offset, int64(len(found)))
	to := min(from+size, int64(len(found)))
	return map[string]any{"hasMore": to < int64(len(found)), "totalCount": len(found), "list": found[from:to]}, nil
}
