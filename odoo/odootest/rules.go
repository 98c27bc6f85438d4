package odootest

import (
	"slices"
	"strconv"
	"strings"
)

// storedRules are the ir.rule records on a model for op, as one predicate: all the global ones, and one of those of the user's
// groups. Rules whose domain is more than a literal with the user's ids in it are left out.
func (e *env) storedRules(m *model, op string) (func(*row) bool, error) {
	rm := e.model("ir.rule")
	t := e.rows(rm.name)
	var global, grouped []func(*row) bool
	for _, id := range t.referring(rm.field("model_id"), m.id) {
		r := t.rows[id]
		if !r.flag(rm.field("active")) || !r.flag(rm.field("perm_"+op)) {
			continue
		}
		domain, ok := e.ruleDomain(r.str(rm.field("domain_force")))
		if !ok {
			continue
		}
		q, err := e.sudo().with("active_test", false).compile(m, domain)
		if err != nil {
			return nil, err
		}
		groups := e.links(rm, r, rm.field("groups"))
		switch {
		case len(groups) == 0:
			global = append(global, q.match)
		case slices.ContainsFunc(groups, func(g int64) bool { return e.userGroups()[g] }):
			grouped = append(grouped, q.match)
		}
	}
	if len(global)+len(grouped) == 0 {
		return nil, nil
	}
	return func(r *row) bool {
		for _, match := range global {
			if !match(r) {
				return false
			}
		}
		return len(grouped) == 0 || slices.ContainsFunc(grouped, func(match func(*row) bool) bool { return match(r) })
	}, nil
}

// ruleDomain evaluates a domain_force; false when it holds more than this reads.
func (e *env) ruleDomain(text string) ([]any, bool) {
	p := &literalParser{in: text, names: map[string]any{
		"True": true, "False": false, "None": nil, "user.id": e.uid, "uid": e.uid,
		"user.partner_id.id":            orFalse(e.value("res.users", e.uid, "partner_id")),
		"user.company_id.id":            orFalse(e.company()),
		"user.employee_ids.ids":         e.employeesOf(e.uid),
		"user.company_ids.ids":          plainValue(e.companiesOf(e.uid)),
		"user.partner_id.ids":           []any{orFalse(e.value("res.users", e.uid, "partner_id"))},
		"user.commercial_partner_id.id": orFalse(e.value("res.partner", e.refOf("res.users", e.uid, "partner_id"), "commercial_partner_id")),
	}}
	if strings.TrimSpace(text) == "" {
		return nil, true
	}
	v, ok := p.value()
	p.space()
	list, isList := v.([]any)
	return list, ok && isList && p.pos == len(p.in)
}

func (e *env) employeesOf(uid int64) []any {
	emp := e.model("hr.employee")
	return idList(e.rows(emp.name).referring(emp.field("user_id"), uid))
}

func (e *env) companiesOf(uid int64) []int64 {
	ids, _ := e.value("res.users", uid, "company_ids").([]int64)
	return ids
}

// literalParser reads Python literals: lists, tuples, strings, numbers and a few names.
type literalParser struct {
	in    string
	pos   int
	names map[string]any
}

func (p *literalParser) space() {
	for p.pos < len(p.in) && strings.ContainsRune(" \t\r\n", rune(p.in[p.pos])) {
		p.pos++
	}
}

func (p *literalParser) value() (any, bool) {
	p.space()
	if p.pos >= len(p.in) {
		return nil, false
	}
	switch c := p.in[p.pos]; c {
	case '[', '(':
		return p.list(map[byte]byte{'[': ']', '(': ')'}[c])
	case '\'', '"':
		end := strings.IndexByte(p.in[p.pos+1:], c)
		if end < 0 || strings.Contains(p.in[p.pos:p.pos+1+end], `\`) {
			return nil, false
		}
		s := p.in[p.pos+1 : p.pos+1+end]
		p.pos += end + 2
		return s, true
	}
	end := strings.IndexAny(p.in[p.pos:], ",)] \t\r\n")
	if end < 0 {
		end = len(p.in) - p.pos
	}
	word := p.in[p.pos : p.pos+end]
	p.pos += end
	if v, ok := p.names[word]; ok {
		return v, true
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(word, 64)
	return f, err == nil
}

func (p *literalParser) list(end byte) (any, bool) {
	out := []any{}
	p.pos++
	for {
		p.space()
		if p.pos < len(p.in) && p.in[p.pos] == end {
			p.pos++
			return out, true
		}
		v, ok := p.value()
		if !ok {
			return nil, false
		}
		out = append(out, v)
		p.space()
		if p.pos < len(p.in) && p.in[p.pos] == ',' {
			p.pos++
		} else if p.pos >= len(p.in) || p.in[p.pos] != end {
			return nil, false
		}
	}
}
