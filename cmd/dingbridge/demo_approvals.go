package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// approvalsScenario decides documents of Odoo in DingTalk, in calm and under misfortune.
var approvalsScenario = scenario{
	people: 60, guard: demoGuardLater,
	set: (*demo).setApprovals, mappings: (*demo).approvalMappings,
	tune: func(o *bridge.Options) {
		o.Withdrawable, o.Reread, o.SettleDing = 500*time.Millisecond, time.Second, 2*time.Second
	},
	play: (*demo).playApprovals,
}

// The templates of the scenario, by the preset that uses them.
var demoCodes = map[string]string{
	"leave-approval": "PROC-DEMO-LEAVE", "expense-approval": "PROC-DEMO-EXPENSE", "purchase-approval": "PROC-DEMO-PURCHASE", "travel-voucher": "PROC-DEMO-TRAVEL",
}

const bornCode = "PROC-DEMO-BORN"

// bornMapping makes leaves of approvals that people start in DingTalk.
const bornMapping = `
mapping: leave-requests
odoo:
  model: hr.leave
  domain: [[state, in, [confirm, validate1, validate, refuse]]]
  transitions:
    state:
      validate: [{from: [confirm], call: action_approve}, {from: [validate1], call: action_validate}]
      refuse:   [{from: [confirm, validate1, validate], call: action_refuse}]
dingtalk: {kind: approval, process_code: ` + bornCode + `}
direction: to_odoo
start: now
create: {odoo: true}
fields:
  - {odoo: employee_id,       dingtalk: originator_user_id, ref: employees, on: create}
  - {odoo: holiday_status_id, dingtalk: form.假期类型, lookup: {model: hr.leave.type, by: name}, on: create}
  - {odoo: date_from,         dingtalk: form.开始时间, convert: datetime, on: create}
  - {odoo: date_to,           dingtalk: form.结束时间, convert: datetime, on: create}
  - {odoo: number_of_days,    dingtalk: form.天数, on: create}
  - {odoo: name,              dingtalk: form.事由, on: create}
  - {odoo: state,             dingtalk: outcome, values: {agree: validate, refuse: refuse, terminate: refuse, revoke: refuse}}
`

// approvalMappings are the presets with their process codes, and the mapping of what is born in DingTalk.
func (d *demo) approvalMappings() (map[string]string, error) {
	out := map[string]string{"leave-requests": bornMapping}
	for name, code := range demoCodes {
		src, ok := mapping.Preset(name)
		if !ok {
			return nil, fmt.Errorf("there is no preset %s", name)
		}
		text := strings.Replace(string(src.Data), "'杂项'", "'记'", 1) // the journal of the stand-in's company
		out[name] = strings.Replace(text, "{kind: approval}", "{kind: approval, process_code: "+code+"}", 1)
	}
	return out, nil
}

// office is the stage with documents.
type office struct {
	*stage
	say      func(text, ...any) string
	business odootest.Business
	boss     string           // who approves everything
	nth      int              // of the leaves, so that none overlaps another
	made     map[string]int64 // documents of the present act
	instance string           // the approval of the present act
	born     map[string]int64 // leaves that were born in DingTalk, by their approval
	print    func(format string, args ...any)
}

// setApprovals gives the company what documents are made of, the templates, and the bridge's user the rights it needs.
func (d *demo) setApprovals() error {
	s := d.stage
	business, err := s.odoo.SeedBusiness()
	if err != nil {
		return err
	}
	boss, ok := s.userByMobile(s.co.people[0].mobile)
	if !ok {
		return errors.New("the head of the company is not in DingTalk")
	}
	d.office = &office{stage: s, say: d.say, business: business, boss: boss.UserID, made: map[string]int64{}, born: map[string]int64{}, print: d.printf}
	groups := []string{"hr_holidays.group_hr_holidays_manager", "hr_expense.group_hr_expense_manager", "purchase.group_purchase_user", "account.group_account_invoice"}
	if err := s.grant(groups...); err != nil {
		return err
	}
	if err := d.office.hireBuyer(); err != nil {
		return err
	}
	s.ding.Set(func(k *dingtalktest.Knobs) { k.WithdrawAfter = 400 * time.Millisecond })
	for _, t := range demoTemplates() {
		t.Flow = []dingtalktest.Node{{Name: "总经理", Users: []string{boss.UserID}}}
		s.ding.AddTemplate(t)
	}
	return s.admin.Write("res.company", 1, map[string]any{"po_double_validation": "two_step", "po_double_validation_amount": 0.0})
}

