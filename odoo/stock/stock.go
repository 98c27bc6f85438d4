// Package stock knows the fields of a stock Odoo 12: what fields_get answered on a server with the community modules installed.
// It lets mappings be checked without a server, and gives the stand-in its models.
package stock

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"dingbridge/odoo"
)

//go:embed fields/*.json
var files embed.FS

var load = sync.OnceValue(func() map[string]map[string]odoo.Field {
	entries, err := fs.ReadDir(files, "fields")
	if err != nil {
		panic(fmt.Errorf("the embedded fields: %w", err)) // cannot happen: the folder is compiled in
	}
	models := make(map[string]map[string]odoo.Field, len(entries))
	for _, e := range entries {
		raw, err := files.ReadFile("fields/" + e.Name())
		if err != nil {
			panic(fmt.Errorf("the embedded fields: %w", err))
		}
		var attrs map[string]map[string]any
		if err := json.Unmarshal(raw, &attrs); err != nil {
			panic(fmt.Errorf("the embedded fields %s: %w", e.Name(), err))
		}
		fields := make(map[string]odoo.Field, len(attrs))
		for name, a := range attrs {
			fields[name] = odoo.NewField(name, a)
		}
		models[strings.TrimSuffix(e.Name(), ".json")] = fields
	}
	return models
})

// Fields returns the fields of a stock model; false for a model that is not known.
func Fields(model string) (map[string]odoo.Field, bool) {
	f, ok := load()[model]
	return f, ok
}

// Models returns the names of the known models, in no order.
func Models() []string {
	var names []string
	for name := range load() {
		names = append(names, name)
	}
	return names
}
