package mapping

import (
	"regexp"
	"strings"
)

// The guard of a mapping of approvals that gives none: documents are many, and each is one instance.
var approvalGuard = Guard{Creates: 500, Updates: 1000, Clears: 20, Removals: 5, Percent: 3}

// Limits of 发起审批实例.
const (
	maxLevels = 20
	maxCC     = 50
	maxSelect = 20
)

// approval compiles what belongs to approvals, when the kind is one that ends with an outcome; otherwise it complains about it.
func (b *builder) approval() {
	if b.kind == nil {
		return
	}
	if !b.kind.Ends {
		b.refuseApprovalKeys()
		return
	}
	d := b.d
	a := &Approval{
		ProcessCode: b.processCode(),
		Pos:         b.position(d.at),
		Change:      ChangeRule(or(d.Change, string(ChangeHold))),
		Marker:      b.marker(),
		CC:          b.people(d.CC),
	}
	b.m.Approval = a
	if d.CC.given() {
		a.CCPosition = or(d.CCPosition, "FINISH")
	}
	for i := range d.Approvers {
		a.Approvers = append(a.Approvers, b.level(&d.Approvers[i]))
	}
	for i, node := range d.Select.nodes {
		if node.v == "" {
			b.errorf(node.place, "a node has a key or a name")
		}
		a.Select = append(a.Select, Select{Node: node.v, People: b.people(d.Select.people[i]), Pos: b.position(node.place)})
	}
	a.Notes = b.notes()
	b.transitions()
	b.lintStart()
}

// refuseApprovalKeys complains about keys that only an approval has.
func (b *builder) refuseApprovalKeys() {
	d := b.d
	approvers := place{}
	if len(d.Approvers) > 0 {
		approvers = d.Approvers[0].at
	}
	for _, key := range []struct {
		name string
		at   place
	}{
		{"process_code", d.DingTalk.ProcessCode.place},
		{"transitions", d.Odoo.Transitions.place},
		{"change", d.Change.place},
		{"marker", d.Marker.place},
		{"approvers", approvers},
		{"cc", d.CC.place},
		{"cc_position", d.CCPosition.place},
		{"select", d.Select.place},
		{"notes", d.Notes.at},
	} {
		if key.at.given() {
			b.errorf(key.at, "%s belongs to a mapping of approvals, and a DingTalk %s is none", key.name, b.kind.Name)
		}
	}
	if b.m.Leave == LeaveTerminate {
		b.errorf(d.Leave.place, "only an approval can be terminated, and a DingTalk %s is none", b.kind.Name)
	}
}

// leave is what happens when a record leaves the domain. An approval that the bridge started is withdrawn.
func (b *builder) leave() LeaveRule {
	fallback := LeaveKeep
	if b.kind != nil && b.kind.Ends && b.m.Direction.Allows(DingTalk) && b.d.Create.DingTalk.allowed {
		fallback = LeaveTerminate
	}
	return LeaveRule(or(b.d.Leave, string(fallback)))
}

// guard is the budget that the mapping gives, over that of its kind.
func (b *builder) guard() Guard {
	fallback := defaultGuard
	switch {
	case b.kind == nil:
	case b.kind.Ends:
		fallback = approvalGuard
	case b.kind.Message:
		fallback = messageGuard
	}
	return b.d.Guard.over(fallback)
}

// codeForm is what the code of a template may look like; none is longer than a few dozen characters.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (b *builder) processCode() string {
	code := b.d.DingTalk.ProcessCode
	if code.given() && !codeForm.MatchString(code.v) {
		b.errorf(code.place, "%q is no code of a template; it looks like PROC-1A2B3C4D-…", shorten(code.v, 60))
	}
	return code.v
}

func (b *builder) marker() string {
	m := b.d.Marker
	label := strings.TrimPrefix(m.v, b.kind.Open)
	if m.given() && label == "" {
		b.errorf(m.place, "marker is the label of a component")
	}
	return label
}

