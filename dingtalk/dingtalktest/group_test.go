package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const groupUpdate = "/v1.0/im/group/update"

// makeGroup makes a group of ann with bob and returns its chatid.
func (b *bench) makeGroup(more object) string {
	b.t.Helper()
	body := object{"name": "项目", "owner": "ann", "useridlist": []string{"ann", "bob"}}
	for key, value := range more {
		body[key] = value
	}
	return asText(b.v1("POST", groupCreate, body, 200)["chatid"])
}

func (b *bench) groupInfo(chatID string) object {
	b.t.Helper()
	status, data, err := b.raw("GET", "/chat/get", map[string][]string{"access_token": {b.token}, "chatid": {chatID}}, nil, nil)
	if err != nil || status != 200 {
		b.t.Fatalf("%d %v", status, err)
	}
	out := b.decode(data)
	if asText(out["errcode"]) != "0" {
		return object{"errcode": asText(out["errcode"])}
	}
	return out["chat_info"].(object)
}

func TestGroupLife(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho", "dan")
	id := b.makeGroup(object{"managementOptions": object{"searchable": 1}})
	info := b.groupInfo(id)
	if info["name"] != "项目" || info["owner"] != "ann" || asText(info["useridlist"]) != `["ann","bob"]` || asText(info["searchable"]) != "1" ||
		asText(info["conversationTag"]) != "2" || asText(info["status"]) != "1" || info["openConversationId"] != nil {
		t.Errorf("%v", info)
	}
	open := asText(b.v1("POST", "/v1.0/im/chat/"+id+"/convertToOpenConversationId", nil, 200)["openConversationId"])
	b.v1("POST", groupUpdate, object{"chatid": id, "name": "新", "owner": "cho", "add_useridlist": []string{"cho"}, "del_useridlist": []string{"bob"}}, 200)
	must(t, b.RenameGroup("ann", id, "人改的"))
	must(t, b.AddMember("ann", id, "bob", "dan"))
	must(t, b.RemoveMember("cho", id, "dan"))
	must(t, b.QuitGroup("bob", id))
	must(t, b.ChangeOwner("cho", id, "ann"))
	must(t, b.Disband("ann", id))
	want := []string{
		"chat_add_member", "chat_remove_member", "chat_update_title", "chat_update_owner", "chat_update_title", "chat_add_member",
		"chat_remove_member", "chat_quit", "chat_update_owner", "chat_disband",
	}
	if got := b.heardTypes(); !slices.Equal(got, want) {
		t.Fatalf("events: %v", got)
	}
	for i, e := range b.heard() {
		data := b.decode(e.Data)
		if asText(data["openConversationId"]) != open || data["corpId"] != "dingcorp" || (data["chatId"] == nil) != (e.Type == "chat_update_owner") {
			t.Errorf("%s: %v", e.Type, data)
		}
		if byApp := i < 4; byApp != (data["operatorUnionId"] == nil) {
			t.Errorf("%s: operator %v", e.Type, data)
		}
	}
	joined := b.decode(b.heard()[5].Data)
	if asText(joined["userId"]) != `["bob","dan"]` || asText(joined["unionId"]) != `["BOB","DAN"]` || joined["operator"] != "ann" {
		t.Errorf("%v", joined)
	}
	if info = b.groupInfo(id); asText(info["status"]) != "2" {
		t.Errorf("disbanded: %v", info)
	}
	b.v1("POST", groupUpdate, object{"chatid": id, "name": "x"}, 400)
	b.Set(func(k *Knobs) { k.DisbandedGone, k.NoEchoes = true, true })
	if info = b.groupInfo(id); info["errcode"] != "49000" {
		t.Errorf("DisbandedGone: %v", info)
	}
	b.Set(func(k *Knobs) { k.OwnerEventNamesChat = true })
	other := b.makeGroup(nil)
	b.v1("POST", groupUpdate, object{"chatid": other, "name": "y"}, 200)
	must(t, b.ChangeOwner("ann", other, "bob"))
	if got := b.heard(); len(got) != 11 || b.decode(got[10].Data)["chatId"] != other {
		t.Errorf("knobs: %v", b.heardTypes())
	}
	must(t, b.RemoveUser("bob"))
	if g, _ := b.Group(other); g.Owner != "ann" || !slices.Equal(g.Members, []string{"ann"}) {
		t.Errorf("who leaves the corp leaves its groups: %+v", g)
	}
}

