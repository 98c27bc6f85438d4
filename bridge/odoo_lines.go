package bridge

import (
	"context"
	"slices"
	"sort"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// fillLines puts the lines themselves in the place of their ids, in order, for the one2manys whose lines the mapping reads.
func (s *odooSide) fillLines(ctx context.Context, m *mapping.Mapping, records []mapping.Record) error {
	for _, lines := range m.LineFields() {
		var ids []int64
		for _, rec := range records {
			some, _ := rec[lines.Field].([]int64)
			ids = append(ids, some...)
		}
		found, err := s.readRecords(ctx, lines.Model, ids, lines.Names)
		if err != nil {
			return err
		}
		for _, rec := range records {
			some, read := rec[lines.Field].([]int64)
			if !read {
				continue
			}
			rows := make([]any, 0, len(some))
			for _, id := range some {
				row, seen := found[id]
				if !seen {
					rows = nil
					delete(rec, lines.Field) // a line that cannot be seen makes the whole unknown
					break
				}
				rows = append(rows, row)
			}
			if _, still := rec[lines.Field]; still {
				rec[lines.Field] = rows
			}
		}
	}
	return nil
}

// linesOf are the lines among a creation's values, by the name of their one2many.
func linesOf(values map[string]any) map[string][]map[string]any {
	out := map[string][]map[string]any{}
	for name, v := range values {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		var lines []map[string]any
		for _, one := range list {
			if line, is := one.(map[string]any); is {
				lines = append(lines, line)
			}
		}
		if len(lines) == len(list) && len(lines) > 0 {
			out[name] = lines
		}
	}
	return out
}

// lineColumns are load's columns for the lines of one one2many: its name, "/" and the line's field; a many2one by database id.
func (s *odooSide) lineColumns(ctx context.Context, name string, f odoo.Field, lines []map[string]any) ([]string, error) {
	fields, err := s.client.FieldsGet(ctx, f.Relation)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, line := range lines {
		for sub := range line {
			if column := name + "/" + byID(sub, fields[sub]); !slices.Contains(out, column) {
				out = append(out, column)
			}
		}
	}
	sort.Strings(out)
	return out, nil
}

// loadRows are load's rows for one creation: the record with its first line, then a row for each further line (odoo/models.py:
// _extract_records).
func loadRows(c *creation, columns []string) [][]any {
	lines := linesOf(c.values)
	depth := 1
	for _, some := range lines {
		depth = max(depth, len(some))
	}
	rows := make([][]any, depth)
	for n := range rows {
		row := make([]any, len(columns))
		for i, column := range columns {
			row[i] = ""
			name, sub, inLine := strings.Cut(strings.TrimSuffix(column, "/.id"), "/")
			switch {
			case column == "id" && n == 0:
				row[i] = externalModule + "." + externalName(c.key)
			case column == "id":
			case inLine:
				if n < len(lines[name]) {
					row[i] = loadCell(lines[name][n][sub])
				}
			case n == 0:
				row[i] = loadCell(c.values[name])
			}
		}
		rows[n] = row
	}
	return rows
}
