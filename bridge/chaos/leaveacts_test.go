package chaos

import (
	"errors"
	"slices"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// freeDay is a day on which nobody has a leave yet.
func (w *world) freeDay() time.Time {
	w.days++
	return time.Date(2030, 1, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, 2*w.days)
}

// asker is somebody who is in both systems.
func (w *world) asker() (*record, error) {
	r, err := w.somebody()
	if err != nil {
		return nil, err
	}
	if w.odooID(r) == 0 || w.dingID(r) == "" {
		return nil, errNotThere
	}
	return r, nil
}

func (w *world) askLeave() error {
	r, err := w.asker()
	if err != nil {
		return err
	}
	day, kind := w.freeDay(), "年假"
	if w.rng.IntN(3) == 0 {
		kind = "事假"
	}
	id, err := w.odoo.As("admin").Create("hr.leave", map[string]any{
		"employee_id": r.odoo, "holiday_status_id": w.odoo.Search("hr.leave.type", []any{[]any{"name", "=", kind}})[0], "name": w.value("假"), "number_of_days": 1.0,
		"date_from": day.Format("2006-01-02 15:04:05"), "date_to": day.Add(9 * time.Hour).Format("2006-01-02 15:04:05"),
	})
	if err != nil {
		return err
	}
	w.leaves = append(w.leaves, &leave{id: id, person: r})
	w.tell("odoo %s asks for leave %d", r.tag, id)
	return nil
}

func (w *world) bearLeave() error {
	r, err := w.asker()
	if err != nil {
		return err
	}
	day, tag := w.freeDay().In(time.FixedZone("UTC+8", 8*3600)), w.value("生")
	id, err := w.ding.StartInstance(bornCode, r.ding, 0, map[string]any{
		"天数": 1, "事由": tag, "开始时间": day.Format("2006-01-02 15:04"), "结束时间": day.Add(9 * time.Hour).Format("2006-01-02 15:04"),
	})
	if err != nil {
		return err
	}
	w.leaves = append(w.leaves, &leave{person: r, tag: tag, born: id})
	w.tell("dingtalk %s asks for leave %s", r.tag, tag)
	return nil
}

// someLeave picks a leave of Odoo in one of the states.
func (w *world) someLeave(states ...string) (*leave, error) {
	var fit []*leave
	for _, l := range w.leaves {
		if l.id != 0 && slices.Contains(states, w.leaveState(l)) {
			fit = append(fit, l)
		}
	}
	l, ok := pick(w, fit)
	if !ok {
		return nil, errNotThere
	}
	return l, nil
}

func (w *world) leaveState(l *leave) string {
	state, _ := w.odoo.Get("hr.leave", l.id)["state"].(string)
	return state
}

// pressLeave presses a button of a leave in Odoo.
func (w *world) pressLeave(button string, from ...string) error {
	l, err := w.someLeave(from...)
	if err != nil {
		return err
	}
	return w.press(l, button)
}

func (w *world) press(l *leave, button string) error {
	if _, err := w.odoo.As("admin").Call("hr.leave", button, []any{[]any{l.id}}, nil); err != nil {
		return err
	}
	l.inOdoo = w.leaveState(l)
	w.tell("odoo leave %d: %s", l.id, button)
	return nil
}

func (w *world) editLeave() error {
	l, err := w.someLeave("confirm", "validate1")
	if err != nil {
		return err
	}
	return w.change(l)
}

// change edits what an approval shows of a leave.
func (w *world) change(l *leave) error {
	vals := map[string]any{"name": w.value("改")}
	if w.rng.IntN(3) == 0 {
		vals = map[string]any{"number_of_days": float64(1 + w.rng.IntN(3))} // the same as before, or again what it was
	}
	if err := w.odoo.Write("hr.leave", l.id, vals); err != nil {
		return err
	}
	w.tell("odoo leave %d: edited: %v", l.id, vals)
	return nil
}

// someInstance picks a running or an agreed instance.
func (w *world) someInstance(status, result string) (dingtalktest.Instance, error) {
	var fit []dingtalktest.Instance
	for _, code := range []string{leaveCode, bornCode} {
		for _, in := range w.ding.Instances(code) {
			if in.Status == status && in.Result == result && in.Main == "" && len(in.Attached) == 0 && !in.Deleted {
				fit = append(fit, in)
			}
		}
	}
	in, ok := pick(w, fit)
	if !ok {
		return in, errNotThere
	}
	return in, nil
}

// end is a way in which people end an approval in DingTalk.
type end struct {
	what string // as verdicts call it
	act  func(w *world, id string) error
}

var (
	agrees    = end{dingtalktest.ResultAgree, func(w *world, id string) error { return w.ding.Agree(id, "好") }}
	refuses   = end{dingtalktest.ResultRefuse, func(w *world, id string) error { return w.ding.Refuse(id, "不行") }}
	withdraws = end{"terminate", func(w *world, id string) error { return w.ding.Withdraw(id) }}
)

// decideLeave lets somebody end a running approval in DingTalk.
func (w *world) decideLeave(e end) error {
	in, err := w.someInstance(dingtalktest.StatusRunning, "")
	if err != nil {
		return err
	}
	return w.decide(in, e)
}

func (w *world) decide(in dingtalktest.Instance, e end) error {
	if err := e.act(w, in.ID); err != nil {
		return err
	}
	w.endedBy[in.ID] = e.what
	w.tell("dingtalk approval %s (%s): %s", in.ID, in.Value(markLabel), e.what)
	return nil
}

// decideBoth lets people do something with a leave in Odoo and end its approval in DingTalk, one right after the other.
func (w *world) decideBoth() error {
	in, err := w.someInstance(dingtalktest.StatusRunning, "")
	if err != nil {
		return err
	}
	at := slices.IndexFunc(w.leaves, func(l *leave) bool {
		return l.id != 0 && slices.ContainsFunc(w.approvalsOf(l), func(o dingtalktest.Instance) bool { return o.ID == in.ID })
	})
	if at < 0 {
		return errNotThere
	}
	l := w.leaves[at]
	e, _ := pick(w, []end{agrees, agrees, refuses, withdraws})
	inOdoo, _ := pick(w, []func() error{
		func() error { return w.change(l) },
		func() error { return w.press(l, "action_draft") },
		func() error { return errors.Join(w.press(l, "action_draft"), w.press(l, "action_confirm")) },
		func() error { return w.press(l, "action_approve") },
		func() error { return w.press(l, "action_refuse") },
	})
	inDing := func() error { return w.decide(in, e) }
	if w.rng.IntN(2) == 0 {
		inOdoo, inDing = inDing, inOdoo
	}
	first := inOdoo()
	w.wait(time.Duration(w.rng.IntN(120)) * time.Millisecond)
	return errors.Join(first, inDing())
}

func (w *world) commentLeave() error {
	in, err := w.someInstance(dingtalktest.StatusRunning, "")
	if err != nil {
		return err
	}
	return w.ding.Remark(in.ID, in.Originator, w.value("评论"))
}

func (w *world) revokeLeave() error {
	in, err := w.someInstance(dingtalktest.StatusCompleted, dingtalktest.ResultAgree)
	if err != nil {
		return err
	}
	id, err := w.ding.Revoke(in.ID)
	if err != nil {
		return err
	}
	w.tell("dingtalk approval %s (%s): revoked", in.ID, in.Value(markLabel))
	w.endedBy[id] = dingtalktest.ResultAgree
	return w.ding.Agree(id, "")
}

// officeActs are what people do with leaves.
var officeActs = []act{
	{"ask for leave", 12, (*world).askLeave},
	{"ask for leave in dingtalk", 5, (*world).bearLeave},
	{"edit a leave", 3, (*world).editLeave},
	{"take a leave back", 3, func(w *world) error { return w.pressLeave("action_draft", "confirm", "refuse") }},
	{"submit a leave again", 4, func(w *world) error { return w.pressLeave("action_confirm", "draft") }},
	{"approve a leave in odoo", 1, func(w *world) error { return w.pressLeave("action_approve", "confirm") }},
	{"approve a leave a second time in odoo", 1, func(w *world) error { return w.pressLeave("action_validate", "validate1") }},
	{"refuse a leave in odoo", 1, func(w *world) error { return w.pressLeave("action_refuse", "confirm", "validate1", "validate") }},
	{"agree", 7, func(w *world) error { return w.decideLeave(agrees) }},
	{"refuse", 2, func(w *world) error { return w.decideLeave(refuses) }},
	{"withdraw in dingtalk", 1, func(w *world) error { return w.decideLeave(withdraws) }},
	{"a leave on both sides", 8, (*world).decideBoth},
	{"comment", 1, (*world).commentLeave},
	{"revoke", 2, (*world).revokeLeave},
}
