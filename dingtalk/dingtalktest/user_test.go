package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newcomer is a request that is accepted, with changes.
func newcomer(changes object) object {
	out := object{"userid": "u1", "name": "张三", "mobile": "13800000001", "dept_id_list": "1"}
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

func TestUserCreateAndGet(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "研发"})
	b.AddUser(User{UserID: "boss", Name: "老板", Mobile: "13900000000", Active: true})
	out := b.ok(userCreate, newcomer(object{
		"dept_id_list": fmt.Sprintf("1,%d", dept), "email": "a@example.com", "org_email": "a@corp.example",
		"telephone": "8001", "job_number": "E1", "title": "工程师", "work_place": "北京", "remark": "备注",
		"manager_userid": "boss", "hired_date": "1597573616828", "hide_mobile": "true", "senior_mode": true,
		"extension":          `{"爱好":"足球"}`,
		"dept_order_list":    []any{object{"dept_id": dept, "order": 9007199254740993}},
		"dept_position_list": []any{object{"dept_id": dept, "is_main": true, "title": "组长"}},
	}))
	if out["userid"] != "u1" || out["unionId"] == nil || out["unionid"] != nil {
		t.Fatalf("create answers userid and unionId in camel case: %v", out)
	}
	got := b.ok(userGet, object{"userid": "u1"})
	for key, want := range map[string]string{
		"name": "张三", "mobile": "13800000001", "state_code": "86", "email": "a@example.com", "org_email": "a@corp.example",
		"telephone": "8001", "job_number": "E1", "title": "工程师", "work_place": "北京", "remark": "备注",
		"manager_userid": "boss", "hired_date": "1597573616828", "hide_mobile": "true", "senior": "true",
		"extension": `{"爱好":"足球"}`, "active": "false",
		"dept_id_list":       fmt.Sprintf("[1,%d]", dept),
		"dept_order_list":    fmt.Sprintf(`[{"dept_id":1,"order":0},{"dept_id":%d,"order":9007199254740993}]`, dept),
		"dept_position_list": fmt.Sprintf(`[{"dept_id":1,"is_main":false},{"dept_id":%d,"is_main":true,"title":"组长"}]`, dept),
	} {
		if asText(got[key]) != want {
			t.Errorf("%s: want %s, got %s", key, want, asText(got[key]))
		}
	}
	if got["unionid"] != out["unionId"] {
		t.Errorf("get has unionid in small letters: %v", got["unionid"])
	}
	if id := b.ok(userCreate, object{"name": "李四", "mobile": "+852-51234567", "dept_id_list": []any{1}})["userid"]; id == "" {
		t.Error("a userid is made when none is sent")
	}
}

func TestUserCreateIsRefused(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u0", Name: "李四", Mobile: "13900000000", Email: "taken@example.com", Telephone: "8000"})
	b.Set(func(k *Knobs) { k.SensitiveWords = []string{"敏感"} })
	long := strings.Repeat("长", 3000)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint(b.AddDepartment(Department{Name: fmt.Sprint("d", i)}))
	}
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no name":                {"40035", object{"name": nil}},
		"no department":          {"40035", object{"dept_id_list": nil}},
		"no mobile":              {"40035", object{"mobile": nil, "email": "b@example.com"}},
		"no mobile, no email":    {"60113", object{"mobile": nil}},
		"mobile illegal":         {"60103", object{"mobile": "138 0000 0001"}},
		"mobile without dash":    {"60103", object{"mobile": "+85251234567"}},
		"mobile taken":           {"60104", object{"mobile": "13900000000"}},
		"mobile taken, long":     {"60104", object{"mobile": "+86-13900000000"}},
		"userid taken":           {"60102", object{"userid": "u0"}},
		"userid long":            {"40003", object{"userid": strings.Repeat("u", 65)}},
		"email illegal":          {"60105", object{"email": "nobody"}},
		"email long":             {"60105", object{"email": strings.Repeat("a", 40) + "@example.com"}},
		"email taken":            {"60106", object{"email": "taken@example.com"}},
		"telephone taken":        {"40100", object{"telephone": "8000"}},
		"telephone long":         {"40063", object{"telephone": long[:153]}},
		"name long":              {"60112", object{"name": long[:243]}},
		"title long":             {"60119", object{"title": long[:603]}},
		"job number long":        {"60123", object{"job_number": long[:153]}},
		"work place long":        {"40064", object{"work_place": long[:303]}},
		"remark long":            {"40065", object{"remark": long[:6003]}},
		"extension long":         {"60122", object{"extension": object{"k": long}}},
		"extension no object":    {"60122", object{"extension": "text"}},
		"manager unknown":        {"60128", object{"manager_userid": "nobody"}},
		"department unknown":     {"60003", object{"dept_id_list": "1,77"}},
		"department illegal":     {"40009", object{"dept_id_list": "x"}},
		"departments, too many":  {"40066", object{"dept_id_list": strings.Join(many, ",")}},
		"sensitive name":         {"60022", object{"name": "敏感的人"}},
		"sensitive remark":       {"60022", object{"remark": "很敏感"}},
		"two main departments":   {"40035", object{"dept_position_list": []any{object{"dept_id": 1, "is_main": true}, object{"dept_id": 1, "is_main": true}}}},
		"enterprise account":     {"40035", object{"exclusive_account": true, "exclusive_account_type": "sso"}},
		"hired_date is no time":  {"40035", object{"hired_date": "yesterday"}},
		"hide_mobile is no flag": {"40035", object{"hide_mobile": "perhaps"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.in(t).refused(test.code, userCreate, newcomer(test.changes))
		})
	}
	if n := len(b.Users()); n != 1 {
		t.Errorf("refused people must not exist: %d", n)
	}
	b.Set(func(k *Knobs) { k.HolderInBody, k.CorpAbroad = true, true })
	b.refused("60103", userCreate, newcomer(nil))
	if out := b.refused("60104", userCreate, newcomer(object{"mobile": "+86-13900000000"})); out["userid"] != "u0" {
		t.Errorf("HolderInBody names the holder: %v", out)
	}
}

