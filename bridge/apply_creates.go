package bridge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

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
