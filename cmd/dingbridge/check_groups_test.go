package main

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestCheckLiveOfGroups: what channels and groups need in Odoo, and the permission points of DingTalk.
func TestCheckLiveOfGroups(t *testing.T) {
	s := newShell(t, 45)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,channel-group,channel-to-group,robot-to-channel"
	s.stage.ding.ResetJournal()
	s.want(exitOK, words("check --live"), "ok: odoo: mail.channel: may read, write", "ok: odoo: mail.message: may read", "ok: dingtalk: chat can be read",
		"ok: dingtalk: im/group can be written", "robot/groupMessages")
	if n := s.stage.ding.CountedCalls(); n > 3 {
		t.Errorf("%d counted calls", n)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
	for point, want := range map[string]string{
		"qyapi_chat_read": "error: dingtalk: chat cannot be read", "qyapi_chat_manage": "error: dingtalk: im/group cannot be written",
	} {
		s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
		got := s.want(exitUsage, words("check --live"), want, point)
		if n := strings.Count(got.out, "is missing"); n > 1 {
			t.Errorf("%s: %d points are missing:\n%s", point, n, got.out)
		}
	}
}
