package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// intendMessage chooses, and commits, whom a message goes to in which calls, before the first of them is made. A message that was
// interrupted keeps what was chosen for it.
func (b *batch) intendMessage(tx Tx, t *task, c *Change, l *Link, before *Intent) error {
	o := l.occurrence()
	o.N, o.Once = max(t.occurrence, 1), t.once
	if b.m.Kind == "work_notice" {
		lately, err := tx.ToldSince(b.now.Add(-time.Minute))
		if err != nil {
			return err
		}
		t.room = dingtalk.NoticesPerMinute - lately
	}
	if c.goesOn {
		if before != nil {
			l.Intent.At = before.At // from then on a repetition is known as one
		}
		return nil
	}
	o.Left, o.Outcome, o.Parts, o.Media, o.Started = false, "", nil, nil, b.now
	a := audience{}
	if c.To != nil {
		a = *c.To
	}
	missed := map[string]string{}
	if b.m.Kind == "work_notice" {
		var err error
		if missed, err = b.withheld(tx, &a, c); err != nil {
			return err
		}
	}
	if c.To != nil && a.empty() {
		o.Parts = []*Part{{Missed: missed}}
		o.Parts[0].missed("", "everybody was left out")
		return nil
	}
	o.Parts = a.split(partSizes(b.m.Kind, c.said()))
	if len(missed) > 0 {
		o.Parts[0].Missed = missed
	}
	return nil
}

// withheld takes those out of the audience of a notice from whom DingTalk would withhold it behind its success: who was sent the same today, and
// who was sent all that an app may send a person in a day (发送工作通知). The others are entered.
func (b *batch) withheld(tx Tx, a *audience, c *Change) (map[string]string, error) {
	missed := map[string]string{}
	content := contentMark(c)
	day := b.e.day()
	told, err := tx.Told(day, a.users)
	if err != nil {
		return nil, err
	}
	var rows []Told
	a.users = slices.DeleteFunc(slices.Clone(a.users), func(u string) bool {
		switch had := told[u]; {
		case slices.Contains(had, content):
			missed[u] = string(dingtalk.WithheldRepeat)
		case len(had) >= dingtalk.NoticesPerPersonDay:
			missed[u] = string(dingtalk.WithheldDaily)
		default:
			rows = append(rows, Told{Day: day, Person: u, Content: content, At: b.now})
			return false
		}
		return true
	})
	return missed, tx.PutTold(rows...)
}

// said is what a message says, by the names of its kind.
func (c *Change) said() map[string]string {
	said := map[string]string{}
	for _, fc := range c.Fields {
		said[fc.Field.DingName] = fc.To.Text
	}
	return said
}

// contentMark is a mark of what a message says.
func contentMark(c *Change) string {
	raw, err := json.Marshal(c.said())
	if err != nil {
		return c.Key // never equal to another
	}
	return fmt.Sprintf("%x", hash64(raw))
}

// messageSent settles the sending of one message.
func (b *batch) messageSent(p *pendingCreate) {
	t, l := p.t, p.t.link
	o := l.occurrence()
	t.mark = 0
	if p.c.id != "" {
		l.SetOn(mapping.DingTalk, p.c.id)
		t.ding.ID = p.c.id
	}
	if b.m.Kind == "work_notice" {
		t.untold = untold(o, contentMark(p.change), b.e.Zone)
	}
	f := classify(p.c.err)
	switch {
	case f == nil && p.c.id == "": // all were left out
		l.State, l.Intent, o.Outcome = Settled, nil, outcomeNobody
		t.plan.Settle = "told nobody; " + missedWords(o.Parts)
	case f == nil:
		b.e.wroteTo(mapping.DingTalk)
		l.State, l.Intent, o.Outcome, o.Started = Settled, nil, outcomeTold, b.e.Now()
		if words := missedWords(o.Parts); words != "" {
			t.plan.Settle = "told; " + words
		}
		t.wrote = append(t.wrote, applied{change: p.change, fields: p.change.Fields})
		b.askLater(t)
	case f == errNobodyKnows:
		l.State = Held
		h := Hold{Kind: HeldUnsure, Since: b.now, Reason: unknownWords(o.Parts) + ": " + f.Words + "; if it did not come, send it: dingbridge retry; held"}
		t.plan.Notes = append(t.plan.Notes, Note{Hold: &h, Reason: h.Reason})
		if p.c.id != "" {
			t.wrote = append(t.wrote, applied{change: p.change, fields: p.change.Fields})
		}
	case f.Class == FailReject || f.Class == FailMissing:
		o.Parts = nil
		b.refusedRecord(p, f)
	default:
		t.fail = f // it goes on where it was
	}
}

// untold are the rows that were entered for those whom DingTalk refused to tell: the same content may be sent to them again.
func untold(o *Occurrence, content string, zone *time.Location) (rows []Told) {
	for _, p := range o.Parts {
		if !p.Refused {
			continue
		}
		for _, u := range p.Users {
			rows = append(rows, Told{Day: o.Started.In(zone).Format(time.DateOnly), Person: u, Content: content})
		}
	}
	return rows
}

// missedWords says who did not get a message, by the reasons.
func missedWords(parts []*Part) string {
	by := map[string][]string{}
	for _, p := range parts {
		for user, why := range p.Missed {
			if user == "" {
				if len(p.Users) == 0 && p.ID == "" && len(p.Departments) == 0 && !p.Everyone {
					continue
				}
				user = fmt.Sprintf("%d people", p.people())
			}
			by[why] = append(by[why], user)
		}
	}
	var words []string
	for _, why := range slices.Sorted(maps.Keys(by)) {
		users := by[why]
		slices.Sort(users)
		const shown = 10
		who := strings.Join(users[:min(len(users), shown)], ", ")
		if more := len(users) - shown; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		words = append(words, who+": "+why)
	}
	if len(words) == 0 {
		return ""
	}
	return "not to " + strings.Join(words, "; not to ")
}

// unknownWords names the parts of which nobody knows whether they were sent.
func unknownWords(parts []*Part) string {
	var users []string
	for _, p := range parts {
		if p.Sending {
			users = append(users, p.Users...)
		}
	}
	if len(users) == 0 {
		return "nobody knows whether it was sent"
	}
	return "nobody knows whether it was sent to " + audience{users: users}.String()
}

// settleMessage moves the link to where the record and what was told of it have come.
func (b *batch) settleMessage(t *task) {
	p := t.plan
	l := p.Link
	if b.m.Message == nil || t.fail != nil {
		return
	}
	if l == nil && p.Settle != "" { // there was nobody to be told
		if l = t.supersedes; l == nil {
			l = &Link{Mapping: b.m.Name, Odoo: t.odoo.ID, OdooCreated: t.odoo.Created}
		}
		p.Link, t.link = l, l
		l.State, l.Occurrence = Settled, &Occurrence{N: max(t.occurrence, 1), Once: t.once, Outcome: outcomeNobody, Started: b.now}
	}
	if l == nil || l.State != Settled && l.State != Baseline {
		return
	}
	o := l.occurrence()
	did := func(op Op) bool {
		return slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == op })
	}
	if did(OpDelete) {
		o.Outcome = outcomeRecalled
		p.Settle = "recalled"
	}
	wanted, err := b.submitted(t.odoo)
	switch {
	case err != nil || wanted || t.odoo.Existence == Unseen || len(p.Over) > 0: // a recall that waits is still to come
	case did(OpCreate) && b.m.Leave == mapping.LeaveRecall: // it left while it was told: the next turn takes it back
		p.recheck(b.now)
	default:
		o.Left = true
	}
}
