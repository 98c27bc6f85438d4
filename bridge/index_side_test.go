package bridge

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestIndexSideIsAPlainTable compares the index with a table that is read from top to bottom.
func TestIndexSideIsAPlainTable(t *testing.T) {
	type record struct {
		id     ID
		hashes []uint64
		gone   bool
	}
	rapid.Check(t, func(t *rapid.T) {
		s := newIndexSide(2)
		var table []record
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			r := record{
				id:   ID(fmt.Sprint(rapid.IntRange(1, 8).Draw(t, "id"))),
				gone: rapid.Bool().Draw(t, "gone"),
			}
			if rapid.IntRange(0, 4).Draw(t, "there") > 0 {
				r.hashes = []uint64{rapid.Uint64Range(0, 4).Draw(t, "one"), rapid.Uint64Range(5, 7).Draw(t, "other")}
			}
			s.put(r.id, r.hashes, r.gone)
			table = slices.DeleteFunc(table, func(old record) bool { return old.id == r.id })
			table = append(table, r)
			for h := uint64(1); h < 8; h++ {
				var present, archived []ID
				for _, r := range table {
					switch {
					case !slices.Contains(r.hashes, h):
					case r.gone:
						archived = append(archived, r.id)
					default:
						present = append(present, r.id)
					}
				}
				if len(present) == 0 {
					present = archived
				}
				got := s.find(h)
				slices.Sort(got)
				slices.Sort(present)
				if !slices.Equal(got, present) {
					t.Fatalf("find(%d) = %v, want %v", h, got, present)
				}
			}
		}
		if most := len(s.ids); most > 8 {
			t.Fatalf("%d rows for 8 records", most)
		}
	})
}
