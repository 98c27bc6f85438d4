package store

import (
	"slices"
	"time"

	"dingbridge/bridge"
)

// lastErrorBytes bounds the text kept of a failure.
const lastErrorBytes = 2000

// keyArgs are the columns mapping, link, side, record.
func keyArgs(k bridge.Key) []any { return []any{k.Mapping, k.Link, string(k.Side), string(k.ID)} }

const (
	keyColumns  = "mapping, link, side, record"
	keyIs       = "mapping = ? AND link = ? AND side = ? AND record = ?"
	workColumns = keyColumns + ", gen, done_gen, due, attempts, last_error, seq"
)

func readWork(scan scanner) (w bridge.Work, err error) {
	var due int64
	err = scan(&w.Key.Mapping, &w.Key.Link, &w.Key.Side, &w.Key.ID, &w.Gen, &w.DoneGen, &due, &w.Attempts, &w.LastError, &w.Seq)
	w.Due = instant(due)
	return w, err
}

// Generations and sequence numbers come from one counter, so that a key which is forgotten and touched again never shows
// a generation that somebody still works on.
func (t *tx) Touch(due time.Time, keys ...bridge.Key) error {
	if len(keys) == 0 {
		return t.usable()
	}
	last, ok, err := t.count(len(keys))
	if err != nil || !ok {
		return err
	}
	first := last - int64(len(keys)) + 1
	for i, k := range keys {
		n := first + int64(i)
		err := t.exec(`INSERT INTO work (mapping, link, side, record, gen, due, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)
			ON CONFLICT (mapping, link, side, record) DO UPDATE SET
				due = CASE WHEN work.gen > work.done_gen AND work.due < excluded.due THEN work.due ELSE excluded.due END,
				seq = CASE WHEN work.gen > work.done_gen THEN work.seq ELSE excluded.seq END,
				gen = excluded.gen`,
			append(keyArgs(k), n, nanos(due))...)
		if err != nil {
			return err
		}
	}
	return nil
}

// count takes n numbers from the counter and returns the last.
func (t *tx) count(n int) (last int64, ok bool, err error) {
	if t.readonly {
		return 0, false, ErrReadOnly
	}
	return one(t, column[int64], "UPDATE counter SET value = value + ? WHERE name = 'touch' RETURNING value", n)
}

func (t *tx) Due(mappingName string, now time.Time, limit int) ([]bridge.Work, error) {
	return list(t, readWork, "SELECT "+workColumns+" FROM work WHERE gen > done_gen AND mapping = ? AND due <= ? ORDER BY seq LIMIT ?",
		mappingName, nanos(now), unlimited(limit))
}

func (t *tx) NextDue() (time.Time, bool, error) {
	due, ok, err := one(t, column[int64], "SELECT due FROM work WHERE gen > done_gen ORDER BY due LIMIT 1")
	return instant(due), ok, err
}

func (t *tx) WorkOf(key bridge.Key) (*bridge.Work, error) {
	w, ok, err := one(t, readWork, "SELECT "+workColumns+" FROM work WHERE "+keyIs, keyArgs(key)...)
	if err != nil || !ok {
		return nil, err
	}
	return &w, nil
}

func (t *tx) WorkRows(limit int) ([]bridge.Work, error) {
	return list(t, readWork, "SELECT "+workColumns+" FROM work WHERE gen > done_gen ORDER BY last_error = '', seq LIMIT ?", unlimited(limit))
}

func (t *tx) CountWork(now time.Time) (dirty, due map[string]int, err error) {
	dirty, due = map[string]int{}, map[string]int{}
	err = t.each("SELECT mapping, count(*), count(*) FILTER (WHERE due <= ?) FROM work WHERE gen > done_gen GROUP BY mapping",
		[]any{nanos(now)}, func(scan scanner) error {
			var name string
			var all, ready int
			err := scan(&name, &all, &ready)
			dirty[name] = all
			if ready > 0 {
				due[name] = ready
			}
			return err
		})
	return dirty, due, err
}

func (t *tx) Finish(key bridge.Key, gen int64) error {
	return t.exec(`UPDATE work SET done_gen = CASE WHEN gen <= ?1 THEN gen WHEN done_gen < ?1 THEN ?1 ELSE done_gen END, attempts = 0, last_error = ''
		WHERE mapping = ?2 AND link = ?3 AND side = ?4 AND record = ?5`, append([]any{gen}, keyArgs(key)...)...)
}

