package dingtalktest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	b := start(t)
	first := b.token
	b.clock.add(time.Hour)
	if b.login(); b.token != first {
		t.Fatal("within its life the token is the same")
	}
	b.clock.add(90 * time.Minute)
	b.ok(deptGet, object{"dept_id": 1}) // the repeated call has extended it
	b.clock.add(time.Hour)
	b.refused("40014", deptGet, object{"dept_id": 1})
	out := b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 400)
	if out["code"] != "InvalidAuthentication" {
		t.Errorf("on the new host: %v", out)
	}
	out = b.old("/auth/scopes", nil)
	if asText(out["errcode"]) != "40014" {
		t.Errorf("a legacy path answers plainly: %v", out)
	}
	if b.login(); b.token == first {
		t.Fatal("after expiry there is a new one")
	}
	b.ExpireTokens()
	b.refused("40014", deptGet, object{"dept_id": 1})

	b.token = ""
	b.refused("40000", deptGet, object{"dept_id": 1})
	b.refused("41001", "/auth/scopes", nil)
	if out := b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 400); out["code"] != "AuthenticationFailed.MissingParameter" {
		t.Errorf("no header: %v", out)
	}
}

func TestTokenEndpoints(t *testing.T) {
	b := start(t)
	for name, test := range map[string]struct {
		path   string
		body   object
		status int
		code   string
	}{
		"bad secret":       {"/v1.0/oauth2/accessToken", object{"appKey": "key", "appSecret": "x"}, 400, "invalidClientIdOrSecret"},
		"no secret":        {"/v1.0/oauth2/accessToken", object{"appKey": "key"}, 400, "MissingappSecret"},
		"no body":          {"/v1.0/oauth2/accessToken", nil, 400, "Missingbody"},
		"bad client":       {"/v1.0/oauth2/dingcorp/token", object{"client_id": "key", "client_secret": "x", "grant_type": "client_credentials"}, 400, "invalid.client"},
		"bad grant":        {"/v1.0/oauth2/dingcorp/token", object{"client_id": "key", "client_secret": "secret", "grant_type": "x"}, 400, "unsupported.grant.type"},
		"unknown corp":     {"/v1.0/oauth2/dingother/token", object{"client_id": "key", "client_secret": "secret", "grant_type": "client_credentials"}, 500, "unknownError"},
		"unknown path":     {"/v1.0/nothing", object{}, 404, "InvalidAction.NotFound"},
		"stream, bad pair": {"/v1.0/gateway/connections/open", object{"clientId": "key", "clientSecret": "x"}, 401, "authFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			if out := b.in(t).v1("POST", test.path, test.body, test.status); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	out := b.v1("POST", "/v1.0/oauth2/dingcorp/token", object{"client_id": "key", "client_secret": "secret", "grant_type": "client_credentials"}, 200)
	if out["access_token"] != b.token || asText(out["expires_in"]) != "7200" {
		t.Errorf("both endpoints give one token: %v", out)
	}
	_, data, err := b.raw("GET", "/gettoken", url.Values{"appkey": {"key"}, "appsecret": {"secret"}}, nil, nil)
	if err != nil || b.decode(data)["access_token"] != b.token {
		t.Errorf("gettoken: %s %v", data, err)
	}
	for query, want := range map[string]string{"appkey=key&appsecret=x": "40096", "": "40035"} {
		values, _ := url.ParseQuery(query)
		if _, data, _ := b.raw("GET", "/gettoken", values, nil, nil); code(b.decode(data)) != want {
			t.Errorf("gettoken?%s: %s", query, data)
		}
	}
	status, data, err := b.raw("POST", "/v1.0/oauth2/accessToken", nil, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, object{"appKey": "key"})
	if err != nil || status != 400 || b.decode(data)["code"] != "Missingbody" {
		t.Errorf("a form is no body: %d %s", status, data)
	}
	for _, r := range b.Journal() {
		if strings.Contains(string(r.Body)+r.Query.Encode(), "secret") {
			t.Errorf("the journal keeps no secrets: %+v", r)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	b := start(t)
	out := b.refused("60003", deptGet, object{"dept_id": 5})
	if asText(out["errcode"]) != "60003" || out["request_id"] == nil {
		t.Errorf("business errors are plain: %v", out)
	}
	b.Set(func(k *Knobs) { k.MissingPermissions = map[string]bool{readDepartments: true, readContactsBase: true} })
	out = b.refused("60011", deptGet, object{"dept_id": 1})
	if asText(out["errcode"]) != "88" || !strings.Contains(asText(out["sub_msg"]), "requiredScopes=[qyapi_get_department_list]") || !strings.HasPrefix(asText(out["errmsg"]), "ding talk error[subcode=60011,") {
		t.Errorf("gateway errors are wrapped: %v", out)
	}
	out = b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 403)
	if out["code"] != "Forbidden.AccessDenied.AccessTokenPermissionDenied" || asText(out["accessdenieddetail"]) != `{"requiredScopes":["Contact.Common.Read"]}` {
		t.Errorf("on the new host: %v", out)
	}
	for want, set := range map[string]func(*Knobs){
		"50003": func(k *Knobs) { k.AppStopped = true },
		"50005": func(k *Knobs) { k.AppStopped, k.CorpDisabled = false, true },
		"60020": func(k *Knobs) { k.IPRefused = true },
	} {
		b := start(t)
		b.Set(set)
		b.refused(want, deptGet, object{"dept_id": 1})
	}
	if out := b.old("/topapi/none/such", object{}); asText(out["errcode"]) != "22" {
		t.Errorf("unknown topapi path: %v", out)
	}
	if out := b.old("/none/such", object{}); asText(out["errcode"]) != "404" {
		t.Errorf("unknown plain path: %v", out)
	}
	b.refused("43002", deptGet, nil)
	b.refused("43001", "/auth/scopes", object{})
	b.refused("40033", "/role/add_role_group", object{"name": "a<b"}) // encoding/json writes < as an escape
}

func TestThrottling(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.QPS = 2 })
	for range 2 {
		b.ok(deptGet, object{"dept_id": 1})
	}
	out := b.refused("90018", deptGet, object{"dept_id": 1})
	if asText(out["errcode"]) != "88" || !strings.Contains(asText(out["sub_msg"]), "apiPath(dingtalk.oapi.v2.department.get)") {
		t.Errorf("wrapped, with the path: %v", out)
	}
	b.old(deptSub, object{}) // another path has a rate of its own
	b.clock.add(time.Second)
	b.ok(deptGet, object{"dept_id": 1})
	b.Set(func(k *Knobs) { k.GlobalThrottle = true })
	b.Fail(Path(deptSub), 1, Throttled)
	b.refused("90002", deptSub, object{})
	b.old(deptSub, object{})
	b.Fail(Path("/v1.0/contact/empLeaveRecords"), 1, Throttled)
	if out := b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 403); out["code"] != "Forbidden.AccessDenied.QpsLimitForApi" {
		t.Errorf("on the new host: %v", out)
	}
	if b.RejectedCount() != 3 {
		t.Errorf("three were rejected, not %d", b.RejectedCount())
	}
}

