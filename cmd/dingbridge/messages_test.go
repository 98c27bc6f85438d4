package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/redact"
)

// noteMappings tell a department's members, and a group, what its note says.
const noteMappings = `mapping: department-notice
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: member_ids}]
fields:
  - {dingtalk: markdown.title, value: "'通知'"}
  - {dingtalk: markdown.text, value: "{{ name }}：{{ note }} [打开]({{ record_url }})"}
---
mapping: department-group
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: robot_message, webhook: sales}
start: now
fields:
  - {dingtalk: text.content, value: "{{ name }}：{{ note }}"}
`

// addRobot adds a group with a robot of its own and lets the settings call it sales.
func (s *shell) addRobot(secret string) (address string) {
	s.t.Helper()
	members := []string{"nobody"} // who need not be there
	for _, u := range s.stage.ding.Users() {
		members = append(members, u.UserID)
	}
	chat := s.stage.ding.AddGroup(dingtalktest.Group{Name: "销售", Owner: members[0], Members: members})
	group, _ := s.stage.ding.Group(chat)
	address = s.stage.ding.AddWebhook(dingtalktest.Webhook{Conversation: group.OpenConversationID, Secret: secret})
	maps.Copy(s.vars, map[string]string{
		"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales", "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL": address, "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_SECRET": secret,
	})
	return address
}

