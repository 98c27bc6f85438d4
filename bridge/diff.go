package bridge

import (
	"time"

	"dingbridge/mapping"
)

// The reasons. The plan prints them, the log and the history store them: the same words everywhere.
const (
	ReasonSame        = "same on both"
	ReasonInSync      = "in sync"
	ReasonOdoo        = "changed in odoo"
	ReasonDing        = "changed in dingtalk"
	ReasonFilled      = "matched, filled"
	ReasonDiffers     = "matched, differs"
	ReasonDrift       = "drift, restored"
	ReasonNewOdoo     = "new in odoo"
	ReasonNewDing     = "new in dingtalk"
	ReasonNotStuck    = "did not stick"
	ReasonTaken       = "decided by a person"
	reasonConflict    = "conflict on "
	reasonStaleWindow = "dingtalk may still answer with the value from before our write"
)

// changedOn is the reason for a write that follows a change on the source side.
func changedOn(source mapping.Side) string {
	if source == mapping.Odoo {
		return ReasonOdoo
	}
	return ReasonDing
}

// fieldInput is everything decideField looks at. It holds no clock and no connection.
type fieldInput struct {
	field      *mapping.Field
	odoo, ding mapping.Value
	// bases; ok = there is one under the field's present signature
	odooBase, dingBase       mapping.Value
	hasOdooBase, hasDingBase bool
	rule                     mapping.Rule
	take                     mapping.Side // a person's decision, "" = none
}

// verdict is what decideField says about one field.
type verdict struct {
	action verdictAction
	target mapping.Side // of a write
	reason string
	to     mapping.Value // what is written, where it is not what the other side shows: of a set
	base   mapping.Value // what becomes the base of the side that is written, where that is not what it shows then
}

type verdictAction uint8

const (
	doNothing verdictAction = iota
	doSettle                // the bases become what is seen
	doWrite
	doConflict
)

// decideField is the table of the design for one field. Pure.
//
//	odoo vs base | ding vs base | result
//	equal now on both sides     | settle               same on both
//	same, unknown| same, unknown| nothing              in sync
//	changed      | same, unknown| write to dingtalk    changed in odoo
//	same, unknown| changed      | write to odoo        changed in dingtalk
//	changed      | changed      | by rule              conflict on <field>
//	no base yet  | one empty    | fill the empty side  matched, filled
//	no base yet  | both filled  | by rule              matched, differs
func decideField(in fieldInput) verdict {
	o, d := in.odoo, in.ding
	if !o.IsUnknown() && o == d {
		if in.hasOdooBase && in.hasDingBase && in.odooBase == o && in.dingBase == d {
			return verdict{reason: ReasonInSync}
		}
		return verdict{action: doSettle, reason: ReasonSame}
	}
	if in.field.Answers() {
		return decideAnswers(in)
	}
	if in.field.Direction != mapping.Both {
		return decideOneWay(in)
	}
	if in.field.Set() {
		return decideSet(in)
	}
	if !in.hasOdooBase || !in.hasDingBase {
		return decideWithoutBase(in)
	}
	return decideBoth(in)
}

// decideBoth is decideField for a field that has settled before.
func decideBoth(in fieldInput) verdict {
	o, d := in.odoo, in.ding
	odooChanged := !o.IsUnknown() && o != in.odooBase
	dingChanged := !d.IsUnknown() && d != in.dingBase
	switch {
	case odooChanged && dingChanged:
		return byRule(in, reasonConflict+in.field.Key)
	case odooChanged:
		return verdict{action: doWrite, target: mapping.DingTalk, reason: ReasonOdoo}
	case dingChanged:
		return verdict{action: doWrite, target: mapping.Odoo, reason: ReasonDing}
	default:
		return verdict{reason: ReasonInSync}
	}
}

// ReasonBoth is the reason for the write of a set that changed on both sides.
const ReasonBoth = "changed on both, joined"

