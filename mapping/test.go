package mapping

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Test is one example of a mapping file. Records hold raw values in the form of Record; a reference is named by its Odoo id
// everywhere but in the DingTalk record.
type Test struct {
	Name     string
	Pos      Position
	Odoo     Record                       // nil when not given
	DingTalk Record                       // nil when not given
	Links    map[string]map[string]string // mapping, Odoo id, DingTalk id
	Base     View                         // settled last, on both sides
	Expect   View                         // what the records are read as; Unknown means that nothing can be told
	Writes   map[Side]Record              // what is written to a side after reading the other
	Invalid  []string                     // keys of the fields that cannot be read
}

// TestResult is the outcome of one example.
type TestResult struct {
	Mapping  string
	Test     string
	Pos      Position
	Failures []string // in words; none when the example holds
}

// OK reports whether the example holds.
func (r TestResult) OK() bool { return len(r.Failures) == 0 }

// RunTests runs the examples of all mappings, in file order. Dates are in China's time.
//
// Both records given: the fields that both name must be equal. expect: the fields are read as these values. writes: reading
// one side writes these raw values to the other. invalid: these fields cannot be read. Besides, whatever one side is read as must
// be the same when written to the other and read again.
func RunTests(set *Set) []TestResult {
	var results []TestResult
	for _, m := range set.Mappings {
		for i := range m.Tests {
			t := &m.Tests[i]
			r := testRun{m: m, t: t, views: map[Side]View{}, invalid: map[string]bool{}, lookups: &testLookups{}}
			r.run()
			results = append(results, TestResult{m.Name, t.Name, t.Pos, r.failures})
		}
	}
	return results
}

type testRun struct {
	m        *Mapping
	t        *Test
	views    map[Side]View
	invalid  map[string]bool
	lookups  *testLookups
	failures []string
}

func (r *testRun) failf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *testRun) run() {
	for _, side := range []Side{Odoo, DingTalk} {
		if r.record(side) != nil {
			r.read(side)
		}
	}
	for _, key := range r.t.Invalid {
		if !r.invalid[key] {
			r.failf("%s can be read, but should not", key)
		}
	}
	for _, key := range keysOf(r.t.Expect) {
		r.expect(key, r.t.Expect[key])
	}
	for _, f := range r.m.Fields {
		if len(r.t.Writes) == 0 {
			r.equal(f)
		}
		r.roundTrip(f)
	}
	for _, side := range []Side{Odoo, DingTalk} {
		for _, name := range keysOf(r.t.Writes[side]) {
			r.writes(side, name, r.t.Writes[side][name])
		}
	}
}

func (r *testRun) record(side Side) Record {
	if side == Odoo {
		return r.t.Odoo
	}
	return r.t.DingTalk
}

func (r *testRun) env(key string) Env {
	return Env{Refs: testRefs(r.t.Links), Lookups: r.lookups, Zone: china, Base: r.t.Base[key]}
}

func (r *testRun) read(side Side) {
	view, failed := r.m.View(side, r.record(side), r.t.Base, testRefs(r.t.Links), china)
	r.views[side] = view
	for _, err := range failed {
		r.invalid[err.Field.Key] = true
		if !slices.Contains(r.t.Invalid, err.Field.Key) {
			r.failf("reading %s: %s", side, err)
		}
	}
}

// tells reports whether the record of a side can tell a field.
func (r *testRun) tells(side Side, f *Field) bool {
	rec := r.record(side)
	if f.Value != nil && f.source() == side || f.Lines != nil && side == DingTalk {
		return rec != nil
	}
	_, ok := f.raw(side, rec)
	return ok && f.Name(side) != ""
}

func (r *testRun) expect(key string, want Value) {
	f, _ := r.m.Field(key)
	told := false
	for _, side := range []Side{Odoo, DingTalk} {
		if !r.tells(side, f) {
			continue
		}
		told = true
		if got := withoutTemplates(f, r.views[side][key]); got != want {
			r.failf("%s is read from %s as %s, not %s", key, side, got, want)
		}
	}
	if !told {
		r.failf("neither record has %s", key)
	}
}

// equal compares the two records in one field.
func (r *testRun) equal(f *Field) {
	_, expected := r.t.Expect[f.Key]
	if expected || f.OnCreate || slices.Contains(r.t.Invalid, f.Key) || !r.tells(Odoo, f) || !r.tells(DingTalk, f) {
		return
	}
	if a, b := r.views[Odoo][f.Key], r.views[DingTalk][f.Key]; a != b {
		r.failf("%s differs: %s in odoo, %s in dingtalk", f.Key, a, b)
	}
}

