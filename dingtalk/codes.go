package dingtalk

import (
	"slices"
	"strings"
	"time"
)

// verdict is the meaning of one code.
type verdict struct {
	class     Class
	field     string // of the kind the call is about
	scope     string // of a Halt; scopeThisAPI and scopeThisPermission are completed from the call and the answer
	after     time.Duration
	ambiguous bool // a write may have taken effect
	nature    nature
}

const (
	scopeThisAPI        = ScopeAPI
	scopeThisPermission = ScopePermission
)

// Pauses of a Halt: how long until it is worth finding out whether somebody has acted.
const (
	haltBar        = 5 * time.Minute // 调用频率限制
	haltConfig     = 10 * time.Minute
	haltPermission = 10 * time.Minute
	haltQuota      = time.Hour
)

var (
	vBusy        = verdict{class: Retry, after: 2 * time.Second, ambiguous: true}
	vThrottled   = verdict{class: Retry, after: firstPause, nature: throttleAnswer}
	vToken       = verdict{class: Retry, after: firstPause, nature: tokenFailure}
	vCredentials = verdict{class: Halt, scope: ScopeApp, after: haltConfig}
	vPermission  = verdict{class: Halt, scope: scopeThisPermission, after: haltPermission}
	vNotOffered  = verdict{class: Halt, scope: scopeThisAPI, after: haltPermission}
	vNotListed   = verdict{class: Halt, scope: ScopeIP, after: haltConfig}
	vBarred      = verdict{class: Halt, scope: ScopeIP, after: haltBar, nature: barAnswer}
	vQuota       = verdict{class: Halt, scope: ScopeCounted, after: haltQuota, nature: quotaAnswer}
	vDaily       = verdict{class: Halt, scope: scopeThisAPI, after: haltQuota, nature: quotaAnswer}
	vToAll       = verdict{class: Retry, after: haltQuota} // notices to everyone, of a day
	vMinute      = verdict{class: Retry, after: time.Minute}
	vSetting     = verdict{class: Halt, scope: scopeThisAPI, after: haltConfig} // the robot or the agent that is set, not the message
	vReject      = verdict{class: Reject}
	vMissing     = verdict{class: Missing}
)

func rejects(field string) verdict { return verdict{class: Reject, field: field} }