// TestMessagesThroughTheCommands: what people get, what it costs, and what plan, status and explain say of it.
func TestMessagesThroughTheCommands(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.vars["DINGBRIDGE_MAPPINGS"] += "," + file(t, "messages.yaml", noteMappings)
	s.addRobot("SECsales")
	s.vars["DINGBRIDGE_ODOO_WEB_URL"] = "https://erp.example.com/"
	s.want(exitOK, words("sync"))
	status := s.want(exitOK, words("status")).out
	if strings.Contains(status, "told ") {
		t.Errorf("nobody was told anything:\n%s", status)
	}
	unit := s.stage.co.people[len(s.stage.co.people)-1].unit
	department := s.stage.unitIDs[unit]
	must(t, s.stage.admin.Write("hr.department", department, map[string]any{"note": "搬家"}))
	s.want(exitOK, words("plan department-notice department-group"), "+ dingtalk work_notice (new)", "    to  ", "+ dingtalk robot_message (new)", "2 messages. Nothing was written.")
	plan := unmarshal[planOutput](t, s.want(exitOK, words("plan --json")).out)
	if plan.Counts.Messages != 2 || plan.Counts.Creates != 0 {
		t.Errorf("%+v", plan.Counts)
	}
	s.stage.ding.ResetJournal()
	s.want(exitOK, words("sync"))
	if n, m := len(s.stage.ding.Notices()), len(s.stage.ding.Messages()); n != 1 || m != 1 {
		t.Fatalf("%d notices and %d messages", n, m)
	}
	notice := s.stage.ding.Notices()[0]
	if !strings.Contains(string(notice.Msg), "：搬家 [打开](https://erp.example.com/web#id="+id(department)+"&") || len(notice.Delivered) == 0 {
		t.Errorf("%s to %v", notice.Msg, notice.Delivered)
	}
	s.want(exitOK, words("status"), "counted calls by: department-notice 1\n", "  pushes: 1 of 3000 counted", "  told 1 times in 1 calls, 0 of them recalled; 0 people did not get theirs; 0 times there was nobody to be told")
	st := unmarshal[bridge.Status](t, s.want(exitOK, words("status --json")).out)
	told := map[string]bridge.MessageCounts{}
	for _, m := range st.Mappings {
		if m.Messages != nil {
			told[m.Name] = *m.Messages
		}
	}
	if one := (bridge.MessageCounts{Told: 1, Calls: 1}); len(told) != 2 || told["department-notice"] != one || told["department-group"] != one {
		t.Errorf("%+v", told)
	}
	if n := s.stage.ding.CountedCalls(); n != 1 {
		t.Errorf("%d counted calls for a notice", n)
	}
	s.want(exitOK, words("explain odoo hr.department "+id(department)), "mapping department-notice", "message 1: told at ", " in 1 call\n", "  to "+notice.Delivered[0],
		"mapping department-group", "  to the conversation\n")
	all := unmarshal[[]bridge.Explanation](t, s.want(exitOK, words("explain --json odoo hr.department "+id(department))).out)
	found := 0
	for _, x := range all {
		if len(x.Told) == 1 && x.Told[0].N == 1 && x.Told[0].Outcome == "told" && len(x.Told[0].Calls) == 1 && x.Told[0].Calls[0].ID != "" {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%+v", all)
	}
	s.vars["DINGBRIDGE_LANGUAGE"] = "zh"
	s.want(exitOK, words("status"), "  已通知 1 次，调用 1 次，其中撤回 0 次；0 人未收到；另有 0 次无人可通知")
}

// pathRobotSend is where robots of groups are served.
const pathRobotSend = "/robot/send"

// withRobot lets the shell write by a group's own robot, whose address and secret are in the vault.
func (p *planted) withRobot() {
	p.t.Helper()
	address := p.addRobot(plantedRobot)
	u, err := url.Parse(address)
	must(p.t, err)
	p.vault.plant("robot's token", u.Query().Get("access_token"))
	p.vault.plant("robot's secret", plantedRobot)
	p.vars["DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL"] = p.ding.url + pathRobotSend + "?" + u.RawQuery
	_, robot, _ := strings.Cut(noteMappings, "---\n")
	p.vars["DINGBRIDGE_MAPPINGS"] += "," + file(p.t, "messages.yaml", robot)
}

// note makes a department with something to tell, and returns its id.
func (p *planted) note(text string) int64 {
	p.t.Helper()
	department, err := p.stage.admin.Create("hr.department", map[string]any{"name": "公告部", "note": text})
	must(p.t, err)
	return department
}

// Neither the address nor the secret of a group's robot is shown or kept, whatever DingTalk answers to a message.
func TestNoCommandShowsARobotWhenAFarSideRepeatsIt(t *testing.T) {
	var wg sync.WaitGroup // commands wait for their repetitions most of the time
	var redacted atomic.Int32
	for name, f := range allFaults(dingFaults) {
		if name == "closed stream" {
			continue
		}
		p := newPlanted(t, 0)
		p.withRobot()
		p.command("before "+name, "sync")
		department := p.note("搬家")
		p.ding.setAt(pathRobotSend, f)
		wg.Go(func() {
			for _, line := range []string{"plan", "sync", "status", "status --json", "explain odoo hr.department " + id(department), "retry --all", "check --live"} {
				got := p.command(name, line)
				if strings.Contains(got.out+got.err, redact.Mark) || strings.Contains(got.out+got.err, "***") {
					redacted.Add(1)
				}
			}
			if p.ding.answered() == 0 {
				t.Errorf("%s: nobody met the fault", name)
			}
			p.files()
		})
	}
	wg.Wait()
	if redacted.Load() < 5 {
		t.Errorf("only %d answers held a secret that was taken out: the far side did not repeat them", redacted.Load())
	}
}

func TestWordsOfMessages(t *testing.T) {
	for content, want := range map[string]string{
		`{"msgtype":"text","text":{"content":"放假\n三天"}}`:                                                                  "放假 三天",
		`{"msgKey":"sampleMarkdown","msgParam":"{\"title\":\"通知\",\"text\":\"**放假**\"}"}`:                                 "**放假** | 通知",
		`{"msgtype":"actionCard","actionCard":{"title":"a","btns":[{"title":"b","actionURL":"http://x"},{"title":"c"}]}}`: "http://x | b | c | a",
		`{"content":"开会","remindType":1}`:                                                                                 "开会",
		`no JSON`:                                                                                                         "no JSON",
	} {
		if got := wordsOf(json.RawMessage(content)); got != want {
			t.Errorf("%s: %q, not %q", content, got, want)
		}
	}
}

// The sandbox shows who got a message, who did not, and that it was recalled.
func TestTheSandboxShowsMessages(t *testing.T) {
	s := newShell(t, 0)
	must(t, errOf(s.stage.ding.TryAddUser(dingtalktest.User{UserID: "li", Name: "李四", Mobile: "13800000001", Departments: []int64{1}, Active: true})))
	s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.Unreachable = map[string]bool{"away": true} })
	must(t, errOf(s.stage.ding.TryAddUser(dingtalktest.User{UserID: "away", Name: "远", Mobile: "13800000002", Departments: []int64{1}, Active: true})))
	conversation := s.stage.addGroup()
	a, _, _ := s.app()
	out := &log{}
	a.out = out
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.stage.showMessages(ctx, a); close(ended) }()
	w, err := func() (*world, error) { a, _, _ := s.app(); return a.open() }()
	must(t, err)
	notice, err := w.ding.Notices.Send(ctx, dingtalk.NoticeReceivers{Users: []string{"li", "away", "nobody"}}, dingtalk.Object{"text.content": "放假"})
	must(t, err)
	_, err = w.ding.Robots.SendToGroup(ctx, dingtalk.Object{"openConversationId": conversation, "text.content": "开工"})
	must(t, err)
	must(t, w.ding.Notices.Recall(ctx, notice.ID))
	for _, want := range []string{
		"  work_notice to 李四 (li): 放假\n", "not to 远 (away): cannot be reached\n", "not to nobody: DingTalk knows nobody of this userid\n",
		"  group_message to 2 members of the group: 开工\n", "recalled: 放假\n",
	} {
		s.until(ctx, want, func() bool { return strings.Contains(out.String(), want) })
	}
	stop()
	<-ended
	must(t, w.close())
	if n := strings.Count(out.String(), "\n"); n != 5 {
		t.Errorf("%d lines:\n%s", n, out)
	}
}

func errOf[T any](_ T, err error) error { return err }
