package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// fields compiles the pairs.
func (b *builder) fields() {
	if b.d.Fields != nil && len(b.d.Fields) == 0 || b.d.Fields == nil && b.d.hasKey("fields") {
		b.errorf(b.d.at, "the mapping has no pairs of fields")
	}
	if len(b.d.Fields) > maxFields {
		b.errorf(b.d.Fields[maxFields].at, "the mapping has more than %d pairs", maxFields)
		b.d.Fields = b.d.Fields[:maxFields]
	}
	for i := range b.d.Fields {
		fd := &b.d.Fields[i]
		if b.m.missing[firstOf(fd.Odoo.v)] {
			b.warnf(fd.Odoo.place, "%s has no field %q yet; the pair is left out until `dingbridge setup` has created it", b.m.Model, firstOf(fd.Odoo.v))
			b.dropped = append(b.dropped, fd.DingTalk.v, fd.Odoo.v)
			continue
		}
		if f := b.field(fd); f != nil {
			b.m.Fields = append(b.m.Fields, f)
			b.pairs = append(b.pairs, fd)
		}
	}
}

// hasKey reports whether a key stands in the document at all, even with a value that could not be read.
func (d *document) hasKey(name string) bool {
	for i := 0; i+1 < len(d.node.Content); i += 2 {
		if d.node.Content[i].Value == name {
			return true
		}
	}
	return false
}

// field compiles one pair; nil when it has no names.
func (b *builder) field(fd *fieldDoc) *Field {
	if !fd.at.given() {
		return nil
	}
	if !fd.Odoo.given() && !fd.DingTalk.given() {
		b.errorf(fd.at, "a pair names a field of odoo, of dingtalk or of both")
		return nil
	}
	f := &Field{
		OdooName:  fd.Odoo.v,
		DingName:  fd.DingTalk.v,
		Pos:       b.position(fd.at),
		Ref:       fd.Ref.v,
		Attribute: fd.Attribute.v,
		None:      fd.None.v,
		HasNone:   fd.None.given(),
		Optional:  fd.Optional.v,
		OnCreate:  fd.On.v == "create",
		Wins:      Rule(fd.Wins.v),
	}
	f.odoo, f.ding = b.odooField(fd.Odoo), b.dingField(fd.DingTalk)
	if b.kind != nil && b.kind.Message && f.ding != nil && !f.ding.Update {
		f.OnCreate = true // what was said is said
	}
	f.cell = b.line != nil && b.line.Table != "" && b.kind != nil && f.DingName != "" && b.kind.cell(f.DingName)
	f.Direction = b.direction(fd)
	f.Done = b.kind != nil && b.line == nil && f.DingName != "" && f.DingName == b.kind.Done
	f.Key = b.key(fd)
	f.Required = f.Writes(DingTalk) && f.ding != nil && f.ding.Required || f.Writes(Odoo) && f.odoo != nil && f.odoo.Required
	b.lookup(fd, f)
	b.computed(fd, f)
	b.converter(fd, f)
	if fd.When.given() {
		if f.Direction == Both {
			b.errorf(fd.When.place, "a condition looks at the source, and a pair with both directions has none; give it a direction")
		} else {
			f.When = b.condition(fd.When, b.scopeOf(f.source()))
		}
	}
	b.lintField(fd, f)
	f.Signature = signature(append([]string{
		f.OdooName, f.DingName, f.Ref, f.Attribute, f.None, fmt.Sprint(f.HasNone), fd.Convert.v, fd.Value.v, fd.When.v,
	}, append(fd.Values.texts(), f.Lookup.texts()...)...)...)
	return f
}

func (t table) texts() []string {
	var out []string
	for i := range t.keys {
		out = append(out, t.keys[i].v, t.values[i].v)
	}
	return out
}

// odooField looks a field of the model up; nil when it is not given or not known. An unknown one is complained about: Odoo
// itself ignores it silently.
func (b *builder) odooField(name str) *OdooField {
	if !name.given() || b.model == nil {
		return nil
	}
	if f, ok := b.model[name.v]; ok {
		return &f
	}
	switch {
	case name.v == "id":
		return &OdooField{Type: "integer", Readonly: true, Store: true}
	case name.v == RecordURL && b.kind != nil && b.kind.Message:
		return &OdooField{Type: "char", Readonly: true, Store: true}
	case isPath(name.v):
		return b.path(name)
	case strings.HasPrefix(name.v, "x_") && !b.schema.Live:
		b.warnf(name.place, "%s has no field %q in a stock Odoo; declare it under setup: for `dingbridge setup`, or check against the server", b.m.Model, name.v)
	default:
		b.errorf(name.place, "%s has no field %q%s", b.m.Model, name.v, suggest(name.v, keysOf(b.model)))
	}
	return nil
}

