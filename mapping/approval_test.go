package mapping

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// leaveWith is a mapping of leaves that are decided in DingTalk, with more keys.
func leaveWith(name, more string) string {
	return "mapping: " + name + `
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve, args: ["{{ remark }}", "1 + 1", "result == 'agree'"]}, {from: [validate1]}]
      refuse: [{from: [confirm, validate1], set: {report_note: "{{ actor.name }}: {{ remark }}", payslip_status: false, number_of_days: 2}}]
dingtalk: {kind: approval}
direction: both
` + more + `fields:
  - {dingtalk: originator_user_id, value: "'u' + string(employee_id.id)"}
  - {odoo: state, dingtalk: outcome, values: {agree: validate, refuse: refuse}, direction: to_odoo}
`
}

const starts = "create: {dingtalk: {when: \"state == 'confirm'\"}}\n"

func TestApprovalDefaults(t *testing.T) {
	m := load(t, leaveWith("leave", starts))
	a := m.Approval
	if m.Leave != LeaveTerminate || m.Guard != approvalGuard || a.Change != ChangeHold || a.Marker != "" || a.ProcessCode != "" || a.CCPosition != "" {
		t.Errorf("%+v %+v", m, a)
	}
	if n := a.Notes; !n.Default || n.Start != nil || n.Task != nil || n.Comment != nil || n.Finish != nil || n.Language != "" {
		t.Errorf("%+v", n)
	}
	if got := m.OdooFields(); !slices.Equal(got, []string{"employee_id", "state"}) {
		t.Errorf("%v", got)
	}
	if m := load(t, "mapping: a\nodoo: {model: hr.employee}\ndingtalk: {kind: user}\nfields: [{odoo: work_email, dingtalk: email}]\n"); m.Approval != nil {
		t.Error("a mapping of members has approvals")
	}
}

func TestApprovalKeysAreCompiled(t *testing.T) {
	m := load(t, strings.Replace(leaveWith("leave", starts+`
change: restart
leave: keep
marker: form.单据编号
guard: {creates: 7}
approvers:
  - {chain: employee_id, levels: 3}
  - {people: [{path: department_id}, {path: user_id.partner_id}, followers, {except: create_uid}], mode: any}
  - {userid: boss}
cc: [followers, {userid: clerk}]
cc_position: START_FINISH
notes: {start: true, task: "{{ actor.name }}: {{ result }}", comment: false, finish: 审批结束, language: employee_id.user_id}
`), "kind: approval", "kind: approval, process_code: PROC-1", 1))
	a := m.Approval
	if a.ProcessCode != "PROC-1" || a.Change != ChangeRestart || m.Leave != LeaveKeep || a.Marker != "单据编号" || a.CCPosition != "START_FINISH" || m.Guard.Creates != 7 || m.Guard.Updates != 1000 {
		t.Errorf("%+v %+v", a, m.Guard)
	}
	without := func(people []Person) []Person {
		out := slices.Clone(people)
		for i := range out {
			if out[i].Pos.Line < 15 || out[i].Pos.Column < 5 {
				t.Errorf("%+v stands nowhere", out[i])
			}
			out[i].Pos = Position{}
		}
		return out
	}
	for i, want := range []struct {
		mode   LevelMode
		people []Person
	}{
		{OneByOne, []Person{{Chain: "employee_id", Levels: 3}}},
		{Any, []Person{{Path: "department_id"}, {Path: "user_id.partner_id"}, {Followers: true}, {Except: "create_uid"}}},
		{OneByOne, []Person{{Userid: "boss"}}},
	} {
		if got := a.Approvers[i]; got.Mode != want.mode || !slices.Equal(without(got.People), want.people) {
			t.Errorf("level %d: %+v", i, got)
		}
	}
	if got := without(a.CC); !slices.Equal(got, []Person{{Followers: true}, {Userid: "clerk"}}) {
		t.Errorf("cc %+v", got)
	}
	step := Record{"actor": map[string]any{"name": "张三", "userid": "zhangsan"}, "result": "agree"}
	for what, one := range map[string]struct {
		e    *Expr
		want string
	}{"task": {a.Notes.Task, "张三: agree"}, "comment": {a.Notes.Comment, "–"}, "finish": {a.Notes.Finish, "审批结束"}} {
		if v, err := one.e.Text(step); err != nil || v.String() != one.want {
			t.Errorf("%s: %s, %v", what, v, err)
		}
	}
	if a.Notes.Start != nil || a.Notes.Language != "employee_id.user_id" {
		t.Errorf("%+v", a.Notes)
	}
}

func TestSelect(t *testing.T) {
	m := load(t, leaveWith("leave", starts+"select:\n  manual_1: {path: department_id}\n  财务: [{userid: a}, {userid: b}]\nnotes: false\n"))
	if s := m.Approval.Select; len(s) != 2 || s[0].Node != "manual_1" || s[0].People[0].Path != "department_id" || s[1].Node != "财务" || len(s[1].People) != 2 {
		t.Errorf("%+v", s)
	}
	if m.Approval.Notes.Default {
		t.Error("notes: false posts")
	}
}

