package odootest

import (
	"fmt"
	"slices"
	"strings"
)

// values are the vals of a create or write.
type values = map[string]any

// checkRow makes the checks of one row's columns: NOT NULL first, then foreign keys. changed nil means all.
func (e *env) checkRow(m *model, r *row, changed map[string]bool) error {
	for _, f := range m.cols {
		if f.required && f.typ != "many2many" && r.at(f) == nil && (changed == nil || changed[f.name]) && m.field(f.name) == f && !f.dynamic {
			return mandatory(e, m, f)
		}
	}
	if err := checkSQL(m, r); err != nil {
		return err
	}
	for _, f := range m.cols {
		if f.typ != "many2one" || changed != nil && !changed[f.name] {
			continue
		}
		if id := r.ref(f); id != 0 && e.row(f.relation, id) == nil && !(f.relation == m.name && id == r.id) {
			return foreignKey(m, f.name)
		}
	}
	return nil
}

// checkSQL is the model's CHECK constraints.
func checkSQL(m *model, r *row) error {
	if b := behaviourOf(m.name); b.sqlCheck != nil {
		if name, message := b.sqlCheck(m, r); name != "" {
			v := validation("%s", message)
			raw := fmt.Sprintf("new row for relation %q violates check constraint \"%s_%s\"\nDETAIL:  Failing row contains (…).\n", m.table, m.table, name)
			v.sql = &sqlError{model: m.name, text: raw, raw: raw}
			return v
		}
	}
	return nil
}

// checkUnique is the SQL UNIQUE constraints of one row just stored.
func (e *env) checkUnique(m *model, r *row) error {
	t := e.rows(m.name)
	for i := range m.unique {
		u := &m.unique[i]
		key := func(r *row) any {
			parts := make([]string, len(u.Columns))
			for i, c := range u.Columns {
				f := m.field(c)
				if f == nil || r.at(f) == nil {
					return nil
				}
				parts[i] = pyStr(r.at(f))
			}
			return strings.Join(parts, "\x00")
		}
		want := key(r)
		if want == nil || len(t.find("unique:"+u.Name, key, want)) < 2 {
			continue
		}
		return duplicate(m, u, strings.ReplaceAll(want.(string), "\x00", ", "))
	}
	return nil
}

// validate runs the model's Python constraints.
func (e *env) validate(m *model, ids []int64, changed func(string) bool) error {
	if b := behaviourOf(m.name); b.check != nil {
		return b.check(e, m, ids, changed)
	}
	return nil
}

// write updates records (odoo/models.py, write). Unknown fields and log columns are ignored silently; nothing known means
// nothing is written and write_date stays.
func (e *env) write(m *model, ids []int64, given values) error {
	if len(ids) == 0 {
		return nil
	}
	vals := make(values, len(given)+2)
	for k, v := range given {
		vals[k] = v
	}
	b := behaviourOf(m.name)
	env := e
	if b.beforeWrite != nil {
		var err error
		if env, err = b.beforeWrite(e, m, ids, vals); err != nil {
			return err
		}
	}
	return env.writeChecked(m, ids, vals, b)
}

func (e *env) writeChecked(m *model, ids []int64, vals values, b *behaviour) error {
	if err := e.checkConcurrency(m, ids); err != nil {
		return err
	}
	if err := e.checkAccess(m, "write"); err != nil {
		return err
	}
	stored, inherited, known := e.split(m, vals)
	if err := e.writeParents(m, ids, inherited); err != nil {
		return err
	}
	if !known {
		return nil
	}
	before, err := e.writeRows(m, ids, stored)
	if err != nil {
		return err
	}
	if active, given := vals["active"]; given && active == false {
		if err := e.endActivities(m, ids); err != nil {
			return err
		}
	}
	if b.afterWrite != nil {
		if err := b.afterWrite(e, m, ids, vals, before); err != nil {
			return err
		}
	}
	return e.track(m, ids, before)
}

// split sorts the keys of a write: the fields stored here, those of the _inherits parent; known tells whether there is any
// field to write at all.
func (e *env) split(m *model, vals values) (stored, inherited values, known bool) {
	stored, inherited = values{}, values{}
	for name, v := range vals {
		f := m.field(name)
		switch {
		case f == nil || logColumns[name] || name == "parent_path":
		case f.inherited:
			inherited[name] = v
			known = true
		case f.store || f.property || len(f.related) > 0 || behaviourOf(m.name).inverse[name]:
			stored[name] = v
			known = true
		}
	}
	return stored, inherited, known
}

func (e *env) writeParents(m *model, ids []int64, inherited values) error {
	if len(inherited) == 0 {
		return nil
	}
	via := m.field(m.parentField)
	var parents []int64
	for _, id := range ids {
		if r := e.row(m.name, id); r != nil {
			parents = append(parents, r.ref(via))
		}
	}
	return e.write(e.model(m.parent), union(nil, parents), inherited)
}

