package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// peopleScenario lets Odoo speak to people, in calm and under misfortune.
var peopleScenario = scenario{
	people: 270, guard: demoGuardLater,
	set: (*demo).setPeople, mappings: (*demo).peopleMappings,
	extra: func(d *demo) map[string]string {
		return map[string]string{
			"DINGBRIDGE_DINGTALK_WEBHOOKS": "sales", salesRobot: d.newsroom.robot, "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_SECRET": salesSecret,
			"DINGBRIDGE_DINGTALK_TIMEOUT": "5s",
		}
	},
	tune: func(o *bridge.Options) {
		o.SettleDing, o.RetryBase, o.Asleep = time.Second, 200*time.Millisecond, 2*time.Second
	},
	play: (*demo).playPeople,
}

// The presets of the scenario.
var peoplePresets = []string{"chatter", "order-confirmed", "leave-decided", "purchase-to-approve", "activity-digest", "invoice-due", "activity-todo", "channel-group", "channel-to-group", "robot-to-channel", "meetings"}

// The sales people's group, the secret of its robot, which guards nothing, and the setting of its address.
const (
	salesGroup  = "销售群"
	salesSecret = "SECsales"
	salesRobot  = "DINGBRIDGE_DINGTALK_WEBHOOKS_SALES_URL"
)

// ownMessages are mappings beside the presets: an announcement to whoever bears a tag, and what a group's own robot says.
const ownMessages = `
mapping: announcement
odoo:     {model: hr.employee.category, domain: [[name, "=like", "通知%"]]}
dingtalk: {kind: work_notice}
start: now
receivers: [{path: employee_ids}]
fields:
  - {dingtalk: text.content, value: "{{ name }}"}
---
mapping: order-in-group
odoo:     {model: sale.order, domain: [[state, in, [sale, done]]]}
dingtalk: {kind: robot_message, webhook: sales}
start: now
fields:
  - {dingtalk: text.content, value: "喜报：{{ user_id.name }} 签下 {{ name }}！"}
`

// peopleMappings are the presets and the mappings beside them.
func (d *demo) peopleMappings() (map[string]string, error) {
	out := map[string]string{"messages": ownMessages}
	for _, name := range peoplePresets {
		src, ok := mapping.Preset(name)
		if !ok {
			return nil, fmt.Errorf("there is no preset %s", name)
		}
		out[name] = string(src.Data)
	}
	return out, nil
}

// newsroom is the stage with people who work in Odoo.
type newsroom struct {
	*stage
	say          func(text, ...any) string
	business     odootest.Business
	cast         map[string]*reader // by login
	group        string             // the chatid of the sales people's group
	owed         []debt             // everything that anybody was to be told
	present      []debt             // of it, what the present act is about
	nth          int                // so that no two acts say the same
	made         map[string]int64   // documents, by act
	todos        []*chore
	clubs        []*club
	appointments []*appointment
	rough        bool // misfortunes happen
	clock        *demoClock
}

// reader is one of the company's people, as a user of Odoo and a member of DingTalk.
type reader struct {
	login, name, userid    string
	employee, uid, partner int64
	*odootest.Session
}

// debt is something that a person is to be told, once.
type debt struct {
	userid, words string
	recalled      bool
}

// roles are who works in Odoo, with what rights.
var roles = []struct {
	login  string
	groups []string
}{
	{"director", []string{"sales_team.group_sale_manager", "purchase.group_purchase_manager", "hr_holidays.group_hr_holidays_manager"}},
	{"seller", []string{"sales_team.group_sale_salesman_all_leads"}},
	{"assistant", []string{"sales_team.group_sale_salesman_all_leads"}},
	{"buyer", []string{"purchase.group_purchase_user"}},
}

// setPeople lets some people work in Odoo, makes the group of the sales people, and gives the bridge's user the rights it needs.
func (d *demo) setPeople() error {
	n := &newsroom{stage: d.stage, say: d.say, cast: map[string]*reader{}, made: map[string]int64{}, clock: &d.clock}
	d.newsroom = n
	var err error
	if n.business, err = n.odoo.SeedBusiness(); err != nil {
		return err
	}
	if err := n.grant("sales_team.group_sale_salesman_all_leads", "hr_holidays.group_hr_holidays_manager", "purchase.group_purchase_user", "account.group_account_invoice", "base.group_partner_manager"); err != nil {
		return err
	}
	for i, role := range roles {
		r, err := n.engage(role.login, 40+5*(i/3)+i%3, role.groups) // the third and fourth of five are not in DingTalk yet
		if err != nil {
			return err
		}
		n.cast[role.login] = r
	}
	n.meet()
	return n.admin.Write("res.company", 1, map[string]any{"po_double_validation": "two_step", "po_double_validation_amount": 0.0})
}

