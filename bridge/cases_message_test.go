package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// noticeYAML tells the members of a department that its note says something. (A note is what anybody in HR may write.)
const noticeYAML = `
mapping: department-notice
odoo:     {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: member_ids}]
fields:
  - {dingtalk: markdown.title, value: "'通知'"}
  - {dingtalk: markdown.text,  value: "**{{ name }}**：{{ note }} [打开]({{ record_url }})"}
`

// tellers is the small company with notices.
func tellers(t *testing.T, yaml string, edits ...func(*bridge.Options)) *one {
	t.Helper()
	w := newWorldAs(t, nil, append(presets(t), mapping.Source{File: "notice.yaml", Data: []byte(yaml)})...)
	w.options = func(o *bridge.Options) {
		o.WebURL = "https://erp.example.com/"
		for _, edit := range edits {
			edit(o)
		}
	}
	w.reopen()
	return staffed(w)
}

// said are the texts of the notices that a person got.
func (w *world) said(userid string) []string {
	w.t.Helper()
	var out []string
	for _, r := range w.ding.Received(userid) {
		if r.Recalled {
			continue
		}
		var msg struct {
			Markdown struct{ Text string }
			Text     struct{ Content string }
		}
		must(w.t, json.Unmarshal(r.Content, &msg))
		out = append(out, msg.Markdown.Text+msg.Text.Content)
	}
	return out
}

func TestARecordThatEntersTheDomainIsToldOfOnce(t *testing.T) {
	o := tellers(t, noticeYAML)
	o.write("hr.department", o.rd, map[string]any{"note": "明天搬家"})
	text, _ := o.plan("department-notice")
	t.Log("\n" + text)
	if !strings.Contains(text, "+ dingtalk work_notice (new)") || !strings.Contains(text, o.uLi) {
		t.Errorf("the plan is\n%s", text)
	}
	calls := o.ding.CountedCalls()
	o.step()
	o.step()
	want(t, "what 李四 got", strings.Join(o.said(o.uLi), "|"), fmt.Sprintf("**研发部**：明天搬家 [打开](https://erp.example.com/web#id=%d&model=hr.department&view_type=form)", o.rd))
	want(t, "what 张三 got", len(o.said(o.uZhang)), 0)
	want(t, "counted calls", o.ding.CountedCalls()-calls, 1)
	o.write("hr.department", o.rd, map[string]any{"note": "后天搬家"}) // still in the domain: it was told of
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	o.write("hr.department", o.rd, map[string]any{"note": "不搬了"})
	o.step()
	want(t, "notices after it entered again", len(o.said(o.uLi)), 2)
	o.settled()
	want(t, "told twice", len(o.ding.Duplicates()), 0)
	e, err := o.engine.Explain(o.ctx, bridge.Ref{Side: mapping.Odoo, Kind: "hr.department", ID: bridge.ID(fmt.Sprint(o.rd))})
	must(t, err)
	raw, err := json.MarshalIndent(e, "", " ")
	must(t, err)
	t.Logf("%s", raw)
}

func TestWhatStoodInTheDomainBeforeIsNotToldOf(t *testing.T) {
	w := newWorldAs(t, nil, append(presets(t), mapping.Source{File: "notice.yaml", Data: []byte(noticeYAML)})...)
	c := w.department("旧部门", 0, 0)
	w.write("hr.department", c, map[string]any{"note": "旧闻"})
	w.employee("王五", "13800000077", map[string]any{"department_id": c})
	text, counts := w.plan("department-notice")
	want(t, "plan", text, "")
	want(t, "remembered", counts.Remembered, 1)
	want(t, "messages for nobody", counts.Untold, 0)
	w.sync()
	w.step()
	_, counts = w.plan("department-notice")
	want(t, "remembered again", counts.Remembered, 0)
	want(t, "notices", len(w.ding.Notices()), 0)
	w.write("hr.department", c, map[string]any{"note": "旧闻，改过"})
	w.step()
	want(t, "notices", len(w.ding.Notices()), 0)
}

