package odootest

import (
	"fmt"
)

// create makes one record (odoo/models.py, create): overrides, rights, defaults, the row with its constraints, x2many commands,
// what other records derive from it.
func (e *env) create(m *model, given values) (int64, error) {
	vals := make(values, len(given)+8)
	for k, v := range given {
		vals[k] = v
	}
	b := behaviourOf(m.name)
	if b.beforeCreate != nil {
		if err := b.beforeCreate(e, m, vals); err != nil {
			return 0, err
		}
	}
	if err := e.checkAccess(m, "create"); err != nil {
		return 0, err
	}
	e.addDefaults(m, vals)
	if b.createAsBot {
		e = e.sudo()
	}
	if err := e.createParent(m, vals); err != nil {
		return 0, err
	}
	t := e.rows(m.name)
	r := &row{id: t.next, v: make([]any, len(m.cols)), created: e.tx.stamp, written: e.tx.stamp, createdBy: e.uid, writtenBy: e.uid}
	t.next++
	var multi []*field
	for _, name := range m.names {
		f := m.fields[name]
		v, given := vals[name]
		switch {
		case f.typ == "boolean" && f.col >= 0 && !given:
			r.v[f.col] = false
		case !given || logColumns[name] || name == "parent_path":
		case f.typ == "one2many" || f.typ == "many2many":
			if f.store || f.property {
				multi = append(multi, f)
			}
		case f.col >= 0:
			c, err := (convert{f, m.name}).value(v)
			if err != nil {
				return 0, err
			}
			r.v[f.col] = c
		}
	}
	if err := e.insert(m, r); err != nil {
		return 0, err
	}
	if err := e.setMulti(m, []int64{r.id}, multi, vals); err != nil {
		return 0, err
	}
	if err := e.validate(m, []int64{r.id}, func(string) bool { return true }); err != nil {
		return 0, err
	}
	if b.afterCreate != nil {
		if err := b.afterCreate(e, m, r.id, vals); err != nil {
			return 0, err
		}
	}
	if err := e.checkRules(m, "create", []int64{r.id}); err != nil {
		return 0, err
	}
	return r.id, e.announce(m, r.id)
}

// insert stores a new row after the checks PostgreSQL makes.
func (e *env) insert(m *model, r *row) error {
	if err := e.checkRow(m, r, nil); err != nil {
		return err
	}
	if f := m.field("parent_path"); m.parentStore && f != nil {
		r.v[f.col] = e.parentPath(m, r)
	}
	if err := e.tx.put(m.name, r.id, r); err != nil {
		return err
	}
	return e.checkUnique(m, r)
}

func (e *env) parentPath(m *model, r *row) string {
	own := fmt.Sprintf("%d/", r.id)
	if p := e.row(m.name, r.ref(m.field("parent_id"))); p != nil && p.id != r.id {
		return p.str(m.field("parent_path")) + own
	}
	return own
}

// addDefaults fills what the caller left out: the context's default_*, the fields' own defaults, the model's computed ones.
func (e *env) addDefaults(m *model, vals values) {
	b := behaviourOf(m.name)
	var dynamic values
	if b.defaults != nil {
		dynamic = b.defaults(e, m)
	}
	for _, name := range m.names {
		f := m.fields[name]
		if _, given := vals[name]; given || f.inherited {
			continue
		}
		if v, ok := e.context["default_"+name]; ok {
			vals[name] = v
		} else if v, ok := dynamic[name]; ok {
			vals[name] = v
		} else if f.def != nil && !(f.computed && f.col < 0) {
			vals[name] = f.def
		}
	}
}

// createParent creates or updates the record an _inherits model delegates to.
func (e *env) createParent(m *model, vals values) error {
	if m.parent == "" {
		return nil
	}
	inherited := values{}
	for name, v := range vals {
		if f := m.field(name); f != nil && f.inherited {
			inherited[name] = v
		}
	}
	parent := e.model(m.parent)
	if id, ok := toInt(vals[m.parentField]); ok && id != 0 {
		if len(inherited) > 0 {
			return e.write(parent, []int64{id}, inherited)
		}
		return nil
	}
	id, err := e.create(parent, inherited)
	vals[m.parentField] = id
	return err
}
