package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// task is one record on its way through a batch.
type task struct {
	works    []Work                  // the rows that are finished together; empty when a plan is only printed
	key      Key                     // the link's key once there is a link
	link     *Link                   // nil for a stranger
	was      LinkState               // of the link when it was loaded
	mark     uint64                  // likewise
	had      mapping.View            // DingTalk's bases, likewise
	took     map[string]mapping.Side // a person's decisions, likewise
	held     Hold                    // as a whole, likewise
	odoo     Seen
	ding     Seen
	missed   []Await          // references without a link, seen while reading the Views
	quiet    bool             // nothing is new in Odoo, and nobody says that anything is in DingTalk
	omit     []*mapping.Field // fields a creation leaves for a second write
	awaits   []Await          // what the key waits for since last time
	plan     *Plan
	fail     *Failure
	wait     time.Time // postponed to, without an attempt
	wrote    []applied
	unsure   []applied       // sent, but no answer came
	back     dingtalk.Object // what DingTalk showed after the last of them was written there; nil: not read yet
	saved    bool            // its link is in the store
	absorbed bool            // its work went to the task that matched it
	reused   bool            // the link's Odoo id belongs to another record now
	spent    []Risk          // reserved for this task in the Guard
	released []release       // a person's releases it makes use of

	telling    telling // of its to-do, that is looked after
	message    int64   // that says of an activity that it was done
	occurrence int     // of an approval that is being started, or of a message
	supersedes *Link   // the occurrence before it
	once       string  // of a message: what tells it from others about the record
	room       int     // of a notice: how many people may be told of something in this minute
	asked      bool    // likewise: DingTalk was asked just now who got it
	untold     []Told  // likewise: whom it was to reach, and did not, because DingTalk refused it

	ask time.Time // likewise: when it is to be asked that

	before ID // of a record that lives again: what it was in DingTalk

	told []string // what a person decided meanwhile: the next look acts on it
}

// shown notes what the side showed after a write to it.
func (t *task) shown(s mapping.Side, back dingtalk.Object) {
	if s == mapping.DingTalk {
		t.back = back
	}
}

// applied is a change that was carried out.
type applied struct {
	change *Change
	fields []FieldChange // those that were accepted
}

func (t *task) seen(s mapping.Side) *Seen {
	if s == mapping.Odoo {
		return &t.odoo
	}
	return &t.ding
}

// batch takes some records of one mapping through the stages of Reconcile.
type batch struct {
	e     *Engine
	ctx   context.Context
	m     *mapping.Mapping
	now   time.Time
	refs  *refs
	tasks []*task
	dry   bool                     // a printed plan: nothing is applied and nothing is written
	met   bool                     // the first meeting of the mapping is over
	open  map[mapping.Side][]*Link // see openIntents
	held  map[Await]*Link          // see findHeld

	lookups *lookups
}

// reconcile is the engine in one screen: load the memory, look at both sides, plan, guard, apply, read back, save.
// Records that refer to others of the same batch which are being created come in a later wave.
func (e *Engine) reconcile(ctx context.Context, m *mapping.Mapping, works []Work) error {
	ctx = dingtalk.WithCaller(ctx, m.Name)
	b := &batch{e: e, ctx: ctx, m: m, now: e.Now(), refs: e.newRefs(ctx)}
	if err := b.load(works); err != nil {
		return err
	}
	b.look()
	if b.m.Message != nil {
		b.askResults()
	}
	b.learnNews()
	b.settleIntents()
	for rest := b.tasks; len(rest) > 0; {
		wave := b.plan(rest)
		if err := b.guard(wave); err != nil {
			return err
		}
		b.apply(wave)
		b.readBack(wave)
		if err := b.save(wave); err != nil {
			return err
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(t *task) bool { return t.absorbed || slices.Contains(wave, t) })
	}
	return b.refs.err
}

// load finds the link of every key; keys that name the same link become one task.
func (b *batch) load(works []Work) error {
	byLink := map[int64]*task{}
	return b.e.Store.View(b.ctx, func(tx Tx) error {
		var linkIDs []int64
		ids := map[mapping.Side][]ID{}
		keys := make([]Key, 0, len(works))
		for _, w := range works {
			keys = append(keys, w.Key)
			if w.Key.Link > 0 {
				linkIDs = append(linkIDs, w.Key.Link)
			} else {
				ids[w.Key.Side] = append(ids[w.Key.Side], w.Key.ID)
			}
		}
		links, err := tx.LinksByID(linkIDs)
		if err != nil {
			return err
		}
		on := map[mapping.Side]map[ID]*Link{}
		for s, list := range ids {
			if on[s], err = tx.LinksOn(b.m.Name, s, list); err != nil {
				return err
			}
		}
		for _, w := range works {
			l := links[w.Key.Link]
			if w.Key.Link == 0 {
				l = on[w.Key.Side][w.Key.ID]
			}
			b.addTask(w, l, byLink)
		}
		for _, t := range b.tasks {
			keys = append(keys, t.key)
		}
		awaits, err := tx.Awaits(keys...)
		if err != nil {
			return err
		}
		for _, t := range b.tasks {
			t.awaits = awaits[t.key]
		}
		return nil
	})
}