func TestBanAndQuota(t *testing.T) {
	b := start(t)
	b.Ban(5 * time.Minute)
	_, data, err := b.raw("POST", deptGet, url.Values{"access_token": {b.token}}, nil, object{"dept_id": 1})
	if err != nil || asText(b.decode(data)["status"]) != "1111" || b.decode(data)["errcode"] != nil {
		t.Errorf("not an envelope: %s %v", data, err)
	}
	b.clock.add(5 * time.Minute)
	b.ok(deptGet, object{"dept_id": 1})

	b.Set(func(k *Knobs) { k.QuotaExhausted = true })
	b.ok(deptGet, object{"dept_id": 1}) // contacts are free
	b.Set(func(k *Knobs) { k.CountContacts, k.QuotaExhausted, k.Quota = true, false, 1 })
	b.ok(deptGet, object{"dept_id": 1})
	b.refused("90020", deptGet, object{"dept_id": 1})
	if b.CountedCalls() != 1 {
		t.Errorf("counted: %d", b.CountedCalls())
	}
	b.clock.add(31 * 24 * time.Hour) // another month
	b.login()
	b.ok(deptGet, object{"dept_id": 1})
	b.refused("90020", deptGet, object{"dept_id": 1})
}

func TestFailures(t *testing.T) {
	b := start(t)
	create := newcomer(nil)
	send := func() (int, string) {
		status, data, err := b.raw("POST", userCreate, url.Values{"access_token": {b.token}}, nil, create)
		if err != nil {
			return 0, "cut"
		}
		return status, string(data)
	}
	b.Fail(AnyWrite, 1, DropBefore)
	if _, got := send(); got != "cut" || len(b.Users()) != 0 {
		t.Errorf("dropped before: %s", got)
	}
	b.Fail(Path(userCreate), 1, Status(502))
	if status, got := send(); status != 502 || !strings.HasPrefix(got, "<html>") || len(b.Users()) != 0 {
		t.Errorf("status: %d %s", status, got)
	}
	b.Fail(Path(userCreate), 1, ErrCode(-1, "系统繁忙"))
	b.refused("-1", userCreate, create)
	b.Fail(Path(userCreate), 1, GatewayErr(50005, "x"))
	if out := b.refused("50005", userCreate, create); asText(out["errcode"]) != "88" {
		t.Errorf("wrapped: %v", out)
	}
	b.Fail(AnyRequest, 1, BanPage)
	if _, got := send(); !strings.Contains(got, "1111") {
		t.Errorf("ban page: %s", got)
	}
	b.Fail(Path("/v1.0/contact/empLeaveRecords"), 1, V1Err(500, "unknownError", "x"))
	b.v1("GET", "/v1.0/contact/empLeaveRecords", nil, 500)
	b.Fail(Path(userCreate), 1, DropAfter)
	if _, got := send(); got != "cut" || len(b.Users()) != 1 {
		t.Errorf("dropped after: %s, but it was applied", got)
	}
	b.refused("60102", userCreate, create)
	b.Fail(AnyRequest, -1, Status(500))
	b.ClearFailures()
	b.ok(userGet, object{"userid": "u1"})

	var codes []string
	for _, r := range b.Journal() {
		if r.Path == userCreate {
			codes = append(codes, r.Code+"/"+r.Failure)
		}
	}
	want := []string{"/drop before", "502/status", "-1/errcode", "50005/gateway error", "1111/ban page", "0/drop after", "60102/"}
	if !slices.Equal(codes, want) {
		t.Errorf("journal: %v", codes)
	}
	if b.Calls(userCreate) != 7 || b.Writes() != 7 || b.Repeats()["user mobile 86-13800000001"] != 2 {
		t.Errorf("counts: %d calls, %d writes, %v", b.Calls(userCreate), b.Writes(), b.Repeats())
	}
}

