package dingtalktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testToken  = "123456"
	testAESKey = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
)

func TestEnvelopeVectors(t *testing.T) {
	for _, v := range []struct{ aes, timestamp, nonce, sealed, signature, owner, text string }{
		{
			"1234567890123456789012345678901234567890123", "1614767836", "A7Co0cJLMzIDtMMI",
			"YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA==",
			"9a95a004dd16f5c307e849b994173f76aa26e5eb", "dingsnotzck6pm5veliw", "success",
		},
		{
			testAESKey, "1445827045067", "nEXhMP4r",
			"1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7XM/ZpulX8NEQis44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ==",
			"5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0", "suite4xxxxxxxxxxxxxxx",
			`{"EventType":"check_create_suite_url","Random":"LPIdSnlF","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}`,
		},
	} {
		key, err := newEnvelopeKey(testToken, v.aes, v.owner)
		if err != nil {
			t.Fatal(err)
		}
		if !key.signed(v.signature, v.timestamp, v.nonce, v.sealed) {
			t.Errorf("signature of %s", v.text)
		}
		if text, err := key.open(v.sealed); err != nil || string(text) != v.text {
			t.Errorf("open: %q %v", text, err)
		}
		again, err := key.seal([]byte(v.text))
		if err != nil || len(again) != len(v.sealed) {
			t.Errorf("seal: %d characters, want %d, %v", len(again), len(v.sealed), err)
		}
		if text, err := key.open(again); err != nil || string(text) != v.text {
			t.Errorf("open what was sealed: %q %v", text, err)
		}
		key.owner = "another"
		if _, err := key.open(v.sealed); err == nil {
			t.Error("another owner key must not fit")
		}
	}
}

// receiver is an app's callback endpoint.
type receiver struct {
	t      *testing.T
	url    string
	key    envelopeKey
	mu     sync.Mutex
	events []object
	refuse int // answers this many calls with an error
}

func newReceiver(t *testing.T, owner string) *receiver {
	t.Helper()
	key, err := newEnvelopeKey(testToken, testAESKey, owner)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, key: key}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/callback"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var sealed struct{ Encrypt string }
	if err != nil || json.Unmarshal(body, &sealed) != nil {
		r.t.Errorf("callback body %q %v", body, err)
	}
	q := req.URL.Query()
	if !r.key.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), sealed.Encrypt) || q.Get("signature") != q.Get("msg_signature") {
		r.t.Errorf("callback signature: %v", q)
	}
	text, err := r.key.open(sealed.Encrypt)
	if err != nil {
		r.t.Errorf("callback: %v", err)
	}
	var event object
	if err := json.Unmarshal(text, &event); err != nil {
		r.t.Errorf("callback: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	if r.refuse != 0 {
		r.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	reply, err := r.key.seal([]byte("success"))
	if err != nil {
		r.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(object{"msg_signature": r.key.sign("1", "n", reply), "timeStamp": "1", "nonce": "n", "encrypt": reply})
}

// got lists what arrived as "type id".
func (r *receiver) got() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		ids := e["userId"]
		if ids == nil {
			ids = e["deptId"]
		}
		out = append(out, strings.TrimSuffix(fmt.Sprint(e["EventType"], " ", asText(ids)), " "))
	}
	return out
}

func states(b *bench) (out []string) {
	for _, e := range b.Events() {
		out = append(out, fmt.Sprintf("%s %s %d", e.Type, e.State, e.Sends))
	}
	return out
}

func TestCallbackDelivers(t *testing.T) {
	b := start(t)
	r := newReceiver(t, "key")
	b.AddUser(User{UserID: "before", Name: "n"})
	b.Callback(r.url, testToken, testAESKey)
	if err := b.CheckCallback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.ok(userCreate, newcomer(nil))
	b.ok(userUpdate, object{"userid": "u1", "job_number": "E1", "hired_date": 1577808000000})
	b.ok(userUpdate, object{"userid": "u1", "job_number": "E1"})
	b.ok(userDelete, object{"userid": "u1"})
	b.flush()
	want := []string{"check_url", `user_add_org ["u1"]`, `user_modify_org ["u1"]`, `user_leave_org ["u1"]`}
	if !slices.Equal(r.got(), want) {
		t.Errorf("events in order, none for an update that changes nothing: %v", r.got())
	}
	if got := states(b); got[0] != "user_add_org unheard 0" || got[1] != "user_add_org delivered 1" {
		t.Errorf("states: %v", got)
	}
	modify := r.events[2]
	diff := modify["diffInfo"].([]any)[0].(object)
	if asText(diff["prev"]) != `{"name":"张三"}` || asText(diff["curr"]) != `{"hiredDate":"2020-01-01","jobNumber":"E1","name":"张三"}` {
		t.Errorf("diffInfo: %v", diff)
	}
	if modify["CorpId"] != "dingcorp" || modify["eventId"] != b.Events()[2].ID {
		t.Errorf("frame: %v", modify)
	}
	b.Set(func(k *Knobs) { k.UpperCamelEvents, k.EventIDAbsent = true, true })
	b.AddDepartment(Department{Name: "A"})
	b.flush()
	if last := r.events[4]; last["DeptId"] == nil || last["deptId"] != nil || last["eventId"] != nil {
		t.Errorf("as older documents print it: %v", last)
	}
}

