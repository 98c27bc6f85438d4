package dingtalk

import (
	"errors"
	"strings"
	"testing"
)

// messageCase is a message and what it must look like on the wire, or the field for which it must be refused before that.
type messageCase struct {
	message Object
	want    string
	field   string
}

// checkBodies encodes messages.
func checkBodies(t *testing.T, cases map[string]messageCase, encode func(Object) (any, error)) {
	t.Helper()
	for name, c := range cases {
		body, err := encode(c.message)
		if c.field != "" {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Class != Reject || e.Field != c.field {
				t.Errorf("%s: got %v, want a refusal for %s", name, err, c.field)
			}
			continue
		}
		raw, marshalErr := marshal(body)
		if err != nil || marshalErr != nil || string(raw) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, raw, c.want)
		}
	}
}

func oneButton() Object {
	return Object{"action_card.title": "t", "action_card.markdown": "m", "action_card.single_title": "s", "action_card.single_url": "u"}
}

// card is an action card with n buttons.
func card(n int, more ...Object) Object {
	var buttons []any
	for i := range n {
		buttons = append(buttons, map[string]any{"title": string(rune('a' + i)), "action_url": "u"})
	}
	return joined(append([]Object{{"action_card.title": "t", "action_card.markdown": "m", "action_card.btn_json_list": buttons}}, more...)...)
}

func joined(objects ...Object) Object {
	out := Object{}
	for _, o := range objects {
		for k, v := range o {
			out[k] = v
		}
	}
	return out
}

