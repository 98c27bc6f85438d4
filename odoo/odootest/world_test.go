package odootest

import (
	"context"
	"sync"
	"testing"
	"time"

	"dingbridge/odoo"
)

// world is a server with a clock that stands still until told, and a client of it.
type world struct {
	*testing.T
	s     *Server
	url   string
	clock *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := &clock{now: time.Date(2026, 5, 4, 3, 2, 1, 123456000, time.UTC)}
	s, url := start(t, WithClock(c.Now), WithoutHR())
	w := &world{t, s, url, c}
	t.Cleanup(func() {
		if err := s.Err(); err != nil {
			t.Errorf("a direct call was refused: %v", err)
		}
	})
	return w
}

func (w *world) client(login, password string) *odoo.Client {
	w.Helper()
	c, err := odoo.New(odoo.Config{URL: w.url, Database: "o12", Login: login, Password: password, RetryWait: time.Millisecond, Timeout: 20 * time.Second})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Close)
	return c
}

func (w *world) admin() *odoo.Client { return w.client("admin", "admin") }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// touched runs edit a second later and tells whether it moved the record's write_date.
func (w *world) touched(model string, id int64, edit func()) bool {
	w.Helper()
	before := w.s.WriteDate(model, id)
	w.clock.Advance(time.Second)
	edit()
	return !w.s.WriteDate(model, id).Equal(before)
}

func ctx() context.Context { return context.Background() }

type vals = map[string]any
