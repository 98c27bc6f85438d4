package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

var (
	txtEvents          = tr("Show which events arrive, which the mappings need, and manage their registration", "查看收到了哪些事件、映射需要哪些事件，并管理回调注册")
	txtFeedStream      = tr("Events come by Stream: connected since %s.", "事件通过 Stream 推送接收：自 %s 起已连接。")
	txtFeedNoStream    = tr("Events come by Stream: NOT connected since %s.", "事件通过 Stream 推送接收：自 %s 起未连接。")
	txtFeedCallback    = tr("Events come by callback: /dingtalk/callback is served since %s.", "事件通过 HTTP 回调接收：/dingtalk/callback 自 %s 起可用。")
	txtFeedOff         = tr("No events are received (dingtalk.mode: off): changes in DingTalk are found by sweeps alone.", "不接收事件（dingtalk.mode: off）：钉钉端的变更只能靠全量核对发现。")
	txtFeedUnknown     = tr("Events are to come by %s; the daemon has not told how that is yet.", "事件应通过 %s 接收；守护进程尚未报告状态。")
	txtFeedOther       = tr("The settings say dingtalk.mode: %s, but the daemon was started with %s: restart it.", "设置中为 dingtalk.mode: %s，但守护进程以 %s 启动：请重启。")
	txtFeedNobody      = tr("No daemon is running: nothing receives events now. The settings say dingtalk.mode: %s.", "守护进程没有运行，现在没有接收事件。设置中为 dingtalk.mode: %s。")
	txtEventsReceived  = tr("Received, and needed:", "已收到且需要的事件：")
	txtEventsMissing   = tr("Needed, and never received:", "需要但从未收到的事件：")
	txtEventsUnneeded  = tr("Received, and no mapping needs it:", "已收到但没有映射需要的事件：")
	txtEventsNone      = tr("No mapping needs an event.", "没有映射需要事件。")
	txtEventLine       = tr("%s: %d, last %s", "%s：%d 次，最近 %s")
	txtEventVia        = tr("by %s %d", "经%s %d 次")
	txtEventFor        = tr("for %s", "用于 %s")
	txtEventCounts     = tr("counts against the quota of pushes", "计入推送额度")
	txtEventWithheld   = tr("%d without content this month", "本月 %d 次未携带内容")
	txtEventUntyped    = tr("(without a type)", "（无类型）")
	txtEventsHint      = tr("  Either nothing of the kind has happened yet, or the event is not switched on. In 开发者后台 open the app, 事件与回调 (事件订阅),\n  and switch it on there under 订阅; the permission it asks for must be granted too.", "  可能还没有发生过此类变更，也可能事件没有订阅。请在开发者后台打开应用的「事件与回调」（事件订阅），\n  在「订阅」中勾选该事件，并开通它要求的权限。")
	txtEventsHintAPI   = tr("  A callback that was registered through the old API is shown by `dingbridge events show` and changed by `dingbridge events update`.", "  通过旧接口注册的回调可用 `dingbridge events show` 查看，用 `dingbridge events update` 更新。")
	txtEventsTry       = tr("  `dingbridge events test` finds out whether events arrive at all.", "  运行 `dingbridge events test` 可检查事件能否到达。")
	txtEventsTurnOff   = tr("  Those that count are worth switching off in the console: each one uses up the quota.", "  计入额度的事件建议在开放平台取消订阅：每一次都会消耗额度。")
	txtEventsFilters   = tr("Approval events count. To receive those of the mapped templates alone, subscribe to these paths instead of the bare events:", "审批事件计入额度。若只想接收映射所用模板的事件，请订阅以下路径，而不是不带条件的事件：")
	txtEventsNoCode    = tr("  %s: its process_code is not known", "  %s：尚不知道其 process_code")
	txtFailedListLine  = tr("The list of events that could not be pushed is read every %s, last %s.", "推送失败的事件列表每 %s 读取一次，最近 %s。")
	txtFailedListCosts = tr("  Each reading is a counted call; there were %d this month. A quota that runs out makes it slower.", "  每次读取计入调用额度，本月已读取 %d 次。额度紧张时会放慢。")
	txtNever           = tr("never", "从未")
)

// The ways by which events come, as a person calls them.
var txtVia = map[string]text{
	bridge.ViaStream:     tr("Stream", " Stream "),
	bridge.ViaCallback:   tr("callback", "回调"),
	bridge.ViaFailedList: tr("the list of failed pushes", "推送失败列表"),
}

func newEvents(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "events", Short: a.say(txtEvents), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := a.openStore()
			if err != nil {
				return err
			}
			return errors.Join(w.events(cmd.Context(), asJSON), w.close())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	cmd.AddCommand(newEventsRegister(a), newEventsUpdate(a), newEventsShow(a), newEventsDelete(a), newEventsTest(a))
	return cmd
}

// events tells what the store knows of events. It calls nobody.
func (w *world) events(ctx context.Context, asJSON bool) error {
	st, err := bridge.ReadStatus(ctx, w.store, nil, w.pace.now())
	if err != nil {
		return err
	}
	quota, err := bridge.ReadQuota(ctx, w.store, st.At, w.zone, w.quotaLimits())
	if err != nil {
		return err
	}
	report := w.reportEvents(st, quota)
	if report.FailedList != nil {
		if report.FailedList.Last, err = w.failedListRead(ctx); err != nil {
			return err
		}
	}
	if asJSON {
		return w.app.json(report)
	}
	w.app.printEvents(report)
	return nil
}

