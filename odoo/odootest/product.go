package odootest

func init() {
	behaviours["product.product"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			unit := falseFor(e.firstUnit())
			return values{"type": "consu", "uom_id": unit, "uom_po_id": unit, "sale_ok": true, "purchase_ok": true, "purchase_line_warn": "no-message", "sale_line_warn": "no-message"}
		},
		nameGet: func(e *env, m *model, r *row) string {
			name, _ := e.stored(m, r, m.field("name")).(string)
			if code := r.str(m.field("default_code")); code != "" {
				return "[" + code + "] " + name
			}
			return name
		},
	}
}
