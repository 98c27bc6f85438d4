package odoo

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// TimeLayout is how Odoo writes a datetime, always in UTC (odoo/fields.py: Datetime).
const TimeLayout = "2006-01-02 15:04:05"

// maxEncodeDepth bounds the nesting of a value that is sent; a cycle ends there.
const maxEncodeDepth = 32

// wireValue turns a Go value into what kolo's encoder writes rightly: bool, int64, float64, string, []any and map[string]any with
// keys that it need not escape, because it does not. Errors name types and keys, never values.
func wireValue(v any) (any, error) { return wire(reflect.ValueOf(v), 0) }

func wire(v reflect.Value, depth int) (any, error) {
	if !v.IsValid() {
		return false, nil
	}
	if depth > maxEncodeDepth {
		return nil, errors.New("the value is nested too deeply")
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(TimeLayout), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(x), nil
	case Many2One:
		if x.ID == 0 {
			return false, nil
		}
		return x.ID, nil
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, errors.New("a number is too large")
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, errors.New("a number is not finite")
	case reflect.String:
		return v.String(), nil
	case reflect.Interface:
		return wire(v.Elem(), depth)
	case reflect.Pointer:
		return wire(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return wireList(v, depth)
	case reflect.Map:
		return wireMap(v, depth)
	default:
		return nil, fmt.Errorf("a value of type %s has no form in XML-RPC", v.Type())
	}
}

func wireList(v reflect.Value, depth int) (any, error) {
	list := make([]any, v.Len())
	for i := range list {
		item, err := wire(v.Index(i), depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list[i] = item
	}
	return list, nil
}

func wireMap(v reflect.Value, depth int) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("a map with keys of type %s has no form in XML-RPC", v.Type().Key())
	}
	out := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		item, err := wire(it.Value(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Key().String(), err)
		}
		var key strings.Builder
		if err := xml.EscapeText(&key, []byte(it.Key().String())); err != nil {
			return nil, err
		}
		out[key.String()] = item
	}
	return out, nil
}
