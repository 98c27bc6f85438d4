package bridge_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

// TestARecordThatLeavesWhileItIsTold: what was chosen is told, and taken back when the record has left meanwhile.
func TestARecordThatLeavesWhileItIsTold(t *testing.T) {
	for name, how := range map[string]dingtalktest.Failure{"throttled": dingtalktest.Throttled, "the call is lost": dingtalktest.DropBefore} {
		t.Run(name, func(t *testing.T) {
			o := tellers(t, noticeYAML+"leave: recall\n")
			o.ding.Fail(func(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/asyncsend_v2") }, 1, how)
			o.write("hr.department", o.rd, map[string]any{"note": "明天搬家"})
			must(t, o.engine.Step(o.ctx, 10*time.Millisecond))
			o.write("hr.department", o.rd, map[string]any{"note": false})
			for range 2 {
				o.later(time.Minute)
				o.step()
			}
			want(t, "notices sent", len(o.ding.Notices()), 1)
			want(t, "notices that stand", len(o.said(o.uLi)), 0)
			o.write("hr.department", o.rd, map[string]any{"note": "不搬了"})
			o.step()
			want(t, "notices that stand after it entered again", len(o.said(o.uLi)), 1)
			o.settled()
		})
	}
}

// TestADraftIsNotToldOf: a record that enters the domain between two of the bridge's calls is told of as it is then, not as it was before.
func TestADraftIsNotToldOf(t *testing.T) {
	o := tellers(t, noticeYAML)
	o.standIn()
	var looks atomic.Int64
	o.odoo.OnCall(func(c odootest.Call) {
		asks := c.Model == "hr.department" && strings.HasPrefix(c.Method, "search") && strings.Contains(fmt.Sprint(c.Args, c.Kwargs), "note")
		if asks && looks.Add(1) == 2 {
			must(t, o.people.Write("hr.department", o.rd, map[string]any{"name": "新研发部", "note": "已定稿"}))
		}
	})
	o.write("hr.department", o.rd, map[string]any{"name": "旧研发部"})
	o.step()
	o.later(time.Minute)
	o.step()
	want(t, "looks", looks.Load() >= 2, true)
	said := o.said(o.uLi)
	want(t, "notices", len(said), 1)
	if !strings.HasPrefix(said[0], "**新研发部**：已定稿") {
		t.Errorf("told: %s", said[0])
	}
}

// TestReceiversAreThoseOfWhatIsSaid: who is told is read together with what it says, so that nobody is told the words of one moment because
// of another.
func TestReceiversAreThoseOfWhatIsSaid(t *testing.T) {
	o := tellers(t, strings.Replace(noticeYAML, "{path: member_ids}", "{path: member_ids}, {except: manager_id}", 1))
	o.standIn()
	var looks atomic.Int64
	o.odoo.OnCall(func(c odootest.Call) {
		asks := c.Model == "hr.department" && strings.HasPrefix(c.Method, "search") && strings.Contains(fmt.Sprint(c.Args, c.Kwargs), "manager_id") && strings.Contains(fmt.Sprint(c.Args, c.Kwargs), "note")
		if asks {
			looks.Add(1)
		}
		if looks.Load() == 1 && !asks { // right after it was read
			looks.Add(1)
			must(t, o.people.Write("hr.department", o.rd, map[string]any{"manager_id": o.li}))
		}
	})
	o.write("hr.department", o.rd, map[string]any{"note": "明天搬家"})
	o.step()
	want(t, "looks", looks.Load() >= 2, true)
	want(t, "notices", len(o.said(o.uLi)), 1)
}
