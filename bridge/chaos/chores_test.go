package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// activities is the model of what people have to do, todosMapping the preset that makes to-dos of it.
const (
	activities   = "mail.activity"
	todosMapping = "activity-todo"
)

// todosYAML is the preset with the guard wide open.
func todosYAML() (string, error) {
	src, ok := mapping.Preset(todosMapping)
	const guard, open = "guard: {creates: 300, updates: 300, removals: 50, percent: 0}", "guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}"
	if !ok || !strings.Contains(string(src.Data), guard) {
		return "", fmt.Errorf("the preset %s has no %q", todosMapping, guard)
	}
	return strings.Replace(string(src.Data), guard, open, 1), nil
}

// chore is one activity as people made it.
type chore struct {
	id      int64
	maker   *record
	doc     string // the name of what it is about
	settled string // its deadline when both sides agreed last
	did     []choreEdit
}

// choreEdit is what a person did to an activity, or to its to-do.
type choreEdit struct {
	at    time.Time
	side  mapping.Side
	what  string
	value string // the deadline; of a tick, the tag of whoever ticked it off
}

// What people do with activities and to-dos.
const (
	choreDone      = "done"
	choreCancelled = "cancelled"
	choreDue       = "due"
)

// choreMoment is one committed change of an activity in Odoo.
type choreMoment struct {
	at      time.Time
	bridge  bool
	what    string
	gone    bool
	told    bool  // a message says that it was done
	author  int64 // its author
	user    int64
	due     string
	summary string
}

// chores are all activities, with what happened to them.
type chores struct {
	list      []*chore
	users     map[string]staff // by tag
	customers []int64

	mu  sync.Mutex
	now map[int64][]choreMoment
}

// staff is somebody of the crew as a user of Odoo.
type staff struct {
	login         string
	user, partner int64
}

// told enters what a transaction did to activities.
func (cs *chores) told(t odootest.Transaction, bridge int64) {
	if t.Err != nil {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	said, author := false, int64(0)
	for _, c := range t.Changes {
		if c.Model == "mail.message" && c.Before == nil && c.After["mail_activity_type_id"] != nil {
			said = true
			author, _ = c.After["author_id"].(int64)
		}
	}
	for _, c := range t.Changes {
		if c.Model != activities {
			continue
		}
		m := choreMoment{at: t.At, bridge: t.UID == bridge, what: t.Call.Method, gone: c.After == nil}
		row := c.After
		if m.gone {
			row, m.told, m.author = c.Before, said, author
		}
		m.user, _ = row["user_id"].(int64)
		m.due, _ = row["date_deadline"].(string)
		m.summary, _ = row["summary"].(string)
		cs.now[c.ID] = append(cs.now[c.ID], m)
	}
}

func (cs *chores) moments(id int64) []choreMoment {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return slices.Clone(cs.now[id])
}

// staffCrew makes the crew users of Odoo, who work on some customers.
func (w *world) staffCrew() {
	for i, r := range w.crew() {
		s := staff{login: "crew" + strconv.Itoa(i+1)}
		s.user = w.odoo.AddUser(s.login, "secret-of-"+s.login, "base.group_user", "base.group_partner_manager")
		row := w.odoo.Get("hr.employee", r.odoo)
		must(w.t, w.odoo.Write("res.users", s.user, map[string]any{"name": row["name"], "email": row["work_email"]})) // the employee takes them from there
		s.partner = pairID(w.odoo.Get("res.users", s.user)["partner_id"])
		must(w.t, w.odoo.Write("hr.employee", r.odoo, map[string]any{"user_id": s.user}))
		w.chores.users[r.tag] = s
	}
	for i := range 3 {
		w.chores.customers = append(w.chores.customers, w.odoo.Create("res.partner", map[string]any{"name": fmt.Sprintf("客户%d", i+1)}))
	}
	must(w.t, w.odoo.Err())
}

// dueDay is some day.
func (w *world) dueDay() string {
	return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, w.rng.IntN(1000)).Format(time.DateOnly)
}

