package odootest

import (
	"slices"
	"strings"
)

const (
	superuser = 1 // OdooBot: su without rights checks
	adminUser = 2
)

// env is what a model method runs in: the transaction, the user, the context (odoo/api.py, Environment).
type env struct {
	tx        *tx
	db        *database
	uid       int64
	context   map[string]any
	groups    map[int64]bool // of uid, computed once
	names     map[rowKey]string
	rules     map[string]func(*row) bool
	protected map[int64]bool // employees whose related fields are not to be recomputed
}

func newEnv(t *tx, uid int64) *env {
	return &env{tx: t, db: t.db, uid: uid, context: map[string]any{}}
}

// sudo is the same environment as OdooBot: no rights are checked, and OdooBot is who wrote.
func (e *env) sudo() *env {
	if e.uid == superuser {
		return e
	}
	c := newEnv(e.tx, superuser)
	c.context = e.context
	return c
}

// with is the same environment with some context keys replaced.
func (e *env) with(key string, value any) *env {
	c := *e
	c.context = map[string]any{}
	for k, v := range e.context {
		c.context[k] = v
	}
	c.context[key] = value
	c.names = nil
	return &c
}

func (e *env) lang() string { s, _ := e.context["lang"].(string); return s }

func (e *env) model(name string) *model { return e.db.models[name] }
func (e *env) rows(name string) *table  { return e.db.table(name) }
func (e *env) row(name string, id int64) *row {
	if id == 0 {
		return nil
	}
	return e.db.table(name).rows[id]
}

// value reads one stored field of one record; nil when the record or the field is not there.
func (e *env) value(model string, id int64, field string) any {
	r, m := e.row(model, id), e.model(model)
	if r == nil || m == nil {
		return nil
	}
	f := m.field(field)
	if f == nil {
		return nil
	}
	return e.stored(m, r, f)
}

// stored is the value of a field that has one in the database: a column, a log column, or another record's by way of related.
func (e *env) stored(m *model, r *row, f *field) any {
	switch f.name {
	case "id":
		return r.id
	case "create_date":
		return stampOrNil(r.created)
	case "write_date":
		return stampOrNil(r.written)
	case "create_uid":
		return idOrNil(r.createdBy)
	case "write_uid":
		return idOrNil(r.writtenBy)
	}
	if f.col >= 0 {
		if f.translate {
			if s, ok := r.translations[e.lang()][f.col]; ok {
				return s
			}
		}
		return r.at(f)
	}
	if len(f.related) == 2 {
		via := m.field(f.related[0])
		co := e.model(via.relation)
		if target := e.row(via.relation, r.ref(via)); target != nil && co.field(f.related[1]) != nil {
			return e.stored(co, target, co.field(f.related[1]))
		}
	}
	return nil
}

func stampOrNil(s stamp) any {
	if s == 0 { // written by plain SQL: NULL
		return nil
	}
	return s
}

func idOrNil(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// company is the company of the user (res.users.company_id).
func (e *env) company() any { return e.value("res.users", e.uid, "company_id") }

// xmlID finds the record behind an external id; 0 if there is none.
func (e *env) xmlID(full string) (model string, id int64) {
	if r := e.xmlRow(full); r != nil {
		m := e.model("ir.model.data")
		id, _ = r.at(m.field("res_id")).(int64)
		return r.str(m.field("model")), id
	}
	return "", 0
}

func (e *env) xmlRow(full string) *row {
	module, name, ok := strings.Cut(full, ".")
	if !ok {
		return nil
	}
	m := e.model("ir.model.data")
	t := e.rows("ir.model.data")
	mf, nf := m.field("module"), m.field("name")
	ids := t.find("xmlid", func(r *row) any { return r.str(mf) + "\x00" + r.str(nf) }, module+"\x00"+name)
	if len(ids) == 0 {
		return nil
	}
	return t.rows[ids[0]]
}

// xmlRowsOf finds the external ids of one record.
func (e *env) xmlRowsOf(model string, id int64) []int64 {
	m := e.model("ir.model.data")
	mf, rf := m.field("model"), m.field("res_id")
	return e.rows("ir.model.data").find("record", func(r *row) any { n, _ := r.at(rf).(int64); return rowKey{r.str(mf), n} }, rowKey{model, id})
}

// userGroups are the groups of a user with all they imply (what res.users.groups_id holds once written).
func (e *env) userGroups() map[int64]bool {
	if e.groups == nil {
		e.groups = map[int64]bool{}
		ids, _ := e.value("res.users", e.uid, "groups_id").([]int64)
		for _, id := range ids {
			e.groups[id] = true
		}
	}
	return e.groups
}

func (e *env) inGroup(xmlID string) bool {
	_, id := e.xmlID(xmlID)
	return id != 0 && e.userGroups()[id]
}

// allowed tells whether the user may see a field: it has no groups, or the user one of them (ir.model.fields' groups).
func (e *env) allowed(f *field) bool {
	return e.uid == superuser || len(f.groups) == 0 || slices.ContainsFunc(f.groups, func(g string) bool {
		g = strings.TrimSpace(g) // group_no_one counts in debug mode only, which XML-RPC has not
		return g != "base.group_no_one" && e.inGroup(g)
	})
}
