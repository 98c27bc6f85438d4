package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dingbridge/bridge"
)

var (
	txtQuotaMonth    = tr("quota of %s, which ends %s:", "%s 月度额度（%s 止）：")
	txtQuotaCalls    = tr("  calls: %s counted, %d expected by then; %d free", "  接口调用：计入额度 %s，预计月底 %d；免费 %d")
	txtQuotaPushes   = tr("  pushes: %s counted, %d expected by then; %d free", "  事件推送：计入额度 %s，预计月底 %d；免费 %d")
	txtQuotaOf       = tr("%d of %d", "%d / %d")
	txtQuotaFor      = tr("  counted calls by: %s", "  计入额度的调用来自：%s")
	txtQuotaNobody   = tr("no mapping", "非映射")
	txtQuotaWithheld = tr("  %d events came without content", "  %d 个事件未携带内容")
	txtQuotaCallsEnd = tr("  QUOTA  the counted calls run out about %s", "  额度告急  计入额度的调用预计于 %s 用完")
	txtQuotaPushEnd  = tr("  QUOTA  the counted pushes run out about %s", "  额度告急  计入额度的推送预计于 %s 用完")
	txtQuotaNoCalls  = tr("  QUOTA  the counted calls are used up", "  额度告急  计入额度的调用已用完")
	txtQuotaNoPushes = tr("  QUOTA  the counted pushes are used up", "  额度告急  计入额度的推送已用完")
	txtQuotaSlower   = tr("  sweeps and polls that cost counted calls keep %d%% of their usual pace", "  消耗额度的核对与轮询降至平时的 %d%%")
	txtQuotaResting  = tr("  sweeps and polls that cost counted calls rest until the month ends; what is left is for changes", "  消耗额度的核对与轮询暂停至月底，剩余额度留给变更")
)

// printQuota tells what was used of the month's quotas and what is expected.
func (a *app) printQuota(q *bridge.QuotaStatus) {
	a.tell(txtQuotaMonth, q.Month, when(q.Ends))
	for _, use := range []struct {
		bridge.QuotaUse
		line, end, gone text
	}{{q.Calls, txtQuotaCalls, txtQuotaCallsEnd, txtQuotaNoCalls}, {q.Pushes, txtQuotaPushes, txtQuotaPushEnd, txtQuotaNoPushes}} {
		used := fmt.Sprint(use.Used)
		if use.Limit > 0 {
			used = a.say(txtQuotaOf, use.Used, use.Limit)
		}
		a.tell(use.line, used, use.Forecast, use.Free)
		switch {
		case use.Limit > 0 && use.Used >= use.Limit:
			a.tell(use.gone)
		case use.RunsOut != nil:
			a.tell(use.end, when(*use.RunsOut))
		}
	}
	if by := a.countedBy(q); by != "" {
		a.tell(txtQuotaFor, by)
	}
	if q.Withheld > 0 {
		a.tell(txtQuotaWithheld, q.Withheld)
	}
	switch {
	case q.Pace <= 0:
		a.tell(txtQuotaResting)
	case q.Pace < 1:
		a.tell(txtQuotaSlower, int(q.Pace*100))
	}
}

// countedBy tells for which mappings counted calls were made, the greediest first.
func (a *app) countedBy(q *bridge.QuotaStatus) string {
	sums := map[string]int64{}
	for _, line := range q.Details {
		if line.What == bridge.QuotaCall && line.Counted {
			sums[line.Mapping] += line.N
		}
	}
	names := sortedKeys(sums)
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(sums[y], sums[x]) })
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", cmp.Or(name, a.say(txtQuotaNobody)), sums[name]))
	}
	return strings.Join(parts, ", ")
}
