package dingtalk

import (
	"slices"
	"strings"
)

// FieldType is the type of a field's value in an Object.
type FieldType string

// The field types. What an Object holds for each of them is said at Object.
const (
	Text      FieldType = "text"       // string
	Integer   FieldType = "integer"    // int64
	Boolean   FieldType = "boolean"    // bool
	InstantMS FieldType = "instant_ms" // int64, Unix milliseconds
	ID        FieldType = "id"         // string, also where the wire carries a number
	IDList    FieldType = "id_list"    // []any of strings; a comma-joined string in requests
	JSON      FieldType = "json"       // map[string]any or []any
)

// ClearMode says how a field is emptied on an object that exists.
type ClearMode int

const (
	// ClearNever: no documented or observed way; the field keeps its value.
	ClearNever ClearMode = iota
	// ClearEmptyString: "" is sent. Not documented by 更新用户信息; known from practice for title, remark and work_place,
	// so a write of this mode is worth reading back.
	ClearEmptyString
	// ClearForce: the field's name is sent in force_update_fields (更新用户信息: manager_userid).
	ClearForce
	// ClearForceEmpty: as ClearForce, together with an empty value (更新部门: dept_manager_userid_list).
	ClearForceEmpty
	// ClearEmptyList: a list with nothing in it is sent.
	ClearEmptyList
)

// AbsentMeaning says what it means that a read answer lacks a field which that read can carry.
type AbsentMeaning int

const (
	// Empty: DingTalk leaves the field out when it has no value.
	Empty AbsentMeaning = iota
	// Unknown: the field may also be left out for want of a permission (Field.Permission) or of documentation.
	Unknown
)

// ListTrait says how a kind's objects can be listed.
type ListTrait int

// The ways of listing a kind.
const (
	ListNone   ListTrait = iota // no list
	ListWhole                   // everything there is
	ListWindow                  // what falls into a span of time
	ListOwn                     // of one person at a time, only what apps made
	ListDelta                   // of one person at a time, whole or what changed since the last time
)

// Field is one row of a kind's field table.
type Field struct {
	Name string // the wire name
	Type FieldType
	// Create, Update: the call accepts the field. Get: the detail answer carries it. List: the list answer carries it
	// whenever the detail answer would; a field without List may still come, but its absence from a list proves nothing.
	Create, Update, Get, List bool
	Required                  bool          // create fails without it
	MaxLen                    int           // text, json: characters; id_list: number of ids; 0: no published limit
	Unique                    bool          // no two objects of the corp may carry the same value
	Clear                     ClearMode     // how an update empties it
	Absent                    AbsentMeaning // what absence from `get` means
	Permission                string        // the permission whose lack also makes it absent
	Ref                       string        // the kind an id or the ids of a list name
	RefBy                     string        // the field of that kind which is named, where it is not its IDField
	Numeric                   bool          // ids: integers on the wire
	ReadAs                    string        // the wire name in answers, where it differs from Name
	Markdown                  bool          // it is shown as markdown
}

// CreateOnly reports whether the field can be given at creation and never changed afterwards, as a user's mobile.
func (f Field) CreateOnly() bool { return f.Create && !f.Update }

// ReadName is the field's name in answers of DingTalk. Objects returned by this package always use Name.
func (f Field) ReadName() string {
	if f.ReadAs != "" {
		return f.ReadAs
	}
	return f.Name
}

// Kind describes one kind of DingTalk object: what can be done with it, which events tell of it, which fields it has.
type Kind struct {
	Name                         string
	IDField                      string // the field of Fields that identifies an object
	Key                          string // what makes a repeated creation known: a field of Fields, or ClientToken; empty: nothing does
	Create, Read, Update, Delete bool
	List                         ListTrait
	Events                       []string // event types that can mean a change of such an object
	Open                         string   // names that begin so are fields beside Fields: the components of an approval's template
	Ends                         bool     // its objects end with an outcome
	Message                      bool     // it is told to people; what was sent cannot be read again
	Addressed                    bool     // of a message: it names its receivers
	Results                      bool     // of a message: DingTalk tells who got it
	Done                         string   // the field of Fields that says that an object is done; empty: there is none
	Payload                      bool     // its objects are what was pushed, and can be asked for nowhere
	Fields                       []Field
}

// ClientToken, as a Kind's Key, is the header x-client-token: what comes with the same one within a day is the same call.
const ClientToken = "x-client-token"

// Field returns the row of the named field. A component of a form, whose row only its template knows, is given and read as it is.
func (k Kind) Field(name string) (Field, bool) {
	if k.Open != "" && strings.HasPrefix(name, k.Open) {
		return Field{Name: name, Type: Text, Create: true, Get: true, Absent: Unknown}, true
	}
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return k.Fields[i], true
}

// Kinds returns all kinds, in a stable order.
func Kinds() []Kind {
	return []Kind{
		DepartmentKind, UserKind, RoleKind, ApprovalKind, ApprovalTemplateKind, AttendanceApprovalKind,
		TodoKind, CalendarEventKind, GroupKind, RobotInboxKind,
		WorkNoticeKind, PersonMessageKind, GroupMessageKind, RobotMessageKind, DingKind, ConversationMessageKind,
	}
}

