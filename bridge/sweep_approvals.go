package bridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// approvalWindow is how far back instances can be listed at once (获取审批实例ID列表).
const approvalWindow = 120 * 24 * time.Hour

// ApprovalReach is how far back DingTalk lists approvals at all (获取审批实例ID列表).
const ApprovalReach = 365 * 24 * time.Hour

// listedKey is the meta key of up to when the instances of a template were listed for a mapping.
func listedKey(name string) string { return "instances/" + name }

// occurrencePage compares a page of records with the memory: what would be submitted or told of, what was, and what left since.
func (s *sweep) occurrencePage(ctx context.Context, page []Seen) error {
	ids := make([]ID, 0, len(page))
	for _, seen := range page {
		ids = append(ids, seen.ID)
		s.odooSeen[seen.ID] = true
	}
	var on map[ID]*Link
	if err := s.e.Store.View(ctx, func(tx Tx) (err error) {
		on, err = tx.LinksOn(s.m.Name, mapping.Odoo, ids)
		return err
	}); err != nil {
		return err
	}
	b := &batch{e: s.e, ctx: ctx, m: s.m}
	for _, seen := range page {
		l := on[seen.ID]
		wants, err := b.submitted(seen)
		once := ""
		if s.m.Message != nil && wants {
			if once, err = b.onceOf(seen); once != "" {
				s.onces[seen.ID] = once
			}
		}
		switch {
		case err != nil:
			s.keys = append(s.keys, RecordKey(s.m.Name, mapping.Odoo, seen.ID)) // it is held with what is wrong
		case l == nil || l.State == Held:
			if wants || l != nil {
				s.stranger(mapping.Odoo, seen, l)
			}
		case l.State == Linked || l.State == Creating:
			s.stmt.Differing++
			s.keys = append(s.keys, l.Key())
		case l.State == Settled && wants && s.barMoved(l, seen):
			s.keys = append(s.keys, l.Key())
		case (l.State == Settled || l.State == Baseline) && (wants == l.occurrence().Left || wants && once != l.Occurrence.Once):
			s.keys = append(s.keys, l.Key())
		}
	}
	return nil
}

// instances lists what was started in DingTalk since the last sweep: it may become a record in Odoo, or revoke an approval of which no event
// told. Instances of links need no list: the running ones are read again by themselves. A list by window says nothing about absence.
func (s *sweep) instances(ctx context.Context) (Listing, error) {
	l := Listing{Why: "approvals are listed by the time of their start"}
	if s.m.Approval.ProcessCode == "" {
		return l, nil
	}
	from, err := s.instancesFrom(ctx)
	if err != nil {
		return l, err
	}
	q := dingtalk.IDsQuery{ProcessCode: s.m.Approval.ProcessCode, From: from, To: s.e.Now()} // by the clock that from is of
	var ids []ID
	for id, err := range s.e.ding.client.Approvals.IDs(ctx, q) {
		if f := classify(err); f != nil && f.Class == FailReject { // a wrong process code is no reason to leave the records alone
			s.e.Log.Warn("approvals not listed", zap.String("mapping", s.m.Name), zap.String("op", "sweep"), zap.String("reason", f.Words))
			l.Why = "approvals cannot be listed: " + f.Words
			return l, nil
		}
		if err != nil {
			return l, err
		}
		ids = append(ids, ID(id))
	}
	s.instancesListed = true
	l.Count = len(ids)
	strangers, err := s.e.unlinkedInstances(ctx, s.m, ids)
	for _, id := range strangers {
		s.stmt.Strangers++
		s.keys = append(s.keys, RecordKey(s.m.Name, mapping.DingTalk, id))
	}
	return l, err
}

// unlinkedInstances are those of the ids that no link holds.
func (e *Engine) unlinkedInstances(ctx context.Context, m *mapping.Mapping, ids []ID) ([]ID, error) {
	var free []ID
	err := e.Store.View(ctx, func(tx Tx) error {
		free = free[:0]
		for some := range slices.Chunk(ids, 500) {
			on, err := tx.LinksOn(m.Name, mapping.DingTalk, some)
			if err != nil {
				return err
			}
			for _, id := range some {
				if l := on[id]; l == nil || l.State == Held {
					free = append(free, id)
				}
			}
		}
		return nil
	})
	return free, err
}

// instancesFrom is where the list begins: a little before the last one; the first time at what DingTalk still lists, or, for a mapping
// that starts now, at once.
func (s *sweep) instancesFrom(ctx context.Context) (time.Time, error) {
	var saved, started string
	if err := s.e.Store.View(ctx, func(tx Tx) (err error) {
		if saved, err = tx.Meta(listedKey(s.m.Name)); err == nil {
			started, err = tx.Meta(startedKey(s.m.Name))
		}
		return err
	}); err != nil {
		return time.Time{}, err
	}
	oldest := s.stmt.At.Add(-approvalWindow + time.Hour)
	at, err := time.Parse(time.RFC3339, saved)
	switch {
	case saved != "" && err != nil:
		return oldest, fmt.Errorf("the stored %s: %w", listedKey(s.m.Name), err)
	case saved != "" && at.Before(oldest):
		return oldest, nil
	case at.After(s.stmt.At): // by a clock that was ahead, nobody knows how far
		from := s.stmt.At.Add(-24 * time.Hour)
		if began, err := time.Parse(time.RFC3339, started); err == nil && s.m.Start == "now" && began.After(from) {
			from = earlier(began, s.stmt.At).Add(-clockMargin)
		}
		return from, nil
	case saved != "":
		return at, nil
	case s.m.Start == "now" || !s.m.CreateOdoo.Allowed:
		return s.stmt.At.Add(-clockMargin), nil
	}
	return oldest, nil
}

// rememberInstances notes up to when instances were listed. Those that were running then are among the links, or were not wanted.
func (s *sweep) rememberInstances(tx Tx) error {
	if !s.instancesListed {
		return nil
	}
	return tx.SetMeta(listedKey(s.m.Name), s.stmt.At.Add(-clockMargin).UTC().Format(time.RFC3339))
}

// rereadRunning makes every running approval be read again: after a gap, decisions may have been missed.
func (s *sweep) rereadRunning(ctx context.Context) error {
	return s.e.Store.Update(ctx, func(tx Tx) error {
		links, err := tx.LinksIn(s.m.Name, Linked)
		if err != nil {
			return err
		}
		due := s.e.Now()
		for i, l := range links {
			if i%slowly == slowly-1 {
				due = due.Add(s.e.DeepEvery)
			}
			l.occurrence().Look = true
			if err := tx.PutLink(l); err != nil {
				return err
			}
			if err := tx.Touch(due, l.Key()); err != nil {
				return err
			}
		}
		return nil
	})
}