// decideSet lets the members of a set travel one by one, so that nobody is thrown out because somebody else was added. When both sides
// lack something DingTalk is written first, and what it has more stays a change that the next look carries to Odoo: should that write
// fail, it is not forgotten.
func decideSet(in fieldInput) verdict {
	if in.odoo.IsUnknown() || in.ding.IsUnknown() {
		return verdict{reason: ReasonInSync}
	}
	first := !in.hasOdooBase || !in.hasDingBase
	odooBase, dingBase := in.odooBase, in.dingBase
	if first {
		odooBase, dingBase = mapping.EmptyValue, mapping.EmptyValue
	}
	toOdoo, toDing, err := mapping.SetTargets(odooBase, dingBase, in.odoo, in.ding)
	if err != nil {
		return verdict{action: doConflict, reason: err.Error()}
	}
	reason := func(s mapping.Side) string {
		if first {
			return ReasonFilled
		}
		return changedOn(s.Other())
	}
	switch {
	case toDing != in.ding && toOdoo != in.odoo:
		// As if DingTalk had had nothing of its own: what it gained and lost since its base is seen again by the next look.
		_, base, err := mapping.SetTargets(odooBase, dingBase, in.odoo, dingBase)
		if err != nil {
			return verdict{action: doConflict, reason: err.Error()}
		}
		return verdict{action: doWrite, target: mapping.DingTalk, to: toDing, base: base, reason: ReasonBoth}
	case toDing != in.ding:
		return verdict{action: doWrite, target: mapping.DingTalk, to: toDing, reason: reason(mapping.DingTalk)}
	case toOdoo != in.odoo:
		return verdict{action: doWrite, target: mapping.Odoo, to: toOdoo, reason: reason(mapping.Odoo)}
	}
	return verdict{reason: ReasonInSync}
}

// decideWithoutBase is the first meeting of a field, or its first after the mapping's text changed.
func decideWithoutBase(in fieldInput) verdict {
	o, d := in.odoo, in.ding
	switch {
	case o.IsUnknown() || d.IsUnknown():
		return verdict{reason: ReasonInSync}
	case o.IsEmpty():
		return verdict{action: doWrite, target: mapping.Odoo, reason: ReasonFilled}
	case d.IsEmpty():
		return verdict{action: doWrite, target: mapping.DingTalk, reason: ReasonFilled}
	default:
		return byRule(in, ReasonDiffers)
	}
}

// decideOneWay restores drift on the target, except from an unknown or empty source: only filled → empty clears.
func decideOneWay(in fieldInput) verdict {
	target := mapping.DingTalk
	src, dst := in.odoo, in.ding
	srcBase, dstBase := in.odooBase, in.dingBase
	hasSrc, hasDst := in.hasOdooBase, in.hasDingBase
	if in.field.Direction == mapping.ToOdoo {
		target = mapping.Odoo
		src, dst = dst, src
		srcBase, dstBase = dstBase, srcBase
		hasSrc, hasDst = hasDst, hasSrc
	}
	srcChanged := hasSrc && src != srcBase
	dstChanged := hasDst && !dst.IsUnknown() && dst != dstBase
	switch {
	case src.IsUnknown():
		return verdict{reason: ReasonInSync}
	case src.IsEmpty() && !(srcChanged && srcBase.IsKnown()):
		return verdict{reason: ReasonInSync}
	case srcChanged:
		return verdict{action: doWrite, target: target, reason: changedOn(target.Other())}
	case dst.IsUnknown():
		return verdict{reason: ReasonInSync}
	case hasSrc && hasDst && !dstChanged:
		return verdict{reason: ReasonInSync} // a settled difference
	case dstChanged && hasSrc:
		return verdict{action: doWrite, target: target, reason: ReasonDrift}
	case dst.IsEmpty():
		return verdict{action: doWrite, target: target, reason: ReasonFilled}
	default:
		return verdict{action: doWrite, target: target, reason: ReasonDiffers}
	}
}

