package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// conn is one connection of a database, as a transaction uses it. It is used by one goroutine at a time. The two databases get the same
// SQL; where they need other words for the same thing, the query carries a mark that each connection replaces:
//
//	?, ?2          a parameter
//	IN LIST ?2     is one of a list (texts or numbers)
//	NOT IN LIST ?2 is none of them
//	TRIPLES ?      a list of [3]string as rows (key, value): the place in the list from 0 on, and the three as JSON
//	NOT INDEXED    SQLite: in the order of the primary key, not by an index
type conn interface {
	// begin opens a transaction: of the writer after every other writer's, of a reader on the state as of now. A connection that was
	// lost meanwhile is replaced.
	begin() error
	commit() error
	// rollback ends the transaction, undone. After an error the connection is of no more use.
	rollback() error
	// mark, release and undo put a part of the transaction between a savepoint and its end.
	mark() error
	release() error
	undo() error
	// exec runs a statement, now or together with the next one that needs an answer; its error may be that one's.
	exec(query string, args ...any) error
	// run runs a statement and returns how many rows it touched.
	run(query string, args ...any) (int64, error)
	// insert runs an INSERT of one row and returns its id, the named column; false when a conflict kept it out.
	insert(id, query string, args ...any) (int64, bool, error)
	// each calls row for every row of the answer. row must not use the connection.
	each(query string, args []any, row func(scanner) error) error
	close() error
}

// scanner reads the columns of one row.
type scanner func(dest ...any) error

// texts and numbers are lists as one parameter. SQLite takes them as JSON, PostgreSQL as they are.
type (
	texts   []string
	numbers []int64
	triples [][3]string
)

// Value implements driver.Valuer.
func (l texts) Value() (driver.Value, error) { return asJSON([]string(l)) }

// Value implements driver.Valuer.
func (l numbers) Value() (driver.Value, error) { return asJSON([]int64(l)) }

// Value implements driver.Valuer.
func (l triples) Value() (driver.Value, error) { return asJSON([][3]string(l)) }

func asJSON[T any](list []T) (driver.Value, error) {
	if list == nil {
		list = []T{} // null is no list
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// pool lends connections for reading.
type pool struct {
	dial  func(context.Context) (conn, error)
	slots chan conn // nil entries are connections not made yet
	size  int
	once  sync.Once
	done  chan struct{}
}

func newPool(size int, dial func(context.Context) (conn, error)) *pool {
	p := &pool{dial: dial, slots: make(chan conn, size), size: size, done: make(chan struct{})}
	for range size {
		p.slots <- nil
	}
	return p
}

func (p *pool) take(ctx context.Context) (conn, error) {
	select {
	case <-p.done:
		return nil, ErrClosed
	default:
	}
	select {
	case c := <-p.slots:
		if c != nil {
			return c, nil
		}
		c, err := p.dial(ctx)
		if err != nil {
			p.slots <- nil
			return nil, fmt.Errorf("read the store: %w", err)
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, ErrClosed
	}
}

// put gives the connection back; one that could not end its transaction is closed and made anew.
func (p *pool) put(c conn, broken bool) {
	if broken {
		_ = c.close() // it is thrown away either way
		c = nil
	}
	p.slots <- c
}

// close waits until every connection is back.
func (p *pool) close() error {
	var errs []error
	p.once.Do(func() {
		close(p.done)
		for range p.size {
			if c := <-p.slots; c != nil {
				errs = append(errs, c.close())
			}
		}
	})
	return errors.Join(errs...)
}
