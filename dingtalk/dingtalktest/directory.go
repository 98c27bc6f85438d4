package dingtalktest

import (
	"cmp"
	"slices"
	"time"
)

// rootID is the root department.
const rootID int64 = 1

// person is one version of one member. Versions are never changed, only replaced.
type person struct {
	User
	seq              int64 // order of joining
	joined, modified time.Time
}

// unit is one version of one department.
type unit struct {
	Department
	seq int64
}

// member is a person's place in one department: bigger order first, then order of joining.
type member struct {
	order, seq int64
	id         string
}

func compareMembers(a, b member) int {
	if c := cmp.Compare(b.order, a.order); c != 0 {
		return c
	}
	return cmp.Compare(a.seq, b.seq)
}

// version is what an object was until some time; rec is nil when it did not exist.
type version[T any] struct {
	until time.Time
	rec   *T
}

// leaver is a line of the leave records.
type leaver struct {
	user   User
	at     time.Time
	reason string
}

// directory is the contacts of the corp with its indexes. Its methods need the server's lock.
type directory struct {
	users    map[string]*person
	units    map[int64]*unit
	members  map[int64][]member
	children map[int64]map[int64]struct{}
	siblings map[sibling]int64
	groups   map[int64]*roleGroup
	roles    map[int64]*role
	rolesOf  map[string][]int64 // by userid, in the order of assignment

	byMobile, byEmail, byTelephone, byUnion, byLogin map[string]string
	reports                                          map[string]map[string]struct{}

	pending   map[string]*person // invited, not yet in the corp, by userid
	leavers   []leaver
	removedAt map[string]time.Time // when a mobile last left

	pastUsers map[string][]version[person]
	pastUnits map[int64][]version[unit]

	seq, lastUnit, lastRole int64
}

// sibling is a department's name below its parent; it is unique (errcode 60021).
type sibling struct {
	parent int64
	name   string
}

func newDirectory(name string, now time.Time) *directory {
	d := &directory{
		users: map[string]*person{}, units: map[int64]*unit{}, members: map[int64][]member{},
		children: map[int64]map[int64]struct{}{}, siblings: map[sibling]int64{},
		groups: map[int64]*roleGroup{}, roles: map[int64]*role{}, rolesOf: map[string][]int64{},
		byMobile: map[string]string{}, byEmail: map[string]string{}, byTelephone: map[string]string{},
		byUnion: map[string]string{}, byLogin: map[string]string{}, reports: map[string]map[string]struct{}{},
		pending: map[string]*person{}, removedAt: map[string]time.Time{},
		pastUsers: map[string][]version[person]{}, pastUnits: map[int64][]version[unit]{},
		lastUnit: 432825000, lastRole: 1688607300,
	}
	d.putUnit(&unit{Department: Department{ID: rootID, Name: name}}, now, 0)
	d.addDefaultRoles()
	return d
}

// putUser adds or replaces a person; old versions stay readable for lag.
func (d *directory) putUser(p *person, now time.Time, lag time.Duration) {
	old := d.users[p.UserID]
	if old != nil {
		d.unindex(old, p)
		p.seq, p.joined = old.seq, old.joined
	} else {
		d.seq++
		p.seq, p.joined = d.seq, now
	}
	p.modified = now
	keep(d.pastUsers, p.UserID, old, now, lag)
	d.users[p.UserID] = p
	d.index(p, old)
}

// dropUser removes a person.
func (d *directory) dropUser(p *person, now time.Time, lag time.Duration) {
	d.unindex(p, nil)
	keep(d.pastUsers, p.UserID, p, now, lag)
	delete(d.users, p.UserID)
}

// index enters p wherever it differs from old.
func (d *directory) index(p, old *person) {
	for _, id := range p.Departments {
		m := member{order: p.DeptOrder[id], seq: p.seq, id: p.UserID}
		if old != nil && sameMember(old, id, m) {
			continue
		}
		list := d.members[id]
		at, _ := slices.BinarySearchFunc(list, m, compareMembers)
		d.members[id] = slices.Insert(list, at, m)
	}
	enter(d.byMobile, p.mobileKey(), p.UserID)
	enter(d.byEmail, p.Email, p.UserID)
	enter(d.byTelephone, p.Telephone, p.UserID)
	enter(d.byUnion, p.UnionID, p.UserID)
	enter(d.byLogin, p.LoginID, p.UserID)
	if p.ManagerUserID != "" {
		if d.reports[p.ManagerUserID] == nil {
			d.reports[p.ManagerUserID] = map[string]struct{}{}
		}
		d.reports[p.ManagerUserID][p.UserID] = struct{}{}
	}
}

// unindex removes p from the indexes, except for memberships that next keeps.
func (d *directory) unindex(p, next *person) {
	for _, id := range p.Departments {
		m := member{order: p.DeptOrder[id], seq: p.seq, id: p.UserID}
		if next != nil && sameMember(next, id, m) {
			continue
		}
		list := d.members[id]
		if at, ok := slices.BinarySearchFunc(list, m, compareMembers); ok {
			d.members[id] = slices.Delete(list, at, at+1)
		}
	}
	delete(d.byMobile, p.mobileKey())
	delete(d.byEmail, p.Email)
	delete(d.byTelephone, p.Telephone)
	delete(d.byUnion, p.UnionID)
	delete(d.byLogin, p.LoginID)
	delete(d.reports[p.ManagerUserID], p.UserID)
	if len(d.reports[p.ManagerUserID]) == 0 {
		delete(d.reports, p.ManagerUserID)
	}
}

