package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"strings"
)

// The paths of the old approval API (历史文档), which an app can no longer be granted, but which goes on for those that use it.
const (
	pathOldStart     = "/topapi/processinstance/create"
	pathOldGet       = "/topapi/processinstance/get"
	pathOldIDs       = "/topapi/processinstance/listids"
	pathOldFile      = "/topapi/processinstance/file/url/get"
	pathOldTerminate = "/topapi/process/instance/terminate"
	pathOldComment   = "/topapi/process/instance/comment/add"
	pathOldExecute   = "/topapi/process/instance/execute"
	pathOldTemplates = "/topapi/process/listbyuserid"
	pathOldManaged   = "/topapi/process/template/manage/get"
)

// Limits of the old API.
const (
	oldCC     = 20
	oldValues = 200
)

// notInOldAPI is the failure of a call, named by its path in the new API, that the old one does not have.
func notInOldAPI(path string) *Error {
	return &Error{Class: Reject, API: path, Err: ErrNotInOldAPI}
}

func (s *ApprovalService) startOld(ctx context.Context, r StartRequest) (string, error) {
	if err := r.check(pathOldStart, oldCC, oldValues); err != nil {
		return "", err
	}
	if len(r.Select) > 0 {
		return "", notInOldAPI(pathOldStart)
	}
	if r.DeptID == "" {
		return "", refuse(pathOldStart, "dept_id", "required")
	}
	dept, err := deptNumber(pathOldStart, r.DeptID)
	if err != nil {
		return "", err
	}
	body := Object{
		"process_code": r.ProcessCode, "originator_user_id": r.Originator, "dept_id": dept, "form_component_values": formRows(r.Form, oldFormNames),
	}
	if len(r.Approvers) > 0 {
		body["approvers_v2"] = approverRows(r.Approvers, "task_action_type", "user_ids")
		if len(r.CC) > 0 {
			body["cc_list"], body["cc_position"] = strings.Join(r.CC, ","), or(r.CCPosition, "FINISH")
		}
	}
	answer, err := s.c.write(ctx, pathOldStart, body)
	if err != nil {
		return "", err
	}
	return startedID(pathOldStart, answer.Text("process_instance_id"))
}

// The names of the new API and what the old one calls the same.
var (
	oldInstanceNames = map[string]string{
		"createTime": "create_time", "finishTime": "finish_time", "originatorUserId": "originator_userid", "originatorDeptId": "originator_dept_id",
		"businessId": "business_id", "bizAction": "biz_action", "attachedProcessInstanceIds": "attached_process_instance_ids",
		"mainProcessInstanceId": "main_process_instance_id", "formComponentValues": "form_component_values",
		"operationRecords": "operation_records",
	}
	oldValueNames = map[string]string{"extValue": "ext_value", "componentType": "component_type", "bizAlias": "biz_alias"}
	oldStepNames  = map[string]string{
		"userId": "userid", "type": "operation_type", "result": "operation_result", "activityId": "activity_id", "showName": "show_name", "ccUserIds": "cc_userids",
	}
	oldTaskNames = map[string]string{
		"taskId": "taskid", "userId": "userid", "status": "task_status", "result": "task_result", "createTime": "create_time", "finishTime": "finish_time", "activityId": "activity_id",
	}
	oldStatuses = map[string]string{"NEW": "RUNNING", "CANCELED": "TERMINATED"}
)

// rename puts what the old names say under the new ones.
func (o Object) rename(names map[string]string) {
	for name, old := range names {
		if v, ok := o[old]; ok {
			o[name] = v
		}
	}
}

func (s *ApprovalService) getOld(ctx context.Context, id string) (Instance, error) {
	if err := checkInstanceID(pathOldGet, id); err != nil {
		return Instance{}, err
	}
	answer, err := s.c.read(ctx, pathOldGet, Object{"process_instance_id": id})
	if err != nil {
		return Instance{}, err
	}
	o := answer.object("process_instance")
	o.rename(oldInstanceNames)
	for field, names := range map[string]map[string]string{
		"formComponentValues": oldValueNames, "operationRecords": oldStepNames, "tasks": oldTaskNames,
	} {
		for _, row := range o.Rows(field) {
			row.rename(names)
		}
	}
	in, err := instanceOf(pathOldGet, id, o)
	in.Status = or(oldStatuses[in.Status], in.Status)
	return in, err
}

func (s *ApprovalService) idPagesOld(ctx context.Context, q IDsQuery) iter.Seq2[any, error] {
	return s.c.underResult(ctx, "list", "next_cursor", func(token string) request {
		body := Object{
			"process_code": q.ProcessCode, "start_time": q.From.UnixMilli(), "end_time": q.To.UnixMilli(), "cursor": tokenNumber(token), "size": idsPage,
		}
		if q.open {
			delete(body, "end_time")
		}
		if len(q.Users) > 0 {
			body["userid_list"] = strings.Join(q.Users, ",")
		}
		return request{method: http.MethodPost, path: pathOldIDs, body: body, read: true}
	})
}

func (s *ApprovalService) terminateOld(ctx context.Context, id, remark, by string) error {
	body := Object{"process_instance_id": id, "is_system": by == ""}
	body.put("operating_userid", by)
	body.put("remark", clip(remark, remarkLength))
	return s.actOld(ctx, pathOldTerminate, id, body)
}

func (s *ApprovalService) commentOld(ctx context.Context, id, userID, text string) error {
	if text == "" {
		return refuse(pathOldComment, "text", "required")
	}
	return s.actOld(ctx, pathOldComment, id, Object{"process_instance_id": id, "comment_userid": userID, "text": clip(text, remarkLength)})
}

func (s *ApprovalService) executeOld(ctx context.Context, id string, task Task, agree bool, remark string) error {
	number, err := taskNumber(pathOldExecute, task.ID)
	if err != nil {
		return err
	}
	body := Object{"process_instance_id": id, "task_id": number, "actioner_userid": task.UserID, "result": decision(agree)}
	body.put("remark", clip(remark, remarkLength))
	return s.actOld(ctx, pathOldExecute, id, body)
}

// actOld changes an instance; these calls take everything in one object named request.
func (s *ApprovalService) actOld(ctx context.Context, path, id string, body Object) error {
	if err := checkInstanceID(path, id); err != nil {
		return err
	}
	answer, err := s.c.write(ctx, path, Object{"request": body})
	if err != nil {
		return err
	}
	return confirmed(path, answer)
}

func (s *ApprovalService) fileURLOld(ctx context.Context, instanceID, fileID string) (string, error) {
	if err := checkInstanceID(pathOldFile, instanceID); err != nil {
		return "", err
	}
	answer, err := s.c.read(ctx, pathOldFile, Object{"request": Object{"process_instance_id": instanceID, "file_id": fileID}})
	if err != nil {
		return "", err
	}
	return fileAddress(pathOldFile, answer.object("result").Text("download_uri"))
}

func (s *ApprovalService) templatesOld(ctx context.Context, userID string) iter.Seq2[any, error] {
	return s.c.underResult(ctx, "process_list", "next_cursor", func(token string) request {
		body := Object{"offset": tokenNumber(token), "size": templatesPage}
		body.put("userid", userID)
		return request{method: http.MethodPost, path: pathOldTemplates, body: body, read: true}
	})
}
