package mapping

import (
	"slices"
	"strings"
)

// match compiles match: and checks that what it names can tell who is who.
func (b *builder) match() {
	for _, entry := range b.d.Match {
		var keys []string
		complete := len(entry.names) > 0
		for _, name := range entry.names {
			f, ok := b.m.Field(name.v)
			switch {
			case ok && f.Attribute != "":
				b.errorf(name.place, "%s cannot be read from DingTalk as a reference, so nothing can be matched by it", name.v)
			case ok:
				keys = append(keys, name.v)
			case slices.Contains(b.dropped, name.v): // it was warned about
			case name.given():
				b.errorf(name.place, "match names %q, which is no pair of this mapping%s", name.v, b.suggestKey(name.v))
			}
			complete = complete && ok
		}
		b.lintMatchByName(entry, keys)
		if complete {
			b.m.Match = append(b.m.Match, keys)
		}
	}
}

// suggestKey also finds the key of a pair by its Odoo name.
func (b *builder) suggestKey(name string) string {
	var keys []string
	for _, f := range b.m.Fields {
		if f.OdooName == name {
			return suggest(f.Key, []string{f.Key})
		}
		keys = append(keys, f.Key)
	}
	return suggest(name, keys)
}

// lintMatchByName refuses to recognise anything by its name. A department is told by its name among the children of its
// parent, which DingTalk keeps unique (60021, 创建部门).
func (b *builder) lintMatchByName(entry matchDoc, keys []string) {
	named := slices.ContainsFunc(keys, func(key string) bool {
		f, _ := b.m.Field(key)
		return f.DingName == "name" || f.OdooName == "name" || f.OdooName == "display_name"
	})
	if !named {
		return
	}
	if b.m.Kind == "department" {
		withParent := slices.ContainsFunc(keys, func(key string) bool {
			f, _ := b.m.Field(key)
			return f.DingName == "parent_id"
		})
		if !withParent {
			b.errorf(entry.place, "a department's name is only unique below its parent; match by [name, parent_id]")
		}
		return
	}
	if len(keys) == 1 {
		b.errorf(entry.place, "two people or things can have one name; nothing is matched by its name alone")
	}
}

// lintPolicies checks what the mapping may ask for against what the kind and the direction allow.
func (b *builder) lintPolicies() {
	if b.m.Conflict == NewestWins && b.kind != nil && !b.kind.Times {
		b.errorf(b.d.Conflict.place, "a DingTalk %s does not carry the time of its last change, so newest cannot be told", b.kind.Name)
	}
	if p := b.d.Guard.Percent; p.v < 0 || p.v > 100 {
		b.errorf(p.place, "percent is between 0 and 100")
	}
	if b.kind != nil {
		b.lintKind()
	}
	if b.m.Approval != nil {
		b.lintApproval()
	}
	r := b.d.Remove
	c := b.d.Create
	if when := b.m.CreateDingTalk.When; when != nil {
		b.lintSeen(c.DingTalk.when.place, when.Names())
	}
	for _, rule := range []struct {
		at     place
		active bool
		what   string
		side   Side
	}{
		{c.DingTalk.place, b.m.CreateDingTalk.Allowed, "create", DingTalk},
		{c.Odoo.place, b.m.CreateOdoo.Allowed, "create", Odoo},
		{r.DingTalk.place, b.m.RemoveDingTalk != RemoveNever, "remove", DingTalk},
		{r.Odoo.place, b.m.RemoveOdoo != RemoveNever, "remove", Odoo},
		{b.d.Leave.place, b.m.Leave != LeaveKeep, "leave: " + string(b.m.Leave), DingTalk},
	} {
		if rule.active && !b.m.Direction.Allows(rule.side) {
			b.errorf(rule.at, "the mapping's direction is %s, so %s has no effect in %s", b.m.Direction, rule.what, rule.side)
		}
	}
	if _, active := b.model["active"]; b.model != nil && !active && b.m.RemoveOdoo == RemoveArchive {
		b.errorf(r.Odoo.place, "%s has no field active, so its records cannot be archived", b.m.Model)
	}
}

