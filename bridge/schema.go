package bridge

import (
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// connected are the kinds that the engine can work with; the client knows more.
var connected = map[string]bool{
	"department": true, "user": true, "role": true, "approval": true, "approval_template": true, "attendance_approval": true,
	"work_notice": true, "person_message": true, "group_message": true, "robot_message": true, "ding": true, "conversation_message": true,
	"todo": true, "group": true, "robot_inbox": true,
	calendarKind: true,
}

// Schema tells the mapping lint what both sides offer: the fields of Odoo's models (from stock, or live from a server) and the
// field tables of DingTalk's kinds.
func Schema(models func(model string) (map[string]odoo.Field, bool), live bool) mapping.Schema {
	s := mapping.Schema{Live: live, Kinds: map[string]mapping.Kind{}}
	s.Models = func(model string) (map[string]mapping.OdooField, bool) {
		fields, ok := models(model)
		if !ok {
			return nil, false
		}
		out := OdooFields(fields)
		if model == activityModel {
			out[coveredField] = mapping.OdooField{Type: "boolean", Readonly: true}
		}
		return out, true
	}
	for _, k := range dingtalk.Kinds() {
		if !connected[k.Name] {
			continue
		}
		kind := mapping.Kind{
			Name: k.Name, IDField: k.IDField, Create: k.Create, Update: k.Update, Delete: k.Delete,
			Read: k.Read, Open: k.Open, Ends: k.Ends, Own: k.List == dingtalk.ListOwn, Personal: k.List == dingtalk.ListDelta, Done: k.Done, Message: k.Message, Addressed: k.Addressed, Results: k.Results,
			List: k.List != dingtalk.ListNone, Events: len(k.Events) > 0, Fields: map[string]mapping.KindField{},
		}
		for _, f := range k.Fields {
			kind.Fields[f.Name] = mapping.KindField{
				Type: string(f.Type), Create: f.Create, Update: f.Update, Get: f.Get, List: f.List,
				Required: requires(k, f), Unique: f.Unique, MaxLen: f.MaxLen, Clear: f.Clear != dingtalk.ClearNever, Permission: f.Permission, Ref: f.Ref, RefBy: f.RefBy, Markdown: f.Markdown,
			}
		}
		s.Kinds[k.Name] = kind
	}
	return s
}

// OdooFields are the fields of a model as the mapping lint needs them.
func OdooFields(fields map[string]odoo.Field) map[string]mapping.OdooField {
	out := make(map[string]mapping.OdooField, len(fields))
	for name, f := range fields {
		of := mapping.OdooField{Type: f.Type, Relation: f.Relation, Required: f.Required, Readonly: f.Readonly, Store: f.Store}
		for _, o := range f.Selection {
			of.Selection = append(of.Selection, o[0])
		}
		out[name] = of
	}
	return out
}

// TemplateSchema is a form as the mapping lint needs it.
func TemplateSchema(t dingtalk.Template) mapping.Template {
	return mapping.Template{ProcessCode: t.ProcessCode, Name: t.Name, Status: t.Status, Components: componentsOf(t.Components)}
}

func componentsOf(list []dingtalk.Component) []mapping.Component {
	out := make([]mapping.Component, len(list))
	for i, c := range list {
		out[i] = mapping.Component{
			Type: c.Type, Label: c.Label, Labels: c.Labels, Required: c.Required, Options: c.Options, Children: componentsOf(c.Children),
			Clock: strings.Contains(c.Format, "HH") || c.Format == "" && c.Unit == "小时",
		}
	}
	return out
}
