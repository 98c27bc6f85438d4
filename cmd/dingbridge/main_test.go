package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // ends the process
	}
	goleak.VerifyTestMain(m)
}

// shell runs commands as a person would, between two stand-ins, and keeps what they print.
type shell struct {
	t     *testing.T
	stage *stage
	vars  map[string]string
	in    string
}

// answer is what one command did.
type answer struct {
	code     int
	out, err string
}

// newShell starts both stand-ins with a company of that many people (at least 38: every department has a head).
func newShell(t *testing.T, people int, opts ...dingtalktest.Option) *shell {
	t.Helper()
	s, err := newStage("", "", time.Now, opts...)
	must(t, err)
	t.Cleanup(func() { must(t, s.close()) })
	if people > 0 {
		must(t, s.populate(newCompany(people, 7)))
	}
	s.ding.ResetJournal()
	vars := s.vars()
	vars["DINGBRIDGE_STORE"] = filepath.Join(t.TempDir(), "state.db")
	vars["DINGBRIDGE_DINGTALK_QPS"], vars["DINGBRIDGE_DINGTALK_STALE_WINDOW"] = "2000", "50ms"
	vars["DINGBRIDGE_HTTP_LISTEN"], vars["DINGBRIDGE_POLL"] = "127.0.0.1:0", "50ms"
	return &shell{t: t, stage: s, vars: vars}
}

// offlineShell has no servers and no settings.
func offlineShell(t *testing.T) *shell {
	t.Chdir(t.TempDir())
	return &shell{t: t, vars: map[string]string{}}
}

func (s *shell) app() (a *app, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	return &app{in: strings.NewReader(s.in), out: out, err: errs, env: func(name string) string { return s.vars[name] }, lang: english}, out, errs
}

// run runs one command line.
func (s *shell) run(args ...string) answer {
	s.t.Helper()
	a, out, errs := s.app()
	code := execute(s.t.Context(), a, args)
	return answer{code: code, out: out.String(), err: errs.String()}
}

// want runs one command line and fails the test unless it ends with the code and prints all of the words.
func (s *shell) want(code int, args []string, words ...string) answer {
	s.t.Helper()
	got := s.run(args...)
	if got.code != code {
		s.t.Fatalf("%s: exit code %d, not %d\n%s\n%s", strings.Join(args, " "), got.code, code, got.out, got.err)
	}
	for _, w := range words {
		if !strings.Contains(got.out+got.err, w) {
			s.t.Errorf("%s: %q is missing in\n%s\n%s", strings.Join(args, " "), w, got.out, got.err)
		}
	}
	return got
}

// mappings lets the shell use these mapping files instead of the presets; the two presets can be edited.
func (s *shell) mappings(edit func(name, text string) string) {
	s.t.Helper()
	dir := s.t.TempDir()
	for _, name := range []string{"departments", "employees"} {
		src, _ := mapping.Preset(name)
		must(s.t, os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(edit(name, string(src.Data))), 0o600))
	}
	s.vars["DINGBRIDGE_MAPPINGS"] = filepath.Join(dir, "*.yaml")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func unmarshal[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not the JSON that was expected: %v\n%s", err, text)
	}
	return v
}

// words splits a command line.
func words(line string) []string { return strings.Fields(line) }

// file writes a file of the test and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// arriveWithin is far above what anything takes, also under the race detector on a busy machine.
const arriveWithin = 2 * time.Minute

// until looks until the condition holds, but not longer than a change of the demo may take.
func (s *shell) until(ctx context.Context, what string, done func() bool) {
	s.t.Helper()
	if err := await(ctx, nil, arriveWithin, demoLook, done, func() error { return nil }); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// readOnly says whether the call of Odoo changes nothing.
var readOnly = []string{
	"version", "authenticate", "login", "search", "search_read", "search_count", "read", "exists", "fields_get", "name_search", "check_access_rights",
}

// noWrites fails the test if anything but reads reached either stand-in since the journals were reset.
func (s *shell) noWrites() {
	s.t.Helper()
	for _, c := range s.stage.odoo.Journal() {
		if !slices.Contains(readOnly, c.Method) {
			s.t.Errorf("odoo was asked to %s %s", c.Method, c.Model)
		}
	}
	if n := s.stage.ding.Writes(); n > 0 {
		for _, r := range s.stage.ding.Journal() {
			if r.Write {
				s.t.Errorf("dingtalk was asked to %s", r.Path)
			}
		}
	}
	if len(s.stage.odoo.Journal()) == 0 || len(s.stage.ding.Journal()) == 0 {
		s.t.Error("nobody was asked anything: the journals prove nothing")
	}
}

func (s *shell) resetJournals() {
	s.stage.odoo.ResetJournal()
	s.stage.ding.ResetJournal()
}
