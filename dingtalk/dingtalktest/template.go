package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Template is a template of approvals (审批模板): its form and the flow that an administrator set up.
type Template struct {
	Code       string // "PROC-…"; made when empty
	Name       string
	Status     string // PUBLISHED (default), INVALID, SAVED; only a published one starts
	BizType    string // bizCategoryId of a suite (套件), such as attendance.leave; an app may not start those
	Components []Component
	Flow       []Node
	NoWithdraw bool     // 高级设置: an instance cannot be withdrawn
	VisibleTo  []string // userids who may start it; nil = everybody
	Managers   []string // userids who may manage it; nil = the administrators (User.AdminLevel)
	Marker     string   // label of the component that says what an instance is about, for Duplicates; "" = the whole form
}

// Component is one component of a form, in the vocabulary of the document 表单控件说明.
type Component struct {
	ID        string // made when empty
	Alias     string // bizAlias
	Type      string // TextField, TableField, …
	Label     string
	Labels    []string // of a component whose name is a JSON text of several labels: a date range, a place, a leave
	Required  bool
	Options   []string // texts of a select
	Format    string   // of a date: yyyy-MM-dd (default) or yyyy-MM-dd HH:mm
	Unit      string
	Multiple  bool     // a contact or department component takes several
	BizType   string   // of a suite's component
	Limit     int      // stars of a rating (5 when 0)
	Templates []string // codes of the templates that a relation takes; nil = any
	Children  []Component
}

// Mode says who of a node must agree.
type Mode string

// The modes of a node; the empty one is ModeAnd.
const (
	ModeAnd      Mode = "AND"        // 会签
	ModeOr       Mode = "OR"         // 或签
	ModeOneByOne Mode = "ONE_BY_ONE" // 依次审批
	ModeNone     Mode = "NONE"       // a single one
)

// Node is one step of a flow.
type Node struct {
	ID    string // activityId; made when empty
	Name  string // activityName
	Users []string
	Mode  Mode
	CC    bool   // the users are told, nobody decides (抄送)
	Auto  string // "agree" or "refuse": nobody is asked (自动通过, 自动拒绝)

	Select   bool     // the originator chooses (自选); Users are whom a person who starts by hand chooses
	Key      string   // actorKey of such a node; made when empty
	Optional bool     // it may be left open
	Multi    bool     // several may be chosen
	Scope    []string // userids to choose from; nil = everybody
}

// wireName is the name of a component in formComponentValues: its label, or a JSON text of its labels.
func (c *Component) wireName() string {
	if len(c.Labels) > 0 {
		return jsonText(c.Labels)
	}
	return c.Label
}

// template is one version of one stored template; it is never changed, only replaced.
type template struct {
	Template
	seq      int
	modified time.Time
}

// AddTemplate makes a template, as an administrator does in the console, and returns its code. One with the code of a present
// template replaces it; what is running keeps the form and the flow it started with.
func (s *Server) AddTemplate(t Template) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putTemplate(t)
}

// EditTemplate changes a template; what is running keeps the form and the flow it started with. The error is a *Refusal.
func (s *Server) EditTemplate(code string, edit func(*Template)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.approvals.templates[code]
	if old == nil {
		return noTemplate()
	}
	t := old.clone()
	edit(&t)
	t.Code = code
	s.putTemplate(t)
	return nil
}

// Template returns a template with everything that was made for it (codes, ids, keys).
func (s *Server) Template(code string) (Template, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.approvals.templates[code]
	if t == nil {
		return Template{}, false
	}
	return t.clone(), true
}

func (s *Server) putTemplate(t Template) string {
	a := &s.approvals
	t = t.clone()
	a.seq++
	if t.Code == "" {
		t.Code = fmt.Sprintf("PROC-%s-%06d", strings.ToUpper(s.events.run), a.seq)
	}
	if t.Status == "" {
		t.Status = "PUBLISHED"
	}
	nameComponents(t.Components, t.Code)
	for i := range t.Flow {
		n := &t.Flow[i]
		if n.ID == "" {
			n.ID = fmt.Sprintf("activity_%s_%d", shortCode(t.Code), i+1)
		}
		if n.Select && n.Key == "" {
			n.Key = fmt.Sprintf("manual_%s_%d", shortCode(t.Code), i+1)
		}
		if n.Mode == "" {
			n.Mode = ModeAnd
		}
	}
	next := &template{Template: t, seq: a.seq, modified: s.now()}
	if old := a.templates[t.Code]; old != nil {
		next.seq = old.seq
	}
	a.templates[t.Code] = next
	return t.Code
}

// nameComponents gives every component without id one that stays the same as long as it keeps its type and its place.
func nameComponents(list []Component, parent string) {
	for i := range list {
		if list[i].ID == "" {
			list[i].ID = fmt.Sprintf("%s_%s%d", list[i].Type, shortCode(parent), i+1)
		}
		nameComponents(list[i].Children, list[i].ID)
	}
}

// shortCode is the end of a code, for the ids below it.
func shortCode(code string) string {
	code = strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(code))
	return code[max(0, len(code)-8):]
}

// clone copies t with everything it points to.
func (t *Template) clone() Template {
	out := *t
	out.Components = cloneComponents(t.Components)
	out.Flow = cloneFlow(t.Flow)
	out.VisibleTo, out.Managers = slices.Clone(t.VisibleTo), slices.Clone(t.Managers)
	return out
}

func cloneComponents(list []Component) []Component {
	out := slices.Clone(list)
	for i := range out {
		c := &out[i]
		c.Labels, c.Options, c.Templates = slices.Clone(c.Labels), slices.Clone(c.Options), slices.Clone(c.Templates)
		c.Children = cloneComponents(c.Children)
	}
	return out
}

func cloneFlow(list []Node) []Node {
	out := slices.Clone(list)
	for i := range out {
		out[i].Users, out[i].Scope = slices.Clone(out[i].Users), slices.Clone(out[i].Scope)
	}
	return out
}

// visible tells whether a person may start instances of t.
func (t *Template) visible(userid string) bool {
	return t.VisibleTo == nil || slices.Contains(t.VisibleTo, userid)
}

// component finds a component by what a value names it with: id, alias, or its name exactly.
func (t *Template) component(v *FormValue) *Component { return findComponent(t.Components, v) }

func findComponent(list []Component, v *FormValue) *Component {
	i := slices.IndexFunc(list, func(c Component) bool {
		switch {
		case v.ID != "":
			return c.ID == v.ID
		case v.Alias != "":
			return c.Alias == v.Alias
		}
		return c.wireName() == v.Name || len(c.Labels) > 0 && sameLabels(c.Labels, v.Name)
	})
	if i < 0 {
		return nil
	}
	return &list[i]
}

// sameLabels tells whether name is a JSON text of exactly these labels, however it is spaced.
func sameLabels(labels []string, name string) bool {
	var list []string
	return parseJSON(name, &list) == nil && slices.Equal(list, labels)
}
