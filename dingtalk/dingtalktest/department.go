package dingtalktest

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Department is a department, in the vocabulary of the document 查询部门详情.
type Department struct {
	ID, ParentID             int64
	Name, SourceIdentifier   string
	Managers                 []string // dept_manager_userid_list; members of the department
	Order                    int64    // small first
	Code                     string   // 部门编码
	Brief, Telephone         string
	Extension, OrgDeptOwner  string
	HideDept, OuterDept      bool
	OuterDeptOnlySelf        bool
	CreateDeptGroup          bool
	AutoAddUser              bool
	AutoApproveApply         bool
	GroupContainSubDept      bool
	GroupContainOuterDept    bool
	GroupContainHiddenDept   bool
	DeptPermits, OuterDepts  []int64
	UserPermits, OuterPeople []string
}

func (d Department) clone() Department {
	d.Managers = slices.Clone(d.Managers)
	d.DeptPermits, d.OuterDepts = slices.Clone(d.DeptPermits), slices.Clone(d.OuterDepts)
	d.UserPermits, d.OuterPeople = slices.Clone(d.UserPermits), slices.Clone(d.OuterPeople)
	return d
}

// sameDepartment compares everything that is stored with a department.
func sameDepartment(a, b *Department) bool {
	lists := slices.Equal(a.Managers, b.Managers) && slices.Equal(a.DeptPermits, b.DeptPermits) &&
		slices.Equal(a.OuterDepts, b.OuterDepts) && slices.Equal(a.UserPermits, b.UserPermits) &&
		slices.Equal(a.OuterPeople, b.OuterPeople)
	scalars := func(d *Department) []any {
		return []any{
			d.ID, d.ParentID, d.Name, d.SourceIdentifier, d.Order, d.Code, d.Brief, d.Telephone, d.Extension,
			d.OrgDeptOwner, d.HideDept, d.OuterDept, d.OuterDeptOnlySelf, d.CreateDeptGroup, d.AutoAddUser,
			d.AutoApproveApply, d.GroupContainSubDept, d.GroupContainOuterDept, d.GroupContainHiddenDept,
		}
	}
	return lists && slices.Equal(scalars(a), scalars(b))
}

// TryAddDepartment adds a department as an administrator would and emits org_dept_create. Without ID one is made,
// without ParentID it stands below the root. The error is a *Refusal.
func (s *Server) TryAddDepartment(d Department) (id int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d = d.clone()
	if d.ParentID == 0 {
		d.ParentID = rootID
	}
	if d.ID != 0 && s.dir.units[d.ID] != nil {
		return 0, refuse(40009)
	}
	if no := s.checkDepartment(&d, nil); no != nil {
		return 0, no
	}
	return s.addUnit(d, s.now()), nil
}

// AddDepartment is TryAddDepartment for data known to be good; it returns 0 where DingTalk would refuse.
func (s *Server) AddDepartment(d Department) (id int64) {
	id, err := s.TryAddDepartment(d)
	if err != nil {
		return 0
	}
	return id
}

// addUnit stores a checked department and emits the event.
func (s *Server) addUnit(d Department, now time.Time) int64 {
	if d.ID == 0 {
		for s.dir.lastUnit++; s.dir.units[s.dir.lastUnit] != nil; s.dir.lastUnit++ {
			continue
		}
		d.ID = s.dir.lastUnit
	}
	s.dir.putUnit(&unit{Department: d}, now, s.knobs.StaleReads)
	s.emit("org_dept_create", map[string]any{"deptId": []int64{d.ID}})
	return d.ID
}

// EditDepartment changes a department as an administrator would and emits org_dept_modify when something changed. Of
// the root only the managers can change. The error is a *Refusal, and nothing was changed then.
func (s *Server) EditDepartment(id int64, edit func(*Department)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.dir.units[id]
	if old == nil {
		return refuse(60003)
	}
	draft := old.clone()
	edit(&draft)
	draft.ID = id
	if id == rootID && (draft.Name != old.Name || draft.ParentID != old.ParentID) {
		return refuse(60018)
	}
	if no := s.checkDepartment(&draft, old); no != nil {
		return no
	}
	s.storeUnit(draft, old, s.now())
	return nil
}

// storeUnit replaces a department by a checked draft and emits the event when something changed.
func (s *Server) storeUnit(draft Department, old *unit, now time.Time) {
	if sameDepartment(&draft, &old.Department) && !s.knobs.EventWithoutChange {
		return
	}
	s.dir.putUnit(&unit{Department: draft}, now, s.knobs.StaleReads)
	s.emit("org_dept_modify", map[string]any{"deptId": []int64{draft.ID}})
}

// setLeader makes a person manager of a department, or no longer.
func (s *Server) setLeader(id int64, userid string, leads bool, now time.Time) {
	old := s.dir.units[id]
	if old == nil || slices.Contains(old.Managers, userid) == leads {
		return
	}
	draft := old.clone()
	if leads {
		draft.Managers = append(draft.Managers, userid)
	} else {
		draft.Managers = slices.DeleteFunc(draft.Managers, func(id string) bool { return id == userid })
	}
	s.storeUnit(draft, old, now)
}

// leads tells whether a person manages a department.
func (s *Server) leads(userid string, id int64) bool {
	u := s.dir.units[id]
	return u != nil && slices.Contains(u.Managers, userid)
}

