package dingtalktest

import (
	"fmt"
	"net/http"
	"strings"
)

// issueToken returns the app token and its life in seconds. Within its life a repeated call returns the same token
// and extends it; afterwards a new one is made (DingTalk document 获取企业内部应用的accessToken).
func (s *Server) issueToken(c *call) (token string, seconds int64) {
	life := s.knobs.TokenLife
	if end, ok := s.tokens[s.token]; !ok || !c.now.Before(end) {
		s.tokenSeq++
		delete(s.tokens, s.token)
		s.token = fmt.Sprintf("apptoken%08d", s.tokenSeq)
	}
	s.tokens[s.token] = c.now.Add(life)
	return s.token, int64(life.Seconds())
}

// ExpireTokens ends every app token at once, as DingTalk does when the secret is reset.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
	s.token = ""
}

// accessToken is POST /v1.0/oauth2/accessToken.
func (s *Server) accessToken(c *call) (any, *Refusal) {
	if !strings.HasPrefix(c.request.Header.Get("Content-Type"), "application/json") || len(c.params) == 0 {
		return nil, v1Refusal(http.StatusBadRequest, "Missingbody", "body is mandatory for this action.")
	}
	for _, key := range []string{"appKey", "appSecret"} {
		if c.params.text(key) == "" {
			return nil, v1Refusal(http.StatusBadRequest, "Missing"+key, key+" is mandatory for this action.")
		}
	}
	if c.params.text("appKey") != s.appKey || c.params.text("appSecret") != s.appSecret {
		return nil, v1Refusal(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	token, seconds := s.issueToken(c)
	return map[string]any{"accessToken": token, "expireIn": seconds}, nil
}

// corpToken is POST /v1.0/oauth2/{corpId}/token.
func (s *Server) corpToken(c *call) (any, *Refusal) {
	if c.request.PathValue("corpId") != s.corpID {
		return nil, v1Refusal(http.StatusInternalServerError, "unknownError", "未知错误")
	}
	if c.params.text("client_id") != s.appKey || c.params.text("client_secret") != s.appSecret {
		return nil, v1Refusal(http.StatusBadRequest, "invalid.client", "client_id or client_secret is invalid")
	}
	if c.params.text("grant_type") != "client_credentials" {
		return nil, v1Refusal(http.StatusBadRequest, "unsupported.grant.type", "grant_type is not supported")
	}
	token, seconds := s.issueToken(c)
	return map[string]any{"access_token": token, "expires_in": seconds}, nil
}

// oldToken is GET /gettoken.
func (s *Server) oldToken(c *call) (any, *Refusal) {
	key, secret := c.params.text("appkey"), c.params.text("appsecret")
	if key == "" {
		return nil, refusef(40035, "缺少参数 corpid or appkey")
	}
	if key != s.appKey || secret != s.appSecret {
		return nil, refuse(40096)
	}
	token, seconds := s.issueToken(c)
	return topLevel{"access_token": token, "expires_in": seconds}, nil
}
