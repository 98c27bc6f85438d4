package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

func TestCallbackAddressIsTested(t *testing.T) {
	s := newShell(t, 0)
	s.byCallback()
	s.want(exitUsage, words("events test"), "lacks:", "dingtalk.callback.url")
	v := s.serve()
	v.ready("")
	s.registering(v.url + "/dingtalk/callback")
	s.want(exitOK, words("events test"), "ok: "+v.url, "owner key AppKey", "owner key CorpId", "from the Internet too")
	got := unmarshal[eventsTest](t, s.want(exitOK, words("events test --json")).out)
	if !got.OK || got.Mode != "callback" || len(got.Checks) != 2 || !got.Checks[0].OK || got.Checks[0].Owner != "app_key" || got.Checks[1].Owner != "corp_id" {
		t.Errorf("%+v", got)
	}
	s.vars["DINGBRIDGE_DINGTALK_CORP_ID"] = ""
	if got := unmarshal[eventsTest](t, s.want(exitOK, words("events test --json")).out); len(got.Checks) != 1 {
		t.Errorf("nobody knows the CorpId: %+v", got)
	}
	if events := s.eventsReport(); events.Pending > 0 || events.of("check_url").Count > 0 {
		t.Errorf("the test is kept as an event: %+v", events)
	}
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = "another-token"
	s.want(exitError, words("events test"), "error: ", "another HTTP status than 200", "status, HTTP 403")
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_TOKEN"] = callbackToken
	s.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = v.url + "/elsewhere"
	s.want(exitError, words("events test"), "HTTP 404")
}

func TestFaultsOfTheCallbackAddressAreTold(t *testing.T) {
	s := newShell(t, 0)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome")) }))
	defer page.Close()
	for url, c := range map[string]struct {
		step dingtalk.CheckStep
		words,
		zh string
	}{
		"http://127.0.0.1:1/callback": {dingtalk.CheckUnreachable, "nobody answers there", "无人应答"},
		page.URL:                      {dingtalk.CheckNoReply, "something else than dingbridge", "不是 dingbridge"},
	} {
		s.registering(url)
		s.vars["DINGBRIDGE_LANGUAGE"] = "en"
		s.want(exitError, words("events test"), c.words, "No daemon is active on this store")
		got := s.want(exitError, words("events test --json"))
		if r := unmarshal[eventsTest](t, got.out); r.OK || r.Checks[0].OK || r.Checks[0].Step != c.step || r.Checks[0].Error == "" {
			t.Errorf("%+v", r)
		}
		if strings.Contains(got.out, "welcome") || strings.Contains(got.out, "signature=") {
			t.Errorf("the answer or the query is shown: %s", got.out)
		}
		s.vars["DINGBRIDGE_LANGUAGE"] = "zh"
		s.want(exitError, words("events test"), c.zh)
	}
}

// TestStreamIsTested: what comes meanwhile is told, and kept for the daemon.
func TestStreamIsTested(t *testing.T) {
	s := newShell(t, 0)
	a, out, errs := s.app()
	watched := &log{}
	a.out = watched
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, a, words("events test --wait 10m")) }()
	must(t, s.stage.ding.WaitStream(t.Context(), 1))
	s.stage.ding.Emit("check_in", map[string]any{"staffId": "u"})
	s.until(t.Context(), "the event is told", func() bool { return strings.Contains(watched.String(), "event: check_in 用户签到\n") })
	must(t, s.stage.ding.FlushEvents(t.Context()))
	stop() // Ctrl-C
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d: %s %s", code, out, errs)
	}
	for _, word := range []string{"ok: connected by Stream in ", "Listening for 10m", "Events that came: 1. They are kept"} {
		if !strings.Contains(watched.String(), word) {
			t.Errorf("%q is missing in %s", word, watched)
		}
	}
	if e := s.stage.ding.Events(); len(e) != 1 || e[0].State != dingtalktest.EventDelivered {
		t.Errorf("%+v", e)
	}
	if r := s.eventsReport(); r.Pending != 1 || r.of("check_in").Via[bridge.ViaStream] != 1 {
		t.Errorf("%+v", r)
	}
	got := unmarshal[eventsTest](t, s.want(exitOK, words("events test --wait 1ms --json")).out)
	if !got.OK || got.Mode != "stream" || got.Events != nil {
		t.Errorf("%+v", got)
	}
	s.want(exitOK, words("events test --wait 1ms"), "No event came.")
	v := s.serve()
	v.ready("")
	s.until(t.Context(), "the daemon handles it", func() bool { return s.eventsReport().Pending == 0 })
	s.want(exitOK, words("events test --wait 1ms"), "about every other one comes here")
}

func TestStreamThatDoesNotConnect(t *testing.T) {
	s := newShell(t, 0)
	open := dingtalktest.Path("/v1.0/gateway/connections/open")
	s.stage.ding.Fail(open, 1, dingtalktest.Status(502))
	s.want(exitError, words("events test"), "502")
	s.stage.ding.Fail(open, 1, dingtalktest.V1Err(http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList", "no"))
	s.want(exitHalted, words("events test"), "服务器出口IP")
	s.vars["DINGBRIDGE_DINGTALK_APP_SECRET"] = "wrong-secret"
	got := s.want(exitHalted, words("events test"), "dingtalk.app_secret")
	if strings.Contains(got.err+got.out, "wrong-secret") {
		t.Error("the secret is shown")
	}
	s.vars["DINGBRIDGE_DINGTALK_MODE"] = "off"
	s.want(exitUsage, words("events test"), "dingtalk.mode is off")
}
