package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

func TestBothMovedTheDeadline(t *testing.T) {
	for rule, day := range map[string]string{"odoo": "2026-12-20", "dingtalk": "2026-12-25", "hold": "2026-12-20"} {
		t.Run(rule, func(t *testing.T) {
			d := newDesk(t, func(s string) string { return strings.Replace(s, "conflict: odoo", "conflict: "+rule, 1) })
			id := d.activity(nil)
			d.step()
			must(t, d.ding.EditTodo(d.todo().ID, func(todo *dingtalktest.Todo) { todo.Due = time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC) }))
			d.write("mail.activity", id, map[string]any{"date_deadline": "2026-12-20"})
			d.step()
			want(t, "in odoo", text(d.people.Get("mail.activity", id), "date_deadline"), day)
			if rule == "hold" {
				d.wantHeld("conflict on dueTime")
				return
			}
			want(t, "in dingtalk", d.todo().Due.In(time.FixedZone("", 8*3600)).Format(time.DateOnly), day)
			d.settled()
		})
	}
}

func TestManyCancelledTodosWaitForAPerson(t *testing.T) {
	d := newDesk(t, func(s string) string { return strings.Replace(s, "removals: 50", "removals: 1", 1) })
	ids := []int64{d.activity(nil), d.activity(nil), d.activity(nil)}
	d.step()
	must(t, d.people.Unlink("mail.activity", ids...))
	d.step()
	deleted := 0
	for _, todo := range d.todoN(3) {
		if todo.Deleted {
			deleted++
		}
	}
	want(t, "deleted", deleted, 1)
	st, err := bridge.ReadStatus(d.ctx, d.store, []string{"activity-todo"}, time.Now())
	must(t, err)
	want(t, "lists that wait", len(st.Lists), 1)
	for _, g := range st.Lists {
		_, err := bridge.Release(d.ctx, d.store, g.List)
		must(t, err)
	}
	d.step()
	for _, todo := range d.todoN(3) {
		want(t, "deleted", todo.Deleted, true)
	}
	d.settled()
}

func TestActivitiesOfPeopleWithoutDingTalk(t *testing.T) {
	d := newDesk(t)
	stranger := d.odoo.AddUser("wang", "secret-of-wang", "base.group_user")
	d.write("res.users", stranger, map[string]any{"name": "王五"})
	id := d.activity(map[string]any{"user_id": stranger})
	byBot := d.activity(map[string]any{"create_user_id": stranger, "summary": "系统派的"})
	d.step()
	want(t, "whoever has no DingTalk assigns in the name of who is to do it", d.todo().Creator, d.uLi)
	d.wantHeld("executorIds is required by dingtalk and empty in odoo")
	want(t, "link", d.linkState(byBot), bridge.Linked)
	x, err := d.engine.Explain(d.ctx, ref(mapping.Odoo, "mail.activity", id))
	must(t, err)
	t.Log(x[0].Row, x[0].Plan)

	d.employee("王五", "13800000003", map[string]any{"user_id": stranger, "department_id": d.rd})
	d.step()
	d.compare()
	all := d.todoN(2)
	want(t, "executor", strings.Join(all[1].Executors, ","), d.user("13800000003").UserID)
	want(t, "held", d.held(), "")
}

func TestDoneAndCancelledAlike(t *testing.T) {
	d := newDesk(t)
	first, second := d.activity(nil), d.activity(nil)
	d.step()
	d.finish("li", second)
	d.step()
	want(t, "the one that was done", d.linkState(second), bridge.Settled)
	must(t, d.people.Unlink("mail.activity", first))
	d.step()
	var done, deleted int
	for _, todo := range d.todoN(2) {
		if todo.Done {
			done++
		}
		if todo.Deleted {
			deleted++
		}
	}
	want(t, "done", done, 1)
	want(t, "deleted", deleted, 1)

	third := d.activity(map[string]any{"summary": "问 <价格> & 交期"})
	d.step()
	d.finish("zhang", third)
	d.step()
	want(t, "one with odd characters", d.linkState(third), bridge.Settled)
	must(t, d.people.Write("res.partner", d.customer, map[string]any{"active": true}))
}

func TestACustomerIsDeletedWithItsActivities(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	must(t, d.people.Unlink("mail.activity", id))
	must(t, d.people.Unlink("res.partner", d.customer))
	d.step()
	want(t, "deleted", d.todo().Deleted, true)
}

func TestWhatPeopleMakeInDingTalkIsLeftAlone(t *testing.T) {
	d := newDesk(t)
	own := d.ding.AddTodo(dingtalktest.Todo{Subject: "买牛奶", Creator: d.uLi, Executors: []string{d.uLi}})
	d.step()
	must(t, d.ding.FinishTodo(d.uLi, own))
	d.step()
	want(t, "counted calls", d.ding.CountedCalls(), 0)
	want(t, "activities", len(d.people.Search("mail.activity", nil)), 0)
	d.settled()
}

