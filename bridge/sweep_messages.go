package bridge

import (
	"context"
	"fmt"
	"strconv"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// listOdoo lists what the mapping's domain holds; of the chatter only what came since the sweep before the last, because what was said before
// stays in the domain for ever.
func (s *sweep) listOdoo(ctx context.Context, page func([]Seen) error) (Listing, error) {
	switch {
	case s.onSchedule():
		return Listing{Why: "told on schedule"}, nil
	case s.m.Message == nil || s.m.Model != chatterModel:
		return s.e.odoo.List(ctx, s.m, page)
	}
	newest, err := s.e.odoo.client.Search(ctx, chatterModel, nil, odoo.Options{Order: "id desc", Limit: 1})
	if err != nil {
		return Listing{}, err
	}
	if len(newest) > 0 {
		s.reached = newest[0]
	}
	marks, err := readChatterMarks(ctx, s.e.Store, s.m.Name)
	if err != nil {
		return Listing{}, err
	}
	from := marks.before
	switch {
	case !marks.known && s.m.Start == "now":
		from = s.reached
	case !marks.known:
		from = 0
	}
	return s.e.odoo.list(ctx, s.m, odoo.And(s.e.odoo.domain(s.m), odoo.Domain{odoo.Cond("id", ">", from)}), page)
}

// onSchedule says that the mapping's records are looked at when their time has come, and not now. What stood in the domain when a mapping
// began that starts now is remembered all the same.
func (s *sweep) onSchedule() bool {
	return s.m.Message != nil && s.m.Message.Schedule != nil && !s.ticked && (s.m.Message.Digest() || s.m.Start != "now" || s.began)
}

// chatterMarks are ids of messages: began is the last one that was there before the mapping, before and last are the greatest ids of the
// last two sweeps. A message is looked for until two sweeps have passed, because what is said in a long transaction shows later than what
// was said after it.
type chatterMarks struct {
	known                 bool
	began, before, latest int64
}

// String is how the marks are stored.
func (m chatterMarks) String() string { return fmt.Sprintf("%d %d %d", m.began, m.before, m.latest) }

func chatterKey(name string) string { return "chatter/" + name }

func readChatterMarks(ctx context.Context, store Store, name string) (m chatterMarks, err error) {
	err = store.View(ctx, func(tx Tx) error {
		m, err = chatterMarksOf(tx, name)
		return err
	})
	return m, err
}

func chatterMarksOf(tx Tx, name string) (m chatterMarks, err error) {
	raw, err := tx.Meta(chatterKey(name))
	if err != nil || raw == "" {
		return m, err
	}
	if _, err := fmt.Sscanf(raw, "%d %d %d", &m.began, &m.before, &m.latest); err != nil {
		return m, fmt.Errorf("the stored %s: %w", chatterKey(name), err)
	}
	m.known = true
	return m, nil
}

// rememberChatter moves the marks on.
func (s *sweep) rememberChatter(tx Tx) error {
	if s.m.Message == nil || s.m.Model != chatterModel {
		return nil
	}
	m, err := chatterMarksOf(tx, s.m.Name)
	if err != nil {
		return err
	}
	if !m.known && s.m.Start == "now" {
		m.began, m.latest = s.reached, s.reached
	}
	m.before, m.latest = m.latest, max(s.reached, m.latest)
	return tx.SetMeta(chatterKey(s.m.Name), m.String())
}

// wasSaidBefore says whether a message of the chatter was there before the mapping was.
func (b *batch) wasSaidBefore(t *task) (bool, error) {
	if b.m.Model != chatterModel || t.link != nil {
		return false, nil
	}
	id, err := strconv.ParseInt(string(t.odoo.ID), 10, 64)
	if err != nil {
		return false, err
	}
	m, err := readChatterMarks(b.ctx, b.e.Store, b.m.Name)
	return id <= m.began, err
}

// leavers makes the records due that left the domain since they were told of: the next time they enter it is another one.
func (s *sweep) leavers(ctx context.Context) error {
	if s.m.Model == chatterModel || s.m.Message.Digest() || s.onSchedule() {
		return nil
	}
	return s.e.Store.View(ctx, func(tx Tx) error {
		for _, state := range []LinkState{Settled, Baseline} {
			links, err := tx.LinksIn(s.m.Name, state)
			if err != nil {
				return err
			}
			for _, l := range links {
				if !s.odooSeen[l.Odoo] && l.Odoo != "" && !l.occurrence().Left {
					s.keys = append(s.keys, l.Key())
				}
			}
		}
		return nil
	})
}

// barMoved says whether what may be changed of a message that was told, the status bar of a notice, shows something else now.
func (s *sweep) barMoved(l *Link, seen Seen) bool {
	if s.m.Message == nil || l.occurrence().Outcome != outcomeTold {
		return false
	}
	writable := s.e.writable(s.m)
	var view mapping.View
	for _, f := range s.m.Fields {
		if can, _ := writable(f, mapping.DingTalk); !can {
			continue
		}
		if view == nil {
			view, _ = s.m.View(mapping.Odoo, seen.Record, nil, s.refs, s.e.Zone) // what cannot be read has not moved
		}
		if was, told := l.Base(mapping.DingTalk, f); told && view[f.Key].IsKnown() && view[f.Key] != was {
			return true
		}
	}
	return false
}
