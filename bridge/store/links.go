package store

import (
	"database/sql"
	"fmt"
	"iter"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

const linkColumns = "id, mapping, odoo, ding, state, odoo_created, memory, updated"

// linkPage is how many links Links holds in memory at a time.
const linkPage = 500

func readLink(scan scanner) (*bridge.Link, error) {
	var l bridge.Link
	var memory sql.RawBytes
	var updated int64
	// The conversions spare database/sql its reflection on named types.
	if err := scan(&l.ID, &l.Mapping, (*string)(&l.Odoo), (*string)(&l.Ding), (*string)(&l.State), &l.OdooCreated, &memory, &updated); err != nil {
		return nil, err
	}
	l.Updated = instant(updated)
	if err := decodeMemory(memory, &l); err != nil {
		return nil, fmt.Errorf("link %d: %w", l.ID, err)
	}
	return &l, nil
}

func (t *tx) Link(id int64) (*bridge.Link, error) {
	l, _, err := one(t, readLink, "SELECT "+linkColumns+" FROM link WHERE id = ?", id)
	return l, err
}

func (t *tx) LinksByID(ids []int64) (map[int64]*bridge.Link, error) {
	out := make(map[int64]*bridge.Link, len(ids))
	if len(ids) == 0 {
		return out, t.usable()
	}
	err := t.each("SELECT "+linkColumns+" FROM link WHERE id IN LIST ?", []any{numbers(ids)},
		func(scan scanner) error {
			l, err := readLink(scan)
			if err == nil {
				out[l.ID] = l
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t *tx) LinksOn(mappingName string, side mapping.Side, ids []bridge.ID) (map[bridge.ID]*bridge.Link, error) {
	out := make(map[bridge.ID]*bridge.Link, len(ids))
	wanted := make(texts, 0, len(ids))
	for _, id := range ids {
		if id != "" { // "" is no record, however many links lack one
			wanted = append(wanted, string(id))
		}
	}
	if len(wanted) == 0 {
		return out, t.usable()
	}
	query := linksOnDing
	if side == mapping.Odoo {
		query = linksOnOdoo
	}
	err := t.each(query, []any{mappingName, wanted}, func(scan scanner) error {
		l, err := readLink(scan)
		if err != nil {
			return err
		}
		if had := out[l.On(side)]; had == nil || had.State == bridge.Retired {
			out[l.On(side)] = l // rows come in id order: the newest, unless an older one is not retired
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each half names the condition of a partial index, so that the index can be used.
const (
	linksOnOdoo = "SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state = 'retired'" +
		" AND odoo IN LIST ?2" +
		" UNION ALL SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state <> 'retired' AND odoo <> ''" +
		" AND odoo IN LIST ?2 ORDER BY id"
	linksOnDing = "SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state = 'retired'" +
		" AND ding IN LIST ?2" +
		" UNION ALL SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state <> 'retired' AND ding <> ''" +
		" AND ding IN LIST ?2 ORDER BY id"
)

func (t *tx) Links(mappingName string) iter.Seq2[*bridge.Link, error] {
	// NOT INDEXED: in id order; else SQLite sorts the whole mapping for every page.
	const query = "SELECT " + linkColumns + " FROM link NOT INDEXED WHERE id > ?1 AND (?2 = '' OR mapping = ?2) ORDER BY id LIMIT ?3"
	return func(yield func(*bridge.Link, error) bool) {
		for after := int64(0); ; {
			page, err := list(t, readLink, query, after, mappingName, linkPage)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, l := range page {
				after = l.ID // before yield, which may change it
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < linkPage {
				return
			}
		}
	}
}

func (t *tx) LinksIn(mappingName string, state bridge.LinkState) ([]*bridge.Link, error) {
	return list(t, readLink, "SELECT "+linkColumns+" FROM link WHERE mapping = ? AND state = ? ORDER BY id", mappingName, string(state))
}

func (t *tx) LinkIDs(mappingName string) ([]bridge.LinkID, error) {
	return list(t, func(scan scanner) (l bridge.LinkID, err error) {
		err = scan(&l.ID, (*string)(&l.Odoo), (*string)(&l.Ding), (*string)(&l.State))
		return l, err
	}, "SELECT id, odoo, ding, state FROM link WHERE mapping = ?", mappingName)
}

func (t *tx) PutLink(l *bridge.Link) error {
	memory, err := encodeMemory(l)
	if err != nil {
		return err
	}
	if l.ID == 0 {
		id, fresh, err := t.insert("id", `INSERT INTO link (mapping, odoo, ding, state, odoo_created, memory, updated) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, l.Mapping, string(l.Odoo), string(l.Ding), string(l.State), l.OdooCreated, memory, nanos(l.Updated))
		if err != nil {
			return err
		}
		if !fresh {
			return fmt.Errorf("%w: %s odoo %q, dingtalk %q", bridge.ErrTaken, l.Mapping, l.Odoo, l.Ding)
		}
		l.ID = id
		t.undo = append(t.undo, func() { l.ID = 0 })
		return nil
	}
	// Most of the time only the memory changes; leaving the indexed columns out leaves the indexes alone.
	n, err := t.write("UPDATE link SET odoo_created = ?, memory = ?, updated = ? WHERE id = ? AND mapping = ? AND odoo = ? AND ding = ? AND state = ?",
		l.OdooCreated, memory, nanos(l.Updated), l.ID, l.Mapping, string(l.Odoo), string(l.Ding), string(l.State))
	if err != nil || n > 0 {
		return err
	}
	if err := t.taken(l); err != nil {
		return err
	}
	n, err = t.write("UPDATE link SET mapping = ?, odoo = ?, ding = ?, state = ?, odoo_created = ?, memory = ?, updated = ? WHERE id = ?",
		l.Mapping, string(l.Odoo), string(l.Ding), string(l.State), l.OdooCreated, memory, nanos(l.Updated), l.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: %s %d", ErrNoLink, l.Mapping, l.ID)
	}
	return nil
}

// taken is ErrTaken when a link that is not retired holds one of the link's records. Looking first does what the unique indexes would,
// without a failed statement, which spoils the whole transaction in PostgreSQL; Updates are serial, so that nobody comes between.
func (t *tx) taken(l *bridge.Link) error {
	if l.State == bridge.Retired {
		return nil
	}
	held, found, err := one(t, column[string], `SELECT odoo FROM link WHERE mapping = ?1 AND state <> 'retired' AND odoo <> '' AND odoo = ?2 AND id <> ?4
		UNION ALL SELECT ding FROM link WHERE mapping = ?1 AND state <> 'retired' AND ding <> '' AND ding = ?3 AND id <> ?4 LIMIT 1`,
		l.Mapping, string(l.Odoo), string(l.Ding), l.ID)
	if err == nil && found {
		err = fmt.Errorf("%w: %s %s", bridge.ErrTaken, l.Mapping, held)
	}
	return err
}

func (t *tx) DeleteLink(id int64) error { return t.exec("DELETE FROM link WHERE id = ?", id) }

func (t *tx) RenameMapping(from, to string) (int, error) {
	if from == to {
		return 0, t.usable()
	}
	_, both, err := one(t, column[int64], `SELECT o.id FROM link o JOIN link n ON n.mapping = ?1 AND n.state <> 'retired'
		AND (n.odoo = o.odoo AND n.odoo <> '' OR n.ding = o.ding AND n.ding <> '') WHERE o.mapping = ?2 AND o.state <> 'retired' LIMIT 1`, to, from)
	if err == nil && both {
		err = fmt.Errorf("%w: %s cannot become %s", bridge.ErrTaken, from, to)
	}
	if err != nil {
		return 0, err
	}
	moved, err := t.write("UPDATE link SET mapping = ? WHERE mapping = ?", to, from)
	if err != nil {
		return 0, err
	}
	for _, query := range []string{
		// A key that both names have stays dirty when either was, with its generation above both.
		`INSERT INTO work (mapping, link, side, record, gen, done_gen, due, attempts, last_error, seq)
			SELECT ?1, link, side, record, gen, done_gen, due, attempts, last_error, seq FROM work WHERE mapping = ?2
			ON CONFLICT (mapping, link, side, record) DO UPDATE SET
				done_gen = CASE WHEN work.gen > work.done_gen OR excluded.gen > excluded.done_gen THEN 0
					WHEN work.gen > excluded.gen THEN work.gen ELSE excluded.gen END,
				due = CASE WHEN work.gen > work.done_gen AND (excluded.gen = excluded.done_gen OR work.due < excluded.due) THEN work.due ELSE excluded.due END,
				gen = CASE WHEN work.gen > excluded.gen THEN work.gen ELSE excluded.gen END,
				seq = CASE WHEN work.seq < excluded.seq THEN work.seq ELSE excluded.seq END`,
		"DELETE FROM work WHERE ?1 <> ?2 AND mapping = ?2",
		`DELETE FROM wait AS w WHERE mapping = ?1 AND EXISTS (SELECT 1 FROM wait o WHERE o.mapping = ?2 AND o.link = w.link AND o.side = w.side
			AND o.record = w.record AND o.on_mapping = w.on_mapping AND o.on_side = w.on_side AND o.on_id = w.on_id)`,
		"UPDATE wait SET mapping = ?1 WHERE mapping = ?2",
		`DELETE FROM wait AS w WHERE on_mapping = ?1 AND EXISTS (SELECT 1 FROM wait o WHERE o.on_mapping = ?2 AND o.link = w.link AND o.side = w.side
			AND o.record = w.record AND o.mapping = w.mapping AND o.on_side = w.on_side AND o.on_id = w.on_id)`,
		"UPDATE wait SET on_mapping = ?1 WHERE on_mapping = ?2",
		`INSERT INTO guard_spent (mapping, day, risk, n) SELECT ?1, day, risk, n FROM guard_spent WHERE mapping = ?2
			ON CONFLICT (mapping, day, risk) DO UPDATE SET n = guard_spent.n + excluded.n`,
		"DELETE FROM guard_spent WHERE ?1 <> ?2 AND mapping = ?2",
		`DELETE FROM guard_item AS w WHERE mapping = ?1 AND EXISTS (SELECT 1 FROM guard_item o WHERE o.mapping = ?2 AND o.link = w.link
			AND o.side = w.side AND o.record = w.record AND o.risk = w.risk AND o.hash = w.hash)`,
		"UPDATE guard_item SET mapping = ?1 WHERE mapping = ?2",
		"UPDATE guard_list SET mapping = ?1 WHERE mapping = ?2",
		"UPDATE history SET mapping = ?1 WHERE mapping = ?2",
	} {
		if err := t.exec(query, to, from); err != nil {
			return 0, err
		}
	}
	return int(moved), t.renameInHolds(from, to)
}

// renameInHolds corrects what holds wait for, in the links of every mapping.
func (t *tx) renameInHolds(from, to string) error {
	for l, err := range t.Links("") {
		if err != nil {
			return err
		}
		changed := false
		for _, h := range l.Holds {
			for i := range h.On {
				if h.On[i].Mapping == from {
					h.On[i].Mapping, changed = to, true
				}
			}
		}
		if !changed {
			continue
		}
		if err := t.PutLink(l); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) CountLinks(mappingName string) (map[bridge.LinkState]int, error) {
	out := map[bridge.LinkState]int{}
	err := t.each("SELECT state, count(*) FROM link WHERE mapping = ? GROUP BY state", []any{mappingName}, func(scan scanner) error {
		var state bridge.LinkState
		var n int
		err := scan(&state, &n)
		out[state] = n
		return err
	})
	return out, err
}

func (t *tx) MappingNames() ([]string, error) {
	return list(t, column[string], "SELECT DISTINCT mapping FROM link ORDER BY mapping")
}
