package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// answerInOdoo lets somebody answer an invitation in Odoo, which moves his own row and not the meeting.
func (d *diary) answerInOdoo(event, partner int64, state string) {
	d.t.Helper()
	for _, id := range d.people.Search("calendar.attendee", []any{[]any{"event_id", "=", event}, []any{"partner_id", "=", partner}}) {
		d.write("calendar.attendee", id, map[string]any{"state": state})
		return
	}
	d.t.Fatalf("partner %d does not attend %d", partner, event)
}

// said is what everybody answered to an event in DingTalk, the organizer apart.
func (d *diary) said(n int) string {
	d.t.Helper()
	var out []string
	for _, a := range d.event(n).Attendees {
		user, _ := d.ding.User(a.UserID)
		out = append(out, user.Name+" "+a.Response)
	}
	return strings.Join(sorted(out), ", ")
}

// invited is a meeting of 李四 with 张三 and 王五, who is not in DingTalk; both sides agree on it.
func invited(t *testing.T, edits ...func(string) string) (d *diary, id int64, ev string) {
	t.Helper()
	d = newDiary(t, edits...)
	id = d.meet("评审", nil, d.partnerZhang, d.partnerOutside)
	d.step()
	d.later(2 * time.Second)
	d.settled()
	return d, id, d.event(0).ID
}

// answers matches the call that answers an invitation.
func answers(r dingtalktest.Request) bool { return strings.HasSuffix(r.Path, "/respond") }

func TestAnAnswerGivenInOdooReachesDingTalk(t *testing.T) {
	d, id, _ := invited(t)
	written := text(d.meeting(id), "write_date")
	for _, answer := range []string{"accepted", "declined", "tentative", "needsAction"} {
		d.ding.ResetJournal()
		writes := d.ding.Writes()
		d.answerInOdoo(id, d.partnerZhang, answer)
		d.step()
		want(t, "answers", d.said(0), "张三 "+answer)
		want(t, "calls that change something", d.ding.Writes()-writes, 1)
		t.Log(d.ding.CountedCalls(), "counted calls of an answer")
		d.settled()
		d.ding.ResetJournal()
		d.step()
		want(t, "counted calls at rest", d.ding.CountedCalls(), 0)
		d.later(2 * time.Second)
	}
	want(t, "the meeting was written", text(d.meeting(id), "write_date"), written)
	want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang needsAction, 王五 needsAction")
	// What those answer who are not in DingTalk, and the organizer to himself, is nobody's business there.
	d.ding.ResetJournal()
	d.answerInOdoo(id, d.partnerOutside, "declined")
	d.answerInOdoo(id, d.partnerLi, "declined")
	d.step()
	want(t, "calls", d.ding.CountedCalls(), 0)
	want(t, "held", d.held(), "")
	d.settled()
}

func TestAnswersOnBothSidesAtOnce(t *testing.T) {
	d, id, ev := invited(t)
	third := d.ding.AddUser(dingtalktest.User{Name: "赵六", Mobile: "13800000006", Departments: []int64{1}, Active: true})
	d.step()
	employee := d.peopleWith("13800000006")[0]
	_, partner := d.user0(employee, "zhao", "赵六", "zhao@example.com")
	d.write("calendar.event", id, map[string]any{"partner_ids": []any{[]any{4, partner}}})
	d.step()
	d.later(2 * time.Second)
	d.answerInOdoo(id, d.partnerZhang, "accepted")
	must(t, d.ding.RespondEvent(third, ev, "declined"))
	d.step()
	want(t, "answers in DingTalk", d.said(0), "张三 accepted, 赵六 declined")
	want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang accepted, zhao declined, 王五 needsAction")
	want(t, "held", d.held(), "")
	d.settled()
}

