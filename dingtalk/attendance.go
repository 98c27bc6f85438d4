package dingtalk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// The paths of the attendance calls; the error classification refers to them too.
const (
	pathAttendanceFinish = "/v1.0/attendance/approvals/finish"
	pathAttendanceCancel = "/topapi/attendance/approve/cancel"
	pathLeaveTypes       = "/topapi/attendance/vacation/type/list"
)

// The types of an approval told to attendance (biz_type).
const (
	bizOvertime = 1
	bizLeave    = 3
)

// durationLayouts are the forms of from_time and to_time by duration_unit; a half day is further followed by AM or PM.
var durationLayouts = map[string]string{"day": time.DateOnly, "halfDay": time.DateOnly + " PM", "hour": "2006-01-02 15:04"}

// AttendanceService holds the calls about attendance (考勤). All of them count against the monthly quota.
type AttendanceService struct{ c *Client }

// FinishApproval tells attendance that a leave, an overtime, a trip or an outing was approved elsewhere (通知审批通过), from the fields of
// AttendanceApprovalKind. The same approve_id again changes what was told, so the call may be repeated.
func (s *AttendanceService) FinishApproval(ctx context.Context, approval Object) error {
	body, err := AttendanceApprovalKind.encodeCreate(pathAttendanceFinish, approval)
	if err != nil {
		return err
	}
	if err := checkAttendance(body); err != nil {
		return err
	}
	span := Object{}
	copyPresent(span, body, map[string]string{
		"biz_type": "bizType", "from_time": "fromTime", "to_time": "toTime", "duration_unit": "durationUnit",
		"calculate_model": "calculateModel", "leave_code": "leaveCode",
	})
	wire := Object{"topCalculateApproveDurationParam": span}
	copyPresent(wire, body, map[string]string{
		"approve_id": "approveId", "tag_name": "tagName", "sub_type": "subType", "jump_url": "jumpUrl",
		"overtime_duration": "overtimeDuration", "overtime_to_more": "overTimeToMore",
	})
	answer, err := s.c.do(ctx, request{
		method: http.MethodPost, path: pathAttendanceFinish, v1: true, query: url.Values{"userId": {body.Text("userid")}}, body: wire,
	})
	if err != nil {
		return err
	}
	return confirmed(pathAttendanceFinish, answer)
}

func copyPresent(to, from Object, names map[string]string) {
	for name, wire := range names {
		if v, ok := from[name]; ok {
			to[wire] = v
		}
	}
}

// checkAttendance refuses what the kind's table cannot tell to be wrong (通知审批通过, 预计算时长).
func checkAttendance(body Object) error {
	const api = pathAttendanceFinish
	kind, _ := body.Int("biz_type")
	required := []string{"approve_id"}
	switch kind {
	case bizOvertime:
		required = append(required, "overtime_duration", "overtime_to_more")
		if body.Text("duration_unit") != "hour" {
			return refuse(api, "duration_unit", "an overtime is told in hours")
		}
	case bizLeave:
		required = append(required, "sub_type")
	}
	for _, name := range required {
		if body.Text(name) == "" {
			return refuse(api, name, "required")
		}
	}
	layout, ok := durationLayouts[body.Text("duration_unit")]
	if !ok {
		return refuse(api, "duration_unit", "%q is none of day, halfDay and hour", cut(body.Text("duration_unit"), 40))
	}
	var ends []time.Time
	for _, name := range []string{"from_time", "to_time"} {
		at, err := time.Parse(layout, body.Text(name))
		if err != nil {
			return refuse(api, name, "%q is not written as %s", cut(body.Text(name), 40), time.Date(2026, 8, 15, 12, 43, 0, 0, time.UTC).Format(layout))
		}
		ends = append(ends, at)
	}
	if ends[1].Before(ends[0]) {
		return refuse(api, "to_time", "before from_time")
	}
	return nil
}

// CancelApproval takes back what FinishApproval told (通知审批撤销).
func (s *AttendanceService) CancelApproval(ctx context.Context, userid, approveID string) error {
	if err := checkUserID(pathAttendanceCancel, userid); err != nil {
		return err
	}
	if approveID == "" {
		return refuse(pathAttendanceCancel, "approve_id", "required")
	}
	_, err := s.c.write(ctx, pathAttendanceCancel, Object{"userid": userid, "approve_id": approveID})
	return err
}

// LeaveTypes returns the corp's types of leave (查询假期类型), those made in the console among them, with the wire's names: leave_code,
// leave_name, leave_view_unit (day, halfDay, hour), biz_type, source and others. opUserid must be an administrator of OA approvals.
func (s *AttendanceService) LeaveTypes(ctx context.Context, opUserid string) ([]Object, error) {
	if err := checkUserID(pathLeaveTypes, opUserid); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathLeaveTypes, Object{"op_userid": opUserid, "vacation_source": "all"})
	if err != nil {
		return nil, err
	}
	types := answer.Rows("result")
	if slices.ContainsFunc(types, func(o Object) bool { return o.Text("leave_code") == "" }) {
		return nil, incomplete(pathLeaveTypes, "a type without leave_code")
	}
	return types, nil
}
