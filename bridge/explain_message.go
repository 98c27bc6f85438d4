package bridge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// Telling is one time that a record was told of, as its link remembers it.
type Telling struct {
	N       int           `json:"n"`              // the first time, the second, …
	At      time.Time     `json:"at"`             // when it was told, or last tried
	Outcome string        `json:"outcome"`        // told, nobody, recalled; sending, held
	Once    string        `json:"once,omitempty"` // the value of the mapping's once
	Calls   []TellingCall `json:"calls,omitempty"`
}

// TellingCall is one call of a message.
type TellingCall struct {
	ID          string            `json:"id,omitempty"` // by which DingTalk knows it
	State       string            `json:"state"`        // taken, waits, unknown, refused
	At          time.Time         `json:"at,omitzero"`
	Users       []string          `json:"users,omitempty"`
	Departments []int64           `json:"departments,omitempty"`
	Everyone    bool              `json:"everyone,omitempty"`
	Missed      map[string]string `json:"missed,omitempty"` // who did not get it, and why; "" stands for all of them
	Asked       bool              `json:"asked,omitempty"`  // DingTalk told who got it
	Joined      int               `json:"joined,omitempty"` // of a webhook: how many records it tells of, if not of this one alone
}

// The outcomes of a message that is not over.
const (
	toldSending = "sending"
	toldHeld    = "held"
)

// tellingOf is what a link remembers of one message.
func tellingOf(l *Link) Telling {
	o := l.occurrence()
	t := Telling{N: o.N, At: o.Started, Outcome: o.Outcome, Once: o.Once}
	switch l.State {
	case Creating:
		t.Outcome = toldSending
	case Held:
		t.Outcome = toldHeld
	}
	for _, p := range o.Parts {
		if p.ID == "" && p.people()+len(p.Departments) == 0 && !p.Everyone && len(p.Missed) > 0 {
			t.Calls = append(t.Calls, TellingCall{State: "refused", Missed: p.Missed}) // nobody was left to call for
			continue
		}
		c := TellingCall{ID: p.ID, State: "waits", At: p.At, Users: p.Users, Departments: p.Departments, Everyone: p.Everyone, Missed: p.Missed, Asked: p.Asked}
		if p.Joined != nil {
			c.Joined = p.Joined.Of
		}
		switch {
		case p.ID != "":
			c.State = "taken"
		case p.Missed[""] != "":
			c.State = "refused"
		case p.Sending:
			c.State = "unknown"
		}
		t.Calls = append(t.Calls, c)
	}
	return t
}

// mostTellings bounds how many older messages about a record are explained.
const mostTellings = 10

// explainMessage adds what was told of a record, now and before.
func (x *Explanation) explainMessage(tx Tx, l *Link) error {
	if l.Occurrence != nil && l.State != Baseline {
		x.Told = append(x.Told, tellingOf(l))
	}
	older, err := tx.LinksIn(x.Mapping, Superseded)
	if err != nil {
		return err
	}
	for _, o := range older {
		if o.Occurrence != nil && o.Occurrence.Of == l.Odoo && l.Odoo != "" {
			x.Told = append(x.Told, tellingOf(o))
		}
	}
	slices.SortStableFunc(x.Told, func(a, b Telling) int { return b.N - a.N })
	x.Told = x.Told[:min(len(x.Told), mostTellings)]
	return nil
}

// gathers says that a record is gathered into digests by the mapping, and is told of by none of its own.
func gathers(m *mapping.Mapping, ref Ref) bool {
	return m.Message.Digest() && ref.Side == mapping.Odoo && !isDigestID(ref.ID)
}

// explainGathered tells which person's digest has the record, and what digests he got.
func (e *Engine) explainGathered(ctx context.Context, m *mapping.Mapping, ref Ref) (Explanation, error) {
	x := Explanation{Mapping: m.Name, Position: m.Pos, Row: "in no digest: it is outside the domain", message: true}
	x.Odoo = ExplainedSide{ID: ref.ID, Existence: Outside}
	n, err := strconv.ParseInt(string(ref.ID), 10, 64)
	if err != nil {
		return x, err
	}
	whose := int64(0)
	_, err = e.odoo.list(ctx, m, odoo.And(e.odoo.domain(m), odoo.Domain{odoo.Cond("id", "=", n)}), func(page []Seen) error {
		for _, seen := range page {
			records := []mapping.Record{seen.Record}
			if err := e.odoo.fillPaths(ctx, m.Model, []string{m.Message.GroupBy}, records); err != nil {
				return err
			}
			x.Odoo, whose = explained(seen), recordID(seen.Record[m.Message.GroupBy])
		}
		return nil
	})
	if err != nil {
		return x, err
	}
	next := m.Message.Schedule.Next(e.Now(), e.Zone)
	switch {
	case whose > 0:
		x.Row = fmt.Sprintf("in the digest of %s %d, told next at %s: explain odoo %s %s", m.Message.GroupBy, whose,
			next.In(e.Zone).Format("2006-01-02 15:04"), m.Model, digestID(whose, next))
	case x.Odoo.Existence == Present:
		x.Row = "in no digest: its " + m.Message.GroupBy + " is empty"
	}
	x.Plan = x.Row + "\n"
	if whose == 0 {
		return x, nil
	}
	return x, e.Store.View(ctx, func(tx Tx) error {
		digests, err := tx.LinksIn(m.Name, Settled)
		if err != nil {
			return err
		}
		for _, l := range digests {
			if strings.HasPrefix(string(l.Odoo), fmt.Sprintf("%d@", whose)) && l.Occurrence != nil {
				x.Told = append(x.Told, tellingOf(l))
			}
		}
		slices.SortStableFunc(x.Told, func(a, b Telling) int { return b.At.Compare(a.At) })
		x.Told = x.Told[:min(len(x.Told), mostTellings)]
		return nil
	})
}

