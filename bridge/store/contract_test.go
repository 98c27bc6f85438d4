package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// suite is the contract of bridge.Store: every sentence of its comments, on one open and empty store.
type suite struct {
	*testing.T
	s bridge.Store
}

// testStore runs the contract; open returns a new, empty store each time.
func testStore(t *testing.T, open func() bridge.Store) {
	for name, test := range map[string]func(suite){
		"links":             suite.links,
		"links in bulk":     suite.linksInBulk,
		"links are unique":  suite.linksAreUnique,
		"link iteration":    suite.linkIteration,
		"rename":            suite.rename,
		"touch and due":     suite.touchAndDue,
		"generations":       suite.generations,
		"postpone":          suite.postpone,
		"sooner":            suite.sooner,
		"work lists":        suite.workLists,
		"await and wake":    suite.awaitAndWake,
		"seen":              suite.seen,
		"inbox":             suite.inbox,
		"guard":             suite.guard,
		"guard replaces":    suite.guardReplaces,
		"history":           suite.history,
		"quota":             suite.quota,
		"told":              suite.told,
		"meta":              suite.meta,
		"all or nothing":    suite.allOrNothing,
		"a view only reads": suite.viewOnlyReads,
		"lock":              suite.lock,
	} {
		t.Run(name, func(t *testing.T) {
			s := open()
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			test(suite{t, s})
		})
	}
}

func (s suite) update(fn func(bridge.Tx)) {
	s.Helper()
	if err := s.s.Update(context.Background(), func(t bridge.Tx) error { fn(t); return nil }); err != nil {
		s.Fatal(err)
	}
}

func (s suite) view(fn func(bridge.Tx)) {
	s.Helper()
	if err := s.s.View(context.Background(), func(t bridge.Tx) error { fn(t); return nil }); err != nil {
		s.Fatal(err)
	}
}

func (s suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s suite) equal(got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("got  %#v\nwant %#v", got, want)
	}
}

