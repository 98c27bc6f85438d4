package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/mapping"
)

// Op is what a Change does to its target.
type Op string

// The operations.
const (
	OpCreate    Op = "create"
	OpUpdate    Op = "update"
	OpArchive   Op = "archive"
	OpUnarchive Op = "unarchive"
	OpDelete    Op = "delete"
	OpTerminate Op = "terminate" // withdraws a running approval
	OpComment   Op = "comment"   // on an approval
	OpNote      Op = "note"      // in a record's chatter
	OpFinish    Op = "finish"    // says that it is done
	OpReopen    Op = "reopen"    // says that it is not done after all
)

// FieldChange is one field of a Change: what the target shows now, what it shall be, and why.
type FieldChange struct {
	Field  *mapping.Field
	From   mapping.Value
	To     mapping.Value
	Source mapping.Value // what the source side shows; becomes its base when the field settles
	Base   mapping.Value // what becomes the target's base when it shows To; unknown: To
	Reason string
}

// base is what the target's base becomes when it shows what was written.
func (c FieldChange) base() mapping.Value {
	if c.Base.IsUnknown() {
		return c.To
	}
	return c.Base
}

// Clears reports whether the change empties a filled field, or moves a reference to the "none" id.
func (c FieldChange) Clears() bool { return c.To.IsEmpty() && !c.From.IsEmpty() }

// Change is one write to one side.
type Change struct {
	Op     Op
	Side   mapping.Side
	ID     ID // of the target; "" when it is to be created
	Fields []FieldChange
	Reason string
	Key    string // by which a creation, or a note, will be found again

	Asked  *asked         // of an approval's start: whom it asks
	goesOn bool           // a message that was interrupted: what was chosen for it stands
	To     *audience      // of a message: whom it is for; nil for one to a conversation, and for one that was interrupted
	Text   string         // of a comment, note or withdrawal, and of what is said to be done
	By     ID             // in whose name a comment is made; of what is said to be done, the partner who did it
	Scope  mapping.Record // of an outcome: what the arguments of a transition may name
}

// recheck makes the key due again at the time, or sooner where something else asks for it.
func (p *Plan) recheck(at time.Time) {
	if p.Recheck.IsZero() || at.Before(p.Recheck) {
		p.Recheck = at
	}
}

// reasons are the reasons of the fields, each once: a write may follow an edit in one field and a decided conflict in another.
func (c *Change) reasons(fields []FieldChange) string {
	words := []string{c.Reason}
	for _, f := range fields {
		if f.Reason != "" && !slices.Contains(words, f.Reason) {
			words = append(words, f.Reason)
		}
	}
	return strings.Join(words, "; ")
}

// tells reports whether the change only carries over what was decided or said: no budget limits that.
func (c *Change) tells() bool {
	return c.Op == OpTerminate || c.Op == OpNote || c.Op == OpComment || c.Op == OpFinish || c.Op == OpReopen || c.Scope != nil || c.goesOn
}

// Risk is the budget the change draws on. Clears inside an update draw on their own.
func (c *Change) Risk() Risk {
	switch c.Op {
	case OpCreate, OpUnarchive:
		return RiskCreate
	case OpArchive, OpDelete:
		return RiskRemove
	default:
		return RiskUpdate
	}
}

