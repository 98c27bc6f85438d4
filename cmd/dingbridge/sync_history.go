package main

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

var (
	txtFromFlag       = tr("first import the approvals of one mapping that were started in DingTalk since this day, such as 2026-08-01", "先导入某个审批映射自该日（例如 2026-08-01）起在钉钉发起的审批")
	txtToFlag         = tr("… until the end of this day; now if not given", "……到该日结束；缺省为现在")
	txtHistoryOne     = tr("--from is for one mapping of approvals; name it", "--from 只用于一个审批映射，请写明其名称")
	txtHistoryKind    = tr("%s is no mapping of approvals: only those have a history to be imported", "%s 不是审批映射：只有审批有历史可导入")
	txtHistoryOut     = tr("the mapping %s creates nothing in Odoo (create.odoo), so there is nothing to import", "映射 %s 不在 Odoo 中新建任何内容（create.odoo），没有可导入的审批")
	txtHistoryFrom    = tr("--to needs a --from", "--to 需要与 --from 一起使用")
	txtHistoryDay     = tr("%s %q is no day such as 2026-08-01", "%s %q 不是日期，应如 2026-08-01")
	txtHistoryOrder   = tr("--from %s is after --to %s", "--from %s 晚于 --to %s")
	txtHistoryFuture  = tr("--from %s is still to come", "--from %s 尚未到来")
	txtHistoryReach   = tr("DingTalk lists the approvals of the last 365 days only; the first day that can be named is %s", "钉钉只能列出最近 365 天内发起的审批；最早可填 %s")
	txtHistory        = tr("%d approvals were started then, %d of them are new to the bridge.", "该时段内发起审批 %d 个，其中 %d 个是新的。")
	txtHistoryResumed = tr("An earlier import from this day had stopped at %s; it goes on there.", "此前自该日起的导入停在 %s，现从该处继续。")
	txtHistoryGoing   = tr("reading approvals until %s", "正在读取审批，已到 %s")
	txtHistoryQuota   = tr("The import stopped at %s for the quota: what comes next takes %d counted calls or more, and %d are left of the month's %d above the reserve. The same command goes on there later.", "导入因配额停在 %s：接下来至少需要 %d 次计费调用，而本月 %[4]d 次中保留额度之外只剩 %[3]d 次。以后再运行同一命令会从该处继续。")
)

// span is the part of the history that --from and --to name.
type span struct{ from, to string }

// times reads the days in DingTalk's zone; the last one counts to its end, as far as it is past.
func (a *app) times(p span, zone *time.Location, now time.Time) (from, to time.Time, err error) {
	wrong := func(t text, args ...any) (time.Time, time.Time, error) {
		return from, to, usage(errors.New(a.say(t, args...)))
	}
	if p.from == "" {
		return wrong(txtHistoryFrom)
	}
	if from, err = time.ParseInLocation(time.DateOnly, p.from, zone); err != nil {
		return wrong(txtHistoryDay, "--from", p.from)
	}
	to = now.Truncate(time.Second)
	if p.to != "" {
		day, err := time.ParseInLocation(time.DateOnly, p.to, zone)
		switch {
		case err != nil:
			return wrong(txtHistoryDay, "--to", p.to)
		case day.Before(from):
			return wrong(txtHistoryOrder, p.from, p.to)
		case day.AddDate(0, 0, 1).Before(to):
			to = day.AddDate(0, 0, 1)
		}
	}
	switch oldest := now.Add(-bridge.ApprovalReach); {
	case !from.Before(to):
		return wrong(txtHistoryFuture, p.from)
	case from.Before(oldest):
		return wrong(txtHistoryReach, oldest.In(zone).AddDate(0, 0, 1).Format(time.DateOnly))
	}
	return from, to, nil
}

// history is an import of approvals for a person. Needed and Left are counted calls, given when it stopped at the quota.
type history struct {
	bridge.History
	Complete bool  `json:"complete"`
	Needed   int64 `json:"needed_calls,omitempty"`
	Left     int64 `json:"left_calls,omitempty"`
	limit    int64
}

// quotaStop ends an import before the reserve of the month's calls is touched.
type quotaStop struct{ needed, left, limit int64 }

func (q *quotaStop) Error() string { return "the month's calls above the reserve do not suffice" }

// importHistory makes what was started in DingTalk within the span due; who works on the store looks at it as at everything else.
func (w *world) importHistory(ctx context.Context, names []string, p span, asJSON bool, bar *progress) (*history, error) {
	from, to, err := w.app.times(p, w.zone, w.pace.now())
	if err != nil {
		return nil, err
	}
	if len(names) != 1 {
		return nil, usage(errors.New(w.app.say(txtHistoryOne)))
	}
	switch m, _ := w.set.Get(names[0]); {
	case m.Approval == nil:
		return nil, usage(errors.New(w.app.say(txtHistoryKind, m.Name)))
	case !m.CreateOdoo.Allowed:
		return nil, usage(errors.New(w.app.say(txtHistoryOut, m.Name)))
	}
	if err := w.live(ctx); err != nil {
		return nil, err
	}
	engine, err := w.engine(zap.NewNop(), nil)
	if err != nil {
		return nil, err
	}
	m, _ := w.set.Get(names[0])
	out := &history{}
	told := false
	tell := func(h bridge.History) {
		if !h.Resumed.IsZero() && !told && !asJSON {
			told = true
			bar.clear()
			w.app.tell(txtHistoryResumed, w.minute(h.Resumed))
		}
	}
	out.History, err = engine.ImportHistory(ctx, m, from, to, func(calls int) error { return w.enough(ctx, engine, m, calls) }, func(h bridge.History) {
		tell(h)
		bar.show(w.app.say(txtHistoryGoing, h.Done.In(w.zone).Format(time.DateOnly)), 0, 0)
	})
	bar.clear()
	tell(out.History)
	var stop *quotaStop
	if errors.As(err, &stop) {
		out.Needed, out.Left, out.limit, err = stop.needed, stop.left, stop.limit, nil
	}
	out.Complete = err == nil && stop == nil
	return out, errors.Join(err, engine.KeepQuota(context.WithoutCancel(ctx)))
}

// enough says whether the month's calls suffice for so many more, beside those that the approvals take which are due already.
func (w *world) enough(ctx context.Context, e *bridge.Engine, m *mapping.Mapping, calls int) error {
	if err := e.KeepQuota(ctx); err != nil { // those of the import itself
		return err
	}
	now := w.pace.now()
	st, err := bridge.ReadQuota(ctx, w.store, now, w.zone, w.quotaLimits())
	if err != nil || st.Calls.Limit == 0 {
		return err
	}
	waiting := 0
	if err := w.store.View(ctx, func(tx bridge.Tx) error {
		_, due, err := tx.CountWork(now)
		waiting = due[m.Name]
		return err
	}); err != nil {
		return err
	}
	needed, left := int64(calls)+int64(waiting), st.Calls.Unreserved()
	if needed > left {
		return &quotaStop{needed: needed, left: left, limit: st.Calls.Limit}
	}
	return nil
}

// minute is an instant for a person, in DingTalk's zone.
func (w *world) minute(at time.Time) string { return at.In(w.zone).Format("2006-01-02 15:04") }

// printHistory tells what an import found, and where it stopped.
func (w *world) printHistory(h *history) {
	a := w.app
	a.tell(txtHistory, h.Found, h.Fresh)
	if !h.Complete {
		a.tell(txtHistoryQuota, w.minute(h.Done), h.Needed, h.Left, h.limit)
	}
}