// writeRows is the low-level _write: rights on fields and records, conversion, the rows with their new write_date, x2many
// commands, constraints. It returns the rows as they were.
func (e *env) writeRows(m *model, ids []int64, vals values) (map[int64]*row, error) {
	names := sortedKeys(vals)
	if err := e.checkFields(m, "write", names); err != nil {
		return nil, err
	}
	columns := map[*field]any{}
	changed := map[string]bool{}
	var multi []*field
	for _, name := range names {
		f := m.fields[name]
		changed[name] = true
		switch {
		case f.typ == "one2many" || f.typ == "many2many":
			multi = append(multi, f)
		case f.col >= 0:
			v, err := (convert{f, m.name}).value(vals[name])
			if err != nil {
				return nil, err
			}
			columns[f] = v
		}
	}
	if err := e.checkRules(m, "write", ids); err != nil {
		return nil, err
	}
	before := make(map[int64]*row, len(ids))
	for _, id := range union(nil, ids) {
		old := e.row(m.name, id)
		if old == nil {
			return nil, e.missingOnWrite(m, ids)
		}
		before[id] = old
		if err := e.replace(m, old, columns, changed); err != nil {
			return nil, err
		}
	}
	if err := e.setMulti(m, ids, multi, vals); err != nil {
		return nil, err
	}
	return before, e.validate(m, ids, func(name string) bool { return changed[name] })
}

// replace stores a changed copy of a row; write_date and write_uid move even if nothing differs.
func (e *env) replace(m *model, old *row, columns map[*field]any, changed map[string]bool) error {
	r := old.clone(m)
	r.written, r.writtenBy = e.tx.stamp, e.uid
	for f, v := range columns {
		if lang := e.lang(); f.translate && lang != "" && lang != "en_US" && old.at(f) != nil {
			r.translate(lang, f, v)
			continue
		}
		r.v[f.col] = v
	}
	if err := e.checkRow(m, r, changed); err != nil {
		return err
	}
	if m.parentStore && changed["parent_id"] {
		r.v[m.field("parent_path").col] = e.parentPath(m, r)
	}
	if err := e.tx.put(m.name, r.id, r); err != nil {
		return err
	}
	return e.checkUnique(m, r)
}

// translate sets the value of a translated field in one language; the maps of the old row stay as they are.
func (r *row) translate(lang string, f *field, v any) {
	all := map[string]map[int]string{}
	for l, cols := range r.translations {
		all[l] = cols
	}
	cols := map[int]string{}
	for c, s := range all[lang] {
		cols[c] = s
	}
	s, _ := v.(string)
	cols[f.col] = s
	all[lang] = cols
	r.translations = all
}

func (e *env) missingOnWrite(m *model, ids []int64) error {
	return missing(fmt.Sprintf("One of the records you are trying to modify has already been deleted (Document type: %s).\n\n(Records: %s, User: %d)",
		m.description, pyTuple(idList(ids[:min(len(ids), 6)])), e.uid))
}

// set stores column values of one record as e's user, bumping write_date, without overrides: what a recomputation writes.
func (e *env) set(m *model, id int64, vals values) error {
	old := e.row(m.name, id)
	if old == nil {
		return nil
	}
	r := old.clone(m)
	r.written, r.writtenBy = e.tx.stamp, e.uid
	for name, v := range vals {
		r.v[m.fields[name].col] = v
	}
	return e.tx.put(m.name, id, r)
}

// blank empties columns without touching write_date: PostgreSQL's ON DELETE SET NULL, and the links of a deleted record.
func (e *env) blank(m *model, id int64, f *field, v any) error {
	old := e.row(m.name, id)
	if old == nil {
		return nil
	}
	r := old.clone(m)
	r.v[f.col] = v
	if err := checkSQL(m, r); err != nil {
		return err
	}
	return e.tx.put(m.name, id, r)
}

// checkConcurrency is the optimistic lock: context["__last_update"]["model,id"] older than the row's write_date, microseconds and
// all, refuses the call. The key is consumed (odoo/models.py, _check_concurrency).
func (e *env) checkConcurrency(m *model, ids []int64) error {
	locks, ok := e.context["__last_update"].(map[string]any)
	if !ok || m.noLog {
		return nil
	}
	for _, id := range ids {
		key := fmt.Sprintf("%s,%d", m.name, id)
		v, given := locks[key]
		if !given {
			continue
		}
		delete(locks, key)
		e.tx.popped = append(e.tx.popped, func() { locks[key] = v })
		if !truthy(v) {
			continue
		}
		seen, err := parseStamp(pyStr(v))
		if err != nil {
			return err
		}
		if r := e.row(m.name, id); r != nil && seen < r.written {
			return validation("A document was modified since you last viewed it (%s:%d)", m.description, id)
		}
	}
	return nil
}

// setMulti carries out the x2many commands of a create or write.
func (e *env) setMulti(m *model, ids []int64, fields []*field, vals values) error {
	for k, v := range behaviourOf(m.name).within {
		e = e.with(k, v)
	}
	slices.SortFunc(fields, func(a, b *field) int { return strings.Compare(a.name, b.name) })
	for _, f := range fields {
		commands, ok := vals[f.name].([]any)
		co := e.model(f.relation)
		if !ok || co == nil {
			continue
		}
		for _, id := range ids {
			for _, c := range commands {
				cmd, ok := c.([]any)
				if !ok || len(cmd) == 0 { // plain ids: accepted, and nothing happens
					continue
				}
				if err := e.command(m, f, co, id, cmd); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