func TestWhyThereIsNobodyToBeTold(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[followers, {path: member_ids}, {except: member_ids}]", 1))
	o.write("hr.department", o.rd, map[string]any{"note": "明天搬家"})
	text, _ := o.plan("department-notice")
	wantWords(t, text, "told nobody: the list of followers leads to nobody in dingtalk\n")
	p := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: member_ids}, {except: member_ids}]", 1))
	p.write("hr.department", p.rd, map[string]any{"note": "明天搬家"})
	text, _ = p.plan("department-notice")
	wantWords(t, text, "told nobody: whom it would be for is left out by except\n")
}

// manyTold is a company whose department has many members.
func manyTold(t *testing.T, n int, yaml string) *one {
	t.Helper()
	o := tellers(t, yaml)
	for i := range n - 1 { // 李四 is one of them
		o.employee(fmt.Sprintf("员工%d", i), fmt.Sprintf("139%08d", i), map[string]any{"department_id": o.rd})
	}
	o.step()
	return o
}

func TestTwoHundredAndFiftyReceivers(t *testing.T) {
	o := manyTold(t, 250, noticeYAML)
	calls := o.ding.CountedCalls()
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	o.step()
	want(t, "people who got it", len(o.ding.ReceivedCounts()), 250)
	want(t, "counted calls", o.ding.CountedCalls()-calls, 3)
	want(t, "told twice", len(o.ding.Duplicates()), 0)
}

// unhurried lets nothing be sent again that was interrupted, until goOn, which is a restart.
func (o *one) unhurried() (goOn func()) {
	o.t.Helper()
	soon := o.options
	o.options = func(opt *bridge.Options) {
		soon(opt)
		opt.SettleDing = time.Hour
	}
	o.reopen()
	o.sync()
	return func() {
		o.t.Helper()
		o.options = soon
		o.reopen()
		must(o.t, o.engine.SyncOnce(o.ctx, nil, 3*time.Second, nil))
	}
}

// TestKilledInTheMiddle: of three calls the second was carried out and its answer lost, with the process.
func TestKilledInTheMiddle(t *testing.T) {
	o := manyTold(t, 250, noticeYAML)
	goOn := o.unhurried()
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	sent := 0
	o.ding.Fail(func(r dingtalktest.Request) bool {
		if !strings.HasSuffix(r.Path, "asyncsend_v2") {
			return false
		}
		sent++
		return sent == 2
	}, 1, dingtalktest.DropAfter)
	must(t, o.engine.Step(o.ctx, 0)) // polled, and sent as far as it got
	want(t, "people who got it", len(o.ding.ReceivedCounts()), 200)
	goOn()
	counts := o.ding.ReceivedCounts()
	want(t, "people who got it", len(counts), 250)
	for user, n := range counts {
		if n != 1 {
			t.Errorf("%s got it %d times", user, n)
		}
	}
	o.settled()
}

func TestAReceiverWithoutDingTalkIsLeftOut(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: manager_id}]", 1))
	ghost := o.employee("无号", "", map[string]any{"department_id": o.hq})
	o.write("hr.department", o.hq, map[string]any{"manager_id": ghost, "note": "通知"})
	o.step()
	want(t, "notices", len(o.ding.Notices()), 0)
	text, _ := o.plan()
	if strings.Contains(text, "work_notice") {
		t.Errorf("the plan goes on about it:\n%s", text)
	}
	rows := o.done("department-notice")
	if !strings.Contains(rows, "told nobody") || !strings.Contains(rows, "not linked to dingtalk") {
		t.Errorf("the history is\n%s", rows)
	}
}

// done is what the bridge did for a mapping, oldest first.
func (w *world) done(name string) string {
	w.t.Helper()
	var lines []string
	must(w.t, w.store.View(w.ctx, func(tx bridge.Tx) error {
		rows, err := tx.History(name, 0, 1000)
		for i := len(rows) - 1; i >= 0; i-- {
			lines = append(lines, rows[i].Op+" "+rows[i].Reason)
		}
		return err
	}))
	return strings.Join(lines, "\n")
}

