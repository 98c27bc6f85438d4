package dingtalk

// TodoKind is the field table of a work to-do (工作待办), as apps make them. People in it are named by unionid. It cannot be read by its
// id; the list of a person shows it, if an app made it and gave it a detailUrl. Sources: 创建钉钉待办任务, 更新钉钉待办任务,
// 查询企业下用户待办列表.
var TodoKind = Kind{
	Name: "todo", IDField: "taskId", Key: "sourceId",
	Create: true, Update: true, Delete: true, List: ListOwn, Done: "done",
	Events: []string{"todo_task_create", "todo_task_update", "todo_task_delete"},
	Fields: []Field{
		{Name: "taskId", Type: ID, List: true, Unique: true},
		// Once for ever: a to-do that is done keeps it, another one needs another.
		{Name: "sourceId", Type: Text, Create: true, List: true, Unique: true},
		{Name: "subject", Type: Text, Create: true, Update: true, List: true, Required: true, MaxLen: 1024},
		// DingTalk takes it, but does not show it on work to-dos.
		{Name: "description", Type: Text, Create: true, Update: true, MaxLen: 4096},
		{Name: "dueTime", Type: InstantMS, Create: true, Update: true, List: true},
		{Name: "creatorId", Type: ID, Create: true, List: true, Required: true, Ref: "user", RefBy: "unionid"},
		// At most 100 are advised at creation.
		{Name: "executorIds", Type: IDList, Create: true, Update: true, MaxLen: maxTodoPeople, Ref: "user", RefBy: "unionid"},
		{Name: "participantIds", Type: IDList, Create: true, Update: true, MaxLen: maxTodoPeople, Ref: "user", RefBy: "unionid"},
		// {appUrl, pcUrl}. The document calls it optional; since 2024-02-01 nothing else is a work to-do, and the list shows no other.
		{Name: "detailUrl", Type: JSON, Create: true, List: true, Required: true},
		// Of everybody; one executor's share is set by TodoService.SetDone. In the list it may be that of the person asked about.
		{Name: "done", Type: Boolean, Update: true, List: true, ReadAs: "isDone"},
		{Name: "contentFieldList", Type: JSON, Create: true, Update: true}, // a list of {fieldKey, fieldValue}
		{Name: "isOnlyShowExecutor", Type: Boolean, Create: true},
		{Name: "priority", Type: Integer, Create: true, List: true}, // 10, 20, 30, 40
		{Name: "notifyConfigs", Type: JSON, Create: true},
		{Name: "actionList", Type: JSON, Create: true},
		{Name: "todoType", Type: Text, Create: true, List: true}, // TODO, READ
		{Name: "reminderTimeStamp", Type: InstantMS, Create: true},
		{Name: "remindNotifyConfigs", Type: JSON, Create: true},
		{Name: "bizCategoryId", Type: Text, Create: true},
		{Name: "thirdExtension", Type: JSON, Create: true},

		// Only read.
		{Name: "createdTime", Type: InstantMS, List: true},
		{Name: "modifiedTime", Type: InstantMS, List: true},
		{Name: "bizTag", Type: Text, List: true},
	},
}
