package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
	"dingbridge/mapping"
)

// fatLink is a link as an employee has it: twenty fields on both sides.
func fatLink(n int) *bridge.Link {
	l := &bridge.Link{
		Mapping: "employees", Odoo: bridge.ID(fmt.Sprint(n)), Ding: bridge.ID(fmt.Sprintf("odoo%d", n)), State: bridge.Linked,
		OdooCreated: "2026-01-02 03:04:05", Updated: time.Unix(1_800_000_000, 0).UTC(),
	}
	for f := range 20 {
		field := &mapping.Field{Key: fmt.Sprintf("field_%d", f), Signature: fmt.Sprintf("%016x", f)}
		v := mapping.Text(fmt.Sprintf("值 %d of %d", f, n))
		l.SetBase(mapping.Odoo, field, v)
		l.SetBase(mapping.DingTalk, field, v)
	}
	return l
}

// benchStore opens a store with that many links: a file, or where DINGBRIDGE_TEST_STORE=postgres asks for it a database that does not sync.
func benchStore(b *testing.B, links int) bridge.Store {
	b.Helper()
	address := filepath.Join(b.TempDir(), "state.db")
	if os.Getenv("DINGBRIDGE_TEST_STORE") == "postgres" {
		address = pgtest.Start(b)
	}
	s, err := Open(address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	for from := 1; from <= links; from += 5000 {
		err := s.Update(context.Background(), func(t bridge.Tx) error {
			for n := from; n < from+5000 && n <= links; n++ {
				if err := t.PutLink(fatLink(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkPutLinkNew500(b *testing.B) {
	s := benchStore(b, 0)
	n := 0
	for b.Loop() {
		err := s.Update(context.Background(), func(t bridge.Tx) error {
			for range 500 {
				n++
				if err := t.PutLink(fatLink(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutLinkAgain500(b *testing.B) {
	s := benchStore(b, 500)
	links := make([]*bridge.Link, 500)
	for i := range links {
		links[i] = fatLink(i + 1)
		links[i].ID = int64(i + 1)
	}
	for b.Loop() {
		err := s.Update(context.Background(), func(t bridge.Tx) error {
			for _, l := range links {
				if err := t.PutLink(l); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLinksOn500(b *testing.B) {
	s := benchStore(b, 5000)
	ids := make([]bridge.ID, 500)
	for i := range ids {
		ids[i] = bridge.ID(fmt.Sprint(i*7 + 1))
	}
	for b.Loop() {
		err := s.View(context.Background(), func(t bridge.Tx) error {
			got, err := t.LinksOn("employees", mapping.Odoo, ids)
			if err == nil && len(got) != 500 {
				err = fmt.Errorf("%d links", len(got))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOver100k(b *testing.B) {
	s := benchStore(b, 100_000)
	view := func(b *testing.B, fn func(bridge.Tx) error) {
		for b.Loop() {
			if err := s.View(context.Background(), fn); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("LinkIDs", func(b *testing.B) {
		view(b, func(t bridge.Tx) error { _, err := t.LinkIDs("employees"); return err })
	})
	b.Run("Links", func(b *testing.B) {
		view(b, func(t bridge.Tx) error {
			for _, err := range t.Links("employees") {
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("CountLinks", func(b *testing.B) {
		view(b, func(t bridge.Tx) error { _, err := t.CountLinks("employees"); return err })
	})
}

func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := benchStore(b, 0)
			b.SetParallelism(writers)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					key := bridge.LinkKey("m", int64(i%100+1))
					if err := s.Update(context.Background(), func(t bridge.Tx) error { return t.Touch(time.Time{}, key) }); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkTouch1000(b *testing.B) {
	s := benchStore(b, 0)
	keys := make([]bridge.Key, 1000)
	for i := range keys {
		keys[i] = bridge.LinkKey("employees", int64(i+1))
	}
	for b.Loop() {
		if err := s.Update(context.Background(), func(t bridge.Tx) error { return t.Touch(time.Time{}, keys...) }); err != nil {
			b.Fatal(err)
		}
	}
}
