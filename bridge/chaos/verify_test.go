package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// violate notes that a promise was broken.
func (w *world) violate(format string, args ...any) {
	w.t.Helper()
	w.report.violated()
	w.t.Errorf("seed %d round %d: %s", w.seed, w.round, fmt.Sprintf(format, args...))
}

// picture is everything both sides hold at one moment, with what the bridge admits to hold back.
type picture struct {
	employees map[string][]map[string]any // Odoo rows by tag, archived ones too
	users     map[string][]dingtalktest.User
	units     map[int64]map[string]any
	depts     map[int64]dingtalktest.Department
	links     map[string]map[mapping.Side]map[string]*bridge.Link // by mapping, side, id
	untagged  []string
}

func (w *world) look() (*picture, error) {
	p := &picture{
		employees: map[string][]map[string]any{}, users: map[string][]dingtalktest.User{}, units: map[int64]map[string]any{},
		depts: map[int64]dingtalktest.Department{}, links: map[string]map[mapping.Side]map[string]*bridge.Link{},
	}
	for _, id := range w.odoo.Search("hr.employee", []any{}) {
		row := w.odoo.Get("hr.employee", id)
		tag, _ := row["notes"].(string)
		if w.ledger.find(tag) == nil {
			p.untagged = append(p.untagged, fmt.Sprintf("odoo hr.employee %d %v", id, row["name"]))
			continue
		}
		row["id"] = id
		p.employees[tag] = append(p.employees[tag], row)
	}
	for _, u := range w.ding.Users() {
		if w.ledger.find(u.Remark) == nil {
			p.untagged = append(p.untagged, fmt.Sprintf("dingtalk user %s %s", u.UserID, u.Name))
			continue
		}
		p.users[u.Remark] = append(p.users[u.Remark], u)
	}
	for _, id := range w.odoo.Search("hr.department", []any{}) {
		p.units[id] = w.odoo.Get("hr.department", id)
	}
	for _, d := range w.ding.Departments() {
		if d.ID > 1 {
			p.depts[d.ID] = d
		}
	}
	return p, w.store.View(w.ctx, func(tx bridge.Tx) error {
		for _, name := range []string{"departments", "employees"} {
			by := map[mapping.Side]map[string]*bridge.Link{mapping.Odoo: {}, mapping.DingTalk: {}}
			p.links[name] = by
			for l, err := range tx.Links(name) {
				if err != nil {
					return err
				}
				for side, known := range by {
					if id := string(l.On(side)); id != "" && (known[id] == nil || known[id].State == bridge.Retired) {
						known[id] = l
					}
				}
			}
		}
		return nil
	})
}

// unitIDs learns which departments are one: the bridge says so in its links, and the names are compared afterwards.
func (w *world) unitIDs(p *picture) {
	for _, r := range w.ledger.all("unit", false) {
		if l := p.links["departments"][mapping.DingTalk][r.ding]; r.odoo == 0 && r.ding != "" && l != nil {
			r.odoo = number(string(l.Odoo))
		}
		if l := p.links["departments"][mapping.Odoo][strconv.FormatInt(r.odoo, 10)]; r.ding == "" && r.odoo != 0 && l != nil {
			r.ding = string(l.Ding)
		}
	}
	for tag, rows := range p.employees {
		w.ledger.records[tag].odoo = rows[0]["id"].(int64)
	}
	for tag, users := range p.users {
		w.ledger.records[tag].ding = users[0].UserID
	}
}

// differences compares both sides with each other; what the bridge lists as held is left out. It asks nobody but the stand-ins.
func (w *world) differences() ([]string, *picture) {
	p, err := w.look()
	if err != nil {
		return []string{"reading the store: " + err.Error()}, nil
	}
	w.unitIDs(p)
	out := slices.Clone(p.untagged)
	for _, r := range w.ledger.all("unit", true) {
		out = append(out, w.unitDifferences(r, p)...)
	}
	if a, b := len(p.units), len(p.depts); a != b || a != len(w.ledger.all("unit", true)) {
		out = append(out, fmt.Sprintf("%d departments in odoo, %d in dingtalk, %d were made", a, b, len(w.ledger.all("unit", true))))
	}
	for _, r := range w.ledger.all("person", false) {
		out = append(out, w.personDifferences(r, p)...)
	}
	out = append(out, w.leaveDifferences()...)
	out = append(out, w.newsDifferences()...)
	out = append(out, w.choreDifferences()...)
	return out, p
}

