package bridge_test

import (
	"testing"

	"dingbridge/bridge"
)

func TestLinkToATypoRemovesNobody(t *testing.T) {
	c := company(t)
	id := c.employee("王五", "13800000003", map[string]any{"active": false})
	c.write("hr.employee", id, map[string]any{"active": true})
	m, _ := c.set().Get("employees")
	must(t, bridge.LinkRecords(c.ctx, c.store, m, bridge.ID(text(c.employeeOf(id), "id")), "zhangsan-typo"))
	c.sync()
	c.sync()
	want(t, "王五 active", text(c.employeeOf(id), "active"), "true")
}

func TestFirstMeetingLeavesTheDaysBudgetAlone(t *testing.T) {
	w := newWorld(t, presets(t, budget("{creates: 1, updates: 1, clears: 1, removals: 1, percent: 0}"))...)
	for i := range 4 {
		w.employee("员工", number(i), nil)
	}
	w.sync()
	want(t, "people in dingtalk before the release", len(w.ding.Users()), 1)
	want(t, "released", w.release(w.list(bridge.RiskCreate, 3)), 3)
	w.sync()
	want(t, "people in dingtalk", len(w.ding.Users()), 4)
	// The ordinary day: one change of each kind still goes.
	w.employee("新人", "13800000009", nil)
	w.write("hr.employee", w.peopleWith(number(0))[0], map[string]any{"job_title": "董事长"})
	w.step()
	want(t, "the newcomer is in dingtalk", hasUser(w, "13800000009"), true)
	want(t, "the title", w.user(number(0)).Title, "董事长")
}
