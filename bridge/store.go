package bridge

import (
	"context"
	"errors"
	"iter"
	"maps"
	"time"

	"dingbridge/mapping"
)

// Errors of every Store.
var (
	// ErrTaken: another link of the mapping already holds one of the two records. Somebody else made it: reconcile again.
	ErrTaken = errors.New("another link already holds this record")
	// ErrLocked: another process is the active one on this store.
	ErrLocked = errors.New("another dingbridge is running on this store")
)

// Store is the durable state. Every method of a Tx belongs to one transaction; Update commits all or nothing, and concurrent
// Updates may share one commit. Updates are serial, over all processes: nothing changes between what one reads and what it writes. One
// whose context carries a lease (WithLease) commits only while the lease holds: ErrLeaseLost. A Store is safe for use by several goroutines and, for reading and touching, by several processes.
type Store interface {
	View(ctx context.Context, fn func(Tx) error) error
	Update(ctx context.Context, fn func(Tx) error) error
	// Lock makes this process the active one until Unlock; ErrLocked when another is. It does not wait for the other.
	Lock(ctx context.Context) (Lease, error)
	// Replicas lists the processes on the store, the active one first; none when nobody is active or stands by.
	Replicas(ctx context.Context) ([]Replica, error)
	Close() error
}

// Tx is one transaction on the Store.
type Tx interface {
	LinkTx
	WorkTx
	InboxTx
	GuardTx
	HistoryTx
	QuotaTx
	ToldTx
	MetaTx
}

// LinkTx keeps links.
type LinkTx interface {
	// Link returns the link, or nil.
	Link(id int64) (*Link, error)
	// LinksByID returns the links of these ids in one read; missing ones are left out.
	LinksByID(ids []int64) (map[int64]*Link, error)
	// LinksOn returns the links of the mapping that hold these records of the side, by record id. Of several (a retired
	// one and its successor) the one that is not retired, else the newest.
	LinksOn(mappingName string, side mapping.Side, ids []ID) (map[ID]*Link, error)
	// Links iterates over the mapping's links in id order ("" = all mappings).
	Links(mappingName string) iter.Seq2[*Link, error]
	// LinksIn returns the mapping's links in this state.
	LinksIn(mappingName string, state LinkState) ([]*Link, error)
	// LinkIDs returns the light triples of all links of a mapping, for resolving references in bulk.
	LinkIDs(mappingName string) ([]LinkID, error)
	// PutLink inserts (ID 0, which it then sets) or replaces the link. ErrTaken when a link that is not retired holds one of its records.
	PutLink(*Link) error
	DeleteLink(id int64) error
	// RenameMapping carries links, work, holds and history to a new mapping name; it returns how many links moved.
	RenameMapping(from, to string) (int, error)
	// CountLinks counts the mapping's links by state.
	CountLinks(mappingName string) (map[LinkState]int, error)
	// MappingNames lists the names that have links.
	MappingNames() ([]string, error)
}

// LinkID is a link without its memory.
type LinkID struct {
	ID    int64
	Odoo  ID
	Ding  ID
	State LinkState
}

// Work is one row of the work table.
type Work struct {
	Key       Key
	Gen       int64 // rises with every touch
	DoneGen   int64
	Due       time.Time
	Attempts  int
	LastError string
	Seq       int64 // order of the first touch since it was last done
}

