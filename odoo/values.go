package odoo

import (
	"fmt"
	"strconv"
)

// Field is one field of a model, as fields_get describes it (odoo/fields.py: get_description).
type Field struct {
	Name, Type, Relation, RelationField, String string
	// Store: it has a column (or a relation table), so that polling sees it change. Searchable: a domain may name it; one over any
	// other field matches everything.
	Required, Readonly, Store, Searchable, Sortable bool
	Selection                                       [][2]string // value and label; values that are no text in their decimal form
	Size                                            int         // of a char: longer values are cut silently; 0: no bound
}

// NewField reads the attributes of one field: the inner map of a fields_get answer, over XML-RPC or as JSON.
func NewField(name string, attributes map[string]any) Field {
	text := func(key string) string { s, _ := attributes[key].(string); return s }
	flag := func(key string) bool { b, _ := attributes[key].(bool); return b }
	f := Field{
		Name: name, Type: text("type"), Relation: text("relation"), RelationField: text("relation_field"), String: text("string"),
		Required: flag("required"), Readonly: flag("readonly"), Store: flag("store"), Searchable: flag("searchable"), Sortable: flag("sortable"),
	}
	switch n := attributes["size"].(type) {
	case int64:
		f.Size = int(n)
	case float64:
		f.Size = int(n)
	}
	options, _ := attributes["selection"].([]any)
	for _, o := range options {
		if option, ok := o.([]any); ok && len(option) == 2 {
			f.Selection = append(f.Selection, [2]string{selected(option[0]), selected(option[1])})
		}
	}
	return f
}

// selected is a selection's value as text; the one for "none" is false on the wire.
func selected(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return ""
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Many2One is a reference with its display name. As a value to be written it is its id; the zero value clears.
type Many2One struct {
	ID   int64
	Name string
}

// Decode turns one wire value into what its field's type says (odoo/fields.py: convert_to_read):
//
//	boolean                                           bool
//	integer                                           int64
//	float, monetary                                   float64
//	char, text, html, selection, reference, binary    string; binary is base64
//	date, datetime                                    string, "2006-01-02" and TimeLayout, in UTC
//	many2one                                          Many2One
//	one2many, many2many                               []int64, perhaps empty
//
// False and the empty text are nil, except for a boolean; an x2many is never nil. A field without a type is passed on as it is.
// A value of another type is an *Error of class Reject that names the field.
func Decode(f Field, wire any) (any, error) {
	switch f.Type {
	case "boolean":
		if b, ok := wire.(bool); ok {
			return b, nil
		}
		return nil, mismatch(f, wire)
	case "one2many", "many2many":
		if isEmpty(wire) {
			return []int64{}, nil
		}
		if list, ok := idList(wire); ok {
			return list, nil
		}
		return nil, mismatch(f, wire)
	}
	if isEmpty(wire) {
		return nil, nil
	}
	switch f.Type {
	case "":
		return wire, nil
	case "many2one":
		if to, ok := pair(wire); ok {
			return to, nil
		}
	case "integer":
		if n, ok := wire.(int64); ok {
			return n, nil
		}
	case "float", "monetary":
		switch n := wire.(type) {
		case float64:
			return n, nil
		case int64:
			return float64(n), nil
		}
	default:
		switch s := wire.(type) {
		case string:
			return s, nil
		case int64: // a selection, or a text some module computes as a number
			return strconv.FormatInt(s, 10), nil
		case float64:
			return strconv.FormatFloat(s, 'f', -1, 64), nil
		}
	}
	return nil, mismatch(f, wire)
}

// isEmpty reports Odoo's ways of saying "nothing".
func isEmpty(wire any) bool { return wire == nil || wire == false || wire == "" }

// pair is a many2one: [id, display name], or the bare id that read sends where it was asked not to look names up.
func pair(wire any) (Many2One, bool) {
	switch x := wire.(type) {
	case int64:
		return Many2One{ID: x}, true
	case []any:
		if len(x) == 2 {
			id, isID := x[0].(int64)
			name, isText := x[1].(string)
			return Many2One{ID: id, Name: name}, isID && isText
		}
	}
	return Many2One{}, false
}

func idList(wire any) ([]int64, bool) {
	list, ok := wire.([]any)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(list))
	for i, v := range list {
		if out[i], ok = v.(int64); !ok {
			return nil, false
		}
	}
	return out, true
}

func mismatch(f Field, wire any) error {
	return &Error{Class: Reject, Op: "decode", Field: f.Name, Message: fmt.Sprintf("%s is a %s, but Odoo sent a %T", f.Name, f.Type, wire)}
}
