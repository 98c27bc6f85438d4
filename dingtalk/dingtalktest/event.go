package dingtalktest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// EventState tells what became of an event.
type EventState string

// The states of an event.
const (
	EventWaiting   EventState = "waiting"   // not yet sent, or not yet answered
	EventDelivered EventState = "delivered" // the app answered success
	EventLost      EventState = "lost"      // dropped by Knobs.Lose
	EventUnheard   EventState = "unheard"   // no callback was set and nobody was connected
	EventMuted     EventState = "muted"     // not subscribed, or made inside Quiet
	EventFailed    EventState = "failed"    // given up after the last retry
)

// eventLimit is how many events the journal keeps.
const eventLimit = 200_000

// Event is one event with the state of its delivery.
type Event struct {
	ID, Type string
	Born     time.Time       // on the server's clock
	Data     json.RawMessage // as in a Stream frame: lowerCamel keys
	State    EventState
	Sends    int // times it was sent, duplicates and retries included

	open int // deliveries under way
}

// eventLog is all about events that needs the server's lock.
type eventLog struct {
	list   []*Event
	run    string // makes ids of this server unlike those of another
	seq    int
	open   int // deliveries under way
	quiet  int
	held   []*delivery
	failed []*Event // the failed list, oldest first
}

// delivery is one way of an event to the app; a duplicated event has two.
type delivery struct {
	event     *Event
	sends     int
	messageID string
	done      bool
}

// freeEvents never count against the quota (DingTalk document 不纳入使用量限制的事件清单).
var freeEvents = map[string]bool{
	"user_add_org": true, "user_modify_org": true, "user_leave_org": true, "user_active_org": true,
	"org_dept_create": true, "org_dept_modify": true, "org_dept_remove": true, "org_change": true,
	"label_user_change": true, "label_conf_add": true, "label_conf_modify": true, "label_conf_del": true,
	"org_admin_add": true, "org_admin_remove": true,
}

// Emit makes DingTalk push an event of any type, with data as in a Stream frame (a JSON object). It returns the
// event's id, or "" when data is no JSON object.
func (s *Server) Emit(eventType string, data any) (eventID string) {
	text, err := json.Marshal(data)
	if err != nil {
		return ""
	}
	object, err := parseObject(string(text))
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emit(eventType, object)
}

// Quiet runs f without emitting events, for setting up a corp that existed before anybody listened. Changes made
// meanwhile by others are quiet too.
func (s *Server) Quiet(f func()) {
	s.mu.Lock()
	s.events.quiet++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.events.quiet--
		s.mu.Unlock()
	}()
	f()
}

// Events returns the journal of events, oldest first; at most the last 200,000.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Event, len(s.events.list))
	for i, e := range s.events.list {
		out[i] = *e
	}
	return out
}

// FlushEvents waits until every event was delivered, given up (and then stands in the failed list) or will never be
// sent. Events that HoldWithoutClients keeps are waited for.
func (s *Server) FlushEvents(ctx context.Context) error {
	return s.waitFor(ctx, func() bool { return s.events.open == 0 })
}

// emit journals an event and starts its way to the app; the lock is held.
func (s *Server) emit(eventType string, data map[string]any) string {
	text, err := json.Marshal(data)
	if err != nil {
		return ""
	}
	log := &s.events
	log.seq++
	e := &Event{
		ID: fmt.Sprintf("%s%012d", log.run, log.seq), Type: eventType, Born: s.now(), Data: text, State: EventWaiting,
	}
	if len(log.list) >= eventLimit {
		log.list = append([]*Event(nil), log.list[eventLimit/2:]...)
	}
	log.list = append(log.list, e)
	s.schedule(e)
	return e.ID
}

