package dingtalktest

import (
	"slices"
)

// StartInstance starts an instance as a person does in DingTalk and returns its id. Suites (套件) start too. dept is a department
// of the originator (-1 or 1 is the root, 0 his first one). values are the components by label: texts as on the wire, a FormValue
// with a Value and an ExtValue, or what is natural in Go: numbers, times, lists of texts or ids, and for a table a list of maps by
// the labels of its children. A range takes a value under each of its labels. The error is a *Refusal, or says which label the
// form lacks.
func (s *Server) StartInstance(code, originator string, dept int64, values map[string]any) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.approvals.templates[code]
	if t == nil {
		return "", noTemplate()
	}
	form, err := composeForm(t.Components, values)
	if err != nil {
		return "", err
	}
	in, no := s.startChecked(&startRequest{code: code, originator: originator, dept: dept, form: form, byHand: true}, s.now())
	if no != nil {
		return "", no
	}
	return in.ID, nil
}

// runningInstance gives a running instance for a change.
func (s *Server) runningInstance(id string) (*instance, *Refusal) {
	now := s.approvals.instances[id]
	switch {
	case now == nil || now.Deleted:
		return nil, noInstance()
	case now.Status != StatusRunning:
		return nil, notRunning()
	}
	return s.editInstance(id, s.now()), nil
}

// onRunning changes a running instance.
func (s *Server) onRunning(id string, change func(*instance) *Refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, no := s.runningInstance(id)
	if no == nil {
		no = change(in)
	}
	if no != nil {
		return no
	}
	return nil
}

// Agree lets everybody whom the present node asks agree, one after the other, until the node is done. The error is a *Refusal.
func (s *Server) Agree(id, remark string) error {
	return s.onRunning(id, func(in *instance) *Refusal {
		for node := in.at; in.Status == StatusRunning && in.at == node; {
			s.decide(in, in.openTasks()[0], ResultAgree, remark, s.now())
		}
		return nil
	})
}

// AgreeAs lets one person agree to his open task. The error is a *Refusal.
func (s *Server) AgreeAs(id, userid, remark string) error {
	return s.decideAs(id, userid, ResultAgree, remark)
}

// Refuse lets the first person whom the present node asks refuse, which ends the instance. The error is a *Refusal.
func (s *Server) Refuse(id, remark string) error {
	return s.onRunning(id, func(in *instance) *Refusal {
		s.decide(in, in.openTasks()[0], ResultRefuse, remark, s.now())
		return nil
	})
}

// RefuseAs lets one person refuse, which ends the instance. The error is a *Refusal.
func (s *Server) RefuseAs(id, userid, remark string) error {
	return s.decideAs(id, userid, ResultRefuse, remark)
}

func (s *Server) decideAs(id, userid, result, remark string) error {
	return s.onRunning(id, func(in *instance) *Refusal {
		at := in.openTaskOf(userid)
		if at < 0 {
			return noTask(userid)
		}
		s.decide(in, at, result, remark, s.now())
		return nil
	})
}

// Redirect hands the open task of one person to another. The error is a *Refusal.
func (s *Server) Redirect(id, from, to string) error {
	return s.onRunning(id, func(in *instance) *Refusal {
		at := in.openTaskOf(from)
		if at < 0 {
			return noTask(from)
		}
		if s.dir.users[to] == nil {
			return refuse(60121)
		}
		s.handOver(in, at, to, "", s.now())
		return nil
	})
}

// Remark adds a comment, to a finished instance too. The error is a *Refusal.
func (s *Server) Remark(id, userid, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.editInstance(id, s.now())
	if in == nil {
		return noInstance()
	}
	s.remark(in, userid, text, s.now())
	return nil
}

// Withdraw lets the originator withdraw a running instance, at once if he likes. The error is a *Refusal.
func (s *Server) Withdraw(id string) error {
	return s.onRunning(id, func(in *instance) *Refusal {
		if in.noWithdraw {
			return noWithdrawal()
		}
		s.terminate(in, in.Originator, "", s.now())
		return nil
	})
}

// DeleteInstance deletes an instance as an administrator does; reads do not find it any more. The error is a *Refusal.
func (s *Server) DeleteInstance(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	in := s.editInstance(id, now)
	if in == nil {
		return noInstance()
	}
	for _, i := range in.openTasks() {
		in.Tasks[i].Status, in.Tasks[i].Finished = statusCanceled, now
	}
	in.Deleted = true
	s.emitInstance(in, s.knobs.DeleteEventType)
	return nil
}

// Revoke starts the revocation of an agreed instance, by its originator: an instance of its own with the same form and flow,
// attached to the first, which stays as it is. Agree(newID) carries it out. The error is a *Refusal.
func (s *Server) Revoke(id string) (newID string, err error) {
	return s.attach(id, "REVOKE", nil)
}

// Modify starts the change of an agreed instance, by its originator: as Revoke, with other values for the labels given. The error
// is a *Refusal, or says which label the form lacks.
func (s *Server) Modify(id string, values map[string]any) (newID string, err error) {
	return s.attach(id, "MODIFY", values)
}

func (s *Server) attach(id, action string, values map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.approvals.instances[id]
	switch {
	case old == nil || old.Deleted:
		return "", noInstance()
	case old.Status != StatusCompleted || old.Result != ResultAgree:
		return "", flowRefusal(820005, "aflowProcessInstStatusException", "只有审批通过的单据可以撤销或修改")
	}
	changed, err := composeForm(old.form, values)
	if err != nil {
		return "", err
	}
	now := s.now()
	next := old.clone()
	next.Instance = Instance{
		Code: old.Code, Originator: old.Originator, Dept: old.Dept, BizAction: action, Main: id, Form: old.Instance.clone().Form,
	}
	next.at, next.marker, next.twin = 0, "", false
	for _, v := range changed {
		if c := findComponent(old.form, &v); c != nil {
			v.Type, v.Alias = c.Type, c.Alias
		}
		if i := slices.IndexFunc(next.Form, func(f FormValue) bool { return f.ID == v.ID }); i >= 0 {
			next.Form[i] = v
		} else {
			next.Form = append(next.Form, v)
		}
	}
	s.admitInstance(next, now)
	main := s.editInstance(id, now)
	main.Attached = append(main.Attached, next.ID)
	return next.ID, nil
}

// Instances returns the instances of a template ("" means of all), deleted ones included, in the order of their start.
func (s *Server) Instances(code string) []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Instance
	for _, id := range s.approvals.order {
		if in := s.approvals.instances[id]; code == "" || in.Code == code {
			out = append(out, in.Instance.clone())
		}
	}
	return out
}

// Instance returns an instance as it is now, whatever StaleReads shows to the API.
func (s *Server) Instance(id string) (Instance, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.approvals.instances[id]
	if in == nil {
		return Instance{}, false
	}
	return in.Instance.clone(), true
}

func noInstance() *Refusal {
	return flowRefusal(820004, "aflowProcessInstNotExist", "审批实例不存在")
}

func notRunning() *Refusal {
	return flowRefusal(820005, "aflowProcessInstStatusException", "审批实例状态异常")
}

func noTask(userid string) *Refusal {
	return flowRefusal(820006, "aflowProcessInstCanNotBeExecuted", "没有待处理的任务：%s", userid)
}

func noWithdrawal() *Refusal { return flowRefusal(820008, "internalError", "该审批不允许撤销") }
