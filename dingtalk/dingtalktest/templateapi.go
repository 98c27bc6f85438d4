package dingtalktest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// iconURL is the icon of every template.
const iconURL = "https://gw.alicdn.com/tfs/approval.png"

// v1Required refuses a call of the new host without one of the parameters.
func v1Required(p params, keys ...string) *Refusal {
	for _, key := range keys {
		if !p.has(key) {
			return v1Refusal(http.StatusBadRequest, "Missing"+key, key+" is mandatory for this action.")
		}
	}
	return nil
}

// templateList is the templates in the order in which they were made.
func (s *Server) templateList(keep func(*template) bool) []*template {
	var out []*template
	for _, t := range s.approvals.templates {
		if keep(t) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *template) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// formSchema is GET /v1.0/workflow/forms/schemas/processCodes (获取表单 schema).
func (s *Server) formSchema(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "processCode"); no != nil {
		return nil, no
	}
	t := s.approvals.templates[c.params.text("processCode")]
	if t == nil {
		return nil, v1Refusal(http.StatusBadRequest, "formNotExist", "表单不存在")
	}
	modified := millis(t.modified)
	return map[string]any{"result": map[string]any{
		"formCode": t.Code, "formUuid": "FORM-" + shortCode(t.Code), "name": t.Name, "memo": "", "creatorUserId": "manager",
		"ownerIdType": "orgId", "bizType": t.BizType, "status": t.Status, "engineType": 0, "procType": "inner", "visibleRange": "",
		"gmtCreate": modified, "gmtModified": modified,
		"schemaContent": map[string]any{"title": t.Name, "icon": "common", "items": s.schemaItems(t.Components)},
	}}, nil
}

func (s *Server) schemaItems(list []Component) []any {
	out := []any{}
	for i := range list {
		c := &list[i]
		item := map[string]any{"componentName": c.Type, "props": s.schemaProps(c)}
		if c.Type == "TableField" {
			item["children"] = s.schemaItems(c.Children)
		}
		out = append(out, item)
	}
	return out
}

func (s *Server) schemaProps(c *Component) map[string]any {
	props := map[string]any{"id": c.ID, "label": c.wireName(), "required": c.Required}
	for key, value := range map[string]string{"bizAlias": c.Alias, "format": c.Format, "unit": c.Unit, "bizType": c.BizType} {
		if value != "" {
			props[key] = value
		}
	}
	switch c.Type {
	case "InnerContactField":
		props["choice"] = "0"
		if c.Multiple {
			props["choice"] = "1"
		}
	case "DepartmentField":
		props["multiple"] = c.Multiple
	case "DDSelectField", "DDMultiSelectField":
		options := []string{}
		for i, option := range c.Options {
			if !s.knobs.OptionsPlain {
				option = jsonText(map[string]string{"value": option, "key": "option_" + strconv.Itoa(i)})
			}
			options = append(options, option)
		}
		props["options"] = options
	case "StarRatingField":
		props["limit"] = cmp.Or(c.Limit, 5)
	}
	return props
}

// visibleTemplates is GET /v1.0/workflow/processes/userVisibilities/templates (获取用户可见的审批模板).
func (s *Server) visibleTemplates(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "maxResults", "nextToken"); no != nil {
		return nil, no
	}
	size, sized := c.params.number("maxResults")
	from, placed := c.params.number("nextToken")
	if !sized || size < 1 || size > 100 || !placed || from < 0 {
		return nil, invalid("maxResults, nextToken")
	}
	list, next, no := s.visiblePage(c.params.text("userId"), int(from), int(size))
	if no != nil {
		return nil, no
	}
	shown := []any{}
	for _, t := range list {
		shown = append(shown, map[string]any{
			"name": t.Name, "processCode": t.Code, "iconUrl": iconURL, "url": templateURL(s.corpID, t.Code), "dirId": "other", "dirName": "其他",
		})
	}
	result := map[string]any{"processList": shown}
	if next > 0 {
		result["nextToken"] = next
	}
	return map[string]any{"result": result}, nil
}

