package dingtalktest

import "net/http"

// Permission points (权限点) of the contacts and of attendance.
const (
	readMember       = "qyapi_get_member"
	readMembers      = "qyapi_get_department_member"
	readDepartments  = "qyapi_get_department_list"
	readByMobile     = "qyapi_get_member_by_mobile"
	writeContacts    = "qyapi_manage_addresslist"
	readContactsBase = "Contact.Common.Read"
	readOwnProfile   = "Contact.User.Read"
	baseAccess       = "qyapi_base"
	readAttendance   = "qyapi_get_attendance_data"
)

// Permission points of approvals.
const (
	readForms      = "Workflow.Form.Read"
	readInstances  = "Workflow.Instance.Read"
	writeInstances = "Workflow.Instance.Write"
	oldApprovals   = "qyapi_aflow" // of the old API; no new app is granted it any more
)

// The paths that start an instance.
const (
	instancePath    = "/v1.0/workflow/processInstances"
	oldInstanceMake = "/topapi/processinstance/create"
)

// Permission points of to-dos, calendars and groups.
const (
	readTodos    = "Todo.Todo.Read"
	writeTodos   = "Todo.Todo.Write"
	readEvents   = "Calendar.Event.Read"
	writeEvents  = "Calendar.Event.Write"
	readGroups   = "qyapi_chat_read"
	manageGroups = "qyapi_chat_manage"
)

// The paths of to-dos begin so; the others make a group.
const (
	todoPaths      = "/v1.0/todo/users/"
	groupCreate    = "/v1.0/im/group/create"
	oldGroupCreate = "/chat/create"
)

// The paths that send messages.
const (
	noticeSend   = "/topapi/message/corpconversation/asyncsend_v2"
	robotPersons = "/v1.0/robot/oToMessages/batchSend"
	robotGroup   = "/v1.0/robot/groupMessages/send"
	dingSend     = "/v1.0/robot/ding/send"
	webhookSend  = "/robot/send"
)

// Permission points of messages.
const (
	robotAccess = "qyapi_robot_sendmsg"
	dingAccess  = "Premium.Ding.Write"
)

// robot is a method of the new host's enterprise robot.
func robot(method, path, permission string, write bool, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{path: path, method: method, style: v1, permission: permission, write: write, run: run}
}

// notice is a method of the old host's work notices.
func notice(path string, write bool, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{
		path: "/topapi/message/corpconversation/" + path, method: http.MethodPost, style: topapi, permission: baseAccess, write: write, run: run,
	}
}

// contacts is a free method of the old host's contacts.
func contacts(path, permission string, write bool, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{
		path: "/topapi/" + path, method: http.MethodPost, style: topapi, permission: permission, contacts: true,
		write: write, run: run,
	}
}

// workflow is a method of the new host's approvals.
func workflow(method, path, permission string, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{
		path: "/v1.0/workflow/" + path, method: method, style: v1, permission: permission, write: permission == writeInstances, run: run,
	}
}

// todo is a method of the new host's to-dos.
func todo(method, path, permission string, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{
		path: todoPaths + "{unionId}/" + path, method: method, style: v1, permission: permission, write: permission == writeTodos, run: run,
	}
}

// event is a method of a person's primary calendar.
func event(method, path, permission string, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{
		path: "/v1.0/calendar/users/{userId}/calendars/primary/" + path, method: method, style: v1, permission: permission,
		write: permission == writeEvents, run: run,
	}
}

// chat is a method of the new host's groups.
func chat(path string, write bool, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{path: "/v1.0/im/" + path, method: http.MethodPost, style: v1, permission: manageGroups, write: write, run: run}
}

// oldWorkflow is a method of the old host's approvals.
func oldWorkflow(path string, write bool, run func(*Server, *call) (any, *Refusal)) *endpoint {
	return &endpoint{path: "/topapi/" + path, method: http.MethodPost, style: topapi, permission: oldApprovals, write: write, run: run}
}