func (w *world) unitDifferences(r *record, p *picture) []string {
	row, inOdoo := p.units[r.odoo]
	d, inDing := p.depts[number(r.ding)]
	if !inOdoo || !inDing {
		return []string{fmt.Sprintf("%s: odoo %d %v, dingtalk %s %v", r.tag, r.odoo, inOdoo, r.ding, inDing)}
	}
	link := p.links["departments"][mapping.DingTalk][r.ding]
	var out []string
	for _, field := range []string{fieldName, fieldParent} {
		a, b := w.odooValue(row, "unit", field), w.unitValue(d, field)
		if a != b && !held(link, sides[field].ding) {
			out = append(out, fmt.Sprintf("%s: %s: odoo %q, dingtalk %q", r.tag, field, a, b))
		}
	}
	boss := w.tagOfOdoo("person", pairID(row["manager_id"]))
	var managers []string
	for _, id := range d.Managers {
		managers = append(managers, w.tagOfDing("person", id))
	}
	if one := w.ledger.find(boss); one != nil && one.alive && !slices.Contains(managers, boss) && !held(link, "dept_manager_userid_list") {
		out = append(out, fmt.Sprintf("%s: manager: odoo %s, dingtalk %v", r.tag, boss, managers))
	}
	return out
}

// held says whether the bridge lists the field, or the whole record, as held.
func held(l *bridge.Link, key string) bool {
	if l == nil {
		return false
	}
	_, field := l.Holds[key]
	_, record := l.Holds[""]
	return field || record
}

