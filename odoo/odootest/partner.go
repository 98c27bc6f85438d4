package odootest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

func init() {
	behaviours["res.partner"] = &behaviour{
		defaults: func(e *env, m *model) values {
			d := values{"lang": "en_US", "company_id": orFalse(e.company()), "image": avatar, "partner_share": true, "calendar_last_notif_ack": e.tx.stamp}
			if l := e.lang(); l != "" {
				d["lang"] = l
			}
			if tz, ok := e.context["tz"]; ok {
				d["tz"] = tz
			}
			return d
		},
		beforeCreate: partnerBeforeCreate,
		afterCreate:  partnerAfterCreate,
		beforeWrite:  partnerBeforeWrite,
		afterWrite:   partnerAfterWrite,
		beforeUnlink: partnerBeforeUnlink,
		check:        partnerCheck,
		sqlCheck: func(m *model, r *row) (name, message string) {
			if r.str(m.field("type")) == "contact" && r.at(m.field("name")) == nil {
				return "check_name", "Contacts require a name."
			}
			return "", ""
		},
		nameGet:    partnerName,
		nameSearch: partnerNameSearch,
		inverse:    map[string]bool{"company_type": true},
		compute: map[string]func(*env, *model, *row) any{
			"company_type": func(_ *env, m *model, r *row) any {
				if r.flag(m.field("is_company")) {
					return "company"
				}
				return "person"
			},
			"currency_id": func(e *env, m *model, r *row) any {
				return e.value("res.company", firstID(e.company()), "currency_id")
			},
			"email_formatted": func(_ *env, m *model, r *row) any {
				if mail := r.str(m.field("email")); mail != "" {
					return fmt.Sprintf("%s <%s>", r.str(m.field("name")), mail)
				}
				return nil
			},
			"im_status": func(*env, *model, *row) any { return "offline" },
			"contact_address": func(e *env, m *model, r *row) any {
				get := func(n string) string { return r.str(m.field(n)) }
				address := fmt.Sprintf("%s\n%s\n%s  %s\n%s", get("street"), get("street2"), get("city"), get("zip"),
					e.text("res.country", r.ref(m.field("country_id")), "name"))
				if company := get("commercial_company_name"); company != "" {
					address = company + "\n" + address
				}
				return address
			},
			"self":      func(_ *env, _ *model, r *row) any { return r.id },
			"tz_offset": func(*env, *model, *row) any { return "+0000" },
		},
	}
}

var partnerOfCompany = []string{"street", "street2", "zip", "city", "state_id", "country_id", "website", "vat"}

var addressFields = []string{"street", "street2", "zip", "city", "state_id", "country_id"}

func firstID(v any) int64 { n, _ := v.(int64); return n }

func partnerBeforeCreate(_ *env, _ *model, vals values) error {
	if v, ok := vals["company_type"]; ok {
		vals["is_company"] = v == "company"
	}
	return partnerClean(vals)
}

func partnerClean(vals values) error {
	if s, ok := vals["website"].(string); ok && s != "" {
		if u, err := url.Parse(s); err == nil && u.Scheme == "" {
			vals["website"] = "http://" + strings.TrimPrefix(s, "//")
		}
	}
	if truthy(vals["parent_id"]) {
		vals["company_name"] = false
	}
	return resizeImages(vals)
}

func partnerBeforeWrite(e *env, m *model, ids []int64, vals values) (*env, error) {
	if v, ok := vals["company_type"]; ok {
		vals["is_company"] = v == "company"
	}
	if v, ok := vals["active"]; ok && v == false {
		for _, id := range ids {
			if r := e.row(m.name, id); r != nil && r.flag(m.field("active")) && len(e.activeUsersOf(id)) > 0 {
				return e, validation("You cannot archive a contact linked to an internal user.")
			}
		}
	}
	if company, ok := toInt(vals["company_id"]); ok && company != 0 {
		for _, id := range ids {
			for _, u := range e.activeUsersOf(id) {
				if e.refOf("res.users", u, "company_id") != company {
					return e, userFault("The selected company is not compatible with the companies of the related user(s)")
				}
			}
		}
	}
	return e, partnerClean(vals)
}

func (e *env) activeUsersOf(partner int64) []int64 {
	users := e.model("res.users")
	ids := slices.Clone(e.rows("res.users").referring(users.field("partner_id"), partner))
	return slices.DeleteFunc(ids, func(id int64) bool { return !e.row("res.users", id).flag(users.field("active")) })
}

func partnerAfterCreate(e *env, m *model, id int64, vals values) error {
	if err := partnerDerive(e, m, id, nil); err != nil {
		return err
	}
	if err := defaultThumbnails(e, m, id); err != nil {
		return err
	}
	parent := e.refOf(m.name, id, "parent_id")
	if parent == 0 {
		return nil
	}
	if err := partnerAddress(e, m, id, parent); err != nil {
		return err
	}
	p := e.row(m.name, parent)
	empty := func(r *row) bool {
		return !slices.ContainsFunc(addressFields, func(n string) bool { return r.at(m.field(n)) != nil })
	}
	first := p.flag(m.field("is_company")) || p.ref(m.field("parent_id")) == 0
	if child := e.row(m.name, id); first && len(e.rows(m.name).referring(m.field("parent_id"), parent)) == 1 && empty(p) && !empty(child) {
		return e.set(m, parent, addressOf(m, child))
	}
	return nil
}

