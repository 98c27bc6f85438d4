package dingtalktest

import (
	"net/http"
	"slices"
	"time"
)

// Failure is a way for a call to go wrong. Use the variables and functions of this package to get one.
type Failure struct {
	name    string
	applied bool // the call takes effect first
	drop    bool // the connection is cut without an answer
	hang    bool // no answer until the caller gives up or the server closes
	ban     bool // the page of the IP ban
	status  int  // a bare HTTP status
	limit   bool // the throttling answer of the path's envelope
	refusal *Refusal
}

// The failures without parameters.
var (
	DropBefore = Failure{name: "drop before", drop: true}               // the connection is cut, nothing was applied
	DropAfter  = Failure{name: "drop after", drop: true, applied: true} // applied, the answer is lost
	Hang       = Failure{name: "hang", hang: true}                      // nothing is applied and no answer comes
	HangAfter  = Failure{name: "hang after", hang: true, applied: true} // applied, but no answer comes
	BanPage    = Failure{name: "ban page", ban: true}                   // {"status":1111,…} of the IP ban, this call only; see Ban
	Throttled  = Failure{name: "throttled", limit: true}                // 88/90018 or 403 QpsLimitForAppkeyAndApi
)

// Status fails calls with a bare HTTP status and an HTML body, as a proxy would.
func Status(code int) Failure { return Failure{name: "status", status: code} }

// ErrCode fails calls with a business code of the old host, in the plain envelope.
func ErrCode(code int, msg string) Failure {
	return Failure{name: "errcode", refusal: &Refusal{Code: code, Message: msg, status: http.StatusBadRequest}}
}

// GatewayErr fails calls with a gateway code: errcode 88 and sub_code on topapi paths, plain elsewhere.
func GatewayErr(subCode int, msg string) Failure {
	return Failure{name: "gateway error", refusal: &Refusal{Code: subCode, Message: msg, gateway: true, status: http.StatusForbidden}}
}

// V1Err fails calls with a status, a code string and a message of the new host.
func V1Err(status int, code, msg string) Failure {
	return Failure{name: "v1 error", refusal: &Refusal{Code: -1, Message: msg, status: status, v1: code}}
}

// Path matches requests to one path, such as /topapi/v2/user/create.
func Path(path string) func(Request) bool {
	return func(r Request) bool { return r.Path == path }
}

// AnyRequest matches every request.
func AnyRequest(Request) bool { return true }

// AnyWrite matches the requests that would change something.
func AnyWrite(r Request) bool { return r.Write }

type failureRule struct {
	match func(Request) bool
	left  int
	how   Failure
}

// Fail makes the next n requests that match go wrong; n < 0 means every one until ClearFailures. Rules are tried in
// the order they were added. match runs outside the server's lock and may be called from several goroutines.
func (s *Server) Fail(match func(Request) bool, n int, how Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n != 0 {
		s.failures = append(s.failures, &failureRule{match: match, left: n, how: how})
	}
}

// ClearFailures drops all rules of Fail and lifts a ban.
func (s *Server) ClearFailures() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.bannedUntil = nil, time.Time{}
}

// Ban bars the caller's address from all APIs for d on the server's clock. DingTalk does so for five minutes above
// 10,000 calls in 20 s and answers with something that is not its envelope (document 调用频率限制).
func (s *Server) Ban(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bannedUntil = s.now().Add(d)
}

// failureFor picks and spends the rule that applies to r.
func (s *Server) failureFor(r Request) *Failure {
	s.mu.Lock()
	rules := slices.Clone(s.failures)
	s.mu.Unlock()
	for _, rule := range rules {
		if rule.match(r) && s.spend(rule) {
			how := rule.how
			return &how
		}
	}
	return nil
}

// spend takes one use of a rule; false means that others have used it up.
func (s *Server) spend(rule *failureRule) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rule.left == 0 {
		return false
	}
	if rule.left > 0 {
		rule.left--
	}
	if rule.left == 0 {
		s.failures = slices.DeleteFunc(s.failures, func(r *failureRule) bool { return r == rule })
	}
	return true
}
