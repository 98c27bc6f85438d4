package odootest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var mailForm = regexp.MustCompile(`^\s*"?(.*?)"?\s*<([^<>@\s]+@[^<>\s]+)>\s*$`)

// fieldsGetMethod describes the fields the user may see (odoo/models.py, fields_get).
func fieldsGetMethod(c *call) (any, error) {
	wanted, err := c.names("allfields")
	if err != nil {
		return nil, err
	}
	attributes, err := c.names("attributes")
	if err != nil {
		return nil, err
	}
	readonly := !c.e.mayAccess(c.m, "write") && !c.e.mayAccess(c.m, "create")
	out := values{}
	for _, name := range c.m.names {
		f := c.m.fields[name]
		if !c.e.allowed(f) || len(wanted) > 0 && !slices.Contains(wanted, name) {
			continue
		}
		d := f.describe()
		if readonly {
			d["readonly"] = true
		}
		if len(attributes) > 0 {
			maps.DeleteFunc(d, func(k string, _ any) bool { return !slices.Contains(attributes, k) })
		}
		out[name] = d
	}
	return out, nil
}

func (f *field) describe() values {
	d := values{
		"type": f.typ, "string": f.label, "readonly": f.readonly, "required": f.required, "store": f.store && !f.inherited,
		"searchable": f.search, "sortable": f.order, "manual": f.manual, "depends": []any{}, "company_dependent": false, "change_default": false,
	}
	switch f.typ {
	case "char", "text", "html":
		d["translate"] = f.translate
		if f.typ != "html" {
			d["trim"] = true
		}
	case "selection":
		options := []any{}
		for _, o := range f.selection {
			options = append(options, []any{o[0], o[1]})
		}
		d["selection"] = options
	case "many2one", "one2many", "many2many":
		d["relation"], d["domain"], d["context"] = f.relation, []any{}, values{}
		if f.typ == "one2many" && f.inverse != "" {
			d["relation_field"] = f.inverse
		}
	}
	if f.size > 0 {
		d["size"] = int64(f.size)
	}
	if len(f.groups) > 0 {
		d["groups"] = strings.Join(f.groups, ",")
	}
	return d
}
