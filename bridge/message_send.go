package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// partSizes are how many people, and how many departments, one call of a kind takes.
func partSizes(kind string, said map[string]string) (people, departments int) {
	switch kind {
	case "work_notice":
		if said["oa.status_bar.status_value"] != "" {
			return dingtalk.NoticeBarUsers, dingtalk.NoticeDepartments // which DingTalk refuses, and says so
		}
		return dingtalk.NoticeUsers, dingtalk.NoticeDepartments
	case "person_message":
		return dingtalk.RobotUsers, 0
	case "ding":
		if how := said["remindType"]; how == "" || how == strconv.FormatInt(dingtalk.DingInApp, 10) {
			return dingtalk.DingAppUsers, 0
		}
		return dingtalk.DingPhoneUsers, 0
	}
	return 1, 0
}

// repeatable says whether DingTalk takes a message only once however often it is sent: a notice of the same content on one day, a webhook's
// message by its msgUuid, one into a conversation by its cid.
func repeatable(kind string, first, now time.Time, zone *time.Location) bool {
	switch kind {
	case "work_notice":
		return first.In(zone).Format(time.DateOnly) == now.In(zone).Format(time.DateOnly)
	case "robot_message", "conversation_message":
		return true
	}
	return false
}

// delivery is what a creation needs to know of a message.
type delivery struct {
	parts []*Part
	safe  bool                       // a part may be sent again when no answer came
	room  int                        // of a notice: how many people may be told of something in this minute
	link  *Link                      // the parts are part of it
	store func(links ...*Link) error // all or none

	media      map[string]string // the ids of files that were uploaded, by the values that name them
	attachment func(ctx context.Context, token string) (name string, data []byte, err error)
}

// keep stores how far the sending has got.
func (d *delivery) keep() error { return d.store(d.link) }

// errNobodyKnows is the failure of a message of which nobody can tell whether a part of it was sent.
var errNobodyKnows = &Failure{Class: FailReject, Words: "no answer came, and dingtalk has nothing by which a message could be found again"}

// sendMessage sends the parts of a message that are left. What DingTalk refuses ends a part; what it does not answer to is tried again where
// that tells nobody twice, and is left to a person elsewhere.
func (s *dingSide) sendMessage(ctx context.Context, m *mapping.Mapping, c *creation) error {
	if err := s.uploadMedia(ctx, m.Kind, c); err != nil {
		return err
	}
	unknown := false
	for _, p := range c.told.parts {
		switch {
		case p.done():
			continue
		case p.Sending && !c.told.safe:
			unknown = true
			continue
		}
		if m.Kind == "work_notice" {
			if err := s.takeRoom(c.told, p.people()); err != nil {
				return err
			}
		}
		again := p.Sending
		p.Sending, p.Again = true, p.Again || again
		if err := c.told.keep(); err != nil {
			return err
		}
		err := s.sendPart(ctx, m, p, c.values)
		switch f := classify(err); {
		case f == nil:
			p.Sending, p.At = false, s.now()
		case f.Ambiguous && !c.told.safe, again && f.Class == FailReject && m.Kind == "conversation_message": // the first call may have used its cid
			unknown = true
			continue
		case f.Class == FailReject || f.Class == FailMissing:
			p.Sending, p.Refused = false, true
			p.missed("", f.Words)
		default:
			p.Sending = again || f.Ambiguous // then it is sent again, as the same
			return err
		}
		if err := c.told.keep(); err != nil {
			return err
		}
	}
	taken := slices.IndexFunc(c.told.parts, func(p *Part) bool { return p.ID != "" })
	if taken >= 0 {
		c.id = ID(c.told.parts[taken].ID)
	}
	switch {
	case unknown:
		return errNobodyKnows
	case taken >= 0:
		return nil
	}
	for _, p := range c.told.parts {
		if p.Refused {
			return reject("", p.Missed[""])
		}
	}
	return nil
}