// toldVerdict says how a field stands to what was told of it.
func toldVerdict(f ExplainedField) string {
	switch f.DingBase {
	case "none":
		return "not told"
	case f.Odoo:
		return "as told"
	}
	return "changed since it was told"
}

// printMessage prints what the record says now beside what was told, and whom.
func (x Explanation) printMessage(b *strings.Builder) {
	if len(x.Fields) > 0 {
		fmt.Fprintln(b, "message (as it would be now | as it was told):")
	}
	for _, f := range x.Fields {
		fmt.Fprintf(b, "  %s  %s | %s  %s  [%s:%d]\n", pad(f.Key, 24), f.Odoo, f.DingBase, f.Verdict, f.Position.File, f.Position.Line)
	}
	if len(x.Told) == 0 {
		fmt.Fprintln(b, "nobody was told of it yet")
	}
	for _, t := range x.Told {
		fmt.Fprintf(b, "%s\n", t)
	}
}

// String is the message in a few lines: whom it went to, when, in how many calls, and who did not get it.
func (t Telling) String() string {
	var b strings.Builder
	taken, people := 0, 0
	for _, c := range t.Calls {
		if c.State == "taken" {
			taken++
			people += len(c.Users)
		}
	}
	at := t.At.UTC().Format(time.RFC3339)
	fmt.Fprintf(&b, "message %d", t.N)
	if t.Once != "" {
		fmt.Fprintf(&b, " (once: %s)", t.Once)
	}
	switch t.Outcome {
	case outcomeNobody:
		fmt.Fprintf(&b, ": nobody was told, at %s", at)
	case toldSending:
		fmt.Fprintf(&b, ": being told since %s, %d of %s made", at, taken, calls(len(t.Calls)))
	case toldHeld:
		fmt.Fprintf(&b, ": held, %d of %s made", taken, calls(len(t.Calls)))
	default:
		fmt.Fprintf(&b, ": told at %s", at)
		if people > 0 {
			fmt.Fprintf(&b, ", to %s", counted(people, "person", "people"))
		}
		fmt.Fprintf(&b, " in %s", calls(taken))
		if t.Outcome == outcomeRecalled {
			b.WriteString(", and recalled since")
		}
	}
	for _, c := range t.Calls {
		c.print(&b)
	}
	return b.String()
}

// callStates are the states of a call that DingTalk did not take, in words.
var callStates = map[string]string{"waits": "not sent yet", "unknown": "nobody knows whether it was sent", "refused": "refused"}

func (c TellingCall) print(b *strings.Builder) {
	whom := audience{users: c.Users, departments: c.Departments, everyone: c.Everyone}
	switch to := cmp.Or(whom.String(), "the conversation"); {
	case c.State == "taken":
		fmt.Fprintf(b, "\n  %s  %s  to %s", c.At.UTC().Format(time.RFC3339), c.ID, to)
	case !whom.empty() || c.State != "refused":
		fmt.Fprintf(b, "\n  %s: to %s", callStates[c.State], to)
	}
	if c.Joined > 0 {
		fmt.Fprintf(b, ", in one message with %s", counted(c.Joined-1, "other", "others"))
	}
	missed := missedWords([]*Part{{Users: c.Users, Departments: c.Departments, Everyone: c.Everyone, ID: c.ID, Missed: c.Missed}})
	if missed != "" {
		fmt.Fprintf(b, "\n    %s", strings.ReplaceAll(missed, "; not to ", "\n    not to "))
	}
}

func calls(n int) string { return counted(n, "call", "calls") }

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// callsText says how many calls the message takes; nothing when it is one to few people, which shows.
func (c *Change) callsText(kind string) string {
	n := len(c.To.split(partSizes(kind, c.said())))
	switch people := len(c.To.users); {
	case n > 1 && people > 0:
		return fmt.Sprintf("   (%d people, %s)", people, calls(n))
	case n > 1:
		return fmt.Sprintf("   (%s)", calls(n))
	}
	return ""
}
