package odootest

import (
	"strings"
)

func init() {
	behaviours["res.partner.category"] = &behaviour{
		nameGet: func(e *env, m *model, r *row) string {
			names := []string{}
			for at := r; at != nil && len(names) < maxDepth; at = e.row(m.name, at.ref(m.field("parent_id"))) {
				name, _ := e.stored(m, at, m.field("name")).(string)
				names = append([]string{name}, names...)
			}
			return strings.Join(names, " / ")
		},
		nameSearch: func(e *env, m *model, name, op string, domain []any, limit int64) ([]int64, bool, error) {
			parts := strings.Split(name, " / ")
			if name != "" {
				domain = append([]any{[]any{"name", op, parts[len(parts)-1]}}, domain...)
			}
			ids, err := e.search(m, domain, searchOptions{limit: limit})
			return ids, true, err
		},
		check: func(e *env, m *model, ids []int64, changed func(string) bool) error {
			for _, id := range ids {
				if changed("parent_id") && e.recursive(m, id, "parent_id") {
					return validation("You can not create recursive tags.")
				}
			}
			return nil
		},
	}
	behaviours["res.company"] = &behaviour{
		defaults: func(e *env, m *model) values {
			return values{"currency_id": orFalse(e.value("res.company", firstID(e.company()), "currency_id"))}
		},
		beforeCreate: func(e *env, m *model, vals values) error {
			if truthy(vals["partner_id"]) || !truthy(vals["name"]) {
				return nil
			}
			id, err := e.create(e.model("res.partner"), values{
				"name": vals["name"], "is_company": true, "customer": false,
				"email": vals["email"], "phone": vals["phone"], "website": vals["website"], "vat": vals["vat"], "company_id": false,
			})
			vals["partner_id"] = id
			return err
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			shared := values{}
			for _, n := range append([]string{"name", "email", "phone"}, partnerOfCompany...) {
				if v, ok := vals[n]; ok {
					shared[n] = v
				}
			}
			for _, id := range ids {
				if len(shared) > 0 {
					if err := e.write(e.model("res.partner"), []int64{e.refOf(m.name, id, "partner_id")}, shared); err != nil {
						return err
					}
				}
			}
			return nil
		},
		inverse: map[string]bool{},
		compute: map[string]func(*env, *model, *row) any{},
	}
	for _, n := range partnerOfCompany {
		behaviours["res.company"].inverse[n] = true
		behaviours["res.company"].compute[n] = func(e *env, m *model, r *row) any {
			return e.value("res.partner", r.ref(m.field("partner_id")), n)
		}
	}
}
