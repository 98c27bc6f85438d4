package mapping

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A path is a chain of fields over many2ones, seen from the mapping's model: employee_id.department_id. A record carries what stands
// at its end under the whole path.

// isPath reports whether a name leads over another model.
func isPath(name string) bool { return strings.Contains(name, ".") }

// firstOf is the field of the mapping's own model where a path begins.
func firstOf(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

// pathFault is what is wrong with a path, and where: runes into it.
type pathFault struct {
	offset  int
	message string
	doubt   bool // nothing is wrong as far as can be told without the server
}

// follow returns the description of the field at the end of a path that begins with these fields of a model; nil with the fault, or
// with a doubt.
func (s Schema) follow(model string, fields map[string]OdooField, path string) (*OdooField, *pathFault) {
	offset := 0
	names := strings.Split(path, ".")
	for i, name := range names {
		f, ok := fieldOf(fields, name)
		switch {
		case name == "":
			return nil, &pathFault{offset, fmt.Sprintf("the path %q lacks a field between its points", path), false}
		case !ok && strings.HasPrefix(name, "x_") && !s.Live:
			return nil, &pathFault{offset, fmt.Sprintf("%s has no field %q in a stock Odoo; check against the server", model, name), true}
		case !ok:
			return nil, &pathFault{offset, fmt.Sprintf("%s has no field %q%s", model, name, suggest(name, keysOf(fields))), false}
		case i == len(names)-1:
			return &f, nil
		case f.Type == "": // an added field nobody knows
			return nil, &pathFault{offset, "", true}
		case f.Type == "one2many" || f.Type == "many2many":
			return nil, &pathFault{offset, fmt.Sprintf("%s names several records, and a path can only lead over one", name), false}
		case f.Type != "many2one":
			return nil, &pathFault{offset, fmt.Sprintf("%s is no reference to another record: its type is %s", name, f.Type), false}
		}
		offset += utf8.RuneCountInString(name) + 1
		model = f.Relation
		if s.Models == nil {
			return nil, &pathFault{offset, "", true}
		}
		if fields, ok = s.Models(model); !ok {
			message := fmt.Sprintf("the fields of %s are not known here, so %q cannot be checked", model, path)
			return nil, &pathFault{offset, message, !s.Live}
		}
	}
	return nil, nil // a path has at least one name
}

// fieldOf is a field of a model, or its id, which fields_get may leave out.
func fieldOf(fields map[string]OdooField, name string) (OdooField, bool) {
	f, ok := fields[name]
	if !ok && name == "id" {
		return OdooField{Type: "integer", Readonly: true, Store: true}, true
	}
	return f, ok
}

// path looks the end of a path up and complains about what is wrong with it; nil when it is not known.
func (b *builder) path(name str) *OdooField {
	if b.model == nil {
		return nil
	}
	f, fault := b.schema.follow(b.m.Model, b.model, name.v)
	switch {
	case fault == nil:
		return f
	case !fault.doubt:
		b.errorf(b.inside(name, fault.offset), "%s", fault.message)
	case fault.message != "":
		b.warnf(b.inside(name, fault.offset), "%s", fault.message)
	}
	return nil
}

// pathTo is a path that must end at a reference to one of the models; "" when it does not.
func (b *builder) pathTo(name str, what string, models ...string) string {
	return b.pathToSome(name, what, false, models)
}

// pathToPeople is a path that stands for people; those of a message may be several.
func (b *builder) pathToPeople(name str, what string, models ...string) string {
	return b.pathToSome(name, what, b.kind != nil && b.kind.Message, models)
}

func (b *builder) pathToSome(name str, what string, several bool, models []string) string {
	if !name.given() || b.m.missing[firstOf(name.v)] {
		return ""
	}
	f := b.path(name)
	if f == nil || f.Type == "" {
		return name.v
	}
	if list := f.Type == "one2many" || f.Type == "many2many"; f.Type != "many2one" && !(several && list) {
		needs := "a path to one record"
		if several {
			needs = "a path to records"
		}
		b.errorf(name.place, "%s needs %s, and %s is of type %s", what, needs, name.v, f.Type)
		return ""
	}
	if !contains(models, f.Relation) {
		b.errorf(name.place, "%s leads to %s, and %s needs one of %s", name.v, f.Relation, what, strings.Join(models, ", "))
		return ""
	}
	return name.v
}
