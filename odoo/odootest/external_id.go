package odootest

import (
	"strings"
)

func init() {
	behaviours["ir.model.data"] = &behaviour{
		defaults: func(e *env, _ *model) values {
			return values{"date_init": e.tx.stamp.String(), "date_update": e.tx.stamp.String()}
		},
		compute: map[string]func(*env, *model, *row) any{
			"complete_name": func(_ *env, m *model, r *row) any { return r.str(m.field("module")) + "." + r.str(m.field("name")) },
			"reference": func(_ *env, m *model, r *row) any {
				return r.str(m.field("model")) + "," + pyRepr(r.at(m.field("res_id")))
			},
		},
		nameGet: func(e *env, m *model, r *row) string {
			model := r.str(m.field("model"))
			if id, _ := r.at(m.field("res_id")).(int64); e.row(model, id) != nil {
				if name := e.nameOf(model, id); name != "" {
					return name
				}
			}
			return r.str(m.field("module")) + "." + r.str(m.field("name"))
		},
		methods: map[string]method{
			"xmlid_to_res_id": {params: []string{"xmlid", "raise_if_not_found"}, need: 1, run: func(c *call) (any, error) {
				_, id, err := c.xmlID()
				return falseFor(id), err
			}},
			"xmlid_to_res_model_res_id": {params: []string{"xmlid", "raise_if_not_found"}, need: 1, run: func(c *call) (any, error) {
				model, id, err := c.xmlID()
				if id == 0 {
					return []any{false, false}, err
				}
				return []any{model, id}, err
			}},
			"get_object_reference": {params: []string{"module", "xml_id"}, need: 2, run: func(c *call) (any, error) {
				full := pyStr(c.arg("module")) + "." + pyStr(c.arg("xml_id"))
				model, id := c.e.xmlID(full)
				if id == 0 {
					return nil, pythonFault("ValueError", "External ID not found in the system: "+full)
				}
				return []any{model, id}, nil
			}},
		},
	}
}

func falseFor(id int64) any {
	if id == 0 {
		return false
	}
	return id
}

func (c *call) xmlID() (string, int64, error) {
	full := pyStr(c.arg("xmlid"))
	if !strings.Contains(full, ".") {
		return "", 0, rawFault("ValueError: not enough values to unpack (expected 2, got 1)")
	}
	model, id := c.e.xmlID(full)
	if id == 0 && truthy(c.arg("raise_if_not_found")) {
		return "", 0, pythonFault("ValueError", "External ID not found in the system: "+full)
	}
	return model, id, nil
}
