package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"dingbridge/mapping"
)

// requestPrefix begins the meta keys by which another process asks the running engine for something.
const requestPrefix = "request/sweep/"

// sweepRequest is one request as it is stored.
type sweepRequest struct {
	Mappings []string  `json:"mappings"`
	At       time.Time `json:"at"`
}

// RequestSweep asks the engine that runs on the store, in another process, to sweep the mappings. The ticket is gone from the store
// once every one of them was swept completely after now; see RequestOpen. A request outlives a restart.
func RequestSweep(ctx context.Context, s Store, names []string, now time.Time) (ticket string, err error) {
	raw, err := json.Marshal(sweepRequest{Mappings: names, At: now.UTC()})
	if err != nil {
		return "", err
	}
	ticket = requestPrefix + rand.Text()
	return ticket, s.Update(ctx, func(tx Tx) error { return tx.SetMeta(ticket, string(raw)) })
}

// RequestOpen says whether the request is still to be served.
func RequestOpen(ctx context.Context, s Store, ticket string) (open bool, err error) {
	err = s.View(ctx, func(tx Tx) error {
		raw, err := tx.Meta(ticket)
		open = raw != ""
		return err
	})
	return open, err
}

// CancelRequest withdraws the request.
func CancelRequest(ctx context.Context, s Store, ticket string) error {
	return s.Update(ctx, func(tx Tx) error { return tx.DeleteMeta(ticket) })
}

// ServeRequests sweeps what other processes ask for through the store, until the context ends. It looks at the store every so often;
// a store that cannot be read is tried again.
func (e *Engine) ServeRequests(ctx context.Context, every time.Duration) {
	asked := map[string]time.Time{} // by ticket and mapping, when the sweep was last asked for
	for e.pause(ctx, every) {
		open, err := e.openRequests(ctx)
		if err != nil {
			continue // the work loop tells of a store in trouble
		}
		for ticket, wanting := range open {
			for _, name := range wanting {
				key := ticket + " " + name
				if at, before := asked[key]; !before || e.Now().Sub(at) > e.HaltMax {
					asked[key] = e.Now()
					e.wantSweep(name, wantedSweep{at: e.Now(), why: sweepAsked, deep: true})
				}
			}
		}
	}
}

// openRequests returns, by ticket, the mappings that were not swept since they were asked for. Served tickets are taken away.
func (e *Engine) openRequests(ctx context.Context) (map[string][]string, error) {
	open, served := map[string][]string{}, []string(nil)
	err := e.Store.View(ctx, func(tx Tx) error {
		all, err := tx.MetaPrefix(requestPrefix)
		if err != nil {
			return err
		}
		for ticket, raw := range all {
			var r sweepRequest
			if err := json.Unmarshal([]byte(raw), &r); err != nil {
				return fmt.Errorf("the stored request %s: %w", ticket, err)
			}
			wanting, err := e.unswept(tx, r)
			if err != nil {
				return err
			}
			if len(wanting) == 0 {
				served = append(served, ticket)
				continue
			}
			open[ticket] = wanting
		}
		return nil
	})
	if err != nil || len(served) == 0 {
		return open, err
	}
	return open, e.Store.Update(ctx, func(tx Tx) error {
		for _, ticket := range served {
			if err := tx.DeleteMeta(ticket); err != nil {
				return err
			}
		}
		return nil
	})
}

// unswept are the mappings of the request whose last sweep began before it.
func (e *Engine) unswept(tx Tx, r sweepRequest) ([]string, error) {
	var names []string
	for _, m := range e.mappings().Ranked {
		if len(r.Mappings) > 0 && !slices.Contains(r.Mappings, m.Name) {
			continue
		}
		last, err := lastStatement(tx, m.Name)
		if err != nil {
			return nil, err
		}
		if last.At.Before(r.At) {
			names = append(names, m.Name)
		}
	}
	return names, nil
}

// PublishHalted leaves what pauses in this process in the store, where ReadStatus of another process finds it.
func PublishHalted(ctx context.Context, s Store, halted []Halted) error {
	raw, err := json.Marshal(halted)
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx Tx) error { return tx.SetMeta("halted", string(raw)) })
}

