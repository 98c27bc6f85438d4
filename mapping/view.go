package mapping

import (
	"slices"
	"time"
)

// FieldError says why a field of a record could not be read: the field is Unknown in the View.
type FieldError struct {
	Field *Field
	Err   error
}

// Error names the field.
func (e FieldError) Error() string { return e.Field.Key + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e FieldError) Unwrap() error { return e.Err }

// View reads every field that a record of the side can tell, computed ones included, and leaves out what is Unknown. base is
// the View last settled on this side (nil if none; when reading back after a write, with the values written), zone the zone of DingTalk dates. A field that cannot be read is among
// the errors; the others are in the View all the same.
func (m *Mapping) View(side Side, rec Record, base View, refs Refs, zone *time.Location) (View, []FieldError) {
	view := make(View, len(m.Fields))
	var failed []FieldError
	env := Env{Refs: refs, Zone: zone}
	for _, f := range m.Fields {
		var v Value
		var err error
		if f.Value != nil && f.source() == side {
			v, err = f.Compute(rec)
		} else {
			env.Base = base[f.Key]
			v, err = f.Read(side, rec, env)
		}
		if err != nil {
			failed = append(failed, FieldError{f, err})
			continue
		}
		if !v.IsUnknown() {
			view[f.Key] = v
		}
	}
	return view, failed
}

// OdooFields returns the names to read from Odoo: of the pairs, and those that expressions use. Sorted. A name with points is a path
// over many2ones, and a record carries what stands at its end under the whole name; nil where a many2one on the way is empty.
func (m *Mapping) OdooFields() []string { return m.names(Odoo) }

// DingFields returns the names to read from DingTalk: of the pairs, those that expressions use, and those that converters
// look at beside their own. Sorted.
func (m *Mapping) DingFields() []string { return m.names(DingTalk) }

func (m *Mapping) names(side Side) []string {
	seen := map[string]bool{}
	expression := func(e *Expr) {
		if e != nil {
			for _, name := range e.Names() {
				seen[name] = true
			}
		}
	}
	for _, f := range m.Fields {
		if name := f.Name(side); name != "" && !(side == Odoo && f.Lines != nil && f.DingName == "") { // lines that are only made
			seen[name] = true
			seen[f.readName(side)] = true
		}
		if f.Direction != Both && f.source() == side {
			expression(f.Value)
			expression(f.When)
		}
		for _, name := range f.parts(side) {
			seen[name] = true
		}
		if c, ok := f.Convert.(interface{ beside() []string }); ok && side == DingTalk {
			for _, name := range c.beside() {
				seen[name] = true
			}
		}
	}
	if side == Odoo {
		for _, t := range m.transitions() {
			seen[t.Field] = true
		}
		expression(m.CreateDingTalk.When)
		if m.Message != nil {
			expression(m.Message.Once)
		}
	} else {
		expression(m.CreateOdoo.When)
	}
	if m.Message != nil {
		delete(seen, RecordURL)
	}
	if m.Message.Digest() && side == Odoo {
		seen = map[string]bool{firstOf(m.Message.GroupBy): true}
		for _, name := range m.columns() {
			seen[name] = true
		}
	}
	return slices.DeleteFunc(keysOf(seen), func(name string) bool { return side == Odoo && m.missing[firstOf(name)] })
}

// transitions are the fields that methods lead through their values.
func (m *Mapping) transitions() []*Transition {
	if m.Approval == nil {
		return nil
	}
	return m.Approval.Transitions
}

// SetupField is a field that the setup command creates in Odoo for a mapping.
type SetupField struct {
	Model, Name, Type string
	Label, LabelZH    string
}

// SetupFields returns the fields the mapping wants created in Odoo, in file order, whether they exist or not.
func (m *Mapping) SetupFields() []SetupField { return slices.Clone(m.setup) }
