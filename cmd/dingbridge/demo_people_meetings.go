package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

var (
	txtMeetMade      = tr("%s invites %s to %s in odoo: in their calendars in dingtalk", "%s 在 odoo 邀请 %s 参加 %s：进入双方的钉钉日程")
	txtMeetMoved     = tr("%s moves it by an hour in dingtalk: moved in odoo", "%s 在钉钉推迟一小时：odoo 中随之修改")
	txtMeetDeclined  = tr("%s declines it in dingtalk: so he has in odoo", "%s 在钉钉谢绝：odoo 中的答复随之更新")
	txtMeetCancelled = tr("%s cancels it in odoo: cancelled in dingtalk", "%s 在 odoo 取消会议：钉钉日程已取消")
	txtMeetDropped   = tr("%s cancels it in dingtalk: archived in odoo", "%s 在钉钉取消日程：odoo 中已归档")
)

// appointment is a meeting with its event.
type appointment struct {
	meeting   int64
	name      string
	start     time.Time
	answer    string // of the assistant
	cancelled bool
}

// meetings are the acts about meetings and events.
func (n *newsroom) meetings(d *demo) []func() (edit, error) {
	invite := func() (edit, error) { return n.invite(d) }
	return []func() (edit, error){
		invite, func() (edit, error) { return n.move(d) }, func() (edit, error) { return n.decline(d) }, n.callOff,
		invite, func() (edit, error) { return n.callOffInDing(d) },
	}
}

// appointment is the one of the present acts.
func (n *newsroom) appointment() *appointment { return n.appointments[len(n.appointments)-1] }

// event is the event of a meeting.
func (n *newsroom) event(a *appointment) dingtalktest.CalendarEvent {
	for _, e := range n.ding.CalendarEvents() {
		if e.Summary == a.name {
			return e
		}
	}
	return dingtalktest.CalendarEvent{}
}

// agreed says whether both sides have the appointment as it is to be.
func (n *newsroom) agreed(a *appointment) bool {
	e, rec := n.event(a), n.odoo.Get("calendar.event", a.meeting)
	if e.Cancelled != a.cancelled || (rec != nil && rec["active"] == true) == a.cancelled {
		return false
	}
	return a.cancelled || e.Organizer == n.cast["seller"].userid && len(e.Attendees) == 1 && e.Attendees[0].UserID == n.cast["assistant"].userid &&
		e.Attendees[0].Response == a.answer && n.answer(a) == a.answer && e.Start.Equal(a.start) && textOf(rec["start"]) == a.start.UTC().Format(demoDate)
}

// answer is the assistant's in Odoo.
func (n *newsroom) answer(a *appointment) string {
	for _, id := range n.odoo.Search("calendar.attendee", []any{[]any{"event_id", "=", a.meeting}, []any{"partner_id", "=", n.cast["assistant"].partner}}) {
		return textOf(n.odoo.Get("calendar.attendee", id)["state"])
	}
	return ""
}

// invite lets the seller invite the assistant. Under misfortune the answer to the event's creation is lost.
func (n *newsroom) invite(d *demo) (edit, error) {
	seller, assistant := n.cast["seller"], n.cast["assistant"]
	start := n.clock.now().AddDate(0, 0, 7).Truncate(time.Hour).UTC()
	n.appointments = append(n.appointments, &appointment{name: "第" + n.next() + "次评审", start: start, answer: "needsAction"})
	a, rough := n.appointment(), n.rough
	return edit{toDing, n.say(txtMeetMade, seller.name, assistant.name, a.name), func() (err error) {
		if rough {
			n.ding.Fail(func(r dingtalktest.Request) bool {
				return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/events")
			}, 1, dingtalktest.DropAfter)
		}
		a.meeting, err = seller.Create("calendar.event", map[string]any{
			"name": a.name, "start": start.Format(demoDate), "stop": start.Add(time.Hour).Format(demoDate), "user_id": seller.uid,
			"partner_ids": []any{[]any{6, 0, []int64{seller.partner, assistant.partner, n.business.Customer}}},
		})
		return err
	}, func() bool { return n.agreed(a) && d.linked("meetings", a.meeting) }}, nil
}

// move lets the seller move the event.
func (n *newsroom) move(d *demo) (edit, error) {
	a := n.appointment()
	return d.comparedEarly(edit{toOdoo, n.say(txtMeetMoved, n.cast["seller"].name), func() error {
		a.start = a.start.Add(time.Hour)
		return n.ding.EditEvent(n.event(a).ID, func(e *dingtalktest.CalendarEvent) { e.Start, e.End = e.Start.Add(time.Hour), e.End.Add(time.Hour) })
	}, func() bool { return n.agreed(a) }}, "meetings"), nil
}

func (n *newsroom) decline(d *demo) (edit, error) {
	a, assistant := n.appointment(), n.cast["assistant"]
	return d.comparedEarly(edit{toOdoo, n.say(txtMeetDeclined, assistant.name), func() error {
		a.answer = "declined"
		return n.ding.RespondEvent(assistant.userid, n.event(a).ID, a.answer)
	}, func() bool { return n.agreed(a) }}, "meetings"), nil
}

func (n *newsroom) callOff() (edit, error) {
	a, seller := n.appointment(), n.cast["seller"]
	return edit{toDing, n.say(txtMeetCancelled, seller.name), func() error {
		a.cancelled = true
		return seller.Write("calendar.event", a.meeting, map[string]any{"active": false})
	}, func() bool { return n.agreed(a) }}, nil
}

func (n *newsroom) callOffInDing(d *demo) (edit, error) {
	a, seller := n.appointment(), n.cast["seller"]
	return d.comparedEarly(edit{toOdoo, n.say(txtMeetDropped, seller.name), func() error {
		a.cancelled = true
		return n.ding.DeleteEvent(seller.userid, n.event(a).ID)
	}, func() bool { return n.agreed(a) }}, "meetings"), nil
}

// wrongMeetings are the meetings that differ from their events.
func (n *newsroom) wrongMeetings() []string {
	var out []string
	if made := len(n.ding.CalendarEvents()); made != len(n.appointments) {
		out = append(out, fmt.Sprintf("%d events of %d meetings", made, len(n.appointments)))
	}
	for _, a := range n.appointments {
		if !n.agreed(a) {
			e, rec := n.event(a), n.odoo.Get("calendar.event", a.meeting)
			out = append(out, fmt.Sprintf("%s: cancelled %t; in dingtalk at %s, cancelled %t; in odoo at %s, active %v, %s", a.name, a.cancelled, e.Start, e.Cancelled, textOf(rec["start"]), rec["active"], n.answer(a)))
		}
	}
	return out
}