// meet makes the group of the sales people, with a robot of its own.
func (n *newsroom) meet() {
	group := dingtalktest.Group{Name: salesGroup}
	for _, role := range roles {
		group.Members = append(group.Members, n.cast[role.login].userid)
	}
	group.Owner = group.Members[0]
	n.group = n.ding.AddGroup(group)
	made, _ := n.ding.Group(n.group) // it was just made
	n.robot = n.ding.AddWebhook(dingtalktest.Webhook{Conversation: made.OpenConversationID, Secret: salesSecret})
}

// engage makes one of the people, who is in DingTalk already, a user of Odoo.
func (n *newsroom) engage(login string, nth int, groups []string) (*reader, error) {
	p := n.co.people[nth]
	member, ok := n.userByMobile(p.mobile)
	if !ok {
		return nil, fmt.Errorf("%s is not in DingTalk", p.name)
	}
	uid, err := n.enrol(login, nth, groups...)
	if err != nil {
		return nil, err
	}
	return &reader{
		login: login, name: p.name, userid: member.UserID, employee: n.staff[nth], uid: uid, partner: pairID(n.odoo.Get("res.users", uid)["partner_id"]), Session: n.odoo.As(login),
	}, nil
}

// owe notes that a person is to be told something.
func (n *newsroom) owe(words string, logins ...string) {
	for _, login := range logins {
		n.oweTo(n.cast[login].userid, words)
	}
}

func (n *newsroom) oweTo(userid, words string) {
	one := debt{userid: userid, words: words}
	n.owed, n.present = append(n.owed, one), append(n.present, one)
}

// oweGroup notes that every member of the sales people's group is to be told something there.
func (n *newsroom) oweGroup(words string) {
	for _, role := range roles {
		n.owe(words, role.login)
	}
}

// told says whether everybody has what the present act owes him.
func (n *newsroom) told() bool {
	for _, one := range n.present {
		if len(n.receipts(one)) == 0 {
			return false
		}
	}
	return true
}

// receipts are the messages with which a debt was paid.
func (n *newsroom) receipts(one debt) (out []dingtalktest.Receipt) {
	for _, r := range n.ding.Received(one.userid) {
		if strings.Contains(string(r.Content), one.words) {
			out = append(out, r)
		}
	}
	return out
}

// telling is an act that is over when everybody was told what it owes by so many messages, which do notes by owe. Under misfortune the
// answer to the first is lost, and it is sent once more.
func (n *newsroom) telling(what string, messages int, do func() error) edit {
	rough, before := n.rough, 0
	if rough {
		messages++
	}
	return edit{toDing, what, func() error {
		n.present, before = nil, n.sent()
		if rough {
			n.ding.Fail(func(r dingtalktest.Request) bool { return slices.Contains(sendPaths, r.Path) }, 1, dingtalktest.DropAfter)
		}
		return do()
	}, func() bool { return n.sent() >= before+messages && n.told() }}
}

// sendPaths are the calls that send a notice, and a message of a group's own robot.
var sendPaths = []string{"/topapi/message/corpconversation/asyncsend_v2", "/robot/send"}

// sent is how many messages were sent, repetitions included.
func (n *newsroom) sent() (calls int) {
	for _, path := range sendPaths {
		calls += n.ding.Calls(path)
	}
	return calls
}

// next is a number that no act had before.
func (n *newsroom) next() string {
	n.nth++
	return strconv.Itoa(n.nth)
}

// playPeople waits for the people, lets Odoo speak to them, does the same under misfortune, kills the daemon, shows what an administrator
// sees, moves the clock, and compares.
func (d *demo) playPeople(ctx context.Context, ended <-chan error) error {
	n := d.newsroom
	begin := time.Now()
	if err := d.untilEqual(ctx, ended, demoEqualWithin); err != nil {
		return err
	}
	d.tellEqual(begin)
	d.stage.ding.ResetJournal()
	d.printf("\n%s\n", d.say(txtPeopleCalm))
	if err := d.playActs(ctx, ended, n.acts(d)); err != nil {
		return err
	}
	d.printf("\n%s\n", d.say(txtPeopleRough))
	n.misfortune(true)
	if err := d.playActs(ctx, ended, n.acts(d)); err != nil {
		return err
	}
	n.misfortune(false)
	d.printf("\n%s\n", d.say(txtPeopleKill))
	if err := d.playKill(ctx, ended); err != nil {
		return err
	}
	d.printf("\n%s\n", d.say(txtPeopleHeld))
	if err := d.playActs(ctx, ended, n.troubles(ctx, d)); err != nil {
		return err
	}
	d.printf("\n%s\n", d.say(txtPeopleClock))
	if err := d.playActs(ctx, ended, n.mornings()); err != nil {
		return err
	}
	return d.judgePeople(ctx, ended)
}

// misfortune lets events go astray, and the answer to the first call of each act be lost; or ends that.
func (n *newsroom) misfortune(begins bool) {
	n.rough = begins
	n.ding.ClearFailures()
	n.stage.misfortune(begins)
}
