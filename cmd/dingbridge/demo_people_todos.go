package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

var (
	txtTodoMade      = tr("%s asks %s to call %s: an activity in odoo, a to-do in dingtalk", "%s 请 %s 联系 %s：odoo 中的活动成为钉钉待办")
	txtTodoMoved     = tr("its deadline is moved in odoo, and in the to-do", "odoo 中修改截止日期：待办随之修改")
	txtTodoTicked    = tr("%s ticks it off in dingtalk: done in odoo, with feedback in his name", "%s 在钉钉勾选完成：odoo 中以其名义完成并留下反馈")
	txtTodoDone      = tr("%s marks it as done in odoo: the to-do is done", "%s 在 odoo 标记完成：待办已完成")
	txtTodoCancelled = tr("%s cancels it in odoo: the to-do is gone", "%s 在 odoo 取消活动：待办已删除")
	txtTodoDropped   = tr("%s deletes it in dingtalk: the activity is gone, and nothing says that it was done", "%s 在钉钉删除：odoo 活动已删除，且没有完成记录")
)

// chore is an activity with its to-do.
type chore struct {
	activity int64
	customer int64
	subject  string
	ends     string // how it is to end: ticked, done, cancelled, dropped; "" = it is open
}

// chores are the acts about activities and to-dos.
func (n *newsroom) chores(d *demo) []func() (edit, error) {
	assign := func() (edit, error) { return n.assign(d) }
	return []func() (edit, error){
		assign, n.postpone, func() (edit, error) { return n.tick(d) },
		assign, n.finish, assign, n.cancel, assign, func() (edit, error) { return n.drop(d) },
	}
}

// chore is the one of the present act.
func (n *newsroom) chore() *chore { return n.todos[len(n.todos)-1] }

// todo is the to-do of an activity.
func (n *newsroom) todo(c *chore) dingtalktest.Todo {
	for _, t := range n.ding.Todos() {
		if strings.HasPrefix(t.Subject, c.subject+" · ") {
			return t
		}
	}
	return dingtalktest.Todo{}
}

// open says whether the activity is there.
func (n *newsroom) open(c *chore) bool {
	return len(n.odoo.Search("mail.activity", []any{[]any{"id", "=", c.activity}})) > 0
}

// assign lets the seller ask the assistant to do something. Under misfortune the answer to its creation is lost.
func (n *newsroom) assign(d *demo) (edit, error) {
	seller, assistant := n.cast["seller"], n.cast["assistant"]
	customer, name, err := n.customer()
	n.todos = append(n.todos, &chore{customer: customer, subject: "回访第" + n.next() + "次"})
	c := n.chore()
	rough := n.rough
	return edit{toDing, n.say(txtTodoMade, seller.name, assistant.name, name), func() (err error) {
		if rough {
			n.ding.Fail(func(r dingtalktest.Request) bool {
				return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/tasks")
			}, 1, dingtalktest.DropAfter)
		}
		c.activity, err = n.activity(customer, assistant, c.subject, n.clock.now().AddDate(0, 0, 7))
		return err
	}, func() bool {
		t := n.todo(c)
		return slices.Equal(t.Executors, []string{assistant.userid}) && t.Creator == seller.userid && d.linked("activity-todo", c.activity)
	}}, err
}

// linked says whether the bridge knows what became of a record, also after the answer was lost.
func (d *demo) linked(name string, id int64) (linked bool) {
	record := bridge.ID(strconv.FormatInt(id, 10))
	err := d.world.store.View(context.Background(), func(tx bridge.Tx) error {
		on, err := tx.LinksOn(name, mapping.Odoo, []bridge.ID{record})
		linked = on[record] != nil && on[record].State == bridge.Linked
		return err
	})
	return err == nil && linked
}

// activity lets the seller give somebody an activity about a customer.
func (n *newsroom) activity(customer int64, to *reader, summary string, due time.Time) (int64, error) {
	model := n.odoo.Search("ir.model", []any{[]any{"model", "=", "res.partner"}})[0]
	return n.cast["seller"].Create("mail.activity", map[string]any{
		"res_model_id": model, "res_id": customer, "user_id": to.uid, "summary": summary, "date_deadline": due.In(china).Format(time.DateOnly), "activity_type_id": int64(2),
	})
}

