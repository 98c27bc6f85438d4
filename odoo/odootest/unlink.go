package odootest

import (
	"slices"
)

// unlink deletes records (odoo/models.py, unlink): ids already gone are no error. What refers to them is emptied, deleted or in the
// way as the foreign keys say; emptying leaves the others' write_date alone.
func (e *env) unlink(m *model, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	b := behaviourOf(m.name)
	after := func() error { return nil }
	if b.beforeUnlink != nil {
		var err error
		if after, err = b.beforeUnlink(e, m, ids); err != nil {
			return err
		}
	}
	if err := e.checkConcurrency(m, ids); err != nil {
		return err
	}
	if err := e.checkAccess(m, "unlink"); err != nil {
		return err
	}
	if err := e.checkRules(m, "unlink", ids); err != nil {
		return err
	}
	if err := e.delete(m, union(nil, ids), map[rowKey]bool{}); err != nil {
		return err
	}
	if err := e.endActivities(m, ids); err != nil {
		return err
	}
	if err := e.endThread(m, ids); err != nil {
		return err
	}
	return after()
}

// reference is a many2one column somewhere that points at a model.
type reference struct {
	m *model
	f *field
}

func (e *env) references(model string) []reference {
	var out []reference
	for _, name := range sortedKeys(e.db.models) {
		m := e.db.models[name]
		for _, f := range m.cols {
			if f.relation == model && f.col >= 0 && m.field(f.name) == f {
				out = append(out, reference{m, f})
			}
		}
	}
	return out
}

// delete is SQL's DELETE with its foreign keys, external ids and attachments.
func (e *env) delete(m *model, ids []int64, going map[rowKey]bool) error {
	t := e.rows(m.name)
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return t.rows[id] == nil || going[rowKey{m.name, id}] })
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		going[rowKey{m.name, id}] = true
	}
	refs := e.references(m.name)
	for _, ref := range refs {
		if ref.f.typ == "many2one" && ref.f.onDelete == "restrict" {
			for _, id := range ids {
				for _, by := range e.rows(ref.m.name).referring(ref.f, id) {
					if !going[rowKey{ref.m.name, by}] {
						return foreignKey(ref.m, ref.f.name)
					}
				}
			}
		}
	}
	for _, id := range ids {
		if err := e.tx.put(m.name, id, nil); err != nil {
			return err
		}
		if err := e.detach(refs, id, going); err != nil {
			return err
		}
		if err := e.forget(m.name, id, going); err != nil {
			return err
		}
	}
	return nil
}

// detach deals with the rows that refer to a deleted one.
func (e *env) detach(refs []reference, id int64, going map[rowKey]bool) error {
	for _, ref := range refs {
		t := e.rows(ref.m.name)
		switch {
		case ref.f.typ == "many2many":
			for _, by := range t.linking(ref.f, id) {
				ids, _ := t.rows[by].at(ref.f).([]int64)
				if err := e.link(ref.m, ref.f, by, slices.DeleteFunc(slices.Clone(ids), func(x int64) bool { return x == id })); err != nil {
					return err
				}
			}
		case ref.f.onDelete == "cascade":
			if err := e.delete(ref.m, slices.Clone(t.referring(ref.f, id)), going); err != nil {
				return err
			}
		default:
			for _, by := range slices.Clone(t.referring(ref.f, id)) {
				if ref.f.required {
					return mandatory(e, ref.m, ref.f)
				}
				if err := e.blank(ref.m, by, ref.f, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// forget removes what refers to a record by name and number: external ids, attachments.
func (e *env) forget(model string, id int64, going map[rowKey]bool) error {
	if err := e.delete(e.model("ir.model.data"), slices.Clone(e.xmlRowsOf(model, id)), going); err != nil {
		return err
	}
	att := e.model("ir.attachment")
	if att == nil {
		return nil
	}
	mf, rf := att.field("res_model"), att.field("res_id")
	key := func(r *row) any { n, _ := r.at(rf).(int64); return rowKey{r.str(mf), n} }
	return e.delete(att, slices.Clone(e.rows(att.name).find("record", key, rowKey{model, id})), going)
}
