package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// TestTheStatusBarOfANoticeFollowsTheRecord: the notice stays, what its bar says is changed in it.
func TestTheStatusBarOfANoticeFollowsTheRecord(t *testing.T) {
	o := tellers(t, `
mapping: moves
odoo:     {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: member_ids}]
fields:
  - {dingtalk: oa.message_url,  value: record_url}
  - {dingtalk: oa.head.text,    value: "'搬家'"}
  - {dingtalk: oa.body.title,   value: name}
  - {dingtalk: oa.status_bar.status_value, value: note}
`)
	o.write("hr.department", o.rd, map[string]any{"note": "打包"})
	o.step()
	all := o.ding.Notices()
	want(t, "notices", len(all), 1)
	want(t, "bar", all[0].StatusBar, "打包")
	calls := o.ding.CountedCalls()
	o.write("hr.department", o.rd, map[string]any{"note": "已搬"})
	text, _ := o.plan("moves")
	if !strings.Contains(text, "打包 -> 已搬") {
		t.Errorf("the plan is\n%s", text)
	}
	o.step()
	o.step()
	all = o.ding.Notices()
	want(t, "notices", len(all), 1)
	want(t, "bar", all[0].StatusBar, "已搬")
	want(t, "counted calls", o.ding.CountedCalls()-calls, 1)
	o.settled()
}

// TestWholeDepartmentsAndEverybody: DingTalk itself finds out who they are, in one call.
func TestWholeDepartmentsAndEverybody(t *testing.T) {
	for name, receivers := range map[string]string{
		"members of a department of odoo": "{members: parent_id}", "a department of dingtalk": "{department: 1}", "everybody": "everyone",
	} {
		t.Run(name, func(t *testing.T) {
			o := tellers(t, strings.Replace(noticeYAML, "{path: member_ids}", receivers, 1))
			calls := o.ding.CountedCalls()
			o.write("hr.department", o.rd, map[string]any{"note": "放假"})
			o.step()
			want(t, "张三", len(o.said(o.uZhang)), 1)
			want(t, "李四", len(o.said(o.uLi)), 1)
			want(t, "counted calls", o.ding.CountedCalls()-calls, 1)
			o.settled()
		})
	}
}

// TestADing: by telephone it goes to twenty people a call, and it is taken back.
func TestADing(t *testing.T) {
	o := manyTold(t, 25, `
mapping: alarm
odoo:     {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: ding}
start: now
leave: recall
receivers: [{path: member_ids}]
fields:
  - {dingtalk: content,    value: "{{ name }}：{{ note }}"}
  - {dingtalk: remindType, value: "3"}
`)
	o.write("hr.department", o.rd, map[string]any{"note": "停电"})
	o.step()
	dings := 0
	for _, m := range o.ding.Messages() {
		if m.Kind == "ding" {
			dings++
		}
	}
	want(t, "calls by telephone", dings, 2)
	want(t, "people", len(o.ding.ReceivedCounts()), 25)
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	for _, m := range o.ding.Messages() {
		want(t, "recalled", m.Recalled, true)
	}
	o.settled()
}

// TestANoticeToPeopleWhoLeft: DingTalk says who they are only when it is asked.
func TestANoticeToPeopleWhoLeft(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: member_ids}, {userid: gone}]", 1))
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	o.step()
	want(t, "notices to 李四", len(o.said(o.uLi)), 1)
	want(t, "held", o.held(), "")
}

// TestAnOrdinaryMessage: it goes, once, into the conversation that a person picked, in his name; where its answer is lost, and where the
// conversation does not serve, it is held.
func TestAnOrdinaryMessage(t *testing.T) {
	o := tellers(t, `
mapping: picked
odoo:     {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: conversation_message}
start: now
fields:
  - {dingtalk: cid,          value: note}
  - {dingtalk: sender,       odoo: manager_id, ref: employees}
  - {dingtalk: text.content, value: "{{ name }}搬家了"}
`)
	group, _ := o.ding.Group(o.ding.AddGroup(dingtalktest.Group{Name: "搬家", Owner: o.uLi, Members: []string{o.uLi, o.uZhang}}))
	o.ding.Set(func(k *dingtalktest.Knobs) { k.OrdinaryMessages = true })
	o.write("hr.department", o.rd, map[string]any{"manager_id": o.li})
	o.step()
	o.ding.Fail(func(r dingtalktest.Request) bool { return r.Path == "/message/send_to_conversation" }, 1, dingtalktest.DropAfter)
	o.write("hr.department", o.rd, map[string]any{"note": o.ding.PickConversation(group.OpenConversationID)})
	o.step()
	o.later(time.Minute)
	o.step()
	all := o.ding.Messages()
	want(t, "messages", len(all), 1)
	want(t, "kind", all[0].Kind, dingtalktest.ByPerson)
	want(t, "conversation", all[0].Conversation, group.OpenConversationID)
	if text := string(all[0].Content); !strings.Contains(text, "搬家了") {
		t.Errorf("it says %s", text)
	}
	o.wantHeld("nobody knows whether it was sent") // a cid that was used and one that never served are refused in the same words
	o.write("hr.department", o.hq, map[string]any{"note": "nobody picked this", "manager_id": o.zhang})
	o.step()
	want(t, "messages", len(o.ding.Messages()), 1)
	o.wantHeld("40015")
}

