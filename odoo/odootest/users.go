package odootest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// passwordField is the hidden column of res.users that holds the password; no name reaches it from outside.
const passwordField = "\x00password"

// loginModel has a row, without fields of its own, for each login: who made it, and when.
const loginModel = "res.users.log"

// lastLogin is when a user logged in last; nil for never.
func lastLogin(e *env, uid int64) any {
	if r := e.row(loginModel, lastLoginID(e, uid)); r != nil {
		return r.created
	}
	return nil
}

func lastLoginID(e *env, uid int64) (last int64) {
	for id, r := range e.rows(loginModel).rows {
		if r.createdBy == uid {
			last = max(last, id)
		}
	}
	return last
}

// ForgetLogins deletes the rows of logins of users who have logged in since, as a scheduled action of Odoo does.
func (s *Server) ForgetLogins() {
	s.fail(s.transact(superuser, func(e *env) error {
		var old []int64
		for _, id := range e.rows(loginModel).sorted() {
			if r := e.row(loginModel, id); lastLoginID(e, r.createdBy) != id {
				old = append(old, id)
			}
		}
		return e.unlink(e.model(loginModel), old)
	}))
}

func init() {
	behaviours["res.users"] = &behaviour{
		defaults: func(e *env, m *model) values {
			company := orFalse(e.company())
			d := values{"company_id": company}
			if id := firstID(company); id != 0 {
				d["company_ids"] = []any{[]any{int64(6), int64(0), []any{id}}}
			}
			if _, template := e.xmlID("base.default_user"); template != 0 {
				groups, _ := e.value("res.users", template, "groups_id").([]int64)
				d["groups_id"] = []any{[]any{int64(6), int64(0), idList(groups)}}
			}
			return d
		},
		beforeCreate: func(e *env, m *model, vals values) error { return groupCheckboxes(e, vals) },
		afterCreate:  userAfterCreate,
		beforeWrite:  userBeforeWrite,
		afterWrite:   userAfterWrite,
		beforeUnlink: userBeforeUnlink,
		check:        userCheck,
		inverse:      map[string]bool{"password": true, "new_password": true},
		compute: map[string]func(*env, *model, *row) any{
			"password":     func(*env, *model, *row) any { return "" },
			"new_password": func(*env, *model, *row) any { return "" },
			"login_date": func(e *env, m *model, r *row) any {
				return lastLogin(e, r.id)
			},
			"companies_count": func(e *env, _ *model, _ *row) any { return int64(len(e.rows("res.company").rows)) },
			"active_partner": func(e *env, m *model, r *row) any {
				return e.value("res.partner", r.ref(m.field("partner_id")), "active")
			},
			"resource_calendar_id": func(e *env, m *model, r *row) any {
				res := e.model("resource.resource")
				for _, id := range e.rows(res.name).referring(res.field("user_id"), r.id) {
					return e.value(res.name, id, "calendar_id")
				}
				return nil
			},
		},
		nameSearch: userNameSearch,
		methods: map[string]method{
			"has_group": {params: []string{"group_ext_id"}, need: 1, run: func(c *call) (any, error) {
				name, _ := c.arg("group_ext_id").(string)
				if !strings.Contains(name, ".") {
					return nil, rawFault("AssertionError: External ID must be fully qualified")
				}
				return c.e.inGroup(name), nil
			}},
			"context_get": {run: func(c *call) (any, error) {
				out := values{"lang": false, "tz": false}
				for _, k := range []string{"lang", "tz"} {
					out[k] = orFalse(c.e.value("res.users", c.e.uid, k))
				}
				return out, nil
			}},
		},
	}
	behaviours["res.groups"] = &behaviour{
		afterCreate: func(e *env, m *model, id int64, _ values) error { return e.spreadImplied(m, []int64{id}) },
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			if has(vals, "implied_ids", "users") {
				return e.spreadImplied(m, ids)
			}
			return nil
		},
		nameGet: func(e *env, _ *model, r *row) string { return e.groupName(r.id) },
		compute: map[string]func(*env, *model, *row) any{
			"full_name": func(e *env, _ *model, r *row) any { return e.groupName(r.id) },
		},
	}
}