// oldCodes are the errcodes of the old generation (全局错误码; 调用频率限制; 创建用户, 更新用户信息, 创建部门, 更新部门,
// 删除部门 and the role documents). A code that is not here is Retry.
var oldCodes = map[string]verdict{
	// The server.
	"-1": vBusy, "400001": vBusy, "500": vBusy, "1002": vBusy,

	// Token, credentials, permission, address.
	"40014": vToken, "42001": vToken, "40001": vToken, "33001": vToken,
	"40096": vCredentials, "40089": vCredentials, "40013": vCredentials, "52010": vCredentials,
	"50003": vCredentials, "50005": vCredentials, // app stopped, corp disabled
	"60011": vPermission, "43007": vPermission,
	"60020": vNotListed,
	"50002": vReject, "50004": vReject, // outside the app's contacts scope

	// Rates and quotas.
	"90018": vThrottled, "90002": vThrottled, "90005": vThrottled, "90006": vThrottled, "90019": vThrottled,
	"90007": vThrottled, "90008": vThrottled, "90009": vThrottled, "90010": vThrottled,
	"90011": vThrottled, "90012": vThrottled, "90013": vThrottled, "90014": vThrottled,
	"90001": vBarred, "90017": vBarred,
	"90003": {class: Halt, scope: ScopeApp, after: time.Minute}, "90004": {class: Halt, scope: ScopeApp, after: time.Minute},
	"90020": vQuota,

	// A call that DingTalk does not know, or not for this app.
	"22": vNotOffered, "404": vNotOffered, "43001": vNotOffered, "43002": vNotOffered, "41001": vNotOffered,

	// Malformed requests.
	"400002": vReject, "40035": vReject, "40038": vReject, "40000": vReject, "43009": vReject, "43005": vReject,
	"40033": vReject, "41101": vReject, "40036": vReject, "40068": vReject, "40069": vReject, "400043": vReject,

	// People.
	"60121": vMissing, "33012": vMissing, "40003": rejects("userid"),
	"40103": {class: Pending}, // invitation sent, consent needed
	"60102": rejects("userid"),
	"60104": rejects("mobile"), "60107": rejects("mobile"), "60103": rejects("mobile"), "40104": rejects("mobile"),
	"40019": rejects("mobile"), "40021": rejects("mobile"), "40022": rejects("mobile"), "41054": rejects("mobile"),
	"60113": rejects("mobile"), "22005": rejects("mobile"),
	"60105": rejects("email"), "60106": rejects("email"), "40101": rejects("email"),
	"40100": rejects("telephone"), "40063": rejects("telephone"),
	"60112": rejects("name"), "60119": rejects("title"), "60122": rejects("extension"), "60123": rejects("job_number"),
	"60128": rejects("manager_userid"), "40064": rejects("work_place"), "40065": rejects("remark"),
	"40023": rejects("dept_id_list"), "40066": rejects("dept_id_list"),
	"60022": vReject, // sensitive content
	"12150": vReject, // 智能人事 manages positions
	"40020": {class: Halt, scope: scopeThisAPI, after: haltQuota}, "40024": {class: Halt, scope: scopeThisAPI, after: haltQuota},

	// Departments.
	"60003": vMissing, "60004": {class: Missing, field: "parent_id"}, "60019": vReject,
	"40009": rejects("dept_id"), "60018": rejects("dept_id"), "60007": rejects("dept_id"),
	"60001": rejects("name"), "60009": rejects("name"), "60021": rejects("name"),
	"60002": rejects("parent_id"), "60010": rejects("parent_id"), "40010": rejects("parent_id"),
	"60109": rejects("dept_permits"), "600109": rejects("dept_permits"),
	"40031": rejects("dept_manager_userid_list"), "40093": rejects("org_dept_owner"),
	"40011": vReject, "60110": vReject, "60510": vReject, "60005": vReject, "60006": vReject,

	// Callbacks (注册回调事件, 更新事件接口). Those from 400040 on are known from clients of others.
	"71007": vMissing, "400040": vMissing,
	"71006": vReject, "400041": vReject, "71008": vReject, "71009": vReject, "71010": vReject, "71011": vReject, "71012": vReject, "71013": vReject,
	"400050": vReject, "400051": vReject, "400052": vReject, "400053": vReject, "400054": vReject,

	// Roles.
	"33011": vMissing, "34018": vReject, "34020": vReject, "34021": vReject, "660000": vReject, "23004": vReject,
	"12012": vReject, "46004": vReject, "60301": vReject,

	// Approvals (the old API's; some of them are of templates).
	"15":     vBusy,
	"810002": vReject, "810003": vReject, "820001": vReject, "820010": vReject, "820017": vReject, "40056": vReject,
	"810007": rejects("process_code"), "8100017": rejects("process_code"), "810008": rejects("process_code"),
	"830001": {class: Missing, field: "process_code"},
	"820004": vMissing,
	"820005": vReject, "820006": vReject, "820012": vReject, // the instance has ended: IsFinished
	"820008": vReject, // the reason stands in the text only
	"820011": vBusy,   // two starts at once
	"40083":  vCredentials,

	// Groups. What 49000 to 49023 say one by one the documents do not tell; see refusedByRange.
	"49000": vMissing, "40015": vReject, "40016": vReject, "40017": vReject, "70001": vCredentials,

	// Messages (发送工作通知, 更新工作通知状态栏, 上传媒体文件). 40004 is a type, of a message or of media.
	"34004": vReject, "40008": vReject, "34014": vReject, "34016": vReject, "40007": vReject, "40048": vReject, "41049": vReject,
	"40004": vReject, "40005": vReject, "40006": vReject, "41005": vReject, "43008": vReject,
	"41028": rejects(receiversField), "41029": rejects(receiversField),
	"41044": vPermission,
	"41045": vToAll, "41046": vToAll,
	"41047": vMinute, // receivers of a minute
	"41052": vMinute, // the notice is still being sent, or has too many receivers for its result to be read
}