func TestTheSameWordsTwiceADay(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[打开]({{ record_url }})", "", 1))
	for range 2 {
		o.write("hr.department", o.rd, map[string]any{"note": "开会"})
		o.step()
		o.write("hr.department", o.rd, map[string]any{"note": false})
		o.step()
	}
	want(t, "notices sent", len(o.ding.Notices()), 1)
	if rows := o.done("department-notice"); !strings.Contains(rows, "told nobody; not to "+o.uLi+": the person has had the same content today") {
		t.Errorf("the history is\n%s", rows)
	}
}

func TestATextThatIsTooLong(t *testing.T) {
	o := tellers(t, noticeYAML)
	o.write("hr.department", o.rd, map[string]any{"note": strings.Repeat("长", 800)})
	o.step()
	o.wantHeld("2048")
	since := o.status().Held[0].Since
	o.reopen()
	o.sync()
	want(t, "held since, after a restart", o.status().Held[0].Since, since)
	o.write("hr.department", o.rd, map[string]any{"note": "短"})
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
}

// TestWhatWasRefusedIsToldWhenItIsTakenAfterAll: nobody has had it, so that it is no repetition, whatever lies between.
func TestWhatWasRefusedIsToldWhenItIsTakenAfterAll(t *testing.T) {
	o := tellers(t, noticeYAML)
	forbid := func(words ...string) { o.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = words }) }
	forbid("开会")
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	o.wantHeld("41049")
	forbid()
	_, err := bridge.Retry(o.ctx, o.store, o.set(), nil)
	must(t, err)
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
	want(t, "held", o.held(), "")
	o.settled()
}

func TestRecalledWhenItLeavesTheDomain(t *testing.T) {
	o := tellers(t, noticeYAML+"leave: recall\n")
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	want(t, "notices after the recall", len(o.said(o.uLi)), 0)
	o.settled()
}

func TestOnceForEachManager(t *testing.T) {
	o := tellers(t, `
mapping: new-manager
odoo:     {model: hr.department, domain: [[manager_id, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
once: manager_id.id
receivers: [{path: manager_id}]
fields:
  - {dingtalk: text.content, value: "你现在是 {{ name }} 的主管"}
`)
	for _, manager := range []int64{o.zhang, o.li, o.li} {
		o.write("hr.department", o.rd, map[string]any{"manager_id": manager})
		o.step()
	}
	want(t, "张三", strings.Join(o.said(o.uZhang), "|"), "你现在是 研发部 的主管")
	want(t, "李四", strings.Join(o.said(o.uLi), "|"), "你现在是 研发部 的主管")
}

// TestWhoDidNotGetItStandsInTheHistory: DingTalk tells it some minutes after its success.
func TestWhoDidNotGetItStandsInTheHistory(t *testing.T) {
	o := tellers(t, noticeYAML+"result: log\n", func(o *bridge.Options) { o.ResultAfter = 50 * time.Millisecond })
	o.ding.Set(func(k *dingtalktest.Knobs) { k.Unreachable = map[string]bool{o.uLi: true} })
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	for i := 0; i < 100 && !strings.Contains(o.done("department-notice"), "not to"); i++ {
		must(t, o.engine.Work(o.ctx, 100*time.Millisecond))
	}
	wantWords(t, o.done("department-notice"), "told; not to "+o.uLi+": could not be reached")
}

// TestANoticeOfUnknownOutcomeIsHeldOnTheNextDay: until then DingTalk shows the same content once. What was tried in between, and not
// taken, does not make it known.
func TestANoticeOfUnknownOutcomeIsHeldOnTheNextDay(t *testing.T) {
	w := newWorldAs(t, nil, append(presets(t), mapping.Source{File: "notice.yaml", Data: []byte(noticeYAML)})...)
	w.options = func(o *bridge.Options) { o.Now, o.Zone = w.now, china }
	w.reopen()
	o := staffed(w)
	now := o.now().In(china)
	o.later(time.Date(now.Year(), now.Month(), now.Day(), 23, 59, 0, 0, china).Sub(now) + 24*time.Hour)
	o.step()
	send := func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "asyncsend_v2") }
	o.ding.Fail(send, 1, dingtalktest.DropAfter)
	o.ding.Fail(send, -1, dingtalktest.Throttled)
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	want(t, "held on the day", o.held(), "")
	o.ding.ClearFailures()
	o.later(2 * time.Minute)
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
	o.wantHeld("nobody knows whether it was sent to " + o.uLi)
}

