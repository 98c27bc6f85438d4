package odootest

import (
	"fmt"
	"maps"
	"slices"
)

// ormMethods are the methods of every model.
var ormMethods map[string]method

func init() {
	ormMethods = map[string]method{
		"search": {params: []string{"args", "offset", "limit", "order", "count"}, need: 1, run: func(c *call) (any, error) {
			ids, err := c.searchArgs("args")
			if truthy(c.arg("count")) {
				return int64(len(ids)), err
			}
			return ids, err
		}},
		"search_count": {params: []string{"args"}, need: 1, run: func(c *call) (any, error) {
			ids, err := c.searchArgs("args")
			return int64(len(ids)), err
		}},
		"search_read": {params: []string{"domain", "fields", "offset", "limit", "order"}, run: searchRead},
		"read": {multi: true, params: []string{"fields", "load"}, run: func(c *call) (any, error) {
			names, err := c.names("fields")
			if err != nil {
				return nil, err
			}
			load, given := c.args["load"]
			return c.e.read(c.m, c.ids, names, !given || load == "_classic_read")
		}},
		"create": {params: []string{"vals_list"}, need: 1, run: createMethod},
		"write": {multi: true, params: []string{"vals"}, need: 1, run: func(c *call) (any, error) {
			vals, ok := c.arg("vals").(map[string]any)
			if !ok {
				return nil, rawFault("AttributeError: '" + pyType(c.arg("vals")) + "' object has no attribute 'items'")
			}
			return true, c.e.write(c.m, c.ids, vals)
		}},
		"unlink": {multi: true, run: func(c *call) (any, error) { return true, c.e.unlink(c.m, c.ids) }},
		"exists": {multi: true, run: func(c *call) (any, error) {
			return slices.DeleteFunc(c.ids, func(id int64) bool { return c.e.row(c.m.name, id) == nil }), nil
		}},
		"browse": {loose: true, run: func(*call) (any, error) { return recordsetResult, nil }},
		"get_external_id": {multi: true, run: func(c *call) (any, error) {
			if len(c.ids) == 0 {
				return values{}, nil
			}
			return intKeysResult, nil
		}},
		"toggle_active": {multi: true, run: func(c *call) (any, error) {
			for _, id := range c.ids {
				active, _ := c.e.value(c.m.name, id, "active").(bool)
				if err := c.e.write(c.m, []int64{id}, values{"active": !active}); err != nil {
					return nil, err
				}
			}
			return noneResult, nil
		}},
		"copy":         {multi: true, params: []string{"default"}, run: copyMethod},
		"name_get":     {multi: true, run: nameGetMethod},
		"name_search":  {params: []string{"name", "args", "operator", "limit"}, run: nameSearchMethod},
		"name_create":  {params: []string{"name"}, need: 1, run: nameCreateMethod},
		"default_get":  {params: []string{"fields_list"}, need: 1, run: defaultGetMethod},
		"fields_get":   {params: []string{"allfields", "attributes"}, run: fieldsGetMethod},
		"get_metadata": {multi: true, run: metadataMethod},
		"load":         {params: []string{"fields", "data"}, need: 2, run: loadMethod},
		"export_data":  {multi: true, params: []string{"fields_to_export", "raw_data"}, need: 1, run: exportMethod},
		"read_group":   {params: []string{"domain", "fields", "groupby", "offset", "limit", "orderby", "lazy"}, need: 3, run: readGroupMethod},
		"check_access_rights": {params: []string{"operation", "raise_exception"}, need: 1, run: func(c *call) (any, error) {
			op := c.textArg("operation")
			if !slices.Contains([]string{"read", "write", "create", "unlink"}, op) {
				return nil, rawFault("AssertionError: Invalid access mode")
			}
			if raise, given := c.args["raise_exception"]; given && !truthy(raise) {
				return c.e.mayAccess(c.m, op), nil
			}
			return true, c.e.checkAccess(c.m, op)
		}},
		"check_access_rule": {multi: true, params: []string{"operation"}, need: 1, run: func(c *call) (any, error) {
			return noneResult, c.e.checkRules(c.m, c.textArg("operation"), c.ids)
		}},
	}
}

func searchRead(c *call) (any, error) {
	names, err := c.names("fields")
	if err != nil {
		return nil, err
	}
	ids, err := c.searchArgs("domain")
	if err != nil || len(ids) == 0 {
		return []any{}, err
	}
	return c.e.read(c.m, ids, names, true)
}

