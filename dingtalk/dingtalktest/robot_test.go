package dingtalktest

import (
	"strings"
	"testing"
	"time"
)

// chat makes a group, owned by the first member, and returns its openConversationId.
func (b *bench) chat(members ...string) string {
	b.t.Helper()
	return b.openID(b.AddGroup(Group{Name: "组", Owner: members[0], Members: members}))
}

func (b *bench) openID(chatID string) string {
	b.t.Helper()
	g, ok := b.Group(chatID)
	if !ok {
		b.t.Fatalf("no group %s", chatID)
	}
	return g.OpenConversationID
}

// endChat disbands a group.
func (b *bench) endChat(openID string) {
	b.t.Helper()
	for _, g := range b.Groups() {
		if g.OpenConversationID == openID {
			if err := b.Disband(g.Owner, g.ChatID); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

func robotText(users []any, content string) object {
	return object{"robotCode": "key", "userIds": users, "msgKey": "sampleText", "msgParam": `{"content":"` + content + `"}`}
}

func TestRobotToPersons(t *testing.T) {
	b := start(t)
	for _, id := range []string{"u1", "u2", "u3"} {
		b.AddUser(User{UserID: id, Name: "n", UnionID: "union-" + id})
	}
	b.Set(func(k *Knobs) {
		k.RobotThrottled, k.Unreachable = map[string]bool{"u2": true}, map[string]bool{"u3": true}
	})
	out := b.v1("POST", robotPersons, robotText([]any{"u1", "u2", "u3", "gone", "u1"}, "hi"), 200)
	if asText(out["invalidStaffIdList"]) != `["gone"]` || asText(out["flowControlledStaffIdList"]) != `["u2"]` {
		t.Errorf("%v", out)
	}
	key := asText(out["processQueryKey"])
	if counts := b.ReceivedCounts(); len(counts) != 1 || counts["u1"] != 1 {
		t.Errorf("%v", counts)
	}
	status := func() object {
		return b.v1("GET", "/v1.0/robot/oToMessages/readStatus", nil, 200, "robotCode", "key", "processQueryKey", key)
	}
	if s := status(); asText(s["messageReadInfoList"]) != `[{"name":"n","readStatus":"UNREAD","userId":"u1"}]` || s["sendStatus"] != "SUCCESS" {
		t.Errorf("%v", s)
	}
	b.ReadMessages("u1")
	b.ReadMessages("u1")
	if s := status(); !strings.Contains(asText(s["messageReadInfoList"]), `"READ"`) {
		t.Errorf("%v", s)
	}
	var reads []string
	for _, e := range b.Events() {
		if e.Type == "robot_msg_read" {
			reads = append(reads, string(e.Data))
		}
	}
	if len(reads) != 1 || !strings.Contains(reads[0], `"unionId":"union-u1"`) || !strings.Contains(reads[0], `"operatTime":"`) {
		t.Errorf("%v", reads)
	}
	const recall = "/v1.0/robot/otoMessages/batchRecall"
	out = b.v1("POST", recall, object{"robotCode": "key", "processQueryKeys": []any{key, "x"}}, 200)
	if asText(out["successResult"]) != asText([]any{key}) || asText(out["failedResult"]) != `{"x":"robot.processQueryKey.invalid"}` {
		t.Errorf("%v", out)
	}
	if s := status(); s["sendStatus"] != "RECALLED" || !b.Received("u1")[0].Recalled || !b.Messages()[0].Recalled {
		t.Errorf("%v", s)
	}
	b.clock.add(24*time.Hour + time.Second)
	b.login()
	if out := b.v1("POST", recall, object{"robotCode": "key", "processQueryKeys": []any{key}}, 200); asText(out["failedResult"]) != `{"`+key+`":"robot.processQueryKey.expired"}` {
		t.Errorf("%v", out)
	}
	b.v1("GET", "/v1.0/robot/oToMessages/readStatus", nil, 400, "robotCode", "key", "processQueryKey", key)
	// The robot tells what it is told as often as it is told.
	b.v1("POST", robotPersons, robotText([]any{"u1"}, "again"), 200)
	b.v1("POST", robotPersons, robotText([]any{"u1"}, "again"), 200)
	if len(b.Duplicates()) != 1 || len(b.Repeats()) != 1 {
		t.Errorf("%v %v", b.Duplicates(), b.Repeats())
	}
}

func TestRobotIsRefused(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.Set(func(k *Knobs) { k.SensitiveWords, k.UnsafeURLs = []string{"赌博"}, []string{"evil.example"} })
	with := func(changes object) object {
		body := robotText([]any{"u1"}, "hi")
		for k, v := range changes {
			body[k] = v
		}
		return body
	}
	many := make([]any, 21)
	for i := range many {
		many[i] = "u1" + strings.Repeat("x", i)
	}
	for want, changes := range map[string]object{
		"invalidParameter.robotCode.notExsit": {"robotCode": "other"},
		"invalidParameter.robotCode.empty":    {"robotCode": nil},
		"invalidParameter.userIds.empty":      {"userIds": []any{}},
		"invalidParameter.userIds.overMax":    {"userIds": many},
		"invalidParameter.msgKey.invalid":     {"msgKey": "sampleSong"},
		"invalidParameter.msgParam.invalid":   {"msgParam": object{"content": "x"}},
		"invalidParameter.param.invalid":      {"msgParam": `{"content":5}`},
		"invalidParameter.msgParam.tooLong":   {"msgParam": `{"content":"` + strings.Repeat("x", 15000) + `"}`},
		"contain.notAllowed.text":             {"msgParam": `{"content":"赌博"}`},
		"contain.unsafe.url":                  {"msgParam": `{"content":"evil.example"}`},
	} {
		if out := b.v1("POST", robotPersons, with(changes), 400); out["code"] != want {
			t.Errorf("%s: %v", want, out)
		}
	}
	image, file, voice, video := b.upload("image", "a.png", "x"), b.upload("file", "a.pdf", "x"), b.upload("voice", "a.mp3", "x"), b.upload("video", "a.mp4", "x")
	for name, test := range map[string]struct {
		key, param string
		status     int
	}{
		"audio":        {"sampleAudio", `{"mediaId":"` + voice + `","duration":"1000"}`, 200},
		"audio, image": {"sampleAudio", `{"mediaId":"` + image + `","duration":"1000"}`, 400},
		"file":         {"sampleFile", `{"mediaId":"` + file + `","fileName":"a.pdf","fileType":"pdf"}`, 200},
		"file, type":   {"sampleFile", `{"mediaId":"` + file + `","fileName":"a.ppt","fileType":"ppt"}`, 400},
		"video":        {"sampleVideo", `{"videoMediaId":"` + video + `","picMediaId":"` + image + `","duration":"3","videoType":"mp4"}`, 200},
		"image":        {"sampleImageMsg", `{"photoURL":"` + image + `"}`, 200},
		"no image":     {"sampleImageMsg", `{"photoURL":"@x"}`, 400},
		"card 3":       {"sampleActionCard3", `{"title":"t","text":"x","actionTitle1":"a","actionURL1":"u","actionTitle2":"a","actionURL2":"u","actionTitle3":"a","actionURL3":"u"}`, 200},
		"card 3 of 2":  {"sampleActionCard3", `{"title":"t","text":"x","actionTitle1":"a","actionURL1":"u","actionTitle2":"a","actionURL2":"u"}`, 400},
		"card 6":       {"sampleActionCard6", `{"title":"t","text":"x","buttonTitle1":"a","buttonUrl1":"u","buttonTitle2":"a","buttonUrl2":"u"}`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b.in(t).v1("POST", robotPersons, with(object{"msgKey": test.key, "msgParam": test.param}), test.status)
		})
	}
	b.Set(func(k *Knobs) { k.RobotStopped = true })
	if out := b.v1("POST", robotPersons, with(nil), 400); out["code"] != "bot.stopped" {
		t.Errorf("%v", out)
	}
}

func TestRobotToGroup(t *testing.T) {
	b := start(t)
	members := []string{}
	b.Quiet(func() {
		for i := range 5 {
			members = append(members, b.AddUser(User{UserID: "u" + string(rune('1'+i)), Name: "n"}))
		}
	})
	group := b.chat(append(members, "gone")...)
	other := b.openID(b.AddGroup(Group{Name: "no", Owner: "u1", NoRobot: true}))
	send := object{"robotCode": "key", "openConversationId": group, "msgKey": "sampleText", "msgParam": `{"content":"x"}`}
	key := b.v1("POST", robotGroup, send, 200)["processQueryKey"]
	if counts := b.ReceivedCounts(); len(counts) != 5 {
		t.Errorf("%v", counts)
	}
	for _, id := range members[:3] {
		b.ReadMessages(id)
	}
	query := object{"robotCode": "key", "openConversationId": group, "processQueryKey": key, "maxResults": 2}
	page := b.v1("POST", "/v1.0/robot/groupMessages/query", query, 200)
	if asText(page["readUserIds"]) != `["u1","u2"]` || page["hasMore"] != true {
		t.Errorf("%v", page)
	}
	query["nextToken"] = page["nextToken"]
	if page = b.v1("POST", "/v1.0/robot/groupMessages/query", query, 200); asText(page["readUserIds"]) != `["u3"]` || page["hasMore"] != false {
		t.Errorf("%v", page)
	}
	out := b.v1("POST", "/v1.0/robot/groupMessages/recall", object{"robotCode": "key", "openConversationId": other, "processQueryKeys": []any{key}}, 200)
	if asText(out["failedResult"]) == "{}" {
		t.Errorf("the message of another group: %v", out)
	}
	out = b.v1("POST", "/v1.0/robot/groupMessages/recall", object{"robotCode": "key", "openConversationId": group, "processQueryKeys": []any{key}}, 200)
	if asText(out["failedResult"]) != "{}" || !b.Received("u1")[0].Recalled {
		t.Errorf("%v", out)
	}
	b.endChat(group)
	for want, id := range map[string]any{"group.disbanded": group, "invalid.openConversationId": other, "miss.openConversationId": ""} {
		send["openConversationId"] = id
		if out := b.v1("POST", robotGroup, send, 400); out["code"] != want {
			t.Errorf("%s: %v", want, out)
		}
	}
}

func TestDing(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n", Mobile: "13800000001"})
	b.AddUser(User{UserID: "u2", Name: "n"})
	send := object{"robotCode": "key", "remindType": 3, "receiverUserIdList": []any{"u1", "u2", "gone"}, "content": "now"}
	out := b.v1("POST", dingSend, send, 200)
	if asText(out["failedList"]) != `{"手机号不存在":["u2"],"用户不存在":["gone"]}` || len(b.Received("u1")) != 1 || len(b.Received("u2")) != 0 {
		t.Errorf("%v", out)
	}
	b.v1("POST", "/v1.0/robot/ding/recall", object{"robotCode": "key", "openDingId": out["openDingId"]}, 200)
	if !b.Received("u1")[0].Recalled {
		t.Error("recalled")
	}
	b.v1("POST", "/v1.0/robot/ding/recall", object{"robotCode": "key", "openDingId": "x"}, 400)
	many := make([]any, 21)
	for i := range many {
		many[i] = "u" + strings.Repeat("x", i)
	}
	for want, change := range map[string]object{
		"ding.receivercount.limit": {"receiverUserIdList": many}, "miss.staffId": {"receiverUserIdList": []any{}},
		"miss.param.content": {"content": ""}, "miss.param.remindType": {"remindType": 4}, "invalid.chatbotId": {"robotCode": "x"},
	} {
		body := object{}
		for _, o := range []object{send, change} {
			for k, v := range o {
				body[k] = v
			}
		}
		if out := b.v1("POST", dingSend, body, 400); out["code"] != want {
			t.Errorf("%s: %v", want, out)
		}
	}
	b.Set(func(k *Knobs) { k.DingQuota = 1 })
	if out := b.v1("POST", dingSend, send, 400); out["code"] != "ding.serverquota.insufficient" {
		t.Errorf("%v", out)
	}
}

func TestOrdinaryMessage(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.AddUser(User{UserID: "u2", Name: "n"})
	group := b.chat("u1", "u2")
	const path = "/message/send_to_conversation"
	send := object{"sender": "u1", "cid": b.PickConversation(group), "msg": object{"msgtype": "text", "text": object{"content": "x"}}}
	b.refused("43007", path, send)
	b.Set(func(k *Knobs) { k.OrdinaryMessages = true })
	b.refused("34004", path, object{"sender": "u1", "cid": send["cid"], "msg": object{"msgtype": "song", "song": object{}}})
	if out := b.old(path, send); code(out) != "0" || out["receiver"] != "u1|u2" {
		t.Errorf("%v", out)
	}
	b.refused("40015", path, send) // a cid serves once
	send["cid"] = b.PickConversation(group)
	b.clock.add(24 * time.Hour)
	b.login()
	b.refused("40015", path, send)
	if counts := b.ReceivedCounts(); counts["u1"] != 1 || counts["u2"] != 1 {
		t.Errorf("%v", counts)
	}
}