func TestCallbackRetriesThenFails(t *testing.T) {
	b := start(t)
	r := newReceiver(t, "key")
	b.Callback(r.url, testToken, testAESKey)
	r.refuse = 2
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.flush()
	if got := states(b); got[0] != "user_add_org delivered 3" {
		t.Errorf("the second retry succeeds: %v", got)
	}
	r.mu.Lock()
	r.refuse = -1
	r.mu.Unlock()
	b.AddUser(User{UserID: "u2", Name: "n"})
	dept := b.AddDepartment(Department{Name: "A"})
	role := b.AddRole(b.AddRoleGroup("g"), "r")
	b.Emit("bpms_instance_change", object{"processInstanceId": "p1"})
	b.flush()
	if got := states(b); got[1] != "user_add_org failed 3" {
		t.Errorf("given up: %v", got)
	}
	b.Set(func(k *Knobs) { k.FailedListPage = 2 })
	got := map[string]string{}
	for more := true; more; {
		out := b.old("/call_back/get_call_back_failed_result", nil)
		more = asText(out["has_more"]) == "true"
		list := out["failed_list"].([]any)
		if len(list) > 2 || more && len(list) < 2 {
			t.Fatalf("pages of two: %v", out)
		}
		for _, item := range list {
			entry := item.(object)
			tag := entry["call_back_tag"].(string)
			got[tag] += asText(entry[tag])
			if asText(entry["event_time"]) != asText(b.clock.now().UnixMilli()) {
				t.Errorf("event_time: %v", entry)
			}
		}
	}
	for tag, want := range map[string]string{
		"user_add_org":         `{"corpid":"dingcorp","userid":["u2"]}`,
		"org_dept_create":      fmt.Sprintf(`{"callbackData":{"deptId":[%d]},"corpid":"dingcorp"}`, dept),
		"bpms_instance_change": `{"bpmsCallBackData":{"processInstanceId":"p1"},"corpid":"dingcorp"}`,
	} {
		if got[tag] != want {
			t.Errorf("%s: %s", tag, got[tag])
		}
	}
	if !strings.Contains(got["label_conf_add"], fmt.Sprintf(`"roleLabelChange":{"labelIdList":[%d]`, role)) {
		t.Errorf("roles: %s", got["label_conf_add"])
	}
	if out := b.old("/call_back/get_call_back_failed_result", nil); asText(out["failed_list"]) != "[]" {
		t.Errorf("reading removes: %v", out)
	}
}

func TestCallbackNotAnswered(t *testing.T) {
	b := start(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	b.Set(func(k *Knobs) { k.PushTimeout, k.FailedListKeeps = 10*time.Millisecond, true })
	b.Callback(server.URL, testToken, testAESKey)
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.flush()
	if got := states(b); got[0] != "user_add_org failed 3" {
		t.Errorf("too late is no answer: %v", got)
	}
	for range 2 {
		if out := b.old("/call_back/get_call_back_failed_result", nil); len(out["failed_list"].([]any)) != 1 {
			t.Errorf("FailedListKeeps: %v", out)
		}
	}
	if err := b.CheckCallback(t.Context()); err == nil {
		t.Error("check_url is not answered")
	}
}

func TestCallbackMisfortunes(t *testing.T) {
	b := start(t)
	r := newReceiver(t, "key")
	b.Callback(r.url, testToken, testAESKey)
	b.Set(func(k *Knobs) {
		k.Duplicate, k.Lose, k.Reorder, k.ReorderWithin, k.Seed = 0.3, 0.2, 0.5, 20*time.Millisecond, 7
	})
	const n = 100
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf(`user_add_org ["u%03d"]`, i))
		b.AddUser(User{UserID: fmt.Sprintf("u%03d", i), Name: "n"})
	}
	b.flush()
	counts := map[EventState]int{}
	sends := 0
	for _, e := range b.Events() {
		counts[e.State]++
		sends += e.Sends
	}
	got := r.got()
	if counts[EventDelivered]+counts[EventLost] != n || counts[EventLost] < 5 || sends <= counts[EventDelivered] || len(got) != sends {
		t.Errorf("lost and doubled: %v, %d sends, %d arrived", counts, sends, len(got))
	}
	if slices.IsSorted(got) {
		t.Error("reordered")
	}
	for _, e := range got {
		if !slices.Contains(want, e) {
			t.Errorf("never happened: %s", e)
		}
	}
}