// roundTrip writes what one side holds to the other and reads it again.
func (r *testRun) roundTrip(f *Field) {
	for _, side := range []Side{Odoo, DingTalk} {
		v := r.views[side.Other()][f.Key]
		if !v.IsKnown() || !f.Writes(side) || f.Attribute != "" {
			continue
		}
		rec := r.target(f, side)
		out, err := f.Write(side, v, rec, r.env(f.Key))
		if missing := (*MissingRef)(nil); errors.As(err, &missing) {
			continue
		}
		if err != nil {
			r.failf("writing %s to %s: %s", f.Key, side, err)
			continue
		}
		if _, rows := f.Convert.(rowReader); rows && side == Odoo || f.Lines != nil && f.DingName == "" { // they are only made, not read again
			continue
		}
		again := r.written(f, side, out)
		for name, value := range rec {
			if _, written := again[name]; !written && name != "state_code" { // DingTalk works it out of the number
				again[name] = value
			}
		}
		env := r.env(f.Key)
		env.Base = v
		back, err := f.Read(side, again, env)
		if back.IsUnknown() && err == nil && !r.complete(f, side, again) {
			continue
		}
		if err != nil || back != v {
			r.failf("%s is %s, but written to %s it reads %s", f.Key, v, side, back)
		}
	}
}

// complete reports whether a record holds all among which the pair's value is spread.
func (r *testRun) complete(f *Field, side Side, rec Record) bool {
	return !slices.ContainsFunc(f.parts(side), func(name string) bool { _, has := rec[name]; return !has })
}

// written is a record that shows what was written, and nothing else.
func (r *testRun) written(f *Field, side Side, out any) Record {
	if parts, is := out.(Parts); is {
		return Record(maps.Clone(parts))
	}
	return Record{f.readName(side): r.shown(f, side, out)}
}

func (r *testRun) writes(side Side, name string, want any) {
	i := slices.IndexFunc(r.m.Fields, func(f *Field) bool { return f.writesTo(side, name) })
	f := r.m.Fields[i]
	v := r.views[side.Other()][f.Key]
	if v.IsUnknown() {
		r.failf("the other side does not tell %s", f.Key)
		return
	}
	got, err := f.Write(side, v, r.target(f, side), r.env(f.Key))
	if err != nil {
		r.failf("writing %s to %s: %s", f.Key, side, err)
		return
	}
	got = r.shown(f, side, got)
	if parts, is := got.(Parts); is {
		got = parts[name]
	}
	if f.Lines != nil && side == Odoo {
		got, want = likeLines(got), likeLines(want)
	}
	if isEmpty(got) && isEmpty(want) {
		return
	}
	if m, ok := want.(map[string]any); ok && side == Odoo { // a many2one is written as its id
		want = m["id"]
	}
	if !reflect.DeepEqual(got, want) {
		r.failf("%s writes %v to %s, not %v", f.Key, got, side, want)
	}
}

// testRefs are the links of an example: mapping, Odoo id, DingTalk id. The key of a link is its Odoo id.
type testRefs map[string]map[string]string

// LinkOf implements Refs.
func (t testRefs) LinkOf(mapping string, side Side, id string) (string, bool) {
	if side == Odoo {
		_, ok := t[mapping][id]
		return id, ok
	}
	for odoo, ding := range t[mapping] {
		if ding == id {
			return odoo, true
		}
	}
	return "", false
}

// LinkBy implements Refs. An employee and the partner and user behind him have one number in an example; an attribute of an object is
// its id and the attribute's name.
func (t testRefs) LinkBy(mapping string, side Side, attribute, value string) (string, bool) {
	if side == Odoo {
		return t.LinkOf(mapping, side, value)
	}
	id, ok := strings.CutSuffix(value, "."+attribute)
	if !ok {
		return "", false
	}
	return t.LinkOf(mapping, side, id)
}

// IDOf implements Refs.
func (t testRefs) IDOf(mapping string, side Side, link, attribute string) (string, bool) {
	ding, ok := t[mapping][link]
	switch {
	case side == Odoo:
		return link, ok
	case attribute != "":
		return ding + "." + attribute, ok
	}
	return ding, ok
}