func TestHangEndsWithTheCaller(t *testing.T) {
	b := start(t)
	b.Fail(Path(userCreate), -1, HangAfter)
	b.http.Timeout = 50 * time.Millisecond
	for len(b.Users()) == 0 { // a slow machine may need more than one try
		if _, _, err := b.raw("POST", userCreate, url.Values{"access_token": {b.token}}, nil, newcomer(nil)); err == nil {
			t.Fatal("a hanging call has no answer")
		}
	}
	b.Fail(Path(deptGet), -1, Hang)
	if _, _, err := b.raw("POST", deptGet, url.Values{"access_token": {b.token}}, nil, object{"dept_id": 1}); err == nil {
		t.Fatal("a hanging call has no answer")
	}
}

func TestHookRunsOutsideTheLock(t *testing.T) {
	b := start(t)
	var seen []string
	b.OnRequest(func(r Request) {
		seen = append(seen, r.Path)
		if r.Path == userGet {
			b.AddUser(User{UserID: "u1", Name: "made by the hook"})
		}
	})
	b.ok(userGet, object{"userid": "u1"})
	if !slices.Equal(seen, []string{userGet}) {
		t.Errorf("seen: %v", seen)
	}
}

func TestScope(t *testing.T) {
	b := start(t)
	in := b.AddDepartment(Department{Name: "in"})
	below := b.AddDepartment(Department{Name: "below", ParentID: in})
	out := b.AddDepartment(Department{Name: "out"})
	b.AddUser(User{UserID: "uin", Name: "n", Mobile: "13800000001", Departments: []int64{below, out}, Active: true})
	b.AddUser(User{UserID: "uout", Name: "n", Mobile: "13800000002", UnionID: "un", Departments: []int64{out}, Active: true})
	b.Scope(in)
	b.ScopeUsers("guest")
	scopes := b.old("/auth/scopes", nil)["auth_org_scopes"].(object)
	if asText(scopes["authed_dept"]) != asText([]int64{in}) || asText(scopes["authed_user"]) != `["guest"]` {
		t.Errorf("auth/scopes: %v", scopes)
	}
	b.ok(userGet, object{"userid": "uin"})
	b.ok(deptGet, object{"dept_id": below})
	for _, test := range []struct {
		code, path string
		body       object
	}{
		{"50002", userGet, object{"userid": "uout"}},
		{"50002", userUpdate, object{"userid": "uout", "title": "x"}},
		{"50002", userDelete, object{"userid": "uout"}},
		{"50002", "/topapi/v2/user/getbymobile", object{"mobile": "13800000002"}},
		{"50002", "/topapi/user/getbyunionid", object{"unionid": "un"}},
		{"50004", userCreate, newcomer(object{"dept_id_list": out})},
		{"50004", userList, object{"dept_id": out, "cursor": 0, "size": 10}},
		{"50004", deptGet, object{"dept_id": out}},
		{"50004", deptSub, object{}},
		{"50004", deptCreate, object{"name": "x", "parent_id": out}},
		{"50004", deptUpdate, object{"dept_id": below, "parent_id": out}},
		{"50004", deptDelete, object{"dept_id": out}},
		{"60121", userGet, object{"userid": "nobody"}},
	} {
		b.refused(test.code, test.path, test.body)
	}
	if got := b.ok("/topapi/user/listid", object{"dept_id": out}); asText(got["userid_list"]) != `["uin","uout"]` {
		t.Errorf("listid is not limited: %v", got)
	}
	if got := b.ok("/topapi/v2/department/listsubid", object{"dept_id": 1}); asText(got["dept_id_list"]) != asText([]int64{in, out}) {
		t.Errorf("listsubid is not limited: %v", got)
	}
	b.Set(func(k *Knobs) { k.LookupIgnoresScope = true })
	b.ok("/topapi/v2/user/getbymobile", object{"mobile": "13800000002"})
	b.ScopeUsers("uout")
	b.ok(userGet, object{"userid": "uout"})
}