func (w *world) schedule() error {
	maker, ok := pick(w, w.crew())
	doer, _ := pick(w, w.crew())
	if !ok {
		return errNotThere
	}
	customer, _ := pick(w, w.chores.customers)
	vals := map[string]any{
		"res_model_id": w.odoo.Search("ir.model", []any{[]any{"model", "=", "res.partner"}})[0], "res_id": customer, "activity_type_id": int64(2),
		"summary": w.value("事"), "user_id": w.chores.users[doer.tag].user, "date_deadline": w.dueDay(), "note": "<p>" + w.value("记") + "</p>",
	}
	id, err := w.odoo.As(w.chores.users[maker.tag].login).Create(activities, vals)
	if err != nil {
		return err
	}
	w.chores.list = append(w.chores.list, &chore{id: id, maker: maker, doc: w.odoo.Get("res.partner", customer)["name"].(string), settled: vals["date_deadline"].(string)})
	w.tell("odoo activity %d: %s asks %s: %s, due %s", id, maker.tag, doer.tag, vals["summary"], vals["date_deadline"])
	return nil
}

// someChore picks an activity that stands.
func (w *world) someChore() (*chore, error) {
	c, ok := pick(w, slices.DeleteFunc(slices.Clone(w.chores.list), func(c *chore) bool { return w.odoo.Get(activities, c.id) == nil }))
	if !ok {
		return nil, errNotThere
	}
	return c, nil
}

// changeChore edits an activity that stands in Odoo.
func (w *world) changeChore(c *chore, field string) error {
	var value any
	switch field {
	case "date_deadline":
		value = w.dueDay()
	case "user_id":
		doer, _ := pick(w, w.crew())
		value = w.chores.users[doer.tag].user
	default:
		value = w.value("改")
	}
	if err := w.odoo.As(w.chores.users[c.maker.tag].login).Write(activities, c.id, map[string]any{field: value}); err != nil {
		return err
	}
	if field == "date_deadline" {
		c.did = append(c.did, choreEdit{time.Now(), mapping.Odoo, choreDue, value.(string)})
	}
	w.tell("odoo activity %d: %s = %v", c.id, field, value)
	return nil
}

func (w *world) editChore(field string) error {
	c, err := w.someChore()
	if err != nil {
		return err
	}
	return w.changeChore(c, field)
}

// endChore lets whoever is to do it mark an activity as done in Odoo, or its maker cancel it.
func (w *world) endChore(what string) error {
	c, err := w.someChore()
	if err != nil {
		return err
	}
	return w.finishChore(c, what)
}

func (w *world) finishChore(c *chore, what string) error {
	doer := pairID(w.odoo.Get(activities, c.id)["user_id"])
	var err error
	if what == choreCancelled {
		err = w.odoo.As(w.chores.users[c.maker.tag].login).Unlink(activities, c.id)
	} else {
		for _, s := range w.chores.users {
			if s.user == doer {
				_, err = w.odoo.As(s.login).Call(activities, "action_feedback", []any{[]any{c.id}}, map[string]any{"feedback": "好了"})
			}
		}
	}
	if err != nil {
		return err
	}
	w.tell("odoo activity %d: %s", c.id, what)
	c.did = append(c.did, choreEdit{time.Now(), mapping.Odoo, what, ""})
	return nil
}

// someTodo picks an activity whose to-do is open in DingTalk.
func (w *world) someTodo() (*chore, dingtalktest.Todo, error) {
	type pair struct {
		c *chore
		t dingtalktest.Todo
	}
	var fit []pair
	for _, t := range w.ding.Todos() {
		for _, c := range w.chores.list {
			if !t.Done && !t.Deleted && strings.HasSuffix(t.SourceID, fmt.Sprintf(":%s:%d", activities, c.id)) {
				fit = append(fit, pair{c, t})
			}
		}
	}
	p, ok := pick(w, fit)
	if !ok {
		return nil, dingtalktest.Todo{}, errNotThere
	}
	return p.c, p.t, nil
}

