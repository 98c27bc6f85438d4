package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// Explanation is everything the bridge knows about one record in one mapping, and what it would do now.
type Explanation struct {
	Mapping  string           `json:"mapping"`
	Position mapping.Position `json:"position"`
	Link     int64            `json:"link,omitempty"`
	State    LinkState        `json:"state,omitempty"`
	Row      string           `json:"row"` // of the existence table
	Odoo     ExplainedSide    `json:"odoo"`
	DingTalk ExplainedSide    `json:"dingtalk"`
	Fields   []ExplainedField `json:"fields"`
	Holds    []HeldRecord     `json:"holds,omitempty"`
	Waits    []string         `json:"waits_for,omitempty"`
	Plan     string           `json:"plan"`
	Told     []Telling        `json:"told,omitempty"` // of a mapping of messages: what was told of the record, the newest first
	History  []HistoryRow     `json:"history,omitempty"`

	message bool // the mapping is one of messages
}

// ExplainedSide is one side as it answered just now.
type ExplainedSide struct {
	ID        ID             `json:"id,omitempty"`
	Existence Existence      `json:"existence"`
	Why       string         `json:"why,omitempty"`
	Record    mapping.Record `json:"record,omitempty"`
}

// ExplainedField is one field: what each side shows, what each base is, and which line of the mapping is responsible.
type ExplainedField struct {
	Key      string           `json:"key"`
	Odoo     string           `json:"odoo"`
	OdooBase string           `json:"odoo_base"`
	Ding     string           `json:"dingtalk"`
	DingBase string           `json:"dingtalk_base"`
	Verdict  string           `json:"verdict"`
	Position mapping.Position `json:"position"`
}

// Explain looks at one record on both sides, without writing anything, and tells how every mapping of its model or kind sees it.
func (e *Engine) Explain(ctx context.Context, ref Ref) ([]Explanation, error) {
	var out []Explanation
	for _, m := range e.mappings().Mappings {
		if (ref.Side == mapping.Odoo && m.Model != ref.Kind) || (ref.Side == mapping.DingTalk && m.Kind != ref.Kind) {
			continue
		}
		if ref.Side == mapping.Odoo && isDigestID(ref.ID) && !m.Message.Digest() {
			continue
		}
		ctx := dingtalk.WithCaller(ctx, m.Name)
		if len(m.Match) > 0 {
			if err := e.ensureIndex(ctx, m, ref); err != nil {
				return nil, err
			}
		}
		explain := e.explain
		if gathers(m, ref) {
			explain = e.explainGathered
		}
		x, err := explain(ctx, m, ref)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no mapping reads %s %s", ref.Side, ref.Kind)
	}
	return out, nil
}

// ensureIndex lists both sides when the record has no link: only then can its match be told.
func (e *Engine) ensureIndex(ctx context.Context, m *mapping.Mapping, ref Ref) error {
	linked := false
	if err := e.Store.View(ctx, func(tx Tx) error {
		on, err := tx.LinksOn(m.Name, ref.Side, []ID{ref.ID})
		l := on[ref.ID]
		linked = l != nil && l.State != Held && l.State != Retired
		return err
	}); err != nil || linked || e.ready(m) {
		return err
	}
	_, err := e.survey(ctx, m, true)
	return err
}

func (e *Engine) explain(ctx context.Context, m *mapping.Mapping, ref Ref) (Explanation, error) {
	e.dryLeft = nil
	b := &batch{e: e, ctx: ctx, m: m, now: e.Now(), refs: e.newRefs(ctx), dry: true}
	if err := b.load([]Work{{Key: RecordKey(m.Name, ref.Side, ref.ID)}}); err != nil {
		return Explanation{}, err
	}
	b.look()
	t := b.tasks[0]
	b.planTask(t)
	if t.fail != nil {
		return Explanation{}, t.fail
	}
	if err := b.guard(b.tasks); err != nil {
		return Explanation{}, err
	}
	x := Explanation{Mapping: m.Name, Position: m.Pos}
	if t.plan != nil {
		x.Row, x.Plan = t.plan.Row, t.plan.String()
		for _, w := range uniqueAwaits(t.plan.Waits) {
			x.Waits = append(x.Waits, strings.TrimSpace(w.Mapping+" "+string(w.Side)+" "+string(w.ID)))
		}
	}
	x.message = m.Message != nil
	switch {
	case x.Plan != "":
	case x.message && x.Row != "":
		x.Plan = x.Row + "\n"
	default:
		x.Plan = ReasonInSync + "\n"
	}
	x.Odoo, x.DingTalk = explained(t.odoo), explained(t.ding)
	if l := t.link; l != nil {
		x.Link, x.State = l.ID, l.State
		for key, h := range l.Holds {
			x.Holds = append(x.Holds, HeldRecord{Mapping: m.Name, Odoo: l.Odoo, Ding: l.Ding, Field: key, Kind: h.Kind, Reason: h.Reason, Since: h.Since})
		}
		sort.Slice(x.Holds, func(i, j int) bool { return x.Holds[i].Field < x.Holds[j].Field })
	}
	for _, f := range m.Fields {
		x.Fields = append(x.Fields, b.explainField(t, f))
	}
	if x.Link == 0 {
		return x, nil
	}
	return x, e.Store.View(ctx, func(tx Tx) (err error) {
		if m.Message != nil {
			if err := x.explainMessage(tx, t.link); err != nil {
				return err
			}
		}
		x.History, err = tx.History(m.Name, x.Link, 20)
		return err
	})
}

