package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// audit holds what both sides show now against who wrote what.
func (w *world) audit() {
	w.t.Helper()
	diffs, p := w.differences()
	if len(diffs) > 0 || p == nil {
		return // told already
	}
	for what, n := range w.ding.Duplicates() {
		w.violate("dingtalk has %s %d times", what, n)
	}
	for _, what := range w.judge().wrong {
		w.violate("%s", what)
	}
	for _, r := range w.ledger.all("person", false) {
		rows, users := p.employees[r.tag], p.users[r.tag]
		if len(rows) > 1 {
			w.violate("%s has %d employees in odoo, archived ones included", r.tag, len(rows))
		}
		there := len(users) == 1
		w.auditLife(r, there)
		if !there {
			if len(rows) > 0 {
				for _, field := range []string{fieldName, fieldEmail, fieldTitle, fieldPlace, fieldMobile} {
					r.settled[field] = w.odooValue(rows[0], "person", field) // what comes back with him
				}
			}
			continue
		}
		link := p.links["employees"][mapping.DingTalk][users[0].UserID]
		for _, field := range []string{fieldName, fieldEmail, fieldTitle, fieldPlace, fieldMobile, fieldUnit, fieldBoss} {
			value := w.userValue(users[0], field)
			if field != fieldBoss && field != fieldUnit {
				w.auditField(r, field, value, link)
			}
			r.settled[field] = value
		}
	}
	for _, r := range w.ledger.all("unit", true) {
		link := p.links["departments"][mapping.DingTalk][r.ding]
		d := p.depts[number(r.ding)]
		w.auditField(r, fieldName, d.Name, link)
		for _, field := range []string{fieldName, fieldParent} {
			r.settled[field] = w.unitValue(d, field)
		}
	}
}

// auditLife: nobody goes whom nobody removed, and nobody comes back by himself.
func (w *world) auditLife(r *record, there bool) {
	decided := map[mapping.Side]lifeEdit{}
	for _, e := range r.life {
		decided[e.side] = e
	}
	switch {
	case len(decided) == 0 && there != r.before:
		w.violate("%s: there %v, although nobody decided so (before: %v)", r.tag, there, r.before)
	case len(decided) == 1:
		for side, e := range decided {
			if e.alive != there {
				w.violate("%s: there %v, but %s decided %v", r.tag, there, side, e.alive)
			}
		}
	}
	r.alive = there
}

// auditField explains the value that both sides settled on.
func (w *world) auditField(r *record, field, value string, link *bridge.Link) {
	edits := r.edits[field]
	if held(link, sides[field].ding) {
		return
	}
	o, inOdoo := last(edits, mapping.Odoo)
	d, inDing := last(edits, mapping.DingTalk)
	switch {
	case r.reset && (value == "" || value == r.settled[field] || slices.ContainsFunc(edits, func(e edit) bool { return e.value == value })):
		// who left and came back brings what he had
	case !inOdoo && !inDing:
		if r.before && value != r.settled[field] {
			w.violate("%s: %s became %q, was %q, and nobody wrote it", r.tag, field, value, r.settled[field])
		}
	case inOdoo && !inDing && value != o.value:
		w.lost(r, field, value, o, link)
	case inDing && !inOdoo && value != d.value:
		w.lost(r, field, value, d, link)
	case inOdoo && inDing && value == o.value:
		w.overwritten(r, field, o, d, link)
	case inOdoo && inDing && value == d.value:
		w.overwritten(r, field, d, o, link)
	case inOdoo && inDing:
		w.lost(r, field, value, o, link)
	}
}

func (w *world) lost(r *record, field, value string, e edit, link *bridge.Link) {
	if limit := w.limit(r, field, e); limit != "" {
		w.report.limited(limit)
		return
	}
	w.violate("%s: %s is %q, but %s wrote %q at %s%s", r.tag, field, value, e.side, e.value, e.at.UTC().Format("15:04:05.000"), w.story(r, field, link))
}

// overwritten: the last edit of one side lost against the other's. It was there before, it lost by a decision, or it was one of the
// known limits.
func (w *world) overwritten(r *record, field string, won, lost edit, link *bridge.Link) {
	if won.value == lost.value || w.carried(r, field, won.side, lost.value, won.at) || w.decided(r, field, link) {
		return
	}
	if limit := w.limit(r, field, lost); limit != "" {
		w.report.limited(limit)
		return
	}
	if w.killed {
		w.report.limited("decided, but the history died with the process or the disk")
		return
	}
	w.violate("%s: %s: %s wrote %q at %s, %s wrote %q at %s and won, without a decision%s", r.tag, field,
		lost.side, lost.value, lost.at.UTC().Format("15:04:05.000"), won.side, won.value, won.at.UTC().Format("15:04:05.000"), w.story(r, field, link))
}