func TestGroupIsRefused(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	id := b.makeGroup(nil)
	byHand := b.AddGroup(Group{Name: "自己", Owner: "ann", Members: []string{"bob"}})
	many := make([]string, 41)
	b.Quiet(func() {
		for i := range many {
			many[i] = fmt.Sprint("u", i)
			b.AddUser(User{UserID: many[i], Name: "n"})
		}
	})
	for _, c := range []struct {
		want string
		path string
		body object
	}{
		{"parameter.invalid", groupCreate, object{"name": "", "owner": "ann", "useridlist": []string{"ann"}}},
		{"parameter.invalid", groupCreate, object{"name": strings.Repeat("长", 21), "owner": "ann", "useridlist": []string{"ann"}}},
		{"parameter.invalid", groupCreate, object{"name": "n", "owner": "zoe", "useridlist": []string{"ann"}}},
		{"parameter.invalid", groupCreate, object{"name": "n", "owner": "ann", "useridlist": []string{"bob"}}},
		{"parameter.invalid", groupCreate, object{"name": "n", "owner": "ann", "useridlist": "ann,bob"}},
		{"parameter.invalid", groupCreate, object{"name": "n", "owner": "u0", "useridlist": many}},
		{"permession.checkFailed", groupCreate, object{"name": "n", "owner": "ann", "useridlist": []string{"ann"}, "conversationTag": 0}},
		{"parameter.invalid", groupUpdate, object{"chatid": "none"}},
		{"parameter.invalid", groupUpdate, object{"chatid": byHand, "name": "x"}},
		{"parameter.invalid", groupUpdate, object{"chatid": id, "owner": "cho"}},
		{"parameter.invalid", groupUpdate, object{"chatid": id, "del_useridlist": []string{"ann"}}},
		{"parameter.invalid", groupUpdate, object{"chatid": id, "add_useridlist": many}},
		{"parameter.invalid", groupUpdate, object{"chatid": id, "managementOptions": object{"searchable": 2}}},
		{"parameter.invalid", "/v1.0/im/subAdministrators", object{"openConversationId": "none", "userIds": []string{"ann"}, "role": 2}},
	} {
		if out := b.v1("POST", c.path, c.body, 400); out["code"] != c.want {
			t.Errorf("%s %v: %v", c.path, c.body, out)
		}
	}
	if b.groupInfo(byHand)["errcode"] != "49000" || b.groupInfo("none")["errcode"] != "49000" {
		t.Error("groups that no app made are not shown")
	}
	b.Scope()
	b.ScopeUsers("bob")
	if out := b.v1("POST", groupCreate, object{"name": "n", "owner": "ann", "useridlist": []string{"ann"}}, 400); out["code"] != "permession.checkFailed" {
		t.Errorf("the owner is out of sight: %v", out)
	}
	for name, err := range map[string]error{
		"a stranger renames":   b.RenameGroup("cho", id, "x"),
		"a member removes":     b.RemoveMember("bob", id, "ann"),
		"the owner is removed": b.RemoveMember("ann", id, "ann"),
		"the owner quits":      b.QuitGroup("ann", id),
		"owner no member":      b.ChangeOwner("ann", id, "cho"),
		"a member disbands":    b.Disband("bob", id),
		"no group":             b.Disband("bob", "none"),
	} {
		if err == nil {
			t.Errorf("%s", name)
		}
	}
	if len(b.Duplicates()) != 0 {
		t.Errorf("%v", b.Duplicates())
	}
	b.Scope(1)
	b.makeGroup(nil)
	if b.Duplicates()["group ann/项目"] != 2 {
		t.Errorf("two alike: %v", b.Duplicates())
	}
}

