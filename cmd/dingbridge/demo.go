package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
)

var (
	txtOnceFlag     = tr("run a fixed script of changes, check that both sides are equal, and end", "执行一段固定的变更脚本，检查两边一致后结束")
	txtScenarioFlag = tr("what to play: employees, approvals or people", "演示内容：employees（员工）、approvals（审批）或 people（消息、待办、日程与群）")
	txtSeedFlag     = tr("another number invents another company", "换一个数字就会虚构另一家公司")
	txtLogFlag      = tr("show the daemon's log on standard error", "在标准错误输出显示守护进程日志")
	txtDemoStage    = tr("Odoo 12 stand-in      %s  %d departments, %d people\nDingTalk stand-in     %s  %d departments, %d people", "Odoo 12 仿真服务器  %s  部门 %d 个，员工 %d 人\n钉钉仿真服务器      %s  部门 %d 个，成员 %d 人")
	txtDemoEqual    = tr("Both sides are equal after %.1f s: %d departments and %d people, compared one by one.", "%.1f 秒后两边一致：部门 %d 个，人员 %d 人，已逐一比对。")
	txtDemoRelease  = tr("The guard holds back what is too much for one day; a person looks and lets it go:", "保护限额拦下了一天内过多的操作；由人查看后放行：")
	txtDemoGuard    = tr("The guard was raised in the mapping files, and the running daemon has taken them up.", "已在映射文件中提高保护限额，运行中的守护进程已重新加载。")
	txtDemoLate     = tr("not arrived within %s: %s", "%s 内没有到达：%s")
	txtDemoPeople   = tr("\nNow people edit both sides (Ctrl-C ends the demo):\n", "\n现在两边都有人修改（Ctrl-C 结束演示）：\n")
	txtDemoSums     = tr("\n%d changes arrived: %d to DingTalk, %d to Odoo, %d both ways; median %.2f s, slowest %.2f s.", "\n%d 项变更全部到达：%d 项到钉钉，%d 项到 Odoo，%d 项双向；中位数 %.2f 秒，最慢 %.2f 秒。")
	txtDemoDiffers  = tr("the two sides differ in %d points:", "两边有 %d 处不一致：")
	txtDemoBye      = tr("\nThe demo is over; its servers and its data are gone.", "\n演示结束，服务器与数据都已清除。")
)

// The demo's patience.
const (
	demoEqualWithin  = 60 * time.Second // the first sync
	demoArriveWithin = 30 * time.Second // one change
	demoLook         = 10 * time.Millisecond
	demoRelease      = 250 * time.Millisecond // how often the guard's lists are looked at
	demoBetween      = 2 * time.Second        // between two changes of the endless demo
	demoPeople       = 200
)

func newDemo(a *app) *cobra.Command {
	var once, logs bool
	var seed uint64
	var name string
	cmd := &cobra.Command{
		Use: "demo", Short: a.say(txtDemo), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			play, ok := scenarios[name]
			if !ok {
				return usage(fmt.Errorf("there is no scenario %q; the scenarios are: %s", name, strings.Join(slices.Sorted(maps.Keys(scenarios)), ", ")))
			}
			d := &demo{app: a, once: once, logs: logs, scenario: play}
			return d.run(cmd.Context(), seed)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, a.say(txtOnceFlag))
	cmd.Flags().StringVar(&name, "scenario", scenarioEmployees, a.say(txtScenarioFlag))
	cmd.Flags().Uint64Var(&seed, "seed", 1, a.say(txtSeedFlag))
	cmd.Flags().BoolVar(&logs, "log", false, a.say(txtLogFlag))
	return cmd
}

// scenario is what a demo plays.
type scenario struct {
	people   int                                    // of the company
	guard    string                                 // of the mappings of people, at first
	set      func(*demo) error                      // prepares the stage beyond the company; may be nil
	mappings func(*demo) (map[string]string, error) // further mapping files, by name; may be nil
	extra    func(*demo) map[string]string          // more of the daemon's; may be nil
	tune     func(*bridge.Options)                  // shorter waits, so that a demo is short; may be nil
	play     func(d *demo, ctx context.Context, ended <-chan error) error
}

// The scenarios, by name.
const (
	scenarioEmployees = "employees"
	scenarioApprovals = "approvals"
	scenarioPeople    = "people"
)

var scenarios = map[string]scenario{
	scenarioEmployees: {people: demoPeople, guard: demoGuardFirst, play: (*demo).play},
	scenarioApprovals: approvalsScenario,
	scenarioPeople:    peopleScenario,
}

// demo is the real bridge, in this process, between the two stand-ins.
type demo struct {
	*app
	scenario
	once, logs bool
	stage      *stage
	world      *world
	office     *office   // of the scenario approvals
	newsroom   *newsroom // of the scenario people
	dir        string    // of everything that is on the disk
	files      string    // folder of the mapping files
	names      []string
	clock      demoClock
	inner      *app                        // the daemon's
	vars       map[string]string           // the daemon's environment
	stop       func() error                // ends the daemon
	ended      chan error                  // receives what the daemon ended with, when that was by itself
	after      func(context.Context) error // shows more of the present act once it has arrived; may be nil
	looks      int                         // counted calls of what was shown
	delays     []time.Duration
	routes     map[string]int
}

