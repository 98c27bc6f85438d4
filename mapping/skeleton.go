package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Skeleton returns a mapping of a template's approvals for the documents of a model: each component with the field it most likely means,
// the methods of well-known models, and a TODO where a person must decide. Load takes it as it is, together with the presets departments
// and employees, to which it refers. fields are those of the model.
func Skeleton(t Template, model string, fields map[string]OdooField) string {
	s := skeleton{t: t, model: model, fields: fields, taken: map[string]bool{}, labels: map[string]bool{}}
	s.document, s.known = documentOf(model)
	s.known = s.known && len(fields[stateField].Selection) > 0
	s.head()
	s.marker()
	s.linef("fields:")
	s.originator()
	for _, c := range t.Components {
		s.component(c)
	}
	s.outcome()
	return s.b.String()
}

type skeleton struct {
	b        strings.Builder
	t        Template
	model    string
	fields   map[string]OdooField
	document documentModel
	known    bool            // the methods of the model are
	taken    map[string]bool // fields that have a component
	labels   map[string]bool // components that are filled
}

func (s *skeleton) linef(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *skeleton) head() {
	s.linef("# The approvals of the template %s for %s. Decide what is marked TODO, then: dingbridge check --live", comment(s.t.Name), comment(s.model))
	s.linef("mapping: %s", scalar(strings.NewReplacer(".", "-", "_", "-").Replace(s.model)+"-approval"))
	s.linef("odoo:\n  model: %s", scalar(s.model))
	if s.known {
		s.linef("  domain: %s", s.document.domain)
		s.linef("  transitions:\n    %s:", stateField)
		for _, to := range s.document.transitions {
			s.linef("      %s: %s", to[0], to[1])
		}
	} else {
		s.linef("  # TODO: domain: the documents that are to be approved, or once were: [[state, in, [...]]]")
		s.linef("  # TODO: transitions: by which methods a decision is carried out: {state: {approved: [{from: [submitted], call: action_approve}]}}")
	}
	code := ""
	if codeForm.MatchString(s.t.ProcessCode) {
		code = ", process_code: " + strconv.Quote(s.t.ProcessCode)
	}
	s.linef("dingtalk: {kind: approval%s}", code)
	if !s.known {
		s.linef("direction: to_dingtalk # TODO: both, once a pair reads outcome")
		s.linef("start: now")
		s.linef("create: {dingtalk: false} # TODO: {when: \"state == 'submitted'\"}, once it is right")
		return
	}
	s.linef("direction: both")
	s.linef("start: now")
	s.linef("create: {dingtalk: %s} # TODO: is this when it is to be asked?", s.document.create)
}

// markerWords are what the label of a component says that is meant for a number of another system.
var markerWords = []string{"单据编号", "来源单号", "Odoo", "odoo", "单号", "编号"}

func (s *skeleton) marker() {
	for _, word := range markerWords {
		for _, c := range s.t.Components {
			if slices.Contains(markerTypes, c.Type) && strings.Contains(c.Label, word) && !s.twice(c.Label) {
				s.labels[c.Label] = true
				s.linef("marker: %s", scalar(c.Label))
				return
			}
		}
	}
	s.linef("# TODO: marker: a text component that carries the key of the document, so that an approval whose start was not answered is found again")
}

// twice reports whether more than one component has the label.
func (s *skeleton) twice(label string) bool {
	n := 0
	for _, c := range s.t.Components {
		for _, name := range c.names() {
			if name == label {
				n++
			}
		}
	}
	return n > 1
}

// originator names who asks: the employee of the document, or of its user, or of who made it.
func (s *skeleton) originator() {
	leads := func(name, model string) bool {
		f := s.fields[name]
		return f.Type == "many2one" && f.Relation == model
	}
	const pair = "  - {odoo: %s, dingtalk: originator_user_id, ref: employees, direction: to_dingtalk}%s"
	switch {
	case leads("employee_id", "hr.employee"):
		s.taken["employee_id"] = true
		s.linef(pair, "employee_id", "")
		s.linef("  - {odoo: employee_id.department_id, dingtalk: dept_id, ref: departments, none: \"-1\", direction: to_dingtalk}")
	case leads("user_id", "res.users"):
		s.linef(pair, "user_id.employee_ids", "")
	case leads("create_uid", "res.users"):
		s.linef(pair, "create_uid.employee_ids", " # TODO: who asks?")
	default:
		s.linef("  - {dingtalk: originator_user_id, value: \"'TODO'\"} # TODO: the userid of who asks, or a path to an employee with ref: employees")
	}
}

