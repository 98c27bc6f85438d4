package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// lines compiles lines: the templates that make the lines of one one2many are one pair.
func (b *builder) lines() {
	var order []string
	of := map[string][]*linesDoc{}
	for i := range b.d.Lines {
		d := &b.d.Lines[i]
		if !d.at.given() || !d.Odoo.given() {
			continue // it was complained about
		}
		if of[d.Odoo.v] == nil {
			order = append(order, d.Odoo.v)
		}
		of[d.Odoo.v] = append(of[d.Odoo.v], d)
	}
	for _, name := range order {
		docs := of[name]
		f := b.linesField(docs)
		b.m.Fields = append(b.m.Fields, f)
		b.pairs = append(b.pairs, docs[0].pair(f))
	}
}

// pair is the pair of fields that lines amount to, for the checks that all pairs pass.
func (d *linesDoc) pair(f *Field) *fieldDoc {
	fd := &fieldDoc{located: d.located, Odoo: d.Odoo}
	if f.DingName != "" {
		fd.DingTalk = d.For
	}
	return fd
}

func (b *builder) linesField(docs []*linesDoc) *Field {
	first := docs[0]
	f := &Field{Key: first.Odoo.v, OdooName: first.Odoo.v, Pos: b.position(first.at), odoo: b.odooField(first.Odoo)}
	f.Lines = &Lines{Odoo: f.OdooName}
	var there *builder
	switch o := f.odoo; {
	case o == nil || o.Type == "": // it was complained about, or may have been added
		there = b.within("", nil)
	case o.Type != "one2many":
		b.errorf(first.Odoo.place, "lines belong to a one2many, and the type of %s is %s", f.OdooName, o.Type)
		there = b.within("", nil)
	default:
		f.Lines.Model = o.Relation
		fields, known := b.modelFields(o.Relation)
		if !known && b.schema.Models != nil && b.schema.Live {
			b.errorf(first.Odoo.place, "Odoo has no model %q here; its module may not be installed", o.Relation)
		}
		there = b.within(o.Relation, fields)
	}
	f.Direction = b.linesDirection(docs)
	// A line is made together with its document and left alone afterwards.
	f.OnCreate = f.Direction == ToOdoo
	if f.Direction.Allows(DingTalk) {
		f.DingName = first.For.v
	}
	if _, taken := b.m.Field(f.Key); taken {
		b.errorf(first.Odoo.place, "there is already a pair %s", f.Key)
	}
	parts := []string{f.OdooName, f.DingName, string(f.Direction)}
	for _, d := range docs {
		t := b.template(d, there, f.Direction)
		f.Lines.Templates = append(f.Lines.Templates, t)
		parts = append(parts, t.texts(d)...)
	}
	f.Convert = newLinesConverter(f)
	f.Signature = signature(parts...)
	fd := first.pair(f)
	if f.Direction.Allows(Odoo) && f.Lines.Model != "" {
		b.lintToOdoo(fd, f)
	}
	b.lintTwice(fd, f)
	return f
}

// linesDirection is that of the templates of one one2many. Only one template with a table can be read back from Odoo: of a single line,
// or of the lines of several templates, nothing tells what they came from.
func (b *builder) linesDirection(docs []*linesDoc) Direction {
	direction := b.m.Direction
	for _, d := range docs {
		own := b.direction(&fieldDoc{located: d.located, Direction: d.Direction})
		switch {
		case len(docs) == 1 && d.For.given():
			return own
		case own == ToDingTalk && d.For.given():
			b.errorf(d.at, "only lines of one template can be sent to DingTalk, and %s has %d", d.Odoo.v, len(docs))
		case own == ToDingTalk:
			b.errorf(d.at, "a single line is made in Odoo; it cannot be sent to DingTalk")
		case d.Direction.given() && own == Both:
			b.errorf(d.Direction.place, "such lines are only made in Odoo: the direction is to_odoo")
		}
		direction = ToOdoo
	}
	return direction
}