// RemoveDepartment removes a department as an administrator would and emits org_dept_remove. Without force it is
// refused like the API does (60005, 60006, 60007); with force its people leave the subtree first, to the root when
// they have no other department. The error is a *Refusal.
func (s *Server) RemoveDepartment(id int64, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir.units[id] == nil {
		return refuse(60003)
	}
	now := s.now()
	if force && id != rootID {
		s.evacuate(id, now)
	}
	if no := s.removeUnit(id, now, force); no != nil {
		return no
	}
	return nil
}

// evacuate takes everybody out of a subtree.
func (s *Server) evacuate(id int64, now time.Time) {
	tree := s.dir.subtree(id)
	for _, dept := range tree {
		for _, m := range slices.Clone(s.dir.members[dept]) {
			p := s.dir.users[m.id]
			draft := p.clone()
			draft.Departments = slices.DeleteFunc(draft.Departments, func(id int64) bool { return slices.Contains(tree, id) })
			if len(draft.Departments) == 0 {
				draft.Departments = []int64{rootID}
			}
			s.storeUser(draft, p, now)
		}
	}
}

// removeUnit removes a department and what the rules let go with it.
func (s *Server) removeUnit(id int64, now time.Time, withSubs bool) *Refusal {
	if id == rootID {
		return refuse(60007)
	}
	tree := s.dir.subtree(id)
	for _, dept := range tree {
		if len(s.dir.members[dept]) > 0 {
			return refuse(60005)
		}
	}
	if len(tree) > 1 && !withSubs && !s.knobs.SubtreeDelete {
		return refuse(60006)
	}
	slices.Reverse(tree)
	for _, dept := range tree {
		s.dir.dropUnit(s.dir.units[dept], now, s.knobs.StaleReads)
	}
	s.emit("org_dept_remove", map[string]any{"deptId": tree})
	return nil
}

// Department returns a department as it is now.
func (s *Server) Department(id int64) (Department, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.dir.units[id]
	if u == nil {
		return Department{}, false
	}
	return u.clone(), true
}

// Departments returns all departments, the root included, in the order of creation.
func (s *Server) Departments() []Department {
	s.mu.Lock()
	defer s.mu.Unlock()
	units := make([]*unit, 0, len(s.dir.units))
	for _, u := range s.dir.units {
		units = append(units, u)
	}
	slices.SortFunc(units, func(a, b *unit) int { return cmp.Compare(a.seq, b.seq) })
	out := make([]Department, len(units))
	for i, u := range units {
		out[i] = u.clone()
	}
	return out
}

// checkDepartment applies the rules that hold whoever changes a department (documents 创建部门, 更新部门, 全局错误码);
// old is nil for a new one.
func (s *Server) checkDepartment(d *Department, old *unit) *Refusal {
	if d.ID != rootID || old == nil {
		for _, rule := range []func(*Department, *unit) *Refusal{s.checkDepartmentName, s.checkPlace} {
			if no := rule(d, old); no != nil {
				return no
			}
		}
	}
	if utf8.RuneCountInString(d.Brief) > 255 || utf8.RuneCountInString(d.Telephone) > 50 || utf8.RuneCountInString(d.Code) > 30 {
		return refuse(40035)
	}
	if len(d.DeptPermits)+len(d.UserPermits) > 50 || len(d.OuterDepts)+len(d.OuterPeople) > 50 {
		return refuse(60109)
	}
	for _, userid := range d.Managers {
		if !s.isMember(userid, d.ID) {
			return refuse(40031)
		}
	}
	if d.OrgDeptOwner != "" && (old == nil || d.OrgDeptOwner != old.OrgDeptOwner) && !s.isMember(d.OrgDeptOwner, d.ID) {
		return refuse(40093)
	}
	return nil
}

func (s *Server) isMember(userid string, dept int64) bool {
	p := s.dir.users[userid]
	return p != nil && slices.Contains(p.Departments, dept)
}

func (s *Server) checkDepartmentName(d *Department, old *unit) *Refusal {
	n := utf8.RuneCountInString(d.Name)
	if strings.TrimSpace(d.Name) == "" || n > 64 || strings.ContainsAny(d.Name, "-,，") {
		return refuse(60001)
	}
	if no := s.checkSensitive(d.Name); no != nil {
		return no
	}
	if id, taken := s.dir.siblings[sibling{d.ParentID, d.Name}]; taken && (old == nil || id != old.ID) {
		return refuse(60021)
	}
	return nil
}

// checkPlace looks at a department's place in the tree.
func (s *Server) checkPlace(d *Department, old *unit) *Refusal {
	if s.dir.units[d.ParentID] == nil {
		return refuse(60004)
	}
	if old == nil && s.knobs.MaxDepartments > 0 && len(s.dir.units) > s.knobs.MaxDepartments {
		return refuse(60110)
	}
	path := s.dir.pathOf(d.ParentID)
	if old != nil && slices.Contains(path, old.ID) {
		return refuse(60010)
	}
	height := 1
	if old != nil {
		height = s.heightOf(old.ID)
	}
	if s.knobs.MaxDepth > 0 && len(path)-1+height > s.knobs.MaxDepth {
		return refuse(60002)
	}
	return nil
}

// heightOf is the number of levels of a subtree.
func (s *Server) heightOf(id int64) int {
	height := 0
	for child := range s.dir.children[id] {
		height = max(height, s.heightOf(child))
	}
	return height + 1
}
