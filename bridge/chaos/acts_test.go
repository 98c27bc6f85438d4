package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

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
	all := w.actsNow()
	total := 0
	for _, a := range all {
		total += a.weight
	}
	n := w.rng.IntN(total)
	for _, a := range all {
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
	people := w.leavers()
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
	people := w.leavers()
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
	if r.reset {
		return errNotThere // who comes back with another number and another address is somebody else to everybody
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