func TestUserUpdate(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "研发"})
	b.AddUser(User{UserID: "boss", Name: "老板"})
	b.AddUser(User{
		UserID: "u1", Name: "张三", Mobile: "13800000001", Title: "工程师", Remark: "r", ManagerUserID: "boss",
		Email: "a@example.com", Extension: `{"a":"1","b":"2"}`, LeaderIn: []int64{1},
	})
	user := func() User { u, _ := b.User("u1"); return u }
	update := func(changes object) { t.Helper(); changes["userid"] = "u1"; b.ok(userUpdate, changes) }

	update(object{"title": "高级工程师"})
	if u := user(); u.Title != "高级工程师" || u.Remark != "r" || u.ManagerUserID != "boss" || u.Extension != `{"a":"1","b":"2"}` {
		t.Errorf("absent fields stay: %+v", u)
	}
	update(object{"remark": "", "manager_userid": "", "extension": object{"b": "3"}, "ext_attrs_update_mode": 1})
	if u := user(); u.Remark != "" || u.ManagerUserID != "boss" || u.Extension != `{"a":"1","b":"3"}` {
		t.Errorf("empty text clears, but not the manager; mode 1 adds: %+v", u)
	}
	update(object{"force_update_fields": "manager_userid", "extension": object{"c": "4"}})
	if u := user(); u.ManagerUserID != "" || u.Extension != `{"c":"4"}` {
		t.Errorf("force_update_fields clears the manager, mode 0 replaces the custom fields: %+v", u)
	}
	b.Set(func(k *Knobs) { k.ClearByEmptyString, k.AbsentExtensionClears = false, true })
	update(object{"title": ""})
	if u := user(); u.Title != "高级工程师" || u.Extension != "" {
		t.Errorf("knobs ClearByEmptyString and AbsentExtensionClears: %+v", u)
	}
	update(object{"dept_id_list": fmt.Sprint(dept)})
	if u := user(); !slices.Equal(u.Departments, []int64{dept}) || u.MainDepartment != dept || len(u.LeaderIn) > 0 {
		t.Errorf("dept_id_list replaces all: %+v", u)
	}
	if root, _ := b.Department(1); len(root.Managers) > 0 {
		t.Errorf("who leaves a department no longer manages it: %v", root.Managers)
	}
	b.refused("60112", userUpdate, object{"userid": "u1", "name": ""})
	b.refused("60121", userUpdate, object{"userid": "nobody", "name": "x"})
	b.refused("60106", userUpdate, object{"userid": "boss", "email": "a@example.com"})
	b.refused("400002", userUpdate, object{"name": "x"})
}

