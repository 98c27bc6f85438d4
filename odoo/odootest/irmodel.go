package odootest

import (
	"regexp"
	"slices"
	"strings"
)

func init() {
	behaviours["ir.model"] = &behaviour{
		beforeCreate: func(e *env, m *model, vals values) error {
			if _, ok := vals["state"]; !ok {
				vals["state"] = "manual"
			}
			name, _ := vals["model"].(string)
			if vals["state"] == "manual" && !strings.HasPrefix(name, "x_") {
				return validation("The model name must start with 'x_'.")
			}
			if !objectName.MatchString(name) {
				return validation("The model name can only contain lowercase characters, digits, underscores and dots.")
			}
			delete(vals, "field_id")
			return nil
		},
		afterCreate:  addModel,
		beforeUnlink: dropModels,
		nameSearch: func(e *env, m *model, name, op string, domain []any, limit int64) ([]int64, bool, error) {
			ids, err := e.search(m, append(slices.Clone(domain), "|", []any{"model", op, name}, []any{"name", op, name}), searchOptions{limit: limit})
			return ids, true, err
		},
		compute: map[string]func(*env, *model, *row) any{
			"count": func(e *env, m *model, r *row) any { return int64(len(e.rows(r.str(m.field("model"))).rows)) },
		},
	}
	behaviours["ir.model.fields"] = &behaviour{
		beforeCreate: fieldBeforeCreate,
		afterCreate:  func(e *env, m *model, id int64, _ values) error { return addField(e, m, id) },
		beforeWrite: func(e *env, m *model, ids []int64, vals values) (*env, error) {
			for _, id := range ids {
				if e.text(m.name, id, "state") != "manual" && !has(vals, "field_description", "help", "groups") {
					return e, userFault("Properties of base fields cannot be altered in this manner! Please modify them through Python code, preferably through a custom addon!")
				}
			}
			return e, nil
		},
		afterWrite: func(e *env, m *model, ids []int64, _ values, _ map[int64]*row) error {
			for _, id := range ids {
				if e.text(m.name, id, "state") == "manual" {
					if err := addField(e, m, id); err != nil {
						return err
					}
				}
			}
			return nil
		},
		beforeUnlink: dropFields,
	}
}

