package mapping

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzLoad feeds Load anything. It must not panic, every complaint must have a place in the file, a Set comes exactly when there is
// no error, and what was loaded must be usable.
func FuzzLoad(f *testing.F) {
	for _, src := range presetSources(f) {
		f.Add(src.Data)
	}
	files, err := filepath.Glob("testdata/lint/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(leaveWith("leave", starts)))
	f.Add([]byte(pathsOfLeave))
	f.Add([]byte(everyMessage))
	schema := testSchema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		set, complaints := Load([]Source{{"fuzz.yaml", data}}, schema)
		if (set == nil) != (len(complaints.Errors()) > 0) {
			t.Fatalf("set is nil: %v; %s", set == nil, complaints)
		}
		for _, c := range complaints {
			if c.File != "fuzz.yaml" || c.Line < 1 || c.Column < 1 || c.Message == "" {
				t.Errorf("a complaint without a place: %q", c)
			}
		}
		if set == nil {
			return
		}
		RunTests(set)
		for _, c := range LintTemplates(set, func(string) (Template, bool) { return leaveForm(), true }) {
			if c.Line < 1 || c.Message == "" {
				t.Errorf("a complaint about a template without a place: %q", c)
			}
		}
		for _, m := range set.Mappings {
			m.View(Odoo, employeeRecord, nil, links, nil)
			m.View(DingTalk, userRecord, nil, links, nil)
			if at := m.DomainAt(time.Unix(0, 0), time.UTC); dated(at) || len(at) != len(m.Domain) {
				t.Errorf("the domain has days without dates: %v", at)
			}
		}
	})
}