func (b *batch) addTask(w Work, l *Link, byLink map[int64]*task) {
	if l == nil {
		t := &task{works: []Work{w}, key: w.Key}
		if w.Key.Link == 0 {
			t.seen(w.Key.Side).ID = w.Key.ID
		}
		b.tasks = append(b.tasks, t)
		return
	}
	if t := byLink[l.ID]; t != nil {
		t.works = append(t.works, w)
		return
	}
	t := &task{works: []Work{w}, key: l.Key(), link: l, was: l.State, mark: l.mark(), had: l.BaseView(mapping.DingTalk), took: maps.Clone(l.Take), held: l.Holds[""], odoo: Seen{ID: l.Odoo}, ding: Seen{ID: l.Ding}}
	byLink[l.ID] = t
	b.tasks = append(b.tasks, t)
	b.refs.learn(l)
}

// plan decides for the tasks and returns the wave to be carried out now: those whose references are not themselves waiting
// to be created in this batch. When only cycles are left, they all go.
func (b *batch) plan(tasks []*task) []*task {
	creating := map[Await]*task{}
	for _, t := range tasks {
		if t.absorbed {
			continue
		}
		b.planTask(t)
		b.absorb(t, tasks)
		if t.fail == nil && t.plan != nil {
			for _, c := range t.plan.Changes {
				if c.Op == OpCreate {
					s := c.Side.Other()
					creating[Await{Mapping: b.m.Name, Side: s, ID: t.seen(s).ID}] = t
				}
			}
			if t.plan.Match != nil && t.link == nil {
				for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} { // who refers to either half can wait for the link
					creating[Await{Mapping: b.m.Name, Side: s, ID: t.seen(s).ID}] = t
				}
			}
		}
	}
	var wave []*task
	tasks = slices.DeleteFunc(slices.Clone(tasks), func(t *task) bool { return t.absorbed })
	for _, t := range tasks { // those left behind are planned again: their references will be known then
		blocked := slices.ContainsFunc(t.missed, func(a Await) bool { other := creating[a]; return other != nil && other != t })
		if !blocked {
			wave = append(wave, t)
		}
	}
	if len(wave) == 0 {
		return tasks
	}
	return wave
}

// absorb takes over the work of the other half of a match, when both strangers came in one batch.
func (b *batch) absorb(t *task, tasks []*task) {
	if t.fail != nil || t.plan == nil || t.plan.Match == nil {
		return
	}
	for _, other := range tasks {
		if other == t || other.absorbed || (other.link != nil && other.link.State != Held) || other.seen(t.plan.Match.Side).ID != t.plan.Match.ID {
			continue
		}
		other.absorbed = true
		t.works = append(t.works, other.works...)
	}
}

// planTask fills the plan of one task. It reads nothing but what the batch has seen, except the other half of a match.
func (b *batch) planTask(t *task) {
	if t.fail != nil || !t.wait.IsZero() {
		return
	}
	t.plan = &Plan{Mapping: b.m, Link: t.link}
	switch {
	case t.quiet:
		t.plan.Waits = t.awaits
		return
	case b.m.Approval != nil:
		b.planApproval(t)
		applyPolicy(t.plan)
		return
	case b.m.Message != nil:
		b.planMessage(t)
		if !t.ask.IsZero() {
			t.plan.recheck(t.ask)
		}
		return
	}
	b.views(t)
	if b.doneIn(t.odoo) {
		t.odoo.Existence = Finished
	}
	t.plan.Odoo, t.plan.Ding, t.plan.refs = t.odoo, t.ding, b.refs
	fate, row := decideExistence(b.m, t.link, t.odoo.Existence, t.ding.Existence)
	t.plan.Row = row
	switch fate {
	case fateDiff:
		b.diff(t)
	case fateMeet:
		b.meet(t)
	case fateRehire:
		b.rehire(t)
	case fateRemoveDing:
		t.plan.Changes = []*Change{{Op: OpDelete, Side: mapping.DingTalk, ID: t.ding.ID, Reason: row}}
		t.plan.Retire = row
	case fateRemoveOdoo:
		op := OpArchive
		if b.m.RemoveOdoo == mapping.RemoveDelete {
			op = OpDelete
		}
		t.plan.Changes = []*Change{{Op: op, Side: mapping.Odoo, ID: t.odoo.ID, Reason: row}}
		t.plan.Retire = row
	case fateFinishDing:
		t.plan.Changes = []*Change{{Op: OpFinish, Side: mapping.DingTalk, ID: t.ding.ID, Reason: row}}
		t.plan.Settle = row
	case fateFinishOdoo:
		b.finishOdoo(t, row)
	case fateReopen:
		t.plan.Changes = []*Change{{Op: OpReopen, Side: mapping.DingTalk, ID: t.ding.ID, Reason: row}}
	case fateSettle:
		t.plan.Settle = row
	case fateRetire:
		t.plan.Retire = row
	case fateNothing:
		b.cancelledSingle(t)
	case fateStay:
		t.plan.Notes = append(t.plan.Notes, Note{Reason: row})
		if t.reused {
			t.plan.Retire = t.odoo.Why // the id is another record's: nothing is left to stay linked to
		}
	}
	applyPolicy(t.plan)
	if end, told := b.e.told.ends(t.key, b.now); told && !b.dry {
		t.plan.recheck(end)
	}
	for _, until := range []time.Time{t.ding.Until, t.telling.until} {
		if until.After(b.now) {
			t.plan.recheck(until)
		}
	}
}