func (b *builder) dingField(name str) *KindField {
	if !name.given() || b.kind == nil {
		return nil
	}
	if b.line != nil && b.line.Table != "" && b.kind.cell(name.v) {
		return &KindField{Type: typeComponent, Create: true, Get: true}
	}
	if f, ok := b.kind.Fields[name.v]; ok {
		return &f
	}
	if f, ok := b.kind.component(name.v); ok {
		return &f
	}
	b.errorf(name.place, "a DingTalk %s has no field %q%s", b.kind.Name, name.v, b.suggestField(name.v))
	return nil
}

// direction is the pair's own, else the mapping's; a computed pair leads to the side that it names.
func (b *builder) direction(fd *fieldDoc) Direction {
	d := b.m.Direction
	if fd.Direction.given() {
		d = Direction(fd.Direction.v)
		if b.m.Direction != Both && d != b.m.Direction {
			b.errorf(fd.Direction.place, "the mapping's direction is %s, which does not allow %s", b.m.Direction, d)
		}
	}
	switch {
	case !fd.Value.given() && !fd.Odoo.given() && fd.DingTalk.given():
		return ToOdoo // remembered
	case !fd.Value.given():
		return d
	}
	target := ToDingTalk
	if !fd.DingTalk.given() {
		target = ToOdoo
	}
	if d != Both && d != target {
		b.errorf(fd.Value.place, "a value is written to the side the pair names, and the direction %s does not allow that", d)
	}
	return target
}

// key is the DingTalk name; where an earlier pair has it, the Odoo name.
func (b *builder) key(fd *fieldDoc) string {
	taken := func(key string) bool {
		return slices.ContainsFunc(b.m.Fields, func(f *Field) bool { return f.Key == key })
	}
	for _, key := range []string{fd.DingTalk.v, fd.Odoo.v} {
		if key != "" && !taken(key) {
			return key
		}
	}
	b.errorf(fd.at, "there is already such a pair")
	return fd.Odoo.v + "/" + fd.DingTalk.v
}

// computed compiles value:.
func (b *builder) computed(fd *fieldDoc, f *Field) {
	both := fd.Odoo.given() && fd.DingTalk.given()
	switch {
	case !fd.Value.given() && !both && fd.DingTalk.given():
		b.remembered(fd, f)
		return
	case !fd.Value.given() && !both:
		b.errorf(fd.at, "a pair with a field on one side only needs a value")
		return
	case !fd.Value.given():
		return
	case both:
		b.errorf(fd.Value.place, "a value takes the place of a field: the pair can name only the side it is written to")
		return
	}
	if fd.Ref.given() {
		b.errorf(fd.Ref.place, "a value is written as it is; it can have no ref")
	}
	if fd.Convert.given() && !normalizes(fd.Convert.v) {
		b.errorf(fd.Convert.place, "a value is written as it is; of the converters only list and urls go with it")
	}
	if fd.Values.given() && f.Lookup == nil {
		b.errorf(fd.Values.place, "a value is written as it is; it can have no table of values")
	}
	scope := b.scopeOf(f.source())
	if scope == nil {
		return
	}
	b.assumeAdded(fd.Value, scope)
	if f.inMarkdown() {
		scope = scope.asMarkdown()
	}
	e, kind, problem := compileValue(fd.Value.v, scope)
	if problem != nil {
		b.errorf(b.inside(fd.Value, problem.offset), "%s", problem.message)
		return
	}
	e.Pos = b.position(fd.Value.place)
	b.doubts(fd.Value, e)
	f.Value = e
	if want := f.targetKind(); want != kindAny && kind != kindAny && want != kind {
		b.errorf(fd.Value.place, "the value is %s, but %s takes %s%s", kind, f.Key, want, castHint(want))
	}
}

// remembered checks a pair that is only read from DingTalk and kept: what is unique there, for other mappings to refer to.
func (b *builder) remembered(fd *fieldDoc, f *Field) {
	switch {
	case f.ding == nil: // it was complained about
	case !f.ding.Unique || !f.ding.Get || b.line != nil:
		b.errorf(fd.at, "a pair with a field on one side only needs a value")
	case fd.Ref.given(), fd.Convert.given(), fd.Values.given(), fd.When.given(), fd.On.given(), f.Lookup != nil, fd.Direction.given():
		b.errorf(fd.at, "%s alone is only remembered, for others to refer to; nothing else goes with it", f.DingName)
	}
}