func TestMutedQuietAndQuota(t *testing.T) {
	b := start(t)
	r := newReceiver(t, "key")
	b.Callback(r.url, testToken, testAESKey)
	b.Quiet(func() { b.AddUser(User{UserID: "u1", Name: "n"}) })
	b.Set(func(k *Knobs) { k.MutedEvents = map[string]bool{"org_dept_create": true}; k.PushQuotaExhausted = true })
	b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "u2", Name: "n"})
	b.Emit("check_in", object{"staffId": "u1"})
	b.flush()
	if got := r.got(); !slices.Equal(got, []string{`user_add_org ["u2"]`, "check_in"}) {
		t.Errorf("arrived: %v", got)
	}
	if last := r.events[1]; fmt.Sprint(last["errCode"]) != "20001" || last["staffId"] != nil {
		t.Errorf("over the quota there is no content: %v", last)
	}
	if b.Emit("x", []int{1}) != "" {
		t.Error("data must be an object")
	}
}

func TestCallbackRegistration(t *testing.T) {
	b := start(t)
	r := newReceiver(t, "dingcorp")
	registration := object{"call_back_tag": []any{"user_leave_org"}, "token": testToken, "aes_key": testAESKey, "url": r.url}
	with := func(key string, value any) object {
		out := object{}
		for k, v := range registration {
			out[k] = v
		}
		out[key] = value
		return out
	}
	const register = "/call_back/register_call_back"
	const update, get, remove = "/call_back/update_call_back", "/call_back/get_call_back", "/call_back/delete_call_back"
	b.refused("71007", get, nil)
	b.refused("71007", remove, nil)
	b.refused("71007", update, registration)
	b.refused("71010", register, with("token", "1"))
	b.refused("71010", register, with("aes_key", "short"))
	b.refused("71010", register, object{"url": r.url})
	b.refused("71008", register, with("call_back_tag", []any{}))
	b.refused("71008", register, with("call_back_tag", []any{"user_leave_org", "todo_task_create"}))
	b.refused("71011", register, with("url", "nowhere"))
	b.refused("71012", register, with("url", "http://127.0.0.1:1/"))
	b.Set(func(k *Knobs) { k.PublicCallbacks = true })
	b.refused("71013", register, registration)
	b.refused("71013", register, with("url", "http://localhost/callback"))
	b.refused("71013", register, with("url", "http://192.168.1.2/callback"))
	b.Set(func(k *Knobs) { k.PublicCallbacks = false })
	r.refuse = 1
	b.refused("71009", register, registration)
	if url, _ := b.Registered(); url != "" || len(r.got()) != 1 {
		t.Errorf("registered %s after %v", url, r.got())
	}
	b.ok(register, registration)
	b.refused("71006", register, registration)
	if got := b.old(get, nil); got["url"] != r.url {
		t.Errorf("registration: %v", got)
	}
	b.AddUser(User{UserID: "u1", Name: "n"})
	if err := b.RemoveUser("u1"); err != nil {
		t.Fatal(err)
	}
	b.flush()
	if got := r.got(); !slices.Equal(got, []string{"check_url", "check_url", `user_leave_org ["u1"]`}) {
		t.Errorf("only what was registered: %v", got)
	}
	b.ok(update, with("call_back_tag", []any{"org_dept_create"}))
	if url, tags := b.Registered(); url != r.url || !slices.Equal(tags, []string{"org_dept_create"}) {
		t.Errorf("an update replaces everything: %s %v", url, tags)
	}
	b.refused("71012", update, with("url", "http://127.0.0.1:1/"))
	if url, _ := b.Registered(); url != r.url {
		t.Errorf("a refused update changed the address to %q", url)
	}
	b.ok(remove, nil)
	b.refused("71007", get, nil)
	b.Callback(r.url, testToken, testAESKey) // saved in the console
	b.refused("71006", register, registration)
	b.refused("71007", update, registration)
	b.refused("71007", get, nil)
	b.refused("71007", remove, nil)
}
