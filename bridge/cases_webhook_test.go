package bridge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

const webhookYAML = `
mapping: department-notice
odoo:     {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: robot_message, webhook: 运维群}
start: now
fields:
  - {dingtalk: text.content, value: "{{ name }}：{{ note }}"}
`

// robotTold is the small company with a group that has a robot of its own, into which the mapping writes.
type robotTold struct {
	*one
	robot string // its address
}

func webhookWorld(t *testing.T, yaml string) *robotTold {
	w := newWorldAs(t, nil, append(presets(t), mapping.Source{File: "notice.yaml", Data: []byte(yaml)})...)
	boss := w.ding.AddUser(dingtalktest.User{Name: "老板", Mobile: "13900000001"})
	group, _ := w.ding.Group(w.ding.AddGroup(dingtalktest.Group{Name: "运维", Owner: boss, Members: []string{boss}}))
	address := w.ding.AddWebhook(dingtalktest.Webhook{Conversation: group.OpenConversationID, Secret: "SECxyz"})
	w.options = func(o *bridge.Options) {
		hook, err := dingtalk.NewWebhook("运维群", address, "SECxyz")
		must(t, err)
		o.Webhooks = map[string]dingtalk.Webhook{"运维群": hook}
		o.Now = w.now
	}
	w.reopen()
	return &robotTold{staffed(w), address}
}

// news gives departments something to be told of.
func (o *one) news(from, to int, note string) {
	o.t.Helper()
	for i := from; i < to; i++ {
		o.write("hr.department", o.department(fmt.Sprintf("部门%03d", i), o.hq, 0), map[string]any{"note": note})
	}
}

// wantOnce insists that each department's news stands in exactly one message, and returns how many of them each message has, in order.
func (o *one) wantOnce(from, to int, note string) (sizes []int) {
	o.t.Helper()
	told := map[string]int{}
	var order []string
	for _, m := range o.ding.Messages() {
		var said struct{ Text struct{ Content string } }
		must(o.t, json.Unmarshal(m.Content, &said))
		lines := strings.Split(said.Text.Content, "\n")
		for _, line := range lines {
			told[line]++
			order = append(order, line)
		}
		sizes = append(sizes, len(lines))
	}
	want(o.t, "in their order", slices.IsSorted(order), true)
	for i := from; i < to; i++ {
		if words := fmt.Sprintf("部门%03d：%s", i, note); told[words] != 1 {
			o.t.Errorf("%s was told %d times", words, told[words])
		}
	}
	return sizes
}

func webhookCalls(r dingtalktest.Request) bool { return r.Path == "/robot/send" }

// TestAWebhookTakesTwentyAMinute: what finds no room is told in one message; nothing is lost, nothing waits, nothing comes twice.
func TestAWebhookTakesTwentyAMinute(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.news(0, 25, "新")
	o.turn()
	want(t, "sizes", fmt.Sprint(o.wantOnce(0, 25, "新")), fmt.Sprint(append(slices.Repeat([]int{1}, 19), 6)))
	o.settled()

	// In the same minute there is no room for more: the next one has it, and again some are told together.
	o.news(25, 50, "新")
	o.turn()
	want(t, "messages", len(o.ding.Messages()), 20)
	o.later(time.Minute)
	o.turn()
	want(t, "sizes", fmt.Sprint(o.wantOnce(0, 50, "新")[20:]), fmt.Sprint(append(slices.Repeat([]int{1}, 19), 6)))
	want(t, "told twice", len(o.ding.Duplicates()), 0)
	o.settled()

	x, err := o.engine.Explain(o.ctx, ref("odoo", "hr.department", o.deptIDs("部门049")[0]))
	must(t, err)
	want(t, "explained", strings.Contains(fmt.Sprint(x), "in one message with 5 others"), true)
}

// TestAJoinedMessageIsGoneOnWithAfterAnInterruption: whoever of the joined comes up next, and whatever became of the call, all are told
// once, as they were then.
func TestAJoinedMessageIsGoneOnWithAfterAnInterruption(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Failure{"the answer is lost": dingtalktest.DropAfter, "the call is lost": dingtalktest.DropBefore} {
		t.Run(name, func(t *testing.T) {
			o := webhookWorld(t, webhookYAML)
			o.news(0, 30, "新")
			o.ding.Fail(func(r dingtalktest.Request) bool {
				return webhookCalls(r) && strings.Contains(string(r.Body), "部门029")
			}, 1, fault)
			o.turn()
			o.write("hr.department", o.deptIDs("部门029")[0], map[string]any{"note": "改"})
			options := o.options
			o.options = func(opts *bridge.Options) { options(opts); opts.BatchSize = 3 }
			o.reopen()
			for range 3 {
				o.later(time.Minute)
				o.turn()
			}
			sizes := o.wantOnce(0, 30, "新")
			want(t, "sizes", fmt.Sprint(sizes), fmt.Sprint(append(slices.Repeat([]int{1}, 19), 11)))
			o.settled()
		})
	}
}