func demoTemplates() []dingtalktest.Template {
	field := func(kind, label string) dingtalktest.Component {
		return dingtalktest.Component{Type: kind, Label: label}
	}
	span := dingtalktest.Component{Type: "DDDateRangeField", Labels: []string{"开始时间", "结束时间"}, Format: "yyyy-MM-dd HH:mm"}
	marker := field("TextField", "单据编号")
	return []dingtalktest.Template{
		{Code: demoCodes["leave-approval"], Name: "请假申请", Marker: "单据编号", Components: []dingtalktest.Component{
			marker, field("TextField", "假期类型"), span, field("NumberField", "天数"), field("TextareaField", "事由"),
		}},
		{Code: demoCodes["expense-approval"], Name: "费用报销", Marker: "单据编号", Components: []dingtalktest.Component{
			marker, field("TextField", "报销事由"), field("MoneyField", "总金额"),
			{Type: "TableField", Label: "费用明细", Children: []dingtalktest.Component{field("TextField", "日期"), field("TextField", "说明"), field("NumberField", "金额")}},
		}},
		{Code: demoCodes["purchase-approval"], Name: "采购申请", Marker: "单据编号", Components: []dingtalktest.Component{
			marker, field("TextField", "采购单号"), field("TextField", "供应商"), field("MoneyField", "总金额"),
			{Type: "TableField", Label: "采购明细", Children: []dingtalktest.Component{field("TextField", "名称"), field("NumberField", "数量"), field("NumberField", "单价")}},
		}},
		{Code: demoCodes["travel-voucher"], Name: "差旅报销", Components: []dingtalktest.Component{
			{Type: "TableField", Label: "费用明细", Children: []dingtalktest.Component{
				{Type: "DDSelectField", Label: "费用类型", Options: []string{"交通", "住宿", "其他"}}, field("TextField", "说明"), field("MoneyField", "不含税金额"), field("MoneyField", "税额"),
			}},
		}},
		{Code: bornCode, Name: "请假", Components: []dingtalktest.Component{
			{Type: "DDSelectField", Label: "假期类型", Options: []string{"年假", "病假"}}, span, field("NumberField", "天数"), field("TextareaField", "事由"),
		}},
	}
}

// grant adds groups to the bridge's user.
func (s *stage) grant(groups ...string) error {
	users := s.odoo.Search("res.users", []any{[]any{"login", "=", stageLogin}})
	for _, g := range groups {
		id, err := s.admin.Call("ir.model.data", "xmlid_to_res_id", []any{g}, nil)
		if err != nil {
			return err
		}
		if err := s.admin.Write("res.users", users[0], map[string]any{"groups_id": []any{[]any{4, id}}}); err != nil {
			return err
		}
	}
	return nil
}

// hireBuyer makes one of the people a user of Odoo who may order, but not approve.
func (o *office) hireBuyer() error {
	_, err := o.enrol("buyer", 3, "purchase.group_purchase_user")
	return err
}

// enrol makes one of the company's people a user of Odoo, with groups.
func (s *stage) enrol(login string, nth int, groups ...string) (user int64, err error) {
	p := s.co.people[nth]
	if user = s.odoo.AddUser(login, login+"-of-the-stand-in", append([]string{"base.group_user"}, groups...)...); user == 0 {
		return 0, s.odoo.Err()
	}
	if err := s.admin.Write("res.users", user, map[string]any{"name": p.name, "email": p.email}); err != nil {
		return 0, err
	}
	if err := s.admin.Write("hr.employee", s.staff[nth], map[string]any{"user_id": user}); err != nil {
		return 0, err
	}
	again := map[string]any{"name": p.name, "work_email": p.email} // which the user's have replaced
	if p.manager >= 0 {
		again["parent_id"] = s.staff[p.manager]
	}
	return user, s.admin.Write("hr.employee", s.staff[nth], again)
}

