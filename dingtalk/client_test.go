package dingtalk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestNewRefusesBadSettings(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no key":          {AppSecret: "x"},
		"no secret":       {AppKey: "x"},
		"no scheme":       {AppKey: "x", AppSecret: "y", OAPI: "oapi.dingtalk.com"},
		"user in the URL": {AppKey: "x", AppSecret: "y", API: "https://u:p@host"},
		"query":           {AppKey: "x", AppSecret: "y", Login: "https://host?a=b"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c, err := New(Config{AppKey: "x", AppSecret: "y"})
	if err != nil || c.cfg.OAPI != DefaultOAPI || c.cfg.API != DefaultAPI || c.LoginURL() != DefaultLogin {
		t.Errorf("defaults: %v %+v", err, c)
	}
}

func TestTokenGoesWhereEachGenerationWantsIt(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, ok(`{"errcode":0,"errmsg":"ok","result":{"count":3}}`))
	f.on(pathLeaveRecords, ok(`{"records":[]}`))
	c := f.client()
	if n, err := c.Users.Count(bg(), true); err != nil || n != 3 {
		t.Fatalf("count %d, %v", n, err)
	}
	for _, err := range c.Contacts.LeaveRecords(bg(), time.Now().Add(-time.Hour), time.Time{}) {
		t.Fatal(err)
	}
	if old := f.last(pathUserCount); old.token != tokenNo(1) || old.head.Get("Content-Type") != "application/json" || old.head.Get("User-Agent") != "dingbridge" {
		t.Errorf("old: %+v", old)
	}
	if v1 := f.last(pathLeaveRecords); v1.token != tokenNo(1) || v1.query.Has("access_token") {
		t.Errorf("new: %+v", v1)
	}
	if tok := f.last(pathToken); tok.body["appKey"] != testKey || tok.body["appSecret"] != testSecret {
		t.Errorf("token request %v", tok.body)
	}
}

func TestBodiesAreRawUTF8(t *testing.T) {
	f := newFar(t)
	f.on(pathDepartmentCreate, ok(`{"errcode":0,"result":{"dept_id":7}}`))
	if _, err := f.client().Departments.Create(bg(), Object{"name": "研发<&>部", "parent_id": "1"}); err != nil {
		t.Fatal(err)
	}
	if raw := f.last(pathDepartmentCreate).raw; !strings.Contains(raw, `"研发<&>部"`) || strings.Contains(raw, `\u`) {
		t.Errorf("body %s", raw) // 40033: \uxxxx escapes are refused
	}
}

func TestLenientDecoding(t *testing.T) {
	f := newFar(t)
	f.on(pathUserGet, ok(`{"errcode":"0","errmsg":"ok","request_id":"r","result":{
		"userid":1001,"name":"张三","job_number":42,"hired_date":"1597573616828","active":"true","senior":1,"avatar":null,
		"dept_id_list":["2",3],"extension":"{\"爱好\":\"棋\",\"n\":5}","dept_order_list":[{"dept_id":2,"order":176362815343598080}]}}`))
	o, err := f.client().Users.Get(bg(), "1001")
	if err != nil {
		t.Fatal(err)
	}
	if o["userid"] != "1001" || o["job_number"] != "42" || o["hired_date"] != int64(1597573616828) || o["active"] != true {
		t.Errorf("%#v", o)
	}
	if o["senior_mode"] != true || o["senior"] != nil {
		t.Errorf("senior is senior_mode in writes: %#v", o)
	}
	if _, has := o["avatar"]; has {
		t.Error("null is absence")
	}
	if ids := o["dept_id_list"].([]any); len(ids) != 2 || ids[0] != "2" || ids[1] != "3" {
		t.Errorf("dept_id_list %#v", ids)
	}
	if ext := o["extension"].(map[string]any); ext["爱好"] != "棋" || ext["n"] != int64(5) {
		t.Errorf("extension %#v", ext)
	}
	if row := o.Rows("dept_order_list")[0]; row["order"] != int64(176362815343598080) {
		t.Errorf("a 64-bit number was rounded: %#v", row)
	}
}

