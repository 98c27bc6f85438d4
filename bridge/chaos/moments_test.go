package chaos

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"dingbridge/odoo/odootest"
)

// moment is one thing that happened to a leave in Odoo, in the order of the commits.
type moment struct {
	at       time.Time
	bridge   bool   // the bridge's user did it; else a person
	what     string // the method, "" when a person worked without one
	refused  string // why it was undone; "" = committed
	read     bool   // the bridge was shown the leave, with what an approval shows of it
	from, to string // its state before and after: "" while it is not there
	before   values
	after    values
	lock     string // the second for which the bridge's optimistic lock stood
	stamp    string // the second of write_date afterwards
}

// values are what the form of an approval shows of a leave.
type values struct {
	name string
	days float64
}

func (m moment) changed() bool { return m.refused == "" && !m.read && m.from != m.to }

func (m moment) edited() bool {
	return m.refused == "" && !m.read && !m.bridge && m.from != "" && m.before != m.after
}

func (m moment) String() string {
	who := "a person"
	if m.bridge {
		who = "the bridge"
	}
	head := m.at.UTC().Format("15:04:05.000 ") + who + " "
	switch {
	case m.read:
		return head + fmt.Sprintf("reads it: %s %v", m.to, m.after)
	case m.refused != "":
		return head + m.what + " is refused: " + m.refused
	}
	return head + fmt.Sprintf("%s: %q %v -> %q %v (lock %s, written %s)", m.what, m.from, m.before, m.to, m.after, m.lock, m.stamp)
}

// moments are those of all leaves.
type moments struct {
	mu  sync.Mutex
	of  map[int64][]moment
	now map[int64]moment // the latest committed one of each
}

func newMoments() *moments { return &moments{of: map[int64][]moment{}, now: map[int64]moment{}} }

func (ms *moments) all(leave int64) []moment {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return slices.Clone(ms.of[leave])
}

// made are the leaves that came into being with the reason.
func (ms *moments) made(reason string) (ids []int64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for id, list := range ms.of {
		if slices.ContainsFunc(list, func(m moment) bool { return m.refused == "" && !m.read && m.from == "" && m.after.name == reason }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// told enters what a transaction did to leaves. A call whose answer was lost after the commit has done it; one that was undone has not.
func (ms *moments) told(t odootest.Transaction, bridge int64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	base := moment{at: t.At, bridge: t.UID == bridge}
	if t.Call.Service != "" {
		base.what = t.Call.Method
	}
	if t.Err != nil {
		if base.bridge && isOdooWrite(t.Call) && t.Call.Model == "hr.leave" {
			base.refused = t.Err.Error()
			for _, id := range firstIDs(t.Call.Args) {
				ms.add(id, base)
			}
		}
		return
	}
	for _, c := range t.Changes {
		if c.Model == "hr.leave" {
			m := base
			m.from, m.before = shownOf(c.Before)
			m.to, m.after = shownOf(c.After)
			m.stamp, _ = c.After["write_date"].(string)
			m.lock = lockOf(t.Call, c.ID)
			ms.add(c.ID, m)
			ms.now[c.ID] = m
		}
	}
	if base.bridge && t.Call.Model == "hr.leave" && t.Call.Method == "search_read" {
		for _, id := range wholeRead(t.Call) {
			m := base
			m.read, m.to, m.after = true, ms.now[id].to, ms.now[id].after
			ms.add(id, m)
		}
	}
}

// add keeps of reads that follow each other the last.
func (ms *moments) add(leave int64, m moment) {
	list := ms.of[leave]
	if n := len(list); n > 0 && m.read && list[n-1].read {
		list[n-1] = m
		return
	}
	ms.of[leave] = append(list, m)
}

func shownOf(row map[string]any) (state string, v values) {
	state, _ = row["state"].(string)
	v.name, _ = row["name"].(string)
	v.days, _ = row["number_of_days"].(float64)
	return state, v
}

func firstIDs(args []any) []int64 {
	if len(args) == 0 {
		return nil
	}
	var out []int64
	list, _ := args[0].([]any)
	for _, one := range list {
		if id, ok := one.(int64); ok {
			out = append(out, id)
		}
	}
	return out
}

// lockOf is the second for which the call's optimistic lock stands, "" without one.
func lockOf(c odootest.Call, id int64) string {
	cx, _ := c.Kwargs["context"].(map[string]any)
	locks, _ := cx["__last_update"].(map[string]any)
	lock, _ := locks[fmt.Sprintf("%s,%d", c.Model, id)].(string)
	lock, _, _ = strings.Cut(lock, ".")
	return lock
}

// wholeRead are the leaves whose forms a search_read by ids shows.
func wholeRead(c odootest.Call) []int64 {
	arg := func(at int, name string) any {
		if len(c.Args) > at {
			return c.Args[at]
		}
		return c.Kwargs[name]
	}
	fields, _ := arg(1, "fields").([]any)
	domain, _ := arg(0, "domain").([]any)
	if !slices.Contains(fields, any("name")) || len(domain) != 1 {
		return nil
	}
	term, _ := domain[0].([]any)
	if len(term) != 3 || term[0] != "id" || term[1] != "in" {
		return nil
	}
	return firstIDs(term[2:])
}
