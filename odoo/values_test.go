package odoo

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestDecode(t *testing.T) {
	list := []any{int64(1), int64(2)}
	for _, c := range []struct {
		kind       string
		wire, want any
	}{
		{"boolean", false, false},
		{"boolean", true, true},
		{"integer", int64(0), int64(0)},
		{"integer", false, nil},
		{"float", 0.0, 0.0},
		{"float", int64(2), 2.0},
		{"monetary", 1.5, 1.5},
		{"char", false, nil},
		{"char", "", nil},
		{"char", " ", " "},
		{"char", "x", "x"},
		{"char", int64(5), "5"},
		{"text", 1.5, "1.5"},
		{"html", "<p>x</p>", "<p>x</p>"},
		{"date", "2026-11-23", "2026-11-23"},
		{"datetime", "2026-11-23 18:00:04", "2026-11-23 18:00:04"},
		{"datetime", false, nil},
		{"binary", "aGk=", "aGk="},
		{"selection", "done", "done"},
		{"selection", int64(-1), "-1"},
		{"selection", false, nil},
		{"reference", "res.partner,3", "res.partner,3"},
		{"many2one", false, nil},
		{"many2one", "", nil},
		{"many2one", []any{int64(3), "A"}, Many2One{3, "A"}},
		{"many2one", []any{int64(3), ""}, Many2One{3, ""}},
		{"many2one", int64(3), Many2One{ID: 3}},
		{"one2many", []any{}, []int64{}},
		{"many2many", list, []int64{1, 2}},
		{"many2many", false, []int64{}},
		{"", false, nil},
		{"", list, list},
	} {
		got, err := Decode(Field{Name: "f", Type: c.kind}, c.wire)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %#v: got %#v, %v; want %#v", c.kind, c.wire, got, err, c.want)
		}
	}
	for _, c := range []struct {
		kind string
		wire any
	}{
		{"boolean", "x"},
		{"boolean", int64(1)},
		{"integer", "5"},
		{"integer", 1.5},
		{"float", "1.5"},
		{"char", true},
		{"char", list},
		{"many2one", "x"},
		{"many2one", []any{"x", "y"}},
		{"many2one", []any{int64(1)}},
		{"many2one", true},
		{"one2many", "x"},
		{"one2many", []any{"4-20261221020000"}},
	} {
		got, err := Decode(Field{Name: "f", Type: c.kind}, c.wire)
		if err == nil {
			t.Errorf("%s %#v: got %#v, want an error", c.kind, c.wire, got)
			continue
		}
		if e := failure(t, err); e.Class != Reject || e.Field != "f" {
			t.Errorf("%s %#v: %+v", c.kind, c.wire, e)
		}
	}
}

func TestNewField(t *testing.T) {
	got := NewField("state", map[string]any{
		"type": "selection", "string": "State", "required": true, "store": true, "size": int64(64), "readonly": "yes",
		"selection": []any{[]any{"a", "A"}, []any{int64(-1), "B"}, []any{false, ""}, []any{float64(14), "C"}, []any{"bad"}, "bad"},
	})
	want := Field{
		Name: "state", Type: "selection", String: "State", Required: true, Store: true, Size: 64,
		Selection: [][2]string{{"a", "A"}, {"-1", "B"}, {"", ""}, {"14", "C"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestLockContext(t *testing.T) {
	for writeDate, want := range map[string]Context{
		"2026-11-23 18:40:49":        {"__last_update": map[string]any{"res.partner,42": "2026-11-23 18:40:49.999999"}},
		"2026-11-23 18:40:49.123456": {"__last_update": map[string]any{"res.partner,42": "2026-11-23 18:40:49.999999"}},
		"":                           {},
	} {
		if got := LockContext("res.partner", 42, writeDate); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v", writeDate, got)
		}
	}
}

func TestDomains(t *testing.T) {
	a, b, c := Cond("a", "=", 1), Cond("b", "=", 2), Cond("c", "=", 3)
	for name, x := range map[string]struct{ got, want Domain }{
		"and":            {And(Domain{a}, Domain{b}, Domain{c}), Domain{"&", "&", a, b, c}},
		"and of nothing": {And(), Domain{}},
		"and of one":     {And(nil, Domain{a}, Domain{}), Domain{a}},
		"method":         {Domain{a}.And(Domain{b, c}), Domain{"&", a, "&", b, c}},
		"or":             {Or(Domain{a, b}, Domain{c}), Domain{"|", "&", a, b, c}},
		"or of three":    {Or(Domain{a}, Domain{b}, Domain{c}), Domain{"|", "|", a, b, c}},
		"or of all":      {Or(Domain{a}, nil), Domain{}},
		"or of nothing":  {Or(), Domain{none}},
		"not":            {Not(Domain{a, b}), Domain{"!", "&", a, b}},
		"not all":        {Not(nil), Domain{none}},
		"from YAML":      {And(Domain{"|", []any{"a", "=", 1}, []any{"b", "=", 2}, []any{"c", "=", 3}}, Domain{a}), Domain{"&", "&", "|", []any{"a", "=", 1}, []any{"b", "=", 2}, []any{"c", "=", 3}, a}},
	} {
		if len(x.got) != len(x.want) || (len(x.got) > 0 && !reflect.DeepEqual(x.got, x.want)) {
			t.Errorf("%s: got %v, want %v", name, x.got, x.want)
		}
	}
}

// matches evaluates a domain as odoo/osv/expression.py does: parts beside each other are joined by &.
func matches(d Domain, row [4]bool) bool {
	result := true
	for rest := d; len(rest) > 0; {
		var one bool
		one, rest = evaluate(rest, row)
		result = result && one
	}
	return result
}

func evaluate(d Domain, row [4]bool) (bool, Domain) {
	switch token := d[0].(type) {
	case string:
		x, rest := evaluate(d[1:], row)
		if token == "!" {
			return !x, rest
		}
		y, rest := evaluate(rest, row)
		if token == "&" {
			return x && y, rest
		}
		return x || y, rest
	case Term:
		if i, ok := token[0].(int); ok {
			return row[i], d[1:]
		}
		return token[0] == token[2], d[1:] // none
	}
	panic("not a domain")
}

func TestCombinedDomainsMeanWhatTheySay(t *testing.T) {
	var build func(t *rapid.T, depth int) (Domain, func([4]bool) bool)
	build = func(t *rapid.T, depth int) (Domain, func([4]bool) bool) {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 || kind == 0 { // terms beside each other
			columns := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 3).Draw(t, "columns")
			var d Domain
			for _, c := range columns {
				d = append(d, Term{c, "=", true})
			}
			return d, func(row [4]bool) bool {
				for _, c := range columns {
					if !row[c] {
						return false
					}
				}
				return true
			}
		}
		x, fx := build(t, depth-1)
		if kind == 1 {
			return Not(x), func(row [4]bool) bool { return !fx(row) }
		}
		y, fy := build(t, depth-1)
		switch kind {
		case 2:
			return And(x, y), func(row [4]bool) bool { return fx(row) && fy(row) }
		case 3:
			return Or(x, y), func(row [4]bool) bool { return fx(row) || fy(row) }
		case 4:
			return x.And(y), func(row [4]bool) bool { return fx(row) && fy(row) }
		default:
			return append(append(Domain{}, x...), y...), func(row [4]bool) bool { return fx(row) && fy(row) }
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d, want := build(t, 4)
		for bits := range 16 {
			row := [4]bool{bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0}
			if got := matches(d, row); got != want(row) {
				t.Fatalf("%v on %v: %v", d, row, got)
			}
		}
	})
}
