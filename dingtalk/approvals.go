package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The paths of the approval calls; the error classification refers to them too. Starting and reading an instance share one.
const (
	pathInstances         = "/v1.0/workflow/processInstances"
	pathInstanceIDs       = "/v1.0/workflow/processes/instanceIds/query"
	pathInstanceTerminate = "/v1.0/workflow/processInstances/terminate"
	pathInstanceComment   = "/v1.0/workflow/processInstances/comments"
	pathInstanceExecute   = "/v1.0/workflow/processInstances/execute"
	pathInstanceFile      = "/v1.0/workflow/processInstances/spaces/files/urls/download"
	pathTaskRedirect      = "/v1.0/workflow/tasks/redirect"
)

// Limits of the approval calls (发起审批实例, 撤销审批实例, 添加审批评论, 转交审批任务).
const (
	startLevels   = 20
	startCC       = 50
	startSelected = 20
	startValues   = 150
	remarkLength  = 1024
	redirectWords = 256
)

// ErrNotInOldAPI is the cause (errors.Is) of the failure of a call that the old approval API does not have; see Config.OldApprovals.
var ErrNotInOldAPI = errors.New("the old approval API has no such call")

// ApprovalService holds the calls about official OA approvals (官方OA审批). All of them count against the monthly quota. Permissions:
// Workflow.Form.Read for templates, Workflow.Instance.Read and Workflow.Instance.Write for instances.
//
// With Config.OldApprovals the same methods call the API of the generation before; those that it does not have fail with
// ErrNotInOldAPI.
type ApprovalService struct{ c *Client }

func (s *ApprovalService) old() bool { return s.c.cfg.OldApprovals }

// Start starts an instance (发起审批实例) and returns its id. Its originator must be a member of the department. Explicit approvers
// replace the flow that an administrator configured; the copied are sent with them only, as DingTalk ignores them otherwise.
//
// Nothing makes a second call harmless: after an Ambiguous failure look for the instance (IDs, Get) before starting again.
// A component that DingTalk does not take is Reject with Field, see FormPrefix.
func (s *ApprovalService) Start(ctx context.Context, r StartRequest) (instanceID string, err error) {
	if s.old() {
		return s.startOld(ctx, r)
	}
	if err := r.check(pathInstances, startCC, startValues); err != nil {
		return "", err
	}
	body := Object{"processCode": r.ProcessCode, "originatorUserId": r.Originator, "formComponentValues": formRows(r.Form, newFormNames)}
	if r.DeptID != "" {
		dept, err := deptNumber(pathInstances, r.DeptID)
		if err != nil {
			return "", err
		}
		body["deptId"] = dept
	}
	if len(r.Approvers) > 0 {
		body["approvers"] = approverRows(r.Approvers, "actionType", "userIds")
		if len(r.CC) > 0 {
			body["ccList"], body["ccPosition"] = r.CC, or(r.CCPosition, "FINISH")
		}
	}
	if len(r.Select) > 0 {
		var rows []Object
		for _, sel := range r.Select {
			rows = append(rows, Object{"actionerKey": sel.Key, "actionerUserIds": sel.Users})
		}
		body["targetSelectActioners"] = rows
	}
	answer, err := s.post(ctx, pathInstances, body, false)
	if err != nil {
		return "", err
	}
	return startedID(pathInstances, or(answer.Text("instanceId"), answer.object("result").Text("instanceId")))
}

// startedID insists on the id of an instance that was started; without it nothing is known.
func startedID(api, id string) (string, error) {
	if id == "" {
		return "", &Error{Class: Retry, Ambiguous: true, API: api, Status: http.StatusOK, Message: "success without an instance id"}
	}
	return id, nil
}

