package odootest

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// convert turns a value as it came over the wire into what the column holds (odoo/fields.py, convert_to_column; the rest is
// PostgreSQL's own reading). nil is NULL.
type convert struct {
	f     *field
	model string // for the fault texts
}

func (c convert) value(v any) (any, error) {
	switch v.(type) {
	case isoTime, blob:
		if c.f.typ == "date" || c.f.typ == "datetime" {
			return nil, rawFault("TypeError: 'DateTime' object is not subscriptable")
		}
		return nil, rawFault("TypeError: argument should be a bytes-like object or ASCII string, not 'Binary'")
	}
	switch c.f.typ {
	case "char", "text", "html":
		return c.text(v), nil
	case "selection":
		return c.selection(v)
	case "boolean":
		return truthy(v), nil
	case "integer":
		return c.integer(v)
	case "float", "monetary":
		return c.float(v)
	case "date":
		return c.date(v)
	case "datetime":
		return c.datetime(v)
	case "many2one":
		return c.many2one(v)
	case "binary":
		return c.binary(v)
	}
	if v == nil || v == false {
		return nil, nil
	}
	return pyStr(v), nil
}

func (c convert) text(v any) any {
	if v == nil || v == false {
		return nil
	}
	s := pyStr(v)
	if c.f.typ == "html" {
		return sanitize(s)
	}
	if c.f.size > 0 && utf8.RuneCountInString(s) > c.f.size {
		s = string([]rune(s)[:c.f.size])
	}
	return s
}

func (c convert) selection(v any) (any, error) {
	if !truthy(v) {
		return nil, nil
	}
	s := pyStr(v)
	for _, o := range c.f.selection {
		if o[0] == s {
			return s, nil
		}
	}
	return nil, pythonFault("ValueError", fmt.Sprintf("Wrong value for %s.%s: %s", c.model, c.f.name, pyRepr(v)))
}

func (c convert) integer(v any) (any, error) {
	var n int64
	switch v := v.(type) {
	case nil:
		return int64(0), nil
	case bool:
		n = int64(b2i(v))
	case int64:
		n = v
	case float64:
		n = int64(v)
	case string:
		if v == "" {
			return int64(0), nil
		}
		i, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return nil, pythonFault("ValueError", "invalid literal for int() with base 10: "+pyRepr(v))
		}
		n = i
	default:
		return nil, rawFault("TypeError: int() argument must be a string, a bytes-like object or a number, not '" + pyType(v) + "'")
	}
	if n > math.MaxInt32 || n < math.MinInt32 {
		return nil, pythonFault("psycopg2.errors.NumericValueOutOfRange", "integer out of range\n")
	}
	return n, nil
}

func (c convert) float(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return 0.0, nil
	case bool:
		return float64(b2i(v)), nil
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		if v == "" {
			return 0.0, nil
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return nil, pythonFault("ValueError", "could not convert string to float: "+pyRepr(v))
		}
		return f, nil
	}
	return nil, rawFault("TypeError: float() argument must be a string or a number, not '" + pyType(v) + "'")
}

func (c convert) date(v any) (any, error) {
	if v == nil || v == false {
		return nil, nil
	}
	return parseDate(pyStr(v))
}

func (c convert) datetime(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case stamp:
		return v, nil
	}
	if v == false {
		return nil, nil
	}
	return parseStamp(pyStr(v))
}

func (c convert) many2one(v any) (any, error) {
	if !truthy(v) {
		return nil, nil
	}
	switch v := v.(type) {
	case int64:
		return v, nil
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return nil, pythonFault("psycopg2.errors.InvalidTextRepresentation", "invalid input syntax for type integer: "+strconv.Quote(v)+"\n")
		}
		return n, nil
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				return nil, pythonFault("psycopg2.errors.InvalidTextRepresentation", "invalid input syntax for type integer: "+strconv.Quote(s)+"\n")
			}
		}
	}
	return nil, pythonFault("psycopg2.errors.DatatypeMismatch",
		fmt.Sprintf("column %q is of type integer but expression is of type %s\n", c.f.name, pyType(v)))
}

func (c convert) binary(v any) (any, error) {
	if !truthy(v) {
		return nil, nil
	}
	s := pyStr(v)
	clean := strings.NewReplacer("\n", "", "\r", "").Replace(s)
	if _, err := base64.StdEncoding.DecodeString(clean); err != nil {
		if n := len(notAlphanumeric.ReplaceAllString(strings.NewReplacer("+", "a", "/", "a").Replace(clean), "")); n%4 == 1 {
			return nil, pythonFault("binascii.Error", fmt.Sprintf("Invalid base64-encoded string: number of data characters (%d) cannot be 1 more than a multiple of 4", n))
		}
		return nil, pythonFault("binascii.Error", "Incorrect padding")
	}
	return s, nil
}

func pyType(v any) string {
	switch v.(type) {
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	case string:
		return "str"
	case bool:
		return "bool"
	case float64:
		return "float"
	}
	return "int"
}

var (
	ampersand   = regexp.MustCompile(`&(#?\w+;)?`)
	bareLess    = regexp.MustCompile(`<([^a-zA-Z!/]|$)`)
	blockForm   = regexp.MustCompile(`(?i)^\s*<(p|div|ul|ol|table|h[1-6]|pre|blockquote|section|!|script|style|iframe)\b`)
	scriptForm  = regexp.MustCompile(`(?is)<(script|style|iframe)\b.*?</(script|style|iframe)\s*>`)
	handler     = regexp.MustCompile(`(?i)\s+on\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)`)
	selfClosing = regexp.MustCompile(`\s*/>`)
	scriptURL   = regexp.MustCompile(`(?i)(src|href)\s*=\s*("|')\s*javascript:[^"']*("|')`)
)

// sanitize does to html what Odoo's html_sanitize is mostly seen doing: scripts and handlers go, what is no block gets a <p>.
func sanitize(s string) string {
	if strings.TrimSpace(s) == "" {
		return s
	}
	s = ampersand.ReplaceAllStringFunc(s, func(found string) string {
		if found == "&" {
			return "&amp;"
		}
		return found
	})
	s = bareLess.ReplaceAllString(s, "&lt;$1")
	if !blockForm.MatchString(s) {
		s = "<p>" + s + "</p>"
	}
	s = scriptForm.ReplaceAllString(s, "")
	s = selfClosing.ReplaceAllString(handler.ReplaceAllString(s, ""), ">")
	return scriptURL.ReplaceAllString(s, `$1=""`)
}

// empty is what a field without value reads as.
func (f *field) empty() any {
	switch f.typ {
	case "integer":
		return int64(0)
	case "float", "monetary":
		return 0.0
	case "one2many", "many2many":
		return []int64{}
	}
	return false
}
