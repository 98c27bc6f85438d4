package store

import (
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

func runtimeGoexit() { runtime.Goexit() }

func keys(works []bridge.Work) string {
	var out []string
	for _, w := range works {
		out = append(out, w.Key.String())
	}
	return strings.Join(out, " ")
}

func (s suite) due(name string, now time.Time, limit int) string {
	s.Helper()
	var out string
	s.view(func(t bridge.Tx) { out = keys(must[[]bridge.Work](s)(t.Due(name, now, limit))) })
	return out
}

func (s suite) work(key bridge.Key) *bridge.Work {
	s.Helper()
	var out *bridge.Work
	s.view(func(t bridge.Tx) { out = must[*bridge.Work](s)(t.WorkOf(key)) })
	return out
}

func (s suite) touch(due time.Time, keys ...bridge.Key) {
	s.Helper()
	s.update(func(t bridge.Tx) { s.ok(t.Touch(due, keys...)) })
}

func (s suite) nextDue() (time.Time, bool) {
	s.Helper()
	var at time.Time
	var ok bool
	s.view(func(t bridge.Tx) {
		var err error
		at, ok, err = t.NextDue()
		s.ok(err)
	})
	return at, ok
}

func (s suite) touchAndDue() {
	a, b, c := bridge.LinkKey("m", 1), bridge.RecordKey("m", mapping.Odoo, "2"), bridge.RecordKey("m", mapping.DingTalk, "a/b #3")
	other := bridge.LinkKey("other", 1)
	_, dirty := s.nextDue()
	s.equal(dirty, false)
	s.equal(s.work(a), (*bridge.Work)(nil))
	s.touch(noon, b)
	s.touch(time.Time{}, a, other)
	s.touch(noon.Add(time.Hour), c)
	s.equal(s.due("m", noon.Add(-time.Second), 10), a.String())
	s.equal(s.due("m", noon, 10), b.String()+" "+a.String()) // oldest touch first
	s.equal(s.due("m", noon.Add(time.Hour), 2), b.String()+" "+a.String())
	s.equal(s.due("m", noon.Add(time.Hour), 3), b.String()+" "+a.String()+" "+c.String())
	s.equal(s.due("nobody", noon, 10), "")
	first := s.work(b)
	s.equal(first.Due, noon)
	s.touch(noon.Add(time.Hour), b) // already due earlier: stays so
	s.equal(s.work(b).Due, noon)
	s.touch(noon.Add(-time.Hour), b) // earlier wins
	again := s.work(b)
	s.equal(again.Due, noon.Add(-time.Hour))
	s.equal(again.Seq, first.Seq)
	if again.Gen <= first.Gen {
		s.Errorf("the generation went from %d to %d", first.Gen, again.Gen)
	}
	at, dirty := s.nextDue()
	s.equal([]any{at.IsZero(), dirty}, []any{true, true})
	s.update(func(t bridge.Tx) { s.ok(t.DropWork(a, other)) })
	s.equal(s.work(a), (*bridge.Work)(nil))
	at, _ = s.nextDue()
	s.equal(at, noon.Add(-time.Hour))
	s.update(func(t bridge.Tx) { s.ok(t.Touch(noon)); s.ok(t.DropWork()) }) // no keys, no effect
	many := make([]bridge.Key, 1500)
	for i := range many {
		many[i] = bridge.LinkKey("many", int64(i+1))
	}
	s.touch(time.Time{}, many...)
	s.equal(s.due("many", noon, 2), keysOf(many[:2]))
	s.equal(s.due("many", noon, 5000), keysOf(many)) // in the order given
}

func keysOf(keys []bridge.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.String())
	}
	return strings.Join(out, " ")
}