// KindByName returns the kind of that name ("user", "department", "role").
func KindByName(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// The permissions that fields of a user depend on, as the developer console names them.
const (
	permMobile   = "企业员工手机号信息"
	permPersonal = "邮箱等个人信息"
)

// UserKind is the field table of a member of the corp.
// Sources: 创建用户, 更新用户信息, 查询用户详情, 获取部门用户详情; for enterprise accounts (企业账号) 创建SSO企业账号,
// 创建钉钉自建企业账号, 查询企业账号用户详情.
var UserKind = Kind{
	Name: "user", IDField: "userid", Key: "userid",
	Create: true, Read: true, Update: true, Delete: true, List: ListWhole,
	Events: []string{
		"user_add_org", "user_modify_org", "user_leave_org", "user_active_org",
		"org_admin_add", "org_admin_remove", "label_user_change",
	},
	Fields: []Field{
		// 1-64 characters, unchangeable, made up by DingTalk if not given.
		{Name: "userid", Type: ID, Create: true, Get: true, List: true, MaxLen: 64, Unique: true},
		{Name: "unionid", Type: ID, Get: true, List: true, Unique: true},
		{Name: "name", Type: Text, Create: true, Update: true, Get: true, List: true, Required: true, MaxLen: 80},
		// Required for ordinary accounts. 更新用户信息 does not take it: a changed number is a matter for a person.
		{Name: "mobile", Type: Text, Create: true, Get: true, List: true, Required: true, Unique: true, Absent: Unknown, Permission: permMobile},
		{Name: "state_code", Type: Text, Get: true, List: true, Absent: Unknown, Permission: permMobile},
		{Name: "hide_mobile", Type: Boolean, Create: true, Update: true, Get: true, List: true},
		{Name: "telephone", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 50, Unique: true},
		{Name: "job_number", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 50},
		{Name: "title", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 200, Clear: ClearEmptyString},
		{Name: "email", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 50, Unique: true, Absent: Unknown, Permission: permPersonal},
		// Takes effect only with the enterprise mailbox service. Clearable by force_update_fields for enterprise accounts only.
		{Name: "org_email", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 100},
		{Name: "org_email_type", Type: Text, Create: true, Get: true, Absent: Unknown},
		{Name: "work_place", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 100, Clear: ClearEmptyString, Absent: Unknown, Permission: permPersonal},
		{Name: "remark", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 2000, Clear: ClearEmptyString, Absent: Unknown, Permission: permPersonal},
		// An update replaces the whole list.
		{Name: "dept_id_list", Type: IDList, Create: true, Update: true, Get: true, List: true, Required: true, MaxLen: 100, Ref: "department", Numeric: true},
		{Name: "dept_order_list", Type: JSON, Create: true, Update: true, Get: true},
		{Name: "dept_title_list", Type: JSON, Create: true, Update: true},
		{Name: "dept_position_list", Type: JSON, Create: true, Update: true, Get: true},
		// Keys are names of fields that exist in the console. Updates are sent with ext_attrs_update_mode=1 (append).
		{Name: "extension", Type: JSON, Create: true, Update: true, Get: true, List: true, MaxLen: 2000, Absent: Unknown, Permission: permPersonal},
		{Name: "extension_i18n", Type: JSON, Create: true, Update: true},
		{Name: "senior_mode", Type: Boolean, Create: true, Update: true, Get: true, ReadAs: "senior"},
		{Name: "hired_date", Type: InstantMS, Create: true, Update: true, Get: true, List: true},
		{Name: "manager_userid", Type: ID, Create: true, Update: true, Get: true, Clear: ClearForce, Ref: "user"},
		{Name: "login_email", Type: Text, Create: true, MaxLen: 64},
		{Name: "language", Type: Text, Update: true},

		// Only read.
		{Name: "avatar", Type: Text, Get: true, List: true},
		{Name: "leader_in_dept", Type: JSON, Get: true},
		{Name: "role_list", Type: JSON, Get: true},
		{Name: "active", Type: Boolean, Get: true, List: true},
		{Name: "real_authed", Type: Boolean, Get: true},
		{Name: "admin", Type: Boolean, Get: true, List: true},
		{Name: "boss", Type: Boolean, Get: true, List: true},
		{Name: "union_emp_ext", Type: JSON, Get: true},
		// Only in the list: of the department that was listed.
		{Name: "dept_order", Type: Integer, List: true},
		{Name: "leader", Type: Boolean, List: true},

		// Enterprise accounts.
		{Name: "exclusive_account", Type: Boolean, Create: true, Get: true, List: true},
		{Name: "exclusive_account_type", Type: Text, Create: true, Get: true},
		{Name: "login_id", Type: Text, Create: true, Get: true},
		{Name: "init_password", Type: Text, Create: true},
		{Name: "send_password_to_user", Type: Boolean, Create: true},
		{Name: "exclusive_mobile", Type: Text, Create: true},
		{Name: "avatarMediaId", Type: Text, Create: true},
		{Name: "nickname", Type: Text, Create: true, Get: true},
		{Name: "exclusive_account_corp_id", Type: Text, Get: true},
		{Name: "exclusive_account_corp_name", Type: Text, Get: true},
	},
}

// DepartmentKind is the field table of a department. The root is department 1; it has no parent and cannot be changed.
// Sources: 创建部门, 更新部门, 获取部门详情, 获取部门列表; brief, telephone and extension are known to the official Java SDK only.
var DepartmentKind = Kind{
	Name: "department", IDField: "dept_id",
	Create: true, Read: true, Update: true, Delete: true, List: ListWhole,
	Events: []string{"org_dept_create", "org_dept_modify", "org_dept_remove"},
	Fields: []Field{
		{Name: "dept_id", Type: ID, Get: true, List: true, Unique: true, Numeric: true},
		// Unique among siblings; see CheckDepartmentName.
		{Name: "name", Type: Text, Create: true, Update: true, Get: true, List: true, Required: true, MaxLen: 64},
		{Name: "parent_id", Type: ID, Create: true, Update: true, Get: true, List: true, Required: true, Ref: "department", Numeric: true},
		// Smaller is earlier, the opposite of a user's order.
		{Name: "order", Type: Integer, Create: true, Update: true, Get: true},
		// A foreign id, not shown in the console.
		{Name: "source_identifier", Type: Text, Create: true, Update: true, Get: true},
		{Name: "hide_dept", Type: Boolean, Create: true, Update: true, Get: true},
		{Name: "dept_permits", Type: IDList, Create: true, Update: true, Get: true, MaxLen: 50, Ref: "department", Numeric: true},
		{Name: "user_permits", Type: IDList, Create: true, Update: true, Get: true, MaxLen: 50, Ref: "user"},
		{Name: "outer_dept", Type: Boolean, Create: true, Update: true, Get: true},
		{Name: "outer_dept_only_self", Type: Boolean, Create: true, Update: true},
		{Name: "outer_permit_depts", Type: IDList, Create: true, Update: true, Get: true, MaxLen: 50, Ref: "department", Numeric: true},
		{Name: "outer_permit_users", Type: IDList, Create: true, Update: true, Get: true, MaxLen: 50, Ref: "user"},
		{Name: "create_dept_group", Type: Boolean, Create: true, Update: true, Get: true, List: true},
		{Name: "auto_add_user", Type: Boolean, Update: true, Get: true, List: true},
		{Name: "auto_approve_apply", Type: Boolean, Create: true, Update: true, Get: true},
		// Each must be a member of the department (40031).
		{Name: "dept_manager_userid_list", Type: IDList, Update: true, Get: true, Clear: ClearForceEmpty, Ref: "user"},
		{Name: "org_dept_owner", Type: ID, Update: true, Get: true, Ref: "user"},
		{Name: "group_contain_sub_dept", Type: Boolean, Update: true, Get: true},
		{Name: "group_contain_outer_dept", Type: Boolean, Update: true},
		{Name: "group_contain_hidden_dept", Type: Boolean, Update: true},
		{Name: "code", Type: Text, Update: true, Get: true, MaxLen: 30},
		{Name: "language", Type: Text, Update: true},
		{Name: "brief", Type: Text, Create: true, Get: true, MaxLen: 255, Absent: Unknown},
		{Name: "telephone", Type: Text, Create: true, Get: true, MaxLen: 50, Absent: Unknown},
		{Name: "extension", Type: JSON, Create: true, Get: true, Absent: Unknown, ReadAs: "extention"},

		// Only read.
		{Name: "dept_group_chat_id", Type: Text, Get: true},
		{Name: "member_count", Type: Integer, Get: true},
		{Name: "owning_member_count", Type: Integer, Get: true},
		{Name: "tags", Type: Text, Get: true},
		{Name: "from_union_org", Type: Boolean, Get: true},
		{Name: "union_dept_ext", Type: JSON, Get: true},
	},
}

// RoleKind is the field table of a role (角色). The wire spells the same thing roleId, role_id and id, roleName, role_name
// and name, groupId and group_id, depending on the call; Objects of this kind always use the names of this table.
// Sources: 创建角色, 更新角色名称, 获取角色详情, 获取角色列表.
var RoleKind = Kind{
	Name: "role", IDField: "id",
	Create: true, Read: true, Update: true, Delete: true, List: ListWhole,
	Events: []string{"label_conf_add", "label_conf_modify", "label_conf_del"},
	Fields: []Field{
		{Name: "id", Type: ID, Get: true, List: true, Unique: true, Numeric: true},
		{Name: "name", Type: Text, Create: true, Update: true, Get: true, List: true, Required: true},
		{Name: "group_id", Type: ID, Create: true, Get: true, List: true, Required: true, Numeric: true},
		{Name: "group_name", Type: Text, List: true},
	},
}
