package bridge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// apply carries out the wave's changes: on each side creations first, then updates, then removals.
func (b *batch) apply(wave []*task) {
	if b.dry {
		return
	}
	if b.lookups != nil {
		b.lookups.create = true
	}
	for _, s := range []mapping.Side{mapping.DingTalk, mapping.Odoo} {
		b.applyCreates(s, wave)
		b.applyWrites(s, wave)
	}
}

// paused: writes of this mapping to the side are halted (a permission is missing, a quota is used up); the task waits with them.
func (b *batch) paused(t *task, s mapping.Side) bool {
	if f := b.e.halts.pausing(b.m.Name, s); f != nil {
		t.fail = f
		return true
	}
	return false
}

// pendingCreate is one creation and the change it came from.
type pendingCreate struct {
	t      *task
	change *Change
	c      *creation
}

// applyCreates makes the records of one side. A refused field that is not required is held and the record is made without it.
func (b *batch) applyCreates(s mapping.Side, wave []*task) {
	var open []*pendingCreate
	for _, t := range wave {
		if t.fail != nil || t.plan == nil {
			continue
		}
		for _, c := range t.plan.Changes {
			if c.Op == OpCreate && c.Side == s && b.paused(t, s) {
				if !c.goesOn {
					b.notCreated(t)
				}
				break
			}
			if c.Op == OpCreate && c.Side == s {
				open = append(open, &pendingCreate{t: t, change: c})
			}
		}
	}
	for len(open) > 0 {
		var calls []*creation
		for _, p := range open {
			p.c = b.creationOf(p)
			calls = append(calls, p.c)
		}
		b.e.side(s).Create(b.ctx, b.m, calls)
		var again []*pendingCreate
		for _, p := range open {
			if b.created(p) {
				again = append(again, p)
			}
		}
		open = again
	}
}

// creationOf turns a planned creation into raw values.
func (b *batch) creationOf(p *pendingCreate) *creation {
	c := &creation{key: p.change.Key, values: map[string]any{}}
	if in := p.t.link.Intent; in != nil {
		c.parent = in.Parent
	}
	for _, fc := range p.change.Fields {
		raw, err := b.raw(fc.Field, p.change.Side, fc.To, Seen{}, nil)
		if err != nil {
			continue // planned only after it could be written; a link ended meanwhile: the next look sees the field unset
		}
		spread(c.values, fc.Field.Name(p.change.Side), b.inForm(fc.Field, p.change.Side, raw))
	}
	c.asked = p.change.Asked
	if b.m.Message != nil {
		l := p.t.link
		c.told = &delivery{
			parts: l.occurrence().Parts, safe: repeatable(b.m.Kind, l.Intent.At, b.now, b.e.Zone), room: p.t.room,
			media: l.occurrence().uploads(), attachment: b.e.odoo.attachment,
			link: l, store: b.putLinks,
		}
	}
	if b.m.Approval != nil && p.change.Side == mapping.DingTalk && b.m.Approval.Marker != "" {
		c.values[dingtalk.FormPrefix+b.m.Approval.Marker] = p.change.Key
	}
	if key := keyFieldOf(b.m.Kind); p.change.Side == mapping.DingTalk && key != "" && c.values[key] == nil {
		c.values[key] = p.change.Key
	}
	b.supply(p, c)
	return c
}

// spread puts a raw value where it belongs, in one field or several, and returns their names.
func spread(values map[string]any, name string, raw any) []string {
	parts, several := raw.(mapping.Parts)
	if !several {
		parts = mapping.Parts{name: raw}
	}
	maps.Copy(values, parts)
	return slices.Sorted(maps.Keys(parts))
}

// inForm is a raw value as a form takes it, whether or not the form is known: contacts and relations are lists, also of one.
func (b *batch) inForm(f *mapping.Field, side mapping.Side, raw any) any {
	id, single := raw.(string)
	if !single || id == "" || b.m.Approval == nil || side != mapping.DingTalk || f.Ref == "" || f.Attribute != "" || !strings.HasPrefix(f.DingName, dingtalk.FormPrefix) {
		return raw
	}
	if to, ok := b.e.mappings().Get(f.Ref); ok && to.Kind == "department" {
		return raw
	}
	return []any{id}
}

