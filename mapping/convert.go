package mapping

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Converter translates between the raw values of the two sides and the canonical Value, both ways. A Converter is
// immutable and knows the types of the two fields it stands between.
type Converter interface {
	// Name is the converter's name in a mapping file; "values" for a table.
	Name() string
	// Read translates a raw value, never an empty one, to the canonical form. An error means that the value is not what
	// the converter understands: the field is then Unknown.
	Read(side Side, raw any, env Env) (Value, error)
	// Write translates a Known value to the raw form of a side. current is the raw value that is there now, nil if none.
	Write(side Side, v Value, current any, env Env) (raw any, err error)
}

// pair is the two fields a converter stands between; a nil one is not there, or of unknown type.
type pair struct {
	odoo      *OdooField
	ding      *KindField
	direction Direction
}

// maker makes the converter of a name for two fields; the text is what does not fit.
type maker func(p pair) (Converter, string)

// makers are the converters that a mapping file may name, but for the two that choose from a list.
var makers = map[string]maker{
	"text":      newTextConverter,
	"integer":   newIntegerConverter,
	"number":    newNumberConverter,
	"boolean":   newBooleanConverter,
	"date":      newDateConverter,
	"date_ms":   newDateMSConverter,
	"datetime":  newDatetimeConverter,
	"deadline":  newDeadlineConverter,
	"phone_cn":  newPhoneConverter,
	"dept_name": newDeptNameConverter,
	"label":     newLabelConverter,
	"html_text": newHTMLConverter,
	"list":      newListConverter,
	"urls":      newURLsConverter,
	"media":     newMediaConverter,

	"span":       newSpanConverter,
	"recurrence": newRecurrenceConverter,
	"reminders":  newRemindersConverter,
}

// Converters returns the names a mapping file may give after convert:, sorted.
func Converters() []string {
	names := map[string]bool{}
	for name := range makers {
		names[name] = true
	}
	for name := range choosers {
		names[name] = true
	}
	return keysOf(names)
}

// defaultConverter is the converter of a pair that names none.
func defaultConverter(p pair) string {
	switch {
	case p.ding.isComponent():
		return componentConverter(p.odoo)
	case p.is("boolean", typeBoolean):
		return "boolean"
	case p.is("integer", typeInteger), p.odoo == nil && p.ding != nil && (p.ding.Type == typeInteger || p.ding.Type == typeInstant):
		return "integer"
	case p.odoo != nil && p.ding == nil && (p.odoo.Type == "float" || p.odoo.Type == "monetary"):
		return "number"
	}
	return "text"
}

// is reports whether the fields that are there have these types.
func (p pair) is(odooType, dingType string) bool {
	if p.odoo == nil && p.ding == nil {
		return false
	}
	return (p.odoo == nil || p.odoo.Type == odooType) && (p.ding == nil || p.ding.Type == dingType)
}

// fits returns what is wrong with the types of the pair for a converter, "" if nothing.
func (p pair) fits(name string, odooTypes, dingTypes []string) string {
	if p.odoo != nil && !contains(odooTypes, p.odoo.Type) {
		return fmt.Sprintf("%s does not fit an Odoo field of type %s%s", name, p.odoo.Type, p.hint())
	}
	if p.ding != nil && !contains(dingTypes, p.ding.Type) {
		return fmt.Sprintf("%s does not fit a DingTalk field of type %s%s", name, p.ding.Type, p.hint())
	}
	return ""
}

