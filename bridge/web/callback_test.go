package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

const (
	callbackToken = "tokenOfTheTest"
	callbackKey   = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	callbackOwner = "dingOwnerKey"
)

// inbox is an Inbox in memory that can be made to fail.
type inbox struct {
	mu     sync.Mutex
	asked  int
	events []bridge.InboxEvent
	fail   func(ctx context.Context) error
}

func (i *inbox) AddEvent(ctx context.Context, e bridge.InboxEvent) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.fail != nil {
		if err := i.fail(ctx); err != nil {
			return false, err
		}
	}
	for _, had := range i.events {
		if had.ID == e.ID {
			return false, nil
		}
	}
	i.events = append(i.events, e)
	return true, nil
}

// rig is a callback handler on a server, with DingTalk's side of the encryption.
type rig struct {
	t        *testing.T
	inbox    *inbox
	now      time.Time
	server   *httptest.Server
	registry *prometheus.Registry
	crypter  *dingtalk.Crypter
	logs     *observer.ObservedLogs
}

func newRig(t *testing.T, change func(*CallbackConfig)) *rig {
	t.Helper()
	crypter, err := dingtalk.NewCrypter(callbackToken, callbackKey, callbackOwner)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.DebugLevel)
	r := &rig{t: t, inbox: &inbox{}, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), registry: prometheus.NewRegistry(), crypter: crypter, logs: logs}
	cfg := CallbackConfig{Inbox: r.inbox, Crypter: crypter, Registry: r.registry, Now: func() time.Time { return r.now }, Logger: zap.New(core)}
	if change != nil {
		change(&cfg)
	}
	handler, err := NewCallback(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(NewMux(Endpoints{Health: health{}, Metrics: r.registry, Callback: handler}))
	t.Cleanup(r.server.Close)
	return r
}

// push is one signed request.
type push struct {
	signatureName, signature, timestamp, nonce, body string
}

// sign makes DingTalk's request for the plaintext.
func (r *rig) sign(plain, nonce string) push {
	r.t.Helper()
	return r.signAt(plain, nonce, strconv.FormatInt(r.now.UnixMilli(), 10))
}

func (r *rig) signAt(plain, nonce, timestamp string) push {
	r.t.Helper()
	sealed, err := r.crypter.Encrypt([]byte(plain))
	if err != nil {
		r.t.Fatal(err)
	}
	return push{"signature", r.crypter.Signature(timestamp, nonce, sealed.Encrypt), timestamp, nonce, `{"encrypt":"` + sealed.Encrypt + `"}`}
}

func (r *rig) send(p push) (int, string) {
	r.t.Helper()
	q := url.Values{p.signatureName: {p.signature}, "timestamp": {p.timestamp}, "nonce": {p.nonce}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.server.URL+PathCallback+"?"+q.Encode(), strings.NewReader(p.body))
	if err != nil {
		r.t.Fatal(err)
	}
	return ask(r.t, req)
}

// expect sends the push and checks status and the count of the outcome.
func (r *rig) expect(p push, status int, o outcome) {
	r.t.Helper()
	before := r.count(o)
	got, body := r.send(p)
	if got != status {
		r.t.Errorf("status %d, want %d: %s", got, status, body)
	}
	if r.count(o) != before+1 {
		r.t.Errorf("%s was not counted; counts:\n%s", o, r.metrics())
	}
	if status == http.StatusOK {
		r.success(body)
	}
}

// success checks that the answer is the encrypted word DingTalk waits for.
func (r *rig) success(body string) {
	r.t.Helper()
	var reply dingtalk.Reply
	if err := json.Unmarshal([]byte(body), &reply); err != nil {
		r.t.Fatalf("%v: %s", err, body)
	}
	plain, err := r.crypter.Decrypt(reply.MsgSignature, reply.TimeStamp, reply.Nonce, reply.Encrypt)
	if err != nil || string(plain) != "success" {
		r.t.Errorf("answered %q, %v", plain, err)
	}
}

func (r *rig) count(o outcome) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "dingbridge_callback_requests_total" && m.GetLabel()[0].GetValue() == string(o) {
				return m.GetCounter().GetValue()
			}
		}
	}
	r.t.Fatalf("outcome %s has no counter", o)
	return 0
}

func (r *rig) metrics() string {
	_, body := get(r.t, r.server.URL+PathMetrics, "")
	return body
}

const joined = `{"EventType":"user_add_org","eventId":"e1","TimeStamp":"1772625600000","UserId":["u1"],"CorpId":"ding1"}`

func TestCallbackKeeps(t *testing.T) {
	r := newRig(t, nil)
	r.expect(r.sign(joined, "n1"), 200, kept)
	if len(r.inbox.events) != 1 {
		t.Fatalf("%d events", len(r.inbox.events))
	}
	e := r.inbox.events[0]
	if e.ID != "e1" || e.Type != "user_add_org" || e.Via != "callback" || !e.Received.Equal(r.now) ||
		!e.Born.Equal(time.UnixMilli(1772625600000)) || !strings.Contains(string(e.Data), `"u1"`) {
		t.Errorf("kept %+v", e)
	}
	p := r.sign(joined, "n2") // DingTalk's repetition: the same event, signed anew, under the other name
	p.signatureName = "msg_signature"
	r.expect(p, 200, duplicate)
	p = r.sign(`{"EventType":"check_url"}`, "n3")
	p.signature = strings.ToUpper(p.signature)
	r.expect(p, 200, checked)
	r.expect(r.signAt(`{"EventType":"org_change","eventId":"e2"}`, "n4", strconv.FormatInt(r.now.Unix(), 10)), 200, kept) // in seconds
	if len(r.inbox.events) != 2 {
		t.Errorf("%d events", len(r.inbox.events))
	}
}

