package bridge

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"dingbridge/mapping"
)

// readBack looks again at the sides that were written, all records at once. What it shows becomes the base.
func (b *batch) readBack(wave []*task) {
	if b.dry {
		return
	}
	for _, s := range []mapping.Side{mapping.DingTalk, mapping.Odoo} {
		var written []*task
		for _, t := range wave {
			removed := slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s && a.change.Op == OpDelete })
			touched := slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s })
			if touched && !removed {
				written = append(written, t)
			}
		}
		if len(written) == 0 {
			continue
		}
		b.readBackSide(s, written)
	}
}

func (b *batch) readBackSide(s mapping.Side, written []*task) {
	ids := make([]ID, 0, len(written))
	for _, t := range written {
		ids = append(ids, t.seen(s).ID)
	}
	seen, err := b.e.side(s).Look(b.ctx, b.m, ids)
	for _, t := range written {
		back := seen[t.seen(s).ID]
		if err != nil {
			// It was written; what it became is looked at later. Until then what was meant stands as the base.
			b.settleWritten(t, s, nil)
			t.wait = b.now.Add(b.e.RetryBase)
			continue
		}
		if back.Record != nil {
			back.View, _ = b.m.View(s, back.Record, t.meantView(s), b.refs, b.e.Zone)
			b.e.index.put(b.m, s, back)
			if s == mapping.Odoo && back.Created != "" {
				t.plan.Link.OdooCreated = back.Created
			}
		}
		b.settleWritten(t, s, back.View)
		if back.Record != nil {
			*t.seen(s) = back
		} else if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Side == s && a.change.Op == OpCreate }) {
			b.createdUnseen(t, s)
		}
	}
}

// meantView is the memory of one side with what was just written to it: a list converter stays with the element it wrote.
func (t *task) meantView(s mapping.Side) mapping.View {
	v := t.plan.Link.BaseView(s)
	for _, a := range t.wrote {
		for _, fc := range a.fields {
			if a.change.Side == s {
				v[fc.Field.Key] = fc.To
			}
		}
	}
	return v
}

// createdUnseen: DingTalk took the creation but does not show the person: an invitation, or a stale answer. Within the stale
// window it is looked at again, after it the link is pending until the person accepts.
func (b *batch) createdUnseen(t *task, s mapping.Side) {
	if s == mapping.DingTalk {
		t.plan.Link.State = Pending
		if t.plan.Recheck.IsZero() {
			t.plan.Recheck = b.now.Add(b.e.StaleWindow)
		}
	}
}

// settleWritten moves the bases of the fields that were written to the side by what the read-back shows.
func (b *batch) settleWritten(t *task, s mapping.Side, back mapping.View) {
	l := t.plan.Link
	for _, a := range t.wrote {
		if a.change.Side != s {
			continue
		}
		for _, fc := range a.fields {
			f := fc.Field
			delete(l.Take, f.Key)
			l.SetBase(s.Other(), f, fc.Source)
			l.SetBase(s, f, fc.To)
			if f.OnCreate || a.change.Op == OpCreate && f.OdooName == "" {
				continue
			}
			got := back[f.Key]
			switch {
			case got.IsUnknown() || got == fc.To:
				delete(l.Sent, f.Key)
			case s == mapping.DingTalk && got == fc.From:
				if l.Sent == nil {
					l.Sent = map[string]Sent{}
				}
				l.Sent[f.Key] = Sent{Before: fc.From, Meant: fc.To, At: b.now}
				if end := b.now.Add(b.e.StaleWindow); t.plan.Recheck.IsZero() || end.Before(t.plan.Recheck) {
					t.plan.Recheck = end
				}
			default:
				l.SetBase(s, f, got)
				h := Hold{Kind: HeldUnstuck, Since: b.now, Odoo: fc.Source, DingTalk: got,
					Reason: fmt.Sprintf("%s: %s shows %s after %s was written", ReasonNotStuck, s, got, fc.To)}
				if s == mapping.Odoo {
					h.Odoo, h.DingTalk = got, fc.Source
				}
				t.plan.Notes = append(t.plan.Notes, Note{Field: f, Hold: &h, Reason: h.Reason})
			}
		}
	}
}

