package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

const (
	pathTemplates        = "/v1.0/workflow/processes/userVisibilities/templates"
	pathManagedTemplates = "/v1.0/workflow/processes/managements/templates"
	pathFormSchema       = "/v1.0/workflow/forms/schemas/processCodes"
	pathForecast         = "/v1.0/workflow/processes/forecast"
)

// templatesPage is the greatest page of the list of templates (获取用户可见的审批模板).
const templatesPage = 100

// templateNames are what answers call the fields of ApprovalTemplateKind.
var templateNames = map[string]string{
	"process_code": "processCode", "icon_url": "iconUrl", "dir_name": "dirName",
}

// managedNames likewise, in the list of templates that somebody manages, in the new and in the old API.
var (
	managedNames    = map[string]string{"process_code": "processCode", "icon_url": "iconUrl", "name": "flowTitle"}
	oldManagedNames = map[string]string{"name": "flow_title"}
)

// Templates yields the templates that a person may start, or all of the corp when userID is empty (获取用户可见的审批模板), as Objects of
// ApprovalTemplateKind. After an error the iteration ends, and what was yielded is not the whole.
func (s *ApprovalService) Templates(ctx context.Context, userID string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		path, rows := pathTemplates, s.templatesNew(ctx, userID)
		if s.old() {
			path, rows = pathOldTemplates, s.templatesOld(ctx, userID)
		}
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			t, err := templateRow(path, row, templateNames)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (s *ApprovalService) templatesNew(ctx context.Context, userID string) iter.Seq2[any, error] {
	return s.c.underResult(ctx, "processList", "nextToken", func(token string) request {
		query := url.Values{"maxResults": {strconv.Itoa(templatesPage)}, "nextToken": {token}}
		if userID != "" {
			query.Set("userId", userID)
		}
		return request{method: http.MethodGet, path: pathTemplates, v1: true, query: query, read: true}
	})
}

// templateRow is one row of a list of templates with the names of ApprovalTemplateKind, and nothing beside them.
func templateRow(api string, row any, names map[string]string) (Object, error) {
	m, _ := row.(map[string]any)
	o := Object(m)
	o.rename(names)
	t := Object{}
	for _, f := range ApprovalTemplateKind.Fields {
		if v, ok := o[f.Name]; ok {
			t[f.Name] = v
		}
	}
	if t = ApprovalTemplateKind.decode(t); t.Text("process_code") == "" {
		return nil, incomplete(api, "no process_code")
	}
	return t, nil
}

// Managed returns the templates that a person may edit (获取当前企业所有可管理的表单), as Templates yields them; their dir_name is not told.
func (s *ApprovalService) Managed(ctx context.Context, userID string) ([]Object, error) {
	path, names := pathManagedTemplates, managedNames
	if s.old() {
		path, names = pathOldManaged, oldManagedNames
	}
	if err := checkUserID(path, userID); err != nil {
		return nil, err
	}
	answer, err := s.managed(ctx, userID)
	if err != nil {
		return nil, err
	}
	if _, ok := answer["result"].([]any); !ok {
		return nil, incomplete(path, "no result")
	}
	var out []Object
	for _, row := range answer.Rows("result") {
		t, err := templateRow(path, map[string]any(row), names)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (s *ApprovalService) managed(ctx context.Context, userID string) (Object, error) {
	if s.old() {
		return s.c.read(ctx, pathOldManaged, Object{"userid": userID})
	}
	return s.get(ctx, pathManagedTemplates, url.Values{"userId": {userID}})
}

// Template reads the form of a template (获取表单 schema). IsNotFound: there is none with the code. Not in the old API.
func (s *ApprovalService) Template(ctx context.Context, processCode string) (Template, error) {
	if s.old() {
		return Template{}, notInOldAPI(pathFormSchema)
	}
	if processCode == "" {
		return Template{}, refuse(pathFormSchema, "process_code", "required")
	}
	answer, err := s.get(ctx, pathFormSchema, url.Values{"processCode": {processCode}})
	if err != nil {
		return Template{}, err
	}
	result := answer.object("result")
	content := nested(result["schemaContent"])
	items, ok := content["items"].([]any)
	if !ok {
		return Template{}, incomplete(pathFormSchema, "no components")
	}
	return Template{
		ProcessCode: processCode, Name: or(result.Text("name"), content.Text("title")), Status: result.Text("status"), Components: components(items),
	}, nil
}

// nested is an object, also one that comes as a JSON text.
func nested(v any) Object {
	if s, ok := v.(string); ok {
		v = jsonText(s)
	}
	m, _ := v.(map[string]any)
	return m
}

func components(items []any) []Component {
	var out []Component
	for _, item := range items {
		row, ok := item.(map[string]any)
		if !ok {
			continue
		}
		o := Object(row)
		props := o.object("props")
		c := Component{
			ID: props.Text("id"), Alias: props.Text("bizAlias"), Type: or(o.Text("componentName"), o.Text("componentType")), Label: props.Text("label"),
			Required: props.Bool("required"), Format: props.Text("format"), Unit: props.Text("unit"),
			Multiple: props.Bool("multiple") || props.Text("choice") == "1", BizType: props.Text("bizType"),
		}
		c.Labels = labelList(c.Label)
		if c.Options = options(props["options"]); c.Options == nil {
			c.Options = options(props["objOptions"])
		}
		if children, ok := o["children"].([]any); ok {
			c.Children = components(children)
		}
		out = append(out, c)
	}
	return out
}

// labelList reads the JSON text of the labels of a component that has several, as a date range; nil where the label is one.
func labelList(label string) []string {
	list, ok := jsonText(label).([]any)
	if !ok || len(list) < 2 {
		return nil
	}
	labels := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok || s == "" {
			return nil
		}
		labels[i] = s
	}
	return labels
}

// options are the texts of a select's options, which come as texts, as JSON texts of {value, key}, or as such objects.
func options(v any) []string {
	var out []string
	for _, option := range list(v) {
		if o := nested(option); o != nil {
			option = o["value"]
		}
		if s := text(option); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Forecast is the flow that an instance would take.
type Forecast struct {
	Known bool // isForecastSuccess; else the nodes are not to be relied on
	Nodes []ForecastNode
}

// ForecastNode is one node of a flow.
type ForecastNode struct {
	ID         string
	Previous   string // the node before
	Name       string // activityName, as the template's editor shows it
	Type       string // target_select, target_approval
	Select     bool   // the originator chooses who acts (自选节点)
	ActorKey   string // what SelectedActors are named by
	Role       string // approver, notifier, audit
	Required   bool   // somebody must be chosen
	Multiple   bool   // several may be chosen
	Range      ActorRange
	Approval   string // MANUAL, AUTO_AGREE, AUTO_REFUSE
	Method     string // ONE_BY_ONE, AND, OR
	Activation string // ALL, ONE_BY_ONE
	Actioners  []string
}

// ActorRange says from whom a node's people may be chosen.
type ActorRange struct {
	Type   string   // allStaff, approvals (the Users), labels (who has one of the roles)
	Users  []string // userids
	Labels []string // ids of roles
}

// Forecast tells the nodes that an instance would pass (获取审批单流程中的节点信息) without starting it. Only the template, the originator,
// the department and the form matter. Not in the old API.
func (s *ApprovalService) Forecast(ctx context.Context, r StartRequest) (Forecast, error) {
	if s.old() {
		return Forecast{}, notInOldAPI(pathForecast)
	}
	if err := r.check(pathForecast, startCC, startValues); err != nil {
		return Forecast{}, err
	}
	dept, err := deptNumber(pathForecast, r.DeptID)
	if err != nil {
		return Forecast{}, err
	}
	answer, err := s.post(ctx, pathForecast, Object{
		"processCode": r.ProcessCode, "userId": r.Originator, "deptId": dept, "formComponentValues": formRows(r.Form, newFormNames),
	}, true)
	if err != nil {
		return Forecast{}, err
	}
	result := answer.object("result")
	if result == nil {
		return Forecast{}, incomplete(pathForecast, "no result")
	}
	f := Forecast{Known: result.Bool("isForecastSuccess")}
	for _, rule := range result.Rows("workflowActivityRules") {
		f.Nodes = append(f.Nodes, forecastNode(rule))
	}
	return f, nil
}

func forecastNode(rule Object) ForecastNode {
	actor := rule.object("workflowActor")
	among := actor.object("actorSelectionRange")
	n := ForecastNode{
		ID: rule.Text("activityId"), Previous: rule.Text("prevActivityId"), Name: rule.Text("activityName"), Type: rule.Text("activityType"),
		Select: rule.Bool("isTargetSelect"), ActorKey: actor.Text("actorKey"), Role: actor.Text("actorType"),
		Required: actor.Bool("required"), Multiple: actor.Bool("allowedMulti"), Approval: actor.Text("approvalType"),
		Method: actor.Text("approvalMethod"), Activation: actor.Text("actorActivateType"),
		Range: ActorRange{Type: actor.Text("actorSelectionType")},
	}
	for _, user := range among.Rows("approvals") {
		n.Range.Users = append(n.Range.Users, user.Text("workNo"))
	}
	for _, role := range among.Rows("labels") {
		n.Range.Labels = append(n.Range.Labels, role.Text("labels"))
	}
	for _, user := range rule.Rows("activityActioners") {
		n.Actioners = append(n.Actioners, user.Text("userId"))
	}
	return n
}
