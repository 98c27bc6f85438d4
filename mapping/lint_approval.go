package mapping

import (
	"slices"
	"strconv"
	"strings"
)

// outcomes are how an approval can end, or be undone: the values of the field outcome.
var outcomes = []string{"agree", "refuse", "terminate", "delete", "revoke", "modify"}

const outcomeField = "outcome"

// lintStart checks what an approval is started with against each other (发起审批实例).
func (b *builder) lintStart() {
	d, a := b.d, b.m.Approval
	if len(a.Approvers) > maxLevels {
		b.errorf(d.Approvers[maxLevels].at, "DingTalk takes %d levels of approvers at most", maxLevels)
	}
	if len(d.CC.list) > maxCC {
		b.errorf(d.CC.list[maxCC].at, "DingTalk tells %d people at most", maxCC)
	}
	if len(a.Select) > maxSelect {
		b.errorf(d.Select.nodes[maxSelect].place, "DingTalk takes the people of %d nodes at most", maxSelect)
	}
	switch {
	case d.CC.given() && len(d.Approvers) == 0:
		b.errorf(d.CC.place, "DingTalk ignores cc where the approvers are those of its own flow; give approvers too, or set it in the template")
	case d.CCPosition.given() && !d.CC.given():
		b.errorf(d.CCPosition.place, "cc_position says when those of cc are told, and there is no cc")
	}
	if d.Select.given() && len(d.Approvers) > 0 {
		b.errorf(d.Select.place, "approvers take the place of the template's flow, so that none of its nodes is left to select")
	}
}

// lintApproval checks the policies and pairs of a mapping of approvals.
func (b *builder) lintApproval() {
	d := b.d
	starts := b.m.CreateDingTalk.Allowed
	switch {
	case !starts && !b.m.CreateOdoo.Allowed:
		b.warnf(d.at, "the mapping neither starts approvals nor makes documents of those that people start: without create it only goes on with those it knows")
	case !starts:
		b.lintNeverStarted()
	case b.m.Direction == Both && !b.reads(outcomeField):
		b.errorf(d.at, "no pair reads outcome, so that no decision reaches Odoo; add one, or give the mapping \"direction: to_dingtalk\"")
	}
	switch {
	case len(d.Match) > 0:
		b.errorf(d.Match[0].place, "match has no effect: an approval is found again by what started it")
	case d.Conflict.given():
		b.errorf(d.Conflict.place, "conflict has no effect: a running approval cannot be edited in DingTalk; change says what an edit in Odoo means")
	}
	if b.m.RemoveOdoo != RemoveNever {
		b.errorf(d.Remove.Odoo.place, "remove has no effect in odoo: what became of an approval is told by its outcome")
	}
	if b.m.Leave == LeaveRemove {
		b.errorf(d.Leave.place, `an approval is not removed; did you mean "leave: terminate"?`)
	}
	b.lintTransitions()
	if m := b.m.Approval.Marker; m != "" {
		for i, f := range b.m.Fields {
			if f.DingName == b.kind.Open+m && f.Writes(DingTalk) {
				b.errorf(b.pairs[i].DingTalk.place, "%s is the marker, which the bridge fills itself", f.DingName)
			}
		}
	}
}

// lintNeverStarted complains about what only matters where the bridge starts approvals.
func (b *builder) lintNeverStarted() {
	d := b.d
	approvers := place{}
	if len(d.Approvers) > 0 {
		approvers = d.Approvers[0].at
	}
	for _, key := range []struct {
		name string
		at   place
	}{
		{"change", d.Change.place}, {"marker", d.Marker.place}, {"approvers", approvers}, {"cc", d.CC.place}, {"select", d.Select.place},
	} {
		if key.at.given() {
			b.errorf(key.at, "%s has no effect: the mapping starts no approvals (create.dingtalk)", key.name)
		}
	}
	if b.m.Leave == LeaveTerminate && d.Leave.given() && b.m.Direction.Allows(DingTalk) {
		b.errorf(d.Leave.place, "leave: terminate has no effect: the mapping starts no approvals (create.dingtalk)")
	}
}

