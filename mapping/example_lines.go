package mapping

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

// rawLines are the lines of an example's Odoo record.
func (b *builder) rawLines(n *yaml.Node, l *Lines) (any, bool) {
	if isNull(n) {
		return nil, true
	}
	if n.Kind != yaml.SequenceNode {
		b.wrongType(n, "a list of lines")
		return nil, false
	}
	fields, _ := b.modelFields(l.Model)
	there := b.within(l.Model, fields)
	for _, t := range l.Templates {
		there.m.Fields = append(there.m.Fields, t.Fields...)
	}
	list := make([]any, 0, len(n.Content))
	for _, item := range n.Content {
		item, ok := b.resolve(item)
		if !ok {
			return nil, false
		}
		rec := there.record(item, Odoo)
		if rec == nil {
			return nil, false
		}
		list = append(list, rec)
	}
	return list, true
}

// expectLines are the lines that an example expects: the canonical text of each field.
func (b *builder) expectLines(n *yaml.Node) Value {
	rows := make([]row, 0, len(n.Content))
	for _, item := range n.Content {
		var t table
		if item, ok := b.resolve(item); ok {
			t.decodeNode(b.file, item)
		}
		one := row{}
		for i, key := range t.keys {
			if t.values[i].v != "" {
				one[key.v] = t.values[i].v
			}
		}
		rows = append(rows, one)
	}
	if len(rows) == 0 {
		return EmptyValue
	}
	v, err := linesValue(rows)
	if err != nil {
		b.errorf(at(n), "%s", err)
	}
	return v
}

// withoutTemplates leaves out of which template a line is: an example tells lines by what they hold.
func withoutTemplates(f *Field, v Value) Value {
	var rows []row
	if f.Lines == nil || !v.IsKnown() || json.Unmarshal([]byte(v.Text), &rows) != nil {
		return v
	}
	for _, one := range rows {
		delete(one, templateKey)
	}
	v, _ = linesValue(rows)
	return v
}

// target is the record into which the value of a field is written: lines are written into one that is new.
func (r *testRun) target(f *Field, side Side) Record {
	if f.Lines != nil {
		return nil
	}
	return r.record(side)
}

// likeLines is a list of lines in one form, whether they were written or stand in an example: a reference is its id, or the text that it
// was looked up by, and what is empty is left out.
func likeLines(raw any) any {
	list, ok := raw.([]any)
	if !ok {
		return raw
	}
	out := make([]any, len(list))
	for i, item := range list {
		line := map[string]any{}
		for name, v := range rowOf(item) {
			if m, ok := v.(map[string]any); ok {
				v = m["id"]
			}
			name, _, _ = strings.Cut(name, ".")
			if !isEmpty(v) {
				line[name] = v
			}
		}
		out[i] = line
	}
	return out
}
