package dingtalktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

// hook sends by a webhook's address.
func (b *bench) hook(address string, body object, query ...string) object {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	values := u.Query()
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.postRaw(u.Path, values, "application/json", raw)
}

func TestWebhook(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	group := b.chat("u1")
	plain := b.AddWebhook(Webhook{Conversation: group})
	text := object{"msgtype": "text", "text": object{"content": "x"}, "msgUuid": "m1"}
	for range 2 {
		if out := b.hook(plain, text); code(out) != "0" {
			t.Fatalf("%v", out)
		}
	}
	if got := b.Received("u1"); len(got) != 1 || got[0].ID != "m1" || len(b.Duplicates()) != 0 || len(b.Repeats()) != 1 {
		t.Errorf("a msgUuid is taken once: %v", got)
	}
	text["msgUuid"] = "m2"
	b.hook(plain, text)
	if len(b.Duplicates()) != 1 {
		t.Errorf("the same words once more are a second message: %v", b.Duplicates())
	}
	for name, body := range map[string]object{
		"link": {"msgtype": "link", "link": object{"title": "t", "text": "x", "messageUrl": "u"}},
		"feed": {"msgtype": "feedCard", "feedCard": object{"links": []any{object{"title": "t", "messageURL": "u", "picURL": "p"}}}},
		"card": {"msgtype": "actionCard", "actionCard": object{"title": "t", "text": "x", "btnOrientation": "0", "btns": []any{object{"title": "t", "actionURL": "u"}}}},
	} {
		if out := b.hook(plain, body); code(out) != "0" {
			t.Errorf("%s: %v", name, out)
		}
	}
	for name, test := range map[string]struct {
		code string
		body object
	}{
		"type": {"400105", object{"msgtype": "song"}},
		"body": {"40035", object{"msgtype": "text"}},
		"link": {"40035", object{"msgtype": "link", "link": object{"title": "t", "text": "x"}}},
		"feed": {"40035", object{"msgtype": "feedCard", "feedCard": object{"links": []any{object{"title": "t"}}}}},
		"card": {"40035", object{"msgtype": "actionCard", "actionCard": object{"title": "t", "text": "x"}}},
		"at":   {"40035", object{"msgtype": "text", "text": object{"content": "x"}, "at": object{"atUserIds": strings.Split(strings.Repeat("u,", 51)+"u", ",")}}},
	} {
		if out := b.hook(plain, test.body); code(out) != test.code {
			t.Errorf("%s: %v", name, out)
		}
	}
	for _, r := range b.Journal() {
		if r.Query.Has("access_token") || r.Query.Has("sign") {
			t.Error("the journal keeps secrets")
		}
	}
}

func TestWebhookSecurity(t *testing.T) {
	b := start(t)
	group := b.chat("u1")
	address := b.AddWebhook(Webhook{Conversation: group, Secret: "SEC1", Keywords: []string{"告警"}})
	text := object{"msgtype": "text", "text": object{"content": "告警 x"}}
	signed := func(at time.Time, secret string) []string {
		timestamp := millis(at)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(timestamp + "\n" + secret))
		return []string{"timestamp", timestamp, "sign", base64.StdEncoding.EncodeToString(mac.Sum(nil))}
	}
	now := b.clock.now()
	if out := b.hook(address, text, signed(now, "SEC1")...); code(out) != "0" {
		t.Fatalf("%v", out)
	}
	for want, out := range map[string]object{
		"keywords not in content": b.hook(address, object{"msgtype": "text", "text": object{"content": "x"}}, signed(now, "SEC1")...),
		"sign not match":          b.hook(address, text, signed(now, "SEC2")...),
		"invalid timestamp":       b.hook(address, text, signed(now.Add(-61*time.Minute), "SEC1")...),
	} {
		if code(out) != "310000" || !strings.Contains(asText(out["errmsg"]), want) {
			t.Errorf("%s: %v", want, out)
		}
	}
	if out := b.hook(address, text); code(out) != "310000" {
		t.Errorf("unsigned: %v", out)
	}
	if out := b.hook(b.base+"/robot/send?access_token=x", text); code(out) != "400101" {
		t.Errorf("%v", out)
	}
	b.EditWebhook(address, func(w *Webhook) { w.IPRefused = true })
	if out := b.hook(address, text, signed(now, "SEC1")...); code(out) != "310000" || !strings.Contains(asText(out["errmsg"]), "whitelist") {
		t.Errorf("%v", out)
	}
	b.EditWebhook(address, func(w *Webhook) { w.Stopped = true })
	if out := b.hook(address, text, signed(now, "SEC1")...); code(out) != "400102" {
		t.Errorf("%v", out)
	}
	b.EditWebhook(address, func(w *Webhook) { w.Stopped = false })
	b.endChat(group)
	if out := b.hook(address, text, signed(now, "SEC1")...); code(out) != "400013" {
		t.Errorf("%v", out)
	}
}

func TestWebhookIsLimited(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	address := b.AddWebhook(Webhook{Conversation: b.chat("u1")})
	send := func() string {
		return code(b.hook(address, object{"msgtype": "text", "text": object{"content": "x"}}))
	}
	for range 20 {
		if got := send(); got != "0" {
			t.Fatal(got)
		}
	}
	if got := send(); got != "410100" {
		t.Errorf("the 21st: %s", got)
	}
	b.clock.add(10*time.Minute - time.Second)
	if got := send(); got != "410100" {
		t.Errorf("limited for ten minutes: %s", got)
	}
	b.clock.add(time.Second)
	if got := send(); got != "0" || len(b.Received("u1")) != 21 {
		t.Errorf("%s, %d received", got, len(b.Received("u1")))
	}
	if n := b.CountedCalls(); n != 0 {
		t.Errorf("%d counted calls: webhooks count as pushes", n)
	}
	b.Set(func(k *Knobs) { k.PushQuota = 21 })
	if got := send(); got != "90030" {
		t.Errorf("the quota of pushes: %s", got)
	}
}
