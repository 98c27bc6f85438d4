package mapping

import (
	"maps"
	"regexp"
	"strings"
)

// builder compiles one document and complains about it on the way. What could not be read stays at its default, so that one
// mistake does not hide the others.
type builder struct {
	*loader
	*file
	d *document
	m *Mapping

	model map[string]OdooField // nil when the model is not known
	kind  *Kind                // nil when the kind is not known

	odooScope, dingScope *scope

	pairs   []*fieldDoc // of m.Fields, in the same order
	dropped []string    // names of pairs that wait for the setup command

	line *LineTemplate // whose pairs are compiled; nil while it is those of the mapping
}

// The guard of a mapping that gives none.
var defaultGuard = Guard{Creates: 50, Updates: 200, Clears: 20, Removals: 5, Percent: 3}

func (l *loader) build(d *document) *builder {
	b := &builder{loader: l, file: d.file, d: d}
	b.m = &Mapping{
		Name:        d.Mapping.v,
		RenamedFrom: d.RenamedFrom.v,
		Pos:         d.file.position(d.at),
		Version:     version(d.node),
		Direction:   Direction(or(d.Direction, string(ToDingTalk))),
		Start:       or(d.Start, "all"),
		Conflict:    Rule(or(d.Conflict, string(HoldConflict))),
		Poll:        d.Poll.v,
		Sweep:       d.Sweep.v,

		RemoveDingTalk: Removal(or(d.Remove.DingTalk, string(RemoveNever))),
		RemoveOdoo:     Removal(or(d.Remove.Odoo, string(RemoveNever))),
	}
	b.dingSide()
	b.m.Leave, b.m.Guard = b.leave(), b.guard()
	b.odooSide()
	b.approval()
	b.message()
	b.fields()
	b.lines()
	b.match()
	b.create()
	b.lintPolicies()
	b.tests()
	return b
}

func or(s str, fallback string) string {
	if s.given() {
		return s.v
	}
	return fallback
}

// over returns the budget with what the document gives in the place of the fallback's.
func (g guardDoc) over(fallback Guard) Guard {
	out := fallback
	for _, one := range []struct {
		given limit
		to    *int
	}{{g.Creates, &out.Creates}, {g.Updates, &out.Updates}, {g.Clears, &out.Clears}, {g.Removals, &out.Removals}} {
		if one.given.given() {
			*one.to = one.given.v
		}
	}
	if g.Percent.given() {
		out.Percent = g.Percent.v
	}
	return out
}

func (b *builder) dingSide() {
	d := b.d.DingTalk
	b.m.Kind = d.Kind.v
	if d.Kind.given() {
		kind, ok := b.schema.Kinds[d.Kind.v]
		if !ok {
			b.errorf(d.Kind.place, "DingTalk has no kind %q here%s", d.Kind.v, suggest(d.Kind.v, keysOf(b.schema.Kinds)))
		} else {
			b.kind = &kind
			b.m.open = kind.Open
			b.dingScope = dingScope(kind)
		}
	}
	for _, id := range d.Scope.Departments {
		if id.given() && id.v <= 0 {
			b.errorf(id.place, "%d is no department; the root is 1", id.v)
			continue
		}
		b.m.Departments = append(b.m.Departments, id.v)
	}
	for _, id := range d.Scope.Users {
		if id.given() && b.kind != nil && !b.kind.Personal {
			b.errorf(id.place, "a DingTalk %s stands in nobody's calendar, so users has no effect", b.kind.Name)
			break
		}
		b.m.Users = append(b.m.Users, id.v)
	}
}

// ownModel are the fields that every model has which was made in Odoo's technical settings, whatever others it has
// (odoo/addons/base/models/ir_model.py), with those of a chatter.
func ownModel() map[string]OdooField {
	user := OdooField{Type: "many2one", Relation: "res.users", Readonly: true, Store: true}
	return map[string]OdooField{
		"display_name": {Type: "char", Readonly: true}, "x_name": {Type: "char", Store: true},
		"create_date": {Type: "datetime", Readonly: true, Store: true}, "write_date": {Type: "datetime", Readonly: true, Store: true},
		"create_uid": user, "write_uid": user,
		"message_ids":          {Type: "one2many", Relation: "mail.message", Store: true},
		"message_follower_ids": {Type: "one2many", Relation: "mail.followers", Store: true},
		"message_partner_ids":  {Type: "many2many", Relation: "res.partner"},
	}
}