// template compiles one entry of lines. there looks fields up in the model of the lines.
func (b *builder) template(d *linesDoc, there *builder, direction Direction) *LineTemplate {
	t := &LineTemplate{Table: d.For.v, Pos: b.position(d.at)}
	lb := &builder{
		loader: b.loader, file: b.file, d: b.d, model: there.model, kind: b.kind, line: t, dingScope: b.dingScope,
		m: &Mapping{Name: b.m.Name, Model: there.m.Model, Kind: b.m.Kind, Direction: direction},
	}
	if lb.model != nil {
		lb.odooScope = odooScope(lb.m.Model, lb.model).over(b.schema, lb.model)
	}
	if table := b.dingField(d.For); table != nil && !table.isComponent() {
		b.errorf(d.For.place, "%s is no table of the form", d.For.v)
	}
	if d.For.given() && b.dingScope != nil {
		lb.dingScope = rowScope(b.dingScope, d.For.v)
	}
	if len(d.Fields) == 0 {
		b.errorf(d.at, "the lines have no pairs of fields")
	}
	for i := range d.Fields {
		fd := &d.Fields[i]
		if i >= maxFields {
			b.errorf(fd.at, "the lines have more than %d pairs", maxFields)
			break
		}
		if f := lb.field(fd); f != nil {
			lb.lintLineField(fd, f)
			lb.m.Fields = append(lb.m.Fields, f)
		}
	}
	t.Fields = lb.m.Fields
	switch {
	case d.When.given() && direction == Both:
		b.errorf(d.When.place, "a condition looks at the source, and these lines have both directions; give them one")
	case d.When.given() && direction == ToOdoo:
		t.When = lb.condition(d.When, lb.dingScope)
	case d.When.given():
		t.When = lb.condition(d.When, lb.odooScope)
	}
	return t
}

// lintLineField refuses what has no meaning in a line.
func (b *builder) lintLineField(fd *fieldDoc, f *Field) {
	for _, key := range []struct {
		name string
		at   place
	}{{"on", fd.On.place}, {"wins", fd.Wins.place}, {"optional", fd.Optional.place}} {
		if key.at.given() {
			b.errorf(key.at, "%s has no effect in a line, which is written once", key.name)
		}
	}
	if f.Writes(DingTalk) && b.line.Table != "" && b.kind != nil && !b.kind.cell(f.DingName) {
		b.errorf(fd.DingTalk.place, `%s is no cell of %s, so that a line cannot be written to it; the pair needs "direction: to_odoo"`, f.DingName, b.line.Table)
	}
}

// cell reports whether a name within a table is the label of a cell, and not a component beside the table.
func (k *Kind) cell(name string) bool { return k.Open == "" || !strings.HasPrefix(name, k.Open) }

// texts are what gives a template its meaning.
func (t *LineTemplate) texts(d *linesDoc) []string {
	out := []string{t.Table, d.When.v, fmt.Sprint(len(t.Fields))}
	for _, f := range t.Fields {
		out = append(out, string(f.Direction), f.Signature)
	}
	return out
}

// References returns the names of the mappings whose links the field refers to, those of its lines too. Sorted.
func (f *Field) References() []string {
	seen := map[string]bool{}
	if f.Ref != "" {
		seen[f.Ref] = true
	}
	if f.Lines != nil {
		for _, t := range f.Lines.Templates {
			for _, child := range t.Fields {
				if child.Ref != "" {
					seen[child.Ref] = true
				}
			}
		}
	}
	return keysOf(seen)
}

// LineFields is what to read of the lines of a one2many. Record[Field] is then a []any of Record, in Odoo's order.
type LineFields struct {
	Field string   // the one2many
	Model string   // of the lines
	Names []string // of the fields, id among them; a dotted one is a path over many2ones. Sorted
}

// LineFields returns what to read of one2manys, and of many2manys of which more than the ids is read, in file order. Lines that are only
// made in Odoo are not read.
func (m *Mapping) LineFields() []LineFields {
	var out []LineFields
	for _, f := range m.Fields {
		if c, ok := f.Convert.(rowReader); ok && f.odoo != nil && f.odoo.Relation != "" {
			out = append(out, LineFields{f.OdooName, f.odoo.Relation, append([]string{"id"}, c.columns()...)})
			continue
		}
		if f.Lines == nil || f.DingName == "" {
			continue
		}
		seen := map[string]bool{"id": true}
		for _, t := range f.Lines.Templates {
			for _, name := range t.names(Odoo, f.Direction) {
				seen[name] = true
			}
		}
		out = append(out, LineFields{f.OdooName, f.Lines.Model, keysOf(seen)})
	}
	return out
}

// names are the keys that the template reads of a record of the side: a line of Odoo, or an object of DingTalk, of whose table the cells
// are not named.
func (t *LineTemplate) names(side Side, direction Direction) []string {
	var names []string
	expression := func(e *Expr, source Side) {
		if e != nil && source == side {
			names = append(names, e.Names()...)
		}
	}
	if direction != Both {
		expression(t.When, (&Field{Direction: direction}).source())
	}
	for _, f := range t.Fields {
		if name := f.readName(side); name != "" && (side == Odoo || t.Table == "" || !f.cell) {
			names = append(names, f.Name(side), name)
		}
		if f.Direction != Both {
			expression(f.Value, f.source())
			expression(f.When, f.source())
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return side == DingTalk && strings.HasPrefix(name, rowPrefix) })
}
