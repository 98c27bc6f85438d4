package dingtalktest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// checkAccess is the part of the gateway that asks who calls: token, state of the app, address, permission.
func (s *Server) checkAccess(ep *endpoint, r *http.Request, now time.Time) *Refusal {
	if s.knobs.IPRefused {
		return gatewayRefusal(60020, http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList",
			fmt.Sprintf("访问ip不在白名单之中,request ip=203.0.113.7 appKey(%s)", s.appKey))
	}
	if ep.open {
		return nil
	}
	if no := s.checkToken(ep, r, now); no != nil {
		return no
	}
	if s.knobs.AppStopped {
		return gatewayRefusal(50003, http.StatusForbidden, "Forbidden.AccessDenied.AppStopped", texts[50003])
	}
	if s.knobs.CorpDisabled {
		return gatewayRefusal(50005, http.StatusForbidden, "Forbidden.AccessDenied.CorpDisabled", texts[50005])
	}
	if point := ep.permission; point != "" && s.knobs.MissingPermissions[point] {
		text := fmt.Sprintf("应用尚未开通所需的权限：[%s]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=%s , {requiredScopes=[%s]}", point, point, point)
		return gatewayRefusal(60011, http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied", text, point)
	}
	return nil
}

// checkToken looks for the app token where the host expects it: in the URL, or in a header on the new host.
func (s *Server) checkToken(ep *endpoint, r *http.Request, now time.Time) *Refusal {
	var token string
	if ep.style == v1 {
		token = r.Header.Get("x-acs-dingtalk-access-token")
		if token == "" {
			return v1Refusal(http.StatusBadRequest, "AuthenticationFailed.MissingParameter", "缺少x-acs-dingtalk-access-token")
		}
	} else {
		token = r.URL.Query().Get("access_token")
		if token == "" && ep.style == topapi {
			return gatewayRefusal(40000, 0, "", "access_token is blank")
		}
		if token == "" {
			return refuse(41001)
		}
	}
	if end, ok := s.tokens[token]; !ok || !now.Before(end) {
		return gatewayRefusal(s.knobs.ExpiredToken, http.StatusBadRequest, "InvalidAuthentication", texts[40014])
	}
	return nil
}

// rate counts the calls of one path in the present second.
type rate struct {
	second int64
	calls  int
}

// throttle refuses calls over the rate of one path or over the monthly quota.
func (s *Server) throttle(ep *endpoint, now time.Time) *Refusal {
	if s.counts(ep) && (s.knobs.QuotaExhausted || s.knobs.Quota > 0 && s.used(now).calls >= s.knobs.Quota) {
		return gatewayRefusal(90020, http.StatusForbidden, "Forbidden.AccessDenied.ApiCountLimitForOrg", texts[90020])
	}
	if s.knobs.QPS <= 0 {
		return nil
	}
	r := s.rates[ep.path]
	if r == nil {
		r = &rate{}
		s.rates[ep.path] = r
	}
	if second := now.Unix(); r.second != second {
		r.second, r.calls = second, 0
	}
	if r.calls >= s.knobs.QPS {
		return s.throttled(ep, now)
	}
	r.calls++
	return nil
}

// throttled is the answer to a call over a rate (DingTalk document 调用频次与限流).
func (s *Server) throttled(ep *endpoint, now time.Time) *Refusal {
	code, name := 90018, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
	if s.knobs.GlobalThrottle {
		code, name = 90002, "Forbidden.AccessDenied.QpsLimitForApi"
	}
	const layout = "2006-01-02 15:04:05"
	text := fmt.Sprintf("%s,apiPath(%s), 从 %s 到 %s 请求总次数超过 %d 次, 限制将在 %s 结束.", texts[code], apiName(ep.path),
		now.Format(layout), now.Add(time.Second).Format(layout), s.knobs.QPS, now.Add(time.Second).Format(layout))
	return gatewayRefusal(code, http.StatusForbidden, name, text)
}

// apiName is what the gateway calls a topapi path: /topapi/v2/user/get is dingtalk.oapi.v2.user.get.
func apiName(path string) string {
	if name, ok := strings.CutPrefix(path, "/topapi/"); ok {
		return "dingtalk.oapi." + strings.ReplaceAll(name, "/", ".")
	}
	return path
}

// counts tells whether calls of ep go against the monthly quota (DingTalk document 不纳入调用量限制的接口清单).
func (s *Server) counts(ep *endpoint) bool {
	return !ep.free && (!ep.contacts || s.knobs.CountContacts)
}

func (s *Server) countCall(ep *endpoint, now time.Time) {
	if s.counts(ep) {
		s.counted++
		s.used(now).calls++
	}
}

// use is what was used of the quotas in one month.
type use struct {
	month         string
	calls, pushes int
}

// used is the use of the month; another month begins with nothing.
func (s *Server) used(now time.Time) *use {
	if month := now.In(china).Format("2006-01"); s.use.month != month {
		s.use = use{month: month}
	}
	return &s.use
}
