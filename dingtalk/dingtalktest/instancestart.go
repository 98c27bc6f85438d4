package dingtalktest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The limits of a start (document 发起审批实例).
const (
	startLevels   = 20
	startSelected = 20
	startCC       = 50
	oldStartCC    = 20
)

// flowRefusal is a refusal that both generations of the API know: an errcode of the old one, a code string of the new one.
func flowRefusal(code int, v1, format string, args ...any) *Refusal {
	return &Refusal{Code: code, v1: v1, status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func noTemplate() *Refusal { return flowRefusal(830001, "processCodeError", "审批模板不存在") }

func badStart(format string, args ...any) *Refusal {
	return flowRefusal(400002, "processInstanceInvalidParameter", format, args...)
}

func invalid(format string, args ...any) *Refusal {
	return flowRefusal(400002, "invalidParameter", format, args...)
}

// level is one level of approvers that replace the flow.
type level struct {
	mode  Mode
	users []string
}

// startRequest is a start in either generation of the API, or by hand.
type startRequest struct {
	code, originator string
	dept             int64 // as approvals name it; 0 = not given
	levels           []level
	cc               []string
	ccPosition       string
	selected         map[string][]string // by actorKey
	form             []FormValue
	byHand           bool
	old              bool
}

// startChecked checks a start as the document 发起审批实例 says and carries it out.
func (s *Server) startChecked(r *startRequest, now time.Time) (*instance, *Refusal) {
	t := s.approvals.templates[r.code]
	if t == nil {
		return nil, noTemplate()
	}
	if no := s.mayStart(&t.Template, r); no != nil {
		return nil, no
	}
	if no := s.checkPeople(r); no != nil {
		return nil, no
	}
	form, no := s.checkForm(&t.Template, r.form, r.byHand)
	if no != nil {
		return nil, no
	}
	in := &instance{
		Instance: Instance{
			Code: t.Code, Originator: r.originator, Dept: r.dept, BizAction: "NONE", Form: form, ByAPI: !r.byHand,
		},
		form: t.Components, name: t.Name, bizType: t.BizType, noWithdraw: t.NoWithdraw,
	}
	in.marker = s.markerOf(&t.Template, r.originator, form)
	if len(r.levels) > 0 {
		in.flow, in.explicit, in.cc, in.ccPosition = ownFlow(r.levels), true, r.cc, r.ccPosition
	} else if in.flow, no = s.templateFlow(&t.Template, r); no != nil {
		return nil, no
	}
	s.admitInstance(in, now)
	return in, nil
}

// mayStart refuses templates that do not start, or not in this way.
func (s *Server) mayStart(t *Template, r *startRequest) *Refusal {
	switch {
	case t.Status != "PUBLISHED":
		return flowRefusal(810008, "processInstanceStartFailed", "流程已停用")
	case t.BizType != "" && !r.byHand:
		return flowRefusal(820001, "illegalComponent", "暂不支持通过接口发起套件：%s", t.BizType)
	case r.originator == "":
		return badStart("发起人不能为空")
	case s.dir.users[r.originator] == nil:
		return badStart("发起人不存在：%s", r.originator)
	case !t.visible(r.originator):
		return flowRefusal(810007, "processSetupNoPermission", "发起人没有该流程的权限")
	}
	return nil
}

// checkPeople checks the department, the approvers and who is told.
func (s *Server) checkPeople(r *startRequest) *Refusal {
	departments := s.dir.users[r.originator].Departments
	switch {
	case r.dept == 0 && len(r.levels) == 0 && !r.byHand:
		return badStart("部门不能为空")
	case r.dept == 0:
		r.dept = toShown(departments[0])
	case r.dept == rootID && !s.knobs.RootByNumber && !r.byHand:
		return badStart("部门不合法：根部门为-1")
	case !slices.Contains(departments, fromShown(r.dept)):
		return badStart("发起人不在部门%d中", r.dept)
	}
	r.dept = toShown(r.dept)
	if len(r.levels) > startLevels {
		return badStart("审批人超过%d级", startLevels)
	}
	for _, l := range r.levels {
		if no := s.checkLevel(l); no != nil {
			return no
		}
	}
	if len(r.levels) == 0 {
		return nil // without approvers nobody looks at who is told
	}
	most := startCC
	if r.old {
		most = oldStartCC
	}
	if len(r.cc) > most || !s.allKnown(r.cc) {
		return badStart("抄送人不合法")
	}
	if !slices.Contains([]string{"", "START", "FINISH", "START_FINISH"}, r.ccPosition) || len(r.cc) > 0 && r.ccPosition == "" {
		return badStart("抄送时间点不合法")
	}
	return nil
}

func (s *Server) checkLevel(l level) *Refusal {
	switch {
	case !slices.Contains([]Mode{ModeAnd, ModeOr, ModeNone}, l.mode):
		return badStart("审批类型不合法：%s", l.mode)
	case l.mode == ModeNone && len(l.users) != 1, len(l.users) == 0:
		return badStart("审批人个数不合法")
	case len(l.users) < 2 && l.mode != ModeNone && !s.knobs.LoneCountersign:
		return badStart("会签或或签至少需要两个审批人")
	case !s.allKnown(l.users):
		return badStart("审批人不存在")
	}
	return nil
}

func (s *Server) allKnown(userids []string) bool {
	return !slices.ContainsFunc(userids, func(id string) bool { return s.dir.users[id] == nil })
}

// toShown is the id of a department as approvals name it.
func toShown(id int64) int64 {
	if id == rootID {
		return shownRoot
	}
	return id
}

// ownFlow is the flow of approvers that came with the start.
func ownFlow(levels []level) []Node {
	flow := make([]Node, len(levels))
	for i, l := range levels {
		flow[i] = Node{ID: fmt.Sprintf("node_%d", i+1), Name: "审批人", Users: slices.Clone(l.users), Mode: l.mode}
	}
	return flow
}

// templateFlow is the configured flow with the people the originator chose.
func (s *Server) templateFlow(t *Template, r *startRequest) ([]Node, *Refusal) {
	flow := cloneFlow(t.Flow)
	keys := map[string]bool{}
	for i := range flow {
		n := &flow[i]
		if !n.Select || r.byHand {
			continue
		}
		keys[n.Key] = true
		chosen := r.selected[n.Key]
		outside := func(id string) bool { return n.Scope != nil && !slices.Contains(n.Scope, id) || s.dir.users[id] == nil }
		switch {
		case len(chosen) == 0 && !n.Optional:
			return nil, flowRefusal(820001, "targetSelectApproverMissing", "自选审批人缺失：%s", n.Name)
		case len(chosen) > 1 && !n.Multi, slices.ContainsFunc(chosen, outside):
			return nil, flowRefusal(820001, "targetSelectApproverScopeError", "自选审批人不在范围内：%s", n.Name)
		}
		n.Users = slices.Clone(chosen)
	}
	for key := range r.selected {
		if !keys[key] {
			return nil, flowRefusal(820001, "targetSelectApproverScopeError", "没有该自选节点：%s", key)
		}
	}
	return flow, nil
}

// markerOf names what an instance is about, for Duplicates.
func (s *Server) markerOf(t *Template, originator string, form []FormValue) string {
	about := originator
	for _, v := range form {
		switch {
		case v.Value == "":
		case t.Marker == "":
			about += "|" + v.Name + "=" + v.Value
		case v.Name == t.Marker:
			return "approval " + t.Code + " " + v.Value
		}
	}
	return "approval " + t.Code + " " + strings.TrimSpace(about)
}
