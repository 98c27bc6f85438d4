package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// desk is the small company whose people use Odoo: 张三 assigns, 李四 does.
type desk struct {
	*one
	userZhang, userLi int64 // of Odoo
	customer          int64
}

func newDesk(t *testing.T, edits ...func(string) string) *desk {
	t.Helper()
	return newDeskWith(t, nil, nil, edits...)
}

// newDeskWith is newDesk with further groups for the bridge's user, and further mappings.
func newDeskWith(t *testing.T, groups []string, more []mapping.Source, edits ...func(string) string) *desk {
	t.Helper()
	src, ok := mapping.Preset("activity-todo")
	if !ok {
		t.Fatal("no preset activity-todo")
	}
	text := string(src.Data)
	for _, edit := range edits {
		text = edit(text)
	}
	all := append(presets(t), more...)
	if text != "" {
		all = append(all, mapping.Source{File: src.File, Data: []byte(text)})
	}
	w := newWorldAs(t, groups, all...)
	w.standIn()
	d := &desk{one: staffed(w)}
	d.userZhang = d.odoo.AddUser("zhang", "secret-of-zhang", "base.group_user", "base.group_partner_manager")
	d.userLi = d.odoo.AddUser("li", "secret-of-li", "base.group_user", "base.group_partner_manager")
	d.write("res.users", d.userLi, map[string]any{"name": "李四", "lang": "zh_CN"})
	d.write("res.users", d.userZhang, map[string]any{"name": "张三"})
	d.write("hr.employee", d.zhang, map[string]any{"user_id": d.userZhang})
	d.write("hr.employee", d.li, map[string]any{"user_id": d.userLi})
	d.customer = d.people.Create("res.partner", map[string]any{"name": "上海贸易公司"})
	d.step()
	d.ding.ResetJournal()
	return d
}

// activity lets 张三 ask 李四 to call the customer; vals say what is different.
func (d *desk) activity(vals map[string]any) int64 {
	d.t.Helper()
	all := map[string]any{
		"res_model_id": d.people.Search("ir.model", []any{[]any{"model", "=", "res.partner"}})[0], "res_id": d.customer,
		"activity_type_id": int64(2), "summary": "给客户打电话", "user_id": d.userLi, "create_user_id": d.userZhang, "date_deadline": "2026-12-11", "note": "<p>问 <b>交货期</b></p>",
	}
	for k, v := range vals {
		all[k] = v
	}
	return d.people.Create("mail.activity", all)
}

// todo is the only to-do there ever was.
func (d *desk) todo() dingtalktest.Todo {
	d.t.Helper()
	return d.todoN(1)[0]
}

// todoN are all to-dos there ever were, which must be so many.
func (d *desk) todoN(n int) []dingtalktest.Todo {
	d.t.Helper()
	all := d.ding.Todos()
	if len(all) != n {
		d.t.Fatalf("%d to-dos were made, not %d", len(all), n)
	}
	return all
}

func (d *desk) there(activity int64) bool { return d.people.Get("mail.activity", activity) != nil }

// doneMessages are the texts and authors of the messages that activities on the customer were done.
func (d *desk) doneMessages() (out []string) {
	d.t.Helper()
	subtype := d.people.Search("mail.message.subtype", []any{[]any{"name", "=", "Activities"}})[0]
	for _, id := range d.people.Search("mail.message", []any{[]any{"model", "=", "res.partner"}, []any{"res_id", "=", d.customer}, []any{"subtype_id", "=", subtype}}) {
		m := d.people.Get("mail.message", id)
		author := d.people.Get("res.partner", id64(d.t, text(m, "author_id")))
		out = append(out, text(author, "name")+": "+mapping.PlainHTML(text(m, "body")))
	}
	return out
}

// finish lets somebody mark an activity as done in Odoo.
func (d *desk) finish(login string, activity int64) {
	d.t.Helper()
	_, err := d.odoo.As(login).Call("mail.activity", "action_feedback", []any{[]any{activity}}, map[string]any{"feedback": "好了"})
	must(d.t, err)
}

// linkState is the state of the activity's link.
func (d *desk) linkState(activity int64) bridge.LinkState {
	d.t.Helper()
	var state bridge.LinkState
	must(d.t, d.store.View(d.ctx, func(tx bridge.Tx) error {
		id := bridge.ID(text(map[string]any{"id": activity}, "id"))
		on, err := tx.LinksOn("activity-todo", mapping.Odoo, []bridge.ID{id})
		if l := on[id]; l != nil {
			state = l.State
		}
		return err
	}))
	return state
}

