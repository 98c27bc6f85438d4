package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
)

const licencesFile = "../../docs/licences.md"

// permissive are the licences under which everything in the binary may be passed on with the copyright notice alone.
var permissive = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "public domain"}

// byFile are the modules under MPL-2.0, which asks only that changes to their own files are published. They are used unchanged.
var byFile = []string{"github.com/hashicorp/go-cleanhttp", "github.com/hashicorp/go-retryablehttp"}

// module is a module whose code is in the binary.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// linked are the modules of the shipped binary, by path.
func linked(t *testing.T) []module {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []module
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct{ Module *module }
		err := dec.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if m := pkg.Module; m != nil && !m.Main && !slices.Contains(all, *m) {
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// licenceName matches the files in which a module keeps its licence and those of the code it took over.
var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying)`)

// readByHand are the licence files that a program does not understand, as a person read them; another text must be read again.
var readByHand = map[string]struct {
	sum   string   // of the text: the first 16 hexadecimal digits of its SHA-256
	names []string // none: it is about nothing that is in the binary
}{
	"modernc.org/libc/LICENSE-3RD-PARTY.md":   {"f597097efe3d9702", []string{"BSD-2-Clause", "BSD-3-Clause", "MIT"}}, // musl, parts of Go, go-netdb
	"modernc.org/memory/LICENSE-LOGO":         {"5ae5bee3072a8413", nil},
	"modernc.org/sqlite/LICENSE-3RD-PARTY.md": {"f4a00ade8f4057ab", nil}, // all modules it needs, which are listed by themselves, and what only its tests need
	"modernc.org/sqlite/LICENSE-SQLITE":       {"8438c9c89b849131", []string{"public domain"}},
	"modernc.org/sqlite/LICENSE-SQLITE_VEC":   {"6ce72bbe12d975bd", nil}, // an extension that is not linked
}

// licences are the licences of a module by their SPDX names, as the files at its top say.
func (m module) licences(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(m.Dir)
	must(t, err)
	var found []string
	for _, e := range entries {
		if e.IsDir() || !licenceName.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		must(t, err)
		if known, ok := readByHand[m.Path+"/"+e.Name()]; ok {
			if sum := fmt.Sprintf("%x", sha256.Sum256(text))[:16]; sum != known.sum {
				t.Errorf("%s/%s has another text than the one that was read: %s", m.Path, e.Name(), sum)
			}
			found = append(found, known.names...)
			continue
		}
		cover := licensecheck.Scan(text)
		if cover.Percent < 75 { // the standard texts are there, or most of the file says something else
			t.Errorf("%s/%s: only %.0f %% is the text of known licences", m.Path, e.Name(), cover.Percent)
		}
		for _, match := range cover.Match {
			found = append(found, match.ID)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

const licencesHead = `# Licences

Everything that is in the binary besides dingbridge itself, which is under the [Apache License 2.0](../LICENSE). Whoever passes the binary on
passes the texts on too; ` + "`deploy/licences DIR`" + ` collects them, and the container image has them in ` + "`/usr/share/licenses`" + `.
This file is written by ` + "`make licences`" + `; a test compares it with the modules that are linked, and fails on a licence that asks for more than
the notice. Two modules are under MPL-2.0, which asks that changes to their own files are published: they are used unchanged, and their
source is where the link leads.

| module | version | licence |
|---|---|---|
| Go's standard library and runtime | the compiler's | BSD-3-Clause |
`

// TestLicences checks that everything in the binary may be passed on, and that docs/licences.md says what it is. With UPDATE_LICENCES set
// it writes the file.
func TestLicences(t *testing.T) {
	var b strings.Builder
	b.WriteString(licencesHead)
	for _, m := range linked(t) {
		names := m.licences(t)
		if len(names) == 0 {
			t.Errorf("%s: no licence was found", m.Path)
		}
		for _, name := range names {
			if !slices.Contains(permissive, name) && (name != "MPL-2.0" || !slices.Contains(byFile, m.Path)) {
				t.Errorf("%s is under %s", m.Path, name)
			}
		}
		fmt.Fprintf(&b, "| [%s](https://pkg.go.dev/%s@%s?tab=licenses) | %s | %s |\n", m.Path, m.Path, m.Version, m.Version, strings.Join(names, ", "))
	}
	if os.Getenv("UPDATE_LICENCES") != "" && !t.Failed() {
		must(t, os.WriteFile(licencesFile, []byte(b.String()), 0o600))
	}
	have, err := os.ReadFile(licencesFile)
	must(t, err)
	if string(have) != b.String() {
		t.Error("docs/licences.md does not list what is linked: run make licences")
	}
}
