package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const madeGroup = `{"conversationTag":2,"openConversationId":"cid+/1==","chatid":"chat1"}`

func newGroup(more Object) Object {
	group := Object{"name": "项目", "owner": "ann", "useridlist": []string{"bob"}, "searchable": 1}
	for name, v := range more {
		group[name] = v
	}
	return group
}

func TestGroupCreate(t *testing.T) {
	f := newFar(t)
	f.on(pathGroupCreate, ok(madeGroup))
	f.on(pathGroupUpdate, inTurn(ok(`{"success":true}`), status(400, `{"code":"parameter.invalid","message":"m"}`)))
	c := f.client()
	made, err := c.Groups.Create(bg(), newGroup(nil))
	if err != nil || made != (CreatedGroup{"chat1", "cid+/1=="}) {
		t.Fatalf("%+v %v", made, err)
	}
	if got := f.last(pathGroupCreate).raw; got != `{"conversationTag":2,"managementOptions":{"searchable":1},"name":"项目","owner":"ann","useridlist":["ann","bob"]}` {
		t.Error(got)
	}
	many := make1001()[:100]
	made, err = c.Groups.Create(bg(), newGroup(Object{"useridlist": many}))
	if err == nil || made.ChatID != "chat1" {
		t.Errorf("made, but not all were added: %+v %v", made, err)
	}
	if n := len(idList(f.last(pathGroupCreate).body["useridlist"])); n != 40 || len(f.called(pathGroupUpdate)) != 2 {
		t.Errorf("%d at first, %d more calls", n, len(f.called(pathGroupUpdate)))
	}
	for name, group := range map[string]Object{
		"name": newGroup(Object{"name": strings.Repeat("长", 21)}), "owner": newGroup(Object{"owner": nil}), "useridlist": newGroup(Object{"useridlist": make1001()}),
	} {
		if e := failure(t, second(c.Groups.Create(bg(), group))); e.Class != Reject || e.Field != name {
			t.Errorf("%s: %v", name, e)
		}
	}
	old := f.client(func(cfg *Config) { cfg.OldGroups = true })
	f.on(pathGroupCreateOld, ok(`{"errcode":0,"errmsg":"ok","conversationTag":2,"openConversationId":"o","chatid":"chat2"}`))
	f.on(pathGroupUpdateOld, ok(done))
	if made, err = old.Groups.Create(bg(), newGroup(nil)); err != nil || made.ChatID != "chat2" || f.last(pathGroupCreateOld).body["searchable"] != float64(1) {
		t.Errorf("%+v %v", made, err)
	}
	if err = old.Groups.Update(bg(), Object{"chatid": "chat2", "name": "x", "searchable": 0}); err != nil || f.last(pathGroupUpdateOld).raw != `{"chatid":"chat2","name":"x","searchable":0}` {
		t.Errorf("%v %s", err, f.last(pathGroupUpdateOld).raw)
	}
}

func TestGroupGet(t *testing.T) {
	f := newFar(t)
	f.on(pathGroupGet, ok(`{"errcode":0,"errmsg":"ok","chat_info":{"name":"n","owner":"ann","useridlist":["ann","bob"],"conversationTag":2,"status":1,"searchable":"1"}}`))
	f.on(at(pathGroupOpenID, "chat1"), ok(`{"openConversationId":"o1"}`))
	c := f.client()
	for range 2 {
		got, err := c.Groups.Get(bg(), "chat1")
		want := Object{
			"chatid": "chat1", "openConversationId": "o1", "name": "n", "owner": "ann", "useridlist": []any{"ann", "bob"}, "conversationTag": int64(2),
			"status": int64(1), "searchable": int64(1),
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v %v", got, err)
		}
	}
	if n := len(f.called(at(pathGroupOpenID, "chat1"))); n != 1 || f.last(pathGroupGet).query.Get("chatid") != "chat1" {
		t.Errorf("an id that never changes was asked for %d times", n)
	}
	f.on(pathGroupGet, ok(`{"errcode":0,"chat_info":{"name":"n","status":2}}`))
	if got, err := c.Groups.Get(bg(), "chat9"); err != nil || got["status"] != int64(GroupDisbanded) {
		t.Errorf("disbanded: %v %v", got, err)
	}
	for _, code := range []string{"49000", "43007", "40016", "70001"} {
		f.on(pathGroupGet, ok(`{"errcode":%s,"errmsg":"m"}`, code))
		if _, err := c.Groups.Get(bg(), "chat9"); !IsNotFound(err) {
			t.Errorf("%v", err)
		}
	}
	f.on(pathGroupGet, ok(`{"errcode":60011,"errmsg":"[qyapi_chat_read]"}`))
	if _, err := c.Groups.Get(bg(), "chat9"); failure(t, err).Class != Halt {
		t.Errorf("%v", err)
	}
	f.on(pathGroupGet, ok(`{"errcode":49017,"errmsg":"m"}`))
	if _, err := c.Groups.Get(bg(), "chat9"); failure(t, err).Class != Reject {
		t.Errorf("%v", err)
	}
	f.on(pathGroupGet, ok(`{"errcode":0}`))
	if _, err := c.Groups.Get(bg(), "chat9"); failure(t, err).Class != Retry {
		t.Errorf("%v", err)
	}
}

