package chaos

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// TestJudgeChores shows that everything that can go wrong with an activity is noticed, and what is right is not.
func TestJudgeChores(t *testing.T) {
	const day, other = "2031-01-01", "2031-01-02"
	due := func(day string) time.Time {
		at, err := time.ParseInLocation(time.DateOnly, day, chinaZone)
		must(t, err)
		return at.Add(24*time.Hour - time.Second)
	}
	stands := choreMoment{at: second(1), user: 1, due: day, summary: "事", what: "create"}
	ended := func(at int, byBridge, told bool, author int64) choreMoment {
		return choreMoment{at: second(at), bridge: byBridge, gone: true, told: told, author: author, user: 1, due: day, summary: "事"}
	}
	todo := dingtalktest.Todo{ID: "t", Subject: "事 · 客户", Creator: "u2", Executors: []string{"u1"}, Due: due(day)}
	with := func(change func(*dingtalktest.Todo)) []dingtalktest.Todo {
		one := todo
		change(&one)
		return []dingtalktest.Todo{one}
	}
	open := []dingtalktest.Todo{todo}
	done := with(func(t *dingtalktest.Todo) { t.Done = true })
	gone := with(func(t *dingtalktest.Todo) { t.Deleted = true })
	did := func(at int, side mapping.Side, what, value string) choreEdit {
		return choreEdit{second(at), side, what, value}
	}
	ticked, dropped := did(3, mapping.DingTalk, choreDone, "P1"), did(3, mapping.DingTalk, choreCancelled, "P2")
	moved := stands
	moved.at, moved.due = second(5), other
	late := with(func(t *dingtalktest.Todo) { t.Due = due(other) })
	assigned := stands
	assigned.at, assigned.user = second(2), 2
	for name, c := range map[string]struct {
		did     []choreEdit
		moments []choreMoment // after it was made
		todos   []dingtalktest.Todo
		hold    string
		raced   bool
		wrong   string // the beginning of the one violation, "" = right
		limit   bool
	}{
		"open":                               {todos: open},
		"no to-do":                           {wrong: "forgotten: it stands, and no to-do"},
		"two to-dos":                         {todos: append(open, open...), wrong: "2 to-dos"},
		"of somebody else":                   {todos: with(func(t *dingtalktest.Todo) { t.Executors = []string{"u2"} }), wrong: "its to-do is for [P2], not for [P1]"},
		"of too many":                        {todos: with(func(t *dingtalktest.Todo) { t.Executors = []string{"u1", "u2"} }), wrong: "its to-do is for"},
		"called otherwise":                   {todos: with(func(t *dingtalktest.Todo) { t.Subject = "别的 · 客户" }), wrong: "its to-do is called"},
		"due otherwise":                      {todos: late, wrong: "its to-do is due on"},
		"postponed in odoo":                  {did: []choreEdit{did(4, mapping.Odoo, choreDue, other)}, moments: []choreMoment{moved}, todos: late},
		"postponed in dingtalk":              {did: []choreEdit{did(4, mapping.DingTalk, choreDue, other)}, moments: []choreMoment{moved}, todos: late},
		"postponed on both sides":            {did: []choreEdit{did(4, mapping.DingTalk, choreDue, "2031-09-09"), did(4, mapping.Odoo, choreDue, other)}, moments: []choreMoment{moved}, todos: late},
		"postponed by nobody":                {moments: []choreMoment{moved}, todos: late, wrong: "it is due on 2031-01-02, was on 2031-01-01, and nobody wrote it"},
		"postponed in dingtalk, lost":        {did: []choreEdit{did(4, mapping.DingTalk, choreDue, other)}, todos: open, wrong: "it is due on 2031-01-01, and dingtalk wrote"},
		"postponed in a moment of our write": {did: []choreEdit{did(4, mapping.DingTalk, choreDue, other)}, todos: open, raced: true, limit: true},
		"postponed in odoo, lost":            {did: []choreEdit{did(4, mapping.Odoo, choreDue, other)}, todos: open, wrong: "it is due on 2031-01-01, and odoo wrote"},
		"done in odoo":                       {moments: []choreMoment{ended(3, false, true, 1)}, todos: done},
		"done in odoo, and open":             {moments: []choreMoment{ended(3, false, true, 1)}, todos: open, wrong: "it is done in odoo, and its to-do is open"},
		"done in odoo, and deleted":          {moments: []choreMoment{ended(3, false, true, 1)}, todos: gone, wrong: "it was done, and its to-do was deleted"},
		"done before there was a to-do":      {moments: []choreMoment{ended(3, false, true, 1)}},
		"cancelled":                          {moments: []choreMoment{ended(3, false, false, 0)}, todos: gone},
		"cancelled, and open":                {moments: []choreMoment{ended(3, false, false, 0)}, todos: open, wrong: "it is cancelled in odoo, and its to-do is open"},
		"cancelled, and done":                {moments: []choreMoment{ended(3, false, false, 0)}, todos: done, wrong: "it was cancelled, and its to-do was marked as done"},
		"cancelled, and ticked off":          {did: []choreEdit{ticked}, moments: []choreMoment{ended(4, false, false, 0)}, todos: done},
		"ticked off":                         {did: []choreEdit{ticked}, moments: []choreMoment{ended(4, true, true, 1)}, todos: done},
		"ticked off, and stands":             {did: []choreEdit{ticked}, todos: done, wrong: "forgotten: its to-do is done"},
		"ticked off by nobody":               {moments: []choreMoment{ended(4, true, true, 1)}, todos: done, wrong: "the bridge made it done"},
		"ticked off later":                   {did: []choreEdit{ticked}, moments: []choreMoment{ended(2, true, true, 1)}, todos: done, wrong: "the bridge made it done"},
		"ticked off, and cancelled":          {did: []choreEdit{ticked}, moments: []choreMoment{ended(4, true, false, 0)}, todos: done, wrong: "the bridge made it cancelled"},
		"in the name of somebody else":       {did: []choreEdit{ticked}, moments: []choreMoment{ended(4, true, true, 2)}, todos: done, wrong: `done in the name of "P2"`},
		"in the name of whose it is now":     {did: []choreEdit{ticked}, moments: []choreMoment{assigned, ended(4, true, true, 2)}, todos: done, limit: true},
		"deleted in dingtalk":                {did: []choreEdit{dropped}, moments: []choreMoment{ended(4, true, false, 0)}, todos: gone},
		"deleted in dingtalk, and stands":    {did: []choreEdit{dropped}, todos: gone, wrong: "forgotten: its to-do was deleted"},
		"deleted in dingtalk, and done":      {did: []choreEdit{dropped}, moments: []choreMoment{ended(4, true, true, 1)}, todos: gone, wrong: "the bridge made it done"},
		"held, for it was deleted unseen":    {did: []choreEdit{dropped}, todos: gone, hold: "a to-do was made of it, whose answer was lost, and deleted since"},
		"held, though nobody deleted it":     {todos: open, hold: "a to-do was made of it, whose answer was lost, and deleted since", wrong: "held with a reason that does not fit"},
		"held for another reason":            {todos: open, hold: "odoo refused it", wrong: "held with a reason that does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			of := &choreCase{
				id: 1, settled: day, did: c.did, moments: append([]choreMoment{stands}, c.moments...), todos: c.todos, doc: "客户", began: second(0), moved: c.raced,
				users: map[int64]string{1: "P1", 2: "P2"}, names: map[int64]string{1: "P1", 2: "P2"}, userids: map[string]string{"u1": "P1", "u2": "P2"},
				counted: map[string]int{}, limits: map[string]int{},
			}
			if c.hold != "" {
				of.link = &bridge.Link{State: bridge.Held, Holds: map[string]bridge.Hold{"": {Kind: bridge.HeldRefused, Reason: c.hold}}}
			}
			of.judge()
			got := strings.Join(of.wrong, "\n")
			if c.wrong == "" && got != "" || !strings.HasPrefix(got, "activity 1: "+c.wrong) && c.wrong != "" || len(of.wrong) > 1 {
				t.Errorf("want %q, got:\n%s", c.wrong, got)
			}
			if c.limit != (len(of.limits) == 1) {
				t.Errorf("limits: %v", of.limits)
			}
		})
	}
}
