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

// explained is what explain says of a department in the mapping of notices, as text and as data.
func (o *one) explained(department int64) (string, bridge.Explanation) {
	o.t.Helper()
	all, err := o.engine.Explain(o.ctx, bridge.Ref{Side: mapping.Odoo, Kind: "hr.department", ID: bridge.ID(fmt.Sprint(department))})
	must(o.t, err)
	for _, x := range all {
		if x.Mapping == "department-notice" {
			return x.String(), x
		}
	}
	o.t.Fatal("no mapping of notices")
	return "", bridge.Explanation{}
}

// wantWords fails the test unless the text has all of the words.
func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%s", w, text)
		}
	}
}

func TestExplainTellsWhoWasToldWhat(t *testing.T) {
	o := tellers(t, noticeYAML)
	text, _ := o.explained(o.rd)
	wantWords(t, text, "nobody", "now:\nnot to be told of\n")
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	plan, counts := o.plan("department-notice")
	wantWords(t, plan, "to  "+o.uLi+"\n")
	want(t, "messages planned", counts.String(), "1 message.")
	o.step()
	text, x := o.explained(o.rd)
	wantWords(t, text, "markdown.title            通知 | 通知  as told", "message 1: told at 20", "Z, to 1 person in 1 call\n", "  to "+o.uLi+"\n", "now:\ntold already\n")
	if strings.Contains(text, "dingtalk 2") || strings.Contains(text, "in sync") {
		t.Errorf("a message is no record that is compared:\n%s", text)
	}
	want(t, "calls", fmt.Sprintf("%d %d %v %s", len(x.Told), len(x.Told[0].Calls), x.Told[0].Calls[0].Users, x.Told[0].Calls[0].State), "1 1 ["+o.uLi+"] taken")

	o.write("hr.department", o.rd, map[string]any{"note": "开会，改过"})
	o.step()
	text, _ = o.explained(o.rd)
	wantWords(t, text, "changed since it was told")
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	o.write("hr.department", o.rd, map[string]any{"note": "开会"}) // the same words on the same day
	o.step()
	text, x = o.explained(o.rd)
	wantWords(t, text, "message 2: nobody was told, at 20", "    not to "+o.uLi+": the person has had the same content today\nmessage 1: told at ")
	want(t, "messages explained", len(x.Told), 2)
	t.Log("\n" + text)
}

func TestExplainTellsOfManyCalls(t *testing.T) {
	o := manyTold(t, 250, noticeYAML)
	goOn := o.unhurried()
	o.write("hr.department", o.rd, map[string]any{"note": "放假"})
	plan, _ := o.plan("department-notice")
	wantWords(t, plan, "and 240 more   (250 people, 3 calls)\n")
	sent := 0
	o.ding.Fail(func(r dingtalktest.Request) bool {
		if !strings.HasSuffix(r.Path, "asyncsend_v2") {
			return false
		}
		sent++
		return sent == 2
	}, 1, dingtalktest.DropAfter)
	must(t, o.engine.Step(o.ctx, 0))
	text, _ := o.explained(o.rd)
	wantWords(t, text, "message 1: being told since ", "1 of 3 calls made\n", "  not sent yet: to ", "and 90 more")
	goOn()
	text, _ = o.explained(o.rd)
	wantWords(t, text, "to 250 people in 3 calls\n")
	t.Log("\n" + text)
}

func TestPlanAndExplainOfNobody(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "[{path: member_ids}]", "[{path: manager_id}]", 1))
	ghost := o.employee("无号", "", map[string]any{"department_id": o.hq})
	o.write("hr.department", o.hq, map[string]any{"manager_id": ghost, "note": "通知"})
	plan, counts := o.plan("department-notice")
	want(t, "told nobody", strings.Count(plan, "told nobody: manager_id is hr.employee"), 1)
	want(t, "the plan", counts.String(), "1 message for nobody.")
	o.step()
	text, _ := o.explained(o.hq)
	wantWords(t, text, "message 1: nobody was told, at 20", "told nobody: manager_id is hr.employee")
	t.Log("\n" + text)
}

