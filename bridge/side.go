package bridge

import (
	"context"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// side is one far system as the engine uses it. There are two: odooSide and dingSide.
type side interface {
	// Look reads the records by id and says whether they exist; those in had were read already. An error is about the whole side.
	Look(ctx context.Context, m *mapping.Mapping, ids []ID, had map[ID]dingtalk.Object) (map[ID]Seen, error)
	// List hands over all records the mapping may see, page by page. It returns whether the listing was complete and what it covered.
	List(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error)
	// Find looks for creations by their keys (settling an intent whose outcome is unknown).
	Find(ctx context.Context, m *mapping.Mapping, creations []*creation) error
	// Create makes the records; each creation gets its ID or its Err.
	Create(ctx context.Context, m *mapping.Mapping, creations []*creation)
	// Write updates and removes; each gets its Err.
	Write(ctx context.Context, m *mapping.Mapping, writes []*write)
}

// Listing says what a complete listing is worth as evidence of absence.
type Listing struct {
	Complete bool
	Count    int
	Scope    string // what the app or user was allowed to see; evidence only while it is the same as last time
	Why      string // when not complete
	// Partial: it tells what changed, so that what it does not tell is there as before.
	Partial bool
	Cursors map[string]string // how far it read, by the name under which the store keeps it once what it told is touched
}

// creation is a record to be made on one side.
type creation struct {
	key    string
	parent string         // of a department: where to look for it again; of a to-do, whose it is to be; of an event, who organizes it
	owner  string         // in whose list or calendar it stands
	again  bool           // it was sent before, and nobody knows what came of it
	late   bool           // by Find: nothing but its looks can tell it any more
	values map[string]any // raw values by the far side's field names
	id     ID
	err    error
	found  bool   // by Find
	lost   string // by Find: why nobody can tell whether it was made; it is not made again
	// Of an approval: when it was sent, what was sent, whom it asks, and, by Find, the instances it may have become.
	since      time.Time
	sent       mapping.View
	asked      *asked
	told       *delivery // of a message
	candidates []ID
	view       func(mapping.Record) mapping.View
	back       dingtalk.Object // what DingTalk showed right after it; nil: not read yet
}

// write is an update or a removal of one record on one side.
type write struct {
	op     Op
	id     ID
	values map[string]any // raw; nil clears
	clear  []string       // names of the fields that are cleared, among values
	seen   Seen           // what was read before: the optimistic lock and list values rest on it
	err    error
	back   dingtalk.Object // as of a creation
	text   string          // of a comment, a note, a withdrawal
	by     ID              // in whose name a comment is made
	mark   string          // of a note, by which it is found again
	parts  []*Part         // of a message
	scope  mapping.Record  // of an outcome: what the arguments of a transition may name

	message int64 // of an activity that was said to be done: the message that says so
}
