package dingtalktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// createUser is /topapi/v2/user/create (创建用户).
func (s *Server) createUser(c *call) (any, *Refusal) {
	p := c.params
	for _, key := range []string{"name", "dept_id_list"} {
		if p.text(key) == "" {
			return nil, missing(40035, key)
		}
	}
	u := User{UserID: p.text("userid"), Active: s.knobs.CreatedActive}
	if no := s.accountOf(p, &u); no != nil {
		return nil, no
	}
	if no := s.applyUser(p, &u, nil); no != nil {
		return nil, no
	}
	if no := s.departmentsInScope(u.Departments); no != nil {
		return nil, no
	}
	if no := s.checkUser(&u, nil); no != nil {
		return nil, no
	}
	if s.mustInvite(&u, c.now) {
		return s.invite(u, c.now)
	}
	admitted := s.admitUser(u, c.now)
	return map[string]any{"userid": admitted.UserID, "unionId": admitted.UnionID}, nil
}

// accountOf reads what a person signs in with: a mobile, or an enterprise account.
func (s *Server) accountOf(p params, u *User) *Refusal {
	if exclusive, _ := p.flag("exclusive_account"); exclusive {
		return s.enterpriseAccount(p, u)
	}
	mobile := p.text("mobile")
	if mobile == "" {
		if p.text("email") == "" {
			return refuse(60113)
		}
		return missing(40035, "mobile")
	}
	var ok bool
	if u.StateCode, u.Mobile, ok = splitMobile(mobile, s.knobs.CorpAbroad); !ok {
		return refuse(60103)
	}
	return nil
}

// enterpriseAccount reads an 企业账号 (documents 创建SSO企业账号, 创建钉钉自建企业账号).
func (s *Server) enterpriseAccount(p params, u *User) *Refusal {
	if !s.knobs.EnterpriseAccounts {
		return missing(40035, "exclusive_account")
	}
	u.Exclusive, u.LoginID, u.Active = p.text("exclusive_account_type"), p.text("login_id"), true
	switch u.Exclusive {
	case "sso":
		return nil
	case "dingtalk":
		if u.LoginID == "" {
			return missing(40035, "login_id")
		}
		password := p.text("init_password")
		if len(password) < 8 || strings.Trim(password, "0123456789") == "" || !strings.ContainsAny(password, "0123456789") {
			return missing(40035, "init_password")
		}
		return nil
	}
	return missing(40035, "exclusive_account_type")
}

// invite keeps a person who has to agree first. One number has one invitation, the latest.
func (s *Server) invite(u User, now time.Time) (any, *Refusal) {
	if u.UserID == "" {
		u.UserID = s.freshUserID()
	}
	for id, other := range s.dir.pending {
		if other.mobileKey() == u.mobileKey() {
			delete(s.dir.pending, id)
		}
	}
	s.dir.seq++
	s.dir.pending[u.UserID] = &person{User: u, seq: s.dir.seq, joined: now}
	if s.knobs.PendingAsSuccess {
		return map[string]any{}, nil
	}
	return nil, refuse(40103)
}

// updateUser is /topapi/v2/user/update (更新用户信息): what is absent stays.
func (s *Server) updateUser(c *call) (any, *Refusal) {
	old, no := s.writableUser(c)
	if no != nil {
		return nil, no
	}
	draft := old.clone()
	if no := s.updateMobile(c.params, &draft); no != nil {
		return nil, no
	}
	if no := s.applyUser(c.params, &draft, old); no != nil {
		return nil, no
	}
	if no := s.departmentsInScope(draft.Departments); no != nil {
		return nil, no
	}
	moved := draft.Title != old.Title || !slices.Equal(draft.Departments, old.Departments)
	if s.knobs.HRMPositions && moved {
		return nil, refuse(12150)
	}
	if no := s.checkUser(&draft, old); no != nil {
		return nil, no
	}
	s.storeUser(draft, old, c.now)
	return nil, nil
}

// updateMobile treats a mobile that the document does not know.
func (s *Server) updateMobile(p params, draft *User) *Refusal {
	mobile := p.text("mobile")
	if mobile == "" {
		return nil
	}
	state, number, ok := splitMobile(mobile, s.knobs.CorpAbroad)
	if !ok {
		return refuse(60103)
	}
	if number == draft.Mobile && state == draft.StateCode {
		return nil
	}
	switch s.knobs.MobileUpdate {
	case MobileRefused:
		return refuse(40022)
	case MobileChanged:
		draft.StateCode, draft.Mobile = state, number
	}
	return nil
}

// deleteUser is /topapi/v2/user/delete (删除用户).
func (s *Server) deleteUser(c *call) (any, *Refusal) {
	p, no := s.writableUser(c)
	if no != nil {
		return nil, no
	}
	s.removePerson(p, "oapi", c.now)
	return nil, nil
}

// writableUser finds the person a write is about; writes see the present state.
func (s *Server) writableUser(c *call) (*person, *Refusal) {
	id := c.params.text("userid")
	if id == "" {
		return nil, missing(400002, "userid")
	}
	p := s.dir.users[id]
	if p == nil {
		return nil, s.noSuchUser()
	}
	if !s.personInScope(p) {
		return nil, refuse(50002)
	}
	return p, nil
}

