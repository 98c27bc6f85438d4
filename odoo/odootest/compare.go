package odootest

import (
	"regexp"
	"strings"
)

// comparison is __leaf_to_sql for one column: NULL compares as in SQL.
func comparison(f *field, op string, right any) (func(any) bool, error) {
	if right == nil {
		right = false
	}
	if f.typ == "datetime" {
		if s, ok := right.(string); ok && len(s) == 10 {
			right = s + map[bool]string{true: " 23:59:59", false: " 00:00:00"}[op == ">" || op == "<="]
		}
	}
	if op == "=?" {
		if right == false {
			return func(any) bool { return true }, nil
		}
		op = "="
	}
	switch op {
	case "in", "not in":
		return membership(f, op, right)
	case "like", "ilike", "not like", "not ilike", "=like", "=ilike":
		return likeness(op, right), nil
	}
	if f.typ == "boolean" {
		want := truthy(right)
		return func(v any) bool { b, _ := v.(bool); return (b == want) == (op == "=") }, nil
	}
	if right == false && f.typ != "integer" && f.typ != "float" && f.typ != "monetary" || right == false && (op == "=" || op == "!=") {
		switch op {
		case "=":
			return func(v any) bool { return v == nil }, nil
		case "!=":
			return func(v any) bool { return v != nil }, nil
		}
		return func(any) bool { return false }, nil
	}
	want, err := searchValue(f, right)
	if err != nil {
		return nil, err
	}
	holds := map[string]func(int) bool{
		"=": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 }, "<": func(c int) bool { return c < 0 },
		"<=": func(c int) bool { return c <= 0 }, ">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
	}[op]
	return func(v any) bool { return v != nil && holds(compareValues(v, want)) }, nil
}

func membership(f *field, op string, right any) (func(any) bool, error) {
	list, ok := right.([]any)
	if !ok {
		return nil, pythonFault("ValueError", "Invalid domain term "+pyTuple([]any{f.name, op, right}))
	}
	set := map[any]bool{}
	null := false
	for _, x := range list {
		if n, isInt := x.(int64); x == nil || x == false || isInt && n == 0 {
			null = true
			continue
		}
		v, err := searchValue(f, x)
		if err != nil {
			return nil, err
		}
		set[v] = true
	}
	if op == "in" {
		return func(v any) bool { return v == nil && null || v != nil && set[v] }, nil
	}
	return func(v any) bool { return v == nil && !null || v != nil && !set[v] }, nil
}

// searchValue converts a domain's value to the column's type without validating it.
func searchValue(f *field, v any) (any, error) {
	switch f.typ {
	case "char", "text", "html", "selection", "reference", "binary":
		return pyStr(v), nil
	case "boolean":
		return truthy(v), nil
	}
	c := convert{f: f}
	if f.typ == "many2one" {
		if n, ok := toInt(v); ok {
			return n, nil
		}
		return nil, pythonFault("psycopg2.errors.InvalidTextRepresentation", "invalid input syntax for type integer: "+pyRepr(v)+"\n")
	}
	return c.value(v)
}

// likeness is (i)like with its wildcards; NULL never matches, except everything for an empty pattern.
func likeness(op string, right any) func(any) bool {
	pattern := ""
	if right != false {
		pattern = pyStr(right)
	}
	contains := !strings.HasPrefix(op, "=")
	insensitive := strings.HasSuffix(op, "ilike")
	neg := negative(op)
	match := likeMatcher(pattern, contains, insensitive)
	return func(v any) bool {
		if v == nil {
			return contains && pattern == ""
		}
		return match(pyStr(v)) != neg
	}
}

func likeMatcher(pattern string, contains, insensitive bool) func(string) bool {
	if !strings.ContainsAny(pattern, `%_\`) {
		if insensitive {
			pattern = strings.ToLower(pattern)
		}
		return func(s string) bool {
			if insensitive {
				s = strings.ToLower(s)
			}
			if contains {
				return strings.Contains(s, pattern)
			}
			return s == pattern
		}
	}
	re := regexp.QuoteMeta(pattern)
	re = strings.NewReplacer(`\\%`, "%", `\\_`, "_", "%", ".*", "_", ".").Replace(re)
	if contains {
		re = ".*" + re + ".*"
	}
	flags := "(?s)"
	if insensitive {
		flags = "(?si)"
	}
	return regexp.MustCompile(flags + "^" + re + "$").MatchString
}