// PlanReport is a Plan as data, for printing as JSON: values as the plan shows them, references by the ids they have.
type PlanReport struct {
	Mapping  string         `json:"mapping"`
	Odoo     ID             `json:"odoo,omitempty"`
	DingTalk ID             `json:"dingtalk,omitempty"`
	Name     string         `json:"name,omitempty"`
	Row      string         `json:"row"`
	Match    *MatchReport   `json:"match,omitempty"`
	Changes  []ChangeReport `json:"changes,omitempty"`
	Notes    []NoteReport   `json:"notes,omitempty"`
	WaitsFor string         `json:"waits_for,omitempty"`
	Retire   string         `json:"link_ends,omitempty"`
	InWork   bool           `json:"in_work,omitempty"` // a running daemon has the record on its list at this moment
}

// MatchReport is a recognition of two strangers.
type MatchReport struct {
	Side mapping.Side `json:"side"`
	ID   ID           `json:"id"`
	By   string       `json:"by"`
}

// ChangeReport is one write the plan asks for.
type ChangeReport struct {
	Op        Op                  `json:"op"`
	Side      mapping.Side        `json:"side"`
	ID        ID                  `json:"id,omitempty"`
	Reason    string              `json:"reason"`
	OverGuard bool                `json:"over_guard,omitempty"` // waits for a release
	Fields    []FieldChangeReport `json:"fields,omitempty"`
}

// FieldChangeReport is one field of a write.
type FieldChangeReport struct {
	Field  string `json:"field"`
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// NoteReport is a hold, a conflict or a skip.
type NoteReport struct {
	Field  string `json:"field,omitempty"`
	Held   bool   `json:"held"`
	Reason string `json:"reason"`
}

// Report returns the plan as data.
func (p *Plan) Report() PlanReport {
	r := PlanReport{Mapping: p.Mapping.Name, Odoo: p.Odoo.ID, DingTalk: p.Ding.ID, Name: p.title(), Row: p.Row, Retire: p.Retire}
	if p.Match != nil {
		r.Match = &MatchReport{Side: p.Match.Side, ID: p.Match.ID, By: p.Match.By}
	}
	for _, c := range p.Changes {
		r.Changes = append(r.Changes, p.changeReport(c, false))
	}
	for _, w := range p.Over {
		r.Changes = append(r.Changes, p.changeReport(w.Change, true))
	}
	for _, n := range p.Notes {
		note := NoteReport{Held: n.Hold != nil, Reason: n.Reason}
		if n.Field != nil {
			note.Field = n.Field.Key
		}
		r.Notes = append(r.Notes, note)
	}
	if len(p.Waits) > 0 {
		r.WaitsFor = p.waitsText()
	}
	return r
}

func (p *Plan) changeReport(c *Change, over bool) ChangeReport {
	r := ChangeReport{Op: c.Op, Side: c.Side, ID: c.ID, Reason: c.Reason, OverGuard: over}
	if c.Op == OpCreate && c.Side == mapping.DingTalk && p.Mapping.Kind == "user" {
		r.ID = ID(c.Key)
	}
	for _, f := range c.Fields {
		r.Fields = append(r.Fields, FieldChangeReport{
			Field: f.Field.Name(c.Side), From: p.show(f.Field, c.Side, f.From), To: p.show(f.Field, c.Side, f.To), Reason: f.Reason,
		})
	}
	return r
}

// InWork says whether the plan's record is on the list of a running engine at this moment.
func (p *Plan) InWork(ctx context.Context, s Store) (bool, error) {
	keys := []Key{RecordKey(p.Mapping.Name, mapping.Odoo, p.Odoo.ID), RecordKey(p.Mapping.Name, mapping.DingTalk, p.Ding.ID)}
	if p.Link != nil && p.Link.ID > 0 {
		keys = append(keys, p.Link.Key())
	}
	dirty := false
	err := s.View(ctx, func(tx Tx) error {
		for _, k := range keys {
			w, err := tx.WorkOf(k)
			if err != nil {
				return err
			}
			dirty = dirty || (w != nil && w.Gen > w.DoneGen)
		}
		return nil
	})
	return dirty, err
}