// run sets the stage, shows the plan, starts the daemon, and plays.
func (d *demo) run(ctx context.Context, seed uint64) (err error) {
	if d.dir, err = os.MkdirTemp("", "dingbridge-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if d.stage, err = newStage("", "", d.clock.now); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stage.close()) }()
	if err := d.stage.populate(newCompany(d.people, seed)); err != nil {
		return err
	}
	if d.set != nil {
		if err := d.set(d); err != nil {
			return err
		}
	}
	if err := d.writeMappings(filepath.Join(d.dir, "mappings"), d.guard); err != nil {
		return err
	}
	s := d.stage
	d.tell(txtDemoStage, s.odooURL, len(s.unitIDs), len(s.staff), s.dingURL, len(s.ding.Departments())-1, len(s.ding.Users()))
	d.vars = s.vars()
	maps.Copy(d.vars, map[string]string{
		"DINGBRIDGE_STORE": filepath.Join(d.dir, "demo.db"), "DINGBRIDGE_HTTP_LISTEN": "127.0.0.1:0", "DINGBRIDGE_POLL": "400ms",
		"DINGBRIDGE_MAPPINGS": filepath.Join(d.dir, "mappings", "*.yaml"), "DINGBRIDGE_DINGTALK_QPS": "1000", "DINGBRIDGE_DINGTALK_STALE_WINDOW": "1s", "DINGBRIDGE_LANGUAGE": string(d.lang),
	})
	if d.extra != nil {
		maps.Copy(d.vars, d.extra(d))
	}
	d.inner = &app{in: d.in, out: io.Discard, err: io.Discard, lang: d.lang, env: func(name string) string { return d.vars[name] }, now: d.clock.now}
	if d.logs {
		d.inner.err = d.err
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	d.ended = make(chan error, 1)
	d.start(ctx)
	err = d.scenario.play(d, ctx, d.ended)
	err = errors.Join(err, d.stop(), d.world.close())
	if errors.Is(err, context.Canceled) && ctx.Err() != nil && !d.once {
		d.tell(txtDemoBye)
		return nil
	}
	return err
}

// play waits until both sides are equal, then lets people edit them.
func (d *demo) play(ctx context.Context, ended <-chan error) error {
	begin := time.Now()
	if err := d.untilEqual(ctx, ended, demoEqualWithin); err != nil {
		return err
	}
	d.tellEqual(begin)
	if err := d.raiseGuard(ctx, ended); err != nil {
		return err
	}
	if !d.once {
		d.tell(txtDemoPeople)
	} else {
		d.printf("\n")
	}
	e := &editor{stage: d.stage, say: d.say}
	if !d.once {
		for {
			if err := d.perform(ctx, ended, e.any()); err != nil {
				return err
			}
			if !pause(ctx, demoBetween) {
				return ctx.Err()
			}
		}
	}
	for _, next := range e.script() {
		if err := d.perform(ctx, ended, next); err != nil {
			return err
		}
	}
	d.tell(txtDemoSums, len(d.delays), d.routes[toDing], d.routes[toOdoo], d.routes[toBoth], median(d.delays).Seconds(), slices.Max(d.delays).Seconds())
	begin = time.Now()
	if err := d.untilEqual(ctx, ended, demoArriveWithin); err != nil {
		return err
	}
	d.tellEqual(begin)
	return nil
}

func (d *demo) tellEqual(begin time.Time) {
	st := d.stage.dingState()
	d.tell(txtDemoEqual, time.Since(begin).Seconds(), len(st.units), len(st.people))
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// untilEqual waits until the two stand-ins hold the same, and releases the guard's lists as they come. What differs when the time is
// over is the error.
func (d *demo) untilEqual(ctx context.Context, ended <-chan error, within time.Duration) error {
	var last []string
	err := d.await(ctx, ended, within, 20*demoLook, func() bool {
		last = d.stage.differences()
		return len(last) == 0
	})
	return d.tellDifferences(err, last)
}

// errLate says that something did not happen in time.
var errLate = errors.New("too late")

// await looks until done, the time is over, or the daemon ended; the guard's lists are released meanwhile.
func (d *demo) await(ctx context.Context, ended <-chan error, within, every time.Duration, done func() bool) error {
	released := time.Now()
	return await(ctx, ended, within, every, done, func() error {
		if time.Since(released) < demoRelease {
			return nil
		}
		released = time.Now()
		return d.releaseLists(ctx)
	})
}

// await looks every so often until done, and does something else between two looks; errLate when the time is over.
func await(ctx context.Context, ended <-chan error, within, every time.Duration, done func() bool, between func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		if err := between(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return errors.Join(errors.New("the daemon ended"), err)
		case <-deadline.C:
			return errLate
		case <-tick.C:
		}
	}
	return nil
}

// releaseLists does what a person does who finds the guard's lists in order.
func (d *demo) releaseLists(ctx context.Context) error {
	st, err := bridge.ReadStatus(ctx, d.world.store, nil, time.Now())
	if err != nil || len(st.Lists) == 0 {
		return err
	}
	d.tell(txtDemoRelease)
	for _, l := range st.Lists {
		d.printf("$ dingbridge release %d   # %s: %s\n", l.List, l.Mapping, riskCounts(l.Counts))
		if _, err := bridge.Release(ctx, d.world.store, l.List); err != nil {
			return err
		}
	}
	return nil
}

// perform lets people do one edit and tells when it has arrived.
func (d *demo) perform(ctx context.Context, ended <-chan error, next func() (edit, error)) error {
	e, err := next()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := e.do(); err != nil {
		return fmt.Errorf("%s: %w", e.what, err)
	}
	if err := d.await(ctx, ended, demoArriveWithin, demoLook, e.arrived); err != nil {
		if errors.Is(err, errLate) {
			d.tell(txtDemoLate, demoArriveWithin, e.what)
			return &toldError{code: exitRemain}
		}
		return err
	}
	took := time.Since(begin)
	d.delays = append(d.delays, took)
	if d.routes == nil {
		d.routes = map[string]int{}
	}
	d.routes[e.route]++
	d.printf("%s  %s  %s   %.2f s\n", begin.Format(time.TimeOnly), e.route, e.what, took.Seconds())
	return nil
}
