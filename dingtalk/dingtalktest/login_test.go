package dingtalktest

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// authorise opens the sign-in page and returns where it sends the browser.
func (b *bench) authorise(changes map[string]string) (int, url.Values) {
	b.t.Helper()
	query := url.Values{
		"redirect_uri": {"https://bridge.example/callback?x=1"}, "response_type": {"code"}, "client_id": {"key"},
		"scope": {"openid"}, "state": {"s&1"}, "prompt": {"consent"},
	}
	for k, v := range changes {
		query.Set(k, v)
	}
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/oauth2/auth?"+query.Encode(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, to.Query()
}

func TestWebLogin(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", Mobile: "13800000001", UnionID: "un1"})
	if status, to := b.authorise(nil); status != 302 || to.Get("error") == "" || to.Get("state") != "s&1" {
		t.Errorf("nobody signs in: %d %v", status, to)
	}
	if status, _ := b.authorise(map[string]string{"client_id": "other"}); status != 200 {
		t.Errorf("another app is not sent back: %d", status)
	}
	b.LoginAs("u1")
	_, to := b.authorise(nil)
	if to.Get("authCode") == "" || to.Get("code") != to.Get("authCode") || to.Get("state") != "s&1" || to.Get("x") != "1" {
		t.Fatalf("sent back with %v", to)
	}
	exchange := object{"clientId": "key", "clientSecret": "secret", "grantType": "authorization_code", "code": to.Get("authCode")}
	const path = "/v1.0/oauth2/userAccessToken"
	tokens := b.v1("POST", path, exchange, 200)
	if out := b.v1("POST", path, exchange, 400); out["code"] != "invalidParameter.authCode.notFound" {
		t.Errorf("a code works once: %v", out)
	}
	app := b.token
	b.token = tokens["accessToken"].(string)
	me := b.v1("GET", "/v1.0/contact/users/me", nil, 200)
	if me["unionId"] != "un1" || me["nick"] != "张三" || me["mobile"] != "13800000001" {
		t.Errorf("profile: %v", me)
	}
	refresh := object{"clientId": "key", "clientSecret": "secret", "grantType": "refresh_token", "refreshToken": tokens["refreshToken"]}
	b.v1("POST", path, refresh, 200)
	b.v1("POST", path, refresh, 400)
	b.v1("POST", path, object{"clientId": "key", "clientSecret": "x"}, 400)
	b.v1("POST", path, object{"clientId": "key", "clientSecret": "secret", "grantType": "x"}, 400)
	b.clock.add(2 * time.Hour)
	b.v1("GET", "/v1.0/contact/users/me", nil, 400)
	b.login()
	if out := b.v1("GET", "/v1.0/contact/users/me", nil, 403); out["code"] != "Forbidden.AccessDenied.AccessTokenPermissionDenied" || b.token == app {
		t.Errorf("an app token is no user token: %v", out)
	}
	_, to = b.authorise(nil)
	b.clock.add(5 * time.Minute)
	exchange["code"] = to.Get("authCode")
	b.v1("POST", path, exchange, 400)
}

func TestLoginInsideDingTalk(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", AdminLevel: 2})
	const path = "/topapi/v2/user/getuserinfo"
	code := b.LoginCode("u1")
	got := b.ok(path, object{"code": code})
	if got["userid"] != "u1" || asText(got["sys"]) != "true" || asText(got["sys_level"]) != "2" || got["unionid"] == "" {
		t.Errorf("user info: %v", got)
	}
	b.refused("40078", path, object{"code": code})
	late := b.LoginCode("u1")
	b.clock.add(5 * time.Minute)
	b.refused("40078", path, object{"code": late})
	b.LoginAs("u1")
	_, to := b.authorise(nil)
	b.refused("40078", path, object{"code": to.Get("authCode")})
}
