package store

import (
	"encoding/json"
	"time"

	"dingbridge/bridge"
)

func (t *tx) AppendHistory(rows ...bridge.HistoryRow) error {
	for _, r := range rows {
		before, err := json.Marshal(r.Before)
		if err != nil {
			return err
		}
		after, err := json.Marshal(r.After)
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO history (at, mapping, link, odoo, ding, op, side, reason, before, after, version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			nanos(r.At), r.Mapping, r.Link, string(r.Odoo), string(r.Ding), r.Op, string(r.Side), r.Reason, string(before), string(after), r.Version)
		if err != nil {
			return err
		}
	}
	return t.usable()
}

func readHistory(scan scanner) (r bridge.HistoryRow, err error) {
	var at int64
	var before, after string
	err = scan(&r.ID, &at, &r.Mapping, &r.Link, &r.Odoo, &r.Ding, &r.Op, &r.Side, &r.Reason, &before, &after, &r.Version)
	if err != nil {
		return r, err
	}
	r.At = instant(at)
	if err := json.Unmarshal([]byte(before), &r.Before); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(after), &r.After)
}

func (t *tx) History(mappingName string, link int64, limit int) ([]bridge.HistoryRow, error) {
	query := "SELECT id, at, mapping, link, odoo, ding, op, side, reason, before, after, version FROM history"
	var args []any
	switch {
	case link != 0 && mappingName != "":
		query, args = query+" WHERE link = ? AND mapping = ?", []any{link, mappingName}
	case link != 0:
		query, args = query+" WHERE link = ?", []any{link}
	case mappingName != "":
		query, args = query+" WHERE mapping = ?", []any{mappingName}
	}
	return list(t, readHistory, query+" ORDER BY id DESC LIMIT ?", append(args, unlimited(limit))...)
}

func (t *tx) PruneHistory(before time.Time) (int, error) {
	n, err := t.write("DELETE FROM history WHERE at < ?", nanos(before))
	return int(n), err
}
