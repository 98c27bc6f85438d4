package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"dingbridge/bridge"
)

func TestMain(m *testing.M) {
	if os.Getenv("DINGBRIDGE_STORE_CHILD") != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

func openAt(t *testing.T, path string, opts ...Option) *SQLite {
	t.Helper()
	s, err := OpenSQLite(path, opts...)
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

func TestSQLite(t *testing.T) {
	testStore(t, func() bridge.Store { return openAt(t, filepath.Join(t.TempDir(), "a folder", "状态?#%20.db")) })
}

func TestMemory(t *testing.T) {
	testStore(t, func() bridge.Store {
		s, err := OpenMemory()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := os.Stat(s.path); err == nil {
				t.Error("the temporary file stayed")
			}
		})
		return s
	})
}

// TestSettings proves that what durability rests on was really set on the connections.
func TestSettings(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"))
	pragma := func(c conn, name string) (v string) {
		if err := c.(*sqliteConn).c.QueryRowContext(context.Background(), "PRAGMA "+name).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	reader, err := s.readers.take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.readers.put(reader, false)
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "query_only": "0"} {
		if got := pragma(s.writer.conn, name); got != want {
			t.Errorf("%s is %s on the writer", name, got)
		}
	}
	if got := pragma(reader, "query_only"); got != "1" {
		t.Errorf("query_only is %s on a reader", got)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %s", info.Mode())
	}
}