// diff compares the fields of a linked pair and lets what refers to unlinked records wait.
func (b *batch) diff(t *task) {
	link := t.plan.Link
	b.recallWrites(link, map[mapping.Side]mapping.View{mapping.Odoo: t.odoo.View, mapping.DingTalk: t.ding.View})
	diffFields(t.plan, t.odoo.View, t.ding.View, diffEnv{
		now: b.now, staleWindow: b.e.StaleWindow, writable: b.e.writable(b.m), clearable: b.e.clearable(b.m),
		woken: func(h Hold) bool { return woken(h, t.awaits) },
	})
	t.plan.Waits = append(t.plan.Waits, t.missed...)
	for _, n := range t.plan.Notes {
		if n.Hold != nil && n.Field != nil && len(n.Hold.On) > 0 {
			t.plan.Waits = append(t.plan.Waits, n.Hold.On...)
		}
	}
	for _, c := range t.plan.Changes {
		c.Fields = slices.DeleteFunc(c.Fields, func(fc FieldChange) bool {
			_, err := b.raw(fc.Field, c.Side, fc.To, *t.seen(c.Side), link)
			return b.unwritable(t, fc, c.Side, err)
		})
	}
	t.plan.Changes = slices.DeleteFunc(t.plan.Changes, func(c *Change) bool { return len(c.Fields) == 0 })
	if b.answersWait(t) {
		t.plan.recheck(b.now)
		b.e.ding.ask(t.ding.ID, time.Time{})
	}
}

// unwritable sorts out a value that cannot be turned into the target's form: a missing reference waits, the rest is held.
func (b *batch) unwritable(t *task, fc FieldChange, target mapping.Side, err error) bool {
	if err == nil {
		return false
	}
	var missing *mapping.MissingRef
	if errors.As(err, &missing) {
		t.plan.Waits = append(t.plan.Waits, b.awaitLink(missing))
		return true
	}
	var far *odoo.Error
	if errors.As(err, &far) && classify(err).Class != FailReject {
		t.fail = classify(err) // a lookup that got no answer
		return true
	}
	h := Hold{Kind: HeldInvalid, Since: b.now, Reason: fmt.Sprintf("%s cannot be written to %s: %v; held (field)", fc.Field.Key, target, err)}
	h.Odoo, h.DingTalk = t.odoo.View[fc.Field.Key], t.ding.View[fc.Field.Key]
	t.plan.Notes = append(t.plan.Notes, Note{Field: fc.Field, Hold: &h, Reason: h.Reason})
	return true
}

// awaitLink is what to wait for when a link has no id on the target side yet: its record on the other side being worked on.
func (b *batch) awaitLink(missing *mapping.MissingRef) Await {
	if l := b.refs.links[missing.Link]; l != nil {
		s := missing.Side.Other()
		return Await{Mapping: missing.Mapping, Side: s, ID: l.On(s)}
	}
	return awaitsSweep(missing.Mapping)
}

// raw turns a View's value into the form the side's API takes.
func (b *batch) raw(f *mapping.Field, s mapping.Side, v mapping.Value, seen Seen, l *Link) (any, error) {
	if to := b.refs.links[v.Text]; b.dry && f.Ref != "" && to != nil && to.ID < 0 {
		return string(to.On(s)), nil // planned to be linked: it has no id to be checked yet
	}
	if b.lookups == nil {
		b.lookups = &lookups{ctx: b.ctx, side: b.e.odoo}
	}
	env := mapping.Env{Refs: b.refs, Zone: b.e.Zone, Lookups: b.lookups}
	if l != nil {
		env.Base = l.Bases[s][f.Key].Value
	}
	return f.Write(s, v, seen.Record, env)
}

// woken says whether something a hold waits for has happened since: its wait is gone.
func woken(h Hold, awaits []Await) bool {
	return slices.ContainsFunc(h.On, func(on Await) bool { return !slices.Contains(awaits, on) })
}

// applyPolicy drops what the mapping's direction does not allow. Pure.
func applyPolicy(p *Plan) {
	m := p.Mapping
	p.Changes = slices.DeleteFunc(p.Changes, func(c *Change) bool {
		if m.Direction.Allows(c.Side) {
			return false
		}
		p.Notes = append(p.Notes, Note{Reason: c.Reason + "; not written: the mapping's direction is " + string(m.Direction)})
		switch c.Op {
		case OpArchive, OpDelete:
			p.Retire = ""
		case OpTerminate:
			p.Settle = "" // it runs on, and what is decided there is still to be compared
		}
		return true
	})
}
