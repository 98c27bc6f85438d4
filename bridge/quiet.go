package bridge

import (
	"errors"
	"sync"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// polled remembers which touches of keys came from polls alone. A poll shows every write several times, and many of them change nothing
// that is mapped, as each message in a channel does: where a look at DingTalk is dear it is spared.
type polled struct {
	mu     sync.Mutex
	before map[Key]map[int64]int64 // the generation that a poll made, and the one before it
}

func newPolled() *polled { return &polled{before: map[Key]map[int64]int64{}} }

// polledTouch is one touch of a key by a poll: the generations before and after it.
type polledTouch struct {
	key           Key
	before, after int64
}

// note remembers touches that are committed.
func (p *polled) note(touches []polledTouch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range touches {
		if p.before[t.key] == nil {
			p.before[t.key] = map[int64]int64{}
		}
		p.before[t.key][t.after] = t.before
	}
}

// alone says whether nobody but polls touched the rows since they were done, and forgets the touches.
func (p *polled) alone(works []Work) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	alone := len(works) > 0
	for _, w := range works {
		for gen := w.Gen; alone && gen > w.DoneGen; {
			gen, alone = p.before[w.Key][gen], p.has(w.Key, gen)
		}
		delete(p.before, w.Key)
	}
	return alone
}

func (p *polled) has(k Key, gen int64) bool {
	_, has := p.before[k][gen]
	return has
}

// touchDear is touchRecords for a poll of a mapping whose looks are dear.
func touchDear(tx Tx, m *mapping.Mapping, ids []ID) ([]polledTouch, error) {
	var touches []polledTouch
	var failed error
	note := func(k Key) time.Time {
		w, err := tx.WorkOf(k)
		if err != nil {
			failed = err
		}
		t := polledTouch{key: k}
		if w != nil {
			t.before = w.Gen
		}
		touches = append(touches, t)
		return time.Time{}
	}
	if err := errors.Join(touchRecords(tx, m, mapping.Odoo, ids, note), failed); err != nil {
		return nil, err
	}
	for i := range touches {
		w, err := tx.WorkOf(touches[i].key)
		if err != nil {
			return nil, err
		}
		if w != nil {
			touches[i].after = w.Gen
		}
	}
	return touches, nil
}

// dear says whether every look at an object of the kind is a call of its own that no list spares, though events tell of its changes.
func dear(kind string) bool {
	k, _ := dingtalk.KindByName(kind)
	return k.Read && k.List == dingtalk.ListNone && len(k.Events) > 0
}

// quiet marks the tasks that only a poll of Odoo touched and that show nothing new there: nothing is asked of DingTalk.
func (b *batch) quiet() {
	if b.dry || !dear(b.m.Kind) {
		return
	}
	for _, t := range b.tasks {
		t.quiet = b.e.polled.alone(t.works) && t.fail == nil && t.odoo.Existence == Present && b.atPeace(t)
	}
}

// atPeace says whether a link is whole, waits for nothing, and Odoo shows what it showed when it settled.
func (b *batch) atPeace(t *task) bool {
	l := t.link
	if l != nil && l.State == Linked && l.Was[mapping.DingTalk] == Gone {
		return true // the other side is gone for good
	}
	if l == nil || l.State != Linked || l.Was != nil || len(l.Sent)+len(l.Writing)+len(l.Take) > 0 {
		return false
	}
	for _, h := range l.Holds {
		if woken(h, t.awaits) {
			return false
		}
	}
	view, errs := b.m.View(mapping.Odoo, t.odoo.Record, l.BaseView(mapping.Odoo), b.refs, b.e.Zone)
	if len(errs) > 0 {
		return false
	}
	for _, f := range b.m.Fields {
		v, shown := view[f.Key]
		if !shown || f.OnCreate {
			continue
		}
		if base, has := l.Base(mapping.Odoo, f); !has || base != v {
			h, held := l.Holds[f.Key]
			if !held || h.Odoo != v {
				return false
			}
		}
	}
	return true
}