func TestNoticeBodies(t *testing.T) {
	link := Object{"link.title": "t", "link.text": "x", "link.messageUrl": "https://m", "link.picUrl": "@p"}
	oa := Object{"oa.message_url": "https://m", "oa.body.title": "T", "oa.body.file_count": 3, "oa.body.form": `[{"key":"部门:","value":"销售部"}]`, "oa.body.rich.num": "15.6", "oa.body.rich.unit": "元"}
	checkBodies(t, map[string]messageCase{
		"text":      {message: Object{"text.content": "你好 <b> & \u2028\x00."}, want: `{"msgtype":"text","text":{"content":"你好 <b> & \n."}}`},
		"image":     {message: Object{"image.media_id": "@i"}, want: `{"image":{"media_id":"@i"},"msgtype":"image"}`},
		"file":      {message: Object{"file.media_id": "@f"}, want: `{"file":{"media_id":"@f"},"msgtype":"file"}`},
		"voice":     {message: Object{"voice.media_id": "@v", "voice.duration": 10}, want: `{"msgtype":"voice","voice":{"duration":"10","media_id":"@v"}}`},
		"link":      {message: link, want: `{"link":{"messageUrl":"https://m","picUrl":"@p","text":"x","title":"t"},"msgtype":"link"}`},
		"markdown":  {message: Object{"markdown.title": "t", "markdown.text": "# x", "text.content": ""}, want: `{"markdown":{"text":"# x","title":"t"},"msgtype":"markdown"}`},
		"oa":        {message: oa, want: `{"msgtype":"oa","oa":{"body":{"file_count":"3","form":[{"key":"部门:","value":"销售部"}],"rich":{"num":"15.6","unit":"元"},"title":"T"},"head":{"bgcolor":"FFBBBBBB","text":"T"},"message_url":"https://m"}}`},
		"oa, bar":   {message: joined(oa, Object{"oa.body.form": nil, "oa.head.bgcolor": "FF00ff00", "oa.head.text": "H", "oa.status_bar.status_value": "进行中", "oa.status_bar.status_bg": "0xFFF65E5E"}), want: `{"msgtype":"oa","oa":{"body":{"file_count":"3","rich":{"num":"15.6","unit":"元"},"title":"T"},"head":{"bgcolor":"FF00ff00","text":"H"},"message_url":"https://m","status_bar":{"status_bg":"0xFFF65E5E","status_value":"进行中"}}}`},
		"card":      {message: oneButton(), want: `{"action_card":{"markdown":"m","single_title":"s","single_url":"u","title":"t"},"msgtype":"action_card"}`},
		"buttons":   {message: card(2, Object{"action_card.btn_orientation": "1"}), want: `{"action_card":{"btn_json_list":[{"action_url":"u","title":"a"},{"action_url":"u","title":"b"}],"btn_orientation":"1","markdown":"m","title":"t"},"msgtype":"action_card"}`},
		"below":     {message: card(1), want: `{"action_card":{"btn_json_list":[{"action_url":"u","title":"a"}],"btn_orientation":"0","markdown":"m","title":"t"},"msgtype":"action_card"}`},
		"nothing":   {message: Object{}, field: "text.content"},
		"empty":     {message: Object{"text.content": ""}, field: "text.content"},
		"unknown":   {message: Object{"text.colour": "x"}, field: "text.colour"},
		"two":       {message: Object{"text.content": "x", "markdown.text": "y"}, field: "text.content"},
		"half":      {message: Object{"markdown.text": "y"}, field: "markdown.title"},
		"long":      {message: Object{"markdown.title": "y", "markdown.text": strings.Repeat("y", 5001)}, field: "markdown.text"},
		"no pic":    {message: joined(link, Object{"link.picUrl": ""}), field: "link.picUrl"},
		"minute":    {message: Object{"voice.media_id": "@v", "voice.duration": 60}, field: "voice.duration"},
		"content":   {message: Object{"oa.message_url": "u", "oa.body.content": strings.Repeat("长", 21)}, want: `{"msgtype":"oa","oa":{"body":{"content":"` + strings.Repeat("长", 21) + `"},"head":{"bgcolor":"FFBBBBBB","text":"` + strings.Repeat("长", 20) + `…"},"message_url":"u"}}`},
		"author":    {message: Object{"oa.message_url": "u", "oa.body.author": "A"}, want: `{"msgtype":"oa","oa":{"body":{"author":"A"},"head":{"bgcolor":"FFBBBBBB","text":"OA"},"message_url":"u"}}`},
		"no url":    {message: Object{"oa.body.title": "T"}, field: "oa.message_url"},
		"no body":   {message: Object{"oa.message_url": "T"}, field: "oa.body.title"},
		"colour":    {message: joined(oa, Object{"oa.head.bgcolor": "0xFFBBBB"}), field: "oa.head.bgcolor"},
		"form":      {message: joined(oa, Object{"oa.body.form": `[{"key":"k"}]`}), field: "oa.body.form"},
		"no list":   {message: joined(oa, Object{"oa.body.form": `{"key":"k"}`}), field: "oa.body.form"},
		"bar":       {message: joined(oa, Object{"oa.status_bar.status_bg": "0xFFF65E5E"}), field: "oa.status_bar.status_value"},
		"no button": {message: Object{"action_card.title": "t", "action_card.markdown": "m"}, field: "action_card.single_title"},
		"both":      {message: joined(card(2), oneButton()), field: "action_card.btn_json_list"},
		"title":     {message: Object{"action_card.title": "t", "action_card.markdown": "m", "action_card.btn_json_list": `[{"title":"` + strings.Repeat("长", 21) + `","action_url":"u"}]`}, field: "action_card.btn_json_list"},
		"address":   {message: Object{"action_card.title": "t", "action_card.markdown": "m", "action_card.btn_json_list": `[{"title":"t","action_url":"` + strings.Repeat("u", 701) + `"}]`}, field: "action_card.btn_json_list"},
		"oriented":  {message: card(2, Object{"action_card.btn_orientation": "2"}), field: "action_card.btn_orientation"},
	}, func(o Object) (any, error) {
		c, err := newContent(pathNoticeSend, WorkNoticeKind, o, "enable_id_trans")
		if err != nil {
			return nil, err
		}
		return noticeMsg(c)
	})
}