// created settles one creation; true means that it is to be sent again without the field that was refused.
func (b *batch) created(p *pendingCreate) (again bool) {
	t, l := p.t, p.t.link
	if b.m.Message != nil {
		b.messageSent(p)
		return false
	}
	f := classify(p.c.err)
	t.shown(p.change.Side, p.c.back)
	switch {
	case f == nil:
		b.e.wroteTo(p.change.Side)
		l.SetOn(p.change.Side, p.c.id)
		l.ownedBy(p.c.owner)
		l.doneBy(p.c.values)
		l.State, l.Intent = Linked, nil
		t.seen(p.change.Side).ID = p.c.id
		if p.c.found {
			// It was there already, under our key: nothing was written, the two meet for the first time.
			l.Bases = nil
			b.writeUnshown(l)
			t.plan.Recheck = b.now
			t.plan.Notes = append(t.plan.Notes, Note{Reason: "found in " + string(p.change.Side) + " under the key " + p.c.key})
			b.refs.learn(l)
			return false
		}
		t.wrote = append(t.wrote, applied{change: p.change, fields: p.change.Fields})
		b.noteWrite(t, p.change.Side)
		if p.change.Side == mapping.DingTalk {
			b.e.ding.made.note(b.e.Now(), RecordKey(b.m.Kind, mapping.DingTalk, l.Ding))
		}
		b.refs.learn(l)
		b.started(t)
	case f.Class == FailPending:
		l.SetOn(p.change.Side, ID(p.c.key))
		l.State = Pending
		t.wrote = append(t.wrote, applied{change: p.change})
		t.plan.Notes = append(t.plan.Notes, Note{Reason: f.Words + "; invited, pending until the person accepts"})
		b.refs.learn(l)
	case f.Ambiguous:
		t.fail = f // the intent stays: what came of it is looked up when it has settled
	case f.Class == FailReject || f.Class == FailMissing:
		if key := keyFieldOf(b.m.Kind); key != "" && f.Field == key && p.change.Side == mapping.DingTalk && b.anotherKey(p) {
			return true
		}
		if i := b.refusedField(p, f); i >= 0 {
			fc := p.change.Fields[i]
			h := b.refusal(t, fc, p.change.Side, f)
			t.plan.Notes = append(t.plan.Notes, Note{Field: fc.Field, Hold: &h, Reason: h.Reason})
			t.plan.Waits = append(t.plan.Waits, h.On...)
			l.SetBase(p.change.Side.Other(), fc.Field, mapping.EmptyValue)
			l.SetBase(p.change.Side, fc.Field, mapping.EmptyValue)
			p.change.Fields = slices.Delete(slices.Clone(p.change.Fields), i, i+1)
			return true
		}
		b.refusedRecord(p, f)
	default:
		b.notCreated(t)
		t.fail = f
	}
	return false
}

// mostKeys bounds how many ids of our choosing are tried for one person.
const mostKeys = 9

// anotherKey chooses another id for a creation, because somebody else has the one we chose, and commits it before it is sent.
func (b *batch) anotherKey(p *pendingCreate) bool {
	base, n := p.change.Key, 1
	if at := strings.LastIndexByte(base, '-'); at > 0 {
		if k, err := strconv.Atoi(base[at+1:]); err == nil {
			base, n = base[:at], k
		}
	}
	if n >= mostKeys {
		return false
	}
	l := p.t.link
	p.change.Key = base + "-" + strconv.Itoa(n+1)
	l.Intent.Key = p.change.Key
	for i, fc := range p.change.Fields {
		if fc.Field.DingName == keyFieldOf(b.m.Kind) {
			p.change.Fields[i].To = mapping.Text(p.change.Key)
			l.SetBase(p.change.Side, fc.Field, mapping.Text(p.change.Key))
		}
	}
	if err := b.putLinks(l); err != nil {
		p.t.fail = classify(err)
		return false
	}
	return true
}