// reads reports whether a pair brings a field of DingTalk to Odoo, itself or in an expression.
func (b *builder) reads(name string) bool {
	return slices.ContainsFunc(b.m.Fields, func(f *Field) bool {
		if !f.Writes(Odoo) {
			return false
		}
		return f.DingName == name || f.Value != nil && slices.Contains(f.Value.Names(), name)
	})
}

// lintTransitions checks that each wish a pair can have is one that transitions lead to, and that a pair has wishes at all.
func (b *builder) lintTransitions() {
	for _, d := range b.d.Odoo.Transitions.fields {
		t := b.m.Approval.Transition(d.field.v)
		if t == nil {
			continue
		}
		pair := slices.IndexFunc(b.m.Fields, func(f *Field) bool { return f.OdooName == t.Field && f.Writes(Odoo) })
		if pair < 0 {
			b.errorf(d.field.place, "no pair writes %s to Odoo, so that its transitions are never taken", t.Field)
			continue
		}
		f, fd := b.m.Fields[pair], b.pairs[pair]
		b.lintRecordWishes(d, f)
		if f.OnCreate {
			b.errorf(fd.On.place, "%s is changed by transitions, not set at creation", t.Field)
		}
		if f.DingName != "" && !fd.Values.given() && f.Lookup == nil {
			b.errorf(fd.at, "%s is changed by transitions: the pair needs values, which say what each outcome leads to", t.Field)
		}
		for _, value := range fd.Values.values {
			if !t.Decided(value.v) {
				b.errorf(value.place, "no transition leads to %q of %s%s", value.v, t.Field, suggest(value.v, keysOf(t.To)))
			}
		}
	}
}

// lintRecordWishes checks the values of a reference: without a lookup, which finds records by a text, they are ids.
func (b *builder) lintRecordWishes(d transitionDoc, f *Field) {
	if f.odoo == nil || f.odoo.Type != "many2one" || f.Lookup != nil {
		return
	}
	for _, wish := range d.to {
		values := []str{wish.value}
		for _, step := range wish.steps {
			values = append(values, step.From.list...)
		}
		for _, value := range values {
			if _, err := strconv.ParseInt(value.v, 10, 64); err != nil && value.v != "" {
				b.errorf(value.place, "%q is no id of a record; the pair needs lookup to find %s by a text", value.v, d.field.v)
			}
		}
	}
}

// lintOutcome checks the outcomes that a table names.
func (b *builder) lintOutcome(fd *fieldDoc, f *Field) {
	if b.kind == nil || !b.kind.Ends || f.DingName != outcomeField {
		return
	}
	for _, key := range fd.Values.keys {
		if !slices.Contains(outcomes, key.v) {
			b.errorf(key.place, "an approval has no outcome %q%s; there are %s", key.v, suggest(key.v, outcomes), strings.Join(outcomes, ", "))
		}
	}
}

// startTwice reports whether two mappings of approvals would ask about one record twice, or could not tell whose an instance is. Which
// conditions exclude each other cannot be told; two that read alike, or are not there, do not.
func startTwice(a, b *Mapping) bool {
	if a.Approval == nil || b.Approval == nil || a.Kind != b.Kind || a.Model != b.Model ||
		!a.CreateDingTalk.Allowed || !b.CreateDingTalk.Allowed || disjoint(a.Domain, b.Domain) {
		return false
	}
	if code := a.Approval.ProcessCode; code != "" && code == b.Approval.ProcessCode {
		return true
	}
	first, second := a.CreateDingTalk.When, b.CreateDingTalk.When
	return first == nil || second == nil || first.Source == second.Source
}

// importTwice reports whether one instance would become two documents: of both mappings, or of one although the other started it for a
// document that is there. Again only conditions that are missing, or read alike, tell.
func importTwice(a, b *Mapping) bool {
	if a.Approval == nil || b.Approval == nil || a.Model != b.Model || a.Approval.ProcessCode == "" || a.Approval.ProcessCode != b.Approval.ProcessCode {
		return false
	}
	first, second := a.CreateOdoo, b.CreateOdoo
	switch {
	case first.Allowed && second.Allowed:
		return first.When == nil || second.When == nil || first.When.Source == second.When.Source
	case first.Allowed:
		return first.When == nil && b.CreateDingTalk.Allowed
	}
	return second.Allowed && second.When == nil && a.CreateDingTalk.Allowed
}
