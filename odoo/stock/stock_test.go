package stock

import (
	"slices"
	"testing"

	"dingbridge/odoo"
)

// types are all field types of Odoo 12 (odoo/fields.py) that the stock models use.
var types = []string{"binary", "boolean", "char", "date", "datetime", "float", "html", "integer", "many2many", "many2one", "monetary", "one2many", "reference", "selection", "text"}

func TestEveryModelIsWhole(t *testing.T) {
	names := Models()
	if len(names) < 60 || !slices.IsSorted(names) {
		t.Errorf("%d models: %v", len(names), names)
	}
	for _, model := range names {
		fields, ok := Fields(model)
		if !ok || len(fields) < 5 {
			t.Errorf("%s: %v, %d fields", model, ok, len(fields))
		}
		for name, f := range fields {
			if f.Name != name || !slices.Contains(types, f.Type) || f.String == "" {
				t.Errorf("%s.%s: %+v", model, name, f)
			}
			relational := f.Type == "many2one" || f.Type == "one2many" || f.Type == "many2many"
			if relational != (f.Relation != "") {
				t.Errorf("%s.%s: a %s to %q", model, name, f.Type, f.Relation)
			}
		}
		if id := fields["id"]; id.Type != "integer" || !id.Store {
			t.Errorf("%s: id is %+v", model, id)
		}
	}
}

func TestFieldsThatMappingsRestOn(t *testing.T) {
	for _, c := range []struct {
		model string
		want  odoo.Field
	}{
		{"hr.employee", odoo.Field{Name: "mobile_phone", Type: "char", String: "Work Mobile", Store: true, Searchable: true, Sortable: true}},
		{"hr.employee", odoo.Field{Name: "department_id", Type: "many2one", Relation: "hr.department", String: "Department", Store: true, Searchable: true, Sortable: true}},
		{"hr.employee", odoo.Field{Name: "child_ids", Type: "one2many", Relation: "hr.employee", RelationField: "parent_id", String: "Subordinates", Store: true, Searchable: true, Sortable: true}},
	} {
		fields, _ := Fields(c.model)
		got := fields[c.want.Name]
		if got.Type != c.want.Type || got.Relation != c.want.Relation || got.RelationField != c.want.RelationField || got.String != c.want.String ||
			got.Store != c.want.Store || got.Searchable != c.want.Searchable || got.Sortable != c.want.Sortable {
			t.Errorf("%s.%s: %+v", c.model, c.want.Name, got)
		}
	}
	fields, _ := Fields("hr.employee")
	if f := fields["attendance_state"]; f.Store || f.Searchable || !f.Readonly || !slices.Contains(f.Selection, [2]string{"checked_in", "Checked in"}) {
		t.Errorf("attendance_state: %+v", f)
	}
}

func TestUnknownModelsAndOwnCopies(t *testing.T) {
	if _, ok := Fields("no.such.model"); ok {
		t.Error("an unknown model is known")
	}
	fields, _ := Fields("hr.employee")
	clear(fields)
	if again, _ := Fields("hr.employee"); len(again) == 0 {
		t.Error("a caller emptied the models")
	}
}
