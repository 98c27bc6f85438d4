package mapping

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// JSONSchema returns the schema of one mapping document (JSON Schema 2020-12), for editors: completion, descriptions and a first
// check. It is made from the structures the parser fills. What only the field tables know is left to Load.
func JSONSchema() ([]byte, error) {
	s := reflector().Reflect(document{})
	s.Title = "dingbridge mapping"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the JSON schema: %w", err)
	}
	return append(out, '\n'), nil
}

func reflector() *jsonschema.Reflector {
	return &jsonschema.Reflector{
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		ExpandedStruct:             true,
		Anonymous:                  true,
		DoNotReference:             true,
		Mapper:                     schemaOf,
	}
}

// schemaOf describes the values of a document that are not plain structs or lists: always anew, since the tags of the key are added
// to what it returns.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	scalars := []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}
	names := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: ptr(uint64(1))}
	switch t {
	case reflect.TypeFor[str]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[boolean]():
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.TypeFor[whole]():
		return &jsonschema.Schema{Type: "integer"}
	case reflect.TypeFor[number]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[limit]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: "0"}, {Const: "unlimited"}}}
	case reflect.TypeFor[span]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[table]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{OneOf: append(scalars, &jsonschema.Schema{Type: "null"})}}
	case reflect.TypeFor[matchDoc]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, names}}
	case reflect.TypeFor[condition]():
		when := jsonschema.NewProperties()
		when.Set("when", &jsonschema.Schema{Type: "string"})
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "boolean"},
			{Type: "object", Properties: when, Required: []string{"when"}, AdditionalProperties: jsonschema.FalseSchema},
		}}
	case reflect.TypeFor[raw]():
		return &jsonschema.Schema{}
	}
	return approvalSchemaOf(t)
}

// approvalSchemaOf describes the values that only a mapping of approvals has, and people, whom messages are for too.
func approvalSchemaOf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[transitionsDoc]():
		steps := &jsonschema.Schema{Type: "array", Items: structSchema[stepDoc](), MinItems: ptr(uint64(1))}
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "object", AdditionalProperties: steps}}
	case reflect.TypeFor[oneOrMore]():
		one := []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}
		many := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{OneOf: one}, MinItems: ptr(uint64(1))}
		return &jsonschema.Schema{OneOf: append(slices.Clone(one), many)}
	case reflect.TypeFor[personDoc]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Enum: []any{followersWord, everyoneWord}}, structSchema[personKeys]()}}
	case reflect.TypeFor[peopleDoc]():
		person := approvalSchemaOf(reflect.TypeFor[personDoc]())
		return &jsonschema.Schema{OneOf: append(person.OneOf, &jsonschema.Schema{Type: "array", Items: approvalSchemaOf(reflect.TypeFor[personDoc]()), MinItems: ptr(uint64(1))})}
	case reflect.TypeFor[levelDoc]():
		person := approvalSchemaOf(reflect.TypeFor[personDoc]())
		return &jsonschema.Schema{OneOf: append(person.OneOf, structSchema[levelKeys]())}
	case reflect.TypeFor[selectDoc]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: approvalSchemaOf(reflect.TypeFor[peopleDoc]())}
	case reflect.TypeFor[noteDoc]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "boolean"}, {Type: "string"}}}
	case reflect.TypeFor[notesDoc]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "boolean"}, structSchema[notesKeys]()}}
	}
	return nil
}

// structSchema describes a set of keys that stands among other forms of a value.
func structSchema[T any]() *jsonschema.Schema {
	s := reflector().ReflectFromType(reflect.TypeFor[T]())
	s.Version = ""
	return s
}

func ptr[T any](v T) *T { return &v }