func TestActivityBecomesATodo(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	printed, _ := d.plan("activity-todo")
	t.Log(printed)
	for _, words := range []string{"(new)", "给客户打电话 · 上海贸易公司", "dueTime", "2026-12-11", d.uLi} {
		if !strings.Contains(printed, words) {
			t.Errorf("the plan lacks %q:\n%s", words, printed)
		}
	}
	d.step()
	todo := d.todo()
	want(t, "subject", todo.Subject, "给客户打电话 · 上海贸易公司")
	want(t, "description", todo.Description, "问 交货期")
	want(t, "creator", todo.Creator, d.uZhang)
	want(t, "executors", strings.Join(todo.Executors, ","), d.uLi)
	want(t, "due", todo.Due.In(time.FixedZone("", 8*3600)).Format(time.DateTime), "2026-12-11 23:59:59")
	if link := string(todo.DetailURL); !strings.Contains(link, "res.partner") || !strings.Contains(link, d.odooURL+"/web#id=") {
		t.Errorf("it leads to %s", link)
	}
	d.later(10 * time.Minute) // the row leaves the overlap: polls show it again
	d.step()
	want(t, "counted calls to make it", d.ding.CountedCalls(), 1)

	d.write("mail.activity", id, map[string]any{"date_deadline": "2026-12-14", "summary": "明天再打", "user_id": d.userZhang})
	d.step()
	todo = d.todo()
	want(t, "subject", todo.Subject, "明天再打 · 上海贸易公司")
	want(t, "executors", strings.Join(todo.Executors, ","), d.uZhang)
	want(t, "due", todo.Due.In(time.FixedZone("", 8*3600)).Format(time.DateOnly), "2026-12-14")
	d.settled()
	want(t, "held", d.held(), "")
	for field, calls := range map[string]int{"date_deadline": 2, "summary": 1} { // the deadline may have been moved there too
		d.later(10 * time.Minute)
		d.step()
		d.ding.ResetJournal()
		d.write("mail.activity", id, map[string]any{field: "2026-12-18"})
		d.step()
		d.later(10 * time.Minute)
		d.step()
		want(t, "counted calls when the "+field+" changed", d.ding.CountedCalls(), calls)
	}
}

func TestTodoDoneInDingTalk(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.ding.ResetJournal()
	must(t, d.ding.FinishTodo(d.uLi, d.todo().ID))
	d.step()
	if d.there(id) {
		t.Fatal("the activity is still there")
	}
	messages := d.doneMessages()
	want(t, "messages", len(messages), 1)
	if !strings.HasPrefix(messages[0], "李四: ") || !strings.Contains(messages[0], "李四 在钉钉完成") {
		t.Errorf("it reads %s", messages[0])
	}
	want(t, "link", d.linkState(id), bridge.Settled)
	want(t, "counted calls", d.ding.CountedCalls(), 2) // the open ones, the done ones
	d.settled()
	want(t, "messages after a plan", len(d.doneMessages()), 1)
}

func TestActivityDoneInOdoo(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.ding.ResetJournal()
	d.finish("li", id)
	d.step()
	todo := d.todo()
	want(t, "done", todo.Done, true)
	want(t, "deleted", todo.Deleted, false)
	want(t, "link", d.linkState(id), bridge.Settled)
	want(t, "counted calls", d.ding.CountedCalls(), 1)
	d.settled()
}

func TestActivityCancelledInOdoo(t *testing.T) {
	d := newDesk(t)
	id, other := d.activity(nil), d.activity(map[string]any{"summary": "发报价"})
	d.step()
	d.todoN(2)
	d.ding.ResetJournal()
	must(t, d.people.Unlink("mail.activity", id))
	d.step()
	for _, todo := range d.todoN(2) {
		want(t, todo.Subject+" deleted", todo.Deleted, strings.HasPrefix(todo.Subject, "给客户打电话"))
		want(t, "done", todo.Done, false)
	}
	want(t, "link", d.linkState(other), bridge.Linked)
	want(t, "counted calls", d.ding.CountedCalls(), 1)
	d.settled()
}

func TestTodoDeletedInDingTalk(t *testing.T) {
	d := newDesk(t)
	id := d.activity(nil)
	d.step()
	d.ding.ResetJournal()
	must(t, d.ding.DeleteTodo(d.uZhang, d.todo().ID))
	d.later(10 * time.Second)
	d.step()
	want(t, "counted calls", d.ding.CountedCalls(), 1)
	if d.there(id) {
		t.Error("the activity is still there")
	}
	want(t, "messages", len(d.doneMessages()), 0)
	d.settled()
}
