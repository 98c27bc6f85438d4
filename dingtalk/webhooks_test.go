package dingtalk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	hookToken  = "hook+token/1234567890"
	hookSecret = "SEChook/secret+0987654321"
)

func (f *far) webhook(secret string) Webhook {
	f.t.Helper()
	w, err := NewWebhook("ops", f.server.URL+"/old/robot/send?access_token="+url.QueryEscape(hookToken), secret)
	if err != nil {
		f.t.Fatal(err)
	}
	return w
}

func TestWebhookIsSigned(t *testing.T) {
	f, now := newFar(t), newClock()
	f.on(pathWebhook, ok(done))
	c := f.client(now.set)
	if err := c.Webhooks.Send(bg(), f.webhook(hookSecret), Object{"text.content": "x"}); err != nil {
		t.Fatal(err)
	}
	sent := f.last(pathWebhook)
	timestamp := fmt.Sprint(now.now().UnixMilli())
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(timestamp + "\n" + hookSecret))
	if q := sent.query; sent.token != hookToken || q.Get("timestamp") != timestamp || q.Get("sign") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Errorf("%v", q)
	}
	if err := c.Webhooks.Send(bg(), f.webhook(""), Object{"text.content": "x"}); err != nil || f.last(pathWebhook).query.Has("sign") {
		t.Errorf("a robot without a secret: %v", err)
	}
	if len(f.called(pathToken)) != 0 {
		t.Error("a webhook needs no token of the app")
	}
	if calls := c.TakeCalls(); len(calls) != 1 || calls[0].Counted || !calls[0].Push || calls[0].N != 2 {
		t.Errorf("%v: they are no counted calls", calls)
	}
}

