package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"dingbridge/bridge"
)

var (
	txtWaitFlag     = tr("also wait for what is due later, such as retries, for up to half an hour", "同时等待稍后到期的工作（例如重试），最多半小时")
	txtSynced       = tr("Done: %s.", "完成：%s。")
	txtSyncedNone   = tr("Both sides are in step: nothing was written.", "两边一致：没有写入任何内容。")
	txtSyncHeld     = tr("%d held; see: dingbridge status", "%d 项挂起；参见：dingbridge status")
	txtSyncOver     = tr("List %d of %s waits for you: %s. Look at it with `dingbridge status`, let it go with: dingbridge release %[1]d", "%[2]s 的清单 %[1]d 等待放行：%[3]s。用 `dingbridge status` 查看，放行：dingbridge release %[1]d")
	txtSyncDue      = tr("%d records are still to be tried again; wait for them with --wait", "还有 %d 条记录稍后重试；加 --wait 可等待")
	txtSyncDaemon   = tr("A daemon is running: it was asked to look at everything.", "守护进程正在运行：已请它全部检查一遍。")
	txtSyncSweeping = tr("the daemon reads both sides", "守护进程正在读取两边")
	txtSyncWorking  = tr("the daemon works", "守护进程正在处理")
	txtDaemonEnded  = tr("the daemon ended; run sync again", "守护进程已结束，请重新运行 sync")
)

const (
	syncPatience  = 15 * time.Second // without --wait: enough for what DingTalk shows late
	syncWait      = 30 * time.Minute
	followEvery   = 300 * time.Millisecond
	historyOfSync = 200_000 // rows looked at to sum a sync up
)

func newSync(a *app) *cobra.Command {
	var asJSON, wait bool
	var past span
	cmd := &cobra.Command{
		Use: "sync [MAPPING…]", Short: a.say(txtSync),
		RunE: func(cmd *cobra.Command, names []string) error {
			w, err := a.open()
			if err != nil {
				return err
			}
			patience := syncPatience
			if wait {
				patience = syncWait
			}
			return errors.Join(w.sync(cmd.Context(), names, patience, past, asJSON), w.close())
		},
	}
	cmd.Flags().StringVar(&past.from, "from", "", a.say(txtFromFlag))
	cmd.Flags().StringVar(&past.to, "to", "", a.say(txtToFlag))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	cmd.Flags().BoolVar(&wait, "wait", false, a.say(txtWaitFlag))
	return cmd
}

// syncOutput is what sync prints as JSON.
type syncOutput struct {
	Done   map[string]int     `json:"done"` // what was done, by operation: create, update, link, …
	Held   int                `json:"held"`
	Due    int                `json:"due_later"`
	Lists  []bridge.GuardList `json:"guard_lists"`
	Beside bool               `json:"by_daemon"`

	History *history `json:"history,omitempty"` // of --from
}

