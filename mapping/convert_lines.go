package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// The canonical value of lines is a JSON array of rows in their order: objects of the keys of the pairs and the canonical texts. What is
// empty is left out. Where several templates make the lines of a one2many, a row has the number of its template under the key "".
const templateKey = ""

// row is one line in canonical form.
type row map[string]string

// linesConverter joins the records of a one2many with the rows of a table. A line is made with its document: it is written to Odoo
// once, and the engine never changes it.
type linesConverter struct {
	lines     *Lines
	direction Direction
}

func newLinesConverter(f *Field) linesConverter { return linesConverter{f.Lines, f.Direction} }

func (linesConverter) Name() string { return "lines" }

// beside are the tables, and what their lines take from the rest of the object.
func (c linesConverter) beside() []string {
	seen := map[string]bool{}
	for _, t := range c.lines.Templates {
		if t.Table != "" {
			seen[t.Table] = true
		}
		for _, name := range t.names(DingTalk, c.direction) {
			seen[name] = true
		}
	}
	return keysOf(seen)
}

// Read implements Converter. The rows of DingTalk are read with what stands beside them, so env.Record is read there.
func (c linesConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == Odoo {
		return c.readOdoo(raw, env)
	}
	return c.readDing(env)
}

func (c linesConverter) readOdoo(raw any, env Env) (Value, error) {
	list, ok := raw.([]any)
	if !ok || len(c.lines.Templates) != 1 { // only their ids were read, or nothing tells which template made a line
		return UnknownValue, nil
	}
	rows := rowsReader{env: env, side: Odoo}
	for _, item := range list {
		rec := rowOf(item)
		if rec == nil {
			return UnknownValue, unexpected(item, "a line")
		}
		if err := rows.add(c.lines.Templates[0], rec, rec); err != nil {
			return UnknownValue, err
		}
	}
	return rows.value()
}

func (c linesConverter) readDing(env Env) (Value, error) {
	rows := rowsReader{env: env, side: DingTalk, numbered: len(c.lines.Templates) > 1}
	for i, t := range c.lines.Templates {
		rows.template = i + 1
		if t.Table == "" {
			if err := rows.add(t, env.Record, nil); err != nil {
				return UnknownValue, err
			}
			continue
		}
		raw, ok := env.Record[t.Table]
		if !ok {
			return UnknownValue, nil
		}
		if isEmpty(raw) {
			continue
		}
		list, ok := raw.([]any)
		if !ok {
			return UnknownValue, unexpected(raw, "a table")
		}
		for _, item := range list {
			cells := rowOf(item)
			if cells == nil {
				return UnknownValue, unexpected(item, "a row of a table")
			}
			if blank(cells) { // the row that a form begins with, left as it was
				continue
			}
			if err := rows.add(t, rowRecord(env.Record, cells), cells); err != nil {
				return UnknownValue, err
			}
		}
	}
	return rows.value()
}

func blank(cells map[string]any) bool {
	for _, cell := range cells {
		if !isEmpty(cell) {
			return false
		}
	}
	return true
}

// rowsReader gathers the rows of a side.
type rowsReader struct {
	env      Env
	side     Side
	template int
	numbered bool
	unknown  bool // a cell is: so are the lines
	rows     []row
}

// add reads one line. rec is the record of expressions and of what is no cell; cells are those of the row in DingTalk's table.
func (r *rowsReader) add(t *LineTemplate, rec Record, cells map[string]any) error {
	if t.When != nil {
		switch holds, err := t.When.Bool(rec); {
		case errors.Is(err, ErrUnknown):
			r.unknown = true
			return nil
		case err != nil:
			return err
		case !holds:
			return nil
		}
	}
	out := row{}
	if r.numbered {
		out[templateKey] = strconv.Itoa(r.template)
	}
	for _, f := range t.Fields {
		v, rests, err := r.cell(f, rec, cells)
		if err != nil {
			return fmt.Errorf("line %d: %w", len(r.rows)+1, FieldError{f, err})
		}
		switch {
		case rests:
		case v.IsUnknown():
			r.unknown = true
		case v.IsKnown():
			out[f.Key] = v.Text
		}
	}
	r.rows = append(r.rows, out)
	return nil
}

// cell reads one pair of a line; rests is true while its condition is false.
func (r *rowsReader) cell(f *Field, rec Record, cells map[string]any) (v Value, rests bool, err error) {
	if f.When != nil && f.source() == r.side {
		holds, err := f.When.Bool(rec)
		if errors.Is(err, ErrUnknown) {
			return UnknownValue, false, nil
		}
		if err != nil || !holds {
			return UnknownValue, err == nil, err
		}
	}
	switch {
	case f.Value != nil && f.source() == r.side:
		v, err = f.Compute(rec)
	case r.side == DingTalk && f.cell:
		v, err = f.read(DingTalk, cells[f.DingName], rec, r.env) // one that is missing is empty
	case f.Name(r.side) == "": // it is computed, and this side has nothing to compare with
		rests = true
	default:
		v, err = f.Read(r.side, rec, r.env)
	}
	return v, rests, err
}

func (r *rowsReader) value() (Value, error) {
	switch {
	case r.unknown:
		return UnknownValue, nil
	case len(r.rows) == 0:
		return EmptyValue, nil
	}
	return linesValue(r.rows)
}

// linesValue is the canonical value of rows.
func linesValue(rows []row) (Value, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(rows); err != nil {
		return UnknownValue, err
	}
	return Text(string(bytes.TrimSpace(b.Bytes()))), nil
}

// Write implements Converter. To Odoo each line is a set of the fields of its model, for a creation; to DingTalk a set of the cells.
// What is empty is left out.
func (c linesConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	var rows []row
	if err := json.Unmarshal([]byte(v.Text), &rows); err != nil {
		return nil, unexpected(v.Text, "a list of lines")
	}
	env.Base = UnknownValue
	list := make([]any, len(rows))
	for i, one := range rows {
		t, err := c.lines.template(one)
		if err != nil {
			return nil, err
		}
		cells := map[string]any{}
		for _, f := range t.Fields {
			text, ok := one[f.Key]
			if !ok || !f.Writes(side) {
				continue
			}
			raw, err := f.Write(side, Text(text), nil, env)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, FieldError{f, err})
			}
			if !isEmpty(raw) {
				cells[f.Name(side)] = raw
			}
		}
		list[i] = cells
	}
	return list, nil
}

// template is the template of a row.
func (l *Lines) template(one row) (*LineTemplate, error) {
	n := 1
	if number, ok := one[templateKey]; ok {
		n, _ = strconv.Atoi(number)
	}
	if n < 1 || n > len(l.Templates) {
		return nil, fmt.Errorf("the lines of %s were made by a template that is not there any more", l.Odoo)
	}
	return l.Templates[n-1], nil
}