func (s suite) generations() {
	key := bridge.LinkKey("m", 1)
	finish := func(gen int64) { s.update(func(t bridge.Tx) { s.ok(t.Finish(key, gen)) }) }
	finish(1) // nothing there
	s.touch(time.Time{}, key)
	taken := s.work(key)
	s.touch(time.Time{}, key) // while it is worked on
	finish(taken.Gen)
	s.equal(s.due("m", noon, 10), key.String())
	s.equal(s.work(key).DoneGen, taken.Gen)
	taken = s.work(key)
	finish(taken.Gen)
	s.equal(s.due("m", noon, 10), "")
	_, dirty := s.nextDue()
	s.equal(dirty, false)
	finish(taken.Gen) // twice is harmless
	finish(taken.Gen - 1)
	s.equal(s.work(key).DoneGen, taken.Gen)

	s.touch(noon.Add(time.Hour), key) // done and touched for later: not due before
	later := s.work(key)
	if later.Gen <= taken.Gen || later.Seq <= taken.Seq || !later.Due.Equal(noon.Add(time.Hour)) {
		s.Errorf("touched again: %+v after %+v", later, taken)
	}
	s.equal(s.due("m", noon, 10), "")
	finish(taken.Gen) // of the time before: must not swallow the new touch
	s.equal(s.due("m", noon.Add(time.Hour), 10), key.String())

	s.update(func(t bridge.Tx) { s.ok(t.DropWork(key)) })
	s.touch(time.Time{}, key)
	if now := s.work(key); now.Gen <= later.Gen {
		s.Errorf("the generation fell from %d to %d when the key was forgotten", later.Gen, now.Gen)
	}
	finish(later.Gen)
	s.equal(s.due("m", noon, 10), key.String())
	finish(1 << 60) // a generation nobody made counts as the one there is
	s.touch(time.Time{}, key)
	s.equal(s.due("m", noon, 10), key.String())
}

func (s suite) postpone() {
	key := bridge.LinkKey("m", 1)
	postpone := func(gen int64, due time.Time, attempts int, text string) {
		s.update(func(t bridge.Tx) { s.ok(t.Postpone(key, gen, due, attempts, text)) })
	}
	postpone(1, noon, 1, "nothing there")
	s.equal(s.work(key), (*bridge.Work)(nil))
	s.touch(time.Time{}, key)
	gen := s.work(key).Gen
	postpone(gen, noon, 3, "系统繁忙")
	w := s.work(key)
	s.equal([]any{w.Due, w.Attempts, w.LastError, w.Gen}, []any{noon, 3, "系统繁忙", gen})
	s.equal(s.due("m", noon.Add(-1), 10), "")
	s.equal(s.due("m", noon, 10), key.String())

	s.touch(time.Time{}, key) // touched meanwhile: due at once, what was stored of the failure stays
	postpone(gen, noon.Add(time.Hour), 4, "again")
	w = s.work(key)
	s.equal([]any{w.Due.IsZero(), w.Attempts, w.LastError}, []any{true, 4, "again"})

	postpone(w.Gen, noon, 5, strings.Repeat("错", 5000))
	if w = s.work(key); len(w.LastError) > lastErrorBytes || len(w.LastError) < lastErrorBytes-4 || !utf8.ValidString(w.LastError) {
		s.Errorf("%d bytes of text were kept", len(w.LastError))
	}
	s.update(func(t bridge.Tx) { s.ok(t.Finish(key, w.Gen)) })
	w = s.work(key)
	s.equal([]any{w.Attempts, w.LastError}, []any{0, ""})
	postpone(w.Gen, noon, 9, "late") // what is done is not postponed
	_, dirty := s.nextDue()
	s.equal(dirty, false)
}

func (s suite) sooner() {
	now := time.Now().Truncate(time.Microsecond)
	a, b, c, d := bridge.LinkKey("m", 1), bridge.LinkKey("m", 2), bridge.LinkKey("m", 3), bridge.LinkKey("m", 4)
	s.touch(now.Add(-time.Minute), a)
	s.touch(now.Add(time.Hour+time.Minute), b)
	s.touch(now.Add(time.Minute), c)
	s.touch(now.Add(time.Hour), d)
	gen := s.work(d).Gen
	s.update(func(t bridge.Tx) { s.ok(t.Finish(d, gen)) })
	s.update(func(t bridge.Tx) { s.equal(must[int](s)(t.Sooner(now, time.Hour)), 2) })
	s.equal(s.work(a).Due.Equal(now.Add(-time.Minute)), true)
	s.equal(s.work(b).Due.Equal(now.Add(time.Minute)), true)
	s.equal(s.work(c).Due.Equal(now), true)
	s.equal(s.work(d).Due.Equal(now.Add(time.Hour)), true)
}

