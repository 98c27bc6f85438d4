package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"dingbridge/mapping"
)

var (
	txtNoCode    = tr("the mapping %[1]s has no template: give its process code in the settings, process_codes: {%[1]s: PROC-…} or %[2]s, or in its file, dingtalk: {process_code: PROC-…}", "映射 %[1]s 没有审批模板：请在设置中写明流程编码 process_codes: {%[1]s: PROC-…}（或 %[2]s），也可写在映射文件中 dingtalk: {process_code: PROC-…}")
	txtStrayCode = tr("a process code is given for %q, which is none of the mappings that are enabled: %s", "为 %q 写了流程编码，但它不在启用的映射之中：%s")
)

// processCodesKey is the setting of ProcessCodes.
const processCodesKey = "process_codes"

// ProcessCodes are the templates of approvals, by the name of the mapping.
type ProcessCodes map[string]string

// UnmarshalText implements encoding.TextUnmarshaler: MAPPING=CODE,MAPPING=CODE.
func (p *ProcessCodes) UnmarshalText(b []byte) error {
	codes := ProcessCodes{}
	var bad []error
	for _, entry := range strings.Split(string(b), ",") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, code, ok := strings.Cut(entry, "=")
		name, code = strings.TrimSpace(name), strings.TrimSpace(code)
		switch {
		case !ok || name == "" || code == "":
			bad = append(bad, fmt.Errorf("%q is not MAPPING=CODE", strings.TrimSpace(entry)))
		case codes[name] != "" && codes[name] != code:
			bad = append(bad, fmt.Errorf("%s has two codes", name))
		default:
			codes[name] = code
		}
	}
	*p = codes
	return errors.Join(bad...)
}

// codes keeps process_codes as the environment would have them, and where each stands. They are keys with values, or a list of
// MAPPING=CODE.
func (l settingLines) codes(value *yaml.Node) error {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	var entries []string
	add := func(at *yaml.Node, entry string) error {
		name, _, _ := strings.Cut(entry, "=")
		if strings.Contains(entry, ",") {
			return fmt.Errorf("%s:%d: %s: %q cannot be: a comma separates mappings", l.file, at.Line, processCodesKey, entry)
		}
		l.codeAt[strings.TrimSpace(name)] = mapping.Position{File: l.file, Line: at.Line, Column: at.Column}
		entries = append(entries, entry)
		return nil
	}
	var errs []error
	scalar := func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode }
	switch {
	case value.Kind == yaml.MappingNode && !slices.ContainsFunc(value.Content, func(n *yaml.Node) bool { return !scalar(n) }):
		for i := 0; i+1 < len(value.Content); i += 2 {
			name, code := value.Content[i], value.Content[i+1]
			if code.Tag == "!!null" {
				code.Value = ""
			}
			errs = append(errs, add(name, name.Value+"="+code.Value))
		}
	case value.Kind == yaml.SequenceNode && !slices.ContainsFunc(value.Content, func(n *yaml.Node) bool { return !scalar(n) }):
		for _, n := range value.Content {
			errs = append(errs, add(n, n.Value))
		}
	case scalar(value):
		for _, entry := range strings.Split(value.Value, ",") {
			errs = append(errs, add(value, entry))
		}
	default:
		return fmt.Errorf("%s:%d: %s must be names of mappings with codes, such as {leave-approval: PROC-1A2B3C4D}", l.file, value.Line, processCodesKey)
	}
	l.text[processCodesKey] = strings.Join(entries, ",")
	return errors.Join(errs...)
}

// codePosition is where the settings give the mapping its code.
func (s *Settings) codePosition(name string) mapping.Position {
	if at, ok := s.codeAt[name]; ok {
		return at
	}
	return mapping.Position{File: envName(processCodesKey), Line: 1, Column: 1}
}

// withSettings gives the mappings the settings' process codes. complete says that each mapping of approvals must have one, and that the
// settings have what mappings of messages need. Codes of mappings that are not enabled are told, and do no harm. The set is nil when
// there are errors.
func (a *app) withSettings(set *mapping.Set, s *Settings, complete bool) (*mapping.Set, mapping.Complaints) {
	var complaints mapping.Complaints
	complain := func(at mapping.Position, level mapping.Level, words string) {
		complaints = append(complaints, mapping.Complaint{Position: at, Level: level, Message: words})
	}
	coded := set
	for _, name := range sortedKeys(s.ProcessCodes) {
		if _, ok := set.Get(name); !ok {
			complain(s.codePosition(name), mapping.Warning, a.say(txtStrayCode, name, strings.Join(mappingNames(set), ", ")))
			continue
		}
		next, err := coded.WithProcessCodes(map[string]string{name: s.ProcessCodes[name]})
		if err != nil {
			complain(s.codePosition(name), mapping.Error, err.Error())
			continue
		}
		coded = next
	}
	if complete {
		for _, name := range coded.WithoutProcessCode() {
			if s.ProcessCodes[name] != "" {
				continue // what is wrong with it has been told
			}
			m, _ := coded.Get(name)
			complain(m.Approval.Pos, mapping.Error, a.say(txtNoCode, name, envName(processCodesKey)+"="+name+"=PROC-…"))
		}
		complaints = append(complaints, a.messageSettings(coded, s)...)
	}
	if len(complaints.Errors()) > 0 {
		return nil, complaints
	}
	return coded, complaints
}
