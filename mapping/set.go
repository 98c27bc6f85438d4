package mapping

import (
	"errors"
	"fmt"
)

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

// WithoutProcessCode returns the names of the mappings of approvals of which nothing says whose instances they are about, in file order.
func (s *Set) WithoutProcessCode() []string {
	var names []string
	for _, m := range s.Mappings {
		if m.Approval != nil && m.Approval.ProcessCode == "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// WithProcessCodes returns the set with the codes of templates that the settings give, by the name of the mapping; the set itself stays
// as it is. The error names every entry that is not for a mapping of approvals without a code, and mappings that would now start two
// approvals of one record.
func (s *Set) WithProcessCodes(codes map[string]string) (*Set, error) {
	copies := make(map[*Mapping]*Mapping, len(s.Mappings))
	out := &Set{}
	var problems []error
	for _, m := range s.Mappings {
		c := *m
		if code, ok := codes[m.Name]; ok {
			a, err := m.withProcessCode(code)
			problems = append(problems, err)
			c.Approval = a
		}
		copies[m] = &c
		for _, other := range out.Mappings {
			if startTwice(&c, other) || importTwice(&c, other) {
				problems = append(problems, fmt.Errorf("the mappings %s and %s have one template for the same %s: who starts an approval, or makes a document of it, would do it twice", other.Name, m.Name, m.Model))
			}
		}
		out.Mappings = append(out.Mappings, &c)
	}
	for _, m := range s.Ranked {
		out.Ranked = append(out.Ranked, copies[m])
	}
	for _, name := range keysOf(codes) {
		if _, ok := s.Get(name); !ok {
			problems = append(problems, fmt.Errorf("a process code is given for %q, and there is no such mapping%s", name, suggest(name, s.WithoutProcessCode())))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return out, nil
}

func (m *Mapping) withProcessCode(code string) (*Approval, error) {
	switch {
	case m.Approval == nil:
		return nil, fmt.Errorf("a process code is given for %s, which is no mapping of approvals", m.Name)
	case m.Approval.ProcessCode != "" && m.Approval.ProcessCode != code:
		return m.Approval, fmt.Errorf("the settings give %s another process code than %s does", m.Name, m.Approval.Pos)
	case !codeForm.MatchString(code):
		return m.Approval, fmt.Errorf("the process code given for %s is none; it looks like PROC-1A2B3C4D-…", m.Name)
	}
	a := *m.Approval
	a.ProcessCode = code
	return &a, nil
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
