package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"dingbridge/mapping"
)

// save writes what the wave learned in one transaction: links, history, waits, and the state of the work.
func (b *batch) save(wave []*task) error {
	var logs []func()
	err := b.e.Store.Update(b.ctx, func(tx Tx) error {
		logs = logs[:0]
		var woken []Await
		if err := b.findHeld(tx, wave); err != nil {
			return err
		}
		if err := b.heedPeople(tx, wave); err != nil {
			return err
		}
		for _, t := range wave {
			logged, err := b.saveTask(tx, t)
			if err != nil {
				return err
			}
			logs = append(logs, logged...)
			woken = append(woken, b.wakes(t)...)
		}
		for _, t := range wave { // after all are saved: the main one may be among them
			if err := b.touchMain(tx, t); err != nil {
				return err
			}
		}
		_, err := tx.Wake(woken...)
		return err
	})
	if err != nil {
		b.e.logUnsaved(b.m, wave, err)
		return err
	}
	for _, log := range logs {
		log()
	}
	for _, t := range wave {
		b.looked(t)
	}
	b.logGuard(wave)
	return nil
}

// logGuard tells, once a wave, what waits for a person.
func (b *batch) logGuard(wave []*task) {
	waiting := map[int64]int{}
	for _, t := range wave {
		for _, w := range t.plan.Over {
			waiting[w.List]++
		}
	}
	for list, n := range waiting {
		b.e.Log.Warn("over the guard", zap.String("mapping", b.m.Name), zap.String("op", "wait"), zap.Int("operations", n), zap.Int64("list", list),
			zap.String("reason", "more than the guard allows for a day; look with `dingbridge status`, let it go with `dingbridge release`"))
	}
}

func (b *batch) saveTask(tx Tx, t *task) (logs []func(), err error) {
	if t.plan == nil {
		t.plan = &Plan{Mapping: b.m, Link: t.link}
	}
	if t.quiet { // nothing was learned: what is remembered, held or waiting stays
		return nil, b.saveWork(tx, t)
	}
	b.settlePlan(t)
	b.lookAgain(t)
	if l := t.plan.Link; l != nil {
		b.settleWrites(t, l)
		b.remember(t, l)
		b.rememberErrand(t, l)
		b.rememberPlace(t, l)
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
			t.saved = true
		}
		if err := b.keepClaim(tx, t); err != nil {
			return nil, err
		}
	}
	if err := b.settleGuard(tx, t); err != nil {
		return nil, err
	}
	if err := tx.DropTold(t.untold...); err != nil {
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

// wakes names the task's records when somebody may wait for what became of its link.
func (b *batch) wakes(t *task) []Await {
	l := t.link
	if !t.saved || (l.State != Linked && l.State != Settled && l.State != Retired && (t.was != Creating || l.State == Creating)) {
		return nil
	}
	if len(t.wrote) == 0 && len(t.plan.Settles) == 0 && t.plan.Match == nil && t.was == l.State {
		return nil
	}
	var woken []Await
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		if id := l.On(s); id != "" {
			woken = append(woken, Await{Mapping: b.m.Name, Side: s, ID: id})
		}
	}
	for _, f := range b.m.Fields {
		if v := l.Bases[mapping.DingTalk][f.Key].Value; f.Remembered() && v.IsKnown() {
			woken = append(woken, awaitAttribute(b.m.Name, f.Key, v.Text))
		}
	}
	return woken
}

// putLink writes the link if anything about it changed.
func (b *batch) putLink(tx Tx, t *task, l *Link) error {
	if l.ID > 0 && l.mark() == t.mark && t.mark != 0 {
		return nil
	}
	l.Updated = b.now
	if err := tx.PutLink(l); err != nil {
		return err
	}
	if l.State == Held {
		b.hold(l)
	}
	return nil
}

// heedPeople takes over what a person decided while the wave was worked on: commands write links beside the daemon.
func (b *batch) heedPeople(tx Tx, wave []*task) error {
	byID := map[int64]*task{}
	for _, t := range wave {
		if t.link != nil && t.link.ID > 0 && (b.m.Approval != nil || len(t.link.Holds) > 0 || len(t.took) > 0) {
			byID[t.link.ID] = t
		}
	}
	stored, err := tx.LinksByID(slices.Collect(maps.Keys(byID)))
	for id, l := range stored {
		t := byID[id]
		for key, side := range l.Take {
			if t.took[key] == side {
				continue
			}
			if t.link.Take == nil {
				t.link.Take = map[string]mapping.Side{}
			}
			t.link.Take[key], t.mark, t.told = side, 0, append(t.told, key)
		}
	}
	return err
}

