package odootest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// loader is one run of load (odoo/models.py, load): rows of text become records with external ids, in one batch if all is well,
// else one by one to name the rows at fault; any error undoes everything.
type loader struct {
	e        *env
	m        *model
	columns  [][]string // field paths
	update   bool       // context mode = update: external ids marked noupdate protect their record
	noupdate bool
	module   string
	batch    []loadRow
	pending  map[string]bool // external ids in batch
	ids      []int64
	messages []any
	failed   bool
}

type loadRow struct {
	index int
	xmlID string
	vals  values
}

// importError is a value that cannot be converted; its text may hold %(field)s.
type importError struct {
	text  string
	extra values
}

func (e *importError) Error() string { return e.text }

func loadMethod(c *call) (any, error) {
	names, err := c.names("fields")
	if err != nil {
		return nil, err
	}
	rows, _ := c.arg("data").([]any)
	l := &loader{e: c.e, m: c.m, module: "__import__", update: c.e.context["mode"] == "update", noupdate: truthy(c.e.context["noupdate"]), pending: map[string]bool{}}
	if s, ok := c.e.context["module"].(string); ok {
		l.module = s
	}
	for _, n := range names {
		path := importPath(n)
		if f := c.m.field(path[0]); f == nil && path[0] != ".id" {
			return nil, pythonFault("KeyError", pyQuote(path[0]))
		} else if f != nil && f.typ == "one2many" {
			return nil, pythonFault("NotImplementedError", "the stand-in does not load one2many columns: "+n)
		}
		l.columns = append(l.columns, path)
	}
	mark := c.e.tx.mark()
	for i, raw := range rows {
		if err := l.row(i, raw); err != nil {
			return nil, err
		}
	}
	if err := l.flush(); err != nil {
		return nil, err
	}
	messages := l.messages
	if messages == nil {
		messages = []any{}
	}
	if l.failed {
		c.e.tx.rollbackTo(mark)
		return values{"ids": false, "messages": messages}, nil
	}
	return values{"ids": append([]int64{}, l.ids...), "messages": messages}, nil
}

// importPath splits a column's name; name.id and name:id are old spellings of name/.id and name/id.
func importPath(name string) []string {
	if name != ".id" && strings.HasSuffix(name, ".id") && !strings.HasSuffix(name, "/.id") {
		name = strings.TrimSuffix(name, ".id") + "/.id"
	}
	if strings.HasSuffix(name, ":id") {
		name = strings.TrimSuffix(name, ":id") + "/id"
	}
	return strings.Split(name, "/")
}

// row converts one row and adds it to the batch.
func (l *loader) row(index int, raw any) error {
	cells, _ := raw.([]any)
	out := loadRow{index: index, vals: values{}}
	for i, path := range l.columns {
		var cell any = ""
		if i < len(cells) {
			cell = cells[i]
		}
		switch {
		case path[0] == "id":
			if s, ok := cell.(string); ok {
				out.xmlID = s
			}
		case path[0] == ".id":
			if truthy(cell) {
				if err := l.databaseID(&out, cell); err != nil {
					return err
				}
			}
		default:
			if err := l.cell(&out, path, cell); err != nil {
				return err
			}
		}
	}
	if out.xmlID != "" && !strings.Contains(out.xmlID, ".") {
		out.xmlID = l.module + "." + out.xmlID
	}
	if out.xmlID != "" {
		delete(out.vals, "id")
		l.pending[out.xmlID] = true
	}
	l.batch = append(l.batch, out)
	return nil
}

func (l *loader) databaseID(out *loadRow, cell any) error {
	id, err := strconv.ParseInt(strings.TrimSpace(pyStr(cell)), 10, 64)
	if err == nil {
		found, err := l.e.search(l.m, []any{[]any{"id", "=", id}}, searchOptions{})
		if err != nil {
			return err
		}
		if len(found) == 1 {
			out.vals["id"] = id
			return nil
		}
	}
	l.report(out.index, "error", "Unknown database identifier '"+pyStr(cell)+"'", values{"field": ".id"})
	return nil
}

func (l *loader) cell(out *loadRow, path []string, cell any) error {
	f := l.m.field(path[0])
	if !truthy(cell) {
		out.vals[f.name] = false
		return nil
	}
	v, warning, err := l.convert(f, path, cell)
	var bad *importError
	switch {
	case errors.As(err, &bad):
		l.report(out.index, "error", strings.ReplaceAll(bad.text, "%(field)s", f.label), values{"field": f.name}, bad.extra)
		return nil
	case err != nil:
		return err
	case warning != "":
		l.report(out.index, "warning", strings.ReplaceAll(warning, "%(field)s", f.label), values{"field": f.name})
	}
	out.vals[f.name] = v
	return nil
}

