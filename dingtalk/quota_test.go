package dingtalk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// taken is what TakeCalls tells, one "caller path class n" each, in order.
func taken(c *Client) string {
	calls := c.TakeCalls()
	slices.SortFunc(calls, func(a, b CallCount) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Caller, b.Caller)) })
	var lines []string
	for _, call := range calls {
		class := "free"
		if call.Counted {
			class = "counted"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %d", call.Caller, call.Path, class, call.N))
	}
	return strings.Join(lines, "\n")
}

func TestCallsAreCountedForTheirCaller(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, inTurn(ok(`{"errcode":0,"result":{"count":1}}`), ok(`{"errcode":60121,"errmsg":"refused for its contents"}`)))
	f.on(pathUserGet, func(call) reply { return reply{drop: true} })
	f.on(PathCallbacksFailed, inTurn(
		ok(`{"errcode":0,"has_more":false,"failed_list":[]}`), ok(`{"errcode":90018,"errmsg":"slow"}`), status(502, "<html>"), ok(`{"errcode":90020,"errmsg":"gone"}`)))
	c := f.client(func(cfg *Config) { cfg.QPS = -1; cfg.Retries = -1 })
	if _, err := c.Token(bg()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		_, _ = c.Users.Count(WithCaller(bg(), "employees"), false)
		for range c.Callbacks.Failed(bg()) {
		}
	}
	if _, err := c.Users.Get(bg(), "u"); err == nil {
		t.Error("an answer came")
	}
	want := " /call_back/get_call_back_failed_result counted 1\nemployees /topapi/user/count free 4\n /v1.0/oauth2/accessToken free 1"
	if got := taken(c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := taken(c); again != "" {
		t.Errorf("taken twice: %s", again)
	}
}

