package mapping

import (
	"strings"

	"github.com/expr-lang/expr/types"
)

// scope is what expressions over one side's record may name.
type scope struct {
	of     string // "hr.employee" or "user", for complaints
	kinds  map[string]valueKind
	types  types.Map
	groups map[string]string // the names under which others stand, and how those begin in a record: "form", "form."
	cells  map[string]bool   // of the row that an expression is about; nil for other expressions
	speaks bool              // it has the functions that make texts for people

	markdown bool // the result is shown as markdown

	// follow tells what stands at the end of a path that leads over a many2one; nil where there are none.
	follow func(path string) (*OdooField, *pathFault)
}

func newScope(of string) *scope {
	return &scope{of: of, kinds: map[string]valueKind{}, types: types.Map{}, groups: map[string]string{}}
}

func (s *scope) add(name string, k valueKind) {
	s.kinds[name] = k
	s.types[name] = k.exprType()
}

func odooScope(model string, fields map[string]OdooField) *scope {
	s := newScope(model)
	for name, f := range fields {
		s.add(name, odooValueKind(f.Type))
	}
	s.add("id", kindInt)
	return s
}

func dingScope(kind Kind) *scope {
	s := newScope(kind.Name)
	for name, f := range kind.Fields {
		s.add(name, dingValueKind(f.Type))
	}
	if kind.Open != "" {
		s.group(strings.TrimSuffix(kind.Open, "."), kind.Open)
	}
	return s
}

func odooValueKind(fieldType string) valueKind {
	switch fieldType {
	case "char", "text", "html", "selection", "date", "datetime", "binary", "reference":
		return kindText
	case "integer":
		return kindInt
	case "float", "monetary":
		return kindFloat
	case "boolean":
		return kindBool
	case "many2one":
		return kindRecord
	case "one2many", "many2many":
		return kindIDs
	}
	return kindAny
}

func dingValueKind(fieldType string) valueKind {
	switch fieldType {
	case typeText, typeID:
		return kindText
	case typeInteger, typeInstant:
		return kindInt
	case typeBoolean:
		return kindBool
	case typeIDList:
		return kindTexts
	}
	return kindAny
}

func (k valueKind) exprType() types.Type {
	switch k {
	case kindText:
		return types.String
	case kindInt:
		return types.Int64
	case kindFloat:
		return types.Float64
	case kindBool:
		return types.Bool
	case kindRecord:
		return types.Map{"id": types.Int64, "name": types.String}
	case kindActor:
		return types.Map{"name": types.String, "userid": types.String}
	case kindIDs:
		return types.Array(types.Int64)
	case kindTexts:
		return types.Array(types.String)
	}
	return types.Any
}
