package mapping

import "slices"

// magicFields are set by Odoo itself (MAGIC_COLUMNS in odoo/models.py, and two computed ones); a write to them has no effect or is refused.
var magicFields = []string{"id", "create_uid", "create_date", "write_uid", "write_date", "__last_update", "display_name"}

// lintField checks whether a pair can be read and written the way it is meant.
func (b *builder) lintField(fd *fieldDoc, f *Field) {
	if f.Writes(DingTalk) {
		b.lintToDingTalk(fd, f)
	}
	if f.Writes(Odoo) {
		b.lintToOdoo(fd, f)
	}
	b.lintTwice(fd, f)
	b.lintOutcome(fd, f)
	if f.OnCreate && f.Direction == Both {
		b.errorf(fd.On.place, "what is set at creation only has one direction; give the pair one")
	}
	if fd.Wins.given() {
		switch {
		case b.m.Approval != nil:
			b.errorf(fd.Wins.place, "wins has no effect: a running approval cannot be edited in DingTalk")
		case f.Direction != Both:
			b.errorf(fd.Wins.place, "a pair with one direction has no conflicts; wins has no effect")
		case f.Wins == NewestWins && b.kind != nil && !b.kind.Times:
			b.errorf(fd.Wins.place, "a DingTalk %s does not carry the time of its last change, so newest cannot be told", b.kind.Name)
		}
	}
}

func (b *builder) lintToDingTalk(fd *fieldDoc, f *Field) {
	d := f.ding
	switch {
	case d == nil:
	case !d.Create && !d.Update:
		b.errorf(fd.DingTalk.place, `%s is read-only in DingTalk; the pair needs "direction: to_odoo"`, f.DingName)
	case d.Type == typeComponent: // a form is filled once; what a later edit means is said by change:
	case f.OnCreate && !d.Create:
		b.errorf(fd.On.place, "%s cannot be given when a %s is created, only later", f.DingName, b.kind.Name)
	case f.OnCreate || d.Update || b.m.Approval != nil: // what an approval was started with is kept; change says what an edit means
	case f.Value != nil:
		b.errorf(fd.DingTalk.place, `%s can be given at creation only; the pair needs "on: create"`, f.DingName)
	case !d.Required: // a required one cannot be left out, so there is nothing to warn of
		b.warnf(fd.DingTalk.place, "%s can be given at creation only: later changes in Odoo will be held for a person", f.DingName)
	}
	if f.OnCreate || b.m.Approval != nil || b.line != nil { // an approval is read again when it is decided
		return
	}
	if f.Answers() { // attendees are polled beside their meetings
		return
	}
	names := []string{f.OdooName}
	if f.Value != nil {
		names = f.Value.Names()
	}
	if f.When != nil {
		names = append(names, f.When.Names()...)
	}
	b.lintSeen(fd.at, names)
}

// lintSeen warns of fields of which only a sweep sees the change, unless the mapping says how often it sweeps, or when it looks.
func (b *builder) lintSeen(where place, names []string) {
	if b.m.Sweep > 0 || b.d.Schedule.given() {
		return
	}
	for _, name := range names {
		if unseen := b.unseen(name); unseen != "" {
			b.warnf(where, "%s of %s is %s, so polling cannot see it change; only the sweep will: say how often with sweep:", name, b.m.Model, unseen)
		}
	}
}

// unseen says why a change of a field does not move the record's write_date (odoo/fields.py, odoo/models.py); "" if it does.
func (b *builder) unseen(name string) string {
	o, ok := b.model[name]
	switch {
	case isPath(name) && b.model != nil:
		return "part of another record"
	case !ok || o.Type == "":
		return ""
	case o.Type == "one2many" || o.Type == "many2many":
		return o.Type
	case !o.Store:
		return "not stored"
	}
	return ""
}

func (b *builder) lintToOdoo(fd *fieldDoc, f *Field) {
	switch o := f.odoo; {
	case isPath(f.OdooName):
		b.errorf(fd.Odoo.place, `a path leads to another record, which is not written; the pair needs "direction: to_dingtalk"`)
	case o == nil:
	case slices.Contains(magicFields, f.OdooName), o.Readonly && !o.Store:
		b.errorf(fd.Odoo.place, "Odoo sets %s itself; it cannot be written", f.OdooName)
	case b.m.Approval != nil: // documents are read-only by their state, and methods change that
	case o.Readonly:
		b.warnf(fd.Odoo.place, "%s is read-only for people in Odoo; what is written there may be computed again", f.OdooName)
	}
	if d := f.ding; d != nil && f.Value == nil && !d.Get && !d.List {
		b.errorf(fd.DingTalk.place, "DingTalk never returns %s, so it cannot be read", f.DingName)
	}
}

// lintTwice complains when an earlier pair writes the same field, unless one of the two does so at creation only: where the other has nothing.
func (b *builder) lintTwice(fd *fieldDoc, f *Field) {
	for _, other := range b.m.Fields {
		if f.OnCreate != other.OnCreate && f.Lines == nil && other.Lines == nil {
			continue
		}
		if f.Writes(DingTalk) && other.Writes(DingTalk) && f.DingName == other.DingName {
			b.errorf(fd.DingTalk.place, "%s is already written by the pair in line %d", f.DingName, other.Pos.Line)
		}
		if f.Writes(Odoo) && other.Writes(Odoo) && f.OdooName == other.OdooName {
			b.errorf(fd.Odoo.place, "%s is already written by the pair in line %d", f.OdooName, other.Pos.Line)
		}
	}
}