// must is the value of a call that may not fail.
func must[T any](s suite) func(T, error) T {
	return func(v T, err error) T {
		s.Helper()
		s.ok(err)
		return v
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.UTC)

func fullLink() *bridge.Link {
	l := &bridge.Link{
		Mapping: "employees", Odoo: "42", Ding: "张三", State: bridge.Linked, OdooCreated: "2020-01-02 03:04:05", Updated: noon,
		Holds: map[string]bridge.Hold{
			"":       {Kind: bridge.HeldAmbiguous, Reason: "两个候选人", Since: noon},
			"mobile": {Kind: bridge.HeldRefused, Reason: "手机号已存在", Since: noon, Odoo: mapping.Text("138"), DingTalk: mapping.EmptyValue, On: []bridge.Await{{Mapping: "employees", ID: "next sweep"}}},
		},
		Sent:    map[string]bridge.Sent{"title": {Before: mapping.EmptyValue, Meant: mapping.Text("工程师"), At: noon}},
		Writing: map[string]bridge.Writing{"name": {Side: mapping.Odoo, Meant: mapping.Text("甲"), Source: mapping.Text("甲"), At: noon}},
		Take:    map[string]mapping.Side{"email": mapping.DingTalk},
		Intent:  &bridge.Intent{Side: mapping.DingTalk, Key: "odoo42", At: noon},
		Errand:  &bridge.Errand{Owner: "unionA", Doer: "unionB", Model: "res.partner", Record: 7, Type: 4, User: 2, Summary: "打电话"},
		Was:     map[mapping.Side]bridge.Existence{mapping.Odoo: bridge.Archived, mapping.DingTalk: bridge.Gone},
	}
	name := &mapping.Field{Key: "name", Signature: "s1"}
	title := &mapping.Field{Key: "title", Signature: "s2"}
	long := &mapping.Field{Key: "remark", Signature: "s3"}
	l.SetBase(mapping.Odoo, name, mapping.Text("张三\x00\n\"quoted\""))
	l.SetBase(mapping.DingTalk, name, mapping.Text("张三"))
	l.SetBase(mapping.Odoo, title, mapping.EmptyValue)
	l.SetBase(mapping.DingTalk, title, mapping.EmptyValue)
	l.SetBase(mapping.DingTalk, long, mapping.Text(string(make([]byte, 100_000))))
	return l
}

func (s suite) links() {
	full := fullLink()
	bare := &bridge.Link{Mapping: "employees", Ding: "lisi", State: bridge.Held}
	s.update(func(t bridge.Tx) {
		s.equal(must[*bridge.Link](s)(t.Link(1)), (*bridge.Link)(nil))
		s.ok(t.PutLink(full))
		s.ok(t.PutLink(bare))
		if full.ID <= 0 || bare.ID <= full.ID {
			s.Errorf("ids %d, %d", full.ID, bare.ID)
		}
		s.equal(must[*bridge.Link](s)(t.Link(full.ID)), full)
	})
	s.view(func(t bridge.Tx) {
		s.equal(must[*bridge.Link](s)(t.Link(full.ID)), full)
		s.equal(must[*bridge.Link](s)(t.Link(bare.ID)), bare)
	})
	full.State, full.Intent, full.Holds, full.Odoo = bridge.Retired, nil, nil, "43"
	delete(full.Bases, mapping.Odoo)
	s.update(func(t bridge.Tx) { s.ok(t.PutLink(full)) })
	s.view(func(t bridge.Tx) { s.equal(must[*bridge.Link](s)(t.Link(full.ID)), full) })
	full.Updated, full.OdooCreated = noon.Add(time.Hour), "2021-01-02 03:04:05"
	s.update(func(t bridge.Tx) { s.ok(t.PutLink(full)) })
	s.view(func(t bridge.Tx) {
		s.equal(must[*bridge.Link](s)(t.Link(full.ID)), full)
		s.equal(must[map[bridge.LinkState]int](s)(t.CountLinks("employees")),
			map[bridge.LinkState]int{bridge.Retired: 1, bridge.Held: 1})
		s.equal(must[map[bridge.LinkState]int](s)(t.CountLinks("other")), map[bridge.LinkState]int{})
		s.equal(must[[]string](s)(t.MappingNames()), []string{"employees"})
	})
	s.update(func(t bridge.Tx) {
		s.ok(t.DeleteLink(full.ID))
		s.equal(must[*bridge.Link](s)(t.Link(full.ID)), (*bridge.Link)(nil))
		if err := t.PutLink(full); !errors.Is(err, ErrNoLink) {
			s.Errorf("putting a deleted link: %v", err)
		}
		again := &bridge.Link{Mapping: "employees", Odoo: "42", State: bridge.Linked}
		s.ok(t.DeleteLink(bare.ID))
		s.ok(t.PutLink(again))
		if again.ID <= bare.ID {
			s.Errorf("the id %d was used before", again.ID)
		}
	})
}

func (s suite) linksInBulk() {
	const n = 1200
	links := make([]*bridge.Link, n)
	s.update(func(t bridge.Tx) {
		for i := range links {
			links[i] = &bridge.Link{Mapping: "m", Odoo: bridge.ID(fmt.Sprint(i)), Ding: bridge.ID(fmt.Sprint("u", i)), State: bridge.Linked}
			s.ok(t.PutLink(links[i]))
		}
		s.ok(t.PutLink(&bridge.Link{Mapping: "other", Odoo: "7", Ding: "u7", State: bridge.Linked}))
		s.ok(t.PutLink(&bridge.Link{Mapping: "m", Odoo: "no ding", State: bridge.Creating}))
		s.ok(t.PutLink(&bridge.Link{Mapping: "m", Odoo: "no ding either", State: bridge.Creating}))
	})
	s.view(func(t bridge.Tx) {
		ids, odoo, ding := []int64{-1, 1 << 60}, []bridge.ID{"", "missing"}, []bridge.ID{"", "missing"}
		for _, l := range links {
			ids, odoo, ding = append(ids, l.ID), append(odoo, l.Odoo), append(ding, l.Ding)
		}
		byID := must[map[int64]*bridge.Link](s)(t.LinksByID(ids))
		onOdoo := must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.Odoo, odoo))
		onDing := must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.DingTalk, ding))
		s.equal([]int{len(byID), len(onOdoo), len(onDing)}, []int{n, n, n})
		for _, l := range links {
			if !reflect.DeepEqual(byID[l.ID], l) || onOdoo[l.Odoo].ID != l.ID || onDing[l.Ding].ID != l.ID {
				s.Fatalf("link %d was not found", l.ID)
			}
		}
		light := must[[]bridge.LinkID](s)(t.LinkIDs("m"))
		s.equal(len(light), n+2)
		if !slices.Contains(light, bridge.LinkID{ID: links[5].ID, Odoo: "5", Ding: "u5", State: bridge.Linked}) {
			s.Error("a triple is missing")
		}
		s.equal(len(must[[]*bridge.Link](s)(t.LinksIn("m", bridge.Creating))), 2)
		s.equal(len(must[[]*bridge.Link](s)(t.LinksIn("m", bridge.Retired))), 0)
		s.equal(len(must[map[int64]*bridge.Link](s)(t.LinksByID(nil))), 0)
		s.equal(len(must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.Odoo, nil))), 0)
	})
}

