package pgtest

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// shared is the server of this test process; it ends with the process.
var shared = sync.OnceValues(func() (*Server, error) { return New("") })

// Start returns the URL of an empty database on a server that all tests of the process share. Without PostgreSQL the test is skipped;
// in continuous integration (CI is set), where that would hide something, it fails.
func Start(t testing.TB) (url string) {
	t.Helper()
	s, err := shared()
	if errors.Is(err, ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if url, err = s.Database(); err != nil {
		t.Fatal(err)
	}
	return url
}