// component writes the pairs of one component, or why there is none.
func (s *skeleton) component(c Component) {
	for i, label := range c.names() {
		about := comment(label) + ": " + comment(c.Type)
		if c.Required {
			about += ", required"
		}
		t, known := componentTypes[c.Type]
		switch {
		case label == "" || c.Type == "TextNote":
		case s.labels[label]:
			if !s.twice(label) {
				continue // the marker
			}
			s.linef("  # TODO: %s: another component has this label", about)
		case slices.Contains(filledByDingTalk, c.Type):
			s.linef("  # %s: DingTalk fills it", about)
		case !known || !t.settable:
			s.linef("  # TODO: %s: an app cannot fill it", about)
		case c.Type == "TableField":
			s.table(c, about)
		default:
			s.labels[label] = true
			s.pair(c, label, i, about)
		}
	}
}

// pair writes the pair of a component with the likeliest of the fields that fit it.
func (s *skeleton) pair(c Component, label string, part int, about string) {
	candidates, likely := s.candidates(c, label, part)
	if likely == 0 {
		words := "no field fits it"
		if len(candidates) > 0 {
			words = "one of " + strings.Join(shortlist(candidates), ", ") + "?"
		}
		s.linef("  # TODO: %s: %s", about, words)
		return
	}
	name := candidates[0]
	s.taken[name] = true
	extra, doubt := s.convert(c, s.fields[name])
	var hints []string
	if likely > 1 {
		hints = append(hints, "or "+strings.Join(shortlist(candidates[1:likely]), ", "))
	}
	if doubt != "" {
		hints = append(hints, "TODO: "+doubt)
	}
	hint := ""
	if len(hints) > 0 {
		hint = " # " + strings.Join(hints, "; ")
	}
	s.linef("  - {odoo: %s, dingtalk: %s%s, direction: to_dingtalk}%s", scalar(name), scalar("form."+label), extra, hint)
}

func shortlist(names []string) []string { return names[:min(len(names), 5)] }

