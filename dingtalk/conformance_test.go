package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// The suite runs against the stand-in, which shares no code with the client, and against the server that
// DINGBRIDGE_TEST_DINGTALK_URL names (with …_KEY and …_SECRET of an app that may manage the contacts; it makes departments,
// people and roles named "conformance…" and removes them). What needs an administrator's hand runs on the stand-in only.

func connect(t *testing.T) *dingtalk.Client {
	t.Helper()
	url := os.Getenv("DINGBRIDGE_TEST_DINGTALK_URL")
	if url == "" {
		_, c := standIn(t)
		return c
	}
	return client(t, dingtalk.Config{
		OAPI: url, API: url, Login: url,
		AppKey: os.Getenv("DINGBRIDGE_TEST_DINGTALK_KEY"), AppSecret: os.Getenv("DINGBRIDGE_TEST_DINGTALK_SECRET"),
	})
}

func standIn(t *testing.T) (*dingtalktest.Server, *dingtalk.Client) {
	t.Helper()
	s := dingtalktest.New()
	url, err := s.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, client(t, dingtalk.Config{
		OAPI: url, API: url, Login: url, AppKey: s.AppKey(), AppSecret: s.AppSecret(), QPS: -1, RetryWait: time.Millisecond,
	})
}

func client(t *testing.T, cfg dingtalk.Config) *dingtalk.Client {
	t.Helper()
	c, err := dingtalk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestConformanceContacts(t *testing.T) {
	c, ctx := connect(t), t.Context()
	tag := fmt.Sprint(time.Now().UnixNano())
	department := func(name string, parent int64) int64 {
		id := must(c.Departments.Create(ctx, dingtalk.Object{
			"name": name, "parent_id": fmt.Sprint(parent), "source_identifier": name + tag, "order": 5,
		}))(t)
		t.Cleanup(func() {
			if err := c.Departments.Delete(context.Background(), id); err != nil && !dingtalk.IsNotFound(err) {
				t.Errorf("department %d stays behind: %v", id, err)
			}
		})
		return id
	}
	a := department("conformance a "+tag, dingtalk.RootDepartment)
	b := department("conformance b "+tag, a)

	if d := must(c.Departments.Get(ctx, b))(t); d["parent_id"] != fmt.Sprint(a) || d["order"] != int64(5) || !strings.HasSuffix(d.Text("source_identifier"), tag) {
		t.Errorf("%v", d)
	}
	if ids := must(c.Departments.ListSubIDs(ctx, a))(t); !slices.Equal(ids, []int64{b}) {
		t.Errorf("%v", ids)
	}
	if ids := must(c.Departments.Parents(ctx, b))(t); !slices.Equal(ids, []int64{b, a, 1}) {
		t.Errorf("%v", ids)
	}
	var walked []string
	for d, err := range c.Departments.Walk(ctx, []int64{a}) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, d.Text("dept_id"))
	}
	if !slices.Equal(walked, []string{fmt.Sprint(b)}) {
		t.Errorf("%v", walked)
	}
	_, err := c.Departments.Create(ctx, dingtalk.Object{"name": "conformance b " + tag, "parent_id": a})
	wantField(t, err, "60021", "name")

	mobile := "139" + tag[len(tag)-8:]
	user := dingtalk.Object{
		"userid": "conf" + tag, "name": "conformance", "mobile": mobile, "dept_id_list": []string{fmt.Sprint(a)},
		"title": "工程师", "job_number": "J" + tag[len(tag)-8:], "email": "c" + tag + "@example.com", "remark": "r", "work_place": "w",
	}
	made := must(c.Users.Create(ctx, user))(t)
	t.Cleanup(func() {
		if err := c.Users.Delete(context.Background(), made.UserID); err != nil && !dingtalk.IsNotFound(err) {
			t.Errorf("user %s stays behind: %v", made.UserID, err)
		}
	})
	if made.UserID != "conf"+tag || made.UnionID == "" {
		t.Errorf("%+v", made)
	}
	again := dingtalk.Object{"userid": made.UserID, "name": "n", "mobile": "138" + tag[len(tag)-8:], "dept_id_list": fmt.Sprint(a)}
	if _, err := c.Users.Create(ctx, again); !dingtalk.IsExists(err) {
		t.Errorf("%v", err)
	}
	again["userid"], again["mobile"] = "other"+tag, mobile
	_, err = c.Users.Create(ctx, again)
	wantField(t, err, "60104", "mobile")

	u := must(c.Users.Get(ctx, made.UserID))(t)
	for field, want := range map[string]any{"name": "conformance", "mobile": mobile, "title": "工程师", "email": user["email"], "unionid": made.UnionID} {
		if u[field] != want {
			t.Errorf("%s = %v, want %v", field, u[field], want)
		}
	}
	if ids := u.IDs("dept_id_list"); !slices.Equal(ids, []string{fmt.Sprint(a)}) {
		t.Errorf("%v", ids)
	}
	if err := c.Users.Update(ctx, dingtalk.Object{"userid": made.UserID, "dept_id_list": []int64{a, b}, "manager_userid": made.UserID}, "remark"); err != nil {
		t.Fatal(err)
	}
	u = must(c.Users.Get(ctx, made.UserID))(t)
	if u.Text("remark") != "" || u["manager_userid"] != made.UserID || len(u.IDs("dept_id_list")) != 2 || u["title"] != "工程师" {
		t.Errorf("%v", u)
	}
	if err := c.Users.Update(ctx, dingtalk.Object{"userid": made.UserID}, "manager_userid"); err != nil {
		t.Fatal(err)
	}
	if u = must(c.Users.Get(ctx, made.UserID))(t); u.Text("manager_userid") != "" {
		t.Errorf("%v", u)
	}
	if ids := must(c.Users.ListIDs(ctx, b))(t); !slices.Equal(ids, []string{made.UserID}) {
		t.Errorf("%v", ids)
	}
	for u, err := range c.Users.List(ctx, b) {
		if err != nil || u["userid"] != made.UserID || u["mobile"] != mobile {
			t.Errorf("%v %v", u, err)
		}
	}
	if id := must(c.Users.GetByUnionID(ctx, made.UnionID))(t); id != made.UserID {
		t.Errorf("%q", id)
	}
	if chains := must(c.Departments.ParentsByUser(ctx, made.UserID))(t); len(chains) != 2 {
		t.Errorf("%v", chains)
	}

	err = c.Departments.Update(ctx, dingtalk.Object{"dept_id": b, "dept_manager_userid_list": []string{"nobody" + tag}})
	wantField(t, err, "40031", "dept_manager_userid_list")
	if err := c.Departments.Update(ctx, dingtalk.Object{"dept_id": b, "dept_manager_userid_list": []string{made.UserID}}); err != nil {
		t.Fatal(err)
	}
	if d := must(c.Departments.Get(ctx, b))(t); !slices.Equal(d.IDs("dept_manager_userid_list"), []string{made.UserID}) {
		t.Errorf("%v", d)
	}
	if err := c.Departments.Update(ctx, dingtalk.Object{"dept_id": b}, "dept_manager_userid_list"); err != nil {
		t.Fatal(err)
	}
	if d := must(c.Departments.Get(ctx, b))(t); len(d.IDs("dept_manager_userid_list")) != 0 {
		t.Errorf("%v", d)
	}
	if err := c.Departments.Delete(ctx, b); err == nil || dingtalk.IsNotFound(err) {
		t.Errorf("a department with members: %v", err)
	}

	if err := c.Users.Delete(ctx, made.UserID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Users.Get(ctx, made.UserID); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	if err := c.Users.Delete(ctx, made.UserID); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	left := false
	for r, err := range c.Contacts.LeaveRecords(ctx, time.Now().Add(-time.Hour), time.Now().Add(time.Minute)) {
		if err != nil {
			t.Fatal(err)
		}
		left = left || r.UserID == made.UserID && r.Reason == "oapi" && !r.LeaveTime.IsZero()
	}
	if !left {
		t.Error("no leave record")
	}
	if s := must(c.Contacts.Scopes(ctx))(t); len(s.Departments) == 0 {
		t.Errorf("%+v", s)
	}
	if _, err := c.Departments.Get(ctx, 987654321); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

func wantField(t *testing.T, err error, code, field string) {
	t.Helper()
	var e *dingtalk.Error
	if !errors.As(err, &e) || e.Class != dingtalk.Reject || e.Code != code || e.Field != field {
		t.Errorf("%v: want a rejection %s of %s", err, code, field)
	}
}

func TestConformanceRoles(t *testing.T) {
	c, ctx := connect(t), t.Context()
	tag := fmt.Sprint(time.Now().UnixNano())
	group := must(c.Roles.CreateGroup(ctx, "conformance "+tag))(t)
	role := must(c.Roles.Create(ctx, dingtalk.Object{"name": "r" + tag[8:], "group_id": group}))(t)
	made := must(c.Users.Create(ctx, dingtalk.Object{"name": "conformance", "mobile": "137" + tag[len(tag)-8:], "dept_id_list": "1"}))(t)
	t.Cleanup(func() {
		if err := c.Users.Delete(context.Background(), made.UserID); err != nil {
			t.Error(err)
		}
	})
	if err := c.Roles.Assign(ctx, []int64{role}, []string{made.UserID}); err != nil {
		t.Fatal(err)
	}
	var members []string
	for m, err := range c.Roles.Members(ctx, role) {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m.Text("userid"))
	}
	if !slices.Equal(members, []string{made.UserID}) {
		t.Errorf("%v", members)
	}
	if err := c.Roles.Update(ctx, dingtalk.Object{"id": role, "name": "s" + tag[8:]}); err != nil {
		t.Fatal(err)
	}
	if r := must(c.Roles.Get(ctx, role))(t); r["name"] != "s"+tag[8:] || r["group_id"] != fmt.Sprint(group) {
		t.Errorf("%v", r)
	}
	if name, roles, err := c.Roles.Group(ctx, group); err != nil || name != "conformance "+tag || len(roles) != 1 {
		t.Errorf("%q %v %v", name, roles, err)
	}
	listed := false
	for r, err := range c.Roles.List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		listed = listed || r["id"] == fmt.Sprint(role) && r["group_name"] == "conformance "+tag
	}
	if !listed {
		t.Error("not listed")
	}
	if err := c.Roles.Unassign(ctx, []int64{role}, []string{made.UserID}); err != nil {
		t.Fatal(err)
	}
	if err := c.Roles.Delete(ctx, role); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Roles.Get(ctx, role); err == nil {
		t.Error("still there")
	}
}
