package dingtalk

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encode checks and converts one value for a request.
func (f Field) encode(api string, v any) (any, error) {
	switch f.Type {
	case Text:
		s, ok := v.(string)
		if !ok {
			return nil, refuse(api, f.Name, "text expected, got %T", v)
		}
		return s, f.checkLength(api, utf8.RuneCountInString(s), "characters")
	case ID:
		id := text(v)
		if err := f.checkLength(api, utf8.RuneCountInString(id), "characters"); err != nil {
			return nil, err
		}
		return f.encodeID(api, id)
	case Integer, InstantMS:
		i, ok := integer(v)
		if !ok {
			return nil, refuse(api, f.Name, "a whole number expected, got %T", v)
		}
		return i, nil
	case Boolean:
		b, ok := boolean(v)
		if !ok {
			return nil, refuse(api, f.Name, "a boolean expected, got %T", v)
		}
		return b, nil
	case IDList:
		ids := idList(v)
		for _, id := range ids {
			if _, err := f.encodeID(api, id); err != nil {
				return nil, err
			}
		}
		return strings.Join(ids, ","), f.checkLength(api, len(ids), "ids")
	}
	return f.encodeJSON(api, v)
}

func (f Field) encodeID(api, id string) (any, error) {
	if f.Numeric {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return nil, refuse(api, f.Name, "%q is not a positive number", cut(id, 40))
		}
		return n, nil
	}
	if id == "" || strings.ContainsAny(id, ",\n\r") {
		return nil, refuse(api, f.Name, "%q is not an id", cut(id, 40))
	}
	return id, nil
}

func (f Field) encodeJSON(api string, v any) (any, error) {
	raw, err := marshal(v)
	if err != nil {
		return nil, refuse(api, f.Name, "not representable in JSON: %T", v)
	}
	s, isText := v.(string)
	if isText {
		raw = []byte(s)
		if !json.Valid(raw) {
			return nil, refuse(api, f.Name, "not a JSON text")
		}
	}
	if err := f.checkLength(api, utf8.RuneCount(raw), "characters"); err != nil {
		return nil, err
	}
	if f.Name == "extension" { // answers carry it as a text, so requests do as well
		return string(raw), nil
	}
	if isText {
		return json.RawMessage(raw), nil
	}
	return v, nil
}

func (f Field) checkLength(api string, n int, unit string) error {
	if f.MaxLen > 0 && n > f.MaxLen {
		return refuse(api, f.Name, "%d %s, at most %d are allowed", n, unit, f.MaxLen)
	}
	return nil
}

// encodeCreate is the body of a creation; nil is absence. The optional fields are not insisted upon.
func (k Kind) encodeCreate(api string, o Object, optional ...string) (Object, error) {
	given := maps.Clone(o)
	maps.DeleteFunc(given, func(_ string, v any) bool { return v == nil })
	body, err := k.encodeFields(api, given, func(f Field) bool { return f.Create })
	if err != nil {
		return nil, err
	}
	for _, f := range k.Fields {
		if v := body[f.Name]; f.Required && (v == nil || v == "") && !slices.Contains(optional, f.Name) {
			return nil, refuse(api, f.Name, "required")
		}
	}
	return body, nil
}

// encodeUpdate is the body of an update: the object's id, the fields to set, and how those of clear are emptied.
func (k Kind) encodeUpdate(api string, o Object, clear []string) (Object, error) {
	body, err := k.encodeFields(api, o, func(f Field) bool { return f.Update || f.Name == k.IDField })
	if err != nil {
		return nil, err
	}
	if v := body[k.IDField]; v == nil {
		return nil, refuse(api, k.IDField, "required")
	}
	var forced []string
	for _, name := range clear {
		f, ok := k.Field(name)
		if _, set := body[name]; set {
			return nil, refuse(api, name, "both set and cleared")
		}
		if !ok || !f.Update {
			return nil, refuse(api, name, "an update cannot change this field")
		}
		switch f.Clear {
		case ClearEmptyString:
			body[name] = ""
		case ClearEmptyList:
			body[name] = []any{}
		case ClearForceEmpty:
			body[name] = ""
			forced = append(forced, name)
		case ClearForce:
			forced = append(forced, name)
		default:
			return nil, refuse(api, name, "DingTalk has no way to empty this field")
		}
	}
	if len(forced) > 0 {
		body["force_update_fields"] = strings.Join(forced, ",")
	}
	return body, nil
}

// arrays turns the lists of ids in an encoded body into arrays, which the new generation takes.
func (k Kind) arrays(body Object) Object {
	for _, f := range k.Fields {
		if v, ok := body[f.Name]; ok && f.Type == IDList {
			ids := idList(v)
			if ids == nil {
				ids = []string{}
			}
			body[f.Name] = ids
		}
	}
	return body
}

func (k Kind) encodeFields(api string, o Object, takes func(Field) bool) (Object, error) {
	body := make(Object, len(o)+1)
	for _, name := range sortedKeys(o) {
		f, ok := k.Field(name)
		switch {
		case !ok:
			return nil, refuse(api, name, "a %s has no such field", k.Name)
		case !takes(f):
			return nil, refuse(api, name, "this call does not take the field")
		case o[name] == nil:
			return nil, refuse(api, name, "no value; a field is emptied by naming it in clear")
		}
		v, err := f.encode(api, o[name])
		if err != nil {
			return nil, err
		}
		body[name] = v
	}
	return body, nil
}

func sortedKeys(o Object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
