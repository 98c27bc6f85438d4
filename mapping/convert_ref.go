package mapping

import (
	"fmt"
	"strconv"
)

// refConverter translates a reference: an Odoo many2one, and one DingTalk id. Its canonical value is the key of the link
// it names; Unknown where there is no link.
type refConverter struct {
	mapping   string // whose links
	attribute string // what DingTalk is sent, and shows, instead of the id
	tells     bool   // the attribute says whose it is
	person    string // the path to what Odoo's field names, see Field.Person
	none      string // the DingTalk id that stands for an empty many2one
	hasNone   bool
}

func newRefConverter(f *Field) refConverter {
	return refConverter{mapping: f.Ref, attribute: f.Attribute, tells: f.Tells, person: f.Person, none: f.None, hasNone: f.HasNone}
}

func (refConverter) Name() string { return "ref" }

func (refConverter) writesEmpty() {}

func (c refConverter) Read(side Side, raw any, env Env) (Value, error) {
	if several, ok := raw.([]int64); ok { // at the end of a path: the first that is linked
		for _, id := range several {
			if link := c.link(side, strconv.FormatInt(id, 10), env); link.IsKnown() {
				return link, nil
			}
		}
		return UnknownValue, nil
	}
	if c.mute(side) {
		return UnknownValue, nil
	}
	id, ok := refID(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a reference")
	}
	return c.link(side, id, env), nil
}

// soleConverter translates a reference to a list of one, named by an attribute: as whoever an activity is assigned to is its one executor.
// Nothing in such a list tells whose the attribute is, so it is only sent.
type soleConverter struct{ refConverter }

func (c soleConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == DingTalk {
		return UnknownValue, nil
	}
	return c.refConverter.Read(side, raw, env)
}

func (c soleConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	id, err := c.refConverter.Write(side, v, current, env)
	if err != nil || id == nil || side == Odoo {
		return id, err
	}
	return []any{id}, nil
}

// mute reports whether what stands on the side does not say whose it is.
func (c refConverter) mute(side Side) bool { return side == DingTalk && c.attribute != "" && !c.tells }

// by is what stands for the record on the side instead of its id.
func (c refConverter) by(side Side) string {
	if side == Odoo {
		return c.person
	}
	return c.attribute
}

// link is the link of an id; Empty for the id that stands for none.
func (c refConverter) link(side Side, id string, env Env) Value {
	if side == DingTalk && c.hasNone && id == c.none {
		return EmptyValue
	}
	if env.Refs == nil {
		return UnknownValue
	}
	var link string
	var ok bool
	if by := c.by(side); by != "" {
		link, ok = env.Refs.LinkBy(c.mapping, side, by, id)
	} else {
		link, ok = env.Refs.LinkOf(c.mapping, side, id)
	}
	if !ok || link == "" {
		return UnknownValue
	}
	return Value{State: Known, Text: link}
}

func (c refConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	id, err := c.id(side, v, env)
	if err != nil || id == "" {
		return nil, err
	}
	if side == DingTalk {
		return id, nil
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, unexpected(id, "the id of an Odoo record")
	}
	return n, nil
}

// id is the far-side id of a canonical value: the none id or "" for Empty.
func (c refConverter) id(side Side, v Value, env Env) (string, error) {
	if v.IsEmpty() {
		if side == DingTalk && c.hasNone {
			return c.none, nil
		}
		return "", nil
	}
	if env.Refs != nil {
		if id, ok := env.Refs.IDOf(c.mapping, side, v.Text, c.by(side)); ok && id != "" {
			return id, nil
		}
	}
	return "", &MissingRef{Mapping: c.mapping, Link: v.Text, Side: side}
}

// refID is the id in a raw reference: of a many2one, or a plain id.
func refID(raw any) (string, bool) {
	switch v := raw.(type) {
	case map[string]any:
		n, ok := v["id"].(int64)
		return strconv.FormatInt(n, 10), ok
	case string:
		return v, v != ""
	}
	n, ok := plainInt(raw)
	return strconv.FormatInt(n, 10), ok
}

