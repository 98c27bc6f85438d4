package dingtalk

// eventTitles are the titles of the pages of 事件订阅总览, by which the console names the events too.
var eventTitles = map[string]string{
	"user_add_org":      "企业增加员工事件",
	"user_modify_org":   "通讯录用户更改",
	"user_leave_org":    "通讯录用户离职",
	"user_active_org":   "加入企业后用户激活",
	"org_admin_add":     "通讯录用户被设为管理员",
	"org_admin_remove":  "通讯录用户被取消设置管理员",
	"org_dept_create":   "通讯录企业部门创建",
	"org_dept_modify":   "通讯录企业部门修改",
	"org_dept_remove":   "通讯录企业部门删除",
	"org_change":        "企业信息发生变更",
	"org_remove":        "企业删除",
	"label_user_change": "员工角色信息发生变更",
	"label_conf_add":    "增加角色或者角色组",
	"label_conf_modify": "修改角色或者角色组",
	"label_conf_del":    "删除角色或者角色组",

	"bpms_instance_change":       "审批实例开始、结束、终止、删除",
	"bpms_task_change":           "审批任务开始，结束，转交",
	"workflow_form_change":       "审批模板状态变更",
	"oa_timeout_plugin_task_msg": "OA限时审批事件变更",

	"check_in":                          "用户签到",
	"attendance_check_record":           "员工打卡事件",
	"attendance_overtime_duration":      "员工加班事件",
	"attendance_approve_status_change":  "请假、加班、出差、外出状态变更事件",
	"attendance_report_column_change":   "考勤报表字段变更事件",
	"attend_group_change":               "考勤组变更",
	"attend_shift_change":               "班次变更",
	"attend_bossCheck_change":           "考勤结果变更",
	"attend_user_daily_summary_refresh": "考勤日统计变更事件",
	"leave_rule_change":                 "假期规则变更事件",
	"leave_quota_update":                "手动修改假期余额",
	"watermark_check_in":                "水印打卡签到",

	"hrm_user_record_change": "人事档案变动",
	"hrm_mdm_user_change":    "人事平台员工异动事件v2",
	"hrm_solution_manage":    "人事解决方案变更事件",

	"todo_task_create":      "待办任务新增",
	"todo_task_update":      "待办任务更新",
	"todo_task_delete":      "待办任务删除",
	"calendar_event_change": "日程变更",
	"blackboard_sent":       "公告发送",

	"chat_add_member":      "群会话添加人员",
	"chat_remove_member":   "群会话删除人员",
	"chat_quit":            "群会话用户主动退群",
	"chat_update_owner":    "群会话更换群主",
	"chat_update_title":    "群会话更换群名称",
	"chat_disband":         "群会话解散群",
	"chat_template_change": "群模板被启用或停用",
	TopicRobot:             "机器人接收消息", // no event, but set up with the robot: 消息接收模式, Stream 模式
	"robot_msg_read":       "机器人消息已读事件",
	"robot_msg_recall":     "机器人消息撤回事件",

	"inner_app_release":       "企业内部应用发布",
	"inner_app_status_change": "企业内部应用状态变更",
	"inner_app_scopes_change": "企业内部应用可使用范围变更",
}

// EventTitle is what DingTalk calls events of a type; "" for a type no document names.
func EventTitle(eventType string) string { return eventTitles[eventType] }
