package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// act is something people do, with its weight in the dice.
type act struct {
	name   string
	weight int
	do     func(w *world) error
}

// acts are what people do to both sides.
var acts = []act{
	{"edit", 12, (*world).editText},
	{"clear", 2, (*world).clearText},
	{"edit twice in a second", 3, (*world).editTwice},
	{"same field on both sides", 4, (*world).editBoth},
	{"different fields on both sides", 3, (*world).editDifferent},
	{"slow commit", 3, (*world).commitSlowly},
	{"move to a department", 3, (*world).transfer},
	{"new manager", 3, (*world).newBoss},
	{"swap managers", 2, (*world).swapBosses},
	{"hire", 3, func(w *world) error { return w.hire(w.side()) }},
	{"hire on both sides", 1, (*world).hireBoth},
	{"archive or remove", 2, (*world).leave},
	{"delete in odoo", 1, (*world).unlink},
	{"come back", 3, (*world).comeBack},
	{"new mobile", 1, (*world).newMobile},
	{"new department", 1, func(w *world) error { return w.newUnit(w.side()) }},
	{"rename a department", 2, (*world).renameUnit},
	{"swap department names", 1, (*world).swapUnitNames},
	{"move a department", 1, (*world).moveUnit},
	{"department manager", 1, (*world).unitManager},
}

// someoneActs does one random thing; what is refused, or not there at the moment, is no edit.
func (w *world) someoneActs() {
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := w.rng.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n >= 0 {
			continue
		}
		var refused *dingtalktest.Refusal
		switch err := a.do(w); {
		case err == nil:
			w.report.edited(a.name)
		case errors.Is(err, errNotThere):
		case errors.As(err, &refused):
			w.tell("%s: refused: %v", a.name, err)
		default:
			w.tell("%s: %v", a.name, err)
		}
		return
	}
}

var textFields = []string{fieldTitle, fieldPlace, fieldName, fieldEmail}

// text is a new value for the field.
func (w *world) text(field string) string {
	switch field {
	case fieldEmail:
		return fmt.Sprintf("%s@example.com", strings.ReplaceAll(w.value("p"), "·", "."))
	case fieldName:
		return w.value("员工")
	case fieldPlace:
		return w.value("上海")
	default:
		return w.value("工程师，高级")
	}
}

func (w *world) editText() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	field, _ := pick(w, textFields)
	return w.put(r, w.side(), field, w.text(field))
}

func (w *world) clearText() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	field, _ := pick(w, []string{fieldTitle, fieldPlace})
	return w.put(r, w.side(), field, "")
}

func (w *world) editTwice() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	side := w.side()
	field, _ := pick(w, textFields)
	if err := w.put(r, side, field, w.text(field)); err != nil {
		return err
	}
	w.wait(time.Duration(w.rng.IntN(150)) * time.Millisecond)
	if w.rng.IntN(2) == 0 {
		field, _ = pick(w, textFields)
	}
	return w.put(r, side, field, w.text(field))
}

func (w *world) editBoth() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	field, _ := pick(w, textFields)
	if err := w.put(r, mapping.DingTalk, field, w.text(field)); err != nil {
		return err
	}
	return w.put(r, mapping.Odoo, field, w.text(field))
}

func (w *world) editDifferent() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	if err := w.put(r, mapping.DingTalk, fieldTitle, w.text(fieldTitle)); err != nil {
		return err
	}
	return w.put(r, mapping.Odoo, fieldPlace, w.text(fieldPlace))
}

