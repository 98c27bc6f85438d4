package bridge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// asked is whom an approval asks, in DingTalk's terms.
type asked struct {
	Levels     []dingtalk.ApproverLevel
	CC         []string
	CCPosition string
	Select     []dingtalk.SelectedActors
}

// String shows it in a plan.
func (a *asked) String() string {
	var parts []string
	for _, l := range a.Levels {
		word := map[string]string{"AND": "all of ", "OR": "any of "}[l.Action]
		parts = append(parts, word+strings.Join(l.Users, ", "))
	}
	text := strings.Join(parts, " -> ")
	for _, s := range a.Select {
		text += "  " + s.Key + ": " + strings.Join(s.Users, ", ")
	}
	if len(a.CC) > 0 {
		text += "  cc " + strings.Join(a.CC, ", ")
	}
	return strings.TrimSpace(text)
}

// The bounds of 发起审批实例.
const (
	mostLevels = 20
	mostCC     = 50
)

// askPeople finds out whom the start of an approval asks. An approver without DingTalk holds it; who only gets a copy is left out.
func (b *batch) askPeople(t *task, c *Change) {
	rule := b.m.Approval
	if len(rule.Approvers) == 0 && len(rule.Select) == 0 && len(rule.CC) == 0 {
		return
	}
	a := &asked{CCPosition: rule.CCPosition}
	p := &people{b: b, t: t}
	for _, level := range rule.Approvers {
		a.Levels = append(a.Levels, levelsOf(p.of(level.People, true), level.Mode)...)
	}
	for _, s := range rule.Select {
		a.Select = append(a.Select, dingtalk.SelectedActors{Key: s.Node, Users: p.of(s.People, true)})
	}
	required := p.missing
	a.CC = p.of(rule.CC, false)
	if len(a.CC) > mostCC {
		a.CC = a.CC[:mostCC]
	}
	switch {
	case p.err != nil:
		t.fail = classify(p.err)
	case len(required) > 0:
		t.plan.Changes = nil
		b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: "no approver: " + strings.Join(required, "; ")})
	case len(a.Levels) > mostLevels:
		t.plan.Changes = nil
		b.holdStranger(t, mapping.Odoo, Hold{Kind: HeldInvalid, Reason: fmt.Sprintf("%d levels of approvers, and DingTalk takes %d", len(a.Levels), mostLevels)})
	default:
		c.Asked = a
	}
}

// levelsOf are the levels that some people make: one for all or any of them, or one for each in turn. One person is always alone.
func levelsOf(users []string, mode mapping.LevelMode) []dingtalk.ApproverLevel {
	if len(users) > 1 && mode != mapping.OneByOne {
		action := "AND"
		if mode == mapping.Any {
			action = "OR"
		}
		return []dingtalk.ApproverLevel{{Action: action, Users: users}}
	}
	var out []dingtalk.ApproverLevel
	for _, u := range users {
		out = append(out, dingtalk.ApproverLevel{Action: "NONE", Users: []string{u}})
	}
	return out
}

// people resolves lists of people of one record.
type people struct {
	b       *batch
	t       *task
	missing []string // who was named and is not in DingTalk, in words
	err     error
}

// of returns the userids that a list names, each once, in order. needed: an entry that leads to nobody is missing.
func (p *people) of(list []mapping.Person, needed bool) []string {
	var out, except []string
	for _, one := range list {
		if p.err != nil {
			return nil
		}
		path := one.Path
		if one.Except != "" {
			path = one.Except
		}
		var found []string
		switch {
		case one.Userid != "":
			found = []string{one.Userid}
		case one.Followers:
			found = p.followers()
		case one.Chain != "":
			found = p.chain(one)
		default:
			found = p.at(path, needed && one.Except == "")
		}
		if one.Except != "" {
			except = append(except, found...)
			continue
		}
		if needed && len(found) == 0 && p.err == nil && (one.Chain != "" || one.Followers) {
			p.missing = append(p.missing, cmp.Or(one.Chain, "the list of followers")+" leads to nobody in dingtalk")
		}
		for _, u := range found {
			if !slices.Contains(out, u) {
				out = append(out, u)
			}
		}
	}
	return slices.DeleteFunc(out, func(u string) bool { return slices.Contains(except, u) })
}