func addressOf(m *model, r *row) values {
	out := values{}
	for _, n := range addressFields {
		out[n] = r.at(m.field(n))
	}
	return out
}

// partnerAddress copies the parent's address to a contact (_fields_sync, upstream).
func partnerAddress(e *env, m *model, id, parent int64) error {
	if e.text(m.name, id, "type") != "contact" {
		return nil
	}
	address := addressOf(m, e.row(m.name, parent))
	if !slices.ContainsFunc(addressFields, func(n string) bool { return address[n] != nil }) {
		return nil
	}
	return e.set(m, id, address)
}

// partnerDerive recomputes the stored computed fields of one partner and of those that depend on it. changed nil means creation.
func partnerDerive(e *env, m *model, id int64, changed func(...string) bool) error {
	all := changed == nil
	if all {
		changed = func(...string) bool { return true }
	}
	t := e.rows(m.name)
	if changed("is_company", "parent_id") {
		if err := partnerCommercial(e, m, id, 0); err != nil {
			return err
		}
	}
	if changed("company_name", "parent_id", "is_company", "name") {
		for _, other := range union([]int64{id}, t.referring(m.field("commercial_partner_id"), id)) {
			if other != id && all {
				continue
			}
			if err := e.set(m, other, values{"commercial_company_name": partnerCompanyName(e, m, t.rows[other])}); err != nil {
				return err
			}
		}
	}
	if changed("is_company", "name", "parent_id", "type", "company_name") {
		if err := e.set(m, id, values{"display_name": partnerName(e, m, t.rows[id])}); err != nil {
			return err
		}
	}
	if !all && changed("name") {
		for _, child := range slices.Clone(t.referring(m.field("parent_id"), id)) {
			if err := e.set(m, child, values{"display_name": partnerName(e, m, t.rows[child])}); err != nil {
				return err
			}
		}
	}
	return nil
}

func partnerCommercial(e *env, m *model, id int64, depth int) error {
	t := e.rows(m.name)
	r := t.rows[id]
	commercial := id
	if parent := t.rows[r.ref(m.field("parent_id"))]; parent != nil && !r.flag(m.field("is_company")) {
		commercial = parent.ref(m.field("commercial_partner_id"))
	}
	if err := e.set(m, id, values{"commercial_partner_id": idOrNil(commercial)}); err != nil || depth > maxDepth {
		return err
	}
	for _, child := range slices.Clone(t.referring(m.field("parent_id"), id)) {
		if err := partnerCommercial(e, m, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func partnerCompanyName(e *env, m *model, r *row) any {
	p := e.row(m.name, r.ref(m.field("commercial_partner_id")))
	if p != nil && p.flag(m.field("is_company")) {
		return p.at(m.field("name"))
	}
	return r.at(m.field("company_name"))
}

func partnerAfterWrite(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
	changed := func(names ...string) bool { return has(vals, names...) }
	for _, id := range ids {
		if err := partnerDerive(e, m, id, changed); err != nil {
			return err
		}
		if parent := e.refOf(m.name, id, "parent_id"); truthy(vals["parent_id"]) && parent != 0 {
			if err := partnerAddress(e, m, id, parent); err != nil {
				return err
			}
		}
		if changed(addressFields...) {
			if err := partnerAddressDown(e, m, id, vals); err != nil {
				return err
			}
		}
	}
	return nil
}

// partnerAddressDown writes a changed address to the contacts below (_children_sync).
func partnerAddressDown(e *env, m *model, id int64, vals values) error {
	address := values{}
	for _, n := range addressFields {
		if v, ok := vals[n]; ok {
			address[n] = v
		}
	}
	var contacts []int64
	for _, child := range e.rows(m.name).referring(m.field("parent_id"), id) {
		if r := e.row(m.name, child); r.str(m.field("type")) == "contact" && r.flag(m.field("active")) {
			contacts = append(contacts, child)
		}
	}
	return e.write(m, contacts, address)
}

func partnerBeforeUnlink(e *env, m *model, ids []int64) (func() error, error) {
	var children []int64
	for _, id := range ids {
		children = union(children, e.rows(m.name).referring(m.field("parent_id"), id))
	}
	return func() error {
		for _, id := range children {
			if e.row(m.name, id) != nil {
				if err := partnerDerive(e, m, id, nil); err != nil {
					return err
				}
			}
		}
		return nil
	}, nil
}

func partnerCheck(e *env, m *model, ids []int64, changed func(string) bool) error {
	for _, id := range ids {
		if changed("parent_id") && e.recursive(m, id, "parent_id") {
			return validation("You cannot create recursive Partner hierarchies.")
		}
	}
	return nil
}
