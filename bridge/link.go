package bridge

import (
	"encoding/json"
	"strconv"
	"time"

	"dingbridge/mapping"
)

// LinkState is where a link stands in its life.
type LinkState string

// The link states.
const (
	Linked   LinkState = "linked"
	Creating LinkState = "creating" // an intent is committed; whether the far side has the record is not known yet
	Pending  LinkState = "pending"  // invited in DingTalk (code 40103), waiting until the person accepts
	Retired  LinkState = "retired"  // ended: kept so that nothing comes back by itself, and a re-hire is recognised
	Held     LinkState = "held"     // one side only: a stranger that may not be matched or created; Holds[""] says why
	Baseline LinkState = "baseline" // stood in the domain before the mapping existed (start: now); remembered, not acted on
	Settled  LinkState = "settled"  // ended, or done, on both sides: only a revocation, a new submission, or opening it again moves it
	// Superseded is an older occurrence of an approval: the record belongs to a newer link, which is why this one has no Odoo id.
	Superseded LinkState = "superseded"
)

// Base is what one field was when it last settled on one side, with the signature of the field's mapping at that time.
type Base struct {
	Value     mapping.Value `json:"v"`
	Signature string        `json:"s"`
}

// Hold is why a field, or a record, is not written until something changes.
type Hold struct {
	Kind   HoldKind  `json:"kind"`
	Reason string    `json:"reason"` // the far side's own words where it refused
	Since  time.Time `json:"since"`
	// Odoo and DingTalk are the values seen when it was held: while both are still these, nothing is tried again.
	Odoo     mapping.Value `json:"odoo"`
	DingTalk mapping.Value `json:"dingtalk"`
	// On names what else may lift the hold although nothing changed on the record itself: the holder of a unique value, the
	// next sweep. When one of them wakes the key, the field is tried again.
	On []Await `json:"on,omitempty"`
}

// awaitsSweep is the pseudo record every sweep of the mapping wakes.
func awaitsSweep(mappingName string) Await { return Await{Mapping: mappingName, ID: "next sweep"} }

// HoldKind tells the reasons for a hold apart.
type HoldKind string

// The kinds of hold.
const (
	HeldConflict  HoldKind = "conflict"
	HeldRefused   HoldKind = "refused"
	HeldUnstuck   HoldKind = "did not stick"
	HeldImmutable HoldKind = "immutable"
	HeldAmbiguous HoldKind = "ambiguous"
	HeldInvalid   HoldKind = "invalid"
	HeldUnsure    HoldKind = "unsure" // nobody can tell whether it was carried out: only a person lets it be tried again
)

// Sent is a write to DingTalk that has not been seen back yet: within the stale window the value from before proves nothing.
type Sent struct {
	Before mapping.Value `json:"before"`
	Meant  mapping.Value `json:"meant"`
	At     time.Time     `json:"at"`
}

// Writing is an update of one field that was about to be sent. If the process ends, or no answer comes, a side that shows what was meant
// shows our own write and not somebody's edit.
type Writing struct {
	Side   mapping.Side  `json:"side"`
	Meant  mapping.Value `json:"meant"`
	Source mapping.Value `json:"source"` // what the other side showed then
	At     time.Time     `json:"at"`
	Base   mapping.Value `json:"base,omitzero"` // what becomes the base of the side that was written; unknown: what was meant
}

// Intent is a creation that is committed before it is sent.
type Intent struct {
	Side mapping.Side `json:"side"` // the side on which the record is created
	Key  string       `json:"key"`  // by which the record will be found there: a userid of ours, a source_identifier, an external id
	At   time.Time    `json:"at"`
	// Parent and Name tell where to look for a department, whose id DingTalk chooses.
	Parent string `json:"parent,omitempty"`
	Name   string `json:"name,omitempty"`
	// First is when it was sent under this key for the first time.
	First time.Time `json:"first,omitzero"`
}

// Link is the memory: which two records are one thing, what each side showed when a field last settled, and what is held.
type Link struct {
	ID      int64
	Mapping string
	Odoo    ID // "" while the record does not exist there yet
	Ding    ID
	State   LinkState
	// OdooCreated is the Odoo record's create_date: another one under the same id is another record.
	OdooCreated string
	Bases       map[mapping.Side]map[string]Base
	Holds       map[string]Hold            // by field key; "" holds the whole record
	Sent        map[string]Sent            // by field key, writes to DingTalk not seen back yet
	Writing     map[string]Writing         // by field key, updates that are being sent, or whose outcome is not known
	Take        map[string]mapping.Side    // a person's decision on a held conflict, by field key
	Intent      *Intent                    // while Creating or Pending
	Was         map[mapping.Side]Existence // when Retired: what each side was
	Occurrence  *Occurrence                // of an approval
	Errand      *Errand                    // of an object that stands in a person's list or calendar
	Updated     time.Time
}

// On returns the record's id on the side, "" when it has none there.
func (l *Link) On(side mapping.Side) ID {
	if side == mapping.Odoo {
		return l.Odoo
	}
	return l.Ding
}

// SetOn sets the record's id on the side.
func (l *Link) SetOn(side mapping.Side, id ID) {
	if side == mapping.Odoo {
		l.Odoo = id
	} else {
		l.Ding = id
	}
}

// Ref is how other links' Views name this link.
func (l *Link) Ref() string { return strconv.FormatInt(l.ID, 10) }

// Key is the link's work key.
func (l *Link) Key() Key { return LinkKey(l.Mapping, l.ID) }

// Base returns the field's settled value on the side; false when there is none, or it belongs to an earlier text of the mapping.
func (l *Link) Base(side mapping.Side, f *mapping.Field) (mapping.Value, bool) {
	b, ok := l.Bases[side][f.Key]
	if !ok || b.Signature != f.Signature || b.Value.IsUnknown() {
		return mapping.UnknownValue, false
	}
	return b.Value, true
}

// SetBase records the settled value of the field on the side.
func (l *Link) SetBase(side mapping.Side, f *mapping.Field, v mapping.Value) {
	if v.IsUnknown() {
		return
	}
	if l.Bases == nil {
		l.Bases = map[mapping.Side]map[string]Base{}
	}
	if l.Bases[side] == nil {
		l.Bases[side] = map[string]Base{}
	}
	l.Bases[side][f.Key] = Base{Value: v, Signature: f.Signature}
}

// BaseView is the stored View of one side, whatever signature its fields carry.
func (l *Link) BaseView(side mapping.Side) mapping.View {
	v := make(mapping.View, len(l.Bases[side]))
	for k, b := range l.Bases[side] {
		v[k] = b.Value
	}
	return v
}

// Hold puts the field ("" = the record) on hold.
func (l *Link) Hold(field string, h Hold) {
	if l.Holds == nil {
		l.Holds = map[string]Hold{}
	}
	l.Holds[field] = h
}

// Existence is what is known about one side of a link.
type Existence string

// The existences. Absent (the zero value) means the link has no record there. Unseen is "unknown" in print: not visible, no
// permission, unreachable; it never causes anything.
const (
	Absent   Existence = ""
	Present  Existence = "present"
	Archived Existence = "archived"
	Outside  Existence = "outside"  // a read without the domain still shows it
	Finished Existence = "finished" // done, cancelled, decided
	Gone     Existence = "gone"     // with evidence
	Unseen   Existence = "unknown"
)

// mark is a short mark of everything but the time of the last update: equal marks need no write.
func (l *Link) mark() uint64 {
	c := *l
	c.Updated = time.Time{}
	raw, err := json.Marshal(c)
	if err != nil {
		return 0 // never equal to a mark that was taken: it is written
	}
	return hash64(raw)
}