// candidates are the fields that fit a component; the first of them, as many as likely says, because of its label.
func (s *skeleton) candidates(c Component, label string, part int) (names []string, likely int) {
	add := func(name string, sure bool) {
		f, ok := s.fields[name]
		if !ok || s.taken[name] || slices.Contains(names, name) || slices.Contains(magicFields, name) || !s.suits(c, f) {
			return
		}
		names = append(names, name)
		if sure {
			likely++
		}
	}
	for _, entry := range glossary {
		if strings.Contains(label, entry.word) {
			for _, name := range entry.fields {
				add(name, true)
			}
		}
	}
	plain := strings.ToLower(strings.Join(strings.FieldsFunc(label, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "_"))
	for _, name := range keysOf(s.fields) {
		if plain == name || plain+"_id" == name {
			add(name, true)
		}
	}
	if c.Type == "DDDateRangeField" && likely == 0 { // its labels may say anything, and it has a beginning and an end
		for _, name := range [][]string{{"request_date_from", "date_from", "date_start"}, {"request_date_to", "date_to", "date_end"}}[min(part, 1)] {
			add(name, true)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return s.rank(c, a) - s.rank(c, b) })
	for _, name := range keysOf(s.fields) {
		if !strings.HasPrefix(name, "message_") && !strings.HasPrefix(name, "activity_") && !strings.HasPrefix(name, "website_") && name != "access_token" {
			add(name, false)
		}
	}
	return names, likely
}

// rank puts a field that holds what a date component shows, a day or a time, before one that does not.
func (s *skeleton) rank(c Component, name string) int {
	if f := s.fields[name]; (f.Type == "date" || f.Type == "datetime") && c.Clock != (f.Type == "datetime") {
		return 1
	}
	return 0
}

// suits reports whether a field of Odoo can be sent to a component.
func (s *skeleton) suits(c Component, f OdooField) bool {
	if !f.Store {
		return false
	}
	switch c.Type {
	case "NumberField", "MoneyField":
		return slices.Contains([]string{"float", "monetary", "integer"}, f.Type)
	case "StarRatingField":
		return f.Type == "integer"
	case "DDDateField", "DDDateRangeField":
		return f.Type == "date" || f.Type == "datetime"
	case "InnerContactField":
		return f.Type == "many2one" && f.Relation == "hr.employee"
	case "DepartmentField":
		return f.Type == "many2one" && f.Relation == "hr.department"
	case "DDSelectField", "DDMultiSelectField":
		return slices.Contains([]string{"selection", "many2one", "char"}, f.Type)
	case "TextField", "AddressField":
		return slices.Contains([]string{"char", "many2one", "text"}, f.Type)
	case "TextareaField":
		return slices.Contains([]string{"char", "text", "html"}, f.Type)
	case "PhoneField":
		return f.Type == "char"
	}
	return false
}

// convert is how the field gets into the component, and what a person should look at.
func (s *skeleton) convert(c Component, f OdooField) (keys, doubt string) {
	switch f.Type {
	case "date", "datetime":
		return ", convert: " + f.Type, ""
	case "html":
		return ", convert: html_text", ""
	case "selection":
		return s.values(c, f)
	case "many2one":
		switch c.Type {
		case "InnerContactField":
			return ", ref: employees", ""
		case "DepartmentField":
			return ", ref: departments", ""
		}
		if len(c.Options) > 0 {
			doubt = "each name in Odoo must be one of the options " + comment(strings.Join(c.Options, ", "))
		}
		return ", convert: label", doubt
	}
	return "", ""
}

// values joins the options of a select with the keys of a selection, one after the other.
func (s *skeleton) values(c Component, f OdooField) (keys, doubt string) {
	var rows, seen []string
	for i, key := range f.Selection {
		if i >= len(c.Options) || c.Options[i] == "" || slices.Contains(seen, c.Options[i]) || key == "" {
			break
		}
		seen = append(seen, c.Options[i])
		rows = append(rows, scalar(c.Options[i])+": "+scalar(key))
	}
	if len(rows) == 0 {
		return "", "the keys are sent: " + strings.Join(f.Selection, ", ")
	}
	doubt = "which option is which of " + strings.Join(f.Selection, ", ")
	if len(c.Options) > len(rows) {
		doubt += "; options left: " + comment(strings.Join(c.Options[len(rows):], ", "))
	}
	return ", values: {" + strings.Join(rows, ", ") + "}", doubt
}

// table writes what a detail table needs, for a person to complete: the fields of the lines are another model's.
func (s *skeleton) table(c Component, about string) {
	var to []string
	for _, name := range keysOf(s.fields) {
		f := s.fields[name]
		if f.Type == "one2many" && f.Store && strings.Contains(name, "line") && !strings.HasPrefix(name, "message_") {
			to = append(to, name)
		}
	}
	if len(to) == 0 {
		to = []string{"..."}
	}
	s.linef("  # TODO: %s: it belongs under lines:", about)
	s.linef("  #   - odoo: %s # of %s", to[0], strings.Join(shortlist(to), ", "))
	s.linef("  #     for: %s", scalar("form."+comment(c.Label)))
	s.linef("  #     fields:")
	for _, child := range c.Children {
		required := ""
		if child.Required {
			required = ", required"
		}
		s.linef("  #       - {odoo: ..., dingtalk: %s} # %s%s", scalar(comment(child.Label)), comment(child.Type), required)
	}
}

func (s *skeleton) outcome() {
	if s.known {
		s.linef("  - {odoo: state, dingtalk: outcome, values: %s, direction: to_odoo}", s.document.values)
		return
	}
	s.linef("  # TODO: {odoo: state, dingtalk: outcome, values: {agree: approved, refuse: refused}, direction: to_odoo}")
}

var plainScalarForm = regexp.MustCompile(`^[\p{Han}A-Za-z_][\p{Han}A-Za-z0-9_.-]*$`)

// scalar writes a text so that YAML reads it as that text, also within braces.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
	default:
		if plainScalarForm.MatchString(s) {
			return s
		}
	}
	return strconv.QuoteToGraphic(strings.ToValidUTF8(s, "?"))
}

// comment makes a text stay within its line.
func comment(s string) string {
	return shorten(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")), 80)
}
