package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"dingbridge/bridge"
)

// pgConn is one connection to PostgreSQL. Statements that need no answer wait until one does and travel with it: a transaction costs
// a handful of round trips, however many statements it has.
type pgConn struct {
	config   *pgx.ConnConfig
	patience time.Duration // for one round trip
	open     []string      // the statements that open a transaction
	c        *pgx.Conn     // nil: not connected
	words    map[string]string
	waiting  *pgx.Batch
}

// dial connects.
func (c *pgConn) dial(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	c.c, err = pgx.ConnectConfig(ctx, c.config)
	c.words, c.waiting = map[string]string{}, &pgx.Batch{}
	return pgError(err)
}

// waitingMost bounds how many statements wait.
const waitingMost = 500

// errLost is the answer to whatever comes after the connection was lost in the middle of a transaction.
var errLost = errors.New("the connection to PostgreSQL was lost")

func (c *pgConn) begin() error {
	fresh := c.c == nil || c.c.IsClosed()
	for {
		if fresh {
			if err := c.dial(context.Background()); err != nil {
				return err
			}
		}
		c.waiting = &pgx.Batch{}
		for _, open := range c.open {
			c.waiting.Queue(open)
		}
		err := c.flush(nil)
		if err == nil || fresh || !c.c.IsClosed() {
			return err
		}
		fresh = true // it was lost since its last use: nothing was begun, so that another one may try
	}
}

// commit's error leaves open whether the transaction was committed when the connection was lost before the answer.
func (c *pgConn) commit() error  { return c.ask("COMMIT") }
func (c *pgConn) mark() error    { return c.exec("SAVEPOINT u") }
func (c *pgConn) release() error { return c.ask("RELEASE SAVEPOINT u") }

func (c *pgConn) rollback() error { return c.simple("ROLLBACK") }
func (c *pgConn) undo() error     { return c.simple("ROLLBACK TO SAVEPOINT u; RELEASE SAVEPOINT u") }

// ask runs a statement with those that wait, and returns once all have worked.
func (c *pgConn) ask(query string) error {
	if err := c.exec(query); err != nil {
		return err
	}
	return c.flush(nil)
}

// simple forgets what waits and runs statements that a failed transaction takes too.
func (c *pgConn) simple(query string) error {
	if c.c == nil || c.c.IsClosed() {
		return errLost
	}
	c.waiting = &pgx.Batch{}
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	return pgError(c.c.PgConn().Exec(ctx, query).Close())
}

func (c *pgConn) exec(query string, args ...any) error {
	if c.waiting.Len() >= waitingMost {
		if err := c.flush(nil); err != nil {
			return err
		}
	}
	c.waiting.Queue(c.translate(query), c.parameters(args)...)
	return nil
}

func (c *pgConn) run(query string, args ...any) (n int64, err error) {
	c.waiting.Queue(c.translate(query), c.parameters(args)...)
	err = c.flush(func(r pgx.BatchResults) error {
		tag, err := r.Exec()
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

func (c *pgConn) insert(id, query string, args ...any) (n int64, fresh bool, err error) {
	err = c.each(query+" RETURNING "+id, args, func(scan scanner) error {
		fresh = true
		return scan(&n)
	})
	return n, fresh, err
}

func (c *pgConn) each(query string, args []any, row func(scanner) error) error {
	c.waiting.Queue(c.translate(query), c.parameters(args)...)
	return c.flush(func(r pgx.BatchResults) error {
		rows, err := r.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		scan := func(dest ...any) error {
			for i, d := range dest {
				if raw, ok := d.(*sql.RawBytes); ok {
					dest[i] = (*pgtype.DriverBytes)(raw) // not copied either
				}
			}
			return rows.Scan(dest...)
		}
		for rows.Next() {
			if err := row(scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// flush sends what waits. answer reads the answer to the last statement; nil when nobody wants it.
func (c *pgConn) flush(answer func(pgx.BatchResults) error) (err error) {
	batch := c.waiting
	c.waiting = &pgx.Batch{}
	if batch.Len() == 0 {
		return nil
	}
	if c.c == nil || c.c.IsClosed() {
		return errLost
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	results := c.c.SendBatch(ctx, batch)
	defer func() {
		if closing := results.Close(); err == nil {
			err = pgError(closing)
		}
	}()
	silent := batch.Len()
	if answer != nil {
		silent--
	}
	for range silent {
		if _, err := results.Exec(); err != nil {
			return pgError(err)
		}
	}
	if answer != nil {
		return pgError(answer(results))
	}
	return nil
}

func (c *pgConn) close() error {
	if c.c == nil || c.c.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	return c.c.Close(ctx)
}

// The marks of a query.
var (
	pgList      = regexp.MustCompile(`(NOT )?IN LIST (\?\d*)`)
	pgParameter = regexp.MustCompile(`\?\d*`)
	pgOther     = strings.NewReplacer(" NOT INDEXED", "",
		"FROM TRIPLES ? o", "FROM (SELECT n - 1 AS key, v AS value FROM json_array_elements(?::json) WITH ORDINALITY AS x(v, n)) o")
)

// translate replaces the marks of a query.
func (c *pgConn) translate(query string) string {
	if words, ok := c.words[query]; ok {
		return words
	}
	words := pgList.ReplaceAllStringFunc(query, func(mark string) string {
		parts := pgList.FindStringSubmatch(mark)
		if parts[1] != "" {
			return "<> ALL (" + parts[2] + ")"
		}
		return "= ANY (" + parts[2] + ")"
	})
	n := 0
	words = pgParameter.ReplaceAllStringFunc(pgOther.Replace(words), func(mark string) string {
		if mark != "?" {
			return "$" + mark[1:]
		}
		n++
		return "$" + strconv.Itoa(n)
	})
	c.words[query] = words
	return words
}

// parameters makes the arguments what PostgreSQL takes.
func (c *pgConn) parameters(args []any) []any {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = pgText(v)
		case texts:
			list := make([]string, len(v))
			for n, s := range v {
				list[n] = pgText(s)
			}
			args[i] = list
		case numbers:
			args[i] = []int64(v)
		case triples:
			list := make([][3]string, len(v))
			for n, three := range v {
				list[n] = [3]string{pgText(three[0]), pgText(three[1]), pgText(three[2])}
			}
			raw, _ := json.Marshal(list) // texts always can be
			args[i] = string(raw)
		}
	}
	return args
}

// pgText is a text as PostgreSQL keeps it: it takes neither NUL nor what is not UTF-8, which a far side's words may hold.
func pgText(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// fenceCode is the SQLSTATE of fence() in the schema.
const fenceCode = "DB001"

// pgError makes an error of PostgreSQL one of the store. pgx keeps passwords out of its errors.
func pgError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == fenceCode {
		return fmt.Errorf("%w: %s", bridge.ErrLeaseLost, e.Message)
	}
	return err
}