// targetKind is the kind of result that the field a pair is written to takes.
func (f *Field) targetKind() valueKind {
	switch {
	case f.Direction == ToDingTalk && f.ding != nil:
		return dingValueKind(f.ding.Type)
	case f.Lookup != nil:
		return kindText
	case f.Direction == ToOdoo && f.odoo != nil && f.odoo.Type == "many2one": // an id
		return kindInt
	case f.Direction == ToOdoo && f.odoo != nil:
		return odooValueKind(f.odoo.Type)
	}
	return kindAny
}

func castHint(want valueKind) string {
	switch want {
	case kindText:
		return "; use string(...)"
	case kindInt:
		return "; use int(...)"
	}
	return ""
}

// String names the kind for a complaint.
func (k valueKind) String() string {
	return [...]string{"anything", "a text", "a whole number", "a number", "a boolean", "a reference", "a list of ids", "a list of texts", "a person", "a form", "anything"}[k]
}

// converter chooses how the values of a pair are translated.
func (b *builder) converter(fd *fieldDoc, f *Field) {
	p := pair{f.odoo, f.ding, f.Direction}
	switch {
	case fd.Ref.given():
		b.reference(fd, f)
		return
	case f.Lookup != nil:
		b.found(fd, f)
		return
	case fd.Values.given():
		b.table(fd, f, p)
		return
	}
	b.lintReferenceKeys(fd)
	name, pos := defaultConverter(p), fd.at
	if fd.Convert.given() {
		name, pos = fd.Convert.v, fd.Convert.place
	}
	construct, ok := makers[name]
	switch {
	case choosers[name] != nil:
		b.errorf(pos, "%s chooses a reference from a list: the pair needs ref", name)
		return
	case !ok:
		b.errorf(pos, "there is no converter %q%s", name, suggest(name, Converters()))
		return
	case f.odoo != nil && f.ding != nil && f.odoo.Type == "integer" && (f.ding.Type == typeID || f.ding.Type == typeIDList):
		b.errorf(fd.Odoo.place, "an Odoo integer has 32 bits and cannot hold every DingTalk id; use a char field")
		return
	}
	c, problem := construct(p.known())
	switch {
	case f.Value != nil && p.odoo != nil && p.odoo.Type == "many2one":
		c = recordIDConverter{}
	case problem != "" && (!fd.Value.given() || fd.Convert.given()):
		b.errorf(pos, "%s", problem)
	}
	f.Convert = c
}

// known leaves out what has no type: a field the lint could not find, or one of an unknown x_ field.
func (p pair) known() pair {
	if p.odoo != nil && p.odoo.Type == "" {
		p.odoo = nil
	}
	if p.ding != nil && p.ding.Type == "" {
		p.ding = nil
	}
	return p
}

func (b *builder) table(fd *fieldDoc, f *Field, p pair) {
	if fd.Convert.given() {
		b.errorf(fd.Convert.place, "a pair has either convert or values")
	}
	c := newTableConverter(fd.Values, p)
	f.Convert = c
	seen := map[string]place{}
	for i, value := range fd.Values.values {
		if value.v == "" || fd.Values.keys[i].v == "" {
			b.errorf(fd.Values.keys[i].place, "what is empty on one side is empty on the other; it needs no row")
		}
		if _, twice := seen[value.v]; twice && f.Writes(DingTalk) {
			b.errorf(fd.Values.keys[i].place, "%q stands twice in the table, so that nothing tells which value DingTalk gets", value.v)
		}
		seen[value.v] = value.place
		if p.odoo != nil && len(p.odoo.Selection) > 0 && !slices.Contains(p.odoo.Selection, value.v) {
			b.errorf(value.place, "%q is no choice of %s%s", value.v, f.readName(Odoo), suggest(value.v, p.odoo.Selection))
		}
		if _, err := typed(value.v, c.odooType); err != nil {
			b.errorf(value.place, "%s", err)
		}
		if _, err := typed(fd.Values.keys[i].v, c.dingType); err != nil {
			b.errorf(fd.Values.keys[i].place, "%s", err)
		}
	}
	if p.odoo != nil && !slices.Contains([]string{"", "char", "text", "selection", "boolean", "integer"}, p.odoo.Type) {
		b.errorf(fd.Values.place, "values does not fit an Odoo field of type %s", p.odoo.Type)
	}
	if f.ding != nil && !slices.Contains([]string{"", typeText, typeID, typeBoolean, typeInteger, typeComponent}, f.ding.Type) {
		b.errorf(fd.Values.place, "values does not fit a DingTalk field of type %s", f.ding.Type)
	}
}
