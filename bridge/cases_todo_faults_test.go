package bridge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/odoo/odootest"
)

func makesTodo(r dingtalktest.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/tasks")
}

// compare compares both sides as after a gap in the event stream.
func (d *desk) compare() {
	d.t.Helper()
	d.engine.MissedEvents(true)
	d.engine.SweepDue(d.ctx)
	d.step()
	d.later(time.Minute)
	d.step()
}

func TestATodoIsMadeOnce(t *testing.T) {
	for name, how := range map[string]dingtalktest.Failure{
		"the answer is lost": dingtalktest.DropAfter, "the call is lost": dingtalktest.DropBefore, "no answer comes": dingtalktest.Status(502), "throttled": dingtalktest.Throttled,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.ding.Fail(makesTodo, 1, how)
			id := d.activity(nil)
			d.step()
			d.later(time.Minute)
			d.step()
			want(t, "subject", d.todo().Subject, "给客户打电话 · 上海贸易公司")
			want(t, "link", d.linkState(id), bridge.Linked)
			d.write("mail.activity", id, map[string]any{"user_id": d.userZhang, "date_deadline": "2026-12-20"})
			d.step()
			want(t, "executors after it was assigned anew", strings.Join(d.todo().Executors, ","), d.uZhang)
			d.settled()
			want(t, "held", d.held(), "")
		})
	}
	t.Run("and ticked off before anybody knows of it", func(t *testing.T) {
		d := newDesk(t)
		d.ding.Fail(makesTodo, 1, dingtalktest.DropAfter)
		id := d.activity(nil)
		must(t, d.engine.Step(d.ctx, 10*time.Millisecond))
		must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
		d.later(time.Minute)
		d.step()
		d.todoN(1)
		want(t, "there", d.there(id), false)
		want(t, "messages", len(d.doneMessages()), 1)
	})
	t.Run("and done in Odoo before anybody knows of it", func(t *testing.T) {
		d := newDesk(t)
		d.ding.Fail(makesTodo, 1, dingtalktest.DropAfter)
		id := d.activity(nil)
		must(t, d.engine.Step(d.ctx, 10*time.Millisecond))
		d.finish("li", id)
		d.later(time.Minute)
		d.step()
		want(t, "done", d.todo().Done, true)
		want(t, "deleted", d.todo().Deleted, false)
		want(t, "link", d.linkState(id), bridge.Settled)
	})
	t.Run("and deleted before anybody knows of it", func(t *testing.T) {
		d := newDesk(t)
		d.ding.Fail(makesTodo, 1, dingtalktest.DropAfter)
		id := d.activity(nil)
		must(t, d.engine.Step(d.ctx, 10*time.Millisecond))
		must(t, d.ding.DeleteTodo(d.uZhang, d.todo().ID))
		d.later(time.Minute)
		d.step()
		d.todoN(1)
		want(t, "there", d.there(id), true)
		d.wantHeld("deleted since")
	})
}

func TestAnActivityIsFinishedOnce(t *testing.T) {
	finishes := func(c odootest.Call) bool { return c.Method == "action_feedback" }
	for name, how := range map[string]odootest.Failure{
		"the answer is lost": odootest.DropAfter, "the call is lost": odootest.DropBefore, "odoo is overloaded": odootest.SerializationFailure,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := d.activity(nil)
			d.step()
			d.odoo.Fail(finishes, 1, how)
			must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
			d.step()
			d.later(time.Minute)
			d.step()
			want(t, "there", d.there(id), false)
			want(t, "messages", len(d.doneMessages()), 1)
			want(t, "link", d.linkState(id), bridge.Settled)
			d.settled()
		})
	}
}

// TestTickedOffByWhomItWasAssignedTo: it was done by whoever had it in DingTalk, though Odoo has assigned it to somebody else since.
func TestTickedOffByWhomItWasAssignedTo(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.write("mail.activity", id, map[string]any{"user_id": d.userZhang})
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	must(t, d.ding.FlushEvents(d.ctx))
	d.step()
	want(t, "there", d.there(id), false)
	done := d.doneMessages()
	want(t, "messages", len(done), 1)
	if !strings.HasPrefix(done[0], "李四: ") || !strings.Contains(done[0], "李四 在钉钉完成") {
		t.Errorf("done: %s", done[0])
	}
	d.settled()
}