// visiblePage is one page of the published templates a person may start, of all without a userid; next is 0 at the end.
func (s *Server) visiblePage(userid string, from, size int) (page []*template, next int, no *Refusal) {
	if userid != "" && s.dir.users[userid] == nil {
		return nil, 0, flowRefusal(60121, "userNotExist", "用户不存在")
	}
	list := s.templateList(func(t *template) bool {
		return t.Status == "PUBLISHED" && (userid == "" || t.visible(userid))
	})
	to := min(from+size, len(list))
	if to < len(list) {
		next = to
	}
	return list[min(from, to):to], next, nil
}

func templateURL(corpID, code string) string {
	return fmt.Sprintf("https://aflow.dingtalk.com/dingtalk/mobile/homepage.htm?corpid=%s&processCode=%s", corpID, code)
}

// oldVisibleTemplates is /topapi/process/listbyuserid (获取用户可见的审批模板).
func (s *Server) oldVisibleTemplates(c *call) (any, *Refusal) {
	size, sized := c.params.number("size")
	from, placed := c.params.number("offset")
	if !sized || size < 1 || size > 100 || !placed || from < 0 {
		return nil, missing(400002, "offset, size")
	}
	list, next, no := s.visiblePage(c.params.text("userid"), int(from), int(size))
	if no != nil {
		return nil, no
	}
	shown := []any{}
	for _, t := range list {
		shown = append(shown, map[string]any{
			"name": t.Name, "process_code": t.Code, "icon_url": iconURL, "url": templateURL(s.corpID, t.Code),
		})
	}
	result := map[string]any{"process_list": shown}
	if next > 0 {
		result["next_cursor"] = next
	}
	return result, nil
}

// managed are the templates a person may manage.
func (s *Server) managed(userid string) ([]*template, *Refusal) {
	p := s.dir.users[userid]
	if p == nil {
		return nil, flowRefusal(60121, "userNotExist", "用户不存在")
	}
	return s.templateList(func(t *template) bool {
		if t.Managers == nil {
			return p.AdminLevel > 0
		}
		return slices.Contains(t.Managers, userid)
	}), nil
}

// attendanceTypes says of a suite's template what attendance does with it.
var attendanceTypes = map[string]int{"attendance.supply": 1, "attendance.leave": 2}

// managedTemplates is GET /v1.0/workflow/processes/managements/templates (获取当前企业所有可管理的表单).
func (s *Server) managedTemplates(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "userId"); no != nil {
		return nil, no
	}
	list, no := s.managed(c.params.text("userId"))
	if no != nil {
		return nil, no
	}
	shown := []any{}
	for _, t := range list {
		shown = append(shown, map[string]any{
			"flowTitle": t.Name, "processCode": t.Code, "iconName": "common", "iconUrl": iconURL, "newProcess": true,
			"gmtModified": s.minute(t.modified), "attendanceType": attendanceTypes[t.BizType],
		})
	}
	return map[string]any{"success": true, "result": shown}, nil
}

// oldManagedTemplates is /topapi/process/template/manage/get (获取当前企业所有可管理的表单).
func (s *Server) oldManagedTemplates(c *call) (any, *Refusal) {
	list, no := s.managed(c.params.text("userid"))
	if no != nil {
		return nil, no
	}
	shown := []any{}
	for _, t := range list {
		shown = append(shown, map[string]any{
			"flow_title": t.Name, "process_code": t.Code, "icon_name": "common", "icon_url": iconURL, "new_process": true,
			"gmt_modified": t.modified.In(china).Format("2006-01-02 15:04:05"), "attendance_type": attendanceTypes[t.BizType],
		})
	}
	return shown, nil
}

func (s *Server) named(name string) (*template, *Refusal) {
	list := s.templateList(func(t *template) bool { return t.Name == name })
	if len(list) == 0 {
		return nil, noTemplate()
	}
	return list[0], nil
}

// codeByName is GET /v1.0/workflow/processCentres/schemaNames/processCodes (获取模板code).
func (s *Server) codeByName(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "name"); no != nil {
		return nil, no
	}
	t, no := s.named(c.params.text("name"))
	if no != nil {
		return nil, no
	}
	return map[string]any{"result": map[string]any{"processCode": t.Code, "gmtModified": s.minute(t.modified)}}, nil
}

// oldCodeByName is /topapi/process/get_by_name (获取模板code).
func (s *Server) oldCodeByName(c *call) (any, *Refusal) {
	t, no := s.named(c.params.text("name"))
	if no != nil {
		return nil, no
	}
	return topLevel{"process_code": t.Code}, nil
}
