package bridge

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Status is the state of the bridge as its store knows it, and what pauses in this process.
type Status struct {
	At       time.Time             `json:"at"`
	Running  bool                  `json:"running"` // another process is active on the store
	Replicas []Replica             `json:"replicas,omitempty"`
	Mappings []MappingStatus       `json:"mappings"`
	Lists    []GuardList           `json:"guard_lists,omitempty"`
	Held     []HeldRecord          `json:"held,omitempty"`
	Waiting  []WaitingRecord       `json:"waiting,omitempty"` // for a reference, longer than an hour
	Failing  []FailingRecord       `json:"failing,omitempty"`
	Halted   []Halted              `json:"halted,omitempty"`
	Inbox    int                   `json:"inbox"` // events not handled yet
	Events   map[string]EventCount `json:"events,omitempty"`
	Feed     *Feed                 `json:"feed,omitempty"`  // how events reach the running daemon
	Quota    *QuotaStatus          `json:"quota,omitempty"` // see ReadQuota
}

// MappingStatus counts one mapping.
type MappingStatus struct {
	Name      string            `json:"name"`
	Links     map[LinkState]int `json:"links"`
	Dirty     int               `json:"dirty"`
	Due       int               `json:"due"`
	Statement *Statement        `json:"last_sweep,omitempty"`
	Messages  *MessageCounts    `json:"messages,omitempty"` // of a mapping of messages that told somebody something
}

// MessageCounts sums up the messages that are remembered of a mapping.
type MessageCounts struct {
	Told     int `json:"told"` // recalled ones included
	Calls    int `json:"calls"`
	Recalled int `json:"recalled"`
	Nobody   int `json:"nobody"` // there was nobody to be told
	Missed   int `json:"missed"` // people who did not get one that was sent
}

// count adds what a link remembers of a message.
func (c *MessageCounts) count(l *Link) {
	switch l.Occurrence.Outcome {
	case outcomeNobody:
		c.Nobody++
		return
	case outcomeRecalled:
		c.Recalled++
	}
	c.Told++
	for _, p := range l.Occurrence.Parts {
		if p.ID != "" {
			c.Calls++
		}
		for user := range p.Missed {
			if user == "" {
				c.Missed += p.people()
			} else {
				c.Missed++
			}
		}
	}
}

// ended reports that a link remembers a message that is over.
func (l *Link) ended() bool {
	return l.Occurrence != nil && slices.Contains([]string{outcomeTold, outcomeNobody, outcomeRecalled}, l.Occurrence.Outcome)
}

// GuardList is one list of operations that wait for a release.
type GuardList struct {
	List    int64        `json:"list"`
	Mapping string       `json:"mapping"`
	Counts  map[Risk]int `json:"counts"`
	First   string       `json:"first"` // the first item's line
	Since   time.Time    `json:"since"`
}

// HeldRecord is one held record or field.
type HeldRecord struct {
	Mapping string    `json:"mapping"`
	Odoo    ID        `json:"odoo"`
	Ding    ID        `json:"dingtalk"`
	Field   string    `json:"field,omitempty"`
	Kind    HoldKind  `json:"kind"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
}

// WaitingRecord is one key that waits for another record.
type WaitingRecord struct {
	Key   string    `json:"key"`
	For   string    `json:"for"`
	Since time.Time `json:"since"`
}

// FailingRecord is one key whose work failed and is tried again.
type FailingRecord struct {
	Key      string    `json:"key"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	Due      time.Time `json:"due"`
}

// statusRows bounds each list of a Status.
const statusRows = 200