func TestMobileOnUpdate(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", Mobile: "13800000001"})
	change := object{"userid": "u1", "mobile": "13800000002", "title": "t"}
	b.ok(userUpdate, object{"userid": "u1", "mobile": "13800000001"})
	b.refused("40022", userUpdate, change)
	if u, _ := b.User("u1"); u.Title != "" {
		t.Error("a refused update applies nothing")
	}
	b.Set(func(k *Knobs) { k.MobileUpdate = MobileIgnored })
	b.ok(userUpdate, change)
	if u, _ := b.User("u1"); u.Title != "t" || u.Mobile != "13800000001" {
		t.Errorf("ignored means the rest is applied: %+v", u)
	}
	b.Set(func(k *Knobs) { k.MobileUpdate = MobileChanged })
	b.ok(userUpdate, change)
	if u, _ := b.User("u1"); u.Mobile != "13800000002" {
		t.Errorf("changed: %+v", u)
	}
}

func TestHRMManagesPositions(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", Title: "t"})
	b.Set(func(k *Knobs) { k.HRMPositions = true })
	b.refused("12150", userUpdate, object{"userid": "u1", "title": "other"})
	b.ok(userUpdate, object{"userid": "u1", "title": "t", "remark": "r"})
}

func TestAbsentFields(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "full", Name: "张三", Mobile: "13800000001", Email: "a@example.com", WorkPlace: "w", Remark: "r", Extension: `{"k":"v"}`})
	b.AddUser(User{UserID: "bare", Name: "李四"})
	has := func(userid string, keys ...string) (present []string) {
		got := b.ok(userGet, object{"userid": userid})
		for _, key := range keys {
			if _, ok := got[key]; ok {
				present = append(present, key)
			}
		}
		return present
	}
	private := []string{"mobile", "state_code", "email", "work_place", "remark", "extension"}
	if got := has("full", private...); !slices.Equal(got, private) {
		t.Errorf("all granted: %v", got)
	}
	if got := has("bare", "manager_userid", "extension", "hired_date", "work_place", "remark", "org_email", "title", "email"); !slices.Equal(got, []string{"title", "email"}) {
		t.Errorf("absent when empty, as documented: %v", got)
	}
	b.Set(func(k *Knobs) { k.EmptyFieldsAbsent = true })
	if got := has("bare", "title", "email", "telephone", "job_number", "avatar"); len(got) != 0 {
		t.Errorf("EmptyFieldsAbsent: %v", got)
	}
	b.Set(func(k *Knobs) { k.MobilePermission, k.PersonalInfoPermission = false, false })
	if got := has("full", private...); len(got) != 0 {
		t.Errorf("nothing granted: %v", got)
	}
}

func TestReadingKnobs(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "u1", Name: "n", Mobile: "+852-51234567", Departments: []int64{1, dept}, Senior: true})
	b.Set(func(k *Knobs) { k.DepartmentsReversed, k.PositionsAbsent, k.ForeignMobilePrefixed = true, true, true })
	got := b.ok(userGet, object{"userid": "u1"})
	if asText(got["dept_id_list"]) != fmt.Sprintf("[%d,1]", dept) || got["dept_position_list"] != nil || got["mobile"] != "+852-51234567" {
		t.Errorf("DepartmentsReversed, PositionsAbsent, ForeignMobilePrefixed: %v", got)
	}
	b.Set(func(k *Knobs) { k.SeniorHidesMobile, k.ExpiredToken = true, 42001 })
	if got := b.ok(userGet, object{"userid": "u1"}); got["mobile"] != nil {
		t.Errorf("SeniorHidesMobile: %v", got)
	}
	b.ExpireTokens()
	b.refused("42001", userGet, object{"userid": "u1"})
}

func TestPendingInvitation(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.ProtectedMobiles = map[string]bool{"13800000001": true} })
	b.refused("40103", userCreate, newcomer(nil))
	b.refused("60121", userGet, object{"userid": "u1"})
	b.refused("40103", userCreate, newcomer(nil))
	if n := len(b.Pending()); n != 1 {
		t.Fatalf("one number has one invitation, got %d", n)
	}
	if err := b.AcceptInvitation("u1"); err != nil {
		t.Fatal(err)
	}
	if got := b.ok(userGet, object{"userid": "u1"}); asText(got["active"]) != "true" {
		t.Errorf("accepted: %v", got)
	}
	if got := b.types(); !slices.Equal(got, []string{"user_add_org", "user_active_org"}) {
		t.Errorf("events: %v", got)
	}
	if b.Repeats()["user mobile 86-13800000001"] != 2 || len(b.Duplicates()) != 0 {
		t.Errorf("two requests, one person: %v %v", b.Repeats(), b.Duplicates())
	}
	if err := b.AcceptInvitation("u1"); err == nil {
		t.Error("nobody is pending any more")
	}
	b.Set(func(k *Knobs) { k.PendingAsSuccess = true; k.ProtectedMobiles["13800000002"] = true })
	if out := b.ok(userCreate, newcomer(object{"userid": "u2", "mobile": "13800000002"})); len(out) != 0 {
		t.Errorf("PendingAsSuccess has no userid: %v", out)
	}
}

