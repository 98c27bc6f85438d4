package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const published = "PUBLISHED"

// LintTemplates checks the mappings of approvals of a set against the forms of their templates, as codes tells them; false where there is
// no template with that code. The complaints stand where the pair, or the mapping, does; in the order of the set, then of the file.
func LintTemplates(set *Set, codes func(processCode string) (Template, bool)) Complaints {
	var all Complaints
	for _, m := range set.Mappings {
		if m.Approval == nil {
			continue
		}
		l := templateLint{set: set, m: m}
		if code := m.Approval.ProcessCode; code == "" {
			l.errorf(m.Approval.Pos, "nothing says the template of %s: give it a process_code, here or in the settings", m.Name)
		} else if t, ok := codes(code); !ok {
			l.errorf(m.Approval.Pos, "DingTalk has no template %q, or the app may not see it", code)
		} else {
			l.lint(t)
		}
		slices.SortStableFunc(l.complaints, func(a, b Complaint) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		all = append(all, l.complaints...)
	}
	return all
}

// templateLint checks one mapping against its template.
type templateLint struct {
	set        *Set
	m          *Mapping
	complaints Complaints
}

func (l *templateLint) errorf(at Position, format string, args ...any) {
	l.complaints = append(l.complaints, Complaint{at, Error, fmt.Sprintf(format, args...)})
}

func (l *templateLint) warnf(at Position, format string, args ...any) {
	l.complaints = append(l.complaints, Complaint{at, Warning, fmt.Sprintf(format, args...)})
}

func (l *templateLint) lint(t Template) {
	starts := l.m.CreateDingTalk.Allowed
	switch {
	case t.Status == "" || t.Status == published:
	case starts:
		l.errorf(l.m.Approval.Pos, "the template %s is not published (%s), so that no approval can be started", t.Name, t.Status)
	default:
		l.warnf(l.m.Approval.Pos, "the template %s is not published (%s)", t.Name, t.Status)
	}
	f := newForm(t.Components)
	filled := map[string]bool{}
	for _, pair := range l.m.Fields {
		l.expressions(f, pair.Value, pair.When)
		if pair.Lines != nil {
			l.lines(f, pair, starts)
		} else if label, ok := l.label(pair.DingName); ok {
			l.pair(f, pair, label, false)
		}
		if label, ok := l.label(pair.DingName); ok && pair.Writes(DingTalk) {
			filled[label] = true
		}
	}
	l.expressions(f, l.m.CreateOdoo.When)
	l.marker(f)
	if l.m.Approval.Marker != "" {
		filled[l.m.Approval.Marker] = true
	}
	if starts {
		l.required(l.m.Approval.Pos, "", t.Components, filled)
	}
}

// label is the label of the component that a field of the kind is.
func (l *templateLint) label(name string) (string, bool) {
	label, ok := strings.CutPrefix(name, l.m.open)
	return label, ok && l.m.open != "" && label != ""
}

// find returns the component of a label, and complains when there is none, or more than one.
func (l *templateLint) find(f form, at Position, label string) (Component, bool) {
	found := f.components[label]
	switch len(found) {
	case 0:
		l.errorf(at, "the template has no component %q%s", label, suggest(label, f.labels))
		return Component{}, false
	case 1:
		return found[0], true
	}
	l.errorf(at, "the template has %d components %q, so that nothing tells which is meant", len(found), label)
	return Component{}, false
}

// expressions checks the components that expressions over an instance name.
func (l *templateLint) expressions(f form, es ...*Expr) {
	for _, e := range es {
		if e == nil {
			continue
		}
		for _, name := range e.Names() {
			if label, ok := l.label(name); ok {
				l.find(f, e.Pos, label)
			}
		}
	}
}

// pair checks one pair against its component, which may be the column of a table.
func (l *templateLint) pair(f form, pair *Field, label string, column bool) {
	c, ok := l.find(f, pair.Pos, label)
	if !ok {
		return
	}
	t, known := componentTypes[c.Type]
	switch {
	case c.Type == "TextNote":
		l.errorf(pair.Pos, "%s is only a note on the form: it holds no value", label)
	case pair.Writes(DingTalk) && (!known || !t.settable):
		l.errorf(pair.Pos, "%s is a %s, which an app cannot fill; the pair needs \"direction: to_odoo\"", label, c.Type)
	case pair.Writes(DingTalk) && column && !slices.Contains(tableColumns, c.Type):
		l.errorf(pair.Pos, "%s is a %s, which an app cannot fill within a table", label, c.Type)
	case c.Type == "TableField":
		l.errorf(pair.Pos, "%s is a table: it belongs to lines", label)
	case known:
		l.fits(pair, c, label, t)
	}
}

// fits checks the converter of a pair, then whom a reference names, the options and the time of day.
func (l *templateLint) fits(pair *Field, c Component, label string, t componentType) {
	name := converterName(pair)
	for _, way := range []struct {
		side  Side
		takes []string
	}{{DingTalk, t.writes}, {Odoo, t.reads}} {
		switch {
		case !pair.Writes(way.side) || slices.Contains(way.takes, name):
			continue
		case len(way.takes) == 0:
			l.errorf(pair.Pos, "%s is a %s, which a mapping cannot carry", label, c.Type)
		case name == "":
			continue
		default:
			l.errorf(pair.Pos, "%s is a %s, and %s does not fit it; it takes one of %s", label, c.Type, name, strings.Join(way.takes, ", "))
		}
		return
	}
	if target, ok := l.set.Get(pair.Ref); ok && t.kind != "" && target.Kind != t.kind {
		l.errorf(pair.Pos, "%s holds the id of a %s, but the mapping %s is about a %s", label, t.kind, pair.Ref, target.Kind)
	}
	if name == "datetime" && slices.Contains([]string{"DDDateField", "DDDateRangeField"}, c.Type) && !c.Clock && pair.Writes(DingTalk) {
		l.warnf(pair.Pos, "%s has no time of day: that of %s is cut off", label, pair.OdooName)
	}
	l.options(pair, c, label)
}

// converterName is the name under which a converter stands in componentTypes; "" for a value, whose form only its expression knows.
func converterName(f *Field) string {
	name := f.converter().Name()
	switch {
	case f.Value != nil && !normalizes(name):
		return ""
	case f.Attribute != "":
		return attributeConverter
	}
	return name
}

// options checks what is sent to a select, and what is read from it, against its options. A select without options takes them from
// elsewhere, which nothing tells.
func (l *templateLint) options(pair *Field, c Component, label string) {
	if !slices.Contains(choices, c.Type) || len(c.Options) == 0 {
		return
	}
	unknown := func(option string) {
		l.errorf(pair.Pos, "%s has no option %q%s; there are %s", label, option, suggest(option, c.Options), strings.Join(c.Options, ", "))
	}
	table, ok := pair.Convert.(*tableConverter)
	switch {
	case pair.Value != nil && pair.Writes(DingTalk) && len(pair.Value.names) == 0: // always the same
		if v, err := pair.Value.Text(nil); err == nil && v.IsKnown() && !slices.Contains(c.Options, v.Text) {
			unknown(v.Text)
		}
	case pair.Value != nil:
	case ok:
		for _, option := range keysOf(table.toOdoo) {
			if !slices.Contains(c.Options, option) {
				unknown(option)
			}
		}
		for _, option := range c.Options {
			if _, named := table.toOdoo[option]; !named && pair.Writes(Odoo) {
				l.warnf(pair.Pos, "%s can be %q, for which values has no row", label, option)
			}
		}
	case pair.Writes(DingTalk) && pair.odoo != nil && converterName(pair) == "text":
		for _, key := range pair.odoo.Selection {
			if !slices.Contains(c.Options, key) {
				l.errorf(pair.Pos, "%s sends %q, and %s has no such option; give the pair values, from its options %s", pair.OdooName, key, label, strings.Join(c.Options, ", "))
			}
		}
	}
}

// lines checks detail tables: that they are tables, and each column.
func (l *templateLint) lines(f form, pair *Field, starts bool) {
	for _, t := range pair.Lines.Templates {
		l.expressions(f, t.When)
		var columns form
		var table Component
		label, isTable := l.label(t.Table)
		if isTable {
			c, ok := l.find(f, t.Pos, label)
			if !ok {
				continue
			}
			if c.Type != "TableField" {
				l.errorf(t.Pos, "%s is a %s, and lines belong to a table", label, c.Type)
				continue
			}
			table, columns = c, newForm(c.Children)
		}
		filled := map[string]bool{}
		for _, child := range t.Fields {
			l.expressions(f, child.Value, child.When)
			if isTable {
				l.cells(columns, child.Value, child.When)
			}
			switch whole, outside := l.label(child.DingName); {
			case outside:
				l.pair(f, child, whole, false)
			case isTable && child.DingName != "" && child.ding.isComponent():
				l.pair(columns, child, child.DingName, true)
				filled[child.DingName] = child.Writes(DingTalk)
			}
		}
		if isTable && starts && pair.Writes(DingTalk) {
			l.required(t.Pos, label+": ", table.Children, filled)
		}
	}
}

// cells checks the columns that expressions over a row name.
func (l *templateLint) cells(columns form, es ...*Expr) {
	for _, e := range es {
		if e == nil {
			continue
		}
		for _, name := range e.Names() {
			if label, ok := strings.CutPrefix(name, rowPrefix); ok {
				l.find(columns, e.Pos, label)
			}
		}
	}
}

// required complains about components that must be filled and are not.
func (l *templateLint) required(at Position, of string, components []Component, filled map[string]bool) {
	for _, c := range components {
		given, missing := 0, ""
		for _, name := range c.names() {
			if filled[name] {
				given++
			} else if missing == "" {
				missing = name
			}
		}
		_, known := componentTypes[c.Type]
		switch suite := c.Type == "DDHolidayField" || c.Type == "DDBizSuite"; {
		case suite:
			l.errorf(at, "%s%s is a suite (套件): an app cannot start such an approval", of, c.Label)
		case given > 0 && missing != "":
			l.errorf(at, "%s%s is filled, and %s beside it is not; a component is filled as a whole", of, strings.Join(c.names(), "/"), missing)
		case given > 0 || !c.Required || slices.Contains(filledByDingTalk, c.Type):
		case !known || !componentTypes[c.Type].settable:
			l.errorf(at, "the template requires %s%s, and an app cannot fill a %s", of, c.Label, c.Type)
		default:
			l.errorf(at, "the template requires %s%s, which no pair fills", of, missing)
		}
	}
}

// marker checks the component that carries the bridge's key.
func (l *templateLint) marker(f form) {
	a := l.m.Approval
	if a.Marker == "" {
		return
	}
	if c, ok := l.find(f, a.Pos, a.Marker); ok && !slices.Contains(markerTypes, c.Type) {
		l.errorf(a.Pos, "%s is a %s, and the marker needs a text", a.Marker, c.Type)
	}
}