// commitSlowly edits in a transaction that takes a while: when it commits, its write_date is old already.
func (w *world) commitSlowly() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	id := w.odooID(r)
	if id == 0 {
		return errNotThere
	}
	field, _ := pick(w, textFields)
	value := w.text(field)
	before := w.show(r, mapping.Odoo, field)
	opened, tx := time.Now(), w.odoo.Begin()
	if err := tx.Write("hr.employee", id, map[string]any{sides[field].odoo: value}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	takes := time.Duration(w.rng.Int64N(int64(slowest)))
	w.slow.Go(func() {
		w.wait(takes)
		at := time.Now()
		if err := tx.Commit(); err != nil {
			w.tell("odoo %s: the slow transaction failed: %v", r.tag, err)
			return
		}
		w.tell("odoo %s: %s = %q, committed after %s", r.tag, field, value, takes.Round(time.Millisecond))
		w.ledger.wrote(r, field, edit{side: mapping.Odoo, value: value, before: before, at: at, opened: opened, stamp: w.odoo.WriteDate("hr.employee", id).Truncate(time.Second)})
	})
	return nil
}

func (w *world) transfer() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	to, ok := pick(w, w.ledger.all("unit", true))
	if !ok {
		return errNotThere
	}
	return w.put(r, w.side(), fieldUnit, to.tag)
}

// above says whether the person is the other's superior as the side shows it: making him a report would close a circle.
func (w *world) above(r, other *record, side mapping.Side) bool {
	for range 50 {
		boss := w.ledger.records[w.show(other, side, fieldBoss)]
		if boss == nil {
			return false
		}
		if boss == r {
			return true
		}
		other = boss
	}
	return true
}

func (w *world) newBoss() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	boss, err := w.somebody()
	if err != nil {
		return err
	}
	side := w.side()
	if boss == r || w.above(r, boss, side) {
		return errNotThere
	}
	return w.put(r, side, fieldBoss, boss.tag)
}

// swapBosses makes a report the boss of his boss.
func (w *world) swapBosses() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	side := w.side()
	boss := w.ledger.records[w.show(r, side, fieldBoss)]
	if boss == nil || !boss.alive {
		return errNotThere
	}
	up := w.show(boss, side, fieldBoss)
	if err := w.put(r, side, fieldBoss, up); err != nil {
		return err
	}
	return w.put(boss, side, fieldBoss, r.tag)
}

// hireBoth makes one person on both sides at once: they must be recognised as one.
func (w *world) hireBoth() error {
	if err := w.hire(mapping.Odoo); err != nil {
		return err
	}
	people := w.ledger.all("person", true)
	r := people[len(people)-1]
	mobile, _ := last(r.edits[fieldMobile], mapping.Odoo)
	return w.join(r, mapping.DingTalk, map[string]string{
		fieldName: w.value("员工"), fieldMobile: mobile.value, fieldEmail: w.text(fieldEmail), fieldTitle: w.value("职员"),
	})
}

// leave archives a person in Odoo, or removes him in DingTalk.
func (w *world) leave() error {
	people := w.ledger.all("person", true)
	if len(people) < founders/2 {
		return errNotThere
	}
	r, _ := pick(w, people)
	side := w.side()
	if side == mapping.Odoo {
		id := w.odooID(r)
		if id == 0 {
			return errNotThere
		}
		if err := w.odoo.Write("hr.employee", id, map[string]any{"active": false}); err != nil {
			return err
		}
	} else {
		id := w.dingID(r)
		if id == "" {
			return errNotThere
		}
		if err := w.ding.RemoveUser(id); err != nil {
			return err
		}
	}
	w.ledger.lived(r, lifeEdit{side, false, time.Now()})
	w.tell("%s %s: leaves", side, r.tag)
	return nil
}

// unlink deletes a person in Odoo for good. Nothing tells of that: only a comparison finds it.
func (w *world) unlink() error {
	people := w.ledger.all("person", true)
	if len(people) < founders/2 {
		return errNotThere
	}
	r, _ := pick(w, people)
	id := w.odooID(r)
	if id == 0 {
		return errNotThere
	}
	if err := w.odoo.Unlink("hr.employee", id); err != nil {
		return err
	}
	r.odoo = 0
	w.lossy = true
	w.ledger.lived(r, lifeEdit{mapping.Odoo, false, time.Now()})
	w.tell("odoo %s: deleted", r.tag)
	return nil
}

