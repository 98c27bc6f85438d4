package mapping

import (
	"time"
)

// Side is one of the two systems a mapping joins.
type Side string

// The two sides.
const (
	Odoo     Side = "odoo"
	DingTalk Side = "dingtalk"
)

// Other returns the opposite side.
func (s Side) Other() Side {
	if s == Odoo {
		return DingTalk
	}
	return Odoo
}

// Direction says which way values may travel.
type Direction string

// The three directions.
const (
	ToDingTalk Direction = "to_dingtalk"
	ToOdoo     Direction = "to_odoo"
	Both       Direction = "both"
)

// Allows reports whether values may be written to the target side.
func (d Direction) Allows(target Side) bool {
	return d == Both || (d == ToDingTalk) == (target == DingTalk)
}

// Rule decides a conflict: the winning side, the newest, or a person.
type Rule string

// The conflict rules.
const (
	OdooWins     Rule = "odoo"
	DingTalkWins Rule = "dingtalk"
	NewestWins   Rule = "newest"
	HoldConflict Rule = "hold"
)

// Removal says what happens on one side when the record is archived or gone on the other.
type Removal string

// The removal rules.
const (
	RemoveNever   Removal = "never"
	RemoveArchive Removal = "archive" // Odoo only: active = False
	RemoveDelete  Removal = "delete"
)

// LeaveRule says what happens when an Odoo record leaves the mapping's domain.
type LeaveRule string

// The leave rules.
const (
	LeaveKeep   LeaveRule = "keep"
	LeaveRemove LeaveRule = "remove"
)

// Position is a place in a mapping file.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Mapping is one compiled YAML document: an Odoo model and domain, a DingTalk kind, and the field pairs between them.
// It is immutable after Load.
type Mapping struct {
	Name        string
	RenamedFrom string
	Pos         Position
	Version     string // hash of the document's normalised text, written into the history

	Model   string
	Domain  []any          // prefix notation, as Odoo wants it
	Context map[string]any // for every Odoo call of this mapping
	Kind    string
	// Departments are the roots of the DingTalk scope; empty means the app's whole scope.
	Departments []int64

	// Users are people in DingTalk whose calendars are read, beside those who organize what is linked.
	Users []string

	Direction Direction
	Start     string // "all" or "now"
	// Match lists how two strangers are recognised, in order; each entry is one or more field keys that must all be equal and known.
	Match    [][]string
	Conflict Rule
	Fields   []*Field

	CreateDingTalk Create
	CreateOdoo     Create
	RemoveDingTalk Removal
	RemoveOdoo     Removal
	Leave          LeaveRule
	Guard          Guard
	Poll           time.Duration // 0 = the daemon's default
	Sweep          time.Duration // 0 = the daemon's default (nightly)
	Approval       *Approval     // of the kind approval
	Message        *Message      // of the kinds that tell people something
	Tests          []Test

	open    string // how the names of the kind's components begin, see Kind.Open
	setup   []SetupField
	missing map[string]bool // fields of setup: that the live server lacks
}

// Create says whether, and when, an unlinked record of one side is created on the other.
type Create struct {
	Allowed bool
	When    *Expr // nil = always; evaluated on the record that exists
}

// Guard is the mapping's budget of risky operations a day. Creates and Updates: the larger of the count and Percent of the
// linked records; Clears and Removals: the smaller, but at least one. A negative count means no limit.
type Guard struct {
	Creates, Updates, Clears, Removals int
	Percent                            float64
}