// findHeld reads which of the wave's records have held strangers, all at once.
func (b *batch) findHeld(tx Tx, wave []*task) error {
	b.held = map[Await]*Link{}
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		var ids []ID
		for _, t := range wave {
			if id := t.seen(s).ID; id != "" {
				ids = append(ids, id)
			}
			if l := t.link; l != nil && l.On(s) != "" && l.On(s) != t.seen(s).ID {
				ids = append(ids, l.On(s))
			}
		}
		on, err := tx.LinksOn(b.m.Name, s, ids)
		if err != nil {
			return err
		}
		for _, l := range on {
			if l.State == Held {
				b.hold(l)
			}
		}
	}
	return nil
}

// hold notes a held stranger for makeRoom.
func (b *batch) hold(l *Link) {
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		if id := l.On(s); id != "" {
			b.held[Await{Mapping: b.m.Name, Side: s, ID: id}] = l
		}
	}
}

// makeRoom takes away held strangers that stood for a record which the link holds now.
func (b *batch) makeRoom(tx Tx, t *task, l *Link) error {
	if l.State == Held || (t.was == l.State && t.plan.Match == nil) {
		return nil
	}
	for _, s := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		if held := b.held[Await{Mapping: b.m.Name, Side: s, ID: l.On(s)}]; held != nil && held.ID != l.ID {
			if err := tx.DeleteLink(held.ID); err != nil {
				return err
			}
		}
	}
	return nil
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
	if len(t.awaits) > 0 {
		if err := tx.StopAwaiting(t.key); err != nil {
			return err
		}
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
	if err := b.touchMoved(tx, t); err != nil {
		return err
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

// touchMoved touches what the record referred to before and what it refers to now, where those refer back: who leaves a department
// ceases to be its manager in DingTalk, and no event tells of the department.
func (b *batch) touchMoved(tx Tx, t *task) error {
	if t.link == nil || t.fail != nil {
		return nil
	}
	for _, f := range b.m.Fields {
		was := t.had[f.Key]
		now := t.link.Bases[mapping.DingTalk][f.Key].Value
		if f.Ref == "" || was == now || !b.refersBack(f.Ref) {
			continue
		}
		for _, ref := range []mapping.Value{was, now} {
			if id, err := strconv.ParseInt(ref.Text, 10, 64); err == nil && was.IsKnown() {
				if err := tx.Touch(b.now.Add(b.e.StaleWindow), LinkKey(f.Ref, id)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// refersBack says whether a field of the named mapping refers to this one.
func (b *batch) refersBack(name string) bool {
	other, ok := b.e.mappings().Get(name)
	return ok && other != b.m && slices.ContainsFunc(other.Fields, func(f *mapping.Field) bool { return f.Ref == b.m.Name })
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
	row := HistoryRow{
		At: b.now, Mapping: b.m.Name, Odoo: t.odoo.ID, Ding: t.ding.ID, Op: "hold", Version: b.m.Version,
		Reason: fmt.Sprintf("gave up after %d attempts: %s; tried again by the next sweep", w.Attempts+1, f.Words),
	}
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
		add(string(a.change.Op), a.change.Side, a.change.reasons(a.fields), a.fields)
	}
	for _, a := range t.unsure {
		add(string(a.change.Op), a.change.Side, a.change.reasons(a.fields)+"; no answer came, it may have been carried out", a.fields)
	}
	if t.plan.Link != nil && t.plan.Link.State == Retired && t.plan.Retire != "" {
		add("retire", "", t.plan.Retire, nil)
	}
	if l := t.plan.Link; l != nil && l.State == Settled && t.plan.Settle != "" && (t.was != Settled || b.m.Message != nil) {
		add("settle", "", t.plan.Settle, nil)
	}
	for _, n := range t.plan.Notes {
		if n.Hold != nil && !n.Kept {
			add("hold", "", n.Reason, nil)
		}
	}
	for _, o := range t.plan.Over {
		add("wait", o.Change.Side, fmt.Sprintf("%s; over the guard, waits in list %d", o.Change.reasons(o.Change.Fields), o.List), o.Change.Fields)
	}
	return rows
}