func TestWhatCounts(t *testing.T) {
	f := newFar(t)
	usual := f.client()
	edition := f.client(func(c *Config) {
		c.Counted = []string{"/topapi/", "user_modify_org"}
		c.Free = []string{"/topapi/v2/department/", "/call_back/", "check_in"}
	})
	for _, c := range []struct {
		name           string
		usual, edition bool
	}{
		{pathToken, false, false},
		{pathUserGet, false, true},
		{pathDepartmentGet, false, false},
		{pathScopes, false, false},
		{pathStreamOpen, false, false},
		{pathRoleCreate, false, false},
		{PathCallbacksFailed, true, false},
		{pathInstances, true, true},
		{pathInstanceIDs, true, true},
		{pathFormSchema, true, true},
		{pathOldGet, true, true},
		{pathAttendanceFinish, true, true},
		{pathLeaveTypes, true, true},
		{"bpms_instance_change", true, true},
		{pathNoticeSend, true, true},
		{pathNoticeResult, true, true},
		{pathMediaUpload, true, true},
		{pathRobotPersons, true, true},
		{pathDingSend, true, true},
		{pathWebhook, false, false},
		{pathSessionWebhook, false, false},
		{"/v1.0/something/new", true, true},
		{"user_add_org", false, false},
		{"user_modify_org", false, true},
		{"check_in", true, false},
		{"", true, true},
	} {
		if got := usual.Counts(c.name); got != c.usual {
			t.Errorf("%s counts: %t", c.name, got)
		}
		if got := edition.Counts(c.name); got != c.edition {
			t.Errorf("%s counts in the edition: %t", c.name, got)
		}
	}
	if !usual.ListCounts("approval") || !usual.ListCounts("approval_template") || usual.ListCounts("attendance_approval") {
		t.Error("listing approvals")
	}
	if usual.ListCounts("user") || !edition.ListCounts("user") || edition.ListCounts("department") {
		t.Error("listing")
	}
	for _, bad := range [][2][]string{{{"/topapi/"}, {"/topapi/"}}, {{"/topapi/*"}, nil}, {nil, {""}}} {
		if _, err := New(Config{AppKey: "k", AppSecret: "s", Counted: bad[0], Free: bad[1]}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestQuotaGone: what counts waits without a call, what is free goes on, and it is tried again when the pause or the month is over.
func TestQuotaGone(t *testing.T) {
	f := newFar(t)
	var gone atomic.Bool
	f.on(PathCallbacksFailed, func(call) reply {
		if gone.Load() {
			return reply{body: `{"errcode":90020,"errmsg":"本月调用量已用完"}`}
		}
		return reply{body: `{"errcode":0,"has_more":false,"failed_list":[]}`}
	})
	f.on(pathUserCount, ok(`{"errcode":0,"result":{"count":1}}`))
	now := time.Date(2026, 8, 31, 12, 0, 0, 0, standardZone)
	c := f.client(func(cfg *Config) { cfg.Now = func() time.Time { return now } })
	read := func() (e *Error) {
		for _, err := range c.Callbacks.Failed(bg()) {
			errors.As(err, &e)
		}
		return e
	}
	expect := func(what string, wait time.Duration, calls int, isGone bool) {
		t.Helper()
		e := read()
		switch {
		case wait == 0 && e != nil:
			t.Errorf("%s: %v", what, e)
		case wait > 0 && (e == nil || e.Class != Halt || e.Scope != ScopeCounted || e.After != wait):
			t.Errorf("%s: %+v, want a wait of %s", what, e, wait)
		}
		if n := len(f.called(PathCallbacksFailed)); n != calls {
			t.Errorf("%s: %d calls were made, want %d", what, n, calls)
		}
		if is := c.QuotaGone(); (is != nil) != isGone || isGone && (is.Code != "90020" || is.After != wait) {
			t.Errorf("%s: gone is %v", what, is)
		}
	}
	expect("at first", 0, 1, false)
	gone.Store(true)
	expect("used up", time.Hour, 2, true)
	now = now.Add(20 * time.Minute)
	expect("within the pause", 40*time.Minute, 2, true)
	if _, err := c.Users.Count(bg(), false); err != nil {
		t.Errorf("what is free stopped: %v", err)
	}
	now = now.Add(40 * time.Minute)
	expect("tried again", time.Hour, 3, true)
	gone.Store(false)
	now = now.Add(time.Hour)
	expect("raised", 0, 4, false)

	gone.Store(true)
	now = time.Date(2026, 8, 31, 23, 50, 0, 0, standardZone)
	expect("shortly before the month turns", 11*time.Minute, 5, true)
	gone.Store(false)
	now = time.Date(2026, 9, 1, 0, 1, 0, 0, standardZone)
	if is := c.QuotaGone(); is != nil {
		t.Error("gone into the next month")
	}
	expect("in the next month", 0, 6, false)
}

// TestCallsBelievedFree: a call that is refused for the quota counts, whatever the documents say.
func TestCallsBelievedFree(t *testing.T) {
	f := newFar(t)
	f.on(pathUserGet, inTurn(ok(`{"errcode":88,"sub_code":"90020","sub_msg":"gone"}`), ok(`{"errcode":0,"result":{"userid":"u"}}`)))
	f.on(pathDepartmentGet, ok(`{"errcode":0,"result":{"dept_id":2}}`))
	now := time.Date(2026, 8, 10, 12, 0, 0, 0, standardZone)
	c := f.client(func(cfg *Config) { cfg.Now = func() time.Time { return now } })
	for range 2 {
		var e *Error
		if _, err := c.Users.Get(bg(), "u"); !errors.As(err, &e) || e.Scope != ScopeCounted {
			t.Errorf("%v", err)
		}
	}
	if n := len(f.called(pathUserGet)); n != 1 || !c.Counts(pathUserGet) {
		t.Errorf("%d calls were made", n)
	}
	if _, err := c.Departments.Get(bg(), 2); err != nil {
		t.Error(err)
	}
	now = now.Add(time.Hour)
	if _, err := c.Users.Get(bg(), "u"); err != nil {
		t.Error(err)
	}
	if got := taken(c); !strings.Contains(got, pathUserGet+" counted 1") || !strings.Contains(got, pathDepartmentGet+" free 1") {
		t.Error(got)
	}
}