func (t *tx) Postpone(key bridge.Key, gen int64, due time.Time, attempts int, lastError string) error {
	return t.exec(`UPDATE work SET attempts = ?, last_error = ?, due = CASE WHEN gen > ? THEN due ELSE ? END
		WHERE gen > done_gen AND `+keyIs,
		append([]any{attempts, clip(lastError), gen, nanos(due)}, keyArgs(key)...)...)
}

func (t *tx) Sooner(after time.Time, by time.Duration) (int, error) {
	n, err := t.write("UPDATE work SET due = CASE WHEN due - ?2 > ?1 THEN due - ?2 ELSE ?1 END WHERE gen > done_gen AND due > ?1", nanos(after), int64(by))
	return int(n), err
}

// clip cuts the text to its bound, at the end of a character.
func clip(s string) string {
	if len(s) <= lastErrorBytes {
		return s
	}
	end := 0
	for i := range s {
		if i > lastErrorBytes {
			break
		}
		end = i
	}
	return s[:end]
}

func (t *tx) DropWork(keys ...bridge.Key) error {
	for _, k := range keys {
		if err := t.exec("DELETE FROM work WHERE "+keyIs, keyArgs(k)...); err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) Await(key bridge.Key, on bridge.Await) error {
	return t.exec(`INSERT INTO wait (`+keyColumns+`, on_mapping, on_side, on_id, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, append(keyArgs(key), on.Mapping, string(on.Side), string(on.ID), nanos(t.clock()))...)
}

func (t *tx) Wake(on ...bridge.Await) (int, error) {
	if len(on) == 0 {
		return 0, t.usable()
	}
	asked := make(triples, len(on))
	for i, o := range on {
		asked[i] = [3]string{o.Mapping, string(o.Side), string(o.ID)}
	}
	var keys []bridge.Key
	var waited []int // which of on the key waits for
	err := t.each(wakeQuery, []any{asked}, func(scan scanner) error {
		var k bridge.Key
		var n int
		err := scan(&k.Mapping, &k.Link, &k.Side, &k.ID, &n)
		keys, waited = append(keys, k), append(waited, n)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := t.Touch(time.Time{}, keys...); err != nil {
		return 0, err
	}
	for _, n := range slices.Compact(waited) {
		if err := t.exec("DELETE FROM wait WHERE on_mapping = ? AND on_side = ? AND on_id = ?", asked[n][0], asked[n][1], asked[n][2]); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// CROSS JOIN keeps the records asked for in the outer loop, so that each is one look into the index.
const wakeQuery = "SELECT w.mapping, w.link, w.side, w.record, o.key FROM TRIPLES ? o CROSS JOIN wait w" +
	" WHERE w.on_mapping = o.value ->> 0 AND w.on_side = o.value ->> 1 AND w.on_id = o.value ->> 2 ORDER BY o.key, w.since"

func readKey(scan scanner) (k bridge.Key, err error) {
	err = scan(&k.Mapping, &k.Link, &k.Side, &k.ID)
	return k, err
}

func (t *tx) Waiting(before time.Time, limit int) ([]bridge.Waiter, error) {
	return list(t, func(scan scanner) (w bridge.Waiter, err error) {
		var since int64
		err = scan(&w.Key.Mapping, &w.Key.Link, &w.Key.Side, &w.Key.ID, &w.On.Mapping, &w.On.Side, &w.On.ID, &since)
		w.Since = instant(since)
		return w, err
	}, "SELECT "+keyColumns+", on_mapping, on_side, on_id, since FROM wait WHERE since < ? ORDER BY since LIMIT ?",
		nanos(before), unlimited(limit))
}

func (t *tx) Awaits(keys ...bridge.Key) (map[bridge.Key][]bridge.Await, error) {
	out := make(map[bridge.Key][]bridge.Await, len(keys))
	for _, k := range keys {
		on, err := list(t, func(scan scanner) (a bridge.Await, err error) {
			err = scan(&a.Mapping, &a.Side, &a.ID)
			return a, err
		}, "SELECT on_mapping, on_side, on_id FROM wait WHERE "+keyIs+" ORDER BY since, on_mapping, on_side, on_id", keyArgs(k)...)
		if err != nil {
			return nil, err
		}
		if len(on) > 0 {
			out[k] = on
		}
	}
	return out, t.usable()
}

func (t *tx) StopAwaiting(key bridge.Key) error {
	return t.exec("DELETE FROM wait WHERE "+keyIs, keyArgs(key)...)
}