func TestWebhookAddress(t *testing.T) {
	for _, address := range []string{
		"", "x", "https://oapi.dingtalk.com/robot/send", "https://oapi.dingtalk.com/robot/other?access_token=" + hookToken,
		"ftp://oapi.dingtalk.com/robot/send?access_token=" + hookToken, "https://u:p@oapi.dingtalk.com/robot/send?access_token=" + hookToken,
		"https://oapi.dingtalk.com:x/robot/send?access_token=" + hookToken,
	} {
		if _, err := NewWebhook("ops", address, ""); err == nil || strings.Contains(err.Error(), "1234567890") || !strings.Contains(err.Error(), "ops") {
			t.Errorf("%s: %v", address, err)
		}
	}
	w, err := NewWebhook("ops", "https://oapi.dingtalk.com/robot/send?access_token="+url.QueryEscape(hookToken), hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{w, &w, []Webhook{w}, map[string]Webhook{"a": w}, struct{ W Webhook }{w}} {
			if s := fmt.Sprintf(format, v); strings.Contains(s, "1234567890") || strings.Contains(s, "0987654321") {
				t.Errorf("%s of %T: %s", format, v, s)
			}
		}
	}
	c, err := New(Config{AppKey: "k", AppSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if e := failure(t, c.Webhooks.Send(bg(), Webhook{}, Object{"text.content": "x"})); e.Class != Reject {
		t.Errorf("no webhook: %v", e)
	}
}

// One message more than a minute takes is kept back here: sent, it would silence the robot for ten minutes.
func TestWebhookKeepsTheMinute(t *testing.T) {
	f, now := newFar(t), newClock()
	f.on(pathWebhook, ok(done))
	c, w := f.client(now.set), f.webhook("")
	send := func() error { return c.Webhooks.Send(bg(), w, Object{"text.content": "x"}) }
	for range WebhookPerMinute {
		if err := send(); err != nil {
			t.Fatal(err)
		}
		now.add(time.Second)
	}
	e := failure(t, send())
	if e.Class != Halt || e.Scope != "webhook:ops" || e.After != 40*time.Second || !IsThrottled(e) || e.Ambiguous {
		t.Errorf("%+v", *e)
	}
	other, err := NewWebhook("other", f.server.URL+"/old/robot/send?access_token=t2", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Webhooks.Send(bg(), other, Object{"text.content": "x"}); err != nil {
		t.Errorf("another robot has its own minute: %v", err)
	}
	now.add(e.After)
	if err := send(); err != nil {
		t.Error(err)
	}
	if n := len(f.called(pathWebhook)); n != WebhookPerMinute+2 {
		t.Errorf("%d calls", n)
	}
	now.add(-time.Hour)
	if err := send(); err != nil {
		t.Errorf("a clock that was set back: %v", err)
	}
}

func TestWebhookRefusals(t *testing.T) {
	f, now := newFar(t), newClock()
	message := Object{"text.content": "x", "msgUuid": "m"}
	for name, test := range map[string]struct {
		body string
		want Error
	}{
		"keywords, as": {`{"errcode":310000,"errmsg":"description:keywords not in content;solution:assign one of them"}`, Error{Class: Reject}},
		"address, as":  {`{"errcode":310000,"errmsg":"IP不在白名单"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},

		"limited":     {`{"errcode":410100,"errmsg":"send too fast"}`, Error{Class: Halt, Scope: "webhook:ops", After: WebhookBar}},
		"limited, as": {`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, Error{Class: Halt, Scope: "webhook:ops", After: WebhookBar}},
		"quota":       {`{"errcode":90030,"errmsg":"m"}`, Error{Class: Halt, Scope: ScopeAPI + pathWebhook, After: haltQuota}},
		"keywords":    {`{"errcode":310000,"errmsg":"keywords not in content"}`, Error{Class: Reject}},
		"signature":   {`{"errcode":310000,"errmsg":"sign not match"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},
		"clock":       {`{"errcode":310000,"errmsg":"invalid timestamp"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},
		"address":     {`{"errcode":310000,"errmsg":"ip 1.2.3.4 not in whitelist"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},
		"token":       {`{"errcode":300005,"errmsg":"token is not exist"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},
		"disbanded":   {`{"errcode":400013,"errmsg":"m"}`, Error{Class: Halt, Scope: "webhook:ops", After: haltConfig}},
		"filter":      {`{"errcode":430102,"errmsg":"m"}`, Error{Class: Reject}},
		"busy":        {`{"errcode":-1,"errmsg":"m"}`, Error{Class: Retry, Ambiguous: true, After: 2 * time.Second}},
	} {
		f.on(pathWebhook, ok("%s", test.body))
		e := failure(t, f.client(now.set).Webhooks.Send(bg(), f.webhook(""), message))
		if e.Class != test.want.Class || e.Scope != test.want.Scope || e.After != test.want.After || e.Ambiguous != test.want.Ambiguous || e.Code == "" {
			t.Errorf("%s: %+v", name, *e)
		}
	}
	f.on(pathWebhook, inTurn(ok(`{"errcode":410100}`), ok(done)))
	before := len(f.called(pathWebhook))
	c := f.client(now.set)
	f.on(pathWebhook, func(c call) reply {
		if c.n == before {
			return reply{body: `{"errcode":410100}`}
		}
		return reply{body: done}
	})
	for range 3 {
		if e := failure(t, c.Webhooks.Send(bg(), f.webhook(""), message)); e.Class != Halt || !IsThrottled(e) || e.After <= 0 {
			t.Errorf("%v", e)
		}
	}
	if n := len(f.called(pathWebhook)) - before; n != 1 {
		t.Errorf("%d calls while the robot is limited", n)
	}
	now.add(WebhookBar)
	if err := c.Webhooks.Send(bg(), f.webhook(""), message); err != nil {
		t.Error(err)
	}
	f.on(pathWebhook, func(call) reply { return reply{drop: true} })
	before = len(f.called(pathWebhook))
	if e := failure(t, c.Webhooks.Send(bg(), f.webhook(""), message)); !e.Ambiguous || len(f.called(pathWebhook))-before != 1 {
		t.Errorf("no sending is repeated by the transport: %v", e)
	}
}

// No error shows the address, the secret, the signature or the session, whatever the far side repeats.
func TestNoSecretOfAWebhookInAnyError(t *testing.T) {
	echo := func(c call) string {
		if session := c.query.Get("session"); session != "" {
			return c.query.Encode() + " " + session
		}
		return fmt.Sprintf("%s %s %s %s", c.query.Encode(), c.query.Get("sign"), hookToken, hookSecret)
	}
	now := newClock()
	for name, answer := range map[string]answerFunc{
		"refusal": func(c call) reply {
			return reply{body: fmt.Sprintf(`{"errcode":310000,"errmsg":%q,"request_id":%q}`, echo(c), echo(c))}
		},
		"unknown": func(c call) reply { return reply{body: fmt.Sprintf(`{"errcode":%q,"errmsg":%q}`, echo(c), echo(c))} },
		"new": func(c call) reply {
			return reply{status: 400, body: fmt.Sprintf(`{"code":%q,"message":%q}`, echo(c), echo(c))}
		},
		"dropped": func(call) reply { return reply{drop: true} },
		"cut":     func(c call) reply { return reply{body: echo(c), cut: true} },
		"page":    func(c call) reply { return reply{status: 500, body: "<html>" + echo(c)} },
		"redirect": func(c call) reply {
			return reply{status: 302, head: map[string]string{"Location": "http://x/?" + echo(c)}}
		},
	} {
		f := newFar(t)
		f.on(pathWebhook, answer)
		f.on(pathSessionWebhook, answer)
		c := f.client(now.set)
		sign := robotSign(fmt.Sprint(now.now().UnixMilli()), hookSecret)
		secrets := []string{hookToken, url.QueryEscape(hookToken), hookSecret, url.QueryEscape(hookSecret), sign, url.QueryEscape(sign)}
		checkSecrets(t, name, c.Webhooks.Send(bg(), f.webhook(hookSecret), Object{"text.content": "x"}), secrets)
		m := RobotMessage{sessionWebhook: f.server.URL + "/old/robot/sendBySession?session=" + url.QueryEscape("session/0+abc")}
		checkSecrets(t, name+", session", c.Webhooks.Reply(bg(), m, Object{"text.content": "x"}), []string{"session/0+abc", url.QueryEscape("session/0+abc")})
	}
}

func TestRobotMessages(t *testing.T) {
	f, now := newFar(t), newClock()
	f.on(pathSessionWebhook, ok(done))
	c := f.client(now.set)
	payload := fmt.Sprintf(`{"msgId":"msg1","msgtype":"text","text":{"content":" hello"},"createAt":"%d","conversationType":"2","conversationId":"cid",
		"conversationTitle":"组","chatbotCorpId":"ding","chatbotUserId":"$:b","senderId":"$:x","senderNick":"张三","senderCorpId":"ding","senderStaffId":"u1001",
		"isAdmin":true,"isInAtList":true,"atUsers":[{"dingtalkId":"$:b"},{"dingtalkId":"$:c","staffId":"u1002","unionId":"x"}],"senderUnionId":"un","robotCode":"r",
		"sessionWebhook":"%s/old/robot/sendBySession?session=abc","sessionWebhookExpiredTime":%d}`, now.now().UnixMilli(), f.server.URL, now.now().Add(90*time.Minute).UnixMilli())
	m, err := ParseRobotMessage([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != "msg1" || m.Text != " hello" || !m.Group || m.ConversationID != "cid" || m.SenderID != "u1001" || !m.SenderIsAdmin || !m.At.Equal(now.now()) ||
		!slices.Equal(m.Mentioned, []string{"u1002"}) || m.RobotCode != "r" || m.SenderName != "张三" {
		t.Errorf("%#v", m)
	}
	if s := fmt.Sprintf("%v %+v %#v", m, m, []RobotMessage{m}); strings.Contains(s, "abc") || strings.Contains(s, "hello") {
		t.Error(s)
	}
	if err := c.Webhooks.Reply(bg(), m, Object{"markdown.title": "t", "markdown.text": "x", "at.atUserIds": "u1001"}); err != nil ||
		f.last(pathSessionWebhook).raw != `{"at":{"atUserIds":["u1001"]},"markdown":{"text":"x @u1001","title":"t"},"msgtype":"markdown"}` || f.last(pathSessionWebhook).query.Encode() != "session=abc" {
		t.Errorf("%v %v", err, f.last(pathSessionWebhook))
	}
	for answer, want := range map[string]Class{
		`{"errcode":300005}`: Reject, `{"errcode":310000,"errmsg":"sign not match"}`: Reject, `{"errcode":410100}`: Retry, `{"errcode":430101}`: Reject, `{"errcode":-1}`: Retry,
	} {
		f.on(pathSessionWebhook, ok("%s", answer))
		if e := failure(t, c.Webhooks.Reply(bg(), m, Object{"text.content": "x"})); e.Class != want || e.Scope != "" {
			t.Errorf("%s: %+v", answer, *e)
		}
	}
	replies := len(f.called(pathSessionWebhook))
	now.add(90 * time.Minute)
	if e := failure(t, c.Webhooks.Reply(bg(), m, Object{"text.content": "x"})); e.Class != Reject {
		t.Errorf("too late: %v", e)
	}
	for _, address := range []string{"", "http://169.254.169.254/robot/sendBySession?session=abc", f.server.URL + "/old/robot/sendBySession", f.server.URL + "/old/robot/sendBySessionX?session=abc"} {
		if e := failure(t, c.Webhooks.Reply(bg(), RobotMessage{sessionWebhook: address}, Object{"text.content": "x"})); e.Class != Reject {
			t.Errorf("%s: %v", address, e)
		}
	}
	if n := len(f.called(pathSessionWebhook)) - replies; n != 0 {
		t.Errorf("%d calls", n)
	}

	audio, err := ParseRobotMessage([]byte(`{"msgId":"m","msgtype":"audio","conversationType":"1","conversationId":"c","content":{"downloadCode":"d","duration":4000,"recognition":"words"}}`))
	if err != nil || audio.Text != "words" || audio.DownloadCode != "d" || audio.Group {
		t.Errorf("%#v %v", audio, err)
	}
	rich, err := ParseRobotMessage([]byte(`{"msgId":"m","msgtype":"richText","conversationType":"1","conversationId":"c","content":{"richText":[{"text":"a"},{"downloadCode":"d","type":"picture"}]}}`))
	if err != nil || len(rich.RichText) != 2 {
		t.Errorf("%#v %v", rich, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"msgId":"m"}`, strings.Repeat(" ", MaxEvent+1)} {
		if _, err := ParseRobotMessage([]byte(bad)); !errors.Is(err, ErrEvent) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestRobotRequestIsSigned(t *testing.T) {
	now := newClock()
	c, err := New(Config{AppKey: testKey, AppSecret: testSecret, Now: now.now})
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) (string, string) {
		timestamp := fmt.Sprint(now.now().Add(d).UnixMilli())
		mac := hmac.New(sha256.New, []byte(testSecret))
		mac.Write([]byte(timestamp + "\n" + testSecret))
		return timestamp, base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	for _, d := range []time.Duration{0, time.Hour, -time.Hour} {
		if err := c.CheckRobotRequest(at(d)); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
	for _, d := range []time.Duration{time.Hour + time.Millisecond, -time.Hour - time.Millisecond} {
		if err := c.CheckRobotRequest(at(d)); !errors.Is(err, ErrRobotSignature) {
			t.Errorf("%s off: %v", d, err)
		}
	}
	timestamp, sign := at(0)
	other, _ := at(time.Second)
	for _, pair := range [][2]string{{"", ""}, {timestamp, ""}, {"", sign}, {other, sign}, {timestamp, sign + "="}, {"x", sign}} {
		if err := c.CheckRobotRequest(pair[0], pair[1]); !errors.Is(err, ErrRobotSignature) {
			t.Errorf("%v: %v", pair, err)
		}
	}
}
