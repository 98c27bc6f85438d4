package odootest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// pyFloat is Python's repr of a float.
func pyFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	if a := math.Abs(f); f == 0 || a >= 1e-4 && a < 1e16 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
	}
	return s
}

// pyRepr is Python's repr of a decoded value: fault texts and characters written into char fields carry it.
func pyRepr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return pyFloat(v)
	case string:
		return pyQuote(v)
	case []any:
		return pyList("[", "]", v)
	case []int64:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range sortedKeys(v) {
			parts = append(parts, pyQuote(k)+": "+pyRepr(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}

func pyList(open, end string, list []any) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = pyRepr(v)
	}
	return open + strings.Join(parts, ", ") + end
}

// pyTuple is the repr of a tuple, with the comma that a single element keeps.
func pyTuple(list []any) string {
	if len(list) == 1 {
		return "(" + pyRepr(list[0]) + ",)"
	}
	return pyList("(", ")", list)
}

func pyQuote(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r < ' ' || r == 0x7f || r > 0x7f && r <= 0xff && !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\x%02x`, r)
		case !unicode.IsPrint(r) && r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		case !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = append(out, string(r)...)
		}
	}
	return string(append(out, quote))
}

// pyStr is Python's str: what a char field makes of anything that is no string.
func pyStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return pyRepr(v)
}

// truthy is Python's bool().
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// toInt reads an id: ints, and booleans as Python's ints.
func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		return int64(b2i(v)), true
	case float64:
		return int64(v), v == math.Trunc(v)
	}
	return 0, false
}

// toIDs reads ids as a method's first argument gives them: a list or a single one.
func toIDs(v any) ([]int64, bool) {
	switch v := v.(type) {
	case []int64:
		return slices.Clone(v), true
	case []any:
		out := make([]int64, 0, len(v))
		for _, e := range v {
			n, ok := toInt(e)
			if !ok {
				return nil, false
			}
			out = append(out, n)
		}
		return out, true
	case nil:
		return nil, true
	}
	if n, ok := toInt(v); ok {
		if v == false {
			return nil, true
		}
		return []int64{n}, true
	}
	return nil, false
}
