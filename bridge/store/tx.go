package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"dingbridge/bridge"
)

// tx is one View or Update.
type tx struct {
	ctx      context.Context
	conn     conn
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

// writable says why the transaction cannot write.
func (t *tx) writable() error {
	if err := t.usable(); err != nil {
		return err
	}
	if t.readonly {
		return ErrReadOnly
	}
	return nil
}

// exec runs a statement whose outcome nobody asks for. An error may come with a later statement; either way nothing is committed.
func (t *tx) exec(query string, args ...any) error {
	if err := t.writable(); err != nil {
		return err
	}
	return t.conn.exec(query, args...)
}

// write runs a statement and returns how many rows it touched.
func (t *tx) write(query string, args ...any) (int64, error) {
	if err := t.writable(); err != nil {
		return 0, err
	}
	return t.conn.run(query, args...)
}

// insert runs an INSERT of one row and returns its id, the named column; false when a conflict kept it out.
func (t *tx) insert(id, query string, args ...any) (int64, bool, error) {
	if err := t.writable(); err != nil {
		return 0, false, err
	}
	return t.conn.insert(id, query, args...)
}

// each calls row for every row of the answer. row must not run statements of the same transaction.
func (t *tx) each(query string, args []any, row func(scanner) error) (err error) {
	if err := t.usable(); err != nil {
		return err
	}
	return t.conn.each(query, args, row)
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

// unlimited turns "no limit" (0 or less) into one that nothing reaches.
func unlimited(limit int) int64 {
	if limit <= 0 {
		return math.MaxInt64
	}
	return int64(limit)
}
