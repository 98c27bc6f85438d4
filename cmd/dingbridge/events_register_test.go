package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// newReceiver is an address that answers pushes for some owners.
func newReceiver(t *testing.T, token, key string, of ...string) (url string) {
	t.Helper()
	crypter := &owners{}
	for _, owner := range of {
		c, err := dingtalk.NewCrypter(token, key, owner)
		must(t, err)
		crypter.crypters = append(crypter.crypters, c)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller went away
		}
		var sealed struct{ Encrypt string }
		q := r.URL.Query()
		if err := json.Unmarshal(body, &sealed); err != nil {
			t.Error(err)
		}
		if _, err := crypter.Decrypt(q.Get("signature"), q.Get("timestamp"), q.Get("nonce"), sealed.Encrypt); err != nil {
			http.Error(w, "not for me", http.StatusBadRequest)
			return
		}
		reply, err := crypter.Encrypt([]byte("success"))
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(reply) // the caller may have gone
	}))
	t.Cleanup(server.Close)
	return server.URL + "/dingtalk/callback"
}

// registering is a shell whose settings name a callback at the address.
func (s *shell) registering(url string) {
	s.byCallback()
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = url
}

var contactEvents = []string{
	"label_user_change", "org_admin_add", "org_admin_remove", "org_dept_create", "org_dept_modify", "org_dept_remove",
	"user_active_org", "user_add_org", "user_leave_org", "user_modify_org",
}

// TestRegisteredCallbackBringsEvents: from nothing registered to a change that arrives, and back.
func TestRegisteredCallbackBringsEvents(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.byCallback()
	v := s.serve()
	v.ready("")
	v.equal()
	s.registering(v.url + "/dingtalk/callback")
	s.want(exitOK, words("events show"), "No callback is registered")
	if shown := unmarshal[shownRegistration](t, s.want(exitOK, words("events show --json")).out); shown.Registered {
		t.Errorf("%+v", shown)
	}
	s.want(exitError, words("events update"), "71007", "dingbridge events register")
	s.want(exitOK, words("events delete"), "No callback is registered")
	s.want(exitOK, words("events register"), "Registered: DingTalk pushes 10 types of events to "+v.url, "org_dept_create, org_dept_modify")
	if url, tags := s.stage.ding.Registered(); url != v.url+"/dingtalk/callback" || !slices.Equal(tags, contactEvents) {
		t.Errorf("%s %v", url, tags)
	}
	v.happen(v.place)
	if n := s.eventsReport().of("user_modify_org").Via[bridge.ViaCallback]; n == 0 {
		t.Error("the change came by another way")
	}
	s.want(exitError, words("events register"), "71006", "dingbridge events show")
	s.want(exitOK, words("events show"), "address  "+v.url, "(as in the settings)", "token    as in the settings", "aes_key  as in the settings", "events   label_user_change, ")

	s.want(exitOK, words("events update --tags user_add_org,check_in,user_add_org"), "Updated: DingTalk pushes 2 types")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = "another-token"
	got := s.want(exitOK, words("events show"), "token    NOT as in the settings", "aes_key  as in the settings", "needed and not registered: label_user_change, ", "no mapping needs it: check_in")
	shown := unmarshal[shownRegistration](t, s.want(exitOK, words("events show --json")).out)
	if !shown.Registered || *shown.SameToken || !*shown.SameKey || !*shown.SameURL || len(shown.Missing) != 9 || !slices.Equal(shown.Unneeded, []string{"check_in"}) || !slices.Equal(shown.Tags, []string{"check_in", "user_add_org"}) {
		t.Errorf("%+v", shown)
	}
	if strings.Contains(got.out, callbackToken) || strings.Contains(got.out, callbackKey) {
		t.Errorf("a secret is shown: %s", got.out)
	}
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"], s.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"], s.vars["DINGBRIDGE_DINGTALK_MODE"] = "", "", "stream"
	s.want(exitOK, words("events show"), "token    not in the settings", "(not in the settings)") // whatever the mode
	s.want(exitOK, words("events delete"), "Deleted")
	if url, _ := s.stage.ding.Registered(); url != "" {
		t.Errorf("%s is still registered", url)
	}
}

// TestRefusedRegistrationsSayWhatToDo: in plain words, by what went wrong.
func TestRefusedRegistrationsSayWhatToDo(t *testing.T) {
	s := newShell(t, 0)
	good := newReceiver(t, callbackToken, callbackKey, s.stage.ding.CorpID())
	s.registering(good)
	s.want(exitError, words("events register --tags user_add_org,todo_task_create"), "71008", "switch the others on in the console")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = "another-token"
	s.want(exitError, words("events register"), "71009", "mode callback", "events test")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = "short"
	s.want(exitError, words("events register"), "token", "6 to 63 characters")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = callbackToken
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = "http://127.0.0.1:1/callback"
	s.want(exitError, words("events register"), "71012", "must be public", "certificate")
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.PublicCallbacks = true })
	s.want(exitError, words("events register"), "71013", "public domain")
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.PublicCallbacks = false })

	register := dingtalktest.Path("/call_back/register_call_back")
	for code, hint := range map[int]string{400041: "events show", 400050: "no address DingTalk takes", 400054: "2.5 seconds", 400052: "encrypted word success", 71010: "43"} {
		s.stage.ding.Fail(register, 1, dingtalktest.ErrCode(code, "no"))
		s.want(exitError, words("events register"), hint)
	}
	s.stage.ding.Fail(register, 1, dingtalktest.ErrCode(404, "请求的URI地址不存在"))
	s.want(exitHalted, words("events register"), "does not offer this API", "dingtalk.mode: stream")
	s.stage.ding.Fail(register, 1, dingtalktest.DropAfter)
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = good
	s.want(exitHalted, words("events register"), "may have taken effect")
	s.want(exitError, words("events register"), "71006") // as it has
	s.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	s.want(exitError, words("events register"), "已有注册的回调")
}

func TestWhatARegistrationNeeds(t *testing.T) {
	s := newShell(t, 0)
	s.want(exitUsage, words("events register"), "dingtalk.mode is stream", "start the daemon first")
	s.byCallback()
	s.want(exitUsage, words("events register"), "lacks:", "dingtalk.callback.url")
	s.registering("http://127.0.0.1:1/callback")
	delete(s.vars, "DINGBRIDGE_DINGTALK_CORP_ID")
	s.want(exitUsage, words("events update"), "lacks:", "dingtalk.corp_id")
	s.want(exitUsage, words("events regster"), `unknown command "regster"`)
	s.want(exitUsage, words("events show more"), "unknown command")
	delete(s.vars, "DINGBRIDGE_ODOO_PASSWORD") // nobody asks Odoo
	s.want(exitOK, words("events show"), "No callback")
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.AppStopped = true })
	s.want(exitHalted, words("events show"), "50003", "not stopped")
	s.want(exitHalted, words("events delete"), "50003")
}

// TestRegistrationsAreInTheLedger: they count, for no list says otherwise.
func TestRegistrationsAreInTheLedger(t *testing.T) {
	s := newShell(t, 0)
	s.registering(newReceiver(t, callbackToken, callbackKey, s.stage.ding.CorpID()))
	for _, line := range []string{"events show", "events register", "events register", "events update", "events show", "events delete"} {
		s.run(words(line)...)
	}
	q := s.quota()
	if calls, counted := int64(len(s.stage.ding.Journal())), int64(s.stage.ding.CountedCalls()); q.Calls.Used != counted || q.Calls.Used+q.Calls.Free != calls || counted != 6 {
		t.Errorf("%+v kept; %d calls, %d counted", q.Calls, calls, counted)
	}
}
