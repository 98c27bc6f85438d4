package mapping

// LeaveTerminate withdraws the running approval of a record that left the domain; it is what an approval does by default.
const LeaveTerminate LeaveRule = "terminate"

// ChangeRule says what happens when what an approval was asked about is edited in Odoo while it is running.
type ChangeRule string

// The change rules.
const (
	ChangeHold      ChangeRule = "hold"      // agreeing is not applied: a person decides
	ChangeIgnore    ChangeRule = "ignore"    // edits do not matter
	ChangeTerminate ChangeRule = "terminate" // the instance is withdrawn; the next submission starts another
	ChangeRestart   ChangeRule = "restart"   // the instance is withdrawn and another is started with the new values
)

// Approval is what a mapping of the kind approval says beside its fields; nil for the other kinds.
type Approval struct {
	ProcessCode string // of the template; "" until the settings give it (see Set.WithProcessCodes)
	Pos         Position
	Change      ChangeRule
	Marker      string // the label of the component that carries our key; "" = none
	Approvers   []ApproverLevel
	CC          []Person
	CCPosition  string // START, FINISH or START_FINISH
	Select      []Select
	Notes       Notes
	Transitions []*Transition
}

// ApproverLevel is one step of the approvers that the bridge names, instead of the flow configured in DingTalk.
type ApproverLevel struct {
	People []Person
	Mode   LevelMode
	Pos    Position
}

// LevelMode says who of a level must agree.
type LevelMode string

// The modes of a level.
const (
	OneByOne LevelMode = "one_by_one" // each in turn, in the order in which they are named
	All      LevelMode = "all"
	Any      LevelMode = "any"
)

// Select names the people of a node which the template leaves to the originator (自选节点).
type Select struct {
	Node   string // its actorKey, or the name of its activity
	People []Person
	Pos    Position
}

// Person is one entry of a list of people: exactly one of its members is given.
type Person struct {
	Path      string // over many2ones of the record, to hr.employee, res.users, res.partner or hr.department (then its manager)
	Followers bool   // those who follow the record
	Chain     string // path to an hr.employee, whose managers upwards are meant (parent_id)
	Levels    int    // of Chain: how many at most; 0 = all
	Userid    string // a fixed userid of DingTalk
	Except    string // path to whom is taken out of the list again
	Pos       Position

	// Of the receivers of a message only. A path may end at several records.
	Everyone   bool   // all whom the app sees
	Members    string // path to hr.department: all in or below them
	Department int64  // of DingTalk: all in or below it
}

// Notes are the texts posted in the chatter; one that evaluates to nothing is not posted.
type Notes struct {
	Start, Task, Comment, Finish *Expr  // over the scope of a step (see stepScope); nil = the bridge's own text, or none without Default
	Default                      bool   // the texts of the bridge, in English or Chinese, where no other is given
	Language                     string // path to the res.users or res.partner whose language is used; "" = the record's author's
}

// Wanted reports whether anything is posted while an approval runs.
func (n Notes) Wanted() bool {
	return n.posts(n.Start) || n.posts(n.Task) || n.posts(n.Comment)
}

func (n Notes) posts(text *Expr) bool {
	if text == nil {
		return n.Default
	}
	return !text.silent()
}

// Transition says how one field of the record gets each of its wished values: by methods, never by a plain write.
type Transition struct {
	Field string
	To    map[string][]Step // wished value → steps, the first whose From holds is taken; then the field is read again
	Pos   Position
}

// Step is one way on to the wished value.
type Step struct {
	From []string       // values of the field in which the step is possible
	Call string         // the method; "" = the field is written plainly
	Args []*Expr        // behind the ids, over the scope of a step: see Arguments
	Set  map[string]any // fields written in the same call when Call is "": plain values and *Expr over the scope of a step, see Writes
	Pos  Position
}

// Lookup finds an Odoo record that no mapping links, by one field of it.
type Lookup struct {
	Model  string
	By     string
	Domain []any
	Create bool // make it (name_create) when there is none
	First  bool // of several, the first will do
	Pos    Position
}

// Lines joins a one2many with detail tables. Templates are in file order: of each row of their table, or one single line.
type Lines struct {
	Odoo      string // the one2many
	Model     string // of its lines
	Templates []*LineTemplate
}

// LineTemplate makes the lines of one table, or one line.
type LineTemplate struct {
	Table  string // "form.明细"; "" = a single line
	Fields []*Field
	When   *Expr
	Pos    Position
}

// Transition returns how the field is changed, nil when it is written plainly.
func (a *Approval) Transition(field string) *Transition {
	if a == nil {
		return nil
	}
	for _, t := range a.Transitions {
		if t.Field == field {
			return t
		}
	}
	return nil
}

// Decided reports whether a value of the field is one that a transition leads to: the record is decided.
func (t *Transition) Decided(value string) bool {
	_, ok := t.To[value]
	return ok
}
