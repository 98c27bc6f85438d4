package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// choreCase is everything known of one activity.
type choreCase struct {
	id      int64
	settled string
	did     []choreEdit // by people, oldest first
	moments []choreMoment
	todos   []dingtalktest.Todo
	doc     string // the name of the document
	began   time.Time
	users   map[int64]string // tags of users
	names   map[int64]string // tags of partners
	userids map[string]string
	link    *bridge.Link
	moved   bool // the bridge wrote the to-do in this round, so that an edit right before it may be lost

	wrong           []string
	counted, limits map[string]int
}

// last is the last thing people did of that kind on the side, in this round or before.
func (c *choreCase) last(side mapping.Side, what string) (choreEdit, bool) {
	for _, d := range slices.Backward(c.did) {
		if d.side == side && d.what == what {
			return d, true
		}
	}
	return choreEdit{}, false
}

func (c *choreCase) judge() {
	now := c.moments[len(c.moments)-1]
	if len(c.todos) > 1 {
		c.violate("%d to-dos were made of it", len(c.todos))
	}
	if now.gone && now.bridge {
		c.carriedToOdoo(now)
	}
	if c.link != nil && len(c.link.Holds) > 0 {
		c.held()
		return
	}
	if len(c.todos) == 0 {
		if !now.gone {
			c.violate("forgotten: it stands, and no to-do was made of it")
		} else {
			c.counted["ended before a to-do was made"]++
		}
		return
	}
	t := c.todos[0]
	_, deleted := c.last(mapping.DingTalk, choreCancelled)
	_, ticked := c.last(mapping.DingTalk, choreDone)
	switch {
	case !now.gone && t.Deleted:
		c.violate("forgotten: its to-do was deleted (by a person: %v), and it stands", deleted)
	case !now.gone && t.Done:
		c.violate("forgotten: its to-do is done (by a person: %v), and it stands", ticked)
	case !now.gone:
		c.same(now, t)
	case !t.Done && !t.Deleted:
		c.violate("it is %s in odoo, and its to-do is open", c.how(now))
	case now.told && t.Deleted && !deleted && c.renamed(now):
		c.limits["renamed and done before the bridge looked: nothing shows that it was done"]++
	case now.told && t.Deleted && !deleted:
		c.violate("it was done, and its to-do was deleted")
	case !now.told && !t.Deleted && !ticked:
		c.violate("it was cancelled, and its to-do was marked as done")
	default:
		c.counted["ended on both sides: "+c.how(now)]++
	}
}

// renamed says that the bridge was never shown the name under which it was done.
func (c *choreCase) renamed(now choreMoment) bool {
	return c.link != nil && c.link.Errand != nil && c.link.Errand.Summary != now.summary
}

func (c *choreCase) how(m choreMoment) string {
	if m.told {
		return choreDone
	}
	return choreCancelled
}

// carriedToOdoo: what the bridge ended in Odoo was ended in DingTalk before, by that person and in that way.
func (c *choreCase) carriedToOdoo(m choreMoment) {
	what := c.how(m)
	d, ok := c.last(mapping.DingTalk, what)
	switch {
	case !ok || d.at.After(m.at.Add(100*time.Millisecond)): // people's clock is read after they did it
		c.violate("the bridge made it %s at %s, and nobody did so in dingtalk", what, clock(m.at))
		return
	case what == choreDone && c.names[m.author] != d.value:
		if c.reassigned(d) {
			c.limits["ticked off by one to whom it was not assigned any more in odoo"]++
			break
		}
		c.violate("done in the name of %q (contact %d), and %s ticked it off", c.names[m.author], m.author, d.value)
	}
	c.counted["carried over to odoo: "+what]++
}

// reassigned says that in Odoo it was assigned to somebody else when it was ticked off, or since.
func (c *choreCase) reassigned(d choreEdit) bool {
	assigned := ""
	for _, m := range c.moments {
		if !m.bridge {
			assigned = c.users[m.user]
		}
	}
	return assigned != d.value
}

// same compares what stands on both sides.
func (c *choreCase) same(m choreMoment, t dingtalktest.Todo) {
	var doers []string
	for _, u := range t.Executors {
		doers = append(doers, c.userids[u])
	}
	due := t.Due.In(chinaZone).Format(time.DateOnly)
	if want := []string{c.users[m.user]}; !slices.Equal(doers, want) {
		c.violate("its to-do is for %v, not for %v", doers, want)
	}
	if want := m.summary + " · " + c.doc; t.Subject != want {
		c.violate("its to-do is called %q, not %q", t.Subject, want)
	}
	if due != m.due {
		c.violate("its to-do is due on %s, not on %s", due, m.due)
		return
	}
	c.counted["open on both sides"]++
	c.written(due)
}

