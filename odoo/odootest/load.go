package odootest

import (
	"errors"
	"fmt"
	"maps"
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
	at    place
	xmlID string
	vals  values
}

// place is where a record stands in the data: its number, and the rows it takes, one2many lines included.
type place struct{ record, from, to int }

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
		if err := l.column(path); err != nil {
			return nil, err
		}
		l.columns = append(l.columns, path)
	}
	mark := c.e.tx.mark()
	for record, from := 0, 0; from < len(rows); record++ {
		to := l.lastRow(rows, from)
		if err := l.record(place{record, from, to}, rows[from:to+1]); err != nil {
			return nil, err
		}
		from = to + 1
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

// column knows the columns that can be loaded. Of a one2many these are the lines' own fields, without ids: lines are always new.
func (l *loader) column(path []string) error {
	f := l.m.field(path[0])
	if f == nil && path[0] != ".id" {
		return pythonFault("KeyError", pyQuote(path[0]))
	}
	if f == nil || f.typ != "one2many" {
		return nil
	}
	co := l.e.model(f.relation)
	if len(path) < 2 || co == nil || path[1] == "id" || path[1] == ".id" {
		return pythonFault("NotImplementedError", "the stand-in does not load one2many columns with ids: "+strings.Join(path, "/"))
	}
	if line := co.field(path[1]); line == nil {
		return pythonFault("KeyError", pyQuote(path[1]))
	} else if line.typ == "one2many" {
		return pythonFault("NotImplementedError", "the stand-in does not load lines of lines: "+strings.Join(path, "/"))
	}
	return nil
}

// record converts the rows of one record and adds it to the batch.
func (l *loader) record(at place, rows []any) error {
	cells, _ := rows[0].([]any)
	out := loadRow{at: at, vals: values{}}
	for i, path := range l.columns {
		cell := cellAt(cells, i)
		if l.isLine(path) {
			continue
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
	if err := l.lines(&out, rows); err != nil {
		return err
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
	l.report(out.at, "error", "Unknown database identifier '"+pyStr(cell)+"'", values{"field": ".id"})
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
		l.report(out.at, "error", strings.ReplaceAll(bad.text, "%(field)s", f.label), values{"field": f.name}, bad.extra)
		return nil
	case err != nil:
		return err
	case warning != "":
		l.report(out.at, "warning", strings.ReplaceAll(warning, "%(field)s", f.label), values{"field": f.name})
	}
	out.vals[f.name] = v
	return nil
}

// report adds a message about a record.
func (l *loader) report(at place, kind, text string, extra ...values) {
	l.failed = l.failed || kind == "error"
	m := values{"type": kind, "message": text, "record": int64(at.record), "rows": values{"from": int64(at.from), "to": int64(at.to)}}
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
		l.report(one.at, "error", text, values{"moreinfo": "Resolve other errors first"})
	case f.sql.field != nil && f.sql.model == l.m.name:
		l.report(one.at, "error", f.sql.text, values{"field": f.sql.field.name})
	case f.sql.model != l.m.name:
		l.report(one.at, "error", f.sql.raw)
	default:
		l.report(one.at, "error", f.sql.text)
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
			id, err := l.e.create(l.m, one.vals)
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
