package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// sqliteConn is one connection with its prepared statements.
//
// Statements run without a cancellable context on purpose: interrupting a statement inside a transaction rolls back the
// whole transaction (sqlite3_interrupt), and with it the work of everybody who shares it. A tx asks its context between
// statements instead; every statement is short.
type sqliteConn struct {
	c     *sql.Conn
	open  string // the statement that opens a transaction
	stmts map[string]*sql.Stmt
}

func newSQLiteConn(c *sql.Conn, open string) *sqliteConn {
	return &sqliteConn{c: c, open: open, stmts: map[string]*sql.Stmt{}}
}

// sqliteWords replaces the marks of a query.
var sqliteWords = strings.NewReplacer(
	"IN LIST ?1", "IN (SELECT value FROM json_each(?1))",
	"IN LIST ?2", "IN (SELECT value FROM json_each(?2))",
	"IN LIST ?", "IN (SELECT value FROM json_each(?))",
	"TRIPLES ?", "json_each(?)",
)

func (c *sqliteConn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), sqliteWords.Replace(query))
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *sqliteConn) begin() error    { return c.exec(c.open) }
func (c *sqliteConn) commit() error   { return c.exec("COMMIT") }
func (c *sqliteConn) rollback() error { return c.exec("ROLLBACK") }
func (c *sqliteConn) mark() error     { return c.exec("SAVEPOINT u") }
func (c *sqliteConn) release() error  { return c.exec("RELEASE u") }

func (c *sqliteConn) undo() error {
	if err := c.exec("ROLLBACK TO u"); err != nil {
		return err
	}
	return c.exec("RELEASE u")
}

func (c *sqliteConn) exec(query string, args ...any) error {
	_, err := c.result(query, args...)
	return err
}

func (c *sqliteConn) result(query string, args ...any) (sql.Result, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (c *sqliteConn) run(query string, args ...any) (int64, error) {
	res, err := c.result(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *sqliteConn) insert(_, query string, args ...any) (int64, bool, error) {
	res, err := c.result(query, args...)
	if err != nil {
		return 0, false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return 0, false, err
	}
	id, err := res.LastInsertId()
	return id, true, err
}

func (c *sqliteConn) each(query string, args []any, row func(scanner) error) (err error) {
	stmt, err := c.prepare(query)
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

func (c *sqliteConn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}
