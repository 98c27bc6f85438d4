package odoo

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
)

// after is the id a page begins behind.
func after(h heard) int64 {
	for _, token := range h.args()[0].([]any) {
		if term, ok := token.([]any); ok && term[0] == "id" && term[1] == ">" {
			return term[2].(int64)
		}
	}
	return -1
}

// table answers search_read from ascending ids, with a lost row here and there, as record rules and deletions cause.
func table(ids []int64, hidden map[int64]bool) func(int, heard) reply {
	return func(_ int, h heard) reply {
		limit, from := h.named()["limit"].(int64), after(h)
		var page []int64
		for _, id := range ids {
			if id > from && int64(len(page)) < limit {
				page = append(page, id)
			}
		}
		var shown []int64
		for _, id := range page {
			if !hidden[id] {
				shown = append(shown, id)
			}
		}
		return reply{body: rowsAnswer(shown...)}
	}
}

func collect(ctx context.Context, c *Client, size int) (ids []int64, err error) {
	for page, e := range c.Pages(ctx, "m", Domain{Cond("a", "=", 1), Cond("b", "=", 2)}, []string{"a"}, size, Context{"active_test": false}) {
		if e != nil {
			return ids, e
		}
		for _, r := range page {
			ids = append(ids, r["id"].(int64))
		}
	}
	return ids, nil
}

func TestPagesGoByID(t *testing.T) {
	s := serve(t, table([]int64{1, 2, 3, 5, 8, 13, 21}, map[int64]bool{3: true}))
	got, err := collect(t.Context(), s.client(nil), 3)
	if err != nil || !reflect.DeepEqual(got, []int64{1, 2, 5, 8, 13, 21}) {
		t.Errorf("got %v, %v", got, err)
	}
	sent := s.last()
	want := []any{"&", []any{"id", ">", int64(21)}, "&", []any{"a", "=", int64(1)}, []any{"b", "=", int64(2)}}
	if !reflect.DeepEqual(sent.args()[0], want) || sent.named()["order"] != "id" || sent.named()["context"].(map[string]any)["active_test"] != false {
		t.Errorf("sent %v %v", sent.args(), sent.named())
	}
}

func TestALoopThatStopsAsksNoMore(t *testing.T) {
	s := serve(t, table([]int64{1, 2, 3, 4}, nil))
	for range s.client(nil).Pages(t.Context(), "m", nil, nil, 1, nil) {
		break
	}
	if n := s.count("execute_kw"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestASlowPageIsHalved(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	rows := table([]int64{1, 2, 3, 4, 5}, nil)
	s := serve(t, func(n int, h heard) reply {
		if h.named()["limit"].(int64) > 2 {
			return reply{wait: hold}
		}
		return rows(n, h)
	})
	defer close(hold)
	c := s.client(func(cfg *Config) { cfg.Timeout = time.Second })
	got, err := collect(t.Context(), c, 8)
	if err != nil || !reflect.DeepEqual(got, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestATooLargePageIsHalved(t *testing.T) {
	s := serve(t, table([]int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil))
	got, err := collect(t.Context(), s.client(func(cfg *Config) { cfg.MaxResponse = 700 }), 9)
	if err != nil || len(got) != 9 {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = collect(t.Context(), s.client(func(cfg *Config) { cfg.MaxResponse = 150 }), 9)
	if !errors.Is(err, errTooLarge) {
		t.Errorf("a row that is too large alone: %v", err)
	}
}

func TestPagesThatCannotGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		class Class
	}{
		"the same page again": {rowsAnswer(1, 2), Reject},
		"not ascending":       {rowsAnswer(2, 1), Reject},
		"invented ids":        {recorded(t, "event-search-read-virtual-ids"), Retry},
		"a fault":             {recorded(t, "fault-unknown-field-domain"), Reject},
	} {
		s := serve(t, func(int, heard) reply { return reply{body: c.body} })
		_, err := collect(t.Context(), s.client(nil), 2)
		if e := failure(t, err); e.Class != c.class {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestPagesEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rows := table([]int64{1, 2, 3, 4}, nil)
	s := serve(t, func(n int, h heard) reply {
		if n == 2 {
			cancel()
			return reply{drop: true}
		}
		return rows(n, h)
	})
	got, err := collect(ctx, s.client(nil), 2)
	if !errors.Is(err, context.Canceled) || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
}
