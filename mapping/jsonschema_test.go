package mapping

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mapping.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func documents(t *testing.T, src Source) []any {
	t.Helper()
	var docs []any
	decoder := yaml.NewDecoder(bytes.NewReader(src.Data))
	for {
		var doc any
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, plainJSON(doc))
	}
}

// plainJSON makes the keys of tables texts, as an editor's YAML server does.
func plainJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = plainJSON(x)
		}
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			text, _ := plainText(k)
			out[text] = plainJSON(x)
		}
		return out
	case []any:
		for i, x := range v {
			v[i] = plainJSON(x)
		}
	}
	return v
}

func TestJSONSchemaAcceptsPresets(t *testing.T) {
	s := compiledSchema(t)
	for _, src := range presetSources(t) {
		for _, doc := range documents(t, src) {
			if err := s.Validate(doc); err != nil {
				t.Errorf("%s: %v", src.File, err)
			}
		}
	}
}

func TestJSONSchemaAcceptsApprovals(t *testing.T) {
	s := compiledSchema(t)
	for _, text := range []string{voucher, orderLines, approvalOf("x_trip", "both", "{odoo: x_leave_type_id, dingtalk: form.假期类型, lookup: {model: hr.leave.type, by: name, domain: [], create: false}}")} {
		text = strings.Replace(text, "DIRECTION", "direction: both", 1)
		for _, doc := range documents(t, Source{Data: []byte(text)}) {
			if err := s.Validate(doc); err != nil {
				t.Errorf("%.30s: %v", text, err)
			}
		}
	}
}

func TestJSONSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	for name, change := range map[string][2]string{
		"unknown key":  {"direction: both", "direction: both\ncolour: red"},
		"bad enum":     {"direction: both", "direction: sideways"},
		"missing key":  {"mapping: departments", "start: all"},
		"wrong type":   {"leave:  keep", "leave: [keep]"},
		"guard":        {"creates: 50", "creates: -1"},
		"unknown pair": {"convert: dept_name", "converter: dept_name"},
		"bad create":   {"odoo: true}", "odoo: sometimes}"},
	} {
		t.Run(name, func(t *testing.T) {
			src, _ := Preset("departments")
			text := strings.Replace(string(src.Data), change[0], change[1], 1)
			if text == string(src.Data) {
				t.Fatal("the change does not apply")
			}
			if err := s.Validate(documents(t, Source{Data: []byte(text)})[0]); err == nil {
				t.Error("accepted")
			}
		})
	}
}
