package dingtalktest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWorkNotices(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "u1", Name: "n", Departments: []int64{dept}})
	b.AddUser(User{UserID: "u2", Name: "n"})
	text := func(content string) object {
		return object{"msgtype": "text", "text": object{"content": content}}
	}
	send := object{"agent_id": b.AgentID(), "userid_list": "u1,nobody", "msg": text("hello")}
	task := b.old(noticeSend, send)["task_id"]
	again := b.old(noticeSend, send)["task_id"]
	result := b.old("/topapi/message/corpconversation/getsendresult", object{"agent_id": b.AgentID(), "task_id": task})["send_result"].(object)
	if asText(result["unread_user_id_list"]) != `["u1"]` || asText(result["invalid_user_id_list"]) != `["nobody"]` {
		t.Errorf("result: %v", result)
	}
	result = b.old("/topapi/message/corpconversation/getsendresult", object{"agent_id": b.AgentID(), "task_id": again})["send_result"].(object)
	if asText(result["unread_user_id_list"]) != `[]` || asText(result["forbidden_list"]) != `[{"code":"143106","count":1,"userid":"u1"}]` {
		t.Errorf("same content the same day succeeds and is not delivered: %v", result)
	}
	if len(b.Duplicates()) != 0 || len(b.Repeats()) != 1 {
		t.Errorf("one message, two requests: %v %v", b.Duplicates(), b.Repeats())
	}
	b.clock.add(24*time.Hour + time.Second)
	b.login()
	b.ok(noticeSend, send)
	if len(b.Duplicates()) != 1 {
		t.Errorf("the next day it arrives a second time: %v", b.Duplicates())
	}
	b.ok(noticeSend, object{"agent_id": b.AgentID(), "dept_id_list": "1", "msg": text("all")})
	notices := b.Notices()
	last := notices[len(notices)-1]
	if slices.Sort(last.Delivered); !slices.Equal(last.Delivered, []string{"u1", "u2"}) {
		t.Errorf("a department includes those below it: %v", last.Delivered)
	}
	b.ok("/topapi/message/corpconversation/recall", object{"agent_id": b.AgentID(), "msg_task_id": last.TaskID})
	if !b.Notices()[3].Recalled {
		t.Error("recalled")
	}
	progress := b.old("/topapi/message/corpconversation/getsendprogress", object{"agent_id": b.AgentID(), "task_id": last.TaskID})
	if asText(progress["progress"]) != `{"progress_in_percent":100,"status":2}` {
		t.Errorf("progress: %v", progress)
	}
	b.refused("400002", "/topapi/message/corpconversation/recall", object{"agent_id": b.AgentID(), "msg_task_id": task})
}

func TestWorkNoticeIsRefused(t *testing.T) {
	b := start(t)
	text := object{"msgtype": "text", "text": object{"content": "x"}}
	for name, test := range map[string]struct {
		code string
		body object
	}{
		"agent":     {"40056", object{"agent_id": 5, "userid_list": "u1", "msg": text}},
		"nobody":    {"40035", object{"agent_id": b.AgentID(), "msg": text}},
		"too many":  {"41029", object{"agent_id": b.AgentID(), "userid_list": strings.Repeat("u,", 101), "msg": text}},
		"no msg":    {"34014", object{"agent_id": b.AgentID(), "userid_list": "u1"}},
		"no type":   {"34004", object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"text": object{}}}},
		"too large": {"34016", object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"msgtype": "text", "text": object{"content": strings.Repeat("x", 2048)}}}},
	} {
		t.Run(name, func(t *testing.T) { b.in(t).refused(test.code, noticeSend, test.body) })
	}
	b.AddUser(User{UserID: "u1", Name: "n"})
	good := object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": text}
	used := b.CountedCalls() // by the refusals above: they are about the contents
	b.Set(func(k *Knobs) { k.Quota = used + 1 })
	b.ok(noticeSend, good)
	b.refused("90020", noticeSend, good)
	b.ok(deptGet, object{"dept_id": 1}) // contacts stay free
}
