package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// todoKind is the kind of to-dos. What is particular about it: DingTalk shows a to-do only in the list of a person, each look counts
// against the month's quota, and the one who made it is the one in whose name it is changed.
const todoKind = "todo"

// Errand is what the link of a to-do, or of an event in a calendar, remembers beside the Views.
type Errand struct {
	// Owner is the unionid of who made a to-do, whose list shows it, or of who organizes an event, in whose calendar it stands. It is changed
	// in that person's name.
	Owner string `json:"owner,omitempty"`
	// Removed is what said that an event was removed; a look confirms it.
	Removed string `json:"removed,omitempty"`
	// Look says that something told of an event that was not looked at yet.
	Look bool `json:"look,omitempty"`
	// Alike marks a meeting of a series, changed by itself in Odoo, as DingTalk was last seen to show it too.
	Alike string `json:"alike,omitempty"`
	// Doer is the unionid of who is to do it, whose list shows it too when the owner has left.
	Doer string `json:"doer,omitempty"`
	// Done says that it was done when it was last read; Odoo may not know yet, or refuse to hear of it.
	Done bool `json:"done,omitempty"`
	// Of an activity, whose row is deleted when it is done: what the message that says so is recognised by.
	Model   string `json:"model,omitempty"`
	Record  int64  `json:"record,omitempty"`
	Type    int64  `json:"type,omitempty"`
	User    int64  `json:"user,omitempty"`
	Summary string `json:"summary,omitempty"`
}

// ownedBy notes who made the to-do, or organizes the event.
func (l *Link) ownedBy(owner string) {
	if owner != "" {
		l.errand().Owner = owner
	}
}

// doneBy notes who is to do it, from what was just written.
func (l *Link) doneBy(values map[string]any) {
	if doers := refIDs(values["executorIds"]); l != nil && len(doers) > 0 && doers[0] != "" {
		l.errand().Doer = doers[0]
	}
}

// errand returns the link's, made when it has none.
func (l *Link) errand() *Errand {
	if l.Errand == nil {
		l.Errand = &Errand{}
	}
	return l.Errand
}

// requires says whether an object cannot be made without a pair for the field: as DingTalk says. Of a to-do the bridge fills in who makes
// it and where it leads; but one that nobody is to do is seen by nobody.
func requires(k dingtalk.Kind, f dingtalk.Field) bool {
	if k.Name == todoKind {
		return f.Name == "subject" || f.Name == "executorIds"
	}
	return f.Required
}

// sourceID is the key of a to-do, for ever: of this record of this database. It does not end in a number after a dash, see anotherKey.
func (e *Engine) sourceID(m *mapping.Mapping, id ID) string {
	sum := sha256.Sum256([]byte(e.Identity.OdooURL + "\x00" + e.Identity.Database))
	return "odoo:" + e.Identity.Database + ":" + hex.EncodeToString(sum[:4]) + ":" + m.Model + ":" + string(id)
}

// supply fills in what a creation needs and no pair gives. A to-do leads to its record, an activity's to the document.
func (b *batch) supply(p *pendingCreate, c *creation) {
	if b.m.Kind != todoKind || p.change.Side != mapping.DingTalk {
		return
	}
	c.again = p.t.was == Creating
	if c.values["creatorId"] == nil {
		c.values["creatorId"] = c.parent
	}
	link := textOf(c.values["detailUrl"])
	if link == "" {
		link = textOf(p.t.odoo.Record[mapping.RecordURL])
	}
	c.values["detailUrl"] = map[string]any{"appUrl": link, "pcUrl": link}
}

// writeUnshown makes fields due that DingTalk takes and no list shows: of an object that was found under our key, nobody can say what they
// hold.
func (b *batch) writeUnshown(l *Link) {
	kind, _ := dingtalk.KindByName(b.m.Kind)
	for _, f := range b.m.Fields {
		if kf, ok := kind.Field(f.DingName); ok && kf.Update && !kf.Get && !kf.List && f.Writes(mapping.DingTalk) {
			l.SetBase(mapping.Odoo, f, mapping.EmptyValue)
			l.SetBase(mapping.DingTalk, f, mapping.EmptyValue)
		}
	}
}

// sparing says whether a look at the kind's objects counts so much against the quota that they are only read when there is a reason: polls
// show each edit in Odoo several times.
func sparing(kind string) bool { return kind == todoKind || kind == calendarKind }

