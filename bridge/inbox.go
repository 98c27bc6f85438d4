package bridge

import (
	"context"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// AddEvent stores an event durably before it is acknowledged; false when it was received before. The worker turns it into
// touches: an event never says what to do, only whom to look at.
func (e *Engine) AddEvent(ctx context.Context, ev InboxEvent) (fresh bool, err error) {
	if ev.Received.IsZero() {
		ev.Received = e.Now()
	}
	fresh, class, err := KeepEvent(ctx, e.Store, ev, e.Zone, e.ding.client.Counts)
	if err != nil {
		return false, err
	}
	if fresh {
		e.nudge()
	}
	if class != "" {
		e.Metrics.pushes.WithLabelValues(class).Inc()
	}
	return fresh, nil
}

// inboxPage is how many events are turned into touches in one transaction.
const inboxPage = 200

// drainInbox turns stored events into touches. It reports whether there was anything.
func (e *Engine) drainInbox(ctx context.Context) (bool, error) {
	any := false
	for {
		var events []InboxEvent
		if err := e.Store.View(ctx, func(tx Tx) (err error) {
			events, err = tx.PendingEvents(inboxPage)
			return err
		}); err != nil {
			return any, err
		}
		if len(events) == 0 {
			return any, nil
		}
		any = true
		if err := e.Store.Update(ctx, func(tx Tx) error { return e.handleEvents(tx, events) }); err != nil {
			return any, err
		}
	}
}

func (e *Engine) handleEvents(tx Tx, events []InboxEvent) error {
	done := make([]string, 0, len(events))
	for _, ev := range events {
		if err := e.handleEvent(tx, ev); err != nil {
			return err
		}
		e.Metrics.events.WithLabelValues(ev.Type).Inc()
		done = append(done, ev.ID)
	}
	return tx.EventsDone(done...)
}

// handleEvent touches the objects an event names, in every mapping of their kind. A removal event is also evidence.
func (e *Engine) handleEvent(tx Tx, ev InboxEvent) error {
	if withheld(ev) {
		e.handleWithheld(ev)
		return nil
	}
	if ev.Via != ViaFailedList && e.ding.client.Counts(ev.Type) {
		e.halts.worked(scopePushes) // one that counts came with its content
	}
	event := dingtalk.Event{ID: ev.ID, Type: ev.Type, Born: ev.Born, Data: ev.Data}
	switch ev.Type {
	case "user_add_org", "user_modify_org", "user_active_org", "user_leave_org", "org_admin_add", "org_admin_remove":
		return e.touchEvent(tx, "user", event.UserIDs(), ev, ev.Type == "user_leave_org")
	case "org_dept_create", "org_dept_modify", "org_dept_remove":
		return e.touchEvent(tx, "department", event.DepartmentIDs(), ev, ev.Type == "org_dept_remove")
	case "bpms_instance_change", "bpms_task_change":
		return e.touchApproval(tx, event)
	case "todo_task_update", "todo_task_delete": // todo_task_create tells of our own, or of what the API does not show
		return e.touchTodos(tx, event, ev)
	case "chat_add_member", "chat_remove_member", "chat_quit", "chat_update_owner", "chat_update_title", "chat_disband":
		return e.touchGroup(tx, event, ev)
	case dingtalk.TopicRobot:
		return e.touchRobot(tx, ev)
	case "calendar_event_change":
		return e.touchEvents(tx, event, ev)
	default:
		return nil // stored and acknowledged; no mapping asks for it
	}
}

func (e *Engine) touchEvent(tx Tx, kind string, ids []string, ev InboxEvent, removed bool) error {
	list := make([]ID, 0, len(ids))
	for _, id := range ids {
		if id == "" || (kind == "department" && (id == rootDepartment || id[0] == '-')) {
			continue
		}
		list = append(list, ID(id))
		if removed {
			e.ding.evidence.note(kind, ID(id), ev.Type+" of "+ev.Born.UTC().Format(time.RFC3339))
		}
	}
	for _, m := range e.mappings().ByKind(kind) {
		if err := touchRecords(tx, m, mapping.DingTalk, list, e.dueAfterEvent(removed)); err != nil {
			return err
		}
	}
	return nil
}

// dueAfterEvent says when a key that an event names is looked at. Within a few seconds DingTalk may still show what was before the
// event: it is looked at once more then. The echo of our own write is looked at only then, because what we wrote was read back.
func (e *Engine) dueAfterEvent(removed bool) func(Key) time.Time {
	now := e.Now()
	return func(k Key) time.Time {
		if end, echo := e.wrote.ends(k, now); echo && !removed {
			return end
		}
		e.told.note(now, k)
		return time.Time{}
	}
}
