package bridge

import (
	"strconv"
	"time"

	"dingbridge/mapping"
)

// messagesKept is how long it is remembered what was told of something that cannot be told of again by itself: a message of the chatter, a
// digest, an occurrence that has a successor.
const messagesKept = 30 * 24 * time.Hour

// mostPruned bounds how many links one night forgets, so that events need not wait long; the rest follows the next night.
const mostPruned = 10_000

// pruneMessages forgets the links of old messages. Of the chatter the id of the newest that is forgotten is kept, and none before it is
// ever told of.
func (e *Engine) pruneMessages(tx Tx) error {
	old := e.Now().Add(-messagesKept)
	left := mostPruned
	for _, m := range e.mappings().Mappings {
		if m.Message == nil {
			continue
		}
		states := []LinkState{Superseded}
		if m.Model == chatterModel || m.Message.Digest() {
			states = append(states, Settled)
		}
		newest := int64(0)
		for _, state := range states {
			links, err := tx.LinksIn(m.Name, state)
			if err != nil {
				return err
			}
			for _, l := range links {
				if left == 0 || !l.Updated.Before(old) {
					continue
				}
				left--
				if id, err := strconv.ParseInt(string(l.On(mapping.Odoo)), 10, 64); err == nil {
					newest = max(newest, id)
				}
				if err := tx.DeleteLink(l.ID); err != nil {
					return err
				}
			}
		}
		if m.Model == chatterModel && newest > 0 {
			marks, err := chatterMarksOf(tx, m.Name)
			if err != nil {
				return err
			}
			marks.began = max(marks.began, newest)
			if err := tx.SetMeta(chatterKey(m.Name), marks.String()); err != nil {
				return err
			}
		}
	}
	return nil
}
