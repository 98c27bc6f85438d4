package mapping

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// tests compiles the examples.
func (b *builder) tests() {
	for i := range b.d.Tests {
		td := &b.d.Tests[i]
		if !td.at.given() {
			continue
		}
		t := Test{Name: td.Name.v, Pos: b.position(td.at)}
		t.Odoo = b.odooExample(td.Odoo.node)
		t.DingTalk = b.record(td.DingTalk.node, DingTalk)
		if t.Odoo == nil && t.DingTalk == nil && !td.Odoo.given() && !td.DingTalk.given() {
			b.errorf(td.at, "a test gives a record of odoo, of dingtalk or of both")
		}
		t.Links = b.links(td.Links.node)
		t.Base = View{}
		for i, key := range td.Base.keys {
			if b.testField(key) {
				t.Base[key.v] = Text(td.Base.values[i].v)
			}
		}
		t.Expect = b.expect(td.Expect.node)
		t.Writes = b.writes(td.Writes.node)
		for _, key := range td.Invalid {
			if b.testField(key) {
				t.Invalid = append(t.Invalid, key.v)
			}
		}
		if t.Odoo != nil && t.DingTalk == nil || t.DingTalk != nil && t.Odoo == nil {
			if !td.Expect.given() && !td.Writes.given() && len(td.Invalid) == 0 {
				b.errorf(td.at, "a test with one record says what it expects: expect, writes or invalid")
			}
		}
		b.m.Tests = append(b.m.Tests, t)
	}
}

// testField checks that a key names a pair of the mapping.
func (b *builder) testField(key str) bool {
	if !key.given() || slices.Contains(b.dropped, key.v) {
		return false
	}
	if _, ok := b.m.Field(key.v); !ok {
		b.errorf(key.place, "the test names %q, which is no pair of this mapping%s", key.v, b.suggestKey(key.v))
		return false
	}
	return true
}

// record compiles the raw record of a side; nil when it is not given.
func (b *builder) record(n *yaml.Node, side Side) Record {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.wrongType(n, "a record")
		return nil
	}
	rec := Record{}
	b.rawFields(n, side, func(name string, value any) { rec[name] = value })
	return rec
}

// rawFields calls each with the fields of a record in their raw form.
func (b *builder) rawFields(n *yaml.Node, side Side, each func(name string, value any)) {
	b.file.pairs(n, func(key, value *yaml.Node) {
		name := str{at(key), key.Value, key}
		if side == Odoo && b.m.missing[name.v] { // its pair is left out, and it was warned about
			return
		}
		fieldType := ""
		if f, _ := b.m.Field(name.v); side == Odoo && f != nil && f.Lines != nil {
			if v, ok := b.rawLines(value, f.Lines); ok {
				each(name.v, v)
			}
			return
		}
		if f := b.lookedUp(name.v); side == Odoo && f != nil { // by its text
			name, fieldType = str{name.place, f.readName(Odoo), key}, "char"
		} else if side == Odoo {
			if f := b.odooField(name); f != nil {
				fieldType = f.Type
			}
		} else if f := b.dingField(name); f != nil {
			fieldType = f.Type
		}
		if v, ok := b.rawValue(value, fieldType); ok {
			each(name.v, v)
		}
	})
}

// rawValue is a YAML value in the form in which the adapters deliver a field of the type.
func (b *builder) rawValue(n *yaml.Node, fieldType string) (any, bool) {
	if isNull(n) {
		return nil, true
	}
	switch fieldType {
	case "many2one":
		return b.rawRecord(n)
	case "one2many", "many2many":
		list, ok := b.rawList(n)
		ids := make([]int64, len(list))
		for i, item := range list {
			ids[i], _ = plainInt(item)
		}
		return ids, ok
	case typeIDList:
		return b.rawList(n)
	case typeComponent:
		return b.rawComponent(n)
	case "float", "monetary":
		v, err := strconv.ParseFloat(n.Value, 64)
		if n.Kind != yaml.ScalarNode || err != nil {
			b.wrongType(n, "a number")
			return nil, false
		}
		return v, true
	case "boolean", typeJSON, "":
		return b.plainValue(n)
	case "integer", typeInstant:
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if n.Kind != yaml.ScalarNode || err != nil {
			b.wrongType(n, "a whole number")
			return nil, false
		}
		return v, true
	}
	if n.Kind != yaml.ScalarNode {
		b.wrongType(n, "a text")
		return nil, false
	}
	return n.Value, true
}