// byRule settles a conflict: a person's decision first, then the field's or mapping's rule.
func byRule(in fieldInput, why string) verdict {
	if in.take != "" {
		return verdict{action: doWrite, target: in.take.Other(), reason: why + ": " + string(in.take) + ", " + ReasonTaken}
	}
	switch in.rule {
	case mapping.OdooWins:
		return verdict{action: doWrite, target: mapping.DingTalk, reason: why + ": odoo wins"}
	case mapping.DingTalkWins:
		return verdict{action: doWrite, target: mapping.Odoo, reason: why + ": dingtalk wins"}
	default:
		return verdict{action: doConflict, reason: why}
	}
}

// diffEnv is what Diff knows beside the two sides; it is a value, so that Diff stays pure.
type diffEnv struct {
	now         time.Time
	staleWindow time.Duration
	woken       func(h Hold) bool // something the hold waits for has happened
	writable    func(f *mapping.Field, side mapping.Side) (ok bool, why string)
	clearable   func(f *mapping.Field, side mapping.Side) (ok bool, why string)
}

// diffFields compares the two Views of a linked pair with the memory and fills the plan. Pure.
func diffFields(p *Plan, odooView, dingView mapping.View, env diffEnv) {
	updates := map[mapping.Side]*Change{}
	for _, f := range p.Mapping.Fields {
		if f.Remembered() {
			rememberField(p, f, dingView[f.Key])
			continue
		}
		if f.OnCreate || f.Done || (f.DingName == "" && f.Value == nil) {
			continue
		}
		in := inputFor(p, f, odooView[f.Key], dingView[f.Key], env)
		v := decideField(in)
		if v.action == doNothing {
			if h, held := p.Link.Holds[f.Key]; held && h.Kind == HeldUnstuck {
				p.Notes = append(p.Notes, Note{Field: f, Hold: &h, Kept: true, Reason: h.Reason})
			}
			continue
		}
		if v.action == doSettle {
			p.Settles = append(p.Settles, Settle{Field: f, Odoo: in.odoo, Ding: in.ding, Reason: v.reason})
			continue
		}
		if note, stop := heldField(p.Link, f, in, v, env); stop {
			p.Notes = append(p.Notes, note)
			continue
		}
		fc := FieldChange{Field: f, From: in.ding, To: in.odoo, Source: in.odoo, Reason: v.reason}
		if v.target == mapping.Odoo {
			fc.From, fc.To, fc.Source = in.odoo, in.ding, in.ding
		}
		if !v.to.IsUnknown() {
			fc.To, fc.Base = v.to, v.base
		}
		if !v.base.IsUnknown() {
			p.recheck(env.now) // the other half
		}
		if updates[v.target] == nil {
			updates[v.target] = &Change{Op: OpUpdate, Side: v.target, ID: p.Link.On(v.target), Reason: v.reason}
		}
		updates[v.target].Fields = append(updates[v.target].Fields, fc)
	}
	for _, side := range []mapping.Side{mapping.DingTalk, mapping.Odoo} {
		if c := updates[side]; c != nil {
			p.Changes = append(p.Changes, c)
		}
	}
}

// rememberField keeps what DingTalk shows, for others to refer to.
func rememberField(p *Plan, f *mapping.Field, shown mapping.Value) {
	if base, has := p.Link.Base(mapping.DingTalk, f); shown.IsKnown() && (!has || base != shown) {
		p.Settles = append(p.Settles, Settle{Field: f, Odoo: mapping.UnknownValue, Ding: shown, Reason: ReasonSame})
	}
}