func TestDeleteAndReadd(t *testing.T) {
	b := start(t)
	b.ok(userCreate, newcomer(nil))
	b.ok(userDelete, object{"userid": "u1"})
	b.refused("60121", userGet, object{"userid": "u1"})
	b.refused("60121", userDelete, object{"userid": "u1"})
	b.refused("40103", userCreate, newcomer(nil))
	b.clock.add(25 * time.Hour)
	b.login()
	b.ok(userCreate, newcomer(nil))
	b.Set(func(k *Knobs) { k.ReaddWithin24hPending, k.UserNotFoundCode = false, 33012 })
	b.ok(userDelete, object{"userid": "u1"})
	b.refused("33012", userGet, object{"userid": "u1"})
	b.ok(userCreate, newcomer(nil))
}

func TestManagerLeaves(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "boss", Name: "老板", LeaderIn: []int64{1}})
	b.AddUser(User{UserID: "u1", Name: "张三", ManagerUserID: "boss"})
	role := b.AddRole(b.AddRoleGroup("职务"), "总监")
	if err := b.AssignRole(role, "boss"); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveUser("boss"); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("u1"); u.ManagerUserID != "" {
		t.Errorf("the manager is gone: %+v", u)
	}
	if root, _ := b.Department(1); len(root.Managers) != 0 {
		t.Errorf("nobody manages the root: %v", root.Managers)
	}
	for _, r := range b.Roles() {
		if len(r.Members) != 0 {
			t.Errorf("nobody has a role: %+v", r)
		}
	}
}

func TestUserPages(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "研发"})
	for i := range 7 {
		b.clock.add(time.Second)
		b.AddUser(User{
			UserID: fmt.Sprint("u", i), Name: fmt.Sprint("n", i), Departments: []int64{dept}, ManagerUserID: "",
			DeptOrder: map[int64]int64{dept: int64(i % 2)},
		})
	}
	pages := func(path string, size int, extra object) (ids []string) {
		cursor := any(0)
		for {
			request := object{"dept_id": dept, "cursor": cursor, "size": size}
			for k, v := range extra {
				request[k] = v
			}
			out := b.ok(path, request)
			list, _ := out["list"].([]any)
			for _, item := range list {
				ids = append(ids, asText(item.(object)["userid"]))
			}
			more, _ := out["has_more"].(bool)
			next, hasNext := out["next_cursor"]
			if more != hasNext {
				t.Fatalf("next_cursor is there exactly with has_more: %v", out)
			}
			if !more {
				return ids
			}
			cursor = next
		}
	}
	inOrder := []string{"u1", "u3", "u5", "u0", "u2", "u4", "u6"}
	if got := pages(userList, 3, nil); !slices.Equal(got, inOrder) {
		t.Errorf("big order first: %v", got)
	}
	if got := pages("/topapi/user/listsimple", 2, nil); !slices.Equal(got, inOrder) {
		t.Errorf("listsimple: %v", got)
	}
	if got := pages(userList, 3, object{"order_field": "entry_desc"}); !slices.Equal(got, []string{"u6", "u5", "u4", "u3", "u2", "u1", "u0"}) {
		t.Errorf("entry_desc: %v", got)
	}
	first := b.ok(userList, object{"dept_id": dept, "cursor": 0, "size": 1})["list"].([]any)[0].(object)
	if _, ok := first["manager_userid"]; ok || asText(first["dept_order"]) != "1" || asText(first["leader"]) != "false" || first["leader_in_dept"] != nil || first["role_list"] != nil {
		t.Errorf("the list's fields: %v", first)
	}
	if got := b.ok(userList, object{"dept_id": 1, "cursor": 0, "size": 100})["list"].([]any); len(got) != 0 {
		t.Errorf("direct members only: %v", got)
	}
	b.refused("40035", userList, object{"dept_id": dept, "cursor": 0, "size": 101})
	b.refused("40035", userList, object{"dept_id": dept, "size": 1})
	b.refused("60003", userList, object{"dept_id": 5, "cursor": 0, "size": 1})
	b.refused("40009", userList, object{"dept_id": -7, "cursor": 0, "size": 1})
	b.refused("40069", "/topapi/user/listsimple", object{"dept_id": dept, "cursor": 0})
}

