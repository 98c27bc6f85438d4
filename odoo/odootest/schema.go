package odootest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"dingbridge/odoo/stock"
)

// orm.json holds what fields_get does not tell about the stock models: descriptions, orders, SQL constraints, defaults, what a
// deletion does, relation tables, access rights. It was extracted from the model definitions and ir.model.access.csv files of
// the modules named in the recorded ir.module.module list.
//
//go:embed orm.json
var ormJSON []byte

type ormFile struct {
	Models map[string]ormModel `json:"models"`
	Access [][4]string         `json:"access"` // model, group's external id or "", "rwcd" with dashes, external id of the rule
}

type ormModel struct {
	Description string               `json:"description"`
	Order       string               `json:"order"`
	RecName     string               `json:"rec_name"`
	Table       string               `json:"table"`
	ParentStore bool                 `json:"parent_store"`
	NoLog       bool                 `json:"no_log"`
	Unique      []unique             `json:"unique"`
	Fields      map[string]ormField  `json:"fields"`
	Hidden      map[string][2]string `json:"hidden"` // fields that fields_get hid from the administrator: type and groups
}

type ormField struct {
	Groups    string `json:"groups"`
	Translate bool   `json:"translate"`
	OnDelete  string `json:"ondelete"`
	Default   any    `json:"default"`
	NoCopy    bool   `json:"nocopy"`
	Related   string `json:"related"`
	Computed  bool   `json:"computed"`
	Rel       string `json:"rel"`
	Col       string `json:"col"`
	Property  bool   `json:"property"`
	Dynamic   bool   `json:"dynamic"`
}

type unique struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Message string   `json:"message"` // "" = PostgreSQL's own words
}

// field is one field of a model.
type field struct {
	name, typ, label, relation, inverse      string
	required, readonly, store, search, order bool
	manual, translate, computed, nocopy      bool
	selection                                [][2]string
	size                                     int
	groups                                   []string
	onDelete                                 string // "set null", "cascade", "restrict"
	def                                      any
	rel, relCol                              string   // many2many: the relation table and this side's column
	mirror                                   string   // many2many stored on the other model: that model's field
	through                                  *through // many2many: the model that is its relation table
	related                                  []string
	inherited                                bool // comes from the _inherits parent
	property                                 bool // kept in ir.property or another model's table by the real server, in a column here
	dynamic                                  bool // its default is computed, by code that may not be here: never NULL in real life
	id                                       int64
	col                                      int // -1: no column
}

// model is one model with its fields. A model is immutable; a manual field makes a new one.
type model struct {
	name, description, table, order, recName string
	parentStore, noLog, manual               bool
	unique                                   []unique
	fields                                   map[string]*field
	names                                    []string // sorted
	cols                                     []*field
	parent                                   string // _inherits: the model and the many2one to it
	parentField                              string
	id                                       int64
}

func (m *model) field(name string) *field { return m.fields[name] }

// logColumns are kept beside the values: their own row members.
var logColumns = map[string]bool{"id": true, "create_uid": true, "create_date": true, "write_uid": true, "write_date": true}

// clone copies the model for a change of its fields; columns keep their places.
func (m *model) clone() *model {
	c := *m
	c.fields = maps.Clone(m.fields)
	c.names = slices.Clone(m.names)
	c.cols = slices.Clone(m.cols)
	return &c
}

func (m *model) add(f *field) {
	f.col = -1
	switch {
	case !f.store && !f.property || f.typ == "one2many" || f.mirror != "" || logColumns[f.name]:
	default:
		f.col = len(m.cols)
		m.cols = append(m.cols, f)
	}
	m.fields[f.name] = f
	if i, ok := slices.BinarySearch(m.names, f.name); !ok {
		m.names = slices.Insert(m.names, i, f.name)
	}
}

// remove drops a manual field. Its column stays, unused.
func (m *model) remove(name string) {
	delete(m.fields, name)
	if i, ok := slices.BinarySearch(m.names, name); ok {
		m.names = slices.Delete(m.names, i, i+1)
	}
}

// recordedIDs are the ir.model ids of the recorded database; the others are numbered around them.
var recordedIDs = map[string]int64{
	"res.partner": 74, "res.users": 86, "hr.employee": 183, "hr.department": 184, "hr.leave": 221,
	"hr.leave.allocation": 222, "hr.expense.sheet": 305, "sale.order": 318,
}

const firstManualModel, firstManualField = 330, 6315

var stockModels = sync.OnceValues(buildStock)

