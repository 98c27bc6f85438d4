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
		"unknown":   {"34004", object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"msgtype": "song", "song": object{}}}},
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

func TestWorkNoticeMessagesAreChecked(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	b.Set(func(k *Knobs) { k.SensitiveWords, k.UnsafeURLs = []string{"赌博"}, []string{"evil.example"} })
	image, file := b.upload("image", "a.png", "png"), b.upload("file", "a.pdf", strings.Repeat("x", 10<<20+1))
	head := object{"bgcolor": "FFBBBBBB", "text": "h"}
	for name, test := range map[string]struct {
		code string
		kind string
		body object
	}{
		"image":           {"0", "image", object{"media_id": image}},
		"no such image":   {"40007", "image", object{"media_id": "@x"}},
		"image as a file": {"40007", "file", object{"media_id": image}},
		"large file":      {"40006", "file", object{"media_id": file}},
		"link":            {"0", "link", object{"messageUrl": "m", "picUrl": "p", "title": "t", "text": "x"}},
		"link without":    {"40035", "link", object{"messageUrl": "m", "title": "t", "text": "x"}},
		"markdown":        {"0", "markdown", object{"title": "t", "text": "x"}},
		"number":          {"40035", "markdown", object{"title": "t", "text": 5}},
		"oa":              {"0", "oa", object{"message_url": "m", "head": head, "body": object{"title": "t", "form": []any{object{"key": "k", "value": "v"}}}}},
		"oa, head":        {"40035", "oa", object{"message_url": "m", "head": object{"bgcolor": "0xFFBBBBBB", "text": "h"}, "body": object{"title": "t"}}},
		"oa, body":        {"40035", "oa", object{"message_url": "m", "head": head}},
		"oa, form":        {"40035", "oa", object{"message_url": "m", "head": head, "body": object{"form": []any{object{"key": "k"}}}}},
		"oa, count":       {"40035", "oa", object{"message_url": "m", "head": head, "body": object{"file_count": 3}}},
		"card":            {"0", "action_card", object{"title": "t", "markdown": "m", "single_title": "s", "single_url": "u"}},
		"card, buttons":   {"0", "action_card", object{"title": "t", "markdown": "m", "btn_orientation": "1", "btn_json_list": []any{object{"title": "a", "action_url": "u"}}}},
		"card, none":      {"40035", "action_card", object{"title": "t", "markdown": "m"}},
		"card, no way":    {"40035", "action_card", object{"title": "t", "markdown": "m", "btn_json_list": []any{object{"title": "a", "action_url": "u"}}}},
		"card, long":      {"34016", "action_card", object{"title": "t", "markdown": "m", "single_title": strings.Repeat("长", 21), "single_url": "u"}},
		"voice":           {"40035", "voice", object{"media_id": image}},
		"sensitive":       {"41049", "text", object{"content": "来赌博"}},
		"unsafe":          {"40048", "text", object{"content": "http://evil.example/"}},
		"2048 bytes":      {"0", "text", object{"content": strings.Repeat("<", 2048-len(`{"msgtype":"text","text":{"content":""}}`))}},
		"2049 bytes":      {"34016", "text", object{"content": strings.Repeat("<", 2049-len(`{"msgtype":"text","text":{"content":""}}`))}},
	} {
		b := b.in(t)
		out := b.old(noticeSend, object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"msgtype": test.kind, test.kind: test.body}})
		if code(out) != test.code {
			t.Errorf("%s: %v, want %s", name, out, test.code)
		}
	}
}

