package mapping

import (
	"fmt"
	"slices"
)

// lookedUp is the pair whose Odoo field is found by a text: an example gives that text in its place.
func (b *builder) lookedUp(name string) *Field {
	for _, f := range b.m.Fields {
		if f.Lookup != nil && f.OdooName == name {
			return f
		}
	}
	return nil
}

// testLookups finds a record for every text: what is there is the business of a server.
type testLookups struct{ found []lookedUp }

type lookedUp struct{ key, text string }

// Find implements Lookups. The same text is the same record.
func (t *testLookups) Find(l *Lookup, value string) (int64, error) {
	one := lookedUp{fmt.Sprintf("%s %s", l.Model, l.By), value}
	i := slices.Index(t.found, one)
	if i < 0 {
		i = len(t.found)
		t.found = append(t.found, one)
	}
	return int64(i + 1), nil
}

// text is the text by which the record of an id was found.
func (t *testLookups) text(id any) (string, bool) {
	n, ok := plainInt(id)
	if !ok || n < 1 || n > int64(len(t.found)) {
		return "", false
	}
	return t.found[n-1].text, true
}

// shown is what was written as a record shows it: of a lookup the text.
func (r *testRun) shown(f *Field, side Side, raw any) any {
	if side == Odoo && f.Lookup != nil {
		if text, ok := r.lookups.text(raw); ok {
			return text
		}
	}
	return raw
}
