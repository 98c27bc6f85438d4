package dingtalk_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// messenger is a stand-in with some people and a client that may send to them.
func messenger(t *testing.T, people ...string) (*dingtalktest.Server, *dingtalk.Client) {
	t.Helper()
	s, _ := standIn(t)
	s.Quiet(func() {
		for i, id := range people {
			s.AddUser(dingtalktest.User{UserID: id, Name: "n", Mobile: fmt.Sprint(13800000000 + i)})
		}
	})
	return s, client(t, dingtalk.Config{
		OAPI: s.URL(), API: s.URL(), Login: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), AgentID: s.AgentID(), QPS: -1, RetryWait: time.Millisecond,
	})
}

// chat makes a group, owned by the first member, and returns its openConversationId.
func chat(t *testing.T, s *dingtalktest.Server, members ...string) string {
	t.Helper()
	g, ok := s.Group(s.AddGroup(dingtalktest.Group{Name: "组", Owner: members[0], Members: members}))
	if !ok {
		t.Fatal("no group")
	}
	return g.OpenConversationID
}

// endChat disbands a group.
func endChat(t *testing.T, s *dingtalktest.Server, openID string) {
	t.Helper()
	for _, g := range s.Groups() {
		if g.OpenConversationID == openID {
			if err := s.Disband(g.Owner, g.ChatID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func button() dingtalk.Object {
	return dingtalk.Object{"action_card.title": "t", "action_card.markdown": "m", "action_card.single_title": "s", "action_card.single_url": "https://x"}
}

func buttons(n int, orientation string) dingtalk.Object {
	var list []any
	for i := range n {
		list = append(list, map[string]any{"title": fmt.Sprint(i), "action_url": "https://x"})
	}
	return dingtalk.Object{"action_card.title": "t", "action_card.markdown": "m", "action_card.btn_json_list": list, "action_card.btn_orientation": orientation}
}

// everyContent is a message of every type, by the fields that all kinds share.
func everyContent(t *testing.T, c *dingtalk.Client) map[string]dingtalk.Object {
	t.Helper()
	upload := func(kind dingtalk.MediaType, name string) string {
		return must(c.Media.Upload(t.Context(), kind, name, []byte("data")))(t)
	}
	image, voice, file := upload(dingtalk.MediaImage, "a.png"), upload(dingtalk.MediaVoice, "a.mp3"), upload(dingtalk.MediaFile, "报价.pdf")
	return map[string]dingtalk.Object{
		"text":     {"text.content": "你好 <b> & C:\\ \"x\" \u2028 😀"},
		"markdown": {"markdown.title": "t", "markdown.text": "# x\n\n- [a](https://x)"},
		"link":     {"link.title": "t", "link.text": "x", "link.messageUrl": "https://x", "link.picUrl": image},
		"card":     button(), "below": buttons(3, "0"), "beside": buttons(2, "1"),
		"image": {"image.media_id": image},
		"voice": {"voice.media_id": voice, "voice.duration": 10},
		"file":  {"file.media_id": file},
	}
}

func TestStandInTakesEveryNotice(t *testing.T) {
	s, c := messenger(t, "u1", "u2")
	contents := everyContent(t, c)
	contents["oa"] = dingtalk.Object{
		"oa.message_url": "https://x", "oa.body.title": "t", "oa.body.form": `[{"key":"k","value":"v"}]`, "oa.body.rich.num": "15.6", "oa.body.rich.unit": "元",
		"oa.body.file_count": 3, "oa.body.author": "a", "oa.body.image": contents["image"]["image.media_id"], "oa.status_bar.status_value": "进行中",
	}
	tasks := map[string]string{}
	for name, message := range contents {
		r, err := c.Notices.Send(t.Context(), dingtalk.NoticeReceivers{Users: []string{"u1", "nobody"}}, message)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tasks[name] = r.ID
	}
	if got := len(s.Received("u1")); got != len(contents) {
		t.Errorf("%d of %d received", got, len(contents))
	}
	if p := must(c.Notices.Progress(t.Context(), tasks["oa"]))(t); !p.Done() || p.Percent != 100 {
		t.Errorf("%+v", p)
	}
	bar := dingtalk.Object{"task_id": tasks["oa"], "oa.status_bar.status_value": "已完成", "oa.status_bar.status_bg": "0xFF78C06E"}
	if err := c.Notices.SetStatusBar(t.Context(), bar); err != nil {
		t.Error(err)
	}
	bar["task_id"] = tasks["text"]
	if err := c.Notices.SetStatusBar(t.Context(), bar); err == nil {
		t.Error("a text has no status bar")
	}
	s.ReadMessages("u1")
	if r := must(c.Notices.Result(t.Context(), tasks["oa"]))(t); !slices.Equal(r.Read, []string{"u1"}) || len(r.Unread) != 0 || !slices.Equal(r.Invalid, []string{"nobody"}) {
		t.Errorf("%+v", r)
	}
	if err := c.Notices.Recall(t.Context(), tasks["text"]); err != nil {
		t.Error(err)
	}
	recalled := 0
	for _, r := range s.Received("u1") {
		if r.Recalled {
			recalled++
		}
	}
	if recalled != 1 {
		t.Errorf("%d recalled", recalled)
	}
}

// The answer to a sending is lost: sent again the same day, it reaches nobody twice, and the result says why.
func TestStandInNoticeAfterALostAnswer(t *testing.T) {
	s, c := messenger(t, "u1", "u2")
	to := dingtalk.NoticeReceivers{Users: []string{"u1", "u2"}}
	message := dingtalk.Object{"text.content": "S00042 wurde bestätigt"}
	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
	_, err := c.Notices.Send(t.Context(), to, message)
	if e := (*dingtalk.Error)(nil); !errors.As(err, &e) || !e.Ambiguous {
		t.Fatalf("%v", err)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.Unreachable = map[string]bool{"u2": true} })
	r := must(c.Notices.Send(t.Context(), to, message))(t)
	result := must(c.Notices.Result(t.Context(), r.ID))(t)
	if want := []dingtalk.Withheld{{UserID: "u1", Count: 1, Code: "143106", Reason: dingtalk.WithheldRepeat}}; !slices.Equal(result.Withheld, want) || !slices.Equal(result.Failed, []string{"u2"}) {
		t.Errorf("%+v", result)
	}
	if counts := s.ReceivedCounts(); counts["u1"] != 1 || counts["u2"] != 1 || len(s.Duplicates()) != 0 {
		t.Errorf("%v %v", counts, s.Duplicates())
	}
	if n := s.CountedCalls(); n != 3 {
		t.Errorf("%d counted calls", n)
	}
}

func TestStandInRefusesNotices(t *testing.T) {
	s, c := messenger(t, "u1")
	s.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"赌博"} })
	send := func(message dingtalk.Object) error {
		_, err := c.Notices.Send(t.Context(), dingtalk.NoticeReceivers{Users: []string{"u1"}}, message)
		return err
	}
	wantField(t, send(dingtalk.Object{"text.content": "赌博"}), "41049", "")
	wantField(t, send(dingtalk.Object{"image.media_id": "@x"}), "40007", "image.media_id")
	everyone := func() error {
		_, err := c.Notices.Send(t.Context(), dingtalk.NoticeReceivers{Everyone: true}, dingtalk.Object{"text.content": "x"})
		return err
	}
	for range dingtalk.NoticesToAllPerDay {
		if err := everyone(); err != nil {
			t.Fatal(err)
		}
	}
	var e *dingtalk.Error
	if err := everyone(); !errors.As(err, &e) || e.Class != dingtalk.Retry || e.Code != "41045" || e.Ambiguous || e.After < time.Minute {
		t.Errorf("%v", err)
	}
	other := client(t, dingtalk.Config{OAPI: s.URL(), API: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), AgentID: 5, QPS: -1})
	_, err := other.Notices.Send(t.Context(), dingtalk.NoticeReceivers{Everyone: true}, dingtalk.Object{"text.content": "x"})
	if !errors.As(err, &e) || e.Class != dingtalk.Halt || e.Code != "40056" {
		t.Errorf("another app's agent: %v", err)
	}
	if got := len(s.Received("u1")); got != 1 {
		t.Errorf("%d received", got)
	}
}
