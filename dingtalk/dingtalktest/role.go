package dingtalktest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Role is a role (角色) of the contacts.
type Role struct {
	ID, GroupID int64
	Name, Group string
	Members     []string // userids in the order of assignment
}

type roleGroup struct {
	ID   int64
	Name string
}

type role struct {
	ID, GroupID int64
	Name        string
	members     []string
	scopes      map[string][]int64 // departments a member manages; absent means all
}

// defaultGroup holds the roles that DingTalk makes; they cannot be changed.
const defaultGroup = "默认"

func (d *directory) addDefaultRoles() {
	group := d.addGroup(defaultGroup)
	for _, name := range []string{"负责人", "主管", "主管理员", "子管理员"} {
		d.addRole(group, name)
	}
}

func (d *directory) addGroup(name string) int64 {
	d.lastRole++
	d.groups[d.lastRole] = &roleGroup{ID: d.lastRole, Name: name}
	return d.lastRole
}

func (d *directory) addRole(group int64, name string) int64 {
	d.lastRole++
	d.roles[d.lastRole] = &role{ID: d.lastRole, GroupID: group, Name: name, scopes: map[string][]int64{}}
	return d.lastRole
}

func (d *directory) isDefault(r *role) bool { return d.groups[r.GroupID].Name == defaultGroup }

// rolesIn lists a group's roles by id.
func (d *directory) rolesIn(group int64) []*role {
	var out []*role
	for _, r := range d.roles {
		if r.GroupID == group {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *role) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// assign gives a role; false means that the person had it.
func (d *directory) assign(r *role, userid string) bool {
	if slices.Contains(d.rolesOf[userid], r.ID) {
		return false
	}
	r.members = append(r.members, userid)
	d.rolesOf[userid] = append(d.rolesOf[userid], r.ID)
	return true
}

// unassign takes a role; false means that the person had it not.
func (d *directory) unassign(r *role, userid string) bool {
	at := slices.Index(d.rolesOf[userid], r.ID)
	if at < 0 {
		return false
	}
	d.rolesOf[userid] = slices.Delete(d.rolesOf[userid], at, at+1)
	if len(d.rolesOf[userid]) == 0 {
		delete(d.rolesOf, userid)
	}
	r.members = slices.DeleteFunc(r.members, func(id string) bool { return id == userid })
	delete(r.scopes, userid)
	return true
}

// makeGroup adds a role group; the code of a name that is taken or empty is inferred, not documented.
func (s *Server) makeGroup(name string) (int64, *Refusal) {
	if strings.TrimSpace(name) == "" {
		return 0, refuse(34021)
	}
	for _, g := range s.dir.groups {
		if g.Name == name {
			return 0, refuse(34020)
		}
	}
	id := s.dir.addGroup(name)
	s.emit("label_conf_add", map[string]any{"scope": "1", "labelIdList": []int64{id}})
	return id, nil
}

func (s *Server) makeRole(group int64, name string) (int64, *Refusal) {
	if s.dir.groups[group] == nil {
		return 0, refuse(34018)
	}
	if no := s.checkRoleName(group, name); no != nil {
		return 0, no
	}
	id := s.dir.addRole(group, name)
	s.emit("label_conf_add", map[string]any{"scope": "1", "labelIdList": []int64{id}})
	return id, nil
}

func (s *Server) checkRoleName(group int64, name string) *Refusal {
	if strings.TrimSpace(name) == "" {
		return refuse(34021)
	}
	if slices.ContainsFunc(s.dir.rolesIn(group), func(r *role) bool { return r.Name == name }) {
		return refuse(34020)
	}
	return nil
}

func (s *Server) renameRole(id int64, name string) *Refusal {
	r := s.dir.roles[id]
	if r == nil {
		return refuse(33011)
	}
	if s.dir.isDefault(r) {
		return refuse(660000)
	}
	if r.Name == name {
		return nil
	}
	if no := s.checkRoleName(r.GroupID, name); no != nil {
		return no
	}
	before := s.label(r)
	r.Name = name
	s.emit("label_conf_modify", map[string]any{
		"preLabelList": []string{before}, "postLabelList": []string{s.label(r)}, "scope": "1", "labelIdList": []int64{id},
	})
	return nil
}

// label is a role as label_conf_modify prints it: JSON as text.
func (s *Server) label(r *role) string {
	text, err := json.Marshal(map[string]any{
		"id": r.ID, "name": r.Name, "parentId": r.GroupID, "level": 2, "scope": 1, "hidden": false, "deleted": false,
		"color": 0, "extraInfo": "",
	})
	if err != nil {
		return fmt.Sprintf(`{"id":%d}`, r.ID)
	}
	return string(text)
}

func (s *Server) removeRole(id int64) *Refusal {
	r := s.dir.roles[id]
	if r == nil {
		return refuse(33011)
	}
	if s.dir.isDefault(r) {
		return refuse(660000)
	}
	if len(r.members) > 0 {
		return refuse(23004)
	}
	delete(s.dir.roles, id)
	s.emit("label_conf_del", map[string]any{"labelIdList": []int64{id}})
	return nil
}

// changeRole assigns or takes roles; everybody and every role must exist.
func (s *Server) changeRole(roleIDs []int64, userids []string, assign bool) *Refusal {
	for _, id := range roleIDs {
		if s.dir.roles[id] == nil {
			return refuse(33011)
		}
	}
	for _, id := range userids {
		if s.dir.users[id] == nil {
			return refuse(33012)
		}
	}
	change, action := s.dir.assign, "add"
	if !assign {
		change, action = s.dir.unassign, "remove"
	}
	for _, id := range roleIDs {
		var changed []string
		for _, userid := range userids {
			if change(s.dir.roles[id], userid) {
				changed = append(changed, userid)
			}
		}
		if len(changed) > 0 {
			s.emit("label_user_change", map[string]any{"userIdList": changed, "action": action, "labelIdList": []int64{id}})
		}
	}
	return nil
}

// AddRoleGroup adds a role group as an administrator would; 0 where DingTalk would refuse.
func (s *Server) AddRoleGroup(name string) (id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ = s.makeGroup(name)
	return id
}

// AddRole adds a role as an administrator would and emits label_conf_add; 0 where DingTalk would refuse.
func (s *Server) AddRole(groupID int64, name string) (id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ = s.makeRole(groupID, name)
	return id
}

// RenameRole renames a role and emits label_conf_modify. The error is a *Refusal.
func (s *Server) RenameRole(id int64, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.renameRole(id, name))
}

// RemoveRole removes a role that nobody has and emits label_conf_del. The error is a *Refusal.
func (s *Server) RemoveRole(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.removeRole(id))
}

// AssignRole gives a role to people and emits label_user_change. The error is a *Refusal.
func (s *Server) AssignRole(roleID int64, userids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.changeRole([]int64{roleID}, userids, true))
}

// UnassignRole takes a role from people and emits label_user_change. The error is a *Refusal.
func (s *Server) UnassignRole(roleID int64, userids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.changeRole([]int64{roleID}, userids, false))
}

// Roles returns all roles, those of the default group included, by id.
func (s *Server) Roles() []Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Role, 0, len(s.dir.roles))
	for _, r := range s.dir.roles {
		out = append(out, Role{
			ID: r.ID, GroupID: r.GroupID, Name: r.Name, Group: s.dir.groups[r.GroupID].Name, Members: slices.Clone(r.members),
		})
	}
	slices.SortFunc(out, func(a, b Role) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// asError keeps a nil refusal from becoming an error that is not nil.
func asError(no *Refusal) error {
	if no == nil {
		return nil
	}
	return no
}
