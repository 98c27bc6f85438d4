package odootest

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"dingbridge/odoo"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestLateCommitIsOlderThanTheCursor(t *testing.T) {
	w := newWorld(t)
	a, b := w.s.Create("hr.employee", vals{"name": "A"}), w.s.Create("hr.employee", vals{"name": "B"})
	w.clock.Advance(time.Minute)
	tx := w.s.Begin()
	w.must(tx.Write("hr.employee", a, vals{"name": "slow"}))
	w.clock.Advance(2 * time.Second)
	w.must(w.s.Write("hr.employee", b, vals{"name": "fast"}))
	if got := w.s.Get("hr.employee", a)["name"]; got != "A" {
		t.Errorf("an uncommitted write shows: %v", got)
	}
	w.must(tx.Commit())
	if got := w.s.Get("hr.employee", a)["name"]; got != "slow" {
		t.Errorf("after the commit: %v", got)
	}
	if !w.s.WriteDate("hr.employee", a).Before(w.s.WriteDate("hr.employee", b)) {
		t.Error("the late commit is not the older one")
	}
	if err := tx.Write("hr.employee", a, vals{}); err == nil {
		t.Error("a write after the commit")
	}
}

func TestRollbackLeavesNothing(t *testing.T) {
	w := newWorld(t)
	tx := w.s.Begin()
	id, err := tx.Create("hr.department", vals{"name": "D"})
	w.must(err)
	w.must(tx.Write("hr.department", id, vals{"name": "E"}))
	w.must(tx.Rollback())
	if w.s.Get("hr.department", id) != nil {
		t.Error("a rolled back record is there")
	}
	if next := w.s.Create("hr.department", vals{"name": "F"}); next != id+1 {
		t.Errorf("next id %d", next)
	}
}

// TestOverlappingWriterStartsAgain shows the lock's second limit too: Odoo's retry runs without the key its first try consumed, so
// the write succeeds although the row was changed after it was read.
func TestOverlappingWriterStartsAgain(t *testing.T) {
	w := newWorld(t)
	id := w.s.Create("hr.employee", vals{"name": "A"})
	w.clock.Advance(time.Minute)
	tx := w.s.Begin()
	w.must(tx.Write("hr.employee", id, vals{"job_title": "slow"}))
	c := w.admin()
	done := make(chan error, 1)
	lock := odoo.LockContext("hr.employee", id, "2026-05-04 03:02:01")
	go func() { done <- c.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"name": "second"}, lock) }()
	select {
	case <-tx.Waited():
	case err := <-done:
		t.Fatalf("the write did not wait: %v", err)
	}
	w.clock.Advance(time.Second)
	w.must(tx.Commit())
	w.must(<-done)
	e := w.s.Get("hr.employee", id)
	if e["name"] != "second" || e["job_title"] != "slow" {
		t.Errorf("%v %v", e["name"], e["job_title"])
	}
}

func TestOpenTransactionStartsAgainAfterAConflict(t *testing.T) {
	w := newWorld(t)
	id := w.s.Create("hr.employee", vals{"name": "A"})
	w.clock.Advance(time.Minute)
	tx := w.s.Begin()
	made, err := tx.Create("hr.department", vals{"name": "kept"})
	w.must(err)
	w.clock.Advance(time.Second)
	w.must(w.s.Write("hr.employee", id, vals{"name": "B"}))
	w.clock.Advance(time.Second)
	w.must(tx.Write("hr.employee", id, vals{"job_title": "t"}))
	w.must(tx.Commit())
	if tx.Retries() != 1 {
		t.Errorf("%d retries", tx.Retries())
	}
	if got := w.s.WriteDate("hr.department", made); !got.Equal(w.clock.Now()) {
		t.Errorf("the repeated transaction is stamped %v, now is %v", got, w.clock.Now())
	}
	if e := w.s.Get("hr.employee", id); e["name"] != "B" || e["job_title"] != "t" {
		t.Errorf("%v %v", e["name"], e["job_title"])
	}
}

func TestHeldCallCommitsLate(t *testing.T) {
	w := newWorld(t)
	id := w.s.Create("hr.employee", vals{"name": "A"})
	c := w.admin()
	began := w.clock.Now()
	release := w.s.Hold(func(call Call) bool { return call.Method == "write" })
	done := make(chan error, 1)
	go func() { done <- c.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"name": "late"}, nil) }()
	for locked := false; !locked; { // until the call has run and waits with its commit
		w.s.mu.Lock()
		locked = len(w.s.locks) > 0
		w.s.mu.Unlock()
		runtime.Gosched()
	}
	w.clock.Advance(time.Minute)
	if got := w.s.Get("hr.employee", id)["name"]; got != "A" {
		t.Errorf("a held write shows: %v", got)
	}
	release()
	release()
	w.must(<-done)
	if got := w.s.Get("hr.employee", id)["name"]; got != "late" || !w.s.WriteDate("hr.employee", id).Equal(began) {
		t.Errorf("after the release: %v, stamped %v", got, w.s.WriteDate("hr.employee", id))
	}
}