// hint names what usually joins two fields of these types.
func (p pair) hint() string {
	if p.odoo == nil || p.ding == nil {
		return ""
	}
	switch {
	case p.ding.Type == typeComponent:
		return componentHint(p.odoo.Type)
	case p.odoo.Type == "date" && p.ding.Type == typeInstant:
		return `; did you mean "convert: date"?`
	case p.odoo.Type == "datetime" && p.ding.Type == typeInstant:
		return `; did you mean "convert: datetime"?`
	case p.odoo.Type == "many2one" && (p.ding.Type == typeID || p.ding.Type == typeIDList):
		return `; a reference needs "ref:" with the name of the mapping it refers to`
	case p.odoo.Type == "many2one":
		return `; did you mean "convert: label"?`
	}
	return ""
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

var (
	odooTexts = []string{"char", "text", "selection"}
	dingTexts = []string{typeText, typeID, typeComponent}
)

// textConverter passes texts through, exactly but for \r\n, which becomes \n: browsers send the former, the other side the latter.
type textConverter struct{}

func newTextConverter(p pair) (Converter, string) {
	return textConverter{}, p.fits("text", odooTexts, dingTexts)
}

func (textConverter) Name() string { return "text" }

func (textConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	s, ok := plainText(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a text")
	}
	return Text(normalLines(s)), nil
}

func (textConverter) Write(_ Side, v Value, _ any, _ Env) (any, error) { return v.Text, nil }

// lineEnd is one line end however often its \r was repeated: once would leave another behind.
var lineEnd = regexp.MustCompile("\r+\n")

func normalLines(s string) string {
	if !strings.Contains(s, "\r\n") { // nearly always
		return s
	}
	return lineEnd.ReplaceAllLiteralString(s, "\n")
}

// integerConverter joins whole numbers, also written as texts.
type integerConverter struct{ dingText, odooText bool }

func newIntegerConverter(p pair) (Converter, string) {
	c := integerConverter{
		dingText: p.ding != nil && (p.ding.Type == typeText || p.ding.Type == typeComponent),
		odooText: p.odoo != nil && p.odoo.Type == "char",
	}
	return c, p.fits("integer", []string{"integer", "char"}, []string{typeInteger, typeInstant, typeText, typeComponent})
}

func (integerConverter) Name() string { return "integer" }

func (integerConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	if s, ok := raw.(string); ok {
		raw = strings.TrimSpace(s)
	}
	n, ok := plainInt(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a whole number")
	}
	return Text(strconv.FormatInt(n, 10)), nil
}

func (c integerConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil {
		return nil, unexpected(v.Text, "a whole number")
	}
	if c.dingText && side == DingTalk || c.odooText && side == Odoo {
		return strconv.FormatInt(n, 10), nil
	}
	return n, nil
}

// numberConverter joins decimal numbers of Odoo with texts of DingTalk.
type numberConverter struct{}

func newNumberConverter(p pair) (Converter, string) {
	return numberConverter{}, p.fits("number", []string{"float", "monetary"}, []string{typeText, typeComponent})
}

func (numberConverter) Name() string { return "number" }

func (numberConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	text, ok := plainText(raw)
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !ok || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return UnknownValue, unexpected(raw, "a number")
	}
	return Text(decimal(n)), nil
}

// decimal writes a number without the noise of binary fractions, so that a sum of 0.1 and 0.2 is 0.3: what has 15 significant digits
// survives a float64, and what follows them is not meant.
func decimal(n float64) string {
	if r, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64); err == nil {
		n = r
	}
	return strconv.FormatFloat(n+0, 'f', -1, 64) // +0: there is no -0
}

func (numberConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	n, err := strconv.ParseFloat(v.Text, 64)
	if err != nil {
		return nil, unexpected(v.Text, "a number")
	}
	if side == Odoo {
		return n, nil
	}
	return v.Text, nil
}

// booleanConverter joins booleans. An Odoo boolean is never empty.
type booleanConverter struct{}

func newBooleanConverter(p pair) (Converter, string) {
	return booleanConverter{}, p.fits("boolean", []string{"boolean"}, []string{typeBoolean})
}

func (booleanConverter) Name() string { return "boolean" }

func (booleanConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	b, ok := raw.(bool)
	if !ok {
		return UnknownValue, unexpected(raw, "true or false")
	}
	return Text(strconv.FormatBool(b)), nil
}

func (booleanConverter) Write(_ Side, v Value, _ any, _ Env) (any, error) {
	b, err := strconv.ParseBool(v.Text)
	if err != nil {
		return nil, unexpected(v.Text, "true or false")
	}
	return b, nil
}

// labelConverter sends the name of a many2one's record, or the key of a selection. It cannot be written to Odoo: several records may
// carry one name.
type labelConverter struct{}

func newLabelConverter(p pair) (Converter, string) {
	if p.direction != ToDingTalk {
		return nil, "label sends a name and cannot find a record by it; it needs \"direction: to_dingtalk\""
	}
	return labelConverter{}, p.fits("label", []string{"many2one"}, []string{typeText, typeComponent})
}

func (labelConverter) Name() string { return "label" }

func (labelConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	if m, ok := raw.(map[string]any); ok {
		raw = m["name"]
	}
	s, ok := raw.(string)
	if !ok {
		return UnknownValue, unexpected(raw, "a record with a name")
	}
	return Text(s), nil
}

func (labelConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	if side == Odoo {
		return nil, fmt.Errorf("a name cannot be written to an Odoo reference")
	}
	return v.Text, nil
}

// recordIDConverter writes a computed number to a many2one, such as a company that is the same for all.
type recordIDConverter struct{ integerConverter }

func (recordIDConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	id, ok := refID(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a reference")
	}
	return Text(id), nil
}

// unexpected is the error for a raw value of the wrong form. The value is shown, shortened: records hold no secrets.
func unexpected(raw any, want string) error {
	return fmt.Errorf("%q is not %s", shorten(fmt.Sprint(raw), 60), want)
}
