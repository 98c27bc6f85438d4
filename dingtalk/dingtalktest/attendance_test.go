package dingtalktest

import (
	"strings"
	"testing"
)

const (
	attendanceFinish    = "/v1.0/attendance/approvals/finish"
	oldAttendanceFinish = "/topapi/attendance/approve/finish"
	attendanceCancel    = "/topapi/attendance/approve/cancel"
	leaveStatus         = "/topapi/attendance/getleavestatus"
)

// leave is a leave that attendance takes, with changes; those of span.… are of the nested object.
func leave(changes object) object {
	span := object{
		"bizType": 3, "fromTime": "2026-08-20 PM", "toTime": "2026-08-24 AM", "durationUnit": "halfDay", "calculateModel": 1, "leaveCode": "c1",
	}
	out := object{"topCalculateApproveDurationParam": span, "tagName": "请假", "subType": "事假", "approveId": "L1", "jumpUrl": "https://x.example"}
	for key, value := range changes {
		into := out
		if name, ok := strings.CutPrefix(key, "span."); ok {
			into, key = span, name
		}
		if into[key] = value; value == nil {
			delete(into, key)
		}
	}
	return out
}

func TestAttendanceIsTold(t *testing.T) {
	b := start(t)
	b.office()
	finish := func(userid string, changes object) object {
		t.Helper()
		return b.v1("POST", attendanceFinish, leave(changes), 200, "userId", userid)["result"].(object)
	}
	got := finish("ann", nil)
	want := `[{"date":"2026-08-20","duration":"0.5"},{"date":"2026-08-21","duration":"1"},{"date":"2026-08-22","duration":"0"},` +
		`{"date":"2026-08-23","duration":"0"},{"date":"2026-08-24","duration":"0.5"}]`
	if asText(got["duration"]) != "2" || asText(got["durationDetail"]) != want {
		t.Errorf("work days: %v", got)
	}
	if got = finish("ann", object{"span.calculateModel": 0, "subType": "年假"}); asText(got["duration"]) != "4" {
		t.Errorf("natural days: %v", got)
	}
	got = finish("bob", object{"span.durationUnit": "day", "span.fromTime": "2026-08-19", "span.toTime": "2026-08-19"})
	if asText(got["duration"]) != "1" {
		t.Errorf("a day: %v", got)
	}
	got = finish("ann", object{
		"approveId": "O1", "span.bizType": 1, "span.durationUnit": "hour", "span.fromTime": "2026-08-21 18:00", "span.toTime": "2026-08-21 19:15",
		"tagName": "加班", "subType": nil, "overtimeDuration": "1.25", "overTimeToMore": 1,
	})
	if asText(got["duration"]) != "1.25" {
		t.Errorf("an overtime: %v", got)
	}
	old := b.ok(oldAttendanceFinish, object{
		"userid": "cho", "biz_type": "2", "from_time": "2026-08-21", "to_time": "2026-08-22", "duration_unit": "day", "calculate_model": "0",
		"tag_name": "出差", "approve_id": "T1",
	})
	if asText(old["duration"]) != "2" {
		t.Errorf("old: %v", old)
	}
	told := b.AttendanceApprovals()
	if len(told) != 4 || told[0].Told != 2 || told[0].SubType != "年假" || told[0].Duration != 4 || told[3].UserID != "cho" || told[3].BizType != 2 {
		t.Errorf("the same id again changes it: %+v", told)
	}

	body := object{"userid_list": "ann,bob,cho", "start_time": b.clock.now().AddDate(0, 0, -10).UnixMilli(), "end_time": b.clock.now().UnixMilli(), "offset": 0, "size": 1}
	status := b.ok(leaveStatus, body)
	if first := status["leave_status"].([]any)[0].(object); asText(status["has_more"]) != "true" || first["userid"] != "bob" ||
		asText(first["duration_percent"]) != "100" || first["duration_unit"] != "percent_day" {
		t.Errorf("leave status: %v", status)
	}
	b.ok(attendanceCancel, object{"userid": "bob", "approve_id": "L1"})
	if status = b.ok(leaveStatus, body); asText(status["has_more"]) != "false" || status["leave_status"].([]any)[0].(object)["userid"] != "ann" {
		t.Errorf("without what was cancelled: %v", status)
	}
	if told = b.AttendanceApprovals(); !told[1].Canceled {
		t.Errorf("%+v", told[1])
	}
	b.refused("400002", attendanceCancel, object{"userid": "bob", "approve_id": "L9"})
	b.refused("400002", attendanceCancel, object{"userid": "bob"})
	b.Set(func(k *Knobs) { k.CancelUnknown = true })
	b.ok(attendanceCancel, object{"userid": "bob", "approve_id": "L9"})
	body["size"] = 21
	b.refused("400002", leaveStatus, body)
}

