package bridge

import (
	"fmt"
	"slices"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// noteWrite remembers a write to DingTalk, whose event will come back.
func (b *batch) noteWrite(t *task, s mapping.Side) {
	if l := t.plan.Link; s == mapping.DingTalk && l != nil {
		b.e.wrote.note(b.e.Now(), l.Key(), RecordKey(b.m.Name, s, l.Ding))
	}
}

// pendingWrite is one update or removal and the change it came from.
type pendingWrite struct {
	t      *task
	change *Change
	fields []FieldChange // still to be tried
	w      *write
}

// applyWrites updates and removes records of one side. A refused field is held and the others are written without it; a
// refusal that names no field is found by trying the fields one by one.
func (b *batch) applyWrites(s mapping.Side, wave []*task) {
	var open []*pendingWrite
	for _, t := range wave {
		if t.fail != nil || t.plan == nil {
			continue
		}
		for _, c := range t.plan.Changes {
			if c.Op != OpCreate && c.Side == s && b.paused(t, s) {
				break
			}
			if c.Op != OpCreate && c.Side == s {
				open = append(open, &pendingWrite{t: t, change: c, fields: c.Fields})
			}
		}
	}
	for len(open) > 0 {
		var calls []*write
		var round, again []*pendingWrite
		busy := map[*task]bool{} // one write of a record at a time
		for _, p := range open {
			if busy[p.t] {
				again = append(again, p)
				continue
			}
			busy[p.t] = true
			p.w = b.writeOf(p)
			calls, round = append(calls, p.w), append(round, p)
		}
		b.e.side(s).Write(b.ctx, b.m, calls)
		for _, p := range round {
			again = append(again, b.written(p)...)
		}
		open = slices.DeleteFunc(again, func(p *pendingWrite) bool { return p.t.fail != nil })
	}
}

func (b *batch) writeOf(p *pendingWrite) *write {
	s := p.change.Side
	w := &write{
		op: p.change.Op, id: p.change.ID, values: map[string]any{}, seen: *p.t.seen(s),
		text: p.change.Text, by: p.change.By, mark: p.change.Key, scope: p.change.Scope,
	}
	if slices.ContainsFunc(p.t.wrote, func(a applied) bool { return a.change.Side == s }) {
		w.seen.Written = "" // our own write moved it; the first one was locked
	}
	if kind, _ := dingtalk.KindByName(b.m.Kind); s == mapping.DingTalk && !kind.Read && kind.List == dingtalk.ListNone {
		b.wholeOf(p.t, w)
	}
	if b.m.Message != nil {
		w.parts = p.t.link.occurrence().Parts
	}
	for _, fc := range p.fields {
		raw, err := b.raw(fc.Field, s, fc.To, w.seen, p.t.plan.Link)
		if err != nil {
			continue // as in creationOf
		}
		for _, name := range spread(w.values, fc.Field.Name(s), raw) {
			if w.values[name] == nil {
				w.clear = append(w.clear, name)
			}
		}
	}
	return w
}

// written settles one write and returns what is to be tried again.
func (b *batch) written(p *pendingWrite) []*pendingWrite {
	t := p.t
	f := classify(p.w.err)
	t.shown(p.change.Side, p.w.back)
	switch {
	case f == nil:
		b.e.wroteTo(p.change.Side)
		t.wrote = append(t.wrote, applied{change: p.change, fields: p.fields})
		b.noteWrite(t, p.change.Side)
		t.link.doneBy(p.w.values)
		if p.w.message > 0 {
			t.message = p.w.message
		}
		if p.change.Op == OpNote {
			t.link.occurrence().note(p.change.Key)
		}
	case f.Modified:
		t.fail = f
	case p.change.Op == OpTerminate && dingtalk.IsFinished(p.w.err):
		t.fail = &Failure{Class: FailRetry, Free: true, Words: "decided in the same moment: " + f.Words, Err: f} // looked at again
		t.link.occurrence().Look = true
	case f.Class == FailReject || (f.Class == FailMissing && len(p.fields) > 0):
		if p.change.Op != OpUpdate {
			h := Hold{Kind: HeldRefused, Since: b.now, Reason: fmt.Sprintf("%s refused to %s it: %s; held", p.change.Side, p.change.Op, f.Words), On: []Await{awaitsSweep(b.m.Name)}}
			t.plan.Retire = ""
			if p.change.Op == OpFinish {
				t.plan.Settle = ""
			}
			if b.m.Approval != nil {
				h.Odoo = mapping.Text(t.odoo.Written)
			}
			if p.change.Op == OpNote || p.change.Op == OpComment {
				b.e.Log.Warn("not told", zap.String("mapping", b.m.Name), zap.String("op", string(p.change.Op)), zap.String("odoo", string(t.odoo.ID)), zap.String("reason", f.Words))
				return nil
			}
			t.plan.Notes = append(t.plan.Notes, Note{Hold: &h, Reason: h.Reason})
			t.plan.Waits = append(t.plan.Waits, h.On...)
			return nil
		}
		return b.refusedUpdate(p, f)
	default:
		t.fail = f
		if f.Ambiguous {
			t.unsure = append(t.unsure, applied{change: p.change, fields: p.fields})
		}
	}
	return nil
}

// refusedUpdate holds the field the refusal names, or tries the fields one by one when it names none.
func (b *batch) refusedUpdate(p *pendingWrite, f *Failure) []*pendingWrite {
	i := -1
	if f.Field != "" {
		i = slices.IndexFunc(p.fields, func(fc FieldChange) bool { return fc.Field.Name(p.change.Side) == f.Field })
	}
	if len(p.fields) == 1 {
		i = 0
	}
	if i < 0 {
		var each []*pendingWrite
		for _, fc := range p.fields {
			each = append(each, &pendingWrite{t: p.t, change: p.change, fields: []FieldChange{fc}})
		}
		return each
	}
	fc := p.fields[i]
	if b.swap(p, fc, f) {
		return nil
	}
	h := b.refusal(p.t, fc, p.change.Side, f)
	if b.m.Approval != nil && fc.Field == outcomeField(b.m) {
		b.refusedDecision(p.t, fc.Field.Key, &h, f.Words)
	}
	p.t.plan.Notes = append(p.t.plan.Notes, Note{Field: fc.Field, Hold: &h, Reason: h.Reason})
	p.t.plan.Waits = append(p.t.plan.Waits, h.On...)
	rest := slices.Delete(slices.Clone(p.fields), i, i+1)
	if len(rest) == 0 {
		return nil
	}
	return []*pendingWrite{{t: p.t, change: p.change, fields: rest}}
}

// refusal is the hold of one field with the far side's words. What is unique waits for its holder, everything for the sweep.
func (b *batch) refusal(t *task, fc FieldChange, s mapping.Side, f *Failure) Hold {
	h := Hold{Kind: HeldRefused, Since: b.now, Reason: string(s) + " refused " + fc.Field.Name(s) + ": " + f.Words + "; held (field)", On: []Await{awaitsSweep(b.m.Name)}}
	h.Odoo, h.DingTalk = t.odoo.View[fc.Field.Key], t.ding.View[fc.Field.Key]
	if h.Odoo.IsUnknown() && s == mapping.DingTalk {
		h.Odoo = fc.Source
	}
	if s == mapping.DingTalk && t.ding.View == nil {
		h.DingTalk = mapping.EmptyValue
	}
	if l := b.refs.links[fc.To.Text]; fc.Field.Ref != "" && l != nil {
		// What it refers to may be refused for its own state (a manager who is no member yet): its next change tries again.
		h.On = append(h.On, Await{Mapping: fc.Field.Ref, Side: mapping.Odoo, ID: l.Odoo}, Await{Mapping: fc.Field.Ref, Side: mapping.DingTalk, ID: l.Ding})
	}
	for _, id := range b.holders(t, fc, s, f) {
		h.On = append(h.On, Await{Mapping: b.m.Name, Side: s, ID: id})
		h.Reason = fmt.Sprintf("%s refused %s: %s (%s %s has it); held (field)", s, fc.Field.Name(s), f.Words, b.kindOf(s), id)
	}
	return h
}
