package dingtalk

import (
	"bytes"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dingbridge/redact"
)

// maxMessage bounds the far side's words in an error, in characters.
const maxMessage = 500

// judge reads an answer of either generation: the object at its top level if it says success, else the classified failure, in which
// the far side's words stand without the secrets.
func judge(r request, status int, header http.Header, body []byte, now time.Time, secrets *redact.Words) (Object, *Error) {
	answer, err := decodeObject(body)
	if err != nil {
		return judgeOther(r, status, header, body)
	}
	good, e := judgeObject(r, status, answer, now, secrets)
	if e != nil {
		e.RequestID = secrets.Cut(or(answer.Text("request_id"), or(answer.Text("requestid"), answer.Text("requestId"))), 100)
	}
	return good, e
}

func judgeObject(r request, status int, answer Object, now time.Time, secrets *redact.Words) (Object, *Error) {
	e := &Error{API: r.path, Status: status}
	if answer.Text("status") == "1111" && answer["errcode"] == nil && answer["code"] == nil {
		vBarred.apply(e, r, nil)
		e.Message = "too many calls from this address: DingTalk bars it"
		if minutes, ok := answer.Int("wait"); ok && minutes > 0 {
			e.After = time.Duration(min(minutes, 60)) * time.Minute
		}
		return nil, e
	}
	if _, ok := answer["errcode"]; ok { // also of api.dingtalk.com, for an unknown path
		return judgeOld(r, answer, e, now, secrets)
	}
	if r.v1 {
		return judgeNew(r, answer, e, now, secrets)
	}
	// The old generation always says errcode: without it nothing is known.
	e.Class, e.Ambiguous, e.Message = Retry, !r.read, "an answer without errcode"
	if status >= 400 && answer["code"] != nil { // the gateway answering in the new envelope
		return judgeNew(r, answer, e, now, secrets)
	}
	return nil, e
}

var subcodeInText = regexp.MustCompile(`subcode=(-?\d+)`)

func judgeOld(r request, answer Object, e *Error, now time.Time, secrets *redact.Words) (Object, *Error) {
	code, message := answer.Text("errcode"), answer.Text("errmsg")
	if code == "0" {
		if e.Status >= 500 {
			e.Class, e.Ambiguous, e.Message = Retry, !r.read, secrets.Cut(message, maxMessage)
			return nil, e
		}
		return answer, nil
	}
	if code == "88" { // the gateway's refusal, wrapped
		if sub := answer.Text("sub_code"); sub != "" {
			code = sub
		} else if m := subcodeInText.FindStringSubmatch(message); m != nil {
			code = m[1]
		}
	}
	if code == "88" || code == answer.Text("sub_code") || message == "" {
		message = or(answer.Text("sub_msg"), message)
	}
	message = secrets.Text(message)
	e.Code, e.Message = secrets.Cut(code, 80), cut(message, maxMessage)
	v := oldCode(code, r.path)
	if _, err := strconv.Atoi(code); err != nil { // a gateway code in the new spelling
		v = newCode(code, r.path, e.Status, now)
	}
	v.apply(e, r, requiredScopes(answer, message, secrets))
	if v.class == Reject {
		e.Field = or(e.Field, failedComponent(e.Message))
		e.Holder = secrets.Cut(or(answer.Text("userid"), answer.object("result").Text("userid")), 64)
	}
	return nil, e
}

func judgeNew(r request, answer Object, e *Error, now time.Time, secrets *redact.Words) (Object, *Error) {
	if e.Status >= 200 && e.Status < 300 {
		return answer, nil
	}
	code := answer.Text("code")
	e.Code, e.Message = secrets.Cut(code, 80), secrets.Cut(answer.Text("message"), maxMessage)
	v, told := fromWords(code, e.Message)
	if !told {
		v = newCode(code, r.path, e.Status, now)
	}
	v.apply(e, r, requiredScopes(answer, e.Message, secrets))
	if m := taskInText.FindStringSubmatch(e.Message); m != nil && IsExists(e) {
		e.Holder = m[1]
	}
	if e.Class == Reject {
		e.Field = or(e.Field, failedComponent(e.Message))
	}
	return nil, e
}

// judgeOther judges what is no JSON object. A page with a status that is no server failure is the one that bars this address
// (调用频率限制); anything else came from some server on the way.
func judgeOther(r request, status int, header http.Header, body []byte) (Object, *Error) {
	if text := string(bytes.TrimSpace(body)); r.v1 && status >= 200 && status < 300 && (text == "" || text == "null") {
		return Object{}, nil // some v1.0 calls answer success with nothing
	}
	e := &Error{Class: Retry, API: r.path, Status: status, Ambiguous: !r.read, Message: "the answer is no JSON object"}
	page := strings.Contains(header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	switch {
	case page && (status == 200 || status == 403 || status == 405 || status == 429):
		vBarred.apply(e, r, nil)
		e.Message = "a web page instead of an answer: DingTalk bars this address"
	case status == 404:
		vNotOffered.apply(e, r, nil)
		e.Message = "no such address; is the base URL right?"
	case status == 429:
		vThrottled.apply(e, r, nil)
	case status >= 300 && status < 400:
		vNotOffered.apply(e, r, nil)
		e.Message = "a redirect, which is not followed; is the base URL right?"
	}
	return nil, e
}

var componentInText = regexp.MustCompile(`失败控件[:：]\s*([^\n]{1,200})`)

// failedComponent finds the component of a form that a refusal is about (发起审批实例: formConverterError, "失败控件：%s"), as a field.
func failedComponent(message string) string {
	m := componentInText.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	label := strings.Trim(m[1], " \t。.!！\"'“”「」")
	if labels := labelList(label); labels != nil {
		label = labels[0]
	}
	if label == "" {
		return ""
	}
	return FormPrefix + label
}

// taskInText finds the to-do that already carries a sourceId.
var taskInText = regexp.MustCompile(`taskId is ([A-Za-z0-9_-]{1,128})`)

var (
	scopesInText = regexp.MustCompile(`requiredScopes=\[([^\]]{1,400})\]`)
	scopeInText  = regexp.MustCompile(`\[([A-Za-z][A-Za-z0-9_.]{2,80})\]`)
)

// requiredScopes finds the permission points that an answer says are missing.
func requiredScopes(answer Object, message string, secrets *redact.Words) []string {
	for _, key := range []string{"accessdenieddetail", "AccessDeniedDetail", "accessDeniedDetail"} {
		if scopes := answer.object(key).IDs("requiredScopes"); len(scopes) > 0 {
			return bounded(scopes, secrets)
		}
	}
	if m := scopesInText.FindStringSubmatch(message); m != nil {
		return bounded(idList(m[1]), secrets)
	}
	if m := scopeInText.FindStringSubmatch(message); m != nil {
		return []string{m[1]}
	}
	return nil
}

func bounded(scopes []string, secrets *redact.Words) []string {
	scopes = scopes[:min(len(scopes), 20)]
	for i, s := range scopes {
		scopes[i] = secrets.Cut(s, 80)
	}
	return scopes
}
