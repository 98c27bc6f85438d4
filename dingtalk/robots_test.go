package dingtalk

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func TestRobotToPersons(t *testing.T) {
	f := newFar(t)
	f.on(pathRobotPersons, ok(`{"processQueryKey":"q+/=","invalidStaffIdList":["gone"],"flowControlledStaffIdList":["busy"]}`))
	f.on(pathRobotPersonsRead, ok(`{"sendStatus":"SUCESS","messageReadInfoList":[{"name":"n","userId":"u1","readStatus":"READ"},{"userId":"u2","readStatus":"UNREAD"}]}`))
	f.on(pathRobotPersonRecall, ok(`{"successResult":["a"],"failedResult":{"b":"robot.processQueryKey.expired"}}`))
	c := f.client()
	r, err := c.Robots.SendToPersons(bg(), []string{"u1", "u2", "gone", "busy"}, Object{"text.content": "x"})
	want := SendResult{ID: "q+/=", Invalid: []string{"gone"}, Throttled: []string{"busy"}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v %v", r, err)
	}
	if got := f.last(pathRobotPersons).raw; got != `{"msgKey":"sampleText","msgParam":"{\"content\":\"x\"}","robotCode":"dingtestkey","userIds":["u1","u2","gone","busy"]}` {
		t.Error(got)
	}
	f.on(pathRobotPersons, ok(`{"invalidStaffIdList":["gone"],"flowControlledStaffIdList":["busy"]}`))
	if r, err := c.Robots.SendToPersons(bg(), []string{"busy", "gone"}, Object{"text.content": "x"}); err != nil || r.ID != "" || len(r.Invalid) != 1 {
		t.Errorf("nobody is left, and no key: %+v %v", r, err)
	}
	if e := failure(t, second(c.Robots.SendToPersons(bg(), []string{"busy", "u1"}, Object{"text.content": "x"}))); !e.Ambiguous {
		t.Errorf("somebody is left, and no key: %v", e)
	}
	read, err := c.Robots.ReadByPersons(bg(), r.ID)
	if err != nil || !reflect.DeepEqual(read, RobotRead{Status: "SUCCESS", Read: []string{"u1"}, Unread: []string{"u2"}}) {
		t.Errorf("%+v %v", read, err)
	}
	if q := f.last(pathRobotPersonsRead).query; q.Get("processQueryKey") != "q+/=" || q.Get("robotCode") != testKey {
		t.Errorf("%v", q)
	}
	failed, err := c.Robots.RecallFromPersons(bg(), "a", "b")
	if err != nil || !reflect.DeepEqual(failed, map[string]string{"b": "robot.processQueryKey.expired"}) {
		t.Errorf("%v %v", failed, err)
	}
	for _, err := range []error{
		second(c.Robots.SendToPersons(bg(), nil, Object{"text.content": "x"})),
		second(c.Robots.SendToPersons(bg(), make101()[:RobotUsers+1], Object{"text.content": "x"})),
		second(c.Robots.SendToPersons(bg(), []string{"u"}, Object{"text.content": "x", "openConversationId": "c"})),
		second(c.Robots.ReadByPersons(bg(), "")), second(c.Robots.RecallFromPersons(bg())), second(c.Robots.RecallFromPersons(bg(), "")),
		second(c.Robots.RecallFromPersons(bg(), make101()[:RobotRecalls+1]...)),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%v", e)
		}
	}
}

func TestRobotToGroup(t *testing.T) {
	f := newFar(t)
	f.on(pathRobotGroup, ok(`{"processQueryKey":"k"}`))
	f.on(pathRobotGroupRead, func(c call) reply {
		if c.body["nextToken"] == "t1" {
			return reply{body: `{"sendStatus":"SUCCESS","readUserIds":["u3"],"hasMore":false,"nextToken":"t9"}`}
		}
		return reply{body: `{"sendStatus":"SUCCESS","readUserIds":["u1","u2"],"nextToken":"t1"}`} // hasMore is told at the end only
	})
	f.on(pathRobotGroupRecall, ok(`{"successResult":["k"],"failedResult":{}}`))
	f.on(pathRobotFile, ok(`{"downloadUrl":"https://d"}`))
	c := f.client(func(cfg *Config) { cfg.RobotCode = "robot" })
	r, err := c.Robots.SendToGroup(bg(), Object{"openConversationId": "cid", "coolAppCode": "cool", "markdown.title": "t", "markdown.text": "x"})
	if err != nil || r.ID != "k" {
		t.Errorf("%+v %v", r, err)
	}
	if got := f.last(pathRobotGroup).raw; got != `{"coolAppCode":"cool","msgKey":"sampleMarkdown","msgParam":"{\"text\":\"x\",\"title\":\"t\"}","openConversationId":"cid","robotCode":"robot"}` {
		t.Error(got)
	}
	read, err := c.Robots.ReadByGroup(bg(), "cid", "k")
	if err != nil || read.Status != "SUCCESS" || !slices.Equal(read.Read, []string{"u1", "u2", "u3"}) {
		t.Errorf("%+v %v", read, err)
	}
	if failed, err := c.Robots.RecallFromGroup(bg(), "cid", "k"); err != nil || len(failed) != 0 ||
		f.last(pathRobotGroupRecall).raw != `{"openConversationId":"cid","processQueryKeys":["k"],"robotCode":"robot"}` {
		t.Errorf("%v %v", failed, err)
	}
	if url, err := c.Robots.FileURL(bg(), "code"); err != nil || url != "https://d" {
		t.Error(url, err)
	}
	for _, err := range []error{
		second(c.Robots.SendToGroup(bg(), Object{"text.content": "x"})), second(c.Robots.ReadByGroup(bg(), "", "k")),
		second(c.Robots.ReadByGroup(bg(), "cid", "")), second(c.Robots.RecallFromGroup(bg(), "", "k")), second(c.Robots.FileURL(bg(), "")),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field == "" {
			t.Errorf("%v", e)
		}
	}
	f.on(pathRobotGroupRead, ok(`{"hasMore":true,"nextToken":"t"}`))
	if e := failure(t, second(c.Robots.ReadByGroup(bg(), "cid", "k"))); e.Class != Retry {
		t.Errorf("a list that does not go on: %v", e)
	}
}

