package dingtalk

// FormPrefix begins the names of the fields that are components of an approval's form: "form." and the component's label. A date
// range has one such field for each of its two labels.
const FormPrefix = "form."

// ApprovalKind is the field table of an instance of an official OA approval (官方OA审批). Its form has further fields, see FormPrefix.
// Sources: 发起审批实例, 获取单个审批实例详情, 获取审批实例ID列表, 撤销审批实例.
var ApprovalKind = Kind{
	Name: "approval", IDField: "process_instance_id",
	Create: true, Read: true, List: ListWindow, Open: FormPrefix, Ends: true,
	Events: []string{"bpms_instance_change", "bpms_task_change"},
	Fields: []Field{
		{Name: "process_instance_id", Type: ID, Get: true, Unique: true},
		{Name: "title", Type: Text, Get: true},
		{Name: "business_id", Type: Text, Get: true},
		{Name: "originator_user_id", Type: ID, Create: true, Get: true, Required: true, Ref: "user"},
		// -1 is the root, in both directions. Not given: the originator's first department.
		{Name: "dept_id", Type: ID, Create: true, Get: true, Ref: "department", Numeric: true},
		{Name: "status", Type: Text, Get: true}, // RUNNING, TERMINATED, COMPLETED
		// What became of it: empty while it runs, then agree, refuse, terminate, delete, revoke (agreed and revoked later) or modify.
		{Name: "outcome", Type: Text, Get: true},
		{Name: "remark", Type: Text, Get: true},                // of the last decision
		{Name: "decided_by", Type: ID, Get: true, Ref: "user"}, // likewise
		{Name: "create_time", Type: InstantMS, Get: true},
		{Name: "finish_time", Type: InstantMS, Get: true},
		{Name: "biz_action", Type: Text, Get: true},       // NONE, MODIFY, REVOKE
		{Name: "main_instance_id", Type: Text, Get: true}, // of a revoking or modifying instance
	},
}

// ApprovalTemplateKind is the field table of a template of approvals (审批模板). Sources: 获取用户可见的审批模板.
var ApprovalTemplateKind = Kind{
	Name: "approval_template", IDField: "process_code",
	Read: true, List: ListWhole,
	Fields: []Field{
		{Name: "process_code", Type: ID, Get: true, List: true, Unique: true},
		{Name: "name", Type: Text, Get: true, List: true},
		{Name: "icon_url", Type: Text, Get: true, List: true},
		{Name: "url", Type: Text, Get: true, List: true},
		{Name: "dir_name", Type: Text, Get: true, List: true},
	},
}

// AttendanceApprovalKind is the field table of a leave, overtime or trip that was decided elsewhere and is told to attendance. It
// cannot be read; the same approve_id again changes it. Sources: 通知审批通过, 通知审批撤销.
var AttendanceApprovalKind = Kind{
	Name: "attendance_approval", IDField: "approve_id",
	Create: true, Update: true, Delete: true,
	Fields: []Field{
		{Name: "approve_id", Type: ID, Create: true, Unique: true, MaxLen: 100},
		{Name: "userid", Type: ID, Create: true, Update: true, Required: true, Ref: "user"},
		{Name: "biz_type", Type: Integer, Create: true, Update: true, Required: true}, // 1 overtime, 2 trip or outing, 3 leave
		{Name: "from_time", Type: Text, Create: true, Update: true, Required: true},   // in the form of duration_unit
		{Name: "to_time", Type: Text, Create: true, Update: true, Required: true},
		{Name: "duration_unit", Type: Text, Create: true, Update: true, Required: true},      // day, halfDay, hour
		{Name: "calculate_model", Type: Integer, Create: true, Update: true, Required: true}, // 0 natural days, 1 work days
		{Name: "tag_name", Type: Text, Create: true, Update: true, Required: true, MaxLen: 20},
		{Name: "sub_type", Type: Text, Create: true, Update: true, MaxLen: 64}, // required for a leave
		{Name: "leave_code", Type: Text, Create: true, Update: true},
		{Name: "jump_url", Type: Text, Create: true, Update: true, MaxLen: 200},
		{Name: "overtime_duration", Type: Text, Create: true, Update: true},   // hours
		{Name: "overtime_to_more", Type: Integer, Create: true, Update: true}, // 1 lieu leave, 2 pay
	},
}
