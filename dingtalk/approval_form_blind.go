package dingtalk

import (
	"errors"
	"slices"
)

// EncodeFormBlind writes values without knowing the form, which the old API does not show: a text or a number as it is, a list of texts
// (options, contacts, relations, photos) as a JSON text, and a list of rows by the labels of their cells as the rows of a table. Values are
// as EncodeForm takes them, except that a single text is no list. Whatever only the form tells is sent as it looks, and DingTalk refuses
// it by its label: the two ends of a date range are two texts here, and several departments a JSON text. nil and what is empty is
// left out. The error joins a *FormError for everything that has no form of its own.
func EncodeFormBlind(values map[string]any) ([]FormValue, error) {
	var t Template
	for _, label := range sortedKeys(values) {
		t.Components = append(t.Components, looksLike(label, values[label]))
	}
	form, err := EncodeForm(t, values)
	for i := range form {
		form[i].Type = "" // guessed
	}
	return form, err
}

// looksLike is a component that takes the value.
func looksLike(label string, v any) Component {
	c := Component{Type: "TextField", Label: label}
	var rows []map[string]any
	switch v := v.(type) {
	case []string:
		c.Type = "DDPhotoField" // any list of texts
	case []map[string]any:
		rows = v
	case []any:
		c.Type = "DDPhotoField"
		for _, x := range v {
			if row, is := x.(map[string]any); is {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return c
	}
	c.Type = "TableField"
	cells := map[string]any{}
	for _, row := range rows {
		for name, v := range row {
			if isEmpty(cells[name]) {
				cells[name] = v
			}
		}
	}
	for _, name := range sortedKeys(cells) {
		c.Children = append(c.Children, looksLike(name, cells[name]))
	}
	return c
}

// IsFormRefused reports that a start was refused because of the value of one component.
func IsFormRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == Reject && slices.Contains([]string{"820001", "formConverterError", "illegalComponent"}, e.Code)
}
