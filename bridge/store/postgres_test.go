package store

import (
	"testing"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
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
