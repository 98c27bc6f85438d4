package main

import (
	"context"
	"errors"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

var (
	txtDingTemplate = tr("template %s (%s): %d components", "审批模板 %s（%s）：%d 个控件")
	txtDingNoForms  = tr("the old approval API shows no forms, so that the mapping cannot be compared with that of %s", "旧版审批接口无法读取表单，因此不能将映射与 %s 的表单比对")
	txtDingForms    = tr("forms of approvals", "审批表单")
)

// templatesOf reads the forms of the set's approvals, each once. What cannot be read is among failed, by code.
func templatesOf(ctx context.Context, c *dingtalk.Client, set *mapping.Set) (found map[string]mapping.Template, failed map[string]error) {
	found, failed = map[string]mapping.Template{}, map[string]error{}
	for _, m := range set.Mappings {
		if m.Approval == nil || m.Approval.ProcessCode == "" {
			continue
		}
		code := m.Approval.ProcessCode
		if _, known := found[code]; known || failed[code] != nil {
			continue
		}
		t, err := c.Approvals.Template(dingtalk.WithCaller(ctx, m.Name), code)
		if err != nil {
			failed[code] = err
			continue
		}
		found[code] = bridge.TemplateSchema(t)
	}
	return found, failed
}

// checkTemplates reads the forms of approvals and compares the mappings with them.
func (w *world) checkTemplates(ctx context.Context, set *mapping.Set) (mapping.Complaints, []finding) {
	var findings []finding
	found, failed := templatesOf(ctx, w.ding, set)
	for _, code := range sortedKeys(found) {
		findings = append(findings, w.found(levelOK, "dingtalk", txtDingTemplate, found[code].Name, code, len(found[code].Components)))
	}
	for _, code := range sortedKeys(failed) {
		switch err := failed[code]; {
		case errors.Is(err, dingtalk.ErrNotInOldAPI):
			findings = append(findings, w.found(levelWarning, "dingtalk", txtDingNoForms, code))
		case !dingtalk.IsNotFound(err):
			findings = append(findings, w.tried(w.app.say(txtDingForms)+" "+code, txtDingRead, txtDingReadNot, err))
		}
	}
	return lintTemplates(set, found, failed), findings
}

// lintTemplates compares the mappings with the forms that could be read, or are not there.
func lintTemplates(set *mapping.Set, found map[string]mapping.Template, failed map[string]error) mapping.Complaints {
	readable := &mapping.Set{}
	for _, m := range set.Mappings {
		if m.Approval != nil {
			err := failed[m.Approval.ProcessCode]
			if err != nil && !dingtalk.IsNotFound(err) || m.Approval.ProcessCode == "" { // of the latter withSettings tells
				continue
			}
		}
		readable.Mappings = append(readable.Mappings, m)
	}
	return mapping.LintTemplates(readable, func(code string) (mapping.Template, bool) { t, ok := found[code]; return t, ok })
}