// implied are the groups together with all that they imply.
func (e *env) implied(groups []int64) []int64 {
	m := e.model("res.groups")
	out := slices.Clone(groups)
	for i := 0; i < len(out); i++ {
		if r := e.row(m.name, out[i]); r != nil {
			next, _ := r.at(m.field("implied_ids")).([]int64)
			for _, id := range next {
				if !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

// spreadImplied gives the users of the groups what the groups imply (res.groups.write in base's GroupsImplied).
func (e *env) spreadImplied(m *model, ids []int64) error {
	users := e.model("res.users")
	for _, id := range ids {
		for _, u := range e.links(m, e.row(m.name, id), m.field("users")) {
			if err := e.userGroupsSet(users, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// userGroupsSet completes a user's groups and recomputes share.
func (e *env) userGroupsSet(m *model, id int64) error {
	f := m.field("groups_id")
	now := e.links(m, e.row(m.name, id), f)
	full := e.implied(now)
	if len(full) != len(now) {
		if err := e.setLinks(m, f, e.model("res.groups"), id, full); err != nil {
			return err
		}
	}
	_, internal := e.xmlID("base.group_user")
	share := !slices.Contains(full, internal)
	if err := e.set(m, id, values{"share": share}); err != nil {
		return err
	}
	partner := e.refOf(m.name, id, "partner_id")
	if e.value("res.partner", partner, "partner_share") == share {
		return nil
	}
	return e.set(e.model("res.partner"), partner, values{"partner_share": share})
}

func userAfterCreate(e *env, m *model, id int64, vals values) error {
	r := e.row(m.name, id)
	if err := userPassword(e, m, []int64{id}, vals); err != nil {
		return err
	}
	if err := e.userGroupsSet(m, id); err != nil {
		return err
	}
	partner := e.model("res.partner")
	pid := r.ref(m.field("partner_id"))
	if err := e.set(partner, pid, values{"active": r.flag(m.field("active"))}); err != nil {
		return err
	}
	if e.refOf(partner.name, pid, "company_id") != 0 {
		return e.set(partner, pid, values{"company_id": r.at(m.field("company_id"))})
	}
	return userCheck(e, m, []int64{id}, func(string) bool { return true })
}

func userPassword(e *env, m *model, ids []int64, vals values) error {
	for _, name := range []string{"password", "new_password"} {
		v, given := vals[name]
		if !given || name == "new_password" && !truthy(v) {
			continue
		}
		if name == "new_password" && slices.Contains(ids, e.uid) {
			return userFault("Please use the change password wizard (in User Preferences or User menu) to change your own password.")
		}
		for _, id := range ids {
			if err := e.blank(m, id, hidden(m), pyStr(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func hidden(m *model) *field {
	for _, f := range m.cols {
		if f.name == passwordField {
			return f
		}
	}
	return nil
}

// selfWriteable are the fields a user may change in the own record without rights on res.users.
var selfWriteable = []string{"signature", "action_id", "company_id", "email", "name", "image", "image_medium", "image_small", "lang", "tz", "notification_type"}

func userBeforeWrite(e *env, m *model, ids []int64, vals values) (*env, error) {
	if truthy(vals["active"]) && slices.Contains(ids, superuser) {
		return e, userFault("You cannot activate the superuser.")
	}
	if vals["active"] == false && slices.Contains(ids, e.uid) {
		return e, userFault("You cannot deactivate the user you're currently logged in as.")
	}
	if err := groupCheckboxes(e, vals); err != nil {
		return e, err
	}
	if truthy(vals["active"]) {
		for _, id := range ids {
			partner := e.refOf(m.name, id, "partner_id")
			if e.value("res.partner", partner, "active") == false {
				if err := e.write(e.model("res.partner"), []int64{partner}, values{"active": true}); err != nil {
					return e, err
				}
			}
		}
	}
	own := len(ids) == 1 && ids[0] == e.uid
	for k := range vals {
		own = own && slices.Contains(selfWriteable, k)
	}
	if own && !e.mayAccess(m, "write") {
		return e.sudo(), nil
	}
	return e, nil
}

func userAfterWrite(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
	if err := userPassword(e, m, ids, vals); err != nil {
		return err
	}
	for _, id := range ids {
		r := e.row(m.name, id)
		partner := r.ref(m.field("partner_id"))
		if c := e.refOf("res.partner", partner, "company_id"); has(vals, "company_id") && c != 0 && c != r.ref(m.field("company_id")) {
			if err := e.write(e.model("res.partner"), []int64{partner}, values{"company_id": r.at(m.field("company_id"))}); err != nil {
				return err
			}
		}
		if has(vals, "groups_id") {
			if err := e.userGroupsSet(m, id); err != nil {
				return err
			}
		}
	}
	return userToEmployees(e, ids, vals)
}

// userToEmployees passes a user's name, photo and time zone on to the employees (addons/hr/models/res_users.py). It writes
// `email` too, which employees do not have: alone it changes nothing.
func userToEmployees(e *env, ids []int64, vals values) error {
	through := values{}
	for _, n := range []string{"name", "email", "image", "tz"} {
		if v, ok := vals[n]; ok {
			through[n] = v
		}
	}
	emp := e.model("hr.employee")
	if len(through) == 0 || emp == nil {
		return nil
	}
	var people []int64
	for _, id := range ids {
		for _, who := range e.rows(emp.name).referring(emp.field("user_id"), id) {
			if e.visible(emp, e.row(emp.name, who)) {
				people = append(people, who)
			}
		}
	}
	return e.sudo().write(emp, union(nil, people), through)
}

func userBeforeUnlink(_ *env, _ *model, ids []int64) (func() error, error) {
	if slices.Contains(ids, superuser) {
		return nil, userFault("You can not remove the admin user as it is used internally for resources created by Odoo (updates, module installation, ...)")
	}
	return func() error { return nil }, nil
}

func userCheck(e *env, m *model, ids []int64, changed func(string) bool) error {
	for _, id := range ids {
		r := e.row(m.name, id)
		companies, _ := r.at(m.field("company_ids")).([]int64)
		if changed("company_id") || changed("company_ids") {
			if c := r.ref(m.field("company_id")); len(companies) > 0 && !slices.Contains(companies, c) {
				return validation("The chosen company is not in the allowed companies for this user")
			}
		}
		types := 0
		groups, _ := r.at(m.field("groups_id")).([]int64)
		for _, g := range []string{"base.group_user", "base.group_portal", "base.group_public"} {
			_, gid := e.xmlID(g)
			types += int(b2i(slices.Contains(groups, gid)))
		}
		if changed("groups_id") && types > 1 {
			return validation("The user cannot have more than one user types.")
		}
	}
	return nil
}

func userNameSearch(e *env, m *model, name, op string, domain []any, limit int64) ([]int64, bool, error) {
	first := domain
	if op != "ilike" || strings.TrimSpace(name) != "" {
		first = append([]any{[]any{"login", "=", name}}, domain...)
	}
	ids, err := e.search(m, first, searchOptions{limit: limit})
	if err == nil && len(ids) == 0 {
		ids, err = e.search(m, append([]any{[]any{"name", op, name}}, domain...), searchOptions{limit: limit})
	}
	return ids, true, err
}

var checkbox = regexp.MustCompile(`^(in_group|sel_groups)_(\d+(?:_\d+)*)$`)

// groupCheckboxes turns the form's in_group_N and sel_groups_N_M fields into commands on groups_id.
func groupCheckboxes(_ *env, vals values) error {
	var commands []any
	for _, name := range sortedKeys(vals) {
		m := checkbox.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		chosen, _ := toInt(vals[name])
		for part := range strings.SplitSeq(m[2], "_") {
			id, err := strconv.ParseInt(part, 10, 64)
			if err != nil {
				return fmt.Errorf("group field %s: %w", name, err)
			}
			code := int64(3)
			if m[1] == "in_group" && truthy(vals[name]) || m[1] == "sel_groups" && id == chosen {
				code = 4
			}
			commands = append(commands, []any{code, id})
		}
		delete(vals, name)
	}
	if len(commands) > 0 {
		given, _ := vals["groups_id"].([]any)
		vals["groups_id"] = append(slices.Clone(given), commands...)
	}
	return nil
}
