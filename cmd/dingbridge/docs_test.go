package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dingbridge/mapping"
)

// documents are the Markdown files of the repository that a newcomer reads.
func documents(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	must(t, err)
	out := map[string]string{}
	for _, f := range append(files, "../../README.md", "../../README.zh-CN.md") {
		text, err := os.ReadFile(f)
		must(t, err)
		out[f] = string(text)
	}
	return out
}

// block is a fenced block of Markdown.
var block = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

func TestDocumentedMappingsAreInOrder(t *testing.T) {
	checked := 0
	for name, text := range documents(t) {
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "mapping:") {
				continue
			}
			checked++
			set, complaints := mapping.Load([]mapping.Source{{File: name, Data: []byte(m[1])}}, offline())
			if len(complaints) > 0 || set == nil {
				t.Errorf("%s", complaints)
				continue
			}
			for _, r := range mapping.RunTests(set) {
				if !r.OK() {
					t.Errorf("%s: %s: %v", name, r.Test, r.Failures)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no mapping is documented")
	}
}

// TestEveryCommandIsDocumented compares docs/commands.md with the commands there are, both ways.
func TestEveryCommandIsDocumented(t *testing.T) {
	text := documents(t)["../../docs/commands.md"]
	sections := map[string]string{}
	for _, s := range strings.Split(text, "\n## ")[1:] {
		name, body, _ := strings.Cut(s, "\n")
		sections[name] = body
	}
	root := newRoot(&app{lang: english})
	names := []string{"Exit codes"}
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		names = append(names, cmd.Name())
		body, ok := sections[cmd.Name()]
		if !ok {
			t.Errorf("%s has no section", cmd.Name())
			continue
		}
		parts := strings.Split(body, "\n### ")
		checkSection(t, cmd, parts[0])
		checkParts(t, cmd, parts[1:])
	}
	for name := range sections {
		if !slices.Contains(names, name) {
			t.Errorf("there is no command %s", name)
		}
	}
}

// checkParts compares what is documented below a command with the commands there are below it.
func checkParts(t *testing.T, parent *cobra.Command, parts []string) {
	t.Helper()
	documented := map[string]string{}
	for _, part := range parts {
		name, body, _ := strings.Cut(part, "\n")
		documented[name] = body
	}
	for _, cmd := range parent.Commands() {
		body, ok := documented[parent.Name()+" "+cmd.Name()]
		if !ok {
			t.Errorf("%s %s has no section", parent.Name(), cmd.Name())
			continue
		}
		delete(documented, parent.Name()+" "+cmd.Name())
		checkSection(t, cmd, body)
	}
	for name := range documented {
		t.Errorf("there is no command %s", name)
	}
}

// flagRow is a flag's row in a section's table.
var flagRow = regexp.MustCompile("(?m)^\\| `(--[a-z-]+)` \\|")

func checkSection(t *testing.T, cmd *cobra.Command, body string) {
	t.Helper()
	usage := strings.Split(body, "`")
	if len(usage) < 2 || !strings.HasPrefix(usage[1], cmd.CommandPath()) {
		t.Errorf("%s: the section does not begin with how it is called", cmd.Name())
		return
	}
	if want, _, _ := strings.Cut(strings.TrimPrefix(cmd.Use, cmd.Name()), "["); !strings.Contains(usage[1], strings.TrimSpace(want)) {
		t.Errorf("%s: documented as %q, but it takes %q", cmd.Name(), usage[1], cmd.Use)
	}
	var flags []string
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			flags = append(flags, "--"+f.Name)
			if !strings.Contains(usage[1], "--"+f.Name) {
				t.Errorf("%s: --%s is missing in how it is called", cmd.Name(), f.Name)
			}
		}
	})
	var documented []string
	for _, m := range flagRow.FindAllStringSubmatch(body, -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(flags)
	slices.Sort(documented)
	if !slices.Equal(flags, documented) {
		t.Errorf("%s: flags %v, documented %v", cmd.Name(), flags, documented)
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| (\d) \| (.+) \|$`)
	var tables [][][]string
	for _, name := range []string{"commands.md", "configuration.md"} {
		tables = append(tables, row.FindAllStringSubmatch(documents(t)["../../docs/"+name], -1))
	}
	codes := []int{exitOK, exitError, exitUsage, exitHalted, exitRemain, exitLocked}
	if len(tables[0]) != len(codes) {
		t.Fatalf("%d codes are documented, not %d", len(tables[0]), len(codes))
	}
	for i, code := range codes {
		if tables[0][i][1] != fmt.Sprint(code) {
			t.Errorf("row %d is about %s", i, tables[0][i][1])
		}
		if tables[0][i][0] != tables[1][i][0] {
			t.Errorf("docs/commands.md says %q, docs/configuration.md %q", tables[0][i][0], tables[1][i][0])
		}
	}
}

// link is a relative link of Markdown.
var link = regexp.MustCompile(`\]\(([^):#]+)(?:#([^)]+))?\)`)

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	for name, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "{{") { // of a message, in an example
				continue
			}
			target := filepath.Join(filepath.Dir(name), m[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if m[2] == "" {
				continue
			}
			body, err := os.ReadFile(target)
			must(t, err)
			if !strings.Contains(strings.ToLower(string(body)), "\n## "+m[2]+"\n") {
				t.Errorf("%s: %s has no section %s", name, m[1], m[2])
			}
		}
	}
}

func TestBothReadmesNameTheSameCommands(t *testing.T) {
	docs := documents(t)
	shell := regexp.MustCompile(`(?m)^(make [a-z]+|bin/dingbridge [a-z]+)`)
	var commands [2][]string
	for i, name := range []string{"../../README.md", "../../README.zh-CN.md"} {
		commands[i] = shell.FindAllString(docs[name], -1)
	}
	if !slices.Equal(commands[0], commands[1]) || len(commands[0]) < 4 {
		t.Errorf("%v\n%v", commands[0], commands[1])
	}
	makefile, err := os.ReadFile("../../Makefile")
	must(t, err)
	for _, c := range commands[0] {
		if target, ok := strings.CutPrefix(c, "make "); ok && !strings.Contains(string(makefile), "\n"+target+":") {
			t.Errorf("the Makefile has no target %s", target)
		}
	}
}
