package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// postedByReaders are the models on whose records everybody may post who may read them (_mail_post_access = 'read' in hr, hr_holidays,
// project and mail); elsewhere it takes the right to write.
var postedByReaders = []string{"hr.employee", "hr.leave", "hr.leave.allocation", "project.task", "mail.channel"}

// rights are what the mappings may ask Odoo for, by model in the order in which they come up.
type rights struct {
	models []string
	of     map[string][]string
}

func (r *rights) add(model string, operations ...string) {
	if _, known := r.of[model]; !known {
		r.models = append(r.models, model)
	}
	for _, operation := range operations {
		if !slices.Contains(r.of[model], operation) {
			r.of[model] = append(r.of[model], operation)
		}
	}
}

// checkRights asks Odoo whether its user may do what the mappings need. For the methods of transitions it is asked whether the model may be
// written, which they do; what else a method insists on only Odoo knows.
func (w *world) checkRights(ctx context.Context, set *mapping.Set) []finding {
	r := &rights{of: map[string][]string{}}
	for _, m := range set.Mappings {
		r.mapping(m)
	}
	var findings []finding
	for _, m := range set.Mappings {
		for _, path := range paths(m) {
			if err := w.along(ctx, m.Model, path, r); err != nil {
				return append(findings, w.broken("odoo", err))
			}
		}
	}
	r.add("ir.model.data", "read", "create")
	for _, model := range r.models {
		findings = append(findings, w.checkModel(ctx, model, r.of[model])...)
	}
	return findings
}

// mapping adds what one mapping needs on its own model, on those of lines, and on those of lookups.
func (r *rights) mapping(m *mapping.Mapping) {
	toOdoo := m.Direction.Allows(mapping.Odoo)
	writes := slices.ContainsFunc(m.Fields, func(f *mapping.Field) bool { return f.Writes(mapping.Odoo) })
	r.add(m.Model, "read")
	if toOdoo && (writes || m.RemoveOdoo == mapping.RemoveArchive || m.Approval != nil && len(m.Approval.Transitions) > 0) {
		r.add(m.Model, "write")
	}
	if toOdoo && m.CreateOdoo.Allowed {
		r.add(m.Model, "create")
	}
	if toOdoo && m.RemoveOdoo == mapping.RemoveDelete {
		r.add(m.Model, "unlink")
	}
	if toOdoo && m.Kind == dingtalk.TodoKind.Name { // what is done there is said here
		r.add(m.Model, "write")
		r.todos(m.Model)
	}
	r.rows(m)
	r.fields(m.Fields)
	if slices.ContainsFunc(peopleOf(m), func(p mapping.Person) bool { return p.Followers }) {
		r.add("mail.followers", "read")
		r.add("res.partner", "read")
		r.employees("res.partner")
	}
	if m.Message != nil && m.Message.Result == mapping.ResultNote {
		if !slices.Contains(postedByReaders, m.Model) {
			r.add(m.Model, "write")
		}
		r.add("mail.message", "read", "create")
	}
	for _, f := range m.Fields {
		if f.Lines == nil {
			continue
		}
		r.add(f.Lines.Model, "read")
		if f.Writes(mapping.Odoo) && m.CreateOdoo.Allowed {
			r.add(f.Lines.Model, "create")
		}
		for _, t := range f.Lines.Templates {
			r.fields(t.Fields)
		}
	}
}

// todos adds what saying that a record is done needs beside it. Whether the documents of activities may be written, only each of them tells.
func (r *rights) todos(model string) {
	switch model {
	case "mail.activity":
		r.add("mail.message", "read")
		r.add("res.users", "read")
	case "project.task":
		r.add("project.task.type", "read")
	}
}

// rows adds the records of x2manys that are read, and those that are changed through their record.
func (r *rights) rows(m *mapping.Mapping) {
	for _, lines := range m.LineFields() {
		r.add(lines.Model, "read")
		for _, f := range m.Fields {
			if f.OdooName == lines.Field && f.Afterwards() && f.Writes(mapping.Odoo) {
				r.add(lines.Model, "write")
			}
		}
	}
}

// fields adds the models in which records are looked up.
func (r *rights) fields(fields []*mapping.Field) {
	for _, f := range fields {
		if f.Lookup == nil {
			continue
		}
		r.add(f.Lookup.Model, "read")
		if f.Lookup.Create {
			r.add(f.Lookup.Model, "create")
		}
	}
}

// paths are those over other models that a mapping reads.
func paths(m *mapping.Mapping) []string {
	var out []string
	for _, f := range m.Fields {
		if strings.Contains(f.OdooName, ".") {
			out = append(out, f.OdooName)
		}
	}
	for _, name := range m.OdooFields() { // those of texts
		if strings.Contains(name, ".") {
			out = append(out, name)
		}
	}
	for _, p := range peopleOf(m) {
		for _, path := range []string{p.Path, p.Chain, p.Except, p.Members} {
			if path != "" {
				out = append(out, path+".id") // they themselves are read
			}
		}
	}
	if m.Message != nil && m.Message.GroupBy != "" {
		out = append(out, m.Message.GroupBy+".id")
	}
	return out
}

// peopleOf are all entries of a mapping that stand for people.
func peopleOf(m *mapping.Mapping) []mapping.Person {
	if m.Message != nil {
		return m.Message.Receivers
	}
	if m.Approval == nil {
		return nil
	}
	people := slices.Clone(m.Approval.CC)
	for _, level := range m.Approval.Approvers {
		people = append(people, level.People...)
	}
	for _, s := range m.Approval.Select {
		people = append(people, s.People...)
	}
	return people
}

// along adds reading the models that a path leads over.
func (w *world) along(ctx context.Context, model, path string, r *rights) error {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		fields, err := w.odoo.FieldsGet(ctx, model)
		if err != nil {
			return err
		}
		if model = fields[name].Relation; model == "" {
			return nil // the mapping's check has told what is wrong with it
		}
		r.add(model, "read")
	}
	if names[len(names)-1] == "id" {
		r.employees(model)
	}
	return nil
}

// employees adds reading the models over which the employee behind a record of people is found.
func (r *rights) employees(model string) {
	switch model {
	case "res.partner":
		r.add("res.users", "read")
		r.add("hr.employee", "read")
	case "res.users", "hr.department":
		r.add("hr.employee", "read")
	}
}

// checkModel asks Odoo for the user's rights on a model; where one is missing, Odoo's own words name the groups that have it
// (odoo/addons/base/models/ir_model.py: IrModelAccess.check).
func (w *world) checkModel(ctx context.Context, model string, rights []string) []finding {
	var findings []finding
	var granted []string
	for _, right := range rights {
		_, err := w.odoo.Execute(ctx, model, "check_access_rights", []any{right}, map[string]any{"context": map[string]any{"lang": "en_US"}})
		switch {
		case err == nil:
			granted = append(granted, right)
		case notPermitted(err):
			var oe *odoo.Error
			errors.As(err, &oe)
			findings = append(findings, w.found(levelError, "odoo", txtOdooMayNot, model, right, oneLine(oe.Message)))
		default:
			return append(findings, w.broken("odoo", err))
		}
	}
	if len(granted) > 0 {
		findings = append(findings, w.found(levelOK, "odoo", txtOdooMay, model, strings.Join(granted, ", ")))
	}
	return findings
}
