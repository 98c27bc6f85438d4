package odootest

import (
	"fmt"
	"testing"
)

// crowd is a server with n employees in 100 departments.
func crowd(b *testing.B, n int) *Server {
	b.Helper()
	s := New(WithoutHR())
	for i := range 100 {
		s.Create("hr.department", map[string]any{"name": fmt.Sprint("D", i)})
	}
	for i := range n {
		s.Create("hr.employee", map[string]any{"name": fmt.Sprint("E", i), "department_id": 3 + i%100, "work_email": "e@example.com"})
	}
	if err := s.Err(); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkSearchRead10k(b *testing.B) {
	s := crowd(b, 10000)
	fields := []any{"name", "department_id", "parent_id", "job_id", "work_email", "mobile_phone", "active", "write_date", "user_id", "company_id", "barcode", "category_ids"}
	for b.Loop() {
		got, err := s.As("admin").Call("hr.employee", "search_read", []any{[]any{}}, map[string]any{"fields": fields})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := encodeResult(got); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPollWithoutChange10k(b *testing.B) {
	s := crowd(b, 10000)
	for b.Loop() {
		if _, err := s.As("admin").Call("hr.employee", "search_read", []any{[]any{[]any{"write_date", ">=", "2100-01-01 00:00:00"}}}, map[string]any{"order": "id"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad500(b *testing.B) {
	s := crowd(b, 10000)
	round := 0
	for b.Loop() {
		round++
		rows := make([]any, 500)
		for i := range rows {
			rows[i] = []any{fmt.Sprintf("x.u%d_%d", round, i), "N", "5"}
		}
		got, err := s.As("admin").Call("hr.employee", "load", []any{[]any{"id", "name", "department_id/.id"}, rows}, nil)
		if err != nil || got.(map[string]any)["ids"] == false {
			b.Fatal(got, err)
		}
	}
}

func BenchmarkWriteOneOf10k(b *testing.B) {
	s := crowd(b, 10000)
	for b.Loop() {
		if err := s.Write("hr.employee", 5000, map[string]any{"name": "x", "department_id": 7}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnlinkOneOf10k(b *testing.B) {
	s := crowd(b, 10000)
	for b.Loop() {
		id := s.Create("hr.employee", map[string]any{"name": "x"})
		if err := s.Unlink("hr.employee", id); err != nil {
			b.Fatal(err)
		}
	}
}
