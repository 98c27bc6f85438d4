package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
)

var quick = StandBy{Beat: 20 * time.Millisecond, Stale: time.Second}

// silent never beats, as one that stands still.
var silent = StandBy{Beat: time.Hour, Stale: 500 * time.Millisecond}

func lock(t *testing.T, s *Postgres) *pgLease {
	t.Helper()
	l, err := lockSoon(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Unlock)
	return l.(*pgLease)
}

func TestLeaseIsGivenBackInOrder(t *testing.T) {
	url := pgtest.Start(t)
	a, b := openPostgres(t, url, WithStandBy(quick)), openPostgres(t, url, WithStandBy(quick))
	first := lock(t, a)
	if _, err := b.Lock(t.Context()); !errors.Is(err, bridge.ErrLocked) {
		t.Fatal(err)
	}
	if err := b.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := b.Replicas(t.Context())
	if err != nil || len(all) != 2 || !all[0].Active || all[1].Active || all[0].Name != a.name || all[0].Since.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
	first.Unlock()
	second := lock(t, b)
	if second.epoch <= first.epoch || time.Until(second.wait) > 0 {
		t.Errorf("epoch %d after %d; the successor waits %s", second.epoch, first.epoch, time.Until(second.wait))
	}
	if all, err = b.Replicas(t.Context()); err != nil || len(all) != 1 || !all[0].Active {
		t.Errorf("%+v, %v", all, err)
	}
	if err := first.Check(t.Context()); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("the lease that was given back: %v", err)
	}
	if err := second.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLeaseHoldsWhileItBeats(t *testing.T) {
	url := pgtest.Start(t)
	a, b := openPostgres(t, url, WithStandBy(quick)), openPostgres(t, url, WithStandBy(quick))
	l := lock(t, a)
	begin := time.Now()
	for time.Since(begin) < 2*quick.Stale {
		if _, err := b.Lock(t.Context()); !errors.Is(err, bridge.ErrLocked) {
			t.Fatalf("after %s: %v", time.Since(begin), err)
		}
		if err := l.Check(t.Context()); err != nil {
			t.Fatalf("after %s: %v", time.Since(begin), err)
		}
	}
	if off := time.Since(l.Now(nil)); off < -time.Second || off > time.Second { // the database is on this machine
		t.Errorf("the database's clock is off by %s", off)
	}
}

// TestStaleHolderIsReplaced: one that stands still in the middle of an Update loses its connections, what it was writing, and the right to
// write and to send. What needs no lease it may go on doing.
func TestStaleHolderIsReplaced(t *testing.T) {
	url := pgtest.Start(t)
	a, b := openPostgres(t, url, WithStandBy(silent)), openPostgres(t, url, WithStandBy(quick))
	old := lock(t, a)
	leased := bridge.WithLease(context.Background(), old)
	if err := setMeta(a, leased, "k", "before"); err != nil {
		t.Fatal(err)
	}
	inside, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- a.Update(leased, func(tx bridge.Tx) error {
			_, err := tx.Meta("k") // the transaction is open and holds the lock of writers
			close(inside)
			<-goOn
			return errors.Join(err, tx.SetMeta("k", "by the old one"))
		})
	}()
	<-inside
	heir := lock(t, b)
	if err := heir.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := setMeta(b, bridge.WithLease(t.Context(), heir), "k", "by the heir"); err != nil {
		t.Error(err)
	}
	close(goOn) // it wakes
	if err := <-ended; err == nil {
		t.Error("the old one committed what it had begun")
	}
	if err := old.Check(t.Context()); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("the old one may send: %v", err)
	}
	if err := setMeta(a, leased, "k", "by the old one"); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("the old one may write: %v", err)
	}
	<-old.Lost()
	if err := setMeta(a, t.Context(), "event", "kept"); err != nil {
		t.Errorf("without a lease: %v", err)
	}
	if got := meta(t, a, "k") + ", " + meta(t, b, "event"); got != "by the heir, kept" {
		t.Error(got)
	}
}

// TestLostSessionKeepsTheHeirWaiting: the old one lost only the session of its lock and does not know. Its epoch is over at once; the heir
// sends only when the old one, by its own clock, does so no more.
func TestLostSessionKeepsTheHeirWaiting(t *testing.T) {
	url := pgtest.Start(t)
	a, b := openPostgres(t, url, WithStandBy(silent)), openPostgres(t, url, WithStandBy(quick))
	old := lock(t, a)
	if err := old.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	statement(t, url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
	heir := lock(t, b)
	if heir.epoch != old.epoch+1 {
		t.Errorf("epoch %d after %d", heir.epoch, old.epoch)
	}
	if err := setMeta(a, bridge.WithLease(t.Context(), old), "k", "v"); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("the old one may write: %v", err)
	}
	if err := setMeta(b, bridge.WithLease(t.Context(), heir), "k", "v"); err != nil {
		t.Errorf("the heir may not write: %v", err)
	}
	if err := heir.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if old.valid.Load().holds(time.Now()) {
		t.Error("both may send")
	}
}

// TestLeaseIsLostWithTheDatabase: whoever cannot be confirmed may not send.
func TestLeaseIsLostWithTheDatabase(t *testing.T) {
	s, err := pgtest.New("")
	if errors.Is(err, pgtest.ErrMissing) {
		pgtest.Start(t) // says so, in its way
	}
	if err != nil {
		t.Fatal(err)
	}
	url, err := s.Database()
	if err != nil {
		t.Fatal(err)
	}
	p := openPostgres(t, url, WithStandBy(quick))
	l := lock(t, p)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	<-l.Lost()
	if err := l.Check(t.Context()); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Error(err)
	}
	if _, err := p.Lock(t.Context()); err == nil || errors.Is(err, bridge.ErrLocked) {
		t.Errorf("a lock without a database: %v", err)
	}
	if err := setMeta(p, t.Context(), "k", "v"); err == nil {
		t.Error("stored without a database")
	}
}

// TestCheckWaitsForABeat: late in what the last beat allows, the database decides.
func TestCheckWaitsForABeat(t *testing.T) {
	url := pgtest.Start(t)
	a := openPostgres(t, url, WithStandBy(StandBy{Beat: time.Hour, Stale: 2 * time.Second}))
	l := lock(t, a)
	now := time.Now()
	l.valid.Store(&validity{from: now.Add(-time.Second), until: now.Add(500 * time.Millisecond)})
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !l.valid.Load().until.After(now.Add(time.Second)) {
		t.Error("the database was not asked")
	}
	for name, late := range map[string]validity{
		"monotonic time over": {from: now.Add(-3 * time.Second), until: now.Add(-time.Second)},
		"the machine slept":   {from: now.Add(-time.Second), until: now.Add(time.Second).Round(0).Add(-5 * time.Second)},
	} {
		l.valid.Store(&late)
		if err := l.Check(t.Context()); err != nil { // still the holder: the database says so, and only then it goes on
			t.Errorf("%s: %v", name, err)
		}
		if !l.valid.Load().holds(time.Now()) {
			t.Errorf("%s: the database was not asked", name)
		}
	}
	statement(t, url, "UPDATE lease SET epoch = epoch + 1")
	l.valid.Store(&validity{from: now.Add(-3 * time.Second), until: now.Add(-time.Second)})
	if err := l.Check(t.Context()); !errors.Is(err, bridge.ErrLeaseLost) {
		t.Errorf("after another one came: %v", err)
	}
}