const oneOf = "one_of"

// choosers are the converters that join an Odoo many2one with one member of a DingTalk list.
var choosers = map[string]fallback{
	"main_department": mainDepartment,
	oneOf:             first,
}

// fallback chooses among the members of a list when the member settled last is not among them; -1 when nothing decides.
type fallback func(members []member, rec Record) int

// member is one id of a list, and the link it names: Empty for the none id, Unknown without a link.
type member struct {
	id    string
	value Value
}

// mainDepartment is the department marked is_main (部门内任职, 查询用户详情), else the only one.
func mainDepartment(members []member, rec Record) int {
	positions, _ := rec["dept_position_list"].([]any)
	for _, p := range positions {
		position, _ := p.(map[string]any)
		if main, _ := position["is_main"].(bool); !main {
			continue
		}
		id, _ := refID(position["dept_id"])
		for i, m := range members {
			if m.id == id {
				return i
			}
		}
	}
	if len(members) == 1 {
		return 0
	}
	return -1
}

func first([]member, Record) int { return 0 }

// listConverter joins an Odoo many2one with one member of a DingTalk list: the one settled last (the base) while it is
// listed, else what the fallback chooses. Writing replaces that one and keeps the rest.
type listConverter struct {
	refConverter
	name     string
	fallback fallback
}

func (c listConverter) Name() string { return c.name }

// beside is what mainDepartment looks at.
func (c listConverter) beside() []string {
	if c.name == "main_department" {
		return []string{"dept_position_list"}
	}
	return nil
}

func (c listConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == Odoo {
		return c.refConverter.Read(side, raw, env)
	}
	members, err := c.members(raw, env)
	if err != nil {
		return UnknownValue, err
	}
	if len(members) == 0 {
		return EmptyValue, nil
	}
	if i := c.choose(members, env); i >= 0 {
		return members[i].value, nil
	}
	return UnknownValue, nil
}

func (c listConverter) members(raw any, env Env) ([]member, error) {
	ids, ok := idList(raw)
	if !ok {
		return nil, unexpected(raw, "a list of ids")
	}
	members := make([]member, len(ids))
	for i, id := range ids {
		members[i] = member{id, c.link(DingTalk, id, env)}
	}
	return members, nil
}

func (c listConverter) choose(members []member, env Env) int {
	if !env.Base.IsUnknown() {
		for i, m := range members {
			if m.value == env.Base {
				return i
			}
		}
	}
	return c.fallback(members, env.Record)
}

// Write returns the list just read with the chosen member replaced; without a record (a creation) a list of one. What the
// bridge does not know is kept: a member without a link is never replaced, the new one is added.
func (c listConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	if side == Odoo {
		return c.refConverter.Write(side, v, current, env)
	}
	id, err := c.id(side, v, env)
	if err != nil {
		return nil, err
	}
	members, err := c.members(current, env)
	if err != nil {
		return nil, err
	}
	old := -1
	if len(members) > 0 {
		if old = c.choose(members, env); old >= 0 && members[old].value.IsUnknown() {
			old = -1
		}
	}
	if id == "" && old < 0 && len(members) > 0 {
		return nil, fmt.Errorf("nothing tells which of the %d ids of the list is meant, so none is taken out", len(members))
	}
	return replaceMember(members, old, id), nil
}

// replaceMember puts id in the place of the old member, or at the end where there is none; "" takes the old one out. The
// result names no id twice and is nil when empty.
func replaceMember(members []member, old int, id string) any {
	var out []any
	placed := id == ""
	for i, m := range members {
		switch {
		case i == old && !placed:
			out = append(out, id)
			placed = true
		case i == old, m.id == id && placed:
		default:
			out = append(out, m.id)
			placed = placed || m.id == id
		}
	}
	if !placed {
		out = append(out, id)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
