package odootest

import (
	"slices"
	"testing"

	"dingbridge/odoo"
	"dingbridge/odoo/stock"
)

// TestFieldsGetIsTheRecordedOne compares what a client learns from fields_get with what was recorded of a stock server.
func TestFieldsGetIsTheRecordedOne(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	for _, model := range []string{"hr.employee", "hr.department", "res.partner", "res.users", "hr.job", "hr.leave", "ir.model.data", "sale.order"} {
		want, _ := stock.Fields(model)
		got, err := c.FieldsGet(ctx(), model)
		w.must(err)
		if len(got) != len(want) {
			t.Errorf("%s: %d fields, recorded %d", model, len(got), len(want))
		}
		for name, f := range want {
			if g := got[name]; !same(g, f) {
				t.Errorf("%s.%s:\n got %+v\nwant %+v", model, name, g, f)
			}
		}
	}
}

func same(a, b odoo.Field) bool {
	return slices.Equal(a.Selection, b.Selection) && a.Name == b.Name && a.Type == b.Type && a.Relation == b.Relation && a.RelationField == b.RelationField && a.String == b.String &&
		a.Required == b.Required && a.Readonly == b.Readonly && a.Store == b.Store && a.Searchable == b.Searchable && a.Sortable == b.Sortable && a.Size == b.Size
}