// ReadStatus reads the state from the store. Halts are those a running daemon published.
func ReadStatus(ctx context.Context, s Store, names []string, now time.Time) (Status, error) {
	st := Status{At: now}
	replicas, err := s.Replicas(ctx)
	if err != nil {
		return st, err
	}
	st.Replicas, st.Running = replicas, slices.ContainsFunc(replicas, func(r Replica) bool { return r.Active })
	err = s.View(ctx, func(tx Tx) error {
		if err := st.readMappings(tx, names, now); err != nil {
			return err
		}
		if err := st.readLists(tx); err != nil {
			return err
		}
		if err := st.readWork(tx, now); err != nil {
			return err
		}
		raw, err := tx.Meta("halted")
		if err != nil {
			return err
		}
		if raw != "" && st.Running {
			if err := json.Unmarshal([]byte(raw), &st.Halted); err != nil {
				return err
			}
		}
		if st.Running {
			if st.Feed, err = readFeed(tx); err != nil {
				return err
			}
		}
		st.Inbox, st.Events, err = tx.CountEvents()
		return err
	})
	return st, err
}

// soon bounds what counts as work that is still to be done: retries come within it. What is due later is the next look at a running
// approval, and waits for nobody.
const soon = 9 * time.Minute

// countWork counts the keys that are to be worked on soon, and how many of them now.
func countWork(tx Tx, now time.Time) (dirty, due map[string]int, err error) {
	if _, dirty, err = tx.CountWork(now.Add(soon)); err != nil {
		return nil, nil, err
	}
	_, due, err = tx.CountWork(now)
	return dirty, due, err
}

func (st *Status) readMappings(tx Tx, names []string, now time.Time) error {
	dirty, due, err := countWork(tx, now)
	if err != nil {
		return err
	}
	for _, name := range names {
		links, err := tx.CountLinks(name)
		if err != nil {
			return err
		}
		ms := MappingStatus{Name: name, Links: links, Dirty: dirty[name], Due: due[name]}
		raw, err := tx.Meta("statement/" + name)
		if err != nil {
			return err
		}
		if raw != "" {
			ms.Statement = &Statement{}
			if err := json.Unmarshal([]byte(raw), ms.Statement); err != nil {
				return err
			}
		}
		for l, err := range tx.Links(name) {
			if err != nil {
				return err
			}
			if l.ended() {
				if ms.Messages == nil {
					ms.Messages = &MessageCounts{}
				}
				ms.Messages.count(l)
			}
			if len(st.Held) >= statusRows {
				continue
			}
			for key, h := range l.Holds {
				st.Held = append(st.Held, HeldRecord{Mapping: name, Odoo: l.Odoo, Ding: l.Ding, Field: key, Kind: h.Kind, Reason: h.Reason, Since: h.Since})
			}
		}
		st.Mappings = append(st.Mappings, ms)
	}
	return nil
}

func (st *Status) readLists(tx Tx) error {
	items, err := tx.GuardItems(0)
	if err != nil {
		return err
	}
	at := map[int64]int{}
	for _, it := range items {
		i, ok := at[it.List]
		if !ok {
			i = len(st.Lists)
			at[it.List] = i
			first, _, _ := strings.Cut(it.Text, "\n")
			st.Lists = append(st.Lists, GuardList{List: it.List, Mapping: it.Mapping, Counts: map[Risk]int{}, First: first, Since: it.Created})
		}
		st.Lists[i].Counts[it.Risk]++
	}
	return nil
}

func (st *Status) readWork(tx Tx, now time.Time) error {
	waiting, err := tx.Waiting(now.Add(-time.Hour), statusRows)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if w.On.Side == "" {
			continue
		}
		st.Waiting = append(st.Waiting, WaitingRecord{Key: w.Key.String(), For: w.On.Mapping + " " + string(w.On.Side) + " " + string(w.On.ID), Since: w.Since})
	}
	rows, err := tx.WorkRows(statusRows)
	if err != nil {
		return err
	}
	for _, w := range rows {
		if w.LastError != "" {
			st.Failing = append(st.Failing, FailingRecord{Key: w.Key.String(), Attempts: w.Attempts, Error: w.LastError, Due: w.Due})
		}
	}
	return nil
}
