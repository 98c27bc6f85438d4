package dingtalk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Class says what a caller should do about a failure.
type Class int

const (
	// Retry: the same call may succeed later, not before Error.After. Also everything not understood.
	Retry Class = iota + 1
	// Reject: DingTalk refuses this data; only other data helps. Error.Field names the culprit where it is known.
	Reject
	// Missing: the object itself (IsNotFound) or one it refers to (Error.Field) is not there.
	Missing
	// Pending: accepted, but waiting for a person, as an invitation that needs consent (40103). An event will tell.
	Pending
	// Halt: nothing of Error.Scope will work before somebody acts or Error.After has passed.
	Halt
)

// String is the class in lower case, as it appears in logs.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Reject:
		return "reject"
	case Missing:
		return "missing"
	case Pending:
		return "pending"
	case Halt:
		return "halt"
	}
	return "unclassified"
}

// The scopes of a Halt. A scope of one API path is ScopeAPI + path, one of a permission point ScopePermission + point, one of a
// webhook ScopeWebhook + the webhook's name.
const (
	ScopeCounted    = "counted"     // the monthly quota of counted calls is used up (90020, ApiCountLimitForOrg)
	ScopeApp        = "app"         // credentials, a stopped app, a disabled corp
	ScopeIP         = "ip"          // this address is barred or not on the app's list
	ScopeAPI        = "api:"        // prefix
	ScopePermission = "permission:" // prefix
	ScopeWebhook    = "webhook:"    // prefix
)

// Error is the failure of one call; every failure of this package's calls is one (errors.As). It never contains a token or
// a secret. Sources of the classification: 全局错误码, 调用频率限制, and the error tables of the calls' own documents.
type Error struct {
	Class Class
	// Scope of a Halt: "api:<path>", "counted", "app", "ip", "permission:<point>" or "webhook:<name>".
	Scope string
	// After is how long to wait before trying again; 0: no advice.
	After time.Duration
	// Ambiguous: a write may have taken effect all the same. Look before repeating it.
	Ambiguous bool
	// Code is the errcode (the inner code where the gateway wraps it in 88) or the code string of a v1.0 answer; empty
	// where no such answer came.
	Code string
	// Field is the field, by its name in the kind's table, that the failure is about.
	Field string
	// Holder is who already holds a unique value, where the answer tells: the userid with the mobile (60104), the to-do with the
	// sourceId (todo.taskCreate.paramError).
	Holder string
	// RequiredScopes are the permission points that the app lacks.
	RequiredScopes []string
	Message        string // the far side's own words, bounded
	RequestID      string
	API            string // the path of the call
	Status         int    // HTTP status; 0 without an answer
	Err            error  // cause, such as context.Canceled or a transport error

	nature nature
}

// nature is what a failure means to the client itself, besides what it means to the caller.
type nature int

const (
	plainFailure   nature = iota
	tokenFailure          // fetch another token and call once more
	throttleAnswer        // push the path's limiter back
	barAnswer             // let nothing leave for a while
	quotaAnswer           // not counted, as throttled calls are not
)

func (e *Error) tokenRefused() bool { return e.nature == tokenFailure }
func (e *Error) throttled() bool    { return e.nature == throttleAnswer }
func (e *Error) barred() bool       { return e.nature == barAnswer }
func (e *Error) quota() bool        { return e.nature == quotaAnswer }

// Error prints what is known, never a secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("dingtalk")
	if e.API != "" {
		b.WriteString(" " + e.API)
	}
	b.WriteString(": " + e.Class.String())
	if e.Scope != "" {
		b.WriteString(" " + e.Scope)
	}
	if e.Code != "" {
		b.WriteString(", code " + e.Code)
	} else if e.Status != 0 && e.Status != 200 {
		fmt.Fprintf(&b, ", HTTP %d", e.Status)
	}
	if e.Field != "" {
		b.WriteString(", field " + e.Field)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil && e.Err.Error() != e.Message {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Ambiguous {
		b.WriteString(" (it may have taken effect)")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func codeOf(err error) (code, api string) {
	var e *Error
	if !errors.As(err, &e) {
		return "", ""
	}
	return e.Code, e.API
}

// IsThrottled reports that a call was refused because there were too many of them, or because the token had to be renewed: nothing
// is wrong with the call itself.
func IsThrottled(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.throttled() || e.tokenRefused() || e.barred())
}

// IsNotFound reports that the very object a call was about does not exist: 60121 and 33012 for a user, 60003 for a
// department, 33011 for a role, processInstanceNotExist, aflowProcessInstNotExist and 820004 for an approval, formNotExist and
// aflowProcessCodeIsError for the form of a template; for a to-do, a calendar event and a group whatever says so. A reference that does
// not exist, as the department of a user being created, is not meant.
func IsNotFound(err error) bool {
	var e *Error
	if errors.As(err, &e) && e.Class == Missing && e.Field == "" && slices.ContainsFunc(ownKinds, func(path string) bool {
		return strings.HasPrefix(e.API, path)
	}) {
		return true
	}
	code, api := codeOf(err)
	switch code {
	case "60121", "33012":
		return api == "" || strings.Contains(api, "/user/") || api == pathDepartmentParentsByUser
	case "60003":
		return api != pathUserCreate && api != pathUserUpdate && api != pathDepartmentCreate && !strings.Contains(api, "/role/")
	case "33011":
		return api == "" || api == pathRoleGet || api == pathRoleUpdate || api == pathRoleDelete || api == pathRoleMembers
	case "processInstanceNotExist", "aflowProcessInstNotExist":
		return true
	case "820004":
		return api != pathOldStart && api != pathOldIDs
	case "formNotExist", "aflowProcessCodeIsError":
		return api == pathFormSchema
	}
	return false
}

// ownKinds begin the paths of calls where Missing without a Field can only mean what the call is about.
var ownKinds = []string{"/v1.0/todo/", "/v1.0/calendar/", "/v1.0/im/", "/chat/"}

// IsExists reports that the userid asked for at creation is taken (60102), or the sourceId of a to-do.
func IsExists(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == "60102" || e.Code == "todo.taskCreate.paramError" && e.Field == "sourceId")
}

// IsOutOfScope reports that the user (50002) or department (50004) lies outside the app's contacts scope: it may well exist.
func IsOutOfScope(err error) bool {
	code, _ := codeOf(err)
	return code == "50002" || code == "50004"
}

// IsFinished reports that an approval could not be changed because it had ended: decided, withdrawn or revoked.
func IsFinished(err error) bool {
	code, _ := codeOf(err)
	switch code {
	case "aflowProcessInstStatusException", "instance.status.error", "820005", "820006", "820012":
		return true
	}
	return false
}

// refuse makes the error of a value that is wrong before any call is made.
func refuse(api, field, format string, args ...any) *Error {
	return &Error{Class: Reject, API: api, Field: field, Message: fmt.Sprintf(format, args...)}
}