// schedule throws the dice for an event and sets off its deliveries.
func (s *Server) schedule(e *Event) {
	k := &s.knobs
	lose, duplicate, reorder := s.dice.Float64() < k.Lose, s.dice.Float64() < k.Duplicate, s.dice.Float64() < k.Reorder
	switch {
	case s.events.quiet > 0 || k.MutedEvents[e.Type]:
		e.State = EventMuted
		return
	case s.push.url == "" && !k.HoldWithoutClients && s.streams.pick(s.dice) == nil:
		e.State = EventUnheard
		return
	case lose:
		e.State = EventLost
		return
	}
	delay := k.EventDelay
	if reorder {
		delay += s.someTime(k.ReorderWithin)
	}
	s.setOff(e, delay)
	if duplicate {
		s.setOff(e, delay+s.someTime(k.ReorderWithin))
	}
}

func (s *Server) someTime(most time.Duration) time.Duration {
	return time.Duration(s.dice.Int64N(int64(max(most, 1)))) + 1
}

func (s *Server) setOff(e *Event, delay time.Duration) {
	d := &delivery{event: e}
	e.open++
	s.events.open++
	s.timers.after(delay, func() { s.dispatch(d) })
}

// dispatch sends a delivery by whichever way the app listens now.
func (s *Server) dispatch(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.done:
	case s.push.url != "" && !s.push.wants(d.event.Type):
		s.settle(d, EventMuted)
	case s.push.url != "":
		s.lane.after(0, func() { s.sendPush(d) })
	default:
		s.sendFrame(d)
	}
}

// settle ends a delivery; the lock is held. An event with two deliveries is delivered when one is.
func (s *Server) settle(d *delivery, state EventState) {
	if d.done {
		return
	}
	d.done = true
	delete(s.streams.awaiting, d.messageID)
	d.event.open--
	s.events.open--
	if state == EventDelivered || d.event.open == 0 && d.event.State == EventWaiting {
		d.event.State = state
	}
	s.bump()
}

// giveUp ends a delivery that failed for good and, for callbacks, puts the event into the failed list.
func (s *Server) giveUp(d *delivery, listed bool) {
	if !listed || d.event.State == EventDelivered {
		s.settle(d, EventFailed)
		return
	}
	s.timers.after(s.knobs.FailedListDelay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events.failed = append(s.events.failed, d.event)
		s.settle(d, EventFailed)
	})
}

// charge counts a push of the event against the quota and tells whether it arrives as errCode 20001 without content.
func (s *Server) charge(e *Event) bool {
	if freeEvents[e.Type] && !s.knobs.CountContacts {
		return false
	}
	used := s.used(s.now())
	if s.knobs.PushQuotaExhausted || s.knobs.PushQuota > 0 && used.pushes >= s.knobs.PushQuota {
		return true
	}
	used.pushes++
	return false
}

// quotaBody is what a push over the quota carries instead of its content.
func quotaBody() map[string]any {
	return map[string]any{"errCode": 20001, "errMsg": "事件推送量已超出当月额度"}
}

// failedResult is GET /call_back/get_call_back_failed_result (获取推送失败的事件列表).
func (s *Server) failedResult(*call) (any, *Refusal) {
	n := min(len(s.events.failed), max(s.knobs.FailedListPage, 1))
	list := make([]any, 0, n)
	for _, e := range s.events.failed[:n] {
		content := map[string]any{"corpid": s.corpID}
		maps.Copy(content, failedContent(e))
		list = append(list, map[string]any{"call_back_tag": e.Type, "event_time": e.Born.UnixMilli(), e.Type: content})
	}
	more := n < len(s.events.failed)
	if !s.knobs.FailedListKeeps {
		s.events.failed = append([]*Event(nil), s.events.failed[n:]...)
	}
	return topLevel{"has_more": more, "failed_list": list}, nil
}

// failedContent is an event's data as the failed list nests it: people plainly, roles, approvals and the rest each
// under a key of their own.
func failedContent(e *Event) map[string]any {
	data, err := parseObject(string(e.Data))
	if err != nil {
		return map[string]any{}
	}
	if ids, ok := data["userId"]; ok {
		return map[string]any{"userid": ids}
	}
	switch e.Type {
	case "label_user_change", "label_conf_add", "label_conf_modify", "label_conf_del":
		return map[string]any{"roleLabelChange": data}
	case "bpms_instance_change", "bpms_task_change":
		return map[string]any{"bpmsCallBackData": data}
	}
	return map[string]any{"callbackData": data}
}
