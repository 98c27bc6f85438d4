package bridge

import (
	"context"
	"slices"

	"dingbridge/odoo"
)

// vanishedAtOnce is of how many records one call asks whether they are still there: an answer is no longer than their ids.
const vanishedAtOnce = 2000

// touchVanished makes the links due whose activities, or meetings, do not answer any more: a poll shows what was written, and never what was deleted.
// Each is told once; should nothing come of it, the sweep will see it again.
func (e *Engine) touchVanished(ctx context.Context, model string) (int, error) {
	touched := 0
	for _, m := range e.mappings().ByModel(model) {
		if !sparing(m.Kind) {
			continue
		}
		var links []*Link
		if err := e.Store.View(ctx, func(tx Tx) (err error) {
			links, err = tx.LinksIn(m.Name, Linked)
			return err
		}); err != nil {
			return touched, err
		}
		links = slices.DeleteFunc(links, func(l *Link) bool { return m.Kind == calendarKind && isOver(m, l, e.Now()) })
		var keys []Key
		told, before := map[int64]bool{}, e.polls.toldMissing(m.Name)
		for some := range slices.Chunk(links, vanishedAtOnce) {
			missing, err := e.odoo.vanished(ctx, model, some)
			if err != nil {
				return touched, err
			}
			for _, l := range missing {
				if told[l.ID] = true; !before[l.ID] {
					keys = append(keys, l.Key())
				}
			}
		}
		if len(keys) > 0 {
			if err := e.Touch(ctx, keys...); err != nil {
				return touched, err
			}
		}
		e.polls.tellMissing(m.Name, told)
		touched += len(keys)
	}
	return touched, nil
}

// vanished are the links whose records do not answer.
func (s *odooSide) vanished(ctx context.Context, model string, links []*Link) ([]*Link, error) {
	var ids []ID
	for _, l := range links {
		if l.Odoo != "" {
			ids = append(ids, l.Odoo)
		}
	}
	nums, err := parseIDs(ids)
	if err != nil || len(nums) == 0 {
		return nil, err
	}
	there, err := s.client.Search(ctx, model, odoo.Domain{odoo.Cond("id", "in", nums)}, odoo.Options{Context: readsOf(model)})
	if err != nil {
		return nil, err
	}
	here := make(map[ID]bool, len(there))
	for _, n := range there {
		here[odooID(n)] = true
	}
	return slices.DeleteFunc(slices.Clone(links), func(l *Link) bool { return l.Odoo == "" || here[l.Odoo] }), nil
}
