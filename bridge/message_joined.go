package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// Joined is a message by a webhook that says what several records have to say, because a webhook takes only so many messages a minute.
// Each of the records remembers it before it is sent: whichever goes on after an interruption sends the same again, which DingTalk takes
// once.
type Joined struct {
	Key  string          `json:"key"`            // its msgUuid
	Of   int             `json:"of"`             // how many records it tells of
	Says dingtalk.Object `json:"says,omitempty"` // until DingTalk has taken it
}

// sendByWebhook sends messages into the group of a webhook, in their order. When they are more than it takes in this minute, those that
// find no room are joined.
func (s *dingSide) sendByWebhook(ctx context.Context, m *mapping.Mapping, creations []*creation) {
	joinMessages(creations, s.client.Webhooks.Room(s.webhooks[m.Message.Webhook]))
	var halted error // there is no room any more, or the group is gone: so it would be with the rest
	for _, group := range together(creations) {
		err := halted
		switch joined := group[0].told.parts[0].Joined; {
		case err != nil:
		case joined == nil:
			err = s.sendMessage(ctx, m, group[0])
		default:
			err = s.sendJoined(ctx, m, group)
		}
		if f := classify(err); f != nil && f.Class == FailHalt {
			halted = err
		}
		for _, c := range group {
			if c.err = err; err == nil && c.told.parts[0].Joined != nil {
				c.id = ID(c.key) // the links of several records cannot have one id
			}
		}
	}
}

// together groups the messages that are joined, in the order of their first ones. The others stand alone.
func together(creations []*creation) [][]*creation {
	var groups [][]*creation
	at := map[string]int{}
	for _, c := range creations {
		j := c.told.parts[0].Joined
		if j != nil {
			if i, known := at[j.Key]; known {
				groups[i] = append(groups[i], c)
				continue
			}
			at[j.Key] = len(groups)
		}
		groups = append(groups, []*creation{c})
	}
	return groups
}

// joinMessages decides which messages are told together when there is room for so many: as many as possible are told alone, the others in
// as few messages as possible after them. One that was begun stays what it is.
func joinMessages(creations []*creation, room int) {
	var free []*creation
	for _, group := range together(creations) {
		p := group[0].told.parts[0]
		switch {
		case p.Joined == nil && !p.Sending && !p.Alone && !p.done():
			free = append(free, group[0])
		case !p.done():
			room--
		}
	}
	if room <= 0 || len(free) <= room {
		return
	}
	messages := make([]dingtalk.Object, len(free))
	for i, c := range free {
		messages[i] = messageOf(c.values)
	}
	alone, joined := room, []dingtalk.JoinedMessage(nil)
	for alone > 0 && (joined == nil || alone+len(joined) > room) {
		alone--
		joined = dingtalk.JoinMessages(messages[alone:])
	}
	for _, j := range joined {
		if len(j.Of) == 1 {
			continue
		}
		var keys []string
		for _, i := range j.Of {
			keys = append(keys, free[alone+i].key)
		}
		key := fmt.Sprintf("%s+%x", keys[0], hash64([]byte(strings.Join(keys, "\n"))))
		j.Message["msgUuid"] = key
		for _, i := range j.Of {
			free[alone+i].told.parts[0].Joined = &Joined{Key: key, Of: len(j.Of), Says: j.Message}
		}
	}
}

// sendJoined sends what messages say together. When DingTalk refuses it, each of them is told alone from then on: the fault may be with one.
func (s *dingSide) sendJoined(ctx context.Context, m *mapping.Mapping, group []*creation) error {
	keep := func(change func(*Part)) error {
		var links []*Link
		for _, c := range group {
			change(c.told.parts[0])
			links = append(links, c.told.link)
		}
		return group[0].told.store(links...)
	}
	if i := slices.IndexFunc(group, func(c *creation) bool { return c.told.parts[0].done() }); i >= 0 { // it was taken before an interruption
		was := *group[i].told.parts[0]
		return keep(func(p *Part) { *p = was })
	}
	again := group[0].told.parts[0].Sending
	if err := keep(func(p *Part) { p.Sending = true }); err != nil {
		return err
	}
	sent := &Part{}
	err := s.sendPart(ctx, m, sent, group[0].told.parts[0].Joined.Says)
	switch f := classify(err); {
	case f == nil:
		return keep(func(p *Part) { p.Sending, p.ID, p.At, p.Joined.Says = false, sent.ID, s.now(), nil })
	case again && f.Class == FailReject: // the first call may have been taken: then alone would be twice
		return errNobodyKnows
	case f.Class == FailReject || f.Class == FailMissing:
		if err := keep(func(p *Part) { p.Sending, p.Joined, p.Alone = false, nil, true }); err != nil {
			return err
		}
		return &Failure{Class: FailRetry, Free: true, Side: mapping.DingTalk, Words: f.Words + "; what was joined is told one by one", Err: err}
	default:
		for _, c := range group {
			c.told.parts[0].Sending = again || f.Ambiguous // then it is sent again, as the same
		}
		return err
	}
}
