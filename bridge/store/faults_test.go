package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// TestGroupCommit lets Updates pile up behind a slow one: they share its commit, and each fails alone.
func TestGroupCommit(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenSQLite(filepath.Join(dir, "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		before := s.writer.commits
		release := make(chan struct{})
		boom := errors.New("boom")
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Update(context.Background(), func(bridge.Tx) error { <-release; return nil }); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for i := range 100 {
			wg.Go(func() {
				err := s.Update(context.Background(), func(tx bridge.Tx) error {
					if err := tx.SetMeta(fmt.Sprintf("k/%d", i), "v"); err != nil {
						return err
					}
					if i%3 == 0 {
						return boom
					}
					return nil
				})
				if i%3 == 0 != errors.Is(err, boom) {
					t.Errorf("update %d: %v", i, err)
				}
			})
		}
		wg.Go(func() { // gives up before its turn
			err := s.Update(ctx, func(bridge.Tx) error { t.Error("ran"); return nil })
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := s.writer.commits - before; n != 1 {
			t.Errorf("%d commits", n)
		}
		err = s.View(context.Background(), func(tx bridge.Tx) error {
			all, err := tx.MetaPrefix("k/")
			if len(all) != 66 || all["k/0"] != "" || all["k/1"] != "v" {
				t.Errorf("%d values stayed", len(all))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestConcurrent is for the race detector: writers and readers at once, and a Close in the middle.
func TestConcurrent(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), WithReaders(2))
	l := &bridge.Link{Mapping: "m", Odoo: "1", State: bridge.Linked}
	if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.PutLink(l) }); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	closed := make(chan struct{})
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				err := s.Update(context.Background(), func(tx bridge.Tx) error {
					return tx.Touch(time.Time{}, bridge.RecordKey("m", mapping.Odoo, bridge.ID(fmt.Sprint(w, i))), l.Key())
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			last := 0
			for range 50 {
				err := s.View(context.Background(), func(tx bridge.Tx) error {
					dirty, _, err := tx.CountWork(noon)
					if dirty["m"] < last {
						t.Errorf("dirty keys fell from %d to %d", last, dirty["m"])
					}
					last = dirty["m"]
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			<-closed
			for range 20 {
				if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.SetMeta("k", "v") }); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				if err := s.View(context.Background(), func(tx bridge.Tx) error { _, err := tx.Meta("k"); return err }); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		close(closed)
	})
	wg.Wait()
	if err := s.View(context.Background(), func(tx bridge.Tx) error {
		dirty, _, err := tx.CountWork(noon)
		if dirty["m"] != 8*50+1 {
			t.Errorf("%d dirty keys", dirty["m"])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.SetMeta("k", "v") }); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Update(context.Background(), func(bridge.Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestDiskFull bounds the file's size: errors while it is full, nothing acknowledged is lost, and it works on afterwards.
func TestDiskFull(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"))
	put := func(n int) error {
		return s.Update(context.Background(), func(tx bridge.Tx) error {
			return tx.SetMeta(fmt.Sprintf("k/%04d", n), string(make([]byte, 5000)))
		})
	}
	pragma := func(text string) {
		t.Helper()
		if _, err := s.writer.conn.(*sqliteConn).c.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	pragma("PRAGMA max_page_count = 120")
	acknowledged := map[int]bool{}
	failed := 0
	for n := range 100 {
		if err := put(n); err == nil {
			acknowledged[n] = true
		} else {
			failed++
		}
	}
	if len(acknowledged) == 0 || failed == 0 {
		t.Fatalf("%d stored, %d failed", len(acknowledged), failed)
	}
	pragma("PRAGMA max_page_count = 100000")
	for n := range 100 {
		if !acknowledged[n] {
			if err := put(n); err != nil {
				t.Fatalf("with room again: %v", err)
			}
		}
	}
	pragma("PRAGMA query_only = 1") // as on a file system that turned read-only
	if err := put(1000); err == nil {
		t.Error("wrote to a read-only store")
	}
	pragma("PRAGMA query_only = 0")
	if err := put(1000); err != nil {
		t.Error(err)
	}
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		all, err := tx.MetaPrefix("k/")
		if len(all) != 101 {
			t.Errorf("%d of 101 values", len(all))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestForeignWriter has somebody else hold the write lock for longer than the patience.
func TestForeignWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path, WithBusyTimeout(30*time.Millisecond))
	other, err := sql.Open("sqlite", dsn(path, options{sync: "FULL"}, false))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	set := func() error {
		return s.Update(context.Background(), func(tx bridge.Tx) error { return tx.SetMeta("k", "v") })
	}
	if err := set(); err == nil {
		t.Error("wrote while another process does")
	}
	if err := s.View(context.Background(), func(tx bridge.Tx) error { _, err := tx.Meta("k"); return err }); err != nil {
		t.Errorf("reading beside a writer: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := set(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plain")
	if err := os.WriteFile(file, []byte("this is no database, and longer than a header of SQLite: one hundred bytes or more, to be sure of it."), 0o600); err != nil {
		t.Fatal(err)
	}
	newer, older := filepath.Join(dir, "newer.db"), filepath.Join(dir, "older.db")
	for path, version := range map[string]int{newer: 9999, older: 0} {
		s, err := OpenSQLite(path)
		if err != nil {
			t.Fatal(err)
		}
		if version > 0 {
			err = s.writer.conn.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", version)
		} else {
			err = s.writer.conn.exec("DELETE FROM goose_db_version WHERE version_id > 0")
		}
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := lockFile(older + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for path, want := range map[string]error{
		"":                             nil,
		filepath.Join(file, "x"):       nil, // below a file
		dir:                            nil, // a folder
		file:                           nil,
		newer:                          ErrNewer,
		older:                          bridge.ErrLocked,
		filepath.Join(dir, "a\x00.db"): nil,
	} {
		s, err := OpenSQLite(path, WithBusyTimeout(50*time.Millisecond))
		if err == nil {
			_ = s.Close()
		}
		if err == nil || (want != nil && !errors.Is(err, want)) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestMemoryFormat proves that every Link comes back as it was, and that a damaged blob is an error.
func TestMemoryFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &bridge.Link{ID: 7}
		word := rapid.SampledFrom([]string{"", "a", "name", "名字", "\x00", "dingtalk"})
		for range rapid.IntRange(0, 12).Draw(t, "bases") {
			side := mapping.Side(rapid.SampledFrom([]string{"odoo", "dingtalk", "third"}).Draw(t, "side"))
			v := rapid.SampledFrom([]mapping.Value{mapping.EmptyValue, mapping.Text(word.Draw(t, "text")), mapping.Text("x"), mapping.UnknownValue}).Draw(t, "value")
			if l.Bases == nil {
				l.Bases = map[mapping.Side]map[string]bridge.Base{}
			}
			if l.Bases[side] == nil {
				l.Bases[side] = map[string]bridge.Base{}
			}
			l.Bases[side][word.Draw(t, "field")] = bridge.Base{Value: v, Signature: word.Draw(t, "signature")}
		}
		if rapid.Bool().Draw(t, "take") {
			l.Take = map[string]mapping.Side{"name": mapping.Odoo}
		}
		blob, err := encodeMemory(l)
		if err != nil {
			t.Fatal(err)
		}
		got := &bridge.Link{ID: 7}
		if err := decodeMemory(blob, got); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", l) {
			t.Fatalf("got  %#v\nwant %#v", got, l)
		}
		if cut := rapid.IntRange(0, len(blob)-1).Draw(t, "cut"); cut < len(blob) && l.Take == nil {
			if err := decodeMemory(blob[:cut], &bridge.Link{}); !errors.Is(err, errMemory) {
				t.Fatalf("%d of %d bytes: %v", cut, len(blob), err)
			}
		}
		noise := rapid.SliceOf(rapid.Byte()).Draw(t, "noise")
		_ = decodeMemory(append([]byte{memoryFormat}, noise...), &bridge.Link{}) // any error is fine, a panic is not
	})
}