// people compiles a list of people.
func (b *builder) people(list peopleDoc) []Person {
	var out []Person
	others := 0
	for i := range list.list {
		p := b.person(&list.list[i])
		if p == (Person{Pos: p.Pos}) {
			others++ // complained about
			continue
		}
		if p.Except == "" {
			others++
		}
		out = append(out, p)
	}
	if list.given() && others == 0 {
		b.errorf(list.place, "nobody is named here")
	}
	return out
}

// whoms are the models whose records stand for a person of DingTalk; of a department its manager is meant.
var whoms = []string{"hr.employee", "res.users", "res.partner", "hr.department"}

func (b *builder) person(d *personDoc) Person {
	p := Person{Pos: b.position(d.at)}
	if !d.at.given() {
		return p
	}
	given := 0
	for _, key := range []place{d.Path.place, d.Chain.place, d.Userid.place, d.Except.place, d.Members.place, d.Department.place} {
		if key.given() {
			given++
		}
	}
	switch {
	case d.word == everyoneWord:
		p.Everyone = true
		return b.receiver(p, d.at, everyoneWord)
	case d.word == followersWord:
		p.Followers = true
		if _, ok := b.model["message_follower_ids"]; !ok && b.model != nil && b.m.Model != "mail.message" { // of that, the document's
			b.errorf(d.at, "%s has no followers", b.m.Model)
		}
		return p
	case given != 1:
		b.errorf(d.at, "an entry has exactly one of "+personForms)
		return p
	case d.Levels.given() && !d.Chain.given():
		b.errorf(d.Levels.place, "levels belongs to chain")
	case d.Levels.given() && (d.Levels.v < 1 || d.Levels.v > maxLevels):
		b.errorf(d.Levels.place, "levels is between 1 and %d", maxLevels)
	}
	if d.Members.given() {
		p.Members = b.pathToPeople(d.Members, "members", "hr.department")
		return b.receiver(p, d.Members.place, "members")
	}
	if d.Department.given() {
		if p.Department = d.Department.v; p.Department < 1 {
			b.errorf(d.Department.place, "%d is no department; the root is 1", p.Department)
		}
		return b.receiver(p, d.Department.place, "department")
	}
	p.Path = b.pathToPeople(d.Path, "path", whoms...)
	p.Chain = b.pathToPeople(d.Chain, "chain", "hr.employee")
	p.Levels = int(d.Levels.v)
	p.Userid = d.Userid.v
	p.Except = b.pathToPeople(d.Except, "except", whoms...)
	if d.Userid.given() && d.Userid.v == "" {
		b.errorf(d.Userid.place, "a userid is not empty")
	}
	return p
}

func (b *builder) level(d *levelDoc) ApproverLevel {
	l := ApproverLevel{People: b.people(d.People), Mode: LevelMode(or(d.Mode, string(OneByOne))), Pos: b.position(d.at)}
	if d.Mode.given() && l.Mode != OneByOne && len(d.People.list) == 1 && onePerson(d.People.list[0]) {
		b.errorf(d.Mode.place, "one person decides alone; mode has no effect")
	}
	return l
}

// onePerson reports whether an entry never stands for several.
func onePerson(d personDoc) bool { return d.Path.given() || d.Userid.given() }

// notes compiles the texts of the chatter.
func (b *builder) notes() Notes {
	d := &b.d.Notes
	notes := Notes{Default: !d.off, Language: b.pathTo(d.Language, "language", "res.users", "res.partner")}
	for _, one := range []struct {
		doc *noteDoc
		to  **Expr
	}{{&d.Start, &notes.Start}, {&d.Task, &notes.Task}, {&d.Comment, &notes.Comment}, {&d.Finish, &notes.Finish}} {
		switch text := one.doc.text; {
		case one.doc.off:
			*one.to = noNote(b.position(d.at))
		case text.given():
			e, problem := compileNote(text.v, stepScope)
			if problem != nil {
				b.errorf(b.inside(text, problem.offset), "%s", problem.message)
				continue
			}
			e.Pos = b.position(text.place)
			*one.to = e
		}
	}
	return notes
}