func TestRestoreEndsOpenTransactions(t *testing.T) {
	w := newWorld(t)
	id := w.s.Create("hr.employee", vals{"name": "A"})
	backup := w.s.Snapshot()
	tx := w.s.Begin()
	w.must(tx.Write("hr.employee", id, vals{"name": "lost"}))
	w.must(w.s.Restore(backup))
	w.must(w.s.Write("hr.employee", id, vals{"job_title": "not locked"}))
	if err := tx.Commit(); err == nil {
		t.Error("a transaction outlived the restore")
	}
	if got := w.s.Get("hr.employee", id)["name"]; got != "A" {
		t.Errorf("name: %v", got)
	}
}

// Each login leaves a row, which only its user sees and nobody may delete; what is restored knows nothing of the later ones, and gives
// their ids again.
func TestLoginsLeaveRows(t *testing.T) {
	w := newWorld(t)
	w.s.AddUser("plain", "secret", "base.group_user")
	c, admin := w.client("plain", "secret"), w.admin()
	mine := func() []int64 {
		t.Helper()
		ids, err := c.Search(ctx(), loginModel, nil, odoo.Options{})
		w.must(err)
		return ids
	}
	if _, err := admin.Authenticate(ctx()); err != nil {
		t.Fatal(err)
	}
	before := mine() // the client logs in by itself
	backup := w.s.Snapshot()
	w.clock.Advance(time.Minute)
	made, err := c.Create(ctx(), loginModel, odoo.Values{}, nil)
	w.must(err)
	if got := mine(); len(before) != 1 || len(got) != 2 || got[0] != made || made <= before[0] {
		t.Errorf("rows %v, then %v with %d", before, got, made)
	}
	if got := w.s.Get("res.users", c.UID())["login_date"]; got != "2026-05-04 03:03:01" {
		t.Errorf("last login: %v", got)
	}
	if err := c.Unlink(ctx(), loginModel, []int64{made}, nil); err == nil {
		t.Error("a row was deleted")
	}
	w.must(w.s.Restore(backup))
	if got := mine(); len(got) != 1 || got[0] != before[0] {
		t.Errorf("rows after the restore: %v", got)
	}
	again, err := c.Create(ctx(), loginModel, odoo.Values{}, nil)
	w.must(err)
	if again != made {
		t.Errorf("the next row is %d, want %d again", again, made)
	}
}

func TestHookEditsBetweenReadAndWrite(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	id := w.s.Create("hr.employee", vals{"name": "A"})
	w.clock.Advance(time.Second)
	edits := 0
	w.s.OnCall(func(call Call) {
		if call.Method == "write" && call.Model == "hr.employee" && edits == 0 {
			edits++
			w.must(w.s.Write("hr.employee", id, vals{"name": "by a person"}))
		}
	})
	err := c.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"name": "by the bridge"}, odoo.LockContext("hr.employee", id, "2026-05-04 03:02:01"))
	if !odoo.IsModified(err) || edits != 1 || w.s.Get("hr.employee", id)["name"] != "by a person" {
		t.Errorf("%v, %d edits, name %v", err, edits, w.s.Get("hr.employee", id)["name"])
	}
}

// TestTransactionsAreToldInTheOrderOfTheirCommits: who, by which call, what of each row; also when the answer is lost, and when it is undone.
func TestTransactionsAreToldInTheOrderOfTheirCommits(t *testing.T) {
	w := newWorld(t)
	id := w.s.Create("hr.employee", vals{"name": "A"})
	c := w.admin()
	var told []Transaction
	w.s.OnTransaction(func(x Transaction) {
		if x.Err != nil || len(x.Changes) > 0 {
			told = append(told, x)
		}
	})
	w.s.Fail(func(c Call) bool { return c.Method == "write" }, 1, DropAfter)
	if err := c.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"name": "B"}, nil); err == nil {
		t.Error("the answer was not lost")
	}
	if err := c.Write(ctx(), "hr.employee", []int64{id}, odoo.Values{"parent_id": int64(99999)}, nil); err == nil {
		t.Error("not refused")
	}
	tx := w.s.Begin()
	w.must(tx.Write("hr.employee", id, vals{"name": "C"}))
	w.must(tx.Write("hr.employee", id, vals{"name": "D"}))
	w.must(tx.Commit())
	w.s.OnTransaction(nil)
	w.must(w.s.Write("hr.employee", id, vals{"name": "E"}))
	if len(told) != 3 {
		t.Fatalf("told of %d transactions, not 3: %+v", len(told), told)
	}
	change := func(x Transaction) (from, to any) {
		for _, one := range x.Changes {
			if one.Model == "hr.employee" && one.ID == id {
				from, to = one.Before["name"], one.After["name"]
			}
		}
		return from, to
	}
	if from, to := change(told[0]); from != "A" || to != "B" || told[0].Call.Method != "write" || told[0].UID != adminUser {
		t.Errorf("the write whose answer was lost: %v -> %v, %s by %d", from, to, told[0].Call.Method, told[0].UID)
	}
	if told[1].Err == nil || len(told[1].Changes) > 0 || told[1].Call.Method != "write" {
		t.Errorf("the refused write: %v, %d changes", told[1].Err, len(told[1].Changes))
	}
	if from, to := change(told[2]); from != "B" || to != "D" || told[2].Call.Service != "" {
		t.Errorf("the slow transaction: %v -> %v, call %q", from, to, told[2].Call.Method)
	}
}
