package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// fault is something that goes wrong for a while. begin returns how it ends; a fault that is over at once returns nil.
type fault struct {
	name  string
	begin func(w *world) (end func())
	can   func(w *world) bool // nil: always
}

func always(how func(w *world)) func(w *world) func() {
	return func(w *world) func() { how(w); return nil }
}

func streaming(w *world) bool { return w.mode == "stream" }

func calledBack(w *world) bool { return w.mode == "callback" }

// faults is the menu.
var faults = []fault{
	{name: "kill -9", begin: always(func(w *world) { w.crash(w.victim()) })},
	{name: "kill -9 at a write to dingtalk", begin: (*world).killAtDing},
	{name: "kill -9 at a write to odoo", begin: (*world).killAtOdoo},
	{name: "paused longer than a deadline", begin: func(w *world) func() {
		d := w.victim()
		d.pause()
		w.tell("%s paused", d.name)
		w.wait(odooTimeout + 300*time.Millisecond)
		return d.resume
	}},
	{name: "stopped and started", begin: always(func(w *world) {
		d := w.victim()
		if err := d.stop(w.ctx); err != nil {
			w.violate("%v", err)
		}
		w.tell("%s stopped", d.name)
		w.restart(d)
	})},

	{name: "odoo down", begin: func(w *world) func() {
		w.check(w.odoo.Down(true))
		return func() { w.check(w.odoo.Down(false)) }
	}},
	{name: "odoo slow", begin: func(w *world) func() {
		w.odoo.Latency(time.Duration(50+w.rng.IntN(200)) * time.Millisecond)
		return func() { w.odoo.Latency(0) }
	}},
	{name: "odoo slower than the deadline", begin: func(w *world) func() {
		w.odoo.Latency(odooTimeout + 100*time.Millisecond) // within the margin after which a call counts as ended: pace_chaos.go
		return func() { w.odoo.Latency(0) }
	}},
	{name: "odoo 502", begin: odooFails(anyCall, 8, odootest.HTTP502)},
	{name: "odoo's database down", begin: odooFails(anyCall, 8, odootest.DatabaseDown)},
	{name: "odoo's pool full", begin: odooFails(anyCall, 4, odootest.PoolFull)},
	{name: "serialization failure", begin: odooFails(isOdooWrite, 3, odootest.SerializationFailure)},
	{name: "odoo cut before a write", begin: odooFails(isOdooWrite, 3, odootest.DropBefore)},
	{name: "odoo cut after a write", begin: odooFails(isOdooWrite, 3, odootest.DropAfter)},
	{name: "odoo cut in a read", begin: odooFails(func(c odootest.Call) bool { return !isOdooWrite(c) }, 4, odootest.DropAfter)},
	{name: "edited between our read and our write to odoo", begin: (*world).editBetweenOdoo},
	{name: "edited between our read and our write to dingtalk", begin: (*world).editBetweenDing},
	editedLeave,

	{name: "dingtalk throttled", begin: dingFails(dingtalktest.AnyRequest, 10, dingtalktest.Throttled)},
	{name: "dingtalk 502", begin: dingFails(dingtalktest.AnyRequest, 8, dingtalktest.Status(502))},
	{name: "dingtalk's ban page", begin: dingFails(dingtalktest.AnyRequest, 3, dingtalktest.BanPage)},
	{name: "dingtalk bans the address", begin: func(w *world) func() { w.ding.Ban(time.Hour); return nil }}, // lifted with the failures
	{name: "token revoked", begin: always(func(w *world) { w.ding.ExpireTokens() })},
	{name: "dingtalk cut before a write", begin: dingFails(dingtalktest.AnyWrite, 3, dingtalktest.DropBefore)},
	{name: "dingtalk cut after a write", begin: dingFails(dingtalktest.AnyWrite, 3, dingtalktest.DropAfter)},
	{name: "dingtalk hangs after a write", begin: dingFails(dingtalktest.AnyWrite, 2, dingtalktest.HangAfter)},
	{name: "dingtalk hangs", begin: dingFails(dingtalktest.AnyRequest, 2, dingtalktest.Hang)},
	{name: "stale reads", begin: func(w *world) func() {
		w.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = staleReads })
		w.traffic.aged(staleReads)
		return func() {
			w.ding.Set(func(k *dingtalktest.Knobs) { k.StaleReads = 0 })
			w.traffic.aged(0)
		}
	}},
	{name: "quota gone", begin: knob(func(k *dingtalktest.Knobs) { k.CountContacts, k.QuotaExhausted = true, true }, func(k *dingtalktest.Knobs) { k.CountContacts, k.QuotaExhausted = false, false })},

	{name: "stream zombie", can: streaming, begin: func(w *world) func() { w.ding.ZombieStream(); return nil }},
	{name: "stream cut", can: streaming, begin: always(func(w *world) { w.ding.DropStreams() })},
	{name: "stream disconnect", can: streaming, begin: always(func(w *world) { w.ding.DisconnectStreams() })},
	{name: "duplicate events", begin: knob(func(k *dingtalktest.Knobs) { k.Duplicate = 0.5 }, func(k *dingtalktest.Knobs) { k.Duplicate = 0 })},
	{name: "reordered events", begin: knob(func(k *dingtalktest.Knobs) { k.Reorder = 0.5 }, func(k *dingtalktest.Knobs) { k.Reorder = 0 })},
	{name: "lost events", begin: func(w *world) func() {
		w.lossy = true
		return knob(func(k *dingtalktest.Knobs) { k.Lose = 0.5 }, func(k *dingtalktest.Knobs) { k.Lose = 0 })(w)
	}},
	{name: "callbacks answered late", can: calledBack, begin: knob(func(k *dingtalktest.Knobs) { k.PushTimeout = time.Millisecond }, func(k *dingtalktest.Knobs) { k.PushTimeout = 2500 * time.Millisecond })},

	{name: "disk full", can: func(w *world) bool { return w.disk.small }, begin: func(w *world) func() {
		w.killed = true // what is written while the store cannot keep it is in the log, not in the history
		w.check(w.disk.fill())
		return func() { w.check(w.disk.free()) }
	}},
	{name: "disk read-only", can: func(w *world) bool { return w.disk.locks }, begin: func(w *world) func() {
		w.killed = true
		w.check(w.disk.readOnly(true))
		return func() { w.check(w.disk.readOnly(false)) }
	}},
	{name: "clock an hour ahead", begin: clockOff(time.Hour)},
	{name: "clock an hour behind", begin: clockOff(-time.Hour)},
	{name: "mapping reloaded", begin: always(func(w *world) {
		_, err := w.mappings(w.dir, w.value("edit "))
		w.check(err)
	})},
	{name: "mapping broken and mended", begin: func(w *world) func() {
		file := filepath.Join(w.dir, "employees.yaml")
		w.check(os.WriteFile(file, []byte("mapping: employees\nodoo: {model: hr.employe}\n"), 0o600))
		return func() { _, err := w.mappings(w.dir, w.value("mended ")); w.check(err) }
	}},
}

