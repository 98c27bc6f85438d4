package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"dingbridge/bridge"
)

// The schema stands twice: in migrations/ for SQLite, in migrations/postgres/ for PostgreSQL. Both grow by the same steps.
//
//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// schema is where one database's migrations are, and how they are carried out.
type schema struct {
	dialect goose.Dialect
	folder  string
	started string // asks how many tables goose has of its own: 0 or 1
	// lock keeps other processes away; bridge.ErrLocked while one of them is active.
	lock func(ctx context.Context) (unlock func(), err error)
}

// migrateSQLite brings the file's schema up to date.
func migrateSQLite(ctx context.Context, db *sql.DB, path string, patience time.Duration) error {
	return schema{
		dialect: goose.DialectSQLite3, folder: "migrations",
		started: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'",
		lock:    func(ctx context.Context) (func(), error) { return waitLock(ctx, path+".lock", lockTry) },
	}.migrate(ctx, db, patience)
}

// migratePostgres brings the schema of the database up to date.
func migratePostgres(ctx context.Context, config *pgx.ConnConfig, patience time.Duration) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	return schema{
		dialect: goose.DialectPostgres, folder: "migrations/postgres",
		started: "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'",
		lock:    func(ctx context.Context) (func(), error) { return waitActive(ctx, db, lockTry) },
	}.migrate(ctx, db, patience)
}

// lockTry is how long one try for the lock lasts, before it is looked again whether it is still needed.
const lockTry = 100 * time.Millisecond

// migrate takes the missing steps. Processes that start at the same time take turns; an active dingbridge keeps its schema.
func (s schema) migrate(ctx context.Context, db *sql.DB, patience time.Duration) error {
	folder, err := fs.Sub(migrations, s.folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.dialect, db, folder, goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	if done, err := s.upToDate(ctx, db, newest); done || err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	unlock, err := s.lock(ctx)
	for errors.Is(err, bridge.ErrLocked) && time.Now().Before(deadline) {
		if done, err := s.upToDate(ctx, db, newest); done || err != nil {
			return err // started at the same moment, another one made the schema, and is the active one by now
		}
		unlock, err = s.lock(ctx)
	}
	if errors.Is(err, bridge.ErrLocked) {
		return fmt.Errorf("its schema is older than this program; stop the running one first: %w", err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if done, err := s.upToDate(ctx, db, newest); done || err != nil {
		return err // another process was faster
	}
	_, err = p.Up(ctx)
	return err
}

// upToDate reads goose's own table, without making it.
func (s schema) upToDate(ctx context.Context, db *sql.DB, newest int64) (bool, error) {
	var tables int
	if err := db.QueryRowContext(ctx, s.started).Scan(&tables); err != nil {
		return false, err
	}
	if tables == 0 {
		return false, nil
	}
	var version sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil {
		return false, err
	}
	if version.Int64 > newest {
		return false, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, version.Int64, newest)
	}
	return version.Int64 == newest, nil
}

// activeKey is lock_key('active') of the schema, which may not have the function yet.
const activeKey = "hashtextextended('dingbridge active ' || current_schema(), 0)"

// waitActive takes the advisory lock of the active one, on a connection of its own, as long as the patience lasts.
func waitActive(ctx context.Context, db *sql.DB, patience time.Duration) (unlock func(), err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		var mine sql.NullBool // no schema in the search_path has no name
		if err := c.QueryRowContext(ctx, "SELECT pg_try_advisory_lock("+activeKey+")").Scan(&mine); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		switch {
		case !mine.Valid:
			return nil, errors.Join(errors.New("the search_path names no schema that exists"), c.Close())
		case mine.Bool:
			return func() {
				_, _ = c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+activeKey+")") // closing the session does it too
				_ = c.Close()
			}, nil
		}
		select {
		case <-again.C:
		case <-timed.Done():
			return nil, errors.Join(bridge.ErrLocked, c.Close())
		}
	}
}