// fieldByCall corrects the table where a code is about another field, or the object itself, in some calls.
var fieldByCall = map[string]map[string]string{
	pathUserCreate:       {"60003": "dept_id_list", "40009": "dept_id_list", "50004": "dept_id_list", "60121": "manager_userid"},
	pathUserUpdate:       {"60003": "dept_id_list", "40009": "dept_id_list", "50004": "dept_id_list"},
	pathDepartmentCreate: {"60003": "parent_id", "40009": "parent_id", "50004": "parent_id"},
	pathDepartmentUpdate: {"40009": "", "60121": "dept_manager_userid_list", "33012": "dept_manager_userid_list"},
	pathOldStart:         {"820004": "process_code", "60121": "originator_user_id", "33012": "originator_user_id", "60003": "dept_id"},
	pathOldIDs:           {"820004": "process_code"},
	pathConversationSend: {"40015": "cid", "40016": "cid", "40017": "cid"},
}

// verdictByCall corrects the tables where a code means something else in some calls.
var verdictByCall = map[string]map[string]verdict{
	// A system error that may have come after the instance was made: better look for it.
	pathOldStart: {"820008": vBusy},
	// Within 15 s of the start, the template does not allow it, no right to the task: a refusal, in the words of Message.
	pathInstanceTerminate: {"internalError": vReject},
	pathInstanceExecute:   {"internalError": vReject},
	// A template, not the app's permission point.
	pathFormSchema: {"noPermission": rejects("process_code"), "formNotExist": vMissing, "aflowProcessCodeIsError": vMissing},
	// The document names these codes and not their meanings. What the app may not call at all is 60011: they are about the group.
	pathGroupGet: {"43007": vMissing, "40016": vMissing, "70001": vMissing},
	// The robot is not in this group, or the request lacks it: other groups have nothing to do with it.
	pathRobotGroup: {"invalidParameter.robotCode.missing": rejects("openConversationId")},
	// The agent id that is set is not this app's: no notice has anything to do with it.
	pathNoticeSend: {"40056": vSetting}, pathNoticeProgress: {"40056": vSetting}, pathNoticeResult: {"40056": vSetting},
	pathNoticeRecall: {"40056": vSetting}, pathNoticeStatusBar: {"40056": vSetting},
}

