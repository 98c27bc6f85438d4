package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	sqlite "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"dingbridge/bridge"
)

// tx is one View or Update.
type tx struct {
	ctx      context.Context
	conn     *conn
	clock    func() time.Time
	readonly bool
	over     bool
	undo     []func() // what to take back from the caller's values when the transaction fails
}

var _ bridge.Tx = (*tx)(nil)

// usable says why the transaction cannot run another statement.
func (t *tx) usable() error {
	if t.over {
		return sql.ErrTxDone
	}
	return t.ctx.Err()
}

// write runs a statement and returns how many rows it touched.
func (t *tx) write(query string, args ...any) (int64, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert runs an INSERT and returns the new row's id.
func (t *tx) insert(query string, args ...any) (int64, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	if t.readonly {
		return nil, ErrReadOnly
	}
	return t.conn.run(query, args...)
}

// scanner reads the columns of one row.
type scanner func(dest ...any) error

// each calls row for every row of the answer. row must not run statements of the same transaction.
func (t *tx) each(query string, args []any, row func(scanner) error) (err error) {
	if err := t.usable(); err != nil {
		return err
	}
	stmt, err := t.conn.prepare(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// list collects what read makes of every row.
func list[T any](t *tx, read func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := t.each(query, args, func(scan scanner) error {
		v, err := read(scan)
		if err == nil {
			out = append(out, v)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// one is the first row, false when there is none.
func one[T any](t *tx, read func(scanner) (T, error), query string, args ...any) (v T, ok bool, err error) {
	all, err := list(t, read, query, args...)
	if err != nil || len(all) == 0 {
		return v, false, err
	}
	return all[0], true, nil
}

// column reads a row of a single value.
func column[T any](scan scanner) (v T, err error) {
	err = scan(&v)
	return v, err
}

// nanos is how an instant is stored: nanoseconds since 1970 in UTC, and 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// instant reads what nanos wrote.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// isUnique reports whether the error is a violated unique index.
func isUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == codes.SQLITE_CONSTRAINT_UNIQUE
}

// unlimited turns "no limit" (0 or less) into SQLite's.
func unlimited(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}