// audience is whom a message is for, in order: who is not in DingTalk is left out, and stands among the missing.
func (p *people) audience(list []mapping.Person) audience {
	var a audience
	var named []mapping.Person
	for _, one := range list {
		switch {
		case one.Everyone:
			return audience{everyone: true}
		case one.Department > 0:
			a.departments = append(a.departments, one.Department)
		case one.Members != "":
			a.departments = append(a.departments, p.departments(one.Members)...)
		default:
			named = append(named, one)
		}
	}
	a.users = p.of(named, true)
	slices.Sort(a.departments)
	a.departments = slices.Compact(a.departments)
	return a
}

// digested is the person for whom a digest is.
func (p *people) digested() []string {
	person, _, err := readDigestID(p.t.odoo.ID)
	if err != nil {
		p.err = err
		return nil
	}
	path := p.b.m.Message.GroupBy
	model, err := p.b.e.odoo.modelAt(p.b.ctx, p.b.m.Model, path)
	if err != nil {
		p.err = err
		return nil
	}
	return p.userids(model, []int64{person}, path, true)
}

// departments are those of DingTalk that a path to departments of Odoo leads to.
func (p *people) departments(path string) []int64 {
	_, ids := p.follow(path)
	var out []int64
	for _, id := range ids {
		linked := false
		for _, m := range p.b.e.mappings().ByKind("department") {
			link, ok := p.b.refs.LinkOf(m.Name, mapping.Odoo, strconv.FormatInt(id, 10))
			if !ok {
				continue
			}
			text, ok := p.b.refs.IDOf(m.Name, mapping.DingTalk, link, "")
			if n, err := strconv.ParseInt(text, 10, 64); ok && err == nil {
				out, linked = append(out, n), true
			}
		}
		if !linked {
			p.missing = append(p.missing, fmt.Sprintf("%s is hr.department %d, which is not linked to dingtalk", path, id))
		}
	}
	return out
}

// receiverFields are the fields of the record where the paths to the receivers of a message begin: they are read together with what it says.
func receiverFields(m *mapping.Mapping) (names []string) {
	if m.Message == nil || m.Message.Digest() {
		return nil
	}
	for _, one := range m.Message.Receivers {
		for _, path := range []string{one.Path, one.Except, one.Chain} {
			if head, _, _ := strings.Cut(path, "."); head != "" {
				names = append(names, head)
			}
		}
	}
	return names
}

// follow follows a path of the record, from what the record showed when it was read.
func (p *people) follow(path string) (model string, ids []int64) {
	head, tail, further := strings.Cut(path, ".")
	from, read := p.t.odoo.Record[head]
	id, err := strconv.ParseInt(string(p.t.odoo.ID), 10, 64)
	switch {
	case err != nil:
	case !read || !slices.Contains(receiverFields(p.b.m), head):
		model, ids, err = p.b.e.odoo.follow(p.b.ctx, p.b.m.Model, []int64{id}, path)
	default:
		if ids, read = from.([]int64); !read && recordID(from) > 0 {
			ids = []int64{recordID(from)}
		}
		if model, err = p.b.e.odoo.modelAt(p.b.ctx, p.b.m.Model, head); err == nil && further {
			model, ids, err = p.b.e.odoo.follow(p.b.ctx, model, ids, tail)
		}
	}
	if err != nil && p.err == nil {
		p.err = err
	}
	return model, ids
}

// at follows a path of the record.
func (p *people) at(path string, needed bool) []string {
	model, ids := p.follow(path)
	if p.err != nil {
		return nil
	}
	if len(ids) == 0 && needed {
		p.missing = append(p.missing, path+" is empty")
	}
	return p.userids(model, ids, path, needed)
}

