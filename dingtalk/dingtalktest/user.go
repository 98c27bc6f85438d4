package dingtalktest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// User is a member of the corp, in the vocabulary of the document 查询用户详情. Empty means not filled.
type User struct {
	UserID, UnionID  string
	Name, Avatar     string
	Mobile           string // digits without country code; AddUser and EditUser also take +xx-xxxxx
	StateCode        string // country code, "86" when empty
	Email, OrgEmail  string
	Telephone        string // 分机号
	JobNumber        string
	Title            string // corp-wide title
	WorkPlace        string
	Remark           string
	ManagerUserID    string // 直属主管
	Extension        string // JSON object of custom fields, as text
	HiredDate        int64  // Unix milliseconds
	Departments      []int64
	MainDepartment   int64   // 主部门; the first of Departments when it is none of them
	LeaderIn         []int64 // departments this person manages; the departments' Managers are the truth
	DeptOrder        map[int64]int64
	DeptTitle        map[int64]string
	DeptWorkPlace    map[int64]string
	Roles            []int64 // read only; see AssignRole
	Active           bool    // has signed in to DingTalk
	Senior           bool    // 高管模式
	HideMobile       bool
	RealAuthed, Boss bool
	AdminLevel       int // 1 main administrator, 2 sub-administrator, 0 none
	Exclusive        string
	LoginID          string // of an enterprise account (企业账号)
	Disabled         bool   // an enterprise account switched off
}

// clone copies u with everything it points to.
func (u User) clone() User {
	u.Departments = slices.Clone(u.Departments)
	u.LeaderIn = slices.Clone(u.LeaderIn)
	u.Roles = slices.Clone(u.Roles)
	u.DeptOrder = maps.Clone(u.DeptOrder)
	u.DeptTitle = maps.Clone(u.DeptTitle)
	u.DeptWorkPlace = maps.Clone(u.DeptWorkPlace)
	return u
}

// mobileKey is the number with its country code, "" without a number.
func (u *User) mobileKey() string {
	if u.Mobile == "" {
		return ""
	}
	return u.StateCode + "-" + u.Mobile
}

var (
	mainlandMobile = regexp.MustCompile(`^1\d{10}$`)
	foreignMobile  = regexp.MustCompile(`^\+(\d{1,4})-(\d{5,15})$`)
)

// splitMobile reads a number as the document 创建用户 wants it: bare digits in mainland China, else +xx-xxxxx. A corp
// registered abroad needs +86- for mainland numbers too.
func splitMobile(s string, abroad bool) (state, number string, ok bool) {
	if mainlandMobile.MatchString(s) && !abroad {
		return "86", s, true
	}
	m := foreignMobile.FindStringSubmatch(s)
	if m == nil || m[1] == "86" && !mainlandMobile.MatchString(m[2]) {
		return "", "", false
	}
	return m[1], m[2], true
}

// tidy brings a draft into its stored form and keeps only what belongs to its departments.
func (u *User) tidy() {
	if u.StateCode == "" && u.Mobile != "" {
		u.StateCode = "86"
	}
	if len(u.Departments) > 0 && !slices.Contains(u.Departments, u.MainDepartment) {
		u.MainDepartment = u.Departments[0]
	}
	gone := func(id int64) bool { return !slices.Contains(u.Departments, id) }
	maps.DeleteFunc(u.DeptOrder, func(id, _ int64) bool { return gone(id) })
	maps.DeleteFunc(u.DeptTitle, func(id int64, _ string) bool { return gone(id) })
	maps.DeleteFunc(u.DeptWorkPlace, func(id int64, _ string) bool { return gone(id) })
	u.LeaderIn = slices.DeleteFunc(u.LeaderIn, gone)
}

// TryAddUser adds a person as an administrator in the console would, without invitation, and emits user_add_org.
// Without UserID or UnionID one is made; without departments it is the root department. The error is a *Refusal.
func (s *Server) TryAddUser(u User) (userid string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u = u.clone()
	if len(u.Departments) == 0 {
		u.Departments = []int64{rootID}
	}
	if err := s.consoleMobile(&u); err != nil {
		return "", err
	}
	if no := s.checkUser(&u, nil); no != nil {
		return "", no
	}
	p := s.admitUser(u, s.now())
	return p.UserID, nil
}

// AddUser is TryAddUser for data known to be good; it returns "" where DingTalk would refuse.
func (s *Server) AddUser(u User) (userid string) {
	userid, err := s.TryAddUser(u)
	if err != nil {
		return ""
	}
	return userid
}

// consoleMobile accepts a number in the form of the API too.
func (s *Server) consoleMobile(u *User) error {
	if strings.HasPrefix(u.Mobile, "+") {
		state, number, ok := splitMobile(u.Mobile, false)
		if !ok {
			return refuse(60103)
		}
		u.StateCode, u.Mobile = state, number
	}
	return nil
}

