package dingtalk

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// The shapes that the documents print and those that were seen.
func TestParseCallback(t *testing.T) {
	for _, c := range []struct {
		plain                 string
		kind, id, corp        string
		born                  int64
		users, depts, roleIDs []string
	}{
		{
			`{"EventType":"user_add_org","CorpId":"ding1","TimeStamp":"1608000000000","UserId":["u1001"],"OptStaffId":"u1000","eventId":"e1"}`,
			"user_add_org", "e1", "ding1", 1608000000000,
			[]string{"u1001"},
			nil, nil,
		},
		{
			`{"EventType":"user_modify_org","EventTime":1608017258073,"CorpId":"ding1","BizId":"b","eventId":"e2","timeStamp":"1","userId":["a","b","a"],"diffInfo":[{"prev":{},"curr":{},"userid":"a"}]}`,
			"user_modify_org", "e2", "ding1", 1608017258073,
			[]string{"a", "b"},
			nil, nil,
		},
		{`{"EventType":"org_dept_remove","DeptId":[432825033,5],"eventId":"e3"}`, "org_dept_remove", "e3", "", 0, nil, []string{"432825033", "5"}, nil},
		{`{"EventType":"label_user_change","UserIdList":["u1"],"action":"add","LabelIdList":[1881],"eventId":"e4"}`, "label_user_change", "e4", "", 0, []string{"u1"}, nil, []string{"1881"}},
		{`{"EventType":"check_in","StaffId":"u1","TimeStamp":1495542282000,"eventId":"e5"}`, "check_in", "e5", "", 1495542282000, []string{"u1"}, nil, nil},
		{`{"EventType":"attendance_check_record","eventId":"e6","DataList":[{"userId":"u1"},{"userId":"u2"},{"userId":"u1"}]}`, "attendance_check_record", "e6", "", 0, []string{"u1", "u2"}, nil, nil},
		{`{"EventType":"check_url"}`, "check_url", "", "", 0, nil, nil, nil},
	} {
		e, err := ParseCallback([]byte(c.plain))
		if err != nil {
			t.Errorf("%s: %v", c.plain, err)
			continue
		}
		if c.id == "" && !strings.HasPrefix(e.ID, "sha256:") || c.id != "" && e.ID != c.id {
			t.Errorf("%s: id %q", c.plain, e.ID)
		}
		if e.Type != c.kind || e.CorpID != c.corp || e.QuotaExceeded() || string(e.Data) != c.plain {
			t.Errorf("%s: %+v", c.plain, e)
		}
		if c.born == 0 != e.Born.IsZero() || c.born != 0 && !e.Born.Equal(time.UnixMilli(c.born)) {
			t.Errorf("%s: born %v", c.plain, e.Born)
		}
		if !slices.Equal(e.UserIDs(), c.users) || !slices.Equal(e.DepartmentIDs(), c.depts) || !slices.Equal(e.RoleIDs(), c.roleIDs) {
			t.Errorf("%s: %v %v %v", c.plain, e.UserIDs(), e.DepartmentIDs(), e.RoleIDs())
		}
	}
}

func TestEventsWithoutIDDifferByContent(t *testing.T) {
	a, _ := ParseCallback([]byte(`{"EventType":"org_change","n":1}`))
	b, _ := ParseCallback([]byte(`{"EventType":"org_change","n":2}`))
	again, _ := ParseCallback([]byte(`{"EventType":"org_change","n":1}`))
	if a.ID == b.ID || a.ID != again.ID || a.ID == "" {
		t.Errorf("%s %s %s", a.ID, b.ID, again.ID)
	}
}

func TestQuotaNotice(t *testing.T) {
	for _, plain := range []string{
		`{"errCode":20001,"errMsg":"quota"}`, `{"errorCode":"20001","errMsg":"quota"}`, `{"EventType":"bpms_task_change","ErrCode":"20001"}`,
	} {
		if e, err := ParseCallback([]byte(plain)); err != nil || !e.QuotaExceeded() {
			t.Errorf("%s: %+v %v", plain, e, err)
		}
	}
}

func TestParseCallbackRefuses(t *testing.T) {
	for _, bad := range []string{``, `[]`, `"x"`, `{}`, `{"EventType":""}`, `{"errCode":5}`, `{"EventType":"x"}}`, `{"EventType":"x","p":"` + strings.Repeat("p", MaxEvent) + `"}`} {
		if _, err := ParseCallback([]byte(bad)); !errors.Is(err, ErrEvent) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestLookup(t *testing.T) {
	e := Event{Data: []byte(`{"UserID":"upper","userId":"exact","n":5}`)}
	if v, ok := e.Lookup("userId"); !ok || v != "exact" {
		t.Errorf("%v: the exact key goes first", v)
	}
	if v, ok := e.Lookup("N"); !ok || v != int64(5) {
		t.Errorf("%#v", v)
	}
	if _, ok := e.Lookup("x"); ok {
		t.Error("found")
	}
	if _, ok := (Event{}).Lookup("x"); ok {
		t.Error("found in nothing")
	}
}