func explained(s Seen) ExplainedSide {
	x := ExplainedSide{ID: s.ID, Existence: s.Existence, Why: s.Why, Record: s.Record}
	if x.Existence == Absent {
		x.Existence = "none"
	}
	return x
}

func (b *batch) explainField(t *task, f *mapping.Field) ExplainedField {
	x := ExplainedField{Key: f.Key, Position: f.Pos, Odoo: t.odoo.View[f.Key].String(), Ding: t.ding.View[f.Key].String(), OdooBase: "none", DingBase: "none"}
	if t.link == nil {
		return x
	}
	if v, ok := t.link.Base(mapping.Odoo, f); ok {
		x.OdooBase = v.String()
	}
	if v, ok := t.link.Base(mapping.DingTalk, f); ok {
		x.DingBase = v.String()
	}
	switch {
	case b.m.Message != nil:
		x.Verdict = toldVerdict(x)
		return x
	case f.Remembered():
		x.Verdict = "remembered"
		return x
	case f.OnCreate:
		x.Verdict = "set at creation only"
		return x
	}
	if f.Done {
		x.Verdict = "says whether it is done; not compared"
		return x
	}
	if b.m.Approval != nil {
		x.Verdict = b.approvalVerdict(t, f)
		return x
	}
	in := inputFor(&Plan{Mapping: b.m, Link: t.link}, f, t.odoo.View[f.Key], t.ding.View[f.Key], diffEnv{now: b.now, staleWindow: b.e.StaleWindow})
	x.Verdict = decideField(in).reason
	return x
}

// String prints the explanation for a person.
func (x Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mapping %s (%s:%d)\n", x.Mapping, x.Position.File, x.Position.Line)
	if x.Link > 0 {
		fmt.Fprintf(&b, "link %d, %s\n", x.Link, x.State)
	} else {
		fmt.Fprintln(&b, "no link")
	}
	fmt.Fprintf(&b, "row: %s\n", x.Row)
	x.Odoo.print(&b, "odoo")
	if x.message {
		x.printMessage(&b)
	} else {
		x.DingTalk.print(&b, "dingtalk")
		fmt.Fprintln(&b, "fields (odoo / its base | dingtalk / its base):")
		for _, f := range x.Fields {
			fmt.Fprintf(&b, "  %s  %s / %s | %s / %s  %s  [%s:%d]\n", pad(f.Key, 24), f.Odoo, f.OdooBase, f.Ding, f.DingBase, f.Verdict, f.Position.File, f.Position.Line)
		}
	}
	for _, h := range x.Holds {
		fmt.Fprintf(&b, "held since %s: %s %s\n", h.Since.UTC().Format(time.RFC3339), h.Field, h.Reason)
	}
	for _, w := range x.Waits {
		fmt.Fprintf(&b, "waits for: %s\n", w)
	}
	fmt.Fprintf(&b, "now:\n%s", x.Plan)
	if len(x.History) > 0 {
		fmt.Fprintln(&b, "history (newest first):")
	}
	for _, r := range x.History {
		fmt.Fprintf(&b, "  %s  %s %s  %s", r.At.UTC().Format(time.RFC3339), r.Op, r.Side, r.Reason)
		names := make([]string, 0, len(r.After))
		for n := range r.After {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			fmt.Fprintf(&b, "  %s: %s -> %s", n, r.Before[n], r.After[n])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s ExplainedSide) print(b *strings.Builder, side string) {
	fmt.Fprintf(b, "%s %s: %s", side, s.ID, s.Existence)
	if s.Why != "" {
		fmt.Fprintf(b, " (%s)", s.Why)
	}
	b.WriteByte('\n')
	names := make([]string, 0, len(s.Record))
	for n := range s.Record {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		raw, err := json.Marshal(s.Record[n])
		if err != nil {
			raw = []byte(fmt.Sprint(s.Record[n]))
		}
		fmt.Fprintf(b, "    %s %s\n", pad(n, 26), raw)
	}
}
