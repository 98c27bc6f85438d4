package dingtalk

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
)

// The paths of the user calls; the error classification refers to them too.
const (
	pathUserCreate     = "/topapi/v2/user/create"
	pathUserUpdate     = "/topapi/v2/user/update"
	pathUserDelete     = "/topapi/v2/user/delete"
	pathUserGet        = "/topapi/v2/user/get"
	pathUserList       = "/topapi/v2/user/list"
	pathUserListSimple = "/topapi/user/listsimple"
	pathUserListID     = "/topapi/user/listid"
	pathUserByMobile   = "/topapi/v2/user/getbymobile"
	pathUserByUnionID  = "/topapi/user/getbyunionid"
	pathUserCount      = "/topapi/user/count"
	pathUserAdmins     = "/topapi/user/listadmin"
	pathUserAdminScope = "/topapi/user/get_admin_scope"
	pathUserInactive   = "/topapi/inactive/user/v2/get"
)

// userPage is the page size of the lists of users, the greatest that the official SDK lets through.
const userPage = 100

// UserService holds the calls about members of the corp. None of them counts against the monthly quota.
type UserService struct{ c *Client }

// CreatedUser is the answer to a creation.
type CreatedUser struct{ UserID, UnionID string }

// Create adds a person to the corp (创建用户, permission qyapi_manage_addresslist) from the fields of UserKind marked Create.
// A taken userid is IsExists; a taken unique value is Reject with Field and, where told, Holder; a person who must consent
// first is Pending. An Ambiguous failure is settled by Get if a userid of the caller's choosing was given.
func (s *UserService) Create(ctx context.Context, user Object) (CreatedUser, error) {
	var optional []string
	if user.Bool("exclusive_account") { // enterprise accounts have no mobile (创建钉钉自建企业账号)
		optional = append(optional, "mobile")
	}
	body, err := UserKind.encodeCreate(pathUserCreate, user, optional...)
	if err != nil {
		return CreatedUser{}, err
	}
	answer, err := s.c.write(ctx, pathUserCreate, body)
	if err != nil {
		return CreatedUser{}, err
	}
	result := answer.object("result")
	created := CreatedUser{UserID: result.Text("userid"), UnionID: or(result.Text("unionId"), result.Text("unionid"))}
	if created.UserID == "" {
		return s.created(ctx, user.Text("userid"))
	}
	return created, nil
}

// created finds out what a success that names no userid means: such a person may have been invited only, and is found as soon
// as the invitation is accepted.
func (s *UserService) created(ctx context.Context, userid string) (CreatedUser, error) {
	pending := &Error{
		Class: Pending, API: pathUserCreate, Status: http.StatusOK, Message: "success without a userid: the person has to consent first",
	}
	if userid == "" {
		return CreatedUser{}, pending
	}
	found, err := s.Get(ctx, userid)
	switch {
	case err == nil:
		return CreatedUser{UserID: userid, UnionID: found.Text("unionid")}, nil
	case IsNotFound(err):
		return CreatedUser{}, pending
	}
	return CreatedUser{}, &Error{
		Class: Retry, Ambiguous: true, API: pathUserCreate, Status: http.StatusOK, Message: "success without a userid", Err: err,
	}
}

// Update changes the fields given and leaves all others alone (更新用户信息); userid says whose. The fields named in clear are
// emptied, each as its Clear mode in UserKind says; Reject with Field if it has none. Custom fields of extension that are not
// given stay as they are. Where 智能人事 manages positions (12150) title and departments are refused.
func (s *UserService) Update(ctx context.Context, user Object, clear ...string) error {
	body, err := UserKind.encodeUpdate(pathUserUpdate, user, clear)
	if err != nil {
		return err
	}
	if _, ok := body["extension"]; ok {
		body["ext_attrs_update_mode"] = 1 // append; the default, 0, empties every custom field not sent
	}
	_, err = s.c.write(ctx, pathUserUpdate, body)
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == "12150" {
		e.Field = positionField(body)
	}
	return err
}

// positionField is the one field of an update that HRM position management can have refused, "" if there are several.
func positionField(body Object) string {
	found := ""
	for _, name := range []string{"title", "dept_id_list", "dept_title_list", "dept_position_list"} {
		if _, ok := body[name]; !ok {
			continue
		}
		if found != "" {
			return ""
		}
		found = name
	}
	return found
}

// Delete removes the person from the corp, the attendance group and the roster (删除用户). Somebody already gone is
// IsNotFound. Inviting the same person within 24 hours needs consent (40103).
func (s *UserService) Delete(ctx context.Context, userid string) error {
	if err := checkUserID(pathUserDelete, userid); err != nil {
		return err
	}
	_, err := s.c.write(ctx, pathUserDelete, Object{"userid": userid})
	return err
}

// Get reads one person (查询用户详情, permission qyapi_get_member). What the absence of a field means is said by
// Field.Absent. IsNotFound: not in the corp, which includes the invited; IsOutOfScope: not visible to the app.
func (s *UserService) Get(ctx context.Context, userid string) (Object, error) {
	if err := checkUserID(pathUserGet, userid); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathUserGet, Object{"userid": userid})
	if err != nil {
		return nil, err
	}
	return s.c.one(pathUserGet, UserKind, answer)
}