// Field is one field pair. A pair with both sides travels by Direction; one with a Value is computed from the other side's
// record and is always one-way.
type Field struct {
	Key       string // unique in the mapping: the DingTalk field, or the Odoo field where there is none
	OdooName  string // "" when the pair has no Odoo side
	DingName  string // "" when the pair has no DingTalk side
	Pos       Position
	Direction Direction // effective: the field's own, else the mapping's; narrowed by Value
	Ref       string    // name of the mapping whose links this field refers to; "" = plain
	Attribute string    // the attribute of the referred DingTalk object instead of its id, e.g. unionid
	Tells     bool      // the attribute says whose it is, so that the pair can be read from DingTalk
	Person    string    // the path by which the referred employee leads to the user or partner that Odoo's field names; "" = it names the employee
	None      string    // the DingTalk id that stands for an empty many2one
	HasNone   bool
	Optional  bool
	Required  bool // the target kind or model requires it at creation
	Convert   Converter
	Value     *Expr
	When      *Expr
	OnCreate  bool
	Done      bool    // it says that the object is done: it is told once and never compared as other fields are
	Lookup    *Lookup // the record a many2one is to name is found by a value; nil = not
	Lines     *Lines  // the pair joins a one2many with detail tables; nil = a plain field
	Wins      Rule    // "" = the mapping's Conflict
	Signature string  // changes when source, converter or table change; a stored base with another signature is no base

	cell bool       // the DingTalk field is the label of a cell of a table
	odoo *OdooField // the Odoo field's description, nil when there is none
	ding *KindField // the DingTalk field's description, nil when there is none
}

// Name returns the field's name on the side, "" when it has none there.
func (f *Field) Name(side Side) string {
	if side == Odoo {
		return f.OdooName
	}
	return f.DingName
}

// Remembered reports whether the pair is only read from DingTalk and kept with the link, so that references can name it as an attribute.
func (f *Field) Remembered() bool { return f.OdooName == "" && f.Value == nil }

// By is what stands for a referred record in the field on the side instead of its id: an attribute in DingTalk, a path in Odoo; "" for the id.
func (f *Field) By(side Side) string {
	if side == Odoo {
		return f.Person
	}
	return f.Attribute
}

// Writes reports whether the field may be written to the side.
func (f *Field) Writes(side Side) bool {
	return f.Name(side) != "" && f.Direction.Allows(side)
}

// Field returns the pair with the key.
func (m *Mapping) Field(key string) (*Field, bool) {
	for _, f := range m.Fields {
		if f.Key == key {
			return f, true
		}
	}
	return nil, false
}

// Instead returns the other pair that writes the same field of the side, where one of the two does so at creation only: a creation takes that
// one's value where the other has none.
func (m *Mapping) Instead(f *Field, side Side) (*Field, bool) {
	for _, other := range m.Fields {
		if other != f && other.OnCreate != f.OnCreate && other.Writes(side) && other.Name(side) == f.Name(side) {
			return other, true
		}
	}
	return nil, false
}

// Record is one raw record of either side after its adapter normalised it: a key that is absent is unknown, nil is empty.
// Odoo: many2one is map[string]any{"id": int64, "name": string}, x2many is []int64, dates are texts as on the wire, booleans are bool.
// DingTalk: ids are strings or int64 as the kind says, lists are []any, nested objects map[string]any.
type Record map[string]any

// Refs translates references between far-side ids and link keys.
type Refs interface {
	// LinkOf returns the key of the link that holds this id on the side in the named mapping; false when there is none, or it is retired or outside.
	LinkOf(mapping string, side Side, id string) (link string, ok bool)
	// LinkBy is LinkOf by what a record has instead of its id: the attribute of a DingTalk object, or on Odoo's side the id that stands at
	// the end of a path of many2ones.
	LinkBy(mapping string, side Side, attribute, value string) (link string, ok bool)
	// IDOf returns the id (or the named attribute or path) the link has on the side; false when it has none yet.
	IDOf(mapping string, side Side, link, attribute string) (id string, ok bool)
}

// Env is what reading and writing a field may need beside the record itself.
type Env struct {
	Refs    Refs
	Lookups Lookups        // nil where nothing is written to Odoo
	Zone    *time.Location // the zone of DingTalk dates
	// Base is the field's base on the side that is read or written: one_of and main_department stay with it while it is
	// listed. Whoever reads a record back after a write must give the value that was written, or the old one is looked for.
	Base Value

	// Record is the record the raw value stands in, for converters that look beside it; Field.Read and Field.Write set it.
	Record Record
}

// MissingRef is returned by Field.Write when the value names a link that has no id on the target side yet.
type MissingRef struct {
	Mapping string
	Link    string
	Side    Side
}

func (e *MissingRef) Error() string {
	return "the " + e.Mapping + " record " + e.Link + " is not in " + string(e.Side) + " yet"
}
