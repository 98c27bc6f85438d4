package odootest

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// exportMethod is export_data: paths of fields, external ids made up where a record has none.
func exportMethod(c *call) (any, error) {
	paths, err := c.names("fields_to_export")
	if err != nil {
		return nil, err
	}
	data := []any{}
	for _, id := range c.ids {
		line := []any{}
		for _, p := range paths {
			v, err := c.e.export(c.m, id, strings.Split(p, "/"))
			if err != nil {
				return nil, err
			}
			line = append(line, v)
		}
		data = append(data, line)
	}
	return values{"datas": data}, nil
}

func (e *env) export(m *model, id int64, path []string) (any, error) {
	r := e.row(m.name, id)
	f := m.field(path[0])
	switch {
	case r == nil:
		return false, nil
	case path[0] == "id":
		return e.exportID(m, id)
	case path[0] == ".id":
		return fmt.Sprint(id), nil
	case f == nil:
		return nil, pythonFault("KeyError", pyQuote(path[0]))
	}
	if f.typ == "many2one" {
		target, _ := e.anyValue(m, r, f).(int64)
		switch {
		case target == 0:
			return false, nil
		case len(path) > 1:
			return e.export(e.model(f.relation), target, path[1:])
		}
		return e.nameOf(f.relation, target), nil
	}
	return e.show(m, r, f, true), nil
}

func (e *env) exportID(m *model, id int64) (any, error) {
	data := e.model("ir.model.data")
	if ids := e.xmlRowsOf(m.name, id); len(ids) > 0 {
		r := e.row(data.name, ids[0])
		return r.str(data.field("module")) + "." + r.str(data.field("name")), nil
	}
	full := fmt.Sprintf("__export__.%s_%d_%08x", m.table, id, crc32.ChecksumIEEE(fmt.Append(nil, m.name, id)))
	return full, e.sudo().setXMLID(full, m, id, false, false)
}

// readGroupMethod is read_group for groups by scalar fields and by the month, day or year of a date; numbers are summed. Grouping by
// a many2one faults, as it did on the recorded server.
func readGroupMethod(c *call) (any, error) {
	domain, err := c.domainArg("domain")
	if err != nil {
		return nil, err
	}
	fields, err := c.names("fields")
	if err != nil {
		return nil, err
	}
	group, _ := c.arg("groupby").(string)
	if list, ok := c.arg("groupby").([]any); ok && len(list) > 0 {
		group = pyStr(list[0])
	}
	name, grain, _ := strings.Cut(group, ":")
	f := c.m.field(name)
	if f == nil {
		return nil, pythonFault("KeyError", pyQuote(name))
	}
	if f.typ == "many2one" {
		return nil, rawFault("psycopg2.OperationalError: Unable to use a closed cursor.")
	}
	ids, err := c.e.search(c.m, domain, searchOptions{order: "id"})
	if err != nil {
		return nil, err
	}
	buckets := map[string][]int64{}
	keys := []any{}
	for _, id := range ids {
		key := c.e.anyValue(c.m, c.e.row(c.m.name, id), f)
		if s, ok := key.(stamp); ok {
			key = s.Time().Format(map[string]string{"day": time.DateOnly, "year": "2006"}[grain] + map[bool]string{true: "2006-01"}[grain == "" || grain == "month"])
		}
		if key == nil {
			key = f.empty()
		}
		if _, seen := buckets[pyRepr(key)]; !seen {
			keys = append(keys, key)
		}
		buckets[pyRepr(key)] = append(buckets[pyRepr(key)], id)
	}
	slices.SortStableFunc(keys, compareValues)
	lazy, given := c.args["lazy"]
	out := []any{}
	for _, key := range keys {
		out = append(out, c.group(f, group, grain, key, domain, fields, buckets[pyRepr(key)], given && !truthy(lazy)))
	}
	return out, nil
}

func (c *call) group(f *field, group, grain string, key any, domain []any, fields []string, ids []int64, eager bool) values {
	g := values{}
	for _, n := range fields {
		name, _, _ := strings.Cut(n, ":")
		sumOf := c.m.field(name)
		if sumOf == nil || name == "id" || sumOf == f || sumOf.typ != "integer" && sumOf.typ != "float" && sumOf.typ != "monetary" {
			continue
		}
		whole, broken := int64(0), 0.0
		for _, id := range ids {
			switch v := c.e.anyValue(c.m, c.e.row(c.m.name, id), sumOf).(type) {
			case int64:
				whole += v
			case float64:
				broken += v
			}
		}
		if sumOf.typ == "integer" {
			g[name] = whole
		} else {
			g[name] = broken
		}
	}
	counter := f.name + "_count"
	if eager {
		counter = "__count"
	}
	g[counter] = int64(len(ids))
	g[group] = key
	cond := []any{[]any{f.name, "=", key}}
	if s, ok := key.(string); ok && f.typ == "datetime" {
		g[group], cond = span(f.name, grain, s)
	}
	g["__domain"] = append(cond, domain...)
	return g
}

// span is the label and the domain of one period.
func span(name, grain, key string) (string, []any) {
	layout, label := "2006-01", "January 2006"
	next := func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	switch grain {
	case "day":
		layout, label = time.DateOnly, "02 Jan 2006"
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	case "year":
		layout, label = "2006", "2006"
		next = func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	}
	t, err := time.Parse(layout, key)
	if err != nil {
		return key, nil
	}
	return t.Format(label), []any{"&", []any{name, ">=", stampOf(t).String()}, []any{name, "<", stampOf(next(t)).String()}}
}