var editedLeave = fault{name: "a leave edited between our read and our decision", begin: (*world).editBetweenLeave}

// takeovers are what makes another daemon the active one.
var takeovers = faults[:4]

func anyCall(odootest.Call) bool { return true }

func odooFails(match func(odootest.Call) bool, most int, how odootest.Failure) func(*world) func() {
	return func(w *world) func() { w.odoo.Fail(match, 1+w.rng.IntN(most), how); return nil } // healed with all others
}

func dingFails(match func(dingtalktest.Request) bool, most int, how dingtalktest.Failure) func(*world) func() {
	return func(w *world) func() { w.ding.Fail(match, 1+w.rng.IntN(most), how); return nil }
}

func knob(on, off func(*dingtalktest.Knobs)) func(*world) func() {
	return func(w *world) func() {
		w.ding.Set(on)
		return func() { w.ding.Set(off) }
	}
}

func clockOff(by time.Duration) func(*world) func() {
	return func(w *world) func() {
		d := w.victim()
		w.check(d.setClock(by))
		return func() { w.check(d.setClock(0)) }
	}
}

// check ends the test when the harness itself cannot do what it wants.
func (w *world) check(err error) {
	if err != nil {
		w.violate("the harness: %v", err)
	}
}

// victim is the daemon that works, else any.
func (w *world) victim() *daemon {
	for _, d := range w.daemons {
		if d.working(w.ctx) {
			return d
		}
	}
	return w.daemons[w.rng.IntN(len(w.daemons))]
}

// crash kills a daemon and starts it again, as its supervisor would.
func (w *world) crash(d *daemon) {
	w.killed = true
	d.kill()
	w.check(d.gone(w.ctx))
	w.tell("%s killed", d.name)
	w.wait(time.Duration(w.rng.IntN(200)) * time.Millisecond)
	w.restart(d)
}

func (w *world) restart(d *daemon) { w.check(d.start()) }

// some is a number up to most that hooks count down; requests that arrive together do so at once.
func (w *world) some(most int) *atomic.Int64 {
	n := new(atomic.Int64)
	n.Store(int64(1 + w.rng.IntN(most)))
	return n
}