// written: the deadline is one that people wrote last, or what it was.
func (c *choreCase) written(due string) {
	var lost choreEdit
	o, inOdoo := c.last(mapping.Odoo, choreDue)
	d, inDing := c.last(mapping.DingTalk, choreDue)
	inOdoo, inDing = inOdoo && o.at.After(c.began), inDing && d.at.After(c.began)
	switch {
	case inOdoo && due == o.value, inDing && due == d.value, !inOdoo && !inDing && due == c.settled:
		return
	case inOdoo:
		lost = o
	case inDing:
		lost = d
	default:
		c.violate("it is due on %s, was on %s, and nobody wrote it", due, c.settled)
		return
	}
	if lost.side == mapping.DingTalk && c.moved {
		c.limits["edited in dingtalk between our read and our write: dingtalk has no lock"]++
		return
	}
	c.violate("it is due on %s, and %s wrote %s at %s", due, lost.side, lost.value, clock(lost.at))
}

// held: only a to-do whose answer was lost, and that people deleted before anybody knew it, may be held.
func (c *choreCase) held() {
	_, deleted := c.last(mapping.DingTalk, choreCancelled)
	for _, h := range c.link.Holds {
		if !strings.Contains(h.Reason, "whose answer was lost, and deleted since") || !deleted {
			c.violate("held with a reason that does not fit: %s %s", h.Kind, h.Reason)
			continue
		}
		c.counted["held"]++
	}
}

// violate notes a violation with all that happened to the activity.
func (c *choreCase) violate(format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "activity %d: ", c.id)
	fmt.Fprintf(&b, format, args...)
	for _, m := range c.moments {
		who := "a person"
		if m.bridge {
			who = "the bridge"
		}
		fmt.Fprintf(&b, "\n  %s odoo: %s %s: %q for %s, due %s, gone %v, told %v by %q", clock(m.at), who, m.what, m.summary, c.users[m.user], m.due, m.gone, m.told, c.names[m.author])
	}
	for _, d := range c.did {
		fmt.Fprintf(&b, "\n  %s people on %s: %s %s", clock(d.at), d.side, d.what, d.value)
	}
	for _, t := range c.todos {
		fmt.Fprintf(&b, "\n  to-do %s of %s: %q for %v, due %s; done %v, deleted %v; made %s, changed %s", t.ID, c.userids[t.Creator], t.Subject, t.Executors, t.Due.In(chinaZone).Format(time.DateTime), t.Done, t.Deleted, clock(t.Created), clock(t.Modified))
	}
	if c.link != nil {
		fmt.Fprintf(&b, "\n  link %s dingtalk %s %s", c.link.State, c.link.Ding, jsonOf(c.link.Errand))
		for key, h := range c.link.Holds {
			fmt.Fprintf(&b, "\n  held %q %s: %s", key, h.Kind, h.Reason)
		}
	}
	c.wrong = append(c.wrong, b.String())
}

// choreCases are the cases of all activities, judged.
func (w *world) choreCases() ([]*choreCase, []string, error) {
	links := map[int64]*bridge.Link{}
	if err := w.store.View(w.ctx, func(tx bridge.Tx) error {
		for l, err := range tx.Links(todosMapping) {
			if err != nil {
				return err
			}
			links[number(string(l.Odoo))] = l
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	users, names := map[int64]string{}, map[int64]string{}
	for tag, s := range w.chores.users {
		users[s.user], names[s.partner] = tag, tag
	}
	w.tagsOf(nil) // learns the userids
	todos := map[string][]dingtalktest.Todo{}
	for _, t := range w.ding.Todos() {
		_, id, _ := strings.Cut(t.SourceID, ":"+activities+":")
		todos[id] = append(todos[id], t)
	}
	var out []*choreCase
	for _, ch := range w.chores.list {
		id := fmt.Sprint(ch.id)
		c := &choreCase{
			id: ch.id, doc: ch.doc, settled: ch.settled, did: slices.Clone(ch.did), moments: w.chores.moments(ch.id), todos: todos[id], began: w.began, users: users, names: names, userids: w.userids,
			link: links[ch.id], counted: map[string]int{}, limits: map[string]int{},
		}
		delete(todos, id)
		if len(c.todos) > 0 {
			c.moved = w.traffic.wroteTodo(c.todos[0].ID)
		}
		c.judge()
		out = append(out, c)
	}
	var strange []string
	for id, list := range todos {
		strange = append(strange, fmt.Sprintf("%d to-dos of an activity %q that nobody scheduled: %s", len(list), id, list[0].Subject))
	}
	return out, strange, nil
}

// choreDifferences is what is wrong with activities and to-dos.
func (w *world) choreDifferences() []string {
	if !w.plays(kindTodos) {
		return nil
	}
	cases, out, err := w.choreCases()
	if err != nil {
		return []string{"reading the store: " + err.Error()}
	}
	for _, c := range cases {
		out = append(out, c.wrong...)
	}
	return out
}

// settleChores remembers the deadlines on which both sides agreed.
func (w *world) settleChores() {
	for _, c := range w.chores.list {
		if list := w.chores.moments(c.id); len(list) > 0 {
			c.settled = list[len(list)-1].due
		}
	}
}

// tellChores enters what came of the to-dos of this world in the report.
func (w *world) tellChores() {
	if !w.plays(kindTodos) {
		return
	}
	cases, _, err := w.choreCases()
	w.check(err)
	for _, c := range cases {
		w.report.judged(judgement{limits: c.limits})
		w.report.todoed(c.counted)
	}
	w.t.Logf("activities: %d; to-dos: %d", len(cases), len(w.ding.Todos()))
}
