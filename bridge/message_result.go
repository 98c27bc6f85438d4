package bridge

import (
	"context"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// askLater makes the record due when DingTalk can tell who got its message.
func (b *batch) askLater(t *task) {
	if b.m.Message.Result != mapping.ResultNone {
		t.plan.recheck(b.now.Add(b.e.ResultAfter))
	}
}

// askResults asks DingTalk who got the messages that are due for it. One that is still being delivered is asked about again, less and less
// often. DingTalk tells it of at most NoticeResultUsers people, and does not answer at all where there are more.
func (b *batch) askResults() {
	if b.m.Message.Result == mapping.ResultNone || b.dry {
		return
	}
	for _, t := range b.tasks {
		l := t.link
		if t.fail != nil || l == nil || l.State != Settled || l.Occurrence == nil {
			continue
		}
		for _, p := range l.Occurrence.Parts {
			if p.Asked || p.ID == "" || b.now.Sub(p.At) > recallFor { // the results are kept as long
				continue
			}
			if due := later(l.Occurrence.Started.Add(b.e.ResultAfter), p.AskAt); b.now.Before(due) { // polls show a write several times
				t.askAt(due)
				continue
			}
			few, err := b.e.ding.toFew(b.ctx, p)
			result := dingtalk.NoticeResult{}
			if err == nil && few {
				result, err = b.e.ding.client.Notices.Result(b.ctx, p.ID)
			}
			switch f := classify(err); {
			case f == nil && !few, f != nil && f.Class == FailReject:
				p.Asked, t.asked = true, true
			case f != nil && f.Class == FailHalt:
				t.fail = f
			case f != nil || result.Nobody():
				p.AskAt = b.now.Add(max(b.e.ResultAfter, b.now.Sub(p.At)))
				t.askAt(p.AskAt)
			default:
				p.result(result)
				t.asked = true
			}
		}
	}
}

// askAt makes the record due when DingTalk is to be asked: the first of these times.
func (t *task) askAt(due time.Time) {
	if t.ask.IsZero() || due.Before(t.ask) {
		t.ask = due
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// toFew says whether a part is for few enough people that DingTalk tells who got it. Who works in a department is asked for; those calls do
// not count.
func (s *dingSide) toFew(ctx context.Context, p *Part) (bool, error) {
	departments, people := slices.Clone(p.Departments), map[string]bool{}
	if p.Everyone {
		departments = []int64{1}
	}
	for d, err := range s.client.Departments.Walk(ctx, departments) {
		if err != nil {
			return false, err
		}
		if id, ok := d.Int("dept_id"); ok {
			departments = append(departments, id)
		}
	}
	for _, id := range p.Users {
		people[id] = true
	}
	for _, id := range departments {
		for o, err := range s.client.Users.List(ctx, id) {
			if err != nil {
				return false, err
			}
			if people[o.Text("userid")] = true; len(people) > dingtalk.NoticeResultUsers {
				return false, nil
			}
		}
	}
	return len(people) <= dingtalk.NoticeResultUsers, nil
}

// result notes what DingTalk tells of a part.
func (p *Part) result(r dingtalk.NoticeResult) {
	p.Asked = true
	for _, u := range r.Invalid {
		p.missed(u, "unknown to dingtalk, or outside the app's scope")
	}
	for _, u := range r.Failed {
		p.missed(u, "could not be reached")
	}
	for _, u := range r.Forbidden {
		p.missed(u, "withheld by dingtalk")
	}
	for _, w := range r.Withheld {
		switch {
		case w.Reason == dingtalk.WithheldRepeat && p.Again: // they had it by the first call
			delete(p.Missed, w.UserID)
		case w.UserID != "":
			p.missed(w.UserID, string(w.Reason))
		}
	}
}

// tellResults says, once, who did not get a message: in the history, and in the record's chatter if that is asked for.
func (b *batch) tellResults(t *task) {
	if !t.asked {
		return
	}
	t.mark = 0
	words := missedWords(t.link.Occurrence.Parts)
	if words == "" {
		return
	}
	t.plan.Settle = "told; " + words
	if b.m.Message.Result == mapping.ResultNote && t.odoo.Existence != Gone && b.chatters() {
		key := occurrenceKey(b.m, t.odoo.ID, t.link.Occurrence.N)
		t.plan.Changes = append(t.plan.Changes, &Change{Op: OpNote, Side: mapping.Odoo, ID: t.odoo.ID, Reason: "told who did not get it", Text: "DingTalk: " + words, Key: key + "/result"})
	}
}
