package store

import (
	"time"

	"dingbridge/bridge"
)

func (t *tx) Spent(mappingName, day string) (map[bridge.Risk]int, error) {
	out := map[bridge.Risk]int{}
	err := t.each("SELECT risk, n FROM guard_spent WHERE mapping = ? AND day = ?", []any{mappingName, day}, func(scan scanner) error {
		var risk bridge.Risk
		var n int
		err := scan(&risk, &n)
		out[risk] = n
		return err
	})
	return out, err
}

func (t *tx) Reserve(mappingName, day string, risk bridge.Risk, n int) error {
	return t.exec(`INSERT INTO guard_spent (mapping, day, risk, n) VALUES (?, ?, ?, ?)
		ON CONFLICT (mapping, day, risk) DO UPDATE SET n = guard_spent.n + excluded.n`, mappingName, day, string(risk), n)
}

// GuardWait leaves an item with the same hash where it is, released or not: it is the same change.
func (t *tx) GuardWait(item bridge.GuardItem) (int64, error) {
	name := item.Key.Mapping
	args := append(keyArgs(item.Key), string(item.Risk))
	list, same, err := one(t, column[int64], "SELECT list FROM guard_item WHERE "+keyIs+" AND risk = ? AND hash = ?",
		append(args, item.Hash)...)
	if err != nil || same {
		return list, err
	}
	list, open, err := one(t, column[int64], "SELECT number FROM guard_list WHERE open = 1 AND mapping = ?", name)
	if err != nil {
		return 0, err
	}
	if !open {
		if list, _, err = t.insert("number", "INSERT INTO guard_list (mapping) VALUES (?)", name); err != nil {
			return 0, err
		}
	}
	err = t.exec("INSERT INTO guard_item ("+keyColumns+", risk, list, hash, text, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		append(args, list, item.Hash, item.Text, nanos(item.Created))...)
	return list, err
}

func (t *tx) GuardState(key bridge.Key, risk bridge.Risk, hash string) (waits, released bool, err error) {
	n, found, err := one(t, column[int64], "SELECT released FROM guard_item WHERE "+keyIs+" AND risk = ? AND hash = ?",
		append(keyArgs(key), string(risk), hash)...)
	return found && n == 0, found && n == 1, err
}

func (t *tx) CountGuard(mappingName string) (int, error) {
	n, _, err := one(t, column[int64], "SELECT COUNT(*) FROM guard_item WHERE mapping = ?", mappingName)
	return int(n), err
}

func (t *tx) TakeRelease(key bridge.Key, risk bridge.Risk, hash string) (bool, error) {
	n, err := t.write("DELETE FROM guard_item WHERE released = 1 AND "+keyIs+" AND risk = ? AND hash = ?",
		append(keyArgs(key), string(risk), hash)...)
	return n > 0, err
}

func (t *tx) DropWaiting(key bridge.Key, keep ...string) error {
	return t.exec("DELETE FROM guard_item WHERE "+keyIs+" AND hash NOT IN LIST ?", append(keyArgs(key), texts(keep))...)
}

func (t *tx) GuardItems(number int64) ([]bridge.GuardItem, error) {
	return list(t, func(scan scanner) (g bridge.GuardItem, err error) {
		var created int64
		err = scan(&g.ID, &g.List, &g.Key.Mapping, &g.Key.Link, &g.Key.Side, &g.Key.ID, &g.Hash, &g.Risk, &g.Text, &created)
		g.Mapping, g.Created = g.Key.Mapping, instant(created)
		return g, err
	}, `SELECT id, list, `+keyColumns+`, hash, risk, text, created FROM guard_item
		WHERE released = 0 AND (list = ?1 OR ?1 = 0) ORDER BY list, id`, number)
}

func (t *tx) Release(number int64) (int, error) {
	keys, err := list(t, readKey, "SELECT "+keyColumns+" FROM guard_item WHERE released = 0 AND list = ? ORDER BY id", number)
	if err != nil {
		return 0, err
	}
	if err := t.exec("UPDATE guard_list SET open = 0 WHERE number = ?", number); err != nil {
		return 0, err
	}
	if err := t.exec("UPDATE guard_item SET released = 1 WHERE released = 0 AND list = ?", number); err != nil {
		return 0, err
	}
	return len(keys), t.Touch(time.Time{}, keys...)
}
