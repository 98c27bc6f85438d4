package dingtalk

// GroupKind is the field table of an internal group (企业内部群) made by an app. There is no list, and none can be deleted.
// Sources: 创建群会话, 更新群会话, 查询群信息.
var GroupKind = Kind{
	Name: "group", IDField: "chatid",
	Create: true, Read: true, Update: true,
	Events: []string{"chat_add_member", "chat_remove_member", "chat_quit", "chat_update_owner", "chat_update_title", "chat_disband"},
	Fields: []Field{
		{Name: "chatid", Type: ID, Get: true, Unique: true},
		{Name: "openConversationId", Type: ID, Get: true, Unique: true},
		// No group is without these three: an answer that lacks one does not tell it.
		{Name: "name", Type: Text, Create: true, Update: true, Get: true, Required: true, MaxLen: 20, Absent: Unknown},
		{Name: "owner", Type: ID, Create: true, Update: true, Get: true, Required: true, Absent: Unknown, Ref: "user"},
		// The owner is one of them. An update makes the calls that add and remove.
		{Name: "useridlist", Type: IDList, Create: true, Update: true, Get: true, Required: true, MaxLen: maxGroupMembers, Absent: Unknown, Ref: "user"},
		{Name: "icon", Type: Text, Create: true, Update: true, Get: true},                   // a media id
		{Name: "conversationTag", Type: Integer, Create: true, Get: true},                   // 2 internal (default), 0 ordinary, which needs a permission
		{Name: "mentionAllAuthority", Type: Integer, Create: true, Update: true, Get: true}, // @all: 0 everybody, 1 the owner only
		{Name: "showHistoryType", Type: Integer, Create: true, Update: true, Get: true},     // who joins sees 100 old messages: 1
		{Name: "validationType", Type: Integer, Create: true, Update: true, Get: true},      // joining must be approved: 1
		{Name: "searchable", Type: Integer, Create: true, Update: true, Get: true},          // found by searching: 1
		{Name: "chatBannedType", Type: Integer, Create: true, Update: true, Get: true},      // nobody may write: 1
		{Name: "managementType", Type: Integer, Create: true, Update: true, Get: true},      // managed by: 0 everybody, 1 the owner only

		// Only read.
		{Name: "status", Type: Integer, Get: true}, // 1 alive, 2 disbanded
	},
}