// check refuses what no approval API takes.
func (r StartRequest) check(api string, cc, values int) error {
	if r.ProcessCode == "" {
		return refuse(api, "process_code", "required")
	}
	if err := checkOriginator(api, r.Originator); err != nil {
		return err
	}
	switch {
	case r.DeptID == "" && len(r.Approvers) == 0:
		return refuse(api, "dept_id", "required, unless the approvers are named")
	case len(r.Approvers) > startLevels:
		return refuse(api, "approvers", "%d levels, at most %d are allowed", len(r.Approvers), startLevels)
	case len(r.CC) > cc:
		return refuse(api, "cc", "%d people, at most %d are allowed", len(r.CC), cc)
	case len(r.Select) > startSelected:
		return refuse(api, "select", "%d nodes, at most %d are allowed", len(r.Select), startSelected)
	case len(r.Form) == 0:
		return refuse(api, "form", "no component has a value")
	case len(r.Form) > values:
		return refuse(api, "form", "%d components, at most %d are allowed", len(r.Form), values)
	}
	for i, level := range r.Approvers {
		switch {
		case len(level.Users) == 0:
			return refuse(api, "approvers", "level %d has nobody", i+1)
		case len(level.Users) > 1 && level.Action != "AND" && level.Action != "OR":
			return refuse(api, "approvers", "level %d has %d people, who agree by AND or by OR, not by %q", i+1, len(level.Users), level.Action)
		}
	}
	if !slices.Contains([]string{"", "START", "FINISH", "START_FINISH"}, r.CCPosition) {
		return refuse(api, "cc_position", "%q is none of START, FINISH and START_FINISH", cut(r.CCPosition, 40))
	}
	return nil
}

func checkOriginator(api, userid string) error {
	f, _ := ApprovalKind.Field("originator_user_id")
	_, err := f.encode(api, userid)
	return err
}

// approverRows are levels on the wire. AND and OR take two people or more: a single one is NONE.
func approverRows(levels []ApproverLevel, action, users string) []Object {
	rows := make([]Object, len(levels))
	for i, level := range levels {
		rows[i] = Object{action: level.Action, users: level.Users}
		if len(level.Users) == 1 {
			rows[i][action] = "NONE"
		}
	}
	return rows
}

// formNames are what the two generations call the parts of a form's values.
type formNames struct{ alias, ext, kind string }

var (
	newFormNames = formNames{alias: "bizAlias", ext: "extValue", kind: "componentType"}
	oldFormNames = formNames{alias: "biz_alias", ext: "ext_value", kind: "component_type"}
)

func formRows(values []FormValue, names formNames) []Object {
	rows := make([]Object, len(values))
	for i, v := range values {
		rows[i] = Object{"name": v.Name, "value": v.Value}
		rows[i].put("id", v.ID)
		rows[i].put(names.alias, v.Alias)
		rows[i].put(names.ext, v.ExtValue)
		rows[i].put(names.kind, v.Type)
	}
	return rows
}

func deptNumber(api, id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < -1 || n == 0 {
		return 0, refuse(api, "dept_id", "%q is neither the number of a department nor -1, the root", cut(id, 40))
	}
	return n, nil
}

// Terminate withdraws a running instance (撤销审批实例), in the name of its originator, or of nobody when by is empty. DingTalk refuses
// it within 15 s of the start, and always where the template does not allow it, with one and the same code (internalError, 820008):
// only Message tells which. An instance that has ended is IsFinished. The remark is cut to 1024 characters.
func (s *ApprovalService) Terminate(ctx context.Context, id, remark, by string) error {
	if s.old() {
		return s.terminateOld(ctx, id, remark, by)
	}
	body := Object{"processInstanceId": id, "isSystem": by == ""}
	body.put("operatingUserId", by)
	body.put("remark", clip(remark, remarkLength))
	return s.act(ctx, pathInstanceTerminate, id, body)
}

// Comment adds a comment of a person's to an instance (添加审批评论), also to one that has ended. The text is cut to 1024 characters, the
// last of which then is "…".
func (s *ApprovalService) Comment(ctx context.Context, id, userID, text string) error {
	if s.old() {
		return s.commentOld(ctx, id, userID, text)
	}
	if text == "" {
		return refuse(pathInstanceComment, "text", "required")
	}
	return s.act(ctx, pathInstanceComment, id, Object{"processInstanceId": id, "commentUserId": userID, "text": clip(text, remarkLength)})
}

