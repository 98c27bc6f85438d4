package odootest

import (
	"regexp"
	"slices"
	"strings"
)

// partnerName is _get_name without the context's variations except show_email.
func partnerName(e *env, m *model, r *row) string {
	name := r.str(m.field("name"))
	parent := e.row(m.name, r.ref(m.field("parent_id")))
	if company := r.str(m.field("company_name")); company != "" || parent != nil {
		if typ := r.str(m.field("type")); name == "" && slices.Contains([]string{"invoice", "delivery", "other"}, typ) {
			name = m.field("type").labelOf(typ)
		}
		if !r.flag(m.field("is_company")) {
			prefix, _ := partnerCompanyName(e, m, r).(string)
			if prefix == "" && parent != nil {
				prefix = parent.str(m.field("name"))
			}
			name = prefix + ", " + name
		}
	}
	if mail := r.str(m.field("email")); mail != "" && truthy(e.context["show_email"]) {
		name += " <" + mail + ">"
	}
	return name
}

func (f *field) labelOf(value string) string {
	for _, o := range f.selection {
		if o[0] == value {
			return o[1]
		}
	}
	return value
}

var notAlphanumeric = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// partnerNameSearch looks at the e-mail, the reference and the tax id too, and puts matches by name first.
func partnerNameSearch(e *env, m *model, name, op string, domain []any, limit int64) ([]int64, bool, error) {
	if name == "" || !slices.Contains([]string{"=", "ilike", "=ilike", "like", "=like"}, op) {
		return nil, false, nil
	}
	found, err := e.search(m, domain, searchOptions{})
	if err != nil {
		return nil, true, err
	}
	byName := likeMatcher(name, op == "ilike" || op == "like", strings.HasSuffix(op, "ilike"))
	if op == "=" {
		byName = func(s string) bool { return s == name }
	}
	vat := notAlphanumeric.ReplaceAllString(name, "")
	var first, second []int64
	t := e.rows(m.name)
	for _, id := range found {
		r := t.rows[id]
		switch {
		case byName(r.str(m.field("display_name"))):
			first = append(first, id)
		case byName(r.str(m.field("email"))), byName(r.str(m.field("ref"))), vat != "" && strings.EqualFold(r.str(m.field("vat")), vat):
			second = append(second, id)
		}
	}
	return window(append(first, second...), 0, limit), true, nil
}
