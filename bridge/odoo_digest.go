package bridge

import (
	"context"
	"slices"
	"time"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// gathered are the records of a domain by the person whom they concern.
type gathered struct {
	order []int64 // the people, as their first record comes
	rows  map[int64][]mapping.Record
}

// gather reads what is in the mapping's domain at a time of its schedule and groups it by person; of one person alone when he is given.
func (s *odooSide) gather(ctx context.Context, m *mapping.Mapping, person int64, tick time.Time) (gathered, error) {
	domain := s.domainAt(m, tick)
	path := m.Message.GroupBy
	if person > 0 {
		domain = odoo.And(domain, odoo.Domain{odoo.Cond(path, "=", person)})
	}
	g := gathered{rows: map[int64][]mapping.Record{}}
	_, err := s.list(ctx, m, domain, func(page []Seen) error {
		records := make([]mapping.Record, 0, len(page))
		for _, seen := range page {
			if seen.Existence == Present && seen.Record != nil {
				records = append(records, seen.Record)
			}
		}
		if err := s.fillPaths(ctx, m.Model, []string{path}, records); err != nil {
			return err
		}
		for _, rec := range records {
			if id := recordID(rec[path]); id > 0 {
				if !slices.Contains(g.order, id) {
					g.order = append(g.order, id)
				}
				g.rows[id] = append(g.rows[id], rec)
			}
		}
		return nil
	})
	return g, err
}
