package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFormValue is the longest value of one component, a table's whole text included, in characters (发起审批实例).
const maxFormValue = 65535

// maxNamed bounds how many options or labels an error names.
const maxNamed = 20

// FormError says what is wrong with the value of one component.
type FormError struct {
	Label string // of the component; of a table's child: both, joined by a dot; "" for the form as a whole
	Words string
}

// Error names the component as a field does.
func (e *FormError) Error() string {
	if e.Label == "" {
		return "form: " + e.Words
	}
	return FormPrefix + e.Label + ": " + e.Words
}

// EncodeForm writes values as the components of the template take them (发起审批实例, 表单控件说明). They are named by label; a component
// that has several, as a date range, takes a value under each. A value is
//   - a text, or a number;
//   - []any of texts where there may be several: options, contacts (userids), departments, relations, photos (addresses). A single
//     text is taken for a list of one;
//   - []any of map[string]any: attachments, with spaceId, fileName, fileSize, fileType and fileId, and the rows of a table, by the
//     labels of its children. Of a TimeAndLocationField the place is []any of longitude, latitude, address and accuracy.
//
// Dates are 2006-01-02, 15:04[:05] behind or not, and are sent in the component's own format. nil and what is empty is left out.
// The error joins a *FormError for everything that is wrong.
func EncodeForm(t Template, values map[string]any) ([]FormValue, error) {
	errs := unknownLabels("", t.Components, values)
	var out []FormValue
	for _, c := range t.Components {
		v, given, err := c.encode(values)
		if err != nil {
			errs = append(errs, err)
		} else if given {
			out = append(out, v)
		}
	}
	if len(out) > startValues {
		errs = append(errs, &FormError{Words: fmt.Sprintf("%d components have a value, at most %d are allowed", len(out), startValues)})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// labels are what values name the component by.
func (c Component) labels() []string {
	if len(c.Labels) > 0 {
		return c.Labels
	}
	return []string{c.Label}
}

func firstLabel(c Component) string { return c.labels()[0] }

// unknownLabels finds the values that no component, or more than one, is named by.
func unknownLabels(table string, components []Component, values map[string]any) []error {
	count := map[string]int{}
	var names []string
	for _, c := range components {
		for _, label := range c.labels() {
			if count[label]++; count[label] == 1 && !hidden(c.Type) {
				names = append(names, label)
			}
		}
	}
	var errs []error
	for _, label := range sortedKeys(values) {
		switch n := count[label]; {
		case n == 0:
			errs = append(errs, &FormError{Label: table + label, Words: "the form has no such component" + nearest(label, names)})
		case n > 1 && !isEmpty(values[label]):
			errs = append(errs, &FormError{Label: table + label, Words: "the form has more than one component of this name"})
		}
	}
	return errs
}

// encode writes the component's value; given is false where there is none.
func (c Component) encode(values map[string]any) (v FormValue, given bool, err error) {
	labels := c.labels()
	parts := make([]any, len(labels))
	filled := 0
	for i, label := range labels {
		if parts[i] = values[label]; !isEmpty(parts[i]) {
			filled++
		}
	}
	fail := func(label, format string, args ...any) error {
		return &FormError{Label: label, Words: fmt.Sprintf(format, args...)}
	}
	write, takes := c.writer()
	switch {
	case isSuite(c):
		return v, false, fail(labels[0], "a form with a suite (套件) cannot be submitted by an app: %s", c.kind())
	case filled == 0 && c.Required && !takes && !hidden(c.Type):
		return v, false, fail(labels[0], "required, but a component of type %s cannot be filled by an app", c.kind())
	case filled == 0 && c.Required && !hidden(c.Type):
		return v, false, fail(labels[0], "required")
	case filled == 0:
		return v, false, nil
	case !takes:
		return v, false, fail(labels[0], "a component of type %s cannot be filled by an app", c.kind())
	case filled < len(parts):
		i := slices.IndexFunc(parts, isEmpty)
		return v, false, fail(labels[i], "no value, while %s has one", labels[slices.IndexFunc(parts, func(v any) bool { return !isEmpty(v) })])
	}
	text, err := write(c, parts)
	if err != nil {
		var e *FormError
		if !errors.As(err, &e) {
			err = &FormError{Label: labels[0], Words: err.Error()}
		}
		return v, false, err
	}
	switch n := utf8.RuneCountInString(text); {
	case n > maxFormValue:
		return v, false, fail(labels[0], "%d characters, at most %d are allowed", n, maxFormValue)
	case n == 0 && c.Required: // a table of empty rows
		return v, false, fail(labels[0], "required")
	}
	return FormValue{ID: c.ID, Name: c.Label, Type: c.Type, Value: text}, text != "", nil
}

// kind is the component's type, with that of the suite.
func (c Component) kind() string {
	if c.BizType != "" {
		return c.Type + " " + c.BizType
	}
	return c.Type
}

// isSuite: suites are computed by DingTalk's own pages (请假, 补卡, 外出, 加班, 出差, …), and 发起审批实例 does not take them.
func isSuite(c Component) bool { return c.Type == "DDHolidayField" || c.Type == "DDBizSuite" }

// hidden: nobody fills these, DingTalk does.
func hidden(componentType string) bool {
	return slices.Contains([]string{"TextNote", "CalculateField", "SeqNumberField"}, componentType)
}

// isEmpty says whether a value counts as none.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool { return !isEmpty(x) })
	case []string:
		return len(v) == 0
	case []map[string]any:
		return len(v) == 0
	}
	return false
}

// scalar is a value that is one text.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int, int64, float64, json.Number:
		return text(v), nil
	case []any:
		if len(v) == 1 {
			return scalar(v[0])
		}
		return "", fmt.Errorf("one value expected, got %d", len(v))
	}
	return "", fmt.Errorf("a text expected, got %T", v)
}

// scalars are the texts of a list, without the empty ones; a single text is a list of one.
func scalars(v any) ([]string, error) {
	if several, ok := v.([]string); ok {
		return several, nil
	}
	var out []string
	for _, x := range list(v) {
		if isEmpty(x) {
			continue
		}
		s, err := scalar(x)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// named prints some of the texts for an error.
func named(texts []string) string {
	quoted := make([]string, 0, maxNamed)
	for _, s := range texts[:min(len(texts), maxNamed)] {
		quoted = append(quoted, strconv.Quote(cut(s, 60)))
	}
	if len(texts) > maxNamed {
		quoted = append(quoted, "…")
	}
	return strings.Join(quoted, ", ")
}

// nearest suggests the label that differs least, as part of an error.
func nearest(wrong string, labels []string) string {
	best, least := "", len([]rune(wrong))/2+1
	for _, label := range labels {
		if strings.EqualFold(strings.TrimSpace(label), strings.TrimSpace(wrong)) {
			best = label
			break
		}
		if d := distance([]rune(wrong), []rune(label)); d < least {
			best, least = label, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(labels) > 0:
		return "; it has " + named(labels)
	}
	return ""
}

// distance counts the characters to insert, delete or replace between two texts.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