// newCodes are the code strings of the new generation; see also newCode.
var newCodes = map[string]verdict{
	"InvalidAuthentication":                 vToken,
	"AuthenticationFailed.MissingParameter": vNotOffered,
	"accesstoken.expired":                   vCredentials, // a user's token
	"invalidClientIdOrSecret":               vCredentials,
	"invalid.client":                        vCredentials,
	"unauthorized.client":                   vCredentials,
	"unsupported.grant.type":                vCredentials,

	"Forbidden.AccessDenied.AccessTokenPermissionDenied": vPermission,
	"Forbidden.AccessDenied.IpNotInWhiteList":            vNotListed,
	"Forbidden.AccessDenied.ApiCountLimitForOrg":         vQuota,
	"InvalidAction.NotFound":                             vNotOffered,

	"qps.exceed.limit": vThrottled, "request.too.fast": vThrottled, "request.overlimit": vThrottled,
	"system.busy": vThrottled, "send.too.fast": vThrottled,
	"daily.call.limit": vDaily,

	// Calendars. invalidParameter and most others are left to the status.
	"permissionDeny": vReject, // the person may not, as an attendee who would change an event
	"itemNotFound":   vMissing, "instanceNotExist": vMissing,
	"idempotencyProcessing": {class: Retry, after: 2 * time.Second, ambiguous: true}, // the first call with the token is under way

	// To-dos; see also todoWords.
	"todo.taskCreate.lockError":        vBusy,
	"todo.taskCreate.flowControlError": {class: Retry, after: time.Minute, nature: throttleAnswer}, // too many for one executor, or the corp

	// Groups. The misspelling is DingTalk's.
	"parameter.invalid": vReject, "permession.checkFailed": vReject,

	// Robots and DING (批量发送人与机器人会话中机器人消息, 机器人发送群聊消息, 发送DING消息). Other refusals are about the message.
	"send.byToken.tooFast": vThrottled, "too.many.group": vThrottled, "too.many.people": vThrottled, "toomuch.msg": vThrottled,
	"invalidParameter.robotCode.empty": vSetting, "invalidParameter.robotCode.notExsit": vSetting, "invalidParameter.robotCode.invalid": vSetting,
	"invalidParameter.robotCode.auth": vSetting, "invalidParameter.robotCode.missing": vSetting, "not.allowed.robotCode": vSetting,
	"robot.not.allowed.robotCode": vSetting, "bot.stopped": vSetting, "bot.forbidden.sendMessage": vSetting, "invalid.chatbotId": vSetting,
	"invalidParameter.robotCode.coolApp": rejects("coolAppCode"),
	"invalidParameter.userIds.empty":     rejects(receiversField), "invalidParameter.userIds.overMax": rejects(receiversField),
	"illegal.receivers": rejects(receiversField), "receivers.exceed": rejects(receiversField), "miss.staffId": rejects(receiversField),
	"ding.receivercount.limit": rejects(receiversField), "ding.serverquota.insufficient": vDaily,
	"miss.openConversationId": rejects("openConversationId"), "invalid.openConversationId": rejects("openConversationId"),
	"group.disbanded":     rejects("openConversationId"),
	"unknown.send.result": vBusy, "send.ding.exception": vBusy,

	"ServiceUnavailable": vBusy, "unknownError": vBusy, "system.error": vBusy, "server.error": vBusy, "systemError": vBusy,

	// Approvals (发起审批实例, 获取单个审批实例详情, 获取审批实例ID列表, 获取表单 schema, 撤销审批实例, 同意或拒绝审批任务, 转交审批任务).
	"internalError": vBusy, "sysErrror": vBusy, "sysError": vBusy,
	"processGetFailed": vBusy, "processGroupGetFailed": vBusy,
	"needAuth":             vPermission,
	"benefitStatusInvalid": vNotOffered, "benefit.status.invalid": vNotOffered, // an edition that is paid for
	"autoflowLikeTriggerRateLimited": vThrottled,
	"processInstanceNotExist":        vMissing, "aflowProcessInstNotExist": vMissing,
	"processInstanceIdError": rejects("process_instance_id"), "invalidInstanceId": rejects("process_instance_id"),
	"processCodeError": rejects("process_code"), "invalidProcessCode": rejects("process_code"), "processcode.error": rejects("process_code"),
	"aflowProcessNotExist": rejects("process_code"), "aflowProcessCodeIsError": rejects("process_code"),
	"formNotExist": rejects("process_code"), "processSetupNoPermission": rejects("process_code"),
	"userNotExist":                    {class: Missing, field: "originator_user_id"},
	"aflowProcessInstStatusException": vReject, "instance.status.error": vReject, // it has ended: IsFinished

	// Attendance (通知审批通过).
	"illegalCalculateType": rejects("calculate_model"), "illegalApproveType": rejects("biz_type"),
	"illegalDurationUnit": rejects("duration_unit"), "illegalOvertimeDurationUnit": rejects("duration_unit"),
	"illegalDateTypeForHalfDay": rejects("from_time"), "dateTooEarly": rejects("from_time"),
	"beginDateCannotAfterEndDate": rejects("to_time"), "durationTooLong": rejects("to_time"),
	"overtimeDurationTooLong": rejects("overtime_duration"),
}

