package store

import (
	"time"

	"dingbridge/bridge"
)

func (t *tx) Told(day string, persons []string) (map[string][]string, error) {
	out := map[string][]string{}
	if len(persons) == 0 {
		return out, t.usable()
	}
	err := t.each("SELECT person, content FROM told WHERE day = ? AND person IN LIST ?", []any{day, texts(persons)}, func(scan scanner) error {
		var person, content string
		err := scan(&person, &content)
		out[person] = append(out[person], content)
		return err
	})
	return out, err
}

func (t *tx) ToldSince(at time.Time) (int, error) {
	n, _, err := one(t, column[int64], "SELECT count(*) FROM told WHERE at > ?", nanos(at))
	return int(n), err
}

func (t *tx) PutTold(rows ...bridge.Told) error {
	for _, r := range rows {
		if err := t.exec("INSERT INTO told (day, person, content, at) VALUES (?, ?, ?, ?) ON CONFLICT (day, person, content) DO NOTHING",
			r.Day, r.Person, r.Content, nanos(r.At)); err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) DropTold(rows ...bridge.Told) error {
	for _, r := range rows {
		if err := t.exec("DELETE FROM told WHERE day = ? AND person = ? AND content = ?", r.Day, r.Person, r.Content); err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) PruneTold(before string) (int, error) {
	n, err := t.write("DELETE FROM told WHERE day < ?", before)
	return int(n), err
}
