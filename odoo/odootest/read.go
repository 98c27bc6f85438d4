package odootest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// read returns the requested fields of the records that exist, in the order of ids, duplicates included (odoo/models.py, read).
// Unknown names are left out without complaint; no names means all the user may see.
func (e *env) read(m *model, ids []int64, names []string, classic bool) ([]dict, error) {
	if err := e.checkAccess(m, "read"); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		for _, n := range m.names {
			if e.allowed(m.fields[n]) {
				names = append(names, n)
			}
		}
	} else if !e.selfReadable(m, ids, names) {
		if err := e.checkFields(m, "read", names); err != nil {
			return nil, err
		}
	}
	if err := e.checkRules(m, "read", ids); err != nil {
		return nil, err
	}
	if m.name == "hr.employee" && slices.ContainsFunc(names, func(n string) bool { return n == "contract_id" || n == "contracts_count" }) {
		if err := e.checkAccess(e.model("hr.contract"), "read"); err != nil { // they are computed with the user's rights
			return nil, err
		}
	}
	masked := m.name == "hr.leave" && slices.Contains(names, "name") && !e.inGroup("hr_holidays.group_hr_holidays_user") && e.uid != superuser
	if masked && !slices.Contains(names, "employee_id") {
		names = append(slices.Clone(names), "employee_id")
	}
	keys := []string{"id"}
	var fields []*field
	for _, n := range names {
		if f := m.field(n); f != nil && n != "id" && !slices.Contains(keys, n) {
			keys, fields = append(keys, n), append(fields, f)
		}
	}
	e.names = map[rowKey]string{}
	t := e.rows(m.name)
	out := make([]dict, 0, len(ids))
	for _, id := range ids {
		r := t.rows[id]
		if r == nil {
			continue
		}
		vals := make([]any, 1, len(keys))
		vals[0] = id
		for _, f := range fields {
			v := e.show(m, r, f, classic)
			if masked && f.name == "name" && e.refOf("hr.employee", r.ref(m.field("employee_id")), "user_id") != e.uid {
				v = "*****" // the reason of somebody else's leave
			}
			vals = append(vals, v)
		}
		out = append(out, dict{keys, vals})
	}
	return out, nil
}

// selfReadable lets users read some fields of their own record without rights on res.users (SELF_READABLE_FIELDS).
func (e *env) selfReadable(m *model, ids []int64, names []string) bool {
	own := []string{
		"signature", "company_id", "login", "email", "name", "image", "image_medium", "image_small", "lang", "tz",
		"tz_offset", "groups_id", "partner_id", "__last_update", "action_id",
	}
	return m.name == "res.users" && len(ids) == 1 && ids[0] == e.uid &&
		!slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(own, n) })
}

// show is one value as a read answers it: convert_to_read.
func (e *env) show(m *model, r *row, f *field, classic bool) any {
	switch f.typ {
	case "one2many", "many2many":
		if f.inherited {
			via := m.field(m.parentField)
			if p := e.row(m.parent, r.ref(via)); p != nil {
				return e.show(e.model(m.parent), p, e.model(m.parent).field(f.name), classic)
			}
			return []int64{}
		}
		return e.visibleLinks(m, r, f)
	}
	v := e.anyValue(m, r, f)
	if v == nil {
		return f.empty()
	}
	switch x := v.(type) {
	case int64:
		if f.typ == "many2one" {
			if !classic {
				return x
			}
			return []any{x, e.nameOf(f.relation, x)}
		}
	case stamp:
		return x.String()
	case string:
		if f.typ == "binary" && truthy(e.context["bin_size"]) {
			return humanSize(base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(x, "="))))
		}
	}
	return v
}

// anyValue is a field's value whether it is stored or computed; nil is empty.
func (e *env) anyValue(m *model, r *row, f *field) any {
	if f.col >= 0 || logColumns[f.name] {
		return e.stored(m, r, f)
	}
	return e.computed(m, r, f)
}

