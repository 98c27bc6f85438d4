package bridge

import (
	"fmt"
	"maps"
	"slices"

	"dingbridge/mapping"
)

// intendOccurrence commits what must be known of an approval or a message before anything is sent: the older occurrence gives its record away,
// a withdrawal is ours, a comment is told at most once.
func (b *batch) intendOccurrence(tx Tx, t *task) error {
	if b.m.Approval == nil && b.m.Message == nil {
		return nil
	}
	if old := t.supersedes; old != nil && slices.ContainsFunc(t.plan.Changes, func(c *Change) bool { return c.Op == OpCreate }) {
		old.Holds, old.Take = nil, nil // a new submission asks anew
		old.State, old.occurrence().Of, old.Odoo, old.Updated = Superseded, old.Odoo, "", b.now
		if err := tx.PutLink(old); err != nil {
			return err
		}
		b.refs.learn(old)
	}
	for _, c := range t.plan.Changes {
		l := t.link
		switch {
		case l == nil:
			continue
		case c.Op == OpTerminate:
			l.occurrence().Ending = c.Reason
			if wants, err := b.submitted(t.odoo); err == nil && !wants {
				l.occurrence().Left = true // seen now; by the next look it may have been submitted again
			}
		case c.Op == OpComment:
			l.occurrence().Say = ""
		default:
			continue
		}
		t.mark = 0
		if err := tx.PutLink(l); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain: what an ended instance decided and is not carried over, or not surely, is read again by whatever tries it next.
func (b *batch) lookAgain(t *task) {
	l := t.plan.Link
	if b.m.Approval == nil || l == nil || l.Occurrence == nil || t.ding.Existence != Finished {
		return
	}
	if l.State == Linked || l.State == Settled && textOf(t.ding.Record["outcome"]) != l.Occurrence.Outcome {
		l.Occurrence.Look = true
	}
}

// settleApproval moves the link to where the record and its instance have come.
func (b *batch) settleApproval(t *task) {
	p := t.plan
	l := p.Link
	if b.m.Approval == nil || l == nil || t.fail != nil {
		return
	}
	if l.State == Held {
		if t.occurrence > 1 {
			l.occurrence().N = t.occurrence
		}
		return
	}
	o := l.occurrence()
	if p.Settle != "" && b.decisionsApplied(t) {
		l.State = Settled
		l.Holds, l.Sent, l.Take = nil, nil, nil
		o.Outcome, o.Ending, o.Say = textOf(t.ding.Record["outcome"]), "", ""
		if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpTerminate }) {
			o.Outcome = outcomeTerminate
		}
		if o.Restart {
			o.Restart, o.Left = false, true
			p.Recheck = b.now
		}
	}
	if l.State != Linked && l.State != Settled && l.State != Baseline {
		return
	}
	wants, err := b.submitted(t.odoo)
	if err == nil && wants && l.State == Settled && o.Left {
		p.Recheck = b.now
	}
	switch {
	case err != nil || t.odoo.Existence == Unseen:
	case l.State == Linked && t.odoo.Existence == Present && t.ding.Existence == Present:
		o.Left = false // it runs on for what is submitted now
	case !wants && (l.State != Linked || t.odoo.Existence != Present), l.State == Settled && b.tookOut(t):
		o.Left = true
	}
}

// tookOut says that what was just carried into Odoo made the record one that is not submitted: by the next look it may have been submitted
// again.
func (b *batch) tookOut(t *task) bool {
	f := outcomeField(b.m)
	for _, a := range t.wrote {
		for _, fc := range a.fields {
			if _, plain := t.odoo.Record[fc.Field.OdooName].(string); fc.Field != f || !plain || a.change.Side != mapping.Odoo {
				continue
			}
			now := t.odoo
			now.Record = maps.Clone(now.Record)
			now.Record[f.OdooName] = fc.To.Text
			wants, err := b.submitted(now)
			return err == nil && !wants
		}
	}
	return false
}

// decisionsApplied says that everything planned was carried out, but for what only tells.
func (b *batch) decisionsApplied(t *task) bool {
	if len(t.plan.Over) > 0 {
		return false
	}
	for _, c := range t.plan.Changes {
		if c.Op == OpNote || c.Op == OpComment {
			continue
		}
		done, fields := false, 0
		for _, a := range t.wrote {
			if a.change == c {
				done, fields = true, fields+len(a.fields)
			}
		}
		if !done || fields < len(c.Fields) {
			return false
		}
	}
	return true
}

// refusedDecision makes Odoo's refusal of a decision known: held with its words until the record changes, and told on the instance.
func (b *batch) refusedDecision(t *task, key string, h *Hold, words string) {
	h.Odoo, h.DingTalk = mapping.Text(t.odoo.Written), mapping.Text(textOf(t.ding.Record["outcome"]))
	h.Reason = fmt.Sprintf("%s; odoo refused it: %s; held", t.plan.Settle, words)
	if old, was := t.link.Holds[key]; !was || old.Reason != h.Reason {
		t.link.occurrence().Say = wordsRefused + words
		t.plan.recheck(b.now)
	}
}
