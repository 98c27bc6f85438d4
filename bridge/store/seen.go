package store

import (
	"maps"
	"slices"
)

func (t *tx) Seen(model string, rows map[int64]string) (map[int64]bool, error) {
	out := make(map[int64]bool, len(rows))
	if len(rows) == 0 {
		return out, t.usable()
	}
	err := t.each("SELECT id, write_date FROM seen WHERE model = ? AND id IN LIST ?", []any{model, numbers(slices.Collect(maps.Keys(rows)))},
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
		err := t.exec(`INSERT INTO seen (model, id, write_date) VALUES (?, ?, ?)
			ON CONFLICT (model, id) DO UPDATE SET write_date = excluded.write_date`, model, id, date)
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
	return ids, t.exec("DELETE FROM seen WHERE model = ? AND write_date < ?", model, floor)
}
