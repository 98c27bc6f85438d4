package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"dingbridge/bridge"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Processes that start at the same time take turns; a running dingbridge that
// holds the lock keeps its schema.
func migrate(ctx context.Context, db *sql.DB, path string, patience time.Duration) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, folder,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	if done, err := upToDate(ctx, db, newest); done || err != nil {
		return err
	}
	unlock, err := waitLock(ctx, path+".lock", patience)
	if errors.Is(err, bridge.ErrLocked) {
		return fmt.Errorf("its schema is older than this program; stop the running one first: %w", err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if done, err := upToDate(ctx, db, newest); done || err != nil {
		return err // another process was faster
	}
	_, err = p.Up(ctx)
	return err
}

// upToDate reads goose's own table, without making it.
func upToDate(ctx context.Context, db *sql.DB, newest int64) (bool, error) {
	var tables int
	if err := db.QueryRowContext(ctx,
		"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'").Scan(&tables); err != nil {
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
