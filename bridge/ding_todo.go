package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// todos is what this process knows of to-dos beside their links.
type todos struct {
	owners sync.Map // unionid of the maker, by id: of those whose links may not be saved yet
	told   sync.Map // telling, by id: kept in memory, because every start sweeps
	n      atomic.Int64
}

// telling is that an event, or a sweep, told of a to-do which is to be read therefore.
type telling struct {
	n     int64     // which one; 0: none
	until time.Time // before then, DingTalk may still show what was before
}

// ask notes that something told of the to-do.
func (s *dingSide) ask(id ID, until time.Time) {
	s.todos.told.Store(id, telling{s.todos.n.Add(1), until})
}

// asked is the telling that was not looked after yet.
func (s *dingSide) asked(id ID) telling {
	told, _ := s.todos.told.Load(id)
	t, _ := told.(telling)
	return t
}

// answered notes that the telling was looked after; a later one stands.
func (s *dingSide) answered(id ID, t telling) { s.todos.told.CompareAndDelete(id, t) }

// keeper are the people whose lists show a to-do: who made it, and who is to do it.
type keeper struct{ owner, doer string }

// keepersOf are the people in whose lists the to-dos stand.
func (s *dingSide) keepersOf(ctx context.Context, mappingName string, ids []ID) (map[ID]keeper, error) {
	out := make(map[ID]keeper, len(ids))
	err := s.store.View(ctx, func(tx Tx) error {
		on, err := tx.LinksOn(mappingName, mapping.DingTalk, ids)
		for id, l := range on {
			if l.Errand != nil {
				out[id] = keeper{l.Errand.Owner, l.Errand.Doer}
			}
		}
		return err
	})
	for _, id := range ids {
		if owner, known := s.todos.owners.Load(id); known && out[id].owner == "" {
			out[id] = keeper{owner: owner.(string)}
		}
	}
	return out, err
}

// lookTodos reads to-dos from the lists of those who made them: one list a person, and a second one where something is not among the open
// ones. What stands in neither is gone only if an event or a complete listing said so as well.
func (s *dingSide) lookTodos(ctx context.Context, m *mapping.Mapping, ids []ID) (map[ID]Seen, error) {
	keepers, err := s.keepersOf(ctx, m.Name, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[ID]Seen, len(ids))
	wanted := map[string][]ID{}
	for _, id := range ids {
		owner := keepers[id].owner
		if owner == "" {
			out[id] = Seen{ID: id, Existence: Unseen, NotFound: true, Why: "nobody knows in whose list it stands"}
			continue
		}
		wanted[owner] = append(wanted[owner], id)
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.parallel)
	for owner, list := range wanted {
		g.Go(func() error {
			found, err := s.readTodos(gctx, owner, list, keepers)
			f := classify(err)
			if f != nil && f.Class == FailHalt {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range list {
				switch {
				case f == nil:
					out[id] = s.seenTodo(id, found[id])
				case f.Class == FailReject:
					out[id] = Seen{ID: id, Existence: Unseen, Why: "the list of " + owner + " cannot be read: " + f.Words}
				default:
					out[id] = Seen{ID: id, Existence: Unseen, Fail: f}
				}
			}
			return nil
		})
	}
	return out, g.Wait()
}

// readTodos reads the list of who made these to-dos; when that one has left, those of the people who are to do them.
func (s *dingSide) readTodos(ctx context.Context, owner string, ids []ID, keepers map[ID]keeper) (map[ID]dingtalk.Object, error) {
	found, err := s.readTodosOf(ctx, owner, "creator", ids)
	if f := classify(err); f == nil || f.Class != FailReject {
		return found, err
	}
	byDoer := map[string][]ID{}
	for _, id := range ids {
		if doer := keepers[id].doer; doer != "" && doer != owner {
			byDoer[doer] = append(byDoer[doer], id)
		}
	}
	if len(byDoer) == 0 {
		return nil, err
	}
	found = map[ID]dingtalk.Object{}
	for doer, list := range byDoer {
		more, err := s.readTodosOf(ctx, doer, "executor", list)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, more)
	}
	return found, nil
}

// readTodosOf reads a person's list as far as these to-dos are not found yet: the open ones, then those that are done.
func (s *dingSide) readTodosOf(ctx context.Context, person, role string, ids []ID) (map[ID]dingtalk.Object, error) {
	found := map[ID]dingtalk.Object{}
	missing := make(map[ID]bool, len(ids))
	for _, id := range ids {
		missing[id] = true
	}
	for _, done := range []bool{false, true} {
		if len(missing) == 0 {
			return found, nil
		}
		for o, err := range s.client.Todos.List(ctx, person, dingtalk.TodoQuery{Done: &done, Roles: []string{role}}) {
			if err != nil {
				return nil, err
			}
			id := ID(o.Text("taskId"))
			if !missing[id] {
				continue
			}
			found[id] = o
			if delete(missing, id); len(missing) == 0 {
				return found, nil
			}
		}
		maps.DeleteFunc(missing, func(id ID, _ bool) bool { return s.evidence.of(todoKind, id) != "" })
	}
	return found, nil
}

