package dingtalktest

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of approvals that attendance is told (biz_type).
const (
	overtimeApproval = 1
	tripApproval     = 2
	leaveApproval    = 3
)

// The limits of what attendance is told (documents 通知审批通过, 查询请假状态).
const (
	approvalDays    = 31
	approvalIDLen   = 100
	tagLen          = 20
	subTypeLen      = 64
	oldSubTypeLen   = 20
	jumpLen         = 200
	leaveUsers      = 100
	leaveStatusSize = 20
	leaveSpan       = 180 * 24 * time.Hour
)

// AttendanceApproval is an overtime, trip or leave that was decided elsewhere and told to attendance.
type AttendanceApproval struct {
	ApproveID, UserID string
	BizType           int    // 1 overtime, 2 trip or outing, 3 leave
	From, To          string // in the form of DurationUnit
	DurationUnit      string // day, halfDay, hour
	CalculateModel    int    // 0 natural days, 1 work days
	LeaveCode         string
	TagName, SubType  string
	JumpURL           string
	OvertimeDuration  string  // hours
	OvertimeToMore    int     // 1 lieu leave, 2 pay
	Duration          float64 // as attendance reckons it, in DurationUnit
	Told              int     // times it was told
	Canceled          bool
	At                time.Time // when it was last told or cancelled

	begin, end time.Time
	detail     []any
	readable   bool // its numbers were numbers
	subTypeMax int
}

// toldApproval finds what attendance was told about a person under an id, nil when nothing.
func (s *Server) toldApproval(userid, id string) *AttendanceApproval {
	i := slices.IndexFunc(s.attendance, func(a *AttendanceApproval) bool { return a.UserID == userid && a.ApproveID == id })
	if i < 0 {
		return nil
	}
	return s.attendance[i]
}

// AttendanceApprovals returns what attendance was told, in the order of the first time; what was told again under one id is one.
func (s *Server) AttendanceApprovals() []AttendanceApproval {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]AttendanceApproval, len(s.attendance))
	for i, a := range s.attendance {
		out[i] = *a
	}
	return out
}

// finishApproval is POST /v1.0/attendance/approvals/finish (通知审批通过).
func (s *Server) finishApproval(c *call) (any, *Refusal) {
	if no := v1Required(fromValues(c.request.URL.Query()), "userId"); no != nil {
		return nil, no
	}
	if no := v1Required(c.params, "topCalculateApproveDurationParam", "tagName", "approveId"); no != nil {
		return nil, no
	}
	nested, ok := c.params.object("topCalculateApproveDurationParam")
	if !ok {
		return nil, attendanceNo("invalidRequestParams")
	}
	a := readApproval(nested, c.params, [...]string{
		"bizType", "fromTime", "toTime", "durationUnit", "calculateModel", "leaveCode", "tagName", "subType", "approveId", "jumpUrl",
		"overtimeDuration", "overTimeToMore",
	})
	a.UserID = c.request.URL.Query().Get("userId")
	if no := s.tellApproval(a, c.now); no != nil {
		return nil, no
	}
	return map[string]any{"success": true, "result": a.result()}, nil
}

// oldFinishApproval is /topapi/attendance/approve/finish (通知审批通过).
func (s *Server) oldFinishApproval(c *call) (any, *Refusal) {
	a := readApproval(c.params, c.params, [...]string{
		"biz_type", "from_time", "to_time", "duration_unit", "calculate_model", "leave_code", "tag_name", "sub_type", "approve_id", "jump_url",
		"overtime_duration", "overtime_to_more",
	})
	a.UserID, a.subTypeMax = c.params.text("userid"), oldSubTypeLen
	if no := s.tellApproval(a, c.now); no != nil {
		return nil, no
	}
	return a.result(), nil
}

