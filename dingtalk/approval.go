package dingtalk

import "time"

// Template is the schema of an approval's form (获取表单 schema).
type Template struct {
	ProcessCode string
	Name        string
	Status      string // PUBLISHED, INVALID, SAVED
	Components  []Component
}

// Component is one component of a form.
type Component struct {
	ID       string
	Alias    string
	Type     string // TextField, TableField, …
	Label    string
	Labels   []string // those of a component that has several: a date range, a time and place; nil otherwise
	Required bool
	Options  []string // texts of a select
	Format   string   // of a date: yyyy-MM-dd or yyyy-MM-dd HH:mm
	Unit     string
	Multiple bool // a contact or department component takes several
	BizType  string
	Children []Component // of a table
}

// FormValue is one component's value on the wire (formComponentValues).
type FormValue struct {
	ID, Alias, Name, Type string
	Value                 string
	ExtValue              string
}

// Instance is an approval's instance as 获取单个审批实例详情 shows it.
type Instance struct {
	ID         string
	Title      string
	BusinessID string
	Originator string
	DeptID     string   // "-1" is the root
	Status     string   // RUNNING, TERMINATED, COMPLETED
	Result     string   // agree, refuse; "" while it runs
	BizAction  string   // NONE, MODIFY, REVOKE
	Main       string   // of an attached instance: the one it revokes or modifies
	Attached   []string // instances that revoke or modify this one
	Created    time.Time
	Finished   time.Time
	Form       []FormValue
	Steps      []Step
	Tasks      []Task
}

// Step is one row of an instance's operationRecords.
type Step struct {
	UserID   string
	At       time.Time
	Type     string // START_PROCESS_INSTANCE, EXECUTE_TASK_NORMAL, ADD_REMARK, …
	Result   string // AGREE, REFUSE, NONE
	Remark   string
	Activity string
	Name     string // showName
	CC       []string
}

// Task is one approver's task.
type Task struct {
	ID       string
	UserID   string
	Status   string // NEW, RUNNING, PAUSED, CANCELED, COMPLETED, TERMINATED
	Result   string // AGREE, REFUSE, REDIRECTED, NONE
	Created  time.Time
	Finished time.Time
	Activity string
}

// StartRequest is what 发起审批实例 takes.
type StartRequest struct {
	ProcessCode string
	Originator  string
	DeptID      string // "" leaves it out, which only explicit approvers allow
	Approvers   []ApproverLevel
	CC          []string
	CCPosition  string // START, FINISH, START_FINISH
	Select      []SelectedActors
	Form        []FormValue
}

// ApproverLevel is one level of approvers that replaces the configured flow.
type ApproverLevel struct {
	Action string // AND, OR, NONE (a single one)
	Users  []string
}

// SelectedActors are the people of a node left to the originator.
type SelectedActors struct {
	Key   string
	Users []string
}