func TestStaleReads(t *testing.T) {
	b := start(t)
	a := b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "old", Name: "n", Mobile: "13800000009", Active: true, Departments: []int64{a}})
	b.Set(func(k *Knobs) { k.StaleReads, k.ReaddWithin24hPending = 3*time.Second, false })
	members := func() string { return asText(b.ok("/topapi/user/listid", object{"dept_id": a})["userid_list"]) }
	count := func() string { return asText(b.ok("/topapi/user/count", object{"only_active": false})["count"]) }

	b.ok(userCreate, newcomer(object{"dept_id_list": a}))
	b.ok(userUpdate, object{"userid": "old", "title": "new"})
	b.refused("60121", userGet, object{"userid": "u1"})
	b.refused("60102", userCreate, newcomer(nil)) // writes see the present
	if got := b.ok(userGet, object{"userid": "old"}); got["title"] != "" {
		t.Errorf("the old title: %v", got["title"])
	}
	if members() != `["old"]` || count() != "1" {
		t.Errorf("lists are late too: %s %s", members(), count())
	}
	b.clock.add(2 * time.Second)
	b.ok(userUpdate, object{"userid": "old", "title": "newer"})
	b.clock.add(time.Second)
	if got := b.ok(userGet, object{"userid": "old"}); got["title"] != "new" {
		t.Errorf("each version for its time: %v", got["title"])
	}
	if members() != `["old","u1"]` || count() != "2" {
		t.Errorf("now they are there: %s %s", members(), count())
	}
	b.ok(userDelete, object{"userid": "old"})
	b.ok("/topapi/v2/user/getbymobile", object{"mobile": "13800000009"})
	sub := b.ok(deptCreate, object{"name": "B", "parent_id": a})["dept_id"]
	b.refused("60003", deptGet, object{"dept_id": sub})
	if got := b.old(deptSub, object{"dept_id": a}); asText(got["result"]) != "[]" {
		t.Errorf("departments as well: %v", got)
	}
	b.clock.add(3 * time.Second)
	b.refused("60121", "/topapi/v2/user/getbymobile", object{"mobile": "13800000009"})
	if got := b.old(deptSub, object{"dept_id": a}); !strings.Contains(asText(got["result"]), `"B"`) {
		t.Errorf("departments as well: %v", got)
	}
}

func TestFormBodies(t *testing.T) {
	b := start(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+userCreate+"?access_token="+b.token,
		strings.NewReader(url.Values{"userid": {"f1"}, "name": {"张三"}, "mobile": {"13800000001"}, "dept_id_list": {"1"}, "extension": {`{"k":"v"}`}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if u, ok := b.User("f1"); !ok || u.Name != "张三" || u.Extension != `{"k":"v"}` {
		t.Errorf("a form is as good: %+v", u)
	}
	if last := b.Journal()[len(b.Journal())-1]; last.Params()["name"] != "张三" {
		t.Errorf("Params reads forms: %v", last.Params())
	}
}
