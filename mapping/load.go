package mapping

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Load parses, checks and compiles mapping files. It reports every complaint at once, in file order; the Set is nil when
// any of them is an error.
func Load(sources []Source, schema Schema) (*Set, Complaints) {
	l := &loader{schema: schema, byName: map[string]*document{}}
	var files []*file
	for _, src := range sources {
		f, docs := parse(src)
		files = append(files, f)
		l.docs = append(l.docs, docs...)
	}
	l.register()
	set := &Set{}
	for _, d := range l.docs {
		b := l.build(d)
		l.builders = append(l.builders, b)
		set.Mappings = append(set.Mappings, b.m)
	}
	l.lintTogether()
	var complaints Complaints
	for _, f := range files {
		slices.SortStableFunc(f.complaints, func(a, b Complaint) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		complaints = append(complaints, f.complaints...)
	}
	if len(complaints.Errors()) > 0 {
		return nil, complaints
	}
	set.Ranked = rank(set.Mappings)
	return set, complaints
}

// loader holds what the checks of all documents share.
type loader struct {
	schema   Schema
	docs     []*document
	byName   map[string]*document
	builders []*builder
}

// register notes the names, so that references can look forward, and complains about those that occur twice.
func (l *loader) register() {
	for _, d := range l.docs {
		name := d.Mapping
		if !name.given() {
			continue
		}
		if other, taken := l.byName[name.v]; taken {
			d.file.errorf(name.place, "there is already a mapping %q in %s", name.v, other.file.position(other.Mapping.place))
			continue
		}
		l.byName[name.v] = d
	}
	for _, d := range l.docs {
		switch {
		case !d.RenamedFrom.given():
		case d.RenamedFrom.v == d.Mapping.v:
			d.file.errorf(d.RenamedFrom.place, "renamed_from is the mapping's own name")
		case l.byName[d.RenamedFrom.v] != nil:
			d.file.errorf(d.RenamedFrom.place, "the mapping %q still exists, so nothing was renamed from it", d.RenamedFrom.v)
		}
	}
}

// rank orders mappings so that one comes after those it refers to. Optional references do not count; in a cycle the first in
// file order comes first.
func rank(mappings []*Mapping) []*Mapping {
	var ranked []*Mapping
	waiting := slices.Clone(mappings)
	for len(waiting) > 0 {
		next := max(0, slices.IndexFunc(waiting, func(m *Mapping) bool { return !waitsFor(m, waiting) }))
		ranked = append(ranked, waiting[next])
		waiting = slices.Delete(waiting, next, next+1)
	}
	return ranked
}

// waitsFor says whether a mapping refers to one of the others. A message does to those of its receivers: to all that tell nobody.
func waitsFor(m *Mapping, others []*Mapping) bool {
	if m.Message != nil && slices.ContainsFunc(others, func(o *Mapping) bool { return o.Message == nil }) {
		return true
	}
	return slices.ContainsFunc(m.Fields, func(f *Field) bool {
		return !f.Optional && slices.ContainsFunc(f.References(), func(name string) bool {
			return name != m.Name && slices.ContainsFunc(others, func(o *Mapping) bool { return o.Name == name })
		})
	})
}

// version hashes a document without its comments, layout and quoting.
func version(n *yaml.Node) string {
	h := sha256.New()
	hashNode(h, n)
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func hashNode(h hash.Hash, n *yaml.Node) {
	if n.Kind == yaml.AliasNode { // the anchored node is hashed where it stands
		fmt.Fprintf(h, "*%q", n.Value)
		return
	}
	fmt.Fprintf(h, "%d %q %q %q(", n.Kind, n.Tag, n.Anchor, n.Value)
	for _, c := range n.Content {
		hashNode(h, c)
	}
	fmt.Fprint(h, ")")
}

// signature hashes what gives a field its meaning.
func signature(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%q\n", p)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
