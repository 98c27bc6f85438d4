package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

var (
	txtFromFlag     = tr("import approvals that were started in DingTalk since this day (with --to)", "导入该日起在钉钉发起的审批（与 --to 一起用）")
	txtToFlag       = tr("… until the end of this day; today if not given", "……到该日结束；缺省为今天")
	txtHistoryOne   = tr("--from is for one mapping of approvals; name it", "--from 只用于一个审批映射，请写明其名称")
	txtHistory      = tr("%d approvals were started then, %d of them are new to the bridge.", "该时段内发起审批 %d 个，其中 %d 个是新的。")
	txtHistoryGoing = tr("reading approvals until %s", "正在读取审批，已到 %s")
	txtHistoryQuota = tr("stopped at the quota: this part needs %d counted calls, and %d are left of the month's %d above the reserve; run the same command again later, it goes on where it was", "因配额停止：此部分需要 %d 次计费调用，本月 %[3]d 次中保留额度之外还剩 %[2]d 次；以后再运行同一命令会接着导入")
)

// span is the part of the history that --from and --to name.
type span struct{ from, to string }

// times reads the days in DingTalk's zone; the last one counts to its end.
func (p span) times(zone *time.Location, now time.Time) (from, to time.Time, err error) {
	if from, err = time.ParseInLocation(time.DateOnly, p.from, zone); err != nil {
		return from, to, fmt.Errorf("--from %s is no day such as 2026-08-01", p.from)
	}
	to = now
	if p.to != "" {
		if to, err = time.ParseInLocation(time.DateOnly, p.to, zone); err != nil {
			return from, to, fmt.Errorf("--to %s is no day such as 2026-08-31", p.to)
		}
		to = to.AddDate(0, 0, 1)
	}
	if to.After(now) {
		to = now.Truncate(time.Second)
	}
	return from, to, nil
}

// importHistory makes what was started in DingTalk within the span due; the worker looks at it as at everything else.
func (w *world) importHistory(ctx context.Context, names []string, p span, bar *progress, asJSON bool) error {
	if len(names) != 1 {
		return usage(errors.New(w.app.say(txtHistoryOne)))
	}
	from, to, err := p.times(w.zone, w.pace.now())
	if err != nil {
		return usage(err)
	}
	if err := w.live(ctx); err != nil {
		return err
	}
	m, _ := w.set.Get(names[0])
	if m.Approval == nil {
		return usage(errors.New(w.app.say(txtHistoryOne)))
	}
	engine, err := w.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	h, err := w.imported(ctx, engine, m, from, to, bar)
	bar.clear()
	if err != nil {
		return err
	}
	if asJSON { // standard output is for the object
		_, err = fmt.Fprintln(w.app.err, w.app.say(txtHistory, h.Found, h.Fresh))
		return err
	}
	w.app.tell(txtHistory, h.Found, h.Fresh)
	return nil
}

// imported runs the import, within what is left of the month's calls.
func (w *world) imported(ctx context.Context, e *bridge.Engine, m *mapping.Mapping, from, to time.Time, bar *progress) (bridge.History, error) {
	enough := func(calls int) error {
		if err := e.KeepQuota(ctx); err != nil { // those of the parts before this one are among the used
			return err
		}
		st, err := bridge.ReadQuota(ctx, w.store, w.pace.now(), w.zone, w.quotaLimits())
		if err != nil || st.Calls.Limit == 0 {
			return err
		}
		if left := st.Calls.Limit*9/10 - st.Calls.Used; int64(calls) > left {
			return errors.New(w.app.say(txtHistoryQuota, calls, max(left, 0), st.Calls.Limit))
		}
		return nil
	}
	h, err := e.ImportHistory(ctx, m, from, to, enough, func(h bridge.History) {
		bar.show(w.app.say(txtHistoryGoing, h.Done.In(w.zone).Format(time.DateOnly)), 0, 0)
	})
	return h, errors.Join(err, e.KeepQuota(ctx))
}