// GetByMobile returns the userid of the active member with this mobile (根据手机号查询用户, permission
// qyapi_get_member_by_mobile). Nobody, also somebody invited or deactivated, is IsNotFound; a malformed number is Reject.
func (s *UserService) GetByMobile(ctx context.Context, mobile string) (userid string, err error) {
	if mobile == "" {
		return "", refuse(pathUserByMobile, "mobile", "required")
	}
	answer, err := s.c.read(ctx, pathUserByMobile, Object{"mobile": mobile})
	if err != nil {
		return "", err
	}
	return resultID(pathUserByMobile, answer)
}

// GetByUnionID returns the userid of the member with this unionid (根据unionid获取用户userid). An external contact is no
// member: IsNotFound.
func (s *UserService) GetByUnionID(ctx context.Context, unionid string) (userid string, err error) {
	if unionid == "" {
		return "", refuse(pathUserByUnionID, "unionid", "required")
	}
	answer, err := s.c.read(ctx, pathUserByUnionID, Object{"unionid": unionid})
	if err != nil {
		return "", err
	}
	if kind, ok := answer.object("result").Int("contact_type"); ok && kind == 1 {
		return "", &Error{Class: Missing, Code: "60121", API: pathUserByUnionID, Status: 200, Message: "an external contact, not a member"}
	}
	return resultID(pathUserByUnionID, answer)
}

// List yields the direct members of a department, not those of its sub-departments (获取部门用户详情), with the fields marked
// List. There is no call for all members of a corp: list every department; whoever is in several comes several times. After
// an error the iteration ends, and what was yielded is not the whole.
func (s *UserService) List(ctx context.Context, deptID int64) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkDeptID(pathUserList, deptID); err != nil {
			yield(nil, err)
			return
		}
		for row, err := range s.c.byCursor(ctx, pathUserList, Object{"dept_id": deptID}, userPage) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(UserKind.decode(row), nil) {
				return
			}
		}
	}
}

// Names yields userid and name of the direct members of a department (获取部门用户基础信息), cheaper than List.
func (s *UserService) Names(ctx context.Context, deptID int64) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkDeptID(pathUserListSimple, deptID); err != nil {
			yield(nil, err)
			return
		}
		for row, err := range s.c.byCursor(ctx, pathUserListSimple, Object{"dept_id": deptID}, userPage) {
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// ListIDs returns the userids of the direct members of a department (获取部门用户userid列表), also of those outside the app's
// contacts scope.
func (s *UserService) ListIDs(ctx context.Context, deptID int64) ([]string, error) {
	if err := checkDeptID(pathUserListID, deptID); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathUserListID, Object{"dept_id": deptID})
	if err != nil {
		return nil, err
	}
	return answer.object("result").IDs("userid_list"), nil
}

// Count returns the number of members of the corp (获取员工人数), or of those who have activated their account.
func (s *UserService) Count(ctx context.Context, onlyActive bool) (int64, error) {
	answer, err := s.c.read(ctx, pathUserCount, Object{"only_active": onlyActive})
	if err != nil {
		return 0, err
	}
	n, ok := answer.object("result").Int("count")
	if !ok {
		return 0, incomplete(pathUserCount, "no count")
	}
	return n, nil
}

// Admin is an administrator of the corp: level 1 is the main one, 2 a sub-administrator.
type Admin struct {
	UserID string
	Level  int64
}

// Admins returns the administrators (获取管理员列表).
func (s *UserService) Admins(ctx context.Context) ([]Admin, error) {
	answer, err := s.c.read(ctx, pathUserAdmins, Object{})
	if err != nil {
		return nil, err
	}
	var admins []Admin
	for _, row := range answer.Rows("result") {
		level, _ := row.Int("sys_level")
		admins = append(admins, Admin{UserID: row.Text("userid"), Level: level})
	}
	return admins, nil
}

// AdminScope returns the departments that an administrator may manage (获取管理员通讯录权限范围).
func (s *UserService) AdminScope(ctx context.Context, userid string) ([]int64, error) {
	if err := checkUserID(pathUserAdminScope, userid); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathUserAdminScope, Object{"userid": userid})
	if err != nil {
		return nil, err
	}
	return numbers(answer["dept_ids"]), nil
}

// Inactive yields the userids of those who did (active) or did not sign in to DingTalk on a day, given as yyyyMMdd, at most a
// month back, yesterday's from 09:00 on (获取未登录钉钉的员工列表). No departments: all of the app's scope.
func (s *UserService) Inactive(ctx context.Context, active bool, day string, deptIDs ...int64) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		request := Object{"is_active": active, "query_date": day}
		if len(deptIDs) > 0 {
			request["dept_ids"] = joinNumbers(deptIDs)
		}
		for offset := int64(0); ; {
			request["offset"], request["size"] = offset, userPage
			answer, err := s.c.read(ctx, pathUserInactive, request)
			if err != nil {
				yield("", err)
				return
			}
			result := answer.object("result")
			for _, id := range result.IDs("list") {
				if !yield(id, nil) {
					return
				}
			}
			if !result.Bool("has_more") {
				return
			}
			next, ok := result.Int("next_cursor")
			if !ok || next <= offset {
				yield("", incomplete(pathUserInactive, "the next page is missing or goes backwards"))
				return
			}
			offset = next
		}
	}
}

func resultID(api string, answer Object) (string, error) {
	if id := answer.object("result").Text("userid"); id != "" {
		return id, nil
	}
	return "", incomplete(api, "no userid")
}

func checkUserID(api, userid string) error {
	f, _ := UserKind.Field("userid")
	_, err := f.encode(api, userid)
	return err
}

func checkDeptID(api string, deptID int64) error {
	if deptID <= 0 {
		return refuse(api, "dept_id", "%s is no department of the corp", strconv.FormatInt(deptID, 10))
	}
	return nil
}