// sync brings both sides in step: by itself, or through a daemon that runs on the store.
func (w *world) sync(ctx context.Context, names []string, patience time.Duration, past span, asJSON bool) error {
	if err := w.app.checkNames(w.set, names); err != nil {
		return err
	}
	last, err := w.lastHistory(ctx)
	if err != nil {
		return err
	}
	beside, err := w.running(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(w.app.err)
	var imported *history
	if past != (span{}) {
		if beside {
			w.ding.Throttle(besideFraction)
		}
		if imported, err = w.importHistory(ctx, names, past, asJSON, bar); err != nil {
			return err
		}
	}
	switch {
	case beside && imported != nil: // the daemon finds what is due by itself
		err = w.follow(ctx, names, patience, "", bar)
	case beside:
		err = w.syncBeside(ctx, names, patience, bar)
	default:
		err = w.syncAlone(ctx, names, patience, bar)
	}
	bar.clear()
	if err != nil {
		return err
	}
	out, err := w.syncOutcome(ctx, names, last)
	if err != nil {
		return err
	}
	out.Beside, out.History = beside, imported
	if asJSON {
		err = w.app.json(out)
	} else {
		w.app.printSync(out)
		if imported != nil {
			w.printHistory(imported)
		}
	}
	if err == nil && (out.Held+len(out.Lists) > 0 || imported != nil && !imported.Complete) {
		return errRemain
	}
	return err
}

func (w *world) syncAlone(ctx context.Context, names []string, patience time.Duration, bar *progress) error {
	if err := w.live(ctx); err != nil {
		return err
	}
	engine, err := w.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	return engine.SyncOnce(ctx, names, patience, bar.show)
}

// syncBeside asks the daemon for a sweep and follows its work.
func (w *world) syncBeside(ctx context.Context, names []string, patience time.Duration, bar *progress) error {
	a := w.app
	bar.note(a.say(txtSyncDaemon))
	ticket, err := bridge.RequestSweep(ctx, w.store, names, time.Now())
	if err != nil {
		return err
	}
	return w.follow(ctx, names, patience, ticket, bar)
}

// follow shows the daemon's work until the sweep that it was asked for is done and nothing is due any more. The ticket "" is none.
func (w *world) follow(ctx context.Context, names []string, patience time.Duration, ticket string, bar *progress) error {
	a := w.app
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	total := 0
	for {
		st, err := bridge.ReadStatus(ctx, w.store, w.names(names), time.Now())
		if err != nil {
			return err
		}
		open, err := bridge.RequestOpen(ctx, w.store, ticket)
		if err != nil {
			return err
		}
		dirty, due := 0, st.Inbox
		for _, m := range st.Mappings {
			dirty += m.Dirty
			due += m.Due
		}
		total = max(total, dirty)
		switch {
		case stopped(st.Halted) != nil && (open || due > 0):
			return errors.Join(stopped(st.Halted), bridge.CancelRequest(ctx, w.store, ticket))
		case !st.Running:
			return errors.Join(errors.New(a.say(txtDaemonEnded)), bridge.CancelRequest(ctx, w.store, ticket))
		case !open && dirty == 0, !open && due == 0 && time.Now().After(deadline):
			return nil
		case open:
			bar.show(a.say(txtSyncSweeping), 0, 0)
		default:
			bar.show(a.say(txtSyncWorking), total-dirty, total)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stopped is the first halt that keeps the daemon from working, as an error; nil when none does. Without its source of events it
// works on.
func stopped(halted []bridge.Halted) error {
	for _, h := range halted {
		if h.Scope != haltStream && h.Scope != haltFailedList {
			return &bridge.Failure{Class: bridge.FailHalt, Scope: h.Scope, Words: h.Scope + ": " + h.Why}
		}
	}
	return nil
}

// names are the mappings a person named, or all.
func (w *world) names(named []string) []string {
	if len(named) > 0 {
		return named
	}
	return mappingNames(w.set)
}

// lastHistory is the number of the newest row.
func (w *world) lastHistory(ctx context.Context) (last int64, err error) {
	err = w.store.View(ctx, func(tx bridge.Tx) error {
		rows, err := tx.History("", 0, 1)
		if len(rows) > 0 {
			last = rows[0].ID
		}
		return err
	})
	return last, err
}

// syncOutcome sums up what was done since the history row, and what is left.
func (w *world) syncOutcome(ctx context.Context, named []string, since int64) (syncOutput, error) {
	out := syncOutput{Done: map[string]int{}, Lists: []bridge.GuardList{}}
	names := w.names(named)
	err := w.store.View(ctx, func(tx bridge.Tx) error {
		rows, err := tx.History("", 0, historyOfSync)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.ID <= since {
				break
			}
			if slices.Contains(names, r.Mapping) && r.Op != "hold" && r.Op != "wait" {
				out.Done[r.Op]++
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	st, err := bridge.ReadStatus(ctx, w.store, names, time.Now())
	if err != nil {
		return out, err
	}
	out.Held = len(st.Held)
	for _, m := range st.Mappings {
		out.Due += m.Dirty
	}
	for _, l := range st.Lists {
		if slices.Contains(names, l.Mapping) {
			out.Lists = append(out.Lists, l)
		}
	}
	return out, nil
}

func (a *app) printSync(out syncOutput) {
	var parts []string
	for _, op := range sortedKeys(out.Done) {
		parts = append(parts, fmt.Sprintf("%d %s", out.Done[op], op))
	}
	if len(parts) == 0 {
		a.tell(txtSyncedNone)
	} else {
		a.tell(txtSynced, strings.Join(parts, ", "))
	}
	if out.Held > 0 {
		a.tell(txtSyncHeld, out.Held)
	}
	for _, l := range out.Lists {
		a.tell(txtSyncOver, l.List, l.Mapping, riskCounts(l.Counts))
	}
	if out.Due > 0 {
		a.tell(txtSyncDue, out.Due)
	}
}

// riskCounts prints what a guard list holds: "30 create, 2 removal".
func riskCounts(counts map[bridge.Risk]int) string {
	var parts []string
	for _, r := range sortedKeys(counts) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[r], r))
	}
	return strings.Join(parts, ", ")
}