// Execute decides an open task of an instance (同意或拒绝审批任务) in the name of whom the task is: ID and UserID are needed of it. Refusing
// one task ends the instance. The remark is cut to 1024 characters.
func (s *ApprovalService) Execute(ctx context.Context, id string, task Task, agree bool, remark string) error {
	if s.old() {
		return s.executeOld(ctx, id, task, agree, remark)
	}
	number, err := taskNumber(pathInstanceExecute, task.ID)
	if err != nil {
		return err
	}
	body := Object{"processInstanceId": id, "taskId": number, "actionerUserId": task.UserID, "result": decision(agree)}
	body.put("remark", clip(remark, remarkLength))
	return s.act(ctx, pathInstanceExecute, id, body)
}

func decision(agree bool) string {
	if agree {
		return "agree"
	}
	return "refuse"
}

// Redirect hands an open task over to somebody else (转交审批任务): ID and UserID, whose it is, are needed of it. The remark is cut to 256
// characters. The old API has no such call.
func (s *ApprovalService) Redirect(ctx context.Context, task Task, to, remark string) error {
	if s.old() {
		return notInOldAPI(pathTaskRedirect)
	}
	number, err := taskNumber(pathTaskRedirect, task.ID)
	if err != nil {
		return err
	}
	body := Object{"taskId": number, "operateUserId": task.UserID, "toUserId": to}
	body.put("remark", clip(remark, redirectWords))
	answer, err := s.post(ctx, pathTaskRedirect, body, false)
	if err != nil {
		return err
	}
	return confirmed(pathTaskRedirect, answer)
}

// taskNumber is a task's id as requests carry it.
func taskNumber(api, id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, refuse(api, "task_id", "%q is no task's number", cut(id, 40))
	}
	return n, nil
}

// FileURL returns where a file of an instance can be fetched for the next 15 minutes (下载审批附件). Empty files have no such address. Whoever
// knows it can read the file: it belongs in no log.
func (s *ApprovalService) FileURL(ctx context.Context, instanceID, fileID string) (string, error) {
	if s.old() {
		return s.fileURLOld(ctx, instanceID, fileID)
	}
	if err := checkInstanceID(pathInstanceFile, instanceID); err != nil {
		return "", err
	}
	answer, err := s.post(ctx, pathInstanceFile, Object{"processInstanceId": instanceID, "fileId": fileID}, true)
	if err != nil {
		return "", err
	}
	return fileAddress(pathInstanceFile, answer.object("result").Text("downloadUri"))
}

func fileAddress(api, address string) (string, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return "", incomplete(api, "no address")
	}
	return address, nil
}

// post makes a call of the new API by POST; read says that it changes nothing.
func (s *ApprovalService) post(ctx context.Context, path string, body Object, read bool) (Object, error) {
	return s.c.do(ctx, request{method: http.MethodPost, path: path, v1: true, body: body, read: read})
}

// get makes a call of the new API by GET.
func (s *ApprovalService) get(ctx context.Context, path string, query url.Values) (Object, error) {
	return s.c.do(ctx, request{method: http.MethodGet, path: path, v1: true, query: query, read: true})
}

// act changes an instance by a call that answers nothing but success.
func (s *ApprovalService) act(ctx context.Context, path, id string, body Object) error {
	if err := checkInstanceID(path, id); err != nil {
		return err
	}
	answer, err := s.post(ctx, path, body, false)
	if err != nil {
		return err
	}
	return confirmed(path, answer)
}

// confirmed refuses an answer of HTTP 200 that says outright that nothing was done.
func confirmed(api string, answer Object) error {
	for _, key := range []string{"success", "result"} {
		if ok, said := boolean(answer[key]); said && !ok {
			return &Error{Class: Retry, Ambiguous: true, API: api, Status: http.StatusOK, Message: fmt.Sprintf("the answer says %s=false", key)}
		}
	}
	return nil
}

func checkInstanceID(api, id string) error {
	if id == "" {
		return refuse(api, "process_instance_id", "required")
	}
	return nil
}

// put sets a field that is left out when empty.
func (o Object) put(field, s string) {
	if s != "" {
		o[field] = s
	}
}

// clip bounds a text to n characters in all.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return cut(s, n-1)
}
