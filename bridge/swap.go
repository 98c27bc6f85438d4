package bridge

import (
	"maps"
	"slices"

	"dingbridge/mapping"
)

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