// TestARobotsMessageOfUnknownOutcomeIsHeld: DingTalk has nothing by which such a message could be found again. The other parts are sent.
func TestARobotsMessageOfUnknownOutcomeIsHeld(t *testing.T) {
	o := manyTold(t, 45, strings.Replace(noticeYAML, "work_notice", "person_message", 1))
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	sent := 0
	o.ding.Fail(func(r dingtalktest.Request) bool {
		if !strings.HasSuffix(r.Path, "oToMessages/batchSend") {
			return false
		}
		sent++
		return sent == 2
	}, 1, dingtalktest.DropAfter)
	o.step()
	want(t, "people who got it", len(o.ding.ReceivedCounts()), 45)
	o.wantHeld("nobody knows whether it was sent to")
	o.step()
	o.sync()
	want(t, "told twice", len(o.ding.Duplicates()), 0)
	t.Log(o.held())
	_, err := bridge.Retry(o.ctx, o.store, o.set(), nil) // a person knows that it did not come
	must(t, err)
	o.step()
	total := 0
	for _, n := range o.ding.ReceivedCounts() {
		total += n
	}
	want(t, "messages received after a person sent the part again", total, 65)
	want(t, "held", o.held(), "")
	o.settled()
}

// TestKilledBeforeARobotsMessageWasSent: what was about to be sent when the process ended is unknown too.
func TestKilledBeforeARobotsMessageWasSent(t *testing.T) {
	o := manyTold(t, 45, strings.Replace(noticeYAML, "work_notice", "person_message", 1))
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	o.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "oToMessages/batchSend") }, 1, dingtalktest.Throttled)
	must(t, o.engine.Step(o.ctx, 0))
	o.reopen()
	must(t, o.engine.SyncOnce(o.ctx, nil, 3*time.Second, nil))
	want(t, "people who got it", len(o.ding.ReceivedCounts()), 45)
	want(t, "told twice", len(o.ding.Duplicates()), 0)
	want(t, "held", o.held(), "")
}

func TestASensitiveWordIsHeldWithDingTalksWords(t *testing.T) {
	o := tellers(t, noticeYAML)
	o.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"违禁"} })
	o.write("hr.department", o.rd, map[string]any{"note": "违禁"})
	o.step()
	o.wantHeld("41049")
	o.write("hr.department", o.rd, map[string]any{"note": "好"})
	o.step()
	want(t, "notices", len(o.said(o.uLi)), 1)
	want(t, "held", o.held(), "")
}

// TestMorePeopleThanAMinuteTakes: DingTalk would answer success to all of it, and tell those above its limit nothing.
func TestMorePeopleThanAMinuteTakes(t *testing.T) {
	const crowd = 5100
	var receivers []string
	for i := range crowd {
		receivers = append(receivers, fmt.Sprintf("{userid: u%d}", i))
	}
	yaml := strings.Replace(noticeYAML, "[{path: member_ids}]", "["+strings.Join(receivers, ", ")+"]", 1)
	w := newWorldAs(t, nil, mapping.Source{File: "notice.yaml", Data: []byte(yaml)})
	w.options = func(o *bridge.Options) { o.Now = w.now }
	w.reopen()
	w.ding.Quiet(func() {
		for i := range crowd {
			w.ding.AddUser(dingtalktest.User{UserID: fmt.Sprintf("u%d", i), Name: fmt.Sprintf("员工%d", i), Mobile: fmt.Sprintf("139%08d", i)})
		}
	})
	unit := w.department("总部", 0, 0)
	w.sync()
	w.write("hr.department", unit, map[string]any{"note": "放假"})
	must(t, w.engine.Step(w.ctx, 0))
	want(t, "people who got it in the first minute", len(w.ding.ReceivedCounts()), 5000)
	for range 2 {
		w.later(time.Minute + time.Second)
		must(t, w.engine.Step(w.ctx, 0))
	}
	want(t, "people who got it", len(w.ding.ReceivedCounts()), crowd)
	want(t, "told twice", len(w.ding.Duplicates()), 0)
	for _, n := range w.ding.Notices() {
		want(t, "withheld", len(n.Forbidden), 0)
	}
}