// tick lets somebody end a to-do in DingTalk: done by who is to do it, or deleted by who made it.
func (w *world) tick(what string) error {
	c, t, err := w.someTodo()
	if err != nil {
		return err
	}
	return w.tickOff(c, t, what)
}

func (w *world) tickOff(c *chore, t dingtalktest.Todo, what string) error {
	var err error
	by := t.Creator
	if what == choreCancelled {
		err = w.ding.DeleteTodo(t.Creator, t.ID)
	} else {
		now, _ := w.ding.Todo(t.ID)
		if len(now.Executors) == 0 {
			return errNotThere
		}
		by = now.Executors[0]
		err = w.ding.FinishTodo(by, t.ID)
	}
	if err != nil {
		return err
	}
	tag := w.tagOfDing("person", by)
	c.did = append(c.did, choreEdit{time.Now(), mapping.DingTalk, what, tag})
	w.tell("dingtalk to-do of activity %d: %s by %s", c.id, what, tag)
	return nil
}

// moveDue lets somebody move the deadline in DingTalk, which no event tells of.
func (w *world) moveDue() error {
	c, t, err := w.someTodo()
	if err != nil {
		return err
	}
	return w.postpone(c, t)
}

func (w *world) postpone(c *chore, t dingtalktest.Todo) error {
	day := w.dueDay()
	at, err := time.ParseInLocation(time.DateOnly, day, chinaZone)
	if err != nil {
		return err
	}
	if err := w.ding.EditTodo(t.ID, func(t *dingtalktest.Todo) { t.Due = at.Add(18 * time.Hour) }); err != nil {
		return err
	}
	w.lossy = true
	c.did = append(c.did, choreEdit{time.Now(), mapping.DingTalk, choreDue, day})
	w.tell("dingtalk to-do of activity %d: due %s", c.id, day)
	return nil
}

var chinaZone = time.FixedZone("UTC+8", 8*3600)

// choreBoth lets people do something on both sides, one right after the other.
func (w *world) choreBoth() error {
	c, t, err := w.someTodo()
	if err != nil || w.odoo.Get(activities, c.id) == nil {
		return errNotThere
	}
	inDing, _ := pick(w, []func() error{
		func() error { return w.tickOff(c, t, choreDone) },
		func() error { return w.tickOff(c, t, choreDone) },
		func() error { return w.tickOff(c, t, choreCancelled) },
		func() error { return w.postpone(c, t) },
	})
	inOdoo, _ := pick(w, []func() error{
		func() error { return w.changeChore(c, "date_deadline") },
		func() error { return w.changeChore(c, "summary") },
		func() error { return w.changeChore(c, "user_id") },
		func() error { return w.finishChore(c, choreDone) },
		func() error { return w.finishChore(c, choreCancelled) },
	})
	if w.rng.IntN(2) == 0 {
		inOdoo, inDing = inDing, inOdoo
	}
	first := inOdoo()
	w.wait(time.Duration(w.rng.IntN(120)) * time.Millisecond)
	return errors.Join(first, inDing())
}

// choreActs are what people do with activities and to-dos.
var choreActs = []act{
	{"activity scheduled", 14, (*world).schedule},
	{"activity postponed", 3, func(w *world) error { return w.editChore("date_deadline") }},
	{"activity renamed", 2, func(w *world) error { return w.editChore("summary") }},
	{"activity assigned anew", 3, func(w *world) error { return w.editChore("user_id") }},
	{"activity done", 3, func(w *world) error { return w.endChore(choreDone) }},
	{"activity cancelled", 2, func(w *world) error { return w.endChore(choreCancelled) }},
	{"to-do ticked off", 5, func(w *world) error { return w.tick(choreDone) }},
	{"to-do deleted", 2, func(w *world) error { return w.tick(choreCancelled) }},
	{"to-do postponed", 2, (*world).moveDue},
	{"a to-do on both sides", 5, (*world).choreBoth},
}