func TestAttendanceRefuses(t *testing.T) {
	b := start(t)
	b.office()
	const bad = "invalidRequestParams"
	for name, test := range map[string]struct {
		code    string
		changes object
	}{
		"no span":               {"MissingtopCalculateApproveDurationParam", object{"topCalculateApproveDurationParam": nil}},
		"no tag":                {"MissingtagName", object{"tagName": nil}},
		"no id":                 {"MissingapproveId", object{"approveId": nil}},
		"kind":                  {"illegalApproveType", object{"span.bizType": 4}},
		"kind no number":        {bad, object{"span.bizType": "leave"}},
		"model":                 {"illegalCalculateType", object{"span.calculateModel": 2}},
		"unit":                  {"illegalDurationUnit", object{"span.durationUnit": "week"}},
		"overtime in days":      {"illegalOvertimeDurationUnit", object{"span.bizType": 1}},
		"day of halfDay":        {"illegalDateTypeForHalfDay", object{"span.fromTime": "2026-08-20"}},
		"minute of day":         {bad, object{"span.durationUnit": "day", "span.fromTime": "2026-08-20 10:00"}},
		"backwards":             {"beginDateCannotAfterEndDate", object{"span.toTime": "2026-08-19 AM"}},
		"half a day backwards":  {"beginDateCannotAfterEndDate", object{"span.toTime": "2026-08-20 AM"}},
		"long":                  {"durationTooLong", object{"span.toTime": "2026-09-21 AM"}},
		"early":                 {"dateTooEarly", object{"span.fromTime": "2026-07-21 AM", "span.toTime": "2026-07-21 AM"}},
		"a leave without type":  {bad, object{"subType": nil}},
		"long type":             {bad, object{"subType": strings.Repeat("长", 65)}},
		"long id":               {bad, object{"approveId": strings.Repeat("i", 101)}},
		"long tag":              {bad, object{"tagName": strings.Repeat("长", 21)}},
		"long url":              {bad, object{"jumpUrl": strings.Repeat("u", 201)}},
		"overtime without more": {bad, object{"span.bizType": 1, "span.durationUnit": "hour", "overtimeDuration": "1"}},
		"overtime over a day": {"overtimeDurationTooLong", object{
			"span.bizType": 1, "span.durationUnit": "hour", "span.fromTime": "2026-08-20 10:00", "span.toTime": "2026-08-21 10:01",
			"overtimeDuration": "24", "overTimeToMore": 2,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			if out := b.v1("POST", attendanceFinish, leave(test.changes), 400, "userId", "ann"); out["code"] != test.code {
				t.Errorf("want %s, got %v", test.code, out)
			}
		})
	}
	if out := b.v1("POST", attendanceFinish, leave(nil), 400); out["code"] != "MissinguserId" {
		t.Errorf("%v", out)
	}
	if out := b.v1("POST", attendanceFinish, leave(nil), 400, "userId", "gone"); out["code"] != bad {
		t.Errorf("%v", out)
	}
	b.refused("400002", oldAttendanceFinish, object{
		"userid": "ann", "biz_type": 3, "from_time": "2026-08-21", "to_time": "2026-08-21", "duration_unit": "day", "calculate_model": 0,
		"tag_name": "请假", "sub_type": strings.Repeat("长", 21), "approve_id": "L1",
	})
	if n := len(b.AttendanceApprovals()); n != 0 {
		t.Errorf("%d of what was refused", n)
	}
}
