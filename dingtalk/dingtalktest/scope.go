package dingtalktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// scope is the app's contacts scope (通讯录权限范围).
type scope struct {
	departments map[int64]bool
	users       map[string]bool
}

// Scope sets the departments the app may see, each with everything below it; 1 is the whole corp, none at all
// leaves only the people of ScopeUsers. Outside it, calls are refused with 50002 and 50004, lists leave things out,
// and listid and listsubid are not limited (documents 获取部门用户userid列表, 获取子部门ID列表). GET /auth/scopes tells.
func (s *Server) Scope(departments ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scope.departments = map[int64]bool{}
	for _, id := range departments {
		s.scope.departments[id] = true
	}
}

// ScopeUsers sets the people the app may see beside those of the departments of Scope.
func (s *Server) ScopeUsers(userids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scope.users = map[string]bool{}
	for _, id := range userids {
		s.scope.users[id] = true
	}
}

func (s *Server) departmentInScope(id int64) bool {
	if s.scope.departments[rootID] {
		return true
	}
	return slices.ContainsFunc(s.dir.pathOf(id), func(id int64) bool { return s.scope.departments[id] })
}

func (s *Server) personInScope(p *person) bool {
	return s.scope.users[p.UserID] || slices.ContainsFunc(p.Departments, s.departmentInScope)
}

// departmentsInScope refuses a membership the app may not give. Unknown departments are found by later checks.
func (s *Server) departmentsInScope(ids []int64) *Refusal {
	for _, id := range ids {
		if s.dir.units[id] != nil && !s.departmentInScope(id) {
			return refuse(50004)
		}
	}
	return nil
}

// authScopes is GET /auth/scopes (获取通讯录权限范围).
func (s *Server) authScopes(*call) (any, *Refusal) {
	departments, users := []int64{}, []string{}
	for id := range s.scope.departments {
		departments = append(departments, id)
	}
	for id := range s.scope.users {
		users = append(users, id)
	}
	slices.Sort(departments)
	slices.Sort(users)
	fields := []string{"name"}
	if s.knobs.MobilePermission {
		fields = append(fields, "mobile")
	}
	if s.knobs.PersonalInfoPermission {
		fields = append(fields, "email")
	}
	return topLevel{
		"auth_user_field": fields, "condition_field": []string{},
		"auth_org_scopes": map[string]any{"authed_user": users, "authed_dept": departments},
	}, nil
}

// leaveRecords is GET /v1.0/contact/empLeaveRecords (查询离职记录列表).
func (s *Server) leaveRecords(c *call) (any, *Refusal) {
	bad := func(name string) *Refusal {
		return v1Refusal(http.StatusBadRequest, "invalidParameter.param.invalid", "参数错误:"+name)
	}
	start, err := time.Parse(time.RFC3339, c.params.text("startTime"))
	if err != nil {
		return nil, bad("startTime")
	}
	end := c.now
	if text := c.params.text("endTime"); text != "" {
		if end, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, bad("endTime")
		}
	}
	if end.Before(start) || end.Sub(start) > 365*24*time.Hour {
		return nil, bad("endTime")
	}
	size, ok := c.params.number("maxResults")
	if !ok || size < 1 || size > 50 {
		return nil, bad("maxResults")
	}
	from := int64(0)
	if text := c.params.text("nextToken"); text != "" {
		if from, ok = c.params.number("nextToken"); !ok || from < 0 {
			return nil, bad("nextToken")
		}
	}
	return s.leavePage(start, end, from, size), nil
}

func (s *Server) leavePage(start, end time.Time, from, size int64) map[string]any {
	records, more := []any{}, false
	i := from
	for ; i < int64(len(s.dir.leavers)); i++ {
		l := s.dir.leavers[i]
		if l.at.Before(start) || l.at.After(end) {
			continue
		}
		if more = int64(len(records)) == size; more {
			break
		}
		record := map[string]any{
			"userId": l.user.UserID, "name": l.user.Name, "leaveReason": l.reason,
			"leaveTime": l.at.UTC().Format(time.RFC3339),
		}
		if s.knobs.MobilePermission && l.user.Mobile != "" {
			record["mobile"], record["stateCode"] = l.user.Mobile, l.user.StateCode
		}
		records = append(records, record)
	}
	out := map[string]any{"records": records}
	if more {
		out["nextToken"] = strconv.FormatInt(i, 10)
	}
	return out
}