func TestTwoAnswersOfOnePerson(t *testing.T) {
	rule := func(rule string) func(string) string {
		return func(yaml string) string { return strings.Replace(yaml, "conflict: odoo", "conflict: "+rule, 1) }
	}
	for _, c := range []struct{ rule, want string }{{"odoo", "accepted"}, {"dingtalk", "declined"}} {
		t.Run(c.rule, func(t *testing.T) {
			d, id, ev := invited(t, rule(c.rule))
			d.answerInOdoo(id, d.partnerZhang, "accepted")
			must(t, d.ding.RespondEvent(d.uZhang, ev, "declined"))
			d.step()
			want(t, "answer in DingTalk", d.said(0), "张三 "+c.want)
			want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang "+c.want+", 王五 needsAction")
			d.settled()
		})
	}
	t.Run("hold", func(t *testing.T) {
		d, id, ev := invited(t, rule("hold"))
		d.answerInOdoo(id, d.partnerZhang, "accepted")
		must(t, d.ding.RespondEvent(d.uZhang, ev, "declined"))
		d.step()
		d.wantHeld("conflict on responses")
		want(t, "answer in DingTalk", d.said(0), "张三 declined")
		want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang accepted, 王五 needsAction")
		_, err := bridge.Resolve(d.ctx, d.store, d.set(), ref(mapping.Odoo, "calendar.event", id), "responses", mapping.Odoo)
		must(t, err)
		d.step()
		want(t, "answer in DingTalk", d.said(0), "张三 accepted")
		want(t, "held", d.held(), "")
		d.settled()
	})
}

func TestWhoIsInvitedAndHasAnsweredInOdoo(t *testing.T) {
	d := newDiary(t)
	id := d.meet("评审", nil, d.partnerZhang)
	d.answerInOdoo(id, d.partnerZhang, "accepted")
	d.step()
	want(t, "answers", d.said(0), "张三 accepted")
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"partner_ids": []any{[]any{3, d.partnerZhang}}})
	d.step()
	want(t, "answers", d.said(0), "")
	d.later(2 * time.Second)
	d.write("calendar.event", id, map[string]any{"partner_ids": []any{[]any{4, d.partnerZhang}}})
	d.answerInOdoo(id, d.partnerZhang, "tentative")
	d.step()
	want(t, "answers", d.said(0), "张三 tentative")
	want(t, "held", d.held(), "")
	d.settled()
}

func TestAnAnswerWhoseOutcomeIsUnknown(t *testing.T) {
	for _, how := range []dingtalktest.Failure{dingtalktest.DropAfter, dingtalktest.DropBefore} {
		t.Run(fmt.Sprint(how), func(t *testing.T) {
			d, id, _ := invited(t)
			d.ding.Fail(answers, 1, how)
			d.answerInOdoo(id, d.partnerZhang, "accepted")
			d.step()
			d.untilCalm()
			want(t, "answers", d.said(0), "张三 accepted")
			want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang accepted, 王五 needsAction")
			want(t, "held", d.held(), "")
			d.settled()
		})
	}
}

// Who took the event out of his own calendar cannot answer any more.
func TestAnAnswerThatDingTalkRefuses(t *testing.T) {
	d, id, ev := invited(t)
	must(t, d.ding.DeleteEvent(d.uZhang, ev))
	d.step()
	d.answerInOdoo(id, d.partnerZhang, "accepted")
	d.write("calendar.event", id, map[string]any{"location": "三号会议室"})
	d.step()
	d.wantHeld("dingtalk refused responses")
	want(t, "place", d.event(0).Location, "三号会议室")
	d.answerInOdoo(id, d.partnerZhang, "needsAction")
	d.step()
	want(t, "held", d.held(), "")
	d.settled()
}

// A mapping of one's own may only take answers from DingTalk.
func TestAnswersToOdooOnly(t *testing.T) {
	d, id, ev := invited(t, func(yaml string) string {
		return strings.Replace(yaml, "convert: responses}", "convert: responses, direction: to_odoo}", 1)
	})
	d.answerInOdoo(id, d.partnerZhang, "accepted")
	d.step()
	want(t, "answers", d.said(0), "张三 needsAction")
	want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang accepted, 王五 needsAction")
	must(t, d.ding.RespondEvent(d.uZhang, ev, "declined"))
	d.step()
	want(t, "answers in Odoo", d.answers(id), "li needsAction, zhang declined, 王五 needsAction")
	d.settled()
}
