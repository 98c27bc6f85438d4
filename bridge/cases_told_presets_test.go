package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// spoken is the small company with presets of messages. 张三 and 李四 have users in Odoo.
type spoken struct {
	*one
	asZhang, asLi *odootest.Session
}

func newSpoken(t *testing.T, groups []string, names ...string) *spoken {
	t.Helper()
	sources := presets(t)
	for _, name := range names {
		if strings.HasPrefix(name, "mapping:") {
			sources = append(sources, mapping.Source{File: "own.yaml", Data: []byte(name)})
			continue
		}
		src, ok := mapping.Preset(name)
		if !ok {
			t.Fatalf("no preset %s", name)
		}
		sources = append(sources, src)
	}
	w := newWorldAs(t, groups, sources...)
	if w.odoo == nil {
		t.Skip("people of their own in Odoo: only with the stand-in")
	}
	s := &spoken{}
	w.options = func(o *bridge.Options) { o.Now = w.now }
	w.reopen()
	s.one = staffed(w)
	for login, employee := range map[string]int64{"zhang": s.zhang, "li": s.li} {
		user := w.odoo.AddUser(login, "secret", "base.group_user", "sales_team.group_sale_salesman_all_leads")
		s.write("hr.employee", employee, map[string]any{"user_id": user})
	}
	s.step()
	s.asZhang, s.asLi = w.odoo.As("zhang"), w.odoo.As("li")
	return s
}

// partner is the partner of a user.
func (s *spoken) partner(login string) int64 {
	s.t.Helper()
	ids := s.people.Search("res.users", []any{[]any{"login", "=", login}})
	return id64(s.t, text(s.people.Get("res.users", ids[0]), "partner_id"))
}

func TestWhatIsWrittenInAChatterReachesWhoIsMentioned(t *testing.T) {
	s := newSpoken(t, []string{"sales_team.group_sale_salesman_all_leads"}, "chatter")
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	post := func(body string, mentioned ...any) {
		_, err := s.asZhang.Call("res.partner", "message_post", []any{[]any{partner}}, map[string]any{
			"body": body, "message_type": "comment", "subtype": "mail.mt_comment", "partner_ids": mentioned,
		})
		must(t, err)
	}
	calls := s.ding.CountedCalls()
	post("<p>请看 <b>合同</b></p>", s.partner("li"))
	s.step()
	got := s.said(s.uLi)
	want(t, "notices to 李四", len(got), 1)
	if len(got) == 1 && (!strings.Contains(got[0], "请看 **合同**") || !strings.Contains(got[0], "上海客户") || !strings.Contains(got[0], fmt.Sprintf("id=%d&model=res.partner", partner))) {
		t.Errorf("it says %s", got[0])
	}
	want(t, "notices to 张三", len(s.said(s.uZhang)), 0)
	want(t, "counted calls", s.ding.CountedCalls()-calls, 1)
	post("<p>好的</p>", s.partner("li"))
	post("<p>好的</p>", s.partner("li"))
	post("<p>没有人要看</p>")
	s.step()
	s.step()
	want(t, "notices to 李四", len(s.said(s.uLi)), 3)
	s.sync()
	want(t, "notices to 李四 after a sweep", len(s.said(s.uLi)), 3)
	file, err := s.asZhang.Create("ir.attachment", map[string]any{"name": "报价.txt", "datas_fname": "报价.txt", "datas": "YQ==", "res_model": "res.partner", "res_id": partner})
	must(t, err)
	_, err = s.asZhang.Call("res.partner", "message_post", []any{[]any{partner}}, map[string]any{
		"message_type": "email", "subtype": "mail.mt_comment", "author_id": false, "email_from": "买方 <buyer@example.org>", "attachment_ids": []any{file}, "partner_ids": []any{s.partner("li")},
	})
	must(t, err)
	s.step()
	got = s.said(s.uLi)
	want(t, "notices to 李四 after an e-mail", len(got), 4)
	wantWords(t, got[len(got)-1], "**买方 ＜buyer@example.org>**", "附件 1 个")
	s.settled()
}

