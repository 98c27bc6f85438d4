package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
)

// DingTalk sends a request again when our answer was lost. It is acknowledged like the first and the store is not asked again.
func TestCallbackRepeatedRequest(t *testing.T) {
	r := newRig(t, nil)
	p := r.sign(joined, "n1")
	r.expect(p, 200, kept)
	r.expect(p, 200, replayed)
	p.signature = strings.ToUpper(p.signature)
	r.expect(p, 200, replayed)
	r.now = r.now.Add(time.Hour) // the last moment of the window
	r.expect(p, 200, replayed)
	if r.inbox.asked != 1 {
		t.Errorf("the inbox was asked %d times", r.inbox.asked)
	}
	r.now = r.now.Add(time.Millisecond)
	r.expect(p, 403, stale) // from here on the timestamp alone refuses it

	future := r.signAt(joined, "n2", fmt.Sprint(r.now.Add(time.Hour).UnixMilli()))
	r.expect(future, 200, duplicate)
	r.now = r.now.Add(2 * time.Hour)
	r.expect(future, 200, replayed)
	r.now = r.now.Add(time.Millisecond)
	r.expect(future, 403, stale)
}

// What the memory of signatures no longer knows the inbox recognises by the event's id: after a restart, at another replica, and when
// many requests came in between.
func TestCallbackRepeatedRequestIsKeptOnce(t *testing.T) {
	first := newRig(t, func(c *CallbackConfig) { c.Remember = 3 })
	p := first.sign(joined, "n1")
	first.expect(p, 200, kept)
	second := newRig(t, func(c *CallbackConfig) { c.Inbox = first.inbox })
	second.expect(p, 200, duplicate)
	second.expect(p, 200, replayed)
	for i := range 3 {
		first.expect(first.sign(fmt.Sprintf(`{"EventType":"org_change","eventId":"%d"}`, i), fmt.Sprint("m", i)), 200, kept)
	}
	first.expect(p, 200, duplicate)

	withoutID := first.sign(`{"EventType":"org_change"}`, "n2")
	first.expect(withoutID, 200, kept)
	second.expect(withoutID, 200, duplicate)
	if n := len(first.inbox.events); n != 5 {
		t.Errorf("%d events", n)
	}
}

// A request that arrives twice at once is not acknowledged before its event is kept.
func TestCallbackTwiceAtOnce(t *testing.T) {
	r := newRig(t, nil)
	p := r.sign(joined, "n1")
	var wg sync.WaitGroup
	codes := make([]int, 20)
	for i := range codes {
		wg.Go(func() { codes[i], _ = r.send(p) })
	}
	wg.Wait()
	for _, code := range codes {
		if code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
	}
	if len(r.inbox.events) != 1 || r.count(kept) != 1 || r.count(kept)+r.count(duplicate)+r.count(replayed) != 20 {
		t.Errorf("%d events\n%s", len(r.inbox.events), r.metrics())
	}
}

func TestReplaysAreBounded(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	r := newReplays(3)
	add := func(s string, life time.Duration) { r.add(s, now, now.Add(life)) }
	for i := range 100 {
		add(fmt.Sprint(i), time.Hour)
		add(fmt.Sprint(i), time.Hour)
	}
	if len(r.until) != 3 || len(r.queue) != 3 || !r.known("99") || !r.known("97") || r.known("96") {
		t.Errorf("%v", r.queue)
	}
	add("soon", time.Minute) // 98, 99, soon
	now = now.Add(time.Hour + time.Second)
	add("A", time.Hour)
	if len(r.until) != 1 || !r.known("a") {
		t.Errorf("%v", r.queue)
	}
}

// A flood is told in one line a minute for each kind of refusal, and counted in full.
func TestCallbackFloodIsToldOnce(t *testing.T) {
	r := newRig(t, nil)
	good := r.sign(joined, "n1")
	bad := good
	bad.nonce = "other"
	for range 50 {
		r.expect(bad, 403, unsigned)
	}
	bad.timestamp = "today"
	r.expect(bad, 400, malformed)
	bad.timestamp = good.timestamp
	if n := r.logs.Len(); n != 2 {
		t.Errorf("%d lines", n)
	}
	r.now = r.now.Add(quietFor)
	r.expect(bad, 403, unsigned)
	last := r.logs.All()[r.logs.Len()-1].ContextMap()
	if r.logs.Len() != 3 || last["reason"] != string(unsigned) || last["untold"] != int64(49) {
		t.Errorf("%d lines, the last %v", r.logs.Len(), last)
	}
	r.now = r.now.Add(-24 * time.Hour) // a clock that is put back silences nothing for a day
	r.expect(bad, 403, stale)
	r.noSecrets()
}

// post writes the head of a callback and returns the connection, so that the test decides how the body comes.
func (r *rig) post(p push, length int) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.server.URL, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST %s?signature=%s&timestamp=%s&nonce=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
		PathCallback, p.signature, p.timestamp, p.nonce, length)
	if err != nil {
		r.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func (r *rig) answered(in *bufio.Reader) int {
	r.t.Helper()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// Nobody is waited for: a body that does not come ends its request, and one that is announced too long is not read at all, so that a client
// that goes on writing may see its connection reset before it sees the answer.
func TestCallbackSlowBody(t *testing.T) {
	r := newRig(t, func(c *CallbackConfig) { c.Deadline = 50 * time.Millisecond })
	p := r.sign(joined, "n1")
	conn, in := r.post(p, len(p.body))
	if _, err := io.WriteString(conn, p.body[:10]); err != nil {
		t.Fatal(err)
	}
	if status := r.answered(in); status != 400 || r.count(malformed) != 1 {
		t.Errorf("%d\n%s", status, r.metrics())
	}
	_, in = r.post(p, maxBody+1)
	if status := r.answered(in); status != 413 || r.count(tooLarge) != 1 {
		t.Errorf("%d\n%s", status, r.metrics())
	}
	r.expect(p, 200, kept)
}

// held is an inbox that keeps its callers waiting.
type held struct{ entered, release chan struct{} }

func (h held) AddEvent(context.Context, bridge.InboxEvent) (bool, error) {
	h.entered <- struct{}{}
	<-h.release
	return true, nil
}

// When every place is taken, the next request is told so as soon as its time is up, and a refusal that needs no place at once.
func TestCallbackInFlightIsBounded(t *testing.T) {
	h := held{make(chan struct{}), make(chan struct{})}
	r := newRig(t, func(c *CallbackConfig) { c.Inbox, c.Deadline = h, time.Minute })
	p := r.sign(joined, "n1")
	var wg sync.WaitGroup
	for range maxInFlight {
		wg.Go(func() {
			if code, _ := r.send(p); code != http.StatusOK {
				t.Errorf("answered %d", code)
			}
		})
		<-h.entered
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	ask := func(p push) int {
		target := PathCallback + "?" + url.Values{"signature": {p.signature}, "nonce": {p.nonce}, "timestamp": {p.timestamp}}.Encode()
		w := httptest.NewRecorder()
		r.server.Config.Handler.ServeHTTP(w, httptest.NewRequestWithContext(over, http.MethodPost, target, strings.NewReader(p.body)))
		return w.Code
	}
	if code := ask(p); code != http.StatusServiceUnavailable || r.count(busy) != 1 {
		t.Errorf("%d\n%s", code, r.metrics())
	}
	close(h.release)
	wg.Wait()
	p.timestamp = "1"
	if code := ask(p); code != http.StatusForbidden {
		t.Errorf("stale: %d", code)
	}
}