func TestTodosWhoseEventsAreLostOrComeTwice(t *testing.T) {
	d := newDesk(t)
	d.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate = 1; k.Reorder = 0.5 })
	ticked := d.activity(nil)
	d.step()
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	d.step()
	want(t, "there", d.there(ticked), false)
	want(t, "messages", len(d.doneMessages()), 1)

	d.ding.Set(func(k *dingtalktest.Knobs) { k.Duplicate, k.Reorder, k.Lose = 0, 0, 1 })
	for _, summary := range []string{"甲", "乙", "丙", "丁"} {
		d.activity(map[string]any{"summary": summary})
	}
	d.step()
	todos := map[string]dingtalktest.Todo{}
	for _, todo := range d.todoN(5) {
		todos[strings.SplitN(todo.Subject, " ", 2)[0]] = todo
	}
	must(t, d.ding.FinishTodo(d.uLi, todos["甲"].ID))
	must(t, d.ding.DeleteTodo(d.uZhang, todos["乙"].ID))
	must(t, d.ding.EditTodo(todos["丙"].ID, func(todo *dingtalktest.Todo) { todo.Due = time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC) }))
	d.step()
	want(t, "activities before the comparison", len(d.people.Search("mail.activity", nil)), 4)
	d.compare() // the first one learns what the lists cover: only then is absence worth anything
	d.ding.ResetJournal()
	d.compare()
	t.Logf("%d counted calls to compare", d.ding.CountedCalls())
	left := d.people.Search("mail.activity", nil)
	want(t, "activities", len(left), 2)
	want(t, "messages", len(d.doneMessages()), 2)
	for _, id := range left {
		if rec := d.people.Get("mail.activity", id); text(rec, "summary") == "丙" {
			want(t, "deadline", text(rec, "date_deadline"), "2026-12-25")
		}
	}
	d.settled()
}

func TestComparingTodosCostsAListAPersonAtMost(t *testing.T) {
	d := newDesk(t)
	for range 30 {
		d.activity(nil)
		d.activity(map[string]any{"create_user_id": d.userLi})
	}
	d.step()
	d.todoN(60)
	want(t, "counted calls to make them", d.ding.CountedCalls(), 60)
	d.compare()
	d.ding.ResetJournal()
	d.compare()
	if n := d.ding.CountedCalls(); n > 2*2 { // pages of two people
		t.Errorf("%d counted calls", n)
	}
}

func TestATickThatDingTalkDoesNotShowAtOnce(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.later(time.Minute)
	d.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 30 * time.Millisecond })
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	d.step()
	want(t, "there", d.there(id), false)
	want(t, "messages", len(d.doneMessages()), 1)
}

func TestTheBridgeEndsWhileATodoIsMade(t *testing.T) {
	d := newDesk(t)
	ctx, end := context.WithCancel(d.ctx)
	d.ding.OnRequest(func(r dingtalktest.Request) {
		if makesTodo(r) {
			end()
		}
	})
	d.ding.Fail(makesTodo, 1, dingtalktest.DropAfter)
	id := d.activity(nil)
	if err := d.engine.Step(ctx, time.Second); ctx.Err() == nil {
		t.Fatalf("it was not ended, but: %v", err)
	}
	d.ding.OnRequest(nil)
	d.reopen()
	d.later(time.Minute)
	d.sync()
	d.step()
	want(t, "link", d.linkState(id), bridge.Linked)
	d.write("mail.activity", id, map[string]any{"date_deadline": "2026-12-30"})
	d.step()
	want(t, "due", d.todo().Due.In(time.FixedZone("", 8*3600)).Format(time.DateOnly), "2026-12-30")

	// Done on both sides while the bridge is down.
	d.reopen()
	d.finish("li", id)
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	must(t, d.ding.FlushEvents(d.ctx))
	d.sync()
	d.step()
	want(t, "link", d.linkState(id), bridge.Settled)
	want(t, "messages", len(d.doneMessages()), 1)
	d.settled()
}
