package dingtalktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// open asks for a ticket, for events and the topics of callbacks.
func (b *bench) open(topics ...string) (endpoint, ticket string) {
	b.t.Helper()
	subscriptions := []any{object{"type": "EVENT", "topic": "*"}}
	for _, topic := range topics {
		subscriptions = append(subscriptions, object{"type": "CALLBACK", "topic": topic})
	}
	out := b.v1("POST", "/v1.0/gateway/connections/open", object{
		"clientId": "key", "clientSecret": "secret", "subscriptions": subscriptions, "ua": "test",
	}, 200)
	return out["endpoint"].(string), out["ticket"].(string)
}

// app is the app's end of a Stream connection.
type app struct {
	b  *bench
	ws *websocket.Conn
}

func (b *bench) connectStream(topics ...string) *app {
	b.t.Helper()
	before := b.StreamClients()
	endpoint, ticket := b.open(topics...)
	ws, _, err := websocket.Dial(b.soon(), endpoint+"?ticket="+url.QueryEscape(ticket), &websocket.DialOptions{HTTPClient: b.http})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = ws.CloseNow() })
	if err := b.WaitStream(b.soon(), before+1); err != nil {
		b.t.Fatal(err)
	}
	return &app{b: b, ws: ws}
}

// next reads a frame.
func (a *app) next() frame {
	a.b.t.Helper()
	_, data, err := a.ws.Read(a.b.soon())
	if err != nil {
		a.b.t.Fatalf("read: %v", err)
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		a.b.t.Fatal(err)
	}
	return f
}

func (a *app) answer(f frame, status int, data string) {
	a.b.t.Helper()
	text, err := json.Marshal(object{
		"code": status, "headers": object{"messageId": f.Headers["messageId"], "contentType": "application/json"}, "message": "OK", "data": data,
	})
	if err != nil {
		a.b.t.Fatal(err)
	}
	if err := a.ws.Write(a.b.soon(), websocket.MessageText, text); err != nil {
		a.b.t.Fatal(err)
	}
}

func (a *app) ack(f frame) { a.answer(f, 200, `{"status":"SUCCESS","message":"success"}`) }

func TestStreamDelivers(t *testing.T) {
	b := start(t)
	a := b.connectStream()
	b.ok(userCreate, newcomer(nil))
	f := a.next()
	if f.Type != "EVENT" || f.SpecVersion != "1.0" || f.Headers["topic"] != "*" || f.Headers["eventType"] != "user_add_org" ||
		f.Headers["eventCorpId"] != "dingcorp" || f.Headers["eventId"] != b.Events()[0].ID ||
		f.Headers["eventBornTime"] != fmt.Sprint(b.clock.now().UnixMilli()) {
		t.Errorf("frame: %+v", f)
	}
	if f.Data != fmt.Sprintf(`{"timeStamp":"%d","userId":["u1"]}`, b.clock.now().UnixMilli()) {
		t.Errorf("data: %s", f.Data)
	}
	a.ack(f)
	b.flush()
	if got := states(b); !slices.Equal(got, []string{"user_add_org delivered 1"}) {
		t.Errorf("states: %v", got)
	}
	b.AddUser(User{UserID: "u2", Name: "n"})
	a.answer(a.next(), 404, "")
	b.flush()
	if got := states(b)[1]; got != "user_add_org failed 1" {
		t.Errorf("no handler, no redelivery: %v", got)
	}
}

func TestStreamTickets(t *testing.T) {
	b := start(t)
	dial := func(endpoint, ticket string) int {
		ws, resp, err := websocket.Dial(b.soon(), endpoint+"?ticket="+ticket, &websocket.DialOptions{HTTPClient: b.http})
		if err == nil {
			_ = ws.CloseNow()
		}
		return resp.StatusCode
	}
	endpoint, ticket := b.open()
	if got := dial(endpoint, ticket); got != http.StatusSwitchingProtocols {
		t.Fatalf("first use: %d", got)
	}
	if got := dial(endpoint, ticket); got != http.StatusUnauthorized {
		t.Errorf("second use: %d", got)
	}
	_, late := b.open()
	b.clock.add(90 * time.Second)
	if got := dial(endpoint, late); got != http.StatusUnauthorized {
		t.Errorf("after 90 s: %d", got)
	}
	_, fresh := b.open()
	b.Fail(Path("/connect"), 1, Status(503))
	if got := dial(endpoint, fresh); got != 503 {
		t.Errorf("Fail works for the upgrade: %d", got)
	}
	out := b.v1("POST", "/v1.0/gateway/connections/open", object{"clientId": "key", "clientSecret": "secret"}, 400)
	if out["code"] != "Missingsubscriptions" {
		t.Errorf("no subscriptions: %v", out)
	}
}