// WorkTx keeps the keys that are to be reconciled. There is no running state: what was not finished is still due after a crash.
type WorkTx interface {
	// Touch makes the keys due now (due zero) or at the given time; a key that is already due earlier stays so. Its generation rises.
	Touch(due time.Time, keys ...Key) error
	// Due returns up to limit dirty keys of the mapping whose time has come, oldest touch first.
	Due(mappingName string, now time.Time, limit int) ([]Work, error)
	// NextDue is the earliest due time of all dirty keys; false when there are none.
	NextDue() (time.Time, bool, error)
	// WorkOf returns one row, or nil.
	WorkOf(key Key) (*Work, error)
	// WorkRows lists dirty rows, those with errors first, up to limit.
	WorkRows(limit int) ([]Work, error)
	// CountWork returns how many keys are dirty by mapping, and how many of them are due by now.
	CountWork(now time.Time) (dirty, due map[string]int, err error)
	// Finish marks the generation as done. If the key was touched meanwhile it stays dirty.
	Finish(key Key, gen int64) error
	// Postpone keeps the key dirty until due. attempts and lastError are stored as given; a touch meanwhile wins over due.
	Postpone(key Key, gen int64, due time.Time, attempts int, lastError string) error
	// Sooner moves dirty keys that are due after the time by so much, but not before the time: the clock was set back. It returns how many.
	Sooner(after time.Time, by time.Duration) (int, error)
	// DropWork forgets the key.
	DropWork(keys ...Key) error

	// Await remembers that the key waits for something about the record; Wake touches and forgets all who wait for it and returns how many.
	Await(key Key, on Await) error
	Wake(on ...Await) (int, error)
	// Waiting lists who waits since before the time, oldest first, up to limit.
	Waiting(before time.Time, limit int) ([]Waiter, error)
	// Awaits returns what each of the keys still waits for.
	Awaits(keys ...Key) (map[Key][]Await, error)
	// StopAwaiting forgets all waits of the key.
	StopAwaiting(key Key) error

	// Seen returns which of the (id, write_date) pairs of the model were already handled.
	Seen(model string, rows map[int64]string) (map[int64]bool, error)
	MarkSeen(model string, rows map[int64]string) error
	// PruneSeen forgets rows with write_date below the floor and returns their ids.
	PruneSeen(model, floor string) ([]int64, error)
}

// Await names a record somebody waits for.
type Await struct {
	Mapping string       `json:"mapping"`
	Side    mapping.Side `json:"side"`
	ID      ID           `json:"id"`
}

// Waiter is one key that waits.
type Waiter struct {
	Key   Key
	On    Await
	Since time.Time
}

// InboxEvent is one event of DingTalk as it arrived.
type InboxEvent struct {
	ID       string // eventId, or a hash of the plaintext
	Type     string
	Born     time.Time
	Received time.Time
	Via      string // ViaStream, ViaCallback or ViaFailedList
	Data     []byte // JSON
}

// The ways by which events come.
const (
	ViaStream     = "stream"
	ViaCallback   = "callback"
	ViaFailedList = "failed list" // fetched, not pushed
)

// InboxTx keeps events until they have been turned into touches, and their ids for as long as duplicates may come.
type InboxTx interface {
	// AddEvent stores the event; false when its id was seen before.
	AddEvent(e InboxEvent) (bool, error)
	// PendingEvents returns events not yet handled, in order of arrival.
	PendingEvents(limit int) ([]InboxEvent, error)
	EventsDone(ids ...string) error
	// Event returns an event that is still kept, handled or not; nil when there is none.
	Event(id string) (*InboxEvent, error)
	// PruneEvents forgets handled events received before the time.
	PruneEvents(before time.Time) (int, error)
	// CountEvents returns how many are pending, and how many of each type arrived with the time of the last.
	CountEvents() (pending int, byType map[string]EventCount, err error)
}

// EventCount tells how often an event type arrived, and when last.
type EventCount struct {
	Count int
	Last  time.Time
	Via   map[string]int `json:",omitempty"` // by way, as InboxEvent.Via; arrivals of which the way was not kept are in Count alone
}

// With is the count and n arrivals more by a way ("" = not known), the last of them at a time. The count itself stays as it is.
func (c EventCount) With(via string, n int, last time.Time) EventCount {
	more := EventCount{Count: c.Count + n, Last: c.Last, Via: maps.Clone(c.Via)}
	if last.After(c.Last) {
		more.Last = last
	}
	if via != "" {
		if more.Via == nil {
			more.Via = map[string]int{}
		}
		more.Via[via] += n
	}
	return more
}

// Risk is a class of operations the Guard budgets.
type Risk string

// The risks a Guard budgets.
const (
	RiskCreate Risk = "create"
	RiskUpdate Risk = "update"
	RiskClear  Risk = "clear"
	RiskRemove Risk = "removal"
)

// GuardItem is one operation that waits for a person, or that a person released.
type GuardItem struct {
	ID       int64
	List     int64 // the number `release` takes
	Mapping  string
	Key      Key
	Hash     string // of the change; a changed change is another one
	Risk     Risk
	Text     string // the plan's own line
	Created  time.Time
	Released bool
}

