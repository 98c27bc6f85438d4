package dingtalktest

import (
	"fmt"
	"slices"
)

// forecast is POST /v1.0/workflow/processes/forecast (获取审批单流程中的节点信息).
func (s *Server) forecast(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "processCode", "deptId", "userId", "formComponentValues"); no != nil {
		return nil, no
	}
	t := s.approvals.templates[c.params.text("processCode")]
	if t == nil {
		return nil, noTemplate()
	}
	userid := c.params.text("userId")
	dept, ok := c.params.number("deptId")
	p := s.dir.users[userid]
	if p == nil || !ok || !slices.Contains(p.Departments, fromShown(dept)) {
		return nil, badStart("发起人不在部门中")
	}
	if _, no := readFormValues(c.params, newNames, formValues); no != nil {
		return nil, no
	}
	rules, nodes := []any{}, []any{}
	before := "sid-startevent"
	for i := range t.Flow {
		n := &t.Flow[i]
		rules = append(rules, s.forecastRule(n, before))
		nodes = append(nodes, map[string]any{"activityId": before, "outId": n.ID})
		before = n.ID
	}
	nodes = append(nodes, map[string]any{"activityId": before, "outId": "endId"})
	return map[string]any{"result": map[string]any{
		"isForecastSuccess": true, "isStaticWorkflow": true, "processId": t.seq, "processCode": t.Code, "userId": userid,
		"workflowActivityRules": rules, "workflowForecastNodes": nodes,
	}}, nil
}

func (s *Server) forecastRule(n *Node, before string) map[string]any {
	actor := map[string]any{
		"actorKey": n.Key, "actorType": "approver", "actorSelectionType": "allStaff", "allowedMulti": n.Multi,
		"approvalType": "MANUAL", "approvalMethod": string(n.Mode), "actorActivateType": "ALL", "required": !n.Optional,
	}
	switch {
	case n.CC:
		actor["actorType"] = "notifier"
	case n.Auto != "":
		actor["approvalType"] = map[string]string{ResultAgree: "AUTO_AGREE", ResultRefuse: "AUTO_REFUSE"}[n.Auto]
	}
	if n.Key == "" {
		actor["actorKey"] = fmt.Sprintf("fixed_%s", n.ID)
	}
	switch n.Mode {
	case ModeNone:
		actor["approvalMethod"] = string(ModeAnd)
	case ModeOneByOne:
		actor["actorActivateType"] = string(ModeOneByOne)
	}
	if n.Scope != nil {
		from := []any{}
		for _, id := range n.Scope {
			from = append(from, map[string]any{"workNo": id, "userName": s.nameOf(id)})
		}
		actor["actorSelectionType"], actor["actorSelectionRange"] = "approvals", map[string]any{"approvals": from}
	}
	kind := "target_approval"
	people := []any{}
	if n.Select {
		kind = "target_select"
	} else {
		for _, id := range n.Users {
			people = append(people, map[string]any{"userId": id, "name": s.nameOf(id), "avatar": ""})
		}
	}
	return map[string]any{
		"activityId": n.ID, "prevActivityId": before, "activityName": n.Name, "activityType": kind, "isTargetSelect": n.Select,
		"workflowActor": actor, "activityActioners": people,
	}
}