// comeBack hires somebody again who left.
func (w *world) comeBack() error {
	gone := slices.DeleteFunc(w.ledger.all("person", false), func(r *record) bool { return r.alive })
	r, ok := pick(w, gone)
	if !ok {
		return errNotThere
	}
	side := w.side()
	r.reset = true
	if id := w.odooID(r); side == mapping.Odoo && id != 0 && w.odoo.Get("hr.employee", id) != nil {
		if err := w.odoo.Write("hr.employee", id, map[string]any{"active": true}); err != nil {
			return err
		}
		w.ledger.lived(r, lifeEdit{side, true, time.Now()})
		w.tell("odoo %s: active again", r.tag)
		return nil
	}
	if side == mapping.Odoo || w.dingID(r) != "" {
		return errNotThere // deleted for good, or not removed yet
	}
	mobile := w.mobileOf(r)
	if mobile == "" {
		return errNotThere
	}
	return w.join(r, mapping.DingTalk, map[string]string{
		fieldName: w.value("员工"), fieldMobile: mobile, fieldEmail: w.text(fieldEmail), fieldTitle: w.value("职员"),
	})
}

// mobileOf is the person's number as it was known last.
func (w *world) mobileOf(r *record) string {
	if edits := r.edits[fieldMobile]; len(edits) > 0 {
		return edits[len(edits)-1].value
	}
	return r.settled[fieldMobile]
}

// newMobile changes the number, as only the member may.
func (w *world) newMobile() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	w.serial++
	return w.put(r, mapping.DingTalk, fieldMobile, fmt.Sprintf("139%08d", w.serial))
}

func (w *world) someUnit() (*record, error) {
	r, ok := pick(w, w.ledger.all("unit", true))
	if !ok || r.odoo == 0 || r.ding == "" {
		return nil, errNotThere
	}
	return r, nil
}

func (w *world) renameUnit() error {
	r, err := w.someUnit()
	if err != nil {
		return err
	}
	return w.put(r, w.side(), fieldName, w.value("部门"))
}

func (w *world) swapUnitNames() error {
	a, err := w.someUnit()
	if err != nil {
		return err
	}
	b, err := w.someUnit()
	if err != nil || a == b {
		return errNotThere
	}
	x, y := w.show(a, mapping.Odoo, fieldName), w.show(b, mapping.Odoo, fieldName)
	if err := w.put(a, mapping.Odoo, fieldName, y); err != nil {
		return err
	}
	return w.put(b, mapping.Odoo, fieldName, x)
}

func (w *world) moveUnit() error {
	r, err := w.someUnit()
	if err != nil {
		return err
	}
	to, err := w.someUnit()
	if err != nil {
		return err
	}
	side := w.side()
	for up := to; up != nil; up = w.ledger.records[w.show(up, side, fieldParent)] {
		if up == r {
			return errNotThere // below itself
		}
	}
	return w.put(r, side, fieldParent, to.tag)
}

// unitManager makes a member the manager of his department. Odoo makes him the boss of those who had the former one.
func (w *world) unitManager() error {
	r, err := w.somebody()
	if err != nil {
		return err
	}
	side := w.side()
	unit := w.ledger.records[w.show(r, side, fieldUnit)]
	if unit == nil || !unit.alive {
		return errNotThere
	}
	if side == mapping.Odoo {
		if w.odooID(r) == 0 || unit.odoo == 0 {
			return errNotThere
		}
		err = w.odoo.Write("hr.department", unit.odoo, map[string]any{"manager_id": r.odoo})
	} else {
		if w.dingID(r) == "" || unit.ding == "" {
			return errNotThere
		}
		err = w.ding.EditDepartment(number(unit.ding), func(d *dingtalktest.Department) { d.Managers = []string{r.ding} })
	}
	if err == nil {
		w.tell("%s %s: manager %s", side, unit.tag, r.tag)
	}
	return err
}
