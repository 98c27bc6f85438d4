package mapping

// Source is one mapping file: a name for positions and its YAML, one or more documents.
type Source struct {
	File string
	Data []byte
}

// Set is all mappings of one configuration. It is immutable.
type Set struct {
	Mappings []*Mapping // in file order
	Ranked   []*Mapping // referred mappings before those that refer to them; optional references are ignored, cycles keep file order
}

// Get returns the mapping of that name.
func (s *Set) Get(name string) (*Mapping, bool) {
	for _, m := range s.Mappings {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

// ByModel returns the mappings of an Odoo model, in file order.
func (s *Set) ByModel(model string) []*Mapping {
	return s.filter(func(m *Mapping) bool { return m.Model == model })
}

// ByKind returns the mappings of a DingTalk kind, in file order.
func (s *Set) ByKind(kind string) []*Mapping {
	return s.filter(func(m *Mapping) bool { return m.Kind == kind })
}

func (s *Set) filter(keep func(*Mapping) bool) []*Mapping {
	var out []*Mapping
	for _, m := range s.Mappings {
		if keep(m) {
			out = append(out, m)
		}
	}
	return out
}