var (
	objectName = regexp.MustCompile(`^[a-z0-9_.]+$`)
	fieldName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,62}$`)
	optionForm = regexp.MustCompile(`[\(\[]\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*,\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*[\)\]]`)
)

// magic are the fields every model has.
var magic = []field{
	{name: "id", typ: "integer", label: "ID", readonly: true, store: true, search: true, order: true},
	{name: "display_name", typ: "char", label: "Display Name", readonly: true},
	{name: "create_uid", typ: "many2one", relation: "res.users", label: "Created by", readonly: true, store: true, search: true, order: true},
	{name: "create_date", typ: "datetime", label: "Created on", readonly: true, store: true, search: true, order: true},
	{name: "write_uid", typ: "many2one", relation: "res.users", label: "Last Updated by", readonly: true, store: true, search: true, order: true},
	{name: "write_date", typ: "datetime", label: "Last Updated on", readonly: true, store: true, search: true, order: true},
	{name: "__last_update", typ: "datetime", label: "Last Modified on", readonly: true},
}

// threadFields are those of mail.thread, which a manual model gets that is made with is_mail_thread: without them it has no chatter.
func threadFields(e *env) []field {
	m := e.model("account.analytic.account") // a thread, and nothing else
	var out []field
	for _, name := range m.names {
		if strings.HasPrefix(name, "message_") || name == "website_message_ids" {
			out = append(out, *m.field(name))
		}
	}
	return out
}

// addModel makes a manual model usable: the fields every model has, x_name, and a chatter if it is to have one.
func addModel(e *env, m *model, id int64, _ values) error {
	r := e.row(m.name, id)
	made := newModel(r.str(m.field("model")), r.str(m.field("name")))
	made.manual, made.id, made.recName = true, id, "x_name"
	fields := append([]field{{name: "x_name", typ: "char", label: "Name", store: true, search: true, order: true, manual: true}}, magic...)
	if r.flag(m.field("is_mail_thread")) {
		fields = append(fields, threadFields(e)...)
	}
	for i := range fields {
		f := fields[i]
		made.add(&f)
	}
	e.tx.setModel(made)
	for _, f := range fields {
		if err := reflectField(e, made, made.fields[f.name]); err != nil {
			return err
		}
	}
	return nil
}

// reflectField writes the ir.model.fields row of a field that the registry has.
func reflectField(e *env, of *model, f *field) error {
	m := e.model("ir.model.fields")
	t := e.rows(m.name)
	r := reflection(e, m, of, f)
	r.id = t.next
	t.next++
	f.id = r.id
	return e.tx.put(m.name, r.id, r)
}

func reflection(e *env, m *model, of *model, f *field) *row {
	r := &row{v: make([]any, len(m.cols)), createdBy: superuser, writtenBy: superuser}
	if e != nil {
		r.created, r.written = e.tx.stamp, e.tx.stamp
	}
	state := "base"
	if f.manual {
		state = "manual"
	}
	set := func(name string, v any) {
		if c := m.field(name); c != nil && c.col >= 0 {
			r.v[c.col] = v
		}
	}
	set("name", f.name)
	set("model", of.name)
	set("model_id", of.id)
	set("field_description", f.label)
	set("ttype", f.typ)
	set("state", state)
	set("required", f.required)
	set("readonly", f.readonly)
	set("store", f.store)
	set("translate", f.translate)
	set("selectable", true)
	set("copied", !f.nocopy)
	set("index", false)
	set("size", int64(f.size))
	if f.relation != "" {
		set("relation", f.relation)
	}
	if f.inverse != "" {
		set("relation_field", f.inverse)
	}
	if f.typ == "many2one" {
		set("on_delete", f.onDelete)
	}
	return r
}

func fieldBeforeCreate(e *env, m *model, vals values) error {
	id, _ := toInt(vals["model_id"])
	of := e.row("ir.model", id)
	if of == nil {
		if id == 0 {
			return mandatory(e, m, m.field("model"))
		}
		return foreignKey(m, "model_id")
	}
	vals["model"] = of.str(e.model("ir.model").field("model"))
	if _, ok := vals["state"]; !ok {
		vals["state"] = "manual"
	}
	name, _ := vals["name"].(string)
	if vals["state"] == "manual" && !strings.HasPrefix(name, "x_") {
		return validation("Custom fields must have a name that starts with 'x_' !")
	}
	if !fieldName.MatchString(name) {
		return validation("Field names can only contain characters, digits and underscores (up to 63).")
	}
	if relation, _ := vals["relation"].(string); relation != "" && e.model(relation) == nil {
		return userFault("Model %s does not exist!", relation)
	}
	if vals["ttype"] == "selection" {
		if s, _ := vals["selection"].(string); len(optionForm.FindAllString(s, -1)) == 0 {
			return userFault("For selection fields, the Selection Options must be given!")
		}
	}
	if vals["ttype"] == "one2many" {
		inverse, _ := vals["relation_field"].(string)
		relation, _ := vals["relation"].(string)
		if co := e.model(relation); co == nil || co.field(inverse) == nil {
			return validation("Many2one %s on model %s does not exist!", inverse, relation)
		}
	}
	return nil
}

// addField puts a manual field into the registry; on res.partner, users inherit it.
func addField(e *env, m *model, id int64) error {
	r := e.row(m.name, id)
	of := e.model(r.str(m.field("model")))
	if of == nil || r.str(m.field("state")) != "manual" {
		return nil
	}
	size, _ := r.at(m.field("size")).(int64)
	f := &field{
		name: r.str(m.field("name")), typ: r.str(m.field("ttype")), label: r.str(m.field("field_description")), id: id,
		relation: r.str(m.field("relation")), inverse: r.str(m.field("relation_field")), onDelete: r.str(m.field("on_delete")),
		required: r.flag(m.field("required")), readonly: r.flag(m.field("readonly")), translate: r.flag(m.field("translate")),
		nocopy: !r.flag(m.field("copied")), size: int(size), manual: true, store: true, search: true, order: true,
	}
	if v := r.at(m.field("store")); v == false {
		f.store, f.search, f.order = false, false, false
	}
	if f.typ == "many2many" {
		f.rel = "x_" + of.table + "_" + strings.ReplaceAll(f.relation, ".", "_") + "_rel"
	}
	for _, o := range optionForm.FindAllStringSubmatch(r.str(m.field("selection")), -1) {
		f.selection = append(f.selection, [2]string{o[1] + o[2], o[3] + o[4]})
	}
	changed := of.clone()
	if old := changed.field(f.name); old != nil && old.col >= 0 { // an edited field keeps its column
		changed.add(f)
		changed.cols = changed.cols[:len(changed.cols)-1]
		f.col = old.col
		changed.cols[f.col] = f
	} else {
		changed.add(f)
	}
	e.tx.setModel(changed)
	users := e.model("res.users")
	if of.name != "res.partner" || users.field(f.name) != nil {
		return nil
	}
	inherited := *f
	inherited.store, inherited.inherited, inherited.related = false, true, []string{"partner_id", f.name}
	users = users.clone()
	users.add(&inherited)
	e.tx.setModel(users)
	return reflectField(e, users, &inherited)
}

// dropFields removes manual fields, unless a one2many somewhere is the other end of one.
func dropFields(e *env, m *model, ids []int64) (func() error, error) {
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil {
			continue
		}
		model, name := r.str(m.field("model")), r.str(m.field("name"))
		if r.str(m.field("state")) != "manual" {
			return nil, userFault("This column contains module data and cannot be removed!")
		}
		if by := e.inverseOf(model, name); by != "" && !slices.Contains(ids, e.fieldID(by)) {
			return nil, userFault("The field '%s.%s' cannot be removed because the field '%s' depends on it.", model, name, by)
		}
		if of := e.model(model); of != nil {
			changed := of.clone()
			changed.remove(name)
			e.tx.setModel(changed)
		}
	}
	return func() error { return nil }, nil
}

// inverseOf names the one2many whose other end is the field; "" if there is none.
func (e *env) inverseOf(model, field string) string {
	for _, name := range sortedKeys(e.db.models) {
		m := e.db.models[name]
		for _, f := range m.fields {
			if f.typ == "one2many" && f.relation == model && f.inverse == field {
				return m.name + "." + f.name
			}
		}
	}
	return ""
}

func (e *env) fieldID(full string) int64 {
	i := strings.LastIndexByte(full, '.')
	if m := e.model(full[:i]); m != nil && m.field(full[i+1:]) != nil {
		return m.field(full[i+1:]).id
	}
	return 0
}

func dropModels(e *env, m *model, ids []int64) (func() error, error) {
	for _, id := range ids {
		r := e.row(m.name, id)
		if r == nil {
			continue
		}
		name := r.str(m.field("model"))
		if r.str(m.field("state")) != "manual" {
			return nil, userFault("Model '%s' contains module data and cannot be removed.", r.str(m.field("name")))
		}
		if of := e.model(name); of != nil {
			for _, fname := range of.names {
				if by := e.inverseOf(name, fname); by != "" && !strings.HasPrefix(by, name+".") {
					return nil, userFault("The field '%s.%s' cannot be removed because the field '%s' depends on it.", name, fname, by)
				}
			}
			for _, gone := range slices.Clone(e.rows(name).sorted()) {
				if err := e.tx.put(name, gone, nil); err != nil {
					return nil, err
				}
			}
			e.tx.dropModel(name)
		}
	}
	return func() error { return nil }, nil
}
