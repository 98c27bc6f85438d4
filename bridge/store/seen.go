package store

import (
	"encoding/json"
	"maps"
	"slices"
)

func (t *tx) Seen(model string, rows map[int64]string) (map[int64]bool, error) {
	out := make(map[int64]bool, len(rows))
	if len(rows) == 0 {
		return out, t.usable()
	}
	in, err := json.Marshal(slices.Collect(maps.Keys(rows)))
	if err != nil {
		return nil, err
	}
	err = t.each("SELECT id, write_date FROM seen WHERE model = ? AND id IN (SELECT value FROM json_each(?))", []any{model, string(in)},
		func(scan scanner) error {
			var id int64
			var date string
			err := scan(&id, &date)
			if err == nil && rows[id] == date {
				out[id] = true
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (t *tx) MarkSeen(model string, rows map[int64]string) error {
	for id, date := range rows {
		_, err := t.write(`INSERT INTO seen (model, id, write_date) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET write_date = excluded.write_date`, model, id, date)
		if err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) PruneSeen(model, floor string) ([]int64, error) {
	ids, err := list(t, column[int64], "SELECT id FROM seen WHERE model = ? AND write_date < ? ORDER BY id", model, floor)
	if err != nil {
		return nil, err
	}
	_, err = t.write("DELETE FROM seen WHERE model = ? AND write_date < ?", model, floor)
	return ids, err
}
