package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
)

var (
	txtHealthFlag    = tr("only say by the exit code whether a daemon runs (1: no) and nothing is halted (3: something is)", "只用退出码说明守护进程是否在运行（1：没有）以及是否有暂停（3：有）")
	txtDaemonRuns    = tr("A daemon is running.", "守护进程正在运行。")
	txtDaemonNot     = tr("No daemon is running.", "守护进程没有运行。")
	txtStatusActive  = tr("active       %s, since %s", "主用  %s，自 %s")
	txtStatusStandBy = tr("standing by  %s, since %s", "备用  %s，自 %s")
	txtStatusHalted  = tr("HALTED  %s since %s: %s (next try %s)", "已暂停  %s，自 %s：%s（下次尝试 %s）")
	txtStatusMapping = tr("%s: %s; %d to do, %d of them now", "%s：%s；待处理 %d 项，其中 %d 项已到期")
	txtStatusNoLinks = tr("no links", "没有关联")
	txtStatusSweep   = tr("  last sweep %s: %d in odoo, %d in dingtalk, %d linked, %d differing, %d without a link, %d absent, %d held", "  上次全量检查 %s：odoo %d 条，dingtalk %d 条，已关联 %d，有差异 %d，未关联 %d，缺失 %d，挂起 %d")
	txtStatusTold    = tr("  told %d times in %d calls, %d of them recalled; %d people did not get theirs; %d times there was nobody to be told", "  已通知 %d 次，调用 %d 次，其中撤回 %d 次；%d 人未收到；另有 %d 次无人可通知")
	txtStatusWhy     = tr("  absence does not count: %s", "  缺失不作数：%s")
	txtStatusList    = tr("LIST %d  %s: %s wait since %s for: dingbridge release %[1]d\n%[5]s", "清单 %d  %s：%s，自 %s 起等待放行：dingbridge release %[1]d\n%[5]s")
	txtStatusHeld    = tr("held  %s odoo %s, dingtalk %s: %s (since %s)", "挂起  %s odoo %s，dingtalk %s：%s（自 %s）")
	txtStatusWaiting = tr("waits  %s for %s (since %s)", "等待  %s 等待 %s（自 %s）")
	txtStatusFailing = tr("failing  %s: %s (attempt %d, next %s)", "失败  %s：%s（第 %d 次，下次 %s）")
	txtStatusInbox   = tr("%d events are not handled yet", "还有 %d 个事件未处理")
	txtStatusEvents  = tr("events: %s", "事件：%s")
	txtNone          = tr("none", "无")
)

func newStatus(a *app) *cobra.Command {
	var asJSON, health bool
	cmd := &cobra.Command{
		Use: "status", Short: a.say(txtStatus), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := a.openStore()
			if err != nil {
				return err
			}
			return errors.Join(w.status(cmd.Context(), asJSON, health), w.close())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	cmd.Flags().BoolVar(&health, "health", false, a.say(txtHealthFlag))
	return cmd
}

func (w *world) status(ctx context.Context, asJSON, health bool) error {
	st, err := bridge.ReadStatus(ctx, w.store, mappingNames(w.set), w.pace.now())
	if err != nil {
		return err
	}
	quota, err := bridge.ReadQuota(ctx, w.store, st.At, w.zone, w.quotaLimits())
	if err != nil {
		return err
	}
	st.Quota = &quota
	slices.SortFunc(st.Held, func(a, b bridge.HeldRecord) int {
		return cmp.Or(cmp.Compare(a.Mapping, b.Mapping), cmp.Compare(a.Odoo, b.Odoo), cmp.Compare(a.Ding, b.Ding), cmp.Compare(a.Field, b.Field))
	})
	switch {
	case asJSON:
		err = w.app.json(st)
	case !health:
		w.app.printStatus(st)
	}
	switch {
	case err != nil || !health:
		return err
	case !st.Running:
		return &toldError{code: exitError}
	case len(st.Halted) > 0:
		return &toldError{code: exitHalted}
	}
	return nil
}

func (a *app) printStatus(st bridge.Status) {
	if st.Running {
		a.tell(txtDaemonRuns)
	} else {
		a.tell(txtDaemonNot)
	}
	for _, r := range st.Replicas {
		switch {
		case r.Since.IsZero(): // the file of a single daemon does not say
		case r.Active:
			a.tell(txtStatusActive, r.Name, when(r.Since))
		default:
			a.tell(txtStatusStandBy, r.Name, when(r.Since))
		}
	}
	a.printHalted(st.Halted)
	a.printMappings(st.Mappings)
	for _, l := range st.Lists {
		a.tell(txtStatusList, l.List, l.Mapping, riskCounts(l.Counts), when(l.Since), "  "+l.First)
	}
	a.printHeld(st.Held)
	for _, x := range st.Waiting {
		a.tell(txtStatusWaiting, x.Key, x.For, when(x.Since))
	}
	for _, f := range st.Failing {
		a.tell(txtStatusFailing, f.Key, oneLine(f.Error), f.Attempts, when(f.Due))
	}
	a.printQuota(st.Quota)
	if st.Inbox > 0 {
		a.tell(txtStatusInbox, st.Inbox)
	}
	if len(st.Events) > 0 {
		var parts []string
		for _, name := range sortedKeys(st.Events) {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", st.Events[name].Count, name, when(st.Events[name].Last)))
		}
		a.tell(txtStatusEvents, strings.Join(parts, ", "))
	}
}

// printHalted prints what pauses.
func (a *app) printHalted(halted []bridge.Halted) {
	for _, h := range halted {
		a.tell(txtStatusHalted, h.Scope, when(h.Since), h.Why, when(h.Until))
	}
}

// printMappings prints what is known of each mapping.
func (a *app) printMappings(mappings []bridge.MappingStatus) {
	for _, m := range mappings {
		var parts []string
		for _, state := range sortedKeys(m.Links) {
			parts = append(parts, fmt.Sprintf("%d %s", m.Links[state], state))
		}
		if len(parts) == 0 {
			parts = []string{a.say(txtStatusNoLinks)}
		}
		a.tell(txtStatusMapping, m.Name, strings.Join(parts, ", "), m.Dirty, m.Due)
		if told := m.Messages; told != nil {
			a.tell(txtStatusTold, told.Told, told.Calls, told.Recalled, told.Missed, told.Nobody)
		}
		if s := m.Statement; s != nil {
			a.tell(txtStatusSweep, when(s.At), s.Odoo, s.DingTalk, s.Linked, s.Differing, s.Strangers, s.Absent, s.Held)
			if s.Why != "" {
				a.tell(txtStatusWhy, s.Why)
			}
		}
	}
}

// printHeld prints what is held.
func (a *app) printHeld(held []bridge.HeldRecord) {
	for _, h := range held {
		a.tell(txtStatusHeld, h.Mapping, a.orNone(h.Odoo), a.orNone(h.Ding), h.Reason, when(h.Since))
	}
}

func (a *app) orNone(id bridge.ID) string {
	if id == "" {
		return a.say(txtNone)
	}
	return string(id)
}

// when prints an instant in the zone of whoever reads it.
func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// sortedKeys are the keys of a map in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
