package mapping

import "slices"

// Parts is a raw value that stands in several fields of a record at once, by their names: when a meeting is takes its start, its end, and
// whether it lasts whole days. They are read, compared and written together.
type Parts map[string]any

// composite is a converter whose value is spread over several fields of a side. It finds them in Env.Record, and its Write returns Parts.
type composite interface {
	// parts are the fields of a side that are read.
	parts(side Side) []string
}

// emptyReader is a converter for which an empty raw value says something: that there is no reminder, that the time is given as days.
type emptyReader interface{ readsEmpty() }

// essential is a converter without whose value a record would be another thing, as a series without its rule: where it is there but
// cannot be read or written, no record is made.
type essential interface{ makesTheRecord() }

// afterwards is a converter whose value can only be given to a record that exists.
type afterwards interface{ needsTheRecord() }

// rowReader is a converter that reads the records an x2many names, not only their ids.
type rowReader interface {
	// columns are the fields read of each record.
	columns() []string
}

// parts are the fields of a side among which the pair's value is spread; nil when it stands in one.
func (f *Field) parts(side Side) []string {
	if c, ok := f.Convert.(composite); ok {
		return c.parts(side)
	}
	return nil
}

// writesTo reports whether the pair writes the field of a side, alone or among others.
func (f *Field) writesTo(side Side, name string) bool {
	return f.Writes(side) && (f.Name(side) == name || f.readName(side) == name || slices.Contains(f.parts(side), name))
}

// Essential reports whether no record may be made without the field, should it be there and not be readable or writable.
func (f *Field) Essential() bool {
	_, is := f.Convert.(essential)
	return is
}

// Afterwards reports whether the field is left out when a record is created, and written to it once it exists.
func (f *Field) Afterwards() bool {
	_, is := f.Convert.(afterwards)
	return is
}
