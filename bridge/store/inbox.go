package store

import (
	"time"

	"dingbridge/bridge"
)

func (t *tx) AddEvent(e bridge.InboxEvent) (bool, error) {
	data := e.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	n, err := t.write("INSERT INTO inbox (id, type, born, received, via, data) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
		e.ID, e.Type, nanos(e.Born), nanos(e.Received), e.Via, data)
	if err != nil || n == 0 {
		return false, err
	}
	err = t.exec(`INSERT INTO event_arrival (type, via, arrived, last) VALUES (?, ?, 1, ?) ON CONFLICT (type, via) DO UPDATE SET
		arrived = event_arrival.arrived + 1, last = CASE WHEN event_arrival.last > excluded.last THEN event_arrival.last ELSE excluded.last END`,
		e.Type, e.Via, nanos(e.Received))
	return err == nil, err
}

// inboxColumns are what readEvent reads.
const inboxColumns = "id, type, born, received, via, data"

func readEvent(scan scanner) (e bridge.InboxEvent, err error) {
	var born, received int64
	err = scan(&e.ID, &e.Type, &born, &received, &e.Via, &e.Data)
	e.Born, e.Received = instant(born), instant(received)
	if len(e.Data) == 0 {
		e.Data = nil
	}
	return e, err
}

func (t *tx) PendingEvents(limit int) ([]bridge.InboxEvent, error) {
	return list(t, readEvent, "SELECT "+inboxColumns+" FROM inbox WHERE done = 0 ORDER BY seq LIMIT ?", unlimited(limit))
}

func (t *tx) Event(id string) (*bridge.InboxEvent, error) {
	e, has, err := one(t, readEvent, "SELECT "+inboxColumns+" FROM inbox WHERE id = ?", id)
	if err != nil || !has {
		return nil, err
	}
	return &e, nil
}

func (t *tx) EventsDone(ids ...string) error {
	for _, id := range ids {
		if err := t.exec("UPDATE inbox SET done = 1 WHERE id = ?", id); err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) PruneEvents(before time.Time) (int, error) {
	n, err := t.write("DELETE FROM inbox WHERE done = 1 AND received < ?", nanos(before))
	return int(n), err
}

// CountEvents counts all arrivals of a type, the pruned ones too.
func (t *tx) CountEvents() (pending int, byType map[string]bridge.EventCount, err error) {
	pending, _, err = one(t, column[int], "SELECT count(*) FROM inbox WHERE done = 0")
	if err != nil {
		return 0, nil, err
	}
	byType = map[string]bridge.EventCount{}
	err = t.each("SELECT type, via, arrived, last FROM event_arrival", nil, func(scan scanner) error {
		var name, via string
		var n int
		var last int64
		if err := scan(&name, &via, &n, &last); err != nil {
			return err
		}
		byType[name] = byType[name].With(via, n, instant(last))
		return nil
	})
	return pending, byType, err
}