// report adds a message about a row.
func (l *loader) report(index int, kind, text string, extra ...values) {
	l.failed = l.failed || kind == "error"
	m := values{"type": kind, "message": text, "record": int64(index), "rows": values{"from": int64(index), "to": int64(index)}}
	for _, x := range extra {
		maps.Copy(m, x)
	}
	l.messages = append(l.messages, m)
}

// flush creates or updates the rows gathered so far.
func (l *loader) flush() error {
	batch := l.batch
	l.batch, l.pending = nil, map[string]bool{}
	if len(batch) == 0 {
		return nil
	}
	mark := l.e.tx.mark()
	ids, err := l.save(batch)
	if err == nil {
		l.ids = append(l.ids, ids...)
		return nil
	}
	if !isFault(err) {
		return err
	}
	l.e.tx.rollbackTo(mark)
	for _, one := range batch {
		mark := l.e.tx.mark()
		ids, err := l.save([]loadRow{one})
		if err == nil {
			l.ids = append(l.ids, ids...)
			continue
		}
		if !isFault(err) {
			return err
		}
		l.e.tx.rollbackTo(mark)
		l.refused(one, err)
	}
	return nil
}

func isFault(err error) bool { var f *fault; return errors.As(err, &f) }

// refused words an error of saving a row: what PostgreSQL refuses has words of its own.
func (l *loader) refused(one loadRow, err error) {
	var f *fault
	errors.As(err, &f)
	switch {
	case f.sql == nil:
		text := fmt.Sprintf("Unknown error during import: <class '%s'>: %s", f.class, f.args)
		l.report(one.index, "error", text, values{"moreinfo": "Resolve other errors first"})
	case f.sql.field != nil && f.sql.model == l.m.name:
		l.report(one.index, "error", f.sql.text, values{"field": f.sql.field.name})
	default:
		l.report(one.index, "error", f.sql.text)
	}
}

// save is _load_records.
func (l *loader) save(batch []loadRow) ([]int64, error) {
	ids := make([]int64, len(batch))
	sudo := l.e.sudo()
	for i, one := range batch {
		if one.xmlID == "" {
			id, known := one.vals["id"].(int64)
			if !known && l.update {
				return nil, pythonFault("KeyError", "'record'")
			}
			if known {
				ids[i] = id
			}
			continue
		}
		x := sudo.xmlRow(one.xmlID)
		if x == nil {
			continue
		}
		data := sudo.model("ir.model.data")
		target, _ := x.at(data.field("res_id")).(int64)
		switch protected := l.update && x.flag(data.field("noupdate")); {
		case protected:
			ids[i] = -target
		case sudo.row(l.m.name, target) != nil:
			ids[i] = target
		default:
			if err := sudo.delete(data, []int64{x.id}, map[rowKey]bool{}); err != nil {
				return nil, err
			}
		}
	}
	for i, one := range batch {
		if ids[i] > 0 {
			vals := maps.Clone(one.vals)
			delete(vals, "id")
			if err := l.e.write(l.m, []int64{ids[i]}, vals); err != nil {
				return nil, err
			}
		}
	}
	for i, one := range batch {
		if ids[i] == 0 {
			id, err := l.e.createOne(l.m, one.vals)
			if err != nil {
				return nil, err
			}
			ids[i] = id
		}
		ids[i] = max(ids[i], -ids[i])
		if one.xmlID != "" {
			if err := sudo.setXMLID(one.xmlID, l.m, ids[i], l.noupdate, l.update); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// setXMLID is ir.model.data's _update_xmlids: plain SQL, so the rows carry no create_date and no write_date.
func (e *env) setXMLID(full string, m *model, id int64, noupdate, update bool) error {
	if m.parent != "" {
		parent := full + "_" + strings.ReplaceAll(m.parent, ".", "_")
		if err := e.setXMLID(parent, e.model(m.parent), e.refOf(m.name, id, m.parentField), noupdate, update); err != nil {
			return err
		}
	}
	data := e.model("ir.model.data")
	module, name, _ := strings.Cut(full, ".")
	t := e.rows(data.name)
	if x := e.xmlRow(full); x != nil {
		if update && x.flag(data.field("noupdate")) {
			return nil
		}
		return e.blank(data, x.id, data.field("date_update"), e.tx.stamp)
	}
	r := &row{id: t.next, v: make([]any, len(data.cols))}
	t.next++
	columns := values{
		"module": module, "name": name, "model": m.name, "res_id": id, "noupdate": noupdate, "date_init": e.tx.stamp, "date_update": e.tx.stamp,
	}
	for name, v := range columns {
		r.v[data.field(name).col] = v
	}
	return e.tx.put(data.name, r.id, r)
}

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
	if err != nil || len(text) > len("2006-01-02 15:04:05") {
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
