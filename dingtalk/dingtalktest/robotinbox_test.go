package dingtalktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWhatIsSaidToTheRobot(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "张三", UnionID: "un1", AdminLevel: 1})
	b.AddUser(User{UserID: "u2", Name: "n"})
	group := b.chat("u1", "u2")
	if _, err := b.SayToRobot("nobody", "", "x"); err == nil {
		t.Error("nobody says nothing")
	}
	deaf, err := b.SayToRobot("u1", "", "nobody hears it")
	if err != nil || b.RobotInbox()[0].Sends != 0 {
		t.Errorf("%v %+v", err, b.RobotInbox())
	}
	events := b.connectStream()
	b.Set(func(k *Knobs) { k.Duplicate = 1 })
	a := b.connectStream(topicRobot)
	id, err := b.SayToRobot("u1", group, "hello")
	if err != nil {
		t.Fatal(err)
	}
	var said object
	for range 2 {
		f := a.next()
		if f.Type != "CALLBACK" || f.Headers["topic"] != topicRobot {
			t.Errorf("%+v", f)
		}
		said = b.decode([]byte(f.Data))
		a.answer(f, 200, `{"response":{}}`)
	}
	if said["msgId"] != id || said["conversationId"] != group || said["conversationType"] != "2" || said["senderStaffId"] != "u1" ||
		asText(said["text"]) != `{"content":"hello"}` || said["isAdmin"] != true || said["robotCode"] != "key" || said["isInAtList"] != true {
		t.Errorf("%v", said)
	}
	if err := b.WaitAnswered(b.soon(), id); err != nil {
		t.Fatal(err)
	}
	if inbox := b.RobotInbox(); inbox[0].MsgID != deaf || inbox[0].Answered || inbox[1].Sends != 2 {
		t.Errorf("%+v", inbox)
	}
	webhook := asText(said["sessionWebhook"])
	if out := b.hook(webhook, object{"msgtype": "text", "text": object{"content": "answer"}}); code(out) != "0" {
		t.Errorf("%v", out)
	}
	if got := b.Received("u2"); len(got) != 1 || got[0].Kind != ByReply || got[0].Conversation != group {
		t.Errorf("%+v", got)
	}
	b.clock.add(90 * time.Minute)
	if out := b.hook(webhook, object{"msgtype": "text", "text": object{"content": "answer"}}); code(out) != "300005" {
		t.Errorf("too late: %v", out)
	}
	b.Set(func(k *Knobs) { k.Duplicate, k.PushQuotaExhausted = 0, true })
	if _, err := b.SayToRobot("u2", "", "x"); err != nil {
		t.Fatal(err)
	}
	if f := a.next(); !strings.Contains(f.Data, "20001") || strings.Contains(f.Data, "msgId") {
		t.Errorf("%s", f.Data)
	}
	b.login() // the clock moved: the token is new
	b.Set(func(k *Knobs) { k.PushQuotaExhausted = false })
	file, err := b.SendFileToRobot("u2", "a.pdf")
	if err != nil {
		t.Fatal(err)
	}
	f := a.next()
	a.answer(f, 200, `{}`)
	content := b.decode([]byte(f.Data))["content"].(object)
	link := asText(b.v1("POST", "/v1.0/robot/messageFiles/download", object{"robotCode": "key", "downloadCode": content["downloadCode"]}, 200)["downloadUrl"])
	resp, err := b.http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if data, _ := io.ReadAll(resp.Body); string(data) != content["downloadCode"] || content["fileName"] != "a.pdf" {
		t.Errorf("%s %v", data, content)
	}
	if err := b.WaitAnswered(b.soon(), file); err != nil {
		t.Error(err)
	}
	_ = events // gets none of it: it did not subscribe
	if n := b.StreamClients(); n != 2 {
		t.Errorf("%d clients", n)
	}
}

func TestWhatIsSaidToTheRobotByHTTP(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	type request struct {
		timestamp, sign string
		body            object
	}
	got := make(chan request, 10)
	var status atomic.Int32
	status.Store(http.StatusInternalServerError)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body object
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(int(status.Load()))
		got <- request{r.Header.Get("timestamp"), r.Header.Get("sign"), body}
	}))
	defer receiver.Close()
	b.Set(func(k *Knobs) { k.RobotByHTTP = receiver.URL })
	refused, err := b.SayToRobot("u1", "", "x")
	if err != nil {
		t.Fatal(err)
	}
	<-got
	status.Store(http.StatusOK)
	id, err := b.SayToRobot("u1", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(r.timestamp + "\nsecret"))
	if r.sign != base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.timestamp != millis(b.clock.now()) {
		t.Errorf("%+v", r)
	}
	if r.body["msgId"] != id || r.body["conversationType"] != "1" || r.body["conversationTitle"] != nil {
		t.Errorf("%v", r.body)
	}
	if err := b.WaitAnswered(b.soon(), id); err != nil {
		t.Error(err)
	}
	if inbox := b.RobotInbox(); inbox[0].MsgID != refused || inbox[0].Answered || inbox[0].Sends != 1 {
		t.Errorf("%+v", inbox)
	}
}
