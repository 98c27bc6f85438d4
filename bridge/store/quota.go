package store

import "dingbridge/bridge"

func (t *tx) AddQuota(counts ...bridge.QuotaCount) error {
	for _, c := range counts {
		counted := 0
		if c.Counted {
			counted = 1
		}
		if err := t.exec(`INSERT INTO quota (day, what, counted, mapping, name, n) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (day, what, counted, mapping, name) DO UPDATE SET n = quota.n + excluded.n`,
			c.Day, string(c.What), counted, c.Mapping, c.Name, c.N); err != nil {
			return err
		}
	}
	return t.usable()
}

func (t *tx) Quota(first, last string) ([]bridge.QuotaCount, error) {
	return list(t, func(scan scanner) (c bridge.QuotaCount, err error) {
		var counted int
		err = scan(&c.Day, &c.What, &counted, &c.Mapping, &c.Name, &c.N)
		c.Counted = counted == 1
		return c, err
	}, "SELECT day, what, counted, mapping, name, n FROM quota WHERE day >= ? AND day <= ?", first, last)
}

func (t *tx) PruneQuota(before string) (int, error) {
	n, err := t.write("DELETE FROM quota WHERE day < ?", before)
	return int(n), err
}
