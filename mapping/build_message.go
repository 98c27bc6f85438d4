package mapping

import "slices"

// The guard of a mapping of messages that gives none: a thousand messages a day are more than anybody wants to read, and a fifth of the
// calls that DingTalk gives a corp for a month. No percentage: what was told is no record that stays linked, of which some could be too many.
var messageGuard = Guard{Creates: 1000, Updates: 1000, Clears: 20, Removals: 50}

// message compiles what belongs to messages, when the kind is one; otherwise it complains about it.
func (b *builder) message() {
	if b.kind == nil {
		return
	}
	d := b.d
	if !b.kind.Message {
		b.refuseMessageKeys()
		return
	}
	m := &Message{
		Pos: b.position(d.at), Receivers: b.people(d.Receivers), Webhook: d.DingTalk.Webhook.v, Window: d.Window.v,
		Result: ResultRule(or(d.Result, string(ResultNone))),
	}
	b.m.Message = m
	if d.Once.given() && b.odooScope != nil {
		b.assumeAdded(d.Once, b.odooScope)
		e, _, problem := compileValue(d.Once.v, b.odooScope)
		if problem != nil {
			b.errorf(b.inside(d.Once, problem.offset), "%s", problem.message)
		} else {
			e.Pos = b.position(d.Once.place)
			b.doubts(d.Once, e)
			m.Once = e
		}
	}
	if d.Schedule.given() {
		var problem string
		if m.Schedule, problem = ParseSchedule(d.Schedule.v); problem != "" {
			b.errorf(d.Schedule.place, "%s", problem)
		}
	}
	if m.Once != nil {
		b.lintSeen(d.Once.place, m.Once.Names())
	}
	if m.GroupBy = b.pathTo(d.GroupBy, "group_by", whoms...); d.GroupBy.given() && b.model != nil {
		b.odooScope = digestScope(b.m.Model, b.model)
		m.kinds = map[string]valueKind{}
		for name, f := range b.model {
			m.kinds[name] = odooValueKind(f.Type)
		}
	}
	b.lintMessage()
}

// lintMessage checks that a message has somebody to be told to, and that what is asked of it can be had.
func (b *builder) lintMessage() {
	d, m, k := b.d, b.m.Message, b.kind
	switch {
	case k.Addressed && !d.Receivers.given() && !d.GroupBy.given():
		b.errorf(d.at, "a DingTalk %s is for people: the mapping needs receivers", k.Name)
	case !k.Addressed && d.Receivers.given():
		b.errorf(d.Receivers.place, "a DingTalk %s goes to a conversation, it has no receivers", k.Name)
	}
	if b.m.Direction != ToDingTalk {
		b.errorf(d.Direction.place, "a message goes to DingTalk; the direction is to_dingtalk")
	}
	webhook := d.DingTalk.Webhook
	switch robot := k.Name == "robot_message"; {
	case robot && webhook.v == "":
		b.errorf(d.DingTalk.at, "a robot_message needs webhook, the name that the settings give the group's robot")
	case !robot && webhook.given():
		b.errorf(webhook.place, "webhook belongs to a robot_message")
	}
	if b.m.Leave == LeaveRecall && !k.Delete {
		b.errorf(d.Leave.place, "a DingTalk %s cannot be recalled", k.Name)
	}
	if m.Result != ResultNone && !k.Results {
		b.errorf(d.Result.place, "DingTalk does not tell who got a %s", k.Name)
	}
	if _, chatter := b.model["message_ids"]; m.Result == ResultNote && b.model != nil && !chatter {
		b.errorf(d.Result.place, "%s has no chatter to note it in; result: log notes it in the history", b.m.Model)
	}
	if dated(b.m.Domain) && !d.Schedule.given() {
		b.errorf(d.Odoo.Domain.place, "today() in a domain needs a schedule: no change of a record tells that a day has come")
	}
	if d.Window.given() && !d.Schedule.given() {
		b.errorf(d.Window.place, "window belongs to a schedule")
	}
	if k.Name == "work_notice" {
		b.lintReceivers()
	}
	b.lintSaidOnce()
	if d.GroupBy.given() {
		b.lintDigest()
	}
}