// worthReading are the tasks whose record of the side is to be read: of a sparing kind those of which an event or a sweep told, or which may
// have been edited on both sides, and all for a plan.
func (b *batch) worthReading(s mapping.Side) []*task {
	if !sparing(b.m.Kind) || s == mapping.Odoo || b.dry {
		return b.tasks
	}
	var read []*task
	for _, t := range b.tasks {
		l := t.link
		t.telling = b.e.ding.asked(t.ding.ID)
		switch {
		case t.ding.ID == "" || t.fail != nil || l == nil && b.m.Kind == todoKind:
		case l == nil:
			read = append(read, t)
		case l.State == Settled:
			t.ding = Seen{ID: l.Ding, Existence: Finished, Record: mapping.Record{}, Why: "done when it was last read"}
		case l.State == Retired:
			t.ding = Seen{ID: l.Ding, Existence: l.Was[s], Why: "as it was when the link ended"}
		case l.State != Linked || t.telling.n > 0 || l.Errand != nil && l.Errand.Look || b.editedInOdoo(t):
			read = append(read, t)
		case l.Errand != nil && l.Errand.Done:
			t.ding = Seen{ID: l.Ding, Existence: Finished, Record: mapping.Record{"done": true}, Why: "done when it was last read"}
		default:
			t.ding = Seen{ID: l.Ding, Existence: Present, Record: mapping.Record{}, Why: "as it was when it was last read"}
		}
	}
	return read
}

// looked notes that what was told of the task's to-do was looked after, unless DingTalk may still have shown what was before: then it is
// due again when that is over.
func (b *batch) looked(t *task) {
	if t.telling.n > 0 && b.wasLookedAfter(t) {
		b.e.ding.answered(t.ding.ID, t.telling)
	}
}

func (b *batch) wasLookedAfter(t *task) bool {
	return t.fail == nil && t.wait.IsZero() && t.ding.Until.IsZero() && !t.telling.until.After(b.now)
}

// editedInOdoo says whether a field that people may edit on both sides is not what it was.
func (b *batch) editedInOdoo(t *task) bool {
	if t.odoo.Existence != Present || t.odoo.Record == nil {
		return false
	}
	if len(t.link.Holds) > 0 || len(t.link.Take) > 0 || len(t.link.Sent) > 0 {
		return true
	}
	view, _ := b.m.View(mapping.Odoo, t.odoo.Record, t.link.BaseView(mapping.Odoo), b.refs, b.e.Zone)
	return slices.ContainsFunc(b.m.Fields, func(f *mapping.Field) bool {
		v, ok := view[f.Key]
		base, has := t.link.Base(mapping.Odoo, f)
		return ok && f.Direction == mapping.Both && !f.Done && !(has && base == v)
	})
}

// doneIn says whether a record of Odoo that still stands shows that it is done, as a task does by its stage.
func (b *batch) doneIn(seen Seen) bool { return seen.Existence == Present && done(b.m, seen.View) }

func (s *sweep) done(seen Seen) bool { return done(s.m, seen.View) }

// own says whether the kind's objects are read one person after the other, which no deep sweep does once more.
func (s *sweep) own() bool { return s.m.Kind == todoKind }

func done(m *mapping.Mapping, v mapping.View) bool {
	return slices.ContainsFunc(m.Fields, func(f *mapping.Field) bool {
		if !f.Done || !v[f.Key].IsKnown() {
			return false
		}
		raw, err := f.Write(mapping.DingTalk, v[f.Key], nil, mapping.Env{})
		return err == nil && raw == true
	})
}