// userids translates records of people to DingTalk.
func (p *people) userids(model string, ids []int64, path string, needed bool) []string {
	employees, err := p.b.e.odoo.employeesOf(p.b.ctx, model, ids)
	if err != nil {
		p.err = err
		return nil
	}
	var out []string
	for _, n := range employees {
		if u, ok := p.userid(n); ok {
			out = append(out, u)
		} else if needed {
			p.missing = append(p.missing, fmt.Sprintf("%s is hr.employee %d, who is not linked to dingtalk", path, n))
		}
	}
	if needed && len(ids) > 0 && len(employees) == 0 {
		p.missing = append(p.missing, fmt.Sprintf("%s is %s %d, who is no employee", path, model, ids[0]))
	}
	return out
}

// userid is the DingTalk user whom a mapping links with the employee.
func (p *people) userid(employee int64) (string, bool) {
	for _, m := range p.b.e.mappings().ByKind("user") {
		if m.Model != "hr.employee" {
			continue
		}
		if link, ok := p.b.refs.LinkOf(m.Name, mapping.Odoo, strconv.FormatInt(employee, 10)); ok {
			if u, ok := p.b.refs.IDOf(m.Name, mapping.DingTalk, link, ""); ok {
				return u, true
			}
		}
	}
	return "", false
}

// chain climbs from an employee to the managers above.
func (p *people) chain(one mapping.Person) []string {
	_, at := p.follow(one.Chain)
	if p.err != nil {
		return nil
	}
	var above []int64
	var err error
	for len(at) > 0 && len(above) < mostLevels && (one.Levels == 0 || len(above) < one.Levels) {
		if _, at, err = p.b.e.odoo.follow(p.b.ctx, "hr.employee", at[:1], "parent_id"); err != nil {
			p.err = err
			return nil
		}
		if len(at) == 0 || slices.Contains(above, at[0]) {
			break
		}
		above = append(above, at[0])
	}
	return p.userids("hr.employee", above, one.Chain, true)
}

// followers are the people who follow the record (mail.followers).
func (p *people) followers() []string {
	id, err := strconv.ParseInt(string(p.t.odoo.ID), 10, 64)
	if err != nil {
		p.err = err
		return nil
	}
	model := p.b.m.Model
	if model == chatterModel { // the document's
		message, err := p.b.e.odoo.readRecords(p.b.ctx, model, []int64{id}, []string{"model", "res_id"})
		if err != nil {
			p.err = err
			return nil
		}
		model = textOf(message[id]["model"])
		id, _ = message[id]["res_id"].(int64)
	}
	rows, err := p.b.e.odoo.client.SearchRead(p.b.ctx, "mail.followers", odoo.Domain{odoo.Cond("res_model", "=", model), odoo.Cond("res_id", "=", id)},
		[]string{"partner_id"}, odoo.Options{Order: "id"})
	if err != nil {
		p.err = err
		return nil
	}
	var partners []int64
	for _, row := range rows {
		if n := idOf(row["partner_id"]); n > 0 {
			partners = append(partners, n)
		}
	}
	return p.userids("res.partner", partners, "followers", false)
}

// nameOf is a person's name for texts: as the mapping of people knows it, else as DingTalk says, else the userid.
func (b *batch) nameOf(userid string) string {
	for _, m := range b.e.mappings().ByKind("user") {
		if link, ok := b.refs.LinkOf(m.Name, mapping.DingTalk, userid); ok {
			if name, ok := b.refs.IDOf(m.Name, mapping.DingTalk, link, "name"); ok {
				return name
			}
		}
	}
	if name, ok := b.e.ding.names.Load(userid); ok {
		return name.(string)
	}
	o, err := b.e.ding.client.Users.Get(context.WithoutCancel(b.ctx), userid)
	if err != nil || o.Text("name") == "" {
		return userid
	}
	b.e.ding.names.Store(userid, o.Text("name"))
	return o.Text("name")
}
