package dingtalk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

func TestStandInPagesToTheEnd(t *testing.T) {
	s, c := standIn(t)
	const people, departments, roles = 250, 30, 450
	s.Quiet(func() {
		for i := range people {
			s.AddUser(dingtalktest.User{Name: fmt.Sprint("n", i), Mobile: fmt.Sprint(13800000000 + i)})
		}
		for i := range departments {
			s.AddDepartment(dingtalktest.Department{Name: fmt.Sprint("d", i)})
		}
		group := s.AddRoleGroup("g")
		for i := range roles {
			s.AddRole(group, fmt.Sprint("r", i))
		}
	})
	seen := map[string]bool{}
	for u, err := range c.Users.List(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		seen[u.Text("userid")] = true
	}
	if len(seen) != people {
		t.Errorf("%d people", len(seen))
	}
	clear(seen)
	for d, err := range c.Departments.Walk(t.Context(), []int64{1}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[d.Text("dept_id")] = true
	}
	if len(seen) != departments {
		t.Errorf("%d departments", len(seen))
	}
	clear(seen)
	for r, err := range c.Roles.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Text("id")] = true
	}
	if want := len(s.Roles()); len(seen) != want {
		t.Errorf("%d of %d roles", len(seen), want)
	}
}

func TestStandInMisfortunes(t *testing.T) {
	s, c := standIn(t)
	ctx := t.Context()
	newUser := func(id string) dingtalk.Object {
		return dingtalk.Object{"userid": id, "name": "n", "mobile": "138000000" + id, "dept_id_list": "1"}
	}
	var e *dingtalk.Error

	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
	if _, err := c.Users.Create(ctx, newUser("01")); !errors.As(err, &e) || e.Class != dingtalk.Retry || !e.Ambiguous {
		t.Errorf("answer lost: %v", err)
	}
	if _, err := c.Users.Create(ctx, newUser("01")); !dingtalk.IsExists(err) {
		t.Errorf("the caller looks and finds: %v", err)
	}
	if n := s.Calls("/topapi/v2/user/create"); n != 2 || len(s.Duplicates()) != 0 {
		t.Errorf("%d calls, duplicates %v", n, s.Duplicates())
	}
	s.ExpireTokens()
	if _, err := c.Users.Create(ctx, newUser("02")); err != nil {
		t.Errorf("expired token: %v", err)
	}
	s.Fail(dingtalktest.AnyRequest, 1, dingtalktest.Throttled)
	if _, err := c.Users.Get(ctx, "01"); !errors.As(err, &e) || e.Class != dingtalk.Retry || e.Code != "90018" || e.After <= 0 {
		t.Errorf("throttled: %v", err)
	}
	s.Fail(dingtalktest.AnyRequest, 1, dingtalktest.Status(502))
	if _, err := c.Users.Get(ctx, "01"); err != nil {
		t.Errorf("a read is repeated: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.ProtectedMobiles = map[string]bool{"13800000003": true} })
	if _, err := c.Users.Create(ctx, newUser("03")); !errors.As(err, &e) || e.Class != dingtalk.Pending {
		t.Errorf("invited: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) {
		k.PendingAsSuccess, k.ProtectedMobiles = true, map[string]bool{"13800000004": true}
	})
	if _, err := c.Users.Create(ctx, newUser("04")); !errors.As(err, &e) || e.Class != dingtalk.Pending {
		t.Errorf("invited, as success: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.HolderInBody = true })
	if _, err := c.Users.Create(ctx, dingtalk.Object{"userid": "x", "name": "n", "mobile": "13800000001", "dept_id_list": "1"}); !errors.As(err, &e) || e.Field != "mobile" || e.Holder != "01" {
		t.Errorf("holder: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{"qyapi_get_member": true} })
	if _, err := c.Users.Get(ctx, "01"); !errors.As(err, &e) || e.Scope != "permission:qyapi_get_member" {
		t.Errorf("permission: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = nil; k.HRMPositions = true })
	wantField(t, c.Users.Update(ctx, dingtalk.Object{"userid": "01", "title": "t"}), "12150", "title")
	s.Scope()
	if _, err := c.Users.Get(ctx, "01"); !dingtalk.IsOutOfScope(err) || dingtalk.IsNotFound(err) {
		t.Errorf("scope: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.IPRefused = true })
	if _, err := c.Users.Get(ctx, "01"); !errors.As(err, &e) || e.Class != dingtalk.Halt || e.Scope != dingtalk.ScopeIP {
		t.Errorf("address: %v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.IPRefused = false })
	s.Ban(time.Minute)
	before := len(s.Journal())
	for range 3 {
		if _, err := c.Users.Get(ctx, "01"); !errors.As(err, &e) || e.Class != dingtalk.Halt || e.Scope != dingtalk.ScopeIP || e.After <= 0 {
			t.Errorf("barred: %v", err)
		}
	}
	if n := len(s.Journal()) - before; n != 1 {
		t.Errorf("%d calls left during the bar", n)
	}
}

func TestStandInStream(t *testing.T) {
	s, c := standIn(t)
	s.Set(func(k *dingtalktest.Knobs) {
		k.Scale(0.005)
		k.Duplicate, k.Reorder, k.HoldWithoutClients, k.RedeliverMax = 0.3, 0.3, true, 100
	})
	events := make(chan dingtalk.Event, 1000)
	failing := make(chan struct{}, 3)
	for range cap(failing) {
		failing <- struct{}{}
	}
	stream, err := dingtalk.NewStream(dingtalk.StreamConfig{
		Client: c, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		Handler: func(_ context.Context, e dingtalk.Event) error {
			select {
			case <-failing:
				return errors.New("not now")
			default:
			}
			events <- e
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- stream.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if err := s.WaitStream(ctx, 1); err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for i := range 40 {
		missing[s.AddUser(dingtalktest.User{Name: "n", Mobile: fmt.Sprint(13800000000 + i)})] = true
		if i == 20 {
			s.DisconnectStreams()
		}
	}
	deadline := time.After(20 * time.Second)
	for len(missing) > 0 {
		select {
		case e := <-events:
			if e.Type != "user_add_org" || e.CorpID != s.CorpID() || e.ID == "" || e.Born.IsZero() {
				t.Errorf("%+v", e)
			}
			for _, id := range e.UserIDs() {
				delete(missing, id)
			}
		case <-deadline:
			t.Fatalf("%d events never came", len(missing))
		}
	}
}

func TestStandInCallbacks(t *testing.T) {
	s, c := standIn(t)
	s.Set(func(k *dingtalktest.Knobs) { k.Scale(0.001); k.PushTimeout = 10 * time.Second })
	const token, key = "tok123", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	crypter := must(dingtalk.NewCrypter(token, key, s.AppKey()))(t)
	got := make(chan dingtalk.Event, 100)
	var broken atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Encrypt string `json:"encrypt"`
		}
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
			return
		}
		q := r.URL.Query()
		plain, err := crypter.Decrypt(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), body.Encrypt)
		if err != nil {
			t.Error(err)
			return
		}
		e, err := dingtalk.ParseCallback(plain)
		if err != nil {
			t.Error(err)
			return
		}
		got <- e
		reply, err := crypter.Encrypt([]byte("success"))
		if err != nil {
			t.Error(err)
			return
		}
		if err := json.NewEncoder(w).Encode(reply); err != nil {
			t.Error(err)
		}
	}))
	defer receiver.Close()
	s.Callback(receiver.URL, token, key)
	if err := s.CheckCallback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := <-got; e.Type != "check_url" {
		t.Errorf("%+v", e)
	}
	for _, upper := range []bool{false, true} {
		s.Set(func(k *dingtalktest.Knobs) { k.UpperCamelEvents = upper })
		id := s.AddUser(dingtalktest.User{Name: "n", Mobile: map[bool]string{false: "13800000000", true: "13900000000"}[upper]})
		if id == "" {
			t.Fatal("not added")
		}
		for e := range got {
			if slices.Contains(e.UserIDs(), id) {
				break
			}
		}
	}
	broken.Store(true)
	id := s.AddUser(dingtalktest.User{Name: "n", Mobile: "13700000000"})
	if err := s.FlushEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	var failed []string
	for page, err := range c.Callbacks.Failed(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if e.Type == "user_add_org" && e.CorpID == s.CorpID() {
				failed = append(failed, e.UserIDs()...)
			}
		}
	}
	if !slices.Equal(failed, []string{id}) {
		t.Errorf("%v, want %s", failed, id)
	}
}

// TestStandInCountsAsTheClientDoes: both sides agree on what every call of an everyday mixture costs.
func TestStandInCountsAsTheClientDoes(t *testing.T) {
	for _, contacts := range []bool{false, true} {
		s, _ := standIn(t)
		s.Set(func(k *dingtalktest.Knobs) { k.CountContacts = contacts })
		cfg := dingtalk.Config{OAPI: s.URL(), API: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), QPS: -1}
		if contacts {
			cfg.Counted = []string{"/topapi/v2/", "/topapi/user/", "/topapi/role/", "/role/", "/v1.0/contact/"}
		}
		c, err := dingtalk.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		id := s.AddDepartment(dingtalktest.Department{Name: "A"})
		s.AddUser(dingtalktest.User{UserID: "u1", Name: "n", Mobile: "13800000001", Departments: []int64{id}})
		for range c.Departments.Walk(t.Context(), []int64{1}) {
		}
		for range c.Users.List(t.Context(), id) {
		}
		for range c.Roles.List(t.Context()) {
		}
		for range c.Contacts.LeaveRecords(t.Context(), time.Now().Add(-time.Hour), time.Time{}) {
		}
		for range c.Callbacks.Failed(t.Context()) {
		}
		_, _ = c.Users.Get(t.Context(), "u1")
		_, _ = c.Users.Get(t.Context(), "nobody") // refused for its contents: it counts
		_, _ = c.Contacts.Scopes(t.Context())
		_, _ = c.Callbacks.Registered(t.Context()) // there is none
		_ = c.Callbacks.Delete(t.Context())
		var counted, all int64
		for _, call := range c.TakeCalls() {
			all += call.N
			if call.Counted {
				counted += call.N
			}
		}
		if counted != int64(s.CountedCalls()) || counted == 0 || contacts != (counted > 5) || all != int64(len(s.Journal())) {
			t.Errorf("contacts count: %t; the client counted %d of %d calls, the stand-in %d of %d", contacts, counted, all, s.CountedCalls(), len(s.Journal()))
		}
	}
}