func TestNumberAndTextAccessors(t *testing.T) {
	o, err := decodeObject([]byte(`{"a":"12","b":1.5,"c":true,"d":"1,2","e":99999999999999999999,"f":1e400}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, is := o.Int("a"); !is || n != 12 {
		t.Error("a")
	}
	if _, is := o.Int("b"); is || o["b"] != 1.5 {
		t.Error("b")
	}
	if !o.Bool("c") || o.Bool("a") || strings.Join(o.IDs("d"), "|") != "1|2" || o.Text("b") != "1.5" {
		t.Error("c, d")
	}
	if o.Text("f") != "1e400" {
		t.Errorf("f %#v", o["f"])
	}
	for _, bad := range []string{``, `null`, `[]`, `1`, `{}{}`, `{"a":1} x`, `{`} {
		if _, err := decodeObject([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// A write leaves the machine once, whatever becomes of it.
func TestWriteIsNeverSentTwice(t *testing.T) {
	for name, answer := range map[string]answerFunc{
		"dropped":      func(call) reply { return reply{drop: true} },
		"cut short":    func(call) reply { return reply{body: `{"errcode":0,"resu`, cut: true} },
		"500":          status(500, `{"errcode":-1,"errmsg":"busy"}`),
		"502 page":     status(502, `<html>bad gateway</html>`),
		"504 empty":    status(504, ``),
		"no errcode":   ok(`{"result":{"userid":"u1"}}`),
		"not JSON":     ok(`oops`),
		"busy":         ok(`{"errcode":-1,"errmsg":"系统繁忙"}`),
		"unknown code": ok(`{"errcode":987654,"errmsg":"?"}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathUserCreate, answer)
			_, err := f.client(func(c *Config) { c.Retries = 4 }).Users.Create(bg(), Object{"name": "n", "mobile": "1", "dept_id_list": "1"})
			e := failure(t, err)
			if n := len(f.called(pathUserCreate)); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if e.Class != Retry || !e.Ambiguous {
				t.Errorf("%v: want an ambiguous retry", e)
			}
		})
	}
}

func TestWriteTimeoutIsAmbiguous(t *testing.T) {
	f := newFar(t)
	never := make(chan struct{})
	f.on(pathUserDelete, func(call) reply { return reply{wait: never} })
	c := f.client(func(c *Config) { c.Timeout = 50 * time.Millisecond })
	wait(t, func() bool { _, err := c.Token(bg()); return err == nil })
	err := c.Users.Delete(bg(), "u1")
	if e := failure(t, err); e.Class != Retry || !e.Ambiguous || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", e)
	}
	if n := len(f.called(pathUserDelete)); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestReadIsRepeated(t *testing.T) {
	for name, bad := range map[string]answerFunc{
		"dropped":   func(call) reply { return reply{drop: true} },
		"cut short": func(call) reply { return reply{body: `{"errcode":0,"resu`, cut: true} },
		"503":       status(503, ``),
		"502 page":  status(502, `<html>`),
		"500 with a Retry-After of an hour": func(call) reply {
			return reply{status: 500, head: map[string]string{"Retry-After": "3600"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.on(pathUserCount, inTurn(bad, bad, ok(`{"errcode":0,"result":{"count":1}}`)))
			if n, err := f.client().Users.Count(bg(), false); err != nil || n != 1 {
				t.Fatalf("%d, %v", n, err)
			}
			if n := len(f.called(pathUserCount)); n != 3 {
				t.Errorf("%d attempts", n)
			}
		})
	}
	t.Run("not for ever", func(t *testing.T) {
		f := newFar(t)
		f.on(pathUserCount, status(503, `<html>`))
		_, err := f.client().Users.Count(bg(), false)
		if e := failure(t, err); e.Class != Retry || e.Ambiguous || e.Status != 503 {
			t.Errorf("%v", e)
		}
		if n := len(f.called(pathUserCount)); n != 3 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("not at all", func(t *testing.T) {
		f := newFar(t)
		f.on(pathUserCount, status(503, ``))
		_, err := f.client(func(c *Config) { c.Retries = -1 }).Users.Count(bg(), false)
		if n := len(f.called(pathUserCount)); n != 1 || err == nil {
			t.Errorf("%d attempts, %v", n, err)
		}
	})
}

// A connection that never came about is safe to repeat for a write too, and proves that nothing happened.
func TestDialErrorIsRepeatedAndUnambiguous(t *testing.T) {
	f := newFar(t)
	f.on(pathUserDelete, ok(`{"errcode":0}`))
	var dials atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	c := f.client(func(cfg *Config) { cfg.HTTPTransport, cfg.Retries = transport, 3 })
	if _, err := c.Token(bg()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	f.server.Close()
	dials.Store(0)
	if e := failure(t, c.Users.Delete(bg(), "u1")); e.Class != Retry || e.Ambiguous {
		t.Errorf("%v", e)
	}
	if n := dials.Load(); n != 4 {
		t.Errorf("%d dials", n)
	}
}

func TestCancelledCall(t *testing.T) {
	f := newFar(t)
	ctx, cancel := context.WithCancel(bg())
	f.on(pathUserCount, func(call) reply { cancel(); return reply{wait: make(chan struct{})} })
	_, err := f.client().Users.Count(ctx, false)
	if !errors.Is(err, context.Canceled) || len(f.called(pathUserCount)) != 1 {
		t.Errorf("%v, %d calls", err, len(f.called(pathUserCount)))
	}
	if _, err := f.client().Users.Count(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := len(f.called(pathUserCount)); n != 1 {
		t.Errorf("a dead context made call %d", n)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, func(call) reply {
		return reply{status: 302, head: map[string]string{"Location": f.server.URL + "/elsewhere"}}
	})
	_, err := f.client().Users.Count(bg(), false)
	if e := failure(t, err); e.Class != Halt || e.Scope != ScopeAPI+pathUserCount {
		t.Errorf("%v", e)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	f := newFar(t)
	f.on(pathUserCount, func(call) reply { return reply{body: strings.Repeat(" ", maxAnswer+1) + "{}"} })
	_, err := f.client(func(c *Config) { c.Retries = -1 }).Users.Count(bg(), false)
	if e := failure(t, err); e.Class != Retry || !strings.Contains(e.Error(), "longer than") {
		t.Errorf("%v", e)
	}
	f.on(pathUserGet, ok(`{"errcode":60121,"errmsg":"%s"}`, strings.Repeat("长", 9000)))
	_, err = f.client().Users.Get(bg(), "u")
	if n := len([]rune(err.Error())); n > maxMessage+200 {
		t.Errorf("an error of %d characters", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	f := newFar(t)
	f.on(pathUserGet, func(c call) reply {
		return reply{body: `{"errcode":0,"result":{"userid":"` + c.body["userid"].(string) + `"}}`}
	})
	c := f.client(func(cfg *Config) { cfg.QPS = 10000 })
	var wg sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		wg.Go(func() {
			for range 20 {
				if o, err := c.Users.Get(bg(), id); err != nil || o["userid"] != id {
					t.Errorf("%v %v", o, err)
				}
			}
		})
		wg.Go(func() { c.Throttle(0.9); c.TakeCalls() })
	}
	wg.Wait()
	if n := len(f.called(pathToken)); n != 1 {
		t.Errorf("%d token calls", n)
	}
}

// plainTransport is a transport that fails in words of its own, the URL included.
type plainTransport struct{}

func (plainTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, pathToken) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return nil, errors.New("proxy refused " + r.URL.String())
}

func TestSecretsOfATransportsOwnWordsAreRemoved(t *testing.T) {
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	f := newFar(t)
	c := f.client(func(cfg *Config) { cfg.HTTPTransport = plainTransport{} })
	_, err := c.Users.Count(bg(), false)
	if err == nil || strings.Contains(err.Error(), "token%2B1") || strings.Contains(err.Error(), tokenNo(1)) {
		t.Errorf("%v", err)
	}
}
