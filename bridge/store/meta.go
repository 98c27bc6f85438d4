package store

func (t *tx) Meta(key string) (string, error) {
	v, _, err := one(t, column[string], "SELECT value FROM meta WHERE key = ?", key)
	return v, err
}

func (t *tx) SetMeta(key, value string) error {
	_, err := t.write("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", key, value)
	return err
}

func (t *tx) DeleteMeta(key string) error {
	_, err := t.write("DELETE FROM meta WHERE key = ?", key)
	return err
}

func (t *tx) MetaPrefix(prefix string) (map[string]string, error) {
	out := map[string]string{}
	err := t.each("SELECT key, value FROM meta WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1", []any{prefix}, func(scan scanner) error {
		var key, value string
		err := scan(&key, &value)
		out[key] = value
		return err
	})
	return out, err
}
