package mapping

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// place is where a value stands in its file; the zero place is that of a value which is not there.
type place struct{ line, column int }

func at(n *yaml.Node) place { return place{n.Line, n.Column} }

// given reports whether the value stands in the file at all.
func (p place) given() bool { return p.line > 0 }

// nodeDecoder is implemented by the values of a document that are not plain structs or lists.
type nodeDecoder interface {
	decodeNode(f *file, n *yaml.Node)
}

// The values of a document. Each knows its place, so that later complaints can point at it.
type (
	str struct {
		place
		v    string
		node *yaml.Node
	}
	boolean struct {
		place
		v bool
	}
	whole struct {
		place
		v int64
	}
	number struct {
		place
		v float64
	}
	limit struct { // a count, or -1 for "unlimited"
		place
		v int
	}
	span struct {
		place
		v time.Duration
	}
	table struct { // texts to texts, in file order
		place
		keys, values []str
	}
	matchDoc struct { // one name or several
		place
		names []str
	}
	condition struct { // a boolean or {when: expression}
		place
		allowed bool
		when    str
	}
	raw struct { // decoded later, when the types are known
		place
		node *yaml.Node
	}
)

func (s *str) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		f.wrongType(n, "a text")
		return
	}
	*s = str{at(n), n.Value, n}
}

func (b *boolean) decodeNode(f *file, n *yaml.Node) {
	v, err := strconv.ParseBool(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || err != nil {
		f.wrongType(n, "true or false")
		return
	}
	*b = boolean{at(n), v}
}

func (w *whole) decodeNode(f *file, n *yaml.Node) {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil {
		f.wrongType(n, "a whole number")
		return
	}
	*w = whole{at(n), v}
}

func (p *number) decodeNode(f *file, n *yaml.Node) {
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		f.wrongType(n, "a number")
		return
	}
	*p = number{at(n), v}
}

func (l *limit) decodeNode(f *file, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value == "unlimited" {
		*l = limit{at(n), -1}
		return
	}
	v, err := strconv.ParseInt(n.Value, 10, 32)
	if n.Kind != yaml.ScalarNode || err != nil {
		f.wrongType(n, `a whole number or "unlimited"`)
		return
	}
	if v < 0 {
		f.errorf(at(n), `a guard cannot be negative; did you mean "unlimited"?`)
		return
	}
	*l = limit{at(n), int(v)}
}

func (s *span) decodeNode(f *file, n *yaml.Node) {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		f.wrongType(n, "a duration such as 30s or 24h")
		return
	}
	if v <= 0 {
		f.errorf(at(n), "the duration %s must be positive", n.Value)
		return
	}
	*s = span{at(n), v}
}

func (t *table) decodeNode(f *file, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.wrongType(n, "a table")
		return
	}
	t.place = at(n)
	f.pairs(n, func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode {
			f.wrongType(value, "a text")
			return
		}
		t.keys = append(t.keys, str{at(key), key.Value, key})
		t.values = append(t.values, str{at(value), scalarText(value), value})
	})
}

func (m *matchDoc) decodeNode(f *file, n *yaml.Node) {
	m.place = at(n)
	if n.Kind != yaml.SequenceNode {
		var one str
		one.decodeNode(f, n)
		if one.given() {
			m.names = []str{one}
		}
		return
	}
	if len(n.Content) == 0 {
		f.errorf(at(n), "an entry of match names no field")
	}
	f.decode(n, reflect.ValueOf(&m.names).Elem(), nil)
}

func (c *condition) decodeNode(f *file, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		var w whenDoc
		f.decode(n, reflect.ValueOf(&w).Elem(), nil)
		*c = condition{at(n), w.When.given(), w.When}
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		f.wrongType(n, "true, false or {when: condition}")
		return
	}
	var b boolean
	b.decodeNode(f, n)
	*c = condition{place: at(n), allowed: b.v}
}

func (r *raw) decodeNode(_ *file, n *yaml.Node) { *r = raw{at(n), n} }

// decode fills v, a document structure, from a node. enum lists the allowed texts of a scalar.
func (f *file) decode(n *yaml.Node, v reflect.Value, enum []string) {
	n, ok := f.resolve(n)
	if !ok {
		return
	}
	if d, ok := v.Addr().Interface().(nodeDecoder); ok {
		d.decodeNode(f, n)
		if s, ok := d.(*str); ok && s.given() && len(enum) > 0 && !slices.Contains(enum, s.v) {
			f.badEnum(*s, enum)
			*s = str{}
		}
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			f.wrongType(n, "a list")
			return
		}
		for _, item := range n.Content {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			f.decode(item, v.Index(v.Len()-1), nil)
		}
	case reflect.Struct:
		f.decodeStruct(n, v)
	}
}

func (f *file) decodeStruct(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		f.wrongType(n, "a set of keys")
		return
	}
	setPlace(v, at(n))
	known := structKeys(v.Type())
	seen := map[string]bool{}
	f.pairs(n, func(key, value *yaml.Node) {
		k, ok := known[key.Value]
		switch {
		case ok:
			seen[key.Value] = true
			f.decode(value, v.Field(k.index), k.enum)
		case laterKeys[key.Value]:
			f.errorf(at(key), "%q is not available yet", key.Value)
		default:
			f.errorf(at(key), "unknown key %q%s", key.Value, suggest(key.Value, keysOf(known)))
		}
	})
	for _, name := range keysOf(known) {
		if known[name].required && !seen[name] {
			f.errorf(at(n), "the key %q is missing", name)
		}
	}
}

// pairs calls each for every key of a mapping node; keys that occur twice are complained about and left out.
func (f *file) pairs(n *yaml.Node, each func(key, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			f.wrongType(key, "a text")
			continue
		}
		if key.Tag == "!!merge" {
			f.errorf(at(key), "merge keys (<<) are not supported; write the keys out")
			continue
		}
		if line, ok := first[key.Value]; ok {
			f.errorf(at(key), "the key %q is already given in line %d", key.Value, line)
			continue
		}
		first[key.Value] = key.Line
		if value, ok := f.resolve(value); ok {
			each(key, value)
		}
	}
}

// structKey is what the tags of a document structure say about one key.
type structKey struct {
	index    int
	required bool
	enum     []string
}

func structKeys(t reflect.Type) map[string]structKey {
	keys := map[string]structKey{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		k := structKey{index: i}
		for _, word := range strings.Split(t.Field(i).Tag.Get("jsonschema"), ",") {
			if word == "required" {
				k.required = true
			}
			if value, ok := strings.CutPrefix(word, "enum="); ok {
				k.enum = append(k.enum, value)
			}
		}
		keys[name] = k
	}
	return keys
}

// located is embedded in the structures of a document, which remember where they begin.
type located struct{ at place }

func (l *located) setPlace(p place) { l.at = p }

func setPlace(v reflect.Value, p place) {
	if d, ok := v.Addr().Interface().(interface{ setPlace(p place) }); ok {
		d.setPlace(p)
	}
}

func (f *file) wrongType(n *yaml.Node, want string) {
	f.errorf(at(n), "%s is expected here, not %s", want, describe(n))
}

func (f *file) badEnum(s str, allowed []string) {
	f.errorf(s.place, "%q is none of %s%s", s.v, strings.Join(allowed, ", "), suggest(s.v, allowed))
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a set of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "nothing"
	}
	return fmt.Sprintf("%q", shorten(n.Value, 40))
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func scalarText(n *yaml.Node) string {
	if isNull(n) {
		return ""
	}
	return n.Value
}

func shorten(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return s
}