// TestNamesAndWordsAreNoMarkdownInANotice: what somebody enters in Odoo makes no link, heading or bold in DingTalk.
func TestNamesAndWordsAreNoMarkdownInANotice(t *testing.T) {
	s := newSpoken(t, []string{"sales_team.group_sale_salesman_all_leads"}, "chatter")
	for name, shown := range map[string]string{"[x](http://a)": "［x］(http://a)", "**急** A*B": "＊＊急＊＊ A＊B", "[E-COM07] 大柜 (红)": "[E-COM07] 大柜 (红)"} {
		partner := s.people.Create("res.partner", map[string]any{"name": name})
		_, err := s.asZhang.Call("res.partner", "message_post", []any{[]any{partner}}, map[string]any{
			"body": `<p># 看 [这里](http://b) <b>合同</b> <a href="http://c">c</a></p>`, "message_type": "comment", "subtype": "mail.mt_comment", "partner_ids": []any{s.partner("li")},
		})
		must(t, err)
		s.step()
		got := s.said(s.uLi)
		want(t, name, len(got) > 0, true)
		if told := fmt.Sprintf("**zhang** · %s\n\n＃ 看 ［这里］(http://b) **合同** [c](http://c)\n\n[打开 Odoo](http", shown); !strings.HasPrefix(got[len(got)-1], told) {
			t.Errorf("%s: it says %q, want %q", name, got[len(got)-1], told)
		}
	}
	s.settled()
}

func TestAnActivityIsToldToWhomItIsAssigned(t *testing.T) {
	s := newSpoken(t, nil, "activity-assigned")
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	id, err := s.asZhang.Create("mail.activity", map[string]any{
		"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid("li"), "summary": "回电", "date_deadline": "2026-12-01", "activity_type_id": int64(2),
	})
	must(t, err)
	s.step()
	want(t, "notices to 李四", len(s.said(s.uLi)), 1)
	must(t, s.asZhang.Write("mail.activity", id, map[string]any{"date_deadline": "2026-12-02"}))
	s.step()
	want(t, "notices to 李四 after the deadline moved", len(s.said(s.uLi)), 1)
}

func (s *spoken) uid(login string) int64 {
	s.t.Helper()
	return s.people.Search("res.users", []any{[]any{"login", "=", login}})[0]
}

func (s *spoken) model(name string) int64 {
	s.t.Helper()
	return s.people.Search("ir.model", []any{[]any{"model", "=", name}})[0]
}

// at moves the clocks to the next time of day in China, and tells what is due then.
func (s *spoken) at(hour, minute int) {
	s.t.Helper()
	now := s.now().In(china)
	next := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, china)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	s.later(next.Sub(now))
	must(s.t, s.engine.TellOnTime(s.ctx))
	s.step()
}

var china = time.FixedZone("Asia/Shanghai", 8*3600)

func TestADigestOfOverdueActivities(t *testing.T) {
	s := newSpoken(t, nil, "activity-digest")
	must(t, s.engine.TellOnTime(s.ctx)) // the first time it waits for the next one
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	for i, who := range []string{"li", "li", "zhang"} {
		_, err := s.asZhang.Create("mail.activity", map[string]any{
			"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid(who), "summary": fmt.Sprintf("第%d件", i+1), "date_deadline": "2026-01-05", "activity_type_id": int64(2),
		})
		must(t, err)
	}
	s.step()
	want(t, "notices before the time", len(s.ding.Notices()), 0)
	for s.now().In(china).Weekday() != time.Tuesday {
		s.later(24 * time.Hour)
	}
	must(t, s.engine.TellOnTime(s.ctx)) // too late for what was missed meanwhile
	before := len(s.ding.Notices())
	calls := s.ding.CountedCalls()
	s.at(9, 0)
	s.at(9, 1)
	want(t, "notices", len(s.ding.Notices())-before, 2)
	want(t, "counted calls", s.ding.CountedCalls()-calls, 2)
	got := s.said(s.uLi)
	if last := got[len(got)-1]; !strings.Contains(last, "2 项活动已逾期") || !strings.Contains(last, "- 2026-01-05 上海客户 第1件\n- 2026-01-05 上海客户 第2件") {
		t.Errorf("it says %s", last)
	}
	text, _ := s.plan("activity-digest")
	t.Log("\n" + text)
}