// takeRoom takes the turn of some people, or fails when there is none in this minute: beyond NoticesPerMinute DingTalk answers success and
// tells nobody (发送工作通知).
func (s *dingSide) takeRoom(d *delivery, people int) error {
	s.noticed.mu.Lock()
	defer s.noticed.mu.Unlock()
	now := s.now()
	s.noticed.at = slices.DeleteFunc(s.noticed.at, func(n noticed) bool { return now.Sub(n.at) >= time.Minute || n.at.After(now) })
	sum := people
	for _, n := range s.noticed.at {
		sum += n.people
	}
	if people > d.room || sum > dingtalk.NoticesPerMinute {
		return &Failure{
			Class: FailRetry, Free: true, After: time.Minute, Side: mapping.DingTalk,
			Words: fmt.Sprintf("dingtalk tells %d people a minute; the rest is sent in the next one", dingtalk.NoticesPerMinute),
		}
	}
	d.room -= people
	s.noticed.at = append(s.noticed.at, noticed{now, people})
	return nil
}

// noticed is a notice that was sent to so many people.
type noticed struct {
	at     time.Time
	people int
}

// sendPart makes one call.
func (s *dingSide) sendPart(ctx context.Context, m *mapping.Mapping, p *Part, values map[string]any) error {
	message := messageOf(values)
	var res dingtalk.SendResult
	var err error
	switch m.Kind {
	case "work_notice":
		res, err = s.client.Notices.Send(ctx, dingtalk.NoticeReceivers{Users: p.Users, Departments: p.Departments, Everyone: p.Everyone}, message)
	case "person_message":
		res, err = s.client.Robots.SendToPersons(ctx, p.Users, message)
	case "ding":
		res, err = s.client.Dings.Send(ctx, p.Users, message)
	case "group_message":
		res, err = s.client.Robots.SendToGroup(ctx, message)
	case "conversation_message":
		res, err = s.client.Conversations.Send(ctx, message)
	case "robot_message":
		webhook, ok := s.webhooks[m.Message.Webhook]
		if !ok {
			return reject("", "the settings name no webhook "+m.Message.Webhook)
		}
		res.ID, err = message.Text("msgUuid"), s.client.Webhooks.Send(ctx, webhook, message)
	default:
		return reject("", "kind "+m.Kind+" cannot be sent yet")
	}
	if err != nil {
		return err
	}
	p.ID = res.ID
	for _, u := range res.Invalid {
		p.missed(u, "unknown to dingtalk, or outside the app's scope")
	}
	for _, u := range res.Throttled {
		p.missed(u, "gets too many messages at once")
	}
	for why, users := range res.Failed {
		for _, u := range users {
			p.missed(u, why)
		}
	}
	if p.ID == "" && len(p.Users) > 0 { // DingTalk names no message that went to nobody
		p.missed("", "all of them were left out")
	}
	return nil
}

// messageOf is what the raw values say.
func messageOf(values map[string]any) dingtalk.Object {
	message := dingtalk.Object{}
	for name, v := range values {
		if v != nil {
			message[name] = v
		}
	}
	return message
}

// recallMessage takes the parts of a message back. What DingTalk will not take back stays.
func (s *dingSide) recallMessage(ctx context.Context, m *mapping.Mapping, w *write) error {
	var errs []error
	var keys []string
	for _, p := range w.parts {
		if p.ID == "" {
			continue
		}
		switch m.Kind {
		case "work_notice":
			errs = append(errs, s.client.Notices.Recall(ctx, p.ID))
		case "ding":
			errs = append(errs, s.client.Dings.Recall(ctx, p.ID))
		default:
			keys = append(keys, p.ID)
		}
	}
	for some := range slices.Chunk(keys, dingtalk.RobotRecalls) {
		var failed map[string]string
		var err error
		if m.Kind == "group_message" {
			failed, err = s.client.Robots.RecallFromGroup(ctx, textOf(w.values["openConversationId"]), some...)
		} else {
			failed, err = s.client.Robots.RecallFromPersons(ctx, some...)
		}
		errs = append(errs, err)
		for key, why := range failed {
			errs = append(errs, reject("", key+" stays: "+why))
		}
	}
	return errors.Join(errs...)
}

// moveStatusBar changes the status bar of the parts of a notice.
func (s *dingSide) moveStatusBar(ctx context.Context, w *write) error {
	var errs []error
	for _, p := range w.parts {
		if p.ID == "" {
			continue
		}
		bar := dingtalk.Object{"task_id": p.ID}
		for _, name := range []string{"oa.status_bar.status_value", "oa.status_bar.status_bg"} {
			if v := w.values[name]; v != nil {
				bar[name] = v
			}
		}
		errs = append(errs, s.client.Notices.SetStatusBar(ctx, bar))
	}
	return errors.Join(errs...)
}