// lintKind refuses operations that the kind does not have.
func (b *builder) lintKind() {
	k := b.kind
	if b.m.Direction != ToDingTalk && !k.List && !k.Events && !k.Message { // of those it was said
		b.errorf(b.d.Direction.place, "a DingTalk %s can be neither listed nor does it have events, so nothing can come to Odoo", k.Name)
	}
	if b.m.RemoveDingTalk == RemoveDelete && !k.Delete {
		b.errorf(b.d.Remove.DingTalk.place, "a DingTalk %s cannot be deleted", k.Name)
	}
	if b.m.Leave == LeaveRemove && !k.Delete && !k.Ends {
		b.errorf(b.d.Leave.place, "a DingTalk %s cannot be deleted", k.Name)
	}
	if k.Own && b.m.CreateOdoo.Allowed {
		b.errorf(b.d.Create.Odoo.place, "what people make in DingTalk is shown to no app, so that no %s can become a record of Odoo", k.Name)
	}
	if !b.m.CreateDingTalk.Allowed {
		return
	}
	where := b.d.Create.DingTalk.place
	if !k.Create {
		b.errorf(where, "a DingTalk %s cannot be created", k.Name)
		return
	}
	var lacking []string
	for _, name := range keysOf(k.Fields) {
		written := func(f *Field) bool { return f.DingName == name && f.Writes(DingTalk) }
		if k.Fields[name].Required && !slices.ContainsFunc(b.m.Fields, written) {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		b.errorf(where, "a DingTalk %s cannot be created without %s, which no pair writes", k.Name, strings.Join(lacking, ", "))
	}
}

// lintTogether complains about mappings that would write over each other: on either side, the same field or both creating.
// Mappings whose records or objects cannot be the same are left alone.
func (l *loader) lintTogether() {
	for i, b := range l.builders {
		for _, other := range l.builders[:i] {
			if b.m.Approval != nil && other.m.Approval != nil { // each has instances of its own
				b.lintStartTwice(other)
				continue
			}
			if b.m.Model == other.m.Model && b.m.Model != "" && !disjoint(b.m.Domain, other.m.Domain) {
				b.lintAgainst(other, Odoo, b.d.Create.Odoo.place, b.m.CreateOdoo.Allowed && other.m.CreateOdoo.Allowed)
			}
			apart := b.kind != nil && (b.kind.Message || b.kind.Own && b.m.Model != other.m.Model)
			if b.m.Kind == other.m.Kind && b.kind != nil && !apart && !disjoint(b.m.Domain, other.m.Domain) {
				b.lintAgainst(other, DingTalk, b.d.Create.DingTalk.place, b.m.CreateDingTalk.Allowed && other.m.CreateDingTalk.Allowed)
			}
		}
	}
}

// lintStartTwice complains about two mappings of approvals that would ask about one document, or make two of one approval.
func (b *builder) lintStartTwice(other *builder) {
	if importTwice(b.m, other.m) {
		b.errorf(b.d.Create.at, "an approval of this template would become two documents, one by the mapping %s; give create.odoo conditions (when), so that one of them holds", other.m.Name)
	}
	switch {
	case !startTwice(b.m, other.m):
	case b.m.Approval.ProcessCode != "" && b.m.Approval.ProcessCode == other.m.Approval.ProcessCode:
		b.errorf(b.d.Create.DingTalk.place, "the mapping %s already starts approvals of the same template for %s", other.m.Name, b.m.Model)
	default:
		b.errorf(b.d.Create.DingTalk.place, "the mapping %s already starts an approval of the same %s; give both a condition (when), so that one of them holds", other.m.Name, b.m.Model)
	}
}

func (b *builder) lintAgainst(other *builder, side Side, at place, bothCreate bool) {
	what := b.m.Model
	if side == DingTalk {
		what = "DingTalk " + b.m.Kind
	}
	if bothCreate {
		b.errorf(at, "the mapping %s already creates the same %s", other.m.Name, what)
	}
	for i, f := range b.m.Fields {
		writes := func(o *Field) bool { return f.Writes(side) && o.Writes(side) && o.Name(side) == f.Name(side) }
		if slices.ContainsFunc(other.m.Fields, writes) {
			b.errorf(b.pairs[i].at, "the mapping %s already writes %s of the same %s", other.m.Name, f.Name(side), what)
		}
	}
}
