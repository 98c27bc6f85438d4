package dingtalktest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// RemoveUser removes a person as an administrator in the console would: user_leave_org and a leave record with the
// reason "delete". The error is a *Refusal with code 60121 when there is no such person.
func (s *Server) RemoveUser(userid string) error { return s.LeaveUser(userid, "delete") }

// LeaveUser removes a person for a reason of the leave records: oapi, cancel, leave (left by himself), delete or
// unknown (document 查询离职记录列表). The error is a *Refusal.
func (s *Server) LeaveUser(userid, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.dir.users[userid]
	if p == nil {
		return refuse(60121)
	}
	s.removePerson(p, reason, s.now())
	return nil
}

// removePerson takes a person out of the corp and everything that names him.
func (s *Server) removePerson(p *person, reason string, now time.Time) {
	for _, id := range p.Departments {
		s.setLeader(id, p.UserID, false, now)
	}
	for _, id := range slices.Clone(s.dir.rolesOf[p.UserID]) {
		s.dir.unassign(s.dir.roles[id], p.UserID)
	}
	if !s.knobs.KeepLostManagers {
		for _, id := range sortedKeys(s.dir.reports[p.UserID]) {
			report := s.dir.users[id]
			draft := report.clone()
			draft.ManagerUserID = ""
			s.storeUser(draft, report, now)
		}
	}
	p = s.dir.users[p.UserID]
	s.dir.dropUser(p, now, s.knobs.StaleReads)
	s.leaveGroups(p.UserID)
	s.dir.leavers = append(s.dir.leavers, leaver{user: p.clone(), at: now, reason: reason})
	if key := p.mobileKey(); key != "" {
		s.dir.removedAt[key] = now
	}
	s.emit("user_leave_org", map[string]any{"timeStamp": millis(now), "userId": []string{p.UserID}})
}

// Activate marks a person as signed in and emits user_active_org. The error is a *Refusal.
func (s *Server) Activate(userid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.dir.users[userid]
	if p == nil {
		return refuse(60121)
	}
	if p.Active {
		return nil
	}
	s.activate(p, s.now())
	return nil
}

func (s *Server) activate(p *person, now time.Time) {
	next := &person{User: p.clone()}
	next.Active = true
	s.dir.putUser(next, now, s.knobs.StaleReads)
	s.emit("user_active_org", map[string]any{"userId": []string{p.UserID}})
}

// User returns a member as he is now, whatever StaleReads shows to the API.
func (s *Server) User(userid string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.dir.users[userid]
	if p == nil {
		return User{}, false
	}
	return s.whole(p), true
}

// Users returns all members in the order of joining.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listPersons(s.dir.users)
}

// Pending returns the people who were invited and have not accepted (errcode 40103).
func (s *Server) Pending() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listPersons(s.dir.pending)
}

func (s *Server) listPersons(from map[string]*person) []User {
	persons := make([]*person, 0, len(from))
	for _, p := range from {
		persons = append(persons, p)
	}
	slices.SortFunc(persons, func(a, b *person) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), strings.Compare(a.UserID, b.UserID))
	})
	out := make([]User, len(persons))
	for i, p := range persons {
		out[i] = s.whole(p)
	}
	return out
}

// AcceptInvitation makes an invited person a member: user_add_org, then user_active_org. The error is a *Refusal:
// 60121 when nobody of this userid is pending, or whatever meanwhile stands in the way.
func (s *Server) AcceptInvitation(userid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	invited := s.dir.pending[userid]
	if invited == nil {
		return refuse(60121)
	}
	u := invited.clone()
	if no := s.checkUser(&u, nil); no != nil {
		return no
	}
	now := s.now()
	s.activate(s.admitUser(u, now), now)
	return nil
}

// whole is a person with what is stored elsewhere: roles, and the departments he manages.
func (s *Server) whole(p *person) User {
	u := p.clone()
	u.LeaderIn, u.Roles = nil, nil
	for _, id := range u.Departments {
		if unit := s.dir.units[id]; unit != nil && slices.Contains(unit.Managers, u.UserID) {
			u.LeaderIn = append(u.LeaderIn, id)
		}
	}
	u.Roles = slices.Clone(s.dir.rolesOf[u.UserID])
	return u
}

func sortedKeys(set map[string]struct{}) []string {
	out := make([]string, 0, len(set))
	for key := range set {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