func (w *world) personDifferences(r *record, p *picture) []string {
	rows, users := p.employees[r.tag], p.users[r.tag]
	active := slices.DeleteFunc(slices.Clone(rows), func(row map[string]any) bool { return row["active"] != true })
	switch {
	case len(active) > 1 || len(users) > 1:
		return []string{fmt.Sprintf("%s exists twice: %d in odoo, %d in dingtalk", r.tag, len(active), len(users))}
	case len(active) != len(users):
		link := p.links["employees"][mapping.DingTalk][r.ding]
		if link == nil && len(rows) > 0 {
			link = p.links["employees"][mapping.Odoo][fmt.Sprint(rows[0]["id"])]
		}
		if held(link, "") {
			return nil
		}
		return []string{fmt.Sprintf("%s: %d active in odoo, %d in dingtalk", r.tag, len(active), len(users))}
	case len(active) == 0:
		return nil
	}
	row, u := active[0], users[0]
	link := p.links["employees"][mapping.DingTalk][u.UserID]
	var out []string
	for _, field := range slices.Sorted(maps.Keys(sides)) {
		if field == fieldParent {
			continue
		}
		a, b := w.odooValue(row, "person", field), w.userValue(u, field)
		if a == b || held(link, sides[field].ding) || field == fieldBoss && w.bossGone(a, b) {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s: odoo %q, dingtalk %q", r.tag, field, a, b))
	}
	return out
}

// bossGone: Odoo goes on naming a manager who left, DingTalk does not.
func (w *world) bossGone(odoo, ding string) bool {
	boss := w.ledger.find(odoo)
	return ding == "" && (boss == nil || !boss.alive)
}

// busy says what the bridge still has to do, "" when nothing.
func (w *world) busy() string {
	var why []string
	err := w.store.View(w.ctx, func(tx bridge.Tx) error {
		pending, _, err := tx.CountEvents()
		if err != nil {
			return err
		}
		if pending > 0 {
			why = append(why, fmt.Sprintf("%d events", pending))
		}
		rows, err := tx.WorkRows(1000)
		for _, row := range rows {
			if row.LastError == "" && strings.HasPrefix(row.Key.Mapping, "leave-") && time.Since(row.Due) < 500*time.Millisecond {
				continue // the next look at a running approval
			}
			why = append(why, fmt.Sprintf("%s due %s after %d attempts: %s", row.Key, time.Until(row.Due).Round(time.Millisecond), row.Attempts, row.LastError))
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(why, "; ")
}

// converge waits until both sides agree and nothing is left to do.
func (w *world) converge() (time.Duration, bool) {
	w.t.Helper()
	began := time.Now()
	arrived, cancel := context.WithTimeout(w.ctx, patience/5)
	defer cancel()
	_ = w.ding.FlushEvents(arrived) // events on their way are not agreement; one that never arrives shows below
	ticket := ""
	if w.lossy {
		var err error
		ticket, err = bridge.RequestSweep(w.ctx, w.store, nil, time.Now())
		w.check(err)
	}
	var diffs []string
	busy := ""
	ok := w.until(patience, func() bool {
		if err := w.endedByItself(); err != nil {
			return true
		}
		if ticket != "" {
			open, err := bridge.RequestOpen(w.ctx, w.store, ticket)
			if err != nil || open {
				busy = "a comparison was asked for"
				return false
			}
			ticket = ""
		}
		if busy = w.busy(); busy != "" {
			return false
		}
		diffs, _ = w.differences()
		return len(diffs) == 0
	})
	if err := w.endedByItself(); err != nil {
		w.violate("%v", err)
		return 0, false
	}
	if !ok {
		if busy != "" {
			diffs, _ = w.differences()
		}
		w.violate("no agreement after %s; left to do: %s\n%s", patience, busy, strings.Join(diffs, "\n"))
	}
	return time.Since(began), ok
}

func (w *world) endedByItself() error {
	for _, d := range w.daemons {
		if err := d.endedByItself(); err != nil {
			return fmt.Errorf("%w\n%s", err, d.tail(15))
		}
	}
	return nil
}

// quiet watches for as long as a poll looks back: nothing may be written any more, and nothing may grow.
func (w *world) quiet() {
	w.t.Helper()
	before := w.traffic.count()
	w.wait(overlap + 1200*time.Millisecond)
	if n := w.traffic.count() - before; n > 0 {
		w.violate("%d writes after both sides agreed:\n%s", n, w.traffic.lastWrites(n))
	}
	w.quiets = append(w.quiets, time.Now())
	if diffs, _ := w.differences(); len(diffs) > 0 {
		w.violate("both sides agreed and then did not:\n%s", strings.Join(diffs, "\n"))
	}
	if busy := ""; !w.until(2*time.Second, func() bool { busy = w.busy(); return busy == "" }) {
		w.violate("work after both sides agreed: %s", busy)
	}
	for _, d := range w.daemons {
		w.growth(d)
	}
}

// growth compares goroutines and open files with the process's first quiet moment.
func (w *world) growth(d *daemon) {
	now, err := d.usage(w.ctx)
	if err != nil {
		w.violate("%s: metrics: %v", d.name, err)
		return
	}
	_, role := d.role(w.ctx)
	base, known := d.base[role]
	if !known {
		d.base[role] = now
		return
	}
	slack := 12
	if len(w.daemons) > 1 {
		slack = 40 // one that was the active one before keeps idle connections for a minute
	}
	if now.goroutines > base.goroutines+slack || now.files > base.files+slack {
		w.violate("%s grows: %d goroutines, %d files; at first %d, %d", d.name, now.goroutines, now.files, base.goroutines, base.files)
	}
}

// lastWrites prints the latest writes.
func (tr *traffic) lastWrites(n int) string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	all := append(slices.Clone(tr.odooWrites), tr.dingWrites...)
	slices.SortFunc(all, func(a, b write) int { return a.at.Compare(b.at) })
	var lines []string
	for _, one := range all[max(0, len(all)-n):] {
		lines = append(lines, fmt.Sprintf("%s %s %v", one.at.UTC().Format("15:04:05.000"), one.id, one.values))
	}
	return strings.Join(lines, "\n")
}

// planned asks `dingbridge plan` beside the daemon, which reads everything and knows nothing of the ledger: it must find nothing to do.
func (w *world) planned() {
	w.t.Helper()
	if w.t.Failed() {
		return
	}
	writes, text, err := w.daemons[0].plan(w.ctx)
	if err != nil || writes > 0 {
		w.violate("plan: %d writes, %v\n%s", writes, err, text)
	}
}