func TestLookups(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", Mobile: "13800000001", UnionID: "un1", Active: true, AdminLevel: 1})
	b.AddUser(User{UserID: "u2", Name: "李四", Mobile: "+852-51234567"})
	if got := b.ok("/topapi/v2/user/getbymobile", object{"mobile": "13800000001"}); got["userid"] != "u1" {
		t.Errorf("by mobile: %v", got)
	}
	b.refused("60121", "/topapi/v2/user/getbymobile", object{"mobile": "+852-51234567"})
	if err := b.Activate("u2"); err != nil {
		t.Fatal(err)
	}
	b.ok("/topapi/v2/user/getbymobile", object{"mobile": "+852-51234567"})
	b.refused("60121", "/topapi/v2/user/getbymobile", object{"mobile": "13800000009"})
	b.refused("40104", "/topapi/v2/user/getbymobile", object{"mobile": "x"})
	if got := b.ok("/topapi/user/getbyunionid", object{"unionid": "un1"}); got["userid"] != "u1" || asText(got["contact_type"]) != "0" {
		t.Errorf("by union id: %v", got)
	}
	b.refused("60121", "/topapi/user/getbyunionid", object{"unionid": "un9"})
	b.AddUser(User{UserID: "u3", Name: "王五"})
	if got := b.ok("/topapi/user/count", object{"only_active": "true"}); asText(got["count"]) != "2" {
		t.Errorf("count: %v", got)
	}
	if got := b.old("/topapi/user/listadmin", object{}); asText(got["result"]) != `[{"sys_level":1,"userid":"u1"}]` {
		t.Errorf("admins: %v", got)
	}
	inactive := b.ok("/topapi/inactive/user/v2/get", object{"is_active": false, "offset": 0, "size": 10, "query_date": "20260821"})
	if asText(inactive["list"]) != `["u3"]` {
		t.Errorf("inactive: %v", inactive)
	}
	found := b.v1("POST", "/v1.0/contact/users/search", object{"queryWord": "三", "offset": 0, "size": 5}, 200)
	if asText(found["list"]) != `["u1"]` || asText(found["hasMore"]) != "false" {
		t.Errorf("search: %v", found)
	}
}

func TestLeaveRecords(t *testing.T) {
	b := start(t)
	from := b.clock.now().Format(time.RFC3339)
	for i := range 5 {
		id := b.AddUser(User{UserID: fmt.Sprint("u", i), Name: "n", Mobile: fmt.Sprintf("1380000000%d", i)})
		b.clock.add(time.Minute)
		if i == 0 {
			b.ok(userDelete, object{"userid": id})
		} else if err := b.LeaveUser(id, "leave"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	token := "0"
	for token != "" {
		out := b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 200, "startTime", from, "maxResults", "2", "nextToken", token)
		for _, r := range out["records"].([]any) {
			record := r.(object)
			got = append(got, asText(record["userId"])+" "+asText(record["leaveReason"])+" "+asText(record["leaveTime"])[11:16])
		}
		token = asText(out["nextToken"])
	}
	if want := "u0 oapi 09:01,u1 leave 09:02,u2 leave 09:03,u3 leave 09:04,u4 leave 09:05"; strings.Join(got, ",") != want {
		t.Errorf("want %s, got %v", want, got)
	}
	out := b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 400, "startTime", "2024-01-01T00:00:00Z", "maxResults", "50")
	if out["code"] != "invalidParameter.param.invalid" || out["requestid"] == nil {
		t.Errorf("more than 365 days: %v", out)
	}
	b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 400, "startTime", from, "maxResults", "51")
}

func TestEnterpriseAccounts(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.EnterpriseAccounts = true })
	account := object{
		"userid": "e1", "name": "企业账号", "dept_id_list": 1, "exclusive_account": true, "exclusive_account_type": "dingtalk",
		"login_id": "login1", "init_password": "passw0rd",
	}
	b.ok(userCreate, account)
	if got := b.ok(userGet, object{"login_id": "login1"}); got["userid"] != "e1" || got["exclusive_account_type"] != "dingtalk" {
		t.Errorf("by login: %v", got)
	}
	account["userid"], account["login_id"], account["init_password"] = "e2", "login2", "password"
	b.refused("40035", userCreate, account)
	b.v1("POST", "/v1.0/contact/orgAccounts/disable", object{"userId": "e1"}, 200)
	if u, _ := b.User("e1"); !u.Disabled {
		t.Error("disabled")
	}
	b.v1("POST", "/v1.0/contact/orgAccounts/enable", object{"userId": "nobody"}, 400)
}