// readApproval reads what attendance is told, with the names of one generation of the API: the first six keys are of span.
func readApproval(span, p params, keys [12]string) *AttendanceApproval {
	a := &AttendanceApproval{
		From: span.text(keys[1]), To: span.text(keys[2]), DurationUnit: span.text(keys[3]), LeaveCode: span.text(keys[5]),
		TagName: p.text(keys[6]), SubType: p.text(keys[7]), ApproveID: p.text(keys[8]), JumpURL: p.text(keys[9]),
		OvertimeDuration: p.text(keys[10]), subTypeMax: subTypeLen,
	}
	kind, kindOK := span.number(keys[0])
	model, modelOK := span.number(keys[4])
	more, moreOK := p.number(keys[11])
	a.BizType, a.CalculateModel, a.OvertimeToMore = int(kind), int(model), int(more)
	a.readable = kindOK && modelOK && (moreOK || !p.has(keys[11]))
	return a
}

func (a *AttendanceApproval) result() map[string]any {
	return map[string]any{"duration": decimal(a.Duration), "durationDetail": a.detail}
}

// tellApproval checks and keeps what attendance is told.
func (s *Server) tellApproval(a *AttendanceApproval, now time.Time) *Refusal {
	if no := s.checkApproval(a); no != nil {
		return no
	}
	if no := a.checkSpan(now); no != nil {
		return no
	}
	a.reckon()
	a.At, a.Told = now, 1
	if old := s.toldApproval(a.UserID, a.ApproveID); old != nil {
		a.Told = old.Told + 1
		*old = *a
		return nil
	}
	kept := *a
	s.attendance = append(s.attendance, &kept)
	return nil
}

func attendanceNo(v1 string) *Refusal { return flowRefusal(400002, v1, "参数错误:%s", v1) }

// checkApproval checks everything but the times.
func (s *Server) checkApproval(a *AttendanceApproval) *Refusal {
	long := func(text string, most int) bool { return utf8.RuneCountInString(text) > most }
	switch {
	case !a.readable, s.dir.users[a.UserID] == nil, a.ApproveID == "", a.TagName == "",
		long(a.ApproveID, approvalIDLen), long(a.TagName, tagLen), long(a.SubType, a.subTypeMax), long(a.JumpURL, jumpLen):
		return attendanceNo("invalidRequestParams")
	case a.BizType < overtimeApproval || a.BizType > leaveApproval:
		return attendanceNo("illegalApproveType")
	case a.CalculateModel != 0 && a.CalculateModel != 1:
		return attendanceNo("illegalCalculateType")
	case !slices.Contains([]string{"day", "halfDay", "hour"}, a.DurationUnit):
		return attendanceNo("illegalDurationUnit")
	case a.BizType == overtimeApproval && a.DurationUnit != "hour":
		return attendanceNo("illegalOvertimeDurationUnit")
	case a.BizType == leaveApproval && a.SubType == "":
		return attendanceNo("invalidRequestParams")
	case a.BizType == overtimeApproval && (!number.MatchString(a.OvertimeDuration) || a.OvertimeToMore != 1 && a.OvertimeToMore != 2):
		return attendanceNo("invalidRequestParams")
	}
	return nil
}

// checkSpan reads the times, which must have the form of the unit.
func (a *AttendanceApproval) checkSpan(now time.Time) *Refusal {
	var fromOK, toOK bool
	a.begin, _, fromOK = readMoment(a.DurationUnit, a.From)
	_, a.end, toOK = readMoment(a.DurationUnit, a.To)
	span := a.end.Sub(a.begin)
	switch {
	case (!fromOK || !toOK) && a.DurationUnit == "halfDay":
		return attendanceNo("illegalDateTypeForHalfDay")
	case !fromOK || !toOK:
		return attendanceNo("invalidRequestParams")
	case span <= 0:
		return attendanceNo("beginDateCannotAfterEndDate")
	case a.begin.Before(now.AddDate(0, 0, -approvalDays)):
		return attendanceNo("dateTooEarly")
	case a.BizType == overtimeApproval && span > 24*time.Hour:
		return attendanceNo("overtimeDurationTooLong")
	case span > approvalDays*24*time.Hour:
		return attendanceNo("durationTooLong")
	}
	return nil
}