func (s suite) linksAreUnique() {
	a := &bridge.Link{Mapping: "m", Odoo: "1", Ding: "x", State: bridge.Linked}
	s.update(func(t bridge.Tx) { s.ok(t.PutLink(a)) })
	s.update(func(t bridge.Tx) {
		for _, l := range []*bridge.Link{
			{Mapping: "m", Odoo: "1", Ding: "y", State: bridge.Linked},
			{Mapping: "m", Odoo: "2", Ding: "x", State: bridge.Creating},
			{Mapping: "m", Odoo: "1", State: bridge.Baseline},
		} {
			if err := t.PutLink(l); !errors.Is(err, bridge.ErrTaken) {
				s.Errorf("%+v: %v", l, err)
			}
			if l.ID != 0 {
				s.Error("a refused link got an id")
			}
		}
		s.ok(t.PutLink(&bridge.Link{Mapping: "other", Odoo: "1", Ding: "x", State: bridge.Linked}))
		s.ok(t.PutLink(&bridge.Link{Mapping: "m", Odoo: "1", Ding: "x", State: bridge.Retired}))
		s.ok(t.PutLink(&bridge.Link{Mapping: "m", Odoo: "3", State: bridge.Linked}))
		b := &bridge.Link{Mapping: "m", Odoo: "4", State: bridge.Linked}
		s.ok(t.PutLink(b))
		b.Ding = "x"
		if err := t.PutLink(b); !errors.Is(err, bridge.ErrTaken) {
			s.Errorf("an update that takes a record: %v", err)
		}
	})
	s.view(func(t bridge.Tx) { // a retired one is newer, but not the one that holds the record
		got := must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.Odoo, []bridge.ID{"1"}))
		s.equal(got["1"].ID, a.ID)
	})
	a.State = bridge.Retired
	s.update(func(t bridge.Tx) { s.ok(t.PutLink(a)) })
	s.view(func(t bridge.Tx) { // of retired ones, the newest
		got := must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.DingTalk, []bridge.ID{"x"}))
		if got["x"].ID <= a.ID {
			s.Errorf("link %d is not the newest", got["x"].ID)
		}
	})
	s.update(func(t bridge.Tx) {
		heir := &bridge.Link{Mapping: "m", Odoo: "1", Ding: "x", State: bridge.Linked}
		s.ok(t.PutLink(heir))
		got := must[map[bridge.ID]*bridge.Link](s)(t.LinksOn("m", mapping.DingTalk, []bridge.ID{"x"}))
		s.equal(got["x"].ID, heir.ID)
		if err := t.PutLink(&bridge.Link{ID: a.ID, Mapping: "m", Odoo: "1", Ding: "x", State: bridge.Linked}); !errors.Is(err, bridge.ErrTaken) {
			s.Errorf("a retired link came back beside its heir: %v", err)
		}
	})
}

