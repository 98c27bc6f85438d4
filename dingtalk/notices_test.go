package dingtalk

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func agent(cfg *Config) { cfg.AgentID = 7 }

func TestNoticeReceivers(t *testing.T) {
	f := newFar(t)
	f.on(pathNoticeSend, ok(`{"errcode":0,"task_id":"256271667526","request_id":"r"}`))
	c := f.client(agent)
	text := Object{"text.content": "x"}
	for _, test := range []struct {
		to   NoticeReceivers
		want string
	}{
		{NoticeReceivers{Users: []string{"u1", "u2"}}, `{"agent_id":7,"msg":{"msgtype":"text","text":{"content":"x"}},"userid_list":"u1,u2"}`},
		{NoticeReceivers{Departments: []int64{1, 2}}, `{"agent_id":7,"dept_id_list":"1,2","msg":{"msgtype":"text","text":{"content":"x"}}}`},
		{NoticeReceivers{Users: []string{"u1"}, Departments: []int64{2}}, `{"agent_id":7,"dept_id_list":"2","msg":{"msgtype":"text","text":{"content":"x"}},"userid_list":"u1"}`},
		{NoticeReceivers{Everyone: true}, `{"agent_id":7,"msg":{"msgtype":"text","text":{"content":"x"}},"to_all_user":true}`},
	} {
		r, err := c.Notices.Send(bg(), test.to, text)
		if err != nil || r.ID != "256271667526" || f.last(pathNoticeSend).raw != test.want {
			t.Errorf("%v %v %s", r, err, f.last(pathNoticeSend).raw)
		}
	}
	before := len(f.called(pathNoticeSend))
	bar := Object{"oa.message_url": "m", "oa.body.title": "t", "oa.status_bar.status_value": "s"}
	for name, test := range map[string]struct {
		to      NoticeReceivers
		message Object
		sized   bool
	}{
		"nobody":           {NoticeReceivers{}, text, false},
		"everyone and one": {NoticeReceivers{Everyone: true, Users: []string{"u"}}, text, false},
		"101":              {NoticeReceivers{Users: make101()}, text, true},
		"21 departments":   {NoticeReceivers{Departments: make([]int64, 21)}, text, true},
		"no department":    {NoticeReceivers{Departments: []int64{-1}}, text, false},
		"two in one":       {NoticeReceivers{Users: []string{"u1,u2"}}, text, false},
		"bar, department":  {NoticeReceivers{Departments: []int64{1}}, bar, false},
		"bar, everyone":    {NoticeReceivers{Everyone: true}, bar, false},
		"bar, six":         {NoticeReceivers{Users: make101()[:6]}, bar, true},
	} {
		_, err := c.Notices.Send(bg(), test.to, test.message)
		if e := failure(t, err); e.Class != Reject || e.Field != receiversField || errors.As(err, new(*MessageError)) != test.sized {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.called(pathNoticeSend)) - before; n != 0 {
		t.Errorf("%d calls of what is refused", n)
	}
	if _, err := c.Notices.Send(bg(), NoticeReceivers{Users: make101()[:5]}, bar); err != nil {
		t.Error(err)
	}
}

// A second sending of the same is byte for byte the first: that is what DingTalk knows a repetition by.
func TestRepeatedNoticeIsTheSameBytes(t *testing.T) {
	f := newFar(t)
	f.on(pathNoticeSend, func(call) reply { return reply{drop: true} })
	c := f.client(agent)
	message := Object{
		"oa.message_url": "m", "oa.body.title": "t", "oa.body.author": "a", "oa.body.content": "c", "oa.body.rich.num": "1", "oa.body.rich.unit": "u",
		"oa.body.form": []any{map[string]any{"key": "k", "value": "v", "z": "1", "a": "2"}}, "oa.head.text": "h", "oa.pc_message_url": "p",
	}
	seen := map[string]bool{}
	for range 20 {
		_, err := c.Notices.Send(bg(), NoticeReceivers{Users: []string{"u"}}, message)
		if e := failure(t, err); e.Class != Retry || !e.Ambiguous {
			t.Fatalf("the answer was lost: %v", err)
		}
		seen[f.last(pathNoticeSend).raw] = true
	}
	if n := len(f.called(pathNoticeSend)); n != 20 || len(seen) != 1 {
		t.Errorf("%d calls, %d different: no sending is repeated by the transport", n, len(seen))
	}
}

func TestNoticeFollowUps(t *testing.T) {
	f := newFar(t)
	f.on(pathNoticeProgress, ok(`{"errcode":0,"progress":{"progress_in_percent":40,"status":"1"}}`))
	f.on(pathNoticeResult, ok(`{"errcode":0,"send_result":{"invalid_user_id_list":["i"],"forbidden_user_id_list":["a","b","c"],"failed_user_id_list":["f"],
		"read_user_id_list":["r"],"unread_user_id_list":["u","v"],"invalid_dept_id_list":[5],
		"forbidden_list":[{"code":"143106","count":1,"userid":"a"},{"code":143105,"userid":"b"},{"code":"9","count":2}]}}`))
	f.on(pathNoticeRecall, ok(done))
	f.on(pathNoticeStatusBar, ok(done))
	c := f.client(agent)
	if p, err := c.Notices.Progress(bg(), "5"); err != nil || p.Percent != 40 || p.Done() || f.last(pathNoticeProgress).raw != `{"agent_id":7,"task_id":5}` {
		t.Errorf("%v %v", p, err)
	}
	r, err := c.Notices.Result(bg(), "5")
	if err != nil || !slices.Equal(r.Read, []string{"r"}) || !slices.Equal(r.Unread, []string{"u", "v"}) || !slices.Equal(r.Failed, []string{"f"}) ||
		!slices.Equal(r.Invalid, []string{"i"}) || !slices.Equal(r.InvalidDepartments, []string{"5"}) || len(r.Forbidden) != 3 {
		t.Errorf("%+v %v", r, err)
	}
	want := []Withheld{
		{UserID: "a", Count: 1, Code: "143106", Reason: WithheldRepeat},
		{UserID: "b", Code: "143105", Reason: WithheldDaily},
		{Count: 2, Code: "9", Reason: WithheldUnknown},
	}
	if !slices.Equal(r.Withheld, want) {
		t.Errorf("%+v", r.Withheld)
	}
	if err := c.Notices.Recall(bg(), "5"); err != nil || f.last(pathNoticeRecall).raw != `{"agent_id":7,"msg_task_id":5}` {
		t.Error(err)
	}
	bar := Object{"task_id": "5", "oa.status_bar.status_value": "已完成", "oa.status_bar.status_bg": "0xFF78C06E"}
	if err := c.Notices.SetStatusBar(bg(), bar); err != nil || f.last(pathNoticeStatusBar).raw != `{"agent_id":7,"status_bg":"0xFF78C06E","status_value":"已完成","task_id":5}` {
		t.Error(err)
	}
	for _, err := range []error{
		second(c.Notices.Progress(bg(), "")), second(c.Notices.Result(bg(), "-1")), c.Notices.Recall(bg(), "x"),
		c.Notices.SetStatusBar(bg(), Object{"task_id": "5"}), c.Notices.SetStatusBar(bg(), Object{"oa.status_bar.status_value": "v"}),
		c.Notices.SetStatusBar(bg(), Object{"task_id": "5", "oa.status_bar.status_value": "v", "text.content": "x"}),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%v", e)
		}
	}
	f.on(pathNoticeProgress, ok(done))
	f.on(pathNoticeResult, ok(done))
	for _, err := range []error{second(c.Notices.Progress(bg(), "5")), second(c.Notices.Result(bg(), "5"))} {
		if e := failure(t, err); e.Class != Retry {
			t.Errorf("an answer without content is none: %v", e)
		}
	}
	f.on(pathNoticeSend, ok(done))
	if e := failure(t, second(c.Notices.Send(bg(), NoticeReceivers{Everyone: true}, Object{"text.content": "x"}))); e.Class != Retry || !e.Ambiguous {
		t.Errorf("success without a task: %v", e)
	}
}