var endpoints = []*endpoint{
	{path: "/v1.0/oauth2/accessToken", method: http.MethodPost, style: v1, open: true, free: true, secret: true, run: (*Server).accessToken},
	{path: "/v1.0/oauth2/{corpId}/token", method: http.MethodPost, style: v1, open: true, free: true, secret: true, run: (*Server).corpToken},
	{path: "/gettoken", method: http.MethodGet, style: legacy, open: true, free: true, secret: true, run: (*Server).oldToken},
	{path: "/auth/scopes", method: http.MethodGet, style: legacy, free: true, run: (*Server).authScopes},

	contacts("v2/user/create", writeContacts, true, (*Server).createUser),
	contacts("v2/user/update", writeContacts, true, (*Server).updateUser),
	contacts("v2/user/delete", writeContacts, true, (*Server).deleteUser),
	contacts("v2/user/get", readMember, false, (*Server).getUser),
	contacts("v2/user/list", readMembers, false, (*Server).listUsers),
	contacts("user/listsimple", readMembers, false, (*Server).listUsersSimple),
	contacts("user/listid", readMembers, false, (*Server).listUserIDs),
	contacts("v2/user/getbymobile", readByMobile, false, (*Server).getByMobile),
	contacts("user/getbyunionid", readMember, false, (*Server).getByUnionID),
	contacts("user/count", readMember, false, (*Server).countUsers),
	contacts("user/listadmin", readMember, false, (*Server).listAdmins),
	contacts("inactive/user/v2/get", readMember, false, (*Server).listInactive),

	contacts("v2/department/create", writeContacts, true, (*Server).createDepartment),
	contacts("v2/department/update", writeContacts, true, (*Server).updateDepartment),
	contacts("v2/department/delete", writeContacts, true, (*Server).deleteDepartment),
	contacts("v2/department/get", readDepartments, false, (*Server).getDepartment),
	contacts("v2/department/listsub", readDepartments, false, (*Server).listSub),
	contacts("v2/department/listsubid", readDepartments, false, (*Server).listSubIDs),
	contacts("v2/department/listparentbydept", readDepartments, false, (*Server).listParents),
	contacts("v2/department/listparentbyuser", readDepartments, false, (*Server).listParentsOfUser),

	{path: "/role/add_role", method: http.MethodPost, style: legacy, permission: writeContacts, contacts: true, write: true, run: (*Server).addRole},
	{path: "/role/update_role", method: http.MethodPost, style: legacy, permission: writeContacts, contacts: true, write: true, run: (*Server).updateRole},
	{path: "/role/add_role_group", method: http.MethodPost, style: legacy, permission: writeContacts, contacts: true, write: true, run: (*Server).addRoleGroup},
	contacts("role/deleterole", writeContacts, true, (*Server).deleteRole),
	contacts("role/list", readMember, false, (*Server).listRoles),
	contacts("role/getrole", readMember, false, (*Server).getRole),
	contacts("role/getrolegroup", readMember, false, (*Server).getRoleGroup),
	contacts("role/addrolesforemps", writeContacts, true, changeRoles(true, 20)),
	contacts("role/removerolesforemps", writeContacts, true, changeRoles(false, 100)),
	contacts("role/simplelist", readMember, false, (*Server).roleMembers),
	contacts("role/scope/update", writeContacts, true, (*Server).roleScope),

	{path: "/v1.0/contact/users/search", method: http.MethodPost, style: v1, permission: readContactsBase, contacts: true, run: (*Server).searchUsers},
	{path: "/v1.0/contact/departments/search", method: http.MethodPost, style: v1, permission: readContactsBase, contacts: true, run: (*Server).searchDepartments},
	{path: "/v1.0/contact/empLeaveRecords", method: http.MethodGet, style: v1, permission: readContactsBase, contacts: true, run: (*Server).leaveRecords},
	{path: "/v1.0/contact/orgAccounts/enable", method: http.MethodPost, style: v1, permission: writeContacts, contacts: true, write: true, run: setAccount(false)},
	{path: "/v1.0/contact/orgAccounts/disable", method: http.MethodPost, style: v1, permission: writeContacts, contacts: true, write: true, run: setAccount(true)},

	notice("asyncsend_v2", true, (*Server).sendNotice),
	notice("getsendprogress", false, (*Server).noticeProgress),
	notice("getsendresult", false, (*Server).noticeResult),
	notice("recall", true, (*Server).recallNotice),
	notice("status_bar/update", true, (*Server).noticeStatusBar),
	{path: "/media/upload", method: http.MethodPost, style: legacy, permission: baseAccess, write: true, secret: true, upload: true, run: (*Server).uploadMedia},
	{path: "/message/send_to_conversation", method: http.MethodPost, style: legacy, permission: baseAccess, write: true, run: (*Server).sendToConversation},

	robot(http.MethodPost, robotPersons, robotAccess, true, (*Server).robotToPersons),
	robot(http.MethodGet, "/v1.0/robot/oToMessages/readStatus", robotAccess, false, (*Server).robotReadStatus),
	robot(http.MethodPost, "/v1.0/robot/otoMessages/batchRecall", robotAccess, true, (*Server).robotRecallPersons),
	robot(http.MethodPost, robotGroup, robotAccess, true, (*Server).robotToGroup),
	robot(http.MethodPost, "/v1.0/robot/groupMessages/query", robotAccess, false, (*Server).robotGroupRead),
	robot(http.MethodPost, "/v1.0/robot/groupMessages/recall", robotAccess, true, (*Server).robotRecallGroup),
	robot(http.MethodPost, "/v1.0/robot/messageFiles/download", robotAccess, false, (*Server).robotFileURL),
	robot(http.MethodPost, dingSend, dingAccess, true, (*Server).sendDing),
	robot(http.MethodPost, "/v1.0/robot/ding/recall", dingAccess, true, (*Server).recallDing),
	{path: webhookSend, method: http.MethodPost, style: legacy, open: true, free: true, write: true, run: (*Server).sendByWebhook},
	{path: "/robot/sendBySession", method: http.MethodPost, style: legacy, open: true, free: true, write: true, run: (*Server).sendBySession},

	workflow(http.MethodGet, "forms/schemas/processCodes", readForms, (*Server).formSchema),
	workflow(http.MethodGet, "processes/userVisibilities/templates", readForms, (*Server).visibleTemplates),
	workflow(http.MethodGet, "processes/managements/templates", readForms, (*Server).managedTemplates),
	workflow(http.MethodGet, "processCentres/schemaNames/processCodes", readForms, (*Server).codeByName),
	workflow(http.MethodPost, "processes/forecast", readInstances, (*Server).forecast),
	workflow(http.MethodPost, "processInstances", writeInstances, (*Server).startInstance),
	workflow(http.MethodGet, "processInstances", readInstances, (*Server).instanceDetails),
	workflow(http.MethodPost, "processes/instanceIds/query", readInstances, (*Server).instanceIDs),
	workflow(http.MethodPost, "processInstances/terminate", writeInstances, (*Server).terminateInstance),
	workflow(http.MethodPost, "processInstances/execute", writeInstances, (*Server).executeTask),
	workflow(http.MethodPost, "processInstances/comments", writeInstances, (*Server).commentInstance),
	workflow(http.MethodPost, "tasks/redirect", writeInstances, (*Server).redirectTask),
	workflow(http.MethodGet, "processes/todoTasks/numbers", readInstances, (*Server).todoNumbers),
	workflow(http.MethodPost, "processInstances/spaces/infos/query", readInstances, (*Server).fileSpace),
	workflow(http.MethodPost, "processInstances/spaces/files/urls/download", readInstances, (*Server).fileURL),

	oldWorkflow("process/listbyuserid", false, (*Server).oldVisibleTemplates),
	oldWorkflow("process/template/manage/get", false, (*Server).oldManagedTemplates),
	oldWorkflow("process/get_by_name", false, (*Server).oldCodeByName),
	oldWorkflow("processinstance/create", true, (*Server).oldStart),
	oldWorkflow("processinstance/get", false, (*Server).oldDetails),
	oldWorkflow("processinstance/listids", false, (*Server).oldInstanceIDs),
	oldWorkflow("process/instance/terminate", true, (*Server).oldTerminate),
	oldWorkflow("process/instance/execute", true, (*Server).oldExecute),
	oldWorkflow("process/instance/comment/add", true, (*Server).oldComment),
	oldWorkflow("process/gettodonum", false, (*Server).oldTodoNumber),
	oldWorkflow("processinstance/cspace/info", false, (*Server).oldFileSpace),
	oldWorkflow("processinstance/file/url/get", false, (*Server).oldFileURL),

	{path: "/v1.0/attendance/approvals/finish", method: http.MethodPost, style: v1, permission: baseAccess, write: true, run: (*Server).finishApproval},
	{path: "/topapi/attendance/approve/finish", method: http.MethodPost, style: topapi, permission: baseAccess, write: true, run: (*Server).oldFinishApproval},
	{path: "/topapi/attendance/approve/cancel", method: http.MethodPost, style: topapi, permission: baseAccess, write: true, run: (*Server).cancelApproval},
	{path: "/topapi/attendance/getleavestatus", method: http.MethodPost, style: topapi, permission: readAttendance, run: (*Server).leaveStatus},

	todo(http.MethodPost, "tasks", writeTodos, (*Server).createTodo),
	todo(http.MethodPut, "tasks/{taskId}", writeTodos, (*Server).updateTodo),
	todo(http.MethodPut, "tasks/{taskId}/executorStatus", writeTodos, (*Server).executorStatus),
	todo(http.MethodDelete, "tasks/{taskId}", writeTodos, (*Server).deleteTodo),
	todo(http.MethodPost, "org/tasks/query", readTodos, (*Server).queryTodos),

	event(http.MethodPost, "events", writeEvents, once((*Server).createEvent)),
	event(http.MethodGet, "events", readEvents, (*Server).listEvents),
	event(http.MethodGet, "eventsview", readEvents, (*Server).viewEvents),
	event(http.MethodGet, "events/{eventId}", readEvents, (*Server).getEvent),
	event(http.MethodPut, "events/{eventId}", writeEvents, once((*Server).modifyEvent)),
	event(http.MethodDelete, "events/{eventId}", writeEvents, once((*Server).deleteEvent)),
	event(http.MethodGet, "events/{eventId}/attendees", readEvents, (*Server).listAttendees),
	event(http.MethodPost, "events/{eventId}/attendees", writeEvents, once((*Server).addAttendees)),
	event(http.MethodPost, "events/{eventId}/attendees/batchRemove", writeEvents, once((*Server).removeAttendees)),
	event(http.MethodPost, "events/{eventId}/respond", writeEvents, (*Server).respondEvent),

	chat("group/create", true, (*Server).createGroup),
	chat("group/update", true, (*Server).updateGroup),
	chat("subAdministrators", true, (*Server).groupAdmins),
	chat("chat/{chatId}/convertToOpenConversationId", false, (*Server).openConversation),
	chat("sceneGroup/create", true, (*Server).createScene),
	chat("sceneGroup/update", true, (*Server).updateScene),
	chat("chat/scenegroup/disband", true, (*Server).disbandScene),
	chat("sceneGroup/member/add", true, (*Server).addSceneMembers),
	chat("sceneGroup/member/delete", true, (*Server).removeSceneMembers),
	chat("sceneGroups/members/batchQuery", false, (*Server).listSceneMembers),
	{path: oldGroupCreate, method: http.MethodPost, style: legacy, permission: manageGroups, write: true, run: (*Server).createGroup},
	{path: "/chat/update", method: http.MethodPost, style: legacy, permission: manageGroups, write: true, run: (*Server).updateGroup},
	{path: "/chat/get", method: http.MethodGet, style: legacy, permission: readGroups, run: (*Server).getGroup},

	{path: "/call_back/get_call_back_failed_result", method: http.MethodGet, style: legacy, run: (*Server).failedResult},
	{path: "/call_back/register_call_back", method: http.MethodPost, style: legacy, write: true, secret: true, run: (*Server).registerCallback},
	{path: "/call_back/update_call_back", method: http.MethodPost, style: legacy, write: true, secret: true, run: (*Server).updateCallback},
	{path: "/call_back/get_call_back", method: http.MethodGet, style: legacy, run: (*Server).getCallback},
	{path: "/call_back/delete_call_back", method: http.MethodGet, style: legacy, write: true, run: (*Server).deleteCallback},
	{path: "/v1.0/gateway/connections/open", method: http.MethodPost, style: v1, open: true, free: true, secret: true, run: (*Server).openStream},

	{path: "/oauth2/auth", method: http.MethodGet, style: page, open: true, free: true, run: (*Server).authPage},
	{path: "/v1.0/oauth2/userAccessToken", method: http.MethodPost, style: v1, open: true, free: true, secret: true, run: (*Server).userAccessToken},
	{path: "/v1.0/contact/users/me", method: http.MethodGet, style: v1, open: true, free: true, run: (*Server).profile},
	{path: "/topapi/v2/user/getuserinfo", method: http.MethodPost, style: topapi, permission: baseAccess, free: true, secret: true, run: (*Server).userInfo},
}

// routes builds the table of all hosts.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	byPath := map[string][]*endpoint{}
	for _, ep := range endpoints {
		byPath[ep.path] = append(byPath[ep.path], ep)
	}
	for path, methods := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.serve(byMethod(methods, r.Method), w, r) })
	}
	mux.HandleFunc(filePath, s.serveFile)
	mux.HandleFunc("/connect", s.connect)
	mux.HandleFunc("/", unknown)
	return mux
}

// byMethod picks the endpoint of a path that a request means; one with a wrong method is refused by whichever is first.
func byMethod(endpoints []*endpoint, method string) *endpoint {
	for _, ep := range endpoints {
		if ep.method == method {
			return ep
		}
	}
	return endpoints[0]
}
