package bridge_test

import (
	"testing"

	"dingbridge/bridge"
)

func TestSeveralRecallsADay(t *testing.T) {
	o := tellers(t, noticeYAML+"leave: recall\n")
	for range 3 {
		o.write("hr.department", o.rd, map[string]any{"note": "开会"})
		o.step()
		o.write("hr.department", o.rd, map[string]any{"note": false})
		o.step()
	}
	o.write("hr.department", o.rd, map[string]any{"note": "散会"})
	o.step()
	want(t, "notices that stand", len(o.said(o.uLi)), 1)
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	want(t, "notices after the recall", len(o.said(o.uLi)), 0)
	o.settled()
}

func TestARecallThatIsReleased(t *testing.T) {
	o := tellers(t, noticeYAML+"leave: recall\nguard: {removals: 0}\n")
	o.write("hr.department", o.rd, map[string]any{"note": "开会"})
	o.step()
	o.write("hr.department", o.rd, map[string]any{"note": false})
	o.step()
	want(t, "notices that stand", len(o.said(o.uLi)), 1)
	st, err := bridge.ReadStatus(o.ctx, o.store, nil, o.now())
	must(t, err)
	want(t, "lists", len(st.Lists), 1)
	_, err = bridge.Release(o.ctx, o.store, st.Lists[0].List)
	must(t, err)
	o.step()
	want(t, "notices after the recall", len(o.said(o.uLi)), 0)
	o.settled()
}
