package store

func (t *tx) Meta(key string) (string, error) {
	v, _, err := one(t, column[string], "SELECT value FROM meta WHERE key = ?", key)
	return v, err
}

func (t *tx) SetMeta(key, value string) error {
	return t.exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

func (t *tx) DeleteMeta(key string) error { return t.exec("DELETE FROM meta WHERE key = ?", key) }

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
