package mapping

import (
	"fmt"
	"strconv"
)

// tableConverter is made of the values: of a field. The canonical value is Odoo's.
type tableConverter struct {
	toOdoo, toDing map[string]string
	odooType       string
	dingType       string
}

func newTableConverter(t table, p pair) *tableConverter {
	c := &tableConverter{toOdoo: map[string]string{}, toDing: map[string]string{}}
	if p.odoo != nil {
		c.odooType = p.odoo.Type
	}
	if p.ding != nil {
		c.dingType = p.ding.Type
	}
	for i, key := range t.keys {
		c.toOdoo[key.v] = t.values[i].v
		if _, taken := c.toDing[t.values[i].v]; !taken { // the first row wins where two lead to one
			c.toDing[t.values[i].v] = key.v
		}
	}
	return c
}

func (*tableConverter) Name() string { return "values" }

func (c *tableConverter) Read(side Side, raw any, _ Env) (Value, error) {
	text, ok := plainText(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a text, number or boolean")
	}
	if side == Odoo {
		if _, ok := c.toDing[text]; !ok {
			return UnknownValue, fmt.Errorf("%q is not among the values of the table", shorten(text, 60))
		}
		return Text(text), nil
	}
	value, ok := c.toOdoo[text]
	if !ok {
		return UnknownValue, fmt.Errorf("%q is not among the values of the table", shorten(text, 60))
	}
	return Text(value), nil
}

func (c *tableConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	if side == Odoo {
		return typed(v.Text, c.odooType)
	}
	text, ok := c.toDing[v.Text]
	if !ok {
		return nil, fmt.Errorf("%q is not among the values of the table", shorten(v.Text, 60))
	}
	return typed(text, c.dingType)
}

// typed is a text of the table in the raw form of a field's type.
func typed(text, fieldType string) (any, error) {
	switch fieldType {
	case "boolean":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, unexpected(text, "true or false")
		}
		return b, nil
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, unexpected(text, "a whole number")
		}
		return n, nil
	}
	return text, nil
}