// save writes what the wave learned in one transaction: links, history, waits, and the state of the work.
func (b *batch) save(wave []*task) error {
	var logs []func()
	err := b.e.Store.Update(b.ctx, func(tx Tx) error {
		logs = logs[:0]
		for _, t := range wave {
			logged, err := b.saveTask(tx, t)
			if err != nil {
				return err
			}
			logs = append(logs, logged...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, log := range logs {
		log()
	}
	return nil
}

func (b *batch) saveTask(tx Tx, t *task) (logs []func(), err error) {
	if t.plan == nil {
		t.plan = &Plan{Mapping: b.m, Link: t.link}
	}
	b.settlePlan(t)
	if l := t.plan.Link; l != nil {
		b.remember(t, l)
		if err := b.makeRoom(tx, t, l); err != nil {
			return nil, err
		}
		if err := b.putLink(tx, t, l); err != nil {
			if !isTaken(err) {
				return nil, err
			}
			t.fail = &Failure{Class: FailRetry, After: b.e.RetryBase, Words: err.Error(), Err: err}
		} else {
			t.link = l
			b.refs.learn(l)
			if err := b.saveLinked(tx, t, l); err != nil {
				return nil, err
			}
		}
	}
	if err := b.settleGuard(tx, t); err != nil {
		return nil, err
	}
	rows := b.historyOf(t)
	if err := tx.AppendHistory(rows...); err != nil {
		return nil, err
	}
	if err := b.saveWork(tx, t); err != nil {
		return nil, err
	}
	for _, r := range rows {
		logs = append(logs, func() { b.e.logOutcome(r) })
	}
	if t.fail != nil {
		f := *t.fail
		logs = append(logs, func() { b.e.logFailure(b.m, t, &f) })
	}
	for _, n := range t.plan.Notes {
		if n.Hold != nil && !n.Kept {
			logs = append(logs, func() { b.e.logHold(b.m, t, n) })
		}
	}
	return logs, nil
}

// saveLinked takes back what the new state of the link makes pointless, and wakes who waits for it.
func (b *batch) saveLinked(tx Tx, t *task, l *Link) error {
	var woken []Await
	if l.State == Linked || l.State == Retired || (t.was == Creating && l.State != Creating) {
		for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
			if id := l.On(s); id != "" && (len(t.wrote) > 0 || len(t.plan.Settles) > 0 || t.plan.Match != nil || t.was != l.State) {
				woken = append(woken, Await{Mapping: b.m.Name, Side: s, ID: id})
			}
		}
	}
	if len(woken) > 0 {
		if _, err := tx.Wake(woken...); err != nil {
			return err
		}
	}
	return nil
}

// putLink writes the link if anything about it changed.
func (b *batch) putLink(tx Tx, t *task, l *Link) error {
	if l.ID > 0 && l.mark() == t.mark && t.mark != 0 {
		return nil
	}
	l.Updated = b.now
	return tx.PutLink(l)
}

// makeRoom takes away held strangers that stood for a record which the link holds now.
func (b *batch) makeRoom(tx Tx, t *task, l *Link) error {
	if l.State == Held || (t.was == l.State && t.plan.Match == nil) {
		return nil
	}
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		id := l.On(s)
		if id == "" {
			continue
		}
		on, err := tx.LinksOn(b.m.Name, s, []ID{id})
		if err != nil {
			return err
		}
		if held := on[id]; held != nil && held.ID != l.ID && held.State == Held {
			if err := tx.DeleteLink(held.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// settlePlan applies to the link what needs no write: settled fields, decisions about existence.
func (b *batch) settlePlan(t *task) {
	p := t.plan
	if b.stillArchived(t) {
		// Joined only once it is un-archived: until then a stranger stays one, and a retired link stays retired.
		p.Link, p.Match, p.Rehire = t.link, nil, false
		return
	}
	if p.Link == nil {
		p.Link = b.heldLink(t)
	}
	if p.Link == nil {
		return
	}
	for key, sent := range p.Link.Sent {
		if d := t.ding.View[key]; !d.IsUnknown() && d != sent.Before {
			delete(p.Link.Sent, key)
		}
	}
	if t.fail != nil {
		return
	}
	if len(p.Over) == 0 {
		for key := range p.Link.Take {
			if !slices.ContainsFunc(p.Notes, func(n Note) bool { return n.Field != nil && n.Field.Key == key }) {
				delete(p.Link.Take, key) // decided, or there is no conflict any more
			}
		}
	}
	if b.secondWrite(t) {
		p.Recheck = b.now
	}
	if p.Link.State == Linked && p.Retire == "" {
		p.Link.Was = nil
		if t.odoo.Existence != Present && p.Row != "" && len(p.Changes) == 0 && len(p.Over) == 0 {
			p.Link.Was = map[mapping.Side]Existence{mapping.Odoo: t.odoo.Existence, mapping.DingTalk: t.ding.Existence}
		}
	}
	for _, s := range p.Settles {
		p.Link.SetBase(mapping.Odoo, s.Field, s.Odoo)
		p.Link.SetBase(mapping.DingTalk, s.Field, s.Ding)
		delete(p.Link.Take, s.Field.Key)
		delete(p.Link.Sent, s.Field.Key)
	}
	if p.Link.State == Pending && t.ding.Existence == Present {
		p.Link.State, p.Link.Intent = Linked, nil
		p.Recheck = b.now
	}
	if p.Retire != "" && b.allApplied(t) {
		p.Link.State = Retired
		p.Link.Was = map[mapping.Side]Existence{mapping.Odoo: b.after(t, mapping.Odoo), mapping.DingTalk: b.after(t, mapping.DingTalk)}
		p.Link.Holds, p.Link.Sent, p.Link.Take = nil, nil, nil
	}
	if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpUnarchive }) {
		p.Recheck = b.now // un-archived: now the fields are compared
	}
}

// stillArchived says that an un-archiving was planned and not done.
func (b *batch) stillArchived(t *task) bool {
	unarchives := func(c *Change) bool { return c.Op == OpUnarchive }
	planned := slices.ContainsFunc(t.plan.Changes, unarchives) || slices.ContainsFunc(t.plan.Over, func(w Waiting) bool { return unarchives(w.Change) })
	return planned && !slices.ContainsFunc(t.wrote, func(a applied) bool { return unarchives(a.change) })
}

// secondWrite says that a record was just created and that some of its fields still have to travel: those the creation could not
// carry, and those only the new record shows.
func (b *batch) secondWrite(t *task) bool {
	if !slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpCreate }) {
		return false
	}
	for _, f := range b.m.Fields {
		if f.OnCreate {
			continue
		}
		for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
			v := t.seen(s).View[f.Key]
			if base, ok := t.plan.Link.Base(s, f); !v.IsUnknown() && (!ok || base != v) {
				return true
			}
		}
	}
	return false
}

// after is what a side is once the task's removals are done.
func (b *batch) after(t *task, s mapping.Side) Existence {
	for _, a := range t.wrote {
		if a.change.Side == s && a.change.Op == OpArchive {
			return Archived
		}
		if a.change.Side == s && a.change.Op == OpDelete {
			return Gone
		}
	}
	return t.seen(s).Existence
}

func (b *batch) allApplied(t *task) bool {
	return len(t.plan.Over) == 0 && len(t.wrote) >= len(t.plan.Changes)
}

// heldLink is the one-sided link that remembers why a stranger is held; nil when nothing is held.
func (b *batch) heldLink(t *task) *Link {
	for _, n := range t.plan.Notes {
		if n.Hold != nil && n.Field == nil {
			l := &Link{Mapping: b.m.Name, State: Held, Odoo: t.odoo.ID, Ding: t.ding.ID, OdooCreated: t.odoo.Created}
			return l
		}
	}
	return nil
}

// remember keeps the holds that still stand: those the plan names, and those whose fields could not be looked at.
func (b *batch) remember(t *task, l *Link) {
	if l.OdooCreated == "" && l.Odoo == t.odoo.ID {
		l.OdooCreated = t.odoo.Created
	}
	if t.fail != nil && len(t.wrote) == 0 {
		return
	}
	holds := map[string]Hold{}
	for key, h := range l.Holds {
		if key == "" {
			if t.odoo.Existence == Unseen || t.ding.Existence == Unseen {
				holds[key] = h
			}
			continue
		}
		if t.odoo.View[key].IsUnknown() || t.ding.View[key].IsUnknown() {
			holds[key] = h
		}
	}
	for _, n := range t.plan.Notes {
		if n.Hold == nil {
			continue
		}
		key := ""
		if n.Field != nil {
			key = n.Field.Key
		}
		holds[key] = *n.Hold
	}
	l.Holds = holds
}

// saveWork finishes the keys, or postpones them.
func (b *batch) saveWork(tx Tx, t *task) error {
	key := t.key
	if t.link != nil && t.link.ID > 0 {
		key = t.link.Key()
	}
	waits := t.plan.Waits
	if t.link != nil {
		for _, h := range t.link.Holds {
			for _, on := range h.On {
				if h.Since.Equal(b.now) || slices.Contains(t.awaits, on) { // a wait that was woken stays consumed
					waits = append(waits, on)
				}
			}
		}
	}
	if t.fail != nil {
		waits = append(waits, t.awaits...)
	}
	if err := tx.StopAwaiting(t.key); err != nil {
		return err
	}
	if key != t.key {
		if err := tx.StopAwaiting(key); err != nil {
			return err
		}
	}
	for _, on := range uniqueAwaits(waits) {
		if err := tx.Await(key, on); err != nil {
			return err
		}
		if err := b.enqueueMissing(tx, on); err != nil {
			return err
		}
	}
	if t.reused && t.plan.Retire != "" {
		if err := tx.Touch(time.Time{}, RecordKey(b.m.Name, mapping.Odoo, t.odoo.ID)); err != nil {
			return err
		}
	}
	for _, w := range t.works {
		if err := b.finish(tx, t, w); err != nil {
			return err
		}
	}
	if due := t.plan.Recheck; !due.IsZero() {
		if err := tx.Touch(due, key); err != nil {
			return err
		}
	}
	return nil
}

// finish marks one row done, or postpones it: without spending an attempt where the far side or a whole scope is the reason.
func (b *batch) finish(tx Tx, t *task, w Work) error {
	f := t.fail
	switch {
	case f == nil && !t.wait.IsZero():
		return tx.Postpone(w.Key, w.Gen, t.wait, w.Attempts, w.LastError)
	case f == nil:
		return tx.Finish(w.Key, w.Gen)
	case f.Class == FailHalt:
		return tx.Postpone(w.Key, w.Gen, b.e.halts.add(f, b.m.Name), w.Attempts, f.Words)
	case f.Modified:
		return tx.Postpone(w.Key, w.Gen, b.now, w.Attempts, f.Words)
	case f.Free:
		return tx.Postpone(w.Key, w.Gen, b.now.Add(max(f.After, b.e.RetryBase)), w.Attempts, f.Words)
	case w.Attempts+1 >= b.e.MaxAttempts:
		return b.giveUp(tx, t, w, f)
	default:
		return tx.Postpone(w.Key, w.Gen, b.now.Add(max(f.After, backoff(w.Attempts, b.e.RetryBase, b.e.RetryMax))), w.Attempts+1, f.Words)
	}
}

// giveUp ends the attempts: the record is shown as held and tried again by the next sweep, by a change, or by `retry`.
func (b *batch) giveUp(tx Tx, t *task, w Work, f *Failure) error {
	if err := tx.Await(w.Key, awaitsSweep(b.m.Name)); err != nil {
		return err
	}
	row := HistoryRow{At: b.now, Mapping: b.m.Name, Odoo: t.odoo.ID, Ding: t.ding.ID, Op: "hold", Version: b.m.Version,
		Reason: fmt.Sprintf("gave up after %d attempts: %s; tried again by the next sweep", w.Attempts+1, f.Words)}
	if t.link != nil {
		row.Link = t.link.ID
	}
	if err := tx.AppendHistory(row); err != nil {
		return err
	}
	b.e.Log.Error("held", zap.String("mapping", b.m.Name), zap.String("key", w.Key.String()), zap.String("reason", row.Reason))
	return tx.Finish(w.Key, w.Gen)
}

// enqueueMissing makes the record somebody waits for due, in case nobody looked at it yet.
func (b *batch) enqueueMissing(tx Tx, on Await) error {
	if on.Side == "" {
		return nil
	}
	if _, ok := b.e.mappings().Get(on.Mapping); !ok {
		return nil
	}
	at, err := tx.LinksOn(on.Mapping, on.Side, []ID{on.ID})
	if err != nil || at[on.ID] != nil {
		return err
	}
	row, err := tx.WorkOf(RecordKey(on.Mapping, on.Side, on.ID))
	if err != nil || row != nil {
		return err // already worked on once: it will wake us when it is linked
	}
	return tx.Touch(time.Time{}, RecordKey(on.Mapping, on.Side, on.ID))
}

// backoff doubles from base with every attempt, up to most.
func backoff(attempts int, base, most time.Duration) time.Duration {
	d := base
	for range attempts {
		if d *= 2; d >= most {
			return most
		}
	}
	return d
}

func uniqueAwaits(list []Await) []Await {
	var out []Await
	for _, a := range list {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// historyOf is one row for each thing that was done to the record.
func (b *batch) historyOf(t *task) []HistoryRow {
	base := HistoryRow{At: b.now, Mapping: b.m.Name, Odoo: t.odoo.ID, Ding: t.ding.ID, Version: b.m.Version}
	if t.plan.Link != nil {
		base.Link, base.Odoo, base.Ding = t.plan.Link.ID, t.plan.Link.Odoo, t.plan.Link.Ding
	}
	var rows []HistoryRow
	add := func(op string, s mapping.Side, reason string, fields []FieldChange) {
		r := base
		r.Op, r.Side, r.Reason = op, s, reason
		for _, fc := range fields {
			if r.Before == nil {
				r.Before, r.After = map[string]string{}, map[string]string{}
			}
			r.Before[fc.Field.Name(s)], r.After[fc.Field.Name(s)] = fc.From.String(), fc.To.String()
		}
		rows = append(rows, r)
	}
	if t.plan.Match != nil && t.fail == nil {
		add("link", t.plan.Match.Side, "matched by "+t.plan.Match.By, nil)
	}
	for _, a := range t.wrote {
		add(string(a.change.Op), a.change.Side, a.change.Reason, a.fields)
	}
	if t.plan.Link != nil && t.plan.Link.State == Retired && t.plan.Retire != "" {
		add("retire", "", t.plan.Retire, nil)
	}
	for _, n := range t.plan.Notes {
		if n.Hold != nil && !n.Kept {
			add("hold", "", n.Reason, nil)
		}
	}
	for _, o := range t.plan.Over {
		add("wait", o.Change.Side, fmt.Sprintf("%s; over the guard, waits in list %d", o.Change.Reason, o.List), o.Change.Fields)
	}
	return rows
}