func TestNoticeRefusals(t *testing.T) {
	f := newFar(t)
	c := f.client(agent)
	send := func(message Object) *Error {
		return failure(t, second(c.Notices.Send(bg(), NoticeReceivers{Users: []string{"u"}}, message)))
	}
	for code, want := range map[string]Error{
		"40056": {Class: Halt, Scope: ScopeAPI + pathNoticeSend, After: haltConfig},
		"40035": {Class: Reject}, "34016": {Class: Reject}, "41049": {Class: Reject}, "34004": {Class: Reject}, "40048": {Class: Reject},
		"41029": {Class: Reject, Field: receiversField},
		"41045": {Class: Retry, After: time.Hour}, "41046": {Class: Retry, After: time.Hour}, "41047": {Class: Retry, After: time.Minute},
		"41044": {Class: Halt, Scope: ScopeAPI + pathNoticeSend, After: haltPermission},
		"40007": {Class: Reject, Field: "image.media_id"},
		"90020": {Class: Halt, Scope: ScopeCounted},
	} {
		f.on(pathNoticeSend, ok(`{"errcode":%s,"errmsg":"words"}`, code))
		c = f.client(agent)
		e := send(Object{"image.media_id": "@x"})
		if e.Class != want.Class || e.Scope != want.Scope || e.Field != want.Field || want.After > 0 && e.After != want.After || e.Ambiguous || e.Code != code {
			t.Errorf("%s: %+v", code, *e)
		}
	}
	c = f.client(agent)
	f.on(pathNoticeSend, ok(`{"errcode":40007,"errmsg":"words"}`))
	if e := send(Object{"oa.message_url": "m", "oa.body.image": "@x"}); e.Field != "oa.body.image" {
		t.Errorf("%v", e)
	}
	before := len(f.called(pathNoticeSend))
	c = f.client()
	if e := send(Object{"text.content": "x"}); e.Class != Halt || !strings.Contains(e.Message, "agent id") || len(f.called(pathNoticeSend)) != before {
		t.Errorf("no agent: %v", e)
	}
}

