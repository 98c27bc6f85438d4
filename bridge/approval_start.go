package bridge

import (
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// nextOccurrence begins the next occurrence of a record; the link of the one before gives the record away.
func (b *batch) nextOccurrence(t *task) {
	t.occurrence = 1
	switch l := t.link; {
	case l == nil:
	case l.State == Held || l.State == Baseline:
		t.occurrence = max(l.occurrence().N, 1)
	default:
		t.occurrence = l.occurrence().N + 1
		t.supersedes, t.link, t.plan.Link = l, nil, nil
	}
	t.ding = Seen{}
	t.plan.Ding = t.ding
}

// started notes what was just made of an approval: an instance, or a record for one that was born in DingTalk.
func (b *batch) started(t *task) {
	if b.m.Approval == nil {
		return
	}
	o := t.link.occurrence()
	o.Started, o.Left, o.Look = b.e.Now(), false, false
	if at, ok := t.ding.Record["create_time"].(int64); ok {
		o.Started = time.UnixMilli(at)
	}
	o.ReadAt = o.Started.Add(rereadAfter(0, b.e.Reread))
	t.plan.recheck(o.ReadAt)
	if t.ding.Instance != nil { // born in DingTalk: its steps, and perhaps its outcome, are still to be carried over
		o.Look = true
		t.plan.recheck(b.now)
	}
}

// chooseInstance settles a start whose outcome is unknown, among the instances it may have become. It reports that the task is dealt
// with: without a marker nothing tells an instance that is not there yet from one that never arrived, so it is not sent again.
func (b *batch) chooseInstance(t *task, ask *creation) (done bool) {
	free, err := b.notTaken(t, ask.candidates)
	if err != nil {
		t.fail = classify(err)
		return true
	}
	marked := b.m.Approval.Marker != ""
	switch {
	case len(free) == 1, len(free) > 1 && marked:
		ask.id, ask.found = free[0], true // of several with our key, the later ones were copied from the first
		t.link.occurrence().Started = t.link.Intent.At
		t.link.occurrence().Look = false
		return false
	case len(free) == 0 && marked:
		return false
	}
	words := "no answer came when the approval was started, and the form has no marker by which it could be found; if DingTalk does not have it: dingbridge retry"
	if len(free) > 1 {
		words = "no answer came when the approval was started, and several instances carry its values: " + joinIDs(free)
	}
	b.holdUnsure(t, mapping.DingTalk, words)
	return true
}

// wholeOf fills a write to a kind that cannot be read: DingTalk replaces the whole object.
func (b *batch) wholeOf(t *task, w *write) {
	for _, f := range b.m.Fields {
		v := t.odoo.View[f.Key]
		if v.IsUnknown() && t.plan.Link != nil {
			v = t.plan.Link.BaseView(mapping.DingTalk)[f.Key]
		}
		if !v.IsKnown() || !f.Writes(mapping.DingTalk) {
			continue
		}
		if raw, err := b.raw(f, mapping.DingTalk, v, w.seen, t.plan.Link); err == nil {
			w.values[f.DingName] = raw
		}
	}
}

// touchMain makes the approval due that an attached instance revokes or modifies.
func (b *batch) touchMain(tx Tx, t *task) error {
	main := t.plan.Attached
	if main == "" || t.fail != nil {
		return nil
	}
	on, err := tx.LinksOn(b.m.Name, mapping.DingTalk, []ID{main})
	if err != nil || on[main] == nil {
		return err
	}
	l := on[main]
	l.occurrence().Look = true
	if t.ding.Existence == Finished {
		b.e.ended.note(b.now, l.Key())
	}
	if err := tx.PutLink(l); err != nil {
		return err
	}
	return tx.Touch(time.Time{}, l.Key())
}

// touchApproval makes due what an event of an approval is about. Only what can matter is read: starts and tasks of instances that no
// link holds are not, unless one of them may be ours or is to be created in Odoo.
func (e *Engine) touchApproval(tx Tx, event dingtalk.Event) error {
	a, ok := event.Approval()
	if !ok {
		return nil
	}
	id := ID(a.InstanceID)
	for _, m := range e.mappings().ByKind("approval") {
		if m.Approval.ProcessCode != a.ProcessCode && a.ProcessCode != "" {
			continue
		}
		on, err := tx.LinksOn(m.Name, mapping.DingTalk, []ID{id})
		if err != nil {
			return err
		}
		l := on[id]
		matters, err := e.eventMatters(tx, m, l, a)
		if err != nil {
			return err
		}
		if !matters {
			continue
		}
		if l != nil {
			l.occurrence().Look = true
			l.occurrence().Deleted = l.occurrence().Deleted || a.Deleted
			if err := tx.PutLink(l); err != nil {
				return err
			}
		}
		key := RecordKey(m.Name, mapping.DingTalk, id)
		if l != nil {
			key = l.Key()
		}
		e.told.note(e.Now(), key)
		if a.Ended {
			e.ended.note(e.Now(), key)
		}
		if err := touchRecords(tx, m, mapping.DingTalk, []ID{id}, atOnce); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) eventMatters(tx Tx, m *mapping.Mapping, l *Link, a dingtalk.ApprovalEvent) (bool, error) {
	switch {
	case l != nil && l.State == Linked:
		return a.Ended || m.Approval.Notes.Wanted(), nil
	case l != nil:
		return l.State == Settled && a.Ended, nil
	case a.Task:
		return false, nil
	case a.Ended || m.CreateOdoo.Allowed:
		return true, nil
	}
	open, err := tx.LinksIn(m.Name, Creating)
	return len(open) > 0, err
}
