package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// conn is one connection with its prepared statements. It is used by one goroutine at a time.
//
// Statements run without a cancellable context on purpose: interrupting a statement inside a transaction rolls back the
// whole transaction (sqlite3_interrupt), and with it the work of everybody who shares it. A tx asks its context between
// statements instead; every statement is short.
type conn struct {
	c      *sql.Conn
	stmts  map[string]*sql.Stmt
	broken bool
}

func newConn(c *sql.Conn) *conn { return &conn{c: c, stmts: map[string]*sql.Stmt{}} }

func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) error {
	_, err := c.run(query, args...)
	return err
}

func (c *conn) run(query string, args ...any) (sql.Result, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// pool lends connections for reading, each with its own prepared statements.
type pool struct {
	db    *sql.DB
	slots chan *conn // nil entries are connections not made yet
	size  int
	once  sync.Once
	done  chan struct{}
}

func newPool(db *sql.DB, size int) *pool {
	p := &pool{db: db, slots: make(chan *conn, size), size: size, done: make(chan struct{})}
	db.SetMaxOpenConns(size)
	for range size {
		p.slots <- nil
	}
	return p
}

func (p *pool) take(ctx context.Context) (*conn, error) {
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
		raw, err := p.db.Conn(ctx)
		if err != nil {
			p.slots <- nil
			return nil, fmt.Errorf("read the store: %w", err)
		}
		return newConn(raw), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, ErrClosed
	}
}

// put gives the connection back; one that could not end its transaction is closed and made anew.
func (p *pool) put(c *conn) {
	if c.broken {
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