func createMethod(c *call) (any, error) {
	switch v := c.arg("vals_list").(type) {
	case map[string]any:
		return c.e.create(c.m, v)
	case []any:
		ids := []int64{}
		for _, x := range v {
			vals, ok := x.(map[string]any)
			if !ok {
				return nil, rawFault("AttributeError: '" + pyType(x) + "' object has no attribute 'get'")
			}
			id, err := c.e.create(c.m, vals)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	return nil, rawFault("TypeError: create() argument must be a dict or a list")
}

func copyMethod(c *call) (any, error) {
	if len(c.ids) != 1 {
		return nil, pythonFault("ValueError", "Expected singleton: "+c.m.name+pyTuple(idList(c.ids)))
	}
	r := c.e.row(c.m.name, c.ids[0])
	if r == nil {
		return nil, missing(fmt.Sprintf("Record does not exist or has been deleted.\n\n(Records: %s, User: %d)", pyRepr(c.ids), c.e.uid))
	}
	vals := values{}
	for _, name := range c.m.names {
		f := c.m.fields[name]
		if f.nocopy || f.computed || logColumns[name] || f.typ == "one2many" || f.col < 0 || name == "resource_id" || name == "parent_path" {
			continue
		}
		switch v := r.at(f).(type) {
		case nil:
		case []int64:
			vals[name] = []any{[]any{int64(6), int64(0), idList(v)}}
		default:
			vals[name] = v
		}
	}
	if name, _ := vals["name"].(string); name != "" && (c.m.name == "res.partner" || c.m.name == "hr.job" || c.m.name == "resource.resource") {
		vals["name"] = name + " (copy)"
	}
	if given, ok := c.arg("default").(map[string]any); ok {
		maps.Copy(vals, given)
	}
	return c.e.create(c.m, vals)
}

func (e *env) pairs(m *model, ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = []any{id, e.nameOf(m.name, id)}
	}
	return out
}

func nameGetMethod(c *call) (any, error) {
	if err := c.e.checkAccess(c.m, "read"); err != nil {
		return nil, err
	}
	var gone []int64
	for _, id := range c.ids {
		if c.e.row(c.m.name, id) == nil {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		return nil, missing(fmt.Sprintf("Record does not exist or has been deleted.\n\n(Records: %s, User: %d)", pyRepr(gone[:min(len(gone), 6)]), c.e.uid))
	}
	return c.e.pairs(c.m, c.ids), c.e.checkRules(c.m, "read", c.ids)
}

func nameSearchMethod(c *call) (any, error) {
	domain, err := c.domainArg("args")
	if err != nil {
		return nil, err
	}
	op, limit := "ilike", int64(100)
	if s := c.textArg("operator"); s != "" {
		op = s
	}
	if v, given := c.args["limit"]; given {
		limit, _ = toInt(v)
	}
	var name any = ""
	if v, given := c.args["name"]; given {
		name = v
	}
	ids, err := c.e.nameSearchAny(c.m, name, op, domain, limit)
	if err != nil {
		return nil, err
	}
	return c.e.pairs(c.m, ids), nil
}

func nameCreateMethod(c *call) (any, error) {
	if c.m.recName == "" {
		return false, nil
	}
	name := pyStr(c.arg("name"))
	vals := values{c.m.recName: name}
	if c.m.name == "res.partner" {
		if m := mailForm.FindStringSubmatch(name); m != nil {
			vals = values{"name": m[1], "email": m[2]}
		}
	}
	if c.m.name == "hr.department" {
		vals["name"] = name
	}
	id, err := c.e.create(c.m, vals)
	if err != nil {
		return nil, err
	}
	return []any{id, c.e.nameOf(c.m.name, id)}, nil
}

func defaultGetMethod(c *call) (any, error) {
	names, err := c.names("fields_list")
	if err != nil {
		return nil, err
	}
	all := values{}
	c.e.addDefaults(c.m, all)
	out := values{}
	for _, n := range names {
		if v, ok := all[n]; ok && truthy(v) {
			out[n] = v
		}
	}
	return out, nil
}

func metadataMethod(c *call) (any, error) {
	out := []any{}
	for _, id := range c.ids {
		r := c.e.row(c.m.name, id)
		if r == nil {
			continue
		}
		d := values{"id": id, "xmlid": false, "noupdate": false}
		for _, n := range []string{"create_uid", "create_date", "write_uid", "write_date"} {
			d[n] = c.e.show(c.m, r, c.m.field(n), true)
		}
		data := c.e.model("ir.model.data")
		for _, x := range c.e.xmlRowsOf(c.m.name, id) {
			xr := c.e.row(data.name, x)
			d["xmlid"] = xr.str(data.field("module")) + "." + xr.str(data.field("name"))
			d["noupdate"] = xr.flag(data.field("noupdate"))
		}
		out = append(out, d)
	}
	return out, nil
}