// Hash tells this change from another one on the same record: a release holds only for what the person saw.
func (c *Change) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%s|%s|%s", c.Op, c.Side, c.ID, c.Key)
	for _, f := range c.Fields {
		if c.Op == OpCreate && f.Field.Ref != "" {
			continue // whom it refers to may be linked between the waiting and the release
		}
		fmt.Fprintf(h, "|%s=%d%q", f.Field.Key, f.To.State, f.To.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Settle moves a field's bases without a write.
type Settle struct {
	Field  *mapping.Field
	Odoo   mapping.Value
	Ding   mapping.Value
	Reason string
}

// Note is a line of the plan that is no write: a hold, a conflict, a skip.
type Note struct {
	Field  *mapping.Field // nil = the whole record
	Hold   *Hold          // nil = only told
	Kept   bool           // the hold stood before
	Reason string
}

// Match is the recognition of two strangers as one thing.
type Match struct {
	Side mapping.Side // where the stranger that was found stands
	ID   ID
	By   string // the field keys it was recognised by
}

// Plan is what Reconcile decided for one record. It prints itself; nothing in it has happened yet.
type Plan struct {
	Mapping *mapping.Mapping
	Link    *Link // nil for strangers
	Odoo    Seen
	Ding    Seen
	Row     string // the row of the existence table that fired

	Match   *Match
	Changes []*Change
	Settles []Settle
	Notes   []Note
	Waits   []Await
	Retire  string // the reason for ending the link, "" = it goes on
	Settle  string // the reason why an approval, or a to-do, has ended on both sides, "" = it has not
	Rehire  bool   // a retired link lives again
	// Attached is the instance that this one revokes or modifies: its link is touched.
	Attached ID
	Recheck  time.Time // when the key is due again (stale window), zero = not
	Over     []Waiting // what the Guard keeps for a person

	refs *refs // to print references by the ids they have
}

// Waiting is a change that the Guard holds back.
type Waiting struct {
	Change *Change
	Risk   Risk
	List   int64 // 0 in a printed plan
}

// Quiet reports whether there is nothing to tell about the record.
func (p *Plan) Quiet() bool {
	return p.Match == nil && len(p.Changes) == 0 && len(p.Over) == 0 && len(p.Notes) == 0 && p.Retire == "" && p.Settle == "" && !p.Rehire && len(p.Waits) == 0
}

// Counts sums the plan up for the last line.
func (p *Plan) Counts() PlanCounts {
	var c PlanCounts
	if p.Match != nil {
		c.Links++
	}
	all := slices.Clone(p.Changes)
	for _, w := range p.Over {
		all = append(all, w.Change)
		c.Waiting++
	}
	for _, ch := range all {
		told := p.Mapping.Message != nil
		switch ch.Op {
		case OpCreate:
			if told {
				c.Messages++
			} else {
				c.Creates++
			}
		case OpUpdate:
			c.Updates++
		case OpUnarchive:
			c.Unarchives++
		case OpTerminate:
			c.Withdrawals++
		case OpNote, OpComment:
			c.Notes++
		case OpFinish:
			c.Finished++
		case OpReopen:
			c.Updates++
		default:
			if told {
				c.Recalls++
			} else {
				c.Removals++
			}
		}
	}
	for _, n := range p.Notes {
		if n.Hold != nil {
			c.Held++
		} else {
			c.Skipped++
		}
	}
	if len(p.Waits) > 0 && len(p.Changes) == 0 {
		c.Blocked++
	}
	if p.Retire != "" && len(all) == 0 {
		c.Retired++
	}
	if p.Settle != "" && len(all) == 0 {
		if p.Mapping.Message != nil {
			c.Untold++
		} else {
			c.Settled++
		}
	}
	return c
}

// PlanCounts are the sums of a plan over many records.
type PlanCounts struct {
	Creates     int `json:"creates"`
	Updates     int `json:"updates"`
	Unarchives  int `json:"unarchives"`
	Removals    int `json:"removals"`
	Withdrawals int `json:"withdrawals,omitempty"` // of running approvals
	Notes       int `json:"notes,omitempty"`       // in the chatter, or as comments
	Finished    int `json:"finished,omitempty"`    // to-dos that are said to be done
	Settled     int `json:"settled,omitempty"`     // approvals and to-dos that ended on both sides without a write
	Messages    int `json:"messages,omitempty"`
	Recalls     int `json:"recalls,omitempty"` // of messages
	Untold      int `json:"untold,omitempty"`  // messages that nobody gets, because their receivers are not in DingTalk
	Links       int `json:"links"`
	Retired     int `json:"retired"`
	Held        int `json:"held"`
	Skipped     int `json:"skipped"`
	Blocked     int `json:"blocked"`              // waiting for a reference
	Waiting     int `json:"waiting"`              // of the operations: over the guard's budget
	Remembered  int `json:"remembered,omitempty"` // what was there before a mapping that starts now: only remembered
}

// Add sums two counts.
func (c *PlanCounts) Add(o PlanCounts) {
	c.Creates += o.Creates
	c.Updates += o.Updates
	c.Unarchives += o.Unarchives
	c.Removals += o.Removals
	c.Withdrawals += o.Withdrawals
	c.Notes += o.Notes
	c.Finished += o.Finished
	c.Settled += o.Settled
	c.Messages += o.Messages
	c.Recalls += o.Recalls
	c.Untold += o.Untold
	c.Links += o.Links
	c.Retired += o.Retired
	c.Held += o.Held
	c.Skipped += o.Skipped
	c.Blocked += o.Blocked
	c.Waiting += o.Waiting
	c.Remembered += o.Remembered
}

// Writes is the number of operations the plan asks for.
func (c PlanCounts) Writes() int {
	return c.Creates + c.Updates + c.Unarchives + c.Removals + c.Withdrawals + c.Notes + c.Finished + c.Messages + c.Recalls
}

// String is the plan's last line, without the trailing sentence about what to do next.
func (c PlanCounts) String() string {
	var parts []string
	add := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(c.Updates, "update", "updates")
	add(c.Creates, "create", "creates")
	add(c.Unarchives, "un-archive", "un-archives")
	add(c.Removals, "removal", "removals")
	add(c.Withdrawals, "withdrawal", "withdrawals")
	add(c.Notes, "note", "notes")
	add(c.Finished, "told to be done", "told to be done")
	add(c.Messages, "message", "messages")
	add(c.Recalls, "recall", "recalls")
	add(c.Untold, "message for nobody", "messages for nobody")
	add(c.Settled, "settled", "settled")
	add(c.Links, "link", "links")
	add(c.Retired, "link ended", "links ended")
	add(c.Held, "held", "held")
	add(c.Skipped, "skipped", "skipped")
	add(c.Blocked, "waiting for a reference", "waiting for a reference")
	s := "In sync: nothing to do."
	if len(parts) > 0 {
		s = strings.Join(parts, ", ") + "."
	}
	if c.Remembered > 0 {
		s += fmt.Sprintf(" %d from before a mapping that starts now are only remembered.", c.Remembered)
	}
	if c.Waiting > 0 {
		s += fmt.Sprintf(" %d of these exceed the guard and wait for a release.", c.Waiting)
	}
	return s
}
