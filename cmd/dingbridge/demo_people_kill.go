package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

var (
	txtPeopleKill = tr("An announcement to 250 people is three calls. The daemon is now a process of its own; it is killed in the middle, and started again:",
		"面向 250 人的通知需要三次调用。守护进程改为独立进程运行，在中途被强行终止，再重新启动：")
	txtKilled        = tr("kill -9 while the second of three calls was being answered: %d of %d people had it", "第二次调用等待应答时执行 kill -9：%[2]d 人中已有 %[1]d 人收到")
	txtKillArrive    = tr("started again: all %d people have the announcement, each once; the to-do, the event and the group are there", "重新启动后：%d 人全部收到通知，且每人只收到一次；待办、日程与群也已建立")
	txtKillMeanwhile = tr("While no daemon runs, people go on in odoo: an activity, a meeting, a channel.", "守护进程未运行期间，人们继续在 odoo 中工作：安排活动、召集会议、建立频道。")
	txtKillEarly     = tr("the daemon was not killed in the middle: %d calls", "守护进程没有在中途被终止：调用了 %d 次")
)

const (
	killReceivers = 250
	childWithin   = 60 * time.Second // for a process to begin, and to compare the whole company first
)

// playKill announces something while the daemon is a process of its own, and kills that process while the second of three calls is under way.
func (d *demo) playKill(ctx context.Context, ended <-chan error) error {
	n := d.newsroom
	if err := d.stop(); err != nil {
		return err
	}
	first, err := d.spawn(ctx)
	if err != nil {
		return err
	}
	defer first.kill()
	words := "通知：" + n.next() + "号楼消防演习"
	sent := n.killAt(2, first)
	tag, err := n.announce(words)
	if err != nil {
		return err
	}
	if err := await(ctx, ended, childWithin, demoLook, first.over, func() error { return nil }); err != nil {
		return err
	}
	n.ding.OnRequest(nil)
	if sent.Load() != 2 {
		d.tell(txtKillEarly, sent.Load())
		return &toldError{code: exitRemain}
	}
	d.printf("%s  %s  %s\n", time.Now().Format(time.TimeOnly), toDing, d.say(txtKilled, n.reached(words), killReceivers))
	d.tell(txtKillMeanwhile)
	meanwhile, err := n.meanwhile(d)
	if err != nil {
		return err
	}
	if err := d.showInterrupted(ctx, tag); err != nil {
		return err
	}
	var second *child
	d.after = func(ctx context.Context) error { return d.showExplained(ctx, tag) }
	err = d.performCounted(ctx, ended, func() (edit, error) {
		return edit{toDing, d.say(txtKillArrive, killReceivers), func() (err error) {
			second, err = d.spawn(ctx)
			return err
		}, func() bool {
			return n.told() && !slices.ContainsFunc(meanwhile, func(e edit) bool { return !e.arrived() })
		}}, nil
	})
	if second != nil {
		err = errors.Join(err, second.end())
	}
	d.start(ctx)
	return err
}

// announce gives a new tag to people, which announces its name to them.
func (n *newsroom) announce(words string) (tag int64, err error) {
	n.present = nil
	staff := n.staff[:killReceivers]
	for i := range staff {
		member, ok := n.userByMobile(n.co.people[i].mobile)
		if !ok {
			return 0, fmt.Errorf("%s is not in DingTalk", n.co.people[i].name)
		}
		n.oweTo(member.UserID, words)
	}
	return n.tag(words, staff...)
}

// tag makes a tag of employees.
func (n *newsroom) tag(name string, staff ...int64) (int64, error) {
	return n.admin.Create("hr.employee.category", map[string]any{"name": name, "employee_ids": []any{[]any{6, 0, staff}}})
}

// reached is how many people have something.
func (n *newsroom) reached(words string) (people int) {
	for _, one := range n.present {
		if one.words == words && len(n.receipts(one)) > 0 {
			people++
		}
	}
	return people
}