func TestMediaUpload(t *testing.T) {
	f := newFar(t)
	f.on(pathMediaUpload, ok(`{"errcode":0,"errmsg":"ok","type":"file","media_id":"@m","created_at":1599556098964}`))
	c := f.client()
	if id, err := c.Media.Upload(bg(), MediaFile, `报价 "a".PDF`, []byte("data\x00")); err != nil || id != "@m" {
		t.Fatal(id, err)
	}
	sent := f.last(pathMediaUpload)
	r, err := http.NewRequest(http.MethodPost, "http://x/", strings.NewReader(sent.raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = sent.head
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Fatal(err)
	}
	file := r.MultipartForm.File["media"][0]
	if r.FormValue("type") != "file" || file.Filename != `报价 "a".PDF` || file.Size != 5 || sent.token == "" {
		t.Errorf("%v %v", r.MultipartForm.Value, file)
	}
	for name, err := range map[string]error{
		"type":   second(c.Media.Upload(bg(), "music", "a.mp3", []byte("x"))),
		"ending": second(c.Media.Upload(bg(), MediaImage, "a.pdf", []byte("x"))),
		"empty":  second(c.Media.Upload(bg(), MediaImage, "a.png", nil)),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := second(c.Media.Upload(bg(), MediaVoice, "a.mp3", make([]byte, MaxMedia(MediaVoice)+1)))
	var m *MessageError
	if !errors.As(large, &m) || m.Field != "media" || m.Limit != 2<<20 || m.Size != 2<<20+1 {
		t.Errorf("%v", large)
	}
	if n := len(f.called(pathMediaUpload)); n != 1 {
		t.Errorf("%d calls", n)
	}
	for name, want := range map[string]MediaType{"a.PNG": MediaImage, "a.amr": MediaVoice, "a.mp4": MediaVideo, "a.tar.gz": "", "x": "", "a.docx": MediaFile, "a.jpeg": MediaImage} {
		if got := MediaTypeOf(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := c.Media.Upload(bg(), MediaImage, "照片.JPEG", []byte("x")); err != nil || !strings.Contains(f.last(pathMediaUpload).raw, `filename="照片.jpg"`) {
		t.Errorf("%v %s", err, f.last(pathMediaUpload).raw)
	}
	f.on(pathMediaUpload, func(call) reply { return reply{drop: true} })
	if e := failure(t, second(c.Media.Upload(bg(), MediaImage, "a.png", []byte("x")))); e.Class != Retry || len(f.called(pathMediaUpload)) != 3 {
		t.Errorf("%v", e)
	}
}

func TestConversationMessage(t *testing.T) {
	f := newFar(t)
	f.on(pathConversationSend, ok(`{"errcode":0,"errmsg":"ok","receiver":"u1|u2"}`))
	c := f.client()
	message := Object{"cid": "c1", "sender": "u0", "text.content": "x"}
	r, err := c.Conversations.Send(bg(), message)
	if err != nil || r.ID != "c1" || !slices.Equal(r.Reached, []string{"u1", "u2"}) ||
		f.last(pathConversationSend).raw != `{"cid":"c1","msg":{"msgtype":"text","text":{"content":"x"}},"sender":"u0"}` {
		t.Errorf("%+v %v", r, err)
	}
	for code, want := range map[string]Error{
		"40015": {Class: Reject, Field: "cid"}, "34002": {Class: Reject}, "49003": {Class: Reject}, "43007": {Class: Halt}, "49999": {Class: Retry},
	} {
		f.on(pathConversationSend, ok(`{"errcode":%s,"errmsg":"words"}`, code))
		if e := failure(t, second(c.Conversations.Send(bg(), message))); e.Class != want.Class || e.Field != want.Field || e.Ambiguous != (e.Class == Retry) {
			t.Errorf("%s: %+v", code, *e)
		}
	}
	for field, message := range map[string]Object{
		"cid": {"sender": "u", "text.content": "x"}, "sender": {"cid": "c", "text.content": "x"}, "text.content": {"cid": "c", "sender": "u"},
		"markdown.text": {"cid": "c", "sender": "u", "markdown.title": "t", "markdown.text": strings.Repeat("长", 4096)},
	} {
		if e := failure(t, second(c.Conversations.Send(bg(), message))); e.Class != Reject || e.Field != field {
			t.Errorf("%s: %v", field, fmt.Sprint(e))
		}
	}
}
