package mapping

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// testSchema is what a stock Odoo 12 with hr and the DingTalk client's field tables offer, plus two made-up kinds: message, which can
// only be created, and board, which cannot be created or deleted but carries a time, and one made-up model, x_trip, with a field of each type that a form can show.
func testSchema(t testing.TB) Schema {
	t.Helper()
	s := Schema{Kinds: map[string]Kind{}}
	readJSON(t, "testdata/schema/kinds.json", &s.Kinds)
	models := map[string]map[string]OdooField{}
	for _, model := range []string{"hr.employee", "hr.department"} {
		fields := map[string]OdooField{}
		readJSON(t, "testdata/schema/"+model+".json", &fields)
		models[model] = fields
	}
	readJSON(t, "testdata/schema/approval.json", &s.Kinds)
	readJSON(t, "testdata/schema/documents.json", &models)
	readJSON(t, "testdata/schema/attendance.json", &s.Kinds)
	readJSON(t, "testdata/schema/approvals.json", &models)
	readJSON(t, "testdata/schema/messages.json", &s.Kinds)
	readJSON(t, "testdata/schema/mail.json", &models)
	readJSON(t, "testdata/schema/todo.json", &s.Kinds)
	readJSON(t, "testdata/schema/todos.json", &models)
	readJSON(t, "testdata/schema/group.json", &s.Kinds)
	readJSON(t, "testdata/schema/calendar.json", &s.Kinds)
	readJSON(t, "testdata/schema/meetings.json", &models)
	s.Models = func(model string) (map[string]OdooField, bool) {
		fields, ok := models[model]
		return fields, ok
	}
	return s
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// presetSources are both presets: they refer to each other.
func presetSources(t testing.TB) []Source {
	t.Helper()
	var sources []Source
	for _, name := range Presets() {
		src, ok := Preset(name)
		if !ok {
			t.Fatalf("preset %s is listed but not there", name)
		}
		sources = append(sources, src)
	}
	return sources
}

// load compiles one text, together with the preset departments so that it can be referred to.
func load(t testing.TB, text string) *Mapping {
	t.Helper()
	set, complaints := Load([]Source{{File: "test.yaml", Data: []byte(text)}}, testSchema(t))
	if set == nil {
		t.Fatalf("the mapping does not load:\n%s", complaints)
	}
	return set.Mappings[0]
}

// pairs wraps field pairs into a mapping of employees.
func employeesWith(pairs ...string) string {
	return "mapping: employees\nodoo: {model: hr.employee}\ndingtalk: {kind: user}\ndirection: both\nfields:\n  - " + strings.Join(pairs, "\n  - ") + "\n"
}