// What DingTalk drops behind a success, as it shows: nowhere but in the result.
func TestWorkNoticesAreDroppedInSilence(t *testing.T) {
	b := start(t)
	for _, id := range []string{"u1", "u2", "u3"} {
		b.AddUser(User{UserID: id, Name: "n"})
	}
	send := func(to, content string) any {
		t.Helper()
		out := b.old(noticeSend, object{"agent_id": b.AgentID(), "userid_list": to, "msg": object{"msgtype": "text", "text": object{"content": content}}})
		if code(out) != "0" {
			t.Fatalf("%v", out)
		}
		return out["task_id"]
	}
	result := func(task any) object {
		t.Helper()
		return b.old("/topapi/message/corpconversation/getsendresult", object{"agent_id": b.AgentID(), "task_id": task})["send_result"].(object)
	}
	b.Set(func(k *Knobs) { k.NoticesPerDay, k.Unreachable = 2, map[string]bool{"u3": true} })
	send("u1", "a")
	send("u1", "a") // a repetition takes none of the two
	send("u1", "b")
	if r := result(send("u1,u2,u3", "c")); asText(r["forbidden_list"]) != `[{"code":"143105","count":1,"userid":"u1"}]` || asText(r["unread_user_id_list"]) != `["u2"]` || asText(r["failed_user_id_list"]) != `["u3"]` {
		t.Errorf("%v", r)
	}
	if got := b.Received("u1"); len(got) != 2 || string(got[1].Content) != `{"msgtype":"text","text":{"content":"b"}}` || got[1].Kind != ByNotice {
		t.Errorf("%+v", got)
	}
	if counts := b.ReceivedCounts(); counts["u1"] != 2 || counts["u2"] != 1 || len(counts) != 2 {
		t.Errorf("%v", counts)
	}
	b.Set(func(k *Knobs) { k.NoticesPerMinute = 4 })
	if r := result(send("u2", "d")); asText(r["unread_user_id_list"]) != `["u2"]` {
		t.Errorf("the fourth of the minute: %v", r)
	}
	b.Set(func(k *Knobs) { k.NoticesPerDay = 500 })
	if r := result(send("u2", "e")); asText(r["forbidden_list"]) != `[{"code":"143103","count":1,"userid":"u2"}]` {
		t.Errorf("the fifth of the minute: %v", r)
	}
	b.clock.add(time.Minute)
	task := send("u2", "e")
	b.ReadMessages("u2")
	if r := result(task); asText(r["read_user_id_list"]) != `["u2"]` || asText(r["unread_user_id_list"]) != `[]` {
		t.Errorf("read: %v", r)
	}
	all := object{"agent_id": b.AgentID(), "to_all_user": true, "msg": object{"msgtype": "text", "text": object{"content": "all"}}}
	for range 3 {
		b.ok(noticeSend, all)
	}
	b.refused("41045", noticeSend, all)
	out := b.old(noticeSend, object{"agent_id": b.AgentID(), "dept_id_list": "99", "msg": object{"msgtype": "text", "text": object{"content": "x"}}})
	if r := result(out["task_id"]); asText(r["invalid_dept_id_list"]) != `[99]` {
		t.Errorf("%v", r)
	}
}

func TestWorkNoticeStatusBar(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n"})
	oa := object{"message_url": "m", "head": object{"bgcolor": "FFBBBBBB", "text": "h"}, "body": object{"title": "t"}, "status_bar": object{"status_value": "进行中", "status_bg": "0xFFF65E5E"}}
	send := object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"msgtype": "oa", "oa": oa}}
	b.Set(func(k *Knobs) { k.NoticeTakes = time.Minute })
	task := b.old(noticeSend, send)["task_id"]
	plain := b.old(noticeSend, object{"agent_id": b.AgentID(), "userid_list": "u1", "msg": object{"msgtype": "text", "text": object{"content": "x"}}})["task_id"]
	const bar = "/topapi/message/corpconversation/status_bar/update"
	update := object{"agent_id": b.AgentID(), "task_id": task, "status_value": "已完成", "status_bg": "0xFF78C06E"}
	b.refused("41052", bar, update)
	if p := b.old("/topapi/message/corpconversation/getsendprogress", object{"agent_id": b.AgentID(), "task_id": task})["progress"].(object); asText(p["status"]) != "1" {
		t.Errorf("%v", p)
	}
	b.clock.add(time.Minute)
	b.ok(bar, update)
	b.refused("400002", bar, object{"agent_id": b.AgentID(), "task_id": plain, "status_value": "x"})
	b.refused("40035", bar, object{"agent_id": b.AgentID(), "task_id": task})
	if n := b.Notices()[0]; n.StatusBar != "已完成" {
		t.Errorf("%+v", n)
	}
	b.refused("40035", noticeSend, object{"agent_id": b.AgentID(), "dept_id_list": "1", "msg": send["msg"]})
	b.ok("/topapi/message/corpconversation/recall", object{"agent_id": b.AgentID(), "msg_task_id": task})
	if got := b.Received("u1"); !got[0].Recalled || got[1].Recalled {
		t.Errorf("%+v", got)
	}
	b.clock.add(7 * 24 * time.Hour)
	b.login()
	b.refused("400002", bar, update)
}

func TestResultOfManyReceiversIsRefused(t *testing.T) {
	b := start(t)
	b.Quiet(func() {
		for range 101 {
			b.AddUser(User{Name: "n"})
		}
	})
	task := b.old(noticeSend, object{"agent_id": b.AgentID(), "dept_id_list": "1", "msg": object{"msgtype": "text", "text": object{"content": "x"}}})["task_id"]
	b.refused("41052", "/topapi/message/corpconversation/getsendresult", object{"agent_id": b.AgentID(), "task_id": task})
}
