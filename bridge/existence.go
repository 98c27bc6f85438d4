package bridge

import (
	"time"

	"dingbridge/dingtalk"

	"dingbridge/mapping"
)

// Seen is one side of a record as a look found it.
type Seen struct {
	ID        ID
	Existence Existence
	Record    mapping.Record
	View      mapping.View
	Created   string             // Odoo's create_date
	Written   string             // Odoo's write_date, for the optimistic lock
	Why       string             // the evidence of gone, the reason of unknown
	NotFound  bool               // the far side says that there is no such record; by itself no evidence of removal
	Fail      *Failure           // this record alone could not be read
	Until     time.Time          // it was seen, but before then that proves nothing: it was removed a moment ago
	Instance  *dingtalk.Instance // of an approval
	Elder     bool               // it was there before a mapping that starts now: unless it is linked, it is left alone
	Single    *single            // of a meeting of a series that was changed by itself: it can be no record of its own in DingTalk
}

// fate is what the existence table says about a record.
type fate uint8

const (
	fateNothing    fate = iota
	fateDiff            // both are there: compare fields
	fateMeet            // a stranger: match first, else create on the other side
	fateRemoveDing      // removal rule on DingTalk
	fateRemoveOdoo      // removal rule on Odoo
	fateRetire          // nothing left to keep in step
	fateRehire          // a retired link's record came back
	fateStay            // a rule says never: the link stays, told once in the plan
	fateFinishDing      // done in Odoo: tell DingTalk, and the link is settled
	fateFinishOdoo      // likewise the other way round
	fateReopen          // both had done it, and Odoo opened it again
	fateSettle          // done, and nobody is left to be told
)

// decideExistence is the existence table of the design. Pure. It returns the row that fired, in words.
func decideExistence(m *mapping.Mapping, l *Link, odoo, ding Existence) (fate, string) {
	switch {
	case odoo == Unseen || ding == Unseen:
		return fateNothing, "unknown never causes anything"
	case l == nil || l.State == Held:
		return strangerFate(odoo, ding)
	case l.State == Retired:
		return retiredFate(l, odoo, ding)
	case l.State == Pending && ding != Present:
		return fateNothing, "invited; pending until the person accepts"
	case l.State == Baseline:
		return fateNothing, "baseline: stood in the domain before the mapping existed"
	case l.State == Settled:
		return settledFate(l, odoo)
	case odoo == Finished || ding == Finished:
		return finishedFate(odoo, ding)
	case odoo == Present && ding == Present:
		return fateDiff, "linked | present | present"
	case ding == Present && odoo == Gone && !deletable(m.Kind):
		return fateRetire, "deleted in odoo; a dingtalk " + m.Kind + " cannot be deleted"
	case ding == Present && (odoo == Archived || odoo == Gone):
		if m.RemoveDingTalk == mapping.RemoveNever {
			return fateStay, string(odoo) + " in odoo; never (removals are off)"
		}
		return fateRemoveDing, string(odoo) + " in odoo"
	case ding == Present && odoo == Outside:
		if m.Leave == mapping.LeaveRemove && m.RemoveDingTalk != mapping.RemoveNever {
			return fateRemoveDing, "left the domain"
		}
		return fateStay, "left the domain; kept"
	case odoo == Present && ding == Gone:
		if m.RemoveOdoo == mapping.RemoveNever {
			return fateStay, "gone in dingtalk; never (removals are off)"
		}
		return fateRemoveOdoo, "gone in dingtalk"
	case ding == Gone:
		return fateRetire, string(odoo) + " in odoo, gone in dingtalk"
	default:
		return fateNothing, "nothing to do"
	}
}

// finishedFate: one side of a link is done. The other one is told, whatever became of the record otherwise.
func finishedFate(odoo, ding Existence) (fate, string) {
	switch {
	case odoo == Finished && ding == Finished:
		return fateSettle, "done on both sides"
	case odoo == Finished && ding == Present:
		return fateFinishDing, "done in odoo"
	case odoo == Finished:
		return fateSettle, "done in odoo, " + string(ding) + " in dingtalk"
	case odoo == Present:
		return fateFinishOdoo, "done in dingtalk"
	default:
		return fateSettle, "done in dingtalk, " + string(odoo) + " in odoo"
	}
}

// settledFate: what both sides had done may be opened again in Odoo, where its record still stands.
func settledFate(l *Link, odoo Existence) (fate, string) {
	if odoo == Present && l.Was[mapping.Odoo] == Finished {
		return fateReopen, "open again in odoo"
	}
	return fateNothing, "settled: done on both sides"
}

// deletable says whether DingTalk can delete objects of the kind. Where it cannot, nothing holds a link any more whose record was deleted.
func deletable(kind string) bool {
	k, _ := dingtalk.KindByName(kind)
	return k.Delete
}

// strangerFate: no link holds the record.
func strangerFate(odoo, ding Existence) (fate, string) {
	switch {
	case odoo == Present:
		return fateMeet, ReasonNewOdoo
	case ding == Present:
		return fateMeet, ReasonNewDing
	default:
		return fateNothing, "no link; not present"
	}
}

// retiredFate: a link that ended lives again only when a side that was archived, outside or gone is present.
func retiredFate(l *Link, odoo, ding Existence) (fate, string) {
	back := func(side mapping.Side, now Existence) bool {
		was := l.Was[side]
		return now == Present && was != Present && was != Unseen
	}
	switch {
	case back(mapping.Odoo, odoo):
		return fateRehire, "re-hired in odoo"
	case back(mapping.DingTalk, ding):
		return fateRehire, "re-hired in dingtalk"
	default:
		return fateNothing, "retired"
	}
}
