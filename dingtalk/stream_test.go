package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStreamEventIsKeptThenAcknowledged(t *testing.T) {
	kept := make(chan Event)
	release := make(chan struct{})
	r := newGateway(t).run(func(c *StreamConfig) {
		c.UA = "dingbridge/9"
		c.Handler = func(_ context.Context, e Event) error { kept <- e; <-release; return nil }
	})
	p := r.peer()
	if s := r.state(); !s.Connected || !s.First || s.Reason != "start" || s.Gap <= 0 {
		t.Errorf("%+v", s)
	}
	open := r.last(pathStreamOpen)
	if open.body["clientId"] != testKey || open.body["clientSecret"] != testSecret || open.body["ua"] != "dingbridge/9" || open.token != "" {
		t.Errorf("%v", open.body)
	}
	if sub := fmt.Sprint(open.body["subscriptions"]); sub != "[map[topic:* type:EVENT]]" {
		t.Errorf("subscriptions %s", sub)
	}
	p.send(eventFrame("m1", "e1", "user_add_org", `{"timeStamp":"1690362102000","userId":["u1001"]}`))
	e := receive(t, "event", kept)
	if e.ID != "e1" || e.Type != "user_add_org" || e.CorpID != "ding1" || e.Born.UnixMilli() != 1690362102194 || e.UserIDs()[0] != "u1001" {
		t.Errorf("%+v", e)
	}
	// Not a word before it is kept: a ping that is sent later is answered earlier.
	p.send(`{"type":"SYSTEM","headers":{"topic":"ping","messageId":"m2"},"data":"{\"opaque\":\"x<y\"}"}`)
	p.wantReply(200, "m2", `{"opaque":"x<y"}`)
	close(release)
	p.wantReply(200, "m1", success)
}

func TestStreamHandlerFailureAsksForRedelivery(t *testing.T) {
	for name, handler := range map[string]func(context.Context, Event) error{
		"error":    func(context.Context, Event) error { return errors.New("disk full") },
		"panic":    func(context.Context, Event) error { panic("oops") },
		"too slow": func(ctx context.Context, _ Event) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			n := 0
			r := newGateway(t).run(func(c *StreamConfig) {
				c.AckTimeout = 50 * time.Millisecond
				c.Handler = func(ctx context.Context, e Event) error {
					mu.Lock()
					n++
					first := n == 1
					mu.Unlock()
					if first {
						return handler(ctx, e)
					}
					return nil
				}
			})
			p := r.peer()
			p.send(eventFrame("m1", "e1", "org_change", "{}"))
			p.wantReply(500, "m1", later)
			p.send(eventFrame("m2", "e1", "org_change", "{}")) // redelivered: same event, other message
			p.wantReply(200, "m2", success)
		})
	}
}

// A repetition is for the handler to recognise, by the same ID.
func TestStreamHandsRepetitionsOn(t *testing.T) {
	r := newGateway(t).run()
	p := r.peer()
	for i := range 3 {
		p.send(eventFrame(fmt.Sprint("m", i), "e1", "org_change", "{}"))
		p.wantReply(200, fmt.Sprint("m", i), success)
		if e := r.event(); e.ID != "e1" {
			t.Errorf("%+v", e)
		}
	}
}

func TestStreamAsksLaterWhenBusy(t *testing.T) {
	started, release := make(chan struct{}, 10), make(chan struct{})
	r := newGateway(t).run(func(c *StreamConfig) {
		c.Parallel = 2
		c.Handler = func(context.Context, Event) error { started <- struct{}{}; <-release; return nil }
	})
	p := r.peer()
	p.send(eventFrame("m1", "e1", "x", "{}"))
	p.send(eventFrame("m2", "e2", "x", "{}"))
	receive(t, "start", started)
	receive(t, "start", started)
	p.send(eventFrame("m3", "e3", "x", "{}"))
	p.wantReply(500, "m3", later)
	close(release)
	got := map[any]bool{p.headers(p.reply())["messageId"]: true, p.headers(p.reply())["messageId"]: true}
	if !got["m1"] || !got["m2"] {
		t.Errorf("%v", got)
	}
}

func TestStreamOddFrames(t *testing.T) {
	r := newGateway(t).run(func(c *StreamConfig) { c.Topics = []string{"/v1.0/im/bot/messages/get"} })
	p := r.peer()
	for _, junk := range []string{`nonsense`, ``, `[]`, `{}`, `{"type":5}`, `null`, `{"type":"EVENT"`, "\x00\xff"} {
		p.send(junk)
	}
	// `{"type":5}` is an unknown type, answered like any other.
	p.wantReply(404, "", "{}")
	p.send(`{"type":"CALLBACK","headers":{"topic":"/v1.0/card/instances/callback","messageId":"m1"},"data":"{}"}`)
	p.wantReply(404, "m1", "{}")
	p.send(`{"type":"CALLBACK","headers":{"topic":"/v1.0/im/bot/messages/get","messageId":"m2","time":1690362102194},"data":"{\"msgId\":\"b1\",\"senderStaffId\":\"u\"}"}`)
	p.wantReply(200, "m2", `{"response":{}}`)
	if e := r.event(); e.Type != "/v1.0/im/bot/messages/get" || e.ID != "b1" || e.Born.IsZero() {
		t.Errorf("%+v", e)
	}
	p.send(eventFrame("m3", "", "new_event_type", `not json`))
	p.wantReply(200, "m3", success)
	if e := r.event(); e.Type != "new_event_type" || !strings.HasPrefix(e.ID, "sha256:") || string(e.Data) != `{"raw":"not json"}` {
		t.Errorf("%+v %s", e, e.Data)
	}
	p.send(`{"type":"EVENT","headers":{"messageId":"m4","eventId":7,"eventType":"x"},"data":{"userId":"u1"}}`) // data as an object
	p.wantReply(200, "m4", success)
	if e := r.event(); e.ID != "7" || e.UserIDs()[0] != "u1" {
		t.Errorf("%+v", e)
	}
}

func TestStreamQuotaNotice(t *testing.T) {
	for i, frame := range []string{
		`{"type":"EVENT","headers":{"messageId":"m","eventId":"e","eventType":"bpms_task_change"},"data":"{\"errCode\":20001,\"errMsg\":\"q\"}"}`,
		`{"type":"EVENT","headers":{"messageId":"m","eventType":"x","errorCode":"20001","errMsg":"q"},"data":""}`,
		`{"headers":{"messageId":"m"},"errCode":"20001","errMsg":"q"}`,
	} {
		r := newGateway(t).run()
		p := r.peer()
		p.send(frame)
		p.wantReply(200, "m", success)
		if e := r.event(); !e.QuotaExceeded() || e.ID == "" {
			t.Errorf("%d: %+v", i, e)
		}
		r.stop()
	}
}