func TestWhatIsOpenAtTheStartIsLeftAlone(t *testing.T) {
	d := newDeskWith(t, nil, nil, func(string) string { return "" })
	d.activity(nil)
	src, _ := mapping.Preset("activity-todo")
	d.reopen(append(presets(t), src)...)
	d.sync()
	d.step()
	d.todoN(0)
	later := d.activity(map[string]any{"summary": "新的"})
	d.step()
	d.todoN(1)
	want(t, "link", d.linkState(later), bridge.Linked)
}

func TestAnActivityOnADocumentTheBridgeMayNotRead(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.odoo.Rule("res.partner", "bridge", []any{[]any{"id", "!=", d.customer}})
	must(t, d.people.Unlink("mail.activity", id))
	d.step()
	want(t, "deleted", d.todo().Deleted, false)
	x, err := d.engine.Explain(d.ctx, ref(mapping.Odoo, "mail.activity", id))
	must(t, err)
	printed := x[0].String()
	t.Log(printed)
	for _, words := range []string{"the bridge's user may not read res.partner", "unknown never causes anything", "linked"} {
		if !strings.Contains(printed, words) {
			t.Errorf("the explanation lacks %q", words)
		}
	}
	d.ding.ResetJournal()
	for range 5 {
		d.step()
	}
	want(t, "counted calls while nobody knows", d.ding.CountedCalls(), 0)
}

func TestAnActivityAssignedToSomebodyWithoutDingTalk(t *testing.T) {
	d := newDesk(t)
	stranger := d.odoo.AddUser("wang", "secret-of-wang", "base.group_user")
	id := d.activity(nil)
	d.step()
	d.write("mail.activity", id, map[string]any{"user_id": stranger})
	d.step()
	want(t, "executors", strings.Join(d.todo().Executors, ","), d.uLi)
	d.wantHeld("executorIds cannot be emptied in dingtalk by an app")
	d.write("mail.activity", id, map[string]any{"user_id": d.userLi})
	d.step()
	want(t, "held after it was assigned back", d.held(), "")
	d.write("mail.activity", id, map[string]any{"user_id": stranger})
	d.step()
	d.write("mail.activity", id, map[string]any{"user_id": d.userZhang})
	d.step()
	want(t, "executors", strings.Join(d.todo().Executors, ","), d.uZhang)
	want(t, "held", d.held(), "")
}

func TestAnActivityIsExplained(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.write("mail.activity", id, map[string]any{"date_deadline": "2026-12-14"})
	x, err := d.engine.Explain(d.ctx, ref(mapping.Odoo, "mail.activity", id))
	must(t, err)
	printed := x[0].String()
	t.Log(printed)
	for _, words := range []string{"dueTime", "2026-12-11", "2026-12-14", "changed in odoo", "create dingtalk", d.todo().ID} {
		if !strings.Contains(printed, words) {
			t.Errorf("the explanation lacks %q", words)
		}
	}
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	text, counts := d.plan("activity-todo")
	t.Log(text, counts)
	if !strings.Contains(text, "finish: done in dingtalk") || counts.Finished != 1 {
		t.Errorf("the plan says %s", text)
	}
}

func TestWhoeverAssignedItHasLeft(t *testing.T) {
	d := newDesk(t)
	ticked, edited, done := d.activity(nil), d.activity(map[string]any{"summary": "改期"}), d.activity(map[string]any{"summary": "发报价"})
	d.step()
	byName := map[string]string{}
	for _, todo := range d.todoN(3) {
		byName[strings.SplitN(todo.Subject, " ", 2)[0]] = todo.ID
	}
	must(t, d.ding.RemoveUser(d.uZhang))
	d.later(time.Minute)
	d.step()
	must(t, d.ding.FinishTodo(d.uLi, byName["给客户打电话"]))
	d.step()
	want(t, "the one that was ticked off", d.there(ticked), false)
	d.write("mail.activity", edited, map[string]any{"date_deadline": "2026-12-30"})
	d.finish("li", done)
	d.step()
	todo, _ := d.ding.Todo(byName["改期"])
	want(t, "due", todo.Due.In(time.FixedZone("", 8*3600)).Format(time.DateOnly), "2026-12-30")
	todo, _ = d.ding.Todo(byName["发报价"])
	want(t, "done", todo.Done, true)
	d.compare()
	want(t, "links", d.linkState(edited), bridge.Linked)
}

func TestAnActivityOnADocumentTheBridgeMayNotWrite(t *testing.T) {
	d := newDesk(t)
	project := d.people.Create("project.project", map[string]any{"name": "样机"})
	closed := d.activity(map[string]any{"res_model_id": d.people.Search("ir.model", []any{[]any{"model", "=", "project.project"}})[0], "res_id": project, "summary": "写总结"})
	id := d.activity(nil)
	d.step()
	for _, todo := range d.todoN(2) {
		must(t, d.ding.FinishTodo(d.uLi, todo.ID))
	}
	d.step()
	want(t, "the one it may write", d.there(id), false)
	want(t, "the other one", d.there(closed), true)
	d.wantHeld("odoo refused to finish it")
	if halted := d.engine.Halted(); len(halted) > 0 {
		t.Errorf("all is halted: %v", halted)
	}
	must(t, d.people.Unlink("mail.activity", closed)) // somebody takes care of it
	d.step()
	want(t, "link", d.linkState(closed), bridge.Settled)
}
