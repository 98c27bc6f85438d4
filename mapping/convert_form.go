package mapping

import (
	"fmt"
	"strings"
	"time"
)

// component describes a field of an open kind. What such a field holds is not known before the template is read; until then it takes
// whatever can be written into a form. Whether it is required is the template's business too.
func (k *Kind) component(name string) (KindField, bool) {
	label, ok := strings.CutPrefix(name, k.Open)
	if !ok || k.Open == "" || label == "" {
		return KindField{}, false
	}
	return KindField{Type: typeComponent, Create: true, Get: true}, true
}

func (f *KindField) isComponent() bool { return f != nil && f.Type == typeComponent }

// suggestField is the hint for a name that the kind does not have.
func (b *builder) suggestField(name string) string {
	if name != "" && b.kind.Open == name {
		return "; the label of the component is missing"
	}
	hint := suggest(name, keysOf(b.kind.Fields))
	if hint == "" && b.kind.Open != "" {
		return fmt.Sprintf("; a component of the form is named %q", b.kind.Open+name)
	}
	return hint
}

// componentConverter is the converter of a pair with a component that names none.
func componentConverter(o *OdooField) string {
	if o == nil {
		return "text"
	}
	switch o.Type {
	case "integer", "date", "datetime":
		return o.Type
	case "float", "monetary":
		return "number"
	}
	return "text"
}

// componentHint names what usually joins an Odoo field of a type with a component.
func componentHint(odooType string) string {
	switch odooType {
	case "boolean":
		return `; a form has no booleans: give the two texts with "values:"`
	case "many2one":
		return `; a reference needs "ref:", "lookup:" or "convert: label"`
	case "many2many":
		return `; a list of references needs "ref:" with the name of the mapping it refers to`
	case "one2many":
		return `; a table belongs to "lines:"`
	case "html":
		return `; did you mean "convert: html_text"?`
	case "date", "datetime":
		return `; did you mean "convert: ` + odooType + `"?`
	}
	return ""
}

// alone is the member of a list of one: a component that allows several, of which one was chosen. Rows of a table stay a list.
func alone(raw any) any {
	list, ok := raw.([]any)
	if !ok || len(list) != 1 {
		return raw
	}
	if _, scalar := plainText(list[0]); scalar {
		return list[0]
	}
	return raw
}

// The forms in which a component shows a time (审批表单 DDDateField, DDDateRangeField); the zone is that of the corporation.
const (
	formMinute = "2006-01-02 15:04"
	formSecond = "2006-01-02 15:04:05"
)

// formTime reads what a date component shows: a time in the zone, or a day, which begins at midnight.
func formTime(s string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{formMinute, formSecond} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil && plausible(t.UnixMilli()) {
			return t, nil
		}
	}
	if day, err := time.Parse(odooDate, s); err == nil {
		if t := midnight(day, zone); plausible(t.UnixMilli()) {
			return t, nil
		}
	}
	return time.Time{}, unexpected(s, "a date such as 2026-01-31 or a time such as 2026-01-31 08:30")
}

// formText writes a time for a date component. In the hour that a zone repeats when its clocks are set back the text would name
// another time, which is refused.
func formText(t time.Time, zone *time.Location) (string, error) {
	s := t.In(zone).Format(formMinute)
	if again, err := formTime(s, zone); err != nil || !again.Equal(t.Truncate(time.Minute)) {
		return "", fmt.Errorf("%s is no time that a form in the zone %s can show", t.Format(time.RFC3339), zone)
	}
	return s, nil
}
