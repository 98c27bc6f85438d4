package dingtalktest

import (
	"fmt"
	"slices"
	"time"
)

// The states and results of an instance (document 获取单个审批实例详情).
const (
	StatusRunning    = "RUNNING"
	StatusTerminated = "TERMINATED" // withdrawn
	StatusCompleted  = "COMPLETED"

	ResultAgree  = "agree"
	ResultRefuse = "refuse"
)

// The states of a task beside those of an instance, and its results.
const (
	statusCanceled = "CANCELED"

	taskAgree      = "AGREE"
	taskRefuse     = "REFUSE"
	taskRedirected = "REDIRECTED"
	taskNone       = "NONE"
)

// bySystem is who terminated an instance that the app ended itself (isSystem).
const bySystem = "system"

// Instance is an instance of an approval as it is now.
type Instance struct {
	ID, Code     string // Code is the template's
	Title        string
	BusinessID   string // 审批编号
	Originator   string
	Dept         int64  // -1 is the root
	Status       string // StatusRunning, …
	Result       string // "" while it runs, and of a withdrawn one
	BizAction    string // NONE, MODIFY, REVOKE
	Main         string // of a revoking or modifying instance: the one it is about
	Attached     []string
	Created      time.Time
	Finished     time.Time
	Form         []FormValue // as sent, with the ids of the components
	Steps        []Step
	Tasks        []Task
	CC           []string // who was told so far
	TerminatedBy string   // a userid, or "system" for the app itself
	ByAPI        bool     // an app started it
	Deleted      bool
}

// FormValue is one component's value on the wire (formComponentValues).
type FormValue struct {
	ID, Alias, Name, Type string
	Value, ExtValue       string
}

// Step is one row of an instance's operationRecords.
type Step struct {
	UserID   string
	At       time.Time
	Type     string // START_PROCESS_INSTANCE, EXECUTE_TASK_NORMAL, ADD_REMARK, …
	Result   string // AGREE, REFUSE, NONE
	Remark   string
	Activity string
	Name     string
	CC       []string
}

// Task is one approver's task.
type Task struct {
	ID       int64
	UserID   string
	Status   string // RUNNING, CANCELED, COMPLETED
	Result   string // AGREE, REFUSE, REDIRECTED, NONE
	Created  time.Time
	Finished time.Time
	Activity string
}

// Value is the text that was sent for a component, by its label.
func (in *Instance) Value(label string) string {
	for _, v := range in.Form {
		if v.Name == label {
			return v.Value
		}
	}
	return ""
}

// Comments are the remarks that were added to the instance, oldest first.
func (in *Instance) Comments() []string {
	var out []string
	for _, step := range in.Steps {
		if step.Type == "ADD_REMARK" {
			out = append(out, step.Remark)
		}
	}
	return out
}

// instance is one version of one instance. Old versions are never changed: editInstance makes the next.
type instance struct {
	Instance
	form       []Component // of the template when it started
	flow       []Node
	at, turn   int // the present node, and of one by one the present user of it
	name       string
	bizType    string
	noWithdraw bool
	explicit   bool // the approvers came with the start
	cc         []string
	ccPosition string
	marker     string // what it is about, for Duplicates
	twin       bool   // another instance about the same was alive when it started
}

// approvals is all about approvals that needs the server's lock.
type approvals struct {
	templates map[string]*template
	instances map[string]*instance
	past      map[string][]version[instance]
	order     []string // ids in the order of start
	tasks     map[int64]string
	seq       int
	lastTask  int64
}

func newApprovals() approvals {
	return approvals{
		templates: map[string]*template{}, instances: map[string]*instance{}, past: map[string][]version[instance]{},
		tasks: map[int64]string{}, lastTask: 70_000_000_000,
	}
}

// clone copies in so that it can be changed while others keep the old version.
func (in *instance) clone() *instance {
	out := *in
	out.Instance = in.Instance.clone()
	out.flow = cloneFlow(in.flow)
	return &out
}

func (in Instance) clone() Instance {
	in.Attached, in.CC, in.Form = slices.Clone(in.Attached), slices.Clone(in.CC), slices.Clone(in.Form)
	in.Steps, in.Tasks = slices.Clone(in.Steps), slices.Clone(in.Tasks)
	return in
}

// editInstance gives the instance for a change; the version until now stays readable for StaleReads. It is nil when there is none.
func (s *Server) editInstance(id string, now time.Time) *instance {
	a := &s.approvals
	old := a.instances[id]
	if old == nil || old.Deleted {
		return nil
	}
	keep(a.past, id, old, now, s.knobs.StaleReads)
	next := old.clone()
	a.instances[id] = next
	return next
}

// seen is an instance as a read at the horizon shows it, nil when it is not there.
func (s *Server) seen(id string, horizon time.Time) *instance {
	in := at(s.approvals.instances, s.approvals.past, id, horizon)
	if in == nil || in.Deleted {
		return nil
	}
	return in
}

// admitInstance stores a checked draft, emits its start and opens its first tasks.
func (s *Server) admitInstance(in *instance, now time.Time) {
	a := &s.approvals
	a.seq++
	in.ID = fmt.Sprintf("%s-%08d", s.events.run, a.seq)
	in.BusinessID = fmt.Sprintf("%s%09d", now.In(china).Format("200601021504"), a.seq)
	in.Title = s.nameOf(in.Originator) + "提交的" + in.name
	in.Status, in.Created = StatusRunning, now
	in.twin = s.hasTwin(in)
	keep(a.past, in.ID, (*instance)(nil), now, s.knobs.StaleReads)
	a.instances[in.ID] = in
	a.order = append(a.order, in.ID)
	in.step(Step{UserID: in.Originator, At: now, Type: "START_PROCESS_INSTANCE", Result: taskNone, Name: "发起人"})
	s.emitInstance(in, "start")
	if in.ccPosition == "START" || in.ccPosition == "START_FINISH" {
		in.tell(in.cc, "", now)
	}
	s.enter(in, now)
}

// hasTwin tells whether an instance about the same is running, or stands agreed, so that this one is one too many.
func (s *Server) hasTwin(in *instance) bool {
	if !in.ByAPI {
		return false
	}
	for _, other := range s.approvals.instances {
		alive := other.Status == StatusRunning || other.Result == ResultAgree && !s.revoked(other)
		if other.ByAPI && other.marker == in.marker && !other.Deleted && alive {
			return true
		}
	}
	return false
}

// revoked tells whether a revocation of an agreed instance was agreed.
func (s *Server) revoked(in *instance) bool {
	return slices.ContainsFunc(in.Attached, func(id string) bool {
		a := s.approvals.instances[id]
		return a != nil && a.BizAction == "REVOKE" && a.Result == ResultAgree
	})
}

func (in *instance) step(row Step) { in.Steps = append(in.Steps, row) }

// tell copies the instance to people (抄送).
func (in *instance) tell(users []string, activity string, now time.Time) {
	if len(users) == 0 {
		return
	}
	in.CC = append(in.CC, users...)
	in.step(Step{At: now, Type: "PROCESS_CC", Result: taskNone, Activity: activity, Name: "抄送人", CC: users})
}

// nameOf is what people call a member.
func (s *Server) nameOf(userid string) string {
	if p := s.dir.users[userid]; p != nil {
		return p.Name
	}
	return userid
}
