package bridge

import (
	"context"
	"slices"
	"time"
)

// recallPaces tells the client what was sent by webhooks within the last minute, also by the process that was active before, so that they
// keep within what DingTalk takes.
func (e *Engine) recallPaces(ctx context.Context) error {
	sent := map[string][]time.Time{} // by webhook
	err := e.Store.View(ctx, func(tx Tx) error {
		clear(sent)
		for _, m := range e.mappings().Mappings {
			if m.Kind != "robot_message" {
				continue
			}
			at, err := sentSince(tx, m.Name, e.Now().Add(-time.Minute))
			if err != nil {
				return err
			}
			sent[m.Message.Webhook] = append(sent[m.Message.Webhook], at...)
		}
		return nil
	})
	for name, at := range sent {
		slices.SortFunc(at, time.Time.Compare)
		e.ding.client.Webhooks.Sent(e.ding.webhooks[name], at...)
	}
	return err
}

// sentSince is when messages of a mapping were sent after a time. One that several links remember counts once.
func sentSince(tx Tx, mappingName string, since time.Time) (sent []time.Time, err error) {
	joined := map[string]bool{}
	for l, err := range tx.Links(mappingName) {
		if err != nil {
			return nil, err
		}
		for _, p := range l.occurrence().Parts {
			at := p.At
			if p.Sending { // perhaps
				at = l.Updated
			}
			if !at.After(since) || p.Joined != nil && joined[p.Joined.Key] {
				continue
			}
			if p.Joined != nil {
				joined[p.Joined.Key] = true
			}
			sent = append(sent, at)
		}
	}
	return sent, nil
}