func TestOldGroups(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	out := b.old(oldGroupCreate, object{"name": "g", "owner": "ann", "useridlist": []string{"ann", "bob"}, "searchable": 1})
	id := asText(out["chatid"])
	if code(out) != "0" || asText(out["openConversationId"]) == "" || asText(out["conversationTag"]) != "2" {
		t.Fatalf("%v", out)
	}
	b.ok("/chat/update", object{"chatid": id, "add_useridlist": []string{"cho"}, "mentionAllAuthority": 1})
	b.refused("49000", "/chat/update", object{"chatid": "none"})
	g, _ := b.Group(id)
	if !slices.Equal(g.Members, []string{"ann", "bob", "cho"}) || g.Options["searchable"] != 1 || g.Options["mentionAllAuthority"] != 1 {
		t.Errorf("%+v", g)
	}
	open := asText(out["openConversationId"])
	if got := b.v1("POST", "/v1.0/im/subAdministrators", object{"openConversationId": open, "userIds": []string{"bob"}, "role": 2}, 200); got["success"] != "true" {
		t.Errorf("success is a text: %v", got)
	}
	must(t, b.RemoveMember("bob", id, "cho"))
}

func TestSceneGroups(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho", "dan")
	body := object{"title": "客户群", "template_id": "tpl", "owner_user_id": "ann", "user_ids": []string{"bob"}, "uuid": "u1", "management_options": object{"searchable": 1}}
	made := b.v1("POST", "/v1.0/im/sceneGroup/create", body, 200)
	if again := b.v1("POST", "/v1.0/im/sceneGroup/create", body, 200); again["chat_id"] != made["chat_id"] {
		t.Errorf("the same uuid: %v %v", made, again)
	}
	open := made["open_conversation_id"]
	b.v1("POST", "/v1.0/im/sceneGroup/member/add", object{"open_conversation_id": open, "user_ids": []string{"cho"}, "union_ids": []string{"DAN"}}, 200)
	b.v1("POST", "/v1.0/im/sceneGroup/member/delete", object{"open_conversation_id": open, "user_ids": []string{"bob"}}, 200)
	b.v1("POST", "/v1.0/im/sceneGroup/member/delete", object{"open_conversation_id": open, "user_ids": []string{"ann"}}, 400)
	b.v1("POST", "/v1.0/im/sceneGroup/update", object{"open_conversation_id": open, "title": "新", "owner_user_id": "cho"}, 200)
	b.v1("POST", "/v1.0/im/sceneGroup/update", object{"open_conversation_id": open, "title": strings.Repeat("x", 31)}, 400)
	query := func(token string) object {
		return b.v1("POST", "/v1.0/im/sceneGroups/members/batchQuery", object{"openConversationId": open, "maxResults": 1, "nextToken": token}, 200)
	}
	if all := query(""); asText(all["memberUserIds"]) != `["ann","cho","dan"]` || all["hasMore"] != false {
		t.Errorf("up to a thousand at once: %v", all)
	}
	b.Set(func(k *Knobs) { k.SceneMembersPage = 2 })
	first := query("")
	if second := query(asText(first["nextToken"])); first["hasMore"] != true || asText(second["memberUserIds"]) != `["dan"]` {
		t.Errorf("%v %v", first, second)
	}
	b.Set(func(k *Knobs) { k.StaleReads = time.Minute })
	b.v1("POST", "/v1.0/im/chat/scenegroup/disband", object{"openConversationId": open}, 200)
	query("") // a moment later it is still shown
	b.clock.add(2 * time.Minute)
	b.v1("POST", "/v1.0/im/sceneGroups/members/batchQuery", object{"openConversationId": open, "maxResults": 1}, 400)
	b.v1("POST", "/v1.0/im/sceneGroup/create", object{"title": "x", "owner_user_id": "ann"}, 400)
	plain := b.makeGroup(nil)
	g, _ := b.Group(plain)
	b.v1("POST", "/v1.0/im/chat/scenegroup/disband", object{"openConversationId": g.OpenConversationID}, 400)
}