// rawRecord is a many2one: its id, or [id, name].
func (b *builder) rawRecord(n *yaml.Node) (any, bool) {
	name := ""
	id := n
	if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
		id, name = n.Content[0], n.Content[1].Value
	}
	v, err := strconv.ParseInt(id.Value, 10, 64)
	if id.Kind != yaml.ScalarNode || err != nil {
		b.wrongType(n, "the id of a record or [id, name]")
		return nil, false
	}
	return map[string]any{"id": v, "name": name}, true
}

// rawList is a list of ids as texts.
func (b *builder) rawList(n *yaml.Node) ([]any, bool) {
	if n.Kind != yaml.SequenceNode {
		b.wrongType(n, "a list of ids")
		return nil, false
	}
	list := make([]any, 0, len(n.Content))
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || isNull(item) {
			b.wrongType(item, "an id")
			return nil, false
		}
		list = append(list, item.Value)
	}
	return list, true
}

// rawComponent is what a component shows: a text, which numbers are too, a list, or the rows of a table.
func (b *builder) rawComponent(n *yaml.Node) (any, bool) {
	n, ok := b.resolve(n)
	if !ok {
		return nil, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, ok := b.rawComponent(item)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case yaml.MappingNode:
		row := map[string]any{}
		b.file.pairs(n, func(key, value *yaml.Node) {
			v, valid := b.rawComponent(value)
			row[key.Value], ok = v, ok && valid
		})
		return row, ok
	}
	if isNull(n) {
		return nil, true
	}
	return n.Value, true
}

// links compiles links: mapping, Odoo id, DingTalk id.
func (b *builder) links(n *yaml.Node) map[string]map[string]string {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.wrongType(n, "a set of mappings")
		return nil
	}
	links := map[string]map[string]string{}
	b.file.pairs(n, func(key, value *yaml.Node) {
		if b.byName[key.Value] == nil {
			b.errorf(at(key), "there is no mapping %q%s", key.Value, suggest(key.Value, keysOf(b.byName)))
			return
		}
		var t table
		t.decodeNode(b.file, value)
		ids := map[string]string{}
		for i := range t.keys {
			ids[t.keys[i].v] = t.values[i].v
		}
		links[key.Value] = ids
	})
	return links
}

// expect compiles expect: null is Empty, ? is Unknown.
func (b *builder) expect(n *yaml.Node) View {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.wrongType(n, "a set of fields")
		return nil
	}
	view := View{}
	b.file.pairs(n, func(key, value *yaml.Node) {
		f, _ := b.m.Field(key.Value)
		switch {
		case !b.testField(str{at(key), key.Value, key}):
		case f.Lines != nil && value.Kind == yaml.SequenceNode:
			view[key.Value] = b.expectLines(value)
		case value.Kind != yaml.ScalarNode:
			b.wrongType(value, "a text")
		case value.Value == "?":
			view[key.Value] = UnknownValue
		default:
			view[key.Value] = Text(scalarText(value))
		}
	})
	return view
}

// writes compiles writes: a side, its fields, their raw values.
func (b *builder) writes(n *yaml.Node) map[Side]Record {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.wrongType(n, `"odoo" or "dingtalk" and their fields`)
		return nil
	}
	out := map[Side]Record{}
	b.file.pairs(n, func(key, value *yaml.Node) {
		side := Side(key.Value)
		if side != Odoo && side != DingTalk {
			b.badEnum(str{at(key), key.Value, key}, []string{string(Odoo), string(DingTalk)})
			return
		}
		rec := b.record(value, side)
		b.file.pairs(value, func(name, _ *yaml.Node) {
			for _, f := range b.m.Fields {
				if f.writesTo(side, name.Value) {
					return
				}
			}
			if slices.Contains(b.dropped, name.Value) {
				return
			}
			b.errorf(at(name), "no pair of this mapping writes %s to %s", name.Value, side)
		})
		out[side] = rec
	})
	return out
}