func TestRobotRefusals(t *testing.T) {
	f := newFar(t)
	for code, want := range map[string]Error{
		"send.too.fast": {Class: Retry}, "too.many.people": {Class: Retry}, "send.byToken.tooFast": {Class: Retry},
		"unknown.send.result": {Class: Retry, Ambiguous: true}, "system.error": {Class: Retry, Ambiguous: true},
		"invalidParameter.robotCode.notExsit": {Class: Halt, Scope: ScopeAPI + pathRobotGroup},
		"bot.stopped":                         {Class: Halt, Scope: ScopeAPI + pathRobotGroup},
		"invalidParameter.robotCode.missing":  {Class: Reject, Field: "openConversationId"},
		"group.disbanded":                     {Class: Reject, Field: "openConversationId"},
		"invalid.openConversationId":          {Class: Reject, Field: "openConversationId"},
		"illegal.receivers":                   {Class: Reject, Field: receiversField},
		"contain.notAllowed.text":             {Class: Reject},
		"invalidParameter.msgParam.tooLong":   {Class: Reject},
	} {
		f.on(pathRobotGroup, status(400, fmt.Sprintf(`{"code":%q,"message":"words","requestid":"r"}`, code)))
		c := f.client()
		e := failure(t, second(c.Robots.SendToGroup(bg(), Object{"openConversationId": "c", "text.content": "x"})))
		if e.Class != want.Class || e.Scope != want.Scope || e.Field != want.Field || e.Ambiguous != want.Ambiguous || e.Message != "words" {
			t.Errorf("%s: %+v", code, *e)
		}
	}
	f.on(pathRobotGroup, ok(`{}`))
	if e := failure(t, second(f.client().Robots.SendToGroup(bg(), Object{"openConversationId": "c", "text.content": "x"}))); !e.Ambiguous {
		t.Errorf("success without a key: %v", e)
	}
}

func TestDing(t *testing.T) {
	f := newFar(t)
	f.on(pathDingSend, ok(`{"openDingId":"d","failedList":{"no mobile":["u2"]}}`))
	f.on(pathDingRecall, ok(`{"openDingId":"d"}`))
	c := f.client()
	r, err := c.Dings.Send(bg(), []string{"u1", "u2"}, Object{"content": "x"})
	if err != nil || r.ID != "d" || !reflect.DeepEqual(r.Failed, map[string][]string{"no mobile": {"u2"}}) {
		t.Errorf("%+v %v", r, err)
	}
	f.on(pathDingSend, ok(`{"failedList":{"no mobile":["u2"],"no right":["u1"]}}`))
	if r, err := c.Dings.Send(bg(), []string{"u1", "u2"}, Object{"content": "x"}); err != nil || r.ID != "" || len(r.Failed) != 2 {
		t.Errorf("nobody is left, and no id: %+v %v", r, err)
	}
	f.on(pathDingSend, ok(`{"openDingId":"d"}`))
	if got := f.last(pathDingSend).raw; got != `{"content":"x","receiverUserIdList":["u1","u2"],"remindType":1,"robotCode":"dingtestkey"}` {
		t.Error(got)
	}
	if err := c.Dings.Recall(bg(), "d"); err != nil || f.last(pathDingRecall).raw != `{"openDingId":"d","robotCode":"dingtestkey"}` {
		t.Error(err)
	}
	if _, err := c.Dings.Send(bg(), make101(), Object{"content": "x"}); err != nil {
		t.Error(err)
	}
	for field, err := range map[string]error{
		receiversField: second(c.Dings.Send(bg(), make101()[:21], Object{"content": "x", "remindType": 3})),
		"remindType":   second(c.Dings.Send(bg(), []string{"u"}, Object{"content": "x", "remindType": 4})),
		"content":      second(c.Dings.Send(bg(), []string{"u"}, Object{})),
		"openDingId":   c.Dings.Recall(bg(), ""),
	} {
		if e := failure(t, err); e.Class != Reject || e.Field != field {
			t.Errorf("%s: %v", field, e)
		}
	}
	for code, want := range map[string]Class{"ding.serverquota.insufficient": Halt, "toomuch.msg": Retry, "miss.staffId": Reject, "send.ding.exception": Retry} {
		f.on(pathDingSend, status(400, fmt.Sprintf(`{"code":%q,"message":"m"}`, code)))
		if e := failure(t, second(f.client().Dings.Send(bg(), []string{"u"}, Object{"content": "x"}))); e.Class != want {
			t.Errorf("%s: %v", code, e)
		}
	}
}
