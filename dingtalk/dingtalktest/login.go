package dingtalktest

import (
	"maps"
	"net/http"
	"net/url"
	"time"
)

// login is all about sign-in that needs the server's lock.
type login struct {
	user   string // who the sign-in page lets in
	codes  map[string]loginCode
	tokens map[string]userToken
}

// loginCode is a temporary authorisation code: single use, five minutes.
type loginCode struct {
	userid string
	end    time.Time
	inApp  bool // from the client inside DingTalk (免登), not from the sign-in page
}

type userToken struct {
	userid  string
	end     time.Time
	refresh bool
}

// codeLife is the validity of a temporary code (DingTalk document 通过免登码获取用户信息).
const codeLife = 5 * time.Minute

// LoginAs chooses who stands before the sign-in page; "" makes the page answer that the person refused.
func (s *Server) LoginAs(userid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login.user = userid
}

// LoginCode makes a code as the client inside DingTalk hands it to a page (免登), for topapi/v2/user/getuserinfo.
func (s *Server) LoginCode(userid string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.makeCode(userid, true)
}

func (s *Server) makeCode(userid string, inApp bool) string {
	now := s.now()
	maps.DeleteFunc(s.login.codes, func(_ string, c loginCode) bool { return !now.Before(c.end) })
	maps.DeleteFunc(s.login.tokens, func(_ string, t userToken) bool { return !now.Before(t.end) })
	code := randomText(24)
	s.login.codes[code] = loginCode{userid: userid, end: now.Add(codeLife), inApp: inApp}
	return code
}

// spendCode uses up a code and finds its person; nil when the code is unknown, used, late or of another kind.
func (s *Server) spendCode(code string, inApp bool, now time.Time) *person {
	c, ok := s.login.codes[code]
	if !ok || c.inApp != inApp {
		return nil
	}
	delete(s.login.codes, code)
	if !now.Before(c.end) {
		return nil
	}
	return s.dir.users[c.userid]
}

// authPage is GET login.dingtalk.com/oauth2/auth: it sends the browser straight back with a code.
func (s *Server) authPage(c *call) (any, *Refusal) {
	target, err := url.Parse(c.params.text("redirect_uri"))
	if err != nil || target.Host == "" {
		return nil, missing(40035, "redirect_uri")
	}
	for key, want := range map[string]string{"client_id": s.appKey, "response_type": "code", "prompt": "consent"} {
		if c.params.text(key) != want {
			return nil, missing(40035, key)
		}
	}
	if scope := c.params.text("scope"); scope != "openid" && scope != "openid corpid" {
		return nil, missing(40035, "scope")
	}
	query := target.Query()
	if s.dir.users[s.login.user] == nil {
		query.Set("error", "access_denied")
	} else {
		code := s.makeCode(s.login.user, false)
		query.Set("authCode", code)
		query.Set("code", code)
	}
	if state := c.params.text("state"); state != "" {
		query.Set("state", state)
	}
	target.RawQuery = query.Encode()
	return redirect(target.String()), nil
}

// userAccessToken is POST /v1.0/oauth2/userAccessToken (获取用户token).
func (s *Server) userAccessToken(c *call) (any, *Refusal) {
	if c.params.text("clientId") != s.appKey || c.params.text("clientSecret") != s.appSecret {
		return nil, v1Refusal(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	var userid string
	switch c.params.text("grantType") {
	case "authorization_code":
		p := s.spendCode(c.params.text("code"), false, c.now)
		if p == nil {
			return nil, v1Refusal(http.StatusBadRequest, "invalidParameter.authCode.notFound", texts[40078])
		}
		userid = p.UserID
	case "refresh_token":
		t, ok := s.login.tokens[c.params.text("refreshToken")]
		if !ok || !t.refresh || !c.now.Before(t.end) {
			return nil, v1Refusal(http.StatusBadRequest, "invalidRefreshToken", "无效的refreshToken")
		}
		delete(s.login.tokens, c.params.text("refreshToken"))
		userid = t.userid
	default:
		return nil, v1Refusal(http.StatusBadRequest, "invalidGrantType", "grantType is invalid")
	}
	life := s.knobs.TokenLife
	access, refresh := "user"+randomText(24), "refresh"+randomText(20)
	s.login.tokens[access] = userToken{userid: userid, end: c.now.Add(life)}
	s.login.tokens[refresh] = userToken{userid: userid, end: c.now.AddDate(0, 0, 30), refresh: true}
	return map[string]any{
		"accessToken": access, "refreshToken": refresh, "expireIn": int64(life.Seconds()), "corpId": s.corpID,
	}, nil
}

// profile is GET /v1.0/contact/users/me (获取用户通讯录个人信息); it needs a user token.
func (s *Server) profile(c *call) (any, *Refusal) {
	token := c.request.Header.Get("x-acs-dingtalk-access-token")
	if _, isApp := s.tokens[token]; isApp || s.knobs.MissingPermissions[readOwnProfile] {
		return nil, gatewayRefusal(60011, http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied", texts[60011], readOwnProfile)
	}
	t, ok := s.login.tokens[token]
	if !ok || t.refresh || !c.now.Before(t.end) {
		return nil, v1Refusal(http.StatusBadRequest, "InvalidAuthentication", texts[40014])
	}
	p := s.dir.users[t.userid]
	if p == nil {
		return nil, v1Refusal(http.StatusNotFound, "invalidParameter.user.notFound", texts[60121])
	}
	out := map[string]any{"nick": p.Name, "openId": "open" + p.UnionID, "unionId": p.UnionID}
	setIf(out, "avatarUrl", p.Avatar)
	setIf(out, "email", p.Email)
	if s.knobs.MobilePermission {
		setIf(out, "mobile", p.Mobile)
		setIf(out, "stateCode", p.StateCode)
	}
	return out, nil
}

// userInfo is /topapi/v2/user/getuserinfo (通过免登码获取用户信息).
func (s *Server) userInfo(c *call) (any, *Refusal) {
	p := s.spendCode(c.params.text("code"), true, c.now)
	if p == nil {
		return nil, refuse(40078)
	}
	return map[string]any{
		"userid": p.UserID, "device_id": "stand-in", "sys": p.AdminLevel > 0, "sys_level": p.AdminLevel,
		"associated_unionid": p.UnionID, "unionid": p.UnionID, "name": p.Name,
	}, nil
}
