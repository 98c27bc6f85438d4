package dingtalk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

func TestStandInTakesEveryRobotMessage(t *testing.T) {
	s, c := messenger(t, "u1", "u2")
	group := chat(t, s, "u1", "u2")
	contents := everyContent(t, c)
	contents["file"]["file.name"] = "报价.pdf"
	video := must(c.Media.Upload(t.Context(), dingtalk.MediaVideo, "a.mp4", []byte("data")))(t)
	contents["video"] = dingtalk.Object{"video.media_id": video, "video.pic_media_id": contents["image"]["image.media_id"], "video.duration": 12, "video.width": 100}
	for n := 1; n <= 5; n++ {
		contents[fmt.Sprint("card ", n)] = buttons(n, "")
	}
	for name, message := range contents {
		r, err := c.Robots.SendToPersons(t.Context(), []string{"u1", "nobody"}, message)
		if err != nil || !slices.Equal(r.Invalid, []string{"nobody"}) || r.ID == "" {
			t.Errorf("%s: %+v %v", name, r, err)
			continue
		}
		if read := must(c.Robots.ReadByPersons(t.Context(), r.ID))(t); read.Status != "SUCCESS" || !slices.Equal(read.Unread, []string{"u1"}) {
			t.Errorf("%s: %+v", name, read)
		}
		message["openConversationId"] = group
		if r, err = c.Robots.SendToGroup(t.Context(), message); err != nil || r.ID == "" {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	if got := len(s.Received("u1")); got != 2*len(contents) {
		t.Errorf("%d received of %d", got, 2*len(contents))
	}
	keys := map[string][]string{}
	for _, m := range s.Messages() {
		keys[m.Kind] = append(keys[m.Kind], m.ID)
	}
	s.ReadMessages("u2")
	if read := must(c.Robots.ReadByGroup(t.Context(), group, keys[dingtalktest.ByRobotInGroup][0]))(t); !slices.Equal(read.Read, []string{"u2"}) {
		t.Errorf("%+v", read)
	}
	failed := must(c.Robots.RecallFromPersons(t.Context(), keys[dingtalktest.ByRobot][0], "unknown"))(t)
	if len(failed) != 1 || failed["unknown"] == "" {
		t.Errorf("%v", failed)
	}
	if failed := must(c.Robots.RecallFromGroup(t.Context(), group, keys[dingtalktest.ByRobotInGroup][0]))(t); len(failed) != 0 {
		t.Errorf("%v", failed)
	}
	endChat(t, s, group)
	_, err := c.Robots.SendToGroup(t.Context(), dingtalk.Object{"openConversationId": group, "text.content": "x"})
	wantField(t, err, "group.disbanded", "openConversationId")
}

func TestStandInRobotMisfortunes(t *testing.T) {
	s, c := messenger(t, "u1", "u2", "u3")
	s.Set(func(k *dingtalktest.Knobs) {
		k.RobotThrottled, k.SensitiveWords = map[string]bool{"u2": true}, []string{"赌博"}
	})
	r := must(c.Robots.SendToPersons(t.Context(), []string{"u1", "u2"}, dingtalk.Object{"text.content": "x"}))(t)
	if !slices.Equal(r.Throttled, []string{"u2"}) || len(s.Received("u2")) != 0 {
		t.Errorf("%+v", r)
	}
	_, err := c.Robots.SendToPersons(t.Context(), []string{"u1"}, dingtalk.Object{"text.content": "赌博"})
	wantField(t, err, "contain.notAllowed.text", "")
	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
	var e *dingtalk.Error
	if _, err := c.Robots.SendToPersons(t.Context(), []string{"u3"}, dingtalk.Object{"text.content": "x"}); !errors.As(err, &e) || !e.Ambiguous {
		t.Errorf("%v", err)
	}
	if len(s.Received("u3")) != 1 || len(s.Duplicates()) != 0 {
		t.Errorf("the transport sent it again: %v", s.Duplicates())
	}
	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.V1Err(400, "send.too.fast", "发送过快"))
	if _, err := c.Robots.SendToPersons(t.Context(), []string{"u3"}, dingtalk.Object{"text.content": "y"}); !dingtalk.IsThrottled(err) {
		t.Errorf("%v", err)
	}
	d := must(c.Dings.Send(t.Context(), []string{"u1", "nobody"}, dingtalk.Object{"content": "now", "remindType": dingtalk.DingSMS}))(t)
	if d.ID == "" || !slices.Equal(d.Failed["用户不存在"], []string{"nobody"}) {
		t.Errorf("%+v", d)
	}
	if err := c.Dings.Recall(t.Context(), d.ID); err != nil {
		t.Error(err)
	}
	got := s.Received("u1")
	if last := got[len(got)-1]; last.Kind != dingtalktest.ByDing || !last.Recalled {
		t.Errorf("%+v", last)
	}
}

func TestStandInTakesEveryWebhookMessage(t *testing.T) {
	s, c := messenger(t, "u1")
	group := chat(t, s, "u1")
	address := s.AddWebhook(dingtalktest.Webhook{Conversation: group, Secret: "SEC+/1", Keywords: []string{"t", "x"}})
	w := must(dingtalk.NewWebhook("ops", address, "SEC+/1"))(t)
	card := button()
	card["action_card.hide_avatar"] = true
	for name, message := range map[string]dingtalk.Object{
		"text": {"text.content": `x C:\users <>`, "at.atUserIds": "u1"}, "markdown": {"markdown.title": "t", "markdown.text": "x", "at.isAtAll": true},
		"link": {"link.title": "t", "link.text": "x", "link.messageUrl": "https://x"}, "card": card, "beside": buttons(2, "1"),
		"feed": {"feed_card.links": []map[string]any{{"title": "t", "messageURL": "https://x", "picURL": "https://x"}}},
	} {
		if err := c.Webhooks.Send(t.Context(), w, message); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := len(s.Received("u1")); got != 6 {
		t.Errorf("%d received", got)
	}
	// The answer is lost; sent again with the same key, it is there once.
	message := dingtalk.Object{"text.content": "x once", "msgUuid": "key-1"}
	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
	var e *dingtalk.Error
	if err := c.Webhooks.Send(t.Context(), w, message); !errors.As(err, &e) || !e.Ambiguous {
		t.Fatalf("%v", err)
	}
	if err := c.Webhooks.Send(t.Context(), w, message); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Received("u1")); got != 7 || len(s.Duplicates()) != 0 {
		t.Errorf("%d received, %v", got, s.Duplicates())
	}
	wantField(t, c.Webhooks.Send(t.Context(), w, dingtalk.Object{"text.content": "no"}), "310000", "")
	wrong := must(dingtalk.NewWebhook("wrong", address, "SEC2"))(t)
	if err := c.Webhooks.Send(t.Context(), wrong, message); !errors.As(err, &e) || e.Class != dingtalk.Halt || e.Scope != "webhook:wrong" || strings.Contains(err.Error(), "SEC") {
		t.Errorf("%v", err)
	}
	endChat(t, s, group)
	if err := c.Webhooks.Send(t.Context(), w, message); !errors.As(err, &e) || e.Class != dingtalk.Halt || e.Scope != "webhook:ops" || e.Code != "400013" {
		t.Errorf("%v", err)
	}
	if n := s.CountedCalls(); n != 0 {
		t.Errorf("%d counted calls", n)
	}
}

// Two processes share a webhook: the limit is found out, and nobody calls while it lasts.
func TestStandInLimitsAWebhook(t *testing.T) {
	s, c := messenger(t, "u1")
	address := s.AddWebhook(dingtalktest.Webhook{Conversation: chat(t, s, "u1")})
	w := must(dingtalk.NewWebhook("ops", address, ""))(t)
	s.Set(func(k *dingtalktest.Knobs) { k.WebhookPerMinute = 5 })
	send := func() error { return c.Webhooks.Send(t.Context(), w, dingtalk.Object{"text.content": "x"}) }
	for range 5 {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if e := (*dingtalk.Error)(nil); !errors.As(send(), &e) || e.Class != dingtalk.Halt || e.Scope != "webhook:ops" || e.After < 9*time.Minute {
			t.Errorf("%v", e)
		}
	}
	if n := s.Calls("/robot/send"); n != 6 || s.RejectedCount() != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestStandInOrdinaryMessages(t *testing.T) {
	s, c := messenger(t, "u1", "u2")
	s.Set(func(k *dingtalktest.Knobs) { k.OrdinaryMessages = true })
	group := chat(t, s, "u1", "u2")
	contents := everyContent(t, c)
	for name, message := range contents {
		message["cid"], message["sender"] = s.PickConversation(group), "u1"
		if r, err := c.Conversations.Send(t.Context(), message); err != nil || !slices.Equal(r.Reached, []string{"u1", "u2"}) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	_, err := c.Conversations.Send(t.Context(), contents["text"])
	wantField(t, err, "40015", "cid")
	s.Set(func(k *dingtalktest.Knobs) { k.OrdinaryMessages = false })
	contents["text"]["cid"] = s.PickConversation(group)
	var e *dingtalk.Error
	if _, err := c.Conversations.Send(t.Context(), contents["text"]); !errors.As(err, &e) || e.Class != dingtalk.Halt {
		t.Errorf("%v", err)
	}
}

// What is said to the robot comes by Stream and by HTTP, and is answered where it was said.
func TestStandInRobotInbox(t *testing.T) {
	s, c := messenger(t, "u1", "u2")
	group := chat(t, s, "u1", "u2")
	got := make(chan []byte, 10)
	stream, err := dingtalk.NewStream(dingtalk.StreamConfig{
		Client: c, Further: func() []string { return []string{dingtalk.TopicRobot} },
		Handler: func(_ context.Context, e dingtalk.Event) error {
			if e.Type == dingtalk.TopicRobot {
				got <- e.Data
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- stream.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if err := s.WaitStream(ctx, 1); err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		if err := c.CheckRobotRequest(r.Header.Get("timestamp"), r.Header.Get("sign")); err != nil {
			t.Error(err)
		}
		got <- body.Bytes()
	}))
	defer receiver.Close()
	for _, byHTTP := range []string{"", receiver.URL} {
		s.Set(func(k *dingtalktest.Knobs) { k.RobotByHTTP = byHTTP })
		id := must(s.SayToRobot("u1", group, "hello"))(t)
		var m dingtalk.RobotMessage
		select {
		case payload := <-got:
			m = must(dingtalk.ParseRobotMessage(payload))(t)
		case <-ctx.Done():
			t.Fatal("nothing came")
		}
		if m.ID != id || m.Text != "hello" || !m.Group || m.ConversationID != group || m.SenderID != "u1" || m.RobotCode != s.AppKey() {
			t.Errorf("%+v", m)
		}
		if err := s.WaitAnswered(ctx, id); err != nil {
			t.Error(err)
		}
		if err := c.Webhooks.Reply(ctx, m, dingtalk.Object{"text.content": "answer " + id}); err != nil {
			t.Error(err)
		}
	}
	if got := s.Received("u2"); len(got) != 2 || got[0].Kind != dingtalktest.ByReply {
		t.Errorf("%+v", got)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.RobotByHTTP = "" })
	must(s.SendFileToRobot("u2", "a.pdf"))(t)
	m := must(dingtalk.ParseRobotMessage(<-got))(t)
	if address := must(c.Robots.FileURL(ctx, m.DownloadCode))(t); m.FileName != "a.pdf" || !strings.HasPrefix(address, "http") {
		t.Errorf("%+v %s", m, address)
	}
}
