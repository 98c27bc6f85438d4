package main

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestCheckLiveOfTodos: what to-dos need in Odoo, and the permission points of DingTalk.
func TestCheckLiveOfTodos(t *testing.T) {
	s := newShell(t, 45)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,activity-todo,task-todo"
	s.want(exitUsage, words("check --live"), "error: odoo: project.task: may not write", "Project/User")
	must(t, s.stage.grant("project.group_project_user"))
	s.stage.ding.ResetJournal()
	s.want(exitOK, words("check --live"), "ok: odoo: mail.activity: may read, write, unlink", "ok: odoo: mail.message: may read", "ok: odoo: project.task: may read, write",
		"ok: odoo: project.task.type: may read", "ok: dingtalk: todo can be read", "ok: dingtalk: todo can be written")
	if n := s.stage.ding.CountedCalls(); n > 2 {
		t.Errorf("%d counted calls", n)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
	for point, want := range map[string]string{
		"Todo.Todo.Read": "error: dingtalk: todo cannot be read", "Todo.Todo.Write": "error: dingtalk: todo cannot be written",
	} {
		s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
		got := s.want(exitUsage, words("check --live"), want, "the permission point "+point+" is missing")
		if n := strings.Count(got.out, "is missing"); n != 1 {
			t.Errorf("%s: %d points are missing:\n%s", point, n, got.out)
		}
	}
}
