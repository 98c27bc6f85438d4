package bridge

import (
	"slices"
	"strconv"
	"time"

	"dingbridge/mapping"
)

// Occurrence is what a link remembers of one approval, or of one message: a record that is withdrawn and submitted again has another one.
type Occurrence struct {
	N       int       `json:"n"`       // 1, 2, … of the same record
	Started time.Time `json:"started"` // when DingTalk took it, by our clock
	// Left says that the record was seen since in a state in which it would not be submitted: the next submission is a new occurrence.
	Left bool `json:"left,omitempty"`
	// Ending is why the bridge itself withdraws the instance. It is stored before the call: the outcome that follows is never applied.
	Ending string `json:"ending,omitempty"`
	// Restart: once it is withdrawn, the record is submitted again with its new values.
	Restart bool `json:"restart,omitempty"`
	// Deleted says that an event told of the instance's deletion: then it is no riddle that it is not found.
	Deleted bool `json:"deleted,omitempty"`
	// Outcome is the last outcome that was settled; a later one, as a revocation, is another.
	Outcome string `json:"outcome,omitempty"`
	// Say is a comment that is still to be told on the instance. It is taken away before it is sent: told at most once.
	Say string `json:"say,omitempty"`
	// Noted are the steps that stand in the chatter already, by their marks.
	Noted []string `json:"noted,omitempty"`
	// Look says that an event told of the instance: it is to be read. Without one it is read again at ReadAt.
	Look   bool      `json:"look,omitempty"`
	ReadAt time.Time `json:"read_at,omitzero"`
	// Of is the record of a superseded occurrence.
	Of ID `json:"of,omitempty"`
	// Of a message: what it was about beside the record, and its calls.
	Once  string  `json:"once,omitempty"`
	Parts []*Part `json:"parts,omitempty"`
	// Media are the ids of files that were uploaded for it, by the values that name them.
	Media map[string]string `json:"media,omitempty"`
}

// mostNoted bounds the marks that a link keeps; an instance with more steps than that is searched in the chatter itself.
const mostNoted = 500

// uploads are the files that were uploaded for the message.
func (o *Occurrence) uploads() map[string]string {
	if o.Media == nil {
		o.Media = map[string]string{}
	}
	return o.Media
}

// note remembers that a step stands in the chatter.
func (o *Occurrence) note(mark string) {
	if slices.Contains(o.Noted, mark) {
		return
	}
	if len(o.Noted) >= mostNoted {
		o.Noted = slices.Delete(o.Noted, 0, 1)
	}
	o.Noted = append(o.Noted, mark)
}

// occurrence returns the link's, made when it has none.
func (l *Link) occurrence() *Occurrence {
	if l.Occurrence == nil {
		l.Occurrence = &Occurrence{N: 1}
	}
	return l.Occurrence
}

// occurrenceKey is the text that the marker of an instance carries.
func occurrenceKey(m *mapping.Mapping, record ID, n int) string {
	return m.Name + "/" + string(record) + "/" + strconv.Itoa(n)
}

// due says whether the running instance is to be read now. A time that no rule can have set was set by another clock.
func (o *Occurrence) due(now time.Time) bool {
	return o.Look || !now.Before(o.ReadAt) || o.ReadAt.After(now.Add(25*time.Hour))
}

// rereadAfter is when a running instance is read again although no event came: half its age, but not sooner than the first pause and
// not later than a day. So a decision whose event was lost is noticed at most half as long again after the start, and an instance
// costs a handful of calls in its first day.
func rereadAfter(age, first time.Duration) time.Duration {
	return min(max(age/2, first), 24*time.Hour)
}