func (s suite) workLists() {
	a, b, c, d := bridge.LinkKey("m", 1), bridge.LinkKey("m", 2), bridge.LinkKey("n", 3), bridge.LinkKey("n", 4)
	s.touch(time.Time{}, a, b)
	s.touch(noon, c, d)
	s.update(func(t bridge.Tx) {
		s.ok(t.Postpone(b, must[*bridge.Work](s)(t.WorkOf(b)).Gen, noon.Add(time.Hour), 1, "no"))
		s.ok(t.Finish(d, must[*bridge.Work](s)(t.WorkOf(d)).Gen))
	})
	s.view(func(t bridge.Tx) {
		s.equal(keys(must[[]bridge.Work](s)(t.WorkRows(10))), keysOf([]bridge.Key{b, a, c}))
		s.equal(keys(must[[]bridge.Work](s)(t.WorkRows(1))), b.String())
		dirty, due, err := t.CountWork(noon.Add(-1))
		s.ok(err)
		s.equal(dirty, map[string]int{"m": 2, "n": 1})
		s.equal(due, map[string]int{"m": 1})
		_, due, err = t.CountWork(noon)
		s.ok(err)
		s.equal(due, map[string]int{"m": 1, "n": 1})
	})
}

func (s suite) awaitAndWake() {
	a, b := bridge.LinkKey("m", 1), bridge.RecordKey("m", mapping.Odoo, "2")
	x, y := bridge.Await{Mapping: "d", Side: mapping.Odoo, ID: "10"}, bridge.Await{Mapping: "d", Side: mapping.DingTalk, ID: "10"}
	s.update(func(t bridge.Tx) {
		s.ok(t.Await(a, x))
		s.ok(t.Await(b, x))
		s.ok(t.Await(a, y))
	})
	var since time.Time
	s.view(func(t bridge.Tx) {
		all := must[[]bridge.Waiter](s)(t.Waiting(time.Now().Add(time.Hour), 10))
		s.equal(len(all), 3)
		since = all[0].Since
		for i, w := range all {
			if w.Since.Before(since) || time.Since(w.Since) > time.Hour {
				s.Errorf("waiter %d since %s", i, w.Since)
			}
		}
		s.equal(len(must[[]bridge.Waiter](s)(t.Waiting(time.Now().Add(time.Hour), 2))), 2)
		s.equal(len(must[[]bridge.Waiter](s)(t.Waiting(since, 10))), 0)
		s.equal(must[map[bridge.Key][]bridge.Await](s)(t.Awaits(b, bridge.LinkKey("m", 99))), map[bridge.Key][]bridge.Await{b: {x}})
		s.equal(len(must[map[bridge.Key][]bridge.Await](s)(t.Awaits(a))[a]), 2)
	})
	s.update(func(t bridge.Tx) { s.ok(t.Await(a, x)) }) // again: it waits since the first time
	s.view(func(t bridge.Tx) {
		s.equal(must[[]bridge.Waiter](s)(t.Waiting(time.Now().Add(time.Hour), 1))[0].Since, since)
	})
	s.update(func(t bridge.Tx) {
		s.equal(must[int](s)(t.Wake(bridge.Await{Mapping: "d", Side: mapping.Odoo, ID: "none"})), 0)
		s.equal(must[int](s)(t.Wake()), 0)
		s.equal(must[int](s)(t.Wake(x)), 2)
		s.equal(must[int](s)(t.Wake(x)), 0)
	})
	s.equal(strings.Count(s.due("m", noon, 10), "m"), 2)
	s.update(func(t bridge.Tx) {
		s.ok(t.StopAwaiting(a))
		s.equal(must[int](s)(t.Wake(y)), 0)
	})
}