func TestStreamRedelivers(t *testing.T) {
	for _, newID := range []bool{false, true} {
		b := start(t)
		b.Set(func(k *Knobs) { k.RedeliverAfter, k.RedeliverNewMessageID = 20*time.Millisecond, newID })
		a := b.connectStream()
		b.AddUser(User{UserID: "u1", Name: "n"})
		first := a.next()
		a.answer(first, 500, `{"status":"LATER","message":"later"}`)
		second := a.next()
		b.Set(func(k *Knobs) { k.RedeliverAfter = time.Hour }) // the third send is the last of this test
		if first.Headers["eventId"] != second.Headers["eventId"] || newID == (first.Headers["messageId"] == second.Headers["messageId"]) {
			t.Errorf("new message id %v: %v then %v", newID, first.Headers, second.Headers)
		}
		last := second
		for b.Events()[0].State != EventDelivered { // a send may be under way already
			a.ack(last)
			if b.FlushEvents(within(b, 50*time.Millisecond)) == nil {
				break
			}
			last = a.next()
		}
	}
}

func within(b *bench, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	b.t.Cleanup(cancel)
	return ctx
}

func TestStreamGivesUp(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.RedeliverAfter, k.RedeliverMax, k.StreamFailuresListed = 5*time.Millisecond, 3, true })
	b.connectStream()
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.flush()
	if got := states(b); got[0] != "user_add_org failed 3" {
		t.Errorf("states: %v", got)
	}
	if out := b.old("/call_back/get_call_back_failed_result", nil); len(out["failed_list"].([]any)) != 1 {
		t.Errorf("StreamFailuresListed: %v", out)
	}
}

func TestStreamMisfortunes(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) {
		k.Duplicate, k.Lose, k.Reorder, k.ReorderWithin, k.Seed = 0.3, 0.2, 0.5, 10*time.Millisecond, 3
	})
	a, other := b.connectStream(), b.connectStream()
	const n = 100
	for i := range n {
		b.AddUser(User{UserID: fmt.Sprintf("u%03d", i), Name: "n"})
	}
	type arrival struct{ app, id, user string }
	arrived := make(chan arrival, 4*n)
	for name, conn := range map[string]*app{"a": a, "b": other} {
		go func() {
			for {
				_, data, err := conn.ws.Read(t.Context())
				if err != nil {
					return
				}
				var f frame
				if json.Unmarshal(data, &f) != nil {
					t.Errorf("frame %s", data)
					return
				}
				arrived <- arrival{name, f.Headers["eventId"], f.Data[strings.Index(f.Data, "userId"):]}
				conn.ack(f)
			}
		}()
	}
	b.flush()
	sends, lost := 0, 0
	for _, e := range b.Events() {
		sends += e.Sends
		if e.State == EventLost {
			lost++
		}
	}
	var users []string
	ids, apps := map[string]int{}, map[string]int{}
	for range sends {
		got := <-arrived
		users = append(users, got.user)
		ids[got.id]++
		apps[got.app]++
	}
	if lost < 5 || len(ids)+lost != n || sends <= len(ids) || slices.IsSorted(users) || len(apps) != 2 {
		t.Errorf("%d lost, %d arrived as %d frames on %v, in order %v", lost, len(ids), sends, apps, slices.IsSorted(users))
	}
}

func TestStreamDisconnect(t *testing.T) {
	b := start(t)
	old := b.connectStream()
	b.DisconnectStreams()
	f := old.next()
	if f.Type != "SYSTEM" || f.Headers["topic"] != "disconnect" || !strings.Contains(f.Data, "expired") || b.StreamClients() != 0 {
		t.Errorf("frame: %+v", f)
	}
	b.AddUser(User{UserID: "u1", Name: "n"})
	fresh := b.connectStream()
	b.AddUser(User{UserID: "u2", Name: "n"})
	got := fresh.next()
	fresh.ack(got)
	if !strings.Contains(got.Data, "u2") {
		t.Errorf("the new connection gets what happens now: %+v", got)
	}
	if _, _, err := old.ws.Read(b.soon()); err == nil {
		t.Error("the old one gets nothing and is closed after the grace period")
	}
	b.flush()
	if got := states(b); !slices.Equal(got, []string{"user_add_org unheard 0", "user_add_org delivered 1"}) {
		t.Errorf("states: %v", got)
	}
	b.DropStreams()
	if _, _, err := fresh.ws.Read(b.soon()); err == nil {
		t.Error("dropped")
	}
}