// killAtDing kills the daemon when one of its next writes arrives at DingTalk: the write is carried out, and nobody is left to hear.
func (w *world) killAtDing() func() {
	d, left := w.victim(), w.some(3)
	w.killed = true
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onDing = append(w.onDing, func(r dingtalktest.Request) bool {
		if !r.Write || left.Add(-1) != 0 {
			return false
		}
		d.kill()
		w.tell("%s killed at %s", d.name, r.Path)
		return true
	})
	return func() { w.restart(d) }
}

func (w *world) killAtOdoo() func() {
	d, left := w.victim(), w.some(3)
	w.killed = true
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onOdoo = append(w.onOdoo, func(c odootest.Call) bool {
		if !isOdooWrite(c) || left.Add(-1) != 0 {
			return false
		}
		d.kill()
		w.tell("%s killed at %s of %s", d.name, c.Method, c.Model)
		return true
	})
	return func() { w.restart(d) }
}

// editBetweenOdoo lets a person write the very record that the bridge is about to write: the optimistic lock must refuse.
func (w *world) editBetweenOdoo() func() {
	field, value := fieldPlace, w.text(fieldPlace)
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onOdoo = append(w.onOdoo, func(c odootest.Call) bool {
		if c.Method != "write" || c.Model != "hr.employee" || len(c.Args) < 1 {
			return false
		}
		ids, _ := c.Args[0].([]any)
		if len(ids) == 0 {
			return false
		}
		id, _ := ids[0].(int64)
		row := w.odoo.Get("hr.employee", id)
		tag, _ := row["notes"].(string)
		r := w.ledger.find(tag)
		if r == nil {
			return false
		}
		before := w.odooValue(row, "person", field)
		if err := w.odoo.Write("hr.employee", id, map[string]any{sides[field].odoo: value}); err != nil {
			w.tell("odoo %s: between read and write: %v", tag, err)
			return true
		}
		w.tell("odoo %s: %s = %q between our read and our write", tag, field, value)
		w.ledger.wrote(r, field, edit{side: mapping.Odoo, value: value, before: before, at: time.Now(), stamp: w.odoo.WriteDate("hr.employee", id).Truncate(time.Second)})
		return true
	})
	return nil
}

// editBetweenLeave lets a person edit the very leave about which the bridge is about to commit a decision, or the next step of one.
func (w *world) editBetweenLeave() func() {
	value, left := w.value("急改"), w.some(3)
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onOdoo = append(w.onOdoo, func(c odootest.Call) bool {
		if c.Model != "hr.leave" || !strings.HasPrefix(c.Method, "action_") || left.Add(-1) != 0 {
			return false
		}
		for _, id := range firstIDs(c.Args) {
			if err := w.odoo.Write(c.Model, id, map[string]any{"name": value}); err != nil {
				w.tell("odoo leave %d: between read and decision: %v", id, err)
				continue
			}
			w.tell("odoo leave %d: edited between our read and our %s", id, c.Method)
		}
		return true
	})
	return nil
}

// editBetweenDing lets a person edit another field of the member that the bridge is about to update. (The same field would be lost:
// DingTalk has no lock. Where the dice do that, it is counted apart.)
func (w *world) editBetweenDing() func() {
	value := w.text(fieldPlace)
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onDing = append(w.onDing, func(r dingtalktest.Request) bool {
		params := r.Params()
		if _, same := params[sides[fieldPlace].ding]; r.Path != "/topapi/v2/user/update" || same {
			return false
		}
		id := fmt.Sprint(params["userid"])
		tag, before := "", ""
		if err := w.ding.EditUser(id, func(u *dingtalktest.User) { tag, before, u.WorkPlace = u.Remark, u.WorkPlace, value }); err != nil {
			return true
		}
		if p := w.ledger.find(tag); p != nil {
			w.tell("dingtalk %s: place = %q between our read and our write", tag, value)
			w.ledger.wrote(p, fieldPlace, edit{side: mapping.DingTalk, value: value, before: before, at: time.Now()})
		}
		return true
	})
	return nil
}

// find is the record with the tag, nil when there is none.
func (l *ledger) find(tag string) *record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[tag]
}

// menu is what can go wrong in this world.
func (w *world) menu() []fault {
	all := slices.Clone(faults)
	if w.plays(kindNews) {
		all = append(all, newsFaults...)
	}
	return slices.DeleteFunc(all, func(f fault) bool { return f.can != nil && !f.can(w) })
}