func TestGroupUpdate(t *testing.T) {
	f := newFar(t)
	f.on(pathGroupGet, ok(`{"errcode":0,"chat_info":{"name":"n","owner":"ann","useridlist":["ann","bob","cho"],"status":1,"openConversationId":"o"}}`))
	f.on(pathGroupUpdate, ok(`{"success":true}`))
	c := f.client()
	if err := c.Groups.Update(bg(), Object{"chatid": "chat1", "owner": "dan", "useridlist": []string{"bob"}, "managementType": 1}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range f.called(pathGroupUpdate) {
		got = append(got, call.raw)
	}
	want := []string{
		`{"add_useridlist":["dan"],"chatid":"chat1"}`, `{"chatid":"chat1","managementOptions":{"managementType":1},"owner":"dan"}`,
		`{"chatid":"chat1","del_useridlist":["ann","cho"]}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if err := c.Groups.Update(bg(), Object{"chatid": "chat1", "useridlist": []string{"cho", "bob"}}); err != nil || len(f.called(pathGroupUpdate)) != 3 {
		t.Errorf("the owner stays, nothing to do: %v", err)
	}
	f.on(pathGroupUpdate, ok(`{"success":false}`))
	if e := failure(t, c.Groups.Update(bg(), Object{"chatid": "chat1", "name": "x"})); e.Class != Retry || !e.Ambiguous {
		t.Error(e)
	}
	f.on(pathGroupUpdate, status(400, `{"code":"permession.checkFailed","message":"群主不在应用可见性内"}`))
	if e := failure(t, c.Groups.Update(bg(), Object{"chatid": "chat1", "name": "x"})); e.Class != Reject {
		t.Error(e)
	}
	f.on(at(pathGroupOpenID, "chat1"), ok(`{"openConversationId":"o1"}`))
	f.on(pathGroupAdmins, ok(`{"success":"true"}`))
	if err := c.Groups.SetAdmins(bg(), "chat1", true, "bob"); err != nil || f.last(pathGroupAdmins).raw != `{"openConversationId":"o1","role":2,"userIds":["bob"]}` {
		t.Errorf("%v %s", err, f.last(pathGroupAdmins).raw)
	}
	f.on(pathGroupAdmins, ok(`{"success":"false"}`))
	if err := c.Groups.SetAdmins(bg(), "chat1", false, "bob"); err == nil {
		t.Error("a text that says false")
	}
}

func TestSceneGroupCalls(t *testing.T) {
	f := newFar(t)
	f.on(pathSceneCreate, ok(`{"open_conversation_id":"o1","chat_id":"c1"}`))
	for _, path := range []string{pathSceneUpdate, pathSceneDisband, pathSceneAdd, pathSceneRemove} {
		f.on(path, ok(`{"success":true}`))
	}
	f.on(pathSceneMembers, inTurn(
		ok(`{"success":true,"memberUserIds":["a","b"],"hasMore":true,"nextToken":"2"}`), ok(`{"success":true,"memberUserIds":["b","c"],"hasMore":false,"nextToken":"9"}`)))
	c := f.client()
	made, err := c.SceneGroups.Create(bg(), SceneGroup{Title: "t", TemplateID: "tpl", Owner: "ann", Members: make1001()[:150], UUID: "u", Options: Object{"searchable": 1}})
	if err != nil || made != (CreatedGroup{"c1", "o1"}) || len(f.called(pathSceneAdd)) != 1 || len(idList(f.last(pathSceneAdd).body["user_ids"])) != 50 {
		t.Errorf("%+v %v", made, err)
	}
	if body := f.last(pathSceneCreate).body; body["uuid"] != "u" || body["template_id"] != "tpl" || body["icon"] != nil || len(body["user_ids"].([]any)) != 100 {
		t.Errorf("%v", body)
	}
	if err := c.SceneGroups.Update(bg(), "o1", SceneChange{Title: "x", Owner: "bob"}); err != nil ||
		f.last(pathSceneUpdate).raw != `{"open_conversation_id":"o1","owner_user_id":"bob","title":"x"}` {
		t.Errorf("%v %s", err, f.last(pathSceneUpdate).raw)
	}
	if err := c.SceneGroups.RemoveMembers(bg(), "o1", "a"); err != nil || f.last(pathSceneRemove).raw != `{"open_conversation_id":"o1","user_ids":["a"]}` {
		t.Errorf("%v", err)
	}
	if err := c.SceneGroups.Disband(bg(), "o1"); err != nil || f.last(pathSceneDisband).raw != `{"openConversationId":"o1"}` {
		t.Errorf("%v", err)
	}
	var members []string
	for id, err := range c.SceneGroups.Members(bg(), "o1") {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, id)
	}
	if !slices.Equal(members, []string{"a", "b", "c"}) {
		t.Errorf("%q", members)
	}
	for _, err := range []error{
		second(c.SceneGroups.Create(bg(), SceneGroup{Title: strings.Repeat("长", 31), TemplateID: "t", Owner: "a"})),
		second(c.SceneGroups.Create(bg(), SceneGroup{Title: "t", Owner: "a"})), c.SceneGroups.Disband(bg(), ""),
	} {
		if failure(t, err).Class != Reject {
			t.Error(err)
		}
	}
}