// newCode judges a v1.0 answer: by its code, never by the status alone, because 403 stands for permission, address list and
// throttling alike (调用频率限制); the status decides only for codes that no document names.
func newCode(code, path string, status int, now time.Time) verdict {
	if v, ok := verdictByCall[path][code]; ok {
		return v
	}
	if v, ok := newCodes[code]; ok {
		return v
	}
	lower := strings.ToLower(code)
	switch {
	case code == "flowLimit": // 100 events a day for one person (创建日程); whose day that is no document says
		return verdict{class: Retry, after: dayEnds(now).Sub(now), nature: throttleAnswer}
	case strings.HasPrefix(code, "Forbidden.AccessDenied.Qps"):
		return vThrottled
	case strings.HasPrefix(code, "Forbidden.AccessDenied.Qpm"): // until the next minute begins
		v := vThrottled
		v.after = max(now.Truncate(time.Minute).Add(time.Minute).Sub(now), firstPause)
		return v
	case strings.HasPrefix(lower, "daily."):
		return vDaily
	case status == 401:
		return vToken
	case status == 403:
		return vPermission
	case status == 429 || status == 408:
		return vThrottled
	case status >= 500:
		return vBusy
	case status == 404 && code == "":
		return vNotOffered
	case status >= 400:
		return vReject // Missing<param>, Invalid<param>, invalidParameter…, param.error
	}
	return verdict{class: Retry, after: firstPause, ambiguous: true}
}

// dayEnds is when the day of DingTalk's clocks turns, and a little later.
func dayEnds(now time.Time) time.Time {
	y, m, d := now.In(standardZone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, standardZone).Add(turnMargin)
}

// todoWords tell apart what the one code paramError of the calls about to-dos stands for.
var todoWords = []struct {
	words string
	verdict
}{
	{"task not exist", vMissing},
	{"task exist", rejects("sourceId")},
	{"subject", rejects("subject")},
	{"description", rejects("description")},
	{"executors", rejects("executorIds")},
	{"participants", rejects("participantIds")},
	{"dueTime", rejects("dueTime")},
	{"detailUrl", rejects("detailUrl")},
}

// fromWords judges a code whose meaning is in its message.
func fromWords(code, message string) (verdict, bool) {
	if strings.HasPrefix(code, "todo.") && strings.HasSuffix(code, ".paramError") {
		for _, w := range todoWords {
			if strings.Contains(message, w.words) {
				return w.verdict, true
			}
		}
	}
	return verdict{}, false
}

// oldCode judges an errcode.
func oldCode(code, path string) verdict {
	if v, ok := verdictByCall[path][code]; ok {
		return v
	}
	v, ok := oldCodes[code]
	if !ok && refusedByRange(code, path) {
		return vReject
	}
	if !ok {
		return verdict{class: Retry, after: 5 * time.Second, ambiguous: true}
	}
	if field, ok := fieldByCall[path][code]; ok {
		v.field = field
	}
	return v
}

// refusedByRange tells whether a code lies among those that the documents of groups and of ordinary messages name by their ends only:
// 49000 to 49023 and, of messages, 34001 to 34016.
func refusedByRange(code, path string) bool {
	old := path == pathConversationSend
	return len(code) == 5 && (strings.HasPrefix(code, "490") && (old || strings.HasPrefix(path, "/chat/")) || strings.HasPrefix(code, "340") && old)
}

// apply writes the verdict into the failure. scopes are the permission points named by the answer.
func (v verdict) apply(e *Error, r request, scopes []string) {
	if v.nature == tokenFailure && r.noToken { // the app's own credentials were refused
		v = vCredentials
	}
	e.Class, e.Field, e.Scope, e.After, e.nature = v.class, v.field, v.scope, v.after, v.nature
	e.Ambiguous = v.ambiguous && !r.read
	switch v.scope {
	case scopeThisAPI:
		e.Scope = ScopeAPI + r.path
	case scopeThisPermission:
		e.RequiredScopes = scopes
		e.Scope = ScopeAPI + r.path
		if len(scopes) > 0 {
			e.Scope = ScopePermission + slices.Min(scopes)
		}
	}
}
