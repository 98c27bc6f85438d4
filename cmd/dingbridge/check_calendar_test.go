package main

import (
	"strings"
	"testing"

	"dingbridge/dingtalk/dingtalktest"
)

// TestCheckLiveOfTheCalendar: what meetings need in Odoo, and the permission points of DingTalk.
func TestCheckLiveOfTheCalendar(t *testing.T) {
	s := newShell(t, 45)
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees,meetings"
	s.stage.ding.ResetJournal()
	s.want(exitOK, words("check --live"), "ok: odoo: calendar.event: may read, write", "ok: odoo: calendar.alarm: may read", "ok: odoo: calendar.attendee: may read, write",
		"ok: dingtalk: calendar can be read", "ok: dingtalk: calendar can be written")
	if n := s.stage.ding.CountedCalls(); n > 2 {
		t.Errorf("%d counted calls", n)
	}
	for _, r := range s.stage.ding.Journal() {
		if r.Applied && r.Write {
			t.Errorf("dingtalk was changed by %s", r.Path)
		}
	}
	for point, want := range map[string]string{
		"Calendar.Event.Read": "error: dingtalk: calendar cannot be read", "Calendar.Event.Write": "error: dingtalk: calendar cannot be written",
	} {
		s.stage.ding.Set(func(k *dingtalktest.Knobs) { k.MissingPermissions = map[string]bool{point: true} })
		got := s.want(exitUsage, words("check --live"), want, "the permission point "+point+" is missing")
		if n := strings.Count(got.out, "is missing"); n != 1 {
			t.Errorf("%s: %d points are missing:\n%s", point, n, got.out)
		}
	}
}
