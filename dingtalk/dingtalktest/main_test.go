package dingtalktest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 8, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// bench is a running server with a client that holds a token.
type bench struct {
	*Server
	t     *testing.T
	base  string
	token string
	clock *clock
	http  *http.Client
}

func start(t *testing.T) *bench {
	t.Helper()
	c := newClock()
	s := New(WithCorp("dingcorp"), WithApp("key", "secret"), WithClock(c.now))
	base, err := s.Start("")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	b := &bench{Server: s, t: t, base: base, clock: c, http: &http.Client{Transport: transport}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.Close()
	})
	b.Set(func(k *Knobs) {
		k.RetryFirst, k.RetrySecond, k.FailedListDelay = 5*time.Millisecond, 10*time.Millisecond, 5*time.Millisecond
		k.DisconnectGrace = 20 * time.Millisecond
		k.PushTimeout, k.RedeliverAfter, k.PingEvery = 10*time.Second, 10*time.Second, 0
	})
	b.login()
	return b
}

// in is the bench as a subtest uses it.
func (b *bench) in(t *testing.T) *bench {
	sub := *b
	sub.t = t
	return &sub
}

func (b *bench) login() {
	b.t.Helper()
	out := b.v1(http.MethodPost, "/v1.0/oauth2/accessToken", object{"appKey": "key", "appSecret": "secret"}, 200)
	b.token, _ = out["accessToken"].(string)
	if b.token == "" {
		b.t.Fatalf("no token in %v", out)
	}
}

type object = map[string]any

// raw sends one request and returns status and body.
func (b *bench) raw(method, path string, query url.Values, header http.Header, body any) (int, []byte, error) {
	b.t.Helper()
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path+"?"+query.Encode(), payload)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k := range header {
		req.Header.Set(k, header.Get(k))
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, err
}

func (b *bench) decode(data []byte) object {
	b.t.Helper()
	var out object
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		b.t.Fatalf("decode %q: %v", data, err)
	}
	return out
}

// old calls a method of the old host and returns the whole body.
func (b *bench) old(path string, body object) object {
	b.t.Helper()
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	var payload any
	if body != nil {
		payload = body
	}
	status, data, err := b.raw(method, path, url.Values{"access_token": {b.token}}, nil, payload)
	if err != nil || status != 200 {
		b.t.Fatalf("%s: status %d, error %v, body %s", path, status, err, data)
	}
	return b.decode(data)
}

// code is the effective errcode of an answer of the old host.
func code(out object) string {
	if sub, ok := out["sub_code"]; ok && asText(out["errcode"]) == "88" {
		return asText(sub)
	}
	return asText(out["errcode"])
}

// ok calls a method that must succeed and returns its result.
func (b *bench) ok(path string, body object) object {
	b.t.Helper()
	out := b.old(path, body)
	if code(out) != "0" {
		b.t.Fatalf("%s %v: %v", path, body, out)
	}
	result, _ := out["result"].(object)
	return result
}

// refused calls a method that must be refused with a code.
func (b *bench) refused(want, path string, body object) object {
	b.t.Helper()
	out := b.old(path, body)
	if code(out) != want {
		b.t.Fatalf("%s %v: want code %s, got %v", path, body, want, out)
	}
	return out
}

// v1 calls a method of the new host.
func (b *bench) v1(method, path string, body object, want int, query ...string) object {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	header := http.Header{}
	if b.token != "" {
		header.Set("x-acs-dingtalk-access-token", b.token)
	}
	var payload any
	if body != nil {
		payload = body
	}
	status, data, err := b.raw(method, path, values, header, payload)
	if err != nil || status != want {
		b.t.Fatalf("%s: want status %d, got %d, error %v, body %s", path, want, status, err, data)
	}
	return b.decode(data)
}

// soon is a context for waits that take milliseconds when all is well.
func (b *bench) soon() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	b.t.Cleanup(cancel)
	return ctx
}

// flush waits for all events.
func (b *bench) flush() {
	b.t.Helper()
	if err := b.FlushEvents(b.soon()); err != nil {
		b.t.Fatalf("flush: %v; events %v", err, b.Events())
	}
}

// types are the types of all events so far.
func (b *bench) types() []string {
	var out []string
	for _, e := range b.Events() {
		out = append(out, e.Type)
	}
	return out
}

const (
	userCreate = "/topapi/v2/user/create"
	userUpdate = "/topapi/v2/user/update"
	userDelete = "/topapi/v2/user/delete"
	userGet    = "/topapi/v2/user/get"
	userList   = "/topapi/v2/user/list"
	deptCreate = "/topapi/v2/department/create"
	deptUpdate = "/topapi/v2/department/update"
	deptDelete = "/topapi/v2/department/delete"
	deptGet    = "/topapi/v2/department/get"
	deptSub    = "/topapi/v2/department/listsub"
)
