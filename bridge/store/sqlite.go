// Package store keeps the bridge's durable state: links, work, the inbox of events, the Guard's lists, history and small
// named values. SQLite implements bridge.Store on one file, Postgres on a database that several machines share.
//
// It decides nothing: what to look at, when, and what to do about it belongs to package bridge.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	sqlite "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"dingbridge/bridge"
)

// Errors of both stores beside those of bridge.Store.
var (
	// ErrClosed is returned by every method once Close was called.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly is returned by the writing methods of a Tx that View handed out.
	ErrReadOnly = errors.New("a View cannot write")
	// ErrNewer is returned by opening a store that was written by a later version of the program.
	ErrNewer = errors.New("the store was made by a newer dingbridge")
	// ErrNoLink is returned by PutLink for a link that was deleted since it was read. Reconcile again.
	ErrNoLink = errors.New("the link is no longer in the store")
)

// SQLite is a bridge.Store in one file (plus its -wal, -shm and .lock companions). Use OpenSQLite or OpenMemory.
//
// An fn given to Update must not call Update of the same store: it would wait for itself.
type SQLite struct {
	database
	path    string
	db      *sql.DB // the writer's
	readDB  *sql.DB
	cleanup func() error

	closing sync.Once
	closed  error
}

var _ bridge.Store = (*SQLite)(nil)

type options struct {
	busy    time.Duration
	readers int
	sync    string
	clock   func() time.Time
	standby StandBy
}

// Option changes how a store is opened.
type Option func(*options)

// WithBusyTimeout sets how long a write waits for another process's write to end; the default is 10 s.
func WithBusyTimeout(d time.Duration) Option { return func(o *options) { o.busy = d } }

// WithReaders sets how many Views may run at the same time; the default is 4. More wait their turn.
func WithReaders(n int) Option { return func(o *options) { o.readers = max(n, 1) } }

// WithClock replaces time.Now for the times the store itself writes down (Waiter.Since).
func WithClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

// OpenSQLite opens the store at path, makes the file and its folder when they are missing (readable by the owner only: it holds
// personal data), and brings its schema up to date.
//
// It returns ErrNewer when a later version wrote the file, and bridge.ErrLocked when the schema is old and a running
// dingbridge of the old version still uses it. The file must be on a local disk: SQLite's WAL does not work over NFS.
func OpenSQLite(path string, opts ...Option) (*SQLite, error) {
	o := options{busy: 10 * time.Second, readers: 4, sync: "FULL", clock: time.Now}
	for _, set := range opts {
		set(&o)
	}
	return open(path, o)
}

// OpenMemory opens a store for tests: the same code on a temporary file that Close removes, without syncing to the disk.
func OpenMemory(opts ...Option) (*SQLite, error) {
	dir, err := os.MkdirTemp("", "dingbridge-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary store: %w", err)
	}
	o := options{busy: 10 * time.Second, readers: 4, sync: "OFF", clock: time.Now}
	for _, set := range opts {
		set(&o)
	}
	s, err := open(filepath.Join(dir, "state.db"), o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.cleanup = func() error { return os.RemoveAll(dir) }
	return s, nil
}

func open(path string, o options) (_ *SQLite, err error) {
	path, err = prepareFile(path)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &SQLite{path: path, cleanup: func() error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.closeDBs())
		}
	}()
	if s.db, err = sql.Open("sqlite", dsn(path, o, false)); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(context.Background(), 6*o.busy+time.Minute)
	defer cancel()
	if err = firstConnection(ctx, s.db, o.busy); err != nil {
		return nil, err
	}
	if err = migrateSQLite(ctx, s.db, path, o.busy); err != nil {
		return nil, err
	}
	if s.readDB, err = sql.Open("sqlite", dsn(path, o, true)); err != nil {
		return nil, err
	}
	raw, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s.readDB.SetMaxOpenConns(o.readers)
	s.start(newWriter(newSQLiteConn(raw, "BEGIN IMMEDIATE"), o.clock), newPool(o.readers, func(ctx context.Context) (conn, error) {
		raw, err := s.readDB.Conn(ctx)
		if err != nil {
			return nil, err
		}
		return newSQLiteConn(raw, "BEGIN"), nil
	}), o.clock)
	return s, nil
}

// firstConnection turns the write-ahead log on. Of processes that do so at the same moment only one succeeds, and SQLite does not let
// the others wait as it does elsewhere (https://sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").
func firstConnection(ctx context.Context, db *sql.DB, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := db.PingContext(ctx)
		var busy *sqlite.Error
		if !errors.As(err, &busy) || busy.Code()&0xff != codes.SQLITE_BUSY {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

// prepareFile makes the folder and the file with narrow permissions and returns the absolute path.
func prepareFile(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

// dsn is the SQLite URI of the file. busy_timeout comes first because setting the journal mode may already have to wait.
func dsn(path string, o options, read bool) string {
	q := url.Values{"_txlock": {"immediate"}}
	pragmas := []string{
		"busy_timeout(" + strconv.FormatInt(o.busy.Milliseconds(), 10) + ")",
		"journal_mode(WAL)",
		"synchronous(" + o.sync + ")",
		"journal_size_limit(67108864)",
		"temp_store(MEMORY)",
	}
	if read { // each has its own cache: what all of them read lies in the system's as well
		q.Set("_txlock", "deferred")
		pragmas = append(pragmas, "query_only(1)", "cache_size(-2000)")
	} else {
		pragmas = append(pragmas, "cache_size(-16000)")
	}
	q["_pragma"] = pragmas
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Close waits for the Updates in work, then closes the file. Calls that come later return ErrClosed.
func (s *SQLite) Close() error {
	s.closing.Do(func() {
		s.closed = errors.Join(s.stop(), s.closeDBs(), s.cleanup())
	})
	return s.closed
}

func (s *SQLite) closeDBs() error {
	var errs []error
	for _, db := range []*sql.DB{s.readDB, s.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
