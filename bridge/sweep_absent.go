package bridge

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// absent finds links with a side that was not listed. For DingTalk the listing itself becomes evidence, if it was complete
// and covered the same scope as last time; a get of the object confirms it.
func (s *sweep) absent(ctx context.Context, l Listing) error {
	same, err := s.sameScope(ctx, l)
	if err != nil {
		return err
	}
	return s.e.Store.View(ctx, func(tx Tx) error {
		links, err := tx.LinkIDs(s.m.Name)
		if err != nil {
			return err
		}
		for _, link := range links {
			if link.State != Linked && link.State != Pending {
				continue
			}
			s.stmt.Linked++
			noOdoo := link.Odoo != "" && !s.odooSeen[link.Odoo]
			noDing := link.Ding != "" && !s.dingSeen[link.Ding] && s.m.Approval == nil && s.m.Message == nil && !l.Partial
			if noDing && l.Complete && same && link.State == Linked {
				s.e.ding.evidence.note(s.m.Kind, link.Ding, "missing from the complete list of "+s.stmt.At.UTC().Format(time.RFC3339))
			}
			if noDing {
				s.e.ding.ask(link.Ding, time.Time{})
			}
			if noOdoo || noDing {
				s.stmt.Absent++
				s.keys = append(s.keys, LinkKey(s.m.Name, link.ID))
			}
		}
		return nil
	})
}

// sameScope compares what the listing covered with the last one. A narrowed or widened scope is told, and absence does not count.
func (s *sweep) sameScope(ctx context.Context, l Listing) (bool, error) {
	key := "scope/" + s.m.Name
	var last string
	if err := s.e.Store.View(ctx, func(tx Tx) (err error) {
		last, err = tx.Meta(key)
		return err
	}); err != nil {
		return false, err
	}
	if last != "" && last != l.Scope {
		s.stmt.Why = "the app's contact scope in DingTalk changed from " + last + " to " + l.Scope + "; absence does not count this time"
		s.e.Log.Warn("scope changed", zap.String("mapping", s.m.Name), zap.String("reason", s.stmt.Why))
	}
	s.scope = l.Scope
	return last == l.Scope, nil
}
