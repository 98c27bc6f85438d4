package store

import (
	"fmt"
	"slices"
	"strings"

	"dingbridge/bridge"
)

func (s suite) quota() {
	call := func(day string, counted bool, mappingName, path string, n int64) bridge.QuotaCount {
		return bridge.QuotaCount{Day: day, What: bridge.QuotaCall, Counted: counted, Mapping: mappingName, Name: path, N: n}
	}
	push := bridge.QuotaCount{Day: "2026-08-31", What: bridge.QuotaPush, Name: "user_add_org", N: 1}
	s.update(func(t bridge.Tx) {
		s.ok(t.AddQuota())
		s.ok(t.AddQuota(call("2026-08-01", true, "m", "/a", 2), call("2026-08-01", true, "m", "/a", 3), call("2026-08-01", false, "m", "/a", 1)))
		s.ok(t.AddQuota(call("2026-08-01", true, "", "/a", 4), call("2026-08-01", true, "m", "/乙", 5), push))
	})
	s.update(func(t bridge.Tx) {
		s.ok(t.AddQuota(call("2026-08-01", true, "m", "/a", 1<<40), push, call("2026-09-01", true, "m", "/a", 1)))
	})
	kept := func(first, last string) string {
		var lines []string
		s.view(func(t bridge.Tx) {
			for _, c := range must[[]bridge.QuotaCount](s)(t.Quota(first, last)) {
				lines = append(lines, fmt.Sprint(c))
			}
		})
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	s.equal(kept("2026-08-01", "2026-08-31"), strings.Join([]string{
		"{2026-08-01 call false m /a 1}",
		"{2026-08-01 call true  /a 4}",
		"{2026-08-01 call true m /a 1099511627781}",
		"{2026-08-01 call true m /乙 5}",
		"{2026-08-31 push false  user_add_org 2}",
	}, "\n"))
	s.equal(kept("2026-08-31", "2026-09-01"), "{2026-08-31 push false  user_add_org 2}\n{2026-09-01 call true m /a 1}")
	s.equal(kept("2026-07-01", "2026-07-31"), "")
	s.update(func(t bridge.Tx) { s.equal(must[int](s)(t.PruneQuota("2026-08-31")), 4) })
	s.equal(kept("2026-08-01", "2026-08-31"), "{2026-08-31 push false  user_add_org 2}")
}
