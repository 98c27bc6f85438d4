package chaos

import (
	"fmt"
	"strconv"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// found makes the people and departments a world begins with: some on one side, some on the other.
func (w *world) found() {
	w.began = time.Now()
	for i := range firstUnits {
		side := mapping.Odoo
		if i%3 == 2 {
			side = mapping.DingTalk
		}
		must(w.t, w.newUnit(side))
	}
	for i := range founders {
		side := mapping.Odoo
		if i%4 == 3 {
			side = mapping.DingTalk
		}
		must(w.t, w.hire(side))
	}
}

// value is a text nobody wrote before.
func (w *world) value(what string) string {
	w.serial++
	return fmt.Sprintf("%s%d·%d", what, w.round, w.serial)
}

func (w *world) side() mapping.Side {
	if w.rng.IntN(2) == 0 {
		return mapping.Odoo
	}
	return mapping.DingTalk
}

func pick[T any](w *world, list []T) (one T, ok bool) {
	if len(list) == 0 {
		return one, false
	}
	return list[w.rng.IntN(len(list))], true
}

// somebody is a person who is there, as far as the ledger knows.
func (w *world) somebody() (*record, error) {
	r, ok := pick(w, w.ledger.all("person", true))
	if !ok {
		return nil, errNotThere
	}
	return r, nil
}

// odooID finds the record in Odoo; 0 when it is not there.
func (w *world) odooID(r *record) int64 {
	if r.odoo == 0 && r.kind == "person" {
		ids := w.odoo.Search("hr.employee", []any{[]any{"notes", "=", r.tag}})
		if len(ids) > 0 {
			r.odoo = ids[0]
		}
	}
	return r.odoo
}

// dingID finds the record in DingTalk; "" when it is not there.
func (w *world) dingID(r *record) string {
	if r.kind == "person" {
		if u, ok := w.ding.User(r.ding); ok && u.Remark == r.tag {
			return r.ding
		}
		r.ding = ""
		for _, u := range w.ding.Users() {
			if u.Remark == r.tag {
				r.ding = u.UserID
			}
		}
	}
	return r.ding
}

// show is a field of the record as the side shows it now.
func (w *world) show(r *record, side mapping.Side, field string) string {
	if side == mapping.Odoo {
		return w.odooValue(w.odoo.Get(model(r), r.odoo), r.kind, field)
	}
	if r.kind == "unit" {
		d, _ := w.ding.Department(number(r.ding))
		return w.unitValue(d, field)
	}
	u, _ := w.ding.User(r.ding)
	return w.userValue(u, field)
}

func model(r *record) string {
	if r.kind == "unit" {
		return "hr.department"
	}
	return "hr.employee"
}

func number(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// put writes a field of the record on the side, as a person does, and enters it in the ledger.
func (w *world) put(r *record, side mapping.Side, field, value string) error {
	err := w.putQuietly(r, side, field, value)
	if err == nil {
		w.tell("%s %s: %s = %q", side, r.tag, field, value)
	}
	return err
}

func (w *world) putQuietly(r *record, side mapping.Side, field, value string) error {
	if side == mapping.Odoo {
		return w.putOdoo(r, field, value)
	}
	return w.putDing(r, field, value)
}

// lockWait is how long a write takes at least that waited for somebody's slow transaction.
const lockWait = 10 * time.Millisecond

func (w *world) putOdoo(r *record, field, value string) error {
	id := w.odooID(r)
	if id == 0 {
		return errNotThere
	}
	raw, err := w.odooRaw(field, value)
	if err != nil {
		return err
	}
	before, opened := w.show(r, mapping.Odoo, field), time.Now()
	if err := w.odoo.Write(model(r), id, map[string]any{sides[field].odoo: raw}); err != nil {
		return err
	}
	if time.Since(opened) < lockWait {
		opened = time.Time{}
	}
	w.ledger.wrote(r, field, edit{side: mapping.Odoo, value: value, before: before, at: time.Now(), opened: opened, stamp: w.odoo.WriteDate(model(r), id).Truncate(time.Second)})
	return nil
}

// odooRaw is the value as Odoo stores it.
func (w *world) odooRaw(field, value string) (any, error) {
	if field != fieldUnit && field != fieldBoss && field != fieldParent {
		if value == "" {
			return false, nil
		}
		return value, nil
	}
	if value == "" {
		return false, nil
	}
	id := w.odooID(w.ledger.records[value])
	if id == 0 {
		return nil, errNotThere
	}
	return id, nil
}

func (w *world) putDing(r *record, field, value string) error {
	id := w.dingID(r)
	if id == "" {
		return errNotThere
	}
	to := value
	if ref := w.ledger.records[value]; ref != nil && (field == fieldUnit || field == fieldBoss || field == fieldParent) {
		if to = w.dingID(ref); to == "" {
			return errNotThere
		}
	}
	before := ""
	var err error
	if r.kind == "unit" {
		err = w.ding.EditDepartment(number(id), func(d *dingtalktest.Department) {
			before = w.unitValue(*d, field)
			if field == fieldName {
				d.Name = value
			} else {
				d.ParentID = max(number(to), 1)
			}
		})
	} else {
		err = w.ding.EditUser(id, func(u *dingtalktest.User) {
			before = w.userValue(*u, field)
			setUser(u, field, to)
		})
	}
	if err != nil {
		return err
	}
	w.ledger.wrote(r, field, edit{side: mapping.DingTalk, value: value, before: before, at: time.Now()})
	return nil
}

func setUser(u *dingtalktest.User, field, to string) {
	switch field {
	case fieldName:
		u.Name = to
	case fieldEmail:
		u.Email = to
	case fieldTitle:
		u.Title = to
	case fieldPlace:
		u.WorkPlace = to
	case fieldMobile:
		u.Mobile = to
	case fieldBoss:
		u.ManagerUserID = to
	case fieldUnit:
		id := max(number(to), 1)
		u.Departments, u.MainDepartment = []int64{id}, id
	}
}

// userValue is a field of a member in the ledger's words. The directory may be locked: it asks nobody.
func (w *world) userValue(u dingtalktest.User, field string) string {
	switch field {
	case fieldName:
		return u.Name
	case fieldEmail:
		return u.Email
	case fieldTitle:
		return u.Title
	case fieldPlace:
		return u.WorkPlace
	case fieldMobile:
		return u.Mobile
	case fieldBoss:
		return w.tagOfDing("person", u.ManagerUserID)
	default:
		if u.MainDepartment <= 1 {
			return ""
		}
		return w.tagOfDing("unit", strconv.FormatInt(u.MainDepartment, 10))
	}
}

func (w *world) unitValue(d dingtalktest.Department, field string) string {
	if field == fieldName {
		return d.Name
	}
	if d.ParentID <= 1 {
		return ""
	}
	return w.tagOfDing("unit", strconv.FormatInt(d.ParentID, 10))
}

// tagOfDing is the tag of the record with the id; the id itself when the ledger does not know it yet.
func (w *world) tagOfDing(kind, id string) string {
	if id == "" {
		return ""
	}
	for _, r := range w.ledger.all(kind, false) {
		if r.ding == id {
			return r.tag
		}
	}
	return "dingtalk " + id
}

func (w *world) tagOfOdoo(kind string, id int64) string {
	if id == 0 {
		return ""
	}
	for _, r := range w.ledger.all(kind, false) {
		if r.odoo == id {
			return r.tag
		}
	}
	return fmt.Sprint("odoo ", id)
}

// odooValue is a field of an Odoo row in the ledger's words.
func (w *world) odooValue(row map[string]any, kind, field string) string {
	v := row[sides[field].odoo]
	switch field {
	case fieldUnit, fieldParent:
		return w.tagOfOdoo("unit", pairID(v))
	case fieldBoss:
		return w.tagOfOdoo("person", pairID(v))
	default:
		s, _ := v.(string)
		return s
	}
}

// pairID is the id of a many2one as Odoo shows it.
func pairID(v any) int64 {
	if pair, ok := v.([]any); ok && len(pair) > 0 {
		id, _ := pair[0].(int64)
		return id
	}
	return 0
}

// hire makes a person on the side, with everything filled.
func (w *world) hire(side mapping.Side) error {
	w.serial++
	r := w.ledger.add(&record{tag: fmt.Sprintf("P%04d", w.serial), kind: "person"})
	values := map[string]string{
		fieldName: w.value("员工"), fieldMobile: fmt.Sprintf("138%08d", w.serial), fieldEmail: fmt.Sprintf("p%d@example.com", w.serial), fieldTitle: w.value("职员"),
	}
	return w.join(r, side, values)
}

// join lets a person begin on the side.
func (w *world) join(r *record, side mapping.Side, values map[string]string) error {
	unit := "" // a department known on the side
	for _, u := range w.ledger.all("unit", true) {
		if known := side == mapping.Odoo && u.odoo != 0 || side == mapping.DingTalk && u.ding != ""; known && w.rng.IntN(3) == 0 {
			unit = u.tag
		}
	}
	values[fieldUnit] = unit
	var err error
	if side == mapping.Odoo {
		err = w.joinOdoo(r, values)
	} else {
		err = w.joinDing(r, values)
	}
	if err != nil {
		return err
	}
	w.tell("%s %s: comes, %v", side, r.tag, values)
	now := time.Now()
	w.ledger.lived(r, lifeEdit{side, true, now})
	for field, v := range values {
		w.ledger.wrote(r, field, edit{side: side, value: v, at: now, stamp: now.Truncate(time.Second)})
	}
	return nil
}

func (w *world) joinOdoo(r *record, values map[string]string) error {
	vals := map[string]any{"notes": r.tag}
	for field, v := range values {
		raw, err := w.odooRaw(field, v)
		if err != nil {
			return err
		}
		vals[sides[field].odoo] = raw
	}
	id, err := w.odoo.As("admin").Create("hr.employee", vals)
	r.odoo = id
	return err
}

func (w *world) joinDing(r *record, values map[string]string) error {
	u := dingtalktest.User{Remark: r.tag, Active: true}
	for field, v := range values {
		if field == fieldUnit {
			v = ""
			if unit := w.ledger.records[values[fieldUnit]]; unit != nil {
				v = unit.ding
			}
		}
		setUser(&u, field, v)
	}
	id, err := w.ding.TryAddUser(u)
	r.ding = id
	return err
}

// newUnit makes a department on the side, below another or not.
func (w *world) newUnit(side mapping.Side) error {
	w.serial++
	r := &record{tag: fmt.Sprintf("D%04d", w.serial), kind: "unit"}
	name := w.value("部门")
	parent := ""
	for _, u := range w.ledger.all("unit", true) {
		if known := side == mapping.Odoo && u.odoo != 0 || side == mapping.DingTalk && u.ding != ""; known && w.rng.IntN(4) == 0 {
			parent = u.tag
		}
	}
	if side == mapping.Odoo {
		raw, err := w.odooRaw(fieldParent, parent)
		if err != nil {
			return err
		}
		if r.odoo, err = w.odoo.As("admin").Create("hr.department", map[string]any{"name": name, "parent_id": raw}); err != nil {
			return err
		}
	} else {
		d := dingtalktest.Department{Name: name, ParentID: 1}
		if up := w.ledger.records[parent]; up != nil {
			d.ParentID = number(up.ding)
		}
		id, err := w.ding.TryAddDepartment(d)
		if err != nil {
			return err
		}
		r.ding = strconv.FormatInt(id, 10)
	}
	w.ledger.add(r)
	w.tell("%s %s: new department %q below %q", side, r.tag, name, parent)
	now := time.Now()
	w.ledger.lived(r, lifeEdit{side, true, now})
	w.ledger.wrote(r, fieldName, edit{side: side, value: name, at: now, stamp: now.Truncate(time.Second)})
	w.ledger.wrote(r, fieldParent, edit{side: side, value: parent, at: now, stamp: now.Truncate(time.Second)})
	return nil
}
