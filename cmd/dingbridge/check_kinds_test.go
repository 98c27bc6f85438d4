package main

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestCheckLiveOfKinds: what to-dos, meetings and groups need in Odoo, and the permission points of DingTalk. Nothing is written.
func TestCheckLiveOfKinds(t *testing.T) {
	for name, c := range map[string]struct {
		mappings string
		right    string // of Odoo, that the demonstration's user lacks
		lacking  []string
		ok       []string
		calls    int               // counted, at most
		points   map[string]string // what is said when a permission point is missing
	}{
		"to-dos": {
			mappings: "activity-todo,task-todo",
			right:    "project.group_project_user", lacking: []string{"error: odoo: project.task: may not write", "Project/User"},
			ok: []string{
				"ok: odoo: mail.activity: may read, write, unlink", "ok: odoo: mail.message: may read", "ok: odoo: project.task: may read, write",
				"ok: odoo: project.task.type: may read", "ok: dingtalk: todo can be read", "ok: dingtalk: todo can be written",
			},
			calls: 2,
			points: map[string]string{
				"Todo.Todo.Read": "error: dingtalk: todo cannot be read", "Todo.Todo.Write": "error: dingtalk: todo cannot be written",
			},
		},
		"meetings": {
			mappings: "meetings",
			ok: []string{
				"ok: odoo: calendar.event: may read, write", "ok: odoo: calendar.alarm: may read", "ok: odoo: calendar.attendee: may read, write",
				"ok: dingtalk: calendar can be read", "ok: dingtalk: calendar can be written",
			},
			calls: 2,
			points: map[string]string{
				"Calendar.Event.Read": "error: dingtalk: calendar cannot be read", "Calendar.Event.Write": "error: dingtalk: calendar cannot be written",
			},
		},
		"groups": {
			mappings: "channel-group,channel-to-group,robot-to-channel",
			ok: []string{
				"ok: odoo: mail.channel: may read, write", "ok: odoo: mail.message: may read", "ok: dingtalk: chat can be read",
				"ok: dingtalk: im/group can be written", "robot/groupMessages",
			},
			calls: 3,
			points: map[string]string{
				"qyapi_chat_read": "error: dingtalk: chat cannot be read", "qyapi_chat_manage": "error: dingtalk: im/group cannot be written",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, 45)
			s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees," + c.mappings
			if c.right != "" {
				s.want(exitUsage, words("check --live"), c.lacking...)
				must(t, s.stage.grant(c.right))
			}
			s.stage.ding.ResetJournal()
			s.want(exitOK, words("check --live"), c.ok...)
			if n := s.stage.ding.CountedCalls(); n > c.calls {
				t.Errorf("%d counted calls", n)
			}
			for _, r := range s.stage.ding.Journal() {
				if r.Applied && r.Write {
					t.Errorf("dingtalk was changed by %s", r.Path)
				}
			}
			for point, want := range c.points {
				s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
				got := s.want(exitUsage, words("check --live"), want, "the permission point "+point+" is missing")
				if n := strings.Count(got.out, "is missing"); n != 1 {
					t.Errorf("%s: %d points are missing:\n%s", point, n, got.out)
				}
			}
		})
	}
}