// buildStock makes the registry of a stock database from the recorded fields and orm.json.
func buildStock() (map[string]*model, error) {
	var orm ormFile
	if err := unmarshalORM(&orm); err != nil {
		return nil, err
	}
	models := map[string]*model{}
	for _, name := range stock.Models() {
		o, ok := orm.Models[name]
		if !ok {
			continue
		}
		fields, _ := stock.Fields(name)
		m := newModel(name, o.Description)
		m.unique, m.parentStore, m.noLog = o.Unique, o.ParentStore, o.NoLog
		if o.Order != "" {
			m.order = o.Order
		}
		if o.Table != "" {
			m.table = o.Table
		}
		for _, fname := range sortedKeys(fields) {
			s, x := fields[fname], o.Fields[fname]
			f := &field{
				name: fname, typ: s.Type, label: s.String, relation: s.Relation, inverse: s.RelationField,
				required: s.Required, readonly: s.Readonly, store: s.Store, search: s.Searchable, order: s.Sortable,
				selection: s.Selection, size: s.Size, translate: x.Translate, computed: x.Computed, nocopy: x.NoCopy,
				onDelete: x.OnDelete, def: literal(x.Default), rel: x.Rel, relCol: x.Col, dynamic: x.Dynamic,
			}
			template := name == "product.product" && !s.Store && !x.Computed && s.Type != "one2many" // the template's, which is no model here
			if x.Property || template {                                                              // stored in ir.property: here a column that polling cannot sort by
				f.property, f.dynamic = true, true
			}
			if x.Groups != "" {
				f.groups = strings.Split(x.Groups, ",")
			}
			if x.Related != "" && !s.Store {
				f.related = strings.Split(x.Related, ".")
			}
			m.add(f)
		}
		for fname, h := range o.Hidden {
			m.add(&field{name: fname, typ: h[0], groups: strings.Split(h[1], ",")})
		}
		if name == "res.users" {
			m.cols = append(m.cols, &field{name: passwordField, typ: "char", store: true, col: len(m.cols)})
		}
		m.recName = o.RecName
		models[name] = m
	}
	for _, m := range minimalModels() {
		models[m.name] = m
	}
	finish(models)
	return models, nil
}

func unmarshalORM(orm *ormFile) error {
	if err := json.Unmarshal(ormJSON, orm); err != nil {
		return fmt.Errorf("odootest: orm.json: %w", err)
	}
	return nil
}

func newModel(name, description string) *model {
	return &model{name: name, description: description, table: strings.ReplaceAll(name, ".", "_"), order: "id", fields: map[string]*field{}}
}

// finish resolves what needs the whole registry: inherited fields, many2many mirrors, record names, ids.
func finish(models map[string]*model) {
	if users := models["res.users"]; users != nil {
		users.parent, users.parentField = "res.partner", "partner_id"
		for name, f := range users.fields {
			if p := models["res.partner"].field(name); p != nil && !f.store {
				f.inherited, f.related = true, []string{"partner_id", name}
			}
		}
	}
	if employee := models["hr.employee"]; employee != nil {
		employee.field("tz").related = []string{"resource_id", "tz"}
		employee.field("resource_id").onDelete = "restrict"
	}
	throughs(models)
	next, nextField := int64(0), int64(0)
	taken := map[int64]bool{}
	for _, id := range recordedIDs {
		taken[id] = true
	}
	for _, name := range sortedKeys(models) {
		m := models[name]
		if m.recName == "" && m.field("name") != nil {
			m.recName = "name"
		}
		if m.id = recordedIDs[name]; m.id == 0 {
			for next++; taken[next]; next++ {
			}
			m.id = next
		}
		for _, fname := range m.names {
			f := m.fields[fname]
			nextField++
			f.id = nextField
			if f.relation != "" && models[f.relation] == nil {
				f.dynamic = true // its records are not kept here, so it cannot be asked for
			}
			if f.typ == "many2one" && f.onDelete == "" {
				f.onDelete = "set null"
			}
			if f.typ == "many2many" && f.store && f.col >= 0 {
				mirrorOf(models, m, f)
			}
		}
	}
}

// mirrorOf lets one side of a many2many that both models show own the links: the side whose model comes first.
func mirrorOf(models map[string]*model, m *model, f *field) {
	co := models[f.relation]
	if co == nil || f.rel == "" {
		return
	}
	for _, name := range co.names {
		g := co.fields[name]
		same := co == m && (g.relCol == "" || g.relCol == f.relCol)
		if g.typ != "many2many" || g.rel != f.rel || g.relation != m.name || g == f || same || g.mirror != "" || g.col < 0 {
			continue
		}
		owner, other := f, g
		if co.name == "res.users" || co.name < m.name && m.name != "res.users" {
			owner, other = g, f
		}
		other.mirror, other.col = owner.name, -1
		return
	}
}

// literal turns JSON's numbers into the ORM's.
func literal(v any) any {
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		return int64(f)
	}
	return v
}