func TestRobotBodies(t *testing.T) {
	body := func(key, param string) string {
		raw, err := marshal(Object{"msgKey": key, "msgParam": param, "openConversationId": "cid"})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	to := func(o Object) Object { return joined(o, Object{"openConversationId": "cid"}) }
	video := Object{"video.media_id": "@v", "video.pic_media_id": "@p", "video.duration": 12, "video.height": 400}
	cases := map[string]messageCase{
		"text":     {message: Object{"text.content": "x"}, want: body("sampleText", `{"content":"x"}`)},
		"markdown": {message: Object{"markdown.title": "t", "markdown.text": "x"}, want: body("sampleMarkdown", `{"text":"x","title":"t"}`)},
		"image":    {message: Object{"image.media_id": "@i"}, want: body("sampleImageMsg", `{"photoURL":"@i"}`)},
		"link":     {message: Object{"link.title": "t", "link.text": "x", "link.messageUrl": "m", "link.picUrl": "p"}, want: body("sampleLink", `{"messageUrl":"m","picUrl":"p","text":"x","title":"t"}`)},
		"audio":    {message: Object{"voice.media_id": "@v", "voice.duration": 10}, want: body("sampleAudio", `{"duration":"10000","mediaId":"@v"}`)},
		"file":     {message: Object{"file.media_id": "@f", "file.name": "Angebot.PDF"}, want: body("sampleFile", `{"fileName":"Angebot.PDF","fileType":"pdf","mediaId":"@f"}`)},
		"video":    {message: video, want: body("sampleVideo", `{"duration":"12","height":"400","picMediaId":"@p","videoMediaId":"@v","videoType":"mp4"}`)},
		"card":     {message: oneButton(), want: body("sampleActionCard", `{"singleTitle":"s","singleURL":"u","text":"m","title":"t"}`)},
		"one":      {message: card(1), want: body("sampleActionCard", `{"singleTitle":"a","singleURL":"u","text":"m","title":"t"}`)},
		"two":      {message: card(2), want: body("sampleActionCard2", `{"actionTitle1":"a","actionTitle2":"b","actionURL1":"u","actionURL2":"u","text":"m","title":"t"}`)},
		"five":     {message: card(5), want: body("sampleActionCard5", `{"actionTitle1":"a","actionTitle2":"b","actionTitle3":"c","actionTitle4":"d","actionTitle5":"e","actionURL1":"u","actionURL2":"u","actionURL3":"u","actionURL4":"u","actionURL5":"u","text":"m","title":"t"}`)},
		"wide":     {message: card(2, Object{"action_card.btn_orientation": "1"}), want: body("sampleActionCard6", `{"buttonTitle1":"a","buttonTitle2":"b","buttonUrl1":"u","buttonUrl2":"u","text":"m","title":"t"}`)},
		"no oa":    {message: Object{"oa.message_url": "x"}, field: "oa.message_url"},
		"nameless": {message: Object{"file.media_id": "@f"}, field: "file.name"},
		"music":    {message: Object{"file.media_id": "@f", "file.name": "a.mp3"}, field: "file.type"},
		"poster":   {message: joined(video, Object{"video.pic_media_id": ""}), field: "video.pic_media_id"},
		"six":      {message: card(6), field: "action_card.btn_json_list"},
		"wide 3":   {message: card(3, Object{"action_card.btn_orientation": "1"}), field: "action_card.btn_json_list"},
		"minute":   {message: Object{"voice.media_id": "@v", "voice.duration": 0}, field: "voice.duration"},
		"too long": {message: Object{"text.content": strings.Repeat("长", 5000)}, field: "text.content"},
	}
	for name, c := range cases {
		c.message = to(c.message)
		cases[name] = c
	}
	c, err := New(Config{AppKey: "k", AppSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	checkBodies(t, cases, func(o Object) (any, error) {
		return c.Robots.message(pathRobotGroup, GroupMessageKind, o, "openConversationId", "coolAppCode")
	})
}

func TestWebhookBodies(t *testing.T) {
	checkBodies(t, map[string]messageCase{
		"text":      {message: Object{"text.content": "x", "msgUuid": "m1"}, want: `{"msgUuid":"m1","msgtype":"text","text":{"content":"x"}}`},
		"mention":   {message: Object{"text.content": "x @u1", "at.atUserIds": "u1,u2", "at.atMobiles": []string{"138"}}, want: `{"at":{"atMobiles":["138"],"atUserIds":["u1","u2"]},"msgtype":"text","text":{"content":"x @u1 @u2 @138"}}`},
		"all":       {message: Object{"markdown.title": "t", "markdown.text": "x", "at.isAtAll": true}, want: `{"at":{"isAtAll":true},"markdown":{"text":"x","title":"t"},"msgtype":"markdown"}`},
		"not all":   {message: Object{"markdown.title": "t", "markdown.text": "x", "at.isAtAll": false}, want: `{"markdown":{"text":"x","title":"t"},"msgtype":"markdown"}`},
		"link":      {message: Object{"link.title": "t", "link.text": "x", "link.messageUrl": "m"}, want: `{"link":{"messageUrl":"m","text":"x","title":"t"},"msgtype":"link"}`},
		"card":      {message: joined(oneButton(), Object{"action_card.hide_avatar": true}), want: `{"actionCard":{"hideAvatar":"1","singleTitle":"s","singleURL":"u","text":"m","title":"t"},"msgtype":"actionCard"}`},
		"buttons":   {message: card(2), want: `{"actionCard":{"btnOrientation":"0","btns":[{"actionURL":"u","title":"a"},{"actionURL":"u","title":"b"}],"text":"m","title":"t"},"msgtype":"actionCard"}`},
		"feed":      {message: Object{"feed_card.links": `[{"title":"t","messageURL":"m","picURL":"p"}]`}, want: `{"feedCard":{"links":[{"messageURL":"m","picURL":"p","title":"t"}]},"msgtype":"feedCard"}`},
		"feed, bad": {message: Object{"feed_card.links": `[{"title":"t"}]`}, field: "feed_card.links"},
		"only at":   {message: Object{"at.isAtAll": true}, field: "text.content"},
		"no oa":     {message: Object{"oa.message_url": "m"}, field: "oa.message_url"},
		"crowd":     {message: Object{"text.content": "x", "at.atUserIds": make101()}, field: "at.atUserIds"},
	}, func(o Object) (any, error) { return webhookBody(pathWebhook, o) })
}

// The limit is of bytes as they are sent, and the error says what to shorten.
func TestMessageLengthIsOfBytes(t *testing.T) {
	f := newFar(t)
	f.on(pathNoticeSend, ok(`{"errcode":0,"task_id":5}`))
	c := f.client(func(cfg *Config) { cfg.AgentID = 7 })
	frame := len(`{"markdown":{"text":"","title":"题"},"msgtype":"markdown"}`)
	text := strings.Repeat("<长>&", (NoticeBytes-frame)/6)
	text += strings.Repeat("x", NoticeBytes-frame-len(text))
	to := NoticeReceivers{Users: []string{"u1"}}
	if r, err := c.Notices.Send(bg(), to, Object{"markdown.title": "题", "markdown.text": text}); err != nil || r.ID != "5" {
		t.Errorf("%d bytes exactly: %v %v", NoticeBytes, r, err)
	}
	_, err := c.Notices.Send(bg(), to, Object{"markdown.title": "题", "markdown.text": text + "x"})
	var m *MessageError
	if !errors.As(err, &m) || m.Field != "markdown.text" || m.Size != NoticeBytes+1 || m.Limit != NoticeBytes {
		t.Fatalf("%+v", m)
	}
	if e := failure(t, err); e.Class != Reject || e.Field != m.Field || !strings.Contains(err.Error(), "2049 bytes") || !strings.Contains(err.Error(), "at most 2048") || strings.Count(err.Error(), "2049") != 1 {
		t.Errorf("%v", err)
	}
	if n := len(f.called(pathNoticeSend)); n != 1 {
		t.Errorf("%d calls", n)
	}
}