// writesTo are the bridge's writes of the record's field to the side in this round.
func (w *world) writesTo(r *record, field string, side mapping.Side) []write {
	w.traffic.mu.Lock()
	defer w.traffic.mu.Unlock()
	all, id, name := w.traffic.odooWrites, fmt.Sprintf("%s %d", model(r), r.odoo), sides[field].odoo
	if side == mapping.DingTalk {
		all, id, name = w.traffic.dingWrites, "user "+r.ding, sides[field].ding
		if r.kind == "unit" {
			id = "unit " + r.ding
		}
	}
	var out []write
	for _, one := range all {
		if v, ok := one.values[name]; ok && one.id == id {
			one.values = map[string]any{field: v}
			out = append(out, one)
		}
	}
	return out
}

// carried says whether the value had arrived on the side before the time: somebody saw it there, or the bridge wrote it.
func (w *world) carried(r *record, field string, side mapping.Side, value string, before time.Time) bool {
	seen := slices.ContainsFunc(r.edits[field], func(e edit) bool { return e.side == side && e.before == value && !e.at.After(before) })
	return seen || slices.ContainsFunc(w.writesTo(r, field, side), func(one write) bool { return one.at.Before(before) && textOf(one.values[field]) == value })
}

func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return ""
}

// decided says whether the history of this round holds a decision on a conflict of the field.
func (w *world) decided(r *record, field string, link *bridge.Link) bool {
	if link == nil {
		return false
	}
	return slices.ContainsFunc(w.history(link), func(h bridge.HistoryRow) bool {
		_, odoo := h.Before[sides[field].odoo]
		_, ding := h.Before[sides[field].ding]
		conflict := strings.Contains(h.Reason, "conflict on") || strings.Contains(h.Reason, bridge.ReasonDiffers)
		return conflict && (odoo || ding)
	})
}

// history is what the bridge did to the link in this round.
func (w *world) history(link *bridge.Link) (rows []bridge.HistoryRow) {
	w.check(w.store.View(w.ctx, func(tx bridge.Tx) (err error) {
		rows, err = tx.History(link.Mapping, link.ID, 200)
		return err
	}))
	return slices.DeleteFunc(rows, func(h bridge.HistoryRow) bool { return h.At.Before(w.began.Add(-2 * time.Hour)) })
}

// limit names the known limit that explains a lost edit, "" when none does.
func (w *world) limit(r *record, field string, lost edit) string {
	for _, one := range w.writesTo(r, field, lost.side) {
		if textOf(one.values[field]) == lost.value {
			continue
		}
		if !lost.opened.IsZero() && one.at.After(lost.opened.Add(-slowest)) && one.at.Before(lost.at) {
			return "odoo repeated our write after a serialization failure: its first try had consumed the lock"
		}
		if one.at.Before(lost.at) {
			continue
		}
		if lost.side == mapping.DingTalk {
			if one.read.Before(lost.at) {
				return "edited in dingtalk between our read and our write: dingtalk has no lock"
			}
			continue
		}
		if one.locked != "" && lost.stamp.UTC().Format("2006-01-02 15:04:05") == one.locked {
			return "edited twice in odoo within one second"
		}
	}
	return ""
}

// story is everything known about the field, for the report of a violation.
func (w *world) story(r *record, field string, link *bridge.Link) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  settled before: %q; reset %v", r.settled[field], r.reset)
	for _, e := range r.edits[field] {
		fmt.Fprintf(&b, "\n  %s %s wrote %q over %q", e.at.UTC().Format("15:04:05.000"), e.side, e.value, e.before)
	}
	for _, side := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		for _, one := range w.writesTo(r, field, side) {
			fmt.Fprintf(&b, "\n  %s the bridge wrote %v to %s (lock %q, read %s)", one.at.UTC().Format("15:04:05.000"), one.values[field], side, one.locked, one.read.UTC().Format("15:04:05.000"))
		}
	}
	if link != nil {
		for _, h := range w.history(link) {
			fmt.Fprintf(&b, "\n  history %s %s %s: %s %v -> %v", h.At.UTC().Format("15:04:05.000"), h.Op, h.Side, h.Reason, h.Before, h.After)
		}
	}
	return b.String()
}