// finishOdoo tells Odoo what was done in DingTalk. An activity has a method for it; of other records the mapping says which fields show it,
// and a task of whose stage it says nothing goes to the stage of its project where what is done stands.
func (b *batch) finishOdoo(t *task, row string) {
	if b.m.Model == activityModel {
		b.finishActivity(t, row)
		return
	}
	b.diff(t)
	t.plan.Changes = slices.DeleteFunc(t.plan.Changes, func(c *Change) bool { return c.Side == mapping.DingTalk })
	says := func(f *mapping.Field) bool { return f != nil && f.Direction == mapping.ToOdoo }
	held := slices.ContainsFunc(t.plan.Notes, func(n Note) bool { return n.Hold != nil && says(n.Field) })
	staged := slices.ContainsFunc(b.m.Fields, func(f *mapping.Field) bool { return says(f) && f.OdooName == "stage_id" })
	shown := b.doneFields(t, row)
	switch {
	case len(shown) > 0:
		t.plan.Changes = mergeUpdates(append(t.plan.Changes, &Change{Op: OpUpdate, Side: mapping.Odoo, ID: t.odoo.ID, Reason: row, Fields: shown}))
		t.plan.Settle = row
	case b.m.Model == taskModel && !staged:
		t.plan.Changes = append(t.plan.Changes, &Change{Op: OpFinish, Side: mapping.Odoo, ID: t.odoo.ID, Reason: row})
		t.plan.Settle = row
	case !held:
		t.plan.Settle = row
	}
}

// doneFields are the fields of Odoo that show that a record is done, as DingTalk says it is.
func (b *batch) doneFields(t *task, row string) (out []FieldChange) {
	for _, f := range b.m.Fields {
		now, is := t.odoo.View[f.Key], t.ding.View[f.Key]
		if f.Done && f.Writes(mapping.Odoo) && is.IsKnown() && now != is {
			out = append(out, FieldChange{Field: f, From: now, To: is, Source: is, Reason: row})
		}
	}
	return out
}

// settleFinished moves the link to where what was done, or opened again, has come.
func (b *batch) settleFinished(t *task) {
	p := t.plan
	l := p.Link
	if b.m.Approval != nil || b.m.Message != nil || l == nil {
		return
	}
	if slices.ContainsFunc(t.wrote, func(a applied) bool { return a.change.Op == OpReopen }) {
		l.State = Linked
		return
	}
	if p.Settle == "" && l.State == Linked && t.ding.Existence == Finished && b.doneIn(t.odoo) {
		p.Settle = "done on both sides" // what was written there shows it
	}
	if p.Settle == "" || !b.allApplied(t) {
		return
	}
	l.State = Settled
	l.Was = map[mapping.Side]Existence{mapping.Odoo: t.odoo.Existence, mapping.DingTalk: Finished}
	if b.doneIn(t.odoo) {
		l.Was[mapping.Odoo] = Finished
	}
	l.Holds, l.Sent, l.Take = nil, nil, nil
}

// touchTodos makes due what an event of a to-do is about, if it is one of ours. A deletion is also evidence.
func (e *Engine) touchTodos(tx Tx, event dingtalk.Event, ev InboxEvent) error {
	var ids []ID
	for _, id := range event.TodoIDs() {
		ids = append(ids, ID(id))
	}
	removed := ev.Type == "todo_task_delete"
	for _, m := range e.mappings().ByKind(todoKind) {
		on, err := tx.LinksOn(m.Name, mapping.DingTalk, ids)
		if err != nil {
			return err
		}
		for id, l := range on {
			if l.State != Linked {
				continue
			}
			now := e.Now()
			until := now.Add(e.StaleWindow)
			e.ding.ask(id, until)
			due := time.Time{}
			if _, echo := e.wrote.ends(l.Key(), now); echo && !removed { // what we wrote ourselves, or somebody was as fast
				due = until
			}
			if removed {
				e.ding.evidence.note(todoKind, id, ev.Type+" of "+ev.Born.UTC().Format(time.RFC3339))
			}
			if err := tx.Touch(due, l.Key()); err != nil {
				return err
			}
		}
	}
	return nil
}

// attributeOf asks DingTalk for the unionid of a person whose mapping does not keep it: it never changes, so each is asked for once.
func (e *Engine) attributeOf(ctx context.Context, l *Link, name string) (string, error) {
	m, ok := e.mappings().Get(l.Mapping)
	if !ok || m.Kind != "user" || name != "unionid" {
		return "", nil
	}
	if had, known := e.ding.unionids.Load(l.Ding); known {
		return had.(string), nil
	}
	o, err := e.ding.client.Users.Get(ctx, string(l.Ding))
	if dingtalk.IsNotFound(err) || dingtalk.IsOutOfScope(err) {
		return "", nil
	}
	if id := o.Text(name); err == nil && id != "" {
		e.ding.unionids.Store(l.Ding, id)
	}
	return o.Text(name), err
}