func (s suite) seen() {
	rows := map[int64]string{1: "2026-03-04 12:00:00", 2: "2026-03-04 12:00:01"}
	s.update(func(t bridge.Tx) {
		s.equal(must[map[int64]bool](s)(t.Seen("hr.employee", rows)), map[int64]bool{})
		s.ok(t.MarkSeen("hr.employee", rows))
		s.ok(t.MarkSeen("hr.employee", nil))
	})
	s.update(func(t bridge.Tx) {
		got := must[map[int64]bool](s)(t.Seen("hr.employee", map[int64]string{1: rows[1], 2: "2026-03-04 12:00:02", 3: rows[1]}))
		s.equal([]bool{got[1], got[2], got[3]}, []bool{true, false, false})
		s.equal(len(must[map[int64]bool](s)(t.Seen("hr.department", rows))), 0)
		s.equal(len(must[map[int64]bool](s)(t.Seen("hr.employee", nil))), 0)
		s.ok(t.MarkSeen("hr.department", rows))
		s.ok(t.MarkSeen("hr.employee", map[int64]string{2: "2026-03-04 12:00:02"}))
		s.equal(must[map[int64]bool](s)(t.Seen("hr.employee", map[int64]string{2: "2026-03-04 12:00:02"}))[2], true)
		s.equal(must[[]int64](s)(t.PruneSeen("hr.employee", "2026-03-04 12:00:02")), []int64{1})
		s.equal(len(must[[]int64](s)(t.PruneSeen("hr.employee", "2026-03-04 12:00:02"))), 0)
		s.equal(must[[]int64](s)(t.PruneSeen("hr.department", "2027")), []int64{1, 2})
	})
	many := map[int64]string{}
	for i := range int64(3000) {
		many[i] = fmt.Sprintf("2026-03-04 12:%02d:00", i%60)
	}
	s.update(func(t bridge.Tx) {
		s.ok(t.MarkSeen("many", many))
		s.equal(len(must[map[int64]bool](s)(t.Seen("many", many))), 3000)
	})
}

func (s suite) inbox() {
	events := []bridge.InboxEvent{
		{ID: "b", Type: "user_modify_org", Born: noon, Received: noon.Add(time.Second), Via: "stream", Data: []byte(`{"userId":["u1"]}`)},
		{ID: "a", Type: "user_modify_org", Born: noon, Received: noon.Add(2 * time.Second), Via: "callback", Data: []byte("\x00\xff")},
		{ID: "c", Type: "org_dept_create", Received: noon.Add(3 * time.Second), Via: "failed list"},
	}
	s.update(func(t bridge.Tx) {
		for _, e := range events {
			s.equal(must[bool](s)(t.AddEvent(e)), true)
		}
		s.equal(must[bool](s)(t.AddEvent(events[0])), false)
	})
	s.view(func(t bridge.Tx) {
		s.equal(must[[]bridge.InboxEvent](s)(t.PendingEvents(10)), events)
		s.equal(must[[]bridge.InboxEvent](s)(t.PendingEvents(1)), events[:1])
		for i := range events {
			s.equal(must[*bridge.InboxEvent](s)(t.Event(events[i].ID)), &events[i])
		}
		s.equal(must[*bridge.InboxEvent](s)(t.Event("unknown")), (*bridge.InboxEvent)(nil))
	})
	s.update(func(t bridge.Tx) {
		s.ok(t.EventsDone("b", "a", "unknown"))
		s.equal(must[bool](s)(t.AddEvent(events[0])), false) // handled, and still known
		s.equal(must[[]bridge.InboxEvent](s)(t.PendingEvents(10)), events[2:])
		s.equal(must[*bridge.InboxEvent](s)(t.Event("b")), &events[0]) // likewise
		s.equal(must[int](s)(t.PruneEvents(noon.Add(2*time.Second))), 1)
		s.equal(must[*bridge.InboxEvent](s)(t.Event("b")), (*bridge.InboxEvent)(nil))
		s.equal(must[int](s)(t.PruneEvents(noon.Add(time.Hour))), 1) // the pending one stays
	})
	s.view(func(t bridge.Tx) {
		pending, types, err := t.CountEvents()
		s.ok(err)
		s.equal(pending, 1)
		s.equal(types, map[string]bridge.EventCount{
			"user_modify_org": {Count: 2, Last: noon.Add(2 * time.Second), Via: map[string]int{"stream": 1, "callback": 1}},
			"org_dept_create": {Count: 1, Last: noon.Add(3 * time.Second), Via: map[string]int{"failed list": 1}},
		})
	})
}