// seenTodo weighs what the list showed.
func (s *dingSide) seenTodo(id ID, o dingtalk.Object) Seen {
	if o == nil {
		if why := s.evidence.of(todoKind, id); why != "" {
			return Seen{ID: id, Existence: Gone, Why: why}
		}
		return Seen{ID: id, Existence: Unseen, NotFound: true, Why: "not in the list, but nothing says that it was deleted"}
	}
	s.evidence.saw(todoKind, id)
	if until, gone := s.evidence.freshUntil(todoKind, id); gone {
		return Seen{ID: id, Existence: Unseen, Why: "removed a moment ago; dingtalk may still show it", Until: until}
	}
	seen := Seen{ID: id, Existence: Present, Record: recordOf(dingtalk.TodoKind, o, nil, true)}
	if finished, _ := o["done"].(bool); finished {
		seen.Existence, seen.Why = Finished, "done"
	}
	return seen
}

// listTodos lists the linked to-dos that are not done yet on both sides: no others are worth a call.
func (s *dingSide) listTodos(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error) {
	l := Listing{Scope: "the lists of those who made them"}
	wanted, keepers := map[string][]ID{}, map[ID]keeper{}
	if err := s.store.View(ctx, func(tx Tx) error {
		links, err := tx.LinksIn(m.Name, Linked)
		for _, link := range links {
			if link.Ding != "" && link.Errand != nil && link.Errand.Owner != "" {
				wanted[link.Errand.Owner] = append(wanted[link.Errand.Owner], link.Ding)
				keepers[link.Ding] = keeper{link.Errand.Owner, link.Errand.Doer}
			}
		}
		return err
	}); err != nil {
		return l, err
	}
	for _, owner := range slices.Sorted(maps.Keys(wanted)) {
		found, err := s.readTodos(ctx, owner, wanted[owner], keepers)
		if f := classify(err); f != nil {
			if f.Class == FailHalt || f.Class == FailRetry {
				return l, err
			}
			l.Why = fmt.Sprintf("the list of %s cannot be read: %s", owner, f.Words) // who left has no list any more
			continue
		}
		seen := make([]Seen, 0, len(found))
		for id, o := range found {
			if sn := s.seenTodo(id, o); sn.Existence != Unseen {
				seen = append(seen, sn)
			}
		}
		l.Count += len(seen)
		if err := page(seen); err != nil {
			return l, err
		}
	}
	l.Complete = l.Why == ""
	return l, nil
}

// findTodo looks for a to-do under our key in the list of who was to make it.
func (s *dingSide) findTodo(ctx context.Context, c *creation) error {
	o, err := s.client.Todos.Find(ctx, c.parent, func(o dingtalk.Object) bool { return o.Text("sourceId") == c.key })
	if dingtalk.IsNotFound(err) {
		return nil
	}
	if err == nil {
		s.own(c, ID(o.Text("taskId")), c.parent)
		c.found = true
	}
	return err
}

// own notes what became of a creation, and whose it is.
func (s *dingSide) own(c *creation, id ID, owner string) {
	c.id, c.owner = id, owner
	s.todos.owners.Store(id, owner)
}

// createTodo makes a to-do. One that has the key already is ours: the key names the record of the database.
func (s *dingSide) createTodo(ctx context.Context, c *creation) {
	owner := textOf(c.values["creatorId"])
	made, err := s.client.Todos.Create(ctx, dingtalk.Object(c.values))
	if err == nil {
		s.own(c, ID(made.Text("taskId")), owner)
		return
	}
	if c.err = err; !dingtalk.IsExists(err) {
		return
	}
	c.parent = owner
	if err := s.findTodo(ctx, c); err != nil {
		c.err = err
		return
	}
	switch {
	case c.found:
		c.err = nil
	case c.again:
		c.err = reject("", "a to-do was made of it, whose answer was lost, and deleted since")
	default: // of an earlier life of the record
		c.err = reject("sourceId", "the key "+c.key+" was used before")
	}
}

// writeTodo changes a to-do in the name of who made it; when that one has left, of who is to do it.
func (s *dingSide) writeTodo(ctx context.Context, m *mapping.Mapping, w *write) error {
	keepers, err := s.keepersOf(ctx, m.Name, []ID{w.id})
	if err != nil {
		return err
	}
	k := keepers[w.id]
	if k.owner == "" {
		return reject("", "nobody knows who made the to-do, in whose name it would be changed")
	}
	err = s.writeTodoAs(ctx, k.owner, w)
	if f := classify(err); f != nil && f.Class == FailReject && k.doer != "" && k.doer != k.owner {
		again := s.writeTodoAs(ctx, k.doer, w)
		if f := classify(again); f == nil || f.Class != FailReject {
			return again
		}
	}
	return err
}

func (s *dingSide) writeTodoAs(ctx context.Context, person string, w *write) error {
	if w.op == OpDelete {
		if err := s.client.Todos.Delete(ctx, person, string(w.id)); err != nil && !dingtalk.IsNotFound(err) {
			return err
		}
		s.evidence.note(todoKind, w.id, "removed by us")
		return nil
	}
	o := dingtalk.Object{"taskId": string(w.id)}
	for name, raw := range w.values {
		if raw != nil {
			o[name] = raw
		}
	}
	if w.op == OpFinish || w.op == OpReopen {
		o["done"] = w.op == OpFinish
	}
	err := s.client.Todos.Update(ctx, person, o)
	if !dingtalk.IsNotFound(err) {
		return err
	}
	if w.op == OpFinish {
		return nil // whoever deleted it does not need to be told
	}
	s.evidence.note(todoKind, w.id, "not there when it was to be changed")
	s.ask(w.id, time.Time{})
	return &Failure{Class: FailRetry, Free: true, Words: "the to-do is gone", Err: err}
}