func (b *builder) odooSide() {
	d := b.d.Odoo
	b.m.Model = d.Model.v
	if d.Model.given() && b.schema.Models != nil {
		fields, ok := b.schema.Models(d.Model.v)
		switch {
		case !ok && !b.schema.Live:
			b.warnf(d.Model.place, "a stock Odoo has no model %q, so that its fields cannot be checked here; check against the server", d.Model.v)
			if strings.HasPrefix(d.Model.v, "x_") {
				b.model = ownModel()
			}
		case !ok:
			b.errorf(d.Model.place, "Odoo has no model %q here; its module may not be installed", d.Model.v)
		default:
			b.model = maps.Clone(fields)
			if b.model == nil {
				b.model = map[string]OdooField{}
			}
		}
	}
	b.setup()
	if b.model != nil {
		b.odooScope = odooScope(b.m.Model, b.model).over(b.schema, b.model)
		if b.kind != nil && b.kind.Message {
			b.odooScope.says()
		}
		for _, s := range b.m.setup { // also those still missing: an expression over them is Unknown
			b.odooScope.add(s.Name, odooValueKind(s.Type))
		}
	}
	b.m.Domain = b.domain(d.Domain.node)
	if d.Context.given() {
		value, ok := b.plainValue(d.Context.node)
		context, isMap := value.(map[string]any)
		if ok && !isMap {
			b.wrongType(d.Context.node, "a set of keys")
		}
		b.m.Context = context
	}
}

// setup notes the fields that the setup command will create. On a live server those that are not there are missing; otherwise they are
// taken to exist.
func (b *builder) setup() {
	b.m.missing = map[string]bool{}
	for _, s := range b.d.Setup {
		name := s.Field.v
		if !s.Field.given() {
			continue
		}
		if !strings.HasPrefix(name, "x_") || len(name) < 3 {
			b.errorf(s.Field.place, "Odoo wants the name of an added field to begin with x_, not %q", name)
			continue
		}
		b.m.setup = append(b.m.setup, SetupField{b.m.Model, name, s.Type.v, s.Label.v, s.LabelZH.v})
		if b.model == nil {
			continue
		}
		if _, exists := b.model[name]; exists {
			continue
		}
		if b.schema.Live {
			b.m.missing[name] = true
		} else {
			b.model[name] = OdooField{Type: s.Type.v, Store: true}
		}
	}
}

// condition compiles a when: over one side's record; nil when it is not given or wrong.
func (b *builder) condition(s str, scope *scope) *Expr {
	if !s.given() || scope == nil {
		return nil
	}
	b.assumeAdded(s, scope)
	e, problem := compileCondition(s.v, scope)
	if problem != nil {
		b.errorf(b.inside(s, problem.offset), "%s", problem.message)
		return nil
	}
	e.Pos = b.position(s.place)
	b.doubts(s, e)
	return e
}

// doubts warns of what an expression names and nobody here knows.
func (b *builder) doubts(s str, e *Expr) {
	for _, doubt := range e.doubts {
		b.warnf(b.inside(s, doubt.offset), "%s", doubt.message)
	}
}

var addedField = regexp.MustCompile(`\bx_[a-z0-9_]+\b`)

// assumeAdded lets an expression name x_ fields that a stock Odoo lacks: they may have been added to the server.
func (b *builder) assumeAdded(s str, scope *scope) {
	if b.schema.Live || scope != b.odooScope {
		return
	}
	for _, found := range addedField.FindAllStringIndex(s.v, -1) {
		name := s.v[found[0]:found[1]]
		if strings.HasSuffix(strings.TrimRight(s.v[:found[0]], " "), ".") { // of another model
			continue
		}
		if _, known := scope.kinds[name]; !known {
			b.odooField(str{place: s.place, v: name}) // warns
			scope.add(name, kindAny)
		}
	}
}

func (b *builder) create() {
	c := b.d.Create
	told := b.m.Message != nil && !c.DingTalk.given() && b.m.Direction.Allows(DingTalk) // to tell is all that such a mapping is for
	b.m.CreateDingTalk = Create{c.DingTalk.allowed || told, b.condition(c.DingTalk.when, b.odooScope)}
	b.m.CreateOdoo = Create{c.Odoo.allowed, b.condition(c.Odoo.when, b.dingScope)}
}

// scopeOf is the scope of expressions over a side's record; nil when its model or kind is not known.
func (b *builder) scopeOf(side Side) *scope {
	if side == Odoo {
		return b.odooScope
	}
	return b.dingScope
}
