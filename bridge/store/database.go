package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingbridge/bridge"
)

// database is what both stores are: one connection that writes, and some that read.
//
// All writes of a process go through one connection and one goroutine, which puts whatever Updates are waiting into one
// transaction, each in a savepoint of its own, and commits once for all of them. Reads have connections of their own and see
// the last commit; they never wait for a writer.
type database struct {
	writer  *writer
	readers *pool
	clock   func() time.Time
}

func (d *database) start(w *writer, readers *pool, clock func() time.Time) {
	d.writer, d.readers, d.clock = w, readers, clock
	go w.run()
}

// stop waits for the Updates in work and for every reader.
func (d *database) stop() error {
	d.writer.stop()
	return errors.Join(d.writer.conn.close(), d.readers.close())
}

// View runs fn on the state as of the last commit; its Tx returns ErrReadOnly when asked to write. Nothing waits for a View, but
// while one runs the database cannot clear away what it still shows: take what is needed and return before doing anything slow.
func (d *database) View(ctx context.Context, fn func(bridge.Tx) error) error {
	c, err := d.readers.take(ctx)
	if err != nil {
		return err
	}
	broken := false
	defer func() { d.readers.put(c, broken) }()
	if err := c.begin(); err != nil {
		broken = true
		return fmt.Errorf("read the store: %w", err)
	}
	t := &tx{ctx: ctx, conn: c, readonly: true, clock: d.clock}
	defer func() {
		t.over = true
		broken = c.rollback() != nil
	}()
	return fn(t)
}

// Update runs fn and commits what it wrote when fn returns nil; any error of fn undoes all of it and is returned as it is. When Update
// returns nil the changes are on the disk. When ctx ends before fn was started, fn is not run; once it runs, its methods
// return the context's error, and a commit that was begun is waited for, so that the answer is always the truth.
func (d *database) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	return d.writer.update(ctx, fn)
}