func (s suite) guard() {
	a, b, c := bridge.LinkKey("m", 1), bridge.RecordKey("m", mapping.Odoo, "2"), bridge.LinkKey("n", 3)
	var list1, list2 int64
	wait := func(t bridge.Tx, k bridge.Key, risk bridge.Risk, hash string) int64 {
		return must[int64](s)(t.GuardWait(bridge.GuardItem{Mapping: k.Mapping, Key: k, Risk: risk, Hash: hash, Text: "- " + hash, Created: noon}))
	}
	s.update(func(t bridge.Tx) {
		s.equal(must[map[bridge.Risk]int](s)(t.Spent("m", "2026-03-04")), map[bridge.Risk]int{})
		s.ok(t.Reserve("m", "2026-03-04", bridge.RiskCreate, 2))
		s.ok(t.Reserve("m", "2026-03-04", bridge.RiskCreate, 3))
		s.ok(t.Reserve("m", "2026-03-04", bridge.RiskRemove, 1))
		s.ok(t.Reserve("m", "2026-03-05", bridge.RiskCreate, 9))
		s.equal(must[map[bridge.Risk]int](s)(t.Spent("m", "2026-03-04")), map[bridge.Risk]int{bridge.RiskCreate: 5, bridge.RiskRemove: 1})
		list1 = wait(t, a, bridge.RiskCreate, "h1")
		s.equal(wait(t, b, bridge.RiskCreate, "h2"), list1)
		list2 = wait(t, c, bridge.RiskRemove, "h3")
		if list1 <= 0 || list2 == list1 {
			s.Errorf("lists %d and %d", list1, list2)
		}
	})
	s.view(func(t bridge.Tx) {
		items := must[[]bridge.GuardItem](s)(t.GuardItems(list1))
		s.equal(len(items), 2)
		items[0].ID = 0
		s.equal(items[0], bridge.GuardItem{List: list1, Mapping: "m", Key: a, Hash: "h1", Risk: bridge.RiskCreate, Text: "- h1", Created: noon})
		s.equal(len(must[[]bridge.GuardItem](s)(t.GuardItems(0))), 3)
		s.equal(len(must[[]bridge.GuardItem](s)(t.GuardItems(999))), 0)
	})
	s.update(func(t bridge.Tx) {
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskCreate, "h1")), false) // not released yet
		s.equal(must[int](s)(t.Release(999)), 0)
		s.equal(must[int](s)(t.Release(list1)), 2)
		s.equal(must[int](s)(t.Release(list1)), 0)
		s.equal(keys(must[[]bridge.Work](s)(t.Due("m", noon, 10))), keysOf([]bridge.Key{a, b}))
		s.equal(len(must[[]bridge.GuardItem](s)(t.GuardItems(0))), 1)
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskCreate, "another change")), false)
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskRemove, "h1")), false)
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskCreate, "h1")), true)
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskCreate, "h1")), false) // consumed
		if next := wait(t, a, bridge.RiskCreate, "h4"); next == list1 || next == list2 {
			s.Errorf("list %d is closed, or another mapping's", next)
		}
	})
}