// admitUser makes a checked draft a member and emits the events.
func (s *Server) admitUser(u User, now time.Time) *person {
	if u.UserID == "" {
		u.UserID = s.freshUserID()
	}
	if u.UnionID == "" {
		u.UnionID = fmt.Sprintf("union%s%08d", strings.ToLower(s.corpID[:min(4, len(s.corpID))]), s.dir.seq+1)
	}
	p := &person{User: u}
	p.tidy()
	leads := p.LeaderIn
	p.LeaderIn = nil
	s.dir.putUser(p, now, s.knobs.StaleReads)
	delete(s.dir.pending, p.UserID)
	for _, id := range leads {
		s.setLeader(id, p.UserID, true, now)
	}
	s.emit("user_add_org", map[string]any{"timeStamp": millis(now), "userId": []string{p.UserID}})
	if s.knobs.ModifyAfterAdd {
		s.emitUserModified(&p.User, &p.User, now)
	}
	return p
}

func (s *Server) freshUserID() string {
	for {
		s.dir.seq++
		id := fmt.Sprintf("%016d", 100000000000+s.dir.seq*7919)
		if s.dir.users[id] == nil && s.dir.pending[id] == nil {
			return id
		}
	}
}

// EditUser changes a person as an administrator in the console would, mobile included, and emits user_modify_org
// when something changed. The userid stays. The error is a *Refusal, and nothing was changed then.
func (s *Server) EditUser(userid string, edit func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.dir.users[userid]
	if old == nil {
		return refuse(60121)
	}
	now := s.now()
	draft := s.whole(old)
	leads := slices.Clone(draft.LeaderIn)
	edit(&draft)
	draft.UserID = userid
	if err := s.consoleMobile(&draft); err != nil {
		return err
	}
	if no := s.checkUser(&draft, old); no != nil {
		return no
	}
	wanted := draft.LeaderIn
	s.storeUser(draft, old, now)
	for _, id := range leads {
		if !slices.Contains(wanted, id) {
			s.setLeader(id, userid, false, now)
		}
	}
	for _, id := range wanted {
		if slices.Contains(draft.Departments, id) {
			s.setLeader(id, userid, true, now)
		}
	}
	return nil
}

// storeUser replaces a person by a checked draft and emits the event when something changed.
func (s *Server) storeUser(draft User, old *person, now time.Time) {
	p := &person{User: draft}
	p.tidy()
	p.LeaderIn, p.Roles = nil, nil
	if samePerson(&p.User, &old.User) && !s.knobs.EventWithoutChange {
		return
	}
	for _, id := range old.Departments {
		if !slices.Contains(p.Departments, id) {
			s.setLeader(id, p.UserID, false, now)
		}
	}
	s.dir.putUser(p, now, s.knobs.StaleReads)
	s.emitUserModified(&old.User, &p.User, now)
}

// samePerson compares everything that is stored with a person.
func samePerson(a, b *User) bool {
	x, y := *a, *b
	if !slices.Equal(x.Departments, y.Departments) || !maps.Equal(x.DeptOrder, y.DeptOrder) ||
		!maps.Equal(x.DeptTitle, y.DeptTitle) || !maps.Equal(x.DeptWorkPlace, y.DeptWorkPlace) {
		return false
	}
	return slices.Equal(x.scalars(), y.scalars())
}

func (u *User) scalars() []any {
	return []any{
		u.UserID, u.UnionID, u.Name, u.Avatar, u.Mobile, u.StateCode, u.Email, u.OrgEmail, u.Telephone, u.JobNumber,
		u.Title, u.WorkPlace, u.Remark, u.ManagerUserID, u.Extension, u.HiredDate, u.MainDepartment, u.Active, u.Senior,
		u.HideMobile, u.RealAuthed, u.Boss, u.AdminLevel, u.Exclusive, u.LoginID, u.Disabled,
	}
}

// emitUserModified emits user_modify_org with the difference as DingTalk tells it (document 通讯录用户更改).
func (s *Server) emitUserModified(prev, curr *User, now time.Time) {
	diff := map[string]any{"userid": curr.UserID, "prev": eventProfile(prev), "curr": eventProfile(curr)}
	data := map[string]any{"timeStamp": millis(now), "userId": []string{curr.UserID}, "diffInfo": diff}
	if s.knobs.DiffInfoArray {
		data["diffInfo"] = []any{diff}
	}
	s.emit("user_modify_org", data)
}

func eventProfile(u *User) map[string]any {
	out := map[string]any{}
	for key, value := range map[string]string{
		"name": u.Name, "telephone": u.Telephone, "email": u.Email, "jobNumber": u.JobNumber,
		"workPlace": u.WorkPlace, "managerUserid": u.ManagerUserID, "remark": u.Remark, "extFields": u.Extension,
	} {
		if value != "" {
			out[key] = value
		}
	}
	if u.HiredDate != 0 {
		out["hiredDate"] = time.UnixMilli(u.HiredDate).In(china).Format(time.DateOnly)
	}
	return out
}

// china is the zone of DingTalk's dates.
var china = time.FixedZone("CST", 8*60*60)