// DingTalk tells who got a notice of a hundred people at most, and does not answer at all where there are more.
func TestWhoGotItIsAskedWhereDingTalkTells(t *testing.T) {
	for name, c := range map[string]struct {
		receivers string
		more      int
		asked     int
	}{
		"a small department": {"{department: 1}", 0, 1},
		"a large one":        {"{department: 1}", 101, 0},
		"everybody of few":   {"everyone", 0, 1},
		"everybody of many":  {"everyone", 101, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := tellers(t, strings.Replace(noticeYAML, "{path: member_ids}", c.receivers, 1)+"result: log\n")
			o.options = func(opt *bridge.Options) { opt.Now = o.now }
			o.reopen()
			o.sync()
			o.ding.Quiet(func() {
				for i := range c.more {
					o.ding.AddUser(dingtalktest.User{Name: "外部", Mobile: fmt.Sprintf("137%08d", i), Departments: []int64{o.uRD}})
				}
			})
			o.write("hr.department", o.rd, map[string]any{"note": "放假"})
			o.step()
			calls := o.ding.CountedCalls()
			for range 3 {
				o.later(6 * time.Minute)
				o.step()
			}
			want(t, "counted calls for the result", o.ding.CountedCalls()-calls, c.asked)
			want(t, "held", o.held(), "")
		})
	}
}

// A notice that is still being delivered, as its empty result shows, is asked about again, less and less often.
func TestTheResultOfASlowNotice(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: member_ids}, {userid: gone}]", 1)+"result: log\n")
	o.options = func(opt *bridge.Options) { opt.Now = o.now }
	o.reopen()
	o.sync()
	o.ding.Set(func(k *dingtalktest.Knobs) { k.NoticeTakes = 3 * time.Hour })
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	o.step()
	calls := o.ding.CountedCalls()
	for range 7 * 12 {
		o.later(5*time.Minute + time.Second)
		o.step()
	}
	if n := o.ding.CountedCalls() - calls; n < 2 || n > 8 {
		t.Errorf("%d counted calls", n)
	}
	wantWords(t, o.done("department-notice"), "not to gone")
}

// Whom a notice reached by a call that got no answer, DingTalk does not tell again: they did get it.
func TestTheResultOfANoticeThatWasSentAgain(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: member_ids}, {userid: gone}]", 1)+"result: log\n")
	o.options = func(opt *bridge.Options) { opt.Now = o.now }
	o.reopen()
	o.sync()
	o.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/asyncsend_v2") }, 1, dingtalktest.DropAfter)
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	told := ""
	for range 12 {
		o.step()
		if told = o.done("department-notice"); strings.Contains(told, "settle") {
			break
		}
		o.later(6 * time.Minute)
	}
	want(t, "notices", len(o.ding.Notices()), 2)
	want(t, "said to 李四", len(o.said(o.uLi)), 1)
	wantWords(t, told, "not to gone")
	if strings.Contains(told, o.uLi) {
		t.Error(told)
	}
}

// What looks at the record before DingTalk is asked, as polls do several times, does not make the question forgotten; and a message that
// DingTalk is still to be asked about can be taken back.
func TestTheResultIsAskedWhateverHappensMeanwhile(t *testing.T) {
	o := tellers(t, noticeYAML+"result: log\nleave: recall\n")
	o.options = func(opt *bridge.Options) { opt.Now = o.now }
	o.reopen()
	o.sync()
	o.ding.Set(func(k *dingtalktest.Knobs) { k.NoticeTakes = 3 * time.Hour })
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	o.step()
	touch := func() {
		must(t, o.store.Update(o.ctx, func(tx bridge.Tx) error {
			return tx.Touch(time.Time{}, bridge.RecordKey("department-notice", mapping.Odoo, bridge.ID(fmt.Sprint(o.rd))))
		}))
	}
	o.ding.ResetJournal()
	touch()
	must(t, o.engine.Work(o.ctx, 100*time.Millisecond))
	o.later(6 * time.Minute)
	must(t, o.engine.Work(o.ctx, 100*time.Millisecond)) // no poll, and no sweep
	want(t, "counted calls for the result", o.ding.CountedCalls(), 1)
	touch()
	must(t, o.engine.Work(o.ctx, 100*time.Millisecond))
	want(t, "counted calls when it is not due", o.ding.CountedCalls(), 1)
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	want(t, "recalled", o.ding.Notices()[0].Recalled, true)
}
