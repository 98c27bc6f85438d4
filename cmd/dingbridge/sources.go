package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"dingbridge/bridge"
	"dingbridge/mapping"
	"dingbridge/odoo"
	"dingbridge/odoo/stock"
)

// mappingSources are the named files, or the configured mappings when none is named.
func (a *app) mappingSources(names []string) ([]mapping.Source, error) {
	if len(names) > 0 {
		return readSources(names)
	}
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.configured(s)
}

// configured reads the mappings the settings name.
func (a *app) configured(s *Settings) ([]mapping.Source, error) {
	sources, err := s.MappingSources()
	if err == nil && len(sources) == 0 {
		err = errors.New(a.say(txtNoMappings))
	}
	return sources, usage(err)
}

// readSources reads mapping files; a name that is no file may be a preset, with or without "preset:" before it.
func readSources(names []string) ([]mapping.Source, error) {
	sources := make([]mapping.Source, 0, len(names))
	for _, name := range names {
		src, err := readSource(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, src)
	}
	return sources, nil
}

func readSource(name string) (mapping.Source, error) {
	if preset, named := strings.CutPrefix(name, "preset:"); named {
		src, ok := mapping.Preset(preset)
		if !ok {
			return src, usage(fmt.Errorf("there is no preset %q; the presets are: %s", preset, strings.Join(mapping.Presets(), ", ")))
		}
		return src, nil
	}
	src, err := readMapping(name)
	if os.IsNotExist(err) {
		if known, ok := mapping.Preset(name); ok {
			return known, nil
		}
	}
	return src, usage(err)
}

// offline is what a stock Odoo 12 offers: mappings can be checked without a server.
func offline() mapping.Schema { return bridge.Schema(stock.Fields, false) }

// loadLive checks and compiles mappings against the server. The error is about Odoo: it did not answer.
func loadLive(ctx context.Context, client *odoo.Client, sources []mapping.Source) (*mapping.Set, mapping.Complaints, error) {
	var failed error
	models := func(model string) (map[string]odoo.Field, bool) {
		if failed != nil {
			return nil, false
		}
		fields, ok, err := liveFields(ctx, client, model)
		failed = err
		return fields, ok
	}
	set, complaints := mapping.Load(sources, bridge.Schema(models, true))
	if failed != nil {
		return nil, nil, failed
	}
	return set, complaints, nil
}

// liveFields are the fields of a model; false when the server has none of that name.
func liveFields(ctx context.Context, client *odoo.Client, model string) (map[string]odoo.Field, bool, error) {
	found, err := client.SearchCount(ctx, "ir.model", odoo.Domain{odoo.Cond("model", "=", model)}, nil)
	if err == nil && found == 0 || err != nil && !notPermitted(err) {
		return nil, false, err
	}
	fields, err := client.FieldsGet(ctx, model)
	return fields, err == nil, err
}

// checkNames makes sure that the mappings a person named exist.
func (a *app) checkNames(set *mapping.Set, names []string) error {
	for _, name := range names {
		if _, ok := set.Get(name); !ok {
			return usage(fmt.Errorf("%s", a.say(txtUnknownMapping, name, strings.Join(mappingNames(set), ", "))))
		}
	}
	return nil
}

func mappingNames(set *mapping.Set) []string {
	names := make([]string, 0, len(set.Mappings))
	for _, m := range set.Mappings {
		names = append(names, m.Name)
	}
	return names
}

// notPermitted says whether Odoo refused the call to this user, rather than failed.
func notPermitted(err error) bool {
	var oe *odoo.Error
	return errors.As(err, &oe) && strings.HasSuffix(oe.Exception, "AccessError")
}