func TestStreamDropRedeliversElsewhere(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.RedeliverAfter, k.HoldWithoutClients = 20*time.Millisecond, true })
	b.AddUser(User{UserID: "u0", Name: "n"})
	a := b.connectStream()
	held := a.next()
	if !strings.Contains(held.Data, "u0") {
		t.Fatalf("what was held comes first: %+v", held)
	}
	a.ack(held)
	b.AddUser(User{UserID: "u1", Name: "n"})
	lost := a.next()
	b.DropStreams()
	again := b.connectStream()
	for {
		f := again.next()
		if f.Headers["eventId"] == lost.Headers["eventId"] {
			again.ack(f)
			break
		}
		again.ack(f)
	}
	b.flush()
	for _, e := range b.Events() {
		if e.State != EventDelivered {
			t.Errorf("%s is %s", e.Data, e.State)
		}
	}
}

func TestStreamZombie(t *testing.T) {
	b := start(t)
	zombie := b.connectStream()
	b.ZombieStream()
	b.AddUser(User{UserID: "u1", Name: "n"})
	if b.StreamClients() != 0 || b.Events()[0].State != EventUnheard {
		t.Errorf("a zombie hears nothing: %v", states(b))
	}
	read := make(chan error, 1)
	go func() {
		_, _, err := zombie.ws.Read(t.Context())
		read <- err
	}()
	if err := zombie.ws.Ping(b.soon()); err != nil {
		t.Errorf("the socket is open and answers pings: %v", err)
	}
	fresh := b.connectStream()
	b.AddUser(User{UserID: "u2", Name: "n"})
	fresh.ack(fresh.next())
	b.flush()
	b.DropStreams()
	if err := <-read; err == nil {
		t.Error("no frame ever came to the zombie")
	}
}

func TestStreamPing(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.PingEvery = 5 * time.Millisecond })
	a := b.connectStream()
	f := a.next()
	if f.Type != "SYSTEM" || f.Headers["topic"] != "ping" || !strings.Contains(f.Data, "opaque") {
		t.Fatalf("frame: %+v", f)
	}
	a.answer(f, 200, f.Data)
	if err := b.waitFor(b.soon(), func() bool { return b.streams.pongs == 1 }); err != nil {
		t.Error(err)
	}
	if b.Pongs() != 1 {
		t.Errorf("pongs: %d", b.Pongs())
	}
}

func TestStreamLife(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.StreamLife = 5 * time.Millisecond })
	endpoint, ticket := b.open()
	ws, _, err := websocket.Dial(b.soon(), endpoint+"?ticket="+ticket, &websocket.DialOptions{HTTPClient: b.http})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if f := (&app{b: b, ws: ws}).next(); f.Headers["topic"] != "disconnect" {
		t.Errorf("frame: %+v", f)
	}
}

func TestStreamQuotaAndCallback(t *testing.T) {
	b := start(t)
	if err := b.SendCallback("/v1.0/im/bot/messages/get", object{"msgId": "m1"}); err == nil {
		t.Error("nobody is connected")
	}
	a := b.connectStream()
	b.Set(func(k *Knobs) { k.PushQuotaExhausted, k.CountContacts = true, true })
	b.AddUser(User{UserID: "u1", Name: "n"})
	f := a.next()
	a.ack(f)
	if !strings.Contains(f.Data, `"errCode":20001`) || strings.Contains(f.Data, "u1") {
		t.Errorf("data: %s", f.Data)
	}
	b.Set(func(k *Knobs) { k.PushQuotaExhausted, k.PushQuota = false, 1 })
	for _, want := range []bool{true, false} {
		b.Emit("org_change", object{"mark": 1})
		f := a.next()
		a.ack(f)
		if got := strings.Contains(f.Data, "mark"); got != want {
			t.Errorf("the quota of one push: %s", f.Data)
		}
	}
	if err := b.SendCallback("/v1.0/im/bot/messages/get", object{"msgId": "m1"}); err != nil {
		t.Fatal(err)
	}
	f = a.next()
	if f.Type != "CALLBACK" || f.Headers["topic"] != "/v1.0/im/bot/messages/get" || f.Headers["connectionId"] == "" || f.Data != `{"msgId":"m1"}` {
		t.Errorf("frame: %+v", f)
	}
	b.flush()
}

func TestCloseWithWorkUnderWay(t *testing.T) {
	b := start(t)
	a := b.connectStream()
	b.AddUser(User{UserID: "u0", Name: "n"})
	a.next() // never acknowledged
	b.Set(func(k *Knobs) { k.RetryFirst = time.Hour })
	r := newReceiver(t, "key")
	r.refuse = -1
	b.Callback(r.url, testToken, testAESKey)
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.Close()
	b.Close()
	if err := b.FlushEvents(b.soon()); err == nil {
		t.Error("a closed server delivers no more")
	}
	if _, err := b.Start(""); err == nil {
		t.Error("a closed server cannot start")
	}
}