// sameMember tells whether p has the place m in department id.
func sameMember(p *person, id int64, m member) bool {
	return slices.Contains(p.Departments, id) && p.DeptOrder[id] == m.order
}

func enter(index map[string]string, key, id string) {
	if key != "" {
		index[key] = id
	}
}

// putUnit adds or replaces a department.
func (d *directory) putUnit(u *unit, now time.Time, lag time.Duration) {
	old := d.units[u.ID]
	if old != nil {
		u.seq = old.seq
		delete(d.siblings, sibling{old.ParentID, old.Name})
		delete(d.children[old.ParentID], u.ID)
	} else {
		d.seq++
		u.seq = d.seq
	}
	keep(d.pastUnits, u.ID, old, now, lag)
	d.units[u.ID] = u
	if u.ID == rootID {
		return
	}
	d.siblings[sibling{u.ParentID, u.Name}] = u.ID
	if d.children[u.ParentID] == nil {
		d.children[u.ParentID] = map[int64]struct{}{}
	}
	d.children[u.ParentID][u.ID] = struct{}{}
}

// dropUnit removes a department without members and sub-departments.
func (d *directory) dropUnit(u *unit, now time.Time, lag time.Duration) {
	keep(d.pastUnits, u.ID, u, now, lag)
	delete(d.siblings, sibling{u.ParentID, u.Name})
	delete(d.children[u.ParentID], u.ID)
	delete(d.children, u.ID)
	delete(d.members, u.ID)
	delete(d.units, u.ID)
}

// keep remembers the version that ends now, and forgets those that nobody can see any more.
func keep[K comparable, T any](past map[K][]version[T], id K, old *T, now time.Time, lag time.Duration) {
	horizon := now.Add(-lag)
	stale := func(v version[T]) bool { return !v.until.After(horizon) }
	if len(past) > 4096 {
		for other, versions := range past {
			if versions = slices.DeleteFunc(versions, stale); len(versions) == 0 {
				delete(past, other)
			} else {
				past[other] = versions
			}
		}
	}
	versions := slices.DeleteFunc(past[id], stale)
	if lag > 0 {
		versions = append(versions, version[T]{until: now, rec: old})
	}
	if len(versions) == 0 {
		delete(past, id)
		return
	}
	past[id] = versions
}

// at is the version of an object that a read at the horizon shows.
func at[K comparable, T any](now map[K]*T, past map[K][]version[T], id K, horizon time.Time) *T {
	for _, v := range past[id] {
		if v.until.After(horizon) {
			return v.rec
		}
	}
	return now[id]
}

// user is the person as a read at the horizon shows it, nil when not there.
func (d *directory) user(id string, horizon time.Time) *person {
	return at(d.users, d.pastUsers, id, horizon)
}

// unit is the department as a read at the horizon shows it, nil when not there.
func (d *directory) unit(id int64, horizon time.Time) *unit {
	return at(d.units, d.pastUnits, id, horizon)
}

// membersOf lists the direct members of a department in their order, as a read at the horizon shows them.
func (d *directory) membersOf(id int64, horizon time.Time) []member {
	list := d.members[id]
	if len(d.pastUsers) == 0 {
		return list
	}
	out := make([]member, 0, len(list))
	for _, m := range list {
		if _, moved := d.pastUsers[m.id]; !moved {
			out = append(out, m)
		}
	}
	for userid := range d.pastUsers {
		if p := d.user(userid, horizon); p != nil && slices.Contains(p.Departments, id) {
			out = append(out, member{order: p.DeptOrder[id], seq: p.seq, id: userid})
		}
	}
	slices.SortFunc(out, compareMembers)
	return out
}

// childrenOf lists the direct sub-departments: small order first, then order of creation.
func (d *directory) childrenOf(id int64, horizon time.Time) []*unit {
	var out []*unit
	for child := range d.children[id] {
		if _, moved := d.pastUnits[child]; !moved {
			out = append(out, d.units[child])
		}
	}
	for child := range d.pastUnits {
		if u := d.unit(child, horizon); u != nil && u.ParentID == id && u.ID != rootID {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *unit) int {
		if c := cmp.Compare(a.Order, b.Order); c != 0 {
			return c
		}
		return cmp.Compare(a.seq, b.seq)
	})
	return out
}

// pathOf is the department and its ancestors up to the root.
func (d *directory) pathOf(id int64) []int64 {
	var path []int64
	for u := d.units[id]; u != nil; u = d.units[u.ParentID] {
		path = append(path, u.ID)
		if u.ID == rootID {
			break
		}
	}
	return path
}

// subtree is the department and everything below it, parents before children.
func (d *directory) subtree(id int64) []int64 {
	ids := []int64{id}
	for i := 0; i < len(ids); i++ {
		children := make([]int64, 0, len(d.children[ids[i]]))
		for child := range d.children[ids[i]] {
			children = append(children, child)
		}
		slices.Sort(children)
		ids = append(ids, children...)
	}
	return ids
}