// lintSaidOnce complains about what only objects have that are compared or changed after they were made.
func (b *builder) lintSaidOnce() {
	d := b.d
	switch {
	case len(d.Match) > 0:
		b.errorf(d.Match[0].place, "match has no effect: what was told is known by the record that it told of")
	case d.Conflict.given():
		b.errorf(d.Conflict.place, "conflict has no effect: a message does not change")
	}
	if b.m.RemoveDingTalk != RemoveNever {
		b.errorf(d.Remove.DingTalk.place, `a message is not removed; "leave: recall" takes it back`)
	}
	if b.m.Leave == LeaveRemove {
		b.errorf(d.Leave.place, `a message is not removed; did you mean "leave: recall"?`)
	}
}

// lintDigest complains about what a digest cannot have.
func (b *builder) lintDigest() {
	d := b.d
	if !b.kind.Addressed {
		b.errorf(d.GroupBy.place, "records are gathered for one person each, and a DingTalk %s goes to a conversation", b.kind.Name)
	}
	if !d.Schedule.given() {
		b.errorf(d.GroupBy.place, "records are gathered at a time of day: group_by needs a schedule")
	}
	if when := d.Create.DingTalk.when; when.given() {
		b.errorf(when.place, "a digest gathers what is in the domain; a condition belongs there")
	}
	if d.Receivers.given() && b.kind.Addressed {
		b.errorf(d.Receivers.place, "a digest is for the person that group_by names; it has no other receivers")
	}
	if b.m.Leave == LeaveRecall {
		b.errorf(d.Leave.place, "a digest is not recalled")
	}
	if d.Once.given() {
		b.errorf(d.Once.place, "a digest is told once at each of its times; once has no effect")
	}
}

// refuseMessageKeys complains about keys that only a message has.
func (b *builder) refuseMessageKeys() {
	d := b.d
	for _, key := range []struct {
		name string
		at   place
	}{
		{"receivers", d.Receivers.place},
		{"once", d.Once.place},
		{"schedule", d.Schedule.place},
		{"window", d.Window.place},
		{"group_by", d.GroupBy.place},
		{"result", d.Result.place},
		{"webhook", d.DingTalk.Webhook.place},
	} {
		if key.at.given() {
			b.errorf(key.at, "%s belongs to a mapping of messages, and a DingTalk %s is none", key.name, b.kind.Name)
		}
	}
	if b.m.Leave == LeaveRecall {
		b.errorf(d.Leave.place, "only a message can be recalled, and a DingTalk %s is none", b.kind.Name)
	}
	if dated(b.m.Domain) {
		b.errorf(d.Odoo.Domain.place, "today() in a domain belongs to a mapping of messages with a schedule")
	}
}

// receiver complains about an entry that stands for a department, or everybody, where only people can be named.
func (b *builder) receiver(p Person, at place, what string) Person {
	switch {
	case b.kind == nil || b.kind.Name == "work_notice" || b.kind.Message && !b.kind.Addressed: // of that it was said
		return p
	case b.kind.Message:
		b.errorf(at, "DingTalk sends a %s to people one by one; %s can only be a receiver of a work_notice", b.kind.Name, what)
	default:
		b.errorf(at, "%s can only be a receiver of a message", what)
	}
	return Person{Pos: p.Pos}
}

// lintReceivers complains about entries that have no effect beside others: who is in a department is DingTalk's own matter.
func (b *builder) lintReceivers() {
	list := b.d.Receivers.list
	i := slices.IndexFunc(list, func(p personDoc) bool { return p.word == everyoneWord })
	if i >= 0 && len(list) > 1 {
		b.errorf(list[i].at, "everyone is everybody: the other receivers have no effect")
		return
	}
	if !slices.ContainsFunc(list, func(p personDoc) bool { return p.Members.given() || p.Department.given() }) {
		return
	}
	for _, p := range list {
		if p.Except.given() {
			b.warnf(p.Except.place, "except takes nobody out of members or a department, whom DingTalk itself tells; only out of those named one by one")
		}
	}
}
