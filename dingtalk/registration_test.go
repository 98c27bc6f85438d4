package dingtalk

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var testRegistration = Registration{
	Tags: []string{"user_add_org", "org_dept_create"}, URL: "https://bridge.example.com/dingtalk/callback",
	Token: "Callback-Token", AESKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
}

func TestRegistration(t *testing.T) {
	f := newFar(t)
	f.on(pathCallbackRegister, ok(`{"errcode":0,"errmsg":"ok"}`))
	f.on(pathCallbackUpdate, ok(`{"errcode":0,"errmsg":"ok"}`))
	f.on(pathCallbackDelete, ok(`{"errcode":0,"errmsg":"ok"}`))
	f.on(pathCallbackGet, ok(`{"errcode":0,"call_back_tag":["user_add_org","check_in"],"token":%q,"aes_key":%q,"url":"https://u:%[1]s@h/%[2]s"}`,
		testRegistration.Token, testRegistration.AESKey))
	c := f.client().Callbacks
	if err := errors.Join(c.Register(bg(), testRegistration), c.Update(bg(), testRegistration), c.Delete(bg())); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pathCallbackRegister, pathCallbackUpdate} {
		b := f.last(path).body
		if fmt.Sprint(b["call_back_tag"]) != "[user_add_org org_dept_create]" || b["token"] != testRegistration.Token || b["aes_key"] != testRegistration.AESKey || b["url"] != testRegistration.URL {
			t.Errorf("%s: %v", path, b)
		}
	}
	got, err := c.Registered(bg())
	if err != nil || !slices.Equal(got.Tags, []string{"check_in", "user_add_org"}) || !strings.Contains(got.URL, "h/") {
		t.Fatalf("%+v %v", got, err)
	}
	if printed := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(printed, testRegistration.Token) || strings.Contains(printed, testRegistration.AESKey) {
		t.Errorf("a secret is printed: %s", printed)
	}
	for _, c := range []struct {
		token, key       string
		tokenFit, keyFit bool
	}{
		{testRegistration.Token, testRegistration.AESKey, true, true}, {"Callback-Tokem", testRegistration.AESKey, false, true}, {testRegistration.Token, "", true, false},
	} {
		if token, key := got.Fits(c.token, c.key); token != c.tokenFit || key != c.keyFit {
			t.Errorf("%q %q: %t %t", c.token, c.key, token, key)
		}
	}
}

func TestWhatDingTalkWouldRefuseIsNotSent(t *testing.T) {
	f := newFar(t)
	for name, c := range map[string]struct {
		change func(*Registration)
		field  string
	}{
		"no tags":         {func(r *Registration) { r.Tags = nil }, "call_back_tag"},
		"an empty tag":    {func(r *Registration) { r.Tags = []string{"check_in", ""} }, "call_back_tag"},
		"a path":          {func(r *Registration) { r.URL = "/dingtalk/callback" }, "url"},
		"another scheme":  {func(r *Registration) { r.URL = "ftp://h/x" }, "url"},
		"credentials":     {func(r *Registration) { r.URL = "https://u:p@h/x" }, "url"},
		"no URL":          {func(r *Registration) { r.URL = "https://[" }, "url"},
		"a short token":   {func(r *Registration) { r.Token = "12345" }, "token"},
		"a long token":    {func(r *Registration) { r.Token = strings.Repeat("x", 64) }, "token"},
		"a short aes_key": {func(r *Registration) { r.AESKey = r.AESKey[1:] }, "aes_key"},
		"a strange key":   {func(r *Registration) { r.AESKey = "+" + r.AESKey[1:] }, "aes_key"},
	} {
		r := testRegistration
		c.change(&r)
		e := failure(t, f.client().Callbacks.Register(bg(), r))
		if e.Class != Reject || e.Field != c.field || e.Status != 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := len(f.called(pathCallbackRegister)); n > 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRefusedRegistrations(t *testing.T) {
	for code, want := range map[string]struct {
		class            Class
		exists, isAbsent bool
	}{
		"71006": {Reject, true, false}, "400041": {Reject, true, false}, "71007": {Missing, false, true}, "400040": {Missing, false, true},
		"71008": {class: Reject}, "71009": {class: Reject}, "71010": {class: Reject}, "71011": {class: Reject}, "71012": {class: Reject}, "71013": {class: Reject},
		"400050": {class: Reject}, "400052": {class: Reject}, "400053": {class: Reject}, "400054": {class: Reject},
	} {
		f := newFar(t)
		f.on(pathCallbackRegister, ok(`{"errcode":%s,"errmsg":%q}`, code, testRegistration.Token+" "+testRegistration.AESKey+" refused"))
		err := f.client().Callbacks.Register(bg(), testRegistration)
		e := failure(t, err)
		if e.Class != want.class || e.Code != code || e.Ambiguous || IsRegistered(err) != want.exists || IsUnregistered(err) != want.isAbsent || IsRegistrationGone(err) {
			t.Errorf("%s: %+v", code, e)
		}
		if !strings.Contains(e.Message, "refused") || strings.Contains(err.Error(), testRegistration.Token) || strings.Contains(err.Error(), testRegistration.AESKey) {
			t.Errorf("%s repeats a secret, or says nothing: %v", code, err)
		}
	}
	for name, answer := range map[string]answerFunc{
		"404": ok(`{"errcode":404,"errmsg":"请求的URI地址不存在"}`), "22": ok(`{"errcode":22,"errmsg":"Invalid method"}`), "no page": status(404, "nothing"),
	} {
		f := newFar(t)
		f.on(pathCallbackRegister, answer)
		if err := f.client().Callbacks.Register(bg(), testRegistration); !IsRegistrationGone(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A deletion is a GET that changes something: it is not repeated by itself.
func TestDeletionIsSentOnce(t *testing.T) {
	f := newFar(t)
	f.on(pathCallbackDelete, status(502, "<html>"))
	e := failure(t, f.client(func(c *Config) { c.Retries = 5 }).Callbacks.Delete(bg()))
	if n := len(f.called(pathCallbackDelete)); n != 1 || !e.Ambiguous || e.Status != http.StatusBadGateway {
		t.Errorf("%d calls, %+v", n, e)
	}
}
