package mapping

import (
	"slices"
	"strings"
	"testing"
)

func TestPresetsLoadWithoutComplaints(t *testing.T) {
	set, complaints := Load(presetSources(t), testSchema(t))
	if len(complaints) > 0 || set == nil {
		t.Fatalf("complaints:\n%s", complaints)
	}
	if got := names(set.Ranked); !slices.Equal(got[:2], []string{"departments", "employees"}) {
		t.Errorf("ranked %v", got)
	}
}

func TestPresetExamples(t *testing.T) {
	set, complaints := Load(presetSources(t), testSchema(t))
	if set == nil {
		t.Fatal(complaints)
	}
	results := RunTests(set)
	if len(results) < 20 {
		t.Errorf("only %d examples", len(results))
	}
	for _, r := range results {
		if !r.OK() {
			t.Errorf("%s: %s/%s: %s", r.Pos, r.Mapping, r.Test, strings.Join(r.Failures, "; "))
		}
	}
}

func TestPresetOnLiveServerBeforeSetup(t *testing.T) {
	schema := testSchema(t)
	schema.Live = true
	set, complaints := Load(presetSources(t), schema)
	if set == nil {
		t.Fatal(complaints)
	}
	m, _ := set.Get("employees")
	lacking := 0
	for _, m := range set.Mappings {
		lacking += len(m.SetupFields())
	}
	if len(complaints) != lacking {
		t.Errorf("%d complaints for %d fields to set up:\n%s", len(complaints), lacking, complaints)
	}
	for _, c := range complaints {
		if c.Level != Warning || !strings.Contains(c.Message, "dingbridge setup") {
			t.Errorf("unexpected: %s", c)
		}
	}
	for _, name := range m.OdooFields() {
		if strings.HasPrefix(name, "x_") {
			t.Errorf("%s would be read from a server that lacks it", name)
		}
	}
	if _, ok := m.Field("job_number"); ok {
		t.Error("the pair of a missing field is there")
	}
}

func names(mappings []*Mapping) []string {
	var out []string
	for _, m := range mappings {
		out = append(out, m.Name)
	}
	return out
}
