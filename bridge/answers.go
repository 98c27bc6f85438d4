package bridge

import (
	"maps"
	"slices"

	"dingbridge/mapping"
)

// decideAnswers lets the answers to an invitation travel one by one: each is a field of its own, with its own base, of whoever attends on
// both sides. Pure.
func decideAnswers(in fieldInput) verdict {
	if in.odoo.IsUnknown() || in.ding.IsUnknown() {
		return verdict{reason: ReasonInSync}
	}
	var read [4]map[string]string
	for i, v := range []mapping.Value{in.odoo, in.ding, in.odooBase, in.dingBase} {
		said, err := mapping.AnswersOf(v)
		if err != nil {
			return verdict{action: doConflict, reason: err.Error()}
		}
		read[i] = said
	}
	odoo, ding, odooBase, dingBase := read[0], read[1], read[2], read[3]
	toOdoo, toDing := map[string]string{}, map[string]string{}
	reason := ""
	for link, o := range odoo {
		d, attends := ding[link]
		if !attends || o == d {
			continue
		}
		v := decideAnswer(in, o, d, odooBase[link], dingBase[link])
		switch {
		case v.action == doConflict:
			return v
		case v.action == doNothing:
			continue
		case v.target == mapping.DingTalk:
			toDing[link] = o
		default:
			toOdoo[link] = d
		}
		reason = max(reason, v.reason) // whatever the order
	}
	switch {
	case len(toDing) > 0 && len(toOdoo) > 0 && in.take == mapping.DingTalk: // the decision is carried out first
		return answersTo(mapping.Odoo, odoo, toOdoo, toDing, odooBase)
	case len(toDing) > 0 && len(toOdoo) > 0:
		return answersTo(mapping.DingTalk, ding, toDing, toOdoo, dingBase)
	case len(toDing) > 0:
		return verdict{action: doWrite, target: mapping.DingTalk, to: answersWith(ding, toDing), reason: reason}
	case len(toOdoo) > 0:
		return verdict{action: doWrite, target: mapping.Odoo, to: answersWith(odoo, toOdoo), reason: reason}
	case !in.hasOdooBase || !in.hasDingBase || in.odoo != in.odooBase || in.ding != in.dingBase:
		return verdict{action: doSettle, reason: ReasonSame} // others attend than before
	}
	return verdict{reason: ReasonInSync}
}

// answersTo writes some answers to a side that itself has others to be carried away from it: of these the base stays, so that the next look
// sees them again.
func answersTo(side mapping.Side, now, write, later, base map[string]string) verdict {
	next := maps.Clone(now)
	maps.Copy(next, write)
	settled := maps.Clone(next)
	for link := range later {
		delete(settled, link)
		if was, has := base[link]; has {
			settled[link] = was
		}
	}
	return verdict{action: doWrite, target: side, to: mapping.AnswersValue(next), base: mapping.AnswersValue(settled), reason: ReasonBoth}
}

func answersWith(now, write map[string]string) mapping.Value {
	next := maps.Clone(now)
	maps.Copy(next, write)
	return mapping.AnswersValue(next)
}

// decideAnswer is decideField for the answer of one person, which differs; a base of "" is none. Who has not answered has nothing that could
// be in conflict with the first answer.
func decideAnswer(in fieldInput, o, d, odooBase, dingBase string) verdict {
	one := in
	one.odoo, one.ding = answerValue(o), answerValue(d)
	one.odooBase, one.hasOdooBase = answerValue(odooBase), odooBase != ""
	one.dingBase, one.hasDingBase = answerValue(dingBase), dingBase != ""
	if in.field.Direction != mapping.Both {
		return decideOneWay(one)
	}
	if !one.hasOdooBase || !one.hasDingBase {
		return decideWithoutBase(one)
	}
	return decideBoth(one)
}

// answerValue is the answer of one person as a value, which is empty until there is one.
func answerValue(answer string) mapping.Value {
	if answer == "" || answer == mapping.Unanswered {
		return mapping.EmptyValue
	}
	return mapping.Text(answer)
}

// answered says whether a side shows all the answers that were written to it.
func answered(shown, from, to mapping.Value) bool {
	var read [3]map[string]string
	for i, v := range []mapping.Value{shown, from, to} {
		said, err := mapping.AnswersOf(v)
		if err != nil {
			return false
		}
		read[i] = said
	}
	for link, answer := range read[2] {
		if read[1][link] != answer && read[0][link] != answer {
			return false
		}
	}
	return true
}

// answersWait says whether somebody is about to be invited who has answered already: once the invitation stands, the answer can follow.
func (b *batch) answersWait(t *task) bool {
	invites := func(side mapping.Side) bool {
		return slices.ContainsFunc(t.plan.Changes, func(c *Change) bool {
			return c.Side == side && slices.ContainsFunc(c.Fields, func(fc FieldChange) bool { return fc.Field.Set() })
		})
	}
	for _, f := range b.m.Fields {
		if !f.Answers() {
			continue
		}
		odoo, err1 := mapping.AnswersOf(t.odoo.View[f.Key])
		ding, err2 := mapping.AnswersOf(t.ding.View[f.Key])
		if err1 != nil || err2 != nil {
			return false
		}
		ahead := func(from, to map[string]string) bool {
			for link, answer := range from {
				if _, invited := to[link]; !invited && answer != mapping.Unanswered {
					return true
				}
			}
			return false
		}
		if f.Writes(mapping.Odoo) && ahead(ding, odoo) && invites(mapping.Odoo) || f.Writes(mapping.DingTalk) && ahead(odoo, ding) && invites(mapping.DingTalk) {
			return true
		}
	}
	return false
}
