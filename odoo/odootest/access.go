package odootest

import (
	"fmt"
	"slices"
	"strings"
)

// rule is a record rule of the test: outside its domain the user sees nothing.
type rule struct {
	model, login string
	domain       []any
}

var accessHeads = map[string]string{
	"read":   "Sorry, you are not allowed to access this document.",
	"write":  "Sorry, you are not allowed to modify this document.",
	"create": "Sorry, you are not allowed to create this kind of document.",
	"unlink": "Sorry, you are not allowed to delete this document.",
}

// mayAccess tells whether the user may do op ("read", "write", "create", "unlink") on the model: a row of ir.model.access of one
// of the user's groups, or one without group (odoo/addons/base/models/ir_model.py, IrModelAccess.check).
func (e *env) mayAccess(m *model, op string) bool {
	if e.uid == superuser {
		return true
	}
	acl := e.model("ir.model.access")
	perm, group, active := acl.field("perm_"+op), acl.field("group_id"), acl.field("active")
	groups := e.userGroups()
	t := e.rows("ir.model.access")
	for _, id := range t.referring(acl.field("model_id"), m.id) {
		r := t.rows[id]
		if g := r.ref(group); r.flag(perm) && r.flag(active) && (g == 0 || groups[g]) {
			return true
		}
	}
	return false
}

// checkAccess is check_access_rights.
func (e *env) checkAccess(m *model, op string) error {
	if e.mayAccess(m, op) {
		return nil
	}
	names := e.groupsWithAccess(m, op)
	tail := fmt.Sprintf("(Document model: %s) - (Operation: %s, User: %d)", m.name, op, e.uid)
	if len(names) == 0 {
		return accessFault(accessHeads[op] + " Please contact your system administrator if you think this is an error.\n\n" + tail)
	}
	if e.lang() == "zh_CN" && op == "create" {
		return accessFault("对不起，你没有创建这种类型的文档的权限。 只有以下访问等级的用户可才做这:\n- " + strings.Join(names, "\n\t- ") +
			"\n\n" + strings.Replace(tail, "Document model", "单据模型", 1))
	}
	return accessFault(accessHeads[op] + " Only users with the following access level are currently allowed to do that:\n- " +
		strings.Join(names, "\n\t- ") + "\n\n" + tail)
}

func (e *env) groupsWithAccess(m *model, op string) []string {
	acl := e.model("ir.model.access")
	t := e.rows("ir.model.access")
	var out []string
	for _, id := range t.referring(acl.field("model_id"), m.id) {
		r := t.rows[id]
		if g := r.ref(acl.field("group_id")); g != 0 && r.flag(acl.field("active")) && r.flag(acl.field("perm_"+op)) {
			out = append(out, strings.ReplaceAll(e.groupName(g), " / ", "/"))
		}
	}
	return out
}

// groupName is res.groups' full_name: "Employees / Officer".
func (e *env) groupName(id int64) string {
	name, _ := e.value("res.groups", id, "name").(string)
	if c, _ := e.value("res.groups", id, "category_id").(int64); c != 0 {
		category, _ := e.value("ir.module.category", c, "name").(string)
		return category + " / " + name
	}
	return name
}

// checkFields is check_field_access_rights for the named fields.
func (e *env) checkFields(m *model, op string, names []string) error {
	var bad []string
	for _, n := range names {
		if f := m.field(n); f != nil && !e.allowed(f) {
			bad = append(bad, n)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return accessFault(fmt.Sprintf("%s\n\n(Document type: %s, Operation: %s) - (User: %d, Fields: %s)",
		forbiddenText, m.description, op, e.uid, strings.Join(bad, ", ")))
}

// ruleFor returns the record rules of the user on the model for op as one predicate; nil = everything.
func (e *env) ruleFor(m *model, op string) (func(*row) bool, error) {
	if e.uid == superuser {
		return nil, nil
	}
	key := m.name + ":" + op
	if p, ok := e.rules[key]; ok {
		return p, nil
	}
	login, _ := e.value("res.users", e.uid, "login").(string)
	var all []func(*row) bool
	if stored, err := e.storedRules(m, op); err != nil {
		return nil, err
	} else if stored != nil {
		all = append(all, stored)
	}
	if b := behaviourOf(m.name); b.rules != nil {
		if match := b.rules(e, m, op); match != nil {
			all = append(all, match)
		}
	}
	for _, r := range e.tx.s.rules {
		if r.model != m.name || r.login != login {
			continue
		}
		q, err := e.sudo().with("active_test", false).compile(m, r.domain)
		if err != nil {
			return nil, err
		}
		all = append(all, q.match)
	}
	var p func(*row) bool
	if len(all) > 0 {
		p = func(r *row) bool {
			return !slices.ContainsFunc(all, func(match func(*row) bool) bool { return !match(r) })
		}
	}
	if e.rules == nil {
		e.rules = map[string]func(*row) bool{}
	}
	e.rules[key] = p
	return p, nil
}

// checkRules is check_access_rule: records that exist but are outside the user's rules fault.
func (e *env) checkRules(m *model, op string, ids []int64) error {
	match, err := e.ruleFor(m, op)
	if err != nil || match == nil {
		return err
	}
	var invalid []any
	t := e.rows(m.name)
	for _, id := range ids {
		if r := t.rows[id]; r != nil && !match(r) {
			invalid = append(invalid, id)
		}
	}
	if len(invalid) == 0 {
		return nil
	}
	if b := behaviourOf(m.name); b.refuse != nil {
		if err := b.refuse(e, m, op, invalid[0].(int64)); err != nil {
			return err
		}
	}
	return accessFault(fmt.Sprintf("%s\n\n(Document type: %s, Operation: %s) - (Records: %s, User: %d)",
		forbiddenText, m.description, op, pyRepr(invalid[:min(len(invalid), 6)]), e.uid))
}
