package bridge

import (
	"context"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// payload says whether a kind's objects are what was pushed: they are kept in the inbox and can be read nowhere else, nor listed.
func payload(kind string) bool {
	k, _ := dingtalk.KindByName(kind)
	return k.Payload
}

// kept is an event as the inbox keeps it: of a message to the robot, without the address to answer to.
func kept(ev InboxEvent) InboxEvent {
	if ev.Type == dingtalk.TopicRobot {
		ev.Data = dingtalk.WithoutSession(ev.Data)
	}
	return ev
}

// touchRobot makes a message to the robot due in every mapping of what is said to it.
func (e *Engine) touchRobot(tx Tx, ev InboxEvent) error {
	for _, m := range e.mappings().ByKind(dingtalk.RobotInboxKind.Name) {
		if err := touchRecords(tx, m, mapping.DingTalk, []ID{ID(ev.ID)}, atOnce); err != nil {
			return err
		}
	}
	return nil
}

// lookKept finds messages in the inbox.
func (s *dingSide) lookKept(ctx context.Context, kind dingtalk.Kind, ids []ID) (map[ID]Seen, error) {
	out := make(map[ID]Seen, len(ids))
	return out, s.store.View(ctx, func(tx Tx) error {
		for _, id := range ids {
			ev, err := tx.Event(string(id))
			if err != nil {
				return err
			}
			out[id] = seenKept(kind, id, ev)
		}
		return nil
	})
}

func seenKept(kind dingtalk.Kind, id ID, ev *InboxEvent) Seen {
	if ev == nil {
		return Seen{ID: id, Existence: Unseen, Why: "no longer kept"}
	}
	message, err := dingtalk.ParseRobotMessage(ev.Data)
	if err != nil {
		return Seen{ID: id, Existence: Unseen, Why: err.Error()}
	}
	return Seen{ID: id, Existence: Present, Record: recordOf(kind, message.Object(), nil, false)}
}

// surveyKept gives the messages that are not carried over yet: nothing lists them, and those that were are history.
func (s *sweep) surveyKept(ctx context.Context) error {
	s.stmt.Complete, s.stmt.Why = false, "what was said is pushed once and listed nowhere"
	return s.e.Store.View(ctx, func(tx Tx) error {
		for _, state := range []LinkState{Held, Creating} {
			links, err := tx.LinksIn(s.m.Name, state)
			if err != nil {
				return err
			}
			for _, l := range links {
				s.keys = append(s.keys, l.Key())
			}
		}
		return nil
	})
}

// settleKept ends the link of a message that was carried over: nothing about it changes any more.
func (b *batch) settleKept(t *task) {
	if l := t.plan.Link; payload(b.m.Kind) && l != nil && l.State == Linked && t.fail == nil {
		l.State, t.plan.Settle = Settled, "carried over"
	}
}

// pruneKept forgets the links of messages that the inbox forgets: those carried over, and those that were held so long.
func (e *Engine) pruneKept(tx Tx, before time.Time) error {
	for _, m := range e.mappings().Mappings {
		if !payload(m.Kind) {
			continue
		}
		var old []*Link
		for _, state := range []LinkState{Settled, Held} {
			links, err := tx.LinksIn(m.Name, state)
			if err != nil {
				return err
			}
			for _, l := range links {
				if l.Updated.Before(before) {
					old = append(old, l)
				}
			}
		}
		for _, l := range old {
			if l.State == Held {
				row := HistoryRow{At: e.Now(), Mapping: m.Name, Link: l.ID, Ding: l.Ding, Op: "forget", Reason: "held until it was no longer kept: " + l.Holds[""].Reason}
				if err := tx.AppendHistory(row); err != nil {
					return err
				}
			}
			if err := tx.StopAwaiting(l.Key()); err != nil {
				return err
			}
			if err := tx.DropWork(l.Key(), RecordKey(m.Name, mapping.DingTalk, l.Ding)); err != nil {
				return err
			}
			if err := tx.DeleteLink(l.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// polls says whether the records of a mapping are polled: messages are only made, and what has a schedule is looked at when its time has come.
func polls(m *mapping.Mapping) bool {
	return !payload(m.Kind) && (m.Message == nil || m.Message.Schedule == nil)
}

// polledBy are the mappings of a model whose records are polled.
func (e *Engine) polledBy(model string) []*mapping.Mapping {
	return slices.DeleteFunc(e.mappings().ByModel(model), func(m *mapping.Mapping) bool { return !polls(m) })
}
