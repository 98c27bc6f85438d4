package odoo

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestWireValue(t *testing.T) {
	type named string
	seven := int32(7)
	cycle := []any{nil}
	cycle[0] = cycle
	for name, c := range map[string]struct{ in, out any }{
		"nil":            {nil, false},
		"nil pointer":    {(*int)(nil), false},
		"pointer":        {&seven, int64(7)},
		"named text":     {named("a"), "a"},
		"unsigned":       {uint8(9), int64(9)},
		"float32":        {float32(0.5), 0.5},
		"bytes":          {[]byte("hi"), "aGk="},
		"time":           {time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 8*3600)), "2026-01-01 19:04:05"},
		"reference":      {Many2One{ID: 3, Name: "x"}, int64(3)},
		"no reference":   {Many2One{}, false},
		"nil list":       {[]int64(nil), []any{}},
		"nil domain":     {Domain(nil), []any{}},
		"commands":       {[]Command{Set(1, 2), Link(3), Unlink(4), Clear(), Delete(5)}, []any{[]any{int64(6), int64(0), []any{int64(1), int64(2)}}, []any{int64(4), int64(3)}, []any{int64(3), int64(4)}, []any{int64(5)}, []any{int64(2), int64(5)}}},
		"values in list": {[]Values{{"a": nil}}, []any{map[string]any{"a": false}}},
		"escaped key":    {map[string]any{"a<b>&": 1}, map[string]any{"a&lt;b&gt;&amp;": int64(1)}},
		"named keys":     {map[named]string{"k": "v"}, map[string]any{"k": "v"}},
	} {
		got, err := wireValue(c.in)
		if err != nil || !reflect.DeepEqual(got, c.out) {
			t.Errorf("%s: got %#v, %v; want %#v", name, got, err, c.out)
		}
	}
	for name, c := range map[string]any{
		"channel": make(chan int), "function": func() {}, "struct": struct{ A int }{1}, "number keys": map[int]string{1: "a"},
		"NaN": math.NaN(), "infinity": math.Inf(1), "too large": uint64(math.MaxUint64), "cycle": cycle, "inside": []any{map[string]any{"a": make(chan int)}},
	} {
		if got, err := wireValue(c); err == nil {
			t.Errorf("%s: got %#v, want an error", name, got)
		}
	}
}
