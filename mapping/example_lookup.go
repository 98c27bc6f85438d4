package mapping

import "slices"

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

type lookedUp struct{ model, by, text string }

// firstFound is the first id that is given out: no id of Odoo, whose are of 32 bits, is so large.
const firstFound = 1 << 40

// Find implements Lookups. The same text is the same record.
func (t *testLookups) Find(l *Lookup, value string) (int64, error) {
	one := lookedUp{l.Model, l.By, value}
	i := slices.Index(t.found, one)
	if i < 0 {
		i = len(t.found)
		t.found = append(t.found, one)
	}
	return firstFound + int64(i), nil
}

// of is what the record of an id was found by.
func (t *testLookups) of(id any) (lookedUp, bool) {
	n, ok := id.(int64)
	n -= firstFound
	if !ok || n < 0 || n >= int64(len(t.found)) {
		return lookedUp{}, false
	}
	return t.found[n], true
}

// shown is what was written as a record shows it when it is read again: of a lookup the text, of lines their records.
func (r *testRun) shown(f *Field, side Side, raw any) any {
	if side == DingTalk {
		return raw
	}
	list, ok := raw.([]any)
	if !ok || f.Lines == nil {
		if one, ok := r.lookups.of(raw); ok {
			return one.text
		}
		return raw
	}
	out := make([]any, len(list))
	for i, item := range list {
		line := Record{}
		for name, v := range rowOf(item) {
			if one, ok := r.lookups.of(v); ok {
				name, v = name+"."+one.by, one.text
			}
			line[name] = v
		}
		for _, t := range f.Lines.Templates {
			for _, child := range t.Fields {
				if name := child.readName(Odoo); name != "" && line[name] == nil {
					line[name] = nil // what was left out is empty
				}
			}
		}
		out[i] = line
	}
	return out
}
