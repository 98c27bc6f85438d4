package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"dingbridge/bridge"
)

var (
	txtNothingWritten = tr("Nothing was written.", "没有写入任何内容。")
	txtApplyWith      = tr("Apply with: dingbridge sync", "执行写入：dingbridge sync")
	txtInWork         = tr("(in work)", "（处理中）")
	txtExitCodeFlag   = tr("exit with 4 when there is anything to do", "若有待执行的操作则以 4 退出")
	txtBeside         = tr("A daemon is running: this plan takes a quarter of the rate limits.", "守护进程正在运行：本次计划只占用四分之一的调用频率。")
)

// besideFraction is the part of each rate limit a command takes beside a running daemon.
const besideFraction = 0.25

func newPlan(a *app) *cobra.Command {
	var asJSON, exitCode bool
	cmd := &cobra.Command{
		Use: "plan [MAPPING…]", Short: a.say(txtPlan),
		RunE: func(cmd *cobra.Command, names []string) error {
			w, err := a.open()
			if err != nil {
				return err
			}
			return errors.Join(w.plan(cmd.Context(), names, asJSON, exitCode), w.close())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, a.say(txtExitCodeFlag))
	return cmd
}

// planOutput is what plan prints as JSON.
type planOutput struct {
	Plans   []bridge.PlanReport `json:"plans"`
	Counts  bridge.PlanCounts   `json:"counts"`
	Written bool                `json:"written"` // always false: a plan never writes
}

func (w *world) plan(ctx context.Context, names []string, asJSON, exitCode bool) error {
	a := w.app
	if err := a.checkNames(w.set, names); err != nil {
		return err
	}
	beside, err := w.running(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(a.err)
	if beside {
		w.ding.Throttle(besideFraction)
		bar.note(a.say(txtBeside))
	}
	if err := w.live(ctx); err != nil {
		return err
	}
	engine, err := w.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	out := planOutput{Plans: []bridge.PlanReport{}}
	yield := func(p *bridge.Plan) error {
		inWork := false
		if beside {
			var err error
			if inWork, err = p.InWork(ctx, w.store); err != nil {
				return err
			}
		}
		if asJSON {
			report := p.Report()
			report.InWork = inWork
			out.Plans = append(out.Plans, report)
			return nil
		}
		bar.clear()
		a.printf("%s", a.planText(p, inWork))
		return nil
	}
	out.Counts, err = engine.PlanMappings(ctx, names, yield, bar.show)
	err = errors.Join(err, engine.KeepQuota(ctx))
	bar.clear()
	if err != nil {
		return err
	}
	if asJSON {
		err = a.json(out)
	} else {
		a.printf("%s\n", a.planEnd(out.Counts, names))
	}
	if err == nil && exitCode && todo(out.Counts) > 0 {
		return errRemain
	}
	return err
}

// planText is the plan's own text; the first line says when a daemon is at the record right now.
func (a *app) planText(p *bridge.Plan, inWork bool) string {
	text := p.String()
	if first, rest, ok := strings.Cut(text, "\n"); inWork && ok {
		return first + "   " + a.say(txtInWork) + "\n" + rest
	}
	return text
}

// planEnd is the last line: the sums, that nothing was written, and how to apply it.
func (a *app) planEnd(c bridge.PlanCounts, names []string) string {
	line := c.String() + " " + a.say(txtNothingWritten)
	if todo(c)-c.Held > 0 {
		line += " " + strings.TrimSpace(a.say(txtApplyWith)+" "+strings.Join(names, " "))
	}
	return line
}

// todo is how many things of a plan are not at rest.
func todo(c bridge.PlanCounts) int { return c.Writes() + c.Links + c.Retired + c.Held + c.Blocked }
