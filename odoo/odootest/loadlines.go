package odootest

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// One2many columns of load (odoo/models.py, _extract_records): the lines that follow the first stand in rows of their own, in which
// all other columns are empty. All rows of a record are converted before it is saved, and a bad cell of a line is reported as the
// one2many's.

func (l *loader) isLine(path []string) bool {
	f := l.m.field(path[0])
	return f != nil && f.typ == "one2many"
}

func cellAt(cells []any, i int) any {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}

// lastRow is the last row of the record that begins at from: those after it have cells of lines only.
func (l *loader) lastRow(rows []any, from int) int {
	to := from
	for to+1 < len(rows) {
		cells, _ := rows[to+1].([]any)
		line, own := false, false
		for i, path := range l.columns {
			if truthy(cellAt(cells, i)) {
				line, own = line || l.isLine(path), own || !l.isLine(path)
			}
		}
		if !line || own {
			break
		}
		to++
	}
	return to
}

// lines sets the one2many fields of a record: a command for each row with a cell of theirs; no such row empties the field.
func (l *loader) lines(out *loadRow, rows []any) error {
	names := map[string]bool{}
	for _, path := range l.columns {
		if l.isLine(path) {
			names[path[0]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := l.m.field(name)
		commands := []any{}
		var bad *importError
		for _, raw := range rows {
			cells, _ := raw.([]any)
			vals, err := l.line(out.at, f, cells)
			if errors.As(err, &bad) {
				break
			}
			if err != nil {
				return err
			}
			if vals != nil {
				commands = append(commands, []any{int64(0), false, vals})
			}
		}
		switch {
		case bad != nil:
			l.report(out.at, "error", strings.ReplaceAll(bad.text, "%(field)s", f.label), values{"field": f.name}, bad.extra)
		case len(commands) == 0:
			out.vals[name] = false
		default:
			out.vals[name] = commands
		}
	}
	return nil
}

// line converts the cells of one line of f; nil when there are none.
func (l *loader) line(at place, f *field, cells []any) (values, error) {
	co := l.e.model(f.relation)
	vals, empty := values{}, true
	for i, path := range l.columns {
		if path[0] != f.name {
			continue
		}
		cell := cellAt(cells, i)
		if !truthy(cell) { // an empty cell clears the field: it gets no default
			vals[path[1]] = false
			continue
		}
		empty = false
		v, warning, err := l.convert(co.field(path[1]), path[1:], cell)
		if err != nil {
			return nil, err
		}
		if warning != "" {
			l.report(at, "warning", strings.ReplaceAll(warning, "%(field)s", f.label), values{"field": f.name})
		}
		vals[path[1]] = v
	}
	if empty {
		return nil, nil
	}
	return vals, nil
}