// computed is the value of a field that is not stored here. What no behaviour computes is empty, as on a database where nobody
// uses the module concerned.
func (e *env) computed(m *model, r *row, f *field) any {
	switch f.name {
	case "display_name":
		return e.nameOf(m.name, r.id)
	case "__last_update":
		return stampOrNil(max(r.written, r.created))
	}
	if f.name == "message_is_follower" && !f.inherited {
		return slices.Contains(e.followers(m, r), e.refOf("res.users", e.uid, "partner_id"))
	}
	if target, ok := activityFields[f.name]; ok && !f.inherited && m.name != "mail.activity" {
		return e.nextActivity(m, r, target)
	}
	if b := behaviours[m.name]; b != nil && b.compute[f.name] != nil {
		return b.compute[f.name](e, m, r)
	}
	if f.inherited {
		via := m.field(m.parentField)
		parent := e.model(m.parent)
		if p := e.row(m.parent, r.ref(via)); p != nil {
			return e.anyValue(parent, p, parent.field(f.name))
		}
		return nil
	}
	return e.stored(m, r, f)
}

// links are the ids behind an x2many, as stored.
func (e *env) links(m *model, r *row, f *field) []int64 {
	if f.inherited {
		via, parent := m.field(m.parentField), e.model(m.parent)
		if p := e.row(m.parent, r.ref(via)); p != nil {
			return e.links(parent, p, parent.field(f.name))
		}
		return nil
	}
	co := e.model(f.relation)
	if co == nil {
		return nil
	}
	switch {
	case f.name == "website_message_ids": // the portal's conversation, which nobody leads here
		return nil
	case f.through != nil:
		return e.throughLinks(f, r.id)
	case f.name == "message_partner_ids":
		return e.followers(m, r)
	case f.typ == "one2many":
		inverse := co.field(f.inverse)
		if inverse != nil && f.inverse == "res_id" {
			return e.attached(co, m.name, r.id)
		}
		if inverse == nil || inverse.typ != "many2one" || inverse.col < 0 {
			return nil
		}
		return e.rows(co.name).referring(inverse, r.id)
	case f.mirror != "":
		return e.rows(co.name).linking(co.field(f.mirror), r.id)
	}
	ids, _ := r.at(f).([]int64)
	return ids
}

// followers are the partners that follow a record.
func (e *env) followers(m *model, r *row) []int64 {
	var out []int64
	for _, id := range e.attached(e.model("mail.followers"), m.name, r.id) {
		if p := e.refOf("mail.followers", id, "partner_id"); p != 0 {
			out = append(out, p)
		}
	}
	return out
}

// attached are the records of a model that name their target by model and number: messages, followers, activities.
func (e *env) attached(co *model, model string, id int64) []int64 {
	mf, rf := co.field("res_model"), co.field("res_id")
	if mf == nil {
		mf = co.field("model")
	}
	key := func(r *row) any { n, _ := r.at(rf).(int64); return rowKey{r.str(mf), n} }
	return e.rows(co.name).find("record", key, rowKey{model, id})
}

// visibleLinks are the ids a read shows: archived ones left out (active_test), in the order of the other model.
func (e *env) visibleLinks(m *model, r *row, f *field) []int64 {
	co, ids := e.model(f.relation), e.links(m, r, f)
	if co == nil || len(ids) == 0 {
		return []int64{}
	}
	t := e.rows(co.name)
	out := make([]int64, 0, len(ids))
	for _, id := range ids {
		if e.visible(co, t.rows[id]) {
			out = append(out, id)
		}
	}
	if less, err := e.orderBy(co, ""); err == nil && less != nil {
		less(out)
	}
	return out
}

// nameOf is the display name of one record, as OdooBot sees it; cached for the length of one read.
func (e *env) nameOf(model string, id int64) string {
	key := rowKey{model, id}
	if name, ok := e.names[key]; ok {
		return name
	}
	name := e.displayName(model, id)
	if e.names != nil {
		e.names[key] = name
	}
	return name
}

func (e *env) displayName(model string, id int64) string {
	m, r := e.model(model), e.row(model, id)
	if m == nil || r == nil {
		return model + "," + strconv.FormatInt(id, 10)
	}
	if b := behaviours[model]; b != nil && b.nameGet != nil {
		return b.nameGet(e, m, r)
	}
	f := m.field(m.recName)
	if m.recName == "" || f == nil {
		return model + "," + strconv.FormatInt(id, 10)
	}
	switch v := e.anyValue(m, r, f).(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		if f.typ == "many2one" {
			return e.nameOf(f.relation, v)
		}
		return pyRepr(v)
	default:
		return pyStr(v)
	}
}

// humanSize is odoo/tools/misc.py's human_size.
func humanSize(n int) string {
	units := []string{"bytes", "Kb", "Mb", "Gb"}
	s, i := float64(n), 0
	for s >= 1024 && i < len(units)-1 {
		s /= 1024
		i++
	}
	return fmt.Sprintf("%0.2f %s", s, units[i])
}
