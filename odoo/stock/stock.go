// Package stock knows the fields of a stock Odoo 12: what fields_get answered, as administrator in English, on a server with the
// community modules for contacts, employees, attendance, leaves, expenses, projects, sales, purchases and invoices, and with one
// model made by hand (x_dingtalk_report). It lets mappings be checked without a server.
package stock

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"dingbridge/odoo"
)

//go:embed fields/*.json
var files embed.FS

// models are all models with their fields, read at the first question.
var models = sync.OnceValue(func() map[string]map[string]odoo.Field {
	all, err := read()
	if err != nil {
		panic(err) // the files are compiled in: only a broken build gets here
	}
	return all
})

func read() (map[string]map[string]odoo.Field, error) {
	entries, err := files.ReadDir("fields")
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]odoo.Field, len(entries))
	for _, entry := range entries {
		raw, err := files.ReadFile("fields/" + entry.Name())
		if err != nil {
			return nil, err
		}
		var answer map[string]map[string]any
		if err := json.Unmarshal(raw, &answer); err != nil {
			return nil, fmt.Errorf("fields of %s: %w", entry.Name(), err)
		}
		fields := make(map[string]odoo.Field, len(answer))
		for name, attributes := range answer {
			fields[name] = odoo.NewField(name, attributes)
		}
		all[strings.TrimSuffix(entry.Name(), ".json")] = fields
	}
	return all, nil
}

// Fields returns the fields of a model by name; false for a model that is not known here. The map is the caller's own.
func Fields(model string) (map[string]odoo.Field, bool) {
	fields, ok := models()[model]
	return maps.Clone(fields), ok
}

// Models returns the names of the known models, sorted.
func Models() []string { return slices.Sorted(maps.Keys(models())) }
