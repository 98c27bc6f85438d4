package odootest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// convert is odoo/addons/base/models/ir_fields.py: text into values.
func (l *loader) convert(f *field, path []string, cell any) (v any, warning string, err error) {
	text := pyStr(cell)
	switch f.typ {
	case "boolean":
		return importBool(text)
	case "integer":
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, "", &importError{text: "'" + text + "' does not seem to be an integer for field '%(field)s'"}
		}
		return n, "", nil
	case "float", "monetary":
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, "", &importError{text: "'" + text + "' does not seem to be a number for field '%(field)s'"}
		}
		return n, "", nil
	case "date":
		d, err := parseDate(text)
		if err != nil || !strings.HasPrefix(text, d) {
			return nil, "", &importError{"'" + text + "' does not seem to be a valid date for field '%(field)s'", values{"moreinfo": "Use the format '2012-12-31'"}}
		}
		return d, "", nil
	case "datetime":
		return l.datetime(text)
	case "selection":
		for _, o := range f.selection {
			if o[0] == text || o[1] == text {
				return o[0], "", nil
			}
		}
		labels := []any{}
		for _, o := range f.selection {
			labels = append(labels, o[1])
		}
		return nil, "", &importError{"Value '" + text + "' not found in selection field '%(field)s'", values{"moreinfo": labels}}
	case "many2one":
		return l.reference(f, path, text)
	case "many2many":
		ids := []any{}
		for part := range strings.SplitSeq(text, ",") {
			id, w, err := l.reference(f, path, part)
			if err != nil {
				return nil, "", err
			}
			ids, warning = append(ids, id), warning+w
		}
		return []any{[]any{int64(6), false, ids}}, warning, nil
	}
	return cell, "", nil
}

func importBool(text string) (any, string, error) {
	switch strings.ToLower(text) {
	case "1", "true", "yes":
		return true, "", nil
	case "", "0", "false", "no":
		return false, "", nil
	}
	return true, "Unknown value '" + text + "' for boolean field '%(field)s', assuming 'yes'", nil
}

// datetime reads a wall-clock time in the context's time zone, else the user's, else UTC.
func (l *loader) datetime(text string) (any, string, error) {
	t, err := parseStamp(text)
	if err != nil || len(text) > len("2006-01-02 15:04:05") || strings.ContainsRune(text, '/') {
		return nil, "", &importError{"'" + text + "' does not seem to be a valid datetime for field '%(field)s'", values{"moreinfo": "Use the format '2012-12-31 23:59:59'"}}
	}
	zones := []string{l.e.text("res.users", l.e.uid, "tz"), "UTC"}
	if s, ok := l.e.context["tz"].(string); ok && s != "" {
		zones = append([]string{s}, zones...)
	}
	for _, zone := range zones {
		if zone == "" {
			continue
		}
		if utc, err := localStamp(t, zone); err == nil {
			return utc.String(), "", nil
		}
	}
	return t.String(), "", nil
}

// reference finds the record a relational cell names: by database id (an archived one is not found), external id or name.
func (l *loader) reference(f *field, path []string, text string) (any, string, error) {
	co := l.e.model(f.relation)
	sub := ""
	if len(path) > 1 {
		sub = path[1]
	}
	more := values{"moreinfo": values{
		"type": "ir.actions.act_window", "target": "new", "view_mode": "tree,form", "view_type": "form",
		"views": []any{[]any{false, "tree"}, []any{false, "form"}}, "help": "See all possible values",
	}}
	action := more["moreinfo"].(values)
	kind := map[string]string{".id": "database id", "id": "external id", "": "name"}[sub]
	if kind == "" || co == nil {
		return nil, "", &importError{text: "Can not create Many-To-One records indirectly, import the field separately"}
	}
	action["res_model"] = f.relation
	if sub != "" {
		action["res_model"], action["domain"] = "ir.model.data", []any{[]any{"model", "=", f.relation}}
	}
	id, warning, err := l.find(co, sub, text)
	if err != nil {
		return nil, "", err
	}
	if id == 0 {
		return nil, "", &importError{fmt.Sprintf("No matching record found for %s '%s' in field '%%(field)s'", kind, text), more}
	}
	return id, warning, nil
}

func (l *loader) find(co *model, sub, text string) (id int64, warning string, err error) {
	switch sub {
	case ".id":
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return 0, "", &importError{text: "Invalid database id '" + text + "' for the field '%(field)s'"}
		}
		ids, err := l.e.search(co, []any{[]any{"id", "=", n}}, searchOptions{})
		if err != nil || len(ids) == 0 {
			return 0, "", err
		}
		return n, "", nil
	case "id":
		full := text
		if !strings.Contains(full, ".") {
			full = l.module + "." + full
		}
		if l.pending[full] {
			if err := l.flush(); err != nil {
				return 0, "", err
			}
		}
		_, id := l.e.xmlID(full)
		return id, "", nil
	}
	if err := l.flush(); err != nil {
		return 0, "", err
	}
	ids, err := l.e.nameSearch(co, text, "=", nil, 100)
	if err != nil || len(ids) == 0 {
		return 0, "", err
	}
	if len(ids) > 1 {
		warning = fmt.Sprintf("Found multiple matches for field '%%(field)s' (%d matches)", len(ids))
	}
	return slices.Min(ids[:1]), warning, nil
}