func TestAnAttachmentIsUploadedOnce(t *testing.T) {
	s := newSpoken(t, []string{"sales_team.group_sale_salesman_all_leads"}, `mapping: files
odoo:     {model: mail.message, domain: [[attachment_ids, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: partner_ids}]
fields:
  - {odoo: attachment_ids, dingtalk: file.media_id, convert: media}
`)
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	post := func(name, content string) {
		_, err := s.asZhang.Call("res.partner", "message_post", []any{[]any{partner}}, map[string]any{
			"body": "合同", "message_type": "comment", "subtype": "mail.mt_comment", "partner_ids": []any{s.partner("li")}, "attachments": []any{[]any{name, content}},
		})
		must(t, err)
	}
	post("合同.pdf", "内容")
	s.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "asyncsend_v2") }, 1, dingtalktest.DropAfter)
	s.step()
	s.step()
	want(t, "messages to 李四", len(s.ding.Received(s.uLi)), 1)
	want(t, "uploads", s.ding.Calls("/media/upload"), 1)
	want(t, "told twice", len(s.ding.Duplicates()), 0)
	post("合同.exe", "内容")
	s.step()
	s.wantHeld("合同.exe")
	post("大合同.pdf", strings.Repeat("x", dingtalk.MaxNoticeFile+1))
	s.step()
	s.wantHeld("and a work notice takes 10485760")
	want(t, "uploads", s.ding.Calls("/media/upload"), 1)
}

// TestAClockThatIsSetBringsTheTimeOfASchedule: nobody waits for the hour after which the clock is looked at anyway.
func TestAClockThatIsSetBringsTheTimeOfASchedule(t *testing.T) {
	s := newSpoken(t, nil, "activity-digest")
	options := s.options
	s.options = func(o *bridge.Options) {
		options(o)
		o.Asleep = 200 * time.Millisecond
	}
	s.reopen()
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	_, err := s.asZhang.Create("mail.activity", map[string]any{
		"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid("li"), "summary": "回电", "date_deadline": "2026-01-05", "activity_type_id": int64(2),
	})
	must(t, err)
	ctx, stop := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(ctx) }()
	s.eventually(func() bool { return s.meta("tick/activity-digest") != "" })
	now := s.now().In(china)
	next := time.Date(now.Year(), now.Month(), now.Day()+1, 9, 0, 0, 0, china)
	for next.Weekday() == time.Saturday || next.Weekday() == time.Sunday {
		next = next.AddDate(0, 0, 1)
	}
	s.later(next.Sub(s.now()))
	s.eventually(func() bool { return len(s.said(s.uLi)) == 1 })
	stop()
	must(t, <-ended)
}

// meta is a value that the engine remembers.
func (w *world) meta(key string) (value string) {
	w.t.Helper()
	must(w.t, w.store.View(w.ctx, func(tx bridge.Tx) (err error) {
		value, err = tx.Meta(key)
		return err
	}))
	return value
}

// TestTheNewestActivitiesAreDoneAllAtOnce: that is an ordinary morning, and no restored backup.
func TestTheNewestActivitiesAreDoneAllAtOnce(t *testing.T) {
	s := newSpoken(t, nil, "activity-assigned")
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	assign := func(what string) int64 {
		id, err := s.asZhang.Create("mail.activity", map[string]any{
			"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid("li"), "summary": what, "date_deadline": "2026-12-01", "activity_type_id": int64(2),
		})
		must(t, err)
		return id
	}
	ids := []int64{assign("一"), assign("二"), assign("三")}
	s.step()
	must(t, s.asLi.Unlink("mail.activity", ids...))
	must(t, s.engine.CheckDatabase(s.ctx))
	assign("四")
	s.step()
	want(t, "notices to 李四", len(s.said(s.uLi)), 4)
}
