package mapping

import (
	"fmt"
	"slices"
)

// lookup compiles lookup: and checks it against the model in which it searches.
func (b *builder) lookup(fd *fieldDoc, f *Field) {
	d := fd.Lookup
	if !d.at.given() {
		return
	}
	relation := ""
	if f.odoo != nil {
		relation = f.odoo.Relation
	}
	f.Lookup = &Lookup{Model: or(d.Model, relation), By: or(d.By, "name"), Create: d.Create.v, Pos: b.position(d.at)}
	switch {
	case !fd.Odoo.given():
		b.errorf(d.at, "a lookup finds a record for a field of odoo, and the pair names none")
		return
	case f.odoo == nil || f.odoo.Type == "": // it was complained about, or may have been added
	case f.odoo.Type != "many2one":
		b.errorf(d.at, "a lookup finds the record of a many2one, and the type of %s is %s", f.OdooName, f.odoo.Type)
		return
	case d.Model.given() && d.Model.v != relation:
		b.errorf(d.Model.place, "%s refers to %s, not to %s", f.OdooName, relation, d.Model.v)
		return
	}
	if fd.Ref.given() {
		b.errorf(fd.Ref.place, "a record is found by its link or by a lookup; a pair has only one of them")
	}
	if fd.Convert.given() {
		b.errorf(fd.Convert.place, "a lookup takes the text as it is; a table of values can translate it")
	}
	if f.Lookup.Model == "" {
		b.errorf(d.at, "nothing tells what %s refers to: give the model of the lookup", f.OdooName)
		return
	}
	b.lookupModel(&d, f.Lookup)
}

// lookupModel checks what a lookup names of its model.
func (b *builder) lookupModel(d *lookupDoc, l *Lookup) {
	if b.schema.Models == nil {
		return
	}
	at := d.at
	if d.Model.given() {
		at = d.Model.place
	}
	fields, ok := b.schema.Models(l.Model)
	if !ok && !b.schema.Live {
		b.warnf(at, "a stock Odoo has no model %q; check against the server", l.Model)
		return
	}
	if !ok {
		b.errorf(at, "Odoo has no model %q here; its module may not be installed", l.Model)
		return
	}
	there := b.within(l.Model, fields)
	if l.Domain = there.domain(d.Domain.node); dated(l.Domain) {
		b.errorf(d.Domain.place, "a record is looked up whatever day it is: today() belongs to a mapping of messages")
	}
	by := d.By
	if !by.given() {
		by = str{place: d.at, v: l.By}
	}
	field := there.odooField(by)
	switch {
	case l.By == "display_name":
		b.errorf(by.place, "Odoo makes display_name when it is read and cannot search by it")
	case field != nil && !slices.Contains([]string{"", "char", "text", "selection"}, field.Type):
		b.errorf(by.place, "a record is looked up by a text, and %s of %s is %s", l.By, l.Model, field.Type)
	case l.Create && l.By != "name":
		b.errorf(d.Create.place, "a record that is made gets the text as its name, so it must be looked up by name")
	}
}

// within is a builder that looks fields up in another model and complains into the same file.
func (b *builder) within(model string, fields map[string]OdooField) *builder {
	return &builder{loader: b.loader, file: b.file, d: b.d, m: &Mapping{Name: b.m.Name, Model: model}, model: fields}
}

// found chooses the converter of a pair with a lookup. Its table of values leads to the text that is looked up.
func (b *builder) found(fd *fieldDoc, f *Field) {
	b.lintReferenceKeys(fd)
	c := lookupConverter{lookup: f.Lookup}
	if f.ding != nil && !slices.Contains([]string{"", typeText, typeID, typeComponent}, f.ding.Type) {
		b.errorf(fd.DingTalk.place, "a lookup is by a text, and the type of %s is %s", f.DingName, f.ding.Type)
	}
	if fd.Values.given() {
		p := pair{&OdooField{Type: "char"}, f.ding, f.Direction}
		if fields, ok := b.modelFields(f.Lookup.Model); ok {
			by := fields[f.Lookup.By]
			p.odoo = &by
		}
		b.table(fd, f, p)
		c.table, _ = f.Convert.(*tableConverter)
	}
	f.Convert = c
}

func (b *builder) modelFields(model string) (map[string]OdooField, bool) {
	if b.schema.Models == nil {
		return nil, false
	}
	return b.schema.Models(model)
}

// lintReferenceKeys complains about what only a reference by links can have.
func (b *builder) lintReferenceKeys(fd *fieldDoc) {
	for _, key := range []struct {
		name  string
		given bool
		at    place
	}{{"attribute", fd.Attribute.given(), fd.Attribute.place}, {"none", fd.None.given(), fd.None.place}, {"optional", fd.Optional.given(), fd.Optional.place}} {
		if key.given {
			b.errorf(key.at, "%s belongs to a reference: the pair needs ref", key.name)
		}
	}
}

// texts are what gives a lookup its meaning; none for a pair without one.
func (l *Lookup) texts() []string {
	if l == nil {
		return nil
	}
	return []string{"lookup", l.Model, l.By, fmt.Sprint(l.Domain), fmt.Sprint(l.Create)}
}