// readMoment reads a day, half a day or a minute in China; it lasts from begin to end.
func readMoment(unit, text string) (begin, end time.Time, ok bool) {
	layout, half := time.DateOnly, ""
	switch unit {
	case "hour":
		layout = "2006-01-02 15:04"
	case "halfDay":
		text, half, _ = strings.Cut(text, " ")
		if half != "AM" && half != "PM" {
			return begin, end, false
		}
	}
	begin, err := time.ParseInLocation(layout, text, china)
	if err != nil {
		return begin, end, false
	}
	switch {
	case unit == "hour":
		return begin, begin, true
	case half == "AM":
		return begin, begin.Add(12 * time.Hour), true
	case half == "PM":
		return begin.Add(12 * time.Hour), begin.AddDate(0, 0, 1), true
	}
	return begin, begin.AddDate(0, 0, 1), true
}

// reckon adds up the duration day by day; without schedules work days are Monday to Friday.
func (a *AttendanceApproval) reckon() {
	a.detail = []any{}
	a.Duration = 0
	for day := a.begin; day.Before(a.end); {
		y, m, d := day.Date()
		next := time.Date(y, m, d+1, 0, 0, 0, 0, china)
		until := next
		if a.end.Before(next) {
			until = a.end
		}
		hours := until.Sub(day).Hours()
		if a.CalculateModel == 1 && (day.Weekday() == time.Saturday || day.Weekday() == time.Sunday) {
			hours = 0
		}
		if a.DurationUnit != "hour" {
			hours /= 24
		}
		a.Duration += hours
		a.detail = append(a.detail, map[string]any{"date": day.Format(time.DateOnly), "duration": decimal(hours)})
		day = next
	}
}

// decimal is a duration as attendance writes it, to a hundredth.
func decimal(f float64) string {
	text := strings.TrimRight(strconv.FormatFloat(f, 'f', 2, 64), "0")
	return strings.TrimSuffix(text, ".")
}

// cancelApproval is /topapi/attendance/approve/cancel (通知审批撤销).
func (s *Server) cancelApproval(c *call) (any, *Refusal) {
	for _, key := range []string{"userid", "approve_id"} {
		if c.params.text(key) == "" {
			return nil, missing(400002, key)
		}
	}
	a := s.toldApproval(c.params.text("userid"), c.params.text("approve_id"))
	if a == nil && !s.knobs.CancelUnknown {
		return nil, missing(400002, "approve_id")
	}
	if a != nil {
		a.Canceled, a.At = true, c.now
	}
	return nil, nil
}

// leaveStatus is /topapi/attendance/getleavestatus (查询请假状态).
func (s *Server) leaveStatus(c *call) (any, *Refusal) {
	p := c.params
	users := p.texts("userid_list")
	from, fromOK := p.number("start_time")
	to, toOK := p.number("end_time")
	offset, offsetOK := p.number("offset")
	size, sizeOK := p.number("size")
	switch {
	case len(users) == 0 || len(users) > leaveUsers:
		return nil, missing(400002, "userid_list")
	case !fromOK || !toOK || to < from || to-from > leaveSpan.Milliseconds():
		return nil, missing(400002, "start_time, end_time")
	case !offsetOK || offset < 0 || !sizeOK || size < 1 || size > leaveStatusSize:
		return nil, missing(400002, "offset, size")
	}
	found := slices.DeleteFunc(slices.Clone(s.attendance), func(a *AttendanceApproval) bool {
		return a.BizType != leaveApproval || a.Canceled || !slices.Contains(users, a.UserID) ||
			a.end.UnixMilli() < from || a.begin.UnixMilli() > to
	})
	slices.SortStableFunc(found, func(a, b *AttendanceApproval) int { return cmp.Compare(a.begin.UnixMilli(), b.begin.UnixMilli()) })
	end := min(offset+size, int64(len(found)))
	list := []any{}
	for _, a := range found[min(offset, end):end] {
		list = append(list, a.status())
	}
	return map[string]any{"has_more": end < int64(len(found)), "leave_status": list}, nil
}

// status is a leave as 查询请假状态 shows it; durations are hundredths.
func (a *AttendanceApproval) status() map[string]any {
	unit := "percent_day"
	if a.DurationUnit == "hour" {
		unit = "percent_hour"
	}
	return map[string]any{
		"userid": a.UserID, "start_time": a.begin.UnixMilli(), "end_time": a.end.UnixMilli(), "duration_unit": unit,
		"duration_percent": int64(math.Round(a.Duration * 100)), "leave_code": a.LeaveCode,
	}
}
