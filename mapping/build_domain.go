package mapping

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// termOperators are the operators of a domain's terms (TERM_OPERATORS in odoo/osv/expression.py).
var termOperators = []string{
	"=", "!=", "<=", "<", ">", ">=", "=?", "=like", "=ilike", "like", "not like", "ilike", "not ilike", "in", "not in",
	"child_of", "parent_of",
}

// domain compiles a search domain and checks its fields, its operators and how many operands they have; nil when there is none.
func (b *builder) domain(n *yaml.Node) []any {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		b.wrongType(n, "a list")
		return nil
	}
	domain := []any{}
	wanted := 0 // operands the operators so far still wait for
	for _, item := range n.Content {
		item, ok := b.resolve(item)
		if !ok {
			return domain
		}
		if item.Kind == yaml.ScalarNode {
			op := domainText(item)
			switch op {
			case "&", "|":
				wanted = max(wanted-1, 0) + 2
			case "!":
				wanted = max(wanted-1, 0) + 1
			default:
				b.errorf(at(item), `%s is neither a term nor one of "&", "|" and "!"`, describe(item))
			}
			domain = append(domain, op)
			continue
		}
		wanted = max(wanted-1, 0)
		if term, ok := b.term(item); ok {
			domain = append(domain, term)
		}
	}
	if wanted > 0 {
		b.errorf(at(n), "an operator of the domain lacks an operand: in prefix notation it stands before its two terms")
	}
	return domain
}

func (b *builder) term(n *yaml.Node) (term []any, ok bool) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != 3 {
		b.errorf(at(n), `a term of the domain is [field, operator, value]`)
		return nil, false
	}
	field, op := n.Content[0], n.Content[1]
	if field.Kind != yaml.ScalarNode || op.Kind != yaml.ScalarNode {
		b.errorf(at(n), `a term of the domain is [field, operator, value]`)
		return nil, false
	}
	if !slices.Contains(termOperators, op.Value) {
		b.errorf(at(op), "a domain has no operator %q%s", op.Value, suggest(op.Value, termOperators))
	}
	fieldType := ""
	if f := b.odooField(str{at(field), firstOf(field.Value), field}); f != nil && !isPath(field.Value) {
		fieldType = f.Type
	} else if f, _ := b.schema.follow(b.m.Model, b.model, field.Value); f != nil { // a search leads over lists too, so that a fault is none
		fieldType = f.Type
	}
	value, ok := b.plainValue(n.Content[2])
	value, meant := days(value, fieldType, op.Value)
	if !meant {
		b.errorf(at(n.Content[2]), "in a domain {{ }} can only be {{ today() }}, {{ today() + 3 }} or {{ today() - 3 }}")
	}
	return []any{field.Value, op.Value, value}, ok && meant
}

// domainText is the text of a cell; an unquoted ! is a tag to YAML.
func domainText(n *yaml.Node) string {
	if n.Tag == "!" && n.Value == "" {
		return "!"
	}
	return n.Value
}

// plainValue is a YAML value as the XML-RPC calls want it: texts (dates too), int64, float64, booleans, nil, lists and maps.
func (f *file) plainValue(n *yaml.Node) (any, bool) {
	n, ok := f.resolve(n)
	if !ok {
		return nil, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, ok := f.plainValue(item)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case yaml.MappingNode:
		set := map[string]any{}
		all := true
		f.pairs(n, func(key, value *yaml.Node) {
			v, ok := f.plainValue(value)
			set[key.Value], all = v, all && ok
		})
		return set, all
	}
	return plainScalar(n), true
}

func plainScalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		if v, err := strconv.ParseBool(n.Value); err == nil {
			return v
		}
	case "!!int":
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return v
		}
	case "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return v
		}
	}
	return domainText(n)
}

// disjoint reports whether no record can be in both domains, as far as plain equalities show: [company_id, =, 1] against
// [company_id, =, 2]. Domains with operators prove nothing.
func disjoint(a, b []any) bool {
	first, second := equalities(a), equalities(b)
	for field, value := range first {
		if other, ok := second[field]; ok && other != value {
			return true
		}
	}
	return false
}

func equalities(domain []any) map[string]any {
	out := map[string]any{}
	for _, item := range domain {
		term, ok := item.([]any)
		if !ok {
			return nil
		}
		if term[1] != "=" {
			continue
		}
		switch term[2].(type) {
		case string, int64, bool:
			out[term[0].(string)] = term[2]
		}
	}
	return out
}
