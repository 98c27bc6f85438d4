package mapping

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed presets/*.yaml
var presets embed.FS

// Preset returns a mapping file that comes with the program; false when there is none of that name.
func Preset(name string) (Source, bool) {
	if !slices.Contains(Presets(), name) {
		return Source{}, false
	}
	data, err := presets.ReadFile("presets/" + name + ".yaml")
	return Source{File: "preset:" + name, Data: data}, err == nil
}

// Presets returns the names of the mapping files that come with the program, sorted.
func Presets() []string {
	files, err := fs.Glob(presets, "presets/*.yaml")
	if err != nil { // only for a malformed pattern
		return nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(f, "presets/"), ".yaml")
	}
	return names
}
