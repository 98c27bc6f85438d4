package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
	"dingbridge/mapping"
)

func openPostgres(t *testing.T, url string, opts ...Option) *Postgres {
	t.Helper()
	s, err := OpenPostgres(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPostgres(t *testing.T) {
	testStore(t, func() bridge.Store { return openPostgres(t, pgtest.Start(t)) })
}

func TestOpenPicksTheStore(t *testing.T) {
	url := pgtest.Start(t)
	s, err := Open("postgresql" + strings.TrimPrefix(url, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.(*Postgres); !ok {
		t.Errorf("%T", s)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Update(context.Background(), func(bridge.Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// statement runs a statement as an administrator of the same role would.
func statement(t *testing.T, url, query string, args ...any) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func setMeta(s bridge.Store, ctx context.Context, key, value string) error {
	return s.Update(ctx, func(tx bridge.Tx) error { return tx.SetMeta(key, value) })
}

func meta(t *testing.T, s bridge.Store, key string) (value string) {
	t.Helper()
	err := s.View(t.Context(), func(tx bridge.Tx) (err error) { value, err = tx.Meta(key); return err })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestWritersAreSerial lets two processes' worth of stores read, think, and write the same value.
func TestWritersAreSerial(t *testing.T) {
	url := pgtest.Start(t)
	const each = 100
	var wg sync.WaitGroup
	for range 2 {
		s := openPostgres(t, url)
		for range 3 {
			wg.Go(func() {
				for range each {
					err := s.Update(context.Background(), func(tx bridge.Tx) error {
						was, err := tx.Meta("n")
						if err != nil {
							return err
						}
						n, _ := strconv.Atoi(was) // "" is 0
						return tx.SetMeta("n", strconv.Itoa(n+1))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if got := meta(t, openPostgres(t, url), "n"); got != strconv.Itoa(6*each) {
		t.Errorf("%s of %d increments", got, 6*each)
	}
}

// TestLostConnections has every connection end while nothing is under way: the next use makes new ones.
func TestLostConnections(t *testing.T) {
	url := pgtest.Start(t)
	s := openPostgres(t, url, WithReaders(1))
	if err := setMeta(s, t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if got := meta(t, s, "k"); got != "v" {
		t.Errorf("%q", got)
	}
	statement(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", s.instance)
	if err := setMeta(s, t.Context(), "k", "w"); err != nil {
		t.Error(err)
	}
	if got := meta(t, s, "k"); got != "w" {
		t.Errorf("%q", got)
	}
	// In the middle of an Update: an error, and nothing of it is kept.
	err := s.Update(t.Context(), func(tx bridge.Tx) error {
		if _, err := tx.Meta("k"); err != nil {
			return err
		}
		statement(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", s.instance)
		return tx.SetMeta("k", "x")
	})
	if err == nil {
		t.Error("committed over a connection that was lost")
	}
	if err := setMeta(s, t.Context(), "other", "y"); err != nil {
		t.Error(err)
	}
	if got := meta(t, s, "k"); got != "w" {
		t.Errorf("%q", got)
	}
}

// TestTextsPostgresRefuses stores what a far side may say and PostgreSQL would not take.
func TestTextsPostgresRefuses(t *testing.T) {
	s := openPostgres(t, pgtest.Start(t))
	key := bridge.RecordKey("m", mapping.DingTalk, "u\x00")
	err := s.Update(t.Context(), func(tx bridge.Tx) error {
		if err := tx.Touch(time.Time{}, key); err != nil {
			return err
		}
		if err := tx.Postpone(key, 1<<60, noon, 1, "系统\x00\xff繁忙"); err != nil {
			return err
		}
		if _, err := tx.LinksOn("m", mapping.DingTalk, []bridge.ID{"u\x00", "\xff"}); err != nil {
			return err
		}
		_, err := tx.Wake(bridge.Await{Mapping: "m", Side: mapping.DingTalk, ID: "u\x00\xff"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(tx bridge.Tx) error {
		rows, err := tx.WorkRows(1)
		if err == nil && (len(rows) != 1 || rows[0].LastError != "系统��繁忙") {
			t.Errorf("%+v", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenPostgresErrors(t *testing.T) {
	url := pgtest.Start(t)
	s := openPostgres(t, url)
	for address, want := range map[string]error{
		"postgres://u:hunter2@127.0.0.1:1/db?connect_timeout=2":        nil,
		"postgres://u:hunter2@127.0.0.1:port/db":                       errAddress,
		"postgres://u:hunter2@x/db?sslmode=hunter2":                    errAddress,
		strings.Replace(url, "dingbridge@", "nobody:hunter2@", 1):      nil,
		url + "&options=-csearch_path%3Dnowhere" + "&password=hunter2": nil,
	} {
		s, err := OpenPostgres(address, WithBusyTimeout(50*time.Millisecond))
		if err == nil {
			_ = s.Close()
		}
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in: %v", err)
		}
	}
	lease, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Unlock()
	statement(t, url, "DELETE FROM goose_db_version WHERE version_id > 0")
	if _, err := OpenPostgres(url, WithBusyTimeout(50*time.Millisecond)); !errors.Is(err, bridge.ErrLocked) {
		t.Errorf("an old schema in use: %v", err)
	}
	statement(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	if _, err := OpenPostgres(url); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}
