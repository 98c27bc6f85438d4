package odootest

import "slices"

// command carries out one x2many command on the field f of record id (odoo/fields.py, One2many.write and Many2many.write).
func (e *env) command(m *model, f *field, co *model, id int64, cmd []any) error {
	code, _ := toInt(cmd[0])
	arg := func(i int) any {
		if i < len(cmd) {
			return cmd[i]
		}
		return nil
	}
	target, _ := toInt(arg(1))
	vals, _ := arg(2).(map[string]any)
	switch code {
	case 0:
		return e.addLinked(m, f, co, id, vals)
	case 1:
		return e.plain().write(co, []int64{target}, vals)
	case 2:
		return e.plain().unlink(co, []int64{target})
	}
	if f.typ == "one2many" {
		return e.one2manyCommand(f, co, id, code, target, arg(2))
	}
	now := e.links(m, e.row(m.name, id), f)
	switch code {
	case 3:
		now = slices.DeleteFunc(slices.Clone(now), func(x int64) bool { return x == target })
	case 4:
		if !slices.Contains(now, target) {
			now = append(slices.Clone(now), target)
		}
	case 5:
		now = nil
	case 6:
		now, _ = toIDs(arg(2))
	default:
		return nil
	}
	return e.setLinks(m, f, co, id, now)
}

// plain is the environment without the default_* keys, which must not reach the other model.
func (e *env) plain() *env {
	c := *e
	c.context = map[string]any{}
	for k, v := range e.context {
		if len(k) < 8 || k[:8] != "default_" {
			c.context[k] = v
		}
	}
	return &c
}

func (e *env) addLinked(m *model, f *field, co *model, id int64, vals values) error {
	if f.typ == "many2many" {
		created, err := e.plain().create(co, vals)
		if err != nil {
			return err
		}
		return e.setLinks(m, f, co, id, append(slices.Clone(e.links(m, e.row(m.name, id), f)), created))
	}
	line := values{f.inverse: id}
	for k, v := range vals {
		line[k] = v
	}
	_, err := e.plain().create(co, line)
	return err
}

func (e *env) one2manyCommand(f *field, co *model, id, code, target int64, third any) error {
	inverse := co.field(f.inverse)
	if inverse == nil || inverse.col < 0 || inverse.typ != "many2one" {
		return nil
	}
	detach := func(ids []int64) error {
		if inverse.onDelete == "cascade" {
			return e.plain().unlink(co, ids)
		}
		return e.plain().write(co, ids, values{f.inverse: false})
	}
	current := slices.Clone(e.rows(co.name).referring(inverse, id))
	switch code {
	case 3:
		return detach([]int64{target})
	case 4:
		if !slices.Contains(current, target) {
			return e.plain().write(co, []int64{target}, values{f.inverse: id})
		}
	case 5:
		return detach(current)
	case 6:
		want, _ := toIDs(third)
		gone := slices.DeleteFunc(slices.Clone(current), func(x int64) bool { return slices.Contains(want, x) })
		if err := detach(gone); err != nil {
			return err
		}
		fresh := slices.DeleteFunc(want, func(x int64) bool { return slices.Contains(current, x) })
		return e.plain().write(co, fresh, values{f.inverse: id})
	}
	return nil
}

// setLinks stores the links of one record on the side that owns them. Neither side's write_date moves by this alone: the
// record whose field was written has been bumped by its own write.
func (e *env) setLinks(m *model, f *field, co *model, id int64, now []int64) error {
	for _, x := range now {
		if e.row(co.name, x) == nil {
			return validation("%s\n\nModel: Unknown (Unknown), Constraint: %s_fkey", referencedText, f.rel)
		}
	}
	if f.through != nil {
		return e.setThrough(f, id, now)
	}
	if f.mirror == "" {
		return e.link(m, f, id, now)
	}
	owner := co.field(f.mirror)
	before := e.rows(co.name).linking(owner, id)
	for _, x := range before {
		if !slices.Contains(now, x) {
			ids, _ := e.row(co.name, x).at(owner).([]int64)
			if err := e.link(co, owner, x, slices.DeleteFunc(slices.Clone(ids), func(y int64) bool { return y == id })); err != nil {
				return err
			}
		}
	}
	for _, x := range now {
		if !slices.Contains(before, x) {
			ids, _ := e.row(co.name, x).at(owner).([]int64)
			if err := e.link(co, owner, x, append(slices.Clone(ids), id)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *env) link(m *model, f *field, id int64, now []int64) error {
	var unique []int64
	for _, x := range now {
		if !slices.Contains(unique, x) {
			unique = append(unique, x)
		}
	}
	var v any
	if len(unique) > 0 {
		v = unique
	}
	return e.blank(m, id, f, v)
}