// GuardTx keeps the Guard's counts and what waits.
type GuardTx interface {
	// Spent returns what was reserved on the day for the mapping, by risk.
	Spent(mappingName, day string) (map[Risk]int, error)
	// Reserve adds to the day's count.
	Reserve(mappingName, day string, risk Risk, n int) error
	// GuardWait puts the item on the mapping's open list (a new one when there is none). An item of the same key, risk and hash stays
	// where it is. It returns the list's number.
	GuardWait(item GuardItem) (list int64, err error)
	// GuardState says whether the item of the key with that hash waits, or was released by a person; neither when there is none.
	GuardState(key Key, risk Risk, hash string) (waits, released bool, err error)
	// CountGuard counts the mapping's items, waiting and released.
	CountGuard(mappingName string) (int, error)
	// TakeRelease consumes a released item of the key with that hash; false when there is none.
	TakeRelease(key Key, risk Risk, hash string) (bool, error)
	// DropWaiting forgets the key's items, released ones too; keep names the hashes that stay.
	DropWaiting(key Key, keep ...string) error
	// GuardItems lists the items that wait, by list and id; list 0 = all.
	GuardItems(list int64) ([]GuardItem, error)
	// Release marks all waiting items of the list as released, touches their keys, and closes the list. It returns how many.
	Release(list int64) (int, error)
}

// HistoryRow is one thing the bridge did or decided.
type HistoryRow struct {
	ID      int64             `json:"id"`
	At      time.Time         `json:"at"`
	Mapping string            `json:"mapping"`
	Link    int64             `json:"link"`
	Odoo    ID                `json:"odoo"`
	Ding    ID                `json:"dingtalk"`
	Op      string            `json:"op"`
	Side    mapping.Side      `json:"side"`
	Reason  string            `json:"reason"`
	Before  map[string]string `json:"before,omitempty"`
	After   map[string]string `json:"after,omitempty"`
	Version string            `json:"version"` // of the mapping
}

// HistoryTx is append-only.
type HistoryTx interface {
	AppendHistory(rows ...HistoryRow) error
	// History returns the newest rows of the mapping and record, newest first. Empty mapping or ids match all.
	History(mappingName string, link int64, limit int) ([]HistoryRow, error)
	PruneHistory(before time.Time) (int, error)
}

// QuotaKind is what a QuotaCount counts.
type QuotaKind string

// What is counted.
const (
	QuotaCall     QuotaKind = "call"     // answered calls to DingTalk
	QuotaPush     QuotaKind = "push"     // events that DingTalk pushed, and messages by webhooks
	QuotaWithheld QuotaKind = "withheld" // events that came without content, because the quota of pushes is used up
)

// QuotaCount is how many calls or pushes of one name there were on one day.
type QuotaCount struct {
	Day     string // in DingTalk's zone, such as 2026-08-22
	What    QuotaKind
	Counted bool   // against the corp's monthly quota
	Mapping string // for whose work the calls were made; "" for no mapping's in particular
	Name    string // the API path, or the event's type
	N       int64
}

// QuotaTx keeps how much of DingTalk's monthly quotas was used.
type QuotaTx interface {
	// AddQuota adds to what is kept.
	AddQuota(counts ...QuotaCount) error
	// Quota returns the counts of the days from first to last, both included, in any order.
	Quota(first, last string) ([]QuotaCount, error)
	// PruneQuota forgets the days before this one and returns how many counts that were.
	PruneQuota(before string) (int, error)
}

// Told is one notice to one person.
type Told struct {
	Day     string // in DingTalk's zone
	Person  string // userid
	Content string // a mark of what it says
	At      time.Time
}

// ToldTx keeps who was sent which notice on which day.
type ToldTx interface {
	// Told returns the contents that each of the persons was sent on the day.
	Told(day string, persons []string) (map[string][]string, error)
	// ToldSince counts what was sent after the time.
	ToldSince(at time.Time) (int, error)
	PutTold(rows ...Told) error
	// DropTold forgets rows, by day, person and content.
	DropTold(rows ...Told) error
	// PruneTold forgets the days before this one and returns how many rows that were.
	PruneTold(before string) (int, error)
}

// MetaTx keeps small named values: cursors, fingerprints, flags.
type MetaTx interface {
	// Meta returns the value, "" when there is none.
	Meta(key string) (string, error)
	SetMeta(key, value string) error
	DeleteMeta(key string) error
	// MetaPrefix returns all values whose key starts with the prefix.
	MetaPrefix(prefix string) (map[string]string, error)
}
