package mapping

import "time"

// LeaveRecall takes the message of a record that left the domain back, as long as DingTalk lets it.
const LeaveRecall LeaveRule = "recall"

// Message is what a mapping of a kind that tells people something says beside its fields; nil for the other kinds.
//
// One record is told of once for each time it enters the domain (and create.dingtalk.when), or, with Once, for each value of that.
type Message struct {
	Pos       Position
	Receivers []Person
	Once      *Expr         // over the record: with another value it is told of again; nil = only its entry into the domain counts
	Webhook   string        // of a robot_message: the name that the settings give it
	Schedule  *Schedule     // when the domain is searched; nil = when a record changes
	Window    time.Duration // how late what was due while the daemon did not run is still told
	GroupBy   string        // a path to a person: all records of one person are one message; "" = each is one
	Result    ResultRule

	kinds map[string]valueKind // of the model's fields, for a digest
}

// ResultRule says what is done with what DingTalk tells of a message's delivery. Asking costs a counted call a part.
type ResultRule string

// The result rules.
const (
	ResultNone ResultRule = "none" // it is not asked
	ResultLog  ResultRule = "log"  // who did not get it stands in the history
	ResultNote ResultRule = "note" // and in the record's chatter
)

// Digest reports whether records are gathered into one message a person.
func (m *Message) Digest() bool { return m != nil && m.GroupBy != "" }
