package bridge

import (
	"context"
	"fmt"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// lookups finds Odoo records that no mapping links, once for each value in a batch.
type lookups struct {
	ctx   context.Context
	side  *odooSide
	found map[string]int64
	// create lets it make what a lookup with create: does not find. A plan never does.
	create bool
}

// Find implements mapping.Lookups: the one record whose field is the value. A *Failure of class reject says that there is none, or more
// than one.
func (l *lookups) Find(by *mapping.Lookup, value string) (int64, error) {
	key := by.Model + "\x00" + by.By + "\x00" + fmt.Sprint(by.Domain) + "\x00" + value
	if id, known := l.found[key]; known {
		return id, nil
	}
	domain := odoo.And(odoo.Domain(by.Domain), odoo.Domain{odoo.Cond(by.By, "=", value)})
	ids, err := l.side.client.Search(l.ctx, by.Model, domain, odoo.Options{Limit: 2, Order: "id"})
	switch {
	case err != nil:
		return 0, err
	case len(ids) > 1 && !by.First:
		return 0, reject("", fmt.Sprintf("several %s have %s %q", by.Model, by.By, value))
	case len(ids) > 0:
	case !by.Create:
		return 0, reject("", fmt.Sprintf("no %s has %s %q", by.Model, by.By, value))
	case !l.create:
		return 0, nil
	default:
		id, err := l.make(by, value)
		if err != nil {
			return 0, err
		}
		ids = []int64{id}
	}
	if l.found == nil {
		l.found = map[string]int64{}
	}
	l.found[key] = ids[0]
	return ids[0], nil
}

// make creates the record by load, under an external id of its value: once, however often it is tried.
func (l *lookups) make(by *mapping.Lookup, value string) (int64, error) {
	name := externalModule + "." + externalName("lookup_"+strings.ReplaceAll(by.Model, ".", "_")+"_"+value)
	res, err := l.side.client.Load(l.ctx, by.Model, []string{"id", by.By}, [][]any{{name, value}}, odoo.Context{"tz": "UTC", "mode": "update", "noupdate": true})
	switch {
	case err != nil:
		return 0, err
	case len(res.IDs) == 1:
		return res.IDs[0], nil
	case len(res.Messages) > 0:
		return 0, reject("", fmt.Sprintf("no %s has %s %q, and it cannot be made: %s", by.Model, by.By, value, res.Messages[0].Message))
	}
	return 0, reject("", fmt.Sprintf("no %s has %s %q, and it cannot be made", by.Model, by.By, value))
}
