package odootest

import "slices"

// through is a many2many whose relation table is a model of its own, such as mail.channel.partner: the links are that model's rows.
type through struct {
	model, own, other string // the model, its many2one to this side, its many2one to the other
}

// throughs finds those fields once all models are known.
func throughs(models map[string]*model) {
	tables := map[string]*model{}
	for _, m := range models {
		tables[m.table] = m
	}
	for _, m := range models {
		for _, f := range m.fields {
			rel := tables[f.rel]
			if f.typ != "many2many" || f.rel == "" || rel == nil {
				continue
			}
			t := through{model: rel.name}
			for _, name := range rel.names {
				switch g := rel.fields[name]; {
				case logColumns[name] || g.typ != "many2one":
				case g.relation == m.name:
					t.own = name
				case g.relation == f.relation:
					t.other = name
				}
			}
			if t.own != "" && t.other != "" {
				f.through, f.col = &t, -1
			}
		}
	}
}

// throughLinks are the records on the other side, each once.
func (e *env) throughLinks(f *field, id int64) []int64 {
	var out []int64
	for _, x := range e.rows(f.through.model).referring(e.model(f.through.model).field(f.through.own), id) {
		out = append(out, e.refOf(f.through.model, x, f.through.other))
	}
	return union(nil, out)
}

// setThrough makes and deletes rows as plain SQL on the relation table does: without dates and defaults.
func (e *env) setThrough(f *field, id int64, now []int64) error {
	m := e.model(f.through.model)
	t := e.rows(m.name)
	own, other := m.field(f.through.own), m.field(f.through.other)
	for _, x := range slices.Clone(t.referring(own, id)) {
		if !slices.Contains(now, e.refOf(m.name, x, other.name)) {
			if err := e.delete(m, []int64{x}, map[rowKey]bool{}); err != nil {
				return err
			}
		}
	}
	before := e.throughLinks(f, id)
	for _, x := range union(nil, now) {
		if slices.Contains(before, x) {
			continue
		}
		r := &row{id: t.next, v: make([]any, len(m.cols))}
		t.next++
		r.v[own.col], r.v[other.col] = id, x
		if err := e.tx.put(m.name, r.id, r); err != nil {
			return err
		}
	}
	return nil
}
