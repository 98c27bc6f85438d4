package dingtalk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Object is a DingTalk object by wire names. Numbers are int64, or float64 where they are no whole number that fits; nested
// objects are map[string]any, lists []any. Fields of a Kind's table have the type said there: ids are strings, lists of ids
// []any of strings, a JSON text such as a user's extension is the object it holds. In writes a list of ids may also be
// []string, []int64 or one comma-joined string; nil is absence in a creation and refused in an update. Values that come as strings where numbers or booleans are meant are
// understood: DingTalk's documents print them that way.
type Object map[string]any

// Text returns the field as text: a string as it is, numbers and booleans printed, "" if absent.
func (o Object) Text(field string) string { return text(o[field]) }

// Int returns the field as a whole number, also from a string; false if it is none.
func (o Object) Int(field string) (int64, bool) { return integer(o[field]) }

// Bool returns the field as a boolean, also from "true" and 1; false if absent.
func (o Object) Bool(field string) bool {
	b, _ := boolean(o[field])
	return b
}

// IDs returns the field as a list of ids: from a list, a comma-joined string or a single id.
func (o Object) IDs(field string) []string { return idList(o[field]) }

// Rows returns the objects of a list field; what is no object is left out.
func (o Object) Rows(field string) []Object {
	var rows []Object
	for _, v := range list(o[field]) {
		if m, ok := v.(map[string]any); ok {
			rows = append(rows, m)
		}
	}
	return rows
}

func (o Object) object(field string) Object {
	m, _ := o[field].(map[string]any)
	return m
}

var errNotObject = errors.New("not a JSON object")

// decodeObject reads one JSON object and nothing after it.
func decodeObject(raw []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		// The decoder's own texts may quote the input.
		return nil, errNotObject
	}
	if m == nil {
		return nil, errNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return plain(m).(map[string]any), nil
}

// plain replaces every json.Number, in place, by int64 or float64.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil { // out of range: keep the digits
			return v.String()
		}
		return f
	case map[string]any:
		for k, x := range v {
			v[k] = plain(x)
		}
	case []any:
		for i, x := range v {
			v[i] = plain(x)
		}
	}
	return v
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	raw, err := marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return 0, false
		}
		return int64(v), true
	case json.Number:
		i, err := v.Int64()
		return i, err == nil
	case string:
		i, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return i, err == nil
	}
	return 0, false
}

func boolean(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v != 0, v == 0 || v == 1
	case string:
		b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(v)))
		return b, err == nil
	}
	return false, false
}

// list is v as a list; a single value, as some documents print lists, is a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case []map[string]any:
		rows := make([]any, len(v))
		for i, m := range v {
			rows[i] = m
		}
		return rows
	}
	return []any{v}
}

// idList reads ids out of a list, a comma-joined string, a JSON text of a list, or a single id.
func idList(v any) []string {
	var ids []string
	add := func(id string) {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	switch v := v.(type) {
	case nil, map[string]any:
	case []string:
		for _, id := range v {
			add(id)
		}
	case []int64:
		for _, id := range v {
			add(strconv.FormatInt(id, 10))
		}
	case []any:
		for _, x := range v {
			if _, nested := x.(map[string]any); !nested {
				add(text(x))
			}
		}
	case string:
		for id := range strings.SplitSeq(strings.Trim(v, "[] "), ",") {
			add(strings.Trim(strings.TrimSpace(id), `"`))
		}
	default:
		add(text(v))
	}
	return ids
}

// marshal encodes for a request: raw UTF-8, because legacy paths refuse \uxxxx escapes (40033).
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode gives the fields of a fresh answer the types and names of the kind's table. Fields that the table does not know
// are kept as they came; null is absence.
func (k Kind) decode(raw Object) Object {
	for name, v := range raw {
		if v == nil {
			delete(raw, name)
		}
	}
	for _, f := range k.Fields {
		v, ok := raw[f.ReadName()]
		if !ok {
			continue
		}
		if f.ReadAs != "" {
			delete(raw, f.ReadAs)
		}
		raw[f.Name] = f.decode(v)
	}
	return raw
}

func (f Field) decode(v any) any {
	switch f.Type {
	case Text, ID:
		return text(v)
	case Integer, InstantMS:
		if i, ok := integer(v); ok {
			return i
		}
	case Boolean:
		if b, ok := boolean(v); ok {
			return b
		}
	case IDList:
		ids := idList(v)
		out := make([]any, len(ids))
		for i, id := range ids {
			out[i] = id
		}
		return out
	case JSON:
		if s, ok := v.(string); ok {
			return jsonText(s)
		}
	}
	return v
}

// jsonText is what a JSON text holds, if it holds an object or a list, else the text itself.
func jsonText(s string) any {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return s
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return s
	}
	switch v.(type) {
	case map[string]any, []any:
		return plain(v)
	}
	return s
}

// cut bounds a text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return fmt.Sprintf("%s…", string(r[:n]))
}