// killAt kills the process while DingTalk carries out the nth notice from now on; the answer finds nobody.
func (n *newsroom) killAt(nth int64, c *child) (sent *atomic.Int64) {
	sent = &atomic.Int64{}
	n.ding.OnRequest(func(r dingtalktest.Request) {
		if r.Path == sendPaths[0] && sent.Add(1) == nth {
			c.kill()
		}
	})
	return sent
}

// meanwhile are things that people do in Odoo while no daemon runs.
func (n *newsroom) meanwhile(d *demo) (done []edit, err error) {
	for _, act := range []func(*demo) (edit, error){n.assign, n.invite, n.found} {
		e, err := act(d)
		if err == nil {
			err = e.do()
		}
		if err != nil {
			return nil, err
		}
		done = append(done, e)
	}
	return done, nil
}

// showInterrupted prints the plan of what was interrupted and of what people did since, and how far the announcement has come.
func (d *demo) showInterrupted(ctx context.Context, tag int64) error {
	names := []string{"announcement", "activity-todo", "meetings", "channel-group"}
	d.printf("\n$ dingbridge plan %s\n", strings.Join(names, " "))
	engine, counts, err := d.planOf(ctx, names...)
	if err != nil {
		return err
	}
	d.printf("%s\n\n", d.planEnd(counts, names))
	if err := d.explainRecord(ctx, engine, "announcement", announced(tag)); err != nil {
		return err
	}
	d.printf("\n")
	return nil
}

// announced is the tag whose name is announced.
func announced(tag int64) bridge.Ref { return recordOf("hr.employee.category", tag) }

func recordOf(model string, id int64) bridge.Ref {
	return bridge.Ref{Side: mapping.Odoo, Kind: model, ID: bridge.ID(strconv.FormatInt(id, 10))}
}

// showExplained prints what explain says of one of each kind.
func (d *demo) showExplained(ctx context.Context, tag int64) error {
	engine, _, err := d.planOf(ctx)
	if err != nil {
		return err
	}
	n := d.newsroom
	for _, one := range []struct {
		mapping string
		record  bridge.Ref
	}{
		{"announcement", announced(tag)},
		{"activity-todo", recordOf("mail.activity", n.chore().activity)},
		{"meetings", recordOf("calendar.event", n.appointment().meeting)},
		{"channel-group", recordOf("mail.channel", n.club().channel)},
	} {
		d.printf("\n")
		if err := d.explainRecord(ctx, engine, one.mapping, one.record); err != nil {
			return err
		}
	}
	return nil
}

// child is a daemon in a process of its own.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error
}

// spawn starts the program itself as a daemon, and waits until it has compared both sides.
func (d *demo) spawn(ctx context.Context) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, program, "run"), ended: make(chan struct{})} //nolint:gosec // this very program
	c.cmd.Dir, c.cmd.Stderr = d.dir, io.Discard
	if d.logs {
		c.cmd.Stderr = d.err
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DINGBRIDGE_") {
			c.cmd.Env = append(c.cmd.Env, v)
		}
	}
	for _, name := range sortedKeys(d.vars) {
		c.cmd.Env = append(c.cmd.Env, name+"="+d.vars[name])
	}
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	err = await(ctx, nil, childWithin, 5*demoLook, func() bool { return c.over() || d.swept("announcement", begin) }, func() error { return nil })
	if err == nil && c.over() {
		err = fmt.Errorf("the daemon ended: %w", c.err)
	}
	if err != nil {
		c.kill()
		return nil, fmt.Errorf("a daemon in a process of its own: %w", err)
	}
	return c, nil
}

// swept says whether a mapping was compared since a time.
func (d *demo) swept(name string, since time.Time) bool {
	st, err := bridge.ReadStatus(context.Background(), d.world.store, []string{name}, time.Now())
	return err == nil && len(st.Mappings) == 1 && st.Mappings[0].Statement != nil && st.Mappings[0].Statement.At.After(since)
}

// over says whether the process has ended.
func (c *child) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// kill ends the process at once, as kill -9 does.
func (c *child) kill() { _ = c.cmd.Process.Kill() } // it may have ended

// end lets the process end by itself.
func (c *child) end() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-c.ended
	return c.err
}