func TestCallbackRefuses(t *testing.T) {
	r := newRig(t, nil)
	stranger, err := dingtalk.NewCrypter(callbackToken, callbackKey, "dingSomebodyElse")
	if err != nil {
		t.Fatal(err)
	}
	good := r.sign(joined, "n1")
	with := func(change func(*push)) push {
		p := good
		change(&p)
		return p
	}
	stamp := func(d time.Duration) push {
		return r.signAt(joined, "n1", strconv.FormatInt(r.now.Add(d).UnixMilli(), 10))
	}
	sealed, err := stranger.Encrypt([]byte(joined))
	if err != nil {
		t.Fatal(err)
	}
	garbage := "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" // whole blocks of nothing
	for name, c := range map[string]struct {
		p      push
		status int
		o      outcome
	}{
		"no signature":        {with(func(p *push) { p.signature = "" }), 400, malformed},
		"wrong signature":     {with(func(p *push) { p.signature = strings.Repeat("0", 40) }), 403, unsigned},
		"other nonce":         {with(func(p *push) { p.nonce = "n2" }), 403, unsigned},
		"no nonce":            {with(func(p *push) { p.nonce = "" }), 400, malformed},
		"no timestamp":        {with(func(p *push) { p.timestamp = "" }), 400, malformed},
		"no number":           {with(func(p *push) { p.timestamp = "today" }), 400, malformed},
		"huge number":         {with(func(p *push) { p.timestamp = "9223372036854775807" }), 403, stale},
		"small number":        {with(func(p *push) { p.timestamp = "-9223372036854775808" }), 403, stale},
		"too old":             {stamp(-time.Hour - time.Second), 403, stale},
		"from the future":     {stamp(time.Hour + time.Second), 403, stale},
		"no JSON":             {with(func(p *push) { p.body = "encrypt" }), 400, malformed},
		"no encrypt":          {with(func(p *push) { p.body = "{}" }), 400, malformed},
		"encrypt is a number": {with(func(p *push) { p.body = `{"encrypt":7}` }), 400, malformed},
		"long signature":      {with(func(p *push) { p.signature = strings.Repeat("0", 65) }), 400, malformed},
		"long nonce":          {with(func(p *push) { p.nonce = strings.Repeat("n", 2000) }), 400, malformed},
		"another owner": {with(func(p *push) {
			p.body = `{"encrypt":"` + sealed.Encrypt + `"}`
			p.signature = r.crypter.Signature(p.timestamp, p.nonce, sealed.Encrypt)
		}), 400, foreign},
		"not decryptable": {with(func(p *push) {
			p.body = `{"encrypt":"` + garbage + `"}`
			p.signature = r.crypter.Signature(p.timestamp, p.nonce, garbage)
		}), 400, unread},
		"no event":     {r.sign(`"words"`, "n5"), 400, noEvent},
		"without type": {r.sign(`{"UserId":["u1"]}`, "n6"), 400, noEvent},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.expect(c.p, c.status, c.o)
		})
	}
	r.t = t
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		req, err := http.NewRequestWithContext(context.Background(), method, r.server.URL+PathCallback, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := ask(t, req); status != 405 {
			t.Errorf("%s: %d", method, status)
		}
	}
	if r.count(badMethod) != 2 {
		t.Errorf("%v wrong methods were counted", r.count(badMethod))
	}
	if len(r.inbox.events) != 0 {
		t.Errorf("%d events were kept", len(r.inbox.events))
	}
	r.noSecrets()
}

// noSecrets looks for keys, signatures and contents in the log.
func (r *rig) noSecrets() {
	r.t.Helper()
	if r.logs.Len() == 0 {
		r.t.Error("nothing was logged")
	}
	for _, entry := range r.logs.All() {
		line := fmt.Sprint(entry.Message, entry.ContextMap())
		for _, secret := range []string{callbackToken, callbackKey, callbackOwner, "u1", "encrypt\":", "nonce="} {
			if strings.Contains(line, secret) {
				r.t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
}

func TestCallbackStoreFails(t *testing.T) {
	r := newRig(t, func(c *CallbackConfig) { c.Deadline = time.Millisecond })
	r.inbox.fail = func(context.Context) error { return errors.New("database or disk is full") }
	p := r.sign(joined, "n1")
	r.expect(p, 503, unkept)
	r.inbox.fail = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } // slower than DingTalk waits
	r.expect(p, 503, unkept)
	r.inbox.fail = func(context.Context) error { panic("token " + callbackToken) }
	r.expect(r.sign(joined, "n2"), 500, crashed)
	r.inbox.fail = nil
	r.expect(p, 200, kept) // nothing was kept before: the same request may come again
	r.noSecrets()
}

type brokenCrypter struct{ *dingtalk.Crypter }

func (brokenCrypter) Encrypt([]byte) (dingtalk.Reply, error) {
	return dingtalk.Reply{}, errors.New("no entropy")
}

func TestCallbackCannotAnswer(t *testing.T) {
	r := newRig(t, func(c *CallbackConfig) { c.Crypter = brokenCrypter{c.Crypter.(*dingtalk.Crypter)} })
	r.expect(r.sign(joined, "n1"), 500, unsealed)
}

func TestCallbackMetricsOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := NewCallback(CallbackConfig{Registry: registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := NewCallback(CallbackConfig{Registry: registry}); err == nil {
		t.Error("the metrics were registered twice")
	}
}
