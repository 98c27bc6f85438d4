package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
)

func TestDemoOfPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	t.Setenv(asProgram, "1") // for the daemon that is killed
	s := &shell{t: t, vars: map[string]string{"DINGBRIDGE_LANGUAGE": "en"}}
	got := s.run("demo", "--once", "--scenario", "people")
	if got.code != exitOK {
		t.Fatalf("exit code %d\n%s\n%s", got.code, got.out, got.err)
	}
	for _, words := range []string{
		"kill -9 while the second of three calls was being answered: 200 of 250 people had it", "1 of 3 calls made", "+ dingtalk todo (new)", "+ dingtalk calendar_event (new)", "+ dingtalk group (new)", "mapping meetings", "started again: all 250 people have the announcement, each once",
		"told nobody: needaction_partner_ids is res.partner", "at most 2048 are allowed; held", "41049 消息内容含有敏感信息; held", "HALTED  webhook:sales",
		"Everybody was told what concerns him, once", "In sync: nothing to do",
	} {
		if !strings.Contains(got.out, words) {
			t.Errorf("%q is missing in\n%s", words, got.out)
		}
	}
	if n := len(arrival.FindAllString(got.out, -1)); n != 65 {
		t.Errorf("%d lines, not 65\n%s", n, got.out)
	}
}

// TestJudgeOfMessagesFindsEveryDifference: the verdict must not be able to overlook anything.
func TestJudgeOfMessagesFindsEveryDifference(t *testing.T) {
	st, err := newStage("", "", time.Now)
	must(t, err)
	t.Cleanup(func() { must(t, st.close()) })
	must(t, st.populate(newCompany(60, 1)))
	d := &demo{app: &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, lang: english}, stage: st}
	must(t, d.setPeople())
	n := d.newsroom
	found := func(words string) {
		t.Helper()
		if all := strings.Join(n.wrong(), "\n"); !strings.Contains(all, words) {
			t.Errorf("%q is not among:\n%s", words, all)
		}
	}
	if all := n.wrong(); len(all) > 0 {
		t.Fatalf("nothing is wrong, and it says %v", all)
	}
	vars := st.vars()
	vars["DINGBRIDGE_STORE"] = t.TempDir() + "/state.db"
	w, err := (&app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, env: func(name string) string { return vars[name] }}).open()
	must(t, err)
	t.Cleanup(func() { must(t, w.close()) })
	tell := func(words string, logins ...string) (id string) {
		var to dingtalk.NoticeReceivers
		for _, login := range logins {
			to.Users = append(to.Users, n.cast[login].userid)
		}
		res, err := w.ding.Notices.Send(t.Context(), to, dingtalk.Object{"text.content": words})
		must(t, err)
		return res.ID
	}
	tell("放假", "seller")
	found("was told what does not concern him: 放假")
	n.owe("放假", "seller", "buyer")
	found("was told 0 times: 放假")
	id := tell("放假", "buyer")
	if all := n.wrong(); len(all) > 0 {
		t.Fatalf("nothing is wrong, and it says %v", all)
	}
	tell("放假 ", "seller")
	found("was told 2 times: 放假")
	must(t, w.ding.Notices.Recall(t.Context(), id))
	found("recalled is true: 放假")
	n.todos = []*chore{{subject: "回访", ends: "done"}}
	found("回访 is to be done: to-do done false")
	n.appointments = []*appointment{{name: "评审"}}
	found("0 events of 1 meetings")
	found("评审: cancelled false")
	n.todos, n.clubs = nil, []*club{{name: "项目", members: []string{"seller"}, said: []string{"你好"}}}
	found("channel and group of 项目: not the members seller on both sides")
	found(`in 项目 stands [], not ["你好"]`)
}