func (s suite) guardReplaces() {
	a := bridge.LinkKey("m", 1)
	wait := func(t bridge.Tx, risk bridge.Risk, hash string) int64 {
		return must[int64](s)(t.GuardWait(bridge.GuardItem{Mapping: "m", Key: a, Risk: risk, Hash: hash}))
	}
	hashes := func(t bridge.Tx) (out string) {
		for _, g := range must[[]bridge.GuardItem](s)(t.GuardItems(0)) {
			out += g.Hash + " "
		}
		return out
	}
	s.update(func(t bridge.Tx) {
		number := wait(t, bridge.RiskClear, "old")
		wait(t, bridge.RiskRemove, "other risk")
		s.equal(wait(t, bridge.RiskClear, "new"), number)
		s.equal(hashes(t), "old other risk new ")
		s.equal(wait(t, bridge.RiskClear, "new"), number) // the same change again
		s.equal(hashes(t), "old other risk new ")
		s.ok(t.DropWaiting(a, "new", "unheard of"))
		s.equal(hashes(t), "new ")
		s.equal(must[int](s)(t.Release(number)), 1)
		s.ok(t.DropWaiting(a, "new")) // released, and still what is planned
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskClear, "new")), true)
		wait(t, bridge.RiskClear, "third")
		s.ok(t.DropWaiting(a))
		s.equal(hashes(t), "")
		number = wait(t, bridge.RiskClear, "fourth")
		s.equal(must[int](s)(t.Release(number)), 1)
		s.ok(t.DropWaiting(a, "fifth")) // a changed change: the release is void
		s.equal(must[bool](s)(t.TakeRelease(a, bridge.RiskClear, "fourth")), false)
	})
}

func (s suite) history() {
	rows := []bridge.HistoryRow{
		{
			At: noon, Mapping: "m", Link: 1, Odoo: "42", Ding: "u", Op: "update", Side: mapping.DingTalk, Reason: "changed in odoo",
			Before: map[string]string{"title": "工程师"}, After: map[string]string{"title": "高级工程师"}, Version: "v1",
		},
		{At: noon.Add(time.Second), Mapping: "m", Link: 2, Op: "create"},
		{At: noon.Add(2 * time.Second), Mapping: "n", Link: 3, Op: "create"},
		{At: noon.Add(3 * time.Second), Mapping: "m", Link: 1, Op: "retire"},
	}
	s.update(func(t bridge.Tx) { s.ok(t.AppendHistory(rows...)); s.ok(t.AppendHistory()) })
	s.view(func(t bridge.Tx) {
		ops := func(name string, link int64, limit int) (out string) {
			for _, r := range must[[]bridge.HistoryRow](s)(t.History(name, link, limit)) {
				out += fmt.Sprint(r.Mapping, r.Link, r.Op, " ")
			}
			return out
		}
		s.equal(ops("", 0, 10), "m1retire n3create m2create m1update ")
		s.equal(ops("m", 0, 2), "m1retire m2create ")
		s.equal(ops("m", 1, 10), "m1retire m1update ")
		s.equal(ops("", 3, 10), "n3create ")
		s.equal(ops("n", 1, 10), "")
		got := must[[]bridge.HistoryRow](s)(t.History("m", 1, 10))[1]
		got.ID = 0
		s.equal(got, rows[0])
	})
	s.update(func(t bridge.Tx) {
		s.equal(must[int](s)(t.PruneHistory(noon.Add(2*time.Second))), 2)
		s.equal(len(must[[]bridge.HistoryRow](s)(t.History("", 0, 10))), 2)
	})
}

func (s suite) meta() {
	s.update(func(t bridge.Tx) {
		s.equal(must[string](s)(t.Meta("k")), "")
		for _, k := range []string{"cursor/hr.employee", "cursor/hr.department", "cursor", "cursos/x", "cur%", "游标/一"} {
			s.ok(t.SetMeta(k, "v "+k))
		}
		s.ok(t.SetMeta("cursor/hr.employee", "new"))
		s.equal(must[string](s)(t.Meta("cursor/hr.employee")), "new")
		s.equal(must[map[string]string](s)(t.MetaPrefix("cursor/")),
			map[string]string{"cursor/hr.employee": "new", "cursor/hr.department": "v cursor/hr.department"})
		s.equal(must[map[string]string](s)(t.MetaPrefix("游标/")), map[string]string{"游标/一": "v 游标/一"})
		s.equal(must[map[string]string](s)(t.MetaPrefix("nothing")), map[string]string{})
		s.equal(len(must[map[string]string](s)(t.MetaPrefix(""))), 6)
		s.ok(t.DeleteMeta("cursor"))
		s.ok(t.DeleteMeta("cursor"))
		s.equal(must[string](s)(t.Meta("cursor")), "")
	})
}