// TestAMessageThatMayHaveComeIsNotJoined: an answer was lost, and then there was no room to ask again. It stays what it was: told together
// with others it would come twice.
func TestAMessageThatMayHaveComeIsNotJoined(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.news(0, 1, "新")
	o.turn()
	o.later(10 * time.Second)
	o.news(1, 20, "新")
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return webhookCalls(r) && strings.Contains(string(r.Body), "部门001")
	}, 1, dingtalktest.DropAfter)
	must(t, o.engine.Step(o.ctx, 10*time.Millisecond))
	o.later(10 * time.Second)
	o.turn() // there is no room in this minute
	want(t, "messages", len(o.ding.Messages()), 20)
	o.news(20, 40, "新")
	o.later(41 * time.Second) // there is for one
	o.turn()
	o.later(time.Minute)
	o.turn()
	o.wantOnce(0, 40, "新")
	o.settled()
}

// TestAJoinedMessageThatIsRefusedIsTakenApart: a word that DingTalk refuses keeps no other record from being told.
func TestAJoinedMessageThatIsRefusedIsTakenApart(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"违禁"} })
	o.news(0, 22, "新")
	o.news(22, 23, "违禁")
	o.news(23, 25, "新")
	o.turn()
	for range 2 {
		o.later(time.Minute)
		o.turn()
	}
	o.wantOnce(0, 22, "新")
	o.wantOnce(23, 25, "新")
	want(t, "messages", len(o.ding.Messages()), 24)
	o.wantHeld("430102")
}

// TestAJoinedMessageThatIsRefusedAfterALostAnswerIsHeld: nobody knows whether the first call was taken; a person does.
func TestAJoinedMessageThatIsRefusedAfterALostAnswerIsHeld(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.news(0, 22, "新")
	o.ding.Fail(func(r dingtalktest.Request) bool {
		return webhookCalls(r) && strings.Contains(string(r.Body), "部门021")
	}, 1, dingtalktest.DropAfter)
	o.turn() // there is no room for a second call in this minute
	o.ding.Set(func(k *dingtalktest.Knobs) { k.SensitiveWords = []string{"部门020"} })
	o.later(time.Minute)
	o.turn()
	want(t, "sizes", fmt.Sprint(o.wantOnce(0, 22, "新")), fmt.Sprint(append(slices.Repeat([]int{1}, 19), 3)))
	o.wantHeld("nobody knows whether it was sent")
}

// TestARestartedBridgeKeepsWithinTheMinute: DingTalk bars a robot that does not, for ten minutes.
func TestARestartedBridgeKeepsWithinTheMinute(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.news(0, 25, "新")
	o.turn()
	o.reconnect() // another process knows nothing of what this one has sent
	o.reopen()
	o.sync()
	o.news(25, 35, "新")
	o.turn()
	want(t, "messages", len(o.ding.Messages()), 20)
	o.later(time.Minute)
	o.turn()
	want(t, "sizes", fmt.Sprint(o.wantOnce(0, 35, "新")[20:]), fmt.Sprint(slices.Repeat([]int{1}, 10)))
	want(t, "refused", o.held(), "")
}

// TestAGroupThatIsGoneIsAskedOnce: what is true of one message is true of the rest. They wait, and are told when the group has a robot again.
func TestAGroupThatIsGoneIsAskedOnce(t *testing.T) {
	o := webhookWorld(t, webhookYAML)
	o.ding.EditWebhook(o.robot, func(w *dingtalktest.Webhook) { w.Stopped = true })
	calls := o.ding.Calls("/robot/send")
	o.news(0, 8, "新")
	must(t, o.engine.Step(o.ctx, 0))
	want(t, "calls", o.ding.Calls("/robot/send")-calls, 1)
	o.ding.EditWebhook(o.robot, func(w *dingtalktest.Webhook) { w.Stopped = false })
	o.later(time.Hour)
	o.turn()
	want(t, "sizes", fmt.Sprint(o.wantOnce(0, 8, "新")), "[1 1 1 1 1 1 1 1]")
	o.settled()
}

// turn is a step that waits for no other minute.
func (o *one) turn() {
	o.t.Helper()
	must(o.t, o.ding.FlushEvents(o.ctx))
	must(o.t, o.engine.Step(o.ctx, 100*time.Millisecond))
}
