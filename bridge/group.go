package bridge

import (
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// touchGroup makes due what an event of a group is about. Reading a group is a counted call, and events come of every group: one that no
// link holds is read only where it may be a group of ours whose making got no answer, or is to be created in Odoo.
func (e *Engine) touchGroup(tx Tx, event dingtalk.Event, ev InboxEvent) error {
	disbanded := ev.Type == "chat_disband"
	for _, m := range e.mappings().ByKind("group") {
		ids, err := groupsOf(tx, m, event)
		if err != nil {
			return err
		}
		on, err := tx.LinksOn(m.Name, mapping.DingTalk, ids)
		if err != nil {
			return err
		}
		strangers := m.CreateOdoo.Allowed
		if len(on) < len(ids) && !strangers && len(m.Match) > 0 {
			if strangers, err = awaitsGroups(tx, m); err != nil {
				return err
			}
		}
		var due []ID
		for _, id := range ids {
			if disbanded {
				e.ding.evidence.note(m.Kind, id, ev.Type+" of "+ev.Born.UTC().Format(time.RFC3339))
			}
			if on[id] != nil || strangers && !disbanded {
				due = append(due, id)
			}
		}
		if ev.Type == "chat_update_owner" { // an owner who was to leave may do so now
			if _, err := tx.Wake(awaitsSweep(m.Name)); err != nil {
				return err
			}
		}
		if err := touchRecords(tx, m, mapping.DingTalk, due, e.dueAfterEvent(disbanded)); err != nil {
			return err
		}
	}
	return nil
}

// groupsOf are the chatids that an event names. 群会话更换群主 may name the open conversation id alone: then it is the group whose link
// remembers that.
func groupsOf(tx Tx, m *mapping.Mapping, event dingtalk.Event) ([]ID, error) {
	var ids []ID
	for _, id := range event.GroupIDs() {
		ids = append(ids, ID(id))
	}
	if len(ids) > 0 {
		return ids, nil
	}
	named := map[string]bool{}
	for _, open := range event.OpenConversationIDs() {
		named[open] = true
	}
	for l, err := range tx.Links(m.Name) {
		if err != nil {
			return nil, err
		}
		if l.Ding != "" && named[l.Bases[mapping.DingTalk]["openConversationId"].Value.Text] {
			ids = append(ids, l.Ding)
		}
	}
	return ids, nil
}

// awaitsGroups says whether a channel waits for its group: its making got no answer.
func awaitsGroups(tx Tx, m *mapping.Mapping) (bool, error) {
	for _, state := range []LinkState{Creating, Held} {
		links, err := tx.LinksIn(m.Name, state)
		if err != nil || len(links) > 0 {
			return len(links) > 0, err
		}
	}
	return false, nil
}
