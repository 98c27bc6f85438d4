package bridge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/mapping"
)

// Part is one call of a message: DingTalk takes so many people at once. Those of a message are chosen, and stored, before the first is sent.
type Part struct {
	Users       []string `json:"users,omitempty"`
	Departments []int64  `json:"departments,omitempty"`
	Everyone    bool     `json:"everyone,omitempty"`

	ID string `json:"id,omitempty"` // by which DingTalk knows it; "" = not sent yet
	// Sending says that the call was about to be made. Of a kind that DingTalk would take twice it is stored before the call: without an
	// answer nobody knows what became of it.
	Sending bool      `json:"sending,omitempty"`
	At      time.Time `json:"at,omitzero"`     // when DingTalk took it
	Again   bool      `json:"again,omitempty"` // it was sent once more, as the first call got no answer
	// Joined is the message in which it is told together with other records, nil when it is told alone. Alone: it stays so, because
	// DingTalk refused what they said together.
	Joined *Joined `json:"joined,omitempty"`
	Alone  bool    `json:"alone,omitempty"`
	// Refused says that DingTalk did not take it; why is in Missed.
	Refused bool `json:"refused,omitempty"`
	// Missed are those who did not get it, with the reason; "" stands for all of them.
	Missed map[string]string `json:"missed,omitempty"`
	Asked  bool              `json:"asked,omitempty"` // DingTalk was asked who got it
	AskAt  time.Time         `json:"ask_at,omitzero"` // it could not tell yet
}

// done reports that nothing is left to be sent: DingTalk took the part, or refused it.
func (p *Part) done() bool { return p.ID != "" || p.Missed[""] != "" }

// people is how many people a part names.
func (p *Part) people() int { return len(p.Users) }

// missed notes who did not get the part.
func (p *Part) missed(user, why string) {
	if p.Missed == nil {
		p.Missed = map[string]string{}
	}
	p.Missed[user] = why
}

// audience is whom a message is for, in DingTalk's terms.
type audience struct {
	users       []string
	departments []int64
	everyone    bool
}

func (a audience) empty() bool { return len(a.users)+len(a.departments) == 0 && !a.everyone }

// String shows it in a plan.
func (a audience) String() string {
	if a.everyone {
		return "everyone"
	}
	var words []string
	const shown = 10
	words = append(words, a.users[:min(len(a.users), shown)]...)
	if more := len(a.users) - shown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	for _, d := range a.departments {
		words = append(words, fmt.Sprintf("department %d", d))
	}
	return strings.Join(words, ", ")
}

// split makes the parts of a message: so many people, and so many departments, a call. A message without an audience, to a conversation,
// is one part.
func (a audience) split(people, departments int) []*Part {
	if a.everyone {
		return []*Part{{Everyone: true}}
	}
	var parts []*Part
	for some := range slices.Chunk(a.users, people) {
		parts = append(parts, &Part{Users: slices.Clone(some)})
	}
	if departments > 0 {
		for some := range slices.Chunk(a.departments, departments) {
			parts = append(parts, &Part{Departments: slices.Clone(some)})
		}
	}
	if len(parts) == 0 {
		parts = append(parts, &Part{})
	}
	return parts
}

// messageFate is what is to be done about a record that is told of.
type messageFate uint8

const (
	messageRests   messageFate = iota
	messageSends               // it is told of, the first time or again
	messageGoesOn              // the telling was interrupted
	messageRecalls             // it is taken back
)

// messageFacts is what decideMessage looks at.
type messageFacts struct {
	state  LinkState // "" without a link
	n      Occurrence
	odoo   Existence
	wanted bool   // in the domain, and create.dingtalk.when holds
	once   string // what tells one message of the record from another
	leave  mapping.LeaveRule
	age    time.Duration // of the message
}

// recallFor is how long DingTalk takes a message back (撤回工作通知消息, 批量撤回人与机器人会话中机器人消息).
const recallFor = 24 * time.Hour

// decideMessage says what is to be done about a record, and why. Pure.
func decideMessage(f messageFacts) (messageFate, string) {
	sent := f.state == Settled || f.state == Baseline
	switch {
	case f.odoo == Unseen:
		return messageRests, "unknown never causes anything"
	case f.state == Creating, f.state == Held && len(f.n.Parts) > 0:
		return messageGoesOn, "goes on where it was interrupted"
	case f.wanted && (f.state == "" || f.state == Held):
		return messageSends, ReasonNewOdoo
	case f.wanted && sent && f.n.Left:
		return messageSends, "entered the domain again"
	case f.wanted && sent && f.once != f.n.Once:
		return messageSends, "once: " + f.once
	case f.wanted:
		return messageRests, "told already"
	case f.state == Settled && f.leave == mapping.LeaveRecall && !f.n.Left && f.n.Outcome == outcomeTold:
		if f.age >= recallFor {
			return messageRests, "left the domain; older than a day, dingtalk takes no message back then"
		}
		return messageRecalls, "left the domain"
	case sent:
		return messageRests, "told; it left the domain since"
	}
	return messageRests, "not to be told of"
}

// The outcomes of a message.
const (
	outcomeTold     = "told"
	outcomeNobody   = "nobody" // none of its receivers has DingTalk
	outcomeRecalled = "recalled"
)