// playApprovals waits for the people, lets them decide, does the same under misfortune, and compares.
func (d *demo) playApprovals(ctx context.Context, ended <-chan error) error {
	begin := time.Now()
	if err := d.untilEqual(ctx, ended, demoEqualWithin); err != nil {
		return err
	}
	d.tellEqual(begin)
	d.stage.ding.ResetJournal()
	d.printf("\n%s\n", d.say(txtDemoCalm))
	if err := d.playActs(ctx, ended, d.office.acts(d)); err != nil {
		return err
	}
	d.printf("\n%s\n", d.say(txtDemoRough))
	d.stage.misfortune(true)
	if err := d.playActs(ctx, ended, d.office.acts(d)); err != nil {
		return err
	}
	d.stage.misfortune(false)
	return d.judgeApprovals(ctx, ended)
}

// misfortune lets half of the events come twice, half in the wrong order, and a fifth never; or ends that.
func (s *stage) misfortune(begins bool) {
	s.ding.Set(func(k *dingtalktest.Knobs) {
		if k.Duplicate, k.Reorder, k.Lose = 0, 0, 0; begins {
			k.Duplicate, k.Reorder, k.Lose = 0.5, 0.5, 0.2
		}
	})
}

// playActs performs the acts, once or over and over.
func (d *demo) playActs(ctx context.Context, ended <-chan error, acts []func() (edit, error)) error {
	for {
		for _, next := range acts {
			if err := d.performCounted(ctx, ended, next); err != nil {
				return err
			}
		}
		if d.once {
			return nil
		}
		if !pause(ctx, demoBetween) {
			return ctx.Err()
		}
	}
}

// performCounted is perform with the number of counted calls to DingTalk that it took.
func (d *demo) performCounted(ctx context.Context, ended <-chan error, next func() (edit, error)) error {
	before := d.stage.ding.CountedCalls()
	if err := d.perform(ctx, ended, next); err != nil {
		return err
	}
	after := d.stage.ding.CountedCalls()
	d.printf("          %s\n", d.say(txtDemoCalls, after-before))
	show := d.after
	d.after = nil
	if show == nil {
		return nil
	}
	err := show(ctx)
	d.looks += d.stage.ding.CountedCalls() - after
	return err
}

// judgeApprovals compares every document with its approval, and tells what the calls were.
func (d *demo) judgeApprovals(ctx context.Context, ended <-chan error) error {
	var wrong []string
	err := d.await(ctx, ended, demoArriveWithin, 20*demoLook, func() bool {
		wrong = d.office.differences()
		return len(wrong) == 0
	})
	if err := d.tellDifferences(err, wrong); err != nil {
		return err
	}
	n := d.office.approvals()
	calls := d.stage.ding.CountedCalls() - d.looks
	d.tell(txtDemoDecided, n, calls, float64(calls)/float64(n))
	return d.inSync(ctx)
}

// tellDifferences tells what was wrong when the time was over.
func (d *demo) tellDifferences(err error, wrong []string) error {
	if !errors.Is(err, errLate) {
		return err
	}
	d.tell(txtDemoDiffers, len(wrong))
	for i, line := range wrong {
		if i == 20 {
			break
		}
		d.printf("  %s\n", line)
	}
	return &toldError{code: exitRemain}
}

// inSync prints the last line of the plan, after what is left to do.
func (d *demo) inSync(ctx context.Context) error {
	engine, err := d.world.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	counts, err := engine.PlanMappings(ctx, nil, func(p *bridge.Plan) error { d.printf("%s", p); return nil }, nil)
	if err != nil {
		return err
	}
	d.printf("\n$ dingbridge plan | tail -1\n%s\n", d.planEnd(counts, nil))
	if counts.Writes() > 0 {
		return &toldError{code: exitRemain}
	}
	return nil
}