func TestTransitions(t *testing.T) {
	m := load(t, leaveWith("leave", starts))
	tr := m.Approval.Transition("state")
	if tr == nil || !tr.Decided("refuse") || tr.Decided("confirm") || m.Approval.Transition("name") != nil {
		t.Fatalf("%+v", tr)
	}
	step := Record{"actor": map[string]any{"name": "李四", "userid": "lisi"}, "result": "agree", "remark": nil}
	agree := tr.To["validate"]
	if len(agree) != 2 || !slices.Equal(agree[0].From, []string{"confirm"}) || agree[0].Call != "action_approve" || agree[1].Call != "" || !slices.Equal(agree[1].From, []string{"validate1"}) {
		t.Errorf("%+v", agree)
	}
	args, err := agree[0].Arguments(step)
	if want := []any{"", int64(2), true}; err != nil || !reflect.DeepEqual(args, want) {
		t.Errorf("%#v, %v", args, err)
	}
	written, err := tr.To["refuse"][0].Writes(step)
	if want := map[string]any{"report_note": "李四: ", "payslip_status": false, "number_of_days": int64(2)}; err != nil || !reflect.DeepEqual(written, want) {
		t.Errorf("%#v, %v", written, err)
	}
	if _, err := agree[0].Arguments(Record{"result": "agree"}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "test.yaml:7:") {
		t.Errorf("%v", err)
	}
	if _, err := tr.To["refuse"][0].Writes(Record{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
}

// Nothing that an approval was started by somebody else is withdrawn because its document left the domain.
func TestOnlyOwnApprovalsAreTerminated(t *testing.T) {
	born := load(t, leaveWith("leave", "create: {odoo: true}\n"))
	if born.Leave != LeaveKeep {
		t.Errorf("leave is %s", born.Leave)
	}
}

func TestProcessCodes(t *testing.T) {
	set := loadAll(t, leaveWith("leave", starts), leaveWith("long", "create: {dingtalk: {when: \"state == 'draft'\"}}\n"),
		strings.Replace(leaveWith("own", "create: {odoo: true}\n"), "kind: approval", "kind: approval, process_code: PROC-OWN", 1),
		employeesWith("{odoo: work_email, dingtalk: email}"))
	if got := set.WithoutProcessCode(); !slices.Equal(got, []string{"leave", "long"}) {
		t.Errorf("%v", got)
	}
	full, err := set.WithProcessCodes(map[string]string{"leave": "PROC-A", "long": "PROC-B", "own": "PROC-OWN"})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := full.Get("leave")
	if m.Approval.ProcessCode != "PROC-A" || len(full.WithoutProcessCode()) != 0 || !slices.Contains(full.Ranked, m) || len(full.Ranked) != 4 {
		t.Errorf("%+v, %v", m.Approval, full.WithoutProcessCode())
	}
	if old, _ := set.Get("leave"); old.Approval.ProcessCode != "" || len(set.WithoutProcessCode()) != 2 {
		t.Error("the set itself was changed")
	}
	_, err = set.WithProcessCodes(map[string]string{"leav": "PROC-A", "employees": "PROC-A", "own": "PROC-A", "long": "PROC 1"})
	for _, want := range []string{`"leav", and there is no such mapping; did you mean "leave"?`, "employees, which is no mapping of approvals", "own another process code than 2.yaml:1:1", "given for long is none"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if _, err = set.WithProcessCodes(map[string]string{"leave": "PROC-A", "long": "PROC-A"}); err == nil || !strings.Contains(err.Error(), "leave and long have one template") {
		t.Errorf("%v", err)
	}
}

func TestJSONSchemaOfApprovals(t *testing.T) {
	s := compiledSchema(t)
	good := leaveWith("leave", starts+`marker: 单号
approvers: [followers, {path: user_id}, {people: {userid: a}, mode: all}, {people: [followers], mode: any}]
cc: {userid: a}
select: {经理: [{chain: employee_id, levels: 2}]}
notes: {task: false, finish: x}
`)
	if err := s.Validate(documents(t, Source{Data: []byte(good)})[0]); err != nil {
		t.Error(err)
	}
	for name, change := range map[string][2]string{
		"person":     {"cc: {userid: a}", "cc: {user: a}"},
		"word":       {"[followers, {path", "[follower, {path"},
		"mode":       {"mode: any", "mode: some"},
		"step":       {"call: action_approve", "method: action_approve"},
		"from":       {"{from: [validate1]}", "{call: x}"},
		"note":       {"task: false", "tasks: false"},
		"change":     {"marker: 单号", "change: never"},
		"no steps":   {"[{from: [confirm, validate1], set: {report_note: \"{{ actor.name }}: {{ remark }}\", payslip_status: false, number_of_days: 2}}]", "[]"},
		"leave rule": {"marker: 单号", "leave: forget"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: the change does not apply", name)
		}
		if err := s.Validate(documents(t, Source{Data: []byte(text)})[0]); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