// inputFor gathers what is known about one field, with the stale window applied to what DingTalk shows.
func inputFor(p *Plan, f *mapping.Field, o, d mapping.Value, env diffEnv) fieldInput {
	in := fieldInput{field: f, odoo: o, ding: d, rule: f.Wins, take: p.Link.Take[f.Key]}
	if in.rule == "" {
		in.rule = p.Mapping.Conflict
	}
	in.odooBase, in.hasOdooBase = p.Link.Base(mapping.Odoo, f)
	in.dingBase, in.hasDingBase = p.Link.Base(mapping.DingTalk, f)
	sent, waiting := p.Link.Sent[f.Key]
	if !waiting || d.IsUnknown() || d != sent.Before || d == sent.Meant {
		return in
	}
	if end := sent.At.Add(env.staleWindow); env.now.Before(end) && !sent.At.After(env.now.Add(env.staleWindow)) { // else: the clock was set back
		in.ding = mapping.UnknownValue
		p.recheck(end)
		return in
	}
	// The window is over and DingTalk still shows the value from before: it did not stick. If Odoo moved on meanwhile, the
	// value that came back is simply DingTalk's settled one and Odoo's change is written as usual.
	in.dingBase, in.hasDingBase = d, true
	if o == in.odooBase {
		h := Hold{Kind: HeldUnstuck, Reason: ReasonNotStuck + ": dingtalk answered " + d.String() + " after " + sent.Meant.String() + " was written", Since: env.now, Odoo: o, DingTalk: d}
		p.Notes = append(p.Notes, Note{Field: f, Hold: &h, Reason: h.Reason})
		p.Settles = append(p.Settles, Settle{Field: f, Odoo: o, Ding: d, Reason: ReasonNotStuck})
	}
	return in
}

// heldField says whether the field stays, or becomes, held instead of written.
func heldField(l *Link, f *mapping.Field, in fieldInput, v verdict, env diffEnv) (Note, bool) {
	if v.action == doConflict {
		h := Hold{
			Kind: HeldConflict, Since: env.now, Odoo: in.odoo, DingTalk: in.ding,
			Reason: v.reason + ": odoo " + quote(in.odoo) + ", dingtalk " + quote(in.ding) + "; held",
		}
		old, was := l.Holds[f.Key]
		kept := was && old.Kind == HeldConflict && old.Odoo == in.odoo && old.DingTalk == in.ding
		if kept {
			h.Since = old.Since
		}
		return Note{Field: f, Hold: &h, Kept: kept, Reason: h.Reason}, true
	}
	if old, was := l.Holds[f.Key]; was && in.take == "" && old.Kind != HeldConflict {
		same := old.Odoo == in.odoo && (old.DingTalk == in.ding || in.ding.IsUnknown())
		if same && !env.woken(old) {
			return Note{Field: f, Hold: &old, Kept: true, Reason: old.Reason}, true
		}
	}
	// A conflict that was held stays held when only the mapping's text changed: nothing on either side moved.
	if old, was := l.Holds[f.Key]; was && old.Kind == HeldConflict && in.take == "" && old.Odoo == in.odoo && old.DingTalk == in.ding {
		return Note{Field: f, Hold: &old, Kept: true, Reason: old.Reason}, true
	}
	value := in.odoo
	if v.target == mapping.Odoo {
		value = in.ding
	}
	if !v.to.IsUnknown() {
		value = v.to
	}
	refuse := func(why string) (Note, bool) {
		h := Hold{Kind: HeldImmutable, Since: env.now, Odoo: in.odoo, DingTalk: in.ding, Reason: why + "; held (field)"}
		return Note{Field: f, Hold: &h, Reason: h.Reason}, true
	}
	if ok, why := env.writable(f, v.target); !ok {
		return refuse(why)
	}
	if value.IsEmpty() && !f.HasNone && !f.Set() { // of a set, those stay whom only that side knows
		if ok, why := env.clearable(f, v.target); !ok {
			return refuse(why)
		}
	}
	return Note{}, false
}

func quote(v mapping.Value) string {
	if v.IsKnown() {
		return `"` + v.Text + `"`
	}
	return v.String()
}