func TestPlanAndExplainOfARecall(t *testing.T) {
	o := tellers(t, noticeYAML+"leave: recall\n")
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	o.write("hr.department", o.rd, map[string]any{"note": false})
	plan, counts := o.plan("department-notice")
	wantWords(t, plan, "- dingtalk work_notice 2562", "   recalled: left the domain\n")
	want(t, "the plan", counts.String(), "1 recall.")
	o.step()
	text, _ := o.explained(o.rd)
	wantWords(t, text, "message 1: told at 20", "in 1 call, and recalled since\n", "now:\ntold; it left the domain since\n")
	t.Log("\n" + text)
}

// A record that is gathered is told of by the digest of its person.
func TestExplainOfADigest(t *testing.T) {
	s := newSpoken(t, nil, "activity-digest", "activity-assigned")
	must(t, s.engine.TellOnTime(s.ctx)) // the first time it waits for the next one
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	activity, err := s.asZhang.Create("mail.activity", map[string]any{
		"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid("li"), "summary": "回访", "date_deadline": "2026-01-05", "activity_type_id": int64(2),
	})
	must(t, err)
	explained := func(id string) map[string]bridge.Explanation {
		ref, err := bridge.ParseRef("odoo", "mail.activity", id)
		must(t, err)
		all, err := s.engine.Explain(s.ctx, ref)
		must(t, err)
		by := map[string]bridge.Explanation{}
		for _, x := range all {
			by[x.Mapping] = x
		}
		return by
	}
	x := explained(fmt.Sprint(activity))
	want(t, "mappings", len(x), 2)
	row := x["activity-digest"].Row
	wantWords(t, row, fmt.Sprintf("in the digest of user_id %d, told next at 20", s.uid("li")), " 09:00: explain odoo mail.activity ")
	wantWords(t, x["activity-digest"].String(), "nobody was told of it yet\n", "now:\nin the digest of user_id")
	if _, err := bridge.ParseRef("odoo", "mail.activity", "8@tomorrow"); err == nil {
		t.Error("8@tomorrow is no digest")
	}
	digest := row[strings.LastIndex(row, " ")+1:]
	wantWords(t, explained(digest)["activity-digest"].String(), "回访", "+ dingtalk work_notice (new)")
	for d := s.now().In(china).Weekday(); d != time.Tuesday; d = s.now().In(china).Weekday() {
		s.later(24 * time.Hour)
	}
	must(t, s.engine.TellOnTime(s.ctx))
	s.at(9, 0)
	wantWords(t, explained(fmt.Sprint(activity))["activity-digest"].String(), "message 1: told at 20", "  to "+s.uLi+"\n")
	outside := explained("999999")["activity-digest"]
	want(t, "a record outside", outside.Row, "in no digest: it is outside the domain")
}

// Who did not get a message is noted on the record, as a person reads it.
func TestWhoDidNotGetItStandsInTheChatter(t *testing.T) {
	o := tellers(t, `
mapping: partner-notice
odoo:     {model: res.partner, domain: [[ref, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{userid: who-left}]
result: note
fields:
  - {dingtalk: text.content, value: "{{ ref }}"}
`, func(o *bridge.Options) { o.ResultAfter = 50 * time.Millisecond })
	partner := o.people.Create("res.partner", map[string]any{"name": "上海客户", "ref": "合同"})
	o.step()
	notes := func() string {
		said := ""
		for _, m := range o.people.Search("mail.message", []any{[]any{"model", "=", "res.partner"}, []any{"res_id", "=", partner}}) {
			said += text(o.people.Get("mail.message", m), "body")
		}
		return said
	}
	for i := 0; i < 100 && !strings.Contains(notes(), "who-left"); i++ {
		must(t, o.engine.Work(o.ctx, 100*time.Millisecond))
	}
	wantWords(t, notes(), "<p>DingTalk: not to who-left: unknown to dingtalk, or outside the app&#39;s scope</p>")
}