// eventsReport is what `events --json` prints.
type eventsReport struct {
	Mode       string            `json:"mode"` // as the settings say
	Running    bool              `json:"running"`
	Feed       *bridge.Feed      `json:"feed,omitempty"`   // as the running daemon says
	Halted     []bridge.Halted   `json:"halted,omitempty"` // of what brings events
	Pending    int               `json:"pending"`          // not handled yet
	Types      []eventType       `json:"types"`
	Filters    []approvalFilter  `json:"filters"`
	FailedList *failedListReport `json:"failed_list,omitempty"` // mode callback
}

// eventType is what is known of one type: received, needed, or both.
type eventType struct {
	Type     string         `json:"type"`
	Title    string         `json:"title,omitempty"` // in the console
	Count    int            `json:"count"`
	Last     *time.Time     `json:"last,omitempty"`
	Via      map[string]int `json:"via,omitempty"`
	NeededBy []string       `json:"needed_by"` // mappings
	Counted  bool           `json:"counted"`   // against the quota of pushes
	Withheld int64          `json:"withheld"`  // this month, without content
}

// approvalFilter names the subscriptions that bring the events of one template alone.
type approvalFilter struct {
	Mapping     string   `json:"mapping"`
	ProcessCode string   `json:"process_code"` // "": not known
	Paths       []string `json:"paths"`
}

// failedListReport is about the list of events that could not be pushed.
type failedListReport struct {
	Every   string     `json:"every"`
	Last    *time.Time `json:"last,omitempty"`
	Counted bool       `json:"counted"`
	Calls   int64      `json:"calls"` // this month
}

// reportEvents joins what was received with what the mappings need.
func (w *world) reportEvents(st bridge.Status, quota bridge.QuotaStatus) eventsReport {
	ding := w.settings.DingTalk
	r := eventsReport{Mode: ding.Mode, Running: st.Running, Feed: st.Feed, Pending: st.Inbox, Types: []eventType{}, Filters: approvalFilters(w.set)}
	for _, h := range st.Halted {
		if slices.Contains([]string{haltStream, haltFailedList, "pushes"}, h.Scope) {
			r.Halted = append(r.Halted, h)
		}
	}
	needed, withheld, calls := neededEvents(w.set), map[string]int64{}, int64(0)
	for _, d := range quota.Details {
		switch {
		case d.What == bridge.QuotaWithheld:
			withheld[d.Name] += d.N
		case d.What == bridge.QuotaCall && d.Name == dingtalk.PathCallbacksFailed:
			calls += d.N
		}
	}
	counts := func(name string) bool { return dingtalk.Counts(name, ding.Quota.Counted, ding.Quota.Free) }
	types := map[string]bool{}
	for name := range st.Events {
		types[name] = true
	}
	for name := range needed {
		types[name] = true
	}
	for _, name := range sortedKeys(types) {
		e := eventType{Type: name, Title: dingtalk.EventTitle(name), NeededBy: needed[name], Counted: counts(name), Withheld: withheld[name]}
		if e.NeededBy == nil {
			e.NeededBy = []string{}
		}
		if c, ok := st.Events[name]; ok {
			e.Count, e.Last, e.Via = c.Count, &c.Last, c.Via
		}
		r.Types = append(r.Types, e)
	}
	if ding.Mode == "callback" {
		counted := counts(dingtalk.PathCallbacksFailed)
		r.FailedList = &failedListReport{Every: w.failedEvery(counted).String(), Counted: counted, Calls: calls}
	}
	return r
}

// neededEvents are the types of events that can mean a change of what the mappings are about, with the mappings' names.
func neededEvents(set *mapping.Set) map[string][]string {
	needed := map[string][]string{}
	for _, m := range set.Mappings {
		kind, _ := dingtalk.KindByName(m.Kind)
		for _, name := range kind.Events {
			needed[name] = append(needed[name], m.Name)
		}
	}
	return needed
}

// approvalFilters are the subscriptions that bring of each mapped template what the bridge acts on. That an instance began matters only
// where it makes a document, a single step only where it is noted. Documented for bpms_instance_change with start, finish and terminate
// (事件订阅总览); the same form for tasks, and the type delete, are known from practice.
func approvalFilters(set *mapping.Set) []approvalFilter {
	filters := []approvalFilter{}
	for _, m := range set.Mappings {
		if m.Approval == nil {
			continue
		}
		f := approvalFilter{Mapping: m.Name, ProcessCode: m.Approval.ProcessCode, Paths: []string{}}
		add := func(event, change string) {
			f.Paths = append(f.Paths, fmt.Sprintf("/v1.0/event/%s/processCode/%s/type/%s", event, f.ProcessCode, change))
		}
		if f.ProcessCode != "" {
			if m.CreateOdoo.Allowed {
				add("bpms_instance_change", "start")
			}
			for _, end := range []string{"finish", "terminate", "delete"} {
				add("bpms_instance_change", end)
			}
			if m.Approval.Notes.Default || m.Approval.Notes.Task != nil {
				add("bpms_task_change", "finish")
			}
		}
		filters = append(filters, f)
	}
	return filters
}

// failedListRead is when the daemon asked for the list last; nil if never.
func (w *world) failedListRead(ctx context.Context) (*time.Time, error) {
	raw := ""
	err := w.store.View(ctx, func(tx bridge.Tx) (err error) {
		raw, err = tx.Meta(metaFailedList)
		return err
	})
	if err != nil || raw == "" {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339Nano, raw)
	return &at, err
}
