package dingtalktest

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// userText is one text field of a person: its wire name, its longest value in characters, and the errcode of a
// longer one (documents 创建用户 and 全局错误码).
type userText struct {
	key  string
	max  int
	code int
	at   func(*User) *string
}

var userTexts = []userText{
	{"name", 80, 60112, func(u *User) *string { return &u.Name }},
	{"telephone", 50, 40063, func(u *User) *string { return &u.Telephone }},
	{"job_number", 50, 60123, func(u *User) *string { return &u.JobNumber }},
	{"title", 200, 60119, func(u *User) *string { return &u.Title }},
	{"email", 50, 60105, func(u *User) *string { return &u.Email }},
	{"org_email", 100, 60105, func(u *User) *string { return &u.OrgEmail }},
	{"work_place", 100, 40064, func(u *User) *string { return &u.WorkPlace }},
	{"remark", 2000, 40065, func(u *User) *string { return &u.Remark }},
	{"manager_userid", 64, 60128, func(u *User) *string { return &u.ManagerUserID }},
}

// maxExtension bounds the custom fields' JSON text.
const maxExtension = 2000

// checkUser applies the rules that hold whoever changes a person; old is nil for a new one.
func (s *Server) checkUser(u *User, old *person) *Refusal {
	for _, rule := range []func(*User, *person) *Refusal{
		s.checkIdentity, s.checkTexts, s.checkMobile, s.checkUnique, s.checkDepartments, s.checkManager,
	} {
		if no := rule(u, old); no != nil {
			return no
		}
	}
	return nil
}

func (s *Server) checkIdentity(u *User, old *person) *Refusal {
	if utf8.RuneCountInString(u.UserID) > 64 || strings.TrimSpace(u.UserID) != u.UserID {
		return refuse(40003)
	}
	if old == nil && u.UserID != "" && s.dir.users[u.UserID] != nil {
		return refuse(60102)
	}
	if old == nil && s.knobs.MaxHeadcount > 0 && len(s.dir.users) >= s.knobs.MaxHeadcount {
		return refuse(40024)
	}
	return nil
}

func (s *Server) checkTexts(u *User, _ *person) *Refusal {
	if strings.TrimSpace(u.Name) == "" {
		return refuse(60112)
	}
	for _, f := range userTexts {
		if utf8.RuneCountInString(*f.at(u)) > f.max {
			return refuse(f.code)
		}
	}
	if u.Email != "" {
		if addr, err := mail.ParseAddress(u.Email); err != nil || addr.Address != u.Email {
			return refuse(60105)
		}
	}
	if utf8.RuneCountInString(u.Extension) > maxExtension {
		return refuse(60122)
	}
	if _, err := parseObject(u.Extension); err != nil {
		return refuse(60122)
	}
	return s.checkSensitive(u.Name, u.Remark)
}

// checkSensitive is DingTalk's content filter.
func (s *Server) checkSensitive(values ...string) *Refusal {
	for _, word := range s.knobs.SensitiveWords {
		for _, value := range values {
			if word != "" && strings.Contains(value, word) {
				return refuse(60022)
			}
		}
	}
	return nil
}

// checkMobile looks at the number alone. People added in the console may lack one; ordinary accounts made through
// the API may not, see createUser.
func (s *Server) checkMobile(u *User, _ *person) *Refusal {
	if u.Mobile == "" {
		return nil
	}
	if u.StateCode == "" {
		u.StateCode = "86"
	}
	if _, _, ok := splitMobile("+"+u.StateCode+"-"+u.Mobile, false); !ok {
		return refuse(60103)
	}
	return nil
}

func (s *Server) checkUnique(u *User, old *person) *Refusal {
	for _, unique := range []struct {
		index map[string]string
		key   string
		code  int
	}{
		{s.dir.byMobile, u.mobileKey(), 60104},
		{s.dir.byEmail, u.Email, 60106},
		{s.dir.byTelephone, u.Telephone, 40100},
		{s.dir.byUnion, u.UnionID, 60107},
		{s.dir.byLogin, u.LoginID, 60102},
	} {
		holder, taken := unique.index[unique.key]
		if unique.key == "" || !taken || old != nil && holder == old.UserID {
			continue
		}
		no := refuse(unique.code)
		if s.knobs.HolderInBody {
			no.data = map[string]any{"userid": holder}
		}
		return no
	}
	return nil
}

func (s *Server) checkDepartments(u *User, old *person) *Refusal {
	if len(u.Departments) == 0 || len(u.Departments) > 100 {
		return refuse(40066)
	}
	for _, id := range u.Departments {
		if s.dir.units[id] == nil {
			return refuse(60003)
		}
		limit := s.knobs.MaxDepartmentMembers
		if limit > 0 && len(s.dir.members[id]) >= limit && (old == nil || !slices.Contains(old.Departments, id)) {
			return refuse(40023)
		}
	}
	return nil
}

func (s *Server) checkManager(u *User, old *person) *Refusal {
	if u.ManagerUserID == "" || old != nil && old.ManagerUserID == u.ManagerUserID {
		return nil
	}
	if s.dir.users[u.ManagerUserID] == nil {
		return refuse(60128)
	}
	return nil
}

// mustInvite tells whether adding this person only sends an invitation (errcode 40103 of 全局错误码): the account is
// protected, or the number left the corp less than 24 hours ago.
func (s *Server) mustInvite(u *User, now time.Time) bool {
	if u.Mobile == "" {
		return false
	}
	if s.knobs.ProtectedMobiles[u.Mobile] || s.knobs.ProtectedMobiles[u.mobileKey()] {
		return true
	}
	left, ok := s.dir.removedAt[u.mobileKey()]
	return s.knobs.ReaddWithin24hPending && ok && now.Sub(left) < 24*time.Hour
}