// noSuchUser is the answer to an unknown userid.
func (s *Server) noSuchUser() *Refusal {
	return refuse(s.knobs.UserNotFoundCode)
}

// applyUser writes a request's fields to a draft; old is nil at creation.
func (s *Server) applyUser(p params, u *User, old *person) *Refusal {
	forced := p.texts("force_update_fields")
	for _, f := range userTexts {
		if !p.has(f.key) || f.key == "org_email" && !s.knobs.OrgMailbox {
			continue
		}
		value := p.text(f.key)
		if value == "" && old != nil && (f.key == "manager_userid" || !s.knobs.ClearByEmptyString && f.key != "name") {
			continue
		}
		*f.at(u) = value
	}
	if slices.Contains(forced, "manager_userid") && p.text("manager_userid") == "" {
		u.ManagerUserID = ""
	}
	if slices.Contains(forced, "org_email") && p.text("org_email") == "" && u.Exclusive != "" {
		u.OrgEmail = ""
	}
	for key, at := range map[string]*bool{"hide_mobile": &u.HideMobile, "senior_mode": &u.Senior} {
		if !p.has(key) {
			continue
		}
		flag, ok := p.flag(key)
		if !ok {
			return missing(40035, key)
		}
		*at = flag
	}
	if p.text("hired_date") != "" {
		hired, ok := p.number("hired_date")
		if !ok {
			return missing(40035, "hired_date")
		}
		u.HiredDate = hired
	}
	if no := applyDepartments(p, u); no != nil {
		return no
	}
	return s.applyExtension(p, u, old)
}

// applyDepartments reads the membership: dept_id_list replaces all departments, the other lists speak of them.
func applyDepartments(p params, u *User) *Refusal {
	if p.has("dept_id_list") {
		ids, ok := p.numbers("dept_id_list")
		if !ok {
			return refuse(40009)
		}
		u.Departments = ids
	}
	main := 0
	for _, key := range []string{"dept_order_list", "dept_title_list", "dept_position_list"} {
		if !p.has(key) {
			continue
		}
		items, ok := p.objects(key)
		if !ok || len(items) > 100 {
			return missing(40035, key)
		}
		for _, item := range items {
			id, ok := item.number("dept_id")
			if !ok {
				return missing(40035, key+".dept_id")
			}
			if isMain, _ := item.flag("is_main"); isMain {
				u.MainDepartment = id
				main++
			}
			applyPlace(item, id, u)
		}
	}
	if main > 1 {
		return missing(40035, "dept_position_list.is_main")
	}
	return nil
}

// applyPlace reads what an element of one of the lists says about one department.
func applyPlace(item params, id int64, u *User) {
	if order, ok := item.number("order"); ok {
		put(&u.DeptOrder, id, order)
	}
	if item.has("title") {
		put(&u.DeptTitle, id, item.text("title"))
	}
	if item.has("work_place") {
		put(&u.DeptWorkPlace, id, item.text("work_place"))
	}
}

func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// applyExtension reads the custom fields. On update, ext_attrs_update_mode 0 (the default) replaces all of them and 1
// adds to them.
func (s *Server) applyExtension(p params, u *User, old *person) *Refusal {
	mode, _ := p.number("ext_attrs_update_mode")
	if p.text("extension") == "" {
		if old != nil && mode == 0 && s.knobs.AbsentExtensionClears {
			u.Extension = ""
		}
		return nil
	}
	if utf8.RuneCountInString(p.text("extension")) > maxExtension {
		return refuse(60122)
	}
	sent, ok := p.object("extension")
	if !ok {
		return refuse(60122)
	}
	result := map[string]any{}
	if old != nil && mode == 1 {
		if before, err := parseObject(old.Extension); err == nil {
			result = before
		}
	}
	for name, value := range sent {
		if s.knobs.CustomFields != nil && !s.knobs.CustomFields[name] {
			if s.knobs.UnknownFieldsRefused {
				return refuse(60122)
			}
			continue
		}
		if asText(value) == "" {
			delete(result, name)
			continue
		}
		result[name] = value
	}
	if len(result) == 0 {
		u.Extension = ""
		return nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return refuse(60122)
	}
	u.Extension = string(text)
	return nil
}

// setAccount is POST /v1.0/contact/orgAccounts/enable and disable (启用企业账号, 停用企业账号).
func setAccount(disabled bool) func(*Server, *call) (any, *Refusal) {
	return func(s *Server, c *call) (any, *Refusal) {
		p := s.dir.users[c.params.text("userId")]
		if p == nil || p.Exclusive == "" {
			return nil, v1Refusal(400, "invalidParameter.userId.invalid", "userId is invalid")
		}
		next := &person{User: p.clone()}
		next.Disabled = disabled
		s.dir.putUser(next, c.now, s.knobs.StaleReads)
		return map[string]any{"result": true}, nil
	}
}

// millis is a time as DingTalk's events print it: Unix milliseconds as text.
func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
