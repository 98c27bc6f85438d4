package dingtalktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// composeForm makes the values of a form from what a person would fill in, by label; see StartInstance.
func composeForm(list []Component, values map[string]any) ([]FormValue, error) {
	used := map[string]bool{}
	var out []FormValue
	for i := range list {
		c := &list[i]
		raw, err := take(c, values, used)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		if v, ok := raw.(FormValue); ok {
			v.Name, v.ID = c.wireName(), c.ID
			out = append(out, v)
			continue
		}
		text, err := wireText(c, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, FormValue{ID: c.ID, Name: c.wireName(), Value: text})
	}
	for label := range values {
		if !used[label] {
			return nil, fmt.Errorf("dingtalk stand-in: the form has no component %q", label)
		}
	}
	return out, nil
}

// take finds the value of a component, under its name or one part under each of its labels; nil when there is none.
func take(c *Component, values map[string]any, used map[string]bool) (any, error) {
	for _, name := range []string{c.wireName(), c.Label} {
		if v, ok := values[name]; ok {
			used[name] = true
			return v, nil
		}
	}
	var parts []any
	for _, label := range c.Labels {
		if v, ok := values[label]; ok {
			used[label] = true
			parts = append(parts, v)
		}
	}
	switch len(parts) {
	case 0:
		return nil, nil
	case len(c.Labels):
		return parts, nil
	}
	return nil, fmt.Errorf("dingtalk stand-in: component %s needs a value under each of its labels", c.wireName())
}

// listTypes are the components whose text is a JSON list.
var listTypes = []string{"DDMultiSelectField", "DDPhotoField", "InnerContactField", "RelateField"}

// wireText is a natural Go value as the wire has it. A text that is already in the form of the wire stays.
func wireText(c *Component, v any) (string, error) {
	switch v := v.(type) {
	case string:
		if slices.Contains(listTypes, c.Type) && !strings.HasPrefix(strings.TrimSpace(v), "[") {
			return jsonText([]string{v}), nil
		}
		return v, nil
	case time.Time:
		return v.In(china).Format(c.dateLayout()), nil
	case int, int64, bool, json.Number:
		return fmt.Sprint(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case []string, []int64, []int, []any, []map[string]any:
		return wireList(c, v)
	}
	return "", fmt.Errorf("dingtalk stand-in: component %s does not take a %T", c.wireName(), v)
}

func wireList(c *Component, v any) (string, error) {
	if parts, ok := v.([]any); ok {
		texts := slices.Clone(parts)
		for i, part := range parts {
			if t, ok := part.(time.Time); ok {
				texts[i] = t.In(china).Format(c.dateLayout())
			}
		}
		v = texts
	}
	var items []any
	if err := parseJSON(jsonText(v), &items); err != nil {
		return "", err
	}
	switch c.Type {
	case "TableField":
		return wireTable(c, items)
	case "DepartmentField", "AddressField":
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = asText(item)
		}
		return strings.Join(parts, ","), nil
	}
	return jsonText(items), nil
}

func wireTable(c *Component, rows []any) (string, error) {
	out := [][]any{}
	for _, row := range rows {
		values, ok := row.(map[string]any)
		if !ok {
			return "", fmt.Errorf("dingtalk stand-in: a row of %s must be a map", c.Label)
		}
		cells, err := composeForm(c.Children, values)
		if err != nil {
			return "", err
		}
		line := []any{}
		for _, v := range cells {
			line = append(line, map[string]any{"name": v.Name, "value": v.Value})
		}
		out = append(out, line)
	}
	return jsonText(out), nil
}