// clear cancels what is open, so that it is not told of at nine.
func (n *newsroom) clear() error {
	for _, c := range n.todos {
		if c.ends == "" {
			c.ends = "cancelled"
		}
	}
	return n.admin.Unlink("mail.activity", n.odoo.Search("mail.activity", []any{})...)
}

func (n *newsroom) postpone() (edit, error) {
	c := n.chore()
	due := n.clock.now().In(china).AddDate(0, 0, 14).Format(time.DateOnly)
	return edit{
		toDing, n.say(txtTodoMoved),
		func() error {
			return n.cast["seller"].Write("mail.activity", c.activity, map[string]any{"date_deadline": due})
		},
		func() bool { return n.todo(c).Due.In(china).Format(time.DateOnly) == due },
	}, nil
}

func (n *newsroom) tick(d *demo) (edit, error) {
	c, assistant := n.chore(), n.cast["assistant"]
	c.ends = "ticked"
	return d.comparedEarly(edit{
		toOdoo, n.say(txtTodoTicked, assistant.name), func() error { return n.ding.FinishTodo(assistant.userid, n.todo(c).ID) },
		func() bool { return !n.open(c) && len(n.feedback(c)) == 1 },
	}, "activity-todo"), nil
}

// feedback are the messages in the document that say the activity is done: author and text.
func (n *newsroom) feedback(c *chore) []string {
	return n.messages([]any{"model", "=", "res.partner"}, []any{"res_id", "=", c.customer}, []any{"body", "like", c.subject})
}

// messages are those that meet a domain: author and text.
func (n *newsroom) messages(domain ...any) (out []string) {
	for _, id := range n.odoo.Search("mail.message", domain) {
		m := n.odoo.Get("mail.message", id)
		author := textOf(n.odoo.Get("res.partner", pairID(m["author_id"]))["name"])
		out = append(out, author+": "+mapping.PlainHTML(textOf(m["body"])))
	}
	return out
}

func (n *newsroom) finish() (edit, error) {
	c, assistant := n.chore(), n.cast["assistant"]
	c.ends = "done"
	return edit{toDing, n.say(txtTodoDone, assistant.name), func() error {
		_, err := assistant.Call("mail.activity", "action_feedback", []any{[]any{c.activity}}, map[string]any{"feedback": "好了"})
		return err
	}, func() bool { return n.todo(c).Done }}, nil
}

func (n *newsroom) cancel() (edit, error) {
	c, seller := n.chore(), n.cast["seller"]
	c.ends = "cancelled"
	return edit{
		toDing, n.say(txtTodoCancelled, seller.name), func() error { return seller.Unlink("mail.activity", c.activity) },
		func() bool { return n.todo(c).Deleted },
	}, nil
}

func (n *newsroom) drop(d *demo) (edit, error) {
	c, seller := n.chore(), n.cast["seller"]
	c.ends = "dropped"
	return d.comparedEarly(edit{
		toOdoo, n.say(txtTodoDropped, seller.name), func() error { return n.ding.DeleteTodo(seller.userid, n.todo(c).ID) },
		func() bool { return !n.open(c) },
	}, "activity-todo"), nil
}

// wrongTodos are the points in which a to-do differs from what became of its activity.
func (n *newsroom) wrongTodos() []string {
	var out []string
	made := map[string]int{}
	for _, t := range n.ding.Todos() {
		made[t.Subject]++
		if made[t.Subject] == 2 {
			out = append(out, "two to-dos: "+t.Subject)
		}
	}
	for _, c := range n.todos {
		t, messages := n.todo(c), n.feedback(c)
		done, gone, says := c.ends == "ticked" || c.ends == "done", c.ends == "cancelled" || c.ends == "dropped", 0
		if done {
			says = 1
		}
		if t.Done != done || t.Deleted != gone || n.open(c) != (c.ends == "") || len(messages) != says {
			out = append(out, fmt.Sprintf("%s is to be %s: to-do done %t, deleted %t; activity there: %t; messages: %s", c.subject, c.ends, t.Done, t.Deleted, n.open(c), messages))
		}
		if name := n.cast["assistant"].name; done && !strings.HasPrefix(strings.Join(messages, ""), name+": ") {
			out = append(out, fmt.Sprintf("%s was not done in the name of %s: %s", c.subject, name, messages))
		}
	}
	return out
}
