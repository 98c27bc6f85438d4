package odoo

import "slices"

// Domain is a search condition in Odoo's prefix notation (odoo/osv/expression.py): Terms and the operators "&", "|" and "!";
// Terms beside each other are joined by "&". The empty domain matches everything.
type Domain []any

// Term is one condition: field, operator, value. The field may be a dotted path over many2one fields.
type Term []any

// Cond makes a Term, such as Cond("id", "in", []int64{1, 2}). The value nil means false: the field is empty. A text field may
// hold the empty text too, which "= false" does not find, and "!=" leaves out records where the field is empty.
func Cond(field, op string, value any) Term { return Term{field, op, value} }

// none matches no record (odoo/osv/expression.py: FALSE_LEAF).
var none = Term{int64(0), "=", int64(1)}

// And matches what all domains match.
func And(domains ...Domain) Domain {
	return join("&", slices.DeleteFunc(slices.Clone(domains), func(d Domain) bool { return len(d) == 0 }))
}

// Or matches what any of the domains matches; without domains nothing.
func Or(domains ...Domain) Domain {
	if len(domains) == 0 {
		return Domain{none}
	}
	if slices.ContainsFunc(domains, func(d Domain) bool { return len(d) == 0 }) {
		return Domain{}
	}
	return join("|", domains)
}

// Not matches what the domain does not match.
func Not(d Domain) Domain {
	if len(d) == 0 {
		return Domain{none}
	}
	return append(Domain{"!"}, operand(d)...)
}

// And matches what the domain and all others match.
func (d Domain) And(others ...Domain) Domain { return And(append([]Domain{d}, others...)...) }

// join puts n-1 operators before n operands.
func join(operator string, domains []Domain) Domain {
	out := make(Domain, 0, 2*len(domains))
	for range len(domains) - 1 {
		out = append(out, operator)
	}
	for _, d := range domains {
		out = append(out, operand(d)...)
	}
	return out
}

// operand makes the "&" between the parts of a domain explicit, so that an operator can take it as one.
func operand(d Domain) Domain {
	var out Domain
	open := 1 // operands still wanted
	for _, token := range d {
		if open == 0 { // another part follows a complete one
			out = append(Domain{"&"}, out...)
			open = 1
		}
		switch token := token.(type) {
		case string:
			if token == "&" || token == "|" {
				open++
			}
		default:
			open--
		}
		out = append(out, token)
	}
	return out
}
