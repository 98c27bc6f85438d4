package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

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
	in, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	err = t.each("SELECT "+linkColumns+" FROM link WHERE id IN (SELECT value FROM json_each(?))", []any{string(in)},
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
	wanted := make([]bridge.ID, 0, len(ids))
	for _, id := range ids {
		if id != "" { // "" is no record, however many links lack one
			wanted = append(wanted, id)
		}
	}
	if len(wanted) == 0 {
		return out, t.usable()
	}
	in, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	query := linksOnDing
	if side == mapping.Odoo {
		query = linksOnOdoo
	}
	err = t.each(query, []any{mappingName, string(in)}, func(scan scanner) error {
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

// Each half names the condition of a partial index, so that SQLite can use it.
const (
	linksOnOdoo = "SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state = 'retired'" +
		" AND odoo IN (SELECT value FROM json_each(?2))" +
		" UNION ALL SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state <> 'retired' AND odoo <> ''" +
		" AND odoo IN (SELECT value FROM json_each(?2)) ORDER BY id"
	linksOnDing = "SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state = 'retired'" +
		" AND ding IN (SELECT value FROM json_each(?2))" +
		" UNION ALL SELECT " + linkColumns + " FROM link WHERE mapping = ?1 AND state <> 'retired' AND ding <> ''" +
		" AND ding IN (SELECT value FROM json_each(?2)) ORDER BY id"
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
		id, err := t.insert("INSERT INTO link (mapping, odoo, ding, state, odoo_created, memory, updated) VALUES (?, ?, ?, ?, ?, ?, ?)",
			l.Mapping, string(l.Odoo), string(l.Ding), string(l.State), l.OdooCreated, memory, nanos(l.Updated))
		if err != nil {
			return taken(err, l)
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
	n, err = t.write("UPDATE link SET mapping = ?, odoo = ?, ding = ?, state = ?, odoo_created = ?, memory = ?, updated = ? WHERE id = ?",
		l.Mapping, string(l.Odoo), string(l.Ding), string(l.State), l.OdooCreated, memory, nanos(l.Updated), l.ID)
	if err != nil {
		return taken(err, l)
	}
	if n == 0 {
		return fmt.Errorf("%w: %s %d", ErrNoLink, l.Mapping, l.ID)
	}
	return nil
}

// taken translates a violated unique index.
func taken(err error, l *bridge.Link) error {
	if !isUnique(err) {
		return err
	}
	held := l.Odoo
	if strings.Contains(err.Error(), "link.ding") {
		held = l.Ding
	}
	return fmt.Errorf("%w: %s %s", bridge.ErrTaken, l.Mapping, held)
}

func (t *tx) DeleteLink(id int64) error {
	_, err := t.write("DELETE FROM link WHERE id = ?", id)
	return err
}

func (t *tx) RenameMapping(from, to string) (int, error) {
	if from == to {
		return 0, t.usable()
	}
	moved, err := t.write("UPDATE link SET mapping = ? WHERE mapping = ?", to, from)
	if isUnique(err) {
		return 0, fmt.Errorf("%w: %s cannot become %s", bridge.ErrTaken, from, to)
	}
	if err != nil {
		return 0, err
	}
	for _, query := range []string{
		// A key that both names have stays dirty when either was, with its generation above both.
		`INSERT INTO work (mapping, link, side, record, gen, done_gen, due, attempts, last_error, seq)
			SELECT ?1, link, side, record, gen, done_gen, due, attempts, last_error, seq FROM work WHERE mapping = ?2
			ON CONFLICT DO UPDATE SET
				done_gen = CASE WHEN gen > done_gen OR excluded.gen > excluded.done_gen THEN 0 ELSE max(gen, excluded.gen) END,
				due = CASE WHEN gen > done_gen AND (excluded.gen = excluded.done_gen OR due < excluded.due) THEN due ELSE excluded.due END,
				gen = max(gen, excluded.gen), seq = min(seq, excluded.seq)`,
		"DELETE FROM work WHERE ?1 <> ?2 AND mapping = ?2",
		"UPDATE OR REPLACE wait SET mapping = ?1 WHERE mapping = ?2",
		"UPDATE OR REPLACE wait SET on_mapping = ?1 WHERE on_mapping = ?2",
		`INSERT INTO guard_spent (mapping, day, risk, n) SELECT ?1, day, risk, n FROM guard_spent WHERE mapping = ?2
			ON CONFLICT DO UPDATE SET n = n + excluded.n`,
		"DELETE FROM guard_spent WHERE ?1 <> ?2 AND mapping = ?2",
		"UPDATE OR REPLACE guard_item SET mapping = ?1 WHERE mapping = ?2",
		"UPDATE guard_list SET mapping = ?1 WHERE mapping = ?2",
		"UPDATE history SET mapping = ?1 WHERE mapping = ?2",
	} {
		if _, err := t.write(query, to, from); err != nil {
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
