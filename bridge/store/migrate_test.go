package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
)

// takeBack undoes the steps of a database after a version.
func takeBack(t *testing.T, dialect goose.Dialect, folder string, db *sql.DB, version int64) {
	t.Helper()
	steps, err := fs.Sub(migrations, folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, db, steps, goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// TestArrivalsOfBeforeAreCountedOn: the way of those that came before it was kept is not known, their number is.
func TestArrivalsOfBeforeAreCountedOn(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state.db")
		countOn(t, file, goose.DialectSQLite3, "migrations", func() (*sql.DB, error) { return sql.Open("sqlite", file) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Start(t)
		countOn(t, url, goose.DialectPostgres, "migrations/postgres", func() (*sql.DB, error) {
			config, err := pgConfig(url, "test", 0)
			if err != nil {
				return nil, err
			}
			return stdlib.OpenDB(*config), nil
		})
	})
}

// countOn lets events arrive before and after the step.
func countOn(t *testing.T, address string, dialect goose.Dialect, folder string, open func() (*sql.DB, error)) {
	t.Helper()
	with := func(do func(s bridge.Store) error) {
		t.Helper()
		s, err := Open(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(do(s), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	arrive := func(id, via string) {
		t.Helper()
		with(func(s bridge.Store) error {
			return s.Update(t.Context(), func(tx bridge.Tx) error {
				_, err := tx.AddEvent(bridge.InboxEvent{ID: id, Type: "check_in", Via: via, Received: noon})
				return err
			})
		})
	}
	arrive("a", bridge.ViaStream)
	arrive("b", bridge.ViaCallback)
	db, err := open()
	if err != nil {
		t.Fatal(err)
	}
	takeBack(t, dialect, folder, db, 2)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	arrive("c", bridge.ViaStream)
	with(func(s bridge.Store) error {
		return s.View(t.Context(), func(tx bridge.Tx) error {
			_, types, err := tx.CountEvents()
			if got := types["check_in"]; got.Count != 3 || len(got.Via) != 1 || got.Via[bridge.ViaStream] != 1 || !got.Last.Equal(noon) {
				t.Errorf("%+v", got)
			}
			return err
		})
	})
}