func (s suite) linkIteration() {
	const n = 1234
	s.update(func(t bridge.Tx) {
		for i := range n {
			name := []string{"a", "b"}[i%2]
			s.ok(t.PutLink(&bridge.Link{Mapping: name, Odoo: bridge.ID(fmt.Sprint(i)), State: bridge.Linked}))
		}
	})
	count := func(t bridge.Tx, name string) (n int) {
		last := int64(0)
		for l, err := range t.Links(name) {
			s.ok(err)
			if l.ID <= last || (name != "" && l.Mapping != name) {
				s.Fatalf("link %d of %s after %d", l.ID, l.Mapping, last)
			}
			last = l.ID
			n++
		}
		return n
	}
	s.view(func(t bridge.Tx) {
		s.equal([]int{count(t, ""), count(t, "a"), count(t, "b"), count(t, "c")}, []int{n, n / 2, n / 2, 0})
		for range t.Links("") {
			break
		}
	})
	s.update(func(t bridge.Tx) { // the loop's body may use the transaction and change what it walks over
		for l, err := range t.Links("a") {
			s.ok(err)
			id := l.ID
			l.Ding = bridge.ID(fmt.Sprint("d", l.ID))
			s.ok(t.PutLink(l))
			s.equal(must[*bridge.Link](s)(t.Link(id)).Ding, l.Ding)
			if id%3 == 0 {
				s.ok(t.DeleteLink(id))
			}
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	err := s.s.View(ctx, func(t bridge.Tx) error {
		for _, err := range t.Links("") {
			if err != nil {
				return err
			}
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		s.Errorf("a cancelled iteration: %v", err)
	}
}

func (s suite) rename() {
	l := &bridge.Link{Mapping: "old", Odoo: "1", Ding: "x", State: bridge.Linked}
	l.Hold("mobile", bridge.Hold{Kind: bridge.HeldRefused, On: []bridge.Await{{Mapping: "old", ID: "next sweep"}, {Mapping: "other"}}})
	waiter := bridge.RecordKey("old", mapping.Odoo, "9")
	both := bridge.RecordKey("old", mapping.DingTalk, "both")
	s.update(func(t bridge.Tx) {
		s.ok(t.PutLink(l))
		s.ok(t.Touch(time.Time{}, l.Key(), both))
		s.ok(t.Touch(noon, bridge.RecordKey("new", mapping.DingTalk, "both")))
		s.ok(t.Await(waiter, bridge.Await{Mapping: "old", Side: mapping.Odoo, ID: "7"}))
		s.ok(t.Reserve("old", "2026-03-04", bridge.RiskCreate, 2))
		s.ok(t.Reserve("new", "2026-03-04", bridge.RiskCreate, 1))
		_, err := t.GuardWait(bridge.GuardItem{Mapping: "old", Key: l.Key(), Risk: bridge.RiskClear, Hash: "h"})
		s.ok(err)
		s.ok(t.AppendHistory(bridge.HistoryRow{Mapping: "old", Link: l.ID, At: noon, Op: "update"}))
		s.equal(must[int](s)(t.RenameMapping("old", "new")), 1)
		s.equal(must[int](s)(t.RenameMapping("nothing", "else")), 0)
	})
	s.update(func(t bridge.Tx) {
		moved := must[*bridge.Link](s)(t.Link(l.ID))
		s.equal(moved.Mapping, "new")
		s.equal(moved.Holds["mobile"].On, []bridge.Await{{Mapping: "new", ID: "next sweep"}, {Mapping: "other"}})
		due := must[[]bridge.Work](s)(t.Due("new", noon, 10))
		if len(due) != 2 || due[0].Key != bridge.LinkKey("new", l.ID) || due[1].Key != bridge.RecordKey("new", mapping.DingTalk, "both") || !due[1].Due.IsZero() {
			s.Errorf("work after the rename: %+v", due)
		}
		s.equal(len(must[[]bridge.Work](s)(t.Due("old", noon, 10))), 0)
		s.equal(must[map[bridge.Risk]int](s)(t.Spent("new", "2026-03-04")), map[bridge.Risk]int{bridge.RiskCreate: 3})
		items := must[[]bridge.GuardItem](s)(t.GuardItems(0))
		if len(items) != 1 || items[0].Key != bridge.LinkKey("new", l.ID) || items[0].Mapping != "new" {
			s.Errorf("guard after the rename: %+v", items)
		}
		s.equal(len(must[[]bridge.HistoryRow](s)(t.History("new", l.ID, 10))), 1)
		s.equal(must[int](s)(t.Wake(bridge.Await{Mapping: "new", Side: mapping.Odoo, ID: "7"})), 1)
		s.ok(t.PutLink(&bridge.Link{Mapping: "old", Odoo: "1", State: bridge.Linked}))
	})
	err := s.s.Update(context.Background(), func(t bridge.Tx) error {
		_, err := t.RenameMapping("old", "new")
		return err
	})
	if !errors.Is(err, bridge.ErrTaken) {
		s.Errorf("a rename onto a taken record: %v", err)
	}
}

func (s suite) allOrNothing() {
	boom := errors.New("boom")
	l := &bridge.Link{Mapping: "m", Odoo: "1", State: bridge.Linked}
	err := s.s.Update(context.Background(), func(t bridge.Tx) error {
		s.ok(t.PutLink(l))
		s.ok(t.SetMeta("k", "v"))
		s.ok(t.Touch(time.Time{}, l.Key()))
		return boom
	})
	if err != boom { //nolint:errorlint // returned as it is
		s.Errorf("got %v", err)
	}
	s.equal(l.ID, int64(0)) // it was not inserted after all
	s.view(func(t bridge.Tx) {
		s.equal(must[string](s)(t.Meta("k")), "")
		s.equal(len(must[[]bridge.LinkID](s)(t.LinkIDs("m"))), 0)
		_, dirty, err := t.NextDue()
		s.ok(err)
		s.equal(dirty, false)
	})
	func() {
		defer func() {
			if recover() == nil {
				s.Error("the panic was swallowed")
			}
		}()
		_ = s.s.Update(context.Background(), func(t bridge.Tx) error {
			s.ok(t.SetMeta("k", "v"))
			panic("in the middle")
		})
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.s.Update(context.Background(), func(t bridge.Tx) error {
			_ = t.SetMeta("k", "v")
			<-ended()
			return nil
		})
	}()
	<-done
	ctx, cancel := context.WithCancel(context.Background())
	err = s.s.Update(ctx, func(t bridge.Tx) error {
		s.ok(t.SetMeta("k", "v"))
		cancel()
		if err := t.SetMeta("k", "w"); !errors.Is(err, context.Canceled) {
			s.Errorf("a method after the context ended: %v", err)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		s.Errorf("an update whose context ended: %v", err)
	}
	if err := s.s.Update(ctx, func(bridge.Tx) error { s.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		s.Errorf("an update after its context ended: %v", err)
	}
	if err := s.s.View(ctx, func(t bridge.Tx) error { _, err := t.Meta("k"); return err }); !errors.Is(err, context.Canceled) {
		s.Errorf("a view after its context ended: %v", err)
	}
	var kept bridge.Tx
	s.update(func(t bridge.Tx) { kept = t })
	if err := kept.SetMeta("k", "v"); err == nil {
		s.Error("a transaction was used after its end")
	}
	s.view(func(t bridge.Tx) { s.equal(must[string](s)(t.Meta("k")), "") })
	s.update(func(t bridge.Tx) { s.ok(t.SetMeta("k", "fine")) })
	s.view(func(t bridge.Tx) { s.equal(must[string](s)(t.Meta("k")), "fine") })
}

// ended ends the goroutine that calls it, as a failed test does.
func ended() chan struct{} {
	runtimeGoexit()
	return nil
}

func (s suite) viewOnlyReads() {
	s.update(func(t bridge.Tx) { s.ok(t.SetMeta("k", "before")) })
	key := bridge.LinkKey("m", 1)
	s.view(func(t bridge.Tx) {
		_, event := t.AddEvent(bridge.InboxEvent{ID: "e"})
		_, wait := t.GuardWait(bridge.GuardItem{Key: key})
		_, release := t.Release(1)
		_, take := t.TakeRelease(key, bridge.RiskClear, "h")
		_, rename := t.RenameMapping("a", "b")
		_, seen := t.PruneSeen("m", "z")
		_, quota := t.PruneQuota("2026-08-22")
		_, told := t.PruneTold("2026-08-22")
		for i, err := range []error{
			t.SetMeta("k", "v"), t.DeleteMeta("k"), t.PutLink(&bridge.Link{Mapping: "m"}), t.DeleteLink(1), t.Touch(time.Time{}, key),
			t.Finish(key, 1), t.Postpone(key, 1, noon, 1, ""), t.DropWork(key), t.Await(key, bridge.Await{}), t.StopAwaiting(key),
			t.MarkSeen("m", map[int64]string{1: "x"}), t.EventsDone("e"), t.Reserve("m", "d", bridge.RiskClear, 1), t.DropWaiting(key),
			t.AppendHistory(bridge.HistoryRow{}), t.AddQuota(bridge.QuotaCount{N: 1}), event, wait, release, take, rename, seen, quota,
			t.PutTold(bridge.Told{Day: "2026-08-22"}), t.DropTold(bridge.Told{Day: "2026-08-22"}), told,
		} {
			if err == nil {
				s.Errorf("writing method %d worked in a view", i)
			}
		}
		// What is committed meanwhile belongs to the next view.
		s.equal(must[string](s)(t.Meta("k")), "before")
		s.update(func(t bridge.Tx) { s.ok(t.SetMeta("k", "after")) })
		s.equal(must[string](s)(t.Meta("k")), "before")
		s.view(func(t bridge.Tx) { s.equal(must[string](s)(t.Meta("k")), "after") })
	})
}

func (s suite) lock() {
	s.equal(len(must[[]bridge.Replica](s)(s.s.Replicas(context.Background()))), 0)
	lease, err := s.s.Lock(context.Background())
	s.ok(err)
	s.ok(lease.Check(context.Background()))
	for _, r := range must[[]bridge.Replica](s)(s.s.Replicas(context.Background())) {
		if !r.Active || r.Name == "" {
			s.Errorf("the active one is shown as %+v", r)
		}
	}
	s.ok(s.s.Update(bridge.WithLease(context.Background(), lease), func(t bridge.Tx) error { return t.SetMeta("k", "v") }))
	if _, err := s.s.Lock(context.Background()); !errors.Is(err, bridge.ErrLocked) {
		s.Errorf("a second lock: %v", err)
	}
	lease.Unlock()
	lease.Unlock() // twice is harmless
	again, err := s.s.Lock(context.Background())
	s.ok(err)
	again.Unlock()
}
