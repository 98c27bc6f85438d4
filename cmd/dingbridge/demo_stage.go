package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// The credentials of the stand-ins: they guard nothing.
const (
	stageDatabase = "huaxin"
	stageLogin    = "bridge"
	stagePassword = "bridge-of-the-stand-in"
	stageAdmin    = "admin"
)

// stage is the two stand-ins with the company on them.
type stage struct {
	odoo    *odootest.Server
	ding    *dingtalktest.Server
	odooURL string
	dingURL string
	co      *company
	admin   *odootest.Session
	unitIDs []int64 // of the company's departments in Odoo
	staff   []int64 // of its people there
	robot   string  // the address of the sandbox's group's own robot
}

// newStage serves both stand-ins at the addresses ("" picks a port), with that clock.
func newStage(odooAddr, dingAddr string, now func() time.Time, opts ...dingtalktest.Option) (*stage, error) {
	opts = append([]dingtalktest.Option{dingtalktest.WithCorp("dinghuaxin000demo"), dingtalktest.WithClock(now)}, opts...)
	s := &stage{odoo: odootest.New(odootest.WithDatabase(stageDatabase), odootest.WithoutHR(), odootest.WithClock(now)), ding: dingtalktest.New(opts...)}
	s.ding.Set(func(k *dingtalktest.Knobs) { k.CreatedActive = true })
	s.admin = s.odoo.As(stageAdmin)
	var err error
	if s.odooURL, err = s.odoo.Start(orDefault(odooAddr, "127.0.0.1:0")); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.dingURL, err = s.ding.Start(dingAddr); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.odoo.AddUser(stageLogin, stagePassword, "base.group_user", "hr.group_hr_user") == 0 {
		return nil, errors.Join(s.odoo.Err(), s.close())
	}
	return s, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// close ends both servers.
func (s *stage) close() error {
	s.ding.Close()
	s.odoo.Close()
	return nil
}

// vars are the environment variables that point a dingbridge at the two servers.
func (s *stage) vars() map[string]string {
	return map[string]string{
		"DINGBRIDGE_ODOO_URL": s.odooURL, "DINGBRIDGE_ODOO_DATABASE": stageDatabase,
		"DINGBRIDGE_ODOO_LOGIN": stageLogin, "DINGBRIDGE_ODOO_PASSWORD": stagePassword,
		"DINGBRIDGE_DINGTALK_OAPI": s.dingURL, "DINGBRIDGE_DINGTALK_API": s.dingURL, "DINGBRIDGE_DINGTALK_LOGIN": s.dingURL,
		"DINGBRIDGE_DINGTALK_APP_KEY": s.ding.AppKey(), "DINGBRIDGE_DINGTALK_APP_SECRET": s.ding.AppSecret(),
		"DINGBRIDGE_DINGTALK_CORP_ID": s.ding.CorpID(), "DINGBRIDGE_DINGTALK_AGENT_ID": strconv.FormatInt(s.ding.AgentID(), 10),
	}
}

// populate puts the whole company into Odoo, and the part of it that is in DingTalk already there: most of the upper departments, six
// people in ten with some differences, and two people Odoo does not know.
func (s *stage) populate(co *company) error {
	s.co = co
	for _, u := range co.units {
		vals := map[string]any{"name": u.name}
		if u.parent >= 0 {
			vals["parent_id"] = s.unitIDs[u.parent]
		}
		id, err := s.admin.Create("hr.department", vals)
		if err != nil {
			return fmt.Errorf("department %s: %w", u.name, err)
		}
		s.unitIDs = append(s.unitIDs, id)
	}
	for _, p := range co.people {
		id, err := s.admin.Create("hr.employee", s.employee(p))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		s.staff = append(s.staff, id)
	}
	for i, u := range co.units {
		if u.depth < 2 { // set after the people: setting it rewrites their managers
			if err := s.admin.Write("hr.department", s.unitIDs[i], map[string]any{"manager_id": s.staff[u.head]}); err != nil {
				return fmt.Errorf("manager of %s: %w", u.name, err)
			}
		}
	}
	for i, p := range co.people { // which setting the departments' managers may have rewritten
		if p.manager >= 0 {
			if err := s.admin.Write("hr.employee", s.staff[i], map[string]any{"parent_id": s.staff[p.manager]}); err != nil {
				return fmt.Errorf("manager of %s: %w", p.name, err)
			}
		}
	}
	return s.populateDingTalk(co)
}

// employee is a person's record in Odoo, without the manager.
func (s *stage) employee(p person) map[string]any {
	return map[string]any{
		"name": p.name, "work_email": p.email, "mobile_phone": p.mobile, "job_title": p.title, "work_location": p.place,
		"department_id": s.unitIDs[p.unit],
	}
}

func (s *stage) populateDingTalk(co *company) error {
	var failed error
	s.ding.Quiet(func() {
		depts := map[int]int64{-1: 1}
		for i, u := range co.units {
			if u.depth == 2 || i%7 == 6 {
				continue
			}
			parent, ok := depts[u.parent]
			if !ok {
				continue
			}
			id, err := s.ding.TryAddDepartment(dingtalktest.Department{Name: u.name, ParentID: parent})
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("department %s: %w", u.name, err))
			}
			depts[i] = id
		}
		for i, p := range co.people {
			if i%5 > 2 {
				continue
			}
			failed = errors.Join(failed, s.member(p, i, s.knownUnit(depts, p.unit)))
		}
		for _, title := range []string{"顾问", "实习生"} {
			p := co.stranger()
			p.title = title
			failed = errors.Join(failed, s.member(p, 1, 1))
		}
	})
	return failed
}

// knownUnit is the person's department in DingTalk, or the nearest above it that is there.
func (s *stage) knownUnit(depts map[int]int64, unit int) int64 {
	for ; unit >= 0; unit = s.co.units[unit].parent {
		if id, ok := depts[unit]; ok {
			return id
		}
	}
	return 1
}

// member adds a person to DingTalk as somebody typed it there: now and then without a title, or with an older one.
func (s *stage) member(p person, n int, dept int64) error {
	u := dingtalktest.User{
		UserID: "manager" + strconv.Itoa(1000+len(s.ding.Users())), Name: p.name, Mobile: bareMobile(p.mobile), Email: p.email, Title: p.title,
		WorkPlace: p.place, Departments: []int64{dept}, Active: true,
	}
	switch n % 10 {
	case 0:
		u.Title = ""
	case 2:
		u.Title = "助理" + p.title
	}
	if _, err := s.ding.TryAddUser(u); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// userByMobile finds a member of DingTalk by the number as Odoo or DingTalk writes it.
func (s *stage) userByMobile(mobile string) (dingtalktest.User, bool) {
	users := s.ding.Users()
	want := bareMobile(mobile)
	i := slices.IndexFunc(users, func(u dingtalktest.User) bool { return dingMobile(u) == want })
	if i < 0 {
		return dingtalktest.User{}, false
	}
	return users[i], true
}

// dingMobile is a member's number in the form of bareMobile.
func dingMobile(u dingtalktest.User) string {
	if u.StateCode == "86" || u.StateCode == "" {
		return u.Mobile
	}
	return "+" + u.StateCode + "-" + u.Mobile
}