// putLinks stores links before the batch is over, all or none.
func (b *batch) putLinks(links ...*Link) error {
	return b.e.Store.Update(b.ctx, func(tx Tx) error {
		for _, l := range links {
			if err := tx.PutLink(l); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusedField is the position of the field the refusal is about, if the record can be made without it; -1 otherwise.
func (b *batch) refusedField(p *pendingCreate, f *Failure) int {
	if f.Field == "" || b.m.Approval != nil { // nobody decides about half a form
		return -1
	}
	i := slices.IndexFunc(p.change.Fields, func(fc FieldChange) bool { return fc.Field.Name(p.change.Side) == f.Field })
	if i < 0 || b.e.required(b.m, p.change.Fields[i].Field, p.change.Side) || p.change.Fields[i].Field.OnCreate {
		return -1
	}
	return i
}

// refusedRecord: the creation as a whole was refused. A mobile that somebody in DingTalk already has is a match the index did
// not know; everything else is held with the far side's words.
func (b *batch) refusedRecord(p *pendingCreate, f *Failure) {
	t := p.t
	b.notCreated(t)
	on := []Await{awaitsSweep(b.m.Name)}
	if p.change.Side == mapping.DingTalk && f.Field == "mobile" {
		if holder := b.mobileHolder(p, f); holder != "" {
			// Look at the holder with its key too, so that the index learns it; then this record is matched.
			t.plan.Notes = append(t.plan.Notes, Note{Reason: "the mobile belongs to dingtalk user " + string(holder)})
			seen, err := b.e.ding.Look(b.ctx, b.m, []ID{holder}, nil)
			if err == nil && seen[holder].Existence == Present {
				found := seen[holder]
				found.View, _ = b.m.View(mapping.DingTalk, found.Record, nil, b.refs, b.e.Zone)
				b.e.index.put(b.m, mapping.DingTalk, found)
				if b.findable(t, holder) {
					t.fail = &Failure{Class: FailRetry, Words: f.Words, Err: f}
					return
				}
				on = append(on, Await{Mapping: b.m.Name, Side: mapping.DingTalk, ID: holder})
			}
		}
	}
	h := Hold{Kind: HeldRefused, Reason: string(p.change.Side) + " refused it: " + f.Words, On: on}
	b.holdStranger(t, p.change.Side.Other(), h)
}

// findable says whether the mapping's match fields lead from the task's record to the holder.
func (b *batch) findable(t *task, holder ID) bool {
	for n := range b.m.Match {
		if slices.Contains(b.e.index.find(b.m, mapping.DingTalk, n, b.onSide(mapping.DingTalk, t.odoo.View)), holder) {
			return true
		}
	}
	return false
}

// mobileHolder asks DingTalk who has the number.
func (b *batch) mobileHolder(p *pendingCreate, f *Failure) ID {
	if f.Holder != "" {
		return f.Holder
	}
	mobile, _ := p.c.values["mobile"].(string)
	if mobile == "" {
		return ""
	}
	id, err := b.e.ding.byMobile(b.ctx, mobile)
	if err != nil {
		return ""
	}
	return id
}

// notCreated takes an intent back: the far side said that nothing was made.
func (b *batch) notCreated(t *task) {
	t.link.State, t.link.Bases = Held, nil
	if !tokenKept(b.m.Kind) {
		t.link.Intent = nil
	}
	if b.m.Message != nil {
		t.link.occurrence().Parts = nil
	}
	b.refs.learn(t.link)
}

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

// waitsFor are the DingTalk records whose values a record was refused in the field, in this batch or before.
func (b *batch) waitsFor(id ID, f *mapping.Field) (ids []ID) {
	gather := func(h *Hold) {
		if h == nil || h.Kind != HeldRefused {
			return
		}
		for _, on := range h.On {
			if on.Mapping == b.m.Name && on.Side == mapping.DingTalk {
				ids = append(ids, on.ID)
			}
		}
	}
	for _, t := range b.tasks {
		if t.ding.ID != id || t.plan == nil {
			continue
		}
		for _, n := range t.plan.Notes {
			if n.Field == f {
				gather(n.Hold)
			}
		}
	}
	err := b.e.Store.View(b.ctx, func(tx Tx) error {
		on, err := tx.LinksOn(b.m.Name, mapping.DingTalk, []ID{id})
		if l := on[id]; l != nil {
			if h, held := l.Holds[f.Key]; held {
				gather(&h)
			}
		}
		return err
	})
	if err != nil {
		return nil // nobody can tell: the refusal is held as any other
	}
	return ids
}

// inRing says whether some of the holders of a value wait, one for the other, for what the record itself holds.
func (b *batch) inRing(id ID, f *mapping.Field, holders []ID) bool {
	known := map[ID]bool{}
	for len(holders) > 0 {
		next := holders[0]
		holders = holders[1:]
		if next == id {
			return true
		}
		if !known[next] {
			known[next] = true
			holders = append(holders, b.waitsFor(next, f)...)
		}
	}
	return false
}

// holders are the records that carry a refused unique value, as far as anybody knows.
func (b *batch) holders(t *task, fc FieldChange, s mapping.Side, f *Failure) []ID {
	if f.Holder != "" {
		return []ID{f.Holder}
	}
	view := maps.Clone(t.seen(s).View)
	if view == nil {
		view = mapping.View{}
	}
	view[fc.Field.Key] = fc.To
	for n, entry := range b.m.Match {
		if slices.Contains(entry, fc.Field.Key) {
			return slices.DeleteFunc(slices.Clone(b.e.index.find(b.m, s, n, b.onSide(s, view))), func(id ID) bool { return id == t.seen(s).ID })
		}
	}
	return nil
}

// swap resolves departments that want each other's names, two or more in a ring: DingTalk refuses a name a sibling has, so the last of
// them takes a passing name first. It reports whether it did; then the others are free to change and this one is worked on again.
func (b *batch) swap(p *pendingWrite, fc FieldChange, f *Failure) bool {
	if p.change.Side != mapping.DingTalk || fc.Field.DingName != "name" || b.m.Kind != "department" ||
		!b.inRing(p.change.ID, fc.Field, b.holders(p.t, fc, p.change.Side, f)) {
		return false
	}
	passing := mapping.Text(fc.From.Text + " (" + string(p.change.ID) + ")")
	w := &write{op: OpUpdate, id: p.change.ID, values: map[string]any{"name": passing.Text}, seen: p.t.ding}
	b.e.ding.Write(b.ctx, b.m, []*write{w})
	p.t.shown(mapping.DingTalk, w.back)
	if w.err != nil {
		return false
	}
	p.t.plan.Link.SetBase(mapping.DingTalk, fc.Field, passing)
	p.t.plan.Recheck = b.now
	p.t.wrote = append(p.t.wrote, applied{change: &Change{Op: OpUpdate, Side: mapping.DingTalk, ID: p.change.ID, Reason: "a passing name, because departments swap theirs"}})
	return true
}

func isTaken(err error) bool { return errors.Is(err, ErrTaken) }

// textOf is a raw id as text.
func textOf(raw any) string {
	if raw == nil {
		return ""
	}
	return fmt.Sprint(raw)
}
